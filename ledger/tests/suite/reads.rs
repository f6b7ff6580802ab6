//! What pushes, statements and withheld figures may do beside our own reads.

use ensimbi_events::codes::DiscrepancyKind as Kind;
use ensimbi_events::word::{Direction, EvidenceClass};
use ensimbi_events::words::dispute::{ChargebackClosed, ChargebackOpened};
use ensimbi_events::words::payment::{CollectionAuthorised, RefundReversed, RefundSucceeded};
use ensimbi_events::words::wallet::{BalanceReported, FundsReleased, HoldPart, StatementLineReported};
use ensimbi_events::{Body, Claim, ClaimId, Fact, SubjectId, SubjectKind, Time};

use super::doubts::raised;
use crate::common::say::{BOOK, Say, WALLET, amount, subject};
use crate::common::{House, on_both_stores, recorded, refused, tell};

on_both_stores!(
    a_push_that_only_confirms_posts_nothing_before_the_read,
    a_statement_line_posts_nothing_and_shows_another_amount,
    withheld_figures_are_compared_and_released,
    a_balance_that_contradicts_itself_is_shown_once,
    refunds_and_disputes_may_come_before_their_payment,
    a_failure_that_is_not_final_may_be_followed_by_money_and_not_follow_it,
    a_part_of_what_was_authorised_may_be_captured_and_no_other_amount,
);

fn minute(n: i64) -> Time {
    Time::from_micros(crate::common::now().micros() + n * 60_000_000)
}

/// The same statement, from a signed push of what a read states.
fn pushed(say: &Say, n: u128, claim: &Claim) -> Claim {
    let signed = say.with(EvidenceClass::Signed, claim.fact.clone());
    Claim { id: ClaimId(uuid::Uuid::from_u128(0xC0_0000 + n)), confirms: true, ..signed }
}

async fn words(house: &House) -> Vec<&'static str> {
    house.events(BOOK).await.iter().map(|(event, _)| event.fact.body.word()).collect()
}

async fn posted(house: &House) -> String {
    house.store.wallet_rows(BOOK).await.unwrap().get(&WALLET).unwrap().posted.to_string()
}

async fn a_push_that_only_confirms_posts_nothing_before_the_read(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let before = words(house).await.len();
    let push = pushed(&say, 1, &say.succeeded(1));
    assert_eq!(refused(&tell(&writer, push.clone()).await), "read_first");
    assert_eq!(words(house).await.len(), before);
    recorded(&tell(&writer, say.succeeded(1)).await);
    // The money once, by the read; the signature beside it, once however often it comes.
    assert_eq!(recorded(&tell(&writer, push.clone()).await), 2);
    let after = words(house).await;
    assert_eq!(after.last(), Some(&"EvidenceAdded"));
    tell(&writer, push).await;
    tell(&writer, pushed(&say, 2, &say.succeeded(1))).await;
    assert_eq!(words(house).await, after);
    // A push that says something else of what was read is a contradiction for a person, and moves nothing.
    let other = say.succeeded(1);
    let Body::CollectionSucceeded(body) = other.fact.body.clone() else { panic!() };
    let more = body.gross.checked_add(amount("1")).unwrap();
    let body = ensimbi_events::words::payment::CollectionSucceeded { gross: more, ..body };
    let forged = Claim { fact: Fact { body: body.into(), ..other.fact.clone() }, ..other };
    let money = posted(house).await;
    tell(&writer, pushed(&say, 3, &forged)).await;
    assert_eq!(raised(&house.events(BOOK).await).last().unwrap().0, Kind::FactDiffers);
    assert_eq!(posted(house).await, money);
    house.assert_sound(BOOK).await;
}

fn line(say: &Say, n: u128, row: &str, figure: &str) -> Claim {
    let (row_id, category) = (row.to_owned(), "purchase".to_owned());
    let body =
        StatementLineReported { row_id, direction: Direction::In, amount: amount(figure), category, balance: None };
    let claim = say.payment(n, body);
    say.read(Fact { occurrence: row.to_owned(), ..claim.fact })
}

async fn a_statement_line_posts_nothing_and_shows_another_amount(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    // Before the payment it says nothing of it yet.
    assert_eq!(recorded(&tell(&writer, line(&say, 1, "r1", "5")).await), 1);
    recorded(&tell(&writer, say.succeeded(1)).await);
    let money = posted(house).await;
    let Body::CollectionSucceeded(body) = say.succeeded(1).fact.body else { panic!() };
    assert_eq!(recorded(&tell(&writer, line(&say, 1, "r2", &body.gross.to_string())).await), 1);
    assert_eq!(recorded(&tell(&writer, line(&say, 1, "r3", "5")).await), 2);
    assert_eq!(raised(&house.events(BOOK).await).last().unwrap().0, Kind::AmountDiffers);
    assert_eq!(posted(house).await, money);
    house.assert_sound(BOOK).await;
}

