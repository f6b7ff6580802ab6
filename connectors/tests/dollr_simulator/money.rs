//! The wallets are the sum of what the objects and movements say, at any moment.

use std::collections::BTreeMap;

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn objects_and_movements_add_up_to_every_wallet_at_every_moment() {
    let mut sim = start(settings().with_fees()).await;
    for (nth, phone) in [(1, GOOD), (2, BAD), (3, LATER), (4, SILENT)] {
        sim.collect(nth, phone, "PAYEE", json!(20)).await;
        let body = sim.payout(nth + 10, phone, "USD", json!(7)).await;
        sim.make("/v1/executions/payout", body).await;
        sim.make("/v1/checkouts/create", checkout(&format!("label-{nth}"), phone, json!(9))).await;
    }
    sim.rates(json!({"reversed_later": 5_000})).await;
    for _ in 0..20 {
        adds_up(&sim).await;
        sim.wait(5 * MINUTE).await;
    }
    adds_up(&sim).await;
    let ids: Vec<_> =
        sim.sim.objects().await.unwrap().into_iter().filter(|one| !one.is_final).map(|one| one.id).collect();
    // Pages whose payers gave up.
    assert_eq!(ids, ["label-2", "label-4"]);
    sim.stop().await;
}

async fn adds_up(sim: &Running) {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for one in sim.sim.objects().await.unwrap() {
        *sums.entry(one.wallet_id).or_default() += one.effect.scaled();
    }
    for one in sim.sim.movements().await.unwrap() {
        *sums.entry(one.wallet_id).or_default() += one.effect.scaled();
    }
    for wallet in sim.sim.wallets().await.unwrap() {
        assert_eq!(sums.get(&wallet.provider_id).copied().unwrap_or_default(), wallet.balance.scaled(), "{wallet:?}");
    }
}
