//! Attempts: `asked` -> `cleared` (the ledger recorded the request) -> `calling` (committed before the call) ->
//! `accepted | unknown | refused | failed`. From `calling` nothing goes back but a call that was surely not sent.

use ensimbi_events::{BookId, ClaimId, ConnectionId, SubjectId, Time, WalletId};

use super::intents::IntentKind;
use super::value::{Row, values};
use super::{Tx, statements};
use crate::connector::Prepared;
use crate::door::DoorError;

statements! {
    INSERT plain "INSERT INTO attempts (book, intent, n, connection, reference, object_kind, object_id, handle, \
        claim_id, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    LAST plain "SELECT intent, n, connection, reference, object_kind, object_id, handle, state, tries, link, changed_at FROM attempts \
        WHERE book = $1 AND intent = $2 ORDER BY n DESC LIMIT 1";
    BY_CLAIM plain "SELECT intent, n, connection, reference, object_kind, object_id, handle, state, tries, link, changed_at FROM attempts \
        WHERE book = $1 AND claim_id = $2";
    READY plain "SELECT intent, n, connection, reference, object_kind, object_id, handle, state, tries, link, changed_at FROM attempts \
        WHERE book = $1 AND connection = $2 AND state = 'cleared' AND next_at <= $3 ORDER BY next_at, intent LIMIT $4";
    STUCK plain "SELECT intent, n, connection, reference, object_kind, object_id, handle, state, tries, link, changed_at FROM attempts \
        WHERE book = $1 AND connection = $2 AND state = 'calling' AND leased_until <= $3 LIMIT $4";
    EARLIER plain "SELECT intent, n, connection, reference, object_kind, object_id, handle, state, tries, link, changed_at FROM attempts \
        WHERE book = $1 AND intent = $2 AND n < $3 ORDER BY n";
    OWNER_BY_REFERENCE plain "SELECT a.intent, a.n, i.wallet, a.reference, i.kind, a.object_kind, a.object_id, \
        a.earlier_end, i.items FROM attempts a \
        JOIN intents i ON i.book = a.book AND i.id = a.intent \
        WHERE a.book = $1 AND a.connection = $2 AND a.reference = $3";
    OWNER_BY_OBJECT plain "SELECT a.intent, a.n, i.wallet, a.reference, i.kind, a.object_kind, a.object_id, \
        a.earlier_end, i.items FROM attempts a \
        JOIN intents i ON i.book = a.book AND i.id = a.intent \
        WHERE a.book = $1 AND a.connection = $2 AND a.object_kind = $3 AND a.object_id = $4 ORDER BY a.n DESC LIMIT 1";
    HANDLE plain "SELECT handle FROM attempts WHERE book = $1 AND connection = $2 AND reference = $3";
    CLEAR plain "UPDATE attempts SET state = 'cleared', next_at = $4, changed_at = $4 \
        WHERE book = $1 AND intent = $2 AND n = $3 AND state = 'asked'";
    CALL plain "UPDATE attempts SET state = 'calling', leased_until = $4, changed_at = $5 \
        WHERE book = $1 AND intent = $2 AND n = $3 AND state = 'cleared'";
    /// The first step is done and nothing has moved: the call that moves money is the next one, or the payer's own.
    PREPARED plain "UPDATE attempts SET state = $7, object_id = $4, handle = $5, link = $6, leased_until = NULL, \
        tries = 0, next_at = $8, changed_at = $8 WHERE book = $1 AND intent = $2 AND n = $3 AND state = 'calling'";
    EARLIER_END plain "UPDATE attempts SET earlier_end = $4 WHERE book = $1 AND intent = $2 AND n = $3";
    NOT_SENT plain "UPDATE attempts SET state = 'cleared', leased_until = NULL, tries = tries + 1, next_at = $4, \
        changed_at = $5 WHERE book = $1 AND intent = $2 AND n = $3 AND state = 'calling'";
    END plain "UPDATE attempts SET state = $4, leased_until = NULL, changed_at = $5 \
        WHERE book = $1 AND intent = $2 AND n = $3 AND state IN ('asked', 'calling')";
    GIVE_UP plain "UPDATE attempts SET state = 'failed', leased_until = NULL, changed_at = $4 \
        WHERE book = $1 AND intent = $2 AND n = $3 AND state = 'unknown'";
    /// The provider's own bytes say that the object exists: nothing is ever sent again for this attempt.
    FOUND plain "UPDATE attempts SET object_id = COALESCE(object_id, $4), state = $5, leased_until = NULL, \
        changed_at = $6 WHERE book = $1 AND intent = $2 AND n = $3";
    /// Old bytes that come late do not bring a failed attempt back to life.
    ALIVE plain "UPDATE attempts SET object_id = COALESCE(object_id, $4), state = $5, leased_until = NULL, \
        changed_at = $6 WHERE book = $1 AND intent = $2 AND n = $3 AND state <> 'failed'";
}

