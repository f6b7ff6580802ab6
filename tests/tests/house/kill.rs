//! The demo killed with SIGKILL at ten random moments and started again on the same data: nothing lost, nothing twice.
//!
//! What each killed run had committed is exported before the next start; the finished book must begin with exactly
//! those bytes.

use std::time::Duration;

use ensimbi_tests::process::{Ran, run, run_for};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use crate::demo::{check, demo};
use crate::support::{Folder, folder, random};

const KILLS: usize = 10;
/// Longest life of a run that will be killed, in milliseconds: ten of them make about one whole demo.
const LIFE_MS: u64 = 1_900;
/// Finished demos on the way to ten kills at most, on a machine that is much faster than expected.
const DEMOS_MAX: usize = 6;

#[tokio::test]
async fn a_demo_killed_at_ten_random_moments_loses_nothing_and_counts_nothing_twice() {
    let mut folder = folder();
    let mut kept = Vec::new();
    let (mut kills, mut demos) = (0, 0);
    while kills < KILLS {
        let delay = Duration::from_millis(100 + random(LIFE_MS));
        println_delay(kills, delay);
        match run_for(demo(&folder), delay).await {
            None => {
                kills += 1;
                kept = grown(&folder, kept).await;
            }
            Some(ended) => {
                // It was done before its moment came: that demo is judged, and the next kills hit a new one.
                finished(&folder, &kept, ended).await;
                demos += 1;
                assert!(demos < DEMOS_MAX, "{demos} demos ended, but only {kills} runs could be killed");
                folder = crate::support::folder();
                kept.clear();
            }
        }
    }
    let ended = run(demo(&folder)).await;
    finished(&folder, &kept, ended).await;
}

/// Shown only when the test fails.
#[allow(clippy::print_stdout)]
fn println_delay(kills: usize, delay: Duration) {
    println!("run {} is killed after {delay:?}", kills + 1);
}

async fn finished(folder: &Folder, kept: &[u8], ended: Ran) {
    let shown = ended.expect_code(0).json();
    check(&shown);
    let taken = shown["orders"]["taken"].as_i64().unwrap();
    grown(folder, kept.to_vec()).await;
    // Once on our side, and once at the provider.
    let mut door = open(folder, "data/door.db").await;
    assert_eq!(count(&mut door, "SELECT COUNT(*) FROM intents").await, taken);
    assert_eq!(count(&mut door, "SELECT COUNT(DISTINCT idempotency_key) FROM intents").await, taken);
    assert_eq!(count(&mut door, "SELECT COUNT(*) FROM outbox WHERE state IN ('pending', 'published')").await, 0);
    assert_eq!(count(&mut door, "SELECT COUNT(*) FROM inbox WHERE state = 'new'").await, 0);
    let mut provider = open(folder, "data/simulators/iotec.db").await;
    let twice = "SELECT COUNT(*) - COUNT(DISTINCT external_id) FROM record";
    assert_eq!(count(&mut provider, twice).await, 0, "asked for twice under one reference");
    let charged = count(&mut provider, "SELECT COUNT(*) FROM record").await;
    assert!(charged <= 60, "{charged} objects for 60 orders");
}

/// The leaves now, which must begin with those from before; and a book that verifies.
async fn grown(folder: &Folder, before: Vec<u8>) -> Vec<u8> {
    let data = folder.text("data");
    run(["verify", "--data", &data]).await.expect_code(0);
    let leaves = folder.text("leaves.cbor");
    let exported = run(["export", "leaves", "--data", &data, "--output", &leaves]).await;
    if exported.code == Some(2) && before.is_empty() {
        // Killed before there was a book.
        return before;
    }
    exported.expect_code(0);
    let now = std::fs::read(&leaves).unwrap();
    assert!(now.starts_with(&before), "what was committed before the kill is not there any more");
    now
}

async fn open(folder: &Folder, name: &str) -> SqliteConnection {
    SqliteConnectOptions::new().filename(folder.path(name)).read_only(true).connect().await.unwrap()
}

async fn count(database: &mut SqliteConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(database).await.unwrap()
}
