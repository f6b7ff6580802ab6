//! What a payment comes to: who pays what in which currency, and each fee (provider facts, sections 10.2 and 10.3, rows 13
//! to 15 of section 14). Integers only; every product is 128 bits wide.
//!
//! The base is what the payee is to get: a source's total, or the amount of a payout. The gateway's fee is in the payer's
//! currency, the platform's and the FX fee in the base's. [`Exact`] figures that the control has set stand over it.

use ensimbi_events::Amount;
use serde::{Deserialize, Serialize};

use super::Desk;
use super::settings::{Charge, Settings};
use super::switches::{FxFeeIn, Operation, Switches};
use crate::simulator::Result;

/// What a payment comes to, in units of 0.0001.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) payer_amount: i64,
    pub(super) payer_currency: String,
    pub(super) payee_amount: i64,
    pub(super) payee_currency: String,
    pub(super) platform_fee: i64,
    pub(super) platform_currency: String,
    pub(super) gateway_fee: i64,
    pub(super) gateway_currency: String,
    pub(super) fx_fee: i64,
    pub(super) fx_rate: Option<String>,
    pub(super) fx_from: Option<String>,
    pub(super) fx_to: Option<String>,
    /// All fees in the base's currency.
    pub(super) fees: i64,
}

/// What the figures are of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Base<'a> {
    pub(super) operation: Operation,
    pub(super) amount: i64,
    pub(super) currency: &'a str,
    /// What the payer pays in.
    pub(super) payer_currency: &'a str,
    /// The fees come on top of the base.
    pub(super) on_top: bool,
    /// By how many basis points the rate has moved.
    pub(super) moved: u16,
}

/// So many of the payer's currency are one of the base's, as a fraction.
#[derive(Debug, Clone, Copy)]
struct Rate {
    num: i128,
    den: i128,
}

const SCALE: i128 = 10_000;
/// A hundred percent points at their scale.
const WHOLE: i128 = 100 * SCALE;
/// Decimal places of a rate's text.
const RATE_PLACES: u32 = 8;

impl Rate {
    fn of(settings: &Settings, base: &Base<'_>) -> Option<Self> {
        let (from, to) = (base.currency, base.payer_currency);
        let moved = SCALE + i128::from(base.moved);
        settings.rates.iter().find_map(|one| {
            let rate = i128::from(one.rate.scaled());
            match (one.from.as_str(), one.to.as_str()) {
                pair if pair == (from, to) => Some(Self { num: rate * moved, den: SCALE * SCALE }),
                pair if pair == (to, from) => Some(Self { num: SCALE * moved, den: rate * SCALE }),
                _ => None,
            }
        })
    }

    const fn inverse(self) -> Self {
        Self { num: self.den, den: self.num }
    }

