//! Whole tables, row by row, for whoever carries a view elsewhere (exports).
//!
//! One read snapshot is opened and kept: its stamp is true for every row, however long the reading takes and whatever
//! is projected meanwhile. Rows come in pages by key, so nothing is ever held but one page.

use async_trait::async_trait;
use ensimbi_events::{Amount, BookId, ConnectionId, Currency, SubjectId, Time, WalletId};

use super::span::date_of;
use super::{Stamp, Views, of_generation};
use crate::accounts;
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
        /// Lines on fee accounts, in the order of the book.
        Fees = "fees",
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
    /// Of [`ViewTable::Fees`].
    Fee(Box<FeeRow>),
    /// Of [`ViewTable::Invoices`].
    Invoice(Box<InvoiceRow>),
    /// Of [`ViewTable::OpenItems`].
    OpenItem(Box<OpenItemRow>),
    /// Of [`ViewTable::Discrepancies`].
    Discrepancy(Box<DiscrepancyRow>),
}

/// One line on a fee account, with what is known of the fee. A cost is positive, a fee given back negative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeRow {
    /// Its event's position.
    pub position: u64,
    /// Its number in the entry.
    pub n: u32,
    /// Account path.
    pub account: String,
    /// The payment it belongs to.
    pub payment: Option<SubjectId>,
    /// Its connection.
    pub connection: Option<ConnectionId>,
    /// The provider's word.
    pub provider: Option<String>,
    /// The wallet.
    pub wallet: Option<WalletId>,
    /// Whose service it pays.
    pub component: Option<String>,
    /// Who bears it.
    pub bearer: Option<String>,
    /// The provider's field name.
    pub label: Option<String>,
    /// Operator, bank or rail.
    pub channel: Option<String>,
    /// Which way the payment's money went.
    pub direction: Option<String>,
    /// Stated or derived.
    pub source: Option<String>,
    /// Currency.
    pub currency: Currency,
    /// How much.
    pub amount: Amount,
    /// When its payment happened.
    pub occurred_at: Time,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Its book date, as `2026-05-03`.
    pub book_date: String,
}

impl FeeRow {
    const SELECT: &str = "SELECT position, n, account, payment, connection, provider, wallet, component, bearer, label, \
        channel, direction, source, currency, amount, occurred_at, recorded_at, book_day FROM (SELECT p.book, \
        p.generation, p.position, p.n, p.account, p.payment, k.connection, k.provider, k.wallet, k.component, k.bearer, \
        k.label, k.channel, k.direction, k.source, p.currency, p.amount, p.occurred_at, p.recorded_at, p.book_day \
        FROM postings p JOIN fee_kinds k ON k.book = p.book AND k.generation = p.generation AND k.kind = p.fee) fees \
        WHERE book = ";

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            position: row.position(0)?,
            n: row.count(1)?,
            account: row.text(2)?,
            payment: row.maybe_uuid(3)?.map(SubjectId),
            connection: row.maybe_uuid(4)?.map(ConnectionId),
            provider: row.maybe_text(5)?,
            wallet: row.maybe_uuid(6)?.map(WalletId),
            component: row.maybe_text(7)?,
            bearer: row.maybe_text(8)?,
            label: row.maybe_text(9)?,
            channel: row.maybe_text(10)?,
            direction: row.maybe_text(11)?,
            source: row.maybe_text(12)?,
            currency: row.currency(13)?,
            amount: row.amount(14)?,
            occurred_at: row.time(15)?,
            recorded_at: row.time(16)?,
            book_date: date_of(row.int(17)?),
        })
    }
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
            Self::Fees => accounts::NAME,
            Self::Invoices => invoices::NAME,
            Self::OpenItems => open_items::NAME,
            Self::Discrepancies => discrepancies::NAME,
        }
    }

    const fn select(self) -> &'static str {
        match self {
            Self::Wallets => WalletRow::SELECT,
            Self::Payments => PaymentRow::SELECT,
            Self::Fees => FeeRow::SELECT,
            Self::Invoices => InvoiceRow::SELECT,
            Self::OpenItems => OpenItemRow::SELECT,
            Self::Discrepancies => DiscrepancyRow::SELECT,
        }
    }

    const fn count(self) -> &'static str {
        match self {
            Self::Wallets => "SELECT count(*) FROM wallets WHERE book = ",
            Self::Payments => "SELECT count(*) FROM payments WHERE book = ",
            Self::Fees => "SELECT count(*) FROM postings WHERE fee IS NOT NULL AND book = ",
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
            Self::Fees => (" AND (position, n) > (", " ORDER BY position, n LIMIT "),
            Self::Discrepancies => (" AND (position) > (", " ORDER BY position LIMIT "),
        }
    }

    fn read(self, row: &Row) -> Result<ViewRow, StoreError> {
        Ok(match self {
            Self::Wallets => ViewRow::Wallet(Box::new(WalletRow::read(row)?)),
            Self::Payments => ViewRow::Payment(Box::new(PaymentRow::read(row)?)),
            Self::Fees => ViewRow::Fee(Box::new(FeeRow::read(row)?)),
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
            Self::Fee(row) => vec![Bind::position(row.position), i64::from(row.n).into()],
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
