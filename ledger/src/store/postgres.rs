//! PostgreSQL: schema `book`, worked on as the role `ensimbi_book`, which may only insert into events, lines and keys.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::event::Line;
use ensimbi_events::ports::{AccountBalance, BookReader, DatedBalances, Head, LineFilter, ReadError, StoredLeaf};
use ensimbi_events::{Amount, BookId, EventId, SubjectId, Time, WalletId};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::columns::{EventColumns, column, columns, count, hash, line};
use super::reads::{self, shared_store};
use super::{AppendTx, HeadRow, PAGE_MAX, Store, StoreError, Write, dated};
use crate::decide::{Key, KeyKind, KnownKey, WalletBalance};

const POOL: u32 = 8;

/// Books in one PostgreSQL database.
pub struct PostgresStore {
    pool: PgPool,
    warnings: Vec<String>,
}

impl PostgresStore {
    /// Connects, brings the schema up to date as the URL's role, and works on as `ensimbi_book`.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with a sentence where the database is not ours, not safe, or too old;
    /// [`StoreError::Unavailable`] where it does not answer.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| StoreError::Unusable("database_url: expected postgres://user@host/database".to_owned()))?
            .application_name("ensimbi-book");
        let mut connection = PgConnection::connect_with(&options).await.map_err(store_error)?;
        let warnings = check_settings(&mut connection).await?;
        prepare_schema(&mut connection).await?;
        connection.close().await.map_err(store_error)?;
        let pool = PgPoolOptions::new()
            .max_connections(POOL)
            .acquire_timeout(Duration::from_secs(5))
            .after_connect(|connection, _| {
                Box::pin(async move {
                    sqlx::raw_sql(
                        "SET ROLE ensimbi_book; SET search_path = book; SET lock_timeout = '10s'; \
                         SET idle_in_transaction_session_timeout = '30s'; SET plan_cache_mode = force_custom_plan",
                    )
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .connect_with(options)
            .await
            .map_err(store_error)?;
        Ok(Self { pool, warnings })
    }

    const fn writes(&self) -> &PgPool {
        &self.pool
    }

    const fn reads(&self) -> &PgPool {
        &self.pool
    }

    async fn lock_head(&self, book: BookId) -> Result<Box<dyn AppendTx>, StoreError> {
        let mut tx = self.pool.begin().await.map_err(store_error)?;
        let row = sqlx::query_as(
            "SELECT size, root, edge, epoch, recorded_at, configuration FROM heads WHERE book = $1 FOR UPDATE",
        )
        .bind(book.0)
        .fetch_optional(&mut *tx)
        .await
        .map_err(store_error)?;
        let row = row.ok_or_else(|| StoreError::Unusable(format!("book {book} does not exist in this store")))?;
        Ok(Box::new(PostgresTx { tx, book, head: head_row(row)? }))
    }

    async fn leaves_at(&self, book: BookId, positions: &[u64]) -> Result<Vec<(i64, Vec<u8>, Vec<u8>)>, StoreError> {
        let positions: Vec<i64> = positions.iter().map(|position| column(*position)).collect();
        sqlx::query_as(
            "SELECT position, leaf_hash, leaf FROM events WHERE book = $1 AND position = ANY($2) ORDER BY position",
        )
        .bind(book.0)
        .bind(positions)
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)
    }

    async fn sums_at(&self, book: BookId, to: &str, position: u64) -> Result<Vec<AccountBalance>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(store_error)?;
        dated::in_postgres(&mut connection, book, to, position).await
    }

    async fn balances(&self, book: BookId) -> Result<(u64, Vec<AccountBalance>), StoreError> {
        let mut tx =
            self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map_err(store_error)?;
        let head = sqlx::query_as(reads::HEAD).bind(book.0).fetch_optional(&mut *tx).await.map_err(store_error)?;
        let size = head.map(head_row).transpose()?.map_or(0, |head| head.size);
        // A sum of bigint is numeric: as text it keeps all digits.
        let rows: Vec<(String, String, String, String)> = sqlx::query_as(
            "SELECT account, currency, COALESCE(SUM(amount) FILTER (WHERE amount > 0), 0)::text, \
             COALESCE(-SUM(amount) FILTER (WHERE amount < 0), 0)::text \
             FROM lines WHERE book = $1 GROUP BY account, currency ORDER BY account COLLATE \"C\", currency",
        )
        .bind(book.0)
        .fetch_all(&mut *tx)
        .await
        .map_err(store_error)?;
        let mut balances = Vec::with_capacity(rows.len());
        for (account, currency, debit, credit) in rows {
            let damaged = |what: &str| StoreError::Damaged(format!("account {account}: {what}"));
            balances.push(AccountBalance {
                currency: currency.parse().map_err(|_| damaged("currency"))?,
                debit: debit.parse().map_err(|_| damaged("debit sum"))?,
                credit: credit.parse().map_err(|_| damaged("credit sum"))?,
                account,
            });
        }
        Ok((size, balances))
    }
}

/// Refuses a server that may lose what it acknowledged; names what is only unusual.
async fn check_settings(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int")
        .fetch_one(&mut *connection)
        .await
        .map_err(store_error)?;
    if version < 150_000 {
        return Err(StoreError::Unusable(format!("PostgreSQL 15 or later is needed; this server is {version}")));
    }
    for name in ["fsync", "full_page_writes", "synchronous_commit"] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(name)
            .fetch_one(&mut *connection)
            .await
            .map_err(store_error)?;
        if value == "off" {
            return Err(StoreError::Unusable(format!(
                "the server runs with {name} = off and may lose what it acknowledged; set {name} = on"
            )));
        }
    }
    Ok(Vec::new())
}

