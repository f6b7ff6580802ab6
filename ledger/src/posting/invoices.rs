//! Lines of invoices and allocations.

use ensimbi_events::word::{ItemKind, Recognition, Side};
use ensimbi_events::words::invoice::{InvoicePaid, InvoicePublished, PaymentAllocated, PaymentDeallocated};
use ensimbi_events::{Amount, Money, SubjectId};

use super::entry::signed;
use super::{Entry, PostingError, accounts};

/// `on_publish`: R +total, I -(total - tax), T -tax. `on_payment`: none.
pub fn published(entry: &mut Entry<'_>, body: &InvoicePublished) -> Result<(), PostingError> {
    if body.recognition == Recognition::OnPayment {
        return Ok(());
    }
    entry.item(accounts::RECEIVABLE.to_owned(), entry.subject(), body.total)?;
    income(entry, body.total, body.tax, true)
}

/// `on_publish`: I +, T +, R -. `on_payment`: none.
pub fn lowered(entry: &mut Entry<'_>, amount: Amount, tax: Amount, when: Recognition) -> Result<(), PostingError> {
    if when == Recognition::OnPayment {
        return Ok(());
    }
    income(entry, amount, tax, false)?;
    entry.item(accounts::RECEIVABLE.to_owned(), entry.subject(), signed(amount, true)?)
}

/// Offline: O +, R - (or I, T). Else none: it only cross-checks.
pub fn paid(entry: &mut Entry<'_>, body: &InvoicePaid) -> Result<(), PostingError> {
    if !body.offline {
        return Ok(());
    }
    entry.clearing(ItemKind::Offline, entry.subject(), body.amount)?;
    match body.recognition {
        Recognition::OnPublish => {
            entry.item(accounts::RECEIVABLE.to_owned(), entry.subject(), signed(body.amount, true)?)
        }
        Recognition::OnPayment => income(entry, body.amount, body.tax, true),
    }
}

/// The item towards zero, the target opposite.
pub fn allocated(entry: &mut Entry<'_>, body: &PaymentAllocated) -> Result<(), PostingError> {
    let item = Item { kind: body.item_kind, item: body.item, amount: body.amount };
    let target = Target::new(&body.account, body.invoice_id, body.target_amount, body.tax);
    item_and_target(entry, &item, &target, body.item_side == Side::Credit)
}

/// That allocation's lines, opposite.
pub fn deallocated(entry: &mut Entry<'_>, body: &PaymentDeallocated) -> Result<(), PostingError> {
    let item = Item { kind: body.item_kind, item: body.item, amount: body.amount };
    let target = Target::new(&body.account, body.invoice_id, body.target_amount, body.tax);
    item_and_target(entry, &item, &target, body.item_side == Side::Debit)
}

struct Item {
    kind: ItemKind,
    item: SubjectId,
    amount: Amount,
}

struct Target<'a> {
    account: &'a str,
    invoice: Option<SubjectId>,
    money: Option<Money>,
    tax: Amount,
}

impl<'a> Target<'a> {
    fn new(account: &'a str, invoice: Option<SubjectId>, money: Option<Money>, tax: Option<Amount>) -> Self {
        Self { account, invoice, money, tax: tax.unwrap_or_default() }
    }
}

/// `plus`: the item's line is a debit (its balance stood on the credit side), the target's a credit.
fn item_and_target(entry: &mut Entry<'_>, item: &Item, target: &Target<'_>, plus: bool) -> Result<(), PostingError> {
    if !accounts::is_path(target.account) {
        return Err(PostingError::Incomplete("the target is no account path"));
    }
    entry.clearing(item.kind, item.item, signed(item.amount, !plus)?)?;
    if let Some(money) = target.money {
        entry.line(accounts::CONVERSION.to_owned(), signed(item.amount, plus)?)?;
        entry.line_in(accounts::CONVERSION.to_owned(), signed(money.amount, !plus)?, money.currency);
        let (account, other) = (target.account.to_owned(), signed(money.amount, plus)?);
        match target.invoice {
            Some(invoice) if accounts::has_open_items(target.account) => {
                entry.item_in(account, invoice, other, money.currency);
            }
            _ => entry.line_in(account, other, money.currency),
        }
        return Ok(());
    }
    let without_tax = item.amount.checked_sub(target.tax).ok_or(PostingError::Overflow)?;
    match target.invoice {
        Some(invoice) if accounts::has_open_items(target.account) => {
            entry.item(target.account.to_owned(), invoice, signed(without_tax, plus)?)?;
        }
        _ => entry.line(target.account.to_owned(), signed(without_tax, plus)?)?,
    }
    entry.line(accounts::TAX_OUTPUT.to_owned(), signed(target.tax, plus)?)
}

/// I and T, as credits (`credit`) or debits.
fn income(entry: &mut Entry<'_>, amount: Amount, tax: Amount, credit: bool) -> Result<(), PostingError> {
    let without_tax = amount.checked_sub(tax).ok_or(PostingError::Overflow)?;
    entry.line(accounts::SALES.to_owned(), signed(without_tax, credit)?)?;
    entry.line(accounts::TAX_OUTPUT.to_owned(), signed(tax, credit)?)
}
