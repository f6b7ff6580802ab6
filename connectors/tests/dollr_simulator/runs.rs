//! Restarts, the same seed twice, and the stage.

use ensimbi_connectors::providers::dollr::simulator::stage::DollrStage;
use ensimbi_connectors::simulator::stage::{Stage, StageClock, StagePlan};

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_sources_executions_tokens_time_and_what_is_planned() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("dollr.db");
    let sim = start_on(&path, settings()).await;
    let id = sim.collect(1, GOOD, "PAYER", json!(5)).await;
    let (token, kept) = (sim.token.clone(), sim.sim.stored_time().await.unwrap());
    sim.stop().await;
    let mut sim = start_on(&path, settings()).await;
    sim.token = token;
    assert!(sim.clock.now() >= kept && kept >= start_time());
    sim.pass(MINUTE).await;
    assert_eq!(sim.status("collection", 1).await["status"], "COMPLETED");
    assert_eq!(
        (&sim.read(&format!("/v1/orders/retrieve/{id}")).await["status"], sim.balance("3").await),
        (&json!("PAID"), "1005".to_owned())
    );
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_makes_the_same_outcomes() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mut settings = settings();
        let rates = [Fault::FailedAtOnce, Fault::OtherSuccessWord, Fault::SlowProcessing, Fault::PayoutFailed];
        settings.faults = rates.into_iter().fold(Faults::seeded(11), |faults, fault| faults.with(fault, 4_000));
        let sim = start(settings).await;
        for nth in 0..9 {
            sim.collect(nth, GOOD, "PAYER", json!(5)).await;
            let body = sim.payout(nth + 10, GOOD, "USD", json!(3)).await;
            sim.make("/v1/executions/payout", body).await;
        }
        sim.pass(HOUR).await;
        let objects = sim.sim.objects().await.unwrap();
        seen.push(objects.into_iter().map(|one| (one.id, one.status, one.effect)).collect::<Vec<_>>());
        sim.stop().await;
    }
    assert_eq!(seen[0], seen[1]);
    let statuses: std::collections::BTreeSet<_> = seen[0].iter().map(|one| one.1.as_str()).collect();
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), ["COMPLETED", "FAILED", "SUCCESSFUL"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stage_opens_with_money_and_names_connections_that_a_merchant_can_use() {
    let folder = tempfile::TempDir::new().unwrap();
    let clock = Arc::new(SimClock::new(start_time()));
    let file = folder.path().join("dollr.db");
    let plan = StagePlan { file, clock: StageClock::Driven(clock), seed: 7, faults: true };
    let stage = DollrStage.open_funded(plan).await.unwrap();
    let connections = stage.connections("http://127.0.0.1:1");
    for wallet in stage.wallets().await.unwrap() {
        let own = connections.iter().flat_map(|one| &one.wallets).find(|own| own.id == wallet.provider_id).unwrap();
        assert!(own.currency == wallet.currency && wallet.balance.is_positive());
    }
    for n in 0..200 {
        let payment = DollrStage.payment(7, n);
        let connection = connections.iter().find(|one| one.slug == payment.slug).unwrap();
        let wallet = connection.wallets.iter().find(|one| one.code == payment.wallet).unwrap();
        assert_eq!(wallet.currency, payment.currency);
    }
    let abroad = connections.iter().find(|one| one.options.contains_key("payer_currency")).unwrap();
    assert_eq!(abroad.options["payer_currency"], "LRD");
}
