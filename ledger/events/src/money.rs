//! Exact money: an integer at scale 4, for every currency, checked at every step.
//!
//! No float is ever involved. Text is read digit by digit, so a number that a `Decimal` parser would round is refused
//! instead. [`rust_decimal::Decimal`] is the type for arithmetic beyond sums (rates, shares) and for display.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Currency;

/// Decimal places that storage keeps, for every currency.
pub const SCALE: u32 = 4;
/// Longest text that is read as an amount; longer input is refused before it is looked at.
pub const AMOUNT_TEXT_MAX: usize = 64;
const UNIT: i64 = 10_000;

/// An exact amount, signed, at scale 4; the currency stands beside it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(i64);

/// Why a text or number is no amount of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not a number in the field's grammar.
    #[error("not a decimal number (digits with an optional point, as in \"24.5\")")]
    Malformed,
    /// More than four decimal places that are not zero.
    #[error("more than {SCALE} decimal places")]
    TooFine,
    /// Beyond the range of an i64 at scale 4 (about 922 trillion).
    #[error("too large for the ledger")]
    TooLarge,
    /// Longer than [`AMOUNT_TEXT_MAX`].
    #[error("longer than {AMOUNT_TEXT_MAX} characters")]
    TooLong,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From the stored integer (units of 0.0001).
    pub const fn from_scaled(scaled: i64) -> Self {
        Self(scaled)
    }

    /// Whole units: `Amount::whole(700)` is 700 shillings.
    pub const fn whole(units: i32) -> Self {
        Self(units as i64 * UNIT)
    }

    /// The stored integer (units of 0.0001).
    pub const fn scaled(self) -> i64 {
        self.0
    }

    /// As a decimal number, exact.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, SCALE)
    }

    /// From a decimal number, if it fits exactly.
    ///
    /// # Errors
    /// [`AmountError::TooFine`] or [`AmountError::TooLarge`].
    pub fn from_decimal(value: Decimal) -> Result<Self, AmountError> {
        Self::parse(&value.normalize().to_string(), Grammar::Plain)
    }

    /// Reads a number as a provider wrote it in JSON: integer, decimal or exponent form, from its own text.
    ///
    /// # Errors
    /// See [`AmountError`]; the caller parks such a value for a person, it is never rounded.
    pub fn from_provider_text(text: &str) -> Result<Self, AmountError> {
        Self::parse(text, Grammar::Json)
    }

    /// Sum, or `None` beyond the range.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// Difference, or `None` beyond the range.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// The opposite sign, or `None` at the very border.
    pub const fn checked_neg(self) -> Option<Self> {
        match self.0.checked_neg() {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// The sum of many, or `None` beyond the range.
    pub fn checked_sum(values: impl IntoIterator<Item = Self>) -> Option<Self> {
        values.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    /// Greater than zero.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Less than zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Exactly zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    fn parse(text: &str, grammar: Grammar) -> Result<Self, AmountError> {
        if text.len() > AMOUNT_TEXT_MAX {
            return Err(AmountError::TooLong);
        }
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match (grammar, rest.find(['e', 'E'])) {
            (_, None) => (rest, 0),
            (Grammar::Plain, Some(_)) => return Err(AmountError::Malformed),
            (Grammar::Json, Some(at)) => (&rest[..at], exponent(&rest[at + 1..])?),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(AmountError::Malformed),
            None => (mantissa, ""),
        };
        let digits_only = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || leading_zero || !digits_only(whole) || !digits_only(fraction) {
            return Err(AmountError::Malformed);
        }
        let digits = format!("{whole}{fraction}");
        // Where the point of the scaled integer stands, counted from the left of `digits`.
        let point = whole.len() as i64 + exponent + i64::from(SCALE);
        scaled_digits(&digits, point, negative).map(Self)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Grammar {
    /// `-?(0|[1-9][0-9]*)(\.[0-9]+)?`: our own JSON and user input.
    Plain,
    /// RFC 8259 numbers, exponents included: provider JSON.
    Json,
}

fn exponent(text: &str) -> Result<i64, AmountError> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(AmountError::Malformed);
    }
    let size: i64 = digits.parse().map_err(|_| AmountError::TooLarge)?;
    // Beyond this no 64-character mantissa can be in range; the bound keeps the sums below small.
    let size = size.min(1_000);
    Ok(if negative { -size } else { size })
}

fn scaled_digits(digits: &str, point: i64, negative: bool) -> Result<i64, AmountError> {
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    // Counted below zero, where i64 reaches one further, so that its smallest value can be read too.
    let mut value: i64 = 0;
    for (index, digit) in digits.bytes().enumerate() {
        if (index as i64) < point {
            let next = value.checked_mul(10).and_then(|v| v.checked_sub(i64::from(digit - b'0')));
            value = next.ok_or(AmountError::TooLarge)?;
        } else if digit != b'0' {
            return Err(AmountError::TooFine);
        }
    }
    for _ in digits.len() as i64..point {
        value = value.checked_mul(10).ok_or(AmountError::TooLarge)?;
    }
    if negative { Ok(value) } else { value.checked_neg().ok_or(AmountError::TooLarge) }
}

impl fmt::Display for Amount {
    /// Shortest form: `24.5`, `700`, `-0.0001`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&scaled_text(i128::from(self.0)))
    }
}

