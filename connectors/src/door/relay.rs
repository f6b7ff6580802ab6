//! Outbox -> bus. A note that was published is not finished: without the ledger's answer it is sent again, with the
//! next attempt in its message id, after a wait of real time that doubles up to its longest.
//!
//! Order: take due notes and move their next sending (commit) -> publish -> mark what the bus took (commit). Killed
//! after the first step they go out at their next sending; after the second they go out twice, which the ledger sees.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_bus::{BusError, Outgoing, mac};
use ensimbi_events::bus::claims_subject;
use ensimbi_events::ports::MacKeys;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::Notify;

use super::loops::{Step, Work};
use super::store::counters;
use super::store::outbox::{self, Due};
use super::{Door, DoorError, schedule};

/// Notes in one publish.
const BATCH: u32 = 500;
/// After the bus refused to take a note now.
const BUS_RETRY: Duration = Duration::from_secs(1);

/// [`ensimbi_events::bus::ClaimMessage`] with the claim's JSON exactly as it was written.
#[derive(Serialize)]
struct Message<'a> {
    claim: &'a RawValue,
    attempt: u32,
}

/// The loop.
pub(crate) struct Relay;

#[async_trait]
impl Work for Relay {
    const NAME: &'static str = "relay";

    fn wake(door: &Door) -> &Notify {
        &door.wake.outbox
    }

    async fn step(&mut self, door: &Arc<Door>) -> Result<Step, DoorError> {
        let real_now = door.real_clock.now();
        let mut read = door.store.read().await?;
        let any = outbox::any_due(&mut read, door.book, real_now).await?;
        drop(read);
        if !any {
            return Ok(Step::Wait(None));
        }
        let due = take(door).await?;
        if due.is_empty() {
            return Ok(Step::Wait(None));
        }
        let mut notes = Vec::with_capacity(due.len());
        let mut messages = Vec::with_capacity(due.len());
        for note in due {
            match message(door, &note) {
                Ok(message) => {
                    messages.push(message);
                    notes.push(note);
                }
                Err(why) => tracing::error!(claim = %note.claim, %why, "a note in the outbox cannot be read"),
            }
        }
        let results = door.bus.publish(messages).await;
        mark(door, &notes, results).await?;
        Ok(Step::Again)
    }
}

async fn take(door: &Door) -> Result<Vec<Due>, DoorError> {
    let real_now = door.real_clock.now();
    let mut tx = door.store.write().await?;
    let mut due = outbox::due(&mut tx, door.book, real_now, BATCH).await?;
    let mut resent = 0;
    for note in &mut due {
        let wait = schedule::backoff(door.tuning.resend_after, note.attempt, door.tuning.resend_max);
        resent += u64::from(note.attempt > 0);
        note.attempt = note.attempt.saturating_add(1);
        outbox::lease(&mut tx, door.book, note.claim, note.attempt, real_now.plus(wait)).await?;
    }
    counters::add(&mut tx, door.book, counters::RESENT, resent).await?;
    tx.commit().await?;
    Ok(due)
}

fn message(door: &Door, note: &Due) -> Result<Outgoing, serde_json::Error> {
    let claim: &RawValue = serde_json::from_str(&note.body)?;
    let body = serde_json::to_vec(&Message { claim, attempt: note.attempt })?;
    let subject = claims_subject(door.bus.prefix(), door.book, note.connection);
    let key = door.vault.mac_key(door.book, note.connection);
    let id = [note.claim.to_string(), note.attempt.to_string()].join(":");
    Ok(mac::sign_outgoing(&key, subject, id, body))
}

async fn mark(door: &Door, notes: &[Due], results: Vec<Result<(), BusError>>) -> Result<(), DoorError> {
    let soon = door.real_clock.now().plus(BUS_RETRY);
    let mut tx = door.store.write().await?;
    let mut failed = 0u32;
    for (note, result) in notes.iter().zip(results) {
        match result {
            Ok(()) => outbox::published(&mut tx, door.book, note.claim).await?,
            Err(BusError::Refused(why)) => {
                // It stays in the outbox and is tried at its next sending: a note is finished by the ledger only.
                tracing::error!(claim = %note.claim, why, "the bus cannot carry a note; a person must look");
            }
            Err(why) => {
                if failed == 0 {
                    tracing::warn!(%why, "the bus does not take notes now");
                }
                failed += 1;
                outbox::lease(&mut tx, door.book, note.claim, note.attempt, soon).await?;
            }
        }
    }
    tx.commit().await
}
