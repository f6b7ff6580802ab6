//! Tokens: one for all, renewed in time.

use std::sync::Arc;
use std::time::Duration;

use ensimbi_connectors::connector::CallError;
use ensimbi_events::Clock;

use super::support::*;

#[tokio::test]
async fn fifty_calls_at_once_ask_for_one_token() {
    let scene = Arc::new(scene(vec![]).await);
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let scene = scene.clone();
            tokio::spawn(async move { scene.read().await.map(|_| ()) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!((scene.tokens(), scene.seen().len()), (1, 50));
}

#[tokio::test]
async fn fifty_calls_at_once_share_one_failed_token_request() {
    let scene = Arc::new(scene(vec![]).await);
    scene.script.token_answers.lock().unwrap().push_back(answer(503, ""));
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let scene = scene.clone();
            tokio::spawn(async move { scene.read().await.map(|_| ()) })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Err(CallError::NotSent("no token: status 503".to_owned())));
    }
    assert_eq!((scene.tokens(), scene.seen().len()), (1, 0));
    scene.read().await.unwrap();
    assert_eq!(scene.tokens(), 2);
}

#[tokio::test]
async fn a_token_is_renewed_thirty_seconds_before_its_end() {
    let scene = scene(vec![]).await;
    let start = scene.clock.now();
    for (seconds, tokens) in [(0, 1), (269, 1), (270, 2), (539, 2), (540, 3)] {
        scene.clock.advance_to(start.plus(Duration::from_secs(seconds)));
        scene.read().await.unwrap();
        assert_eq!(scene.tokens(), tokens, "{seconds} s");
    }
}

#[tokio::test]
async fn a_401_renews_the_token_and_sends_once_more() {
    let scene = scene(vec![answer(401, ""), answer(200, GOOD)]).await;
    scene.collect().await.unwrap();
    let bearers: Vec<String> = scene.seen().into_iter().map(|(_, _, bearer, _)| bearer).collect();
    assert_eq!(bearers, ["Bearer token-1", "Bearer token-2"]);
    assert_eq!(scene.seen()[0].3, scene.seen()[1].3);
}

#[tokio::test]
async fn a_second_401_is_a_matter_of_credentials() {
    let scene = scene(vec![answer(401, r#"{"statusCode":401}"#), answer(401, "")]).await;
    assert!(matches!(error(scene.collect().await), CallError::Credentials(_)));
    assert_eq!((scene.tokens(), scene.seen().len()), (2, 2));
}

#[tokio::test]
async fn token_answers_mean_what_they_mean() {
    let wait = vec![("retry-after", "7")];
    let cases: [(Answer, Meaning); 8] = [
        (answer(400, r#"{"error":"invalid_client"}"#), |e| {
            *e == CallError::Credentials("token request: status 400 invalid_client".into())
        }),
        (answer(401, ""), |e| *e == CallError::Credentials("token request: status 401".into())),
        ((429, wait, String::new()), |e| *e == CallError::RateLimited(Duration::from_secs(7))),
        (answer(500, "<html>"), |e| matches!(e, CallError::NotSent(_))),
        (answer(200, "<html>"), |e| matches!(e, CallError::NotSent(_))),
        (answer(200, r#"{"access_token":null}"#), |e| matches!(e, CallError::NotSent(_))),
        (answer(200, r#"{"access_token":"a b"}"#), |e| matches!(e, CallError::NotSent(_))),
        (answer(400, r#"{"error":"no John Doe"}"#), |e| matches!(e, CallError::Credentials(_))),
    ];
    for (token_answer, expected) in cases {
        let scene = scene(vec![]).await;
        scene.script.token_answers.lock().unwrap().push_back(token_answer.clone());
        let got = error(scene.collect().await);
        assert!(expected(&got), "{token_answer:?}: {got:?}");
        assert!(scene.seen().is_empty());
    }
}

#[tokio::test]
async fn token_lifetimes_are_bounded() {
    for (expires_in, after, tokens) in [("\"300\"", 269, 1), ("0", 1, 2), ("99999999999", 86_370, 2), ("null", 270, 2)]
    {
        let scene = scene(vec![]).await;
        let body = format!(r#"{{"access_token":"token-x","expires_in":{expires_in}}}"#);
        scene.script.token_answers.lock().unwrap().push_back((200, vec![], body));
        scene.read().await.unwrap();
        scene.clock.advance_to(scene.clock.now().plus(Duration::from_secs(after)));
        scene.read().await.unwrap();
        assert_eq!(scene.tokens(), tokens, "{expires_in}");
    }
}
