//! Text that somebody else chose (labels, reasons, categories, ids), made harmless for each form. What is replaced stays
//! readable: a character that could do something is written as its number, `<U+202E>`.

use std::fmt::Write;

/// Characters that change how text around them is shown, or are not shown at all.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

fn put(out: &mut String, c: char) {
    if is_hidden(c) {
        // Writing into a text does not fail.
        let _ = write!(out, "<U+{:04X}>", u32::from(c));
    } else {
        out.push(c);
    }
}

/// Begins a formula, in some spreadsheet.
fn begins_formula(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠' | '−')
}

/// Behind these another cell begins, in a spreadsheet that splits where we did not.
fn splits(c: char) -> bool {
    matches!(c, '"' | '\'' | ',' | ';' | '|' | ':' | '\t' | '\n' | '\r')
}

/// For a cell that is opened by hand: an apostrophe before whatever could begin a formula, at the front or where a
/// spreadsheet could split, and before a number whose digits or zeros it would drop.
pub(super) fn spreadsheet(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    if reads_as_number(value) {
        out.push('\'');
    }
    let mut at_front = out.is_empty();
    for c in value.chars() {
        if at_front && begins_formula(c) {
            out.push('\'');
        }
        // A blank at the front is skipped by some readers.
        at_front = splits(c) || (at_front && c.is_whitespace());
        match c {
            '\t' | '\n' | '\r' => out.push(c),
            _ => put(&mut out, c),
        }
    }
    out
}

/// Whether a spreadsheet would take a text for a number, a date or a time, and show it in another way.
fn reads_as_number(value: &str) -> bool {
    let value = value.trim();
    value.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && value.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | 'e' | 'E' | '-' | '+' | '/' | ' ' | '%'))
}

/// For the description of an hledger transaction or the value of a tag: one line, no comment, no tag of its own.
pub(super) fn hledger(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            // A semicolon begins a comment, a comma ends a tag's value, a bar parts the payee from the note.
            ';' | ',' | '|' => {
                let _ = write!(out, "<U+{:04X}>", u32::from(c));
            }
            _ => put(&mut out, c),
        }
    }
    out.trim().to_owned()
}

/// For a beancount text, without its quotes.
pub(super) fn beancount(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        put(&mut out, c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{beancount, hledger, spreadsheet};

    #[test]
    fn nothing_in_a_spreadsheet_cell_begins_a_formula() {
        let cases = [
            ("=1+1", "'=1+1"),
            ("+256771", "'+256771"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t'=1"),
            ("\r=1", "'\r'=1"),
            ("  =1", "  '=1"),
            ("a,=1", "a,'=1"),
            ("a;=1", "a;'=1"),
            ("a\",\"=1", "a\",\"'=1"),
            ("a\n=1", "a\n'=1"),
            ("'=1", "''=1"),
            ("＝1", "'＝1"),
            ("a-b", "a-b"),
            ("", ""),
        ];
        for (text, safe) in cases {
            assert_eq!(spreadsheet(text), safe, "{text:?}");
        }
    }

    #[test]
    fn long_ids_keep_their_digits() {
        for id in ["00012345", "12345678901234567890", "1e10", "1.5", "3-4", "3/4"] {
            assert_eq!(spreadsheet(id), format!("'{id}"));
        }
        for id in ["txn-00012345", "f3a1b2c4-0000-8000-8000-000000000001", "2026-05-03T09:00:00Z"] {
            assert_eq!(spreadsheet(id), id);
        }
    }

    #[test]
    fn characters_that_act_are_written_as_their_numbers() {
        assert_eq!(spreadsheet("a\u{202E}b\u{1B}[31m"), "a<U+202E>b<U+001B>[31m");
        assert_eq!(hledger("fee; x:y\r\n2026-01-01 * z"), "fee<U+003B> x:y<U+000D><U+000A>2026-01-01 * z");
        assert_eq!(hledger("a|b,c\u{1B}[0m"), "a<U+007C>b<U+002C>c<U+001B>[0m");
        assert_eq!(beancount("a\"b\\c\nd"), "a\\\"b\\\\c<U+000A>d");
    }
}
