//! Rebuild beside: a new generation is filled while the old one serves, compared with it, and put in its place.
//!
//! Order: leftovers of a killed rebuild are cleared; generation g+1 reads the log from position 1, page by page, each
//! page its own transaction; when it is close behind, the projection is locked, the last events are applied, both
//! generations are digested at the same position, and the active row is changed, all in one transaction; then the old
//! rows are deleted. Killed anywhere, the old generation serves on, and the next rebuild begins again.

use ensimbi_events::ids::Derivation;
use ensimbi_events::{BookId, Hash};
use serde::Serialize;

use super::cursor::{self, Cursor};
use super::{Projector, apply, page};
use crate::projection::{At, Projection, Table};
use crate::store::{Sql, StoreError, Tx};

/// How often the switch is tried while the serving generation moves on.
const SWITCH_TRIES: u32 = 1_000;

/// Why a rebuild came to nothing; what served before still serves.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// No projection has this word.
    #[error("there is no projection {0:?}; known: {1}")]
    Unknown(String, String),
    /// The new generation meets an event that it cannot apply, or a damaged ledger.
    #[error("{projection} of book {book} cannot get past position {position}: {reason}")]
    Stopped {
        /// Which projection.
        projection: &'static str,
        /// Which book.
        book: BookId,
        /// The first position that could not be applied.
        position: u64,
        /// In words.
        reason: String,
    },
    /// Another rebuild or runner changed the same rows.
    #[error("another rebuild of {0} is at work")]
    Busy(&'static str),
    /// The store or the ledger does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// For a progress bar.
#[derive(Debug, Clone, Copy)]
pub struct RebuildProgress {
    /// Which book.
    pub book: BookId,
    /// Which projection.
    pub projection: &'static str,
    /// How far the new generation is.
    pub position: u64,
    /// Where the serving one is.
    pub target: u64,
}

/// One table, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableDigest {
    /// Its name.
    pub table: &'static str,
    /// Rows rebuilt.
    pub rows: u64,
    /// Digest of the rows that served.
    pub served: Hash,
    /// Digest of the rebuilt rows.
    pub rebuilt: Hash,
}

/// What a rebuild did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RebuildReport {
    /// Which book.
    pub book: BookId,
    /// Which projection.
    pub projection: &'static str,
    /// The generation that serves now.
    pub generation: i64,
    /// The position at which it took over.
    pub position: u64,
    /// Whether every table was equal; absent where the old cursor did not fit the ledger any more.
    pub equal: Option<bool>,
    /// The tables.
    pub tables: Vec<TableDigest>,
}

impl Projector {
    /// Rebuilds one projection or all, of one book or all.
    ///
    /// # Errors
    /// See [`RebuildError`]; projections rebuilt before the error keep their new generation.
    pub async fn rebuild(
        &self,
        only: Option<&str>,
        book: Option<BookId>,
        progress: &(dyn Fn(RebuildProgress) + Send + Sync),
    ) -> Result<Vec<RebuildReport>, RebuildError> {
        let chosen: Vec<_> = self.projections.iter().filter(|p| only.is_none_or(|word| word == p.name())).collect();
        if let (true, Some(word)) = (chosen.is_empty(), only) {
            let known: Vec<&str> = self.projections.iter().map(|projection| projection.name()).collect();
            return Err(RebuildError::Unknown(word.to_owned(), known.join(", ")));
        }
        let books = match book {
            Some(book) => vec![book],
            None => self.reader.books().await.map_err(super::read_error)?,
        };
        let mut reports = Vec::new();
        for book in books {
            for projection in &chosen {
                reports.push(self.rebuild_one(book, projection.as_ref(), progress).await?);
            }
        }
        Ok(reports)
    }

    async fn rebuild_one(
        &self,
        book: BookId,
        projection: &dyn Projection,
        progress: &(dyn Fn(RebuildProgress) + Send + Sync),
    ) -> Result<RebuildReport, RebuildError> {
        let name = projection.name();
        let served = cursor::active(&self.store, book, name).await?;
        let mut next = Cursor::start(served.generation + 1);
        self.clear(book, projection, served.generation).await?;
        let mut tx = self.store.write().await?;
        cursor::insert(&mut tx, book, name, &next).await.map_err(|_| RebuildError::Busy(name))?;
        tx.commit().await?;
        for _ in 0..SWITCH_TRIES {
            // Up to where the old one serves; never beyond the ledger, whatever the old cursor says.
            let served = cursor::active(&self.store, book, name).await?;
            let head = self.reader.head(book).await.map_err(super::read_error)?;
            let target = served.position.min(head.size);
            while next.position < target {
                let room = u32::try_from(target - next.position).unwrap_or(u32::MAX);
                let page = page::read(self.reader.as_ref(), book, &next, self.page.min(room)).await?;
                let mut tx = self.store.write().await?;
                if !cursor::lock(&mut tx, book, name, &next).await? {
                    return Err(RebuildError::Busy(name));
                }
                apply::apply(&mut tx, book, projection, &mut next, page).await?;
                tx.commit().await?;
                if let Some(stop) = next.stop.take() {
                    self.clear(book, projection, served.generation).await?;
                    let (position, reason) = (stop.position, stop.reason);
                    return Err(RebuildError::Stopped { projection: name, book, position, reason });
                }
                progress(RebuildProgress { book, projection: name, position: next.position, target });
            }
            if let Some(report) = self.switch(book, projection, &served, &next, head.size).await? {
                self.clear(book, projection, next.generation).await?;
                self.wake();
                return Ok(report);
            }
        }
        Err(RebuildError::Busy(name))
    }

