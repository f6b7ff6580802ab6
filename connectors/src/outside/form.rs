//! What a connector outside the process posts, as JSON, and the schema of it from the same declarations.
//!
//! Statements have the form that fixtures have (`<case>.claims.json`). Ids of our own (`payment_id`, `invoice_id` ...) and
//! the number of an attempt are the door's to give: they stand in no schema, and what a statement is about is named by the
//! provider's ids in `links`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::schema::{Defs, OUR_ID, Schema, Shape};
use ensimbi_events::{Body, Currency, SubjectKind, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Outside, check, tells};
use crate::connector::{Links, ObjectRef, PartyDetails, Said, Translation, Unreadable};
use crate::json::unreadable;

/// Largest observation as it is posted, in bytes.
pub const BYTES_MAX: usize = 1024 * 1024;
/// Most statements of one.
pub const SAID_MAX: usize = 1_000;
/// Longest id or reference of an object, in characters.
const ID_MAX: u64 = 300;

/// Declares a JSON object: fields that must be there, and fields that may be.
macro_rules! form {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$rm:meta])* $rf:ident : $rt:ty = $rs:expr),* $(,)?
    } maybe {
        $($(#[$om:meta])* $of:ident : $ot:ty = $os:expr),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$rm])* pub $rf: $rt,)*
            $($(#[$om])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $of: Option<$ot>,)*
        }

        impl Schema for $name {
            fn schema(defs: &mut Defs) -> Value {
                defs.define(stringify!($name), |defs| {
                    let mut shape = Shape::default();
                    $(
                        shape.required.push(stringify!($rf));
                        let schema: fn(&mut Defs) -> Value = $rs;
                        shape.properties.insert(stringify!($rf).to_owned(), schema(defs));
                    )*
                    $(
                        let schema: fn(&mut Defs) -> Value = $os;
                        shape.properties.insert(stringify!($of).to_owned(), schema(defs));
                    )*
                    shape.object()
                })
            }
        }
    };
}

fn text(least: u64, most: u64) -> Value {
    json!({ "type": "string", "minLength": least, "maxLength": most })
}

fn list(items: Value, most: usize) -> Value {
    json!({ "type": "array", "items": items, "maxItems": most })
}

form! {
    /// An object at the provider.
    ObjectForm {
        /// The provider's word for it, one of the connection's `objects`.
        kind: String = |_| text(1, 48),
        /// The provider's id.
        id: String = |_| text(1, ID_MAX),
    } maybe {}
}

form! {
    /// The other side; goes to the vault and nowhere else.
    PartyForm {} maybe {
        /// As the provider gives it.
        phone: String = |_| text(1, 100),
        /// As the provider gives it.
        name: String = |_| text(1, 300),
        /// As the provider gives it.
        email: String = |_| text(1, 300),
    }
}

form! {
    /// Another purse.
    PurseForm {
        /// Its word, one of the connection's `purses`.
        purse: String = |_| text(1, 48),
        /// Its currency.
        currency: Currency = Currency::schema,
    } maybe {}
}

form! {
    /// What a statement is about beside its own object.
    LinksForm {} maybe {
        /// Which purse of the wallet.
        purse: String = |_| text(1, 48),
        /// Where a transfer between purses goes.
        to_purse: PurseForm = PurseForm::schema,
        /// The payment that a refund, a dispute or a list of fees is about.
        original: ObjectForm = ObjectForm::schema,
    }
}

form! {
    /// One statement.
    SaidForm {
        /// The object it is about.
        object: ObjectForm = ObjectForm::schema,
        /// What kind of subject that is for us.
        subject_kind: SubjectKind = SubjectKind::schema,
        /// Currency of the amounts.
        currency: Currency = Currency::schema,
        /// The event's word and its fields.
        body: Value = body_schema,
    } maybe {
        /// Absent for what happens once; else the provider's sub-object id, else its state time.
        occurrence: String = |_| text(1, ID_MAX),
        /// The provider's id of the wallet.
        wallet: String = |_| text(1, 128),
        /// When the provider says it happened.
        occurred_at: Time = Time::schema,
        /// The other side.
        party: PartyForm = PartyForm::schema,
        /// The program's own doubt: withheld until a person decides.
        doubt: DiscrepancyKind = DiscrepancyKind::schema,
        /// What else it is about.
        links: LinksForm = LinksForm::schema,
    }
}

form! {
    /// What is posted: a provider's raw bytes, and what they say.
    Observation {
        /// Kind of bytes, one of the connection's `kinds`.
        kind: String = |_| text(1, 48),
        /// The raw bytes, in base64 with padding (RFC 4648, section 4).
        body: String = |_| text(4, BYTES_MAX as u64),
        /// Name and version of the program, as the connection's `translator` has it.
        translator: String = |_| text(3, 60),
        /// Its statements, in the provider's order.
        said: Vec<SaidForm> = |defs| { let items = SaidForm::schema(defs); list(items, SAID_MAX) },
    } maybe {
        /// When the bytes came; counts for statements that name no time of their own.
        observed_at: Time = Time::schema,
        /// Words that nobody knows: counted, no event, no money.
        unknown: Vec<String> = |_| list(text(1, 100), 100),
    }
}

form! {
    /// What a program answers to a line of the suite: its statements, or why it cannot read the bytes.
    Answer {} maybe {
        /// Its statements.
        said: Vec<SaidForm> = |defs| { let items = SaidForm::schema(defs); list(items, SAID_MAX) },
        /// Words that nobody knows.
        unknown: Vec<String> = |_| list(text(1, 100), 100),
        /// Why it cannot read them.
        unreadable: UnreadableForm = UnreadableForm::schema,
    }
}

form! {
    /// Why bytes cannot be read.
    UnreadableForm {
        /// The field, or `body`.
        field: String = |_| text(1, 100),
        /// What was expected, without any value.
        problem: String = |_| text(1, 200),
    } maybe {}
}

macro_rules! hidden {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}
hidden!(ObjectForm, PartyForm, PurseForm, LinksForm, SaidForm, Observation, Answer, UnreadableForm);

/// Fields of a body that only the house gives, with what stands in their place until the door fills them.
fn ours(name: &str, schema: &Value, defs: &Defs) -> Option<Value> {
    let refers = |schema: &Value| schema.get("$ref").and_then(Value::as_str).is_some_and(|to| to.ends_with(OUR_ID));
    if refers(schema) {
        return Some(json!(Uuid::nil()));
    }
    if name == "attempt" {
        return Some(json!(1));
    }
    // A list of parts that each name something of ours.
    let parts = defs.resolve(schema.get("items")?).get("properties")?.as_object()?;
    parts.values().any(refers).then(|| json!([]))
}

/// The bodies that may be told, each without what only the house gives.
fn body_schema(defs: &mut Defs) -> Value {
    let mut kinds = Vec::new();
    for word in tells::events() {
        kinds.push(defs.define(word, |defs| {
            let mut shape = Body::shape(word, defs).unwrap_or_default();
            let own = |name: &str, schema: &Value| ours(name, schema, defs).is_none();
            shape.properties.retain(|name, schema| own(name, schema));
            shape.required.retain(|name| shape.properties.contains_key(*name));
            shape.required.insert(0, "type");
            shape.properties.insert("type".to_owned(), json!({ "const": word }));
            shape.object()
        }));
    }
    json!({ "oneOf": kinds })
}

/// A schema with its definitions.
fn whole<T: Schema>() -> (Value, Defs) {
    let mut defs = Defs::default();
    let schema = T::schema(&mut defs);
    (schema, defs)
}

/// The schemas as the checked-in file has them: what is posted, and what a program answers to the suite.
pub fn document() -> Value {
    let mut defs = Defs::default();
    let observation = Observation::schema(&mut defs);
    let _ = Answer::schema(&mut defs);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An observation from a connector outside the process (POST /v1/observations)",
        "$ref": observation["$ref"],
        "$defs": defs.into_value(),
    })
}

