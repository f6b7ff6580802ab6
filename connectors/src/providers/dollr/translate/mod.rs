//! Their bytes to our statements. Pure: the bytes and the connection's options decide, nothing else.
//!
//! One kind of read states the money of a collection: its execution's status beside its source, since only the source
//! tells the total and who bears the fees; of a hosted checkout, the receipt. A receipt brings the fees, whichever read
//! it came with. Of a payout every answer states all there is.
//!
//! `execution` reads what every execution has; `collection`, `hosted`, `payout`, `transfer` and `refund` say what it
//! means; `settled` holds the sums of a collection; `source` is the invoice or order, `receipt` its fees.

use super::kind;
use super::wire::{self, unreadable};
use crate::connector::{Input, Translation, Unreadable};

mod collection;
mod execution;
mod hosted;
mod payout;
mod receipt;
mod refund;
mod settled;
mod source;
mod transfer;

/// Reads one set of bytes.
///
/// # Errors
/// [`Unreadable`]: the bytes are quarantined.
pub fn translate(input: Input<'_>) -> Result<Translation, Unreadable> {
    let text = wire::body(input.body)?;
    match input.kind {
        kind::COLLECTION => collection::read(text, &input),
        kind::HOSTED => hosted::read(text, &input),
        kind::EXECUTION => execution::answered(text),
        kind::PAYOUT_STATUS => payout::read(text),
        kind::TRANSFER_STATUS => transfer::read(text),
        kind::REFUND_STATUS => refund::read(text),
        kind::SOURCE => source::read(text, &input),
        kind::RECEIPT => receipt::read(text, &input),
        kind::MERCHANT => wire::merchant(text).map(|_| Translation::default()),
        kind::FEE_TIERS => wire::tiers(text).map(|()| Translation::default()),
        _ => Err(unreadable("kind", "not a kind of this connector")),
    }
}

/// A word of theirs that is counted; what is no machine's word is not shown.
fn counted(field: &str, word: &str) -> String {
    format!("{field}:{}", if wire::is_word(word) { word } else { "?" })
}
