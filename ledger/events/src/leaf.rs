//! The leaf: an event's bytes for ever, and the hashes over them. Written form: `spec/LEAF.md`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use crate::event::{Context, Event, Fact, Record};
use crate::node::{Field, Fields, Node, NodeError};

/// The format of books before the proof work is finished; then the bytes are frozen as format 1.
pub const FORMAT: i64 = 0;
/// Largest leaf, in bytes (C2SP tlog-tiles entries carry a 16-bit length).
pub const LEAF_BYTES_MAX: usize = 65_535;

/// 32 bytes of SHA-256; hex in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Hash {
    type Err = hex::FromHexError;
    fn from_str(text: &str) -> Result<Self, hex::FromHexError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

/// The hash by which two facts are compared: SHA-256 of the fact map's bytes.
pub fn fact_hash(fact: &Fact) -> Hash {
    sha256(&fact.node().encode())
}

/// RFC 6962 section 2.1: SHA-256 of a zero byte and the leaf.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(leaf);
    Hash(hasher.finalize().into())
}

/// A leaf as one item of an export: a CBOR byte string (RFC 8742 sequence).
pub fn sequence_item(leaf: &[u8]) -> Vec<u8> {
    Node::Bytes(leaf.to_vec()).encode()
}

/// The event's bytes.
pub fn encode(event: &Event) -> Vec<u8> {
    Node::map([
        ("format", Some(Node::Int(FORMAT))),
        ("fact", Some(event.fact.node())),
        ("context", event.context.to_node()),
        ("record", event.record.to_node()),
    ])
    .encode()
}

/// Reads a leaf back; anything the writer would not have made is refused.
///
/// # Errors
/// [`NodeError`], naming the field.
pub fn decode(bytes: &[u8]) -> Result<Event, NodeError> {
    if bytes.len() > LEAF_BYTES_MAX {
        return Err(NodeError::Encoding(format!("longer than {LEAF_BYTES_MAX} bytes")));
    }
    let mut fields = Fields::of(Node::decode(bytes)?, "leaf")?;
    let format: i64 = fields.take("format")?;
    if format != FORMAT {
        return Err(NodeError::Encoding(format!("leaf format {format} is not known to this program")));
    }
    let fact: Node = fields.take("fact")?;
    let event = Event {
        fact: Fact::from_map(fact)?,
        context: fields.take::<Context>("context")?,
        record: fields.take::<Record>("record")?,
    };
    fields.finish()?;
    // What single values cannot show: a list out of order, an empty list or occurrence that should have no key.
    if encode(&event) != bytes {
        return Err(NodeError::Encoding("not the deterministic form of this event".into()));
    }
    Ok(event)
}

impl Field for Node {
    fn to_node(&self) -> Option<Node> {
        Some(self.clone())
    }
    fn from_node(node: Option<Node>, field: &'static str) -> Result<Self, NodeError> {
        node.ok_or(NodeError::Missing(field))
    }
}
