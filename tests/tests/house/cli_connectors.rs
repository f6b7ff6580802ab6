//! What connectors offer, what one still lacks, and the beginning of a new one, on the command line.

use ensimbi_tests::process::run;
use serde_json::json;

use crate::support::folder;

#[tokio::test]
async fn the_connectors_are_listed_as_a_table_and_as_json() {
    let shown = run(["connectors", "list"]).await.expect_code(0).stdout;
    for word in ["iotec", "paytota", "pushes", "signed", "read_by_reference", "yes"] {
        assert!(shown.contains(word), "{word} is not in {shown}");
    }
    let body = run(["connectors", "list", "--json"]).await.expect_code(0).json();
    assert!(body["capabilities"].as_array().unwrap().contains(&json!("bank_payout")), "{body}");
    let items = body["items"].as_array().unwrap();
    let iotec = items.iter().find(|item| item["provider"] == "iotec").unwrap();
    assert_eq!(iotec["authenticity"], "hint", "{body}");
    assert!(iotec["capabilities"].as_array().unwrap().contains(&json!("collect")), "{body}");
}

#[tokio::test]
async fn a_connector_that_lacks_something_is_told_what_and_ends_with_1() {
    let empty = folder();
    let path = empty.text("");
    let shown = run(["connectors", "check", "iotec", "--folder", &path]).await.expect_code(1).stdout;
    for sentence in ["MAPPING.md is missing or short", "no fixture of the declared kind", "calls.json is missing"] {
        assert!(shown.contains(sentence), "{sentence} is not in {shown}");
    }
    let report = run(["connectors", "check", "iotec", "--json", "--folder", &path]).await.expect_code(1).json();
    assert_eq!((&report["provider"], &report["ok"]), (&json!("iotec"), &json!(false)));
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["problems"].as_array().unwrap().is_empty()), "{report}");
    run(["connectors", "check", "nobody"]).await.expect_code(2);
    run(["connectors", "check", "iotec", "--folder", &empty.text("nothing")]).await.expect_code(2);
}

#[tokio::test]
async fn a_new_connector_is_written_once_whole_and_only_under_a_good_name() {
    let home = folder();
    let acme = home.text("acme");
    let told = run(["connectors", "new", "acme", "--folder", &acme]).await.expect_code(0).stdout;
    for line in ["pub mod acme;", "    &acme::Acme,", "    &acme::simulator::STAGE,", "suite!(..)"] {
        assert!(told.contains(line), "{line} is not in {told}");
    }
    // The same files are compiled and looked at in connectors/tests/conformance/scaffold.rs.
    for (file, text) in ensimbi_connectors::conformance::scaffold::files("acme") {
        assert_eq!(std::fs::read_to_string(format!("{acme}/{file}")).unwrap(), text, "{file}");
    }
    let again = run(["connectors", "new", "acme", "--folder", &acme]).await.expect_code(2).stderr;
    assert!(again.contains("exists already"), "{again}");
    for bad in ["Acme", "type", "my-pay", "iotec", "facts", "../acme", ""] {
        let path = home.text("nothing");
        let told = run(["connectors", "new", bad, "--folder", &path]).await.expect_code(2).stderr;
        assert!(told.contains("NAME: "), "{bad}: {told}");
    }
    run(["connectors", "new", "other", "--folder", &acme]).await.expect_code(2);
    run(["connectors", "new", "other", "--register", "--folder", &home.text("other")]).await.expect_code(2);
    assert!(
        !std::path::Path::new(&home.text("nothing")).exists() && !std::path::Path::new(&home.text("other")).exists()
    );
}

#[tokio::test]
async fn a_new_connector_is_registered_in_a_source_tree_and_changes_no_line_of_the_others() {
    let home = folder();
    let (registry, tested) = ("connectors/src/providers/mod.rs", "connectors/tests/conformance/registry.rs");
    let source = ensimbi_tests::repo_root();
    for file in [registry, tested] {
        let to = std::path::PathBuf::from(home.text(file));
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(source.join(file), to).unwrap();
    }
    let mut command = ensimbi_tests::process::command(["connectors", "new", "my_pay", "--register"]);
    let ran = command.current_dir(home.text("")).output().await.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let text = std::fs::read_to_string(home.text(registry)).unwrap();
    for line in ["pub mod my_pay;", "    &my_pay::MyPay,", "    &my_pay::simulator::STAGE,"] {
        assert_eq!(text.lines().filter(|found| *found == line).count(), 1, "{text}");
    }
    assert!(std::fs::read_to_string(home.text(tested)).unwrap().contains("my_pay, "));
    assert!(std::path::Path::new(&home.text("connectors/src/providers/my_pay/mod.rs")).is_file());
}

#[tokio::test]
async fn what_a_connector_reads_is_printed_as_a_fixture_has_it_and_written_once() {
    let home = folder();
    let fixtures = ensimbi_tests::repo_root().join("connectors/src/providers/sandbox/fixtures/status");
    let (body, claims) = (home.text("status/succeeded.body"), home.text("status/succeeded.claims.json"));
    std::fs::create_dir_all(home.text("status")).unwrap();
    std::fs::copy(fixtures.join("succeeded.body"), &body).unwrap();
    let expected = std::fs::read_to_string(fixtures.join("succeeded.claims.json")).unwrap();
    let told = run(["connectors", "read", "sandbox", &body, "--test"]).await.expect_code(0).stdout;
    assert_eq!(told, expected);
    run(["connectors", "read", "sandbox", &body, "--test", "--write"]).await.expect_code(0);
    assert_eq!(std::fs::read_to_string(&claims).unwrap(), expected);
    run(["connectors", "read", "sandbox", &body, "--test", "--write"]).await.expect_code(2);
}

#[tokio::test]
async fn a_demo_of_the_sandbox_alone_agrees_with_its_simulator_and_nobody_else_plays() {
    let home = folder();
    let data = home.text("data");
    let args = ["demo", "--once", "--json", "--payments", "40", "--data", &data, "--provider"];
    let shown = run(args.into_iter().chain(["sandbox"])).await.expect_code(0).json();
    let wallets = shown["wallets"].as_array().unwrap();
    assert!(wallets.len() == 1 && wallets[0]["provider"] == "sandbox", "{shown}");
    assert_eq!((&shown["ok"], &wallets[0]["posted"]), (&json!(true), &wallets[0]["simulator"]), "{shown}");
    run(args.into_iter().chain(["nobody"])).await.expect_code(2);
}
