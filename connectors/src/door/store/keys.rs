//! API keys: one book each, known here only by their SHA-256.

use ensimbi_events::{BookId, Time};

use super::value::values;
use super::{Tx, statements};
use crate::door::DoorError;

statements! {
    INSERT plain "INSERT INTO api_keys (key_hash, book, label, created_at) VALUES ($1, $2, $3, $4)";
    BOOK_OF plain "SELECT book FROM api_keys WHERE key_hash = $1 AND revoked_at IS NULL";
    COUNT_OF plain "SELECT COUNT(*) FROM api_keys WHERE book = $1 AND revoked_at IS NULL";
    OF_BOOK plain "SELECT key_hash, label, created_at, revoked_at FROM api_keys WHERE book = $1 \
        ORDER BY created_at, key_hash LIMIT 1000";
    REVOKE plain "UPDATE api_keys SET revoked_at = $3 WHERE book = $1 AND key_hash = $2 AND revoked_at IS NULL";
}

/// Stores a key's hash.
pub(crate) async fn insert(
    tx: &mut Tx,
    key_hash: [u8; 32],
    book: BookId,
    label: &str,
    now: Time,
) -> Result<(), DoorError> {
    tx.run(INSERT, values![key_hash, book, label, now]).await.map(drop)
}

/// The book a key opens.
pub(crate) async fn book_of(tx: &mut Tx, key_hash: [u8; 32]) -> Result<Option<BookId>, DoorError> {
    tx.maybe(BOOK_OF, values![key_hash]).await?.map(|mut row| row.id().map(BookId)).transpose()
}

/// How many keys of a book count now.
pub(crate) async fn count(tx: &mut Tx, book: BookId) -> Result<u64, DoorError> {
    Ok(u64::try_from(tx.one(COUNT_OF, values![book]).await?.int()?).unwrap_or(0))
}

/// A key as its row tells it.
pub(crate) struct KeyRow {
    pub(crate) hash: [u8; 32],
    pub(crate) label: String,
    pub(crate) created_at: Time,
    pub(crate) revoked_at: Option<Time>,
}

/// The keys of a book, oldest first, with those that were ended; at most 1,000.
pub(crate) async fn list(tx: &mut Tx, book: BookId) -> Result<Vec<KeyRow>, DoorError> {
    let mut found = Vec::new();
    for mut row in tx.rows(OF_BOOK, values![book]).await? {
        let (hash, label) = (row.hash()?, row.text()?);
        found.push(KeyRow { hash, label, created_at: row.time()?, revoked_at: row.opt_time()? });
    }
    Ok(found)
}

/// Ends a key. False where there is none.
pub(crate) async fn revoke(tx: &mut Tx, book: BookId, key_hash: [u8; 32], now: Time) -> Result<bool, DoorError> {
    Ok(tx.run(REVOKE, values![book, key_hash, now]).await? > 0)
}
