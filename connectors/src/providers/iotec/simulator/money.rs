//! Fees, and amounts as JSON numbers. Integers only: a fee is basis points of an amount at scale 4.

use ensimbi_events::Amount;
use serde::{Serialize, Serializer, ser};
use serde_json::value::RawValue;

use super::switches::FeeRounding;

/// A fee of so many basis points. Half up where the places do not hold it exactly; for whole amounts four always do.
/// `None` beyond the range of an amount.
pub(super) fn fee(amount: Amount, basis_points: u16, rounding: FeeRounding) -> Option<Amount> {
    let product = i128::from(amount.scaled()) * i128::from(basis_points);
    let (divisor, unit) = match rounding {
        FeeRounding::Exact => (10_000, 1),
        FeeRounding::TwoPlaces => (1_000_000, 100),
    };
    // Amounts are never negative here, so adding half and cutting rounds half up.
    let rounded = (product + divisor / 2) / divisor * unit;
    i64::try_from(rounded).ok().map(Amount::from_scaled)
}

/// An amount written as a JSON number from its exact text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number(pub(super) Amount);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.to_string()).map_err(ser::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_are_exact_to_four_places_or_half_up_at_two() {
        let text = |whole, rate, rounding| fee(Amount::whole(whole), rate, rounding).map(|fee| fee.to_string());
        assert_eq!(text(700, 200, FeeRounding::Exact).as_deref(), Some("14"));
        assert_eq!(text(700, 150, FeeRounding::Exact).as_deref(), Some("10.5"));
        assert_eq!(text(701, 150, FeeRounding::Exact).as_deref(), Some("10.515"));
        assert_eq!(text(701, 150, FeeRounding::TwoPlaces).as_deref(), Some("10.52"));
        assert_eq!(fee(Amount::from_scaled(i64::MAX), 10_000, FeeRounding::Exact), Some(Amount::from_scaled(i64::MAX)));
    }

    #[test]
    fn a_number_on_the_wire_is_the_exact_text() {
        let json =
            |text: &str| serde_json::to_string(&Number(Amount::from_provider_text(text).unwrap_or_default())).ok();
        assert_eq!(json("10.515").as_deref(), Some("10.515"));
        assert_eq!(json("90071992547409.9325").as_deref(), Some("90071992547409.9325"));
    }
}
