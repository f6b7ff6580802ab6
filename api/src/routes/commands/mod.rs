//! Commands: everything that asks a provider for something or states facts of our own, through the port
//! [`Commands`](ensimbi_events::commands::Commands); and what is asked of that port besides.
//!
//! Shape of each: read and check the body ([`crate::body`], every field by its name) -> the port -> one answer
//! ([`intent`] or [`told`]) or one problem ([`errors`]). Nothing is stored here.

mod adjustments;
mod allocations;
mod approvals;
mod checkout;
mod collections;
mod connections;
mod discrepancies;
mod disputes;
mod errors;
mod explain;
mod fresh;
mod fundings;
mod intent;
mod invoice_items;
mod invoice_life;
mod invoices;
mod openings;
mod payouts;
mod periods;
mod policy;
mod refunds;
mod reversals;
mod told;

pub(super) use told::RecordedBody;

use std::sync::Arc;

use ensimbi_events::codes::Problem;
use ensimbi_events::commands::{Commands, ConnectionView};
use ensimbi_events::{BookId, ConnectionId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::ApiState;
use crate::body::Object;
use crate::problem::ApiError;

/// Longest slug, id or code of a connection, wallet, bank or rail.
const WORD_MAX: usize = 128;

/// Routes that need a key.
pub(super) fn v1() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(collections::create))
        .routes(routes!(refunds::capture))
        .routes(routes!(refunds::release))
        .routes(routes!(refunds::cancel))
        .routes(routes!(refunds::create))
        .routes(routes!(disputes::lose))
        .routes(routes!(payouts::create))
        .routes(routes!(payouts::withdraw))
        .routes(routes!(payouts::again))
        .routes(routes!(explain::show))
        .routes(routes!(connections::list))
        .routes(routes!(connections::banks))
        .routes(routes!(connections::alarms))
        .routes(routes!(invoices::create))
        .routes(routes!(invoice_items::add))
        .routes(routes!(invoice_items::change, invoice_items::remove))
        .routes(routes!(invoice_life::publish))
        .routes(routes!(invoice_life::cancel))
        .routes(routes!(invoice_life::credit))
        .routes(routes!(invoice_life::expire))
        .routes(routes!(allocations::create))
        .routes(routes!(reversals::create))
        .routes(routes!(openings::create))
        .routes(routes!(fundings::create))
        .routes(routes!(discrepancies::resolve))
        .routes(routes!(adjustments::create, approvals::list))
        .routes(routes!(approvals::approve))
        .routes(routes!(approvals::withdraw))
        .routes(routes!(periods::list))
        .routes(routes!(periods::close))
        .routes(routes!(periods::reopen))
}

impl ApiState {
    /// The port, where this process has it.
    pub(super) fn commands(&self) -> Result<&Arc<dyn Commands>, ApiError> {
        let detail = "this process takes no commands; send them to one that runs the door";
        self.commands.as_ref().ok_or_else(|| ApiError::new(Problem::Unavailable, detail))
    }
}

/// The name of a connection in a body: its id or slug.
fn connection_name(body: &Object<'_>) -> Result<String, ApiError> {
    body.need("connection", body.text("connection", WORD_MAX)?)
}

/// The connection that a body names.
fn connection_in(state: &ApiState, book: BookId, body: &Object<'_>, name: &str) -> Result<ConnectionView, ApiError> {
    let unknown = || body.problem(Problem::UnknownConnection, "connection", "this book has none of this name");
    connection(state, book, name)?.ok_or_else(unknown)
}

/// A connection by id or slug.
fn connection(state: &ApiState, book: BookId, name: &str) -> Result<Option<ConnectionView>, ApiError> {
    let id: Option<ConnectionId> = name.parse().ok();
    let mut connections = state.commands()?.connections(book).into_iter();
    Ok(connections.find(|connection| connection.slug == name || Some(connection.id) == id))
}
