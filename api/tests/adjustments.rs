//! What an accountant adds: balanced lines, their reversal, a second person's approval, closed periods.

#![allow(clippy::unwrap_used)]

// Each test binary uses its own part of the shared fakes.
#[allow(dead_code)]
mod support;
#[allow(dead_code)]
mod world;

use std::sync::Arc;

use axum::http::Method;
use ensimbi_events::bus::Outcome;
use ensimbi_events::codes::Refusal;
use ensimbi_events::event::Lines;
use ensimbi_events::ids::intent_id;
use ensimbi_events::trial::Trial;
use ensimbi_events::word::Mode;
use ensimbi_events::words::book::{BookOpened, PeriodClosed, Policy};
use ensimbi_events::words::control::AdjustmentPosted;
use ensimbi_events::{Amount, Body, Event, EventId, Fact, SubjectId, SubjectKind};
use serde_json::{Value, json};
use support::{BOOK, Got};
use world::{World, post, request, sent};

const PATH: &str = "/v1/adjustments";

fn line(account: &str, amount: &str) -> Value {
    json!({ "account": account, "currency": "UGX", "amount": amount })
}

fn vat() -> Value {
    json!({ "reason": "Tax invoice 17.", "lines": [line("assets:tax:vat", "1800"), line("expenses:tax-recovered:main", "-1800")] })
}

async fn adjust(world: &Arc<World>, key: &str, body: &Value) -> Got {
    post(world, PATH, key, &body.to_string()).await
}

/// The body of an answer with this status.
#[track_caller]
fn is(got: &Got, status: u16) -> Value {
    assert_eq!(got.status.as_u16(), status, "{}", got.text);
    got.json()
}

async fn get(world: &Arc<World>, path: &str) -> Got {
    sent(world, true, request(BOOK, Method::GET, path, None, "")).await
}

fn about_the_book(occurrence: &str, body: impl Into<Body>) -> Fact {
    let body = body.into();
    Fact {
        subject: SubjectId(BOOK.0),
        subject_kind: SubjectKind::Book,
        connection: None,
        wallet: None,
        object_kind: None,
        object_id: None,
        occurrence: occurrence.to_owned(),
        currency: None,
        version: body.version(),
        body,
    }
}

/// A book in Kampala, with one currency of its own and policies.
fn opened(policies: &[(&str, &str)]) -> Arc<World> {
    let world = Arc::new(World::default());
    let policy = |(key, value): &(&str, &str)| Policy { key: (*key).to_owned(), value: (*value).to_owned() };
    world.record(about_the_book(
        "",
        BookOpened {
            tenant: "t".into(),
            mode: Mode::Test,
            time_zone: "Africa/Kampala".into(),
            policies: policies.iter().map(policy).collect(),
            currencies: vec!["KOKO".parse().unwrap()],
        },
    ));
    world
}

/// Puts lines and the configuration's position on the last event.
fn change_last(world: &World, change: impl FnOnce(&mut Event)) -> EventId {
    let mut events = world.events.lock().unwrap();
    let last = events.last_mut().unwrap();
    change(last);
    last.record.event_id
}

#[tokio::test]
async fn a_tax_invoice_on_fees_is_told_as_it_was_written() {
    let world = opened(&[]);
    let answer = adjust(&world, "k", &vat()).await;
    let told = is(&answer, 201);
    let fact = &world.facts()[0];
    assert_eq!((&fact["type"], &fact["reason"]), (&json!("AdjustmentPosted"), &json!("Tax invoice 17.")));
    assert!(fact["actor_id"].as_str().unwrap().starts_with("key:"), "{fact}");
    assert_eq!(
        fact["lines"][1],
        json!({
            "n": 2, "account": "expenses:tax-recovered:main", "currency": "UGX", "amount": "-1800"
        })
    );
    let id = intent_id(BOOK, "adjustments", "k").to_string();
    assert_eq!((&told["id"], &fact["subject"], &fact["occurrence"]), (&json!(id), &json!(id), &json!(id)));
    let (_, telling) = world.last();
    assert_eq!(telling.facts[0].1, None, "now");
    let again = is(&adjust(&world, "k", &vat()).await, 201);
    assert_eq!(again["repeated"], true);
    adjust(&world, "k", &json!({ "reason": "Another.", "lines": vat()["lines"] }))
        .await
        .problem(409, "idempotency_conflict");
}

