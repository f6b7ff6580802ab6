//! The life of an invoice: draft -> published -> paid by allocations, expired, credited or cancelled.
//!
//! Our own invoice (without a connection) is drafted first; a provider's may come published at once. Items change only in
//! a draft, at most [`ITEMS_MAX`], and where there are any, the published total is their exact sum. Nothing is rounded: a
//! product that is finer than the ledger's scale is refused when its item is added. Expiry and cancellation take nothing
//! from a later payment: what is owed decides what can be allocated, whatever the stage.

use ensimbi_events::codes::Refusal;
use ensimbi_events::owed::{self, LineError};
use ensimbi_events::word::Recognition;
use ensimbi_events::words::invoice::{InvoiceCancelled, InvoicePublished};
use ensimbi_events::{Amount, Body, Claim, SubjectId, SubjectKind};
use jiff::civil::Date;

use super::state::{Draft, ITEMS_MAX, Invoice, InvoiceStage};
use super::words::{limit, wrong_state};
use super::{Decider, Refused};
use crate::posting::accounts;

/// Longest item id, in characters.
const ITEM_ID_MAX: usize = 64;

impl Decider {
    /// Any word about an invoice.
    pub(super) fn invoice(&mut self, claim: &Claim) -> Result<(), Refused> {
        if claim.fact.subject_kind != SubjectKind::Invoice {
            return Err(malformed("subject_kind: an invoice's own"));
        }
        match &claim.fact.body {
            Body::InvoiceDrafted(_) => self.may_begin(claim)?,
            Body::InvoiceItemAdded(body) => {
                let item = Line { id: &body.item_id, quantity: &body.quantity, unit: body.unit_amount, tax: body.tax };
                self.item_fits(claim, &item, true)?;
            }
            Body::InvoiceItemChanged(body) => {
                let item = Line { id: &body.item_id, quantity: &body.quantity, unit: body.unit_amount, tax: body.tax };
                self.item_fits(claim, &item, false)?;
            }
            Body::InvoiceItemRemoved(body) => {
                let draft = self.draft(claim)?;
                if !draft.items.iter().any(|item| item.item_id == body.item_id) {
                    return Err(Refused::new(Refusal::UnknownSubject, "item_id: not in the draft"));
                }
            }
            Body::InvoicePublished(body) => self.publishable(claim, body)?,
            Body::InvoiceExpired(_) => self.may_expire(claim)?,
            Body::InvoicePaymentStarted(_) => {
                self.published(claim.fact.subject)?;
            }
            Body::InvoiceCredited(body) => self.lowers(claim, body.amount, body.tax, body.recognition)?,
            Body::InvoiceCancelled(body) => self.may_cancel(claim, body)?,
            Body::InvoicePaid(body) if body.offline => {
                self.lowers(claim, body.amount, body.tax, body.recognition)?;
            }
            _ => {}
        }
        self.plain(claim)
    }

    fn stage(&self, claim: &Claim) -> Option<InvoiceStage> {
        self.state(claim.fact.subject).and_then(|state| state.stage)
    }

    fn may_begin(&self, claim: &Claim) -> Result<(), Refused> {
        if claim.fact.currency.is_none() {
            return Err(malformed("currency: missing"));
        }
        match self.stage(claim) {
            None => Ok(()),
            Some(_) => Err(wrong_state("invoice_id: begun already")),
        }
    }

    /// The draft that a claim changes, in the draft's currency.
    fn draft(&self, claim: &Claim) -> Result<&Draft, Refused> {
        let state = self.state(claim.fact.subject);
        let Some(draft) = state.and_then(|state| state.draft.as_ref()) else {
            return Err(match self.stage(claim) {
                None => Refused::new(Refusal::UnknownSubject, "invoice_id: not drafted"),
                Some(_) => wrong_state("invoice_id: no draft any more"),
            });
        };
        if claim.fact.currency.is_some_and(|currency| currency != draft.currency) {
            return Err(wrong_state("currency: not the draft's"));
        }
        Ok(draft)
    }

