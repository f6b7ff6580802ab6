//! How an event's word changes the row of its own subject.

use ensimbi_events::word::Verdict;
use ensimbi_events::{Amount, Body, Event, Money, NoLines, SubjectId};

use super::{PaymentKind, PaymentRow, PaymentState, Rows, add};
use crate::projection::{Account, Configured, HandlerError};

/// What a word says about its subject.
struct Said<'a> {
    kind: PaymentKind,
    state: PaymentState,
    is_final: bool,
    amount: Option<Amount>,
    invoice: Option<SubjectId>,
    parent: Option<SubjectId>,
    counter: Option<Money>,
    channel: Option<&'a str>,
    reason: Option<&'a str>,
    /// Of what reserves money: the attempt and its reserve.
    asked: Option<(u32, Amount)>,
}

fn said(body: &Body) -> Option<Said<'_>> {
    use PaymentKind::{Payment, Payout, PurseTransfer, Refund, TopUp, Withdrawal};
    use PaymentState::{Authorised, Failed, Pending, Requested, Succeeded, Voided};
    let plain = |kind, state, amount| Said {
        kind,
        state,
        is_final: matches!(state, Succeeded | Voided),
        amount: Some(amount),
        invoice: None,
        parent: None,
        counter: None,
        channel: None,
        reason: None,
        asked: None,
    };
    let asked =
        |kind, attempt, amount, reserve| Said { asked: Some((attempt, reserve)), ..plain(kind, Requested, amount) };
    let failed =
        |kind, amount, is_final, reason| Said { is_final, reason: Some(reason), ..plain(kind, Failed, amount) };
    Some(match body {
        Body::CollectionRequested(b) => Said { invoice: b.invoice_id, ..plain(Payment, Requested, b.amount) },
        Body::CollectionPending(b) => Said { invoice: b.invoice_id, ..plain(Payment, Pending, b.amount) },
        Body::CollectionAuthorised(b) => Said { invoice: b.invoice_id, ..plain(Payment, Authorised, b.amount) },
        Body::CollectionVoided(b) => Said { invoice: b.invoice_id, ..plain(Payment, Voided, b.amount) },
        Body::CollectionFailed(b) => {
            Said { invoice: b.invoice_id, ..failed(Payment, b.amount, b.is_final, b.reason.as_str()) }
        }
        Body::CollectionSucceeded(b) => Said {
            invoice: b.invoice_id,
            counter: b.payer,
            channel: b.channel.as_deref(),
            ..plain(Payment, Succeeded, b.gross)
        },
        Body::RefundRequested(b) => {
            Said { parent: Some(b.payment_id), ..asked(Refund, b.attempt, b.amount, b.reserve) }
        }
        Body::RefundFailed(b) => failed(Refund, b.amount, b.is_final, b.reason.as_str()),
        Body::RefundSucceeded(b) => Said { parent: Some(b.payment_id), ..plain(Refund, Succeeded, b.amount) },
        Body::PayoutRequested(b) => asked(Payout, b.attempt, b.amount, b.reserve),
        Body::PayoutPending(b) => plain(Payout, Pending, b.amount),
        Body::PayoutFailed(b) => failed(Payout, b.amount, b.is_final, b.reason.as_str()),
        Body::PayoutSucceeded(b) => Said { counter: b.beneficiary, ..plain(Payout, Succeeded, b.amount) },
        Body::WithdrawalRequested(b) => asked(Withdrawal, b.attempt, b.amount, b.reserve),
        Body::WithdrawalFailed(b) => failed(Withdrawal, b.amount, b.is_final, b.reason.as_str()),
        Body::WithdrawalSucceeded(b) => plain(Withdrawal, Succeeded, b.amount),
        Body::WalletFunded(b) => plain(TopUp, Succeeded, b.amount),
        Body::PurseTransferred(b) => Said {
            counter: Some(Money { amount: b.amount_in, currency: b.currency_in }),
            ..plain(PurseTransfer, Succeeded, b.amount_out)
        },
        _ => return None,
    })
}

