//! Currencies: an open registry, seeded with ISO 4217 and the sandbox codes of providers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Longest code; ISO 4217 has three letters, some ledgers use more.
pub const CODE_MAX: usize = 11;

/// A currency code: an upper-case letter, then upper-case letters or digits, 3 to 11 in all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    len: u8,
    bytes: [u8; CODE_MAX],
}

/// The text is no currency code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a currency is 3 to {CODE_MAX} upper-case letters or digits, such as UGX")]
pub struct CurrencyError;

impl Currency {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        // The constructor lets only ASCII in.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;
    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        let ok = (3..=CODE_MAX).contains(&text.len())
            && text.as_bytes()[0].is_ascii_uppercase()
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !ok {
            return Err(CurrencyError);
        }
        let mut bytes = [0; CODE_MAX];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { len: text.len() as u8, bytes })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// What the registry knows of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrencyInfo {
    /// Decimal places people write (UGX 0, USD 2); storage keeps four for every currency.
    pub exponent: u8,
    /// A provider's test money: refused in a live book.
    pub sandbox: bool,
}

/// Looks a code up: ISO 4217, or a sandbox code that a provider's document names.
///
/// `ITX` is ioTec Pay's test currency (`providers/iotec.md` section 10); its decimals are unknown, samples are like UGX.
pub fn lookup(currency: Currency) -> Option<CurrencyInfo> {
    if currency.as_str() == "ITX" {
        return Some(CurrencyInfo { exponent: 0, sandbox: true });
    }
    let iso = iso_currency::Currency::from_code(currency.as_str())?;
    Some(CurrencyInfo { exponent: iso.exponent().unwrap_or(0).min(4) as u8, sandbox: false })
}

/// Every code that [`lookup`] knows, in no order.
pub fn codes() -> impl Iterator<Item = String> {
    let iso = <iso_currency::Currency as iso_currency::IntoEnumIterator>::iter();
    iso.map(|code| code.code().to_owned()).chain(["ITX".to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_exact() {
        for good in ["UGX", "USD", "ITX", "LRD", "ABCDEFGHIJK"] {
            assert_eq!(good.parse::<Currency>().map(|c| c.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "UG", "ugx", "UGХ", "1GX", "U GX", "ABCDEFGHIJKL"] {
            assert_eq!(bad.parse::<Currency>(), Err(CurrencyError), "{bad}");
        }
    }

    #[test]
    fn the_registry_knows_iso_and_sandbox_codes() {
        let info = |code: &str| code.parse().ok().and_then(lookup);
        assert_eq!(info("UGX"), Some(CurrencyInfo { exponent: 0, sandbox: false }));
        assert_eq!(info("USD"), Some(CurrencyInfo { exponent: 2, sandbox: false }));
        assert_eq!(info("ITX"), Some(CurrencyInfo { exponent: 0, sandbox: true }));
        assert_eq!(info("QQQ"), None);
    }
}
