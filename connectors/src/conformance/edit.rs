//! Sabotage of a body in place: every other byte stays as the provider wrote it, so numbers keep their text.
//!
//! Shape: a [`Document`] is JSON or a table (CSV with headings); its [`Spot`]s are values without parts, and
//! [`Document::with`] puts another one there. [`places`] finds them in JSON, and where objects begin.
//! Bounds: one pass without recursion; [`ROWS_MAX`] rows of a table are looked at.

use std::ops::Range;

use serde_json::value::RawValue;

/// Rows of a table, below its headings, whose cells are spots.
pub const ROWS_MAX: usize = 12;
/// Fewest columns of a table: with less it is a text.
const COLUMNS_MIN: usize = 3;

/// A body that can be changed in places.
#[derive(Clone)]
pub enum Document<'a> {
    /// JSON with something in it.
    Json(&'a str),
    /// CSV: the headings, then rows of the same length.
    Table(Vec<csv::StringRecord>),
}

/// A value without parts, somewhere in a document.
#[derive(Clone)]
pub struct Spot {
    /// The key before it, or the column's heading.
    pub key: String,
    /// The value as JSON writes it, or a cell's text.
    pub value: String,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Text(Range<usize>),
    /// Row, with the headings as the first, and column.
    Cell(usize, usize),
}

impl<'a> Document<'a> {
    /// What a body is; `None` where it is neither.
    pub fn of(body: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        if matches!(text.trim_start().as_bytes().first(), Some(b'{' | b'[')) {
            return serde_json::from_str::<&RawValue>(text).is_ok().then_some(Self::Json(text));
        }
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(body);
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().ok()?;
        let wide = rows.first().is_some_and(|headings| headings.len() >= COLUMNS_MIN);
        (wide && rows.len() > 1).then_some(Self::Table(rows))
    }

    /// Its values.
    pub fn spots(&self) -> Vec<Spot> {
        match self {
            Self::Json(text) => {
                let spot = |leaf: Leaf| Spot {
                    value: text.get(leaf.value.clone()).unwrap_or_default().to_owned(),
                    key: leaf.key,
                    place: Place::Text(leaf.value),
                };
                places(text).leaves.into_iter().map(spot).collect()
            }
            Self::Table(rows) => {
                let headings = rows.first();
                let rows = rows.iter().enumerate().skip(1).take(ROWS_MAX);
                let cells = rows.flat_map(|(row, record)| {
                    record.iter().enumerate().map(move |(column, value)| Spot {
                        key: headings.and_then(|headings| headings.get(column)).unwrap_or_default().to_owned(),
                        value: value.to_owned(),
                        place: Place::Cell(row, column),
                    })
                });
                cells.collect()
            }
        }
    }

    /// The document with another value, written as JSON, in a spot. In a table a text stands without its quotes.
    pub fn with(&self, spot: &Spot, value: &str) -> String {
        match (self, &spot.place) {
            (Self::Json(text), Place::Text(place)) => with(text, place, value),
            (Self::Table(rows), Place::Cell(row, column)) => {
                let value = serde_json::from_str::<String>(value).unwrap_or_else(|_| value.to_owned());
                let changed = |at: usize, n: usize, cell: &str| {
                    if at == *row && n == *column { value.clone() } else { cell.to_owned() }
                };
                table(
                    rows.iter()
                        .enumerate()
                        .map(|(at, record)| record.iter().enumerate().map(|(n, cell)| changed(at, n, cell)).collect()),
                )
            }
            _ => String::new(),
        }
    }

