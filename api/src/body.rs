//! Bodies: one JSON object, bounded, every field known and there once, each read by its own grammar. A problem names
//! the field, with dots inside objects and the number inside lists: `items.2.unit_amount`.
//!
//! Values stay the text that was sent until their field reads them: an amount is never a JSON number on its way.

use std::fmt;
use std::str::FromStr;

use ensimbi_events::codes::Problem;
use ensimbi_events::commands::EMAIL_MAX;
use ensimbi_events::{Amount, Currency, Time};
use jiff::civil::Date;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::problem::ApiError;

/// Shortest and longest phone, in digits.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 5..=20;
/// Fewest and most characters of a bank account number.
const ACCOUNT_CHARS: std::ops::RangeInclusive<usize> = 4..=34;
/// Most fields of one object.
const FIELDS_MAX: usize = 64;
/// Most characters of a field's name that an answer repeats.
const SHOWN_MAX: usize = 40;

/// A JSON object whose fields are still text.
pub struct Object<'a> {
    /// What stands before its fields' names, with a dot at its end.
    prefix: String,
    pairs: Vec<(String, &'a RawValue)>,
}

/// Which amounts a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Above zero.
    Positive,
    /// Zero or above.
    NotNegative,
    /// Any.
    Any,
}

struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }
        deserializer.deserialize_map(Fields).map(Pairs)
    }
}

impl<'a> Object<'a> {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// `invalid_body`; where it is not JSON, with the line and column, and never with what stands there.
    pub fn read(bytes: &'a [u8]) -> Result<Self, ApiError> {
        let text = std::str::from_utf8(bytes).map_err(|_| invalid("the body is not UTF-8"))?;
        Self::parse(text, String::new())
    }

