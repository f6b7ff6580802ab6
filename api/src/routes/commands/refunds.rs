//! Money of a payment, back to its payer; and what a provider can be asked to do with a payment that is not at its end.
//!
//! Order of a refund: what was asked under this key before -> the payment as the book has it now -> the port. The first
//! comes first since a refund changes what is left: the same request again must be the same refund.

use axum::extract::State;
use axum::response::Response;
use ensimbi_events::codes::Problem;
use ensimbi_events::commands::{Action, RefundOrder};
use ensimbi_events::{Amount, SubjectId, ids};
use ensimbi_projections::payments::{PaymentKind, PaymentRow};
use utoipa::ToSchema;

use super::errors::{self, Asked};
use super::fresh;
use super::intent::{self, IntentBody};
use crate::ApiState;
use crate::body::{Object, Sign};
use crate::params::Id;
use crate::problem::ApiError;
use crate::sent::Sent;

/// A refund.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of what is read field by field")]
pub struct NewRefund {
    /// The payment whose money goes back.
    #[schema(value_type = String, format = Uuid)]
    pub payment: SubjectId,
    /// How much of it: a decimal string above zero; all that is left if absent.
    #[schema(value_type = Option<String>, example = "4000")]
    pub amount: Option<Amount>,
}

/// Sends money of a payment back to its payer.
///
/// The amount and the highest plausible fee are reserved first; above what is available nothing is sent. There is one
/// refund of a payment on its way at a time.
#[utoipa::path(post, path = "/v1/refunds", operation_id = "create_refund", tag = "commands",
    security(("api_key" = [])),
    request_body(content = NewRefund, example = json!({
        "payment": "0197a1de-0000-7000-8000-000000000001", "amount": "4000"
    })),
    responses((status = 202, description = "Reserved; it goes on by itself.", body = IntentBody,
        headers(("Location" = String, description = "The refund.")))))]
pub async fn create(State(state): State<ApiState>, sent: Sent) -> Result<Response, ApiError> {
    let body = sent.object()?.only(&["payment", "amount"])?;
    let payment: SubjectId = body.need("payment", body.id("payment")?)?;
    let asked = body.amount("amount", Sign::Positive)?;
    let commands = state.commands()?;
    let row = fresh::payment(&state, sent.book(), payment).await?;
    let row = row.filter(|row| row.kind == PaymentKind::Payment);
    let row = row.ok_or_else(|| body.problem(Problem::NotFound, "payment", "no such payment in this book"))?;
    let amount = match (before(&state, &sent).await?, asked) {
        (Some(before), asked) => asked.unwrap_or(before),
        (None, asked) => allowed(&body, &row, asked)?,
    };
    let order = order(&body, row, amount)?;
    intent::answer(Asked::Refund, commands.refund(&sent.origin, &order).await)
}

/// How much was asked under this key before.
async fn before(state: &ApiState, sent: &Sent) -> Result<Option<Amount>, ApiError> {
    let id = ids::intent_id(sent.book(), "refunds", &sent.origin.idempotency_key);
    let trail = state.commands()?.trail(sent.book(), id).await;
    let trail = trail.map_err(|error| errors::problem(Asked::Telling, error))?;
    Ok(trail.intent.map(|intent| intent.amount))
}

fn allowed(body: &Object<'_>, row: &PaymentRow, asked: Option<Amount>) -> Result<Amount, ApiError> {
    let left = row.refundable().ok_or_else(|| body.problem(Problem::WrongState, "payment", "nothing has come in"))?;
    let amount = asked.unwrap_or(left);
    if !left.is_positive() || amount > left {
        let why = format!("more than what is left of the payment and not disputed, {left}");
        return Err(body.problem(Problem::LimitExceeded, "amount", why));
    }
    Ok(amount)
}

fn order(body: &Object<'_>, row: PaymentRow, amount: Amount) -> Result<RefundOrder, ApiError> {
    let unknown = || body.problem(Problem::WrongState, "payment", "its provider's id is not known");
    let left = row.left().unwrap_or_default();
    let object_id = row.object_id.filter(|_| row.object_kind.as_deref() != Some("intent"));
    let place = row.connection.zip(row.wallet).zip(object_id);
    let ((connection, wallet), object_id) = place.ok_or_else(unknown)?;
    Ok(RefundOrder { payment: row.payment, connection, wallet, object_id, amount, left })
}

/// Takes money that is held.
///
/// For a payment that was asked for with `checkout.authorise_only`. What became of it is read from the provider.
#[utoipa::path(post, path = "/v1/collections/{id}/capture", operation_id = "capture_collection", tag = "commands",
    security(("api_key" = [])),
    params(("id" = String, Path, description = "The payment's id.", format = Uuid)),
    request_body(content = Option<Capture>, example = json!({"amount": "10000"})),
    responses((status = 202, description = "Done at the provider.", body = IntentBody,
        headers(("Location" = String, description = "The payment.")))))]
pub async fn capture(State(state): State<ApiState>, Id(id): Id<SubjectId>, sent: Sent) -> Result<Response, ApiError> {
    let body = sent.maybe_object()?.only(&["amount"])?;
    let amount = body.amount("amount", Sign::Positive)?;
    act(&state, &sent, id, Action::Capture(amount)).await
}

/// How much is captured.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of what is read field by field")]
pub struct Capture {
    /// A decimal string above zero; all that is held if absent.
    #[schema(value_type = Option<String>, example = "10000")]
    pub amount: Option<Amount>,
}

/// Lets go of money that is held.
#[utoipa::path(post, path = "/v1/collections/{id}/release", operation_id = "release_collection", tag = "commands",
    security(("api_key" = [])),
    params(("id" = String, Path, description = "The payment's id.", format = Uuid)),
    responses((status = 202, description = "Done at the provider.", body = IntentBody,
        headers(("Location" = String, description = "The payment.")))))]
pub async fn release(State(state): State<ApiState>, Id(id): Id<SubjectId>, sent: Sent) -> Result<Response, ApiError> {
    sent.nothing()?;
    act(&state, &sent, id, Action::Release).await
}

/// Calls off what was not paid yet.
#[utoipa::path(post, path = "/v1/collections/{id}/cancel", operation_id = "cancel_collection", tag = "commands",
    security(("api_key" = [])),
    params(("id" = String, Path, description = "The payment's id.", format = Uuid)),
    responses((status = 202, description = "Done at the provider.", body = IntentBody,
        headers(("Location" = String, description = "The payment.")))))]
pub async fn cancel(State(state): State<ApiState>, Id(id): Id<SubjectId>, sent: Sent) -> Result<Response, ApiError> {
    sent.nothing()?;
    act(&state, &sent, id, Action::Cancel).await
}

async fn act(state: &ApiState, sent: &Sent, id: SubjectId, action: Action) -> Result<Response, ApiError> {
    intent::answer(Asked::Collection, state.commands()?.act(&sent.origin, id, action).await)
}
