//! What people and commands may do to open items and discrepancies.

use std::collections::BTreeMap;

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::event::Line;
use ensimbi_events::word::{Recognition, Side, Verdict};
use ensimbi_events::words::control::DiscrepancyResolved;
use ensimbi_events::words::invoice::{PaymentAllocated, PaymentDeallocated};
use ensimbi_events::{Amount, Body, Claim, EventId, Fact, SubjectId, SubjectKind};

use super::checks;
use super::state::{self, SubjectState};
use super::words::{limit, wrong_state};
use super::{Decider, Refused};
use crate::posting::accounts;

/// Standing allocations of one item that people and commands may make; what follows from money by itself is not bound.
const ALLOCATIONS_MAX: usize = 256;

impl Decider {
    /// An open item goes towards zero and never past it; an invoice is paid no more than it is owed.
    pub(super) fn allocatable(&self, claim: &Claim, body: &PaymentAllocated) -> Result<(), Refused> {
        let kind = state::item_kind(claim.fact.subject_kind);
        // What a dispute holds is the provider's to end.
        let holder = claim.fact.subject_kind != SubjectKind::Dispute;
        if claim.fact.subject != body.item || kind != body.item_kind || !holder {
            return Err(wrong_state("item: an allocation's subject is the holder of its item"));
        }
        let balance = self.state(body.item).map_or(Amount::ZERO, |state| state.item);
        let open = match body.item_side {
            Side::Credit => balance.checked_neg().unwrap_or_default(),
            Side::Debit => balance,
        };
        if !body.amount.is_positive() || body.amount > open {
            return Err(limit("amount: the open item would pass zero"));
        }
        if self.state(body.item).is_some_and(|state| state.allocations.len() >= ALLOCATIONS_MAX) {
            return Err(limit("item: too many allocations of it stand"));
        }
        let tax = body.tax.unwrap_or_default();
        let Some(invoice) = body.invoice_id else {
            let plain = accounts::is_target(&body.account) && tax.is_zero();
            return if plain { Ok(()) } else { Err(wrong_state("account: not one that an item may go to")) };
        };
        if body.item_side != Side::Credit {
            return Err(wrong_state("invoice: only money that came in pays one"));
        }
        let invoice = self.published(invoice)?;
        let (paid, currency) = match body.target_amount {
            Some(money) => (money.amount, Some(money.currency)),
            None => (body.amount, claim.fact.currency),
        };
        if !paid.is_positive() || invoice.outstanding < paid || Some(invoice.currency) != currency {
            return Err(limit("amount: above what the invoice owes"));
        }
        let fits = match invoice.recognition {
            Recognition::OnPublish => body.account == accounts::RECEIVABLE && tax.is_zero(),
            Recognition::OnPayment => {
                let inside = !tax.is_negative() && tax <= body.amount && tax <= invoice.tax_left();
                accounts::is_target(&body.account) && inside
            }
        };
        if fits { Ok(()) } else { Err(wrong_state("account: not the invoice's side")) }
    }

    /// No more is undone than stands, and on the accounts where it stands.
    pub(super) fn deallocatable(&self, claim: &Claim, body: &PaymentDeallocated) -> Result<(), Refused> {
        let standing = self.state(body.item).into_iter().flat_map(|state| &state.allocations);
        let standing = standing.into_iter().find(|allocation| allocation.event_id == body.allocation);
        let standing = standing.ok_or_else(|| limit("allocation: less than that stands"))?;
        let kind = state::item_kind(claim.fact.subject_kind);
        let same = claim.fact.subject == body.item
            && body.item_kind == kind
            && body.item_side == standing.side
            && body.account == standing.account
            && body.invoice_id == standing.invoice;
        if !same {
            return Err(wrong_state("allocation: it stands on another item, account or invoice"));
        }
        let tax = body.tax.unwrap_or_default();
        if !body.amount.is_positive() || standing.amount < body.amount || tax.is_negative() || standing.tax < tax {
            return Err(limit("allocation: less than that stands"));
        }
        // A part of a converted allocation has no exact counterpart.
        if standing.money != body.target_amount || (standing.money.is_some() && standing.amount != body.amount) {
            return Err(wrong_state("allocation: a converted one is undone whole"));
        }
        Ok(())
    }

    /// A correction brings an open item nearer to zero or further from it, and never past it: what was allocated or paid
    /// out of it since stays covered. What stands in suspense, and what an invoice owes beyond its sum, is a person's.
    pub(super) fn correctable(&self, lines: &[Line]) -> Result<(), Refused> {
        self.adjustable(lines)?;
        self.within_items(lines)
    }

