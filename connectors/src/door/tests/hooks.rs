//! Webhooks and imports: what is taken, what is not, and what never becomes a claim.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use tower::ServiceExt;

use super::on_both_stores;
use crate::door::store::counters as names;
use crate::door::tests::house::*;
use crate::door::{Door, ImportError, InboxState};

on_both_stores! {
    a_push_without_the_right_header_leaves_no_row,
    oversized_and_encoded_pushes_are_refused,
    repeats_of_a_push_are_answered_and_counted,
    unreadable_pushes_are_stored_quarantined_and_answered,
    a_hint_about_an_unknown_object_makes_nothing,
    without_a_store_a_push_is_answered_503,
    imports_are_checked_and_answered,
}

fn request(door: &Door) -> axum::http::request::Builder {
    let id = door.connection("main").unwrap();
    Request::post(format!("/webhooks/{id}"))
}

async fn send(door: &Arc<Door>, request: Request<Body>) -> Response {
    door.router().oneshot(request).await.unwrap()
}

async fn push(door: &Arc<Door>, body: &str) -> StatusCode {
    let request = request(door).header(HEADER, SECRET).body(Body::from(body.to_owned())).unwrap();
    send(door, request).await.status()
}

async fn problem(response: Response) -> (StatusCode, String) {
    let status = response.status();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    let bytes = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(value["status"], status.as_u16());
    (status, value["type"].as_str().unwrap().trim_start_matches("urn:ensimbi:problem:").to_owned())
}

async fn rows(house: &House, door: &Door) -> u64 {
    door.pending(house.clock.now_time()).await.unwrap().inbox_new
}

trait Now {
    fn now_time(&self) -> ensimbi_events::Time;
}

impl Now for ensimbi_events::simtime::SimClock {
    fn now_time(&self) -> ensimbi_events::Time {
        ensimbi_events::Clock::now(self)
    }
}

