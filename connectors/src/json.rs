//! JSON of a provider's, as it arrives: nothing is trusted, nothing is rounded. The ground that every connector's `wire`
//! module stands on.
//!
//! Shape: [`json_object!`](crate::json_object) declares a reader whose fields are all [`Raw`], the text of the value as it
//! stands in the body; each field that is needed is then read by one of the functions here. So a strange value in a field
//! nobody needs hurts nothing, and one that is needed is named in the [`Unreadable`]. Unknown fields are passed over, the
//! order of keys means nothing, a known field given twice makes the body unreadable. Absent and null are alike, and so is
//! an empty text.
//!
//! Order: [`body`] -> [`object`] (or [`objects`], [`list`]) -> a function for each field ([`text`], [`id`], [`amount`] and
//! the others). A field that may be one of two shapes is asked for both: [`text`], then [`inner_objects`].
//!
//! Errors name the field and what was expected; none shows a value, which may be a person's.
//! Bounds: [`BODY_BYTES_MAX`]; skipping a value does not recurse, so nesting costs no stack; [`ID_MAX`], [`WORD_MAX`] and
//! [`AMOUNT_TEXT_MAX`] for what is read, and a limit of the caller's own for texts that are kept ([`kept`]).

use ensimbi_events::money::{AMOUNT_TEXT_MAX, SCALE};
use ensimbi_events::{Amount, Currency, Time};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::connector::Unreadable;

#[cfg(test)]
mod tests;

/// Largest body that is looked at, in bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Longest id of a provider's, in bytes; a UUID has 36.
pub const ID_MAX: usize = 100;
/// Longest machine word (a status, an error's code), in bytes.
pub const WORD_MAX: usize = 64;
/// 2000-01-01: an earlier time is an unset one (`0001-01-01`, 1970), and would count as before every opening.
pub const EARLIEST: Time = Time::from_micros(946_684_800_000_000);

/// A field's text as it stands in the body; `None` where it is absent or null.
pub type Raw<'a> = Option<&'a RawValue>;

/// Declares the reader of a JSON object: a struct of [`Raw`](crate::json::Raw) fields, visible in the parent module.
///
/// `in "camelCase"` (any case that serde's `rename_all` knows) says how the provider writes the names; without it they
/// stand as they are. A field whose name is a word of Rust is written `r#type`.
///
/// ```
/// mod wire {
///     ensimbi_connectors::json_object! {
///         /// An order of theirs.
///         Order in "camelCase" { id, total_amount, r#type }
///     }
/// }
/// use ensimbi_connectors::json;
///
/// let order: wire::Order<'_> = json::object("body", r#"{"id": 7, "totalAmount": 0.10, "more": []}"#)?;
/// assert_eq!(json::id_or_integer("id", order.id)?, "7");
/// assert_eq!(json::amount("totalAmount", order.total_amount)?.to_string(), "0.1");
/// assert_eq!(json::text("type", order.r#type)?, None);
/// # Ok::<(), ensimbi_connectors::connector::Unreadable>(())
/// ```
#[macro_export]
macro_rules! json_object {
    ($(#[$meta:meta])* $name:ident $(in $case:literal)? { $($field:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(::serde::Deserialize)]
        $(#[serde(rename_all = $case)])?
        pub(super) struct $name<'a> {
            $(#[serde(borrow)] pub(super) $field: $crate::json::Raw<'a>,)*
        }
    };
}

/// The error of a field (`body` for the whole); `problem` says what was expected and never shows the value.
pub fn unreadable(field: &str, problem: impl Into<String>) -> Unreadable {
    Unreadable { field: field.to_owned(), problem: problem.into() }
}

/// An option of the connection, its error told as the field `options.<key>`.
///
/// # Errors
/// [`Unreadable`] where reading the option failed.
pub fn option<T>(read: Result<T, (&'static str, &'static str)>) -> Result<T, Unreadable> {
    read.map_err(|(key, problem)| unreadable(&format!("options.{key}"), problem))
}

/// A body as text.
///
/// # Errors
/// [`Unreadable`]: longer than [`BODY_BYTES_MAX`], or not UTF-8.
pub fn body(bytes: &[u8]) -> Result<&str, Unreadable> {
    if bytes.len() > BODY_BYTES_MAX {
        return Err(unreadable("body", format!("larger than {BODY_BYTES_MAX} bytes")));
    }
    std::str::from_utf8(bytes).map_err(|_| unreadable("body", "not UTF-8"))
}

/// Reads one JSON object, usually into a struct of [`json_object!`](crate::json_object). A list in its place is refused,
/// which derived code would take field by field.
///
/// # Errors
/// [`Unreadable`]: no JSON, no object, a known field given twice.
pub fn object<'a, T: Deserialize<'a>>(field: &str, text: &'a str) -> Result<T, Unreadable> {
    if !text.trim_start().starts_with('{') {
        return Err(unreadable(field, "expected a JSON object"));
    }
    serde_json::from_str(text).map_err(|error| unreadable(field, problem(&error)))
}

/// Reads an object inside another; `None` where it is absent.
///
/// # Errors
/// Those of [`object`].
pub fn inner<'a, T: Deserialize<'a>>(field: &str, raw: Raw<'a>) -> Result<Option<T>, Unreadable> {
    raw.map(|raw| object(field, raw.get())).transpose()
}

/// Reads a JSON list into its elements' texts.
///
/// # Errors
/// [`Unreadable`]: no JSON, or no list.
pub fn list<'a>(field: &str, text: &'a str) -> Result<Vec<&'a RawValue>, Unreadable> {
    serde_json::from_str(text).map_err(|error| unreadable(field, problem(&error)))
}

