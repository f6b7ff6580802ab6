//! One sheet's rows on their way into the file, counted and hashed as the exact CSV of the same rows.

use ensimbi_events::money::scaled_text;
use ensimbi_events::{Amount, Hash};
use sha2::{Digest, Sha256};

use crate::exports::csv::{Form, Record};

/// Digits that a spreadsheet keeps.
const DIGITS_KEPT: usize = 15;

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// Nothing.
    Empty,
    /// Text: never a formula, and digits stay as they are.
    Text(String),
    /// Money or another figure at scale 4: a number where a spreadsheet keeps all its digits, else text.
    Figure(i128),
    /// A count or position.
    Count(u64),
}

impl Cell {
    /// Text, or nothing.
    pub fn maybe(value: Option<impl std::fmt::Display>) -> Self {
        value.map_or(Self::Empty, |value| Self::Text(value.to_string()))
    }

    /// A figure, or nothing.
    pub fn figure(value: Option<i128>) -> Self {
        value.map_or(Self::Empty, Self::Figure)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<Amount> for Cell {
    fn from(value: Amount) -> Self {
        Self::Figure(i128::from(value.scaled()))
    }
}

/// What goes into the file for a figure: the number, if it is exact there.
pub(super) fn number(scaled: i128) -> Option<Amount> {
    let digits = scaled_text(scaled).bytes().filter(u8::is_ascii_digit).count();
    i64::try_from(scaled).ok().filter(|_| digits <= DIGITS_KEPT).map(Amount::from_scaled)
}

/// How many rows there are, and their hash.
#[derive(Default)]
pub(super) struct Tally {
    pub rows: u64,
    hasher: Sha256,
    buffer: Vec<u8>,
}

impl Tally {
    /// Counts a row in; the header is the first, and not counted.
    pub fn add(&mut self, cells: &[Cell]) {
        self.buffer.clear();
        let mut record = Record::new(&mut self.buffer, Form::Machine);
        for cell in cells {
            match cell {
                Cell::Empty => record.text(""),
                Cell::Text(text) => record.text(text),
                Cell::Figure(scaled) => record.number(&scaled_text(*scaled)),
                Cell::Count(count) => record.count(*count),
            }
        }
        record.end();
        self.hasher.update(&self.buffer);
    }

    /// The hash of all rows so far, header and all.
    pub fn hash(&self) -> Hash {
        Hash(self.hasher.clone().finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn figures_are_numbers_as_long_as_they_are_exact() {
        assert!(number(0).is_some() && number(-7_000_000).is_some());
        assert!(number(999_999_999_999_999).is_some());
        assert!(number(12_345_678_901_234_567).is_none(), "1234567890123.4567 has 17 digits");
        assert!(number(i128::from(i64::MAX)).is_none());
        // Zeros behind the point are no digits.
        assert!(number(123_456_789_012_340_000).is_some());
    }
}
