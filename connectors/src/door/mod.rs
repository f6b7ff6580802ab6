//! The door: where bytes come in, claims go up, and calls go out.
//!
//! ```text
//! webhook ─┐                                                    ┌─ answers (bus) ◄─ ledger
//! import ──┼─► inbox (sealed, committed, then 2xx) ─► translate ─┼─► outbox ─► relay ─► bus ─► ledger
//! poller ──┤                                          (pure)    │
//! sender ──┘ ◄── intents, attempts ◄── command                  └─► checks ─► poller
//! ```
//!
//! Every arrow is a committed transaction; every loop starts from the database, so a crash between any two steps is a
//! delay. Loops wake each other at once in this process, sleep until the next timer of the injected clock, and look
//! into the database every [`Tuning::idle`] of real time in any case, which also lets several processes share one
//! PostgreSQL.
//!
//! Bounds: webhook bodies [`webhook::BODY_BYTES_MAX`], provider answers [`http::ANSWER_BYTES_MAX`], batches of at most
//! 500 rows, provider calls at the same time [`Tuning::calls_in_flight`] for each connection.

mod answers;
pub mod commands;
mod connections;
mod error;
mod holds;
pub mod http;
mod import;
mod keys;
mod links;
mod loops;
mod options;
mod outside;
mod parties;
mod place;
mod poller;
mod problem;
mod reader;
mod relay;
mod retranslate;
mod schedule;
mod sender;
pub mod store;
#[cfg(test)]
mod tests;
mod translate;
pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use ensimbi_bus::Bus;
use ensimbi_events::ports::new_uuid;
use ensimbi_events::word::Mode;
use ensimbi_events::words::book::ConnectionConfigured;
use ensimbi_events::{BookId, Clock, ConnectionId, Entropy, ObservationId, Time};
use ensimbi_vault::Vault;
use tokio::sync::{Notify, watch};

pub use connections::{CALLBACK_HEADER, CALLBACK_VALUE_MIN, CALLBACK_VALUES, SIGNING_KEYS, check_connections, id_of};
pub use error::DoorError;
pub use import::{ImportError, ImportOutcome, ImportReceipt};
pub use keys::KeyView;
pub use options::{DoorOptions, Tuning};
pub use retranslate::{NotRead, Reread, SaidToday, Today, ToldBefore};
pub use store::attempts::AttemptState;
pub use store::counters::Pending;
pub use store::inbox::InboxState;
pub use store::outbox::ClaimOutcome;
pub use store::{DoorStore, StoreAddress};

use crate::connector::Authenticity;
use connections::Connection;
use store::checks::{Check, CheckKey};
use store::inbox::NewObservation;
use store::{checks, counters, inbox, outbox, push_keys};

use crate::verify::Verifier;

/// How often somebody who waits for an answer looks, should no wake-up come.
const LOOK: Duration = Duration::from_millis(250);
/// Id of what is read once for a whole connection.
const ALL: &str = "all";
/// The name and version under which the door itself makes claims.
pub(crate) const TRANSLATOR: &str = "ensimbi.door.1";

/// Wake-ups between the loops of one process. Losing one costs [`Tuning::idle`].
#[derive(Default)]
pub(crate) struct Wake {
    pub(crate) inbox: Notify,
    pub(crate) outbox: Notify,
    pub(crate) checks: Notify,
    pub(crate) commands: Notify,
    /// For everybody who waits for an answer; woken all together.
    pub(crate) answered: Notify,
}

/// The door of one book.
pub struct Door {
    pub(crate) store: DoorStore,
    pub(crate) book: BookId,
    pub(crate) mode: Mode,
    pub(crate) connections: Vec<Arc<Connection>>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) real_clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) tuning: Tuning,
    pub(crate) wake: Wake,
    /// One queue of signatures for all connections.
    pub(crate) verifier: Verifier,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("book", &self.book).field("store", &self.store).finish_non_exhaustive()
    }
}

