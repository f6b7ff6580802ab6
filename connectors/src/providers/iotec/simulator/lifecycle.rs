//! What becomes of a collection: planned at its creation as steps with a due time, applied when they are due.
//!
//! Applying a step: check that the status may change so, move the wallet's money, write the status, plan what may follow
//! (a later contradiction), and note the callback with the body of that moment. All in the caller's transaction.

use std::time::Duration;

use ensimbi_events::{Amount, Time};
use sqlx::{FromRow, SqliteConnection};

use super::books::{self, Collection, Movement};
use super::callbacks;
use super::faults::{Fault, Faults};
use super::request::{Group, group};
use super::settings::Settings;
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
    /// Wallets for which somebody registered a callback.
    pub(super) called_back: &'a [String],
}

#[derive(FromRow)]
struct Step {
    id: i64,
    collection: i64,
    due_at: i64,
    status: String,
    message: String,
}

/// Plans a new collection. `at_once`: its next status comes now.
pub(super) async fn plan(db: &mut SqliteConnection, rules: Rules<'_>, of: &Collection, at_once: bool) -> Result<()> {
    let Rules { settings, faults, .. } = rules;
    let created = Time::from_micros(of.created_at);
    let draws = faults.draws();
    let (shortest, longest) = settings.outcome_after;
    let span = u64::try_from(longest.saturating_sub(shortest).as_millis()).unwrap_or(u64::MAX);
    let drawn = Duration::from_millis(draws.below("outcome_after", &of.object, 0, span.saturating_add(1)));
    let after = shortest.saturating_add(drawn);
    let group = match group(&of.payer) {
        Group::Real if draws.hits("live_failure", &of.object, 0, settings.live_failures) => Group::Failed,
        Group::Real => Group::Success,
        group => group,
    };
    let seen_on_the_way = draws.hits("sent_to_vendor", &of.object, 0, settings.sent_to_vendor);
    let mut steps = Vec::new();
    if group == Group::SentToVendor || (seen_on_the_way && matches!(group, Group::Success | Group::Failed)) {
        steps.push((after / 2, "SentToVendor", "Request is with the network"));
    }
    match group {
        Group::Success => steps.push((after, "Success", "Payment received")),
        Group::Failed => steps.push((after, "Failed", "The payer declined")),
        Group::Pending => steps.extend(settings.pending_timeout.map(|wait| (wait, "Failed", "Request timed out"))),
        Group::SentToVendor => {
            let wait = settings.sent_to_vendor_timeout.map(|wait| wait.max(after / 2));
            steps.extend(wait.map(|wait| (wait, "Failed", "The network did not answer")));
        }
        Group::Real => {}
    }
    let hurry = at_once && group != Group::Pending;
    for (index, (wait, status, message)) in steps.into_iter().enumerate() {
        let wait = if hurry && index == 0 { Duration::ZERO } else { wait };
        add_step(db, of.seq, created.plus(wait), status, message).await?;
    }
    Ok(())
}

/// Plans one status.
pub(super) async fn add_step(
    db: &mut SqliteConnection,
    collection: i64,
    due: Time,
    status: &str,
    message: &str,
) -> Result<()> {
    sqlx::query("INSERT INTO step (collection, due_at, status, message) VALUES (?1, ?2, ?3, ?4)")
        .bind(collection)
        .bind(due.micros())
        .bind(status)
        .bind(message)
        .execute(db)
        .await?;
    Ok(())
}

/// Applies what is due, in the order of due times, at most `limit` steps; gives how many.
pub(super) async fn settle(db: &mut SqliteConnection, rules: Rules<'_>, now: Time, limit: u32) -> Result<u32> {
    for applied in 0..limit {
        let step: Option<Step> = sqlx::query_as(
            "SELECT id, collection, due_at, status, message FROM step WHERE done = 0 AND due_at <= ?1
             ORDER BY due_at, id LIMIT 1",
        )
        .bind(now.micros())
        .fetch_optional(&mut *db)
        .await?;
        let Some(mut step) = step else { return Ok(applied) };
        sqlx::query("UPDATE step SET done = 1 WHERE id = ?1").bind(step.id).execute(&mut *db).await?;
        let of = books::by_seq(&mut *db, step.collection).await?;
        if step.status == "Success" && !fits(&mut *db, &of).await? {
            "Failed".clone_into(&mut step.status);
            "The wallet cannot hold the amount".clone_into(&mut step.message);
        }
        if may_become(&of.status, &step.status) {
            apply(&mut *db, rules, of, &step).await?;
        }
    }
    Ok(limit)
}

/// Whether the wallet can hold the amount; one absurd request must not stop everybody's outcomes.
async fn fits(db: &mut SqliteConnection, of: &Collection) -> Result<bool> {
    let wallet = books::wallet(db, &of.wallet_id).await?;
    Ok(wallet.is_some_and(|wallet| Amount::from_scaled(wallet.balance).checked_add(of.amount()).is_some()))
}

