//! Webhooks are noted in the transaction that makes them happen, with the body of that moment (provider facts, section
//! 9), and sent by the background task. A purchase's own success callback is a second channel, signed by the company's
//! key.
//!
//! The faults of a webhook are drawn here: what is lost, doubled, late, stale or overtaken, and what comes beside it.

use std::time::Duration;

use ensimbi_events::Time;
use serde_json::{Value, json};
use sqlx::{Row, SqliteConnection};

use super::faults::Fault;
use super::json::dumps;
use super::objects::{self, Kind, Object};
use super::status::shown;
use super::steps::Rules;
use crate::simulator::Result;

/// A status word and an event that are in nobody's documents.
pub(super) const UNKNOWN_STATUS: &str = "under_review";
const UNKNOWN_EVENT: &str = "something_new";
/// By how much a webhook waits so that others overtake it.
const OVERTAKEN: Duration = Duration::from_secs(30);

/// One delivery to be noted.
struct Noted<'a> {
    seq: i64,
    channel: &'a str,
    url: &'a str,
    event: &'a str,
    kind: &'static str,
    blocks: bool,
    due: Time,
    lost: bool,
}

async fn note(db: &mut SqliteConnection, noted: Noted<'_>, body: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO delivery (object, queue, channel, url, event, body, kind, blocks, due_at, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )
    .bind(noted.seq)
    .bind(format!("{}/{}", noted.seq, noted.channel))
    .bind(noted.channel)
    .bind(noted.url)
    .bind(noted.event)
    .bind(body)
    .bind(noted.kind)
    .bind(noted.blocks)
    .bind(noted.due.micros())
    .bind(if noted.lost { "lost" } else { "due" })
    .execute(db)
    .await?;
    Ok(())
}

/// Announces something that happened to an object.
pub(super) async fn announce(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    of: &mut Object,
    event: &str,
    at: Time,
) -> Result<()> {
    of.doc["event_type"] = event.into();
    objects::save(&mut *db, of).await?;
    tell(db, rules, of, event, at).await
}

/// As [`announce`], of a body that is not the object's own.
pub(super) async fn tell(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    of: &Object,
    event: &str,
    at: Time,
) -> Result<()> {
    let doc = shown(of, rules.base);
    let body = dumps(&doc);
    // Two events of one object are two chances, each with its own draw.
    let nth = doc["status_history"].as_array().map_or(0, Vec::len);
    let chance = format!("{}/{event}/{nth}", of.key);
    for channel in rules.targets {
        webhook(&mut *db, rules, (of, channel), (event, &chance), (&doc, &body), at).await?;
    }
    if event == "purchase.paid" && !of.text("success_callback").is_empty() {
        let noted = Noted {
            seq: of.seq,
            channel: "",
            url: of.text("success_callback"),
            event,
            kind: "genuine",
            blocks: true,
            due: at.plus(rules.settings.webhook_after),
            lost: false,
        };
        note(db, noted, &body).await?;
    }
    Ok(())
}

async fn webhook(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    (of, channel): (&Object, &str),
    (event, chance): (&str, &str),
    (doc, body): (&Value, &str),
    at: Time,
) -> Result<()> {
    let (faults, draws) = (rules.faults, rules.faults.draws());
    let hits = |fault| faults.hits(fault, chance, 0);
    let soon = at.plus(rules.settings.webhook_after);
    let late = Duration::from_secs(60 * u64::from(faults.parameters.webhook_late_minutes));
    let genuine = |kind, blocks, due, lost| Noted { seq: of.seq, channel, url: "", event, kind, blocks, due, lost };
    if hits(Fault::WebhookStale) {
        let before = sqlx::query(
            "SELECT event, body FROM delivery WHERE object = ?1 AND channel = ?2 AND kind = 'genuine'
             ORDER BY id DESC LIMIT 1",
        )
        .bind(of.seq)
        .bind(channel)
        .fetch_optional(&mut *db)
        .await?;
        if let Some(row) = before {
            let (event, body): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let stale = Noted { event: &event, ..genuine("copy", false, soon.plus(late), false) };
            note(&mut *db, stale, &body).await?;
        }
    }
    let overtaken = hits(Fault::WebhookReordered);
    let mut due = if overtaken { soon.plus(OVERTAKEN) } else { soon };
    if hits(Fault::WebhookLate) {
        due = due.plus(late);
    }
    let blocks = !overtaken && !faults.switches.no_order;
    note(&mut *db, genuine("genuine", blocks, due, hits(Fault::WebhookLost)), body).await?;
    if hits(Fault::WebhookDoubled) {
        let gap = Duration::from_secs(1 + draws.below("doubled_after", chance, 0, 600));
        note(&mut *db, genuine("copy", false, due.plus(gap), false), body).await?;
    }
    if hits(Fault::SignatureTruncated) {
        note(&mut *db, genuine("truncated", false, soon, false), body).await?;
    }
    if hits(Fault::WebhookForged) {
        let text = dumps(&pretended(of, doc));
        note(&mut *db, genuine("forged", false, soon, false), &text).await?;
    }
    for (fault, odd) in [
        (Fault::ForeignEvent, foreign(rules, chance, doc)),
        (Fault::UnknownStatus, unknown_status(doc)),
        (Fault::UnknownEvent, unknown_event(doc)),
    ] {
        if hits(fault) {
            let name = odd["event_type"].as_str().unwrap_or_default();
            let noted = Noted { event: name, ..genuine("odd", false, soon, false) };
            note(&mut *db, noted, &dumps(&odd)).await?;
        }
    }
    Ok(())
}

/// What a forger would tell: the money is there.
fn pretended(of: &Object, doc: &Value) -> Value {
    let mut doc = doc.clone();
    let (status, event) = match of.kind {
        Kind::Payout => ("error", "payout.failed"),
        _ => ("paid", "purchase.paid"),
    };
    doc["status"] = status.into();
    doc["event_type"] = event.into();
    doc
}

/// Another company's object.
fn foreign(rules: Rules<'_>, chance: &str, doc: &Value) -> Value {
    let (mut doc, draws) = (doc.clone(), rules.faults.draws());
    for (name, what) in [("id", "foreign"), ("brand_id", "foreign_brand"), ("company_id", "foreign_company")] {
        doc[name] = draws.uuid(what, chance, 0).to_string().into();
    }
    doc
}

fn unknown_status(doc: &Value) -> Value {
    let mut doc = doc.clone();
    doc["event_type"] = format!("{}.{UNKNOWN_STATUS}", doc["type"].as_str().unwrap_or_default()).into();
    doc["status"] = UNKNOWN_STATUS.into();
    if let (Some(history), at) = (doc["status_history"].as_array().cloned(), doc["updated_on"].clone()) {
        let entry = json!({"status": UNKNOWN_STATUS, "timestamp": at});
        doc["status_history"] = history.into_iter().chain([entry]).collect();
    }
    doc
}

fn unknown_event(doc: &Value) -> Value {
    let mut doc = doc.clone();
    doc["event_type"] = format!("{}.{UNKNOWN_EVENT}", doc["type"].as_str().unwrap_or_default()).into();
    doc
}
