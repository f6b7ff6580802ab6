//! What must not be sent: the checks that the clients of every provider have in common, before anything leaves us.

use reqwest::Url;

use crate::connector::CallError;

/// Longest address of a page, in bytes.
pub const URL_MAX: usize = 500;

/// `true`, or refused; `problem` names the field and what was expected of it, and shows no value.
///
/// # Errors
/// [`CallError::Refused`].
pub fn must(holds: bool, problem: &str) -> Result<(), CallError> {
    if holds { Ok(()) } else { Err(CallError::Refused(problem.to_owned())) }
}

/// Whether a text, if there is one, has at most `max` characters and is on one line.
pub fn within(text: Option<&str>, max: usize) -> bool {
    text.is_none_or(|text| text.chars().count() <= max && !text.chars().any(char::is_control))
}

/// Whether a text is the address of a page that a payer may be sent to: https, or http where `http` allows it.
pub fn is_link(text: &str, http: bool) -> bool {
    let parsed = text.parse::<Url>().ok();
    let scheme = |url: &Url| url.scheme() == "https" || (http && url.scheme() == "http");
    text.len() <= URL_MAX
        && parsed.is_some_and(|url| scheme(&url) && url.host_str().is_some_and(|host| !host.is_empty()))
}
