//! Objects at providers that are looked at again, until nothing more can come.
//!
//! A row is keyed by the provider's id, or by `ref:` and our reference while the id is not known; when the id appears,
//! the row by reference gives way. `next_check_at` is the injected clock's, `leased_until` real time.

use ensimbi_events::{BookId, ConnectionId, SubjectId, Time};

use super::value::{Row, values};
use super::{Tx, statements};
use crate::connector::{ObjectRef, Watch};
use crate::door::DoorError;

statements! {
    INSERT plain "INSERT INTO checks (book, connection, object_kind, key, subject, reference, object_id, watch, since, \
        next_check_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
        ON CONFLICT (book, connection, object_kind, key) DO NOTHING";
    GET waiting "SELECT watch, since, tries, reference, object_id FROM checks \
        WHERE book = $1 AND connection = $2 AND object_kind = $3 AND key = $4";
    REWATCH plain "UPDATE checks SET watch = $5, since = $6, tries = 0, next_check_at = $7 \
        WHERE book = $1 AND connection = $2 AND object_kind = $3 AND key = $4";
    /// The last look told nothing: it is made once more.
    REPEAT plain "UPDATE checks SET next_check_at = $5 \
        WHERE book = $1 AND connection = $2 AND object_kind = $3 AND key = $4";
    NAME plain "UPDATE checks SET reference = COALESCE(reference, $5), subject = COALESCE(subject, $6) \
        WHERE book = $1 AND connection = $2 AND object_kind = $3 AND key = $4";
    FORGET plain "DELETE FROM checks WHERE book = $1 AND connection = $2 AND object_kind = $3 AND key = $4";
    /// `again` outlives a look that is on its way and may have seen the state before.
    WAKE plain "UPDATE checks SET next_check_at = $5, again = CASE WHEN leased_until > $6 THEN 1 ELSE 0 END \
        WHERE book = $1 AND connection = $2 AND object_kind = $3 AND key IN (SELECT CAST($4 AS text) UNION ALL \
        SELECT c.key FROM checks c WHERE c.book = $1 AND c.connection = $2 AND c.object_kind = $3 AND c.reference = $7)";
    KNOWN_REFERENCE plain "SELECT COUNT(*) FROM checks WHERE book = $1 AND connection = $2 AND object_kind = $3 \
        AND reference = $4";
    COUNT_DUE plain "SELECT COUNT(*) FROM (SELECT 1 AS one FROM checks WHERE book = $1 AND connection = $2 \
        AND next_check_at <= $3 AND (leased_until IS NULL OR leased_until <= $4) LIMIT 1) AS found";
    DUE locking "SELECT object_kind, key, subject, reference, object_id, watch, since, tries, failures, denials FROM checks \
        WHERE book = $1 AND connection = $2 AND next_check_at <= $3 AND (leased_until IS NULL OR leased_until <= $4) \
        ORDER BY next_check_at, key LIMIT $5";
    LEASE plain "UPDATE checks SET leased_until = $5, again = 0 \
        WHERE book = $1 AND connection = $2 AND object_kind = $3 AND key = $4";
    /// Only the holder of the lease may move the row.
    SEEN plain "UPDATE checks SET leased_until = NULL, tries = tries + 1, failures = 0, denials = 0, \
        next_check_at = CASE WHEN again = 1 THEN CAST($6 AS bigint) ELSE CAST($5 AS bigint) END, again = 0 \
        WHERE book = $1 AND connection = $2 AND object_kind = $3 AND key = $4 AND leased_until = $7";
    FAILED plain "UPDATE checks SET leased_until = NULL, failures = failures + 1, denials = denials + $8, \
        next_check_at = CASE WHEN again = 1 THEN CAST($6 AS bigint) ELSE CAST($5 AS bigint) END, again = 0 \
        WHERE book = $1 AND connection = $2 AND object_kind = $3 AND key = $4 AND leased_until = $7";
    OVERDUE plain "SELECT connection, subject, since, object_kind, key, failures FROM checks \
        WHERE book = $1 AND connection = $2 AND watch = 'unsettled' AND since < $3 ORDER BY since, key LIMIT $4";
    SUBJECT plain "SELECT subject FROM checks WHERE book = $1 AND connection = $2 AND object_kind = $3 \
        AND key IN (SELECT CAST($4 AS text) UNION ALL SELECT c.key FROM checks c WHERE c.book = $1 AND c.connection = $2 \
        AND c.object_kind = $3 AND c.reference = $5) AND subject IS NOT NULL LIMIT 1";
    UNLEASE plain "UPDATE checks SET leased_until = NULL WHERE book = $1 AND leased_until IS NOT NULL";
}

/// Names a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckKey {
    pub(crate) connection: ConnectionId,
    pub(crate) object_kind: String,
    /// The provider's id, or `ref:` and our reference.
    pub(crate) key: String,
}

