//! PostgreSQL: schema `door`, role `ensimbi_door`.
//!
//! Order of opening: durability settings, whether the schema is ours, the role, the migrations (under sqlx's lock, so
//! that several processes may start at once), then the pool, whose connections work as the role.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPoolOptions, PgRow};
use sqlx::{Column, ConnectOptions, Connection, Executor, PgPool, Row as _, TypeInfo, ValueRef};

use super::value::{Cell, Row, Value};
use super::{LOCK_TIMEOUT, MIGRATIONS, STATEMENT_TIMEOUT};
use crate::door::{DoorError, error};

const MAX_CONNECTIONS: u32 = 16;
const SCHEMA: &str = "door";
const OLDEST: i32 = 150_000;

const TABLES: &str = "SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n \
    ON n.oid = c.relnamespace WHERE n.nspname = 'door' AND c.relkind IN ('r', 'p', 'v', 'm') ORDER BY 1 LIMIT 50";
const DURABILITY: &str = "SELECT current_setting('fsync'), current_setting('full_page_writes'), \
    current_setting('synchronous_commit'), current_setting('server_version_num')::int4";
const HAS_ROLE: &str = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'ensimbi_door')";
const MAY_BE: &str = "SELECT pg_catalog.pg_has_role(current_user, 'ensimbi_door', 'MEMBER')";
const MAKE_ROLE: &str = "DO $$ BEGIN CREATE ROLE ensimbi_door NOLOGIN; \
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$";
const JOIN_ROLE: &str = "GRANT ensimbi_door TO CURRENT_USER";
/// Roles belong to the whole server: processes that make them at once trip over each other (`tuple concurrently
/// updated`), and the next look finds the work done.
const ROLE_TRIES: u32 = 5;
/// Session settings of every working connection.
const SESSION: &str = "SET ROLE ensimbi_door; SET search_path = door";

pub(super) async fn open(url: &str) -> Result<PgPool, DoorError> {
    let options = PgConnectOptions::from_str(url)
        // The parser's error could show the password.
        .map_err(|_| DoorError::Foreign("the database URL is not a PostgreSQL URL (postgres://user@host/name)".into()))?
        .application_name("ensimbi-door")
        .options([
            ("statement_timeout", STATEMENT_TIMEOUT.as_millis().to_string()),
            ("lock_timeout", LOCK_TIMEOUT.as_millis().to_string()),
            ("idle_in_transaction_session_timeout", STATEMENT_TIMEOUT.as_millis().to_string()),
        ])
        .disable_statement_logging();
    let mut connection = PgConnection::connect_with(&options).await?;
    check_durability(&mut connection).await?;
    look(&mut connection).await?;
    make_role(&mut connection).await?;
    let mut migrator = sqlx::migrate!("migrations/postgres");
    migrator.dangerous_set_table_name(["door", MIGRATIONS].join("."));
    migrator.create_schema(SCHEMA);
    // Not `run`: its future cannot be moved between threads (its bound is on one lifetime only).
    let migrated = migrator.run_direct(None, &mut connection, false).await;
    migrated.map_err(|why| error::migration("schema door of the database", why))?;
    connection.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(LOCK_TIMEOUT)
        .idle_timeout(Duration::from_secs(300))
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute(SESSION).await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// A server that forgets commits would make every "stored" of ours a lie.
async fn check_durability(connection: &mut PgConnection) -> Result<(), DoorError> {
    let (fsync, pages, commit, version): (String, String, String, i32) =
        sqlx::query_as(DURABILITY).fetch_one(connection).await?;
    let found = [("fsync", fsync), ("full_page_writes", pages), ("synchronous_commit", commit)];
    if let Some((name, _)) = found.iter().find(|(_, value)| value == "off") {
        return Err(DoorError::Foreign(format!("the PostgreSQL server runs with {name} = off; set it to on")));
    }
    if version < OLDEST {
        let have = version / 10_000;
        return Err(DoorError::Foreign(format!("the PostgreSQL server has version {have}; 15 or newer is needed")));
    }
    Ok(())
}

/// Refuses a schema `door` that is somebody else's.
async fn look(connection: &mut PgConnection) -> Result<(), DoorError> {
    let tables: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(connection).await?;
    if tables.is_empty() || tables.iter().any(|table| table == MIGRATIONS) {
        return Ok(());
    }
    let tables = tables.join(", ");
    Err(DoorError::Foreign(format!("schema door of the database is not the door's: it holds the tables {tables}")))
}

async fn make_role(connection: &mut PgConnection) -> Result<(), DoorError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match try_make_role(connection).await {
            Err(_) if tries < ROLE_TRIES => tokio::time::sleep(Duration::from_millis(50)).await,
            done => return done,
        }
    }
}

async fn try_make_role(connection: &mut PgConnection) -> Result<(), DoorError> {
    let there: bool = sqlx::query_scalar(HAS_ROLE).fetch_one(&mut *connection).await?;
    if !there {
        connection.execute(MAKE_ROLE).await?;
    }
    let member: bool = sqlx::query_scalar(MAY_BE).fetch_one(&mut *connection).await?;
    if !member {
        connection.execute(JOIN_ROLE).await?;
    }
    Ok(())
}

fn bind(values: Vec<Value>) -> Result<PgArguments, DoorError> {
    use sqlx::Arguments;
    let mut arguments = PgArguments::default();
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
    connection: &mut PgConnection,
    sql: &'static str,
    values: Vec<Value>,
) -> Result<u64, DoorError> {
    Ok(sqlx::query_with(sql, bind(values)?).execute(connection).await?.rows_affected())
}

pub(super) async fn rows(
    connection: &mut PgConnection,
    sql: &'static str,
    values: Vec<Value>,
) -> Result<Vec<Row>, DoorError> {
    let rows = sqlx::query_with(sql, bind(values)?).fetch_all(connection).await?;
    rows.iter().map(row).collect()
}

fn row(row: &PgRow) -> Result<Row, DoorError> {
    let mut cells = Vec::with_capacity(row.len());
    for column in row.columns() {
        let at = column.ordinal();
        let raw = row.try_get_raw(at)?;
        let cell = if raw.is_null() {
            Cell::Null
        } else {
            match column.type_info().name() {
                "INT8" => Cell::Int(row.try_get(at)?),
                "TEXT" => Cell::Text(row.try_get(at)?),
                "BYTEA" => Cell::Bytes(row.try_get(at)?),
                "UUID" => Cell::Id(row.try_get(at)?),
                other => return Err(DoorError::Damaged(format!("a column of type {other}"))),
            }
        };
        cells.push(cell);
    }
    Ok(Row::new(cells))
}
