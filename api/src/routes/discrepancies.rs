//! Discrepancies: what a person must look at, and what was decided.

use axum::Json;
use axum::extract::State;
use ensimbi_events::EventId;
use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_projections::discrepancies::{DiscrepancyRow, DiscrepancyState};
use ensimbi_projections::query::DiscrepanciesQuery;
use serde::Serialize;
use utoipa::ToSchema;

use super::text;
use crate::ApiState;
use crate::auth::Tenant;
use crate::cursor::Binding;
use crate::params::{Id, Params, RawParams};
use crate::problem::ApiError;

/// A withheld event: recorded without lines, until a person decides.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WithheldEvent)]
pub struct WithheldBody {
    /// Its id.
    #[schema(format = Uuid)]
    pub event_id: Option<String>,
    /// Its word.
    #[serde(rename = "type")]
    #[schema(example = "CollectionSucceeded")]
    pub kind: String,
    /// Its place in the book.
    pub position: Option<u64>,
    /// Its amount.
    #[schema(example = "9000")]
    pub amount: Option<String>,
    /// Currency of the amount.
    #[schema(example = "UGX")]
    pub currency: Option<String>,
}

/// What was decided.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Resolution)]
pub struct ResolutionBody {
    /// accept: what was withheld is posted. reject: nothing is. move: the suspense balance went to `target`.
    #[schema(example = "accept")]
    pub verdict: String,
    /// Who decided: an id, never a name; `ledger` where the ledger did.
    pub actor_id: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Where a suspense balance went.
    pub target: Option<String>,
    /// When it was recorded.
    #[schema(format = DateTime)]
    pub resolved_at: Option<String>,
    /// Where.
    pub position: Option<u64>,
}

/// A discrepancy.
#[derive(Debug, Serialize, ToSchema)]
pub struct Discrepancy {
    /// Its event's id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Its place in the book.
    pub position: u64,
    /// open or resolved.
    #[schema(example = "open")]
    pub state: String,
    /// What kind.
    #[schema(example = "amount_differs")]
    pub kind: String,
    /// The event it is about.
    #[schema(format = Uuid)]
    pub about: Option<String>,
    /// The amount in question.
    #[schema(example = "9000")]
    pub stake: Option<String>,
    /// Its currency.
    #[schema(example = "UGX")]
    pub stake_currency: Option<String>,
    /// Whose life it concerns.
    #[schema(format = Uuid)]
    pub subject: String,
    /// What kind of thing that is.
    #[schema(example = "payment")]
    pub subject_kind: String,
    /// The connection.
    #[schema(format = Uuid)]
    pub connection: Option<String>,
    /// The wallet.
    #[schema(format = Uuid)]
    pub wallet: Option<String>,
    /// What differs, in words.
    pub detail: Option<String>,
    /// The withheld event that it holds, if any.
    pub withheld: Option<WithheldBody>,
    /// When what it is about happened.
    #[schema(format = DateTime)]
    pub occurred_at: String,
    /// When it was recorded.
    #[schema(format = DateTime)]
    pub raised_at: String,
    /// What was decided; absent while it is open.
    pub resolution: Option<ResolutionBody>,
}

impl From<&DiscrepancyRow> for Discrepancy {
    fn from(row: &DiscrepancyRow) -> Self {
        let withheld = row.withheld_word.as_ref().map(|word| WithheldBody {
            event_id: text(row.about),
            kind: word.clone(),
            position: row.withheld_position,
            amount: text(row.stake),
            currency: text(row.stake_currency),
        });
        let resolution = row.verdict.map(|verdict| ResolutionBody {
            verdict: verdict.to_string(),
            actor_id: row.actor_id.clone(),
            reason: row.reason.clone(),
            target: row.target.clone(),
            resolved_at: text(row.resolved_at),
            position: row.resolved_position,
        });
        Self {
            id: row.discrepancy.to_string(),
            position: row.position,
            state: row.state.to_string(),
            kind: row.kind.to_string(),
            about: text(row.about),
            stake: text(row.stake),
            stake_currency: text(row.stake_currency),
            subject: row.subject.to_string(),
            subject_kind: row.subject_kind.to_string(),
            connection: text(row.connection),
            wallet: text(row.wallet),
            detail: row.detail.clone(),
            withheld,
            occurred_at: row.occurred_at.to_string(),
            raised_at: row.raised_at.to_string(),
            resolution,
        }
    }
}

