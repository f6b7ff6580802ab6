//! Identities: typed UUIDs, and the derivations that are for ever (`spec/LEAF.md`, "Derived ids").
//!
//! A derived id is a hash over parts that each carry their length before them, so no two lists of parts share bytes.
//! Its first part is a tag with a version; a new derivation gets a new tag, an old one is never changed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The sixteen bytes, as leaves and keys carry them.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// One log: a tenant's live or test book.
    BookId,
    /// One provider account of a book; never changes.
    ConnectionId,
    /// Money held for us at a provider, in one currency.
    WalletId,
    /// The one thing whose life claims and events continue: a payment, payout, invoice, wallet ...
    SubjectId,
    /// One recorded event.
    EventId,
    /// One thing a translator said.
    ClaimId,
    /// One set of raw bytes from a provider.
    ObservationId,
    /// One person or firm outside, known only through the vault.
    PartyId,
}

/// Hashes length-prefixed parts: the heart of every derived id.
#[derive(Clone)]
pub struct Derivation(Sha256);

impl Derivation {
    /// Starts with the tag, such as `ensimbi.event.1`.
    pub fn new(tag: &str) -> Self {
        Self(Sha256::new()).part(tag.as_bytes())
    }

    /// Adds a part: its length as u32 big-endian, then its bytes. An absent part is an empty one.
    #[must_use]
    pub fn part(mut self, bytes: &[u8]) -> Self {
        // No part comes near 4 GiB: inputs are bounded far below.
        self.0.update((bytes.len() as u32).to_be_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds an id as sixteen bytes, or an empty part.
    #[must_use]
    pub fn id(self, id: Option<Uuid>) -> Self {
        match id {
            Some(id) => self.part(id.as_bytes()),
            None => self.part(&[]),
        }
    }

    /// All 32 bytes.
    pub fn hash(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// The first sixteen bytes as a UUID of version 8 (RFC 9562).
    pub fn uuid(self) -> Uuid {
        let hash = self.hash();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}

/// What names an event: the same object, type and occurrence are the same event, whoever reports it.
#[derive(Debug, Clone, Copy)]
pub struct ObjectKey<'a> {
    /// The book.
    pub book: BookId,
    /// The connection, where there is one.
    pub connection: Option<ConnectionId>,
    /// The provider's word for the object, such as `collection`.
    pub object_kind: &'a str,
    /// The provider's id, exactly as given.
    pub object_id: &'a str,
}

impl ObjectKey<'_> {
    fn start(&self, tag: &str) -> Derivation {
        Derivation::new(tag)
            .id(Some(self.book.0))
            .id(self.connection.map(|c| c.0))
            .part(self.object_kind.as_bytes())
            .part(self.object_id.as_bytes())
    }

    /// `ensimbi.event.1`: the id of an event that a claim names.
    pub fn event_id(&self, word: &str, occurrence: &str) -> EventId {
        EventId(self.start("ensimbi.event.1").part(word.as_bytes()).part(occurrence.as_bytes()).uuid())
    }

    /// `ensimbi.posting.1`: the key that guards money; unique in a book.
    pub fn posting_key(&self, kind: &str, occurrence: &str) -> [u8; 32] {
        self.start("ensimbi.posting.1").part(kind.as_bytes()).part(occurrence.as_bytes()).hash()
    }

    /// `ensimbi.subject.1`: the subject of an object that carries no reference of ours.
    pub fn subject_id(&self) -> SubjectId {
        SubjectId(self.start("ensimbi.subject.1").uuid())
    }
}

/// `ensimbi.made.1`: the id of an event the ledger makes itself, from its cause.
pub fn made_event_id(cause: EventId, kind: &str, fact_hash: &[u8; 32]) -> EventId {
    EventId(Derivation::new("ensimbi.made.1").id(Some(cause.0)).part(kind.as_bytes()).part(fact_hash).uuid())
}

/// `ensimbi.intent.1`: the id of a command's intent, which is its subject's id too.
pub fn intent_id(book: BookId, route: &str, idempotency_key: &str) -> SubjectId {
    let derivation = Derivation::new("ensimbi.intent.1").id(Some(book.0));
    SubjectId(derivation.part(route.as_bytes()).part(idempotency_key.as_bytes()).uuid())
}

/// `ensimbi.claim.1`: the id of a claim, from the observation or command it was read from.
pub fn claim_id(source: Uuid, index: u32, translator: &str) -> ClaimId {
    let derivation = Derivation::new("ensimbi.claim.1").id(Some(source));
    ClaimId(derivation.part(&index.to_be_bytes()).part(translator.as_bytes()).uuid())
}

/// `ensimbi.operator.1`: the second, nullable key, where a connector declares the operator's transaction id unique.
pub fn operator_key(book: BookId, connection: ConnectionId, kind: &str, transaction: &str) -> [u8; 32] {
    let derivation = Derivation::new("ensimbi.operator.1").id(Some(book.0)).id(Some(connection.0));
    derivation.part(kind.as_bytes()).part(transaction.as_bytes()).hash()
}

/// `ensimbi.connection.1`: a connection's id, so that every process reads the same one from the same configuration.
pub fn connection_id(book: BookId, provider: &str, account: &str) -> ConnectionId {
    let derivation = Derivation::new("ensimbi.connection.1").id(Some(book.0));
    ConnectionId(derivation.part(provider.as_bytes()).part(account.as_bytes()).uuid())
}

/// `ensimbi.wallet.1`: a wallet's id, from its connection, the provider's id for it, its purse word and currency.
pub fn wallet_id(connection: ConnectionId, provider_id: &str, purse: &str, currency: &str) -> WalletId {
    let derivation = Derivation::new("ensimbi.wallet.1").id(Some(connection.0));
    WalletId(derivation.part(provider_id.as_bytes()).part(purse.as_bytes()).part(currency.as_bytes()).uuid())
}

/// `ensimbi.key.1`: an API key's own id, from its SHA-256. It can be shown and recorded: there is no way back to either.
pub fn key_id(key_hash: &[u8; 32]) -> Uuid {
    Derivation::new("ensimbi.key.1").part(key_hash).uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let joined = Derivation::new("t").part(b"ab").part(b"c").hash();
        assert_ne!(joined, Derivation::new("t").part(b"a").part(b"bc").hash());
        assert_ne!(joined, Derivation::new("t").part(b"abc").hash());
        assert_ne!(Derivation::new("t").id(None).hash(), Derivation::new("t").hash());
    }

    #[test]
    fn derived_ids_are_version_8() {
        let id = claim_id(Uuid::nil(), 0, "iotec.1").0;
        assert_eq!(id.get_version_num(), 8);
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
    }
}
