//! A simulator's durable file: SQLite, one connection, WAL, `synchronous=FULL`.
//!
//! Two tables are the same for every provider: `clock` (the latest simulated time of any commit, so that a restart
//! does not go back) and `asked` (how often an object was asked about, so that faults repeat in a seeded way and end).

use std::path::Path;
use std::time::Duration;

use ensimbi_events::Time;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row, Sqlite, SqliteConnection, SqlitePool, Transaction};

use super::{Result, SimulatorError};

const COMMON: &str = "
CREATE TABLE clock (one INTEGER PRIMARY KEY CHECK (one = 1), now_us INTEGER NOT NULL) STRICT;
CREATE TABLE asked (
    what TEXT NOT NULL, object TEXT NOT NULL, times INTEGER NOT NULL, streak INTEGER NOT NULL,
    PRIMARY KEY (what, object)
) STRICT, WITHOUT ROWID;
";

/// What makes a file this provider's.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The provider's short name, for messages.
    pub provider: &'static str,
    /// SQLite's `application_id`, not 0.
    pub application_id: i32,
    /// Version of the tables, from 1.
    pub version: i32,
    /// Creates the provider's own tables and sets both numbers above.
    pub create: &'static str,
}

/// An open file.
#[derive(Debug, Clone)]
pub struct File {
    pool: SqlitePool,
}

impl File {
    /// Opens the file, or makes it where there is none.
    ///
    /// # Errors
    /// [`SimulatorError::Foreign`] where the file is another program's; [`SimulatorError::Store`] otherwise.
    pub async fn open(path: &Path, schema: Schema) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        // One connection is the one writer; work queues here in order instead of failing on a lock.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(Duration::from_secs(30))
            .connect_with(options)
            .await?;
        let file = Self { pool };
        file.prepare(schema).await?;
        Ok(file)
    }

    async fn prepare(&self, schema: Schema) -> Result<()> {
        let mut tx = self.begin().await?;
        let application: i32 = sqlx::query("PRAGMA application_id").fetch_one(&mut *tx).await?.try_get(0)?;
        let version: i32 = sqlx::query("PRAGMA user_version").fetch_one(&mut *tx).await?.try_get(0)?;
        let tables: i64 = sqlx::query("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *tx).await?.try_get(0)?;
        if tables == 0 && application == 0 {
            sqlx::raw_sql(COMMON).execute(&mut *tx).await?;
            sqlx::raw_sql(schema.create).execute(&mut *tx).await?;
        } else if application != schema.application_id || version != schema.version {
            return Err(SimulatorError::Foreign(format!(
                "the file is no simulator file of {} in version {}; name another file or remove it",
                schema.provider, schema.version
            )));
        }
        tx.commit().await?;
        Ok(())
    }

    /// Starts a transaction that holds the write lock. Dropping it undoes it.
    ///
    /// # Errors
    /// As the database says.
    pub async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Waits for work in progress and closes the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Keeps the simulated time with what is being written. It never goes back.
///
/// # Errors
/// As the database says.
pub async fn keep_time(db: &mut SqliteConnection, now: Time) -> Result<()> {
    sqlx::query(
        "INSERT INTO clock (one, now_us) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET now_us = max(now_us, ?1)",
    )
    .bind(now.micros())
    .execute(db)
    .await?;
    Ok(())
}

/// The latest simulated time that was kept.
///
/// # Errors
/// As the database says.
pub async fn kept_time(db: &mut SqliteConnection) -> Result<Option<Time>> {
    let row = sqlx::query("SELECT now_us FROM clock WHERE one = 1").fetch_optional(db).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.map(Time::from_micros))
}

/// Counts a question about an object. Gives which one this is, from 1, and how many faults stand in a row before it.
///
/// # Errors
/// As the database says.
pub async fn ask(db: &mut SqliteConnection, what: &str, object: &str) -> Result<(u64, u64)> {
    let row = sqlx::query(
        "INSERT INTO asked (what, object, times, streak) VALUES (?1, ?2, 1, 0)
         ON CONFLICT (what, object) DO UPDATE SET times = times + 1 RETURNING times, streak",
    )
    .bind(what)
    .bind(object)
    .fetch_one(db)
    .await?;
    let (times, streak): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    Ok((times.unsigned_abs(), streak.unsigned_abs()))
}

/// Stores how many faults in a row an object has now had.
///
/// # Errors
/// As the database says.
pub async fn set_streak(db: &mut SqliteConnection, what: &str, object: &str, streak: u64) -> Result<()> {
    sqlx::query("UPDATE asked SET streak = ?3 WHERE what = ?1 AND object = ?2")
        .bind(what)
        .bind(object)
        .bind(i64::try_from(streak).unwrap_or(i64::MAX))
        .execute(db)
        .await?;
    Ok(())
}