impl Door {
    /// Checks the configuration, opens the store, and takes up what a crash left. Nothing runs until [`Door::run`].
    ///
    /// # Errors
    /// [`DoorError::Settings`] naming the key; [`DoorError::Foreign`] naming what was found instead of our schema;
    /// [`DoorError::Unavailable`].
    pub async fn open(options: DoorOptions) -> Result<Arc<Self>, DoorError> {
        // Configuration first: a wrong one must not leave a new database behind.
        let connections = connections::connect(&connections::Terms::of(&options))?;
        let store = DoorStore::open(&options.store, options.vault.fingerprint()).await?;
        let alone = options.alone || store.is_alone();
        let door = Self::over(store, connections, options);
        door.keys_named().await?;
        if alone {
            door.recover().await?;
        }
        Ok(Arc::new(door))
    }

    fn over(store: DoorStore, connections: Vec<Arc<Connection>>, options: DoorOptions) -> Self {
        Self {
            store,
            book: options.book,
            mode: options.mode,
            connections,
            vault: options.vault,
            bus: options.bus,
            clock: options.clock,
            real_clock: options.real_clock,
            entropy: options.entropy,
            tuning: options.tuning,
            wake: Wake::default(),
            verifier: Verifier::new(),
        }
    }

    /// The keys that providers named themselves count again after a start.
    async fn keys_named(&self) -> Result<(), DoorError> {
        let mut tx = self.store.read().await?;
        for connection in &self.connections {
            if let Authenticity::Signed(_) = connection.connector.authenticity() {
                connection.accept_keys(&push_keys::active(&mut tx, self.book, connection.id).await?);
            }
        }
        Ok(())
    }

    /// Where no other process shares the store, every lease is a dead one. Elsewhere they run out by themselves.
    async fn recover(&self) -> Result<(), DoorError> {
        let mut tx = self.store.write().await?;
        checks::unlease(&mut tx, self.book).await?;
        outbox::reopen(&mut tx, self.book).await?;
        tx.commit().await?;
        self.calls_of_the_dead(Time::from_micros(i64::MAX)).await
    }

    /// The book it serves.
    pub fn book(&self) -> BookId {
        self.book
    }

    /// What the ledger must record about the connections before claims of theirs can be accepted.
    pub fn connection_facts(&self) -> Vec<(ConnectionId, ConnectionConfigured)> {
        self.connections.iter().map(|connection| (connection.id, connection.configured())).collect()
    }

    /// A connection by its slug or its id.
    pub fn connection(&self, text: &str) -> Option<ConnectionId> {
        let id: Option<ConnectionId> = text.parse().ok();
        let found = self.connections.iter().find(|c| c.settings.slug == text || Some(c.id) == id);
        found.map(|connection| connection.id)
    }

    /// Where each connection that takes pushes takes them: slug and path.
    pub fn webhook_paths(&self) -> Vec<(String, String)> {
        let pushed = self.connections.iter().filter(|c| c.connector.authenticity() != Authenticity::NoPush);
        pushed.map(|c| (c.settings.slug.clone(), format!("/webhooks/{}", c.id))).collect()
    }

    /// The slugs of all connections, for a message that names them.
    pub fn slugs(&self) -> Vec<&str> {
        self.connections.iter().map(|connection| connection.settings.slug.as_str()).collect()
    }

