//! How planned steps are applied when they are due.
//!
//! Applying a step: check that the status may change so, move the wallet's money, write the status, plan what may follow
//! (the way of a payout that was let go, a later contradiction), and note the callback with the body of that moment. All
//! in the caller's transaction.

use std::time::Duration;

use ensimbi_events::{Amount, Time};
use sqlx::{FromRow, SqliteConnection};

use super::faults::{Fault, Faults};
use super::records::{self, Kind, Record, code};
use super::settings::Settings;
use super::{callbacks, money, moves, payouts, plan, wallets};
use crate::simulator::{Result, SimulatorError};

/// The nine statuses of the provider's documents (provider facts, 7.1).
pub(super) const STATUSES: [&str; 9] = [
    "Pending",
    "SentToVendor",
    "Success",
    "Failed",
    "AwaitingApproval",
    "RolledBack",
    "Scheduled",
    "Cancelled",
    "Rejected",
];

/// What applying a step needs to know.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) settings: &'a Settings,
    pub(super) faults: &'a Faults,
    /// Wallets and categories for which somebody registered a callback.
    pub(super) called_back: &'a [(String, Kind)],
}

/// Whether nothing more is expected to happen.
pub(super) fn is_final(status: &str) -> bool {
    !matches!(status, "Pending" | "SentToVendor" | "AwaitingApproval" | "Scheduled")
}

#[derive(FromRow)]
struct Step {
    id: i64,
    record: i64,
    due_at: i64,
    status: String,
    message: String,
}

/// Applies what is due, in the order of due times, at most `limit` steps; gives how many.
pub(super) async fn settle(db: &mut SqliteConnection, rules: Rules<'_>, now: Time, limit: u32) -> Result<u32> {
    for applied in 0..limit {
        let step: Option<Step> = sqlx::query_as(
            "SELECT id, record, due_at, status, message FROM step WHERE done = 0 AND due_at <= ?1
             ORDER BY due_at, id LIMIT 1",
        )
        .bind(now.micros())
        .fetch_optional(&mut *db)
        .await?;
        let Some(mut step) = step else { return Ok(applied) };
        sqlx::query("UPDATE step SET done = 1 WHERE id = ?1").bind(step.id).execute(&mut *db).await?;
        let of = records::by_seq(&mut *db, step.record).await?;
        if step.status == "Success" && !fits(&mut *db, &of).await? {
            "Failed".clone_into(&mut step.status);
            match of.kind() {
                Kind::Collection => "The wallet cannot hold the amount".clone_into(&mut step.message),
                Kind::Disbursement => {
                    payouts::set_unfunded(&mut *db, of.seq).await?;
                    "Not enough funds".clone_into(&mut step.message);
                }
            }
        }
        if may_become(&of.status, &step.status) {
            apply(&mut *db, rules, &of, &step).await?;
        }
    }
    Ok(limit)
}

/// Whether the wallet can take the success: one absurd collection must not stop everybody's outcomes, and a payout that
/// is debited only now may find the money gone. A success after a failure is a fact, whatever the wallet has.
async fn fits(db: &mut SqliteConnection, of: &Record) -> Result<bool> {
    let Some(wallet) = wallets::by_id(&mut *db, &of.wallet_id).await? else { return Ok(false) };
    let balance = Amount::from_scaled(wallet.balance);
    match of.kind() {
        Kind::Collection => Ok(balance.checked_add(of.amount()).is_some()),
        Kind::Disbursement if of.amount_moved || is_final(&of.status) => Ok(true),
        Kind::Disbursement => Ok(balance >= payouts::by_record(db, of.seq).await?.whole(of)?),
    }
}

/// Open states may become anything; a final one is contradicted only in the two ways that are offered.
pub(super) fn may_become(from: &str, to: &str) -> bool {
    match from {
        "Success" => to == "RolledBack",
        "Failed" => to == "Success",
        _ => !is_final(from) && from != to,
    }
}

