//! Notes to the ledger: `pending` -> `published` (the bus has it) -> `confirmed` or `refused` (the ledger answered). One
//! that only confirms what a read states is `parked` while the ledger has no such read, and goes out again after it.
//! `next_at` and the lease it stands for are real time.

use ensimbi_events::bus::Outcome;
use ensimbi_events::codes::Refusal;
use ensimbi_events::commands::TrailClaim;
use ensimbi_events::{BookId, Claim, ClaimId, ConnectionId, SubjectId, Time};
use uuid::Uuid;

use super::value::values;
use super::{Tx, statements};
use crate::door::DoorError;

/// How often a note that only confirms is sent; a stale push says something that no read will ever state.
const CONFIRMATIONS_MAX: u32 = 8;

statements! {
    /// The row lock of this counter makes the numbering gap-tolerant but in commit order.
    NUMBERS plain "INSERT INTO counters (book, name, value) VALUES ($1, 'outbox_seq', $2) \
        ON CONFLICT (book, name) DO UPDATE SET value = counters.value + $2 RETURNING value";
    INSERT plain "INSERT INTO outbox (book, claim_id, seq, connection, subject, source, word, body, created_at, state, \
        after_claim) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (book, claim_id) DO NOTHING";
    ANY_DUE plain "SELECT COUNT(*) FROM (SELECT 1 AS one FROM outbox WHERE book = $1 \
        AND state IN ('pending', 'published') AND next_at <= $2 LIMIT 1) AS found";
    DUE locking "SELECT claim_id, connection, body, attempt FROM outbox WHERE book = $1 \
        AND state IN ('pending', 'published') AND next_at <= $2 ORDER BY seq LIMIT $3";
    LEASE plain "UPDATE outbox SET attempt = $3, next_at = $4 WHERE book = $1 AND claim_id = $2";
    PUBLISHED plain "UPDATE outbox SET state = 'published' WHERE book = $1 AND claim_id = $2 AND state = 'pending'";
    ANSWERED plain "UPDATE outbox SET state = $3, outcome = $4 WHERE book = $1 AND claim_id = $2 \
        AND state IN ('pending', 'published')";
    RELEASE plain "UPDATE outbox SET state = 'pending' WHERE book = $1 AND after_claim = $2 AND state = 'waiting'";
    /// What waits behind a refused note would be half a command.
    DROP_WAITING plain "UPDATE outbox SET state = 'refused', outcome = $3 WHERE book = $1 AND state = 'waiting' \
        AND source = (SELECT o.source FROM outbox o WHERE o.book = $1 AND o.claim_id = $2)";
    PARK plain "UPDATE outbox SET state = CASE WHEN attempt < $4 THEN 'parked' ELSE 'refused' END, outcome = $3 \
        WHERE book = $1 AND claim_id = $2 AND state IN ('pending', 'published')";
    /// The read may have been recorded while the refusal was on its way here.
    UNPARK_LATE plain "UPDATE outbox SET state = 'pending', next_at = 0 WHERE book = $1 AND claim_id = $2 \
        AND state = 'parked' AND EXISTS (SELECT 1 FROM outbox o WHERE o.book = $1 AND o.subject = outbox.subject \
        AND o.word = outbox.word AND o.state = 'confirmed')";
    UNPARK plain "UPDATE outbox SET state = 'pending', next_at = 0 WHERE book = $1 AND state = 'parked' \
        AND subject = (SELECT o.subject FROM outbox o WHERE o.book = $1 AND o.claim_id = $2)";
    OUTCOME plain "SELECT outcome FROM outbox WHERE book = $1 AND claim_id = $2";
    OF_SUBJECT plain "SELECT claim_id, source, word, created_at, outcome FROM outbox \
        WHERE book = $1 AND subject = $2 ORDER BY seq LIMIT $3";
    OLD plain "SELECT connection, subject, created_at, word FROM outbox \
        WHERE book = $1 AND state IN ('pending', 'published') AND created_at < $2 ORDER BY seq LIMIT $3";
    REOPEN plain "UPDATE outbox SET next_at = 0 WHERE book = $1 AND state IN ('pending', 'published')";
    BODIES plain "SELECT body, outcome FROM outbox WHERE book = $1 AND source = $2 ORDER BY seq LIMIT 2000";
    OF_SOURCE plain "SELECT claim_id, word, state, outcome FROM outbox WHERE book = $1 AND source = $2 ORDER BY seq \
        LIMIT 1000";
}

