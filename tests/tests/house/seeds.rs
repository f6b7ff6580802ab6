//! The bodies of the seeds, all pending: claims and events, no money. The same with success: exact to the last unit in
//! the leaf, in both databases, in JSON.

use ensimbi_tests::fresh_database;
use ensimbi_tests::process::{Serving, python, run};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};

use crate::imports::{STATUS, configured, count, fixture, import, inbox, types};
use crate::support::{Folder, get, text};

/// Kind and case of the three bodies.
const SEEDS: [(&str, &str); 3] = [
    ("collection_created", "collection_created/seed_pending.body"),
    (STATUS, "collection_status/seed_pending_by_id.body"),
    (STATUS, "collection_status/seed_pending_by_external_id.body"),
];

/// The body by id, settled: the words of the state and its time, nothing else.
fn settled() -> String {
    let pending = String::from_utf8(fixture(SEEDS[1].1)).unwrap();
    let settled = pending.replacen("\"status\": \"Pending\"", "\"status\": \"Success\"", 1).replacen(
        "\"processedAt\": null",
        "\"processedAt\": \"2025-09-14T07:58:03.512Z\"",
        1,
    );
    assert_eq!(settled.matches("\"Success\"").count(), 1);
    assert_eq!(settled.matches("2025-09-14T07:58:03.512Z").count(), 1);
    settled
}

/// Account, units of 0.0001, component: what the settled body must post.
const LINES: [(&str, i64, Option<&str>); 4] = [
    ("assets:wallet:iotec-main:main", 6_755_000, None),
    ("expenses:fees:iotec-main:network", 105_000, Some("network")),
    ("expenses:fees:iotec-main:provider", 140_000, Some("provider")),
    ("liabilities:clearing:collections:iotec-main", -7_000_000, None),
];

type Row = (String, i64, Option<String>);

fn expected() -> Vec<Row> {
    LINES.map(|(account, amount, component)| (account.to_owned(), amount, component.map(str::to_owned))).to_vec()
}

fn check_fact(event: &Value) {
    let fact = &event["fact"];
    assert_eq!(fact["gross"], "700", "{event}");
    assert_eq!(fact["net"], "675.5", "{event}");
    let mut fees: Vec<(&str, &str, &str)> = fact["fees"].as_array().unwrap().iter().map(fee).collect();
    fees.sort_unstable();
    assert_eq!(fees, [("network", "merchant", "10.5"), ("provider", "merchant", "14")], "{event}");
}

fn fee(fee: &Value) -> (&str, &str, &str) {
    (text(&fee["component"]), text(&fee["bearer"]), text(&fee["amount"]))
}

/// The leaf, read by the program that shares no code with the product.
async fn check_leaf(folder: &Folder, arguments: &[&str]) {
    let (data, leaves) = (folder.text("data"), folder.text("leaves.cbor"));
    let export = ["export", "leaves", "--data", &data, "--output", &leaves];
    run(export.iter().copied().chain(arguments.iter().copied())).await.expect_code(0);
    let decoded = python("decode.py", &folder.path("leaves.cbor")).await;
    let leaf: Value = serde_json::from_str(decoded.lines().last().unwrap()).unwrap();
    let fact = &leaf["fact"];
    assert_eq!(fact["type"], "CollectionSucceeded");
    assert_eq!((&fact["gross"], &fact["net"]), (&json!(7_000_000), &json!(6_755_000)), "{fact}");
    let fees = fact["fees"].as_array().unwrap().iter().map(|fee| fee["amount"].as_i64().unwrap());
    let mut fees: Vec<i64> = fees.collect();
    fees.sort_unstable();
    assert_eq!(fees, [105_000, 140_000], "14 + 10.5 at scale 4: {fact}");
    let line = |line: &Value| {
        let component = line.get("component").map(|component| text(component).to_owned());
        (text(&line["account"]).to_owned(), line["amount"].as_i64().unwrap(), component)
    };
    let mut lines: Vec<Row> = leaf["record"]["lines"].as_array().unwrap().iter().map(line).collect();
    lines.sort();
    assert_eq!(lines, expected());
}

#[tokio::test]
async fn the_pending_bodies_of_the_seeds_become_pending_events_and_move_no_money() {
    let folder = configured();
    for (kind, case) in SEEDS {
        let body = fixture(case);
        assert!(String::from_utf8(body.clone()).unwrap().contains("\"status\": \"Pending\","), "{case}");
        let file = folder.write(case, body);
        let shown = import(&folder, kind, &[file]).await.expect_code(0).json();
        let file = &shown["files"][0];
        assert_eq!(file["state"], "translated", "{shown}");
        assert_eq!(file["claims"].as_array().unwrap().len(), 1, "{shown}");
        assert_eq!(file["claims"][0]["type"], "CollectionPending", "{shown}");
        let event = file["events"].as_array().unwrap().iter().find(|e| e["fact"]["type"] == "CollectionPending");
        assert_eq!(event.unwrap()["fact"]["amount"], "700", "{shown}");
        assert!(file["events"].as_array().unwrap().iter().all(|e| e["lines"].as_array().is_none_or(Vec::is_empty)));
    }
    let pending = "SELECT COUNT(*) FROM events WHERE word = 'CollectionPending'";
    assert_eq!(count(&folder, "data/book.db", pending).await, 1, "three bodies about one collection: one event");
    assert_eq!(count(&folder, "data/book.db", "SELECT COUNT(*) FROM lines").await, 0, "no money");
    let watched = "SELECT COUNT(*) FROM checks WHERE watch = 'unsettled' AND next_check_at IS NOT NULL";
    assert_eq!(count(&folder, "data/door.db", watched).await, 1, "the poller will ask");
    run(["verify", "--data", &folder.text("data")]).await.expect_code(0);
}

