//! Another attempt of an intent. Only after the last one came to nothing for certain; the sender asks the provider for
//! the old references once more before anything leaves.
//!
//! At a provider with two steps a person may also try an order again whose second step's outcome is unknown, once the
//! provider still shows the object as never carried out after a long while (`providers/paytota.md` 12). The reservation of
//! the old attempt ends first, and the same object is carried out: the provider's own states keep it from happening twice.
//! So it is with a refund, which has no object of its own until it is made: it leaves again only where the provider still
//! shows all of the payment that it had before.

use ensimbi_events::codes::Refusal;
use ensimbi_events::commands::{CommandError, IntentView, Origin};
use ensimbi_events::ids::{self, Derivation};
use ensimbi_events::{SubjectId, SubjectKind};

use super::notes::{self, Note};
use super::{Stopped, is_over, must, orders, repeated, view};
use crate::connector::{Capability, ObjectRef, Said, Translation, Watch};
use crate::door::connections::find;
use crate::door::store::attempts::{self, AttemptState};
use crate::door::store::checks::{self, CheckKey};
use crate::door::store::commands::{self, NewCommand};
use crate::door::store::intents::IntentKind;
use crate::door::store::{intents, outbox};
use crate::door::{Door, DoorError};

/// Most attempts of one intent.
const ATTEMPTS_MAX: u32 = 20;
/// Why an attempt ended that the provider never began.
const NEVER_CARRIED_OUT: &str = "never_carried_out";
/// The route, part of what a key is unique in.
const ROUTE: &str = "attempts";

impl Door {
    /// Adds an attempt, or finds the intent again.
    ///
    /// # Errors
    /// [`CommandError::Refused`] where the last attempt may still be alive.
    pub(super) async fn ask_again(&self, origin: &Origin, intent: SubjectId) -> Result<IntentView, CommandError> {
        self.check_origin(origin)?;
        let idle = self.never_carried_out(intent).await?;
        repeated(|| self.again_once(origin, intent, idle)).await
    }

    /// Whether the outcome of the last attempt is unknown for long and the provider's object still waits for its second
    /// step. Of a refund that is looked at when it leaves.
    async fn never_carried_out(&self, id: SubjectId) -> Result<bool, CommandError> {
        let mut tx = self.store.read().await?;
        let last = attempts::last(&mut tx, self.book, id).await?;
        drop(tx);
        let Some(last) = last.filter(|last| last.state == AttemptState::Unknown) else { return Ok(false) };
        let Some(connection) = find(&self.connections, last.connection) else { return Ok(false) };
        let facts = connection.connector.facts();
        let long = self.clock.now().since(last.changed_at) >= self.tuning.unknown_grace;
        let kind = connection.object_kind(&last.object_kind);
        if kind == Some(facts.refunds) {
            return Ok(long && last.object_id.is_none());
        }
        let (true, true, Some(kind), Some(object_id)) = (facts.two_steps, long, kind, last.object_id) else {
            return Ok(false);
        };
        let object = ObjectRef { kind, id: Some(object_id), reference: None };
        let answers = self.ask(connection, &object, last.handle.as_deref()).await;
        let answers = answers.map_err(|why| CommandError::Unavailable(format!("its state cannot be read: {why}")))?;
        let own = |said: &Said| !matches!(said.subject_kind, SubjectKind::Invoice | SubjectKind::Dispute);
        let silent = |told: &Translation| told.unknown.is_empty() && !told.said.iter().any(own);
        Ok(!answers.is_empty() && answers.iter().all(|told| told.as_ref().is_ok_and(silent)))
    }

    async fn again_once(&self, origin: &Origin, id: SubjectId, idle: bool) -> Result<IntentView, Stopped> {
        let command = ids::intent_id(self.book, ROUTE, &origin.idempotency_key);
        let body_hash = self.body_hash(Derivation::new("ensimbi.command.1").id(Some(id.0)));
        let mut tx = self.store.write().await?;
        let unknown =
            || CommandError::Refused { code: Refusal::UnknownSubject, detail: "payment: not one of our orders".into() };
        let mut intent = intents::get(&mut tx, self.book, id).await?.ok_or_else(unknown)?;
        if let Some(stored) = commands::body_hash(&mut tx, self.book, command).await? {
            if stored != body_hash {
                return Err(CommandError::IdempotencyConflict.into());
            }
            return Ok(must(view(&mut tx, self.book, id, true).await?)?);
        }
        let last = attempts::last(&mut tx, self.book, id).await?;
        let last = last.ok_or_else(|| DoorError::Damaged("an intent without an attempt".into()))?;
        let given_up = idle && attempts::give_up(&mut tx, self.book, &last, self.clock.now()).await?;
        if !(is_over(last.state) || given_up) || last.n >= ATTEMPTS_MAX {
            let detail = "attempt: a new one follows only a confirmed failure, and there are at most 20".to_owned();
            return Err(CommandError::Refused { code: Refusal::WrongState, detail }.into());
        }
        let new = NewCommand { id: command, route: ROUTE, key: &origin.idempotency_key, body_hash, party: None };
        if !commands::insert(&mut tx, self.book, &new, self.clock.now()).await? {
            return Err(DoorError::Conflict("a command appeared".into()).into());
        }
        let connection = find(&self.connections, intent.connection).ok_or(CommandError::UnknownConnection)?;
        if given_up && !connection.can(Capability::ReadByReference) {
            // It was noted as unsettled for a person, who has now decided.
            let noted = CheckKey::by_reference(connection.id, &last.object_kind, &last.reference);
            checks::rewatch(&mut tx, self.book, &noted, Watch::Closed, self.clock.now(), None).await?;
        }
        let facts = connection.connector.facts();
        let mut attempt = orders::attempt(&intent, last.n + 1, &last.object_kind, facts.references);
        if facts.two_steps && intent.kind != IntentKind::Refund {
            attempt.handle.clone_from(&last.handle);
            // The provider's own object ends what must not happen twice: it is carried out again, and no second one made.
            // Where the object is the attempt itself, under our reference, a handle stands for what was made before it.
            if last.handle.is_none() {
                attempt.object_id.clone_from(&last.object_id);
            }
        }
        let claim = notes::requested_id(id, attempt.n);
        attempts::insert(&mut tx, self.book, &attempt, claim, self.clock.now()).await?;
        intents::reopen(&mut tx, self.book, id).await?;
        intent.reason = None;
        let mut told = Vec::new();
        if given_up {
            told.push(self.note_of(&intent, last.n, Note::Refused(NEVER_CARRIED_OUT))?);
        }
        told.push(self.note_of(&intent, attempt.n, Note::Requested)?);
        outbox::chain(&mut tx, self.book, &told, self.clock.now()).await?;
        let view = must(view(&mut tx, self.book, id, false).await?)?;
        tx.commit().await?;
        self.wake.outbox.notify_one();
        Ok(view)
    }
}
