//! Lines of wallets: opening, holds, transfers, fees by themselves, rows nobody explains.

use ensimbi_events::Amount;
use ensimbi_events::word::{Direction, ItemKind};
use ensimbi_events::words::wallet::{
    FeeCharged, FeeReturned, FundsHeld, FundsReleased, OpeningBalanceDeclared, PurseTransferred, WalletFunded,
    WalletMovementReported,
};

use super::entry::signed;
use super::payments::wallet_takes_the_rest;
use super::{Entry, PostingError, accounts};

/// W +posted, H +held, E -sum.
pub fn opening(entry: &mut Entry<'_>, body: &OpeningBalanceDeclared) -> Result<(), PostingError> {
    let held = body.held.unwrap_or_default();
    entry.wallet(body.posted)?;
    entry.held(held)?;
    let sum = body.posted.checked_add(held).ok_or(PostingError::Overflow)?;
    entry.line(accounts::opening(entry.connection()?), signed(sum, true)?)
}

/// fees, W -.
pub fn fee_charged(entry: &mut Entry<'_>, body: &FeeCharged) -> Result<(), PostingError> {
    entry.fees(&body.fees, false)?;
    wallet_takes_the_rest(entry)
}

/// W +, returned.
pub fn fee_returned(entry: &mut Entry<'_>, body: &FeeReturned) -> Result<(), PostingError> {
    entry.fees(&body.fees, true)?;
    wallet_takes_the_rest(entry)
}

/// H +, W -.
pub fn held(entry: &mut Entry<'_>, body: &FundsHeld) -> Result<(), PostingError> {
    entry.held(body.amount)?;
    entry.wallet(signed(body.amount, true)?)
}

/// W +, H -.
pub fn released(entry: &mut Entry<'_>, body: &FundsReleased) -> Result<(), PostingError> {
    entry.wallet(body.amount)?;
    entry.held(signed(body.amount, true)?)
}

/// One currency: W(to) +in, fees, W(from) -out. Two: V +out, W(from) -out, W(to) +in, V -in.
pub fn purse_transferred(entry: &mut Entry<'_>, body: &PurseTransferred) -> Result<(), PostingError> {
    let own = entry.currency()?;
    if body.currency_in == own {
        entry.wallet_of(Some(body.to), body.amount_in)?;
        entry.fees(&body.fees, false)?;
        return entry.wallet_of(Some(body.from), signed(body.amount_out, true)?);
    }
    let fees = body.fees.iter().filter(|fee| fee.currency == own).map(|fee| fee.amount);
    let fees = Amount::checked_sum(fees).ok_or(PostingError::Overflow)?;
    let converted = body.amount_out.checked_sub(fees).ok_or(PostingError::Overflow)?;
    entry.line(accounts::CONVERSION.to_owned(), converted)?;
    entry.fees(&body.fees, false)?;
    entry.wallet_of(Some(body.from), signed(body.amount_out, true)?)?;
    entry.wallet_of(Some(body.to), body.amount_in)?;
    entry.line_in(accounts::CONVERSION.to_owned(), signed(body.amount_in, true)?, body.currency_in);
    Ok(())
}

/// W +wallet_credit, fees, B -amount.
pub fn funded(entry: &mut Entry<'_>, body: &WalletFunded) -> Result<(), PostingError> {
    entry.wallet(body.wallet_credit)?;
    entry.fees(&body.fees, false)?;
    entry.clearing(ItemKind::Transfer, entry.subject(), signed(body.amount, true)?)
}

/// W against S: the wallet surely moved. The open item is the movement's own subject.
pub fn movement(entry: &mut Entry<'_>, body: &WalletMovementReported) -> Result<(), PostingError> {
    let out = body.direction == Direction::Out;
    entry.wallet(signed(body.amount, out)?)?;
    entry.item(accounts::suspense(entry.connection()?), entry.subject(), signed(body.amount, !out)?)
}
