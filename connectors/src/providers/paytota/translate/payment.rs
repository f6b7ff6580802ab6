//! Their Payment objects: money that goes back to a payer, chargebacks, and what their staff moves by hand
//! (`providers/paytota.md`, section 8). No call reads one, so its push, which is signed, states it; a statement line of
//! the same Payment states the same fact.
//!
//! What came with a purchase or a payout is stated by those, never here. The shape of a chargeback is nowhere shown: by
//! analogy it is a Payment related to its purchase, and where that is missing the ledger withholds it.

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::{Bearer, Direction};
use ensimbi_events::words::dispute::{ChargebackClosed, ChargebackOpened};
use ensimbi_events::words::payment::{RefundFailed, RefundSucceeded};
use ensimbi_events::words::wallet::WalletMovementReported;
use ensimbi_events::{Amount, Body, Currency, SubjectKind, Time};

use super::super::options::RefundFee;
use super::super::wire::{self, Payment, Related, Thing, unreadable};
use super::super::{COLLECTIONS, DISPUTE, PAYMENT, PURCHASE, ROW};
use super::purchase::untold;
use super::thing::{Foreign, OF_LINK, Reading, fees, said, unit};
use super::{Channel, Policy};
use crate::connector::{Input, Links, ObjectRef, Said, Translation, Unreadable, Watch};

/// What a Payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Refund,
    Chargeback,
    ChargebackReversed,
    /// Money that moved by itself, under their word for it.
    Other,
    /// A purchase's or a payout's own money.
    Theirs,
}

impl Kind {
    /// By the name of the event where that is all there is (a chargeback), else by its type.
    fn of(event_type: Option<&str>, payment_type: Option<&str>) -> Self {
        match (event_type, payment_type) {
            (Some("payment.chargeback_reversed"), _) => Self::ChargebackReversed,
            (Some("payment.charged_back"), _) | (_, Some("chargeback")) => Self::Chargeback,
            (_, Some("refund")) => Self::Refund,
            (_, Some("purchase" | "purchase_charge" | "payout")) => Self::Theirs,
            _ => Self::Other,
        }
    }
}

/// The figures of a Payment, from its own body or from a line of a statement.
pub(super) struct Moved {
    pub(super) id: String,
    pub(super) currency: Currency,
    pub(super) amount: Amount,
    pub(super) fee: Amount,
    pub(super) outgoing: bool,
    pub(super) at: Option<Time>,
    /// The purchase it belongs to.
    pub(super) related: Option<String>,
    /// Their word for what it is.
    pub(super) category: String,
}

/// The purchase that a Payment belongs to.
pub(super) fn related(thing: &Thing<'_>) -> Result<Option<ObjectRef>, Unreadable> {
    let Some(related) = wire::inner::<Related<'_>>("related_to", thing.related_to)? else { return Ok(None) };
    if wire::text("related_to.type", related.r#type)?.is_some_and(|kind| kind != "purchase") {
        return Ok(None);
    }
    Ok(Some(purchase(wire::id("related_to.id", related.id)?)))
}

fn purchase(id: String) -> ObjectRef {
    ObjectRef { kind: PURCHASE, id: Some(id), reference: None }
}

pub(super) fn read(input: Input<'_>, policy: &Policy, channel: Channel) -> Result<Translation, Unreadable> {
    let thing: Thing<'_> = wire::object("body", wire::body(input.body)?)?;
    let mut reading = Reading::new(&thing, input, channel)?;
    let object = ObjectRef { reference: None, ..reading.object(PAYMENT)? };
    let payment: Option<Payment<'_>> = wire::inner("payment", thing.payment)?;
    let payment = payment.ok_or_else(|| unreadable("payment", "missing"))?;
    let event = wire::text("event_type", thing.event_type)?;
    let category = wire::word("payment.payment_type", payment.payment_type, &mut reading.unknown);
    let kind = Kind::of(event.as_deref(), category.as_deref());
    let purchase = related(&thing)?;
    // A refund names no operator; whether its purchase is of this book, the ledger knows. What stands alone must say.
    let own = kind == Kind::Other || (purchase.is_none() && kind != Kind::Refund);
    match reading.foreign(own)? {
        Some(Foreign::Brand) => return Ok(untold(object, Foreign::Brand)),
        Some(foreign) => {
            return Ok(Translation { unknown: vec![foreign.as_str().to_owned()], ..Translation::default() });
        }
        None => {}
    }
    let mut translation = Translation::default();
    // The purchase's own state changes with it.
    translation.watch.extend(purchase.clone().map(|purchase| (purchase, Watch::Unsettled)));
    let status = reading.status()?;
    let done = match status.as_str() {
        "success" | "paid" => true,
        "error" => false,
        "initialized" | "pending" | "pending_execute" => {
            translation.unknown = reading.unknown;
            return Ok(translation);
        }
        _ => {
            reading.unknown_status(&status);
            translation.unknown = reading.unknown;
            return Ok(translation);
        }
    };
    if kind == Kind::Theirs {
        reading.unknown.push("payment_of_another_kind".to_owned());
        translation.unknown = reading.unknown;
        return Ok(translation);
    }
    let (currency, unit) = unit("payment.currency", payment.currency, &policy.currencies)?;
    let moved = Moved {
        id: wire::id("id", thing.id)?,
        currency,
        amount: wire::amount("payment.amount", payment.amount, unit)?,
        fee: wire::amount_or_zero("payment.fee_amount", payment.fee_amount, unit)?,
        outgoing: wire::flag("payment.is_outgoing", payment.is_outgoing)?,
        at: reading.moment("payment.paid_on", payment.paid_on),
        related: purchase.and_then(|purchase| purchase.id),
        category: category.unwrap_or_else(|| "?".to_owned()),
    };
    let told = match (kind, done) {
        (Kind::Refund, false) => Some(failed(&moved, reading.reason(&status))),
        (_, false) => None,
        (kind, true) => tell(kind, &moved, policy.refund_fee, &mut reading.unknown),
    };
    // The brand is on some of them only, so the wallet comes from its purchase or from the purse.
    let wallet = wire::optional_id("brand_id", thing.brand_id)?;
    translation.said.extend(told.map(|told| Said { wallet, ..told }));
    translation.unknown = reading.unknown;
    Ok(translation)
}

