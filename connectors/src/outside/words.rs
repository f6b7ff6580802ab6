//! Words of the configuration that live as long as the process: a connector's words are `&'static str` everywhere, and
//! those of a connection from outside are read when the process starts. Each is kept once, and there is a bound.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Most words that a process keeps.
pub const WORDS_MAX: usize = 4_096;
/// Longest word, in bytes.
const WORD_LEN_MAX: usize = 48;
/// Most words of one list.
const LIST_MAX: usize = 32;

static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// A letter, then letters, digits and `_`, in lower case.
pub fn is_word(text: &str) -> bool {
    text.len() <= WORD_LEN_MAX
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A word, a point and a number from 1, such as `acme.1`.
pub fn is_translator(text: &str) -> bool {
    let number = |text: &str| text.parse::<u32>().is_ok_and(|number| number > 0 && !text.starts_with(['0', '+']));
    text.split_once('.').is_some_and(|(name, version)| is_word(name) && number(version))
}

/// Different words with spaces between them, at most 32.
pub fn list(text: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let different = words.iter().collect::<BTreeSet<_>>().len() == words.len();
    (different && words.len() <= LIST_MAX && words.iter().all(|word| is_word(word))).then_some(words)
}

/// Keeps a word for the life of the process; `None` where there are too many.
pub fn keep(text: &str) -> Option<&'static str> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(word) = kept.get(text) {
        return Some(word);
    }
    if kept.len() >= WORDS_MAX {
        return None;
    }
    let word: &'static str = Box::leak(text.to_owned().into_boxed_str());
    kept.insert(word);
    Some(word)
}

/// Keeps a list of words.
pub fn keep_all(list: &[&str]) -> Option<&'static [&'static str]> {
    let kept: Option<Vec<&'static str>> = list.iter().map(|word| keep(word)).collect();
    Some(Box::leak(kept?.into_boxed_slice()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn words_are_plain_and_kept_once() {
        for good in ["a", "payment_status", "x9"] {
            assert!(is_word(good), "{good}");
        }
        for bad in ["", "9a", "_a", "Payment", "a-b", "a b", "é", &"x".repeat(49)] {
            assert!(!is_word(bad), "{bad}");
        }
        assert!(std::ptr::eq(keep("kept_once").unwrap(), keep("kept_once").unwrap()));
        assert_eq!(list(" a  b ").unwrap(), ["a", "b"]);
        assert!(list("a a").is_none() && list("a,b").is_none());
        assert!(is_translator("acme.1"));
        for bad in ["acme", "acme.", "acme.0", "acme.01", "acme.x", ".1", "acme.+1"] {
            assert!(!is_translator(bad), "{bad}");
        }
    }
}
