//! The stores themselves: schema, foreign databases, keys, configuration.

use std::sync::Arc;
use std::time::Duration;

use ensimbi_events::ports::ApiKeys;
use ensimbi_events::word::Mode;
use ensimbi_events::{Amount, BookId, Clock, ObservationId, ids};
use ensimbi_vault::{MasterKey, Vault};
use secrecy::ExposeSecret;
use sqlx::{Connection, Executor, SqlSafeStr};

use super::on_both_stores;
use crate::connector::RowSeen;
use crate::door::store::rows::{self, NewRow};
use crate::door::store::statements_of_all_tables;
use crate::door::tests::house::*;
use crate::door::{Door, DoorError, StoreAddress};

on_both_stores! {
    every_statement_can_be_prepared,
    rows_that_do_not_chain_are_known_in_any_order,
    a_foreign_database_is_refused_by_name,
    another_master_key_is_refused,
    api_keys_open_their_book_until_they_are_revoked,
    wrong_configuration_names_the_key_and_makes_no_store,
    several_processes_may_start_at_once,
    a_reader_beside_a_running_door_leaves_everything_as_it_is,
}

async fn every_statement_can_be_prepared(house: House) {
    let door = house.open().await;
    match &house.place.address {
        StoreAddress::Sqlite(path) => {
            let url = format!("sqlite://{}", path.display());
            let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
            for (name, sql) in statements_of_all_tables() {
                let prepared = (&mut connection).prepare(sql.sqlite.into_sql_str()).await;
                assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
            }
        }
        StoreAddress::Postgres(url) => {
            let mut connection = sqlx::PgConnection::connect(url.expose_secret()).await.unwrap();
            connection.execute("SET ROLE ensimbi_door; SET search_path = door").await.unwrap();
            for (name, sql) in statements_of_all_tables() {
                let prepared = (&mut connection).prepare(sql.postgres.into_sql_str()).await;
                assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
            }
            // The role works on rows and on nothing else.
            for forbidden in ["DROP TABLE inbox", "TRUNCATE inbox", "ALTER TABLE inbox ADD x text", "CREATE TABLE x ()"]
            {
                assert!(connection.execute(forbidden).await.is_err(), "{forbidden}");
            }
        }
    }
    door.close().await;
}

/// Searches that find a whole book, connection or kind of objects.
const WALKS: [&str; 3] = ["(book=?)", "(book=? AND connection=?)", "(book=? AND connection=? AND object_kind=?)"];
/// Tables that stay small in the longest life of a book.
const SMALL: [&str; 6] = ["api_keys", "keyring", "counters", "pauses", "push_keys", "banks"];

/// What grows is found by an index, as SQLite plans it: a statement that walks through a table, a book or a connection is
/// quick in every test and slow for everybody later. An index with a condition of its own holds only what is open.
#[tokio::test]
async fn no_statement_walks_through_a_book() {
    let house = House::new(in_sqlite());
    house.open().await.close().await;
    let StoreAddress::Sqlite(path) = &house.place.address else { unreachable!("a house on SQLite") };
    let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %' AND sql NOT LIKE '% IS NOT NULL'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    for (name, sql) in statements_of_all_tables() {
        let explain = sqlx::AssertSqlSafe(["EXPLAIN QUERY PLAN ", sql.sqlite].concat());
        let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&mut connection).await.unwrap();
        for (.., step) in steps {
            let words: Vec<&str> = step.split([' ', '(']).collect();
            let over =
                words.iter().position(|word| *word == "INDEX").and_then(|at| words.get(at + 1)).unwrap_or(&words[1]);
            let small = SMALL
                .iter()
                .any(|table| over.starts_with(table) || over.starts_with(&format!("sqlite_autoindex_{table}_")));
            let narrow = small || open.iter().any(|index| index == over) || ["CONSTANT", "found"].contains(over);
            let whole = step.starts_with("SCAN ") || WALKS.iter().any(|walk| step.ends_with(walk));
            assert!(narrow || !whole, "{name}: {step}");
        }
    }
}

