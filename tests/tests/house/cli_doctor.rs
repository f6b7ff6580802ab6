//! `ensimbi doctor`: a healthy folder, folders with one thing broken each, and servers.

use ensimbi_tests::process::run;
use ensimbi_tests::{fresh_database, nats_urls, unique_word};
use serde_json::Value;

use crate::imports::{CALLBACK_VALUE, CONFIG, STATUS, configured, fixture, import};
use crate::support::{Folder, MASTER_KEY, text};

/// A folder with a book of one payment.
pub async fn healthy() -> Folder {
    let folder = configured();
    let file = folder.write("in/body", fixture("collection_status/success.body"));
    import(&folder, STATUS, &[file]).await.expect_code(0);
    folder
}

async fn doctor(folder: &Folder, arguments: &[&str], code: i32) -> Value {
    let data = folder.text("data");
    let ran = run(["doctor", "--json", "--data", &data].into_iter().chain(arguments.iter().copied())).await;
    let ran = ran.expect_code(code);
    for secret in [MASTER_KEY, CALLBACK_VALUE, "IO-client-secret-of-the-tests", "0111777771"] {
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{}{}", ran.stdout, ran.stderr);
    }
    let shown = ran.json();
    assert_eq!(shown["ok"], code == 0, "{shown}");
    shown
}

/// The states of all lines with this name.
fn states<'a>(shown: &'a Value, name: &str) -> Vec<&'a str> {
    let named = shown["checks"].as_array().unwrap().iter().filter(|check| text(&check["name"]) == name);
    named.map(|check| text(&check["state"])).collect()
}

/// The bad lines, each with what to do.
fn bad(shown: &Value) -> Vec<&str> {
    let bad = shown["checks"].as_array().unwrap().iter().filter(|check| check["state"] == "bad");
    bad.map(|check| {
        assert!(!text(&check["advice"]).is_empty(), "what to do is not said: {check}");
        text(&check["name"])
    })
    .collect()
}

#[tokio::test]
async fn a_healthy_folder_is_ok_in_every_line() {
    let folder = healthy().await;
    let shown = doctor(&folder, &[], 0).await;
    for name in ["configuration", "connection iotec-main", "lock", "book.db", "door.db", "views.db", "bus", "clock"] {
        assert_eq!(states(&shown, name), ["ok"], "{name}: {shown}");
    }
    assert_eq!(states(&shown, "master key"), ["ok", "ok"], "it is there, and it fits: {shown}");
    for view in ["wallets", "payments", "accounts", "invoices", "discrepancies", "open_items"] {
        assert_eq!(states(&shown, &format!("view {view}")), ["ok"], "{shown}");
    }
    let lines = run(["doctor", "--data", &folder.text("data")]).await.expect_code(0).stdout;
    assert_eq!(lines.lines().count(), shown["checks"].as_array().unwrap().len(), "one line each: {lines}");
    assert!(lines.lines().all(|line| line.starts_with("ok   ") || line.starts_with("warn ")), "{lines}");
}

#[tokio::test]
async fn one_broken_thing_is_one_bad_line_and_the_others_are_still_looked_at() {
    let folder = healthy().await;
    folder.write("data/ensimbi.toml", [CONFIG, "slug = ["].concat());
    let shown = doctor(&folder, &[], 2).await;
    assert_eq!(bad(&shown), ["configuration"], "{shown}");
    assert_eq!(states(&shown, "book.db"), ["ok"], "{shown}");

    folder.write("data/ensimbi.toml", CONFIG.replace("simulated = true", ""));
    assert_eq!(bad(&doctor(&folder, &[], 2).await), ["connection iotec-main"]);
    folder.write("data/ensimbi.toml", CONFIG);

    let key = folder.path("data/master.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    assert_eq!(bad(&doctor(&folder, &[], 2).await), ["master key"]);
    let other = folder.master_key();
    let shown = doctor(&folder, &["--master-key-file", &other], 2).await;
    assert_eq!(states(&shown, "master key"), ["ok", "bad"], "another key does not fit: {shown}");
    folder.write("data/master.key", kept);
    assert_eq!(bad(&doctor(&folder, &[], 2).await), ["master key"], "others may read it");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();

    // Nothing listens where the provider should be.
    assert_eq!(bad(&doctor(&folder, &["--online"], 3).await), ["credentials iotec-main"]);
    doctor(&folder, &[], 0).await;
}

#[tokio::test]
async fn a_file_that_is_no_database_of_ours_is_named_and_left_alone() {
    for name in ["book.db", "door.db", "views.db"] {
        let folder = healthy().await;
        let data = folder.path("data");
        for end in ["-wal", "-shm"] {
            drop(std::fs::remove_file(data.join([name, end].concat())));
        }
        let letter = "a letter to nobody, long enough to be more than a header ".repeat(40);
        folder.write(&format!("data/{name}"), &letter);
        assert_eq!(bad(&doctor(&folder, &[], 2).await), [name]);
        assert_eq!(std::fs::read_to_string(data.join(name)).unwrap(), letter);
        std::fs::remove_file(data.join(name)).unwrap();
        assert_eq!(bad(&doctor(&folder, &[], 1).await), ["databases"], "the files belong together");
    }
}

#[tokio::test]
async fn postgres_and_nats_are_looked_at_and_their_addresses_are_not_shown() {
    let folder = configured();
    let (database, prefix) = (fresh_database("doctor").await, unique_word("doctor"));
    let key = folder.master_key();
    let nats = &nats_urls()[0];
    let servers =
        ["--database-url", &database, "--nats-url", nats, "--nats-prefix", &prefix, "--master-key-file", &key];
    let shown = doctor(&folder, &servers, 0).await;
    for name in ["database version", "database fsync", "database synchronous_commit", "schema book", "bus"] {
        assert!(states(&shown, name).contains(&"ok"), "{name}: {shown}");
    }
    let nobody = "postgres://someone:a-password-of-nobody@127.0.0.1:9/nothing";
    let shown = doctor(&folder, &["--database-url", nobody, "--master-key-file", &key], 3).await;
    assert_eq!(bad(&shown), ["database"], "{shown}");
    assert!(!shown.to_string().contains("a-password-of-nobody"), "{shown}");
}
