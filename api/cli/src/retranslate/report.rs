//! What is shown: counts, and for each subject what is new, missing and different.
//!
//! Bound: [`KEPT`] differences are kept; more are counted. One difference is often told by many observations, and shown
//! once.

use std::collections::{BTreeMap, BTreeSet};

use ensimbi_events::config::BookConfig;
use ensimbi_events::leaf::fact_hash;
use ensimbi_events::{Body, BookId, EventId, Fact, Hash, ObservationId, SubjectId};
use serde_json::{Value, json};

use super::compare::{Difference, Kind};
use super::correct::Money;
use crate::output;

/// Differences that are kept.
const KEPT: usize = 10_000;

/// What makes a difference the same one when other bytes tell it again.
type Key = (Kind, Option<EventId>, Option<Hash>);

/// What became of the money of a difference.
#[derive(Debug, Clone)]
pub enum Fate {
    /// No money in it.
    NoMoney,
    /// A correction can say it; it was not asked to be recorded.
    CanBeCorrected(Box<Fact>),
    /// It was recorded now, at this position.
    Corrected(Box<Fact>, u64),
    /// It cannot be said, or the ledger refuses it.
    Refused(String),
}

impl Fate {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::NoMoney => "none",
            Self::CanBeCorrected(_) => "can be corrected",
            Self::Corrected(..) => "corrected",
            Self::Refused(_) => "refused",
        }
    }

    /// That of a difference which nobody asked to record.
    pub fn unrecorded(money: Money) -> Self {
        match money {
            Money::Nothing => Self::NoMoney,
            Money::Correction(fact) => Self::CanBeCorrected(fact),
            Money::Not(why) => Self::Refused(why),
        }
    }
}

/// Counts of the whole run.
#[derive(Debug, Default)]
pub struct Counts {
    /// Observations looked at.
    pub observations: u64,
    /// Their connection is not in the configuration.
    pub not_configured: u64,
    /// Their key was destroyed.
    pub erased: u64,
    /// They wait for their first translation.
    pub waiting: u64,
    /// They would be quarantined today, and were read before.
    pub unreadable: u64,
    /// Statements that say what is recorded.
    pub same: u64,
    /// Claims that the ledger has not answered yet.
    pub unanswered: u64,
    /// Differences that were not kept.
    pub not_shown: u64,
}

#[derive(Debug)]
struct Shown {
    key: Key,
    observation: ObservationId,
    translator: String,
    difference: Difference,
    fate: Fate,
}

/// The report under construction.
#[derive(Debug, Default)]
pub struct Report {
    /// The counts.
    pub counts: Counts,
    subjects: BTreeMap<SubjectId, Vec<Shown>>,
    known: BTreeSet<(SubjectId, Key)>,
}

impl Report {
    /// Whether this difference is in the report already.
    pub fn knows(&self, difference: &Difference) -> bool {
        difference.subject().is_some_and(|subject| self.known.contains(&(subject, key(difference))))
    }

    /// Takes a difference in.
    pub fn add(&mut self, observation: ObservationId, translator: &str, difference: Difference, fate: Fate) {
        let Some(subject) = difference.subject() else { return };
        if self.known.len() >= KEPT {
            self.counts.not_shown += 1;
            return;
        }
        let key = key(&difference);
        if self.known.insert((subject, key)) {
            let shown = Shown { key, observation, translator: translator.to_owned(), difference, fate };
            self.subjects.entry(subject).or_default().push(shown);
        }
    }

    /// Whether the books and today's readings agree, with what was recorded now.
    pub fn agrees(&self) -> bool {
        let settled = |shown: &Shown| matches!(shown.fate, Fate::Corrected(..));
        self.counts.not_shown == 0 && self.counts.unreadable == 0 && self.subjects.values().flatten().all(settled)
    }