/// Where an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptState {
    /// The ledger was asked to note the request.
    Asked,
    /// The ledger has it; the provider may be called.
    Cleared,
    /// The provider is being called.
    Calling,
    /// It may have happened; only the provider's status tells.
    Unknown,
    /// The provider has it.
    Accepted,
    /// The ledger or the provider refused it; nothing was queued.
    Refused,
    /// The provider has it and says it came to nothing.
    Failed,
}

impl AttemptState {
    const ALL: [Self; 7] =
        [Self::Asked, Self::Cleared, Self::Calling, Self::Unknown, Self::Accepted, Self::Refused, Self::Failed];

    /// The word as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Cleared => "cleared",
            Self::Calling => "calling",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What the provider's bytes say of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is there, and not at its end.
    Alive,
    /// Money moved.
    Done,
    /// It came to nothing for good.
    Failed,
}

/// An attempt's row.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) intent: SubjectId,
    pub(crate) n: u32,
    pub(crate) connection: ConnectionId,
    pub(crate) reference: String,
    pub(crate) object_kind: String,
    pub(crate) object_id: Option<String>,
    /// What calls and reads of it need beside the reference ([`crate::connector::Prepared::handle`]).
    pub(crate) handle: Option<String>,
    pub(crate) state: AttemptState,
    pub(crate) tries: u32,
    /// Where the payer pays.
    pub(crate) link: Option<String>,
    /// Since when it is in its state.
    pub(crate) changed_at: Time,
}

/// Whose attempt an object belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) intent: SubjectId,
    pub(crate) n: u32,
    pub(crate) wallet: WalletId,
    pub(crate) reference: String,
    pub(crate) kind: IntentKind,
    /// The provider's word for the object that carries it out.
    pub(crate) object_kind: String,
    /// The object of the attempt, where it is known.
    pub(crate) object_id: Option<String>,
    /// How the same object ended the attempt before this one.
    pub(crate) earlier_end: Option<String>,
    /// How many things a collection sells.
    pub(crate) items: u32,
}

fn read(mut row: Row) -> Result<Attempt, DoorError> {
    Ok(Attempt {
        intent: SubjectId(row.id()?),
        n: row.small()?,
        connection: ConnectionId(row.id()?),
        reference: row.text()?,
        object_kind: row.text()?,
        object_id: row.opt_text()?,
        handle: row.opt_text()?,
        state: row.word(AttemptState::from_text)?,
        tries: row.small()?,
        link: row.opt_text()?,
        changed_at: row.time()?,
    })
}

fn owner(mut row: Row) -> Result<Owner, DoorError> {
    Ok(Owner {
        intent: SubjectId(row.id()?),
        n: row.small()?,
        wallet: WalletId(row.id()?),
        reference: row.text()?,
        kind: row.word(IntentKind::from_text)?,
        object_kind: row.text()?,
        object_id: row.opt_text()?,
        earlier_end: row.opt_text()?,
        items: row.small()?,
    })
}

/// Stores an attempt, before anything is sent anywhere.
pub(crate) async fn insert(
    tx: &mut Tx,
    book: BookId,
    attempt: &Attempt,
    claim: ClaimId,
    now: Time,
) -> Result<(), DoorError> {
    let Attempt { intent, n, connection, reference, object_kind, object_id, handle, .. } = attempt;
    let (reference, object_kind) = (reference.as_str(), object_kind.as_str());
    let (object_id, handle) = (object_id.clone(), handle.clone());
    let values = values![book, *intent, *n, *connection, reference, object_kind, object_id, handle, claim, now];
    tx.run(INSERT, values).await.map(drop)
}

/// The newest attempt of an intent.
pub(crate) async fn last(tx: &mut Tx, book: BookId, intent: SubjectId) -> Result<Option<Attempt>, DoorError> {
    tx.maybe(LAST, values![book, intent]).await?.map(read).transpose()
}

/// The attempts before one, oldest first.
pub(crate) async fn earlier(tx: &mut Tx, book: BookId, attempt: &Attempt) -> Result<Vec<Attempt>, DoorError> {
    tx.rows(EARLIER, values![book, attempt.intent, attempt.n]).await?.into_iter().map(read).collect()
}

/// The attempt whose request a claim is.
pub(crate) async fn by_claim(tx: &mut Tx, book: BookId, claim: ClaimId) -> Result<Option<Attempt>, DoorError> {
    tx.maybe(BY_CLAIM, values![book, claim]).await?.map(read).transpose()
}

/// Attempts that may be sent now.
pub(crate) async fn ready(
    tx: &mut Tx,
    book: BookId,
    connection: ConnectionId,
    now: Time,
    limit: u32,
) -> Result<Vec<Attempt>, DoorError> {
    tx.rows(READY, values![book, connection, now, limit]).await?.into_iter().map(read).collect()
}

