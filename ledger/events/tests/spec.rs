//! `spec/LEAF.md` says what the code does: every word, version, posting kind, field, type and presence, both ways.

#![allow(clippy::unwrap_used)]

mod common;

use std::borrow::Cow;
use std::collections::BTreeMap;

use common::fill::Fill;
use common::log::Log;
use common::spec;
use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::event::{Line, NoLines, Proof, SubjectKind};
use ensimbi_events::node::{Field, Node};
use ensimbi_events::word::*;
use ensimbi_events::words::{book::*, wallet::HoldPart};
use ensimbi_events::{Body, Event, Money, leaf};

/// One row of a field table.
#[derive(Debug)]
struct Row {
    kind: String,
    presence: String,
}

/// A `### ` section: its text up to the table, and the table.
#[derive(Default)]
struct Section {
    text: String,
    rows: BTreeMap<String, Row>,
}

fn page() -> String {
    std::fs::read_to_string(spec("LEAF.md")).unwrap()
}

fn sections() -> BTreeMap<String, Section> {
    let page = page();
    let mut all: BTreeMap<String, Section> = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("### `") {
            let name = title.trim_end_matches('`').to_owned();
            assert!(all.insert(name.clone(), Section::default()).is_none(), "{name} has two sections");
            current = Some(name);
        } else if line.starts_with("## ") {
            current = None;
        } else if let Some(section) = current.as_ref().and_then(|name| all.get_mut(name)) {
            let cells: Vec<&str> = line.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect();
            match cells.as_slice() {
                [field, kind, presence, _] if field.starts_with('`') => {
                    let row = Row { kind: (*kind).to_owned(), presence: (*presence).to_owned() };
                    let field = field.trim_matches('`').to_owned();
                    assert!(section.rows.insert(field.clone(), row).is_none(), "{field} stands twice");
                }
                _ if section.rows.is_empty() => section.text.push_str(line),
                _ => {}
            }
        }
    }
    all
}

fn fields(node: &Node) -> &Vec<(Cow<'static, str>, Node)> {
    match node {
        Node::Map(fields) => fields,
        other => panic!("no map: {other:?}"),
    }
}

/// Whether a value has the type that the page names.
fn is_of(node: &Node, kind: &str) -> bool {
    match node {
        Node::Int(_) => ["amount", "time", "integer"].contains(&kind),
        Node::Bool(_) => kind == "boolean",
        Node::Text(_) => ["text", "currency", "date"].contains(&kind) || kind.starts_with("word of `"),
        Node::Bytes(bytes) if bytes.len() == 16 => kind.ends_with(" id"),
        Node::Bytes(bytes) => bytes.len() == 32 && kind == "hash",
        Node::List(items) => match kind.strip_prefix("list of ") {
            Some(record) if record.starts_with('`') => items.iter().all(|item| matches!(item, Node::Map(_))),
            Some(kind) => items.iter().all(|item| is_of(item, kind)),
            None => kind == "lines",
        },
        Node::Map(_) => kind.starts_with("map"),
    }
}

/// Checks a map with every field present against its section; `without` tells whether the rest is read without a key.
fn check(name: &str, rows: &BTreeMap<String, Row>, node: &Node, without: impl Fn(&str) -> bool) {
    let keys: Vec<&str> = fields(node).iter().map(|(key, _)| key.as_ref()).collect();
    for (key, value) in fields(node) {
        let row = rows.get(key.as_ref()).unwrap_or_else(|| panic!("LEAF.md: {name} lacks the field {key}"));
        assert!(is_of(value, &row.kind), "LEAF.md: {name}.{key} is no {}", row.kind);
        assert_eq!(row.kind.starts_with("list of ") || row.kind == "lines", row.presence == "list", "{name}.{key}");
        assert_eq!(without(key), row.presence != "obligatory", "LEAF.md: {name}.{key} is not {}", row.presence);
    }
    for key in rows.keys() {
        assert!(keys.contains(&key.as_str()), "LEAF.md: {name} has no field {key}");
    }
}

fn cut(node: &Node, key: &str) -> Node {
    Node::Map(fields(node).iter().filter(|(k, _)| k != key).cloned().collect())
}

/// The leaf with one of its layers replaced.
fn leaf_with(event: &Event, layer: &str, node: Node) -> Vec<u8> {
    let whole = Node::decode(&leaf::encode(event)).unwrap();
    let swap = |(key, value): &(Cow<'static, str>, Node)| {
        (key.clone(), if key == layer { node.clone() } else { value.clone() })
    };
    Node::Map(fields(&whole).iter().map(swap).collect()).encode()
}

