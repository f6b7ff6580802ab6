//! Connectors outside the process: a program of anybody's reads a provider's bytes, makes the claims itself, and posts
//! both to the door (`POST /v1/observations`) with the key of its connection.
//!
//! Shape: what is posted is an [`form::Observation`] in JSON. The door keeps exactly those bytes as the observation, of the
//! class `connector`, and from there on they take the way of all others: [`Outside`] is the [`Connector`] whose
//! translation of them is the claims inside them. So the same checks, the same retries and the same `retranslate` hold.
//! What such a connection may say (kinds of bytes, object kinds, what it tells of, purses) is declared in its options.
//!
//! - `words`: texts of the configuration that live as long as the process.
//! - `tells`: which events a connection may tell, and of what.
//! - `form`: the JSON, with its schema made from the same types.
//! - `check`: JSON against that schema; errors name the field.
//!
//! Bounds: [`form::BYTES_MAX`] of an observation, [`form::SAID_MAX`] statements in it, [`words::WORDS_MAX`] words.

pub mod check;
pub mod form;
pub mod tells;
pub mod words;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ensimbi_events::Clock;
use secrecy::SecretString;

use crate::connector::{
    Authenticity, CallError, Connector, Facts, Input, ObjectRef, ProviderClient, RawAnswer, ReferenceForm, Translation,
    Unreadable,
};
use crate::json::unreadable;
use crate::settings::{ConnectionSettings, SettingsError};

/// What the provider's word of such a connection begins with: `outside:acme`.
pub const PREFIX: &str = "outside:";
/// An example of such a connection for `ensimbi init`, every line a comment.
pub const EXAMPLE: &str = include_str!("example.toml");

/// Options of such a connection.
mod option {
    /// Kinds of bytes, such as `payment_status`.
    pub const KINDS: &str = "kinds";
    /// Words for the provider's objects, such as `payment`.
    pub const OBJECTS: &str = "objects";
    /// What is told of: words of [`super::tells::TELLS`].
    pub const TELLS: &str = "tells";
    /// Words of the purses of one wallet id, where there are several.
    pub const PURSES: &str = "purses";
    /// Name and version of the program that makes the claims, such as `acme.1`.
    pub const TRANSLATOR: &str = "translator";
    pub const ALL: [&str; 5] = [KINDS, OBJECTS, TELLS, PURSES, TRANSLATOR];
}

/// A connector outside the process, as its connection declares it.
#[derive(Debug)]
pub struct Outside {
    facts: &'static Facts,
    objects: &'static [&'static str],
    /// What it tells of.
    pub tells: &'static [&'static str],
}

/// Every declaration met so far: each lives as long as the process, once.
static DECLARED: Mutex<BTreeMap<Vec<String>, &'static Outside>> = Mutex::new(BTreeMap::new());

/// The connector of a connection, where its provider's word says that it is outside.
///
/// # Errors
/// [`SettingsError`] naming the key and what was expected.
pub fn of(settings: &ConnectionSettings) -> Option<Result<&'static Outside, SettingsError>> {
    let name = settings.provider.strip_prefix(PREFIX)?;
    Some(declared(settings, name))
}

