//! Commands of our own, once for each (route, `Idempotency-Key`), for ever. What became of their facts is in the outbox.

use ensimbi_events::{BookId, PartyId, SubjectId, Time};

use super::value::values;
use super::{Tx, statements};
use crate::door::DoorError;

statements! {
    FORGET plain "DELETE FROM commands WHERE book = $1 AND id = $2";
    INSERT plain "INSERT INTO commands (book, id, route, idempotency_key, body_hash, party, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    GET plain "SELECT body_hash FROM commands WHERE book = $1 AND id = $2";
}

/// A command's row.
pub(crate) struct NewCommand<'a> {
    /// Derived from book, route and key.
    pub(crate) id: SubjectId,
    pub(crate) route: &'a str,
    pub(crate) key: &'a str,
    pub(crate) body_hash: [u8; 32],
    pub(crate) party: Option<PartyId>,
}

/// Stores a command. False where it is there already.
pub(crate) async fn insert(tx: &mut Tx, book: BookId, new: &NewCommand<'_>, now: Time) -> Result<bool, DoorError> {
    let values = values![book, new.id, new.route, new.key, new.body_hash, new.party, now];
    Ok(tx.run(INSERT, values).await? > 0)
}

/// Forgets a command of which nothing left us: its key may be used again.
pub(crate) async fn forget(tx: &mut Tx, book: BookId, id: SubjectId) -> Result<(), DoorError> {
    tx.run(FORGET, values![book, id]).await.map(drop)
}

/// The keyed hash of what was sent under this id, if anything was.
pub(crate) async fn body_hash(tx: &mut Tx, book: BookId, id: SubjectId) -> Result<Option<[u8; 32]>, DoorError> {
    tx.maybe(GET, values![book, id]).await?.map(|mut row| row.hash()).transpose()
}
