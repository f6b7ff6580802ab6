//! One observation: what today's translator says of it, against what the ledger recorded of it. Reads only.
//!
//! Order: statements of today are paired with the claims of then (the same object, word and occurrence; then what is left
//! of the same object) -> a pair that says the same is done -> else the event that the claim became, as its corrections
//! left it, decides. A claim that the ledger refused left no event: the same statement today is no difference.
//!
//! Which attempt of an order a statement belongs to is the door's word and moves on with the order, so it is taken from
//! the claim of then. What the door would not tell the ledger today (`fact` absent) is the door's business too.

use ensimbi_connectors::door::{Reread, SaidToday, Today, ToldBefore};
use ensimbi_events::bus::Outcome;
use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::leaf::fact_hash;
use ensimbi_events::{Body, Event, Fact, SubjectId};

use super::book::Recorded;
use crate::exit::Failure;

/// What kind of difference it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Said today, and nothing was recorded of it.
    New,
    /// Recorded, and not said any more.
    Missing,
    /// Recorded and said differently.
    Differs,
}

impl Kind {
    /// The word that is shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Missing => "missing",
            Self::Differs => "differs",
        }
    }
}

/// What a statement says today.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The fact.
    pub fact: Fact,
    /// The translator's own doubt.
    pub doubt: Option<DiscrepancyKind>,
}

/// One difference.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Its kind.
    pub kind: Kind,
    /// What is recorded.
    pub event: Option<Event>,
    /// What is said.
    pub reading: Option<Reading>,
}

impl Difference {
    /// Whom it is about: as recorded, where it is.
    pub fn about(&self) -> Option<&Fact> {
        let recorded = self.event.as_ref().map(|event| &event.fact);
        recorded.or_else(|| self.reading.as_ref().map(|reading| &reading.fact))
    }

    /// The subject.
    pub fn subject(&self) -> Option<SubjectId> {
        self.about().map(|fact| fact.subject)
    }
}

