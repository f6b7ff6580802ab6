//! ioTec Pay's bytes and what they say: every fixture, and hostile input within bounded time and memory.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ensimbi_connectors::connector::{Connector, Input, ObjectRef, PartyDetails, Said, Translation, Unreadable, Watch};
use ensimbi_connectors::providers::iotec::Iotec;
use ensimbi_events::{Amount, Body};
use serde_json::{Map, Value, json};

type Options = BTreeMap<String, String>;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/providers/iotec/fixtures")
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(fixtures().join(name)).unwrap()
}

fn read(kind: &str, body: &[u8], options: &Options) -> Result<Translation, Unreadable> {
    Iotec.translate(Input {
        kind,
        body,
        options,
        received_at: ensimbi_events::Time::from_micros(1_780_000_000_000_000),
    })
}

fn status(body: &str) -> Result<Translation, Unreadable> {
    read("collection_status", body.as_bytes(), &Options::new())
}

/// Fields that are absent or empty leave no key, as in the files.
fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let absent = |value: &Value| value.is_null() || value == "";
    Value::Object(fields.into_iter().filter(|(_, v)| !absent(v)).map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>())
}

fn object(of: &ObjectRef) -> Value {
    map([("kind", of.kind.into()), ("id", of.id.clone().into()), ("reference", of.reference.clone().into())])
}

fn party(of: &PartyDetails) -> Value {
    map([("phone", of.phone.clone().into()), ("name", of.name.clone().into()), ("email", of.email.clone().into())])
}

fn said(of: &Said) -> Value {
    map([
        ("object", object(&of.object)),
        ("subject_kind", json!(of.subject_kind)),
        ("occurrence", of.occurrence.clone().into()),
        ("currency", json!(of.currency)),
        ("wallet", of.wallet.clone().into()),
        ("body", json!(of.body)),
        ("occurred_at", json!(of.occurred_at)),
        ("party", of.party.as_ref().map(party).into()),
        ("doubt", json!(of.doubt)),
        ("operator_transaction", of.operator_transaction.clone().into()),
    ])
}

fn claims(of: Result<Translation, Unreadable>) -> Value {
    let translation = match of {
        Ok(translation) => translation,
        Err(error) => return json!({"unreadable": {"field": error.field, "problem": error.problem}}),
    };
    let watch =
        |(of, watch): &(ObjectRef, Watch)| json!({"object": object(of), "watch": format!("{watch:?}").to_lowercase()});
    json!({
        "said": translation.said.iter().map(said).collect::<Vec<_>>(),
        "watch": translation.watch.iter().map(watch).collect::<Vec<_>>(),
        "unknown": translation.unknown,
    })
}

