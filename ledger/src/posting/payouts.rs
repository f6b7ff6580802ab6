//! Lines of payouts and withdrawals.

use ensimbi_events::word::ItemKind;
use ensimbi_events::words::payout::{PayoutReversed, PayoutSucceeded, WithdrawalReversed, WithdrawalSucceeded};

use super::entry::signed;
use super::{Entry, PostingError};

/// P +amount, fees, W -wallet_debit.
pub fn succeeded(entry: &mut Entry<'_>, body: &PayoutSucceeded) -> Result<(), PostingError> {
    entry.clearing(ItemKind::Payout, entry.subject(), body.amount)?;
    entry.fees(&body.fees, false)?;
    entry.wallet(signed(body.wallet_debit, true)?)
}

/// W +wallet_credit, returned, fees, P -amount.
pub fn reversed(entry: &mut Entry<'_>, body: &PayoutReversed) -> Result<(), PostingError> {
    entry.wallet(body.wallet_credit)?;
    entry.fees(&body.returned, true)?;
    entry.fees(&body.fees, false)?;
    entry.clearing(ItemKind::Payout, entry.subject(), signed(body.amount, true)?)
}

/// B +amount, fees, W -wallet_debit.
pub fn withdrawn(entry: &mut Entry<'_>, body: &WithdrawalSucceeded) -> Result<(), PostingError> {
    entry.clearing(ItemKind::Transfer, entry.subject(), body.amount)?;
    entry.fees(&body.fees, false)?;
    entry.wallet(signed(body.wallet_debit, true)?)
}

/// W +wallet_credit, returned, B -amount.
pub fn withdrawal_reversed(entry: &mut Entry<'_>, body: &WithdrawalReversed) -> Result<(), PostingError> {
    entry.wallet(body.wallet_credit)?;
    entry.fees(&body.returned, true)?;
    entry.clearing(ItemKind::Transfer, entry.subject(), signed(body.amount, true)?)
}
