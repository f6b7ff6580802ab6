//! A person's word that a dispute is lost. No provider says so: what it took stays taken, and only time tells.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ensimbi_events::codes::Problem;
use ensimbi_events::words::dispute::ChargebackClosed;
use ensimbi_events::{Amount, SubjectId, SubjectKind};

use super::fresh;
use super::told::{self, About, Facts, ToldBody};
use crate::ApiState;
use crate::params::Id;
use crate::problem::ApiError;
use crate::sent::Sent;

const ROUTE: &str = "disputes.lose";

/// Closes a dispute as lost, for what is still disputed.
#[utoipa::path(post, path = "/v1/disputes/{id}/lose", operation_id = "lose_dispute", tag = "commands",
    security(("api_key" = [])),
    params(("id" = String, Path, description = "The dispute's id.", format = Uuid)),
    responses(
        (status = 200, description = "Recorded.", body = ToldBody),
        (status = 202, description = "Taken; the ledger has not answered yet.", body = ToldBody),
    ))]
pub async fn lose(State(state): State<ApiState>, Id(id): Id<SubjectId>, sent: Sent) -> Result<Response, ApiError> {
    sent.nothing()?;
    let canonical = sent.canonical(&())?;
    let facts = async {
        let row = fresh::dispute(&state, sent.book(), id).await?.ok_or_else(|| ApiError::not_found("dispute"))?;
        if !row.open.is_positive() {
            let detail = format!("the dispute is {}; nothing of it is undecided", row.state);
            return Err(ApiError::new(Problem::WrongState, detail));
        }
        let closed = ChargebackClosed {
            payment_id: row.payment,
            won: Amount::ZERO,
            lost: row.open,
            debited_now: Amount::ZERO,
            fees: Vec::new(),
            returned: Vec::new(),
        };
        let about = About {
            subject: id,
            kind: SubjectKind::Dispute,
            connection: row.connection,
            wallet: row.wallet,
            currency: row.currency,
        };
        Ok(Facts::now(about.fact(sent.id(ROUTE).to_string(), closed)))
    };
    let told = told::tell(&state, &sent, ROUTE, canonical, facts).await?;
    Ok(told::answer(id, &told, StatusCode::OK))
}
