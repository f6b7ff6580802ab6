//! Verify: recompute everything from position 1 and name the first position that is wrong.
//!
//! First pass, by position: bytes, hashes, gap-free places, index columns, line rows, keys, dates, configuration, wallet
//! sums, the tree. Then passes over the subjects, a bounded number of them at a time: states by the fold, entries by the
//! posting rules, law 7. Memory is bounded by [`SUBJECTS_A_PASS`], however long the book is.

mod rows;
mod subjects;

use std::collections::BTreeMap;

use ensimbi_events::config::BookConfig;
use ensimbi_events::leaf::{self, fact_hash};
use ensimbi_events::ports::ReadError;
use ensimbi_events::{Amount, BookId, Event, Hash, WalletId};

use crate::decide::state::Standing;
use crate::decide::{Sealed, WalletBalance, WalletPaths, keys_of};
use crate::posting::accounts;
use crate::store::{Store, StoreError};
use crate::tree::Edge;

/// Subjects whose states one pass keeps.
pub const SUBJECTS_A_PASS: u64 = 200_000;
const PAGE: u32 = 1_000;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The book.
    pub book: BookId,
    /// Whether everything agreed.
    pub ok: bool,
    /// Number of events read.
    pub size: u64,
    /// Recomputed root.
    pub root: Hash,
    /// The first bad position; absent where the fault has none (a head or a row of a cache).
    pub bad_position: Option<u64>,
    /// What is wrong.
    pub reason: Option<String>,
}

/// Something is wrong at a place.
struct Bad {
    position: Option<u64>,
    reason: String,
}

enum Stop {
    Bad(Bad),
    /// A row that only caches the log is another; or the writer went on while it was read.
    Cache(String),
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged(reason) => Self::Bad(Bad { position: None, reason }),
            other => Self::Store(other),
        }
    }
}

fn bad(position: u64, reason: impl Into<String>) -> Stop {
    Stop::Bad(Bad { position: Some(position), reason: reason.into() })
}

fn bad_cache(reason: impl Into<String>) -> Stop {
    Stop::Cache(reason.into())
}

/// Verifies one book; `progress` hears positions.
///
/// # Errors
/// [`StoreError`] where the store does not answer; what is wrong inside it is the report's matter.
pub async fn verify(
    store: &dyn Store,
    book: BookId,
    mut progress: impl FnMut(u64) + Send,
) -> Result<Report, StoreError> {
    // A writer may go on meanwhile: everything is compared at the size the head has now.
    let head = store.head_row(book).await?;
    let size = head.as_ref().map_or(0, |head| head.size);
    let (edge, config, wallets) = (Edge::default(), BookConfig::default(), BTreeMap::new());
    let mut run = Run { store, book, size, edge, config, wallets, keys: 0, lines: 0, periods: Vec::new() };
    let mut outcome = run.by_position(&mut progress).await;
    if outcome.is_ok() {
        outcome = run.by_subject().await;
    }
    let (bad_position, reason) = match outcome {
        Ok(()) => (None, None),
        Err(Stop::Bad(bad)) => (bad.position, Some(bad.reason)),
        // Leaf by leaf the log was compared; its caches are compared by a run that no commit overtakes.
        Err(Stop::Cache(_)) if run.overtaken().await? => (None, None),
        Err(Stop::Cache(reason)) => (None, Some(reason)),
        Err(Stop::Store(error)) => return Err(error),
    };
    let root = run.edge.root();
    Ok(Report { book, ok: reason.is_none(), size: run.edge.size(), root, bad_position, reason })
}

struct Run<'a> {
    store: &'a dyn Store,
    book: BookId,
    size: u64,
    edge: Edge,
    config: BookConfig,
    /// By the lines; the pass over the subjects adds what is reserved.
    wallets: BTreeMap<WalletId, WalletBalance>,
    keys: u64,
    lines: u64,
    /// Ends of periods that were closed or reopened: position, last day, hash.
    periods: Vec<(u64, String, Hash)>,
}

