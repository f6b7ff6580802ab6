//! Invoices and orders (`providers/dollr.md`, sections 5 and 6): how one began, what it asks for, how it ended.
//!
//! Every later state says the earlier ones again, from fields that no longer change once it is published. A draft says
//! only that it began: its items can still be changed or taken away, and a fact cannot. Which invoice it is, its number
//! field tells; ids are integers, under the kind `invoice` or `order`.
//!
//! Items are stated only where they come to the total exactly, since the ledger wants both to agree.

use ensimbi_events::word::{Bearer, Recognition};
use ensimbi_events::words::invoice::{
    InvoiceCancelled, InvoiceDrafted, InvoiceItemAdded, InvoicePaid, InvoicePaymentStarted, InvoicePublished,
};
use ensimbi_events::{Amount, Body, Currency, Money, SubjectKind, Time, owed};

use super::super::handle::{Family, SourceRef};
use super::super::options;
use super::super::wire::{self, Checkout, Counterparty, Item, Parts, Party, Raw, Stage, kept, unreadable};
use super::counted;
use crate::connector::{Input, ObjectRef, PartyDetails, Said, Translation, Unreadable, Watch};

/// Most items of an invoice that the ledger takes.
const ITEMS_MAX: usize = 200;

/// A source under reading.
pub(super) struct Source<'a> {
    wire: wire::Source<'a>,
    pub(super) name: SourceRef,
    /// The reference of ours that it is labelled with: that of the attempt that made it.
    pub(super) label: Option<String>,
    pub(super) stage: Stage,
    pub(super) total: Money,
    items: Vec<InvoiceItemAdded>,
    pub(super) unknown: Vec<String>,
}

/// What a source is called, from its id and its number.
fn name(wire: &wire::Source<'_>) -> Result<SourceRef, Unreadable> {
    let numbers = [(Family::Invoice, wire.invoice_number), (Family::Order, wire.order_number)];
    let mut families = numbers.into_iter().filter(|(_, number)| number.is_some()).map(|(family, _)| family);
    match (families.next(), families.next()) {
        (Some(family), None) => Ok(SourceRef { family, id: wire::integer_id("source.id", wire.id)? }),
        _ => Err(unreadable("source", "expected invoice_number or order_number")),
    }
}

/// The object of a source.
fn object(name: &SourceRef, label: Option<String>) -> ObjectRef {
    ObjectRef { kind: name.family.object_kind(), id: Some(name.id.clone()), reference: label }
}

/// That a source began: all that an answer without its items says of it.
fn drafted(object: ObjectRef, currency: Currency, at: Option<Time>) -> Said {
    let said = Said::about(object, SubjectKind::Invoice, InvoiceDrafted { party_id: None });
    Said { currency: Some(currency), occurred_at: at, ..said }
}

/// A time that says when, and nothing else: one that cannot be read is counted.
fn moment(field: &str, raw: Raw<'_>, unknown: &mut Vec<String>) -> Option<Time> {
    wire::time(field, raw).unwrap_or_else(|_| {
        unknown.push(field.to_owned());
        None
    })
}

impl<'a> Source<'a> {
    /// From what its retrieve call says.
    pub(super) fn of(text: &'a str) -> Result<Self, Unreadable> {
        let wire: wire::Source<'_> = wire::object("source", text)?;
        let name = name(&wire)?;
        let status = wire::required("source.status", wire.status)?;
        let stage = Stage::of(&status);
        let currency = wire::currency("source.currency", wire.currency)?;
        let mut unknown = Vec::new();
        if stage == Stage::Unknown {
            unknown.push(counted("source_status", &status));
        }
        let listed = items(&wire, currency);
        let sum = listed.as_ref().and_then(|items| Amount::checked_sum(items.iter().map(|(_, total)| *total)));
        // An order's samples show no total; it is the sum of its items (section 5).
        let total = match (wire.total_amount, sum) {
            (None, Some(sum)) => sum,
            (given, _) => wire::amount("source.total_amount", given)?,
        };
        let items = match listed.filter(|_| sum == Some(total)) {
            Some(items) => items.into_iter().map(|(item, _)| item).collect(),
            None => {
                unknown.push("items_not_derivable".to_owned());
                Vec::new()
            }
        };
        let label = wire::label(wire.reference_id);
        Ok(Self { wire, name, label, stage, total: Money { amount: total, currency }, items, unknown })
    }