    fn item_fits(&self, claim: &Claim, item: &Line<'_>, new: bool) -> Result<(), Refused> {
        let draft = self.draft(claim)?;
        if claim.fact.currency.is_none() {
            return Err(malformed("currency: missing"));
        }
        let known = draft.items.iter().find(|known| known.item_id == item.id);
        match known {
            Some(_) if new => return Err(wrong_state("item_id: in the draft already")),
            None if !new => return Err(Refused::new(Refusal::UnknownSubject, "item_id: not in the draft")),
            None if draft.items.len() >= ITEMS_MAX => return Err(limit("items: at most 200")),
            _ => {}
        }
        if !(1..=ITEM_ID_MAX).contains(&item.id.chars().count()) {
            return Err(malformed("item_id: 1 to 64 characters"));
        }
        if item.unit.is_negative() {
            return Err(malformed("unit_amount: below zero"));
        }
        let total = line_total(item.quantity, item.unit)?;
        let tax = item.tax.unwrap_or_default();
        if tax.is_negative() || tax > total {
            return Err(limit(&format!("tax: not inside the item's {total}")));
        }
        let others = draft.items.iter().filter(|other| other.item_id != item.id).map(|other| other.total);
        match Amount::checked_sum(others.chain([total])) {
            Some(_) => Ok(()),
            None => Err(limit("unit_amount: the items' sum is beyond the ledger's range")),
        }
    }

    fn publishable(&self, claim: &Claim, body: &InvoicePublished) -> Result<(), Refused> {
        let Some(currency) = claim.fact.currency else { return Err(malformed("currency: missing")) };
        match self.stage(claim) {
            Some(InvoiceStage::Draft) => {}
            // A provider's invoice has a connection; ours is drafted first.
            None if claim.fact.connection.is_some() || claim.evidence.is_some() => {}
            None => return Err(wrong_state("invoice_id: an invoice of our own is drafted first")),
            Some(InvoiceStage::Cancelled) => return Err(wrong_state("invoice_id: cancelled")),
            Some(InvoiceStage::Published | InvoiceStage::Expired) => {
                return Err(wrong_state("invoice_id: published already"));
            }
        }
        if body.due.as_deref().is_some_and(|due| !is_date(due)) {
            return Err(malformed("due: a date such as 2026-06-03"));
        }
        let draft = self.state(claim.fact.subject).and_then(|state| state.draft.as_ref());
        if draft.is_some_and(|draft| draft.currency != currency) {
            return Err(wrong_state("currency: not the draft's"));
        }
        if let Some(items) = draft.map(|draft| &draft.items).filter(|items| !items.is_empty()) {
            // Each step of the draft kept the sum in range.
            let total = Amount::checked_sum(items.iter().map(|item| item.total)).unwrap_or_default();
            let tax = Amount::checked_sum(items.iter().map(|item| item.tax)).unwrap_or_default();
            if body.total != total {
                return Err(limit(&format!("total: the items come to {total}")));
            }
            if body.tax != tax {
                return Err(limit(&format!("tax: the items' tax comes to {tax}")));
            }
        }
        let fits = body.total.is_positive() && !body.tax.is_negative() && body.tax <= body.total;
        if fits { Ok(()) } else { Err(limit("total: positive, with its tax inside")) }
    }

    /// Time runs out only for what is still owed; a late payment is allocated all the same.
    fn may_expire(&self, claim: &Claim) -> Result<(), Refused> {
        let invoice = self.published(claim.fact.subject)?;
        match self.stage(claim) {
            Some(InvoiceStage::Published) if invoice.outstanding.is_positive() => Ok(()),
            Some(InvoiceStage::Published) => Err(wrong_state("invoice_id: nothing is outstanding")),
            _ => Err(wrong_state("invoice_id: expired or cancelled already")),
        }
    }

    /// A draft owes nothing, so its cancellation has no lines; a published invoice is called off as far as it is owed.
    fn may_cancel(&self, claim: &Claim, body: &InvoiceCancelled) -> Result<(), Refused> {
        if self.stage(claim) == Some(InvoiceStage::Draft) {
            let nothing = body.amount.is_zero() && body.tax.is_zero();
            let asked = "amount: nothing is owed on a draft; it is cancelled with amount and tax 0";
            return if nothing { Ok(()) } else { Err(limit(asked)) };
        }
        self.lowers(claim, body.amount, body.tax, body.recognition)?;
        let outstanding = self.published(claim.fact.subject)?.outstanding;
        if body.amount != outstanding {
            return Err(limit(&format!("amount: a cancellation takes all that is outstanding, {outstanding}")));
        }
        Ok(())
    }

