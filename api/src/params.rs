//! Query and path parameters: known ones only, each once, each bounded, each named when it is wrong.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use ensimbi_events::codes::Problem;
use ensimbi_events::{Currency, Time, currency};
use jiff::tz::TimeZone;

use crate::problem::ApiError;

/// Largest page.
pub const LIMIT_MAX: u32 = 500;
/// Page size where none is asked for.
pub const LIMIT_DEFAULT: u32 = 50;
/// Longest value of a parameter, in bytes.
const VALUE_MAX: usize = 1_000;
/// Most parameters of a request.
const COUNT_MAX: usize = 32;
/// What every account path begins with.
pub const ROOTS: [&str; 5] = ["assets", "liabilities", "equity", "income", "expenses"];

/// The query of a request, before a route says what it knows.
#[derive(Debug)]
pub struct RawParams(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for RawParams {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Query(pairs) =
            query.map_err(|_| ApiError::new(Problem::InvalidParameter, "the query is no `name=value&name=value`"))?;
        if pairs.len() > COUNT_MAX {
            return Err(ApiError::new(Problem::InvalidParameter, "too many parameters"));
        }
        Ok(Self(pairs))
    }
}

impl RawParams {
    /// Lets only known names through, each at most once.
    ///
    /// # Errors
    /// A problem that names the parameter and what is allowed.
    pub fn only(self, allowed: &[&'static str]) -> Result<Params, ApiError> {
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in &self.0 {
            // What was sent is repeated only as far as it is harmless.
            let shown: String = name.chars().filter(|c| c.is_ascii_graphic()).take(40).collect();
            if !allowed.contains(&name.as_str()) {
                let known = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
                let detail = format!("not known here; allowed: {known}");
                return Err(ApiError::unknown(&shown, detail, allowed.iter().copied()));
            }
            if seen.contains(&name.as_str()) {
                return Err(ApiError::parameter(&shown, "given twice"));
            }
            if value.len() > VALUE_MAX {
                return Err(ApiError::parameter(&shown, format!("longer than {VALUE_MAX} bytes")));
            }
            seen.push(name);
        }
        Ok(Params(self.0))
    }
}

/// Parameters that a route knows.
#[derive(Debug)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// A parameter's text, if it was given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter read by its own grammar.
    ///
    /// # Errors
    /// A problem that names it and says what was expected.
    pub fn parsed<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| ApiError::parameter(name, format!("expected {expected}")))
    }

    /// A word of a list.
    ///
    /// # Errors
    /// A problem that names the parameter and the list.
    pub fn word<T: Copy>(
        &self,
        name: &str,
        all: &[T],
        as_str: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match all.iter().copied().find(|word| as_str(*word) == text) {
            Some(word) => Ok(Some(word)),
            None => {
                let words: Vec<&str> = all.iter().map(|word| as_str(*word)).collect();
                Err(ApiError::unknown(name, format!("expected one of {}", words.join(", ")), words))
            }
        }
    }

    /// A moment in RFC 3339.
    ///
    /// # Errors
    /// A problem that names it.
    pub fn time(&self, name: &str) -> Result<Option<Time>, ApiError> {
        self.parsed(name, "a time with its zone in RFC 3339, such as 2026-05-03T09:00:00Z")
    }

    /// An IANA time zone.
    ///
    /// # Errors
    /// A problem that names it.
    pub fn zone(&self, name: &str) -> Result<Option<TimeZone>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        // POSIX strings and file names are not IANA names.
        let plain = text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b));
        let zone = if plain { TimeZone::get(text).ok() } else { None };
        let unknown = || {
            let all = jiff::tz::db().available().map(|zone| zone.to_string());
            ApiError::unknown(name, "expected an IANA time zone, such as Africa/Kampala", all)
        };
        zone.map(Some).ok_or_else(unknown)
    }

    /// A currency's code: of ISO 4217, of a sandbox, or `own`, those that the book uses beside them.
    ///
    /// # Errors
    /// `unknown_value`, with all of them.
    pub fn currency(&self, name: &str, own: &[Currency]) -> Result<Option<Currency>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let code = text.parse().ok();
        let code = code.filter(|code| own.contains(code) || currency::lookup(*code).is_some());
        let detail = "expected the code of a currency, such as UGX";
        code.map(Some).ok_or_else(|| ApiError::unknown(name, detail, known_currencies(own)))
    }

    /// `from` and `to` in RFC 3339, in this order.
    ///
    /// # Errors
    /// A problem that names one of them.
    pub fn range(&self) -> Result<(Option<Time>, Option<Time>), ApiError> {
        let (from, to) = (self.time("from")?, self.time("to")?);
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(ApiError::about(Problem::InvalidRange, "to", "is before `from`"));
        }
        Ok((from, to))
    }

    /// An account path.
    ///
    /// # Errors
    /// A problem that names it.
    pub fn account(&self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b':';
        let rooted = ROOTS.contains(&text.split(':').next().unwrap_or_default());
        if !rooted || text.len() > 160 || !text.bytes().all(plain) {
            let detail = "expected an account path under one of the five roots, such as income:sales";
            return Err(ApiError::unknown(name, detail, ROOTS));
        }
        Ok(Some(text.to_owned()))
    }

    /// `limit`, from 1 to 500.
    ///
    /// # Errors
    /// A problem that names it.
    pub fn limit(&self) -> Result<u32, ApiError> {
        let limit = self.parsed::<u32>("limit", "a whole number from 1 to 500")?.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(ApiError::parameter("limit", "expected a whole number from 1 to 500"));
        }
        Ok(limit)
    }
}

/// Every code that is understood, sorted.
pub(crate) fn known_currencies(own: &[Currency]) -> Vec<String> {
    let mut all: Vec<String> = own.iter().map(ToString::to_string).chain(currency::codes()).collect();
    all.sort();
    all.dedup();
    all
}

/// The one parameter of a path, read by its own grammar.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: FromStr + Send> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let pair = path.ok().and_then(|Path(pairs)| pairs.into_iter().next());
        let (name, text) = pair.ok_or_else(|| ApiError::new(Problem::InvalidParameter, "the path cannot be read"))?;
        let expected = if name == "position" { "expected a position, from 1" } else { "expected a UUID" };
        // UUIDs have several spellings; ours are 36 characters.
        let ok = text.len() <= 36;
        ok.then(|| text.parse().ok()).flatten().map(Self).ok_or_else(|| ApiError::parameter(&name, expected))
    }
}
