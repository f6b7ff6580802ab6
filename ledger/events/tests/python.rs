//! The Python programs of `spec/`, which share no code with us, read the same leaves and come to the same hashes.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::PathBuf;
use std::process::{Command, Output};

use common::log::Log;
use common::{exported, spec, tree_root};
use ensimbi_events::{Event, Hash, leaf, node::Node};
use serde_json::Value;

/// A file of its own for each test, so that they can run side by side.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("ensimbi-leaves-{}-{name}.cbor", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    path
}

fn python(program: &str, name: &str, bytes: &[u8], more: &[&str]) -> Output {
    let path = file(name, bytes);
    let run = Command::new("python3").arg("-B").arg(spec(program)).arg(&path).args(more).output();
    let output = run.expect("python3 (3.9 or newer) must be on the PATH: the spec's programs are tested with it");
    std::fs::remove_file(&path).unwrap();
    output
}

fn refused(program: &str, name: &str, bytes: &[u8]) -> String {
    let output = python(program, name, bytes, &[]);
    assert!(!output.status.success(), "{program} must refuse {name}");
    String::from_utf8(output.stderr).unwrap()
}

fn printed(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn log() -> Vec<Event> {
    Log::sample().into_iter().map(|(_, event)| event).collect()
}

fn bytes_of(events: &[Event]) -> Vec<u8> {
    exported(&events.iter().map(leaf::encode).collect::<Vec<_>>())
}

/// The form that `decode.py` shows.
fn shown(node: &Node) -> Value {
    match node {
        Node::Int(value) => (*value).into(),
        Node::Bool(value) => (*value).into(),
        Node::Text(text) => text.as_str().into(),
        Node::Bytes(bytes) => match uuid::Uuid::from_slice(bytes) {
            Ok(id) => id.to_string().into(),
            Err(_) => hex::encode(bytes).into(),
        },
        Node::List(items) => items.iter().map(shown).collect(),
        Node::Map(fields) => fields.iter().map(|(key, value)| (key.to_string(), shown(value))).collect(),
    }
}

#[test]
fn the_decoder_shows_every_leaf_as_we_wrote_it() {
    let events = log();
    let text = printed(python("decode.py", "decode", &bytes_of(&events), &[]));
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), events.len());
    for (line, event) in lines.iter().zip(&events) {
        assert_eq!(*line, shown(&Node::decode(&leaf::encode(event)).unwrap()));
    }
}

#[test]
fn its_companion_comes_to_the_same_root_fact_hashes_and_event_ids() {
    let events = log();
    let text = printed(python("root.py", "root", &bytes_of(&events), &["--facts"]));
    let hashes: Vec<Hash> = events.iter().map(|event| leaf::leaf_hash(&leaf::encode(event))).collect();
    let mut expected: Vec<String> = Vec::new();
    for event in &events {
        let record = &event.record;
        expected.push(format!("{} {} {}", record.position, record.event_id, leaf::fact_hash(&event.fact)));
    }
    expected.push(format!("size {}", events.len()));
    expected.push(format!("root {}", tree_root(&hashes)));
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn roots_agree_at_every_small_size() {
    let events = log();
    let hashes: Vec<Hash> = events.iter().map(|event| leaf::leaf_hash(&leaf::encode(event))).collect();
    for n in 0..=9 {
        let text = printed(python("root.py", &format!("first-{n}"), &bytes_of(&events[..n]), &[]));
        assert_eq!(text, format!("size {n}\nroot {}\n", tree_root(&hashes[..n])));
    }
}

#[test]
fn the_companion_names_the_first_bad_position() {
    let events = log();
    let mut gap = events.clone();
    gap.remove(6);
    assert!(refused("root.py", "gap", &bytes_of(&gap)).contains("position 7: "));
    let mut sums = events.clone();
    sums[4].record.lines.0.pop();
    assert!(refused("root.py", "sums", &bytes_of(&sums)).contains("position 5: ValueError lines do not sum to zero"));
    let mut fact = events.clone();
    fact[7].fact.occurrence.push('x');
    assert!(refused("root.py", "fact", &bytes_of(&fact)).contains("position 8: ValueError event_id"));
    let mut time = events.clone();
    time[9].record.recorded_at = time[7].record.recorded_at;
    assert!(refused("root.py", "time", &bytes_of(&time)).contains("position 10: "));
    let mut book = events;
    book[2].record.book.0 = uuid::Uuid::nil();
    assert!(refused("root.py", "book", &bytes_of(&book)).contains("position 3: "));
}

#[test]
fn both_refuse_what_no_writer_of_leaves_makes() {
    let whole = leaf::encode(&log()[0]);
    let mut after = whole.clone();
    after.push(0);
    let bad: [(&str, Vec<u8>); 16] = [
        ("cut short", exported(std::slice::from_ref(&whole))[..100].to_vec()),
        ("bytes after a leaf", exported(&[after])),
        ("no byte string", vec![0x01]),
        ("a list as a leaf", exported(&[vec![0x81, 0x01]])),
        ("indefinite map", exported(&[vec![0xbf, 0xff]])),
        ("indefinite bytes", vec![0x5f, 0x41, 0xa0, 0xff]),
        ("float", exported(&[hex::decode("a16161f93c00").unwrap()])),
        ("null", exported(&[hex::decode("a16161f6").unwrap()])),
        ("tag", exported(&[hex::decode("a16161c001").unwrap()])),
        ("long head", exported(&[hex::decode("a161611801").unwrap()])),
        ("keys out of order", exported(&[hex::decode("a2616201616102").unwrap()])),
        ("a key twice", exported(&[hex::decode("a2616101616102").unwrap()])),
        ("a key that is no text", exported(&[hex::decode("a10101").unwrap()])),
        ("beyond 64 bits", exported(&[hex::decode("a161611bffffffffffffffff").unwrap()])),
        ("list out of order", exported(&[hex::decode("a16161820201").unwrap()])),
        ("empty list", exported(&[hex::decode("a1616180").unwrap()])),
    ];
    for (name, bytes) in bad {
        assert!(refused("decode.py", &name.replace(' ', "-"), &bytes).contains("Error"), "{name}");
        assert!(refused("root.py", &name.replace(' ', "-"), &bytes).contains("position 1: "), "{name}");
    }
}

#[test]
fn the_programs_stay_small_enough_to_read() {
    for program in ["decode.py", "root.py"] {
        assert!(std::fs::read_to_string(spec(program)).unwrap().lines().count() <= 60, "{program}");
    }
}
