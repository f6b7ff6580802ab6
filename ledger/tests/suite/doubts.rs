//! What is withheld, what is posted with a discrepancy, and what a person may decide.

use std::collections::BTreeMap;

use ensimbi_events::bus::Outcome;
use ensimbi_events::codes::DiscrepancyKind::{self, *};
use ensimbi_events::word::Bearer::Merchant;
use ensimbi_events::word::Component::{Network, Provider};
use ensimbi_events::word::{Direction, Mode, Side, Verdict};
use ensimbi_events::words::control::DiscrepancyResolved;
use ensimbi_events::words::payment::RefundSucceeded;
use ensimbi_events::words::payout::PayoutReversed;
use ensimbi_events::words::wallet::{FeeCharged, StatementLineReported, WalletFunded, WalletMovementReported};
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
    a_payout_that_came_back_unseen_frees_what_it_reserved,
    a_row_is_one_movement_whichever_word_tells_it,
    a_movement_goes_where_its_policy_says_and_nowhere_else,
    what_only_waits_is_refused_beyond_its_bound_and_money_never,
);

pub fn raised(events: &[(Event, ensimbi_events::Hash)]) -> Vec<(DiscrepancyKind, Event)> {
    let kind = |event: &Event| match &event.fact.body {
        Body::DiscrepancyRaised(body) => Some((body.kind, event.clone())),
        _ => None,
    };
    events.iter().filter_map(|(event, _)| kind(event)).collect()
}

pub fn verdict(say: &Say, about: &Event, verdict: Verdict) -> Claim {
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
    assert_eq!(raised(&house.events(BOOK).await).remove(0).0, UnknownOriginal);
    // The payment and its allocation; the refund counts now: its lines, and the payment's account gives the money back.
    assert_eq!(recorded(&tell(&writer, say.succeeded(1)).await), 4);
    let before = house.events(BOOK).await.len();
    tell(&writer, say.succeeded(1)).await;
    assert_eq!(house.events(BOOK).await.len(), before);
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

fn came_back(say: &Say, n: u128, attempt: u32) -> Claim {
    let (amount, wallet_credit) = (amount("600"), amount("600"));
    let body = PayoutReversed { amount, wallet_credit, returned: Vec::new(), fees: Vec::new() };
    say.payout(n, attempt, body)
}

async fn a_payout_that_came_back_unseen_frees_what_it_reserved(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.opening("1000", None, "2026-05-03T09:00:00Z".parse().unwrap())).await;
    let figures = async || {
        let row = house.store.wallet_rows(BOOK).await.unwrap()[&WALLET];
        [row.posted, row.reserved].map(|figure| figure.to_string())
    };
    recorded(&tell(&writer, say.payout_requested(1, 1, "600", "700")).await);
    // Withheld, its discrepancy, and the end of the attempt; told again it is answered as before.
    let first = tell(&writer, came_back(&say, 1, 1)).await;
    assert_eq!(recorded(&first), 3);
    assert_eq!(tell(&writer, came_back(&say, 1, 1)).await, first);
    assert_eq!(figures().await, ["1000", "0"]);
    house.assert_sound(BOOK).await;
    // The next attempt is on its way: what the first object says again does not touch it.
    recorded(&tell(&writer, say.payout_requested(1, 2, "600", "700")).await);
    let mut again = came_back(&say, 1, 1);
    again.fact.occurrence = "2".to_owned();
    assert_eq!(recorded(&tell(&writer, again).await), 2);
    assert_eq!(figures().await, ["1000", "700"]);
    recorded(&tell(&writer, say.payout_failed(1, 2, "600")).await);
    assert_eq!(figures().await, ["1000", "0"]);
    // A success that comes after its own reversal is no contradiction: both count, and nothing is left for a person.
    recorded(&tell(&writer, say.payout_requested(2, 1, "600", "700")).await);
    recorded(&tell(&writer, came_back(&say, 2, 1)).await);
    assert_eq!(recorded(&tell(&writer, say.payout_succeeded(2, Some(1), "600", "600", &[])).await), 2);
    assert_eq!(figures().await, ["1000", "0"]);
    let kinds: Vec<_> = raised(&house.events(BOOK).await).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [UnknownOriginal; 3]);
    house.assert_sound(BOOK).await;
}

