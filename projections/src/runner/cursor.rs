//! Cursors: how far each generation of a projection has read, and why it stands still.

use ensimbi_events::config::BookConfig;
use ensimbi_events::{BookId, Hash, Time};
use serde::Serialize;

use crate::projection::{At, Configured};
use crate::store::{Bind, Sql, StoreError, Tx, ViewStore};
use crate::word::words;

words! {
    /// Why a projection stands still.
    StopKind {
        /// An event that it cannot read or apply; other projections go on.
        Poison = "poison",
        /// Its cursor is beyond the end of the ledger: an older ledger was put back.
        Ahead = "ahead",
        /// The ledger has another leaf where the cursor was, or a leaf without its hash.
        OtherHash = "other_hash",
        /// The ledger or the views contradict themselves.
        Damaged = "damaged",
    }
}

/// A stop, with the position that was not passed. Never skipped: a rebuild, a new version or a repair gets past it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// Why.
    pub kind: StopKind,
    /// The first position that is not in the views.
    pub position: u64,
    /// In words.
    pub reason: String,
}

impl Stop {
    pub(super) fn new(kind: StopKind, position: u64, reason: String) -> Self {
        Self { kind, position, reason }
    }
}

/// One generation's cursor.
#[derive(Clone)]
pub(crate) struct Cursor {
    pub generation: i64,
    pub position: u64,
    /// Hash of the leaf at `position`; none before the first.
    pub leaf_hash: Option<Hash>,
    /// When the event at `position` was recorded.
    pub recorded_at: Option<Time>,
    pub configured: Configured,
    pub stop: Option<Stop>,
}

impl Cursor {
    pub fn start(generation: i64) -> Self {
        let configured = Configured::default();
        Self { generation, position: 0, leaf_hash: None, recorded_at: None, configured, stop: None }
    }

    pub fn at(&self, book: BookId) -> At {
        At { book, generation: self.generation }
    }
}

const COLUMNS: &str = "SELECT c.generation, c.position, c.leaf_hash, c.stop_kind, c.stop_position, c.stop_reason, \
    c.config, c.recorded_at FROM projection_cursors c ";
const ACTIVE: &str = "JOIN projection_active a ON a.book = c.book AND a.projection = c.projection \
    AND a.generation = c.generation WHERE a.book = ";

/// The serving generation's cursor; made if there is none.
pub(super) async fn active(store: &ViewStore, book: BookId, projection: &'static str) -> Result<Cursor, StoreError> {
    let mut tx = store.read().await?;
    if let Some(cursor) = active_in(&mut tx, book, projection).await? {
        return Ok(cursor);
    }
    drop(tx);
    let mut tx = store.write().await?;
    let sql = Sql::new("INSERT INTO projection_active (book, projection, generation) VALUES (").bind(book).text(", ");
    let made = tx.execute(sql.bind(projection).text(", 1) ON CONFLICT DO NOTHING")).await?;
    if made == 1 {
        insert(&mut tx, book, projection, &Cursor::start(1)).await?;
    }
    tx.commit().await?;
    let mut tx = store.read().await?;
    let cursor = active_in(&mut tx, book, projection).await?;
    cursor.ok_or_else(|| StoreError::Damaged(format!("projection {projection} has no cursor for its generation")))
}

/// The serving generation's cursor as this transaction sees it.
pub(crate) async fn active_in(
    tx: &mut Tx,
    book: BookId,
    projection: &'static str,
) -> Result<Option<Cursor>, StoreError> {
    let sql = Sql::new(COLUMNS).text(ACTIVE).bind(book).text(" AND a.projection = ").bind(projection);
    let Some(row) = tx.row(sql).await? else { return Ok(None) };
    let stop = match row.maybe_text(3)? {
        None => None,
        Some(kind) => Some(Stop {
            kind: StopKind::from_text(&kind).unwrap_or(StopKind::Damaged),
            position: row.position(4)?,
            reason: row.text(5)?,
        }),
    };
    let config: BookConfig = serde_json::from_str(&row.text(6)?)
        .map_err(|error| StoreError::Damaged(format!("the cursor's configuration: {error}")))?;
    Ok(Some(Cursor {
        generation: row.int(0)?,
        position: row.position(1)?,
        leaf_hash: row.maybe_hash(2)?,
        recorded_at: row.maybe_time(7)?,
        configured: Configured::new(config),
        stop,
    }))
}

/// Locks the projection against other writers, if `generation` is still the one that serves.
pub(super) async fn lock_active(
    tx: &mut Tx,
    book: BookId,
    projection: &'static str,
    generation: i64,
) -> Result<bool, StoreError> {
    let sql = Sql::new("UPDATE projection_active SET generation = generation WHERE book = ").bind(book);
    let sql = sql.text(" AND projection = ").bind(projection).text(" AND generation = ").bind(generation);
    Ok(tx.execute(sql).await? == 1)
}

/// Locks a generation's cursor, if it still stands where we left it.
pub(super) async fn lock(
    tx: &mut Tx,
    book: BookId,
    projection: &'static str,
    cursor: &Cursor,
) -> Result<bool, StoreError> {
    let sql = Sql::new("UPDATE projection_cursors SET position = position WHERE book = ").bind(book);
    let sql = sql.text(" AND projection = ").bind(projection).text(" AND generation = ").bind(cursor.generation);
    Ok(tx.execute(sql.text(" AND position = ").bind(Bind::position(cursor.position))).await? == 1)
}

fn config_text(cursor: &Cursor) -> Result<String, StoreError> {
    serde_json::to_string(cursor.configured.config())
        .map_err(|error| StoreError::Damaged(format!("the cursor's configuration: {error}")))
}

/// Makes a generation's cursor.
pub(super) async fn insert(
    tx: &mut Tx,
    book: BookId,
    projection: &'static str,
    cursor: &Cursor,
) -> Result<(), StoreError> {
    let head = "INSERT INTO projection_cursors (book, projection, generation, position, leaf_hash, recorded_at, config) \
        VALUES (";
    let sql = Sql::new(head).bind(book).text(", ").bind(projection).text(", ").bind(cursor.generation).text(", ");
    let sql = sql.bind(Bind::position(cursor.position)).text(", ").bind(cursor.leaf_hash).text(", ");
    let sql = sql.bind(cursor.recorded_at).text(", ");
    tx.execute(sql.bind(config_text(cursor)?).text(")")).await.map(|_| ())
}

/// Moves a generation's cursor; with the effect, in one transaction. The configuration is written only if it changed.
pub(super) async fn advance(
    tx: &mut Tx,
    book: BookId,
    projection: &'static str,
    cursor: &Cursor,
    config_changed: bool,
) -> Result<(), StoreError> {
    let stop = cursor.stop.as_ref();
    let mut sql = Sql::new("UPDATE projection_cursors SET position = ").bind(Bind::position(cursor.position));
    sql = sql.text(", leaf_hash = ").bind(cursor.leaf_hash).text(", recorded_at = ").bind(cursor.recorded_at);
    sql = sql.text(", stop_kind = ").bind(stop.map(|stop| stop.kind.as_str()));
    let position = stop.map(|stop| i64::try_from(stop.position).unwrap_or(i64::MAX));
    sql = sql.text(", stop_position = ").bind(position);
    sql = sql.text(", stop_reason = ").bind(stop.map(|stop| stop.reason.clone()));
    if config_changed {
        sql = sql.text(", config = ").bind(config_text(cursor)?);
    }
    sql = sql.text(" WHERE book = ").bind(book).text(" AND projection = ").bind(projection);
    tx.execute(sql.text(" AND generation = ").bind(cursor.generation)).await.map(|_| ())
}
