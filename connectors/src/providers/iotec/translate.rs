//! Their bytes to our statements. Pure: the bytes and the connection's options decide, nothing else.
//!
//! One kind of read states the money: the status answer. The create answer says no more than "pending", whatever its
//! status, and asks for a status read; a callback only names the object. So webhook, poll and create give one fact.
//! Rows of an answer matter only for `RolledBack`; elsewhere they may be filler (`providers/iotec.md`, section 0).

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::{Bearer, Component, Fee, FigureSource};
use ensimbi_events::words::payment::{CollectionFailed, CollectionPending, CollectionReversed, CollectionSucceeded};
use ensimbi_events::{Amount, Body, Currency, Money, SubjectKind, Time};

use super::charging::Charging;
use super::wire::{self, Callback, Collection, Operation, Raw, Row, Status, Wallet, unreadable};
use super::{COLLECTION, CREATED, STATUS, WEBHOOK};
use crate::connector::{Input, ObjectRef, PartyDetails, Said, Translation, Unreadable, Watch};

/// 2000-01-01: an earlier time is an unset one (`0001-01-01`, 1970), and would count as before every opening.
const EARLIEST: Time = Time::from_micros(946_684_800_000_000);

pub(super) fn translate(input: Input<'_>) -> Result<Translation, Unreadable> {
    match input.kind {
        CREATED | STATUS => collection(input),
        WEBHOOK => {
            let watch = hinted(input.body)?.into_iter().map(|object| (object, Watch::Unsettled)).collect();
            Ok(Translation { watch, ..Translation::default() })
        }
        _ => Err(unreadable("kind", "not a kind of this connector")),
    }
}

/// The object of a callback: by id, by our reference, or both. A payout's callback (it has a payee) names none.
pub(super) fn hinted(bytes: &[u8]) -> Result<Vec<ObjectRef>, Unreadable> {
    let mut callback: Callback<'_> = wire::object("body", wire::body(bytes)?)?;
    if let (None, None, Some(inner)) = (callback.id, callback.external_id, callback.transaction) {
        callback = wire::object("transaction", inner.get())?;
    }
    if callback.payee.is_some() && callback.payer.is_none() {
        return Ok(Vec::new());
    }
    let id = callback.id.map(|id| wire::id(Some(id))).transpose()?;
    let reference = reference(callback.external_id, &mut Vec::new());
    if id.is_none() && reference.is_none() {
        return Err(unreadable("id", "missing"));
    }
    Ok(vec![ObjectRef { kind: COLLECTION, id, reference }])
}

fn collection(input: Input<'_>) -> Result<Translation, Unreadable> {
    let charging =
        Charging::of(input.options).map_err(|(key, problem)| unreadable(&format!("options.{key}"), problem))?;
    let all = wire::collections(input.body)?;
    let mut translation = Translation::default();
    let newest = newest(&all).ok_or_else(|| unreadable("body", "an empty list"))?;
    if all.len() > 1 {
        translation.unknown.push("several_records".to_owned());
    }
    for (index, wire) in all.iter().enumerate() {
        let mut answer = Answer { wire, charging, unknown: Vec::new() };
        let object = answer.object()?;
        let mut watch = Watch::Unsettled;
        // The others are read by their own ids, so that a second payment under one reference is seen.
        if index == newest {
            let (said, next) = answer.read(&object, input.kind == CREATED)?;
            translation.said.extend(said);
            watch = next;
        }
        translation.watch.push((object, watch));
        translation.unknown.append(&mut answer.unknown);
    }
    Ok(translation)
}

/// The record created last; the first of those that are as late.
fn newest(all: &[Collection<'_>]) -> Option<usize> {
    let created = |of: &Collection<'_>| wire::text("createdAt", of.created_at).ok()??.parse::<Time>().ok();
    let mut best = None;
    for (index, of) in all.iter().enumerate() {
        let at = created(of);
        if best.is_none_or(|(latest, _)| at > latest) {
            best = Some((at, index));
        }
    }
    best.map(|(_, index)| index)
}

fn reference(raw: Raw<'_>, unknown: &mut Vec<String>) -> Option<String> {
    // Our own references are never odd; somebody else's is not needed.
    kept("externalId", raw, wire::REFERENCE_MAX, unknown)
}

/// An optional text within a limit and without control characters; anything else is counted and left out.
fn kept(field: &str, raw: Raw<'_>, max: usize, unknown: &mut Vec<String>) -> Option<String> {
    let fits = |text: &String| text.chars().count() <= max && !text.chars().any(char::is_control);
    match wire::text(field, raw) {
        Ok(None) => None,
        Ok(Some(text)) if fits(&text) => Some(text),
        _ => {
            unknown.push(field.to_owned());
            None
        }
    }
}

/// The fees of an answer: those we can book, their sum, and what is wrong with the figures.
struct Fees {
    list: Vec<Fee>,
    sum: Amount,
    doubt: Option<DiscrepancyKind>,
}

struct Answer<'a> {
    wire: &'a Collection<'a>,
    charging: Charging,
    unknown: Vec<String>,
}

