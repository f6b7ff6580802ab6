//! Records in the file: a collection or a disbursement, as far as both are the same. Making, finding, listing them.

use ensimbi_events::{Amount, Time};
use sqlx::{FromRow, Row, SqliteConnection};

use super::rows::too_large;
use crate::simulator::Result;

/// Which of the two a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Collection,
    Disbursement,
}

impl Kind {
    /// The provider's word (`requestCategory`, and the category of a callback's registration).
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Collection => "Collection",
            Self::Disbursement => "Disbursement",
        }
    }
}

/// One record as stored.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Record {
    pub(super) seq: i64,
    pub(super) kind: String,
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
    pub(super) amount_moved: bool,
    pub(super) fee_moved: bool,
    pub(super) party: String,
    pub(super) party_name: Option<String>,
    pub(super) payer_note: Option<String>,
    pub(super) payee_note: Option<String>,
    pub(super) redirect_url: Option<String>,
    pub(super) vendor: String,
    pub(super) vendor_transaction_id: Option<String>,
    pub(super) said_amount: Option<i64>,
    pub(super) said_own_fee: Option<i64>,
    pub(super) said_vendor_fee: Option<i64>,
    pub(super) said_total: Option<i64>,
    pub(super) created_at: i64,
    pub(super) updated_at: Option<i64>,
    pub(super) processed_at: Option<i64>,
}

impl Record {
    pub(super) fn kind(&self) -> Kind {
        if self.kind == "Disbursement" { Kind::Disbursement } else { Kind::Collection }
    }

    /// The key of all draws about it. Both kinds may share an external id, but no draw.
    pub(super) fn key(&self) -> String {
        match self.kind() {
            Kind::Collection => self.object.clone(),
            Kind::Disbursement => ["payout/", &self.object].concat(),
        }
    }

    pub(super) fn amount(&self) -> Amount {
        Amount::from_scaled(self.amount)
    }

    /// Both fees together.
    pub(super) fn fees(&self) -> Result<Amount> {
        Amount::from_scaled(self.own_fee).checked_add(Amount::from_scaled(self.vendor_fee)).ok_or_else(too_large)
    }

    /// The fee as far as the wallet bears it.
    pub(super) fn wallet_fee(&self) -> Result<Amount> {
        if self.through_wallet { self.fees() } else { Ok(Amount::ZERO) }
    }
}

/// A record to be made.
pub(super) struct Made<'a> {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) object: String,
    pub(super) external_id: Option<&'a str>,
    pub(super) wallet_id: &'a str,
    pub(super) currency: &'a str,
    pub(super) status: &'static str,
    pub(super) amount: Amount,
    pub(super) own_fee: Amount,
    pub(super) vendor_fee: Amount,
    pub(super) through_wallet: bool,
    pub(super) party: &'a str,
    pub(super) party_name: Option<&'a str>,
    pub(super) payer_note: Option<&'a str>,
    pub(super) payee_note: Option<&'a str>,
    pub(super) redirect_url: Option<&'a str>,
    pub(super) vendor: &'static str,
    pub(super) at: Time,
}

pub(super) async fn create(db: &mut SqliteConnection, made: Made<'_>) -> Result<Record> {
    Ok(sqlx::query_as(
        "INSERT INTO record (kind, id, object, external_id, wallet_id, currency, status, status_code, status_message,
           amount, own_fee, vendor_fee, through_wallet, party, party_name, payer_note, payee_note, redirect_url, vendor,
           created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
         RETURNING *",
    )
    .bind(made.kind.word())
    .bind(made.id)
    .bind(made.object)
    .bind(made.external_id)
    .bind(made.wallet_id)
    .bind(made.currency)
    .bind(made.status)
    .bind(code(made.status))
    .bind("Request is being processed")
    .bind(made.amount.scaled())
    .bind(made.own_fee.scaled())
    .bind(made.vendor_fee.scaled())
    .bind(made.through_wallet)
    .bind(made.party)
    .bind(made.party_name)
    .bind(made.payer_note)
    .bind(made.payee_note)
    .bind(made.redirect_url)
    .bind(made.vendor)
    .bind(made.at.micros())
    .fetch_one(db)
    .await?)
}

/// The kebab-case word beside a status (provider facts, 7.3).
pub(super) fn code(status: &str) -> &'static str {
    match status {
        "Pending" => "pending",
        "SentToVendor" => "sent-to-vendor",
        "Success" => "success",
        "Failed" => "failed",
        "AwaitingApproval" => "awaiting-approval",
        "RolledBack" => "rolled-back",
        "Scheduled" => "scheduled",
        "Cancelled" => "cancelled",
        _ => "rejected",
    }
}

/// How many records of a kind share an external id.
pub(super) async fn sharing(db: &mut SqliteConnection, kind: &str, external_id: Option<&str>) -> Result<u64> {
    let row = sqlx::query("SELECT count(*) FROM record WHERE kind = ?1 AND coalesce(external_id, '') = ?2")
        .bind(kind)
        .bind(external_id.unwrap_or_default())
        .fetch_one(db)
        .await?;
    let count: i64 = row.try_get(0)?;
    Ok(count.unsigned_abs())
}

pub(super) async fn by_seq(db: &mut SqliteConnection, seq: i64) -> Result<Record> {
    Ok(sqlx::query_as("SELECT * FROM record WHERE seq = ?1").bind(seq).fetch_one(db).await?)
}

pub(super) async fn by_id(db: &mut SqliteConnection, id: &str) -> Result<Option<Record>> {
    Ok(sqlx::query_as("SELECT * FROM record WHERE id = ?1").bind(id).fetch_optional(db).await?)
}

/// Newest first, at most 100.
pub(super) async fn by_external_id(db: &mut SqliteConnection, kind: Kind, external_id: &str) -> Result<Vec<Record>> {
    Ok(sqlx::query_as(
        "SELECT * FROM record WHERE kind = ?1 AND coalesce(external_id, '') = ?2 AND external_id IS NOT NULL
         ORDER BY seq DESC LIMIT 100",
    )
    .bind(kind.word())
    .bind(external_id)
    .fetch_all(db)
    .await?)
}

/// Of both kinds, in the order of creation, after one, at most `limit`.
pub(super) async fn page(db: &mut SqliteConnection, after: i64, limit: i64) -> Result<Vec<Record>> {
    Ok(sqlx::query_as("SELECT * FROM record WHERE seq > ?1 ORDER BY seq LIMIT ?2")
        .bind(after)
        .bind(limit)
        .fetch_all(db)
        .await?)
}
