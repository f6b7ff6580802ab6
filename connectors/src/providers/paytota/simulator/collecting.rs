//! How a purchase goes on: executed, paid or failed, due, captured or released (provider facts, sections 4 and 5).

use ensimbi_events::Time;
use serde_json::Value;
use sqlx::SqliteConnection;

use super::attempts::{self, Ended, is_mobile};
use super::faults::Fault;
use super::objects::{self, Object};
use super::purses::{self, Posting, Purse, part};
use super::settings::{Rate, Settings};
use super::status::{enter, purchase_may};
use super::steps::{self, Planned, Rules, What};
use super::switches::{AtDue, Reserve};
use super::templates::{Money, seconds};
use super::{events, lines};
use crate::simulator::Result;

/// What a failure says.
pub(super) const FAILED: &str = "Transaction failed";

/// What the operator will answer about a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Succeeds,
    Fails,
    /// Nobody answers.
    Silent,
}

/// The documented test numbers belong to their currency (provider facts, section 3); those of the settings to any.
pub(super) fn fate(settings: &Settings, currency: &str, phone: &str) -> Fate {
    let documented = [("256770123456", "UGX"), ("254790123456", "KES"), ("251910015422", "ETB")];
    let listed = |list: &[String]| list.iter().any(|number| number == phone);
    if documented.contains(&(phone, currency)) || listed(&settings.numbers.succeed) {
        Fate::Succeeds
    } else if listed(&settings.numbers.silent) {
        Fate::Silent
    } else {
        Fate::Fails
    }
}

fn rate(settings: &Settings, method: &str) -> Rate {
    if is_mobile(method) { settings.rates.mobile } else { settings.rates.card }
}

/// Starts an attempt: `pending_execute`, and the plan of its outcome. `fails`: the error's code.
pub(super) async fn execute(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    of: &mut Object,
    method: &str,
    outcome: std::result::Result<Fate, &str>,
    at: Time,
) -> Result<()> {
    of.attempt += 1;
    method.clone_into(&mut of.method);
    enter(&mut *db, of, "pending_execute", None, at).await?;
    events::announce(&mut *db, rules, of, "purchase.pending_execute", at).await?;
    let word = match outcome {
        Ok(Fate::Silent) => return Ok(()),
        Ok(Fate::Succeeds) => "",
        Ok(Fate::Fails) => "general_transaction_error",
        Err(code) => code,
    };
    let nth = of.attempt.unsigned_abs();
    let after = rules.between(rules.settings.outcome_after, "outcome_after", &of.key, nth);
    steps::plan(db, Planned::of(of.seq, What::Outcome, at.plus(after)).arg(of.attempt).word(word)).await
}

/// The operator's answer about an attempt. It may come after the purchase was given up.
pub(super) async fn outcome(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    mut of: Object,
    (attempt, code): (i64, &str),
    at: Time,
) -> Result<()> {
    let open = matches!(of.status(), "pending_execute" | "overdue" | "expired");
    if of.attempt != attempt || !open {
        return Ok(());
    }
    if !code.is_empty() {
        return if of.status() == "expired" { Ok(()) } else { fail(db, rules, of, code, at).await };
    }
    if of.doc["skip_capture"] != Value::Bool(true) {
        return paid(db, rules, of, "execute", None, at).await;
    }
    let ended = Ended { of_type: "authorize", error: None, fee: 0, at };
    attempts::note(&mut of, rules.faults, &ended);
    let (status, event) = match of.amount {
        0 => ("preauthorized", "purchase.preauthorized"),
        _ => ("hold", "purchase.hold"),
    };
    if !purchase_may(of.status(), status) {
        return Ok(());
    }
    enter(&mut *db, &mut of, status, None, at).await?;
    events::announce(db, rules, &mut of, event, at).await
}

async fn fail(db: &mut SqliteConnection, rules: Rules<'_>, mut of: Object, code: &str, at: Time) -> Result<()> {
    let ended = Ended { of_type: "execute", error: Some((code, FAILED)), fee: 0, at };
    attempts::note(&mut of, rules.faults, &ended);
    enter(&mut *db, &mut of, "error", None, at).await?;
    one_second_behind(&mut *db, &mut of, at).await?;
    events::announce(&mut *db, rules, &mut of, rules.faults.switches.failure_event.word(), at).await?;
    if rules.faults.hits(Fault::PaidAfterError, &of.key, of.attempt.unsigned_abs()) {
        steps::plan(db, Planned::of(of.seq, What::Late, rules.later(at))).await?;
    }
    Ok(())
}

