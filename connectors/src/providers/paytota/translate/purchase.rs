//! Purchases: what a body says of a collection (`providers/paytota.md`, sections 4, 5 and 7).
//!
//! Money is certain from `paid` on, and stays stated through refunds and chargebacks, which are facts of their own. No
//! status but `cancelled` proves that none will come, and the mark that it was paid elsewhere. What a purchase asks for is
//! an invoice beside it.

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::FigureSource;
use ensimbi_events::words::payment::{
    CollectionAuthorised, CollectionFailed, CollectionPending, CollectionSucceeded, CollectionVoided,
};
use ensimbi_events::{Amount, Body, Currency, Money, SubjectKind, Time};

use super::super::wire::{self, Conversion, Details, Payment, Thing, Unit, unreadable};
use super::super::{COLLECTIONS, INVOICE, PURCHASE};
use super::thing::{Foreign, Reading, fees, unit};
use super::{Channel, Policy, invoice};
use crate::connector::{Input, Links, ObjectRef, Said, Translation, Unreadable, Watch};

/// Why nothing comes of a purchase that was paid elsewhere.
const PAID_OUTSIDE: &str = "paid_outside";
/// Longest rate that is kept.
const RATE_MAX: usize = 32;

/// What a status means (section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was tried, or nothing is known of it; an overdue one can still be paid.
    Open,
    Pending,
    Held,
    Voided,
    /// Money came; also where it went back since.
    Paid,
    /// An attempt failed, or time ran out: money may still come.
    Failed,
    Cancelled,
    Unknown,
}

impl State {
    fn of(status: &str) -> Self {
        match status {
            "created" | "sent" | "viewed" | "overdue" => Self::Open,
            "pending_execute" | "pending_charge" => Self::Pending,
            "hold" | "preauthorized" | "pending_capture" | "pending_release" => Self::Held,
            "released" => Self::Voided,
            "paid" | "cleared" | "settled" | "pending_refund" | "refunded" | "charged_back" | "chargeback"
            | "retrieved" => Self::Paid,
            "error" | "expired" => Self::Failed,
            "cancelled" => Self::Cancelled,
            // `blocked` among them: what it means for money, nobody says.
            _ => Self::Unknown,
        }
    }

    /// How to go on after a body that is our own read.
    const fn watch(self) -> Watch {
        match self {
            Self::Paid => Watch::Settled,
            Self::Failed | Self::Cancelled | Self::Voided => Watch::Ended,
            Self::Open | Self::Pending | Self::Held | Self::Unknown => Watch::Unsettled,
        }
    }
}

pub(super) fn read(input: Input<'_>, policy: &Policy, channel: Channel) -> Result<Translation, Unreadable> {
    let thing: Thing<'_> = wire::object("body", wire::body(input.body)?)?;
    let mut reading = Reading::new(&thing, input, channel)?;
    let object = reading.object(PURCHASE)?;
    let status = reading.status()?;
    let state = State::of(&status);
    let mut translation = Translation::default();
    if let Some(foreign) = reading.foreign(state == State::Paid)? {
        return Ok(untold(object, foreign));
    }
    if state == State::Unknown {
        reading.unknown_status(&status);
    }
    let details: Option<Details<'_>> = wire::inner("purchase", thing.purchase)?;
    let details = details.ok_or_else(|| unreadable("purchase", "missing"))?;
    let (currency, unit) = unit("purchase.currency", details.currency, &policy.currencies)?;
    let total = wire::amount("purchase.total", details.total, unit)?;
    let mut purchase = Purchase { reading, object, status, state, currency, total, policy };
    let bill = invoice::Bill::of(&details, total, unit, &mut purchase.reading.unknown);
    let links = Links { invoice: bill.as_ref().map(|_| purchase.invoice()), ..Links::default() };
    if let Some(bill) = &bill {
        let of = (purchase.invoice(), currency, purchase.status.as_str());
        translation.said.extend(invoice::opened(bill, of, &mut purchase.reading)?);
    }
    let mut watch = Watch::Unsettled;
    if channel != Channel::Created {
        let (said, then) = purchase.money(links)?;
        translation.said.extend(said);
        if channel == Channel::Read {
            watch = then;
        }
    }
    if let Some(bill) = &bill {
        let paid = translation.said.iter().find_map(|said| match &said.body {
            Body::CollectionSucceeded(body) => Some((body.gross, said.currency, said.occurred_at)),
            _ => None,
        });
        let paid = paid.filter(|(_, paid, _)| *paid == Some(currency)).map(|(gross, _, at)| (gross, at));
        let of = (purchase.invoice(), currency, purchase.status.as_str());
        translation.said.extend(invoice::closed(bill, of, paid, &purchase.reading)?);
    }
    translation.watch.push((purchase.object, watch));
    translation.unknown = purchase.reading.unknown;
    Ok(translation)
}

