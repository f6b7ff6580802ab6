//! Invoices, one with its items and payments, and what is owed by age.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use ensimbi_events::money::scaled_text;
use ensimbi_events::{Amount, SubjectId};
use ensimbi_projections::invoices::{InvoiceItem, InvoicePayment, InvoiceRow, InvoiceState};
use ensimbi_projections::query::{AgeingQuery, AgeingRow, Day, InvoicesQuery};
use serde::Serialize;
use utoipa::ToSchema;

use super::config::currency;
use super::text;
use crate::ApiState;
use crate::auth::Tenant;
use crate::cursor::Binding;
use crate::params::{Id, RawParams};
use crate::problem::ApiError;

/// An invoice. Amounts are in its currency. outstanding = total - allocated + deallocated - credited - cancelled -
/// offline + adjusted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invoice {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// draft, published, part_paid, paid, expired, cancelled or credited.
    #[schema(example = "part_paid")]
    pub state: String,
    /// Its connection, where a provider made it.
    #[schema(format = Uuid)]
    pub connection: Option<String>,
    /// The provider's word for the object.
    pub object_kind: Option<String>,
    /// The provider's id.
    pub object_id: Option<String>,
    /// Whom it is for, as an id.
    #[schema(format = Uuid)]
    pub party: Option<String>,
    /// Its currency.
    #[schema(example = "UGX")]
    pub currency: Option<String>,
    /// on_publish or on_payment: when it counts as income.
    #[schema(example = "on_publish")]
    pub recognition: Option<String>,
    /// The date it is due.
    #[schema(example = "2026-05-03")]
    pub due: Option<String>,
    /// As published, with tax.
    #[schema(example = "118000")]
    pub total: String,
    /// Tax inside the total.
    #[schema(example = "18000")]
    pub tax: String,
    /// What is owed.
    #[schema(example = "68000")]
    pub outstanding: String,
    /// What was paid and stands: allocated - deallocated + offline.
    #[schema(example = "50000")]
    pub paid: String,
    /// All that was allocated to it.
    pub allocated: String,
    /// All that was taken back from it.
    pub deallocated: String,
    /// Lowered by credit notes.
    pub credited: String,
    /// Called off.
    pub cancelled: String,
    /// Paid without provider money.
    pub offline: String,
    /// A person's lines on its receivable, signed.
    pub adjusted: String,
    /// Tax that is dealt with: inside what is allocated (on_payment), credited, cancelled or paid offline.
    pub tax_allocated: String,
    /// Number of items.
    pub item_count: u32,
    /// Sum of quantity x unit amount of its items; absent where one of them has no exact amount.
    pub draft_total: Option<String>,
    /// Sum of the tax inside its items.
    pub draft_tax: String,
    /// When the first word about it happened.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was published.
    #[schema(format = DateTime)]
    pub published_at: Option<String>,
    /// When its time ran out.
    #[schema(format = DateTime)]
    pub expired_at: Option<String>,
    /// When it was first called off, in whole or in part.
    #[schema(format = DateTime)]
    pub cancelled_at: Option<String>,
    /// When it was paid, if that is its state.
    #[schema(format = DateTime)]
    pub paid_at: Option<String>,
    /// When somebody first began to pay, at a provider that says so.
    #[schema(format = DateTime)]
    pub payment_started_at: Option<String>,
    /// When its present state happened.
    #[schema(format = DateTime)]
    pub state_since: String,
    /// The first event about it.
    pub first_position: u64,
    /// The last event about it.
    pub last_position: u64,
}

impl TryFrom<&InvoiceRow> for Invoice {
    type Error = ApiError;
    fn try_from(row: &InvoiceRow) -> Result<Self, ApiError> {
        let paid = row.paid().ok_or_else(|| ApiError::internal(&"what an invoice was paid leaves the range"))?;
        Ok(Self {
            id: row.invoice.to_string(),
            state: row.state.to_string(),
            connection: text(row.connection),
            object_kind: row.object_kind.clone(),
            object_id: row.object_id.clone(),
            party: text(row.party),
            currency: text(row.currency),
            recognition: text(row.recognition),
            due: row.due.clone(),
            total: row.total.to_string(),
            tax: row.tax.to_string(),
            outstanding: row.outstanding.to_string(),
            paid: paid.to_string(),
            allocated: row.allocated.to_string(),
            deallocated: row.deallocated.to_string(),
            credited: row.credited.to_string(),
            cancelled: row.cancelled.to_string(),
            offline: row.offline.to_string(),
            adjusted: row.adjusted.to_string(),
            tax_allocated: row.tax_allocated.to_string(),
            item_count: row.item_count,
            draft_total: text(row.draft_total),
            draft_tax: row.draft_tax.to_string(),
            created_at: row.created_at.to_string(),
            published_at: text(row.published_at),
            expired_at: text(row.expired_at),
            cancelled_at: text(row.cancelled_at),
            paid_at: text(row.paid_at),
            payment_started_at: text(row.payment_started_at),
            state_since: row.state_since.to_string(),
            first_position: row.first_position,
            last_position: row.last_position,
        })
    }
}

