//! The stores themselves: schema, foreign databases, keys, configuration.

use std::sync::Arc;

use ensimbi_events::ports::ApiKeys;
use ensimbi_events::word::Mode;
use ensimbi_vault::{MasterKey, Vault};
use secrecy::ExposeSecret;
use sqlx::{Connection, Executor, SqlSafeStr};

use super::on_both_stores;
use crate::door::store::statements_of_all_tables;
use crate::door::tests::house::*;
use crate::door::{Door, DoorError, StoreAddress};

on_both_stores! {
    every_statement_can_be_prepared,
    a_foreign_database_is_refused_by_name,
    another_master_key_is_refused,
    api_keys_open_their_book_until_they_are_revoked,
    wrong_configuration_names_the_key_and_makes_no_store,
    several_processes_may_start_at_once,
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
    assert!(door.revoke_key(&hash).await.unwrap());
    assert!(!door.revoke_key(&hash).await.unwrap());
    assert_eq!(door.book_of(&hash).await.unwrap(), None);
    door.close().await;
    assert!(door.book_of(&hash).await.is_err());
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
