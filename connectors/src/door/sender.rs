//! Attempts that the ledger has recorded -> one call to the provider each.
//!
//! ```text
//! cleared ─(commit)─► calling ─► call ─┬─ answer ──────────► accepted, bytes in the inbox, a look is due later
//!    ▲                                 ├─ refused ─────────► refused, a failure goes up
//!    └──────── surely not sent ────────┤
//!                                      └─ anything else ───► unknown, looks by our reference; never sent again
//! ```
//! At a provider with two steps (`Facts::two_steps`) the first call of an attempt only makes the object: nothing moves, so
//! whatever becomes of that call it is repeated. Its id or handle is committed, `cleared` again, before the call that moves
//! money.
//!
//! Before a second attempt the references of those before it are asked for once more: what is alive there, or cannot be
//! told, keeps the new one back.
//! An attempt found in `calling` whose caller is gone (a crash, a panic, an outcome that could not be stored) is
//! `unknown` too: it may have reached the provider.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::{Amount, EvidenceClass, PartyId, SubjectKind, Time};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::commands::notes::Note;
use super::connections::Connection;
use super::loops::{Step, Work};
use super::parties::IntentRecord;
use super::poller::{self, lease, permits};
use super::store::attempts::{self, Attempt, AttemptState};
use super::store::checks::{self, Check, CheckKey};
use super::store::intents::{self, Intent, IntentKind};
use super::store::{Tx, banks, counters, pauses};
use super::{Door, DoorError, place, schedule};
use crate::connector::{
    CallError, Capability, CollectCall, Destination, ObjectRef, PartyDetails, PayoutCall, Prepared, RawAnswer,
    RefundCall, Said, ToPrepare, Watch,
};

/// Attempts taken up at once from callers that are gone.
const STUCK_BATCH: u32 = 100;
/// First wait after a call that was surely not sent, and the longest.
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_MAX: Duration = Duration::from_secs(300);
/// Times the outcome of a call is written, should the store not answer; after that the lease runs out.
const SAVE_TRIES: u32 = 10;
/// Longest reason that goes up, in characters.
const REASON_MAX: usize = 200;

/// The loop.
#[derive(Default)]
pub(crate) struct Sender {
    tasks: JoinSet<()>,
}

#[async_trait]
impl Work for Sender {
    const NAME: &'static str = "send";

    fn wake(door: &Door) -> &Notify {
        &door.wake.commands
    }

    fn tasks(&mut self) -> Option<&mut JoinSet<()>> {
        Some(&mut self.tasks)
    }

    async fn step(&mut self, door: &Arc<Door>) -> Result<Step, DoorError> {
        let now = door.clock.now();
        door.calls_of_the_dead(door.real_clock.now()).await?;
        let mut ready = Vec::new();
        let mut read = door.store.read().await?;
        for connection in door.connections.iter().filter(|connection| connection.takes_orders()) {
            if connection.calls.available_permits() > 0
                && !poller::is_paused(door, &mut read, connection, now).await?
                && !attempts::ready(&mut read, door.book, connection.id, now, 1).await?.is_empty()
            {
                ready.push(Arc::clone(connection));
            }
        }
        let next = counters::next_command(&mut read, door.book, now).await?;
        drop(read);
        let mut started = false;
        for connection in ready {
            started |= self.start(door, &connection, now).await?;
        }
        Ok(if started { Step::Again } else { Step::Wait(next) })
    }
}

impl Sender {
    async fn start(&mut self, door: &Arc<Door>, connection: &Arc<Connection>, now: Time) -> Result<bool, DoorError> {
        let permits = permits(connection);
        let limit = u32::try_from(permits.len()).unwrap_or(u32::MAX);
        let until = lease(door, connection);
        let mut tx = door.store.write().await?;
        let mut taken = Vec::new();
        for attempt in attempts::ready(&mut tx, door.book, connection.id, now, limit).await? {
            let intent = intents::get(&mut tx, door.book, attempt.intent).await?;
            let intent = intent.ok_or_else(|| DoorError::Damaged("an attempt without an intent".into()))?;
            if attempts::call(&mut tx, door.book, &attempt, until, now).await? {
                taken.push((attempt, intent));
            }
        }
        // Committed before anything leaves us: whatever happens now, nobody sends it a second time.
        tx.commit().await?;
        let started = !taken.is_empty();
        for ((attempt, intent), permit) in taken.into_iter().zip(permits) {
            let (door, connection) = (Arc::clone(door), Arc::clone(connection));
            self.tasks.spawn(async move {
                send(&door, &connection, &attempt, &intent).await;
                drop(permit);
                door.wake.commands.notify_one();
                door.wake.checks.notify_one();
            });
        }
        Ok(started)
    }
}

