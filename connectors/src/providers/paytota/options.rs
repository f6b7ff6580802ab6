//! The connection's options (`example.toml` explains each): what no document of theirs decides, and what a request needs
//! beside its order. Read by the translator and by the client alike, so that both follow one reading.

use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Currency};

use crate::connector::{Options, OrderKind};

/// Which currencies there are, and how many decimal places their smallest unit has: `UGX:0,USD:2`.
pub(super) const CURRENCIES: &str = "currencies";
/// Whether a payout's fee is `on_top` of the amount or `inside` it.
pub(super) const PAYOUT_FEE: &str = "payout_fee";
/// The highest fee of a payout, in units of the currency.
pub(super) const PAYOUT_FEE_MAX: &str = "payout_fee_max";
/// Whether a refund's fee is `on_top` of the amount or `returned` to us.
pub(super) const REFUND_FEE: &str = "refund_fee";
/// The highest fee of a refund, in units of the currency.
pub(super) const REFUND_FEE_MAX: &str = "refund_fee_max";
/// Objects of another brand are left alone.
pub(super) const BRAND_ID: &str = "brand_id";
/// The e-mail address of a payer or beneficiary whose own one we do not have: theirs is an obligatory field.
pub(super) const CLIENT_EMAIL: &str = "client_email";
/// The country of a payer or beneficiary, where the phone number does not tell.
pub(super) const COUNTRY: &str = "country";
/// Which of their two generations of mobile money is called: `v2` or `v1`.
pub(super) const GENERATION: &str = "generation";
/// The network of the first generation.
pub(super) const V1_NETWORK: &str = "v1_network";
/// A second channel for paid purchases.
pub(super) const SUCCESS_CALLBACK_URL: &str = "success_callback_url";
/// How many days back a statement reaches.
pub(super) const STATEMENT_DAYS: &str = "statement_days";
/// What a statement's columns are called.
pub(super) const STATEMENT_COLUMNS: &str = "statement_columns";

/// All of them.
pub(super) const ALL: [&str; 13] = [
    CURRENCIES,
    PAYOUT_FEE,
    PAYOUT_FEE_MAX,
    REFUND_FEE,
    REFUND_FEE_MAX,
    BRAND_ID,
    CLIENT_EMAIL,
    COUNTRY,
    GENERATION,
    V1_NETWORK,
    SUCCESS_CALLBACK_URL,
    STATEMENT_DAYS,
    STATEMENT_COLUMNS,
];

/// An option that cannot be read, and what was expected.
pub(super) type Wrong = (&'static str, &'static str);

/// Most currencies of a connection.
const CURRENCIES_MAX: usize = 32;
/// Most decimal places that the ledger keeps.
const EXPONENT_MAX: u32 = ensimbi_events::money::SCALE;

/// Currencies with the exponent of their smallest unit. A factor of 100 is easily wrong, and only UGX is certain (section
/// 2), so there is no list but the configured one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Currencies(Vec<(Currency, u32)>);

impl Currencies {
    pub(super) fn of(options: &Options) -> Result<Self, Wrong> {
        let wrong = (CURRENCIES, "expected currency codes with their decimal places, such as UGX:0,USD:2");
        let text = options.get(CURRENCIES).map_or("UGX:0", String::as_str);
        let mut list: Vec<(Currency, u32)> = Vec::new();
        for part in text.split(',') {
            let (code, exponent) = part.trim().split_once(':').ok_or(wrong)?;
            let code: Currency = code.parse().map_err(|_| wrong)?;
            let exponent = exponent.parse().ok().filter(|exponent| *exponent <= EXPONENT_MAX).ok_or(wrong)?;
            if list.len() >= CURRENCIES_MAX || list.iter().any(|(known, _)| *known == code) {
                return Err(wrong);
            }
            list.push((code, exponent));
        }
        Ok(Self(list))
    }

    pub(super) fn exponent(&self, currency: Currency) -> Option<u32> {
        self.0.iter().find(|(code, _)| *code == currency).map(|(_, exponent)| *exponent)
    }

    /// An amount as a whole number of smallest units, if it is one.
    pub(super) fn units(&self, amount: Amount, currency: Currency) -> Option<i64> {
        let step = 10i64.checked_pow(EXPONENT_MAX.checked_sub(self.exponent(currency)?)?)?;
        (amount.scaled() % step == 0).then_some(amount.scaled() / step)
    }
}

