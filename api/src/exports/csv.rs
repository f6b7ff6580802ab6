//! CSV in two forms. The machine's is exact: RFC 4180 with LF, every value as it is recorded. The spreadsheet's is for
//! opening by hand: nothing in it can become a formula, and nothing that has digits loses some.

use std::fmt::{Display, Write};

use ensimbi_events::Amount;

use super::out::Out;
use super::text;

/// Digits of a number that every spreadsheet keeps.
const DIGITS_KEPT: usize = 15;

/// Which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Exact.
    Machine,
    /// Safe to open.
    Spreadsheet,
}

/// One record under construction at the end of a buffer.
pub(super) struct Record<'b> {
    buffer: &'b mut Vec<u8>,
    form: Form,
    cells: usize,
}

impl<'b> Record<'b> {
    pub fn new(buffer: &'b mut Vec<u8>, form: Form) -> Self {
        Self { buffer, form, cells: 0 }
    }

    /// A cell of text that somebody else may have chosen.
    pub fn text(&mut self, value: &str) {
        match self.form {
            Form::Machine => self.put(value),
            Form::Spreadsheet => self.put(&text::spreadsheet(value)),
        }
    }

    /// The same, or an empty cell.
    pub fn maybe(&mut self, value: Option<impl Display>) {
        match value {
            Some(value) => self.text(&value.to_string()),
            None => self.put(""),
        }
    }

    /// Money, in shortest form. A spreadsheet gets a number as long as it can keep all its digits.
    pub fn amount(&mut self, value: Amount) {
        self.number(&value.to_string());
    }

    /// Money that may be absent.
    pub fn maybe_amount(&mut self, value: Option<Amount>) {
        match value {
            Some(value) => self.amount(value),
            None => self.put(""),
        }
    }

    /// A number in shortest form.
    pub fn number(&mut self, value: &str) {
        let digits = value.bytes().filter(u8::is_ascii_digit).count();
        if self.form == Form::Spreadsheet && digits > DIGITS_KEPT {
            self.put(&["'", value].concat());
        } else {
            self.put(value);
        }
    }

    /// A count or position.
    pub fn count(&mut self, value: impl Into<u64>) {
        self.number(&value.into().to_string());
    }

    /// A count that may be absent.
    pub fn maybe_count(&mut self, value: Option<impl Into<u64>>) {
        match value {
            Some(value) => self.count(value),
            None => self.put(""),
        }
    }

    /// A date of ours, `2026-05-03`, which every spreadsheet may take for one.
    pub fn date(&mut self, value: &str) {
        self.put(value);
    }

    /// Ends the record.
    pub fn end(self) -> usize {
        self.buffer.push(b'\n');
        self.cells
    }

    fn put(&mut self, value: &str) {
        if self.cells > 0 {
            self.buffer.push(b',');
        }
        self.cells += 1;
        if !value.contains(['"', ',', '\n', '\r']) {
            self.buffer.extend_from_slice(value.as_bytes());
            return;
        }
        self.buffer.push(b'"');
        for part in value.split_inclusive('"') {
            self.buffer.extend_from_slice(part.as_bytes());
            if part.ends_with('"') {
                self.buffer.push(b'"');
            }
        }
        self.buffer.push(b'"');
    }
}

/// The first record: names of columns.
pub(super) fn header(out: &mut Out<'_>, columns: &[&str]) {
    let mut record = Record::new(&mut out.buffer, Form::Machine);
    columns.iter().for_each(|name| record.put(name));
    record.end();
}

/// The last record, as wide as the others: `#end`, then what the file says of itself.
pub(super) fn trailer(out: &mut Out<'_>, width: usize) {
    let (hash, position, rows) = (out.hash(), out.position, out.rows);
    let mut record = Record::new(&mut out.buffer, Form::Machine);
    record.put("#end");
    let mut cell = String::new();
    for (name, value) in [("position", &position as &dyn Display), ("rows", &rows), ("sha256", &hash)] {
        cell.clear();
        // Writing into a text does not fail.
        let _ = write!(cell, "{name}={value}");
        record.put(&cell);
    }
    (record.cells..width).for_each(|_| record.put(""));
    record.end();
}

#[cfg(test)]
mod tests {
    use super::{Form, Record};

    fn cell(form: Form, value: &str) -> String {
        let mut buffer = Vec::new();
        let mut record = Record::new(&mut buffer, form);
        record.text(value);
        record.end();
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn the_machine_form_is_exact() {
        for plain in ["", "x", " x ", "=1+1", "-5", "\t", "é"] {
            assert_eq!(cell(Form::Machine, plain), format!("{plain}\n"));
        }
        assert_eq!(cell(Form::Machine, "a,b"), "\"a,b\"\n");
        assert_eq!(cell(Form::Machine, "a\"b\""), "\"a\"\"b\"\"\"\n");
        assert_eq!(cell(Form::Machine, "a\r\nb"), "\"a\r\nb\"\n");
    }

    #[test]
    fn numbers_stay_numbers_as_long_as_a_spreadsheet_keeps_their_digits() {
        let number = |value: &str| {
            let mut buffer = Vec::new();
            let mut record = Record::new(&mut buffer, Form::Spreadsheet);
            record.number(value);
            record.end();
            String::from_utf8(buffer).unwrap()
        };
        assert_eq!(number("-700"), "-700\n");
        assert_eq!(number("-12345678901.2345"), "-12345678901.2345\n");
        assert_eq!(number("922337203685477.5807"), "'922337203685477.5807\n");
    }
}
