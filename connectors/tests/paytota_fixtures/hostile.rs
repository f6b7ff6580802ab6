//! Hostile input: cut anywhere, any bytes, deep, wide and long; never a panic, never a party's text in an error.

use std::time::Instant;

use super::support::*;

fn options() -> Options {
    [("currencies".to_owned(), "UGX:0,USD:2".to_owned())].into()
}

#[test]
fn a_body_that_is_cut_or_changed_anywhere_is_read_or_refused() {
    let started = Instant::now();
    let mut read_all = 0;
    for case in cases().into_iter().filter(|case| case.name.starts_with("seed_") || case.name == "one_of_each") {
        let step = (case.body.len() / 60).max(1);
        for at in (0..case.body.len()).step_by(step) {
            let _ = read(&case.kind, &case.body[..at], &case.options, case.mode);
            for byte in [0x00, b'"', b'{', b'9', b',', 0xff] {
                let mut changed = case.body.clone();
                changed[at] = byte;
                let _ = read(&case.kind, &changed, &case.options, case.mode);
                read_all += 1;
            }
        }
    }
    assert!(read_all > 5_000, "{read_all}");
    assert!(started.elapsed().as_secs() < 60);
}

#[test]
fn deep_wide_and_long_bodies_take_bounded_time() {
    let kinds = Paytota.facts().kinds;
    let long = "x".repeat(900_000);
    let bodies = [
        "[".repeat(500_000),
        "{\"a\":".repeat(150_000),
        format!("{{\"id\":\"{long}\"}}"),
        format!("{{{}\"b\":1}}", "\"a\":1,".repeat(150_000)),
        format!(
            "{{\"type\":\"purchase\",\"id\":\"a\",\"status\":\"paid\",\"status_history\":[{}{{}}]}}",
            "{},".repeat(200_000)
        ),
        format!(
            "{{\"type\":\"purchase\",\"id\":\"a\",\"status\":\"paid\",\"transaction_data\":{{\"attempts\":[{}{{}}]}}}}",
            "{},".repeat(200_000)
        ),
        format!("{{\"UGX\":{}{}}}", "[".repeat(400_000), "]".repeat(400_000)),
        "9".repeat(1_000_000),
        long.clone(),
        " ".repeat(1_000_000),
        format!("id{}", ",id".repeat(300_000)),
    ];
    let started = Instant::now();
    for body in &bodies {
        for kind in kinds {
            let _ = read(kind, body.as_bytes(), &options(), Mode::Test);
        }
        let _ = Paytota.hinted(body.as_bytes());
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    let too_large = vec![b' '; 1024 * 1024 + 1];
    for kind in kinds {
        assert_eq!(live(kind, &too_large).unwrap_err().field, "body", "{kind}");
    }
}

/// What an error or an unknown word says goes to logs and stays: nothing that a person wrote may be in it.
#[test]
fn errors_and_unknown_words_show_no_value_of_a_party() {
    const SECRETS: [&str; 6] = ["256770123456", "256700123123", "Jane", "Rose", "example.com", "123456789012"];
    for case in cases() {
        let shown = match case.read(&Paytota) {
            Ok(translation) => translation.unknown.join(" "),
            Err(error) => format!("{} {}", error.field, error.problem),
        };
        for secret in SECRETS {
            assert!(!shown.contains(secret), "{}/{}: {shown}", case.kind, case.name);
        }
    }
}

/// Every text of a body replaced by a name, one after the other.
#[test]
fn a_name_in_any_place_of_a_purchase_reaches_no_error_and_no_fact() {
    let body: Value = serde_json::from_slice(&fixture("purchase_status/status_error.body")).unwrap();
    let mut places = Vec::new();
    walk(&body, String::new(), &mut places);
    assert!(places.len() > 20);
    for place in places {
        let mut changed = body.clone();
        *changed.pointer_mut(&place).unwrap() = "Jane Rose 256700123123".into();
        let translation = match live("purchase_status", changed.to_string().as_bytes()) {
            Ok(translation) => translation,
            Err(error) => {
                assert!(!format!("{error} {error:?}").contains("Jane"), "{place}: {error}");
                continue;
            }
        };
        for mut said in translation.said {
            // Parties go to the vault, references of others nowhere but to look-ups.
            said.party = None;
            said.object.reference = None;
            assert!(!format!("{said:?}").contains("Jane"), "{place}");
        }
        assert!(!translation.unknown.join(" ").contains("Jane"), "{place}");
    }
}

fn walk(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| walk(value, format!("{at}/{key}"), places)),
        Value::Array(list) => list.iter().enumerate().for_each(|(n, value)| walk(value, format!("{at}/{n}"), places)),
        _ => places.push(at),
    }
}

#[test]
fn a_statement_has_at_most_nine_hundred_lines() {
    let file = |lines: usize| {
        let lines: String = (0..lines).map(|n| format!("p-{n},purchase,UGX,5,false\n")).collect();
        format!("id,product,currency,amount,is_outgoing\n{lines}")
    };
    let most = live("statement", file(900).as_bytes()).unwrap();
    assert_eq!((most.said.len(), most.watch.len()), (900, 900));
    let error = live("statement", file(901).as_bytes()).unwrap_err();
    assert!(error.problem.contains("statement_days"), "{error}");
}
