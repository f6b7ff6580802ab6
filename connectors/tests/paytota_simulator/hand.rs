//! What the provider's people do, and what nobody ordered.

use super::support::*;
use ensimbi_connectors::simulator::SimulatedKind;

#[tokio::test(flavor = "multi_thread")]
async fn a_chargeback_takes_the_money_and_a_reversal_gives_it_back_in_full() {
    let mut settings = settings();
    settings.rates.chargeback = Rate::fee(1_000);
    let sim = start(settings).await;
    let received = sim.receive(Vec::new()).await;
    let id = sim.card("order-1", 2_000).await;
    let [before] = sim.figures("USD", ["balance"]).await;
    sim.admin(json!({"retrieve": {"id": id}})).await;
    assert_eq!(sim.purchase(&id).await["status"], "retrieved");
    sim.switch(json!({"chargeback_fee": true})).await;
    sim.admin(json!({"chargeback": {"id": id}})).await;
    let body = sim.purchase(&id).await;
    assert_eq!((&body["status"], &body["refund_availability"]), (&json!("charged_back"), &json!("none")));
    assert_eq!(sim.figures("USD", ["balance"]).await, [before - 2_200]);
    sim.pass(HOUR).await;
    let told = received.lock().unwrap().last().unwrap().2.clone();
    assert_eq!((&told["event_type"], &told["type"]), (&json!("payment.charged_back"), &json!("payment")));
    assert_eq!((&told["related_to"]["id"], &told["payment"]["is_outgoing"]), (&json!(id), &json!(true)));
    sim.admin(json!({"reverse_chargeback": {"id": id}})).await;
    assert_eq!(sim.purchase(&id).await["status"], "paid");
    assert_eq!(sim.figures("USD", ["balance"]).await, [before - 200]);
    sim.pass(HOUR).await;
    let told = received.lock().unwrap().last().unwrap().2.clone();
    assert_eq!(told["event_type"], "payment.chargeback_reversed");
    assert_eq!((&told["payment"]["is_outgoing"], &told["payment"]["amount"]), (&json!(false), &json!(2_000)));
    let dispute = sim.sim.objects().await.unwrap().into_iter().find(|one| one.kind == SimulatedKind::Dispute).unwrap();
    assert_eq!(
        (dispute.effect.to_string(), dispute.fees.to_string(), dispute.status.as_str()),
        ("-2".into(), "2".into(), "reversed")
    );
    assert_eq!(sim.control("admin", Some(json!({"reverse_chargeback": {"id": id}}))).await.0, 400);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_and_custom_payments_move_the_purses_and_are_movements() {
    let mut settings = settings();
    settings.currencies[0].collections = 5_000;
    let sim = start(settings).await;
    sim.admin(json!({"transfer": {"currency": "UGX", "amount": 2_000}})).await;
    sim.admin(json!({"transfer": {"currency": "UGX", "amount": 500, "back": true}})).await;
    sim.admin(json!({"custom": {"currency": "UGX", "amount": 100, "outgoing": true}})).await;
    assert_eq!(sim.figures("UGX", ["balance", "payout_balance"]).await, [3_400, 101_500]);
    let moved = sim.sim.movements().await.unwrap();
    let of = |purse: &str| {
        let own =
            moved.iter().filter(|one| one.purse == Some(if purse == "payouts" { "payouts" } else { "collections" }));
        own.map(|one| format!("{} {}", one.category, one.effect)).collect::<Vec<_>>()
    };
    assert_eq!(
        of("collections"),
        ["custom_payment 5000", "payout_balance_transfer -2000", "payout_balance_transfer 500", "custom_payment -100"]
    );
    assert_eq!(
        of("payouts"),
        ["custom_payment 100000", "payout_balance_transfer 2000", "payout_balance_transfer -500"]
    );
    for bad in
        [json!({"transfer": {"currency": "XXX", "amount": 1}}), json!({"nonsense": {}}), json!({"undo": {"id": "x"}})]
    {
        assert_eq!(sim.control("admin", Some(bad)).await.0, 400);
    }
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withheld_is_reserved_until_it_is_freed() {
    let mut settings = settings();
    settings.rates.mobile.reserve = 1_000;
    let sim = start(settings).await;
    let id = sim.collect("order-1", GOOD, 1_000).await;
    let payment = sim.purchase(&id).await["payment"].clone();
    assert_eq!((&payment["pending_amount"], &payment["net_amount"]), (&json!(100), &json!(870)));
    let freed = payment["pending_unfreeze_on"].as_i64().unwrap() - payment["paid_on"].as_i64().unwrap();
    assert_eq!(freed, 259_200);
    assert_eq!(sim.figures("UGX", ["balance", "reserved", "available_balance"]).await, [970, 100, 870]);
    let wallet =
        async || sim.sim.wallets().await.unwrap().into_iter().find(|one| one.currency.as_str() == "UGX").unwrap();
    assert_eq!((wallet().await.balance.to_string(), wallet().await.held.to_string()), ("870".into(), "100".into()));
    sim.pass(4 * DAY).await;
    assert_eq!(sim.figures("UGX", ["balance", "reserved", "available_balance"]).await, [970, 0, 970]);
    let freed = sim.sim.movements().await.unwrap().into_iter().find(|one| one.category == "unfreeze").unwrap();
    assert_eq!((freed.id, freed.effect.to_string()), (id, "100".to_owned()));
    sim.switch(json!({"reserve": "outside_gross"})).await;
    sim.collect("order-2", GOOD, 1_000).await;
    assert_eq!(sim.figures("UGX", ["balance", "reserved", "available_balance"]).await, [970 + 870, 0, 970 + 870]);
    sim.switch(json!({"reserve": "in_reserved"})).await;
    sim.pass(4 * DAY).await;
    assert_eq!(sim.figures("UGX", ["balance", "reserved"]).await, [2 * 970, 0]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_ordered_comes_by_the_seed() {
    let mut settings = settings();
    settings.faults = Faults::seeded(1)
        .with(Fault::ChargedBack, 10_000)
        .with(Fault::ChargebackReversed, 10_000)
        .with(Fault::Retrieved, 10_000)
        .with(Fault::PurseTransfer, 10_000)
        .with(Fault::PayoutUndone, 10_000)
        .with(Fault::PaidAfterError, 10_000)
        .with(Fault::PaidAfterExpired, 10_000);
    settings.faults.switches.at_due = ensimbi_connectors::providers::paytota::simulator::AtDue::Expired;
    let sim = start(settings).await;
    let card = sim.card("order-1", 2_000).await;
    let failed = sim.collect("order-2", BAD, 500).await;
    assert_eq!(sim.purchase(&failed).await["status"], "error");
    let silent = sim.collect("order-3", SILENT, 500).await;
    let paid = text(&sim.create("payouts", &payout("pay-1", GOOD, 700)).await, "id");
    sim.pay_out(&paid, &json!({"payout_type": "mobile"})).await;
    sim.pass(DAY).await;
    assert_eq!(history(&sim.purchase(&card).await)[3..], ["paid", "retrieved", "charged_back", "paid"]);
    assert_eq!(history(&sim.purchase(&failed).await)[3..], ["error", "paid"]);
    assert_eq!(history(&sim.purchase(&silent).await)[3..], ["expired", "paid"]);
    assert_eq!(sim.payout(&paid).await["status"], "success");
    let kinds: Vec<_> = sim.sim.movements().await.unwrap().into_iter().map(|one| one.category).collect();
    for kind in ["payout_balance_transfer", "custom_payment"] {
        assert!(kinds.iter().any(|one| one == kind), "{kind}");
    }
    sim.stop().await;
}
