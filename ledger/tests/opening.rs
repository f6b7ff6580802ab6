//! Opening: what is not ours is refused with a sentence, and stays as it was.
#![allow(clippy::unwrap_used)]

mod common;

use common::say::{BOOK, Say};
use common::{House, Place, fresh_database, plain_sqlite, recorded, tell};
use ensimbi_events::ports::{BookReader, LineFilter};
use ensimbi_ledger::store::{PostgresStore, SqliteStore, StoreError};
use sqlx::{Connection, Executor, PgConnection};

fn sentence<T>(outcome: Result<T, StoreError>) -> String {
    match outcome {
        Err(StoreError::Unusable(sentence)) => sentence,
        Err(other) => panic!("not a sentence for a person: {other:?}"),
        Ok(_) => panic!("it was opened"),
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    let text = "These are the minutes of the meeting.\n".repeat(100);
    std::fs::write(&path, &text).unwrap();
    assert!(sentence(SqliteStore::open(&path).await).contains("book.db"));
    assert!(sentence(SqliteStore::open_existing(&path).await).contains("book.db"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_foreign_sqlite_database_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    drop(std::fs::File::create(&path).unwrap());
    let mut connection = plain_sqlite(&path).await;
    connection.execute("CREATE TABLE photos (id INTEGER PRIMARY KEY, name TEXT)").await.unwrap();
    connection.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    for outcome in [SqliteStore::open(&path).await, SqliteStore::open_existing(&path).await] {
        assert!(sentence(outcome).contains("not an Ensimbi book"));
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_missing_file_is_made_by_a_writer_and_refused_to_a_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    sentence(SqliteStore::open_existing(&path).await);
    assert!(!path.exists());
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.books().await.unwrap(), []);
    SqliteStore::open_existing(&path).await.unwrap();
    sentence(SqliteStore::open(folder.path()).await);
}

#[tokio::test]
async fn a_sqlite_schema_of_another_program_version_is_refused() {
    for change in [
        "UPDATE _sqlx_migrations SET checksum = x'00'",
        "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
         VALUES (9000, 'later', '2030-01-01', 1, x'00', 0)",
    ] {
        let house = House::sqlite().await;
        house.sql(change).await.unwrap();
        let Place::Sqlite(path, _) = &house.place else { panic!("not SQLite") };
        assert!(sentence(SqliteStore::open(path).await).contains("schema"), "{change}");
        assert!(sentence(SqliteStore::open_existing(path).await).contains("schema"), "{change}");
    }
}

#[tokio::test]
async fn a_reader_beside_the_writer_sees_what_is_committed() {
    let house = House::sqlite().await;
    let Place::Sqlite(path, _) = &house.place else { panic!("not SQLite") };
    let reader = SqliteStore::open_existing(path).await.unwrap();
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    for claim in say.start() {
        recorded(&tell(&writer, claim).await);
    }
    for n in 0..5u64 {
        recorded(&tell(&writer, say.succeeded(u128::from(n))).await);
        assert_eq!(reader.head(BOOK).await.unwrap().size, 3 + n);
    }
    let all = LineFilter { limit: 100, ..LineFilter::default() };
    assert_eq!(reader.entry_positions(BOOK, &all).await.unwrap(), [3, 4, 5, 6, 7]);
    let one = LineFilter { subject: Some(common::say::subject(2)), ..all.clone() };
    assert_eq!(reader.entry_positions(BOOK, &one).await.unwrap(), [5]);
    let none = LineFilter { account: Some("income:sales".to_owned()), ..one.clone() };
    assert!(reader.entry_positions(BOOK, &none).await.unwrap().is_empty());
    let wallet = LineFilter { account: Some("assets:wallet:main:w".to_owned()), after: 5, ..all };
    assert_eq!(reader.entry_positions(BOOK, &wallet).await.unwrap(), [6, 7]);
}

#[tokio::test]
async fn a_foreign_schema_on_postgres_is_refused_and_stays() {
    let url = fresh_database().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    connection.execute("CREATE SCHEMA book; CREATE TABLE book.photos (id bigint)").await.unwrap();
    let said = sentence(PostgresStore::open(&url).await);
    assert!(said.contains("belongs to something else"), "{said}");
    let rights: Option<String> = sqlx::query_scalar("SELECT nspacl::text FROM pg_namespace WHERE nspname = 'book'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(rights, None);
}

#[tokio::test]
async fn a_schema_of_another_program_version_on_postgres_is_refused() {
    let house = House::postgres().await;
    house.sql("UPDATE _sqlx_migrations SET checksum = '\\x00'").await.unwrap();
    let Place::Postgres(url) = &house.place else { panic!("not PostgreSQL") };
    assert!(sentence(PostgresStore::open(url).await).contains("schema book"));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_on_postgres() {
    assert!(sentence(PostgresStore::open("not a url").await).contains("postgres://"));
    let outcome = PostgresStore::open("postgres://nobody@127.0.0.1:1/none").await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn two_processes_make_the_schema_on_postgres_at_once() {
    let url = fresh_database().await;
    let opened = futures_util::future::join_all((0..6).map(|_| PostgresStore::open(&url))).await;
    for store in opened {
        assert_eq!(store.unwrap().books().await.unwrap(), []);
    }
}
