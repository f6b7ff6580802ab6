//! From bytes to answered claims: translation, relay, answers, poller.

use std::time::Duration;

use ensimbi_bus::{Bus, Faults};
use ensimbi_events::Clock;
use ensimbi_events::word::{EvidenceClass, OccurredSource};

use super::on_both_stores;
use crate::connector::CallError;
use crate::door::InboxState;
use crate::door::store::counters as names;
use crate::door::tests::house::*;

on_both_stores! {
    a_panicking_translator_loses_only_its_own_row,
    bytes_about_a_foreign_wallet_are_quarantined_whole,
    notes_are_sent_again_until_the_ledger_answers,
    an_emptied_and_faulty_bus_is_only_a_delay,
    forged_answers_finish_nothing,
    settled_objects_are_looked_at_again_and_then_left_alone,
    the_same_bytes_again_only_move_the_schedule,
    a_connection_that_asks_to_wait_pauses_alone,
    refused_credentials_pause_and_recover,
    late_old_bytes_do_not_restart_a_finished_watch,
}

const WAIT: Duration = super::house::PATIENCE;

async fn a_panicking_translator_loses_only_its_own_row(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    let main = door.connection("main").unwrap();
    let bad = door.import(main, STATUS, body("c1", None, "panic").as_bytes(), "p").await.unwrap();
    let weird = door.import(main, STATUS, body("c2", None, "weird").as_bytes(), "p").await.unwrap();
    let good = door.import(main, STATUS, body("c3", None, "success").as_bytes(), "p").await.unwrap();
    let outcome = door.wait_for(bad.observation, WAIT).await.unwrap().unwrap();
    assert_eq!(outcome.state, InboxState::Quarantined);
    assert_eq!(outcome.reason.as_deref(), Some("the translator panicked"));
    assert_eq!(door.wait_for(weird.observation, WAIT).await.unwrap().unwrap().state, InboxState::Translated);
    assert!(door.wait_for(good.observation, WAIT).await.unwrap().unwrap().is_complete());
    assert_eq!(ledger.words(), ["CollectionSucceeded"]);
    assert_eq!((count(door, names::QUARANTINED).await, count(door, names::UNKNOWN_WORDS).await), (1, 1));
    let claim = ledger.claims().remove(0);
    let evidence = claim.evidence.unwrap();
    assert_eq!((evidence.class, evidence.observation), (EvidenceClass::Imported, good.observation));
    assert_eq!(evidence.actor_id.as_deref(), Some("p"));
    assert_eq!((claim.occurred_at, claim.occurred_source), (START, OccurredSource::Observation));
    assert!(claim.party.is_some());
    running.stop().await;
}

async fn bytes_about_a_foreign_wallet_are_quarantined_whole(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    let main = door.connection("main").unwrap();
    let foreign = body("c1", None, "success").replace('}', ",\"wallet\":\"another\"}");
    let receipt = door.import(main, STATUS, foreign.as_bytes(), "p").await.unwrap();
    let outcome = door.wait_for(receipt.observation, WAIT).await.unwrap().unwrap();
    assert_eq!(outcome.state, InboxState::Quarantined);
    assert!(outcome.reason.unwrap().starts_with("a wallet that is not configured"));
    let own = body("c1", None, "success").replace('}', ",\"wallet\":\"wallet-1\"}");
    let receipt = door.import(main, STATUS, own.as_bytes(), "p").await.unwrap();
    assert!(door.wait_for(receipt.observation, WAIT).await.unwrap().unwrap().is_complete());
    assert_eq!(ledger.words().len(), 1);
    running.stop().await;
}

async fn notes_are_sent_again_until_the_ledger_answers(house: House) {
    let ledger = Ledger::start(&house, Manners { silent_attempts: 3, ..Manners::default() });
    let running = house.run().await;
    let door = &running.door;
    let main = door.connection("main").unwrap();
    let receipt = door.import(main, STATUS, body("c1", None, "success").as_bytes(), "p").await.unwrap();
    assert!(door.wait_for(receipt.observation, WAIT).await.unwrap().unwrap().is_complete());
    assert_eq!(ledger.attempts(), [1, 2, 3, 4]);
    assert_eq!(count(door, names::RESENT).await, 3);
    running.stop().await;
}

async fn an_emptied_and_faulty_bus_is_only_a_delay(house: House) {
    let faults = Faults { drop_bp: 3_000, double_bp: 3_000, lose_ack_bp: 2_000, ..Faults::default() };
    house.bus.set_faults(faults);
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    let main = door.connection("main").unwrap();
    for n in 0..20 {
        let body = body(&format!("c{n}"), None, "success");
        door.import(main, STATUS, body.as_bytes(), "p").await.unwrap();
        if n % 5 == 0 {
            house.bus.empty();
        }
    }
    house.settle(door).await;
    assert_eq!(ledger.words().len(), 20);
    running.stop().await;
}

