//! The runner: follows each book's log by position and keeps every projection up to date.
//!
//! One step, for one projection of one book: read the serving cursor; read a page after it (no transaction open);
//! check numbers, hashes and bytes; lock; load, fold, save and move the cursor in one transaction. A projection that
//! meets poison or a ledger that contradicts it stops there and says why; the others go on. Waking is immediate
//! ([`Projector::wake`]); [`FALLBACK_POLL`] is for wake-ups that got lost.

mod apply;
pub(crate) mod cursor;
mod page;
mod rebuild;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ensimbi_events::BookId;
use ensimbi_events::ports::{BookReader, ReadError};
use futures_util::FutureExt;
use serde::Serialize;
use tokio::sync::watch;

pub use cursor::{Stop, StopKind};
pub use rebuild::{RebuildError, RebuildProgress, RebuildReport, TableDigest};

use crate::projection::Projection;
use crate::store::{StoreError, ViewStore};

/// Events a transaction.
pub const PAGE: u32 = 1_000;
/// How long a lost wake-up can stay unnoticed; real time.
pub const FALLBACK_POLL: Duration = Duration::from_millis(250);

/// Where one projection of one book stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// The book.
    pub book: BookId,
    /// The projection.
    pub projection: &'static str,
    /// The generation that serves.
    pub generation: i64,
    /// The last position inside.
    pub position: u64,
    /// The end of the book.
    pub head: u64,
    /// Events not yet inside.
    pub lag: u64,
    /// Why it stands still, if it does.
    pub stop: Option<Stop>,
}

/// What a step did.
enum Step {
    /// Nothing new.
    Idle,
    /// Some events more.
    Moved,
    /// Stands still.
    Stopped,
}

/// Runs and rebuilds projections; shared as an `Arc`.
pub struct Projector {
    store: ViewStore,
    reader: Arc<dyn BookReader>,
    projections: Vec<Arc<dyn Projection>>,
    page: u32,
    wake: watch::Sender<u64>,
    /// Stops that this process has tried again and met again: (book, projection, generation).
    tried: Mutex<HashSet<(BookId, &'static str, i64)>>,
}

fn read_error(error: ReadError) -> StoreError {
    match error {
        ReadError::Unavailable(error) => StoreError::Unavailable(error),
        ReadError::Damaged(error) => StoreError::Damaged(error),
    }
}

impl Projector {
    /// Over a store and a book, with the given projections ([`crate::all`]).
    pub fn new(store: ViewStore, reader: Arc<dyn BookReader>, projections: Vec<Arc<dyn Projection>>) -> Self {
        let (wake, _) = watch::channel(0);
        Self { store, reader, projections, page: PAGE, wake, tried: Mutex::default() }
    }

    /// Another page size, from 1 to 10,000.
    #[must_use]
    pub fn with_page(mut self, events: u32) -> Self {
        self.page = events.clamp(1, 10_000);
        self
    }

    /// The store, for queries.
    pub fn store(&self) -> &ViewStore {
        &self.store
    }

    /// Something was recorded: look at once. Cheap, from anywhere, as often as wanted.
    pub fn wake(&self) {
        self.wake.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Brings every projection of a book to the book's end, or to where it must stop.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: nothing is lost, call again.
    pub async fn catch_up(&self, book: BookId) -> Result<Vec<Progress>, StoreError> {
        for projection in &self.projections {
            while let Step::Moved = self.step(book, projection.as_ref()).await? {}
        }
        self.progress(book).await
    }

    /// How far each projection of a book is.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn progress(&self, book: BookId) -> Result<Vec<Progress>, StoreError> {
        let mut progress = Vec::new();
        for projection in &self.projections {
            let cursor = cursor::active(&self.store, book, projection.name()).await?;
            let head = self.reader.head(book).await.map_err(read_error)?.size;
            progress.push(Progress {
                book,
                projection: projection.name(),
                generation: cursor.generation,
                position: cursor.position,
                head,
                lag: head.saturating_sub(cursor.position),
                stop: cursor.stop,
            });
        }
        Ok(progress)
    }

    /// Follows all books until `shutdown` completes. Errors are logged and tried again.
    pub async fn run(self: Arc<Self>, shutdown: impl Future<Output = ()> + Send) {
        let mut tasks = tokio::task::JoinSet::new();
        for index in 0..self.projections.len() {
            tasks.spawn(Arc::clone(&self).follow(index));
        }
        shutdown.await;
        // A step that is cut off was one transaction: it happened or it did not.
        tasks.shutdown().await;
    }

    async fn follow(self: Arc<Self>, index: usize) {
        let mut wake = self.wake.subscribe();
        loop {
            wake.mark_unchanged();
            let round = AssertUnwindSafe(self.round(self.projections[index].as_ref())).catch_unwind().await;
            let name = self.projections[index].name();
            match round {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(projection = name, %error, "a projection waits"),
                Err(_) => tracing::error!(projection = name, "a projection's runner panicked; it tries again"),
            }
            // The sender lives in `self`, so `changed` cannot fail.
            let _ = tokio::time::timeout(FALLBACK_POLL, wake.changed()).await;
        }
    }

    async fn round(&self, projection: &dyn Projection) -> Result<(), StoreError> {
        let mut books = self.reader.books().await.map_err(read_error)?;
        while !books.is_empty() {
            // A page each in turn, so that a long book does not starve the others.
            let mut behind = Vec::new();
            for book in books {
                if let Step::Moved = self.step(book, projection).await? {
                    behind.push(book);
                }
            }
            books = behind;
        }
        Ok(())
    }

    async fn step(&self, book: BookId, projection: &dyn Projection) -> Result<Step, StoreError> {
        let name = projection.name();
        let mut cursor = cursor::active(&self.store, book, name).await?;
        let key = (book, name, cursor.generation);
        if cursor.stop.is_some() && self.tried().contains(&key) {
            return Ok(Step::Stopped);
        }
        let page = page::read(self.reader.as_ref(), book, &cursor, self.page).await?;
        if page.events.is_empty() && page.stop.is_none() && cursor.stop.is_none() {
            return Ok(Step::Idle);
        }
        let mut tx = self.store.write().await?;
        let ours = cursor::lock_active(&mut tx, book, name, cursor.generation).await?
            && cursor::lock(&mut tx, book, name, &cursor).await?;
        if !ours {
            // Another process moved it, or a rebuild took its place.
            return Ok(Step::Moved);
        }
        match apply::apply(&mut tx, book, projection, &mut cursor, page).await {
            Ok(()) => {}
            Err(StoreError::Damaged(reason)) => {
                drop(tx);
                cursor.stop = Some(Stop::new(StopKind::Damaged, cursor.position + 1, reason));
                tx = self.store.write().await?;
                if !cursor::lock(&mut tx, book, name, &cursor).await? {
                    return Ok(Step::Moved);
                }
                cursor::advance(&mut tx, book, name, &cursor, false).await?;
            }
            Err(other) => return Err(other),
        }
        tx.commit().await?;
        let Some(stop) = cursor.stop else { return Ok(Step::Moved) };
        tracing::error!(
            %book, projection = name, position = stop.position, kind = %stop.kind, reason = %stop.reason,
            "a projection stopped"
        );
        self.tried().insert(key);
        Ok(Step::Stopped)
    }

    fn tried(&self) -> std::sync::MutexGuard<'_, HashSet<(BookId, &'static str, i64)>> {
        // A set of keys is whole after any panic.
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
