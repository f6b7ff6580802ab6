//! Connections that must not be called before a moment: too many calls, or credentials that are not accepted.

use ensimbi_events::{BookId, ConnectionId, Time};

use super::value::values;
use super::{Tx, statements};
use crate::door::DoorError;

statements! {
    UNTIL plain "SELECT until, tries, reason FROM pauses WHERE book = $1 AND connection = $2";
    PAUSE plain "INSERT INTO pauses (book, connection, until, tries, reason) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (book, connection) DO UPDATE SET \
        until = CASE WHEN pauses.until > $3 THEN pauses.until ELSE $3 END, tries = $4, reason = $5";
    RESUME plain "DELETE FROM pauses WHERE book = $1 AND connection = $2 AND until <= $3";
}

/// A connection that is not to be called.
pub(crate) struct Pause {
    /// Until when; maybe a moment already past.
    pub(crate) until: Time,
    /// How often in a row.
    pub(crate) tries: u32,
    /// rate_limited or credentials.
    pub(crate) reason: String,
}

/// The pause of a connection, if it has one.
pub(crate) async fn get(tx: &mut Tx, book: BookId, connection: ConnectionId) -> Result<Option<Pause>, DoorError> {
    let Some(mut row) = tx.maybe(UNTIL, values![book, connection]).await? else { return Ok(None) };
    Ok(Some(Pause { until: row.time()?, tries: row.small()?, reason: row.text()? }))
}

/// Pauses it; a longer pause that stands is not shortened.
pub(crate) async fn pause(
    tx: &mut Tx,
    book: BookId,
    connection: ConnectionId,
    until: Time,
    tries: u32,
    reason: &str,
) -> Result<(), DoorError> {
    tx.run(PAUSE, values![book, connection, until, tries, reason]).await.map(drop)
}

/// A call went through: a pause that is over is forgotten. One that another call has just asked for stands.
pub(crate) async fn resume(tx: &mut Tx, book: BookId, connection: ConnectionId, now: Time) -> Result<(), DoorError> {
    tx.run(RESUME, values![book, connection, now]).await.map(drop)
}
