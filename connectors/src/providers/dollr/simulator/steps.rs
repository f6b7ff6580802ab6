//! What will happen, and how it is done when it is due. A step checks the status itself: one that has been overtaken does
//! nothing.

use std::time::Duration;

use ensimbi_events::Time;

use super::errors::damaged;
use super::{Desk, hosted, outcomes, sources};
use crate::simulator::Result;

/// The word of a [`What::Tidy`] that does not wait any longer.
pub(super) const NOW: &str = "now";

/// What a step does; it belongs to an execution or to a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Execution: `PENDING` becomes `PROCESSING`.
    Proceed,
    /// Execution: it ends, by the step's word.
    Outcome,
    /// Execution: its money can be spent.
    Settle,
    /// Execution: its success is taken back.
    Reverse,
    /// Source: the payer opens the page.
    Look,
    /// Source: the payer pays on the page.
    Pay,
    /// Source: the merchant's people cancel it, where nobody has touched it for long enough or the word is [`NOW`].
    Tidy,
}

impl What {
    const ALL: [Self; 7] =
        [Self::Proceed, Self::Outcome, Self::Settle, Self::Reverse, Self::Look, Self::Pay, Self::Tidy];

    const fn word(self) -> &'static str {
        match self {
            Self::Proceed => "proceed",
            Self::Outcome => "outcome",
            Self::Settle => "settle",
            Self::Reverse => "reverse",
            Self::Look => "look",
            Self::Pay => "pay",
            Self::Tidy => "tidy",
        }
    }
}

impl Desk<'_> {
    pub(super) async fn plan(&mut self, what: What, of: i64, word: &str, at: Time) -> Result<()> {
        sqlx::query("INSERT INTO step (what, of, word, due_at) VALUES (?1, ?2, ?3, ?4)")
            .bind(what.word())
            .bind(of)
            .bind(word)
            .bind(at.micros())
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// A time between two, drawn, in whole seconds: they know none smaller.
    pub(super) fn between(&self, (shortest, longest): (Duration, Duration), what: &str, key: &str) -> Duration {
        let span = longest.saturating_sub(shortest).as_secs();
        shortest + Duration::from_secs(self.faults.draws().below(what, key, 0, span.saturating_add(1)))
    }

    /// When what happens later happens.
    pub(super) fn later(&self) -> Time {
        self.now.plus(Duration::from_secs(60 * u64::from(self.faults.parameters.later_minutes)))
    }
}

/// Applies what is due, in the order of due times, at most `limit` steps; gives how many.
pub(super) async fn settle(desk: &mut Desk<'_>, limit: u32) -> Result<u32> {
    let now = desk.now;
    for applied in 0..limit {
        let step: Option<(i64, String, i64, String, i64)> = sqlx::query_as(
            "SELECT id, what, of, word, due_at FROM step WHERE done = 0 AND due_at <= ?1 ORDER BY due_at, id LIMIT 1",
        )
        .bind(now.micros())
        .fetch_optional(&mut *desk.db)
        .await?;
        let Some((id, what, of, word, due)) = step else { return Ok(applied) };
        sqlx::query("UPDATE step SET done = 1 WHERE id = ?1").bind(id).execute(&mut *desk.db).await?;
        let what = What::ALL.into_iter().find(|one| one.word() == what);
        desk.now = Time::from_micros(due);
        apply(desk, what.ok_or_else(|| damaged("a step is unknown"))?, of, &word).await?;
        desk.now = now;
    }
    Ok(limit)
}

async fn apply(desk: &mut Desk<'_>, what: What, of: i64, word: &str) -> Result<()> {
    match what {
        What::Proceed => outcomes::proceed(desk, of).await,
        What::Outcome => outcomes::end(desk, of, word).await,
        What::Settle => outcomes::settle(desk, of).await,
        What::Reverse => outcomes::reverse(desk, of).await.map(drop),
        What::Look => hosted::look(desk, of).await,
        What::Pay => hosted::pay(desk, of).await,
        What::Tidy => sources::tidy(desk, of, word == NOW).await,
    }
}
