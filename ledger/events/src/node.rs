//! Deterministic CBOR (RFC 8949 section 4.2.1): the narrow subset a leaf is made of.
//!
//! Integers, booleans, text, byte strings, arrays and maps with text keys; no floats, no tags, no nulls, definite
//! lengths, shortest heads, map keys in the order of their encoded bytes. A reader refuses anything else, so that one
//! record has one encoding and one encoding is one record.

use std::borrow::Cow;

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

/// Deepest nesting of a leaf; records stay far below.
const DEPTH_MAX: u32 = 12;

/// One value of the subset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A signed integer of 64 bits.
    Int(i64),
    /// True or false.
    Bool(bool),
    /// UTF-8 text, exactly as given.
    Text(String),
    /// Bytes: ids (16) and hashes (32).
    Bytes(Vec<u8>),
    /// An array in the order its field prescribes.
    List(Vec<Node>),
    /// A map; the writer sorts its keys.
    Map(Vec<(Cow<'static, str>, Node)>),
}

/// Why bytes are no record of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// Not CBOR of the subset.
    #[error("not in the leaf's subset of deterministic CBOR: {0}")]
    Encoding(String),
    /// A field that must be there is not.
    #[error("field {0} is missing")]
    Missing(&'static str),
    /// A field holds something else than its type.
    #[error("field {field}: expected {expected}")]
    Type {
        /// The field.
        field: Cow<'static, str>,
        /// What it should hold.
        expected: &'static str,
    },
    /// A field that the record does not have.
    #[error("unknown field {0}")]
    Unknown(String),
    /// An event word or version that this program does not know.
    #[error("unknown event {word} version {version}")]
    UnknownWord {
        /// The word.
        word: String,
        /// Its version.
        version: i64,
    },
}

impl Node {
    /// The deterministic bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        // Writing to a Vec cannot fail; the encoder's error type is `Infallible`.
        let mut head = Encoder::new(out);
        match self {
            Self::Int(value) => drop(head.i64(*value)),
            Self::Bool(value) => drop(head.bool(*value)),
            Self::Text(text) => drop(head.str(text)),
            Self::Bytes(bytes) => drop(head.bytes(bytes)),
            Self::List(items) => {
                let _ = head.array(items.len() as u64);
                let out = head.into_writer();
                items.iter().for_each(|item| item.write(out));
            }
            Self::Map(fields) => {
                let _ = head.map(fields.len() as u64);
                let out = head.into_writer();
                let mut order: Vec<&(Cow<'static, str>, Self)> = fields.iter().collect();
                // A text head carries the length, so "shorter first, then bytes" is the order of encoded keys.
                order.sort_by(|(a, _), (b, _)| (a.len(), a.as_bytes()).cmp(&(b.len(), b.as_bytes())));
                for (key, value) in order {
                    let mut head = Encoder::new(&mut *out);
                    let _ = head.str(key);
                    value.write(out);
                }
            }
        }
    }

    /// Reads exactly one value, and refuses bytes that the writer would not have made.
    ///
    /// # Errors
    /// [`NodeError::Encoding`].
    pub fn decode(bytes: &[u8]) -> Result<Self, NodeError> {
        let mut decoder = Decoder::new(bytes);
        let node = read(&mut decoder, 0).map_err(|e| NodeError::Encoding(e.to_string()))?;
        if decoder.position() != bytes.len() {
            return Err(NodeError::Encoding("bytes after the end".into()));
        }
        if node.encode() != bytes {
            return Err(NodeError::Encoding("not the deterministic form".into()));
        }
        Ok(node)
    }

    /// A map from pairs, leaving out what is absent.
    pub fn map(fields: impl IntoIterator<Item = (&'static str, Option<Self>)>) -> Self {
        let present = fields.into_iter().filter_map(|(key, node)| node.map(|node| (Cow::Borrowed(key), node)));
        Self::Map(present.collect())
    }

    /// A list sorted by the encoded bytes of its items; an empty one is no field at all.
    pub fn sorted_list(items: Vec<Self>) -> Option<Self> {
        if items.is_empty() {
            return None;
        }
        let mut keyed: Vec<(Vec<u8>, Self)> = items.into_iter().map(|item| (item.encode(), item)).collect();
        keyed.sort_by(|a, b| a.0.cmp(&b.0));
        Some(Self::List(keyed.into_iter().map(|(_, item)| item).collect()))
    }
}

fn read(decoder: &mut Decoder<'_>, depth: u32) -> Result<Node, minicbor::decode::Error> {
    if depth > DEPTH_MAX {
        return Err(minicbor::decode::Error::message("nested too deep"));
    }
    let indefinite = || minicbor::decode::Error::message("indefinite length");
    Ok(match decoder.datatype()? {
        Type::Bool => Node::Bool(decoder.bool()?),
        Type::String => Node::Text(decoder.str()?.to_owned()),
        Type::Bytes => Node::Bytes(decoder.bytes()?.to_vec()),
        Type::Array => {
            let count = decoder.array()?.ok_or_else(indefinite)?;
            // No allocation by a claimed count: a short input cannot ask for memory.
            let mut items = Vec::new();
            for _ in 0..count {
                items.push(read(decoder, depth + 1)?);
            }
            Node::List(items)
        }
        Type::Map => {
            let count = decoder.map()?.ok_or_else(indefinite)?;
            let mut fields: Vec<(Cow<'static, str>, Node)> = Vec::new();
            for _ in 0..count {
                let key = decoder.str()?.to_owned();
                // Writing again keeps equal neighbours as they are, so a repeated key must be seen here.
                if fields.last().is_some_and(|(before, _)| *before == key) {
                    return Err(minicbor::decode::Error::message("a key twice"));
                }
                fields.push((Cow::Owned(key), read(decoder, depth + 1)?));
            }
            Node::Map(fields)
        }
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 => {
            Node::Int(decoder.i64()?)
        }
        other => return Err(minicbor::decode::Error::message(format!("{other} is not allowed"))),
    })
}

/// Takes a map apart, field by field, and says what was left over.
#[derive(Debug)]
pub struct Fields(Vec<(Cow<'static, str>, Node)>);

impl Fields {
    /// Of a map node.
    ///
    /// # Errors
    /// [`NodeError::Type`] if it is none.
    pub fn of(node: Node, field: &'static str) -> Result<Self, NodeError> {
        match node {
            Node::Map(fields) => Ok(Self(fields)),
            _ => Err(NodeError::Type { field: field.into(), expected: "a map" }),
        }
    }

    /// Takes one field out.
    ///
    /// # Errors
    /// If it is missing though obligatory, or of another type.
    pub fn take<T: Field>(&mut self, key: &'static str) -> Result<T, NodeError> {
        let at = self.0.iter().position(|(k, _)| k == key);
        T::from_node(at.map(|at| self.0.swap_remove(at).1), key)
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// [`NodeError::Unknown`].
    pub fn finish(self) -> Result<(), NodeError> {
        match self.0.first() {
            None => Ok(()),
            Some((key, _)) => Err(NodeError::Unknown(key.to_string())),
        }
    }
}

/// A type with a place in the leaf. Absent values have no key, so there is never a null.
pub trait Field: Sized {
    /// The value, or `None` where nothing is written.
    fn to_node(&self) -> Option<Node>;
    /// Reads it back; `None` is an absent key.
    ///
    /// # Errors
    /// See [`NodeError`].
    fn from_node(node: Option<Node>, field: &'static str) -> Result<Self, NodeError>;
}

impl<T: Field> Field for Option<T> {
    fn to_node(&self) -> Option<Node> {
        self.as_ref().and_then(T::to_node)
    }
    fn from_node(node: Option<Node>, field: &'static str) -> Result<Self, NodeError> {
        node.map(|node| T::from_node(Some(node), field)).transpose()
    }
}

impl<T: Field> Field for Vec<T> {
    fn to_node(&self) -> Option<Node> {
        Node::sorted_list(self.iter().filter_map(Field::to_node).collect())
    }
    fn from_node(node: Option<Node>, field: &'static str) -> Result<Self, NodeError> {
        match node {
            None => Ok(Self::new()),
            Some(Node::List(items)) => items.into_iter().map(|item| T::from_node(Some(item), field)).collect(),
            Some(_) => Err(NodeError::Type { field: field.into(), expected: "a list" }),
        }
    }
}

macro_rules! field_impls {
    ($($type:ty, $expected:literal, $variant:ident: |$value:ident| $to:expr, |$node:ident| $from:expr;)*) => {$(
        impl Field for $type {
            fn to_node(&self) -> Option<Node> {
                let $value = self;
                Some(Node::$variant($to))
            }
            fn from_node(
                node: Option<Node>,
                field: &'static str,
            ) -> Result<Self, NodeError> {
                let wrong = || NodeError::Type { field: field.into(), expected: $expected };
                match node {
                    None => Err(NodeError::Missing(field)),
                    Some(Node::$variant($node)) => $from.ok_or_else(wrong),
                    Some(_) => Err(wrong()),
                }
            }
        }
    )*};
}

field_impls! {
    bool, "a boolean", Bool: |v| *v, |n| Some(n);
    String, "text", Text: |v| v.clone(), |n| Some(n);
    i64, "an integer", Int: |v| *v, |n| Some(n);
    u64, "a positive integer", Int: |v| i64::try_from(*v).unwrap_or(i64::MAX), |n| u64::try_from(n).ok();
    u32, "a positive integer", Int: |v| i64::from(*v), |n| u32::try_from(n).ok();
    crate::Amount, "an amount at scale 4", Int: |v| v.scaled(), |n| Some(crate::Amount::from_scaled(n));
    crate::Time, "microseconds", Int: |v| v.micros(), |n| Some(crate::Time::from_micros(n));
    crate::Currency, "a currency code", Text: |v| v.to_string(), |n| n.parse().ok();
    crate::leaf::Hash, "32 bytes", Bytes: |v| v.0.to_vec(), |n| n.try_into().ok().map(crate::leaf::Hash);
    crate::BookId, "16 bytes", Bytes: |v| v.as_bytes().to_vec(), |n| uuid(&n).map(crate::BookId);
    crate::ConnectionId, "16 bytes", Bytes: |v| v.as_bytes().to_vec(), |n| uuid(&n).map(crate::ConnectionId);
    crate::WalletId, "16 bytes", Bytes: |v| v.as_bytes().to_vec(), |n| uuid(&n).map(crate::WalletId);
    crate::SubjectId, "16 bytes", Bytes: |v| v.as_bytes().to_vec(), |n| uuid(&n).map(crate::SubjectId);
    crate::EventId, "16 bytes", Bytes: |v| v.as_bytes().to_vec(), |n| uuid(&n).map(crate::EventId);
    crate::ClaimId, "16 bytes", Bytes: |v| v.as_bytes().to_vec(), |n| uuid(&n).map(crate::ClaimId);
    crate::ObservationId, "16 bytes", Bytes: |v| v.as_bytes().to_vec(), |n| uuid(&n).map(crate::ObservationId);
    crate::PartyId, "16 bytes", Bytes: |v| v.as_bytes().to_vec(), |n| uuid(&n).map(crate::PartyId);
}

fn uuid(bytes: &[u8]) -> Option<uuid::Uuid> {
    uuid::Uuid::from_slice(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_shorter_first_then_by_bytes() {
        let node = Node::map([("bb", Some(Node::Int(1))), ("c", Some(Node::Int(2))), ("ab", Some(Node::Int(3)))]);
        assert_eq!(hex::encode(node.encode()), "a36163026261620362626201");
    }

    #[test]
    fn other_encodings_of_the_same_value_are_refused() {
        let bad = [
            "1817000000",         // bytes after the end
            "1801",               // a long head for 1
            "9f01ff",             // indefinite length
            "a2626262016163026a", // keys out of order, and cut
            "f6",                 // null
            "f90000",             // float
            "c000",               // tag
            "a2616101616102",     // a key twice
            "1bffffffffffffffff", // beyond i64
        ];
        for text in bad {
            let bytes = hex::decode(text).unwrap_or_default();
            assert!(Node::decode(&bytes).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_without_recursion_to_the_end() {
        let mut bytes = vec![0x81; 100_000];
        bytes.push(0);
        assert!(Node::decode(&bytes).is_err());
    }
}