/// What one observation came to.
#[derive(Debug, Default)]
pub struct Compared {
    /// Statements that say what is recorded, or what the ledger refused.
    pub same: u64,
    /// Claims that the ledger has not answered yet; nothing to compare with.
    pub unanswered: u64,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// Compares one observation.
pub async fn compare(book: &Recorded, seen: &Reread) -> Result<Compared, Failure> {
    let none = [];
    let said: &[SaidToday] = match &seen.today {
        Today::Read { said, .. } => said,
        Today::Unreadable(_) => &none,
        Today::NotRead(_) => return Ok(Compared::default()),
    };
    let mut done = Compared::default();
    for (told, said) in pairs(&seen.told, said) {
        match (told, said) {
            (Some(told), Some(said)) => both(book, told, said, &mut done).await?,
            (Some(told), None) => only_told(book, seen, told, &mut done).await?,
            (None, Some(said)) => only_said(book, said, &mut done).await?,
            (None, None) => {}
        }
    }
    Ok(done)
}

type Pair<'a> = (Option<&'a ToldBefore>, Option<&'a SaidToday>);

/// Each claim of then with its statement of today; then the statements that are left.
fn pairs<'a>(told: &'a [ToldBefore], said: &'a [SaidToday]) -> Vec<Pair<'a>> {
    let mut partner: Vec<Option<usize>> = vec![None; told.len()];
    let mut used = vec![false; said.len()];
    let same_object = |told: &ToldBefore, said: &SaidToday| {
        told.fact.object_kind.as_deref() == Some(said.object_kind) && told.fact.object_id == said.object_id
    };
    let same = |told: &ToldBefore, said: &SaidToday| {
        // The door tells a payout that is a withdrawal in other words, so a word alone separates nobody.
        same_object(told, said)
            && told.fact.occurrence == said.occurrence
            && said.fact.as_ref().map_or(said.word, |fact| fact.body.word()) == told.fact.body.word()
    };
    for exact in [true, false] {
        for (at, told) in told.iter().enumerate().filter(|(at, _)| partner[*at].is_none()).collect::<Vec<_>>() {
            let fits = |said: &SaidToday| if exact { same(told, said) } else { same_object(told, said) };
            if let Some(found) = (0..said.len()).find(|other| !used[*other] && fits(&said[*other])) {
                used[found] = true;
                partner[at] = Some(found);
            }
        }
    }
    let of_then = told.iter().zip(partner).map(|(told, at)| (Some(told), at.map(|at| &said[at])));
    let left = said.iter().zip(used).filter(|(_, used)| !used).map(|(said, _)| (None, Some(said)));
    of_then.chain(left).collect()
}

async fn both(book: &Recorded, told: &ToldBefore, said: &SaidToday, done: &mut Compared) -> Result<(), Failure> {
    let Some(fact) = &said.fact else {
        done.same += 1;
        return Ok(());
    };
    let reading = Reading { fact: of_attempt(fact.clone(), &told.fact.body), doubt: said.doubt };
    let today = fact_hash(&reading.fact);
    let unchanged = today == fact_hash(&told.fact) && reading.doubt == told.doubt;
    let event = match &told.outcome {
        None => {
            done.unanswered += 1;
            return Ok(());
        }
        Some(Outcome::Refused { .. }) => None,
        Some(Outcome::Recorded { events }) => events.first(),
    };
    let corrected = event.is_some_and(|event| !book.corrections(event.event_id).is_empty());
    // Told as it is read today, and the ledger has judged it: what it made of it is no question of reading.
    if unchanged && !corrected {
        done.same += 1;
        return Ok(());
    }
    let Some(event) = event else {
        return only_said(book, &SaidToday { fact: Some(reading.fact), ..said.clone() }, done).await;
    };
    let event = book.event(event.position).await?;
    // Its reading changed nothing, or a correction has said it already.
    let trusted = reading.doubt == told.doubt || (corrected && reading.doubt.is_none());
    if today == book.stands(&event) && trusted {
        done.same += 1;
        return Ok(());
    }
    done.differences.push(Difference { kind: Kind::Differs, event: Some(event), reading: Some(reading) });
    Ok(())
}

async fn only_told(book: &Recorded, seen: &Reread, told: &ToldBefore, done: &mut Compared) -> Result<(), Failure> {
    let event = match &told.outcome {
        None => {
            done.unanswered += 1;
            return Ok(());
        }
        Some(Outcome::Refused { .. }) => return Ok(()),
        Some(Outcome::Recorded { events }) => events.first(),
    };
    let Some(event) = event else { return Ok(()) };
    let event = book.event(event.position).await?;
    // An event that other bytes brought stands on those; these only said it again.
    if event.context.evidence.iter().any(|proof| proof.observation == seen.proof.observation) {
        done.differences.push(Difference { kind: Kind::Missing, event: Some(event), reading: None });
    }
    Ok(())
}

async fn only_said(book: &Recorded, said: &SaidToday, done: &mut Compared) -> Result<(), Failure> {
    let Some(fact) = said.fact.clone() else { return Ok(()) };
    let event = book.find(fact.event_id(book.id)).await?;
    let reading = Reading { fact, doubt: said.doubt };
    match &event {
        Some(recorded) if book.stands(recorded) == fact_hash(&reading.fact) => done.same += 1,
        Some(_) => done.differences.push(Difference { kind: Kind::Differs, event, reading: Some(reading) }),
        None => done.differences.push(Difference { kind: Kind::New, event: None, reading: Some(reading) }),
    }
    Ok(())
}

/// The fact under the attempt that the claim of then named.
fn of_attempt(mut fact: Fact, then: &Body) -> Fact {
    match (&mut fact.body, then) {
        (Body::PayoutPending(now), Body::PayoutPending(then)) => now.attempt = then.attempt,
        (Body::PayoutFailed(now), Body::PayoutFailed(then)) => now.attempt = then.attempt,
        (Body::PayoutSucceeded(now), Body::PayoutSucceeded(then)) => now.attempt = then.attempt,
        (Body::WithdrawalFailed(now), Body::WithdrawalFailed(then)) => now.attempt = then.attempt,
        (Body::WithdrawalSucceeded(now), Body::WithdrawalSucceeded(then)) => now.attempt = then.attempt,
        (Body::RefundFailed(now), Body::RefundFailed(then)) => now.attempt = then.attempt,
        (Body::RefundSucceeded(now), Body::RefundSucceeded(then)) => now.attempt = then.attempt,
        _ => {}
    }
    fact
}