async fn forged_answers_finish_nothing(house: House) {
    let ledger = Ledger::start(&house, Manners { forged: true, ..Manners::default() });
    let running = house.run().await;
    let door = &running.door;
    let main = door.connection("main").unwrap();
    let receipt = door.import(main, STATUS, body("c1", None, "success").as_bytes(), "p").await.unwrap();
    let outcome = door.wait_for(receipt.observation, Duration::from_millis(400)).await.unwrap().unwrap();
    assert!(!outcome.is_complete());
    assert!(count(door, names::BAD_ANSWERS).await >= 1);
    let noise = ensimbi_bus::Outgoing {
        subject: ensimbi_events::bus::answers_subject("ENSIMBI", house.book, Some(main)),
        message_id: "x".into(),
        mac: "x".into(),
        body: b"not an answer".to_vec(),
    };
    house.bus.publish(vec![noise]).await[0].clone().unwrap();
    ledger.behave(Manners::default());
    assert!(door.wait_for(receipt.observation, WAIT).await.unwrap().unwrap().is_complete());
    running.stop().await;
}

async fn settled_objects_are_looked_at_again_and_then_left_alone(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    let main = door.connection("main").unwrap();
    house.fake.on_read("c1", Ok(&body("c1", None, "success")));
    house.fake.on_read("c1", Ok(&body("c1", None, "failed")));
    door.import(main, STATUS, body("c1", None, "pending").as_bytes(), "p").await.unwrap();
    house.pass(door, Duration::from_secs(200_000)).await;
    // 20 s after the start a success; at its recheck the failure that was never announced; one more look, then none.
    assert_eq!(ledger.words(), ["CollectionPending", "CollectionSucceeded", "CollectionFailed"]);
    assert_eq!(house.fake.asked().len(), 3);
    let pending = door.pending(house.clock.now()).await.unwrap();
    assert!(pending.is_idle() && pending.next_due.is_none(), "{pending:?}");
    running.stop().await;
}

async fn the_same_bytes_again_only_move_the_schedule(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    let main = door.connection("main").unwrap();
    let pending = body("c1", None, "pending");
    house.fake.on_read("c1", Ok(&pending));
    door.import(main, STATUS, pending.as_bytes(), "p").await.unwrap();
    house.pass(door, Duration::from_secs(7_200)).await;
    let looks = house.fake.asked().len();
    assert!((10..=20).contains(&looks), "{looks}");
    assert_eq!(ledger.words(), ["CollectionPending"]);
    assert_eq!(usize::try_from(count(door, names::DUPLICATES).await), Ok(looks));
    running.stop().await;
}

async fn a_connection_that_asks_to_wait_pauses_alone(mut house: House) {
    house.slugs = vec!["main", "other"];
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    house.fake.on_read("c1", Err(CallError::RateLimited(Duration::from_secs(600))));
    house.fake.on_read("c1", Ok(&body("c1", None, "success")));
    house.fake.on_read("c2", Ok(&body("c2", None, "success")));
    let (main, other) = (door.connection("main").unwrap(), door.connection("other").unwrap());
    door.import(main, STATUS, body("c1", None, "pending").as_bytes(), "p").await.unwrap();
    door.import(other, STATUS, body("c2", None, "pending").as_bytes(), "p").await.unwrap();
    house.pass(door, Duration::from_secs(300)).await;
    assert_eq!(ledger.words().iter().filter(|word| **word == "CollectionSucceeded").count(), 1);
    let next = door.pending(house.clock.now()).await.unwrap().next_due.unwrap();
    assert!(next >= START.plus(Duration::from_secs(600)), "{next}");
    house.pass(door, Duration::from_secs(800)).await;
    assert_eq!(ledger.words().iter().filter(|word| **word == "CollectionSucceeded").count(), 2);
    running.stop().await;
}

async fn refused_credentials_pause_and_recover(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    let main = door.connection("main").unwrap();
    for _ in 0..3 {
        house.fake.on_read("c1", Err(CallError::Credentials("status 401".into())));
    }
    house.fake.on_read("c1", Ok(&body("c1", None, "success")));
    door.import(main, STATUS, body("c1", None, "pending").as_bytes(), "p").await.unwrap();
    house.pass(door, Duration::from_secs(600)).await;
    assert_eq!(ledger.words(), ["CollectionPending", "CollectionSucceeded"]);
    assert_eq!(count(door, names::CREDENTIALS).await, 3);
    running.stop().await;
}

async fn late_old_bytes_do_not_restart_a_finished_watch(house: House) {
    let _ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    let main = door.connection("main").unwrap();
    house.fake.on_read("c1", Ok(&body("c1", None, "success")));
    door.import(main, STATUS, body("c1", None, "success").as_bytes(), "p").await.unwrap();
    house.pass(door, Duration::from_secs(100_000)).await;
    let looks = house.fake.asked().len();
    assert_eq!(looks, 2);
    door.import(main, STATUS, body("c1", None, "pending").as_bytes(), "p").await.unwrap();
    house.settle(door).await;
    assert_eq!(door.pending(house.clock.now()).await.unwrap().next_due, None);
    running.stop().await;
}
