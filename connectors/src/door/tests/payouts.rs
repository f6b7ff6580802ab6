//! Money that leaves: reserved before the call, sent at most once, again only after a certain failure.

use std::time::Duration;

use ensimbi_events::codes::{Problem, Refusal};
use ensimbi_events::commands::{CommandError, Commands, Destination, PayKind, PayOrder};
use ensimbi_events::{Amount, Body, SubjectKind};

use super::on_both_stores;
use crate::connector::CallError;
use crate::door::Door;
use crate::door::store::counters as names;
use crate::door::tests::house::*;

on_both_stores! {
    a_payout_asks_the_ledger_first_and_runs_to_success,
    a_payout_that_the_ledger_refuses_is_never_sent,
    fifty_callers_of_one_payout_make_one_call,
    a_payout_whose_answer_was_lost_is_asked_for_and_never_sent_again,
    a_new_attempt_follows_a_certain_failure_only,
    an_earlier_attempt_that_turns_up_keeps_the_new_one_back,
    a_withdrawal_is_told_in_its_own_words,
    bank_accounts_are_checked_against_the_list,
    wrong_payouts_name_the_field,
}

const HOUR: Duration = Duration::from_secs(3_600);

fn bank(code: &str, number: &str) -> Destination {
    let (bank, account_number) = (code.to_owned(), number.to_owned());
    Destination::Bank { bank, account_number, account_name: "Nakato Example".to_owned(), rail: None }
}

async fn a_payout_asks_the_ledger_first_and_runs_to_success(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    house.fake.on_pay(Ok(&payout_body("p1", Some("{reference}"), "pending")));
    let intent = door.pay(&house.origin("k"), &house.payout(door, mobile())).await.unwrap();
    assert!(!intent.repeated);
    house.fake.on_read("p1", Ok(&payout_body("p1", Some(&intent.reference), "success")));
    house.pass(door, HOUR).await;
    assert_eq!(ledger.words(), ["PayoutRequested", "PayoutPending", "PayoutSucceeded"]);
    let claims = ledger.claims();
    assert!(claims.iter().all(|claim| claim.fact.subject == intent.id));
    let Body::PayoutRequested(asked) = &claims[0].fact.body else { panic!() };
    assert_eq!((asked.attempt, asked.amount, asked.reserve), (1, Amount::whole(1_000), Amount::whole(1_030)));
    let Body::PayoutSucceeded(told) = &claims[2].fact.body else { panic!() };
    assert_eq!(told.attempt, Some(1));
    let told = serde_json::to_string(&claims).unwrap();
    assert!(!told.contains(PHONE) && !told.contains("Nakato"));
    running.stop().await;
}

async fn a_payout_that_the_ledger_refuses_is_never_sent(house: House) {
    let _ledger = Ledger::start(&house, Manners { refuse: Some(Refusal::LimitExceeded), ..Manners::default() });
    let running = house.run().await;
    let door = &running.door;
    for _ in 0..2 {
        let refused = door.pay(&house.origin("k"), &house.payout(door, mobile())).await.unwrap_err();
        assert!(matches!(refused, CommandError::Refused { code: Refusal::LimitExceeded, .. }), "{refused}");
    }
    house.pass(door, HOUR).await;
    assert!(house.fake.paid().is_empty() && house.fake.asked().is_empty());
    running.stop().await;
}

async fn fifty_callers_of_one_payout_make_one_call(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    house.fake.on_pay(Ok(&payout_body("p1", Some("{reference}"), "success")));
    let order = house.payout(&running.door, mobile());
    let callers = (0..50).map(|_| {
        let (door, origin, order) = (running.door.clone(), house.origin("k"), order.clone());
        tokio::spawn(async move { door.pay(&origin, &order).await.unwrap() })
    });
    let mut ids = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        let view = caller.await.unwrap();
        ids.push((view.id, view.repeated));
    }
    assert!(ids.iter().all(|(id, _)| *id == ids[0].0) && ids.iter().filter(|(_, repeated)| !repeated).count() == 1);
    house.fake.on_read("p1", Ok(&payout_body("p1", None, "success")));
    house.pass(&running.door, HOUR).await;
    assert_eq!(house.fake.paid().len(), 1);
    assert_eq!(ledger.words().iter().filter(|word| **word == "PayoutRequested").count(), 1);
    let other = PayOrder { amount: Amount::whole(1_001), ..order };
    let conflict = running.door.pay(&house.origin("k"), &other).await.unwrap_err();
    assert!(matches!(conflict, CommandError::IdempotencyConflict));
    running.stop().await;
}

