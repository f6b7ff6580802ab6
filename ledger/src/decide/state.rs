//! What the book knows of one subject. Rows that hold a state are a cache of the fold ([`super::fold`]).

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::{Bearer, EvidenceClass, Fee, ItemKind, Recognition, Side};
use ensimbi_events::{Amount, Currency, EventId, Fact, Hash, Money, SubjectId, SubjectKind, Time, WalletId};
use serde::{Deserialize, Serialize};

pub use super::fold::{Overflow, fold, other_subjects, touched};

/// Events a state remembers for answering repeats; older ones are found by their keys.
pub const SEEN_MAX: usize = 64;

/// An event of this subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its id.
    pub event_id: EventId,
    /// Its place.
    pub position: u64,
    /// Its leaf hash.
    pub leaf_hash: Hash,
    /// What it says, by hash.
    pub fact_hash: Hash,
    /// Strongest evidence so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<EvidenceClass>,
    /// The event with which the ledger made it, where it did so at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}

/// How far a payment, payout, refund or transfer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing known, or only asked for.
    #[default]
    Open,
    /// The provider works on it.
    Pending,
    /// Finally failed.
    Failed,
    /// A success is withheld for a person.
    Withheld,
    /// Money moved and was posted (or was before the opening).
    Succeeded,
}

/// What a command asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// How much.
    pub amount: Amount,
    /// Of what.
    pub currency: Currency,
    /// On which wallet.
    pub wallet: WalletId,
    /// For which invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<SubjectId>,
}

/// A standing allocation of this subject's open item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// Its event.
    pub event_id: EventId,
    /// What still stands.
    pub amount: Amount,
    /// Tax inside what stands.
    pub tax: Amount,
    /// The item's side it took from.
    pub side: Side,
    /// The other side.
    pub account: String,
    /// The invoice, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<SubjectId>,
    /// In the target's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<Money>,
}

/// Money held back for a request that is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Of which attempt.
    pub attempt: u32,
    /// On which wallet.
    pub wallet: WalletId,
    /// How much.
    pub amount: Amount,
}

/// A published invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// Its currency.
    pub currency: Currency,
    /// With tax.
    pub total: Amount,
    /// Tax inside.
    pub tax: Amount,
    /// When it is income.
    pub recognition: Recognition,
    /// Still owed.
    pub outstanding: Amount,
    /// Tax inside what was allocated (for the remainder of the last part).
    pub tax_allocated: Amount,
}

/// A discrepancy that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// Its event.
    pub event_id: EventId,
    /// What kind.
    pub kind: DiscrepancyKind,
    /// The event it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<EventId>,
    /// That event is withheld because of this one (`bookkeeping.md` 5, law 7).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub holds: bool,
}

/// One subject.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SubjectState {
    /// What kind of thing it is, by its first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<SubjectKind>,
    /// Its last events, oldest first.
    pub seen: Vec<Seen>,
    /// How far it is.
    pub phase: Phase,
    /// What we asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// The provider object that settled it: kind and id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_by: Option<(String, String)>,
    /// Wallet of the settlement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<WalletId>,
    /// gross of a payment, amount of a payout.
    pub gross: Amount,
    /// Reversed, refunded and lost so far.
    pub taken_back: Amount,
    /// The open item's balance, signed as its lines are.
    pub item: Amount,
    /// Standing unitemised fees of the success.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unitemised: Vec<Fee>,
    /// Allocations that stand, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allocations: Vec<Allocation>,
    /// Reservations that stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reservations: Vec<Reservation>,
    /// Withheld facts by their event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<(EventId, Fact)>,
    /// Open discrepancies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
    /// Of an invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<Invoice>,
    /// Of a wallet: everything settled up to here is inside its opening balance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_as_of: Option<Time>,
}

impl SubjectState {
    /// The event with this id, if it is among the last ones.
    pub fn find(&self, event_id: EventId) -> Option<&Seen> {
        self.seen.iter().rev().find(|seen| seen.event_id == event_id)
    }

    /// What the ledger made of an event.
    pub fn made_by(&self, cause: EventId) -> impl Iterator<Item = &Seen> {
        self.seen.iter().filter(move |seen| seen.cause == Some(cause))
    }
}
/// Strength of evidence; smaller is stronger. Our own read and an import count alike.
pub const fn rank(class: EvidenceClass) -> u8 {
    match class {
        EvidenceClass::Signed => 0,
        EvidenceClass::Read | EvidenceClass::Imported => 1,
        EvidenceClass::Connector => 2,
        EvidenceClass::Hint => 3,
    }
}
/// The account an item of this kind of subject stands on.
pub const fn item_kind(kind: ensimbi_events::SubjectKind) -> ItemKind {
    match kind {
        ensimbi_events::SubjectKind::Payout => ItemKind::Payout,
        ensimbi_events::SubjectKind::Transfer => ItemKind::Transfer,
        ensimbi_events::SubjectKind::Invoice => ItemKind::Offline,
        _ => ItemKind::Payment,
    }
}

/// Merchant fees in a currency: what gross has beyond net and held.
pub fn merchant_fees(fees: &[Fee], currency: Currency) -> Option<Amount> {
    let own = fees.iter().filter(|fee| fee.bearer == Bearer::Merchant && fee.currency == currency);
    Amount::checked_sum(own.map(|fee| fee.amount))
}
