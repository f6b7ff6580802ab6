//! Decide: a claim, and what the book knows, become events with lines, or a refusal. Pure and synchronous.
//!
//! known event? -> evidence or discrepancy; else word's own rules -> doubt? -> withheld, or posted with what follows.
//! A claim is all or nothing: a refusal leaves no trace. The caller loads what [`needs`] names, hands in one [`Decider`]
//! a batch, and writes what [`Decider::finish`] gives.

pub mod adjustments;
mod balance;
pub mod checks;
pub mod fees;
mod fold;
mod follow;
mod invoices;
mod items;
mod periods;
pub mod policies;
mod seal;
mod settings;
pub mod state;
mod wallets;
mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ensimbi_events::bus::{Outcome, RecordedRef};
use ensimbi_events::codes::{DiscrepancyKind, Refusal};
use ensimbi_events::config::BookConfig;
use ensimbi_events::ids::made_event_id;
use ensimbi_events::leaf::{fact_hash, sha256};
use ensimbi_events::trial::Trial;
use ensimbi_events::word::EvidenceClass;
use ensimbi_events::words::control::{DiscrepancyRaised, EvidenceAdded};
use ensimbi_events::{Amount, Body, BookId, Claim, EventId, Fact, Hash, SubjectId, Time, WalletId};

use crate::posting::PostingError;
use crate::tree::Edge;
use state::{Seen, SubjectState, rank};

pub(crate) use adjustments::keys_needed;
pub(crate) use periods::trial_needed;
pub use seal::{Sealed, keys_of};
pub use wallets::{WalletBalance, WalletPaths};

/// The three kinds of keys a book holds unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyKind {
    /// Event ids.
    Event = 1,
    /// Posting keys: they guard money.
    Posting = 2,
    /// The operator's transactions, where unique.
    Operator = 3,
}

/// A key of an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Which kind.
    pub kind: KeyKind,
    /// 16 bytes of an event id or 32 of a hash.
    pub bytes: Vec<u8>,
}

/// A key that the book holds already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownKey {
    /// Its event's place.
    pub position: u64,
    /// Its event's fact.
    pub fact_hash: Hash,
    /// Its event's leaf.
    pub leaf_hash: Hash,
}

/// What a batch starts from: the head row and the rows it concerns.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Right edge of the tree, with the size.
    pub edge: Edge,
    /// Time of the last event.
    pub recorded_at: Time,
    /// Configuration in force.
    pub config: BookConfig,
    /// States of the subjects concerned.
    pub states: HashMap<SubjectId, SubjectState>,
    /// All wallets of the book.
    pub wallets: BTreeMap<WalletId, WalletBalance>,
    /// Keys that a first try met in the book, and those that reversals ask about.
    pub keys: HashMap<Key, KnownKey>,
    /// Trial balances up to the days that periods end on.
    pub trials: BTreeMap<String, Trial>,
}

/// Why a claim left no trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: Refusal,
    pub(crate) detail: String,
}

