//! What is asked of a purchase beside its execution: cancel, capture, release, refund, mark as paid (provider facts,
//! sections 1, 5 and 8). What is not possible is refused with the action's own code; a failed attempt is noted.

use axum::http::StatusCode;
use ensimbi_events::Time;
use serde_json::Value;
use sqlx::{Row, SqliteConnection};

use super::errors::{self, Wrong};
use super::faults::Fault;
use super::http::Outcome;
use super::objects::{self, Kind, Object};
use super::service::{body, refused};
use super::status::{enter, purchase_may};
use super::steps::{self, Planned, Rules, What};
use super::wrong::{self, ON_CREATION};
use super::{Moment, PaytotaSimulator, collecting, events, request, returning};
use crate::simulator::Result;
use crate::simulator::faults::gate;

/// What is asked of a purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Cancel,
    Capture,
    Release,
    Refund,
    MarkAsPaid,
    Charge,
    DeleteRecurringToken,
}

impl Action {
    pub(super) fn read(word: &str) -> Option<Self> {
        Some(match word {
            "cancel" => Self::Cancel,
            "capture" => Self::Capture,
            "release" => Self::Release,
            "refund" => Self::Refund,
            "mark_as_paid" => Self::MarkAsPaid,
            "charge" => Self::Charge,
            "delete_recurring_token" => Self::DeleteRecurringToken,
            _ => return None,
        })
    }

    /// The code of its refusal; that of `cancel` and `mark_as_paid` is invented.
    const fn error(self) -> &'static str {
        match self {
            Self::Cancel => "purchase_cancel_error",
            Self::Capture => "purchase_capture_error",
            Self::Release => "purchase_release_error",
            Self::Refund => "purchase_refund_error",
            Self::MarkAsPaid => "purchase_mark_as_paid_error",
            Self::Charge => "purchase_charge_error",
            Self::DeleteRecurringToken => "invalid_recurring_token",
        }
    }
}

impl PaytotaSimulator {
    pub(super) async fn act(&self, key: Option<&str>, id: &str, action: Action, bytes: &[u8]) -> Result<Outcome> {
        let Some(mut tx) = self.authorised(key).await? else { return Ok(self.unauthorised()) };
        let moment = self.moment();
        let amount = match request::amount(bytes) {
            Ok(amount) => amount,
            Err(wrongs) => return Ok(refused(&moment, &wrongs)),
        };
        let found = objects::by_id(&mut tx, Kind::Purchase, id).await?;
        let Some(of) = found else { return Ok(Outcome::Refused(errors::not_found(&moment.faults))) };
        let question = format!("{}/{}", of.key, action.error());
        let drawn = gate(&mut tx, &moment.faults, "act", &question, &ON_CREATION).await?;
        if let Some(drawn) = drawn.filter(wrong::is_undone) {
            return self.end(tx, Some(drawn), StatusCode::OK, String::new()).await;
        }
        let rules = moment.rules(&self.settings);
        let done = act(&mut tx, rules, of, action, amount, &moment).await?;
        let of = match done {
            Some(of) => of,
            None => {
                // A failed attempt may have been noted.
                self.core.commit(tx).await?;
                let wrong = Wrong::whole(action.error(), "The operation is not possible for this purchase.");
                return Ok(refused(&moment, &[wrong]));
            }
        };
        let text = body(rules.faults, &of, rules.base, None);
        let early = of.kind == Kind::Refund && rules.faults.hits(Fault::RefundEventFirst, &of.key, 0);
        let outcome = self.end(tx, drawn, StatusCode::OK, text).await?;
        if early {
            self.core.wait_sent(moment.faults.parameters.event_first_ms, || self.is_told(of.seq)).await?;
        }
        Ok(outcome)
    }

    /// Whether everything about the object was tried.
    async fn is_told(&self, seq: i64) -> Result<bool> {
        let mut tx = self.core.begin().await?;
        let row = sqlx::query("SELECT count(*) FROM delivery WHERE object = ?1 AND state = 'due' AND tries = 0");
        let count: i64 = row.bind(seq).fetch_one(&mut *tx).await?.try_get(0)?;
        tx.commit().await?;
        Ok(count == 0)
    }
}

