//! Orders that are made first and carried out by a second call; refunds; what is done with a payment.

use std::time::Duration;

use ensimbi_events::codes::Refusal;
use ensimbi_events::commands::{Action, Checkout, CollectOrder, CommandError, Commands, RefundOrder};
use ensimbi_events::{Amount, Body, Clock, SubjectKind, WalletId};

use super::duo::{self, Duo, pair};
use super::on_both_stores;
use crate::connector::CallError;
use crate::door::tests::house::*;

on_both_stores! {
    an_order_is_made_and_then_carried_out,
    a_lost_answer_to_the_first_step_is_repeated_and_its_object_is_nobodys,
    a_lost_answer_to_the_second_step_is_asked_for_by_its_id,
    a_new_attempt_carries_out_the_same_object,
    a_hosted_order_is_complete_once_made,
    a_refund_is_reserved_and_found_again_without_a_reference,
    a_refund_that_was_never_made_is_asked_for_again_by_a_person,
    a_payment_is_captured_once_for_each_key,
}

const HOUR: Duration = Duration::from_secs(3_600);

fn key() -> [(&'static str, &'static str); 1] {
    [("webhook_key", pair(0).pem.as_str())]
}

async fn an_order_is_made_and_then_carried_out(house: House) {
    let (ledger, duo) = (Ledger::start(&house, Manners::default()), Duo::default());
    let door = duo::open(&house, &duo, &key()).await;
    let running = house.start(&door);
    duo.on_make(Ok("o1"));
    duo.fake.on_read("o1", Ok(&payout_body("o1", None, "success")));
    duo.fake.on_pay(Ok(&payout_body("o1", None, "pending")));
    let intent = door.pay(&house.origin("k"), &house.payout(&door, mobile())).await.unwrap();
    house.pass(&door, HOUR).await;
    assert_eq!(ledger.words(), ["PayoutRequested", "PayoutPending", "PayoutSucceeded"]);
    assert!(ledger.claims().iter().all(|claim| claim.fact.subject == intent.id));
    // Out of the purse that payouts come from.
    let wallets: Vec<Option<WalletId>> = ledger.claims().iter().map(|claim| claim.fact.wallet).collect();
    assert!(wallets.iter().all(|wallet| *wallet == wallets[0]));
    let paid = duo.fake.paid();
    assert_eq!((paid.len(), paid[0].object.as_deref()), (1, Some("o1")));
    assert_eq!(duo.script.lock().unwrap().made, [intent.reference]);
    running.stop().await;
}

async fn a_lost_answer_to_the_first_step_is_repeated_and_its_object_is_nobodys(house: House) {
    let (ledger, duo) = (Ledger::start(&house, Manners::default()), Duo::default());
    let door = duo::open(&house, &duo, &key()).await;
    let running = house.start(&door);
    duo.loses_the_first_answer();
    let intent = door.pay(&house.origin("k"), &house.payout(&door, mobile())).await.unwrap();
    house.pass(&door, HOUR).await;
    assert_eq!(duo.script.lock().unwrap().made.len(), 2);
    assert_eq!(duo.fake.paid().len(), 1);
    let told = ledger.words();
    assert_eq!(told, ["PayoutRequested", "PayoutPending", "PayoutSucceeded"]);
    // The one that was made and never carried out says that it came to nothing: that is nobody's business.
    let orphan = payout_body("o1", Some(&intent.reference), "failed");
    let main = door.connection("main").unwrap();
    door.import(main, "collection_status", orphan.as_bytes(), "tester").await.unwrap();
    house.pass(&door, HOUR * 2).await;
    assert_eq!(ledger.words(), told);
    running.stop().await;
}

async fn a_lost_answer_to_the_second_step_is_asked_for_by_its_id(house: House) {
    let (ledger, duo) = (Ledger::start(&house, Manners::default()), Duo::default());
    let door = duo::open(&house, &duo, &key()).await;
    let running = house.start(&door);
    duo.on_make(Ok("o1"));
    duo.fake.on_pay(Err(CallError::Unknown("timeout".into())));
    duo.fake.on_read("o1", Ok(&payout_body("o1", None, "made")));
    duo.fake.on_read("o1", Ok(&payout_body("o1", None, "pending")));
    duo.fake.on_read("o1", Ok(&payout_body("o1", None, "success")));
    door.pay(&house.origin("k"), &house.payout(&door, mobile())).await.unwrap();
    house.pass(&door, HOUR).await;
    assert_eq!(ledger.words().last(), Some(&"PayoutSucceeded"));
    assert_eq!(duo.fake.paid().len(), 1);
    running.stop().await;
}