    /// An invoice is lowered by no more than is owed, in the way it was published.
    fn lowers(&self, claim: &Claim, amount: Amount, tax: Amount, when: Recognition) -> Result<(), Refused> {
        let invoice = self.published(claim.fact.subject)?;
        let outstanding = invoice.outstanding;
        if !outstanding.is_positive() {
            return Err(wrong_state("invoice_id: nothing is outstanding"));
        }
        if amount > outstanding || !amount.is_positive() {
            return Err(limit(&format!("amount: above zero and at most what is outstanding, {outstanding}")));
        }
        if tax.is_negative() || tax > amount || tax > invoice.tax_left() {
            return Err(limit("tax: not inside the amount, or more than the invoice has left"));
        }
        if when != invoice.recognition {
            return Err(wrong_state("recognition: not as published"));
        }
        if claim.fact.currency != Some(invoice.currency) {
            return Err(wrong_state("currency: not the invoice's"));
        }
        Ok(())
    }

    /// Lines that a person writes on receivables settle what a published invoice owes, never past zero.
    pub(super) fn adjustable(&self, lines: &[ensimbi_events::event::Line]) -> Result<(), Refused> {
        for line in lines.iter().filter(|line| line.account == accounts::RECEIVABLE) {
            let Some(id) = line.open_item else { continue };
            let invoice = self.published(id)?;
            if invoice.recognition == Recognition::OnPayment || invoice.currency != line.currency {
                return Err(wrong_state("lines: the invoice has no receivable in that currency"));
            }
            let its = lines.iter().filter(|line| line.account == accounts::RECEIVABLE && line.open_item == Some(id));
            let sum = Amount::checked_sum(its.map(|line| line.amount));
            let after = sum.and_then(|sum| invoice.outstanding.checked_add(sum));
            if after.is_none_or(Amount::is_negative) {
                return Err(limit(&format!("lines: beyond what is outstanding, {}", invoice.outstanding)));
            }
        }
        Ok(())
    }

    /// A published invoice, whatever became of it since.
    pub(super) fn published(&self, id: SubjectId) -> Result<&Invoice, Refused> {
        let state = self.state(id);
        match state.and_then(|state| state.invoice.as_ref()) {
            Some(invoice) => Ok(invoice),
            None if state.is_some_and(|state| state.stage.is_some()) => {
                Err(wrong_state("invoice_id: a draft, or cancelled as one"))
            }
            None => Err(Refused::new(Refusal::UnknownSubject, "invoice_id: not published")),
        }
    }
}

struct Line<'a> {
    id: &'a str,
    quantity: &'a str,
    unit: Amount,
    tax: Option<Amount>,
}

fn malformed(detail: &str) -> Refused {
    Refused::new(Refusal::Malformed, detail)
}

/// A calendar date in its one form.
fn is_date(text: &str) -> bool {
    text.parse::<Date>().is_ok_and(|date| date.to_string() == text)
}

/// quantity x unit amount, exact.
///
/// # Errors
/// `malformed` for what is no quantity, `limit_exceeded` for a product that does not fit scale 4 or the range.
fn line_total(quantity: &str, unit: Amount) -> Result<Amount, Refused> {
    owed::line_total(quantity, unit).map_err(|why| match why {
        LineError::Quantity => malformed(&format!("quantity: {why}")),
        LineError::TooFine | LineError::TooLarge => limit(&format!("quantity: {why}")),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_quantity_times_a_unit_amount_is_exact_or_refused() {
        let total = |quantity: &str, unit: &str| line_total(quantity, unit.parse().unwrap());
        for (quantity, unit, product) in [
            ("1", "0", "0"),
            ("3", "700", "2100"),
            ("0.5", "0.0002", "0.0001"),
            ("2.5", "1.1", "2.75"),
            ("99999999.9999", "100", "9999999999.99"),
            ("1.0000", "922337203685477.5807", "922337203685477.5807"),
        ] {
            assert_eq!(total(quantity, unit).unwrap().to_string(), product, "{quantity} x {unit}");
        }
        for quantity in
            ["", "0", "-1", "-0", "1e3", "01", ".5", "1.", "1.00000", "1234567890123", "123456789.1234", " 1"]
        {
            assert_eq!(total(quantity, "1").unwrap_err().code, Refusal::Malformed, "{quantity:?}");
        }
        for (quantity, unit) in [("0.0001", "0.5"), ("0.3333", "0.01"), ("999999999999", "922337203685")] {
            let refused = total(quantity, unit).unwrap_err();
            assert_eq!(refused.code, Refusal::LimitExceeded, "{quantity} x {unit}");
            assert!(refused.detail.starts_with("quantity: "));
        }
    }
}
