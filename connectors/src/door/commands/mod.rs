//! Commands: what our own side asks for ([`ensimbi_events::commands`]). Here only the asking; `sender.rs` sends.
//!
//! - `orders`: money to be collected or paid. Intent, first attempt (with its reference) and the note that asks the
//!   ledger are one transaction. The provider is called only after the ledger's `recorded`, which for money that leaves
//!   is the reservation.
//! - `checkout`: what an order may say about what is sold and how it is paid.
//! - `refunds`: money of a payment, back to its payer.
//! - `act`: capture, release, cancel: done at the provider at once.
//! - `again`: another attempt, after the last one came to nothing for certain.
//! - `notes`: what we tell the ledger about an attempt ourselves.
//! - `tell`: facts of our own, without a provider.
//! - `propose`: the same, once a second person has approved them.
//! - `look`: banks, alarms, and what is behind a payment.
//!
//! The same key with the same body gives the same command, for ever; with another body it is a conflict. Bodies are
//! compared by a keyed hash, since they hold phone numbers.

mod act;
mod again;
mod checkout;
mod look;
pub(crate) mod notes;
mod orders;
mod propose;
mod refunds;
mod tell;

use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::approvals::{Proposal, ProposalsQuery, Proposed};
use ensimbi_events::bus::Outcome;
use ensimbi_events::commands::{
    Action, Alarm, Bank, CollectOrder, CommandError, Commands, ConnectionView, IntentView, KEY_MAX, Origin, PayOrder,
    RefundOrder, Telling, Told, Trail,
};
use ensimbi_events::ids::Derivation;
use ensimbi_events::observations::{PostError, Posted};
use ensimbi_events::{BookId, ConnectionId, SubjectId};

use super::connections::Connection;
use super::store::attempts::{self, AttemptState};
use super::store::{Tx, intents, outbox};
use super::{Door, DoorError};

/// Times a command is repeated that another writer was in the way of.
const TRIES: u32 = 5;
/// Real time a caller waits for the ledger's answer; it comes in any case, and the same key finds it.
const PATIENCE: Duration = Duration::from_secs(10);

impl From<DoorError> for CommandError {
    fn from(error: DoorError) -> Self {
        match error {
            DoorError::Unavailable(why) | DoorError::Conflict(why) => Self::Unavailable(why),
            other => Self::Broken(other.to_string()),
        }
    }
}

/// Why a step of a command did not come through.
pub(crate) enum Stopped {
    /// For the caller.
    Command(CommandError),
    /// Of the store; repeated where another writer was in the way.
    Door(DoorError),
}

impl From<CommandError> for Stopped {
    fn from(error: CommandError) -> Self {
        Self::Command(error)
    }
}

impl From<DoorError> for Stopped {
    fn from(error: DoorError) -> Self {
        Self::Door(error)
    }
}

/// Repeats what another writer was in the way of.
async fn repeated<T, F>(mut step: impl FnMut() -> F) -> Result<T, CommandError>
where
    F: Future<Output = Result<T, Stopped>>,
{
    let mut tries = 0;
    loop {
        tries += 1;
        match step().await {
            Ok(done) => return Ok(done),
            Err(Stopped::Door(why)) if why.is_conflict() && tries < TRIES => {}
            Err(Stopped::Door(why)) => return Err(why.into()),
            Err(Stopped::Command(why)) => return Err(why),
        }
    }
}

#[async_trait]
impl Commands for Door {
    fn connections(&self, book: BookId) -> Vec<ConnectionView> {
        if book != self.book {
            return Vec::new();
        }
        let view = |connection: &std::sync::Arc<Connection>| ConnectionView {
            id: connection.id,
            slug: connection.settings.slug.clone(),
            provider: connection.settings.provider.clone(),
            capabilities: connection.connector.facts().capabilities.iter().map(|can| can.as_str()).collect(),
            wallets: connection
                .wallets
                .iter()
                .map(|wallet| (wallet.id, wallet.settings.code.clone(), wallet.settings.currency))
                .collect(),
        };
        self.connections.iter().map(view).collect()
    }

    async fn collect(&self, origin: &Origin, order: &CollectOrder) -> Result<IntentView, CommandError> {
        let intent = self.ask_collect(origin, order).await?;
        self.after_ledger(intent).await
    }

    async fn pay(&self, origin: &Origin, order: &PayOrder) -> Result<IntentView, CommandError> {
        let intent = self.ask_pay(origin, order).await?;
        self.after_ledger(intent).await
    }

    async fn refund(&self, origin: &Origin, order: &RefundOrder) -> Result<IntentView, CommandError> {
        let intent = self.ask_refund(origin, order).await?;
        self.after_ledger(intent).await
    }

    async fn act(&self, origin: &Origin, payment: SubjectId, action: Action) -> Result<IntentView, CommandError> {
        self.do_once(origin, payment, action).await
    }

