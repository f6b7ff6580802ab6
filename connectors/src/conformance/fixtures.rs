//! A connector's folder on disk: its fixtures, and a translation as a fixture's file writes it.
//!
//! A case is `fixtures/<kind>/<case>.body` (exact bytes in) beside `<case>.claims.json` (the expected statements). That
//! file may also name `options` of the connection and the `mode` of the book, which is `live` where it does not. Calls are
//! in `fixtures/calls.json` (`conformance/calls.rs`). Bounds: [`CASES_MAX`] cases, [`FILE_BYTES_MAX`] of a file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ensimbi_events::Time;
use ensimbi_events::word::Mode;
use serde_json::{Map, Value, json};

use super::edit::Document;
use crate::connector::{
    BankSeen, Connector, Input, Links, ObjectRef, Options, PartyDetails, RowSeen, Said, Translation, Unreadable,
};

/// Most cases of a connector.
pub const CASES_MAX: usize = 5_000;
/// Largest file that is read, in bytes.
pub const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// When every fixture's bytes came.
pub const RECEIVED_AT: Time = Time::from_micros(1_780_000_000_000_000);

/// A body with everything that decides how it is read.
#[derive(Clone)]
pub struct Case {
    /// Kind of bytes: the folder's name.
    pub kind: String,
    /// The file's name without its ending.
    pub name: String,
    /// The bytes.
    pub body: Vec<u8>,
    /// Options of the connection.
    pub options: Options,
    /// The book's mode.
    pub mode: Mode,
    /// What is written beside it.
    pub expected: Value,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Case({self})")
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "fixtures/{}/{}.body", self.kind, self.name)
    }
}

impl Case {
    /// What the connector reads in it.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read(&self, connector: &dyn Connector) -> Result<Translation, Unreadable> {
        self.read_as(connector, &self.body)
    }

    /// The same with other bytes.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read_as(&self, connector: &dyn Connector, body: &[u8]) -> Result<Translation, Unreadable> {
        let (kind, options) = (self.kind.as_str(), &self.options);
        connector.translate(Input { kind, body, options, received_at: RECEIVED_AT, mode: self.mode })
    }

    /// The body as something that can be changed in places.
    pub(super) fn document(&self) -> Option<Document<'_>> {
        Document::of(&self.body)
    }
}

/// A connector's folder, read.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// Every case, by kind and name.
    pub cases: Vec<Case>,
    /// What is wrong with the folder itself, a sentence each.
    pub problems: Vec<String>,
}

impl Folder {
    /// Reads a folder. What is wrong in it becomes a problem, so that all of it is told at once.
    pub fn read(path: &Path) -> Self {
        let mut folder = Self { path: path.to_owned(), cases: Vec::new(), problems: Vec::new() };
        let root = path.join("fixtures");
        for kind in names(&root, &mut folder.problems) {
            if root.join(&kind).is_dir() {
                folder.kind(&root, &kind);
            } else if kind != super::calls::FILE {
                folder
                    .problems
                    .push(format!("fixtures/{kind}: nobody reads it; a body belongs into the folder of its kind"));
            }
        }
        folder
    }

    /// The cases of a kind.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Case> {
        self.cases.iter().filter(move |case| case.kind == kind)
    }

    /// The bytes of a file of the folder; `None` where it is missing or too large.
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        bounded(&self.path.join(name))
    }

    fn kind(&mut self, root: &Path, kind: &str) {
        let files = names(&root.join(kind), &mut self.problems);
        let mut halves: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for file in &files {
            let parts = file.strip_suffix(".body").map(|name| (name, "body"));
            match parts.or_else(|| file.strip_suffix(".claims.json").map(|name| (name, "claims.json"))) {
                Some((name, end)) => {
                    halves.entry(name).or_default().insert(end);
                }
                None => self.problems.push(format!(
                    "fixtures/{kind}/{file}: expected <case>.body with the bytes, or <case>.claims.json with what they say"
                )),
            }
        }
        for (name, found) in halves {
            if let Some(end) = ["body", "claims.json"].into_iter().find(|end| !found.contains(end)) {
                self.problems
                    .push(format!("fixtures/{kind}/{name}.{end} is missing: every case has a body and its claims"));
                continue;
            }
            match case(root, kind, name) {
                Ok(case) if self.cases.len() < CASES_MAX => self.cases.push(case),
                Ok(_) => self.problems.push(format!("fixtures: more than {CASES_MAX} cases")),
                Err(problem) => self.problems.push(format!("fixtures/{kind}/{name}: {problem}")),
            }
        }
    }
}