    /// As a decimal text without zeros at its end.
    fn text(self) -> String {
        let unit = 10_i128.pow(RATE_PLACES);
        let scaled = (self.num * unit * 2 + self.den) / (self.den * 2);
        let text = format!("{}.{:08}", scaled / unit, scaled % unit);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// `num / den` of units of 0.0001, rounded to a currency's places.
fn rounded(num: i128, den: i128, places: u8, up: bool) -> Option<i64> {
    let unit = 10_i128.pow(4_u32.saturating_sub(u32::from(places)));
    let step = den.checked_mul(unit)?;
    let more = if up { step - 1 } else { step / 2 };
    i64::try_from(num.checked_add(more)? / step * unit).ok()
}

/// A percentage of an amount and a fixed part, which is given in the amount's currency.
fn charge(amount: i64, charge: Charge, fixed: i64, places: u8, up: bool) -> Option<i64> {
    let share = i128::from(amount) * i128::from(charge.percent.scaled());
    rounded(share + i128::from(fixed) * WHOLE, WHOLE, places, up)
}

/// The figures; `None` where no rate of exchange is known, or the fees eat the amount up.
pub(super) fn of(settings: &Settings, switches: &Switches, base: &Base<'_>) -> Option<Figures> {
    let places = |currency: &str| settings.currencies.get(currency).copied().unwrap_or(2);
    let (here, there) = (places(base.currency), places(base.payer_currency));
    let up = switches.fees_round_up;
    let cross = base.currency != base.payer_currency;
    let rate = if cross { Rate::of(settings, base)? } else { Rate { num: 1, den: 1 } };
    let into = |amount: i64, rate: Rate, places: u8| rounded(i128::from(amount) * rate.num, rate.den, places, false);
    let charges = settings.charges(base.operation);
    let fx_percent = if cross { settings.fx_percent } else { Amount::ZERO };
    let percents = [charges.gateway.percent, charges.platform.percent, fx_percent];
    let all: i128 = percents.iter().map(|percent| i128::from(percent.scaled())).sum();
    let of = match switches.gross_up && base.on_top && all < WHOLE {
        true => rounded(i128::from(base.amount) * WHOLE, WHOLE - all, here, false)?,
        false => base.amount,
    };
    let platform_fee = charge(of, charges.platform, charges.platform.fixed.scaled(), here, up)?;
    let fx_fee = charge(of, Charge { percent: fx_percent, fixed: Amount::ZERO }, 0, here, up)?;
    let gateway_fixed = into(charges.gateway.fixed.scaled(), rate, there)?;
    let gateway_fee = charge(into(of, rate, there)?, charges.gateway, gateway_fixed, there, up)?;
    let gateway_here = into(gateway_fee, rate.inverse(), here)?;
    let fees = platform_fee + fx_fee + gateway_here;
    let (payer_amount, payee_amount) = if base.on_top {
        (into(base.amount + platform_fee + fx_fee, rate, there)? + gateway_fee, base.amount)
    } else {
        (into(base.amount, rate, there)?, base.amount - fees)
    };
    if payee_amount <= 0 {
        return None;
    }
    let fx_there = matches!(switches.fx_fee_currency, FxFeeIn::Gateway | FxFeeIn::Payer);
    let direction = if switches.fx_rate_inverse { rate.inverse() } else { rate };
    Some(Figures {
        payer_amount,
        payer_currency: base.payer_currency.to_owned(),
        payee_amount,
        payee_currency: base.currency.to_owned(),
        platform_fee,
        platform_currency: base.currency.to_owned(),
        gateway_fee,
        gateway_currency: base.payer_currency.to_owned(),
        fx_fee: if fx_there { into(fx_fee, rate, there)? } else { fx_fee },
        fx_rate: cross.then(|| direction.text()),
        fx_from: cross.then(|| base.currency.to_owned()),
        fx_to: cross.then(|| base.payer_currency.to_owned()),
        fees,
    })
}

/// Figures that are set exactly; what is absent stays as it would be.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Exact {
    payer_amount: Option<Amount>,
    payer_currency: Option<String>,
    payee_amount: Option<Amount>,
    payee_currency: Option<String>,
    platform_fee: Option<Amount>,
    platform_currency: Option<String>,
    gateway_fee: Option<Amount>,
    gateway_currency: Option<String>,
    fx_fee: Option<Amount>,
    fx_rate: Option<String>,
    fx_currency_from: Option<String>,
    fx_currency_to: Option<String>,
}

impl Exact {
    fn over(self, figures: &mut Figures) {
        let amounts = [
            (&mut figures.payer_amount, self.payer_amount),
            (&mut figures.payee_amount, self.payee_amount),
            (&mut figures.platform_fee, self.platform_fee),
            (&mut figures.gateway_fee, self.gateway_fee),
            (&mut figures.fx_fee, self.fx_fee),
        ];
        for (figure, exact) in amounts {
            *figure = exact.map_or(*figure, Amount::scaled);
        }
        let currencies = [
            (&mut figures.payer_currency, self.payer_currency),
            (&mut figures.payee_currency, self.payee_currency),
            (&mut figures.platform_currency, self.platform_currency),
            (&mut figures.gateway_currency, self.gateway_currency),
        ];
        for (currency, exact) in currencies {
            *currency = exact.unwrap_or_else(|| std::mem::take(currency));
        }
        figures.fx_rate = self.fx_rate.or(figures.fx_rate.take());
        figures.fx_from = self.fx_currency_from.or(figures.fx_from.take());
        figures.fx_to = self.fx_currency_to.or(figures.fx_to.take());
    }
}

/// What belongs to the next payment, whichever it is.
pub(super) const NEXT: &str = "NEXT";

/// Sets exact figures for a payment: `INVOICE-101`, `ORDER-101`, `SESSION-55` or [`NEXT`].
pub(super) async fn set(desk: &mut Desk<'_>, of: &str, exact: &Exact) -> Result<()> {
    let doc = serde_json::to_string(exact).map_err(|error| super::settings::bad(&error.to_string()))?;
    sqlx::query("INSERT INTO figure (of, doc) VALUES (?1, ?2) ON CONFLICT (of) DO UPDATE SET doc = ?2")
        .bind(of)
        .bind(doc)
        .execute(&mut *desk.db)
        .await?;
    Ok(())
}

/// Puts over the figures what was set for any of these, or for the next payment.
pub(super) async fn exact(desk: &mut Desk<'_>, names: [&str; 2], figures: &mut Figures) -> Result<()> {
    for name in [names[0], names[1], NEXT] {
        let found: Option<String> =
            sqlx::query_scalar("SELECT doc FROM figure WHERE of = ?1").bind(name).fetch_optional(&mut *desk.db).await?;
        if let Some(exact) = found.and_then(|doc| serde_json::from_str::<Exact>(&doc).ok()) {
            exact.over(figures);
            if name == NEXT {
                sqlx::query("DELETE FROM figure WHERE of = ?1").bind(name).execute(&mut *desk.db).await?;
            }
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn figures(amount: &str, payer_currency: &str, on_top: bool, switches: Switches) -> Figures {
        let settings = Settings::new(Vec::new()).with_fees();
        let amount = amount.parse::<Amount>().unwrap().scaled();
        let operation = Operation::Collection;
        of(&settings, &switches, &Base { operation, amount, currency: "USD", payer_currency, on_top, moved: 0 })
            .unwrap()
    }

    fn text(scaled: i64) -> String {
        Amount::from_scaled(scaled).to_string()
    }

    #[test]
    fn the_thirteenth_example_of_the_bookkeeping_is_what_the_profile_gives() {
        let of = figures("100", "LRD", false, Switches::default());
        let amounts = [of.payer_amount, of.payee_amount, of.platform_fee, of.fx_fee, of.gateway_fee].map(text);
        assert_eq!(amounts, ["19500", "97.5", "1.5", "0.5", "97.5"]);
        assert_eq!((of.fx_rate.as_deref(), of.gateway_currency.as_str()), (Some("195"), "LRD"));
        assert_eq!(text(of.fees), "2.5");
    }

    #[test]
    fn the_payer_pays_on_top_or_the_merchant_gets_less_and_each_fee_is_rounded_half_up() {
        let of = figures("100.10", "USD", true, Switches::default());
        assert_eq!(
            [of.payer_amount, of.payee_amount, of.platform_fee, of.gateway_fee].map(text),
            ["102.1", "100.1", "1.5", "0.5"]
        );
        let of = figures("99.67", "USD", false, Switches { fees_round_up: true, ..Switches::default() });
        assert_eq!([of.payee_amount, of.platform_fee, of.gateway_fee].map(text), ["97.67", "1.5", "0.5"]);
        let of = figures("98", "USD", true, Switches { gross_up: true, ..Switches::default() });
        assert_eq!([of.payer_amount, of.payee_amount].map(text), ["100", "98"]);
    }

    #[test]
    fn the_directions_of_the_rate_and_the_currency_of_its_fee_are_switches() {
        let switches = Switches { fx_fee_currency: FxFeeIn::Payer, fx_rate_inverse: true, ..Switches::default() };
        let of = figures("100", "LRD", false, switches);
        assert_eq!((text(of.fx_fee).as_str(), of.fx_rate.as_deref()), ("97.5", Some("0.00512821")));
    }
}