    /// Puts `next` in the place of the serving generation, if that still stands where `served` saw it.
    async fn switch(
        &self,
        book: BookId,
        projection: &dyn Projection,
        served: &Cursor,
        next: &Cursor,
        head: u64,
    ) -> Result<Option<RebuildReport>, RebuildError> {
        let name = projection.name();
        let mut tx = self.store.write().await?;
        if !cursor::lock_active(&mut tx, book, name, served.generation).await? {
            return Err(RebuildError::Busy(name));
        }
        let now = cursor::active_in(&mut tx, book, name).await?;
        if now.is_none_or(|now| now.position.min(head) != next.position) {
            return Ok(None);
        }
        let comparable = served.position == next.position && served.leaf_hash == next.leaf_hash;
        let mut tables = Vec::new();
        for table in projection.tables() {
            let (rebuilt, rows) = digest(&mut tx, table, next.at(book)).await?;
            let (served, _) = digest(&mut tx, table, served.at(book)).await?;
            tables.push(TableDigest { table: table.name, rows, served, rebuilt });
        }
        let sql = Sql::new("UPDATE projection_active SET generation = ").bind(next.generation).text(" WHERE book = ");
        tx.execute(sql.bind(book).text(" AND projection = ").bind(name)).await?;
        tx.commit().await?;
        let equal = comparable.then(|| tables.iter().all(|table| table.served == table.rebuilt));
        let (generation, position) = (next.generation, next.position);
        Ok(Some(RebuildReport { book, projection: name, generation, position, equal, tables }))
    }

    /// Deletes every generation but one.
    async fn clear(&self, book: BookId, projection: &dyn Projection, keep: i64) -> Result<(), StoreError> {
        let mut tx = self.store.write().await?;
        for table in projection.tables() {
            let sql = Sql::new(table.delete).bind(book).text(" AND generation <> ").bind(keep);
            tx.execute(sql).await?;
        }
        let sql = Sql::new("DELETE FROM projection_cursors WHERE book = ").bind(book).text(" AND projection = ");
        tx.execute(sql.bind(projection.name()).text(" AND generation <> ").bind(keep)).await?;
        tx.commit().await
    }

    /// Digests of the serving rows of every table, in registry order; for tests and audits.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn digests(&self, book: BookId) -> Result<Vec<(&'static str, Hash)>, StoreError> {
        let mut digests = Vec::new();
        for projection in &self.projections {
            let served = cursor::active(&self.store, book, projection.name()).await?;
            let mut tx = self.store.read().await?;
            for table in projection.tables() {
                digests.push((table.name, digest(&mut tx, table, served.at(book)).await?.0));
            }
        }
        Ok(digests)
    }
}

/// SHA-256 over a table's rows in key order, each column with its length; and their number. Rows stream through.
async fn digest(tx: &mut Tx, table: &Table, at: At) -> Result<(Hash, u64), StoreError> {
    let sql = Sql::new(table.select).bind(at.book).text(" AND generation = ").bind(at.generation).text(table.order);
    let mut sum = Some(Derivation::new("ensimbi.view.1"));
    let mut rows = 0;
    tx.each(sql, |row| {
        rows += 1;
        for (index, kind) in table.columns.bytes().enumerate() {
            let bytes = match kind {
                b'i' => row.maybe_int(index)?.map(|value| value.to_be_bytes().to_vec()),
                b'u' => row.maybe_uuid(index)?.map(|value| value.as_bytes().to_vec()),
                _ => row.maybe_text(index)?.map(String::into_bytes),
            };
            // Null and empty text differ.
            let there = [u8::from(bytes.is_some())];
            sum = sum.take().map(|sum| sum.part(&there).part(bytes.as_deref().unwrap_or_default()));
        }
        Ok(())
    })
    .await?;
    Ok((Hash(sum.map_or([0; 32], Derivation::hash)), rows))
}
