//! Reported balances: the first opens a wallet, later ones are compared, none posts.

use ensimbi_events::codes::DiscrepancyKind::BalanceDiffers;
use ensimbi_events::word::Verdict;
use ensimbi_events::words::wallet::BalanceReported;
use ensimbi_events::{Body, Claim, Fact, SubjectId, SubjectKind, Time};

use super::doubts::{raised, verdict};
use crate::common::say::{BOOK, Say, WALLET, amount, subject};
use crate::common::{House, on_both_stores, recorded, refused, tell};

on_both_stores!(
    the_first_balance_opens_a_wallet_that_nothing_moved,
    a_difference_is_raised_when_it_stays_and_once,
    a_balance_is_about_its_wallet_in_its_currency,
    what_was_asked_after_the_opening_is_never_before_it,
);

fn minute(n: i64) -> Time {
    Time::from_micros(crate::common::now().micros() + (n - 30) * 60_000_000)
}

fn reported(say: &Say, at: i64, balance: &str, held: Option<&str>) -> Claim {
    let (as_of, balance, held) = (minute(at), amount(balance), held.map(amount));
    let body = BalanceReported { as_of, balance, held, available: None };
    let fact = say.fact(SubjectKind::Wallet, SubjectId(WALLET.0), body);
    say.read(Fact { occurrence: as_of.to_string(), ..fact })
}

async fn figures(house: &House) -> [String; 2] {
    let row = house.store.wallet_rows(BOOK).await.unwrap().get(&WALLET).copied();
    row.map_or_else(Default::default, |row| [row.posted, row.held].map(|figure| figure.to_string()))
}

async fn the_first_balance_opens_a_wallet_that_nothing_moved(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    // A clock ahead of ours: what settles until then is not inside.
    let first = reported(&say, 90, "700", Some("30"));
    let answer = tell(&writer, first.clone()).await;
    assert_eq!(recorded(&answer), 2);
    assert_eq!(tell(&writer, first).await, answer);
    assert_eq!(figures(house).await, ["700", "30"]);
    let events = house.events(BOOK).await;
    let Body::OpeningBalanceDeclared(opening) = &events[3].0.fact.body else { panic!("no opening") };
    assert_eq!(opening.as_of, crate::common::now());
    assert_eq!(refused(&tell(&writer, say.opening("5", None, minute(1))).await), "wrong_state");
    assert_eq!(recorded(&tell(&writer, reported(&say, 91, "800", None)).await), 1);
    assert_eq!(figures(house).await, ["700", "30"]);
    recorded(&tell(&writer, say.payout_requested(1, 1, "700", "700")).await);
    house.assert_sound(BOOK).await;
    // Something moved, or a policy leaves it to a person: the balance is only recorded.
    let books = [(2, vec![say.succeeded(1)], vec![]), (3, vec![], vec![("opening", "none")])];
    for (book, before, policies) in books {
        let say = Say { book: ensimbi_events::BookId(uuid::Uuid::from_u128(book)), ..say.clone() };
        let writer = house.writer(say.book).await;
        writer.submit(say.start_with(&policies)).await;
        for claim in before {
            recorded(&tell(&writer, Claim { book: say.book, ..claim }).await);
        }
        assert_eq!(recorded(&tell(&writer, reported(&say, 1, "700", None)).await), 1);
        recorded(&tell(&writer, say.opening("5", None, minute(1))).await);
        house.assert_sound(say.book).await;
    }
}

async fn a_difference_is_raised_when_it_stays_and_once(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    recorded(&tell(&writer, reported(&say, 1, "1000", None)).await);
    recorded(&tell(&writer, say.payout_requested(1, 1, "600", "700")).await);
    // Debited at acceptance: between posted - reserved and posted there is no difference, however often it is told.
    for at in [2, 3, 4] {
        assert_eq!(recorded(&tell(&writer, reported(&say, at, "300", None)).await), 1, "at {at}");
    }
    // Beyond it: another figure each time is a busy wallet, the same one twice is a difference.
    for (at, balance, events) in [
        (5, "299", 1),
        (6, "1050", 1),
        (7, "1049", 1),
        (8, "1049", 2),
        (9, "1049", 1),
        (8, "1050", 1),  // older than the last
        (10, "1000", 2), // it agrees again: what was raised is resolved with it
        (11, "1049", 1),
        (12, "1049", 2), // back again
        (13, "990", 2),  // within what the payout on its way explains
        (14, "951", 1),
    ] {
        let answer = tell(&writer, reported(&say, at, balance, None)).await;
        // A second content for one moment is the same key told differently.
        let expected = if (at, balance) == (8, "1050") { 2 } else { events };
        assert_eq!(recorded(&answer), expected, "{balance} at {at}");
    }
    let doubts = raised(&house.events(BOOK).await);
    let differs: Vec<_> = doubts.iter().filter(|(kind, _)| *kind == BalanceDiffers).collect();
    assert_eq!(differs.len(), 2);
    for (_, event) in differs {
        let Body::DiscrepancyRaised(body) = &event.fact.body else { panic!("no discrepancy") };
        assert_eq!(body.stake, Some(amount("49")));
        assert_eq!(body.detail.as_deref(), Some("reported 1049, posted 1000, reserved 700"));
    }
    // Settled by a person, it is raised again only when it comes and stays again.
    for (at, events) in [(20, 1), (21, 2), (22, 1)] {
        assert_eq!(recorded(&tell(&writer, reported(&say, at, "1049", None)).await), events, "at {at}");
    }
    let doubts = raised(&house.events(BOOK).await);
    recorded(&tell(&writer, verdict(&say, &doubts.last().unwrap().1, Verdict::Reject)).await);
    for (at, events) in [(23, 1), (24, 1), (25, 1)] {
        assert_eq!(recorded(&tell(&writer, reported(&say, at, "1049", None)).await), events, "at {at}");
    }
    assert_eq!(figures(house).await, ["1000", "0"]);
    house.assert_sound(BOOK).await;
}

async fn what_was_asked_after_the_opening_is_never_before_it(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    recorded(&tell(&writer, reported(&say, 1, "1000", None)).await);
    let then = |claim: Claim| Claim { occurred_at: minute(1), ..claim };
    recorded(&tell(&writer, then(say.payout_requested(1, 1, "600", "700"))).await);
    // A provider's clock of whole seconds can put the end of an order at the moment of the opening.
    recorded(&tell(&writer, then(say.payout_succeeded(1, Some(1), "600", "600", &[]))).await);
    assert_eq!(figures(house).await, ["400", "0"]);
    // What somebody else asked for there at that moment is inside the balance.
    recorded(&tell(&writer, then(say.payout_succeeded(2, None, "100", "100", &[]))).await);
    assert_eq!(figures(house).await, ["400", "0"]);
    house.assert_sound(BOOK).await;
}

async fn a_balance_is_about_its_wallet_in_its_currency(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let changed = |change: fn(&mut Fact)| {
        let mut claim = reported(&say, 1, "700", None);
        change(&mut claim.fact);
        claim
    };
    for (code, claim) in [
        ("malformed", changed(|fact| fact.subject = subject(1))),
        ("malformed", changed(|fact| fact.wallet = None)),
        ("malformed", changed(|fact| fact.subject_kind = SubjectKind::Transfer)),
        ("wrong_state", changed(|fact| fact.currency = None)),
        ("wrong_state", changed(|fact| fact.currency = Some("KES".parse().unwrap()))),
    ] {
        assert_eq!(refused(&tell(&writer, claim).await), code);
    }
    assert_eq!(house.events(BOOK).await.len(), 2);
    house.assert_sound(BOOK).await;
}