impl CheckKey {
    /// By the provider's id. An id that itself begins with `ref:` is kept apart by `id:`.
    pub(crate) fn by_id(connection: ConnectionId, object_kind: &str, id: &str) -> Self {
        let clash = id.starts_with("ref:") || id.starts_with("id:");
        let key = if clash { ["id:", id].concat() } else { id.to_owned() };
        Self { connection, object_kind: object_kind.to_owned(), key }
    }

    /// By the provider's id where an object has one, else by our reference.
    pub(crate) fn of(connection: ConnectionId, object: &ObjectRef) -> Option<Self> {
        match (&object.id, &object.reference) {
            (Some(id), _) => Some(Self::by_id(connection, object.kind, id)),
            (None, Some(reference)) => Some(Self::by_reference(connection, object.kind, reference)),
            (None, None) => None,
        }
    }

    /// By our reference.
    pub(crate) fn by_reference(connection: ConnectionId, object_kind: &str, reference: &str) -> Self {
        Self { connection, object_kind: object_kind.to_owned(), key: ["ref:", reference].concat() }
    }
}

/// A row in full.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub(crate) key: CheckKey,
    pub(crate) subject: Option<SubjectId>,
    pub(crate) reference: Option<String>,
    pub(crate) object_id: Option<String>,
    pub(crate) watch: Watch,
    pub(crate) since: Time,
    /// Looks since `watch` began.
    pub(crate) tries: u32,
    /// Looks in a row that brought nothing.
    pub(crate) failures: u32,
    /// Looks since the last answer that the provider answered with "not found".
    pub(crate) denials: u32,
}

impl Check {
    /// One that is read by itself.
    pub(crate) fn routine(key: CheckKey, id: &str, since: Time) -> Self {
        let (subject, reference, object_id) = (None, None, Some(id.to_owned()));
        let (tries, failures, denials) = (0, 0, 0);
        Self { key, subject, reference, object_id, watch: Watch::Routine, since, tries, failures, denials }
    }
}

const fn word(watch: Watch) -> &'static str {
    match watch {
        Watch::Unsettled | Watch::Moved => "unsettled",
        Watch::Settled => "settled",
        Watch::Ended => "ended",
        Watch::Closed => "closed",
        Watch::Routine => "routine",
    }
}

fn watch(text: &str) -> Option<Watch> {
    let all = [Watch::Unsettled, Watch::Settled, Watch::Ended, Watch::Closed, Watch::Routine];
    all.into_iter().find(|watch| word(*watch) == text)
}

fn key_values(book: BookId, key: &CheckKey) -> Vec<super::value::Value> {
    values![book, key.connection, key.object_kind.as_str(), key.key.as_str()]
}

/// Adds a row; one that is there stays as it is. Says whether it was added.
pub(crate) async fn insert(
    tx: &mut Tx,
    book: BookId,
    check: &Check,
    next_check_at: Option<Time>,
) -> Result<bool, DoorError> {
    let mut values = key_values(book, &check.key);
    values.extend(values![
        check.subject,
        check.reference.clone(),
        check.object_id.clone(),
        word(check.watch),
        check.since,
        next_check_at,
    ]);
    Ok(tx.run(INSERT, values).await? > 0)
}

/// What a row is watched for.
pub(crate) async fn watch_of(tx: &mut Tx, book: BookId, key: &CheckKey) -> Result<Option<Watch>, DoorError> {
    tx.maybe(GET, key_values(book, key)).await?.map(|mut row| row.word(watch)).transpose()
}

/// Watches it for something else from now on.
pub(crate) async fn rewatch(
    tx: &mut Tx,
    book: BookId,
    key: &CheckKey,
    watch: Watch,
    since: Time,
    next_check_at: Option<Time>,
) -> Result<(), DoorError> {
    let mut values = key_values(book, key);
    values.extend(values![word(watch), since, next_check_at]);
    tx.run(REWATCH, values).await.map(drop)
}

/// The last look told nothing (a status word nobody knows): the same look is due again.
pub(crate) async fn repeat(tx: &mut Tx, book: BookId, key: &CheckKey, next_check_at: Time) -> Result<(), DoorError> {
    let mut values = key_values(book, key);
    values.extend(values![next_check_at]);
    tx.run(REPEAT, values).await.map(drop)
}

/// Adds what was learned about a row.
pub(crate) async fn name(
    tx: &mut Tx,
    book: BookId,
    key: &CheckKey,
    reference: Option<&str>,
    subject: Option<SubjectId>,
) -> Result<(), DoorError> {
    let mut values = key_values(book, key);
    values.extend(values![reference, subject]);
    tx.run(NAME, values).await.map(drop)
}