fn read_as<T: Schema + for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, Unreadable> {
    let value = check::parse(bytes)?;
    let (schema, defs) = whole::<T>();
    check::check(&value, &schema, &defs, "")?;
    // The schema has looked at every field, so that this cannot fail for a reason of the sender's.
    serde_json::from_value(value).map_err(|_| unreadable("body", "not the form expected"))
}

/// Reads what was posted; its form alone.
///
/// # Errors
/// [`Unreadable`] naming the field.
pub fn read(bytes: &[u8]) -> Result<Observation, Unreadable> {
    if bytes.len() > BYTES_MAX {
        return Err(unreadable("body", format!("larger than {BYTES_MAX} bytes")));
    }
    let observation: Observation = read_as(bytes)?;
    raw(&observation)?;
    Ok(observation)
}

/// Reads what a program answered to a line of the suite.
///
/// # Errors
/// [`Unreadable`] naming the field.
pub fn answer(bytes: &[u8]) -> Result<Answer, Unreadable> {
    read_as(bytes)
}

/// The provider's raw bytes.
///
/// # Errors
/// [`Unreadable`] about `body`.
pub fn raw(observation: &Observation) -> Result<Vec<u8>, Unreadable> {
    STANDARD.decode(&observation.body).map_err(|_| unreadable("body", "expected base64 with padding"))
}

