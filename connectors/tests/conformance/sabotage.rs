//! The suite against a connector that is whole, and the same one wrong in one way at a time: each must turn red, with the
//! sentence that says what to do.

use ensimbi_connectors::conformance::matrix::CAPABILITIES;
use ensimbi_connectors::conformance::{Group, Report, Subject, check};
use ensimbi_connectors::connector::Capability;

use super::toy::{Fault, Home, OFFERED, Toy};

async fn run(toy: &Toy, home: &Home, group: Group) -> Report {
    check(&Subject::new(toy, None, &home.path()), Some(group)).await
}

fn problems(report: &Report) -> Vec<&str> {
    report.checks.iter().flat_map(|finding| &finding.problems).map(String::as_str).collect()
}

/// The group turns red, with this sentence among the others.
async fn red(toy: &Toy, home: &Home, group: Group, sentence: &str) {
    let report = run(toy, home, group).await;
    assert!(!report.ok && problems(&report).iter().any(|problem| problem.contains(sentence)), "{sentence}\n{report}");
}

async fn wrong(fault: Fault, group: Group, sentence: &str) {
    red(&Toy::new(fault), &Home::new(), group, sentence).await;
}

#[tokio::test]
async fn a_whole_connector_lacks_nothing_but_its_simulator() {
    let (toy, home) = (Toy::new(Fault::Nothing), Home::new());
    for group in Group::ALL {
        let report = run(&toy, &home, group).await;
        let expected = if group == Group::Facts {
            vec![
                "no simulator: write simulator.rs in the connector's folder, and add its stage to STAGES in providers/mod.rs",
            ]
        } else {
            vec![]
        };
        assert_eq!(problems(&report), expected, "{group:?}\n{report}");
        assert!(!report.checks.is_empty(), "{group:?}");
    }
}

#[tokio::test]
async fn a_translator_that_rounds_is_found() {
    wrong(Fault::Rounds, Group::Money, "the fourth decimal of amount is lost").await;
    wrong(Fault::Rounds, Group::Money, "a fifth decimal of amount is rounded away").await;
}

#[tokio::test]
async fn a_translator_that_goes_through_a_float_is_found() {
    wrong(Fault::Floats, Group::Money, "two neighbouring amounts of amount are read as one").await;
}

#[tokio::test]
async fn a_translator_that_leaks_a_phone_is_found() {
    wrong(Fault::LeaksPhone, Group::Privacy, "a text of the other side is outside Said::party").await;
    wrong(Fault::LeaksPhone, Group::Privacy, "a person's text in phone reaches").await;
}

#[tokio::test]
async fn an_error_that_shows_a_value_is_found() {
    wrong(Fault::ShowsStatus, Group::Privacy, "a person's text in status reaches").await;
}

#[tokio::test]
async fn a_translator_that_panics_is_found_and_does_not_end_the_suite() {
    wrong(Fault::Panics, Group::Hostile, "translate panics on hostile bytes").await;
}

#[tokio::test]
async fn a_translator_that_remembers_is_found() {
    wrong(Fault::Remembers, Group::Fixtures, "says something else when it is read again").await;
}

#[tokio::test]
async fn a_translator_that_takes_the_last_of_two_values_is_found() {
    wrong(Fault::TakesTheLast, Group::Hostile, "with amount given twice, one of the two values is taken").await;
}

#[tokio::test]
async fn a_translator_that_reads_unknown_fields_is_found() {
    wrong(Fault::ReadsUnknownFields, Group::Fixtures, "with a field more in each object").await;
}

#[tokio::test]
async fn a_client_that_repeats_a_call_is_found() {
    wrong(Fault::Repeats, Group::Outcomes, "after 502 with HTML the request was made 2 times").await;
}

#[tokio::test]
async fn a_client_that_calls_a_lost_call_not_sent_is_found() {
    wrong(Fault::CallsItNotSent, Group::Outcomes, "503 is decided as NotSent, expected Unknown").await;
}

#[tokio::test]
async fn a_client_that_shows_their_message_is_found() {
    wrong(Fault::ShowsTheirMessage, Group::Outcomes, "that repeats a secret, a name or a phone is shown as it came")
        .await;
}