#[tokio::test]
async fn withholding_names_the_invoice_that_it_settles_and_the_day() {
    let world = opened(&[]);
    let invoice = SubjectId(uuid::Uuid::from_u128(5)).to_string();
    let mut receivable = line("assets:receivable", "-60000");
    receivable["open_item"] = json!(invoice);
    let body = json!({
        "reason": "Withholding certificate 9.", "date": "2026-04-30",
        "lines": [line("assets:tax:withholding", "60000"), receivable]
    });
    is(&adjust(&world, "k", &body).await, 201);
    assert_eq!(world.facts()[0]["lines"][1]["open_item"], json!(invoice));
    let (_, telling) = world.last();
    // The end of that day in Kampala.
    assert_eq!(telling.facts[0].1.unwrap().to_string(), "2026-04-30T20:59:59.999999Z");
}

#[tokio::test]
async fn fee_lines_get_the_dimensions_of_their_account() {
    let world = opened(&[]);
    let lines = json!([
        line("expenses:fees:main:network", "5"),
        line("income:sales", "-5"),
        line("equity:memo:fees:payer:main:provider", "2"),
        line("equity:memo:contra", "-2")
    ]);
    is(&adjust(&world, "k", &json!({ "reason": "r", "lines": lines })).await, 201);
    let lines = &world.facts()[0]["lines"];
    assert_eq!((&lines[0]["component"], &lines[0]["bearer"]), (&json!("network"), &json!("merchant")));
    assert_eq!((&lines[2]["component"], &lines[2]["bearer"]), (&json!("provider"), &json!("payer")));
    assert_eq!(lines[1].get("component"), None);
}

#[tokio::test]
async fn wrong_fields_are_named_with_what_is_allowed() {
    let world = opened(&[]);
    let with = |at: usize, name: &str, value: Value| {
        let mut body = vat();
        body["lines"][at][name] = value;
        body
    };
    for (body, status, code, field) in [
        (with(1, "account", json!("Assets:Tax")), 400, "unknown_value", "lines.1.account"),
        (with(1, "account", json!("money:tax")), 400, "unknown_value", "lines.1.account"),
        (with(0, "currency", json!("QQQ")), 400, "unknown_value", "lines.0.currency"),
        (with(0, "currency", json!("ugx")), 400, "unknown_value", "lines.0.currency"),
        (with(0, "amount", json!("0")), 422, "invalid_amount", "lines.0.amount"),
        (with(0, "amount", json!(1800)), 422, "invalid_amount", "lines.0.amount"),
        (with(0, "open_item", json!("5")), 422, "invalid_body", "lines.0.open_item"),
        (with(0, "component", json!("tax")), 422, "invalid_body", "lines.0.component"),
        (json!({ "lines": vat()["lines"] }), 422, "invalid_body", "reason"),
        (json!({ "reason": "x".repeat(501), "lines": vat()["lines"] }), 422, "invalid_body", "reason"),
        (json!({ "reason": "r" }), 422, "invalid_body", "lines"),
        (json!({ "reason": "r", "lines": [line("income:sales", "1")] }), 422, "invalid_body", "lines"),
        (json!({ "reason": "r", "lines": vec![line("income:sales", "1"); 101] }), 422, "invalid_body", "lines"),
        (json!({ "reason": "r", "lines": vat()["lines"], "date": "2026-5-3" }), 422, "invalid_body", "date"),
        (json!({ "reason": "r", "lines": vat()["lines"], "date": "2999-01-01" }), 422, "invalid_body", "date"),
        (json!({ "reason": "r", "reversal_of": EventId(uuid::Uuid::nil()) }), 404, "not_found", "reversal_of"),
    ] {
        let problem = adjust(&world, "bad", &body).await.problem(status, code);
        assert_eq!(problem["field"], field, "{problem}");
        assert_eq!(problem["allowed"].is_array(), code == "unknown_value", "{problem}");
    }
    assert!(world.tellings.lock().unwrap().is_empty());
    // A currency that only this book has is known.
    let mut own = vat();
    (own["lines"][0]["currency"], own["lines"][1]["currency"]) = (json!("KOKO"), json!("KOKO"));
    is(&adjust(&world, "own", &own).await, 201);
}

