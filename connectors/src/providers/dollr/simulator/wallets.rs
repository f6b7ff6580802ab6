//! The merchants' wallets and their postings (provider facts, section 13). No call of the provider shows them.

use ensimbi_events::Time;
use sqlx::{FromRow, SqliteConnection};

use super::errors::damaged;
use super::settings::WalletSettings;
use crate::simulator::Result;

/// A wallet as stored. `unsettled`: of the balance, what cannot be spent yet.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Stored {
    pub(super) id: i64,
    pub(super) merchant: i64,
    pub(super) currency: String,
    pub(super) balance: i64,
    pub(super) unsettled: i64,
}

/// What one movement changes. `intent`: whose effect it is; none where it belongs to no execution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posting {
    pub(super) wallet: i64,
    pub(super) intent: Option<i64>,
    pub(super) what: &'static str,
    pub(super) effect: i64,
    pub(super) unsettled: i64,
    pub(super) at: Time,
}

/// Makes a wallet where there is none, with what it has from the start.
pub(super) async fn keep(db: &mut SqliteConnection, merchant: i64, one: &WalletSettings, at: Time) -> Result<()> {
    let made = sqlx::query(
        "INSERT INTO wallet (id, merchant, currency, balance, unsettled) VALUES (?1, ?2, ?3, 0, 0) ON CONFLICT DO NOTHING",
    )
    .bind(one.id)
    .bind(merchant)
    .bind(one.currency.as_str())
    .execute(&mut *db)
    .await?;
    let effect = one.opening.scaled();
    if made.rows_affected() == 1 && effect > 0 {
        post(db, Posting { wallet: one.id, intent: None, what: "opening", effect, unsettled: 0, at }).await?;
    }
    Ok(())
}

pub(super) async fn all(db: &mut SqliteConnection) -> Result<Vec<Stored>> {
    Ok(sqlx::query_as("SELECT * FROM wallet ORDER BY id").fetch_all(db).await?)
}

pub(super) async fn one(db: &mut SqliteConnection, id: i64) -> Result<Stored> {
    let found = sqlx::query_as("SELECT * FROM wallet WHERE id = ?1").bind(id).fetch_optional(db).await?;
    found.ok_or_else(|| damaged("a wallet is gone"))
}

/// Moves a wallet's money.
pub(super) async fn post(db: &mut SqliteConnection, posting: Posting) -> Result<()> {
    let before = one(&mut *db, posting.wallet).await?;
    let balance = before.balance.checked_add(posting.effect).ok_or_else(|| damaged("a wallet is beyond its range"))?;
    sqlx::query("UPDATE wallet SET balance = ?2, unsettled = unsettled + ?3 WHERE id = ?1")
        .bind(posting.wallet)
        .bind(balance)
        .bind(posting.unsettled)
        .execute(&mut *db)
        .await?;
    sqlx::query("INSERT INTO posting (wallet, intent, what, effect, unsettled, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .bind(posting.wallet)
        .bind(posting.intent)
        .bind(posting.what)
        .bind(posting.effect)
        .bind(posting.unsettled)
        .bind(posting.at.micros())
        .execute(db)
        .await?;
    Ok(())
}

/// What a wallet's postings add up to must be what stands in it.
pub(super) async fn check_sums(db: &mut SqliteConnection) -> Result<()> {
    let query = "SELECT wallet, sum(effect), sum(unsettled) FROM posting GROUP BY wallet";
    let sums: Vec<(i64, i64, i64)> = sqlx::query_as(query).fetch_all(&mut *db).await?;
    for of in all(db).await? {
        let sum = sums.iter().find(|sum| sum.0 == of.id).map_or((0, 0), |sum| (sum.1, sum.2));
        if sum != (of.balance, of.unsettled) {
            return Err(damaged("a wallet is not the sum of its postings"));
        }
    }
    Ok(())
}
