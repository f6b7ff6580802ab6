//! Wallets in the file: making and reading them, and what is promised out of them but not yet taken.

use ensimbi_events::{Amount, Time};
use sqlx::{FromRow, Row, Sqlite, SqliteConnection, Transaction};

use super::rows::{self, Movement, too_large};
use super::settings::WalletSettings;
use crate::simulator::draw::Draws;
use crate::simulator::{Result, SimulatorError};

/// The organisation that all wallets belong to, as in the provider's samples.
pub(super) const PARTNER: &str = "397423fb-7c78-4c4f-a5c3-1d0dae5fd0f1";

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

/// Makes the wallet unless the file has it; a wallet keeps its currency for ever. What is in it at the start is its
/// first row, a deposit.
pub(super) async fn keep(
    tx: &mut Transaction<'static, Sqlite>,
    draws: Draws,
    wallet: &WalletSettings,
    at: Time,
) -> Result<()> {
    let id = wallet.id.to_string();
    let stored = by_id(&mut *tx, &id).await?;
    sqlx::query(
        "INSERT INTO wallet (id, name, currency, partner_id, balance, last_number) VALUES (?1, ?2, ?3, ?4, 0, 0)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    )
    .bind(&id)
    .bind(&wallet.name)
    .bind(wallet.currency.as_str())
    .bind(PARTNER)
    .execute(&mut **tx)
    .await?;
    match stored {
        Some(stored) if stored.currency == wallet.currency.as_str() => Ok(()),
        Some(_) => Err(SimulatorError::Settings(format!("wallet {id}: the file has it in another currency"))),
        None => {
            let opening = Movement::alone(true, "Deposit", wallet.opening, Some("Opening balance".to_owned()));
            rows::move_alone(tx, draws, &id, opening, at).await
        }
    }
}

pub(super) async fn by_id(db: &mut SqliteConnection, id: &str) -> Result<Option<Wallet>> {
    Ok(sqlx::query_as("SELECT * FROM wallet WHERE id = ?1").bind(id).fetch_optional(db).await?)
}

pub(super) async fn all(db: &mut SqliteConnection) -> Result<Vec<Wallet>> {
    Ok(sqlx::query_as("SELECT * FROM wallet ORDER BY id").fetch_all(db).await?)
}

/// What accepted payouts will still take out of a wallet: those on their way that are not debited yet. Payouts that
/// wait for a decision or their time count only where they were to be debited at creation.
pub(super) async fn promised(db: &mut SqliteConnection, wallet_id: &str) -> Result<Amount> {
    // Under `fee_inside` the fee is part of the amount.
    let rows = sqlx::query(
        "SELECT r.amount, CASE WHEN p.fee_inside THEN 0 ELSE r.own_fee + r.vendor_fee END
         FROM record AS r JOIN payout AS p ON p.record = r.seq
         WHERE r.wallet_id = ?1 AND r.kind = 'Disbursement' AND NOT r.amount_moved AND NOT p.unfunded
           AND (r.status IN ('Pending', 'SentToVendor')
             OR (p.held_debit_at_creation AND r.status IN ('AwaitingApproval', 'Scheduled')))",
    )
    .bind(wallet_id)
    .fetch_all(db)
    .await?;
    let mut sum = Amount::ZERO;
    for row in rows {
        let parts = [Amount::from_scaled(row.try_get(0)?), Amount::from_scaled(row.try_get(1)?)];
        sum = Amount::checked_sum([sum, parts[0], parts[1]]).ok_or_else(too_large)?;
    }
    Ok(sum)
}