/// Where a payout's fee comes from, which no document says (section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PayoutFee {
    /// The purse loses amount and fee, the beneficiary gets the amount.
    OnTop,
    /// The purse loses the amount, the beneficiary gets it less the fee.
    Inside,
}

impl PayoutFee {
    pub(super) fn of(options: &Options) -> Result<Self, Wrong> {
        match options.get(PAYOUT_FEE).map(String::as_str) {
            None | Some("on_top") => Ok(Self::OnTop),
            Some("inside") => Ok(Self::Inside),
            Some(_) => Err((PAYOUT_FEE, "expected on_top or inside")),
        }
    }

    /// Who bears it in our books (`bookkeeping.md` 6).
    pub(super) const fn bearer(self) -> Bearer {
        match self {
            Self::OnTop => Bearer::Merchant,
            Self::Inside => Bearer::Beneficiary,
        }
    }
}

/// What the fee of a refund does, which no document says (section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefundFee {
    /// The purse loses amount and fee.
    OnTop,
    /// The purse loses the amount less the fee: so much of the payment's fee came back.
    Returned,
}

impl RefundFee {
    pub(super) fn of(options: &Options) -> Result<Self, Wrong> {
        match options.get(REFUND_FEE).map(String::as_str) {
            None | Some("on_top") => Ok(Self::OnTop),
            Some("returned") => Ok(Self::Returned),
            Some(_) => Err((REFUND_FEE, "expected on_top or returned")),
        }
    }
}

/// The highest plausible fee on money that leaves. Ours, no figure of theirs: one twentieth of the amount, up to the next
/// whole unit, where the options are silent; nothing where the fee does not touch the purse.
pub(super) fn ceiling(options: &Options, order: OrderKind, amount: Amount) -> Result<Amount, Wrong> {
    let (name, free) = match order {
        OrderKind::Collect => return Ok(Amount::ZERO),
        OrderKind::PayMobile | OrderKind::PayBank => (PAYOUT_FEE_MAX, PayoutFee::of(options)? == PayoutFee::Inside),
        OrderKind::Refund => (REFUND_FEE_MAX, RefundFee::of(options)? == RefundFee::Returned),
    };
    let wrong = (name, "expected an amount such as 2500");
    let stated = match options.get(name) {
        None => None,
        Some(text) => Some(text.parse::<Amount>().ok().filter(|most| !most.is_negative()).ok_or(wrong)?),
    };
    if free {
        return Ok(Amount::ZERO);
    }
    let unit = Amount::whole(1).scaled();
    let twentieth = || {
        let units = amount.scaled().max(0) / 20 / unit + 1;
        if amount.scaled() % (20 * unit) == 0 { units - 1 } else { units }
    };
    Ok(stated.unwrap_or_else(|| Amount::from_scaled(twentieth() * unit)))
}

/// Which calls mobile money takes (section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generation {
    /// Per network: `airtel` or `mtnmomo`.
    V1(Network),
    /// One method for all networks and banks.
    V2,
}

/// A network of the first generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    Airtel,
    Mtn,
}

impl Generation {
    pub(super) fn of(options: &Options) -> Result<Self, Wrong> {
        let network = match options.get(V1_NETWORK).map(String::as_str) {
            None => None,
            Some("airtel") => Some(Network::Airtel),
            Some("mtnmomo") => Some(Network::Mtn),
            Some(_) => return Err((V1_NETWORK, "expected airtel or mtnmomo")),
        };
        match (options.get(GENERATION).map(String::as_str), network) {
            (None | Some("v2"), _) => Ok(Self::V2),
            // Which network a number is on, no document of theirs tells.
            (Some("v1"), None) => Err((V1_NETWORK, "missing: expected airtel or mtnmomo")),
            (Some("v1"), Some(network)) => Ok(Self::V1(network)),
            (Some(_), _) => Err((GENERATION, "expected v2 or v1")),
        }
    }

    /// Their word for the method, in forms and in paths.
    pub(super) const fn method(self) -> &'static str {
        match self {
            Self::V2 => "paytota_proxy",
            Self::V1(Network::Airtel) => "airtel",
            Self::V1(Network::Mtn) => "mtnmomo",
        }
    }
}

/// How far back a statement reaches.
pub(super) fn statement_days(options: &Options) -> Result<i64, Wrong> {
    let wrong = (STATEMENT_DAYS, "expected a number of days, 1 to 31");
    let Some(text) = options.get(STATEMENT_DAYS) else { return Ok(3) };
    text.parse().ok().filter(|days| (1..=31).contains(days)).ok_or(wrong)
}

