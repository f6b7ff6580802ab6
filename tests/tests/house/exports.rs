//! Exports of a book that the demo made: other people's programs take them and come to the same balances, to the unit;
//! a file is whole or not there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use ensimbi_tests::process::{Ran, Serving, command, run};
use ensimbi_tests::{ensimbi_bin, repo_root};
use serde_json::Value;
use tokio::process::Command;

use crate::support::{Folder, ask, folder, get, text};

const TABLES: [&str; 9] =
    ["entries", "events", "trial_balance", "wallets", "payments", "fees", "invoices", "open_items", "discrepancies"];

/// Balance by account and currency.
type Balances = BTreeMap<(String, String), String>;

async fn played(payments: &str) -> Folder {
    let folder = folder();
    let data = folder.text("data");
    let shown = run(["demo", "--once", "--payments", payments, "--json", "--data", &data]).await.expect_code(0).json();
    assert_eq!(shown["ok"], true, "{shown}");
    folder
}

async fn export(folder: &Folder, what: &[&str], file: &str) -> Ran {
    let (data, file) = (folder.text("data"), folder.text(file));
    let ran = run(["export"].iter().chain(what).copied().chain(["--data", &data, "--output", &file])).await;
    assert!(!Path::new(&[&file, ".part"].concat()).exists(), "a part is left behind");
    ran
}

/// Runs somebody else's program; it must be there, and be content.
async fn program(name: &str, args: &[&str]) -> String {
    let mut command = Command::new(name);
    if let Some(folder) = std::env::var_os("ENSIMBI_TEST_PYTHONPATH") {
        command.env("PYTHONPATH", folder);
    }
    let output = command.args(args).stdin(Stdio::null()).output().await;
    let output = output.unwrap_or_else(|error| panic!("{name} is not to be had ({error}): run `cargo xtask test`"));
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} {args:?}: {said}{wrong}");
    said.into_owned()
}

/// What a reader in Python finds in an export.
async fn read(how: &str, file: &str) -> Value {
    let reader = repo_root().join("tests/tests/house/exports.py");
    serde_json::from_str(&program("python3", &["-B", reader.to_str().unwrap(), how, file]).await).unwrap()
}

fn column<'a>(row: &'a Value, name: &str) -> &'a str {
    text(&row[name])
}

/// A decimal text without zeros at its end.
fn shortest(number: &str) -> String {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.').to_owned() } else { number.to_owned() }
}

/// What hledger says, account by account.
async fn hledger_balances(file: &str) -> Balances {
    let said = program("hledger", &["-f", file, "bal", "-N", "-E", "--flat", "--layout=bare", "-O", "csv"]).await;
    let rows = said.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.trim_matches('"').split("\",\"").collect();
        let [account, currency, number] = cells[..] else { panic!("{line}") };
        ((account.to_owned(), currency.to_owned()), shortest(number))
    });
    rows.filter(|((_, currency), _)| !currency.is_empty()).collect()
}

/// The same account as beancount spells it.
fn capitals(account: &str) -> String {
    let part = |part: &str| {
        let words = part.split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
        words.collect::<Vec<_>>().join("-")
    };
    account.split(':').map(part).collect::<Vec<_>>().join(":")
}

#[tokio::test]
async fn other_programs_take_the_journals_and_come_to_the_books_balances() {
    let folder = played("60").await;
    for (kind, file) in [("hledger", "book.journal"), ("beancount", "book.beancount"), ("hledger", "again.journal")] {
        export(&folder, &[kind], file).await.expect_code(0);
    }
    let bytes = |name: &str| std::fs::read(folder.path(name)).unwrap();
    assert_eq!(bytes("book.journal"), bytes("again.journal"), "two runs at one position give the same bytes");
    export(&folder, &["csv", "--table", "trial_balance"], "balances.csv").await.expect_code(0);
    let trial = read("csv", &folder.text("balances.csv")).await;
    let trial: Balances = trial["rows"].as_array().unwrap().iter().fold(Balances::new(), |mut all, row| {
        let key = (column(row, "account").to_owned(), column(row, "currency").to_owned());
        all.insert(key, column(row, "balance").to_owned());
        all
    });
    assert!(trial.len() > 10, "{trial:?}");
    let currencies: BTreeSet<&str> = trial.keys().map(|(_, currency)| currency.as_str()).collect();
    assert!(currencies.len() > 1, "the demo has several currencies");

    let journal = folder.text("book.journal");
    program("hledger", &["-f", &journal, "check", "--strict"]).await;
    program("hledger", &["-f", &journal, "check", "payees"]).await;
    let mut shown = hledger_balances(&journal).await;
    // An account at zero in one of its currencies may be left out.
    for key in trial.keys() {
        shown.entry(key.clone()).or_insert_with(|| "0".to_owned());
    }
    assert_eq!(shown, trial, "hledger's balances are the trial balance");

    let file = folder.text("book.beancount");
    program("python3", &["-m", "beancount.scripts.check", &file]).await;
    let found = read("beancount", &file).await;
    let shown: Balances = found["balances"].as_array().unwrap().iter().fold(Balances::new(), |mut all, row| {
        all.insert((text(&row[0]).to_owned(), text(&row[1]).to_owned()), text(&row[2]).to_owned());
        all
    });
    let spelled: Balances =
        trial.iter().map(|((account, currency), sum)| ((capitals(account), currency.clone()), sum.clone())).collect();
    assert_eq!(shown, spelled, "beancount's balances are the trial balance");
    assert_eq!(found["transactions"], found["distinct"], "every transaction has an id of its own");
    let codes = String::from_utf8(bytes("book.journal")).unwrap();
    let trailer = codes.lines().last().unwrap();
    assert!(trailer.starts_with("; #end position=") && trailer.contains(&format!(" rows={} ", found["transactions"])));
}