fn row(say: &Say, id: &str, body: impl Into<Body>) -> Claim {
    let fact = say.fact(SubjectKind::Transfer, subject(u128::from(id.as_bytes()[0])), body);
    say.read(Fact { object_kind: Some("row".to_owned()), object_id: Some(id.to_owned()), ..fact })
}

fn movement(id: &str, figure: &str, category: &str) -> WalletMovementReported {
    let (row_id, category) = (id.to_owned(), category.to_owned());
    WalletMovementReported { row_id, direction: Direction::In, amount: amount(figure), category }
}

async fn a_row_is_one_movement_whichever_word_tells_it(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let whole = amount("50");
    let funded = WalletFunded { amount: whole, wallet_credit: whole, fees: Vec::new() };
    let fee = FeeCharged { payment_id: None, document: None, fees: vec![say.fee(Provider, Merchant, "5")] };
    let line = StatementLineReported {
        row_id: "c".to_owned(),
        direction: Direction::In,
        amount: whole,
        category: "Deposit".to_owned(),
        balance: None,
    };
    assert_eq!(recorded(&tell(&writer, row(&say, "a", movement("a", "50", "Deposit"))).await), 2);
    assert_eq!(recorded(&tell(&writer, row(&say, "b", fee)).await), 1);
    assert_eq!(posted(house).await, amount("45"));
    // Another mapping reads the same rows as something else: kept for a person, the wallet stands.
    assert_eq!(recorded(&tell(&writer, row(&say, "a", funded.clone())).await), 2);
    assert_eq!(recorded(&tell(&writer, row(&say, "b", movement("b", "50", "Charge"))).await), 2);
    assert_eq!(posted(house).await, amount("45"));
    // A statement's line is evidence: no lines, and no movement of its own.
    assert_eq!(recorded(&tell(&writer, row(&say, "c", line)).await), 1);
    assert_eq!(recorded(&tell(&writer, row(&say, "c", funded)).await), 1);
    assert_eq!(posted(house).await, amount("95"));
    house.assert_sound(BOOK).await;
}

async fn a_movement_goes_where_its_policy_says_and_nowhere_else(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start_with(&[("movement.Transfer", "liabilities:customers")])).await;
    // The movement, its discrepancy, and the verdict that the policy gives.
    let first = tell(&writer, row(&say, "a", movement("a", "50", "Transfer"))).await;
    assert_eq!(recorded(&first), 3);
    assert_eq!(tell(&writer, row(&say, "a", movement("a", "50", "Transfer"))).await, first);
    assert_eq!(recorded(&tell(&writer, row(&say, "b", movement("b", "7", "Rollback"))).await), 2);
    let (_, rows) = house.store.trial_balance(BOOK).await.unwrap();
    let sums: BTreeMap<_, _> = rows.into_iter().map(|row| (row.account, row.debit - row.credit)).collect();
    assert_eq!(sums["liabilities:customers"], -500_000);
    assert_eq!(sums["liabilities:suspense:main"], -70_000);
    // What stands in suspense is moved by a verdict, never allocated as if it were clearing.
    let wrong = say.allocated(SubjectKind::Transfer, u128::from(b'b'), Side::Credit, "7", "income:sales");
    assert_eq!(refused(&tell(&writer, wrong).await), "limit_exceeded");
    house.assert_sound(BOOK).await;
}

async fn what_only_waits_is_refused_beyond_its_bound_and_money_never(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.failed(1, "1000", true)).await;
    let back = |n: u32| {
        let mut claim = say.reversed(1, "1", "1", &[]);
        claim.fact.occurrence = n.to_string();
        claim
    };
    for answer in writer.submit((0..64).map(back).collect()).await {
        assert_eq!(recorded(&answer.unwrap()), 2);
    }
    let Outcome::Refused { code, detail } = tell(&writer, back(64)).await else { panic!("recorded") };
    assert_eq!((code.as_str(), detail.split(':').next()), ("limit_exceeded", Some("subject")));
    // Known already, though its state has forgotten it: that is no refusal.
    recorded(&tell(&writer, back(7)).await);
    // Money that moved is posted, and seen, however much waits: the late success lets all that waited count.
    assert_eq!(recorded(&tell(&writer, say.succeeded(1)).await), 1 + 64);
    assert_eq!(posted(house).await, amount("906"));
    house.assert_sound(BOOK).await;
    recorded(&tell(&writer, back(64)).await);
    house.assert_sound(BOOK).await;
}
