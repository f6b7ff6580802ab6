//! A person's verdict about a discrepancy.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ensimbi_events::EventId;
use ensimbi_events::word::Verdict;
use ensimbi_events::words::control::DiscrepancyResolved;
use serde::Serialize;
use utoipa::ToSchema;

use super::allocations::account_in;
use super::fresh;
use super::told::{self, About, Facts, ToldBody};
use crate::ApiState;
use crate::params::Id;
use crate::problem::ApiError;
use crate::sent::Sent;

const ROUTE: &str = "discrepancies.resolve";
/// Longest reason, in characters.
const REASON_MAX: usize = 500;

/// A verdict. It is recorded with the id of the API key that gave it.
#[derive(Serialize, ToSchema)]
pub struct NewResolution {
    /// accept: the withheld event is posted; reject: it never is; move: what stands in suspense goes to an account.
    #[schema(value_type = String, example = "accept")]
    pub verdict: Verdict,
    /// Why, in 1 to 500 characters. It stays in the book for ever: no names, phones or account numbers.
    #[schema(max_length = 500, example = "The operator confirmed the amount by letter 17.")]
    pub reason: String,
    /// With move, and only then: the account.
    #[schema(example = "liabilities:customers")]
    pub target: Option<String>,
}

/// Resolves a discrepancy.
#[utoipa::path(post, path = "/v1/discrepancies/{id}/resolve", operation_id = "resolve_discrepancy",
    tag = "discrepancies", security(("api_key" = [])),
    params(("id" = String, Path, description = "The discrepancy's id.", format = Uuid)),
    request_body(content = NewResolution, example = json!({"verdict": "accept", "reason": "Confirmed by the operator."})),
    responses(
        (status = 200, description = "Recorded, with what follows from it.", body = ToldBody),
        (status = 202, description = "Taken; the ledger has not answered yet.", body = ToldBody),
    ))]
pub async fn resolve(State(state): State<ApiState>, Id(id): Id<EventId>, sent: Sent) -> Result<Response, ApiError> {
    let body = sent.object()?.only(&["verdict", "reason", "target"])?;
    let new = NewResolution {
        verdict: body.need("verdict", body.word("verdict", Verdict::ALL, Verdict::as_str)?)?,
        reason: body.need("reason", body.text("reason", REASON_MAX)?)?,
        target: account_in(&body, "target")?,
    };
    if (new.verdict == Verdict::Move) != new.target.is_some() {
        return Err(body.wrong("target", "an account belongs to the verdict move, and only there"));
    }
    let canonical = sent.canonical(&new)?;
    let facts = async {
        let raised = fresh::discrepancy(&state, sent.book(), id).await?;
        let raised = raised.ok_or_else(|| ApiError::not_found("discrepancy"))?.fact;
        let about = About {
            subject: raised.subject,
            kind: raised.subject_kind,
            connection: raised.connection,
            wallet: raised.wallet,
            currency: raised.currency,
        };
        let resolved = DiscrepancyResolved {
            discrepancy: id,
            verdict: new.verdict,
            actor_id: sent.actor_id.clone(),
            reason: new.reason,
            target: new.target,
        };
        Ok(Facts::now(about.fact(sent.id(ROUTE).to_string(), resolved)))
    };
    let told = told::tell(&state, &sent, ROUTE, canonical, facts).await?;
    Ok(told::answer(id, &told, StatusCode::OK))
}
