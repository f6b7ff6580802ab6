//! Their bytes to our statements. Pure: the bytes, the connection's options, its mode and the moment they came decide,
//! nothing else.
//!
//! One kind of read states the money: the GET of a purchase or a payout. The answer that creates one only asks for that
//! read; a push of one says the same as the read, confirms it, and asks for it. What a body is, its `type` and `status`
//! say; the name of an event never decides about money, but for two kinds of Payment (section 9.2).
//!
//! `thing` reads what purchases, payouts and Payments share; `purchase`, `invoice`, `payout` and `payment` say what they
//! mean; `balance`, `statement` and `columns` are the account's own book.

use std::time::Duration;

use super::options::{Currencies, PayoutFee, RefundFee};
use super::wire::{self, Executed, Key, Request, Thing, unreadable};
use super::{PAYOUT, PURCHASE, STATEMENT, kind};
use crate::connector::{Input, ObjectRef, Translation, Unreadable, Watch};

mod balance;
mod columns;
mod invoice;
mod payment;
mod payout;
mod purchase;
mod statement;
mod thing;

pub(super) use columns::Columns;

/// Largest key that is taken over, in bytes of PEM.
const KEY_BYTES_MAX: usize = 16 * 1024;
/// How long a statement may be in the making; the sample took two seconds (section 11).
const STATEMENT_PATIENCE: Duration = Duration::from_secs(3_600);

/// How a body came, which decides how much it may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    /// The answer that created it: our own read follows.
    Created,
    /// Our own read.
    Read,
    /// A signed push.
    Pushed,
}

/// What the options say of readings.
struct Policy {
    currencies: Currencies,
    payout_fee: PayoutFee,
    refund_fee: RefundFee,
}

impl Policy {
    fn of(input: &Input<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            currencies: wire::option(Currencies::of(input.options))?,
            payout_fee: wire::option(PayoutFee::of(input.options))?,
            refund_fee: wire::option(RefundFee::of(input.options))?,
        })
    }
}

pub(super) fn translate(input: Input<'_>) -> Result<Translation, Unreadable> {
    let policy = Policy::of(&input)?;
    match input.kind {
        kind::PURCHASE_CREATED => purchase::read(input, &policy, Channel::Created),
        kind::PURCHASE_STATUS => purchase::read(input, &policy, Channel::Read),
        kind::PAYOUT_CREATED => payout::read(input, &policy, Channel::Created),
        kind::PAYOUT_STATUS => payout::read(input, &policy, Channel::Read),
        kind::REFUND_ANSWER => match type_of(input.body)?.as_str() {
            "payment" => payment::read(input, &policy, Channel::Read),
            // It takes its time: the purchase tells when it is over.
            "purchase" => watched(input.body),
            _ => Err(unreadable("type", "neither a payment nor a purchase")),
        },
        kind::WEBHOOK => match type_of(input.body)?.as_str() {
            "purchase" => purchase::read(input, &policy, Channel::Pushed),
            "payout" => payout::read(input, &policy, Channel::Pushed),
            "payment" => payment::read(input, &policy, Channel::Pushed),
            other => Ok(Translation { unknown: vec![counted("type", other)], ..Translation::default() }),
        },
        kind::EXECUTED => executed(input.body),
        kind::BALANCE => balance::read(input, &policy),
        kind::STATEMENT_REQUEST => request(input),
        kind::STATEMENT => statement::read(input, &policy),
        kind::PUBLIC_KEY => key(input.body),
        _ => Err(unreadable("kind", "not a kind of this connector")),
    }
}

/// The object that a push is about, where one of ours reads it: a Payment's is its purchase.
pub(super) fn hinted(bytes: &[u8]) -> Result<Vec<ObjectRef>, Unreadable> {
    let thing: Thing<'_> = wire::object("body", wire::body(bytes)?)?;
    let reference = |raw| wire::kept("reference", raw, wire::REFERENCE_MAX, &mut Vec::new());
    let object = match wire::required("type", thing.r#type)?.as_str() {
        "purchase" => {
            ObjectRef { kind: PURCHASE, id: Some(wire::id("id", thing.id)?), reference: reference(thing.reference) }
        }
        "payout" => {
            ObjectRef { kind: PAYOUT, id: Some(wire::id("id", thing.id)?), reference: reference(thing.reference) }
        }
        "payment" => match payment::related(&thing)? {
            Some(purchase) => purchase,
            None => return Ok(Vec::new()),
        },
        _ => return Ok(Vec::new()),
    };
    Ok(vec![object])
}