#[tokio::test]
async fn every_table_is_whole_and_the_entries_are_the_trial_balance() {
    let folder = played("40").await;
    let mut position = None;
    for table in TABLES {
        for form in [None, Some("--spreadsheet")] {
            let what: Vec<&str> = ["csv", "--table", table].into_iter().chain(form).collect();
            export(&folder, &what, "table.csv").await.expect_code(0);
            let first = std::fs::read(folder.path("table.csv")).unwrap();
            export(&folder, &what, "table.csv").await.expect_code(0);
            assert_eq!(
                std::fs::read(folder.path("table.csv")).unwrap(),
                first,
                "{table}: two runs give the same bytes"
            );
            let found = read("csv", &folder.text("table.csv")).await;
            assert_eq!(position.get_or_insert(found["position"].clone()), &found["position"], "{table}");
            let rows = found["rows"].as_array().unwrap();
            assert!(!rows.is_empty() || ["open_items", "discrepancies"].contains(&table), "{table}");
            if form.is_some() {
                let formula = |cell: &str| cell.starts_with(['=', '+', '@', '\t', '\r']);
                let cells = rows.iter().flat_map(|row| row.as_object().unwrap().values());
                assert!(cells.into_iter().all(|cell| !formula(text(cell))), "{table}");
            }
        }
    }
    export(&folder, &["csv", "--table", "entries"], "entries.csv").await.expect_code(0);
    export(&folder, &["csv", "--table", "trial_balance"], "balances.csv").await.expect_code(0);
    let mut sums: BTreeMap<(String, String), i128> = BTreeMap::new();
    for row in read("csv", &folder.text("entries.csv")).await["rows"].as_array().unwrap() {
        let key = (column(row, "account").to_owned(), column(row, "currency").to_owned());
        *sums.entry(key).or_default() += scaled(column(row, "amount"));
    }
    for row in read("csv", &folder.text("balances.csv")).await["rows"].as_array().unwrap() {
        let key = (column(row, "account").to_owned(), column(row, "currency").to_owned());
        assert_eq!(sums.remove(&key), Some(scaled(column(row, "balance"))), "{row}");
    }
    assert!(sums.is_empty(), "{sums:?}");
}

/// Sums of a column by the values of others.
fn sums(rows: &Value, by: &[&str], of: &str) -> BTreeMap<Vec<String>, i128> {
    let mut sums = BTreeMap::new();
    for row in rows.as_array().unwrap() {
        let key = by.iter().map(|name| column(row, name).to_owned()).collect();
        *sums.entry(key).or_default() += scaled(column(row, of));
    }
    sums
}

fn scaled(number: &str) -> i128 {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    format!("{whole}{fraction:0<4}").parse().unwrap()
}

#[tokio::test]
async fn the_workbook_opens_and_its_sums_are_those_of_the_book() {
    let folder = played("40").await;
    export(&folder, &["xlsx"], "book.xlsx").await.expect_code(0);
    export(&folder, &["xlsx"], "again.xlsx").await.expect_code(0);
    let bytes = |name: &str| std::fs::read(folder.path(name)).unwrap();
    assert!(bytes("book.xlsx") == bytes("again.xlsx"), "two runs at one position give the same bytes");
    let found = read("xlsx", &folder.text("book.xlsx")).await;
    let sheets = &found["sheets"];
    let mut tables = BTreeMap::new();
    for table in ["trial_balance", "wallets", "fees", "open_items", "invoices"] {
        export(&folder, &["csv", "--table", table], "table.csv").await.expect_code(0);
        tables.insert(table, read("csv", &folder.text("table.csv")).await);
    }
    let trial = &tables["trial_balance"];
    assert_eq!(text(&found["about"]["position"]), trial["position"].to_string());
    let by = ["account", "currency"];
    assert_eq!(sums(&sheets["Trial balance"], &by, "balance"), sums(&trial["rows"], &by, "balance"));
    assert_eq!(sums(&sheets["Open items"], &by, "balance"), sums(&tables["open_items"]["rows"], &by, "balance"));
    let invoices = sums(&sheets["Invoices"], &["invoice"], "outstanding");
    assert_eq!(invoices, sums(&tables["invoices"]["rows"], &["invoice"], "outstanding"));
    let by = ["bearer", "component", "currency"];
    assert_eq!(sums(&sheets["Fees by month"], &by, "fees"), sums(&tables["fees"]["rows"], &by, "amount"));

    // The statements' lines lead from nothing to the wallet's balance.
    let lines = sheets["Wallet statements"].as_array().unwrap();
    let kind = |kind: &'static str| Value::Array(lines.iter().filter(|row| row["line"] == kind).cloned().collect());
    let closing = sums(&kind("closing"), &["account"], "balance");
    let moved = sums(&kind("line"), &["account"], "amount");
    for wallet in tables["wallets"]["rows"].as_array().unwrap() {
        let path = format!("assets:wallet:{}:{}", column(wallet, "account_code"), column(wallet, "code"));
        let posted = scaled(column(wallet, "posted"));
        assert_eq!(closing.get(&vec![path.clone()]).copied().unwrap_or(0), posted, "{path}");
        assert_eq!(moved.get(&vec![path.clone()]).copied().unwrap_or(0), posted, "{path}");
    }
}