/// An item of an invoice.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InvoiceItem)]
pub struct InvoiceItemBody {
    /// The item's id.
    pub id: String,
    /// How many, as given.
    #[schema(example = "2")]
    pub quantity: String,
    /// Price of one.
    #[schema(example = "59000")]
    pub unit_amount: String,
    /// Tax inside the item.
    pub tax: Option<String>,
    /// quantity x unit_amount; absent where that is no exact amount.
    #[schema(example = "118000")]
    pub amount: Option<String>,
}

impl From<&InvoiceItem> for InvoiceItemBody {
    fn from(item: &InvoiceItem) -> Self {
        Self {
            id: item.item_id.clone(),
            quantity: item.quantity.clone(),
            unit_amount: item.unit_amount.to_string(),
            tax: text(item.tax),
            amount: text(item.amount),
        }
    }
}

/// What a payment was told to pay of an invoice, in the invoice's currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InvoicePayment)]
pub struct InvoicePaymentBody {
    /// The payment, or whatever else holds the open item.
    #[schema(format = Uuid)]
    pub payment: String,
    /// payment, payout, transfer or offline.
    #[schema(example = "payment")]
    pub item_kind: String,
    /// What stands: allocated - deallocated.
    pub amount: String,
    /// All that was allocated.
    pub allocated: String,
    /// All that was taken back.
    pub deallocated: String,
    /// Tax inside what stands (on_payment).
    pub tax: String,
    /// When it was first allocated.
    #[schema(format = DateTime)]
    pub first_at: String,
    /// When that last changed.
    #[schema(format = DateTime)]
    pub last_at: String,
}

impl From<&InvoicePayment> for InvoicePaymentBody {
    fn from(row: &InvoicePayment) -> Self {
        // Both are sums of one row's events, never negative: their difference fits.
        let amount = row.allocated.checked_sub(row.deallocated).unwrap_or(Amount::ZERO);
        Self {
            payment: row.payment.to_string(),
            item_kind: row.item_kind.to_string(),
            amount: amount.to_string(),
            allocated: row.allocated.to_string(),
            deallocated: row.deallocated.to_string(),
            tax: row.tax.to_string(),
            first_at: row.first_at.to_string(),
            last_at: row.last_at.to_string(),
        }
    }
}

/// A page of invoices.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoicePage {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// With `overdue`: the moment to whose day lateness was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub as_at: Option<String>,
    /// With `overdue`: the zone of that day, the book's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Africa/Kampala")]
    pub tz: Option<String>,
    /// Newest first.
    pub items: Vec<Invoice>,
    /// For the next page; absent on the last.
    pub next_cursor: Option<String>,
}

/// One invoice.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceAnswer {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// The invoice.
    pub invoice: Invoice,
    /// Its items in their order, at most 1,000.
    pub items: Vec<InvoiceItemBody>,
    /// What was allocated to it, by payment, oldest first, at most 1,000.
    pub payments: Vec<InvoicePaymentBody>,
}

/// What is owed in a bucket.
#[derive(Debug, Serialize, ToSchema)]
pub struct BucketBody {
    /// Sum.
    #[schema(example = "68000")]
    pub amount: String,
    /// Number of invoices.
    pub invoices: u64,
}

/// What is owed in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgeingBody {
    /// Currency.
    #[schema(example = "UGX")]
    pub currency: String,
    /// By days after the due date: not_due, 1_30, 31_60, 61_90, over_90.
    pub buckets: BTreeMap<String, BucketBody>,
    /// Sum of the buckets.
    #[schema(example = "68000")]
    pub outstanding: String,
    /// The part recognised on publication: the balance of assets:receivable.
    #[schema(example = "68000")]
    pub receivable: String,
    /// Number of invoices.
    pub invoices: u64,
}

impl From<&AgeingRow> for AgeingBody {
    fn from(row: &AgeingRow) -> Self {
        let bucket = |amount, invoices| BucketBody { amount: scaled_text(amount), invoices };
        let buckets = row.buckets.iter().map(|(word, amount, count)| (word.to_string(), bucket(*amount, *count)));
        Self {
            currency: row.currency.to_string(),
            buckets: buckets.collect(),
            outstanding: scaled_text(row.outstanding),
            receivable: scaled_text(row.receivable),
            invoices: row.invoices,
        }
    }
}

