//! What each answer means: before the execution, of it, and after it.

use std::time::Duration;

use super::support::*;

const WAIT: Meaning = |why| *why == CallError::RateLimited(Duration::from_secs(7));
const WAIT_UNNAMED: Meaning = |why| *why == CallError::RateLimited(Duration::from_secs(30));

fn wait(value: Option<&'static str>) -> Answer {
    (429, value.map(|value| ("retry-after", value)).into_iter().collect(), r#"{"detail":"slow"}"#.into())
}

/// From the execution on, what is not clear is unknown, and nothing is sent twice.
#[tokio::test]
async fn every_answer_of_an_execution_is_one_decision() {
    let other = execution("COLLECTION", "PROCESSING").to_string().replace("550e8400", "660e8400");
    let cases: [(Answer, Meaning); 21] = [
        (answer(422, MISSING), |why| *why == CallError::Refused("status 422, body.currency".into())),
        (answer(422, TEXT), |why| *why == CallError::Refused("status 422".into())),
        (answer(400, TEXT), refused),
        (answer(403, TEXT), refused),
        (answer(404, TEXT), refused),
        (answer(422, DUPLICATE), unknown),
        (answer(422, "<html>"), unknown),
        (answer(404, "<html>"), unknown),
        (answer(408, TEXT), unknown),
        (answer(409, TEXT), unknown),
        (answer(302, ""), unknown),
        (answer(500, MISSING), unknown),
        (answer(503, ""), unknown),
        (answer(204, ""), unknown),
        (answer(200, "<html>"), unknown),
        (answer(200, "{}"), unknown),
        (answer(200, MISSING), unknown),
        (answer(200, other), unknown),
        (answer(200, execution("PAYOUT", "PROCESSING")), unknown),
        (wait(Some("7")), WAIT),
        (wait(None), WAIT_UNNAMED),
    ];
    for (scripted, meaning) in cases {
        let text = format!("{} {}", scripted.0, scripted.2);
        let scene = scene().await.on(EXECUTE, scripted);
        let why = error(scene.client.collect(&order()).await);
        assert!(meaning(&why), "{text}: {why:?}");
        assert_eq!(scene.calls().iter().filter(|call| *call == EXECUTE).count(), 1, "{text}");
    }
    for word in ["PENDING", "PROCESSING", "COMPLETED", "SUCCESSFUL", "FAILED", "CANCELED", "EXPIRED", "COMET"] {
        let scene = scene().await.on(EXECUTE, answer(200, execution("collection", word)));
        let taken = scene.client.collect(&order()).await.unwrap();
        assert_eq!((taken.kind, taken.status), ("execution", 200), "{word}");
    }
}

/// Before the execution nothing has left us: without a clear refusal it is tried again, and the execution is not made.
#[tokio::test]
async fn what_fails_before_the_execution_was_not_sent() {
    for route in
        ["GET /v1/predictions/mmo-provider-info", "POST /v1/sessions/checkout", "POST /v1/payment-accounts/create"]
    {
        let cases: [(Answer, Meaning); 11] = [
            (answer(422, MISSING), refused),
            (answer(422, DUPLICATE), refused),
            (answer(404, TEXT), refused),
            (answer(403, TEXT), refused),
            (answer(404, "<html>"), not_sent),
            (answer(409, TEXT), not_sent),
            (answer(500, TEXT), not_sent),
            (answer(200, "<html>"), not_sent),
            (answer(200, "{}"), not_sent),
            (answer(302, ""), not_sent),
            (wait(Some("7")), WAIT),
        ];
        for (scripted, meaning) in cases {
            let text = format!("{route}: {} {}", scripted.0, scripted.2);
            let scene = scene().await.on(route, scripted);
            let why = error(scene.client.collect(&order()).await);
            assert!(meaning(&why), "{text}: {why:?}");
            assert!(!scene.calls().iter().any(|call| call == EXECUTE), "{text}");
        }
    }
}

/// A first step moves nothing, so what is not clear about its last call is repeated as well.
#[tokio::test]
async fn what_fails_in_a_first_step_is_refused_or_can_be_repeated() {
    for route in ["POST /v1/parties/create", "POST /v1/orders/create", "POST /v1/orders/201/items/add"] {
        let scene = scene_as(|_| ()).await.on(route, answer(500, "")).on(route, answer(422, MISSING));
        assert!(not_sent(&error(scene.make(&order()).await.map(drop))), "{route}");
        assert!(refused(&error(scene.make(&order()).await.map(drop))), "{route}");
    }
    let route = "PUT /v1/orders/publish/201";
    let scene = scene().await.on(route, answer(500, "")).on(route, answer(422, TEXT)).on(route, answer(200, "null"));
    assert!(unknown(&error(scene.make(&order()).await.map(drop))));
    assert!(refused(&error(scene.make(&order()).await.map(drop))));
    assert!(unknown(&error(scene.make(&order()).await.map(drop))));
}

/// 401 proves that nothing was done under that token: one new one, the same request once more, and no third time.
#[tokio::test]
async fn a_token_refused_on_the_way_is_renewed_once() {
    for route in ["POST /v1/sessions/checkout", EXECUTE] {
        let scene = scene_as(|_| ()).await.on(route, answer(401, TEXT));
        scene.client.collect(&order()).await.unwrap();
        let seen: Vec<Seen> = scene.seen().into_iter().filter(|seen| seen.call == route).collect();
        assert_eq!(
            seen.iter().map(|seen| seen.bearer.as_str()).collect::<Vec<_>>(),
            ["Bearer token-1", "Bearer token-2"]
        );
        assert_eq!((seen[0].body.clone(), scene.tokens()), (seen[1].body.clone(), 2));
        let scene = scene_as(|_| ()).await.on(route, answer(401, TEXT)).on(route, answer(401, TEXT));
        assert!(credentials(&error(scene.client.collect(&order()).await)));
        assert_eq!(scene.calls().iter().filter(|call| *call == route).count(), 2);
    }
}

#[tokio::test]
async fn a_read_of_nothing_is_not_found_and_a_refusal_shows_places_only() {
    let route = format!("GET /v1/status/collection/{REFERENCE}");
    let cases: [(Answer, Meaning); 9] = [
        (answer(404, TEXT), not_found),
        (answer(404, "<html>"), not_found),
        (answer(422, MISSING), |why| *why == CallError::Refused("status 422, body.currency".into())),
        (answer(403, TEXT), refused),
        (answer(500, TEXT), unknown),
        (answer(200, "{}"), unknown),
        (answer(200, execution("PAYOUT", "COMPLETED")), unknown),
        (wait(Some("7")), WAIT),
        (wait(None), WAIT_UNNAMED),
    ];
    for (scripted, meaning) in cases {
        let text = format!("{} {}", scripted.0, scripted.2);
        let scene = scene().await.on(&route, scripted);
        let why = error(scene.read("collection", REFERENCE, Some("ORDER-201-PARTY-42")).await);
        assert!(meaning(&why), "{text}: {why:?}");
        assert_eq!(scene.calls().len(), 1);
    }
}

#[tokio::test]
async fn nobody_listening_is_not_sent() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let scene = scene_as(|settings| drop(settings.urls.insert("api".into(), format!("http://{free}")))).await;
    assert!(not_sent(&error(scene.client.collect(&order()).await)));
    assert!(not_sent(&error(scene.make(&order()).await.map(drop))));
    assert!(not_sent(&error(scene.read("fee_tiers", "all", None).await)));
}

/// Calls show nothing of themselves either.
#[test]
fn what_is_debugged_shows_no_secret_and_no_party() {
    let text = format!("{:?} {:?} {:?}", settings("http://127.0.0.1:9", json!({})), payout(), order().payer);
    for secret in [SECRET, PASSCODE, "client-0001", "Jane", "771234567", "770000000"] {
        assert!(!text.contains(secret), "{text}");
    }
}