/// Applies an event to its own subject's row.
pub(super) fn own(rows: &mut Rows, configured: &Configured, event: &Event) -> Result<(), HandlerError> {
    let id = event.fact.subject;
    if let Some(said) = said(&event.fact.body) {
        let row = rows.payments.entry(id).or_insert_with(|| blank(event, said.kind));
        if row.kind != said.kind {
            return Err(HandlerError(format!("{id} is a {} and a {} at once", row.kind, said.kind)));
        }
        rows.touched.insert(id);
        row.last_position = event.record.position;
        common(row, configured, event);
        return state(row, event, &said);
    }
    let withheld = event.record.no_lines == Some(NoLines::Withheld);
    let Some(row) = rows.touch(id, event) else { return Ok(()) };
    let (taken, all) = match &event.fact.body {
        Body::CollectionReversed(body) => (body.amount, row.gross),
        Body::PayoutReversed(body) => (body.amount, row.amount),
        Body::WithdrawalReversed(body) => (body.amount, row.amount),
        Body::RefundReversed(body) => (body.amount, row.amount),
        Body::DiscrepancyRaised(body) => {
            // The first one about the withheld success holds it; other contents of the same key do not.
            if body.other_fact.is_none() && body.about.is_some() && body.about == row.withheld {
                row.discrepancy.get_or_insert(event.record.event_id);
            }
            return Ok(());
        }
        Body::DiscrepancyResolved(body) if row.discrepancy == Some(body.discrepancy) => {
            (row.withheld, row.discrepancy) = (None, None);
            return match row.state {
                PaymentState::Withheld => resolved(row, configured, event, body.verdict),
                _ => Ok(()),
            };
        }
        // A withheld reversal that was accepted: its lines take the item back.
        Body::DiscrepancyResolved(body) if body.verdict == Verdict::Accept && is_settled(row.state) => {
            let taken = taken_back(configured, event, row)?;
            if !taken.is_positive() {
                return Ok(());
            }
            (taken, row.gross.or(row.amount))
        }
        _ => return Ok(()),
    };
    if withheld {
        return Ok(());
    }
    add(&mut row.reversed, taken, "reversed")?;
    row.state = match all {
        Some(all) if row.reversed < all => PaymentState::PartlyReversed,
        _ => PaymentState::Reversed,
    };
    row.is_final = true;
    row.occurred_at = event.context.occurred_at;
    Ok(())
}

fn blank(event: &Event, kind: PaymentKind) -> PaymentRow {
    PaymentRow {
        payment: event.fact.subject,
        kind,
        state: PaymentState::Requested,
        is_final: false,
        connection: None,
        provider: None,
        wallet: None,
        currency: None,
        object_kind: None,
        object_id: None,
        parent: None,
        invoice: None,
        party: None,
        channel: None,
        reason: None,
        not_posted: None,
        withheld: None,
        discrepancy: None,
        attempt: None,
        amount: None,
        reserve: None,
        gross: None,
        net: None,
        held: None,
        wallet_change: None,
        counter_amount: None,
        counter_currency: None,
        fees_merchant: Amount::ZERO,
        fees_other: Amount::ZERO,
        open: Amount::ZERO,
        allocated: Amount::ZERO,
        refunded: Amount::ZERO,
        reversed: Amount::ZERO,
        lost: Amount::ZERO,
        disputed: Amount::ZERO,
        held_until: None,
        created_at: event.context.occurred_at,
        occurred_at: event.context.occurred_at,
        first_position: event.record.position,
        last_position: event.record.position,
    }
}

/// The common fields; what is known stays known where a later word does not carry it.
fn common(row: &mut PaymentRow, configured: &Configured, event: &Event) {
    let fact = &event.fact;
    if fact.connection.is_some() && fact.connection != row.connection {
        row.connection = fact.connection;
        row.provider = configured.provider(fact.connection).map(str::to_owned);
    }
    row.wallet = fact.wallet.or(row.wallet);
    row.currency = fact.currency.or(row.currency);
    if fact.object_id.is_some() {
        row.object_kind.clone_from(&fact.object_kind);
        row.object_id.clone_from(&fact.object_id);
    }
    row.party = event.context.party.or(row.party);
}

