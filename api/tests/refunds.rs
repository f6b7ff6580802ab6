//! Refunds, captures and lost disputes: what is checked before the door is asked, and what a repeat is.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod support;
#[allow(dead_code)]
mod world;

use std::sync::Arc;

use axum::http::Method;
use ensimbi_events::SubjectId;
use ensimbi_events::codes::Refusal;
use ensimbi_events::commands::CommandError;
use ensimbi_projections::payments::{DisputeRow, DisputeState};
use serde_json::json;
use support::{OTHER, dispute_row, payment_row, subject, wallet};
use world::{MAIN, World, amount, post, request, sent};

/// A settled payment whose provider and wallet are known, less what went back.
fn settled(world: &World, n: u64, refunded: &str) -> SubjectId {
    let row = ensimbi_projections::payments::PaymentRow {
        connection: Some(MAIN),
        wallet: Some(wallet(1)),
        object_kind: Some("purchase".to_owned()),
        object_id: Some(format!("o-{n}")),
        refunded: amount(refunded),
        ..payment_row(n)
    };
    let id = row.payment;
    world.payments.lock().unwrap().insert(id, row);
    id
}

#[tokio::test]
async fn a_refund_without_an_amount_is_what_is_left_and_the_same_one_when_it_comes_again() {
    let world = Arc::new(World::default());
    let payment = settled(&world, 1, "200");
    let body = json!({ "payment": payment }).to_string();
    let first = post(&world, "/v1/refunds", "k", &body).await;
    assert_eq!(first.status, 202, "{}", first.text);
    assert_eq!(first.json()["amount"], "500");
    // It is on its way, so the book shows less; the same request is the same refund all the same.
    let view = world::intent(
        &ensimbi_events::commands::Origin { book: support::BOOK, idempotency_key: "k".into() },
        "refunds",
        MAIN,
        amount("500"),
        world::ugx(),
    );
    world.trail.lock().unwrap().intent = Some(view);
    settled(&world, 1, "700");
    let again = post(&world, "/v1/refunds", "k", &body).await;
    assert_eq!((again.status.as_u16(), &again.json()["repeated"]), (202, &json!(true)), "{}", again.text);
    assert_eq!(again.json()["id"], first.json()["id"]);
    let other = json!({ "payment": payment, "amount": "400" }).to_string();
    post(&world, "/v1/refunds", "k", &other).await.problem(409, "idempotency_conflict");
}

