//! What can go wrong with a payout, by name, and what the wallet then has.

use super::support::*;

async fn faulty(fault: Fault, opening: i32) -> (Running, TempDir) {
    let (folder, path) = folder();
    let mut faulty = funded(None, opening);
    faulty.faults = Faults::default().with(fault, 10_000);
    faulty.faults.parameters.hold_ms = 100;
    (start(&path, faulty).await, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_leaves_one_payout_and_a_cut_before_acceptance_none() {
    for (fault, made) in [
        (Fault::TimeoutAfterAcceptance, true),
        (Fault::ErrorAfterAcceptance, true),
        (Fault::HalfAnswer, true),
        (Fault::HtmlAnswer, true),
        (Fault::CutBeforeAcceptance, false),
        (Fault::RateLimited, false),
        (Fault::ServerError, false),
        (Fault::UnauthorizedMidRun, false),
    ] {
        let (_folder, path) = folder();
        let sim = start(&path, funded(None, 10_000)).await;
        let token = sim.token().await;
        let mut faults = Faults::default().with(fault, 10_000);
        faults.parameters.hold_ms = 100;
        sim.sim.set_faults(faults).unwrap();
        let request = sim.client.post(format!("{}/api/disbursements/disburse", sim.base)).bearer_auth(&token);
        let answer = request.json(&payout("x", "0111777771", 1_000)).send().await;
        let code = answer.as_ref().map(|answer| answer.status().as_u16()).unwrap_or_default();
        let body = match answer {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        };
        assert!(serde_json::from_str::<Value>(&body).map_or(true, |body| body.get("id").is_none()), "{fault:?}");
        let expected: &[u16] = match fault {
            Fault::TimeoutAfterAcceptance | Fault::CutBeforeAcceptance => &[0],
            Fault::ErrorAfterAcceptance => &[500, 502],
            Fault::RateLimited => &[429],
            Fault::ServerError => &[503],
            Fault::UnauthorizedMidRun => &[401],
            // Half an answer may be cut before its first byte arrives.
            _ => &[0, 200],
        };
        assert!(expected.contains(&code), "{fault:?} {code}");
        sim.sim.set_faults(Faults::default()).unwrap();
        let page = sim.json("/api/disbursements/paged-history?ExternalId=x").await;
        assert_eq!(page["total"], u32::from(made), "{fault:?}");
        assert_eq!(sim.balance().await, if made { "8400" } else { "10000" });
        sim.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_payout_may_keep_its_fee() {
    let (sim, _folder) = faulty(Fault::PayoutFeeKept, 10_000).await;
    sim.pay("f", "0111777991", 1_000).await;
    sim.drive(HOUR).await;
    assert_eq!(sim.payout("f").await["status"], "Failed");
    assert_eq!((sim.balance().await.as_str(), sim.moves().await.len()), ("9400", 3));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_may_be_rolled_back_from_the_network_or_after_success_with_or_without_its_fee() {
    for (fault, payee, keeps_fee, balance) in [
        (Fault::PayoutRolledBack, "0111777991", false, "10000"),
        (Fault::PayoutRolledBack, "0111777991", true, "9400"),
        (Fault::PayoutRolledBackLater, "0111777771", false, "10000"),
        (Fault::PayoutRolledBackLater, "0111777771", true, "9400"),
    ] {
        let (_folder, path) = folder();
        let (target, received) = receiver(Vec::new()).await;
        let mut rolled = funded(Some(target), 10_000);
        rolled.faults = Faults::default().with(fault, 10_000);
        rolled.faults.switches.rollback_keeps_fee = keeps_fee;
        rolled.sent_to_vendor = 0;
        let sim = start(&path, rolled).await;
        sim.pay("r", payee, 1_000).await;
        sim.drive(HOUR).await;
        let first = if fault == Fault::PayoutRolledBack { "RolledBack" } else { "Success" };
        assert_eq!(sim.payout("r").await["status"], first);
        sim.drive(HOUR * 3).await;
        assert_eq!(sim.payout("r").await["status"], "RolledBack");
        assert_eq!(sim.balance().await, balance);
        check_chain(&sim.rows().await);
        // The rollback itself is never announced, nor are rows and decisions part of what is.
        let told = received.lock().unwrap().clone();
        let told: Vec<_> =
            told.iter().map(|(_, body)| (body["status"].clone(), body.get("transactions").is_none())).collect();
        let before = if fault == Fault::PayoutRolledBack { "SentToVendor" } else { "Success" };
        assert_eq!(told, [(json!(before), true)]);
        sim.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_payout_may_succeed_later_even_where_the_wallet_has_nothing_left() {
    let (sim, _folder) = faulty(Fault::SuccessAfterFailed, 1_600).await;
    sim.pay("late", "0111777991", 1_000).await;
    sim.drive(HOUR).await;
    assert_eq!((sim.payout("late").await["status"].clone(), sim.balance().await), (json!("Failed"), "1600".to_owned()));
    let all = json!({"wallet_id": WALLET, "amount": "1600"});
    assert_eq!(sim.control("liquidation", Some(all)).await.0, 200);
    sim.drive(HOUR * 3).await;
    assert_eq!(sim.payout("late").await["status"], "Success");
    assert_eq!(sim.balance().await, "-1600");
    check_chain(&sim.rows().await);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_amount_is_in_the_wallet_and_a_wrong_fee_only_in_the_answers() {
    let (sim, _folder) = faulty(Fault::WrongAmount, 100_000).await;
    sim.pay("p", "0111777771", 10_000).await;
    let id = sim.make("c", "0111777771", 10_000).await;
    sim.drive(HOUR).await;
    assert_eq!(sim.payout("p").await["amount"], 9_000);
    let collected = sim.status(&id).await;
    assert_eq!((&collected["amount"], &collected["totalTransactionCharge"]), (&json!(9_000), &json!(315)));
    // 100000 - 9600 + 8685
    assert_eq!(sim.balance().await, "99085");
    sim.sim.set_faults(Faults::default().with(Fault::WrongFee, 10_000)).unwrap();
    let said = sim.payout("p").await;
    assert_eq!((&said["transactionCharge"], &said["totalTransactionCharge"]), (&json!(600), &json!(601)));
    assert_eq!(sim.control("books", None).await.1["payouts"][0]["total_charge"], "600");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_a_payout_meets_the_same_faults_as_reading_a_collection() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 10_000)).await;
    let id = sim.pay("x", "0111777781", 1_000).await["id"].as_str().unwrap().to_owned();
    let token = sim.token().await;
    for path in [
        format!("/api/disbursements/status/{id}"),
        "/api/disbursements/external-id/x".to_owned(),
        "/api/disbursements/paged-history".to_owned(),
        "/api/disbursements/bank-list".to_owned(),
    ] {
        for (fault, code) in [(Fault::ServerError, 503), (Fault::RateLimited, 429), (Fault::HtmlAnswer, 200)] {
            sim.sim.set_faults(Faults::default().with(fault, 10_000)).unwrap();
            let (got, text) = sim.get_as(&token, &path).await;
            assert!(got == code && serde_json::from_str::<Value>(&text).is_err(), "{path} {fault:?} {got} {text}");
        }
        sim.sim.set_faults(Faults::default()).unwrap();
        assert_eq!(sim.get_as(&token, &path).await.0, 200);
    }
    sim.pay("odd", "0111777781", 1_000).await;
    sim.sim.set_faults(Faults::default().with(Fault::UnknownStatus, 10_000)).unwrap();
    assert_eq!(sim.payout("odd").await["status"], "UnderReview");
    sim.sim.set_faults(Faults::default().with(Fault::NotFoundRightAfter, 10_000)).unwrap();
    sim.pay("hidden", "0111777781", 1_000).await;
    assert_eq!(sim.get("/api/disbursements/external-id/hidden").await.0, 404);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_about_payouts_go_to_their_own_url_else_to_that_of_collections() {
    let (_folder, path) = folder();
    let ((collections, told), (payouts, own)) = (receiver(Vec::new()).await, receiver(Vec::new()).await);
    let mut plain = funded(Some(collections), 100_000);
    plain.sent_to_vendor = 0;
    let sim = start(&path, plain).await;
    let count = |received: &Received| received.lock().unwrap().len();
    sim.pay("shared", "0111777771", 1_000).await;
    sim.drive(HOUR).await;
    assert_eq!((count(&told), count(&own)), (1, 0));
    sim.switch(json!({"callbacks_by_category_only": true})).await;
    sim.pay("nowhere", "0111777771", 1_000).await;
    sim.drive(HOUR * 2).await;
    assert_eq!((count(&told), count(&own)), (1, 0));
    let register = json!({"wallet_id": WALLET, "category": "Disbursement", "url": payouts.url,
        "header_name": "X-Callback", "header_value": "payout-secret"});
    let (code, config) = sim.control("config", Some(register)).await;
    assert_eq!((code, config["callbacks"].as_array().unwrap().len()), (200, 2));
    sim.pay("own", "0111777991", 1_000).await;
    sim.make("collected", "0111777771", 700).await;
    sim.drive(HOUR * 3).await;
    assert_eq!((count(&told), count(&own)), (2, 1));
    let (header, body) = own.lock().unwrap()[0].clone();
    assert_eq!((header.as_deref(), &body["status"]), (Some("payout-secret"), &json!("Failed")));
    assert_eq!(body, sim.payout("own").await);
    sim.stop().await;
}
