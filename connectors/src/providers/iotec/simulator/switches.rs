//! The switches for what nobody knows of the real server (provider facts, section 14), and the figures faults need.

use serde::{Deserialize, Serialize};

/// Which record a look-up by external id gives where several share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookup {
    /// The newest.
    #[default]
    Newest,
    /// The oldest.
    Oldest,
    /// All of them, newest first, as a JSON array.
    Array,
}

/// How fees are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeRounding {
    /// Exact to four places.
    #[default]
    Exact,
    /// Two places, half up.
    TwoPlaces,
}

/// Who is debited what under `ChargeCustomer` (provider facts, section 9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeCustomer {
    /// Reading A: the payer pays amount and fee, the wallet nets the amount; the fee never touches the wallet.
    #[default]
    A,
    /// Reading B: the payer pays the amount, the wallet nets amount less fee, as under `ChargeWallet`.
    B,
}

/// Where the fee of a payout goes (provider facts, section 9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutFee {
    /// The wallet gives amount and fee, the payee gets the amount.
    #[default]
    OnTop,
    /// The wallet gives the amount, the payee gets amount less fee.
    Inside,
}

/// When the wallet is debited for a payout (provider facts, section 14, 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutDebit {
    /// When it is accepted; a failure puts the money back by rows of its own.
    #[default]
    AtAcceptance,
    /// When it succeeds.
    OnSuccess,
}

/// When a payout that waits for a decision or its time counts as accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldPayouts {
    /// When it is let go.
    #[default]
    OnRelease,
    /// When it is made.
    AtCreation,
}

/// What becomes of a payout above what the wallet has (provider facts, section 14, 24).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShortBalance {
    /// 400 at creation.
    #[default]
    Refused,
    /// Accepted, then `Failed` with `not-enough-funds`.
    Failed,
}

/// What nobody knows of the real server, as switches to be tried both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Look-up by an external id that several records share.
    pub lookup: Lookup,
    /// Rounding of fees.
    pub fee_rounding: FeeRounding,
    /// Reading of `ChargeCustomer`.
    pub charge_customer: ChargeCustomer,
    /// A rollback takes the amount back and leaves the fee charged.
    pub rollback_keeps_fee: bool,
    /// 401 and 404 with an empty body.
    pub empty_error_bodies: bool,
    /// Request fields outside the schema are refused with 400.
    pub refuse_unknown_fields: bool,
    /// Amounts with a fraction, and amounts as strings, are refused with 400.
    pub refuse_fractions: bool,
    /// The create call answers with the outcome at once.
    pub immediate_outcome: bool,
    /// Where the fee of a payout goes.
    pub payout_fee: PayoutFee,
    /// When the wallet is debited for a payout.
    pub payout_debit: PayoutDebit,
    /// When a payout that waits for a decision or its time is debited, where payouts are debited at acceptance; also
    /// when its funds are first looked at.
    pub held_payouts: HeldPayouts,
    /// What becomes of a payout above what the wallet has.
    pub short_balance: ShortBalance,
    /// `availableBalance` is lower by what payouts on their way will still take, instead of equal to `actualBalance`.
    pub available_holds_in_flight: bool,
    /// The organisation has maker-checker on: a payout waits for a decision first.
    pub maker_checker: bool,
    /// A bank payout whose account number does not fit the bank's `accountNumberRegex` is refused with 400.
    pub check_account_numbers: bool,
    /// The deprecated callback fields of a wallet answer are filled, the secret header value among them.
    pub show_callback_secret: bool,
    /// The `rollback` flag stands on the rows that were reversed instead of on the reversing ones.
    pub rollback_flag_on_reversed: bool,
    /// Fields of a collection or payout that are null, and empty lists, are left out.
    pub omit_nulls: bool,
    /// `wallet` has the wallet's id instead of a null pair.
    pub name_wallet: bool,
    /// Callbacks about payouts go only where one is registered for them, instead of to that of collections as well.
    pub callbacks_by_category_only: bool,
}

/// Figures that the faults need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parameters {
    /// By how much a late callback is late, in simulated minutes.
    pub callback_late_minutes: u32,
    /// When a final state is contradicted, in simulated minutes after it.
    pub rolled_back_after_minutes: u32,
    /// How long a connection is held before it is cut, in real milliseconds.
    pub hold_ms: u64,
    /// How long a create call waits for its own callback, in real milliseconds.
    pub callback_before_answer_ms: u64,
    /// `Retry-After` of a 429, in seconds.
    pub retry_after_seconds: u32,
    /// Until when after a creation a look-up may find nothing, in simulated seconds.
    pub not_found_seconds: u32,
    /// Most payouts on one page of the history, whatever is asked for.
    pub history_page_max: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            callback_late_minutes: 30,
            rolled_back_after_minutes: 120,
            hold_ms: 15_000,
            callback_before_answer_ms: 2_000,
            retry_after_seconds: 2,
            not_found_seconds: 60,
            history_page_max: 5_000,
        }
    }
}
