//! Adjustments that wait for a second person: who sees them, who approves them, and who withdraws them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ensimbi_events::approvals::{ProposalState, ProposalsQuery, Proposed};
use ensimbi_events::{Body, SubjectId, Time};
use serde::Serialize;
use utoipa::ToSchema;

use super::errors::{Asked, problem};
use super::told::{self, ToldBody};
use crate::ApiState;
use crate::auth::Tenant;
use crate::cursor::Binding;
use crate::params::{Id, RawParams};
use crate::problem::ApiError;
use crate::routes::LineBody;
use crate::sent::Sent;

/// States that are asked for.
const STATES: [(ProposalState, &str); 3] = [
    (ProposalState::Waiting, "waiting"),
    (ProposalState::Approved, "approved"),
    (ProposalState::Withdrawn, "withdrawn"),
];

/// An adjustment that waits, was approved, or was withdrawn.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Adjustment)]
pub struct AdjustmentBody {
    /// Its id, for `/v1/adjustments/{id}/approve`.
    #[schema(format = Uuid)]
    pub id: String,
    /// waiting_for_approval; approved: what the ledger said of it then, the same key that asked for it is told; or withdrawn:
    /// it was never told to the ledger.
    #[schema(example = "waiting_for_approval")]
    pub state: &'static str,
    /// The API key that asked.
    pub actor_id: String,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub asked_at: String,
    /// Why.
    pub reason: String,
    /// The moment it belongs to; absent: when it is approved.
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<String>,
    /// The entry that it reverses.
    #[schema(format = Uuid)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reversal_of: Option<String>,
    /// Its lines.
    pub lines: Vec<LineBody>,
    /// The observation that bears it out.
    #[schema(format = Uuid)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The API key that approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver_id: Option<String>,
    /// When it was approved.
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<String>,
    /// The API key that withdrew it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn_by: Option<String>,
    /// When it was withdrawn.
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<String>,
    /// Whether the key was known already: nothing new was asked for.
    pub repeated: bool,
}

/// A page of adjustments that wait, were approved, or were withdrawn.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdjustmentPage {
    /// In the order in which they were asked for.
    pub items: Vec<AdjustmentBody>,
    /// For the next page; absent on the last.
    pub next_cursor: Option<String>,
}

impl AdjustmentBody {
    fn of(proposed: &Proposed) -> Self {
        let body = match &proposed.fact.body {
            Body::AdjustmentPosted(body) => Some(body),
            _ => None,
        };
        let (approver_id, approved_at) = proposed.approved.clone().unzip();
        let (withdrawn_by, withdrawn_at) = proposed.withdrawn.clone().unzip();
        Self {
            id: proposed.id.to_string(),
            state: match proposed.state() {
                ProposalState::Waiting => "waiting_for_approval",
                ProposalState::Approved => "approved",
                ProposalState::Withdrawn => "withdrawn",
            },
            actor_id: proposed.actor_id.clone(),
            asked_at: proposed.asked_at.to_string(),
            reason: body.map(|body| body.reason.clone()).unwrap_or_default(),
            occurred_at: proposed.at.map(|at| at.to_string()),
            reversal_of: body.and_then(|body| body.reversal_of).map(|id| id.to_string()),
            lines: body.iter().flat_map(|body| &body.lines.0).map(LineBody::from).collect(),
            evidence: proposed.evidence.map(|id| id.to_string()),
            approver_id,
            approved_at: approved_at.map(|at: Time| at.to_string()),
            withdrawn_by,
            withdrawn_at: withdrawn_at.map(|at: Time| at.to_string()),
            repeated: proposed.repeated,
        }
    }
}

/// The answer to what was asked for: 202 while it waits.
pub(super) fn asked(proposed: &Proposed) -> Response {
    let waits = proposed.state() == ProposalState::Waiting;
    (if waits { StatusCode::ACCEPTED } else { StatusCode::OK }, Json(AdjustmentBody::of(proposed))).into_response()
}

