//! What an answer means (`providers/paytota.md`, sections 6.2 and 13): the class of its HTTP status first, then its body.
//!
//! Their errors have five shapes; of each, only the code and the field's name are shown, since messages are free text.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::super::wire::{self, Accepted, Executed};
use crate::connector::CallError;
use crate::door::http::{Answer, by_status};

/// Most fields of an error body that are looked at.
const FIELDS_MAX: usize = 64;

/// An error of theirs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) code: Option<String>,
    pub(super) field: Option<String>,
}

impl Problem {
    /// From a body; `None` where it is no JSON object.
    pub(super) fn of(body: &[u8]) -> Option<Self> {
        let text = wire::body(body).ok()?;
        let all: BTreeMap<String, &RawValue> = wire::object("body", text).ok()?;
        let coded = |raw: &RawValue| {
            let problem: wire::Problem<'_> = wire::object("error", raw.get()).ok()?;
            wire::text("code", problem.code).ok()?.filter(|code| wire::is_word(code))
        };
        let first =
            |raw: &&RawValue| serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok()?.into_iter().find_map(coded);
        // {"status": "error", "error": {"code": ..}}, then {"code": ..}, then a map of fields (`__all__` is none).
        if let Some(code) = all.get("error").copied().and_then(coded) {
            return Some(Self { code: Some(code), field: None });
        }
        let own = all.get("code").and_then(|raw| wire::text("code", Some(raw)).ok()?);
        if let Some(code) = own.filter(|code| wire::is_word(code)) {
            return Some(Self { code: Some(code), field: None });
        }
        let of_field = all.iter().take(FIELDS_MAX).find_map(|(field, raw)| {
            let code = first(raw).or_else(|| coded(raw))?;
            Some(Self { code: Some(code), field: Some(field.clone()).filter(|field| wire::is_word(field)) })
        });
        Some(of_field.unwrap_or_default())
    }

    /// In words, with the HTTP status.
    pub(super) fn words(&self, status: u16) -> String {
        match (&self.field, self.code.as_deref()) {
            (Some(field), Some(code)) => format!("status {status}, {field}: {code}"),
            (None, Some(code)) => format!("status {status}, {code}"),
            (_, None) => format!("status {status}"),
        }
    }
}

/// The body of a 2xx; anything else by its class. `read`: "not found" may be believed.
pub(super) fn judge(read: bool, (status, headers, body): Answer) -> Result<(u16, Vec<u8>), CallError> {
    match (status, by_status(read, status, &headers)) {
        (200..300, _) => Ok((status, body)),
        (401 | 403, _) => Err(CallError::Credentials(format!("status {status}"))),
        (_, Some(why)) => Err(why),
        (_, None) => match Problem::of(&body) {
            Some(problem) => Err(CallError::Refused(problem.words(status))),
            None => Err(CallError::Unknown(format!("status {status}"))),
        },
    }
}

/// What an execute call came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Execution {
    /// They took it.
    Taken,
    /// They say that they did not, with this code; to be confirmed by the object's own state.
    Refused(String),
}

/// Reads the answer of an execute call. An error can come with HTTP 200 (section 6.2), so the body decides; only one that
/// names a code is a refusal.
pub(super) fn executed((status, headers, body): &Answer) -> Result<Execution, CallError> {
    let unknown = || Err(CallError::Unknown(format!("status {status}, not an answer of an execution")));
    if matches!(status, 200..300) || (400..500).contains(status) && !matches!(status, 401 | 403 | 408 | 409 | 425 | 429)
    {
        let parsed = wire::body(body).and_then(|text| wire::object::<Executed<'_>>("body", text));
        let word = parsed.as_ref().ok().and_then(|answer| wire::text("status", answer.status).ok()?);
        let problem = Problem::of(body);
        return match (word.as_deref(), parsed, problem.and_then(|problem| problem.code)) {
            (Some("pending"), Ok(answer), _) if *status < 300 && accepted(&answer) => Ok(Execution::Taken),
            (Some("error"), _, Some(code)) => Ok(Execution::Refused(code)),
            (None, _, Some(code)) if *status >= 400 => Ok(Execution::Refused(code)),
            _ => unknown(),
        };
    }
    match judge(false, (*status, headers.clone(), Vec::new())) {
        Err(why) => Err(why),
        Ok(_) => unknown(),
    }
}

/// A return code other than 200 contradicts the word beside it.
fn accepted(answer: &Executed<'_>) -> bool {
    match wire::inner::<Accepted<'_>>("details", answer.details) {
        Ok(None) => true,
        Ok(Some(details)) => details.return_code.is_none_or(|code| wire::unquoted(code.get()) == "200"),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Problem;

    #[test]
    fn each_shape_of_an_error_gives_its_code_and_field() {
        for (body, code, field) in [
            (
                r#"{"status":"error","error":{"code":"insufficient_funds","message":"Jane"}}"#,
                "insufficient_funds",
                None,
            ),
            (r#"{"reference":[{"message":"used","code":"unique"}]}"#, "unique", Some("reference")),
            (r#"{"__all__":[{"message":"m","code":"purchase_refund_error"}]}"#, "purchase_refund_error", None),
            (r#"{"__all__":{"message":"m","code":"invalid"}}"#, "invalid", None),
            (r#"{"code":"not_found","message":"m"}"#, "not_found", None),
        ] {
            let problem = Problem::of(body.as_bytes());
            let found = problem.as_ref().map(|found| (found.code.as_deref(), found.field.as_deref()));
            assert_eq!(found, Some((Some(code), field)), "{body}");
        }
        for body in [r#"{"detail":"Jane Rose"}"#, r#"{"error":"text"}"#, "{}", r#"{"code":"Jane Rose"}"#] {
            assert_eq!(Problem::of(body.as_bytes()), Some(Problem::default()), "{body}");
        }
        for body in ["<html>", "", "[]", "\"x\"", "{\"a\":1"] {
            assert_eq!(Problem::of(body.as_bytes()), None, "{body}");
        }
    }
}
