//! The one table: a row for each object, and one for what was in the wallet at first.

use std::time::Duration;

use ensimbi_events::{Amount, Time};
use sqlx::{FromRow, Row as _, SqliteConnection};

use super::{Fault, Plain, Record, State};
use crate::simulator::faults::Faults;
use crate::simulator::file::Schema;
use crate::simulator::work::BATCH;
use crate::simulator::{Result, SimulatedKind, SimulatorError};

pub(super) const SCHEMA: Schema = Schema {
    provider: "a plain provider",
    application_id: 0x504c_4149,
    version: 1,
    create: "
PRAGMA application_id = 0x504c4149;
PRAGMA user_version = 1;
-- `effect`: what it has moved in the wallet. `due_at`: when `pending` ends. `push_at`: when it is to be told; null where
-- nobody is told (any more). The row of the kind `opening` carries the provider's word as its id.
CREATE TABLE record (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, reference TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('collection', 'payout', 'opening')),
    phone TEXT NOT NULL, amount INTEGER NOT NULL, fee INTEGER NOT NULL, effect INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    since INTEGER NOT NULL, due_at INTEGER, push_at INTEGER, tries INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX record_due ON record (due_at, seq) WHERE due_at IS NOT NULL;
CREATE INDEX record_push ON record (push_at, seq) WHERE push_at IS NOT NULL;
",
};

/// A row.
#[derive(Clone, FromRow)]
pub struct Row {
    seq: i64,
    pub(super) id: String,
    pub(super) reference: String,
    kind: String,
    phone: String,
    amount: i64,
    fee: i64,
    pub(super) effect: i64,
    pub(super) status: String,
    since: i64,
    pub(super) tries: i64,
}

impl Row {
    /// As the provider shows it.
    pub(super) fn record(self) -> Record {
        let state = match self.status.as_str() {
            "succeeded" => State::Succeeded,
            "failed" => State::Failed,
            _ => State::Pending,
        };
        Record {
            kind: if self.kind == "payout" { SimulatedKind::Payout } else { SimulatedKind::Collection },
            amount: Amount::from_scaled(self.amount),
            fee: Amount::from_scaled(self.fee),
            since: Time::from_micros(self.since),
            id: self.id,
            reference: self.reference,
            phone: self.phone,
            state,
        }
    }
}

/// Puts the opening into a new file, and refuses another provider's.
pub(super) async fn begin(db: &mut SqliteConnection, provider: &str, opening: Amount, at: Time) -> Result<()> {
    sqlx::query(
        "INSERT INTO record (id, reference, kind, phone, amount, fee, effect, status, since)
         SELECT ?1, '', 'opening', '', 0, 0, ?2, 'succeeded', ?3 WHERE NOT EXISTS (SELECT 1 FROM record)",
    )
    .bind(provider)
    .bind(opening.scaled())
    .bind(at.micros())
    .execute(&mut *db)
    .await?;
    let of: String = sqlx::query("SELECT id FROM record WHERE kind = 'opening'").fetch_one(db).await?.try_get(0)?;
    if of == provider {
        return Ok(());
    }
    Err(SimulatorError::Foreign(format!("the file is no simulator file of {provider}; name another one or remove it")))
}

pub(super) async fn balance(db: &mut SqliteConnection) -> Result<Amount> {
    let sum: i64 = sqlx::query("SELECT sum(effect) FROM record").fetch_one(db).await?.try_get(0)?;
    Ok(Amount::from_scaled(sum))
}

pub(super) async fn all(db: &mut SqliteConnection) -> Result<Vec<Row>> {
    Ok(sqlx::query_as("SELECT * FROM record WHERE kind <> 'opening' ORDER BY seq").fetch_all(db).await?)
}

/// By id or reference.
pub(super) async fn find(db: &mut SqliteConnection, kind: SimulatedKind, key: &str) -> Result<Option<Row>> {
    let found = sqlx::query_as("SELECT * FROM record WHERE kind = ?1 AND (id = ?2 OR reference = ?2) LIMIT 1");
    Ok(found.bind(kind.as_str()).bind(key).fetch_optional(db).await?)
}

