//! How a payout goes on: executed, then succeeded or failed; an error may be executed again (provider facts, section
//! 6).

use ensimbi_events::Time;
use sqlx::SqliteConnection;

use super::attempts::{self, Ended};
use super::collecting::{FAILED, Fate};
use super::faults::Fault;
use super::objects::Object;
use super::purses::{self, Posting, Purse};
use super::settings::Settings;
use super::status::enter;
use super::steps::{self, Planned, Rules, What};
use super::switches::PayoutFee;
use super::templates::{Money, seconds};
use super::{events, lines};
use crate::simulator::Result;

/// What the money of a payout takes out of its purse: gross and fee.
pub(super) fn takes(rules: Rules<'_>, of: &Object) -> (i64, i64) {
    let fee = of.doc["payment"]["fee_amount"].as_i64().unwrap_or(0);
    match rules.faults.switches.payout_fee {
        PayoutFee::OnTop => (of.amount, fee),
        PayoutFee::Inside => (of.amount - fee, fee),
    }
}

/// The fee of a payout, by where it goes.
pub(super) fn fee_rate(settings: &Settings, bank: bool) -> u16 {
    if bank { settings.rates.bank_payout.fee } else { settings.rates.mobile_payout.fee }
}

/// What can be paid out.
pub(super) async fn available(db: &mut SqliteConnection, rules: Rules<'_>, currency: &str) -> Result<i64> {
    let purse = purses::one(db, currency, Purse::Payouts).await?;
    let overdraft = if rules.faults.switches.ignore_overdraft { 0 } else { purse.overdraft };
    Ok(purse.available.saturating_add(overdraft))
}

/// Starts an attempt: the money is on its way out, the payout is `pending`.
pub(super) async fn execute(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    of: &mut Object,
    fate: Fate,
    at: Time,
) -> Result<()> {
    let (gross, fee) = takes(rules, of);
    of.attempt += 1;
    of.in_flight = gross + fee;
    let posting = Posting::new("payout", &of.id, (&of.currency, Purse::Payouts), at).of(of.seq);
    purses::post(&mut *db, posting.in_flight(of.in_flight)).await?;
    // How it is booked at the end, whatever the switch says then.
    of.doc["_gross"] = gross.into();
    enter(&mut *db, of, "pending", None, at).await?;
    events::announce(&mut *db, rules, of, "payout.pending", at).await?;
    let nth = of.attempt.unsigned_abs();
    let (after, word) = match fate {
        Fate::Silent => (rules.settings.silent_payout_after, ""),
        _ => {
            let after = rules.between(rules.settings.outcome_after, "outcome_after", &of.key, nth);
            let fails = fate == Fate::Fails || rules.faults.hits(Fault::PayoutFailed, &of.key, nth);
            (after, if fails { "general_transaction_error" } else { "" })
        }
    };
    steps::plan(db, Planned::of(of.seq, What::Outcome, at.plus(after)).arg(of.attempt).word(word)).await
}

/// The operator's answer about an attempt.
pub(super) async fn outcome(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    mut of: Object,
    (attempt, code): (i64, &str),
    at: Time,
) -> Result<()> {
    if of.attempt != attempt || of.status() != "pending" {
        return Ok(());
    }
    let (gross, in_flight) = (of.number("_gross"), of.in_flight);
    of.in_flight = 0;
    let posting = Posting::new("payout", &of.id, (&of.currency, Purse::Payouts), at).of(of.seq).in_flight(-in_flight);
    if !code.is_empty() {
        purses::post(&mut *db, posting).await?;
        return fail(db, rules, of, (code, FAILED), at).await;
    }
    purses::post(&mut *db, posting.gross(-gross).fee(in_flight - gross)).await?;
    let fee = of.doc["payment"]["fee_amount"].as_i64().unwrap_or(0);
    let money = Money {
        amount: of.amount,
        fee,
        pending: 0,
        unfreeze: None,
        outgoing: true,
        payment_type: "payout",
        paid: Some(at),
    };
    let whose = lines::Whose {
        uid: &of.id,
        object: Some(of.seq),
        product: "payout",
        related_to: "",
        currency: &of.currency,
        created: of.created_at,
    };
    lines::add(&mut *db, whose, &money).await?;
    for name in ["paid_on", "remote_paid_on"] {
        of.doc["payment"][name] = seconds(at).into();
    }
    of.doc["recipient_card_brand"] = of.method.clone().into();
    attempts::note(&mut of, rules.faults, &Ended { of_type: "", error: None, fee, at });
    enter(&mut *db, &mut of, "success", None, at).await?;
    events::announce(&mut *db, rules, &mut of, "payout.success", at).await?;
    if rules.faults.hits(Fault::PayoutUndone, &of.key, 0) {
        steps::plan(db, Planned::of(of.seq, What::Undo, rules.later(at))).await?;
    }
    Ok(())
}

/// A payout has failed, or could not be executed at all.
pub(super) async fn fail(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    mut of: Object,
    error: (&str, &str),
    at: Time,
) -> Result<()> {
    attempts::note(&mut of, rules.faults, &Ended { of_type: "", error: Some(error), fee: 0, at });
    enter(&mut *db, &mut of, "error", None, at).await?;
    events::announce(db, rules, &mut of, "payout.failed", at).await
}
