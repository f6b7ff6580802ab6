//! Sums of the lines dated at or before a day, of events up to a position: a statement in each dialect. They are asked for
//! when a period is closed, reopened or verified, and never for a claim of a provider.

use ensimbi_events::BookId;
use ensimbi_events::ports::AccountBalance;
use sqlx::{PgConnection, SqliteConnection};

use super::columns::column;
use super::{StoreError, postgres, sqlite};

/// The earliest book date of events up to a position.
pub(super) const FIRST: &str = "SELECT MIN(book_date) FROM events WHERE book = $1 AND position <= $2";

pub(super) async fn in_sqlite(
    connection: &mut SqliteConnection,
    book: BookId,
    to: &str,
    position: u64,
) -> Result<Vec<AccountBalance>, StoreError> {
    // SQLite sums in 64 bits: high and low parts apart, so that totals have 128.
    let rows: Vec<(String, String, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT l.account, l.currency, \
         COALESCE(SUM(l.amount / 1000000) FILTER (WHERE l.amount > 0), 0), \
         COALESCE(SUM(l.amount % 1000000) FILTER (WHERE l.amount > 0), 0), \
         COALESCE(SUM(l.amount / 1000000) FILTER (WHERE l.amount < 0), 0), \
         COALESCE(SUM(l.amount % 1000000) FILTER (WHERE l.amount < 0), 0) \
         FROM events e JOIN lines l ON l.book = e.book AND l.position = e.position \
         WHERE e.book = $1 AND e.position <= $2 AND e.book_date <= $3 \
         GROUP BY l.account, l.currency ORDER BY l.account, l.currency",
    )
    .bind(book.0)
    .bind(column(position))
    .bind(to)
    .fetch_all(connection)
    .await
    .map_err(sqlite::store_error)?;
    let whole = |high: i64, low: i64| i128::from(high) * 1_000_000 + i128::from(low);
    let balance = |(account, currency, plus_high, plus_low, minus_high, minus_low): (String, String, _, _, _, _)| {
        let currency = currency.parse().map_err(|_| StoreError::Damaged(format!("a line in {currency}")))?;
        let (debit, credit) = (whole(plus_high, plus_low), -whole(minus_high, minus_low));
        Ok(AccountBalance { account, currency, debit, credit })
    };
    rows.into_iter().map(balance).collect()
}

pub(super) async fn in_postgres(
    connection: &mut PgConnection,
    book: BookId,
    to: &str,
    position: u64,
) -> Result<Vec<AccountBalance>, StoreError> {
    // A sum of bigint is numeric: as text it keeps all digits.
    let rows: Vec<(String, String, String, String)> = sqlx::query_as(
        "SELECT l.account, l.currency, COALESCE(SUM(l.amount) FILTER (WHERE l.amount > 0), 0)::text, \
         COALESCE(-SUM(l.amount) FILTER (WHERE l.amount < 0), 0)::text \
         FROM events e JOIN lines l ON l.book = e.book AND l.position = e.position \
         WHERE e.book = $1 AND e.position <= $2 AND e.book_date COLLATE \"C\" <= $3 \
         GROUP BY l.account, l.currency ORDER BY l.account COLLATE \"C\", l.currency",
    )
    .bind(book.0)
    .bind(column(position))
    .bind(to)
    .fetch_all(connection)
    .await
    .map_err(postgres::store_error)?;
    let balance = |(account, currency, debit, credit): (String, String, String, String)| {
        let damaged = |what: &str| StoreError::Damaged(format!("account {account}: {what}"));
        Ok(AccountBalance {
            currency: currency.parse().map_err(|_| damaged("currency"))?,
            debit: debit.parse().map_err(|_| damaged("debit sum"))?,
            credit: credit.parse().map_err(|_| damaged("credit sum"))?,
            account,
        })
    };
    rows.into_iter().map(balance).collect()
}