/// Rows come in any order, and what lies between two of them may come last: after each, the breaks are those that a walk
/// through all rows finds.
async fn rows_that_do_not_chain_are_known_in_any_order(house: House) {
    const WALLETS: [&str; 2] = ["one", "other"];
    let door = house.open().await;
    let (connection, observation) = (ids::connection_id(house.book, "fake", "1"), ObservationId(uuid::Uuid::nil()));
    let draws = (1..=40_i64).map(|n| n * 23 % 41);
    let mut kept: Vec<(&str, i64, i64, i64)> = Vec::new();
    let mut found = 0;
    for draw in draws {
        let (wallet, number) = (WALLETS[usize::from(draw % 3 == 0)], draw / 2);
        // Each row is 1; every seventh begins one too high, and two rows may bear one number.
        let previous = number + i64::from(draw % 7 == 0);
        kept.push((wallet, number, previous, previous + 1));
        let row = RowSeen {
            id: draw.to_string(),
            wallet: None,
            number,
            change: Amount::from_scaled(1),
            previous: Amount::from_scaled(previous),
            balance: Amount::from_scaled(previous + 1),
            category: "x".into(),
            request: None,
        };
        let other = RowSeen { balance: Amount::from_scaled(previous + 2), ..row.clone() };
        let mut tx = door.store.write().await.unwrap();
        for (row, differ) in [(row.clone(), 0), (row, 0), (other, 1)] {
            let new = NewRow { connection, observation, wallet: wallet.to_owned(), row };
            assert_eq!(rows::keep(&mut tx, house.book, &[new], START).await.unwrap(), differ);
        }
        tx.commit().await.unwrap();

        let mut tx = door.store.read().await.unwrap();
        let later = START.plus(Duration::from_secs(1));
        let breaks = rows::breaks(&mut tx, house.book, connection, later, 100).await.unwrap();
        assert!(rows::breaks(&mut tx, house.book, connection, START, 100).await.unwrap().is_empty(), "all are young");
        let mut breaks: Vec<_> = breaks
            .into_iter()
            .map(|one| (one.wallet, one.from, one.to, one.before.scaled(), one.after.scaled()))
            .collect();
        let mut expected = Vec::new();
        for (wallet, to, after, _) in &kept {
            let before = kept.iter().filter(|row| row.0 == *wallet && row.1 < *to).map(|row| row.1).max();
            for row in kept.iter().filter(|row| row.0 == *wallet && Some(row.1) == before && row.3 != *after) {
                expected.push(((*wallet).to_owned(), row.1, *to, row.3, *after));
            }
        }
        breaks.sort();
        expected.sort();
        assert_eq!(breaks, expected, "after row {number} of {wallet}");
        found += breaks.len();
    }
    assert!(found > 40, "{found}");
    door.close().await;
}

async fn a_foreign_database_is_refused_by_name(house: House) {
    match &house.place.address {
        StoreAddress::Sqlite(path) => {
            let url = format!("sqlite://{}?mode=rwc", path.display());
            let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
            connection.execute("CREATE TABLE somebodys (x INTEGER)").await.unwrap();
            connection.close().await.unwrap();
        }
        StoreAddress::Postgres(url) => {
            let mut connection = sqlx::PgConnection::connect(url.expose_secret()).await.unwrap();
            connection.execute("CREATE SCHEMA door; CREATE TABLE door.somebodys (x bigint)").await.unwrap();
        }
    }
    let error = Door::open(house.options()).await.unwrap_err();
    assert!(matches!(&error, DoorError::Foreign(text) if text.contains("somebodys")), "{error}");
    if let StoreAddress::Sqlite(path) = &house.place.address {
        std::fs::write(path, vec![b'x'; 8_192]).unwrap();
        let error = Door::open(house.options()).await.unwrap_err();
        assert!(matches!(&error, DoorError::Foreign(text) if text.contains("no SQLite file")), "{error}");
    }
}

async fn another_master_key_is_refused(mut house: House) {
    house.open().await.close().await;
    house.vault = Arc::new(Vault::new(MasterKey::from_bytes([3; 32])));
    let error = Door::open(house.options()).await.unwrap_err();
    assert!(matches!(&error, DoorError::Foreign(text) if text.contains("master key")), "{error}");
}

