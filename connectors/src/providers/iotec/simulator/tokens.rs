//! Tokens: client credentials, form-encoded, 300 seconds by the simulator's clock (provider facts, section 2).
//!
//! Only the SHA-256 of a token is stored. A new token leaves the earlier ones good until their own end.

use ensimbi_events::{Entropy, Time};
use ensimbi_vault::SystemEntropy;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

use super::IotecSimulator;
use super::settings::Settings;
use crate::simulator::Result;

/// Longest `Authorization` value that is looked at.
const TOKEN_MAX: usize = 512;

pub(super) fn is_client(settings: &Settings, id: &str, secret: &str) -> bool {
    let expected = settings.client_secret.expose_secret().as_bytes();
    let secret_fits = aws_lc_rs::constant_time::verify_slices_are_equal(expected, secret.as_bytes()).is_ok();
    secret_fits && settings.client_id == id
}

/// Makes a token; those that are over are cleared away.
pub(super) async fn issue(db: &mut SqliteConnection, now: Time, expires: Time) -> Result<String> {
    sqlx::query("DELETE FROM token WHERE expires_at <= ?1").bind(now.micros()).execute(&mut *db).await?;
    // Nothing depends on its bytes, so it needs no seed.
    let mut random = [0; 32];
    SystemEntropy.fill(&mut random);
    let token = ["sim.", &hex::encode(random)].concat();
    sqlx::query("INSERT INTO token (hash, expires_at) VALUES (?1, ?2)")
        .bind(hash(&token))
        .bind(expires.micros())
        .execute(db)
        .await?;
    Ok(token)
}

pub(super) async fn drop_token(db: &mut SqliteConnection, token: &str) -> Result<()> {
    sqlx::query("DELETE FROM token WHERE hash = ?1").bind(hash(token)).execute(db).await?;
    Ok(())
}

impl IotecSimulator {
    /// Whether the token was issued here and is not over.
    pub(super) async fn is_good(&self, db: &mut SqliteConnection, token: &str) -> Result<bool> {
        if token.len() > TOKEN_MAX {
            return Ok(false);
        }
        let row = sqlx::query("SELECT 1 FROM token WHERE hash = ?1 AND expires_at > ?2")
            .bind(hash(token))
            .bind(self.core.now().micros())
            .fetch_optional(db)
            .await?;
        Ok(row.is_some())
    }
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