    fn parse(text: &'a str, prefix: String) -> Result<Self, ApiError> {
        let pairs: Pairs<'a> = serde_json::from_str(text).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            match prefix.strip_suffix('.') {
                Some(field) => ApiError::field(Problem::InvalidBody, field, format!("{field}: expected a JSON object")),
                None => invalid(format!("the body is no JSON object: {place}")),
            }
        })?;
        let object = Self { prefix, pairs: pairs.0 };
        if object.pairs.len() > FIELDS_MAX {
            return Err(invalid("too many fields"));
        }
        for (at, (name, _)) in object.pairs.iter().enumerate() {
            if object.pairs[..at].iter().any(|(other, _)| other == name) {
                return Err(object.wrong(&shown(name), "given twice"));
            }
        }
        Ok(object)
    }

    /// Lets only known fields through.
    ///
    /// # Errors
    /// `invalid_body`, naming the field and what is allowed.
    pub fn only(self, allowed: &[&str]) -> Result<Self, ApiError> {
        self.allow(allowed)?;
        Ok(self)
    }

    /// Checks that all fields are known.
    ///
    /// # Errors
    /// `invalid_body`, naming the field and what is allowed.
    pub fn allow(&self, allowed: &[&str]) -> Result<(), ApiError> {
        match self.pairs.iter().find(|(name, _)| !allowed.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) => {
                let known = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
                Err(self.wrong(&shown(name), format!("not known here; allowed: {known}")))
            }
        }
    }

    /// `invalid_body` about a field of this object.
    pub fn wrong(&self, name: &str, why: impl fmt::Display) -> ApiError {
        self.problem(Problem::InvalidBody, name, why)
    }

    /// A problem about a field of this object.
    pub fn problem(&self, code: Problem, name: &str, why: impl fmt::Display) -> ApiError {
        let field = [self.prefix.as_str(), name].concat();
        let detail = format!("{field}: {why}");
        ApiError::field(code, field, detail)
    }

    /// A field's value that must be there.
    ///
    /// # Errors
    /// `invalid_body`, naming the field.
    pub fn need<T>(&self, name: &str, value: Option<T>) -> Result<T, ApiError> {
        value.ok_or_else(|| self.wrong(name, "missing"))
    }

    /// The text of a value; `null` is the same as an absent field.
    fn raw(&self, name: &str) -> Option<&'a str> {
        let value = self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.get());
        value.filter(|text| *text != "null")
    }

    fn string(&self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(raw).map(Some).map_err(|_| self.wrong(name, "expected text in quotes"))
    }

    /// Text of 1 to `max` characters, none of them a control character.
    ///
    /// # Errors
    /// `invalid_body`, naming the field.
    pub fn text(&self, name: &str, max: usize) -> Result<Option<String>, ApiError> {
        self.text_or(Problem::InvalidBody, name, max)
    }

    /// As [`Object::text`], with a problem of its own.
    ///
    /// # Errors
    /// `code`, naming the field.
    pub fn text_or(&self, code: Problem, name: &str, max: usize) -> Result<Option<String>, ApiError> {
        let Some(text) = self.string(name)? else { return Ok(None) };
        let fits = !text.trim().is_empty() && text.chars().count() <= max && !text.chars().any(char::is_control);
        if fits { Ok(Some(text)) } else { Err(self.problem(code, name, format!("expected 1 to {max} characters"))) }
    }

    /// An amount, as a decimal string.
    ///
    /// # Errors
    /// `invalid_amount`, naming the field.
    pub fn amount(&self, name: &str, sign: Sign) -> Result<Option<Amount>, ApiError> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let wrong = |why: &dyn fmt::Display| self.problem(Problem::InvalidAmount, name, why);
        if raw.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            let why = "send a decimal string, such as \"24.5\": many programs read a JSON number as a binary fraction \
                and lose digits of it";
            return Err(wrong(&why));
        }
        let text: String =
            serde_json::from_str(raw).map_err(|_| wrong(&"expected a decimal string, such as \"24.5\""))?;
        let amount: Amount = text.parse().map_err(|error| wrong(&error))?;
        match sign {
            Sign::Positive if !amount.is_positive() => Err(wrong(&"must be greater than zero")),
            Sign::NotNegative if amount.is_negative() => Err(wrong(&"must not be below zero")),
            _ => Ok(Some(amount)),
        }
    }

    /// A currency code.
    ///
    /// # Errors
    /// `wrong_currency`, naming the field.
    pub fn currency(&self, name: &str) -> Result<Option<Currency>, ApiError> {
        let Some(text) = self.string(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error| self.problem(Problem::WrongCurrency, name, error))
    }

    /// A phone: 5 to 20 digits, with an optional `+` before.
    ///
    /// # Errors
    /// `invalid_phone`, naming the field and not repeating what was sent.
    pub fn phone(&self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(text) = self.string(name)? else { return Ok(None) };
        let digits = text.strip_prefix('+').unwrap_or(&text);
        if PHONE_DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Some(text));
        }
        Err(self.problem(Problem::InvalidPhone, name, "expected 5 to 20 digits, with an optional + before"))
    }

    /// A bank account number: 4 to 34 letters and digits.
    ///
    /// # Errors
    /// `invalid_account`, naming the field and not repeating what was sent.
    pub fn account_number(&self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(text) = self.string(name)? else { return Ok(None) };
        if ACCOUNT_CHARS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(Some(text));
        }
        Err(self.problem(Problem::InvalidAccount, name, "expected 4 to 34 letters and digits"))
    }

    /// An e-mail address, as far as a form can tell.
    ///
    /// # Errors
    /// `invalid_body`, naming the field and not repeating what was sent.
    pub fn email(&self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(text) = self.string(name)? else { return Ok(None) };
        let plain = !text.chars().any(|char| char.is_control() || char.is_whitespace());
        let parts = text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
        if plain && parts && text.len() <= EMAIL_MAX && text.matches('@').count() == 1 {
            return Ok(Some(text));
        }
        Err(self.wrong(name, "expected an e-mail address"))
    }

    /// A value with a grammar of its own; `code` is what it is when it has another form.
    ///
    /// # Errors
    /// `code`, naming the field and what was expected.
    pub fn parsed<T: FromStr>(&self, code: Problem, name: &str, expected: &str) -> Result<Option<T>, ApiError> {
        let Some(text) = self.string(name)? else { return Ok(None) };
        // Nothing read here is longer; UUIDs have several spellings and ours have 36 characters.
        let short = text.len() <= 40;
        let value = short.then(|| text.parse().ok()).flatten();
        value.map(Some).ok_or_else(|| self.problem(code, name, format!("expected {expected}")))
    }

    /// An id of ours.
    ///
    /// # Errors
    /// `invalid_body`, naming the field.
    pub fn id<T: FromStr>(&self, name: &str) -> Result<Option<T>, ApiError> {
        self.parsed(Problem::InvalidBody, name, "a UUID")
    }

    /// A moment in RFC 3339.
    ///
    /// # Errors
    /// `invalid_body`, naming the field.
    pub fn time(&self, name: &str) -> Result<Option<Time>, ApiError> {
        self.parsed(Problem::InvalidBody, name, "a time with its zone in RFC 3339, such as 2026-05-03T09:00:00Z")
    }

    /// A calendar date, in the one form `2026-05-03`.
    ///
    /// # Errors
    /// `invalid_body`, naming the field.
    pub fn date(&self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(text) = self.string(name)? else { return Ok(None) };
        let own_form = text.len() == 10 && text.parse::<Date>().is_ok_and(|date| date.to_string() == text);
        if own_form { Ok(Some(text)) } else { Err(self.wrong(name, "expected a date, such as 2026-05-03")) }
    }

    /// A word of a list.
    ///
    /// # Errors
    /// `invalid_body`, naming the field and the list.
    pub fn word<T: Copy>(
        &self,
        name: &str,
        all: &[T],
        as_str: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.string(name)? else { return Ok(None) };
        match all.iter().copied().find(|word| as_str(*word) == text) {
            Some(word) => Ok(Some(word)),
            None => {
                let words: Vec<&str> = all.iter().map(|word| as_str(*word)).collect();
                Err(self.wrong(name, format!("expected one of {}", words.join(", "))))
            }
        }
    }

    /// True or false.
    ///
    /// # Errors
    /// `invalid_body`, naming the field.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.raw(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(self.wrong(name, "expected true or false")),
        }
    }

    /// A whole number from 0.
    ///
    /// # Errors
    /// `invalid_body`, naming the field.
    pub fn count(&self, name: &str) -> Result<Option<u32>, ApiError> {
        let number = |raw: &str| raw.parse().map_err(|_| self.wrong(name, "expected a whole number"));
        self.raw(name).map(number).transpose()
    }

    /// A list of texts; none where it is absent.
    ///
    /// # Errors
    /// `invalid_body`, naming the field.
    pub fn texts(&self, name: &str, most: usize, max: usize) -> Result<Vec<String>, ApiError> {
        let Some(raw) = self.raw(name) else { return Ok(Vec::new()) };
        let texts: Vec<String> = serde_json::from_str(raw).map_err(|_| self.wrong(name, "expected a list of texts"))?;
        if texts.len() > most || texts.iter().any(|text| text.is_empty() || text.chars().count() > max) {
            return Err(self.wrong(name, format!("at most {most} texts of 1 to {max} characters")));
        }
        Ok(texts)
    }

    /// An object inside.
    ///
    /// # Errors
    /// `invalid_body`, naming the field.
    pub fn object(&self, name: &str) -> Result<Option<Object<'a>>, ApiError> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        Self::parse(raw, format!("{}{name}.", self.prefix)).map(Some)
    }

    /// A list of at most `max` objects; empty where the field is absent.
    ///
    /// # Errors
    /// `invalid_body`, naming the field.
    pub fn objects(&self, name: &str, max: usize) -> Result<Vec<Object<'a>>, ApiError> {
        let Some(raw) = self.raw(name) else { return Ok(Vec::new()) };
        let values: Vec<&'a RawValue> =
            serde_json::from_str(raw).map_err(|_| self.wrong(name, "expected a list of JSON objects"))?;
        if values.len() > max {
            return Err(self.wrong(name, format!("at most {max}")));
        }
        let numbered = values.into_iter().enumerate();
        numbered.map(|(at, value)| Self::parse(value.get(), format!("{}{name}.{at}.", self.prefix))).collect()
    }
}

fn invalid(detail: impl Into<String>) -> ApiError {
    ApiError::new(Problem::InvalidBody, detail)
}

/// What was sent is repeated only as far as it is harmless.
fn shown(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(SHOWN_MAX).collect()
}
