//! Read models: what the log means, in rows that can be asked.
//!
//! [`runner`] follows the log by position and keeps effect and cursor in one transaction; each projection is a pure
//! function of (state, event) in a folder of its own, and every one of them passes `tests/suite.rs`. [`query`] reads
//! the rows; every answer says the position it is true for.

pub mod accounts;
pub mod discrepancies;
pub mod invoices;
pub mod open_items;
pub mod payments;
pub mod projection;
pub mod query;
pub mod runner;
pub mod store;
pub mod wallets;
mod word;

use std::sync::Arc;

pub use projection::{At, Configured, HandlerError, Projection, State};
pub use query::{
    AccountsView, DiscrepanciesView, FeesView, InvoicesView, OpenItemsView, PaymentsView, RowsView, Views, WalletsView,
};
pub use runner::{Progress, Projector, RebuildError, RebuildReport, Stop, StopKind};
pub use store::{StoreError, ViewStore};

/// Every projection of the product, in the order in which a rebuild takes them.
pub fn all() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(wallets::Wallets),
        Arc::new(payments::Payments),
        Arc::new(accounts::Accounts),
        Arc::new(invoices::Invoices),
        Arc::new(discrepancies::Discrepancies),
        Arc::new(open_items::OpenItems),
    ]
}
