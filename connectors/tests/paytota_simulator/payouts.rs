//! Payouts: mobile and bank, of both generations, without enough money, and executed again.

use super::support::*;

const MOBILE: &str = r#"{"payout_type":"mobile"}"#;

fn mobile() -> Value {
    serde_json::from_str(MOBILE).unwrap()
}

fn bank() -> Value {
    json!({
        "payout_type": "bank", "bank_name": "Stanbic Bank", "bank_code": "SBICUGKX", "bank_account_name": "Test Name",
        "bank_account_number": "123456789012",
    })
}

const FIGURES: [&str; 4] = ["payout_gross_balance", "payout_fee_sell", "pending_payouts", "available_payout_balance"];

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_moves_nothing_until_executed_and_leaves_the_purse_on_success() {
    let mut settings = settings();
    settings.rates.mobile_payout = Rate::fee(100);
    let sim = start(settings).await;
    let received = sim.receive(Vec::new()).await;
    let made = sim.create("payouts", &payout("pay-1", GOOD, 1_000)).await;
    let id = text(&made, "id");
    assert_eq!((&made["status"], &made["reference_generated"]), (&json!("initialized"), &json!("pay-1")));
    assert_eq!(text(&made, "execution_url"), format!("{}/po/{id}/paytota_proxy/", sim.base));
    assert_eq!(sim.figures("UGX", FIGURES).await, [100_000, 0, 0, 100_000]);
    let url = text(&made, "execution_url");
    // Mobile needs no key, a bank does, and a wrong one is refused everywhere.
    let plain = async |body: &Value| sim.client.post(&url).json(body).send().await.unwrap();
    assert_eq!(plain(&bank()).await.status(), 401);
    assert_eq!(sim.client.post(&url).bearer_auth("x").json(&mobile()).send().await.unwrap().status(), 401);
    assert_eq!(plain(&mobile()).await.json::<Value>().await.unwrap()["status"], "pending");
    assert_eq!(sim.figures("UGX", FIGURES).await, [100_000, 0, 1_010, 98_990]);
    assert_eq!(sim.pay_out(&id, &mobile()).await.1["status"], "error");
    sim.pass(HOUR).await;
    assert_eq!(sim.figures("UGX", FIGURES).await, [99_000, 10, 0, 98_990]);
    let body = sim.payout(&id).await;
    assert_eq!(history(&body), ["initialized", "pending", "success"]);
    let payload = &body["transaction_data"]["extra"]["webhook_payload"]["transaction"];
    assert_eq!((&payload["destination"], &payload["transaction_type"]), (&json!("mobile"), &json!("payout")));
    assert_eq!(sim.pay_out(&id, &mobile()).await.1["status"], "error");
    assert_eq!(events(&received), ["payout.created", "payout.pending", "payout.success"]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_payout_is_restored_and_may_be_executed_again() {
    let sim = start(settings()).await;
    let received = sim.receive(Vec::new()).await;
    let id = text(&sim.create("payouts", &payout("pay-1", BAD, 1_000)).await, "id");
    sim.pay_out(&id, &mobile()).await;
    assert_eq!(sim.figures("UGX", FIGURES).await, [100_000, 0, 1_000, 99_000]);
    sim.pass(HOUR).await;
    assert_eq!(sim.figures("UGX", FIGURES).await, [100_000, 0, 0, 100_000]);
    let body = sim.payout(&id).await;
    assert_eq!((&body["status"], &body["payment"]["paid_on"]), (&json!("error"), &Value::Null));
    assert!(body["transaction_data"]["attempts"][0].get("type").is_none());
    assert_eq!(sim.pay_out(&id, &bank()).await.1["status"], "pending");
    sim.pass(HOUR).await;
    let body = sim.payout(&id).await;
    assert_eq!(history(&body), ["initialized", "pending", "error", "pending", "success"]);
    assert_eq!(body["transaction_data"]["extra"]["webhook_payload"]["bank"]["account_number"], "123456789012");
    assert_eq!(body["recipient_card_brand"], "paytota_proxy");
    assert_eq!(events(&received)[2..], ["payout.failed", "payout.pending", "payout.success"]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_generation_pays_airtel_without_and_mtn_with_the_prefix() {
    let mut settings = settings();
    settings.numbers.succeed = vec!["256751123456".to_owned()];
    let sim = start(settings).await;
    for (network, phone, status) in [
        ("airtel", "256751123456", "error"),
        ("airtel", "751123456", "pending"),
        ("mtnmomo", "770123456", "error"),
        ("mtnmomo", GOOD, "pending"),
        ("visa", GOOD, "error"),
    ] {
        let id = text(&sim.create("payouts", &payout("", GOOD, 600)).await, "id");
        let (code, text) = sim.post(&format!("/po/{id}/{network}/"), &json!({"phone": phone})).await;
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((code, body["status"].as_str()), (200, Some(status)), "{network} {phone}");
    }
    sim.pass(HOUR).await;
    assert_eq!(sim.figures("UGX", FIGURES).await, [98_800, 0, 0, 98_800]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_enough_money_nothing_is_executed_and_both_readings_can_be_had() {
    let sim = start(settings()).await;
    let received = sim.receive(Vec::new()).await;
    let make = async |reference: &str| text(&sim.create("payouts", &payout(reference, GOOD, 100_001)).await, "id");
    let id = make("pay-1").await;
    let (code, body) = sim.pay_out(&id, &mobile()).await;
    assert_eq!((code, &body["status"], &body["error"]["code"]), (200, &json!("error"), &json!("insufficient_funds")));
    assert_eq!(sim.payout(&id).await["status"], "initialized");
    sim.switch(json!({"short_payout_fails": true, "execute_errors_as_400": true})).await;
    let id = make("pay-2").await;
    assert_eq!(sim.pay_out(&id, &mobile()).await.0, 400);
    let body = sim.payout(&id).await;
    assert_eq!(
        (&body["status"], &body["transaction_data"]["attempts"][0]["error"]["code"]),
        (&json!("error"), &json!("insufficient_funds"))
    );
    sim.pass(HOUR).await;
    assert_eq!(events(&received), ["payout.created", "payout.created", "payout.failed"]);
    assert_eq!(sim.figures("UGX", FIGURES).await, [100_000, 0, 0, 100_000]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_nobody_answers_succeeds_after_days() {
    let sim = start(settings()).await;
    let id = text(&sim.create("payouts", &payout("pay-1", SILENT, 1_000)).await, "id");
    sim.pay_out(&id, &mobile()).await;
    sim.pass(DAY).await;
    assert_eq!(sim.payout(&id).await["status"], "pending");
    sim.pass(3 * DAY).await;
    assert_eq!(sim.payout(&id).await["status"], "success");
    sim.stop().await;
}
