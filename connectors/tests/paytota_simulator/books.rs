//! Any history leaves purses that add up: by the provider's identities, and from objects and movements.

use std::collections::BTreeMap;

use super::support::*;
use ensimbi_connectors::simulator::draw::Draws;

/// Every wallet is the sum of what objects and movements did to it.
async fn adds_up(sim: &Running) {
    let mut sums: BTreeMap<(Option<&str>, String), Amount> = BTreeMap::new();
    let mut add = |purse, currency: String, effect: Amount| {
        let sum = sums.entry((purse, currency)).or_default();
        *sum = sum.checked_add(effect).unwrap();
    };
    for one in sim.sim.objects().await.unwrap() {
        add(one.purse, one.currency.to_string(), one.effect);
    }
    for one in sim.sim.movements().await.unwrap() {
        add(one.purse, one.currency.to_string(), one.effect);
    }
    for wallet in sim.sim.wallets().await.unwrap() {
        let sum = sums.get(&(wallet.purse, wallet.currency.to_string())).copied().unwrap_or_default();
        assert_eq!(sum, wallet.balance, "{wallet:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_histories_keep_every_identity() {
    for seed in 0..3 {
        let mut settings = settings();
        for one in &mut settings.currencies {
            (one.collections, one.payouts) = (50_000, 50_000);
        }
        let rates = &mut settings.rates;
        (rates.mobile.reserve, rates.card.reserve) = (700, 1_000);
        (rates.mobile_payout, rates.refund, rates.chargeback) = (Rate::fee(133), Rate::fee(77), Rate::fee(250));
        settings.faults = Faults::seeded(seed)
            .with(Fault::ChargedBack, 3_000)
            .with(Fault::ChargebackReversed, 5_000)
            .with(Fault::PurseTransfer, 2_000)
            .with(Fault::PayoutUndone, 3_000)
            .with(Fault::PayoutFailed, 2_000)
            .with(Fault::RefundFailed, 2_000)
            .with(Fault::PaidAfterError, 3_000);
        settings.faults.switches.chargeback_fee = true;
        let sim = start(settings).await;
        let draws = Draws::new(seed);
        let mut cards = Vec::new();
        for nth in 0..60_u64 {
            let draw = |what: &str, below: u64| draws.below(what, &nth.to_string(), 0, below);
            let amount = i64::try_from(37 + draw("amount", 4_000)).unwrap();
            let name = nth.to_string();
            match draw("kind", 8) {
                0..=2 => drop(
                    sim.execute(&sim.make(&name, if draw("good", 3) > 0 { GOOD } else { BAD }, amount).await).await,
                ),
                3 | 4 => cards.push(text(&sim.create("purchases", &hosted(&name, amount)).await, "id")),
                5 => {
                    let id = text(&sim.create("payouts", &payout(&name, GOOD, amount)).await, "id");
                    sim.pay_out(&id, &json!({"payout_type": "mobile"})).await;
                }
                6 => {
                    sim.switch(json!({
                        "slow_refunds": draw("slow", 2) == 0, "refund_returns_fee": draw("returns", 2) == 0,
                        "refund_fee": if draw("net", 2) == 0 { "net" } else { "on_top" },
                        "payout_fee": if draw("inside", 2) == 0 { "inside" } else { "on_top" },
                        "reserve": if draw("outside", 2) == 0 { "outside_gross" } else { "in_reserved" },
                    }))
                    .await;
                    if let Some(id) = cards.get(usize::try_from(draw("card", cards.len().max(1) as u64)).unwrap()) {
                        let body = if draw("full", 2) == 0 { json!({}) } else { json!({"amount": amount / 5}) };
                        sim.act(id, "refund", &body).await;
                    }
                }
                _ => sim.pass(Duration::from_secs(draw("pass", 4_000))).await,
            }
            if nth % 10 == 0 {
                sim.balance("UGX").await;
                adds_up(&sim).await;
            }
        }
        sim.pass(6 * DAY).await;
        sim.balance("USD").await;
        adds_up(&sim).await;
        let wallets = sim.sim.wallets().await.unwrap();
        assert!(wallets.iter().all(|one| one.held.is_zero() && one.pending.unwrap().is_zero()), "{wallets:?}");
        sim.stop().await;
    }
}
