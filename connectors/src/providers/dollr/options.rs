//! The connection's options (`example.toml` explains each): what no document decides, and what a request needs beside
//! its order. Read by the translator and by the client alike, so that both follow one reading.

use ensimbi_events::{Amount, Currency};

use super::handle::Family;
use crate::connector::{Options, OrderKind};

/// What an order that names its items becomes: `invoice` or `order`.
pub const ITEMS_AS: &str = "items_as";
/// The currency that payers pay in, where it is not the wallet's.
pub const PAYER_CURRENCY: &str = "payer_currency";
/// What kind of merchant the account is, for merchant info: `ORGANIZATION` or `MICRO_ORGANIZATION`.
pub const MERCHANT_TYPE: &str = "merchant_type";
/// The country of payers and beneficiaries, as two or three letters.
pub const COUNTRY_CODE: &str = "country_code";
/// The bodies of payout calls: `new`, or `old` as the seed document has them.
pub const PAYOUT_FORM: &str = "payout_form";
/// The highest fee of a payout, in units of the currency.
pub const PAYOUT_FEE_MAX: &str = "payout_fee_max";
/// Whether a realtime key is asked for with each collection: `no` or `yes`.
pub const REALTIME: &str = "realtime";
/// Which currency a receipt's `fx_fee` is in.
pub const FX_FEE_CURRENCY: &str = "fx_fee_currency";
/// `passcode.device.name` of a payout.
pub const DEVICE_NAME: &str = "device_name";
/// `passcode.device.type`.
pub const DEVICE_TYPE: &str = "device_type";
/// `passcode.device.platform`.
pub const DEVICE_PLATFORM: &str = "device_platform";
/// `passcode.device.user_agent`.
pub const DEVICE_USER_AGENT: &str = "device_user_agent";
/// `passcode.device.client_ip`.
pub const DEVICE_CLIENT_IP: &str = "device_client_ip";

/// All options.
pub const ALL: [&str; 13] = [
    ITEMS_AS,
    PAYER_CURRENCY,
    MERCHANT_TYPE,
    COUNTRY_CODE,
    PAYOUT_FORM,
    PAYOUT_FEE_MAX,
    REALTIME,
    FX_FEE_CURRENCY,
    DEVICE_NAME,
    DEVICE_TYPE,
    DEVICE_PLATFORM,
    DEVICE_USER_AGENT,
    DEVICE_CLIENT_IP,
];

/// The names of secrets: the client's id and secret, the payouts' passcode, and whose it is (one of the last two).
pub const SECRETS: [&str; 5] = ["client_id", "client_secret", "passcode", "passcode_phone", "passcode_user"];

/// An option that cannot be read, and what was expected.
pub type Wrong = (&'static str, &'static str);

/// Longest text of a device's field, in bytes.
const DEVICE_TEXT_MAX: usize = 200;

/// Reads every option once; a name that is none of them is refused by its caller, who knows [`ALL`].
///
/// # Errors
/// The first option that cannot be read.
pub fn check(options: &Options) -> Result<(), Wrong> {
    items_as(options)?;
    payer_currency(options)?;
    merchant_type(options)?;
    country_code(options)?;
    PayoutForm::of(options)?;
    ceiling(options, OrderKind::PayMobile, Amount::ZERO)?;
    realtime(options)?;
    FxFeeCurrency::of(options)?;
    Device::of(options).map(drop)
}

/// What an order that names its items becomes; one without items is always an order.
///
/// # Errors
/// [`Wrong`].
pub fn items_as(options: &Options) -> Result<Family, Wrong> {
    match options.get(ITEMS_AS).map(String::as_str) {
        None | Some("invoice") => Ok(Family::Invoice),
        Some("order") => Ok(Family::Order),
        Some(_) => Err((ITEMS_AS, "expected invoice or order")),
    }
}

