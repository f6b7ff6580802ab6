//! `checks` -> the provider's status -> inbox. The status sweep alone is able to settle everything.
//!
//! Order for one look: lease (commit) -> read at the provider -> bytes into the inbox and the next look, in one
//! transaction. Killed in between, the lease runs out and the look is made again: reads may always be repeated. What
//! the bytes say about the next look is decided later, by the translation; the same bytes again only move the row.
//! A connection that asks to wait, or does not accept our credentials, pauses alone.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::{EvidenceClass, Time};
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::task::JoinSet;

use super::commands::notes::Note;
use super::connections::Connection;
use super::loops::{Step, Work};
use super::store::checks::{self, Check, CheckKey};
use super::store::inbox::NewObservation;
use super::store::{attempts, counters, intents, pauses};
use super::{Door, DoorError, schedule};
use crate::connector::{CallError, Capability, ObjectRef, RawAnswer, Watch};

/// Real time a lease lasts beyond the call's own timeouts.
const LEASE_SLACK: Duration = Duration::from_secs(30);
/// First wait after a look that brought nothing, and the longest.
const RETRY_FIRST: Duration = Duration::from_secs(5);
const RETRY_MAX: Duration = Duration::from_secs(300);
/// First pause after refused credentials, and the longest; a person must act meanwhile.
const CREDENTIALS_FIRST: Duration = Duration::from_secs(30);
const CREDENTIALS_MAX: Duration = Duration::from_secs(900);
/// Longest pause that a provider can ask for.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);
/// "Not found" answers that must have come before an order is taken as never arrived.
const DENIALS_MIN: u32 = 3;
/// How long something that a routine began, such as a statement, may take to be ready: the routine begins others meanwhile.
const BEGUN_MAX: Duration = Duration::from_secs(86_400);
/// Why such a payment failed, in the ledger's word.
const NEVER_ARRIVED: &str = "never_arrived";
/// Times the outcome of a call is written, should the store not answer.
const SAVE_TRIES: u32 = 8;

/// Timeouts that one call may take as a whole: a token, the call, both once more. A history's pages share them.
pub(crate) const TIMEOUTS_OF_A_CALL: u32 = 4;

/// Real time until when a call of this connection is surely over.
pub(crate) fn lease(door: &Door, connection: &Connection) -> Time {
    door.real_clock.now().plus(connection.settings.timeout() * TIMEOUTS_OF_A_CALL + LEASE_SLACK)
}

/// The loop.
#[derive(Default)]
pub(crate) struct Poller {
    tasks: JoinSet<()>,
}

#[async_trait]
impl Work for Poller {
    const NAME: &'static str = "poll";

    fn wake(door: &Door) -> &Notify {
        &door.wake.checks
    }

    fn tasks(&mut self) -> Option<&mut JoinSet<()>> {
        Some(&mut self.tasks)
    }

    async fn step(&mut self, door: &Arc<Door>) -> Result<Step, DoorError> {
        let (now, real_now) = (door.clock.now(), door.real_clock.now());
        let mut due = Vec::new();
        let mut read = door.store.read().await?;
        for connection in &door.connections {
            let free = connection.calls.available_permits() > 0;
            if free
                && !is_paused(door, &mut read, connection, now).await?
                && checks::any_due(&mut read, door.book, connection.id, now, real_now).await?
            {
                due.push(Arc::clone(connection));
            }
        }
        let next = counters::next_check(&mut read, door.book, now).await?;
        drop(read);
        let mut started = false;
        for connection in due {
            started |= self.start(door, &connection, now).await?;
        }
        Ok(if started { Step::Again } else { Step::Wait(next) })
    }
}

/// Whether a connection must not be called now.
pub(crate) async fn is_paused(
    door: &Door,
    tx: &mut super::store::Tx,
    connection: &Connection,
    now: Time,
) -> Result<bool, DoorError> {
    Ok(pauses::get(tx, door.book, connection.id).await?.is_some_and(|pause| pause.until > now))
}

