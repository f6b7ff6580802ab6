//! Paytota's JSON, as it arrives: nothing is trusted, nothing is rounded.
//!
//! Shape: every field is kept as its raw text and read by one of the functions below, so a strange value in a field
//! nobody needs hurts nothing, and one that is needed is named. Absent, null and empty are alike; the order of keys means
//! nothing; unknown fields are passed over; a known field given twice makes the body unreadable.
//! Bounds: [`BODY_BYTES_MAX`]; skipping a value does not recurse, so nesting costs no stack; texts have a limit each.

use ensimbi_events::money::AMOUNT_TEXT_MAX;
use ensimbi_events::{Amount, Currency, Time};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::options::Currencies;
use crate::connector::Unreadable;

/// Largest body that is looked at.
pub(super) const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Longest id of theirs; a UUID has 36.
pub(super) const ID_MAX: usize = 100;
/// Longest `reference` (section 4.1), in characters.
pub(super) const REFERENCE_MAX: usize = 128;
/// Longest text about a party that is kept, in characters.
pub(super) const PARTY_TEXT_MAX: usize = 254;
/// Longest machine word (a status, an error's code), in bytes.
const WORD_MAX: usize = 64;
/// 2000-01-01: an earlier time is an unset one, and would count as before every opening. And the end of year 9999.
const EARLIEST: i64 = 946_684_800;
const LATEST: i64 = 253_402_300_799;

/// A field's text as it stands in the body; `None` where it is absent or null.
pub(super) type Raw<'a> = Option<&'a RawValue>;

macro_rules! object {
    ($(#[$meta:meta])* $name:ident { $($field:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Deserialize)]
        pub(super) struct $name<'a> {
            $(#[serde(borrow)] pub(super) $field: Raw<'a>,)*
        }
    };
}

object! {
    /// A purchase (section 4.2), a payout (6.1) or a Payment (8): `type` says which, and the create answer of one, its
    /// status and its webhook have one shape.
    Thing {
        id, r#type, event_type, status, is_test, brand_id, payment, purchase, client, reference, due, marked_as_paid,
        status_history, transaction_data, currency_conversion, related_to, checkout_url, execution_url,
        refundable_amount, refund_availability,
    }
}

object! {
    /// `purchase` inside a purchase.
    Details { currency, total, products, debt }
}

object! {
    /// One of its products.
    Product { price, quantity, discount, tax_percent, total_price_override }
}

object! {
    /// `payment` (section 7).
    Payment {
        amount, fee_amount, net_amount, pending_amount, pending_unfreeze_on, currency, is_outgoing, payment_type, paid_on,
    }
}

object! {
    /// An entry of `status_history`.
    Step { status, timestamp }
}

object! {
    /// `transaction_data`.
    Data { payment_method, attempts, extra }
}

object! {
    /// One attempt, newest first (section 4.4).
    Attempt { error, extra }
}

object! {
    /// `extra`, of a purchase and of a payout.
    Extra { payload, webhook_payload }
}

object! {
    /// The block that their mobile-money terminal adds.
    Payload { transaction }
}

object! {
    /// `transaction` inside it.
    Transaction { operator, operator_reference }
}

object! {
    /// `currency_conversion`.
    Conversion { exchange_rate }
}

object! {
    /// `related_to` of a Payment.
    Related { id, r#type }
}

object! {
    /// `client`, the other side.
    Party { phone, full_name, email }
}

object! {
    /// One currency of the balance (section 10).
    Balance {
        gross_balance, fee_sell, balance, reserved, pending_outgoing, available_balance, payout_gross_balance,
        payout_fee_sell, payout_balance, pending_payouts, payout_overdraft, available_payout_balance,
    }
}

object! {
    /// A statement request (section 11).
    Request { id, status, download_url, created_on }
}

object! {
    /// The answer of an execute call (sections 4.3 and 6.2).
    Executed { status, details }
}

object! {
    /// `details` inside it.
    Accepted { return_code }
}

object! {
    /// An error with its code, wherever it stands (section 13).
    Problem { code }
}

object! {
    /// The public key where it is not a bare text (section 9.3).
    Key { public_key, key }
}

pub(super) fn unreadable(field: &str, problem: impl Into<String>) -> Unreadable {
    Unreadable { field: field.to_owned(), problem: problem.into() }
}

/// The body as text, within its bounds.
pub(super) fn body(bytes: &[u8]) -> Result<&str, Unreadable> {
    if bytes.len() > BODY_BYTES_MAX {
        return Err(unreadable("body", format!("larger than {BODY_BYTES_MAX} bytes")));
    }
    std::str::from_utf8(bytes).map_err(|_| unreadable("body", "not UTF-8"))
}

/// Reads one JSON object; a list in its place is refused, which derived code would take field by field.
pub(super) fn object<'a, T: Deserialize<'a>>(field: &str, text: &'a str) -> Result<T, Unreadable> {
    if !text.trim_start().starts_with('{') {
        return Err(unreadable(field, "expected a JSON object"));
    }
    serde_json::from_str(text).map_err(|error| unreadable(field, problem(&error)))
}

/// Reads an object inside another, if it is there.
pub(super) fn inner<'a, T: Deserialize<'a>>(field: &str, raw: Raw<'a>) -> Result<Option<T>, Unreadable> {
    raw.map(|raw| object(field, raw.get())).transpose()
}

/// Reads a list of objects; none where it is absent.
pub(super) fn objects<'a, T: Deserialize<'a>>(field: &str, raw: Raw<'a>) -> Result<Vec<T>, Unreadable> {
    let Some(raw) = raw else { return Ok(Vec::new()) };
    let list: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|error| unreadable(field, problem(&error)))?;
    list.into_iter().map(|element| object(field, element.get())).collect()
}

/// Says what is wrong without showing a value: the library's own text may quote one.
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if let Some((name, _)) = text.strip_prefix("duplicate field `").and_then(|rest| rest.split_once('`')) {
        return format!("{name} is given twice");
    }
    format!("not the JSON expected (line {}, column {})", error.line(), error.column())
}

