//! Laws of the leaf over random events of every word: one record, one encoding; one encoding, one record.

#![allow(clippy::unwrap_used)]

mod common;

use common::fill::Fill;
use common::log::Log;
use common::words::any_pair;
use ensimbi_events::event::Fact;
use ensimbi_events::node::Node;
use ensimbi_events::word::Component;
use ensimbi_events::{Claim, Event, leaf};
use proptest::prelude::*;
use proptest::sample::Index;

/// Two events that share all but a few fields, often none: the hard neighbours.
fn neighbours() -> impl Strategy<Value = (Event, Event)> {
    let masks = prop_oneof![Just(vec![]), proptest::collection::vec(0..48usize, 1..4)];
    (Event::any(), Event::any(), any_pair(), masks).prop_map(|(mut a, mut b, (body_a, body_b), mask)| {
        (a.fact.version, b.fact.version) = (body_a.version(), body_b.version());
        (a.fact.body, b.fact.body) = (body_a, body_b);
        let mut at = 0;
        let mixed = a.clone().mix(b, &mut || {
            at += 1;
            mask.contains(&(at - 1))
        });
        (a, mixed)
    })
}

/// The same event with every list of a map's fields turned round, lines excepted.
fn turned(node: Node) -> Node {
    match node {
        Node::List(items) => Node::List(items.into_iter().rev().map(turned).collect()),
        Node::Map(fields) => Node::Map(
            fields
                .into_iter()
                .map(|(key, value)| if key == "lines" { (key, value) } else { (key, turned(value)) })
                .collect(),
        ),
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_leaf_gives_back_its_event_with_lists_in_order(event in Event::any()) {
        let bytes = leaf::encode(&event);
        let mut expected = event;
        expected.canon();
        let read = leaf::decode(&bytes).unwrap();
        prop_assert_eq!(&read, &expected);
        prop_assert_eq!(leaf::encode(&read), bytes);
    }

    #[test]
    fn two_events_share_bytes_only_if_they_are_equal_but_for_list_order((a, b) in neighbours()) {
        let (bytes_a, bytes_b) = (leaf::encode(&a), leaf::encode(&b));
        let same_fact = leaf::fact_hash(&a.fact) == leaf::fact_hash(&b.fact);
        let (mut a, mut b) = (a, b);
        a.canon();
        b.canon();
        prop_assert_eq!(a == b, bytes_a == bytes_b);
        prop_assert_eq!(a.fact == b.fact, same_fact);
    }

    #[test]
    fn the_order_in_which_lists_are_given_does_not_matter(event in Event::any()) {
        let mut other = event.clone();
        other.canon();
        other.context.evidence.reverse();
        prop_assert_eq!(leaf::encode(&event), leaf::encode(&other));
    }

    #[test]
    fn json_gives_back_the_same_event_fact_and_claim(event in Event::any(), evidence in Option::any()) {
        let text = serde_json::to_string(&event).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Event>(&text).unwrap(), &event);
        prop_assert_eq!(&serde_json::from_value::<Event>(serde_json::to_value(&event).unwrap()).unwrap(), &event);
        let claim = claim(event, evidence);
        let text = serde_json::to_string(&claim).unwrap();
        prop_assert_eq!(serde_json::from_str::<Claim>(&text).unwrap(), claim);
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = Node::decode(&bytes);
        let _ = leaf::decode(&bytes);
    }

    #[test]
    fn changed_bytes_are_refused_or_are_another_record(event in Event::any(), at: Index, byte: u8, how in 0..4) {
        let mut bytes = leaf::encode(&event);
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            2 => drop(bytes.remove(at)),
            _ => bytes.truncate(at),
        }
        if let Ok(read) = leaf::decode(&bytes) {
            prop_assert_eq!(&leaf::encode(&read), &bytes);
        }
        if let Ok(node) = Node::decode(&bytes) {
            prop_assert_eq!(node.encode(), bytes);
        }
    }

    #[test]
    fn lists_out_of_order_are_refused(event in Event::any()) {
        let node = Node::decode(&leaf::encode(&event)).unwrap();
        let bytes = turned(node).encode();
        if bytes != leaf::encode(&event) {
            prop_assert!(leaf::decode(&bytes).is_err());
        }
    }
}

fn claim(event: Event, evidence: Option<ensimbi_events::Evidence>) -> Claim {
    Claim {
        id: Fill::full(&mut 1),
        book: event.record.book,
        occurred_at: event.context.occurred_at,
        occurred_source: event.context.occurred_source,
        translator: "iotec.1".into(),
        doubt: evidence.is_some().then(|| Fill::full(&mut 2)),
        operator_transaction: event.fact.object_id.clone(),
        confirms: false,
        evidence,
        party: event.context.party,
        fact: event.fact,
    }
}

