//! Subjects: words with dots between them; in filters `*` is any one word and a last `>` is one or more.

use ensimbi_events::bus::Stream;

use crate::message::{BusError, WORD_BYTES_MAX};

/// Whether a message may be published on it.
pub(crate) fn is_literal(subject: &str) -> bool {
    subject.len() <= WORD_BYTES_MAX && subject.split('.').all(is_token)
}

/// Whether it may be a filter.
pub(crate) fn is_filter(filter: &str) -> bool {
    let mut rest = filter.split('.').peekable();
    let mut ok = filter.len() <= WORD_BYTES_MAX;
    while let Some(token) = rest.next() {
        ok &= is_token(token) || token == "*" || (token == ">" && rest.peek().is_none());
    }
    ok
}

/// Whether a filter takes a subject.
pub(crate) fn matches(filter: &str, subject: &str) -> bool {
    let mut words = subject.split('.');
    for token in filter.split('.') {
        match (token, words.next()) {
            (_, None) => return false,
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (token, Some(word)) if token == word => {}
            _ => return false,
        }
    }
    words.next().is_none()
}

/// The stream that takes a subject under a prefix.
pub(crate) fn stream_of(prefix: &str, subject: &str) -> Result<Stream, BusError> {
    let found = Stream::ALL.into_iter().find(|stream| matches(&stream.subjects(prefix), subject));
    found.ok_or_else(|| BusError::Refused(format!("no stream takes the subject {subject}")))
}

/// A durable's name: what every server version accepts.
pub(crate) fn check_durable(durable: &str, filter: &str, all: &str) -> Result<(), BusError> {
    let refused = |why: String| Err(BusError::Refused(why));
    if !(1..=128).contains(&durable.len()) || !durable.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    {
        return refused("a durable's name is 1 to 128 letters, digits, - and _".to_owned());
    }
    // Each stream owns `<prefix>.<word>.>`; a filter must stay inside.
    let inside = all.strip_suffix('>').is_some_and(|start| filter.starts_with(start));
    if !is_filter(filter) || !inside {
        return refused(format!("the filter must lie within {all}"));
    }
    Ok(())
}

/// A prefix: one word of a stream's and a subject's name.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), BusError> {
    if (1..=32).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Ok(());
    }
    Err(BusError::Refused("the prefix must be 1 to 32 letters, digits and _".to_owned()))
}

fn is_token(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_take_what_a_server_would_give() {
        assert!(matches("a.b.>", "a.b.c") && matches("a.b.>", "a.b.c.d") && matches("a.*.c", "a.b.c"));
        assert!(matches("a.b", "a.b"));
        assert!(!matches("a.b.>", "a.b") && !matches("a.*", "a.b.c") && !matches("a.b", "a") && !matches("a", "b"));
    }

    #[test]
    fn names_with_other_characters_are_refused() {
        assert!(is_literal("ensimbi.log.0198-a"));
        for bad in ["", ".", "a..b", "a.*", "a.>", "a b", "a.b\r\n", "a.\u{e9}"] {
            assert!(!is_literal(bad), "{bad:?}");
        }
        assert!(is_filter("a.*.>") && !is_filter("a.>.b") && !is_filter("a.b*"));
        assert!(check_durable("ledger-1", "e.log.>", "e.log.>").is_ok());
        assert!(check_durable("ledger.1", "e.log.>", "e.log.>").is_err());
        assert!(check_durable("ledger", "e.claims.>", "e.log.>").is_err());
        assert!(check_prefix("ENSIMBI").is_ok() && check_prefix("a.b").is_err() && check_prefix("").is_err());
    }

    #[test]
    fn every_stream_takes_its_own_subjects() {
        assert_eq!(stream_of("ENSIMBI", "ensimbi.log.x"), Ok(Stream::Log));
        assert_eq!(stream_of("ENSIMBI", "ensimbi.claims.x.none"), Ok(Stream::Claims));
        assert!(stream_of("ENSIMBI", "other.log.x").is_err());
    }
}
