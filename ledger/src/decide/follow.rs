//! What follows an event in the same commit (`bookkeeping.md` section 3): allocations of what came in, deallocations
//! of what went back. Nothing is guessed: what has no purpose stays open.

use ensimbi_events::codes::Refusal;
use ensimbi_events::owed::{exponent, part_of};
use ensimbi_events::word::{ItemKind, Recognition, Side};
use ensimbi_events::words::invoice::{PaymentAllocated, PaymentDeallocated};
use ensimbi_events::{Amount, Body, Claim, EventId, Fact, SubjectId, SubjectKind};

use super::state::{Allocation, Invoice};
use super::{Decider, Refused};
use crate::posting::accounts;

impl Decider {
    /// A collection: the invoice it is for, up to what is outstanding; else the account that policy names.
    pub(super) fn after_success(&mut self, claim: &Claim, posted: bool) -> Result<(), Refused> {
        if !posted {
            return Ok(());
        }
        let subject = claim.fact.subject;
        let Some(state) = self.state(subject) else { return Ok(()) };
        let named = match &claim.fact.body {
            Body::CollectionSucceeded(body) => body.invoice_id,
            _ => None,
        };
        let invoice_id = named.or_else(|| state.asked.as_ref().and_then(|asked| asked.invoice));
        let open = opposite(state.item)?;
        let cause = claim.fact.event_id(self.book);
        let invoice = invoice_id.and_then(|id| Some((id, self.state(id)?.invoice.clone()?)));
        if invoice.is_none() && invoice_id.is_some() {
            // Meant for an invoice that is not published: it stays open rather than becoming income.
            return Ok(());
        }
        if let Some((id, invoice)) = invoice {
            if Some(invoice.currency) != claim.fact.currency {
                return Ok(());
            }
            let amount = open.min(invoice.outstanding);
            let (account, tax) = match invoice.recognition {
                Recognition::OnPublish => (accounts::RECEIVABLE, None),
                Recognition::OnPayment => (accounts::SALES, Some(tax_part(&invoice, amount)?)),
            };
            let target = Target { account: account.to_owned(), invoice: Some(id), tax, policy: None };
            return self.allocate(claim, cause, subject, amount, Side::Credit, target);
        }
        let Some(account) = self.known().config.policy("allocate.collection").map(str::to_owned) else { return Ok(()) };
        let target = Target { account, invoice: None, tax: None, policy: Some("allocate.collection") };
        self.allocate(claim, cause, subject, open, Side::Credit, target)
    }

    /// A payout, withdrawal or top-up: the account that policy names.
    pub(super) fn after_outflow(&mut self, claim: &Claim, posted: bool) -> Result<(), Refused> {
        let key = if claim.fact.subject_kind == SubjectKind::Payout { "allocate.payout" } else { "allocate.bank" };
        let account = self.known().config.policy(key).map(str::to_owned);
        let (true, Some(account)) = (posted, account) else { return Ok(()) };
        let item = self.state(claim.fact.subject).map_or(Amount::ZERO, |state| state.item);
        let (amount, side) = if item.is_negative() { (opposite(item)?, Side::Credit) } else { (item, Side::Debit) };
        let cause = claim.fact.event_id(self.book);
        let target = Target { account, invoice: None, tax: None, policy: Some(key) };
        self.allocate(claim, cause, claim.fact.subject, amount, side, target)
    }

    /// A refund or lost dispute: first the payment's open part, the rest to its account.
    pub(super) fn after_taking(
        &mut self,
        claim: &Claim,
        payment: SubjectId,
        posted: bool,
        key: &'static str,
        default: &str,
    ) -> Result<(), Refused> {
        let config = &self.known().config;
        let account = match config.policies.get(key).map(String::as_str) {
            Some("none") => return Ok(()),
            Some(account) => account.to_owned(),
            None => default.to_owned(),
        };
        let item = self.state(payment).map_or(Amount::ZERO, |state| state.item);
        if !posted || !item.is_positive() {
            return Ok(());
        }
        let cause = claim.fact.event_id(self.book);
        let target = Target { account, invoice: None, tax: None, policy: Some(key) };
        self.allocate(claim, cause, payment, item, Side::Debit, target)
    }