/// The country of people whose phone number does not tell it.
pub(super) fn country(options: &Options) -> Result<Option<&str>, Wrong> {
    let Some(code) = options.get(COUNTRY) else { return Ok(None) };
    let fits = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if fits { Ok(Some(code)) } else { Err((COUNTRY, "expected two capital letters, such as UG")) }
}

/// An e-mail address, as far as anybody can tell without sending to it.
pub(super) fn is_email(text: &str) -> bool {
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
    text.len() <= 254 && text.split_once('@').is_some_and(|(name, host)| plain(name) && plain(host))
}

/// The address that stands in for a missing one.
pub(super) fn client_email(options: &Options) -> Result<Option<&str>, Wrong> {
    let Some(email) = options.get(CLIENT_EMAIL) else { return Ok(None) };
    if is_email(email) { Ok(Some(email)) } else { Err((CLIENT_EMAIL, "expected an e-mail address")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn options(key: &str, value: &str) -> Options {
        [(key.to_owned(), value.to_owned())].into()
    }

    #[test]
    fn currencies_have_the_exponent_that_is_configured_and_no_other() {
        let (ugx, usd): (Currency, Currency) = ("UGX".parse().unwrap(), "USD".parse().unwrap());
        let default = Currencies::of(&Options::new()).unwrap();
        assert_eq!((default.exponent(ugx), default.exponent(usd)), (Some(0), None));
        let both = Currencies::of(&options(CURRENCIES, "UGX:0, USD:2")).unwrap();
        let units = |text: &str, currency| both.units(text.parse().unwrap(), currency);
        assert_eq!((units("500", ugx), units("500.5", ugx)), (Some(500), None));
        assert_eq!((units("23.05", usd), units("23.055", usd), units("-1", usd)), (Some(2_305), None, Some(-100)));
        assert_eq!(default.units(Amount::whole(1), usd), None);
        for wrong in ["", "UGX", "UGX:", "UGX:5", "UGX:-1", "UGX:0,UGX:0", "ugx:0", "UGX:0,,USD:2", "UGX:0;USD:2"] {
            assert_eq!(Currencies::of(&options(CURRENCIES, wrong)).unwrap_err().0, CURRENCIES, "{wrong}");
        }
    }

    #[test]
    fn a_ceiling_is_the_option_or_a_twentieth_rounded_up() {
        let none = Options::new();
        for (amount, most) in [("500", "25"), ("501", "26"), ("1", "1"), ("0", "0"), ("19.99", "1"), ("20", "1")] {
            for order in [OrderKind::PayMobile, OrderKind::PayBank, OrderKind::Refund] {
                let got = ceiling(&none, order, amount.parse().unwrap()).unwrap();
                assert_eq!(got.to_string(), most, "{order:?} {amount}");
            }
        }
        assert_eq!(ceiling(&none, OrderKind::Collect, Amount::whole(500)).unwrap(), Amount::ZERO);
        let stated = options(PAYOUT_FEE_MAX, "7.5");
        assert_eq!(ceiling(&stated, OrderKind::PayBank, Amount::whole(500)).unwrap().to_string(), "7.5");
        let inside = options(PAYOUT_FEE, "inside");
        assert_eq!(ceiling(&inside, OrderKind::PayMobile, Amount::whole(500)).unwrap(), Amount::ZERO);
        let returned = options(REFUND_FEE, "returned");
        assert_eq!(ceiling(&returned, OrderKind::Refund, Amount::whole(500)).unwrap(), Amount::ZERO);
        for wrong in ["", "-1", "2,400", "much"] {
            let problem = ceiling(&options(REFUND_FEE_MAX, wrong), OrderKind::Refund, Amount::whole(1)).unwrap_err();
            assert_eq!(problem.0, REFUND_FEE_MAX, "{wrong}");
        }
    }

    #[test]
    fn the_first_generation_names_its_network() {
        assert_eq!(Generation::of(&Options::new()), Ok(Generation::V2));
        assert_eq!(Generation::of(&options(GENERATION, "v1")).unwrap_err().0, V1_NETWORK);
        assert_eq!(Generation::of(&options(GENERATION, "v3")).unwrap_err().0, GENERATION);
        let mut airtel = options(GENERATION, "v1");
        airtel.insert(V1_NETWORK.to_owned(), "airtel".to_owned());
        assert_eq!(Generation::of(&airtel).map(Generation::method), Ok("airtel"));
    }
}
