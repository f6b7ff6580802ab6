//! JSON from outside against its schema: what the schema does not know is refused, and every error names the field, with
//! dots inside objects and the number inside lists (`said.0.body.gross`), and never a value.
//!
//! Order: [`parse`] (UTF-8, one JSON value, no field given twice, bounded depth) -> [`check`]. Only what our own schemas
//! use is understood here: `$ref`, `oneOf` told apart by `type`, `enum`, `const`, objects, arrays, texts, integers, `true`.

use std::collections::BTreeMap;
use std::fmt;

use ensimbi_events::schema::Defs;
use ensimbi_events::{Amount, Currency, Time};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::connector::Unreadable;
use crate::json::unreadable;

/// Longest text where its schema says nothing.
const TEXT_MAX: u64 = 1_000;

/// Deepest nesting; the forms have seven levels.
const DEPTH_MAX: u32 = 16;

/// The fields of an object as they stand, also where one is given twice.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(All).map(Self)
    }
}

/// Reads one JSON value.
///
/// # Errors
/// [`Unreadable`] about `body`, with the place where it is no JSON, and never with what stands there.
pub fn parse(bytes: &[u8]) -> Result<Value, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|_| unreadable("body", "not UTF-8"))?;
    let whole: &RawValue = serde_json::from_str(text)
        .map_err(|error| unreadable("body", format!("no JSON (line {}, column {})", error.line(), error.column())))?;
    value(whole.get(), 0).map_err(|problem| unreadable("body", problem))
}

fn value(text: &str, depth: u32) -> Result<Value, &'static str> {
    let no_json = |_| "no JSON";
    match text.as_bytes().first() {
        Some(b'{' | b'[') if depth >= DEPTH_MAX => Err("nested too deeply"),
        Some(b'{') => {
            let Fields(pairs) = serde_json::from_str(text).map_err(no_json)?;
            let mut fields = Map::new();
            for (name, raw) in pairs {
                if fields.insert(name, value(raw.get(), depth + 1)?).is_some() {
                    return Err("a field is given twice");
                }
            }
            Ok(Value::Object(fields))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(no_json)?;
            items.into_iter().map(|raw| value(raw.get(), depth + 1)).collect::<Result<_, _>>().map(Value::Array)
        }
        // A number with a point is nothing of ours: amounts are texts. Which number it was is of no use.
        Some(b'-' | b'0'..=b'9') => Ok(text.parse::<i64>().map_or_else(|_| json!([null]), Value::from)),
        _ => serde_json::from_str(text).map_err(no_json),
    }
}

/// Compares a value with its schema.
///
/// # Errors
/// [`Unreadable`] naming the first field that does not fit, and what was expected.
pub fn check(value: &Value, schema: &Value, defs: &Defs, field: &str) -> Result<(), Unreadable> {
    let schema = defs.resolve(schema);
    let wrong = |expected: &str| Err(unreadable(name(field), expected));
    if schema == &Value::Bool(true) {
        return Ok(());
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let list: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        return if words.contains(value) { Ok(()) } else { wrong(&format!("expected one of {}", list.join(", "))) };
    }
    if let Some(expected) = schema.get("const") {
        return if value == expected { Ok(()) } else { wrong("expected another word") };
    }
    if let Some(kinds) = schema.get("oneOf").and_then(Value::as_array) {
        return check_kind(value, kinds, defs, field);
    }
    match (schema.get("type").and_then(Value::as_str), value) {
        (Some("object"), Value::Object(fields)) => check_object(fields, schema, defs, field),
        (Some("object"), _) => wrong("expected an object"),
        (Some("array"), Value::Array(items)) => {
            let most = schema.get("maxItems").and_then(Value::as_u64).unwrap_or(u64::MAX);
            if items.len() as u64 > most {
                return wrong(&format!("expected at most {most}"));
            }
            let of = schema.get("items").unwrap_or(&Value::Bool(true));
            let mut items = items.iter().enumerate();
            items.try_for_each(|(at, item)| check(item, of, defs, &below(field, &at.to_string())))
        }
        (Some("array"), _) => wrong("expected a list"),
        (Some("string"), Value::String(text)) => check_text(text, schema, field),
        (Some("string"), _) if schema.get("format").is_some_and(|format| format == "amount") => {
            wrong("expected an amount as text, such as \"24.5\"")
        }
        (Some("string"), _) => wrong("expected text"),
        (Some("boolean"), Value::Bool(_)) => Ok(()),
        (Some("boolean"), _) => wrong("expected true or false"),
        (Some("integer"), value) => {
            let (low, high) = (bound(schema, "minimum"), bound(schema, "maximum"));
            let fits =
                value.as_i64().is_some_and(|n| low.is_none_or(|low| n >= low) && high.is_none_or(|high| n <= high));
            if fits { Ok(()) } else { wrong("expected a whole number in its range") }
        }
        _ => wrong("nothing is known of it"),
    }
}

