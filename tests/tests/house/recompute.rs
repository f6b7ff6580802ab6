//! A second opinion: `tests/recompute` derives every entry and balance again from the exported facts, in another
//! language and from the documents alone, and must come to what the product recorded and answers.

use std::path::Path;

use ensimbi_tests::process::run;
use ensimbi_tests::repo_root;
use serde_json::Value;
use tokio::process::Command;

use crate::support::{Folder, folder, text};

/// What is asked of the product, with what follows each question.
const QUESTIONS: [(&str, &[&str]); 5] = [
    ("trial-balance", &[]),
    ("wallets", &[]),
    ("invoices", &[]),
    ("open-items", &[]),
    ("fees", &["--group-by", "provider,connection,component,bearer,currency,month"]),
];

/// A demo's book: its leaves and the product's answers, in a folder.
async fn book(payments: &str) -> Folder {
    let folder = folder();
    let data = folder.text("data");
    run(["demo", "--once", "--json", "--payments", payments, "--seed", "11", "--data", &data]).await.expect_code(0);
    run(["export", "leaves", "--data", &data, "--output", &folder.text("leaves.cbor")]).await.expect_code(0);
    for (question, more) in QUESTIONS {
        ask(&folder, &data, question, more).await;
    }
    folder
}

/// Writes all pages of an answer.
async fn ask(folder: &Folder, data: &str, question: &str, more: &[&str]) {
    let mut cursor: Option<String> = None;
    for page in 1.. {
        let mut args = vec![question, "--json", "--data", data];
        args.extend(more);
        if let Some(cursor) = &cursor {
            args.extend(["--cursor", cursor]);
        }
        let answer = run(args).await.expect_code(0).json();
        folder.write(&format!("answers/{question}-{page}.json"), answer.to_string());
        cursor = answer["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
}

/// How the program ended, and all that it said.
pub async fn second_opinion(leaves: &Path, answers: Option<&Path>) -> (Option<i32>, String) {
    let mut program = Command::new("python3");
    program.arg(repo_root().join("tests/recompute")).arg(leaves);
    if let Some(answers) = answers {
        program.arg("--answers").arg(answers);
    }
    said(program).await
}

async fn said(mut program: Command) -> (Option<i32>, String) {
    let output = program.output().await.expect("python3 does not start");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

async fn recompute(folder: &Folder) -> (Option<i32>, String) {
    second_opinion(&folder.path("leaves.cbor"), Some(&folder.path("answers"))).await
}

#[tokio::test]
async fn the_second_opinion_knows_the_worked_numbers() {
    let mut program = Command::new("python3");
    program.args(["-m", "unittest", "discover", "-s"]).arg(repo_root().join("tests/recompute"));
    let (code, said) = said(program).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("Ran 0 tests"), "{said}");
}

fn answer(folder: &Folder, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.path(name)).unwrap()).unwrap()
}

/// How many things of a kind were compared, by the program's own line.
#[track_caller]
pub fn compared(said: &str, kind: &str) -> usize {
    let line =
        said.lines().find_map(|line| line.strip_prefix("ok ")?.trim_start().strip_prefix(kind)?.strip_prefix(": "));
    line.and_then(|line| line.split_once(' ')?.0.parse().ok()).unwrap_or_else(|| panic!("{kind}: {said}"))
}

#[tokio::test]
async fn an_independent_recomputation_from_the_facts_agrees() {
    let folder = book("80").await;
    let (code, said) = recompute(&folder).await;
    assert_eq!(code, Some(0), "{said}");
    let wallets = answer(&folder, "answers/wallets-1.json");
    assert_eq!(compared(&said, "wallets"), wallets["items"].as_array().unwrap().len(), "{said}");
    assert_eq!(compared(&said, "events, from their facts") as u64, wallets["position"].as_u64().unwrap(), "{said}");
    for kind in ["fee groups", "fee accounts, by bearer", "invoices", "open items", "law 4, payments add up"] {
        assert!(compared(&said, kind) > 0, "{kind}: {said}");
    }
}

#[tokio::test]
async fn the_recomputation_names_what_was_tampered_with() {
    let folder = book("20").await;

    // A wallet's balance, one unit too high.
    let name = "answers/wallets-1.json";
    let honest = answer(&folder, name);
    let mut wallets = honest.clone();
    let wallet = &mut wallets["items"][0];
    let called = format!("wallet {}:{}", text(&wallet["account_code"]), text(&wallet["code"]));
    let posted = text(&wallet["posted"]).to_owned();
    let higher = more(&posted);
    wallet["posted"] = higher.clone().into();
    folder.write(name, wallets.to_string());
    let (code, said) = recompute(&folder).await;
    assert_eq!(code, Some(1), "{said}");
    let told = said.lines().find(|line| line.contains(&called)).unwrap_or_else(|| panic!("{called}: {said}"));
    assert!(told.contains(&format!("posted is {posted} by the facts, {higher} in the answer")), "{said}");
    folder.write(name, honest.to_string());

    // A fact: what a payment brought, one unit more, as its record does not have it.
    let leaves = std::fs::read(folder.path("leaves.cbor")).unwrap();
    folder.write("leaves.cbor", tampered(leaves));
    let (code, said) = recompute(&folder).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("CollectionSucceeded") && said.contains("cannot be posted from its fact"), "{said}");

    // Leaves that break off are no book at all.
    let leaves = std::fs::read(folder.path("leaves.cbor")).unwrap();
    folder.write("leaves.cbor", &leaves[..leaves.len() - 1]);
    let (code, said) = recompute(&folder).await;
    assert_eq!(code, Some(2), "{said}");
}

/// An amount, one higher before the point.
fn more(amount: &str) -> String {
    let (whole, part) = amount.split_once('.').map_or((amount, String::new()), |(w, p)| (w, format!(".{p}")));
    format!("{}{part}", whole.parse::<i64>().unwrap() + 1)
}

/// The first gross of more than 65,535 units of 0.0001, with its lowest bit turned: still CBOR, of the same length.
fn tampered(mut leaves: Vec<u8>) -> Vec<u8> {
    // A text of five bytes, its letters, and the head of a 32-bit integer.
    let gross = [b"\x65gross".as_slice(), b"\x1a"].concat();
    let at = leaves.windows(gross.len()).position(|bytes| bytes == gross).expect("a payment has arrived");
    leaves[at + gross.len() + 3] ^= 1;
    leaves
}
