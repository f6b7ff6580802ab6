//! What a status does to the wallet. Each part of a record's money, amount and fee, is moved once and put back once;
//! the record knows which part stands in the wallet's books.

use ensimbi_events::{Amount, Time};
use sqlx::SqliteConnection;

use super::faults::{Fault, Faults};
use super::payouts::{self, Payout};
use super::records::{Kind, Record};
use super::rows::{self, Movement};
use super::wallets;
use crate::simulator::Result;

/// Applies the money side of a new status.
pub(super) async fn apply(
    db: &mut SqliteConnection,
    faults: &Faults,
    of: &Record,
    status: &str,
    at: Time,
) -> Result<()> {
    match (of.kind(), status) {
        (_, "Success") => settle(db, faults, of, at).await,
        (_, "RolledBack") => put_back(db, faults, of, faults.switches.rollback_keeps_fee, at).await,
        (Kind::Disbursement, "Failed") => {
            let keeps_fee = faults.hits(Fault::PayoutFeeKept, &of.key(), 0);
            put_back(db, faults, of, keeps_fee, at).await
        }
        (Kind::Disbursement, "Cancelled" | "Rejected") => put_back(db, faults, of, false, at).await,
        _ => Ok(()),
    }
}

/// Moves what is not moved yet: a collection's amount in, a payout's out, and the fee out by a row of its own.
pub(super) async fn settle(db: &mut SqliteConnection, faults: &Faults, of: &Record, at: Time) -> Result<()> {
    let draws = faults.draws();
    if !of.amount_moved {
        let movement = Movement::of(of.kind() == Kind::Collection, of.kind().word(), principal(&mut *db, of).await?);
        rows::move_money(&mut *db, draws, of, movement, at).await?;
    }
    if !of.fee_moved {
        let fee = Movement::of(false, "TransactionCharge", of.wallet_fee()?);
        rows::move_money(&mut *db, draws, of, fee, at).await?;
    }
    mark(db, of, true, true).await
}

/// Puts the amount back and, unless it is kept, the fee.
async fn put_back(db: &mut SqliteConnection, faults: &Faults, of: &Record, keeps_fee: bool, at: Time) -> Result<()> {
    let draws = faults.draws();
    if of.amount_moved {
        let movement = Movement::back(of.kind() == Kind::Disbursement, principal(&mut *db, of).await?);
        rows::set_reversed(&mut *db, of.seq, of.kind().word()).await?;
        rows::move_money(&mut *db, draws, of, movement, at).await?;
    }
    if of.fee_moved && !keeps_fee {
        rows::set_reversed(&mut *db, of.seq, "TransactionCharge").await?;
        rows::move_money(&mut *db, draws, of, Movement::back(true, of.wallet_fee()?), at).await?;
    }
    mark(db, of, false, of.fee_moved && keeps_fee).await
}

async fn principal(db: &mut SqliteConnection, of: &Record) -> Result<Amount> {
    match of.kind() {
        Kind::Collection => Ok(of.amount()),
        Kind::Disbursement => payouts::by_record(db, of.seq).await?.principal(of),
    }
}

async fn mark(db: &mut SqliteConnection, of: &Record, amount: bool, fee: bool) -> Result<()> {
    sqlx::query("UPDATE record SET amount_moved = ?2, fee_moved = ?3 WHERE seq = ?1")
        .bind(of.seq)
        .bind(amount)
        .bind(fee)
        .execute(db)
        .await?;
    Ok(())
}

/// Whether the wallet can pay a payout beside all that it has promised.
pub(super) async fn can_pay(db: &mut SqliteConnection, wallet_id: &str, whole: Amount) -> Result<bool> {
    let Some(wallet) = wallets::by_id(&mut *db, wallet_id).await? else { return Ok(false) };
    let promised = wallets::promised(db, wallet_id).await?;
    let left = Amount::from_scaled(wallet.balance).checked_sub(promised);
    Ok(left.is_some_and(|left| left >= whole))
}

/// A payout is on its way: looks at the funds if nobody has yet, and debits at acceptance. Gives it as it now is.
pub(super) async fn accept(
    db: &mut SqliteConnection,
    faults: &Faults,
    of: &Record,
    at: Time,
    look_at_funds: bool,
) -> Result<Payout> {
    let own = payouts::by_record(&mut *db, of.seq).await?;
    if own.unfunded || of.amount_moved {
        return Ok(own);
    }
    if look_at_funds && !can_pay(&mut *db, &of.wallet_id, own.whole(of)?).await? {
        payouts::set_unfunded(&mut *db, of.seq).await?;
        return payouts::by_record(db, of.seq).await;
    }
    if !own.debit_on_success {
        settle(db, faults, of, at).await?;
    }
    Ok(own)
}
