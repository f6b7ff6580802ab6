//! What will become of a record: drawn when it is made (a payout that waits: when it is let go) and kept as steps with a
//! due time.

use std::time::Duration;

use ensimbi_events::Time;
use sqlx::SqliteConnection;

use super::faults::Fault;
use super::lifecycle::Rules;
use super::payouts::Payout;
use super::records::{Kind, Record};
use super::request::{Group, group};
use crate::simulator::Result;

/// Plans a collection from its creation on. `at_once`: its next status comes now.
pub(super) async fn collection(db: &mut SqliteConnection, rules: Rules<'_>, of: &Record, at_once: bool) -> Result<()> {
    let steps = steps(rules, of, outcome(rules, of, group(&of.party)));
    write(db, of, Time::from_micros(of.created_at), steps, at_once).await
}

/// Plans a payout that is on its way since `from`.
pub(super) async fn payout(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    (of, own): (&Record, &Payout),
    from: Time,
    at_once: bool,
) -> Result<()> {
    let faults = rules.faults;
    let key = of.key();
    let mut group = match own.bank {
        // Nothing documents test accounts.
        Some(_) if faults.draws().hits("bank_failure", &key, 0, rules.settings.bank_failures) => Group::Failed,
        Some(_) => Group::Success,
        None => outcome(rules, of, group(&of.party)),
    };
    if group == Group::Success && faults.hits(Fault::PayoutFailed, &key, 0) {
        group = Group::Failed;
    }
    if own.unfunded {
        let steps = vec![(after(rules, &key), "Failed", "Not enough funds")];
        return write(db, of, from, steps, at_once).await;
    }
    let mut steps = steps(rules, of, group);
    if group == Group::Failed && faults.hits(Fault::PayoutRolledBack, &key, 0) {
        let after = after(rules, &key);
        steps = vec![(after / 2, "SentToVendor", "Request is with the network"), (after, "RolledBack", "Rolled back")];
    }
    write(db, of, from, steps, at_once).await
}

type Steps = Vec<(Duration, &'static str, &'static str)>;

/// From the beginning to the outcome.
fn after(rules: Rules<'_>, key: &str) -> Duration {
    let (shortest, longest) = rules.settings.outcome_after;
    let span = u64::try_from(longest.saturating_sub(shortest).as_millis()).unwrap_or(u64::MAX);
    let drawn = rules.faults.draws().below("outcome_after", key, 0, span.saturating_add(1));
    shortest.saturating_add(Duration::from_millis(drawn))
}

/// A real number's group is drawn; a test number has its own.
fn outcome(rules: Rules<'_>, of: &Record, group: Group) -> Group {
    match group {
        Group::Real if rules.faults.draws().hits("live_failure", &of.key(), 0, rules.settings.live_failures) => {
            Group::Failed
        }
        Group::Real => Group::Success,
        group => group,
    }
}

fn steps(rules: Rules<'_>, of: &Record, group: Group) -> Steps {
    let (settings, key) = (rules.settings, of.key());
    let after = after(rules, &key);
    let (success, failure) = match of.kind() {
        Kind::Collection => ("Payment received", "The payer declined"),
        Kind::Disbursement => ("Payment sent", "The payee's account refused"),
    };
    let seen_on_the_way = rules.faults.draws().hits("sent_to_vendor", &key, 0, settings.sent_to_vendor);
    let mut steps = Vec::new();
    if group == Group::SentToVendor || (seen_on_the_way && matches!(group, Group::Success | Group::Failed)) {
        steps.push((after / 2, "SentToVendor", "Request is with the network"));
    }
    match group {
        Group::Success => steps.push((after, "Success", success)),
        Group::Failed => steps.push((after, "Failed", failure)),
        Group::Pending => steps.extend(settings.pending_timeout.map(|wait| (wait, "Failed", "Request timed out"))),
        Group::SentToVendor => {
            let wait = settings.sent_to_vendor_timeout.map(|wait| wait.max(after / 2));
            steps.extend(wait.map(|wait| (wait, "Failed", "The network did not answer")));
        }
        Group::Real => {}
    }
    steps
}

async fn write(db: &mut SqliteConnection, of: &Record, from: Time, steps: Steps, at_once: bool) -> Result<()> {
    // A number that nobody answers stays as it is; there the only step is the end of the patience.
    let hurry = at_once && group(&of.party) != Group::Pending;
    for (index, (wait, status, message)) in steps.into_iter().enumerate() {
        let wait = if hurry && index == 0 { Duration::ZERO } else { wait };
        add_step(db, of.seq, from.plus(wait), status, message).await?;
    }
    Ok(())
}

/// Plans one status.
pub(super) async fn add_step(
    db: &mut SqliteConnection,
    record: i64,
    due: Time,
    status: &str,
    message: &str,
) -> Result<()> {
    sqlx::query("INSERT INTO step (record, due_at, status, message) VALUES (?1, ?2, ?3, ?4)")
        .bind(record)
        .bind(due.micros())
        .bind(status)
        .bind(message)
        .execute(db)
        .await?;
    Ok(())
}
