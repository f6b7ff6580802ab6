//! The in-process twin misbehaves on purpose, and can be seen to.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::{Duration, Instant};

use common::{ACK_WAIT, collect, local, next, next_one, note, notes, prefix, publish_all, silent, subject};
use ensimbi_bus::{Bus, BusError, Faults, LocalBus, LocalOptions, Subscription};
use ensimbi_events::bus::Stream;

async fn reader(bus: &LocalBus) -> (Box<dyn Subscription>, String) {
    let subject = subject(bus, "claims", "book.none");
    (bus.subscribe(Stream::Claims, "ledger", &subject).await.unwrap(), subject)
}

/// Ids in the order of arrival, each acknowledged.
async fn order(reader: &mut dyn Subscription, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    while ids.len() < count {
        for delivery in next(reader, 64).await {
            ids.push(delivery.message_id.clone().unwrap());
            delivery.ack().await;
        }
    }
    ids
}

#[tokio::test]
async fn dropped_messages_are_acknowledged_and_never_arrive() {
    let bus = local();
    let (mut reader, subject) = reader(&bus).await;
    bus.set_faults(Faults { drop_bp: 10_000, ..Faults::default() });
    assert_eq!(bus.publish(vec![note(&subject, 1)]).await, [Ok(())]);
    silent(&mut *reader, Duration::from_millis(100)).await;
    bus.set_faults(Faults::default());
    publish_all(&bus, vec![note(&subject, 2)]).await;
    assert_eq!(order(&mut *reader, 1).await, ["note-2:1"]);
}

#[tokio::test]
async fn doubled_messages_arrive_twice() {
    let bus = local();
    let (mut reader, subject) = reader(&bus).await;
    bus.set_faults(Faults { double_bp: 10_000, ..Faults::default() });
    publish_all(&bus, notes(&subject, 0..3)).await;
    assert_eq!(order(&mut *reader, 6).await, ["note-0:1", "note-0:1", "note-1:1", "note-1:1", "note-2:1", "note-2:1"]);
}

#[tokio::test]
async fn reordered_messages_all_arrive_in_another_order_that_the_seed_decides() {
    let run = async |seed| {
        let bus = local();
        let (mut reader, subject) = reader(&bus).await;
        bus.set_faults(Faults { seed, reorder_bp: 5_000, ..Faults::default() });
        publish_all(&bus, notes(&subject, 0..100)).await;
        order(&mut *reader, 100).await
    };
    let straight: Vec<String> = (0..100).map(|n| format!("note-{n}:1")).collect();
    let mixed = run(7).await;
    assert_ne!(mixed, straight);
    let (mut a, mut b) = (mixed.clone(), straight);
    a.sort();
    b.sort();
    assert_eq!(a, b);
    assert_eq!(run(7).await, mixed);
    assert_ne!(run(8).await, mixed);
}

#[tokio::test]
async fn delayed_messages_come_later() {
    let bus = local();
    let (mut reader, subject) = reader(&bus).await;
    bus.set_faults(Faults { delay_bp: 10_000, delay_ms: 200, ..Faults::default() });
    let start = Instant::now();
    publish_all(&bus, vec![note(&subject, 1)]).await;
    assert_eq!(bus.in_flight(), 1);
    next_one(&mut *reader).await.ack().await;
    assert!(start.elapsed() >= Duration::from_millis(200));
    assert_eq!(bus.in_flight(), 0);
}

#[tokio::test]
async fn lost_acknowledgements_bring_the_message_again() {
    let bus = local();
    let (mut reader, subject) = reader(&bus).await;
    publish_all(&bus, vec![note(&subject, 1)]).await;
    bus.set_faults(Faults { lose_ack_bp: 10_000, ..Faults::default() });
    next_one(&mut *reader).await.ack().await;
    bus.set_faults(Faults::default());
    let again = next_one(&mut *reader).await;
    assert!(again.redelivered());
    again.ack().await;
    silent(&mut *reader, ACK_WAIT * 2).await;
}

#[tokio::test]
async fn emptying_forgets_all_and_the_flow_goes_on() {
    let bus = local();
    let (mut reader, subject) = reader(&bus).await;
    publish_all(&bus, notes(&subject, 0..10)).await;
    let held = next_one(&mut *reader).await;
    bus.empty();
    assert_eq!(bus.in_flight(), 0);
    held.ack().await;
    silent(&mut *reader, ACK_WAIT + ACK_WAIT / 2).await;
    publish_all(&bus, notes(&subject, 10..12)).await;
    assert_eq!(collect(&mut *reader, 2).await.len(), 2);
    let mut late = bus.subscribe(Stream::Claims, "late", &subject).await.unwrap();
    assert_eq!(collect(&mut *late, 2).await.len(), 2);
}

#[tokio::test]
async fn a_full_reader_pushes_back_and_an_absent_one_does_not() {
    let options = LocalOptions { prefix: prefix(), capacity: 10, ack_wait: ACK_WAIT * 100, ..LocalOptions::default() };
    let bus = LocalBus::new(options).unwrap();
    let (mut reader, subject) = reader(&bus).await;
    tokio::time::pause();
    let results = bus.publish(notes(&subject, 0..15)).await;
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 10);
    assert!(
        matches!(results[10], Err(BusError::Unavailable(_))) && matches!(results[14], Err(BusError::Unavailable(_)))
    );
    tokio::time::resume();
    // Room is made while a publisher waits.
    let (results, ()) = tokio::join!(bus.publish(vec![note(&subject, 10)]), async {
        next_one(&mut *reader).await.ack().await;
    });
    assert_eq!(results, [Ok(())]);
    drop(reader);
    assert!(bus.publish(notes(&subject, 20..60)).await.iter().all(Result::is_ok));
    let mut reader = bus.subscribe(Stream::Claims, "ledger", &subject).await.unwrap();
    let ids = order(&mut *reader, 10).await;
    assert_eq!((ids[0].as_str(), ids[9].as_str()), ("note-50:1", "note-59:1"));
}
