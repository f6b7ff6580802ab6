//! Collections: what an answer of the create and status calls says (`providers/iotec.md`, sections 4 and 7).

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::{Bearer, Component, FigureSource};
use ensimbi_events::words::payment::{CollectionFailed, CollectionPending, CollectionReversed, CollectionSucceeded};
use ensimbi_events::{Amount, Body, Currency, Money, SubjectKind};

use super::super::charging::Charging;
use super::super::wire::{self, Status, unreadable};
use super::super::{COLLECTION, kind};
use super::record::{Answer, fee};
use super::{newest, rows};
use crate::connector::{Input, ObjectRef, PartyDetails, Said, Translation, Unreadable, Watch};

pub(super) fn read(input: Input<'_>) -> Result<Translation, Unreadable> {
    let charging = wire::option(Charging::of(input.options))?;
    let all = wire::records(input.body)?;
    let mut translation = Translation::default();
    let newest = newest(all.iter().enumerate()).ok_or_else(|| unreadable("body", "an empty list"))?;
    if all.len() > 1 {
        translation.unknown.push("several_records".to_owned());
    }
    for (index, wire) in all.iter().enumerate() {
        let mut answer = Collected { answer: Answer::new(wire), charging };
        let object = answer.answer.object(COLLECTION)?;
        let mut watch = Watch::Unsettled;
        // The others are read by their own ids, so that a second payment under one reference is seen.
        if index == newest {
            let (said, next) = answer.read(&object, input.kind == kind::CREATED)?;
            translation.said.extend(said);
            watch = next;
        }
        translation.watch.push((object, watch));
        translation.unknown.append(&mut answer.answer.unknown);
        rows::keep(wire, &mut translation);
    }
    Ok(translation)
}

struct Collected<'a> {
    answer: Answer<'a>,
    charging: Charging,
}

impl Collected<'_> {
    /// The statement, and how to go on. `created`: this is the create answer.
    fn read(&mut self, object: &ObjectRef, created: bool) -> Result<(Option<Said>, Watch), Unreadable> {
        let (status, word) = self.answer.status()?;
        if status == Status::Other {
            return Ok((None, Watch::Unsettled));
        }
        let (amount, currency) = self.answer.figures()?;
        let open = CollectionPending { amount, fee_bearer: None, invoice_id: None };
        let (body, doubt, watch): (Body, _, _) = match status {
            _ if created => (open.into(), None, Watch::Unsettled),
            Status::Success => {
                let (body, doubt) = self.success(amount, currency)?;
                (body.into(), doubt, Watch::Settled)
            }
            Status::Failed | Status::Cancelled | Status::Rejected => {
                let reason = self.answer.reason(&word);
                let body = CollectionFailed { amount, is_final: true, reason, fee_bearer: None, invoice_id: None };
                (body.into(), None, Watch::Ended)
            }
            Status::RolledBack => {
                let (body, doubt) = self.reversal(object, amount, currency)?;
                (body.into(), doubt, Watch::Ended)
            }
            _ => (open.into(), None, Watch::Unsettled),
        };
        let party = self.party();
        let about = (object, SubjectKind::Payment);
        Ok((Some(self.answer.said(about, (status, amount, currency), body, doubt, party)), watch))
    }

    fn success(
        &mut self,
        gross: Amount,
        currency: Currency,
    ) -> Result<(CollectionSucceeded, Option<DiscrepancyKind>), Unreadable> {
        let fees = self.answer.fees((self.charging.bearer(), currency), true, Some(gross))?;
        let (ours, theirs) = match self.charging.bearer() {
            Bearer::Payer => (Amount::ZERO, fees.sum),
            _ => (fees.sum, Amount::ZERO),
        };
        let range = || unreadable("amount", "amount and fees together are too large for the ledger");
        let net = gross.checked_sub(ours).ok_or_else(range)?;
        let payer = Money { amount: gross.checked_add(theirs).ok_or_else(range)?, currency };
        let body = CollectionSucceeded {
            gross,
            net,
            net_source: FigureSource::Derived,
            held: None,
            held_until: None,
            payer: Some(payer),
            rate: None,
            invoice_id: None,
            channel: self.answer.word("vendor", self.answer.wire.vendor),
            fees: fees.list,
        };
        Ok((body, fees.doubt))
    }

    /// What the wallet lost is what the rows say, never a mirror image of the success.
    fn reversal(
        &mut self,
        object: &ObjectRef,
        amount: Amount,
        currency: Currency,
    ) -> Result<(CollectionReversed, Option<DiscrepancyKind>), Unreadable> {
        let fees = self.answer.fees((self.charging.bearer(), currency), false, Some(amount))?;
        let whole = CollectionReversed { amount, from_wallet: amount, from_held: None, returned: vec![], fees: vec![] };
        let rolled_back = match rows::rolled_back(self.answer.wire, object) {
            Ok(Some(sums)) => sums,
            Ok(None) => return Ok((whole, Some(DiscrepancyKind::RollbackWithoutRows))),
            Err(_) => return Ok((whole, Some(DiscrepancyKind::ValueDoesNotFit))),
        };
        let (taken, back) = (rolled_back.deducted, rolled_back.topped_up);
        let ours = if self.charging.bearer() == Bearer::Merchant { fees.sum } else { Amount::ZERO };
        let adds_up = taken == amount && (back.is_zero() || back == ours);
        let from_wallet = match taken.checked_sub(back) {
            Some(from_wallet) if !from_wallet.is_negative() => from_wallet,
            _ => return Ok((whole, Some(DiscrepancyKind::SumsDiffer))),
        };
        let returned = if back.is_zero() {
            Vec::new()
        } else if back == ours {
            fees.list
        } else {
            vec![fee(Component::Unitemised, Bearer::Merchant, back, currency, "transactions")]
        };
        let doubt = fees.doubt.or((!adds_up).then_some(DiscrepancyKind::SumsDiffer));
        Ok((CollectionReversed { from_wallet, returned, ..whole }, doubt))
    }

    fn party(&mut self) -> Option<PartyDetails> {
        let wire = self.answer.wire;
        let payer = self.answer.kept("payer", wire.payer, wire::PARTY_TEXT_MAX);
        let name = self.answer.kept("payerName", wire.payer_name, wire::PARTY_TEXT_MAX);
        // The payer of a card is an e-mail address (section 4.3).
        let (email, phone) = match payer {
            Some(payer) if payer.contains('@') => (Some(payer), None),
            payer => (None, payer),
        };
        let known = phone.is_some() || name.is_some() || email.is_some();
        known.then_some(PartyDetails { phone, name, email })
    }
}
