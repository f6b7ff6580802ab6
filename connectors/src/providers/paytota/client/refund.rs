//! Sends money back, and captures, releases or cancels (`providers/paytota.md`, section 8).
//!
//! Whether a purchase can be refunded, and in part, its `refund_availability` says: it is read first, so that what they
//! would refuse never leaves us, and their own figure of what is left decides whether the whole is asked for.

use ensimbi_events::{Amount, Currency};
use reqwest::Method;
use serde_json::json;

use super::super::wire::{self, Details, Thing, Unit};
use super::super::{PURCHASE, kind};
use super::checks::must;
use super::judge::judge;
use super::make::made;
use super::{Client, Content};
use crate::connector::{Action, CallError, ObjectRef, RawAnswer, RefundCall};

pub(super) async fn refund(client: &Client, order: &RefundCall) -> Result<RawAnswer, CallError> {
    let units = client.units("amount", order.amount, order.currency)?;
    let state = client.state_before(PURCHASE, &order.payment).await?;
    let whole = {
        let thing = made(PURCHASE, &state.body)?;
        refundable(client, &thing, order)?
    };
    // The whole is asked for without a figure.
    let body = if whole { json!({}) } else { json!({ "amount": units }) }.to_string();
    let url = client.url(["api", "v1", "purchases", &order.payment, "refund"]);
    let answer = client.call(Method::POST, url, Content::Json(body.as_bytes())).await?;
    let (status, body) = judge(false, answer)?;
    let good = {
        let thing: Option<Thing<'_>> = wire::body(&body).and_then(|text| wire::object("body", text)).ok();
        let words = thing.map(|thing| (wire::required("type", thing.r#type), wire::required("status", thing.status)));
        match words {
            Some((Ok(kind), Ok(_))) if kind == "payment" => true,
            Some((Ok(kind), Ok(status))) if kind == "purchase" => {
                matches!(status.as_str(), "pending_refund" | "refunded")
            }
            _ => false,
        }
    };
    if good {
        Ok(RawAnswer { kind: kind::REFUND_ANSWER, status, body })
    } else {
        Err(CallError::Unknown(format!("status {status}, neither a refund nor its purchase")))
    }
}

/// Whether the refund is of everything that is left, by their own figure; refused where they would not make it.
fn refundable(client: &Client, thing: &Thing<'_>, order: &RefundCall) -> Result<bool, CallError> {
    let odd = |_| CallError::NotSent("a purchase whose refundable amount cannot be read".to_owned());
    let unit = Unit { currency: order.currency, known: &client.currencies };
    let left = wire::amount("refundable_amount", thing.refundable_amount, unit).map_err(odd)?;
    must(!order.again || left == order.left, "amount: an earlier attempt seems to have been made")?;
    must(order.amount <= left, "amount: more than the provider would refund")?;
    let whole = order.amount == left;
    match wire::text("refund_availability", thing.refund_availability).map_err(odd)?.as_deref() {
        Some("all" | "pis_all") => {}
        Some("full_only") => must(whole, "amount: the provider refunds this payment as a whole only")?,
        Some("partial_only" | "pis_partial") => {
            must(!whole, "amount: the provider refunds this payment in part only")?;
        }
        // Mobile money among them (section 4.4).
        _ => {
            return Err(CallError::Refused(
                "payment: the provider does not refund it (refund_availability)".to_owned(),
            ));
        }
    }
    Ok(whole && order.left == order.amount)
}

pub(super) async fn act(client: &Client, payment: &ObjectRef, action: Action) -> Result<RawAnswer, CallError> {
    let (Some(id), PURCHASE) = (payment.id.as_deref(), payment.kind) else { return Err(CallError::NotOffered) };
    let (word, body) = match action {
        Action::Cancel => ("cancel", None),
        Action::Release => ("release", None),
        Action::Capture(None) => ("capture", None),
        Action::Capture(Some(amount)) => ("capture", Some(part(client, id, amount).await?)),
    };
    let body = body.unwrap_or_else(|| json!({})).to_string();
    let url = client.url(["api", "v1", "purchases", segment(id)?, word]);
    let answer = client.call(Method::POST, url, Content::Json(body.as_bytes())).await?;
    let (status, body) = judge(false, answer)?;
    let thing = made(PURCHASE, &body)?;
    if wire::id("id", thing.id).is_ok_and(|found| found.eq_ignore_ascii_case(id)) {
        Ok(RawAnswer { kind: kind::PURCHASE_STATUS, status, body })
    } else {
        Err(CallError::Unknown(format!("status {status}, not the purchase that was asked for")))
    }
}

/// A part of what is held, in the smallest units of its currency, which only the purchase tells.
async fn part(client: &Client, id: &str, amount: Amount) -> Result<serde_json::Value, CallError> {
    let state = client.state_before(PURCHASE, id).await?;
    let thing = made(PURCHASE, &state.body)?;
    let details: Option<Details<'_>> = wire::inner("purchase", thing.purchase).ok().flatten();
    let currency: Option<Currency> = details.and_then(|details| wire::currency("currency", details.currency).ok());
    let currency = currency.ok_or_else(|| CallError::NotSent("a purchase without a currency".to_owned()))?;
    Ok(json!({ "amount": client.units("amount", amount, currency)? }))
}

/// An id as a part of a path.
fn segment(id: &str) -> Result<&str, CallError> {
    let fits = wire::is_id(id) && !matches!(id, "." | "..");
    if fits { Ok(id) } else { Err(CallError::Refused("object: an id that no path can carry".to_owned())) }
}
