//! `export parquet`: the exact CSV of a table on its way through a packer. So a row has one writer, and the hash in the
//! file's metadata is the one of the CSV.

use async_trait::async_trait;
use ensimbi_parquet::{Kind, PackError, Packer};

use super::out::{Sink, SinkError};

/// Columns that are money.
#[rustfmt::skip]
const AMOUNTS: [&str; 33] = [
    "adjusted", "allocated", "amount", "available", "balance", "cancelled", "counter_amount", "credit", "credited",
    "deallocated", "debit", "disputed", "draft_tax", "draft_total", "fees_merchant", "fees_other", "gross", "held",
    "lost", "net", "offline", "open", "outstanding", "posted", "refunded", "reserve", "reserved", "reversed", "stake",
    "tax", "tax_allocated", "total", "wallet_change",
];
/// Columns that are counts or positions.
#[rustfmt::skip]
const COUNTS: [&str; 12] = [
    "attempt", "configuration", "first_position", "item_count", "last_position", "lines", "n", "position",
    "resolved_position", "rules", "version", "withheld_position",
];

fn kind(column: &str) -> Kind {
    match column {
        column if AMOUNTS.contains(&column) => Kind::Amount,
        column if COUNTS.contains(&column) => Kind::Count,
        _ => Kind::Text,
    }
}

/// Takes CSV, and hands Parquet on.
pub(super) struct Packed<'s> {
    sink: &'s mut dyn Sink,
    packer: Packer,
}

impl<'s> Packed<'s> {
    pub fn new(sink: &'s mut dyn Sink) -> Self {
        Self { sink, packer: Packer::new(kind) }
    }

    /// Ends the file.
    pub async fn finish(self) -> Result<(), SinkError> {
        self.sink.take(self.packer.finish().map_err(failed)?).await
    }
}

#[async_trait]
impl Sink for Packed<'_> {
    async fn take(&mut self, piece: Vec<u8>) -> Result<(), SinkError> {
        let ready = self.packer.take(&piece).map_err(failed)?;
        if ready.is_empty() { Ok(()) } else { self.sink.take(ready).await }
    }

    fn progress(&mut self, done: u64, total: u64) {
        self.sink.progress(done, total);
    }
}

fn failed(error: PackError) -> SinkError {
    SinkError::Io(std::io::Error::other(error))
}

#[cfg(test)]
mod tests {
    use super::{AMOUNTS, COUNTS};
    use crate::exports::Table;

    #[test]
    fn every_typed_column_is_one_of_some_table() {
        let columns: Vec<&str> = Table::ALL.iter().flat_map(|table| table.columns()).copied().collect();
        for name in AMOUNTS.iter().chain(&COUNTS) {
            assert!(columns.contains(name), "{name}");
        }
    }
}
