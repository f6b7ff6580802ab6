//! Dollr's JSON, as it arrives: the objects it is made of, its status words and its refusals, on the ground that
//! [`crate::json`] lays. Money is in major units, as a number or a text, read from its own digits (section 1).

use ensimbi_events::money::AmountError;
use ensimbi_events::{Amount, Currency, Money};
use uuid::Uuid;

use super::handle::is_integer_id;
use crate::connector::Unreadable;
pub(super) use crate::json::{
    Raw, amount, body, currency, id_or_integer, inner, inner_objects, is_word, kept, list, object, option, optional_id,
    required, text, time, unquoted, unreadable, word,
};
use crate::json_object as reader;

/// Longest text about a party that is kept, in characters.
pub(super) const PARTY_TEXT_MAX: usize = 254;
/// Most places that a refusal is read for.
const PLACES_MAX: usize = 20;

reader! {
    /// A bundle (see `bundle`): the parts that say something, and those that show what it is.
    Parts { execution, source, status, receipt, created, published, checkout, party, counterparty, account }
}

reader! {
    /// ExecutionResponse (section 8.4): every execution and every status read.
    Execution {
        reference_id, status, operation_type, payer_amount, payer_currency, payee_amount, payee_currency,
        provider_transaction_id,
    }
}

reader! {
    /// An invoice or an order (section 5). `order_items` and `items` by symmetry: only the invoice's list is shown.
    Source {
        id, invoice_number, order_number, status, currency, total_amount, fee_bearer, reference_id, due_date,
        created_at, paid_at, invoice_items, order_items, items, counterparty,
    }
}

reader! {
    /// One of its items.
    Item { id, currency, qty, amount }
}

reader! {
    /// The other side of a source, as its retrieve call embeds it (section 4).
    Counterparty { party }
}

reader! {
    /// A party (section 3).
    Party { fullname, phone, email }
}

reader! {
    /// A checkout (section 6): the source under another shape.
    Checkout { source_type, source_id, currency, reference_id, total_amount, url }
}

reader! {
    /// What a call on the way of an order made (sections 3 to 8): a party, a source, an item, a session, an account.
    Made { id, currency, total_amount, amount, wallet_id }
}

reader! {
    /// What carries a phone number (section 10.4).
    Operator { payment_method, gateway_provider }
}

reader! {
    /// Who would pay and get what of a source (section 10.4).
    Prediction { payer_currency, payee_currency }
}

reader! {
    /// A token (section 2).
    Token { access_token, expires_in }
}

reader! {
    /// `GET /v1/status/source` (section 9).
    SourceStatus { source_id, source_type, status, currency, total_amount }
}

reader! {
    /// A receipt (section 11); an order's by symmetry.
    Receipt {
        invoice_id, order_id, status, currency, total_amount, fee_bearer, reference_id, paid_at, payer_amount,
        payer_currency, payee_amount, payee_currency, platform_fee, platform_currency, gateway_fee, gateway_currency,
        fx_fee, fx_rate, payment_method, provider_transaction_id,
    }
}

reader! {
    /// What they say of the merchant (section 13).
    Merchant { id }
}

reader! {
    /// A tier of their fees (section 10.1).
    Tier { id }
}

reader! {
    /// An error (section 13).
    Problem { detail }
}

reader! {
    /// One of its entries, where `detail` is a list.
    Entry { loc }
}

/// What an execution's status means (section 8.5), in any case. Any other word is nobody's: asked again, no money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Under way, for minutes where it is mobile money.
    Pending,
    /// Money moved.
    Succeeded,
    /// It came to nothing.
    Failed,
    /// A word that nobody knows.
    Unknown,
}

impl Outcome {
    /// From their word.
    pub fn of(status: &str) -> Self {
        match status.to_ascii_uppercase().as_str() {
            "PENDING" | "PROCESSING" => Self::Pending,
            // The documents say the first, a live integrator saw only the second.
            "COMPLETED" | "SUCCESSFUL" => Self::Succeeded,
            "FAILED" | "CANCELED" | "CANCELLED" | "EXPIRED" => Self::Failed,
            _ => Self::Unknown,
        }
    }
}

