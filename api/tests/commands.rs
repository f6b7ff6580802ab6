//! Orders to providers, the rules that all commands share, and what the door is asked besides.

#![allow(clippy::unwrap_used)]

// Each test binary uses its own part of the shared fakes.
#[allow(dead_code)]
mod support;
#[allow(dead_code)]
mod world;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request};
use ensimbi_events::bus::{Outcome, RecordedRef};
use ensimbi_events::codes::{DiscrepancyKind, Problem, Refusal};
use ensimbi_events::commands::{CommandError, IntentView, Origin, Trail, TrailClaim, TrailObservation};
use ensimbi_events::word::Verdict;
use ensimbi_events::words::control::{DiscrepancyRaised, DiscrepancyResolved};
use ensimbi_events::{Body as Word, ClaimId, EvidenceClass, Fact, Hash, ObservationId, SubjectId, SubjectKind};
use serde_json::json;
use support::{BOOK, House, OTHER, key, subject};
use uuid::Uuid;
use world::{MAIN, NOW, World, amount, intent, post, post_new, request, sent, ugx};

const COLLECTION: &str = r#"{"connection":"main","amount":"10000","currency":"UGX","payer":{"phone":"256772000001"}}"#;
const PAYOUT: &str = r#"{"connection":"main","amount":"10000","currency":"UGX","to":{"phone":"256772000001"}}"#;

