//! What a connector outside the process posts: the checked-in schema is what the code gives, and the form can say what
//! connectors inside say.

use ensimbi_connectors::conformance::fixtures::Folder;
use ensimbi_connectors::outside::{form, tells};
use ensimbi_connectors::providers;
use serde_json::{Value, json};

/// `UPDATE_SCHEMAS=1 cargo test -p ensimbi-connectors --test conformance outside` writes it.
#[test]
fn the_checked_in_schema_of_observations_is_current() {
    let file = super::registry::root().join("outside/observation.schema.json");
    let now = serde_json::to_string_pretty(&form::document()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&file, &now).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == now, "outside/observation.schema.json is not what the code gives: run with UPDATE_SCHEMAS=1");
}

/// A statement of a connector inside, without what only the house or a translator inside can give.
fn from_outside(said: &Value) -> Option<Value> {
    let mut said = said.clone();
    let word = said["body"]["type"].as_str()?.to_owned();
    tells::of_event(&word)?;
    if said["object"].get("id").is_none() || said.get("currency").is_none() {
        return None;
    }
    for pointer in ["", "/object", "/links/original", "/body"] {
        let Some(Value::Object(fields)) = said.pointer_mut(pointer) else { continue };
        for inside in ["operator_transaction", "confirms", "reference", "payment_id", "invoice_id", "attempt"] {
            fields.remove(inside);
        }
        for inside in ["from", "to", "parts"].into_iter().filter(|_| pointer == "/body") {
            fields.remove(inside);
        }
    }
    if let Some(Value::Object(links)) = said.get_mut("links") {
        links.remove("invoice");
        if let Some(to) = links.get_mut("to_purse") {
            *to = json!({ "purse": to[0], "currency": to[1] });
        }
    }
    Some(said)
}

#[test]
fn what_connectors_inside_say_can_be_said_from_outside() {
    let mut words = std::collections::BTreeSet::new();
    for connector in providers::all() {
        let folder = Folder::read(&super::registry::root().join("src/providers").join(connector.facts().provider));
        for case in &folder.cases {
            for said in case.expected["said"].as_array().into_iter().flatten().filter_map(from_outside) {
                words.insert(said["body"]["type"].as_str().unwrap().to_owned());
                let answer = json!({ "said": [said] }).to_string();
                if let Err(error) = form::answer(answer.as_bytes()) {
                    panic!("{} of {}: {error}\n{answer}", case, connector.facts().provider);
                }
            }
        }
    }
    assert!(words.len() >= 12, "{words:?}");
}
