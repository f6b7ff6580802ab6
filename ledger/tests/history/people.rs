//! What commands ask and persons decide in a random history; mostly what the book's present state allows.

use ensimbi_events::event::{Line, Lines};
use ensimbi_events::word::{Recognition, Side, Verdict};
use ensimbi_events::words::control::{AdjustmentPosted, DiscrepancyResolved};
use ensimbi_events::words::invoice::{
    InvoiceCancelled, InvoiceCredited, InvoiceDrafted, InvoiceExpired, InvoiceItemAdded, InvoiceItemChanged,
    InvoiceItemRemoved, InvoicePaid, InvoicePublished, PaymentAllocated, PaymentDeallocated,
};
use ensimbi_events::words::payment::RefundRequested;
use ensimbi_events::words::payout::WithdrawalRequested;
use ensimbi_events::{Amount, Body, Claim, EventId, Fact, SubjectId, SubjectKind};
use ensimbi_ledger::decide::state::{SubjectState, item_kind};

use super::providers::{INVOICE, PAYOUT, REFUND, WITHDRAWAL};
use super::tales::Tale;
use crate::common::say::{amount, subject};

/// One thing that our own side does.
pub fn decided(tale: &mut Tale) -> Claim {
    match tale.dice.below(14) {
        0..=3 => invoice(tale),
        4..=6 => request(tale),
        7 => allocation(tale),
        8 => deallocation(tale),
        9..=11 => adjustment(tale),
        _ => verdict(tale),
    }
}

/// Our own invoice, drafted, with an item.
pub fn begun(tale: &mut Tale) -> Vec<Claim> {
    let item = |item_id: &str, quantity: &str, unit: &str| InvoiceItemAdded {
        item_id: item_id.to_owned(),
        quantity: quantity.to_owned(),
        unit_amount: amount(unit),
        tax: Some(amount("18")),
    };
    let id = subject(INVOICE);
    let bodies: [Body; 2] = [InvoiceDrafted { party_id: None }.into(), item("a", "2.5", "40").into()];
    let claims = bodies.map(|body| command(tale, SubjectKind::Invoice, id, body));
    claims.map(|claim| tale.say.command(Fact { connection: None, wallet: None, ..claim.fact })).into()
}

/// The same, published as it stands.
pub fn issued(tale: &mut Tale) -> Claim {
    let (total, tax) = (amount("100"), amount("18"));
    let body = InvoicePublished { total, tax, recognition: Recognition::OnPublish, due: None, party_id: None };
    let claim = command(tale, SubjectKind::Invoice, subject(INVOICE), body);
    tale.say.command(Fact { connection: None, wallet: None, ..claim.fact })
}

/// The states of the book in an order that does not change from run to run.
fn states(tale: &Tale) -> Vec<(SubjectId, &SubjectState)> {
    let mut states: Vec<_> = tale.book.known.states.iter().map(|(id, state)| (*id, state)).collect();
    states.sort_by_key(|(id, _)| *id);
    states
}

fn command(tale: &mut Tale, kind: SubjectKind, id: SubjectId, body: impl Into<Body>) -> Claim {
    let occurrence = tale.unique();
    let fact = tale.say.fact(kind, id, body);
    tale.say.command(Fact { occurrence, ..fact })
}

fn invoice(tale: &mut Tale) -> Claim {
    // The first is our own, the second a provider's.
    let n = u128::from(tale.dice.below(2));
    let id = subject(INVOICE + n);
    let state = tale.book.known.states.get(&id).cloned().unwrap_or_default();
    let recognition = if n == 0 { Recognition::OnPublish } else { Recognition::OnPayment };
    let outstanding = state.invoice.as_ref().map_or(Amount::ZERO, |invoice| invoice.outstanding);
    let wild = tale.dice.once_in(8);
    let all = if wild { *tale.dice.pick(&[amount("1"), amount("0"), amount("90.01")]) } else { outstanding };
    let tax = state.invoice.as_ref().map_or(Amount::ZERO, |invoice| invoice.tax_left().min(all));
    let step = match (wild, &state.draft, &state.invoice) {
        (true, ..) => tale.dice.below(9),
        (_, None, None) => *tale.dice.pick(&[0, 4]),
        (_, Some(draft), _) if draft.items.is_empty() => *tale.dice.pick(&[1, 1, 1, 4, 6]),
        (_, Some(_), _) => *tale.dice.pick(&[1, 2, 3, 4, 4]),
        // What was paid in part is mostly called off.
        (_, None, Some(invoice)) if invoice.outstanding < invoice.total => *tale.dice.pick(&[5, 6, 6, 6, 7, 8]),
        (_, None, Some(_)) => *tale.dice.pick(&[5, 6, 7, 8]),
    };
    let body: Body = match step {
        0 => InvoiceDrafted { party_id: None }.into(),
        1 | 2 => item(tale, step == 1, &state),
        3 => InvoiceItemRemoved { item_id: item_id(tale, &state) }.into(),
        4 => published(tale, &state, recognition),
        5 => InvoiceExpired {}.into(),
        6 => InvoiceCancelled { amount: all, tax, recognition }.into(),
        7 => {
            let part = all.min(amount("33.3333"));
            InvoiceCredited { amount: part, tax: tax.min(amount("3")), recognition }.into()
        }
        _ => {
            let offline = !tale.dice.once_in(4);
            InvoicePaid { offline, amount: all, tax, recognition }.into()
        }
    };
    let claim = command(tale, SubjectKind::Invoice, id, body);
    if n == 1 {
        return claim;
    }
    tale.say.command(Fact { connection: None, wallet: None, ..claim.fact })
}