    /// The document of `--json`. `diff`: with the fields that differ.
    pub fn json(&self, book: BookId, position: u64, config: &BookConfig, diff: bool) -> Value {
        let counts = &self.counts;
        let subject = |(id, all): (&SubjectId, &Vec<Shown>)| {
            let about = all.iter().find_map(|shown| shown.difference.about());
            json!({
                "subject": id,
                "subject_kind": about.map(|fact| fact.subject_kind),
                "connection": about.and_then(|fact| fact.connection),
                "slug": about.and_then(|fact| slug(config, fact)),
                "new": count(all, Kind::New),
                "missing": count(all, Kind::Missing),
                "differs": count(all, Kind::Differs),
                "differences": all.iter().map(|shown| shown.json(diff)).collect::<Vec<_>>(),
            })
        };
        json!({
            "ok": self.agrees(),
            "book": book,
            "position": position,
            "observations": counts.observations,
            "not_read": {
                "not_configured": counts.not_configured, "erased": counts.erased, "waiting": counts.waiting,
            },
            "unreadable": counts.unreadable,
            "same": counts.same,
            "unanswered": counts.unanswered,
            "not_shown": counts.not_shown,
            "subjects": self.subjects.iter().map(subject).collect::<Vec<_>>(),
        })
    }

    /// The same for a terminal.
    pub fn text(&self, book: BookId, position: u64, config: &BookConfig, diff: bool) -> String {
        let mut lines = Vec::new();
        let row = |(id, all): (&SubjectId, &Vec<Shown>)| {
            let about = all.iter().find_map(|shown| shown.difference.about());
            let kind = about.map_or("-", |fact| fact.subject_kind.as_str());
            let money: BTreeSet<&str> = all.iter().map(|shown| shown.fate.as_str()).filter(|w| *w != "none").collect();
            let money =
                if money.is_empty() { "-".to_owned() } else { money.into_iter().collect::<Vec<_>>().join(", ") };
            let mut row = vec![id.to_string(), kind.to_owned()];
            row.push(about.and_then(|fact| slug(config, fact)).unwrap_or("-").to_owned());
            row.push(money);
            row.extend([Kind::New, Kind::Missing, Kind::Differs].map(|kind| count(all, kind).to_string()));
            row
        };
        if !self.subjects.is_empty() {
            let header = ["subject", "kind", "connection", "money", "new", "missing", "differs"];
            lines.push(output::table(&header, self.subjects.iter().map(row).collect(), 4));
        }
        for (id, all) in self.subjects.iter().filter(|_| diff) {
            lines.push(format!("{id}"));
            lines.extend(all.iter().flat_map(Shown::sentences));
        }
        let counts = &self.counts;
        let mut last =
            format!("{} observations read again, {} statements as recorded", counts.observations, counts.same);
        let rest = [
            (counts.unreadable, "unreadable today"),
            (counts.not_configured, "of connections that are not configured"),
            (counts.erased, "erased"),
            (counts.waiting, "not translated yet"),
            (counts.unanswered, "claims without an answer yet"),
            (counts.not_shown, "more differences"),
        ];
        for (number, what) in rest.into_iter().filter(|(number, _)| *number > 0) {
            last.push_str(&format!(", {number} {what}"));
        }
        lines.push(format!("{last}; position {position} of book {book}"));
        lines.join("\n")
    }
}

fn key(difference: &Difference) -> Key {
    let event = difference.event.as_ref().map(|event| event.record.event_id);
    (difference.kind, event, difference.reading.as_ref().map(|reading| fact_hash(&reading.fact)))
}

fn count(all: &[Shown], kind: Kind) -> usize {
    all.iter().filter(|shown| shown.difference.kind == kind).count()
}

fn slug<'a>(config: &'a BookConfig, fact: &Fact) -> Option<&'a str> {
    let (_, connection) = config.connections.get(&fact.connection?)?;
    Some(connection.slug.as_str())
}

