//! Collections: asked once, sent at most once, settled by the provider's own word.

use std::sync::Arc;
use std::time::Duration;

use ensimbi_events::codes::Refusal;
use ensimbi_events::{Amount, Body, Clock};

use super::on_both_stores;
use crate::connector::CallError;
use crate::door::store::counters as names;
use crate::door::tests::house::*;
use ensimbi_events::commands::CommandError;

use crate::door::AttemptState;

on_both_stores! {
    a_collection_runs_from_request_to_success,
    the_same_key_is_one_intent_and_another_body_a_conflict,
    one_command_from_many_callers_is_sent_once,
    an_unknown_outcome_is_asked_for_and_never_sent_again,
    an_outcome_that_is_never_found_ends_as_failed_and_is_never_sent_again,
    what_was_surely_not_sent_is_sent_again,
    a_refusal_by_the_provider_ends_the_payment,
    a_refusal_by_the_ledger_keeps_the_provider_out_of_it,
    a_hint_that_overtakes_our_own_answer_is_matched_by_reference,
    wrong_commands_name_the_field,
}

const HOUR: Duration = Duration::from_secs(3_600);

async fn a_collection_runs_from_request_to_success(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    house.fake.on_collect(Ok(&body("c1", Some("{reference}"), "pending")));
    let intent = door.order(&house.command(door, "key-1")).await.unwrap();
    assert!(!intent.repeated && intent.state == AttemptState::Asked.as_str() && intent.reference.len() == 24);
    house.fake.on_read("c1", Ok(&body("c1", Some(&intent.reference), "success")));
    house.pass(door, HOUR).await;
    assert_eq!(ledger.words(), ["CollectionRequested", "CollectionPending", "CollectionSucceeded"]);
    let claims = ledger.claims();
    assert!(claims.iter().all(|claim| claim.fact.subject == intent.id && claim.fact.wallet == claims[0].fact.wallet));
    assert_eq!(claims[0].fact.object_id, Some(intent.id.to_string()));
    assert!(claims[0].party.is_some() && claims.iter().all(|claim| claim.party == claims[0].party));
    let told = serde_json::to_string(&claims).unwrap();
    assert!(!told.contains(PHONE) && !told.contains("Nakato") && !told.contains("school"));
    let order = house.fake.script.lock().unwrap().sent.remove(0);
    assert_eq!((order.payer.phone.as_deref(), order.note.as_deref()), (Some(PHONE), Some("school fees")));
    assert_eq!((order.reference.as_str(), order.wallet.as_str()), (intent.reference.as_str(), "wallet-1"));
    let view = door.intent(intent.id).await.unwrap().unwrap();
    assert_eq!((view.state, view.object_id.as_deref()), (AttemptState::Accepted.as_str(), Some("c1")));
    assert!(house.fake.asked().iter().all(|key| key == "c1"), "{:?}", house.fake.asked());
    running.stop().await;
}

async fn the_same_key_is_one_intent_and_another_body_a_conflict(house: House) {
    let door = house.open().await;
    let command = house.command(&door, "key-1");
    let first = door.order(&command).await.unwrap();
    let second = door.order(&command).await.unwrap();
    assert!(second.repeated && second.id == first.id && second.reference == first.reference);
    for change in [0, 1, 2, 3] {
        let mut other = command.clone();
        match change {
            0 => other.amount = Amount::whole(701),
            1 => other.payer_phone = Some("256772123457".into()),
            2 => other.note = None,
            _ => other.fee_bearer = ensimbi_events::word::Bearer::Payer,
        }
        assert!(matches!(door.order(&other).await, Err(CommandError::IdempotencyConflict)), "{change}");
    }
    let other = door.order(&house.command(&door, "key-2")).await.unwrap();
    assert!(other.id != first.id && other.reference != first.reference);
    assert_eq!(door.pending(house.clock.now()).await.unwrap().outbox_unanswered, 2);
}

