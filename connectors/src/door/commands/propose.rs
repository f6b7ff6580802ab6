//! Facts that wait for a second person: kept under the key that asked for them, and told under it once approved.
//!
//! propose: row -> nothing else. approve: row taken -> another person? -> approver, command and note in one commit -> the
//! ledger's answer. So a crash leaves either what still waits or what is told. withdraw: row taken -> who did, for ever.

use ensimbi_events::approvals::{Proposal, ProposalState, ProposalsQuery, Proposed};
use ensimbi_events::codes::Refusal;
use ensimbi_events::commands::{CommandError, Origin, Told};
use ensimbi_events::ids::{self, Derivation};
use ensimbi_events::{Body, Fact, SubjectId};

use super::notes::Behind;
use super::{Stopped, repeated};
use crate::door::store::commands::{self, NewCommand};
use crate::door::store::proposals::{self, NewProposal};
use crate::door::store::{Tx, outbox};
use crate::door::{Door, DoorError};

/// The routes under which the keys of approvals and withdrawals are kept.
const APPROVAL: &str = "proposals.approve";
const WITHDRAWAL: &str = "proposals.withdraw";

impl Door {
    /// Keeps what is asked, or finds it again.
    pub(super) async fn keep_proposal(&self, origin: &Origin, proposal: &Proposal) -> Result<Proposed, CommandError> {
        self.check_origin(origin)?;
        let id = ids::intent_id(self.book, proposal.route, &origin.idempotency_key);
        repeated(|| self.propose_once(origin, proposal, id)).await
    }

    async fn propose_once(&self, origin: &Origin, asked: &Proposal, id: SubjectId) -> Result<Proposed, Stopped> {
        let body_hash = self.telling_hash(&asked.body);
        let mut tx = self.store.write().await?;
        if let Some(stored) = proposals::body_hash(&mut tx, self.book, id).await? {
            if stored != body_hash {
                return Err(CommandError::IdempotencyConflict.into());
            }
            let found = proposals::get(&mut tx, self.book, id).await?;
            return found.ok_or_else(|| DoorError::Damaged("a proposal disappeared".into()).into());
        }
        self.evidence(&mut tx, asked.evidence, [&asked.fact]).await?;
        let Proposal { route, fact, at, actor_id, evidence, .. } = asked;
        let key = &origin.idempotency_key;
        let (now, at, evidence) = (self.clock.now(), *at, *evidence);
        let new = NewProposal { id, route, key, body_hash, fact, at, actor_id, evidence };
        if !proposals::insert(&mut tx, self.book, &new, now).await? {
            return Err(DoorError::Conflict("a proposal appeared".into()).into());
        }
        tx.commit().await?;
        let (fact, actor_id) = (fact.clone(), actor_id.clone());
        let (approved, withdrawn) = (None, None);
        Ok(Proposed { id, fact, at, actor_id, asked_at: now, evidence, approved, withdrawn, repeated: false })
    }

    /// Approves and tells. The one who asked, and a second approver, are refused.
    pub(super) async fn approve_proposal(
        &self,
        origin: &Origin,
        id: SubjectId,
        approver: &str,
    ) -> Result<Option<Told>, CommandError> {
        self.check_origin(origin)?;
        match repeated(|| self.approve_once(origin, id, approver)).await? {
            Some(before) => self.answers(id, before).await.map(Some),
            None => Ok(None),
        }
    }