/// Mostly one that the draft has.
fn item_id(tale: &mut Tale, state: &SubjectState) -> String {
    let known = state.draft.as_ref().and_then(|draft| draft.items.first()).map(|item| item.item_id.clone());
    known.filter(|_| !tale.dice.once_in(5)).unwrap_or_else(|| "z".to_owned())
}

fn item(tale: &mut Tale, new: bool, state: &SubjectState) -> Body {
    let item_id = if new { tale.dice.pick(&["a", "b", "c", ""]).to_string() } else { item_id(tale, state) };
    let quantity = tale.dice.pick(&["1", "2.5", "3", "0.3333", "0"]).to_string();
    let unit_amount = *tale.dice.pick(&[amount("40"), amount("25.5"), amount("0.01"), amount("0")]);
    let tax = tale.dice.once_in(2).then(|| amount("1.5"));
    match new {
        true => InvoiceItemAdded { item_id, quantity, unit_amount, tax }.into(),
        false => InvoiceItemChanged { item_id, quantity, unit_amount, tax }.into(),
    }
}

fn published(tale: &mut Tale, state: &SubjectState, recognition: Recognition) -> Body {
    let items = state.draft.iter().flat_map(|draft| &draft.items);
    let sums = items.fold((0, 0), |(total, tax), item| (total + item.total.scaled(), tax + item.tax.scaled()));
    let (total, tax) = if sums.0 == 0 || tale.dice.once_in(6) { (2_500_000, 380_000) } else { sums };
    let (total, tax) = (Amount::from_scaled(total), Amount::from_scaled(tax));
    InvoicePublished { total, tax, recognition, due: None, party_id: None }.into()
}

fn request(tale: &mut Tale) -> Claim {
    let n = u128::from(tale.dice.below(2));
    match tale.dice.below(4) {
        0 => {
            let body = WithdrawalRequested { attempt: 1, amount: usual(WITHDRAWAL + n), reserve: amount("700") };
            tale.say.command(tale.say.fact(SubjectKind::Transfer, subject(WITHDRAWAL + n), body))
        }
        1 => {
            let asked = Amount::from_scaled(usual(n).scaled() / 4);
            let body = RefundRequested { payment_id: subject(n), attempt: 1, amount: asked, reserve: amount("300") };
            tale.say.command(tale.say.fact(SubjectKind::Refund, subject(REFUND + n), body))
        }
        _ => {
            let attempt = 1 + u32::from(tale.dice.once_in(3));
            let reserve = tale.dice.pick(&["400", "900", "60000"]).to_string();
            tale.say.payout_requested(PAYOUT + n, attempt, &usual(PAYOUT + n).to_string(), &reserve)
        }
    }
}

/// The figure that the provider usually tells of an object.
fn usual(n: u128) -> Amount {
    Amount::from_scaled(1_000_000 + (n as i64 % 7) * 1_333_333)
}

/// An open item goes to an account or an invoice, in part, in full, or (refused) beyond.
fn allocation(tale: &mut Tale) -> Claim {
    let open: Vec<(SubjectId, SubjectKind, i64)> = states(tale)
        .iter()
        .filter(|(_, state)| !state.item.is_zero())
        .filter_map(|(id, state)| Some((*id, state.kind?, state.item.scaled())))
        .collect();
    if open.is_empty() {
        return tale.say.allocated(SubjectKind::Payment, 0, Side::Credit, "1", "income:sales");
    }
    let (item, kind, sum) = *tale.dice.pick(&open);
    let item_side = if sum < 0 { Side::Credit } else { Side::Debit };
    let size = sum.abs();
    let mut part = *tale.dice.pick(&[size, size, size / 2 + 1, size + 1]);
    let invoice = states(tale).into_iter().find_map(|(id, state)| {
        let invoice = state.invoice.as_ref().filter(|invoice| invoice.outstanding.is_positive())?;
        Some((id, invoice.recognition, invoice.outstanding.scaled()))
    });
    let (account, invoice_id) = match invoice.filter(|_| item_side == Side::Credit && tale.dice.once_in(2)) {
        Some((id, recognition, outstanding)) => {
            part = part.min(outstanding);
            let account = if recognition == Recognition::OnPublish { "assets:receivable" } else { "income:sales" };
            (account, Some(id))
        }
        None => ("income:other", None),
    };
    let body = PaymentAllocated {
        item,
        item_kind: item_kind(kind),
        item_side,
        amount: Amount::from_scaled(part),
        account: account.to_owned(),
        invoice_id,
        target_amount: None,
        tax: None,
        policy: None,
    };
    command(tale, kind, item, body)
}