/// Every route that records something, with a method and a body that it takes.
fn commands() -> Vec<(Method, String, String)> {
    let invoice = subject(1);
    let post = |path: &str, body: &str| (Method::POST, path.to_owned(), body.to_owned());
    vec![
        post("/v1/collections", COLLECTION),
        post(&format!("/v1/collections/{invoice}/capture"), ""),
        post(&format!("/v1/collections/{invoice}/release"), ""),
        post(&format!("/v1/collections/{invoice}/cancel"), ""),
        post("/v1/refunds", &json!({"payment": invoice, "amount": "5"}).to_string()),
        post(&format!("/v1/disputes/{invoice}/lose"), ""),
        post("/v1/payouts", PAYOUT),
        post("/v1/withdrawals", PAYOUT),
        post(&format!("/v1/payments/{invoice}/attempts"), ""),
        post("/v1/invoices", r#"{"currency":"UGX"}"#),
        post(&format!("/v1/invoices/{invoice}/items"), r#"{"unit_amount":"5"}"#),
        (Method::PUT, format!("/v1/invoices/{invoice}/items/a"), r#"{"unit_amount":"5"}"#.into()),
        (Method::DELETE, format!("/v1/invoices/{invoice}/items/a"), String::new()),
        post(&format!("/v1/invoices/{invoice}/publish"), "{}"),
        post(&format!("/v1/invoices/{invoice}/cancel"), ""),
        post(&format!("/v1/invoices/{invoice}/credit"), r#"{"amount":"5"}"#),
        post(&format!("/v1/invoices/{invoice}/expire"), ""),
        post("/v1/allocations", &json!({"payment": invoice, "amount": "5", "account": "income:sales"}).to_string()),
        post(&format!("/v1/allocations/{invoice}/reverse"), ""),
        post(
            "/v1/openings",
            &json!({"wallet": support::wallet(1), "as_of": "2026-01-01T00:00:00Z", "posted": "5"}).to_string(),
        ),
        post("/v1/fundings", &json!({"wallet": support::wallet(1), "amount": "5"}).to_string()),
        post(&format!("/v1/discrepancies/{}/resolve", support::event(1)), r#"{"verdict":"reject","reason":"seen"}"#),
    ]
}

#[tokio::test]
async fn every_command_needs_an_idempotency_key() {
    let world = Arc::new(World::default());
    for (method, path, body) in commands() {
        let got = sent(&world, true, request(BOOK, method.clone(), &path, None, &body)).await;
        got.problem(400, "idempotency_key_missing");
        let got = sent(&world, true, request(BOOK, method.clone(), &path, Some(""), &body)).await;
        got.problem(400, "idempotency_key_missing");
        let got = sent(&world, true, request(BOOK, method.clone(), &path, Some(&"k".repeat(256)), &body)).await;
        assert_eq!(got.problem(422, "invalid_parameter")["parameter"], "Idempotency-Key", "{path}");
        let keyless = Request::builder().method(method).uri(&path).header("idempotency-key", "k");
        sent(&world, true, keyless.body(Body::from(body)).unwrap()).await.problem(401, "unauthorized");
    }
    assert!(world.orders.lock().unwrap().is_empty() && world.tellings.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_process_without_the_door_says_unavailable() {
    let world = Arc::new(World::default());
    for (method, path, body) in commands() {
        let got = sent(&world, false, request(BOOK, method, &path, Some("k"), &body)).await;
        got.problem(503, "unavailable");
    }
    for path in ["/v1/connections", "/v1/connections/main/banks", "/v1/alarms"] {
        let got = sent(&world, false, request(BOOK, Method::GET, path, None, "")).await;
        got.problem(503, "unavailable");
    }
}

#[tokio::test]
async fn unknown_fields_are_refused_by_name_on_every_route_that_takes_a_body() {
    let world = Arc::new(World::default());
    for (method, path, body) in commands() {
        let odd = match body.as_str() {
            "" | "{}" => r#"{"colour":"red"}"#.to_owned(),
            body => body.replacen('{', r#"{"colour":"red","#, 1),
        };
        let got = sent(&world, true, request(BOOK, method, &path, Some("k"), &odd)).await;
        let problem = got.problem(422, "invalid_body");
        assert_eq!(problem["field"], "colour", "{path}");
        assert!(problem["detail"].as_str().unwrap().contains("allowed"), "{path}: {problem}");
    }
    assert!(world.orders.lock().unwrap().is_empty() && world.tellings.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_collection_is_taken_and_its_payment_named() {
    let world = Arc::new(World::default());
    let got = post(&world, "/v1/collections", "k-1", COLLECTION).await;
    assert_eq!(got.status, 202, "{}", got.text);
    let body = got.json();
    assert_eq!(got.headers["location"], format!("/v1/payments/{}", body["id"].as_str().unwrap()));
    assert_eq!(body["connection"], MAIN.to_string());
    assert_eq!(
        (&body["amount"], &body["currency"], &body["state"]),
        (&json!("10000"), &json!("UGX"), &json!("cleared"))
    );
    assert_eq!((&body["attempt"], &body["reference"], &body["repeated"]), (&json!(1), &json!("r-1"), &json!(false)));
    // By id, with other spaces, the same command.
    let spaced = COLLECTION.replace("\"main\"", &format!(" \"{MAIN}\" ")).replace("10000\"", "10000.0\"");
    let again = post(&world, "/v1/collections", "k-1", &spaced).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["repeated"], &again.json()["id"]),
        (202, &json!(true), &body["id"])
    );
    let other = COLLECTION.replace("10000", "10001");
    post(&world, "/v1/collections", "k-1", &other).await.problem(409, "idempotency_conflict");
    let with_all = json!({"connection": "main", "wallet": "w1", "amount": "1", "currency": "UGX", "fee_bearer": "payer",
        "payer": {"phone": "+256772000001", "name": "N"}, "invoice": subject(1), "note": "For 17", });
    assert_eq!(post(&world, "/v1/collections", "k-2", &with_all.to_string()).await.status, 202);
}

#[tokio::test]
async fn bad_fields_of_a_collection_have_their_own_problem() {
    let cases = [
        (r#""10000""#, r#""0""#, "invalid_amount", "amount"),
        (r#""10000""#, r#""-1""#, "invalid_amount", "amount"),
        (r#""10000""#, r#""0.00001""#, "invalid_amount", "amount"),
        (r#""10000""#, r#""1e4""#, "invalid_amount", "amount"),
        (r#""10000""#, r#""""#, "invalid_amount", "amount"),
        (r#""10000""#, r#""922337203685478""#, "invalid_amount", "amount"),
        (r#""10000""#, "10000", "invalid_amount", "amount"),
        (r#""10000""#, "-1e99999", "invalid_amount", "amount"),
        (r#""10000""#, "[]", "invalid_amount", "amount"),
        (r#""10000""#, "null", "invalid_body", "amount"),
        (r#""UGX""#, r#""ugx""#, "wrong_currency", "currency"),
        (r#""UGX""#, r#""shillings please""#, "wrong_currency", "currency"),
        ("256772000001", "0", "invalid_phone", "payer.phone"),
        ("256772000001", "25677200000x", "invalid_phone", "payer.phone"),
        ("256772000001", "256 772 000 001", "invalid_phone", "payer.phone"),
        ("256772000001", "٠١٢٣٤٥٦٧٨٩", "invalid_phone", "payer.phone"),
        ("256772000001", "123456789012345678901", "invalid_phone", "payer.phone"),
        (r#""main""#, r#""nowhere""#, "unknown_connection", "connection"),
        (r#""main""#, r#""theirs""#, "unknown_connection", "connection"),
        (r#""main""#, "7", "invalid_body", "connection"),
        (r#""main""#, r#""""#, "invalid_body", "connection"),
        (r#"{"phone":"256772000001"}"#, r#""256772000001""#, "invalid_body", "payer"),
        (r#"{"phone":"#, r#"{"pin":"1","phone":"#, "invalid_body", "payer.pin"),
        (r#"{"phone":"#, r#"{"phone":"1","phone":"#, "invalid_body", "payer.phone"),
        (r#"{"connection""#, r#"{"amount":"1","connection""#, "invalid_body", "amount"),
        (r#"{"connection""#, r#"{"fee_bearer":"beneficiary","connection""#, "invalid_body", "fee_bearer"),
        (r#"{"connection""#, r#"{"note":"a\u0000b","connection""#, "invalid_body", "note"),
        (r#"{"connection""#, r#"{"invoice":"17","connection""#, "invalid_body", "invoice"),
    ];
    for (from, to, code, field) in cases {
        let body = COLLECTION.replacen(from, to, 1);
        assert_ne!(body, COLLECTION, "{from}");
        let got = post_new("/v1/collections", &body).await;
        let status = if code == "unknown_connection" { 404 } else { 422 };
        assert_eq!(got.problem(status, code)["field"], field, "{body}");
        assert!(!got.text.contains("25677200000x"), "a phone is not repeated");
    }
    let number = post_new("/v1/collections", &COLLECTION.replace("\"10000\"", "10000")).await;
    let detail = number.problem(422, "invalid_amount")["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("decimal string") && detail.contains("lose digits"), "{detail}");
    let long = COLLECTION.replacen('{', &format!(r#"{{"note":"{}","#, "n".repeat(201)), 1);
    assert_eq!(post_new("/v1/collections", &long).await.problem(422, "invalid_body")["field"], "note");
    let unknown = COLLECTION.replacen('{', &format!(r#"{{"invoice":"{}","#, subject(99)), 1);
    assert_eq!(post_new("/v1/collections", &unknown).await.problem(404, "not_found")["field"], "invoice");
    let dollars = COLLECTION.replace("UGX", "USD").replacen('{', &format!(r#"{{"invoice":"{}","#, subject(1)), 1);
    assert_eq!(post_new("/v1/collections", &dollars).await.problem(422, "wrong_currency")["field"], "currency");
}

#[tokio::test]
async fn bodies_that_are_no_json_object_are_refused() {
    for body in ["[]", "{", "null", "{}{}", "\u{feff}{}", r#"{"a":1,}"#, r#"{"a":01}"#, "\"x\""] {
        post_new("/v1/collections", body).await.problem(422, "invalid_body");
    }
    post_new("/v1/collections", "").await.problem(422, "invalid_body");
    let deep = format!(r#"{{"payer":{}{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    post_new("/v1/collections", &deep).await.problem(422, "invalid_body");
    let large = format!(r#"{{"note":"{}"}}"#, "n".repeat(70_000));
    post_new("/v1/collections", &large).await.problem(413, "too_large");
    let world = Arc::new(World::default());
    let bare = || {
        let request = Request::post("/v1/collections").header("authorization", format!("Bearer {}", key(BOOK)));
        request.header("idempotency-key", "k")
    };
    // Without a length the body is cut off while it is read.
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 8_192]));
    let request = bare().header("content-type", "application/json").body(Body::from_stream(endless)).unwrap();
    sent(&world, true, request).await.problem(413, "too_large");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"] {
        let request = bare().header("content-type", kind).body(Body::from(COLLECTION)).unwrap();
        sent(&world, true, request).await.problem(422, "invalid_body");
    }
    let packed = bare().header("content-type", "application/json").header("content-encoding", "gzip");
    sent(&world, true, packed.body(Body::from(COLLECTION)).unwrap()).await.problem(422, "invalid_body");
    let utf8 = bare().header("content-type", "Application/JSON; charset=UTF-8").body(Body::from(COLLECTION)).unwrap();
    assert_eq!(sent(&world, true, utf8).await.status, 202);
    let broken = bare().header("content-type", "application/json").body(Body::from(vec![b'{', 0xff, b'}'])).unwrap();
    sent(&world, true, broken).await.problem(422, "invalid_body");
    post_new("/v1/collections?dry_run=1", COLLECTION).await.problem(400, "unknown_value");
    let twice = bare().header("idempotency-key", "k").header("content-type", "application/json");
    sent(&world, true, twice.body(Body::from(COLLECTION)).unwrap()).await.problem(422, "invalid_parameter");
}

#[tokio::test]
async fn a_payout_goes_to_a_phone_or_to_a_bank_and_not_to_both() {
    let bank = r#"{"bank":"040147","account_number":"0140012345678","account_name":"A Firm"}"#;
    let phone = r#"{"phone":"256772000001"}"#;
    for path in ["/v1/payouts", "/v1/withdrawals"] {
        assert_eq!(post_new(path, PAYOUT).await.status, 202);
        assert_eq!(post_new(path, &PAYOUT.replace(phone, bank)).await.status, 202);
        let rail = bank.replace('}', r#","rail":"RTGS"}"#);
        assert_eq!(post_new(path, &PAYOUT.replace(phone, &rail)).await.status, 202);
        let cases = [
            ("{}", "invalid_body", "to.phone"),
            (r#"{"phone":"256772000001","bank":"1"}"#, "invalid_body", "to.phone"),
            (r#"{"phone":"256772000001","rail":"RTGS"}"#, "invalid_body", "to.phone"),
            (r#"{"account_number":"0140012345678"}"#, "invalid_body", "to.bank"),
            (r#"{"bank":"1"}"#, "invalid_body", "to.account_number"),
            (r#"{"bank":"1","account_number":"0140012345678"}"#, "invalid_body", "to.account_name"),
            (r#"{"bank":"1","account_number":"01-40"}"#, "invalid_account", "to.account_number"),
            (r#"{"bank":"","account_number":"0140"}"#, "unknown_bank", "to.bank"),
            (r#"{"phone":"77"}"#, "invalid_phone", "to.phone"),
        ];
        for (to, code, field) in cases {
            let got = post_new(path, &PAYOUT.replace(phone, to)).await;
            let status = if code == "unknown_bank" { 404 } else { 422 };
            assert_eq!(got.problem(status, code)["field"], field, "{to}");
        }
    }
}

#[tokio::test]
async fn what_the_door_or_the_ledger_refuses_is_one_problem_each() {
    let invalid = |code, field| CommandError::Invalid { code, field, problem: "no".into() };
    let refused = |code, detail: &str| CommandError::Refused { code, detail: detail.into() };
    let limit = "reserve: above what is available";
    let cases = [
        (refused(Refusal::LimitExceeded, limit), 422, "insufficient_available", json!("amount")),
        (refused(Refusal::WrongState, "the wallet was never opened"), 409, "wrong_state", json!(null)),
        (refused(Refusal::UnknownConnection, "wallet: not configured here"), 404, "unknown_wallet", json!("wallet")),
        (refused(Refusal::UnknownSubject, "no such order"), 404, "not_found", json!(null)),
        (refused(Refusal::WrongMode, "sandbox money"), 422, "refused", json!(null)),
        (CommandError::UnknownConnection, 404, "unknown_connection", json!("connection")),
        (CommandError::NotOffered("bank_payout"), 422, "not_offered", json!("connection")),
        (invalid(Problem::UnknownWallet, "wallet"), 404, "unknown_wallet", json!("wallet")),
        (invalid(Problem::UnknownBank, "to.bank"), 404, "unknown_bank", json!("to.bank")),
        (invalid(Problem::InvalidPhone, "to.phone"), 422, "invalid_phone", json!("to.phone")),
        (invalid(Problem::InvalidAccount, "to.account_number"), 422, "invalid_account", json!("to.account_number")),
        (invalid(Problem::WrongCurrency, "currency"), 422, "wrong_currency", json!("currency")),
        (invalid(Problem::InvalidAmount, "amount"), 422, "invalid_amount", json!("amount")),
        (CommandError::IdempotencyConflict, 409, "idempotency_conflict", json!(null)),
        (CommandError::Unavailable("secret address".into()), 503, "unavailable", json!(null)),
        (CommandError::Broken("secret address".into()), 500, "internal", json!(null)),
    ];
    for (error, status, code, field) in cases {
        let refusal = match &error {
            CommandError::Refused { code, .. } => json!(code.as_str()),
            _ => json!(null),
        };
        let world = Arc::new(World::default());
        *world.fails.lock().unwrap() = Some(error);
        let got = post(&world, "/v1/payouts", "k", PAYOUT).await;
        let problem = got.problem(status, code);
        assert_eq!((&problem["field"], &problem["refusal"]), (&field, &refusal), "{problem}");
        assert!(!got.text.contains("secret"));
        assert!(world.orders.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_refused_order_is_the_same_problem_when_its_key_comes_again() {
    let world = Arc::new(World::default());
    let origin = Origin { book: BOOK, idempotency_key: "k".into() };
    let reason = Some("limit_exceeded: reserve: above what is available".to_owned());
    let view = intent(&origin, "payouts", MAIN, amount("10000"), ugx());
    assert_eq!(post(&world, "/v1/payouts", "k", PAYOUT).await.status, 202);
    for (_, kept) in world.orders.lock().unwrap().values_mut() {
        *kept = IntentView { state: "refused", reason: reason.clone(), ..view.clone() };
    }
    for _ in 0..2 {
        let problem = post(&world, "/v1/payouts", "k", PAYOUT).await.problem(422, "insufficient_available");
        assert_eq!((&problem["field"], &problem["refusal"]), (&json!("amount"), &json!("limit_exceeded")));
    }
}

#[tokio::test]
async fn a_new_attempt_belongs_to_its_order() {
    let world = Arc::new(World::default());
    let path = format!("/v1/payments/{}/attempts", subject(3));
    let got = post(&world, &path, "k", "").await;
    assert_eq!((got.status.as_u16(), &got.json()["attempt"]), (202, &json!(2)));
    assert_eq!(got.headers["location"], format!("/v1/payments/{}", subject(3)));
    post(&world, "/v1/payments/17/attempts", "k", "").await.problem(422, "invalid_parameter");
    *world.fails.lock().unwrap() =
        Some(CommandError::Refused { code: Refusal::WrongState, detail: "attempt: still unknown".into() });
    assert_eq!(post(&world, &path, "k-2", "{}").await.problem(409, "wrong_state")["field"], "attempt");
}

#[tokio::test]
async fn connections_banks_and_alarms_are_the_books_own() {
    let world = Arc::new(World::default());
    let get = async |book, path: &str| sent(&world, true, request(book, Method::GET, path, None, "")).await;
    let body = get(BOOK, "/v1/connections").await.json();
    assert_eq!(body["items"][0]["slug"], "main");
    assert_eq!(body["items"][0]["capabilities"], json!(["collect", "payout"]));
    assert_eq!(body["items"][0]["wallets"][0]["currency"], "UGX");
    assert_eq!(get(OTHER, "/v1/connections").await.json()["items"][0]["slug"], "theirs");
    assert_eq!(get(BOOK, "/v1/connections/main/banks").await.json()["items"][0]["code"], "040147");
    assert_eq!(get(BOOK, &format!("/v1/connections/{MAIN}/banks")).await.status, 200);
    get(OTHER, "/v1/connections/main/banks").await.problem(404, "not_found");
    get(OTHER, &format!("/v1/connections/{MAIN}/banks")).await.problem(404, "not_found");
    *world.fails.lock().unwrap() = Some(CommandError::NotOffered("banks"));
    get(BOOK, "/v1/connections/main/banks").await.problem(422, "not_offered");
    assert_eq!(get(BOOK, "/v1/alarms").await.json()["items"][0]["kind"], "quarantined");
    assert_eq!(get(OTHER, "/v1/alarms").await.json()["items"], json!([]));
    get(BOOK, "/v1/alarms?x=1").await.problem(400, "unknown_value");
    get(BOOK, &format!("/v1/connections/{}/banks", "x".repeat(200))).await.problem(422, "invalid_parameter");
}

fn fact(id: SubjectId, occurrence: &str, body: impl Into<Word>) -> Fact {
    let body = body.into();
    Fact {
        subject: id,
        subject_kind: SubjectKind::Payment,
        connection: Some(MAIN),
        wallet: None,
        object_kind: None,
        object_id: None,
        occurrence: occurrence.into(),
        currency: Some(ugx()),
        version: 1,
        body,
    }
}

#[tokio::test]
async fn a_payment_is_explained_from_bytes_to_lines() {
    let world = Arc::new(World::default());
    let id = subject(1);
    let posted = House::event(1);
    world.events.lock().unwrap().push(posted.clone());
    world.record(fact(subject(5), "", House::event(2).fact.body));
    let raised = DiscrepancyRaised {
        kind: DiscrepancyKind::LateSuccess,
        about: Some(posted.record.event_id),
        stake: Some(amount("700")),
        stake_currency: Some(ugx()),
        other_fact: None,
        detail: None,
    };
    let discrepancy = world.record(fact(id, "a", raised));
    let resolved = DiscrepancyResolved {
        discrepancy,
        verdict: Verdict::Accept,
        actor_id: "key:1".into(),
        reason: "seen".into(),
        target: None,
    };
    world.record(fact(id, "b", resolved));
    let reference = RecordedRef { event_id: posted.record.event_id, position: 1, leaf_hash: Hash::default() };
    let claim = |n: u128, outcome| TrailClaim {
        id: ClaimId(Uuid::from_u128(n)),
        source: Uuid::from_u128(0xb0),
        word: "CollectionSucceeded".into(),
        created_at: NOW,
        outcome,
    };
    let observation = TrailObservation {
        id: ObservationId(Uuid::from_u128(0xb0)),
        kind: "collection_status".into(),
        class: EvidenceClass::Read,
        received_at: NOW,
        commitment: Hash::default(),
        deliveries: 2,
        state: "translated".into(),
        actor_id: None,
    };
    let refused = Outcome::Refused { code: Refusal::StaleState, detail: "ended".into() };
    *world.trail.lock().unwrap() = Trail {
        observations: vec![observation],
        claims: vec![
            claim(1, Some(Outcome::Recorded { events: vec![reference] })),
            claim(2, Some(refused)),
            claim(3, None),
        ],
        intent: None,
    };
    let path = format!("/v1/payments/{id}/explain");
    let body = sent(&world, true, request(BOOK, Method::GET, &path, None, "")).await.json();
    assert_eq!((&body["position"], &body["more"]), (&json!(4), &json!(false)));
    assert_eq!(body["observations"][0]["class"], "read");
    assert_eq!(body["observations"][0]["deliveries"], 2);
    let states: Vec<&str> = body["claims"].as_array().unwrap().iter().map(|c| c["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["recorded", "refused", "pending"]);
    assert_eq!(body["claims"][1]["refusal"], "stale_state");
    let positions: Vec<u64> =
        body["events"].as_array().unwrap().iter().map(|event| event["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, [1, 3, 4]);
    assert_eq!(body["events"][0]["lines"][0]["amount"], "675.5");
    assert_eq!(body["events"][1]["no_lines"], "none");
    assert_eq!(body["balances"][0], json!({"account": "assets:wallet:main:w1", "currency": "UGX", "amount": "675.5"}));
    assert_eq!(body["discrepancies"][0]["kind"], "late_success");
    assert_eq!(body["discrepancies"][0]["verdict"], "accept");
    sent(&world, true, request(OTHER, Method::GET, &path, None, "")).await.problem(404, "not_found");
    sent(&world, false, request(BOOK, Method::GET, &path, None, "")).await.problem(503, "unavailable");
}