/// What a Payment that is through says.
pub(super) fn tell(kind: Kind, moved: &Moved, policy: RefundFee, unknown: &mut Vec<String>) -> Option<Said> {
    let plausible = match kind {
        Kind::Refund | Kind::Chargeback => moved.outgoing,
        _ => true,
    };
    if !plausible {
        unknown.push("payment_direction".to_owned());
        return None;
    }
    Some(match kind {
        Kind::Refund => refund(moved, policy),
        Kind::Chargeback | Kind::ChargebackReversed if moved.related.is_none() => movement(moved),
        Kind::Chargeback => {
            let (amount, debited) = (moved.amount, moved.amount);
            let body = ChargebackOpened { payment_id: OF_LINK, amount, debited, fees: own_fees(moved) };
            dispute(moved, body.into())
        }
        Kind::ChargebackReversed => {
            let (won, lost, debited_now) = (moved.amount, Amount::ZERO, Amount::ZERO);
            let (fees, returned) = (own_fees(moved), Vec::new());
            let body = ChargebackClosed { payment_id: OF_LINK, won, lost, debited_now, fees, returned };
            dispute(moved, body.into())
        }
        Kind::Other => movement(moved),
        Kind::Theirs => return None,
    })
}

fn own_fees(moved: &Moved) -> Vec<ensimbi_events::word::Fee> {
    fees(Bearer::Merchant, moved.fee, moved.currency)
}

/// What all statements about a Payment have in common.
fn about(moved: &Moved, object: ObjectRef, subject_kind: SubjectKind, body: Body) -> Said {
    let links = Links { purse: Some(COLLECTIONS), original: moved.related.clone().map(purchase), ..Links::default() };
    let doubt = moved.fee.is_negative().then_some(DiscrepancyKind::FeeImplausible);
    let (currency, occurred_at) = (Some(moved.currency), moved.at);
    Said { currency, occurred_at, doubt, links, ..said(object, subject_kind, body) }
}

fn payment(moved: &Moved) -> ObjectRef {
    ObjectRef { kind: PAYMENT, id: Some(moved.id.clone()), reference: None }
}

/// The purse loses what the payer gets, and the fee; or the fee less, where that is how it is read (section 7).
fn refund(moved: &Moved, policy: RefundFee) -> Said {
    let (fees, returned) = match policy {
        RefundFee::OnTop => (own_fees(moved), Vec::new()),
        RefundFee::Returned => (Vec::new(), own_fees(moved)),
    };
    let one = |list: &[ensimbi_events::word::Fee]| list.first().map_or(Amount::ZERO, |fee| fee.amount);
    // Beyond the range of amounts the sums do not agree, and the ledger withholds it.
    let debit = moved.amount.checked_add(one(&fees)).and_then(|sum| sum.checked_sub(one(&returned)));
    let amount = moved.amount;
    let wallet_debit = debit.unwrap_or(amount);
    let body = RefundSucceeded { payment_id: OF_LINK, amount, wallet_debit, attempt: None, fees, returned };
    about(moved, payment(moved), SubjectKind::Refund, body.into())
}

fn failed(moved: &Moved, reason: String) -> Said {
    let body = RefundFailed { attempt: 0, amount: moved.amount, is_final: true, reason };
    about(moved, payment(moved), SubjectKind::Refund, body.into())
}

/// One dispute a purchase; each Payment of it is one occurrence.
fn dispute(moved: &Moved, body: Body) -> Said {
    let object = ObjectRef { kind: DISPUTE, id: moved.related.clone(), reference: None };
    Said { occurrence: moved.id.clone(), ..about(moved, object, SubjectKind::Dispute, body) }
}

/// Money that moved, and nobody says for what: for a person.
pub(super) fn movement(moved: &Moved) -> Said {
    let direction = if moved.outgoing { Direction::Out } else { Direction::In };
    let (row_id, category) = (moved.id.clone(), moved.category.clone());
    let body = WalletMovementReported { row_id, direction, amount: moved.amount, category };
    let object = ObjectRef { kind: ROW, id: Some(moved.id.clone()), reference: None };
    let said = about(moved, object, SubjectKind::Transfer, body.into());
    Said { links: Links { original: None, ..said.links.clone() }, ..said }
}
