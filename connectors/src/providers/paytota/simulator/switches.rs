//! The switches for what nobody knows of the real server, and the figures faults need.
//!
//! Every row of section 15 of the provider facts that is about the server, with what turns it:
//!
//! | row | here |
//! |---|---|
//! | exponents | [`CurrencySettings::exponent`](super::CurrencySettings) |
//! | `reference` unique? | `unique_references` |
//! | create answer carries `event_type`? | `event_type_in_answers` |
//! | HTTP status of execute errors | `execute_errors_as_400` |
//! | payout status after insufficient_funds | `short_payout_fails` |
//! | body of a failed purchase or payout | `bare_failures` |
//! | fee sign on refunds and payouts; inside or on top | `refund_fee`, `payout_fee` |
//! | is the collection fee returned on refund? | `refund_returns_fee` |
//! | reserved/pending link | `reserve` |
//! | overdraft role | `ignore_overdraft` |
//! | collection purse to payout purse | `POST /_sim/admin` `transfer`, [`Fault::PurseTransfer`](super::Fault) |
//! | success later undone | `POST /_sim/admin` `undo`, [`Fault::PayoutUndone`](super::Fault) |
//! | chargeback payload and fee | `chargeback_unrelated`, `chargeback_fee` |
//! | CSV columns | `unknown_csv_column` |
//! | webhook timeout, content type, key rotation | [`Settings`](super::Settings), `webhook_as_text`, `/_sim/admin` `rotate_webhook_key` |
//! | rate limits | [`Fault::RateLimited`](super::Fault) |
//! | 401 body | `detail_on_401` |
//! | pagination and lists | not offered: 405 |
//! | expiry of `execution_url`, executing again after `success` | `execution_url_expires`; always refused |
//!
//! And of the other sections: `error_shape` (13), `at_due`, `charged_back_word` (5), `slow_refunds`, `slow_captures`
//! (8), `public_key` (9.3), `failure_event` (9.2), `no_order` (9.5), `sandbox_unflagged` (3), `v1_disabled` (1).

use serde::{Deserialize, Serialize};

/// The map of lists of section 13, or what one document shows instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorShape {
    /// `{"__all__":[{"message":..,"code":..}]}`
    #[default]
    List,
    /// `{"__all__":{"message":..,"code":..}}`
    Object,
}

/// What becomes of a purchase that is not paid when it is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtDue {
    /// `expired` where `due_strict` is set, else `overdue`, which can still be paid.
    #[default]
    ByDueStrict,
    /// `overdue`.
    Overdue,
    /// `expired`.
    Expired,
}

/// What a refund takes out of the collections purse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundFee {
    /// The amount, and the fee on top of it.
    #[default]
    OnTop,
    /// `net_amount`, as the stated rule has it: the amount less the fee, which counts as given back.
    Net,
}

/// What a payout takes out of the payouts purse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutFee {
    /// The amount, and the fee on top of it.
    #[default]
    OnTop,
    /// The amount; the beneficiary gets it less the fee.
    Inside,
}

/// Where what is withheld stands until it is freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reserve {
    /// In `gross_balance`, and in `reserved`.
    #[default]
    InReserved,
    /// Nowhere: `gross_balance` rises when it is freed.
    OutsideGross,
}

/// The word for a purchase whose money was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargedBackWord {
    /// As the text has it.
    #[default]
    ChargedBack,
    /// As the enumeration has it.
    Chargeback,
}

impl ChargedBackWord {
    /// The status word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ChargedBack => "charged_back",
            Self::Chargeback => "chargeback",
        }
    }
}

/// How `GET /public_key/` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublicKeyForm {
    /// A JSON string.
    #[default]
    JsonString,
    /// `{"public_key": ".."}`
    Object,
    /// The PEM itself.
    RawPem,
}

/// The event of a failed purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureEvent {
    /// `purchase.payment_failure`, as the enumeration has it.
    #[default]
    PaymentFailure,
    /// `purchase.error`, as the quick-payment page has it.
    Error,
    /// `purchase.payment_failed`, as the definitions text has it.
    PaymentFailed,
}

impl FailureEvent {
    /// The event's name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::PaymentFailure => "purchase.payment_failure",
            Self::Error => "purchase.error",
            Self::PaymentFailed => "purchase.payment_failed",
        }
    }
}

/// What nobody knows of the real server, as switches to be tried both ways. The table is at the top of this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// A reference that was used before is refused with 400.
    pub unique_references: bool,
    /// Answers carry the `event_type` of the object's last event.
    pub event_type_in_answers: bool,
    /// Errors of an execute call come as 400 instead of 200.
    pub execute_errors_as_400: bool,
    /// A payout without enough money becomes `error`, with `payout.failed`, instead of staying `initialized`.
    pub short_payout_fails: bool,
    /// A failed object has no `extra.payload` or `extra.webhook_payload`, as on the sister platform.
    pub bare_failures: bool,
    /// What a refund takes.
    pub refund_fee: RefundFee,
    /// What a payout takes.
    pub payout_fee: PayoutFee,
    /// A full refund returns the fee of the collection.
    pub refund_returns_fee: bool,
    /// Where what is withheld stands.
    pub reserve: Reserve,
    /// The overdraft does not count as available.
    pub ignore_overdraft: bool,
    /// A chargeback's payment names no purchase.
    pub chargeback_unrelated: bool,
    /// A chargeback costs a fee.
    pub chargeback_fee: bool,
    /// Statements have a column more that nobody knows.
    pub unknown_csv_column: bool,
    /// Webhooks come as `text/plain`.
    pub webhook_as_text: bool,
    /// A 401 says `{"detail": ".."}`.
    pub detail_on_401: bool,
    /// An `execution_url` is refused a day after its payout was made.
    pub execution_url_expires: bool,
    /// How errors that belong to no field are written.
    pub error_shape: ErrorShape,
    /// What becomes of a purchase at its due time.
    pub at_due: AtDue,
    /// The word after a chargeback.
    pub charged_back_word: ChargedBackWord,
    /// A refund answers with the purchase in `pending_refund` and is done later.
    pub slow_refunds: bool,
    /// A capture or release answers with `pending_capture` or `pending_release` and is done later.
    pub slow_captures: bool,
    /// How the company's key is given.
    pub public_key: PublicKeyForm,
    /// How a failed purchase is announced.
    pub failure_event: FailureEvent,
    /// Deliveries about one object do not wait for each other.
    pub no_order: bool,
    /// Sandbox money without the flag: `is_test` false although the operator is `SANDBOX`, as in the documents'
    /// samples.
    pub sandbox_unflagged: bool,
    /// The execute calls of the first generation answer that the terminal is disabled.
    pub v1_disabled: bool,
}

/// Figures that the faults need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parameters {
    /// By how much a late webhook is late, in simulated minutes.
    pub webhook_late_minutes: u32,
    /// When a final state is contradicted, money is moved by hand or a chargeback comes, in simulated minutes.
    pub later_minutes: u32,
    /// How long a connection is held before it is cut, in real milliseconds.
    pub hold_ms: u64,
    /// How long a refund waits for its own webhook before it answers, in real milliseconds.
    pub event_first_ms: u64,
    /// `Retry-After` of a 429, in seconds.
    pub retry_after_seconds: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            webhook_late_minutes: 30,
            later_minutes: 120,
            hold_ms: 15_000,
            event_first_ms: 2_000,
            retry_after_seconds: 2,
        }
    }
}
