//! Fixtures in, expected statements out; repeats, orders, and fields that nobody knows.

use super::edit::Document;
use super::fixtures::claims;
use super::{Problems, Subject};
use crate::conformance::fixtures::RECEIVED_AT;
use crate::connector::{Input, Translation, Unreadable};
use ensimbi_events::word::Mode;

pub(super) fn kinds(subject: &Subject<'_>, problems: &mut Problems) {
    for problem in &subject.folder.problems {
        problems.push(problem.clone());
    }
    let declared = subject.connector.facts().kinds;
    for kind in declared {
        problems.must(subject.folder.of_kind(kind).next().is_some(), || {
            format!("no fixture of the declared kind {kind}: add fixtures/{kind}/<case>.body and <case>.claims.json")
        });
    }
    for case in &subject.folder.cases {
        problems.must(declared.contains(&case.kind.as_str()), || {
            format!("{case}: the kind {} is not declared in Facts::kinds", case.kind)
        });
    }
    let options = crate::connector::Options::new();
    let nobody =
        Input { kind: "nobody_declared", body: b"{}", options: &options, received_at: RECEIVED_AT, mode: Mode::Live };
    let refused = subject.connector.translate(nobody).is_err_and(|error| error.field == "kind");
    problems.must(refused, || {
        "translate takes a kind that nobody declared: expected Unreadable with the field kind".into()
    });
}

pub(super) fn written(subject: &Subject<'_>, problems: &mut Problems) {
    for case in &subject.folder.cases {
        let Some(read) = subject.read(case, &case.body, problems) else { continue };
        let got = claims(&read);
        problems.must(got == case.expected, || {
            let place = difference(&case.expected, &got, String::new());
            format!(
                "{case} says something else than its claims.json, at {place}: change the translator, or the claims if \
                     they are wrong"
            )
        });
    }
}

/// The first place where two documents differ, and never a value of it.
fn difference(one: &serde_json::Value, other: &serde_json::Value, at: String) -> String {
    use serde_json::Value::{Array, Object};
    match (one, other) {
        (Object(one), Object(other)) => {
            let keys = one.keys().chain(other.keys());
            let mut differ = keys.filter(|key| one.get(*key) != other.get(*key));
            match differ.next().map(|key| (key, one.get(key), other.get(key))) {
                Some((key, Some(one), Some(other))) => difference(one, other, format!("{at}/{key}")),
                Some((key, ..)) => format!("{at}/{key}"),
                None => at,
            }
        }
        (Array(one), Array(other)) if one.len() == other.len() => {
            let mut pairs = one.iter().zip(other).enumerate().filter(|(_, (one, other))| one != other);
            pairs.next().map_or(at.clone(), |(n, (one, other))| difference(one, other, format!("{at}/{n}")))
        }
        (Array(_), Array(_)) => format!("{at} (another number of entries)"),
        _ => at,
    }
}

pub(super) fn repeated(subject: &Subject<'_>, problems: &mut Problems) {
    let mut first = Vec::new();
    for case in &subject.folder.cases {
        first.push(subject.read(case, &case.body, problems));
    }
    for (case, first) in subject.folder.cases.iter().zip(&first).rev() {
        let again = subject.read(case, &case.body, problems);
        problems.must(again == *first, || {
            format!("{case} says something else when it is read again: translate keeps a state or looks at a clock")
        });
    }
}

/// What counts of a translation: what was not read may be counted.
pub(super) fn told(read: &Result<Translation, Unreadable>) -> Option<Translation> {
    read.as_ref().ok().map(|translation| Translation { unknown: Vec::new(), ..translation.clone() })
}

pub(super) fn extra_fields(subject: &Subject<'_>, problems: &mut Problems) {
    for case in &subject.folder.cases {
        let Some(document) = case.document() else { continue };
        let Some(plain) = subject.read(case, &case.body, problems) else { continue };
        let Some(more) = subject.read(case, document.with_more("zz_nobody_knows").as_bytes(), problems) else {
            continue;
        };
        // A table has no names but its headings: one that nobody knows may refuse the whole file, and never reads otherwise.
        let refused = matches!(document, Document::Table(_)) && more.is_err();
        problems.must(refused || told(&plain) == told(&more), || {
            format!(
                "{case} says something else with a field more in each object, or a column: pass over what nobody knows"
            )
        });
    }
}
