//! A request's JSON. Their ids are numbers in one call and texts in another, and money is a number of exact digits
//! (`providers/dollr.md`, section 1): both are written from their own digits, never from a float.

use ensimbi_events::Amount;
use serde::Serialize;
use serde::ser::{Error as _, SerializeMap, Serializer};
use serde_json::value::RawValue;

/// A value.
pub(super) enum Json<'a> {
    /// A text.
    Text(&'a str),
    /// A number, by its digits.
    Digits(String),
    /// `true` or `false`.
    Flag(bool),
    /// A list.
    List(Vec<Json<'a>>),
    /// An object, its fields in this order.
    Object(Vec<(&'static str, Json<'a>)>),
    /// Left out of its object.
    Absent,
}

impl<'a> Json<'a> {
    /// An object of these fields.
    pub(super) fn object<const N: usize>(fields: [(&'static str, Self); N]) -> Self {
        Self::Object(fields.into())
    }

    /// An id where they want a whole number.
    pub(super) fn number(id: &str) -> Self {
        Self::Digits(id.to_owned())
    }
}

impl<'a> From<&'a str> for Json<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<Option<&'a str>> for Json<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Absent, Self::Text)
    }
}

impl From<Amount> for Json<'_> {
    fn from(amount: Amount) -> Self {
        Self::Digits(amount.to_string())
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Digits(digits) => {
                RawValue::from_string(digits.clone()).map_err(S::Error::custom)?.serialize(serializer)
            }
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::List(list) => serializer.collect_seq(list),
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(None)?;
                for (name, value) in fields.iter().filter(|(_, value)| !matches!(value, Self::Absent)) {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
            Self::Absent => serializer.serialize_unit(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn money_and_ids_are_written_by_their_digits_and_what_is_absent_is_left_out() {
        let exact: Amount = "90071992547409.9301".parse().unwrap();
        let body = Json::object([
            ("name", "a\"b\u{202e}".into()),
            ("amount", exact.into()),
            ("id", Json::number("9223372036854775807")),
            ("none", None.into()),
            ("list", Json::List(vec![Json::Flag(true), Json::object([])])),
        ]);
        let text = serde_json::to_string(&body).unwrap();
        let expected = "{\"name\":\"a\\\"b\u{202e}\",\"amount\":90071992547409.9301,\"id\":9223372036854775807,\"list\":[true,{}]}";
        assert_eq!(text, expected);
        for digits in ["055", "1,\"x\":2", "", "abc"] {
            assert!(serde_json::to_string(&Json::number(digits)).is_err(), "{digits}");
        }
    }
}
