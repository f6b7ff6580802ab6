//! Posting rules, version 1: a fact becomes balanced lines (`bookkeeping.md` section 3).
//!
//! Pure: a function of the fact, the book's configuration and what is known of the fact's own subject, so that `verify`
//! can redo every entry. Whether an event posts at all (withheld, before the opening) is decided elsewhere.

pub mod accounts;
mod control;
mod entry;
mod invoices;
mod payments;
mod payouts;
mod wallets;

use ensimbi_events::config::BookConfig;
use ensimbi_events::event::Lines;
use ensimbi_events::{Amount, Body, Currency, Fact};

use crate::decide::state::SubjectState;

pub use entry::Entry;

/// The version that the record layer names.
pub const RULES: u32 = 1;

/// Why a fact has no valid entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostingError {
    /// A sum left the range of the ledger.
    #[error("an amount is beyond the ledger's range")]
    Overflow,
    /// The lines are not zero in a currency: the fact contradicts itself.
    #[error("the lines leave {amount} {currency} over")]
    Unbalanced {
        /// What is left.
        amount: Amount,
        /// In which currency.
        currency: Currency,
    },
    /// The fact names something that the configuration does not have, or lacks a field its lines need.
    #[error("{0}")]
    Incomplete(&'static str),
}

/// The lines of a fact, balanced per currency; empty where its word has none.
///
/// # Errors
/// See [`PostingError`].
pub fn post(fact: &Fact, config: &BookConfig, subject: &SubjectState) -> Result<Lines, PostingError> {
    if let Body::DiscrepancyResolved(body) = &fact.body {
        return control::resolved(fact, body, config, subject);
    }
    let mut entry = Entry::new(fact, config);
    match &fact.body {
        Body::OpeningBalanceDeclared(body) => wallets::opening(&mut entry, body)?,
        Body::CollectionSucceeded(body) => payments::succeeded(&mut entry, body)?,
        Body::CollectionReversed(body) => payments::reversed(&mut entry, body)?,
        Body::RefundSucceeded(body) => payments::refunded(&mut entry, body)?,
        Body::RefundReversed(body) => payments::refund_reversed(&mut entry, body)?,
        Body::ChargebackOpened(body) => payments::dispute_opened(&mut entry, body)?,
        Body::ChargebackClosed(body) => payments::dispute_closed(&mut entry, body)?,
        Body::FeesReported(body) => payments::fees_reported(&mut entry, body, &subject.unitemised)?,
        Body::PayoutSucceeded(body) => payouts::succeeded(&mut entry, body)?,
        Body::PayoutReversed(body) => payouts::reversed(&mut entry, body)?,
        Body::WithdrawalSucceeded(body) => payouts::withdrawn(&mut entry, body)?,
        Body::WithdrawalReversed(body) => payouts::withdrawal_reversed(&mut entry, body)?,
        Body::FeeCharged(body) => wallets::fee_charged(&mut entry, body)?,
        Body::FeeReturned(body) => wallets::fee_returned(&mut entry, body)?,
        Body::FundsHeld(body) => wallets::held(&mut entry, body)?,
        Body::FundsReleased(body) => wallets::released(&mut entry, body)?,
        Body::PurseTransferred(body) => wallets::purse_transferred(&mut entry, body)?,
        Body::WalletFunded(body) => wallets::funded(&mut entry, body)?,
        Body::WalletMovementReported(body) => wallets::movement(&mut entry, body)?,
        Body::InvoicePublished(body) => invoices::published(&mut entry, body)?,
        Body::InvoiceCredited(body) => invoices::lowered(&mut entry, body.amount, body.tax, body.recognition)?,
        Body::InvoiceCancelled(body) => invoices::lowered(&mut entry, body.amount, body.tax, body.recognition)?,
        Body::InvoicePaid(body) => invoices::paid(&mut entry, body)?,
        Body::PaymentAllocated(body) => invoices::allocated(&mut entry, body)?,
        Body::PaymentDeallocated(body) => invoices::deallocated(&mut entry, body)?,
        Body::AdjustmentPosted(body) => control::adjustment(&mut entry, &body.lines)?,
        Body::CorrectionPosted(body) => control::as_written(&mut entry, &body.lines)?,
        _ => {}
    }
    entry.finish()
}
