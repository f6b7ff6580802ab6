//! What the command line records besides imports: verdicts about discrepancies, API keys, a first configuration.

use ensimbi_tests::process::{Ran, Serving, run};
use reqwest::StatusCode;
use serde_json::Value;

use crate::imports::{STATUS, configured, fixture, import};
use crate::support::{Folder, ask, folder, get, text};

const NOBODY: &str = "00000000-0000-8000-8000-000000000000";

/// A folder with one withheld payment; gives the discrepancy that holds it.
async fn withheld() -> (Folder, String) {
    let folder = configured();
    let file = folder.write("in/doubt", fixture("collection_status/doubt_fee_above_amount.body"));
    import(&folder, STATUS, &[file]).await.expect_code(4);
    let listed = run(["discrepancies", "--json", "--data", &folder.text("data")]).await.expect_code(0).json();
    assert_eq!(listed["position"], listed["head"], "an import leaves the views where the book is: {listed}");
    let found = listed["items"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{listed}");
    let id = text(&found[0]["id"]).to_owned();
    (folder, id)
}

async fn resolve(folder: &Folder, id: &str, arguments: &[&str]) -> Ran {
    let data = folder.text("data");
    let command = ["discrepancies", "resolve", id, "--json", "--data", &data];
    run(command.into_iter().chain(arguments.iter().copied())).await
}

#[tokio::test]
async fn a_discrepancy_is_resolved_once_with_its_actor_and_reason() {
    let (folder, id) = withheld().await;
    for (id, arguments, words) in [
        (id.as_str(), &["--accept"][..], "--reason"),
        (&id, &["--reason", "x"], "--accept"),
        (&id, &["--accept", "--reject", "--reason", "x"], "--reject"),
        (&id, &["--accept", "--reason", ""], "reason"),
        (&id, &["--accept", "--reason", "x", "--actor", "two words"], "--actor"),
        (&id, &["--move-to", "Sales!", "--reason", "x"], "target"),
        ("nobody", &["--accept", "--reason", "x"], "UUID"),
        (NOBODY, &["--accept", "--reason", "x"], "no such discrepancy"),
    ] {
        let ran = resolve(&folder, id, arguments).await.expect_code(2);
        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
    }

    let verdict = ["--accept", "--reason", "The operator confirmed it.", "--actor", "operator-7"];
    let told = resolve(&folder, &id, &verdict).await.expect_code(0).json();
    assert_eq!((&told["complete"], &told["repeated"]), (&Value::Bool(true), &Value::Bool(false)), "{told}");
    let again = resolve(&folder, &id, &verdict).await.expect_code(0).json();
    assert_eq!((&again["repeated"], &again["position"]), (&Value::Bool(true), &told["position"]), "{again}");
    let late = resolve(&folder, &id, &["--reject", "--reason", "Not so."]).await.expect_code(2);
    assert!(late.stderr.contains("error: discrepancy: not open"), "{}", late.stderr);

    let data = folder.text("data");
    let shown = run(["discrepancies", &id, "--json", "--data", &data]).await.expect_code(0).json();
    let resolution = &shown["discrepancy"]["resolution"];
    assert_eq!(shown["discrepancy"]["state"], "resolved", "{shown}");
    for (field, value) in [("verdict", "accept"), ("actor_id", "operator-7"), ("reason", "The operator confirmed it.")]
    {
        assert_eq!(resolution[field], value, "{shown}");
    }
    let open = run(["discrepancies", "--json", "--data", &data]).await.expect_code(0).json();
    assert_eq!(open["items"].as_array().unwrap().len(), 0, "{open}");
    let table = run(["discrepancies", &id, "--data", &data]).await.expect_code(0);
    assert!(table.stdout.contains("operator-7"), "{}", table.stdout);
    run(["verify", "--data", &data]).await.expect_code(0);
}

#[tokio::test]
async fn a_verdict_waits_for_the_end_of_the_process_that_serves_and_questions_do_not() {
    let (folder, id) = withheld().await;
    let data = folder.text("data");
    let serving = Serving::start(["--data", &data]).await;
    let ran = resolve(&folder, &id, &["--accept", "--reason", "x"]).await.expect_code(3);
    assert!(ran.stderr.contains("another Ensimbi process works on"), "{}", ran.stderr);
    for question in ["payments", "discrepancies", "open-items", "doctor"] {
        run([question, "--data", &data]).await.expect_code(0);
    }
    let shown = run(["payments", "--json", "--data", &data]).await.expect_code(0).json();
    run(["explain", text(&shown["items"][0]["id"]), "--data", &data]).await.expect_code(0);
    assert_eq!(serving.stop().await, Some(0));
    resolve(&folder, &id, &["--reject", "--reason", "x"]).await.expect_code(0);
}

#[tokio::test]
async fn keys_are_shown_once_listed_by_id_and_revoked() {
    let (folder, _) = withheld().await;
    let data = folder.text("data");
    let keys = async |arguments: &[&str]| {
        run(["keys"].into_iter().chain(arguments.iter().copied()).chain(["--data", &data])).await
    };
    let made = keys(&["add", "the till", "--json"]).await.expect_code(0).json();
    let other = keys(&["add", "the books"]).await.expect_code(0).stdout;
    let (key, other, id) = (text(&made["key"]), other.trim(), text(&made["id"]));
    let listed = keys(&["list", "--json"]).await.expect_code(0);
    assert!(!listed.stdout.contains(key) && !listed.stdout.contains(other), "a key is shown twice");
    let labels: Vec<Value> =
        listed.json()["items"].as_array().unwrap().iter().map(|item| item["label"].clone()).collect();
    assert_eq!(labels, ["the till", "the books"]);
    keys(&["revoke", &id[..10]]).await.expect_code(0);
    for (arguments, word) in [
        (&["revoke", id][..], "no key"),
        (&["revoke", "1234"], "8 characters"),
        (&["revoke", "ffffffff-nobody"], "no key"),
        (&["add", ""], "LABEL"),
    ] {
        let ran = keys(arguments).await.expect_code(2);
        assert!(ran.stderr.contains(word), "{arguments:?}: {}", ran.stderr);
    }
    let shown = keys(&["list"]).await.expect_code(0).stdout;
    assert!(shown.contains(id) && shown.contains("the books"), "{shown}");
    let serving = Serving::start(["--data", &data]).await;
    assert_eq!(ask(&serving, Some(key), "/v1/wallets").await.0, StatusCode::UNAUTHORIZED);
    get(&serving, other, "/v1/wallets").await;
    assert_eq!(serving.stop().await, Some(0));
}

#[tokio::test]
async fn a_new_folder_gets_a_configuration_and_a_key_and_nothing_is_overwritten() {
    let folder = folder();
    let data = folder.text("data");
    run(["init", "--data", &data]).await.expect_code(0);
    let files = || ["ensimbi.toml", "master.key"].map(|name| std::fs::read(folder.path("data").join(name)).unwrap());
    let before = files();
    assert_eq!(folder.names("data"), ["ensimbi.toml", "lock", "master.key"]);
    for name in ["ensimbi.toml", "master.key"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.path("data").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let again = run(["init", "--data", &data]).await.expect_code(2);
    assert!(again.stderr.contains("is there already"), "{}", again.stderr);
    assert_eq!(files(), before);
    let healthy = run(["doctor", "--json", "--data", &data]).await.expect_code(0).json();
    assert_eq!(healthy["ok"], true, "{healthy}");
    let serving = Serving::start(["--data", &data]).await;
    assert_eq!(serving.stop().await, Some(0));

    // Every example in it holds as it stands.
    let example = |line: &'static str| line.strip_prefix('#').filter(|rest| !rest.is_empty() && !rest.starts_with(' '));
    let plain: &'static str = String::from_utf8(before[0].clone()).unwrap().leak();
    let whole: Vec<&str> = plain.lines().map(|line| example(line).unwrap_or(line)).collect();
    let whole = folder.write("whole.toml", whole.join("\n"));
    let taken =
        run(["doctor", "--json", "--config", &whole, "--data", &folder.text("other")]).await.expect_code(0).json();
    let checks = taken["checks"].as_array().unwrap();
    let connection = checks.iter().find(|check| text(&check["name"]).starts_with("connection "));
    assert_eq!(connection.unwrap()["state"], "ok", "{taken}");
}
