//! Periods: closed with the book's own trial balance, once, and never before they are over.

use ensimbi_events::leaf::{self, fact_hash};
use ensimbi_events::trial::Trial;
use ensimbi_events::words::book::{PeriodClosed, PeriodReopened};
use ensimbi_events::{Body, Claim, Fact, Hash, SubjectId, SubjectKind, Time};
use ensimbi_ledger::decide::{Sealed, keys_of};
use ensimbi_ledger::store::{HeadRow, Write};
use ensimbi_ledger::tree::Edge;

use crate::common::say::{BOOK, Say};
use crate::common::{House, on_both_stores, recorded, refused, tell};

on_both_stores!(
    a_period_is_closed_with_the_trial_balance_of_that_moment,
    a_batch_counts_what_it_has_booked_itself,
    periods_are_over_and_do_not_overlap,
    what_was_closed_is_reopened_exactly_and_closed_again,
    a_period_closed_with_another_hash_is_found_by_verify,
);

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

fn about_the_book(n: u32, body: impl Into<Body>) -> Claim {
    let say = Say::new("UGX");
    let fact = say.fact(SubjectKind::Book, SubjectId(BOOK.0), body);
    say.command(Fact { connection: None, wallet: None, currency: None, occurrence: n.to_string(), ..fact })
}

/// The hash of the book as it is, read off the leaves: the sums of the store must be the same.
async fn hash(house: &House, to: &str) -> Hash {
    let dated = house.store.balances_through(BOOK, to).await.unwrap();
    let mut trial = Trial::default();
    for (event, _) in house.events(BOOK).await {
        for line in event.record.lines.0.iter().filter(|_| event.record.book_date.as_str() <= to) {
            trial.add(line).unwrap();
        }
    }
    assert_eq!(Trial::from_iter(dated.balances), trial);
    trial.hash(BOOK, to)
}

/// A closing that is right at this moment.
pub async fn closed(house: &House, from: &str, to: &str, n: u32) -> Claim {
    let trial_balance = hash(house, to).await;
    about_the_book(n, PeriodClosed { from: from.to_owned(), to: to.to_owned(), trial_balance })
}

async fn reopened(house: &House, from: &str, to: &str, n: u32) -> Claim {
    let trial_balance = hash(house, to).await;
    about_the_book(n, PeriodReopened { from: from.to_owned(), to: to.to_owned(), trial_balance })
}

async fn a_period_is_closed_with_the_trial_balance_of_that_moment(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let april = Say { at: at("2026-04-10T08:00:00Z"), ..say.clone() };
    tell(&writer, april.succeeded(1)).await;
    tell(&writer, say.succeeded(2)).await;
    let stale = closed(house, "2026-04-01", "2026-04-30", 1).await;
    let dated = house.store.balances_through(BOOK, "2026-04-30").await.unwrap();
    assert_eq!((dated.position, dated.first.as_deref()), (4, Some("2026-04-10")));
    assert_eq!(dated.balances.len(), 3, "what is dated in May is not inside");
    // One line more in April: the person must look again.
    tell(&writer, april.succeeded(3)).await;
    assert_eq!(refused(&tell(&writer, stale).await), "trial_balance_differs");
    let close = closed(house, "2026-04-01", "2026-04-30", 2).await;
    recorded(&tell(&writer, close.clone()).await);
    recorded(&tell(&writer, close).await);
    // Later lines keep their moment and get the first open day.
    tell(&writer, april.succeeded(4)).await;
    let (late, _) = house.events(BOOK).await.pop().unwrap();
    assert_eq!((late.context.occurred_at, late.record.book_date.as_str()), (april.at, "2026-05-01"));
    house.assert_sound(BOOK).await;
}

async fn a_batch_counts_what_it_has_booked_itself(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let april = Say { at: at("2026-04-10T08:00:00Z"), ..say.clone() };
    tell(&writer, april.succeeded(1)).await;
    let empty = Trial::default().hash(BOOK, "2026-03-31");
    let march = about_the_book(
        1,
        PeriodClosed { from: "2026-03-01".to_owned(), to: "2026-03-31".to_owned(), trial_balance: empty },
    );
    let stale = closed(house, "2026-04-01", "2026-04-30", 2).await;
    let answers = writer.submit(vec![march, april.succeeded(2), stale]).await;
    recorded(answers[0].as_ref().unwrap());
    recorded(answers[1].as_ref().unwrap());
    assert_eq!(refused(answers[2].as_ref().unwrap()), "trial_balance_differs");
    house.assert_sound(BOOK).await;
}

