//! Payouts: what an answer of the create and status calls says (`providers/iotec.md`, sections 5, 7 and 9.3).
//!
//! Status answers carry no rows, so two ends ask for them: a failure, which may have kept a fee, and a rollback, which
//! only the rows can tell (`pages`). Our attempt's number is not in their bytes: it stands as 1 here.

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::{Bearer, Component, Fee};
use ensimbi_events::words::payout::{PayoutFailed, PayoutPending, PayoutReversed, PayoutSucceeded};
use ensimbi_events::{Amount, Body, Currency, Money, SubjectKind};

use super::super::tariff::PayoutFee;
use super::super::wire::{self, Status, unreadable};
use super::super::{DISBURSEMENT, ROWS, kind};
use super::record::{Answer, fee};
use super::{newest, rows, wallet};
use crate::connector::{Input, ObjectRef, PartyDetails, Translation, Unreadable, Watch};

/// Which attempt, as far as bytes can tell.
const ATTEMPT: u32 = 1;

pub(super) fn read(input: Input<'_>) -> Result<Translation, Unreadable> {
    let policy = wire::option(PayoutFee::of(input.options))?;
    let all = wire::records(input.body)?;
    let mut translation = Translation::default();
    let newest = newest(all.iter().enumerate()).ok_or_else(|| unreadable("body", "an empty list"))?;
    if all.len() > 1 {
        translation.unknown.push("several_records".to_owned());
    }
    for (index, wire) in all.iter().enumerate() {
        let mut payout = Payout { answer: Answer::new(wire), policy };
        let object = payout.answer.object(DISBURSEMENT)?;
        // The others are read by their own ids, so that a second payment under one reference is seen.
        if index == newest {
            payout.tell(&object, input.kind == kind::PAYOUT_CREATED, &mut translation)?;
        } else {
            translation.watch.push((object, Watch::Unsettled));
        }
        wallet::bank_of(wire, &mut translation);
        translation.unknown.append(&mut payout.answer.unknown);
        rows::keep(wire, &mut translation);
    }
    Ok(translation)
}

/// The rows of a payout as an object that can be read; nothing without our reference, which is the only filter.
pub(super) fn rows_of(object: &ObjectRef) -> Option<ObjectRef> {
    object.reference.is_some().then(|| ObjectRef { kind: ROWS, ..object.clone() })
}

/// One payout under reading.
pub(super) struct Payout<'a> {
    pub(super) answer: Answer<'a>,
    pub(super) policy: PayoutFee,
}