/// A page of discrepancies.
#[derive(Debug, Serialize, ToSchema)]
pub struct DiscrepancyPage {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// Newest first.
    pub items: Vec<Discrepancy>,
    /// For the next page; absent on the last.
    pub next_cursor: Option<String>,
}

/// One discrepancy.
#[derive(Debug, Serialize, ToSchema)]
pub struct DiscrepancyAnswer {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// The discrepancy.
    pub discrepancy: Discrepancy,
}

/// `state`: open if absent, all for both.
fn state_of(params: &Params) -> Result<Option<DiscrepancyState>, ApiError> {
    const WORDS: [(Option<DiscrepancyState>, &str); 3] = [
        (Some(DiscrepancyState::Open), DiscrepancyState::Open.as_str()),
        (Some(DiscrepancyState::Resolved), DiscrepancyState::Resolved.as_str()),
        (None, "all"),
    ];
    let word = params.word("state", &WORDS, |(_, word)| word)?;
    Ok(word.map_or(Some(DiscrepancyState::Open), |(state, _)| state))
}

/// Lists discrepancies, newest first.
#[utoipa::path(get, path = "/v1/discrepancies", operation_id = "list_discrepancies", tag = "discrepancies", security(("api_key" = [])), params(
    ("state" = Option<String>, Query, description = "open, resolved or all; open if absent."),
    ("kind" = Option<String>, Query, description = "Only of this kind, such as amount_differs."),
    ("connection" = Option<String>, Query, description = "Only of this connection.", format = Uuid),
    ("wallet" = Option<String>, Query, description = "Only of this wallet.", format = Uuid),
    ("subject" = Option<String>, Query, description = "Only about this payment, payout, transfer or invoice.", format = Uuid),
    ("limit" = Option<u32>, Query, description = "Largest number of items, 1 to 500; 50 if absent.", minimum = 1, maximum = 500),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, with the same filters."),
), responses((status = 200, description = "A page of discrepancies.", body = DiscrepancyPage)))]
pub async fn list(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<DiscrepancyPage>, ApiError> {
    let params = raw.only(&["state", "kind", "connection", "wallet", "subject", "limit", "cursor"])?;
    let filters = ["state", "kind", "connection", "wallet", "subject"];
    let binding = Binding::new(book, "/v1/discrepancies", &params, &filters);
    let query = DiscrepanciesQuery {
        state: state_of(&params)?,
        kind: params.word("kind", DiscrepancyKind::ALL, DiscrepancyKind::as_str)?,
        connection: params.parsed("connection", "a UUID")?,
        wallet: params.parsed("wallet", "a UUID")?,
        subject: params.parsed("subject", "a UUID")?,
        before: binding.position(&params)?,
        limit: params.limit()?,
    };
    let page = state.discrepancies.discrepancies(book, &query).await?;
    let last = page.items.last().filter(|_| page.more);
    let next_cursor = last.map(|row| binding.cursor(&row.position.to_string()));
    let items = page.items.iter().map(Discrepancy::from).collect();
    let (position, stale) = (page.stamp.position, page.stamp.stopped_at.is_some());
    Ok(Json(DiscrepancyPage { position, stale, items, next_cursor }))
}

/// Shows one discrepancy.
#[utoipa::path(get, path = "/v1/discrepancies/{id}", operation_id = "get_discrepancy", tag = "discrepancies", security(("api_key" = [])), params(
    ("id" = String, Path, description = "The discrepancy's id.", format = Uuid),
), responses((status = 200, description = "The discrepancy.", body = DiscrepancyAnswer)))]
pub async fn one(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    Id(id): Id<EventId>,
    raw: RawParams,
) -> Result<Json<DiscrepancyAnswer>, ApiError> {
    raw.only(&[])?;
    let answer = state.discrepancies.discrepancy(book, id).await?;
    let row = answer.value.ok_or_else(|| ApiError::not_found("discrepancy"))?;
    let (position, stale) = (answer.stamp.position, answer.stamp.stopped_at.is_some());
    Ok(Json(DiscrepancyAnswer { position, stale, discrepancy: Discrepancy::from(&row) }))
}
