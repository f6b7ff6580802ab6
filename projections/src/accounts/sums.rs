//! Sums of lines by day and by quarter of an hour, each in the two parts of [`SumParts`].

use std::collections::BTreeMap;

use ensimbi_events::event::Line;
use ensimbi_events::{Amount, Currency, Time};
use jiff::civil::Date;
use uuid::Uuid;

use crate::projection::HandlerError;
use crate::store::{Bind, SumParts};

/// A day of UTC.
pub(crate) const DAY_MICROS: i64 = 86_400_000_000;
/// A quarter of an hour, which never straddles two local days (offsets are whole quarters since 1972).
pub(crate) const QUARTER_MICROS: i64 = 900_000_000;

/// `account_sums`: all lines.
pub(crate) const ACCOUNT_TOTAL: i64 = 0;
/// `account_sums`: by day of `occurred_at` in UTC.
pub(crate) const ACCOUNT_DAY: i64 = 1;
/// `account_sums`: by book day.
pub(crate) const ACCOUNT_BOOKED: i64 = 2;
/// `fee_sums`: by day of `occurred_at` in UTC.
pub(crate) const FEE_DAY: i64 = 0;
/// `fee_sums`: by quarter of an hour of `occurred_at`.
pub(crate) const FEE_QUARTER: i64 = 1;
/// `fee_sums`: by book day.
pub(crate) const FEE_BOOKED: i64 = 2;

/// Days since 1970-01-01 of a date as `2026-05-03`.
pub(super) fn day_number(date: &str) -> Option<i64> {
    date.parse().ok().map(day_of)
}

/// Days since 1970-01-01.
pub(crate) fn day_of(date: Date) -> i64 {
    // Both dates are within the calendar, and so is the number of days between them.
    let days = Date::constant(1970, 1, 1).until((jiff::Unit::Day, date));
    days.map_or(0, |span| i64::from(span.get_days()))
}

fn add(sum: &mut SumParts, amount: Amount) -> Result<(), HandlerError> {
    sum.add(amount).ok_or_else(|| HandlerError::overflow("a sum of lines"))
}

/// Account, currency, level and bucket.
type AccountKey = (String, Currency, i64, i64);

/// Changes of `account_sums`: debits, credits as positive figures, and the number of lines.
#[derive(Default)]
pub(super) struct AccountSums(BTreeMap<AccountKey, (SumParts, SumParts, i64)>);

impl AccountSums {
    pub const SELECT: &str = "SELECT account, currency, level, bucket, debit_high, debit_low, credit_high, credit_low, \
        lines FROM account_sums WHERE book = ";
    pub const COLUMNS: &str = "ttiiiiiii";
    pub const INSERT: &str = "INSERT INTO account_sums (book, generation, account, currency, level, bucket, debit_high, \
        debit_low, credit_high, credit_low, lines) VALUES ";
    pub const ADD: &str = " ON CONFLICT (book, generation, account, currency, level, bucket) DO UPDATE SET \
        debit_high = account_sums.debit_high + excluded.debit_high, \
        debit_low = account_sums.debit_low + excluded.debit_low, \
        credit_high = account_sums.credit_high + excluded.credit_high, \
        credit_low = account_sums.credit_low + excluded.credit_low, lines = account_sums.lines + excluded.lines";

    pub fn add(&mut self, line: &Line, occurred_at: Time, book_day: i64) -> Result<(), HandlerError> {
        let day = occurred_at.micros().div_euclid(DAY_MICROS);
        for (level, bucket) in [(ACCOUNT_TOTAL, 0), (ACCOUNT_DAY, day), (ACCOUNT_BOOKED, book_day)] {
            let sum = self.0.entry((line.account.clone(), line.currency, level, bucket)).or_default();
            if line.amount.is_negative() {
                let credit = line.amount.checked_neg().ok_or_else(|| HandlerError::overflow("a credit"))?;
                add(&mut sum.1, credit)?;
            } else {
                add(&mut sum.0, line.amount)?;
            }
            sum.2 += 1;
        }
        Ok(())
    }

    pub fn binds(&self) -> impl Iterator<Item = Vec<Bind>> {
        self.0.iter().map(|((account, currency, level, bucket), (debit, credit, lines))| {
            let mut binds: Vec<Bind> = vec![account.as_str().into(), (*currency).into()];
            let figures = [*level, *bucket, debit.high, debit.low, credit.high, credit.low, *lines];
            binds.extend(figures.map(Bind::from));
            binds
        })
    }
}

/// Changes of `fee_sums`.
#[derive(Default)]
pub(super) struct FeeSums(BTreeMap<(i64, i64, Uuid), (SumParts, i64)>);

impl FeeSums {
    pub const SELECT: &str = "SELECT level, bucket, kind, high, low, lines FROM fee_sums WHERE book = ";
    pub const COLUMNS: &str = "iiuiii";
    pub const INSERT: &str = "INSERT INTO fee_sums (book, generation, level, bucket, kind, high, low, lines) VALUES ";
    pub const ADD: &str = " ON CONFLICT (book, generation, level, bucket, kind) DO UPDATE SET \
        high = fee_sums.high + excluded.high, low = fee_sums.low + excluded.low, \
        lines = fee_sums.lines + excluded.lines";

    pub fn add(&mut self, kind: Uuid, occurred_at: Time, book_day: i64, amount: Amount) -> Result<(), HandlerError> {
        let micros = occurred_at.micros();
        let (day, quarter) = (micros.div_euclid(DAY_MICROS), micros.div_euclid(QUARTER_MICROS));
        for (level, bucket) in [(FEE_DAY, day), (FEE_QUARTER, quarter), (FEE_BOOKED, book_day)] {
            let sum = self.0.entry((level, bucket, kind)).or_default();
            add(&mut sum.0, amount)?;
            sum.1 += 1;
        }
        Ok(())
    }

    pub fn binds(&self) -> impl Iterator<Item = Vec<Bind>> {
        self.0.iter().map(|((level, bucket, kind), (sum, lines))| {
            let (kind, figures) = (Bind::from(*kind), [sum.high, sum.low, *lines].map(Bind::from));
            [vec![Bind::from(*level), Bind::from(*bucket), kind], figures.to_vec()].concat()
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        assert_eq!(day_number("1970-01-01"), Some(0));
        assert_eq!(day_number("2026-05-03"), Some(20_576));
        assert_eq!(day_number("1969-12-31"), Some(-1));
        assert_eq!(day_number("2026-02-30"), None);
    }
}
