//! What is refused leaves no trace.

use ensimbi_events::bus::Outcome;
use ensimbi_events::event::{Line, Lines};
use ensimbi_events::word::{EvidenceClass, Mode, Side};
use ensimbi_events::words::book::{BookConfigured, Policy};
use ensimbi_events::words::control::AdjustmentPosted;
use ensimbi_events::words::payment::RefundRequested;
use ensimbi_events::{Amount, Body, BookId, Claim, ConnectionId, Fact, SubjectId, SubjectKind, WalletId};
use uuid::Uuid;

use crate::common::say::{BOOK, CONNECTION, Say, amount, currency, subject};
use crate::common::{House, on_both_stores, recorded, refused, tell};

on_both_stores!(
    refusals_leave_no_trace,
    before_the_opening_of_the_book_nothing_is_known,
    sums_at_the_border_are_parked_or_refused_whole,
    payouts_take_no_more_than_is_available,
    configuration_that_would_stop_the_book_is_refused,
);

/// Head, wallets and states: everything that a refusal must not change.
async fn picture(house: &House) -> String {
    let head = house.store.head_row(BOOK).await.unwrap();
    let wallets = house.store.wallet_rows(BOOK).await.unwrap();
    let subjects = house.store.subject_rows(BOOK, None, 1_000).await.unwrap();
    let keys = house.store.key_count(BOOK).await.unwrap();
    format!("{head:?} {wallets:?} {subjects:?} {keys}")
}

async fn refusals_leave_no_trace(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.succeeded(1)).await;
    tell(&writer, say.failed(2, "1000", true)).await;
    let before = picture(house).await;
    let moved = |claim: Claim, change: fn(&mut Fact)| {
        let mut claim = claim;
        change(&mut claim.fact);
        claim
    };
    let refund = RefundRequested { payment_id: subject(1), attempt: 1, amount: amount("1001"), reserve: amount("1") };
    let unpaid = RefundRequested { payment_id: subject(7), attempt: 1, amount: amount("1"), reserve: amount("1") };
    let line = |n, account: &str, figure: &str| Line {
        n,
        account: account.to_owned(),
        currency: say.currency,
        amount: amount(figure),
        open_item: None,
        payment_id: None,
        component: None,
        bearer: None,
    };
    let adjusted = |lines: Vec<Line>| {
        let (actor_id, reason) = ("person-1".to_owned(), "test".to_owned());
        let body = AdjustmentPosted { actor_id, reason, lines: Lines(lines), approver_id: None, reversal_of: None };
        say.command(say.fact(SubjectKind::Book, subject(0), body))
    };
    let elsewhere = Claim { book: BookId(Uuid::from_u128(9)), ..say.succeeded(3) };
    let cases: Vec<(&str, Claim)> = vec![
        ("unknown_book", elsewhere),
        ("hint_only", say.with(EvidenceClass::Hint, say.succeeded(3).fact)),
        ("stale_state", say.pending(1, "1000")),
        ("stale_state", say.pending(2, "1000")),
        ("stale_state", say.failed(1, "1000", false)),
        ("unknown_connection", moved(say.succeeded(3), |f| f.connection = Some(ConnectionId(Uuid::from_u128(1))))),
        ("unknown_connection", moved(say.succeeded(3), |f| f.connection = None)),
        ("unknown_connection", moved(say.succeeded(3), |f| f.wallet = Some(WalletId(Uuid::from_u128(1))))),
        ("wrong_state", moved(say.succeeded(3), |f| f.wallet = None)),
        ("malformed", moved(say.succeeded(3), |f| f.version = 2)),
        ("malformed", moved(say.succeeded(3), |f| f.object_kind = None)),
        ("limit_exceeded", say.command(say.fact(SubjectKind::Refund, subject(4), refund))),
        ("wrong_state", say.command(say.fact(SubjectKind::Refund, subject(4), unpaid))),
        ("limit_exceeded", say.allocated(SubjectKind::Payment, 1, Side::Credit, "1000.0001", "income:sales")),
        ("limit_exceeded", say.allocated(SubjectKind::Payment, 1, Side::Debit, "1", "income:sales")),
        ("wrong_state", say.allocated(SubjectKind::Payout, 1, Side::Credit, "1", "income:sales")),
        ("wrong_state", say.allocated(SubjectKind::Payment, 1, Side::Credit, "1", "assets:wallet:main:w2")),
        ("wrong_state", say.allocated(SubjectKind::Payment, 1, Side::Credit, "1", "assets:receivable")),
        ("wrong_state", say.allocated(SubjectKind::Payment, 1, Side::Credit, "1", "Income:Sales")),
        ("malformed", adjusted(vec![line(1, "income:sales", "1")])),
        ("unbalanced", adjusted(vec![line(1, "income:sales", "1"), line(2, "assets:bank:main", "-2")])),
        ("memo_alone", adjusted(vec![line(1, "equity:memo:contra", "1"), line(2, "income:sales", "-1")])),
        ("wrong_state", adjusted(vec![line(1, "assets:wallet:main:w", "1"), line(2, "income:sales", "-1")])),
        ("wrong_state", adjusted(vec![line(1, "assets:receivable", "1"), line(2, "income:sales", "-1")])),
        ("malformed", adjusted(vec![line(2, "assets:bank:main", "1"), line(1, "income:sales", "-1")])),
        ("too_large", moved(say.succeeded(3), |f| f.object_id = Some("x".repeat(70_000)))),
    ];
    for (at, (code, claim)) in cases.iter().enumerate() {
        let answer = tell(&writer, claim.clone()).await;
        assert!(matches!(answer, Outcome::Refused { .. }), "case {at} was recorded");
        assert_eq!(refused(&answer), *code, "case {at}");
    }
    assert_eq!(picture(house).await, before);
    // In the middle of a batch: the neighbours are recorded as if it had not been there.
    let mut batch = vec![say.succeeded(10)];
    batch.extend(cases.into_iter().map(|(_, claim)| claim));
    batch.push(say.succeeded(11));
    let answers: Vec<Outcome> = writer.submit(batch).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Outcome::Recorded { .. })).count(), 2);
    assert_eq!(house.events(BOOK).await.len(), 6);
    house.assert_sound(BOOK).await;
}

