//! Invoices of the demo: some are paid in full, some in part, and some payments are more than was owed.

use std::time::Duration;

use ensimbi_events::commands::{Commands, Origin, Telling};
use ensimbi_events::word::Recognition;
use ensimbi_events::words::invoice::{InvoiceDrafted, InvoiceItemAdded, InvoicePublished};
use ensimbi_events::{Amount, Body, Currency, Fact, SubjectId, SubjectKind, Time, ids};
use jiff::tz::TimeZone;

use crate::exit::Failure;

/// The route of invoices, part of what a key is unique in; the API's own.
const ROUTE: &str = "invoices";
/// An invoice is due after this.
const DUE: Duration = Duration::from_secs(14 * 86_400);
/// What an underpaid invoice asks beyond the payment, and an overpaid one less.
const STEP: Amount = Amount::whole(100);

/// Drafts and publishes the invoice that payment `n` is for.
pub async fn publish(
    door: &dyn Commands,
    origin: &Origin,
    n: u64,
    paid: Amount,
    currency: Currency,
    now: Time,
) -> Result<SubjectId, Failure> {
    let id = ids::intent_id(origin.book, ROUTE, &origin.idempotency_key);
    let other = if n.is_multiple_of(20) { paid.checked_add(STEP) } else { paid.checked_sub(STEP) };
    let total = if n.is_multiple_of(30) { Some(paid) } else { other };
    let total = total.ok_or_else(|| Failure::wrong("an amount of the demo is out of range"))?;
    let fact = |occurrence: &str, body: Body| Fact {
        subject: id,
        subject_kind: SubjectKind::Invoice,
        connection: None,
        wallet: None,
        object_kind: Some("intent".to_owned()),
        object_id: Some(id.to_string()),
        occurrence: occurrence.to_owned(),
        currency: Some(currency),
        version: body.version(),
        body,
    };
    let (item_id, quantity) = ("1".to_owned(), "1".to_owned());
    let item = InvoiceItemAdded { item_id, quantity, unit_amount: total, tax: None };
    let (tax, recognition) = (Amount::ZERO, Recognition::OnPublish);
    let due = Some(now.plus(DUE).date_in(&TimeZone::UTC));
    let published = InvoicePublished { total, tax, recognition, due, party_id: None };
    let facts = vec![
        (fact("", InvoiceDrafted { party_id: None }.into()), None),
        (fact("1", item.into()), None),
        (fact("", published.into()), None),
    ];
    let body = format!("{n} {total} {currency}").into_bytes();
    let telling = Telling { route: ROUTE, body, facts, party: None };
    door.tell(origin, &telling).await.map_err(Failure::not_to_be_had)?;
    Ok(id)
}