/// Lists adjustments that wait for a second person, that one has approved, or that were withdrawn; oldest first.
#[utoipa::path(get, path = "/v1/adjustments", operation_id = "list_adjustments", tag = "book",
    security(("api_key" = [])), params(
    ("state" = Option<String>, Query, description = "waiting, approved or withdrawn; waiting if absent. What is posted stands in `/v1/entries`."),
    ("limit" = Option<u32>, Query, description = "Largest number of items, 1 to 500; 50 if absent.", minimum = 1, maximum = 500),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, with the same filters."),
), responses((status = 200, description = "A page of adjustments.", body = AdjustmentPage)))]
pub async fn list(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<AdjustmentPage>, ApiError> {
    let params = raw.only(&["state", "limit", "cursor"])?;
    let binding = Binding::new(book, "/v1/adjustments", &params, &["state"]);
    let after = binding.key(&params)?.map(|key| place(&key).ok_or_else(Binding::wrong)).transpose()?;
    let limit = params.limit()?;
    let standing = params.word("state", &STATES, |(_, word)| word)?.map_or(ProposalState::Waiting, |(state, _)| state);
    // One more than is shown tells whether there is another page.
    let query = ProposalsQuery { state: standing, after, limit: limit + 1 };
    let found = state.commands()?.proposals(book, &query).await.map_err(|error| problem(Asked::Telling, error))?;
    let shown = &found[..found.len().min(limit as usize)];
    let last = shown.last().filter(|_| found.len() > shown.len());
    let next_cursor = last.map(|row| binding.cursor(&format!("{}.{}", row.asked_at.micros(), row.id)));
    Ok(Json(AdjustmentPage { items: shown.iter().map(AdjustmentBody::of).collect(), next_cursor }))
}

fn place(key: &str) -> Option<(Time, SubjectId)> {
    let (at, id) = key.split_once('.')?;
    Some((Time::from_micros(at.parse().ok()?), id.parse().ok()?))
}

/// Approves an adjustment and posts it. The API key must be another one than the one that asked.
#[utoipa::path(post, path = "/v1/adjustments/{id}/approve", operation_id = "approve_adjustment", tag = "book",
    security(("api_key" = [])),
    params(("id" = String, Path, description = "The adjustment's id.", format = Uuid)),
    responses(
        (status = 200, description = "Approved and recorded.", body = ToldBody),
        (status = 202, description = "Approved; the ledger has not answered yet.", body = ToldBody),
    ))]
pub async fn approve(State(state): State<ApiState>, Id(id): Id<SubjectId>, sent: Sent) -> Result<Response, ApiError> {
    sent.nothing()?;
    let approved = state.commands()?.approve(&sent.origin, id, &sent.actor_id).await;
    let told = approved.map_err(|error| problem(Asked::Telling, error))?;
    let told = told.ok_or_else(|| ApiError::not_found("adjustment that waits for approval"))?;
    Ok(told::answer(id, &told, StatusCode::OK))
}

/// Withdraws an adjustment that waits, with any API key of the book: the one that asked, or another that will not approve it.
/// It is never posted; the same again answers the same.
#[utoipa::path(post, path = "/v1/adjustments/{id}/withdraw", operation_id = "withdraw_adjustment", tag = "book",
    security(("api_key" = [])),
    params(("id" = String, Path, description = "The adjustment's id.", format = Uuid)),
    responses((status = 200, description = "Withdrawn.", body = AdjustmentBody)))]
pub async fn withdraw(State(state): State<ApiState>, Id(id): Id<SubjectId>, sent: Sent) -> Result<Response, ApiError> {
    sent.nothing()?;
    let withdrawn = state.commands()?.withdraw(&sent.origin, id, &sent.actor_id).await;
    let withdrawn = withdrawn.map_err(|error| problem(Asked::Telling, error))?;
    let withdrawn = withdrawn.ok_or_else(|| ApiError::not_found("adjustment that waits for approval"))?;
    Ok(asked(&withdrawn))
}
