//! Facts of our own, without a provider: invoices, allocations, openings, fundings, verdicts.
//!
//! Command and notes are one transaction; the notes go out one after another, each once the one before is recorded. So a
//! crash leaves a command that goes on, and a refusal one that stops there.

use ensimbi_events::bus::Outcome;
use ensimbi_events::codes::Refusal;
use ensimbi_events::commands::{CommandError, FACTS_MAX, Origin, Telling, Told, ToldFact};
use ensimbi_events::event::{Line, Proof};
use ensimbi_events::ids::{self, Derivation};
use ensimbi_events::{Body, EvidenceClass, Fact, ObservationId, PartyId, SubjectId, Time};
use uuid::Uuid;

use super::notes::Behind;
use super::{PATIENCE, Stopped, repeated};
use crate::door::connections::find;
use crate::door::parties::{self, PartyRecord};
use crate::door::store::commands::{self, NewCommand};
use crate::door::store::outbox::{self, ClaimOutcome, NewNote};
use crate::door::store::{Tx, inbox, proposals};
use crate::door::{Door, DoorError, TRANSLATOR};

impl Door {
    /// What was told under this route and key before, if anything was.
    pub(super) async fn told_before(
        &self,
        origin: &Origin,
        route: &'static str,
        body: &[u8],
    ) -> Result<Option<Told>, CommandError> {
        self.check_origin(origin)?;
        let id = ids::intent_id(self.book, route, &origin.idempotency_key);
        let mut tx = self.store.read().await?;
        let Some(stored) = commands::body_hash(&mut tx, self.book, id).await? else { return Ok(None) };
        drop(tx);
        if stored != self.telling_hash(body) {
            return Err(CommandError::IdempotencyConflict);
        }
        self.answers(id, true).await.map(Some)
    }

    /// Stores what is told, or finds it again, and waits for the ledger's answers.
    pub(super) async fn take_telling(&self, origin: &Origin, telling: &Telling) -> Result<Told, CommandError> {
        self.check_origin(origin)?;
        if !(1..=FACTS_MAX).contains(&telling.facts.len()) {
            return Err(CommandError::Broken(format!("{} facts in one command", telling.facts.len())));
        }
        let id = ids::intent_id(self.book, telling.route, &origin.idempotency_key);
        let repeated = repeated(|| self.tell_once(origin, telling, id)).await?;
        self.answers(id, repeated).await
    }

    pub(super) fn telling_hash(&self, body: &[u8]) -> [u8; 32] {
        self.body_hash(Derivation::new("ensimbi.command.1").part(body))
    }

    /// Waits until the ledger has answered every fact, or refused one.
    pub(super) async fn answers(&self, id: SubjectId, repeated: bool) -> Result<Told, CommandError> {
        let refusal = |claims: &[ClaimOutcome]| {
            claims.iter().find_map(|claim| match &claim.outcome {
                Some(Outcome::Refused { code, detail }) => Some((*code, detail.clone())),
                _ => None,
            })
        };
        let look = || async {
            let mut tx = self.store.read().await?;
            let claims = outbox::of_source(&mut tx, self.book, source(id)).await?;
            let complete = claims.iter().all(|claim| claim.outcome.is_some()) || refusal(&claims).is_some();
            Ok::<_, DoorError>((claims, complete))
        };
        let claims = self.until_answered(PATIENCE, look).await?;
        if let Some((code, detail)) = refusal(&claims) {
            return Err(CommandError::Refused { code, detail });
        }
        let facts = claims.into_iter().map(|claim| ToldFact { word: claim.word, outcome: claim.outcome });
        Ok(Told { facts: facts.collect(), repeated })
    }

