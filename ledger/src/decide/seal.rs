//! Sealing: a fact becomes an event with its place, dates, lines and bytes, and everything known moves forward.

use ensimbi_events::bus::RecordedRef;
use ensimbi_events::codes::Refusal;
use ensimbi_events::config::BookConfig;
use ensimbi_events::event::{Context, Line, Lines, Record};
use ensimbi_events::ids::{made_event_id, operator_key};
use ensimbi_events::leaf::{self, LEAF_BYTES_MAX, fact_hash};
use ensimbi_events::word::OccurredSource;
use ensimbi_events::{Claim, Event, EventId, Fact, Hash, NoLines, SubjectId, Time, WalletId};

use super::state::{self, SubjectState};
use super::{Decider, Key, KeyKind, Known, KnownKey, Refused, WalletBalance, WalletPaths};
use crate::posting::{PostingError, RULES, accounts, post};
use crate::tree::Edge;

/// An event ready to be written.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The event.
    pub event: Event,
    /// Its bytes.
    pub leaf: Vec<u8>,
    /// RFC 6962 leaf hash.
    pub leaf_hash: Hash,
    /// SHA-256 of the fact map.
    pub fact_hash: Hash,
    /// Its unique keys.
    pub keys: Vec<Key>,
}

impl Sealed {
    /// What an answer says of it.
    pub fn reference(&self) -> RecordedRef {
        RecordedRef {
            event_id: self.event.record.event_id,
            position: self.event.record.position,
            leaf_hash: self.leaf_hash,
        }
    }
}

/// What a claim may touch, as it was before.
pub(super) struct Snapshot {
    edge: Edge,
    recorded_at: Time,
    states: Vec<(SubjectId, Option<SubjectState>)>,
    wallets: std::collections::BTreeMap<WalletId, WalletBalance>,
    config: Option<BookConfig>,
}

impl Decider {
    pub(super) fn snapshot(&self, claim: &Claim) -> Snapshot {
        let mut ids = super::needs(claim);
        let next: Vec<_> = ids.iter().filter_map(|id| self.state(*id)).flat_map(super::needs_next).collect();
        ids.extend(next);
        Snapshot {
            edge: self.known.edge.clone(),
            recorded_at: self.known.recorded_at,
            states: ids.into_iter().map(|id| (id, self.known.states.get(&id).cloned())).collect(),
            wallets: self.known.wallets.clone(),
            config: BookConfig::concerns(&claim.fact.body).then(|| self.known.config.clone()),
        }
    }

    pub(super) fn restore(&mut self, sealed: usize, undo: &Snapshot) {
        for dropped in self.sealed.drain(sealed..) {
            for key in &dropped.keys {
                self.taken.remove(key);
            }
        }
        for (id, state) in &undo.states {
            match state {
                Some(state) => drop(self.known.states.insert(*id, state.clone())),
                None => drop(self.known.states.remove(id)),
            }
        }
        self.known.edge = undo.edge.clone();
        self.known.recorded_at = undo.recorded_at;
        self.known.wallets.clone_from(&undo.wallets);
        if let Some(config) = &undo.config {
            self.known.config = config.clone();
            self.index_paths();
        }
    }

    pub(super) fn index_paths(&mut self) {
        self.paths = WalletPaths::of(&self.known.config);
        for (id, currency) in self.paths.wallets() {
            self.known.wallets.entry(id).or_insert_with(|| WalletBalance::empty(currency));
        }
    }

    /// Records the claim's own fact.
    pub(super) fn record_claim(
        &mut self,
        claim: &Claim,
        no_lines: Option<NoLines>,
        lines: Lines,
    ) -> Result<EventId, Refused> {
        let context = Context {
            occurred_at: claim.occurred_at,
            occurred_source: claim.occurred_source,
            claim: Some(claim.id),
            translator: Some(claim.translator.clone()),
            party: claim.party,
            evidence: claim.evidence.iter().cloned().collect(),
        };
        let event_id = claim.fact.event_id(self.book);
        // It guards money, so only an entry takes it: a payment's pending and failed state name the same transaction.
        let operator = match (&claim.operator_transaction, claim.fact.connection, claim.fact.body.posting_kind()) {
            (Some(transaction), Some(connection), Some(kind)) if !lines.0.is_empty() => {
                Some(Hash(operator_key(self.book, connection, kind, transaction)))
            }
            _ => None,
        };
        self.seal(claim.fact.clone(), self.told, context, event_id, None, operator, lines, no_lines)?;
        Ok(event_id)
    }

