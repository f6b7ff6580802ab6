//! The questions of the command line, on a book that the demo made: tables, JSON, files, and what is wrong use.

use ensimbi_tests::process::{Ran, run};
use ensimbi_tests::{fresh_database, nats_urls, unique_word};
use serde_json::Value;

use crate::support::{Folder, folder, text};

const NOBODY: &str = "00000000-0000-8000-8000-000000000000";

async fn played() -> Folder {
    let folder = folder();
    let data = folder.text("data");
    run(["demo", "--once", "--payments", "20", "--json", "--data", &data]).await.expect_code(0);
    folder
}

async fn ask(folder: &Folder, question: &[&str]) -> Ran {
    let data = folder.text("data");
    run(question.iter().copied().chain(["--data", &data])).await
}

async fn json(folder: &Folder, question: &[&str]) -> Value {
    let question: Vec<&str> = question.iter().copied().chain(["--json"]).collect();
    ask(folder, &question).await.expect_code(0).json()
}

#[tokio::test]
async fn every_question_is_answered_as_a_table_and_as_json_with_its_position() {
    let folder = played().await;
    let payments = json(&folder, &["payments", "--limit", "500"]).await;
    let items = payments["items"].as_array().unwrap();
    let payment = items.iter().find(|one| one["kind"] == "payment" && one["state"] == "succeeded").unwrap();
    let id = text(&payment["id"]);
    let questions: [(&[&str], &str, &[&str]); 9] = [
        (&["fees"], "groups", &["component", "merchant", "ITX", "difference"]),
        (&["fees", "--group-by", "wallet,day"], "groups", &["day", "2026-01-"]),
        (&["wallets"], "items", &["posted", "reserved", "available", "main"]),
        (
            &["payments", "--state", "succeeded", "--wallet", "main", "--kind", "payment"],
            "items",
            &["succeeded", "net"],
        ),
        (&["payments", id], "payment", &["gross", id]),
        (&["invoices"], "items", &["outstanding"]),
        (&["invoices", "--ageing"], "currencies", &["over 90"]),
        (&["discrepancies", "--state", "all"], "items", &[]),
        (&["open-items"], "totals", &[]),
    ];
    for (question, field, words) in questions {
        let shown = ask(&folder, question).await.expect_code(0).stdout;
        let last = shown.lines().last().unwrap();
        assert!(last.starts_with(&format!("position {} of book ", payments["head"])), "{question:?}: {shown}");
        for word in words {
            assert!(shown.contains(word), "{question:?}: {word} is not in {shown}");
        }
        let body = json(&folder, question).await;
        assert!(body[field].is_array() || body[field].is_object(), "{question:?}: {body}");
        assert_eq!((&body["position"], &body["stale"]), (&body["head"], &Value::Bool(false)), "{question:?}: {body}");
    }

    let page = json(&folder, &["payments", "--limit", "2"]).await;
    let next = json(&folder, &["payments", "--limit", "2", "--cursor", text(&page["next_cursor"])]).await;
    assert_eq!(next["items"][0], items[2], "the next page goes on");

    let file = folder.text("out/wallets.json");
    std::fs::create_dir(folder.path("out")).unwrap();
    let quiet = ask(&folder, &["wallets", "--json", "--output", &file]).await.expect_code(0);
    assert_eq!(quiet.stdout, "");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(written, json(&folder, &["wallets"]).await);
    assert_eq!(folder.names("out"), ["wallets.json"]);
}

#[tokio::test]
async fn a_payment_is_explained_by_our_id_the_providers_id_and_our_reference() {
    let folder = played().await;
    let payments = json(&folder, &["payments", "--kind", "payment", "--state", "succeeded"]).await;
    let payment = &payments["items"][0];
    let explained = json(&folder, &["explain", text(&payment["id"])]).await;
    for part in ["observations", "claims", "events", "balances"] {
        assert!(!explained[part].as_array().unwrap().is_empty(), "{part}: {explained}");
    }
    assert!(explained["events"].as_array().unwrap().iter().any(|event| event["type"] == "CollectionSucceeded"));
    let reference = text(&explained["intent"]["reference"]);
    for name in [text(&payment["object_id"]), reference] {
        let same = json(&folder, &["explain", name]).await;
        assert_eq!(same, explained, "{name}");
        let shown = ask(&folder, &["explain", name]).await.expect_code(0).stdout;
        for word in ["raw bytes", "claims", "CollectionSucceeded", "assets:wallet:", "balances moved", "read"] {
            assert!(shown.contains(word), "{word} is not in {shown}");
        }
    }
    for name in ["nothing", NOBODY] {
        let ran = ask(&folder, &["explain", name]).await.expect_code(2);
        for tried in ["our id", "provider's id", "our reference"] {
            assert!(ran.stderr.contains(tried), "{}", ran.stderr);
        }
    }
}