/// Reads a list of objects.
///
/// # Errors
/// Those of [`list`] and, for each element, of [`object`].
pub fn objects<'a, T: Deserialize<'a>>(field: &str, text: &'a str) -> Result<Vec<T>, Unreadable> {
    list(field, text)?.into_iter().map(|element| object(field, element.get())).collect()
}

/// Reads a list of objects inside an object; an absent one is empty.
///
/// # Errors
/// Those of [`objects`].
pub fn inner_objects<'a, T: Deserialize<'a>>(field: &str, raw: Raw<'a>) -> Result<Vec<T>, Unreadable> {
    raw.map_or_else(|| Ok(Vec::new()), |raw| objects(field, raw.get()))
}

/// Says what is wrong without showing a value: the library's own text may quote one.
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if let Some((name, _)) = text.strip_prefix("duplicate field `").and_then(|rest| rest.split_once('`')) {
        return format!("{name} is given twice");
    }
    format!("not the JSON expected (line {}, column {})", error.line(), error.column())
}

/// A value that must be there, of any kind.
fn given<'a>(field: &str, raw: Raw<'a>) -> Result<&'a str, Unreadable> {
    raw.map(RawValue::get).ok_or_else(|| unreadable(field, "missing"))
}

/// A text; absent, null and empty give `None`. Its length is only bounded by that of the body.
///
/// # Errors
/// [`Unreadable`]: another kind of value.
pub fn text(field: &str, raw: Raw<'_>) -> Result<Option<String>, Unreadable> {
    let Some(raw) = raw else { return Ok(None) };
    let text: String = serde_json::from_str(raw.get()).map_err(|_| unreadable(field, "expected a text"))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// A text that must be there.
///
/// # Errors
/// [`Unreadable`]: missing, empty, or another kind of value.
pub fn required(field: &str, raw: Raw<'_>) -> Result<String, Unreadable> {
    text(field, raw)?.ok_or_else(|| unreadable(field, "missing"))
}

/// A text that is not needed: of at most `max` characters, without control characters. Anything else is left out, and its
/// field counted in `unknown`.
pub fn kept(field: &str, raw: Raw<'_>, max: usize, unknown: &mut Vec<String>) -> Option<String> {
    let fits = |text: &String| text.chars().count() <= max && !text.chars().any(char::is_control);
    match text(field, raw) {
        Ok(None) => None,
        Ok(Some(text)) if fits(&text) => Some(text),
        _ => {
            unknown.push(field.to_owned());
            None
        }
    }
}

/// A machine's word that is not needed ([`is_word`]); free text in its place is left out and its field counted in
/// `unknown`, since it may hold a name.
pub fn word(field: &str, raw: Raw<'_>, unknown: &mut Vec<String>) -> Option<String> {
    let word = kept(field, raw, ID_MAX, unknown)?;
    if is_word(&word) {
        return Some(word);
    }
    unknown.push(field.to_owned());
    None
}

/// Whether a text is a machine's word, safe to show: up to [`WORD_MAX`] letters, digits, `-`, `_` and `.`, a letter
/// first, so that no phone number passes for one.
pub fn is_word(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=WORD_MAX).contains(&text.len()) && text.bytes().all(letter) && text.as_bytes()[0].is_ascii_alphabetic()
}

/// A provider's id given as a text ([`is_id`]), kept exactly.
///
/// # Errors
/// [`Unreadable`]: missing, a number, or no id.
pub fn id(field: &str, raw: Raw<'_>) -> Result<String, Unreadable> {
    let id = required(field, raw)?;
    if !is_id(&id) {
        return Err(unreadable(field, format!("expected up to {ID_MAX} printable characters")));
    }
    Ok(id)
}

/// An id that may be left out, as [`id`] reads it; absent, null and empty give `None`.
///
/// # Errors
/// [`Unreadable`]: a number, or no id.
pub fn optional_id(field: &str, raw: Raw<'_>) -> Result<Option<String>, Unreadable> {
    if text(field, raw)?.is_none() { Ok(None) } else { id(field, raw).map(Some) }
}

