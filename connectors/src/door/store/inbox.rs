//! Raw bytes from providers: sealed, kept, never edited. One row a delivery, however often it comes.

use ensimbi_events::commands::TrailObservation;
use ensimbi_events::event::Proof;
use ensimbi_events::word::EvidenceClass;
use ensimbi_events::{BookId, ConnectionId, Hash, ObservationId, PartyId, SubjectId, Time};
use ensimbi_vault::{Sealed, SealedObservation};

use super::value::values;
use super::{Tx, statements};
use crate::door::DoorError;

statements! {
    INSERT plain "INSERT INTO inbox (book, id, connection, kind, class, actor_id, received_at, delivery_key, sealed, \
        wrapped_key, commitment, subject_hint) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
        ON CONFLICT (book, connection, kind, delivery_key) DO UPDATE SET deliveries = inbox.deliveries + 1 \
        RETURNING id, deliveries";
    TAKE locking "SELECT id, connection, kind, class, actor_id, received_at, sealed, wrapped_key, commitment, \
        subject_hint FROM inbox WHERE book = $1 AND state = 'new' ORDER BY received_at, id LIMIT $2";
    FINISH plain "UPDATE inbox SET state = $3, reason = $4 WHERE book = $1 AND id = $2 AND state = 'new'";
    STATE plain "SELECT state, reason FROM inbox WHERE book = $1 AND id = $2";
    ANY_NEW plain "SELECT COUNT(*) FROM (SELECT 1 AS one FROM inbox WHERE book = $1 AND state = 'new' LIMIT 1) AS found";
    /// A hint or an answer that turned out to be about one of our orders.
    ABOUT plain "UPDATE inbox SET subject_hint = $3 WHERE book = $1 AND id = $2 AND subject_hint IS NULL";
    TRAIL plain "SELECT id, kind, class, received_at, commitment, deliveries, state, actor_id FROM inbox \
        WHERE book = $1 AND id IN (SELECT source FROM outbox WHERE book = $1 AND subject = $2 UNION \
        SELECT id FROM inbox WHERE book = $1 AND subject_hint = $2) ORDER BY received_at, id LIMIT $3";
    QUARANTINE plain "SELECT connection, subject_hint, received_at, kind, reason FROM inbox \
        WHERE book = $1 AND state = 'quarantined' ORDER BY received_at, id LIMIT $2";
    GET plain "SELECT id, connection, kind, class, actor_id, received_at, sealed, wrapped_key, commitment, \
        subject_hint FROM inbox WHERE book = $1 AND id = $2";
    STORED plain "SELECT id, connection, kind, class, actor_id, received_at, sealed, wrapped_key, commitment, \
        subject_hint, state FROM inbox WHERE book = $1 AND id > $2 ORDER BY id LIMIT $3";
    STORED_OF plain "SELECT id, connection, kind, class, actor_id, received_at, sealed, wrapped_key, commitment, \
        subject_hint, state FROM inbox WHERE book = $1 AND id > $2 AND connection = $4 ORDER BY id LIMIT $3";
    LINK plain "INSERT INTO observation_parties (book, observation, party) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
}

/// What an observation has become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboxState {
    /// Stored, not yet read.
    New,
    /// Read; its claims, if any, are in the outbox.
    Translated,
    /// Stored, but nobody can read it or place it; counted, for a person.
    Quarantined,
    /// A hint: it woke the poller and did nothing else.
    HintDone,
}

impl InboxState {
    /// The word as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Translated => "translated",
            Self::Quarantined => "quarantined",
            Self::HintDone => "hint_done",
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        [Self::New, Self::Translated, Self::Quarantined, Self::HintDone].into_iter().find(|s| s.as_str() == text)
    }
}

/// Bytes to be kept.
pub(crate) struct NewObservation {
    pub(crate) id: ObservationId,
    pub(crate) connection: ConnectionId,
    pub(crate) kind: String,
    pub(crate) class: EvidenceClass,
    pub(crate) actor_id: Option<String>,
    pub(crate) received_at: Time,
    pub(crate) delivery_key: [u8; 32],
    pub(crate) sealed: SealedObservation,
    pub(crate) subject_hint: Option<SubjectId>,
}

/// A row that waits for its translator.
pub(crate) struct Waiting {
    pub(crate) id: ObservationId,
    pub(crate) connection: ConnectionId,
    pub(crate) kind: String,
    pub(crate) class: EvidenceClass,
    pub(crate) actor_id: Option<String>,
    pub(crate) received_at: Time,
    pub(crate) sealed: Sealed,
    pub(crate) subject_hint: Option<SubjectId>,
}

impl Waiting {
    /// The row as evidence of a claim.
    pub(crate) fn proof(&self) -> Proof {
        Proof {
            observation: self.id,
            commitment: Hash(self.sealed.commitment),
            class: self.class,
            actor_id: self.actor_id.clone(),
        }
    }
}

/// A row, whatever has become of it.
pub(crate) struct Stored {
    pub(crate) row: Waiting,
    pub(crate) state: InboxState,
}