async fn periods_are_over_and_do_not_overlap(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    recorded(&tell(&writer, closed(house, "2026-04-01", "2026-04-30", 1).await).await);
    for (n, (from, to, code)) in (2..).zip([
        // Today is 3 May.
        ("2026-05-01", "2026-05-03", "wrong_state"),
        ("2026-05-01", "2027-01-01", "wrong_state"),
        ("2026-04-30", "2026-05-01", "wrong_state"),
        ("2026-03-01", "2026-04-01", "wrong_state"),
        ("2026-03-01", "2026-05-02", "wrong_state"),
        ("2026-04-10", "2026-04-11", "wrong_state"),
        ("2026-05-02", "2026-05-01", "configuration_conflict"),
        ("2026-5-1", "2026-05-02", "configuration_conflict"),
    ]) {
        assert_eq!(refused(&tell(&writer, closed(house, from, to, n).await).await), code, "{from} to {to}");
    }
    recorded(&tell(&writer, closed(house, "2026-05-01", "2026-05-02", 20).await).await);
    recorded(&tell(&writer, closed(house, "2026-03-01", "2026-03-31", 21).await).await);
    house.assert_sound(BOOK).await;
}

async fn what_was_closed_is_reopened_exactly_and_closed_again(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let april = Say { at: at("2026-04-10T08:00:00Z"), ..say.clone() };
    tell(&writer, april.succeeded(1)).await;
    recorded(&tell(&writer, closed(house, "2026-04-01", "2026-04-30", 1).await).await);
    assert_eq!(refused(&tell(&writer, reopened(house, "2026-04-01", "2026-04-29", 2).await).await), "wrong_state");
    let wrong =
        PeriodReopened { from: "2026-04-01".to_owned(), to: "2026-04-30".to_owned(), trial_balance: Hash::default() };
    assert_eq!(refused(&tell(&writer, about_the_book(3, wrong)).await), "trial_balance_differs");
    recorded(&tell(&writer, reopened(house, "2026-04-01", "2026-04-30", 4).await).await);
    tell(&writer, april.succeeded(2)).await;
    let (late, _) = house.events(BOOK).await.pop().unwrap();
    assert_eq!(late.record.book_date, "2026-04-10");
    recorded(&tell(&writer, closed(house, "2026-04-01", "2026-04-30", 5).await).await);
    house.assert_sound(BOOK).await;
}

/// A book that is sound but for the hash, written around the decider into a store of its own.
async fn a_period_closed_with_another_hash_is_found_by_verify(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let april = Say { at: at("2026-04-10T08:00:00Z"), ..say.clone() };
    tell(&writer, april.succeeded(1)).await;
    recorded(&tell(&writer, closed(house, "2026-04-01", "2026-04-30", 1).await).await);
    let (mut edge, mut sealed) = (Edge::default(), Vec::new());
    for (mut event, _) in house.events(BOOK).await {
        if let Body::PeriodClosed(body) = &mut event.fact.body {
            body.trial_balance = Hash::default();
        }
        let leaf = leaf::encode(&event);
        let (leaf_hash, fact_hash, keys) = (leaf::leaf_hash(&leaf), fact_hash(&event.fact), keys_of(&event));
        edge.push(leaf_hash);
        sealed.push(Sealed { event, leaf, leaf_hash, fact_hash, keys });
    }
    let other = if house.is_postgres() { House::postgres().await } else { House::sqlite().await };
    other.store.create_book(BOOK).await.unwrap();
    let recorded_at = sealed[3].event.record.recorded_at;
    let (root, bytes) = (edge.root(), edge.to_bytes());
    let head = HeadRow { size: 4, root, edge: bytes, epoch: 0, recorded_at, configuration: 4 };
    let mut tx = other.store.begin(BOOK).await.unwrap();
    let write = Write { sealed: &sealed, head, wallets: Vec::new(), subjects: Vec::new(), config: None };
    assert!(tx.write(&write).await.unwrap());
    tx.commit().await.unwrap();
    let report = other.verify(BOOK).await;
    assert_eq!(report.bad_position, Some(4), "{:?}", report.reason);
    assert!(report.reason.unwrap().contains("trial balance"));
}