fn bound(schema: &Value, key: &str) -> Option<i64> {
    schema.get(key).and_then(Value::as_i64)
}

fn name(field: &str) -> &str {
    if field.is_empty() { "body" } else { field }
}

fn below(field: &str, name: &str) -> String {
    if field.is_empty() { name.to_owned() } else { [field, ".", name].concat() }
}

/// Several forms of one object, told apart by the text of `type`.
fn check_kind(value: &Value, kinds: &[Value], defs: &Defs, field: &str) -> Result<(), Unreadable> {
    let by_word: BTreeMap<&str, &Value> = kinds
        .iter()
        .filter_map(|kind| Some((defs.resolve(kind).pointer("/properties/type/const")?.as_str()?, kind)))
        .collect();
    let Value::Object(fields) = value else { return Err(unreadable(name(field), "expected an object")) };
    match fields.get("type").and_then(Value::as_str).and_then(|word| by_word.get(word)) {
        Some(kind) => check(value, kind, defs, field),
        None => {
            let known: Vec<&str> = by_word.into_keys().collect();
            Err(unreadable(&below(field, "type"), format!("expected one of {}", known.join(", "))))
        }
    }
}

fn check_object(fields: &Map<String, Value>, schema: &Value, defs: &Defs, field: &str) -> Result<(), Unreadable> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut missing = required.filter(|key| !fields.contains_key(*key));
    if let Some(missing) = missing.next() {
        return Err(unreadable(&below(field, missing), "missing"));
    }
    for (key, value) in fields {
        let Some(known) = properties.and_then(|properties| properties.get(key)) else {
            let known = properties.map(|all| all.keys().map(String::as_str).collect::<Vec<_>>()).unwrap_or_default();
            // The name came from outside; only what can be a name of ours is repeated.
            let shown = if super::words::is_word(key) { below(field, key) } else { name(field).to_owned() };
            return Err(unreadable(&shown, format!("not known here; allowed: {}", known.join(", "))));
        };
        check(value, known, defs, &below(field, key))?;
    }
    Ok(())
}

fn check_text(text: &str, schema: &Value, field: &str) -> Result<(), Unreadable> {
    let wrong = |expected: String| Err(unreadable(name(field), expected));
    let most = schema.get("maxLength").and_then(Value::as_u64).unwrap_or(TEXT_MAX);
    let least = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0);
    let length = text.chars().count() as u64;
    if !(least..=most).contains(&length) || text.contains('\0') {
        return wrong(format!("expected a text of {least} to {most} characters"));
    }
    let fits = match schema.get("format").and_then(Value::as_str) {
        // The shortest form and no other, so that one amount is one text.
        Some("amount") => text.parse::<Amount>().is_ok_and(|amount| amount.to_string() == text),
        Some("currency") => text.parse::<Currency>().is_ok_and(|code| ensimbi_events::currency::lookup(code).is_some()),
        Some("date-time") => text.parse::<Time>().is_ok_and(|time| time >= crate::json::EARLIEST),
        _ => true,
    };
    let expected = match schema.get("format").and_then(Value::as_str) {
        Some("amount") => "expected an amount in shortest form with at most four decimals, such as 24.5",
        Some("currency") => "expected a currency that the registry knows",
        _ => "expected a time as RFC 3339 writes it, from the year 2000 on",
    };
    if fits { Ok(()) } else { wrong(expected.to_owned()) }
}
