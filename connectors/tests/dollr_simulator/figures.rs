//! Receipts with three fees in two currencies, predictions, and the figures of the bookkeeping's examples.

use super::support::*;

/// Executes an order's payment in Liberian dollars.
async fn in_lrd(sim: &Running, nth: u64, bearer: &str, amount: Value) -> (i64, Value) {
    let (id, party) = sim.source("order", GOOD, bearer, "USD", amount).await;
    let body = sim.prepared(nth, ("order", id), (party, GOOD), "LRD").await;
    (id, sim.make("/v1/executions/collection", body).await)
}

fn of(body: &Value, names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| body[*name].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_in_another_currency_has_the_figures_of_the_thirteenth_example() {
    let sim = start(settings().with_fees()).await;
    let (id, answer) = in_lrd(&sim, 1, "PAYEE", json!(100)).await;
    let money = ["payer_amount", "payer_currency", "payee_amount", "payee_currency"];
    assert_eq!(json!(of(&answer, &money)), json!([19_500.0, "LRD", 97.5, "USD"]));
    sim.pass(MINUTE).await;
    assert_eq!(sim.balance("3").await, "1097.5");
    let receipt = sim.read(&format!("/v1/orders/receipt/{id}")).await;
    let fees = ["platform_fee", "platform_currency", "fx_fee", "gateway_fee", "gateway_currency"];
    assert_eq!(json!(of(&receipt, &fees)), json!([1.5, "USD", 0.5, 97.5, "LRD"]));
    assert_eq!(json!(of(&receipt, &["fx_rate", "fx_currency_from", "fx_currency_to"])), json!(["195", "USD", "LRD"]));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_sets_exact_figures_of_one_source_or_of_the_next_payment() {
    let sim = start(settings()).await;
    let (id, party) = sim.source("order", GOOD, "PAYEE", "USD", json!(100)).await;
    // The fourteenth example: a gateway fee that the receipt does not show.
    let figures = json!({
        "payer_amount": "19500", "payer_currency": "LRD", "payee_amount": "97.5", "platform_fee": "1.5", "fx_fee": "0.5",
        "gateway_fee": "0", "fx_rate": "195.0000",
    });
    let body = json!({"of": format!("ORDER-{id}"), "figures": figures});
    assert_eq!(sim.control("figures", Some(body)).await.0, 200);
    let body = sim.prepared(1, ("order", id), (party, GOOD), "LRD").await;
    sim.make("/v1/executions/collection", body).await;
    sim.pass(MINUTE).await;
    let receipt = sim.read(&format!("/v1/orders/receipt/{id}")).await;
    let names = ["payee_amount", "platform_fee", "fx_fee", "gateway_fee", "fx_rate"];
    assert_eq!(json!(of(&receipt, &names)), json!([97.5, 1.5, 0.5, 0.0, "195.0000"]));
    // The twelfth: 5 dollars on top.
    let figures = json!({"payer_amount": "105", "platform_fee": "3", "gateway_fee": "2"});
    assert_eq!(sim.control("figures", Some(json!({"of": "NEXT", "figures": figures}))).await.0, 200);
    sim.collect(2, GOOD, "PAYER", json!(100)).await;
    sim.collect(3, GOOD, "PAYER", json!(100)).await;
    assert_eq!(sim.status("collection", 2).await["payer_amount"], 105.0);
    assert_eq!(sim.status("collection", 3).await["payer_amount"], 100.0);
    for bad in [json!({"of": "PARTY-1", "figures": {}}), json!({"of": "NEXT", "figures": {"payer": "1"}}), json!(1)] {
        assert_eq!(sim.control("figures", Some(bad)).await.0, 400);
    }
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_wallet_can_take_is_credited_nowhere() {
    let sim = start(settings()).await;
    let figures = json!({"payee_amount": "90", "payee_currency": "RWF"});
    sim.control("figures", Some(json!({"of": "NEXT", "figures": figures}))).await;
    sim.collect(1, GOOD, "PAYEE", json!(100)).await;
    sim.pass(MINUTE).await;
    assert_eq!(
        (&sim.status("collection", 1).await["payee_currency"], sim.balance("3").await),
        (&json!("RWF"), "1000".to_owned())
    );
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn predictions_are_texts_that_an_execution_follows_unless_the_rate_moves() {
    let sim = start(settings().with_fees()).await;
    let (id, party) = sim.source("invoice", GOOD, "PAYER", "USD", json!(100)).await;
    let query = "payment_method=ORANGE_MONEY_LBR&provider=PAWAPAY&target_currency=LRD";
    let of_source =
        format!("/v1/predictions/payment-source/amount-and-fees?{query}&source_type=INVOICE&source_id={id}");
    let predicted = sim.read(&of_source).await;
    let names = ["payer_amount", "payee_amount", "platform_fee", "fx_fee", "gateway_fee", "gateway_currency"];
    assert_eq!(json!(of(&predicted, &names)), json!(["19987.5", "100", "1.5", "0.5", "97.5", "LRD"]));
    let more = "base_amount=100&base_currency=USD&operation_type=COLLECTION&fee_bearer=PAYER";
    assert_eq!(sim.read(&format!("/v1/predictions/amount-and-fees?{query}&{more}")).await, predicted);
    let (code, body) = sim.get(&format!("/v1/predictions/amount-and-fees?{query}")).await;
    assert_eq!((code, loc(&body)), (422, vec!["query".to_owned(), "base_amount".to_owned()]));
    sim.rates(json!({"fx_moved": 10_000})).await;
    let body = sim.prepared(1, ("invoice", id), (party, GOOD), "LRD").await;
    let moved = sim.make("/v1/executions/collection", body).await;
    assert_eq!(json!(of(&moved, &["payer_amount", "payee_amount"])), json!([20_227.35, 100.0]));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_switches_of_receipts_turn_the_rate_the_fee_and_what_is_early() {
    let sim = start(settings().with_fees()).await;
    sim.switch(json!({"fx_fee_currency": "payer", "fx_rate_inverse": true, "whole_numbers": true})).await;
    let (id, _) = in_lrd(&sim, 1, "PAYEE", json!(100)).await;
    let path = format!("/v1/orders/receipt/{id}");
    sim.switch(json!({"early_receipt": "unpaid"})).await;
    let early = sim.read(&path).await;
    assert_eq!((&early["payer_amount"], &early["status"]), (&Value::Null, &json!("PROCESSING")));
    sim.switch(json!({"early_receipt": "unprocessable"})).await;
    assert_eq!(sim.get(&path).await.0, 422);
    sim.pass(MINUTE).await;
    let receipt = sim.read(&path).await;
    assert_eq!(json!(of(&receipt, &["fx_fee", "fx_rate", "payer_amount"])), json!([97.5, "0.00512821", 19_500]));
    sim.stop().await;
}
