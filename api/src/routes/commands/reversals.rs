//! Undoing an allocation, in full or in part, on the accounts where it stands.
//!
//! Order: the allocation's own leaf -> what was taken back of it already (the log of its item) -> the rest, or a part.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ensimbi_events::codes::Problem;
use ensimbi_events::owed::{exponent, part_of};
use ensimbi_events::ports::LineFilter;
use ensimbi_events::words::invoice::{PaymentAllocated, PaymentDeallocated};
use ensimbi_events::{Amount, Body, BookId, Event, EventId};
use serde::Serialize;
use utoipa::ToSchema;

use super::fresh;
use super::told::{self, About, Facts, ToldBody};
use crate::ApiState;
use crate::body::{Object, Sign};
use crate::params::Id;
use crate::problem::ApiError;
use crate::routes::decode;
use crate::sent::Sent;

const ROUTE: &str = "allocations.reverse";
/// Entries of one item that are read at once, and pages of them at most.
const PAGE: u32 = 500;
const PAGES_MAX: usize = 20;

/// How much of an allocation is undone.
#[derive(Serialize, ToSchema)]
pub struct Reversal {
    /// A decimal string above zero; all that stands if absent.
    #[schema(value_type = Option<String>, example = "20000")]
    pub amount: Option<Amount>,
}

/// What stands of an allocation.
struct Standing {
    amount: Amount,
    tax: Amount,
}

/// Undoes an allocation; what it paid is owed again.
#[utoipa::path(post, path = "/v1/allocations/{event_id}/reverse", operation_id = "reverse_allocation", tag = "invoices",
    security(("api_key" = [])),
    params(("event_id" = String, Path, description = "The allocation's event.", format = Uuid)),
    request_body(content = Option<Reversal>, example = json!({"amount": "20000"})),
    responses(
        (status = 201, description = "Recorded.", body = ToldBody),
        (status = 202, description = "Taken; the ledger has not answered yet.", body = ToldBody),
    ))]
pub async fn create(State(state): State<ApiState>, Id(id): Id<EventId>, sent: Sent) -> Result<Response, ApiError> {
    let body = sent.maybe_object()?.only(&["amount"])?;
    let new = Reversal { amount: body.amount("amount", Sign::Positive)? };
    let canonical = sent.canonical(&new)?;
    let facts = async {
        let event = fresh::event(&state, sent.book(), id).await?.ok_or_else(|| ApiError::not_found("allocation"))?;
        let Body::PaymentAllocated(allocation) = &event.fact.body else {
            return Err(ApiError::not_found("allocation"));
        };
        let standing = standing(&state, sent.book(), &event, allocation).await?;
        let (amount, tax) = part(&body, &event, allocation, &standing, new.amount)?;
        let deallocated = PaymentDeallocated {
            allocation: id,
            item: allocation.item,
            item_kind: allocation.item_kind,
            item_side: allocation.item_side,
            amount,
            account: allocation.account.clone(),
            invoice_id: allocation.invoice_id,
            target_amount: allocation.target_amount,
            tax: (!tax.is_zero()).then_some(tax),
        };
        let about = About {
            subject: event.fact.subject,
            kind: event.fact.subject_kind,
            connection: event.fact.connection,
            wallet: event.fact.wallet,
            currency: event.fact.currency,
        };
        Ok(Facts::now(about.fact(sent.id(ROUTE).to_string(), deallocated)))
    };
    let told = told::tell(&state, &sent, ROUTE, canonical, facts).await?;
    Ok(told::answer(id, &told, StatusCode::CREATED))
}

/// The allocation less what was taken back of it.
async fn standing(
    state: &ApiState,
    book: BookId,
    event: &Event,
    allocation: &PaymentAllocated,
) -> Result<Standing, ApiError> {
    let mut standing = Standing { amount: allocation.amount, tax: allocation.tax.unwrap_or_default() };
    let mut filter =
        LineFilter { account: None, subject: Some(event.fact.subject), after: event.record.position, limit: PAGE };
    for _ in 0..PAGES_MAX {
        let positions = state.reader.entry_positions(book, &filter).await?;
        for leaf in &state.reader.read_at(book, &positions).await? {
            let Body::PaymentDeallocated(taken) = decode(leaf)?.fact.body else { continue };
            if taken.allocation == event.record.event_id {
                standing.amount = less(standing.amount, taken.amount)?;
                standing.tax = less(standing.tax, taken.tax.unwrap_or_default())?;
            }
        }
        match positions.last() {
            Some(last) if positions.len() == PAGE as usize => filter.after = *last,
            _ => return Ok(standing),
        }
    }
    Err(ApiError::internal(&"an item has more entries than a reversal looks at"))
}

fn less(standing: Amount, taken: Amount) -> Result<Amount, ApiError> {
    let rest = standing.checked_sub(taken).filter(|rest| !rest.is_negative());
    rest.ok_or_else(|| ApiError::internal(&"more of an allocation was taken back than it had"))
}

/// How much is undone, and the tax inside: all of it, or its share half up; the last part takes the remainder.
fn part(
    body: &Object<'_>,
    event: &Event,
    allocation: &PaymentAllocated,
    standing: &Standing,
    asked: Option<Amount>,
) -> Result<(Amount, Amount), ApiError> {
    let amount = asked.unwrap_or(standing.amount);
    if !standing.amount.is_positive() {
        return Err(ApiError::new(Problem::LimitExceeded, "nothing of this allocation stands any more"));
    }
    if amount > standing.amount {
        let why = format!("more than what stands of the allocation, {}", standing.amount);
        return Err(body.problem(Problem::LimitExceeded, "amount", why));
    }
    if amount == standing.amount {
        return Ok((amount, standing.tax));
    }
    if allocation.target_amount.is_some() {
        return Err(body.problem(Problem::WrongState, "amount", "an allocation in another currency is undone whole"));
    }
    let digits = event.fact.currency.map_or(0, exponent);
    let tax = part_of(standing.tax, amount, standing.amount, digits);
    let tax = tax.ok_or_else(|| ApiError::internal(&"a part's tax leaves the range of amounts"))?;
    Ok((amount, tax.min(standing.tax)))
}
