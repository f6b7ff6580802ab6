//! Fixtures, and a translation as a fixture's file has it.

use std::collections::BTreeMap;
pub use std::path::{Path, PathBuf};

pub use ensimbi_connectors::connector::{
    BankSeen, Connector, Input, ObjectRef, PartyDetails, RowSeen, Said, Translation, Unreadable, Watch,
};
pub use ensimbi_connectors::providers::iotec::Iotec;
pub use ensimbi_events::word::Fee;
pub use ensimbi_events::{Amount, Body};
pub use serde_json::{Map, Value, json};

pub type Options = BTreeMap<String, String>;

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/providers/iotec/fixtures")
}

pub fn fixture(name: &str) -> String {
    std::fs::read_to_string(fixtures().join(name)).unwrap()
}

pub fn read(kind: &str, body: &[u8], options: &Options) -> Result<Translation, Unreadable> {
    Iotec.translate(Input {
        kind,
        body,
        options,
        received_at: ensimbi_events::Time::from_micros(1_780_000_000_000_000),
        mode: ensimbi_events::word::Mode::Test,
    })
}

pub fn status(body: &str) -> Result<Translation, Unreadable> {
    read("collection_status", body.as_bytes(), &Options::new())
}

/// Fields that are absent or empty leave no key, as in the files.
pub fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let absent = |value: &Value| value.is_null() || value == "";
    Value::Object(fields.into_iter().filter(|(_, v)| !absent(v)).map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>())
}

pub fn object(of: &ObjectRef) -> Value {
    map([("kind", of.kind.into()), ("id", of.id.clone().into()), ("reference", of.reference.clone().into())])
}

pub fn party(of: &PartyDetails) -> Value {
    map([("phone", of.phone.clone().into()), ("name", of.name.clone().into()), ("email", of.email.clone().into())])
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
    ])
}

pub fn bank(of: &BankSeen) -> Value {
    map([
        ("code", of.code.clone().into()),
        ("id", of.id.clone().into()),
        ("name", of.name.clone().into()),
        ("account_pattern", of.account_pattern.clone().into()),
    ])
}

pub fn row(of: &RowSeen) -> Value {
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
    let lists = [
        ("banks", translation.banks.iter().map(bank).collect::<Vec<_>>()),
        ("rows", translation.rows.iter().map(row).collect::<Vec<_>>()),
    ];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        claims[name] = list.into();
    }
    claims
}

/// The bodies of a kind with their options.
pub fn bodies(kind: &str) -> Vec<(PathBuf, Options)> {
    let paths = std::fs::read_dir(fixtures().join(kind)).unwrap().map(|file| file.unwrap().path());
    let bodies = paths.filter(|path| path.extension().is_some_and(|extension| extension == "body"));
    let with_options = bodies.map(|path| {
        let written = std::fs::read_to_string(path.with_extension("claims.json")).unwrap();
        let written: Value = serde_json::from_str(&written).unwrap();
        let options = written.get("options").map(|options| serde_json::from_value(options.clone()).unwrap());
        (path, options.unwrap_or_default())
    });
    with_options.collect()
}

/// What one side bears of fees.
pub fn borne(fees: &[Fee], bearer: &str) -> Amount {
    Amount::checked_sum(fees.iter().filter(|fee| fee.bearer.as_str() == bearer).map(|fee| fee.amount)).unwrap()
}
