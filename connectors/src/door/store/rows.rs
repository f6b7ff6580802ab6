//! Rows of the providers' wallet books, kept to see whether each begins where the one before it ended (F29).
//!
//! They are evidence about completeness and never post: what they prove comes as claims from the translator.

use ensimbi_events::{Amount, BookId, ConnectionId, ObservationId, Time};

use super::value::{Row, values};
use super::{Tx, statements};
use crate::connector::RowSeen;
use crate::door::DoorError;

statements! {
    INSERT plain "INSERT INTO wallet_rows (book, connection, id, wallet, number, change, previous, balance, adds_up, \
        category, request, observation, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING";
    SAME plain "SELECT COUNT(*) FROM wallet_rows WHERE book = $1 AND connection = $2 AND id = $3 AND number = $4 \
        AND change = $5 AND previous = $6 AND balance = $7";
    BROKEN plain "SELECT wallet, number, number, seen_at, previous, balance FROM wallet_rows \
        WHERE book = $1 AND connection = $2 AND adds_up = 0 ORDER BY number LIMIT $3";
    /// The next row that was seen after each does not begin where it ended. Young ones are left out: rows between them
    /// may still be on their way.
    APART plain "SELECT a.wallet, a.number, b.number, b.seen_at, a.balance, b.previous FROM wallet_rows a \
        JOIN wallet_rows b ON b.book = a.book AND b.connection = a.connection AND b.wallet = a.wallet \
        AND b.number = (SELECT MIN(c.number) FROM wallet_rows c WHERE c.book = a.book AND c.connection = a.connection \
        AND c.wallet = a.wallet AND c.number > a.number) \
        WHERE a.book = $1 AND a.connection = $2 AND b.previous <> a.balance AND b.seen_at < $4 \
        ORDER BY a.number LIMIT $3";
}

/// Keeps a row. False where the same id was told differently before: the first stands.
pub(crate) async fn keep(
    tx: &mut Tx,
    book: BookId,
    connection: ConnectionId,
    observation: ObservationId,
    wallet: &str,
    row: &RowSeen,
    now: Time,
) -> Result<bool, DoorError> {
    let (change, previous, balance) = (row.change.scaled(), row.previous.scaled(), row.balance.scaled());
    let values = values![
        book,
        connection,
        row.id.as_str(),
        wallet,
        row.number,
        change,
        previous,
        balance,
        i64::from(row.previous.checked_add(row.change) == Some(row.balance)),
        row.category.as_str(),
        row.request.clone(),
        observation,
        now,
    ];
    if tx.run(INSERT, values).await? > 0 {
        return Ok(true);
    }
    let same = values![book, connection, row.id.as_str(), row.number, change, previous, balance];
    Ok(tx.one(SAME, same).await?.int()? > 0)
}

/// A place where the rows do not chain.
pub(crate) struct Break {
    pub(crate) wallet: String,
    /// Numbers of the rows it lies between; equal where one row is broken in itself.
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) seen_at: Time,
    /// Where the one ended (of one row: where it began).
    pub(crate) before: Amount,
    /// Where the next began (of one row: where it ended).
    pub(crate) after: Amount,
}

/// Where the rows of a connection do not chain, as far as they were seen before a moment.
pub(crate) async fn breaks(
    tx: &mut Tx,
    book: BookId,
    connection: ConnectionId,
    before: Time,
    limit: u32,
) -> Result<Vec<Break>, DoorError> {
    let mut rows = tx.rows(BROKEN, values![book, connection, limit]).await?;
    rows.extend(tx.rows(APART, values![book, connection, limit, before]).await?);
    rows.into_iter().map(read).collect()
}

fn read(mut row: Row) -> Result<Break, DoorError> {
    Ok(Break {
        wallet: row.text()?,
        from: row.int()?,
        to: row.int()?,
        seen_at: row.time()?,
        before: Amount::from_scaled(row.int()?),
        after: Amount::from_scaled(row.int()?),
    })
}
