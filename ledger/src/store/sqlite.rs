//! SQLite: the embedded default. WAL, `synchronous=FULL`, one writer connection with `BEGIN IMMEDIATE`, and readers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::event::Line;
use ensimbi_events::ports::{AccountBalance, BookReader, DatedBalances, Head, LineFilter, ReadError, StoredLeaf};
use ensimbi_events::{Amount, BookId, EventId, SubjectId, Time, WalletId};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Sqlite, SqliteConnection, SqlitePool, Transaction};
use uuid::Uuid;

use super::columns::{EventColumns, column, columns, count, hash, line};
use super::reads::{self, shared_store};
use super::{AppendTx, HeadRow, PAGE_MAX, Store, StoreError, Write, dated};
use crate::decide::{Key, KeyKind, KnownKey, WalletBalance};

/// Rows of one INSERT: batches near 100 are the fastest, and every other size would be another cached statement.
const ROWS: usize = 100;
const READERS: u32 = 4;

/// Books in one SQLite file.
pub struct SqliteStore {
    writes: SqlitePool,
    reads: SqlitePool,
    warnings: Vec<String>,
}

impl SqliteStore {
    /// Opens or makes the file, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with a sentence, where the file is not one of ours.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_as(path, true).await
    }

    /// Opens for reading beside a writer; the file must exist with today's schema.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with a sentence.
    pub async fn open_existing(path: &Path) -> Result<Self, StoreError> {
        Self::open_as(path, false).await
    }

    async fn open_as(path: &Path, migrate: bool) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(migrate)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .foreign_keys(true)
            .pragma("recursive_triggers", "ON")
            .statement_cache_capacity(64);
        let unusable = |error: sqlx::Error| StoreError::Unusable(format!("book.db cannot be opened: {error}"));
        // Looked at before anything is changed: WAL mode would already mark somebody else's file.
        if path.exists() || !migrate {
            let look = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(Duration::from_secs(10));
            let mut connection = look.connect().await.map_err(unusable)?;
            check_ours(&mut connection, migrate).await?;
            connection.close().await.map_err(unusable)?;
        }
        let writes = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await;
        let writes = writes.map_err(unusable)?;
        if migrate {
            sqlx::migrate!("migrations/sqlite").run(&writes).await.map_err(|error| {
                StoreError::Unusable(format!("book.db has another schema than this program knows: {error}"))
            })?;
        }
        let reads = SqlitePoolOptions::new().max_connections(READERS).connect_lazy_with(options.read_only(true));
        Ok(Self { writes, reads, warnings: Vec::new() })
    }

    const fn writes(&self) -> &SqlitePool {
        &self.writes
    }

    const fn reads(&self) -> &SqlitePool {
        &self.reads
    }

    async fn lock_head(&self, book: BookId) -> Result<Box<dyn AppendTx>, StoreError> {
        let mut tx = self.writes.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        let row = sqlx::query_as(reads::HEAD).bind(book.0).fetch_optional(&mut *tx).await.map_err(store_error)?;
        let row = row.ok_or_else(|| StoreError::Unusable(format!("book {book} does not exist in this store")))?;
        Ok(Box::new(SqliteTx { tx, book, head: head_row(row)? }))
    }

    async fn leaves_at(&self, book: BookId, positions: &[u64]) -> Result<Vec<(i64, Vec<u8>, Vec<u8>)>, StoreError> {
        let list = serde_json::to_string(positions).unwrap_or_default();
        sqlx::query_as(
            "SELECT position, leaf_hash, leaf FROM events WHERE book = $1 \
             AND position IN (SELECT value FROM json_each($2)) ORDER BY position",
        )
        .bind(book.0)
        .bind(list)
        .fetch_all(&self.reads)
        .await
        .map_err(store_error)
    }

    async fn sums_at(&self, book: BookId, to: &str, position: u64) -> Result<Vec<AccountBalance>, StoreError> {
        let mut connection = self.reads.acquire().await.map_err(store_error)?;
        dated::in_sqlite(&mut connection, book, to, position).await
    }

    async fn balances(&self, book: BookId) -> Result<(u64, Vec<AccountBalance>), StoreError> {
        let mut tx = self.reads.begin().await.map_err(store_error)?;
        let head = sqlx::query_as(reads::HEAD).bind(book.0).fetch_optional(&mut *tx).await.map_err(store_error)?;
        let size = head.map(head_row).transpose()?.map_or(0, |head| head.size);
        // SQLite sums in 64 bits: high and low parts apart, so that totals have 128.
        let rows: Vec<(String, String, i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT account, currency, \
             COALESCE(SUM(amount / 1000000) FILTER (WHERE amount > 0), 0), \
             COALESCE(SUM(amount % 1000000) FILTER (WHERE amount > 0), 0), \
             COALESCE(SUM(amount / 1000000) FILTER (WHERE amount < 0), 0), \
             COALESCE(SUM(amount % 1000000) FILTER (WHERE amount < 0), 0) \
             FROM lines WHERE book = $1 GROUP BY account, currency ORDER BY account, currency",
        )
        .bind(book.0)
        .fetch_all(&mut *tx)
        .await
        .map_err(store_error)?;
        let whole = |high: i64, low: i64| i128::from(high) * 1_000_000 + i128::from(low);
        let mut balances = Vec::with_capacity(rows.len());
        for (account, currency, plus_high, plus_low, minus_high, minus_low) in rows {
            let currency = currency.parse().map_err(|_| StoreError::Damaged(format!("a line in {currency}")))?;
            let (debit, credit) = (whole(plus_high, plus_low), -whole(minus_high, minus_low));
            balances.push(AccountBalance { account, currency, debit, credit });
        }
        Ok((size, balances))
    }
}