/// What is owed, by how late it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgeingAnswer {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// The moment to whose day lateness is counted; absent for a book without events.
    #[schema(format = DateTime)]
    pub as_at: Option<String>,
    /// The zone of that day.
    #[schema(example = "Africa/Kampala")]
    pub tz: Option<String>,
    /// By currency.
    pub currencies: Vec<AgeingBody>,
}

fn split(day: Option<Day>) -> (Option<String>, Option<String>) {
    day.map(|day| (day.as_at.to_string(), day.tz)).unzip()
}

/// Lists invoices, newest first.
#[utoipa::path(get, path = "/v1/invoices", operation_id = "list_invoices", tag = "invoices", security(("api_key" = [])), params(
    ("state" = Option<String>, Query, description = "draft, published, part_paid, paid, expired, cancelled or credited; all if absent."),
    ("party" = Option<String>, Query, description = "Only for this party.", format = Uuid),
    ("currency" = Option<String>, Query, description = "Only in this currency."),
    ("overdue" = Option<bool>, Query, description = "true: only what is owed and was due before the day of `as_at`, the time of the last event inside, in the book's zone; without a due date the day of publication counts. false: only the others."),
    ("limit" = Option<u32>, Query, description = "Largest number of items, 1 to 500; 50 if absent.", minimum = 1, maximum = 500),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, with the same filters."),
), responses((status = 200, description = "A page of invoices.", body = InvoicePage)))]
pub async fn list(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<InvoicePage>, ApiError> {
    let params = raw.only(&["state", "party", "currency", "overdue", "limit", "cursor"])?;
    let binding = Binding::new(book, "/v1/invoices", &params, &["state", "party", "currency", "overdue"]);
    let query = InvoicesQuery {
        state: params.word("state", InvoiceState::ALL, InvoiceState::as_str)?,
        party: params.parsed("party", "a UUID")?,
        currency: currency(&state, book, &params, "currency").await?,
        overdue: params.parsed("overdue", "true or false")?,
        before: binding.position(&params)?,
        limit: params.limit()?,
    };
    let list = state.invoices.invoices(book, &query).await?;
    let page = list.page;
    let last = page.items.last().filter(|_| page.more);
    let next_cursor = last.map(|row| binding.cursor(&row.first_position.to_string()));
    let items: Result<Vec<Invoice>, ApiError> = page.items.iter().map(Invoice::try_from).collect();
    let (position, stale) = (page.stamp.position, page.stamp.stopped_at.is_some());
    let (as_at, tz) = split(list.day);
    Ok(Json(InvoicePage { position, stale, as_at, tz, items: items?, next_cursor }))
}

/// Shows one invoice with its items and the payments allocated to it.
#[utoipa::path(get, path = "/v1/invoices/{id}", operation_id = "get_invoice", tag = "invoices", security(("api_key" = [])), params(
    ("id" = String, Path, description = "The invoice's id.", format = Uuid),
), responses((status = 200, description = "The invoice.", body = InvoiceAnswer)))]
pub async fn one(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    Id(id): Id<SubjectId>,
    raw: RawParams,
) -> Result<Json<InvoiceAnswer>, ApiError> {
    raw.only(&[])?;
    let answer = state.invoices.invoice(book, id).await?;
    let detail = answer.value.ok_or_else(|| ApiError::not_found("invoice"))?;
    Ok(Json(InvoiceAnswer {
        position: answer.stamp.position,
        stale: answer.stamp.stopped_at.is_some(),
        invoice: Invoice::try_from(&detail.invoice)?,
        items: detail.items.iter().map(InvoiceItemBody::from).collect(),
        payments: detail.payments.iter().map(InvoicePaymentBody::from).collect(),
    }))
}

/// Shows what is owed, by days after the due date.
#[utoipa::path(get, path = "/v1/invoices/ageing", operation_id = "age_invoices", tag = "invoices", security(("api_key" = [])), params(
    ("tz" = Option<String>, Query, description = "IANA time zone whose days count, such as Africa/Kampala; the book's if absent."),
    ("as_at" = Option<String>, Query, description = "To whose day lateness is counted, RFC 3339; the time of the last event inside if absent. What is owed is that of `position` in any case.", format = DateTime),
), responses((status = 200, description = "What is owed.", body = AgeingAnswer)))]
pub async fn ageing(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<AgeingAnswer>, ApiError> {
    let params = raw.only(&["tz", "as_at"])?;
    let query = AgeingQuery { zone: params.zone("tz")?, as_at: params.time("as_at")? };
    let answer = state.invoices.ageing(book, &query).await?;
    let (as_at, tz) = split(answer.value.day);
    Ok(Json(AgeingAnswer {
        position: answer.stamp.position,
        stale: answer.stamp.stopped_at.is_some(),
        as_at,
        tz,
        currencies: answer.value.rows.iter().map(AgeingBody::from).collect(),
    }))
}
