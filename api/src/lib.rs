//! The query API: routes over ports, keys, problems, OpenAPI.
//!
//! A request passes [`guard`] (id, limits, deadline), then [`auth`] on every `/v1` route (key to book), then its
//! route. Routes read through ports only: [`BookReader`] for the log, the views of `ensimbi-projections` for balances,
//! payments, invoices, discrepancies, open items and fees. Every answer says the position it is true for. Commands go
//! through [`Commands`], each under an `Idempotency-Key`.

pub mod auth;
pub mod axes;
pub mod body;
pub mod cursor;
pub mod docs;
pub mod exports;
pub mod guard;
pub mod keys;
pub mod params;
pub mod problem;
pub mod routes;
pub mod sent;
mod word;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use ensimbi_events::commands::Commands;
use ensimbi_events::ports::{ApiKeys, BookReader, Readiness};
use ensimbi_events::{Clock, Entropy};
use ensimbi_projections::{
    AccountsView, DiscrepanciesView, FeesView, InvoicesView, OpenItemsView, PaymentsView, RowsView, WalletsView,
};

/// Everything that routes read through.
#[derive(Clone)]
pub struct ApiState {
    /// The log.
    pub reader: Arc<dyn BookReader>,
    /// Wallet balances.
    pub wallets: Arc<dyn WalletsView>,
    /// Payments.
    pub payments: Arc<dyn PaymentsView>,
    /// Fees.
    pub fees: Arc<dyn FeesView>,
    /// Accounts: trial balance and statements.
    pub accounts: Arc<dyn AccountsView>,
    /// Invoices.
    pub invoices: Arc<dyn InvoicesView>,
    /// Discrepancies.
    pub discrepancies: Arc<dyn DiscrepanciesView>,
    /// Open items.
    pub open_items: Arc<dyn OpenItemsView>,
    /// Whole tables of the views, for exports.
    pub rows: Arc<dyn RowsView>,
    /// The door, where this process has it; without it commands are answered `unavailable`.
    pub commands: Option<Arc<dyn Commands>>,
    /// Which key opens which book.
    pub keys: Arc<dyn ApiKeys>,
    /// Whether the house can work.
    pub readiness: Arc<dyn Readiness>,
    /// For request ids.
    pub clock: Arc<dyn Clock>,
    /// For request ids.
    pub entropy: Arc<dyn Entropy>,
}

/// The whole API as one router; other routers (webhooks) can be merged beside it.
pub fn router(state: ApiState) -> Router {
    let (v1, _) = routes::v1().split_for_parts();
    let (open, _) = routes::open().split_for_parts();
    let v1 = v1.route_layer(from_fn_with_state(state.clone(), auth::require));
    let guarded = from_fn_with_state(guard::Guard::new(state.clone()), guard::guard);
    v1.merge(open)
        .route("/openapi.json", get(docs::openapi_json))
        .route("/docs", get(docs::page))
        .fallback(guard::no_route)
        .method_not_allowed_fallback(guard::no_method)
        .layer(guarded)
        .with_state(state)
}

/// Health and readiness alone, for processes that do not run the API.
pub fn health_router(state: ApiState) -> Router {
    let (open, _) = routes::open().split_for_parts();
    let guarded = from_fn_with_state(guard::Guard::new(state.clone()), guard::guard);
    open.fallback(guard::no_route).method_not_allowed_fallback(guard::no_method).layer(guarded).with_state(state)
}

/// The description of the API, generated from the routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    docs::describe(routes::v1().into_openapi(), routes::open().into_openapi())
}
