//! Exact money: every decimal of an amount counts down to the fourth place, and one below it is refused or doubted.
//!
//! Which of a body's numbers are amounts that the translator reads, it shows by itself: with one unit more in that
//! place, an amount of what it says is another. All of those are then made finer.

use std::collections::BTreeSet;

use ensimbi_events::Amount;
use serde_json::Value;

use super::edit::{Document, Spot};
use super::fixtures::{Case, said};
use super::reading::told;
use super::{Problems, Subject};
use crate::connector::{Translation, Unreadable};

type Read = Result<Translation, Unreadable>;

/// No fixture has an amount above it.
const HUGE: Amount = Amount::whole(1_000_000_000);

/// A place of a body with an amount in it.
struct Place<'a> {
    case: &'a Case,
    document: Document<'a>,
    spot: Spot,
    /// The number, whatever its quotes.
    number: String,
    quoted: bool,
}

impl Place<'_> {
    fn body(&self, number: &str) -> String {
        let value = if self.quoted { format!("\"{number}\"") } else { number.to_owned() };
        self.document.with(&self.spot, &value)
    }

    fn read(&self, subject: &Subject<'_>, number: &str, problems: &mut Problems) -> Option<Read> {
        subject.read(self.case, self.body(number).as_bytes(), problems)
    }

    /// The number with more behind its point.
    fn finer(&self, digits: &str) -> String {
        match self.number.split_once('.') {
            Some((whole, fraction)) => {
                let kept: String = fraction.chars().chain("0000".chars()).take(digits.len() - 1).collect();
                format!("{whole}.{kept}{}", digits.get(digits.len() - 1..).unwrap_or_default())
            }
            None => format!("{}.{digits}", self.number),
        }
    }
}

/// Every text in the statements' bodies that is an amount.
fn amounts(of: &Translation) -> BTreeSet<Amount> {
    fn walk(value: &Value, found: &mut BTreeSet<Amount>) {
        match value {
            Value::Object(map) => map.values().for_each(|value| walk(value, found)),
            Value::Array(list) => list.iter().for_each(|value| walk(value, found)),
            Value::String(text) => found.extend(text.parse::<Amount>().ok()),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    of.said.iter().for_each(|one| walk(said(one).get("body").unwrap_or(&Value::Null), &mut found));
    found
}

fn places_of_amounts<'a>(
    subject: &Subject<'_>,
    case: &'a Case,
    document: &Document<'a>,
    problems: &mut Problems,
) -> Vec<Place<'a>> {
    let mut found = Vec::new();
    let Some(Ok(plain)) = subject.read(case, &case.body, problems) else { return found };
    let before = amounts(&plain);
    for spot in document.spots() {
        let number = spot.value.trim_matches('"').to_owned();
        // Ids and times are numbers too, so only what can be an amount with a whole part.
        let digits = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let Some(amount) = number.parse::<Amount>().ok().filter(|_| digits && number.len() < 16) else { continue };
        let Some(more) = amount.checked_add(Amount::whole(1)) else { continue };
        let quoted = spot.value.starts_with('"');
        let place = Place { case, document: document.clone(), spot, number, quoted };
        let Some(Ok(changed)) = place.read(subject, &more.to_string(), problems) else { continue };
        if amounts(&changed) != before {
            found.push(place);
        }
    }
    found
}

fn each_place(subject: &Subject<'_>, problems: &mut Problems, look: impl Fn(&Place<'_>, &mut Problems)) {
    let mut any = false;
    for (case, document) in subject.sample(8) {
        for place in places_of_amounts(subject, case, &document, problems) {
            any = true;
            look(&place, problems);
        }
    }
    problems.must(any, || {
        "no fixture has an amount that changes what it says: add one that succeeds, under fixtures/<kind>/".to_owned()
    });
}

pub(super) fn fourth_decimal(subject: &Subject<'_>, problems: &mut Problems) {
    each_place(subject, problems, |place, problems| {
        let Some(plain) = subject.read(place.case, &place.case.body, problems) else { return };
        let finer = ["0001", "0009"].map(|digits| place.read(subject, &place.finer(digits), problems));
        let lost = finer.into_iter().flatten().any(|read| told(&read) == told(&plain) && kept(&read));
        problems.must(!lost, || {
            format!("{}: the fourth decimal of {} is lost; read numbers with json::amount", place.case, place.spot.key)
        });
    });
}

/// Ten neighbours each, which binary floats of 64 bits map to fewer values.
pub(super) fn neighbours(subject: &Subject<'_>, problems: &mut Problems) {
    const BEGINNINGS: [&str; 3] = ["900719925474.099", "9007199254740.99", "900719925474099"];
    each_place(subject, problems, |place, problems| {
        let Some(Ok(plain)) = subject.read(place.case, &place.case.body, problems) else { return };
        for beginning in BEGINNINGS {
            let numbers = (0..10).map(|digit| format!("{beginning}{digit}"));
            let reads: Vec<_> = numbers.filter_map(|number| place.read(subject, &number, problems)?.ok()).collect();
            // One in which no such amount is told was not read from this number.
            let told = |read: &Translation| amounts(read).last().is_some_and(|most| *most > HUGE);
            let reads: Vec<_> = reads.into_iter().filter(|read| told(read) && read.unknown == plain.unknown).collect();
            let alike = reads.iter().enumerate().any(|(n, read)| reads.iter().skip(n + 1).any(|other| other == read));
            problems.must(!alike, || {
                format!(
                    "{}: two neighbouring amounts of {} are read as one; no float may touch them (json::amount)",
                    place.case, place.spot.key
                )
            });
        }
    });
}

pub(super) fn fifth_decimal(subject: &Subject<'_>, problems: &mut Problems) {
    each_place(subject, problems, |place, problems| {
        let mut coarse = Vec::new();
        for number in [place.number.clone(), place.finer("0000"), place.finer("0001")] {
            coarse.extend(place.read(subject, &number, problems).and_then(|read| told(&read)));
        }
        for digits in ["00001", "00009", "00005"] {
            let Some(read) = place.read(subject, &place.finer(digits), problems).filter(kept) else { continue };
            let rounded = told(&read).is_some_and(|told| coarse.contains(&told));
            problems.must(!rounded, || {
                format!(
                    "{}: a fifth decimal of {} is rounded away; refuse it (json::amount), or doubt the statement",
                    place.case, place.spot.key
                )
            });
        }
    });
}

/// Whether something is said without a doubt and without a count of what was not read.
fn kept(read: &Read) -> bool {
    read.as_ref().is_ok_and(|read| read.unknown.is_empty() && read.said.iter().any(|said| said.doubt.is_none()))
}
