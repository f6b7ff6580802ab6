//! Items of a draft: add, change, remove.

use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use ensimbi_events::SubjectId;
use ensimbi_events::codes::Problem;
use ensimbi_events::words::invoice::{InvoiceItemChanged, InvoiceItemRemoved};
use ensimbi_projections::invoices::{InvoiceRow, InvoiceState};

use super::fresh;
use super::invoices::{ITEM_ID_MAX, NewItem};
use super::told::{self, About, Facts, ToldBody};
use crate::ApiState;
use crate::params::Id;
use crate::problem::ApiError;
use crate::sent::Sent;

const ADD: &str = "invoices.items.add";
const CHANGE: &str = "invoices.items.change";
const REMOVE: &str = "invoices.items.remove";

/// An invoice and one of its items, in a path.
pub struct ItemPath {
    invoice: SubjectId,
    item: String,
}

impl<S: Send + Sync> FromRequestParts<S> for ItemPath {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((id, item)) = path.map_err(|_| ApiError::new(Problem::InvalidParameter, "the path cannot be read"))?;
        let id = (id.len() == 36).then(|| id.parse().ok()).flatten();
        let invoice = id.ok_or_else(|| ApiError::parameter("id", "expected a UUID"))?;
        if !(1..=ITEM_ID_MAX).contains(&item.chars().count()) || item.chars().any(char::is_control) {
            return Err(ApiError::parameter("item", format!("expected 1 to {ITEM_ID_MAX} characters")));
        }
        Ok(Self { invoice, item })
    }
}

/// An invoice of this book.
pub(super) async fn invoice(state: &ApiState, sent: &Sent, id: SubjectId) -> Result<InvoiceRow, ApiError> {
    fresh::invoice(state, sent.book(), id).await?.ok_or_else(|| ApiError::not_found("invoice"))
}

/// What facts about an invoice are about. A provider's invoices change where they were made.
pub(super) fn about(row: &InvoiceRow) -> Result<About, ApiError> {
    if row.connection.is_some() {
        let detail = "a provider made this invoice; it is changed there";
        return Err(ApiError::new(Problem::WrongState, detail));
    }
    let currency = row.currency.ok_or_else(|| ApiError::internal(&"an invoice of our own has no currency"))?;
    Ok(About::invoice(row.invoice, currency))
}

/// A draft.
async fn draft(state: &ApiState, sent: &Sent, id: SubjectId) -> Result<About, ApiError> {
    let row = invoice(state, sent, id).await?;
    if row.state != InvoiceState::Draft {
        let detail = format!("the invoice is {}; items change only in a draft", row.state);
        return Err(ApiError::new(Problem::WrongState, detail));
    }
    about(&row)
}

/// Adds an item to a draft.
#[utoipa::path(post, path = "/v1/invoices/{id}/items", operation_id = "add_invoice_item", tag = "invoices",
    security(("api_key" = [])),
    params(("id" = String, Path, description = "The invoice's id.", format = Uuid)),
    request_body(content = NewItem, example = json!({"id": "delivery", "unit_amount": "5000"})),
    responses(
        (status = 201, description = "Recorded.", body = ToldBody),
        (status = 202, description = "Taken; the ledger has not answered yet.", body = ToldBody),
    ))]
pub async fn add(State(state): State<ApiState>, Id(id): Id<SubjectId>, sent: Sent) -> Result<Response, ApiError> {
    let body = sent.object()?.only(&["id", "quantity", "unit_amount", "tax"])?;
    let (mut item, _) = NewItem::read(&body)?;
    let canonical = sent.canonical(&item)?;
    let command = sent.id(ADD).to_string();
    let facts = async {
        let about = draft(&state, &sent, id).await?;
        let item_id = item.id.take().unwrap_or_else(|| command.clone());
        Ok(Facts::now(about.fact(command, item.added(item_id))))
    };
    let told = told::tell(&state, &sent, ADD, canonical, facts).await?;
    Ok(told::answer(id, &told, StatusCode::CREATED))
}

/// Changes an item of a draft, as a whole.
#[utoipa::path(put, path = "/v1/invoices/{id}/items/{item}", operation_id = "change_invoice_item", tag = "invoices",
    security(("api_key" = [])),
    params(
        ("id" = String, Path, description = "The invoice's id.", format = Uuid),
        ("item" = String, Path, description = "The item's id in the invoice."),
    ),
    request_body(content = NewItem, example = json!({"quantity": "3", "unit_amount": "59000", "tax": "27000"})),
    responses(
        (status = 200, description = "Recorded.", body = ToldBody),
        (status = 202, description = "Taken; the ledger has not answered yet.", body = ToldBody),
    ))]
pub async fn change(State(state): State<ApiState>, path: ItemPath, sent: Sent) -> Result<Response, ApiError> {
    let body = sent.object()?.only(&["id", "quantity", "unit_amount", "tax"])?;
    let (item, _) = NewItem::read(&body)?;
    if item.id.as_ref().is_some_and(|id| *id != path.item) {
        return Err(body.wrong("id", "is not the item's in the path; an id never changes"));
    }
    let canonical = sent.canonical(&item)?;
    let facts = async {
        let about = draft(&state, &sent, path.invoice).await?;
        let NewItem { quantity, unit_amount, tax, .. } = item;
        let body = InvoiceItemChanged { item_id: path.item.clone(), quantity, unit_amount, tax };
        Ok(Facts::now(about.fact(sent.id(CHANGE).to_string(), body)))
    };
    let told = told::tell(&state, &sent, CHANGE, canonical, facts).await?;
    Ok(told::answer(path.invoice, &told, StatusCode::OK))
}

/// Removes an item from a draft.
#[utoipa::path(delete, path = "/v1/invoices/{id}/items/{item}", operation_id = "remove_invoice_item", tag = "invoices",
    security(("api_key" = [])),
    params(
        ("id" = String, Path, description = "The invoice's id.", format = Uuid),
        ("item" = String, Path, description = "The item's id in the invoice."),
    ),
    responses(
        (status = 200, description = "Recorded.", body = ToldBody),
        (status = 202, description = "Taken; the ledger has not answered yet.", body = ToldBody),
    ))]
pub async fn remove(State(state): State<ApiState>, path: ItemPath, sent: Sent) -> Result<Response, ApiError> {
    sent.nothing()?;
    let canonical = sent.canonical(&())?;
    let facts = async {
        let about = draft(&state, &sent, path.invoice).await?;
        let body = InvoiceItemRemoved { item_id: path.item.clone() };
        Ok(Facts::now(about.fact(sent.id(REMOVE).to_string(), body)))
    };
    let told = told::tell(&state, &sent, REMOVE, canonical, facts).await?;
    Ok(told::answer(path.invoice, &told, StatusCode::OK))
}
