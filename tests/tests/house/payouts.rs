//! Money that leaves, when everything goes wrong at the provider, on the way, and in our own process.

use std::time::Duration;

use serde_json::json;

use crate::played::{Played, sorted};
use crate::rooms::Books;
use crate::support::random;

/// Runs of one payout each, in so many houses side by side.
const RUNS: u64 = 1_000;
const HOUSES: u64 = 10;
/// How often each house is killed in the second half of the runs.
const KILLS: u64 = 8;

/// Every payout is accepted, and its answer is lost in one of the ways in which answers get lost.
fn lost_answers(seed: u64) -> serde_json::Value {
    json!({ "seed": seed, "rates": {
        "timeout_after_acceptance": 2_000, "error_after_acceptance": 2_500, "half_answer": 2_500,
        "html_answer": 2_000, "not_found_right_after": 2_000,
    }})
}

/// Each payout once at the provider at most, and in the book what is there. A house that was killed just before its call
/// must take the order for perhaps sent: the provider denies it, and it ends as failed instead of being sent again.
async fn check(played: &Played, books: &Books, payouts: u64, killed: bool) {
    assert_eq!(played.made_twice().await, Vec::<String>::new(), "paid twice");
    let made = played.simulator.objects().await.unwrap().len() as u64;
    let count = |word: &str| books.states.iter().filter(|(_, state)| state == word).count() as u64;
    assert_eq!(count("succeeded"), made);
    assert_eq!(count("succeeded") + count("failed"), payouts);
    // On a busy machine a call can also be given up before the provider took it.
    let least = if killed { payouts / 2 } else { payouts * 3 / 4 };
    assert!(made >= least, "{made} of {payouts} were made");
    assert_eq!(sorted(books.wallets.clone()), played.balances().await);
    assert_eq!(books.open_discrepancies, 0);
}

async fn lost(seed: u64, payouts: u64, kills: u64) {
    let played = Played::open(seed, &lost_answers(seed)).await;
    let mut rooms = played.house().await;
    played.opened(&rooms).await;
    let mut asked = 0;
    for kill in 0..=kills {
        let until = payouts * (kill + 1) / (kills + 1);
        while asked < until {
            let units = 500 + i32::try_from(asked).unwrap();
            played.payout(&rooms, &format!("payout-{asked}"), units).await.unwrap();
            asked += 1;
        }
        if kill < kills {
            // Between intent and call, during the call, between call and answer: wherever this moment falls.
            tokio::time::sleep(Duration::from_millis(random(60))).await;
            rooms.crash().await;
            rooms = played.house().await;
        }
    }
    played.pass_by(&rooms, Duration::from_secs(30)).await;
    check(&played, &rooms.books().await, payouts, kills > 0).await;
    rooms.close().await;
}

async fn all(kills: u64, first: u64) {
    for seeds in (first..first + HOUSES).collect::<Vec<_>>().chunks(2) {
        let runs: Vec<_> = seeds.iter().map(|seed| tokio::spawn(lost(*seed, RUNS / HOUSES, kills))).collect();
        for (seed, run) in seeds.iter().zip(runs) {
            run.await.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_payouts_whose_answers_are_lost_are_paid_once_each() {
    all(0, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_payouts_of_houses_that_are_killed_are_paid_once_each() {
    all(KILLS, 101).await;
}

/// A run of everything that the stage does, with or without callbacks.
async fn everything(lost_bp: u32) -> Books {
    let faults = json!({ "seed": 5, "rates": {
        "callback_lost": lost_bp, "payout_rolled_back_later": 1_000, "rolled_back_later": 1_000, "payout_fee_kept": 1_000,
    }});
    let played = Played::open(5, &faults).await;
    let rooms = played.house().await;
    played.opened(&rooms).await;
    for n in 0..60 {
        played.order(&rooms, 5, n).await.unwrap();
        if n % 6 == 5 {
            let next = played.rest(&rooms).await.unwrap();
            played.clock.advance_to(next);
        }
    }
    played.pass(&rooms).await;
    let books = rooms.books().await;
    assert_eq!(sorted(books.wallets.clone()), played.balances().await);
    rooms.close().await;
    books
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_any_callback_the_sweep_ends_with_the_same_books() {
    let (with, without) = tokio::join!(everything(0), everything(10_000));
    assert!(with.finals.len() > 60, "{}", with.finals.len());
    assert_eq!((&with.wallets, &with.accounts, &with.states), (&without.wallets, &without.accounts, &without.states));
    let apart: Vec<_> = with.finals.symmetric_difference(&without.finals).collect();
    assert!(apart.is_empty(), "{apart:#?}");
    assert_eq!(with.open_discrepancies, without.open_discrepancies);
}