/// The purchase gets its money: `amount` where only a part is captured.
pub(super) async fn paid(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    mut of: Object,
    attempt: &str,
    amount: Option<i64>,
    at: Time,
) -> Result<()> {
    let (settings, amount) = (rules.settings, amount.unwrap_or(of.amount));
    let rate = rate(settings, &of.method);
    let (fee, pending) = (part(amount, rate.fee), part(amount, rate.reserve));
    // Both rounded up may be one unit more than there is.
    let pending = pending.min(amount - fee);
    let unfreeze = (pending > 0).then(|| at.plus(settings.rates.unfreeze_after));
    let money = Money { amount, fee, pending, unfreeze, outgoing: false, payment_type: "purchase", paid: Some(at) };
    let in_reserved = rules.faults.switches.reserve == Reserve::InReserved;
    let gross = if in_reserved { amount } else { amount - pending };
    let posting = Posting::new("purchase", &of.id, (&of.currency, Purse::Collections), at)
        .of(of.seq)
        .gross(gross)
        .fee(fee)
        .withheld(pending, in_reserved);
    purses::post(&mut *db, posting).await?;
    let whose = lines::Whose {
        uid: &of.id,
        object: Some(of.seq),
        product: "purchase",
        related_to: "",
        currency: &of.currency,
        created: of.created_at,
    };
    lines::add(&mut *db, whose, &money).await?;
    attempts::note(&mut of, rules.faults, &Ended { of_type: attempt, error: None, fee, at });
    of.doc["payment"] = money.json(&of.currency, "");
    of.doc["refundable_amount"] = amount.into();
    of.doc["refund_availability"] = if is_mobile(&of.method) { "none" } else { "all" }.into();
    enter(&mut *db, &mut of, "paid", None, at).await?;
    one_second_behind(&mut *db, &mut of, at).await?;
    if attempt == "capture" {
        events::announce(&mut *db, rules, &mut of, "purchase.captured", at).await?;
    }
    events::announce(&mut *db, rules, &mut of, "purchase.paid", at).await?;
    if let Some(unfreeze) = unfreeze {
        steps::plan(&mut *db, Planned::of(of.seq, What::Unfreeze, unfreeze).arg(pending)).await?;
    }
    what_follows(db, rules, &of, at).await
}

/// What nobody orders: a card's bank asks for papers or takes the money back; somebody moves collected money.
async fn what_follows(db: &mut SqliteConnection, rules: Rules<'_>, of: &Object, at: Time) -> Result<()> {
    let (hits, later) = (|fault| rules.faults.hits(fault, &of.key, 0), rules.later(at));
    if !is_mobile(&of.method) && hits(Fault::Retrieved) {
        let early = at.plus(later.since(at) / 2);
        steps::plan(&mut *db, Planned::of(of.seq, What::Retrieve, early)).await?;
    }
    if !is_mobile(&of.method) && hits(Fault::ChargedBack) {
        steps::plan(&mut *db, Planned::of(of.seq, What::ChargeBack, later)).await?;
    }
    if hits(Fault::PurseTransfer) {
        let planned = Planned { object: None, what: What::Transfer, arg: 0, word: &of.currency, at: later };
        steps::plan(db, planned).await?;
    }
    Ok(())
}

/// What the operator reports leaves `updated_on` one second behind the history (provider facts, section 4.2).
async fn one_second_behind(db: &mut SqliteConnection, of: &mut Object, at: Time) -> Result<()> {
    if is_mobile(&of.method) {
        of.doc["updated_on"] = (seconds(at) - 1).into();
        objects::save(db, of).await?;
    }
    Ok(())
}

/// Nobody has paid in time. No event tells of it.
pub(super) async fn due(db: &mut SqliteConnection, rules: Rules<'_>, mut of: Object, at: Time) -> Result<()> {
    if !matches!(of.status(), "created" | "sent" | "viewed" | "pending_execute") {
        return Ok(());
    }
    let strict = of.doc["purchase"]["due_strict"] == Value::Bool(true);
    let status = match rules.faults.switches.at_due {
        AtDue::Overdue => "overdue",
        AtDue::ByDueStrict if !strict => "overdue",
        AtDue::Expired | AtDue::ByDueStrict => "expired",
    };
    let started = of.status() == "pending_execute";
    enter(&mut *db, &mut of, status, None, at).await?;
    if started && rules.faults.hits(Fault::PaidAfterExpired, &of.key, 0) {
        steps::plan(db, Planned::of(of.seq, What::Late, rules.later(at))).await?;
    }
    Ok(())
}

/// The operator confirms late what was given up.
pub(super) async fn late(db: &mut SqliteConnection, rules: Rules<'_>, of: Object, at: Time) -> Result<()> {
    if !matches!(of.status(), "error" | "expired" | "overdue") || of.attempt == 0 {
        return Ok(());
    }
    paid(db, rules, of, "execute", None, at).await
}

/// Ends a capture of `amount`; a failed one falls back to `hold`.
pub(super) async fn captured(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    mut of: Object,
    amount: i64,
    at: Time,
) -> Result<()> {
    if of.status() != "pending_capture" {
        return Ok(());
    }
    if !rules.faults.hits(Fault::CaptureFailed, &of.key, 0) {
        return paid(db, rules, of, "capture", Some(amount), at).await;
    }
    failed(&mut of, rules, "capture", at);
    enter(&mut *db, &mut of, "hold", None, at).await?;
    events::announce(db, rules, &mut of, "purchase.capture_failure", at).await
}

/// Ends a release; a failed one falls back to `hold`.
pub(super) async fn released(db: &mut SqliteConnection, rules: Rules<'_>, mut of: Object, at: Time) -> Result<()> {
    if !matches!(of.status(), "hold" | "pending_release") {
        return Ok(());
    }
    if of.status() == "pending_release" && rules.faults.hits(Fault::ReleaseFailed, &of.key, 0) {
        failed(&mut of, rules, "release", at);
        enter(&mut *db, &mut of, "hold", None, at).await?;
        return events::announce(db, rules, &mut of, "purchase.release_failure", at).await;
    }
    attempts::note(&mut of, rules.faults, &Ended { of_type: "release", error: None, fee: 0, at });
    enter(&mut *db, &mut of, "released", None, at).await?;
    events::announce(db, rules, &mut of, "purchase.released", at).await
}

/// Notes a failed capture, release or refund.
pub(super) fn failed(of: &mut Object, rules: Rules<'_>, what: &str, at: Time) {
    let ended = Ended { of_type: what, error: Some(("acquirer_internal_error", FAILED)), fee: 0, at };
    attempts::note(of, rules.faults, &ended);
}
