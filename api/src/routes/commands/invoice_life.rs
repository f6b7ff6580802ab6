//! The life of an invoice after its draft: publish, cancel, credit, expire.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ensimbi_events::codes::Problem;
use ensimbi_events::owed::Owed;
use ensimbi_events::word::Recognition;
use ensimbi_events::words::invoice::{InvoiceCancelled, InvoiceCredited, InvoiceExpired, InvoicePublished};
use ensimbi_events::{Amount, Body, SubjectId};
use ensimbi_projections::invoices::{InvoiceRow, InvoiceState};
use serde::Serialize;
use utoipa::ToSchema;

use super::invoice_items::{about, invoice};
use super::invoices::recognition_in;
use super::policy;
use super::told::{self, Facts, ToldBody};
use crate::ApiState;
use crate::body::Sign;
use crate::params::Id;
use crate::problem::ApiError;
use crate::sent::Sent;

/// A publication.
#[derive(Serialize, ToSchema)]
pub struct Publication {
    /// With tax; the sum of the items if absent, and never another one where there are items.
    #[schema(value_type = Option<String>, example = "118000")]
    pub total: Option<Amount>,
    /// Tax inside the total; that of the items if absent.
    #[schema(value_type = Option<String>, example = "18000")]
    pub tax: Option<Amount>,
    /// Date it is due.
    #[schema(example = "2026-06-03", format = Date)]
    pub due: Option<String>,
    /// on_publish or on_payment; the book's policy if absent, else on_publish.
    #[schema(value_type = Option<String>, example = "on_publish")]
    pub recognition: Option<Recognition>,
}

/// A credit note.
#[derive(Serialize, ToSchema)]
pub struct Credit {
    /// By how much less is owed, with tax: a decimal string above zero.
    #[schema(value_type = String, example = "11800")]
    pub amount: Amount,
    /// Tax inside; the invoice's share if absent, half up at the currency's decimals.
    #[schema(value_type = Option<String>, example = "1800")]
    pub tax: Option<Amount>,
}

/// What a published invoice is owed; `None` for a draft, or beyond the range of amounts.
pub(super) fn owed(row: &InvoiceRow) -> Option<Owed> {
    Some(Owed {
        currency: row.currency?,
        recognition: row.recognition?,
        total: row.total,
        tax: row.tax,
        outstanding: row.outstanding,
        tax_settled: row.tax_allocated,
        paid: row.paid()?,
    })
}

/// A published invoice that is still owed something.
fn owing(row: &InvoiceRow) -> Result<Owed, ApiError> {
    let owed = owed(row).filter(|owed| row.state != InvoiceState::Draft && owed.outstanding.is_positive());
    owed.ok_or_else(|| {
        let detail = format!("the invoice is {}; nothing is outstanding", row.state);
        ApiError::new(Problem::WrongState, detail)
    })
}

fn beyond() -> ApiError {
    ApiError::internal(&"the tax of a part of an invoice leaves the range of amounts")
}

/// Tells one fact about an invoice.
async fn one(
    state: &ApiState,
    sent: &Sent,
    id: SubjectId,
    route: &'static str,
    canonical: Vec<u8>,
    word: impl Future<Output = Result<(InvoiceRow, Body), ApiError>> + Send,
) -> Result<Response, ApiError> {
    let facts = async {
        let (row, body) = word.await?;
        Ok(Facts::now(about(&row)?.fact(sent.id(route).to_string(), body)))
    };
    let told = told::tell(state, sent, route, canonical, facts).await?;
    Ok(told::answer(id, &told, StatusCode::OK))
}

/// Publishes a draft: from here on it is owed.
#[utoipa::path(post, path = "/v1/invoices/{id}/publish", operation_id = "publish_invoice", tag = "invoices",
    security(("api_key" = [])),
    params(("id" = String, Path, description = "The invoice's id.", format = Uuid)),
    request_body(content = Option<Publication>, example = json!({"due": "2026-06-03"})),
    responses(
        (status = 200, description = "Recorded.", body = ToldBody),
        (status = 202, description = "Taken; the ledger has not answered yet.", body = ToldBody),
    ))]
