//! Transfers between wallets (`providers/dollr.md`, sections 7.3 and 8.3), in one currency or two (`bookkeeping.md`,
//! example 20). No order of ours starts one, and their bytes name neither wallet: it is told and doubted, so that a
//! person decides where it went.

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::Bearer;
use ensimbi_events::words::wallet::PurseTransferred;
use ensimbi_events::{SubjectKind, WalletId};
use uuid::Uuid;

use super::super::TRANSFER;
use super::super::wire::Outcome;
use super::execution::{Reading, left_for_fees};
use crate::connector::{Said, Translation, Unreadable};

pub(super) fn read(text: &str) -> Result<Translation, Unreadable> {
    let mut reading = Reading::of(text, TRANSFER)?;
    let mut translation = Translation::default();
    if reading.outcome == Outcome::Succeeded {
        let (payer, payee) = (reading.payer()?, reading.payee()?);
        let (fees, wrong) = if payer.currency == payee.currency {
            left_for_fees(payer.amount, payee.amount, payer.currency, Bearer::Merchant, "payer_minus_payee")
        } else {
            (Vec::new(), None)
        };
        let nobody = WalletId(Uuid::nil());
        let body = PurseTransferred {
            from: nobody,
            to: nobody,
            amount_out: payer.amount,
            amount_in: payee.amount,
            currency_in: payee.currency,
            fees,
        };
        translation.said.push(Said {
            currency: Some(payer.currency),
            doubt: wrong.or(Some(DiscrepancyKind::PartyDiffers)),
            operator_transaction: reading.operator_transaction(),
            ..Said::about(reading.object.clone(), SubjectKind::Transfer, body)
        });
    }
    let watch = reading.watch();
    translation.watch.push((reading.object, watch));
    translation.unknown = reading.unknown;
    Ok(translation)
}
