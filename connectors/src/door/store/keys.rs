//! API keys: one book each, known here only by their SHA-256.

use ensimbi_events::{BookId, ConnectionId, Time};

use super::value::values;
use super::{Tx, statements};
use crate::door::DoorError;

statements! {
    INSERT plain "INSERT INTO api_keys (key_hash, book, connection, label, created_at) VALUES ($1, $2, $3, $4, $5)";
    OPENED_BY plain "SELECT book, connection FROM api_keys WHERE key_hash = $1 AND revoked_at IS NULL";
    COUNT_OF plain "SELECT COUNT(*) FROM api_keys WHERE book = $1 AND connection IS NULL AND revoked_at IS NULL";
    OF_BOOK plain "SELECT key_hash, connection, label, created_at, revoked_at FROM api_keys WHERE book = $1 \
        ORDER BY created_at, key_hash LIMIT 1000";
    REVOKE plain "UPDATE api_keys SET revoked_at = $3 WHERE book = $1 AND key_hash = $2 AND revoked_at IS NULL";
}

/// Stores a key's hash.
pub(crate) async fn insert(
    tx: &mut Tx,
    key_hash: [u8; 32],
    (book, connection): (BookId, Option<ConnectionId>),
    label: &str,
    now: Time,
) -> Result<(), DoorError> {
    tx.run(INSERT, values![key_hash, book, connection, label, now]).await.map(drop)
}

/// The book a key opens, and the connection that it is for.
pub(crate) async fn opened_by(
    tx: &mut Tx,
    key_hash: [u8; 32],
) -> Result<Option<(BookId, Option<ConnectionId>)>, DoorError> {
    let Some(mut row) = tx.maybe(OPENED_BY, values![key_hash]).await? else { return Ok(None) };
    Ok(Some((BookId(row.id()?), row.opt_id()?.map(ConnectionId))))
}

/// How many keys of a book count now, but for those of connectors.
pub(crate) async fn count(tx: &mut Tx, book: BookId) -> Result<u64, DoorError> {
    Ok(u64::try_from(tx.one(COUNT_OF, values![book]).await?.int()?).unwrap_or(0))
}

/// A key as its row tells it.
pub(crate) struct KeyRow {
    pub(crate) hash: [u8; 32],
    pub(crate) connection: Option<ConnectionId>,
    pub(crate) label: String,
    pub(crate) created_at: Time,
    pub(crate) revoked_at: Option<Time>,
}

/// The keys of a book, oldest first, with those that were ended; at most 1,000.
pub(crate) async fn list(tx: &mut Tx, book: BookId) -> Result<Vec<KeyRow>, DoorError> {
    let mut found = Vec::new();
    for mut row in tx.rows(OF_BOOK, values![book]).await? {
        let (hash, connection, label) = (row.hash()?, row.opt_id()?.map(ConnectionId), row.text()?);
        found.push(KeyRow { hash, connection, label, created_at: row.time()?, revoked_at: row.opt_time()? });
    }
    Ok(found)
}

/// Ends a key. False where there is none.
pub(crate) async fn revoke(tx: &mut Tx, book: BookId, key_hash: [u8; 32], now: Time) -> Result<bool, DoorError> {
    Ok(tx.run(REVOKE, values![book, key_hash, now]).await? > 0)
}
