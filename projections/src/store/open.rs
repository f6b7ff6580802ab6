//! Opening the store: the schema is brought up to date, a foreign one is refused, and the service gets only its rights.
//!
//! PostgreSQL, in order: role `ensimbi_views` if it is missing (it belongs to the whole server, so two databases may
//! make it at once), schema `views`, migrations under sqlx's own lock, rights. Then every connection of the pool takes
//! the role, which can read and write the schema's rows and nothing else.

use std::path::Path;
use std::str::FromStr;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};

use super::{Pools, StoreError, ViewStore, WAIT};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 8;

const MAKE_ROLE: &str = "DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'ensimbi_views') THEN
        CREATE ROLE ensimbi_views NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- another process was faster
END $$";
const TAKE_ROLE: &str = "DO $$ BEGIN
    IF NOT pg_has_role(current_user, 'ensimbi_views', 'MEMBER') THEN
        EXECUTE format('GRANT ensimbi_views TO %I', current_user);
    END IF;
EXCEPTION WHEN unique_violation THEN
    NULL; -- another process was faster
END $$";
const RIGHTS: &str = "DO $$ BEGIN
    -- Two processes that grant at once would fail on each other's catalogue rows.
    PERFORM pg_advisory_xact_lock(7308613714211692643);
    GRANT USAGE ON SCHEMA views TO ensimbi_views;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA views TO ensimbi_views;
    REVOKE INSERT, UPDATE, DELETE ON views._migrations FROM ensimbi_views;
END $$";

/// Tables of the schema, if there is one.
const TABLES: &str = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'views' ORDER BY tablename LIMIT 20";

/// Refuses a file that is no database, or another program's.
async fn look_sqlite(file: &Path) -> Result<(), StoreError> {
    let foreign = |what: &str| StoreError::Foreign(format!("views.db {what}; name another folder with --data"));
    let look = SqliteConnectOptions::new().filename(file).read_only(true).busy_timeout(WAIT);
    let names = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let looked = async {
        let mut connection = look.connect().await?;
        let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut connection).await?;
        connection.close().await?;
        Ok::<_, sqlx::Error>(names)
    };
    match looked.await {
        Ok(names) if names.is_empty() || names.iter().any(|name| name == "_sqlx_migrations") => Ok(()),
        Ok(_) => Err(foreign("holds tables of another program")),
        // SQLITE_NOTADB
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("26") => Err(foreign("is no database")),
        Err(error) => Err(error.into()),
    }
}

impl ViewStore {
    /// Opens or makes `views.db`.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] for a file with other tables or other migrations, else [`StoreError::Unavailable`].
    pub async fn open_sqlite(file: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(WAIT);
        // Looked at before anything is changed: WAL mode would already mark somebody else's file.
        if file.exists() {
            look_sqlite(file).await?;
        }
        let writer = SqlitePoolOptions::new().max_connections(1).acquire_timeout(WAIT);
        let writer = writer.connect_with(options.clone()).await?;
        SQLITE.run(&writer).await.map_err(migration)?;
        let readers = SqlitePoolOptions::new().max_connections(SQLITE_READERS).acquire_timeout(WAIT);
        let readers = readers.connect_lazy_with(options.create_if_missing(false).read_only(true));
        Ok(Self(Pools::Sqlite { writer, readers }))
    }

    /// Opens schema `views` of a PostgreSQL database, and makes it where it is missing and the login may.
    ///
    /// # Errors
    /// [`StoreError::Address`], [`StoreError::Foreign`] for a schema with other migrations, [`StoreError::Unavailable`].
    pub async fn open_postgres(url: &str) -> Result<Self, StoreError> {
        // The error of the parser could repeat the address, which holds a password.
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| StoreError::Address("expected postgres://user@host:port/database".into()))?
            .application_name("ensimbi-views");
        let mut setup = PgConnection::connect_with(&options).await?;
        setup.execute(MAKE_ROLE).await?;
        setup.execute(TAKE_ROLE).await?;
        let tables: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut setup).await?;
        if !tables.is_empty() && !tables.iter().any(|table| table == "_migrations") {
            let text = format!("the schema views holds tables of something else: {}", tables.join(", "));
            return Err(StoreError::Foreign(text));
        }
        setup.execute("SET search_path TO views").await?;
        let mut migrator = Migrator::with_migrations(POSTGRES.iter().cloned().collect());
        migrator.dangerous_set_table_name("views._migrations");
        migrator.create_schema("views");
        migrator.run_direct(None, &mut setup, false).await.map_err(migration)?;
        setup.execute(RIGHTS).await?;
        setup.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(WAIT)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute("SET ROLE ensimbi_views").await?;
                    connection.execute("SET search_path TO views").await?;
                    connection.execute("SET lock_timeout TO '10s'").await?;
                    connection.execute("SET idle_in_transaction_session_timeout TO '60s'").await?;
                    Ok(())
                })
            })
            .connect_with(options)
            .await?;
        Ok(Self(Pools::Postgres(pool)))
    }
}

fn migration(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) => error.into(),
        other => StoreError::Foreign(other.to_string()),
    }
}
