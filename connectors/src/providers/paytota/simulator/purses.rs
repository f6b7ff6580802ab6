//! The two purses of a currency and their postings (provider facts, sections 7 and 10).
//!
//! Every movement is one posting with what it changes of each figure. The identities B1 to B4 are checked after each,
//! here and by the table itself; a violation stops the simulator.

use ensimbi_events::Time;
use sqlx::{FromRow, SqliteConnection};

use super::settings::CurrencySettings;
use crate::simulator::{Result, SimulatorError};

/// Which purse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purse {
    Collections,
    Payouts,
}

impl Purse {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Collections => "collections",
            Self::Payouts => "payouts",
        }
    }
}

/// A purse as stored.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Stored {
    pub(super) currency: String,
    pub(super) purse: String,
    pub(super) gross: i64,
    pub(super) fee: i64,
    pub(super) balance: i64,
    pub(super) reserved: i64,
    pub(super) in_flight: i64,
    pub(super) available: i64,
    pub(super) withheld: i64,
    pub(super) overdraft: i64,
}

/// What one movement changes. `object`: whose effect it is; none where it belongs to no object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posting<'a> {
    pub(super) uid: &'a str,
    pub(super) object: Option<i64>,
    pub(super) what: &'static str,
    pub(super) currency: &'a str,
    pub(super) purse: Purse,
    pub(super) gross: i64,
    pub(super) fee: i64,
    pub(super) reserved: i64,
    pub(super) in_flight: i64,
    pub(super) withheld: i64,
    pub(super) at: Time,
}

