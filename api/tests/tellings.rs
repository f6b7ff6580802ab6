//! Facts of our own: invoices, allocations, openings, fundings, verdicts.

#![allow(clippy::unwrap_used)]

// Each test binary uses its own part of the shared fakes.
#[allow(dead_code)]
mod support;
#[allow(dead_code)]
mod world;

use std::sync::Arc;

use axum::http::Method;
use ensimbi_events::bus::Outcome;
use ensimbi_events::codes::{DiscrepancyKind, Refusal};
use ensimbi_events::ids::intent_id;
use ensimbi_events::word::{ItemKind, Mode, Recognition, Side};
use ensimbi_events::words::book::{BookOpened, Policy};
use ensimbi_events::words::control::DiscrepancyRaised;
use ensimbi_events::words::invoice::{PaymentAllocated, PaymentDeallocated};
use ensimbi_events::{Amount, Body, Fact, SubjectId, SubjectKind};
use ensimbi_projections::invoices::{InvoiceRow, InvoiceState};
use ensimbi_projections::payments::{PaymentKind, PaymentRow};
use ensimbi_projections::{InvoicesView, PaymentsView};
use serde_json::json;
use support::{BOOK, Got, OTHER, event, subject, wallet};
use world::{MAIN, World, amount, post, post_new, request, sent, ugx};

async fn invoice(world: &World, change: impl FnOnce(&mut InvoiceRow)) -> SubjectId {
    let id = subject(1);
    let mut row = world.invoice(BOOK, id).await.unwrap().value.unwrap().invoice;
    change(&mut row);
    world.invoices.lock().unwrap().insert(id, row);
    id
}

async fn payment(world: &World, change: impl FnOnce(&mut PaymentRow)) -> SubjectId {
    let id = subject(2);
    let mut row = world.payment(BOOK, id).await.unwrap().value.unwrap();
    row.connection = Some(MAIN);
    row.wallet = Some(wallet(1));
    change(&mut row);
    world.payments.lock().unwrap().insert(id, row);
    id
}

fn about(kind: SubjectKind, subject: SubjectId, body: impl Into<Body>) -> Fact {
    let body = body.into();
    let version = body.version();
    Fact {
        subject,
        subject_kind: kind,
        connection: Some(MAIN),
        wallet: Some(wallet(1)),
        object_kind: None,
        object_id: None,
        occurrence: String::new(),
        currency: Some(ugx()),
        version,
        body,
    }
}

