//! Inbox -> claims in the outbox, looks in `checks`.
//!
//! A batch is one transaction: rows taken, opened, read by the connector's pure translator, placed, written. A row that
//! cannot be read or placed is quarantined whole: none of its statements goes up. Hints never become claims; they only
//! make what they name due, if we know it. A signed push makes what it names due too, known or not, and what it says of an
//! object that our own read states only confirms that read. A translator that panics loses its row to quarantine and nothing else.
//!
//! Claim ids come from the observation, so a batch that was repeated after an unknown commit writes nothing twice.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::{EvidenceClass, ObservationId, SubjectKind};
use tokio::sync::Notify;

use super::connections::{Connection, find};
use super::loops::{Step, Work};
use super::place::{self, Reason};
use super::store::checks::{self, Check, CheckKey};
use super::store::inbox::{self, InboxState, Waiting};
use super::store::outbox::NewNote;
use super::store::rows::NewRow;
use super::store::{Tx, banks, counters, outbox, push_keys, rows};
use super::{Door, DoorError, holds, schedule};
use crate::connector::{Capability, Input, ObjectRef, RowSeen, Translation, Watch};
use crate::verify::PublicKey;

/// Rows in one transaction.
const BATCH: u32 = 64;
/// Most statements, or objects, that one set of bytes may bring.
const STATEMENTS_MAX: usize = 1_000;

/// The loop.
pub(crate) struct Translator;

#[async_trait]
impl Work for Translator {
    const NAME: &'static str = "translate";

    fn wake(door: &Door) -> &Notify {
        &door.wake.inbox
    }

    async fn step(&mut self, door: &Arc<Door>) -> Result<Step, DoorError> {
        let mut read = door.store.read().await?;
        let any = inbox::any_new(&mut read, door.book).await?;
        drop(read);
        if !any {
            return Ok(Step::Wait(None));
        }
        let mut tx = door.store.write().await?;
        let rows = inbox::take(&mut tx, door.book, BATCH).await?;
        if rows.is_empty() {
            // Another process has them.
            return Ok(Step::Wait(None));
        }
        let mut told = Told::default();
        for row in rows {
            one(door, &mut tx, row, &mut told).await?;
        }
        let differ = rows::keep(&mut tx, door.book, &told.rows, door.clock.now()).await?;
        if differ > 0 {
            tracing::warn!(differ, "rows of a wallet that were told differently before");
        }
        outbox::insert(&mut tx, door.book, &told.notes, door.clock.now()).await?;
        tx.commit().await?;
        door.wake.outbox.notify_one();
        door.wake.checks.notify_one();
        door.wake.answered.notify_waiters();
        Ok(Step::Again)
    }
}

/// What a batch told, written at its end: what must be in order is locked last and shortly.
#[derive(Default)]
struct Told {
    notes: Vec<NewNote>,
    rows: Vec<NewRow>,
}

async fn one(door: &Door, tx: &mut Tx, row: Waiting, told: &mut Told) -> Result<(), DoorError> {
    let done = match find(&door.connections, row.connection) {
        None => Err("its connection is not configured any more".to_owned()),
        Some(connection) if row.class == EvidenceClass::Hint => hint(door, tx, connection, &row).await?,
        Some(connection) => statements(door, tx, connection, &row, told).await?,
    };
    match done {
        Ok(state) => inbox::finish(tx, door.book, row.id, state, None).await,
        Err(reason) => {
            tracing::warn!(observation = %row.id, connection = %row.connection, kind = row.kind, reason, "quarantined");
            counters::add(tx, door.book, counters::QUARANTINED, 1).await?;
            inbox::finish(tx, door.book, row.id, InboxState::Quarantined, Some(&reason)).await
        }
    }
}

/// Opens the row and reads it; nothing here can change anything.
fn read<T>(
    door: &Door,
    row: &Waiting,
    translate: impl Fn(&[u8]) -> Result<T, crate::connector::Unreadable>,
) -> Result<T, Reason> {
    let opened = door.vault.open_observation(row.id, row.connection, &row.sealed).map_err(|why| why.to_string())?;
    match catch_unwind(AssertUnwindSafe(|| translate(&opened.body))) {
        Ok(read) => read.map_err(|why| why.to_string()),
        Err(_) => Err("the translator panicked".to_owned()),
    }
}

