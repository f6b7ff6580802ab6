//! The fold: a subject's state from that subject's own events, and nothing else.
//!
//! [`fold`] looks only at the state and the event, never at another subject or a clock, so `verify` can redo the states
//! in any number of passes.

mod invoices;

use std::collections::BTreeSet;

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::event::Lines;
use ensimbi_events::word::{Direction, Fee, FeesMode, Side, Verdict};
use ensimbi_events::words::control::DiscrepancyRaised;
use ensimbi_events::words::wallet::BalanceReported;
use ensimbi_events::{Amount, Body, Event, EventId, Fact, NoLines, SubjectId};

use super::state::*;
use super::{Sealed, WalletBalance, fees};
use crate::posting::accounts;

/// A sum left the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a subject's sums are beyond the ledger's range")]
pub struct Overflow;

/// Which subjects a fact names beside its own.
pub fn other_subjects(fact: &Fact) -> Vec<SubjectId> {
    match &fact.body {
        Body::PaymentAllocated(body) => [Some(body.item), body.invoice_id].into_iter().flatten().collect(),
        Body::PaymentDeallocated(body) => [Some(body.item), body.invoice_id].into_iter().flatten().collect(),
        Body::RefundSucceeded(body) => vec![body.payment_id],
        Body::RefundReversed(body) => vec![body.payment_id],
        Body::ChargebackOpened(body) => vec![body.payment_id],
        Body::ChargebackClosed(body) => vec![body.payment_id],
        Body::AdjustmentPosted(body) => open_items(&body.lines).collect(),
        Body::CorrectionPosted(body) => open_items(&body.lines).collect(),
        _ => Vec::new(),
    }
}

/// All subjects whose states an event changes.
pub fn touched(event: &Event) -> BTreeSet<SubjectId> {
    let mut subjects: BTreeSet<SubjectId> = other_subjects(&event.fact).into_iter().collect();
    subjects.insert(event.fact.subject);
    // An accepted refund or dispute stands on its payment's item; the fact that names it was withheld earlier.
    if matches!(event.fact.body, Body::DiscrepancyResolved(_)) {
        subjects.extend(open_items(&event.record.lines));
    }
    subjects
}

fn open_items(lines: &Lines) -> impl Iterator<Item = SubjectId> {
    lines.0.iter().filter_map(|line| line.open_item)
}

/// What the book had on the fact's wallet before an event; only a reported balance looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Spendable.
    pub posted: Amount,
    /// Withheld by the provider.
    pub held: Amount,
}

impl From<&WalletBalance> for Standing {
    fn from(balance: &WalletBalance) -> Self {
        Self { posted: balance.posted, held: balance.held }
    }
}

/// Takes one event into the state of `subject`, which it concerns; `before` is what its wallet had.
///
/// # Errors
/// [`Overflow`]; the event must then not be recorded.
pub fn fold(subject: SubjectId, state: &mut SubjectState, sealed: &Sealed, before: Standing) -> Result<(), Overflow> {
    let event = &sealed.event;
    let fact = &event.fact;
    if fact.subject == subject {
        state.kind.get_or_insert(fact.subject_kind);
        remember(state, sealed);
        if event.record.no_lines == Some(NoLines::Withheld) {
            state.withheld.push((event.record.event_id, fact.clone()));
            if matches!(fact.body, Body::CollectionSucceeded(_) | Body::PayoutSucceeded(_)) {
                state.phase = state.phase.max(Phase::Withheld);
            }
            if matches!(fact.body, Body::PayoutReversed(_) | Body::WithdrawalReversed(_)) {
                ended(state, fact);
            }
            return Ok(());
        }
        if let Body::BalanceReported(body) = &fact.body {
            reported(state, body, before)?;
        }
        own(subject, state, event)?;
    }
    cross(subject, state, event)
}

fn remember(state: &mut SubjectState, sealed: &Sealed) {
    let event = &sealed.event;
    // What a later claim brought about is no part of the answer to the first one.
    let later = match &event.fact.body {
        Body::EvidenceAdded(_) => true,
        Body::DiscrepancyRaised(body) => body.other_fact.is_some(),
        _ => false,
    };
    if let Body::EvidenceAdded(body) = &event.fact.body
        && let Some(seen) = state.seen.iter_mut().find(|seen| seen.event_id == body.event_id)
    {
        seen.class = Some(body.class);
    }
    if state.seen.len() == SEEN_MAX {
        state.seen.remove(0);
    }
    state.seen.push(Seen {
        event_id: event.record.event_id,
        position: event.record.position,
        leaf_hash: sealed.leaf_hash,
        fact_hash: sealed.fact_hash,
        class: event.context.evidence.iter().map(|proof| proof.class).min_by_key(|class| rank(*class)),
        cause: event.record.cause.filter(|_| !later),
        but_fees: fees::but_fees(&event.fact),
    });
}
fn add(to: &mut Amount, amount: Amount) -> Result<(), Overflow> {
    *to = to.checked_add(amount).ok_or(Overflow)?;
    Ok(())
}