#[tokio::test]
async fn an_invoice_is_drafted_filled_and_published_in_one_command() {
    let world = Arc::new(World::default());
    let body = json!({"currency": "UGX", "party": {"phone": "256772000001", "name": "N", "email": "n@example.com"},
        "items": [{"quantity": "2.5", "unit_amount": "40000", "tax": "15000"}, {"id": "x", "unit_amount": "18000"}],
        "due": "2026-06-03", "publish": true, "recognition": "on_payment"});
    let got = post(&world, "/v1/invoices", "k-1", &body.to_string()).await;
    assert_eq!(got.status, 201, "{}", got.text);
    let id = intent_id(BOOK, "invoices", "k-1");
    assert_eq!(got.headers["location"], format!("/v1/invoices/{id}"));
    let answer = got.json();
    assert_eq!((&answer["id"], &answer["complete"], &answer["position"]), (&json!(id), &json!(true), &json!(103)));
    let facts = world.facts();
    let words: Vec<&str> = facts.iter().map(|fact| fact["type"].as_str().unwrap()).collect();
    assert_eq!(words, ["InvoiceDrafted", "InvoiceItemAdded", "InvoiceItemAdded", "InvoicePublished"]);
    assert!(facts.iter().all(|fact| fact["subject"] == json!(id) && fact["currency"] == "UGX"));
    assert_eq!((&facts[1]["item_id"], &facts[1]["quantity"]), (&json!("1"), &json!("2.5")));
    assert_eq!((&facts[2]["item_id"], &facts[2]["quantity"]), (&json!("x"), &json!("1")));
    assert_eq!((&facts[3]["total"], &facts[3]["tax"]), (&json!("118000"), &json!("15000")));
    assert_eq!((&facts[3]["due"], &facts[3]["recognition"]), (&json!("2026-06-03"), &json!("on_payment")));
    let events: Vec<_> = world.last().1.facts.iter().map(|(fact, _)| fact.event_id(BOOK)).collect();
    assert!((0..4).all(|n| !events[n + 1..].contains(&events[n])));
    let telling = world.last().1;
    assert_eq!(telling.party.unwrap().phone.as_deref(), Some("256772000001"));
    assert!(!serde_json::to_string(&facts).unwrap().contains("256772000001"));

    let again = post(&world, "/v1/invoices", "k-1", &body.to_string()).await;
    assert_eq!((again.status.as_u16(), &again.json()["repeated"]), (201, &json!(true)));
    let other = body.to_string().replace("18000", "18001");
    post(&world, "/v1/invoices", "k-1", &other).await.problem(409, "idempotency_conflict");
    assert_eq!(world.tellings.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_invoice_follows_the_books_recognition_where_none_is_given() {
    let publish = r#"{"currency":"UGX","items":[{"unit_amount":"5"}],"publish":true}"#;
    for (policy, expected) in [(None, "on_publish"), (Some("on_payment"), "on_payment")] {
        let world = Arc::new(World::default());
        let policies = policy.map(|value: &str| Policy { key: "invoice.recognition".into(), value: value.into() });
        let opened = BookOpened {
            tenant: "t".into(),
            mode: Mode::Test,
            time_zone: "Africa/Kampala".into(),
            policies: policies.into_iter().collect(),
            currencies: Vec::new(),
        };
        world.record(about(SubjectKind::Book, subject(0), opened));
        world.record(about(SubjectKind::Payment, subject(3), support::House::event(3).fact.body));
        assert_eq!(post(&world, "/v1/invoices", "k", publish).await.status, 201);
        assert_eq!(world.facts()[2]["recognition"], expected);
    }
}

#[tokio::test]
async fn bad_fields_of_an_invoice_are_named_and_nothing_is_told() {
    let items = |item: &str| format!(r#"{{"currency":"UGX","items":[{{"unit_amount":"1"}},{item}]}}"#);
    let cases = [
        (r#"{"currency":"QQQ"}"#.to_owned(), "wrong_currency", "currency"),
        (r#"{"items":[]}"#.to_owned(), "invalid_body", "currency"),
        (r#"{"currency":"UGX","items":{}}"#.to_owned(), "invalid_body", "items"),
        (r#"{"currency":"UGX","items":[7]}"#.to_owned(), "invalid_body", "items.0"),
        (items(r#"{"unit_amount":"-1"}"#), "invalid_amount", "items.1.unit_amount"),
        (items(r#"{"unit_amount":1}"#), "invalid_amount", "items.1.unit_amount"),
        (items(r#"{"quantity":"3"}"#), "invalid_body", "items.1.unit_amount"),
        (items(r#"{"quantity":"0","unit_amount":"1"}"#), "invalid_body", "items.1.quantity"),
        (items(r#"{"quantity":3,"unit_amount":"1"}"#), "invalid_body", "items.1.quantity"),
        (items(r#"{"quantity":"0.3333","unit_amount":"0.01"}"#), "invalid_amount", "items.1.unit_amount"),
        (items(r#"{"unit_amount":"1","tax":"2"}"#), "invalid_amount", "items.1.tax"),
        (items(r#"{"unit_amount":"1","id":"1"}"#), "invalid_body", "items.1.id"),
        (items(r#"{"unit_amount":"1","price":"1"}"#), "invalid_body", "items.1.price"),
        (items(r#"{"unit_amount":"922337203685477"}"#), "invalid_amount", "items"),
        (r#"{"currency":"UGX","due":"2026-02-30"}"#.to_owned(), "invalid_body", "due"),
        (r#"{"currency":"UGX","due":"2026-06-03"}"#.to_owned(), "invalid_body", "due"),
        (r#"{"currency":"UGX","publish":true}"#.to_owned(), "invalid_body", "items"),
        (r#"{"currency":"UGX","publish":"yes"}"#.to_owned(), "invalid_body", "publish"),
        (r#"{"currency":"UGX","recognition":"never"}"#.to_owned(), "invalid_body", "recognition"),
        (r#"{"currency":"UGX","party":{"phone":"x"}}"#.to_owned(), "invalid_phone", "party.phone"),
        (r#"{"currency":"UGX","party":{"email":"x"}}"#.to_owned(), "invalid_body", "party.email"),
    ];
    for (body, code, field) in cases {
        let world = Arc::new(World::default());
        let problem = post(&world, "/v1/invoices", "k", &body).await.problem(422, code);
        assert_eq!(problem["field"], field, "{body}");
        assert!(world.tellings.lock().unwrap().is_empty());
    }
    let many = vec![r#"{"unit_amount":"1"}"#; 201].join(",");
    let got = post_new("/v1/invoices", &format!(r#"{{"currency":"UGX","items":[{many}]}}"#)).await;
    assert_eq!(got.problem(422, "invalid_body")["field"], "items");
}

#[tokio::test]
async fn items_change_only_in_a_draft_of_this_book() {
    let world = Arc::new(World::default());
    let id = invoice(&world, |row| row.state = InvoiceState::Draft).await;
    let items = format!("/v1/invoices/{id}/items");
    let got = post(&world, &items, "a", r#"{"id":"fee","unit_amount":"5000"}"#).await;
    assert_eq!((got.status.as_u16(), &world.facts()[0]["item_id"]), (201, &json!("fee")));
    post(&world, &items, "b", r#"{"unit_amount":"5000"}"#).await;
    assert_eq!(world.facts()[0]["item_id"], json!(intent_id(BOOK, "invoices.items.add", "b")));
    let on_item = async |method, key: &str, item: &str, body: &str| -> Got {
        sent(&world, true, request(BOOK, method, &format!("{items}/{item}"), Some(key), body)).await
    };
    assert_eq!(on_item(Method::PUT, "c", "fee", r#"{"quantity":"2","unit_amount":"1"}"#).await.status, 200);
    assert_eq!((&world.facts()[0]["type"], &world.facts()[0]["quantity"]), (&json!("InvoiceItemChanged"), &json!("2")));
    let moved = on_item(Method::PUT, "d", "fee", r#"{"id":"other","unit_amount":"1"}"#).await;
    assert_eq!(moved.problem(422, "invalid_body")["field"], "id");
    assert_eq!(on_item(Method::DELETE, "e", "fee", "").await.status, 200);
    assert_eq!(world.facts()[0]["type"], "InvoiceItemRemoved");
    // The same key on another item is another command.
    on_item(Method::DELETE, "e", "other", "").await.problem(409, "idempotency_conflict");
    on_item(Method::DELETE, "f", &"x".repeat(65), "").await.problem(422, "invalid_parameter");
    invoice(&world, |row| row.state = InvoiceState::Paid).await;
    on_item(Method::DELETE, "g", "fee", "").await.problem(409, "wrong_state");
    // What was done before is still answered.
    assert_eq!(on_item(Method::DELETE, "e", "fee", "").await.json()["repeated"], true);
    let foreign = request(OTHER, Method::POST, &items, Some("h"), r#"{"unit_amount":"1"}"#);
    sent(&world, true, foreign).await.problem(404, "not_found");
    let theirs = invoice(&world, |row| (row.state, row.connection) = (InvoiceState::Draft, Some(MAIN))).await;
    assert_eq!(theirs, id);
    on_item(Method::DELETE, "i", "fee", "").await.problem(409, "wrong_state");
}

#[tokio::test]
async fn a_draft_is_published_with_the_sum_of_its_items() {
    let world = Arc::new(World::default());
    let id = invoice(&world, |row| (row.state, row.recognition) = (InvoiceState::Draft, None)).await;
    let path = format!("/v1/invoices/{id}/publish");
    assert_eq!(post(&world, &path, "a", "").await.status, 200);
    assert_eq!((&world.facts()[0]["total"], &world.facts()[0]["tax"]), (&json!("118000"), &json!("18000")));
    assert_eq!(world.facts()[0]["recognition"], "on_publish");
    for (body, field) in [(r#"{"total":"118001"}"#, "total"), (r#"{"tax":"1"}"#, "tax"), (r#"{"total":"0"}"#, "total")]
    {
        assert_eq!(post(&world, &path, "b", body).await.problem(422, "invalid_amount")["field"], field);
    }
    invoice(&world, |row| {
        (row.state, row.item_count, row.draft_total) = (InvoiceState::Draft, 0, Some(Amount::ZERO));
        row.draft_tax = Amount::ZERO;
    })
    .await;
    assert_eq!(post(&world, &path, "c", "{}").await.problem(422, "invalid_body")["field"], "total");
    assert_eq!(post(&world, &path, "d", r#"{"total":"100","tax":"18"}"#).await.status, 200);
    invoice(&world, |row| row.state = InvoiceState::Published).await;
    post(&world, &path, "e", "").await.problem(409, "wrong_state");
    post(&world, &format!("/v1/invoices/{}/publish", subject(99)), "f", "").await.problem(404, "not_found");
}

#[tokio::test]
async fn cancelling_takes_what_is_outstanding_with_the_tax_left_in_it() {
    let world = Arc::new(World::default());
    let id = subject(1);
    let path = format!("/v1/invoices/{id}/cancel");
    assert_eq!(post(&world, &path, "a", "").await.status, 200);
    // 118,000 with 18,000 tax, 50,000 paid: 7,627 of the tax stays with what was paid.
    assert_eq!((&world.facts()[0]["amount"], &world.facts()[0]["tax"]), (&json!("68000"), &json!("10373")));
    invoice(&world, |row| (row.state, row.outstanding) = (InvoiceState::Paid, Amount::ZERO)).await;
    post(&world, &path, "b", "").await.problem(409, "wrong_state");
    assert_eq!(post(&world, &path, "a", "").await.json()["repeated"], true);
    let other = format!("/v1/invoices/{}/cancel", subject(2));
    post(&world, &other, "a", "").await.problem(409, "idempotency_conflict");
    invoice(&world, |row| row.state = InvoiceState::Draft).await;
    assert_eq!(post(&world, &path, "c", "").await.status, 200);
    assert_eq!((&world.facts()[0]["amount"], &world.facts()[0]["tax"]), (&json!("0"), &json!("0")));
    sent(&world, true, request(OTHER, Method::POST, &path, Some("d"), "")).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_credit_note_is_inside_what_is_owed_and_its_tax_inside_itself() {
    let world = Arc::new(World::default());
    let path = format!("/v1/invoices/{}/credit", subject(1));
    assert_eq!(post(&world, &path, "a", r#"{"amount":"11800"}"#).await.status, 200);
    assert_eq!((&world.facts()[0]["amount"], &world.facts()[0]["tax"]), (&json!("11800"), &json!("1800")));
    post(&world, &path, "b", r#"{"amount":"11800","tax":"0"}"#).await;
    assert_eq!(world.facts()[0]["tax"], "0");
    let above = post(&world, &path, "c", r#"{"amount":"68000.01"}"#).await;
    assert_eq!(above.problem(422, "limit_exceeded")["field"], "amount");
    let tax = post(&world, &path, "d", r#"{"amount":"10","tax":"11"}"#).await;
    assert_eq!(tax.problem(422, "invalid_amount")["field"], "tax");
    let expire = format!("/v1/invoices/{}/expire", subject(1));
    assert_eq!(post(&world, &expire, "e", "").await.status, 200);
    assert_eq!(world.facts()[0]["type"], "InvoiceExpired");
    invoice(&world, |row| (row.state, row.outstanding) = (InvoiceState::Paid, Amount::ZERO)).await;
    post(&world, &expire, "f", "").await.problem(409, "wrong_state");
}

#[tokio::test]
async fn an_allocation_stands_on_the_side_of_what_is_open() {
    let world = Arc::new(World::default());
    let id = payment(&world, |row| row.open = amount("700")).await;
    let body = json!({"payment": id, "amount": "500", "account": "income:sales"}).to_string();
    let got = post(&world, "/v1/allocations", "a", &body).await;
    assert_eq!(got.status, 201, "{}", got.text);
    let fact = &world.facts()[0];
    assert_eq!((&fact["subject_kind"], &fact["item_kind"]), (&json!("payment"), &json!("payment")));
    assert_eq!((&fact["item_side"], &fact["account"]), (&json!("credit"), &json!("income:sales")));
    assert_eq!((&fact["connection"], &fact["currency"]), (&json!(MAIN), &json!("UGX")));
    for (kind, open, subject_kind, side) in [
        (PaymentKind::Payout, "700", "payout", "debit"),
        (PaymentKind::Withdrawal, "700", "transfer", "debit"),
        (PaymentKind::TopUp, "-700", "transfer", "credit"),
        (PaymentKind::Payment, "-700", "payment", "debit"),
    ] {
        payment(&world, |row| (row.kind, row.open) = (kind, amount(open))).await;
        assert_eq!(post(&world, "/v1/allocations", &format!("{kind}{open}"), &body).await.status, 201);
        assert_eq!(
            (&world.facts()[0]["subject_kind"], &world.facts()[0]["item_side"]),
            (&json!(subject_kind), &json!(side))
        );
    }
    // The first one is still the first one, whatever is open now.
    payment(&world, |row| row.open = Amount::ZERO).await;
    assert_eq!(post(&world, "/v1/allocations", "a", &body).await.json()["repeated"], true);
    assert_eq!(post(&world, "/v1/allocations", "z", &body).await.problem(422, "limit_exceeded")["field"], "amount");
}

#[tokio::test]
async fn an_allocation_to_an_invoice_takes_its_account_and_tax() {
    let world = Arc::new(World::default());
    let id = payment(&world, |row| row.open = amount("100000")).await;
    let body = |amount: &str| json!({"payment": id, "amount": amount, "invoice": subject(1)}).to_string();
    assert_eq!(post(&world, "/v1/allocations", "a", &body("68000")).await.status, 201);
    assert_eq!((&world.facts()[0]["account"], &world.facts()[0]["tax"]), (&json!("assets:receivable"), &json!(null)));
    invoice(&world, |row| {
        (row.recognition, row.tax_allocated) = (Some(Recognition::OnPayment), amount("7627"));
    })
    .await;
    post(&world, "/v1/allocations", "b", &body("50000")).await;
    assert_eq!((&world.facts()[0]["account"], &world.facts()[0]["tax"]), (&json!("income:sales"), &json!("7627")));
    post(&world, "/v1/allocations", "c", &body("68000")).await;
    assert_eq!(world.facts()[0]["tax"], "10373");
    let above = post(&world, "/v1/allocations", "d", &body("68001")).await;
    assert_eq!(above.problem(422, "limit_exceeded")["field"], "amount");
    invoice(&world, |row| row.currency = Some("USD".parse().unwrap())).await;
    let other = post(&world, "/v1/allocations", "e", &body("5")).await;
    assert_eq!(other.problem(422, "wrong_currency")["field"], "invoice");
    invoice(&world, |row| (row.state, row.recognition) = (InvoiceState::Draft, None)).await;
    assert_eq!(post(&world, "/v1/allocations", "f", &body("5")).await.problem(409, "wrong_state")["field"], "invoice");
}

#[tokio::test]
async fn bad_allocations_are_refused_by_field() {
    let world = Arc::new(World::default());
    let id = payment(&world, |row| row.open = amount("700")).await;
    let cases = [
        (json!({"payment": id, "amount": "701", "account": "income:sales"}), 422, "limit_exceeded", "amount"),
        (json!({"payment": id, "amount": "0", "account": "income:sales"}), 422, "invalid_amount", "amount"),
        (json!({"payment": id, "amount": "1", "account": "Income:Sales"}), 422, "invalid_body", "account"),
        (json!({"payment": id, "amount": "1", "account": "income::sales"}), 422, "invalid_body", "account"),
        (json!({"payment": id, "amount": "1"}), 422, "invalid_body", "invoice"),
        (json!({"payment": id, "amount": "1", "account": "a:b", "invoice": id}), 422, "invalid_body", "invoice"),
        (json!({"payment": id, "amount": "1", "invoice": subject(99)}), 404, "not_found", "invoice"),
        (json!({"payment": subject(99), "amount": "1", "account": "a:b"}), 404, "not_found", "payment"),
        (json!({"payment": "x", "amount": "1", "account": "a:b"}), 422, "invalid_body", "payment"),
    ];
    for (body, status, code, field) in cases {
        let got = post(&world, "/v1/allocations", "k", &body.to_string()).await;
        assert_eq!(got.problem(status, code)["field"], field, "{body}");
    }
    let body = json!({"payment": id, "amount": "1", "account": "income:sales"}).to_string();
    let foreign = request(OTHER, Method::POST, "/v1/allocations", Some("k"), &body);
    sent(&world, true, foreign).await.problem(404, "not_found");
    payment(&world, |row| row.kind = PaymentKind::Refund).await;
    assert_eq!(post(&world, "/v1/allocations", "k", &body).await.problem(409, "wrong_state")["field"], "payment");
    assert!(world.tellings.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_allocation_is_reversed_in_parts_and_the_last_takes_the_rest_of_the_tax() {
    let world = Arc::new(World::default());
    let allocated = PaymentAllocated {
        item: subject(2),
        item_kind: ItemKind::Payment,
        item_side: Side::Credit,
        amount: amount("5900"),
        account: "income:sales".into(),
        invoice_id: Some(subject(1)),
        target_amount: None,
        tax: Some(amount("900")),
        policy: None,
    };
    let id = world.record(about(SubjectKind::Payment, subject(2), allocated.clone()));
    let path = format!("/v1/allocations/{id}/reverse");
    assert_eq!(post(&world, &path, "a", r#"{"amount":"2000"}"#).await.status, 201);
    assert_eq!((&world.facts()[0]["amount"], &world.facts()[0]["tax"]), (&json!("2000"), &json!("305")));
    assert_eq!(world.facts()[0]["allocation"], json!(id));
    world.record(world.last().1.facts[0].0.clone());
    assert_eq!(post(&world, &path, "b", "").await.status, 201);
    assert_eq!((&world.facts()[0]["amount"], &world.facts()[0]["tax"]), (&json!("3900"), &json!("595")));
    let above = post(&world, &path, "c", r#"{"amount":"3901"}"#).await;
    assert_eq!(above.problem(422, "limit_exceeded")["field"], "amount");
    world.record(world.last().1.facts[0].0.clone());
    post(&world, &path, "d", "").await.problem(422, "limit_exceeded");
    let Body::PaymentDeallocated(PaymentDeallocated { item_side, .. }) = world.last().1.facts[0].0.body else {
        panic!("not a deallocation");
    };
    assert_eq!(item_side, Side::Credit);
    post(&world, &format!("/v1/allocations/{}/reverse", event(99)), "e", "").await.problem(404, "not_found");
    sent(&world, true, request(OTHER, Method::POST, &path, Some("f"), "")).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_wallet_is_opened_and_topped_up() {
    let world = Arc::new(World::default());
    let body = json!({"wallet": wallet(1), "as_of": "2026-01-01T00:00:00Z", "posted": "-5", "held": "1"}).to_string();
    assert_eq!(post(&world, "/v1/openings", "a", &body).await.status, 201);
    let (fact, at) = &world.last().1.facts[0];
    assert_eq!((fact.subject.0, fact.wallet, fact.connection), (wallet(1).0, Some(wallet(1)), Some(MAIN)));
    assert_eq!(at.unwrap().to_string(), "2026-01-01T00:00:00Z");
    for (from, to, status, code, field) in [
        ("2026-01-01", "2036-01-01", 422, "invalid_body", "as_of"),
        ("T00:00:00Z", "", 422, "invalid_body", "as_of"),
        (r#""-5""#, "-5", 422, "invalid_amount", "posted"),
        (r#""held":"1""#, r#""held":"-1""#, 422, "invalid_amount", "held"),
        ("00a1", "00ff", 404, "unknown_wallet", "wallet"),
    ] {
        let got = post(&world, "/v1/openings", "b", &body.replace(from, to)).await;
        assert_eq!(got.problem(status, code)["field"], field, "{to}");
    }
    let foreign = request(OTHER, Method::POST, "/v1/openings", Some("c"), &body);
    sent(&world, true, foreign).await.problem(404, "unknown_wallet");

    let body = json!({"wallet": wallet(1), "amount": "100", "fees": [{"component": "provider", "amount": "1.5"}]});
    let got = post(&world, "/v1/fundings", "a", &body.to_string()).await;
    let id = intent_id(BOOK, "fundings", "a");
    assert_eq!((got.status.as_u16(), &got.json()["id"]), (201, &json!(id)));
    let fact = &world.facts()[0];
    assert_eq!((&fact["wallet_credit"], &fact["subject_kind"]), (&json!("98.5"), &json!("transfer")));
    assert_eq!((&fact["object_kind"], &fact["object_id"]), (&json!("intent"), &json!(id.to_string())));
    let row = json!({"wallet": wallet(1), "amount": "100", "row": "R-1", "occurred_at": "2026-01-01T00:00:00Z"});
    let first = post(&world, "/v1/fundings", "b", &row.to_string()).await.json();
    let named = world.last().1.facts[0].0.event_id(BOOK);
    assert_eq!(world.facts()[0]["object_kind"], "row");
    let second = post(&world, "/v1/fundings", "c", &row.to_string()).await.json();
    assert_eq!((first["id"].clone(), named), (second["id"].clone(), world.last().1.facts[0].0.event_id(BOOK)));
    for (body, field) in [
        (json!({"wallet": wallet(1), "amount": "100", "wallet_credit": "99"}), "wallet_credit"),
        (json!({"wallet": wallet(1), "amount": "1", "fees": [{"component": "fx", "amount": "1"}]}), "fees"),
        (json!({"wallet": wallet(1), "amount": "1", "fees": [{"component": "fx", "amount": "0"}]}), "fees.0.amount"),
    ] {
        let got = post(&world, "/v1/fundings", "d", &body.to_string()).await;
        assert_eq!(got.problem(422, "invalid_amount")["field"], field);
    }
}

#[tokio::test]
async fn a_verdict_is_recorded_with_the_keys_id_and_no_name() {
    let world = Arc::new(World::default());
    let raised = DiscrepancyRaised {
        kind: DiscrepancyKind::AmountDiffers,
        about: None,
        stake: None,
        stake_currency: None,
        other_fact: None,
        detail: None,
    };
    world.record(about(SubjectKind::Payment, subject(4), raised));
    let path = format!("/v1/discrepancies/{}/resolve", event(1));
    let got = post(&world, &path, "a", r#"{"verdict":"accept","reason":"confirmed"}"#).await;
    assert_eq!(got.status, 200, "{}", got.text);
    let fact = &world.facts()[0];
    assert_eq!((&fact["subject"], &fact["discrepancy"]), (&json!(subject(4)), &json!(event(1))));
    let actor = fact["actor_id"].as_str().unwrap();
    assert!(actor.starts_with("key:") && actor.len() == 40, "{actor}");
    let cases = [
        (r#"{"verdict":"move","reason":"x"}"#, "target"),
        (r#"{"verdict":"accept","reason":"x","target":"a:b"}"#, "target"),
        (r#"{"verdict":"move","reason":"x","target":"nowhere"}"#, "target"),
        (r#"{"verdict":"maybe","reason":"x"}"#, "verdict"),
        (r#"{"verdict":"accept"}"#, "reason"),
        (r#"{"verdict":"accept","reason":" "}"#, "reason"),
    ];
    for (body, field) in cases {
        assert_eq!(post(&world, &path, "b", body).await.problem(422, "invalid_body")["field"], field, "{body}");
    }
    let reject = r#"{"verdict":"reject","reason":"x"}"#;
    let unknown = format!("/v1/discrepancies/{}/resolve", event(99));
    post(&world, &unknown, "c", reject).await.problem(404, "not_found");
    sent(&world, true, request(OTHER, Method::POST, &unknown, Some("c"), reject)).await.problem(404, "not_found");
}

#[tokio::test]
async fn the_ledgers_refusal_and_its_silence_are_told() {
    let world = Arc::new(World::default());
    let path = format!("/v1/invoices/{}/expire", subject(1));
    *world.refuses.lock().unwrap() =
        Some(Outcome::Refused { code: Refusal::LimitExceeded, detail: "amount: above what is outstanding".into() });
    let problem = post(&world, &path, "a", "").await.problem(422, "limit_exceeded");
    assert_eq!((&problem["field"], &problem["refusal"]), (&json!("amount"), &json!("limit_exceeded")));
    *world.slow.lock().unwrap() = true;
    let got = post(&world, &path, "b", "").await;
    assert_eq!((got.status.as_u16(), &got.json()["complete"]), (202, &json!(false)));
    assert_eq!(got.json()["facts"][0]["state"], "pending");
}
