//! What every connector must hold, as named checks: each passes, or says in sentences what is missing and where it goes.
//!
//! Shape: a [`Subject`] is a connector with its simulator and its folder; `CHECKS` are the pure checks, `calls` has those
//! that need a scripted server; [`check`] runs a [`Group`] or all of them into a [`Report`]. The suite takes nothing from
//! a connector but its facts and its fixtures: no option, switch or default of one can weaken a check.
//!
//! Bounds: [`PROBLEMS_MAX`] sentences of a check, [`fixtures::CASES_MAX`] cases; hostile values go into a sample of each
//! kind's cases, so that all of it takes seconds.

mod calls;
mod capabilities;
mod edit;
mod exact;
mod facts;
pub mod fixtures;
mod hostile;
pub mod matrix;
mod order;
mod outcomes;
mod privacy;
mod program;
mod reading;
pub mod scaffold;
mod scene;
mod settings;
mod signed;

pub use program::check_program;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ensimbi_events::word::Mode;
use serde::Serialize;

use crate::connector::{Connector, Input, Options, Translation, Unreadable};
use crate::simulator::stage::Stage;
use edit::Document;
use fixtures::{Case, Folder};

/// Most sentences that one check says.
pub const PROBLEMS_MAX: usize = 12;

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// What the connector says of itself.
    Facts,
    /// Exact bytes in, expected statements out.
    Fixtures,
    /// Hostile bytes.
    Hostile,
    /// Exact money.
    Money,
    /// Names, phones and secrets.
    Privacy,
    /// Who pushes.
    Signature,
    /// What is offered, and what is not.
    Capabilities,
    /// What each HTTP outcome means.
    Outcomes,
}

impl Group {
    /// All of them, in the order of a report.
    pub const ALL: [Self; 8] = [
        Self::Facts,
        Self::Fixtures,
        Self::Hostile,
        Self::Money,
        Self::Privacy,
        Self::Signature,
        Self::Capabilities,
        Self::Outcomes,
    ];
}

/// A connector as it is looked at.
pub struct Subject<'a> {
    /// The connector.
    pub connector: &'a dyn Connector,
    /// Its simulator.
    pub stage: Option<&'a dyn Stage>,
    /// Its folder.
    pub folder: Folder,
}

impl<'a> Subject<'a> {
    /// A connector with its folder, read from a path such as `connectors/src/providers/<name>`.
    pub fn new(connector: &'a dyn Connector, stage: Option<&'a dyn Stage>, path: &Path) -> Self {
        Self { connector, stage, folder: Folder::read(path) }
    }

    /// Reads other bytes as a case's. A panic is a problem of the connector's and ends here.
    fn read(&self, case: &Case, body: &[u8], problems: &mut Problems) -> Option<Result<Translation, Unreadable>> {
        let read = guarded(|| case.read_as(self.connector, body));
        if read.is_none() {
            problems.push(format!("{case}: translate panics on hostile bytes; every input must end as an Unreadable"));
        }
        read
    }

    /// Bytes that a call brought, read as the fixtures of their kind are: with the options of the first, and in a live
    /// book, unless only test books are told anything.
    fn translate(&self, kind: &str, body: &[u8]) -> Result<Translation, Unreadable> {
        let none = Options::new();
        let options = self.folder.of_kind(kind).next().map_or(&none, |case| &case.options);
        let mut says = self.folder.of_kind(kind).filter(|case| case.expected.pointer("/said/0").is_some()).peekable();
        let test = says.peek().is_some() && says.all(|case| case.mode == Mode::Test);
        let mode = if test { Mode::Test } else { Mode::Live };
        self.connector.translate(Input { kind, body, options, received_at: fixtures::RECEIVED_AT, mode })
    }

    /// A few cases of each kind that say something, evenly over their names, as what can be changed in places.
    fn sample(&self, of_each_kind: usize) -> Vec<(&Case, Document<'_>)> {
        let mut sample = Vec::new();
        for kind in self.connector.facts().kinds {
            let says = |case: &&Case| case.expected.get("unreadable").is_none();
            let cases = self.folder.of_kind(kind).filter(says);
            let cases: Vec<_> = cases.filter_map(|case| Some((case, case.document()?))).collect();
            let step = cases.len().div_ceil(of_each_kind).max(1);
            sample.extend(cases.into_iter().step_by(step));
        }
        sample
    }
}