pub async fn publish(State(state): State<ApiState>, Id(id): Id<SubjectId>, sent: Sent) -> Result<Response, ApiError> {
    let body = sent.maybe_object()?.only(&["total", "tax", "due", "recognition"])?;
    let new = Publication {
        total: body.amount("total", Sign::Positive)?,
        tax: body.amount("tax", Sign::NotNegative)?,
        due: body.date("due")?,
        recognition: recognition_in(&body)?,
    };
    let canonical = sent.canonical(&new)?;
    let word = async {
        let row = invoice(&state, &sent, id).await?;
        if row.state != InvoiceState::Draft {
            let detail = format!("the invoice is {}; only a draft is published", row.state);
            return Err(ApiError::new(Problem::WrongState, detail));
        }
        let items = (row.item_count > 0).then_some(row.draft_total).flatten();
        let total = new.total.or(items);
        let total = total.ok_or_else(|| body.wrong("total", "missing, and there are no items to add up"))?;
        if items.is_some_and(|items| items != total) {
            let why = format!("the items come to {}", items.unwrap_or_default());
            return Err(body.problem(Problem::InvalidAmount, "total", why));
        }
        if !total.is_positive() {
            return Err(body.problem(Problem::InvalidAmount, "total", "the items come to zero"));
        }
        let tax = new.tax.unwrap_or(row.draft_tax);
        if tax > total || (items.is_some() && tax != row.draft_tax) {
            let why = format!("the items' tax comes to {}; it is inside the total", row.draft_tax);
            return Err(body.problem(Problem::InvalidAmount, "tax", why));
        }
        let recognition = match new.recognition {
            Some(recognition) => recognition,
            None => policy::recognition(&state, sent.book()).await?,
        };
        Ok((row, InvoicePublished { total, tax, recognition, due: new.due, party_id: None }.into()))
    };
    one(&state, &sent, id, "invoices.publish", canonical, word).await
}

/// Calls off a draft, or everything that is still outstanding.
#[utoipa::path(post, path = "/v1/invoices/{id}/cancel", operation_id = "cancel_invoice", tag = "invoices",
    security(("api_key" = [])),
    params(("id" = String, Path, description = "The invoice's id.", format = Uuid)),
    responses(
        (status = 200, description = "Recorded.", body = ToldBody),
        (status = 202, description = "Taken; the ledger has not answered yet.", body = ToldBody),
    ))]
pub async fn cancel(State(state): State<ApiState>, Id(id): Id<SubjectId>, sent: Sent) -> Result<Response, ApiError> {
    sent.nothing()?;
    let canonical = sent.canonical(&())?;
    let word = async {
        let row = invoice(&state, &sent, id).await?;
        let body = if row.state == InvoiceState::Draft {
            // Nothing is owed on a draft; the ledger wants zero and takes any recognition.
            let recognition = Recognition::OnPublish;
            InvoiceCancelled { amount: Amount::ZERO, tax: Amount::ZERO, recognition }
        } else {
            let owed = owing(&row)?;
            let tax = owed.credit_tax(owed.outstanding).ok_or_else(beyond)?;
            InvoiceCancelled { amount: owed.outstanding, tax, recognition: owed.recognition }
        };
        Ok((row, body.into()))
    };
    one(&state, &sent, id, "invoices.cancel", canonical, word).await
}

/// Lowers what is owed by a credit note.
#[utoipa::path(post, path = "/v1/invoices/{id}/credit", operation_id = "credit_invoice", tag = "invoices",
    security(("api_key" = [])),
    params(("id" = String, Path, description = "The invoice's id.", format = Uuid)),
    request_body(content = Credit, example = json!({"amount": "11800"})),
    responses(
        (status = 200, description = "Recorded.", body = ToldBody),
        (status = 202, description = "Taken; the ledger has not answered yet.", body = ToldBody),
    ))]
pub async fn credit(State(state): State<ApiState>, Id(id): Id<SubjectId>, sent: Sent) -> Result<Response, ApiError> {
    let body = sent.object()?.only(&["amount", "tax"])?;
    let new = Credit {
        amount: body.need("amount", body.amount("amount", Sign::Positive)?)?,
        tax: body.amount("tax", Sign::NotNegative)?,
    };
    if new.tax.is_some_and(|tax| tax > new.amount) {
        return Err(body.problem(Problem::InvalidAmount, "tax", "is not inside the amount"));
    }
    let canonical = sent.canonical(&new)?;
    let word = async {
        let row = invoice(&state, &sent, id).await?;
        let owed = owing(&row)?;
        if new.amount > owed.outstanding {
            let why = format!("more than what is outstanding, {}", owed.outstanding);
            return Err(body.problem(Problem::LimitExceeded, "amount", why));
        }
        let tax = match new.tax {
            Some(tax) => tax,
            None => owed.credit_tax(new.amount).ok_or_else(beyond)?,
        };
        Ok((row, InvoiceCredited { amount: new.amount, tax, recognition: owed.recognition }.into()))
    };
    one(&state, &sent, id, "invoices.credit", canonical, word).await
}

/// Says that an invoice's time ran out; it can still be paid late.
#[utoipa::path(post, path = "/v1/invoices/{id}/expire", operation_id = "expire_invoice", tag = "invoices",
    security(("api_key" = [])),
    params(("id" = String, Path, description = "The invoice's id.", format = Uuid)),
    responses(
        (status = 200, description = "Recorded.", body = ToldBody),
        (status = 202, description = "Taken; the ledger has not answered yet.", body = ToldBody),
    ))]
pub async fn expire(State(state): State<ApiState>, Id(id): Id<SubjectId>, sent: Sent) -> Result<Response, ApiError> {
    sent.nothing()?;
    let canonical = sent.canonical(&())?;
    let word = async {
        let row = invoice(&state, &sent, id).await?;
        owing(&row)?;
        Ok((row, InvoiceExpired {}.into()))
    };
    one(&state, &sent, id, "invoices.expire", canonical, word).await
}