fn deallocation(tale: &mut Tale) -> Claim {
    let standing: Vec<_> = states(tale)
        .iter()
        .flat_map(|(id, state)| state.allocations.iter().map(|allocation| (*id, state.kind, allocation.clone())))
        .collect();
    if standing.is_empty() {
        return verdict(tale);
    }
    let (item, kind, allocation) = tale.dice.pick(&standing).clone();
    let whole = allocation.amount;
    let part = *tale.dice.pick(&[whole, whole, Amount::from_scaled(whole.scaled() / 2 + 1)]);
    let kind = kind.unwrap_or(SubjectKind::Payment);
    let body = PaymentDeallocated {
        allocation: allocation.event_id,
        item,
        item_kind: item_kind(kind),
        item_side: allocation.side,
        amount: part,
        account: allocation.account,
        invoice_id: allocation.invoice,
        target_amount: allocation.money,
        tax: (part == whole && !allocation.tax.is_zero()).then_some(allocation.tax),
    };
    command(tale, kind, item, body)
}

/// A payer keeps tax back: the receivable is settled by it; or that was a mistake, and is taken back.
fn adjustment(tale: &mut Tale) -> Claim {
    let events = tale.book.sealed.iter().map(|sealed| &sealed.event);
    let posted = events.filter_map(|event| match &event.fact.body {
        Body::AdjustmentPosted(body) => Some((event.record.event_id, body.lines.clone())),
        _ => None,
    });
    let posted: Vec<_> = posted.collect();
    if !posted.is_empty() && !tale.dice.once_in(4) {
        // Mostly the first: so that some are tried a second time.
        let (of, lines) = tale.dice.pick(&posted[..posted.len().div_ceil(2)]).clone();
        return reversal(tale, of, lines);
    }
    let line = |n, account: &str, figure: &str, open_item| Line {
        n,
        account: account.to_owned(),
        currency: tale.say.currency,
        amount: amount(figure),
        open_item,
        payment_id: None,
        component: None,
        bearer: None,
    };
    let lines = vec![
        line(1, "assets:tax:withholding", "2.5", None),
        line(2, "assets:receivable", "-2.5", Some(subject(INVOICE))),
    ];
    let (actor_id, reason) = ("person-1".to_owned(), "tax certificate".to_owned());
    let body = AdjustmentPosted { actor_id, reason, lines: Lines(lines), approver_id: None, reversal_of: None };
    let claim = command(tale, SubjectKind::Book, subject(0xbb), body);
    tale.say.command(Fact { connection: None, wallet: None, ..claim.fact })
}

/// The opposite of an entry, in the one form that a reversal has.
fn reversal(tale: &mut Tale, of: EventId, mut lines: Lines) -> Claim {
    for line in &mut lines.0 {
        line.amount = Amount::from_scaled(-line.amount.scaled());
    }
    let (actor_id, reason) = ("person-1".to_owned(), tale.unique());
    let body = AdjustmentPosted { actor_id, reason, lines, approver_id: None, reversal_of: Some(of) };
    let fact = tale.say.fact(SubjectKind::Book, subject(0xbb), body);
    let (object_kind, object_id) = (Some("reversal".to_owned()), Some(of.to_string()));
    tale.say.command(Fact { connection: None, wallet: None, object_kind, object_id, ..fact })
}

fn verdict(tale: &mut Tale) -> Claim {
    let open: Vec<_> = states(tale)
        .iter()
        .flat_map(|(id, state)| state.doubts.iter().map(|doubt| (*id, state.kind, doubt.clone())))
        .collect();
    if open.is_empty() {
        return invoice(tale);
    }
    let (id, kind, doubt) = tale.dice.pick(&open).clone();
    let moved = doubt.kind == ensimbi_events::codes::DiscrepancyKind::UnexplainedMovement;
    let verdict = match (moved, tale.dice.once_in(8)) {
        (true, false) | (false, true) => Verdict::Move,
        _ => *tale.dice.pick(&[Verdict::Accept, Verdict::Reject]),
    };
    let target = (verdict == Verdict::Move).then(|| "liabilities:customers".to_owned());
    let (actor_id, reason) = ("person-1".to_owned(), "checked".to_owned());
    let body = DiscrepancyResolved { discrepancy: doubt.event_id, verdict, actor_id, reason, target };
    let fact = tale.say.fact(kind.unwrap_or(SubjectKind::Payment), id, body);
    tale.say.command(Fact { occurrence: doubt.event_id.to_string(), ..fact })
}
