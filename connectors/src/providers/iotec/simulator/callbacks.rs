//! Callbacks: noted in the transaction that changes the status, sent by the background task when due.
//!
//! Only `Success`, `Failed` and `SentToVendor` are announced, to the URL of the wallet and category (provider facts,
//! section 11). The body is the status answer of that moment. Three tries; what is not answered with 2xx in time is
//! tried again after growing simulated gaps.

use std::time::Duration;

use ensimbi_events::Time;
use secrecy::ExposeSecret;
use sqlx::{FromRow, Row, SqliteConnection};

use super::IotecSimulator;
use super::answer::Oddities;
use super::faults::Fault;
use super::lifecycle::Rules;
use super::records::{self, Kind};
use super::settings::CallbackTarget;
use super::status;
use crate::simulator::Result;
use crate::simulator::work::taken;

const TRIES: i64 = 3;
/// By how much a callback waits so that others overtake it.
const OVERTAKEN: Duration = Duration::from_secs(30);

/// A callback to be sent.
#[derive(FromRow)]
pub struct Due {
    id: i64,
    wallet_id: String,
    body: String,
    category: String,
    kind: String,
    tries: i64,
}

/// Where callbacks about a record go: the category of the registration, if there is one.
fn category(rules: Rules<'_>, kind: Kind, wallet_id: &str) -> Option<Kind> {
    let registered = |kind| rules.called_back.iter().any(|(id, of)| id == wallet_id && *of == kind);
    match kind {
        kind if registered(kind) => Some(kind),
        Kind::Disbursement if registered(Kind::Collection) && !rules.faults.switches.callbacks_by_category_only => {
            Some(Kind::Collection)
        }
        _ => None,
    }
}

/// Notes the callbacks of a record's present status, which came at `at`.
pub(super) async fn note(db: &mut SqliteConnection, rules: Rules<'_>, seq: i64, at: Time) -> Result<()> {
    let of = records::by_seq(&mut *db, seq).await?;
    let announced = matches!(of.status.as_str(), "Success" | "Failed" | "SentToVendor");
    let Some(category) = category(rules, of.kind(), &of.wallet_id).filter(|_| announced) else { return Ok(()) };
    let (faults, key) = (rules.faults, of.key());
    let body = status::text(&mut *db, faults, &of, Oddities::default()).await?;
    // Two statuses of one record are two chances, each with its own draw.
    let chance = format!("{key}/{}", of.status);
    let hits = |fault| faults.hits(fault, &chance, 0);
    let mut due = at.plus(rules.settings.callback_after);
    if of.created_at == at.micros() && faults.hits(Fault::CallbackBeforeAnswer, &key, 0) {
        due = at;
    }
    if hits(Fault::CallbackReordered) {
        due = after_the_next(&mut *db, rules, seq, due).await?;
    }
    if hits(Fault::CallbackLate) {
        due = due.plus(Duration::from_secs(60 * u64::from(faults.parameters.callback_late_minutes)));
    }
    let state = if hits(Fault::CallbackLost) { "lost" } else { "due" };
    let mut queue = vec![(body.clone(), "genuine", due, state)];
    if hits(Fault::CallbackDoubled) {
        let gap = Duration::from_secs(1 + faults.draws().below("doubled_after", &chance, 0, 600));
        queue.push((body.clone(), "genuine", due.plus(gap), "due"));
    }
    if hits(Fault::CallbackForged) {
        let draws = faults.draws();
        let early = at.plus(rules.settings.callback_after);
        let odd = Oddities { status: Some("Success"), extra_fields: false };
        if draws.below("forged_kind", &chance, 0, 2) == 0 {
            queue.push((status::text(&mut *db, faults, &of, odd).await?, "forged_header", early, "due"));
        } else {
            let mut nobody = of.clone();
            nobody.id = draws.uuid("forged_id", &chance, 0).to_string();
            nobody.external_id = Some(nobody.id.clone());
            queue.push((status::invented(&mut *db, faults, &nobody, odd).await?, "forged_id", early, "due"));
        }
    }
    for (body, kind, due, state) in queue {
        sqlx::query(
            "INSERT INTO callback (record, wallet_id, status, body, category, kind, due_at, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .bind(seq)
        .bind(&of.wallet_id)
        .bind(&of.status)
        .bind(body)
        .bind(category.word())
        .bind(kind)
        .bind(due.micros())
        .bind(state)
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// Behind the callback of the record's next step, or long enough for other records to overtake.
async fn after_the_next(db: &mut SqliteConnection, rules: Rules<'_>, seq: i64, due: Time) -> Result<Time> {
    let row = sqlx::query("SELECT min(due_at) FROM step WHERE record = ?1 AND done = 0").bind(seq);
    let next: Option<i64> = row.fetch_one(db).await?.try_get(0)?;
    let next = next.map(|next| Time::from_micros(next).plus(rules.settings.callback_after));
    // A contradiction hours later is no order worth waiting for.
    let next = next.filter(|next| next.since(due) < Duration::from_secs(600));
    Ok(next.map_or(due.plus(OVERTAKEN), |next| next.max(due).plus(Duration::from_secs(2))))
}

/// What is due, one callback a record at a time.
pub(super) async fn due(db: &mut SqliteConnection, now: Time, most: u16) -> Result<Vec<Due>> {
    let due = sqlx::query_as(
        "SELECT id, wallet_id, body, category, kind, tries FROM callback AS c WHERE state = 'due' AND due_at <= ?1
           AND NOT EXISTS (SELECT 1 FROM callback AS d WHERE d.record = c.record AND d.state = 'due'
             AND (d.due_at < c.due_at OR (d.due_at = c.due_at AND d.id < c.id)))
         ORDER BY due_at, id LIMIT ?2",
    );
    Ok(due.bind(now.micros()).bind(i64::from(most)).fetch_all(db).await?)
}

impl IotecSimulator {
    /// Whether the receiver took it.
    pub(super) async fn deliver(&self, one: &Due) -> bool {
        let kind = if one.category == "Disbursement" { Kind::Disbursement } else { Kind::Collection };
        let Some(target) = self.target(&one.wallet_id, kind) else { return false };
        let CallbackTarget { url, header_name, header_value } = target;
        let header = match one.kind.as_str() {
            "forged_header" => "forged",
            _ => header_value.expose_secret(),
        };
        let request = self
            .core
            .http()
            .post(url)
            .timeout(self.settings.callback_timeout)
            .header("content-type", "application/json")
            .header(header_name, header)
            .body(one.body.clone());
        taken(request).await
    }

    pub(super) async fn delivered(&self, one: &Due, accepted: bool) -> Result<()> {
        let tries = one.tries + 1;
        let gap = usize::try_from(tries - 1).ok().and_then(|nth| self.settings.callback_gaps.get(nth));
        let (state, due) = match gap {
            _ if accepted => ("delivered", None),
            // Whoever forges does not insist.
            Some(gap) if one.kind == "genuine" && tries < TRIES => ("due", Some(self.core.now().plus(*gap).micros())),
            _ => ("given_up", None),
        };
        let mut tx = self.core.begin().await?;
        sqlx::query("UPDATE callback SET tries = ?2, state = ?3, due_at = coalesce(?4, due_at) WHERE id = ?1")
            .bind(one.id)
            .bind(tries)
            .bind(state)
            .bind(due)
            .execute(&mut *tx)
            .await?;
        self.core.commit(tx).await?;
        self.core.sent();
        Ok(())
    }
}
