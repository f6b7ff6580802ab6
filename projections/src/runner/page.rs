//! One page of the log: read, checked and decoded, without any transaction open.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ensimbi_events::ports::{BookReader, ReadError, StoredLeaf};
use ensimbi_events::{BookId, Event, Hash, leaf};

use super::cursor::{Cursor, Stop, StopKind};
use crate::store::StoreError;

/// Longest reason that is kept.
const REASON_MAX: usize = 500;

/// What a page brought.
pub(super) struct Page {
    /// Checked events after the cursor, in order, with their leaf hashes.
    pub events: Vec<Event>,
    pub hashes: Vec<Hash>,
    /// What stands behind them and must not be passed.
    pub stop: Option<Stop>,
}

/// Reads at most `limit` events after the cursor. The cursor's own leaf is read again, so that a cursor ahead of the
/// ledger, or one of another history, is seen before anything is applied.
pub(super) async fn read(
    reader: &dyn BookReader,
    book: BookId,
    cursor: &Cursor,
    limit: u32,
) -> Result<Page, StoreError> {
    let overlap = u32::from(cursor.position > 0);
    let after = cursor.position.saturating_sub(1);
    let leaves = match reader.read(book, after, limit.saturating_add(overlap)).await {
        Ok(leaves) => leaves,
        Err(ReadError::Unavailable(error)) => return Err(StoreError::Unavailable(error)),
        Err(ReadError::Damaged(error)) => return Ok(Page::stopped(StopKind::Damaged, cursor.position + 1, error)),
    };
    let mut leaves = leaves.into_iter();
    if overlap == 1 {
        let at = cursor.position;
        match leaves.next() {
            None => return Ok(Page::stopped(StopKind::Ahead, at, "the ledger is shorter than this cursor".into())),
            Some(own) if own.position != at || Some(own.leaf_hash) != cursor.leaf_hash => {
                return Ok(Page::stopped(StopKind::OtherHash, at, "the ledger has another leaf here".into()));
            }
            Some(_) => {}
        }
    }
    let mut page = Page { events: Vec::new(), hashes: Vec::new(), stop: None };
    for (stored, expected) in leaves.zip(cursor.position + 1..) {
        match check(book, &stored, expected) {
            Ok(event) => {
                page.events.push(event);
                page.hashes.push(stored.leaf_hash);
            }
            Err((kind, reason)) => {
                page.stop = Some(Stop::new(kind, expected, reason));
                break;
            }
        }
    }
    Ok(page)
}

fn check(book: BookId, stored: &StoredLeaf, expected: u64) -> Result<Event, (StopKind, String)> {
    if stored.position != expected {
        return Err((StopKind::Damaged, format!("a gap: position {} follows here", stored.position)));
    }
    if leaf::leaf_hash(&stored.leaf) != stored.leaf_hash {
        return Err((StopKind::OtherHash, "the leaf does not have the hash beside it".into()));
    }
    let event = guarded(|| leaf::decode(&stored.leaf).map_err(|error| error.to_string()))
        .map_err(|reason| (StopKind::Poison, reason))?;
    if event.record.position != expected || event.record.book != book {
        return Err((StopKind::Damaged, "the leaf belongs to another book or position".into()));
    }
    Ok(event)
}

/// Runs pure code; a panic is its error.
pub(super) fn guarded<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let result = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(format!("panic: {}", text.as_deref().unwrap_or("without words")))
    });
    result.map_err(|reason| reason.chars().take(REASON_MAX).collect())
}

impl Page {
    fn stopped(kind: StopKind, position: u64, reason: String) -> Self {
        Self { events: Vec::new(), hashes: Vec::new(), stop: Some(Stop::new(kind, position, reason)) }
    }

    /// Keeps the first `count` events only.
    pub fn truncate(&mut self, count: usize) {
        if count < self.events.len() {
            self.events.truncate(count);
            self.hashes.truncate(count);
            self.stop = None;
        }
    }
}
