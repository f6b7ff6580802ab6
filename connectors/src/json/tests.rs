//! Each reader by a table of raw values.
#![allow(clippy::unwrap_used)]

use super::*;

/// A raw value, `None` for null, as a reader's field has it.
fn raw(text: &str) -> Raw<'_> {
    serde_json::from_str(text).unwrap()
}

mod wire {
    crate::json_object! {
        /// Names as they stand.
        Plain { id, fee_bearer, r#type }
    }
    crate::json_object! {
        /// Names in another case.
        Camel in "camelCase" { fee_bearer }
    }
}

#[test]
fn a_reader_keeps_each_field_as_it_stands_and_takes_no_field_twice() {
    let plain: wire::Plain<'_> = object("body", r#"{"fee_bearer": 1.50, "x": [[]], "id": null, "type": "a"}"#).unwrap();
    assert_eq!((plain.fee_bearer.unwrap().get(), plain.id.is_none()), ("1.50", true));
    assert_eq!(text("type", plain.r#type).unwrap().as_deref(), Some("a"));
    let camel: wire::Camel<'_> = object("body", r#"{"feeBearer": {"a": 1}, "fee_bearer": 2}"#).unwrap();
    assert_eq!(camel.fee_bearer.unwrap().get(), r#"{"a": 1}"#);
    let twice = object::<wire::Plain<'_>>("body", r#"{"id": 1, "id": 2}"#).err().unwrap();
    assert_eq!(twice.to_string(), "body: id is given twice");
    for odd in ["[1, 2, 3]", "7", "null", "", "{", "{\"id\": 1} x"] {
        assert!(object::<wire::Plain<'_>>("body", odd).is_err(), "{odd}");
    }
}

#[test]
fn a_body_has_a_bound_and_is_utf_8() {
    assert_eq!(body(b"{}").unwrap(), "{}");
    assert!(body(&vec![b' '; BODY_BYTES_MAX]).is_ok());
    for bytes in [&vec![b' '; BODY_BYTES_MAX + 1][..], b"\xff"] {
        assert_eq!(body(bytes).unwrap_err().field, "body");
    }
}

#[test]
fn a_field_of_two_shapes_is_asked_for_both() {
    let string = raw(r#""no such order""#);
    assert_eq!(text("detail", string).unwrap().as_deref(), Some("no such order"));
    assert!(inner_objects::<wire::Plain<'_>>("detail", string).is_err());
    let list = raw(r#"[{"type": "missing"}, {"type": "int"}]"#);
    assert!(text("detail", list).is_err());
    assert_eq!(inner_objects::<wire::Plain<'_>>("detail", list).unwrap().len(), 2);
    assert!(inner_objects::<wire::Plain<'_>>("detail", None).unwrap().is_empty());
    assert!(inner_objects::<wire::Plain<'_>>("detail", raw("[1]")).is_err());
}

#[test]
fn an_id_is_the_same_as_a_number_and_as_a_text() {
    for (given, read) in [
        ("55", "55"),
        (r#""55""#, "55"),
        ("0", "0"),
        (r#""055""#, "055"),
        (r#""5f1c-a""#, "5f1c-a"),
        ("18446744073709551616", "18446744073709551616"),
        (r#""\u0035""#, "5"),
    ] {
        assert_eq!(id_or_integer("id", raw(given)).as_deref(), Ok(read), "{given}");
    }
    let long = "9".repeat(ID_MAX + 1);
    let quoted = format!("\"{long}\"");
    for given in ["-1", "55.0", "5e1", "true", "[55]", "{}", r#""""#, r#"" 55""#, r#""é""#, "null", &long, &quoted] {
        let error = id_or_integer("id", raw(given)).unwrap_err();
        assert!(error.field == "id" && !error.problem.contains("55"), "{given}: {error}");
    }
    // Where the provider writes only texts, a number is none.
    assert!(id("id", raw("55")).is_err() && id("id", raw(r#""55""#)).is_ok());
}

#[test]
fn an_amount_is_exact_as_a_number_and_as_a_text() {
    for (given, read) in [
        ("250", "250"),
        ("250.0", "250"),
        (r#""250.00""#, "250"),
        ("0.1", "0.1"),
        ("0.3000", "0.3"),
        (r#""-0.01""#, "-0.01"),
        ("5e2", "500"),
        // A float would give ...0.0994 for this one.
        ("900719925474.0993", "900719925474.0993"),
        (r#""922337203685477.5807""#, "922337203685477.5807"),
    ] {
        assert_eq!(amount("amount", raw(given)).unwrap().to_string(), read, "{given}");
    }
    let long = format!("0.{}", "0".repeat(AMOUNT_TEXT_MAX));
    for given in [
        "0.00001",
        r#""0.12345""#,
        "922337203685477.5808",
        "1e400",
        r#""""#,
        r#""5,00""#,
        r#""$5""#,
        r#""0x5""#,
        r#""05""#,
        r#"" 5""#,
        r#""\u0035""#,
        r#""NaN""#,
        "true",
        "[5]",
        "null",
        &long,
    ] {
        assert_eq!(amount("amount", raw(given)).unwrap_err().field, "amount", "{given}");
    }
}

#[test]
fn whole_numbers_flags_times_and_currencies_are_read_strictly() {
    assert_eq!((integer("n", raw("60")), integer("n", raw(r#""60""#))), (Ok(60), Ok(60)));
    assert!(["60.0", "6e1", "9223372036854775808", "null"].iter().all(|odd| integer("n", raw(odd)).is_err()));
    assert_eq!((flag("f", None), flag("f", raw("false")), flag("f", raw("true"))), (Ok(false), Ok(false), Ok(true)));
    assert!(flag("f", raw(r#""true""#)).is_err());
    assert_eq!(time("t", raw(r#""2025-06-01T14:30:00Z""#)).unwrap().unwrap().to_string(), "2025-06-01T14:30:00Z");
    assert_eq!((time("t", None), time("t", raw(r#""""#))), (Ok(None), Ok(None)));
    for odd in [r#""0001-01-01T00:00:00Z""#, r#""1970-01-01T00:00:00Z""#, r#""yesterday""#, "1748788200"] {
        assert!(time("t", raw(odd)).is_err(), "{odd}");
    }
    assert_eq!(currency("c", raw(r#""LRD""#)).unwrap().as_str(), "LRD");
    assert!(currency("c", raw(r#""lr""#)).is_err() && currency("c", None).is_err());
}

#[test]
fn what_is_not_needed_is_kept_or_counted() {
    let mut unknown = Vec::new();
    assert_eq!(kept("a", raw(r#""Ann""#), 3, &mut unknown).as_deref(), Some("Ann"));
    assert_eq!(kept("b", raw(r#""Anna""#), 3, &mut unknown), None);
    assert_eq!(kept("c", raw(r#""a\n""#), 3, &mut unknown), None);
    assert_eq!(kept("d", None, 3, &mut unknown), None);
    assert_eq!(word("e", raw(r#""MTN_MOMO_LBR""#), &mut unknown).as_deref(), Some("MTN_MOMO_LBR"));
    assert_eq!(word("f", raw(r#""231771234567""#), &mut unknown), None);
    assert_eq!(word("g", raw(r#""Jane Rose""#), &mut unknown), None);
    assert_eq!(unknown, ["b", "c", "f", "g"]);
}

#[test]
fn money_in_the_smallest_unit_is_a_whole_number_of_it() {
    for (text, decimals, shown) in
        [("150050", 2, "1500.5"), (r#""150050""#, 0, "150050"), ("7", 4, "0.0007"), ("5e2", 2, "5")]
    {
        assert_eq!(minor("m", raw(text), decimals).unwrap().to_string(), shown, "{text}");
    }
    for (text, decimals) in
        [("1.5", 2), ("null", 2), (r#""0500""#, 2), (r#""+5""#, 2), ("1e40", 0), ("5", 5), ("true", 2)]
    {
        assert!(minor("m", raw(text), decimals).is_err(), "{text}");
    }
}