/// As many free places for calls as there are now.
pub(crate) fn permits(connection: &Connection) -> Vec<OwnedSemaphorePermit> {
    std::iter::from_fn(|| Arc::clone(&connection.calls).try_acquire_owned().ok()).collect()
}

impl Poller {
    async fn start(&mut self, door: &Arc<Door>, connection: &Arc<Connection>, now: Time) -> Result<bool, DoorError> {
        let permits = permits(connection);
        let limit = u32::try_from(permits.len()).unwrap_or(u32::MAX);
        let until = lease(door, connection);
        let mut tx = door.store.write().await?;
        let real_now = door.real_clock.now();
        let due = checks::lease_due(&mut tx, door.book, connection.id, now, real_now, until, limit).await?;
        tx.commit().await?;
        let started = !due.is_empty();
        for (check, permit) in due.into_iter().zip(permits) {
            let (door, connection) = (Arc::clone(door), Arc::clone(connection));
            self.tasks.spawn(async move {
                look(&door, &connection, &check, until).await;
                drop(permit);
                door.wake.checks.notify_one();
                door.wake.commands.notify_one();
            });
        }
        Ok(started)
    }
}

async fn look(door: &Door, connection: &Connection, check: &Check, lease: Time) {
    let answer = match object(connection, check) {
        Some(object) => match handle(door, connection, check).await {
            Ok(handle) => read(connection, &object, handle.as_deref()).await,
            Err(why) => Err(CallError::NotSent(why.to_string())),
        },
        None => Err(CallError::NotOffered),
    };
    for tries in 0..SAVE_TRIES {
        match save(door, connection, check, lease, &answer).await {
            Ok(()) => return,
            Err(why) => {
                tracing::warn!(connection = %connection.id, %why, "a look could not be stored yet");
                tokio::time::sleep(schedule::backoff(Duration::from_millis(100), tries, Duration::from_secs(5))).await;
            }
        }
    }
}

/// What to ask for: by the provider's id where it is known and can be asked for, else by our reference.
fn object(connection: &Connection, check: &Check) -> Option<ObjectRef> {
    let kind = connection.object_kind(&check.key.object_kind)?;
    if check.watch == Watch::Routine {
        return Some(ObjectRef { kind, id: check.object_id.clone(), reference: None });
    }
    let id = check.object_id.clone().filter(|_| connection.can(Capability::ReadById));
    let reference = check.reference.clone().filter(|_| connection.can(Capability::ReadByReference));
    (id.is_some() || reference.is_some()).then_some(ObjectRef { kind, id, reference })
}

/// What the first step of the order named, that the object belongs to.
async fn handle(door: &Door, connection: &Connection, check: &Check) -> Result<Option<String>, DoorError> {
    let Some(reference) = check.reference.as_deref().filter(|_| connection.connector.facts().two_steps) else {
        return Ok(None);
    };
    let mut tx = door.store.read().await?;
    attempts::handle(&mut tx, door.book, connection.id, reference).await
}

async fn read(connection: &Connection, object: &ObjectRef, handle: Option<&str>) -> Result<Vec<RawAnswer>, CallError> {
    // The client bounds each of its requests and their number; this bounds all of them together.
    let whole = connection.settings.timeout() * TIMEOUTS_OF_A_CALL + Duration::from_secs(5);
    match tokio::time::timeout(whole, connection.client.read(object, handle)).await {
        Ok(answer) => answer,
        Err(_) => Err(CallError::Unknown("timeout".into())),
    }
}

async fn save(
    door: &Door,
    connection: &Connection,
    check: &Check,
    lease: Time,
    answers: &Result<Vec<RawAnswer>, CallError>,
) -> Result<(), DoorError> {
    let answers = match answers {
        Ok(answers) => answers,
        Err(why) => return failed(door, connection, check, lease, why).await,
    };
    let moment = connection.routine(&check.key.object_kind).is_some_and(|routine| routine.moment);
    let mut observations = Vec::with_capacity(answers.len());
    for answer in answers {
        match door.observe(connection.id, answer.kind, EvidenceClass::Read, &answer.body) {
            Ok(mut observation) => {
                observation.subject_hint = check.subject;
                if moment {
                    let at = observation.received_at.micros().to_be_bytes();
                    let dated = [answer.body.as_slice(), &at].concat();
                    observation.delivery_key = door.vault.delivery_key(connection.id, &dated);
                }
                observations.push(observation);
            }
            // Too large to keep: as if it had not come.
            Err(DoorError::Vault(why)) => {
                return failed(door, connection, check, lease, &CallError::Unknown(why.to_string())).await;
            }
            Err(why) => return Err(why),
        }
    }
    seen(door, connection, check, lease, observations).await
}

