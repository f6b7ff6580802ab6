//! What is read together is kept together: one JSON object whose parts are the provider's bodies, byte for byte, in the
//! order in which they came. So one observation holds everything that a statement rests on.
//!
//! | Kind of bytes | Parts |
//! |---|---|
//! | `collection` | `execution`, `source`; `receipt` where it was read too |
//! | `hosted` | `status`, `source`; `receipt` once the source is paid |
//! | `execution` | `execution`; before it `session`, `account` |
//! | `source`, read | `source` |
//! | `source`, made | `party`, `counterparty`, `created`, `items`, `published`, `checkout`, `account` |
//! | `receipt` | `receipt` |
//!
//! `execution` and `receipt` may also come bare, without a bundle around the one body. All other kinds are bare bodies.
//!
//! Bounds: a part must be JSON, or the answer it came in counts as unreadable; the reader bounds the whole.

use serde_json::value::RawValue;

use crate::connector::CallError;

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// An execution, from its POST or its status.
    Execution,
    /// A source as its retrieve call shows it.
    Source,
    /// `GET /v1/status/source`.
    Status,
    /// The receipt of a source.
    Receipt,
    /// A session.
    Session,
    /// A payment account.
    Account,
    /// A party.
    Party,
    /// A counterparty.
    Counterparty,
    /// A source as its create call answered.
    Created,
    /// The answers of the calls that added items, as a list.
    Items,
    /// A source as its publish call answered.
    Published,
    /// A checkout.
    Checkout,
}

impl Part {
    /// Its key in the bundle.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Execution => "execution",
            Self::Source => "source",
            Self::Status => "status",
            Self::Receipt => "receipt",
            Self::Session => "session",
            Self::Account => "account",
            Self::Party => "party",
            Self::Counterparty => "counterparty",
            Self::Created => "created",
            Self::Items => "items",
            Self::Published => "published",
            Self::Checkout => "checkout",
        }
    }
}

/// A part is not JSON; nothing of it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not JSON")]
pub struct NotJson;

impl From<NotJson> for CallError {
    fn from(why: NotJson) -> Self {
        Self::Unknown(why.to_string())
    }
}

/// A bundle in the making. A part is added once; of several given under one key the reader refuses the bundle.
#[derive(Clone)]
pub struct Bundle {
    bytes: Vec<u8>,
}

impl Default for Bundle {
    fn default() -> Self {
        Self { bytes: vec![b'{'] }
    }
}

impl Bundle {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a body as it came.
    ///
    /// # Errors
    /// [`NotJson`].
    pub fn with(mut self, part: Part, body: &[u8]) -> Result<Self, NotJson> {
        json(body)?;
        self.key(part);
        self.bytes.extend_from_slice(body);
        Ok(self)
    }

    /// Adds several bodies of one kind of call as a list, such as those of items.
    ///
    /// # Errors
    /// [`NotJson`].
    pub fn with_list(mut self, part: Part, bodies: &[Vec<u8>]) -> Result<Self, NotJson> {
        for body in bodies {
            json(body)?;
        }
        self.key(part);
        self.bytes.push(b'[');
        self.bytes.extend_from_slice(&bodies.join(&b','));
        self.bytes.push(b']');
        Ok(self)
    }

    /// The bundle's bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.push(b'}');
        self.bytes
    }

    fn key(&mut self, part: Part) {
        if self.bytes.len() > 1 {
            self.bytes.push(b',');
        }
        self.bytes.extend_from_slice(format!("\"{}\":", part.key()).as_bytes());
    }
}

/// Whether the bytes are one JSON value: anything else would break out of its part.
fn json(body: &[u8]) -> Result<(), NotJson> {
    let text = std::str::from_utf8(body).map_err(|_| NotJson)?;
    serde_json::from_str::<&RawValue>(text).map(drop).map_err(|_| NotJson)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn parts_keep_every_byte_and_none_breaks_out_of_its_place() {
        let (execution, source) = (b" {\"payer_amount\": 1.50}\r\n".as_slice(), b"{\"id\":101 }".as_slice());
        let bundle = Bundle::new().with(Part::Execution, execution).unwrap().with(Part::Source, source).unwrap();
        let expected = b"{\"execution\": {\"payer_amount\": 1.50}\r\n,\"source\":{\"id\":101 }}".as_slice();
        assert_eq!(bundle.finish(), expected);
        let items = Bundle::new().with_list(Part::Items, &[b"{}".to_vec(), b"[1]".to_vec()]).unwrap().finish();
        assert_eq!(items, b"{\"items\":[{},[1]]}");
        assert_eq!(Bundle::new().finish(), b"{}");
        let wrong: [&[u8]; 6] = [b"", b"<html>", b"{} , \"source\":{}", b"{\"a\":1", b"\xff", b"\xef\xbb\xbf{}"];
        for body in wrong {
            assert_eq!(Bundle::new().with(Part::Source, body).err(), Some(NotJson));
            assert_eq!(Bundle::new().with_list(Part::Items, &[body.to_vec()]).err(), Some(NotJson));
        }
    }
}
