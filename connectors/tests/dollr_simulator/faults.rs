//! Answers that go wrong, and what was done all the same.

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_whose_answer_is_lost_was_accepted() {
    let sim = start(settings()).await;
    sim.parameters(json!({"hold_ms": 20})).await;
    let faults = ["execute_timeout", "execute_error", "execute_half", "execute_html"];
    for (nth, fault) in (1..).zip(faults) {
        let (id, party) = sim.source("order", GOOD, "PAYER", "USD", json!(5)).await;
        let body = sim.prepared(nth, ("order", id), (party, GOOD), "USD").await;
        sim.rates(json!({ fault: 10_000 })).await;
        let answer = sim.try_call("POST", "/v1/executions/collection", Some(&body)).await;
        sim.rates(json!({ fault: 0 })).await;
        let code = answer.as_ref().ok().map(|(code, _)| *code);
        let whole = answer.ok().and_then(|(_, text)| serde_json::from_str::<Value>(&text).ok());
        assert!(whole.is_none(), "{fault}: {whole:?}");
        match fault {
            "execute_timeout" => assert_eq!(code, None),
            "execute_error" => assert!(code.unwrap() >= 500),
            "execute_html" => assert_eq!(code, Some(200)),
            _ => {}
        }
        assert_eq!(sim.status("collection", nth).await["status"], "PROCESSING", "{fault}");
    }
    sim.pass(MINUTE).await;
    assert_eq!(sim.balance("3").await, "1020");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_before_the_effect_did_nothing() {
    let mut sim = start(settings()).await;
    let (id, party) = sim.source("order", GOOD, "PAYER", "USD", json!(5)).await;
    let mut body = sim.prepared(1, ("order", id), (party, GOOD), "USD").await;
    // Of one reference no more than three answers in a row are faulty.
    for (nth, (fault, code)) in (1..).zip([
        ("cut_before", None),
        ("rate_limited", Some(429)),
        ("rate_limited_bare", Some(429)),
        ("server_error", Some(503)),
        ("token_expired", Some(401)),
    ]) {
        body["reference_id"] = reference(nth).into();
        sim.rates(json!({ fault: 10_000 })).await;
        let answer = sim.try_call("POST", "/v1/executions/collection", Some(&body)).await;
        assert_eq!(answer.ok().map(|(code, _)| code), code, "{fault}");
        sim.rates(json!({ fault: 0 })).await;
        if fault == "token_expired" {
            assert_eq!(sim.get("/v1/parties/list").await.0, 401, "the token is over");
            sim.token = sim.token_of(42).await;
        }
        assert_eq!(sim.get(&format!("/v1/status/collection/{}", reference(nth))).await.0, 404, "{fault}");
    }
    sim.make("/v1/executions/collection", body).await;
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_names_its_wait_or_does_not() {
    let sim = start(settings()).await;
    for (fault, expected) in [("rate_limited", Some("2")), ("rate_limited_bare", None)] {
        sim.rates(json!({ fault: 10_000 })).await;
        let answer =
            sim.client.get(format!("{}/v1/fees/tiers", sim.base)).bearer_auth(&sim.token).send().await.unwrap();
        sim.rates(json!({ fault: 0 })).await;
        assert_eq!(answer.status(), 429);
        assert_eq!(
            answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned()).as_deref(),
            expected
        );
        assert!(answer.json::<Value>().await.unwrap()["detail"].is_string());
    }
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_fail_in_every_offered_way_and_never_more_than_three_times_in_a_row() {
    let sim = start(settings()).await;
    sim.collect(1, GOOD, "PAYER", json!(5)).await;
    let path = format!("/v1/status/collection/{}", reference(1));
    for (fault, status) in [("server_error", 503), ("rate_limited", 429)] {
        sim.rates(json!({ fault: 10_000 })).await;
        let mut codes = Vec::new();
        for _ in 0..4 {
            codes.push(sim.get(&path).await.0);
        }
        assert_eq!(codes, [status, status, status, 200], "{fault}");
        sim.rates(json!({ fault: 0 })).await;
    }
    sim.rates(json!({"html_answer": 10_000})).await;
    assert_eq!(sim.get(&path).await, (200, Value::Null));
    sim.rates(json!({"html_answer": 0, "unknown_status": 10_000, "extra_fields": 10_000})).await;
    let body = sim.status("collection", 1).await;
    assert_eq!((&body["status"], body["risk"].is_object()), (&json!("UNDER_REVIEW"), true));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_and_not_answered_stays_behind() {
    let sim = start(settings()).await;
    sim.parameters(json!({"hold_ms": 20})).await;
    sim.rates(json!({"create_lost": 10_000})).await;
    let body = json!({"fullname": "Test Party", "phone": GOOD});
    for _ in 0..3 {
        let answer = sim.try_call("POST", "/v1/parties/create", Some(&body)).await;
        let whole = answer.ok().and_then(|(_, text)| serde_json::from_str::<Value>(&text).ok());
        assert!(whole.is_none(), "{whole:?}");
    }
    sim.rates(json!({"create_lost": 0})).await;
    assert_eq!(sim.party(GOOD).await, 4);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_may_fail_in_its_answer_be_slow_or_not_be_found_for_a_while() {
    let mut sim = start(settings()).await;
    sim.rates(json!({"failed_at_once": 10_000})).await;
    let id = sim.collect(1, GOOD, "PAYER", json!(5)).await;
    assert_eq!(sim.status("collection", 1).await["status"], "FAILED");
    assert_eq!(sim.read(&format!("/v1/orders/retrieve/{id}")).await["status"], "ACTIVE");
    sim.rates(json!({"failed_at_once": 0, "slow_processing": 10_000, "other_success_word": 10_000})).await;
    sim.collect(2, GOOD, "PAYER", json!(5)).await;
    sim.pass(15 * MINUTE).await;
    assert_eq!(sim.status("collection", 2).await["status"], "PROCESSING");
    sim.pass(10 * MINUTE).await;
    assert_eq!(sim.status("collection", 2).await["status"], "SUCCESSFUL");
    sim.rates(json!({"slow_processing": 0, "not_found_soon": 10_000})).await;
    sim.collect(3, GOOD, "PAYER", json!(5)).await;
    assert_eq!(sim.get(&format!("/v1/status/collection/{}", reference(3))).await.0, 404);
    sim.wait(MINUTE).await;
    sim.status("collection", 3).await;
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_early_sources_stick_receipts_are_late_and_successes_come_back() {
    let mut sim = start(settings()).await;
    let (id, party) = sim.source("order", GOOD, "PAYER", "USD", json!(5)).await;
    let body = sim.prepared(1, ("order", id), (party, GOOD), "USD").await;
    sim.rates(json!({"session_expired": 10_000})).await;
    assert_eq!(loc(&sim.post("/v1/executions/collection", body).await.1), ["body", "session_id"]);
    sim.rates(json!({"session_expired": 0, "source_stuck": 10_000})).await;
    let stuck = sim.collect(2, BAD, "PAYER", json!(5)).await;
    sim.pass(MINUTE).await;
    assert_eq!(sim.status("collection", 2).await["status"], "FAILED");
    assert_eq!(sim.read(&format!("/v1/orders/retrieve/{stuck}")).await["status"], "PROCESSING");
    sim.rates(json!({"receipt_late": 10_000, "reversed_later": 10_000})).await;
    let paid = sim.collect(3, GOOD, "PAYER", json!(5)).await;
    sim.pass(MINUTE).await;
    assert_eq!(
        (sim.get(&format!("/v1/orders/receipt/{paid}")).await.0, sim.balance("3").await),
        (404, "1005".to_owned())
    );
    sim.wait(HOUR).await;
    assert_eq!(sim.get(&format!("/v1/orders/receipt/{paid}")).await.0, 200);
    assert_eq!(
        (&sim.status("collection", 3).await["status"], sim.balance("3").await),
        (&json!("FAILED"), "1000".to_owned())
    );
    sim.rates(json!({"payout_failed": 10_000})).await;
    let body = sim.payout(4, GOOD, "USD", json!(5)).await;
    sim.make("/v1/executions/payout", body).await;
    sim.pass(MINUTE).await;
    assert_eq!(
        (&sim.status("payout", 4).await["status"], sim.balance("3").await),
        (&json!("FAILED"), "1000".to_owned())
    );
    sim.stop().await;
}
