//! Payments, refunds, payouts and transfers.

use axum::Json;
use axum::extract::State;
use ensimbi_events::SubjectId;
use ensimbi_projections::payments::{PaymentKind, PaymentRow, PaymentState};
use ensimbi_projections::query::PaymentsQuery;
use serde::Serialize;
use utoipa::ToSchema;

use super::disputes::Dispute;
use super::text;
use crate::ApiState;
use crate::auth::Tenant;
use crate::cursor::Binding;
use crate::params::{Id, RawParams};
use crate::problem::ApiError;

/// A payment. Amounts are in its currency unless they have their own.
#[derive(Debug, Serialize, ToSchema)]
pub struct Payment {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// payment, refund, payout, withdrawal, top_up or purse_transfer.
    #[schema(example = "payment")]
    pub kind: String,
    /// requested, pending, authorised, voided, failed, succeeded, partly_reversed, reversed, withheld or rejected.
    #[schema(example = "succeeded")]
    pub state: String,
    /// Whether only a reversal or a person can still change it.
    pub is_final: bool,
    /// Its connection.
    #[schema(format = Uuid)]
    pub connection: Option<String>,
    /// The provider.
    pub provider: Option<String>,
    /// Its wallet.
    #[schema(format = Uuid)]
    pub wallet: Option<String>,
    /// The wallet's currency.
    #[schema(example = "UGX")]
    pub currency: Option<String>,
    /// The provider's word for the object.
    pub object_kind: Option<String>,
    /// The provider's id.
    pub object_id: Option<String>,
    /// Of a refund: the payment it returns.
    #[schema(format = Uuid)]
    pub parent: Option<String>,
    /// The invoice it is meant for.
    #[schema(format = Uuid)]
    pub invoice: Option<String>,
    /// The other side, as an id.
    #[schema(format = Uuid)]
    pub party: Option<String>,
    /// Operator or rail.
    pub channel: Option<String>,
    /// The provider's words about a failure.
    pub reason: Option<String>,
    /// Why a success has no lines: withheld or before_opening.
    pub not_posted: Option<String>,
    /// While a withheld success waits for a person: the discrepancy that holds it.
    #[schema(format = Uuid)]
    pub discrepancy: Option<String>,
    /// Of what reserves money: the last attempt.
    pub attempt: Option<u32>,
    /// What was asked.
    #[schema(example = "700")]
    pub amount: Option<String>,
    /// What that attempt reserved: the amount and the highest plausible fee.
    pub reserve: Option<String>,
    /// What counts towards our claim.
    #[schema(example = "700")]
    pub gross: Option<String>,
    /// What became spendable.
    #[schema(example = "675.5")]
    pub net: Option<String>,
    /// What the provider withholds.
    pub held: Option<String>,
    /// What its own events changed in the spendable balance; negative for money out.
    pub wallet_change: Option<String>,
    /// What the payer parted with or the beneficiary got.
    pub counter_amount: Option<String>,
    /// In this currency.
    pub counter_currency: Option<String>,
    /// Fees we bear, less those given back, in its currency.
    #[schema(example = "24.5")]
    pub fees_merchant: String,
    /// Fees that payer or beneficiary bear.
    pub fees_other: String,
    /// What is not yet told its purpose.
    pub open: String,
    /// What is.
    pub allocated: String,
    /// What went back to the payer.
    pub refunded: String,
    /// What was taken back.
    pub reversed: String,
    /// What was lost in disputes.
    pub lost: String,
    /// What was taken in disputes that are not decided.
    pub disputed: String,
    /// When the provider means to let go of what it withholds.
    #[schema(format = DateTime)]
    pub held_until: Option<String>,
    /// When the first word about it happened.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When its present state happened.
    #[schema(format = DateTime)]
    pub occurred_at: String,
    /// The first event about it.
    pub first_position: u64,
    /// The last event about it.
    pub last_position: u64,
}

impl From<&PaymentRow> for Payment {
    fn from(row: &PaymentRow) -> Self {
        Self {
            id: row.payment.to_string(),
            kind: row.kind.to_string(),
            state: row.state.to_string(),
            is_final: row.is_final,
            connection: text(row.connection),
            provider: row.provider.clone(),
            wallet: text(row.wallet),
            currency: text(row.currency),
            object_kind: row.object_kind.clone(),
            object_id: row.object_id.clone(),
            parent: text(row.parent),
            invoice: text(row.invoice),
            party: text(row.party),
            channel: row.channel.clone(),
            reason: row.reason.clone(),
            not_posted: text(row.not_posted),
            discrepancy: text(row.discrepancy),
            attempt: row.attempt,
            amount: text(row.amount),
            reserve: text(row.reserve),
            gross: text(row.gross),
            net: text(row.net),
            held: text(row.held),
            wallet_change: text(row.wallet_change),
            counter_amount: text(row.counter_amount),
            counter_currency: text(row.counter_currency),
            fees_merchant: row.fees_merchant.to_string(),
            fees_other: row.fees_other.to_string(),
            open: row.open.to_string(),
            allocated: row.allocated.to_string(),
            refunded: row.refunded.to_string(),
            reversed: row.reversed.to_string(),
            lost: row.lost.to_string(),
            disputed: row.disputed.to_string(),
            held_until: text(row.held_until),
            created_at: row.created_at.to_string(),
            occurred_at: row.occurred_at.to_string(),
            first_position: row.first_position,
            last_position: row.last_position,
        }
    }
}