fn subtract(from: &mut Amount, amount: Amount) -> Result<(), Overflow> {
    *from = from.checked_sub(amount).ok_or(Overflow)?;
    Ok(())
}

/// Effects on the event's own subject.
fn own(subject: SubjectId, state: &mut SubjectState, event: &Event) -> Result<(), Overflow> {
    let fact = &event.fact;
    // Before the opening a subject's life is known, but none of its money is in the accounts.
    let posted = event.record.no_lines != Some(NoLines::BeforeOpening);
    match &fact.body {
        Body::CollectionRequested(body) => asked(state, event, body.amount, body.invoice_id),
        Body::PayoutRequested(body) => reserve(state, event, body.attempt, body.amount, body.reserve),
        Body::WithdrawalRequested(body) => reserve(state, event, body.attempt, body.amount, body.reserve),
        Body::RefundRequested(body) => reserve(state, event, body.attempt, body.amount, body.reserve),
        Body::CollectionAuthorised(body) => {
            state.phase = state.phase.max(Phase::Pending);
            state.authorised = Some(body.amount);
        }
        Body::CollectionPending(_) | Body::PayoutPending(_) => state.phase = state.phase.max(Phase::Pending),
        Body::CollectionFailed(body) => failed(state, body.is_final, None),
        Body::CollectionVoided(_) => failed(state, true, None),
        Body::PayoutFailed(body) => {
            failed(state, body.is_final, Some(body.attempt));
            if body.is_final {
                ended(state, fact);
            }
        }
        Body::WithdrawalFailed(body) => {
            failed(state, body.is_final, Some(body.attempt));
            if body.is_final {
                ended(state, fact);
            }
        }
        Body::RefundFailed(body) => {
            failed(state, body.is_final, Some(body.attempt));
            if body.is_final {
                ended(state, fact);
            }
        }
        Body::CollectionSucceeded(body) => {
            succeeded(state, fact, body.gross)?;
            if posted {
                subtract(&mut state.item, body.gross)?;
                state.unitemised.extend(unitemised(&body.fees));
            }
        }
        Body::CollectionReversed(body) => {
            add(&mut state.taken_back, body.amount)?;
            add(&mut state.item, body.amount)?;
        }
        Body::PayoutSucceeded(body) => {
            succeeded(state, fact, body.amount)?;
            end_reservation(state, body.attempt);
            if posted {
                add(&mut state.item, body.amount)?;
            }
        }
        Body::WithdrawalSucceeded(body) => {
            succeeded(state, fact, body.amount)?;
            end_reservation(state, body.attempt);
            if posted {
                add(&mut state.item, body.amount)?;
            }
        }
        Body::PayoutReversed(body) => {
            add(&mut state.taken_back, body.amount)?;
            subtract(&mut state.item, body.amount)?;
        }
        Body::WithdrawalReversed(body) => {
            add(&mut state.taken_back, body.amount)?;
            subtract(&mut state.item, body.amount)?;
        }
        Body::RefundSucceeded(body) => {
            succeeded(state, fact, body.amount)?;
            end_reservation(state, body.attempt);
        }
        Body::RefundReversed(body) => add(&mut state.taken_back, body.amount)?,
        Body::ChargebackOpened(body) => {
            succeeded(state, fact, body.debited)?;
            if posted {
                add(&mut state.item, body.debited)?;
            }
        }
        Body::ChargebackClosed(body) if posted => {
            let ended = body.won.checked_add(body.lost).ok_or(Overflow)?;
            add(&mut state.item, body.debited_now)?;
            subtract(&mut state.item, ended)?;
        }
        Body::WalletFunded(body) => {
            succeeded(state, fact, body.amount)?;
            if posted {
                subtract(&mut state.item, body.amount)?;
            }
        }
        Body::WalletMovementReported(body) => {
            succeeded(state, fact, body.amount)?;
            if posted {
                match body.direction {
                    Direction::In => subtract(&mut state.suspense, body.amount)?,
                    Direction::Out => add(&mut state.suspense, body.amount)?,
                }
            }
        }
        Body::FeesReported(body) if posted && body.mode == FeesMode::Itemise => {
            state.unitemised = unitemised(&body.fees)
        }
        Body::FeeCharged(_) | Body::FeeReturned(_) if fact.object_kind.as_deref() == Some(ROW) => {
            let (kind, id) = fact.object();
            state.settled_by.get_or_insert((kind.into_owned(), id.into_owned()));
        }
        Body::OpeningBalanceDeclared(body) => {
            // What a balance was compared with before is no measure any more.
            (state.opened_as_of, state.reported) = (Some(body.as_of), None);
        }
        Body::DiscrepancyRaised(body) => {
            // Other contents of the same key raise discrepancies about the withheld event too; they do not hold it.
            let about = |id: EventId| body.other_fact.is_none() && body.about == Some(id);
            let held = state.withheld.iter().any(|(id, _)| about(*id));
            let first = !state.doubts.iter().any(|doubt| doubt.holds && doubt.about == body.about);
            let holds = held && first;
            let DiscrepancyRaised { kind, about, stake, .. } = *body;
            state.doubts.push(Doubt { event_id: event.record.event_id, kind, about, holds, stake });
            if let (DiscrepancyKind::BalanceDiffers, Some(reported)) = (kind, &mut state.reported) {
                reported.raised = true;
            }
        }
        Body::DiscrepancyResolved(body) => resolved(subject, state, event, body.discrepancy, body.verdict)?,
        _ => invoices::own(state, fact)?,
    }
    Ok(())
}