/// Which of their objects a body is.
fn type_of(bytes: &[u8]) -> Result<String, Unreadable> {
    let thing: Thing<'_> = wire::object("body", wire::body(bytes)?)?;
    wire::required("type", thing.r#type)
}

/// A purchase that only has to be asked for.
fn watched(bytes: &[u8]) -> Result<Translation, Unreadable> {
    let thing: Thing<'_> = wire::object("body", wire::body(bytes)?)?;
    let object = ObjectRef { kind: PURCHASE, id: Some(wire::id("id", thing.id)?), reference: None };
    Ok(Translation { watch: vec![(object, Watch::Unsettled)], ..Translation::default() })
}

/// The answer of an execute call names no object, and what comes of it is read: an unknown word is counted.
fn executed(bytes: &[u8]) -> Result<Translation, Unreadable> {
    let answer: Executed<'_> = wire::object("body", wire::body(bytes)?)?;
    let status = wire::required("status", answer.status)?;
    let unknown =
        if matches!(status.as_str(), "pending" | "error") { vec![] } else { vec![counted("status", &status)] };
    Ok(Translation { unknown, ..Translation::default() })
}

/// A statement request: asked for again until its file is there (section 11).
fn request(input: Input<'_>) -> Result<Translation, Unreadable> {
    let request: Request<'_> = wire::object("body", wire::body(input.body)?)?;
    let object = ObjectRef { kind: STATEMENT, id: Some(wire::id("id", request.id)?), reference: None };
    let status = wire::required("status", request.status)?;
    let mut unknown = Vec::new();
    let asked_at = wire::time("created_on", request.created_on).ok().flatten();
    let watch = match status.as_str() {
        // One that hangs is given up: the next one covers its days too.
        "pending" | "processing" if asked_at.is_some_and(|at| input.received_at.since(at) > STATEMENT_PATIENCE) => {
            unknown.push("statement_stuck".to_owned());
            Watch::Closed
        }
        "pending" | "processing" => Watch::Unsettled,
        "success" => Watch::Closed,
        // What a failure is called, nobody says; the next statement covers its days too.
        other => {
            unknown.push(counted("status", other));
            Watch::Closed
        }
    };
    Ok(Translation { watch: vec![(object, watch)], unknown, ..Translation::default() })
}

/// The public key: a JSON text, an object that holds one, or PEM as it is (section 9.3).
fn key(bytes: &[u8]) -> Result<Translation, Unreadable> {
    let text = wire::body(bytes)?.trim();
    let pem = if text.starts_with('"') {
        serde_json::from_str::<String>(text).map_err(|_| unreadable("body", "expected a text"))?
    } else if text.starts_with('{') {
        let key: Key<'_> = wire::object("body", text)?;
        wire::required("public_key", key.public_key.or(key.key))?
    } else {
        text.to_owned()
    };
    // Some write the two characters \n where a line ends.
    let pem = pem.replace("\\n", "\n");
    let pem = pem.trim();
    let named = ["PUBLIC KEY", "CERTIFICATE"].iter().any(|what| {
        pem.starts_with(&format!("-----BEGIN {what}-----")) && pem.ends_with(&format!("-----END {what}-----"))
    });
    if !named || pem.len() > KEY_BYTES_MAX {
        return Err(unreadable("body", "expected a public key or a certificate in PEM"));
    }
    Ok(Translation { keys: vec![pem.to_owned()], ..Translation::default() })
}

/// A word of theirs that is counted; what is no machine's word is not shown.
fn counted(field: &str, word: &str) -> String {
    format!("{field}:{}", if wire::is_word(word) { word } else { "?" })
}
