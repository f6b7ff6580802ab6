//! What an answer means (`providers/iotec.md`, section 12): one decision for every call.
//!
//! Only a readable 4xx on a call that moves money proves that nothing was queued. A 2xx that is not what was asked for
//! is no answer: its bytes go nowhere, since nobody could tell what happened.

use super::super::wire;
use crate::connector::{CallError, RawAnswer};
use crate::door::http::{Answer, by_status};

/// What a 2xx's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// What was asked for.
    Good,
    /// A list of nothing, where there is something or nothing.
    Empty,
    /// Anything else.
    Wrong,
}

/// A call and what its answer may be.
pub(super) struct Call<'a> {
    /// The kind of bytes that a good answer is.
    pub(super) kind: &'static str,
    /// Moves no money: "not found" may be believed.
    pub(super) read: bool,
    /// What a body is.
    pub(super) shape: fn(&[u8]) -> Shape,
    /// What that is, in words, for a body that is not.
    pub(super) expected: &'static str,
    /// Texts about the other side that must not be shown.
    pub(super) hide: &'a [&'a str],
}

pub(super) fn judge(call: &Call<'_>, (status, headers, body): Answer) -> Result<RawAnswer, CallError> {
    let unknown = |why: &str| Err(CallError::Unknown(format!("status {status}{why}")));
    if (200..300).contains(&status) {
        return match (call.shape)(&body) {
            Shape::Good => Ok(RawAnswer { kind: call.kind, status, body }),
            Shape::Empty if call.read => Err(CallError::NotFound),
            _ => unknown(&format!(", not {}", call.expected)),
        };
    }
    if let Some(why) = by_status(call.read, status, &headers) {
        return Err(why);
    }
    let problem = wire::body(&body).and_then(|text| wire::object::<wire::Problem<'_>>("body", text)).ok();
    let message = problem.as_ref().map(|problem| message(problem, call.hide));
    match message {
        Some(message) if call.read && status == 400 && message.to_ascii_lowercase().contains("not found") => {
            Err(CallError::NotFound)
        }
        Some(message) => Err(CallError::Refused(format!("status {status} {message}").trim_end().to_owned())),
        None => unknown(""),
    }
}

/// Records with an id each.
pub(super) fn records(body: &[u8]) -> Shape {
    match wire::records(body) {
        Ok(all) if all.is_empty() => Shape::Empty,
        Ok(all) if all.iter().all(|one| wire::id("id", one.id).is_ok()) => Shape::Good,
        _ => Shape::Wrong,
    }
}

/// A page whose records have an id each. An empty page is an answer too, unless its records were asked for by name.
pub(super) fn page(body: &[u8]) -> Shape {
    match wire::page(body) {
        Ok((_, all)) if all.iter().all(|one| wire::id("id", one.id).is_ok()) => Shape::Good,
        _ => Shape::Wrong,
    }
}

/// The same, where something must be found.
pub(super) fn found(body: &[u8]) -> Shape {
    match wire::page(body) {
        Ok((_, all)) if all.is_empty() => Shape::Empty,
        _ => page(body),
    }
}

/// A list of objects, also an empty one.
pub(super) fn list(body: &[u8]) -> Shape {
    let read = wire::body(body).and_then(|text| wire::objects::<wire::BankItem<'_>>("body", text));
    if read.is_ok() { Shape::Good } else { Shape::Wrong }
}

/// A wallet with its balance.
pub(super) fn balance(body: &[u8]) -> Shape {
    let read = wire::body(body).and_then(|text| wire::object::<wire::Balance<'_>>("body", text));
    match read {
        Ok(balance) if wire::id("id", balance.id).is_ok() && balance.actual_balance.is_some() => Shape::Good,
        _ => Shape::Wrong,
    }
}

/// Their words for people: short, on one line, without numbers or addresses of a party.
fn message(problem: &wire::Problem<'_>, hide: &[&str]) -> String {
    let fields = [problem.message, problem.title, problem.detail, problem.code];
    let mut text = fields.into_iter().filter_map(|raw| wire::text("message", raw).ok()?).collect::<Vec<_>>().join(" ");
    for name in hide.iter().filter(|name| !name.is_empty()) {
        text = text.replace(name, "(name)");
    }
    let personal = |word: &&str| word.contains('@') || word.bytes().filter(u8::is_ascii_digit).count() >= 6;
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let words = words.map(|word| if personal(&word) { "(hidden)" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(200).collect()
}
