//! The door's store: one set of operations, two databases.
//!
//! Shape: [`DoorStore`] opens SQLite or PostgreSQL and hands out [`Tx`]; what the door does in a transaction stands in
//! one file a table, written once. A statement is the same text for both (`$1` works in both) but for row locks, which
//! SQLite does not need: it has one writer.
//! Bounds: no statement runs longer than [`STATEMENT_TIMEOUT`], no lock is waited for longer than [`LOCK_TIMEOUT`].
//! No network call is made while a transaction is open.

pub(crate) mod attempts;
pub(crate) mod banks;
pub(crate) mod checks;
pub(crate) mod commands;
pub(crate) mod counters;
pub(crate) mod holds;
pub(crate) mod inbox;
pub(crate) mod intents;
pub(crate) mod keys;
pub(crate) mod outbox;
pub(crate) mod parties;
pub(crate) mod pauses;
mod postgres;
pub(crate) mod proposals;
pub(crate) mod push_keys;
pub(crate) mod rows;
mod sqlite;
pub(crate) mod value;

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use super::DoorError;
use value::{Row, Value, values};

/// Longest a statement may run, where the database can bound it.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for a lock or for a connection of the pool.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// Name of the migrations table; other rooms have others.
const MIGRATIONS: &str = "_door_migrations";

/// Where the door keeps its rows.
#[derive(Debug, Clone)]
pub enum StoreAddress {
    /// A file, such as `<data>/door.db`; made if absent. The caller holds the folder's lock.
    Sqlite(PathBuf),
    /// A PostgreSQL URL; the schema `door` and the role `ensimbi_door` are made if absent.
    Postgres(SecretString),
}

/// One statement in both dialects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sql {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// Declares statements: `plain` is the same text in both, `locking` takes its rows in PostgreSQL and leaves those that
/// another process has. `ALL` lists them, so that a test can prepare every one on both databases.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident $kind:ident $sql:literal;)*) => {
        $($(#[$doc])* const $name: $crate::door::store::Sql = $crate::door::store::statements!(@$kind $sql);)*
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, $crate::door::store::Sql)] = &[$((stringify!($name), $name)),*];
    };
    (@plain $sql:literal) => { $crate::door::store::Sql { sqlite: $sql, postgres: $sql } };
    (@locking $sql:literal) => {
        $crate::door::store::Sql { sqlite: $sql, postgres: concat!($sql, " FOR UPDATE SKIP LOCKED") }
    };
    (@waiting $sql:literal) => {
        $crate::door::store::Sql { sqlite: $sql, postgres: concat!($sql, " FOR UPDATE") }
    };
}
pub(crate) use statements;

mod keyring {
    super::statements! {
        REMEMBER plain "INSERT INTO keyring (name, fingerprint) VALUES ('master', $1) ON CONFLICT (name) DO NOTHING";
        RECALL plain "SELECT fingerprint FROM keyring WHERE name = 'master'";
        PING plain "SELECT COUNT(*) FROM keyring";
    }
    pub(super) const SQL: (super::Sql, super::Sql, super::Sql) = (REMEMBER, RECALL, PING);
}

/// An open store. Cheap to clone.
#[derive(Clone)]
pub struct DoorStore {
    pools: Pools,
}

#[derive(Clone)]
enum Pools {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres(PgPool),
}

/// A transaction; dropped without [`Tx::commit`] it never was.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl std::fmt::Debug for DoorStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.pools {
            Pools::Sqlite { .. } => "DoorStore(sqlite)",
            Pools::Postgres(_) => "DoorStore(postgres)",
        })
    }
}

impl DoorStore {
    /// Opens it, makes or checks the schema, and checks that the rows belong to this master key.
    ///
    /// # Errors
    /// [`DoorError::Foreign`] naming what was found; [`DoorError::Unavailable`].
    pub async fn open(address: &StoreAddress, fingerprint: [u8; 16]) -> Result<Self, DoorError> {
        let pools = match address {
            StoreAddress::Sqlite(path) => {
                let (writer, readers) = sqlite::open(path).await?;
                Pools::Sqlite { writer, readers }
            }
            StoreAddress::Postgres(url) => Pools::Postgres(postgres::open(url.expose_secret()).await?),
        };
        let store = Self { pools };
        store.check_master_key(fingerprint).await?;
        Ok(store)
    }

