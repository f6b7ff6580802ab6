//! The file: sheets that are written row after row, each continued on another where a spreadsheet's rows end.

use std::io::Write;

use ensimbi_events::{BookId, Hash, Time};
use rust_xlsxwriter::{DocProperties, Format, Workbook, Worksheet, XlsxError};

use super::sheet::{Cell, Tally, number};

/// Rows of one sheet, below the header; the format ends at 1,048,576.
const ROWS_MAX: u32 = 1_000_000;
/// Width of columns, in characters.
const WIDTH: u16 = 18;

/// A workbook under way. The first sheet is kept for what it says of itself.
pub(super) struct Book {
    workbook: Workbook,
    bold: Format,
    about: Vec<(String, Tally)>,
    header: Vec<Cell>,
    name: &'static str,
    parts: u32,
    row: u32,
    rows_max: u32,
}

impl Book {
    /// Begins; the only time in the file is this one.
    pub fn new(created: Time) -> Result<Self, XlsxError> {
        let mut workbook = Workbook::new();
        let moment = created.timestamp().to_zoned(jiff::tz::TimeZone::UTC).datetime();
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&moment));
        workbook.add_worksheet().set_name("About")?;
        let bold = Format::new().set_bold();
        Ok(Self {
            workbook,
            bold,
            about: Vec::new(),
            header: Vec::new(),
            name: "",
            parts: 0,
            row: 0,
            rows_max: ROWS_MAX,
        })
    }

    /// Begins a sheet with its columns.
    pub fn sheet(&mut self, name: &'static str, columns: &[&str]) -> Result<(), XlsxError> {
        (self.name, self.parts) = (name, 0);
        self.header = columns.iter().map(|column| Cell::from(*column)).collect();
        let mut tally = Tally::default();
        tally.add(&self.header);
        self.about.push((name.to_owned(), tally));
        self.part()
    }

    fn part(&mut self) -> Result<(), XlsxError> {
        self.parts += 1;
        let part = if self.parts > 1 { format!(" {}", self.parts) } else { String::new() };
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name([self.name, &part].concat())?;
        sheet.set_freeze_panes(1, 0)?;
        sheet.set_column_range_width(0, self.header.len().saturating_sub(1) as u16, WIDTH)?;
        for (column, cell) in (0..).zip(&self.header) {
            put(sheet, 0, column, cell, Some(&self.bold))?;
        }
        self.row = 0;
        Ok(())
    }

    /// One row more on the present sheet.
    pub fn row(&mut self, cells: &[Cell]) -> Result<(), XlsxError> {
        if self.row == self.rows_max {
            self.part()?;
        }
        self.row += 1;
        if let Some((_, tally)) = self.about.last_mut() {
            tally.add(cells);
            tally.rows += 1;
        }
        let last = self.workbook.worksheets().len().saturating_sub(1);
        let sheet = self.workbook.worksheet_from_index(last)?;
        for (column, cell) in (0..).zip(cells) {
            put(sheet, self.row, column, cell, None)?;
        }
        Ok(())
    }

    /// Rows of all sheets.
    pub fn rows(&self) -> u64 {
        self.about.iter().map(|(_, tally)| tally.rows).sum()
    }

    /// Fills the first sheet.
    pub fn about(&mut self, book: BookId, position: u64, root: Hash, recorded_at: Time) -> Result<(), XlsxError> {
        let told = [
            ("book", Cell::Text(book.to_string())),
            ("position", Cell::Count(position)),
            ("recorded_at", Cell::Text(recorded_at.to_string())),
            ("root", Cell::Text(root.to_string())),
        ];
        let sheet = self.workbook.worksheet_from_index(0)?;
        sheet.set_column_width(0, WIDTH)?;
        sheet.set_column_width(2, 70)?;
        for (row, (name, cell)) in (0..).zip(&told) {
            put(sheet, row, 0, &Cell::from(*name), Some(&self.bold))?;
            put(sheet, row, 1, cell, None)?;
        }
        let first = told.len() as u32 + 1;
        for (column, name) in (0..).zip(["sheet", "rows", "sha256 of its rows as exact CSV, with the header"]) {
            put(sheet, first, column, &Cell::from(name), Some(&self.bold))?;
        }
        for (row, (name, tally)) in (first + 1..).zip(&self.about) {
            put(sheet, row, 0, &Cell::from(name.as_str()), None)?;
            put(sheet, row, 1, &Cell::Count(tally.rows), None)?;
            put(sheet, row, 2, &Cell::Text(tally.hash().to_string()), None)?;
        }
        Ok(())
    }

    /// Packs the file.
    pub fn save(mut self, writer: impl Write + Send) -> Result<(), XlsxError> {
        self.workbook.save_to_writer(writer)
    }
}

fn put(sheet: &mut Worksheet, row: u32, column: u16, cell: &Cell, format: Option<&Format>) -> Result<(), XlsxError> {
    let plain = Format::default();
    let format = format.unwrap_or(&plain);
    match cell {
        Cell::Empty => {}
        // The format ends at 32,767 characters; nothing of ours comes near it.
        Cell::Text(text) => {
            sheet.write_string_with_format(row, column, text.chars().take(32_767).collect::<String>(), format)?;
        }
        Cell::Figure(scaled) => match number(*scaled) {
            Some(amount) => {
                sheet.write_with_format(row, column, amount.to_decimal().normalize(), format)?;
            }
            None => {
                let text = ensimbi_events::money::scaled_text(*scaled);
                sheet.write_string_with_format(row, column, text, format)?;
            }
        },
        Cell::Count(count) => {
            // Counts beyond 15 digits do not come up; they would be text.
            match i64::try_from(*count).ok().and_then(|count| count.checked_mul(10_000)) {
                Some(scaled) => put(sheet, row, column, &Cell::Figure(i128::from(scaled)), Some(format))?,
                None => {
                    sheet.write_string_with_format(row, column, count.to_string(), format)?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_one_sheet_cannot_hold_goes_on_in_another_and_counts_as_one() {
        let mut book = Book::new(Time::from_micros(0)).unwrap();
        book.rows_max = 3;
        book.sheet("Lines", &["n"]).unwrap();
        let mut whole = Tally::default();
        whole.add(&[Cell::from("n")]);
        for n in 0..7 {
            book.row(&[Cell::Count(n)]).unwrap();
            whole.add(&[Cell::Count(n)]);
        }
        book.sheet("Next", &["n"]).unwrap();
        book.row(&[Cell::Count(0)]).unwrap();
        let names: Vec<String> = book.workbook.worksheets().iter().map(Worksheet::name).collect();
        assert_eq!(names, ["About", "Lines", "Lines 2", "Lines 3", "Next"]);
        let (name, tally) = &book.about[0];
        assert_eq!((name.as_str(), tally.rows, tally.hash()), ("Lines", 7, whole.hash()));
        assert_eq!(book.rows(), 8);
        book.about(BookId(uuid::Uuid::nil()), 1, Hash::default(), Time::from_micros(0)).unwrap();
        let mut file = std::io::Cursor::new(Vec::new());
        book.save(&mut file).unwrap();
        assert!(!file.into_inner().is_empty());
    }
}