#[tokio::test]
async fn the_settled_body_posts_fourteen_and_ten_and_a_half_exactly_in_leaf_database_and_json() {
    let folder = configured();
    let pending = folder.write("in/pending", fixture(SEEDS[1].1));
    let success = folder.write("in/success", settled());
    let shown = import(&folder, STATUS, &[pending, success.clone()]).await.expect_code(0).json();
    assert_eq!(types(&shown["files"][1]), ["CollectionSucceeded"], "{shown}");
    check_fact(&shown["files"][1]["events"][0]);
    check_leaf(&folder, &[]).await;

    let mut book =
        SqliteConnectOptions::new().filename(folder.path("data/book.db")).read_only(true).connect().await.unwrap();
    let rows: Vec<Row> = sqlx::query_as("SELECT account, amount, component FROM lines ORDER BY account")
        .fetch_all(&mut book)
        .await
        .unwrap();
    assert_eq!(rows, expected(), "the rows of SQLite");

    let again = import(&folder, STATUS, &[success]).await.expect_code(0).json();
    assert_eq!(again["files"][0]["already_present"], true, "{again}");
    assert_eq!(inbox(&folder).await, 2, "the same bytes are one row");
    assert_eq!(count(&folder, "data/book.db", "SELECT COUNT(*) FROM lines").await, 4, "nothing new");

    let data = folder.text("data");
    let serving = Serving::start(["--data", &data]).await;
    check_api(&serving).await;
    assert_eq!(serving.stop().await, Some(0));
}

#[tokio::test]
async fn the_settled_body_posts_the_same_lines_in_postgres() {
    let folder = configured();
    let database = fresh_database("seeds").await;
    let key = folder.master_key();
    let success = folder.write("in/success", settled());
    let data = folder.text("data");
    let place = ["--data", &data, "--database-url", &database, "--master-key-file", &key];
    let import = ["import", "--json", "--connection", "iotec-main", "--kind", STATUS, &success];
    let shown = run(import.iter().copied().chain(place)).await.expect_code(0).json();
    check_fact(&shown["files"][0]["events"][0]);
    check_leaf(&folder, &place[2..]).await;

    let mut book = PgConnection::connect(&database).await.unwrap();
    let sql = "SELECT account, amount, component FROM book.lines ORDER BY account COLLATE \"C\"";
    let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(&mut book).await.unwrap();
    assert_eq!(rows, expected(), "the rows of PostgreSQL");

    let again = run(import.iter().copied().chain(place)).await.expect_code(0).json();
    assert_eq!(again["files"][0]["already_present"], true, "{again}");
    let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM book.lines").fetch_one(&mut book).await.unwrap();
    assert_eq!(rows, 4, "nothing new");
    run(["verify"].into_iter().chain(place)).await.expect_code(0);

    let serving = Serving::start(place).await;
    check_api(&serving).await;
}

/// Decimal strings in natural signs, and never a number.
async fn check_api(serving: &Serving) {
    let key = serving.key.clone().expect("the first start shows a key");
    let fees = get(serving, &key, "/v1/fees").await;
    let groups = fees["groups"].as_array().unwrap();
    let of = |component: &str| groups.iter().find(|g| g["group"]["component"] == component).unwrap();
    assert_eq!(of("provider")["fees"], "14", "{fees}");
    assert_eq!(of("network")["fees"], "10.5", "{fees}");
    assert_eq!(fees["totals"][0]["fees"], "24.5", "{fees}");
    assert_eq!(fees["totals"][0]["accounts"], "24.5", "the fee accounts say the same: {fees}");
    assert_eq!(fees["totals"][0]["difference"], "0", "{fees}");
    let wallets = get(serving, &key, "/v1/wallets").await;
    let wallet = &wallets["items"][0];
    assert_eq!((&wallet["currency"], &wallet["posted"]), (&"ITX".into(), &"675.5".into()), "{wallets}");
    assert_eq!((&wallet["available"], &wallet["held"]), (&"675.5".into(), &"0".into()), "{wallets}");
    let payments = get(serving, &key, "/v1/payments").await;
    assert_eq!(payments["items"][0]["state"], "succeeded", "{payments}");
}