impl Shown {
    fn word(&self) -> &'static str {
        self.difference.about().map_or("-", |fact| fact.body.word())
    }

    fn json(&self, diff: bool) -> Value {
        let recorded = self.difference.event.as_ref();
        let mut shown = json!({
            "kind": self.key.0.as_str(),
            "type": self.word(),
            "position": recorded.map(|event| event.record.position),
            "event_id": recorded.map(|event| event.record.event_id),
            "observation": self.observation,
            "translator": self.translator,
            "money": self.fate.as_str(),
        });
        let Value::Object(fields) = &mut shown else { return shown };
        match &self.fate {
            Fate::Corrected(_, position) => drop(fields.insert("corrected_at".to_owned(), json!(position))),
            Fate::Refused(why) => drop(fields.insert("reason".to_owned(), json!(why))),
            _ => {}
        }
        if diff {
            let changes = self.changes().into_iter();
            let changes = changes.map(|(field, then, now)| json!({ "field": field, "recorded": then, "read": now }));
            fields.insert("fields".to_owned(), changes.collect());
            fields.insert("lines".to_owned(), json!(self.lines()));
        }
        shown
    }

    /// The correction's lines, where there is one.
    fn lines(&self) -> Value {
        match &self.fate {
            Fate::CanBeCorrected(fact) | Fate::Corrected(fact, _) => match &fact.body {
                Body::CorrectionPosted(body) => json!(body.lines),
                _ => Value::Null,
            },
            _ => Value::Null,
        }
    }

    fn sentences(&self) -> Vec<String> {
        let place = self
            .difference
            .event
            .as_ref()
            .map_or_else(String::new, |event| format!(" at position {}", event.record.position));
        let money = match &self.fate {
            Fate::NoMoney => String::new(),
            Fate::Corrected(_, position) => format!("; corrected at position {position}"),
            Fate::CanBeCorrected(_) => "; --record corrects it".to_owned(),
            Fate::Refused(why) => format!("; not to be corrected: {why}"),
        };
        let by = &self.translator;
        let mut lines = vec![format!("  {} {}{place}, read by {by}{money}", self.key.0.as_str(), self.word())];
        for (field, then, now) in self.changes() {
            lines.push(format!("    {field}: {} -> {}", plain(&then), plain(&now)));
        }
        for line in self.lines().as_array().into_iter().flatten() {
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            lines.push(format!("    {} {} {}", text("account"), text("amount"), text("currency")));
        }
        lines
    }

    /// Fields that differ, as the fact's JSON has them: what is recorded, what is read.
    fn changes(&self) -> Vec<(String, Value, Value)> {
        let side = |fact: Option<&Fact>| {
            let mut fields = BTreeMap::new();
            flatten("", &json!(fact), &mut fields);
            fields
        };
        let reading = self.difference.reading.as_ref();
        let mut then = side(self.difference.event.as_ref().map(|event| &event.fact));
        let now = side(reading.map(|reading| &reading.fact));
        let mut changes = Vec::new();
        for (field, new) in now {
            let old = then.remove(&field).unwrap_or_default();
            if old != new {
                changes.push((field, old, new));
            }
        }
        changes.extend(then.into_iter().map(|(field, old)| (field, old, Value::Null)));
        if let Some(doubt) = reading.and_then(|reading| reading.doubt) {
            changes.push(("doubt".to_owned(), Value::Null, json!(doubt)));
        }
        changes.sort_by(|a, b| a.0.cmp(&b.0));
        changes
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn flatten(path: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { [path, ".", key].concat() };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| flatten(&below(key), value, into)),
        Value::Array(items) => {
            // Fees are told apart by their labels where those differ: the order of a list means nothing.
            let labels: BTreeSet<&str> = items.iter().filter_map(|item| item["label"].as_str()).collect();
            for (at, value) in items.iter().enumerate() {
                let name = value["label"].as_str().filter(|_| labels.len() == items.len());
                flatten(&below(&name.map_or_else(|| at.to_string(), str::to_owned)), value, into);
            }
        }
        Value::Null => {}
        value => drop(into.insert(path.to_owned(), value.clone())),
    }
}