fn balance(say: &Say, at: i64, figure: &str, held: &str) -> Claim {
    let (as_of, held) = (minute(at), Some(amount(held)));
    let body = BalanceReported { as_of, balance: amount(figure), held, available: None };
    let fact = say.fact(SubjectKind::Wallet, SubjectId(WALLET.0), body);
    say.read(Fact { occurrence: as_of.to_string(), ..fact })
}

async fn withheld_figures_are_compared_and_released(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    recorded(&tell(&writer, balance(&say, 1, "1000", "0")).await);
    let success = say.success("200000", "174000", &[]);
    let fees =
        vec![say.fee(ensimbi_events::word::Component::Unitemised, ensimbi_events::word::Bearer::Merchant, "6000")];
    let held = ensimbi_events::words::payment::CollectionSucceeded {
        held: Some(amount("20000")),
        held_until: Some(minute(5)),
        fees,
        ..success
    };
    let paid = say.payment(1, held);
    recorded(&tell(&writer, Claim { occurred_at: minute(2), ..paid.clone() }).await);
    assert_eq!(recorded(&tell(&writer, balance(&say, 3, "175000", "20000")).await), 1);
    // Let go of without a word: the spendable figure is above ours, the withheld one below.
    assert_eq!(recorded(&tell(&writer, balance(&say, 6, "195000", "0")).await), 1);
    assert_eq!(recorded(&tell(&writer, balance(&say, 7, "195000", "0")).await), 2);
    let parts = vec![HoldPart { payment_id: paid.fact.subject, amount: amount("20000") }];
    let body = FundsReleased { amount: amount("20000"), parts };
    let fact = say.fact(SubjectKind::Wallet, SubjectId(WALLET.0), body);
    let fact = Fact { object_kind: Some("release".to_owned()), object_id: Some("h1".to_owned()), ..fact };
    recorded(&tell(&writer, Claim { occurred_at: minute(5), ..say.read(fact) }).await);
    // It agrees now, and what was raised is resolved with it.
    assert_eq!(recorded(&tell(&writer, balance(&say, 8, "195000", "0")).await), 2);
    assert_eq!(words(house).await.last(), Some(&"DiscrepancyResolved"));
    // Only the withheld figure is off.
    assert_eq!(recorded(&tell(&writer, balance(&say, 9, "195000", "7")).await), 1);
    assert_eq!(recorded(&tell(&writer, balance(&say, 10, "195000", "7")).await), 2);
    let events = house.events(BOOK).await;
    let doubts = raised(&events);
    let Body::DiscrepancyRaised(body) = &doubts.last().unwrap().1.fact.body else { panic!() };
    assert_eq!(body.stake, Some(amount("7")));
    house.assert_sound(BOOK).await;
}

async fn a_balance_that_contradicts_itself_is_shown_once(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let wrong = |at| Claim { doubt: Some(Kind::SumsDiffer), ..balance(&say, at, "1000", "0") };
    assert_eq!(recorded(&tell(&writer, wrong(1)).await), 2);
    assert_eq!(recorded(&tell(&writer, wrong(2)).await), 1);
    // It opens nothing either.
    assert!(!words(house).await.contains(&"OpeningBalanceDeclared"));
    assert_eq!(recorded(&tell(&writer, balance(&say, 3, "1000", "0")).await), 2);
    house.assert_sound(BOOK).await;
}

fn refund(say: &Say, payment: u128, object: u128) -> Claim {
    let (all, payment_id) = (amount("300"), subject(payment));
    let body =
        RefundSucceeded { payment_id, amount: all, wallet_debit: all, attempt: None, fees: vec![], returned: vec![] };
    say.read(say.object(say.fact(SubjectKind::Refund, subject(object), body)))
}

fn bounced(say: &Say, payment: u128, object: u128) -> Claim {
    let (all, payment_id) = (amount("300"), subject(payment));
    let body = RefundReversed { payment_id, amount: all, wallet_credit: all, returned: vec![] };
    say.read(say.object(say.fact(SubjectKind::Refund, subject(object), body)))
}

