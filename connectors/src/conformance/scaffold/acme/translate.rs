//! Their bytes to our statements. Pure: the bytes, the connection's options and the moment they came, nothing else. The
//! answer that makes an object says no more than "pending": what a read says states the money, and a push confirms it.

use ensimbi_events::SubjectKind;

use super::{COLLECTION, CREATED, STATUS, WEBHOOK};
use crate::connector::{Input, ObjectRef, PartyDetails, Said, Translation, Unreadable};
use crate::json;
use crate::statements::{self, Standing, own_fee};

mod wire {
    // The fields that are read, as they call them.
    crate::json_object! { Object { id, reference, status, amount, fee, currency, phone, since } }
}

pub(super) fn translate(input: Input<'_>) -> Result<Translation, Unreadable> {
    match input.kind {
        CREATED | STATUS | WEBHOOK => object(input),
        _ => Err(json::unreadable("kind", "not a kind of this connector")),
    }
}

/// Which objects a push is about.
pub(super) fn hinted(body: &[u8]) -> Result<Vec<ObjectRef>, Unreadable> {
    Ok(vec![named(&json::object("body", json::body(body)?)?, &mut Vec::new())?])
}

fn named(wire: &wire::Object<'_>, unknown: &mut Vec<String>) -> Result<ObjectRef, Unreadable> {
    let reference = json::kept("reference", wire.reference, json::ID_MAX, unknown);
    Ok(ObjectRef { kind: COLLECTION, id: Some(json::id("id", wire.id)?), reference })
}

fn object(input: Input<'_>) -> Result<Translation, Unreadable> {
    let wire: wire::Object<'_> = json::object("body", json::body(input.body)?)?;
    let mut told = Translation::default();
    let object = named(&wire, &mut told.unknown)?;
    let standing = match json::required("status", wire.status)?.as_str() {
        _ if input.kind == CREATED => Standing::Pending,
        // Every status of theirs, from their documents.
        "pending" => Standing::Pending,
        "succeeded" => Standing::Succeeded,
        "failed" => Standing::Failed("failed"),
        // Never guess: a word that nobody knows is counted and moves nothing.
        _ => Standing::Unknown,
    };
    told.unknown.extend((standing == Standing::Unknown).then(|| "status".to_owned()));
    let currency = json::currency("currency", wire.currency)?;
    let fees = own_fee(json::amount("fee", wire.fee)?, currency, "fee");
    let amount = json::amount("amount", wire.amount)?;
    let (body, watch) = statements::order(SubjectKind::Payment, standing, amount, fees)?;
    let phone = json::kept("phone", wire.phone, 40, &mut told.unknown);
    let occurred_at = json::time("since", wire.since)?;
    told.watch.push((object.clone(), watch));
    told.said.extend(body.map(|body| Said {
        currency: Some(currency),
        occurred_at,
        party: phone.map(|phone| PartyDetails { phone: Some(phone), ..PartyDetails::default() }),
        confirms: input.kind == WEBHOOK,
        ..Said::about(object, SubjectKind::Payment, body)
    }));
    Ok(told)
}
