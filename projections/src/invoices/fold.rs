//! How an event changes invoices: figures first, then the state that follows from them.
//!
//! The state is a function of the row's figures alone, so that it does not hang on the order in which equal facts came.

use ensimbi_events::owed::line_total;
use ensimbi_events::word::ItemKind;
use ensimbi_events::words::invoice::InvoicePublished;
use ensimbi_events::{Amount, Body, Currency, Event, Line, Money, NoLines, SubjectId};

use super::{InvoiceItem, InvoicePayment, InvoiceRow, InvoiceState, Rows, add};
use crate::projection::HandlerError;

/// The account of published invoices not yet paid (`bookkeeping.md` section 1, R).
const RECEIVABLE: &str = "assets:receivable";

/// The invoices that an event changes.
pub(super) fn touched(event: &Event) -> Vec<SubjectId> {
    match &event.fact.body {
        Body::PaymentAllocated(body) => body.invoice_id.into_iter().collect(),
        Body::PaymentDeallocated(body) => body.invoice_id.into_iter().collect(),
        Body::AdjustmentPosted(_) | Body::CorrectionPosted(_) => receivables(event).map(|(id, _)| id).collect(),
        body if is_own(body) => vec![event.fact.subject],
        _ => Vec::new(),
    }
}

/// Whether the word changes the items of its draft.
pub(super) const fn changes_items(body: &Body) -> bool {
    matches!(body, Body::InvoiceItemAdded(_) | Body::InvoiceItemChanged(_) | Body::InvoiceItemRemoved(_))
}

/// Whether the word's subject is an invoice.
const fn is_own(body: &Body) -> bool {
    changes_items(body)
        || matches!(
            body,
            Body::InvoiceDrafted(_)
                | Body::InvoicePaymentStarted(_)
                | Body::InvoiceExpired(_)
                | Body::InvoicePublished(_)
                | Body::InvoiceCredited(_)
                | Body::InvoiceCancelled(_)
                | Body::InvoicePaid(_)
        )
}

fn receivables(event: &Event) -> impl Iterator<Item = (SubjectId, &Line)> {
    let lines = event.record.lines.0.iter().filter(|line| line.account == RECEIVABLE);
    lines.filter_map(|line| line.open_item.map(|id| (id, line)))
}

/// Takes one event in.
pub(super) fn apply(rows: &mut Rows, event: &Event) -> Result<(), HandlerError> {
    if event.record.no_lines == Some(NoLines::Withheld) {
        return Ok(());
    }
    match &event.fact.body {
        Body::PaymentAllocated(body) => {
            let Some(invoice) = body.invoice_id else { return Ok(()) };
            let paid = Paid {
                invoice,
                payment: body.item,
                item_kind: body.item_kind,
                money: in_its_currency(body.amount, body.target_amount, event.fact.currency),
                tax: body.tax.unwrap_or_default(),
            };
            allocated(rows, event, &paid, true)
        }
        Body::PaymentDeallocated(body) => {
            let Some(invoice) = body.invoice_id else { return Ok(()) };
            let paid = Paid {
                invoice,
                payment: body.item,
                item_kind: body.item_kind,
                money: in_its_currency(body.amount, body.target_amount, event.fact.currency),
                tax: body.tax.unwrap_or_default(),
            };
            allocated(rows, event, &paid, false)
        }
        Body::AdjustmentPosted(_) | Body::CorrectionPosted(_) => {
            for (id, line) in receivables(event) {
                let Some(row) = known(rows, id, event) else { continue };
                if row.currency == Some(line.currency) {
                    add(&mut row.adjusted, line.amount, "adjusted")?;
                    settle(row, event)?;
                }
            }
            Ok(())
        }
        body if is_own(body) => own(rows, event),
        _ => Ok(()),
    }
}

/// One allocation or deallocation.
struct Paid {
    invoice: SubjectId,
    payment: SubjectId,
    item_kind: ItemKind,
    money: (Amount, Option<Currency>),
    tax: Amount,
}

fn in_its_currency(amount: Amount, target: Option<Money>, currency: Option<Currency>) -> (Amount, Option<Currency>) {
    target.map_or((amount, currency), |money| (money.amount, Some(money.currency)))
}

fn known<'a>(rows: &'a mut Rows, id: SubjectId, event: &Event) -> Option<&'a mut InvoiceRow> {
    let row = rows.invoices.get_mut(&id)?;
    rows.touched.insert(id);
    row.last_position = event.record.position;
    Some(row)
}

