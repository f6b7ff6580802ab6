//! Events: what the ledger decided, in three layers.
//!
//! The *fact* is what is compared for "same key, other content". The *context* is how we know (evidence, party, times);
//! a webhook and a poll differ there, so it is never compared. The *record* is the ledger's own: place, dates, lines.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::codes::words;
use crate::leaf::Hash;
use crate::node::{Field, Fields, Node, NodeError};
use crate::word::{Bearer, Component, EvidenceClass, OccurredSource, put, record};
use crate::{
    Amount, BookId, ClaimId, ConnectionId, Currency, EventId, ObservationId, PartyId, SubjectId, Time, WalletId,
};

pub use crate::body::Body;

words! {
    /// What kind of thing a subject is.
    SubjectKind {
        /// The book itself.
        Book = "book",
        /// A connection.
        Connection = "connection",
        /// A wallet.
        Wallet = "wallet",
        /// A collection.
        Payment = "payment",
        /// A refund of a collection.
        Refund = "refund",
        /// A payout.
        Payout = "payout",
        /// A chargeback.
        Dispute = "dispute",
        /// A top-up, withdrawal or purse transfer.
        Transfer = "transfer",
        /// An invoice.
        Invoice = "invoice",
    }
}

words! {
    /// Why an event has no lines although its word can have some.
    NoLines {
        /// Its word has none.
        None = "none",
        /// It contradicts itself or what we asked; a person decides.
        Withheld = "withheld",
        /// Settled at or before the wallet's opening.
        BeforeOpening = "before_opening",
    }
}

/// What happened, in our words: the layer that is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The subject whose life this continues.
    pub subject: SubjectId,
    /// What kind of thing it is.
    pub subject_kind: SubjectKind,
    /// The connection, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionId>,
    /// The wallet whose currency the amounts are in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<WalletId>,
    /// The provider's word for the object, or ours for an intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_kind: Option<String>,
    /// Its id, exactly as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
    /// Which of several facts of one type: empty for once-only facts (`design.md` 6).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub occurrence: String,
    /// Currency of the amounts that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Version of the word.
    pub version: u32,
    /// The word and its own fields.
    #[serde(flatten)]
    pub body: Body,
}

impl Fact {
    /// The map that is hashed and written.
    pub fn node(&self) -> Node {
        let mut map = Vec::with_capacity(24);
        put(&mut map, "type", &self.body.word().to_owned());
        put(&mut map, "version", &self.version);
        put(&mut map, "subject", &self.subject);
        put(&mut map, "subject_kind", &self.subject_kind);
        put(&mut map, "connection", &self.connection);
        put(&mut map, "wallet", &self.wallet);
        put(&mut map, "object_kind", &self.object_kind);
        put(&mut map, "object_id", &self.object_id);
        if !self.occurrence.is_empty() {
            put(&mut map, "occurrence", &self.occurrence);
        }
        put(&mut map, "currency", &self.currency);
        self.body.put(&mut map);
        Node::Map(map)
    }

    /// Reads the map back.
    ///
    /// # Errors
    /// [`NodeError`], naming the field, the unknown word or version.
    pub fn from_map(node: Node) -> Result<Self, NodeError> {
        let mut fields = Fields::of(node, "fact")?;
        let word: String = fields.take("type")?;
        let version: u32 = fields.take("version")?;
        let subject = fields.take("subject")?;
        let subject_kind = fields.take("subject_kind")?;
        let connection = fields.take("connection")?;
        let wallet = fields.take("wallet")?;
        let object_kind = fields.take("object_kind")?;
        let object_id = fields.take("object_id")?;
        let occurrence: Option<String> = fields.take("occurrence")?;
        let currency = fields.take("currency")?;
        let body = Body::take(&word, version, &mut fields)?;
        fields.finish()?;
        let occurrence = occurrence.unwrap_or_default();
        Ok(Self {
            subject,
            subject_kind,
            connection,
            wallet,
            object_kind,
            object_id,
            occurrence,
            currency,
            version,
            body,
        })
    }

    /// The fact as its leaf tells it: every list in the order of its encoded bytes. Lines follow from this form, so that
    /// whoever reads the leaf derives the same ones.
    ///
    /// # Errors
    /// [`NodeError`], where the fact has no valid leaf form (an unknown version, for example).
    pub fn canonical(&self) -> Result<Self, NodeError> {
        Self::from_map(self.node())
    }