/// What a call came to.
enum Came {
    /// The provider took the order.
    Taken(RawAnswer),
    /// The object of the order is there; nothing has moved.
    Made(Box<Prepared>),
}

/// Whether the next call of an attempt only makes its object.
fn only_makes(connection: &Connection, attempt: &Attempt, intent: &Intent) -> bool {
    let steps = connection.connector.facts().two_steps && intent.kind != IntentKind::Refund;
    steps && attempt.object_id.is_none() && attempt.handle.is_none()
}

async fn send(door: &Door, connection: &Connection, attempt: &Attempt, intent: &Intent) {
    let outcome = match earlier_are_over(door, connection, attempt, intent).await {
        Ok(()) => match order(door, connection, attempt, intent).await {
            Ok(order) if only_makes(connection, attempt, intent) => make(connection, &order).await,
            Ok(order) => call(connection, &order).await.map(Came::Taken),
            Err(why) => Err(why),
        },
        Err(why) => Err(why),
    };
    for tries in 0..SAVE_TRIES {
        match save(door, connection, attempt, intent, &outcome).await {
            Ok(()) => return,
            Err(why) => {
                tracing::warn!(intent = %attempt.intent, %why, "the outcome of a call could not be stored yet");
                tokio::time::sleep(schedule::backoff(Duration::from_millis(100), tries, Duration::from_secs(5))).await;
            }
        }
    }
    tracing::error!(intent = %attempt.intent, "the outcome of a call was not stored; its status will be asked for");
}

/// A call that moves money, ready to leave.
enum Order {
    Collect(CollectCall),
    Pay(PayoutCall),
    Refund(RefundCall),
}

/// Longest time that a call may take as a whole.
fn whole(connection: &Connection) -> Duration {
    connection.settings.timeout() * poller::TIMEOUTS_OF_A_CALL + Duration::from_secs(5)
}

async fn call(connection: &Connection, order: &Order) -> Result<RawAnswer, CallError> {
    let (whole, client) = (whole(connection), &connection.client);
    let outcome = match order {
        Order::Collect(order) => tokio::time::timeout(whole, client.collect(order)).await,
        Order::Pay(order) => tokio::time::timeout(whole, client.pay(order)).await,
        Order::Refund(order) => tokio::time::timeout(whole, client.refund(order)).await,
    };
    outcome.unwrap_or_else(|_| Err(CallError::Unknown("timeout".into())))
}

async fn make(connection: &Connection, order: &Order) -> Result<Came, CallError> {
    let order = match order {
        Order::Collect(order) => ToPrepare::Collect(order),
        Order::Pay(order) => ToPrepare::Pay(order),
        Order::Refund(_) => return Err(CallError::NotOffered),
    };
    match tokio::time::timeout(whole(connection), connection.client.prepare(order)).await {
        Ok(Ok(made)) => Ok(Came::Made(Box::new(made))),
        // One object too many moves nothing: it is never carried out, so the call may be repeated.
        Ok(Err(CallError::Unknown(why))) => Err(CallError::NotSent(why)),
        Ok(Err(CallError::NotFound)) => Err(CallError::NotSent("not found".into())),
        Ok(Err(why)) => Err(why),
        Err(_) => Err(CallError::NotSent("timeout".into())),
    }
}

