//! Rows of the providers' wallet books, kept to see whether each begins where the one before it ended (F29).
//!
//! They are evidence about completeness and never post: what they prove comes as claims from the translator.

use ensimbi_events::{Amount, BookId, ConnectionId, ObservationId, Time};

use super::value::{Row, values};
use super::{Tx, counters, statements};
use crate::connector::RowSeen;
use crate::door::DoorError;

statements! {
    INSERT plain "INSERT INTO wallet_rows (book, connection, id, wallet, number, change, previous, balance, adds_up, \
        category, request, observation, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING";
    SAME plain "SELECT COUNT(*) FROM wallet_rows WHERE book = $1 AND connection = $2 AND id = $3 AND number = $4 \
        AND change = $5 AND previous = $6 AND balance = $7";
    BROKEN plain "SELECT wallet, number, number, seen_at, previous, balance FROM wallet_rows \
        WHERE book = $1 AND connection = $2 AND adds_up = 0 ORDER BY number LIMIT $3";
    /// Whether a row, and the one after it, begin where the row before them ended.
    COMPARE plain "UPDATE wallet_rows SET apart = CASE WHEN EXISTS (SELECT 1 FROM wallet_rows a \
        WHERE a.book = wallet_rows.book AND a.connection = wallet_rows.connection AND a.wallet = wallet_rows.wallet \
        AND a.number = (SELECT MAX(c.number) FROM wallet_rows c WHERE c.book = wallet_rows.book \
        AND c.connection = wallet_rows.connection AND c.wallet = wallet_rows.wallet AND c.number < wallet_rows.number) \
        AND a.balance <> wallet_rows.previous) THEN 1 ELSE 0 END \
        WHERE book = $1 AND connection = $2 AND wallet = $3 AND number IN ($4, (SELECT MIN(n.number) FROM wallet_rows n \
        WHERE n.book = $1 AND n.connection = $2 AND n.wallet = $3 AND n.number > $4))";
    /// Rows that do not begin where the one before them ended. Young ones are left out: rows between them may still be on
    /// their way. CROSS: the few of them first.
    APART plain "SELECT a.wallet, a.number, b.number, b.seen_at, a.balance, b.previous FROM wallet_rows b \
        CROSS JOIN wallet_rows a WHERE b.book = $1 AND b.connection = $2 AND b.apart = 1 AND b.seen_at < $4 \
        AND a.book = b.book AND a.connection = b.connection AND a.wallet = b.wallet \
        AND a.number = (SELECT MAX(c.number) FROM wallet_rows c WHERE c.book = b.book AND c.connection = b.connection \
        AND c.wallet = b.wallet AND c.number < b.number) AND a.balance <> b.previous ORDER BY b.number LIMIT $3";
}

/// A row to be kept.
pub(crate) struct NewRow {
    pub(crate) connection: ConnectionId,
    pub(crate) observation: ObservationId,
    /// The provider's wallet id.
    pub(crate) wallet: String,
    pub(crate) row: RowSeen,
}

/// Keeps rows; says how many ids were told differently before: there the first stands.
///
/// The counts are locked first, so that of two transactions that keep neighbours the second sees the first one's.
pub(crate) async fn keep(tx: &mut Tx, book: BookId, new: &[NewRow], now: Time) -> Result<u64, DoorError> {
    counters::add(tx, book, counters::ROWS_READ, new.len() as u64).await?;
    let mut differ = 0;
    for one in new {
        differ += u64::from(!keep_one(tx, book, one, now).await?);
    }
    counters::add(tx, book, counters::ROWS_DIFFER, differ).await?;
    Ok(differ)
}

/// False where the id was told differently before.
async fn keep_one(tx: &mut Tx, book: BookId, new: &NewRow, now: Time) -> Result<bool, DoorError> {
    let NewRow { connection, observation, wallet, row } = new;
    let (change, previous, balance) = (row.change.scaled(), row.previous.scaled(), row.balance.scaled());
    let values = values![
        book,
        *connection,
        row.id.as_str(),
        wallet.as_str(),
        row.number,
        change,
        previous,
        balance,
        i64::from(row.previous.checked_add(row.change) == Some(row.balance)),
        row.category.as_str(),
        row.request.clone(),
        *observation,
        now,
    ];
    if tx.run(INSERT, values).await? > 0 {
        tx.run(COMPARE, values![book, *connection, wallet.as_str(), row.number]).await?;
        return Ok(true);
    }
    let same = values![book, *connection, row.id.as_str(), row.number, change, previous, balance];
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
