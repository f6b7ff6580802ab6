//! What the fee accounts themselves say about a span, summed by account path: the other side of the report's totals.

use std::collections::BTreeMap;

use ensimbi_events::Currency;

use super::super::span::{Basis, Span, until, utc_day, within};
use crate::accounts::{ACCOUNT_BOOKED, ACCOUNT_DAY, ACCOUNT_TOTAL, DAY_MICROS};
use crate::projection::At;
use crate::store::{Row, Sql, StoreError, Tx};

/// Beginnings of the fee accounts' paths, each with the text that sorts right behind all of them.
const PREFIXES: [(&str, &str); 2] = [("expenses:fees:", "expenses:fees;"), ("equity:memo:fees:", "equity:memo:fees;")];

const SUMS: &str = "SELECT account, currency, CAST(SUM(debit_high - credit_high) AS BIGINT), \
    CAST(SUM(debit_low - credit_low) AS BIGINT) FROM account_sums WHERE book = ";
const LINES: &str = "SELECT account, currency, CAST(SUM(amount / 1000000000) AS BIGINT), \
    CAST(SUM(amount % 1000000000) AS BIGINT) FROM postings WHERE book = ";

type Sums = BTreeMap<(String, Currency), i128>;

/// By bearer and currency; accounts that come to zero are there too.
pub(super) async fn accounts(tx: &mut Tx, at: At, span: Span, known: Option<u64>) -> Result<Sums, StoreError> {
    let bounds = span.bounds();
    let mut sums = Sums::new();
    if known.is_some() {
        let column = if span.basis() == Basis::Booked { "book_day" } else { "occurred_at" };
        lines(tx, at, column, bounds, known, &mut sums).await?;
        return Ok(sums);
    }
    let whole = match (span.basis(), bounds) {
        (_, (None, None)) => (ACCOUNT_TOTAL, bounds),
        (Basis::Booked, _) => (ACCOUNT_BOOKED, bounds),
        (Basis::Occurred, (from, to)) => {
            let first = from.map(|from| utc_day(from) + i64::from(from.rem_euclid(DAY_MICROS) != 0));
            let end = to.map(utc_day);
            if let (Some(first), Some(end)) = (first, end)
                && first > end
            {
                lines(tx, at, "occurred_at", bounds, None, &mut sums).await?;
                return Ok(sums);
            }
            // What the days leave over at either end.
            if let (Some(from), Some(first)) = (from, first) {
                lines(tx, at, "occurred_at", (Some(from), Some(first * DAY_MICROS)), None, &mut sums).await?;
            }
            if let (Some(end), Some(to)) = (end, to) {
                lines(tx, at, "occurred_at", (Some(end * DAY_MICROS), Some(to)), None, &mut sums).await?;
            }
            (ACCOUNT_DAY, (first, end))
        }
    };
    for (first, behind) in PREFIXES {
        let sql = Sql::new(SUMS).bind(at.book).text(" AND generation = ").bind(at.generation);
        let sql = sql.text(" AND account >= ").bind(first).text(" AND account < ").bind(behind);
        let sql = within(sql.text(" AND level = ").bind(whole.0), "bucket", whole.1);
        tx.each(sql.text(" GROUP BY account, currency"), |row| add(&mut sums, &row)).await?;
    }
    Ok(sums)
}

async fn lines(
    tx: &mut Tx,
    at: At,
    column: &'static str,
    bounds: (Option<i64>, Option<i64>),
    known: Option<u64>,
    sums: &mut Sums,
) -> Result<(), StoreError> {
    let sql = Sql::new(LINES).bind(at.book).text(" AND generation = ").bind(at.generation);
    let sql = until(within(sql.text(" AND fee IS NOT NULL"), column, bounds), known);
    tx.each(sql.text(" GROUP BY account, currency"), |row| add(sums, &row)).await
}

fn add(sums: &mut Sums, row: &Row) -> Result<(), StoreError> {
    let account = row.text(0)?;
    let bearer = match account.strip_prefix("equity:memo:fees:") {
        Some(rest) => rest.split(':').next().unwrap_or_default(),
        None => ensimbi_events::word::Bearer::Merchant.as_str(),
    };
    // 2^63 lines of 2^63 units fit 127 bits.
    *sums.entry((bearer.to_owned(), row.currency(1)?)).or_default() += row.sum(2)?;
    Ok(())
}