impl Payout<'_> {
    /// What a create or a status answer says, and how to go on.
    fn tell(&mut self, object: &ObjectRef, created: bool, to: &mut Translation) -> Result<(), Unreadable> {
        let (status, word) = self.answer.status()?;
        if status == Status::Other {
            to.watch.push((object.clone(), Watch::Unsettled));
            return Ok(());
        }
        let (amount, currency) = self.answer.figures()?;
        let open = PayoutPending { amount, attempt: Some(ATTEMPT) };
        let (body, doubt, watch): (Option<Body>, _, _) = match status {
            _ if created => (Some(open.into()), None, Watch::Unsettled),
            Status::Success => {
                let (body, doubt) = self.success(amount, currency)?;
                (Some(body.into()), doubt, Watch::Settled)
            }
            Status::Failed | Status::Cancelled | Status::Rejected => {
                let reason = self.answer.reason(&word);
                (Some(PayoutFailed { attempt: ATTEMPT, amount, is_final: true, reason }.into()), None, Watch::Ended)
            }
            Status::RolledBack => (None, None, Watch::Ended),
            _ => (Some(open.into()), None, Watch::Unsettled),
        };
        to.watch.push((object.clone(), watch));
        if watch == Watch::Ended {
            match rows_of(object) {
                Some(rows) => to.watch.push((rows, Watch::Unsettled)),
                None => to.unknown.push("rows_without_reference".to_owned()),
            }
        }
        if let Some(body) = body {
            let party = self.party();
            let about = (object, SubjectKind::Payout);
            to.said.push(self.answer.said(about, (status, amount, currency), body, doubt, party));
        }
        Ok(())
    }

    fn success(
        &mut self,
        amount: Amount,
        currency: Currency,
    ) -> Result<(PayoutSucceeded, Option<DiscrepancyKind>), Unreadable> {
        let most = (self.policy == PayoutFee::Inside).then_some(amount);
        // On top, a fee may well be above a small amount.
        let fees = self.answer.fees((self.policy.bearer(), currency), true, most)?;
        let range = || unreadable("amount", "amount and fees together are too large for the ledger");
        let (debit, arrives) = match self.policy {
            PayoutFee::OnTop => (amount.checked_add(fees.sum), Some(amount)),
            PayoutFee::Inside => (Some(amount), amount.checked_sub(fees.sum)),
        };
        let beneficiary = Money { amount: arrives.ok_or_else(range)?, currency };
        let body = PayoutSucceeded {
            amount,
            wallet_debit: debit.ok_or_else(range)?,
            attempt: Some(ATTEMPT),
            beneficiary: Some(beneficiary),
            fees: fees.list,
        };
        Ok((body, fees.doubt))
    }

    /// What came back is what the rollback rows say, never a mirror image of the success.
    pub(super) fn reversal(
        &mut self,
        object: &ObjectRef,
        amount: Amount,
        currency: Currency,
    ) -> Result<(PayoutReversed, Option<DiscrepancyKind>), Unreadable> {
        let fees = self.answer.fees((self.policy.bearer(), currency), false, None)?;
        let whole = PayoutReversed { amount, wallet_credit: amount, returned: vec![], fees: vec![] };
        let sums = match rows::rolled_back(self.answer.wire, object) {
            Ok(Some(sums)) => sums,
            Ok(None) => return Ok((whole, Some(DiscrepancyKind::RollbackWithoutRows))),
            Err(_) => return Ok((whole, Some(DiscrepancyKind::ValueDoesNotFit))),
        };
        let credit = match sums.topped_up.checked_sub(sums.deducted) {
            Some(credit) if credit.is_positive() => credit,
            _ => return Ok((whole, Some(DiscrepancyKind::SumsDiffer))),
        };
        let (body, adds_up) = match self.policy {
            PayoutFee::OnTop => on_top(whole, credit, fees.list, fees.sum, currency),
            PayoutFee::Inside => inside(whole, credit, fees.list, fees.sum),
        };
        let adds_up = adds_up && sums.deducted.is_zero();
        Ok((body, fees.doubt.or((!adds_up).then_some(DiscrepancyKind::SumsDiffer))))
    }

    /// The payee of a mobile payout is a phone number; of a bank payout it may be an account, which is never kept.
    pub(super) fn party(&mut self) -> Option<PartyDetails> {
        let wire = self.answer.wire;
        let mobile = matches!(wire::text("category", wire.category), Ok(Some(word)) if word == "MobileMoney");
        let bank = wire.bank_id.is_some() || wire.bank.is_some();
        let payee = wire.payee.filter(|_| mobile && !bank);
        let phone = self.answer.kept("payee", payee, wire::PARTY_TEXT_MAX).filter(|payee| wire::is_phone(payee));
        let name = self.answer.kept("payeeName", wire.payee_name, wire::PARTY_TEXT_MAX);
        (phone.is_some() || name.is_some()).then_some(PartyDetails { phone, name, email: None })
    }
}

/// The wallet had lost amount and fees: what of the fees came back, and whether that adds up. Where less than the amount
/// came back, only so much is reversed.
fn on_top(
    whole: PayoutReversed,
    credit: Amount,
    fees: Vec<Fee>,
    sum: Amount,
    currency: Currency,
) -> (PayoutReversed, bool) {
    let body = PayoutReversed { wallet_credit: credit, ..whole };
    match credit.checked_sub(body.amount) {
        Some(over) if over.is_zero() => (body, true),
        Some(over) if over == sum => (PayoutReversed { returned: fees, ..body }, true),
        Some(over) if over.is_positive() => {
            let returned = vec![fee(Component::Unitemised, Bearer::Merchant, over, currency, "transactions")];
            (PayoutReversed { returned, ..body }, false)
        }
        _ => (PayoutReversed { amount: credit, ..body }, false),
    }
}

/// The wallet had lost the amount. All of it came back: so did the beneficiary's fee. All but the fee: the fee is ours.
fn inside(whole: PayoutReversed, credit: Amount, fees: Vec<Fee>, sum: Amount) -> (PayoutReversed, bool) {
    let body = PayoutReversed { wallet_credit: credit, ..whole };
    match body.amount.checked_sub(credit) {
        Some(under) if under.is_zero() => (PayoutReversed { returned: fees, ..body }, true),
        Some(under) if under == sum => {
            let ours = fees.iter().map(|fee| Fee { bearer: Bearer::Merchant, ..fee.clone() });
            (PayoutReversed { fees: ours.collect(), returned: fees, ..body }, true)
        }
        _ => (PayoutReversed { amount: credit, ..body }, false),
    }
}
