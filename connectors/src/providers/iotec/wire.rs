//! ioTec Pay's JSON, as it arrives: the objects it is made of, on the ground that [`crate::json`] lays. Absent, null and
//! empty are alike (section 14, 27).

use crate::connector::Unreadable;
pub(super) use crate::json::{
    ID_MAX, Raw, amount, body, currency, id, integer, is_id, is_word, kept, list, object, objects, option, optional_id,
    required, text, time, unquoted, unreadable, word,
};
use crate::json_object as reader;

/// Longest `externalId` (section 4.1), in characters.
pub(super) const REFERENCE_MAX: usize = 100;
/// Longest text about a party that is kept, in characters.
pub(super) const PARTY_TEXT_MAX: usize = 200;

reader! {
    /// `Collection` (section 4.2) or `Disbursement` (section 5.3), as far as we read them. Whether a name was checked
    /// (`payeeNameStatus`, once `nameStatus`) has no stated effect, so neither is read.
    Record in "camelCase" {
        id, created_at, category, status, status_code, external_id, amount, currency, wallet, transaction_charge,
        vendor_charge, total_transaction_charge, vendor, vendor_transaction_id, last_updated, processed_at,
        transactions, payer, payer_name, payee, payee_name, bank_id, bank,
    }
}

reader! {
    /// A wallet row (section 9.4).
    Row in "camelCase" {
        id, created_at, operation, wallet, wallet_id, request_id, request_category, category, transaction_number,
        amount, balance, previous_balance,
    }
}

reader! {
    /// `bank` inside a disbursement (section 5.3).
    Bank in "camelCase" { id, name, bank_identification_code, account_number_regex }
}

reader! {
    /// An entry of the bank list (section 5.4).
    BankItem in "camelCase" { id, name, code }
}

reader! {
    /// A wallet's balance (section 6); its callback fields are never read.
    Balance in "camelCase" { id, currency, actual_balance, available_balance }
}

reader! {
    /// A page of history (section 8).
    Page in "camelCase" { data, total_pages, has_next_page }
}

reader! {
    /// `wallet` inside a record or a row.
    Wallet in "camelCase" { id }
}

reader! {
    /// A callback's body; one client also saw it wrapped in `transaction` (section 11).
    Callback in "camelCase" { id, external_id, payer, payee, transaction }
}

reader! {
    /// An error body (section 12), or the validation problem of their web framework.
    Problem in "camelCase" { message, title, detail, code }
}

reader! {
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

/// The records of an answer: one object, or a list from an external-id call (section 4.4).
pub(super) fn records(bytes: &[u8]) -> Result<Vec<Record<'_>>, Unreadable> {
    let text = body(bytes)?;
    if text.trim_start().starts_with('[') {
        return objects("body", text);
    }
    Ok(vec![object("body", text)?])
}

/// A page of history and its records; without `data` it is none.
pub(super) fn page(bytes: &[u8]) -> Result<(Page<'_>, Vec<Record<'_>>), Unreadable> {
    let page: Page<'_> = object("body", body(bytes)?)?;
    let data = page.data.ok_or_else(|| unreadable("data", "missing"))?;
    let records = objects("data", data.get())?;
    Ok((page, records))
}

/// Whether a text is what a person dials: 5 to 20 digits, with an optional plus sign.
pub(super) fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (5..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}
