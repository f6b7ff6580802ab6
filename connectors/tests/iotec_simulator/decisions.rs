//! Payouts that wait: for a person's decision, or for their time.

use super::support::*;

async fn decide(sim: &Running, external_id: &str, decision: &str) -> u16 {
    let body = json!({"external_id": external_id, "decision": decision, "remarks": "by hand"});
    sim.control("decide", Some(body)).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_payout_waits_for_its_time_and_is_debited_on_release_or_at_creation() {
    for (held, at_once) in [("on_release", false), ("at_creation", true)] {
        let (_folder, path) = folder();
        let sim = start(&path, funded(None, 2_000)).await;
        sim.switch(json!({ "held_payouts": held })).await;
        let mut body = payout("later", "0111777771", 1_000);
        body["sendAt"] = json!(start_time().plus(HOUR).to_string());
        let (code, text) = sim.post("disburse", &body).await;
        let made: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((code, &made["status"], &made["statusCode"]), (200, &json!("Scheduled"), &json!("scheduled")));
        assert_eq!(sim.balance().await, if at_once { "400" } else { "2000" });
        // What is in between goes out first only where nothing is held back.
        let between = sim.post("disburse", &payout("between", "0111777771", 1_000)).await.0;
        assert_eq!(between, if at_once { 400 } else { 200 });
        sim.drive(HOUR * 2).await;
        let later = sim.payout("later").await;
        let end = if at_once { ("Success", "success") } else { ("Failed", "not-enough-funds") };
        assert_eq!((later["status"].as_str().unwrap(), later["statusCode"].as_str().unwrap()), end);
        assert_eq!(sim.balance().await, "400");
        check_chain(&sim.rows().await);
        sim.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_is_past_sends_at_once() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 10_000)).await;
    let mut body = payout("now", "0111777771", 1_000);
    body["sendAt"] = json!("2020-01-01T00:00:00Z");
    let made: Value = serde_json::from_str(&sim.post("disburse", &body).await.1).unwrap();
    assert_eq!((&made["status"], &made["sendAt"]), (&json!("Pending"), &json!("2020-01-01T00:00:00.000Z")));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn maker_checker_holds_a_payout_until_somebody_decides() {
    for held in ["on_release", "at_creation"] {
        let (_folder, path) = folder();
        let (target, received) = receiver(Vec::new()).await;
        let sim = start(&path, funded(Some(target), 100_000)).await;
        sim.switch(json!({"maker_checker": true, "held_payouts": held})).await;
        for external_id in ["yes", "no", "stop", "waits"] {
            assert_eq!(sim.pay(external_id, "0111777771", 1_000).await["status"], "AwaitingApproval");
        }
        let mut body = payout("later", "0111777771", 1_000);
        body["sendAt"] = json!(start_time().plus(HOUR * 3).to_string());
        assert_eq!(sim.post("disburse", &body).await.0, 200);
        assert_eq!(sim.balance().await, if held == "on_release" { "100000" } else { "92000" });
        for (external_id, decision) in [("yes", "approve"), ("no", "reject"), ("stop", "cancel"), ("later", "approve")]
        {
            assert_eq!(decide(&sim, external_id, decision).await, 200, "{decision}");
        }
        assert_eq!(decide(&sim, "no", "approve").await, 400);
        assert_eq!(decide(&sim, "nobody", "approve").await, 400);
        assert_eq!(sim.payout("later").await["status"], "Scheduled");
        sim.drive(HOUR).await;
        let ends = [("yes", "Success"), ("no", "Rejected"), ("stop", "Cancelled"), ("waits", "AwaitingApproval")];
        for (external_id, status) in ends {
            let body = sim.payout(external_id).await;
            assert_eq!(body["status"], status, "{external_id}");
            let decided = if external_id == "waits" { Value::Null } else { json!(external_id == "yes") };
            assert_eq!(body["approvalDecision"], decided, "{external_id}");
        }
        assert_eq!(sim.payout("no").await["decisionRemarks"], "by hand");
        let page = sim.json("/api/disbursements/paged-history?ExternalId=yes").await;
        let decisions = page["data"][0]["decisions"].as_array().unwrap();
        assert_eq!((decisions.len(), &decisions[0]["category"]), (1, &json!("Approve")));
        assert_eq!(decisions[0]["disbursementId"], page["data"][0]["id"]);
        sim.drive(HOUR * 4).await;
        assert_eq!(sim.payout("later").await["status"], "Success");
        // Two paid, and one that still waits, held or not.
        assert_eq!(sim.balance().await, if held == "on_release" { "96800" } else { "95200" });
        check_chain(&sim.rows().await);
        let told = received.lock().unwrap().clone();
        assert!(told.iter().all(|(_, body)| ["yes", "later"].contains(&body["externalId"].as_str().unwrap())));
        sim.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_is_rolled_back_by_hand_from_the_network_and_after_success() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 10_000)).await;
    sim.pay("v", "0111777791", 1_000).await;
    sim.pay("s", "0111777771", 1_000).await;
    sim.drive(HOUR).await;
    assert_eq!(sim.balance().await, "6800");
    assert_eq!(decide(&sim, "s", "cancel").await, 400);
    for external_id in ["v", "s"] {
        assert_eq!(decide(&sim, external_id, "roll_back").await, 200);
        assert_eq!(sim.payout(external_id).await["status"], "RolledBack");
    }
    assert_eq!(sim.balance().await, "10000");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_nine_statuses_can_be_shown_of_a_payout() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 100_000)).await;
    for status in
        ["SentToVendor", "Success", "Failed", "AwaitingApproval", "RolledBack", "Scheduled", "Cancelled", "Rejected"]
    {
        let id = sim.pay(status, "0111777781", 1_000).await["id"].as_str().unwrap().to_owned();
        let set = sim.control(&format!("payouts/{id}/status"), Some(json!({ "status": status }))).await;
        assert_eq!(set.0, 200, "{}", set.1);
        assert_eq!(sim.payout(status).await["status"], status);
        let back = sim.control(&format!("payouts/{id}/status"), Some(json!({"status": "Nonsense"}))).await;
        assert_eq!(back.0, 400);
    }
    // Four of them give the money back.
    assert_eq!(sim.balance().await, "93600");
    check_chain(&sim.rows().await);
    sim.stop().await;
}
