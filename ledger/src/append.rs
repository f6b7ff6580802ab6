//! Append: one commit for many claims.
//!
//! lock head -> fence -> load -> decide -> write (keys first, the unique index decides) -> head -> commit.
//! Where a key was there already, the batch is decided once more with those keys known: looking every key up first would
//! cost each batch for the sake of the rare repeat that the subject's state did not tell.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ensimbi_events::bus::Outcome;
use ensimbi_events::config::BookConfig;
use ensimbi_events::ports::Clock;
use ensimbi_events::{BookId, Claim, SubjectId};

use crate::decide::state::{SEEN_MAX, SubjectState};
use crate::decide::{Decided, Decider, Key, KeyKind, Known, Sealed, keys_needed, needs, needs_next, trial_needed};
use crate::store::{AppendTx, HeadRow, Store, StoreError, Write};
use crate::tree::Edge;

/// What a batch came to.
pub struct Appended {
    /// One outcome a claim, in order.
    pub outcomes: Vec<Outcome>,
    /// What is new in the book, in order.
    pub sealed: Vec<Sealed>,
}

/// Appends a batch of claims to a book, as the writer of an epoch.
///
/// # Errors
/// [`StoreError::Fenced`] if another writer took over; [`StoreError::Retry`] and [`StoreError::Unavailable`] may be
/// repeated with the same claims: what was committed is then found by its keys.
pub async fn append(
    store: &dyn Store,
    clock: &dyn Clock,
    book: BookId,
    epoch: i64,
    claims: &[Claim],
) -> Result<Appended, StoreError> {
    let mut tx = store.begin(book).await?;
    if tx.head().epoch != epoch {
        tx.rollback().await?;
        return Err(StoreError::Fenced(book));
    }
    let known = load(tx.as_mut(), claims).await?;
    let (outcomes, decided) = decide(book, clock, known, claims);
    if forgotten(tx.as_mut(), book, claims, &outcomes, &decided).await? {
        tx.rollback().await?;
        return again(store, clock, book, epoch, claims, decided).await;
    }
    if decided.sealed.is_empty() {
        tx.rollback().await?;
        return Ok(Appended { outcomes, sealed: Vec::new() });
    }
    if write(tx.as_mut(), &decided).await? {
        tx.commit().await?;
        return Ok(Appended { outcomes, sealed: decided.sealed });
    }
    // Some key is in the book. The statement is spent, the transaction too: begin again, knowing which.
    tx.rollback().await?;
    again(store, clock, book, epoch, claims, decided).await
}

/// Whether a claim was refused that is recorded already, by an event that its subject's state no longer remembers. An
/// insert would have met its key; a refusal meets none.
async fn forgotten(
    tx: &mut dyn AppendTx,
    book: BookId,
    claims: &[Claim],
    outcomes: &[Outcome],
    decided: &Decided,
) -> Result<bool, StoreError> {
    let refused = claims.iter().zip(outcomes).filter(|(_, outcome)| matches!(outcome, Outcome::Refused { .. }));
    let forgets = |subject: &SubjectId| decided.known.states.get(subject).is_some_and(|s| s.seen.len() >= SEEN_MAX);
    let doubtful = refused.map(|(claim, _)| claim).filter(|claim| claim.book == book && forgets(&claim.fact.subject));
    let keys: Vec<Key> = doubtful.map(|claim| event_key(book, claim)).collect();
    Ok(!keys.is_empty() && !tx.keys(&keys).await?.is_empty())
}

fn event_key(book: BookId, claim: &Claim) -> Key {
    Key { kind: KeyKind::Event, bytes: claim.fact.event_id(book).as_bytes().to_vec() }
}

async fn again(
    store: &dyn Store,
    clock: &dyn Clock,
    book: BookId,
    epoch: i64,
    claims: &[Claim],
    first: Decided,
) -> Result<Appended, StoreError> {
    let mut tx = store.begin(book).await?;
    if tx.head().epoch != epoch {
        tx.rollback().await?;
        return Err(StoreError::Fenced(book));
    }
    let mut wanted: Vec<Key> = first.sealed.iter().flat_map(|sealed| sealed.keys.iter().cloned()).collect();
    wanted.extend(claims.iter().map(|claim| event_key(book, claim)));
    // Knowing one key can bring other events about; each round learns at least one more.
    for _ in 0..=claims.len() {
        let mut known = load(tx.as_mut(), claims).await?;
        known.keys.extend(tx.keys(&wanted).await?);
        let (outcomes, decided) = decide(book, clock, known, claims);
        if decided.sealed.is_empty() {
            tx.rollback().await?;
            return Ok(Appended { outcomes, sealed: Vec::new() });
        }
        let keys: Vec<Key> = decided.sealed.iter().flat_map(|sealed| sealed.keys.iter().cloned()).collect();
        if tx.keys(&keys).await?.is_empty() {
            if !write(tx.as_mut(), &decided).await? {
                return Err(StoreError::Damaged("a key appeared while the head was locked".to_owned()));
            }
            tx.commit().await?;
            return Ok(Appended { outcomes, sealed: decided.sealed });
        }
        wanted.extend(keys);
    }
    Err(StoreError::Damaged("the keys of a batch do not settle".to_owned()))
}