/// What payers pay in; `None` is the wallet's currency.
///
/// # Errors
/// [`Wrong`].
pub fn payer_currency(options: &Options) -> Result<Option<Currency>, Wrong> {
    let Some(code) = options.get(PAYER_CURRENCY) else { return Ok(None) };
    let code = code.parse().ok().filter(|code: &Currency| code.as_str().len() == 3);
    code.map(Some).ok_or((PAYER_CURRENCY, "expected three capital letters, such as LRD"))
}

/// Their word for what kind of merchant the account is.
///
/// # Errors
/// [`Wrong`].
pub fn merchant_type(options: &Options) -> Result<&str, Wrong> {
    match options.get(MERCHANT_TYPE).map_or("ORGANIZATION", String::as_str) {
        known @ ("ORGANIZATION" | "MICRO_ORGANIZATION") => Ok(known),
        _ => Err((MERCHANT_TYPE, "expected ORGANIZATION or MICRO_ORGANIZATION")),
    }
}

/// The country of parties; their documents write two letters, a live client sends three (section 1).
///
/// # Errors
/// [`Wrong`].
pub fn country_code(options: &Options) -> Result<Option<&str>, Wrong> {
    let Some(code) = options.get(COUNTRY_CODE) else { return Ok(None) };
    let fits = matches!(code.len(), 2 | 3) && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if fits { Ok(Some(code)) } else { Err((COUNTRY_CODE, "expected two or three capital letters, such as LR")) }
}

/// Which bodies the payout calls take (sections 7.2 and 8.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayoutForm {
    /// Account, amount and currency; the passcode with the execution.
    New,
    /// As the seed document has it: wallet, account, amount, currency and expiry; no passcode.
    Old,
}

impl PayoutForm {
    /// From the options.
    ///
    /// # Errors
    /// [`Wrong`].
    pub fn of(options: &Options) -> Result<Self, Wrong> {
        match options.get(PAYOUT_FORM).map(String::as_str) {
            None | Some("new") => Ok(Self::New),
            Some("old") => Ok(Self::Old),
            Some(_) => Err((PAYOUT_FORM, "expected new or old")),
        }
    }
}

/// Whether realtime keys are asked for; what they would push is a hint at most (section 12).
///
/// # Errors
/// [`Wrong`].
pub fn realtime(options: &Options) -> Result<bool, Wrong> {
    match options.get(REALTIME).map(String::as_str) {
        None | Some("no") => Ok(false),
        Some("yes") => Ok(true),
        Some(_) => Err((REALTIME, "expected no or yes")),
    }
}

/// Which of a receipt's currencies its `fx_fee` is in: it has none of its own (section 11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FxFeeCurrency {
    /// That of the platform's fee.
    Platform,
    /// That of the gateway's fee.
    Gateway,
    /// What the payer paid in.
    Payer,
    /// What the merchant got.
    Payee,
}

impl FxFeeCurrency {
    /// From the options.
    ///
    /// # Errors
    /// [`Wrong`].
    pub fn of(options: &Options) -> Result<Self, Wrong> {
        match options.get(FX_FEE_CURRENCY).map(String::as_str) {
            None | Some("platform") => Ok(Self::Platform),
            Some("gateway") => Ok(Self::Gateway),
            Some("payer") => Ok(Self::Payer),
            Some("payee") => Ok(Self::Payee),
            Some(_) => Err((FX_FEE_CURRENCY, "expected platform, gateway, payer or payee")),
        }
    }
}

/// The highest plausible fee on money that leaves. Ours, no figure of theirs: a twentieth of the amount, up to the next
/// whole unit, where the options are silent.
///
/// # Errors
/// [`Wrong`].
pub fn ceiling(options: &Options, order: OrderKind, amount: Amount) -> Result<Amount, Wrong> {
    let wrong = (PAYOUT_FEE_MAX, "expected an amount such as 2.50");
    let stated = options.get(PAYOUT_FEE_MAX).map(|text| {
        let most = text.parse::<Amount>().ok().filter(|most| !most.is_negative());
        most.ok_or(wrong)
    });
    let stated = stated.transpose()?;
    if order == OrderKind::Collect {
        return Ok(Amount::ZERO);
    }
    let step = Amount::whole(20).scaled();
    let (whole, rest) = (amount.scaled().max(0) / step, amount.scaled().max(0) % step);
    let twentieth = (whole + i64::from(rest > 0)) * Amount::whole(1).scaled();
    Ok(stated.unwrap_or(Amount::from_scaled(twentieth)))
}

