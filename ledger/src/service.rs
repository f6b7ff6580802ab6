//! The ledger on the bus: claims come up, answers and the log go down.
//!
//! take a batch -> check each MAC -> the writer -> publish answers and log -> acknowledge. The acknowledgement is last,
//! so a crash anywhere repeats the message; a repeat finds its keys and is answered "already there". What can never be
//! read is terminated, counted and never redelivered; a note whose sender is genuine comes again by its outbox.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ensimbi_bus::{Bus, BusError, Delivery, Outgoing, mac};
use ensimbi_events::bus::{
    Answer, BODY_BYTES_MAX, ClaimMessage, LogMessage, Outcome, Stream, answers_subject, claims_subject, log_subject,
};
use ensimbi_events::ports::MacKeys;
use ensimbi_events::{BookId, Claim, ConnectionId};
use tokio::sync::{mpsc, watch};

use crate::decide::Sealed;
use crate::writer::{Listener, Writer, WriterError};

const TAKE_MAX: usize = 1_000;
const LOG_QUEUE: usize = 10_000;

/// Counts for health and metrics.
#[derive(Debug, Default)]
pub struct Counts {
    /// Messages whose MAC or form was not ours.
    pub rejected: AtomicU64,
    /// Claims refused.
    pub refused: AtomicU64,
    /// Log messages that were let go because the bus lagged; readers go by position anyway.
    pub log_dropped: AtomicU64,
}

/// One book's service.
pub struct Service {
    bus: Arc<dyn Bus>,
    keys: Arc<dyn MacKeys>,
    book: BookId,
    counts: Arc<Counts>,
}

impl Service {
    /// For a book.
    pub fn new(bus: Arc<dyn Bus>, keys: Arc<dyn MacKeys>, book: BookId) -> Self {
        Self { bus, keys, book, counts: Arc::default() }
    }

    /// Its counts.
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// A listener for the writer that publishes every new event to `ensimbi.log.<book>`, and its pump.
    ///
    /// The log on the bus only wakes readers: when the bus lags, messages are dropped here, never waited for.
    pub fn log_pump(&self) -> (Listener, impl Future<Output = ()> + Send + 'static) {
        let (queue, mut waiting) = mpsc::channel::<Outgoing>(LOG_QUEUE);
        let key = self.keys.mac_key(self.book, None);
        let subject = log_subject(self.bus.prefix(), self.book);
        let counts = self.counts();
        let book = self.book;
        let listener: Listener = Arc::new(move |sealed: &[Sealed]| {
            for event in sealed {
                let Ok(body) = serde_json::to_vec(&log_message(book, event)) else { continue };
                let id = format!("{book}:{}", event.event.record.position);
                if queue.try_send(mac::sign_outgoing(&key, subject.clone(), id, body)).is_err() {
                    counts.log_dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let bus = Arc::clone(&self.bus);
        let pump = async move {
            let mut batch = Vec::new();
            while waiting.recv_many(&mut batch, TAKE_MAX).await > 0 {
                drop(bus.publish(std::mem::take(&mut batch)).await);
            }
        };
        (listener, pump)
    }

    /// Runs until told to stop, or until the writer has ended.
    ///
    /// # Errors
    /// A sentence, where going on makes no sense.
    pub async fn run(&self, writer: &Writer, mut stop: watch::Receiver<bool>) -> Result<(), String> {
        let filter = format!("{}.claims.{}.>", self.bus.prefix().to_lowercase(), self.book);
        let durable = format!("ledger-{}", self.book);
        let mut subscription = loop {
            match self.bus.subscribe(Stream::Claims, &durable, &filter).await {
                Ok(subscription) => break subscription,
                Err(BusError::Closed) => return Ok(()),
                Err(error) => {
                    tracing::warn!(%error, "the ledger cannot listen to the bus yet");
                    tokio::select! {
                        () = tokio::time::sleep(Duration::from_secs(1)) => {}
                        _ = stop.changed() => return Ok(()),
                    }
                }
            }
        };
        loop {
            let batch = tokio::select! {
                batch = subscription.next_batch(TAKE_MAX) => batch,
                _ = stop.changed() => return Ok(()),
            };
            let Ok(batch) = batch else { return Ok(()) };
            self.take(writer, batch).await?;
        }
    }

    async fn take(&self, writer: &Writer, batch: Vec<Delivery>) -> Result<(), String> {
        let mut messages = Vec::with_capacity(batch.len());
        let mut deliveries = Vec::with_capacity(batch.len());
        for delivery in batch {
            match self.read(&delivery) {
                Some(message) => {
                    messages.push(message);
                    deliveries.push(delivery);
                }
                None => {
                    self.counts.rejected.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(subject = %delivery.subject, "a claim that is not authentic or not readable");
                    delivery.term().await;
                }
            }
        }
        let claims = messages.iter().map(|message| message.claim.clone()).collect();
        let answers = writer.submit(claims).await;
        let mut outgoing = Vec::with_capacity(answers.len());
        let mut answered = Vec::with_capacity(answers.len());
        for ((message, delivery), answer) in messages.iter().zip(deliveries).zip(answers) {
            match answer {
                Ok(outcome) => {
                    self.count(&outcome);
                    outgoing.extend(self.answer(message, outcome));
                    answered.push(delivery);
                }
                Err(WriterError::Unavailable(_) | WriterError::Fenced) => delivery.nak(Duration::from_secs(1)).await,
                Err(WriterError::Ended(reason)) => return Err(reason),
            }
        }
        // A lost answer is asked for again by the outbox, so the claims are acknowledged either way.
        drop(self.bus.publish(outgoing).await);
        for delivery in answered {
            delivery.ack().await;
        }
        Ok(())
    }

    /// The claim, if subject, MAC, body and book agree.
    fn read(&self, delivery: &Delivery) -> Option<ClaimMessage> {
        if delivery.body.len() > BODY_BYTES_MAX {
            return None;
        }
        let connection = match delivery.subject.rsplit('.').next()? {
            "none" => None,
            id => Some(id.parse::<ConnectionId>().ok()?),
        };
        if delivery.subject != claims_subject(self.bus.prefix(), self.book, connection)
            || !mac::check(delivery, &self.keys.mac_key(self.book, connection))
        {
            return None;
        }
        let message: ClaimMessage = serde_json::from_slice(&delivery.body).ok()?;
        let claim: &Claim = &message.claim;
        (claim.book == self.book && claim.fact.connection == connection).then_some(message)
    }

    fn answer(&self, message: &ClaimMessage, outcome: Outcome) -> Option<Outgoing> {
        let claim = &message.claim;
        let connection = claim.fact.connection;
        let answer = Answer { claim: claim.id, book: self.book, connection, attempt: message.attempt, outcome };
        let body = serde_json::to_vec(&answer).ok()?;
        let subject = answers_subject(self.bus.prefix(), self.book, connection);
        let key = self.keys.mac_key(self.book, connection);
        Some(mac::sign_outgoing(&key, subject, format!("{}:{}", claim.id, message.attempt), body))
    }

    fn count(&self, outcome: &Outcome) {
        if matches!(outcome, Outcome::Refused { .. }) {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn log_message(book: BookId, sealed: &Sealed) -> LogMessage {
    let event = &sealed.event;
    LogMessage {
        specversion: "1.0".to_owned(),
        id: event.record.event_id.to_string(),
        source: format!("/books/{book}"),
        kind: format!("ensimbi.{}.v{}", event.fact.body.word(), event.fact.version),
        time: event.record.recorded_at,
        position: event.record.position,
        leafhash: sealed.leaf_hash,
        data: event.fact.clone(),
    }
}
