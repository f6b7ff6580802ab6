//! A collection from its source to its receipt, whatever the payer does.

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_goes_through_and_its_source_and_wallet_follow() {
    let sim = start(settings()).await;
    let (id, party) = sim.source("invoice", GOOD, "PAYER", "USD", json!(250)).await;
    let body = sim.prepared(1, ("invoice", id), (party, GOOD), "USD").await;
    let answer = sim.make("/v1/executions/collection", body).await;
    assert_eq!((&answer["status"], &answer["operation_type"]), (&json!("PROCESSING"), &json!("COLLECTION")));
    assert_eq!((&answer["payer_amount"], &answer["requires_action"]), (&json!(250.0), &Value::Null));
    let source = format!("/v1/status/source?source_type=INVOICE&source_id={id}");
    assert_eq!(sim.read(&source).await["status"], "PROCESSING");
    assert_eq!(sim.call("DELETE", &format!("/v1/invoices/cancel/{id}"), None).await.0, 422);
    assert_eq!(sim.get(&format!("/v1/invoices/receipt/{id}")).await.0, 404);
    sim.pass(MINUTE).await;
    let status = sim.status("collection", 1).await;
    assert_eq!((&status["status"], status["provider_transaction_id"].is_string()), (&json!("COMPLETED"), true));
    let source = sim.read(&source).await;
    assert_eq!((&source["status"], source["paid_at"].is_string()), (&json!("PAID"), true));
    assert_eq!(sim.balance("3").await, "1250");
    let receipt = sim.read(&format!("/v1/invoices/receipt/{id}")).await;
    assert_eq!((&receipt["payee_amount"], &receipt["fx_rate"]), (&json!(250.0), &Value::Null));
    assert_eq!(receipt, sim.read("/v1/invoices/receipt/number/INV-2026-00101").await);
    // It is of its operation only.
    assert_eq!(sim.get(&format!("/v1/status/payout/{}", reference(1))).await.0, 404);
    let objects = sim.sim.objects().await.unwrap();
    assert_eq!((objects[0].id.as_str(), objects[0].effect.to_string()), (reference(1).as_str(), "250".to_owned()));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_declines_can_pay_by_another_session_and_reference() {
    let sim = start(settings()).await;
    let (id, party) = sim.source("order", BAD, "PAYEE", "USD", json!(10.5)).await;
    let first = sim.prepared(1, ("order", id), (party, BAD), "USD").await;
    sim.make("/v1/executions/collection", first.clone()).await;
    // While it is under way nothing else can be executed.
    assert_eq!(sim.post("/v1/sessions/checkout", json!({"source_id": id, "source_type": "ORDER"})).await.0, 422);
    sim.pass(MINUTE).await;
    let status = sim.status("collection", 1).await;
    assert_eq!((&status["status"], status["gateway_message"].is_string()), (&json!("FAILED"), true));
    let second = sim.prepared(2, ("order", id), (party, GOOD), "USD").await;
    let mut same_session = second.clone();
    same_session["session_id"] = first["session_id"].clone();
    assert_eq!(loc(&sim.post("/v1/executions/collection", same_session).await.1), ["body", "session_id"]);
    sim.make("/v1/executions/collection", second).await;
    sim.pass(MINUTE).await;
    assert_eq!(sim.status("collection", 2).await["status"], "COMPLETED");
    assert_eq!(sim.status("collection", 1).await["status"], "FAILED");
    assert_eq!(sim.balance("3").await, "1010.5");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_silent_fails_in_the_end_and_who_takes_a_while_pays() {
    let mut sim = start(settings()).await;
    sim.collect(1, SILENT, "PAYER", json!(5)).await;
    sim.collect(2, LATER, "PAYER", json!(6)).await;
    sim.pass(10 * MINUTE).await;
    for nth in [1, 2] {
        assert_eq!(sim.status("collection", nth).await["status"], "PROCESSING");
    }
    sim.wait(HOUR).await;
    assert_eq!(sim.status("collection", 1).await["status"], "FAILED");
    assert_eq!(sim.status("collection", 2).await["status"], "COMPLETED");
    assert_eq!(sim.balance("3").await, "1006");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_is_used_once() {
    let sim = start(settings()).await;
    let (id, party) = sim.source("order", GOOD, "PAYER", "USD", json!(5)).await;
    let body = sim.prepared(1, ("order", id), (party, GOOD), "USD").await;
    sim.make("/v1/executions/collection", body.clone()).await;
    sim.pass(MINUTE).await;
    let again = sim.make("/v1/executions/collection", body.clone()).await;
    assert_eq!(again["status"], "COMPLETED");
    let (other, party) = sim.source("order", GOOD, "PAYER", "USD", json!(7)).await;
    let second = sim.prepared(1, ("order", other), (party, GOOD), "USD").await;
    let (code, answer) = sim.post("/v1/executions/collection", second).await;
    assert_eq!((code, loc(&answer)), (422, vec!["body".to_owned(), "reference_id".to_owned()]));
    assert_eq!(sim.balance("3").await, "1005");
    sim.switch(json!({"same_payload": "refused"})).await;
    assert_eq!(sim.post("/v1/executions/collection", body).await.0, 422);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_after_its_time_and_a_source_is_published_before_it() {
    let mut sim = start(settings()).await;
    let (id, party) = sim.source("order", GOOD, "PAYER", "USD", json!(5)).await;
    let body = sim.prepared(1, ("order", id), (party, GOOD), "USD").await;
    sim.wait(31 * MINUTE).await;
    let (code, answer) = sim.post("/v1/executions/collection", body).await;
    assert_eq!((code, loc(&answer)), (422, vec!["body".to_owned(), "session_id".to_owned()]));
    let (counterparty, _) = sim.counterparty(GOOD).await;
    let draft = json!({"counterparty_id": counterparty, "currency": "USD", "note": "x", "fee_bearer": "PAYER", "as_payment_link": true});
    let draft = int(&sim.make("/v1/orders/create", draft).await, "id");
    let session = json!({"source_id": draft, "source_type": "ORDER"});
    assert_eq!(loc(&sim.post("/v1/sessions/checkout", session).await.1), ["body", "source_id"]);
    assert_eq!(sim.put(&format!("/v1/orders/publish/{draft}")).await.0, 422);
    let (code, body) = sim.call("DELETE", &format!("/v1/orders/cancel/{draft}"), None).await;
    assert_eq!((code, &body["status"]), (200, &json!("CANCELED")));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_charged_at_once_or_after_the_browser() {
    let sim = start(settings()).await;
    for (nth, browser) in [(1, false), (2, true)] {
        sim.switch(json!({"card_in_browser": browser})).await;
        let (id, party) = sim.source("order", GOOD, "PAYER", "USD", json!(5)).await;
        let (session, card) = (sim.session("order", id).await, sim.card(party).await);
        let body = json!({
            "session_id": session.to_string(), "payment_account_id": card.to_string(), "currency": "USD",
            "reference_id": reference(nth),
        });
        let answer = sim.make("/v1/executions/collection", body).await;
        let expected = if browser { json!(["PROCESSING", true]) } else { json!(["COMPLETED", null]) };
        assert_eq!(json!([answer["status"], answer["requires_action"]]), expected);
        assert_eq!(answer["client_secret"].is_string(), browser);
        sim.pass(MINUTE).await;
        assert_eq!(sim.status("collection", nth).await["status"], "COMPLETED");
    }
    sim.stop().await;
}
