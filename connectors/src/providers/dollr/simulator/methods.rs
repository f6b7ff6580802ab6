//! Methods, their countries and currencies, and the gateway of each (provider facts, section 10.5).

/// A way to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Method {
    pub(super) word: &'static str,
    pub(super) gateway: &'static str,
    pub(super) carrier: &'static str,
    pub(super) country: &'static str,
    /// Empty: every currency (section 14, row 28).
    currencies: &'static [&'static str],
}

const fn mobile(
    word: &'static str,
    carrier: &'static str,
    country: &'static str,
    currencies: &'static [&'static str],
) -> Method {
    Method { word, gateway: "PAWAPAY", carrier, country, currencies }
}

const LIBERIA: &[&str] = &["USD", "LRD"];
const RWANDA: &[&str] = &["RWF"];

pub(super) const METHODS: [Method; 7] = [
    mobile("MTN_MOMO_LBR", "MTN", "LR", LIBERIA),
    mobile("ORANGE_MONEY_LBR", "ORANGE", "LR", LIBERIA),
    mobile("AIRTEL_RWA", "AIRTEL", "RW", RWANDA),
    mobile("MTN_MOMO_RWA", "MTN", "RW", RWANDA),
    mobile("ORANGE_MONEY_RWA", "ORANGE", "RW", RWANDA),
    Method { word: "CREDIT_CARD", gateway: "STRIPE", carrier: "", country: "", currencies: &[] },
    Method { word: "WALLET", gateway: "PLATFORM", carrier: "", country: "", currencies: &[] },
];

/// Beginnings of numbers by method; ours, after the countries' numbering plans.
const NUMBERS: [(&str, &str); 9] = [
    ("23188", "MTN_MOMO_LBR"),
    ("23155", "MTN_MOMO_LBR"),
    ("23177", "ORANGE_MONEY_LBR"),
    ("231", "MTN_MOMO_LBR"),
    ("25072", "AIRTEL_RWA"),
    ("25073", "AIRTEL_RWA"),
    ("25078", "MTN_MOMO_RWA"),
    ("25079", "MTN_MOMO_RWA"),
    ("25075", "ORANGE_MONEY_RWA"),
];

impl Method {
    pub(super) fn of(word: &str) -> Option<Self> {
        METHODS.into_iter().find(|method| method.word == word)
    }

    /// The method of a phone, where the country is known.
    pub(super) fn of_phone(phone: &str) -> Option<Self> {
        let found = NUMBERS.into_iter().find(|(prefix, _)| phone.starts_with(prefix));
        found.and_then(|(_, word)| Self::of(word))
    }

    pub(super) fn is_mobile(self) -> bool {
        self.gateway == "PAWAPAY"
    }

    pub(super) fn is_card(self) -> bool {
        self.gateway == "STRIPE"
    }

    pub(super) const fn currencies(self) -> &'static [&'static str] {
        self.currencies
    }

    pub(super) fn takes(self, currency: &str) -> bool {
        self.currencies.is_empty() || self.currencies.contains(&currency)
    }

    /// Whether it goes with what was given as `provider`: the gateway, or the method's own name (section 8.0).
    pub(super) fn goes_with(self, provider: &str) -> bool {
        provider == self.gateway || provider == self.word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_has_the_method_of_its_operator_and_every_number_one_that_exists() {
        let word = |phone| Method::of_phone(phone).map(|method| method.word);
        assert_eq!(word("231771234567"), Some("ORANGE_MONEY_LBR"));
        assert_eq!((word("250781234567"), word("256771234567")), (Some("MTN_MOMO_RWA"), None));
        assert!(NUMBERS.iter().all(|(_, word)| Method::of(word).is_some()));
    }
}
