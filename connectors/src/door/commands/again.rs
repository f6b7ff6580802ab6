//! Another attempt of an intent. Only after the last one came to nothing for certain; the sender asks the provider for
//! the old references once more before anything leaves.

use ensimbi_events::SubjectId;
use ensimbi_events::codes::Refusal;
use ensimbi_events::commands::{CommandError, IntentView, Origin};
use ensimbi_events::ids::{self, Derivation};

use super::notes::{self, Note};
use super::{Stopped, is_over, must, orders, repeated, view};
use crate::door::store::commands::{self, NewCommand};
use crate::door::store::{attempts, intents};
use crate::door::{Door, DoorError};

/// Most attempts of one intent.
const ATTEMPTS_MAX: u32 = 20;
/// The route, part of what a key is unique in.
const ROUTE: &str = "attempts";

impl Door {
    /// Adds an attempt, or finds the intent again.
    ///
    /// # Errors
    /// [`CommandError::Refused`] where the last attempt may still be alive.
    pub(super) async fn ask_again(&self, origin: &Origin, intent: SubjectId) -> Result<IntentView, CommandError> {
        self.check_origin(origin)?;
        repeated(|| self.again_once(origin, intent)).await
    }

    async fn again_once(&self, origin: &Origin, id: SubjectId) -> Result<IntentView, Stopped> {
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
        if !is_over(last.state) || last.n >= ATTEMPTS_MAX {
            let detail = "attempt: a new one follows only a confirmed failure, and there are at most 20".to_owned();
            return Err(CommandError::Refused { code: Refusal::WrongState, detail }.into());
        }
        let new = NewCommand { id: command, route: ROUTE, key: &origin.idempotency_key, body_hash, party: None };
        if !commands::insert(&mut tx, self.book, &new, self.clock.now()).await? {
            return Err(DoorError::Conflict("a command appeared".into()).into());
        }
        let attempt = orders::attempt(&intent, last.n + 1, &last.object_kind);
        let claim = notes::requested_id(id, attempt.n);
        attempts::insert(&mut tx, self.book, &attempt, claim, self.clock.now()).await?;
        intents::reopen(&mut tx, self.book, id).await?;
        intent.reason = None;
        self.note(&mut tx, &intent, attempt.n, Note::Requested).await?;
        let view = must(view(&mut tx, self.book, id, false).await?)?;
        tx.commit().await?;
        self.wake.outbox.notify_one();
        Ok(view)
    }
}
