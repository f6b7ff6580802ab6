//! What the ledger's own tests share: fresh stores of both kinds, one small book, and claims in a line each.
#![allow(dead_code, unused_imports, unused_macros, clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::Arc;

use ensimbi_events::bus::Outcome;
use ensimbi_events::simtime::SimClock;
use ensimbi_events::{BookId, Claim, Clock, Event, Hash, Time, leaf};
use ensimbi_ledger::store::{PostgresStore, SqliteStore, Store};
use ensimbi_ledger::verify::{Report, verify};
use ensimbi_ledger::writer::Writer;
use sqlx::{Connection, PgConnection, SqliteConnection};

pub mod say;

/// Makes every named test run on both stores; those on PostgreSQL have `postgres` in their names.
macro_rules! on_both_stores {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(&crate::common::House::sqlite().await).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(&crate::common::House::postgres().await).await;
            })*
        }
    };
}
pub(crate) use on_both_stores;

/// A fresh store and where it is kept.
pub struct House {
    pub store: Arc<dyn Store>,
    pub place: Place,
    pub clock: Arc<SimClock>,
}

pub enum Place {
    Sqlite(PathBuf, tempfile::TempDir),
    Postgres(String),
}

/// The present moment of every test.
pub fn now() -> Time {
    "2026-05-03T09:30:00Z".parse().unwrap()
}

impl House {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book.db");
        let store = Arc::new(SqliteStore::open(&path).await.unwrap());
        Self { store, place: Place::Sqlite(path, folder), clock: Arc::new(SimClock::new(now())) }
    }

    pub async fn postgres() -> Self {
        let url = fresh_database().await;
        let store = Arc::new(PostgresStore::open(&url).await.unwrap());
        Self { store, place: Place::Postgres(url), clock: Arc::new(SimClock::new(now())) }
    }

    /// The same place as another process would open it.
    pub async fn open_again(&self) -> Arc<dyn Store> {
        match &self.place {
            Place::Sqlite(path, _) => Arc::new(SqliteStore::open(path).await.unwrap()),
            Place::Postgres(url) => Arc::new(PostgresStore::open(url).await.unwrap()),
        }
    }

    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    /// A book with its head row and its writer.
    pub async fn writer(&self, book: BookId) -> Writer {
        self.store.create_book(book).await.unwrap();
        Writer::start(Arc::clone(&self.store), self.clock(), book, None).await.unwrap()
    }

    /// All events of a book, decoded.
    pub async fn events(&self, book: BookId) -> Vec<(Event, Hash)> {
        let mut events = Vec::new();
        loop {
            let page = self.store.read(book, events.len() as u64, 1_000).await.unwrap();
            if page.is_empty() {
                return events;
            }
            events.extend(page.iter().map(|stored| (leaf::decode(&stored.leaf).unwrap(), stored.leaf_hash)));
        }
    }

    pub async fn verify(&self, book: BookId) -> Report {
        verify(self.store.as_ref(), book, |_| {}).await.unwrap()
    }

    /// Verify is content and the trial balance is zero.
    pub async fn assert_sound(&self, book: BookId) {
        let report = self.verify(book).await;
        assert!(report.ok, "{:?} at {:?}", report.reason, report.bad_position);
        let (size, balances) = self.store.trial_balance(book).await.unwrap();
        assert_eq!(size, report.size);
        let mut sums = std::collections::BTreeMap::<_, i128>::new();
        for row in balances {
            *sums.entry(row.currency).or_default() += row.debit - row.credit;
        }
        assert!(sums.values().all(|sum| *sum == 0), "the trial balance is not zero: {sums:?}");
    }

    /// Raw SQL as the owner of the tables.
    pub async fn sql(&self, sql: &str) -> Result<u64, sqlx::Error> {
        match &self.place {
            Place::Sqlite(path, _) => {
                let mut connection = plain_sqlite(path).await;
                let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await;
                connection.close().await.unwrap();
                done.map(|done| done.rows_affected())
            }
            Place::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let sql = format!("SET search_path = book; {sql}");
                let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await;
                connection.close().await.unwrap();
                done.map(|done| done.rows_affected())
            }
        }
    }

    pub const fn is_postgres(&self) -> bool {
        matches!(self.place, Place::Postgres(_))
    }
}

/// A connection as any tool opens it: without `recursive_triggers`.
pub async fn plain_sqlite(path: &std::path::Path) -> SqliteConnection {
    use sqlx::ConnectOptions;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    options.busy_timeout(std::time::Duration::from_secs(10)).connect().await.unwrap()
}

/// An empty database with a name of its own on the test server.
pub async fn fresh_database() -> String {
    let url = match std::env::var("ENSIMBI_TEST_DATABASE_URL") {
        Ok(url) if !url.is_empty() => url,
        _ => panic!("this test needs a PostgreSQL, and ENSIMBI_TEST_DATABASE_URL is not set: run `cargo xtask test`"),
    };
    let name = format!("ledger_{}", unique().simple());
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let mut sql = sqlx::QueryBuilder::<sqlx::Postgres>::new("CREATE DATABASE ");
    sql.push(&name).push(" TEMPLATE template0");
    sql.build().persistent(false).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    sqlx::ConnectOptions::to_url_lossy(&options.database(&name)).to_string()
}

#[expect(clippy::disallowed_methods, reason = "a name for a test's database, never a recorded value")]
fn unique() -> uuid::Uuid {
    uuid::Uuid::new_v4()
}

/// One claim at a time, its outcome at once.
pub async fn tell(writer: &Writer, claim: Claim) -> Outcome {
    writer.submit(vec![claim]).await.remove(0).unwrap()
}

/// Recorded, with so many events.
#[track_caller]
pub fn recorded(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Recorded { events } => events.len(),
        Outcome::Refused { code, detail } => panic!("refused: {code}: {detail}"),
    }
}

/// The refusal's word.
#[track_caller]
pub fn refused(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Refused { code, .. } => code.as_str(),
        Outcome::Recorded { events } => panic!("recorded as {} events", events.len()),
    }
}
