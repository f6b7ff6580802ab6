//! The small traits by which rooms meet. Rooms depend on these, never on each other's insides.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::event::Record;
use crate::leaf::{self, Hash};
use crate::{BookId, ConnectionId, Event, EventId, SubjectId, Time};

/// Where time comes from; handed in everywhere, so that tests and the demo can move it.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present moment. It never decides an order (`recorded_at` is the later of this and the one before).
    fn now(&self) -> Time;
    /// Returns once the clock has reached `at`.
    async fn sleep_until(&self, at: Time);
}

/// Where randomness comes from; handed in, so that scripted runs give the same bytes.
pub trait Entropy: Send + Sync {
    /// Fills the slice with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// A UUID of version 7 (RFC 9562) from the injected clock and randomness.
pub fn new_uuid(clock: &dyn Clock, entropy: &dyn Entropy) -> uuid::Uuid {
    let mut random = [0; 10];
    entropy.fill(&mut random);
    let millis = u64::try_from(clock.now().micros() / 1_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// The keys that authenticate messages on the bus, one a connection, derived from the master key.
pub trait MacKeys: Send + Sync {
    /// The key for a connection of a book, or the book's own where there is no connection.
    fn mac_key(&self, book: BookId, connection: Option<ConnectionId>) -> [u8; 32];
}

/// The end of a book: how long it is and what its tree says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The book.
    pub book: BookId,
    /// Number of events, which is the last position.
    pub size: u64,
    /// RFC 6962 root over the leaves.
    pub root: Hash,
}

/// One recorded leaf, verbatim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLeaf {
    /// Its place, from 1, without gaps.
    pub position: u64,
    /// RFC 6962 leaf hash.
    pub leaf_hash: Hash,
    /// The bytes (`spec/LEAF.md`).
    pub leaf: Vec<u8>,
}

/// Why a read did not come back.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store cannot be reached; wait and try again.
    #[error("the store cannot be reached: {0}")]
    Unavailable(String),
    /// The stored rows contradict themselves; a person must look, nothing may go on.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
}

/// A page request over lines: which, and after which.
#[derive(Debug, Clone, Default)]
pub struct LineFilter {
    /// Only this account path.
    pub account: Option<String>,
    /// Only entries of this subject.
    pub subject: Option<crate::SubjectId>,
    /// Only entries after this position.
    pub after: u64,
    /// At most so many entries (an entry is never cut).
    pub limit: u32,
}

/// One account's balance at a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountBalance {
    /// Account path.
    pub account: String,
    /// Currency.
    pub currency: crate::Currency,
    /// Sum of debit lines, scale 4.
    pub debit: i128,
    /// Sum of credit lines as a positive figure, scale 4.
    pub credit: i128,
}

/// The trial balance of what is dated at or before a day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatedBalances {
    /// Every event up to here is inside.
    pub position: u64,
    /// The earliest book date of the whole book.
    pub first: Option<String>,
    /// Sums of the lines with a book date up to the day asked for, sorted by account and currency.
    pub balances: Vec<AccountBalance>,
}

/// Reading a book: by position, and the two questions an accountant asks first.
#[async_trait]
pub trait BookReader: Send + Sync {
    /// The head of the book; size 0 where it does not exist.
    async fn head(&self, book: BookId) -> Result<Head, ReadError>;
    /// Leaves after a position, in order, at most `limit`; a gap is reported as damage.
    async fn read(&self, book: BookId, after: u64, limit: u32) -> Result<Vec<StoredLeaf>, ReadError>;
    /// Positions of events that have lines and pass the filter.
    async fn entry_positions(&self, book: BookId, filter: &LineFilter) -> Result<Vec<u64>, ReadError>;
    /// Leaves at the given positions, in that order.
    async fn read_at(&self, book: BookId, positions: &[u64]) -> Result<Vec<StoredLeaf>, ReadError>;
    /// The position of an event, if this book has it. A store looks it up among its keys; without an index the log is
    /// read from its start.
    async fn position_of(&self, book: BookId, event: EventId) -> Result<Option<u64>, ReadError> {
        let found = scan(self, book, 0, 1, |read| read.record.event_id == event).await?;
        Ok(found.first().copied())
    }
    /// Positions of a subject's own events after a position, with and without lines, in order, at most `limit`. A store
    /// asks its index; without one the log is read.
    async fn subject_positions(
        &self,
        book: BookId,
        subject: SubjectId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<u64>, ReadError> {
        scan(self, book, after, limit as usize, |read| read.fact.subject == subject).await
    }
    /// The last position that was recorded before a moment; 0 if none was. `recorded_at` never goes back, so that a few
    /// looks find it.
    async fn recorded_before(&self, book: BookId, end: Time) -> Result<u64, ReadError> {
        // Everything up to `low` was recorded before, everything after `high` was not.
        let (mut low, mut high) = (0, self.head(book).await?.size);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let leaves = self.read_at(book, &[middle]).await?;
            let damaged = |why: String| ReadError::Damaged(format!("position {middle}: {why}"));
            let stored = leaves.first().ok_or_else(|| damaged("is missing".to_owned()))?;
            let event = leaf::decode(&stored.leaf).map_err(|error| damaged(error.to_string()))?;
            if event.record.recorded_at < end { low = middle } else { high = middle - 1 }
        }
        Ok(low)
    }
    /// All account balances and the position they hold for, in one snapshot.
    async fn trial_balance(&self, book: BookId) -> Result<(u64, Vec<AccountBalance>), ReadError>;
    /// Account balances of what is dated at or before `to`, in one snapshot. A store sums its rows; without them the log
    /// is read.
    async fn balances_through(&self, book: BookId, to: &str) -> Result<DatedBalances, ReadError> {
        dated(self, book, to).await
    }
    /// Books in this store.
    async fn books(&self) -> Result<Vec<BookId>, ReadError>;
    /// Whether the store answers.
    async fn ping(&self) -> Result<(), ReadError>;
}

