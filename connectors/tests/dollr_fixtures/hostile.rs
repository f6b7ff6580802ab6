//! Hostile input (`reliability-rules.md`, B1 to B3): cut anywhere, any bytes, deep, wide and long; never a panic, never a
//! party's text in an error, a fact or a counted word.

use std::time::Instant;

use super::support::*;

#[test]
fn a_body_that_is_cut_or_changed_anywhere_is_read_or_refused() {
    let mut read_all = 0;
    for case in cases().into_iter().filter(|case| case.body.len() > 200 && case.body.len() < 4_000) {
        let step = (case.body.len() / 30).max(1);
        for at in (0..case.body.len()).step_by(step) {
            let cut = read(&case.kind, &case.body[..at], &case.options);
            assert!(cut.is_err(), "{}/{} cut at {at}", case.kind, case.name);
            for byte in [0x00, b'"', b'{', b'9', b',', 0xff] {
                let mut changed = case.body.clone();
                changed[at] = byte;
                let _ = read(&case.kind, &changed, &case.options);
                read_all += 1;
            }
        }
    }
    assert!(read_all > 20_000, "{read_all}");
}

#[test]
fn deep_wide_and_long_bodies_take_bounded_time() {
    let long = "x".repeat(900_000);
    let bodies = [
        "[".repeat(500_000),
        "{\"a\":".repeat(150_000),
        format!("{{\"execution\":{}{}}}", "[".repeat(400_000), "]".repeat(400_000)),
        format!("{{\"source\":{{\"id\":1,\"invoice_items\":[{}{{}}]}}}}", "{},".repeat(200_000)),
        format!("{{\"reference_id\":\"{long}\"}}"),
        format!("{{{}\"b\":1}}", "\"a\":1,".repeat(150_000)),
        format!("[{}{{}}]", "{\"id\":1},".repeat(100_000)),
        "9".repeat(1_000_000),
        long.clone(),
        " ".repeat(1_000_000),
    ];
    let started = Instant::now();
    for body in &bodies {
        for kind in kinds().iter().copied() {
            let _ = plain(kind, body.as_bytes());
        }
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    let too_large = vec![b' '; 1024 * 1024 + 1];
    for kind in kinds().iter().copied() {
        assert_eq!(plain(kind, &too_large).unwrap_err().field, "body", "{kind}");
    }
}

/// What an error or an unknown word says goes to logs and stays: nothing that a person wrote may be in it.
#[test]
fn errors_and_unknown_words_show_no_value_of_a_party() {
    for case in cases() {
        let shown = match told(&case) {
            Ok(translation) => translation.unknown.join(" "),
            Err(error) => format!("{error} {error:?}"),
        };
        for secret in ["231771234567", "Jane", "Test Party", "example.com", "pi_secret"] {
            assert!(!shown.contains(secret), "{}/{}: {shown}", case.kind, case.name);
        }
    }
}

/// Every value of a body replaced by a name and a number, one after the other: neither reaches a fact, an error, a
/// counted word or what `Debug` shows. Parties go to the vault.
#[test]
fn a_name_in_any_place_of_a_body_reaches_no_error_and_no_fact() {
    let mut changed_all = 0;
    for (kind, name) in [
        ("collection", "with_its_receipt"),
        ("collection", "failed_message_is_not_kept"),
        ("hosted", "paid"),
        ("payout_status", "completed"),
        ("receipt", "three_fees_two_currencies_example_13b"),
        ("source", "made_checkout"),
    ] {
        let body: Value = serde_json::from_slice(&fixture(&format!("{kind}/{name}.body"))).unwrap();
        let mut places = Vec::new();
        walk(&body, String::new(), &mut places);
        for place in places {
            let mut changed = body.clone();
            *changed.pointer_mut(&place).unwrap() = "Jane Rose 231771234567".into();
            changed_all += 1;
            let translation = match plain(kind, changed.to_string().as_bytes()) {
                Ok(translation) => translation,
                Err(error) => {
                    assert!(!format!("{error} {error:?}").contains("Jane"), "{kind}{place}: {error}");
                    continue;
                }
            };
            assert!(!translation.unknown.join(" ").contains("Jane"), "{kind}{place}");
            for mut one in translation.said {
                assert!(!format!("{one:?}").contains("Jane"), "{kind}{place}");
                one.party = None;
                assert!(!said(&one).to_string().contains("Jane"), "{kind}{place}");
            }
        }
    }
    assert!(changed_all > 150, "{changed_all}");
}

fn walk(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| walk(value, format!("{at}/{key}"), places)),
        Value::Array(list) => list.iter().enumerate().for_each(|(n, value)| walk(value, format!("{at}/{n}"), places)),
        _ => places.push(at),
    }
}