    /// The rule itself, of any lines that were written rather than derived.
    pub(super) fn within_items(&self, lines: &[Line]) -> Result<(), Refused> {
        let items = lines.iter().filter(|line| line.account != accounts::RECEIVABLE);
        let mut changes: BTreeMap<(SubjectId, bool), Amount> = BTreeMap::new();
        for line in items.filter(|line| accounts::has_open_items(&line.account)) {
            if line.account.starts_with(accounts::SUSPENSE) {
                return Err(wrong_state("lines: what stands in suspense is moved by a verdict on its discrepancy"));
            }
            let item = line.open_item.ok_or_else(|| wrong_state("lines: the open item is missing"))?;
            let change = changes.entry((item, line.account.starts_with("assets:"))).or_default();
            *change = change.checked_add(line.amount).ok_or_else(|| limit("lines: beyond the ledger's range"))?;
        }
        for ((item, debit), change) in changes {
            let open = self.state(item).map_or(Amount::ZERO, |state| state.item);
            let after = open.checked_add(change).ok_or_else(|| limit("lines: beyond the ledger's range"))?;
            let past = if debit { after.is_negative() } else { after.is_positive() };
            if past {
                return Err(limit("lines: the open item would pass zero; what was done with it since comes first"));
            }
        }
        Ok(())
    }

    /// A person's verdict. What is accepted has the consequences it would have had when it was said.
    pub(super) fn resolve(&mut self, claim: &Claim, body: &DiscrepancyResolved) -> Result<(), Refused> {
        let state = self.state(claim.fact.subject);
        let open = state.into_iter().flat_map(|state| state.doubts.iter().map(move |doubt| (state, doubt)));
        let open = open.into_iter().find(|(_, doubt)| doubt.event_id == body.discrepancy);
        let (state, doubt) = open.ok_or_else(|| wrong_state("discrepancy: not open on this subject"))?;
        let movement = doubt.kind == DiscrepancyKind::UnexplainedMovement;
        if movement != (body.verdict == Verdict::Move) && (!movement || !state.suspense.is_zero()) {
            return Err(wrong_state("verdict: what stands in suspense is moved, and nothing else is"));
        }
        let target = body.target.as_deref();
        if body.verdict == Verdict::Move && !target.is_some_and(accounts::is_target) {
            return Err(wrong_state("target: not an account that a movement may go to"));
        }
        let accepted = (body.verdict == Verdict::Accept && doubt.holds).then_some(doubt.about).flatten();
        let accepted = state.withheld.iter().find(|(id, _)| Some(*id) == accepted).map(|(_, fact)| fact.clone());
        self.plain(claim)?;
        match accepted {
            Some(fact) => self.follow(&Claim { fact, ..claim.clone() }, true),
            None => Ok(()),
        }
    }

    /// A reversal that came before its original was withheld; once the original stands, it counts. So every order of one
    /// lifecycle's messages ends in the same books.
    pub(super) fn release_reversals(&mut self, claim: &Claim) -> Result<(), Refused> {
        self.release(claim, claim.fact.subject, |fact| is_reversal(&fact.body))
    }

    /// The same for refunds and disputes that came before their payment; they have lives of their own.
    pub(super) fn release_waiting(&mut self, claim: &Claim) -> Result<(), Refused> {
        let payment = claim.fact.subject;
        let waiting = self.state(payment).map(|state| state.waiting.clone()).unwrap_or_default();
        for subject in waiting {
            self.release(claim, subject, |fact| state::other_subjects(fact).contains(&payment))?;
        }
        Ok(())
    }

    /// Accepts what was withheld for want of its original, where nothing else stands against it.
    fn release(&mut self, claim: &Claim, subject: SubjectId, counts: impl Fn(&Fact) -> bool) -> Result<(), Refused> {
        let Some(state) = self.state(subject) else { return Ok(()) };
        let unknown = state.doubts.iter().filter(|doubt| doubt.holds && doubt.kind == DiscrepancyKind::UnknownOriginal);
        let waiting: Vec<_> = unknown
            .filter_map(|doubt| {
                let (_, fact) = state.withheld.iter().find(|(id, _)| Some(*id) == doubt.about)?;
                counts(fact).then(|| (doubt.event_id, fact.clone()))
            })
            .collect();
        let cause = claim.fact.event_id(self.book);
        for (discrepancy, fact) in waiting {
            let none = SubjectState::default();
            let own = self.state(subject).unwrap_or(&none);
            let original = state::other_subjects(&fact).first().and_then(|id| self.state(*id));
            if checks::doubt(&fact, &self.known().config, own, original).is_some() {
                continue;
            }
            let told = Claim { fact, ..claim.clone() };
            self.verdict(&told, cause, discrepancy, Verdict::Accept, None, "its original is recorded now")?;
            self.follow(&told, true)?;
        }
        Ok(())
    }

    /// A verdict that follows from a rule, so that nobody need give it.
    pub(super) fn verdict(
        &mut self,
        claim: &Claim,
        cause: EventId,
        discrepancy: EventId,
        verdict: Verdict,
        target: Option<String>,
        reason: &str,
    ) -> Result<(), Refused> {
        let (actor_id, reason) = ("ledger".to_owned(), reason.to_owned());
        let body = DiscrepancyResolved { discrepancy, verdict, actor_id, reason, target };
        let made = self.made_fact(&claim.fact, format!("{cause}:{discrepancy}"), body.into());
        self.record_made(claim, cause, made, false).map(drop)
    }
}

/// Reversals that wait for their original.
pub(super) const fn is_reversal(body: &Body) -> bool {
    matches!(
        body,
        Body::CollectionReversed(_)
            | Body::PayoutReversed(_)
            | Body::WithdrawalReversed(_)
            | Body::RefundReversed(_)
            | Body::ChargebackClosed(_)
    )
}
