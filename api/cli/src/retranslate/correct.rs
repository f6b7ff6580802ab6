//! From a difference to the correction that says it, or to the reason why none can.
//!
//! A correction (`bookkeeping.md` 3) adds the lines that today's reading would post less those that stand, one line for
//! each account. So it can change amounts, and nothing else: what happened, to whom and in which wallet stays as it is
//! recorded. It is the n-th of its event, so that two of them at once cannot both count.

use std::collections::BTreeMap;

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::config::BookConfig;
use ensimbi_events::event::{Line, Lines};
use ensimbi_events::leaf::fact_hash;
use ensimbi_events::word::FeesMode;
use ensimbi_events::words::control::CorrectionPosted;
use ensimbi_events::{Amount, Body, Currency, Event, Fact, NoLines, SubjectId, SubjectKind};
use ensimbi_ledger::decide::checks;
use ensimbi_ledger::decide::state::SubjectState;
use ensimbi_ledger::posting::post;

use super::book::Correction;
use super::compare::{Difference, Kind, Reading};

/// What a difference means for money.
#[derive(Debug, Clone)]
pub enum Money {
    /// Nothing: no amount on any account differs.
    Nothing,
    /// This correction says it.
    Correction(Box<Fact>),
    /// Money differs, and no correction can say how.
    Not(String),
}

/// The correction of a difference. `standing`: those of its event so far. `translator`: who reads it so.
pub fn correction(difference: &Difference, standing: &[Correction], translator: &str, config: &BookConfig) -> Money {
    let not = |why: &str| Money::Not(why.to_owned());
    match (difference.kind, &difference.event, &difference.reading) {
        (Kind::New, _, Some(reading)) if reading.fact.body.posting_kind().is_none() => Money::Nothing,
        (Kind::New, ..) => not("nothing was recorded of it that a correction could correct"),
        (Kind::Missing, Some(event), _) if event.record.lines.0.is_empty() => Money::Nothing,
        (_, Some(event), Some(reading)) => of_pair(event, reading, standing, translator, config),
        _ => not("it is recorded and not said any more; a person decides with an adjustment"),
    }
}

fn of_pair(event: &Event, reading: &Reading, standing: &[Correction], translator: &str, config: &BookConfig) -> Money {
    let not = |why: &str| Money::Not(why.to_owned());
    let (then, now) = (&event.fact, &reading.fact);
    if then.body.posting_kind().is_none() && now.body.posting_kind().is_none() {
        return Money::Nothing;
    }
    if then.body.word() != now.body.word() {
        return not("another thing happened; a correction changes amounts only");
    }
    if then.subject != now.subject || then.connection != now.connection {
        return not("it is about something else; a correction changes amounts only");
    }
    if then.wallet != now.wallet || then.currency != now.currency {
        return not("it is another wallet's or in another currency; a correction changes amounts only");
    }
    match event.record.no_lines {
        Some(NoLines::Withheld) => return not("it is withheld, and a person decides about it"),
        // Its money is inside the opening balance, whatever it was.
        Some(NoLines::BeforeOpening) => return Money::Nothing,
        _ => {}
    }
    if let Some(kind) = reading.doubt.or_else(|| contradiction(now, config)) {
        return Money::Not(format!("today's reading is doubtful ({kind})"));
    }
    if let Body::FeesReported(body) = &now.body
        && body.mode == FeesMode::Itemise
    {
        return not("the lines of an itemised list follow from what stood before it");
    }
    let new = match post(now, config, &SubjectState::default()) {
        Ok(lines) => lines,
        Err(error) => return Money::Not(format!("today's reading cannot be posted: {error}")),
    };
    let old = event.record.lines.0.iter().chain(standing.iter().flat_map(|correction| &correction.lines.0));
    match less(&new.0, old) {
        None => not("a sum is beyond the ledger's range"),
        Some(lines) if lines.0.is_empty() => Money::Nothing,
        Some(lines) => Money::Correction(Box::new(fact(event, now, standing.len() + 1, translator, lines))),
    }
}

/// What contradicts itself in a fact, whatever else is known of its subject.
fn contradiction(fact: &Fact, config: &BookConfig) -> Option<DiscrepancyKind> {
    use DiscrepancyKind as D;
    let own = [
        D::SumsDiffer,
        D::FeeImplausible,
        D::AmountImplausible,
        D::ValueDoesNotFit,
        D::CurrencyDiffers,
        D::ModeDiffers,
    ];
    checks::doubt(fact, config, &SubjectState::default(), None).filter(|kind| own.contains(kind))
}

/// New lines less old ones, one for each account, currency and open item; `None` where a sum overflows.
fn less<'a>(new: &'a [Line], old: impl Iterator<Item = &'a Line>) -> Option<Lines> {
    let mut sums: BTreeMap<(&str, Currency, Option<SubjectId>), (Amount, &Line)> = BTreeMap::new();
    for (line, sign) in new.iter().map(|line| (line, true)).chain(old.map(|line| (line, false))) {
        let key = (line.account.as_str(), line.currency, line.open_item);
        let (sum, _) = sums.entry(key).or_insert((Amount::ZERO, line));
        *sum = if sign { sum.checked_add(line.amount)? } else { sum.checked_sub(line.amount)? };
    }
    let left = sums.into_values().filter(|(amount, _)| !amount.is_zero());
    Some(Lines(left.zip(1..).map(|((amount, line), n)| Line { n, amount, ..line.clone() }).collect()))
}

fn fact(event: &Event, now: &Fact, n: usize, translator: &str, lines: Lines) -> Fact {
    let then = &event.fact;
    let own = (then.subject_kind == SubjectKind::Payment).then_some(then.subject);
    let body: Body = CorrectionPosted {
        corrected: event.record.event_id,
        translator: translator.to_owned(),
        fact_hash: fact_hash(now),
        payment_id: own.or_else(|| lines.0.iter().find_map(|line| line.payment_id)),
        lines,
    }
    .into();
    Fact {
        object_kind: None,
        object_id: None,
        occurrence: format!("{}:{n}", event.record.event_id),
        version: body.version(),
        body,
        ..then.clone()
    }
}
