//! What each answer means for money.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use ensimbi_connectors::connector::{CallError, Connector, ObjectRef};
use ensimbi_connectors::providers::iotec::Iotec;
use ensimbi_events::Time;
use ensimbi_events::simtime::SimClock;
use serde_json::json;

use super::support::*;

#[tokio::test]
async fn every_answer_has_one_meaning() {
    let not_found: Meaning = |error| *error == CallError::NotFound;
    let waits_30: Meaning = |error| *error == CallError::RateLimited(Duration::from_secs(30));
    let waits_an_hour: Meaning = |error| *error == CallError::RateLimited(Duration::from_secs(3_600));
    let waits_1: Meaning = |error| *error == CallError::RateLimited(Duration::from_secs(1));
    let gone = r#"{"message":"Transaction was Not Found","code":"BadRequest"}"#;
    let limited = |value: &'static str| (429, vec![("retry-after", value)], String::new());
    let cases: Vec<(Answer, Meaning, Meaning)> = vec![
        (answer(500, r#"{"message":"x"}"#), unknown, unknown),
        (answer(502, "<html>"), unknown, unknown),
        (answer(503, ""), unknown, unknown),
        (answer(200, "<html><body>ok</body></html>"), unknown, unknown),
        (answer(200, &GOOD[..GOOD.len() / 2]), unknown, unknown),
        (answer(200, r#"{"status":"Success"}"#), unknown, unknown),
        (answer(200, "null"), unknown, unknown),
        (answer(200, "[]"), unknown, not_found),
        (answer(200, "[[\"a\"]]"), unknown, unknown),
        (answer(204, ""), unknown, unknown),
        ((302, vec![("location", "/elsewhere")], String::new()), unknown, unknown),
        (answer(400, r#"{"message":"Invalid ioTec wallet","code":"BadRequest"}"#), refused, refused),
        (answer(400, r#"{"title":"One or more validation errors","errors":{"amount":["x"]}}"#), refused, refused),
        (answer(400, "<html>"), unknown, unknown),
        (answer(400, gone), refused, not_found),
        (answer(403, r#"{"message":"no"}"#), refused, refused),
        (answer(404, r#"{"statusCode":404}"#), refused, not_found),
        (answer(404, ""), unknown, not_found),
        (answer(408, "{}"), unknown, unknown),
        (answer(409, "{}"), unknown, unknown),
        (answer(422, "{}"), refused, refused),
        (answer(429, ""), waits_30, waits_30),
        (limited("0"), waits_1, waits_1),
        (limited("999999"), waits_an_hour, waits_an_hour),
        (limited("Wed, 21 Oct 2026 07:28:00 GMT"), waits_30, waits_30),
    ];
    for (given, on_collect, on_read) in cases {
        let scene = scene(vec![given.clone(); 4]).await;
        let collect = error(scene.collect().await);
        assert!(on_collect(&collect), "{given:?} on collect: {collect:?}");
        let read = error(scene.read().await);
        assert!(on_read(&read), "{given:?} on read: {read:?}");
        let pay = error(scene.pay().await);
        assert!(on_collect(&pay), "{given:?} on pay: {pay:?}");
        let payout = ObjectRef { kind: "disbursement", ..by_id("123e4567") };
        let read = error(one(scene.client.read(&payout, None).await));
        assert!(on_read(&read), "{given:?} on a payout's read: {read:?}");
        assert_eq!(scene.seen().len(), 4, "nothing is repeated: {given:?}");
    }
}

#[tokio::test]
async fn their_words_are_shown_without_a_partys() {
    let told = r"Payer John Doe\n(256771234567, +256-771-234-567, j@x.ug) needs the test wallet";
    let message = format!(r#"{{"message":"{told}","code":"BadRequest"}}"#);
    let scene = scene(vec![answer(400, &message)]).await;
    let refused = error(scene.collect().await);
    let expected = "status 400 Payer (name) (hidden) (hidden) (hidden) needs the test wallet BadRequest";
    assert_eq!(refused, CallError::Refused(expected.to_owned()));
}

#[tokio::test]
async fn a_broken_wire_is_unknown_and_a_closed_door_is_not_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let broken = format!("http://{}", listener.local_addr().unwrap());
    let tokens = scene(vec![]).await;
    drop(tokens.client);
    let server = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut silent = Vec::new();
        for turn in 0.. {
            let Ok((mut socket, _)) = listener.accept().await else { return };
            let mut request = [0; 4_096];
            let _ = socket.read(&mut request).await;
            match turn {
                0 => drop(socket),
                1 => {
                    let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"id\":\"1\"").await;
                }
                _ => silent.push(socket),
            }
        }
    });
    // The token comes from a healthy server, the call goes to the broken one.
    let script = Arc::new(Script::default());
    let app = Router::new().fallback(serve).with_state(script.clone());
    let healthy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let token_url = format!("http://{}/id", healthy.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(healthy, app).await });
    let clock = Arc::new(SimClock::new(Time::from_micros(0)));
    let mut settings = settings(&broken, json!({}));
    settings.urls.insert("token".into(), token_url);
    let client = Iotec.connect(&settings, clock.clone()).unwrap();
    for order_of in ["payout", "collection", "payout"] {
        let lost = if order_of == "payout" { client.pay(&payout()).await } else { client.collect(&order()).await };
        assert!(unknown(&error(lost)), "{order_of}");
    }
    server.abort();
    let _ = server.await;
    assert!(matches!(error(client.collect(&order()).await), CallError::NotSent(_)));
    assert!(matches!(error(client.pay(&payout()).await), CallError::NotSent(_)));
    assert_eq!(script.tokens.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_refused_bank_payout_shows_neither_holder_nor_account() {
    let told = "Account AC12345 of John Doe (1234567890) is closed";
    let message = format!(r#"{{"message":"{told}","code":"BadRequest"}}"#);
    let scene = scene(vec![answer(400, &message)]).await;
    let refused = error(scene.client.pay(&bank_payout()).await);
    assert_eq!(
        refused,
        CallError::Refused("status 400 Account AC12345 of (name) ((name)) is closed BadRequest".to_owned())
    );
}
