//! Reads: which call for which object, and what comes back.

use super::support::*;

fn object(kind: &'static str, id: &str) -> ObjectRef {
    ObjectRef { kind, id: Some(id.to_owned()), reference: Some("ref".to_owned()) }
}

#[tokio::test]
async fn each_object_is_read_by_its_own_call() {
    let request = json!({"id": "s-1", "type": "statement_request", "status": "pending", "download_url": null});
    for (kind, id, body, call, bytes) in [
        ("purchase", PURCHASE, purchase("paid"), format!("GET /api/v1/purchases/{PURCHASE}/"), "purchase_status"),
        ("payout", PAYOUT, paid_out("success"), format!("GET /api/v1/payouts/{PAYOUT}/"), "payout_status"),
        ("balance", "all", json!({"UGX": {}}), "GET /api/v1/account/json/balance/".into(), "balance"),
        ("public_key", "all", json!("-----BEGIN"), "GET /api/v1/public_key/".into(), "public_key"),
        ("statement", "s-1", request, "GET /api/v1/company_statements/s-1/".into(), "statement_request"),
    ] {
        let scene = scene(vec![answer(200, body)]).await;
        let answers = scene.client.read(&object(kind, id), None).await.unwrap();
        assert_eq!((answers.len(), answers[0].kind), (1, bytes));
        assert_eq!(scene.calls(), [call]);
        assert_eq!(scene.seen()[0].bearer, "Bearer very-secret-key");
    }
    let scene = scene(vec![]).await;
    for kind in ["payment", "dispute", "invoice", "row"] {
        assert_eq!(error(scene.client.read(&object(kind, "x"), None).await), CallError::NotOffered);
    }
    for kind in ["purchase", "payout", "statement"] {
        assert!(refused(&error(scene.client.read(&object(kind, ".."), None).await)), "{kind}");
    }
    let nameless = ObjectRef { id: None, ..object("purchase", "x") };
    assert_eq!(error(scene.client.read(&nameless, None).await), CallError::NotOffered);
    assert!(scene.seen().is_empty());
}

#[tokio::test]
async fn what_an_answer_to_a_read_means() {
    let cases: [(Answer, Meaning); 6] = [
        (answer(404, "{}"), |why| *why == CallError::NotFound),
        (answer(401, "{}"), |why| matches!(why, CallError::Credentials(_))),
        (answer(500, ""), unknown),
        (answer(200, "<html>"), unknown),
        (answer(200, with(purchase("paid"), "/id", json!("another"))), unknown),
        (answer(200, with(purchase("paid"), "/status", json!(null))), unknown),
    ];
    for (scripted, meaning) in cases {
        let scene = scene(vec![scripted]).await;
        let why = error(scene.client.read(&object("purchase", PURCHASE), None).await);
        assert!(meaning(&why), "{why:?}");
    }
}

#[tokio::test]
async fn a_statement_is_asked_for_over_the_last_days() {
    let request = json!({"id": "s-1", "type": "statement_request", "status": "pending"});
    let options = json!({"client_email": "us@example.com", "statement_days": "2"});
    let scene = scene_with(vec![answer(201, request)], options).await;
    let answers = scene.client.read(&object("statement", "all"), None).await.unwrap();
    assert_eq!((answers.len(), answers[0].kind), (1, "statement_request"));
    assert_eq!(scene.calls(), ["POST /api/v1/company_statements/?from=1757663869&to=1757836669"]);
    assert_eq!(scene.sent(0), json!({"format": "csv", "timezone": "UTC"}));
}

fn ready(link: &str) -> Answer {
    answer(200, json!({"id": "s-1", "type": "statement_request", "status": "success", "download_url": link}))
}

#[tokio::test]
async fn a_statement_is_fetched_at_once_without_our_key() {
    let scene = scene(vec![ready("BASE/file/1?X-Amz-Signature=a%2Fb&x=1"), answer(200, "id\n")]).await;
    let answers = scene.client.read(&object("statement", "s-1"), None).await.unwrap();
    let kinds: Vec<&str> = answers.iter().map(|answer| answer.kind).collect();
    assert_eq!((kinds, answers[1].body.as_slice()), (vec!["statement_request", "statement"], b"id\n".as_slice()));
    let seen = &scene.seen()[1];
    assert_eq!((seen.call.as_str(), seen.bearer.as_str()), ("GET /file/1?X-Amz-Signature=a%2Fb&x=1", ""));
}

#[tokio::test]
async fn a_statement_elsewhere_is_never_fetched() {
    for link in [
        "https://evil.example/file",
        "BASE.evil.example/file",
        "http://user:pw@127.0.0.1/file",
        "file:///etc/passwd",
        "",
        "x",
    ] {
        let scene = scene(vec![ready(link)]).await;
        assert!(names(&error(scene.client.read(&object("statement", "s-1"), None).await), "download_url"), "{link}");
        assert_eq!(scene.seen().len(), 1, "{link}");
    }
    for (status, sure) in [(403, true), (404, true), (500, false), (302, false)] {
        let scene = scene(vec![ready("BASE/file"), answer(status, "expired")]).await;
        let why = error(scene.client.read(&object("statement", "s-1"), None).await);
        assert_eq!((refused(&why), unknown(&why)), (sure, !sure), "{status}: {why:?}");
    }
}
