//! Both values of each switch that no other test turns.

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn references_repeat_unless_they_must_be_unique() {
    let sim = start(settings()).await;
    sim.make("order-1", GOOD, 500).await;
    let second = sim.make("order-1", GOOD, 500).await;
    assert_ne!(second, sim.make("", GOOD, 500).await);
    sim.switch(json!({"unique_references": true})).await;
    for (what, body) in [("purchases", purchase("order-1", GOOD, 500)), ("payouts", payout("pay-1", GOOD, 500))] {
        if what == "payouts" {
            sim.create(what, &body).await;
        }
        let (code, text) = sim.post(&format!("/api/v1/{what}/"), &body).await;
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((code, body["reference"][0]["code"].as_str()), (400, Some("unique")), "{text}");
    }
    sim.make("", GOOD, 500).await;
    assert_eq!(sim.control("books", None).await.1["repeated_references"]["purchase"], 1);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_no_event_type_unless_switched_on_and_errors_have_both_shapes() {
    let sim = start(settings()).await;
    let id = sim.make("order-1", GOOD, 500).await;
    assert!(sim.purchase(&id).await.get("event_type").is_none());
    let (status, body) = sim.act(&id, "refund", &json!({})).await;
    assert_eq!((status, code(&body)), (400, "purchase_refund_error"));
    sim.switch(json!({"event_type_in_answers": true, "error_shape": "object"})).await;
    assert_eq!(sim.purchase(&id).await["event_type"], "purchase.created");
    let (_, body) = sim.act(&id, "refund", &json!({})).await;
    assert_eq!(body["__all__"]["code"], "purchase_refund_error");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn execute_errors_come_with_200_or_400_and_the_first_generation_can_be_off() {
    let sim = start(settings()).await;
    let id = sim.make("order-1", GOOD, 500).await;
    let try_it = async || {
        let answer = sim.form(&id, &[("Phone", GOOD), ("pm", "airtel")]).await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap()["error"]["code"].clone())
    };
    assert_eq!(try_it().await, (200, json!("validation_phone_invalid")));
    sim.switch(json!({"execute_errors_as_400": true})).await;
    assert_eq!(try_it().await, (400, json!("validation_phone_invalid")));
    sim.switch(json!({"v1_disabled": true})).await;
    assert_eq!(try_it().await, (400, json!("no_matching_terminal")));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_body_has_what_the_operator_said_or_nothing() {
    let sim = start(settings()).await;
    let extra = async |reference: &str| {
        let id = sim.collect(reference, BAD, 500).await;
        sim.purchase(&id).await["transaction_data"]["extra"].clone()
    };
    assert_eq!(extra("order-1").await["payload"]["transaction"]["status"], "failed");
    sim.switch(json!({"bare_failures": true})).await;
    assert_eq!(extra("order-2").await, json!({}));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_has_three_names_and_a_chargeback_two_words_and_a_relation_or_none() {
    let sim = start(settings()).await;
    let received = sim.receive(Vec::new()).await;
    for (word, event) in [
        ("payment_failure", "purchase.payment_failure"),
        ("error", "purchase.error"),
        ("payment_failed", "purchase.payment_failed"),
    ] {
        sim.switch(json!({"failure_event": word})).await;
        sim.collect(word, BAD, 500).await;
        assert_eq!(events(&received).last().unwrap(), event);
    }
    for (word, unrelated) in [("charged_back", false), ("chargeback", true)] {
        sim.switch(json!({"charged_back_word": word, "chargeback_unrelated": unrelated})).await;
        let id = sim.card(word, 900).await;
        sim.admin(json!({"chargeback": {"id": id}})).await;
        assert_eq!(sim.purchase(&id).await["status"], word);
        sim.pass(HOUR).await;
        let told = received.lock().unwrap().last().unwrap().2.clone();
        assert_eq!((&told["event_type"], told["related_to"].is_null()), (&json!("payment.charged_back"), unrelated));
    }
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_of_refunds_and_payouts_are_on_top_or_not_and_the_fee_of_a_collection_stays_or_returns() {
    let mut settings = settings();
    settings.rates.refund = Rate::fee(1_000);
    settings.rates.mobile_payout = Rate::fee(1_000);
    let sim = start(settings).await;
    for (nth, (switch, debit)) in [
        (json!({}), 1_100),
        (json!({"refund_fee": "net"}), 900),
        (json!({"refund_fee": "on_top", "refund_returns_fee": true}), 1_100 - 65),
    ]
    .into_iter()
    .enumerate()
    {
        let id = sim.card(&format!("order-{nth}"), 1_000).await;
        let [before] = sim.figures("USD", ["balance"]).await;
        sim.switch(switch).await;
        sim.act(&id, "refund", &json!({})).await;
        assert_eq!(sim.figures("USD", ["balance"]).await, [before - debit], "{nth}");
    }
    for (nth, (switch, debit)) in [(json!({}), 1_100), (json!({"payout_fee": "inside"}), 1_000)].into_iter().enumerate()
    {
        let [before] = sim.figures("UGX", ["payout_balance"]).await;
        sim.switch(switch).await;
        let id = text(&sim.create("payouts", &payout(&nth.to_string(), GOOD, 1_000)).await, "id");
        sim.pay_out(&id, &json!({"payout_type": "mobile"})).await;
        assert_eq!(sim.figures("UGX", ["available_payout_balance"]).await, [before - debit]);
        sim.pass(HOUR).await;
        assert_eq!(sim.figures("UGX", ["payout_balance", "pending_payouts"]).await, [before - debit, 0]);
    }
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overdraft_is_available_or_not() {
    let mut settings = settings();
    settings.currencies[0].overdraft = 5_000;
    let sim = start(settings).await;
    let id = text(&sim.create("payouts", &payout("pay-1", GOOD, 102_000)).await, "id");
    assert_eq!(sim.figures("UGX", ["payout_overdraft", "available_payout_balance"]).await, [5_000, 105_000]);
    sim.switch(json!({"ignore_overdraft": true})).await;
    assert_eq!(sim.figures("UGX", ["available_payout_balance"]).await, [100_000]);
    assert_eq!(sim.pay_out(&id, &json!({"payout_type": "mobile"})).await.1["status"], "error");
    sim.switch(json!({"ignore_overdraft": false})).await;
    assert_eq!(sim.pay_out(&id, &json!({"payout_type": "mobile"})).await.1["status"], "pending");
    sim.pass(HOUR).await;
    assert_eq!(sim.figures("UGX", ["payout_balance", "available_payout_balance"]).await, [-2_000, 3_000]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_companys_key_comes_in_three_forms_and_a_401_in_two() {
    let sim = start(settings()).await;
    let (_, _, pem) = sim.sim.public_keys();
    assert_eq!(sim.read("/api/v1/public_key/").await, json!(pem));
    sim.switch(json!({"public_key": "object"})).await;
    assert_eq!(sim.read("/api/v1/public_key/").await, json!({"public_key": pem}));
    sim.switch(json!({"public_key": "raw_pem"})).await;
    assert_eq!(sim.get("/api/v1/public_key/").await, (200, pem));
    let refused = async || {
        let request = sim.client.get(format!("{}/api/v1/public_key/", sim.base)).header("Token", KEY);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, body) = refused().await;
    assert_eq!((status, code(&body)), (401, "authentication_failed"));
    sim.switch(json!({"detail_on_401": true})).await;
    assert!(refused().await.1["detail"].is_string());
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_at_its_due_time_becomes_what_the_switch_says() {
    let sim = start(settings()).await;
    for word in ["overdue", "expired"] {
        sim.switch(json!({"at_due": word})).await;
        let id = sim.make(word, GOOD, 500).await;
        sim.pass(HOUR + HOUR).await;
        assert_eq!(sim.purchase(&id).await["status"], word);
    }
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_url_lasts_or_ends_after_a_day() {
    let sim = start(settings()).await;
    let id = text(&sim.create("payouts", &payout("pay-1", GOOD, 500)).await, "id");
    sim.pass(2 * DAY).await;
    sim.switch(json!({"execution_url_expires": true})).await;
    assert_eq!(sim.pay_out(&id, &json!({"payout_type": "mobile"})).await.1["status"], "error");
    sim.switch(json!({"execution_url_expires": false})).await;
    assert_eq!(sim.pay_out(&id, &json!({"payout_type": "mobile"})).await.1["status"], "pending");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn test_money_is_flagged_or_only_its_operator_tells() {
    let look = async |sim: &Running, reference: &str| {
        let id = sim.collect(reference, GOOD, 500).await;
        let body = sim.purchase(&id).await;
        let operator = body["transaction_data"]["extra"]["payload"]["transaction"]["operator"].clone();
        (body["is_test"].as_bool().unwrap(), operator)
    };
    let sim = start(settings()).await;
    assert_eq!(look(&sim, "order-1").await, (true, json!("SANDBOX")));
    sim.switch(json!({"sandbox_unflagged": true})).await;
    assert_eq!(look(&sim, "order-2").await, (false, json!("SANDBOX")));
    sim.stop().await;
    let mut live = settings();
    live.is_test = false;
    let sim = start(live).await;
    assert_eq!(look(&sim, "order-3").await, (false, json!("MTN")));
    sim.rates(json!({"sandbox_operator": 10_000})).await;
    assert_eq!(look(&sim, "order-4").await, (false, json!("SANDBOX")));
    sim.stop().await;
}
