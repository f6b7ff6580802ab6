//! Refunds (`providers/dollr.md`, sections 7.4 and 8.3). No call of ours makes one, since nothing documented names the
//! payment it is for; one made in the portal is told without its payment, and the ledger withholds it.

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::Bearer;
use ensimbi_events::words::payment::{RefundFailed, RefundSucceeded};
use ensimbi_events::{Body, SubjectKind};

use super::super::REFUND;
use super::super::wire::Outcome;
use super::execution::{ATTEMPT, OF_LINK, Reading, left_for_fees};
use crate::connector::{Said, Translation, Unreadable};

pub(super) fn read(text: &str) -> Result<Translation, Unreadable> {
    let mut reading = Reading::of(text, REFUND)?;
    let mut translation = Translation::default();
    if matches!(reading.outcome, Outcome::Succeeded | Outcome::Failed) {
        // Who is payer and payee of a refund, they do not say; the wallet loses, so it is the payer (as of a payout).
        let (payer, payee) = (reading.payer()?, reading.payee()?);
        let mut doubt = (payer.currency != payee.currency).then_some(DiscrepancyKind::CurrencyDiffers);
        let (body, occurrence): (Body, _) = if reading.outcome == Outcome::Failed {
            doubt = None;
            let reason = reading.word.clone();
            let body = RefundFailed { attempt: ATTEMPT, amount: payer.amount, is_final: true, reason };
            (body.into(), reading.occurrence())
        } else {
            let mut body = RefundSucceeded {
                payment_id: OF_LINK,
                amount: payer.amount,
                wallet_debit: payer.amount,
                attempt: None,
                fees: Vec::new(),
                returned: Vec::new(),
            };
            if doubt.is_none() {
                let (fees, wrong) =
                    left_for_fees(payer.amount, payee.amount, payer.currency, Bearer::Merchant, "payer_minus_payee");
                (body.amount, body.fees, doubt) = (payee.amount, fees, wrong);
            }
            // Nothing names the payment it returns.
            doubt = doubt.or(Some(DiscrepancyKind::UnknownOriginal));
            (body.into(), String::new())
        };
        translation.said.push(Said {
            occurrence,
            currency: Some(payer.currency),
            doubt,
            operator_transaction: reading.operator_transaction(),
            ..Said::about(reading.object.clone(), SubjectKind::Refund, body)
        });
    }
    let watch = reading.watch();
    translation.watch.push((reading.object, watch));
    translation.unknown = reading.unknown;
    Ok(translation)
}
