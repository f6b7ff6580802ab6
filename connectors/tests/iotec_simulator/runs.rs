//! Long mixed runs: the rows keep their law and their chain, the books add up at every step, and a file that is closed
//! and opened again in the middle goes on to the same end.

use super::support::*;
use ensimbi_connectors::simulator::draw::Draws;
use std::collections::BTreeSet;

const STEPS: u64 = 40;

/// Everything that the books say, in a comparable form.
async fn books(sim: &Running) -> Vec<String> {
    let mut all: Vec<String> = sim.rows().await.iter().map(Value::to_string).collect();
    for one in sim.sim.objects().await.unwrap() {
        all.push(format!("{} {:?} {:?} {} {}", one.id, one.external_id, one.kind, one.status, one.effect));
    }
    all
}

/// Rows in a chain, and objects and movements together are the balance.
async fn check_books(sim: &Running) {
    check_chain(&sim.rows().await);
    let objects = sim.sim.objects().await.unwrap().into_iter().map(|one| one.effect);
    let movements = sim.sim.movements().await.unwrap().into_iter().map(|one| one.effect);
    let sum = Amount::checked_sum(objects.chain(movements)).unwrap();
    assert_eq!(sum, sim.sim.wallets().await.unwrap()[0].balance);
}

async fn one_step(sim: &Running, draws: Draws, n: u64) {
    let draw = |what: &str, below| draws.below(what, &n.to_string(), 0, below);
    let number =
        format!("{}{}", ["011177777", "011177799", "011177778", "011177779"][draw("group", 4) as usize], n % 10);
    let (reference, amount) = (format!("n{n}"), 500 + draw("amount", 20_000) as u32);
    match draw("what", 10) {
        0..3 => drop(sim.make(&reference, &number, amount).await),
        3..6 => drop(sim.post("disburse", &payout(&reference, &number, amount)).await),
        6 => drop(sim.post("bank-disburse", &bank_payout(&reference, "1234567890", amount)).await),
        7 => {
            let mut later = payout(&reference, &number, amount);
            later["sendAt"] = json!(sim.clock.now().plus(Duration::from_secs(300)).to_string());
            sim.post("disburse", &later).await;
        }
        8 => {
            let what = ["deposit", "liquidation", "transfer"][draw("money", 3) as usize];
            sim.control(what, Some(json!({"wallet_id": WALLET, "amount": amount.to_string()}))).await;
        }
        _ => {
            let of = draw("of", n.max(1));
            let decision = ["cancel", "roll_back", "approve"][draw("decision", 3) as usize];
            sim.control("decide", Some(json!({"external_id": format!("n{of}"), "decision": decision}))).await;
        }
    }
}

fn mixed(seed: u64) -> Settings {
    let mut mixed = funded(None, 60_000);
    mixed.pending_timeout = Some(Duration::from_secs(300));
    mixed.faults = Faults::seeded(seed)
        .with(Fault::RolledBackLater, 2_000)
        .with(Fault::SuccessAfterFailed, 2_000)
        .with(Fault::PayoutRolledBack, 3_000)
        .with(Fault::PayoutRolledBackLater, 3_000)
        .with(Fault::PayoutFeeKept, 3_000)
        .with(Fault::PayoutFailed, 1_000)
        .with(Fault::WrongAmount, 2_000);
    mixed
}

/// A run that is stopped and started again after every step that `restarts` names.
async fn run(seed: u64, settings: Settings, restarts: &[u64]) -> Vec<String> {
    let (_folder, path) = folder();
    let draws = Draws::new(seed);
    let mut sim = start(&path, settings.clone()).await;
    for n in 0..STEPS {
        one_step(&sim, draws, n).await;
        check_books(&sim).await;
        if restarts.contains(&n) {
            let before = books(&sim).await;
            sim.stop().await;
            sim = start(&path, settings.clone()).await;
            assert_eq!(books(&sim).await, before);
        }
        sim.drive(Duration::from_secs(120 * (n + 1))).await;
    }
    sim.drive(HOUR * 24).await;
    check_books(&sim).await;
    let end = books(&sim).await;
    sim.stop().await;
    end
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_keep_their_law_and_chain_and_the_books_add_up_in_every_mixed_run() {
    let mut ends = BTreeSet::new();
    for seed in 0..2 {
        for change in [
            json!({}),
            json!({"payout_debit": "on_success", "payout_fee": "inside"}),
            json!({"held_payouts": "at_creation", "short_balance": "failed", "rollback_keeps_fee": true}),
        ] {
            let mut settings = mixed(seed);
            settings.faults = settings.faults.changed(&json!({ "switches": change })).unwrap();
            ends.insert(run(seed, settings, &[]).await);
        }
    }
    assert_eq!(ends.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_opened_again_in_the_middle_ends_with_the_same_books() {
    assert_eq!(run(5, mixed(5), &[7, 20, 21, 34]).await, run(5, mixed(5), &[]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_payouts_racing_for_the_last_shilling_are_one_payout() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    for n in 0..25 {
        let deposit = json!({"wallet_id": WALLET, "amount": "1600"});
        assert_eq!(sim.control("deposit", Some(deposit)).await.0, 200);
        let (first, second) =
            (payout(&format!("a{n}"), "0111777771", 1_000), payout(&format!("b{n}"), "0111777771", 1_000));
        let (first, second) = tokio::join!(sim.post("disburse", &first), sim.post("disburse", &second));
        let mut codes = [first.0, second.0];
        codes.sort_unstable();
        assert_eq!((codes, sim.balance().await.as_str()), ([200, 400], "0"));
    }
    sim.stop().await;
}