    async fn again(&self, origin: &Origin, intent: SubjectId) -> Result<IntentView, CommandError> {
        let intent = self.ask_again(origin, intent).await?;
        self.after_ledger(intent).await
    }

    async fn told(&self, origin: &Origin, route: &'static str, body: &[u8]) -> Result<Option<Told>, CommandError> {
        self.told_before(origin, route, body).await
    }

    async fn tell(&self, origin: &Origin, telling: &Telling) -> Result<Told, CommandError> {
        self.take_telling(origin, telling).await
    }

    async fn propose(&self, origin: &Origin, proposal: &Proposal) -> Result<Proposed, CommandError> {
        self.keep_proposal(origin, proposal).await
    }

    async fn approve(&self, origin: &Origin, id: SubjectId, approver_id: &str) -> Result<Option<Told>, CommandError> {
        self.approve_proposal(origin, id, approver_id).await
    }

    async fn withdraw(&self, origin: &Origin, id: SubjectId, actor_id: &str) -> Result<Option<Proposed>, CommandError> {
        self.withdraw_proposal(origin, id, actor_id).await
    }

    async fn proposals(&self, book: BookId, query: &ProposalsQuery) -> Result<Vec<Proposed>, CommandError> {
        if book != self.book {
            return Ok(Vec::new());
        }
        self.list_proposals(query).await
    }

    async fn banks(&self, book: BookId, connection: ConnectionId) -> Result<Vec<Bank>, CommandError> {
        self.known_banks(book, connection).await
    }

    async fn post(&self, book: BookId, connection: ConnectionId, bytes: &[u8]) -> Result<Posted, PostError> {
        if book != self.book {
            return Err(PostError::NoSuchConnection);
        }
        self.take_observation(connection, bytes).await
    }

    async fn trail(&self, book: BookId, subject: SubjectId) -> Result<Trail, CommandError> {
        self.trail_of(book, subject).await
    }

    async fn alarms(&self, book: BookId) -> Result<Vec<Alarm>, CommandError> {
        self.all_alarms(book).await
    }
}

impl Door {
    /// An intent of this book.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn intent(&self, id: SubjectId) -> Result<Option<IntentView>, DoorError> {
        let mut tx = self.store.read().await?;
        view(&mut tx, self.book, id, true).await
    }

    /// Waits until the ledger has answered the newest attempt; gives the intent as it is then, or the ledger's refusal.
    async fn after_ledger(&self, intent: IntentView) -> Result<IntentView, CommandError> {
        let claim = notes::requested_id(intent.id, intent.attempt);
        let look = || async {
            let mut tx = self.store.read().await?;
            let outcome = outbox::outcome(&mut tx, self.book, claim).await?;
            let complete = outcome.is_some();
            Ok::<_, DoorError>((outcome, complete))
        };
        if let Some(Outcome::Refused { code, detail }) = self.until_answered(PATIENCE, look).await? {
            return Err(CommandError::Refused { code, detail });
        }
        let mut tx = self.store.read().await?;
        Ok(must(view(&mut tx, self.book, intent.id, intent.repeated).await?)?)
    }

    /// The caller's book and key.
    fn check_origin(&self, origin: &Origin) -> Result<(), CommandError> {
        let key = &origin.idempotency_key;
        if origin.book != self.book {
            return Err(CommandError::UnknownConnection);
        }
        if !(1..=KEY_MAX).contains(&key.len()) || !key.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            let code = ensimbi_events::codes::Problem::IdempotencyKeyMissing;
            let problem = "expected 1 to 255 printable ASCII characters".to_owned();
            return Err(CommandError::Invalid { code, field: "idempotency_key", problem });
        }
        Ok(())
    }

    /// A plain hash over a phone number could be tried out; the pepper prevents it.
    fn body_hash(&self, body: Derivation) -> [u8; 32] {
        self.vault.party_lookup(self.book, "command", &hex::encode(body.hash()))
    }
}

fn must(view: Option<IntentView>) -> Result<IntentView, DoorError> {
    view.ok_or_else(|| DoorError::Damaged("an intent without an attempt".into()))
}

async fn view(tx: &mut Tx, book: BookId, id: SubjectId, repeated: bool) -> Result<Option<IntentView>, DoorError> {
    let Some(intent) = intents::get(tx, book, id).await? else { return Ok(None) };
    let Some(attempt) = attempts::last(tx, book, id).await? else { return Ok(None) };
    Ok(Some(IntentView {
        id,
        connection: intent.connection,
        wallet: intent.wallet,
        amount: intent.amount,
        currency: intent.currency,
        state: attempt.state.as_str(),
        attempt: attempt.n,
        reference: attempt.reference,
        object_id: attempt.object_id,
        checkout_url: attempt.link,
        reason: intent.reason,
        created_at: intent.created_at,
        repeated,
    }))
}

/// Whether an attempt came to nothing for certain.
const fn is_over(state: AttemptState) -> bool {
    matches!(state, AttemptState::Refused | AttemptState::Failed)
}
