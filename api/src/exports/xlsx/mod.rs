//! The workbook: what the accountant looks at, one sheet a question, and a first sheet that says what they are made of.
//!
//! Order: one position for all sheets ([`Opening::read`]) -> the sheets, row by row into temporary files, so that memory
//! stays flat -> the first sheet with rows and hash of each -> the file, written beside and then handed over in pieces.
//! The only time in it is that of the position, so that two runs give the same bytes.

mod book;
mod sheet;
mod sheets;

use std::fs::File;
use std::io::{BufWriter, Read, Seek};
use std::sync::Arc;
use std::time::Duration;

use ensimbi_events::config::BookConfig;
use ensimbi_events::ports::BookReader;
use ensimbi_events::{BookId, Hash, Time};
use ensimbi_projections::StoreError;
use ensimbi_projections::query::{
    AccountsView, FeesView, RowPages, RowsView, TrialBalance, TrialBalanceQuery, ViewTable,
};

use super::names::{Names, Spelling};
use super::out::Out;
use super::{ExportError, journal};
use book::Book;

/// How often the views are looked at until they stand at one position, and how long between two looks.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);
/// What is read of the finished file at once.
const PIECE: usize = 64 * 1024;

/// The views that a workbook needs.
#[derive(Clone)]
pub struct Views {
    /// Whole tables.
    pub rows: Arc<dyn RowsView>,
    /// Fees.
    pub fees: Arc<dyn FeesView>,
    /// Balances and statements.
    pub accounts: Arc<dyn AccountsView>,
}

/// Everything that is opened before the first byte.
pub(super) struct Opening {
    pub position: u64,
    root: Hash,
    seen: Seen,
    invoices: Box<dyn RowPages>,
    open_items: Box<dyn RowPages>,
}

/// What every sheet goes by.
struct Seen {
    book: BookId,
    position: u64,
    recorded_at: Time,
    views: Views,
    config: BookConfig,
    names: Names,
    balances: TrialBalance,
}

impl Opening {
    /// Waits until the views stand at one position; balances, statements and fees can be asked for as of it.
    pub async fn read(reader: &dyn BookReader, views: Views, book: BookId) -> Result<Self, ExportError> {
        for _ in 0..LOOKS {
            let invoices = views.rows.rows(book, ViewTable::Invoices).await?;
            let open_items = views.rows.rows(book, ViewTable::OpenItems).await?;
            let position = invoices.stamp().position;
            let query = TrialBalanceQuery { until: None, known: Some(position) };
            let balances = views.accounts.trial_balance(book, &query).await?;
            if open_items.stamp().position != position || balances.stamp.position != position {
                drop((invoices, open_items));
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            let config = journal::config_at(reader, book, position).await?;
            let accounts = balances.value.accounts.iter().map(|row| row.account.as_str());
            let mut accounts: Vec<&str> = accounts.collect();
            accounts.dedup();
            let names = Names::of(&config, accounts, Spelling::Plain)?;
            let root = super::root::root_at(reader, book, position).await?;
            let recorded_at = invoices.stamp().recorded_at.unwrap_or(Time::from_micros(0));
            let balances = balances.value;
            let seen = Seen { book, position, recorded_at, views, config, names, balances };
            return Ok(Self { position, root, seen, invoices, open_items });
        }
        Err(StoreError::Unavailable("the views do not come to one position; try again".to_owned()).into())
    }
}

/// Writes the workbook.
pub(super) async fn write(opening: Opening, out: &mut Out<'_>) -> Result<(), ExportError> {
    let Opening { position, root, seen, invoices, open_items } = opening;
    let mut book = Book::new(seen.recorded_at).map_err(failed)?;
    let about = (seen.book, position, root, seen.recorded_at);
    sheets::of_accounts(&seen, &mut book).await?;
    sheets::of_rows(&seen, open_items, invoices, &mut book).await?;
    out.rows = book.rows();
    let file = tokio::task::spawn_blocking(move || finish(book, about)).await.map_err(ExportError::damaged)?;
    let mut file = file?;
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        file.by_ref().take(PIECE as u64).read_to_end(&mut piece).map_err(super::SinkError::from)?;
        if piece.is_empty() {
            return Ok(());
        }
        out.buffer.extend_from_slice(&piece);
        out.pass().await?;
    }
}

/// Packs the file; the sheets are compressed one after another, so this takes a while.
fn finish(mut book: Book, about: (BookId, u64, Hash, Time)) -> Result<File, ExportError> {
    let (id, position, root, recorded_at) = about;
    book.about(id, position, root, recorded_at).map_err(failed)?;
    let mut file = tempfile::tempfile().map_err(super::SinkError::from)?;
    book.save(BufWriter::new(&mut file)).map_err(failed)?;
    file.rewind().map_err(super::SinkError::from)?;
    Ok(file)
}

/// What the library says; it fails only where its temporary files do.
fn failed(error: rust_xlsxwriter::XlsxError) -> ExportError {
    ExportError::Sink(super::SinkError::Io(std::io::Error::other(error.to_string())))
}