impl Answer<'_> {
    fn object(&mut self) -> Result<ObjectRef, Unreadable> {
        let id = Some(wire::id(self.wire.id)?);
        Ok(ObjectRef { kind: COLLECTION, id, reference: reference(self.wire.external_id, &mut self.unknown) })
    }

    /// The statement, and how to go on. `created`: this is the create answer.
    fn read(&mut self, object: &ObjectRef, created: bool) -> Result<(Option<Said>, Watch), Unreadable> {
        let word = wire::required("status", self.wire.status)?;
        let status = Status::of(&word);
        if status == Status::Other {
            let word = if wire::is_word(&word) { word.as_str() } else { "?" };
            self.unknown.push(format!("status:{word}"));
            return Ok((None, Watch::Unsettled));
        }
        let amount = wire::amount("amount", self.wire.amount)?;
        let currency = wire::required("currency", self.wire.currency)?;
        let currency: Currency = currency.parse().map_err(|_| unreadable("currency", "not a currency code"))?;
        let open = CollectionPending { amount, fee_bearer: None, invoice_id: None };
        let (body, doubt, watch): (Body, _, _) = match status {
            _ if created => (open.into(), None, Watch::Unsettled),
            Status::Success => {
                let (body, doubt) = self.success(amount, currency)?;
                (body.into(), doubt, Watch::Settled)
            }
            Status::Failed | Status::Cancelled | Status::Rejected => {
                (self.failure(amount, &word).into(), None, Watch::Ended)
            }
            Status::RolledBack => {
                let (body, doubt) = self.reversal(object, amount, currency)?;
                (body.into(), doubt, Watch::Ended)
            }
            _ => (open.into(), None, Watch::Unsettled),
        };
        let implausible = (!amount.is_positive()).then_some(DiscrepancyKind::AmountImplausible);
        let said = Said {
            object: object.clone(),
            subject_kind: SubjectKind::Payment,
            occurrence: String::new(),
            currency: Some(currency),
            wallet: self.wallet(),
            body,
            occurred_at: self.occurred_at(status),
            party: self.party(),
            doubt: implausible.or(doubt),
            operator_transaction: self.kept("vendorTransactionId", self.wire.vendor_transaction_id, wire::ID_MAX),
        };
        Ok((Some(said), watch))
    }

    fn success(
        &mut self,
        gross: Amount,
        currency: Currency,
    ) -> Result<(CollectionSucceeded, Option<DiscrepancyKind>), Unreadable> {
        let fees = self.fees(gross, currency, true)?;
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
            payer: Some(payer),
            rate: None,
            invoice_id: None,
            channel: self.word("vendor", self.wire.vendor),
            fees: fees.list,
        };
        Ok((body, fees.doubt))
    }

    /// A success must show its fees: without them a later, complete answer could not be recorded.
    fn fees(&self, amount: Amount, currency: Currency, obligatory: bool) -> Result<Fees, Unreadable> {
        let parts = [
            (Component::Provider, "transactionCharge", self.wire.transaction_charge),
            (Component::Network, "vendorCharge", self.wire.vendor_charge),
        ];
        let mut list = Vec::new();
        let mut stated = Vec::new();
        for (component, label, raw) in parts {
            if raw.is_none() && !obligatory {
                continue;
            }
            let figure = wire::amount(label, raw)?;
            stated.push(figure);
            if figure.is_positive() {
                list.push(self.fee(component, figure, currency, label));
            }
        }
        let range = || unreadable("totalTransactionCharge", "the fees together are too large for the ledger");
        let total = Amount::checked_sum(stated.iter().copied()).ok_or_else(range)?;
        let sum = Amount::checked_sum(list.iter().map(|fee| fee.amount)).ok_or_else(range)?;
        let differs = match self.wire.total_transaction_charge {
            Some(raw) => wire::amount("totalTransactionCharge", Some(raw))? != total,
            None => false,
        };
        let doubt = if stated.iter().any(|figure| figure.is_negative()) || sum > amount {
            Some(DiscrepancyKind::FeeImplausible)
        } else {
            differs.then_some(DiscrepancyKind::SumsDiffer)
        };
        Ok(Fees { list, sum, doubt })
    }

    fn fee(&self, component: Component, amount: Amount, currency: Currency, label: &str) -> Fee {
        let (bearer, source) = (self.charging.bearer(), FigureSource::Observed);
        Fee { component, bearer, amount, currency, source, label: label.to_owned(), tax: None }
    }

    /// The reason is compared with later reports, so it holds their two words only; `statusMessage` is free text.
    fn failure(&mut self, amount: Amount, status: &str) -> CollectionFailed {
        let reason = match self.word("statusCode", self.wire.status_code) {
            Some(code) => format!("{status}: {code}"),
            None => status.to_owned(),
        };
        CollectionFailed { amount, is_final: true, reason, fee_bearer: None, invoice_id: None }
    }

    /// What the wallet lost is what the rows say, never a mirror image of the success.
    fn reversal(
        &mut self,
        object: &ObjectRef,
        amount: Amount,
        currency: Currency,
    ) -> Result<(CollectionReversed, Option<DiscrepancyKind>), Unreadable> {
        let fees = self.fees(amount, currency, false)?;
        let whole = CollectionReversed { amount, from_wallet: amount, from_held: None, returned: vec![], fees: vec![] };
        let (taken, back) = match self.rollback_rows(object) {
            Ok(Some(sums)) => sums,
            Ok(None) => return Ok((whole, Some(DiscrepancyKind::RollbackWithoutRows))),
            Err(_) => return Ok((whole, Some(DiscrepancyKind::ValueDoesNotFit))),
        };
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
            let fee = self.fee(Component::Unitemised, back, currency, "transactions");
            vec![Fee { bearer: Bearer::Merchant, ..fee }]
        };
        let doubt = fees.doubt.or((!adds_up).then_some(DiscrepancyKind::SumsDiffer));
        Ok((CollectionReversed { from_wallet, returned, ..whole }, doubt))
    }

    /// What the rollback rows took and gave back; `None` without such a row.
    fn rollback_rows(&self, object: &ObjectRef) -> Result<Option<(Amount, Amount)>, Unreadable> {
        let Some(raw) = self.wire.transactions else { return Ok(None) };
        let odd = || unreadable("transactions", "a rollback row that cannot be read");
        let (mut taken, mut back, mut any) = (Amount::ZERO, Amount::ZERO, false);
        for element in wire::list("transactions", raw.get())? {
            let row: Row<'_> = wire::object("transactions", element.get())?;
            let request = wire::text("transactions.requestId", row.request_id)?;
            let other = request.zip(object.id.as_deref()).is_some_and(|(named, id)| !named.eq_ignore_ascii_case(id));
            if other || wire::text("transactions.category", row.category)?.as_deref() != Some("Rollback") {
                continue;
            }
            let amount = wire::amount("transactions.amount", row.amount)?;
            let sum = match Operation::of(&wire::required("transactions.operation", row.operation)?) {
                Operation::Deduct => &mut taken,
                Operation::TopUp => &mut back,
                Operation::Other => return Err(odd()),
            };
            *sum = sum.checked_add(amount).filter(|_| !amount.is_negative()).ok_or_else(odd)?;
            any = true;
        }
        Ok(any.then_some((taken, back)))
    }

    /// `processedAt`, else `lastUpdated`. A rollback is told by whichever is later: the first may still be the success.
    fn occurred_at(&mut self, status: Status) -> Option<Time> {
        let processed = self.time("processedAt", self.wire.processed_at);
        let updated = self.time("lastUpdated", self.wire.last_updated);
        match (status, processed) {
            (Status::RolledBack, _) => processed.flatten().max(updated.flatten()),
            (_, Some(processed)) => processed,
            (_, None) => updated.flatten(),
        }
    }

    /// `None`: not given. `Some(None)`: given, and of no use.
    fn time(&mut self, field: &str, raw: Raw<'_>) -> Option<Option<Time>> {
        let time = match wire::text(field, raw) {
            Ok(None) => return None,
            Ok(Some(text)) => text.parse::<Time>().ok().filter(|time| *time >= EARLIEST),
            Err(_) => None,
        };
        if time.is_none() {
            self.unknown.push(field.to_owned());
        }
        Some(time)
    }

    fn wallet(&mut self) -> Option<String> {
        let Ok(wallet) = wire::object::<Wallet<'_>>("wallet", self.wire.wallet?.get()) else {
            self.unknown.push("wallet".to_owned());
            return None;
        };
        self.kept("wallet.id", wallet.id, wire::ID_MAX)
    }

    fn party(&mut self) -> Option<PartyDetails> {
        let payer = self.kept("payer", self.wire.payer, wire::PARTY_TEXT_MAX);
        let name = self.kept("payerName", self.wire.payer_name, wire::PARTY_TEXT_MAX);
        // The payer of a card is an e-mail address (section 4.3).
        let (email, phone) = match payer {
            Some(payer) if payer.contains('@') => (Some(payer), None),
            payer => (None, payer),
        };
        let known = phone.is_some() || name.is_some() || email.is_some();
        known.then_some(PartyDetails { phone, name, email })
    }

    /// A machine's word; free text in its place is counted and left out, since it may hold a name.
    fn word(&mut self, field: &str, raw: Raw<'_>) -> Option<String> {
        let word = self.kept(field, raw, wire::ID_MAX)?;
        if wire::is_word(&word) {
            return Some(word);
        }
        self.unknown.push(field.to_owned());
        None
    }

    fn kept(&mut self, field: &str, raw: Raw<'_>, max: usize) -> Option<String> {
        kept(field, raw, max, &mut self.unknown)
    }
}
