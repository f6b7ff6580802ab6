//! Claims: what a translator says the bytes mean, or what a command asks to be noted.

use serde::{Deserialize, Serialize};

use crate::codes::DiscrepancyKind;
use crate::event::Proof;
pub use crate::event::Proof as Evidence;
pub use crate::word::EvidenceClass;
use crate::word::OccurredSource;
use crate::{BookId, ClaimId, Fact, PartyId, Time};

/// One statement towards the ledger, in the ledger's own vocabulary. It has no position; the ledger decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// From (observation or command id, index, translator version).
    pub id: ClaimId,
    /// The book it is for.
    pub book: BookId,
    /// What is claimed.
    pub fact: Fact,
    /// When it happened.
    pub occurred_at: Time,
    /// Who says when.
    pub occurred_source: OccurredSource,
    /// Name and version of the translator, such as `iotec.1`.
    pub translator: String,
    /// The bytes behind it; absent for our own commands and decisions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Proof>,
    /// The other side, through the vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<PartyId>,
    /// The translator's own doubt: recorded without lines, for a person to decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<DiscrepancyKind>,
    /// The operator's transaction id, where the connector declares it unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_transaction: Option<String>,
    /// A signed push of an object that we read ourselves: evidence for an event that a read has made, and nothing before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirms: bool,
}