    /// The provider's object, or the subject itself where there is none: what event and posting keys derive from.
    pub fn object(&self) -> (Cow<'_, str>, Cow<'_, str>) {
        match (&self.object_kind, &self.object_id) {
            (Some(kind), Some(id)) => (kind.as_str().into(), id.as_str().into()),
            _ => (self.subject_kind.as_str().into(), self.subject.to_string().into()),
        }
    }

    /// The id of the event this fact becomes when a claim states it.
    pub fn event_id(&self, book: BookId) -> EventId {
        let (object_kind, object_id) = self.object();
        let key = crate::ids::ObjectKey {
            book,
            connection: self.connection,
            object_kind: &object_kind,
            object_id: &object_id,
        };
        key.event_id(self.body.word(), &self.occurrence)
    }

    /// The key that guards its money, where its word posts.
    pub fn posting_key(&self, book: BookId) -> Option<Hash> {
        let kind = self.body.posting_kind()?;
        let (object_kind, object_id) = self.object();
        let key = crate::ids::ObjectKey {
            book,
            connection: self.connection,
            object_kind: &object_kind,
            object_id: &object_id,
        };
        Some(Hash(key.posting_key(kind, &self.occurrence)))
    }
}

record! {
    /// One observation that supports a fact.
    Proof {
        /// The sealed bytes.
        observation: ObservationId,
        /// SHA-256 of 32 random bytes and the body; both are in the vault.
        commitment: Hash,
        /// How it was authenticated.
        class: EvidenceClass,
    } maybe {
        /// Who brought it, for imports: an id, never a name.
        actor_id: String,
    } many {}
}

record! {
    /// How we know.
    Context {
        /// When it happened.
        occurred_at: Time,
        /// Who says when.
        occurred_source: OccurredSource,
    } maybe {
        /// The claim that caused it.
        claim: ClaimId,
        /// The translator's name and version.
        translator: String,
        /// The other side, through the vault.
        party: PartyId,
    } many {
        /// The bytes behind it.
        evidence: Proof,
    }
}

record! {
    /// One line of an entry. Debit is plus, credit is minus; an entry is zero per currency.
    Line {
        /// Its number in the entry, from 1.
        n: u32,
        /// Account path.
        account: String,
        /// Currency.
        currency: Currency,
        /// Signed, scale 4, never zero.
        amount: Amount,
    } maybe {
        /// The id the balance waits for, on accounts that must reach zero item by item.
        open_item: SubjectId,
        /// The payment it belongs to.
        payment_id: SubjectId,
        /// On fee lines.
        component: Component,
        /// On fee lines.
        bearer: Bearer,
    } many {}
}

/// Lines in their own order (by `n`), which is also their order in the leaf.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lines(pub Vec<Line>);

impl Field for Lines {
    fn to_node(&self) -> Option<Node> {
        if self.0.is_empty() {
            return None;
        }
        Some(Node::List(self.0.iter().filter_map(Field::to_node).collect()))
    }
    fn from_node(node: Option<Node>, field: &'static str) -> Result<Self, NodeError> {
        let lines: Vec<Line> = Vec::from_node(node, field)?;
        if lines.iter().zip(1u32..).any(|(line, n)| line.n != n) {
            return Err(NodeError::Type { field: field.into(), expected: "lines numbered from 1 in order" });
        }
        Ok(Self(lines))
    }
}

record! {
    /// The ledger's own layer.
    Record {
        /// The book.
        book: BookId,
        /// Derived from the fact, or from the cause.
        event_id: EventId,
        /// Its place, from 1, without gaps.
        position: u64,
        /// The later of the clock and the event before.
        recorded_at: Time,
        /// Date in the book's zone, or the first open day.
        book_date: String,
        /// Version of the posting rules.
        rules: u32,
        /// Position of the configuration in force.
        configuration: u64,
        /// The balanced lines, or none.
        lines: Lines,
    } maybe {
        /// Why there are no lines.
        no_lines: NoLines,
        /// The key that guards its money.
        posting_key: Hash,
        /// The operator's transaction, where it is unique.
        operator_key: Hash,
        /// The event that made the ledger make this one.
        cause: EventId,
    } many {}
}

/// A recorded event, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub fact: Fact,
    /// How we know.
    pub context: Context,
    /// Where it stands.
    pub record: Record,
}