async fn apply(db: &mut SqliteConnection, rules: Rules<'_>, of: &Record, step: &Step) -> Result<()> {
    let (at, key) = (Time::from_micros(step.due_at), of.key());
    let of = &arrived(&mut *db, rules, of, &step.status).await?;
    moves::apply(&mut *db, rules.faults, of, &step.status, at).await?;
    if of.kind() == Kind::Disbursement && step.status == "Pending" && is_held(&of.status) {
        let own = payouts::by_record(&mut *db, of.seq).await?;
        let own = moves::accept(&mut *db, rules.faults, of, at, !own.held_debit_at_creation).await?;
        plan::payout(&mut *db, rules, (of, &own), at, false).await?;
    }
    let unfunded = of.kind() == Kind::Disbursement && payouts::by_record(&mut *db, of.seq).await?.unfunded;
    let word = if unfunded && step.status == "Failed" { "not-enough-funds" } else { code(&step.status) };
    let reference = (step.status == "Success")
        .then(|| format!("{:012}", rules.faults.draws().below("vendor_transaction_id", &key, 0, 1_000_000_000_000)));
    sqlx::query(
        "UPDATE record SET status = ?2, status_code = ?3, status_message = ?4, updated_at = ?5,
           processed_at = CASE WHEN ?6 THEN ?5 ELSE processed_at END,
           vendor_transaction_id = coalesce(?7, vendor_transaction_id)
         WHERE seq = ?1",
    )
    .bind(of.seq)
    .bind(&step.status)
    .bind(word)
    .bind(&step.message)
    .bind(step.due_at)
    .bind(is_final(&step.status))
    .bind(reference)
    .execute(&mut *db)
    .await?;
    contradict_later(&mut *db, rules.faults, of, &step.status, (at, unfunded)).await?;
    callbacks::note(db, rules, of.seq, at).await
}

/// Waits for a person or for its time.
pub(super) fn is_held(status: &str) -> bool {
    matches!(status, "AwaitingApproval" | "Scheduled")
}

/// The record as the outcome finds it: a fault lets a collection bring less than was asked.
async fn arrived(db: &mut SqliteConnection, rules: Rules<'_>, of: &Record, status: &str) -> Result<Record> {
    let wrong =
        of.kind() == Kind::Collection && status == "Success" && rules.faults.hits(Fault::WrongAmount, &of.key(), 0);
    if !wrong {
        return Ok(of.clone());
    }
    let (amount, settings, rounding) = (nine_tenths(of.amount()), rules.settings, rules.faults.switches.fee_rounding);
    let fee = |rate| money::fee(amount, rate, rounding).ok_or_else(super::rows::too_large);
    sqlx::query("UPDATE record SET amount = ?2, own_fee = ?3, vendor_fee = ?4 WHERE seq = ?1")
        .bind(of.seq)
        .bind(amount.scaled())
        .bind(fee(settings.own_fee)?.scaled())
        .bind(fee(settings.vendor_fee)?.scaled())
        .execute(&mut *db)
        .await?;
    records::by_seq(db, of.seq).await
}

/// What a fault leaves of an amount. Requests are at least 500, so something stays.
pub(super) fn nine_tenths(amount: Amount) -> Amount {
    Amount::from_scaled(amount.scaled() / 10 * 9)
}

async fn contradict_later(
    db: &mut SqliteConnection,
    faults: &Faults,
    of: &Record,
    status: &str,
    (at, unfunded): (Time, bool),
) -> Result<()> {
    let later = at.plus(Duration::from_secs(60 * u64::from(faults.parameters.rolled_back_after_minutes)));
    let (taken_back, message) = match of.kind() {
        Kind::Collection => (Fault::RolledBackLater, "Payment received"),
        Kind::Disbursement => (Fault::PayoutRolledBackLater, "Payment sent"),
    };
    match status {
        "Success" if faults.hits(taken_back, &of.key(), 0) => {
            plan::add_step(db, of.seq, later, "RolledBack", "Rolled back").await
        }
        "Failed" if !unfunded && faults.hits(Fault::SuccessAfterFailed, &of.key(), 0) => {
            plan::add_step(db, of.seq, later, "Success", message).await
        }
        _ => Ok(()),
    }
}

/// A status by a person's hand, now.
pub(super) async fn set_status(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    of: &Record,
    status: &'static str,
    now: Time,
) -> Result<()> {
    if !may_become(&of.status, status) || (status == "Success" && !fits(&mut *db, of).await?) {
        let kind = of.kind().word().to_lowercase();
        return Err(SimulatorError::Settings(format!("a {kind} in {} cannot become {status}", of.status)));
    }
    let step = Step {
        id: 0,
        record: of.seq,
        due_at: now.micros(),
        status: status.to_owned(),
        message: code(status).to_owned(),
    };
    apply(db, rules, of, &step).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_final_status_is_contradicted_only_in_the_two_offered_ways() {
        for from in ["Success", "Failed", "RolledBack", "Cancelled", "Rejected"] {
            for to in STATUSES {
                let offered = matches!((from, to), ("Success", "RolledBack") | ("Failed", "Success"));
                assert_eq!(may_become(from, to), offered, "{from} {to}");
            }
        }
    }
}
