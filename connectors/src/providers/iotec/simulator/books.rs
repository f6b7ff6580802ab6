//! Collections, wallets and wallet rows in the file: reading them, creating a collection, moving a wallet's money.

use ensimbi_events::{Amount, Time};
use sqlx::{FromRow, Row, SqliteConnection};

use super::request::Collect;
use crate::simulator::{Result, SimulatorError};

/// One collection as stored.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Collection {
    pub(super) seq: i64,
    pub(super) id: String,
    pub(super) object: String,
    pub(super) external_id: Option<String>,
    pub(super) wallet_id: String,
    pub(super) currency: String,
    pub(super) status: String,
    pub(super) status_code: String,
    pub(super) status_message: String,
    pub(super) amount: i64,
    pub(super) own_fee: i64,
    pub(super) vendor_fee: i64,
    pub(super) through_wallet: bool,
    pub(super) credited: bool,
    pub(super) payer: String,
    pub(super) payer_name: Option<String>,
    pub(super) payer_note: Option<String>,
    pub(super) payee_note: Option<String>,
    pub(super) redirect_url: Option<String>,
    pub(super) vendor: String,
    pub(super) vendor_transaction_id: Option<String>,
    pub(super) created_at: i64,
    pub(super) updated_at: Option<i64>,
    pub(super) processed_at: Option<i64>,
}

impl Collection {
    pub(super) fn amount(&self) -> Amount {
        Amount::from_scaled(self.amount)
    }

    /// Both fees together.
    pub(super) fn fees(&self) -> Result<Amount> {
        Amount::from_scaled(self.own_fee).checked_add(Amount::from_scaled(self.vendor_fee)).ok_or_else(too_large)
    }
}

/// One wallet row as stored.
#[derive(Debug, Clone, FromRow)]
pub(super) struct WalletRow {
    pub(super) id: String,
    pub(super) wallet_id: String,
    pub(super) number: i64,
    pub(super) operation: String,
    pub(super) category: String,
    pub(super) amount: i64,
    pub(super) previous: i64,
    pub(super) balance: i64,
    pub(super) rollback: bool,
    pub(super) created_at: i64,
}

/// One wallet as stored.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Wallet {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) currency: String,
    pub(super) partner_id: String,
    pub(super) balance: i64,
    pub(super) last_number: i64,
}

/// What a new collection is, beside what was asked.
pub(super) struct Made {
    pub(super) id: String,
    pub(super) object: String,
    pub(super) currency: String,
    pub(super) own_fee: Amount,
    pub(super) vendor_fee: Amount,
    pub(super) through_wallet: bool,
    pub(super) vendor: &'static str,
    pub(super) at: Time,
}

/// Which record of an external id the next one will be, from 1.
pub(super) async fn next_record(db: &mut SqliteConnection, external_id: Option<&str>) -> Result<u64> {
    let row = sqlx::query("SELECT count(*) FROM collection WHERE coalesce(external_id, '') = ?1")
        .bind(external_id.unwrap_or_default())
        .fetch_one(db)
        .await?;
    let count: i64 = row.try_get(0)?;
    Ok(count.unsigned_abs() + 1)
}

pub(super) async fn create(db: &mut SqliteConnection, asked: &Collect, made: Made) -> Result<Collection> {
    Ok(sqlx::query_as(
        "INSERT INTO collection (id, object, external_id, wallet_id, currency, status, status_code, status_message,
           amount, own_fee, vendor_fee, through_wallet, payer, payer_name, payer_note, payee_note, redirect_url, vendor,
           created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 'Pending', 'pending', 'Request is being processed',
           ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
         RETURNING *",
    )
    .bind(made.id)
    .bind(made.object)
    .bind(&asked.external_id)
    .bind(&asked.wallet_id)
    .bind(made.currency)
    .bind(asked.amount.scaled())
    .bind(made.own_fee.scaled())
    .bind(made.vendor_fee.scaled())
    .bind(made.through_wallet)
    .bind(&asked.payer)
    .bind(&asked.payer_name)
    .bind(&asked.payer_note)
    .bind(&asked.payee_note)
    .bind(&asked.redirect_url)
    .bind(made.vendor)
    .bind(made.at.micros())
    .fetch_one(db)
    .await?)
}

pub(super) async fn by_seq(db: &mut SqliteConnection, seq: i64) -> Result<Collection> {
    Ok(sqlx::query_as("SELECT * FROM collection WHERE seq = ?1").bind(seq).fetch_one(db).await?)
}