fn allocated(rows: &mut Rows, event: &Event, paid: &Paid, forward: bool) -> Result<(), HandlerError> {
    let id = paid.invoice;
    let row = known(rows, id, event);
    let row = row.ok_or_else(|| HandlerError(format!("an allocation names invoice {id}, which is not known")))?;
    let (amount, currency) = paid.money;
    if row.currency != currency {
        return Err(HandlerError(format!("an allocation is not in the currency of invoice {id}")));
    }
    let tax = if forward { Some(paid.tax) } else { paid.tax.checked_neg() };
    let tax = tax.ok_or_else(|| HandlerError::overflow("tax"))?;
    add(if forward { &mut row.allocated } else { &mut row.deallocated }, amount, "allocated")?;
    add(&mut row.tax_allocated, tax, "tax allocated")?;
    settle(row, event)?;

    let (at, position) = (event.context.occurred_at, event.record.position);
    let key = (id, paid.payment);
    let payment = rows.payments.entry(key).or_insert_with(|| InvoicePayment {
        invoice: id,
        payment: paid.payment,
        item_kind: paid.item_kind,
        allocated: Amount::ZERO,
        deallocated: Amount::ZERO,
        tax: Amount::ZERO,
        first_at: at,
        last_at: at,
        first_position: position,
        last_position: position,
    });
    add(if forward { &mut payment.allocated } else { &mut payment.deallocated }, amount, "allocated")?;
    add(&mut payment.tax, tax, "tax allocated")?;
    (payment.last_at, payment.last_position) = (at, position);
    rows.touched_payments.insert(key);
    Ok(())
}

/// A word about its own subject.
fn own(rows: &mut Rows, event: &Event) -> Result<(), HandlerError> {
    let id = event.fact.subject;
    let row = rows.invoices.entry(id).or_insert_with(|| blank(event));
    rows.touched.insert(id);
    row.last_position = event.record.position;
    let fact = &event.fact;
    row.connection = fact.connection.or(row.connection);
    row.currency = fact.currency.or(row.currency);
    row.party = event.context.party.or(row.party);
    if fact.object_id.is_some() {
        row.object_kind.clone_from(&fact.object_kind);
        row.object_id.clone_from(&fact.object_id);
    }
    match &fact.body {
        Body::InvoiceDrafted(body) => row.party = body.party_id.or(row.party),
        Body::InvoiceItemAdded(_) | Body::InvoiceItemChanged(_) | Body::InvoiceItemRemoved(_) => {
            return items(rows, event);
        }
        Body::InvoicePublished(body) => published(row, event, body)?,
        Body::InvoicePaymentStarted(_) => {
            row.payment_started_at = row.payment_started_at.or(Some(event.context.occurred_at));
        }
        Body::InvoiceExpired(_) => row.expired_at = row.expired_at.or(Some(event.context.occurred_at)),
        Body::InvoiceCredited(body) => {
            add(&mut row.credited, body.amount, "credited")?;
            add(&mut row.tax_allocated, body.tax, "tax allocated")?;
        }
        Body::InvoiceCancelled(body) => {
            row.cancelled_at = row.cancelled_at.or(Some(event.context.occurred_at));
            add(&mut row.cancelled, body.amount, "cancelled")?;
            add(&mut row.tax_allocated, body.tax, "tax allocated")?;
        }
        // Not offline: the source's word only cross-checks the allocations.
        Body::InvoicePaid(body) if body.offline => {
            add(&mut row.offline, body.amount, "offline")?;
            add(&mut row.tax_allocated, body.tax, "tax allocated")?;
        }
        _ => {}
    }
    settle(row, event)
}

fn blank(event: &Event) -> InvoiceRow {
    InvoiceRow {
        invoice: event.fact.subject,
        state: InvoiceState::Draft,
        connection: None,
        object_kind: None,
        object_id: None,
        party: None,
        currency: None,
        recognition: None,
        due: None,
        total: Amount::ZERO,
        tax: Amount::ZERO,
        outstanding: Amount::ZERO,
        allocated: Amount::ZERO,
        deallocated: Amount::ZERO,
        credited: Amount::ZERO,
        cancelled: Amount::ZERO,
        offline: Amount::ZERO,
        adjusted: Amount::ZERO,
        tax_allocated: Amount::ZERO,
        item_count: 0,
        draft_total: Some(Amount::ZERO),
        draft_tax: Amount::ZERO,
        created_at: event.context.occurred_at,
        published_at: None,
        expired_at: None,
        cancelled_at: None,
        paid_at: None,
        payment_started_at: None,
        state_since: event.context.occurred_at,
        first_position: event.record.position,
        last_position: event.record.position,
    }
}

