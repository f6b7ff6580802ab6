//! Payouts: what a body says (`providers/paytota.md`, sections 6 and 7). `error` is an end of one attempt: the payout can
//! be carried out again, which is another attempt of ours.

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::words::payout::{PayoutFailed, PayoutPending, PayoutSucceeded};
use ensimbi_events::{Body, Currency, Money, SubjectKind};

use super::super::options::PayoutFee;
use super::super::wire::{self, Payment, Thing, Unit, unreadable};
use super::super::{PAYOUT, PAYOUTS};
use super::purchase::untold;
use super::thing::{Reading, fees, unit};
use super::{Channel, Policy};
use crate::connector::{Input, Links, ObjectRef, Said, Translation, Unreadable, Watch};

/// The door puts the attempt's number here: it is not in their bytes.
const ATTEMPT: u32 = 0;

pub(super) fn read(input: Input<'_>, policy: &Policy, channel: Channel) -> Result<Translation, Unreadable> {
    let thing: Thing<'_> = wire::object("body", wire::body(input.body)?)?;
    let mut reading = Reading::new(&thing, input, channel)?;
    let object = reading.object(PAYOUT)?;
    let status = reading.status()?;
    if let Some(foreign) = reading.foreign(status == "success")? {
        return Ok(untold(object, foreign));
    }
    let mut translation = Translation::default();
    let mut watch = match status.as_str() {
        "initialized" | "pending" => Watch::Unsettled,
        "success" => Watch::Settled,
        "error" => Watch::Ended,
        _ => {
            reading.unknown_status(&status);
            Watch::Unsettled
        }
    };
    if channel != Channel::Created {
        translation.said.extend(said(&mut reading, &object, &status, policy)?);
        // An end that nothing could be said of is none.
        if translation.said.is_empty() {
            watch = Watch::Unsettled;
        }
    }
    // A push asks for our own read, whatever it says.
    translation.watch.push((object, if channel == Channel::Read { watch } else { Watch::Unsettled }));
    translation.unknown = reading.unknown;
    Ok(translation)
}

fn said(
    reading: &mut Reading<'_>,
    object: &ObjectRef,
    status: &str,
    policy: &Policy,
) -> Result<Option<Said>, Unreadable> {
    if !matches!(status, "pending" | "success" | "error") {
        return Ok(None);
    }
    let payment: Option<Payment<'_>> = wire::inner("payment", reading.thing.payment)?;
    let payment = payment.ok_or_else(|| unreadable("payment", "missing"))?;
    let kind = wire::text("payment.payment_type", payment.payment_type)?;
    let outgoing = payment.is_outgoing.is_none() || wire::flag("payment.is_outgoing", payment.is_outgoing)?;
    if !outgoing || kind.is_some_and(|kind| kind != "payout") {
        reading.unknown.push("payment_of_another_kind".to_owned());
        return Ok(None);
    }
    let (currency, unit) = unit("payment.currency", payment.currency, &policy.currencies)?;
    let amount = wire::amount("payment.amount", payment.amount, unit)?;
    let mut doubt = None;
    let (body, occurrence, occurred_at): (Body, _, _) = match status {
        "pending" => (PayoutPending { amount, attempt: None }.into(), String::new(), None),
        "error" => {
            let (occurrence, at) = reading.occurrence(status);
            let reason = reading.reason(status);
            (PayoutFailed { attempt: ATTEMPT, amount, is_final: true, reason }.into(), occurrence, at)
        }
        _ => {
            let (body, found) = success(&payment, policy.payout_fee, currency, unit)?;
            doubt = found;
            (body.into(), String::new(), reading.moment("payment.paid_on", payment.paid_on))
        }
    };
    let said = reading.said(object, SubjectKind::Payout, body)?;
    let party = reading.party();
    Ok(Some(Said {
        occurrence,
        occurred_at,
        currency: Some(currency),
        party,
        doubt,
        operator_transaction: reading.operator_reference(),
        links: Links { purse: Some(PAYOUTS), ..Links::default() },
        ..said
    }))
}

/// Principal and fee are two figures; the debit never comes from `net_amount`, whose meaning is not settled (section 7).
fn success(
    payment: &Payment<'_>,
    policy: PayoutFee,
    currency: Currency,
    unit: Unit<'_>,
) -> Result<(PayoutSucceeded, Option<DiscrepancyKind>), Unreadable> {
    let amount = wire::amount("payment.amount", payment.amount, unit)?;
    let fee = wire::amount("payment.fee_amount", payment.fee_amount, unit)?;
    let list = fees(policy.bearer(), fee, currency);
    let booked = list.first().map_or_else(Default::default, |fee| fee.amount);
    let (debit, arrives) = match policy {
        PayoutFee::OnTop => (amount.checked_add(booked), Some(amount)),
        PayoutFee::Inside => (Some(amount), amount.checked_sub(booked)),
    };
    let range = || unreadable("payment.amount", "amount and fee together are too large for the ledger");
    let beneficiary = Money { amount: arrives.ok_or_else(range)?, currency };
    let body = PayoutSucceeded {
        amount,
        wallet_debit: debit.ok_or_else(range)?,
        attempt: None,
        beneficiary: Some(beneficiary),
        fees: list,
    };
    let implausible = fee.is_negative() || (policy == PayoutFee::Inside && fee > amount);
    Ok((body, implausible.then_some(DiscrepancyKind::FeeImplausible)))
}