/// Asks the provider for every reference used before. Only what is denied or has failed for good lets a new one leave.
async fn earlier_are_over(
    door: &Door,
    connection: &Connection,
    attempt: &Attempt,
    intent: &Intent,
) -> Result<(), CallError> {
    if attempt.n == 1 {
        return Ok(());
    }
    let not_now = |why: DoorError| CallError::NotSent(why.to_string());
    let mut tx = door.store.read().await.map_err(not_now)?;
    let earlier = attempts::earlier(&mut tx, door.book, attempt).await.map_err(not_now)?;
    drop(tx);
    // A withdrawal is a payout in a provider's words.
    let intent_kind = match intent.kind.subject_kind() {
        SubjectKind::Transfer => SubjectKind::Payout,
        kind => kind,
    };
    for before in earlier {
        let kind = connection.object_kind(&before.object_kind).ok_or(CallError::NotOffered)?;
        let same = before.object_id.is_some() && before.object_id == attempt.object_id;
        let object = match connection.can(Capability::ReadByReference) {
            true => ObjectRef { kind, id: None, reference: Some(before.reference) },
            // Never made, so never carried out.
            false if before.object_id.is_none() => continue,
            false => ObjectRef { kind, id: before.object_id, reference: None },
        };
        let answers = match door.ask(connection, &object, before.handle.as_deref()).await {
            Err(CallError::NotFound) => continue,
            Err(CallError::Unknown(why)) => return Err(CallError::NotSent(why)),
            Err(why) => return Err(why),
            Ok(answers) => answers,
        };
        for told in answers {
            let told = told.map_err(|why| CallError::NotSent(format!("an earlier attempt cannot be read: {why}")))?;
            // What is said of its invoice says nothing of the order.
            let own = |said: &&Said| said.subject_kind == intent_kind;
            let said: Vec<&Said> = told.said.iter().filter(own).collect();
            // An object that was only made says nothing yet; carrying it out asks for its state once more.
            let silent = said.is_empty() && !same;
            if silent || said.iter().any(|said| !place::is_failure(&said.body)) {
                return Err(CallError::Refused("an earlier attempt is alive at the provider".to_owned()));
            }
            for said in said.into_iter().filter(|_| same) {
                let mut tx = door.store.write().await.map_err(not_now)?;
                attempts::earlier_end(&mut tx, door.book, attempt, &said.occurrence).await.map_err(not_now)?;
                tx.commit().await.map_err(not_now)?;
            }
        }
    }
    Ok(())
}

async fn order(door: &Door, connection: &Connection, attempt: &Attempt, intent: &Intent) -> Result<Order, CallError> {
    let wallet = connection.wallets.iter().find(|wallet| wallet.id == intent.wallet);
    let wallet = wallet.ok_or_else(|| CallError::Refused("the wallet is not configured any more".into()))?;
    let opened = door.vault.open_party(PartyId(intent.id.0), intent.wrapped_key.as_deref(), &intent.sealed);
    let record = opened.ok().and_then(|json| serde_json::from_slice::<IntentRecord>(&json).ok());
    let record =
        record.ok_or_else(|| CallError::Refused("the other side's data was erased or does not open".into()))?;
    let (reference, wallet) = (attempt.reference.clone(), wallet.settings.id.clone());
    let (amount, currency, fee_bearer) = (intent.amount, intent.currency, intent.fee_bearer);
    let (object, handle) = (attempt.object_id.clone(), attempt.handle.clone());
    match intent.kind {
        IntentKind::Refund => {
            let payment = record.original;
            let payment = payment.ok_or_else(|| CallError::Refused("the payment is not known any more".into()))?;
            let left = record.left.map_or(amount, Amount::from_scaled);
            let again = attempt.n > 1;
            Ok(Order::Refund(RefundCall { reference, payment, amount, currency, left, again }))
        }
        IntentKind::Collection => {
            let IntentRecord { phone, name, email, note, .. } = record.clone();
            let payer = PartyDetails { phone, name, email };
            let (items, checkout) = (record.items(), record.checkout());
            Ok(Order::Collect(CollectCall {
                reference,
                wallet,
                amount,
                currency,
                payer,
                fee_bearer,
                note,
                items,
                checkout,
                object,
                handle,
            }))
        }
        IntentKind::Payout | IntentKind::Withdrawal => {
            let to = record.destination();
            let to = to.ok_or_else(|| CallError::Refused("where the money goes is not known any more".into()))?;
            let bank_id = match &to {
                Destination::Bank { bank, .. } => bank_id(door, connection, bank).await?,
                Destination::Mobile { .. } => None,
            };
            let IntentRecord { name, note, .. } = record;
            Ok(Order::Pay(PayoutCall { reference, wallet, amount, currency, to, bank_id, name, note, object, handle }))
        }
    }
}

