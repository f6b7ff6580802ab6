//! What only a payout has, in the file: its bank, schedule, approval and the decisions about it.

use ensimbi_events::{Amount, Time};
use sqlx::{FromRow, SqliteConnection};

use super::disburse::Disburse;
use super::records::Record;
use super::rows::too_large;
use super::switches::{HeldPayouts, PayoutDebit, PayoutFee, Switches};
use crate::simulator::Result;

/// The payout's own part as stored.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Payout {
    pub(super) category: String,
    pub(super) upload_name: Option<String>,
    pub(super) name_status: String,
    /// The bank's code.
    pub(super) bank: Option<String>,
    pub(super) transfer_type: Option<String>,
    pub(super) send_at: Option<i64>,
    pub(super) fee_inside: bool,
    pub(super) debit_on_success: bool,
    pub(super) held_debit_at_creation: bool,
    pub(super) unfunded: bool,
}

impl Payout {
    /// What leaves the wallet for the payee, beside the fee.
    pub(super) fn principal(&self, of: &Record) -> Result<Amount> {
        match self.fee_inside {
            true => of.amount().checked_sub(of.fees()?).ok_or_else(too_large),
            false => Ok(of.amount()),
        }
    }

    /// All that leaves the wallet.
    pub(super) fn whole(&self, of: &Record) -> Result<Amount> {
        self.principal(of)?.checked_add(of.fees()?).ok_or_else(too_large)
    }
}

/// One decision about a payout.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Decision {
    pub(super) id: String,
    pub(super) category: String,
    pub(super) remarks: Option<String>,
    pub(super) decided_at: i64,
}

pub(super) async fn create(
    db: &mut SqliteConnection,
    of: &Record,
    asked: &Disburse,
    switches: Switches,
    unfunded: bool,
) -> Result<Payout> {
    let bank = asked.to_bank.as_ref();
    Ok(sqlx::query_as(
        "INSERT INTO payout (record, category, upload_name, name_status, bank, transfer_type, send_at,
           fee_inside, debit_on_success, held_debit_at_creation, unfunded)
         VALUES (?1, ?2, ?3, 'Pending', ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         RETURNING *",
    )
    .bind(of.seq)
    .bind(if bank.is_some() { "BankTransfer" } else { "MobileMoney" })
    .bind(&asked.upload_name)
    .bind(bank.map(|to| to.bank.code))
    .bind(bank.and_then(|to| to.transfer_type))
    .bind(asked.send_at.map(Time::micros))
    .bind(switches.payout_fee == PayoutFee::Inside)
    .bind(switches.payout_debit == PayoutDebit::OnSuccess)
    .bind(switches.held_payouts == HeldPayouts::AtCreation)
    .bind(unfunded)
    .fetch_one(db)
    .await?)
}

pub(super) async fn by_record(db: &mut SqliteConnection, seq: i64) -> Result<Payout> {
    Ok(sqlx::query_as("SELECT * FROM payout WHERE record = ?1").bind(seq).fetch_one(db).await?)
}

/// The wallet had not enough: it is never debited.
pub(super) async fn set_unfunded(db: &mut SqliteConnection, seq: i64) -> Result<()> {
    sqlx::query("UPDATE payout SET unfunded = 1 WHERE record = ?1").bind(seq).execute(db).await?;
    Ok(())
}

/// What the name check found: only a person's hand sets it, for nobody knows what the real one does.
pub(super) async fn set_name(
    db: &mut SqliteConnection,
    seq: i64,
    status: &'static str,
    name: Option<&str>,
) -> Result<()> {
    sqlx::query("UPDATE payout SET name_status = ?2 WHERE record = ?1")
        .bind(seq)
        .bind(status)
        .execute(&mut *db)
        .await?;
    sqlx::query("UPDATE record SET party_name = ?2 WHERE seq = ?1").bind(seq).bind(name).execute(db).await?;
    Ok(())
}

/// Oldest first.
pub(super) async fn decisions(db: &mut SqliteConnection, seq: i64) -> Result<Vec<Decision>> {
    Ok(sqlx::query_as("SELECT * FROM decision WHERE record = ?1 ORDER BY decided_at, rowid")
        .bind(seq)
        .fetch_all(db)
        .await?)
}

pub(super) async fn add_decision(
    db: &mut SqliteConnection,
    seq: i64,
    id: String,
    category: &'static str,
    remarks: Option<&str>,
    at: Time,
) -> Result<()> {
    sqlx::query("INSERT INTO decision (id, record, category, remarks, decided_at) VALUES (?1, ?2, ?3, ?4, ?5)")
        .bind(id)
        .bind(seq)
        .bind(category)
        .bind(remarks)
        .bind(at.micros())
        .execute(db)
        .await?;
    Ok(())
}
