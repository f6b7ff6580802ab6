//! What purchases, payouts and Payments share: identity, brand, mode, history, the operator, the other side
//! (`providers/paytota.md`, sections 3, 4.2, 4.4, 6 and 8).

use ensimbi_events::word::{Bearer, Component, Fee, FigureSource, Mode};
use ensimbi_events::{Amount, Body, Currency, SubjectId, SubjectKind, Time};
use uuid::Uuid;

use super::super::options::{BRAND_ID, Currencies};
use super::super::wire::{
    self, Attempt, Data, Extra, Party, Payload, Raw, Step, Thing, Transaction, Unit, kept, unreadable, word,
};
use super::{Channel, counted};
use crate::connector::{Input, Links, ObjectRef, PartyDetails, Said, Unreadable};

/// The operator of their test money (section 3): `is_test` does not tell it.
const SANDBOX: &str = "SANDBOX";
/// Whose id the door puts in the place of the payment's.
pub(super) const OF_LINK: SubjectId = SubjectId(Uuid::nil());

/// Why a body says nothing at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    /// A sandbox's money, for a live book.
    Sandbox,
    /// Real money, for a test book.
    Live,
    /// Another brand of the company.
    Brand,
}

impl Foreign {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox_money",
            Self::Live => "live_money",
            Self::Brand => "other_brand",
        }
    }
}

