//! Company statements (provider facts, section 11): scheduled with filters, finished after a while, then to be had by a
//! link that is good for an hour, on an address of its own.

use std::time::Duration;

use ensimbi_events::Time;
use serde_json::{Value, json};
use sqlx::{Row, SqliteConnection};

use super::csv::{self, Filter};
use super::faults::Fault;
use super::objects::damaged;
use super::steps::{self, Planned, Rules, What};
use super::templates::seconds;
use crate::simulator::Result;

/// Schedules one; gives its body.
pub(super) async fn schedule(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    (format, query): (&str, &str),
    at: Time,
) -> Result<Value> {
    let nth = super::objects::count(&mut *db, "statement", 1).await?.unsigned_abs();
    let id = rules.faults.draws().uuid("statement", "", nth).to_string();
    let is_test = rules.settings.is_test && !rules.faults.switches.sandbox_unflagged;
    let doc = json!({
        "format": format, "timezone": "UTC", "is_test": is_test, "company_uid": rules.settings.company_id.to_string(),
        "query_string": query, "status": "pending", "download_url": null, "began_on": null, "finished_on": null,
        "created_on": seconds(at), "updated_on": seconds(at), "type": "statement_request", "id": id,
    });
    sqlx::query("INSERT INTO statement (id, doc, query, made_at) VALUES (?1, ?2, ?3, ?4)")
        .bind(&id)
        .bind(doc.to_string())
        .bind(query)
        .bind(at.micros())
        .execute(&mut *db)
        .await?;
    if !rules.faults.hits(Fault::StatementStuck, "statement", nth) {
        let at = at.plus(rules.settings.statement_after);
        steps::plan(db, Planned { object: None, what: What::Statement, arg: 0, word: &id, at }).await?;
    }
    Ok(doc)
}

/// Makes the file of a scheduled one, as the books are now.
pub(super) async fn finish(db: &mut SqliteConnection, rules: Rules<'_>, id: &str, at: Time) -> Result<()> {
    let row = sqlx::query("SELECT doc, query FROM statement WHERE id = ?1").bind(id).fetch_one(&mut *db).await?;
    let (doc, query): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let mut doc: Value = serde_json::from_str(&doc).map_err(|_| damaged("a statement is unreadable"))?;
    // It was read when it was scheduled.
    let filter = Filter::read(&query).map_err(|_| damaged("a statement's filter is unreadable"))?;
    let file = csv::file(&mut *db, rules.settings, rules.faults.switches, &filter).await?;
    let link = rules.faults.draws().uuid("statement_link", id, 0).simple().to_string();
    doc["status"] = "success".into();
    for name in ["began_on", "finished_on", "updated_on"] {
        doc[name] = seconds(at).into();
    }
    sqlx::query("UPDATE statement SET doc = ?2, file = ?3, link = ?4, finished_at = ?5 WHERE id = ?1")
        .bind(id)
        .bind(doc.to_string())
        .bind(file)
        .bind(link)
        .bind(at.micros())
        .execute(db)
        .await?;
    Ok(())
}

/// The body of one, or `None`.
pub(super) async fn shown(db: &mut SqliteConnection, rules: Rules<'_>, id: &str, now: Time) -> Result<Option<Value>> {
    let row = sqlx::query("SELECT doc, link FROM statement WHERE id = ?1").bind(id).fetch_optional(db).await?;
    let Some(row) = row else { return Ok(None) };
    let (doc, link): (String, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    let mut doc: Value = serde_json::from_str(&doc).map_err(|_| damaged("a statement is unreadable"))?;
    if let Some(link) = link {
        // Each answer signs a link anew, good from now on.
        let (from, lifetime) = (seconds(now), rules.settings.link_lifetime.as_secs());
        doc["download_url"] = format!(
            "{}/_s3/{}/src/statement/{id}?X-Amz-Date={from}&X-Amz-Expires={lifetime}&X-Amz-Signature={}",
            rules.base,
            rules.settings.company_id,
            signature(&link, from)
        )
        .into();
    }
    Ok(Some(doc))
}

fn signature(link: &str, from: i64) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(format!("{link}/{from}")))
}

/// The file behind a link, while the link is good.
pub(super) async fn file(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    id: &str,
    (from, signed): (i64, &str),
    now: Time,
) -> Result<Option<String>> {
    let row = sqlx::query("SELECT file, link FROM statement WHERE id = ?1").bind(id).fetch_optional(db).await?;
    let Some(row) = row else { return Ok(None) };
    let (file, link): (Option<String>, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    let start = Time::from_micros(from.saturating_mul(1_000_000));
    let until = start.plus(rules.settings.link_lifetime);
    let good = link.is_some_and(|link| signature(&link, from) == signed);
    let in_time = start <= now.plus(Duration::from_secs(1)) && now < until;
    Ok(file.filter(|_| good && in_time))
}