    /// The object. Its reference is ours where its label is: so the order it belongs to is found.
    pub(super) fn object(&self) -> ObjectRef {
        object(&self.name, self.label.clone())
    }

    /// Who bears the fees of its payments; the source decides it, whatever a checkout was asked for (row 16).
    pub(super) fn bearer(&self) -> Result<Bearer, Unreadable> {
        bearer("source.fee_bearer", self.wire.fee_bearer)
    }

    /// When it was paid.
    pub(super) fn paid_at(&mut self) -> Option<Time> {
        moment("source.paid_at", self.wire.paid_at, &mut self.unknown)
    }

    /// Whom it is for, for the vault.
    pub(super) fn party(&mut self) -> Option<PartyDetails> {
        let other = wire::inner::<Counterparty<'_>>("counterparty", self.wire.counterparty);
        let party =
            other.ok().flatten().and_then(|other| wire::inner::<Party<'_>>("party", other.party).ok().flatten())?;
        let mut text = |field, raw| kept(field, raw, wire::PARTY_TEXT_MAX, &mut self.unknown);
        let phone = text("party.phone", party.phone);
        let name = text("party.fullname", party.fullname);
        let email = text("party.email", party.email);
        let known = phone.is_some() || name.is_some() || email.is_some();
        known.then_some(PartyDetails { phone, name, email })
    }

    /// When it counts as income (`bookkeeping.md` 6): an order that is abandoned is none.
    const fn recognition(&self) -> Recognition {
        match self.name.family {
            Family::Invoice => Recognition::OnPublish,
            Family::Order => Recognition::OnPayment,
        }
    }

    fn said(&self, body: Body, at: Option<Time>) -> Said {
        let said = Said::about(self.object(), SubjectKind::Invoice, body);
        Said { currency: Some(self.total.currency), occurred_at: at, ..said }
    }

    /// How it began, and whether somebody began to pay: the same in every state that comes later.
    pub(super) fn opened(&mut self) -> Vec<Said> {
        let created = moment("source.created_at", self.wire.created_at, &mut self.unknown);
        let mut all = vec![drafted(self.object(), self.total.currency, created)];
        if matches!(self.stage, Stage::Idle | Stage::Unknown) || !self.total.amount.is_positive() {
            return all;
        }
        for item in &self.items {
            let occurrence = item.item_id.clone();
            all.push(Said { occurrence, ..self.said(item.clone().into(), created) });
        }
        let due = moment("source.due_date", self.wire.due_date, &mut self.unknown);
        // The date in UTC: the first ten characters of the moment's one form.
        let due = due.and_then(|due| due.to_string().get(..10).map(str::to_owned));
        let (total, recognition) = (self.total.amount, self.recognition());
        let published = InvoicePublished { total, tax: Amount::ZERO, recognition, due, party_id: None };
        all.push(self.said(published.into(), created));
        if matches!(self.stage, Stage::Processing | Stage::Paid) {
            all.push(self.said(InvoicePaymentStarted { payment_id: None }.into(), None));
        }
        all
    }

    /// How it ended, as far as it did.
    pub(super) fn closed(&mut self) -> Option<Said> {
        let (amount, tax, recognition) = (self.total.amount, Amount::ZERO, self.recognition());
        match self.stage {
            Stage::Paid if amount.is_positive() => {
                let at = self.paid_at();
                Some(self.said(InvoicePaid { offline: false, amount, tax, recognition }.into(), at))
            }
            // Nothing tells whether it was published before: what asks for something is said to have been, and all of
            // it is called off, which comes to nothing either way.
            Stage::Cancelled if !amount.is_negative() => {
                Some(self.said(InvoiceCancelled { amount, tax, recognition }.into(), None))
            }
            _ => None,
        }
    }
}

/// Their word for who bears fees on a collection; `PAYEE` is our merchant.
pub(super) fn bearer(field: &str, raw: Raw<'_>) -> Result<Bearer, Unreadable> {
    match wire::required(field, raw)?.to_ascii_uppercase().as_str() {
        "PAYER" => Ok(Bearer::Payer),
        "PAYEE" => Ok(Bearer::Merchant),
        _ => Err(unreadable(field, "expected PAYER or PAYEE")),
    }
}

/// The items with their totals; `None` where one of them cannot be told exactly, or none are shown.
fn items(source: &wire::Source<'_>, currency: Currency) -> Option<Vec<(InvoiceItemAdded, Amount)>> {
    let listed = source.invoice_items.or(source.order_items).or(source.items)?;
    let listed: Vec<Item<'_>> = wire::inner_objects("items", Some(listed)).ok()?;
    if listed.len() > ITEMS_MAX {
        return None;
    }
    listed.iter().map(|item| line(item, currency)).collect()
}

fn line(item: &Item<'_>, currency: Currency) -> Option<(InvoiceItemAdded, Amount)> {
    // A receipt's and a checkout's item may leave the currency out; another one's amount is not added to these.
    let own = wire::optional_currency("item.currency", item.currency).ok()?;
    if own.is_some_and(|own| own != currency) {
        return None;
    }
    let quantity = match item.qty {
        None => "1".to_owned(),
        Some(_) => wire::amount("item.qty", item.qty).ok()?.to_string(),
    };
    let unit_amount = wire::amount("item.amount", item.amount).ok().filter(|amount| !amount.is_negative())?;
    let total = owed::line_total(&quantity, unit_amount).ok()?;
    let item_id = wire::integer_id("item.id", item.id).ok()?;
    Some((InvoiceItemAdded { item_id, quantity, unit_amount, tax: None }, total))
}

/// A source by itself: what its retrieve call says, or that one was made.
pub(super) fn read(text: &str, input: &Input<'_>) -> Result<Translation, Unreadable> {
    let parts: Parts<'_> = wire::object("body", text)?;
    if let Some(part) = parts.source {
        let mut source = Source::of(part.get())?;
        let mut all = source.opened();
        all.extend(source.closed());
        let watch = match source.stage {
            Stage::Paid | Stage::Cancelled => Watch::Closed,
            Stage::Idle | Stage::Active | Stage::Processing | Stage::Unknown => Watch::Unsettled,
        };
        let watch = vec![(source.object(), watch)];
        return Ok(Translation { said: all, watch, unknown: source.unknown, ..Translation::default() });
    }
    let mut translation = Translation::default();
    if let Some(part) = parts.published.or(parts.created) {
        let wire: wire::Source<'_> = wire::object("source", part.get())?;
        let name = name(&wire)?;
        let object = object(&name, wire::label(wire.reference_id));
        // Where its execution is refused nothing else ever reads it, and it may still be called off or paid at theirs.
        if name.family == wire::option(options::items_as(input.options))? {
            translation.watch.push((object.clone(), Watch::Settled));
        }
        let currency = wire::currency("source.currency", wire.currency)?;
        let created = moment("source.created_at", wire.created_at, &mut translation.unknown);
        translation.said.push(drafted(object, currency, created));
    } else if let Some(part) = parts.checkout {
        let checkout: Checkout<'_> = wire::object("checkout", part.get())?;
        let word = wire::required("checkout.source_type", checkout.source_type)?;
        let family =
            Family::of(&word).ok_or_else(|| unreadable("checkout.source_type", "expected INVOICE or ORDER"))?;
        let name = SourceRef { family, id: wire::integer_id("checkout.source_id", checkout.source_id)? };
        let currency = wire::currency("checkout.currency", checkout.currency)?;
        translation.said.push(drafted(object(&name, wire::label(checkout.reference_id)), currency, None));
    } else if [parts.party, parts.counterparty, parts.account].iter().all(Option::is_none) {
        return Err(unreadable("body", "expected what a source or an account is made of"));
    }
    Ok(translation)
}
