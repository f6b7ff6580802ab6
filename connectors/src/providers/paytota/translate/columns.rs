//! What the columns of a statement are called. No source shows them (`providers/paytota.md`, section 11): they are taken
//! to be the names of the JSON fields, unless the connection's option says otherwise, and a column that nobody has named
//! makes the whole file unreadable.

use super::super::options::{STATEMENT_COLUMNS, Wrong};
use super::super::wire::unreadable;
use crate::connector::{Options, Unreadable};

/// The fields of a line; those marked are needed.
const FIELDS: [(&str, bool); 16] = [
    ("id", true),
    ("product", true),
    ("type", false),
    ("status", false),
    ("reference", false),
    ("related_to", false),
    ("currency", true),
    ("amount", true),
    ("fee_amount", false),
    ("net_amount", false),
    ("pending_amount", false),
    ("is_outgoing", true),
    ("payment_type", false),
    ("paid_on", false),
    ("created_on", false),
    ("balance", false),
];
/// The word for a column that is passed over.
const IGNORED: &str = "ignored";
/// Longest name of a column, in characters, and most of them.
const NAME_MAX: usize = 64;
const COLUMNS_MAX: usize = 64;
const EXPECTED: Wrong = (
    STATEMENT_COLUMNS,
    "expected field=Column pairs such as id=ID,amount=Amount,ignored=Shop, each field and column once (ignored: often)",
);

/// Names of columns by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Columns {
    named: Vec<(&'static str, String)>,
    ignored: Vec<String>,
}

impl Columns {
    /// From the connection's option; fields it does not name keep their own.
    pub(in super::super) fn of(options: &Options) -> Result<Self, Wrong> {
        let mut named: Vec<(&'static str, String)> = Vec::new();
        let mut ignored: Vec<String> = Vec::new();
        let text = options.get(STATEMENT_COLUMNS).map_or("", String::as_str);
        for pair in text.split(',').filter(|_| !text.is_empty()) {
            let (field, column) = pair.split_once('=').ok_or(EXPECTED)?;
            let (field, column) = (field.trim(), column.trim());
            let new = !named.iter().any(|(_, known)| known == column) && !ignored.iter().any(|known| known == column);
            if column.is_empty() || column.chars().count() > NAME_MAX || !new {
                return Err(EXPECTED);
            }
            if field == IGNORED {
                ignored.push(column.to_owned());
                continue;
            }
            let (field, _) = FIELDS.iter().find(|(known, _)| *known == field).ok_or(EXPECTED)?;
            if named.iter().any(|(known, _)| known == field) {
                return Err(EXPECTED);
            }
            named.push((field, column.to_owned()));
        }
        if named.len() + ignored.len() > COLUMNS_MAX {
            return Err(EXPECTED);
        }
        for (field, _) in FIELDS {
            let free = !named.iter().any(|(known, column)| *known == field || column == field);
            if free && !ignored.iter().any(|column| column == field) {
                named.push((field, field.to_owned()));
            }
        }
        Ok(Self { named, ignored })
    }

    /// Where each field stands in a file with these headings.
    pub(super) fn places(&self, headings: &csv::StringRecord) -> Result<Places, Unreadable> {
        if headings.len() > COLUMNS_MAX {
            return Err(unreadable("statement", format!("more than {COLUMNS_MAX} columns")));
        }
        let mut places = Places { of: Vec::new() };
        // A file without headings begins with a line of values, of which none is shown.
        let known = |heading: &str| self.named.iter().any(|(_, column)| column == heading.trim());
        let named = headings.iter().any(known);
        for (index, heading) in headings.iter().enumerate() {
            let heading = if index == 0 { heading.trim_start_matches('\u{feff}') } else { heading }.trim();
            if self.ignored.iter().any(|column| column == heading) {
                continue;
            }
            let Some((field, _)) = self.named.iter().find(|(_, column)| column == heading) else {
                return Err(unreadable(
                    "statement",
                    format!("column {} that nobody has named", shown(heading, index, named)),
                ));
            };
            if places.at(field).is_some() {
                return Err(unreadable("statement", format!("column {} is there twice", shown(heading, index, named))));
            }
            places.of.push((field, index));
        }
        match FIELDS.iter().find(|(field, needed)| *needed && places.at(field).is_none()) {
            Some((field, _)) => Err(unreadable("statement", format!("no column for {field}"))),
            None => Ok(places),
        }
    }
}

/// A heading as an error may show it.
fn shown(heading: &str, index: usize, named: bool) -> String {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.');
    let digits = heading.bytes().filter(u8::is_ascii_digit).count();
    let plain = named && (1..=NAME_MAX).contains(&heading.len()) && heading.chars().all(letter) && digits <= 3;
    if plain && heading.starts_with(|c: char| c.is_ascii_alphabetic()) {
        format!("{:?} (number {})", heading, index + 1)
    } else {
        format!("number {}", index + 1)
    }
}

/// Where each field stands in a line.
pub(super) struct Places {
    of: Vec<(&'static str, usize)>,
}

impl Places {
    fn at(&self, field: &str) -> Option<usize> {
        self.of.iter().find(|(known, _)| *known == field).map(|(_, index)| *index)
    }

    /// A field's text in a line; `None` where it is empty or has no column.
    pub(super) fn text<'r>(&self, line: &'r csv::StringRecord, field: &str) -> Option<&'r str> {
        line.get(self.at(field)?).map(str::trim).filter(|text| !text.is_empty())
    }
}
