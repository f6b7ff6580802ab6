//! The test vectors of `spec/vectors.json` are what this code makes, and what they say is read back unchanged.
//! `UPDATE_VECTORS=1` writes the file anew; a change of recorded bytes shows in its diff.

#![allow(clippy::unwrap_used)]

mod common;

use common::log::{BOOK, Log, connection, wallet};
use common::{fill::Fill, spec, tree_root};
use ensimbi_events::ids::{self, Derivation, ObjectKey};
use ensimbi_events::leaf::{self, FORMAT};
use ensimbi_events::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn events() -> Vec<Value> {
    let vector = |(name, event): (String, Event)| {
        let bytes = leaf::encode(&event);
        let mut vector = json!({
            "name": name,
            "event": event,
            "leaf": hex::encode(&bytes),
            "fact_hash": leaf::fact_hash(&event.fact),
            "leaf_hash": leaf::leaf_hash(&bytes),
            "event_id": event.record.event_id,
        });
        if let Some(key) = event.record.posting_key {
            vector["posting_key"] = json!(key);
        }
        vector
    };
    Log::sample().into_iter().map(vector).collect()
}

/// A derivation by hand: the parts as they are hashed, and the id or key that the library makes of the same inputs.
fn derivation(name: &str, tag: &str, inputs: Value, parts: &[&[u8]], made: &str) -> Value {
    let parts: Vec<String> = parts.iter().map(hex::encode).collect();
    let hash = Hash(parts.iter().fold(Derivation::new(tag), |d, p| d.part(&hex::decode(p).unwrap())).hash());
    json!({ "name": name, "tag": tag, "inputs": inputs, "parts": parts, "hash": hash, "result": made })
}

fn derivations() -> Vec<Value> {
    let (book, connection, wallet) = (BOOK, connection(), wallet("UGX"));
    let (b, c) = (book.as_bytes().as_slice(), connection.as_bytes().as_slice());
    let source = Uuid::from_u128(1);
    let cause = EventId(Uuid::from_u128(2));
    let fact = leaf::sha256(b"fact");
    let key = ObjectKey { book, connection: Some(connection), object_kind: "collection", object_id: "№ 1" };
    let bare = ObjectKey { connection: None, ..key };
    let subject = SubjectId(Uuid::from_u128(3)).to_string();
    let own = ObjectKey { book, connection: None, object_kind: "invoice", object_id: &subject };
    let object = json!({ "book": book, "connection": connection, "object_kind": "collection", "object_id": "№ 1" });
    let with = |more: Value| {
        let mut all = object.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let id = "№ 1".as_bytes();
    vec![
        derivation(
            "event",
            "ensimbi.event.1",
            with(json!({ "type": "CollectionSucceeded", "occurrence": "" })),
            &[b, c, b"collection", id, b"CollectionSucceeded", b""],
            &key.event_id("CollectionSucceeded", "").to_string(),
        ),
        derivation(
            "event without a connection",
            "ensimbi.event.1",
            json!({ "book": book, "object_kind": "collection", "object_id": "№ 1", "type": "InvoiceExpired", "occurrence": "a" }),
            &[b, b"", b"collection", id, b"InvoiceExpired", b"a"],
            &bare.event_id("InvoiceExpired", "a").to_string(),
        ),
        derivation(
            "event without an object: subject kind and hyphenated subject id",
            "ensimbi.event.1",
            json!({ "book": book, "subject_kind": "invoice", "subject": subject, "type": "InvoiceExpired", "occurrence": "" }),
            &[b, b"", b"invoice", subject.as_bytes(), b"InvoiceExpired", b""],
            &own.event_id("InvoiceExpired", "").to_string(),
        ),
        derivation(
            "posting key",
            "ensimbi.posting.1",
            with(json!({ "kind": "success", "occurrence": "" })),
            &[b, c, b"collection", id, b"success", b""],
            &hex::encode(key.posting_key("success", "")),
        ),
        derivation(
            "subject",
            "ensimbi.subject.1",
            object.clone(),
            &[b, c, b"collection", id],
            &key.subject_id().to_string(),
        ),
        derivation(
            "event that the ledger makes",
            "ensimbi.made.1",
            json!({ "cause": cause, "kind": "PaymentAllocated", "fact_hash": fact }),
            &[cause.as_bytes(), b"PaymentAllocated", &fact.0],
            &ids::made_event_id(cause, "PaymentAllocated", &fact.0).to_string(),
        ),
        derivation(
            "intent",
            "ensimbi.intent.1",
            json!({ "book": book, "route": "/v1/collections", "idempotency_key": "order-1" }),
            &[b, b"/v1/collections", b"order-1"],
            &ids::intent_id(book, "/v1/collections", "order-1").to_string(),
        ),
        derivation(
            "claim",
            "ensimbi.claim.1",
            json!({ "source": source, "index": 1, "translator": "iotec.1" }),
            &[source.as_bytes(), &[0, 0, 0, 1], b"iotec.1"],
            &ids::claim_id(source, 1, "iotec.1").to_string(),
        ),
        derivation(
            "operator key",
            "ensimbi.operator.1",
            json!({ "book": book, "connection": connection, "kind": "collection", "transaction": "MP1" }),
            &[b, c, b"collection", b"MP1"],
            &hex::encode(ids::operator_key(book, connection, "collection", "MP1")),
        ),
        derivation(
            "connection",
            "ensimbi.connection.1",
            json!({ "book": book, "provider": "iotec", "account": "client-1" }),
            &[b, b"iotec", b"client-1"],
            &connection.to_string(),
        ),
        derivation(
            "wallet",
            "ensimbi.wallet.1",
            json!({ "connection": connection, "provider_id": "wallet-1", "purse": "", "currency": "UGX" }),
            &[c, b"wallet-1", b"", b"UGX"],
            &wallet.to_string(),
        ),
    ]
}

/// The reference tree of Certificate Transparency implementations, with its known roots for 0 to 8 leaves.
const REFERENCE: [(&str, &str); 9] = [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
];

fn reference_leaves() -> Vec<Vec<u8>> {
    REFERENCE[1..].iter().map(|(leaf, _)| hex::decode(leaf).unwrap()).collect()
}

fn roots(leaves: &[Vec<u8>]) -> Vec<Hash> {
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf::leaf_hash(leaf)).collect();
    (0..=8).chain([hashes.len()]).map(|n| tree_root(&hashes[..n])).collect()
}

