//! What every execution has (`providers/dollr.md`, section 8.4): its reference, its status, the two sides' money.
//!
//! Of a collection its own figures say too little: the total and the bearer of fees stand in its source. So the answer
//! of the call that carries it out only asks for the read of both. An execution names no time and no reason but free
//! text, which may hold a person's number: a failure's reason is their status word alone.

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::{Bearer, Component, Fee, FigureSource};
use ensimbi_events::{Amount, Currency, Money, SubjectId};
use uuid::Uuid;

use super::super::wire::{self, Execution, Outcome, Parts, unreadable};
use super::super::{COLLECTION, PAYOUT, REFUND, TRANSFER};
use super::{counted, payout, refund, transfer};
use crate::connector::{ObjectRef, Translation, Unreadable, Watch};

/// Whose id the door puts in the place of the payment's.
pub(super) const OF_LINK: SubjectId = SubjectId(Uuid::nil());
/// Their word for what was called off, as the source's status spells it.
pub(super) const CANCELED: &str = "CANCELED";
/// The door puts the attempt's number here: it is not in their bytes.
pub(super) const ATTEMPT: u32 = 0;

/// An execution under reading.
pub(super) struct Reading<'a> {
    pub(super) wire: Execution<'a>,
    pub(super) object: ObjectRef,
    pub(super) outcome: Outcome,
    /// Their word in one spelling (they have two of one), so that one fact has one form.
    pub(super) word: String,
    pub(super) unknown: Vec<String>,
}

impl<'a> Reading<'a> {
    /// `kind` is also what its `operation_type` must be.
    pub(super) fn of(text: &'a str, kind: &'static str) -> Result<Self, Unreadable> {
        let wire: Execution<'_> = wire::object("execution", text)?;
        if !operation(&wire)?.eq_ignore_ascii_case(kind) {
            return Err(unreadable("operation_type", format!("expected {}", kind.to_ascii_uppercase())));
        }
        let reference = wire::reference("reference_id", wire.reference_id)?;
        let status = wire::required("status", wire.status)?;
        let outcome = Outcome::of(&status);
        let unknown = if outcome == Outcome::Unknown { vec![counted("status", &status)] } else { Vec::new() };
        let word = status.to_ascii_uppercase();
        let word = if word == "CANCELLED" { CANCELED.to_owned() } else { word };
        Ok(Self { wire, object: object(kind, &reference), outcome, word, unknown })
    }

    /// What the payer parted with.
    pub(super) fn payer(&self) -> Result<Money, Unreadable> {
        let (amount, currency) = (self.wire.payer_amount, self.wire.payer_currency);
        wire::money(("payer_amount", amount), ("payer_currency", currency))
    }

    /// What the payee got.
    pub(super) fn payee(&self) -> Result<Money, Unreadable> {
        let (amount, currency) = (self.wire.payee_amount, self.wire.payee_currency);
        wire::money(("payee_amount", amount), ("payee_currency", currency))
    }

    /// The operator's transaction.
    pub(super) fn operator_transaction(&mut self) -> Option<String> {
        wire::transaction("provider_transaction_id", self.wire.provider_transaction_id, &mut self.unknown)
    }

    /// Which of several failures it is: a source fails once for each reference that was tried on it.
    pub(super) fn occurrence(&self) -> String {
        self.object.id.clone().unwrap_or_default()
    }

    /// How to go on after it.
    pub(super) const fn watch(&self) -> Watch {
        match self.outcome {
            Outcome::Succeeded => Watch::Settled,
            Outcome::Failed => Watch::Ended,
            Outcome::Pending | Outcome::Unknown => Watch::Unsettled,
        }
    }
}

fn operation(wire: &Execution<'_>) -> Result<String, Unreadable> {
    wire::required("operation_type", wire.operation_type)
}

/// Our object under a reference of ours, which is the only id that it has.
pub(super) fn object(kind: &'static str, reference: &str) -> ObjectRef {
    ObjectRef { kind, id: Some(reference.to_owned()), reference: Some(reference.to_owned()) }
}

/// The one figure that two of theirs leave for fees; nothing where it is nothing. Below zero it is no fee, but a doubt.
pub(super) fn left_for_fees(
    more: Amount,
    less: Amount,
    currency: Currency,
    bearer: Bearer,
    label: &str,
) -> (Vec<Fee>, Option<DiscrepancyKind>) {
    let amount = more.checked_sub(less).filter(|left| !left.is_negative());
    let Some(amount) = amount else { return (Vec::new(), Some(DiscrepancyKind::FeeImplausible)) };
    if amount.is_zero() {
        return (Vec::new(), None);
    }
    let (component, source, label) = (Component::Unitemised, FigureSource::Derived, label.to_owned());
    (vec![Fee { component, bearer, amount, currency, source, label, tax: None }], None)
}

/// The answer of an execution's own call, in a bundle or bare.
pub(super) fn answered(text: &str) -> Result<Translation, Unreadable> {
    let parts: Parts<'_> = wire::object("body", text)?;
    let text = parts.execution.map_or(text, |part| part.get());
    let wire: Execution<'_> = wire::object("execution", text)?;
    match operation(&wire)?.to_ascii_uppercase().as_str() {
        "COLLECTION" => {
            let reading = Reading::of(text, COLLECTION)?;
            // Its money, its end and what was asked are said with its source beside it.
            let watch = vec![(reading.object, Watch::Unsettled)];
            Ok(Translation { watch, unknown: reading.unknown, ..Translation::default() })
        }
        "PAYOUT" => payout::read(text),
        "TRANSFER" => transfer::read(text),
        "REFUND" => refund::read(text),
        _ => Err(unreadable("operation_type", format!("expected {COLLECTION}, {PAYOUT}, {TRANSFER} or {REFUND}"))),
    }
}
