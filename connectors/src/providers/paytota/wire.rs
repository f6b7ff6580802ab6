//! Paytota's JSON, as it arrives: the objects it is made of, its times and its money, on the ground that [`crate::json`]
//! lays.

use ensimbi_events::{Amount, Currency, Time};

use super::options::Currencies;
use crate::connector::Unreadable;
/// A decimal number that is no money (a quantity, a percentage), exact.
pub(super) use crate::json::amount as number;
use crate::json::{EARLIEST, decimal, smallest};
pub(super) use crate::json::{
    Raw, body, currency, flag, id, inner, inner_objects, is_id, is_word, kept, object, option, optional_id, required,
    text, unquoted, unreadable, word,
};
use crate::json_object as reader;

/// Longest `reference` (section 4.1), in characters.
pub(super) const REFERENCE_MAX: usize = 128;
/// Longest text about a party that is kept, in characters.
pub(super) const PARTY_TEXT_MAX: usize = 254;
/// The end of the year 9999, in Unix seconds.
const LATEST: i64 = 253_402_300_799;

reader! {
    /// A purchase (section 4.2), a payout (6.1) or a Payment (8): `type` says which, and the create answer of one, its
    /// status and its webhook have one shape.
    Thing {
        id, r#type, event_type, status, is_test, brand_id, payment, purchase, client, reference, due, marked_as_paid,
        status_history, transaction_data, currency_conversion, related_to, checkout_url, execution_url,
        refundable_amount, refund_availability,
    }
}

reader! {
    /// `purchase` inside a purchase.
    Details { currency, total, products, debt }
}

reader! {
    /// One of its products.
    Product { price, quantity, discount, tax_percent, total_price_override }
}

reader! {
    /// `payment` (section 7).
    Payment {
        amount, fee_amount, net_amount, pending_amount, pending_unfreeze_on, currency, is_outgoing, payment_type, paid_on,
    }
}

reader! {
    /// An entry of `status_history`.
    Step { status, timestamp }
}

reader! {
    /// `transaction_data`.
    Data { payment_method, attempts, extra }
}

reader! {
    /// One attempt, newest first (section 4.4).
    Attempt { error, extra }
}

reader! {
    /// `extra`, of a purchase and of a payout.
    Extra { payload, webhook_payload }
}

reader! {
    /// The block that their mobile-money terminal adds.
    Payload { transaction }
}

reader! {
    /// `transaction` inside it.
    Transaction { operator, operator_reference }
}

reader! {
    /// `currency_conversion`.
    Conversion { exchange_rate }
}

reader! {
    /// `related_to` of a Payment.
    Related { id, r#type }
}

reader! {
    /// `client`, the other side.
    Party { phone, full_name, email }
}

reader! {
    /// One currency of the balance (section 10).
    Balance {
        gross_balance, fee_sell, balance, reserved, pending_outgoing, available_balance, payout_gross_balance,
        payout_fee_sell, payout_balance, pending_payouts, payout_overdraft, available_payout_balance,
    }
}

reader! {
    /// A statement request (section 11).
    Request { id, status, download_url, created_on }
}

reader! {
    /// The answer of an execute call (sections 4.3 and 6.2).
    Executed { status, details }
}

reader! {
    /// `details` inside it.
    Accepted { return_code }
}

reader! {
    /// An error with its code, wherever it stands (section 13).
    Problem { code }
}

reader! {
    /// The public key where it is not a bare text (section 9.3).
    Key { public_key, key }
}

/// Unix seconds. `None` where it is absent; a moment nobody can have meant is refused.
pub(super) fn time(field: &str, raw: Raw<'_>) -> Result<Option<Time>, Unreadable> {
    raw.map(|raw| seconds(field, raw.get())).transpose()
}

/// Unix seconds from their digits.
pub(super) fn seconds(field: &str, digits: &str) -> Result<Time, Unreadable> {
    let seconds = digits.parse::<i64>().ok().filter(|seconds| *seconds <= LATEST);
    let time = seconds.and_then(|seconds| seconds.checked_mul(1_000_000)).map(Time::from_micros);
    time.filter(|time| *time >= EARLIEST).ok_or_else(|| unreadable(field, "expected Unix seconds"))
}

/// An amount of theirs: a whole number of the currency's smallest units, or a text that holds one, read digit by digit
/// from its own text (section 2).
pub(super) fn amount(field: &str, raw: Raw<'_>, unit: Unit<'_>) -> Result<Amount, Unreadable> {
    let raw = raw.ok_or_else(|| unreadable(field, "missing"))?;
    digits(field, unquoted(raw.get()), unit)
}

/// An amount that may be left out.
pub(super) fn amount_or_zero(field: &str, raw: Raw<'_>, unit: Unit<'_>) -> Result<Amount, Unreadable> {
    if raw.is_none() { Ok(Amount::ZERO) } else { amount(field, raw, unit) }
}

/// What a whole number of theirs is worth: the currency, and which currencies we know the exponent of.
#[derive(Clone, Copy)]
pub(super) struct Unit<'a> {
    pub(super) currency: Currency,
    pub(super) known: &'a Currencies,
}

/// An amount from its digits.
pub(super) fn digits(field: &str, digits: &str, unit: Unit<'_>) -> Result<Amount, Unreadable> {
    // Digits that are none come first, whatever the currency.
    decimal(field, digits)?;
    let code = unit.currency.as_str();
    let Some(exponent) = unit.known.exponent(unit.currency) else {
        let problem = format!("{code} is not among options.currencies: what its smallest unit is, nobody has told us");
        return Err(unreadable(field, problem));
    };
    smallest(field, digits, exponent)
}
