//! Today's reading of stored bytes, beside what was told of them when they came.
//!
//! Pages of observations in order of their ids: opened, read by the connection's translator of today under its options of
//! today, and placed as the door would place them now; nothing is written. Beside it stand the claims of then with the
//! ledger's answers. Hints say nothing, so there is nothing to compare; what the door itself tells beside a translator
//! (a release of held money) is left out.
//!
//! Bounds: a page has at most [`PAGE`] observations, each with at most 1,000 statements, so memory does not grow with the
//! door. [`Door::correct`] is the one thing here that writes: a claim, like any other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use ensimbi_events::bus::Outcome;
use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::event::Proof;
use ensimbi_events::{Claim, ConnectionId, EvidenceClass, Fact, ObservationId};
use uuid::Uuid;

use super::connections::{Connection, find};
use super::store::inbox::{self, InboxState, Stored};
use super::store::{Tx, outbox};
use super::{Door, DoorError, place, translate};
use crate::connector::Input;

/// Observations in one page.
pub const PAGE: u32 = 32;

/// One observation: what was told of it, and what would be told today.
#[derive(Debug, Clone)]
pub struct Reread {
    /// The bytes, as evidence of a claim.
    pub proof: Proof,
    /// Whose.
    pub connection: ConnectionId,
    /// Kind of bytes.
    pub kind: String,
    /// What they have become.
    pub state: InboxState,
    /// The claims that were made of them.
    pub told: Vec<ToldBefore>,
    /// What they say today.
    pub today: Today,
}

/// A claim as it was made.
#[derive(Debug, Clone)]
pub struct ToldBefore {
    /// What it said.
    pub fact: Fact,
    /// The translator's own doubt.
    pub doubt: Option<DiscrepancyKind>,
    /// The ledger's answer, once there is one.
    pub outcome: Option<Outcome>,
}

/// What bytes say today.
#[derive(Debug, Clone)]
pub enum Today {
    /// They were read.
    Read {
        /// Name and version of the translator.
        translator: &'static str,
        /// Its statements, in order.
        said: Vec<SaidToday>,
    },
    /// They would be quarantined, and why.
    Unreadable(String),
    /// They were not looked at.
    NotRead(NotRead),
}

/// Why bytes were not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRead {
    /// Their key was destroyed.
    Erased,
    /// Their connection is not in the configuration.
    NotConfigured,
    /// They wait for their first translation.
    New,
}

/// A statement of today.
#[derive(Debug, Clone)]
pub struct SaidToday {
    /// The provider's word for its object.
    pub object_kind: &'static str,
    /// The object's id.
    pub object_id: Option<String>,
    /// The event's word, as the translator says it.
    pub word: &'static str,
    /// Which of several.
    pub occurrence: String,
    /// The fact; `None` where the door would not tell the ledger.
    pub fact: Option<Fact>,
    /// The translator's own doubt.
    pub doubt: Option<DiscrepancyKind>,
}

impl Door {
    /// The next page after an observation, of one connection or of all; empty at the end. Reads only.
    ///
    /// # Errors
    /// [`DoorError`]; [`DoorError::Vault`] where a row does not open although its key is there.
    pub async fn reread(
        &self,
        only: Option<ConnectionId>,
        after: Option<ObservationId>,
    ) -> Result<Vec<Reread>, DoorError> {
        let mut tx = self.store.read().await?;
        let rows = inbox::stored_after(&mut tx, self.book, only, after, PAGE).await?;
        let mut page = Vec::with_capacity(rows.len());
        for stored in rows {
            page.push(self.reread_one(&mut tx, stored).await?);
        }
        Ok(page)
    }

