//! Tokens, JSON types and refusals, as the documents have them.

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lives_for_minutes_and_every_other_call_needs_one() {
    let mut sim = start(settings()).await;
    let path = format!("{}/v1/jwt/client/obtain/token", sim.base);
    let good = json!({"client_id": "client-42", "client_secret": "secret-42"});
    let body: Value = sim.client.post(&path).json(&good).send().await.unwrap().json().await.unwrap();
    assert_eq!(body["expires_in"], 60);
    let bare = sim.client.get(format!("{}/v1/parties/list", sim.base)).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    assert_eq!(bare.json::<Value>().await.unwrap()["detail"], "Not authenticated");
    sim.read("/v1/parties/list").await;
    sim.pass(Duration::from_secs(3_601)).await;
    let (code, body) = sim.get("/v1/parties/list").await;
    assert_eq!((code, &body["detail"]), (401, &json!("Could not validate credentials")));
    sim.token = sim.token_of(42).await;
    sim.read("/v1/parties/list").await;
    let bad = json!({"client_id": "client-42", "client_secret": "secret-43"});
    assert_eq!(sim.post("/v1/jwt/client/obtain/token", bad).await.0, 401);
    let (code, body) = sim.post("/v1/jwt/client/obtain/token", json!({"client_id": "client-42"})).await;
    assert_eq!((code, loc(&body)), (422, vec!["body".to_owned(), "client_secret".to_owned()]));
    assert_eq!(sim.get("/v2/parties/list").await.0, 404);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_made_filled_published_and_shown_with_the_documented_fields() {
    let sim = start(settings()).await;
    let (counterparty, party) = sim.counterparty(GOOD).await;
    let body = json!({
        "counterparty_id": counterparty, "currency": "USD", "note": "Consulting", "fee_bearer": "PAYER",
        "as_payment_link": true, "reference_id": "label-1", "due_date": "2026-12-31T23:59:59Z",
    });
    let made = sim.make("/v1/invoices/create", body).await;
    assert_eq!((int(&made, "id"), text(&made, "invoice_number")), (101, "INV-2026-00101".to_owned()));
    assert_eq!(
        (&made["status"], &made["owner_id"], &made["reference_id"]),
        (&json!("IDLE"), &json!(42), &json!("label-1"))
    );
    assert_eq!((&made["created_at"], &made["paid_at"]), (&json!("2026-05-03T09:00:00Z"), &Value::Null));
    let item = json!({"name": "Session", "currency": "USD", "qty": 3, "amount": 33.35});
    let item = sim.make("/v1/invoices/101/items/add", item).await;
    assert_eq!((&item["qty"], &item["amount"]), (&json!(3), &json!(33.35)));
    assert_eq!(sim.put("/v1/invoices/publish/101").await.1["status"], "ACTIVE");
    let (_, text) = sim.try_call("GET", "/v1/invoices/retrieve/101", None).await.unwrap();
    assert!(text.contains(r#""total_amount":100.05,"#), "{text}");
    let shown = sim.read("/v1/invoices/retrieve/number/INV-2026-00101").await;
    assert_eq!(
        (&shown["invoice_items"][0]["name"], &shown["counterparty"]["party"]["id"]),
        (&json!("Session"), &json!(party))
    );
    assert_eq!(sim.read("/v1/invoices/list?status=ACTIVE&currency=USD").await.as_array().unwrap().len(), 1);
    assert_eq!(sim.read("/v1/invoices/list?status=PAID").await, json!([]));
    // An order may have the same id.
    let body = json!({"counterparty_id": counterparty, "currency": "LRD", "note": "x", "fee_bearer": "PAYEE", "as_payment_link": false});
    let order = sim.make("/v1/orders/create", body).await;
    assert_eq!((int(&order, "id"), text_of(&order, "order_number")), (101, "ORD-2026-00101"));
    assert!(order.get("due_date").is_none());
    sim.stop().await;
}

fn text_of<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_body_is_named_by_its_place() {
    let sim = start(settings()).await;
    let (counterparty, _) = sim.counterparty(GOOD).await;
    let good = json!({"counterparty_id": counterparty, "currency": "USD", "note": "x", "fee_bearer": "PAYER", "as_payment_link": true});
    for (field, value) in [
        ("counterparty_id", json!("15")),
        ("counterparty_id", json!(999)),
        ("currency", json!("usd")),
        ("currency", json!("RWF")),
        ("note", json!(5)),
        ("fee_bearer", json!("MERCHANT")),
        ("as_payment_link", json!("true")),
        ("due_date", json!("tomorrow")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let (code, answer) = sim.post("/v1/invoices/create", body).await;
        assert_eq!((code, loc(&answer)), (422, vec!["body".to_owned(), field.to_owned()]), "{answer}");
    }
    let (code, body) = sim.post("/v1/invoices/create", json!({})).await;
    assert_eq!((code, body["detail"].as_array().unwrap().len()), (422, 5), "{body}");
    assert_eq!(body["detail"][0]["type"], "value_error.missing");
    let id = int(&sim.make("/v1/invoices/create", good).await, "id");
    for (amount, field) in
        [(json!(0), "amount"), (json!("5"), "amount"), (json!(0.001), "amount"), (json!(1.005), "amount")]
    {
        let item = json!({"name": "Bag", "currency": "USD", "qty": 1, "amount": amount});
        let (code, answer) = sim.post(&format!("/v1/invoices/{id}/items/add"), item).await;
        assert_eq!((code, loc(&answer)), (422, vec!["body".to_owned(), field.to_owned()]), "{answer}");
    }
    for phone in ["0771234567", "+231771234567", "1234567", "x"] {
        let (code, body) = sim.post("/v1/parties/create", json!({"fullname": "A", "phone": phone})).await;
        assert_eq!((code, loc(&body)), (422, vec!["body".to_owned(), "phone".to_owned()]));
    }
    assert_eq!(sim.post("/v1/parties/create", json!([1])).await.0, 422);
    assert_eq!(sim.get("/v1/invoices/retrieve/999").await.0, 404);
    assert_eq!(sim.get("/v1/invoices/retrieve/x").await.0, 404);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_texts_or_integers_as_the_endpoint_has_them() {
    let sim = start(settings()).await;
    let (id, party) = sim.source("order", GOOD, "PAYER", "USD", json!(5)).await;
    let good = sim.prepared(1, ("order", id), (party, GOOD), "USD").await;
    for (field, value) in [
        ("session_id", json!(1)),
        ("payment_account_id", json!(1)),
        ("session_id", json!("999")),
        ("payment_account_id", json!("999")),
        ("currency", json!("RWF")),
        ("reference_id", json!("550e8400-e29b-11d4-a716-446655440000")),
        ("reference_id", json!("not-a-uuid")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let (code, answer) = sim.post("/v1/executions/collection", body).await;
        assert_eq!((code, loc(&answer)), (422, vec!["body".to_owned(), field.to_owned()]), "{answer}");
    }
    let key = json!({"session_id": good["session_id"], "source_type": "ORDER", "reference_id": reference(1)});
    assert_eq!(sim.post("/v1/realtime-keys/collection", key).await.0, 422);
    let session: i64 = good["session_id"].as_str().unwrap().parse().unwrap();
    let key = json!({"session_id": session, "source_type": "ORDER", "reference_id": reference(1)});
    assert_eq!(int(&sim.make("/v1/realtime-keys/collection", key).await, "expires_in"), 3_600);
    let body = json!({"payout_account_id": "5", "amount": 5, "currency": "USD"});
    assert_eq!(loc(&sim.post("/v1/sessions/payout", body).await.1), ["body", "payout_account_id"]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_merchants_objects_are_not_there() {
    let mut sim = start(settings()).await;
    let (id, party) = sim.source("invoice", GOOD, "PAYER", "USD", json!(5)).await;
    let body = sim.prepared(1, ("invoice", id), (party, GOOD), "USD").await;
    let own = sim.token.clone();
    sim.token = sim.token_of(43).await;
    assert_eq!(sim.get(&format!("/v1/invoices/retrieve/{id}")).await.0, 404);
    assert_eq!(sim.get(&format!("/v1/parties/retrieve/{party}")).await.0, 404);
    assert_eq!(loc(&sim.post("/v1/executions/collection", body.clone()).await.1), ["body", "session_id"]);
    let session = json!({"source_id": id, "source_type": "INVOICE"});
    assert_eq!(loc(&sim.post("/v1/sessions/checkout", session).await.1), ["body", "source_id"]);
    sim.token = own;
    sim.make("/v1/executions/collection", body).await;
    sim.token = sim.token_of(43).await;
    assert_eq!(sim.get(&format!("/v1/status/collection/{}", reference(1))).await.0, 404);
    sim.stop().await;
}
