//! The records of a CSV (RFC 4180 with LF) that comes in pieces, cut anywhere.

use crate::PackError;

/// Longest record, in bytes; ours are far shorter.
const RECORD_MAX: usize = 1024 * 1024;

/// What is left of the piece before.
#[derive(Default)]
pub(crate) struct Records {
    cells: Vec<String>,
    cell: Vec<u8>,
    place: Place,
    length: usize,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the first byte of a cell.
    #[default]
    Front,
    /// In a cell without quotes.
    Plain,
    /// Between quotes.
    Quoted,
    /// Behind a quote: the end, or the first of two.
    Quote,
}

impl Records {
    /// The records that end in this piece.
    pub fn take(&mut self, piece: &[u8]) -> Result<Vec<Vec<String>>, PackError> {
        let mut records = Vec::new();
        for byte in piece {
            self.length += 1;
            if self.length > RECORD_MAX {
                return Err(PackError::Rows(format!("a row is longer than {RECORD_MAX} bytes")));
            }
            self.place = match (self.place, byte) {
                (Place::Front, b'"') => Place::Quoted,
                (Place::Quoted, b'"') => Place::Quote,
                (Place::Quote, b'"') => {
                    self.cell.push(b'"');
                    Place::Quoted
                }
                (Place::Quoted, byte) => {
                    self.cell.push(*byte);
                    Place::Quoted
                }
                (_, b',') => {
                    self.end_cell()?;
                    Place::Front
                }
                (_, b'\n') => {
                    self.end_cell()?;
                    records.push(std::mem::take(&mut self.cells));
                    self.length = 0;
                    Place::Front
                }
                (Place::Quote, _) | (Place::Plain, b'"') => {
                    return Err(PackError::Rows("a quote where none can be".to_owned()));
                }
                (_, byte) => {
                    self.cell.push(*byte);
                    Place::Plain
                }
            };
        }
        Ok(records)
    }

    /// Nothing may be left.
    pub fn finish(self) -> Result<(), PackError> {
        let empty = self.cells.is_empty() && self.cell.is_empty() && self.place == Place::Front;
        if empty { Ok(()) } else { Err(PackError::Rows("the last row does not end".to_owned())) }
    }

    fn end_cell(&mut self) -> Result<(), PackError> {
        let text = String::from_utf8(std::mem::take(&mut self.cell));
        self.cells.push(text.map_err(|_| PackError::Rows("a cell is no UTF-8".to_owned()))?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Records;

    #[test]
    fn records_are_the_same_wherever_the_pieces_are_cut() {
        let csv = "a,b\n\"x,\"\"y\"\"\n\",é\n,\n";
        let whole = [vec!["a", "b"], vec!["x,\"y\"\n", "é"], vec!["", ""]];
        for cut in 0..=csv.len() {
            let mut records = Records::default();
            let mut found = records.take(&csv.as_bytes()[..cut]).unwrap();
            found.extend(records.take(&csv.as_bytes()[cut..]).unwrap());
            assert_eq!(found, whole, "{cut}");
            records.finish().unwrap();
        }
        assert!(Records::default().take(b"a\"b\n").is_err());
        assert!(Records::default().take(b"\"a\"b\n").is_err());
    }
}
