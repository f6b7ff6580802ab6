//! What will happen, and how it is done when it is due: outcomes, due times, slow operations, and what nobody ordered.
//!
//! A step names its object, what it does, an attempt or amount, and a word. It checks the object's status itself: a
//! step that has been overtaken does nothing.

use std::time::Duration;

use ensimbi_events::Time;
use sqlx::{FromRow, SqliteConnection};

use super::faults::Faults;
use super::objects;
use super::settings::Settings;
use super::{acting, admin, collecting, hosted, paying, returning, statements};
use crate::simulator::{Result, SimulatorError};

/// What applying a step needs to know.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) settings: &'a Settings,
    pub(super) faults: &'a Faults,
    /// The registered webhooks.
    pub(super) targets: &'a [String],
    /// Where the simulator is reached.
    pub(super) base: &'a str,
}

impl Rules<'_> {
    /// A time between two, drawn.
    pub(super) fn between(
        &self,
        (shortest, longest): (Duration, Duration),
        what: &str,
        key: &str,
        nth: u64,
    ) -> Duration {
        let span = u64::try_from(longest.saturating_sub(shortest).as_micros()).unwrap_or(0);
        let drawn = self.faults.draws().below(what, key, nth, span.saturating_add(1));
        // Whole seconds: the provider knows none smaller.
        Duration::from_secs((shortest + Duration::from_micros(drawn)).as_secs().max(shortest.as_secs()))
    }

    /// When what happens later happens.
    pub(super) fn later(&self, at: Time) -> Time {
        at.plus(Duration::from_secs(60 * u64::from(self.faults.parameters.later_minutes)))
    }
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The payer opens the page.
    Look,
    /// The payer pays on the page.
    Pay,
    /// The merchant marks it as paid.
    MarkAsPaid,
    /// The merchant cancels it.
    Cancel,
    /// The operator answers (`arg`: the attempt, `word`: an error's code, or nothing).
    Outcome,
    /// The purchase is due.
    Due,
    /// A purchase that was given up turns out to be paid.
    Late,
    /// A slow capture (`arg`: how much).
    Capture,
    /// A slow release.
    Release,
    /// A slow refund (`arg`: how much).
    Refund,
    /// What was withheld is freed (`arg`: how much).
    Unfreeze,
    Retrieve,
    ChargeBack,
    Reverse,
    /// A success is undone.
    Undo,
    /// A part of what is collected goes to the payouts purse; `word`: the currency.
    Transfer,
    /// A statement is finished; `word`: its id.
    Statement,
}

impl What {
    const ALL: [Self; 17] = [
        Self::Look,
        Self::Pay,
        Self::MarkAsPaid,
        Self::Cancel,
        Self::Outcome,
        Self::Due,
        Self::Late,
        Self::Capture,
        Self::Release,
        Self::Refund,
        Self::Unfreeze,
        Self::Retrieve,
        Self::ChargeBack,
        Self::Reverse,
        Self::Undo,
        Self::Transfer,
        Self::Statement,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Pay => "pay",
            Self::MarkAsPaid => "mark_as_paid",
            Self::Cancel => "cancel",
            Self::Outcome => "outcome",
            Self::Due => "due",
            Self::Late => "late",
            Self::Capture => "capture",
            Self::Release => "release",
            Self::Refund => "refund",
            Self::Unfreeze => "unfreeze",
            Self::Retrieve => "retrieve",
            Self::ChargeBack => "charge_back",
            Self::Reverse => "reverse",
            Self::Undo => "undo",
            Self::Transfer => "transfer",
            Self::Statement => "statement",
        }
    }
}

/// A step to be planned.
pub(super) struct Planned<'a> {
    pub(super) object: Option<i64>,
    pub(super) what: What,
    pub(super) arg: i64,
    pub(super) word: &'a str,
    pub(super) at: Time,
}

impl<'a> Planned<'a> {
    pub(super) const fn of(object: i64, what: What, at: Time) -> Self {
        Self { object: Some(object), what, arg: 0, word: "", at }
    }