/// A file with tables but without our migrations is somebody else's; one that is only read must have all of them.
async fn check_ours(connection: &mut SqliteConnection, migrate: bool) -> Result<(), StoreError> {
    let tables: Vec<(String,)> =
        sqlx::query_as("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| StoreError::Unusable(format!("book.db is not a SQLite database: {error}")))?;
    let has = |name: &str| tables.iter().any(|(table,)| table == name);
    if tables.is_empty() && migrate {
        return Ok(());
    }
    if !has("_sqlx_migrations") || !has("heads") || !has("events") {
        return Err(StoreError::Unusable(
            "book.db is not an Ensimbi book (it lacks the tables heads and events); name another folder with --data"
                .to_owned(),
        ));
    }
    if migrate {
        return Ok(());
    }
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version")
            .fetch_all(connection)
            .await
            .map_err(store_error)?;
    let known = sqlx::migrate!("migrations/sqlite");
    let known: Vec<(i64, Vec<u8>)> = known.iter().map(|step| (step.version, step.checksum.to_vec())).collect();
    if applied != known {
        return Err(StoreError::Unusable(
            "book.db has another schema than this program knows; start the program that writes it first".to_owned(),
        ));
    }
    Ok(())
}

struct SqliteTx {
    tx: Transaction<'static, Sqlite>,
    book: BookId,
    head: HeadRow,
}

#[async_trait]
impl AppendTx for SqliteTx {
    fn head(&self) -> &HeadRow {
        &self.head
    }

    async fn config(&mut self) -> Result<String, StoreError> {
        let row: Option<String> = sqlx::query_scalar(reads::CONFIG)
            .bind(self.book.0)
            .fetch_optional(&mut *self.tx)
            .await
            .map_err(store_error)?;
        Ok(row.unwrap_or_default())
    }

    async fn states(&mut self, ids: &BTreeSet<SubjectId>) -> Result<Vec<(SubjectId, String)>, StoreError> {
        let ids = hex_list(ids.iter().map(|id| id.as_bytes().as_slice()));
        let rows: Vec<(Uuid, String)> = sqlx::query_as(
            "SELECT subject, state FROM subjects WHERE book = $1 \
             AND subject IN (SELECT unhex(value) FROM json_each($2))",
        )
        .bind(self.book.0)
        .bind(ids)
        .fetch_all(&mut *self.tx)
        .await
        .map_err(store_error)?;
        Ok(rows.into_iter().map(|(id, state)| (SubjectId(id), state)).collect())
    }

    async fn wallets(&mut self) -> Result<BTreeMap<WalletId, WalletBalance>, StoreError> {
        let rows = sqlx::query_as(reads::WALLETS).bind(self.book.0).fetch_all(&mut *self.tx).await;
        rows.map_err(store_error)?.into_iter().map(wallet).collect()
    }

    async fn keys(&mut self, keys: &[Key]) -> Result<Vec<(Key, KnownKey)>, StoreError> {
        select_keys(&mut self.tx, self.book, keys).await
    }

    async fn balances_through(&mut self, to: &str) -> Result<Vec<AccountBalance>, StoreError> {
        dated::in_sqlite(&mut self.tx, self.book, to, self.head.size).await
    }

    async fn write(&mut self, write: &Write<'_>) -> Result<bool, StoreError> {
        if !self.insert_keys(write).await? {
            return Ok(false);
        }
        self.insert_events(write).await?;
        self.insert_lines(write).await?;
        self.upsert_rest(write).await?;
        Ok(true)
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.tx.commit().await.map_err(store_error)
    }

    async fn rollback(self: Box<Self>) -> Result<(), StoreError> {
        self.tx.rollback().await.map_err(store_error)
    }
}

impl SqliteTx {
    async fn execute(&mut self, mut query: QueryBuilder<Sqlite>, full: bool) -> Result<(), StoreError> {
        query.build().persistent(full).execute(&mut *self.tx).await.map_err(store_error)?;
        Ok(())
    }

    async fn insert_keys(&mut self, write: &Write<'_>) -> Result<bool, StoreError> {
        let keys: Vec<_> =
            write.sealed.iter().flat_map(|sealed| sealed.keys.iter().map(move |k| (sealed, k))).collect();
        for chunk in keys.chunks(ROWS) {
            let mut query =
                QueryBuilder::<Sqlite>::new("INSERT INTO keys (book, kind, key, position, fact_hash, leaf_hash) ");
            query.push_values(chunk, |mut row, (sealed, key)| {
                row.push_bind(self.book.0)
                    .push_bind(key.kind as i64)
                    .push_bind(key.bytes.clone())
                    .push_bind(column(sealed.event.record.position))
                    .push_bind(sealed.fact_hash.0.to_vec())
                    .push_bind(sealed.leaf_hash.0.to_vec());
            });
            // A plain INSERT: the trigger that stops REPLACE refuses a key that is there.
            match query.build().persistent(chunk.len() == ROWS).execute(&mut *self.tx).await {
                Ok(_) => {}
                Err(error) if is_taken(&error) => return Ok(false),
                Err(error) => return Err(store_error(error)),
            }
        }
        Ok(true)
    }

    async fn insert_events(&mut self, write: &Write<'_>) -> Result<(), StoreError> {
        for chunk in write.sealed.chunks(ROWS) {
            let mut query = QueryBuilder::new(
                "INSERT INTO events (book, position, leaf, leaf_hash, fact_hash, event_id, word, subject, connection, \
                 occurred_at, recorded_at, book_date) ",
            );
            query.push_values(chunk, |mut row, sealed| {
                let columns = EventColumns::of(sealed);
                row.push_bind(self.book.0)
                    .push_bind(column(columns.position))
                    .push_bind(sealed.leaf.clone())
                    .push_bind(columns.leaf_hash.0.to_vec())
                    .push_bind(columns.fact_hash.0.to_vec())
                    .push_bind(columns.event_id.0)
                    .push_bind(columns.word)
                    .push_bind(columns.subject.0)
                    .push_bind(columns.connection.map(|id| id.0))
                    .push_bind(columns.occurred_at.micros())
                    .push_bind(columns.recorded_at.micros())
                    .push_bind(columns.book_date);
            });
            self.execute(query, chunk.len() == ROWS).await?;
        }
        Ok(())
    }

    async fn insert_lines(&mut self, write: &Write<'_>) -> Result<(), StoreError> {
        let lines: Vec<_> = write
            .sealed
            .iter()
            .flat_map(|sealed| sealed.event.record.lines.0.iter().map(move |line| (sealed, line)))
            .collect();
        for chunk in lines.chunks(ROWS) {
            let mut query = QueryBuilder::new(
                "INSERT INTO lines (book, position, n, account, currency, amount, open_item, payment, component, \
                 bearer) ",
            );
            query.push_values(chunk, |mut row, (sealed, line)| {
                row.push_bind(self.book.0)
                    .push_bind(column(sealed.event.record.position))
                    .push_bind(i64::from(line.n))
                    .push_bind(line.account.clone())
                    .push_bind(line.currency.to_string())
                    .push_bind(line.amount.scaled())
                    .push_bind(line.open_item.map(|id| id.0))
                    .push_bind(line.payment_id.map(|id| id.0))
                    .push_bind(line.component.map(|word| word.as_str()))
                    .push_bind(line.bearer.map(|word| word.as_str()));
            });
            self.execute(query, chunk.len() == ROWS).await?;
        }
        Ok(())
    }

    async fn upsert_rest(&mut self, write: &Write<'_>) -> Result<(), StoreError> {
        let size = column(write.head.size);
        for chunk in write.subjects.chunks(ROWS) {
            let mut query = QueryBuilder::new("INSERT INTO subjects (book, subject, state, position) ");
            query.push_values(chunk, |mut row, (subject, state)| {
                row.push_bind(self.book.0).push_bind(subject.0).push_bind(state.clone()).push_bind(size);
            });
            query.push(
                " ON CONFLICT (book, subject) DO UPDATE SET state = excluded.state, position = excluded.position",
            );
            self.execute(query, chunk.len() == ROWS).await?;
        }
        for (wallet, balance) in &write.wallets {
            sqlx::query(
                "INSERT INTO wallets (book, wallet, currency, posted, held, reserved, position) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (book, wallet) DO UPDATE SET \
                 posted = excluded.posted, held = excluded.held, reserved = excluded.reserved, \
                 position = excluded.position",
            )
            .bind(self.book.0)
            .bind(wallet.0)
            .bind(balance.currency.to_string())
            .bind(balance.posted.scaled())
            .bind(balance.held.scaled())
            .bind(balance.reserved.scaled())
            .bind(column(balance.position))
            .execute(&mut *self.tx)
            .await
            .map_err(store_error)?;
        }
        if let Some(config) = &write.config {
            sqlx::query(
                "INSERT INTO configs (book, position, config) VALUES ($1, $2, $3) ON CONFLICT (book) DO UPDATE SET \
                 position = excluded.position, config = excluded.config",
            )
            .bind(self.book.0)
            .bind(column(write.head.configuration))
            .bind(config)
            .execute(&mut *self.tx)
            .await
            .map_err(store_error)?;
        }
        sqlx::query(
            "UPDATE heads SET size = $2, root = $3, edge = $4, recorded_at = $5, configuration = $6 WHERE book = $1",
        )
        .bind(self.book.0)
        .bind(size)
        .bind(write.head.root.0.to_vec())
        .bind(write.head.edge.clone())
        .bind(write.head.recorded_at.micros())
        .bind(column(write.head.configuration))
        .execute(&mut *self.tx)
        .await
        .map_err(store_error)?;
        Ok(())
    }
}

async fn select_keys(
    connection: &mut SqliteConnection,
    book: BookId,
    keys: &[Key],
) -> Result<Vec<(Key, KnownKey)>, StoreError> {
    let mut found = Vec::new();
    for kind in [KeyKind::Event, KeyKind::Posting, KeyKind::Operator] {
        let list = hex_list(keys.iter().filter(|key| key.kind == kind).map(|key| key.bytes.as_slice()));
        let rows = sqlx::query_as(
            "SELECT kind, key, position, fact_hash, leaf_hash FROM keys WHERE book = $1 AND kind = $2 \
             AND key IN (SELECT unhex(value) FROM json_each($3))",
        )
        .bind(book.0)
        .bind(kind as i64)
        .bind(list)
        .fetch_all(&mut *connection)
        .await
        .map_err(store_error)?;
        for row in rows {
            found.push(known_key(row)?);
        }
    }
    Ok(found)
}

/// A JSON list of hex texts: one bound value for any number of ids.
fn hex_list<'a>(items: impl Iterator<Item = &'a [u8]>) -> String {
    let quoted: Vec<String> = items.map(|bytes| format!("\"{}\"", hex::encode(bytes))).collect();
    format!("[{}]", quoted.join(","))
}

/// The key is in the book: SQLITE_CONSTRAINT_TRIGGER, _PRIMARYKEY or _UNIQUE.
fn is_taken(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|database| database.code());
    matches!(code.as_deref(), Some("1811" | "1555" | "2067"))
}

pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(database) => match database.code().as_deref() {
            // SQLITE_BUSY and SQLITE_LOCKED with their extended forms.
            Some("5" | "6" | "261" | "517" | "773") => StoreError::Retry(error.to_string()),
            Some("11" | "26") => StoreError::Damaged(error.to_string()),
            _ => StoreError::Unavailable(error.to_string()),
        },
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => StoreError::Damaged(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

shared_store!(SqliteStore);
