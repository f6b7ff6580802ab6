//! `ensimbi import`: what it takes, what it refuses, and with which exit code.

use ensimbi_tests::process::{Ran, run};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use crate::support::{Folder, folder, text};

pub const CALLBACK_HEADER: &str = "X-Callback-Secret";
pub const CALLBACK_VALUE: &str = "a-callback-value-of-the-tests";
const CLIENT_SECRET: &str = "IO-client-secret-of-the-tests";
pub const STATUS: &str = "collection_status";

/// A connection to a provider that nobody plays: nothing listens on its port.
pub const CONFIG: &str = r#"
[[connections]]
slug = "iotec-main"
provider = "iotec"
account = "pay-test"
simulated = true
timeout_ms = 1000
urls = { api = "http://127.0.0.1:9", token = "http://127.0.0.1:9" }
options = { client_id = "pay-test", callback_header = "X-Callback-Secret" }
secrets = { client_secret = "IO-client-secret-of-the-tests", callback_value = "a-callback-value-of-the-tests" }
wallets = [{ id = "5e83b187-801e-410e-b76e-f491928547e0", code = "main", currency = "ITX" }]
"#;

/// A folder with that configuration.
pub fn configured() -> Folder {
    let folder = folder();
    folder.write("data/ensimbi.toml", CONFIG);
    folder
}

/// A fixture of the connector, byte for byte.
pub fn fixture(name: &str) -> Vec<u8> {
    let path = ensimbi_tests::repo_root().join("connectors/src/providers/iotec/fixtures").join(name);
    std::fs::read(path).unwrap()
}

/// Imports files of one kind.
pub async fn import(folder: &Folder, kind: &str, files: &[String]) -> Ran {
    let data = folder.text("data");
    let options = ["import", "--json", "--data", &data, "--connection", "iotec-main", "--kind", kind];
    let ran = run(options.iter().copied().chain(files.iter().map(String::as_str))).await;
    for secret in [CLIENT_SECRET, CALLBACK_VALUE, "0111777771", "John Doe"] {
        let said = [ran.stdout.as_str(), ran.stderr.as_str()].concat();
        assert!(!said.contains(secret), "a secret or a person is named: {said}");
    }
    ran
}

/// The types of the events that one imported file brought.
pub fn types(file: &Value) -> Vec<&str> {
    file["events"].as_array().unwrap().iter().map(|event| text(&event["fact"]["type"])).collect()
}

/// A count from one of the folder's databases.
pub async fn count(folder: &Folder, database: &str, sql: &'static str) -> i64 {
    let options = SqliteConnectOptions::new().filename(folder.path(database)).read_only(true);
    let mut database: SqliteConnection = options.connect().await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut database).await.unwrap()
}

/// Rows of the inbox; none where there is no database.
pub async fn inbox(folder: &Folder) -> i64 {
    if !folder.path("data/door.db").exists() {
        return 0;
    }
    count(folder, "data/door.db", "SELECT COUNT(*) FROM inbox").await
}

#[tokio::test]
async fn an_unreadable_file_is_kept_counted_and_ends_with_two() {
    let folder = configured();
    let file = folder.write("in/page.html", fixture("collection_status/html.body"));
    let ran = import(&folder, STATUS, &[file]).await.expect_code(2);
    let shown = ran.json();
    assert_eq!((&shown["ok"], &shown["files"][0]["state"]), (&false.into(), &"quarantined".into()), "{shown}");
    assert!(!text(&shown["files"][0]["reason"]).is_empty());
    assert_eq!(inbox(&folder).await, 1, "what cannot be read is kept");
    let counted = "SELECT value FROM counters WHERE name = 'quarantined'";
    assert_eq!(count(&folder, "data/door.db", counted).await, 1);
    assert_eq!(count(&folder, "data/book.db", "SELECT COUNT(*) FROM lines").await, 0);
}

#[tokio::test]
async fn a_file_that_contradicts_itself_or_the_book_ends_with_four_and_moves_no_money() {
    let folder = configured();
    let doubtful = folder.write("in/doubtful", fixture("collection_status/doubt_total_differs.body"));
    let shown = import(&folder, STATUS, &[doubtful]).await.expect_code(4).json();
    assert!(types(&shown["files"][0]).contains(&"DiscrepancyRaised"), "{shown}");
    assert_eq!(count(&folder, "data/book.db", "SELECT COUNT(*) FROM lines").await, 0, "it is withheld");

    let folder = configured();
    let body = String::from_utf8(fixture("collection_status/success.body")).unwrap();
    let first = folder.write("in/first", &body);
    import(&folder, STATUS, &[first]).await.expect_code(0);
    let lines = count(&folder, "data/book.db", "SELECT COUNT(*) FROM lines").await;
    assert!(body.contains("\"amount\": 700,"));
    let other = folder.write("in/other", body.replace("\"amount\": 700,", "\"amount\": 800,"));
    let shown = import(&folder, STATUS, &[other]).await.expect_code(4).json();
    assert_eq!(types(&shown["files"][0]), ["CollectionSucceeded", "DiscrepancyRaised"], "{shown}");
    assert_eq!(shown["files"][0]["events"][1]["fact"]["kind"], "fact_differs", "{shown}");
    assert_eq!(shown["files"][0]["events"][1]["fact"]["stake"], "800", "{shown}");
    assert_eq!(count(&folder, "data/book.db", "SELECT COUNT(*) FROM lines").await, lines, "the first stands");
    run(["verify", "--data", &folder.text("data")]).await.expect_code(0);
}

#[tokio::test]
async fn an_unknown_connection_or_kind_is_refused_by_naming_the_known_ones() {
    let folder = configured();
    let file = folder.write("in/body", fixture("collection_status/success.body"));
    let ran = import(&folder, "bank_statement", std::slice::from_ref(&file)).await.expect_code(2);
    assert!(ran.stderr.contains("--kind"), "{}", ran.stderr);
    for kind in ["collection_created", "collection_status", "webhook"] {
        assert!(ran.stderr.contains(kind), "{kind} is not named: {}", ran.stderr);
    }
    let data = folder.text("data");
    let ran = run(["import", &file, "--data", &data, "--connection", "nowhere", "--kind", STATUS]).await;
    let ran = ran.expect_code(2);
    assert!(ran.stderr.contains("--connection nowhere") && ran.stderr.contains("iotec-main"), "{}", ran.stderr);
    assert_eq!(inbox(&folder).await, 0, "nothing was applied");
}

#[tokio::test]
async fn a_link_a_missing_a_large_or_an_empty_file_among_others_applies_nothing() {
    let folder = configured();
    let good = folder.write("in/good", fixture("collection_status/success.body"));
    let empty = folder.write("in/empty", "");
    let large = folder.write("in/large", vec![b' '; 1024 * 1024 + 1]);
    let link = folder.path("in/link");
    std::os::unix::fs::symlink(&good, &link).unwrap();
    let fifo = folder.text("in/fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let bad = [folder.text("in/missing"), link.to_str().unwrap().to_owned(), fifo, empty, large, folder.text("in")];
    for bad in bad {
        let ran = import(&folder, STATUS, &[good.clone(), bad.clone()]).await.expect_code(2);
        assert!(ran.stderr.contains(&bad), "the file is not named: {}", ran.stderr);
        assert_eq!(folder.names("data"), ["ensimbi.toml"], "{bad}: something was made");
    }
}
