//! What a new connector begins with: its files are compiled here, as they are written by `ensimbi connectors new acme`, and
//! what the suite finds missing in them is the list of what is to be done.

use ensimbi_connectors::conformance::{Group, Subject, check, scaffold};

#[path = "../../src/conformance/scaffold/acme/mod.rs"]
mod acme;

/// File and what to put there, in the order of a report.
const TO_DO: &[(Group, &str)] = &[
    (Group::Facts, "mod.rs: Facts::default_urls: api: expected their URL, with https"),
    (
        Group::Facts,
        "MAPPING.md is missing or short: say in the connector's folder what each status, field and HTTP answer means",
    ),
    (Group::Facts, "MAPPING.md does not name the kind `created`"),
    (Group::Facts, "MAPPING.md does not name the kind `status`"),
    (Group::Facts, "MAPPING.md does not name the kind `webhook`"),
    (
        Group::Fixtures,
        "no fixture of the declared kind created: add fixtures/created/<case>.body and <case>.claims.json",
    ),
    (Group::Fixtures, "no fixture of the declared kind status: add fixtures/status/<case>.body and <case>.claims.json"),
    (
        Group::Fixtures,
        "no fixture of the declared kind webhook: add fixtures/webhook/<case>.body and <case>.claims.json",
    ),
    (Group::Money, NO_AMOUNT),
    (Group::Money, NO_AMOUNT),
    (Group::Money, NO_AMOUNT),
    (
        Group::Privacy,
        "no fixture tells of the other side: add one with a phone or a name, as the provider sends it, under \
         fixtures/<kind>/",
    ),
    (
        Group::Signature,
        "mod.rs: authenticity(): Scheme::header: expected the name of the header that carries the signature; Hint where a \
         push is not signed, NoPush where there is none",
    ),
    (
        Group::Capabilities,
        "fixtures/calls.json has no exchanges: add one for each call of the client (conformance/calls.rs says how)",
    ),
    (
        Group::Capabilities,
        "no exchange of fixtures/calls.json reads collection, which will be read all the time: add one",
    ),
    (
        Group::Capabilities,
        "collect is declared, and no exchange shows it: add one with \"proves\": [\"collect\"] to fixtures/calls.json",
    ),
    (
        Group::Capabilities,
        "read_by_id is declared, and no exchange shows it: add one with \"proves\": [\"read_by_id\"] to fixtures/calls.json",
    ),
    (
        Group::Capabilities,
        "push is declared, and no fixture shows it: add fixtures/webhook/<case>.body with what it pushes",
    ),
];
const NO_AMOUNT: &str =
    "no fixture has an amount that changes what it says: add one that succeeds, under fixtures/<kind>/";

#[tokio::test]
async fn a_new_connector_compiles_and_its_failing_checks_are_the_list_of_what_is_to_be_done() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("acme");
    std::fs::create_dir_all(home.join("fixtures")).unwrap();
    for (file, text) in scaffold::files("acme") {
        std::fs::write(home.join(file), text).unwrap();
    }
    let report = check(&Subject::new(&acme::Acme, Some(&acme::simulator::STAGE), &home), None).await;
    let found: Vec<(Group, &str)> = report
        .checks
        .iter()
        .flat_map(|finding| finding.problems.iter().map(|problem| (finding.group, problem.as_str())))
        .collect();
    assert_eq!(found, TO_DO, "{report}");
}