    /// Says whether it was approved by the same person before.
    async fn approve_once(&self, origin: &Origin, id: SubjectId, approver: &str) -> Result<Option<bool>, Stopped> {
        let mut tx = self.store.write().await?;
        let Some(asked) = proposals::taken(&mut tx, self.book, id).await? else { return Ok(None) };
        let Some(proposed) = proposals::get(&mut tx, self.book, id).await? else { return Ok(None) };
        self.own_key(&mut tx, origin, APPROVAL, id, approver).await?;
        if proposed.actor_id == approver {
            let detail = "another API key than the one that asked must approve it".to_owned();
            return Err(CommandError::Refused { code: Refusal::ApprovalNeeded, detail }.into());
        }
        if let Some((before, _)) = &proposed.approved {
            let detail = "another person approved it already".to_owned();
            if before != approver {
                return Err(CommandError::Refused { code: Refusal::WrongState, detail }.into());
            }
            // The key of the repeat stays with it too.
            tx.commit().await?;
            return Ok(Some(true));
        }
        if proposed.withdrawn.is_some() {
            return Err(
                CommandError::Refused { code: Refusal::WrongState, detail: "it was withdrawn".to_owned() }.into()
            );
        }
        let now = self.clock.now();
        let evidence = self.evidence(&mut tx, proposed.evidence, [&proposed.fact]).await?;
        if !proposals::approve(&mut tx, self.book, id, approver, now).await? {
            return Err(DoorError::Conflict("somebody approved it meanwhile".into()).into());
        }
        let new = NewCommand { id, route: &asked.route, key: &asked.key, body_hash: asked.body_hash, party: None };
        if !commands::insert(&mut tx, self.book, &new, now).await? {
            return Err(DoorError::Damaged("what waits for approval was told already".into()).into());
        }
        let fact = (approved(proposed.fact, approver), proposed.at);
        let note = self.told_note(id, 0, &fact, Behind { party: None, evidence })?;
        outbox::chain(&mut tx, self.book, &[note], now).await?;
        tx.commit().await?;
        self.wake.outbox.notify_one();
        Ok(Some(false))
    }

    /// Withdraws what waits, or finds it withdrawn.
    pub(super) async fn withdraw_proposal(
        &self,
        origin: &Origin,
        id: SubjectId,
        actor: &str,
    ) -> Result<Option<Proposed>, CommandError> {
        self.check_origin(origin)?;
        repeated(|| self.withdraw_once(origin, id, actor)).await
    }

    async fn withdraw_once(&self, origin: &Origin, id: SubjectId, actor: &str) -> Result<Option<Proposed>, Stopped> {
        let mut tx = self.store.write().await?;
        if proposals::taken(&mut tx, self.book, id).await?.is_none() {
            return Ok(None);
        }
        let Some(proposed) = proposals::get(&mut tx, self.book, id).await? else { return Ok(None) };
        self.own_key(&mut tx, origin, WITHDRAWAL, id, actor).await?;
        match proposed.state() {
            ProposalState::Withdrawn => {
                tx.commit().await?;
                return Ok(Some(proposed));
            }
            ProposalState::Approved => {
                let detail = "it was approved; post its reversal".to_owned();
                return Err(CommandError::Refused { code: Refusal::WrongState, detail }.into());
            }
            ProposalState::Waiting => {}
        }
        let now = self.clock.now();
        if !proposals::withdraw(&mut tx, self.book, id, actor, now).await? {
            return Err(DoorError::Conflict("it waits no more".into()).into());
        }
        tx.commit().await?;
        Ok(Some(Proposed { withdrawn: Some((actor.to_owned(), now)), repeated: false, ..proposed }))
    }

    /// The same key for another approval or withdrawal is a conflict, as everywhere.
    async fn own_key(
        &self,
        tx: &mut Tx,
        origin: &Origin,
        route: &'static str,
        id: SubjectId,
        actor: &str,
    ) -> Result<(), Stopped> {
        let own = ids::intent_id(self.book, route, &origin.idempotency_key);
        let said = Derivation::new("ensimbi.approval.1").id(Some(id.0)).part(actor.as_bytes());
        let body_hash = self.body_hash(said);
        match commands::body_hash(tx, self.book, own).await? {
            Some(stored) if stored != body_hash => Err(CommandError::IdempotencyConflict.into()),
            Some(_) => Ok(()),
            None => {
                let new = NewCommand { id: own, route, key: &origin.idempotency_key, body_hash, party: None };
                if !commands::insert(tx, self.book, &new, self.clock.now()).await? {
                    return Err(DoorError::Conflict("a command appeared".into()).into());
                }
                Ok(())
            }
        }
    }

    /// A page of what waits or was approved.
    pub(super) async fn list_proposals(&self, query: &ProposalsQuery) -> Result<Vec<Proposed>, CommandError> {
        let mut tx = self.store.read().await?;
        Ok(proposals::list(&mut tx, self.book, query).await?)
    }
}

/// The fact with the one who approved it.
fn approved(mut fact: Fact, approver: &str) -> Fact {
    if let Body::AdjustmentPosted(body) = &mut fact.body {
        body.approver_id = Some(approver.to_owned());
    }
    fact
}