async fn statements(
    door: &Door,
    tx: &mut Tx,
    connection: &Connection,
    row: &Waiting,
    told: &mut Told,
) -> Result<Result<InboxState, Reason>, DoorError> {
    let options = &connection.settings.options;
    let (received_at, mode) = (row.received_at, door.mode);
    let translation = read(door, row, |body| {
        connection.connector.translate(Input { kind: &row.kind, body, options, received_at, mode })
    });
    let translation = match translation.and_then(|translation| check(connection, translation)) {
        Ok(translation) => translation,
        Err(reason) => return Ok(Err(reason)),
    };
    let mut own = Vec::with_capacity(translation.said.len());
    // What is said of its invoice tells nothing of the object itself.
    let said = translation.said.iter().any(|said| said.subject_kind != SubjectKind::Invoice);
    let untold = !said && !translation.unknown.is_empty();
    for (said, index) in translation.said.into_iter().zip(0u32..) {
        match place::claim(door, tx, connection, row, index, said).await? {
            Ok(Some(note)) => {
                own.extend(holds::released(door, tx, row, &note.claim).await?);
                own.push(note);
            }
            Ok(None) => {}
            Err(reason) => return Ok(Err(reason)),
        }
    }
    for bank in &translation.banks {
        banks::put(tx, door.book, connection.id, bank, door.clock.now()).await?;
    }
    keys_named(door, tx, connection, &translation.keys).await?;
    told.rows.extend(wallet_rows(connection, row.id, translation.rows));
    told.notes.append(&mut own);
    for (object, watch) in &translation.watch {
        watch_object(door, tx, connection, row, object, *watch, untold).await?;
    }
    let unknown = translation.unknown.len() as u64;
    if unknown > 0 {
        tracing::warn!(observation = %row.id, unknown, "words that nobody knows; no event, no money");
        counters::add(tx, door.book, counters::UNKNOWN_WORDS, unknown).await?;
    }
    Ok(Ok(InboxState::Translated))
}

/// Whether what was read is within its bounds, about objects that can be stored.
pub(crate) fn check(connection: &Connection, translation: Translation) -> Result<Translation, Reason> {
    let Translation { said, watch, banks, rows, .. } = &translation;
    if [said.len(), watch.len(), banks.len(), rows.len()].into_iter().any(|count| count > STATEMENTS_MAX) {
        return Err(format!("more than {STATEMENTS_MAX} statements"));
    }
    let objects = translation.said.iter().map(|said| &said.object).chain(translation.watch.iter().map(|(o, _)| o));
    for object in objects {
        place::check_object(connection, object)?;
    }
    Ok(translation)
}

/// Rows of the provider's wallet book, each with its wallet.
fn wallet_rows(
    connection: &Connection,
    observation: ObservationId,
    rows: Vec<RowSeen>,
) -> impl Iterator<Item = NewRow> {
    let only = connection.only_wallet(None, None).map(|wallet| wallet.settings.id.clone()).unwrap_or_default();
    let connection = connection.id;
    rows.into_iter().map(move |row| {
        let wallet = row.wallet.clone().unwrap_or_else(|| only.clone());
        NewRow { connection, observation, wallet, row }
    })
}

/// Takes over keys that the provider says it signs with. One that is none is counted: a person must look.
async fn keys_named(door: &Door, tx: &mut Tx, connection: &Connection, named: &[String]) -> Result<(), DoorError> {
    if named.is_empty() {
        return Ok(());
    }
    for pem in named {
        match PublicKey::from_pem(pem) {
            Ok(key) => push_keys::put(tx, door.book, connection.id, key.fingerprint(), pem, door.clock.now()).await?,
            Err(why) => {
                tracing::warn!(connection = %connection.id, %why, "a public key that the provider names is none");
                counters::add(tx, door.book, counters::UNKNOWN_WORDS, 1).await?;
            }
        }
    }
    connection.accept_keys(&push_keys::active(tx, door.book, connection.id).await?);
    Ok(())
}

