//! Who bears the fees. Answers do not say which category was asked for, so a connection has one, from its options; the
//! client always sends it and the translator reads by it (`providers/iotec.md`, section 9.2).

use std::collections::BTreeMap;

use ensimbi_events::word::Bearer;

/// Option: the category sent with every collection.
pub(super) const CATEGORY: &str = "transaction_charges_category";
/// Option: what `ChargeCustomer` means, which no document says.
pub(super) const READING: &str = "charge_customer";

/// A connection's policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charging {
    /// `ChargeWallet`: the payer parts with the amount, our wallet gets it less the fees.
    Wallet,
    /// `ChargeCustomer`, reading A: the fees come on top for the payer, our wallet gets the amount.
    CustomerOnTop,
    /// `ChargeCustomer`, reading B: the amount contains the fees; for our books the same as `ChargeWallet`.
    CustomerInside,
}

impl Charging {
    /// From the connection's options: `ChargeWallet` and reading A where they are silent.
    ///
    /// # Errors
    /// The option's name and what was expected.
    pub(super) fn of(options: &BTreeMap<String, String>) -> Result<Self, (&'static str, &'static str)> {
        let on_top = match options.get(READING).map(String::as_str) {
            None | Some("A") => true,
            Some("B") => false,
            Some(_) => return Err((READING, "expected A (fees on top of the amount) or B (inside it)")),
        };
        match options.get(CATEGORY).map(String::as_str) {
            None | Some("ChargeWallet") => Ok(Self::Wallet),
            Some("ChargeCustomer") if on_top => Ok(Self::CustomerOnTop),
            Some("ChargeCustomer") => Ok(Self::CustomerInside),
            Some(_) => Err((CATEGORY, "expected ChargeWallet or ChargeCustomer")),
        }
    }

    /// The provider's word.
    pub(super) const fn category(self) -> &'static str {
        match self {
            Self::Wallet => "ChargeWallet",
            Self::CustomerOnTop | Self::CustomerInside => "ChargeCustomer",
        }
    }

    /// Who bears the fees in our books.
    pub(super) const fn bearer(self) -> Bearer {
        match self {
            Self::Wallet | Self::CustomerInside => Bearer::Merchant,
            Self::CustomerOnTop => Bearer::Payer,
        }
    }
}
