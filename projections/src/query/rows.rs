//! Whole tables, row by row, for whoever carries a view elsewhere (exports).
//!
//! One read snapshot is opened and kept: its stamp is true for every row, however long the reading takes and whatever
//! is projected meanwhile. Rows come in pages by key, so nothing is ever held but one page.

use async_trait::async_trait;
use ensimbi_events::BookId;

use super::{Stamp, Views, of_generation};
use crate::discrepancies::{self, DiscrepancyRow};
use crate::invoices::{self, InvoiceRow};
use crate::open_items::{self, OpenItemRow};
use crate::payments::{self, PaymentRow};
use crate::projection::At;
use crate::store::{Bind, Row, Sql, StoreError, Tx};
use crate::wallets::{self, WalletRow};
use crate::word::words;

/// Rows of one page.
const PAGE: i64 = 500;

words! {
    /// A table that can be read whole.
    ViewTable {
        /// Wallets, by account code and code.
        Wallets = "wallets",
        /// Payments, refunds, payouts and transfers, oldest first.
        Payments = "payments",
        /// Invoices, oldest first.
        Invoices = "invoices",
        /// What is open, by account and currency, oldest first.
        OpenItems = "open_items",
        /// Discrepancies, oldest first.
        Discrepancies = "discrepancies",
    }
}

/// One row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewRow {
    /// Of [`ViewTable::Wallets`].
    Wallet(Box<WalletRow>),
    /// Of [`ViewTable::Payments`].
    Payment(Box<PaymentRow>),
    /// Of [`ViewTable::Invoices`].
    Invoice(Box<InvoiceRow>),
    /// Of [`ViewTable::OpenItems`].
    OpenItem(Box<OpenItemRow>),
    /// Of [`ViewTable::Discrepancies`].
    Discrepancy(Box<DiscrepancyRow>),
}

/// A table that is being read.
#[async_trait]
pub trait RowPages: Send {
    /// Until where every row is true.
    fn stamp(&self) -> Stamp;
    /// How many rows there are in all.
    fn total(&self) -> u64;
    /// The next rows in order; none at the end.
    async fn next(&mut self) -> Result<Vec<ViewRow>, StoreError>;
}

/// Reading tables whole.
#[async_trait]
pub trait RowsView: Send + Sync {
    /// Opens a snapshot of a table. It holds a connection until it is dropped, so the caller bounds how many there are.
    async fn rows(&self, book: BookId, table: ViewTable) -> Result<Box<dyn RowPages>, StoreError>;
}

#[async_trait]
impl RowsView for Views {
    async fn rows(&self, book: BookId, table: ViewTable) -> Result<Box<dyn RowPages>, StoreError> {
        let (mut tx, at, stamp) = self.open(book, table.projection()).await?;
        let counted = tx.row(table.only(of_generation(table.count(), at))).await?;
        let total = counted.map_or(Ok(0), |row| row.position(0))?;
        Ok(Box::new(Reading { tx, at, stamp, table, total, last: None, done: false }))
    }
}

impl ViewTable {
    const fn projection(self) -> &'static str {
        match self {
            Self::Wallets => wallets::NAME,
            Self::Payments => payments::NAME,
            Self::Invoices => invoices::NAME,
            Self::OpenItems => open_items::NAME,
            Self::Discrepancies => discrepancies::NAME,
        }
    }

    const fn select(self) -> &'static str {
        match self {
            Self::Wallets => WalletRow::SELECT,
            Self::Payments => PaymentRow::SELECT,
            Self::Invoices => InvoiceRow::SELECT,
            Self::OpenItems => OpenItemRow::SELECT,
            Self::Discrepancies => DiscrepancyRow::SELECT,
        }
    }

    const fn count(self) -> &'static str {
        match self {
            Self::Wallets => "SELECT count(*) FROM wallets WHERE book = ",
            Self::Payments => "SELECT count(*) FROM payments WHERE book = ",
            Self::Invoices => "SELECT count(*) FROM invoices WHERE book = ",
            Self::OpenItems => "SELECT count(*) FROM open_items WHERE book = ",
            Self::Discrepancies => "SELECT count(*) FROM discrepancies WHERE book = ",
        }
    }

    /// Rows that stay at zero are not open.
    fn only(self, sql: Sql) -> Sql {
        if self == Self::OpenItems { sql.text(" AND balance <> 0") } else { sql }
    }

    /// The condition that begins after a row, and the order; both follow an index.
    const fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::Wallets => (" AND (account_code, code) > (", " ORDER BY account_code, code LIMIT "),
            Self::Payments | Self::Invoices => (" AND (first_position) > (", " ORDER BY first_position LIMIT "),
            Self::OpenItems => {
                (" AND (account, currency, opened_at, item) > (", " ORDER BY account, currency, opened_at, item LIMIT ")
            }
            Self::Discrepancies => (" AND (position) > (", " ORDER BY position LIMIT "),
        }
    }

    fn read(self, row: &Row) -> Result<ViewRow, StoreError> {
        Ok(match self {
            Self::Wallets => ViewRow::Wallet(Box::new(WalletRow::read(row)?)),
            Self::Payments => ViewRow::Payment(Box::new(PaymentRow::read(row)?)),
            Self::Invoices => ViewRow::Invoice(Box::new(InvoiceRow::read(row)?)),
            Self::OpenItems => ViewRow::OpenItem(Box::new(OpenItemRow::read(row)?)),
            Self::Discrepancies => ViewRow::Discrepancy(Box::new(DiscrepancyRow::read(row)?)),
        })
    }
}

impl ViewRow {
    /// Its key, in the order of [`ViewTable::keys`].
    fn key(&self) -> Vec<Bind> {
        match self {
            Self::Wallet(row) => vec![row.account_code.as_str().into(), row.code.as_str().into()],
            Self::Payment(row) => vec![Bind::position(row.first_position)],
            Self::Invoice(row) => vec![Bind::position(row.first_position)],
            Self::OpenItem(row) => {
                vec![row.account.as_str().into(), row.currency.into(), row.opened_at.into(), row.item.into()]
            }
            Self::Discrepancy(row) => vec![Bind::position(row.position)],
        }
    }
}

struct Reading {
    tx: Tx,
    at: At,
    stamp: Stamp,
    table: ViewTable,
    total: u64,
    last: Option<Vec<Bind>>,
    done: bool,
}

#[async_trait]
impl RowPages for Reading {
    fn stamp(&self) -> Stamp {
        self.stamp
    }

    fn total(&self) -> u64 {
        self.total
    }

    async fn next(&mut self) -> Result<Vec<ViewRow>, StoreError> {
        if self.done {
            return Ok(Vec::new());
        }
        let (after, order) = self.table.keys();
        let mut sql = self.table.only(of_generation(self.table.select(), self.at));
        if let Some(key) = self.last.take() {
            sql = sql.text(after);
            for (index, value) in key.into_iter().enumerate() {
                sql = sql.text(if index == 0 { "" } else { ", " }).bind(value);
            }
            sql = sql.text(")");
        }
        let rows = self.tx.rows(sql.text(order).bind(PAGE)).await?;
        let rows: Result<Vec<ViewRow>, StoreError> = rows.iter().map(|row| self.table.read(row)).collect();
        let rows = rows?;
        self.last = rows.last().map(ViewRow::key);
        self.done = rows.len() < PAGE as usize;
        Ok(rows)
    }
}
