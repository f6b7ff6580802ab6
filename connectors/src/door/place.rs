//! From what a translator said to claims: whose subject, which wallet, which party.
//!
//! Subject: the intent whose reference the object carries (or carried once), else derived from the object. Wallet: the
//! one the bytes name, else the intent's, else the only one of the connection in that currency and purse; money without
//! a wallet is nobody's: the observation is quarantined. What a statement is about beside its object ([`Links`]) gets our
//! ids here.
//!
//! At a provider with two steps several objects may carry one reference, since a lost answer to the first step is
//! repeated. Only the one that the attempt names was ever carried out: what the others say of their end is nobody's.

use ensimbi_events::ids::{self, ObjectKey};
use ensimbi_events::word::OccurredSource;
use ensimbi_events::words::payment::{RefundFailed, RefundSucceeded};
use ensimbi_events::words::payout::{
    PayoutFailed, PayoutPending, PayoutReversed, PayoutSucceeded, WithdrawalFailed, WithdrawalReversed,
    WithdrawalSucceeded,
};
use ensimbi_events::{Body, Claim, Fact, PartyId, SubjectId, SubjectKind, WalletId};

use uuid::Uuid;

use super::connections::Connection;
use super::holds;
use super::links::{self, Linked};
use super::parties::{self, PartyRecord};
use super::store::attempts::{self, Attempt, Found, Owner};
use super::store::checks::{self, CheckKey};
use super::store::inbox::{self, Waiting};
use super::store::intents::{Intent, IntentKind};
use super::store::outbox::NewNote;
use super::store::{Tx, counters, intents};
use super::{Door, DoorError};
use crate::connector::{ObjectRef, PartyDetails, Said};

/// Largest claim as JSON, in bytes; it travels in one message and becomes a leaf of at most 65,535 bytes.
const CLAIM_BYTES_MAX: usize = 128 * 1024;
/// Longest id or reference of a provider's object.
const OBJECT_WORD_MAX: usize = 300;

/// Why an observation cannot become claims; for a person, without values of a party.
pub(crate) type Reason = String;

/// A claim with its JSON, if it is not too large.
pub(crate) fn note(source: Uuid, claim: Claim) -> Result<NewNote, Reason> {
    match serde_json::to_string(&claim) {
        Ok(body) if body.len() <= CLAIM_BYTES_MAX => Ok(NewNote { source, claim, body }),
        Ok(_) => Err("a statement is too large".to_owned()),
        Err(why) => Err(format!("a statement cannot be written: {why}")),
    }
}

/// Whether an object can be stored and looked for.
pub(crate) fn check_object(connection: &Connection, object: &ObjectRef) -> Result<(), Reason> {
    let fits = |text: &Option<String>| {
        text.as_ref().is_none_or(|t| (1..=OBJECT_WORD_MAX).contains(&t.len()) && !t.contains('\0'))
    };
    if connection.object_kind(object.kind).is_none() {
        return Err(format!("the connector does not declare the object kind {}", object.kind));
    }
    if !fits(&object.id) || !fits(&object.reference) || (object.id.is_none() && object.reference.is_none()) {
        return Err("an object's id or reference is missing, too long, or holds a NUL".to_owned());
    }
    Ok(())
}

/// Whose attempt an object is, if it is one of ours.
pub(crate) async fn owner(
    door: &Door,
    tx: &mut Tx,
    connection: &Connection,
    object: &ObjectRef,
    hint: Option<SubjectId>,
) -> Result<Option<Owner>, DoorError> {
    // Later attempts carry out the same object, which keeps the first one's reference.
    if connection.connector.facts().two_steps
        && let Some(id) = &object.id
        && let Some(owner) = attempts::owner_of_object(tx, door.book, connection.id, object.kind, id).await?
    {
        return Ok(Some(owner));
    }
    if let Some(reference) = &object.reference
        && let Some(owner) = attempts::owner_of_reference(tx, door.book, connection.id, reference).await?
    {
        return Ok(Some(owner));
    }
    if let Some(id) = &object.id
        && let Some(owner) = attempts::owner_of_object(tx, door.book, connection.id, object.kind, id).await?
    {
        return Ok(Some(owner));
    }
    // The answer to our own call, without our reference in it.
    match (hint, &object.reference) {
        (Some(intent), None) => owner_of_intent(door, tx, intent).await,
        _ => Ok(None),
    }
}

