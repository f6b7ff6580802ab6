//! What is withheld, what is posted with a discrepancy, and what a person may decide.

use std::collections::BTreeMap;

use ensimbi_events::codes::DiscrepancyKind::{self, *};
use ensimbi_events::word::Bearer::Merchant;
use ensimbi_events::word::Component::{Network, Provider};
use ensimbi_events::word::{Mode, Verdict};
use ensimbi_events::words::control::DiscrepancyResolved;
use ensimbi_events::words::payment::RefundSucceeded;
use ensimbi_events::{Amount, Body, Claim, Event, Fact, NoLines, SubjectKind};

use crate::common::say::{BOOK, Say, WALLET, amount, currency, subject};
use crate::common::{House, on_both_stores, recorded, refused, tell};

on_both_stores!(
    doubtful_claims_are_withheld_and_the_wallet_stands,
    a_success_after_a_failure_posts_and_is_seen,
    a_failure_after_a_success_is_kept_for_a_person,
    an_operator_transaction_pays_once,
    a_rollback_without_its_original_waits,
    a_pending_and_a_failed_state_may_name_one_transaction,
    an_accepted_refund_counts_against_its_payment,
    a_second_object_accepted_counts_in_full,
    a_withheld_event_told_differently_has_one_discrepancy_that_holds_it,
);

fn raised(events: &[(Event, ensimbi_events::Hash)]) -> Vec<(DiscrepancyKind, Event)> {
    let kind = |event: &Event| match &event.fact.body {
        Body::DiscrepancyRaised(body) => Some((body.kind, event.clone())),
        _ => None,
    };
    events.iter().filter_map(|(event, _)| kind(event)).collect()
}

fn verdict(say: &Say, about: &Event, verdict: Verdict) -> Claim {
    let discrepancy = about.record.event_id;
    let (actor_id, reason) = ("person-1".to_owned(), "checked".to_owned());
    let body = DiscrepancyResolved { discrepancy, verdict, actor_id, reason, target: None };
    let fact = say.fact(about.fact.subject_kind, about.fact.subject, body);
    say.command(Fact { occurrence: discrepancy.to_string(), ..fact })
}

async fn posted(house: &House) -> Amount {
    house.store.wallet_rows(BOOK).await.unwrap().get(&WALLET).map_or(Amount::ZERO, |row| row.posted)
}

async fn doubtful_claims_are_withheld_and_the_wallet_stands(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(vec![say.opened(Mode::Live, &[]), say.configured(say.currency)]).await;
    tell(&writer, say.succeeded(1)).await;
    for (n, asked) in [(20, "1000"), (21, "999")] {
        tell(&writer, say.requested(n, asked, None)).await;
    }
    let changed = |n: u128, change: fn(&mut Fact)| {
        let mut claim = say.succeeded(n);
        change(&mut claim.fact);
        claim
    };
    let body = |n: u128, change: fn(&mut ensimbi_events::words::payment::CollectionSucceeded)| {
        let mut claim = say.succeeded(n);
        if let Body::CollectionSucceeded(body) = &mut claim.fact.body {
            change(body);
        }
        claim
    };
    let doubted = Claim { doubt: Some(RowsDoNotChain), ..say.succeeded(12) };
    let cases = vec![
        (CurrencyDiffers, changed(2, |fact| fact.currency = Some(currency("KES")))),
        (ModeDiffers, changed(3, |fact| fact.currency = Some(currency("ITX")))),
        (SumsDiffer, body(4, |body| body.net = amount("971"))),
        (FeeImplausible, body(5, |body| body.fees[0].amount = amount("-30"))),
        (FeeImplausible, body(6, |body| body.fees[0].amount = amount("1001"))),
        (AmountImplausible, body(7, |body| body.gross = amount("0"))),
        (AmountImplausible, body(8, |body| body.gross = amount("-1000"))),
        (AmountDiffers, say.succeeded(21)),
        (SecondObject, changed(1, |fact| fact.object_id = Some("another".to_owned()))),
        (BeyondOriginal, say.reversed(1, "1001", "1001", &[])),
        (SumsDiffer, say.payment(9, say.success("1000", "970", &[]))),
        (
            SumsDiffer,
            body(10, |body| {
                body.payer = Some(ensimbi_events::Money { amount: amount("1001"), currency: currency("UGX") });
            }),
        ),
        (RowsDoNotChain, doubted),
    ];
    let wallets = house.store.wallet_rows(BOOK).await.unwrap();
    for (at, (kind, claim)) in cases.iter().enumerate() {
        let size = house.events(BOOK).await.len();
        assert_eq!(recorded(&tell(&writer, claim.clone()).await), 2, "case {at}");
        let events = house.events(BOOK).await;
        assert_eq!(events.len(), size + 2, "case {at}");
        assert_eq!(events[size].0.record.no_lines, Some(NoLines::Withheld), "case {at}");
        assert_eq!(raised(&events[size..])[0].0, *kind, "case {at}");
        recorded(&tell(&writer, claim.clone()).await);
        assert_eq!(house.events(BOOK).await.len(), size + 2, "case {at} again");
    }
    assert_eq!(house.store.wallet_rows(BOOK).await.unwrap(), wallets);
    recorded(&tell(&writer, say.succeeded(20)).await);
    house.assert_sound(BOOK).await;
}