    pub(super) const fn arg(mut self, arg: i64) -> Self {
        self.arg = arg;
        self
    }

    pub(super) const fn word(mut self, word: &'a str) -> Self {
        self.word = word;
        self
    }
}

pub(super) async fn plan(db: &mut SqliteConnection, planned: Planned<'_>) -> Result<()> {
    sqlx::query("INSERT INTO step (object, what, arg, word, due_at) VALUES (?1, ?2, ?3, ?4, ?5)")
        .bind(planned.object)
        .bind(planned.what.word())
        .bind(planned.arg)
        .bind(planned.word)
        .bind(planned.at.micros())
        .execute(db)
        .await?;
    Ok(())
}

#[derive(FromRow)]
struct Step {
    id: i64,
    object: Option<i64>,
    what: String,
    arg: i64,
    word: String,
    due_at: i64,
}

/// Applies what is due, in the order of due times, at most `limit` steps; gives how many.
pub(super) async fn settle(db: &mut SqliteConnection, rules: Rules<'_>, now: Time, limit: u32) -> Result<u32> {
    for applied in 0..limit {
        let step: Option<Step> = sqlx::query_as(
            "SELECT id, object, what, arg, word, due_at FROM step WHERE done = 0 AND due_at <= ?1
             ORDER BY due_at, id LIMIT 1",
        )
        .bind(now.micros())
        .fetch_optional(&mut *db)
        .await?;
        let Some(step) = step else { return Ok(applied) };
        sqlx::query("UPDATE step SET done = 1 WHERE id = ?1").bind(step.id).execute(&mut *db).await?;
        apply(&mut *db, rules, &step).await?;
    }
    Ok(limit)
}

async fn apply(db: &mut SqliteConnection, rules: Rules<'_>, step: &Step) -> Result<()> {
    let at = Time::from_micros(step.due_at);
    let what = What::ALL.into_iter().find(|what| what.word() == step.what);
    let what = what.ok_or_else(|| SimulatorError::Damaged("a step is unknown".to_owned()))?;
    let Some(seq) = step.object else {
        return match what {
            What::Transfer => admin::transfer_some(db, rules, &step.word, at).await,
            _ => statements::finish(db, rules, &step.word, at).await,
        };
    };
    let of = objects::by_seq(&mut *db, seq).await?;
    match (what, of.kind) {
        (What::Look, _) => hosted::look(db, rules, of, at).await,
        (What::Pay, _) => hosted::pay(db, rules, of, at).await,
        (What::MarkAsPaid, _) => acting::mark_as_paid(db, rules, of, at).await.map(|_| ()),
        (What::Cancel, _) => acting::cancel(db, rules, of, at).await.map(|_| ()),
        (What::Outcome, objects::Kind::Payout) => paying::outcome(db, rules, of, (step.arg, &step.word), at).await,
        (What::Outcome, _) => collecting::outcome(db, rules, of, (step.arg, &step.word), at).await,
        (What::Due, _) => collecting::due(db, rules, of, at).await,
        (What::Late, _) => collecting::late(db, rules, of, at).await,
        (What::Capture, _) => collecting::captured(db, rules, of, step.arg, at).await,
        (What::Release, _) => collecting::released(db, rules, of, at).await,
        (What::Refund, _) => returning::finish_slow(db, rules, of, step.arg, at).await,
        (What::Unfreeze, _) => returning::unfreeze(db, rules, of, step.arg, at).await,
        (What::Retrieve, _) => returning::retrieve(db, rules, of, at).await,
        (What::ChargeBack, _) => returning::charge_back(db, rules, of, None, at).await.map(|_| ()),
        (What::Reverse, _) => returning::reverse(db, rules, of, at).await.map(|_| ()),
        (What::Undo, _) => returning::undo(db, rules, of, at).await.map(|_| ()),
        (What::Transfer | What::Statement, _) => Err(SimulatorError::Damaged("a step has an object".to_owned())),
    }
}