async fn bank_id(door: &Door, connection: &Connection, code: &str) -> Result<Option<String>, CallError> {
    let find = async {
        let mut tx = door.store.read().await?;
        banks::one(&mut tx, door.book, connection.id, code).await
    };
    let found = find.await.map_err(|why: DoorError| CallError::NotSent(why.to_string()))?;
    Ok(found.and_then(|bank| bank.id))
}

async fn save(
    door: &Door,
    connection: &Connection,
    attempt: &Attempt,
    intent: &Intent,
    outcome: &Result<Came, CallError>,
) -> Result<(), DoorError> {
    let now = door.clock.now();
    let mut tx = door.store.write().await?;
    match outcome {
        Ok(Came::Taken(answer)) => accepted(door, &mut tx, connection, attempt, answer, now).await?,
        Ok(Came::Made(made)) => self::made(door, &mut tx, connection, attempt, made, now).await?,
        Err(CallError::NotSent(why)) => {
            let wait = schedule::backoff(RETRY_FIRST, attempt.tries, RETRY_MAX);
            let next = now.plus(schedule::jitter(&attempt.reference, attempt.tries, wait));
            tracing::warn!(intent = %attempt.intent, why, "not sent; tried again later");
            attempts::not_sent(&mut tx, door.book, attempt, next, now).await?;
        }
        Err(why @ (CallError::RateLimited(_) | CallError::Credentials(_))) => {
            let wait = poller::pause(door, &mut tx, connection, now, why).await?;
            attempts::not_sent(&mut tx, door.book, attempt, now.plus(wait), now).await?;
        }
        Err(why @ (CallError::Refused(_) | CallError::NotOffered)) => {
            if attempts::end(&mut tx, door.book, attempt, AttemptState::Refused, now).await? {
                let reason = reason(why);
                intents::refuse(&mut tx, door.book, attempt.intent, &reason).await?;
                door.note(&mut tx, intent, attempt.n, Note::Refused(&reason)).await?;
                rest(door, &mut tx, connection, attempt, now).await?;
            }
        }
        Err(CallError::Unknown(_) | CallError::NotFound) => unknown(door, &mut tx, connection, attempt, now).await?,
    }
    tx.commit().await?;
    door.wake.commands.notify_one();
    door.wake.inbox.notify_one();
    door.wake.outbox.notify_one();
    Ok(())
}

/// The provider answered: its bytes are kept, and the object is looked at later whatever the bytes turn out to say.
async fn accepted(
    door: &Door,
    tx: &mut Tx,
    connection: &Connection,
    attempt: &Attempt,
    answer: &RawAnswer,
    now: Time,
) -> Result<(), DoorError> {
    let mut observation = match door.observe(connection.id, answer.kind, EvidenceClass::Read, &answer.body) {
        Ok(observation) => observation,
        // Too large to keep, so unreadable.
        Err(DoorError::Vault(_)) => return unknown(door, tx, connection, attempt, now).await,
        Err(why) => return Err(why),
    };
    observation.subject_hint = Some(attempt.intent);
    door.keep(tx, observation).await?;
    attempts::end(tx, door.book, attempt, AttemptState::Accepted, now).await?;
    pauses::resume(tx, door.book, connection.id, now).await?;
    let next = schedule::first(&connection.settings.poll, Watch::Unsettled, &attempt.reference, now);
    watch(door, tx, connection, attempt, now, next).await
}

/// The first step of an order is done. What it named is kept before anything moves; what can move by itself from now on,
/// its object or the payer on the provider's page, is looked at.
async fn made(
    door: &Door,
    tx: &mut Tx,
    connection: &Connection,
    attempt: &Attempt,
    made: &Prepared,
    now: Time,
) -> Result<(), DoorError> {
    if !attempts::prepared(tx, door.book, attempt, made, now).await? {
        return Ok(());
    }
    match door.observe(connection.id, made.answer.kind, EvidenceClass::Read, &made.answer.body) {
        Ok(mut observation) => {
            observation.subject_hint = Some(attempt.intent);
            door.keep(tx, observation).await?;
        }
        // Too large to keep. What it says is read again in any case.
        Err(DoorError::Vault(_)) => {}
        Err(why) => return Err(why),
    }
    pauses::resume(tx, door.book, connection.id, now).await?;
    if made.object.is_none() && !made.complete {
        return Ok(());
    }
    let next = schedule::first(&connection.settings.poll, Watch::Unsettled, &attempt.reference, now);
    let named = Attempt { object_id: made.object.clone(), ..attempt.clone() };
    watch(door, tx, connection, &named, now, next).await
}

