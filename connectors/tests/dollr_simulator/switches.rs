//! What nobody knows of the real server, tried both ways.

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn words_and_first_statuses_turn() {
    let sim = start(settings()).await;
    sim.switch(json!({"success_word": "successful", "first_status": "pending"})).await;
    sim.collect(1, GOOD, "PAYER", json!(5)).await;
    assert_eq!(sim.status("collection", 1).await["status"], "PENDING");
    sim.pass(Duration::from_secs(2)).await;
    assert_eq!(sim.status("collection", 1).await["status"], "PROCESSING");
    sim.pass(MINUTE).await;
    assert_eq!(sim.status("collection", 1).await["status"], "SUCCESSFUL");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_turn_their_shape() {
    let sim = start(settings()).await;
    let unknown = format!("/v1/status/collection/{}", reference(9));
    assert_eq!(sim.get(&unknown).await, (404, json!({"detail": "Not found"})));
    sim.switch(json!({"detail": "text"})).await;
    let (code, body) = sim.post("/v1/parties/create", json!({})).await;
    assert_eq!((code, &body["detail"]), (422, &json!("field required")));
    sim.switch(json!({"detail": "list"})).await;
    assert_eq!(sim.get(&unknown).await.1["detail"][0]["msg"], "Not found");
    sim.switch(json!({"detail": "documented", "newer_errors": true})).await;
    let (_, body) = sim.post("/v1/parties/create", json!({})).await;
    assert_eq!(json!([body["detail"][0]["type"], body["detail"][0]["msg"]]), json!(["missing", "Field required"]));
    sim.switch(json!({"empty_refusals": true})).await;
    assert_eq!(sim.try_call("GET", &unknown, None).await.unwrap(), (404, String::new()));
    sim.switch(json!({"unknown_reference": "unprocessable"})).await;
    assert_eq!(sim.get(&unknown).await.0, 422);
    for (word, code) in [("forbidden", 403), ("unprocessable", 422)] {
        sim.switch(json!({ "wrong_client": word })).await;
        let bad = json!({"client_id": "client-42", "client_secret": "x"});
        assert_eq!(sim.post("/v1/jwt/client/obtain/token", bad).await.0, code);
    }
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_turn_after_failures_and_for_second_executions() {
    let sim = start(settings()).await;
    sim.switch(json!({"source_after_failure": "processing"})).await;
    let id = sim.collect(1, BAD, "PAYER", json!(5)).await;
    sim.pass(MINUTE).await;
    let session = json!({"source_id": id, "source_type": "ORDER"});
    assert_eq!(sim.post("/v1/sessions/checkout", session).await.0, 422);
    sim.switch(json!({"executes_unless_active": true})).await;
    let party = sim.party(GOOD).await;
    let body = sim.prepared(2, ("order", id), (party, GOOD), "USD").await;
    sim.make("/v1/executions/collection", body).await;
    sim.pass(MINUTE).await;
    assert_eq!(sim.status("collection", 2).await["status"], "COMPLETED");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_for_something_else_may_be_answered_with_what_it_was() {
    let sim = start(settings()).await;
    sim.collect(1, GOOD, "PAYER", json!(5)).await;
    sim.switch(json!({"other_payload": "replayed"})).await;
    let (id, party) = sim.source("order", GOOD, "PAYER", "USD", json!(7)).await;
    let body = sim.prepared(1, ("order", id), (party, GOOD), "USD").await;
    assert_eq!(sim.make("/v1/executions/collection", body).await["payer_amount"], 5.0);
    assert_eq!(sim.read(&format!("/v1/orders/retrieve/{id}")).await["status"], "ACTIVE");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checkouts_turn_their_bearer_and_their_first_status() {
    let sim = start(settings()).await;
    sim.switch(json!({"checkout_bearer": "payee", "checkout_idle": true, "redirect_query": true})).await;
    let made = sim.make("/v1/checkouts/create", checkout("label-1", GOOD, json!(5))).await;
    assert_eq!(made["source_status"], "IDLE");
    assert_eq!(sim.read("/v1/orders/retrieve/101").await["fee_bearer"], "PAYEE");
    sim.put("/v1/orders/publish/101").await;
    sim.pass(HOUR - MINUTE).await;
    let back = sim.client.get(text(&made, "url")).send().await.unwrap();
    assert_eq!(back.headers()["location"], "https://shop.example/thanks?status=PAID");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_turn_what_they_let_through_and_how_a_cancel_answers() {
    let sim = start(settings()).await;
    sim.switch(json!({"publish_empty": true, "item_in_any_currency": true, "cancel_empty": true})).await;
    let (counterparty, _) = sim.counterparty(GOOD).await;
    let body = json!({"counterparty_id": counterparty, "currency": "USD", "note": "x", "fee_bearer": "PAYER", "as_payment_link": true});
    for _ in 0..2 {
        sim.make("/v1/orders/create", body.clone()).await;
    }
    let item = json!({"name": "Bag", "currency": "LRD", "qty": 1, "amount": 5});
    assert_eq!(sim.make("/v1/orders/101/items/add", item).await["currency"], "LRD");
    assert_eq!(sim.put("/v1/orders/publish/102").await.0, 200);
    assert_eq!(sim.call("DELETE", "/v1/orders/cancel/102", None).await, (200, json!({})));
    sim.switch(json!({"unpublished_is_missing": true})).await;
    assert_eq!(sim.post("/v1/sessions/checkout", json!({"source_id": 101, "source_type": "ORDER"})).await.0, 404);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_again_is_a_second_party_the_same_or_refused() {
    let sim = start(settings()).await;
    assert_eq!((sim.party(GOOD).await, sim.party(GOOD).await), (1, 2));
    sim.switch(json!({"duplicate_party": "same"})).await;
    assert_eq!(sim.party(GOOD).await, 2);
    sim.switch(json!({"duplicate_party": "refused"})).await;
    let (code, body) = sim.post("/v1/parties/create", json!({"fullname": "A", "phone": GOOD})).await;
    assert_eq!((code, loc(&body)), (422, vec!["body".to_owned(), "phone".to_owned()]));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn collected_money_can_be_spent_at_once_or_later() {
    let mut sim = start(settings()).await;
    sim.parameters(json!({"spendable_minutes": 30})).await;
    sim.collect(1, GOOD, "PAYER", json!(5)).await;
    sim.pass(MINUTE).await;
    let wallet = sim.sim.wallets().await.unwrap().remove(0);
    assert_eq!((wallet.balance.to_string(), wallet.held.to_string()), ("1000".to_owned(), "5".to_owned()));
    let body = sim.payout(2, GOOD, "USD", json!(1_001)).await;
    assert_eq!(sim.make("/v1/executions/payout", body).await["status"], "FAILED");
    sim.wait(HOUR).await;
    assert_eq!(sim.balance("3").await, "1005");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_refund_may_return_the_fees_and_show_on_the_source() {
    let sim = start(settings().with_fees()).await;
    sim.switch(json!({"refund_returns_fees": true, "source_refunded": true})).await;
    let id = sim.collect(1, GOOD, "PAYEE", json!(100)).await;
    sim.pass(MINUTE).await;
    assert_eq!(sim.balance("3").await, "1098");
    let intent = int(&sim.control("books", None).await.1["executions"][0], "payment_intent_id");
    let body = json!({"original_payment_intent_id": intent, "amount": 100, "expires_at": "2026-05-03T10:00:00Z"});
    let session = int(&sim.make("/v1/sessions/refund", body).await, "id");
    sim.make("/v1/executions/refund", json!({"session_id": session.to_string(), "reference_id": reference(2)})).await;
    sim.pass(MINUTE).await;
    assert_eq!(
        (sim.balance("3").await, &sim.read(&format!("/v1/orders/retrieve/{id}")).await["status"]),
        ("1000".to_owned(), &json!("REFUNDED"))
    );
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_verified_collects_and_pays_nothing_out() {
    let sim = start(settings()).await;
    let body = sim.payout(1, GOOD, "USD", json!(5)).await;
    sim.switch(json!({"unverified": true})).await;
    let (code, answer) = sim.post("/v1/executions/payout", body.clone()).await;
    assert_eq!((code, answer["detail"].is_string()), (403, true));
    assert_eq!(sim.get("/v1/links/pay?source_type=ORDER&source_number=ORD-2026-00101").await.0, 403);
    sim.collect(2, GOOD, "PAYER", json!(5)).await;
    sim.switch(json!({"unverified": false})).await;
    sim.make("/v1/executions/payout", body).await;
    sim.stop().await;
}
