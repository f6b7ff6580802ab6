//! What a published invoice is owed, and the tax inside a part of it (`bookkeeping.md` 7): half up at the currency's
//! display exponent; the last part takes the remainder. The only place where anything is rounded; an item's product is
//! exact or refused.
//!
//! Pure, and shared by everybody who divides an invoice, so that a part has the same tax whoever asks for it.

use crate::money::SCALE;
use crate::word::Recognition;
use crate::{Amount, Currency, currency};

/// Published invoices not yet paid: the other side of what is allocated to an invoice recognised on publication.
pub const RECEIVABLE: &str = "assets:receivable";
/// Sales: the other side of what is allocated to an invoice recognised on payment.
pub const SALES: &str = "income:sales";

/// A published invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owed {
    /// Its currency.
    pub currency: Currency,
    /// When it is income.
    pub recognition: Recognition,
    /// With tax, as published.
    pub total: Amount,
    /// Tax inside the total.
    pub tax: Amount,
    /// Still owed.
    pub outstanding: Amount,
    /// Tax dealt with: inside what was credited or cancelled, and inside what was paid where payment recognises it.
    pub tax_settled: Amount,
    /// What was paid and stands.
    pub paid: Amount,
}

impl Owed {
    /// Tax that nothing has dealt with yet.
    pub fn tax_left(&self) -> Amount {
        self.tax.checked_sub(self.tax_settled).filter(|left| !left.is_negative()).unwrap_or_default()
    }

    /// Where a payment of it goes: the account, and the tax inside `amount` where payment recognises it. `None` beyond
    /// the range of amounts.
    pub fn target(&self, amount: Amount) -> Option<(&'static str, Option<Amount>)> {
        match self.recognition {
            Recognition::OnPublish => Some((RECEIVABLE, None)),
            Recognition::OnPayment => Some((SALES, Some(self.payment_tax(amount)?))),
        }
    }

    /// Tax inside a payment of `amount`, where payment recognises it.
    pub fn payment_tax(&self, amount: Amount) -> Option<Amount> {
        if amount == self.outstanding {
            return Some(self.tax_left().min(amount));
        }
        Some(self.share(amount)?.min(self.tax_left()))
    }

    /// Tax inside a credit note or cancellation of `amount`. Where publication recognised the tax, what was paid keeps
    /// its share of it.
    pub fn credit_tax(&self, amount: Amount) -> Option<Amount> {
        let kept = match self.recognition {
            Recognition::OnPublish => self.share(self.paid)?,
            Recognition::OnPayment => Amount::ZERO,
        };
        let left = self.tax_left().checked_sub(kept).filter(|left| !left.is_negative()).unwrap_or_default();
        let part = if amount == self.outstanding { left } else { self.share(amount)?.min(left) };
        Some(part.min(amount))
    }

    fn share(&self, amount: Amount) -> Option<Amount> {
        part_of(self.tax, amount, self.total, exponent(self.currency))
    }
}

/// Decimal places that people write; 0 for a currency that the registry does not know.
pub fn exponent(code: Currency) -> u32 {
    currency::lookup(code).map_or(0, |info| u32::from(info.exponent))
}

/// whole x part / of, half up at so many decimal places; `None` for an `of` that is not positive, and beyond the range.
pub fn part_of(whole: Amount, part: Amount, of: Amount, exponent: u32) -> Option<Amount> {
    let step = 10i128.pow(SCALE - exponent.min(SCALE));
    let divisor = i128::from(of.scaled()).checked_mul(step).filter(|divisor| *divisor > 0)?;
    let product = i128::from(whole.scaled()) * i128::from(part.scaled());
    let steps = product.checked_mul(2)?.checked_add(divisor)?.div_euclid(divisor.checked_mul(2)?);
    i64::try_from(steps.checked_mul(step)?).map(Amount::from_scaled).ok()
}

/// Most digits of a quantity, on both sides of the point.
const QUANTITY_DIGITS_MAX: usize = 12;

/// Why an item's quantity and unit amount have no exact product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The quantity is none.
    #[error("expected a decimal number above 0, at most {QUANTITY_DIGITS_MAX} digits, 4 of them after the point")]
    Quantity,
    /// The product does not fit scale 4.
    #[error("quantity x unit_amount is finer than {SCALE} decimal places")]
    TooFine,
    /// The product is beyond the range of amounts.
    #[error("quantity x unit_amount is beyond the ledger's range")]
    TooLarge,
}