async fn a_success_after_a_failure_posts_and_is_seen(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.failed(1, "1000", true)).await;
    assert_eq!(recorded(&tell(&writer, say.succeeded(1)).await), 2);
    assert_eq!(posted(house).await, amount("970"));
    assert_eq!(raised(&house.events(BOOK).await)[0].0, LateSuccess);
    // A state that was not final is no contradiction.
    tell(&writer, say.failed(2, "1000", false)).await;
    assert_eq!(recorded(&tell(&writer, say.succeeded(2)).await), 1);
    house.assert_sound(BOOK).await;
}

async fn a_failure_after_a_success_is_kept_for_a_person(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.succeeded(1)).await;
    assert_eq!(recorded(&tell(&writer, say.failed(1, "1000", true)).await), 2);
    let events = house.events(BOOK).await;
    let doubt = &raised(&events)[0];
    assert_eq!(doubt.0, FinalContradicted);
    assert_eq!(posted(house).await, amount("970"));
    for (verdict_word, code) in [(Verdict::Move, Some("wrong_state")), (Verdict::Reject, None)] {
        let answer = tell(&writer, verdict(&say, &doubt.1, verdict_word)).await;
        match code {
            Some(code) => assert_eq!(refused(&answer), code),
            None => assert_eq!(recorded(&answer), 1),
        }
    }
    assert_eq!(posted(house).await, amount("970"));
    // The payment is still settled: it can go back.
    recorded(&tell(&writer, say.reversed(1, "1000", "970", &[(Network, "30")])).await);
    assert_eq!(posted(house).await, Amount::ZERO);
    house.assert_sound(BOOK).await;
}

async fn an_operator_transaction_pays_once(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let with = |n| Claim { operator_transaction: Some("T-77".to_owned()), ..say.succeeded(n) };
    recorded(&tell(&writer, with(1)).await);
    // Met in the book (the second try knows the key), and within one batch.
    assert_eq!(recorded(&tell(&writer, with(2)).await), 2);
    let other = |n| Claim { operator_transaction: Some("T-78".to_owned()), ..say.succeeded(n) };
    let answers = writer.submit(vec![other(3), other(4), with(5), say.succeeded(6)]).await;
    let counts: Vec<_> = answers.iter().map(|answer| recorded(answer.as_ref().unwrap())).collect();
    assert_eq!(counts, [1, 2, 2, 1]);
    let kinds: Vec<_> = raised(&house.events(BOOK).await).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [OperatorTransactionTwice; 3]);
    assert_eq!(posted(house).await, amount("2910"));
    house.assert_sound(BOOK).await;
}

async fn a_rollback_without_its_original_waits(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let rollback = say.reversed(1, "1000", "970", &[(Network, "30")]);
    assert_eq!(recorded(&tell(&writer, rollback.clone()).await), 2);
    assert_eq!(posted(house).await, Amount::ZERO);
    let doubt = raised(&house.events(BOOK).await).remove(0);
    assert_eq!(doubt.0, UnknownOriginal);
    // The original comes late: it posts, and so does the reversal, in the same commit. Nobody is needed for it.
    assert_eq!(recorded(&tell(&writer, say.succeeded(1)).await), 2);
    assert_eq!(posted(house).await, Amount::ZERO);
    assert_eq!(recorded(&tell(&writer, say.succeeded(1)).await), 2);
    assert_eq!(posted(house).await, Amount::ZERO);
    assert_eq!(refused(&tell(&writer, verdict(&say, &doubt.1, Verdict::Accept)).await), "wrong_state");
    assert_eq!(
        refused(&tell(&writer, verdict(&say, &house.events(BOOK).await[2].0, Verdict::Accept)).await),
        "wrong_state"
    );
    // Known: it goes back at once; a second time is beyond the original.
    recorded(&tell(&writer, say.succeeded(2)).await);
    assert_eq!(recorded(&tell(&writer, say.reversed(2, "1000", "970", &[(Network, "30")])).await), 1);
    let mut twice = say.reversed(2, "1", "1", &[]);
    twice.fact.occurrence = "second".to_owned();
    assert_eq!(recorded(&tell(&writer, twice).await), 2);
    assert_eq!(posted(house).await, Amount::ZERO);
    house.assert_sound(BOOK).await;
}