#[tokio::test]
async fn an_export_that_cannot_be_written_leaves_nothing_and_ends_with_3() {
    let folder = played("20").await;
    let (data, file) = (folder.text("data"), folder.text("entries.csv"));
    // A limit on the size of files (64 KiB; the database needs half of it) says "no" in the middle, as a full disk does.
    let script = "trap '' XFSZ; ulimit -f 128; exec \"$0\" export csv --table events --data \"$1\" --output \"$2\"";
    let mut limited = Command::new("sh");
    limited.args(["-c", script]).arg(ensimbi_bin()).args([&data, &file]);
    let output = limited.stdin(Stdio::null()).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("--output") && said.contains("nothing was written there"), "{said}");
    assert_eq!(folder.names("."), ["data"], "neither the file nor a part of it");

    // What stood there before stays as it was.
    folder.write("entries.csv", "old");
    let mut limited = Command::new("sh");
    limited.args(["-c", script]).arg(ensimbi_bin()).args([&data, &file]);
    assert_eq!(limited.stdin(Stdio::null()).status().await.unwrap().code(), Some(3));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "old");
    assert_eq!(folder.names("."), ["data", "entries.csv"]);

    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut onto = command(["export", "csv", "--table", "entries", "--data", &data]);
    let status = onto.stdout(full).stderr(Stdio::null()).status().await.unwrap();
    assert_eq!(status.code(), Some(3), "stdout is a full device");

    for (question, words) in [
        (&["pdf"][..], ["leaves", "csv"]),
        (&["csv"], ["--table", "entries"]),
        (&["csv", "--table", "names"], ["entries", "payments"]),
        (&["hledger", "--table", "entries"], ["--table", "csv"]),
        (&["hledger", "--spreadsheet"], ["--spreadsheet", "csv"]),
    ] {
        let ran = export(&folder, question, "none").await.expect_code(2);
        assert!(words.iter().all(|word| ran.stderr.contains(word)), "{question:?}: {}", ran.stderr);
        assert!(!folder.path("none").exists());
    }
}

#[tokio::test]
async fn the_route_gives_the_same_bytes_as_the_command_line() {
    let folder = played("20").await;
    let data = folder.text("data");
    let made = run(["keys", "add", "the accountant", "--json", "--data", &data]).await.expect_code(0).json();
    let config = folder.write("serve.toml", "[book]\ntenant = \"demo\"\n");
    let serving = Serving::start(["--data", &data, "--config", &config]).await;
    let key = text(&made["key"]);
    let client = reqwest::Client::new();
    let fetch = async |path: &str| {
        let request = client.get(format!("{}{path}", serving.url)).bearer_auth(key).timeout(Duration::from_secs(60));
        request.send().await.unwrap()
    };
    let head = get(&serving, key, "/v1/trial-balance").await["position"].as_u64().unwrap();
    for (path, what) in [
        ("/v1/exports/leaves", &["leaves"][..]),
        ("/v1/exports/hledger", &["hledger"]),
        ("/v1/exports/beancount", &["beancount"]),
        ("/v1/exports/csv?table=entries", &["csv", "--table", "entries"]),
        ("/v1/exports/csv?table=payments&spreadsheet=true", &["csv", "--table", "payments", "--spreadsheet"]),
    ] {
        let answer = fetch(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("ensimbi-position"), head.to_string(), "{path}");
        assert!(header("content-disposition").contains("attachment"), "{path}");
        let body = answer.bytes().await.unwrap();
        export(&folder, what, "same").await.expect_code(0);
        assert!(body == std::fs::read(folder.path("same")).unwrap(), "{path}");
    }
    for (path, words) in [
        ("/v1/exports/pdf", ["leaves", "hledger"]),
        ("/v1/exports/csv", ["table", "entries"]),
        ("/v1/exports/csv?table=names", ["table", "payments"]),
    ] {
        let (status, body) = ask(&serving, Some(key), path).await;
        assert!(status.is_client_error(), "{path}: {body}");
        assert!(words.iter().all(|word| body.to_string().contains(word)), "{path}: {body}");
    }
    assert_eq!(ask(&serving, None, "/v1/exports/hledger").await.0, 401);
}