fn asked(state: &mut SubjectState, event: &Event, amount: Amount, invoice: Option<SubjectId>) {
    if let (Some(currency), Some(wallet)) = (event.fact.currency, event.fact.wallet) {
        let at = state.asked.as_ref().map_or(event.context.occurred_at, |first| first.at);
        state.asked = Some(Asked { amount, currency, wallet, at, invoice });
    }
}

fn reserve(state: &mut SubjectState, event: &Event, attempt: u32, amount: Amount, reserve: Amount) {
    let fact = &event.fact;
    asked(state, event, amount, None);
    // A new attempt follows a confirmed failure: its own end is still to come.
    if state.phase == Phase::Failed {
        state.phase = Phase::Open;
    }
    if let Some(wallet) = fact.wallet {
        state.reservations.push(Reservation { attempt, wallet, amount: reserve });
    }
}

fn failed(state: &mut SubjectState, is_final: bool, attempt: Option<u32>) {
    if is_final {
        state.phase = state.phase.max(Phase::Failed);
        end_reservation(state, attempt);
    }
}

/// Sums, since a person may accept a second object for one intent.
fn succeeded(state: &mut SubjectState, fact: &Fact, amount: Amount) -> Result<(), Overflow> {
    state.phase = Phase::Succeeded;
    add(&mut state.gross, amount)?;
    state.wallet = fact.wallet;
    let (kind, id) = fact.object();
    state.settled_by = Some((kind.into_owned(), id.into_owned()));
    Ok(())
}

fn end_reservation(state: &mut SubjectState, attempt: Option<u32>) {
    if let Some(attempt) = attempt {
        state.reservations.retain(|reservation| reservation.attempt != attempt);
    }
}

/// Remembers the provider object whose attempt came to nothing; what has none cannot be told apart later.
fn ended(state: &mut SubjectState, fact: &Fact) {
    if let (Some(kind), Some(id)) = (&fact.object_kind, &fact.object_id) {
        if state.ended.len() == ENDED_MAX {
            state.ended.remove(0);
        }
        state.ended.push((kind.clone(), id.clone()));
    }
}

/// The later figure counts; one that is not newer than the last says nothing.
fn reported(state: &mut SubjectState, body: &BalanceReported, before: Standing) -> Result<(), Overflow> {
    if state.reported.is_some_and(|last| body.as_of <= last.as_of) {
        return Ok(());
    }
    let difference = body.balance.checked_sub(before.posted).ok_or(Overflow)?;
    let held = body.held.map_or(Some(Amount::ZERO), |held| held.checked_sub(before.held)).ok_or(Overflow)?;
    let same = |last: &Reported| (last.difference, last.held) == (difference, held);
    let raised = state.reported.is_some_and(|last| last.raised && same(&last));
    state.reported = Some(Reported { as_of: body.as_of, difference, held, raised });
    Ok(())
}

fn unitemised(fees: &[Fee]) -> Vec<Fee> {
    fees.iter().filter(|fee| fee.component == ensimbi_events::word::Component::Unitemised).cloned().collect()
}

fn resolved(
    subject: SubjectId,
    state: &mut SubjectState,
    event: &Event,
    discrepancy: EventId,
    verdict: Verdict,
) -> Result<(), Overflow> {
    let Some(at) = state.doubts.iter().position(|doubt| doubt.event_id == discrepancy) else { return Ok(()) };
    let doubt = state.doubts.remove(at);
    if verdict == Verdict::Move {
        state.suspense = Amount::ZERO;
    }
    let withheld = state.withheld.iter().position(|(id, _)| doubt.holds && Some(*id) == doubt.about);
    let Some(withheld) = withheld else { return Ok(()) };
    let (_, fact) = state.withheld.remove(withheld);
    if verdict == Verdict::Accept {
        // As if it had been posted when it was said.
        let mut accepted = Event { fact, context: event.context.clone(), record: event.record.clone() };
        accepted.record.no_lines = None;
        own(subject, state, &accepted)?;
    } else if state.phase == Phase::Withheld {
        state.phase = Phase::Failed;
    }
    Ok(())
}

