//! What every bus test needs.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use ensimbi_bus::{Bus, Delivery, LocalBus, LocalOptions, NatsBus, NatsOptions, Outgoing, Subscription, mac};
use tokio::time::timeout;

/// Acknowledgement time in tests: short, so that redelivery is seen.
pub const ACK_WAIT: Duration = Duration::from_secs(1);
pub const KEY: [u8; 32] = [9; 32];
/// Far above what anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(40);

pub fn prefix() -> String {
    let mut random = [0; 8];
    aws_lc_rs::rand::fill(&mut random).unwrap();
    format!("T{}", hex::encode(random))
}

pub fn local() -> LocalBus {
    LocalBus::new(LocalOptions { prefix: prefix(), ack_wait: ACK_WAIT, ..LocalOptions::default() }).unwrap()
}

/// The URL of a server, or a failed test that says what to do.
pub fn url(variable: &str) -> String {
    match std::env::var(variable) {
        Ok(url) if !url.is_empty() => url,
        _ => panic!("{variable} is not set: start a nats-server with JetStream (-js) and put its URL there"),
    }
}

pub async fn nats_at(url: &str, prefix: String) -> NatsBus {
    let options = NatsOptions { prefix, ack_wait: ACK_WAIT, ..NatsOptions::new(url) };
    NatsBus::connect(options).await.unwrap()
}

pub async fn nats(variable: &str) -> NatsBus {
    nats_at(&url(variable), prefix()).await
}

/// JetStream as an operator would use it, past our bus.
pub async fn admin(variable: &str) -> async_nats::jetstream::Context {
    async_nats::jetstream::new(async_nats::connect(url(variable)).await.unwrap())
}

/// Removes what a passed test made.
pub async fn clean(variable: &str, prefix: &str) {
    let admin = admin(variable).await;
    for stream in ensimbi_events::bus::Stream::ALL {
        drop(admin.delete_stream(stream.name(prefix)).await);
    }
}

pub fn subject(bus: &dyn Bus, stream: &str, book: &str) -> String {
    format!("{}.{stream}.{book}", bus.prefix().to_lowercase())
}

pub fn note(subject: &str, n: usize) -> Outgoing {
    mac::sign_outgoing(&KEY, subject.to_owned(), format!("note-{n}:1"), format!("{{\"n\":{n}}}").into_bytes())
}

pub fn notes(subject: &str, range: std::ops::Range<usize>) -> Vec<Outgoing> {
    range.map(|n| note(subject, n)).collect()
}

/// Publishes until all are acknowledged: what the outbox does.
pub async fn publish_all(bus: &dyn Bus, messages: Vec<Outgoing>) {
    let trying = async {
        let mut open = messages;
        while !open.is_empty() {
            let results = bus.publish(open.clone()).await;
            open = open.into_iter().zip(results).filter(|(_, r)| r.is_err()).map(|(m, _)| m).collect();
            if !open.is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    timeout(PATIENCE, trying).await.expect("all publishes acknowledged in time");
}

pub async fn next(subscription: &mut dyn Subscription, max: usize) -> Vec<Delivery> {
    timeout(PATIENCE, subscription.next_batch(max)).await.expect("a message in time").unwrap()
}

pub async fn next_one(subscription: &mut dyn Subscription) -> Delivery {
    let mut batch = next(subscription, 1).await;
    assert_eq!(batch.len(), 1);
    batch.remove(0)
}

/// Reads and acknowledges until `count` different ids were seen; how often each came.
pub async fn collect(subscription: &mut dyn Subscription, count: usize) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    while seen.len() < count {
        for delivery in next(subscription, 256).await {
            assert!(mac::check(&delivery, &KEY));
            *seen.entry(delivery.message_id.clone().unwrap()).or_insert(0) += 1;
            delivery.ack().await;
        }
    }
    seen
}

/// Nothing comes for a while.
pub async fn silent(subscription: &mut dyn Subscription, for_this_long: Duration) {
    let came = timeout(for_this_long, subscription.next_batch(1)).await;
    assert!(came.is_err(), "expected silence, got {:?}", came.unwrap());
}
