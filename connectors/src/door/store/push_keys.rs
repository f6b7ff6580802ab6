//! Public keys that providers say they sign with. The two seen last count: one in use, one that replaces it.

use ensimbi_events::{BookId, ConnectionId, Hash, Time};

use super::value::values;
use super::{Tx, statements};
use crate::door::DoorError;

/// How many of a connection count.
const ACTIVE: u32 = 2;

statements! {
    PUT plain "INSERT INTO push_keys (book, connection, fingerprint, pem, seen_at) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (book, connection, fingerprint) DO UPDATE SET seen_at = excluded.seen_at";
    ACTIVE_ONES plain "SELECT pem FROM push_keys WHERE book = $1 AND connection = $2 \
        ORDER BY seen_at DESC, fingerprint LIMIT $3";
}

/// Takes over a key that an answer named.
pub(crate) async fn put(
    tx: &mut Tx,
    book: BookId,
    connection: ConnectionId,
    fingerprint: Hash,
    pem: &str,
    now: Time,
) -> Result<(), DoorError> {
    tx.run(PUT, values![book, connection, fingerprint.0, pem, now]).await.map(drop)
}

/// The keys of a connection that count, as PEM.
pub(crate) async fn active(tx: &mut Tx, book: BookId, connection: ConnectionId) -> Result<Vec<String>, DoorError> {
    let rows = tx.rows(ACTIVE_ONES, values![book, connection, ACTIVE]).await?;
    rows.into_iter().map(|mut row| row.text()).collect()
}