fn published(row: &mut InvoiceRow, event: &Event, body: &InvoicePublished) -> Result<(), HandlerError> {
    if row.published_at.is_some() {
        return Err(HandlerError(format!("invoice {} is published twice", row.invoice)));
    }
    row.published_at = Some(event.context.occurred_at);
    (row.total, row.tax) = (body.total, body.tax);
    row.recognition = Some(body.recognition);
    row.party = body.party_id.or(row.party);
    // What is no date cannot be compared with one: such an invoice counts from its publication.
    row.due = body.due.as_deref().and_then(|due| due.parse::<jiff::civil::Date>().ok()).map(|due| due.to_string());
    Ok(())
}

fn items(rows: &mut Rows, event: &Event) -> Result<(), HandlerError> {
    let id = event.fact.subject;
    let (item_id, item) = match &event.fact.body {
        Body::InvoiceItemAdded(body) => (&body.item_id, Some((&body.quantity, body.unit_amount, body.tax))),
        Body::InvoiceItemChanged(body) => (&body.item_id, Some((&body.quantity, body.unit_amount, body.tax))),
        Body::InvoiceItemRemoved(body) => (&body.item_id, None),
        _ => return Ok(()),
    };
    let list = rows.items.entry(id).or_default();
    let at = list.iter().position(|item| item.item_id == *item_id);
    match (item, at) {
        (Some((quantity, unit_amount, tax)), at) => {
            let n = at.and_then(|at| list.get(at)).map(|item| item.n);
            let last = list.iter().map(|item| item.n).max().unwrap_or(0);
            let item = InvoiceItem {
                invoice: id,
                n: n.unwrap_or(last.saturating_add(1)),
                item_id: item_id.clone(),
                quantity: quantity.clone(),
                unit_amount,
                tax,
                amount: line_total(quantity, unit_amount).ok(),
            };
            match at.and_then(|at| list.get_mut(at)) {
                Some(standing) => *standing = item,
                None => list.push(item),
            }
        }
        (None, Some(at)) => drop(list.remove(at)),
        (None, None) => {}
    }
    rows.touched_items.insert(id);
    let Some(row) = rows.invoices.get_mut(&id) else { return Ok(()) };
    row.item_count = u32::try_from(list.len()).unwrap_or(u32::MAX);
    let amounts: Option<Vec<Amount>> = list.iter().map(|item| item.amount).collect();
    row.draft_total = amounts.and_then(Amount::checked_sum);
    let tax = Amount::checked_sum(list.iter().filter_map(|item| item.tax));
    row.draft_tax = tax.ok_or_else(|| HandlerError::overflow("the tax of items"))?;
    Ok(())
}

/// Sets what follows from the figures: what is owed, and the state.
fn settle(row: &mut InvoiceRow, event: &Event) -> Result<(), HandlerError> {
    let overflow = || HandlerError::overflow("what an invoice owes");
    let paid = row.paid().ok_or_else(overflow)?;
    let lowered = Amount::checked_sum([row.credited, row.cancelled, paid]).ok_or_else(overflow)?;
    let owed = row.total.checked_add(row.adjusted).and_then(|sum| sum.checked_sub(lowered));
    row.outstanding = owed.ok_or_else(overflow)?;
    let state = state(row, paid);
    if state != row.state {
        (row.state, row.state_since) = (state, event.context.occurred_at);
        row.paid_at = (state == InvoiceState::Paid).then_some(event.context.occurred_at);
    }
    Ok(())
}

fn state(row: &InvoiceRow, paid: Amount) -> InvoiceState {
    let (expired, cancelled) = (row.expired_at.is_some(), row.cancelled_at.is_some());
    match (row.published_at.is_some(), row.outstanding.is_positive()) {
        (false, _) if cancelled => InvoiceState::Cancelled,
        (false, _) if expired => InvoiceState::Expired,
        (false, _) => InvoiceState::Draft,
        (true, true) if paid.is_positive() => InvoiceState::PartPaid,
        (true, true) if expired => InvoiceState::Expired,
        (true, true) => InvoiceState::Published,
        (true, false) if cancelled => InvoiceState::Cancelled,
        (true, false) if paid.is_positive() => InvoiceState::Paid,
        (true, false) => InvoiceState::Credited,
    }
}
