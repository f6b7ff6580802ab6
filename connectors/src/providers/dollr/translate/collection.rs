//! Collections: an execution's status beside its source (`providers/dollr.md`, sections 8 and 9).
//!
//! Order: how the source began, the money, how the source ended. A failed execution is final for its reference; the
//! source can be paid with another one, which is another attempt of ours.

use ensimbi_events::words::payment::{CollectionFailed, CollectionPending};
use ensimbi_events::{Body, SubjectKind};

use super::super::COLLECTION;
use super::super::wire::{self, Outcome, Parts, unreadable};
use super::execution::Reading;
use super::settled::Settled;
use super::source::Source;
use super::{hosted, receipt};
use crate::connector::{Input, Links, Said, Translation, Unreadable, Watch};

pub(super) fn read(text: &str, input: &Input<'_>) -> Result<Translation, Unreadable> {
    let parts: Parts<'_> = wire::object("body", text)?;
    let execution = parts.execution.ok_or_else(|| unreadable("execution", "missing"))?;
    let mut reading = Reading::of(execution.get(), COLLECTION)?;
    let Some(source) = parts.source else {
        // Without its source nothing is said of it: it is asked for again.
        reading.unknown.push("source_absent".to_owned());
        let watch = vec![(reading.object, Watch::Unsettled)];
        return Ok(Translation { watch, unknown: reading.unknown, ..Translation::default() });
    };
    let mut source = Source::of(source.get())?;
    let mut translation = Translation { said: source.opened(), ..Translation::default() };
    translation.said.extend(money(&mut reading, &mut source)?);
    translation.said.extend(source.closed());
    translation.watch.push((reading.object.clone(), reading.watch()));
    translation.unknown = reading.unknown;
    translation.unknown.append(&mut source.unknown);
    if reading.outcome == Outcome::Succeeded {
        let told = parts.receipt.map(|part| receipt::Reading::of(part.get(), input)).transpose()?;
        match told {
            Some(told) => told.tell(&mut translation),
            None => translation.watch.push((hosted::receipt_of(&source.name), Watch::Unsettled)),
        }
    }
    Ok(translation)
}

/// What it says of money.
fn money(reading: &mut Reading<'_>, source: &mut Source<'_>) -> Result<Option<Said>, Unreadable> {
    let amount = source.total.amount;
    let (body, occurrence): (Body, _) = match reading.outcome {
        Outcome::Unknown => return Ok(None),
        Outcome::Succeeded => return paid(reading, source).map(Some),
        // The ledger asks for an amount of what is under way; a source that asks for nothing cannot be paid.
        Outcome::Pending if !amount.is_positive() => return Ok(None),
        Outcome::Pending => (CollectionPending { amount, fee_bearer: None, invoice_id: None }.into(), String::new()),
        Outcome::Failed => {
            let reason = reading.word.clone();
            let body = CollectionFailed { amount, is_final: true, reason, fee_bearer: None, invoice_id: None };
            (body.into(), reading.occurrence())
        }
    };
    let currency = Some(source.total.currency);
    let party = source.party();
    let links = Links { invoice: Some(source.object()), ..Links::default() };
    let said = Said::about(reading.object.clone(), SubjectKind::Payment, body);
    Ok(Some(Said { occurrence, currency, party, links, ..said }))
}

fn paid(reading: &mut Reading<'_>, source: &mut Source<'_>) -> Result<Said, Unreadable> {
    let currency = wire::currency("payer_currency", reading.wire.payer_currency)?;
    let payer = wire::figure("payer_amount", reading.wire.payer_amount)?;
    let payer = payer.ok_or_else(|| unreadable("payer_amount", "missing"))?;
    let settled = Settled {
        total: source.total,
        bearer: source.bearer()?,
        payer: Some((payer, currency)),
        payee: reading.payee()?,
        rate: None,
        channel: None,
    };
    let (body, currency, doubt) = settled.told();
    let said = Said::about(reading.object.clone(), SubjectKind::Payment, body);
    Ok(Said {
        currency: Some(currency),
        occurred_at: source.paid_at(),
        party: source.party(),
        doubt,
        operator_transaction: reading.operator_transaction(),
        links: Links {
            invoice: Some(source.object()).filter(|_| currency == source.total.currency),
            ..Links::default()
        },
        ..said
    })
}