impl Refused {
    fn new(code: Refusal, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl From<PostingError> for Refused {
    fn from(error: PostingError) -> Self {
        let code = match error {
            PostingError::Incomplete(_) => Refusal::WrongState,
            PostingError::Overflow | PostingError::Unbalanced { .. } => Refusal::BadAmounts,
        };
        Self::new(code, error.to_string())
    }
}

impl From<state::Overflow> for Refused {
    fn from(error: state::Overflow) -> Self {
        Self::new(Refusal::BadAmounts, error.to_string())
    }
}

/// A discrepancy to be recorded.
struct Raise {
    kind: DiscrepancyKind,
    stake: Option<Amount>,
    other_fact: Option<Hash>,
    detail: Option<String>,
}

/// The subjects whose states a claim needs.
pub fn needs(claim: &Claim) -> Vec<SubjectId> {
    let mut ids = vec![claim.fact.subject];
    ids.extend(state::other_subjects(&claim.fact));
    ids.extend(claim.fact.wallet.map(|wallet| SubjectId(wallet.0)));
    match &claim.fact.body {
        // A later claim of the same batch may pay the invoice that this one only names.
        Body::CollectionRequested(body) => ids.extend(body.invoice_id),
        Body::CollectionSucceeded(body) => ids.extend(body.invoice_id),
        Body::RefundRequested(body) => ids.push(body.payment_id),
        _ => {}
    }
    ids
}

/// The further subjects that loaded states point at: invoices to be paid or owed again, and what a withheld fact
/// concerns once it is accepted.
pub fn needs_next(state: &SubjectState) -> Vec<SubjectId> {
    let mut ids: Vec<SubjectId> = state.asked.iter().filter_map(|asked| asked.invoice).collect();
    ids.extend(state.allocations.iter().filter_map(|allocation| allocation.invoice));
    // What came before this payment counts with it.
    ids.extend(&state.waiting);
    for (_, fact) in &state.withheld {
        ids.extend(state::other_subjects(fact));
        if let Body::CollectionSucceeded(body) = &fact.body {
            ids.extend(body.invoice_id);
        }
    }
    ids
}

/// Decides a batch of claims, one after another.
pub struct Decider {
    book: BookId,
    now: Time,
    known: Known,
    paths: WalletPaths,
    /// Keys of this batch: as good as those in the book.
    taken: HashMap<Key, KnownKey>,
    sealed: Vec<Sealed>,
    /// Hash of the fact that is being decided.
    told: Hash,
    /// Size of the book before the batch.
    start: u64,
}

/// What a batch leaves behind.
pub struct Decided {
    /// New events, in order.
    pub sealed: Vec<Sealed>,
    /// The new head and everything the batch started from, brought forward.
    pub known: Known,
    /// Subjects whose states changed.
    pub states: BTreeSet<SubjectId>,
    /// Wallets whose balances changed.
    pub wallets: BTreeSet<WalletId>,
}

impl Decider {
    /// For a book, at the clock's moment, from what is known.
    pub fn new(book: BookId, now: Time, known: Known) -> Self {
        let start = known.edge.size();
        let (paths, taken) = (WalletPaths::default(), HashMap::new());
        let told = Hash::default();
        let mut decider = Self { book, now, known, paths, taken, sealed: Vec::new(), told, start };
        decider.index_paths();
        decider
    }

    /// The batch's result.
    pub fn finish(self) -> Decided {
        let states = self.sealed.iter().flat_map(|sealed| state::touched(&sealed.event)).collect();
        let moved = self.known.wallets.iter().filter(|(_, balance)| balance.position > self.start);
        Decided { states, wallets: moved.map(|(id, _)| *id).collect(), sealed: self.sealed, known: self.known }
    }

    /// Decides one claim: recorded (now or before), or refused without a trace.
    pub fn decide(&mut self, claim: &Claim) -> Outcome {
        let fact = &claim.fact;
        if fact.version != fact.body.version() || fact.object_kind.is_some() != fact.object_id.is_some() {
            let detail = "version, object_kind, object_id: not those of a recorded fact".to_owned();
            return Outcome::Refused { code: Refusal::Malformed, detail };
        }
        // One tree of the fact serves its hash and its canonical form.
        let node = fact.node();
        self.told = sha256(&node.encode());
        match Fact::from_map(node) {
            Ok(fact) => self.decide_canonical(&Claim { fact, ..claim.clone() }),
            Err(error) => Outcome::Refused { code: Refusal::Malformed, detail: error.to_string() },
        }
    }

    fn decide_canonical(&mut self, claim: &Claim) -> Outcome {
        let before = self.sealed.len();
        let undo = self.snapshot(claim);
        let refused = match self.try_decide(claim) {
            Ok(events) => return Outcome::Recorded { events },
            Err(refused) => refused,
        };
        // Always: an event that failed half way has moved states and balances without being sealed.
        self.restore(before, &undo);
        // Money may have moved: what a provider said and the ledger cannot hold is kept for a person.
        let parks = refused.code == Refusal::BadAmounts && claim.evidence.is_some();
        if parks && words::is_money(&claim.fact.body) {
            match self.withhold(claim, DiscrepancyKind::ValueDoesNotFit) {
                Ok(()) => {
                    let events = self.sealed[before..].iter().map(Sealed::reference).collect();
                    return Outcome::Recorded { events };
                }
                Err(_) => self.restore(before, &undo),
            }
        }
        Outcome::Refused { code: refused.code, detail: refused.detail }
    }

    fn try_decide(&mut self, claim: &Claim) -> Result<Vec<RecordedRef>, Refused> {
        if claim.book != self.book {
            return Err(Refused::new(Refusal::UnknownBook, "the claim is for another book"));
        }
        if claim.evidence.as_ref().is_some_and(|proof| proof.class == EvidenceClass::Hint) {
            return Err(Refused::new(Refusal::HintOnly, "a hint never posts; our own read decides"));
        }
        let event_id = claim.fact.event_id(self.book);
        if let Some(seen) = self.seen(claim.fact.subject, event_id) {
            return self.known_event(claim, seen);
        }
        if claim.confirms {
            return Err(Refused::new(Refusal::ReadFirst, "a push of what our own read states posts nothing before it"));
        }
        let kind = self.state(claim.fact.subject).and_then(|state| state.kind);
        if kind.is_some_and(|kind| kind != claim.fact.subject_kind) {
            return Err(Refused::new(Refusal::WrongState, "subject_kind: the subject is another kind of thing"));
        }
        let first = self.sealed.len();
        self.by_word(claim)?;
        Ok(self.sealed[first..].iter().map(Sealed::reference).collect())
    }

    /// An event of that id, from the subject's state, this batch, or the keys that a first try met.
    fn seen(&self, subject: SubjectId, event_id: EventId) -> Option<Seen> {
        if let Some(seen) = self.known.states.get(&subject).and_then(|state| state.find(event_id)) {
            return Some(seen.clone());
        }
        let key = Key { kind: KeyKind::Event, bytes: event_id.as_bytes().to_vec() };
        let known = self.known_key(&key)?;
        Some(Seen {
            event_id,
            position: known.position,
            leaf_hash: known.leaf_hash,
            fact_hash: known.fact_hash,
            class: None,
            cause: None,
            but_fees: None,
        })
    }

    pub(super) fn known_key(&self, key: &Key) -> Option<&KnownKey> {
        self.taken.get(key).or_else(|| self.known.keys.get(key))
    }

    /// A repeat: nothing, stronger evidence, or another content for the same key.
    fn known_event(&mut self, claim: &Claim, seen: Seen) -> Result<Vec<RecordedRef>, Refused> {
        let hash = self.told;
        if hash == seen.fact_hash {
            let mut events = vec![reference(&seen)];
            events.extend(self.made_by(claim, seen.event_id));
            if let (Some(proof), Some(class)) = (&claim.evidence, seen.class)
                && rank(proof.class) <= rank(class)
            {
                let body = EvidenceAdded { event_id: seen.event_id, class: proof.class };
                let fact = self.made_fact(&claim.fact, seen.event_id.to_string(), body.into());
                let added = made_event_id(seen.event_id, fact.body.word(), &fact_hash(&fact).0);
                match self.seen(claim.fact.subject, added) {
                    Some(added) => events.push(reference(&added)),
                    None if rank(proof.class) < rank(class) => {
                        events.extend(self.record_made(claim, seen.event_id, fact, true)?);
                    }
                    None => {}
                }
            }
            return Ok(events);
        }
        if adjustments::reversal_of(&claim.fact.body).is_some() {
            return Err(Refused::new(Refusal::AlreadyReversed, "reversal_of: the entry has its one reversal already"));
        }
        let fees_only = seen.but_fees.is_some() && seen.but_fees == fees::but_fees(&claim.fact);
        let kind = if fees_only { DiscrepancyKind::FeeChanged } else { DiscrepancyKind::FactDiffers };
        let stake = checks::stake(&claim.fact);
        let raise = Raise { kind, stake, other_fact: Some(hash), detail: None };
        let raised = self.raise_with(claim, seen.event_id, raise)?;
        Ok(std::iter::once(reference(&seen)).chain(raised).collect())
    }

    /// Records a discrepancy about an event, once.
    fn raise(&mut self, claim: &Claim, about: EventId, kind: DiscrepancyKind) -> Result<Option<RecordedRef>, Refused> {
        self.raise_with(claim, about, Raise { kind, stake: checks::stake(&claim.fact), other_fact: None, detail: None })
    }

    fn raise_with(&mut self, claim: &Claim, about: EventId, raise: Raise) -> Result<Option<RecordedRef>, Refused> {
        let Raise { kind, stake, other_fact, detail } = raise;
        let stake_currency = stake.and(claim.fact.currency);
        let body = DiscrepancyRaised { kind, about: Some(about), stake, stake_currency, other_fact, detail };
        let fact = self.made_fact(&claim.fact, format!("{about}:{kind}"), body.into());
        let made = made_event_id(about, fact.body.word(), &fact_hash(&fact).0);
        // Told before, it is answered as then.
        if other_fact.is_some() && self.seen(fact.subject, made).is_none() {
            self.has_room(fact.subject)?;
        }
        self.record_made(claim, about, fact, false)
    }

    /// What only waits for a person must not pile up without end; see [`words::DOUBTS_MAX`].
    fn has_room(&self, subject: SubjectId) -> Result<(), Refused> {
        let waiting = self.state(subject).map_or(0, |state| state.doubts.len());
        if waiting < words::DOUBTS_MAX {
            return Ok(());
        }
        Err(Refused::new(Refusal::LimitExceeded, "subject: too many of its discrepancies wait for a person"))
    }

    /// What the ledger made of an event, on its own subject and on those that it names, in order.
    fn made_by(&self, claim: &Claim, event_id: EventId) -> Vec<RecordedRef> {
        let mut subjects: BTreeSet<SubjectId> = state::other_subjects(&claim.fact).into_iter().collect();
        subjects.insert(claim.fact.subject);
        subjects.extend(self.state(claim.fact.subject).iter().flat_map(|state| &state.waiting));
        let states = subjects.into_iter().filter_map(|subject| self.state(subject));
        let mut made: Vec<RecordedRef> =
            states.flat_map(|state| state.made_by(event_id).map(reference).collect::<Vec<_>>()).collect();
        made.sort_by_key(|reference| reference.position);
        made
    }

    fn state(&self, subject: SubjectId) -> Option<&SubjectState> {
        self.known.states.get(&subject)
    }
}

fn reference(seen: &Seen) -> RecordedRef {
    RecordedRef { event_id: seen.event_id, position: seen.position, leaf_hash: seen.leaf_hash }
}

/// A fact of the ledger's own, about the same subject as the claim's.
impl Decider {
    fn made_fact(&self, about: &Fact, occurrence: String, body: Body) -> Fact {
        Fact {
            subject: about.subject,
            subject_kind: about.subject_kind,
            connection: about.connection,
            wallet: about.wallet,
            object_kind: None,
            object_id: None,
            occurrence,
            currency: about.currency,
            version: body.version(),
            body,
        }
    }
}
