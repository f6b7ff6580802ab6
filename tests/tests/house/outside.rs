//! A connector outside the process, as somebody else would run it: the Python sample posts with its own key, and passes
//! the suite; a program that is wrong does not.

use std::path::PathBuf;
use std::time::Duration;

use ensimbi_tests::process::{Ran, Serving, run};
use ensimbi_tests::repo_root;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{Answer, Folder, ask, folder, get, text};

fn sample() -> PathBuf {
    repo_root().join("connectors/outside")
}

/// A folder with a book that knows the sample's connection, and the connector's key.
async fn known() -> (Folder, String, String) {
    let folder = folder();
    folder.write("data/ensimbi.toml", std::fs::read(sample().join("connection.toml")).unwrap());
    let data = folder.text("data");
    let serving = Serving::start(["--data", &data]).await;
    let own = serving.key.clone().unwrap();
    serving.stop().await;
    let add = ["keys", "add", "acme's", "--json", "--data", &data, "--connection"];
    let made = run(add.into_iter().chain(["acme-main"])).await.expect_code(0).json();
    assert_eq!(made["label"], "acme's", "{made}");
    let nobody = run(add.into_iter().chain(["nobody"])).await.expect_code(2);
    assert!(nobody.stderr.contains("acme-main"), "{}", nobody.stderr);
    (folder, own, text(&made["key"]).to_owned())
}

/// Has the sample post a fixture; gives its line, or what it ended with.
async fn sends(serving: &Serving, key: &str, kind: &str, case: &str) -> Result<Value, String> {
    let file = sample().join("fixtures").join(kind).join(format!("{case}.body"));
    let mut command = Command::new("python3");
    command.arg("-B").arg(sample().join("sample.py")).arg(&serving.url).arg(kind).arg(file).env("ACME_KEY", key);
    let output = tokio::time::timeout(Duration::from_secs(60), command.output()).await.unwrap().unwrap();
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout).unwrap()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

async fn post(serving: &Serving, key: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = Client::new().post(format!("{}/v1/observations", serving.url)).bearer_auth(key);
    let request = request.header("content-type", "application/json").timeout(Duration::from_secs(60));
    let response = request.body(body).send().await.unwrap();
    Answer { status: response.status().as_u16(), body: response.json().await.unwrap() }
}

#[tokio::test]
async fn what_the_sample_posts_is_in_the_books_once_and_reads_again_as_it_was() {
    let (folder, own, key) = known().await;
    let serving = Serving::start(["--data", &folder.text("data")]).await;
    let paid = sends(&serving, &key, "payment_status", "paid").await.unwrap();
    assert_eq!((&paid["complete"], &paid["repeated"]), (&json!(true), &json!(false)), "{paid}");
    assert_eq!(paid["claims"][0]["state"], "recorded", "{paid}");
    let again = sends(&serving, &key, "payment_status", "paid").await.unwrap();
    assert_eq!((&again["id"], &again["repeated"]), (&paid["id"], &json!(true)), "{again}");
    for case in ["open", "failed", "paid_without_fee", "unknown_state"] {
        sends(&serving, &key, "payment_status", case).await.unwrap();
    }
    let balance = sends(&serving, &key, "wallet_balance", "balance").await.unwrap();
    assert_eq!(balance["claims"][0]["type"], "BalanceReported", "{balance}");
    let unread = sends(&serving, &key, "payment_status", "too_fine").await.unwrap();
    assert_eq!(unread["unreadable"]["field"], "total", "what it cannot read it does not post: {unread}");

    let payments = get(&serving, &own, "/v1/payments").await;
    let states: Vec<&str> = payments["items"].as_array().unwrap().iter().map(|one| text(&one["state"])).collect();
    assert_eq!(states.iter().filter(|state| **state == "succeeded").count(), 2, "{payments}");
    let wallets = get(&serving, &own, "/v1/wallets").await;
    assert_eq!(wallets["items"][0]["posted"], "1988.25", "{wallets}");
    let position = &paid["claims"][0]["events"][0]["position"];
    let event = get(&serving, &own, &format!("/v1/events/{position}")).await;
    assert!(event.to_string().contains("\"connector\""), "the class of its evidence: {event}");
    assert_eq!(serving.stop().await, Some(0));
    let data = folder.text("data");
    let shown = run(["retranslate", "--json", "--data", &data]).await.expect_code(0).json();
    assert_eq!((&shown["subjects"], &shown["observations"]), (&json!([]), &json!(6)), "{shown}");
    run(["verify", "--data", &data]).await.expect_code(0);
}