async fn a_new_attempt_carries_out_the_same_object(house: House) {
    let (ledger, duo) = (Ledger::start(&house, Manners::default()), Duo::default());
    let door = duo::open(&house, &duo, &key()).await;
    let running = house.start(&door);
    duo.on_make(Ok("o1"));
    duo.fake.on_pay(Ok(&payout_body("o1", None, "pending")));
    duo.fake.on_read("o1", Ok(&payout_body("o1", None, "failed")));
    let intent = door.pay(&house.origin("k"), &house.payout(&door, mobile())).await.unwrap();
    house.pass(&door, HOUR).await;
    assert_eq!(ledger.words().last(), Some(&"PayoutFailed"));
    duo.fake.on_pay(Ok(&payout_body("o1", None, "pending")));
    let again = door.again(&house.origin("second"), intent.id).await.unwrap();
    assert_eq!((again.attempt, again.object_id.as_deref()), (2, Some("o1")));
    // How the first attempt ended is told once more, and says nothing of the second.
    house.settle(&door).await;
    let main = door.connection("main").unwrap();
    let late = payout_body("o1", Some(&intent.reference), "failed").replace("256", "257");
    door.import(main, "collection_status", late.as_bytes(), "tester").await.unwrap();
    house.settle(&door).await;
    let failures = |words: &[&str]| words.iter().filter(|word| **word == "PayoutFailed").count();
    assert_eq!(failures(&ledger.words()), 1);
    let success = payout_body("o1", None, "success");
    door.import(main, "collection_status", success.as_bytes(), "tester").await.unwrap();
    house.settle(&door).await;
    let claims = ledger.claims();
    let Body::PayoutSucceeded(told) = &claims.last().unwrap().fact.body else { panic!("{:?}", ledger.words()) };
    assert_eq!(told.attempt, Some(2));
    let objects: Vec<_> = duo.fake.paid().into_iter().map(|order| order.object).collect();
    assert_eq!(objects, [Some("o1".to_owned()), Some("o1".to_owned())]);
    assert_eq!(duo.script.lock().unwrap().made.len(), 1);
    running.stop().await;
}

async fn a_hosted_order_is_complete_once_made(house: House) {
    let (ledger, duo) = (Ledger::start(&house, Manners::default()), Duo::default());
    let door = duo::open(&house, &duo, &key()).await;
    let running = house.start(&door);
    duo.on_make(Ok("o1"));
    duo.fake.on_read("o1", Ok(&body("o1", None, "made")));
    duo.fake.on_read("o1", Ok(&body("o1", None, "success")));
    let mut asked = house.command(&door, "k");
    let checkout = Checkout { hosted: true, ..Checkout::default() };
    asked.order = CollectOrder { payer_phone: None, checkout, ..asked.order };
    let intent = door.collect(&asked.origin, &asked.order).await.unwrap();
    house.pass(&door, HOUR).await;
    assert_eq!(ledger.words(), ["CollectionRequested", "CollectionSucceeded"]);
    let intent = door.intent(intent.id).await.unwrap().unwrap();
    assert_eq!(intent.checkout_url.as_deref(), Some("https://pay.example/o1"));
    assert_eq!(duo.fake.sent(), 0);
    running.stop().await;
}