async fn a_payout_whose_answer_was_lost_is_asked_for_and_never_sent_again(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    house.fake.on_pay(Err(CallError::Unknown("status 502".into())));
    let intent = door.pay(&house.origin("k"), &house.payout(door, mobile())).await.unwrap();
    house.settle(door).await;
    house.fake.on_read(&intent.reference, Err(CallError::NotFound));
    house.fake.on_read(&intent.reference, Ok(&payout_body("p1", Some(&intent.reference), "success")));
    house.pass(door, HOUR).await;
    assert_eq!(house.fake.paid().len(), 1);
    assert_eq!(ledger.words(), ["PayoutRequested", "PayoutSucceeded"]);
    assert_eq!(count(door, names::UNKNOWN_OUTCOMES).await, 1);
    running.stop().await;
}

/// Runs a payout into a failure that is certain.
async fn failed_once(house: &House, door: &Door) -> ensimbi_events::commands::IntentView {
    house.fake.on_pay(Ok(&payout_body("p1", Some("{reference}"), "pending")));
    let intent = door.pay(&house.origin("k"), &house.payout(door, mobile())).await.unwrap();
    let early = door.again(&house.origin("a-0"), intent.id).await.unwrap_err();
    assert!(matches!(early, CommandError::Refused { code: Refusal::WrongState, .. }), "{early}");
    house.fake.on_read("p1", Ok(&payout_body("p1", Some(&intent.reference), "failed")));
    house.pass(door, HOUR).await;
    intent
}