impl Run<'_> {
    /// Whether the writer went on meanwhile.
    async fn overtaken(&self) -> Result<bool, StoreError> {
        Ok(self.store.head_row(self.book).await?.is_some_and(|head| head.size > self.size))
    }

    async fn page(&self, after: u64) -> Result<Vec<Sealed>, Stop> {
        let limit = u32::try_from(self.size - after).unwrap_or(u32::MAX).min(PAGE);
        let rows = match self.store.read(self.book, after, limit).await {
            Ok(rows) => rows,
            Err(ReadError::Damaged(reason)) => return Err(self.damaged(after, after + u64::from(limit), reason).await),
            Err(error) => return Err(Stop::Store(StoreError::Unavailable(error.to_string()))),
        };
        if rows.is_empty() {
            return Err(bad(after + 1, "the event is missing"));
        }
        let mut page = Vec::with_capacity(rows.len());
        for row in rows {
            let event = leaf::decode(&row.leaf).map_err(|error| bad(row.position, format!("leaf: {error}")))?;
            let sealed = Sealed {
                leaf_hash: leaf::leaf_hash(&row.leaf),
                fact_hash: fact_hash(&event.fact),
                keys: keys_of(&event),
                leaf: row.leaf,
                event,
            };
            if sealed.leaf_hash != row.leaf_hash {
                return Err(bad(row.position, "the leaf hash beside the leaf is another"));
            }
            if sealed.event.record.position != row.position || sealed.event.record.book != self.book {
                return Err(bad(row.position, "the leaf says another position or book"));
            }
            page.push(sealed);
        }
        Ok(page)
    }

    /// A page that cannot be read says too little: the rows one by one name the first bad position.
    async fn damaged(&self, after: u64, through: u64, reason: String) -> Stop {
        for at in after..through {
            let stored = match self.store.read(self.book, at, 1).await {
                Ok(rows) if rows.is_empty() => Err("the event is missing".to_owned()),
                Ok(_) => Ok(()),
                Err(ReadError::Damaged(reason)) => Err(reason),
                Err(error) => return Stop::Store(StoreError::Unavailable(error.to_string())),
            };
            let beside = match stored {
                Ok(()) => self.store.columns(self.book, at, 1).await.map(drop),
                Err(reason) => return bad(at + 1, reason),
            };
            let lines = match beside {
                Ok(()) => self.store.lines(self.book, at, at + 1).await.map(drop),
                Err(error) => Err(error),
            };
            match lines {
                Ok(()) => {}
                Err(StoreError::Damaged(reason)) => return bad(at + 1, reason),
                Err(error) => return Stop::Store(error),
            }
        }
        bad_cache(reason)
    }
}

/// Wallet balances by the lines, as far as they were read.
#[derive(Default)]
struct Sums {
    balances: BTreeMap<WalletId, WalletBalance>,
    paths: WalletPaths,
}

impl Sums {
    /// Takes the lines of one event in; `config` is what it is after the event.
    fn add(&mut self, config: &BookConfig, event: &Event) -> Result<(), Stop> {
        let position = event.record.position;
        if config.position == position {
            self.paths = WalletPaths::of(config);
        }
        for line in &event.record.lines.0 {
            let Some((id, held, currency)) = self.paths.get(&line.account) else {
                if accounts::is_wallet(&line.account) {
                    return Err(bad(position, "a wallet account that no wallet has"));
                }
                continue;
            };
            let balance = self.balances.entry(id).or_insert(WalletBalance::empty(currency));
            let figure = if held { &mut balance.held } else { &mut balance.posted };
            *figure = Amount::checked_add(*figure, line.amount).ok_or_else(|| bad(position, "a balance overflows"))?;
            balance.position = position;
            if line.currency != currency {
                return Err(bad(position, "a line on a wallet in another currency"));
            }
        }
        Ok(())
    }

    /// What a wallet has so far.
    fn standing(&self, wallet: Option<WalletId>) -> Standing {
        wallet.and_then(|id| self.balances.get(&id)).map(Standing::from).unwrap_or_default()
    }
}