#[tokio::test]
async fn what_the_ledger_refuses_has_a_code_of_its_own() {
    for (refusal, status, code) in [
        (Refusal::Unbalanced, 422, "unbalanced"),
        (Refusal::MemoAlone, 422, "memo_alone"),
        (Refusal::PeriodClosed, 409, "period_closed"),
        (Refusal::ApprovalNeeded, 409, "approval_needed"),
        (Refusal::AlreadyReversed, 409, "already_reversed"),
    ] {
        let world = opened(&[]);
        let detail = "lines: not so".to_owned();
        *world.refuses.lock().unwrap() = Some(Outcome::Refused { code: refusal, detail });
        let problem = adjust(&world, "k", &vat()).await.problem(status, code);
        assert_eq!((&problem["refusal"], &problem["field"]), (&json!(code), &json!("lines")), "{problem}");
    }
}

/// An adjustment in the book, as it was recorded.
fn recorded(world: &World, accounts: [&str; 2]) -> EventId {
    let lines = [(accounts[0], 18), (accounts[1], -18)];
    let line = |(n, (account, amount)): (u32, (&str, i32))| ensimbi_events::Line {
        n,
        account: account.to_owned(),
        currency: "UGX".parse().unwrap(),
        amount: Amount::whole(amount),
        open_item: None,
        payment_id: None,
        component: None,
        bearer: None,
    };
    let lines = Lines((1..).zip(lines).map(line).collect());
    let (actor_id, reason) = ("key:1".to_owned(), "first".to_owned());
    let body = AdjustmentPosted { actor_id, reason, lines: lines.clone(), approver_id: None, reversal_of: None };
    world.record(about_the_book(accounts[0], body));
    change_last(world, |event| {
        (event.record.lines, event.record.no_lines) = (lines, None);
    })
}

#[tokio::test]
async fn a_reversal_takes_the_opposite_lines_under_the_entry_s_own_key() {
    let world = opened(&[]);
    let of = recorded(&world, ["assets:tax:vat", "income:sales"]);
    is(&adjust(&world, "k", &json!({ "reason": "a mistake", "reversal_of": of })).await, 201);
    let fact = &world.facts()[0];
    assert_eq!((&fact["object_kind"], &fact["object_id"]), (&json!("reversal"), &json!(of)));
    assert_eq!((&fact["reversal_of"], fact.get("occurrence")), (&json!(of), None));
    assert_eq!((&fact["lines"][0]["amount"], &fact["lines"][1]["amount"]), (&json!("-18"), &json!("18")));
    // What moved a wallet is the provider's to say; what has a life of its own goes back in its own words.
    let wallet = recorded(&world, ["assets:wallet:main:w1", "income:sales"]);
    let problem =
        adjust(&world, "w", &json!({ "reason": "r", "reversal_of": wallet })).await.problem(409, "wrong_state");
    assert!(problem["detail"].as_str().unwrap().contains("evidence"), "{problem}");
    let seen = uuid::Uuid::from_u128(7);
    is(&adjust(&world, "e", &json!({ "reason": "r", "reversal_of": wallet, "evidence": seen })).await, 201);
    assert_eq!(world.last().1.evidence.map(|id| id.0), Some(seen));
    let opening = world.events.lock().unwrap()[0].record.event_id;
    adjust(&world, "o", &json!({ "reason": "r", "reversal_of": opening })).await.problem(409, "wrong_state");
}