async fn a_new_attempt_follows_a_certain_failure_only(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    let first = failed_once(&house, door).await;
    house.fake.on_read(&first.reference, Ok(&payout_body("p1", Some(&first.reference), "failed")));
    house.fake.on_pay(Ok(&payout_body("p2", Some("{reference}"), "pending")));
    let second = door.again(&house.origin("a-1"), first.id).await.unwrap();
    assert!(second.attempt == 2 && second.reference != first.reference && second.id == first.id);
    let same = door.again(&house.origin("a-1"), first.id).await.unwrap();
    assert!(same.repeated && same.attempt == 2);
    house.fake.on_read("p2", Ok(&payout_body("p2", Some(&second.reference), "success")));
    house.pass(door, HOUR * 2).await;
    assert_eq!(house.fake.paid().len(), 2);
    let told: Vec<Option<u32>> = ledger
        .claims()
        .iter()
        .filter_map(|claim| match &claim.fact.body {
            Body::PayoutSucceeded(body) => Some(body.attempt),
            Body::PayoutFailed(body) => Some(Some(body.attempt)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [Some(1), Some(2)]);
    running.stop().await;
}

async fn an_earlier_attempt_that_turns_up_keeps_the_new_one_back(house: House) {
    let _ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    let first = failed_once(&house, door).await;
    house.fake.on_read(&first.reference, Ok(&payout_body("p1", Some(&first.reference), "success")));
    door.again(&house.origin("a-1"), first.id).await.unwrap();
    house.pass(door, HOUR * 2).await;
    assert_eq!(house.fake.paid().len(), 1);
    let view = door.intent(first.id).await.unwrap().unwrap();
    assert_eq!((view.attempt, view.state), (2, "refused"));
    running.stop().await;
}

async fn a_withdrawal_is_told_in_its_own_words(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    know_the_bank(&house, door).await;
    house.fake.on_pay(Ok(&payout_body("p1", Some("{reference}"), "pending")));
    let order = PayOrder { kind: PayKind::Withdrawal, ..house.payout(door, bank("B1", "0123456789")) };
    let intent = door.pay(&house.origin("k"), &order).await.unwrap();
    house.fake.on_read("p1", Ok(&payout_body("p1", Some(&intent.reference), "success")));
    house.pass(door, HOUR).await;
    assert_eq!(ledger.words(), ["WithdrawalRequested", "WithdrawalSucceeded"]);
    assert!(ledger.claims().iter().all(|claim| claim.fact.subject_kind == SubjectKind::Transfer));
    let call = house.fake.paid().remove(0);
    assert_eq!(call.bank_id.as_deref(), Some("bank-1"));
    assert!(call.to == bank("B1", "0123456789"));
    running.stop().await;
}

async fn know_the_bank(house: &House, door: &Door) {
    let main = door.connection("main").unwrap();
    let receipt = door.import(main, BANKS, b"B1", "p").await.unwrap();
    door.wait_for(receipt.observation, PATIENCE).await.unwrap();
    assert_eq!(door.banks(house.book, main).await.unwrap()[0].code, "B1");
}

async fn bank_accounts_are_checked_against_the_list(house: House) {
    let running = house.run().await;
    let door = &running.door;
    let ask = async |to: Destination| door.ask_pay(&house.origin("k"), &house.payout(door, to)).await.unwrap_err();
    let problem = |error: CommandError| match error {
        CommandError::Invalid { code, field, .. } => (code, field),
        other => panic!("{other}"),
    };
    assert_eq!(problem(ask(bank("B1", "0123456789")).await), (Problem::UnknownBank, "to.bank"));
    know_the_bank(&house, door).await;
    assert_eq!(problem(ask(bank("B2", "0123456789")).await), (Problem::UnknownBank, "to.bank"));
    for number in ["012345678", "01234567890", "012345678x", "0123 456789"] {
        assert_eq!(problem(ask(bank("B1", number)).await), (Problem::InvalidAccount, "to.account_number"), "{number}");
    }
    assert!(house.fake.paid().is_empty());
    running.stop().await;
}

async fn wrong_payouts_name_the_field(house: House) {
    let door = house.open().await;
    let good = house.payout(&door, mobile());
    let cases: Vec<(&str, Problem, PayOrder)> = vec![
        ("amount", Problem::InvalidAmount, PayOrder { amount: Amount::ZERO, ..good.clone() }),
        ("amount", Problem::InvalidAmount, PayOrder { amount: Amount::whole(-5), ..good.clone() }),
        ("amount", Problem::InvalidAmount, PayOrder { amount: Amount::whole(499), ..good.clone() }),
        ("amount", Problem::InvalidAmount, PayOrder { amount: Amount::from_scaled(i64::MAX), ..good.clone() }),
        ("currency", Problem::WrongCurrency, PayOrder { currency: "USD".parse().unwrap(), ..good.clone() }),
        ("wallet", Problem::UnknownWallet, PayOrder { wallet: Some("none".into()), ..good.clone() }),
        ("to.phone", Problem::InvalidPhone, PayOrder { to: Destination::Mobile { phone: "x".into() }, ..good.clone() }),
        ("name", Problem::InvalidBody, PayOrder { name: Some("x".repeat(151)), ..good.clone() }),
        ("note", Problem::InvalidBody, PayOrder { note: Some("\u{7}".into()), ..good.clone() }),
    ];
    for (field, code, order) in cases {
        match door.ask_pay(&house.origin("k"), &order).await.unwrap_err() {
            CommandError::Invalid { code: found, field: named, .. } => assert_eq!((found, named), (code, field)),
            other => panic!("{field}: {other}"),
        }
    }
    let foreign = ensimbi_events::ConnectionId(uuid::Uuid::nil());
    let order = PayOrder { connection: foreign, ..good };
    assert!(matches!(door.ask_pay(&house.origin("k"), &order).await, Err(CommandError::UnknownConnection)));
    assert_eq!(door.pending(ensimbi_events::Clock::now(house.clock.as_ref())).await.unwrap().outbox_unanswered, 0);
}