/// Removes a row that another one replaces.
pub(crate) async fn forget(tx: &mut Tx, book: BookId, key: &CheckKey) -> Result<(), DoorError> {
    tx.run(FORGET, key_values(book, key)).await.map(drop)
}

/// Makes what a hint names due now. False where nothing of it is known.
pub(crate) async fn wake(
    tx: &mut Tx,
    book: BookId,
    key: &CheckKey,
    reference: Option<&str>,
    now: Time,
    real_now: Time,
) -> Result<bool, DoorError> {
    let mut values = key_values(book, key);
    values.extend(values![now, real_now, reference]);
    Ok(tx.run(WAKE, values).await? > 0)
}

/// Whether a row carries this reference.
pub(crate) async fn knows_reference(
    tx: &mut Tx,
    book: BookId,
    connection: ConnectionId,
    object_kind: &str,
    reference: &str,
) -> Result<bool, DoorError> {
    Ok(tx.one(KNOWN_REFERENCE, values![book, connection, object_kind, reference]).await?.int()? > 0)
}

/// Whether anything of a connection is due.
pub(crate) async fn any_due(
    tx: &mut Tx,
    book: BookId,
    connection: ConnectionId,
    now: Time,
    real_now: Time,
) -> Result<bool, DoorError> {
    Ok(tx.one(COUNT_DUE, values![book, connection, now, real_now]).await?.int()? > 0)
}

/// Takes due rows until the lease ends.
pub(crate) async fn lease_due(
    tx: &mut Tx,
    book: BookId,
    connection: ConnectionId,
    now: Time,
    real_now: Time,
    lease: Time,
    limit: u32,
) -> Result<Vec<Check>, DoorError> {
    let rows = tx.rows(DUE, values![book, connection, now, real_now, limit]).await?;
    let mut due = Vec::with_capacity(rows.len());
    for row in rows {
        let check = read(connection, row)?;
        let mut values = key_values(book, &check.key);
        values.extend(values![lease]);
        tx.run(LEASE, values).await?;
        due.push(check);
    }
    Ok(due)
}

fn read(connection: ConnectionId, mut row: Row) -> Result<Check, DoorError> {
    Ok(Check {
        key: CheckKey { connection, object_kind: row.text()?, key: row.text()? },
        subject: row.opt_id()?.map(SubjectId),
        reference: row.opt_text()?,
        object_id: row.opt_text()?,
        watch: row.word(watch)?,
        since: row.time()?,
        tries: row.small()?,
        failures: row.small()?,
        denials: row.small()?,
    })
}

/// A look brought bytes: the next one is due then, or at once where a hint came meanwhile.
pub(crate) async fn seen(
    tx: &mut Tx,
    book: BookId,
    key: &CheckKey,
    next_check_at: Option<Time>,
    now: Time,
    lease: Time,
) -> Result<(), DoorError> {
    let mut values = key_values(book, key);
    values.extend(values![next_check_at, now, lease]);
    tx.run(SEEN, values).await.map(drop)
}

/// A look brought nothing: the next one is due then, or at once where a hint came meanwhile.
pub(crate) async fn failed(
    tx: &mut Tx,
    book: BookId,
    key: &CheckKey,
    next_check_at: Option<Time>,
    now: Time,
    lease: Time,
    denied: bool,
) -> Result<(), DoorError> {
    let mut values = key_values(book, key);
    values.extend(values![next_check_at, now, lease, i64::from(denied)]);
    tx.run(FAILED, values).await.map(drop)
}

/// Objects that are unsettled since before a moment: subject, since, and what they are.
pub(crate) async fn overdue(
    tx: &mut Tx,
    book: BookId,
    connection: ConnectionId,
    before: Time,
    limit: u32,
) -> Result<Vec<(Option<SubjectId>, Time, String)>, DoorError> {
    let mut found = Vec::new();
    for mut row in tx.rows(OVERDUE, values![book, connection, before, limit]).await? {
        row.id()?;
        let (subject, since) = (row.opt_id()?.map(SubjectId), row.time()?);
        let (kind, key, failures) = (row.text()?, row.text()?, row.small()?);
        found.push((subject, since, format!("{kind} {key}: unsettled, {failures} looks in a row brought nothing")));
    }
    Ok(found)
}

/// The order of ours that a row is about.
pub(crate) async fn subject_of(
    tx: &mut Tx,
    book: BookId,
    key: &CheckKey,
    reference: Option<&str>,
) -> Result<Option<SubjectId>, DoorError> {
    let mut values = key_values(book, key);
    values.extend(values![reference]);
    let row = tx.maybe(SUBJECT, values).await?;
    row.map(|mut row| row.id().map(SubjectId)).transpose()
}

/// Ends leases of a process that is gone.
pub(crate) async fn unlease(tx: &mut Tx, book: BookId) -> Result<(), DoorError> {
    tx.run(UNLEASE, values![book]).await.map(drop)
}
