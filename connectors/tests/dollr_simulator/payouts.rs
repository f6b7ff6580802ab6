//! Money that leaves: payouts with their passcode, transfers, refunds.

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_takes_amount_and_fees_at_once_and_gives_all_back_where_it_fails() {
    let sim = start(settings().with_fees()).await;
    let body = sim.payout(1, GOOD, "USD", json!(100)).await;
    let answer = sim.make("/v1/executions/payout", body.clone()).await;
    assert_eq!((&answer["payer_amount"], &answer["payee_amount"]), (&json!(102.0), &json!(100.0)));
    assert_eq!(sim.balance("3").await, "898");
    sim.pass(MINUTE).await;
    assert_eq!(sim.status("payout", 1).await["status"], "COMPLETED");
    assert_eq!(sim.make("/v1/executions/payout", body).await["status"], "COMPLETED");
    let body = sim.payout(2, BAD, "LRD", json!(50)).await;
    sim.make("/v1/executions/payout", body).await;
    assert_eq!(sim.balance("4").await, "949");
    sim.pass(MINUTE).await;
    assert_eq!(sim.status("payout", 2).await["status"], "FAILED");
    assert_eq!((sim.balance("3").await, sim.balance("4").await), ("898".to_owned(), "1000".to_owned()));
    sim.switch(json!({"payout_debit_at_success": true})).await;
    let body = sim.payout(3, GOOD, "USD", json!(100)).await;
    sim.make("/v1/executions/payout", body).await;
    assert_eq!(sim.balance("3").await, "898");
    sim.pass(MINUTE).await;
    assert_eq!(sim.balance("3").await, "796");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_is_not_covered_fails_in_a_good_answer_or_later_or_is_refused() {
    let sim = start(settings()).await;
    let body = sim.payout(1, GOOD, "USD", json!(1_000.01)).await;
    let answer = sim.make("/v1/executions/payout", body).await;
    assert_eq!((&answer["status"], answer["wallet_message"].is_string()), (&json!("FAILED"), true));
    sim.switch(json!({"short_payout": "later"})).await;
    let body = sim.payout(2, GOOD, "USD", json!(1_000.01)).await;
    assert_eq!(sim.make("/v1/executions/payout", body).await["status"], "PROCESSING");
    sim.pass(MINUTE).await;
    assert_eq!(sim.status("payout", 2).await["status"], "FAILED");
    sim.switch(json!({"short_payout": "refused"})).await;
    let body = sim.payout(3, GOOD, "USD", json!(1_000.01)).await;
    assert_eq!(sim.post("/v1/executions/payout", body).await.0, 422);
    assert_eq!(sim.get(&format!("/v1/status/payout/{}", reference(3))).await.0, 404);
    assert_eq!(sim.balance("3").await, "1000");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_passcode_is_refused_and_a_missing_part_of_it_named() {
    let sim = start(settings()).await;
    let good = sim.payout(1, GOOD, "USD", json!(5)).await;
    let mut wrong = good.clone();
    wrong["passcode"]["token"]["code"] = "0000".into();
    assert_eq!(sim.post("/v1/executions/payout", wrong.clone()).await.0, 403);
    sim.switch(json!({"wrong_passcode": "unprocessable"})).await;
    assert_eq!(sim.post("/v1/executions/payout", wrong.clone()).await.0, 422);
    for (path, place) in [
        ("/passcode", vec!["body", "passcode"]),
        ("/passcode/token/code", vec!["body", "passcode", "token", "code"]),
        ("/passcode/token/phone", vec!["body", "passcode", "token", "phone"]),
        ("/passcode/device/client_ip", vec!["body", "passcode", "device", "client_ip"]),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(path).unwrap() = Value::Null;
        let (code, answer) = sim.post("/v1/executions/payout", body).await;
        assert_eq!((code, loc(&answer)), (422, place.iter().map(|part| (*part).to_owned()).collect()), "{answer}");
    }
    sim.make("/v1/executions/payout", good).await;
    sim.switch(json!({"wrong_passcode": "failed"})).await;
    let mut wrong = sim.payout(2, GOOD, "USD", json!(5)).await;
    wrong["passcode"]["token"]["phone"] = "231770000099".into();
    assert_eq!(sim.make("/v1/executions/payout", wrong).await["status"], "FAILED");
    sim.pass(MINUTE).await;
    assert_eq!(sim.balance("3").await, "995");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bodies_of_the_old_guide_are_taken_where_the_switch_says_so() {
    let sim = start(settings()).await;
    let party = sim.party(GOOD).await;
    let account = sim.account("PAYOUT", party, GOOD).await;
    let old = json!({
        "wallet_id": 3, "payment_account_id": account, "amount": 5, "currency": "USD", "expires_at": "2026-05-03T10:00:00Z",
    });
    let new = json!({"payout_account_id": account, "amount": 5, "currency": "USD"});
    assert_eq!(sim.post("/v1/sessions/payout", old.clone()).await.0, 422);
    sim.switch(json!({"payout_bodies": "old"})).await;
    assert_eq!(sim.post("/v1/sessions/payout", new.clone()).await.0, 422);
    let session = sim.make("/v1/sessions/payout", old.clone()).await;
    assert_eq!((&session["wallet_id"], &session["expires_at"]), (&json!(3), &old["expires_at"]));
    let body = json!({"session_id": session["id"].to_string(), "reference_id": reference(1)});
    sim.make("/v1/executions/payout", body).await;
    sim.switch(json!({"payout_bodies": "both"})).await;
    for body in [old, new] {
        assert_eq!(sim.make("/v1/sessions/payout", body).await["wallet_id"], 3);
    }
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_to_oneself_moves_between_own_wallets_as_in_the_twentieth_example() {
    let sim = start(settings()).await;
    let body = json!({"relationship_type": "SELF", "party_id": sim.party("231770000042").await});
    let own = int(&sim.make("/v1/counterparties/create", body).await, "id");
    let body = json!({
        "from_wallet_id": 3, "to_counterparty_id": own, "amount": 19300, "currency": "LRD",
        "expires_at": "2026-05-03T10:00:00Z",
    });
    let session = int(&sim.make("/v1/sessions/transfer", body).await, "id");
    let figures =
        json!({"payer_amount": "100", "payer_currency": "USD", "payee_amount": "19300", "payee_currency": "LRD"});
    let (code, _) = sim.control("figures", Some(json!({"of": format!("SESSION-{session}"), "figures": figures}))).await;
    assert_eq!(code, 200);
    let body = json!({"session_id": session.to_string(), "reference_id": reference(1)});
    let answer = sim.make("/v1/executions/transfer", body).await;
    assert_eq!((&answer["payer_amount"], &answer["payee_amount"]), (&json!(100.0), &json!(19_300.0)));
    sim.pass(MINUTE).await;
    assert_eq!(sim.status("transfer", 1).await["status"], "COMPLETED");
    assert_eq!((sim.balance("3").await, sim.balance("4").await), ("900".to_owned(), "20300".to_owned()));
    let moved: Vec<_> = sim.sim.movements().await.unwrap().into_iter().map(|one| one.effect.to_string()).collect();
    assert_eq!(moved, ["1000", "-100", "1000", "19300"]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_names_the_intent_that_only_the_control_shows_and_never_more_than_was_paid() {
    let sim = start(settings()).await;
    let id = sim.collect(1, GOOD, "PAYER", json!(100)).await;
    sim.pass(MINUTE).await;
    assert!(sim.status("collection", 1).await.get("payment_intent_id").is_none());
    let books = sim.control("books", None).await.1;
    let intent = int(&books["executions"][0], "payment_intent_id");
    let session = |amount: Value| {
        json!({
            "original_payment_intent_id": intent, "amount": amount, "expires_at": "2026-05-03T10:00:00Z", "reason": "torn",
        })
    };
    assert_eq!(loc(&sim.post("/v1/sessions/refund", session(json!(100.01))).await.1), ["body", "amount"]);
    let made = sim.make("/v1/sessions/refund", session(json!(40))).await;
    let body = json!({"session_id": made["id"].to_string(), "reference_id": reference(2)});
    sim.make("/v1/executions/refund", body).await;
    assert_eq!(loc(&sim.post("/v1/sessions/refund", session(json!(60.01))).await.1), ["body", "amount"]);
    sim.pass(MINUTE).await;
    assert_eq!(sim.status("refund", 2).await["status"], "COMPLETED");
    assert_eq!(sim.balance("3").await, "1060");
    assert_eq!(sim.read(&format!("/v1/orders/retrieve/{id}")).await["status"], "PAID");
    sim.switch(json!({"intent_in_answer": true})).await;
    assert_eq!(sim.status("collection", 1).await["payment_intent_id"], intent);
    sim.stop().await;
}
