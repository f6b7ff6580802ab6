//! Bytes that a person brings: exports, saved answers, support's replies. They take the same way as all others.
//!
//! An import counts as our own read, with the id of who brought it; an imported webhook is a hint, as it would be had
//! it come by itself. The same bytes a second time are recognised.

use std::time::Duration;

use ensimbi_events::{ConnectionId, EvidenceClass, ObservationId};

use super::connections::find;
use super::store::inbox::{self, InboxState};
use super::store::outbox::{self, ClaimOutcome};
use super::webhook::WEBHOOK;
use super::{Door, DoorError, http};

/// Longest actor id.
const ACTOR_MAX: usize = 100;

/// What became of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportReceipt {
    /// Their observation, new or known.
    pub observation: ObservationId,
    /// Whether these bytes were there already.
    pub repeated: bool,
}

/// What became of an observation's claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportOutcome {
    /// New, translated, quarantined, or done as a hint.
    pub state: InboxState,
    /// Why it was quarantined.
    pub reason: Option<String>,
    /// Its claims in the order of the bytes, each with the ledger's answer once there is one.
    pub claims: Vec<ClaimOutcome>,
}

impl ImportOutcome {
    /// Whether nothing more will come.
    pub fn is_complete(&self) -> bool {
        self.state != InboxState::New && self.claims.iter().all(|claim| claim.outcome.is_some())
    }
}

/// Why bytes were not taken. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No such connection in this book.
    #[error("no connection of this book has this id")]
    UnknownConnection,
    /// A kind of bytes that the connector does not read.
    #[error("unknown kind of bytes; this connection reads {}", .0.join(", "))]
    UnknownKind(Vec<&'static str>),
    /// Empty, or too large.
    #[error("expected 1 to {} bytes", http::ANSWER_BYTES_MAX)]
    Size,
    /// The id of who brings it.
    #[error("actor id: expected 1 to 100 letters, digits, and . _ - @ :")]
    Actor,
    /// The store.
    #[error(transparent)]
    Door(#[from] DoorError),
}

impl Door {
    /// Stores bytes that a person brought. Translation follows by itself.
    ///
    /// # Errors
    /// [`ImportError`].
    pub async fn import(
        &self,
        connection: ConnectionId,
        kind: &str,
        body: &[u8],
        actor_id: &str,
    ) -> Result<ImportReceipt, ImportError> {
        let connection = find(&self.connections, connection).ok_or(ImportError::UnknownConnection)?;
        let kinds = connection.connector.facts().kinds;
        if !kinds.contains(&kind) {
            return Err(ImportError::UnknownKind(kinds.to_vec()));
        }
        if body.is_empty() || body.len() > http::ANSWER_BYTES_MAX {
            return Err(ImportError::Size);
        }
        let id_character = |b: u8| b.is_ascii_alphanumeric() || b"._-@:".contains(&b);
        if !(1..=ACTOR_MAX).contains(&actor_id.len()) || !actor_id.bytes().all(id_character) {
            return Err(ImportError::Actor);
        }
        let class = if kind == WEBHOOK { EvidenceClass::Hint } else { EvidenceClass::Imported };
        let mut observation = self.observe(connection.id, kind, class, body)?;
        observation.actor_id = Some(actor_id.to_owned());
        let mut tx = self.store.write().await?;
        let (observation, new) = self.keep(&mut tx, observation).await?;
        tx.commit().await?;
        self.wake.inbox.notify_one();
        Ok(ImportReceipt { observation, repeated: !new })
    }

    /// What became of an observation so far; `None` where this book has no such observation.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn outcome(&self, observation: ObservationId) -> Result<Option<ImportOutcome>, DoorError> {
        let mut tx = self.store.read().await?;
        let Some((state, reason)) = inbox::state(&mut tx, self.book, observation).await? else { return Ok(None) };
        let claims = outbox::of_source(&mut tx, self.book, observation.0).await?;
        Ok(Some(ImportOutcome { state, reason, claims }))
    }

    /// Waits until an observation's claims are all answered, or until the real time is over; gives what is known then.
    /// The loops must be running.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn wait_for(
        &self,
        observation: ObservationId,
        at_most: Duration,
    ) -> Result<Option<ImportOutcome>, DoorError> {
        let look = || async {
            let outcome = self.outcome(observation).await?;
            let complete = outcome.as_ref().is_none_or(ImportOutcome::is_complete);
            Ok((outcome, complete))
        };
        self.until_answered(at_most, look).await
    }
}
