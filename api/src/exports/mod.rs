//! Exports: a book or a view carried out of the house in a form that others read. One implementation for the route and
//! the command line; both only say where the bytes go ([`Sink`]).
//!
//! Order: [`Ask::of`] (kind and table, refused by name) -> [`Export::open`] (the position is taken, and whatever can be
//! refused is refused, before the first byte) -> [`Export::write`] (page by page into the sink). The position does not move
//! while the book grows: leaves are read up to it, views in one snapshot. No table is ever held; memory is a page.
//!
//! Two runs at one position give the same bytes. Text ends with a trailer (position, rows, SHA-256 of all bytes before
//! it), so that a file that was cut short, or changed, can be told.

mod beancount;
mod csv;
mod hledger;
mod journal;
mod leaves;
mod names;
mod out;
#[cfg(feature = "parquet")]
mod packed;
mod root;
mod tables;
mod text;
mod xlsx;

use std::sync::Arc;

use ensimbi_events::BookId;
use ensimbi_events::ports::{AccountBalance, BookReader, ReadError};
use ensimbi_projections::StoreError;
use ensimbi_projections::query::RowPages;

pub use out::{Sink, SinkError, Written};
pub use tables::Table;
pub use xlsx::Views;

use crate::word::words;

words! {
    /// What can be exported.
    Kind {
        /// The leaves verbatim: a CBOR sequence (RFC 8742) of byte strings, one a leaf, in order of position.
        Leaves = "leaves",
        /// One table as CSV.
        Csv = "csv",
        /// The book as a journal of hledger.
        Hledger = "hledger",
        /// The book as a file of beancount.
        Beancount = "beancount",
        /// A workbook: fees by month, wallet statements, trial balance, open items, invoices.
        Xlsx = "xlsx",
        /// One table as Apache Parquet; only where the program was built with the feature `parquet`.
        Parquet = "parquet",
    }
}

impl Kind {
    /// Media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Leaves => "application/cbor-seq",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Hledger | Self::Beancount => "text/plain; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// The usual ending of its files.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Leaves => "cbor",
            Self::Csv => "csv",
            Self::Hledger => "journal",
            Self::Beancount => "beancount",
            Self::Xlsx => "xlsx",
            Self::Parquet => "parquet",
        }
    }

    /// Whether a terminal can show it.
    pub const fn is_text(self) -> bool {
        !matches!(self, Self::Leaves | Self::Xlsx | Self::Parquet)
    }
}

/// What is asked for, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    kind: Kind,
    table: Option<Table>,
    spreadsheet: bool,
}

impl Ask {
    /// From words as they came.
    ///
    /// # Errors
    /// [`ExportError::Asked`], naming what is wrong and what is allowed.
    pub fn of(kind: &str, table: Option<&str>, spreadsheet: bool) -> Result<Self, ExportError> {
        let refused = |name, why: &str, allowed: Vec<&'static str>| {
            let list = if allowed.is_empty() { String::new() } else { format!(" one of {}", allowed.join(", ")) };
            Err(ExportError::Asked { name, detail: format!("{why}{list}"), allowed })
        };
        let kinds = Kind::ALL.iter().filter(|kind| **kind != Kind::Parquet || cfg!(feature = "parquet"));
        let Some(kind) = kinds.clone().find(|known| known.as_str() == kind).copied() else {
            return refused("kind", "expected", kinds.map(|kind| kind.as_str()).collect());
        };
        let tables = || Table::ALL.iter().map(|table| table.as_str()).collect();
        let table = match (kind, table) {
            (Kind::Csv | Kind::Parquet, None) => return refused("table", "say which,", tables()),
            (Kind::Csv | Kind::Parquet, Some(name)) => match Table::from_text(name) {
                Some(table) => Some(table),
                None => return refused("table", "expected", tables()),
            },
            (_, Some(_)) => return refused("table", "only csv and parquet have tables; leave it out", Vec::new()),
            (_, None) => None,
        };
        if spreadsheet && kind != Kind::Csv {
            return refused("spreadsheet", "only csv has this form; leave it out", Vec::new());
        }
        Ok(Self { kind, table, spreadsheet })
    }

    /// The kind.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it reads views, and not the log alone.
    pub fn needs_views(&self) -> bool {
        self.kind == Kind::Xlsx || self.table.is_some_and(|table| table.view().is_some())
    }
}