fn declared(settings: &ConnectionSettings, name: &str) -> Result<&'static Outside, SettingsError> {
    let wrong = |key: &str, problem: &str| {
        let key = format!("connections.{}.{key}", settings.slug);
        SettingsError { key, problem: problem.to_owned() }
    };
    if !words::is_word(name) {
        return Err(wrong("provider", "expected outside: and a word, such as outside:acme"));
    }
    if let Some(key) = settings.options.keys().find(|key| !option::ALL.contains(&key.as_str())) {
        let known = option::ALL.join(", ");
        return Err(wrong(&format!("options.{key}"), &format!("unknown; a connection from outside has {known}")));
    }
    let text = |key: &str| settings.options.get(key).map(String::as_str).unwrap_or_default();
    let list = |key: &str, must: bool| {
        let found = words::list(text(key));
        let expected = || wrong(&format!("options.{key}"), "expected different words with spaces between them");
        found.filter(|found| !must || !found.is_empty()).ok_or_else(expected)
    };
    let (kinds, objects) = (list(option::KINDS, true)?, list(option::OBJECTS, true)?);
    let (told, purses) = (list(option::TELLS, true)?, list(option::PURSES, false)?);
    if let Some(other) = told.iter().find(|word| tells::find(word).is_none()) {
        let known: Vec<&str> = tells::TELLS.iter().map(|tell| tell.word).collect();
        let problem = format!("{other} is none of {}", known.join(", "));
        return Err(wrong(&format!("options.{}", option::TELLS), &problem));
    }
    let translator = text(option::TRANSLATOR);
    if !words::is_translator(translator) {
        let expected = "expected the program's name and version, such as acme.1";
        return Err(wrong(&format!("options.{}", option::TRANSLATOR), expected));
    }
    let mut declarations = DECLARED.lock().unwrap_or_else(PoisonError::into_inner);
    let key: Vec<String> = [settings.provider.as_str(), translator]
        .into_iter()
        .map(str::to_owned)
        .chain([&kinds, &objects, &told, &purses].map(|list| list.join(" ")))
        .collect();
    if let Some(known) = declarations.get(&key) {
        return Ok(known);
    }
    let many = || wrong("options", "more words than one process takes in");
    let keep = |list: &[&str]| words::keep_all(list).ok_or_else(many);
    let facts = Facts {
        provider: words::keep(&settings.provider).ok_or_else(many)?,
        translator: words::keep(translator).ok_or_else(many)?,
        kinds: keep(&kinds)?,
        capabilities: &[],
        operator_transaction_unique: false,
        sandbox_currencies: &[],
        default_urls: &[],
        collects: "",
        pays: "",
        refunds: "",
        references: ReferenceForm::Text,
        two_steps: false,
        purses: keep(&purses)?,
        routines: &[],
    };
    let (objects, tells) = (keep(&objects)?, keep(&told)?);
    // As bounded as its words are; a declaration is never taken back while the process lives.
    let kept: &'static Outside = Box::leak(Box::new(Outside { facts: Box::leak(Box::new(facts)), objects, tells }));
    declarations.insert(key, kept);
    Ok(kept)
}

#[async_trait]
impl Connector for Outside {
    fn facts(&self) -> &'static Facts {
        self.facts
    }

    fn authenticity(&self) -> Authenticity {
        Authenticity::NoPush
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }

    fn object_kinds(&self) -> &'static [&'static str] {
        self.objects
    }

    fn translate(&self, input: Input<'_>) -> Result<Translation, Unreadable> {
        if !self.facts.kinds.contains(&input.kind) {
            return Err(unreadable("kind", "not a kind of this connection"));
        }
        let observation = form::read(input.body)?;
        if observation.kind != input.kind {
            return Err(unreadable("kind", "another kind than the observation was kept under"));
        }
        form::translation(self, observation)
    }

    fn hinted(&self, _body: &[u8]) -> Result<Vec<ObjectRef>, Unreadable> {
        Err(unreadable("body", "a connection from outside takes no pushes"))
    }

    fn connect(
        &self,
        settings: &ConnectionSettings,
        _clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn ProviderClient>, SettingsError> {
        let first = |names: Vec<&String>, table: &str| names.first().map(|name| format!("{table}.{name}"));
        let secrets: &BTreeMap<String, SecretString> = &settings.secrets;
        let odd = first(secrets.keys().collect(), "secrets").or_else(|| first(settings.urls.keys().collect(), "urls"));
        match odd {
            None => Ok(Arc::new(Nobody)),
            Some(key) => Err(SettingsError {
                key: format!("connections.{}.{key}", settings.slug),
                problem: "unknown; the program outside keeps its own".to_owned(),
            }),
        }
    }
}

/// The door itself never calls a provider of somebody else's.
struct Nobody;

#[async_trait]
impl ProviderClient for Nobody {
    async fn read(&self, _object: &ObjectRef, _handle: Option<&str>) -> Result<Vec<RawAnswer>, CallError> {
        Err(CallError::NotOffered)
    }
}