#[test]
fn every_fixture_says_exactly_what_is_written_beside_it() {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for folder in std::fs::read_dir(fixtures()).unwrap() {
        let folder = folder.unwrap();
        let kind = folder.file_name().into_string().unwrap();
        assert!(Iotec.facts().kinds.contains(&kind.as_str()), "{kind} is not declared");
        let files: BTreeSet<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        for file in &files {
            let case = file.strip_suffix(".body").or_else(|| file.strip_suffix(".claims.json")).unwrap();
            let both = files.contains(&format!("{case}.body")) && files.contains(&format!("{case}.claims.json"));
            assert!(both, "{kind}/{case} lacks its other half");
            if !file.ends_with(".body") {
                continue;
            }
            let body = std::fs::read(folder.path().join(file)).unwrap();
            let mut expected: Value = serde_json::from_str(&fixture(&format!("{kind}/{case}.claims.json"))).unwrap();
            let options = expected.as_object_mut().unwrap().remove("options");
            let options: Options = options.map(|options| serde_json::from_value(options).unwrap()).unwrap_or_default();
            let got = claims(read(&kind, &body, &options));
            if got != expected {
                wrong.push(format!("{kind}/{case}: {got:#}"));
            }
            seen.insert(kind.clone());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen, Iotec.facts().kinds.iter().map(|kind| (*kind).to_owned()).collect(), "a kind without a fixture");
}

#[test]
fn the_bodies_of_the_documents_say_pending_and_no_money() {
    for (kind, case) in [
        ("collection_created", "seed_pending"),
        ("collection_status", "seed_pending_by_id"),
        ("collection_status", "seed_pending_by_external_id"),
    ] {
        let body = fixture(&format!("{kind}/{case}.body"));
        let translation = read(kind, body.as_bytes(), &Options::new()).unwrap();
        assert!(matches!(&translation.said[..], [Said { body: Body::CollectionPending(_), .. }]));
        let mut other = translation.said[0].clone();
        other.party = None;
        let same = status(&fixture("collection_status/open_scheduled.body")).unwrap();
        assert_eq!((&other.body, &other.occurrence), (&same.said[0].body, &same.said[0].occurrence));
    }
}

/// gross = net + merchant fees, payer = gross + payer fees (`bookkeeping.md` 2), in every undoubted fixture.
#[test]
fn undoubted_sums_hold() {
    let mut successes = 0;
    for file in std::fs::read_dir(fixtures().join("collection_status")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "body") {
            continue;
        }
        for (category, reading) in [("ChargeWallet", "A"), ("ChargeCustomer", "A"), ("ChargeCustomer", "B")] {
            let options = [("transaction_charges_category", category), ("charge_customer", reading)];
            let options = options.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
            let Ok(translation) = read("collection_status", &std::fs::read(&path).unwrap(), &options) else { continue };
            for said in translation.said.iter().filter(|said| said.doubt.is_none()) {
                let sum = |fees: &[ensimbi_events::word::Fee], bearer| {
                    Amount::checked_sum(fees.iter().filter(|fee| fee.bearer.as_str() == bearer).map(|fee| fee.amount))
                        .unwrap()
                };
                match &said.body {
                    Body::CollectionSucceeded(body) => {
                        assert_eq!(body.gross.checked_sub(body.net), Some(sum(&body.fees, "merchant")), "{path:?}");
                        let payer = body.payer.unwrap().amount;
                        assert_eq!(payer.checked_sub(body.gross), Some(sum(&body.fees, "payer")), "{path:?}");
                        successes += 1;
                    }
                    Body::CollectionReversed(body) => {
                        let back = body.amount.checked_sub(body.from_wallet);
                        assert_eq!(back, Some(sum(&body.returned, "merchant")), "{path:?}");
                    }
                    _ => {}
                }
            }
        }
    }
    assert!(successes > 20, "{successes}");
}

#[test]
fn a_callback_names_its_object_and_says_nothing() {
    let hinted = Iotec.hinted(fixture("webhook/success.body").as_bytes()).unwrap();
    let id = "123e4567-e89b-12d3-a456-426614174000".to_owned();
    assert_eq!(hinted, [ObjectRef { kind: "collection", id: Some(id), reference: Some("001".to_owned()) }]);
    assert_eq!(Iotec.hinted(fixture("webhook/wrapped.body").as_bytes()).unwrap(), hinted);
    assert_eq!(Iotec.hinted(fixture("webhook/a_payout.body").as_bytes()).unwrap(), []);
}

#[test]
fn a_kind_nobody_declared_is_refused() {
    let error = read("statement", b"{}", &Options::new()).unwrap_err();
    assert_eq!(error.field, "kind");
}