async fn owner_of_intent(door: &Door, tx: &mut Tx, intent: SubjectId) -> Result<Option<Owner>, DoorError> {
    let attempt = attempts::last(tx, door.book, intent).await?;
    let stored = intents::get(tx, door.book, intent).await?;
    Ok(attempt.zip(stored).map(|(attempt, stored)| owner_from(attempt, &stored)))
}

/// The owner that an attempt and its intent are.
pub(crate) fn owner_from(attempt: Attempt, stored: &Intent) -> Owner {
    Owner {
        intent: attempt.intent,
        n: attempt.n,
        wallet: stored.wallet,
        reference: attempt.reference,
        kind: stored.kind,
        object_kind: attempt.object_kind,
        object_id: attempt.object_id,
        earlier_end: None,
        items: stored.items,
    }
}

/// Whether a subject of this kind is about money in a wallet.
const fn needs_wallet(kind: SubjectKind) -> bool {
    !matches!(kind, SubjectKind::Book | SubjectKind::Connection | SubjectKind::Invoice)
}

fn wallet(connection: &Connection, said: &Said, owner: Option<&Owner>) -> Result<Option<WalletId>, Reason> {
    let unconfigured = || {
        let currency = said.currency.as_ref().map(ensimbi_events::Currency::as_str);
        let named: Vec<&str> = currency.into_iter().chain(said.links.purse).collect();
        ["a wallet that is not configured: ", &named.join(" ")].concat()
    };
    if let (Some(provider_id), None) = (&said.wallet, said.links.purse) {
        let found = connection.wallet_of(provider_id, said.currency);
        return found.map(|wallet| Some(wallet.id)).ok_or_else(unconfigured);
    }
    if let Some(owner) = owner.filter(|_| needs_wallet(said.subject_kind)) {
        return Ok(Some(owner.wallet));
    }
    if let Some(purse) = said.links.purse {
        let found = connection.purse_of(purse, said.currency);
        let found = found.filter(|wallet| said.wallet.as_ref().is_none_or(|id| *id == wallet.settings.id));
        return found.map(|wallet| Some(wallet.id)).ok_or_else(unconfigured);
    }
    match connection.only_wallet(said.currency, None) {
        Some(wallet) => Ok(Some(wallet.id)),
        None if needs_wallet(said.subject_kind) => Err("nothing says which wallet it is about".to_owned()),
        None => Ok(None),
    }
}

/// A statement about money that leaves, in the words of the order it belongs to: which attempt it was, and that a
/// withdrawal is no payout. `None` where there is no such word.
fn of_order(body: Body, owner: &Owner) -> Option<Body> {
    let (attempt, withdrawal) = (owner.n, owner.kind == IntentKind::Withdrawal);
    Some(match body {
        Body::PayoutPending(_) if withdrawal => return None,
        Body::PayoutPending(body) => PayoutPending { attempt: Some(attempt), ..body }.into(),
        Body::PayoutFailed(body) if withdrawal => {
            let PayoutFailed { amount, is_final, reason, .. } = body;
            WithdrawalFailed { attempt, amount, is_final, reason }.into()
        }
        Body::PayoutFailed(body) => PayoutFailed { attempt, ..body }.into(),
        Body::PayoutSucceeded(body) if withdrawal => {
            let PayoutSucceeded { amount, wallet_debit, fees, .. } = body;
            WithdrawalSucceeded { attempt: Some(attempt), amount, wallet_debit, fees }.into()
        }
        Body::PayoutSucceeded(body) => PayoutSucceeded { attempt: Some(attempt), ..body }.into(),
        Body::RefundFailed(body) => RefundFailed { attempt, ..body }.into(),
        Body::RefundSucceeded(body) => RefundSucceeded { attempt: Some(attempt), ..body }.into(),
        Body::PayoutReversed(body) if withdrawal && body.fees.is_empty() => {
            let PayoutReversed { amount, wallet_credit, returned, .. } = body;
            WithdrawalReversed { amount, wallet_credit, returned }.into()
        }
        other => other,
    })
}

/// Whether a statement says that an attempt came to nothing for good.
pub(crate) const fn is_failure(body: &Body) -> bool {
    match body {
        Body::CollectionFailed(body) => body.is_final,
        Body::PayoutFailed(body) => body.is_final,
        Body::WithdrawalFailed(body) => body.is_final,
        Body::RefundFailed(body) => body.is_final,
        _ => false,
    }
}

