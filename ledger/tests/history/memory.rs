//! A book in memory: what a store would keep between batches, handed to the decider as a store does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ensimbi_events::bus::Outcome;
use ensimbi_events::leaf::fact_hash;
use ensimbi_events::{Body, Claim, EventId, Hash, SubjectId, WalletId};
use ensimbi_ledger::decide::state::{self, Standing, SubjectState};
use ensimbi_ledger::decide::{Decider, Known, KnownKey, Sealed, WalletBalance, needs, needs_next};

use super::laws::Log;
use crate::common::now;
use crate::common::say::{BOOK, WALLET};

/// The book.
pub struct Memory {
    pub known: Known,
    pub sealed: Vec<Sealed>,
}

impl Memory {
    pub fn new() -> Self {
        Self { known: Known::default(), sealed: Vec::new() }
    }

    /// Decides a batch. Like a store it hands in only the states that the claims name: what a claim needs is all that it
    /// may read and change.
    pub fn tell(&mut self, claims: &[Claim]) -> Vec<Outcome> {
        let mut known = std::mem::take(&mut self.known);
        let mut rest = std::mem::take(&mut known.states);
        let mut wanted: BTreeSet<SubjectId> = claims.iter().flat_map(needs).collect();
        for _ in 0..2 {
            let mut next = BTreeSet::new();
            for id in wanted {
                if let Some(state) = rest.remove(&id) {
                    next.extend(needs_next(&state));
                    known.states.insert(id, state);
                }
            }
            wanted = next;
        }
        let mut decider = Decider::new(BOOK, now(), known);
        let outcomes = claims.iter().map(|claim| decider.decide(claim)).collect();
        let decided = decider.finish();
        self.known = decided.known;
        for (id, state) in rest {
            assert!(self.known.states.insert(id, state).is_none(), "a state that no claim of the batch needs: {id}");
        }
        // A store finds these by its unique index and hands in those that a batch meets.
        for sealed in &decided.sealed {
            let (position, fact_hash, leaf_hash) = (sealed.event.record.position, sealed.fact_hash, sealed.leaf_hash);
            let known = KnownKey { position, fact_hash, leaf_hash };
            self.known.keys.extend(sealed.keys.iter().map(|key| (key.clone(), known)));
        }
        self.sealed.extend(decided.sealed);
        outcomes
    }

    pub fn wallet(&self) -> WalletBalance {
        self.known.wallets[&WALLET]
    }

    /// What is final: money events and final failures, told by providers, that were not withheld.
    pub fn finals(&self) -> BTreeSet<(EventId, Hash)> {
        let is_final = |sealed: &&Sealed| match &sealed.event.fact.body {
            Body::CollectionSucceeded(_) | Body::CollectionReversed(_) | Body::RefundSucceeded(_) => true,
            Body::CollectionFailed(body) => body.is_final,
            _ => false,
        };
        let all = self.sealed.iter().filter(is_final);
        all.map(|sealed| (sealed.event.record.event_id, fact_hash(&sealed.event.fact))).collect()
    }

    /// The laws from the leaves, and the product's own replay.
    pub fn check(&self) {
        Log::of(&self.sealed).keeps_the_laws(&self.known);
        self.check_states();
    }

    /// The fold, from the events in order, gives the states that are kept.
    fn check_states(&self) {
        let mut states: HashMap<SubjectId, SubjectState> = HashMap::new();
        let mut stood: BTreeMap<WalletId, Standing> = BTreeMap::new();
        for sealed in &self.sealed {
            let event = &sealed.event;
            let before = event.fact.wallet.and_then(|id| stood.get(&id)).copied().unwrap_or_default();
            for id in state::touched(event) {
                state::fold(id, states.entry(id).or_default(), sealed, before).unwrap();
            }
            for line in &event.record.lines.0 {
                let (wallet, held) = match line.account.as_str() {
                    "assets:wallet:main:w" => (WALLET, false),
                    "assets:held:main:w" => (WALLET, true),
                    "assets:wallet:main:w2" => (crate::common::say::WALLET2, false),
                    "assets:held:main:w2" => (crate::common::say::WALLET2, true),
                    _ => continue,
                };
                let standing = stood.entry(wallet).or_default();
                let sum = if held { &mut standing.held } else { &mut standing.posted };
                *sum = sum.checked_add(line.amount).unwrap();
            }
        }
        assert_eq!(states.len(), self.known.states.len());
        for (id, state) in &states {
            assert_eq!(Some(state), self.known.states.get(id));
        }
    }
}