    /// A reversal: allocations are undone, newest first, until the item is whole again. `own`: the policy whose account is
    /// undone before others, with the account it has by default; a refund that bounced was no dispute.
    pub(super) fn after_reversal(
        &mut self,
        claim: &Claim,
        holder: SubjectId,
        posted: bool,
        own: Option<(&'static str, &'static str)>,
    ) -> Result<(), Refused> {
        let none = self.known().config.policies.get("allocate.reversal").is_some_and(|value| value == "none");
        if !posted || none {
            return Ok(());
        }
        let cause = claim.fact.event_id(self.book);
        let Some(state) = self.state(holder) else { return Ok(()) };
        let side = if state.item.is_positive() { Side::Credit } else { Side::Debit };
        let mut rest = if state.item.is_positive() { state.item } else { opposite(state.item)? };
        let mut candidates: Vec<Allocation> =
            state.allocations.iter().rev().filter(|allocation| allocation.side == side).cloned().collect();
        if let Some((key, default)) = own {
            let account = self.known().config.policies.get(key).map_or(default, String::as_str);
            candidates.sort_by_key(|allocation| allocation.account != account);
        }
        for allocation in candidates {
            if rest.is_zero() {
                break;
            }
            let amount = rest.min(allocation.amount);
            // A part of a converted allocation has no exact counterpart: it stays for a person.
            if allocation.money.is_some() && amount != allocation.amount {
                break;
            }
            rest = rest.checked_sub(amount).ok_or_else(beyond)?;
            self.deallocate(claim, cause, holder, &allocation, amount)?;
        }
        Ok(())
    }

    fn allocate(
        &mut self,
        claim: &Claim,
        cause: EventId,
        item: SubjectId,
        amount: Amount,
        side: Side,
        target: Target,
    ) -> Result<(), Refused> {
        if !amount.is_positive() {
            return Ok(());
        }
        let body = PaymentAllocated {
            item,
            item_kind: item_kind(claim),
            item_side: side,
            amount,
            account: target.account,
            invoice_id: target.invoice,
            target_amount: None,
            tax: target.tax.filter(|tax| !tax.is_zero()),
            policy: target.policy.map(str::to_owned),
        };
        let fact = self.follow_fact(claim, item, cause.to_string(), body.into());
        self.record_made(claim, cause, fact, false).map(drop)
    }

    fn deallocate(
        &mut self,
        claim: &Claim,
        cause: EventId,
        item: SubjectId,
        allocation: &Allocation,
        amount: Amount,
    ) -> Result<(), Refused> {
        let whole = amount == allocation.amount;
        let digits = claim.fact.currency.map_or(0, exponent);
        let tax = if whole {
            allocation.tax
        } else {
            part_of(allocation.tax, amount, allocation.amount, digits).ok_or_else(beyond)?
        };
        let body = PaymentDeallocated {
            allocation: allocation.event_id,
            item,
            item_kind: item_kind(claim),
            item_side: allocation.side,
            amount,
            account: allocation.account.clone(),
            invoice_id: allocation.invoice,
            target_amount: allocation.money,
            tax: (!tax.is_zero()).then_some(tax),
        };
        let occurrence = format!("{cause}:{}", allocation.event_id);
        let fact = self.follow_fact(claim, item, occurrence, body.into());
        self.record_made(claim, cause, fact, false).map(drop)
    }

    /// A fact on the holder of the open item, which is the payment even where a refund caused it.
    fn follow_fact(&self, claim: &Claim, item: SubjectId, occurrence: String, body: Body) -> Fact {
        let subject_kind = match item_kind(claim) {
            ItemKind::Payment => SubjectKind::Payment,
            _ => claim.fact.subject_kind,
        };
        Fact { subject: item, subject_kind, ..self.made_fact(&claim.fact, occurrence, body) }
    }
}

struct Target {
    account: String,
    invoice: Option<SubjectId>,
    tax: Option<Amount>,
    policy: Option<&'static str>,
}

const fn item_kind(claim: &Claim) -> ItemKind {
    super::state::item_kind(claim.fact.subject_kind)
}

fn beyond() -> Refused {
    Refused::new(Refusal::BadAmounts, "an amount is beyond the ledger's range")
}

fn opposite(amount: Amount) -> Result<Amount, Refused> {
    amount.checked_neg().ok_or_else(beyond)
}

/// The tax inside a part payment: half up at the display exponent; the last part takes the remainder.
fn tax_part(invoice: &Invoice, amount: Amount) -> Result<Amount, Refused> {
    // Where credits took less tax than their share, the rest may be more than the part: tax is never above its amount.
    if amount == invoice.outstanding {
        return Ok(invoice.tax_left().min(amount));
    }
    let part = part_of(invoice.tax, amount, invoice.total, exponent(invoice.currency)).ok_or_else(beyond)?;
    Ok(part.min(invoice.tax_left()))
}