/// One of their objects under reading; `unknown` collects what nobody knows.
pub(super) struct Reading<'a> {
    pub(super) thing: &'a Thing<'a>,
    pub(super) input: Input<'a>,
    pub(super) channel: Channel,
    pub(super) unknown: Vec<String>,
    operator: Option<String>,
    operator_reference: Option<String>,
    sandbox: bool,
    /// The newest attempt's error code, and the method that was used, in their words.
    error: Option<String>,
    method: Option<String>,
    steps: Vec<(String, Time)>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(thing: &'a Thing<'a>, input: Input<'a>, channel: Channel) -> Result<Self, Unreadable> {
        let mut reading = Self {
            thing,
            input,
            channel,
            unknown: Vec::new(),
            operator: None,
            operator_reference: None,
            sandbox: false,
            error: None,
            method: None,
            steps: Vec::new(),
        };
        reading.data()?;
        reading.steps();
        Ok(reading)
    }

    /// Goes through `transaction_data`: whose money it was, and what went wrong last.
    fn data(&mut self) -> Result<(), Unreadable> {
        let Some(data) = wire::inner::<Data<'_>>("transaction_data", self.thing.transaction_data)? else {
            return Ok(());
        };
        self.method = word("payment_method", data.payment_method, &mut self.unknown);
        self.extra(data.extra)?;
        for (index, attempt) in wire::inner_objects::<Attempt<'_>>("attempts", data.attempts)?.into_iter().enumerate() {
            self.extra(attempt.extra)?;
            if index == 0
                && let Some(error) = wire::inner::<wire::Problem<'_>>("attempts.error", attempt.error)?
            {
                self.error = word("attempts.error.code", error.code, &mut self.unknown);
            }
        }
        Ok(())
    }

    fn extra(&mut self, raw: Raw<'_>) -> Result<(), Unreadable> {
        let Some(extra) = wire::inner::<Extra<'_>>("extra", raw)? else { return Ok(()) };
        for payload in [extra.payload, extra.webhook_payload] {
            let Some(payload) = wire::inner::<Payload<'_>>("payload", payload)? else { continue };
            let Some(transaction) = wire::inner::<Transaction<'_>>("transaction", payload.transaction)? else {
                continue;
            };
            let operator = word("operator", transaction.operator, &mut self.unknown);
            self.sandbox |= operator.as_deref().is_some_and(|operator| operator.eq_ignore_ascii_case(SANDBOX));
            // The first one stands for the whole object: attempts follow it.
            self.operator = self.operator.take().or(operator);
            let reference = wire::optional_id("operator_reference", transaction.operator_reference);
            let reference = reference.unwrap_or_else(|error| {
                self.unknown.push(error.field);
                None
            });
            self.operator_reference = self.operator_reference.take().or(reference);
        }
        Ok(())
    }

    /// The object; `kind` is also what its `type` must be, where it has one.
    pub(super) fn object(&mut self, kind: &'static str) -> Result<ObjectRef, Unreadable> {
        if wire::text("type", self.thing.r#type)?.is_some_and(|found| found != kind) {
            return Err(unreadable("type", format!("expected {kind}")));
        }
        let id = Some(wire::id("id", self.thing.id)?);
        let reference = kept("reference", self.thing.reference, wire::REFERENCE_MAX, &mut self.unknown);
        Ok(ObjectRef { kind, id, reference })
    }

    pub(super) fn status(&self) -> Result<String, Unreadable> {
        wire::required("status", self.thing.status)
    }

    /// Counts a status that nobody knows.
    pub(super) fn unknown_status(&mut self, status: &str) {
        self.unknown.push(counted("status", status));
    }

    /// Whether it is for another book than this one. `moved`: the status says that money did.
    pub(super) fn foreign(&self, moved: bool) -> Result<Option<Foreign>, Unreadable> {
        let other = |brand: &String| self.input.options.get(BRAND_ID).is_some_and(|own| own != brand);
        if self.brand()?.as_ref().is_some_and(other) {
            return Ok(Some(Foreign::Brand));
        }
        let test = wire::flag("is_test", self.thing.is_test)? || self.sandbox;
        Ok(match self.input.mode {
            Mode::Live if test => Some(Foreign::Sandbox),
            Mode::Test if moved && !test => Some(Foreign::Live),
            _ => None,
        })
    }

    fn brand(&self) -> Result<Option<String>, Unreadable> {
        wire::optional_id("brand_id", self.thing.brand_id)
    }

    /// The moments at which it came to a status, oldest first.
    pub(super) fn history(&self, status: &str) -> Vec<Time> {
        self.steps.iter().filter(|(found, _)| found == status).map(|(_, at)| *at).collect()
    }

    /// Reads `status_history`; what cannot be read of it is counted once.
    fn steps(&mut self) {
        let steps = wire::inner_objects::<Step<'_>>("status_history", self.thing.status_history);
        let mut odd = steps.is_err();
        for step in steps.unwrap_or_default() {
            match (wire::text("status", step.status), wire::time("timestamp", step.timestamp)) {
                (Ok(Some(status)), Ok(Some(at))) => self.steps.push((status, at)),
                _ => odd = true,
            }
        }
        if odd {
            self.unknown.push("status_history".to_owned());
        }
    }

    /// Which of several ends in one status this is: its last moment in the history, and where several share a second,
    /// its place among them. With the moment itself, where there is one.
    pub(super) fn occurrence(&self, status: &str) -> (String, Option<Time>) {
        let moments = self.history(status);
        let Some(last) = moments.last().copied() else { return (String::new(), None) };
        let seconds = last.micros() / 1_000_000;
        match moments.iter().filter(|at| **at == last).count() {
            1 => (seconds.to_string(), Some(last)),
            count => (format!("{seconds}.{count}"), Some(last)),
        }
    }

    /// A statement about this object.
    pub(super) fn said(&self, object: &ObjectRef, subject_kind: SubjectKind, body: Body) -> Result<Said, Unreadable> {
        let wallet = self.brand()?;
        let confirms = self.channel == Channel::Pushed;
        Ok(Said { wallet, confirms, ..said(object.clone(), subject_kind, body) })
    }

    /// The reason of a failure is compared with later reports and kept for ever, so it holds two words of theirs only;
    /// messages are free text.
    pub(super) fn reason(&self, status: &str) -> String {
        match &self.error {
            Some(code) => format!("{status}: {code}"),
            None => status.to_owned(),
        }
    }

    /// Operator or rail, in their word.
    pub(super) fn channel_word(&self) -> Option<String> {
        self.method.clone().or_else(|| self.operator.clone())
    }

    pub(super) fn operator_reference(&self) -> Option<String> {
        self.operator_reference.clone()
    }

    /// The other side, for the vault. A bank account is never part of it.
    pub(super) fn party(&mut self) -> Option<PartyDetails> {
        let client = match wire::inner::<Party<'_>>("client", self.thing.client) {
            Ok(client) => client?,
            Err(_) => {
                self.unknown.push("client".to_owned());
                return None;
            }
        };
        let phone = kept("client.phone", client.phone, wire::PARTY_TEXT_MAX, &mut self.unknown);
        let name = kept("client.full_name", client.full_name, wire::PARTY_TEXT_MAX, &mut self.unknown);
        let email = kept("client.email", client.email, wire::PARTY_TEXT_MAX, &mut self.unknown);
        let known = phone.is_some() || name.is_some() || email.is_some();
        known.then_some(PartyDetails { phone, name, email })
    }

    /// A time that says when, and nothing else: one that cannot be read is counted.
    pub(super) fn moment(&mut self, field: &str, raw: Raw<'_>) -> Option<Time> {
        wire::time(field, raw).unwrap_or_else(|_| {
            self.unknown.push(field.to_owned());
            None
        })
    }
}

/// A statement without anything beside its object.
pub(super) fn said(object: ObjectRef, subject_kind: SubjectKind, body: Body) -> Said {
    Said {
        object,
        subject_kind,
        occurrence: String::new(),
        currency: None,
        wallet: None,
        body,
        occurred_at: None,
        party: None,
        doubt: None,
        operator_transaction: None,
        links: Links::default(),
        confirms: false,
    }
}

/// Their one figure for fees (section 7); nothing where it is nothing. One below zero is left out: the caller doubts it.
pub(super) fn fees(bearer: Bearer, amount: Amount, currency: Currency) -> Vec<Fee> {
    if !amount.is_positive() {
        return Vec::new();
    }
    vec![Fee {
        component: Component::Unitemised,
        bearer,
        amount,
        currency,
        source: FigureSource::Observed,
        label: "fee_amount".to_owned(),
        tax: None,
    }]
}

/// Currency and unit of a `payment`.
pub(super) fn unit<'k>(field: &str, raw: Raw<'_>, known: &'k Currencies) -> Result<(Currency, Unit<'k>), Unreadable> {
    let currency = wire::currency(field, raw)?;
    Ok((currency, Unit { currency, known }))
}