#[test]
fn every_sample_goes_through_json_and_back() {
    for (name, event) in Log::sample() {
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event, "{name}");
        let text = serde_json::to_string(&event.fact).unwrap();
        assert_eq!(serde_json::from_str::<Fact>(&text).unwrap(), event.fact, "{name}");
        let claim = claim(event, Some(Fill::full(&mut 3)));
        let text = serde_json::to_string(&claim).unwrap();
        assert_eq!(serde_json::from_str::<Claim>(&text).unwrap(), claim, "{name}");
    }
}

/// The leaf of the sample of a word, as a tree of values.
fn sample(word: &str) -> Node {
    let samples = Log::sample();
    let (_, event) = samples.iter().find(|(name, _)| name.starts_with(&format!("{word} with"))).unwrap();
    Node::decode(&leaf::encode(event)).unwrap()
}

fn layer<'a>(node: &'a mut Node, name: &str) -> &'a mut Vec<(std::borrow::Cow<'static, str>, Node)> {
    let Node::Map(fields) = node else { panic!("no map") };
    match &mut fields.iter_mut().find(|(key, _)| key == name).unwrap().1 {
        Node::Map(fields) => fields,
        _ => panic!("no map"),
    }
}

fn refused_with(word: &str, layer_name: &str, change: impl FnOnce(&mut Vec<(std::borrow::Cow<'static, str>, Node)>)) {
    let mut node = sample(word);
    change(layer(&mut node, layer_name));
    assert!(leaf::decode(&node.encode()).is_err());
}

#[test]
fn a_second_form_of_the_same_record_is_refused() {
    let replace = |key: &'static str, node: Node| {
        move |fields: &mut Vec<(std::borrow::Cow<'static, str>, Node)>| {
            fields.retain(|(k, _)| k != key);
            fields.push((key.into(), node));
        }
    };
    refused_with("CollectionSucceeded", "fact", replace("fees", Node::List(vec![])));
    refused_with("CollectionSucceeded", "fact", replace("occurrence", Node::Text(String::new())));
    refused_with("CollectionSucceeded", "record", replace("lines", Node::List(vec![])));
    refused_with("CollectionSucceeded", "context", replace("evidence", Node::List(vec![])));
    refused_with("CollectionSucceeded", "fact", |fields| fields.push(("extra".into(), Node::Int(1))));
    refused_with("CollectionSucceeded", "fact", |fields| fields.push(("gross".into(), Node::Int(1))));
    refused_with("CollectionSucceeded", "fact", replace("gross", Node::Text("700".into())));
    refused_with("CollectionSucceeded", "fact", replace("wallet", Node::Bytes(vec![0; 15])));
    refused_with("CollectionSucceeded", "fact", replace("version", Node::Int(2)));
    refused_with("CollectionSucceeded", "fact", replace("type", Node::Text("CollectionSucceded".into())));
    refused_with("CollectionSucceeded", "fact", replace("net_source", Node::Text("guessed".into())));
    refused_with("CollectionSucceeded", "record", replace("position", Node::Int(-1)));
    refused_with("CollectionSucceeded", "record", |fields| {
        for (key, node) in fields {
            if let ("lines", Node::List(lines)) = (key.as_ref(), node) {
                lines.reverse();
            }
        }
    });
}

#[test]
fn a_leaf_beyond_the_limit_is_refused() {
    let (_, mut event) = Log::sample().remove(4);
    event.context.translator = None;
    let spare = leaf::LEAF_BYTES_MAX - leaf::encode(&event).len() - "translator".len() - 8;
    let with = |length: usize, event: &mut Event| {
        event.context.translator = Some("x".repeat(length));
        leaf::encode(event)
    };
    let mut length = spare;
    while with(length, &mut event).len() < leaf::LEAF_BYTES_MAX {
        length += 1;
    }
    assert_eq!(with(length, &mut event).len(), leaf::LEAF_BYTES_MAX);
    assert!(leaf::decode(&with(length, &mut event)).is_ok());
    assert!(leaf::decode(&with(length + 1, &mut event)).is_err());
}

#[test]
fn a_word_has_no_field_named_as_a_common_one() {
    let common = ["type", "version", "subject", "subject_kind", "connection", "wallet", "object_kind", "object_id"];
    for (name, event) in Log::sample() {
        let Node::Map(fields) = event.fact.node() else { panic!("no map") };
        let mut keys: Vec<_> = fields.iter().map(|(key, _)| key.as_ref()).collect();
        let before = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), before, "{name}");
        let text = serde_json::to_string(&event.fact.body).unwrap();
        let body: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert!(common[1..].iter().chain(&["occurrence", "currency"]).all(|key| !body.contains_key(*key)), "{name}");
    }
}

#[test]
fn two_equal_fees_stay_two() {
    let (_, mut event) = Log::sample().remove(4);
    event.context.evidence.clear();
    let ensimbi_events::Body::CollectionSucceeded(body) = &mut event.fact.body else { panic!("another sample") };
    body.fees[0].component = Component::Provider;
    body.fees[1] = body.fees[0].clone();
    let read = leaf::decode(&leaf::encode(&event)).unwrap();
    assert_eq!(read.fact, event.fact);
}