    /// Says whether the command was there already.
    async fn tell_once(&self, origin: &Origin, telling: &Telling, id: SubjectId) -> Result<bool, Stopped> {
        let body_hash = self.telling_hash(&telling.body);
        let mut tx = self.store.write().await?;
        if let Some(stored) = commands::body_hash(&mut tx, self.book, id).await? {
            return if stored == body_hash { Ok(true) } else { Err(CommandError::IdempotencyConflict.into()) };
        }
        if proposals::body_hash(&mut tx, self.book, id).await?.is_some() {
            let detail =
                "this Idempotency-Key asked for a second person's approval; something new needs a new key".to_owned();
            return Err(CommandError::Refused { code: Refusal::ApprovalNeeded, detail }.into());
        }
        let now = self.clock.now();
        let party = match &telling.party {
            Some(party) => {
                let (phone, name, email) = (party.phone.clone(), party.name.clone(), party.email.clone());
                let record = PartyRecord { phone, name, email, ..PartyRecord::default() };
                parties::upsert(self, &mut tx, &record).await?
            }
            None => None,
        };
        let facts = telling.facts.iter().map(|(fact, _)| fact);
        let evidence = self.evidence(&mut tx, telling.evidence, facts).await?;
        let key = &origin.idempotency_key;
        let new = NewCommand { id, route: telling.route, key, body_hash, party };
        if !commands::insert(&mut tx, self.book, &new, now).await? {
            return Err(DoorError::Conflict("a command appeared".into()).into());
        }
        let mut notes = Vec::with_capacity(telling.facts.len());
        for (index, fact) in telling.facts.iter().enumerate() {
            notes.push(self.told_note(id, index, fact, Behind { party, evidence: evidence.clone() })?);
        }
        outbox::chain(&mut tx, self.book, &notes, now).await?;
        tx.commit().await?;
        self.wake.outbox.notify_one();
        Ok(false)
    }

    pub(super) fn told_note(
        &self,
        command: SubjectId,
        index: usize,
        (fact, at): &(Fact, Option<Time>),
        behind: Behind,
    ) -> Result<NewNote, DoorError> {
        let index = u32::try_from(index).map_err(|_| DoorError::Damaged("too many facts".into()))?;
        let source = source(command);
        let mut fact = fact.clone();
        party_of(&mut fact.body, behind.party);
        let at = at.unwrap_or_else(|| self.clock.now());
        self.own_note(source, ids::claim_id(source, index, TRANSLATOR), fact, at, behind)
    }

    /// The bytes that a person names, as evidence of claims. Of a wallet only its own connection's say anything.
    pub(super) async fn evidence<'a>(
        &self,
        tx: &mut Tx,
        named: Option<ObservationId>,
        facts: impl IntoIterator<Item = &'a Fact>,
    ) -> Result<Option<Proof>, Stopped> {
        let Some(id) = named else { return Ok(None) };
        let refused = |code, detail: &str| Err(CommandError::Refused { code, detail: detail.to_owned() }.into());
        let Some(row) = inbox::get(tx, self.book, id).await? else {
            return refused(Refusal::UnknownSubject, "evidence: this book has no observation of this id");
        };
        if row.class == EvidenceClass::Hint {
            return refused(
                Refusal::HintOnly,
                "evidence: a hint proves nothing; name bytes that were read, or import them",
            );
        }
        if row.sealed.wrapped_key.is_none() {
            return refused(Refusal::WrongState, "evidence: its bytes have been erased");
        }
        let from = find(&self.connections, row.connection).map(|connection| connection.settings.code());
        if let Some(other) = facts.into_iter().flat_map(wallets_of).find(|code| Some(*code) != from) {
            return refused(Refusal::WrongState, &format!("evidence: its bytes are not of the connection {other}"));
        }
        Ok(Some(row.proof()))
    }
}

/// What the claims of a command name as their source. An intent of the same id has its own notes.
fn source(command: SubjectId) -> Uuid {
    Derivation::new("ensimbi.told.1").id(Some(command.0)).uuid()
}

/// Account codes of the connections whose wallets a person's own lines move.
fn wallets_of(fact: &Fact) -> impl Iterator<Item = &str> {
    let lines: &[Line] = match &fact.body {
        Body::AdjustmentPosted(body) => &body.lines.0,
        _ => &[],
    };
    lines.iter().filter_map(|line| {
        let mut parts = line.account.split(':');
        let wallet = parts.next() == Some("assets") && matches!(parts.next(), Some("wallet" | "held"));
        parts.next().filter(|_| wallet)
    })
}

/// Invoices name whom they are for by the vault's id, which only the door knows.
fn party_of(body: &mut Body, party: Option<PartyId>) {
    match body {
        Body::InvoiceDrafted(body) => body.party_id = body.party_id.or(party),
        Body::InvoicePublished(body) => body.party_id = body.party_id.or(party),
        _ => {}
    }
}