async fn before_the_opening_of_the_book_nothing_is_known(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    assert_eq!(refused(&tell(&writer, say.succeeded(1)).await), "unknown_book");
    let mut nowhere = say.opened(Mode::Test, &[]);
    if let Body::BookOpened(body) = &mut nowhere.fact.body {
        body.time_zone = "Nowhere/Land".to_owned();
    }
    // Refused in one batch with what would need it.
    let answers = writer.submit(vec![nowhere, say.configured(say.currency), say.succeeded(1)]).await;
    let codes: Vec<_> = answers.iter().map(|answer| refused(answer.as_ref().unwrap())).collect();
    assert_eq!(codes, ["configuration_conflict", "unknown_book", "unknown_book"]);
    assert_eq!(house.store.head(BOOK).await.unwrap().size, 0);
    assert!(house.verify(BOOK).await.ok);
    recorded(&tell(&writer, say.opened(Mode::Test, &[])).await);
    assert_eq!(refused(&tell(&writer, say.succeeded(1)).await), "unknown_connection");
    house.assert_sound(BOOK).await;
}

async fn sums_at_the_border_are_parked_or_refused_whole(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let most = Amount::from_scaled(i64::MAX).to_string();
    recorded(&tell(&writer, say.payment(1, say.success(&most, &most, &[]))).await);
    let wallets = house.store.wallet_rows(BOOK).await.unwrap();
    // A provider says that still more came in: money may have moved, so it is kept for a person.
    let answers = writer.submit(vec![say.payment(2, say.success("1", "1", &[])); 2]).await;
    assert_eq!(recorded(answers[0].as_ref().unwrap()), 2);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(house.store.wallet_rows(BOOK).await.unwrap(), wallets);
    // Fees whose sum is beyond the range.
    let fees = [ensimbi_events::word::Component::Network, ensimbi_events::word::Component::Provider];
    let fees = fees.map(|component| (component, ensimbi_events::word::Bearer::Merchant, most.as_str()));
    recorded(&tell(&writer, say.payment(3, say.success(&most, "0", &fees))).await);
    assert_eq!(house.store.wallet_rows(BOOK).await.unwrap(), wallets);
    // An opening of ours that does not fit is refused.
    let before = picture(house).await;
    let opening = say.opening(&most, Some("1"), say.at);
    assert_eq!(refused(&tell(&writer, opening).await), "bad_amounts");
    assert_eq!(picture(house).await, before);
    house.assert_sound(BOOK).await;
}

