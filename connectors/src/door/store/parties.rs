//! People and firms outside: sealed, found again by a keyed hash.

use ensimbi_events::{BookId, PartyId, Time};

use super::value::values;
use super::{Tx, statements};
use crate::door::DoorError;

statements! {
    FIND plain "SELECT id, sealed, wrapped_key FROM parties WHERE book = $1 AND lookup = $2";
    INSERT plain "INSERT INTO parties (book, id, lookup, sealed, wrapped_key, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    RESEAL plain "UPDATE parties SET sealed = $3, wrapped_key = $4 WHERE book = $1 AND id = $2 \
        AND wrapped_key IS NOT NULL";
}

/// A party's row.
pub(crate) struct PartyRow {
    pub(crate) id: PartyId,
    pub(crate) sealed: Vec<u8>,
    /// `None` once it was erased; an erased party is never filled again.
    pub(crate) wrapped_key: Option<Vec<u8>>,
}

/// The party with this keyed hash.
pub(crate) async fn find(tx: &mut Tx, book: BookId, lookup: [u8; 32]) -> Result<Option<PartyRow>, DoorError> {
    let Some(mut row) = tx.maybe(FIND, values![book, lookup]).await? else { return Ok(None) };
    Ok(Some(PartyRow { id: PartyId(row.id()?), sealed: row.bytes()?, wrapped_key: row.opt_bytes()? }))
}

/// Stores a party. False where somebody stored the same one meanwhile.
pub(crate) async fn insert(
    tx: &mut Tx,
    book: BookId,
    lookup: [u8; 32],
    row: &PartyRow,
    now: Time,
) -> Result<bool, DoorError> {
    let values = values![book, row.id, lookup, row.sealed.as_slice(), row.wrapped_key.clone(), now];
    Ok(tx.run(INSERT, values).await? > 0)
}

/// Replaces what is known of a party, unless it was erased.
pub(crate) async fn reseal(tx: &mut Tx, book: BookId, row: &PartyRow) -> Result<(), DoorError> {
    tx.run(RESEAL, values![book, row.id, row.sealed.as_slice(), row.wrapped_key.clone()]).await.map(drop)
}
