//! Questions to the views. Each is answered from one snapshot: the rows and the position belong together.

mod accounts;
mod discrepancies;
mod fees;
mod invoices;
mod open_items;
mod payments;
mod rows;
mod span;
mod wallets;

use ensimbi_events::{BookId, Time};
use serde::Serialize;

pub use accounts::{AccountsView, LineKey, Statement, StatementLine, StatementQuery, TrialBalance, TrialBalanceQuery};
pub use discrepancies::{DiscrepanciesQuery, DiscrepanciesView};
pub use fees::{FeeDimension, FeeGroup, FeeReport, FeeTotal, FeesQuery, FeesView, GROUPS_MAX, Volume, VolumeTotal};
pub use invoices::{
    Ageing, AgeingBucket, AgeingQuery, AgeingRow, Day, InvoiceDetail, InvoiceList, InvoicesQuery, InvoicesView,
};
pub use open_items::{OpenItemKey, OpenItemList, OpenItemTotal, OpenItemsQuery, OpenItemsView, age_days};
pub use payments::{DisputesQuery, PaymentDetail, PaymentTotal, PaymentsQuery, PaymentsView};
pub use rows::{RowPages, RowsView, ViewRow, ViewTable};
pub use span::{Basis, Span};
pub use wallets::{WalletKey, WalletsView};

use crate::accounts::QUARTER_MICROS;
use crate::projection::At;
use crate::store::{Sql, StoreError, Tx, ViewStore};

/// Largest page.
pub const LIMIT_MAX: u32 = 500;

/// Until where an answer is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stamp {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// When that event was recorded; absent before the first.
    pub recorded_at: Option<Time>,
    /// The projection stopped before this position and waits for a person.
    pub stopped_at: Option<u64>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer<T> {
    /// Until where it is true.
    pub stamp: Stamp,
    /// The answer itself.
    pub value: T,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// Until where it is true.
    pub stamp: Stamp,
    /// In order.
    pub items: Vec<T>,
    /// Whether more follow.
    pub more: bool,
}

impl<T> Page<T> {
    /// From one row more than was asked, if there was one.
    fn of(stamp: Stamp, mut items: Vec<T>, limit: u32) -> Self {
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        Self { stamp, items, more }
    }
}

/// The views over a store.
#[derive(Clone)]
pub struct Views {
    store: ViewStore,
}

impl Views {
    /// Over an open store.
    pub fn new(store: ViewStore) -> Self {
        Self { store }
    }

    /// Opens a snapshot: which generation serves and how far it is. A book nobody projected yet has generation 0.
    async fn open(&self, book: BookId, projection: &'static str) -> Result<(Tx, At, Stamp), StoreError> {
        let mut tx = self.store.read().await?;
        let sql = "SELECT c.generation, c.position, c.stop_position, c.recorded_at FROM projection_active a \
            JOIN projection_cursors c ON c.book = a.book AND c.projection = a.projection \
            AND c.generation = a.generation WHERE a.book = ";
        let row = tx.row(Sql::new(sql).bind(book).text(" AND a.projection = ").bind(projection)).await?;
        let Some(row) = row else {
            return Ok((tx, At { book, generation: 0 }, Stamp { position: 0, recorded_at: None, stopped_at: None }));
        };
        let stopped_at = row.maybe_int(2)?.and_then(|position| u64::try_from(position).ok());
        let at = At { book, generation: row.int(0)? };
        Ok((tx, at, Stamp { position: row.position(1)?, recorded_at: row.maybe_time(3)?, stopped_at }))
    }
}

fn of_generation(select: &'static str, at: At) -> Sql {
    Sql::new(select).bind(at.book).text(" AND generation = ").bind(at.generation)
}
