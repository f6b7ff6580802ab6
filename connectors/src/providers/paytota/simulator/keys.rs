//! The keys that sign: the webhook's own (two while it is being changed) and the company's, which signs success
//! callbacks (provider facts, section 9.3). A simulator signs, the product only verifies.
//!
//! A key follows from the seed (`crate::simulator::keys`). It is made once for a file and kept there.

use std::sync::Arc;

use ensimbi_events::Time;
use sqlx::{Row, SqliteConnection};

use crate::simulator::Result;
pub(super) use crate::simulator::keys::Signer;
use crate::simulator::keys::{self, KeyName};

/// From what all keys follow, beside the seed.
const LABEL: &str = "ensimbi.paytota.simulator.key.1";

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Webhook,
    Company,
    /// Whoever forges; never kept.
    Forger,
}

impl Owner {
    const fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Company => "company",
            Self::Forger => "forger",
        }
    }
}

/// The keys as they stand: the webhook's, the one that follows it and from when it is alone, and the company's.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) webhook: Arc<Signer>,
    pub(super) next: Option<(Arc<Signer>, Time)>,
    pub(super) company: Arc<Signer>,
}

impl Keys {
    /// The webhook keys that are good at a moment; the second only while both are.
    pub(super) fn webhook_at(&self, now: Time) -> (Arc<Signer>, Option<Arc<Signer>>) {
        match &self.next {
            Some((next, alone)) if *alone <= now => (next.clone(), None),
            Some((next, _)) => (self.webhook.clone(), Some(next.clone())),
            None => (self.webhook.clone(), None),
        }
    }
}

/// The file's keys, made where they are missing.
pub(super) async fn load(db: &mut SqliteConnection, seed: u64, bits: (usize, usize)) -> Result<Keys> {
    let known: i64 = sqlx::query("SELECT count(*) FROM signing_key").fetch_one(&mut *db).await?.try_get(0)?;
    if known == 0 {
        // Both at once; below they are found made.
        tokio::try_join!(made(Owner::Webhook, 1, seed, bits.0), made(Owner::Company, 1, seed, bits.1))?;
    }
    let company = one(&mut *db, Owner::Company, 1, (seed, bits.1)).await?;
    let rows = sqlx::query("SELECT nth, alone_at FROM signing_key WHERE owner = 'webhook' ORDER BY nth DESC LIMIT 2")
        .fetch_all(&mut *db)
        .await?;
    let mut newest = Vec::new();
    for row in rows {
        newest.push((row.try_get::<i64, _>(0)?, row.try_get::<i64, _>(1)?));
    }
    match newest[..] {
        [(last, alone), (before, _)] => Ok(Keys {
            webhook: one(&mut *db, Owner::Webhook, before, (seed, bits.0)).await?,
            next: Some((one(db, Owner::Webhook, last, (seed, bits.0)).await?, Time::from_micros(alone))),
            company,
        }),
        _ => Ok(Keys { webhook: one(db, Owner::Webhook, 1, (seed, bits.0)).await?, next: None, company }),
    }
}

/// Makes the webhook's next key, alone good from a moment on.
pub(super) async fn rotate(db: &mut SqliteConnection, seed: u64, bits: usize, alone: Time) -> Result<()> {
    let last: i64 = sqlx::query("SELECT max(nth) FROM signing_key WHERE owner = 'webhook'")
        .fetch_one(&mut *db)
        .await?
        .try_get(0)?;
    one(&mut *db, Owner::Webhook, last + 1, (seed, bits)).await?;
    sqlx::query("UPDATE signing_key SET alone_at = ?2 WHERE owner = 'webhook' AND nth = ?1")
        .bind(last + 1)
        .bind(alone.micros())
        .execute(db)
        .await?;
    Ok(())
}

async fn one(db: &mut SqliteConnection, owner: Owner, nth: i64, (seed, bits): (u64, usize)) -> Result<Arc<Signer>> {
    let found = sqlx::query("SELECT der FROM signing_key WHERE owner = ?1 AND nth = ?2")
        .bind(owner.word())
        .bind(nth)
        .fetch_optional(&mut *db)
        .await?;
    if let Some(row) = found {
        return Ok(Arc::new(Signer::read(row.try_get(0)?)?));
    }
    let der = made(owner, nth, seed, bits).await?;
    sqlx::query("INSERT INTO signing_key (owner, nth, der, alone_at) VALUES (?1, ?2, ?3, 0)")
        .bind(owner.word())
        .bind(nth)
        .bind(&der)
        .execute(db)
        .await?;
    Ok(Arc::new(Signer::read(&der)?))
}

/// The key of a forger, which nobody has published.
pub(super) async fn forger(seed: u64, bits: usize) -> Result<Signer> {
    Signer::read(&made(Owner::Forger, 1, seed, bits).await?)
}

async fn made(owner: Owner, nth: i64, seed: u64, bits: usize) -> Result<Vec<u8>> {
    keys::made(KeyName { label: LABEL, owner: owner.word(), nth, seed, bits }).await
}