    /// Records a fact that the ledger makes itself, unless it has done so before.
    pub(super) fn record_made(
        &mut self,
        claim: &Claim,
        cause: EventId,
        fact: Fact,
        with_evidence: bool,
    ) -> Result<Option<RecordedRef>, Refused> {
        let hash = fact_hash(&fact);
        let event_id = made_event_id(cause, fact.body.word(), &hash.0);
        if let Some(seen) = self.seen(fact.subject, event_id) {
            return Ok(Some(super::reference(&seen)));
        }
        let context = Context {
            occurred_at: claim.occurred_at,
            occurred_source: OccurredSource::Ledger,
            claim: Some(claim.id),
            translator: None,
            party: None,
            evidence: if with_evidence { claim.evidence.iter().cloned().collect() } else { Vec::new() },
        };
        let lines = self.lines(&fact)?;
        self.seal(fact, hash, context, event_id, Some(cause), None, lines, None)?;
        Ok(self.sealed.last().map(Sealed::reference))
    }

    pub(super) fn lines(&self, fact: &Fact) -> Result<Lines, PostingError> {
        let none = SubjectState::default();
        let state = self.state(fact.subject).unwrap_or(&none);
        post(fact, &self.known.config, state)
    }

    #[allow(clippy::too_many_arguments)]
    fn seal(
        &mut self,
        fact: Fact,
        fact_hash: Hash,
        context: Context,
        event_id: EventId,
        cause: Option<EventId>,
        operator_key: Option<Hash>,
        lines: Lines,
        no_lines: Option<NoLines>,
    ) -> Result<(), Refused> {
        let position = self.known.edge.size() + 1;
        let recorded_at = self.now.max(self.known.recorded_at);
        let posting_key = if lines.0.is_empty() { None } else { fact.posting_key(self.book) };
        let no_lines = no_lines.or_else(|| lines.0.is_empty().then_some(NoLines::None));
        let mut event = Event {
            record: Record {
                book: self.book,
                event_id,
                position,
                recorded_at,
                book_date: String::new(),
                rules: RULES,
                configuration: self.known.config.position,
                lines,
                no_lines,
                posting_key,
                operator_key,
                cause,
            },
            fact,
            context,
        };
        if self.known.config.mode.is_none() {
            // Position 1 configures itself.
            self.known.config.apply(&event);
            event.record.configuration = position;
        }
        event.record.book_date = self.book_date(event.context.occurred_at)?;
        let leaf = leaf::encode(&event);
        if leaf.len() > LEAF_BYTES_MAX {
            let size = leaf.len();
            return Err(Refused::new(Refusal::TooLarge, format!("a leaf of {size} bytes, above {LEAF_BYTES_MAX}")));
        }
        let sealed = Sealed { leaf_hash: leaf::leaf_hash(&leaf), fact_hash, keys: keys_of(&event), leaf, event };
        self.move_forward(sealed)
    }