/// A provider's id that one of its answers gives as a whole number and another as a text: `55` and `"55"` are one id,
/// `55`. A text is kept exactly (`"055"` is another id); a number has no sign, fraction or exponent.
///
/// # Errors
/// [`Unreadable`]: missing, or neither.
pub fn id_or_integer(field: &str, raw: Raw<'_>) -> Result<String, Unreadable> {
    let digits = given(field, raw)?;
    if digits.starts_with('"') {
        return id(field, raw);
    }
    if digits.len() > ID_MAX || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(unreadable(field, "expected an id, as a whole number or a text"));
    }
    Ok(digits.to_owned())
}

/// Whether a text can be an id: up to [`ID_MAX`] printable ASCII characters, no blank among them.
pub fn is_id(text: &str) -> bool {
    (1..=ID_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `true` or `false`; absent is false.
///
/// # Errors
/// [`Unreadable`]: anything else, also the words in quotes.
pub fn flag(field: &str, raw: Raw<'_>) -> Result<bool, Unreadable> {
    match raw.map(RawValue::get) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(unreadable(field, "expected true or false")),
    }
}

/// A whole number, or a text that holds one.
///
/// # Errors
/// [`Unreadable`]: missing, no whole number, or beyond 64 bits.
pub fn integer(field: &str, raw: Raw<'_>) -> Result<i64, Unreadable> {
    unquoted(given(field, raw)?).parse().map_err(|_| unreadable(field, "expected a whole number"))
}

/// An ISO 8601 time with its offset (RFC 3339); `None` where it is absent.
///
/// # Errors
/// [`Unreadable`]: no such time, or one before [`EARLIEST`].
pub fn time(field: &str, raw: Raw<'_>) -> Result<Option<Time>, Unreadable> {
    let Some(text) = text(field, raw)? else { return Ok(None) };
    let time = text.parse::<Time>().ok().filter(|time| *time >= EARLIEST);
    time.map(Some).ok_or_else(|| unreadable(field, "expected a time"))
}

/// A currency's code that must be there.
///
/// # Errors
/// [`Unreadable`]: missing, or no code ([`Currency`]).
pub fn currency(field: &str, raw: Raw<'_>) -> Result<Currency, Unreadable> {
    required(field, raw)?.parse().map_err(|_| unreadable(field, "not a currency code"))
}

/// A decimal number, or a text that holds one, exactly as its digits stand in the body: it never passes a float. For money
/// in major units, and for quantities, rates and percentages within an amount's range.
///
/// # Errors
/// Those of [`decimal`], and [`Unreadable`] where it is missing.
pub fn amount(field: &str, raw: Raw<'_>) -> Result<Amount, Unreadable> {
    decimal(field, unquoted(given(field, raw)?))
}

/// Money in the currency's smallest unit, a whole number or a text that holds one; a unit of the currency is ten to the power
/// of `decimals` of them (0 to 4: 2 for cents).
///
/// # Errors
/// Those of [`smallest`], and [`Unreadable`] where it is missing.
pub fn minor(field: &str, raw: Raw<'_>, decimals: u32) -> Result<Amount, Unreadable> {
    smallest(field, unquoted(given(field, raw)?), decimals)
}

/// The same from its digits.
///
/// # Errors
/// Those of [`decimal`], and [`Unreadable`] where it is no whole number.
pub fn smallest(field: &str, digits: &str, decimals: u32) -> Result<Amount, Unreadable> {
    let units = decimal(field, digits)?.scaled();
    // A whole number at the ledger's scale has that many zeros to give.
    if decimals > SCALE || units % Amount::whole(1).scaled() != 0 {
        return Err(unreadable(field, "expected a whole number of the smallest unit"));
    }
    Ok(Amount::from_scaled(units / 10_i64.pow(decimals)))
}

/// A decimal from its digits, by JSON's grammar for numbers (`0.10`, `-5`, `5e2`): exact or refused. Below zero is no
/// error; where a sign means nothing, the caller refuses it.
///
/// # Errors
/// [`Unreadable`]: not such digits, more than [`AMOUNT_TEXT_MAX`] of them, more decimals than an [`Amount`] has, too large.
pub fn decimal(field: &str, digits: &str) -> Result<Amount, Unreadable> {
    if digits.len() > AMOUNT_TEXT_MAX {
        return Err(unreadable(field, format!("longer than {AMOUNT_TEXT_MAX} characters")));
    }
    Amount::from_provider_text(digits).map_err(|error| unreadable(field, error.to_string()))
}

/// The digits of a number or of a text, from the raw text of either. Escapes inside a text stay as they are: digits have
/// none.
pub fn unquoted(raw: &str) -> &str {
    raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw)
}