#[tokio::test]
async fn where_the_book_wants_it_a_second_person_approves() {
    let world = opened(&[("adjustments.second_approval", "on")]);
    let asked = is(&adjust(&world, "k", &vat()).await, 202);
    assert_eq!((&asked["state"], &asked["repeated"]), (&json!("waiting_for_approval"), &json!(false)));
    assert_eq!(is(&adjust(&world, "k", &vat()).await, 202)["repeated"], true);
    assert!(world.tellings.lock().unwrap().is_empty(), "nothing is told");
    // What would be refused for certain does not wait.
    let unequal = json!({ "reason": "r", "lines": [line("income:sales", "1"), line("assets:bank:main", "-2")] });
    adjust(&world, "u", &unequal).await.problem(422, "unbalanced");
    let memo = json!({ "reason": "r", "lines": [line("equity:memo:contra", "1"), line("assets:bank:main", "-1")] });
    adjust(&world, "m", &memo).await.problem(422, "memo_alone");
    is(&adjust(&world, "k3", &vat()).await, 202);
    let list = get(&world, "/v1/adjustments?state=waiting&limit=1").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let next = list["next_cursor"].as_str().unwrap();
    let last = get(&world, &format!("/v1/adjustments?state=waiting&limit=1&cursor={next}")).await.json();
    assert_eq!((last["items"].as_array().unwrap().len(), last["next_cursor"].is_null()), (1, true));
    get(&world, &format!("/v1/adjustments?state=approved&cursor={next}")).await.problem(422, "wrong_cursor");
    get(&world, "/v1/adjustments?state=posted").await.problem(400, "unknown_value");
    let approve = format!("/v1/adjustments/{}/approve", asked["id"].as_str().unwrap());
    post(&world, &approve, "a", "").await.problem(409, "approval_needed");
    post(&world, &approve, "a", "{\"x\":1}").await.problem(422, "invalid_body");
    let nobody = format!("/v1/adjustments/{}/approve", uuid::Uuid::from_u128(99));
    post(&world, &nobody, "a", "").await.problem(404, "not_found");
}

#[tokio::test]
async fn what_waits_can_be_withdrawn_and_stays_so() {
    let world = opened(&[("adjustments.second_approval", "on")]);
    let asked = is(&adjust(&world, "k", &vat()).await, 202);
    let path = |action: &str| format!("/v1/adjustments/{}/{action}", asked["id"].as_str().unwrap());
    let withdrawn = is(&post(&world, &path("withdraw"), "w", "").await, 200);
    assert_eq!((&withdrawn["state"], &withdrawn["withdrawn_by"]), (&json!("withdrawn"), &asked["actor_id"]));
    assert!(withdrawn["withdrawn_at"].is_string() && withdrawn.get("approver_id").is_none(), "{withdrawn}");
    assert_eq!(is(&post(&world, &path("withdraw"), "w", "").await, 200)["repeated"], true);
    // The key that asked for it finds it as it is now, and no longer waits.
    assert_eq!(is(&adjust(&world, "k", &vat()).await, 200)["state"], "withdrawn");
    assert_eq!(get(&world, PATH).await.json()["items"], json!([]));
    assert_eq!(get(&world, "/v1/adjustments?state=withdrawn").await.json()["items"][0]["id"], asked["id"]);
    post(&world, &path("withdraw"), "x", "{\"x\":1}").await.problem(422, "invalid_body");
    let nobody = format!("/v1/adjustments/{}/withdraw", uuid::Uuid::from_u128(99));
    post(&world, &nobody, "w", "").await.problem(404, "not_found");
    assert!(world.tellings.lock().unwrap().is_empty(), "nothing is told");
}

