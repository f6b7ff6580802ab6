//! Pages of payout history (`providers/iotec.md`, section 8): the one answer that carries the rows of a payout.
//!
//! Asked for by one reference, a page tells what rows alone can tell: what a rollback gave back, and what a failure
//! kept. Asked for by wallet, it names payouts, so that each is read by its own status, whoever made it.

use std::collections::BTreeMap;

use ensimbi_events::word::{Bearer, Component, FigureSource};
use ensimbi_events::words::wallet::FeeCharged;
use ensimbi_events::{Body, SubjectKind};

use super::super::DISBURSEMENT;
use super::super::tariff::PayoutFee;
use super::super::wire::{self, Record, Status};
use super::payout::{Payout, rows_of};
use super::record::{Answer, fee, reference};
use super::rows::Left;
use super::{newest, rows, wallet};
use crate::connector::{Input, Links, ObjectRef, Said, Translation, Unreadable, Watch};

/// The payouts under one reference: the newest is told, any other is watched by its own id.
pub(super) fn of_one(input: Input<'_>) -> Result<Translation, Unreadable> {
    let policy = wire::option(PayoutFee::of(input.options))?;
    let (_, all) = wire::page(input.body)?;
    let mut translation = Translation::default();
    let told = newest_of_each(&all);
    if told.len() < all.len() {
        // A second payment under one reference.
        translation.unknown.push("several_records".to_owned());
    }
    for (index, wire) in all.iter().enumerate() {
        let mut payout = Payout { answer: Answer::new(wire), policy };
        let object = payout.answer.object(DISBURSEMENT)?;
        if told.contains(&index) {
            let watch = tell(&mut payout, &object, &mut translation)?;
            translation.watch.extend(rows_of(&object).map(|rows| (rows, watch)));
        } else {
            translation.watch.push((object, Watch::Unsettled));
        }
        wallet::bank_of(wire, &mut translation);
        translation.unknown.append(&mut payout.answer.unknown);
        rows::keep(wire, &mut translation);
    }
    Ok(translation)
}

/// The newest record of each reference; one without a reference stands alone. Should the filter be taken for a part of
/// a reference, records of other payouts come along, and what their rows say is as true.
fn newest_of_each(all: &[Record<'_>]) -> Vec<usize> {
    let mut groups: BTreeMap<(Option<String>, usize), Vec<usize>> = BTreeMap::new();
    for (index, record) in all.iter().enumerate() {
        let reference = reference(record.external_id, &mut Vec::new());
        let alone = if reference.is_some() { 0 } else { index };
        groups.entry((reference, alone)).or_default().push(index);
    }
    let newest = |group: Vec<usize>| newest(group.into_iter().filter_map(|index| all.get(index).map(|of| (index, of))));
    groups.into_values().filter_map(newest).collect()
}

/// What the rows of one payout say, and how to go on with them.
fn tell(payout: &mut Payout<'_>, object: &ObjectRef, to: &mut Translation) -> Result<Watch, Unreadable> {
    let (status, _) = payout.answer.status()?;
    match status {
        Status::RolledBack => {
            let (amount, currency) = payout.answer.figures()?;
            let (body, doubt) = payout.reversal(object, amount, currency)?;
            let party = payout.party();
            let about = (object, SubjectKind::Payout);
            to.said.push(payout.answer.said(about, (status, amount, currency), body.into(), doubt, party));
            Ok(Watch::Ended)
        }
        Status::Failed | Status::Cancelled | Status::Rejected => kept_fee(payout, object, to),
        // The status answer states it.
        Status::Success => Ok(Watch::Ended),
        _ => {
            to.watch.push((object.clone(), Watch::Unsettled));
            Ok(Watch::Unsettled)
        }
    }
}

/// A failed payout whose rows do not come to zero has kept a fee (`bookkeeping.md` 8, 6b).
fn kept_fee(payout: &mut Payout<'_>, object: &ObjectRef, to: &mut Translation) -> Result<Watch, Unreadable> {
    let (kept, row) = match rows::left(payout.answer.wire, object) {
        Left::Nothing => return Ok(Watch::Ended),
        Left::Fee(kept, row) => (kept, row),
        // The money may still be on its way back: nothing is said, and asked again.
        Left::Unclear(word) => {
            to.unknown.push(word.to_owned());
            return Ok(Watch::Unsettled);
        }
    };
    let currency = payout.answer.currency()?;
    let source = if kept == row.amount { FigureSource::Observed } else { FigureSource::Derived };
    let mut charge = fee(Component::Provider, Bearer::Merchant, kept, currency, "transactions");
    charge.source = source;
    let body = FeeCharged { payment_id: None, document: Some(row.seen.id.clone()), fees: vec![charge] };
    to.said.push(Said {
        object: object.clone(),
        subject_kind: SubjectKind::Payout,
        occurrence: row.seen.id,
        currency: Some(currency),
        wallet: payout.answer.wallet().or(row.seen.wallet),
        body: Body::from(body),
        occurred_at: row.created_at,
        party: None,
        doubt: None,
        operator_transaction: None,
        links: Links::default(),
        confirms: false,
    });
    Ok(Watch::Ended)
}

/// A page of a wallet's payouts: each is read by its own status, since a page is no answer about one payout. A rollback
/// is never announced (section 11), so a page that shows one asks for its rows.
pub(super) fn of_wallet(input: Input<'_>) -> Result<Translation, Unreadable> {
    let (_, all) = wire::page(input.body)?;
    let mut translation = Translation::default();
    for wire in &all {
        let mut answer = Answer::new(wire);
        let object = answer.object(DISBURSEMENT)?;
        let rolled_back = wire::text("status", wire.status).ok().flatten().as_deref() == Some("RolledBack");
        let rows = rows_of(&object).filter(|_| rolled_back);
        translation.watch.push((object, Watch::Unsettled));
        translation.watch.extend(rows.map(|rows| (rows, Watch::Unsettled)));
        wallet::bank_of(wire, &mut translation);
        rows::keep_and_tell(wire, answer.currency().ok(), &mut translation);
        translation.unknown.append(&mut answer.unknown);
    }
    Ok(translation)
}