async fn api_keys_open_their_book_until_they_are_revoked(house: House) {
    let door = house.open().await;
    assert_eq!(door.key_count().await.unwrap(), 0);
    let hash = [7; 32];
    door.add_key(hash, "first").await.unwrap();
    assert_eq!(door.book_of(&hash).await.unwrap(), Some(house.book));
    assert_eq!(door.book_of(&[0; 32]).await.unwrap(), None);
    assert_eq!(door.key_count().await.unwrap(), 1);
    let listed = door.store.keys(house.book).await.unwrap();
    assert_eq!((listed.len(), listed[0].label.as_str(), listed[0].revoked_at), (1, "first", None));
    assert_eq!(listed[0].id, ensimbi_events::ids::key_id(&hash));
    let now = house.clock.now();
    for (book, id, ended) in [
        (BookId(listed[0].id), listed[0].id, false),
        (house.book, house.book.0, false),
        (house.book, listed[0].id, true),
        (house.book, listed[0].id, false),
    ] {
        assert_eq!(door.store.revoke_key(book, id, now).await.unwrap(), ended, "{book} {id}");
    }
    assert_eq!(door.store.keys(house.book).await.unwrap()[0].revoked_at, Some(now));
    assert_eq!(door.book_of(&hash).await.unwrap(), None);
    door.close().await;
    assert!(door.book_of(&hash).await.is_err());
}

async fn a_reader_beside_a_running_door_leaves_everything_as_it_is(house: House) {
    let options = house.options();
    if let StoreAddress::Sqlite(path) = &options.store {
        let error = Door::open_to_read(house.options()).await.unwrap_err();
        assert!(matches!(&error, DoorError::Foreign(text) if text.contains("serve")), "{error}");
        assert!(!path.exists(), "a reader makes nothing");
    }
    let door = house.open().await;
    let reader = Door::open_to_read(options).await.unwrap();
    assert_eq!(reader.master_key_fits().await.unwrap(), Some(true));
    assert_eq!(reader.key_count().await.unwrap(), 0);
    assert_eq!(reader.named(&[], "nothing").await.unwrap(), []);
    if matches!(&house.place.address, StoreAddress::Sqlite(_)) {
        assert!(reader.add_key([1; 32], "no").await.is_err(), "a reader cannot write");
    }
    door.add_key([7; 32], "first").await.unwrap();
    assert_eq!(reader.key_count().await.unwrap(), 1);
    let mut other = house.options();
    other.vault = Arc::new(Vault::new(MasterKey::from_bytes([3; 32])));
    let other = Door::open_to_read(other).await.unwrap();
    assert_eq!(other.master_key_fits().await.unwrap(), Some(false));
    other.close().await;
    reader.close().await;
    door.close().await;
}

async fn wrong_configuration_names_the_key_and_makes_no_store(house: House) {
    let refused = async |change: &dyn Fn(&mut crate::door::DoorOptions)| {
        let mut options = house.options();
        change(&mut options);
        match Door::open(options).await {
            Err(DoorError::Settings(why)) => why.key,
            other => panic!("{other:?}"),
        }
    };
    let live = refused(&|o| o.connections[0].simulated = false).await;
    assert_eq!(live, "connections.main.simulated");
    assert_eq!(refused(&|o| o.mode = Mode::Live).await, "connections.main.simulated");
    assert_eq!(refused(&|o| o.connections[0].provider = "nobody".into()).await, "connections.main.provider");
    let twice = refused(&|o| o.connections = vec![settings("main"), settings("main")]).await;
    assert_eq!(twice, "connections.main.slug");
    let no_value = refused(&|o| drop(o.connections[0].secrets.remove("callback_value"))).await;
    assert_eq!(no_value, "connections.main.secrets.callback_value");
    let short = refused(&|o| drop(o.connections[0].secrets.insert("callback_value".into(), "short".into()))).await;
    assert_eq!(short, "connections.main.secrets.callback_value");
    let header = refused(&|o| drop(o.connections[0].options.insert("callback_header".into(), "a b".into()))).await;
    assert_eq!(header, "connections.main.options.callback_header");
    assert_eq!(refused(&|o| o.connections[0].wallets.clear()).await, "connections.main.wallets");
    assert_eq!(refused(&|o| o.connections[0].poll.growth_tenths = 5).await, "connections.main.poll");
    if let StoreAddress::Sqlite(path) = &house.place.address {
        assert!(!path.exists());
    }
}

async fn several_processes_may_start_at_once(house: House) {
    if matches!(house.place.address, StoreAddress::Sqlite(_)) {
        // One process owns a data folder; the second start of the same one must find its rows.
        house.open().await.close().await;
        return house.open().await.close().await;
    }
    let starts = (0..6).map(|_| tokio::spawn(Door::open(house.options())));
    for start in starts.collect::<Vec<_>>() {
        start.await.unwrap().unwrap().close().await;
    }
}
