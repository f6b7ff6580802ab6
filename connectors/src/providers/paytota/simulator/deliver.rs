//! Sending what was noted (provider facts, section 9.5): 2xx is delivered; otherwise at most eight tries, the n-th due
//! 3^(n-1) - 1 minutes after the first, each with the body of the event. Of one object and channel only the earliest
//! that is not delivered is sent; the others wait for it.

use std::sync::Arc;
use std::time::Duration;

use ensimbi_events::Time;
use sqlx::{FromRow, SqliteConnection};

use super::PaytotaSimulator;
use super::keys::{self, Signer};
use crate::simulator::work::taken;
use crate::simulator::{Result, SimulatorError};

/// Minutes from the first try to each.
const SCHEDULE: [u64; 8] = [0, 2, 8, 26, 80, 242, 728, 2_186];
/// What a delivery sent only once is tried.
const ONCE: i64 = 1;

/// A delivery to be made.
#[derive(FromRow)]
pub struct Due {
    id: i64,
    channel: String,
    url: String,
    body: String,
    kind: String,
    first_at: Option<i64>,
    tries: i64,
}

/// Deliveries that nothing stands before: those of a queue that block wait for the ones that block before them.
macro_rules! heads {
    ($what:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM delivery AS c WHERE state = 'due' AND (c.blocks = 0 OR NOT EXISTS (SELECT 1 FROM delivery AS d
                WHERE d.queue = c.queue AND d.state = 'due' AND d.blocks = 1 AND d.id < c.id))",
            $rest
        )
    };
}

/// How many are due by a moment, and when the next one is.
pub(super) async fn pending(db: &mut SqliteConnection, now: Time) -> Result<(u64, Option<Time>)> {
    let row: (i64, Option<i64>) = sqlx::query_as(heads!("coalesce(sum(due_at <= ?1), 0), min(due_at)", ""))
        .bind(now.micros())
        .fetch_one(db)
        .await?;
    Ok((row.0.unsigned_abs(), row.1.map(Time::from_micros)))
}

/// What is due, one of a queue at a time.
pub(super) async fn due(db: &mut SqliteConnection, now: Time, most: u16) -> Result<Vec<Due>> {
    let due = sqlx::query_as(heads!(
        "id, channel, url, body, kind, first_at, tries",
        " AND due_at <= ?1 ORDER BY due_at, id LIMIT ?2"
    ));
    Ok(due.bind(now.micros()).bind(i64::from(most)).fetch_all(db).await?)
}

impl PaytotaSimulator {
    /// Whether the receiver took it.
    pub(super) async fn deliver(&self, one: &Due, now: Time) -> Result<bool> {
        let url = match one.channel.as_str() {
            "" => Some(one.url.clone()),
            slug => self.target(slug),
        };
        let Some(url) = url else { return Ok(false) };
        let signer = self.signer(one, now).await?;
        let body = one.body.clone();
        // A private-key operation is no work for a thread that serves.
        let signed = tokio::task::spawn_blocking(move || signer.sign(body.as_bytes()));
        let mut signature = signed.await.map_err(|error| SimulatorError::Network(error.to_string()))??;
        if one.kind == "truncated" {
            signature.truncate(signature.len() * 3 / 4);
        }
        let content = if self.faults().switches.webhook_as_text { "text/plain" } else { "application/json" };
        let request = self
            .core
            .http()
            .post(url)
            .timeout(self.settings.webhook_timeout)
            .header("content-type", content)
            .header("x-signature", signature)
            .body(one.body.clone());
        Ok(taken(request).await)
    }

    /// Who signs: the company a success callback, the webhook's key (while there are two, either) the rest.
    async fn signer(&self, one: &Due, now: Time) -> Result<Arc<Signer>> {
        let (faults, keys) = (self.faults(), self.keys());
        if one.kind == "forged" {
            return Ok(Arc::new(keys::forger(self.key_seed, self.settings.key_bits.0).await?));
        }
        if one.channel.is_empty() {
            return Ok(keys.company);
        }
        Ok(match keys.webhook_at(now) {
            (_, Some(next)) if faults.draws().below("next_key", &one.id.to_string(), 0, 2) == 1 => next,
            (current, _) => current,
        })
    }

    pub(super) async fn delivered(&self, one: &Due, accepted: bool, now: Time) -> Result<()> {
        let tries = one.tries + 1;
        let first = one.first_at.unwrap_or(now.micros());
        let most = if matches!(one.kind.as_str(), "genuine" | "copy") { SCHEDULE.len() as i64 } else { ONCE };
        let next = usize::try_from(tries).ok().and_then(|nth| SCHEDULE.get(nth)).filter(|_| tries < most);
        let (state, due) = match next {
            _ if accepted => ("delivered", None),
            Some(minutes) => ("due", Some(Time::from_micros(first).plus(Duration::from_secs(60 * minutes)).micros())),
            None => ("given_up", None),
        };
        let mut tx = self.core.begin().await?;
        sqlx::query(
            "UPDATE delivery SET tries = ?2, state = ?3, due_at = coalesce(?4, due_at), first_at = ?5 WHERE id = ?1",
        )
        .bind(one.id)
        .bind(tries)
        .bind(state)
        .bind(due)
        .bind(first)
        .execute(&mut *tx)
        .await?;
        self.core.commit(tx).await?;
        self.core.sent();
        Ok(())
    }
}