/// The sample of a word with every field present.
fn sample(word: &str) -> Event {
    let name = format!("{word} with every field");
    Log::sample().into_iter().find(|(n, _)| *n == name).unwrap().1
}

#[test]
fn every_word_has_its_section_with_exactly_its_fields() {
    let sections = sections();
    let common = &sections["Fact"].rows;
    for word in Body::WORDS {
        let section = sections.get(*word).unwrap_or_else(|| panic!("LEAF.md has no section for {word}"));
        let event = sample(word);
        let body = &event.fact.body;
        let posts = body.posting_kind().map_or("none".to_owned(), |kind| format!("`{kind}`"));
        let head = format!("Version {}. Posting kind: {posts}.", body.version());
        assert!(section.text.starts_with(&head), "LEAF.md: {word} should begin with: {head}");
        let fact = Node::decode(&event.fact.node().encode()).unwrap();
        let without = |key: &str| leaf::decode(&leaf_with(&event, "fact", cut(&fact, key))).is_ok();
        let (shared, own) = fields(&fact).iter().cloned().partition(|(key, _)| common.contains_key(key.as_ref()));
        check("Fact", common, &Node::Map(shared), without);
        check(word, &section.rows, &Node::Map(own), without);
        assert_eq!(section.rows.is_empty(), section.text.contains("No fields of its own."), "{word}");
    }
}

#[test]
fn no_section_is_left_over() {
    let records = "Fact Money Fee FeeTax Policy WalletConfig WebhookKey HoldPart Context Proof Record Line";
    for name in sections().keys() {
        assert!(
            Body::WORDS.contains(&name.as_str()) || records.split(' ').any(|record| record == name),
            "LEAF.md describes {name}, which the code does not have"
        );
    }
}

#[test]
fn layers_and_records_have_exactly_their_fields() {
    let sections = sections();
    let mut event = sample("CollectionSucceeded");
    event.record.no_lines = Some(NoLines::None);
    for (layer, name) in [("context", "Context"), ("record", "Record")] {
        let whole = Node::decode(&leaf::encode(&event)).unwrap();
        let node = &fields(&whole).iter().find(|(key, _)| key == layer).unwrap().1;
        let without = |key: &str| leaf::decode(&leaf_with(&event, layer, cut(node, key))).is_ok();
        check(name, &sections[name].rows, node, without);
    }
    fn record<T: Fill + Field>(sections: &BTreeMap<String, Section>, name: &str) {
        let node = T::full(&mut 0).to_node().unwrap();
        let without = |key: &str| T::from_node(Some(cut(&node, key)), "record").is_ok();
        check(name, &sections[name].rows, &node, without);
    }
    record::<Line>(&sections, "Line");
    record::<Proof>(&sections, "Proof");
    record::<Fee>(&sections, "Fee");
    record::<FeeTax>(&sections, "FeeTax");
    record::<Money>(&sections, "Money");
    record::<Policy>(&sections, "Policy");
    record::<WalletConfig>(&sections, "WalletConfig");
    record::<WebhookKey>(&sections, "WebhookKey");
    record::<HoldPart>(&sections, "HoldPart");
}

#[test]
fn every_list_of_words_stands_there_whole() {
    let page = page();
    macro_rules! lists {
        ($($list:ident),*) => {$(
            let words: Vec<String> = $list::ALL.iter().map(|word| format!("`{word}`")).collect();
            let row = format!("| `{}` | {} |", stringify!($list), words.join(", "));
            assert!(page.contains(&row), "LEAF.md should have the row: {row}");
        )*};
    }
    lists!(Component, Bearer, FigureSource, TaxKind, Mode, Recognition, FeesMode, Direction, Verdict, ItemKind, Side);
    lists!(OccurredSource, EvidenceClass, SubjectKind, NoLines, DiscrepancyKind);
}

#[test]
fn every_list_and_record_that_a_table_names_is_described() {
    let (page, sections) = (page(), sections());
    for (name, section) in &sections {
        for (field, row) in &section.rows {
            let Some(named) = row.kind.split('`').nth(1) else { continue };
            let there = if row.kind.starts_with("word of") {
                page.contains(&format!("| `{named}` | `"))
            } else {
                sections.contains_key(named)
            };
            assert!(there, "LEAF.md: {name}.{field} names {named}, which is not described");
        }
    }
}

#[test]
fn every_derivation_of_the_vectors_is_described() {
    let page = page();
    let vectors: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(spec("vectors.json")).unwrap()).unwrap();
    for derivation in vectors["derivations"].as_array().unwrap() {
        let tag = derivation["tag"].as_str().unwrap();
        assert!(page.contains(&format!("| `{tag}` |")), "{tag}");
    }
    assert!(page.contains("65,535 bytes"));
}
