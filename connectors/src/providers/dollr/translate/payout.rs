//! Payouts (`providers/dollr.md`, sections 8 and 10.3): the wallet loses `payer_amount`, the beneficiary gets
//! `payee_amount`, and what lies between is a fee that we bear. No receipt itemises it.

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::Bearer;
use ensimbi_events::words::payout::{PayoutFailed, PayoutPending, PayoutSucceeded};
use ensimbi_events::{Body, Money, SubjectKind};

use super::super::PAYOUT;
use super::super::wire::Outcome;
use super::execution::{ATTEMPT, Reading, left_for_fees};
use crate::connector::{Said, Translation, Unreadable};

pub(super) fn read(text: &str) -> Result<Translation, Unreadable> {
    let mut reading = Reading::of(text, PAYOUT)?;
    let mut translation = Translation::default();
    if reading.outcome != Outcome::Unknown {
        let (payer, payee) = (reading.payer()?, reading.payee()?);
        // The beneficiary's figure is the principal, where it is in the wallet's currency.
        let asked = if payee.currency == payer.currency { payee.amount } else { payer.amount };
        let mut doubt = None;
        let (body, occurrence): (Option<Body>, _) = match reading.outcome {
            Outcome::Succeeded => {
                let (body, found) = success(payer, payee);
                doubt = found;
                (Some(body.into()), String::new())
            }
            // One that fails may never have had figures: it ended all the same, and its reservation with it.
            Outcome::Failed => {
                let reason = reading.word.clone();
                let body = PayoutFailed { attempt: ATTEMPT, amount: asked, is_final: true, reason };
                (Some(body.into()), reading.occurrence())
            }
            Outcome::Pending | Outcome::Unknown => {
                let body = PayoutPending { amount: asked, attempt: None };
                (asked.is_positive().then(|| body.into()), String::new())
            }
        };
        let operator_transaction = reading.operator_transaction();
        translation.said.extend(body.map(|body| Said {
            occurrence,
            currency: Some(payer.currency),
            doubt,
            operator_transaction,
            ..Said::about(reading.object.clone(), SubjectKind::Payout, body)
        }));
    }
    let watch = reading.watch();
    translation.watch.push((reading.object, watch));
    translation.unknown = reading.unknown;
    Ok(translation)
}

fn success(payer: Money, payee: Money) -> (PayoutSucceeded, Option<DiscrepancyKind>) {
    let (debit, own) = (payer.amount, payer.currency);
    let mut body = PayoutSucceeded {
        amount: debit,
        wallet_debit: debit,
        attempt: None,
        beneficiary: Some(payee),
        fees: Vec::new(),
    };
    if payee.currency != own {
        // How much of the debit was fees, nothing tells; no rate of ours decides it.
        return (body, Some(DiscrepancyKind::CurrencyDiffers));
    }
    let (fees, doubt) = left_for_fees(debit, payee.amount, own, Bearer::Merchant, "payer_minus_payee");
    (body.amount, body.fees) = (payee.amount, fees);
    let none = !payee.amount.is_positive();
    (body, doubt.or_else(|| none.then_some(DiscrepancyKind::AmountImplausible)))
}
