//! Which lines a report is about: by when they happened, or by book date; and what was known of them.

use ensimbi_events::{BookId, Time};
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Stamp;
use crate::accounts::DAY_MICROS;
pub(super) use crate::accounts::day_of;
use crate::runner::cursor::active_in;
use crate::store::{Sql, StoreError, Tx};
use crate::word::words;

words! {
    /// What dates a line (`bookkeeping.md` 7).
    Basis {
        /// When it happened; a fee: when its payment did. Statements, wallets and fees go by it.
        Occurred = "occurred",
        /// Its book date, which is the next open day where the period was closed. The trial balance goes by it.
        Booked = "booked",
    }
}

/// From one moment or book date (inside) to another (no longer inside).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// By `occurred_at`.
    Occurred {
        /// First moment inside.
        from: Option<Time>,
        /// First moment no longer inside.
        to: Option<Time>,
    },
    /// By book date.
    Booked {
        /// First date inside.
        from: Option<Date>,
        /// First date no longer inside.
        to: Option<Date>,
    },
}

impl Span {
    /// All lines, by `occurred_at`.
    pub const ALL: Self = Self::Occurred { from: None, to: None };

    /// What dates a line.
    pub const fn basis(self) -> Basis {
        match self {
            Self::Occurred { .. } => Basis::Occurred,
            Self::Booked { .. } => Basis::Booked,
        }
    }

    /// Bounds as the database has them: microseconds, or days since 1970.
    pub(super) fn bounds(self) -> (Option<i64>, Option<i64>) {
        match self {
            Self::Occurred { from, to } => (from.map(Time::micros), to.map(Time::micros)),
            Self::Booked { from, to } => (from.map(day_of), to.map(day_of)),
        }
    }
}

/// The date of a number of days since 1970-01-01, as `2026-05-03`.
pub(crate) fn date_of(day: i64) -> String {
    civil(day).to_string()
}

/// The same as a date; beyond the calendar it stops at its end.
pub(super) fn civil(day: i64) -> Date {
    let days = i32::try_from(day).ok().and_then(|day| Date::constant(1970, 1, 1).checked_add(day.days()).ok());
    days.unwrap_or(if day < 0 { Date::MIN } else { Date::MAX })
}

/// The first moment of a local date.
pub(super) fn start_of(date: Date, zone: &TimeZone) -> Result<Time, StoreError> {
    let start = date.to_zoned(zone.clone());
    start.map(|start| start.timestamp().into()).map_err(|error| StoreError::Damaged(format!("a day's start: {error}")))
}

/// The day of UTC that a moment is in.
pub(super) const fn utc_day(micros: i64) -> i64 {
    micros.div_euclid(DAY_MICROS)
}

/// The zone of the book's dates, as the log configured it at the projection's cursor.
pub(super) async fn book_zone(tx: &mut Tx, book: BookId, projection: &'static str) -> Result<TimeZone, StoreError> {
    let Some(cursor) = active_in(tx, book, projection).await? else { return Ok(TimeZone::UTC) };
    let name = &cursor.configured.config().time_zone;
    if name.is_empty() {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|error| StoreError::Damaged(format!("the book's time zone: {error}")))
}

impl Stamp {
    /// The same answer, of what was recorded up to a position only.
    #[must_use]
    pub fn known_at(self, known: Option<u64>) -> Self {
        match known {
            Some(position) if position < self.position => Self { position, recorded_at: None, ..self },
            _ => self,
        }
    }
}

/// ` AND column >= from AND column < to`, and nothing after the known position.
pub(super) fn within(mut sql: Sql, column: &'static str, bounds: (Option<i64>, Option<i64>)) -> Sql {
    if let Some(from) = bounds.0 {
        sql = sql.text(" AND ").text(column).text(" >= ").bind(from);
    }
    if let Some(to) = bounds.1 {
        sql = sql.text(" AND ").text(column).text(" < ").bind(to);
    }
    sql
}

/// ` AND position <= known`.
pub(super) fn until(sql: Sql, known: Option<u64>) -> Sql {
    match known {
        Some(known) => sql.text(" AND position <= ").bind(crate::store::Bind::position(known)),
        None => sql,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_each_other() {
        for day in [-1, 0, 20_576, 40_000] {
            assert_eq!(day_of(civil(day)), day);
        }
        assert_eq!(date_of(20_576), "2026-05-03");
    }
}
