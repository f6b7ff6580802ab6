//! Whole tables of the fakes, two rows a page.

use async_trait::async_trait;
use ensimbi_events::BookId;
use ensimbi_projections::StoreError;
use ensimbi_projections::query::{RowPages, RowsView, Stamp, ViewRow, ViewTable};

use super::{BOOK, House, invoice_row, payment_row, stamp, wallet_row};

struct Pages {
    stamp: Stamp,
    rows: Vec<ViewRow>,
    at: usize,
}

#[async_trait]
impl RowPages for Pages {
    fn stamp(&self) -> Stamp {
        self.stamp
    }
    fn total(&self) -> u64 {
        self.rows.len() as u64
    }
    async fn next(&mut self) -> Result<Vec<ViewRow>, StoreError> {
        let page: Vec<ViewRow> = self.rows.iter().skip(self.at).take(2).cloned().collect();
        self.at += page.len();
        Ok(page)
    }
}

#[async_trait]
impl RowsView for House {
    async fn rows(&self, book: BookId, table: ViewTable) -> Result<Box<dyn RowPages>, StoreError> {
        let rows = match table {
            ViewTable::Wallets => (1..=3).map(|n| ViewRow::Wallet(Box::new(wallet_row(n)))).collect(),
            ViewTable::Payments => (1..=3).map(|n| ViewRow::Payment(Box::new(payment_row(n)))).collect(),
            ViewTable::Invoices => (1..=3).map(|n| ViewRow::Invoice(Box::new(invoice_row(n)))).collect(),
            _ => Vec::new(),
        };
        let rows = if book == BOOK { rows } else { Vec::new() };
        Ok(Box::new(Pages { stamp: stamp(book), rows, at: 0 }))
    }
}