/// Makes a record and its plan, unless its reference is taken.
pub(super) async fn make<P: Plain>(
    db: &mut SqliteConnection,
    faults: &Faults<Fault>,
    (kind, reference, phone, amount): (SimulatedKind, &str, &str, Amount),
    now: Time,
) -> Result<()> {
    let wait = if phone.ends_with('8') { 300 } else { 5 + faults.draws().below("outcome_after", reference, 0, 60) };
    sqlx::query(
        "INSERT INTO record (id, reference, kind, phone, amount, fee, status, since, due_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?7, ?8) ON CONFLICT (reference) DO NOTHING",
    )
    .bind(faults.draws().uuid(P::PROVIDER, reference, 0).to_string())
    .bind(reference)
    .bind(kind.as_str())
    .bind(phone)
    .bind(amount.scaled())
    .bind(P::fee(kind, amount).scaled())
    .bind(now.micros())
    .bind(now.plus(Duration::from_secs(wait)).micros())
    .execute(db)
    .await?;
    Ok(())
}

/// Ends what is due, in the order of its time: how many.
pub(super) async fn settle(db: &mut SqliteConnection, faults: &Faults<Fault>, now: Time) -> Result<u32> {
    let due: Vec<Row> = sqlx::query_as("SELECT * FROM record WHERE due_at <= ?1 ORDER BY due_at, seq LIMIT ?2")
        .bind(now.micros())
        .bind(BATCH)
        .fetch_all(&mut *db)
        .await?;
    for row in &due {
        let payout = row.kind == "payout";
        let funds = !payout || balance(&mut *db).await?.scaled() >= row.amount + row.fee;
        let succeeds = funds && !row.phone.ends_with(['8', '9']);
        let effect = match (succeeds, payout) {
            (false, _) => 0,
            (true, true) => -row.amount - row.fee,
            (true, false) => row.amount - row.fee,
        };
        let late = if faults.hits(Fault::PushLate, &row.id, 0) { 900 } else { 1 };
        let lost = faults.hits(Fault::PushLost, &row.id, 0);
        sqlx::query(
            "UPDATE record SET status = ?2, effect = ?3, since = due_at, due_at = NULL,
                push_at = CASE WHEN ?4 THEN NULL ELSE due_at + ?5 END WHERE seq = ?1",
        )
        .bind(row.seq)
        .bind(if succeeds { "succeeded" } else { "failed" })
        .bind(effect)
        .bind(lost)
        .bind(late * 1_000_000_i64)
        .execute(&mut *db)
        .await?;
    }
    Ok(u32::try_from(due.len()).unwrap_or(u32::MAX))
}

/// How much is due by a moment, and when the earliest of all is.
pub(super) async fn planned(db: &mut SqliteConnection, now: Time) -> Result<(u64, Option<Time>)> {
    let (due, next): (i64, Option<i64>) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE at <= ?1), min(at) FROM (SELECT due_at AS at FROM record WHERE due_at IS NOT NULL
            UNION ALL SELECT push_at FROM record WHERE push_at IS NOT NULL)",
    )
    .bind(now.micros())
    .fetch_one(db)
    .await?;
    Ok((due.unsigned_abs(), next.map(Time::from_micros)))
}

/// Pushes that are due.
pub(super) async fn to_push(db: &mut SqliteConnection, now: Time, most: u16) -> Result<Vec<Row>> {
    let due = sqlx::query_as("SELECT * FROM record WHERE push_at <= ?1 ORDER BY push_at, seq LIMIT ?2");
    Ok(due.bind(now.micros()).bind(i64::from(most)).fetch_all(db).await?)
}

/// Stores that a push was tried, and when it is to be sent again.
pub(super) async fn pushed(db: &mut SqliteConnection, row: &Row, again: Option<Time>) -> Result<()> {
    sqlx::query("UPDATE record SET tries = tries + 1, push_at = ?2 WHERE seq = ?1")
        .bind(row.seq)
        .bind(again.map(Time::micros))
        .execute(db)
        .await?;
    Ok(())
}
