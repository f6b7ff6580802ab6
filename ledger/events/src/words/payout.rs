//! Payouts, withdrawals and what reserves money before a provider call.

use crate::word::{Fee, record};
use crate::{Amount, Money};

macro_rules! requested {
    ($($(#[$meta:meta])* $name:ident),* $(,)?) => {$(
        record! {
            $(#[$meta])*
            $name {
                /// Which attempt of the intent.
                attempt: u32,
                /// What is to leave.
                amount: Amount,
                /// Amount plus the highest plausible fee.
                reserve: Amount,
            } maybe {} many {}
        }
    )*};
}

macro_rules! failed {
    ($($(#[$meta:meta])* $name:ident),* $(,)?) => {$(
        record! {
            $(#[$meta])*
            $name {
                /// Which attempt.
                attempt: u32,
                /// What was asked.
                amount: Amount,
                /// Whether the provider can still change its mind.
                is_final: bool,
                /// The provider's words.
                reason: String,
            } maybe {} many {}
        }
    )*};
}

requested! {
    /// We asked for a payout; the reserve stands until it ends.
    PayoutRequested,
    /// We asked to move money to our own bank.
    WithdrawalRequested,
}

failed! {
    /// A payout came to nothing.
    PayoutFailed,
    /// A withdrawal came to nothing.
    WithdrawalFailed,
}

record! {
    /// The provider works on a payout.
    PayoutPending {
        /// What is to leave.
        amount: Amount,
    } maybe {
        /// Which attempt.
        attempt: u32,
    } many {}
}

record! {
    /// A payout left the wallet. wallet_debit = amount + merchant fees.
    PayoutSucceeded {
        /// What the beneficiary's account is owed.
        amount: Amount,
        /// What the wallet lost.
        wallet_debit: Amount,
    } maybe {
        /// Which attempt, where we asked.
        attempt: u32,
        /// What the beneficiary got: amount less beneficiary fees.
        beneficiary: Money,
    } many {
        /// Fees of every bearer.
        fees: Fee,
    }
}

record! {
    /// A payout came back.
    PayoutReversed {
        /// How much of it.
        amount: Amount,
        /// What came back to the wallet.
        wallet_credit: Amount,
    } maybe {} many {
        /// Fees given back.
        returned: Fee,
        /// Fees charged for it.
        fees: Fee,
    }
}

record! {
    /// Money went from the wallet to our own bank.
    WithdrawalSucceeded {
        /// What the bank is to get.
        amount: Amount,
        /// What the wallet lost.
        wallet_debit: Amount,
    } maybe {
        /// Which attempt, where we asked.
        attempt: u32,
    } many {
        /// Fees.
        fees: Fee,
    }
}

record! {
    /// A withdrawal came back.
    WithdrawalReversed {
        /// How much of it.
        amount: Amount,
        /// What came back to the wallet.
        wallet_credit: Amount,
    } maybe {} many {
        /// Fees given back.
        returned: Fee,
    }
}
