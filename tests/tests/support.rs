//! The shared test support does what the other tests lean on.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;

use ensimbi_tests::{fresh_database, nats_urls, postgres_url};
use sqlx::{Connection, PgConnection};

#[tokio::test]
async fn a_fresh_postgres_database_is_empty_and_its_own() {
    let (one, two) = (fresh_database("support").await, fresh_database("support").await);
    assert_ne!(one, two);
    for url in [&one, &two] {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let name: String = sqlx::query_scalar("SELECT current_database()").fetch_one(&mut connection).await.unwrap();
        assert!(name.starts_with("support_"), "{name}");
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(tables, 0);
    }
}

#[tokio::test]
async fn the_postgres_for_tests_is_new_enough_and_keeps_what_it_acknowledges() {
    let mut connection = PgConnection::connect(&postgres_url()).await.unwrap();
    for (setting, expected) in [("fsync", "on"), ("full_page_writes", "on"), ("synchronous_commit", "on")] {
        let value: String =
            sqlx::query_scalar("SELECT current_setting($1)").bind(setting).fetch_one(&mut connection).await.unwrap();
        assert_eq!(value, expected, "{setting}");
    }
    let version: String =
        sqlx::query_scalar("SELECT current_setting('server_version_num')").fetch_one(&mut connection).await.unwrap();
    assert!(version.parse::<u32>().unwrap() >= 150_000, "PostgreSQL 15 or newer is needed, this is {version}");
}

#[test]
fn both_nats_servers_speak_jetstream_and_one_is_current() {
    let mut versions = Vec::new();
    for url in nats_urls() {
        let address = url.trim_start_matches("nats://").rsplit('@').next().unwrap().to_owned();
        let mut greeting = String::new();
        BufReader::new(TcpStream::connect(&address).unwrap()).read_line(&mut greeting).unwrap();
        let info: serde_json::Value = serde_json::from_str(greeting.strip_prefix("INFO ").unwrap()).unwrap();
        assert_eq!(info["jetstream"], true, "the nats-server at {address} runs without JetStream");
        let version = info["version"].as_str().unwrap().split('.').map(|n| n.parse().unwrap()).collect::<Vec<u32>>();
        versions.push(version);
    }
    assert!(versions[1] >= vec![2, 10], "ENSIMBI_TEST_NATS_URL_CURRENT should be 2.10 or newer: {versions:?}");
}