/// What a statement says of the attempt that its object belongs to. A fee or a row by itself says nothing of it.
const fn found(body: &Body) -> Option<Found> {
    Some(match body {
        body if is_failure(body) => Found::Failed,
        Body::CollectionPending(_)
        | Body::CollectionAuthorised(_)
        | Body::CollectionFailed(_)
        | Body::PayoutPending(_)
        | Body::PayoutFailed(_)
        | Body::RefundFailed(_) => Found::Alive,
        Body::CollectionSucceeded(_)
        | Body::CollectionReversed(_)
        | Body::PayoutSucceeded(_)
        | Body::PayoutReversed(_)
        | Body::RefundSucceeded(_)
        | Body::RefundReversed(_) => Found::Done,
        _ => return None,
    })
}

/// A statement where it belongs; nothing of it is written yet.
pub(crate) struct Placed {
    /// Whose attempt its object is.
    owner: Option<Owner>,
    /// What it says of that attempt.
    found: Option<Found>,
    /// The provider's object.
    object_kind: &'static str,
    object_id: String,
    /// The other side.
    party: Option<PartyDetails>,
    /// The claim without its party; `None` where the order has no word for it, or where it is a balance of a purse that
    /// nobody configured, with the reason.
    pub(crate) claim: Result<Claim, Option<Reason>>,
}

/// Finds out where a statement belongs; reads only. `index` is its place in the bytes. `None` where it is nothing that
/// the ledger should hear.
pub(crate) async fn placed(
    door: &Door,
    tx: &mut Tx,
    connection: &Connection,
    row: &Waiting,
    index: u32,
    mut said: Said,
) -> Result<Result<Option<Placed>, Reason>, DoorError> {
    let facts = connection.connector.facts();
    // An invoice or a dispute has a life of its own, beside the order that it belongs to.
    let orders = !matches!(said.subject_kind, SubjectKind::Invoice | SubjectKind::Dispute);
    let mut owner = match orders {
        true => owner(door, tx, connection, &said.object, row.subject_hint).await?,
        false => None,
    };
    let linked = links::resolve(door, tx, connection, row, &said, owner.as_ref()).await?;
    // A receipt has no life of its own: it is about the payment that it names.
    let receipt = matches!(said.body, Body::FeesReported(_)) && linked.original.is_some();
    if receipt {
        owner.clone_from(&linked.original_of);
    }
    if owner.is_none() {
        owner = links::refund_of_ours(door, tx, &said, &linked).await?;
    }
    if says_nothing(&said, owner.as_ref(), &linked) {
        return Ok(Ok(None));
    }
    let mut placed = Placed {
        owner: None,
        found: None,
        object_kind: said.object.kind,
        object_id: String::new(),
        party: None,
        claim: Err(None),
    };
    let wallet = match wallet(connection, &said, owner.as_ref()) {
        Ok(wallet) => wallet,
        // A purse that nobody configured is no part of this book, and keeps no other one's balance from it.
        Err(reason) if matches!(said.body, Body::BalanceReported(_)) => {
            placed.claim = Err(Some(reason));
            return Ok(Ok(Some(placed)));
        }
        Err(reason) => return Ok(Err(reason)),
    };
    let Some(object_id) = said.object.id.clone() else {
        return Ok(Err("a statement about an object without an id".to_owned()));
    };
    placed.object_id.clone_from(&object_id);
    if let Some(owner) = &owner {
        placed.found = found(&said.body);
        placed.owner = Some(owner.clone());
        match of_order(said.body, owner) {
            Some(body) => said.body = body,
            None => return Ok(Ok(Some(placed))),
        }
        // What hangs on an order (a fee by itself) keeps its own kind of subject.
        let own = [SubjectKind::Payment, SubjectKind::Payout, SubjectKind::Transfer, SubjectKind::Refund];
        if own.contains(&said.subject_kind) {
            said.subject_kind = owner.kind.subject_kind();
        }
    }
    said.body = links::filled(said.body, &linked, wallet);
    placed.party = said.party;
    let key = ObjectKey {
        book: door.book,
        connection: Some(connection.id),
        object_kind: said.object.kind,
        object_id: &object_id,
    };
    let subject = match (&owner, said.subject_kind, wallet) {
        (Some(owner), _, _) => owner.intent,
        (None, _, _) if receipt => linked.original.unwrap_or_else(|| key.subject_id()),
        // What is said of a wallet is about our wallet, under whatever word the provider has for it.
        (None, SubjectKind::Wallet, Some(wallet)) => SubjectId(wallet.0),
        _ => key.subject_id(),
    };
    let (occurred_at, occurred_source) = match said.occurred_at {
        Some(at) => (at, OccurredSource::Provider),
        None => (row.received_at, OccurredSource::Observation),
    };
    placed.claim = Ok(Claim {
        id: ids::claim_id(row.id.0, index, facts.translator),
        book: door.book,
        fact: Fact {
            subject,
            subject_kind: said.subject_kind,
            connection: Some(connection.id),
            wallet,
            object_kind: Some(said.object.kind.to_owned()),
            object_id: Some(object_id),
            occurrence: said.occurrence,
            currency: said.currency,
            version: said.body.version(),
            body: said.body,
        },
        occurred_at,
        occurred_source,
        translator: facts.translator.to_owned(),
        evidence: Some(row.proof()),
        party: None,
        doubt: said.doubt,
        operator_transaction: said.operator_transaction.filter(|_| facts.operator_transaction_unique),
        confirms: said.confirms,
    });
    Ok(Ok(Some(placed)))
}

