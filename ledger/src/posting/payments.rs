//! Lines of collections, their reversals, refunds, disputes and later fees.

use std::collections::BTreeMap;

use ensimbi_events::word::{Fee, FeesMode, ItemKind};
use ensimbi_events::words::dispute::{ChargebackClosed, ChargebackOpened};
use ensimbi_events::words::payment::{
    CollectionReversed, CollectionSucceeded, FeesReported, RefundReversed, RefundSucceeded,
};
use ensimbi_events::{Amount, Currency};

use super::entry::signed;
use super::{Entry, PostingError, accounts};

/// W +net, H +held, fees, C -gross; with a foreign fee, V +residual and V -fee.
pub fn succeeded(entry: &mut Entry<'_>, body: &CollectionSucceeded) -> Result<(), PostingError> {
    entry.wallet(body.net)?;
    entry.held(body.held.unwrap_or_default())?;
    entry.fees(&body.fees, false)?;
    entry.clearing(ItemKind::Payment, entry.subject(), signed(body.gross, true)?)?;
    entry.bridge(&body.fees)
}

/// C +amount, returned, fees, W -from_wallet, H -from_held.
pub fn reversed(entry: &mut Entry<'_>, body: &CollectionReversed) -> Result<(), PostingError> {
    entry.clearing(ItemKind::Payment, entry.subject(), body.amount)?;
    entry.fees(&body.returned, true)?;
    entry.fees(&body.fees, false)?;
    entry.wallet(signed(body.from_wallet, true)?)?;
    entry.held(signed(body.from_held.unwrap_or_default(), true)?)
}

/// C +amount, fees, returned, W -wallet_debit; on the item of the payment it returns.
pub fn refunded(entry: &mut Entry<'_>, body: &RefundSucceeded) -> Result<(), PostingError> {
    entry.clearing(ItemKind::Payment, body.payment_id, body.amount)?;
    entry.fees(&body.fees, false)?;
    entry.fees(&body.returned, true)?;
    entry.wallet(signed(body.wallet_debit, true)?)
}

/// W +wallet_credit, returned, C -amount.
pub fn refund_reversed(entry: &mut Entry<'_>, body: &RefundReversed) -> Result<(), PostingError> {
    entry.wallet(body.wallet_credit)?;
    entry.fees(&body.returned, true)?;
    entry.clearing(ItemKind::Payment, body.payment_id, signed(body.amount, true)?)
}

/// D +debited, fees, W -(debited + fees).
pub fn dispute_opened(entry: &mut Entry<'_>, body: &ChargebackOpened) -> Result<(), PostingError> {
    let connection = entry.connection()?;
    entry.item(accounts::disputed(connection), entry.subject(), body.debited)?;
    entry.fees(&body.fees, false)?;
    wallet_takes_the_rest(entry)
}

/// D +debited_now -(won + lost), C +lost, fees, returned, W the rest.
pub fn dispute_closed(entry: &mut Entry<'_>, body: &ChargebackClosed) -> Result<(), PostingError> {
    let connection = entry.connection()?;
    let ended = body.won.checked_add(body.lost).ok_or(PostingError::Overflow)?;
    let disputed = body.debited_now.checked_sub(ended).ok_or(PostingError::Overflow)?;
    entry.item(accounts::disputed(connection), entry.subject(), disputed)?;
    entry.clearing(ItemKind::Payment, body.payment_id, body.lost)?;
    entry.fees(&body.fees, false)?;
    entry.fees(&body.returned, true)?;
    wallet_takes_the_rest(entry)
}

/// `itemise`: the list in, the standing figure out, conversion for foreign parts. `extra`: fees, W -.
pub fn fees_reported(entry: &mut Entry<'_>, body: &FeesReported, standing: &[Fee]) -> Result<(), PostingError> {
    if body.mode == FeesMode::Extra {
        entry.fees(&body.fees, false)?;
        return wallet_takes_the_rest(entry);
    }
    entry.fees_instead(&body.fees, standing)?;
    // Without a foreign fee the sums must agree; the entry refuses to balance otherwise.
    entry.bridge(&body.fees)
}

/// W takes what is left in the wallet's currency.
pub fn wallet_takes_the_rest(entry: &mut Entry<'_>) -> Result<(), PostingError> {
    let sums: BTreeMap<Currency, Amount> = entry.sums()?;
    let own = sums.get(&entry.currency()?).copied().unwrap_or_default();
    entry.wallet(signed(own, true)?)
}