/// A text; absent, null and empty give `None`.
pub(super) fn text(field: &str, raw: Raw<'_>) -> Result<Option<String>, Unreadable> {
    let Some(raw) = raw else { return Ok(None) };
    let text: String = serde_json::from_str(raw.get()).map_err(|_| unreadable(field, "expected a text"))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// A text that must be there.
pub(super) fn required(field: &str, raw: Raw<'_>) -> Result<String, Unreadable> {
    text(field, raw)?.ok_or_else(|| unreadable(field, "missing"))
}

/// The provider's id: printable ASCII without blanks, kept exactly.
pub(super) fn id(field: &str, raw: Raw<'_>) -> Result<String, Unreadable> {
    let id = required(field, raw)?;
    if !is_id(&id) {
        return Err(unreadable(field, format!("expected up to {ID_MAX} printable characters")));
    }
    Ok(id)
}

pub(super) fn is_id(text: &str) -> bool {
    (1..=ID_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `true` or `false`; absent is false.
pub(super) fn flag(field: &str, raw: Raw<'_>) -> Result<bool, Unreadable> {
    match raw.map(RawValue::get) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(unreadable(field, "expected true or false")),
    }
}

/// Unix seconds. `None` where it is absent; a moment nobody can have meant is refused.
pub(super) fn time(field: &str, raw: Raw<'_>) -> Result<Option<Time>, Unreadable> {
    raw.map(|raw| seconds(field, raw.get())).transpose()
}

/// Unix seconds from their digits.
pub(super) fn seconds(field: &str, digits: &str) -> Result<Time, Unreadable> {
    let seconds = digits.parse::<i64>().ok().filter(|seconds| (EARLIEST..=LATEST).contains(seconds));
    let micros = seconds.and_then(|seconds| seconds.checked_mul(1_000_000));
    micros.map(Time::from_micros).ok_or_else(|| unreadable(field, "expected Unix seconds"))
}

/// A currency code.
pub(super) fn currency(field: &str, raw: Raw<'_>) -> Result<Currency, Unreadable> {
    required(field, raw)?.parse().map_err(|_| unreadable(field, "not a currency code"))
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

/// A decimal number that is no money (a quantity, a percentage), exact.
pub(super) fn number(field: &str, raw: Raw<'_>) -> Result<Amount, Unreadable> {
    let raw = raw.ok_or_else(|| unreadable(field, "missing"))?;
    plain(field, unquoted(raw.get()))
}

/// The digits of a number or of a text.
pub(super) fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

fn plain(field: &str, digits: &str) -> Result<Amount, Unreadable> {
    if digits.len() > AMOUNT_TEXT_MAX {
        return Err(unreadable(field, format!("longer than {AMOUNT_TEXT_MAX} characters")));
    }
    Amount::from_provider_text(digits).map_err(|error| unreadable(field, error.to_string()))
}

/// What a whole number of theirs is worth: the currency, and which currencies we know the exponent of.
#[derive(Clone, Copy)]
pub(super) struct Unit<'a> {
    pub(super) currency: Currency,
    pub(super) known: &'a Currencies,
}

/// An amount from its digits.
pub(super) fn digits(field: &str, digits: &str, unit: Unit<'_>) -> Result<Amount, Unreadable> {
    let whole = plain(field, digits)?;
    let code = unit.currency.as_str();
    let Some(exponent) = unit.known.exponent(unit.currency) else {
        let problem = format!("{code} is not among options.currencies: what its smallest unit is, nobody has told us");
        return Err(unreadable(field, problem));
    };
    if whole.scaled() % Amount::whole(1).scaled() != 0 {
        return Err(unreadable(field, "expected a whole number of the smallest unit"));
    }
    // A whole number at scale 4 has four zeros to give, and an exponent is at most 4.
    Ok(Amount::from_scaled(whole.scaled() / 10i64.pow(exponent)))
}

/// Whether a text is a machine's word: short, without blanks, and nothing a person would write.
pub(super) fn is_word(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    // A word begins with a letter, so that no phone number passes for one.
    (1..=WORD_MAX).contains(&text.len()) && text.bytes().all(letter) && text.as_bytes()[0].is_ascii_alphabetic()
}