#[tokio::test]
async fn what_cannot_be_refunded_is_refused_before_the_door_is_asked() {
    let world = Arc::new(World::default());
    let payment = settled(&world, 1, "200");
    let send = async |body: serde_json::Value| post(&world, "/v1/refunds", "k", &body.to_string()).await;
    for (body, code, field) in [
        (json!({ "payment": payment, "amount": "500.01" }), "limit_exceeded", "amount"),
        (json!({ "payment": payment, "amount": "0" }), "invalid_amount", "amount"),
        (json!({ "payment": payment, "amount": 5 }), "invalid_amount", "amount"),
        (json!({ "amount": "5" }), "invalid_body", "payment"),
        (json!({ "payment": "x" }), "invalid_body", "payment"),
        (json!({ "payment": subject(9) }), "not_found", "payment"),
        // Settled by hand in this suite's own book: nobody knows the provider's id.
        (json!({ "payment": subject(2), "amount": "5" }), "wrong_state", "payment"),
    ] {
        let problem = send(body.clone()).await.json();
        let kind = problem["type"].as_str().unwrap();
        assert!(kind.ends_with(&format!(":{code}")), "{body}: {problem}");
        assert_eq!(problem["field"], field, "{body}: {problem}");
    }
    settled(&world, 1, "700");
    let problem = send(json!({ "payment": payment })).await.problem(422, "limit_exceeded");
    assert!(problem["detail"].as_str().unwrap().contains("left"), "{problem}");
    assert!(world.orders.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_payment_is_captured_released_or_cancelled() {
    let world = Arc::new(World::default());
    for (action, body) in [("capture", ""), ("capture", r#"{"amount":"5"}"#), ("release", ""), ("cancel", "")] {
        let path = format!("/v1/collections/{}/{action}", subject(1));
        let got = post(&world, &path, &format!("{action}{body}").replace('"', ""), body).await;
        assert_eq!(got.status, 202, "{}", got.text);
        assert_eq!(got.headers["location"], format!("/v1/payments/{}", subject(1)));
    }
    let path = format!("/v1/collections/{}/capture", subject(1));
    let problem = post(&world, &path, "k", r#"{"amount":"-5"}"#).await.problem(422, "invalid_amount");
    assert_eq!(problem["field"], "amount");
}

#[tokio::test]
async fn a_collection_with_items_and_a_page_is_read_field_by_field() {
    let world = Arc::new(World::default());
    let whole = json!({
        "connection": "main", "amount": "700", "currency": "UGX", "payer": {"email": "a@b.example"},
        "items": [{"name": "Book", "quantity": 2, "price": "350"}],
        "checkout": {"hosted": true, "success_url": "https://shop.example/paid", "methods": ["visa"]},
    });
    let got = post(&world, "/v1/collections", "k", &whole.to_string()).await;
    assert_eq!(got.status, 202, "{}", got.text);
    let wrong = [
        (json!({"hosted": "yes"}), "checkout.hosted"),
        (json!({"hosted": true, "methods": "visa"}), "checkout.methods"),
        (json!({"hosted": true, "colour": "red"}), "checkout.colour"),
        (json!({}), "payer.phone"),
    ];
    for (checkout, field) in wrong {
        let mut body = whole.clone();
        body["checkout"] = checkout;
        let problem = post(&world, "/v1/collections", "k2", &body.to_string()).await.json();
        assert_eq!(problem["field"], field, "{problem}");
    }
    for (item, field) in [
        (json!({"price": "5"}), "items.0.name"),
        (json!({"name": "Book", "price": "0"}), "items.0.price"),
        (json!({"name": "Book", "price": "5", "quantity": -1}), "items.0.quantity"),
        (json!({"name": "Book", "price": "5", "quantity": "2"}), "items.0.quantity"),
        (json!({"name": "b".repeat(151), "price": "5"}), "items.0.name"),
        (json!({"name": "Book", "price": "5", "colour": "red"}), "items.0.colour"),
    ] {
        let mut body = whole.clone();
        body["items"] = json!([item]);
        let problem = post(&world, "/v1/collections", "k3", &body.to_string()).await.json();
        assert_eq!(problem["field"], field, "{problem}");
    }
}

#[tokio::test]
async fn a_page_to_pay_on_is_told_once_the_provider_has_made_it() {
    let world = Arc::new(World::default());
    let body = json!({
        "connection": "main", "amount": "700", "currency": "UGX", "payer": {"email": "a@b.example"},
        "checkout": {"hosted": true},
    });
    let first = post(&world, "/v1/collections", "k", &body.to_string()).await.json();
    assert_eq!(first.get("checkout_url"), None);
    for (_, view) in world.orders.lock().unwrap().values_mut() {
        view.checkout_url = Some("https://pay.example/p/1/".to_owned());
    }
    let again = post(&world, "/v1/collections", "k", &body.to_string()).await.json();
    assert_eq!((&again["checkout_url"], &again["id"]), (&json!("https://pay.example/p/1/"), &first["id"]));
    let refused = async |field: &str, value: serde_json::Value, named: &str| {
        let mut body = body.clone();
        body[field] = value;
        let problem = post(&world, "/v1/collections", "k2", &body.to_string()).await.problem(422, "invalid_body");
        assert_eq!(problem["field"], named, "{problem}");
        assert!(!problem.to_string().contains("@@"), "an address is not repeated");
    };
    refused("payer", json!({"email": "a@@b.example"}), "payer.email").await;
    refused("payer", json!({"email": format!("a@{}", "b".repeat(254))}), "payer.email").await;
    refused("items", json!(vec![json!({"name": "Book", "price": "7"}); 101]), "items").await;
    refused("checkout", json!({"hosted": true, "cancel_url": "u".repeat(501)}), "checkout.cancel_url").await;
    refused("checkout", json!({"hosted": true, "methods": vec!["m"; 101]}), "checkout.methods").await;
    refused("checkout", json!([]), "checkout").await;
}

#[tokio::test]
async fn what_is_disputed_is_not_refunded_as_well() {
    let world = Arc::new(World::default());
    let payment = settled(&world, 1, "200");
    world.payments.lock().unwrap().get_mut(&payment).unwrap().disputed = amount("400");
    let part = json!({ "payment": payment, "amount": "101" }).to_string();
    assert_eq!(post(&world, "/v1/refunds", "a", &part).await.problem(422, "limit_exceeded")["field"], "amount");
    let rest = post(&world, "/v1/refunds", "b", &json!({ "payment": payment }).to_string()).await;
    assert_eq!((rest.status.as_u16(), &rest.json()["amount"]), (202, &json!("100")), "{}", rest.text);
}

#[tokio::test]
async fn a_refund_above_the_wallet_is_another_problem_than_one_above_the_payment() {
    let world = Arc::new(World::default());
    let body = json!({ "payment": settled(&world, 1, "200"), "amount": "5" }).to_string();
    for (detail, code) in [
        ("reserve: above what is available", "insufficient_available"),
        ("amount: more than the payment has left", "limit_exceeded"),
    ] {
        let refused = CommandError::Refused { code: Refusal::LimitExceeded, detail: detail.into() };
        *world.fails.lock().unwrap() = Some(refused);
        let problem = post(&world, "/v1/refunds", "k", &body).await.problem(422, code);
        assert_eq!((&problem["field"], &problem["refusal"]), (&json!("amount"), &json!("limit_exceeded")));
    }
    *world.fails.lock().unwrap() = Some(CommandError::NotOffered("refund"));
    assert_eq!(post(&world, "/v1/refunds", "k", &body).await.problem(422, "not_offered")["field"], "connection");
}

#[tokio::test]
async fn a_dispute_is_lost_for_what_is_open_and_once() {
    let world = Arc::new(World::default());
    let path = format!("/v1/disputes/{}/lose", subject(1));
    let got = post(&world, &path, "k", "").await;
    assert_eq!((got.status.as_u16(), &got.json()["complete"]), (200, &json!(true)), "{}", got.text);
    let fact = &world.facts()[0];
    assert_eq!((&fact["type"], &fact["subject"]), (&json!("ChargebackClosed"), &json!(subject(1))));
    assert_eq!((&fact["subject_kind"], &fact["payment_id"]), (&json!("dispute"), &json!(subject(1))));
    assert_eq!((&fact["lost"], &fact["won"], &fact["debited_now"]), (&json!("700"), &json!("0"), &json!("0")));
    assert_eq!((&fact["wallet"], &fact["currency"]), (&json!(wallet(1)), &json!("UGX")));
    // What it changed is known by now; the same request is the same word all the same.
    let lost = DisputeRow { state: DisputeState::Lost, open: amount("0"), lost: amount("700"), ..dispute_row(1) };
    world.disputes.lock().unwrap().insert(subject(1), lost);
    assert_eq!(post(&world, &path, "k", "").await.json()["repeated"], true);
    post(&world, &path, "k-2", "").await.problem(409, "wrong_state");
    let other = format!("/v1/disputes/{}/lose", subject(3));
    post(&world, &other, "k", "").await.problem(409, "idempotency_conflict");
    post(&world, &format!("/v1/disputes/{}/lose", subject(99)), "k-3", "").await.problem(404, "not_found");
    sent(&world, true, request(OTHER, Method::POST, &path, Some("k-4"), "")).await.problem(404, "not_found");
    assert_eq!(world.tellings.lock().unwrap().len(), 1);
}