/// Attempts whose caller is gone.
pub(crate) async fn stuck(
    tx: &mut Tx,
    book: BookId,
    connection: ConnectionId,
    real_now: Time,
    limit: u32,
) -> Result<Vec<Attempt>, DoorError> {
    tx.rows(STUCK, values![book, connection, real_now, limit]).await?.into_iter().map(read).collect()
}

/// What calls and reads of an attempt need beside its reference.
pub(crate) async fn handle(
    tx: &mut Tx,
    book: BookId,
    connection: ConnectionId,
    reference: &str,
) -> Result<Option<String>, DoorError> {
    let row = tx.maybe(HANDLE, values![book, connection, reference]).await?;
    Ok(row.map(|mut row| row.opt_text()).transpose()?.flatten())
}

/// Whose reference it is.
pub(crate) async fn owner_of_reference(
    tx: &mut Tx,
    book: BookId,
    connection: ConnectionId,
    reference: &str,
) -> Result<Option<Owner>, DoorError> {
    tx.maybe(OWNER_BY_REFERENCE, values![book, connection, reference]).await?.map(owner).transpose()
}

/// Whose object it is, where the provider's bytes once carried our reference.
pub(crate) async fn owner_of_object(
    tx: &mut Tx,
    book: BookId,
    connection: ConnectionId,
    kind: &str,
    id: &str,
) -> Result<Option<Owner>, DoorError> {
    tx.maybe(OWNER_BY_OBJECT, values![book, connection, kind, id]).await?.map(owner).transpose()
}

/// The ledger has the request.
pub(crate) async fn clear(tx: &mut Tx, book: BookId, attempt: &Attempt, now: Time) -> Result<(), DoorError> {
    tx.run(CLEAR, values![book, attempt.intent, attempt.n, now]).await.map(drop)
}

/// Takes an attempt for a call. False where somebody else has it.
pub(crate) async fn call(
    tx: &mut Tx,
    book: BookId,
    attempt: &Attempt,
    leased_until: Time,
    now: Time,
) -> Result<bool, DoorError> {
    Ok(tx.run(CALL, values![book, attempt.intent, attempt.n, leased_until, now]).await? > 0)
}

/// The first step of an order is done, and nothing has moved. `made.complete`: the payer does the rest.
pub(crate) async fn prepared(
    tx: &mut Tx,
    book: BookId,
    attempt: &Attempt,
    made: &Prepared,
    now: Time,
) -> Result<bool, DoorError> {
    let state = if made.complete { AttemptState::Accepted } else { AttemptState::Cleared };
    let (object_id, handle, link) = (made.object.as_deref(), made.handle.as_deref(), made.link.as_deref());
    let values = values![book, attempt.intent, attempt.n, object_id, handle, link, state.as_str(), now];
    Ok(tx.run(PREPARED, values).await? > 0)
}

/// How the object of an attempt ended an earlier one: told again, it says nothing of this one.
pub(crate) async fn earlier_end(tx: &mut Tx, book: BookId, attempt: &Attempt, end: &str) -> Result<(), DoorError> {
    tx.run(EARLIER_END, values![book, attempt.intent, attempt.n, end]).await.map(drop)
}

/// Nothing left us: it may be sent again.
pub(crate) async fn not_sent(
    tx: &mut Tx,
    book: BookId,
    attempt: &Attempt,
    next_at: Time,
    now: Time,
) -> Result<(), DoorError> {
    tx.run(NOT_SENT, values![book, attempt.intent, attempt.n, next_at, now]).await.map(drop)
}

/// Ends `asked` or `calling`. False where something stronger was known already.
pub(crate) async fn end(
    tx: &mut Tx,
    book: BookId,
    attempt: &Attempt,
    state: AttemptState,
    now: Time,
) -> Result<bool, DoorError> {
    Ok(tx.run(END, values![book, attempt.intent, attempt.n, state.as_str(), now]).await? > 0)
}

/// The provider has denied the reference of an `unknown` attempt for long enough. False where that is not its state.
pub(crate) async fn give_up(tx: &mut Tx, book: BookId, attempt: &Attempt, now: Time) -> Result<bool, DoorError> {
    Ok(tx.run(GIVE_UP, values![book, attempt.intent, attempt.n, now]).await? > 0)
}

/// The provider's bytes show the object, with our reference on it.
pub(crate) async fn found(
    tx: &mut Tx,
    book: BookId,
    owner: &Owner,
    object_id: &str,
    found: Found,
    now: Time,
) -> Result<(), DoorError> {
    let (statement, state) = match found {
        Found::Alive => (ALIVE, AttemptState::Accepted),
        Found::Done => (FOUND, AttemptState::Accepted),
        Found::Failed => (FOUND, AttemptState::Failed),
    };
    tx.run(statement, values![book, owner.intent, owner.n, object_id, state.as_str(), now]).await.map(drop)
}
