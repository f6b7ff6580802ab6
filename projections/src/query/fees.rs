//! The fee report: fee lines grouped by what the reader wants, and totals that equal the fee accounts.
//!
//! Sums are made in the database, by the chosen columns and, for days and months, by quarter of an hour: every zone's
//! offset is a whole number of quarters (since 1972), so a quarter never straddles two local days. Currency and bearer
//! are always apart: amounts of two currencies, or ours and somebody else's, are never added.

use std::collections::BTreeMap;

use async_trait::async_trait;
use ensimbi_events::{BookId, Currency, Time};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Answer, QUARTER_MICROS, Views};
use crate::fees::NAME;
use crate::store::{Row, Sql, StoreError};
use crate::word::words;

/// Most groups of one answer.
pub const GROUPS_MAX: usize = 10_000;

words! {
    /// By what fees are grouped. Currency and bearer always are.
    FeeDimension {
        /// The provider's word.
        Provider = "provider",
        /// The connection's id.
        Connection = "connection",
        /// The wallet's id.
        Wallet = "wallet",
        /// Whose service it pays.
        Component = "component",
        /// Who bears it.
        Bearer = "bearer",
        /// Currency.
        Currency = "currency",
        /// Operator or rail.
        Channel = "channel",
        /// The provider's field name.
        Label = "label",
        /// Local date, as `2026-05-03`.
        Day = "day",
        /// Local month, as `2026-05`.
        Month = "month",
    }
}

/// What to report.
#[derive(Debug, Clone)]
pub struct FeesQuery {
    /// In the order of the answer's keys.
    pub group_by: Vec<FeeDimension>,
    /// First moment inside.
    pub from: Option<Time>,
    /// First moment no longer inside.
    pub to: Option<Time>,
    /// Whose days and months.
    pub zone: TimeZone,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeeGroup {
    /// The chosen dimensions with their values; `None` where a line has none.
    pub key: Vec<(FeeDimension, Option<String>)>,
    /// Who bears it.
    pub bearer: String,
    /// Currency.
    pub currency: Currency,
    /// Sum at scale 4; a cost is positive.
    pub amount: i128,
    /// How many lines.
    pub lines: u64,
}

/// All fees of one bearer in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeeTotal {
    /// Who bears them.
    pub bearer: String,
    /// Currency.
    pub currency: Currency,
    /// Sum at scale 4.
    pub amount: i128,
    /// How many lines.
    pub lines: u64,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeeReport {
    /// In the order of their keys.
    pub groups: Vec<FeeGroup>,
    /// The same lines, summed by bearer and currency only.
    pub totals: Vec<FeeTotal>,
    /// There were more than [`GROUPS_MAX`] groups; `groups` is empty, `totals` is not.
    pub too_many: bool,
}

/// Questions about fees.
#[async_trait]
pub trait FeesView: Send + Sync {
    /// The report.
    async fn fees(&self, book: BookId, query: &FeesQuery) -> Result<Answer<FeeReport>, StoreError>;
}

type Sum = (i128, u64);

#[async_trait]
impl FeesView for Views {
    async fn fees(&self, book: BookId, query: &FeesQuery) -> Result<Answer<FeeReport>, StoreError> {
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let by_time = query.group_by.iter().any(|d| matches!(d, FeeDimension::Day | FeeDimension::Month));
        let mut sql = Sql::new("SELECT ");
        for dimension in &query.group_by {
            sql = sql.text(column(*dimension)).text(", ");
        }
        sql = sql.text("bearer, currency, ");
        sql = sql.text(if by_time { "occurred_at / 900000000, " } else { "CAST(0 AS BIGINT), " });
        sql = sql.text("CAST(SUM(amount / 1000000000) AS BIGINT), CAST(SUM(amount % 1000000000) AS BIGINT), count(*) ");
        sql = sql.text("FROM fee_lines WHERE book = ").bind(at.book).text(" AND generation = ").bind(at.generation);
        if let Some(from) = query.from {
            sql = sql.text(" AND occurred_at >= ").bind(from);
        }
        if let Some(to) = query.to {
            sql = sql.text(" AND occurred_at < ").bind(to);
        }
        sql = sql.text(" GROUP BY ");
        for dimension in query.group_by.iter().filter(|dimension| column(**dimension) != TIME) {
            sql = sql.text(column(*dimension)).text(", ");
        }
        sql = sql.text("bearer, currency").text(if by_time { ", occurred_at / 900000000" } else { "" });

        let mut groups: BTreeMap<(Vec<Option<String>>, String, Currency), Sum> = BTreeMap::new();
        let mut totals: BTreeMap<(String, Currency), Sum> = BTreeMap::new();
        let mut too_many = false;
        tx.each(sql, |row| {
            let width = query.group_by.len();
            let (bearer, currency) = (row.text(width)?, row.currency(width + 1)?);
            let quarter = row.int(width + 2)?;
            let amount = row.sum(width + 3)?;
            let lines = row.position(width + 5)?;
            add(totals.entry((bearer.clone(), currency)).or_default(), amount, lines);
            let mut key = Vec::with_capacity(width);
            for (index, dimension) in query.group_by.iter().enumerate() {
                key.push(value(&row, index, *dimension, quarter, &query.zone)?);
            }
            let key = (key, bearer, currency);
            too_many |= groups.len() >= GROUPS_MAX && !groups.contains_key(&key);
            if !too_many {
                add(groups.entry(key).or_default(), amount, lines);
            }
            Ok(())
        })
        .await?;
        if too_many {
            groups.clear();
        }
        let groups = groups.into_iter().map(|((key, bearer, currency), (amount, lines))| {
            let key = query.group_by.iter().copied().zip(key).collect();
            FeeGroup { key, bearer, currency, amount, lines }
        });
        let totals = totals.into_iter();
        let totals = totals.map(|((bearer, currency), (amount, lines))| FeeTotal { bearer, currency, amount, lines });
        let value = FeeReport { groups: groups.collect(), totals: totals.collect(), too_many };
        Ok(Answer { stamp, value })
    }
}

fn add(sum: &mut Sum, amount: i128, lines: u64) {
    // 2^63 lines of 2^63 units fit 127 bits.
    *sum = (sum.0 + amount, sum.1 + lines);
}

/// Stands where a column would, for what is worked out from the quarter.
const TIME: &str = "CAST(NULL AS TEXT)";

const fn column(dimension: FeeDimension) -> &'static str {
    match dimension {
        FeeDimension::Provider => "provider",
        FeeDimension::Connection => "connection",
        FeeDimension::Wallet => "wallet",
        FeeDimension::Component => "component",
        FeeDimension::Bearer => "bearer",
        FeeDimension::Currency => "currency",
        FeeDimension::Channel => "channel",
        FeeDimension::Label => "label",
        FeeDimension::Day | FeeDimension::Month => TIME,
    }
}

fn value(
    row: &Row,
    index: usize,
    dimension: FeeDimension,
    quarter: i64,
    zone: &TimeZone,
) -> Result<Option<String>, StoreError> {
    let date = || Time::from_micros(quarter.saturating_mul(QUARTER_MICROS)).date_in(zone);
    Ok(match dimension {
        FeeDimension::Connection | FeeDimension::Wallet => row.maybe_uuid(index)?.map(|id| id.to_string()),
        FeeDimension::Day => Some(date()),
        // Years have four digits in our range of times.
        FeeDimension::Month => Some(date().chars().take(7).collect()),
        _ => row.maybe_text(index)?,
    })
}
