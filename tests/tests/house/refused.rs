//! Commands that cannot be: each is its own problem, names the field, and leaves the book as it was.

use ensimbi_tests::process::{Serving, run};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::Play;
use crate::support::{Caller, eventually, folder, nobody, text};

const PHONE: &str = "0111777771";

fn collection() -> Value {
    json!({ "connection": "iotec-main", "amount": "1000", "currency": "ITX", "payer": { "phone": PHONE } })
}

fn payout() -> Value {
    json!({ "connection": "iotec-main", "amount": "1000", "currency": "ITX", "to": { "phone": PHONE } })
}

fn to_bank(bank: &str, number: &str) -> Value {
    json!({ "bank": bank, "account_number": number, "account_name": "A Trader" })
}

/// The same with another value in one field, named with dots.
fn with(mut body: Value, field: &str, value: Value) -> Value {
    let mut place = &mut body;
    for part in field.split('.') {
        place = &mut place[part];
    }
    *place = value;
    body
}

/// A field, a value that it does not take, and the problem: status, code, and its field where that is another.
type Bad = (&'static str, Value, u16, &'static str, Option<&'static str>);

/// What neither a collection nor a payout takes.
fn both() -> Vec<Bad> {
    let amount = |value: Value| ("amount", value, 422, "invalid_amount", None);
    let mut bad: Vec<Bad> =
        ["0", "-1000", "0.00001", "1000.00001", "922337203685477.5808", "1e3", "1,000", " 1000", "", "499"]
            .into_iter()
            .map(|text| amount(text.into()))
            .collect();
    bad.extend([amount(json!(1000)), amount(json!(-3)), amount(json!(["1000"])), amount(json!(true))]);
    bad.extend([
        ("amount", Value::Null, 422, "invalid_body", None),
        ("currency", "UGX".into(), 422, "wrong_currency", None),
        ("currency", "itx".into(), 422, "wrong_currency", None),
        ("currency", Value::Null, 422, "invalid_body", None),
        ("connection", "nowhere".into(), 404, "unknown_connection", None),
        ("connection", nobody().into(), 404, "unknown_connection", None),
        ("connection", Value::Null, 422, "invalid_body", None),
        ("wallet", "nothing".into(), 404, "unknown_wallet", None),
        ("wallet", nobody().into(), 404, "unknown_wallet", None),
        ("amuont", "1000".into(), 422, "invalid_body", None),
        ("note", "x".repeat(201).into(), 422, "invalid_body", None),
        ("note", "a\u{0}b".into(), 422, "invalid_body", None),
    ]);
    bad
}

const PHONES: [&str; 6] = ["", "0111", "+0111 777 771", "not-a-phone", "011177777101117777710", "０１１１７７７７７１"];

async fn orders(house: &Caller) {
    let mut number = 0;
    let mut sent = async |path: &str, body: &Value| {
        number += 1;
        house.post(path, &format!("bad-{number}"), body).await
    };
    for (path, good) in [("/v1/collections", collection()), ("/v1/payouts", payout()), ("/v1/withdrawals", payout())] {
        for (field, value, status, code, named) in both() {
            let body = with(good.clone(), field, value);
            sent(path, &body).await.problem(status, code, Some(named.unwrap_or(field)));
        }
        let party = if path == "/v1/collections" { "payer" } else { "to" };
        let phone = [party, ".phone"].concat();
        for bad in PHONES {
            let body = with(good.clone(), &phone, bad.into());
            sent(path, &body).await.problem(422, "invalid_phone", Some(&phone));
        }
        let nick = [party, ".nick"].concat();
        sent(path, &with(good.clone(), &nick, "x".into())).await.problem(422, "invalid_body", Some(&nick));
        sent(path, &with(good.clone(), party, Value::Null)).await.problem(422, "invalid_body", Some(party));
        sent(path, &with(good.clone(), party, json!([]))).await.problem(422, "invalid_body", Some(party));
        let missing = house.send(Method::POST, path, None, Some(&good)).await;
        missing.problem(400, "idempotency_key_missing", None);
        house.post(path, "", &good).await.problem(400, "idempotency_key_missing", None);
        house.send(Method::POST, path, Some("none"), None).await.problem(422, "invalid_body", None);
    }
    let bearer = with(collection(), "fee_bearer", "nobody".into());
    sent("/v1/collections", &bearer).await.problem(422, "invalid_body", Some("fee_bearer"));
    for invoice in [json!("17"), json!(17)] {
        let body = with(collection(), "invoice", invoice);
        sent("/v1/collections", &body).await.problem(422, "invalid_body", Some("invoice"));
    }
    let body = with(collection(), "invoice", nobody().into());
    sent("/v1/collections", &body).await.problem(404, "not_found", Some("invoice"));
    for (to, status, code, field) in [
        (to_bank("a bank of nobody", "0140012345678"), 404, "unknown_bank", "to.bank"),
        (to_bank("040147", "12"), 422, "invalid_account", "to.account_number"),
        (json!({ "account_number": "0140012345678" }), 422, "invalid_body", "to.bank"),
        (with(to_bank("040147", "0140012345678"), "phone", PHONE.into()), 422, "invalid_body", "to.phone"),
    ] {
        for path in ["/v1/payouts", "/v1/withdrawals"] {
            sent(path, &with(payout(), "to", to.clone())).await.problem(status, code, Some(field));
        }
    }
}

/// Ids of nobody, on every route that has one.
async fn nobody_has_them(house: &Caller) {
    let verdict = json!({ "verdict": "accept", "reason": "Confirmed." });
    let item = json!({ "unit_amount": "100" });
    let credit = json!({ "amount": "100" });
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    for (method, path, body) in [
        (&get, "/v1/payments/{}", None),
        (&get, "/v1/payments/{}/explain", None),
        (&get, "/v1/invoices/{}", None),
        (&get, "/v1/discrepancies/{}", None),
        (&get, "/v1/wallets/{}", None),
        (&get, "/v1/wallets/{}/balance", None),
        (&post, "/v1/payments/{}/attempts", None),
        (&post, "/v1/invoices/{}/publish", None),
        (&post, "/v1/invoices/{}/cancel", None),
        (&post, "/v1/invoices/{}/expire", None),
        (&post, "/v1/invoices/{}/credit", Some(&credit)),
        (&post, "/v1/invoices/{}/items", Some(&item)),
        (&put, "/v1/invoices/{}/items/1", Some(&item)),
        (&delete, "/v1/invoices/{}/items/1", None),
        (&post, "/v1/discrepancies/{}/resolve", Some(&verdict)),
        (&post, "/v1/allocations/{}/reverse", None),
    ] {
        let own = (*method != get).then(nobody);
        let answer = house.send(method.clone(), &path.replace("{}", &nobody()), own.as_deref(), body).await;
        assert_eq!((answer.status, answer.body["code"].as_str()), (404, Some("not_found")), "{path}: {}", answer.body);
        let answer = house.send(method.clone(), &path.replace("{}", "17"), own.as_deref(), body).await;
        assert_eq!(answer.body["parameter"], parameter(path), "{path}: {}", answer.body);
        answer.problem(422, "invalid_parameter", None);
    }
    let connection = format!("/v1/connections/{}/banks", nobody());
    let answer = house.send(get, &connection, None, None).await;
    assert_eq!(answer.status, 404, "{}", answer.body);
}

/// How a path calls its id.
fn parameter(path: &str) -> &'static str {
    if path.starts_with("/v1/allocations") { "event_id" } else { "id" }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_cannot_be_names_its_field_and_leaves_the_book_as_it_was() {
    let folder = folder();
    let play = Play::funded(&folder, &[]).await;
    let serving = Serving::start(["--data", &folder.text("data")]).await;
    let key = serving.key.clone().unwrap();
    let house = &Caller::of(&serving, &key);
    play.call_back_to(&serving);
    play.opened(&serving, &key).await;

    // A paid invoice, and a payment without a purpose.
    let body = json!({ "currency": "ITX", "publish": true, "items": [{ "unit_amount": "1000" }] });
    let invoice = text(&house.post("/v1/invoices", "invoice", &body).await.expect(201)["id"]).to_owned();
    let mut payments = Vec::new();
    for body in [with(collection(), "invoice", invoice.as_str().into()), collection()] {
        let told = house.post("/v1/collections", &format!("good-{}", payments.len()), &body).await.expect(202);
        play.made(text(&told["reference"])).await;
        payments.push(text(&told["id"]).to_owned());
    }
    play.pass().await;
    for payment in &payments {
        house.becomes(payment, "succeeded").await;
    }
    let paid = ["/v1/invoices/", &invoice].concat();
    eventually("the invoice is paid", async || (house.get(&paid).await["invoice"]["state"] == "paid").then_some(()))
        .await;
    let before = (house.position().await, house.wallet().await, house.get("/v1/trial-balance").await);
    let made = play.simulator.objects().await.unwrap().len();

    orders(house).await;
    nobody_has_them(house).await;
    let cancel = [&paid, "/cancel"].concat();
    house.send(Method::POST, &cancel, Some("cancel"), None).await.problem(409, "wrong_state", None);
    let allocation =
        |payment: &str, amount: &str| json!({ "payment": payment, "amount": amount, "account": "income:sales" });
    let past = "1000.0001";
    for (n, (body, status, code, field)) in [
        (allocation(&payments[1], past), 422, "limit_exceeded", Some("amount")),
        (allocation(&payments[0], "1"), 422, "limit_exceeded", Some("amount")),
        (allocation(&payments[1], "0"), 422, "invalid_amount", Some("amount")),
        (allocation(&nobody(), "1"), 404, "not_found", Some("payment")),
        (with(allocation(&payments[1], "1"), "account", "Sales".into()), 422, "invalid_body", Some("account")),
        (json!({ "payment": payments[1], "amount": "1" }), 422, "invalid_body", Some("invoice")),
        (json!({ "payment": payments[1], "amount": "1", "invoice": nobody() }), 404, "not_found", Some("invoice")),
        (json!({ "payment": payments[1], "amount": "1", "invoice": invoice }), 422, "limit_exceeded", Some("amount")),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = house.post("/v1/allocations", &format!("allocation-{n}"), &body).await;
        assert_eq!((answer.status, answer.body["code"].as_str()), (status, Some(code)), "{body}: {}", answer.body);
        answer.problem(status, code, field);
    }
    let draft = json!({ "currency": "ITX", "items": [{ "unit_amount": "1" }] });
    for (field, value, code, named) in [
        ("currency", json!("QQQ"), "wrong_currency", "currency"),
        ("items", json!([{ "unit_amount": "0.00001" }]), "invalid_amount", "items.0.unit_amount"),
        ("items", json!([{ "unit_amount": 1 }]), "invalid_amount", "items.0.unit_amount"),
        ("items", json!([{ "unit_amount": "1", "quantity": "0" }]), "invalid_body", "items.0.quantity"),
        ("items", json!([{ "unit_amount": "1", "tax": "2" }]), "invalid_amount", "items.0.tax"),
        ("items", json!([{ "unit_amount": "1", "price": "2" }]), "invalid_body", "items.0.price"),
        ("party", json!({ "phone": "x" }), "invalid_phone", "party.phone"),
        ("publish", json!("yes"), "invalid_body", "publish"),
        ("due", json!("2026-06-31"), "invalid_body", "due"),
    ] {
        let answer = house.post("/v1/invoices", &nobody(), &with(draft.clone(), field, value)).await;
        answer.problem(422, code, Some(named));
    }

    let after = (house.position().await, house.wallet().await, house.get("/v1/trial-balance").await);
    assert_eq!(after, before, "a refused command left something behind");
    assert_eq!(play.simulator.objects().await.unwrap().len(), made, "the provider heard of it");
    assert!(!serving.log().contains(&PHONE[1..]), "a phone number in the log");
    assert_eq!(serving.stop().await, Some(0));
    run(["verify", "--data", &folder.text("data")]).await.expect_code(0);
}
