//! `demo --once`: exit 0 means that the four agreements hold; whoever looks afterwards finds the same book.

use std::collections::BTreeSet;
use std::time::Duration;

use ensimbi_tests::process::{python, run, run_for};
use ensimbi_tests::{fresh_database, nats_urls, unique_word};
use serde_json::Value;

use crate::support::{Folder, folder, text};

const PAYMENTS: u64 = 60;

/// The arguments of every run here.
pub fn demo(folder: &Folder) -> Vec<String> {
    let payments = PAYMENTS.to_string();
    let args = ["demo", "--once", "--json", "--payments", &payments, "--seed", "7", "--data", &folder.text("data")];
    args.map(str::to_owned).to_vec()
}

/// What every finished demo must show: agreement, nothing open, every payment exactly once, our wallets theirs.
pub fn check(shown: &Value) {
    assert_eq!(shown["ok"], true, "{shown}");
    for agreement in ["trial_balance", "simulators", "recomputation", "verify"] {
        assert_eq!(shown["agreements"][agreement], true, "{agreement}: {shown}");
    }
    let orders = |what: &str| shown["orders"][what].as_u64().unwrap();
    assert_eq!(orders("taken") + orders("left_out"), PAYMENTS, "{shown}");
    assert!(orders("left_out") <= PAYMENTS / 10, "{shown}");
    let states = shown["payments_by_state"].as_object().unwrap();
    let last = ["succeeded", "failed", "reversed"];
    assert!(states.keys().all(|state| last.contains(&state.as_str())), "a payment is not final: {shown}");
    let payments: u64 = states.values().map(|count| count.as_u64().unwrap()).sum();
    // Providers move money between purses by themselves.
    assert!((orders("taken")..=orders("taken") + PAYMENTS / 10).contains(&payments), "{shown}");
    assert!(states["succeeded"].as_u64().unwrap() > PAYMENTS / 2, "{shown}");
    let wallets = shown["wallets"].as_array().unwrap();
    let sandbox = wallets.iter().filter(|wallet| wallet["provider"] == "sandbox").count();
    assert_eq!(wallets.len() - sandbox, 9, "{shown}");
    for wallet in wallets {
        assert_eq!(wallet["posted"], wallet["simulator"], "{shown}");
        assert_ne!(text(&wallet["posted"]), "0", "{shown}");
    }
}

/// What a run shows of its book. How often it looked while it went on is its own.
fn book(shown: &Value) -> Value {
    let mut shown = shown.clone();
    shown.as_object_mut().unwrap().remove("checkpoints");
    shown
}

#[tokio::test]
async fn the_embedded_demo_agrees_and_whoever_looks_afterwards_finds_the_same_book() {
    let folder = folder();
    let first = run(demo(&folder)).await.expect_code(0).json();
    check(&first);

    let second = run(demo(&folder)).await.expect_code(0).json();
    assert_eq!(book(&second), book(&first), "a second run on the same data changes nothing");

    let data = folder.text("data");
    let verified = run(["verify", "--json", "--data", &data]).await.expect_code(0).json();
    let proven = &verified["books"][0];
    assert_eq!((&proven["size"], &proven["root"]), (&first["position"], &first["root"]), "{verified}");

    let rebuilt = run(["rebuild", "--json", "--data", &data]).await.expect_code(0).json();
    assert_eq!(rebuilt["ok"], true, "{rebuilt}");
    for projection in rebuilt["projections"].as_array().unwrap() {
        assert_eq!(projection["equal"], true, "rebuilt equals incremental: {rebuilt}");
    }

    let leaves = folder.path("leaves.cbor");
    run(["export", "leaves", "--data", &data, "--output", leaves.to_str().unwrap()]).await.expect_code(0);
    let root = python("root.py", &leaves).await;
    let expected = format!("size {}\nroot {}\n", first["position"], text(&first["root"]));
    assert_eq!(root, expected, "the Python companion computes the same root");
    let decoded = python("decode.py", &leaves).await;
    assert_eq!(decoded.lines().count() as u64, first["position"].as_u64().unwrap());
    let opened: Value = serde_json::from_str(decoded.lines().next().unwrap()).unwrap();
    assert_eq!(opened["fact"]["type"], "BookOpened");
}