/// Makes role and schema, and migrates; a schema of that name with other tables is somebody else's.
async fn prepare_schema(connection: &mut PgConnection) -> Result<(), StoreError> {
    // One process at a time; the lock ends with the connection.
    sqlx::raw_sql("SELECT pg_advisory_lock(hashtext('ensimbi book schema'))")
        .execute(&mut *connection)
        .await
        .map_err(store_error)?;
    let tables: Vec<(String,)> = sqlx::query_as("SELECT tablename::text FROM pg_tables WHERE schemaname = 'book'")
        .fetch_all(&mut *connection)
        .await
        .map_err(store_error)?;
    let has = |name: &str| tables.iter().any(|(table,)| table == name);
    let ours = ["_sqlx_migrations", "heads", "events"].into_iter().all(has);
    if !tables.is_empty() && !ours {
        return Err(StoreError::Unusable(
            "the schema book in this database belongs to something else; name another database with --database-url"
                .to_owned(),
        ));
    }
    sqlx::raw_sql(
        "DO $$ BEGIN \
           IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'ensimbi_book') THEN CREATE ROLE ensimbi_book NOLOGIN; END IF; \
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; \
         DO $$ BEGIN \
           IF NOT pg_has_role(current_user, 'ensimbi_book', 'MEMBER') THEN EXECUTE format('GRANT ensimbi_book TO %I', current_user); END IF; \
         END $$; \
         CREATE SCHEMA IF NOT EXISTS book; GRANT USAGE ON SCHEMA book TO ensimbi_book; SET search_path = book",
    )
    .execute(&mut *connection)
    .await
    .map_err(|error| StoreError::Unusable(format!("role ensimbi_book and schema book cannot be made: {error}")))?;
    sqlx::migrate!("migrations/postgres")
        .run(&mut *connection)
        .await
        .map_err(|error| StoreError::Unusable(format!("the schema book is another than this program knows: {error}")))
}

struct PostgresTx {
    tx: Transaction<'static, Postgres>,
    book: BookId,
    head: HeadRow,
}