/// What a source's status means (section 5.3); it has nothing to do with that of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Editable.
    Idle,
    /// Locked and payable.
    Active,
    /// Somebody is paying.
    Processing,
    /// Paid, for good.
    Paid,
    /// Called off, for good.
    Cancelled,
    /// A word that nobody knows.
    Unknown,
}

impl Stage {
    /// From their word, in any case.
    pub fn of(status: &str) -> Self {
        match status.to_ascii_uppercase().as_str() {
            "IDLE" => Self::Idle,
            "ACTIVE" => Self::Active,
            "PROCESSING" => Self::Processing,
            "PAID" => Self::Paid,
            "CANCELED" | "CANCELLED" => Self::Cancelled,
            _ => Self::Unknown,
        }
    }
}

/// An amount, or one that the ledger has no room for: it is never rounded, and a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Exact.
    Is(Amount),
    /// More than four decimal places, or out of range.
    Unfit,
}

impl Figure {
    /// The amount, if there is room for it.
    pub const fn fit(self) -> Option<Amount> {
        match self {
            Self::Is(amount) => Some(amount),
            Self::Unfit => None,
        }
    }
}

/// An amount that a statement can do without; `None` where it is absent.
pub(super) fn figure(field: &str, raw: Raw<'_>) -> Result<Option<Figure>, Unreadable> {
    let Some(value) = raw else { return Ok(None) };
    match Amount::from_provider_text(unquoted(value.get())) {
        Err(AmountError::TooFine | AmountError::TooLarge) => Ok(Some(Figure::Unfit)),
        _ => amount(field, raw).map(|amount| Some(Figure::Is(amount))),
    }
}

