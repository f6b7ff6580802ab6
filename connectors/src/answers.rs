//! What an answer means, for clients of providers whose errors are JSON: each HTTP outcome is one decision, the same that
//! the conformance suite expects (`conformance/outcomes.rs`).

use crate::connector::{CallError, RawAnswer};
use crate::door::http::{Answer, by_status};
use crate::json;

/// Longest id in a path, in bytes.
const SEGMENT_MAX: usize = 400;

/// What becomes of an answer.
///
/// `read`: the call moves no money and names its object, so "not found" may be believed. `kind`: what the bytes of a good
/// answer are. `good`: whether the body of a 2xx is what was asked for; one that is not is no answer, and its bytes go
/// nowhere. `code`: the machine's word in a readable error of theirs; only such an error on a 4xx proves that nothing was
/// queued. Of their texts nothing but that word is ever shown.
///
/// # Errors
/// See [`CallError`].
pub fn judge(
    read: bool,
    kind: &'static str,
    (status, headers, body): Answer,
    good: impl FnOnce(&str) -> bool,
    code: impl FnOnce(&str) -> Option<String>,
) -> Result<RawAnswer, CallError> {
    let text = json::body(&body).ok();
    if (200..300).contains(&status) {
        return match text.is_some_and(good) {
            true => Ok(RawAnswer { kind, status, body }),
            false => Err(CallError::Unknown(format!("status {status}, not what was asked for"))),
        };
    }
    if matches!(status, 401 | 403) {
        return Err(CallError::Credentials(format!("status {status}")));
    }
    if let Some(why) = by_status(read, status, &headers) {
        return Err(why);
    }
    match text.and_then(code) {
        Some(code) if json::is_word(&code) => Err(CallError::Refused(format!("status {status} {code}"))),
        Some(_) => Err(CallError::Refused(format!("status {status}"))),
        None => Err(CallError::Unknown(format!("status {status}"))),
    }
}

/// [`judge`], where a good answer is JSON with a text in the place `good`, and an error one with a text in `code`. Places are
/// JSON pointers (RFC 6901): `/id`, `/data/id`.
///
/// # Errors
/// See [`CallError`].
pub fn by_places(
    read: bool,
    kind: &'static str,
    answer: Answer,
    (good, code): (&str, &str),
) -> Result<RawAnswer, CallError> {
    let found = |text: &str, place: &str| -> Option<String> {
        serde_json::from_str::<serde_json::Value>(text).ok()?.pointer(place)?.as_str().map(str::to_owned)
    };
    judge(read, kind, answer, |text| found(text, good).is_some(), |text| found(text, code))
}

/// A provider's id or our reference as a part of a path: a URL swallows the others, so they would name another resource.
///
/// # Errors
/// [`CallError::Refused`], without the text.
pub fn segment(key: &str) -> Result<&str, CallError> {
    if matches!(key, "" | "." | "..") || key.len() > SEGMENT_MAX {
        return Err(CallError::Refused("object: an id that no path can carry".to_owned()));
    }
    Ok(key)
}
