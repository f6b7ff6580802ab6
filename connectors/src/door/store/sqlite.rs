//! SQLite: WAL, `synchronous=FULL`, one writer connection and a pool of readers.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Column, ConnectOptions, Connection, Row as _, SqlitePool, TypeInfo, ValueRef};

use super::value::{Cell, Row, Value};
use super::{LOCK_TIMEOUT, MIGRATIONS};
use crate::door::{DoorError, error};

const READERS: u32 = 4;

fn schema() -> Migrator {
    sqlx::migrate!("migrations/sqlite")
}

/// Opens the file, after looking whether it is ours.
pub(super) async fn open(path: &Path) -> Result<(SqlitePool, SqlitePool), DoorError> {
    let options = options(path);
    look(path).await?;
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .acquire_timeout(LOCK_TIMEOUT)
        .connect_with(options.clone())
        .await?;
    let mut migrator = schema();
    migrator.dangerous_set_table_name(MIGRATIONS);
    let mut connection = writer.acquire().await?;
    // Not `run`: its future cannot be moved between threads (its bound is on one lifetime only).
    let migrated = migrator.run_direct(None, &mut *connection, false).await;
    drop(connection);
    migrated.map_err(|why| error::migration(&path.display().to_string(), why))?;
    Ok((writer, readers(options).await?))
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(LOCK_TIMEOUT)
        .disable_statement_logging()
}

async fn readers(options: SqliteConnectOptions) -> Result<SqlitePool, DoorError> {
    let pool = SqlitePoolOptions::new().max_connections(READERS).acquire_timeout(LOCK_TIMEOUT);
    Ok(pool.connect_with(options.create_if_missing(false).pragma("query_only", "1")).await?)
}

/// Opens readers alone, on a file that must be ours and of today's schema.
pub(super) async fn open_to_read(path: &Path) -> Result<SqlitePool, DoorError> {
    let place = path.display();
    let missing = || DoorError::Foreign(format!("{place} is not there; start `ensimbi serve` on this folder first"));
    if !path.exists() {
        return Err(missing());
    }
    look(path).await?;
    let readers = readers(options(path)).await?;
    let tables: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE name = '_door_migrations'")
        .fetch_one(&readers)
        .await?;
    if tables == 0 {
        return Err(missing());
    }
    let applied: Vec<(i64, bool, Vec<u8>)> =
        sqlx::query_as("SELECT version, success, checksum FROM _door_migrations ORDER BY version")
            .fetch_all(&readers)
            .await?;
    let known: Vec<(i64, bool, Vec<u8>)> =
        schema().iter().map(|step| (step.version, true, step.checksum.to_vec())).collect();
    if applied == known {
        return Ok(readers);
    }
    let text = format!("{place} has another schema than this program knows; start `ensimbi serve` on it first");
    Err(DoorError::Foreign(text))
}

/// Refuses a file that is no database, or somebody else's, before anything in it is touched.
async fn look(path: &Path) -> Result<(), DoorError> {
    if !path.exists() {
        return Ok(());
    }
    let place = path.display();
    let options = SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging();
    let foreign = |what: String| DoorError::Foreign(format!("{place} is not the door's database: {what}"));
    let not_sqlite = |error: sqlx::Error| match error.as_database_error().and_then(|e| e.code()) {
        // SQLITE_NOTADB
        Some(code) if code == "26" => foreign("it is no SQLite file".into()),
        _ => DoorError::from(error),
    };
    let mut connection = SqliteConnection::connect_with(&options).await.map_err(not_sqlite)?;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name LIMIT 50")
            .fetch_all(&mut connection)
            .await
            .map_err(not_sqlite)?;
    connection.close().await?;
    if tables.is_empty() || tables.iter().any(|table| table == MIGRATIONS) {
        return Ok(());
    }
    Err(foreign(format!("it holds the tables {}", tables.join(", "))))
}

fn bind(values: Vec<Value>) -> Result<SqliteArguments, DoorError> {
    use sqlx::Arguments;
    let mut arguments = SqliteArguments::default();
    for value in values {
        let added = match value {
            Value::Int(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
            Value::Id(value) => arguments.add(value),
        };
        added.map_err(|why| DoorError::Damaged(why.to_string()))?;
    }
    Ok(arguments)
}

pub(super) async fn run(
    connection: &mut SqliteConnection,
    sql: &'static str,
    values: Vec<Value>,
) -> Result<u64, DoorError> {
    Ok(sqlx::query_with(sql, bind(values)?).execute(connection).await?.rows_affected())
}

pub(super) async fn rows(
    connection: &mut SqliteConnection,
    sql: &'static str,
    values: Vec<Value>,
) -> Result<Vec<Row>, DoorError> {
    let rows = sqlx::query_with(sql, bind(values)?).fetch_all(connection).await?;
    rows.iter().map(row).collect()
}

fn row(row: &SqliteRow) -> Result<Row, DoorError> {
    let mut cells = Vec::with_capacity(row.len());
    for column in row.columns() {
        let at = column.ordinal();
        let raw = row.try_get_raw(at)?;
        let cell = if raw.is_null() {
            Cell::Null
        } else {
            // The type of the value itself, not of the column: SQLite decides row by row.
            match raw.type_info().name() {
                "INTEGER" => Cell::Int(row.try_get(at)?),
                "TEXT" => Cell::Text(row.try_get(at)?),
                "BLOB" => Cell::Bytes(row.try_get(at)?),
                other => return Err(DoorError::Damaged(format!("a column of type {other}"))),
            }
        };
        cells.push(cell);
    }
    Ok(Row::new(cells))
}
