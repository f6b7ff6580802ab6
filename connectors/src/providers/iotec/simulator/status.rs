//! A record as text: as the status calls and callbacks give it, or whole, as the create answer and the history do.

use sqlx::SqliteConnection;

use super::answer::{self, Look, Oddities};
use super::faults::Faults;
use super::records::{Kind, Record};
use super::rows::WalletRow;
use super::{payouts, rows};
use crate::simulator::Result;

/// The status answer: a collection with its rows, a payout without rows and decisions (provider facts, 5.3).
pub(super) async fn text(db: &mut SqliteConnection, faults: &Faults, of: &Record, odd: Oddities) -> Result<String> {
    match of.kind() {
        Kind::Collection => {
            let rows = rows::of_record(db, of.seq).await?;
            answer::collection(of, &rows, Look::of(of, faults)?, odd)
        }
        Kind::Disbursement => payout(db, faults, of, None, odd).await,
    }
}

/// A record with all there is: a collection as above, a payout with rows and decisions.
pub(super) async fn whole(db: &mut SqliteConnection, faults: &Faults, of: &Record, odd: Oddities) -> Result<String> {
    match of.kind() {
        Kind::Collection => text(db, faults, of, odd).await,
        Kind::Disbursement => {
            let rows = rows::of_record(&mut *db, of.seq).await?;
            payout(db, faults, of, Some(&rows), odd).await
        }
    }
}

/// The status answer about a record that has no rows, whatever the file has under its number.
pub(super) async fn invented(db: &mut SqliteConnection, faults: &Faults, of: &Record, odd: Oddities) -> Result<String> {
    match of.kind() {
        Kind::Collection => answer::collection(of, &[], Look::of(of, faults)?, odd),
        Kind::Disbursement => payout(db, faults, of, None, odd).await,
    }
}

async fn payout(
    db: &mut SqliteConnection,
    faults: &Faults,
    of: &Record,
    rows: Option<&[WalletRow]>,
    odd: Oddities,
) -> Result<String> {
    let own = payouts::by_record(&mut *db, of.seq).await?;
    let decisions = payouts::decisions(db, of.seq).await?;
    answer::payout(of, &own, &decisions, rows, (Look::of(of, faults)?, odd))
}