#[tokio::test]
async fn a_client_that_does_what_is_not_declared_is_found() {
    wrong(Fault::RefundsUndeclared, Group::Capabilities, "refund is not declared, and the client does not refuse it")
        .await;
    wrong(Fault::SendsItems, Group::Capabilities, "items is not declared, and the client does not refuse it").await;
    wrong(Fault::SendsItems, Group::Capabilities, "something that is not offered is sent all the same").await;
}

#[tokio::test]
async fn a_client_that_takes_a_misspelt_option_is_found() {
    wrong(Fault::TakesMisspeltOptions, Group::Capabilities, "connect() with a wrong options.zz_nobody").await;
}

#[tokio::test]
async fn a_hint_that_says_something_is_found() {
    wrong(Fault::BelievesHints, Group::Signature, "a push without a signature says something").await;
}

#[tokio::test]
async fn every_flag_turned_round_is_found() {
    let home = Home::new();
    for capability in CAPABILITIES {
        let mut flipped = OFFERED.to_vec();
        match flipped.iter().position(|one| *one == capability) {
            Some(place) => drop(flipped.remove(place)),
            None => flipped.push(capability),
        }
        let toy = Toy::offering(flipped, Fault::Nothing);
        let report = run(&toy, &home, Group::Capabilities).await;
        let word = capability.as_str();
        let named = |problem: &&str| problem.starts_with(&format!("{word} is "));
        assert!(!report.ok && problems(&report).iter().any(named), "{word}\n{report}");
    }
}

#[tokio::test]
async fn a_capability_without_an_exchange_says_where_to_put_one() {
    let home = Home::new();
    home.change("fixtures/calls.json", "\"proves\":[\"read_by_id\"],", "");
    let toy = Toy::new(Fault::Nothing);
    let sentence = "read_by_id is declared, and no exchange shows it: add one with \"proves\": [\"read_by_id\"] to \
                    fixtures/calls.json";
    red(&toy, &home, Group::Capabilities, sentence).await;
    home.remove("fixtures/calls.json");
    for group in [Group::Capabilities, Group::Outcomes] {
        red(&toy, &home, group, "fixtures/calls.json is missing").await;
    }
}

#[tokio::test]
async fn an_exchange_that_does_not_show_what_it_says_is_found() {
    let home = Home::new();
    home.change("fixtures/calls.json", "[\"read_by_id\"]", "[\"read_by_id\",\"balance\",\"dancing\"]");
    let toy = Toy::offering([OFFERED, &[Capability::Balance]].concat(), Fault::Nothing);
    red(&toy, &home, Group::Capabilities, "proves balance only with a read whose answer says BalanceReported").await;
    red(&toy, &home, Group::Capabilities, "`proves` names no capability: dancing").await;
}

#[tokio::test]
async fn a_missing_fixture_says_where_to_put_it() {
    let toy = Toy::new(Fault::Nothing);
    let home = Home::new();
    home.remove("fixtures/order_created/open.claims.json");
    red(&toy, &home, Group::Fixtures, "fixtures/order_created/open.claims.json is missing").await;
    home.remove("fixtures/order_created/open.body");
    red(&toy, &home, Group::Fixtures, "no fixture of the declared kind order_created").await;
    home.write("fixtures/order_lost/a.body", "{}");
    home.write("fixtures/order_lost/a.claims.json", "{}");
    red(&toy, &home, Group::Fixtures, "the kind order_lost is not declared in Facts::kinds").await;
}

#[tokio::test]
async fn a_fixture_that_says_something_else_names_the_place_and_no_value() {
    let (toy, home) = (Toy::new(Fault::Nothing), Home::new());
    home.change("fixtures/order_status/paid.claims.json", "\"gross\":\"500\"", "\"gross\":\"501\"");
    let report = run(&toy, &home, Group::Fixtures).await;
    let found = problems(&report);
    assert!(found.len() == 1 && found[0].contains("paid.body") && found[0].contains("/said/0/body/gross"), "{report}");
    assert!(!found[0].contains("501"), "{report}");
}

#[tokio::test]
async fn a_folder_without_explanations_is_found() {
    let (toy, home) = (Toy::new(Fault::Nothing), Home::new());
    home.write("MAPPING.md", "later");
    home.write("example.toml", "provider = \"toy\"\n");
    red(&toy, &home, Group::Facts, "MAPPING.md is missing or short").await;
    red(&toy, &home, Group::Facts, "MAPPING.md does not name the kind `webhook`").await;
    red(&toy, &home, Group::Facts, "expected include_str!(\"example.toml\")").await;
}
