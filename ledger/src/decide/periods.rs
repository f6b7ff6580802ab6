//! Periods: closed once, reopened exactly, each with the trial balance that the book had just before.

use ensimbi_events::codes::Refusal;
use ensimbi_events::trial::Trial;
use ensimbi_events::{Body, Claim, Hash};

use super::words::wrong_state;
use super::{Decider, Refused, settings};

/// The day up to which a fact needs the book's trial balance.
pub(crate) fn trial_needed(body: &Body) -> Option<&str> {
    match body {
        Body::PeriodClosed(body) => Some(&body.to),
        Body::PeriodReopened(body) => Some(&body.to),
        _ => None,
    }
}

impl Decider {
    pub(super) fn period(&mut self, claim: &Claim) -> Result<(), Refused> {
        settings::check(&claim.fact, &self.known().config)?;
        match &claim.fact.body {
            Body::PeriodClosed(body) => {
                self.closable(&body.from, &body.to)?;
                self.balanced(&body.to, body.trial_balance)?;
            }
            Body::PeriodReopened(body) => {
                if !self.known().config.closed.contains(&(body.from.clone(), body.to.clone())) {
                    return Err(wrong_state("from: no closed period has exactly these dates"));
                }
                self.balanced(&body.to, body.trial_balance)?;
            }
            _ => {}
        }
        self.plain(claim)
    }

    /// Days that are over, and not closed yet. Dates have one form, so their texts are in the order of the days.
    fn closable(&self, from: &str, to: &str) -> Result<(), Refused> {
        let today = self.day_of(self.now)?.to_string();
        if to >= today.as_str() {
            return Err(wrong_state(&format!("to: the period is not over; it must end before today, {today}")));
        }
        let closed = self.known().config.closed.iter();
        match closed.into_iter().find(|(first, last)| from <= last.as_str() && first.as_str() <= to) {
            None => Ok(()),
            Some((first, last)) => Err(wrong_state(&format!("from: overlaps the closed period {first} to {last}"))),
        }
    }

    /// The caller saw the book as it is, line for line; else a line came in between, and the caller must look again.
    fn balanced(&self, to: &str, told: Hash) -> Result<(), Refused> {
        let mut trial = self.known().trials.get(to).cloned().unwrap_or_default();
        if self.own_lines(to, &mut trial).is_none() {
            return Err(Refused::new(Refusal::BadAmounts, "trial_balance: beyond the range of totals"));
        }
        if trial.hash(self.book, to) == told {
            return Ok(());
        }
        let detail = "trial_balance: not that of the book as it is now; make it again under a new key";
        Err(Refused::new(Refusal::TrialBalanceDiffers, detail))
    }

    /// What this batch has booked up to a day.
    fn own_lines(&self, to: &str, trial: &mut Trial) -> Option<()> {
        let records = self.sealed.iter().map(|sealed| &sealed.event.record);
        for record in records.filter(|record| record.book_date.as_str() <= to) {
            for line in &record.lines.0 {
                trial.add(line)?;
            }
        }
        Some(())
    }
}
