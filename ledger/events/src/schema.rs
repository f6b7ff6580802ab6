//! JSON schemas (2020-12) of the vocabulary, made from the same declarations as its types: `words!`, `record!` and
//! `bodies!` implement [`Schema`] for everything they declare, so that a schema cannot say something else than the code.
//!
//! Shape: a type gives its schema and puts what has a name into [`Defs`]; one name, one definition. Nothing here reads
//! JSON; whoever takes it from outside checks it against these schemas.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::leaf::Hash;
use crate::{Amount, Currency, Money, Time};

/// Named definitions, as `$defs` has them.
#[derive(Debug, Default, Clone)]
pub struct Defs(BTreeMap<&'static str, Value>);

/// The name under which ids of our own stand: only the house gives them.
pub const OUR_ID: &str = "OurId";

/// The fields of an object: their schemas, and which of them must be there.
#[derive(Debug, Default, Clone)]
pub struct Shape {
    /// By name, in order of names.
    pub properties: Map<String, Value>,
    /// Names of those that must be there.
    pub required: Vec<&'static str>,
}

impl Shape {
    /// An object that has these fields and no others.
    pub fn object(self) -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": self.required,
            "properties": self.properties,
        })
    }
}

/// A type with a JSON form.
pub trait Schema {
    /// Its schema; what has a name is defined beside it.
    fn schema(defs: &mut Defs) -> Value;
}

impl Defs {
    /// A reference to a definition, which is made where it is not there yet.
    pub fn define(&mut self, name: &'static str, make: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.0.contains_key(name) {
            // Its own name first: a definition may lead back to itself.
            self.0.insert(name, Value::Null);
            let made = make(self);
            self.0.insert(name, made);
        }
        json!({ "$ref": format!("#/$defs/{name}") })
    }

    /// A definition by its reference.
    pub fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix("#/$defs/"));
        name.and_then(|name| self.0.get(name)).unwrap_or(schema)
    }

    /// All of them.
    pub fn into_value(self) -> Value {
        Value::Object(self.0.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect())
    }
}

/// The schema of a word of a list.
pub fn words(words: impl Iterator<Item = &'static str>) -> Value {
    json!({ "enum": words.collect::<Vec<_>>() })
}

macro_rules! simple {
    ($($type:ty, $name:literal => $schema:tt;)*) => {$(
        impl Schema for $type {
            fn schema(defs: &mut Defs) -> Value {
                defs.define($name, |_| json!($schema))
            }
        }
    )*};
}

simple! {
    Amount, "Amount" => {
        "type": "string", "format": "amount", "pattern": "^-?(0|[1-9][0-9]{0,14})(\\.[0-9]{1,4})?$",
        "description": "A decimal number as text, at most four places; never a JSON number.",
    };
    Currency, "Currency" => {
        "type": "string", "format": "currency", "pattern": "^[A-Z][A-Z0-9]{2,10}$",
        "description": "An upper-case currency code.",
    };
    Time, "Time" => {
        "type": "string", "format": "date-time", "maxLength": 40, "description": "RFC 3339, with its offset.",
    };
    Hash, "Hash" => { "type": "string", "pattern": "^[0-9a-f]{64}$" };
}

macro_rules! ours {
    ($($type:ident),*) => {$(
        impl Schema for crate::$type {
            fn schema(defs: &mut Defs) -> Value {
                defs.define(OUR_ID, |_| json!({ "type": "string", "format": "uuid" }))
            }
        }
    )*};
}
ours!(WalletId, SubjectId, EventId, PartyId, ConnectionId, ObservationId, ClaimId, BookId);

/// Longest text of a field.
const TEXT_MAX: usize = 1_000;

impl Schema for String {
    fn schema(_: &mut Defs) -> Value {
        json!({ "type": "string", "maxLength": TEXT_MAX })
    }
}

impl Schema for u32 {
    fn schema(_: &mut Defs) -> Value {
        json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
    }
}

impl Schema for u64 {
    fn schema(_: &mut Defs) -> Value {
        json!({ "type": "integer", "minimum": 0 })
    }
}

impl Schema for bool {
    fn schema(_: &mut Defs) -> Value {
        json!({ "type": "boolean" })
    }
}

impl<T: Schema> Schema for Vec<T> {
    fn schema(defs: &mut Defs) -> Value {
        let items = T::schema(defs);
        json!({ "type": "array", "items": items, "maxItems": 300 })
    }
}

impl Schema for Money {
    fn schema(defs: &mut Defs) -> Value {
        defs.define("Money", |defs| {
            let mut shape = Shape { required: vec!["amount", "currency"], ..Shape::default() };
            shape.properties.insert("amount".to_owned(), Amount::schema(defs));
            shape.properties.insert("currency".to_owned(), Currency::schema(defs));
            shape.object()
        })
    }
}

impl Schema for crate::event::Lines {
    fn schema(defs: &mut Defs) -> Value {
        Vec::<crate::event::Line>::schema(defs)
    }
}