/// One statement as a claim, with everything it needs written in this transaction; `index` is its place in the bytes.
/// `None` where the order has no word for it.
pub(crate) async fn claim(
    door: &Door,
    tx: &mut Tx,
    connection: &Connection,
    row: &Waiting,
    index: u32,
    said: Said,
) -> Result<Result<Option<NewNote>, Reason>, DoorError> {
    let placed = match placed(door, tx, connection, row, index, said).await? {
        Ok(Some(placed)) => placed,
        Ok(None) => return Ok(Ok(None)),
        Err(reason) => return Ok(Err(reason)),
    };
    if let (Some(owner), Some(found)) = (&placed.owner, placed.found) {
        attempts::found(tx, door.book, owner, &placed.object_id, found, door.clock.now()).await?;
        // It was watched by our reference while its own id was not known.
        checks::forget(tx, door.book, &CheckKey::by_reference(connection.id, placed.object_kind, &owner.reference))
            .await?;
    }
    let mut claim = match placed.claim {
        Ok(claim) => claim,
        Err(reason) => {
            if let Some(reason) = reason {
                tracing::warn!(slug = connection.settings.slug, reason, "a balance is left aside");
                counters::add(tx, door.book, counters::BALANCES_LEFT_ASIDE, 1).await?;
            }
            return Ok(Ok(None));
        }
    };
    claim.party = party(door, tx, row, placed.party.as_ref()).await?;
    if !claim.confirms {
        holds::keep(door, tx, &claim).await?;
    }
    Ok(note(row.id.0, claim).map(Some))
}

/// Whether a statement is nothing that the ledger should hear.
fn says_nothing(said: &Said, owner: Option<&Owner>, linked: &Linked) -> bool {
    // A push that a read will state anyway is worth keeping as evidence where money moved.
    if said.confirms && !matches!(said.body, Body::CollectionSucceeded(_) | Body::PayoutSucceeded(_)) {
        return true;
    }
    // Our own order that sells nothing by name is a payment, and no invoice of the provider's.
    let ordered = linked.invoice_of.as_ref().or(owner);
    if said.subject_kind == SubjectKind::Invoice && ordered.is_some_and(|owner| owner.items == 0) {
        return true;
    }
    let Some(owner) = owner else { return false };
    let other = owner.object_kind == said.object.kind && owner.object_id.is_some() && owner.object_id != said.object.id;
    let moved = !matches!(found(&said.body), None | Some(Found::Alive | Found::Failed));
    if other && owner.kind != IntentKind::Refund && linked.two_steps && !moved {
        return true;
    }
    // Told again, it is how an earlier attempt ended.
    is_failure(&said.body) && owner.earlier_end.as_deref() == Some(said.occurrence.as_str())
}

async fn party(
    door: &Door,
    tx: &mut Tx,
    row: &Waiting,
    details: Option<&PartyDetails>,
) -> Result<Option<PartyId>, DoorError> {
    let Some(details) = details else { return Ok(None) };
    let party = parties::upsert(door, tx, &PartyRecord::of(details)).await?;
    if let Some(party) = party {
        inbox::link(tx, door.book, row.id, party).await?;
    }
    Ok(party)
}