async fn seen(
    door: &Door,
    connection: &Connection,
    check: &Check,
    lease: Time,
    observations: Vec<NewObservation>,
) -> Result<(), DoorError> {
    let now = door.clock.now();
    let poll = &connection.settings.poll;
    let routine = connection.routine(&check.key.object_kind);
    let stuck = routine.is_some() && check.watch == Watch::Unsettled && now.since(check.since) >= BEGUN_MAX;
    let next = match routine {
        Some(_) if stuck => None,
        Some(routine) => schedule::routine(poll, routine, &check.key.key, check.tries, now),
        None => schedule::next(poll, check.watch, &check.key.key, check.since, check.tries, now),
    };
    let mut tx = door.store.write().await?;
    if stuck {
        tracing::warn!(connection = %connection.id, object = check.key.key, "not ready for a day; it is given up");
        checks::rewatch(&mut tx, door.book, &check.key, Watch::Closed, now, None).await?;
    }
    let mut new = false;
    for observation in observations {
        new |= door.keep(&mut tx, observation).await?.1;
    }
    checks::seen(&mut tx, door.book, &check.key, next, now, lease).await?;
    pauses::resume(&mut tx, door.book, connection.id, now).await?;
    tx.commit().await?;
    if new {
        door.wake.inbox.notify_one();
    }
    Ok(())
}

async fn failed(
    door: &Door,
    connection: &Connection,
    check: &Check,
    lease: Time,
    why: &CallError,
) -> Result<(), DoorError> {
    let now = door.clock.now();
    let longest = schedule::longest(&connection.settings.poll).max(RETRY_FIRST);
    let mut tx = door.store.write().await?;
    let retry = schedule::backoff(RETRY_FIRST, check.failures, RETRY_MAX);
    let wait = match why {
        CallError::NotSent(_) | CallError::Unknown(_) => retry,
        CallError::NotFound => not_found(door, &mut tx, connection, check, now).await?,
        CallError::RateLimited(_) | CallError::Credentials(_) => pause(door, &mut tx, connection, now, why).await?,
        CallError::Refused(_) | CallError::NotOffered => longest,
    };
    let subject = check.subject.map(|subject| subject.to_string()).unwrap_or_default();
    tracing::debug!(connection = %connection.id, subject, %why, wait = wait.as_secs(), "a look brought nothing");
    counters::add(&mut tx, door.book, counters::FAILED_READS, 1).await?;
    // Nothing more can come of an object that ended and that the provider denies.
    let denied = matches!(why, CallError::NotFound);
    let over = check.watch == Watch::Ended && denied;
    let nobodys = denied && nobodys(door, &mut tx, connection, check, now).await?;
    if nobodys {
        counters::add(&mut tx, door.book, counters::UNKNOWN_HINTS, 1).await?;
        checks::rewatch(&mut tx, door.book, &check.key, Watch::Closed, now, None).await?;
    }
    let next = (!over && !nobodys).then(|| now.plus(schedule::jitter(&check.key.key, check.failures, wait)));
    checks::failed(&mut tx, door.book, &check.key, next, now, lease, denied).await?;
    tx.commit().await?;
    door.wake.outbox.notify_one();
    Ok(())
}