fn opened(say: &Say, payment: u128, object: u128) -> Claim {
    let (all, payment_id) = (amount("200"), subject(payment));
    let body = ChargebackOpened { payment_id, amount: all, debited: all, fees: vec![] };
    say.read(say.object(say.fact(SubjectKind::Dispute, subject(object), body)))
}

fn closed(say: &Say, payment: u128, object: u128) -> Claim {
    let (payment_id, none) = (subject(payment), amount("0"));
    let body = ChargebackClosed {
        payment_id,
        won: amount("150"),
        lost: amount("50"),
        debited_now: none,
        fees: vec![],
        returned: vec![],
    };
    say.read(say.object(say.fact(SubjectKind::Dispute, subject(object), body)))
}

/// One lifecycle of five messages, told in every order: one book.
async fn refunds_and_disputes_may_come_before_their_payment(house: &House) {
    let mut seen = None;
    for (n, order) in orders(&[0, 1, 2, 3, 4]).into_iter().enumerate() {
        let book = ensimbi_events::BookId(uuid::Uuid::from_u128(0xB00C + n as u128));
        let say = Say { book, ..Say::new("UGX") };
        let writer = house.writer(book).await;
        writer.submit(say.start_with(&[("allocate.collection", "income:sales")])).await;
        recorded(&tell(&writer, say.opening("10000", None, minute(-60))).await);
        let all =
            [say.succeeded(1), refund(&say, 1, 11), bounced(&say, 1, 11), opened(&say, 1, 12), closed(&say, 1, 12)];
        for index in &order {
            recorded(&tell(&writer, all[*index].clone()).await);
        }
        // Told again, nothing is new.
        let size = house.events(book).await.len();
        for index in &order {
            recorded(&tell(&writer, all[*index].clone()).await);
        }
        assert_eq!(house.events(book).await.len(), size, "{order:?}");
        let row = house.store.wallet_rows(book).await.unwrap().get(&WALLET).copied().unwrap();
        let open = raised(&house.events(book).await).len();
        let resolved =
            house.events(book).await.iter().filter(|(e, _)| e.fact.body.word() == "DiscrepancyResolved").count();
        assert_eq!(open, resolved, "{order:?}");
        let (_, accounts) = house.store.trial_balance(book).await.unwrap();
        let sums: Vec<_> =
            accounts.into_iter().map(|a| (a.account, a.debit - a.credit)).filter(|(_, sum)| *sum != 0).collect();
        let expected = seen.get_or_insert((row.posted, sums.clone()));
        assert_eq!(*expected, (row.posted, sums), "{order:?}");
        house.assert_sound(book).await;
    }
}

fn orders(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (at, first) in items.iter().enumerate() {
        let rest: Vec<usize> = items.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, item)| *item).collect();
        all.extend(orders(&rest).into_iter().map(|tail| [vec![*first], tail].concat()));
    }
    all
}

async fn a_failure_that_is_not_final_may_be_followed_by_money_and_not_follow_it(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    recorded(&tell(&writer, say.failed(1, "700", false)).await);
    recorded(&tell(&writer, say.succeeded(1)).await);
    let money = posted(house).await;
    let late = say.failed(1, "700", false);
    let again = say.read(Fact { occurrence: "later".to_owned(), ..late.fact });
    assert_eq!(refused(&tell(&writer, again).await), "stale_state");
    assert_eq!(posted(house).await, money);
    assert!(raised(&house.events(BOOK).await).is_empty());
    house.assert_sound(BOOK).await;
}

async fn a_part_of_what_was_authorised_may_be_captured_and_no_other_amount(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.succeeded(9)).await;
    // Each is asked for more than the 1000 that come; so much was authorised before.
    let cases = [(1, Some("1200"), false), (2, Some("1000"), false), (3, Some("999"), true), (4, None, true)];
    for (n, authorised, withheld) in cases {
        let before = (posted(house).await, raised(&house.events(BOOK).await).len());
        tell(&writer, say.requested(n, "1200", None)).await;
        if let Some(figure) = authorised {
            let body = CollectionAuthorised { amount: amount(figure), fee_bearer: None, invoice_id: None };
            recorded(&tell(&writer, say.payment(n, body)).await);
        }
        recorded(&tell(&writer, say.succeeded(n)).await);
        let raised = raised(&house.events(BOOK).await);
        assert_eq!((raised.len() > before.1, posted(house).await == before.0), (withheld, withheld), "case {n}");
        assert!(!withheld || raised.last().unwrap().0 == Kind::AmountDiffers, "case {n}");
    }
    house.assert_sound(BOOK).await;
}