/// Effects on subjects that an event names.
fn cross(subject: SubjectId, state: &mut SubjectState, event: &Event) -> Result<(), Overflow> {
    if event.record.no_lines == Some(NoLines::Withheld) {
        let waits = matches!(event.fact.body, Body::RefundSucceeded(_) | Body::ChargebackOpened(_));
        let new = !state.waiting.contains(&event.fact.subject) && state.waiting.len() < WAITING_MAX;
        if waits && new && state.phase != Phase::Succeeded {
            state.waiting.push(event.fact.subject);
        }
        return Ok(());
    }
    let posted = event.record.no_lines != Some(NoLines::BeforeOpening);
    match &event.fact.body {
        Body::PaymentAllocated(body) => {
            let tax = body.tax.unwrap_or_default();
            if body.item == subject {
                toward_zero(state, body.amount, body.item_side)?;
                state.allocations.push(Allocation {
                    event_id: event.record.event_id,
                    amount: body.amount,
                    tax,
                    side: body.item_side,
                    account: body.account.clone(),
                    invoice: body.invoice_id,
                    money: body.target_amount,
                });
            }
            if let (true, Some(invoice)) = (body.invoice_id == Some(subject), &mut state.invoice) {
                let amount = body.target_amount.map_or(body.amount, |money| money.amount);
                subtract(&mut invoice.outstanding, amount)?;
                add(&mut invoice.tax_allocated, tax)?;
            }
        }
        Body::PaymentDeallocated(body) => {
            let tax = body.tax.unwrap_or_default();
            if body.item == subject {
                let back = if body.item_side == Side::Credit { Side::Debit } else { Side::Credit };
                toward_zero(state, body.amount, back)?;
                for allocation in &mut state.allocations {
                    if allocation.event_id == body.allocation {
                        subtract(&mut allocation.amount, body.amount)?;
                        subtract(&mut allocation.tax, tax)?;
                    }
                }
                state.allocations.retain(|allocation| !allocation.amount.is_zero());
            }
            if let (true, Some(invoice)) = (body.invoice_id == Some(subject), &mut state.invoice) {
                let amount = body.target_amount.map_or(body.amount, |money| money.amount);
                add(&mut invoice.outstanding, amount)?;
                subtract(&mut invoice.tax_allocated, tax)?;
            }
        }
        Body::RefundSucceeded(body) if body.payment_id == subject => {
            add(&mut state.taken_back, body.amount)?;
            if posted {
                add(&mut state.item, body.amount)?;
            }
        }
        Body::RefundReversed(body) if body.payment_id == subject => {
            subtract(&mut state.taken_back, body.amount)?;
            subtract(&mut state.item, body.amount)?;
        }
        Body::ChargebackClosed(body) if body.payment_id == subject => {
            add(&mut state.taken_back, body.lost)?;
            if posted {
                add(&mut state.item, body.lost)?;
            }
        }
        // Accepted refunds and disputes: what they take back from the payment is what they put on its item.
        Body::DiscrepancyResolved(body) if body.verdict == Verdict::Accept && event.fact.subject != subject => {
            for line in event.record.lines.0.iter().filter(|line| line.open_item == Some(subject)) {
                add(&mut state.taken_back, line.amount)?;
                add(&mut state.item, line.amount)?;
            }
        }
        Body::AdjustmentPosted(body) => written(subject, state, &body.lines)?,
        Body::CorrectionPosted(body) => written(subject, state, &body.lines)?,
        _ => {}
    }
    Ok(())
}

/// Lines as a person wrote them, on this subject's items: what an invoice owes, or what a clearing account holds.
fn written(subject: SubjectId, state: &mut SubjectState, lines: &Lines) -> Result<(), Overflow> {
    for line in lines.0.iter().filter(|line| line.open_item == Some(subject)) {
        match &mut state.invoice {
            Some(invoice) if line.account == accounts::RECEIVABLE => add(&mut invoice.outstanding, line.amount)?,
            _ if line.account == accounts::RECEIVABLE => {}
            _ => add(&mut state.item, line.amount)?,
        }
    }
    Ok(())
}

/// A balance on the credit side is negative: taking from it adds.
fn toward_zero(state: &mut SubjectState, amount: Amount, side: Side) -> Result<(), Overflow> {
    match side {
        Side::Credit => add(&mut state.item, amount),
        Side::Debit => subtract(&mut state.item, amount),
    }
}