/// What belongs to another book says nothing, and is never asked for again.
pub(super) fn untold(object: ObjectRef, foreign: Foreign) -> Translation {
    let unknown = vec![foreign.as_str().to_owned()];
    Translation { watch: vec![(object, Watch::Closed)], unknown, ..Translation::default() }
}

struct Purchase<'a> {
    reading: Reading<'a>,
    object: ObjectRef,
    status: String,
    state: State,
    currency: Currency,
    total: Amount,
    policy: &'a Policy,
}

impl Purchase<'_> {
    /// The invoice beside it. It carries no reference of ours: it is another subject than the order.
    fn invoice(&self) -> ObjectRef {
        ObjectRef { kind: INVOICE, id: self.object.id.clone(), reference: None }
    }

    /// What it says of money, and how to go on.
    fn money(&mut self, links: Links) -> Result<(Option<Said>, Watch), Unreadable> {
        let amount = self.total;
        let watch = self.state.watch();
        let plain = |body: Body| Ok(Some((body, String::new(), None)));
        let told: Result<Option<(Body, String, Option<Time>)>, Unreadable> = match self.state {
            State::Open | State::Unknown => Ok(None),
            // A card that was authorised for nothing (`preauthorized`, section 5).
            State::Pending | State::Held | State::Voided | State::Failed | State::Cancelled
                if !amount.is_positive() =>
            {
                Ok(None)
            }
            State::Pending => plain(CollectionPending { amount, fee_bearer: None, invoice_id: None }.into()),
            State::Held => plain(CollectionAuthorised { amount, fee_bearer: None, invoice_id: None }.into()),
            State::Voided => plain(CollectionVoided { amount, fee_bearer: None, invoice_id: None }.into()),
            State::Failed | State::Cancelled => {
                let (occurrence, at) = self.reading.occurrence(&self.status);
                let (is_final, reason) = (self.state == State::Cancelled, self.reading.reason(&self.status));
                let body = CollectionFailed { amount, is_final, reason, fee_bearer: None, invoice_id: None };
                Ok(Some((body.into(), occurrence, at)))
            }
            State::Paid => return self.paid(links),
        };
        let Some((body, occurrence, occurred_at)) = told? else { return Ok((None, watch)) };
        let said = self.reading.said(&self.object, SubjectKind::Payment, body)?;
        let party = self.reading.party();
        let links = Links { purse: Some(COLLECTIONS), ..links };
        let currency = Some(self.currency);
        Ok((Some(Said { occurrence, occurred_at, currency, party, links, ..said }), watch))
    }

    /// The money that came, as `payment` states it; never from an attempt (section 7).
    fn paid(&mut self, links: Links) -> Result<(Option<Said>, Watch), Unreadable> {
        // Paid outside the gateway: the invoice says so, no wallet moved (section 8), and nothing comes here any more.
        if wire::flag("marked_as_paid", self.reading.thing.marked_as_paid)? {
            return Ok((self.paid_outside(links)?, Watch::Ended));
        }
        let Some(payment) = wire::inner::<Payment<'_>>("payment", self.reading.thing.payment)? else {
            self.reading.unknown.push("paid_without_payment".to_owned());
            return Ok((None, Watch::Unsettled));
        };
        let kind = wire::text("payment.payment_type", payment.payment_type)?;
        let incoming = !wire::flag("payment.is_outgoing", payment.is_outgoing)?;
        if !incoming || kind.as_deref().is_some_and(|kind| !matches!(kind, "purchase" | "purchase_charge")) {
            self.reading.unknown.push("payment_of_another_kind".to_owned());
            return Ok((None, Watch::Unsettled));
        }
        let (currency, unit) = unit("payment.currency", payment.currency, &self.policy.currencies)?;
        let (body, doubt) = self.success(&payment, currency, unit)?;
        let said = self.reading.said(&self.object, SubjectKind::Payment, body.into())?;
        let party = self.reading.party();
        let said = Said {
            currency: Some(currency),
            occurred_at: self.reading.moment("payment.paid_on", payment.paid_on),
            party,
            doubt,
            operator_transaction: self.reading.operator_reference(),
            links: Links {
                purse: Some(COLLECTIONS),
                invoice: links.invoice.filter(|_| currency == self.currency),
                ..links
            },
            ..said
        };
        Ok((Some(said), Watch::Settled))
    }

    fn paid_outside(&mut self, links: Links) -> Result<Option<Said>, Unreadable> {
        let amount = self.total;
        if !amount.is_positive() {
            return Ok(None);
        }
        let (occurrence, occurred_at) = self.reading.occurrence(&self.status);
        let reason = PAID_OUTSIDE.to_owned();
        let body = CollectionFailed { amount, is_final: true, reason, fee_bearer: None, invoice_id: None };
        let said = self.reading.said(&self.object, SubjectKind::Payment, body.into())?;
        let links = Links { purse: Some(COLLECTIONS), ..links };
        let (currency, party) = (Some(self.currency), self.reading.party());
        Ok(Some(Said { occurrence, occurred_at, currency, party, links, ..said }))
    }

    fn success(
        &mut self,
        payment: &Payment<'_>,
        currency: Currency,
        unit: Unit<'_>,
    ) -> Result<(CollectionSucceeded, Option<DiscrepancyKind>), Unreadable> {
        let gross = wire::amount("payment.amount", payment.amount, unit)?;
        let net = wire::amount("payment.net_amount", payment.net_amount, unit)?;
        let fee = wire::amount("payment.fee_amount", payment.fee_amount, unit)?;
        let held = wire::amount_or_zero("payment.pending_amount", payment.pending_amount, unit)?;
        let conversion = wire::inner::<Conversion<'_>>("currency_conversion", self.reading.thing.currency_conversion)?;
        let rate = conversion.and_then(|conversion| conversion.exchange_rate);
        let rate = rate.map(|rate| wire::unquoted(rate.get()).to_owned());
        let digits = |rate: &String| {
            rate.len() <= RATE_MAX && !rate.is_empty() && rate.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        };
        let held_until = if held.is_zero() {
            None
        } else {
            self.reading.moment("payment.pending_unfreeze_on", payment.pending_unfreeze_on)
        };
        let body = CollectionSucceeded {
            gross,
            net,
            net_source: FigureSource::Observed,
            held: Some(held).filter(|held| !held.is_zero()),
            held_until,
            payer: Some(Money { amount: gross, currency }),
            rate: rate.filter(digits),
            invoice_id: None,
            channel: self.reading.channel_word(),
            fees: fees(ensimbi_events::word::Bearer::Merchant, fee, currency),
        };
        // Sums that do not fit are the ledger's own check: it withholds them.
        Ok((body, fee.is_negative().then_some(DiscrepancyKind::FeeImplausible)))
    }
}