/// Whether a push or a line named what the provider denies for long: it is no object of this account, whatever reference of
/// ours stood beside it. An attempt whose own object nobody has named yet is looked for by its reference again.
async fn nobodys(
    door: &Door,
    tx: &mut super::store::Tx,
    connection: &Connection,
    check: &Check,
    now: Time,
) -> Result<bool, DoorError> {
    let long = now.since(check.since) >= door.tuning.unknown_grace && check.denials >= DENIALS_MIN;
    if check.watch != Watch::Unsettled || !long {
        return Ok(false);
    }
    if check.subject.is_none() {
        return Ok(true);
    }
    let (Some(id), 0) = (check.object_id.as_deref(), check.tries) else { return Ok(false) };
    let kind = check.key.object_kind.as_str();
    if attempts::owner_of_object(tx, door.book, connection.id, kind, id).await?.is_some() {
        return Ok(false);
    }
    let Some(reference) = check.reference.as_deref() else { return Ok(true) };
    let owner = attempts::owner_of_reference(tx, door.book, connection.id, reference).await?;
    if owner.is_none_or(|owner| owner.object_id.is_some() || owner.object_kind != kind) {
        return Ok(true);
    }
    if !connection.can(Capability::ReadByReference) {
        return Ok(false);
    }
    let key = CheckKey::by_reference(connection.id, kind, reference);
    let own = Check { key, object_id: None, since: now, failures: 0, denials: 0, ..check.clone() };
    checks::insert(tx, door.book, &own, Some(now)).await?;
    Ok(true)
}

/// "Not found" right after an order proves nothing. Where the provider denies our reference for all of
/// [`super::Tuning::unknown_grace`], an attempt whose outcome is unknown ends as failed. It is never sent again, and it
/// is looked for once more at the last recheck age: a collection that turns up late still posts, with a discrepancy.
async fn not_found(
    door: &Door,
    tx: &mut super::store::Tx,
    connection: &Connection,
    check: &Check,
    now: Time,
) -> Result<Duration, DoorError> {
    let poll = &connection.settings.poll;
    let longest = schedule::longest(poll).max(RETRY_FIRST);
    let age = now.since(check.since);
    if age < door.tuning.not_found_grace {
        return Ok(schedule::backoff(RETRY_FIRST, check.failures, RETRY_MAX));
    }
    let unknown = check.object_id.is_none() && check.watch == Watch::Unsettled;
    if !unknown || age < door.tuning.unknown_grace || check.denials < DENIALS_MIN {
        return Ok(longest);
    }
    let Some(subject) = check.subject else { return Ok(longest) };
    let Some(attempt) = attempts::last(tx, door.book, subject).await? else { return Ok(longest) };
    let Some(intent) = intents::get(tx, door.book, subject).await? else { return Ok(longest) };
    if attempts::give_up(tx, door.book, &attempt, now).await? {
        tracing::warn!(%subject, "the provider does not know an order whose outcome was unknown; it ends as failed");
        counters::add(tx, door.book, counters::GIVEN_UP, 1).await?;
        intents::refuse(tx, door.book, subject, NEVER_ARRIVED).await?;
        door.note(tx, &intent, attempt.n, Note::Refused(NEVER_ARRIVED)).await?;
        checks::rewatch(tx, door.book, &check.key, Watch::Ended, now, None).await?;
        let last = poll.recheck_secs.last().copied().unwrap_or(poll.max_secs);
        return Ok(Duration::from_secs(last));
    }
    Ok(longest)
}

/// Pauses a connection; says how long.
pub(crate) async fn pause(
    door: &Door,
    tx: &mut super::store::Tx,
    connection: &Connection,
    now: Time,
    why: &CallError,
) -> Result<Duration, DoorError> {
    let tries = pauses::get(tx, door.book, connection.id).await?.map_or(0, |pause| pause.tries);
    let (wait, reason) = match why {
        CallError::RateLimited(asked) => ((*asked).clamp(Duration::from_secs(1), PAUSE_MAX), "rate_limited"),
        _ => {
            counters::add(tx, door.book, counters::CREDENTIALS, 1).await?;
            let slug = &connection.settings.slug;
            tracing::error!(slug, %why, "the provider does not accept the credentials; a person must act");
            (schedule::backoff(CREDENTIALS_FIRST, tries, CREDENTIALS_MAX), "credentials")
        }
    };
    pauses::pause(tx, door.book, connection.id, now.plus(wait), tries.saturating_add(1), reason).await?;
    Ok(wait)
}
