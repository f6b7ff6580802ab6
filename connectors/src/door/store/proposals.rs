//! Facts of our own that wait for a second person, and who approved them. Rows stay: what was approved is told once.

use ensimbi_events::approvals::{PAGE_MAX, ProposalState, ProposalsQuery, Proposed};
use ensimbi_events::{BookId, Fact, ObservationId, SubjectId, Time};

use super::value::{Row, values};
use super::{Tx, statements};
use crate::door::DoorError;

statements! {
    INSERT plain "INSERT INTO proposals (book, id, route, idempotency_key, body_hash, fact, occurred_at, actor_id, \
        asked_at, evidence) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";
    BODY plain "SELECT body_hash FROM proposals WHERE book = $1 AND id = $2";
    GET plain "SELECT id, fact, occurred_at, actor_id, asked_at, approver_id, approved_at, \
        withdrawn_by, withdrawn_at, evidence FROM proposals \
        WHERE book = $1 AND id = $2";
    /// The key under which it was asked for: what is approved is told under the same.
    KEY waiting "SELECT route, idempotency_key, body_hash FROM proposals WHERE book = $1 AND id = $2";
    APPROVE plain "UPDATE proposals SET approver_id = $3, approved_at = $4 \
        WHERE book = $1 AND id = $2 AND approver_id IS NULL AND withdrawn_at IS NULL";
    WITHDRAW plain "UPDATE proposals SET withdrawn_by = $3, withdrawn_at = $4 \
        WHERE book = $1 AND id = $2 AND approver_id IS NULL AND withdrawn_at IS NULL";
    WAITING plain "SELECT id, fact, occurred_at, actor_id, asked_at, approver_id, approved_at, \
        withdrawn_by, withdrawn_at, evidence FROM proposals \
        WHERE book = $1 AND approver_id IS NULL AND withdrawn_at IS NULL AND (asked_at, id) > ($2, $3) \
        ORDER BY asked_at, id LIMIT $4";
    APPROVED plain "SELECT id, fact, occurred_at, actor_id, asked_at, approver_id, approved_at, \
        withdrawn_by, withdrawn_at, evidence FROM proposals \
        WHERE book = $1 AND approver_id IS NOT NULL AND (asked_at, id) > ($2, $3) \
        ORDER BY asked_at, id LIMIT $4";
    WITHDRAWN plain "SELECT id, fact, occurred_at, actor_id, asked_at, approver_id, approved_at, \
        withdrawn_by, withdrawn_at, evidence FROM proposals \
        WHERE book = $1 AND withdrawn_at IS NOT NULL AND (asked_at, id) > ($2, $3) \
        ORDER BY asked_at, id LIMIT $4";
}

/// A proposal's row.
pub(crate) struct NewProposal<'a> {
    /// Derived from book, route and key.
    pub(crate) id: SubjectId,
    pub(crate) route: &'a str,
    pub(crate) key: &'a str,
    pub(crate) body_hash: [u8; 32],
    pub(crate) fact: &'a Fact,
    pub(crate) at: Option<Time>,
    pub(crate) actor_id: &'a str,
    pub(crate) evidence: Option<ObservationId>,
}

/// The route and key under which something was asked for, and the keyed hash of its body.
pub(crate) struct Asked {
    pub(crate) route: String,
    pub(crate) key: String,
    pub(crate) body_hash: [u8; 32],
}

/// Stores a proposal. False where it is there already.
pub(crate) async fn insert(tx: &mut Tx, book: BookId, new: &NewProposal<'_>, now: Time) -> Result<bool, DoorError> {
    let fact = serde_json::to_string(new.fact).map_err(|error| DoorError::Damaged(error.to_string()))?;
    let values =
        values![book, new.id, new.route, new.key, new.body_hash, fact, new.at, new.actor_id, now, new.evidence];
    Ok(tx.run(INSERT, values).await? > 0)
}

/// The keyed hash of what was sent under this id, if anything was.
pub(crate) async fn body_hash(tx: &mut Tx, book: BookId, id: SubjectId) -> Result<Option<[u8; 32]>, DoorError> {
    tx.maybe(BODY, values![book, id]).await?.map(|mut row| row.hash()).transpose()
}

/// What was asked under this id.
pub(crate) async fn get(tx: &mut Tx, book: BookId, id: SubjectId) -> Result<Option<Proposed>, DoorError> {
    tx.maybe(GET, values![book, id]).await?.map(proposed).transpose()
}

/// The same, with its row taken, for the one that approves it.
pub(crate) async fn taken(tx: &mut Tx, book: BookId, id: SubjectId) -> Result<Option<Asked>, DoorError> {
    let Some(mut row) = tx.maybe(KEY, values![book, id]).await? else { return Ok(None) };
    Ok(Some(Asked { route: row.text()?, key: row.text()?, body_hash: row.hash()? }))
}

/// Writes down who approved it. False where somebody has.
pub(crate) async fn approve(
    tx: &mut Tx,
    book: BookId,
    id: SubjectId,
    approver: &str,
    now: Time,
) -> Result<bool, DoorError> {
    Ok(tx.run(APPROVE, values![book, id, approver, now]).await? > 0)
}

/// Writes down who withdrew it. False where it waits no more.
pub(crate) async fn withdraw(tx: &mut Tx, book: BookId, id: SubjectId, by: &str, now: Time) -> Result<bool, DoorError> {
    Ok(tx.run(WITHDRAW, values![book, id, by, now]).await? > 0)
}

/// A page, in the order in which they were asked for.
pub(crate) async fn list(tx: &mut Tx, book: BookId, query: &ProposalsQuery) -> Result<Vec<Proposed>, DoorError> {
    let (at, id) = query.after.unwrap_or((Time::from_micros(i64::MIN), SubjectId(uuid::Uuid::nil())));
    let sql = match query.state {
        ProposalState::Waiting => WAITING,
        ProposalState::Approved => APPROVED,
        ProposalState::Withdrawn => WITHDRAWN,
    };
    let rows = tx.rows(sql, values![book, at, id, query.limit.min(PAGE_MAX + 1)]).await?;
    rows.into_iter().map(proposed).collect()
}

fn proposed(mut row: Row) -> Result<Proposed, DoorError> {
    let id = SubjectId(row.id()?);
    let fact =
        serde_json::from_str(&row.text()?).map_err(|error| DoorError::Damaged(format!("proposal {id}: {error}")))?;
    Ok(Proposed {
        id,
        fact,
        at: row.opt_time()?,
        actor_id: row.text()?,
        asked_at: row.time()?,
        approved: row.opt_text()?.zip(row.opt_time()?),
        withdrawn: row.opt_text()?.zip(row.opt_time()?),
        evidence: row.opt_id()?.map(ObservationId),
        repeated: true,
    })
}