/// Runs something that must not panic.
fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}

/// Sentences of one check, bounded.
#[derive(Debug, Default)]
pub struct Problems {
    list: Vec<String>,
    more: usize,
}

impl Problems {
    /// Adds one, unless it is there.
    pub fn push(&mut self, problem: impl Into<String>) {
        let problem = problem.into();
        if self.list.contains(&problem) {
            return;
        }
        if self.list.len() < PROBLEMS_MAX {
            self.list.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// Adds one where something does not hold.
    pub fn must(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        if !holds {
            self.push(problem());
        }
    }

    fn done(mut self) -> Vec<String> {
        if self.more > 0 {
            self.list.push(format!("and {} more of the kind", self.more));
        }
        self.list
    }
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub group: Group,
    /// What must hold, as a sentence.
    pub check: &'static str,
    /// What is missing and where to put it; empty: it holds.
    pub problems: Vec<String>,
}

/// What all checks of a connector came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The provider's word.
    pub provider: &'static str,
    /// Whether every check holds.
    pub ok: bool,
    /// Each check.
    pub checks: Vec<Finding>,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for finding in &self.checks {
            let mark = if finding.problems.is_empty() { "ok " } else { "BAD" };
            writeln!(f, "{mark} {}", finding.check)?;
            for problem in &finding.problems {
                writeln!(f, "      {problem}")?;
            }
        }
        Ok(())
    }
}

/// A check that needs nothing but the subject.
type Pure = fn(&Subject<'_>, &mut Problems);

/// The pure checks, in the order of a report.
const CHECKS: &[(Group, &str, Pure)] = &[
    (Group::Facts, "the facts are complete and agree with each other", facts::complete),
    (Group::Facts, "the folder explains the connector to people", facts::explained),
    (Group::Facts, "a simulator is registered beside the connector", facts::simulated),
    (Group::Fixtures, "every kind of bytes has fixtures, and every fixture a kind", reading::kinds),
    (Group::Fixtures, "every fixture says exactly what is written beside it", reading::written),
    (Group::Fixtures, "the same bytes say the same, twice and in any order", reading::repeated),
    (Group::Fixtures, "fields that nobody knows change nothing", reading::extra_fields),
    (Group::Hostile, "hostile values in any place end as Unreadable with a field's name, or exactly", hostile::values),
    (Group::Hostile, "a field that is given twice is never read as the other value", hostile::twice),
    (
        Group::Hostile,
        "bodies that are cut, changed, deep, wide or no JSON never panic and say nothing wrong",
        hostile::bodies,
    ),
    (Group::Money, "the fourth decimal of an amount counts", exact::fourth_decimal),
    (Group::Money, "amounts that a float cannot tell apart stay apart", exact::neighbours),
    (Group::Money, "a fifth decimal of an amount is refused or doubted, never rounded", exact::fifth_decimal),
    (Group::Privacy, "names and phones reach neither errors nor facts nor Debug", privacy::parties),
    (Group::Privacy, "a person's text in any place reaches neither errors nor facts nor Debug", privacy::any_place),
    (
        Group::Signature,
        "a push is believed only with a signature over its exact bytes by a key of the connection",
        signed::sabotage,
    ),
];

/// Runs the checks of a group, or all.
pub async fn check(subject: &Subject<'_>, only: Option<Group>) -> Report {
    let wanted = |group: Group| only.is_none_or(|only| only == group);
    let mut checks = Vec::new();
    for (group, check, run) in CHECKS.iter().filter(|(group, ..)| wanted(*group)) {
        let mut problems = Problems::default();
        if guarded(|| run(subject, &mut problems)).is_none() {
            problems.push("the connector panics; it must end in an error");
        }
        checks.push(Finding { group: *group, check, problems: problems.done() });
    }
    if wanted(Group::Capabilities) || wanted(Group::Outcomes) {
        checks.extend(calls::checks(subject, only).await);
    }
    let ok = checks.iter().all(|finding| finding.problems.is_empty());
    Report { provider: subject.connector.facts().provider, ok, checks }
}