    /// Opens what is there for reading beside a writer: nothing is made, and SQLite refuses every write.
    ///
    /// # Errors
    /// [`DoorError::Foreign`] naming what was found, also where there is no file or its schema is an older one;
    /// [`DoorError::Unavailable`].
    pub async fn open_to_read(address: &StoreAddress) -> Result<Self, DoorError> {
        let pools = match address {
            StoreAddress::Sqlite(path) => {
                let readers = sqlite::open_to_read(path).await?;
                Pools::Sqlite { writer: readers.clone(), readers }
            }
            StoreAddress::Postgres(url) => Pools::Postgres(postgres::open(url.expose_secret()).await?),
        };
        Ok(Self { pools })
    }

    /// Which master key the rows were sealed under; `None` in a store that no door has opened yet.
    pub(crate) async fn fingerprint(&self) -> Result<Option<Vec<u8>>, DoorError> {
        let row = self.read().await?.maybe(keyring::SQL.1, values![]).await?;
        row.map(|mut row| row.bytes()).transpose()
    }

    async fn check_master_key(&self, fingerprint: [u8; 16]) -> Result<(), DoorError> {
        let (remember, recall, _) = keyring::SQL;
        let mut tx = self.write().await?;
        tx.run(remember, values![fingerprint]).await?;
        let stored = tx.one(recall, values![]).await?.bytes()?;
        tx.commit().await?;
        if stored == fingerprint {
            return Ok(());
        }
        Err(DoorError::Foreign(
            "the door's rows were sealed under another master key; start with that key, or with an empty store".into(),
        ))
    }

    /// Whether only this process can have left work half done (SQLite: the data folder is locked by its one owner).
    pub(crate) fn is_alone(&self) -> bool {
        matches!(self.pools, Pools::Sqlite { .. })
    }

    /// Starts a transaction that writes.
    pub(crate) async fn write(&self) -> Result<Tx, DoorError> {
        Ok(match &self.pools {
            // A deferred transaction that upgrades fails at once when another writes; an immediate one waits.
            Pools::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Starts a transaction that only reads, in one snapshot.
    pub(crate) async fn read(&self) -> Result<Tx, DoorError> {
        Ok(match &self.pools {
            Pools::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Pools::Postgres(pool) => {
                Tx::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        })
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`].
    pub async fn ping(&self) -> Result<(), DoorError> {
        self.read().await?.one(keyring::SQL.2, values![]).await.map(drop)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Runs a statement; says how many rows it touched.
    pub(crate) async fn run(&mut self, sql: Sql, values: Vec<Value>) -> Result<u64, DoorError> {
        match self {
            Self::Sqlite(tx) => sqlite::run(tx, sql.sqlite, values).await,
            Self::Postgres(tx) => postgres::run(tx, sql.postgres, values).await,
        }
    }

    /// Runs a statement that returns rows; every use is bounded by its own LIMIT or key.
    pub(crate) async fn rows(&mut self, sql: Sql, values: Vec<Value>) -> Result<Vec<Row>, DoorError> {
        match self {
            Self::Sqlite(tx) => sqlite::rows(tx, sql.sqlite, values).await,
            Self::Postgres(tx) => postgres::rows(tx, sql.postgres, values).await,
        }
    }

    /// At most one row.
    pub(crate) async fn maybe(&mut self, sql: Sql, values: Vec<Value>) -> Result<Option<Row>, DoorError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Exactly one row, as counts and RETURNING give it.
    pub(crate) async fn one(&mut self, sql: Sql, values: Vec<Value>) -> Result<Row, DoorError> {
        self.maybe(sql, values).await?.ok_or_else(|| DoorError::Damaged("a row is missing that must be there".into()))
    }

    /// Makes it all true. An error leaves the outcome unknown; every caller can repeat.
    pub(crate) async fn commit(self) -> Result<(), DoorError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) fn statements_of_all_tables() -> Vec<(&'static str, Sql)> {
    let all = [
        keyring::ALL,
        attempts::ALL,
        banks::ALL,
        checks::ALL,
        commands::ALL,
        counters::ALL,
        inbox::ALL,
        holds::ALL,
        intents::ALL,
        keys::ALL,
        outbox::ALL,
        parties::ALL,
        pauses::ALL,
        proposals::ALL,
        push_keys::ALL,
        rows::ALL,
    ];
    all.concat()
}
