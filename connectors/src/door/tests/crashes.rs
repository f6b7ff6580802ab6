//! Killed between two steps: the next start takes up what is in the database, and nothing counts twice.

use std::time::Duration;

use ensimbi_events::Clock;

use super::on_both_stores;
use crate::connector::CallError;
use crate::door::AttemptState;
use crate::door::store::{attempts, checks};
use crate::door::tests::house::*;

on_both_stores! {
    stored_bytes_survive_a_stop_before_translation,
    notes_survive_a_stop_before_publishing,
    a_note_published_twice_is_finished_once,
    a_command_survives_a_stop_before_the_ledger_answered,
    a_call_cut_off_in_the_middle_is_unknown_and_never_repeated,
    a_look_cut_off_in_the_middle_is_made_again,
    two_doors_on_one_store_do_everything_once,
}

const HOUR: Duration = Duration::from_secs(3_600);

async fn stored_bytes_survive_a_stop_before_translation(house: House) {
    let door = house.open().await;
    let main = door.connection("main").unwrap();
    door.import(main, STATUS, body("c1", None, "success").as_bytes(), "p").await.unwrap();
    door.close().await;
    drop(door);
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    house.settle(&running.door).await;
    assert_eq!(ledger.words(), ["CollectionSucceeded"]);
    running.stop().await;
}

async fn notes_survive_a_stop_before_publishing(house: House) {
    let running = house.run().await;
    let main = running.door.connection("main").unwrap();
    // Nobody answers, so the note stays open whatever was published.
    let receipt = running.door.import(main, STATUS, body("c1", None, "success").as_bytes(), "p").await.unwrap();
    running.door.wait_for(receipt.observation, Duration::from_millis(300)).await.unwrap();
    running.stop().await;
    house.bus.empty();
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    house.settle(&running.door).await;
    assert_eq!(ledger.words(), ["CollectionSucceeded"]);
    running.stop().await;
}

async fn a_note_published_twice_is_finished_once(house: House) {
    let ledger = Ledger::start(&house, Manners { silent_attempts: 1, ..Manners::default() });
    let running = house.run().await;
    let main = running.door.connection("main").unwrap();
    running.door.import(main, STATUS, body("c1", None, "success").as_bytes(), "p").await.unwrap();
    house.settle(&running.door).await;
    assert_eq!(ledger.attempts(), [1, 2]);
    assert_eq!(ledger.words().len(), 1);
    running.stop().await;
}

async fn a_command_survives_a_stop_before_the_ledger_answered(house: House) {
    let running = house.run().await;
    let intent = running.door.order(&house.command(&running.door, "key-1")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    running.stop().await;
    assert_eq!(house.fake.sent(), 0);
    house.fake.on_collect(Ok(&body("c1", Some("{reference}"), "success")));
    house.fake.on_read("c1", Ok(&body("c1", Some(&intent.reference), "success")));
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    house.pass(&running.door, HOUR).await;
    assert_eq!(house.fake.sent(), 1);
    // The recheck after the settlement reads the same fact from other bytes.
    assert_eq!(ledger.words(), ["CollectionRequested", "CollectionSucceeded", "CollectionSucceeded"]);
    running.stop().await;
}

async fn a_call_cut_off_in_the_middle_is_unknown_and_never_repeated(house: House) {
    let door = house.open().await;
    let intent = door.order(&house.command(&door, "key-1")).await.unwrap();
    // As the sender leaves it when it is killed during the call, with a lease that is over.
    let now = house.clock.now();
    let mut tx = door.store.write().await.unwrap();
    let attempt = attempts::last(&mut tx, door.book, intent.id).await.unwrap().unwrap();
    attempts::clear(&mut tx, door.book, &attempt, now).await.unwrap();
    assert!(attempts::call(&mut tx, door.book, &attempt, door.real_clock.now(), now).await.unwrap());
    assert!(!attempts::call(&mut tx, door.book, &attempt, door.real_clock.now(), now).await.unwrap());
    tx.commit().await.unwrap();
    door.close().await;
    drop(door);
    house.fake.on_read(&intent.reference, Err(CallError::NotFound));
    house.fake.on_read(&intent.reference, Ok(&body("c1", Some(&intent.reference), "success")));
    house.fake.on_read("c1", Ok(&body("c1", Some(&intent.reference), "success")));
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    house.pass(&running.door, HOUR).await;
    assert_eq!(house.fake.sent(), 0);
    assert_eq!(ledger.words(), ["CollectionRequested", "CollectionSucceeded"]);
    let view = running.door.intent(intent.id).await.unwrap().unwrap();
    assert_eq!(view.state, AttemptState::Accepted.as_str());
    running.stop().await;
}

async fn a_look_cut_off_in_the_middle_is_made_again(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let main = running.door.connection("main").unwrap();
    running.door.import(main, STATUS, body("c1", None, "pending").as_bytes(), "p").await.unwrap();
    house.settle(&running.door).await;
    let door = &running.door;
    let due = house.clock.now().plus(Duration::from_secs(60));
    let real_now = door.real_clock.now();
    let mut tx = door.store.write().await.unwrap();
    let lease = real_now.plus(Duration::from_millis(500));
    let leased = checks::lease_due(&mut tx, door.book, main, due, real_now, lease, 10).await.unwrap();
    assert_eq!(leased.len(), 1);
    let none = checks::lease_due(&mut tx, door.book, main, due, real_now, lease, 10).await.unwrap();
    assert!(none.is_empty());
    tx.commit().await.unwrap();
    running.stop().await;
    house.fake.on_read("c1", Ok(&body("c1", None, "success")));
    let running = house.run().await;
    house.pass(&running.door, Duration::from_secs(600)).await;
    assert_eq!(ledger.words(), ["CollectionPending", "CollectionSucceeded"]);
    running.stop().await;
}

async fn two_doors_on_one_store_do_everything_once(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let (first, second) = (house.run().await, house.run().await);
    for n in 0..10 {
        let id = format!("c{n}");
        house.fake.on_collect(Ok(&body(&id, Some("{reference}"), "success")));
    }
    for n in 0..10 {
        let door = if n % 2 == 0 { &first.door } else { &second.door };
        door.order(&house.command(door, &format!("key-{n}"))).await.unwrap();
    }
    house.settle(&first.door).await;
    assert_eq!(house.fake.sent(), 10);
    assert_eq!(ledger.claims().len(), 20);
    first.stop().await;
    second.stop().await;
}