impl<'a> Posting<'a> {
    /// Of nothing yet.
    pub(super) const fn new(what: &'static str, uid: &'a str, (currency, purse): (&'a str, Purse), at: Time) -> Self {
        let object = None;
        Self { uid, object, what, currency, purse, gross: 0, fee: 0, reserved: 0, in_flight: 0, withheld: 0, at }
    }

    pub(super) const fn of(mut self, object: i64) -> Self {
        self.object = Some(object);
        self
    }

    pub(super) const fn gross(mut self, by: i64) -> Self {
        self.gross = by;
        self
    }

    pub(super) const fn fee(mut self, by: i64) -> Self {
        self.fee = by;
        self
    }

    pub(super) const fn in_flight(mut self, by: i64) -> Self {
        self.in_flight = by;
        self
    }

    /// Withheld, and in `reserved` as well where it stands there.
    pub(super) const fn withheld(mut self, by: i64, in_reserved: bool) -> Self {
        self.withheld = by;
        self.reserved = if in_reserved { by } else { 0 };
        self
    }
}

fn damaged(text: &str) -> SimulatorError {
    SimulatorError::Damaged(text.to_owned())
}

/// Makes a currency's purses where there are none, with what they have from the start.
pub(super) async fn keep(db: &mut SqliteConnection, one: &CurrencySettings, uid: &str, at: Time) -> Result<()> {
    for (purse, opening, overdraft) in
        [(Purse::Collections, one.collections, 0), (Purse::Payouts, one.payouts, one.overdraft)]
    {
        let made = sqlx::query(
            "INSERT INTO purse (currency, purse, gross, fee, balance, reserved, in_flight, available, withheld, overdraft)
             VALUES (?1, ?2, 0, 0, 0, 0, 0, 0, 0, ?3) ON CONFLICT DO NOTHING",
        )
        .bind(&one.code)
        .bind(purse.word())
        .bind(overdraft)
        .execute(&mut *db)
        .await?;
        if made.rows_affected() == 1 && opening > 0 {
            let posting = Posting::new("custom_payment", uid, (&one.code, purse), at).gross(opening);
            post(&mut *db, posting).await?;
        }
    }
    Ok(())
}

pub(super) async fn all(db: &mut SqliteConnection) -> Result<Vec<Stored>> {
    Ok(sqlx::query_as("SELECT * FROM purse ORDER BY currency, purse").fetch_all(db).await?)
}

pub(super) async fn one(db: &mut SqliteConnection, currency: &str, purse: Purse) -> Result<Stored> {
    let found = sqlx::query_as("SELECT * FROM purse WHERE currency = ?1 AND purse = ?2")
        .bind(currency)
        .bind(purse.word())
        .fetch_optional(db)
        .await?;
    found.ok_or_else(|| damaged("a currency has no purse"))
}

/// Moves a purse's money.
pub(super) async fn post(db: &mut SqliteConnection, posting: Posting<'_>) -> Result<()> {
    let before = one(&mut *db, posting.currency, posting.purse).await?;
    let after = moved(&before, &posting).ok_or_else(|| damaged("a purse is beyond its range"))?;
    check(&after)?;
    sqlx::query(
        "UPDATE purse SET gross = ?3, fee = ?4, balance = ?5, reserved = ?6, in_flight = ?7, available = ?8, withheld = ?9
         WHERE currency = ?1 AND purse = ?2",
    )
    .bind(&after.currency)
    .bind(&after.purse)
    .bind(after.gross)
    .bind(after.fee)
    .bind(after.balance)
    .bind(after.reserved)
    .bind(after.in_flight)
    .bind(after.available)
    .bind(after.withheld)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO posting (uid, object, what, currency, purse, gross, fee, reserved, in_flight, withheld, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )
    .bind(posting.uid)
    .bind(posting.object)
    .bind(posting.what)
    .bind(posting.currency)
    .bind(posting.purse.word())
    .bind(posting.gross)
    .bind(posting.fee)
    .bind(posting.reserved)
    .bind(posting.in_flight)
    .bind(posting.withheld)
    .bind(posting.at.micros())
    .execute(db)
    .await?;
    Ok(())
}

/// Balance and available are carried forward by what the posting does to them, not computed from the other figures, so
/// that [`check`] says something.
fn moved(before: &Stored, by: &Posting<'_>) -> Option<Stored> {
    let mut after = before.clone();
    after.gross = after.gross.checked_add(by.gross)?;
    after.fee = after.fee.checked_add(by.fee)?;
    after.reserved = after.reserved.checked_add(by.reserved)?;
    after.in_flight = after.in_flight.checked_add(by.in_flight)?;
    after.withheld = after.withheld.checked_add(by.withheld)?;
    let booked = by.gross.checked_sub(by.fee)?;
    after.balance = after.balance.checked_add(booked)?;
    let spendable = booked.checked_sub(by.reserved)?.checked_sub(by.in_flight)?;
    after.available = after.available.checked_add(spendable)?;
    Some(after)
}

/// B1 and B2, B3 and B4 (without the overdraft, which is added where B4 is shown), and no negative figure where none
/// can be.
pub(super) fn check(of: &Stored) -> Result<()> {
    let balance = i128::from(of.gross) - i128::from(of.fee);
    let available = balance - i128::from(of.reserved) - i128::from(of.in_flight);
    let fits = i128::from(of.balance) == balance && i128::from(of.available) == available;
    if !fits || of.in_flight < 0 || of.withheld < 0 || of.reserved < 0 || of.reserved > of.withheld {
        return Err(damaged("a purse does not add up"));
    }
    Ok(())
}

/// What a purse's postings add up to must be what stands in it.
pub(super) async fn check_sums(db: &mut SqliteConnection) -> Result<()> {
    let sums: Vec<(String, String, i64, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT currency, purse, sum(gross), sum(fee), sum(reserved), sum(in_flight), sum(withheld) FROM posting
         GROUP BY currency, purse",
    )
    .fetch_all(&mut *db)
    .await?;
    for of in all(db).await? {
        check(&of)?;
        let sum = sums.iter().find(|sum| sum.0 == of.currency && sum.1 == of.purse);
        let sum = sum.map_or((0, 0, 0, 0, 0), |sum| (sum.2, sum.3, sum.4, sum.5, sum.6));
        if sum != (of.gross, of.fee, of.reserved, of.in_flight, of.withheld) {
            return Err(damaged("a purse is not the sum of its postings"));
        }
    }
    Ok(())
}

/// A part of an amount in basis points, half up. Amounts are never negative here.
pub(super) fn part(amount: i64, basis_points: u16) -> i64 {
    let part = (i128::from(amount) * i128::from(basis_points) + 5_000) / 10_000;
    // At most the amount itself.
    i64::try_from(part).unwrap_or(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_rounded_half_up_to_the_smallest_unit() {
        assert_eq!((part(500, 300), part(50, 300), part(49, 300), part(16, 300)), (15, 2, 1, 0));
        assert_eq!(part(i64::MAX, 10_000), i64::MAX);
    }

    #[test]
    fn a_purse_that_does_not_add_up_is_damage() {
        let mut of = Stored {
            currency: "UGX".to_owned(),
            purse: "collections".to_owned(),
            gross: 5_300,
            fee: 2_590,
            balance: 2_710,
            reserved: 0,
            in_flight: 1_500,
            available: 1_210,
            withheld: 0,
            overdraft: 0,
        };
        assert!(check(&of).is_ok());
        of.available += 1;
        assert!(check(&of).is_err());
        of.available -= 1;
        of.fee += 1;
        assert!(check(&of).is_err());
    }
}