async fn one_command_from_many_callers_is_sent_once(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    house.fake.on_collect(Ok(&body("c1", Some("{reference}"), "success")));
    let callers = (0..16).map(|_| {
        let door = Arc::clone(&running.door);
        let command = house.command(&door, "key-1");
        tokio::spawn(async move { door.order(&command).await.unwrap() })
    });
    let mut made = 0;
    for caller in callers.collect::<Vec<_>>() {
        made += u32::from(!caller.await.unwrap().repeated);
    }
    assert_eq!(made, 1);
    house.settle(&running.door).await;
    assert_eq!((house.fake.sent(), ledger.words().len()), (1, 2));
    running.stop().await;
}

async fn an_unknown_outcome_is_asked_for_and_never_sent_again(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    house.fake.on_collect(Err(CallError::Unknown("timeout".into())));
    let intent = door.order(&house.command(door, "key-1")).await.unwrap();
    for _ in 0..3 {
        house.fake.on_read(&intent.reference, Err(CallError::NotFound));
    }
    house.fake.on_read(&intent.reference, Ok(&body("c1", Some(&intent.reference), "pending")));
    house.fake.on_read("c1", Ok(&body("c1", Some(&intent.reference), "success")));
    house.settle(door).await;
    assert_eq!(door.intent(intent.id).await.unwrap().unwrap().state, AttemptState::Unknown.as_str());
    house.pass(door, HOUR).await;
    assert_eq!(house.fake.sent(), 1);
    assert_eq!(ledger.words(), ["CollectionRequested", "CollectionPending", "CollectionSucceeded"]);
    assert!(ledger.claims().iter().all(|claim| claim.fact.subject == intent.id));
    let view = door.intent(intent.id).await.unwrap().unwrap();
    assert_eq!((view.state, view.object_id.as_deref()), (AttemptState::Accepted.as_str(), Some("c1")));
    assert_eq!(count(door, names::UNKNOWN_OUTCOMES).await, 1);
    running.stop().await;
}

async fn an_outcome_that_is_never_found_ends_as_failed_and_is_never_sent_again(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    house.fake.on_collect(Err(CallError::Unknown("status 502".into())));
    let intent = door.order(&house.command(door, "key-1")).await.unwrap();
    house.pass(door, 4 * HOUR).await;
    assert_eq!(house.fake.sent(), 1);
    assert_eq!(ledger.words(), ["CollectionRequested", "CollectionFailed"]);
    assert_eq!(door.intent(intent.id).await.unwrap().unwrap().state, AttemptState::Failed.as_str());
    assert_eq!(count(door, names::GIVEN_UP).await, 1);
    let looks = house.fake.asked().len();
    assert!((4..40).contains(&looks), "{looks}");
    // It turns up after all: the last look finds it, and it is claimed as what it is.
    house.fake.on_read(&intent.reference, Ok(&body("c1", Some(&intent.reference), "success")));
    house.fake.on_read("c1", Ok(&body("c1", Some(&intent.reference), "success")));
    house.pass(door, 30 * HOUR).await;
    assert_eq!(ledger.words(), ["CollectionRequested", "CollectionFailed", "CollectionSucceeded"]);
    assert_eq!(house.fake.sent(), 1);
    running.stop().await;
}

async fn what_was_surely_not_sent_is_sent_again(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    house.fake.on_collect(Err(CallError::NotSent("no connection".into())));
    house.fake.on_collect(Err(CallError::RateLimited(Duration::from_secs(60))));
    house.fake.on_collect(Err(CallError::Credentials("status 401".into())));
    house.fake.on_collect(Ok(&body("c1", Some("{reference}"), "success")));
    let intent = door.order(&house.command(door, "key-1")).await.unwrap();
    house.fake.on_read("c1", Ok(&body("c1", Some(&intent.reference), "success")));
    house.pass(door, HOUR).await;
    assert_eq!(house.fake.sent(), 4);
    assert!(house.fake.script.lock().unwrap().sent.iter().all(|order| order.reference == intent.reference));
    // The recheck after the settlement reads the same fact from other bytes.
    assert_eq!(ledger.words(), ["CollectionRequested", "CollectionSucceeded", "CollectionSucceeded"]);
    running.stop().await;
}