/// An amount with the currency beside it; both must be there.
pub(super) fn money(
    (field, raw): (&str, Raw<'_>),
    (currency_field, currency_raw): (&str, Raw<'_>),
) -> Result<Money, Unreadable> {
    Ok(Money { amount: amount(field, raw)?, currency: currency(currency_field, currency_raw)? })
}

/// A reference of ours: a UUID in its one form, so that another spelling of it is the same.
pub(super) fn reference(field: &str, raw: Raw<'_>) -> Result<String, Unreadable> {
    let text = required(field, raw)?;
    uuid(&text).ok_or_else(|| unreadable(field, "expected a UUID"))
}

/// The label of a source, where it is a reference of ours; anything else is somebody else's.
pub(super) fn label(raw: Raw<'_>) -> Option<String> {
    text("reference_id", raw).ok().flatten().and_then(|text| uuid(&text))
}

/// Whether a text can be a reference of ours: a UUID of version 4, which is all they take (section 8.1).
pub(super) fn is_reference(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok_and(|uuid| uuid.get_version_num() == 4)
}

fn uuid(text: &str) -> Option<String> {
    let uuid = Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
    uuid.map(|uuid| uuid.to_string())
}

/// The operator's transaction, which nothing needs: what is no id is left out and its field counted.
pub(super) fn transaction(field: &str, raw: Raw<'_>, unknown: &mut Vec<String>) -> Option<String> {
    optional_id(field, raw).unwrap_or_else(|error| {
        unknown.push(error.field);
        None
    })
}

/// One of their integer ids, given as a number or as a text (section 1).
pub(super) fn integer_id(field: &str, raw: Raw<'_>) -> Result<String, Unreadable> {
    let id = id_or_integer(field, raw)?;
    if is_integer_id(&id) { Ok(id) } else { Err(unreadable(field, "expected a whole number")) }
}

/// Sees that a body is a list of their fees' tiers.
pub(super) fn tiers(text: &str) -> Result<(), Unreadable> {
    for (index, tier) in list("body", text)?.into_iter().enumerate() {
        let tier: Tier<'_> = object(&format!("tier {index}"), tier.get())?;
        integer_id("id", tier.id)?;
    }
    Ok(())
}

/// The id of what a call made, or of what one reads.
pub(super) fn made(text: &str) -> Result<String, Unreadable> {
    integer_id("id", object::<Made<'_>>("body", text)?.id)
}

/// The id of the merchant that a body is about.
pub(super) fn merchant(text: &str) -> Result<String, Unreadable> {
    integer_id("id", object::<Merchant<'_>>("body", text)?.id)
}

/// A currency that may be left out.
pub(super) fn optional_currency(field: &str, raw: Raw<'_>) -> Result<Option<Currency>, Unreadable> {
    if text(field, raw)?.is_none() { Ok(None) } else { currency(field, raw).map(Some) }
}

/// What a refusal points at, fit to show: only the places, since a message may repeat what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Complaint {
    /// `body.reference_id` and the like; empty where `detail` is a text.
    pub places: Vec<String>,
}

impl Complaint {
    /// Reads a refusal's body, whose `detail` is a text or a list; `None` where it is neither.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let problem: Problem<'_> = object("body", body(bytes).ok()?).ok()?;
        if matches!(text("detail", problem.detail), Ok(Some(_))) {
            return Some(Self::default());
        }
        let entries: Vec<Entry<'_>> = inner_objects("detail", Some(problem.detail?)).ok()?;
        let places = entries.iter().take(PLACES_MAX).filter_map(|entry| place(entry.loc)).collect();
        Some(Self { places })
    }

    /// In words, with the HTTP status.
    pub fn words(&self, status: u16) -> String {
        let places = self.places.iter().map(String::as_str);
        std::iter::once(format!("status {status}").as_str()).chain(places).collect::<Vec<_>>().join(", ")
    }

    /// Whether it is about a field of the body.
    pub fn names(&self, field: &str) -> bool {
        self.places.iter().any(|place| place.strip_prefix("body.") == Some(field))
    }
}

/// `["body", "items", 0, "amount"]` as one text; `None` where something else than words and small numbers is in it.
fn place(raw: Raw<'_>) -> Option<String> {
    let mut parts = Vec::new();
    for part in list("loc", raw?.get()).ok()?.into_iter().take(PLACES_MAX) {
        let part = unquoted(part.get());
        let number = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty();
        if !number && !is_word(part) {
            return None;
        }
        parts.push(part.to_owned());
    }
    (!parts.is_empty()).then(|| parts.join("."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn status_words_are_read_in_any_case_and_no_other_word_means_anything() {
        let words = [
            ("PENDING", Outcome::Pending),
            ("processing", Outcome::Pending),
            ("Completed", Outcome::Succeeded),
            ("SUCCESSFUL", Outcome::Succeeded),
            ("failed", Outcome::Failed),
            ("CANCELED", Outcome::Failed),
            ("cancelled", Outcome::Failed),
            ("EXPIRED", Outcome::Failed),
        ];
        for (word, outcome) in words {
            assert_eq!(Outcome::of(word), outcome, "{word}");
        }
        for word in ["", "SUCCESS", "PAID", "COMPLETED ", "REVERSED", "\u{421}OMPLETED"] {
            assert_eq!(Outcome::of(word), Outcome::Unknown, "{word}");
        }
        assert_eq!((Stage::of("Paid"), Stage::of("COMPLETED")), (Stage::Paid, Stage::Unknown));
    }

    #[test]
    fn a_refusal_is_a_text_or_a_list_and_shows_places_only() {
        let complaint = |text: &str| Complaint::of(text.as_bytes());
        assert_eq!(complaint(r#"{"detail":"Could not validate 231771234567"}"#), Some(Complaint::default()));
        let listed = r#"{"detail":[{"loc":["body","reference_id"],"msg":"231771234567","type":"value_error"},
            {"loc":["body","items",0,"amount"]},{"loc":["body","231771234567"]},{}]}"#;
        let listed = complaint(listed).unwrap();
        assert_eq!(listed.places, ["body.reference_id", "body.items.0.amount"]);
        assert!(listed.names("reference_id") && !listed.names("currency"));
        for odd in ["", "<html>", "[]", "{}", r#"{"detail":null}"#, r#"{"detail":7}"#, r#"{"detail":["x"]}"#] {
            assert_eq!(complaint(odd), None, "{odd}");
        }
    }
}