async fn a_pending_and_a_failed_state_may_name_one_transaction(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let with = |claim: Claim| Claim { operator_transaction: Some("T-1".to_owned()), ..claim };
    for claim in [say.pending(1, "1000"), say.failed(1, "1000", false), say.succeeded(1)] {
        assert_eq!(recorded(&tell(&writer, with(claim)).await), 1);
    }
    let back = say.reversed(1, "1000", "970", &[(Network, "30")]);
    assert_eq!(recorded(&tell(&writer, with(back)).await), 1);
    house.assert_sound(BOOK).await;
}

async fn an_accepted_refund_counts_against_its_payment(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start_with(&[("allocate.collection", "income:sales")])).await;
    let refund = |n: u128, all: &str| {
        let body = RefundSucceeded {
            payment_id: subject(1),
            amount: amount(all),
            wallet_debit: amount(all),
            attempt: None,
            fees: Vec::new(),
            returned: Vec::new(),
        };
        say.read(say.object(say.fact(SubjectKind::Refund, subject(n), body)))
    };
    assert_eq!(recorded(&tell(&writer, refund(5, "400")).await), 2);
    tell(&writer, say.succeeded(1)).await;
    let doubt = raised(&house.events(BOOK).await).remove(0);
    assert_eq!(doubt.0, UnknownOriginal);
    // Its lines, and what follows a refund: the payment's account gives the money back.
    assert_eq!(recorded(&tell(&writer, verdict(&say, &doubt.1, Verdict::Accept)).await), 2);
    let (_, rows) = house.store.trial_balance(BOOK).await.unwrap();
    let sums: BTreeMap<_, _> = rows.into_iter().map(|row| (row.account, row.debit - row.credit)).collect();
    assert_eq!(sums["liabilities:clearing:collections:main"], 0);
    assert_eq!(sums["income:refunds"], 4_000_000);
    assert_eq!(posted(house).await, amount("570"));
    // 600 are left of the payment, not more.
    assert_eq!(recorded(&tell(&writer, refund(6, "601")).await), 2);
    assert_eq!(posted(house).await, amount("570"));
    recorded(&tell(&writer, refund(7, "600")).await);
    assert_eq!(posted(house).await, amount("-30"));
    house.assert_sound(BOOK).await;
}

async fn a_second_object_accepted_counts_in_full(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.succeeded(1)).await;
    let mut second = say.payment(1, say.success("500", "490", &[(Provider, Merchant, "10")]));
    second.fact.object_id = Some("another".to_owned());
    assert_eq!(recorded(&tell(&writer, second).await), 2);
    let doubt = raised(&house.events(BOOK).await).remove(0);
    recorded(&tell(&writer, verdict(&say, &doubt.1, Verdict::Accept)).await);
    assert_eq!(posted(house).await, amount("1460"));
    recorded(&tell(&writer, say.reversed(1, "1500", "1460", &[(Network, "30"), (Provider, "10")])).await);
    assert_eq!(posted(house).await, Amount::ZERO);
    house.assert_sound(BOOK).await;
}

async fn a_withheld_event_told_differently_has_one_discrepancy_that_holds_it(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.requested(1, "999", None)).await;
    tell(&writer, say.succeeded(1)).await;
    tell(&writer, say.payment(1, say.success("999", "999", &[]))).await;
    let doubts = raised(&house.events(BOOK).await);
    assert_eq!(doubts.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [AmountDiffers, FactDiffers]);
    house.assert_sound(BOOK).await;
    // The other content is only acknowledged; the first is what the other verdict posts.
    recorded(&tell(&writer, verdict(&say, &doubts[1].1, Verdict::Accept)).await);
    assert_eq!(posted(house).await, Amount::ZERO);
    recorded(&tell(&writer, verdict(&say, &doubts[0].1, Verdict::Accept)).await);
    assert_eq!(posted(house).await, amount("970"));
    house.assert_sound(BOOK).await;
}