async fn a_refusal_by_the_provider_ends_the_payment(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    house.fake.on_collect(Err(CallError::Refused("status 400 Invalid\nwallet".into())));
    let intent = door.order(&house.command(door, "key-1")).await.unwrap();
    house.pass(door, HOUR).await;
    assert_eq!(ledger.words(), ["CollectionRequested", "CollectionFailed"]);
    let failed = ledger.claims().remove(1);
    let Body::CollectionFailed(body) = &failed.fact.body else { panic!("{failed:?}") };
    assert!(body.is_final && body.reason == "status 400 Invalid wallet" && failed.fact.subject == intent.id);
    let view = door.intent(intent.id).await.unwrap().unwrap();
    assert_eq!(
        (view.state, view.reason.as_deref()),
        (AttemptState::Refused.as_str(), Some("status 400 Invalid wallet"))
    );
    assert!(house.fake.asked().is_empty());
    running.stop().await;
}

async fn a_refusal_by_the_ledger_keeps_the_provider_out_of_it(house: House) {
    let refuse = Some(Refusal::UnknownConnection);
    let _ledger = Ledger::start(&house, Manners { refuse, ..Manners::default() });
    let running = house.run().await;
    let door = &running.door;
    let intent = door.order(&house.command(door, "key-1")).await.unwrap();
    house.pass(door, HOUR).await;
    assert_eq!(house.fake.sent(), 0);
    let view = door.intent(intent.id).await.unwrap().unwrap();
    assert_eq!((view.state, view.reason.as_deref()), (AttemptState::Refused.as_str(), Some("unknown_connection")));
    assert_eq!(count(door, names::REFUSED).await, 1);
    running.stop().await;
}

async fn a_hint_that_overtakes_our_own_answer_is_matched_by_reference(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    house.fake.on_collect(Err(CallError::Unknown("timeout".into())));
    let intent = door.order(&house.command(door, "key-1")).await.unwrap();
    house.settle(door).await;
    assert_eq!(house.fake.asked(), [intent.reference.as_str()]);
    house.fake.on_read(&intent.reference, Ok(&body("c1", Some(&intent.reference), "success")));
    let main = door.connection("main").unwrap();
    let hint = body("made-up", Some(&intent.reference), "success");
    door.import(main, "webhook", hint.as_bytes(), "p").await.unwrap();
    house.settle(door).await;
    // The provider's own answer counts, not the id in the hint.
    let last = ledger.claims().pop().unwrap();
    assert_eq!((last.fact.object_id.as_deref(), last.fact.subject), (Some("c1"), intent.id));
    assert_eq!(house.fake.sent(), 1);
    running.stop().await;
}

async fn wrong_commands_name_the_field(house: House) {
    let door = house.open().await;
    let good = house.command(&door, "key-1");
    let wrong = [
        ("idempotency_key", {
            let mut c = good.clone();
            c.origin.idempotency_key = String::new();
            c
        }),
        ("idempotency_key", {
            let mut c = good.clone();
            c.origin.idempotency_key = "k".repeat(256);
            c
        }),
        ("amount", {
            let mut c = good.clone();
            c.amount = Amount::ZERO;
            c
        }),
        ("amount", {
            let mut c = good.clone();
            c.amount = Amount::whole(-1);
            c
        }),
        ("payer.phone", {
            let mut c = good.clone();
            c.payer_phone = Some("1234".into());
            c
        }),
        ("payer.phone", {
            let mut c = good.clone();
            c.payer_phone = Some("0772 123456".into());
            c
        }),
        ("payer.name", {
            let mut c = good.clone();
            c.payer_name = Some("a\u{0}b".into());
            c
        }),
        ("note", {
            let mut c = good.clone();
            c.note = Some("n".repeat(201));
            c
        }),
        ("wallet", {
            let mut c = good.clone();
            c.wallet = Some("none".into());
            c
        }),
        ("currency", {
            let mut c = good.clone();
            c.currency = "USD".parse().unwrap();
            c
        }),
    ];
    for (field, command) in wrong {
        let error = door.order(&command).await.unwrap_err();
        assert!(matches!(error, CommandError::Invalid { field: named, .. } if named == field), "{field}: {error}");
    }
    let mut other = good.clone();
    other.origin.book = ensimbi_events::BookId(uuid::Uuid::nil());
    assert!(matches!(door.order(&other).await, Err(CommandError::UnknownConnection)));
    assert!(!format!("{:?}", good.order).contains(PHONE));
}
