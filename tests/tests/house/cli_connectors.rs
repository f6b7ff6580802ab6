//! What connectors offer, and what one still lacks, on the command line.

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