/// A page of payments.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentPage {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// Newest first.
    pub items: Vec<Payment>,
    /// For the next page; absent on the last.
    pub next_cursor: Option<String>,
}

/// One payment.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentAnswer {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// The payment.
    pub payment: Payment,
    /// Its refunds, oldest first, at most 500; more with `/v1/payments?parent=`.
    pub refunds: Vec<Payment>,
    /// Its disputes, oldest first, at most 500; more with `/v1/disputes?payment=`.
    pub disputes: Vec<Dispute>,
}

/// Lists payments, newest first.
#[utoipa::path(get, path = "/v1/payments", operation_id = "list_payments", tag = "payments", security(("api_key" = [])), params(
    ("kind" = Option<String>, Query, description = "payment, refund, payout, withdrawal, top_up or purse_transfer; all if absent."),
    ("state" = Option<String>, Query, description = "Only in this state."),
    ("connection" = Option<String>, Query, description = "Only of this connection.", format = Uuid),
    ("wallet" = Option<String>, Query, description = "Only of this wallet.", format = Uuid),
    ("invoice" = Option<String>, Query, description = "Only those meant for this invoice.", format = Uuid),
    ("parent" = Option<String>, Query, description = "Only refunds of this payment.", format = Uuid),
    ("party" = Option<String>, Query, description = "Only with this other side.", format = Uuid),
    ("from" = Option<String>, Query, description = "Only those whose present state happened then or later, RFC 3339.", format = DateTime),
    ("to" = Option<String>, Query, description = "Only those whose present state happened before, RFC 3339.", format = DateTime),
    ("limit" = Option<u32>, Query, description = "Largest number of items, 1 to 500; 50 if absent.", minimum = 1, maximum = 500),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, with the same filters."),
), responses((status = 200, description = "A page of payments.", body = PaymentPage)))]
pub async fn list(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<PaymentPage>, ApiError> {
    let params = raw.only(&[
        "kind",
        "state",
        "connection",
        "wallet",
        "invoice",
        "parent",
        "party",
        "from",
        "to",
        "limit",
        "cursor",
    ])?;
    let filters = ["kind", "state", "connection", "wallet", "invoice", "parent", "party", "from", "to"];
    let binding = Binding::new(book, "/v1/payments", &params, &filters);
    let (from, to) = params.range()?;
    let query = PaymentsQuery {
        kind: params.word("kind", PaymentKind::ALL, PaymentKind::as_str)?,
        state: params.word("state", PaymentState::ALL, PaymentState::as_str)?,
        connection: params.parsed("connection", "a UUID")?,
        wallet: params.parsed("wallet", "a UUID")?,
        invoice: params.parsed("invoice", "a UUID")?,
        parent: params.parsed("parent", "a UUID")?,
        party: params.parsed("party", "a UUID")?,
        from,
        to,
        before: binding.position(&params)?,
        limit: params.limit()?,
    };
    let page = state.payments.payments(book, &query).await?;
    let last = page.items.last().filter(|_| page.more);
    let next_cursor = last.map(|row| binding.cursor(&row.first_position.to_string()));
    let items = page.items.iter().map(Payment::from).collect();
    let (position, stale) = (page.stamp.position, page.stamp.stopped_at.is_some());
    Ok(Json(PaymentPage { position, stale, items, next_cursor }))
}

/// Shows one payment, with its refunds and disputes.
#[utoipa::path(get, path = "/v1/payments/{id}", operation_id = "get_payment", tag = "payments", security(("api_key" = [])), params(
    ("id" = String, Path, description = "The payment's id.", format = Uuid),
), responses((status = 200, description = "The payment.", body = PaymentAnswer)))]
pub async fn one(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    Id(id): Id<SubjectId>,
    raw: RawParams,
) -> Result<Json<PaymentAnswer>, ApiError> {
    raw.only(&[])?;
    let answer = state.payments.payment_detail(book, id).await?;
    let detail = answer.value.ok_or_else(|| ApiError::not_found("payment"))?;
    let (position, stale) = (answer.stamp.position, answer.stamp.stopped_at.is_some());
    Ok(Json(PaymentAnswer {
        position,
        stale,
        payment: Payment::from(&detail.payment),
        refunds: detail.refunds.iter().map(Payment::from).collect(),
        disputes: detail.disputes.iter().map(Dispute::from).collect(),
    }))
}