    fn move_forward(&mut self, sealed: Sealed) -> Result<(), Refused> {
        let event = &sealed.event;
        if sealed.keys.iter().any(|key| self.known_key(key).is_some()) {
            return Err(Refused::new(Refusal::WrongState, "a key of this event is already in the book"));
        }
        let wallet = event.fact.wallet.and_then(|wallet| self.known.wallets.get(&wallet));
        let standing = wallet.map(state::Standing::from).unwrap_or_default();
        for subject in state::touched(event) {
            let state = self.known.states.entry(subject).or_default();
            let before = state.reservations.clone();
            state::fold(subject, state, &sealed, standing)?;
            let after = state.reservations.clone();
            if before != after {
                self.reserve(&before, true, event.record.position)?;
                self.reserve(&after, false, event.record.position)?;
            }
        }
        for line in &event.record.lines.0 {
            let Some((wallet, held)) = self.wallet_of(line)? else { continue };
            self.move_wallet(wallet, event.record.position, |balance| {
                if held {
                    balance.held = balance.held.checked_add(line.amount)?;
                } else {
                    balance.posted = balance.posted.checked_add(line.amount)?;
                }
                Some(())
            })?;
        }
        if BookConfig::concerns(&event.fact.body) {
            self.known.config.apply(event);
            self.index_paths();
        }
        self.known.edge.push(sealed.leaf_hash);
        self.known.recorded_at = event.record.recorded_at;
        let known = KnownKey {
            position: sealed.event.record.position,
            fact_hash: sealed.fact_hash,
            leaf_hash: sealed.leaf_hash,
        };
        self.taken.extend(sealed.keys.iter().map(|key| (key.clone(), known)));
        self.sealed.push(sealed);
        Ok(())
    }

    /// The wallet that a line moves, and whether it is its held part.
    fn wallet_of(&self, line: &Line) -> Result<Option<(WalletId, bool)>, Refused> {
        match self.paths.get(&line.account) {
            Some((wallet, held, currency)) if currency == line.currency => Ok(Some((wallet, held))),
            None if !accounts::is_wallet(&line.account) => Ok(None),
            _ => Err(Refused::new(Refusal::WrongState, "a line on a wallet that is not configured in that currency")),
        }
    }

    fn reserve(&mut self, list: &[state::Reservation], release: bool, position: u64) -> Result<(), Refused> {
        for reservation in list {
            self.move_wallet(reservation.wallet, position, |balance| {
                balance.reserved = if release {
                    balance.reserved.checked_sub(reservation.amount)?
                } else {
                    balance.reserved.checked_add(reservation.amount)?
                };
                Some(())
            })?;
        }
        Ok(())
    }

    fn move_wallet(
        &mut self,
        wallet: WalletId,
        position: u64,
        change: impl FnOnce(&mut WalletBalance) -> Option<()>,
    ) -> Result<(), Refused> {
        let Some(balance) = self.known.wallets.get_mut(&wallet) else {
            return Err(Refused::new(Refusal::UnknownConnection, "the wallet is not configured in this book"));
        };
        let before = *balance;
        change(balance).ok_or_else(|| Refused::new(Refusal::BadAmounts, "a wallet balance beyond the range"))?;
        if *balance != before {
            balance.position = position;
        }
        Ok(())
    }

    /// The date in the book's zone, or the first open day if that day's period is closed.
    fn book_date(&self, occurred_at: Time) -> Result<String, Refused> {
        let config = &self.known.config;
        let mut date = self.day_of(occurred_at)?;
        // Closed ranges are few; each step leaves one behind for good.
        for _ in 0..=config.closed.len() {
            let text = date.to_string();
            let closed = config.closed.iter().find(|(from, to)| (from..=to).contains(&&text));
            let Some((_, to)) = closed else { break };
            let after = to.parse::<jiff::civil::Date>().ok().and_then(|day| day.tomorrow().ok());
            date = after.ok_or_else(|| Refused::new(Refusal::ConfigurationConflict, "a closed period has no end"))?;
        }
        Ok(date.to_string())
    }

    pub(super) const fn known(&self) -> &Known {
        &self.known
    }
}

/// The unique keys of an event.
pub fn keys_of(event: &Event) -> Vec<Key> {
    let record = &event.record;
    let mut keys = vec![Key { kind: KeyKind::Event, bytes: record.event_id.as_bytes().to_vec() }];
    keys.extend(record.posting_key.map(|key| Key { kind: KeyKind::Posting, bytes: key.0.to_vec() }));
    keys.extend(record.operator_key.map(|key| Key { kind: KeyKind::Operator, bytes: key.0.to_vec() }));
    keys
}
