//! How a source or a payment account is named between two calls, as text: `INVOICE-101-PARTY-42`, `ORDER-201-PARTY-42`,
//! `HOSTED-ORDER-201`, `ACCOUNT-18`. A status answer names no source (`providers/dollr.md`, section 8.4), so the order
//! keeps its handle from the first step on, and later attempts carry it over. The party is that of the source: each
//! attempt makes a payment account of it. By itself a source is `INVOICE-101`, as its receipt is called.

use std::fmt;
use std::str::FromStr;

use super::{INVOICE, ORDER};

/// Most digits of one of their integer ids; they are 64-bit at most.
const DIGITS_MAX: usize = 19;
/// What stands between a source and its payer's party.
const PARTY: &str = "-PARTY-";

/// Which of the two sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// An invoice.
    Invoice,
    /// An order.
    Order,
}

impl Family {
    /// Their word for it (`source_type`, `source_kind`).
    pub const fn word(self) -> &'static str {
        match self {
            Self::Invoice => "INVOICE",
            Self::Order => "ORDER",
        }
    }

    /// Our word for the object.
    pub const fn object_kind(self) -> &'static str {
        match self {
            Self::Invoice => INVOICE,
            Self::Order => ORDER,
        }
    }

    /// Its part of their paths.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Invoice => "invoices",
            Self::Order => "orders",
        }
    }

    /// From their word, in any case; a subscription is declared unsupported (section 6).
    pub fn of(word: &str) -> Option<Self> {
        [Self::Invoice, Self::Order].into_iter().find(|family| family.word().eq_ignore_ascii_case(word))
    }
}

/// A source at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRef {
    /// Invoice or order.
    pub family: Family,
    /// Its integer id, as text.
    pub id: String,
}

impl fmt::Display for SourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.family.word(), self.id)
    }
}

/// What an order's first step made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handle {
    /// A source that we collect on ourselves.
    Source {
        /// Which.
        source: SourceRef,
        /// The payer's party, whose payment account each attempt makes.
        party: String,
    },
    /// A source that is paid on their page.
    Hosted(SourceRef),
    /// A payment account that is paid to.
    Account(String),
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source { source, party } => write!(f, "{source}{PARTY}{party}"),
            Self::Hosted(source) => write!(f, "HOSTED-{source}"),
            Self::Account(id) => write!(f, "ACCOUNT-{id}"),
        }
    }
}

/// The text is no handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a handle such as INVOICE-101-PARTY-42, HOSTED-ORDER-201 or ACCOUNT-18")]
pub struct HandleError;

/// Whether a text can be one of their integer ids; only such a one ever goes into a path.
pub fn is_integer_id(text: &str) -> bool {
    (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl FromStr for SourceRef {
    type Err = HandleError;
    fn from_str(text: &str) -> Result<Self, HandleError> {
        let (word, id) = text.split_once('-').ok_or(HandleError)?;
        let family = [Family::Invoice, Family::Order].into_iter().find(|family| family.word() == word);
        let family = family.filter(|_| is_integer_id(id)).ok_or(HandleError)?;
        Ok(Self { family, id: id.to_owned() })
    }
}

impl FromStr for Handle {
    type Err = HandleError;
    fn from_str(text: &str) -> Result<Self, HandleError> {
        if let Some(source) = text.strip_prefix("HOSTED-") {
            return source.parse().map(Self::Hosted);
        }
        match text.strip_prefix("ACCOUNT-") {
            Some(id) if is_integer_id(id) => Ok(Self::Account(id.to_owned())),
            Some(_) => Err(HandleError),
            None => {
                let (source, party) =
                    text.split_once(PARTY).filter(|(_, party)| is_integer_id(party)).ok_or(HandleError)?;
                Ok(Self::Source { source: source.parse()?, party: party.to_owned() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_handle_is_read_back_as_it_was_written_and_nothing_else_is_one() {
        for text in ["INVOICE-101-PARTY-42", "ORDER-201-PARTY-42", "HOSTED-ORDER-201", "HOSTED-INVOICE-9", "ACCOUNT-18"]
        {
            assert_eq!(text.parse::<Handle>().unwrap().to_string(), text);
        }
        let long = format!("ORDER-{}-PARTY-1", "9".repeat(20));
        assert_eq!("ORDER-201".parse::<SourceRef>().unwrap().to_string(), "ORDER-201");
        let wrong = [
            "",
            "INVOICE",
            "INVOICE-1",
            "INVOICE--PARTY-1",
            "INVOICE-1-PARTY-",
            "INVOICE-1-PARTY-x",
            "invoice-1-PARTY-2",
            "INVOICE--1-PARTY-2",
            "INVOICE-1/2-PARTY-2",
            "INVOICE-1-PARTY-2 ",
            "INVOICE-1-PARTY-2-PARTY-3",
            "SUBSCRIPTION-1-PARTY-2",
            "HOSTED-ORDER-1-PARTY-2",
            "HOSTED-ACCOUNT-1",
            "ACCOUNT-x",
        ];
        for text in wrong.into_iter().chain([long.as_str()]) {
            assert_eq!(text.parse::<Handle>(), Err(HandleError), "{text}");
        }
    }
}
