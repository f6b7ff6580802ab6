//! One suite, every bus: the in-process twin, an old NATS server and a current one.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{ACK_WAIT, KEY, collect, next, next_one, note, notes, publish_all, silent, subject};
use ensimbi_bus::{Bus, BusError, mac};
use ensimbi_events::bus::{BODY_BYTES_MAX, Stream};

async fn a_published_message_arrives_with_id_mac_and_body(bus: &dyn Bus) {
    let subject = subject(bus, "claims", "book.none");
    let mut reader = bus.subscribe(Stream::Claims, "ledger", &subject).await.unwrap();
    assert_eq!(bus.publish(vec![note(&subject, 1)]).await, [Ok(())]);
    let delivery = next_one(&mut *reader).await;
    assert_eq!(delivery.subject, subject);
    assert_eq!(delivery.message_id.as_deref(), Some("note-1:1"));
    assert_eq!(delivery.body, b"{\"n\":1}");
    assert!(mac::check(&delivery, &KEY) && !delivery.redelivered());
    delivery.ack().await;
    silent(&mut *reader, ACK_WAIT * 2).await;
    assert!(bus.health().await.ok);
}

async fn a_message_published_before_the_subscription_is_found(bus: &dyn Bus) {
    let subject = subject(bus, "log", "book");
    publish_all(bus, notes(&subject, 0..10)).await;
    let mut reader = bus.subscribe(Stream::Log, "views", &subject).await.unwrap();
    assert_eq!(collect(&mut *reader, 10).await.len(), 10);
}

async fn a_durable_continues_where_its_acknowledgements_stopped(bus: &dyn Bus) {
    let subject = subject(bus, "log", "book");
    let mut reader = bus.subscribe(Stream::Log, "views", &subject).await.unwrap();
    publish_all(bus, notes(&subject, 0..5)).await;
    collect(&mut *reader, 5).await;
    drop(reader);
    publish_all(bus, notes(&subject, 5..8)).await;
    let mut reader = bus.subscribe(Stream::Log, "views", &subject).await.unwrap();
    let seen = collect(&mut *reader, 3).await;
    assert!(seen.keys().all(|id| ["note-5:1", "note-6:1", "note-7:1"].contains(&id.as_str())), "{seen:?}");
}

async fn an_unacknowledged_message_comes_again_until_it_is_terminated(bus: &dyn Bus) {
    let subject = subject(bus, "claims", "book.none");
    let mut reader = bus.subscribe(Stream::Claims, "ledger", &subject).await.unwrap();
    publish_all(bus, notes(&subject, 1..2)).await;
    drop(next_one(&mut *reader).await);
    let again = next_one(&mut *reader).await;
    assert_eq!((again.attempt, again.message_id.as_deref()), (2, Some("note-1:1")));
    assert!(again.redelivered());
    again.nak(Duration::from_millis(300)).await;
    let third = next_one(&mut *reader).await;
    assert_eq!(third.attempt, 3);
    third.term().await;
    silent(&mut *reader, ACK_WAIT * 2).await;
}

async fn two_durables_both_get_everything(bus: &dyn Bus) {
    let subject = subject(bus, "log", "book");
    let mut one = bus.subscribe(Stream::Log, "one", &subject).await.unwrap();
    let mut two = bus.subscribe(Stream::Log, "two", &subject).await.unwrap();
    publish_all(bus, notes(&subject, 0..50)).await;
    assert_eq!(collect(&mut *one, 50).await.len(), 50);
    assert_eq!(collect(&mut *two, 50).await.len(), 50);
}

async fn a_filter_keeps_other_books_and_streams_away(bus: &dyn Bus) {
    let filter = subject(bus, "claims", "mine.*");
    let mut reader = bus.subscribe(Stream::Claims, "ledger", &filter).await.unwrap();
    let all = bus.subscribe(Stream::Claims, "all", &subject(bus, "claims", ">")).await;
    let others = ["claims.other.none", "answers.mine.none", "log.mine"];
    for (n, other) in others.iter().enumerate() {
        publish_all(bus, notes(&format!("{}.{other}", bus.prefix().to_lowercase()), n..n + 1)).await;
    }
    publish_all(bus, notes(&subject(bus, "claims", "mine.none"), 7..8)).await;
    assert_eq!(next_one(&mut *reader).await.message_id.as_deref(), Some("note-7:1"));
    assert_eq!(collect(&mut *all.unwrap(), 2).await.len(), 2);
    let outside = bus.subscribe(Stream::Claims, "x", &subject(bus, "log", ">")).await;
    assert!(matches!(outside.err(), Some(BusError::Refused(_))));
}

async fn two_thousand_messages_all_arrive(bus: &dyn Bus) {
    let subject = subject(bus, "claims", "book.none");
    let mut reader = bus.subscribe(Stream::Claims, "ledger", &subject).await.unwrap();
    let results = bus.publish(notes(&subject, 0..2_000)).await;
    assert_eq!(results.len(), 2_000);
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(collect(&mut *reader, 2_000).await.len(), 2_000);
}

async fn unacknowledged_deliveries_are_bounded(bus: &dyn Bus) {
    let subject = subject(bus, "claims", "book.none");
    publish_all(bus, notes(&subject, 0..2_500)).await;
    let mut reader = bus.subscribe(Stream::Claims, "ledger", &subject).await.unwrap();
    let mut held = Vec::new();
    // Faster than the acknowledgement time, so that redelivery does not blur the count.
    let taking = async {
        loop {
            held.extend(next(&mut *reader, 500).await);
        }
    };
    drop(tokio::time::timeout(ACK_WAIT * 3 / 4, taking).await);
    assert!((1..=2_000).contains(&held.len()), "{}", held.len());
}

