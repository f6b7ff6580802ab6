//! The two axes of time: when something happened (`from`, `to`, `as_of`), and what was recorded by then (`known_at`).
//!
//! A bound is a moment in RFC 3339 or a local date. `from` and `to` are half open: a date stands for its first moment.
//! `as_of` and `known_at` are inside: a date stands for all of it. Dates are those of `tz`, which is the book's zone if it
//! is not given.

use ensimbi_events::codes::Problem;
use ensimbi_events::{BookId, Time};
use ensimbi_projections::query::{Basis, Span};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::ApiState;
use crate::params::Params;
use crate::problem::ApiError;

/// What a report is about, and what was known of it.
pub struct Axes {
    /// Which lines.
    pub span: Span,
    /// The zone that was asked for.
    pub zone: Option<TimeZone>,
    /// The last position recorded by `known_at`.
    pub known: Option<u64>,
}

/// A bound as it was written.
#[derive(Clone, Copy)]
enum Bound {
    Date(Date),
    Moment(Time),
}

const EXPECTED: &str = "a time with its zone in RFC 3339, such as 2026-05-03T09:00:00Z, or a date, such as 2026-05-03";

fn bound(params: &Params, name: &str) -> Result<Option<Bound>, ApiError> {
    let Some(text) = params.text(name) else { return Ok(None) };
    let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text);
    let moment = || text.parse::<Time>().ok().map(Bound::Moment);
    let bound = date.map(Bound::Date).or_else(moment);
    bound.map(Some).ok_or_else(|| ApiError::parameter(name, format!("expected {EXPECTED}")))
}

/// The first moment of a local date.
fn start(name: &str, date: Date, zone: &TimeZone) -> Result<Time, ApiError> {
    let start = date.to_zoned(zone.clone()).map(|start| start.timestamp().into());
    start.map_err(|_| ApiError::parameter(name, "beyond the calendar"))
}

fn next_day(name: &str, date: Date) -> Result<Date, ApiError> {
    date.tomorrow().map_err(|_| ApiError::parameter(name, "beyond the calendar"))
}

/// The first moment that is no longer inside.
fn end(name: &str, bound: Bound, zone: &TimeZone) -> Result<Time, ApiError> {
    match bound {
        Bound::Date(date) => start(name, next_day(name, date)?, zone),
        Bound::Moment(at) => Ok(Time::from_micros(at.micros().saturating_add(1))),
    }
}

/// Reads `basis`, `from`, `to`, `as_of`, `known_at` and `tz`, as far as the route lets them through.
///
/// # Errors
/// A problem that names the parameter; those of the stores.
pub async fn axes(state: &ApiState, book: BookId, params: &Params) -> Result<Axes, ApiError> {
    let zone = params.zone("tz")?;
    let basis = params.word("basis", Basis::ALL, Basis::as_str)?.unwrap_or(Basis::Occurred);
    let own = zone_of(state, book, zone.as_ref()).await?;
    let (from, to, as_of) = (bound(params, "from")?, bound(params, "to")?, bound(params, "as_of")?);
    if to.is_some() && as_of.is_some() {
        return Err(ApiError::parameter("as_of", "`to` and `as_of` are two ends; give one of them"));
    }
    let last = if as_of.is_some() { "as_of" } else { "to" };
    let (span, reversed) = match basis {
        Basis::Occurred => {
            let first = |name, bound| match bound {
                Bound::Date(date) => start(name, date, &own),
                Bound::Moment(at) => Ok(at),
            };
            let from = from.map(|bound| first("from", bound)).transpose()?;
            let to = match (to, as_of) {
                (Some(to), _) => Some(first("to", to)?),
                (None, as_of) => as_of.map(|bound| end("as_of", bound, &own)).transpose()?,
            };
            (Span::Occurred { from, to }, from.zip(to).is_some_and(|(from, to)| from > to))
        }
        Basis::Booked => {
            let date = |name: &'static str, bound| match bound {
                Bound::Date(date) => Ok(date),
                Bound::Moment(_) => Err(ApiError::parameter(name, "book dates go by dates, such as 2026-05-03")),
            };
            let from = from.map(|bound| date("from", bound)).transpose()?;
            let to = match (to, as_of) {
                (Some(to), _) => Some(date("to", to)?),
                (None, Some(as_of)) => Some(next_day("as_of", date("as_of", as_of)?)?),
                (None, None) => None,
            };
            (Span::Booked { from, to }, from.zip(to).is_some_and(|(from, to)| from > to))
        }
    };
    if reversed {
        return Err(ApiError::about(Problem::InvalidRange, last, "is before `from`"));
    }
    Ok(Axes { span, zone, known: known(state, book, params, &own).await? })
}

/// The zone that was asked for, or the book's.
async fn zone_of(state: &ApiState, book: BookId, zone: Option<&TimeZone>) -> Result<TimeZone, ApiError> {
    match zone {
        Some(zone) => Ok(zone.clone()),
        None => Ok(state.accounts.zone(book).await?),
    }
}

async fn known(state: &ApiState, book: BookId, params: &Params, zone: &TimeZone) -> Result<Option<u64>, ApiError> {
    let Some(bound) = bound(params, "known_at")? else { return Ok(None) };
    let end = end("known_at", bound, zone)?;
    Ok(Some(state.reader.recorded_before(book, end).await?))
}

/// `as_of` as a moment (inside) and `known_at` as a position, for a balance.
///
/// # Errors
/// As [`axes`].
pub async fn moment(state: &ApiState, book: BookId, params: &Params) -> Result<(Option<Time>, Option<u64>), ApiError> {
    let zone = params.zone("tz")?;
    let own = zone_of(state, book, zone.as_ref()).await?;
    let as_of = bound(params, "as_of")?.map(|bound| end("as_of", bound, &own)).transpose()?;
    let as_of = as_of.map(|end| Time::from_micros(end.micros().saturating_sub(1)));
    Ok((as_of, known(state, book, params, &own).await?))
}

/// `as_of` as a book date (inside) and `known_at` as a position, for a trial balance. A moment stands for its date in the
/// book's zone.
///
/// # Errors
/// As [`axes`].
pub async fn book_date(
    state: &ApiState,
    book: BookId,
    params: &Params,
) -> Result<(Option<Date>, Option<u64>), ApiError> {
    let own = zone_of(state, book, None).await?;
    let as_of = bound(params, "as_of")?.map(|bound| match bound {
        Bound::Date(date) => date,
        Bound::Moment(at) => at.timestamp().to_zoned(own.clone()).date(),
    });
    Ok((as_of, known(state, book, params, &own).await?))
}
