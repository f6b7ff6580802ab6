//! Fixtures, and a translation as a fixture's file has it. A case is `<kind>/<case>.body` beside `<case>.claims.json`; that
//! file may name `options` of the connection and the book's `mode`, which is live where it does not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use ensimbi_connectors::connector::{
    Connector, Input, Links, ObjectRef, PartyDetails, Said, Translation, Unreadable, Watch,
};
pub use ensimbi_connectors::providers::paytota::Paytota;
pub use ensimbi_events::word::{Fee, Mode};
pub use ensimbi_events::{Amount, Body, Time};
pub use serde_json::{Map, Value, json};

pub type Options = BTreeMap<String, String>;

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/providers/paytota/fixtures")
}

pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join(name)).unwrap()
}

/// A body with everything that decides how it is read.
pub struct Case {
    pub kind: String,
    pub name: String,
    pub body: Vec<u8>,
    pub options: Options,
    pub mode: Mode,
    pub expected: Value,
}

impl Case {
    pub fn read(&self) -> Result<Translation, Unreadable> {
        read(&self.kind, &self.body, &self.options, self.mode)
    }
}

pub fn read(kind: &str, body: &[u8], options: &Options, mode: Mode) -> Result<Translation, Unreadable> {
    let received_at = Time::from_micros(1_780_000_000_000_000);
    Paytota.translate(Input { kind, body, options, received_at, mode })
}

pub fn live(kind: &str, body: &[u8]) -> Result<Translation, Unreadable> {
    read(kind, body, &Options::new(), Mode::Live)
}

/// All cases; each body has its claims, and the other way round.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for folder in std::fs::read_dir(fixtures()).unwrap() {
        let folder = folder.unwrap();
        let kind = folder.file_name().into_string().unwrap();
        let files = std::fs::read_dir(folder.path()).unwrap();
        let mut files: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        for file in &files {
            let name = file.strip_suffix(".body").or_else(|| file.strip_suffix(".claims.json")).unwrap();
            let both = [".body", ".claims.json"].iter().all(|end| files.contains(&format!("{name}{end}")));
            assert!(both, "{kind}/{name} lacks its other half");
            if !file.ends_with(".body") {
                continue;
            }
            let mut expected: Value = serde_json::from_slice(&fixture(&format!("{kind}/{name}.claims.json"))).unwrap();
            let mut take = |key: &str| expected.as_object_mut().unwrap().remove(key);
            let options = take("options").map(|options| serde_json::from_value(options).unwrap()).unwrap_or_default();
            let mode = take("mode").map_or(Mode::Live, |mode| serde_json::from_value(mode).unwrap());
            let (kind, name, body) = (kind.clone(), name.to_owned(), fixture(&format!("{kind}/{file}")));
            cases.push(Case { kind, name, body, options, mode, expected });
        }
    }
    cases
}

/// Fields that are absent or empty leave no key, as in the files.
pub fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let absent = |value: &Value| value.is_null() || value == "" || *value == json!(false);
    Value::Object(fields.into_iter().filter(|(_, v)| !absent(v)).map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>())
}

pub fn object(of: &ObjectRef) -> Value {
    map([("kind", of.kind.into()), ("id", of.id.clone().into()), ("reference", of.reference.clone().into())])
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
    if links == json!({}) { Value::Null } else { links }
}

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

pub fn claims(of: Result<Translation, Unreadable>) -> Value {
    let translation = match of {
        Ok(translation) => translation,
        Err(error) => return json!({"unreadable": {"field": error.field, "problem": error.problem}}),
    };
    let watch =
        |(of, watch): &(ObjectRef, Watch)| json!({"object": object(of), "watch": format!("{watch:?}").to_lowercase()});
    let mut claims = json!({
        "said": translation.said.iter().map(said).collect::<Vec<_>>(),
        "watch": translation.watch.iter().map(watch).collect::<Vec<_>>(),
        "unknown": translation.unknown,
    });
    if !translation.keys.is_empty() {
        claims["keys"] = translation.keys.clone().into();
    }
    claims
}

/// What one side bears of fees.
pub fn borne(fees: &[Fee], bearer: &str) -> Amount {
    Amount::checked_sum(fees.iter().filter(|fee| fee.bearer.as_str() == bearer).map(|fee| fee.amount)).unwrap()
}
