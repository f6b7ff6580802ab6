//! The database refuses to change what is recorded; and if somebody changes it all the same, `verify` says where.
#![allow(clippy::unwrap_used)]

mod common;

use common::say::{BOOK, Say};
use common::{House, Place, on_both_stores, recorded};

on_both_stores!(the_database_refuses_every_change_of_what_is_recorded, every_change_by_sql_is_found);

const TABLES: [&str; 3] = ["events", "lines", "keys"];

/// A small book with everything in it: entries, a reservation, a withheld event, an operator's key.
async fn write_book(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    let with = |n| ensimbi_events::Claim { operator_transaction: Some(format!("T-{n}")), ..say.succeeded(n) };
    let mut claims = say.start();
    claims.push(say.opening("5000", Some("70"), "2026-05-03T09:00:00Z".parse().unwrap()));
    claims.extend((0..5).map(with));
    claims.extend([say.payout_requested(20, 1, "100", "120"), say.requested(21, "999", None), say.succeeded(21)]);
    for answer in writer.submit(claims).await {
        recorded(&answer.unwrap());
    }
    house.assert_sound(BOOK).await;
}

/// A book id as a literal of the store's SQL.
fn book_literal(house: &House) -> String {
    literal(house, BOOK.as_bytes())
}

fn literal(house: &House, bytes: &[u8; 16]) -> String {
    match house.is_postgres() {
        true => format!("'{}'::uuid", uuid::Uuid::from_bytes(*bytes)),
        false => format!("x'{}'", hex::encode(bytes)),
    }
}

async fn the_database_refuses_every_change_of_what_is_recorded(house: &House) {
    write_book(house).await;
    let mut attempts: Vec<String> = Vec::new();
    for table in TABLES {
        attempts.push(format!("UPDATE {table} SET position = position + 100"));
        attempts.push(format!("UPDATE {table} SET position = position"));
        attempts.push(format!("DELETE FROM {table}"));
        attempts.push(format!("DELETE FROM {table} WHERE position = 4"));
        if house.is_postgres() {
            attempts.push(format!("TRUNCATE {table}"));
            attempts.push("TRUNCATE events, lines, keys CASCADE".to_owned());
            attempts.push(format!("UPDATE {table} SET position = position WHERE false"));
            attempts.push(format!(
                "MERGE INTO {table} t USING (SELECT 4::bigint AS p) s ON t.position = s.p WHEN MATCHED THEN DELETE"
            ));
        } else {
            // Also without recursive_triggers, where REPLACE deletes without a trigger.
            attempts.push(format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table} WHERE position = 4"));
            attempts.push(format!("REPLACE INTO {table} SELECT * FROM {table} WHERE position = 4"));
            attempts.push(format!("UPDATE OR REPLACE {table} SET position = 5 WHERE position = 4"));
        }
    }
    for attempt in &attempts {
        let error = house.sql(attempt).await.expect_err(attempt).to_string();
        assert!(error.contains("append only"), "{attempt}: {error}");
    }
    if house.is_postgres() {
        as_the_service(house).await;
    }
    house.assert_sound(BOOK).await;
}

