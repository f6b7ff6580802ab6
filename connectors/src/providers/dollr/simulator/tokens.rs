//! Tokens: client credentials as JSON; `expires_in` is in minutes (provider facts, section 2).
//!
//! Only the SHA-256 of a token is stored. A new token leaves the earlier ones good until their own end.

use std::time::Duration;

use axum::http::StatusCode;
use ensimbi_events::Entropy;
use ensimbi_vault::SystemEntropy;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::Desk;
use super::errors::{Done, Refusal};
use super::json::Json;
use super::request::Ask;
use super::switches::WrongClient;
use crate::simulator::Result;

/// Longest token that is looked at.
const TOKEN_MAX: usize = 512;

/// Whether a text is a secret; the time says nothing about it.
pub(super) fn is_secret(secret: &SecretString, text: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(secret.expose_secret().as_bytes(), text.as_bytes()).is_ok()
}

pub(super) async fn obtain(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.body();
    let (id, secret) = (read.text("client_id"), read.text("client_secret"));
    read.done()?;
    let found =
        desk.settings.merchants.iter().find(|one| one.client_id == id && is_secret(&one.client_secret, &secret));
    let Some(merchant) = found else {
        let text = "Invalid client credentials";
        return Err(match desk.faults.switches.wrong_client {
            WrongClient::Unauthorized => Refusal::Plain(StatusCode::UNAUTHORIZED, text),
            WrongClient::Forbidden => Refusal::forbidden(text),
            WrongClient::Unprocessable => Refusal::body("client_secret", text),
        }
        .into());
    };
    sqlx::query("DELETE FROM token WHERE expires_at <= ?1").bind(desk.now.micros()).execute(&mut *desk.db).await?;
    // Nothing depends on its bytes, so it needs no seed.
    let mut random = [0; 32];
    SystemEntropy.fill(&mut random);
    let token = ["sim.", &hex::encode(random)].concat();
    let minutes = desk.settings.token_minutes;
    let end = desk.now.plus(Duration::from_secs(u64::from(minutes) * 60));
    sqlx::query("INSERT INTO token (hash, merchant, expires_at) VALUES (?1, ?2, ?3)")
        .bind(hash(&token))
        .bind(merchant.id)
        .bind(end.micros())
        .execute(&mut *desk.db)
        .await?;
    let switches = &desk.faults.switches;
    Ok(Json::new(switches).text("access_token", &token).int("expires_in", i64::from(minutes)).end())
}

/// Whose token it is, where it was given here and is not over.
pub(super) async fn merchant(desk: &mut Desk<'_>, token: &str) -> Result<Option<i64>> {
    if token.len() > TOKEN_MAX {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("SELECT merchant FROM token WHERE hash = ?1 AND expires_at > ?2")
        .bind(hash(token))
        .bind(desk.now.micros())
        .fetch_optional(&mut *desk.db)
        .await?)
}

pub(super) async fn drop_token(desk: &mut Desk<'_>, token: &str) -> Result<()> {
    sqlx::query("DELETE FROM token WHERE hash = ?1").bind(hash(token)).execute(&mut *desk.db).await?;
    Ok(())
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
