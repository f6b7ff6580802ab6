//! Policies: which values each key may have, and the bands of fee rates that they name.
//!
//! A wrong value is refused where it is said, since it would stop or misplace what comes later. `none` takes a policy back.

use ensimbi_events::Amount;
use ensimbi_events::config::BookConfig;

use crate::posting::accounts;

/// Policies whose value is an account path.
pub const ACCOUNTS: [&str; 6] = [
    "allocate.collection",
    "allocate.payout",
    "allocate.bank",
    "allocate.refund",
    "allocate.reversal",
    "allocate.lost_dispute",
];
/// The policy by which a second person must approve adjustments.
pub const SECOND_APPROVAL: &str = "adjustments.second_approval";
/// What every band of fee rates begins with; then the connection's account code, and `in` or `out`.
pub const BAND: &str = "fees.band.";
/// What every name of an account in exports begins with; then the account's path, or how it begins.
pub const EXPORT_NAME: &str = "export.name.";

/// Checks one policy, as it is recorded.
///
/// # Errors
/// What was expected instead.
pub fn check(key: &str, value: &str) -> Result<(), &'static str> {
    // A reversal has no account of its own: it is undone where it was allocated, or not at all.
    if key == "allocate.reversal" && value != "none" {
        return Err("expected none; without it reversals are undone where they were allocated");
    }
    if key == "opening" && !["none", "first_balance"].contains(&value) {
        return Err("expected first_balance or none");
    }
    if key == SECOND_APPROVAL && !["on", "off", "none"].contains(&value) {
        return Err("expected on or off");
    }
    if let Some(of) = key.strip_prefix(BAND) {
        let (code, way) = of.split_once('.').unwrap_or((of, ""));
        if !accounts::is_part(code) || !["in", "out"].contains(&way) {
            return Err("expected fees.band.<account code>.in or fees.band.<account code>.out");
        }
        if value != "none" && Band::read(value).is_none() {
            return Err("expected lowest..highest in percent, such as 0..4.5, or none");
        }
    }
    if let Some(path) = key.strip_prefix(EXPORT_NAME) {
        if !accounts::is_beginning(path) {
            return Err(
                "expected export.name.<account path, or how it begins>, such as export.name.assets:wallet:main",
            );
        }
        let root = |path: &str| path.split(':').next().map(str::to_owned);
        if value != "none" && (!accounts::is_beginning(value) || root(value) != root(path)) {
            return Err("expected an account path, or how it begins, under the same root, or none");
        }
    }
    let targeted = key.starts_with("allocate.") || key.starts_with("movement.");
    if targeted && value != "none" && !accounts::is_target(value) {
        return Err("expected an account path that money may go to, such as income:sales, or none");
    }
    Ok(())
}

/// Rates that fees of one connection and direction keep to, in percent, both ends inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    lowest: Amount,
    highest: Amount,
}

impl Band {
    /// `lowest..highest`, from 0 to 100 percent.
    pub fn read(text: &str) -> Option<Self> {
        let (lowest, highest) = text.split_once("..")?;
        let (lowest, highest): (Amount, Amount) = (lowest.parse().ok()?, highest.parse().ok()?);
        let whole = Amount::from_scaled(1_000_000);
        (!lowest.is_negative() && lowest <= highest && highest <= whole).then_some(Self { lowest, highest })
    }

    /// The band of a connection's money in (`in`) or out (`out`).
    pub fn of(config: &BookConfig, account_code: &str, way: &str) -> Option<Self> {
        Self::read(config.policy(&[BAND, account_code, ".", way].concat())?)
    }

    /// Whether these fees of this base are inside: lowest * base <= fees * 100 <= highest * base, all of it exact. Amounts
    /// have 64 bits and so do rates, so the products have 128.
    pub fn has(self, fees: Amount, base: Amount) -> bool {
        let (fees, base) = (i128::from(fees.scaled()), i128::from(base.scaled()));
        let part = |rate: Amount| i128::from(rate.scaled()) * base;
        // A percentage at scale 4 is the hundredth part of a ten-thousandth.
        let share = fees * 100 * 10_000;
        part(self.lowest) <= share && share <= part(self.highest)
    }
}

impl std::fmt::Display for Band {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..{}", self.lowest, self.highest)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn values_are_those_of_their_key() {
        for (key, value) in [
            ("allocate.collection", "income:sales"),
            ("allocate.reversal", "none"),
            ("adjustments.second_approval", "on"),
            ("fees.band.iotec-main.in", "0..4.5"),
            ("fees.band.main.out", "none"),
            ("export.name.assets:wallet:main", "assets:mobile-money"),
            ("export.name.assets", "assets"),
            ("export.name.income:sales", "none"),
            ("invoice.recognition", "on_publish"),
        ] {
            assert_eq!(check(key, value), Ok(()), "{key}");
        }
        for (key, value) in [
            ("allocate.collection", "assets:wallet:main:w"),
            ("allocate.reversal", "income:sales"),
            ("adjustments.second_approval", "yes"),
            ("fees.band.main", "0..1"),
            ("fees.band.main.both", "0..1"),
            ("fees.band.Main.in", "0..1"),
            ("fees.band.main.in", "4..1"),
            ("fees.band.main.in", "-1..1"),
            ("fees.band.main.in", "0..101"),
            ("fees.band.main.in", "0..1.00001"),
            ("fees.band.main.in", "3%"),
            ("export.name.", "assets:x"),
            ("export.name.money:x", "money:y"),
            ("export.name.assets:x", "expenses:x"),
            ("export.name.assets:x", "Assets:X"),
        ] {
            assert!(check(key, value).is_err(), "{key} = {value}");
        }
    }

    #[test]
    fn a_rate_at_the_border_is_inside_and_the_next_unit_is_not() {
        let band = Band::read("1..4.5").unwrap();
        let amount = |text: &str| -> Amount { text.parse().unwrap() };
        for (fees, base, inside) in [
            ("31.5", "700", true),
            ("31.5001", "700", false),
            ("7", "700", true),
            ("6.9999", "700", false),
            ("0", "700", false),
            ("0.0001", "0.01", true),
        ] {
            assert_eq!(band.has(amount(fees), amount(base)), inside, "{fees} of {base}");
        }
        let most = Amount::from_scaled(i64::MAX);
        assert!(Band::read("0..100").unwrap().has(most, most));
    }
}