#[tokio::test]
async fn the_same_questions_are_answered_from_postgres_and_nats() {
    let folder = folder();
    let (database, prefix) = (fresh_database("cli").await, unique_word("cli"));
    let servers = ["--database-url", &database, "--nats-url", &nats_urls()[1], "--nats-prefix", &prefix];
    let played: Vec<&str> =
        ["demo", "--once", "--payments", "4", "--calm", "--json"].into_iter().chain(servers).collect();
    ask(&folder, &played).await.expect_code(0);
    let on = |question: &[&'static str]| question.iter().copied().chain(servers).collect::<Vec<&str>>();
    let payments = json(&folder, &on(&["payments"])).await;
    let payment = &payments["items"][0];
    let by_id: Vec<&str> = ["explain", text(&payment["object_id"])].into_iter().chain(servers).collect();
    assert_eq!(json(&folder, &by_id).await["id"], payment["id"]);
    for question in ["fees", "wallets", "invoices", "discrepancies", "open-items"] {
        let body = json(&folder, &on(&[question])).await;
        assert_eq!(body["position"], body["head"], "{question}: {body}");
    }
    let made = json(&folder, &on(&["keys", "add", "the till"])).await;
    let listed = json(&folder, &on(&["keys", "list"])).await;
    assert_eq!(listed["items"][0]["id"], made["id"], "{listed}");
    let shown = json(&folder, &on(&["doctor"])).await;
    let checks = shown["checks"].as_array().unwrap();
    for name in ["schema book", "schema door", "schema views", "view open_items", "alarms", "clock"] {
        assert!(checks.iter().any(|check| check["name"] == name && check["state"] != "bad"), "{name}: {shown}");
    }
}

#[tokio::test]
async fn wrong_questions_end_with_2_and_a_sentence_that_names_what_is_wrong() {
    let folder = crate::cli_doctor::healthy().await;
    let far = "99999999";
    let cases: [(&[&str], &[&str]); 17] = [
        (&["payments", "nobody"], &["ID", "UUID"]),
        (&["payments", NOBODY], &["no such payment"]),
        (&["invoices", NOBODY], &["no such invoice"]),
        (&["discrepancies", NOBODY], &["no such discrepancy"]),
        (&["payments", NOBODY, "--state", "failed"], &["--state"]),
        (&["payments", "--state", "gone"], &["--state", "succeeded"]),
        (&["payments", "--kind", "gift"], &["--kind", "payout"]),
        (&["payments", "--wallet", "mine"], &["--wallet", "main"]),
        (&["payments", "--connection", "mine"], &["--connection", "main"]),
        (&["payments", "--limit", far], &["--limit", "500"]),
        (&["payments", "--cursor", "x"], &["--cursor"]),
        (&["fees", "--group-by", "colour"], &["--group-by", "component"]),
        (&["fees", "--from", "yesterday"], &["--from", "RFC 3339"]),
        (&["fees", "--group-by", "day", "--tz", "Mars/Crater"], &["--tz", "IANA"]),
        (&["invoices", "--tz", "Africa/Kampala"], &["--ageing"]),
        (&["open-items", "--account", "Sales!"], &["--account", "income:sales"]),
        (&["wallets", "--book", NOBODY], &["--book"]),
    ];
    for (question, words) in cases {
        let ran = ask(&folder, question).await.expect_code(2);
        assert_eq!(ran.stdout, "", "{question:?}");
        for word in words {
            assert!(ran.stderr.contains(word), "{question:?}: {word} is not in {}", ran.stderr);
        }
    }
    let ran = run(["wallets", "--data", &folder.text("elsewhere")]).await.expect_code(2);
    assert!(ran.stderr.contains("no book"), "{}", ran.stderr);
    assert!(!folder.path("elsewhere").exists(), "a question makes nothing");
}
