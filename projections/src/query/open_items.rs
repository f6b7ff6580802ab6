//! Open items with their age, and totals that equal the accounts.

use async_trait::async_trait;
use ensimbi_events::{BookId, ConnectionId, Currency, SubjectId, Time};
use serde::Serialize;

use super::{LIMIT_MAX, Page, Views, of_generation};
use crate::open_items::{NAME, OpenItemRow};
use crate::store::{Sql, StoreError};

/// Which open items, by account and currency, oldest first.
#[derive(Debug, Clone, Default)]
pub struct OpenItemsQuery {
    /// Only on this account.
    pub account: Option<String>,
    /// Only on accounts of this connection.
    pub connection: Option<ConnectionId>,
    /// Only in this currency.
    pub currency: Option<Currency>,
    /// Only those after this place in the list.
    pub after: Option<OpenItemKey>,
    /// At most so many, from 1 to 500.
    pub limit: u32,
}

/// The place of an open item in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenItemKey {
    /// Account path.
    pub account: String,
    /// Currency.
    pub currency: Currency,
    /// When it was opened.
    pub opened_at: Time,
    /// The item.
    pub item: SubjectId,
}

impl From<&OpenItemRow> for OpenItemKey {
    fn from(row: &OpenItemRow) -> Self {
        let OpenItemRow { account, currency, opened_at, item, .. } = row;
        Self { account: account.clone(), currency: *currency, opened_at: *opened_at, item: *item }
    }
}

/// One account in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenItemTotal {
    /// Account path.
    pub account: String,
    /// Currency.
    pub currency: Currency,
    /// Sum of its open items at scale 4; debit is plus.
    pub balance: i128,
    /// How many items are not zero.
    pub items: u64,
    /// The oldest of them.
    pub oldest_at: Time,
}

/// Items and totals of one snapshot. Ages run to the stamp's `recorded_at`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenItemList {
    /// The page.
    pub page: Page<OpenItemRow>,
    /// Totals over the whole list, not only the page.
    pub totals: Vec<OpenItemTotal>,
}

/// Questions about open items.
#[async_trait]
pub trait OpenItemsView: Send + Sync {
    /// A page of items that are not zero, and the totals of the accounts.
    async fn open_items(&self, book: BookId, query: &OpenItemsQuery) -> Result<OpenItemList, StoreError>;
}

/// Whole days from `opened_at` to `as_at`.
pub fn age_days(opened_at: Time, as_at: Time) -> u64 {
    as_at.since(opened_at).as_secs() / 86_400
}

fn filtered(mut sql: Sql, query: &OpenItemsQuery) -> Sql {
    sql = sql.text(" AND balance <> 0");
    if let Some(account) = &query.account {
        sql = sql.text(" AND account = ").bind(account.as_str());
    }
    if let Some(connection) = query.connection {
        sql = sql.text(" AND connection = ").bind(connection);
    }
    if let Some(currency) = query.currency {
        sql = sql.text(" AND currency = ").bind(currency);
    }
    sql
}

#[async_trait]
impl OpenItemsView for Views {
    async fn open_items(&self, book: BookId, query: &OpenItemsQuery) -> Result<OpenItemList, StoreError> {
        let limit = query.limit.clamp(1, LIMIT_MAX);
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let mut sql = filtered(of_generation(OpenItemRow::SELECT, at), query);
        if let Some(key) = &query.after {
            sql = sql.text(" AND (account, currency, opened_at, item) > (").bind(key.account.as_str()).text(", ");
            sql = sql.bind(key.currency).text(", ").bind(key.opened_at).text(", ").bind(key.item).text(")");
        }
        let sql = sql.text(" ORDER BY account, currency, opened_at, item LIMIT ").bind(i64::from(limit) + 1);
        let rows = tx.rows(sql).await?;
        let rows: Result<Vec<OpenItemRow>, StoreError> = rows.iter().map(OpenItemRow::read).collect();
        let page = Page::of(stamp, rows?, limit);

        let select = "SELECT account, currency, CAST(SUM(balance / 1000000000) AS BIGINT), \
            CAST(SUM(balance % 1000000000) AS BIGINT), count(*), min(opened_at) FROM open_items WHERE book = ";
        let sql = filtered(of_generation(select, at), query);
        let mut totals = Vec::new();
        tx.each(sql.text(" GROUP BY account, currency ORDER BY account, currency"), |row| {
            totals.push(OpenItemTotal {
                account: row.text(0)?,
                currency: row.currency(1)?,
                balance: row.sum(2)?,
                items: row.position(4)?,
                oldest_at: row.time(5)?,
            });
            Ok(())
        })
        .await?;
        Ok(OpenItemList { page, totals })
    }
}
