//! What an invoice's own words do to its state.

use ensimbi_events::owed::line_total;
use ensimbi_events::{Amount, Body, Fact};

use super::super::state::{Draft, Invoice, InvoiceStage, Item, SubjectState};
use super::{Overflow, add, subtract};

/// Takes a word about the subject itself in; one that is not an invoice's changes nothing.
pub(super) fn own(state: &mut SubjectState, fact: &Fact) -> Result<(), Overflow> {
    match &fact.body {
        Body::InvoiceDrafted(_) => {
            state.stage = Some(InvoiceStage::Draft);
            state.draft = fact.currency.map(|currency| Draft { currency, items: Vec::new() });
        }
        Body::InvoiceItemAdded(body) => item(state, &body.item_id, &body.quantity, body.unit_amount, body.tax)?,
        Body::InvoiceItemChanged(body) => item(state, &body.item_id, &body.quantity, body.unit_amount, body.tax)?,
        Body::InvoiceItemRemoved(body) => {
            if let Some(draft) = &mut state.draft {
                draft.items.retain(|item| item.item_id != body.item_id);
            }
        }
        Body::InvoicePublished(body) => {
            (state.stage, state.draft) = (Some(InvoiceStage::Published), None);
            if let Some(currency) = fact.currency {
                state.invoice = Some(Invoice {
                    currency,
                    total: body.total,
                    tax: body.tax,
                    recognition: body.recognition,
                    outstanding: body.total,
                    tax_allocated: Amount::ZERO,
                });
            }
        }
        Body::InvoiceExpired(_) => state.stage = Some(InvoiceStage::Expired),
        Body::InvoiceCredited(body) => owed(state, body.amount, body.tax)?,
        Body::InvoiceCancelled(body) => {
            (state.stage, state.draft) = (Some(InvoiceStage::Cancelled), None);
            owed(state, body.amount, body.tax)?;
        }
        Body::InvoicePaid(body) if body.offline => {
            owed(state, body.amount, body.tax)?;
            add(&mut state.item, body.amount)?;
        }
        _ => {}
    }
    Ok(())
}

/// Puts an item into the draft, in the place of the one with its id.
fn item(state: &mut SubjectState, id: &str, quantity: &str, unit: Amount, tax: Option<Amount>) -> Result<(), Overflow> {
    let Some(draft) = &mut state.draft else { return Ok(()) };
    // Decided before it was recorded; a log that holds another product is no log of ours.
    let total = line_total(quantity, unit).map_err(|_| Overflow)?;
    let item = Item { item_id: id.to_owned(), total, tax: tax.unwrap_or_default() };
    match draft.items.iter_mut().find(|known| known.item_id == id) {
        Some(known) => *known = item,
        None => draft.items.push(item),
    }
    Ok(())
}

fn owed(state: &mut SubjectState, amount: Amount, tax: Amount) -> Result<(), Overflow> {
    let Some(invoice) = &mut state.invoice else { return Ok(()) };
    subtract(&mut invoice.outstanding, amount)?;
    // Its tax is dealt with: the last allocation takes only the remainder.
    add(&mut invoice.tax_allocated, tax)
}
