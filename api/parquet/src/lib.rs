//! Exported tables as Apache Parquet. At the edge on purpose: Arrow has a new major version every few months, and nothing
//! else of the house needs it.
//!
//! In goes the exact CSV of a table, piece by piece, with its trailer; out comes Parquet, a row group at a time, so that
//! memory stays flat. One writer of rows serves both forms, and the hash in the file's metadata is that of the CSV. Amounts
//! are Decimal128(38, 4), counts UInt64, everything else text; an empty cell is null.

mod records;

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::builder::{ArrayBuilder, Decimal128Builder, StringBuilder, UInt64Builder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use records::Records;

/// Digits of an amount, and how many of them stand behind the point.
const DIGITS: (u8, i8) = (38, 4);
/// Rows that are gathered before they are encoded.
const BATCH: usize = 8_192;
/// Rows of one group; what is encoded of a group is held until it is full.
const GROUP: usize = 65_536;
/// First cell of the trailer.
const END: &str = "#end";

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A decimal number with at most four places.
    Amount,
    /// A whole number from zero.
    Count,
}

/// Why there is no Parquet of a table.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The rows are not the exact CSV of a table.
    #[error("the rows to be packed are damaged: {0}")]
    Rows(String),
    /// The library refuses.
    #[error("Parquet cannot be written: {0}")]
    Parquet(#[from] ParquetError),
    /// The library refuses.
    #[error("Arrow cannot hold the rows: {0}")]
    Arrow(#[from] ArrowError),
}

/// A table on its way.
pub struct Packer {
    kind_of: fn(&str) -> Kind,
    records: Records,
    table: Option<Table>,
    trailer: Option<Vec<String>>,
    written: Shared,
}

struct Table {
    schema: Arc<Schema>,
    columns: Vec<Column>,
    writer: ArrowWriter<Shared>,
}

enum Column {
    Text(StringBuilder),
    Amount(Decimal128Builder),
    Count(UInt64Builder),
}

impl Packer {
    /// For a table whose columns hold what this function says of their names.
    pub fn new(kind_of: fn(&str) -> Kind) -> Self {
        let records = Records::default();
        Self { kind_of, records, table: None, trailer: None, written: Shared::default() }
    }

    /// Takes a piece of the CSV; gives what is ready of the file.
    ///
    /// # Errors
    /// See [`PackError`].
    pub fn take(&mut self, piece: &[u8]) -> Result<Vec<u8>, PackError> {
        for record in self.records.take(piece)? {
            match &mut self.table {
                None => self.table = Some(Table::new(&record, self.kind_of, self.written.clone())?),
                Some(_) if self.trailer.is_some() => {
                    return Err(PackError::Rows("a row behind the trailer".to_owned()));
                }
                Some(_) if record.first().is_some_and(|cell| cell == END) => self.trailer = Some(record),
                Some(table) => table.row(&record)?,
            }
        }
        Ok(self.written.take())
    }

    /// Ends the file, with what the trailer said in its metadata (`ensimbi.position`, `.rows`, `.sha256`).
    ///
    /// # Errors
    /// See [`PackError`]; a table without its trailer is not whole.
    pub fn finish(self) -> Result<Vec<u8>, PackError> {
        let Self { records, table, trailer, written, .. } = self;
        let missing = || PackError::Rows("there is no trailer".to_owned());
        let (mut table, trailer) = (table.ok_or_else(missing)?, trailer.ok_or_else(missing)?);
        records.finish()?;
        table.encode()?;
        for (name, value) in trailer.iter().filter_map(|cell| cell.split_once('=')) {
            table.writer.append_key_value_metadata(KeyValue::new(format!("ensimbi.{name}"), value.to_owned()));
        }
        table.writer.close()?;
        Ok(written.take())
    }
}

impl Table {
    fn new(header: &[String], kind_of: fn(&str) -> Kind, written: Shared) -> Result<Self, PackError> {
        let decimal = DataType::Decimal128(DIGITS.0, DIGITS.1);
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for name in header {
            let (data, column) = match kind_of(name) {
                Kind::Text => (DataType::Utf8, Column::Text(StringBuilder::new())),
                Kind::Amount => {
                    (decimal.clone(), Column::Amount(Decimal128Builder::new().with_data_type(decimal.clone())))
                }
                Kind::Count => (DataType::UInt64, Column::Count(UInt64Builder::new())),
            };
            fields.push(Field::new(name, data, true));
            columns.push(column);
        }
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_created_by("ensimbi".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP))
            .build();
        let writer = ArrowWriter::try_new(written, Arc::clone(&schema), Some(properties))?;
        Ok(Self { schema, columns, writer })
    }

    fn row(&mut self, record: &[String]) -> Result<(), PackError> {
        if record.len() != self.columns.len() {
            return Err(PackError::Rows(format!("{} cells under {}", record.len(), self.columns.len())));
        }
        for (column, cell) in self.columns.iter_mut().zip(record) {
            let cell = Some(cell.as_str()).filter(|cell| !cell.is_empty());
            let wrong = || PackError::Rows("a cell that should be a number is none".to_owned());
            match column {
                Column::Text(builder) => builder.append_option(cell),
                Column::Amount(builder) => {
                    builder.append_option(cell.map(|cell| scaled(cell).ok_or_else(wrong)).transpose()?);
                }
                Column::Count(builder) => {
                    builder.append_option(cell.map(|cell| cell.parse().map_err(|_| wrong())).transpose()?);
                }
            }
        }
        if self.columns.first().is_some_and(|column| column.len() >= BATCH) { self.encode() } else { Ok(()) }
    }

    fn encode(&mut self) -> Result<(), PackError> {
        let arrays = self.columns.iter_mut().map(Column::finish).collect::<Result<Vec<_>, _>>()?;
        self.writer.write(&RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)?;
        Ok(())
    }
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Text(builder) => builder.len(),
            Self::Amount(builder) => builder.len(),
            Self::Count(builder) => builder.len(),
        }
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Amount(builder) => Arc::new(builder.finish()),
            Self::Count(builder) => Arc::new(builder.finish()),
        })
    }
}

/// A decimal text with at most four places as an integer at scale 4; digit by digit, never through a float.
fn scaled(text: &str) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 4 || !plain(whole) || !plain(fraction) {
        return None;
    }
    let value: i128 = format!("{whole}{fraction:0<4}").parse().ok()?;
    Some(if negative { -value } else { value })
}

/// Where the library writes; emptied after every piece.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::scaled;

    #[test]
    fn amounts_are_read_digit_by_digit() {
        assert_eq!(scaled("675.5"), Some(6_755_000));
        assert_eq!(scaled("-0.0001"), Some(-1));
        assert_eq!(scaled("922337203685477.5807"), Some(i128::from(i64::MAX)));
        for bad in ["", "-", "1.23456", "1e5", "+1", ".5", "1 "] {
            assert_eq!(scaled(bad), None, "{bad}");
        }
    }
}