async fn payouts_take_no_more_than_is_available(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    assert_eq!(refused(&tell(&writer, say.payout_requested(1, 1, "1", "1")).await), "wrong_state");
    let as_of = "2026-05-03T09:00:00Z".parse().unwrap();
    tell(&writer, say.opening("1000", None, as_of)).await;
    // Two that race for the same money in one batch: the loser is refused.
    let race = vec![say.payout_requested(1, 1, "600", "600"), say.payout_requested(2, 1, "600", "600")];
    let answers = writer.submit(race).await;
    recorded(answers[0].as_ref().unwrap());
    assert_eq!(refused(answers[1].as_ref().unwrap()), "limit_exceeded");
    // No second attempt while the first is on its way, and a new one after a confirmed failure.
    assert_eq!(refused(&tell(&writer, say.payout_requested(1, 2, "100", "100")).await), "wrong_state");
    recorded(&tell(&writer, say.payout_failed(1, 1, "600")).await);
    recorded(&tell(&writer, say.payout_requested(1, 2, "600", "700")).await);
    let done = say.payout_succeeded(1, Some(2), "600", "600", &[]);
    assert_eq!(recorded(&tell(&writer, done).await), 1, "a second attempt's success is not late");
    assert_eq!(refused(&tell(&writer, say.payout_requested(1, 3, "1", "1")).await), "wrong_state");
    let row = house.store.wallet_rows(BOOK).await.unwrap()[&crate::common::say::WALLET];
    assert_eq!((row.posted, row.reserved), (amount("400"), Amount::ZERO));
    house.assert_sound(BOOK).await;
}

async fn configuration_that_would_stop_the_book_is_refused(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(vec![say.opened(Mode::Live, &[]), say.configured(say.currency)]).await;
    let before = picture(house).await;
    let configure = |time_zone: Option<&str>, policy: Option<(&str, &str)>| {
        let policies = policy.map(|(key, value)| Policy { key: key.to_owned(), value: value.to_owned() });
        let body = BookConfigured { time_zone: time_zone.map(str::to_owned), policies: policies.into_iter().collect() };
        let fact = say.fact(SubjectKind::Book, SubjectId(BOOK.0), body);
        say.command(Fact { connection: None, wallet: None, currency: None, occurrence: "2".to_owned(), ..fact })
    };
    let connection = |change: fn(&mut ensimbi_events::words::book::ConnectionConfigured)| {
        let mut claim = say.configured(say.currency);
        claim.fact.occurrence = "2".to_owned();
        if let Body::ConnectionConfigured(body) = &mut claim.fact.body {
            change(body);
        }
        claim
    };
    let mut second = connection(|body| body.wallets.clear());
    second.fact.connection = Some(ConnectionId(Uuid::from_u128(77)));
    for claim in [
        configure(Some("Mars/Olympus"), None),
        configure(None, Some(("allocate.collection", "Income"))),
        configure(None, Some(("allocate.payout", "assets:wallet:main:w"))),
        connection(|body| body.account_code = "Other".to_owned()),
        connection(|body| body.account_code = "other".to_owned()),
        connection(|body| body.wallets[0].code = "w3".to_owned()),
        connection(|body| body.wallets[0].currency = currency("KES")),
        connection(|body| body.wallets[1].code = "w".to_owned()),
        connection(|body| body.wallets[1].wallet_id = WalletId(Uuid::from_u128(5))),
        second,
    ] {
        assert_eq!(refused(&tell(&writer, claim.clone()).await), "configuration_conflict", "{:?}", claim.fact.body);
    }
    let sandbox = connection(|body| {
        body.wallets[0].wallet_id = WalletId(Uuid::from_u128(5));
        body.wallets[0].code = "itx".to_owned();
        body.wallets[0].currency = currency("ITX");
    });
    assert_eq!(refused(&tell(&writer, sandbox).await), "wrong_mode");
    assert_eq!(picture(house).await, before);
    assert_eq!(house.events(BOOK).await.len(), 2);
    assert_eq!(CONNECTION, house.events(BOOK).await[1].0.fact.connection.unwrap());
    house.assert_sound(BOOK).await;
}