/// A note on its way.
pub(crate) struct Due {
    pub(crate) claim: ClaimId,
    pub(crate) connection: Option<ConnectionId>,
    /// The claim's JSON, exactly as it was written.
    pub(crate) body: String,
    /// Sendings so far.
    pub(crate) attempt: u32,
}

/// One claim of an observation and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimOutcome {
    /// Which claim.
    pub claim: ClaimId,
    /// What it says, as the event's word.
    pub word: String,
    /// The ledger's answer, once there is one.
    pub outcome: Option<Outcome>,
}

/// A claim to be written: the observation or command it comes from, the claim, and its JSON.
pub(crate) struct NewNote {
    pub(crate) source: Uuid,
    pub(crate) claim: Claim,
    pub(crate) body: String,
}

/// Writes claims as notes, in this order; those that are there already stay as they are. Last in a transaction: the
/// numbering's row lock is held until the commit.
pub(crate) async fn insert(tx: &mut Tx, book: BookId, notes: &[NewNote], now: Time) -> Result<(), DoorError> {
    write(tx, book, notes, now, false).await
}

/// Writes the claims of one command: each goes out only once the one before it is recorded.
pub(crate) async fn chain(tx: &mut Tx, book: BookId, notes: &[NewNote], now: Time) -> Result<(), DoorError> {
    write(tx, book, notes, now, true).await
}

async fn write(tx: &mut Tx, book: BookId, notes: &[NewNote], now: Time, chained: bool) -> Result<(), DoorError> {
    if notes.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(notes.len()).map_err(|_| DoorError::Damaged("too many claims at once".into()))?;
    let last = tx.one(NUMBERS, values![book, count]).await?.int()?;
    let mut before = None;
    for (NewNote { source, claim, body }, seq) in notes.iter().zip(last - count + 1..) {
        let state = if before.is_some() { "waiting" } else { "pending" };
        let values = values![
            book,
            claim.id,
            seq,
            claim.fact.connection,
            claim.fact.subject,
            *source,
            claim.fact.body.word(),
            body.as_str(),
            now,
            state,
            before,
        ];
        tx.run(INSERT, values).await?;
        before = chained.then_some(claim.id);
    }
    Ok(())
}

/// Whether any note is due.
pub(crate) async fn any_due(tx: &mut Tx, book: BookId, real_now: Time) -> Result<bool, DoorError> {
    Ok(tx.one(ANY_DUE, values![book, real_now]).await?.int()? > 0)
}

/// The oldest due notes, taken for this transaction.
pub(crate) async fn due(tx: &mut Tx, book: BookId, real_now: Time, limit: u32) -> Result<Vec<Due>, DoorError> {
    let mut due = Vec::new();
    for mut row in tx.rows(DUE, values![book, real_now, limit]).await? {
        due.push(Due {
            claim: ClaimId(row.id()?),
            connection: row.opt_id()?.map(ConnectionId),
            body: row.text()?,
            attempt: row.small()?,
        });
    }
    Ok(due)
}

/// Counts a sending and says when the next one is due, if no answer comes.
pub(crate) async fn lease(
    tx: &mut Tx,
    book: BookId,
    claim: ClaimId,
    attempt: u32,
    next_at: Time,
) -> Result<(), DoorError> {
    tx.run(LEASE, values![book, claim, attempt, next_at]).await.map(drop)
}

/// Makes every open note due at once: whoever published it last is gone.
pub(crate) async fn reopen(tx: &mut Tx, book: BookId) -> Result<(), DoorError> {
    tx.run(REOPEN, values![book]).await.map(drop)
}

/// The bus has it; an answer that came first is not touched.
pub(crate) async fn published(tx: &mut Tx, book: BookId, claim: ClaimId) -> Result<(), DoorError> {
    tx.run(PUBLISHED, values![book, claim]).await.map(drop)
}

