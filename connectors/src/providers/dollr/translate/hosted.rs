//! Hosted checkouts: paid on their page, so there is no execution of ours (`providers/dollr.md`, sections 6 and 9). The
//! source's own status says that it was paid, its receipt how much came.
//!
//! The collection is named by the source's label, our reference. A redirect proves nothing, and a status that says paid
//! states no money before the receipt is there.

use ensimbi_events::SubjectKind;
use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::words::payment::{CollectionFailed, CollectionPending};

use super::super::handle::{Family, SourceRef};
use super::super::wire::{self, Parts, SourceStatus, Stage, unreadable};
use super::super::{COLLECTION, RECEIPT};
use super::execution::{CANCELED, object};
use super::source::Source;
use super::{counted, receipt};
use crate::connector::{Input, Links, ObjectRef, Said, Translation, Unreadable, Watch};

/// The receipt of a source.
pub(super) fn receipt_of(source: &SourceRef) -> ObjectRef {
    ObjectRef { kind: RECEIPT, id: Some(source.to_string()), reference: None }
}

/// How far the checkout is: the source's status, which must be of that very source.
fn stage(status: &SourceStatus<'_>, source: &Source<'_>, unknown: &mut Vec<String>) -> Result<Stage, Unreadable> {
    let word = wire::required("status.source_type", status.source_type)?;
    let family = Family::of(&word).ok_or_else(|| unreadable("status.source_type", "expected INVOICE or ORDER"))?;
    let id = wire::integer_id("status.source_id", status.source_id)?;
    if (SourceRef { family, id }) != source.name {
        return Err(unreadable("status", "of another source"));
    }
    let word = wire::required("status.status", status.status)?;
    let stage = Stage::of(&word);
    if stage == Stage::Unknown {
        unknown.push(counted("status", &word));
    }
    Ok(stage)
}

pub(super) fn read(text: &str, input: &Input<'_>) -> Result<Translation, Unreadable> {
    let parts: Parts<'_> = wire::object("body", text)?;
    let status = parts.status.ok_or_else(|| unreadable("status", "missing"))?;
    let status: SourceStatus<'_> = wire::object("status", status.get())?;
    let mut source = Source::of(parts.source.ok_or_else(|| unreadable("source", "missing"))?.get())?;
    let mut unknown = Vec::new();
    let stage = stage(&status, &source, &mut unknown)?;
    let asked = wire::money(("status.total_amount", status.total_amount), ("status.currency", status.currency))?;
    let mut translation = Translation { said: source.opened(), ..Translation::default() };
    let Some(label) = source.label.clone() else {
        // Nobody's order: the invoice is told, the payment has no name.
        translation.said.extend(source.closed());
        source.unknown.push("source_without_reference".to_owned());
        unknown.append(&mut source.unknown);
        return Ok(Translation { unknown, ..translation });
    };
    let object = object(COLLECTION, &label);
    let receipt = parts.receipt.map(|part| receipt::Reading::of(part.get(), input)).transpose()?;
    if receipt.as_ref().is_some_and(|receipt| receipt.name != source.name) {
        return Err(unreadable("receipt", "of another source"));
    }
    let (total, amount) = (source.total, source.total.amount);
    let mut watch = Watch::Unsettled;
    let mut money = Said {
        currency: Some(total.currency),
        party: source.party(),
        links: Links { invoice: Some(source.object()), ..Links::default() },
        ..Said::about(
            object.clone(),
            SubjectKind::Payment,
            CollectionPending { amount, fee_bearer: None, invoice_id: None },
        )
    };
    // The receipt may be late: then it is asked for again.
    let settled = receipt.as_ref().map(receipt::Reading::settled).transpose()?.flatten();
    match (stage, settled) {
        (Stage::Processing, _) if amount.is_positive() => translation.said.push(money),
        (Stage::Cancelled, _) => {
            watch = Watch::Ended;
            let reason = CANCELED.to_owned();
            let body = CollectionFailed { amount, is_final: true, reason, fee_bearer: None, invoice_id: None };
            translation.said.push(Said { occurrence: label, body: body.into(), ..money });
        }
        (Stage::Paid, Some(settled)) => {
            watch = Watch::Settled;
            // Three bodies name the total; the receipt's is booked, and must be what was asked.
            let same = settled.total == total && settled.total == asked;
            let (body, currency, wrong) = settled.told();
            money.doubt = wrong.or_else(|| (!same).then_some(DiscrepancyKind::SumsDiffer));
            money.links.invoice = money.links.invoice.filter(|_| currency == total.currency);
            money.occurred_at = receipt.as_ref().and_then(|receipt| receipt.paid_at);
            money.operator_transaction = receipt.as_ref().and_then(|receipt| receipt.operator_transaction.clone());
            translation.said.push(Said { currency: Some(currency), body: body.into(), ..money });
        }
        _ => {}
    }
    translation.said.extend(source.closed());
    translation.watch.push((object, watch));
    if let Some(receipt) = receipt.filter(|_| stage == Stage::Paid) {
        receipt.tell(&mut translation);
    }
    unknown.append(&mut source.unknown);
    unknown.append(&mut translation.unknown);
    Ok(Translation { unknown, ..translation })
}
