//! From which sums a fee report is put together, so that it costs days and not lines.
//!
//! A span falls into days of UTC, whose sums are ready; into quarters of an hour where a day is cut (by the span's ends,
//! or by the start of a local week or month); and into lines where a quarter is cut. Local days of a zone away from UTC
//! cut every day, and then all of it goes by quarters. What was known at an earlier position goes by lines altogether.

use ensimbi_events::Time;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::super::QUARTER_MICROS;
use super::super::span::{civil, start_of};
use crate::accounts::{DAY_MICROS, FEE_DAY, FEE_QUARTER};
use crate::store::StoreError;

/// Quarters of a day.
const QUARTERS: i64 = DAY_MICROS / QUARTER_MICROS;
/// Most days that are cut one by one; beyond it quarters are cheaper.
const CUTS_MAX: usize = 1_000;

/// Which local unit of time groups are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Day,
    Week,
    Month,
}

/// A part of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Slice {
    /// Buckets of a level, but for some days.
    Sums { level: i64, from: Option<i64>, to: Option<i64>, except: Vec<i64> },
    /// Lines between two moments.
    Lines { from: i64, to: i64 },
}

/// The parts of a span by `occurred_at`. `days`: first and last day of UTC that has lines.
pub(super) fn slices(
    bounds: (Option<i64>, Option<i64>),
    unit: Option<Unit>,
    zone: &TimeZone,
    days: (i64, i64),
) -> Result<Vec<Slice>, StoreError> {
    let (from, to) = bounds;
    let mut slices = Vec::new();
    // The quarters that are whole.
    let first = from.map(|from| ceil(from, QUARTER_MICROS));
    let end = to.map(|to| to.div_euclid(QUARTER_MICROS));
    if let (Some(from), Some(to), Some(first), Some(end)) = (from, to, first, end)
        && first > end
    {
        return Ok(vec![Slice::Lines { from, to }]);
    }
    if let (Some(from), Some(first)) = (from, first)
        && from < first * QUARTER_MICROS
    {
        slices.push(Slice::Lines { from, to: first * QUARTER_MICROS });
    }
    if let (Some(to), Some(end)) = (to, end)
        && end * QUARTER_MICROS < to
    {
        slices.push(Slice::Lines { from: end * QUARTER_MICROS, to });
    }
    let quarters = |from, to| Slice::Sums { level: FEE_QUARTER, from, to, except: Vec::new() };
    let cuts = cut_days(unit, zone, days)?;
    let Some(cuts) = cuts else {
        slices.push(quarters(first, end));
        return Ok(slices);
    };
    // The days that are whole.
    let (first_day, end_day) = (first.map(|first| ceil(first, QUARTERS)), end.map(|end| end.div_euclid(QUARTERS)));
    if let (Some(first), Some(end), Some(first_day), Some(end_day)) = (first, end, first_day, end_day)
        && first_day > end_day
    {
        slices.push(quarters(Some(first), Some(end)));
        return Ok(slices);
    }
    if let (Some(first), Some(first_day)) = (first, first_day)
        && first < first_day * QUARTERS
    {
        slices.push(quarters(Some(first), Some(first_day * QUARTERS)));
    }
    if let (Some(end), Some(end_day)) = (end, end_day)
        && end_day * QUARTERS < end
    {
        slices.push(quarters(Some(end_day * QUARTERS), Some(end)));
    }
    let inside = |day: &i64| first_day.is_none_or(|first| *day >= first) && end_day.is_none_or(|end| *day < end);
    let except: Vec<i64> = cuts.into_iter().filter(inside).collect();
    slices.extend(except.iter().map(|day| quarters(Some(day * QUARTERS), Some((day + 1) * QUARTERS))));
    slices.push(Slice::Sums { level: FEE_DAY, from: first_day, to: end_day, except });
    Ok(slices)
}

fn ceil(value: i64, unit: i64) -> i64 {
    value.div_euclid(unit) + i64::from(value.rem_euclid(unit) != 0)
}

