//! Opening the view store: who may what, at once, and what is refused.

#![allow(clippy::unwrap_used)]

mod support;

use ensimbi_projections::store::Sql;
use ensimbi_projections::{StoreError, ViewStore};
use support::{Database, Place};

#[tokio::test]
async fn a_file_with_other_tables_is_refused_with_a_sentence() {
    let place = Place::new(Database::Sqlite).await;
    place.tamper("CREATE TABLE other (x INTEGER)").await;
    let error = place.try_open().await.err().unwrap();
    assert!(matches!(error, StoreError::Foreign(_)), "{error}");
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    let place = Place::new(Database::Sqlite).await;
    place.open().await.close().await;
    place.tamper("UPDATE _sqlx_migrations SET checksum = x'00'").await;
    assert!(matches!(place.try_open().await, Err(StoreError::Foreign(_))));
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_repeating_it() {
    let error = ViewStore::open_postgres("postgres//secret").await.err().unwrap();
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_is_opened_by_many_at_once_in_two_databases() {
    let places = [Place::new(Database::Postgres).await, Place::new(Database::Postgres).await];
    let opens = (0..8).map(|n| places[n % 2].open());
    for store in futures_util::future::join_all(opens).await {
        store.ping().await.unwrap();
        store.close().await;
    }
}

#[tokio::test]
async fn postgres_lets_the_service_write_rows_and_nothing_else() {
    let store = Place::new(Database::Postgres).await.open().await;
    let denied = [
        "CREATE TABLE views.other (x BIGINT)",
        "DROP TABLE wallets",
        "TRUNCATE wallets",
        "ALTER TABLE wallets ADD COLUMN x BIGINT",
        "DELETE FROM _migrations",
        "CREATE SCHEMA other",
    ];
    for sql in denied {
        let mut tx = store.write().await.unwrap();
        let error = tx.execute(Sql::new(sql)).await.err().unwrap();
        assert!(
            error.to_string().contains("permission denied") || error.to_string().contains("must be owner"),
            "{error}"
        );
    }
    store.write().await.unwrap().execute(Sql::new("DELETE FROM wallets")).await.unwrap();
}
