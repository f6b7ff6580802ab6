//! What can be done with a payment at its provider: capture or release money that is held, call off what is not paid.
//!
//! Order: command row (its key makes a repeat the same one) -> one call -> bytes into the inbox, and a look at the payment
//! in any case. The command is stored before the call and never repeats it: after a crash between the two the payment's
//! own state shows whether it happened, and a new key does it again. A call that surely never left us is forgotten.
//! Nothing is posted by it; a read states what became.

use ensimbi_events::codes::Refusal;
use ensimbi_events::commands::{CommandError, IntentView, Origin};
use ensimbi_events::ids::{self, Derivation};
use ensimbi_events::{Amount, EvidenceClass, SubjectId};

use super::{Stopped, must, repeated, view};
use crate::connector::{Action, CallError, Capability, ObjectRef, OrderKind};
use crate::door::connections::{Connection, find};
use crate::door::store::attempts;
use crate::door::store::checks::{self, CheckKey};
use crate::door::store::commands::{self, NewCommand};
use crate::door::store::intents::{self, IntentKind};
use crate::door::{Door, DoorError};

/// What a stored action is to do.
struct Ready<'a> {
    connection: &'a Connection,
    object: ObjectRef,
    handle: Option<String>,
    command: SubjectId,
}

impl Door {
    /// Does something with a payment of ours, once for each key.
    ///
    /// # Errors
    /// [`CommandError::Refused`] with the provider's reason, or where the payment is none of our orders.
    pub(super) async fn do_once(
        &self,
        origin: &Origin,
        payment: SubjectId,
        action: Action,
    ) -> Result<IntentView, CommandError> {
        self.check_origin(origin)?;
        let ready = repeated(|| self.store_action(origin, payment, action)).await?;
        if let Some(ready) = &ready {
            self.call_action(ready, payment, action).await?;
        }
        let mut tx = self.store.read().await?;
        Ok(must(view(&mut tx, self.book, payment, ready.is_none()).await?)?)
    }

    /// Stores the command; `None` where it was there already.
    async fn store_action(
        &self,
        origin: &Origin,
        payment: SubjectId,
        action: Action,
    ) -> Result<Option<Ready<'_>>, Stopped> {
        let route = action.as_str();
        let command = ids::intent_id(self.book, route, &origin.idempotency_key);
        let amount = match action {
            Action::Capture(amount) => amount,
            Action::Release | Action::Cancel => None,
        };
        let hash = Derivation::new("ensimbi.command.1").id(Some(payment.0));
        let body_hash = self.body_hash(hash.part(&amount.map_or(0, Amount::scaled).to_be_bytes()));
        let mut tx = self.store.write().await?;
        if let Some(stored) = commands::body_hash(&mut tx, self.book, command).await? {
            if stored != body_hash {
                return Err(CommandError::IdempotencyConflict.into());
            }
            return Ok(None);
        }
        let refused = |code, detail: &str| CommandError::Refused { code, detail: detail.to_owned() };
        let intent = intents::get(&mut tx, self.book, payment).await?;
        let intent = intent.filter(|intent| intent.kind == IntentKind::Collection);
        let intent = intent.ok_or_else(|| refused(Refusal::UnknownSubject, "payment: not one of our collections"))?;
        let needed = if action == Action::Cancel { Capability::Cancel } else { Capability::Capture };
        let connection = find(&self.connections, intent.connection).ok_or(CommandError::UnknownConnection)?;
        self.offering(intent.connection, needed)?;
        if let Some(amount) = amount {
            let fits = amount.is_positive() && amount <= intent.amount;
            let accepted = connection.connector.accepts(OrderKind::Collect, amount, intent.currency).is_ok();
            if !fits || !accepted {
                return Err(refused(Refusal::LimitExceeded, "amount: expected a part of what is held").into());
            }
        }
        let last = attempts::last(&mut tx, self.book, payment).await?;
        let named = last.filter(|attempt| attempt.object_id.is_some() || attempt.handle.is_some());
        let unnamed = || refused(Refusal::WrongState, "payment: the provider's id of it is not known yet");
        let attempt = named.ok_or_else(unnamed)?;
        let new = NewCommand { id: command, route, key: &origin.idempotency_key, body_hash, party: None };
        if !commands::insert(&mut tx, self.book, &new, self.clock.now()).await? {
            return Err(DoorError::Conflict("a command appeared".into()).into());
        }
        tx.commit().await?;
        let kind = connection.connector.facts().collects;
        let reference = Some(attempt.reference).filter(|_| connection.can(Capability::ReadByReference));
        let object = ObjectRef { kind, id: attempt.object_id, reference };
        Ok(Some(Ready { connection, object, handle: attempt.handle, command }))
    }

    async fn call_action(&self, ready: &Ready<'_>, payment: SubjectId, action: Action) -> Result<(), CommandError> {
        let Ready { connection, object, handle, command } = ready;
        let whole = connection.settings.timeout() * crate::door::poller::TIMEOUTS_OF_A_CALL;
        let outcome = tokio::time::timeout(whole, connection.client.act(object, handle.as_deref(), action)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(CallError::Unknown("timeout".into())));
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        if let Ok(answer) = &outcome {
            let mut observation = self.observe(connection.id, answer.kind, EvidenceClass::Read, &answer.body)?;
            observation.subject_hint = Some(payment);
            self.keep(&mut tx, observation).await?;
        }
        // Surely nothing left us: the same key may ask again.
        if let Err(CallError::NotSent(_) | CallError::RateLimited(_) | CallError::Credentials(_)) = &outcome {
            commands::forget(&mut tx, self.book, *command).await?;
        }
        if let Some(key) = CheckKey::of(connection.id, object) {
            checks::wake(&mut tx, self.book, &key, None, now, self.real_clock.now()).await?;
        }
        tx.commit().await?;
        self.wake.inbox.notify_one();
        self.wake.checks.notify_one();
        match outcome {
            // What became of an unclear one is read by the look that is due now.
            Ok(_) | Err(CallError::Unknown(_)) => Ok(()),
            Err(CallError::NotOffered) => Err(CommandError::NotOffered(action.as_str())),
            Err(CallError::Refused(why)) => {
                Err(CommandError::Refused { code: Refusal::WrongState, detail: format!("the provider refused: {why}") })
            }
            Err(CallError::NotFound) => {
                let detail = "the provider does not know the payment".to_owned();
                Err(CommandError::Refused { code: Refusal::UnknownSubject, detail })
            }
            Err(why) => Err(CommandError::Unavailable(format!("nothing was sent: {why}; try again"))),
        }
    }
}
