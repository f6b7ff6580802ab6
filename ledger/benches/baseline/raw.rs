//! The baseline: the same rows into the same tables by plain multi-row inserts, 1,000 events a commit, nothing decided.

use std::path::Path;

use ensimbi_events::event::Line;
use ensimbi_ledger::decide::{Key, Sealed};
use ensimbi_ledger::store::EventColumns;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, QueryBuilder, Sqlite, SqliteConnection};

const ROWS: usize = 100;

pub enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// A database with a name of its own.
pub async fn fresh_database(url: &str) -> String {
    let name = format!("bench_{}", std::process::id());
    let mut connection = PgConnection::connect(url).await.unwrap();
    for verb in ["DROP DATABASE IF EXISTS ", "CREATE DATABASE "] {
        let mut sql = QueryBuilder::<sqlx::Postgres>::new(verb);
        sql.push(&name);
        sql.build().persistent(false).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    options.database(&name).to_url_lossy().to_string()
}

impl Raw {
    /// The book's own tables and indexes, without triggers.
    pub async fn sqlite(path: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut connection = options.connect().await.unwrap();
        let schema = include_str!("../../migrations/sqlite/0001_book.sql");
        let tables = schema.split("CREATE TRIGGER").next().unwrap();
        connection.execute(sqlx::AssertSqlSafe(tables)).await.unwrap();
        Self::Sqlite(connection)
    }

    /// Copies of the book's tables with their indexes.
    pub async fn postgres(url: &str) -> Self {
        let mut connection = PgConnection::connect(url).await.unwrap();
        connection
            .execute(
                "CREATE SCHEMA raw; SET search_path = raw; SET plan_cache_mode = force_custom_plan; \
                 CREATE TABLE events (LIKE book.events INCLUDING ALL); \
                 CREATE TABLE lines (LIKE book.lines INCLUDING ALL); \
                 CREATE TABLE keys (LIKE book.keys INCLUDING ALL)",
            )
            .await
            .unwrap();
        Self::Postgres(connection)
    }

    pub async fn insert(&mut self, batch: &[Sealed]) {
        let lines: Vec<(i64, &Line)> =
            batch.iter().flat_map(|of| of.event.record.lines.0.iter().map(move |line| (place(of), line))).collect();
        let keys: Vec<(&Sealed, &Key)> = batch.iter().flat_map(|of| of.keys.iter().map(move |key| (of, key))).collect();
        match self {
            Self::Sqlite(connection) => sqlite(connection, batch, &lines, &keys).await,
            Self::Postgres(connection) => postgres(connection, batch, &lines, &keys).await,
        }
    }
}

fn place(sealed: &Sealed) -> i64 {
    i64::try_from(sealed.event.record.position).unwrap()
}

async fn sqlite(connection: &mut SqliteConnection, batch: &[Sealed], lines: &[(i64, &Line)], keys: &[(&Sealed, &Key)]) {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
    for chunk in batch.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO events (book, position, leaf, leaf_hash, fact_hash, event_id, word, subject, connection, \
             occurred_at, recorded_at, book_date) ",
        );
        query.push_values(chunk, |mut row, sealed| {
            let c = EventColumns::of(sealed);
            row.push_bind(sealed.event.record.book.0).push_bind(place(sealed)).push_bind(sealed.leaf.clone());
            row.push_bind(c.leaf_hash.0.to_vec()).push_bind(c.fact_hash.0.to_vec()).push_bind(c.event_id.0);
            row.push_bind(c.word).push_bind(c.subject.0).push_bind(c.connection.map(|id| id.0));
            row.push_bind(c.occurred_at.micros()).push_bind(c.recorded_at.micros()).push_bind(c.book_date);
        });
        query.build().persistent(chunk.len() == ROWS).execute(&mut *tx).await.unwrap();
    }
    for chunk in lines.chunks(ROWS) {
        let book = batch[0].event.record.book.0;
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO lines (book, position, n, account, currency, amount, open_item, payment, component, bearer) ",
        );
        query.push_values(chunk, |mut row, (position, line)| {
            row.push_bind(book).push_bind(*position).push_bind(i64::from(line.n)).push_bind(line.account.clone());
            row.push_bind(line.currency.to_string()).push_bind(line.amount.scaled());
            row.push_bind(line.open_item.map(|id| id.0)).push_bind(line.payment_id.map(|id| id.0));
            row.push_bind(line.component.map(|word| word.as_str())).push_bind(line.bearer.map(|word| word.as_str()));
        });
        query.build().persistent(chunk.len() == ROWS).execute(&mut *tx).await.unwrap();
    }
    for chunk in keys.chunks(ROWS) {
        let mut query =
            QueryBuilder::<Sqlite>::new("INSERT INTO keys (book, kind, key, position, fact_hash, leaf_hash) ");
        query.push_values(chunk, |mut row, (sealed, key)| {
            row.push_bind(sealed.event.record.book.0).push_bind(key.kind as i64).push_bind(key.bytes.clone());
            row.push_bind(place(sealed)).push_bind(sealed.fact_hash.0.to_vec()).push_bind(sealed.leaf_hash.0.to_vec());
        });
        query.build().persistent(chunk.len() == ROWS).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn postgres(connection: &mut PgConnection, batch: &[Sealed], lines: &[(i64, &Line)], keys: &[(&Sealed, &Key)]) {
    let book = batch[0].event.record.book.0;
    let all: Vec<EventColumns> = batch.iter().map(EventColumns::of).collect();
    let mut tx = connection.begin().await.unwrap();
    sqlx::query(
        "INSERT INTO events (book, position, leaf, leaf_hash, fact_hash, event_id, word, subject, connection, \
         occurred_at, recorded_at, book_date) SELECT $1, * FROM UNNEST($2::bigint[], $3::bytea[], $4::bytea[], \
         $5::bytea[], $6::uuid[], $7::text[], $8::uuid[], $9::uuid[], $10::bigint[], $11::bigint[], $12::text[])",
    )
    .bind(book)
    .bind(batch.iter().map(place).collect::<Vec<_>>())
    .bind(batch.iter().map(|sealed| sealed.leaf.as_slice()).collect::<Vec<_>>())
    .bind(all.iter().map(|c| c.leaf_hash.0.to_vec()).collect::<Vec<_>>())
    .bind(all.iter().map(|c| c.fact_hash.0.to_vec()).collect::<Vec<_>>())
    .bind(all.iter().map(|c| c.event_id.0).collect::<Vec<_>>())
    .bind(all.iter().map(|c| c.word.as_str()).collect::<Vec<_>>())
    .bind(all.iter().map(|c| c.subject.0).collect::<Vec<_>>())
    .bind(all.iter().map(|c| c.connection.map(|id| id.0)).collect::<Vec<_>>())
    .bind(all.iter().map(|c| c.occurred_at.micros()).collect::<Vec<_>>())
    .bind(all.iter().map(|c| c.recorded_at.micros()).collect::<Vec<_>>())
    .bind(all.iter().map(|c| c.book_date.as_str()).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO lines (book, position, n, account, currency, amount, open_item, payment, component, bearer) \
         SELECT $1, * FROM UNNEST($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::uuid[], \
         $8::uuid[], $9::text[], $10::text[])",
    )
    .bind(book)
    .bind(lines.iter().map(|(position, _)| *position).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| i64::from(line.n)).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.account.as_str()).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.currency.to_string()).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.amount.scaled()).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.open_item.map(|id| id.0)).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.payment_id.map(|id| id.0)).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.component.map(|word| word.as_str())).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.bearer.map(|word| word.as_str())).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO keys (book, kind, key, position, fact_hash, leaf_hash) \
         SELECT $1, * FROM UNNEST($2::bigint[], $3::bytea[], $4::bigint[], $5::bytea[], $6::bytea[])",
    )
    .bind(book)
    .bind(keys.iter().map(|(_, key)| key.kind as i64).collect::<Vec<_>>())
    .bind(keys.iter().map(|(_, key)| key.bytes.clone()).collect::<Vec<_>>())
    .bind(keys.iter().map(|(sealed, _)| place(sealed)).collect::<Vec<_>>())
    .bind(keys.iter().map(|(sealed, _)| sealed.fact_hash.0.to_vec()).collect::<Vec<_>>())
    .bind(keys.iter().map(|(sealed, _)| sealed.leaf_hash.0.to_vec()).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
}