/// Numbers of every shape: exact, or refused with the field named.
#[test]
fn hostile_numbers_are_exact_or_refused() {
    let with = |amount: &str| format!(r#"{{"id":"a","status":"Pending","currency":"UGX","amount":{amount}}}"#);
    for (amount, exact) in [
        ("500", "500"),
        ("\"500\"", "500"),
        ("\"500.00\"", "500"),
        ("5e2", "500"),
        ("500.1234000", "500.1234"),
        ("900719925474.0993", "900719925474.0993"),
        ("922337203685477.5807", "922337203685477.5807"),
    ] {
        let translation = status(&with(amount)).unwrap();
        let Body::CollectionPending(body) = &translation.said[0].body else { panic!("{amount}") };
        assert_eq!(body.amount.to_string(), exact, "{amount}");
    }
    let long = "9".repeat(5_000);
    let huge = format!("1{}", "0".repeat(40));
    for amount in [
        "1e400",
        "1e-400",
        "9007199254740993",
        "922337203685477.5808",
        "0.00001",
        &huge,
        &long,
        "NaN",
        "Infinity",
        "0500",
        "+500",
        ".5",
        "5.",
        "0x1f4",
        "\"\"",
        "\"0500\"",
        "\" 500\"",
        "\"5 00\"",
        "\"\\u0035\"",
        "\"NaN\"",
        "\"٥٠٠\"",
        "true",
        "[500]",
        "{}",
        "null",
        "1e99999999999999999999",
        "-",
    ] {
        let error = status(&with(amount)).unwrap_err();
        assert!(["amount", "body"].contains(&error.field.as_str()), "{amount}: {error}");
    }
    let zero = status(&with("-0")).unwrap();
    assert_eq!(zero.said[0].doubt.map(|doubt| doubt.as_str()), Some("amount_implausible"));
}

/// Depth, width and length: an answer in bounded time, without a deep stack.
#[test]
fn hostile_shapes_end_quickly() {
    let start = Instant::now();
    let good = r#""id":"a","status":"Pending","currency":"UGX","amount":500"#;
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert!(status(&format!(r#"{{{good},"extra":{deep}}}"#)).is_ok());
    assert!(status(&format!(r#"{{{good},"amount":{deep}}}"#)).is_err());
    assert!(status(&format!(r#"{{{good},"wallet":{deep}}}"#)).is_ok());
    assert!(status(&deep).is_err());
    assert!(status(&"[".repeat(1_000_000)).is_err());
    assert!(status(&"{\"a\":".repeat(100_000)).is_err());
    let many: String = (0..80_000).map(|n| format!(",\"k{n}\":1")).collect();
    assert!(status(&format!("{{{good}{many}}}")).is_ok());
    let twice: String = (0..40_000).map(|_| ",\"status\":\"Success\"").collect();
    assert_eq!(status(&format!("{{{good}{twice}}}")).unwrap_err().problem, "status is given twice");
    let long = status(&format!(r#"{{{good},"payerName":"{}"}}"#, "x".repeat(1_000_000))).unwrap();
    assert_eq!((long.said[0].party.as_ref(), long.unknown.as_slice()), (None, &["payerName".to_owned()][..]));
    assert_eq!(status(&format!(r#"{{{good},"note":"{}"}}"#, "x".repeat(10_000_000))).unwrap_err().field, "body");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn hostile_text_is_kept_exactly_or_left_out() {
    let with = |field: &str, value: &str| {
        format!(r#"{{"id":"a","status":"Pending","currency":"UGX","amount":500,"{field}":{value}}}"#)
    };
    // Right-to-left override, zero width and decomposed letters are text.
    let name = "\u{202e}Ann\u{200b}e\u{301}";
    let translation = status(&with("payerName", &format!("\"{name}\""))).unwrap();
    assert_eq!(translation.said[0].party.as_ref().unwrap().name.as_deref(), Some(name));
    for (field, value) in [
        ("payerName", "\"\\ud800\""),
        ("payerName", "\"a\\u0000b\""),
        ("externalId", "\"a\\nb\""),
        ("externalId", "7"),
        ("vendorTransactionId", "[1]"),
        ("processedAt", "1757836669147"),
        ("wallet", "\"5e83b187\""),
    ] {
        let translation = status(&with(field, value)).unwrap();
        assert_eq!(translation.unknown, [field.to_owned()], "{value}");
        let said = &translation.said[0];
        assert!(said.party.is_none() && said.object.reference.is_none() && said.operator_transaction.is_none());
    }
    for id in ["a b", "a\u{202e}", "é", "a\\u0000"] {
        let body = format!(r#"{{"id":"{id}","status":"Pending","currency":"UGX","amount":500}}"#);
        assert_eq!(status(&body).unwrap_err().field, "id", "{id}");
    }
    assert_eq!(status(&with("x", "\"\\q\"")).unwrap_err().field, "body");
}

/// A cut or changed body never panics, and an error never shows a value.
#[test]
fn no_cut_and_no_changed_byte_panics_or_leaks() {
    let body = fixture("collection_status/rolled_back_fee_returned.body").into_bytes();
    let options = Options::new();
    let quiet = |result: Result<Translation, Unreadable>| {
        if let Err(error) = result {
            let text = error.to_string();
            assert!(!text.contains("John") && !text.contains("0111777771") && text.len() < 200, "{text}");
        }
    };
    for end in (0..body.len()).step_by(3) {
        quiet(read("collection_status", &body[..end], &options));
        quiet(read("webhook", &body[..end], &options));
    }
    let mut state = 7_u32;
    for at in 0..body.len() {
        let mut changed = body.clone();
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        changed[at] = state.to_be_bytes()[0];
        quiet(read("collection_status", &changed, &options));
        quiet(read("webhook", &changed, &options));
    }
}
