//! Bodies against those of the documents, key by key.

use super::support::*;

const CREATED: &str = include_str!("../../src/providers/paytota/fixtures/webhook/seed_004_purchase_created.body");
const PAID: &str = include_str!("../../src/providers/paytota/fixtures/webhook/seed_004_purchase_paid.body");
const INITIALIZED: &str =
    include_str!("../../src/providers/paytota/fixtures/webhook/seed_004_bank_payout_initialized.body");
const SUCCESS: &str = include_str!("../../src/providers/paytota/fixtures/webhook/seed_004_bank_payout_success.body");

/// The same keys everywhere, and the same kind of value where neither is null.
fn same_shape(path: &str, ours: &Value, theirs: &Value) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let keys = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(ours), keys(theirs), "{path}");
            for (key, value) in ours {
                same_shape(&format!("{path}.{key}"), value, &theirs[key]);
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            if let (Some(ours), Some(theirs)) = (ours.first(), theirs.first()) {
                same_shape(&format!("{path}[]"), ours, theirs);
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        (ours, theirs) => assert_eq!(std::mem::discriminant(ours), std::mem::discriminant(theirs), "{path}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn purchases_and_payouts_have_exactly_the_keys_of_the_documents() {
    let sim = start(settings()).await;
    let received = sim.receive(Vec::new()).await;
    sim.collect("order-1", GOOD, 1_000).await;
    let mut bank = payout("pay-1", "256700123123", 500);
    bank["client"]["bank_account"] = "123456789013".into();
    let id = text(&sim.create("payouts", &bank).await, "id");
    let asked = json!({
        "payout_type": "bank", "bank_name": "Stanbic Bank", "bank_code": "SBICUGKX", "bank_account_name": "Test Name",
        "bank_account_number": "123456789012",
    });
    assert_eq!(sim.pay_out(&id, &asked).await.1["status"], "pending");
    sim.pass(HOUR).await;
    let received = received.lock().unwrap().clone();
    for (event, seed) in [
        ("purchase.created", CREATED),
        ("purchase.paid", PAID),
        ("payout.created", INITIALIZED),
        ("payout.success", SUCCESS),
    ] {
        let ours = &received.iter().find(|one| one.2["event_type"] == event).unwrap().2;
        let theirs: Value = serde_json::from_str(seed).unwrap();
        same_shape(event, ours, &theirs);
    }
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_are_whole_numbers_and_products_come_back_with_decimal_texts() {
    let sim = start(settings()).await;
    let mut body = purchase("order-1", GOOD, 500);
    body["purchase"]["products"] = json!([
        {"name": "A", "price": "500"}, {"name": "B", "price": 250, "quantity": "2", "tax_percent": 18, "discount": 50},
    ]);
    let made = sim.create("purchases", &body).await;
    assert_eq!(made["purchase"]["total"], 500 + 450 + 81);
    let product = &made["purchase"]["products"][1];
    assert_eq!(
        (&product["quantity"], &product["tax_percent"], &product["discount"]),
        (&json!("2.0000"), &json!("18.00"), &json!(50))
    );
    assert_eq!((text(&made, "reference_generated"), text(&made, "issued")), ("PT1418".into(), "2026-05-03".into()));
    let second = sim.create("purchases", &body).await;
    assert_eq!(text(&second, "reference_generated"), "PT1419");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_request_is_named_by_its_field() {
    let sim = start(settings()).await;
    let change = |path: &str, value: Value| {
        let mut body = purchase("order-1", GOOD, 500);
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    for (body, field, code) in [
        (change("/brand_id", json!("00000000-0000-4000-8000-000000000000")), "brand_id", "does_not_exist"),
        (change("/client/email", json!("nobody")), "client", "invalid"),
        (change("/client/country", json!("UGA")), "client", "invalid"),
        (change("/purchase/currency", json!("XXX")), "purchase", "invalid_choice"),
        (change("/purchase/products", json!([])), "purchase", "invalid"),
        (change("/purchase/products/0/price", json!("5.50")), "purchase", "invalid"),
        (change("/purchase/products/0/price", json!(0)), "purchase", "invalid"),
        (change("/reference", json!("x".repeat(129))), "reference", "invalid"),
    ] {
        let (status, text) = sim.post("/api/v1/purchases/", &body).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, answer[field][0]["code"].as_str()), (400, Some(code)), "{text}");
    }
    let mut body = purchase("order-1", GOOD, 500);
    body["payment_method_whitelist"] = json!(["paytota_proxy"]);
    body["purchase"]["currency"] = "USD".into();
    let (status, text) = sim.post("/api/v1/purchases/", &body).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, code(&answer)), (400, "purchase_no_available_payment_method"));
    assert_eq!(sim.get("/api/v1/purchases/00000000-0000-4000-8000-000000000000/").await.0, 404);
    // Nothing lists or finds by reference.
    assert_eq!(sim.get("/api/v1/purchases/").await.0, 405);
    for path in ["/api/v1/purchases/", "/api/v1/payouts/"] {
        let answer = sim.client.post(format!("{}{path}", sim.base)).body("x").send().await.unwrap();
        assert_eq!(answer.status(), 401);
    }
    sim.stop().await;
}