/// quantity x unit amount, exact.
///
/// # Errors
/// [`LineError`].
pub fn line_total(quantity: &str, unit: Amount) -> Result<Amount, LineError> {
    let decimals = quantity.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let digits = quantity.bytes().filter(u8::is_ascii_digit).count();
    let parsed = quantity.parse::<Amount>().ok().filter(|parsed| parsed.is_positive());
    let parsed = parsed.filter(|_| decimals <= SCALE as usize && digits <= QUANTITY_DIGITS_MAX);
    let product = i128::from(parsed.ok_or(LineError::Quantity)?.scaled()) * i128::from(unit.scaled());
    let unit_size = 10i128.pow(SCALE);
    if product % unit_size != 0 {
        return Err(LineError::TooFine);
    }
    i64::try_from(product / unit_size).map(Amount::from_scaled).map_err(|_| LineError::TooLarge)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    fn owed(recognition: Recognition, outstanding: &str, tax_settled: &str, paid: &str) -> Owed {
        Owed {
            currency: "UGX".parse().unwrap(),
            recognition,
            total: amount("118000"),
            tax: amount("18000"),
            outstanding: amount(outstanding),
            tax_settled: amount(tax_settled),
            paid: amount(paid),
        }
    }

    #[test]
    fn a_part_is_rounded_half_up_at_the_display_exponent() {
        let part = |whole, part, of, digits| part_of(amount(whole), amount(part), amount(of), digits);
        assert_eq!(part("900", "2950", "5900", 0), Some(amount("450")));
        assert_eq!(part("1", "1", "2", 0), Some(amount("1")));
        assert_eq!(part("1", "1", "3", 0), Some(Amount::ZERO));
        assert_eq!(part("1", "1", "8", 2), Some(amount("0.13")));
        assert_eq!(part("1", "1", "3", 9), Some(amount("0.3333")));
        assert_eq!(part("1", "1", "0", 0), None);
        let largest = Amount::from_scaled(i64::MAX);
        assert_eq!(part_of(largest, largest, Amount::from_scaled(1), 4), None);
    }

    #[test]
    fn a_quantity_times_a_unit_amount_is_exact_or_refused() {
        let total = |quantity, unit| line_total(quantity, amount(unit));
        assert_eq!(total("2.5", "1.1"), Ok(amount("2.75")));
        assert_eq!(total("0.5", "0.0002"), Ok(amount("0.0001")));
        for quantity in ["", "0", "-1", "1e3", "1.", "1.00000", "1234567890123"] {
            assert_eq!(total(quantity, "1"), Err(LineError::Quantity), "{quantity:?}");
        }
        assert_eq!(total("0.0001", "0.5"), Err(LineError::TooFine));
        assert_eq!(total("999999999999", "922337203685"), Err(LineError::TooLarge));
    }

    #[test]
    fn the_last_payment_takes_the_remainder_of_the_tax() {
        let first = owed(Recognition::OnPayment, "118000", "0", "0");
        assert_eq!(first.target(amount("50000")), Some((SALES, Some(amount("7627")))));
        let last = owed(Recognition::OnPayment, "68000", "7627", "50000");
        assert_eq!(last.payment_tax(amount("68000")), Some(amount("10373")));
        assert_eq!(last.credit_tax(amount("68000")), Some(amount("10373")));
        assert_eq!(owed(Recognition::OnPublish, "118000", "0", "0").target(amount("1")), Some((RECEIVABLE, None)));
    }

    #[test]
    fn what_was_paid_keeps_its_tax_when_the_rest_is_called_off() {
        let invoice = owed(Recognition::OnPublish, "68000", "0", "50000");
        assert_eq!(invoice.credit_tax(amount("68000")), Some(amount("10373")));
        assert_eq!(invoice.credit_tax(amount("34000")), Some(amount("5186")));
        let unpaid = owed(Recognition::OnPublish, "118000", "0", "0");
        assert_eq!(unpaid.credit_tax(amount("118000")), Some(amount("18000")));
    }
}