/// Days of UTC in which a local unit begins at another moment than midnight; none: too many.
fn cut_days(unit: Option<Unit>, zone: &TimeZone, days: (i64, i64)) -> Result<Option<Vec<i64>>, StoreError> {
    let Some(unit) = unit else { return Ok(Some(Vec::new())) };
    if zone.to_fixed_offset().is_ok_and(|offset| offset.is_zero()) {
        return Ok(Some(Vec::new()));
    }
    if unit == Unit::Day {
        return Ok(None);
    }
    // A day further on either side, since a local date can be one away from that of UTC.
    let last = civil(days.1.saturating_add(1));
    let mut begin = begin(unit, civil(days.0.saturating_sub(1)));
    let mut cuts = Vec::new();
    while begin <= last {
        let start: Time = start_of(begin, zone)?;
        if start.micros().rem_euclid(DAY_MICROS) != 0 {
            cuts.push(start.micros().div_euclid(DAY_MICROS));
        }
        if cuts.len() > CUTS_MAX {
            return Ok(None);
        }
        let step = if unit == Unit::Week { 7.days() } else { 1.month() };
        match begin.checked_add(step) {
            Ok(next) => begin = next,
            Err(_) => break,
        }
    }
    Ok(Some(cuts))
}

/// The first date of the unit that a date is in.
fn begin(unit: Unit, date: Date) -> Date {
    match unit {
        Unit::Day => date,
        Unit::Week => {
            let since = date.weekday().since(Weekday::Monday);
            date.checked_sub(i32::from(since).days()).unwrap_or(date)
        }
        Unit::Month => date.first_of_month(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn kampala() -> TimeZone {
        TimeZone::get("Africa/Kampala").unwrap()
    }

    fn sums(level: i64, from: i64, to: i64) -> Slice {
        Slice::Sums { level, from: Some(from), to: Some(to), except: Vec::new() }
    }

    #[test]
    fn everything_is_one_sum_a_day() {
        let all = slices((None, None), None, &kampala(), (0, 10)).unwrap();
        assert_eq!(all, [Slice::Sums { level: FEE_DAY, from: None, to: None, except: Vec::new() }]);
    }

    #[test]
    fn ends_are_taken_by_quarter_and_line() {
        let (from, to) = (DAY_MICROS + HOUR + 1, 3 * DAY_MICROS + 2 * HOUR);
        let parts = slices((Some(from), Some(to)), None, &kampala(), (0, 10)).unwrap();
        assert_eq!(
            parts,
            [
                Slice::Lines { from, to: DAY_MICROS + HOUR + QUARTER_MICROS },
                sums(FEE_QUARTER, 96 + 5, 192),
                sums(FEE_QUARTER, 288, 296),
                sums(FEE_DAY, 2, 3),
            ]
        );
    }

    #[test]
    fn inside_one_quarter_there_are_only_lines() {
        let parts = slices((Some(5), Some(9)), None, &kampala(), (0, 10)).unwrap();
        assert_eq!(parts, [Slice::Lines { from: 5, to: 9 }]);
    }

    #[test]
    fn local_months_cut_one_day_each() {
        let parts = slices((None, None), Some(Unit::Month), &kampala(), (0, 58)).unwrap();
        // Midnight of the first of a month in Kampala is 21:00 of the day before; one month more on the safe side.
        let cut = [-32, -1, 30, 58];
        let mut expected: Vec<Slice> = cut.iter().map(|day| sums(FEE_QUARTER, day * 96, (day + 1) * 96)).collect();
        expected.push(Slice::Sums { level: FEE_DAY, from: None, to: None, except: cut.to_vec() });
        assert_eq!(parts, expected);
        let utc = slices((None, None), Some(Unit::Month), &TimeZone::UTC, (0, 58)).unwrap();
        assert_eq!(utc.len(), 1);
    }

    #[test]
    fn local_days_go_by_quarters() {
        let parts = slices((None, None), Some(Unit::Day), &kampala(), (0, 58)).unwrap();
        assert_eq!(parts, [Slice::Sums { level: FEE_QUARTER, from: None, to: None, except: Vec::new() }]);
    }
}