/// Positions of the events that are wanted, read page by page.
async fn scan<R: BookReader + ?Sized>(
    reader: &R,
    book: BookId,
    after: u64,
    limit: usize,
    wanted: impl Fn(&Event) -> bool + Send + Sync,
) -> Result<Vec<u64>, ReadError> {
    const PAGE: u32 = 500;
    let (mut found, mut at) = (Vec::new(), after);
    while found.len() < limit {
        let page = reader.read(book, at, PAGE).await?;
        let Some(last) = page.last() else { break };
        at = last.position;
        for stored in &page {
            let event = leaf::decode(&stored.leaf);
            let event = event.map_err(|error| ReadError::Damaged(format!("position {}: {error}", stored.position)))?;
            if wanted(&event) && found.len() < limit {
                found.push(stored.position);
            }
        }
    }
    Ok(found)
}

/// Sums read off the leaves.
async fn dated<R: BookReader + ?Sized>(reader: &R, book: BookId, to: &str) -> Result<DatedBalances, ReadError> {
    let (mut trial, mut found) = (crate::trial::Trial::default(), DatedBalances::default());
    loop {
        let page = reader.read(book, found.position, 500).await?;
        let Some(last) = page.last() else { break };
        found.position = last.position;
        for stored in &page {
            let damaged = |what: &str| ReadError::Damaged(format!("position {}: {what}", stored.position));
            let Record { book_date, lines, .. } =
                leaf::decode(&stored.leaf).map_err(|error| damaged(&error.to_string()))?.record;
            let inside = book_date.as_str() <= to;
            if found.first.as_ref().is_none_or(|first| book_date < *first) {
                found.first = Some(book_date);
            }
            for line in lines.0.iter().filter(|_| inside) {
                trial.add(line).ok_or_else(|| damaged("a sum beyond the range of totals"))?;
            }
        }
    }
    for (account, currency, debit, credit) in trial.rows() {
        let currency = currency.parse().map_err(|_| ReadError::Damaged("a currency".to_owned()))?;
        found.balances.push(AccountBalance { account: account.to_owned(), currency, debit, credit });
    }
    Ok(found)
}

/// What an API key opens, and who acts with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The key's book.
    pub book: BookId,
    /// The connection whose observations it may post; such a key opens nothing else.
    pub connection: Option<ConnectionId>,
    /// Stands for the key where a person's decision is recorded: an id, never a name, and nothing that opens anything.
    pub actor_id: String,
}

/// An API key belongs to one book; only its SHA-256 is stored.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// The book a key opens, by the key's SHA-256.
    async fn book_of(&self, key_hash: &[u8; 32]) -> Result<Option<BookId>, ReadError>;
    /// The book a key opens, with the id of the key (`ensimbi.key.1`).
    async fn opened_by(&self, key_hash: &[u8; 32]) -> Result<Option<Opened>, ReadError> {
        let book = self.book_of(key_hash).await?;
        Ok(book.map(|book| Opened {
            book,
            connection: None,
            actor_id: format!("key:{}", crate::ids::key_id(key_hash)),
        }))
    }
}

/// One line of `/readyz`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Check {
    /// What was asked: `book`, `door`, `bus`, `projections`.
    pub name: String,
    /// Whether it answers.
    pub ok: bool,
    /// What is wrong, or empty.
    pub detail: String,
}

/// Whether the house can work now.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// Asks every part, with a bound on time.
    async fn checks(&self) -> Vec<Check>;
}