#[tokio::test]
async fn a_connectors_key_opens_its_observations_and_nothing_else() {
    let (folder, own, key) = known().await;
    let serving = Serving::start(["--data", &folder.text("data")]).await;
    for path in ["/v1/wallets", "/v1/payments", "/v1/events"] {
        let (status, body) = ask(&serving, Some(&key), path).await;
        assert_eq!((status.as_u16(), &body["code"]), (403, &json!("forbidden")), "{path}: {body}");
    }
    let good = json!({ "kind": "payment_status", "body": "e30=", "translator": "acme.1", "said": [] }).to_string();
    post(&serving, &own, good.clone()).await.problem(403, "forbidden", None);
    post(&serving, "ens_test_nobody", good.clone()).await.problem(401, "unauthorized", None);
    post(&serving, &key, good.replace("payment_status", "statement")).await.problem(422, "invalid_body", Some("kind"));
    post(&serving, &key, "{}").await.problem(422, "invalid_body", Some("kind"));
    post(&serving, &key, "").await.problem(422, "invalid_body", None);
    post(&serving, &key, vec![b' '; (1 << 20) + 1]).await.problem(413, "too_large", None);
    let unknown = json!({ "kind": "payment_status", "body": "e30=", "translator": "acme.1", "said": [{
        "object": { "kind": "payment", "id": "p" }, "subject_kind": "payment", "currency": "ITX", "wallet": "w-9",
        "body": { "type": "CollectionPending", "amount": "5" }
    }] });
    post(&serving, &key, unknown.to_string()).await.problem(404, "unknown_wallet", Some("said.0.wallet"));
    let taken = post(&serving, &key, good).await.expect(201);
    assert_eq!((&taken["state"], &taken["claims"]), (&json!("translated"), &json!([])), "{taken}");
    assert_eq!(serving.stop().await, Some(0));
    let data = folder.text("data");
    let shown = run(["retranslate", "--json", "--data", &data]).await.expect_code(0).json();
    assert_eq!(shown["observations"], 1, "what was refused left nothing: {shown}");
    let keys = run(["keys", "list", "--data", &data]).await.expect_code(0);
    assert!(keys.stdout.contains("observations of ") && keys.stdout.contains("the book"), "{}", keys.stdout);
}

async fn check(command: &str, folder: &str) -> Ran {
    run(["connectors", "check", "--json", "--outside", command, "--folder", folder]).await
}

#[tokio::test]
async fn the_sample_passes_the_suite() {
    let program = sample().join("sample.py");
    assert!(std::fs::read_to_string(&program).unwrap().lines().count() <= 80, "it is short enough to be read");
    let ran = check(&format!("python3 -B {}", program.display()), sample().to_str().unwrap()).await;
    let report = ran.expect_code(0).json();
    assert!(report["checks"].as_array().unwrap().len() >= 14, "{report}");
}

/// The sample, wrong in one way each.
#[tokio::test]
async fn a_program_that_is_wrong_does_not_pass() {
    let floats = ("parse_float=Decimal", "parse_float=lambda text: Decimal(str(float(text)))");
    let shows = ("\"expected a text like \" + pattern", "(str(of.get(field)) + \".\")[:90]");
    let ends = ("except Bad as why:", "except KeyError as why:");
    tokio::join!(
        wrong(floats, "two neighbouring amounts"),
        wrong(shows, "a person's text"),
        wrong(ends, "the program ends, is silent"),
    );
    let nobody = check("python3", &folder().text("")).await.expect_code(2);
    assert!(nobody.stderr.contains("connection.toml"), "{}", nobody.stderr);
}

async fn wrong((good, bad): (&str, &str), sentence: &str) {
    let program = std::fs::read_to_string(sample().join("sample.py")).unwrap();
    assert!(program.contains(good), "{good}");
    let folder = folder();
    let file = folder.write("sample.py", program.replace(good, bad));
    folder.write("connection.toml", std::fs::read(sample().join("connection.toml")).unwrap());
    copy(&sample().join("fixtures"), &folder.path("fixtures"));
    let report = check(&format!("python3 -B {file}"), &folder.text("")).await.expect_code(1).json();
    let checks = report["checks"].as_array().unwrap();
    let problems: Vec<&Value> = checks.iter().map(|check| &check["problems"]).collect();
    assert!(problems.iter().any(|problems| problems.to_string().contains(sentence)), "{bad}: {problems:?}");
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}
