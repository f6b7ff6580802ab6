//! Two payouts for the last money, told at once from two tasks.

use ensimbi_events::Amount;
use ensimbi_events::bus::Outcome;

use crate::common::say::{BOOK, Say, WALLET, amount};
use crate::common::{House, on_both_stores, recorded, tell};

on_both_stores!(of_two_payouts_for_the_last_shilling_one_is_refused_1000_times);

const ROUNDS: u128 = 1_000;

async fn of_two_payouts_for_the_last_shilling_one_is_refused_1000_times(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.opening("1000", None, "2026-05-03T09:00:00Z".parse().unwrap())).await;
    // The winner's failure frees the money; it is queued before the next round's two, who meet it in one commit or in the next.
    let mut won: Option<u128> = None;
    let mut firsts = 0;
    for round in 0..ROUNDS {
        let ask = |n: u128| {
            let (writer, claim) = (writer.clone(), say.payout_requested(n, 1, "1000", "1000"));
            tokio::spawn(async move { tell(&writer, claim).await })
        };
        let numbers = [10 + 2 * round, 11 + 2 * round];
        let freed = async {
            if let Some(n) = won {
                recorded(&tell(&writer, say.payout_failed(n, 1, "1000")).await);
            }
        };
        let race = async {
            let (first, second) = (ask(numbers[0]), ask(numbers[1]));
            [first.await.unwrap(), second.await.unwrap()]
        };
        // Polled in this order, so the failure is in the queue before the two.
        let ((), answers) = tokio::join!(biased; freed, race);
        let winners: Vec<usize> = (0..2).filter(|at| matches!(answers[*at], Outcome::Recorded { .. })).collect();
        let [winner] = winners.as_slice() else { panic!("round {round}: {answers:?}") };
        let Outcome::Refused { code, detail } = &answers[1 - winner] else { panic!("both won round {round}") };
        assert_eq!((code.as_str(), detail.split(':').next()), ("limit_exceeded", Some("reserve")), "round {round}");
        won = Some(numbers[*winner]);
        firsts += usize::from(*winner == 0);
        if round % 50 == 0 {
            let row = house.store.wallet_rows(BOOK).await.unwrap()[&WALLET];
            assert_eq!((row.reserved, row.available()), (amount("1000"), Some(Amount::ZERO)), "round {round}");
        }
    }
    assert!(firsts > 0, "no race at all: the first never won");
    // From the log alone: never more reserved than there was, and one request a round.
    let mut reserved = 0;
    let mut requests = 0;
    for (event, _) in house.events(BOOK).await {
        match &event.fact.body {
            ensimbi_events::Body::PayoutRequested(body) => {
                reserved += body.reserve.scaled();
                requests += 1;
            }
            ensimbi_events::Body::PayoutFailed(_) => reserved -= amount("1000").scaled(),
            _ => {}
        }
        assert!((0..=amount("1000").scaled()).contains(&reserved), "at {}", event.record.position);
    }
    assert_eq!(requests, ROUNDS);
    house.assert_sound(BOOK).await;
}