pub(super) async fn by_id(db: &mut SqliteConnection, id: &str) -> Result<Option<Collection>> {
    Ok(sqlx::query_as("SELECT * FROM collection WHERE id = ?1").bind(id).fetch_optional(db).await?)
}

/// Newest first, at most 100.
pub(super) async fn by_external_id(db: &mut SqliteConnection, external_id: &str) -> Result<Vec<Collection>> {
    Ok(sqlx::query_as(
        "SELECT * FROM collection WHERE coalesce(external_id, '') = ?1 AND external_id IS NOT NULL
         ORDER BY seq DESC LIMIT 100",
    )
    .bind(external_id)
    .fetch_all(db)
    .await?)
}

/// In the order of creation, after one, at most `limit`.
pub(super) async fn page(db: &mut SqliteConnection, after: i64, limit: i64) -> Result<Vec<Collection>> {
    Ok(sqlx::query_as("SELECT * FROM collection WHERE seq > ?1 ORDER BY seq LIMIT ?2")
        .bind(after)
        .bind(limit)
        .fetch_all(db)
        .await?)
}

/// The wallet rows of a collection, oldest first.
pub(super) async fn rows(db: &mut SqliteConnection, seq: i64) -> Result<Vec<WalletRow>> {
    Ok(sqlx::query_as("SELECT * FROM wallet_row WHERE collection = ?1 ORDER BY number").bind(seq).fetch_all(db).await?)
}

pub(super) async fn wallet(db: &mut SqliteConnection, id: &str) -> Result<Option<Wallet>> {
    Ok(sqlx::query_as("SELECT * FROM wallet WHERE id = ?1").bind(id).fetch_optional(db).await?)
}

pub(super) async fn wallets(db: &mut SqliteConnection) -> Result<Vec<Wallet>> {
    Ok(sqlx::query_as("SELECT * FROM wallet ORDER BY id").fetch_all(db).await?)
}

/// What a collection's rows have moved, all together.
pub(super) fn net(rows: &[WalletRow]) -> Result<Amount> {
    let signed = rows.iter().map(|row| {
        let amount = Amount::from_scaled(row.amount);
        if row.operation == "TopUp" { Some(amount) } else { amount.checked_neg() }
    });
    signed.collect::<Option<Vec<_>>>().and_then(Amount::checked_sum).ok_or_else(too_large)
}

/// A movement of wallet money.
#[derive(Debug, Clone, Copy)]
pub(super) struct Movement {
    pub(super) top_up: bool,
    pub(super) category: &'static str,
    pub(super) amount: Amount,
    pub(super) rollback: bool,
}

/// Moves a wallet's money by a row of its own, numbered without gaps. A movement of nothing makes no row.
pub(super) async fn move_money(
    db: &mut SqliteConnection,
    collection: &Collection,
    id: String,
    movement: Movement,
    at: Time,
) -> Result<()> {
    if movement.amount.is_zero() {
        return Ok(());
    }
    let wallet = wallet(&mut *db, &collection.wallet_id)
        .await?
        .ok_or_else(|| SimulatorError::Damaged("a collection without its wallet".to_owned()))?;
    let previous = Amount::from_scaled(wallet.balance);
    let balance = match movement.top_up {
        true => previous.checked_add(movement.amount),
        false => previous.checked_sub(movement.amount),
    };
    let balance = balance.ok_or_else(too_large)?;
    let number = wallet.last_number + 1;
    sqlx::query("UPDATE wallet SET balance = ?2, last_number = ?3 WHERE id = ?1")
        .bind(&wallet.id)
        .bind(balance.scaled())
        .bind(number)
        .execute(&mut *db)
        .await?;
    sqlx::query(
        "INSERT INTO wallet_row (id, wallet_id, number, collection, operation, category, amount, previous, balance,
           rollback, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )
    .bind(id)
    .bind(&wallet.id)
    .bind(number)
    .bind(collection.seq)
    .bind(if movement.top_up { "TopUp" } else { "Deduct" })
    .bind(movement.category)
    .bind(movement.amount.scaled())
    .bind(previous.scaled())
    .bind(balance.scaled())
    .bind(movement.rollback)
    .bind(at.micros())
    .execute(db)
    .await?;
    Ok(())
}

fn too_large() -> SimulatorError {
    SimulatorError::Damaged("a figure beyond the range of an amount".to_owned())
}