fn vectors() -> Value {
    let leaves: Vec<Vec<u8>> = Log::sample().iter().map(|(_, event)| leaf::encode(event)).collect();
    let log = roots(&leaves);
    let reference = reference_leaves();
    json!({
        "format": FORMAT,
        "book": BOOK,
        "events": events(),
        "derivations": derivations(),
        "trees": {
            "events": { "roots_of_first_0_to_8": log[..=8], "size": leaves.len(), "root": log[9] },
            "rfc6962": { "leaves": reference.iter().map(hex::encode).collect::<Vec<_>>(), "roots_of_first_0_to_8": roots(&reference)[..=8] },
        },
    })
}

#[test]
fn the_committed_vectors_are_what_the_code_makes() {
    let made = vectors();
    let path = spec("vectors.json");
    if std::env::var_os("UPDATE_VECTORS").is_some_and(|v| v == "1") {
        std::fs::write(&path, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
    }
    // As values, not as text: the order of JSON keys says nothing.
    let committed: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let names = |all: &Value| all["events"].as_array().unwrap().iter().map(|e| e["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&made), names(&committed), "UPDATE_VECTORS=1 rewrites the file");
    for (made, committed) in made["events"].as_array().unwrap().iter().zip(committed["events"].as_array().unwrap()) {
        assert_eq!(made, committed, "UPDATE_VECTORS=1 rewrites the file");
    }
    // Not assert_eq: a difference would print both files.
    assert!(made == committed, "derivations or trees differ; UPDATE_VECTORS=1 rewrites the file");
}

#[test]
fn every_committed_leaf_is_read_back_to_its_event_and_hashes() {
    let file: Value = serde_json::from_str(&std::fs::read_to_string(spec("vectors.json")).unwrap()).unwrap();
    let events = file["events"].as_array().unwrap();
    assert!(events.len() > Body::WORDS.len());
    for vector in events {
        let name = vector["name"].as_str().unwrap();
        let bytes = hex::decode(vector["leaf"].as_str().unwrap()).unwrap();
        let from_leaf = leaf::decode(&bytes).unwrap();
        let mut from_json: Event = serde_json::from_value(vector["event"].clone()).unwrap();
        from_json.canon();
        assert_eq!(from_leaf, from_json, "{name}");
        assert_eq!(leaf::encode(&from_leaf), bytes, "{name}");
        assert_eq!(vector["leaf_hash"], json!(leaf::leaf_hash(&bytes)), "{name}");
        assert_eq!(vector["fact_hash"], json!(leaf::fact_hash(&from_leaf.fact)), "{name}");
    }
}

#[test]
fn derivations_written_out_by_hand_give_what_the_library_gives() {
    for vector in derivations() {
        let hash: Hash = vector["hash"].as_str().unwrap().parse().unwrap();
        let made = vector["result"].as_str().unwrap();
        if made.len() == 64 {
            assert_eq!(made, hash.to_string(), "{vector}");
        } else {
            let mut bytes: [u8; 16] = hash.0[..16].try_into().unwrap();
            bytes[6] = bytes[6] & 0x0f | 0x80;
            bytes[8] = bytes[8] & 0x3f | 0x80;
            assert_eq!(made, Uuid::from_bytes(bytes).to_string(), "{vector}");
        }
    }
}

#[test]
fn the_tree_of_the_rfc_has_its_known_roots() {
    let roots = roots(&reference_leaves());
    for (n, (_, known)) in REFERENCE.iter().enumerate() {
        assert_eq!(roots[n].to_string(), *known, "{n} leaves");
    }
}

#[test]
fn the_sample_log_names_every_word_and_balances() {
    let log = Log::sample();
    for word in Body::WORDS {
        assert!(log.iter().any(|(_, event)| event.fact.body.word() == *word), "{word}");
    }
    for (name, event) in &log {
        for line in &event.record.lines.0 {
            let of_currency = event.record.lines.0.iter().filter(|l| l.currency == line.currency);
            assert_eq!(of_currency.map(|l| i128::from(l.amount.scaled())).sum::<i128>(), 0, "{name}");
        }
    }
}
