//! Their bytes to our statements. Pure: the bytes, the connection's options and the moment they came decide, nothing
//! else.
//!
//! One kind of read states the money: the status answer. A create answer says no more than "pending", whatever its
//! status, and asks for a status read; a callback only names its object. So webhook, poll and create give one fact.
//! `record` reads what collections and payouts share; `collection` and `payout` say what it means; `pages` are history;
//! `rows` are the wallet's own book; `wallet` is its balance, and the banks.

use ensimbi_events::Time;

use super::wire::{self, Callback, Record, unreadable};
use super::{COLLECTION, DISBURSEMENT, kind};
use crate::connector::{Input, ObjectRef, Translation, Unreadable, Watch};

mod collection;
mod pages;
mod payout;
mod record;
pub(super) mod rows;
mod wallet;

pub(super) fn translate(input: Input<'_>) -> Result<Translation, Unreadable> {
    match input.kind {
        kind::CREATED | kind::STATUS => collection::read(input),
        kind::PAYOUT_CREATED | kind::PAYOUT_STATUS => payout::read(input),
        kind::PAYOUT_ROWS => pages::of_one(input),
        kind::PAYOUT_HISTORY => pages::of_wallet(input),
        kind::WALLET_BALANCE => wallet::balance(input),
        kind::BANK_LIST => wallet::banks(input),
        kind::WALLET_ROWS => rows::exported(input),
        kind::WEBHOOK => {
            let watch = hinted(input.body)?.into_iter().map(|object| (object, Watch::Unsettled)).collect();
            Ok(Translation { watch, ..Translation::default() })
        }
        _ => Err(unreadable("kind", "not a kind of this connector")),
    }
}

/// The object of a callback: by id, by our reference, or both. One with a payee is a payout's (section 11).
pub(super) fn hinted(bytes: &[u8]) -> Result<Vec<ObjectRef>, Unreadable> {
    let mut callback: Callback<'_> = wire::object("body", wire::body(bytes)?)?;
    if let (None, None, Some(inner)) = (callback.id, callback.external_id, callback.transaction) {
        callback = wire::object("transaction", inner.get())?;
    }
    let paid_out = callback.payee.is_some() && callback.payer.is_none();
    let kind = if paid_out { DISBURSEMENT } else { COLLECTION };
    let id = callback.id.map(|id| wire::id("id", Some(id))).transpose()?;
    let reference = record::reference(callback.external_id, &mut Vec::new());
    if id.is_none() && reference.is_none() {
        return Err(unreadable("id", "missing"));
    }
    Ok(vec![ObjectRef { kind, id, reference }])
}

/// The record created last; the first of those that are as late.
fn newest<'a>(all: impl IntoIterator<Item = (usize, &'a Record<'a>)>) -> Option<usize> {
    let created = |of: &Record<'_>| wire::text("createdAt", of.created_at).ok()??.parse::<Time>().ok();
    let mut best = None;
    for (index, of) in all {
        let at = created(of);
        if best.is_none_or(|(latest, _)| at > latest) {
            best = Some((at, index));
        }
    }
    best.map(|(_, index)| index)
}