/// Keeps bytes, or counts one more delivery of the same. Says which observation it is, and how often it came.
pub(crate) async fn insert(tx: &mut Tx, book: BookId, new: NewObservation) -> Result<(ObservationId, i64), DoorError> {
    let values = values![
        book,
        new.id,
        new.connection,
        new.kind,
        new.class.as_str(),
        new.actor_id,
        new.received_at,
        new.delivery_key,
        new.sealed.sealed,
        new.sealed.wrapped_key,
        new.sealed.commitment,
        new.subject_hint,
    ];
    let mut row = tx.one(INSERT, values).await?;
    Ok((ObservationId(row.id()?), row.int()?))
}

/// The oldest rows that wait, taken for this transaction.
pub(crate) async fn take(tx: &mut Tx, book: BookId, limit: u32) -> Result<Vec<Waiting>, DoorError> {
    tx.rows(TAKE, values![book, limit]).await?.iter_mut().map(waiting).collect()
}

fn waiting(row: &mut super::value::Row) -> Result<Waiting, DoorError> {
    Ok(Waiting {
        id: ObservationId(row.id()?),
        connection: ConnectionId(row.id()?),
        kind: row.text()?,
        class: row.word(EvidenceClass::from_text)?,
        actor_id: row.opt_text()?,
        received_at: row.time()?,
        sealed: Sealed { sealed: row.bytes()?, wrapped_key: row.opt_bytes()?, commitment: row.hash()? },
        subject_hint: row.opt_id()?.map(SubjectId),
    })
}

/// The rows after one, in order of their ids, whatever has become of them; of one connection or of all.
pub(crate) async fn stored_after(
    tx: &mut Tx,
    book: BookId,
    only: Option<ConnectionId>,
    after: Option<ObservationId>,
    limit: u32,
) -> Result<Vec<Stored>, DoorError> {
    // The nil id is never a row's: ids carry a version.
    let after = after.unwrap_or(ObservationId(uuid::Uuid::nil()));
    let mut rows = match only {
        Some(connection) => tx.rows(STORED_OF, values![book, after, limit, connection]).await?,
        None => tx.rows(STORED, values![book, after, limit]).await?,
    };
    let read = |row: &mut super::value::Row| Ok(Stored { row: waiting(row)?, state: row.word(InboxState::from_text)? });
    rows.iter_mut().map(read).collect()
}

/// One row.
pub(crate) async fn get(tx: &mut Tx, book: BookId, id: ObservationId) -> Result<Option<Waiting>, DoorError> {
    tx.maybe(GET, values![book, id]).await?.map(|mut row| waiting(&mut row)).transpose()
}

/// Whether anything waits.
pub(crate) async fn any_new(tx: &mut Tx, book: BookId) -> Result<bool, DoorError> {
    Ok(tx.one(ANY_NEW, values![book]).await?.int()? > 0)
}

/// Ends a row that waited.
pub(crate) async fn finish(
    tx: &mut Tx,
    book: BookId,
    id: ObservationId,
    state: InboxState,
    reason: Option<&str>,
) -> Result<(), DoorError> {
    tx.run(FINISH, values![book, id, state.as_str(), reason]).await.map(drop)
}

/// What a row has become.
pub(crate) async fn state(
    tx: &mut Tx,
    book: BookId,
    id: ObservationId,
) -> Result<Option<(InboxState, Option<String>)>, DoorError> {
    let Some(mut row) = tx.maybe(STATE, values![book, id]).await? else { return Ok(None) };
    Ok(Some((row.word(InboxState::from_text)?, row.opt_text()?)))
}

/// Notes which of our orders an observation turned out to be about.
pub(crate) async fn about(tx: &mut Tx, book: BookId, id: ObservationId, subject: SubjectId) -> Result<(), DoorError> {
    tx.run(ABOUT, values![book, id, subject]).await.map(drop)
}

/// The observations behind a subject, in the order they came.
pub(crate) async fn trail(
    tx: &mut Tx,
    book: BookId,
    subject: SubjectId,
    limit: u32,
) -> Result<Vec<TrailObservation>, DoorError> {
    let read = |mut row: super::value::Row| {
        Ok(TrailObservation {
            id: ObservationId(row.id()?),
            kind: row.text()?,
            class: row.word(EvidenceClass::from_text)?,
            received_at: row.time()?,
            commitment: ensimbi_events::Hash(row.hash()?),
            deliveries: row.small()?,
            state: row.text()?,
            actor_id: row.opt_text()?,
        })
    };
    tx.rows(TRAIL, values![book, subject, limit]).await?.into_iter().map(read).collect()
}

/// What lies in quarantine, oldest first: connection, subject, since, and kind with the reason.
pub(crate) async fn quarantined(
    tx: &mut Tx,
    book: BookId,
    limit: u32,
) -> Result<Vec<(ConnectionId, Option<SubjectId>, Time, String)>, DoorError> {
    let read = |mut row: super::value::Row| {
        let found = (ConnectionId(row.id()?), row.opt_id()?.map(SubjectId), row.time()?);
        let (kind, reason) = (row.text()?, row.opt_text()?.unwrap_or_default());
        Ok((found.0, found.1, found.2, format!("{kind}: {reason}")))
    };
    tx.rows(QUARANTINE, values![book, limit]).await?.into_iter().map(read).collect()
}

/// Notes that an observation speaks of a party.
pub(crate) async fn link(tx: &mut Tx, book: BookId, id: ObservationId, party: PartyId) -> Result<(), DoorError> {
    tx.run(LINK, values![book, id, party]).await.map(drop)
}