/// Why there is no export, or no whole one.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// What was asked for does not exist or does not fit together.
    #[error("{name}: {detail}")]
    Asked {
        /// The parameter.
        name: &'static str,
        /// What was expected.
        detail: String,
        /// What would have been understood.
        allowed: Vec<&'static str>,
    },
    /// The book's settings forbid it, in words for whoever can change them.
    #[error("{0}")]
    Settings(String),
    /// The log cannot be read.
    #[error(transparent)]
    Book(#[from] ReadError),
    /// The views cannot be read.
    #[error(transparent)]
    Views(#[from] StoreError),
    /// The bytes cannot be put where they should go.
    #[error(transparent)]
    Sink(#[from] SinkError),
}

impl ExportError {
    fn damaged(reason: impl std::fmt::Display) -> Self {
        Self::Book(ReadError::Damaged(reason.to_string()))
    }
}

fn no_views() -> StoreError {
    StoreError::Unavailable("this process has no views".to_owned())
}

/// What exports read through.
#[derive(Clone)]
pub struct Sources {
    /// The log.
    pub reader: Arc<dyn BookReader>,
    /// The views, where they are there.
    pub views: Option<Views>,
}

/// An export that is about to be written: its position stands.
pub struct Export {
    ask: Ask,
    book: BookId,
    sources: Sources,
    position: u64,
    from: Input,
}

/// What is read, as far as it is opened before the first byte.
enum Input {
    Leaves,
    Balances(Vec<AccountBalance>),
    View(Box<dyn RowPages>),
    Journal(journal::Opening),
    Workbook(Box<xlsx::Opening>),
}

impl Export {
    /// Takes the position, and refuses what cannot be.
    ///
    /// # Errors
    /// See [`ExportError`].
    pub async fn open(sources: Sources, book: BookId, ask: Ask) -> Result<Self, ExportError> {
        let (position, from) = match (ask.kind, ask.table) {
            (Kind::Hledger | Kind::Beancount, _) => {
                let opening = journal::Opening::read(sources.reader.as_ref(), book, ask.kind).await?;
                (opening.position, Input::Journal(opening))
            }
            (Kind::Xlsx, _) => {
                let views = sources.views.clone().ok_or_else(no_views)?;
                let opening = xlsx::Opening::read(sources.reader.as_ref(), views, book).await?;
                (opening.position, Input::Workbook(Box::new(opening)))
            }
            (_, Some(Table::TrialBalance)) => {
                let (position, mut balances) = sources.reader.trial_balance(book).await?;
                balances.sort_by(|a, b| (&a.account, a.currency).cmp(&(&b.account, b.currency)));
                (position, Input::Balances(balances))
            }
            (_, Some(table)) if let Some(view) = table.view() => {
                let pages = sources.views.as_ref().ok_or_else(no_views)?.rows.rows(book, view).await?;
                (pages.stamp().position, Input::View(pages))
            }
            _ => (sources.reader.head(book).await?.size, Input::Leaves),
        };
        Ok(Self { ask, book, sources, position, from })
    }

    /// Every event up to here is in it, none after.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// A name for the file: book, kind, table and position.
    pub fn file_name(&self) -> String {
        let table = self.ask.table.map_or(String::new(), |table| ["-", table.as_str()].concat());
        let form = if self.ask.spreadsheet { "-spreadsheet" } else { "" };
        let (kind, ending) = (self.ask.kind.as_str(), self.ask.kind.ending());
        format!("{kind}{table}{form}-{}-{}.{ending}", self.book, self.position)
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// See [`ExportError`]; what the sink then has is a part, without a trailer.
    pub async fn write(self, sink: &mut dyn Sink) -> Result<Written, ExportError> {
        #[cfg(feature = "parquet")]
        if self.ask.kind == Kind::Parquet {
            let mut packed = packed::Packed::new(sink);
            let written = self.write_rows(&mut packed).await?;
            packed.finish().await?;
            return Ok(written);
        }
        self.write_rows(sink).await
    }

    async fn write_rows(self, sink: &mut dyn Sink) -> Result<Written, ExportError> {
        let Self { ask, book, sources, position, from } = self;
        let reader = sources.reader.as_ref();
        let mut out = out::Out::new(sink, position);
        let mut log = leaves::Log { reader, book, through: position };
        match (from, ask.table) {
            (Input::Workbook(opening), _) => xlsx::write(*opening, &mut out).await?,
            (Input::Journal(opening), _) => journal::write(opening, &mut log, &mut out).await?,
            (from, Some(table)) => {
                let form = if ask.spreadsheet { csv::Form::Spreadsheet } else { csv::Form::Machine };
                tables::write(table, from, &mut log, form, &mut out).await?;
            }
            (_, None) => leaves::verbatim(&mut log, &mut out).await?,
        }
        out.finish().await
    }
}