/// A total at scale 4 in 128 bits, in shortest form; sums of many lines do not fit an i64.
pub fn scaled_text(scaled: i128) -> String {
    let unit = UNIT.unsigned_abs() as u128;
    let size = scaled.unsigned_abs();
    let sign = if scaled < 0 { "-" } else { "" };
    let fraction = format!("{:04}", size % unit);
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{}", size / unit),
        fraction => format!("{sign}{}.{fraction}", size / unit),
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Amount {
    type Err = AmountError;
    fn from_str(text: &str) -> Result<Self, AmountError> {
        Self::parse(text, Grammar::Plain)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Amount;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an amount as a decimal string, such as \"24.5\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
                text.parse().map_err(E::custom)
            }
        }
        // `str`, not `any`: a JSON number would arrive through a float.
        deserializer.deserialize_str(Visitor)
    }
}

/// An amount with its currency, where it may differ from the fact's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// How much.
    pub amount: Amount,
    /// Of what.
    pub currency: Currency,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_read_exactly_or_refused() {
        let ok = [("0", 0), ("-0", 0), ("24.5", 245_000), ("700", 7_000_000), ("0.0001", 1), ("1.00000", 10_000)];
        for (text, scaled) in ok {
            assert_eq!(text.parse::<Amount>(), Ok(Amount(scaled)), "{text}");
        }
        let largest = "922337203685477.5807";
        assert_eq!(largest.parse::<Amount>(), Ok(Amount(i64::MAX)));
        assert_eq!("-922337203685477.5808".parse::<Amount>(), Ok(Amount(i64::MIN)));
        assert_eq!("-922337203685477.5809".parse::<Amount>(), Err(AmountError::TooLarge));
        let bad = [
            ("", AmountError::Malformed),
            (".5", AmountError::Malformed),
            ("5.", AmountError::Malformed),
            ("0500", AmountError::Malformed),
            ("1e2", AmountError::Malformed),
            ("+1", AmountError::Malformed),
            ("NaN", AmountError::Malformed),
            ("1 000", AmountError::Malformed),
            ("0.00001", AmountError::TooFine),
            ("922337203685477.5808", AmountError::TooLarge),
            ("99999999999999999999999999999999999999999", AmountError::TooLarge),
        ];
        for (text, error) in bad {
            assert_eq!(text.parse::<Amount>(), Err(error), "{text}");
        }
        assert_eq!("1".repeat(5_000).parse::<Amount>(), Err(AmountError::TooLong));
    }

    #[test]
    fn provider_numbers_keep_every_digit() {
        let read = Amount::from_provider_text;
        assert_eq!(read("10.5"), Ok(Amount(105_000)));
        assert_eq!(read("1.05e1"), Ok(Amount(105_000)));
        assert_eq!(read("7E+2"), Ok(Amount(7_000_000)));
        assert_eq!(read("700e-4"), Ok(Amount(700)));
        assert_eq!(read("700000000e-8"), Ok(Amount(70_000)));
        assert_eq!(read("0e999999999"), Ok(Amount(0)));
        assert_eq!(read("9007199254740993"), Err(AmountError::TooLarge));
        assert_eq!(read("90071992547409.9325"), Ok(Amount(900_719_925_474_099_325)));
        assert_eq!(read("1e400"), Err(AmountError::TooLarge));
        assert_eq!(read("1e-400"), Err(AmountError::TooFine));
        assert_eq!(read("10.51515"), Err(AmountError::TooFine));
        assert_eq!(read("\"500\""), Err(AmountError::Malformed));
    }

    #[test]
    fn json_carries_strings_and_refuses_numbers() {
        assert_eq!(serde_json::to_string(&Amount(245_000)).ok().as_deref(), Some("\"24.5\""));
        assert!(serde_json::from_str::<Amount>("24.5").is_err());
        assert!(serde_json::from_str::<Amount>("\"24.5\"").is_ok());
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_is_read_back(scaled: i64) {
            let amount = Amount(scaled);
            proptest::prop_assert_eq!(amount.to_string().parse::<Amount>(), Ok(amount));
            proptest::prop_assert_eq!(Amount::from_decimal(amount.to_decimal()), Ok(amount));
        }
    }
}