/// Takes over what the bytes say about watching an object. Old bytes never restart the watch of a finished one; bytes
/// that tell nothing of it (`untold`) have its last look repeated.
async fn watch_object(
    door: &Door,
    tx: &mut Tx,
    connection: &Connection,
    row: &Waiting,
    object: &ObjectRef,
    watch: Watch,
    untold: bool,
) -> Result<(), DoorError> {
    if !connection.can(Capability::ReadById) && !connection.can(Capability::ReadByReference) {
        return Ok(());
    }
    let now = door.clock.now();
    let by_reference = |reference: &String| CheckKey::by_reference(connection.id, object.kind, reference);
    let Some(key) = CheckKey::of(connection.id, object) else { return Ok(()) };
    let owner = place::owner(door, tx, connection, object, row.subject_hint).await?;
    // Another object under the reference of an attempt that carries out its own: nothing will come of it.
    let same_kind = owner.as_ref().filter(|owner| owner.object_kind == object.kind);
    let named = same_kind.and_then(|owner| owner.object_id.as_ref());
    let orphan =
        connection.connector.facts().two_steps && named.is_some() && object.id.is_some() && named != object.id.as_ref();
    let moved = watch == Watch::Moved;
    let watch = if moved { Watch::Unsettled } else { watch };
    // Where it sells something by name it is an invoice all the same, and is looked at again for its end.
    let sells = owner.as_ref().is_some_and(|owner| owner.items > 0);
    let read = row.class != EvidenceClass::Signed;
    let watch = match watch {
        Watch::Unsettled if orphan && sells && read => Watch::Settled,
        Watch::Unsettled if orphan => Watch::Closed,
        watch => watch,
    };
    let pushed = row.class == EvidenceClass::Signed && !orphan;
    let reference = object.reference.clone().or_else(|| owner.as_ref().map(|owner| owner.reference.clone()));
    if object.id.is_some()
        && let Some(reference) = &reference
    {
        checks::forget(tx, door.book, &by_reference(reference)).await?;
    }
    let subject = owner.map(|owner| owner.intent);
    let next = if pushed { Some(now) } else { schedule::first(&connection.settings.poll, watch, &key.key, now) };
    match checks::watch_of(tx, door.book, &key).await? {
        Some(present) => {
            if pushed {
                checks::wake(tx, door.book, &key, None, now, door.real_clock.now()).await?;
            } else if replaces(present, watch) && (read || !orphan) {
                checks::rewatch(tx, door.book, &key, watch, now, next).await?;
            } else if (untold && present != Watch::Unsettled) || (moved && present == Watch::Ended) {
                let wait = Duration::from_secs(connection.settings.poll.first_secs);
                checks::repeat(tx, door.book, &key, now.plus(wait)).await?;
            }
            checks::name(tx, door.book, &key, reference.as_deref(), subject).await
        }
        None => {
            let object_id = object.id.clone();
            let check =
                Check { key, subject, reference, object_id, watch, since: now, tries: 0, failures: 0, denials: 0 };
            checks::insert(tx, door.book, &check, next).await.map(drop)
        }
    }
}

/// An end, once seen, is not undone by older bytes that come late; a different end starts its own looks.
fn replaces(present: Watch, new: Watch) -> bool {
    new != Watch::Unsettled && new != present
}

/// A hint makes what it names due now, if a row or an attempt of ours knows it.
async fn hint(
    door: &Door,
    tx: &mut Tx,
    connection: &Connection,
    row: &Waiting,
) -> Result<Result<InboxState, Reason>, DoorError> {
    let objects = match read(door, row, |body| connection.connector.hinted(body)) {
        Ok(objects) if objects.len() > STATEMENTS_MAX => return Ok(Err("too many objects".to_owned())),
        Ok(objects) => objects,
        Err(reason) => return Ok(Err(reason)),
    };
    for object in &objects {
        if let Err(reason) = place::check_object(connection, object) {
            return Ok(Err(reason));
        }
    }
    for object in &objects {
        if !wake(door, tx, connection, object).await? {
            counters::add(tx, door.book, counters::UNKNOWN_HINTS, 1).await?;
        } else if let Some(subject) = subject_of(door, tx, connection, object).await? {
            inbox::about(tx, door.book, row.id, subject).await?;
        }
    }
    Ok(Ok(InboxState::HintDone))
}

async fn wake(door: &Door, tx: &mut Tx, connection: &Connection, object: &ObjectRef) -> Result<bool, DoorError> {
    let (now, real_now) = (door.clock.now(), door.real_clock.now());
    let reference = object.reference.as_deref();
    let Some(key) = CheckKey::of(connection.id, object) else { return Ok(false) };
    if checks::wake(tx, door.book, &key, reference, now, real_now).await? {
        return Ok(true);
    }
    let Some(reference) = reference else { return Ok(false) };
    let Some(owner) = attempts_owner(door, tx, connection, reference).await? else { return Ok(false) };
    // Our own reference, so the object is ours; the id in the hint is nobody's word.
    let check = Check {
        key: CheckKey::by_reference(connection.id, object.kind, reference),
        subject: Some(owner),
        reference: Some(reference.to_owned()),
        object_id: None,
        watch: Watch::Unsettled,
        since: now,
        tries: 0,
        failures: 0,
        denials: 0,
    };
    checks::insert(tx, door.book, &check, Some(now)).await?;
    Ok(true)
}

/// The order that a hint turned out to be about, so that it is found again from the payment.
async fn subject_of(
    door: &Door,
    tx: &mut Tx,
    connection: &Connection,
    object: &ObjectRef,
) -> Result<Option<ensimbi_events::SubjectId>, DoorError> {
    let Some(key) = CheckKey::of(connection.id, object) else { return Ok(None) };
    checks::subject_of(tx, door.book, &key, object.reference.as_deref()).await
}

async fn attempts_owner(
    door: &Door,
    tx: &mut Tx,
    connection: &Connection,
    reference: &str,
) -> Result<Option<ensimbi_events::SubjectId>, DoorError> {
    let owner = super::store::attempts::owner_of_reference(tx, door.book, connection.id, reference).await?;
    Ok(owner.map(|owner| owner.intent))
}
