//! Telling an open item its purpose: an invoice, or an account.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ensimbi_events::codes::Problem;
use ensimbi_events::word::{ItemKind, Side};
use ensimbi_events::words::invoice::PaymentAllocated;
use ensimbi_events::{Amount, SubjectId, SubjectKind};
use ensimbi_projections::payments::{PaymentKind, PaymentRow};
use serde::Serialize;
use utoipa::ToSchema;

use super::fresh;
use super::invoice_life::owed;
use super::told::{self, About, Facts, ToldBody};
use crate::ApiState;
use crate::body::{Object, Sign};
use crate::params::ROOTS;
use crate::problem::ApiError;
use crate::sent::Sent;

const ROUTE: &str = "allocations";
/// Longest account path.
const PATH_MAX: usize = 160;

/// An allocation: of a payment, to an invoice or to an account.
#[derive(Serialize, ToSchema)]
pub struct NewAllocation {
    /// The payment, payout or transfer that holds the open item.
    #[schema(value_type = String, format = Uuid)]
    pub payment: SubjectId,
    /// How much: a decimal string above zero, at most what is open.
    #[schema(value_type = String, example = "50000")]
    pub amount: Amount,
    /// The invoice it pays; or an account, not both.
    #[schema(value_type = Option<String>, format = Uuid)]
    pub invoice: Option<SubjectId>,
    /// The account it belongs to, such as income:sales.
    #[schema(example = "income:sales")]
    pub account: Option<String>,
}

/// An account path in a body.
pub(super) fn account_in(body: &Object<'_>, name: &str) -> Result<Option<String>, ApiError> {
    path_in(body, name, Problem::InvalidBody)
}

/// The same; `code` is what a text of another form is.
pub(super) fn path_in(body: &Object<'_>, name: &str, code: Problem) -> Result<Option<String>, ApiError> {
    let Some(path) = body.text(name, PATH_MAX)? else { return Ok(None) };
    // Its form only; which accounts an item may go to, the ledger says.
    let part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !part.is_empty() && !part.starts_with('-') && part.bytes().all(plain)
    };
    let is_path = path.contains(':') && path.split(':').all(part);
    let wrong = || body.problem(code, name, "expected an account path, such as income:sales");
    match code {
        _ if is_path => Ok(Some(path)),
        Problem::UnknownValue => Err(wrong().allowing(ROOTS)),
        _ => Err(wrong()),
    }
}

/// Tells an open item its purpose.
///
/// The item goes towards zero and never past it; an invoice is paid no more than it is owed.
#[utoipa::path(post, path = "/v1/allocations", operation_id = "create_allocation", tag = "invoices",
    security(("api_key" = [])),
    request_body(content = NewAllocation, example = json!({
        "payment": "018f4d5e-7d2a-7c3b-9f10-2a6b8c0d1e2f", "amount": "50000", "account": "income:sales"
    })),
    responses(
        (status = 201, description = "Recorded; `facts` has the event that reverses it.", body = ToldBody),
        (status = 202, description = "Taken; the ledger has not answered yet.", body = ToldBody),
    ))]
pub async fn create(State(state): State<ApiState>, sent: Sent) -> Result<Response, ApiError> {
    let body = sent.object()?.only(&["payment", "amount", "invoice", "account"])?;
    let new = NewAllocation {
        payment: body.need("payment", body.id("payment")?)?,
        amount: body.need("amount", body.amount("amount", Sign::Positive)?)?,
        invoice: body.id("invoice")?,
        account: account_in(&body, "account")?,
    };
    if new.invoice.is_some() == new.account.is_some() {
        return Err(body.wrong("invoice", "expected an invoice or an account, and not both"));
    }
    let canonical = sent.canonical(&new)?;
    let facts = async {
        let row = fresh::payment(&state, sent.book(), new.payment).await?;
        let row = row.ok_or_else(|| body.problem(Problem::NotFound, "payment", "no such payment in this book"))?;
        let (about, item_kind) = holder(&body, &row)?;
        let (item_side, open) = side(item_kind, row.open).ok_or_else(|| past(&body, Amount::ZERO))?;
        if new.amount > open {
            return Err(past(&body, open));
        }
        let (account, tax) = match (new.invoice, new.account) {
            (Some(invoice), _) => to_invoice(&state, &sent, &body, &row, invoice, new.amount).await?,
            (None, account) => (body.need("account", account)?, None),
        };
        let allocated = PaymentAllocated {
            item: new.payment,
            item_kind,
            item_side,
            amount: new.amount,
            account,
            invoice_id: new.invoice,
            target_amount: None,
            tax,
            policy: None,
        };
        Ok(Facts::now(about.fact(sent.id(ROUTE).to_string(), allocated)))
    };
    let told = told::tell(&state, &sent, ROUTE, canonical, facts).await?;
    Ok(told::answer(new.payment, &told, StatusCode::CREATED))
}

