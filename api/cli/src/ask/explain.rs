//! `ensimbi explain`: everything behind a payment, named by our id, the provider's id or our reference there.
//!
//! What a name may mean is looked up in the door's rows (`Door::named`); the route tells which of it exists.

use ensimbi_connectors::providers;
use ensimbi_events::{ConnectionId, SubjectId};
use serde_json::Value;

use super::tables::{cell, fields, list};
use super::{Desk, deliver};
use crate::args::ExplainArgs;
use crate::exit::{Failure, Outcome};
use crate::home::Home;

/// Longest name of a payment, in bytes.
const NAME_MAX: usize = 256;

/// The command.
pub async fn explain(args: ExplainArgs) -> Outcome {
    if args.payment.is_empty() || args.payment.len() > NAME_MAX {
        return Err(Failure::wrong("PAYMENT: expected an id or a reference of 1 to 256 characters"));
    }
    let home = Home::to_read(&args.home, ".ensimbi");
    let desk = Desk::to_read(&home).await?;
    let door = home.door_to_read(desk.book).await?;
    let names = door.named(&places(&desk), &args.payment).await?;
    let own: Option<SubjectId> = args.payment.parse().ok();
    let desk = desk.with(door);
    let mut found = Vec::new();
    for subject in own.into_iter().chain(names) {
        let path = ["/v1/payments/", &subject.to_string()].concat();
        if let Some(body) = desk.find(&[path.as_str(), "/explain"].concat()).await? {
            found.push((path, body));
        }
    }
    if found.len() > 1 {
        found = payments_of(&desk, found).await?;
    }
    let found: Vec<Value> = found.into_iter().map(|(_, body)| body).collect();
    match found.as_slice() {
        [body] => deliver(&args.out, body, sections),
        [] => Err(Failure::wrong(
            "PAYMENT: this book has none of this name; tried as our id, as a provider's id, and as our reference at a \
             provider, at every connection of the book",
        )),
        many => {
            let ids: Vec<String> = many.iter().map(|body| cell(body, "id")).collect();
            Err(Failure::wrong(format!("PAYMENT: several have this name; choose one by id: {}", ids.join(", "))))
        }
    }
}

/// A provider's purchase is a payment and an invoice under one id: where one of those found is a payment, the question is
/// about payments.
async fn payments_of(desk: &Desk, found: Vec<(String, Value)>) -> Result<Vec<(String, Value)>, Failure> {
    let (mut payments, mut others) = (Vec::new(), Vec::new());
    for (path, body) in found {
        let is_payment = desk.find(&path).await?.is_some();
        if is_payment { &mut payments } else { &mut others }.push((path, body));
    }
    Ok(if payments.is_empty() { others } else { payments })
}

/// The connections that the log knows, each with its provider's words for objects.
fn places(desk: &Desk) -> Vec<(ConnectionId, &'static [&'static str])> {
    let known = desk.config.connections.iter();
    known.filter_map(|(id, (_, settings))| Some((*id, providers::find(&settings.provider)?.object_kinds()))).collect()
}

fn sections(body: &Value) -> String {
    let mut parts = vec![format!("payment {}", cell(body, "id"))];
    let mut part = |title: &str, text: String| parts.push(format!("{title}\n{text}"));
    if body["intent"].is_object() {
        part("our order", fields(&body["intent"]));
    }
    let texts = [
        ("observation", "id"),
        ("kind", "kind"),
        ("authenticated", "class"),
        ("received", "received_at"),
        ("state", "state"),
        ("commitment", "commitment"),
    ];
    part("raw bytes", list(&body["observations"], &texts, &[("times", "deliveries")]));
    let texts = [
        ("claim", "id"),
        ("says", "word"),
        ("from", "source"),
        ("written", "created_at"),
        ("answer", "state"),
        ("refusal", "refusal"),
    ];
    part("claims", list(&body["claims"], &texts, &[]));
    part("events", events(&body["events"]));
    let texts = [("account", "account"), ("currency", "currency")];
    part("balances moved", list(&body["balances"], &texts, &[("amount", "amount")]));
    if body["discrepancies"].as_array().is_some_and(|list| !list.is_empty()) {
        let texts = [("discrepancy", "id"), ("kind", "kind"), ("about", "about"), ("verdict", "verdict")];
        part("contradictions", list(&body["discrepancies"], &texts, &[("stake", "stake")]));
    }
    if body["more"] == true {
        parts.push("there is more than is shown".to_owned());
    }
    parts.join("\n\n")
}

/// Each event with its lines below it.
fn events(events: &Value) -> String {
    let mut lines = Vec::new();
    for event in events.as_array().into_iter().flatten() {
        let proofs = event["evidence"].as_array().map_or(0, Vec::len);
        let mut line = format!(
            "{:>8}  {}  occurred {}, recorded {}, {proofs} observation(s)",
            cell(event, "position"),
            cell(event, "type"),
            cell(event, "occurred_at"),
            cell(event, "recorded_at")
        );
        if let Some(why) = event["no_lines"].as_str() {
            line.push_str(&format!(", no lines: {why}"));
        }
        lines.push(line);
        for posted in event["lines"].as_array().into_iter().flatten() {
            let (account, currency) = (cell(posted, "account"), cell(posted, "currency"));
            lines.push(format!("          {account}  {currency} {}", cell(posted, "amount")));
        }
    }
    if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n") }
}