    /// The route `POST /webhooks/{connection}`.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        webhook::router(Arc::clone(self))
    }

    /// Runs all loops until `shutdown` becomes true (or its sender is gone); calls on their way get a last moment.
    pub async fn run(self: Arc<Self>, shutdown: watch::Receiver<bool>) {
        if let Err(why) = self.routines().await {
            // Nothing settles by them; the next start writes them.
            tracing::warn!(%why, "what is read by itself could not be scheduled");
        }
        let mut loops = tokio::task::JoinSet::new();
        loops.spawn(loops::drive(Arc::clone(&self), translate::Translator, shutdown.clone()));
        loops.spawn(loops::drive(Arc::clone(&self), relay::Relay, shutdown.clone()));
        loops.spawn(loops::drive(Arc::clone(&self), poller::Poller::default(), shutdown.clone()));
        loops.spawn(loops::drive(Arc::clone(&self), sender::Sender::default(), shutdown.clone()));
        loops.spawn(answers::listen(self, shutdown));
        while let Some(ended) = loops.join_next().await {
            if let Err(why) = ended {
                // `drive` catches panics of its work; what is left is a defect of the loop itself.
                tracing::error!(%why, "a loop of the door ended");
            }
        }
    }

    /// What is in motion, from the database alone.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn pending(&self, now: Time) -> Result<Pending, DoorError> {
        let mut tx = self.store.read().await?;
        counters::pending(&mut tx, self.book, now, self.real_clock.now()).await
    }

    /// Counts since the store was made: quarantined, repeated deliveries, unknown words and so on.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn counters(&self) -> Result<Vec<(String, i64)>, DoorError> {
        let mut tx = self.store.read().await?;
        counters::all(&mut tx, self.book).await
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`].
    pub async fn ping(&self) -> Result<(), DoorError> {
        self.store.ping().await
    }

    /// Closes the store; after [`Door::run`] has ended.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// Looks again whenever answers come, until a look is complete or the real time is over; gives what it saw last.
    pub(crate) async fn until_answered<T, F>(
        &self,
        at_most: Duration,
        mut look: impl FnMut() -> F,
    ) -> Result<T, DoorError>
    where
        F: Future<Output = Result<(T, bool), DoorError>>,
    {
        let until = tokio::time::Instant::now() + at_most;
        loop {
            let answered = self.wake.answered.notified();
            let (seen, complete) = look().await?;
            let now = tokio::time::Instant::now();
            if complete || now >= until {
                return Ok(seen);
            }
            // Whichever comes first; it is looked again in any case.
            let _ = tokio::time::timeout_at(until.min(now + LOOK), answered).await;
        }
    }

    /// Seals bytes into a row for the inbox.
    pub(crate) fn observe(
        &self,
        connection: ConnectionId,
        kind: &str,
        class: ensimbi_events::EvidenceClass,
        body: &[u8],
    ) -> Result<NewObservation, DoorError> {
        let id = ObservationId(new_uuid(self.clock.as_ref(), self.entropy.as_ref()));
        Ok(NewObservation {
            id,
            connection,
            kind: kind.to_owned(),
            class,
            actor_id: None,
            received_at: self.clock.now(),
            delivery_key: self.vault.delivery_key(connection, body),
            sealed: self.vault.seal_observation(self.entropy.as_ref(), id, connection, body)?,
            subject_hint: None,
        })
    }

    /// Keeps an observation inside a transaction. Says which it is, and whether it is new.
    pub(crate) async fn keep(
        &self,
        tx: &mut store::Tx,
        observation: NewObservation,
    ) -> Result<(ObservationId, bool), DoorError> {
        let (id, deliveries) = inbox::insert(tx, self.book, observation).await?;
        if deliveries > 1 {
            counters::add(tx, self.book, counters::DUPLICATES, 1).await?;
        }
        Ok((id, deliveries == 1))
    }

    /// What is read by itself has its rows from the first run on; one that is there keeps its time.
    async fn routines(&self) -> Result<(), DoorError> {
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        for connection in &self.connections {
            for routine in connection.connector.facts().routines {
                let off = connection.settings.poll.routine_secs.get(routine.object_kind) == Some(&0);
                let each = connection.wallets.iter().map(|wallet| wallet.settings.id.as_str());
                let ids: Vec<&str> = if routine.each_wallet { each.collect() } else { vec![ALL] };
                for id in ids {
                    let key = CheckKey::by_id(connection.id, routine.object_kind, id);
                    let check = Check::routine(key, id, now);
                    checks::insert(&mut tx, self.book, &check, (!off).then_some(now)).await?;
                }
            }
        }
        tx.commit().await
    }
}
