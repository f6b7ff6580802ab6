//! Their bytes to our statements. The answer that makes an object says no more than "pending", a push confirms what our
//! own read states, and a live book gets nothing of any of them.

use ensimbi_events::SubjectKind;
use ensimbi_events::word::Mode;

use super::{BALANCE, COLLECTION, CREATED, PAYOUT, STATUS, WALLET, WEBHOOK};
use crate::connector::{Input, ObjectRef, PartyDetails, Said, Translation, Unreadable};
use crate::json;
use crate::statements::{self, Standing, own_fee};

mod wire {
    crate::json_object! { Object { id, reference, kind, status, amount, fee, currency, phone, since } }
    crate::json_object! { Wallet { wallet, currency, balance } }
}

pub(super) fn translate(input: Input<'_>) -> Result<Translation, Unreadable> {
    match input.kind {
        CREATED | STATUS | BALANCE | WEBHOOK if input.mode == Mode::Live => {
            Ok(Translation { unknown: vec!["live_book".to_owned()], ..Translation::default() })
        }
        CREATED | STATUS | WEBHOOK => object(input),
        BALANCE => balance(input),
        _ => Err(json::unreadable("kind", "not a kind of this connector")),
    }
}

pub(super) fn hinted(body: &[u8]) -> Result<Vec<ObjectRef>, Unreadable> {
    Ok(vec![named(&json::object("body", json::body(body)?)?, &mut Vec::new())?])
}

fn named(wire: &wire::Object<'_>, unknown: &mut Vec<String>) -> Result<ObjectRef, Unreadable> {
    let (word, wrong) = (json::required("kind", wire.kind)?, || json::unreadable("kind", "no kind of theirs"));
    let kind = [COLLECTION, PAYOUT].into_iter().find(|kind| *kind == word).ok_or_else(wrong)?;
    let reference = json::kept("reference", wire.reference, json::ID_MAX, unknown);
    Ok(ObjectRef { kind, id: Some(json::id("id", wire.id)?), reference })
}

fn object(input: Input<'_>) -> Result<Translation, Unreadable> {
    let wire: wire::Object<'_> = json::object("body", json::body(input.body)?)?;
    let mut told = Translation::default();
    let object = named(&wire, &mut told.unknown)?;
    let standing = match json::required("status", wire.status)?.as_str() {
        word if input.kind == CREATED || word == "pending" => Standing::Pending,
        "succeeded" => Standing::Succeeded,
        "failed" => Standing::Failed("failed"),
        _ => Standing::Unknown,
    };
    told.unknown.extend((standing == Standing::Unknown).then(|| "status".to_owned()));
    let subject = if object.kind == PAYOUT { SubjectKind::Payout } else { SubjectKind::Payment };
    let currency = json::currency("currency", wire.currency)?;
    let fees = own_fee(json::amount("fee", wire.fee)?, currency, "fee");
    let (body, watch) = statements::order(subject, standing, json::amount("amount", wire.amount)?, fees)?;
    let phone = json::kept("phone", wire.phone, 40, &mut told.unknown);
    let occurred_at = json::time("since", wire.since)?;
    told.watch.push((object.clone(), watch));
    told.said.extend(body.map(|body| Said {
        currency: Some(currency),
        occurred_at,
        party: phone.map(|phone| PartyDetails { phone: Some(phone), ..PartyDetails::default() }),
        confirms: input.kind == WEBHOOK,
        ..Said::about(object, subject, body)
    }));
    Ok(told)
}

fn balance(input: Input<'_>) -> Result<Translation, Unreadable> {
    let wire: wire::Wallet<'_> = json::object("body", json::body(input.body)?)?;
    let (wallet, currency) = (json::id("wallet", wire.wallet)?, json::currency("currency", wire.currency)?);
    let balance = json::amount("balance", wire.balance)?;
    let said = vec![statements::balance(WALLET, wallet, currency, balance, input.received_at)];
    Ok(Translation { said, ..Translation::default() })
}
