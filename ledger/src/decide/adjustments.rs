//! Adjustments: a person's own lines, and what must hold before they count.
//!
//! wallets by evidence only -> a reversal in its one form -> balance, memo in pairs -> currencies and fees -> an open day
//! -> a second person where the book wants one -> what invoices owe. Each has a refusal of its own.

use ensimbi_events::codes::Refusal;
use ensimbi_events::event::Line;
use ensimbi_events::trial::{fee_dimensions, is_memo, left_over};
use ensimbi_events::word::Mode;
use ensimbi_events::words::control::AdjustmentPosted;
use ensimbi_events::{Amount, Body, Claim, EventId, Time, currency};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::policies::SECOND_APPROVAL;
use super::words::wrong_state;
use super::{Decider, Key, KeyKind, Refused};
use crate::posting::accounts;

/// The object kind of a reversal; its object id is the entry that it reverses.
pub const REVERSAL: &str = "reversal";
/// Lines of one adjustment at most.
pub const LINES_MAX: usize = 100;

/// The keys that decide whether an entry may be reversed: its own, and its reversal's.
pub(crate) fn keys_needed(claim: &Claim) -> Vec<Key> {
    let Some(original) = reversal_of(&claim.fact.body) else { return Vec::new() };
    let event = |id: EventId| Key { kind: KeyKind::Event, bytes: id.as_bytes().to_vec() };
    vec![event(original), event(claim.fact.event_id(claim.book))]
}

/// The entry that a fact reverses.
pub(super) const fn reversal_of(body: &Body) -> Option<EventId> {
    match body {
        Body::AdjustmentPosted(body) => body.reversal_of,
        _ => None,
    }
}

impl Decider {
    pub(super) fn adjustment(&mut self, claim: &Claim, body: &AdjustmentPosted) -> Result<(), Refused> {
        let lines = &body.lines.0;
        if claim.evidence.is_none() && lines.iter().any(|line| accounts::is_wallet(&line.account)) {
            return Err(wrong_state("lines: a wallet's lines need evidence: what its provider said of them"));
        }
        self.one_reversal(claim, body)?;
        if !(2..=LINES_MAX).contains(&lines.len()) {
            return Err(Refused::new(Refusal::Malformed, format!("lines: expected 2 to {LINES_MAX}")));
        }
        zero(lines.iter(), Refusal::Unbalanced)?;
        zero(lines.iter().filter(|line| is_memo(line)), Refusal::MemoAlone)?;
        self.plain_money(lines)?;
        self.open_day(claim.occurred_at)?;
        self.approved(body)?;
        self.known_items(lines)?;
        self.adjustable(lines)?;
        self.within_items(lines)?;
        self.plain(claim)
    }

    /// An item is something that the book knows: a slip of the pen would leave a balance that waits for nothing.
    fn known_items(&self, lines: &[Line]) -> Result<(), Refused> {
        for item in lines.iter().filter_map(|line| line.open_item) {
            if self.state(item).is_none_or(|state| state.kind.is_none()) {
                return Err(Refused::new(Refusal::UnknownSubject, "lines: open_item: nothing here has this id"));
            }
        }
        Ok(())
    }

    /// The form makes the reversal's keys those of its entry, so that the database itself holds a second one off.
    fn one_reversal(&self, claim: &Claim, body: &AdjustmentPosted) -> Result<(), Refused> {
        let fact = &claim.fact;
        let formed = fact.object_kind.as_deref() == Some(REVERSAL);
        let Some(original) = body.reversal_of else {
            let detail = "object_kind: reversal is for what reverses an entry";
            return if formed { Err(Refused::new(Refusal::Malformed, detail)) } else { Ok(()) };
        };
        let named = fact.object_id.as_deref() == Some(original.to_string().as_str());
        if !formed || !named || fact.connection.is_some() || !fact.occurrence.is_empty() {
            let detail = "reversal_of: a reversal is the object reversal with the entry's id, and nothing beside it";
            return Err(Refused::new(Refusal::Malformed, detail));
        }
        let key = Key { kind: KeyKind::Event, bytes: original.as_bytes().to_vec() };
        if self.known_key(&key).is_none() {
            return Err(Refused::new(Refusal::UnknownSubject, "reversal_of: no such event in this book"));
        }
        Ok(())
    }

    /// Currencies that the book knows; on fee accounts the dimensions that the account names, so that the fee report stays
    /// the sum of the fee accounts.
    fn plain_money(&self, lines: &[Line]) -> Result<(), Refused> {
        let config = &self.known().config;
        for line in lines {
            let info = currency::lookup(line.currency);
            if info.is_none() && !config.currencies.contains(line.currency.as_str()) {
                return Err(Refused::new(Refusal::Malformed, "lines: a currency that is not registered in this book"));
            }
            if info.is_some_and(|info| info.sandbox) && config.mode == Some(Mode::Live) {
                return Err(Refused::new(Refusal::WrongMode, "lines: sandbox money in a live book"));
            }
            let dimensions = fee_dimensions(&line.account);
            if line.component.zip(line.bearer) != dimensions || line.component.is_some() != line.bearer.is_some() {
                let detail = "lines: component and bearer are those that a fee account names, and stand nowhere else";
                return Err(Refused::new(Refusal::Malformed, detail));
            }
        }
        Ok(())
    }

    /// What a provider tells rolls to the next open day; what a person dates is refused, since the date was chosen.
    fn open_day(&self, at: Time) -> Result<(), Refused> {
        let day = self.day_of(at)?.to_string();
        match self.known().config.closed.iter().find(|(from, to)| (from..=to).contains(&&day)) {
            None => Ok(()),
            Some((from, to)) => {
                let detail = format!("date: {day} is in the closed period {from} to {to}; name an open day");
                Err(Refused::new(Refusal::PeriodClosed, detail))
            }
        }
    }

    fn approved(&self, body: &AdjustmentPosted) -> Result<(), Refused> {
        let needed = |detail: &str| Err(Refused::new(Refusal::ApprovalNeeded, detail));
        match &body.approver_id {
            Some(approver) if *approver == body.actor_id => needed("the one who asked cannot approve it"),
            None if self.known().config.policy(SECOND_APPROVAL) == Some("on") => {
                needed("this book wants a second person's approval of adjustments")
            }
            _ => Ok(()),
        }
    }

    /// The date of a moment in the book's zone.
    pub(super) fn day_of(&self, at: Time) -> Result<Date, Refused> {
        let zone = TimeZone::get(&self.known().config.time_zone)
            .map_err(|_| Refused::new(Refusal::ConfigurationConflict, "time_zone: not an IANA zone"))?;
        Ok(at.timestamp().to_zoned(zone).date())
    }
}

/// Whether these lines are zero in each currency.
fn zero<'a>(lines: impl Iterator<Item = &'a Line>, or: Refusal) -> Result<(), Refused> {
    let Some((sum, currency)) = left_over(lines) else { return Ok(()) };
    let sum = i64::try_from(sum).map_or_else(|_| "too much".to_owned(), |sum| Amount::from_scaled(sum).to_string());
    let whose = if or == Refusal::MemoAlone { "the memo accounts leave" } else { "they leave" };
    Err(Refused::new(or, format!("lines: {whose} {sum} {currency} over")))
}
