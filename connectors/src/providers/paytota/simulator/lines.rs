//! Statement lines: one for each payment that moved money, written with it.

use ensimbi_events::Time;
use sqlx::{FromRow, SqliteConnection};

use super::templates::Money;
use crate::simulator::{Result, SimulatorError};

/// A line as stored, with its object's present state where it has one.
#[derive(Debug, FromRow)]
pub(super) struct Line {
    pub(super) uid: String,
    pub(super) object: Option<i64>,
    pub(super) product: String,
    pub(super) payment_type: String,
    pub(super) related_to: String,
    pub(super) currency: String,
    pub(super) amount: i64,
    pub(super) fee: i64,
    pub(super) net: i64,
    pub(super) pending: i64,
    pub(super) outgoing: bool,
    pub(super) paid_on: i64,
    pub(super) created_on: i64,
}

/// Whose line it is.
#[derive(Clone, Copy)]
pub(super) struct Whose<'a> {
    pub(super) uid: &'a str,
    pub(super) object: Option<i64>,
    pub(super) product: &'static str,
    pub(super) related_to: &'a str,
    pub(super) currency: &'a str,
    pub(super) created: Time,
}

pub(super) async fn add(db: &mut SqliteConnection, whose: Whose<'_>, money: &Money) -> Result<()> {
    let paid = money.paid.ok_or_else(|| SimulatorError::Damaged("a line is of money that was paid".to_owned()))?;
    sqlx::query(
        "INSERT INTO line (uid, object, product, payment_type, related_to, currency, amount, fee, net, pending, outgoing,
           paid_on, created_on)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )
    .bind(whose.uid)
    .bind(whose.object)
    .bind(whose.product)
    .bind(money.payment_type)
    .bind(whose.related_to)
    .bind(whose.currency)
    .bind(money.amount)
    .bind(money.fee)
    .bind(money.net())
    .bind(money.pending)
    .bind(money.outgoing)
    .bind(paid.micros())
    .bind(whose.created.micros())
    .execute(db)
    .await?;
    Ok(())
}

/// All lines, oldest first.
pub(super) async fn all(db: &mut SqliteConnection) -> Result<Vec<Line>> {
    Ok(sqlx::query_as("SELECT * FROM line ORDER BY id").fetch_all(db).await?)
}
