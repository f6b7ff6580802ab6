//! Where a book is kept: one trait, two stores, one suite run on both.
//!
//! The store knows rows and transactions; it decides nothing. [`AppendTx`] is one commit: it begins by locking the head
//! row and ends by writing everything at once. [`crate::append`] is its only user.

mod columns;
mod dated;
mod postgres;
mod reads;
mod sqlite;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use ensimbi_events::event::Line;
use ensimbi_events::ports::{AccountBalance, BookReader, ReadError};
use ensimbi_events::{BookId, Hash, SubjectId, Time, WalletId};

use crate::decide::{Key, KnownKey, Sealed, WalletBalance};

pub use columns::EventColumns;
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;

/// What went wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not answer, or not now; the same call may be made again.
    #[error("the store cannot be reached: {0}")]
    Unavailable(String),
    /// A serialization failure, deadlock or lock timeout: repeat the whole transaction.
    #[error("the transaction must be repeated: {0}")]
    Retry(String),
    /// Another writer took the book over: this one must stop.
    #[error("another writer has taken over book {0}")]
    Fenced(BookId),
    /// What is stored contradicts itself.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    /// The database is not one of ours, or not in a usable state.
    #[error("{0}")]
    Unusable(String),
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged(detail) => Self::Damaged(detail),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// The head row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadRow {
    /// Number of events.
    pub size: u64,
    /// RFC 6962 root.
    pub root: Hash,
    /// Right-edge hashes.
    pub edge: Vec<u8>,
    /// The writer's fence.
    pub epoch: i64,
    /// Time of the last event.
    pub recorded_at: Time,
    /// Position of the configuration in force.
    pub configuration: u64,
}

/// Everything one commit writes.
pub struct Write<'a> {
    /// New events with lines and keys.
    pub sealed: &'a [Sealed],
    /// The new head.
    pub head: HeadRow,
    /// Changed wallets.
    pub wallets: Vec<(WalletId, WalletBalance)>,
    /// Changed subjects, as JSON.
    pub subjects: Vec<(SubjectId, String)>,
    /// The configuration as JSON, if it changed.
    pub config: Option<String>,
}

/// One transaction that holds the head row.
#[async_trait]
pub trait AppendTx: Send {
    /// The head as locked.
    fn head(&self) -> &HeadRow;
    /// The configuration as JSON.
    async fn config(&mut self) -> Result<String, StoreError>;
    /// States of subjects, as JSON; unknown ones are left out.
    async fn states(&mut self, ids: &BTreeSet<SubjectId>) -> Result<Vec<(SubjectId, String)>, StoreError>;
    /// All wallets of the book.
    async fn wallets(&mut self) -> Result<BTreeMap<WalletId, WalletBalance>, StoreError>;
    /// Which of these keys the book has.
    async fn keys(&mut self, keys: &[Key]) -> Result<Vec<(Key, KnownKey)>, StoreError>;
    /// Account balances of what is dated at or before a day.
    async fn balances_through(&mut self, to: &str) -> Result<Vec<AccountBalance>, StoreError>;
    /// Writes everything; `false` if a key was there already, and then nothing may be committed.
    async fn write(&mut self, write: &Write<'_>) -> Result<bool, StoreError>;
    /// Commits. An error here means "unknown": repeat, and let the keys tell.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
    /// Lets go without a trace.
    async fn rollback(self: Box<Self>) -> Result<(), StoreError>;
}

/// A store of books.
#[async_trait]
pub trait Store: BookReader {
    /// Makes the head row of a book, if it is not there.
    async fn create_book(&self, book: BookId) -> Result<(), StoreError>;
    /// Becomes the book's writer: raises the epoch, and every other writer is fenced off.
    async fn take_over(&self, book: BookId) -> Result<i64, StoreError>;
    /// Begins a commit by locking the head row.
    async fn begin(&self, book: BookId) -> Result<Box<dyn AppendTx>, StoreError>;
    /// The head row, for comparison.
    async fn head_row(&self, book: BookId) -> Result<Option<HeadRow>, StoreError>;
    /// Index columns beside the leaves, after a position.
    async fn columns(&self, book: BookId, after: u64, limit: u32) -> Result<Vec<EventColumns>, StoreError>;
    /// Line rows of positions in (after, through].
    async fn lines(&self, book: BookId, after: u64, through: u64) -> Result<Vec<(u64, Line)>, StoreError>;
    /// Which of these keys the book has.
    async fn keys_of(&self, book: BookId, keys: &[Key]) -> Result<Vec<(Key, KnownKey)>, StoreError>;
    /// Number of key rows.
    async fn key_count(&self, book: BookId) -> Result<u64, StoreError>;
    /// Number of line rows.
    async fn line_count(&self, book: BookId) -> Result<u64, StoreError>;
    /// Account balances of what is dated at or before a day, of events up to a position.
    async fn balances_at(&self, book: BookId, to: &str, position: u64) -> Result<Vec<AccountBalance>, StoreError>;
    /// All wallet rows.
    async fn wallet_rows(&self, book: BookId) -> Result<BTreeMap<WalletId, WalletBalance>, StoreError>;
    /// Subject rows after an id, in order of id.
    async fn subject_rows(
        &self,
        book: BookId,
        after: Option<SubjectId>,
        limit: u32,
    ) -> Result<Vec<(SubjectId, String)>, StoreError>;
    /// The configuration row as JSON.
    async fn config_row(&self, book: BookId) -> Result<Option<String>, StoreError>;
    /// Settings that a person should know about; refusals are errors at opening.
    fn warnings(&self) -> &[String];
}

/// Most rows a page of any read may have.
pub const PAGE_MAX: u32 = 5_000;