fn past(body: &Object<'_>, open: Amount) -> ApiError {
    body.problem(Problem::LimitExceeded, "amount", format!("more than what is open, {open}"))
}

/// The subject that holds the item, and on which clearing account.
fn holder(body: &Object<'_>, row: &PaymentRow) -> Result<(About, ItemKind), ApiError> {
    let (kind, item_kind) = match row.kind {
        PaymentKind::Payment => (SubjectKind::Payment, ItemKind::Payment),
        PaymentKind::Payout => (SubjectKind::Payout, ItemKind::Payout),
        PaymentKind::Withdrawal | PaymentKind::TopUp | PaymentKind::PurseTransfer => {
            (SubjectKind::Transfer, ItemKind::Transfer)
        }
        PaymentKind::Refund => {
            let why = "a refund's money stands on the payment that it returns; allocate that one";
            return Err(body.problem(Problem::WrongState, "payment", why));
        }
    };
    let PaymentRow { payment, connection, wallet, currency, .. } = row;
    let about = About { subject: *payment, kind, connection: *connection, wallet: *wallet, currency: *currency };
    Ok((about, item_kind))
}

/// The side that a view's open figure stands on, and its size; `None` for nothing, and beyond the range. What came in
/// is plus on the credit side of its account, everything else on the debit side.
fn side(kind: ItemKind, open: Amount) -> Option<(Side, Amount)> {
    let (plus, minus) = match kind {
        ItemKind::Payment => (Side::Credit, Side::Debit),
        _ => (Side::Debit, Side::Credit),
    };
    match open.is_negative() {
        true => Some((minus, open.checked_neg()?)),
        false => open.is_positive().then_some((plus, open)),
    }
}

/// The invoice's side: its receivable, or sales with the tax inside this part.
async fn to_invoice(
    state: &ApiState,
    sent: &Sent,
    body: &Object<'_>,
    row: &PaymentRow,
    id: SubjectId,
    amount: Amount,
) -> Result<(String, Option<Amount>), ApiError> {
    let invoice = fresh::invoice(state, sent.book(), id).await?;
    let invoice = invoice.ok_or_else(|| body.problem(Problem::NotFound, "invoice", "no such invoice in this book"))?;
    let Some(owed) = owed(&invoice) else {
        let why = format!("is {}; only a published one is paid", invoice.state);
        return Err(body.problem(Problem::WrongState, "invoice", why));
    };
    if row.currency != Some(owed.currency) {
        let why = format!("is in {}, and the payment is not", owed.currency);
        return Err(body.problem(Problem::WrongCurrency, "invoice", why));
    }
    if amount > owed.outstanding {
        let why = format!("more than what the invoice is owed, {}", owed.outstanding);
        return Err(body.problem(Problem::LimitExceeded, "amount", why));
    }
    let target = owed.target(amount);
    let (account, tax) = target.ok_or_else(|| ApiError::internal(&"a part's tax leaves the range of amounts"))?;
    Ok((account.to_owned(), tax.filter(|tax| !tax.is_zero())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_side_follows_the_sign_of_what_is_open() {
        let ten: Amount = "10".parse().unwrap();
        let minus: Amount = "-10".parse().unwrap();
        assert_eq!(side(ItemKind::Payment, ten), Some((Side::Credit, ten)));
        assert_eq!(side(ItemKind::Payment, minus), Some((Side::Debit, ten)));
        assert_eq!(side(ItemKind::Payout, ten), Some((Side::Debit, ten)));
        assert_eq!(side(ItemKind::Transfer, minus), Some((Side::Credit, ten)));
        assert_eq!(side(ItemKind::Transfer, Amount::ZERO), None);
    }
}
