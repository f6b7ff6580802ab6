//! Disputes of payments.

use axum::Json;
use axum::extract::State;
use ensimbi_events::SubjectId;
use ensimbi_projections::payments::{DisputeRow, DisputeState};
use ensimbi_projections::query::DisputesQuery;
use serde::Serialize;
use utoipa::ToSchema;

use super::text;
use crate::ApiState;
use crate::auth::Tenant;
use crate::cursor::Binding;
use crate::params::{Id, RawParams};
use crate::problem::ApiError;

/// A dispute of a payment. Amounts are in its currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dispute {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The payment that is disputed.
    #[schema(format = Uuid)]
    pub payment: String,
    /// open, won (nothing was lost), lost, withheld or rejected.
    #[schema(example = "open")]
    pub state: String,
    /// Its connection.
    #[schema(format = Uuid)]
    pub connection: Option<String>,
    /// The provider.
    pub provider: Option<String>,
    /// The wallet that it takes from.
    #[schema(format = Uuid)]
    pub wallet: Option<String>,
    /// The wallet's currency.
    #[schema(example = "UGX")]
    pub currency: Option<String>,
    /// The provider's word for the object.
    pub object_kind: Option<String>,
    /// The provider's id.
    pub object_id: Option<String>,
    /// While it waits for a person: the discrepancy that holds it.
    #[schema(format = Uuid)]
    pub discrepancy: Option<String>,
    /// All that was ever disputed.
    #[schema(example = "10000")]
    pub amount: String,
    /// What was taken and is not decided.
    #[schema(example = "10000")]
    pub open: String,
    /// What is gone.
    #[schema(example = "0")]
    pub lost: String,
    /// What it changed in the spendable balance, with its fees; negative for money out.
    #[schema(example = "-10500")]
    pub wallet_change: String,
    /// When the first word about it happened.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When its present state happened.
    #[schema(format = DateTime)]
    pub occurred_at: String,
    /// The first event about it.
    pub first_position: u64,
    /// The last event about it.
    pub last_position: u64,
}

impl From<&DisputeRow> for Dispute {
    fn from(row: &DisputeRow) -> Self {
        Self {
            id: row.dispute.to_string(),
            payment: row.payment.to_string(),
            state: row.state.to_string(),
            connection: text(row.connection),
            provider: row.provider.clone(),
            wallet: text(row.wallet),
            currency: text(row.currency),
            object_kind: row.object_kind.clone(),
            object_id: row.object_id.clone(),
            discrepancy: text(row.discrepancy),
            amount: row.amount.to_string(),
            open: row.open.to_string(),
            lost: row.lost.to_string(),
            wallet_change: row.wallet_change.to_string(),
            created_at: row.created_at.to_string(),
            occurred_at: row.occurred_at.to_string(),
            first_position: row.first_position,
            last_position: row.last_position,
        }
    }
}

/// A page of disputes.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisputePage {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// Newest first.
    pub items: Vec<Dispute>,
    /// For the next page; absent on the last.
    pub next_cursor: Option<String>,
}

/// One dispute.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisputeAnswer {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// The dispute.
    pub dispute: Dispute,
}

/// Lists disputes, newest first.
#[utoipa::path(get, path = "/v1/disputes", operation_id = "list_disputes", tag = "payments", security(("api_key" = [])), params(
    ("state" = Option<String>, Query, description = "open, won, lost, withheld or rejected; all if absent."),
    ("payment" = Option<String>, Query, description = "Only of this payment.", format = Uuid),
    ("connection" = Option<String>, Query, description = "Only of this connection.", format = Uuid),
    ("limit" = Option<u32>, Query, description = "Largest number of items, 1 to 500; 50 if absent.", minimum = 1, maximum = 500),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, with the same filters."),
), responses((status = 200, description = "A page of disputes.", body = DisputePage)))]
pub async fn list(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<DisputePage>, ApiError> {
    let params = raw.only(&["state", "payment", "connection", "limit", "cursor"])?;
    let binding = Binding::new(book, "/v1/disputes", &params, &["state", "payment", "connection"]);
    let query = DisputesQuery {
        state: params.word("state", DisputeState::ALL, DisputeState::as_str)?,
        payment: params.parsed("payment", "a UUID")?,
        connection: params.parsed("connection", "a UUID")?,
        before: binding.position(&params)?,
        limit: params.limit()?,
    };
    let page = state.payments.disputes(book, &query).await?;
    let last = page.items.last().filter(|_| page.more);
    let next_cursor = last.map(|row| binding.cursor(&row.first_position.to_string()));
    let items = page.items.iter().map(Dispute::from).collect();
    let (position, stale) = (page.stamp.position, page.stamp.stopped_at.is_some());
    Ok(Json(DisputePage { position, stale, items, next_cursor }))
}

/// Shows one dispute.
#[utoipa::path(get, path = "/v1/disputes/{id}", operation_id = "get_dispute", tag = "payments", security(("api_key" = [])), params(
    ("id" = String, Path, description = "The dispute's id.", format = Uuid),
), responses((status = 200, description = "The dispute.", body = DisputeAnswer)))]
pub async fn one(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    Id(id): Id<SubjectId>,
    raw: RawParams,
) -> Result<Json<DisputeAnswer>, ApiError> {
    raw.only(&[])?;
    let answer = state.payments.dispute(book, id).await?;
    let row = answer.value.ok_or_else(|| ApiError::not_found("dispute"))?;
    let (position, stale) = (answer.stamp.position, answer.stamp.stopped_at.is_some());
    Ok(Json(DisputeAnswer { position, stale, dispute: Dispute::from(&row) }))
}
