//! Answers that go wrong, and what was done all the same.

use super::support::*;

async fn lost(sim: &Running, fault: &str, id: &str) -> Option<u16> {
    sim.rates(json!({ fault: 10_000 })).await;
    let answer = sim.form(id, &[("s2s", "true"), ("pm", "paytota_proxy")]).await;
    sim.rates(json!({ fault: 0 })).await;
    let answer = answer.ok()?;
    let status = answer.status().as_u16();
    let whole = answer.bytes().await.ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    assert!(whole.is_none(), "{fault}: {whole:?}");
    Some(status)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_whose_answer_is_lost_was_accepted() {
    let sim = start(settings()).await;
    sim.control("faults", Some(json!({"parameters": {"hold_ms": 20}}))).await;
    for fault in ["execute_timeout", "execute_error", "execute_half", "execute_html"] {
        let id = sim.make(fault, GOOD, 500).await;
        let status = lost(&sim, fault, &id).await;
        match fault {
            "execute_timeout" => assert_eq!(status, None),
            "execute_error" => assert!(status.unwrap() >= 500),
            "execute_html" => assert_eq!(status, Some(200)),
            _ => {}
        }
        assert_eq!(sim.purchase(&id).await["status"], "pending_execute", "{fault}");
        sim.pass(Duration::from_secs(60)).await;
        assert_eq!(sim.purchase(&id).await["status"], "paid");
    }
    assert_eq!(sim.figures("UGX", ["gross_balance"]).await, [2_000]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_whose_answer_is_lost_is_on_its_way() {
    let sim = start(settings()).await;
    sim.control("faults", Some(json!({"parameters": {"hold_ms": 20}}))).await;
    let id = text(&sim.create("payouts", &payout("pay-1", GOOD, 1_000)).await, "id");
    sim.rates(json!({"execute_html": 10_000})).await;
    let (status, body) = sim.pay_out(&id, &json!({"payout_type": "mobile"})).await;
    assert_eq!((status, body), (200, Value::Null));
    assert_eq!(sim.payout(&id).await["status"], "pending");
    sim.pass(HOUR).await;
    assert_eq!(sim.figures("UGX", ["payout_balance"]).await, [99_000]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_execution_did_nothing_and_says_so_with_200() {
    let sim = start(settings()).await;
    let id = sim.make("order-1", GOOD, 500).await;
    let paid = text(&sim.create("payouts", &payout("pay-1", GOOD, 1_000)).await, "id");
    sim.rates(json!({"execute_refused": 10_000})).await;
    let (status, body) = sim.execute(&id).await;
    assert_eq!((status, &body["status"]), (200, &json!("error")));
    assert_eq!(sim.purchase(&id).await["status"], "created");
    sim.rates(json!({"execute_refused": 0, "insufficient_funds": 10_000})).await;
    let (status, body) = sim.pay_out(&paid, &json!({"payout_type": "mobile"})).await;
    assert_eq!((status, &body["error"]["code"]), (200, &json!("insufficient_funds")));
    assert_eq!(sim.payout(&paid).await["status"], "initialized");
    sim.rates(json!({"insufficient_funds": 0, "rate_limited": 10_000})).await;
    let answer = sim.form(&id, &[("s2s", "true"), ("pm", "paytota_proxy")]).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (429, "2"));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_whose_answer_is_lost_is_only_seen_by_its_webhook() {
    let sim = start(settings()).await;
    sim.control("faults", Some(json!({"parameters": {"hold_ms": 20}, "rates": {"create_lost": 10_000}}))).await;
    let received = sim.receive(Vec::new()).await;
    for nth in 0..6 {
        let request = sim.client.post(format!("{}/api/v1/purchases/", sim.base)).bearer_auth(KEY);
        let answer = request.json(&purchase(&format!("order-{nth}"), GOOD, 500)).send().await;
        let body = match answer {
            Ok(answer) => answer.json::<Value>().await.ok(),
            Err(_) => None,
        };
        assert!(body.is_none(), "{body:?}");
    }
    sim.pass(Duration::from_secs(60)).await;
    let references: Vec<_> = received.lock().unwrap().iter().map(|one| text(&one.2, "reference")).collect();
    assert_eq!(references.len(), 6);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_fail_in_every_offered_way_and_never_more_than_three_times_in_a_row() {
    let sim = start(settings()).await;
    let id = sim.make("order-1", GOOD, 500).await;
    let path = format!("/api/v1/purchases/{id}/");
    for (fault, status) in [("server_error", 503), ("rate_limited", 429), ("unauthorized_mid_run", 401)] {
        sim.rates(json!({ fault: 10_000 })).await;
        let mut codes = Vec::new();
        for _ in 0..4 {
            codes.push(sim.get(&path).await.0);
        }
        assert_eq!(codes, [status, status, status, 200], "{fault}");
        sim.rates(json!({ fault: 0 })).await;
    }
    sim.rates(json!({"unknown_status": 10_000, "extra_fields": 10_000})).await;
    let body = sim.purchase(&id).await;
    assert_eq!((&body["status"], body["risk_assessment"].is_object()), (&json!("under_review"), true));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_of_a_refund_can_come_before_its_answer() {
    let mut settings = settings();
    settings.webhook_after = Duration::ZERO;
    let sim = start(settings).await;
    let id = sim.card("order-1", 2_000).await;
    let received = sim.receive(Vec::new()).await;
    sim.rates(json!({"refund_event_first": 10_000})).await;
    let (status, body) = sim.act(&id, "refund", &json!({"amount": 100})).await;
    assert_eq!((status, &body["type"]), (200, &json!("payment")));
    assert_eq!(events(&received), ["payment.refunded"]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_would_succeed_fails_where_the_seed_says_so() {
    let sim = start(settings()).await;
    let id = text(&sim.create("payouts", &payout("pay-1", GOOD, 1_000)).await, "id");
    sim.rates(json!({"payout_failed": 10_000})).await;
    sim.pay_out(&id, &json!({"payout_type": "mobile"})).await;
    sim.pass(HOUR).await;
    assert_eq!(sim.payout(&id).await["status"], "error");
    assert_eq!(sim.figures("UGX", ["payout_balance", "pending_payouts"]).await, [100_000, 0]);
    sim.stop().await;
}
