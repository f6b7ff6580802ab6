//! Wallet rows: every movement of a wallet's money is one row, numbered without gaps per wallet, with
//! `balance = previous + amount` for a `TopUp` and `- amount` for a `Deduct` (provider facts, section 9.4). Fees and
//! reversals are rows of their own.

use ensimbi_events::{Amount, Time};
use sqlx::{FromRow, Row, SqliteConnection};

use super::records::Record;
use super::wallets;
use crate::simulator::draw::Draws;
use crate::simulator::{Result, SimulatorError};

/// One wallet row as stored.
#[derive(Debug, Clone, FromRow)]
pub(super) struct WalletRow {
    pub(super) id: String,
    pub(super) wallet_id: String,
    pub(super) number: i64,
    pub(super) record: Option<i64>,
    pub(super) request_id: String,
    pub(super) request_category: String,
    pub(super) operation: String,
    pub(super) category: String,
    pub(super) amount: i64,
    pub(super) previous: i64,
    pub(super) balance: i64,
    pub(super) rollback: bool,
    pub(super) reversed: bool,
    pub(super) memo: Option<String>,
    pub(super) created_at: i64,
}

impl WalletRow {
    /// What it does to the wallet, with its sign.
    pub(super) fn effect(&self) -> Result<Amount> {
        let amount = Amount::from_scaled(self.amount);
        if self.operation == "TopUp" { Ok(amount) } else { amount.checked_neg().ok_or_else(too_large) }
    }
}

/// A movement of wallet money.
#[derive(Debug, Clone)]
pub(super) struct Movement {
    pub(super) top_up: bool,
    pub(super) category: &'static str,
    pub(super) amount: Amount,
    pub(super) rollback: bool,
    pub(super) memo: Option<String>,
}

impl Movement {
    /// Of a record's money.
    pub(super) const fn of(top_up: bool, category: &'static str, amount: Amount) -> Self {
        Self { top_up, category, amount, rollback: false, memo: None }
    }

    /// A record's money going back.
    pub(super) const fn back(top_up: bool, amount: Amount) -> Self {
        Self { top_up, category: "Rollback", amount, rollback: true, memo: None }
    }

    /// Without a record.
    pub(super) const fn alone(top_up: bool, category: &'static str, amount: Amount, memo: Option<String>) -> Self {
        Self { top_up, category, amount, rollback: false, memo }
    }
}

/// Moves the money of a record's wallet. A movement of nothing makes no row.
pub(super) async fn move_money(
    db: &mut SqliteConnection,
    draws: Draws,
    of: &Record,
    movement: Movement,
    at: Time,
) -> Result<()> {
    let count: i64 = sqlx::query("SELECT count(*) FROM wallet_row WHERE record = ?1")
        .bind(of.seq)
        .fetch_one(&mut *db)
        .await?
        .try_get(0)?;
    let id = draws.uuid("wallet_row", &of.key(), count.unsigned_abs()).to_string();
    write(db, &of.wallet_id, (id, Some(of.seq), &of.id, &of.kind), movement, at).await
}

/// Marks a record's rows of a category as reversed.
pub(super) async fn set_reversed(db: &mut SqliteConnection, seq: i64, category: &str) -> Result<()> {
    sqlx::query("UPDATE wallet_row SET reversed = 1 WHERE record = ?1 AND category = ?2")
        .bind(seq)
        .bind(category)
        .execute(db)
        .await?;
    Ok(())
}

/// Moves a wallet's money without a collection or disbursement behind it.
pub(super) async fn move_alone(
    db: &mut SqliteConnection,
    draws: Draws,
    wallet_id: &str,
    movement: Movement,
    at: Time,
) -> Result<()> {
    let last = wallets::by_id(&mut *db, wallet_id).await?.map_or(0, |wallet| wallet.last_number.unsigned_abs());
    let id = draws.uuid("wallet_row_alone", wallet_id, last).to_string();
    let request = draws.uuid("wallet_request_alone", wallet_id, last).to_string();
    let category = movement.category;
    write(db, wallet_id, (id, None, &request, category), movement, at).await
}

async fn write(
    db: &mut SqliteConnection,
    wallet_id: &str,
    (id, record, request_id, request_category): (String, Option<i64>, &str, &str),
    movement: Movement,
    at: Time,
) -> Result<()> {
    if movement.amount.is_zero() {
        return Ok(());
    }
    let wallet = wallets::by_id(&mut *db, wallet_id)
        .await?
        .ok_or_else(|| SimulatorError::Damaged("a movement without its wallet".to_owned()))?;
    let previous = Amount::from_scaled(wallet.balance);
    let balance = match movement.top_up {
        true => previous.checked_add(movement.amount),
        false => previous.checked_sub(movement.amount),
    };
    let balance = balance.ok_or_else(too_large)?;
    let number = wallet.last_number + 1;
    sqlx::query("UPDATE wallet SET balance = ?2, last_number = ?3 WHERE id = ?1")
        .bind(wallet_id)
        .bind(balance.scaled())
        .bind(number)
        .execute(&mut *db)
        .await?;
    sqlx::query(
        "INSERT INTO wallet_row (id, wallet_id, number, record, request_id, request_category, operation, category,
           amount, previous, balance, rollback, memo, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )
    .bind(id)
    .bind(wallet_id)
    .bind(number)
    .bind(record)
    .bind(request_id)
    .bind(request_category)
    .bind(if movement.top_up { "TopUp" } else { "Deduct" })
    .bind(movement.category)
    .bind(movement.amount.scaled())
    .bind(previous.scaled())
    .bind(balance.scaled())
    .bind(movement.rollback)
    .bind(movement.memo)
    .bind(at.micros())
    .execute(db)
    .await?;
    Ok(())
}

/// The wallet rows of a record, oldest first.
pub(super) async fn of_record(db: &mut SqliteConnection, seq: i64) -> Result<Vec<WalletRow>> {
    Ok(sqlx::query_as("SELECT * FROM wallet_row WHERE record = ?1 ORDER BY number").bind(seq).fetch_all(db).await?)
}

/// The rows of a wallet by number, after one, at most `limit`.
pub(super) async fn of_wallet(
    db: &mut SqliteConnection,
    wallet_id: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<WalletRow>> {
    Ok(sqlx::query_as("SELECT * FROM wallet_row WHERE wallet_id = ?1 AND number > ?2 ORDER BY number LIMIT ?3")
        .bind(wallet_id)
        .bind(after)
        .bind(limit)
        .fetch_all(db)
        .await?)
}

/// The rows without a record, by wallet and number.
pub(super) async fn alone(db: &mut SqliteConnection) -> Result<Vec<WalletRow>> {
    Ok(sqlx::query_as("SELECT * FROM wallet_row WHERE record IS NULL ORDER BY wallet_id, number").fetch_all(db).await?)
}

/// What rows have moved, all together.
pub(super) fn net(rows: &[WalletRow]) -> Result<Amount> {
    let effects = rows.iter().map(WalletRow::effect).collect::<Result<Vec<_>>>()?;
    Amount::checked_sum(effects).ok_or_else(too_large)
}

pub(super) fn too_large() -> SimulatorError {
    SimulatorError::Damaged("a figure beyond the range of an amount".to_owned())
}
