//! Periods: which are closed, and closing and reopening them.
//!
//! Dates -> the trial balance up to the last day, and its hash -> the ledger, which makes the same hash of the book as it is
//! then. A line that comes in between is refused rather than closed over.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ensimbi_events::trial::Trial;
use ensimbi_events::words::book::{PeriodClosed, PeriodReopened};
use ensimbi_events::{Hash, SubjectId, SubjectKind};
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::told::{self, About, Facts, ToldBody};
use crate::ApiState;
use crate::auth::Tenant;
use crate::body::Object;
use crate::params::RawParams;
use crate::problem::ApiError;
use crate::routes::config::config;
use crate::sent::Sent;

const CLOSE: &str = "periods.close";
const REOPEN: &str = "periods.reopen";

/// A closed period.
#[derive(Debug, Serialize, ToSchema)]
pub struct Period {
    /// First day, in the book's zone.
    #[schema(example = "2026-05-01")]
    pub from: String,
    /// Last day.
    #[schema(example = "2026-05-31")]
    pub to: String,
}

/// The closed periods of a book.
#[derive(Debug, Serialize, ToSchema)]
pub struct Periods {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The zone of book dates.
    #[schema(example = "Africa/Kampala")]
    pub time_zone: String,
    /// By their dates.
    pub closed: Vec<Period>,
}

/// A period to be closed.
#[derive(Serialize, ToSchema)]
pub struct NewPeriod {
    /// First day; if absent, the day after the last closed period, or the first day that the book has anything on.
    #[schema(example = "2026-05-01")]
    pub from: Option<String>,
    /// Last day; before today, in the book's zone.
    #[schema(example = "2026-05-31")]
    pub to: String,
}

/// A closed period, exactly as it was closed.
#[derive(Serialize, ToSchema)]
pub struct OldPeriod {
    /// First day.
    #[schema(example = "2026-05-01")]
    pub from: String,
    /// Last day.
    #[schema(example = "2026-05-31")]
    pub to: String,
}

/// Lists the closed periods.
#[utoipa::path(get, path = "/v1/periods", operation_id = "list_periods", tag = "book", security(("api_key" = [])),
    responses((status = 200, description = "The closed periods.", body = Periods)))]
pub async fn list(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<Periods>, ApiError> {
    raw.only(&[])?;
    // Read before: what was closed since then is shown as well.
    let position = state.reader.head(book).await?.size;
    let config = config(&state, book).await?;
    let closed = config.closed.into_iter().map(|(from, to)| Period { from, to }).collect();
    Ok(Json(Periods { position, time_zone: config.time_zone, closed }))
}

/// Closes a period: later lines of its days are dated on the first open day after it.
#[utoipa::path(post, path = "/v1/periods/close", operation_id = "close_period", tag = "book",
    security(("api_key" = [])),
    request_body(content = NewPeriod, example = json!({"from": "2026-05-01", "to": "2026-05-31"})),
    responses(
        (status = 201, description = "Recorded, with the hash of the trial balance.", body = ToldBody),
        (status = 202, description = "Taken; the ledger has not answered yet.", body = ToldBody),
    ))]
pub async fn close(State(state): State<ApiState>, sent: Sent) -> Result<Response, ApiError> {
    let body = sent.object()?.only(&["from", "to"])?;
    let new = NewPeriod { from: body.date("from")?, to: body.need("to", body.date("to")?)? };
    in_order(&body, new.from.as_deref(), &new.to)?;
    let canonical = sent.canonical(&new)?;
    let facts = async {
        let (trial_balance, first) = trial(&state, &sent, &new.to).await?;
        let from = match new.from {
            Some(from) => from,
            None => match last_closed(&state, &sent).await? {
                Some(last) => after(&body, &last)?,
                None => first.unwrap_or_else(|| new.to.clone()),
            },
        };
        in_order(&body, Some(&from), &new.to)?;
        Ok(told_of(&sent, CLOSE, PeriodClosed { from, to: new.to, trial_balance }))
    };
    let told = told::tell(&state, &sent, CLOSE, canonical, facts).await?;
    Ok(told::answer(sent.id(CLOSE), &told, StatusCode::CREATED))
}

/// Opens a closed period again: what comes later is dated on its own day. What was dated elsewhere stays there.
#[utoipa::path(post, path = "/v1/periods/reopen", operation_id = "reopen_period", tag = "book",
    security(("api_key" = [])),
    request_body(content = OldPeriod, example = json!({"from": "2026-05-01", "to": "2026-05-31"})),
    responses(
        (status = 201, description = "Recorded.", body = ToldBody),
        (status = 202, description = "Taken; the ledger has not answered yet.", body = ToldBody),
    ))]
pub async fn reopen(State(state): State<ApiState>, sent: Sent) -> Result<Response, ApiError> {
    let body = sent.object()?.only(&["from", "to"])?;
    let old = OldPeriod { from: body.need("from", body.date("from")?)?, to: body.need("to", body.date("to")?)? };
    in_order(&body, Some(&old.from), &old.to)?;
    let canonical = sent.canonical(&old)?;
    let facts = async {
        let (trial_balance, _) = trial(&state, &sent, &old.to).await?;
        Ok(told_of(&sent, REOPEN, PeriodReopened { from: old.from, to: old.to, trial_balance }))
    };
    let told = told::tell(&state, &sent, REOPEN, canonical, facts).await?;
    Ok(told::answer(sent.id(REOPEN), &told, StatusCode::CREATED))
}

/// Dates have one form, so their texts are in the order of the days.
fn in_order(body: &Object<'_>, from: Option<&str>, to: &str) -> Result<(), ApiError> {
    match from.filter(|from| *from > to) {
        Some(_) => {
            let code = ensimbi_events::codes::Problem::InvalidRange;
            Err(body.problem(code, "to", "is before `from`, or before the first open day"))
        }
        None => Ok(()),
    }
}

/// A fact about the book. The command's id as the occurrence: a period may be closed, opened and closed again.
fn told_of(sent: &Sent, route: &str, word: impl Into<ensimbi_events::Body>) -> Facts {
    let about = About {
        subject: SubjectId(sent.book().0),
        kind: SubjectKind::Book,
        connection: None,
        wallet: None,
        currency: None,
    };
    Facts::now(about.fact(sent.id(route).to_string(), word))
}

/// The hash of the trial balance up to a day, and the first day that the book has anything on.
async fn trial(state: &ApiState, sent: &Sent, to: &str) -> Result<(Hash, Option<String>), ApiError> {
    let dated = state.reader.balances_through(sent.book(), to).await?;
    Ok((Trial::from_iter(dated.balances).hash(sent.book(), to), dated.first))
}

async fn last_closed(state: &ApiState, sent: &Sent) -> Result<Option<String>, ApiError> {
    Ok(config(state, sent.book()).await?.closed.into_iter().map(|(_, to)| to).max())
}

fn after(body: &Object<'_>, day: &str) -> Result<String, ApiError> {
    let next = day.parse::<Date>().and_then(|day| day.tomorrow());
    next.map(|day| day.to_string())
        .map_err(|_| body.wrong("from", "name it: the last closed period has no day after it"))
}