#[tokio::test]
async fn lines_on_a_wallet_wait_only_with_evidence() {
    let world = opened(&[("adjustments.second_approval", "on")]);
    let mut body = json!({ "reason": "r", "lines": [line("assets:wallet:main:w1", "5"), line("income:sales", "-5")] });
    adjust(&world, "w", &body).await.problem(409, "wrong_state");
    body["evidence"] = json!("no id");
    adjust(&world, "w", &body).await.problem(422, "invalid_body");
    body["evidence"] = json!(uuid::Uuid::from_u128(7));
    assert_eq!(is(&adjust(&world, "w", &body).await, 202)["evidence"], body["evidence"]);
}

#[tokio::test]
async fn periods_are_closed_with_the_trial_balance_and_listed() {
    let world = opened(&[]);
    let to = "2026-04-30";
    is(&post(&world, "/v1/periods/close", "k", &json!({ "from": "2026-04-01", "to": to }).to_string()).await, 201);
    let fact = world.facts()[0].clone();
    assert_eq!((&fact["type"], &fact["from"], &fact["to"]), (&json!("PeriodClosed"), &json!("2026-04-01"), &json!(to)));
    assert_eq!(fact["trial_balance"], json!(Trial::default().hash(BOOK, to)));
    // Without a first day: the first that the book has anything on, then the day after the last closed one.
    let may = json!({ "to": "2026-05-03" }).to_string();
    is(&post(&world, "/v1/periods/close", "may", &may).await, 201);
    assert_eq!(world.facts()[0]["from"], "2026-05-03");
    let closed = PeriodClosed {
        from: "2026-04-01".into(),
        to: "2026-04-30".into(),
        trial_balance: ensimbi_events::Hash::default(),
    };
    world.record(about_the_book("1", closed));
    is(&post(&world, "/v1/periods/close", "may2", &may).await, 201);
    assert_eq!(world.facts()[0]["from"], "2026-05-01");
    let listed = get(&world, "/v1/periods").await.json();
    assert_eq!(
        listed,
        json!({
            "position": 2, "time_zone": "Africa/Kampala", "closed": [{ "from": "2026-04-01", "to": "2026-04-30" }]
        })
    );
    let april = json!({ "from": "2026-04-01", "to": "2026-04-30" }).to_string();
    is(&post(&world, "/v1/periods/reopen", "r", &april).await, 201);
    assert_eq!(world.facts()[0]["type"], "PeriodReopened");
    // A day in it is refused before it waits for anybody, and by the ledger otherwise.
    for (path, body, code) in [
        ("/v1/periods/close", json!({ "from": "2026-04-02", "to": "2026-04-01" }), "invalid_range"),
        ("/v1/periods/close", json!({ "to": "2026-04-29" }), "invalid_range"),
        ("/v1/periods/reopen", json!({ "from": "2026-04-02", "to": "2026-04-01" }), "invalid_range"),
    ] {
        assert_eq!(post(&world, path, "bad", &body.to_string()).await.problem(400, code)["field"], "to", "{body}");
    }
    for body in [json!({}), json!({ "to": "April" }), json!({ "to": "2026-04-30", "reason": "r" })] {
        post(&world, "/v1/periods/close", "bad", &body.to_string()).await.problem(422, "invalid_body");
    }
    get(&world, "/v1/periods?year=2026").await.problem(400, "unknown_value");
}

#[tokio::test]
async fn a_closed_day_does_not_wait_for_a_second_person() {
    let world = opened(&[("adjustments.second_approval", "on")]);
    let closed = PeriodClosed {
        from: "2026-04-01".into(),
        to: "2026-04-30".into(),
        trial_balance: ensimbi_events::Hash::default(),
    };
    world.record(about_the_book("1", closed));
    let mut dated = vat();
    dated["date"] = json!("2026-04-30");
    adjust(&world, "k", &dated).await.problem(409, "period_closed");
}