/// What was posted as a translation of this connection.
///
/// # Errors
/// [`Unreadable`] naming the field.
pub fn translation(of: &Outside, observation: Observation) -> Result<Translation, Unreadable> {
    let observed_at = observation.observed_at;
    let mut said = said_of(of, observation.said)?;
    for one in &mut said {
        one.occurred_at = one.occurred_at.or(observed_at);
    }
    Ok(Translation { said, unknown: observation.unknown.unwrap_or_default(), ..Translation::default() })
}

/// Statements as this connection may make them.
///
/// # Errors
/// [`Unreadable`] naming the field.
pub fn said_of(of: &Outside, forms: Vec<SaidForm>) -> Result<Vec<Said>, Unreadable> {
    forms.into_iter().enumerate().map(|(at, form)| said(of, form, &format!("said.{at}"))).collect()
}

fn said(of: &Outside, form: SaidForm, at: &str) -> Result<Said, Unreadable> {
    let wrong = |field: &str, problem: String| unreadable(&[at, ".", field].concat(), problem);
    let word = form.body.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let tell = tells::of_event(&word).ok_or_else(|| wrong("body.type", "not an event that is told".to_owned()))?;
    if !of.tells.contains(&tell.word) {
        let problem = format!("the connection does not tell of {}; see its option tells", tell.word);
        return Err(wrong("body.type", problem));
    }
    if !tell.about.contains(&form.subject_kind) {
        let about: Vec<&str> = tell.about.iter().map(|kind| kind.as_str()).collect();
        return Err(wrong("subject_kind", format!("expected {} with {word}", about.join(" or "))));
    }
    let object = object(of, form.object).map_err(|problem| wrong("object.kind", problem))?;
    let links = links(of, form.links).map_err(|(field, problem)| wrong(&["links.", field].concat(), problem))?;
    let needs_original =
        matches!(tell.word, "refunds" | "disputes") && word != "RefundFailed" || word == "FeesReported";
    if needs_original && links.original.is_none() {
        return Err(wrong("links.original", format!("missing: the payment that {word} is about")));
    }
    if word == "PurseTransferred" && (links.purse.is_none() || links.to_purse.is_none()) {
        return Err(wrong("links", "expected purse and to_purse with PurseTransferred".to_owned()));
    }
    let body = body(&word, form.body).ok_or_else(|| wrong("body", "not the form expected".to_owned()))?;
    let party = form.party.map(|party| PartyDetails { phone: party.phone, name: party.name, email: party.email });
    Ok(Said {
        object,
        subject_kind: form.subject_kind,
        occurrence: form.occurrence.unwrap_or_default(),
        currency: Some(form.currency),
        wallet: form.wallet,
        body,
        occurred_at: form.occurred_at,
        party,
        doubt: form.doubt,
        operator_transaction: None,
        links,
        confirms: false,
    })
}

/// The body with what the door will fill.
fn body(word: &str, body: Value) -> Option<Body> {
    let mut defs = Defs::default();
    let shape = Body::shape(word, &mut defs)?;
    let Value::Object(mut fields) = body else { return None };
    for name in &shape.required {
        if let Some(ours) = shape.properties.get(*name).and_then(|schema| ours(name, schema, &defs)) {
            fields.insert((*name).to_owned(), ours);
        }
    }
    serde_json::from_value(Value::Object(fields)).ok()
}

fn object(of: &Outside, form: ObjectForm) -> Result<ObjectRef, String> {
    match of.objects.iter().find(|kind| **kind == form.kind) {
        Some(kind) => Ok(ObjectRef { kind, id: Some(form.id), reference: None }),
        None => Err(format!("expected one of {}; see the connection's option objects", of.objects.join(", "))),
    }
}

fn links(of: &Outside, form: Option<LinksForm>) -> Result<Links, (&'static str, String)> {
    let Some(form) = form else { return Ok(Links::default()) };
    let purse = |name: &str| {
        let known = of.facts.purses.iter().copied().find(|purse| *purse == name);
        known.ok_or_else(|| {
            format!("expected one of {}; see the connection's option purses", of.facts.purses.join(", "))
        })
    };
    let own = form.purse.as_deref().map(purse).transpose().map_err(|problem| ("purse", problem))?;
    let to = form.to_purse.map(|to| purse(&to.purse).map(|purse| (purse, to.currency))).transpose();
    let to_purse = to.map_err(|problem| ("to_purse.purse", problem))?;
    let original = form.original.map(|form| object(of, form)).transpose().map_err(|why| ("original.kind", why))?;
    Ok(Links { purse: own, to_purse, original, invoice: None })
}
