//! Hostile input: exact or refused, within bounded time and memory, and never shown.

use std::time::{Duration, Instant};

use super::support::*;

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
    let options: Options = [("rows_currency".to_owned(), "ITX".to_owned())].into();
    let quiet = |result: Result<Translation, Unreadable>| {
        if let Err(error) = result {
            let text = error.to_string();
            assert!(!text.contains("John") && !text.contains("0111777771") && text.len() < 200, "{text}");
        }
    };
    for (name, kinds) in [
        ("collection_status/rolled_back_fee_returned", ["collection_status", "webhook"]),
        ("payout_created/to_a_bank", ["payout_created", "payout_status"]),
        ("payout_rows/rolled_back", ["payout_rows", "payout_history"]),
        ("wallet_rows/every_category", ["wallet_rows", "bank_list"]),
        ("wallet_balance/sample", ["wallet_balance", "webhook"]),
    ] {
        let body = fixture(&format!("{name}.body")).into_bytes();
        let mut state = 7_u32;
        for kind in kinds {
            for end in (0..body.len()).step_by(5) {
                quiet(read(kind, &body[..end], &options));
            }
            for at in (0..body.len()).step_by(2) {
                let mut changed = body.clone();
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                changed[at] = state.to_be_bytes()[0];
                quiet(read(kind, &changed, &options));
            }
        }
    }
}