/// Does what is asked of a purchase; gives what the answer shows, or `None` where it is not possible.
async fn act(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    mut of: Object,
    action: Action,
    amount: Option<i64>,
    moment: &Moment,
) -> Result<Option<Object>> {
    let (now, slow) = (moment.now, rules.faults.switches.slow_captures);
    match action {
        Action::Cancel => return cancel(db, rules, of, now).await,
        Action::MarkAsPaid => return mark_as_paid(db, rules, of, now).await,
        Action::Capture if of.status() == "hold" && amount.is_none_or(|amount| amount <= of.amount) => {
            let amount = amount.unwrap_or(of.amount);
            if slow {
                start(&mut *db, rules, &mut of, ("pending_capture", "purchase.pending_capture"), now).await?;
                let at = now.plus(rules.settings.slow_after);
                steps::plan(&mut *db, Planned::of(of.seq, What::Capture, at).arg(amount)).await?;
            } else if rules.faults.hits(Fault::CaptureFailed, &of.key, 0) {
                collecting::failed(&mut of, rules, "capture", now);
                objects::save(db, &of).await?;
                return Ok(None);
            } else {
                collecting::paid(&mut *db, rules, of.clone(), "capture", Some(amount), now).await?;
                of = objects::by_seq(db, of.seq).await?;
            }
        }
        Action::Release if of.status() == "hold" => {
            if slow {
                start(&mut *db, rules, &mut of, ("pending_release", "purchase.pending_release"), now).await?;
                let at = now.plus(rules.settings.slow_after);
                steps::plan(db, Planned::of(of.seq, What::Release, at)).await?;
            } else if rules.faults.hits(Fault::ReleaseFailed, &of.key, 0) {
                collecting::failed(&mut of, rules, "release", now);
                objects::save(db, &of).await?;
                return Ok(None);
            } else {
                collecting::released(&mut *db, rules, of.clone(), now).await?;
                of = objects::by_seq(db, of.seq).await?;
            }
        }
        Action::Refund => return refund(db, rules, of, amount, now).await,
        _ => return Ok(None),
    }
    Ok(Some(of))
}

/// Somebody of the merchant cancels it; `None` where that is not possible any more.
pub(super) async fn cancel(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    mut of: Object,
    at: Time,
) -> Result<Option<Object>> {
    if !purchase_may(of.status(), "cancelled") {
        return Ok(None);
    }
    start(db, rules, &mut of, ("cancelled", "purchase.cancelled"), at).await?;
    Ok(Some(of))
}

/// Somebody of the merchant says that it was paid elsewhere; `None` where that is not possible.
pub(super) async fn mark_as_paid(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    mut of: Object,
    at: Time,
) -> Result<Option<Object>> {
    if !matches!(of.status(), "created" | "viewed" | "error" | "overdue") {
        return Ok(None);
    }
    of.doc["marked_as_paid"] = Value::Bool(true);
    start(db, rules, &mut of, ("paid", "purchase.paid"), at).await?;
    Ok(Some(of))
}

async fn start(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    of: &mut Object,
    (status, event): (&str, &str),
    now: Time,
) -> Result<()> {
    enter(&mut *db, of, status, None, now).await?;
    events::announce(db, rules, of, event, now).await
}

/// Refunds by the API are decided by `refund_availability` (provider facts, section 4.4).
async fn refund(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    mut of: Object,
    amount: Option<i64>,
    now: Time,
) -> Result<Option<Object>> {
    let left = of.number("refundable_amount");
    let amount = amount.unwrap_or(left);
    let offered = of.text("refund_availability") == "all" && of.doc["marked_as_paid"] != Value::Bool(true);
    if !offered || amount < 1 || amount > left || !purchase_may(of.status(), "refunded") {
        return Ok(None);
    }
    if rules.faults.switches.slow_refunds {
        returning::start_slow(db, rules, &mut of, amount, now).await?;
        return Ok(Some(of));
    }
    let nth = objects::children(&mut *db, Kind::Refund, of.seq).await?.len() as u64;
    if rules.faults.hits(Fault::RefundFailed, &of.key, nth) {
        collecting::failed(&mut of, rules, "refund", now);
        objects::save(db, &of).await?;
        return Ok(None);
    }
    returning::refund(db, rules, &mut of, amount, now).await.map(Some)
}
