//! The routes, a file a resource.

mod commands;
mod config;
mod discrepancies;
mod disputes;
mod entries;
mod events;
mod exports;
mod fees;
mod health;
mod invoices;
pub mod observations;
mod open_items;
mod payments;
mod statements;
mod trial_balance;
mod wallets;

use ensimbi_events::leaf;
use ensimbi_events::ports::StoredLeaf;
use ensimbi_events::{Event, Line};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::ApiState;
use crate::problem::ApiError;

/// Routes that need a key.
pub fn v1() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(wallets::list))
        .routes(routes!(wallets::one))
        .routes(routes!(wallets::balance))
        .routes(routes!(statements::of_wallet))
        .routes(routes!(statements::of_account))
        .routes(routes!(payments::list))
        .routes(routes!(payments::one))
        .routes(routes!(disputes::list))
        .routes(routes!(disputes::one))
        .routes(routes!(invoices::list))
        .routes(routes!(invoices::ageing))
        .routes(routes!(invoices::one))
        .routes(routes!(discrepancies::list))
        .routes(routes!(discrepancies::one))
        .routes(routes!(open_items::list))
        .routes(routes!(fees::report))
        .routes(routes!(entries::list))
        .routes(routes!(trial_balance::show))
        .routes(routes!(events::list))
        .routes(routes!(events::one))
        .routes(routes!(exports::show))
        .routes(routes!(observations::create))
        .merge(commands::v1())
}

/// Routes that are open to everybody.
pub fn open() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(health::alive)).routes(routes!(health::ready))
}

/// A value that may be absent, as text.
fn text<T: ToString>(value: Option<T>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// One line of an entry. Debit is plus, credit is minus.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Line)]
pub struct LineBody {
    /// Its number in the entry, from 1.
    pub n: u32,
    /// Account path.
    #[schema(example = "assets:wallet:main:w1")]
    pub account: String,
    /// Currency.
    #[schema(example = "UGX")]
    pub currency: String,
    /// Signed decimal in shortest form.
    #[schema(example = "675.5")]
    pub amount: String,
    /// The id that the balance waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_item: Option<String>,
    /// The payment it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// On fee lines: whose service it pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// On fee lines: who bears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer: Option<String>,
}

impl From<&Line> for LineBody {
    fn from(line: &Line) -> Self {
        Self {
            n: line.n,
            account: line.account.clone(),
            currency: line.currency.to_string(),
            amount: line.amount.to_string(),
            open_item: line.open_item.map(|id| id.to_string()),
            payment_id: line.payment_id.map(|id| id.to_string()),
            component: line.component.map(|word| word.to_string()),
            bearer: line.bearer.map(|word| word.to_string()),
        }
    }
}

/// Reads a leaf whose hash must be the one beside it.
fn decode(stored: &StoredLeaf) -> Result<Event, ApiError> {
    if leaf::leaf_hash(&stored.leaf) != stored.leaf_hash {
        return Err(ApiError::internal(&format!("the leaf at position {} does not have its hash", stored.position)));
    }
    leaf::decode(&stored.leaf).map_err(|error| ApiError::internal(&error))
}
