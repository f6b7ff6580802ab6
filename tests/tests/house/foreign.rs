//! A database that is not ours, or of another master key: refused with a sentence, and left as it is.

use ensimbi_tests::process::{Ran, Serving, command};
use ensimbi_tests::{fresh_database, nats_urls, unique_word};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};

use crate::imports::configured;
use crate::support::{Folder, MASTER_KEY};

/// `serve`, which must end by itself.
async fn refused(what: &str, folder: &Folder, arguments: &[&str]) -> Ran {
    let data = folder.text("data");
    let mut serve = command(["serve", "--listen", "127.0.0.1:0", "--data", &data]);
    let output = tokio::time::timeout(std::time::Duration::from_secs(30), serve.args(arguments).output()).await;
    let output = output.unwrap_or_else(|_| panic!("{what}: it serves")).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{what}: {stderr}");
    Ran { code: output.status.code(), stdout: String::new(), stderr }
}

/// A sentence for a person, not a debug print.
fn check_sentence(ran: &Ran, words: &[&str]) {
    let said = ran.stderr.lines().rfind(|line| line.starts_with("error: ")).unwrap_or_default();
    let sentence = said.strip_prefix("error: ").unwrap_or_else(|| panic!("no sentence: {}", ran.stderr));
    assert!(sentence.split(' ').count() > 4, "{sentence}");
    for word in words {
        assert!(sentence.contains(word), "{word:?} is not in: {sentence}");
    }
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_file_that_is_no_database_or_another_programs_is_refused_and_left_alone() {
    for name in ["book.db", "door.db", "views.db"] {
        let folder = configured();
        let path = folder
            .write(&format!("data/{name}"), "a letter to nobody, long enough to be more than a header ".repeat(40));
        let before = std::fs::read(&path).unwrap();
        check_sentence(&refused(name, &folder, &[]).await, &[name]);
        assert_eq!(std::fs::read(&path).unwrap(), before, "{name} was changed");

        let folder = configured();
        let path = folder.path(&format!("data/{name}"));
        let mut other = SqliteConnectOptions::new().filename(&path).create_if_missing(true).connect().await.unwrap();
        other.execute("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('posho')").await.unwrap();
        other.close().await.unwrap();
        let before = std::fs::read(&path).unwrap();
        check_sentence(&refused(name, &folder, &[]).await, &[name]);
        assert_eq!(std::fs::read(&path).unwrap(), before, "another program's {name} was changed");
    }
}

#[tokio::test]
async fn data_sealed_under_another_master_key_is_refused() {
    let folder = configured();
    let serving = Serving::start(["--data", &folder.text("data")]).await;
    assert_eq!(serving.stop().await, Some(0));
    let other = folder.master_key();
    let ran = refused("another key", &folder, &["--master-key-file", &other]).await;
    check_sentence(&ran, &["another master key"]);
    assert!(!ran.stderr.contains(MASTER_KEY), "the key is shown");
}

#[tokio::test]
async fn a_postgres_database_with_a_foreign_schema_is_refused_and_left_alone() {
    for schema in ["book", "door", "views"] {
        let folder = configured();
        let database = fresh_database("foreign").await;
        let mut theirs = PgConnection::connect(&database).await.unwrap();
        let make = ["CREATE SCHEMA ", schema, "; CREATE TABLE ", schema, ".recipes (name TEXT)"].concat();
        theirs.execute(AssertSqlSafe(make)).await.unwrap();
        let key = folder.master_key();
        let ran = refused(schema, &folder, &["--database-url", &database, "--master-key-file", &key]).await;
        check_sentence(&ran, &[schema]);
        let sql = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = $1";
        let tables: i64 = sqlx::query_scalar(sql).bind(schema).fetch_one(&mut theirs).await.unwrap();
        assert_eq!(tables, 1, "something was made in their schema {schema}");
    }
}

#[tokio::test]
async fn without_a_master_key_nothing_is_opened_on_postgres_and_nats() {
    let folder = configured();
    let database = fresh_database("foreign").await;
    let (nats, prefix) = (&nats_urls()[0], unique_word("foreign"));
    let servers = ["--database-url", &database, "--nats-url", nats, "--nats-prefix", &prefix];
    let ran = refused("no key", &folder, &servers).await;
    check_sentence(&ran, &["--master-key-file"]);
    let mut ours = PgConnection::connect(&database).await.unwrap();
    let sql = "SELECT COUNT(*) FROM pg_namespace WHERE nspname IN ('book', 'door', 'views')";
    let made: i64 = sqlx::query_scalar(sql).fetch_one(&mut ours).await.unwrap();
    assert_eq!(made, 0, "a schema was made");
}