/// The role that the service works under has no right to try.
async fn as_the_service(house: &House) {
    for table in TABLES {
        for attempt in [
            format!("UPDATE {table} SET position = position"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
            format!("DROP TABLE {table}"),
            format!("ALTER TABLE {table} DISABLE TRIGGER ALL"),
            format!("DROP TRIGGER {table}_append_only ON {table}"),
        ] {
            let error = house.sql(&format!("SET ROLE ensimbi_book; {attempt}")).await.expect_err(&attempt).to_string();
            let denied = error.contains("permission denied") || error.contains("must be owner");
            assert!(denied, "{attempt}: {error}");
        }
    }
    for table in ["heads", "wallets", "subjects", "configs"] {
        for attempt in [format!("DELETE FROM {table}"), format!("TRUNCATE {table}")] {
            let error = house.sql(&format!("SET ROLE ensimbi_book; {attempt}")).await.expect_err(&attempt).to_string();
            assert!(error.contains("permission denied"), "{attempt}: {error}");
        }
    }
}

/// SQL, and the first bad position that verify must name; 0 where the change has no position.
fn changes(house: &House) -> Vec<(u64, String)> {
    let postgres = house.is_postgres();
    let byte = |column: &str| match postgres {
        true => format!("set_byte({column}, 9, get_byte({column}, 9) # 1)"),
        // Another byte of the same length: the hex digits of two halves around a flipped one.
        false => format!(
            "unhex(substr(hex({column}), 1, 18) || CASE substr(hex({column}), 19, 2) WHEN '41' THEN '42' ELSE '41' END \
             || substr(hex({column}), 21))"
        ),
    };
    let other = literal(house, uuid::Uuid::from_u128(0xdead).as_bytes());
    let book = book_literal(house);
    let hash = if postgres { "decode(repeat('ab', 32), 'hex')".to_owned() } else { "zeroblob(32)".to_owned() };
    let mut list: Vec<(u64, String)> = Vec::new();
    let mut add = |position: u64, sql: String| list.push((position, sql));
    for position in [1, 5, 12] {
        for column in ["leaf", "leaf_hash"] {
            add(position, format!("UPDATE events SET {column} = {} WHERE position = {position}", byte(column)));
        }
        add(position, format!("UPDATE events SET leaf_hash = {hash} WHERE position = {position}"));
        add(position, format!("UPDATE events SET fact_hash = {} WHERE position = {position}", byte("fact_hash")));
        for column in ["event_id", "subject", "connection"] {
            add(position, format!("UPDATE events SET {column} = {other} WHERE position = {position}"));
        }
        for column in ["word", "book_date"] {
            add(position, format!("UPDATE events SET {column} = 'other' WHERE position = {position}"));
        }
        for column in ["occurred_at", "recorded_at"] {
            add(position, format!("UPDATE events SET {column} = {column} + 1 WHERE position = {position}"));
        }
        add(position, format!("DELETE FROM events WHERE position = {position}"));
    }
    add(5, "UPDATE events SET connection = NULL WHERE position = 5".to_owned());
    add(5, "UPDATE events SET leaf_hash = substr(leaf_hash, 1, 31) WHERE position = 5".to_owned());
    add(5, "UPDATE events SET fact_hash = substr(fact_hash, 1, 31) WHERE position = 5".to_owned());
    add(5, "UPDATE events SET leaf = substr(leaf, 1, 40) WHERE position = 5".to_owned());
    add(12, "DELETE FROM events WHERE position = 12".to_owned());
    add(7, "DELETE FROM events WHERE position BETWEEN 7 AND 9".to_owned());
    let columns = "book, position, leaf, leaf_hash, fact_hash, event_id, word, subject, connection, occurred_at, \
                   recorded_at, book_date";
    let beyond = columns.replace("position", "13");
    add(13, format!("INSERT INTO events ({columns}) SELECT {beyond} FROM events WHERE position = 12"));
    add(
        6,
        "UPDATE events SET position = 1000 WHERE position = 6; UPDATE events SET position = 6 WHERE position = 7; \
         UPDATE events SET position = 7 WHERE position = 1000"
            .to_owned(),
    );
    for set in [
        "amount = amount + 1",
        "amount = -amount",
        "account = 'income:other'",
        "currency = 'KES'",
        "bearer = 'payer'",
        "component = 'fx'",
        "component = 'nonsense'",
        "currency = 'nonsense'",
        "payment = NULL",
        "n = 9",
    ] {
        add(6, format!("UPDATE lines SET {set} WHERE position = 6 AND n = 2"));
    }
    add(6, format!("UPDATE lines SET open_item = {other} WHERE position = 6 AND n = 3"));
    add(6, "DELETE FROM lines WHERE position = 6 AND n = 1".to_owned());
    add(6, "DELETE FROM lines WHERE position = 6 AND n = 3".to_owned());
    add(6, "DELETE FROM lines WHERE position = 6".to_owned());
    let line = "INSERT INTO lines (book, position, n, account, currency, amount) VALUES";
    add(6, format!("{line} ({book}, 6, 4, 'income:sales', 'UGX', 5)"));
    // Position 1 has no entry.
    add(1, format!("{line} ({book}, 1, 1, 'income:sales', 'UGX', 5)"));
    add(0, format!("{line} ({book}, 99, 1, 'income:sales', 'UGX', 5)"));
    add(6, "UPDATE keys SET position = 5 WHERE position = 6 AND kind = 1".to_owned());
    add(6, format!("UPDATE keys SET leaf_hash = {} WHERE position = 6 AND kind = 2", byte("leaf_hash")));
    add(6, format!("UPDATE keys SET fact_hash = {} WHERE position = 6 AND kind = 3", byte("fact_hash")));
    for kind in [1, 2, 3] {
        add(6, format!("UPDATE keys SET key = {} WHERE position = 6 AND kind = {kind}", byte("key")));
        add(6, format!("DELETE FROM keys WHERE position = 6 AND kind = {kind}"));
        let added = format!("SELECT book, {kind}, {hash}, position, fact_hash, leaf_hash FROM keys");
        let keys = "INSERT INTO keys (book, kind, key, position, fact_hash, leaf_hash)";
        add(0, format!("{keys} {added} WHERE position = 6 AND kind = 1"));
    }
    for set in ["posted = posted + 1", "held = held - 1", "reserved = 0", "position = position - 1", "currency = 'KES'"]
    {
        add(0, format!("UPDATE wallets SET {set}"));
    }
    add(0, "DELETE FROM wallets".to_owned());
    let wallets = "INSERT INTO wallets (book, wallet, currency, posted, held, reserved, position)";
    add(0, format!("{wallets} VALUES ({book}, {other}, 'UGX', 0, 0, 0, 0)"));
    add(0, "UPDATE subjects SET state = replace(state, 'succeeded', 'failed')".to_owned());
    add(0, "UPDATE subjects SET state = replace(state, '\"gross\":\"1000\"', '\"gross\":\"1001\"')".to_owned());
    add(0, "UPDATE subjects SET state = 'nonsense'".to_owned());
    add(0, "DELETE FROM subjects".to_owned());
    let subjects = "INSERT INTO subjects (book, subject, state, position)";
    add(0, format!("{subjects} SELECT book, {other}, state, position FROM subjects LIMIT 1"));
    add(0, format!("UPDATE heads SET root = {}", byte("root")));
    add(0, format!("UPDATE heads SET edge = {}", byte("edge")));
    add(0, "UPDATE heads SET edge = substr(edge, 1, 32)".to_owned());
    add(12, "UPDATE heads SET size = size - 1".to_owned());
    add(13, "UPDATE heads SET size = size + 1".to_owned());
    add(0, "UPDATE heads SET recorded_at = recorded_at + 1".to_owned());
    add(0, "UPDATE heads SET configuration = 1".to_owned());
    add(1, "DELETE FROM heads".to_owned());
    add(0, "UPDATE configs SET config = replace(config, 'demo', 'omed')".to_owned());
    add(0, "UPDATE configs SET config = 'nonsense'".to_owned());
    add(0, "DELETE FROM configs".to_owned());
    list
}

async fn every_change_by_sql_is_found(house: &House) {
    write_book(house).await;
    let kept = Kept::of(house).await;
    for (at, (position, sql)) in changes(house).into_iter().enumerate() {
        let changed = house.sql(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert!(changed > 0, "nothing was changed by: {sql}");
        let report = house.verify(BOOK).await;
        assert!(!report.ok, "not found ({at}): {sql}");
        let found = report.bad_position.unwrap_or(0);
        assert_eq!(found, position, "{sql}: {}", report.reason.unwrap_or_default());
        kept.put_back(house).await;
        assert!(house.verify(BOOK).await.ok, "not put back after: {sql}");
    }
}

/// Copies of all tables, with the triggers gone.
struct Kept;

const ALL: [&str; 7] = ["events", "lines", "keys", "heads", "wallets", "subjects", "configs"];

impl Kept {
    async fn of(house: &House) -> Self {
        for table in TABLES {
            let triggers = match &house.place {
                Place::Postgres(_) => format!("DROP TRIGGER {table}_append_only ON {table}"),
                Place::Sqlite(..) => format!(
                    "DROP TRIGGER {table}_no_update; DROP TRIGGER {table}_no_delete; DROP TRIGGER {table}_no_replace"
                ),
            };
            house.sql(&triggers).await.unwrap();
        }
        for table in ALL {
            house.sql(&format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")).await.unwrap();
        }
        Self
    }

    async fn put_back(&self, house: &House) {
        let each = |table: &str| format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table};");
        let all: String = ALL.iter().map(|table| each(table)).collect();
        house.sql(&format!("BEGIN; {all} COMMIT")).await.unwrap();
    }
}
