//! What the book knows of one subject. Rows that hold a state are a cache of the fold ([`super::fold`]).

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::{Bearer, EvidenceClass, Fee, ItemKind, Recognition, Side};
use ensimbi_events::{Amount, Currency, EventId, Fact, Hash, Money, SubjectId, SubjectKind, Time, WalletId};
use serde::{Deserialize, Serialize};

pub use super::fold::{Overflow, Standing, fold, other_subjects, touched};

/// Events a state remembers for answering repeats; older ones are found by their keys.
pub const SEEN_MAX: usize = 64;
/// The object kind of a row of a provider's wallet or statement.
pub const ROW: &str = "row";
/// Items of a draft at most.
pub const ITEMS_MAX: usize = 200;
/// Objects of ended attempts that a state remembers.
pub const ENDED_MAX: usize = 16;
/// Refunds and disputes of one payment that may wait for it.
pub const WAITING_MAX: usize = 64;

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
    /// What it says but for its fees, by hash, where it has some to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub but_fees: Option<Hash>,
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
    /// When it was first asked, by our clock.
    pub at: Time,
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

/// Where an invoice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceStage {
    /// Its items may still change; nothing is owed.
    Draft,
    /// Owed, in part or in full, or paid.
    Published,
    /// Its time ran out; a late payment still counts.
    Expired,
    /// Called off, before or after it was published.
    Cancelled,
}

/// An invoice that is not published yet. Publishing or cancelling ends it; the log keeps its items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Of all its amounts.
    pub currency: Currency,
    /// By their ids, each once; at most [`ITEMS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
}

/// One item of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its id.
    pub item_id: String,
    /// quantity x unit amount, exact.
    pub total: Amount,
    /// Tax inside.
    pub tax: Amount,
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

impl Invoice {
    /// Tax that neither payments nor credits have dealt with yet.
    pub fn tax_left(&self) -> Amount {
        self.tax.checked_sub(self.tax_allocated).unwrap_or_default()
    }
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
    /// The amount in question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stake: Option<Amount>,
}

/// A wallet's last balance as its provider reported it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// When it was true.
    pub as_of: Time,
    /// The reported balance less what the book had posted when it was recorded.
    pub difference: Amount,
    /// What the provider withholds by that report, less what the book had as held; zero where it does not say.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held: Amount,
    /// A discrepancy was raised about this figure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub raised: bool,
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
    /// Of a payment that is held first: how much the payer has authorised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorised: Option<Amount>,
    /// gross of a payment, amount of a payout.
    pub gross: Amount,
    /// Reversed, refunded and lost so far.
    pub taken_back: Amount,
    /// The open item's balance, signed as its lines are.
    pub item: Amount,
    /// What stands in suspense, signed as its lines are: a movement that nothing explains yet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub suspense: Amount,
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
    /// Of a payment: refunds and disputes that were told before it, at most [`WAITING_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<SubjectId>,
    /// Open discrepancies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
    /// Provider objects whose attempts came to nothing, oldest first, the last [`ENDED_MAX`]: kind and id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<(String, String)>,
    /// Of an invoice: where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<InvoiceStage>,
    /// Of an invoice that is a draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Draft>,
    /// Of an invoice, once published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<Invoice>,
    /// Of a wallet: everything settled up to here is inside its opening balance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_as_of: Option<Time>,
    /// Of a wallet: its last reported balance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Reported>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
const fn is_zero(amount: &Amount) -> bool {
    amount.is_zero()
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
