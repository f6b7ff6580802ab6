//! The bytes of webhooks: exactly what Python's default `json.dumps` makes of an object whose keys stand in the order
//! of `jsonb`, by length and then by alphabet (provider facts, section 9.3). Separators `", "` and `": "`, everything
//! outside printable ASCII escaped, no newline at the end.

use std::fmt::Write as _;

use serde_json::Value;

/// The text of a value.
pub(super) fn dumps(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value);
    text
}

fn write(to: &mut String, value: &Value) {
    match value {
        Value::Null => to.push_str("null"),
        Value::Bool(yes) => to.push_str(if *yes { "true" } else { "false" }),
        Value::Number(number) => to.push_str(&number.to_string()),
        Value::String(text) => string(to, text),
        Value::Array(list) => {
            to.push('[');
            for (index, one) in list.iter().enumerate() {
                if index > 0 {
                    to.push_str(", ");
                }
                write(to, one);
            }
            to.push(']');
        }
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.iter().collect();
            pairs.sort_by(|a, b| (a.0.len(), a.0).cmp(&(b.0.len(), b.0)));
            to.push('{');
            for (index, (key, one)) in pairs.into_iter().enumerate() {
                if index > 0 {
                    to.push_str(", ");
                }
                string(to, key);
                to.push_str(": ");
                write(to, one);
            }
            to.push('}');
        }
    }
}

fn string(to: &mut String, text: &str) {
    to.push('"');
    for c in text.chars() {
        match c {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            '\u{8}' => to.push_str("\\b"),
            '\u{c}' => to.push_str("\\f"),
            ' '..='~' => to.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(to, "\\u{unit:04x}");
                }
            }
        }
    }
    to.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_bytes_are_those_of_pythons_dumps_with_keys_by_length_and_alphabet() {
        let value = json!({"bb": [1, -2, []], "a": null, "ab": {}, "c": "x/\"\\\n\u{7f}é😀", "aaa": true});
        let text = r#"{"a": null, "c": "x/\"\\\n\u007f\u00e9\ud83d\ude00", "ab": {}, "bb": [1, -2, []], "aaa": true}"#;
        assert_eq!(dumps(&value), text);
    }
}
