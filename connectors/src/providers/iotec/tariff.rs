//! What a payout costs: who bears the fee, which no document says, and the highest fee that must be reserved
//! (`providers/iotec.md`, sections 9.1 and 9.3).

use ensimbi_events::Amount;
use ensimbi_events::word::Bearer;

use crate::connector::{Options, OrderKind};

/// Option: whether a payout's fee is `on_top` of the amount or `inside` it.
pub(super) const PAYOUT_FEE: &str = "payout_fee";
/// Option: the highest fee of a payout to mobile money, in units of the currency.
pub(super) const PAYOUT_MAX: &str = "payout_fee_max";
/// Option: the highest fee of a payout to a bank.
pub(super) const BANK_PAYOUT_MAX: &str = "bank_payout_fee_max";

/// Steps of the only tariff that is known: amounts up to the first figure cost the second.
const STEPS: [(i32, i32); 4] = [(60_000, 600), (500_000, 1_200), (1_000_000, 2_000), (5_000_000, 2_400)];
/// Its highest step; a bank's tariff is not known and taken to be no higher.
const HIGHEST: Amount = Amount::whole(2_400);

/// Where a payout's fee comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PayoutFee {
    /// The wallet loses amount and fees, the beneficiary gets the amount.
    OnTop,
    /// The wallet loses the amount, the beneficiary gets it less the fees.
    Inside,
}

impl PayoutFee {
    /// From the connection's options: on top where they are silent.
    ///
    /// # Errors
    /// The option's name and what was expected.
    pub(super) fn of(options: &Options) -> Result<Self, (&'static str, &'static str)> {
        match options.get(PAYOUT_FEE).map(String::as_str) {
            None | Some("on_top") => Ok(Self::OnTop),
            Some("inside") => Ok(Self::Inside),
            Some(_) => Err((PAYOUT_FEE, "expected on_top or inside")),
        }
    }

    /// Who bears the fees in our books (`bookkeeping.md` 6).
    pub(super) const fn bearer(self) -> Bearer {
        match self {
            Self::OnTop => Bearer::Merchant,
            Self::Inside => Bearer::Beneficiary,
        }
    }
}

/// The highest plausible fee: what the options say, but never below the tariff's step of the amount.
///
/// # Errors
/// The option's name and what was expected.
pub(super) fn ceiling(
    options: &Options,
    order: OrderKind,
    amount: Amount,
) -> Result<Amount, (&'static str, &'static str)> {
    let name = match order {
        OrderKind::Collect | OrderKind::Refund => return Ok(Amount::ZERO),
        OrderKind::PayMobile => PAYOUT_MAX,
        OrderKind::PayBank => BANK_PAYOUT_MAX,
    };
    let step =
        STEPS.iter().find(|(up_to, _)| amount <= Amount::whole(*up_to)).map_or(HIGHEST, |(_, fee)| Amount::whole(*fee));
    let most = match options.get(name) {
        None => HIGHEST,
        Some(text) => text
            .parse::<Amount>()
            .ok()
            .filter(|most| !most.is_negative())
            .ok_or((name, "expected an amount such as 2400"))?,
    };
    Ok(most.max(step))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_ceiling_is_the_option_and_never_below_the_step_of_the_amount() {
        let none = Options::new();
        let low: Options = [(PAYOUT_MAX.to_owned(), "100".to_owned())].into();
        let high: Options = [(PAYOUT_MAX.to_owned(), "5000.5".to_owned())].into();
        for (options, order, amount, most) in [
            (&none, OrderKind::PayMobile, 500, "2400"),
            (&none, OrderKind::PayBank, 9_000_000, "2400"),
            (&low, OrderKind::PayMobile, 60_000, "600"),
            (&low, OrderKind::PayMobile, 60_001, "1200"),
            (&low, OrderKind::PayMobile, 500_001, "2000"),
            (&low, OrderKind::PayMobile, 1_000_001, "2400"),
            (&low, OrderKind::PayMobile, 9_000_000, "2400"),
            (&low, OrderKind::PayBank, 500, "2400"),
            (&high, OrderKind::PayMobile, 500, "5000.5"),
            (&none, OrderKind::Collect, 500, "0"),
        ] {
            assert_eq!(ceiling(options, order, Amount::whole(amount)).unwrap().to_string(), most, "{order:?} {amount}");
        }
        for wrong in ["", "-1", "2,400", "0.00001", "much"] {
            let options = [(BANK_PAYOUT_MAX.to_owned(), wrong.to_owned())].into();
            let problem = ceiling(&options, OrderKind::PayBank, Amount::whole(500)).unwrap_err();
            assert_eq!(problem.0, BANK_PAYOUT_MAX, "{wrong}");
        }
    }
}