async fn a_refund_is_reserved_and_found_again_without_a_reference(house: House) {
    let (ledger, duo) = (Ledger::start(&house, Manners::default()), Duo::default());
    let door = duo::open(&house, &duo, &key()).await;
    let running = house.start(&door);
    duo.on_make(Ok("o1"));
    duo.fake.on_collect(Ok(&body("o1", None, "pending")));
    duo.fake.on_read("o1", Ok(&body("o1", None, "success")));
    let asked = house.command(&door, "k");
    let payment = door.order(&asked).await.unwrap();
    house.pass(&door, HOUR).await;
    let wallet = ledger.claims().last().unwrap().fact.wallet.unwrap();
    let order = |amount: i32| RefundOrder {
        payment: payment.id,
        connection: door.connection("main").unwrap(),
        wallet,
        object_id: "o1".to_owned(),
        amount: Amount::whole(amount),
        left: Amount::whole(700),
    };
    duo.script.lock().unwrap().refunds.push_back(Err(CallError::Unknown("timeout".into())));
    let refund = door.refund(&house.origin("r"), &order(300)).await.unwrap();
    house.settle(&door).await;
    assert_eq!(door.intent(refund.id).await.unwrap().unwrap().state, "unknown");
    // Nobody could tell a second one from it.
    let second = door.refund(&house.origin("r2"), &order(100)).await.unwrap_err();
    assert!(matches!(second, CommandError::Refused { code: Refusal::WrongState, .. }), "{second}");
    let told = r#"{"id":"r1","of":"o1","amount":"300"}"#;
    let main = door.connection("main").unwrap();
    door.import(main, "collection_status", told.as_bytes(), "tester").await.unwrap();
    house.settle(&door).await;
    let claims = ledger.claims();
    let last = &claims.last().unwrap().fact;
    let Body::RefundSucceeded(body) = &last.body else { panic!("{:?}", ledger.words()) };
    assert_eq!((last.subject, last.subject_kind, body.payment_id), (refund.id, SubjectKind::Refund, payment.id));
    assert_eq!(body.attempt, Some(1));
    let Body::RefundRequested(asked) = &claims[claims.len() - 2].fact.body else { panic!("{:?}", ledger.words()) };
    assert_eq!((asked.amount, asked.reserve), (Amount::whole(300), Amount::whole(310)));
    assert_eq!(duo.script.lock().unwrap().refunded.len(), 1);
    // Its outcome is known: the next one may go, and one that nobody of us asked for has a life of its own.
    let foreign = told.replace("r1", "r9");
    door.import(main, "collection_status", foreign.as_bytes(), "tester").await.unwrap();
    house.settle(&door).await;
    assert_ne!(ledger.claims().last().unwrap().fact.subject, refund.id);
    duo.script.lock().unwrap().refunds.push_back(Ok(r#"{"id":"r2","of":"o1","amount":"100"}"#.to_owned()));
    let second = door.refund(&house.origin("r2"), &order(100)).await.unwrap();
    house.settle(&door).await;
    assert_eq!(ledger.claims().last().unwrap().fact.subject, second.id);
    running.stop().await;
}

async fn a_refund_that_was_never_made_is_asked_for_again_by_a_person(house: House) {
    let (ledger, duo) = (Ledger::start(&house, Manners::default()), Duo::default());
    let door = duo::open(&house, &duo, &key()).await;
    let running = house.start(&door);
    duo.on_make(Ok("o1"));
    duo.fake.on_collect(Ok(&body("o1", None, "pending")));
    duo.fake.on_read("o1", Ok(&body("o1", None, "success")));
    let payment = door.order(&house.command(&door, "k")).await.unwrap();
    house.pass(&door, HOUR).await;
    let order = RefundOrder {
        payment: payment.id,
        connection: door.connection("main").unwrap(),
        wallet: ledger.claims().last().unwrap().fact.wallet.unwrap(),
        object_id: "o1".to_owned(),
        amount: Amount::whole(300),
        left: Amount::whole(700),
    };
    duo.script.lock().unwrap().refunds.push_back(Err(CallError::Unknown("timeout".into())));
    let refund = door.refund(&house.origin("r"), &order).await.unwrap();
    house.settle(&door).await;
    let soon = door.again(&house.origin("soon"), refund.id).await.unwrap_err();
    assert!(matches!(soon, CommandError::Refused { code: Refusal::WrongState, .. }), "{soon}");
    house.clock.advance_to(house.clock.now().plus(HOUR));
    duo.script.lock().unwrap().refunds.push_back(Ok(r#"{"id":"r1","of":"o1","amount":"300"}"#.to_owned()));
    let again = door.again(&house.origin("late"), refund.id).await.unwrap();
    assert_eq!(again.attempt, 2);
    house.settle(&door).await;
    // The first attempt's reservation ends before the second one's begins.
    let words = ledger.words();
    let expected = ["RefundRequested", "RefundFailed", "RefundRequested", "RefundSucceeded"];
    assert_eq!(words[words.len() - 4..], expected);
    assert_eq!(ledger.claims().last().unwrap().fact.subject, refund.id);
    let asked: Vec<bool> = duo.script.lock().unwrap().refunded.iter().map(|order| order.again).collect();
    assert_eq!(asked, [false, true], "the second one is asked for with care");
    running.stop().await;
}

async fn a_payment_is_captured_once_for_each_key(house: House) {
    let (_ledger, duo) = (Ledger::start(&house, Manners::default()), Duo::default());
    let door = duo::open(&house, &duo, &key()).await;
    let running = house.start(&door);
    duo.on_make(Ok("o1"));
    duo.fake.on_collect(Ok(&body("o1", None, "pending")));
    duo.fake.on_read("o1", Ok(&body("o1", None, "pending")));
    let payment = door.order(&house.command(&door, "k")).await.unwrap();
    house.settle(&door).await;
    let success = body("o1", None, "success");
    duo.script.lock().unwrap().acts.push_back(Ok(success));
    for _ in 0..3 {
        door.act(&house.origin("c"), payment.id, Action::Capture(Some(Amount::whole(500)))).await.unwrap();
    }
    assert_eq!(duo.script.lock().unwrap().acted, [Action::Capture(Some(Amount::whole(500)))]);
    let other = door.act(&house.origin("c"), payment.id, Action::Capture(None)).await.unwrap_err();
    assert!(matches!(other, CommandError::IdempotencyConflict), "{other}");
    let more = door.act(&house.origin("d"), payment.id, Action::Capture(Some(Amount::whole(701)))).await.unwrap_err();
    assert!(matches!(more, CommandError::Refused { code: Refusal::LimitExceeded, .. }), "{more}");
    duo.script.lock().unwrap().acts.push_back(Err(CallError::Refused("purchase_release_error".into())));
    let refused = door.act(&house.origin("e"), payment.id, Action::Release).await.unwrap_err();
    assert!(refused.to_string().contains("purchase_release_error"), "{refused}");
    running.stop().await;
}
