//! What a line on a fee account was told with: the provider's field, and whether the figure was stated or derived.

use ensimbi_events::event::Line;
use ensimbi_events::word::{Fee, FigureSource};
use ensimbi_events::{Body, Event, SubjectId};

use super::row::Settled;
use crate::word::words;

words! {
    /// Which way the money of a payment went.
    FlowDirection {
        /// Into a wallet: collections and top-ups. What is refunded or charged back of them stays with them.
        In = "in",
        /// Out of a wallet: payouts and withdrawals.
        Out = "out",
        /// From one purse to another.
        Between = "between",
    }
}

/// The payment that a word of another subject names.
pub(super) fn named_payment(body: &Body) -> Option<SubjectId> {
    match body {
        Body::FeesReported(body) => Some(body.payment_id),
        Body::FeeCharged(body) => body.payment_id,
        Body::FeeReturned(body) => body.payment_id,
        Body::CorrectionPosted(body) => body.payment_id,
        _ => None,
    }
}

/// Every fee that a word carries, whichever way it goes.
pub(super) fn carried(body: &Body) -> Vec<&Fee> {
    match body {
        Body::CollectionSucceeded(b) => b.fees.iter().collect(),
        Body::CollectionReversed(b) => b.returned.iter().chain(&b.fees).collect(),
        Body::FeesReported(b) => b.fees.iter().collect(),
        Body::RefundSucceeded(b) => b.fees.iter().chain(&b.returned).collect(),
        Body::RefundReversed(b) => b.returned.iter().collect(),
        Body::ChargebackOpened(b) => b.fees.iter().collect(),
        Body::ChargebackClosed(b) => b.fees.iter().chain(&b.returned).collect(),
        Body::PayoutSucceeded(b) => b.fees.iter().collect(),
        Body::PayoutReversed(b) => b.fees.iter().chain(&b.returned).collect(),
        Body::WithdrawalSucceeded(b) => b.fees.iter().collect(),
        Body::WithdrawalReversed(b) => b.returned.iter().collect(),
        Body::WalletFunded(b) => b.fees.iter().collect(),
        Body::PurseTransferred(b) => b.fees.iter().collect(),
        Body::FeeCharged(b) => b.fees.iter().collect(),
        Body::FeeReturned(b) => b.fees.iter().collect(),
        _ => Vec::new(),
    }
}

/// What is known of a line's figure, each only where exactly one can be meant.
#[derive(Default)]
pub(super) struct Told {
    pub label: Option<String>,
    pub source: Option<FigureSource>,
}

/// From the fees of the event itself; else from those of the payment's success, which a correction, a verdict or an
/// itemised list takes back or replaces.
pub(super) fn told(event: &Event, known: Option<&Settled>, line: &Line, component: &str, bearer: &str) -> Told {
    let own = carried(&event.fact.body);
    let alike = |fee: &&&Fee| {
        fee.component.as_str() == component && fee.bearer.as_str() == bearer && fee.currency == line.currency
    };
    let first: Vec<&Fee> = known.into_iter().flat_map(|known| &known.fees).collect();
    let fees = if own.iter().any(|fee| alike(&fee)) { own } else { first };
    let fees: Vec<&Fee> = fees.iter().filter(alike).copied().collect();
    let size = line.amount.scaled().unsigned_abs();
    let same_size: Vec<&Fee> = fees.iter().filter(|fee| fee.amount.scaled().unsigned_abs() == size).copied().collect();
    let pick = |fees: &[&Fee]| Told {
        label: only(fees.iter().map(|fee| fee.label.as_str())).map(str::to_owned),
        source: only(fees.iter().map(|fee| fee.source)),
    };
    let (all, sized) = (pick(&fees), pick(&same_size));
    Told { label: all.label.or(sized.label), source: all.source.or(sized.source) }
}

/// The value that all of them have, if they have one in common.
fn only<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}
