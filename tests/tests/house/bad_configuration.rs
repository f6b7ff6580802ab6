//! Wrong configuration: which key, what was expected, exit code 2, and nothing made.

use ensimbi_tests::process::{Serving, command};

use crate::imports::{CALLBACK_VALUE, CONFIG};
use crate::support::folder;

/// What is wrong, the configuration, and words that the sentence must have: the key and what was expected.
fn cases() -> Vec<(&'static str, String, Vec<&'static str>)> {
    let swap = |from: &str, to: &str| {
        assert!(CONFIG.contains(from), "{from}");
        CONFIG.replace(from, to)
    };
    let book = |text: &str| ["[book]\n", text, "\n", CONFIG].concat();
    vec![
        ("an unknown key", swap("simulated = true", "simulatd = true"), vec!["simulatd", "expected", "simulated"]),
        ("an unknown table", ["[bok]\n", CONFIG].concat(), vec!["bok", "expected", "book"]),
        ("no TOML", swap("[[connections]]", "[[connections"), vec!["line 2", "expected"]),
        ("a missing key", swap("account = \"pay-test\"", ""), vec!["account"]),
        ("a currency in small letters", swap("\"ITX\"", "\"itx\""), vec!["currency", "upper-case"]),
        (
            "an unknown currency",
            swap("\"ITX\"", "\"XQX\""),
            vec!["connections.iotec-main.wallets.main.currency", "registry"],
        ),
        ("a number for a text", swap("slug = \"iotec-main\"", "slug = 7"), vec!["slug", "string"]),
        (
            "an unknown provider",
            swap("provider = \"iotec\"", "provider = \"nobody\""),
            vec!["connections.iotec-main.provider", "expected one of dollr, iotec"],
        ),
        (
            "a missing callback value",
            swap(", callback_value = \"a-callback-value-of-the-tests\"", ""),
            vec!["connections.iotec-main.secrets.callback_value", "expected 16"],
        ),
        (
            "a short callback value",
            swap(CALLBACK_VALUE, "short"),
            vec!["connections.iotec-main.secrets.callback_value", "expected 16"],
        ),
        (
            "a missing client secret",
            swap("client_secret = \"IO-client-secret-of-the-tests\", ", ""),
            vec!["connections.iotec-main.secrets.client_secret", "missing"],
        ),
        (
            "a misspelt option",
            swap("client_id =", "client_idd = \"x\", client_id ="),
            vec!["connections.iotec-main.options.client_idd", "expected one of client_id"],
        ),
        (
            "loopback for a real account",
            swap("simulated = true", ""),
            vec!["connections.iotec-main.simulated", "expected true"],
        ),
        (
            "a policy that is no path",
            book("policies = { \"allocate.collection\" = \"Sales!\" }"),
            vec!["book.policies.allocate.collection", "account path"],
        ),
        (
            "an unknown policy",
            book("policies = { \"allocate.everything\" = \"none\" }"),
            vec!["book.policies.allocate.everything", "allocate.collection"],
        ),
        ("an unknown zone", book("time_zone = \"Africa/Nowhere\""), vec!["book.time_zone", "IANA"]),
        ("an unknown mode", book("mode = \"production\""), vec!["mode", "production", "live"]),
        (
            "a simulated account in a live book",
            book("mode = \"live\""),
            vec!["connections.iotec-main.simulated", "live"],
        ),
    ]
}

#[tokio::test]
async fn wrong_configuration_names_the_key_and_what_was_expected_and_makes_nothing() {
    for (what, config, words) in cases() {
        let folder = folder();
        folder.write("data/ensimbi.toml", config);
        let data = folder.text("data");
        let mut serve = command(["serve", "--listen", "127.0.0.1:0", "--data", &data]);
        let output = tokio::time::timeout(std::time::Duration::from_secs(30), serve.output());
        let output = output.await.unwrap_or_else(|_| panic!("{what}: it serves")).unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{what}: {said}");
        for word in words {
            assert!(said.contains(word), "{what}: {word:?} is not in: {said}");
        }
        assert!(!said.contains(CALLBACK_VALUE), "{what}: a secret is in: {said}");
        let made: Vec<String> = folder.names("data").into_iter().filter(|name| name != "lock").collect();
        assert_eq!(made, ["ensimbi.toml"], "{what}");
    }
}

#[tokio::test]
async fn a_named_configuration_file_that_is_not_there_is_wrong_use() {
    let folder = folder();
    let (data, missing) = (folder.text("data"), folder.text("missing.toml"));
    let output = command(["serve", "--data", &data, "--config", &missing]).output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("missing.toml"), "{said}");
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused_and_readers_are_not() {
    let folder = crate::imports::configured();
    let data = folder.text("data");
    let serving = Serving::start(["--data", &data]).await;
    let body = folder.write("in/body", crate::imports::fixture("collection_status/success.body"));
    let import = ["import", &body, "--connection", "iotec-main", "--kind", crate::imports::STATUS, "--data", &data];
    for arguments in
        [&["serve", "--listen", "127.0.0.1:0", "--data", &data][..], &import, &["rebuild", "--data", &data]]
    {
        let ran = ensimbi_tests::process::run(arguments).await.expect_code(3);
        assert!(ran.stderr.contains("another Ensimbi process works on"), "{}", ran.stderr);
        assert!(ran.stderr.contains("--data"), "what to do is not said: {}", ran.stderr);
    }
    ensimbi_tests::process::run(["verify", "--data", &data]).await.expect_code(0);
    assert_eq!(serving.stop().await, Some(0));
    ensimbi_tests::process::run(["rebuild", "--data", &data]).await.expect_code(0);
}
