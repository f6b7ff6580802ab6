//! Facts that wait for a second person: kept under the key that asked for them, and told under it once approved.
//!
//! propose: row -> nothing else. approve: row taken -> another person? -> approver, command and note in one commit -> the
//! ledger's answer. So a crash leaves either what still waits or what is told.

use ensimbi_events::approvals::{Proposal, ProposalsQuery, Proposed};
use ensimbi_events::codes::Refusal;
use ensimbi_events::commands::{CommandError, Origin, Told};
use ensimbi_events::ids::{self, Derivation};
use ensimbi_events::{Body, Fact, SubjectId};

use super::{Stopped, repeated};
use crate::door::store::commands::{self, NewCommand};
use crate::door::store::outbox;
use crate::door::store::proposals::{self, NewProposal};
use crate::door::{Door, DoorError};

/// The route under which the key of an approval is kept.
const APPROVAL: &str = "proposals.approve";

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
        let Proposal { route, fact, at, actor_id, .. } = asked;
        let key = &origin.idempotency_key;
        let (now, at) = (self.clock.now(), *at);
        let new = NewProposal { id, route, key, body_hash, fact, at, actor_id };
        if !proposals::insert(&mut tx, self.book, &new, now).await? {
            return Err(DoorError::Conflict("a proposal appeared".into()).into());
        }
        tx.commit().await?;
        let (fact, actor_id) = (fact.clone(), actor_id.clone());
        Ok(Proposed { id, fact, at, actor_id, asked_at: now, approved: None, repeated: false })
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
        self.approval_key(&mut tx, origin, id, approver).await?;
        if proposed.actor_id == approver {
            let detail = "another API key than the one that asked must approve it".to_owned();
            return Err(CommandError::Refused { code: Refusal::ApprovalNeeded, detail }.into());
        }
        if let Some((before, _)) = &proposed.approved {
            let detail = "another person approved it already".to_owned();
            let other = CommandError::Refused { code: Refusal::WrongState, detail };
            return if before == approver { Ok(Some(true)) } else { Err(other.into()) };
        }
        let now = self.clock.now();
        if !proposals::approve(&mut tx, self.book, id, approver, now).await? {
            return Err(DoorError::Conflict("somebody approved it meanwhile".into()).into());
        }
        let new = NewCommand { id, route: &asked.route, key: &asked.key, body_hash: asked.body_hash, party: None };
        if !commands::insert(&mut tx, self.book, &new, now).await? {
            return Err(DoorError::Damaged("what waits for approval was told already".into()).into());
        }
        let note = self.told_note(id, 0, &(approved(proposed.fact, approver), proposed.at), None)?;
        outbox::chain(&mut tx, self.book, &[note], now).await?;
        tx.commit().await?;
        self.wake.outbox.notify_one();
        Ok(Some(false))
    }

    /// The same key for another approval is a conflict, as everywhere.
    async fn approval_key(
        &self,
        tx: &mut crate::door::store::Tx,
        origin: &Origin,
        id: SubjectId,
        approver: &str,
    ) -> Result<(), Stopped> {
        let own = ids::intent_id(self.book, APPROVAL, &origin.idempotency_key);
        let said = Derivation::new("ensimbi.approval.1").id(Some(id.0)).part(approver.as_bytes());
        let body_hash = self.body_hash(said);
        match commands::body_hash(tx, self.book, own).await? {
            Some(stored) if stored != body_hash => Err(CommandError::IdempotencyConflict.into()),
            Some(_) => Ok(()),
            None => {
                let new = NewCommand { id: own, route: APPROVAL, key: &origin.idempotency_key, body_hash, party: None };
                commands::insert(tx, self.book, &new, self.clock.now()).await?;
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
