//! Bus -> outbox: the ledger's answers. Only they finish a note.
//!
//! Order for a batch: the MAC of each under the key of the connection that its subject names (a bad one is counted and
//! never comes again) -> all outcomes in one transaction, with what they mean for commands -> acknowledge. An answer to
//! a finished note, or to one of another door of the book, changes nothing.

use std::sync::Arc;
use std::time::Duration;

use ensimbi_bus::{BusError, Delivery, Subscription, mac};
use ensimbi_events::bus::{Answer, Outcome, Stream, answers_subject};
use ensimbi_events::codes::Refusal;
use ensimbi_events::ports::MacKeys;
use tokio::sync::watch;

use super::store::attempts::{self, AttemptState};
use super::store::{Tx, counters, intents, outbox};
use super::{Door, DoorError};

/// Answers in one transaction.
const BATCH: usize = 500;
/// Wait before a batch that could not be stored comes again.
const STORE_RETRY: Duration = Duration::from_secs(1);
/// Wait before subscribing again.
const SUBSCRIBE_RETRY: Duration = Duration::from_secs(5);

/// Listens until the shutdown.
pub(crate) async fn listen(door: Arc<Door>, mut shutdown: watch::Receiver<bool>) {
    while !*shutdown.borrow() {
        tokio::select! {
            () = subscribed(&door) => {}
            ended = shutdown.changed() => if ended.is_err() { return },
        }
    }
}

async fn subscribed(door: &Door) {
    let filter = [&door.bus.prefix().to_lowercase(), "answers", &door.book.to_string(), ">"].join(".");
    let durable = ["door", &door.book.to_string()].join("-");
    match door.bus.subscribe(Stream::Answers, &durable, &filter).await {
        Ok(mut subscription) => take(door, subscription.as_mut()).await,
        Err(BusError::Closed) => {}
        Err(why) => tracing::error!(%why, "answers cannot be received; notes stay open and are sent again"),
    }
    tokio::time::sleep(SUBSCRIBE_RETRY).await;
}

async fn take(door: &Door, subscription: &mut dyn Subscription) {
    // The only error is that the bus is closed.
    while let Ok(batch) = subscription.next_batch(BATCH).await {
        let mut answers = Vec::with_capacity(batch.len());
        let mut bad = Vec::new();
        for delivery in batch {
            match authentic(door, &delivery) {
                Some(answer) => answers.push((delivery, answer)),
                None => bad.push(delivery),
            }
        }
        match store(door, &answers, bad.len()).await {
            Ok(()) => {
                for (delivery, _) in answers {
                    delivery.ack().await;
                }
                for delivery in bad {
                    delivery.term().await;
                }
                door.wake.commands.notify_one();
                door.wake.outbox.notify_one();
                door.wake.answered.notify_waiters();
            }
            Err(why) => {
                tracing::warn!(%why, "answers could not be stored; they come again");
                for delivery in answers.into_iter().map(|(delivery, _)| delivery).chain(bad) {
                    delivery.nak(STORE_RETRY).await;
                }
                tokio::time::sleep(STORE_RETRY).await;
            }
        }
    }
}

/// Reads an answer that the ledger itself wrote for this book. The body is parsed first, because it names the
/// connection whose key counts; nothing is done with it before the MAC holds.
fn authentic(door: &Door, delivery: &Delivery) -> Option<Answer> {
    let answer: Answer = serde_json::from_slice(&delivery.body).ok()?;
    let subject = answers_subject(door.bus.prefix(), door.book, answer.connection);
    let key = door.vault.mac_key(door.book, answer.connection);
    (answer.book == door.book && delivery.subject == subject && mac::check(delivery, &key)).then_some(answer)
}

async fn store(door: &Door, answers: &[(Delivery, Answer)], bad: usize) -> Result<(), DoorError> {
    if answers.is_empty() && bad == 0 {
        return Ok(());
    }
    let mut tx = door.store.write().await?;
    if bad > 0 {
        tracing::error!(bad, "answers that are forged, damaged or not for this book");
        counters::add(&mut tx, door.book, counters::BAD_ANSWERS, bad as u64).await?;
    }
    let mut repeated = 0;
    for (_, answer) in answers {
        if is_about_transport(&answer.outcome) {
            continue;
        }
        if outbox::answered(&mut tx, door.book, answer.claim, &answer.outcome).await? {
            decide(door, &mut tx, answer).await?;
        } else {
            repeated += 1;
        }
    }
    counters::add(&mut tx, door.book, counters::REPEATED_ANSWERS, repeated).await?;
    tx.commit().await
}

/// The message was damaged on its way, not the claim refused: it is sent again.
fn is_about_transport(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused { code: Refusal::NotAuthentic, .. })
}

/// What an answer means for a command that waits for it.
async fn decide(door: &Door, tx: &mut Tx, answer: &Answer) -> Result<(), DoorError> {
    if let Outcome::Refused { code, .. } = &answer.outcome
        && *code != Refusal::ReadFirst
    {
        tracing::warn!(claim = %answer.claim, code = code.as_str(), "the ledger refused a claim");
        counters::add(tx, door.book, counters::REFUSED, 1).await?;
    }
    let Some(attempt) = attempts::by_claim(tx, door.book, answer.claim).await? else { return Ok(()) };
    let now = door.clock.now();
    match &answer.outcome {
        Outcome::Recorded { .. } => attempts::clear(tx, door.book, &attempt, now).await,
        Outcome::Refused { code, .. } => {
            if attempts::end(tx, door.book, &attempt, AttemptState::Refused, now).await? {
                intents::refuse(tx, door.book, attempt.intent, code.as_str()).await?;
            }
            Ok(())
        }
    }
}
