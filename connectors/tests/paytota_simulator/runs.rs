//! Restarts, the same seed twice, and the stage.

use ensimbi_connectors::providers::paytota::simulator::stage::PaytotaStage;
use ensimbi_connectors::simulator::stage::{PushTarget, Stage, StageClock, StagePlan};

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_objects_keys_time_and_what_is_planned() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("paytota.db");
    let sim = start_on(&path, settings()).await;
    let id = sim.make("order-1", GOOD, 500).await;
    sim.execute(&id).await;
    sim.pass(Duration::from_secs(1)).await;
    sim.admin(json!({"rotate_webhook_key": true})).await;
    let (keys, kept) = (sim.sim.public_keys(), sim.sim.stored_time().await.unwrap());
    sim.stop().await;
    let sim = start_on(&path, settings()).await;
    assert_eq!(sim.sim.public_keys(), keys);
    assert!(sim.clock.now() >= kept && kept > start_time());
    sim.pass(HOUR).await;
    let body = sim.purchase(&id).await;
    assert_eq!(
        (&body["status"], text(&body, "checkout_url")),
        (&json!("paid"), format!("{}/p/{id}/invoice/", sim.base))
    );
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_makes_the_same_ids_outcomes_and_bodies() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mut settings = settings();
        settings.faults = Faults::seeded(11).with(Fault::WebhookLate, 5_000).with(Fault::WebhookDoubled, 5_000);
        let sim = start(settings).await;
        let received = sim.receive(Vec::new()).await;
        for nth in 0..5 {
            sim.collect(&format!("order-{nth}"), if nth == 2 { BAD } else { GOOD }, 500 + nth).await;
        }
        sim.card("card", 900).await;
        sim.pass(DAY).await;
        let mut bodies: Vec<_> = received.lock().unwrap().iter().map(|one| one.2.clone()).collect();
        for body in &mut bodies {
            // The address is a new one each time.
            body["checkout_url"] = Value::Null;
        }
        let mut bodies: Vec<_> = bodies.into_iter().map(|body| body.to_string()).collect();
        bodies.sort();
        seen.push(bodies);
        sim.stop().await;
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stage_opens_with_money_and_names_a_connection_with_both_purses_and_keys() {
    let folder = tempfile::TempDir::new().unwrap();
    let clock = Arc::new(SimClock::new(start_time()));
    let plan = StagePlan { file: folder.path().join("p.db"), clock: StageClock::Driven(clock), seed: 7, faults: true };
    let running = PaytotaStage.open_funded(plan).await.unwrap();
    let base = "http://127.0.0.1:8092";
    let connections = running.connections(base);
    let one = &connections[0];
    assert_eq!((one.slug.as_str(), one.provider.as_str(), one.account.as_str()), ("paytota-main", "paytota", BRAND));
    let wallets: Vec<_> =
        one.wallets.iter().map(|wallet| (wallet.code.as_str(), wallet.purse.as_deref().unwrap())).collect();
    assert_eq!(
        wallets,
        [("ugx", "collections"), ("ugx-payouts", "payouts"), ("usd", "collections"), ("usd-payouts", "payouts")]
    );
    assert_eq!((one.urls["api"].as_str(), one.urls["statements"].as_str()), (base, base));
    assert!(one.options["webhook_key"].contains("BEGIN PUBLIC KEY") && one.options["account_key"].contains("PUBLIC"));
    assert!(!one.options.contains_key("webhook_key_next") && one.secrets.contains_key("secret_key"));
    let balances: Vec<_> = running.wallets().await.unwrap().iter().map(|wallet| wallet.balance.to_string()).collect();
    assert_eq!(balances, ["500000", "500000", "2000", "2000"]);
    running.push_to(PushTarget { slug: one.slug.clone(), url: format!("{base}/hook"), header: None }).unwrap();
    assert!(running.push_to(PushTarget { slug: "x".to_owned(), url: "ftp://x".to_owned(), header: None }).is_err());
    assert!(running.change_faults(&json!({"switches": {"nonsense": 1}})).is_err());
}