fn state(row: &mut PaymentRow, event: &Event, said: &Said<'_>) -> Result<(), HandlerError> {
    use PaymentState::{Failed, Requested, Succeeded};
    row.invoice = said.invoice.or(row.invoice);
    row.parent = said.parent.or(row.parent);
    let new_attempt = said.state == Requested && row.state == Failed;
    if row.is_final && said.state != Succeeded && !new_attempt {
        return Ok(());
    }
    // The first success stands; a second object or a success after the reversal is the discrepancies' business.
    if matches!(row.state, Succeeded | PaymentState::Reversed | PaymentState::PartlyReversed) {
        return Ok(());
    }
    // What was asked stays; a success tells what moved in gross, net and wallet_change.
    if said.state != Succeeded || row.amount.is_none() {
        row.amount = said.amount.or(row.amount);
    }
    if let Some((attempt, reserve)) = said.asked {
        (row.attempt, row.reserve) = (Some(attempt), Some(reserve));
    }
    row.reason = said.reason.map(str::to_owned);
    row.channel = said.channel.map(str::to_owned).or_else(|| row.channel.take());
    row.occurred_at = event.context.occurred_at;
    row.not_posted = event.record.no_lines.filter(|why| *why != NoLines::None);
    if said.state == Succeeded && row.not_posted == Some(NoLines::Withheld) {
        (row.state, row.is_final) = (PaymentState::Withheld, true);
        (row.withheld, row.discrepancy) = (Some(event.record.event_id), None);
        return Ok(());
    }
    (row.state, row.is_final) = (said.state, said.is_final);
    if let Some(counter) = said.counter {
        (row.counter_amount, row.counter_currency) = (Some(counter.amount), Some(counter.currency));
    }
    if let Body::CollectionSucceeded(body) = &event.fact.body {
        row.gross = Some(body.gross);
        row.net = Some(body.net);
        row.held = Some(body.held.unwrap_or_default());
        row.held_until = body.held_until;
    }
    Ok(())
}

/// A person decided about a withheld success: what the lines say is what moved.
const fn is_settled(state: PaymentState) -> bool {
    matches!(state, PaymentState::Succeeded | PaymentState::PartlyReversed)
}

/// What an entry's lines take off the open item of a payment or payout.
fn taken_back(configured: &Configured, event: &Event, row: &PaymentRow) -> Result<Amount, HandlerError> {
    let mut taken = Amount::ZERO;
    for line in event.record.lines.0.iter().filter(|line| row.currency == Some(line.currency)) {
        match configured.account(&line.account) {
            // A refund stands on the other side of its payment's item.
            Account::OpenIn if row.kind == PaymentKind::Refund => {
                add(&mut taken, super::negative(line.amount)?, "reversed")?;
            }
            Account::OpenIn => add(&mut taken, line.amount, "reversed")?,
            Account::OpenOut => add(&mut taken, super::negative(line.amount)?, "reversed")?,
            _ => {}
        }
    }
    Ok(taken)
}

fn resolved(
    row: &mut PaymentRow,
    configured: &Configured,
    event: &Event,
    verdict: Verdict,
) -> Result<(), HandlerError> {
    row.occurred_at = event.context.occurred_at;
    if verdict != Verdict::Accept {
        row.state = PaymentState::Rejected;
        return Ok(());
    }
    row.state = PaymentState::Succeeded;
    row.not_posted = None;
    if row.kind != PaymentKind::Payment {
        return Ok(());
    }
    let (mut gross, mut net, mut held) = (Amount::ZERO, Amount::ZERO, Amount::ZERO);
    for line in event.record.lines.0.iter().filter(|line| row.currency == Some(line.currency)) {
        match configured.account(&line.account) {
            Account::Posted(_) => add(&mut net, line.amount, "net")?,
            Account::Held(_) => add(&mut held, line.amount, "held")?,
            Account::OpenIn => add(&mut gross, super::negative(line.amount)?, "gross")?,
            _ => {}
        }
    }
    (row.gross, row.net, row.held) = (Some(gross), Some(net), Some(held));
    Ok(())
}