/// The names in a folder, sorted.
fn names(folder: &Path, problems: &mut Vec<String>) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        problems.push(format!("the folder {name}/ cannot be read"));
        return Vec::new();
    };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn bounded(path: &Path) -> Option<Vec<u8>> {
    let small = std::fs::metadata(path).ok().is_some_and(|file| file.is_file() && file.len() <= FILE_BYTES_MAX);
    if small { std::fs::read(path).ok() } else { None }
}

fn case(root: &Path, kind: &str, name: &str) -> Result<Case, String> {
    let read = |end: &str| {
        let too_large = || format!("the {end} cannot be read, or has more than {FILE_BYTES_MAX} bytes");
        bounded(&root.join(kind).join(format!("{name}.{end}"))).ok_or_else(too_large)
    };
    let (body, claims) = (read("body")?, read("claims.json")?);
    let mut expected: Value = serde_json::from_slice(&claims).map_err(|_| "the claims are no JSON".to_owned())?;
    let fields = expected.as_object_mut().ok_or("the claims are no JSON object")?;
    let options = match fields.remove("options") {
        Some(options) => serde_json::from_value(options).map_err(|_| "`options` are no texts by name")?,
        None => Options::new(),
    };
    let mode = match fields.remove("mode") {
        Some(mode) => serde_json::from_value(mode).map_err(|_| "`mode` is neither live nor test")?,
        None => Mode::Live,
    };
    Ok(Case { kind: kind.to_owned(), name: name.to_owned(), body, options, mode, expected })
}

/// A translation as a fixture's file has it. Fields that are absent, empty or false leave no key.
pub fn claims(of: &Result<Translation, Unreadable>) -> Value {
    let translation = match of {
        Ok(translation) => translation,
        Err(error) => {
            return json!({"unreadable": {"field": error.field, "problem": error.problem}});
        }
    };
    let mut claims = json!({
        "said": translation.said.iter().map(said).collect::<Vec<_>>(),
        "watch": translation.watch.iter().map(|(of, watch)| {
            json!({"object": object(of), "watch": format!("{watch:?}").to_lowercase()})
        }).collect::<Vec<_>>(),
        "unknown": translation.unknown,
    });
    let lists = [
        ("banks", translation.banks.iter().map(bank).collect::<Vec<_>>()),
        ("rows", translation.rows.iter().map(row).collect()),
        ("keys", translation.keys.iter().map(|key| key.clone().into()).collect()),
    ];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        claims[name] = list.into();
    }
    claims
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let absent = |value: &Value| value.is_null() || value == "" || *value == Value::Bool(false);
    Value::Object(fields.into_iter().filter(|(_, v)| !absent(v)).map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>())
}

/// An object as a fixture's file has it.
pub fn object(of: &ObjectRef) -> Value {
    map([("kind", of.kind.into()), ("id", of.id.clone().into()), ("reference", of.reference.clone().into())])
}

/// A statement as a fixture's file has it.
pub fn said(of: &Said) -> Value {
    map([
        ("object", object(&of.object)),
        ("subject_kind", json!(of.subject_kind)),
        ("occurrence", of.occurrence.clone().into()),
        ("currency", json!(of.currency)),
        ("wallet", of.wallet.clone().into()),
        ("body", json!(of.body)),
        ("occurred_at", json!(of.occurred_at)),
        ("party", of.party.as_ref().map(party).into()),
        ("doubt", json!(of.doubt)),
        ("operator_transaction", of.operator_transaction.clone().into()),
        ("links", links(&of.links)),
        ("confirms", of.confirms.into()),
    ])
}

fn party(of: &PartyDetails) -> Value {
    map([("phone", of.phone.clone().into()), ("name", of.name.clone().into()), ("email", of.email.clone().into())])
}

fn links(of: &Links) -> Value {
    let links = map([
        ("purse", of.purse.into()),
        ("to_purse", of.to_purse.map(|(purse, currency)| json!([purse, currency])).into()),
        ("original", of.original.as_ref().map(object).into()),
        ("invoice", of.invoice.as_ref().map(object).into()),
    ]);
    if links.as_object().is_some_and(Map::is_empty) { Value::Null } else { links }
}

fn bank(of: &BankSeen) -> Value {
    map([
        ("code", of.code.clone().into()),
        ("id", of.id.clone().into()),
        ("name", of.name.clone().into()),
        ("account_pattern", of.account_pattern.clone().into()),
    ])
}

fn row(of: &RowSeen) -> Value {
    map([
        ("id", of.id.clone().into()),
        ("wallet", of.wallet.clone().into()),
        ("number", of.number.into()),
        ("change", json!(of.change)),
        ("previous", json!(of.previous)),
        ("balance", json!(of.balance)),
        ("category", of.category.clone().into()),
        ("request", of.request.clone().into()),
    ])
}