/// Open states may become anything; a final one is contradicted only in the two ways that are offered.
pub(super) fn may_become(from: &str, to: &str) -> bool {
    match from {
        "Pending" | "SentToVendor" | "AwaitingApproval" | "Scheduled" => from != to,
        "Success" => to == "RolledBack",
        "Failed" => to == "Success",
        _ => false,
    }
}

async fn apply(db: &mut SqliteConnection, rules: Rules<'_>, of: Collection, step: &Step) -> Result<()> {
    let at = Time::from_micros(step.due_at);
    let credited = match step.status.as_str() {
        "Success" => {
            credit(&mut *db, rules.faults, &of, at).await?;
            true
        }
        "RolledBack" if of.credited => {
            take_back(&mut *db, rules.faults, &of, at).await?;
            false
        }
        _ => of.credited,
    };
    let is_final = !matches!(step.status.as_str(), "Pending" | "SentToVendor" | "AwaitingApproval" | "Scheduled");
    let reference = (step.status == "Success").then(|| {
        format!("{:012}", rules.faults.draws().below("vendor_transaction_id", &of.object, 0, 1_000_000_000_000))
    });
    sqlx::query(
        "UPDATE collection SET status = ?2, status_code = ?3, status_message = ?4, credited = ?5, updated_at = ?6,
           processed_at = CASE WHEN ?7 THEN ?6 ELSE processed_at END,
           vendor_transaction_id = coalesce(?8, vendor_transaction_id)
         WHERE seq = ?1",
    )
    .bind(of.seq)
    .bind(&step.status)
    .bind(code(&step.status))
    .bind(&step.message)
    .bind(credited)
    .bind(step.due_at)
    .bind(is_final)
    .bind(reference)
    .execute(&mut *db)
    .await?;
    contradict_later(&mut *db, rules.faults, &of, &step.status, at).await?;
    callbacks::note(db, rules, of.seq, at).await
}

async fn contradict_later(
    db: &mut SqliteConnection,
    faults: &Faults,
    of: &Collection,
    status: &str,
    at: Time,
) -> Result<()> {
    let later = at.plus(Duration::from_secs(60 * u64::from(faults.parameters.rolled_back_after_minutes)));
    match status {
        "Success" if faults.hits(Fault::RolledBackLater, &of.object, 0) => {
            add_step(db, of.seq, later, "RolledBack", "Rolled back").await
        }
        "Failed" if faults.hits(Fault::SuccessAfterFailed, &of.object, 0) => {
            add_step(db, of.seq, later, "Success", "Payment received").await
        }
        _ => Ok(()),
    }
}

/// Credits the amount and charges the fee, each by a row of its own. Only a success is credited.
async fn credit(db: &mut SqliteConnection, faults: &Faults, of: &Collection, at: Time) -> Result<()> {
    let amount = Movement { top_up: true, category: "Collection", amount: of.amount(), rollback: false };
    books::move_money(db, of, row_id(faults, of, 0), amount, at).await?;
    let fee = Movement { top_up: false, category: "TransactionCharge", amount: wallet_fee(of)?, rollback: false };
    books::move_money(db, of, row_id(faults, of, 1), fee, at).await
}

/// Takes the amount out again and, unless the switch says otherwise, gives the fee back.
async fn take_back(db: &mut SqliteConnection, faults: &Faults, of: &Collection, at: Time) -> Result<()> {
    let amount = Movement { top_up: false, category: "Rollback", amount: of.amount(), rollback: true };
    books::move_money(db, of, row_id(faults, of, 2), amount, at).await?;
    if faults.switches.rollback_keeps_fee {
        return Ok(());
    }
    let fee = Movement { top_up: true, category: "Rollback", amount: wallet_fee(of)?, rollback: true };
    books::move_money(db, of, row_id(faults, of, 3), fee, at).await
}

/// The fee as far as the wallet bears it.
fn wallet_fee(of: &Collection) -> Result<Amount> {
    if of.through_wallet { of.fees() } else { Ok(Amount::ZERO) }
}

fn row_id(faults: &Faults, of: &Collection, nth: u64) -> String {
    faults.draws().uuid("wallet_row", &of.object, nth).to_string()
}

/// The kebab-case word beside a status (provider facts, 7.3).
fn code(status: &str) -> &'static str {
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

/// A status by a person's hand, now: the control's way to show all nine.
pub(super) async fn set_status(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    of: &Collection,
    status: &'static str,
    now: Time,
) -> Result<()> {
    if !may_become(&of.status, status) || (status == "Success" && !fits(&mut *db, of).await?) {
        return Err(SimulatorError::Settings(format!("a collection in {} cannot become {status}", of.status)));
    }
    let step = Step {
        id: 0,
        collection: of.seq,
        due_at: now.micros(),
        status: status.to_owned(),
        message: code(status).to_owned(),
    };
    apply(db, rules, of.clone(), &step).await
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