    async fn reread_one(&self, tx: &mut Tx, stored: Stored) -> Result<Reread, DoorError> {
        let Stored { row, state } = stored;
        let connection = find(&self.connections, row.connection);
        let told = self.told_of(tx, connection.map(AsRef::as_ref), row.id).await?;
        let today = match connection {
            _ if state == InboxState::New => Today::NotRead(NotRead::New),
            _ if row.sealed.wrapped_key.is_none() => Today::NotRead(NotRead::Erased),
            None => Today::NotRead(NotRead::NotConfigured),
            Some(connection) => self.today(tx, connection, &row).await?,
        };
        Ok(Reread { proof: row.proof(), connection: row.connection, kind: row.kind, state, told, today })
    }

    /// What translators said of an observation, without what the door told beside them.
    async fn told_of(
        &self,
        tx: &mut Tx,
        connection: Option<&Connection>,
        observation: ObservationId,
    ) -> Result<Vec<ToldBefore>, DoorError> {
        let mut told = Vec::new();
        for (body, outcome) in outbox::bodies_of_source(tx, self.book, observation.0).await? {
            let claim: Claim = serde_json::from_str(&body)
                .map_err(|why| DoorError::Damaged(format!("a claim in the outbox: {why}")))?;
            let own = claim.fact.object_kind.as_deref();
            let theirs = connection.is_none_or(|of| own.is_some_and(|kind| of.object_kind(kind).is_some()));
            if theirs {
                told.push(ToldBefore { fact: claim.fact, doubt: claim.doubt, outcome });
            }
        }
        Ok(told)
    }

    async fn today(&self, tx: &mut Tx, connection: &Connection, row: &inbox::Waiting) -> Result<Today, DoorError> {
        let facts = connection.connector.facts();
        if row.class == EvidenceClass::Hint {
            return Ok(Today::Read { translator: facts.translator, said: Vec::new() });
        }
        // A row that does not open is no reading of today's: somebody has touched the store.
        let opened = self.vault.open_observation(row.id, row.connection, &row.sealed)?;
        let (options, received_at, mode) = (&connection.settings.options, row.received_at, self.mode);
        let input = Input { kind: &row.kind, body: &opened.body, options, received_at, mode };
        let read = match catch_unwind(AssertUnwindSafe(|| connection.connector.translate(input))) {
            Ok(Ok(translation)) => translate::check(connection, translation),
            Ok(Err(why)) => Err(why.to_string()),
            Err(_) => Err("the translator panicked".to_owned()),
        };
        let translation = match read {
            Ok(translation) => translation,
            Err(reason) => return Ok(Today::Unreadable(reason)),
        };
        let mut said = Vec::with_capacity(translation.said.len());
        for (one, index) in translation.said.into_iter().zip(0u32..) {
            let mut today = SaidToday {
                object_kind: one.object.kind,
                object_id: one.object.id.clone(),
                word: one.body.word(),
                occurrence: one.occurrence.clone(),
                fact: None,
                doubt: one.doubt,
            };
            match place::placed(self, tx, connection, row, index, one).await? {
                Ok(placed) => today.fact = placed.and_then(|placed| placed.claim.ok()).map(|claim| claim.fact),
                Err(reason) => return Ok(Today::Unreadable(reason)),
            }
            said.push(today);
        }
        Ok(Today::Read { translator: facts.translator, said })
    }

    /// Tells the ledger of a correction and waits for its answer; `None` where it has not answered in time. The same claim
    /// again is the same note: nothing is told twice. The loops must be running.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn correct(&self, source: Uuid, claim: Claim, at_most: Duration) -> Result<Option<Outcome>, DoorError> {
        let id = claim.id;
        let note = place::note(source, claim).map_err(DoorError::Damaged)?;
        let mut tx = self.store.write().await?;
        outbox::insert(&mut tx, self.book, &[note], self.clock.now()).await?;
        tx.commit().await?;
        self.wake.outbox.notify_one();
        let look = || async {
            let mut tx = self.store.read().await?;
            let outcome = outbox::outcome(&mut tx, self.book, id).await?;
            let complete = outcome.is_some();
            Ok((outcome, complete))
        };
        self.until_answered(at_most, look).await
    }
}