async fn a_push_without_the_right_header_leaves_no_row(house: House) {
    let door = house.open().await;
    let body = || Body::from(body("c1", None, "success"));
    let wrong = [
        request(&door).body(body()).unwrap(),
        request(&door).header(HEADER, "wrong").body(body()).unwrap(),
        request(&door).header(HEADER, "").body(body()).unwrap(),
        request(&door).header(HEADER, SECRET).header(HEADER, SECRET).body(body()).unwrap(),
        request(&door).header("x-other", SECRET).body(body()).unwrap(),
        request(&door).header(HEADER, format!("{SECRET} ")).body(body()).unwrap(),
    ];
    for request in wrong {
        assert_eq!(problem(send(&door, request).await).await, (StatusCode::UNAUTHORIZED, "not_authentic".into()));
    }
    let id = door.connection("main").unwrap().to_string();
    for path in ["/webhooks/main", "/webhooks/00000000-0000-0000-0000-000000000000", &format!("/webhooks/{{{id}}}")] {
        let request = Request::post(path).header(HEADER, SECRET).body(body()).unwrap();
        assert_eq!(problem(send(&door, request).await).await, (StatusCode::NOT_FOUND, "unknown_connection".into()));
    }
    let get = Request::get(format!("/webhooks/{id}")).body(Body::empty()).unwrap();
    let wrong_method = problem(send(&door, get).await).await;
    assert_eq!(wrong_method, (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed".into()));
    assert_eq!(rows(&house, &door).await, 0);
    let next = request(&door).header(HEADER, NEXT_SECRET).body(body()).unwrap();
    assert_eq!(send(&door, next).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(rows(&house, &door).await, 1);
}

async fn oversized_and_encoded_pushes_are_refused(house: House) {
    let door = house.open().await;
    let large = "x".repeat(256 * 1024 + 1);
    let too_large = (StatusCode::PAYLOAD_TOO_LARGE, "too_large".to_owned());
    let declared = request(&door).header(HEADER, SECRET).header("content-length", large.len());
    assert_eq!(problem(send(&door, declared.body(Body::empty()).unwrap()).await).await, too_large);
    let pieces = futures_util::stream::iter(vec![Ok::<_, std::io::Error>(large.clone())]);
    let streamed = request(&door).header(HEADER, SECRET).body(Body::from_stream(pieces)).unwrap();
    assert_eq!(problem(send(&door, streamed).await).await, too_large);
    let headers = request(&door).header(HEADER, SECRET).header("x-long", "y".repeat(17_000));
    assert_eq!(problem(send(&door, headers.body(Body::from("{}")).unwrap()).await).await, too_large);
    let zipped = request(&door).header(HEADER, SECRET).header("content-encoding", "gzip");
    let zipped = problem(send(&door, zipped.body(Body::from("{}")).unwrap()).await).await;
    assert_eq!(zipped, (StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_body".into()));
    assert_eq!(push(&door, "").await, StatusCode::BAD_REQUEST);
    assert_eq!(rows(&house, &door).await, 0);
    assert_eq!(push(&door, &"x".repeat(256 * 1024)).await, StatusCode::NO_CONTENT);
}

async fn repeats_of_a_push_are_answered_and_counted(house: House) {
    let door = house.open().await;
    for _ in 0..3 {
        assert_eq!(push(&door, &body("c1", None, "success")).await, StatusCode::NO_CONTENT);
    }
    assert_eq!(rows(&house, &door).await, 1);
    assert_eq!(count(&door, names::DUPLICATES).await, 2);
    let running = house.start(&door);
    house.settle(&door).await;
    assert_eq!(push(&door, &body("c1", None, "success")).await, StatusCode::NO_CONTENT);
    assert_eq!(rows(&house, &door).await, 0);
    running.stop().await;
}

async fn unreadable_pushes_are_stored_quarantined_and_answered(house: House) {
    let running = house.run().await;
    for body in ["not json", "{\"id\":7}", "\u{0}\u{1}"] {
        assert_eq!(push(&running.door, body).await, StatusCode::NO_CONTENT);
    }
    house.settle(&running.door).await;
    assert_eq!(count(&running.door, names::QUARANTINED).await, 3);
    running.stop().await;
}

async fn a_hint_about_an_unknown_object_makes_nothing(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    assert_eq!(push(&running.door, &body("c1", Some("not-ours"), "success")).await, StatusCode::NO_CONTENT);
    house.pass(&running.door, std::time::Duration::from_secs(3_600)).await;
    assert_eq!(count(&running.door, names::UNKNOWN_HINTS).await, 1);
    assert!(house.fake.asked().is_empty() && ledger.claims().is_empty());
    running.stop().await;
}

async fn without_a_store_a_push_is_answered_503(house: House) {
    let door = house.open().await;
    door.close().await;
    let request = request(&door).header(HEADER, SECRET).body(Body::from("{}")).unwrap();
    let response = send(&door, request).await;
    assert_eq!(response.headers()[header::RETRY_AFTER], "5");
    assert_eq!(problem(response).await, (StatusCode::SERVICE_UNAVAILABLE, "unavailable".into()));
    assert!(door.ping().await.is_err());
}

async fn imports_are_checked_and_answered(house: House) {
    let _ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    let main = door.connection("main").unwrap();
    let success = body("c1", None, "success");
    let wrong = door.import(main, "statement", success.as_bytes(), "person-1").await.unwrap_err();
    assert!(matches!(&wrong, ImportError::UnknownKind(kinds) if kinds.contains(&STATUS)), "{wrong}");
    assert!(matches!(door.import(main, STATUS, b"", "person-1").await, Err(ImportError::Size)));
    assert!(matches!(door.import(main, STATUS, &vec![b'x'; 1_048_577], "p").await, Err(ImportError::Size)));
    assert!(matches!(door.import(main, STATUS, b"{}", "a name").await, Err(ImportError::Actor)));

    let receipt = door.import(main, STATUS, success.as_bytes(), "person-1").await.unwrap();
    assert!(!receipt.repeated);
    let wait = super::house::PATIENCE;
    let outcome = door.wait_for(receipt.observation, wait).await.unwrap().unwrap();
    assert!(outcome.is_complete() && outcome.state == InboxState::Translated);
    assert_eq!(outcome.claims.len(), 1);
    assert_eq!(outcome.claims[0].word, "CollectionSucceeded");

    let again = door.import(main, STATUS, success.as_bytes(), "person-2").await.unwrap();
    assert!(again.repeated && again.observation == receipt.observation);
    let hint = door.import(main, "webhook", success.as_bytes(), "person-1").await.unwrap();
    let outcome = door.wait_for(hint.observation, wait).await.unwrap().unwrap();
    assert_eq!((outcome.state, outcome.claims.len()), (InboxState::HintDone, 0));
    running.stop().await;
}