#[async_trait]
impl AppendTx for PostgresTx {
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
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows: Vec<(Uuid, String)> =
            sqlx::query_as("SELECT subject, state FROM subjects WHERE book = $1 AND subject = ANY($2)")
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
        dated::in_postgres(&mut self.tx, self.book, to, self.head.size).await
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

impl PostgresTx {
    /// The unique index decides; looking up first would cost every batch for the rare repeat.
    async fn insert_keys(&mut self, write: &Write<'_>) -> Result<bool, StoreError> {
        let (mut kinds, mut keys, mut positions, mut facts, mut leaves) = (vec![], vec![], vec![], vec![], vec![]);
        for sealed in write.sealed {
            for key in &sealed.keys {
                kinds.push(key.kind as i64);
                keys.push(key.bytes.clone());
                positions.push(column(sealed.event.record.position));
                facts.push(sealed.fact_hash.0.to_vec());
                leaves.push(sealed.leaf_hash.0.to_vec());
            }
        }
        let expected = keys.len() as u64;
        let done = sqlx::query(
            "INSERT INTO keys (book, kind, key, position, fact_hash, leaf_hash) \
             SELECT $1, * FROM UNNEST($2::bigint[], $3::bytea[], $4::bigint[], $5::bytea[], $6::bytea[]) \
             ON CONFLICT DO NOTHING",
        )
        .bind(self.book.0)
        .bind(kinds)
        .bind(keys)
        .bind(positions)
        .bind(facts)
        .bind(leaves)
        .execute(&mut *self.tx)
        .await
        .map_err(store_error)?;
        Ok(done.rows_affected() == expected)
    }

    async fn insert_events(&mut self, write: &Write<'_>) -> Result<(), StoreError> {
        let all: Vec<EventColumns> = write.sealed.iter().map(EventColumns::of).collect();
        sqlx::query(
            "INSERT INTO events (book, position, leaf, leaf_hash, fact_hash, event_id, word, subject, connection, \
             occurred_at, recorded_at, book_date) SELECT $1, * FROM UNNEST($2::bigint[], $3::bytea[], $4::bytea[], \
             $5::bytea[], $6::uuid[], $7::text[], $8::uuid[], $9::uuid[], $10::bigint[], $11::bigint[], $12::text[])",
        )
        .bind(self.book.0)
        .bind(all.iter().map(|c| column(c.position)).collect::<Vec<_>>())
        .bind(write.sealed.iter().map(|sealed| sealed.leaf.as_slice()).collect::<Vec<_>>())
        .bind(all.iter().map(|c| c.leaf_hash.0.to_vec()).collect::<Vec<_>>())
        .bind(all.iter().map(|c| c.fact_hash.0.to_vec()).collect::<Vec<_>>())
        .bind(all.iter().map(|c| c.event_id.0).collect::<Vec<_>>())
        .bind(all.iter().map(|c| c.word.as_str()).collect::<Vec<_>>())
        .bind(all.iter().map(|c| c.subject.0).collect::<Vec<_>>())
        .bind(all.iter().map(|c| c.connection.map(|id| id.0)).collect::<Vec<_>>())
        .bind(all.iter().map(|c| c.occurred_at.micros()).collect::<Vec<_>>())
        .bind(all.iter().map(|c| c.recorded_at.micros()).collect::<Vec<_>>())
        .bind(all.iter().map(|c| c.book_date.as_str()).collect::<Vec<_>>())
        .execute(&mut *self.tx)
        .await
        .map_err(store_error)?;
        Ok(())
    }

    async fn insert_lines(&mut self, write: &Write<'_>) -> Result<(), StoreError> {
        let lines: Vec<(i64, &Line)> = write
            .sealed
            .iter()
            .flat_map(|sealed| {
                let position = column(sealed.event.record.position);
                sealed.event.record.lines.0.iter().map(move |line| (position, line))
            })
            .collect();
        if lines.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO lines (book, position, n, account, currency, amount, open_item, payment, component, bearer) \
             SELECT $1, * FROM UNNEST($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::uuid[], \
             $8::uuid[], $9::text[], $10::text[])",
        )
        .bind(self.book.0)
        .bind(lines.iter().map(|(position, _)| *position).collect::<Vec<_>>())
        .bind(lines.iter().map(|(_, line)| i64::from(line.n)).collect::<Vec<_>>())
        .bind(lines.iter().map(|(_, line)| line.account.as_str()).collect::<Vec<_>>())
        .bind(lines.iter().map(|(_, line)| line.currency.to_string()).collect::<Vec<_>>())
        .bind(lines.iter().map(|(_, line)| line.amount.scaled()).collect::<Vec<_>>())
        .bind(lines.iter().map(|(_, line)| line.open_item.map(|id| id.0)).collect::<Vec<_>>())
        .bind(lines.iter().map(|(_, line)| line.payment_id.map(|id| id.0)).collect::<Vec<_>>())
        .bind(lines.iter().map(|(_, line)| line.component.map(|word| word.as_str())).collect::<Vec<_>>())
        .bind(lines.iter().map(|(_, line)| line.bearer.map(|word| word.as_str())).collect::<Vec<_>>())
        .execute(&mut *self.tx)
        .await
        .map_err(store_error)?;
        Ok(())
    }