    /// The document with a field in each object, or a column, that nobody knows.
    pub fn with_more(&self, name: &str) -> String {
        match self {
            Self::Json(text) => with_fields(text, &format!(r#""{name}":{{"a":[1,"b",null]}}"#)),
            Self::Table(rows) => table(rows.iter().enumerate().map(|(at, record)| {
                let more = if at == 0 { name } else { "x" };
                record.iter().chain([more]).map(str::to_owned).collect()
            })),
        }
    }
}

/// A table as text. Writing into memory does not fail.
fn table(rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in rows {
        let _ = writer.write_record(&row);
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// A value without parts (text, number, true, false, null), and the key before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its key as written, without quotes; empty in a list.
    pub key: String,
    /// Where key, colon and value stand, where it has a key.
    pub field: Range<usize>,
    /// Where the value stands.
    pub value: Range<usize>,
}

/// Where something can be changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    /// Behind each opening brace; `true` where the object has fields.
    pub objects: Vec<(usize, bool)>,
    /// The leaves, in order.
    pub leaves: Vec<Leaf>,
}

/// Finds both in a JSON text.
pub fn places(text: &str) -> Places {
    let bytes = text.as_bytes();
    let mut found = Places::default();
    let mut at = 0;
    // The last text that may turn out to be a key.
    let mut key: Option<Range<usize>> = None;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' => {
                let rest = text.get(at + 1..).unwrap_or_default().trim_start();
                found.objects.push((at + 1, !rest.starts_with('}')));
                key = None;
                at += 1;
            }
            b'[' | b']' | b'}' | b',' => {
                key = None;
                at += 1;
            }
            b'"' => {
                let end = text_end(bytes, at);
                let rest = text.get(end..).unwrap_or_default().trim_start();
                if rest.starts_with(':') {
                    key = Some(at..end);
                } else {
                    found.leaves.push(leaf(text, key.take(), at..end));
                }
                at = end;
            }
            byte if byte.is_ascii_alphanumeric() || *byte == b'-' => {
                let more = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
                let length = bytes.iter().skip(at).take_while(|byte| more(byte)).count();
                found.leaves.push(leaf(text, key.take(), at..at + length));
                at += length;
            }
            _ => at += 1,
        }
    }
    found
}

fn leaf(text: &str, key: Option<Range<usize>>, value: Range<usize>) -> Leaf {
    let name = key.as_ref().and_then(|key| text.get(key.start + 1..key.end - 1)).unwrap_or_default().to_owned();
    Leaf { key: name, field: key.map_or(value.start, |key| key.start)..value.end, value }
}

/// Behind the closing quote of a text.
fn text_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The text with another one in a place.
pub fn with(text: &str, place: &Range<usize>, new: &str) -> String {
    let (before, after) = (text.get(..place.start).unwrap_or_default(), text.get(place.end..).unwrap_or_default());
    [before, new, after].concat()
}

/// The text with a field more in each of its objects.
pub fn with_fields(text: &str, field: &str) -> String {
    let mut out = String::new();
    let mut from = 0;
    for (at, filled) in places(text).objects {
        out.push_str(text.get(from..at).unwrap_or_default());
        out.push_str(field);
        if filled {
            out.push(',');
        }
        from = at;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_table_has_spots_and_can_have_a_column_more() {
        let table = "id,amount,note\n1,5,\"a, b\"\n2,6,\n";
        let document = Document::of(table.as_bytes()).unwrap();
        let spots = document.spots();
        let found: Vec<(&str, &str)> = spots.iter().map(|spot| (spot.key.as_str(), spot.value.as_str())).collect();
        assert_eq!(found[..4], [("id", "1"), ("amount", "5"), ("note", "a, b"), ("id", "2")]);
        assert_eq!(document.with(&spots[1], "7.5"), "id,amount,note\n1,7.5,\"a, b\"\n2,6,\n");
        assert_eq!(document.with(&spots[5], "\"x\\ty\""), "id,amount,note\n1,5,\"a, b\"\n2,6,x\ty\n");
        assert_eq!(document.with_more("z"), "id,amount,note,z\n1,5,\"a, b\",x\n2,6,,x\n");
        for text in ["a,b\n1,2\n", "id,amount,note\n", "<html></html>", "", "{\"a\":"] {
            assert!(Document::of(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn places_of_a_text_are_found_and_changed() {
        let text = r#"{ "a" : 1.50, "b\"{": [true, {"c":"x:y"}, {}], "d": null }"#;
        let found = places(text);
        let values: Vec<&str> = found.leaves.iter().map(|leaf| &text[leaf.value.clone()]).collect();
        assert_eq!(values, ["1.50", "true", "\"x:y\"", "null"]);
        let fields: Vec<&str> = found.leaves.iter().map(|leaf| &text[leaf.field.clone()]).collect();
        assert_eq!(fields, [r#""a" : 1.50"#, "true", r#""c":"x:y""#, r#""d": null"#]);
        assert_eq!(with(text, &found.leaves[0].value, "7"), text.replace("1.50", "7"));
        let more = with_fields(text, "\"z\":0");
        assert_eq!(more, r#"{"z":0, "a" : 1.50, "b\"{": [true, {"z":0,"c":"x:y"}, {"z":0}], "d": null }"#);
        assert!(serde_json::from_str::<serde_json::Value>(&more).is_ok());
    }
}
