//! Disputes of payments: what was taken, what is not decided, what is lost.
//!
//! Words give the state, lines the figures: what is open is the balance of the dispute's own item, whoever wrote the
//! line. A word that is withheld changes nothing but a dispute of which nothing else is known; once it is accepted, the
//! lines of that verdict say whether it opened or ended something.

mod row;

use ensimbi_events::word::Verdict;
use ensimbi_events::{Amount, Body, Event, NoLines, SubjectId};

pub use row::{DisputeRow, DisputeState};

use super::{Rows, add};
use crate::projection::{Account, Configured, HandlerError};

/// Applies an event to its own dispute.
pub(super) fn own(rows: &mut Rows, configured: &Configured, event: &Event) -> Result<(), HandlerError> {
    let withheld = event.record.no_lines == Some(NoLines::Withheld);
    match &event.fact.body {
        Body::ChargebackOpened(body) => {
            let (row, new) = said(rows, configured, event, body.payment_id);
            if withheld {
                if new {
                    waits(row, event);
                    row.amount = body.amount;
                }
                return Ok(());
            }
            stands(row, event, DisputeState::Open);
            add(&mut row.amount, body.amount, "disputed")
        }
        Body::ChargebackClosed(body) => {
            let (row, new) = said(rows, configured, event, body.payment_id);
            if withheld {
                if new {
                    waits(row, event);
                }
                return Ok(());
            }
            add(&mut row.lost, body.lost, "lost")?;
            ends(row, event);
            Ok(())
        }
        Body::DiscrepancyRaised(body) => {
            let Some(row) = touch(rows, event.fact.subject, event) else { return Ok(()) };
            if body.other_fact.is_none() && body.about.is_some() && body.about == row.withheld {
                row.discrepancy.get_or_insert(event.record.event_id);
            }
            Ok(())
        }
        Body::DiscrepancyResolved(body) => {
            let Some(row) = touch(rows, event.fact.subject, event) else { return Ok(()) };
            let first = row.discrepancy == Some(body.discrepancy);
            if first {
                (row.withheld, row.discrepancy) = (None, None);
            }
            match body.verdict {
                Verdict::Accept => accepted(row, configured, event, first),
                _ if first && row.state == DisputeState::Withheld => {
                    stands(row, event, DisputeState::Rejected);
                    Ok(())
                }
                _ => Ok(()),
            }
        }
        _ => {
            touch(rows, event.fact.subject, event);
            Ok(())
        }
    }
}

/// What lines say about disputes and their payments.
pub(super) fn lines(rows: &mut Rows, configured: &Configured, event: &Event) -> Result<(), HandlerError> {
    for line in &event.record.lines.0 {
        match configured.account(&line.account) {
            Account::Disputed => {
                let Some(row) = line.open_item.and_then(|id| touch(rows, id, event)) else { continue };
                add(&mut row.open, line.amount, "disputed")?;
                let payment = row.payment;
                if let Some(payment) = rows.touch(payment, event) {
                    add(&mut payment.disputed, line.amount, "disputed")?;
                }
            }
            Account::Posted(wallet) if wallet.is_some() => {
                let Some(row) = touch(rows, event.fact.subject, event) else { continue };
                if row.wallet == wallet {
                    add(&mut row.wallet_change, line.amount, "wallet change")?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn touch<'a>(rows: &'a mut Rows, id: SubjectId, event: &Event) -> Option<&'a mut DisputeRow> {
    let row = rows.disputes.get_mut(&id)?;
    rows.touched_disputes.insert(id);
    row.last_position = event.record.position;
    Some(row)
}

/// The row of a word about a dispute, and whether it is the first.
fn said<'a>(
    rows: &'a mut Rows,
    configured: &Configured,
    event: &Event,
    payment: SubjectId,
) -> (&'a mut DisputeRow, bool) {
    let fact = &event.fact;
    let new = !rows.disputes.contains_key(&fact.subject);
    rows.touched_disputes.insert(fact.subject);
    let row = rows.disputes.entry(fact.subject).or_insert_with(|| DisputeRow {
        dispute: fact.subject,
        payment,
        state: DisputeState::Open,
        connection: None,
        provider: None,
        wallet: None,
        currency: None,
        object_kind: None,
        object_id: None,
        withheld: None,
        discrepancy: None,
        amount: Amount::ZERO,
        open: Amount::ZERO,
        lost: Amount::ZERO,
        wallet_change: Amount::ZERO,
        created_at: event.context.occurred_at,
        occurred_at: event.context.occurred_at,
        first_position: event.record.position,
        last_position: event.record.position,
    });
    row.last_position = event.record.position;
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
    (row, new)
}

fn stands(row: &mut DisputeRow, event: &Event, state: DisputeState) {
    (row.state, row.occurred_at) = (state, event.context.occurred_at);
}

fn waits(row: &mut DisputeRow, event: &Event) {
    row.withheld = Some(event.record.event_id);
    stands(row, event, DisputeState::Withheld);
}

fn ends(row: &mut DisputeRow, event: &Event) {
    let state = if row.lost.is_positive() { DisputeState::Lost } else { DisputeState::Won };
    stands(row, event, state);
}

/// What was withheld counts now; its lines say what it was.
fn accepted(row: &mut DisputeRow, configured: &Configured, event: &Event, first: bool) -> Result<(), HandlerError> {
    let (mut taken, mut lost) = (Amount::ZERO, Amount::ZERO);
    for line in &event.record.lines.0 {
        match configured.account(&line.account) {
            Account::Disputed => add(&mut taken, line.amount, "disputed")?,
            Account::OpenIn => add(&mut lost, line.amount, "lost")?,
            _ => {}
        }
    }
    if taken.is_negative() || lost.is_positive() {
        add(&mut row.lost, lost, "lost")?;
        ends(row, event);
    } else if taken.is_positive() || (first && row.state == DisputeState::Withheld) {
        // Of a later opening only what it took is known here.
        if !first {
            add(&mut row.amount, taken, "disputed")?;
        }
        stands(row, event, DisputeState::Open);
    }
    Ok(())
}
