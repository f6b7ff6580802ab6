//! The committed description is the one that the code gives.

#![allow(clippy::unwrap_used)]

use serde_json::Value;

fn file() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json")
}

#[test]
fn the_committed_openapi_json_is_current() {
    let now = ensimbi_api::openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(file(), &now).unwrap();
    }
    let committed = std::fs::read_to_string(file()).unwrap_or_default();
    assert!(committed == now, "api/openapi.json is not what the code gives: run with UPDATE_OPENAPI=1 and look at it");
}

#[test]
fn every_operation_has_a_summary_and_every_response_a_description() {
    let api: Value = serde_json::to_value(ensimbi_api::openapi()).unwrap();
    let mut operations = 0;
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations += 1;
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let description = response["description"].as_str();
                assert!(description.is_some_and(|text| !text.is_empty()), "{method} {path} {status}");
            }
            let guarded = operation["security"].as_array().is_some_and(|list| !list.is_empty());
            assert_eq!(guarded, path.starts_with("/v1/"), "{path}");
        }
    }
    assert_eq!(operations, 57);
}
