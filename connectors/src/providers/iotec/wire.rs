//! ioTec Pay's JSON, as it arrives: nothing is trusted, nothing is rounded.
//!
//! Shape: every field is kept as its raw text and read by one of the functions below, so a strange value in a field
//! nobody needs hurts nothing, and one that is needed is named. Absent, null and empty are alike (section 14, 27).
//! Unknown fields are passed over; a known field given twice makes the body unreadable.
//! Bounds: [`BODY_BYTES_MAX`]; skipping a value does not recurse, so nesting costs no stack; texts have a limit each.

use ensimbi_events::Amount;
use ensimbi_events::money::AMOUNT_TEXT_MAX;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::connector::Unreadable;

/// Largest body that is looked at.
pub(super) const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Longest id of theirs; a UUID has 36.
pub(super) const ID_MAX: usize = 100;
/// Longest `externalId` (section 4.1), in characters.
pub(super) const REFERENCE_MAX: usize = 100;
/// Longest text about a party that is kept, in characters.
pub(super) const PARTY_TEXT_MAX: usize = 200;
/// Longest machine word (`statusCode`, `vendor`), in bytes.
const WORD_MAX: usize = 64;

/// A field's text as it stands in the body; `None` where it is absent or null.
pub(super) type Raw<'a> = Option<&'a RawValue>;

macro_rules! object {
    ($(#[$meta:meta])* $name:ident in $case:literal { $($field:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Deserialize)]
        #[serde(rename_all = $case)]
        pub(super) struct $name<'a> {
            $(#[serde(borrow)] pub(super) $field: Raw<'a>,)*
        }
    };
}

object! {
    /// `Collection` (section 4.2) or `Disbursement` (section 5.3), as far as we read them. Whether a name was checked
    /// (`payeeNameStatus`, once `nameStatus`) has no stated effect, so neither is read.
    Record in "camelCase" {
        id, created_at, category, status, status_code, external_id, amount, currency, wallet, transaction_charge,
        vendor_charge, total_transaction_charge, vendor, vendor_transaction_id, last_updated, processed_at,
        transactions, payer, payer_name, payee, payee_name, bank_id, bank,
    }
}

object! {
    /// A wallet row (section 9.4).
    Row in "camelCase" {
        id, created_at, operation, wallet, wallet_id, request_id, request_category, category, transaction_number,
        amount, balance, previous_balance,
    }
}

object! {
    /// `bank` inside a disbursement (section 5.3).
    Bank in "camelCase" { id, name, bank_identification_code, account_number_regex }
}

object! {
    /// An entry of the bank list (section 5.4).
    BankItem in "camelCase" { id, name, code }
}

object! {
    /// A wallet's balance (section 6); its callback fields are never read.
    Balance in "camelCase" { id, currency, actual_balance, available_balance }
}

object! {
    /// A page of history (section 8).
    Page in "camelCase" { data, total_pages, has_next_page }
}

object! {
    /// `wallet` inside a record or a row.
    Wallet in "camelCase" { id }
}

object! {
    /// A callback's body; one client also saw it wrapped in `transaction` (section 11).
    Callback in "camelCase" { id, external_id, payer, payee, transaction }
}

object! {
    /// An error body (section 12), or the validation problem of their web framework.
    Problem in "camelCase" { message, title, detail, code }
}

object! {
    /// The token endpoint's answer, good or bad (section 2).
    Token in "snake_case" { access_token, expires_in, error }
}

/// `RequestStatus` (section 7.1), exact case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Pending,
    SentToVendor,
    AwaitingApproval,
    Scheduled,
    Success,
    Failed,
    Cancelled,
    Rejected,
    RolledBack,
    Other,
}

impl Status {
    pub(super) fn of(word: &str) -> Self {
        match word {
            "Pending" => Self::Pending,
            "SentToVendor" => Self::SentToVendor,
            "AwaitingApproval" => Self::AwaitingApproval,
            "Scheduled" => Self::Scheduled,
            "Success" => Self::Success,
            "Failed" => Self::Failed,
            "Cancelled" => Self::Cancelled,
            "Rejected" => Self::Rejected,
            "RolledBack" => Self::RolledBack,
            _ => Self::Other,
        }
    }
}

/// What a wallet row does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    TopUp,
    Deduct,
    Other,
}

impl Operation {
    pub(super) fn of(word: &str) -> Self {
        match word {
            "TopUp" => Self::TopUp,
            "Deduct" => Self::Deduct,
            _ => Self::Other,
        }
    }
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

/// Reads a JSON list into its elements' texts.
pub(super) fn list<'a>(field: &str, text: &'a str) -> Result<Vec<&'a RawValue>, Unreadable> {
    serde_json::from_str(text).map_err(|error| unreadable(field, problem(&error)))
}

/// The records of an answer: one object, or a list from an external-id call (section 4.4).
pub(super) fn records(bytes: &[u8]) -> Result<Vec<Record<'_>>, Unreadable> {
    let text = body(bytes)?;
    if text.trim_start().starts_with('[') {
        return objects("body", text);
    }
    Ok(vec![object("body", text)?])
}

/// A list of objects.
pub(super) fn objects<'a, T: Deserialize<'a>>(field: &str, text: &'a str) -> Result<Vec<T>, Unreadable> {
    list(field, text)?.into_iter().map(|element| object(field, element.get())).collect()
}

/// A page of history and its records; without `data` it is none.
pub(super) fn page(bytes: &[u8]) -> Result<(Page<'_>, Vec<Record<'_>>), Unreadable> {
    let page: Page<'_> = object("body", body(bytes)?)?;
    let data = page.data.ok_or_else(|| unreadable("data", "missing"))?;
    let records = objects("data", data.get())?;
    Ok((page, records))
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
pub(super) fn id(raw: Raw<'_>) -> Result<String, Unreadable> {
    let id = required("id", raw)?;
    if id.len() > ID_MAX || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unreadable("id", format!("expected up to {ID_MAX} printable characters")));
    }
    Ok(id)
}

/// A number, or a text that holds one, read digit by digit from its own text.
pub(super) fn amount(field: &str, raw: Raw<'_>) -> Result<Amount, Unreadable> {
    let raw = raw.ok_or_else(|| unreadable(field, "missing"))?;
    let digits = match raw.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner,
        None => raw.get(),
    };
    if digits.len() > AMOUNT_TEXT_MAX {
        return Err(unreadable(field, format!("longer than {AMOUNT_TEXT_MAX} characters")));
    }
    Amount::from_provider_text(digits).map_err(|error| unreadable(field, error.to_string()))
}

/// Whether a text is a machine's word: short, without blanks, and nothing a person would write.
pub(super) fn is_word(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    // A word begins with a letter, so that no phone number passes for one.
    (1..=WORD_MAX).contains(&text.len()) && text.bytes().all(letter) && text.as_bytes()[0].is_ascii_alphabetic()
}

/// A whole number, or a text that holds one.
pub(super) fn integer(field: &str, raw: Raw<'_>) -> Result<i64, Unreadable> {
    let raw = raw.ok_or_else(|| unreadable(field, "missing"))?;
    raw.get().trim_matches('"').parse().map_err(|_| unreadable(field, "expected a whole number"))
}

/// Whether a text is what a person dials: 5 to 20 digits, with an optional plus sign.
pub(super) fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (5..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}