    async fn upsert_rest(&mut self, write: &Write<'_>) -> Result<(), StoreError> {
        let size = column(write.head.size);
        sqlx::query(
            "INSERT INTO subjects (book, subject, state, position) \
             SELECT $1, *, $4 FROM UNNEST($2::uuid[], $3::text[]) ON CONFLICT (book, subject) DO UPDATE SET \
             state = excluded.state, position = excluded.position",
        )
        .bind(self.book.0)
        .bind(write.subjects.iter().map(|(subject, _)| subject.0).collect::<Vec<_>>())
        .bind(write.subjects.iter().map(|(_, state)| state.as_str()).collect::<Vec<_>>())
        .bind(size)
        .execute(&mut *self.tx)
        .await
        .map_err(store_error)?;
        if !write.wallets.is_empty() {
            let balances = || write.wallets.iter().map(|(_, balance)| balance);
            sqlx::query(
                "INSERT INTO wallets (book, wallet, currency, posted, held, reserved, position) SELECT $1, * FROM \
                 UNNEST($2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) \
                 ON CONFLICT (book, wallet) DO UPDATE SET posted = excluded.posted, held = excluded.held, \
                 reserved = excluded.reserved, position = excluded.position",
            )
            .bind(self.book.0)
            .bind(write.wallets.iter().map(|(wallet, _)| wallet.0).collect::<Vec<_>>())
            .bind(balances().map(|balance| balance.currency.to_string()).collect::<Vec<_>>())
            .bind(balances().map(|balance| balance.posted.scaled()).collect::<Vec<_>>())
            .bind(balances().map(|balance| balance.held.scaled()).collect::<Vec<_>>())
            .bind(balances().map(|balance| balance.reserved.scaled()).collect::<Vec<_>>())
            .bind(balances().map(|balance| column(balance.position)).collect::<Vec<_>>())
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
        .bind(&write.head.edge)
        .bind(write.head.recorded_at.micros())
        .bind(column(write.head.configuration))
        .execute(&mut *self.tx)
        .await
        .map_err(store_error)?;
        Ok(())
    }
}

async fn select_keys(
    connection: &mut PgConnection,
    book: BookId,
    keys: &[Key],
) -> Result<Vec<(Key, KnownKey)>, StoreError> {
    let rows = sqlx::query_as(
        "SELECT k.kind, k.key, k.position, k.fact_hash, k.leaf_hash FROM keys k \
         JOIN UNNEST($2::bigint[], $3::bytea[]) AS wanted (kind, key) ON k.kind = wanted.kind AND k.key = wanted.key \
         WHERE k.book = $1",
    )
    .bind(book.0)
    .bind(keys.iter().map(|key| key.kind as i64).collect::<Vec<_>>())
    .bind(keys.iter().map(|key| key.bytes.as_slice()).collect::<Vec<_>>())
    .fetch_all(&mut *connection)
    .await
    .map_err(store_error)?;
    rows.into_iter().map(known_key).collect()
}

pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(database) => match database.code().as_deref() {
            // Serialization failure, deadlock, lock not available.
            Some("40001" | "40P01" | "55P03") => StoreError::Retry(error.to_string()),
            // Data corrupted, index corrupted.
            Some("XX001" | "XX002") => StoreError::Damaged(error.to_string()),
            _ => StoreError::Unavailable(error.to_string()),
        },
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => StoreError::Damaged(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

shared_store!(PostgresStore);
