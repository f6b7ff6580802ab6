//! Blanks the callback fields of a wallet's answer (`providers/iotec.md`, section 6): one of them is the secret that
//! authenticates callbacks, and what comes out of here is stored. Their values become `null`; every other byte stays as
//! it came, so the stored bytes are the provider's in everything that is read.
//!
//! Fields go by name (anything with `callback` in it, in any case), at every depth, given once or twice. An answer that
//! cannot be taken apart is not let out at all.

use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Deepest nesting that is looked into; a wallet's answer has none.
const DEPTH_MAX: usize = 16;

/// The bytes without the values; `None` where they are no JSON within bounds.
pub(super) fn blank(body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    let whole: &RawValue = serde_json::from_str(text).ok()?;
    let mut spans = Vec::new();
    find(whole, text, DEPTH_MAX, &mut spans)?;
    let mut out = Vec::with_capacity(body.len());
    let mut from = 0;
    for span in spans {
        out.extend_from_slice(body.get(from..span.start)?);
        out.extend_from_slice(b"null");
        from = span.end;
    }
    out.extend_from_slice(body.get(from..)?);
    Some(out)
}

/// Where the values stand, in order.
fn find(value: &RawValue, text: &str, depth: usize, spans: &mut Vec<Range<usize>>) -> Option<()> {
    let inner = value.get();
    let depth_left = depth.checked_sub(1);
    if inner.starts_with('{') {
        let Fields(fields) = serde_json::from_str(inner).ok()?;
        for (name, value) in fields {
            if name.to_ascii_lowercase().contains("callback") {
                // `value` is a slice of `text`, so the distance of their first bytes is its place.
                let start = value.get().as_ptr().addr().checked_sub(text.as_ptr().addr())?;
                spans.push(start..start + value.get().len());
            } else {
                find(value, text, depth_left?, spans)?;
            }
        }
    } else if inner.starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(inner).ok()?;
        for value in elements {
            find(value, text, depth_left?, spans)?;
        }
    }
    Some(())
}

/// The fields of an object in their order, also those given twice.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::blank;

    #[test]
    fn only_the_values_of_callback_fields_change() {
        for (given, expected) in [
            (
                r#"{ "id" : "w", "actualBalance":150000.50, "callBackSecurityHeaderValue" : "s3cret" , "x":[1, 2]}"#,
                Some(r#"{ "id" : "w", "actualBalance":150000.50, "callBackSecurityHeaderValue" : null , "x":[1, 2]}"#),
            ),
            (r#"{"a":1,"CALLBACKVALUE":{"deep":["s3cret"]},"b":2}"#, Some(r#"{"a":1,"CALLBACKVALUE":null,"b":2}"#)),
            (r#"{"callBackUrl":"s3cret","callBackUrl":"s3cret"}"#, Some(r#"{"callBackUrl":null,"callBackUrl":null}"#)),
            (r#"{"c\u0061llBackUrl":"s3cret"}"#, Some(r#"{"c\u0061llBackUrl":null}"#)),
            (r#"{"wallet":[{"callBackUrl":"s3cret"}]}"#, Some(r#"{"wallet":[{"callBackUrl":null}]}"#)),
            (r#"{"callBackUrl":null}"#, Some(r#"{"callBackUrl":null}"#)),
            ("{}", Some("{}")),
            (r#"{"callBackUrl":"s3cret""#, None),
            ("<html>s3cret</html>", None),
            ("", None),
        ] {
            let got = blank(given.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(got.as_deref(), expected, "{given}");
        }
        assert_eq!(blank(b"{\"a\":\"\xff\"}"), None);
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(blank(deep.as_bytes()), None);
    }
}