/// What a payout says it comes from; they want every field (section 8.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// A name for people.
    pub name: String,
    /// Their word, such as `SERVER`.
    pub kind: String,
    /// Their word, such as `NODE`.
    pub platform: String,
    /// As in the header.
    pub user_agent: String,
    /// Where the call comes from.
    pub client_ip: String,
}

impl Device {
    /// From the options.
    ///
    /// # Errors
    /// [`Wrong`].
    pub fn of(options: &Options) -> Result<Self, Wrong> {
        let text = |key: &'static str, default: &str| {
            let text = options.get(key).map_or(default, String::as_str);
            let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            let fits = plain && (1..=DEVICE_TEXT_MAX).contains(&text.len());
            fits.then(|| text.to_owned()).ok_or((key, "expected 1 to 200 printable characters"))
        };
        let client_ip = options.get(DEVICE_CLIENT_IP).map_or("127.0.0.1", String::as_str);
        let address = client_ip.parse::<std::net::IpAddr>();
        Ok(Self {
            name: text(DEVICE_NAME, "ensimbi")?,
            kind: text(DEVICE_TYPE, "SERVER")?,
            platform: text(DEVICE_PLATFORM, "NODE")?,
            user_agent: text(DEVICE_USER_AGENT, "ensimbi")?,
            client_ip: address.map_err(|_| (DEVICE_CLIENT_IP, "expected an IP address"))?.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn options(key: &str, value: &str) -> Options {
        [(key.to_owned(), value.to_owned())].into()
    }

    #[test]
    fn every_option_refuses_what_it_cannot_read_by_its_name() {
        assert_eq!(check(&Options::new()), Ok(()));
        for (key, right) in [
            (ITEMS_AS, "order"),
            (PAYER_CURRENCY, "LRD"),
            (MERCHANT_TYPE, "MICRO_ORGANIZATION"),
            (COUNTRY_CODE, "LBR"),
            (PAYOUT_FORM, "old"),
            (PAYOUT_FEE_MAX, "2.50"),
            (REALTIME, "yes"),
            (FX_FEE_CURRENCY, "payee"),
            (DEVICE_NAME, "till 3"),
            (DEVICE_TYPE, "SERVER"),
            (DEVICE_PLATFORM, "RUST"),
            (DEVICE_USER_AGENT, "ensimbi/1"),
            (DEVICE_CLIENT_IP, "203.0.113.10"),
        ] {
            assert!(ALL.contains(&key));
            assert_eq!(check(&options(key, right)), Ok(()), "{key}");
            assert_eq!(check(&options(key, "\u{202e}")).unwrap_err().0, key);
            assert_eq!(check(&options(key, "")).unwrap_err().0, key);
        }
    }

    #[test]
    fn a_ceiling_is_the_option_or_a_twentieth_rounded_up() {
        let most = |amount: &str| ceiling(&Options::new(), OrderKind::PayMobile, amount.parse().unwrap()).unwrap();
        for (amount, expected) in [("500", "25"), ("501", "26"), ("1", "1"), ("0", "0"), ("19.99", "1"), ("20", "1")] {
            assert_eq!(most(amount).to_string(), expected, "{amount}");
        }
        let stated = options(PAYOUT_FEE_MAX, "7.5");
        assert_eq!(ceiling(&stated, OrderKind::PayMobile, Amount::whole(500)).unwrap().to_string(), "7.5");
        assert_eq!(ceiling(&stated, OrderKind::Collect, Amount::whole(500)).unwrap(), Amount::ZERO);
    }
}