async fn a_message_that_was_changed_fails_its_mac(bus: &dyn Bus) {
    let (right, wrong) = (subject(bus, "claims", "right.none"), subject(bus, "claims", "wrong.none"));
    let mut reader = bus.subscribe(Stream::Claims, "ledger", &subject(bus, "claims", ">")).await.unwrap();
    let mut moved = note(&right, 1);
    moved.subject = wrong;
    let mut changed = note(&right, 2);
    changed.body = b"{\"n\":9}".to_vec();
    publish_all(bus, vec![note(&right, 0), moved, changed]).await;
    let mut verdicts = Vec::new();
    while verdicts.len() < 3 {
        for delivery in next(&mut *reader, 3).await {
            assert!(!mac::check(&delivery, &[8; 32]));
            verdicts.push((delivery.message_id.clone().unwrap(), mac::check(&delivery, &KEY)));
            delivery.term().await;
        }
    }
    verdicts.sort();
    assert_eq!(verdicts.iter().map(|(_, ok)| *ok).collect::<Vec<_>>(), [true, false, false]);
}

async fn results_come_in_order_and_bad_messages_are_refused(bus: &dyn Bus) {
    let subject = subject(bus, "claims", "book.none");
    let mut large = note(&subject, 2);
    large.body = vec![b' '; BODY_BYTES_MAX + 1];
    let mut largest = note(&subject, 3);
    largest.body = vec![b' '; BODY_BYTES_MAX];
    let mut header = note(&subject, 4);
    header.message_id = "a\r\nEnsimbi-Mac: b".to_owned();
    let messages = vec![note(&subject, 1), large, largest, header, note("other.claims.book", 5), note("a.*", 6)];
    // Wait for the streams first: this test is about single results.
    publish_all(bus, notes(&subject, 0..1)).await;
    let results = bus.publish(messages).await;
    let refused = |r: &Result<(), BusError>| matches!(r, Err(BusError::Refused(_)));
    assert_eq!(results.iter().map(refused).collect::<Vec<_>>(), [false, true, false, true, true, true]);
    assert!(results[0].is_ok() && results[2].is_ok(), "{results:?}");
    assert!(bus.publish(Vec::new()).await.is_empty());
}

async fn a_durable_with_another_filter_is_foreign(bus: &dyn Bus) {
    let (one, two) = (subject(bus, "claims", "one.none"), subject(bus, "claims", "two.none"));
    let mut reader = bus.subscribe(Stream::Claims, "ledger", &one).await.unwrap();
    let other = bus.subscribe(Stream::Claims, "ledger", &two).await;
    assert!(matches!(other.err(), Some(BusError::Foreign(_))));
    publish_all(bus, vec![note(&one, 1)]).await;
    next_one(&mut *reader).await.ack().await;
}

async fn dropping_a_wait_loses_nothing(bus: &dyn Bus) {
    let subject = subject(bus, "claims", "book.none");
    let mut reader = bus.subscribe(Stream::Claims, "ledger", &subject).await.unwrap();
    let mut seen = 0;
    publish_all(bus, notes(&subject, 0..300)).await;
    while seen < 300 {
        if let Ok(batch) = tokio::time::timeout(Duration::from_micros(200), reader.next_batch(7)).await {
            for delivery in batch.unwrap() {
                assert_eq!(delivery.attempt, 1);
                seen += 1;
                delivery.ack().await;
            }
        }
    }
}

async fn closing_ends_publishes_and_subscriptions(bus: &dyn Bus) {
    let subject = subject(bus, "claims", "book.none");
    let mut reader = bus.subscribe(Stream::Claims, "ledger", &subject).await.unwrap();
    let (waited, ()) = tokio::join!(reader.next_batch(1), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        bus.close().await;
    });
    assert_eq!(waited.err(), Some(BusError::Closed));
    assert_eq!(reader.next_batch(1).await.err(), Some(BusError::Closed));
    assert_eq!(bus.publish(vec![note(&subject, 1)]).await, [Err(BusError::Closed)]);
    assert_eq!(bus.subscribe(Stream::Claims, "ledger", &subject).await.err(), Some(BusError::Closed));
    assert!(!bus.health().await.ok);
}

macro_rules! suite {
    ($($test:ident),* $(,)?) => {
        mod local {
            $(#[tokio::test] async fn $test() { super::$test(&crate::common::local()).await; })*
        }
        mod nats_old {
            $(#[tokio::test] async fn $test() { crate::on_nats("ENSIMBI_TEST_NATS_URL", async |bus| super::$test(bus).await).await; })*
        }
        mod nats_current {
            $(#[tokio::test] async fn $test() {
                crate::on_nats("ENSIMBI_TEST_NATS_URL_CURRENT", async |bus| super::$test(bus).await).await;
            })*
        }
    };
}

async fn on_nats(variable: &str, test: impl AsyncFnOnce(&dyn Bus)) {
    let bus = common::nats(variable).await;
    test(&bus).await;
    common::clean(variable, bus.prefix()).await;
}

suite! {
    a_published_message_arrives_with_id_mac_and_body,
    a_message_published_before_the_subscription_is_found,
    a_durable_continues_where_its_acknowledgements_stopped,
    an_unacknowledged_message_comes_again_until_it_is_terminated,
    two_durables_both_get_everything,
    a_filter_keeps_other_books_and_streams_away,
    two_thousand_messages_all_arrive,
    unacknowledged_deliveries_are_bounded,
    a_message_that_was_changed_fails_its_mac,
    results_come_in_order_and_bad_messages_are_refused,
    a_durable_with_another_filter_is_foreign,
    dropping_a_wait_loses_nothing,
    closing_ends_publishes_and_subscriptions,
}