/// The object of a payout whose carrying out was refused stands at the provider without an end of its own: it is looked
/// at like one that ended, a few times more, and not for ever. A new attempt watches it from the beginning again.
async fn rest(
    door: &Door,
    tx: &mut Tx,
    connection: &Connection,
    attempt: &Attempt,
    now: Time,
) -> Result<(), DoorError> {
    let (Some(id), true) = (&attempt.object_id, attempt.object_kind == connection.connector.facts().pays) else {
        return Ok(());
    };
    let key = CheckKey::by_id(connection.id, &attempt.object_kind, id);
    let next = schedule::first(&connection.settings.poll, Watch::Ended, &attempt.reference, now);
    checks::rewatch(tx, door.book, &key, Watch::Ended, now, next).await
}

async fn unknown(
    door: &Door,
    tx: &mut Tx,
    connection: &Connection,
    attempt: &Attempt,
    now: Time,
) -> Result<(), DoorError> {
    if attempts::end(tx, door.book, attempt, AttemptState::Unknown, now).await? {
        tracing::warn!(intent = %attempt.intent, "the outcome of a call is unknown; its status is asked for");
        counters::add(tx, door.book, counters::UNKNOWN_OUTCOMES, 1).await?;
        watch(door, tx, connection, attempt, now, Some(now)).await?;
    }
    Ok(())
}

/// Has the object of an attempt looked at: by its id where it is known, else by our reference. One that can be asked for
/// by neither is only noted as unsettled, so that it becomes an alarm unless a push or a statement tells of it.
async fn watch(
    door: &Door,
    tx: &mut Tx,
    connection: &Connection,
    attempt: &Attempt,
    now: Time,
    next: Option<Time>,
) -> Result<(), DoorError> {
    let Attempt { object_kind, reference, intent, object_id, .. } = attempt;
    let by_reference = connection.can(Capability::ReadByReference);
    let key = match object_id {
        Some(id) if !by_reference => CheckKey::by_id(connection.id, object_kind, id),
        _ => CheckKey::by_reference(connection.id, object_kind, reference),
    };
    if by_reference && checks::knows_reference(tx, door.book, connection.id, object_kind, reference).await? {
        return Ok(());
    }
    let check = Check {
        key: key.clone(),
        subject: Some(*intent),
        reference: Some(reference.clone()),
        object_id: object_id.clone().filter(|_| !by_reference),
        watch: Watch::Unsettled,
        since: now,
        tries: 0,
        failures: 0,
        denials: 0,
    };
    let next = next.filter(|_| by_reference || object_id.is_some());
    let new = checks::insert(tx, door.book, &check, next).await?;
    if let (false, Some(next)) = (new, next) {
        // It is watched already; after an unclear answer it is looked at now, and from the beginning after a clear one.
        checks::rewatch(tx, door.book, &key, Watch::Unsettled, now, Some(next)).await?;
    }
    Ok(())
}

/// The provider's words: short, on one line.
fn reason(why: &CallError) -> String {
    let text = match why {
        CallError::Refused(text) => text.clone(),
        other => other.to_string(),
    };
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(REASON_MAX).collect()
}

impl Door {
    /// Attempts whose caller is gone become `unknown`: they may have reached the provider.
    pub(crate) async fn calls_of_the_dead(&self, leased_until: Time) -> Result<(), DoorError> {
        for connection in &self.connections {
            loop {
                let mut read = self.store.read().await?;
                let stuck = attempts::stuck(&mut read, self.book, connection.id, leased_until, STUCK_BATCH).await?;
                drop(read);
                if stuck.is_empty() {
                    break;
                }
                let now = self.clock.now();
                let mut tx = self.store.write().await?;
                for attempt in &stuck {
                    let intent = intents::get(&mut tx, self.book, attempt.intent).await?;
                    match intent {
                        // Whatever it made at the provider was never carried out.
                        Some(intent) if only_makes(connection, attempt, &intent) => {
                            attempts::not_sent(&mut tx, self.book, attempt, now, now).await?;
                        }
                        _ => unknown(self, &mut tx, connection, attempt, now).await?,
                    }
                }
                tx.commit().await?;
                self.wake.commands.notify_one();
                self.wake.checks.notify_one();
            }
        }
        Ok(())
    }
}