/// The ledger's answer. False where the note is finished already, or none of ours.
pub(crate) async fn answered(tx: &mut Tx, book: BookId, claim: ClaimId, outcome: &Outcome) -> Result<bool, DoorError> {
    let text = serde_json::to_string(outcome).map_err(|why| DoorError::Damaged(why.to_string()))?;
    let state = match outcome {
        Outcome::Recorded { .. } => "confirmed",
        Outcome::Refused { code: Refusal::ReadFirst, .. } => {
            let parked = tx.run(PARK, values![book, claim, text, CONFIRMATIONS_MAX]).await? > 0;
            tx.run(UNPARK_LATE, values![book, claim]).await?;
            return Ok(parked);
        }
        Outcome::Refused { .. } => "refused",
    };
    if tx.run(ANSWERED, values![book, claim, state, text]).await? == 0 {
        return Ok(false);
    }
    match outcome {
        Outcome::Recorded { .. } => {
            tx.run(UNPARK, values![book, claim]).await?;
            tx.run(RELEASE, values![book, claim]).await?
        }
        Outcome::Refused { code, .. } => {
            let detail = "an earlier fact of the same command was refused".to_owned();
            let after = serde_json::to_string(&Outcome::Refused { code: *code, detail });
            let after = after.map_err(|why| DoorError::Damaged(why.to_string()))?;
            tx.run(DROP_WAITING, values![book, claim, after]).await?
        }
    };
    Ok(true)
}

/// The ledger's answer to one claim, once there is one.
pub(crate) async fn outcome(tx: &mut Tx, book: BookId, claim: ClaimId) -> Result<Option<Outcome>, DoorError> {
    match tx.maybe(OUTCOME, values![book, claim]).await? {
        Some(mut row) => read_outcome(row.opt_text()?),
        None => Ok(None),
    }
}

fn read_outcome(text: Option<String>) -> Result<Option<Outcome>, DoorError> {
    let read = |text: String| serde_json::from_str(&text);
    text.map(read).transpose().map_err(|why| DoorError::Damaged(format!("an outcome in the outbox: {why}")))
}

/// The claims about a subject, in order.
pub(crate) async fn of_subject(
    tx: &mut Tx,
    book: BookId,
    subject: SubjectId,
    limit: u32,
) -> Result<Vec<TrailClaim>, DoorError> {
    let read = |mut row: super::value::Row| {
        Ok(TrailClaim {
            id: ClaimId(row.id()?),
            source: row.id()?,
            word: row.text()?,
            created_at: row.time()?,
            outcome: read_outcome(row.opt_text()?)?,
        })
    };
    tx.rows(OF_SUBJECT, values![book, subject, limit]).await?.into_iter().map(read).collect()
}

/// Notes that the ledger has not answered since before a moment: connection, subject, since, word.
pub(crate) async fn unanswered_since(
    tx: &mut Tx,
    book: BookId,
    before: Time,
    limit: u32,
) -> Result<Vec<(Option<ConnectionId>, SubjectId, Time, String)>, DoorError> {
    let read = |mut row: super::value::Row| {
        Ok((row.opt_id()?.map(ConnectionId), SubjectId(row.id()?), row.time()?, row.text()?))
    };
    tx.rows(OLD, values![book, before, limit]).await?.into_iter().map(read).collect()
}

/// The claims of an observation or command, in order.
pub(crate) async fn of_source(tx: &mut Tx, book: BookId, source: Uuid) -> Result<Vec<ClaimOutcome>, DoorError> {
    let mut found = Vec::new();
    for mut row in tx.rows(OF_SOURCE, values![book, source]).await? {
        let (claim, word, _state) = (ClaimId(row.id()?), row.text()?, row.text()?);
        let outcome = read_outcome(row.opt_text()?)?;
        found.push(ClaimOutcome { claim, word, outcome });
    }
    Ok(found)
}

/// The claims of an observation as they were written, each with the ledger's answer once there is one, in order.
pub(crate) async fn bodies_of_source(
    tx: &mut Tx,
    book: BookId,
    source: Uuid,
) -> Result<Vec<(String, Option<Outcome>)>, DoorError> {
    let read = |mut row: super::value::Row| Ok((row.text()?, read_outcome(row.opt_text()?)?));
    tx.rows(BODIES, values![book, source]).await?.into_iter().map(read).collect()
}