/// The words of an invoice's life.
const INVOICE_WORDS: [&str; 7] = [
    "InvoiceDrafted",
    "InvoiceItemAdded",
    "InvoicePublished",
    "InvoicePaymentStarted",
    "InvoicePaid",
    "InvoiceExpired",
    "InvoiceCancelled",
];

#[tokio::test]
async fn invoices_reach_each_state_that_their_provider_has() {
    let folder = folder();
    let data = folder.text("data");
    // Whole minutes on a busy machine.
    let args = ["demo", "--once", "--json", "--provider", "dollr", "--provider", "paytota", "--data", &data];
    let ran = run_for(args, Duration::from_secs(900)).await;
    let shown = ran.expect("the demo ends").expect_code(0).json();
    let ends = &shown["invoices_by_state"]["paytota"];
    for state in ["paid", "paid_offline", "expired", "cancelled"] {
        assert!(ends[state].as_u64().is_some_and(|count| count > 0), "{state}: {shown}");
    }
    let ends = &shown["invoices_by_state"]["dollr"];
    for state in ["paid", "cancelled"] {
        assert!(ends[state].as_u64().is_some_and(|count| count > 0), "{state}: {shown}");
    }
    let leaves = folder.path("leaves.cbor");
    run(["export", "leaves", "--data", &data, "--output", leaves.to_str().unwrap()]).await.expect_code(0);
    let decoded = python("decode.py", &leaves).await;
    let events = decoded.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    // Our own invoices have no connection.
    let theirs = events.filter(|event| event["fact"]["connection"].is_string());
    let words: BTreeSet<String> = theirs.map(|event| text(&event["fact"]["type"]).to_owned()).collect();
    for word in INVOICE_WORDS {
        assert!(words.contains(word), "{word}: {words:?}");
    }
}

/// With all its faults, its books and ours come to the same; so for each connector there is.
#[tokio::test]
async fn each_provider_alone_comes_out_right() {
    for connector in ensimbi_connectors::providers::all() {
        let folder = folder();
        let provider = connector.facts().provider;
        let args =
            ["demo", "--once", "--json", "--payments", "40", "--data", &folder.text("data"), "--provider", provider];
        let shown = run(args).await.expect_code(0).json();
        assert_eq!(shown["ok"], true, "{provider}: {shown}");
        let orders = |what: &str| shown["orders"][what].as_u64().unwrap();
        assert_eq!(orders("taken") + orders("left_out"), 40, "{provider}: {shown}");
    }
}

#[tokio::test]
async fn the_demo_agrees_although_the_bus_is_emptied_at_random() {
    let folder = folder();
    let mut args = demo(&folder);
    args.push("--lose-bus".to_owned());
    check(&run(args).await.expect_code(0).json());
}

#[tokio::test]
async fn the_demo_agrees_on_postgres_and_the_floor_nats() {
    on_servers(&nats_urls()[0]).await;
}

#[tokio::test]
async fn the_demo_agrees_on_postgres_and_a_current_nats() {
    on_servers(&nats_urls()[1]).await;
}

async fn on_servers(nats: &str) {
    let folder = folder();
    let database = fresh_database("demo").await;
    let prefix = unique_word("demo");
    let servers = ["--database-url", &database, "--nats-url", nats, "--nats-prefix", &prefix];
    let mut args = demo(&folder);
    args.extend(servers.map(str::to_owned));
    for connector in ensimbi_connectors::providers::all() {
        args.extend(["--provider", connector.facts().provider].map(str::to_owned));
    }
    let first = run(&args).await.expect_code(0).json();
    check(&first);
    let second = run(&args).await.expect_code(0).json();
    assert_eq!(book(&second), book(&first), "a second run on the same data changes nothing");
    let verify = ["verify", "--json", "--data", &folder.text("data"), "--database-url", &database];
    let verified = run(verify).await.expect_code(0).json();
    assert_eq!(verified["books"][0]["root"], first["root"], "{verified}");
}