fn decide(book: BookId, clock: &dyn Clock, known: Known, claims: &[Claim]) -> (Vec<Outcome>, Decided) {
    let mut decider = Decider::new(book, clock.now(), known);
    let outcomes = claims.iter().map(|claim| decider.decide(claim)).collect();
    (outcomes, decider.finish())
}

async fn load(tx: &mut dyn AppendTx, claims: &[Claim]) -> Result<Known, StoreError> {
    let head = tx.head().clone();
    let damaged = |error: String| StoreError::Damaged(error);
    let edge = Edge::from_bytes(head.size, &head.edge).map_err(|error| damaged(error.to_string()))?;
    let config: BookConfig = match tx.config().await?.as_str() {
        "" => BookConfig::default(),
        text => serde_json::from_str(text).map_err(|error| damaged(format!("configuration: {error}")))?,
    };
    let mut states = HashMap::new();
    let mut wanted: BTreeSet<SubjectId> = claims.iter().flat_map(needs).collect();
    // Twice: what is loaded may point at invoices.
    for _ in 0..2 {
        if wanted.is_empty() {
            break;
        }
        let mut next = BTreeSet::new();
        for (subject, text) in tx.states(&wanted).await? {
            let state = parse_state(subject, &text)?;
            next.extend(needs_next(&state));
            states.insert(subject, state);
        }
        wanted = next.into_iter().filter(|subject| !states.contains_key(subject)).collect();
    }
    let wallets = tx.wallets().await?;
    // Rare words: what only they ask for is read only where a batch has one.
    let mut trials = BTreeMap::new();
    for to in claims.iter().filter_map(|claim| trial_needed(&claim.fact.body)).collect::<BTreeSet<_>>() {
        trials.insert(to.to_owned(), tx.balances_through(to).await?.into_iter().collect());
    }
    let asked: Vec<Key> = claims.iter().flat_map(keys_needed).collect();
    let keys = if asked.is_empty() { HashMap::new() } else { tx.keys(&asked).await?.into_iter().collect() };
    Ok(Known { edge, recorded_at: head.recorded_at, config, states, wallets, keys, trials })
}

/// A state row.
///
/// # Errors
/// [`StoreError::Damaged`].
pub fn parse_state(subject: SubjectId, text: &str) -> Result<SubjectState, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Damaged(format!("state of subject {subject}: {error}")))
}

/// A state for its row.
///
/// # Errors
/// [`StoreError::Damaged`]; cannot happen for states made by the fold.
pub fn state_text(state: &SubjectState) -> Result<String, StoreError> {
    serde_json::to_string(state).map_err(|error| StoreError::Damaged(error.to_string()))
}

async fn write(tx: &mut dyn AppendTx, decided: &Decided) -> Result<bool, StoreError> {
    let before = tx.head();
    let known = &decided.known;
    let configured = known.config.position != before.configuration;
    let mut subjects = Vec::with_capacity(decided.states.len());
    for subject in &decided.states {
        if let Some(state) = known.states.get(subject) {
            subjects.push((*subject, state_text(state)?));
        }
    }
    let config = if configured {
        let text = serde_json::to_string(&known.config).map_err(|error| StoreError::Damaged(error.to_string()))?;
        Some(text)
    } else {
        None
    };
    let write = Write {
        sealed: &decided.sealed,
        head: HeadRow {
            size: known.edge.size(),
            root: known.edge.root(),
            edge: known.edge.to_bytes(),
            epoch: before.epoch,
            recorded_at: known.recorded_at,
            configuration: known.config.position,
        },
        wallets: decided.wallets.iter().filter_map(|id| Some((*id, *known.wallets.get(id)?))).collect(),
        subjects,
        config,
    };
    tx.write(&write).await
}
