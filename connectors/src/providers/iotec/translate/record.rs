//! What collections and payouts share: identity, status, figures, times, wallet, words (`providers/iotec.md`, 4.2, 5.3).

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::{Bearer, Component, Fee, FigureSource};
use ensimbi_events::{Amount, Body, Currency, SubjectKind, Time};

use super::super::wire::{self, Raw, Record, Status, Wallet, unreadable};
use crate::connector::{Links, ObjectRef, PartyDetails, Said, Unreadable};

/// Our reference on an object.
pub(super) fn reference(raw: Raw<'_>, unknown: &mut Vec<String>) -> Option<String> {
    // Our own references are never odd; somebody else's is not needed.
    wire::kept("externalId", raw, wire::REFERENCE_MAX, unknown)
}

/// The fees of an answer: those we can book, their sum, and what is wrong with the figures.
pub(super) struct Fees {
    pub(super) list: Vec<Fee>,
    pub(super) sum: Amount,
    pub(super) doubt: Option<DiscrepancyKind>,
}

/// A record under reading; `unknown` collects what nobody knows.
pub(super) struct Answer<'a> {
    pub(super) wire: &'a Record<'a>,
    pub(super) unknown: Vec<String>,
}

impl<'a> Answer<'a> {
    pub(super) const fn new(wire: &'a Record<'a>) -> Self {
        Self { wire, unknown: Vec::new() }
    }
}

impl Answer<'_> {
    pub(super) fn object(&mut self, kind: &'static str) -> Result<ObjectRef, Unreadable> {
        let id = Some(wire::id("id", self.wire.id)?);
        Ok(ObjectRef { kind, id, reference: reference(self.wire.external_id, &mut self.unknown) })
    }

    /// The status and its word; an unknown one is counted.
    pub(super) fn status(&mut self) -> Result<(Status, String), Unreadable> {
        let word = wire::required("status", self.wire.status)?;
        let status = Status::of(&word);
        if status == Status::Other {
            let word = if wire::is_word(&word) { word.as_str() } else { "?" };
            self.unknown.push(format!("status:{word}"));
        }
        Ok((status, word))
    }

    pub(super) fn figures(&self) -> Result<(Amount, Currency), Unreadable> {
        Ok((wire::amount("amount", self.wire.amount)?, self.currency()?))
    }

    pub(super) fn currency(&self) -> Result<Currency, Unreadable> {
        wire::currency("currency", self.wire.currency)
    }

    /// A statement about this record; an amount that is none is a doubt above all others.
    pub(super) fn said(
        &mut self,
        (object, subject_kind): (&ObjectRef, SubjectKind),
        (status, amount, currency): (Status, Amount, Currency),
        body: Body,
        doubt: Option<DiscrepancyKind>,
        party: Option<PartyDetails>,
    ) -> Said {
        let implausible = (!amount.is_positive()).then_some(DiscrepancyKind::AmountImplausible);
        Said {
            object: object.clone(),
            subject_kind,
            occurrence: String::new(),
            currency: Some(currency),
            wallet: self.wallet(),
            body,
            occurred_at: self.occurred_at(status),
            party,
            doubt: implausible.or(doubt),
            operator_transaction: self.id("vendorTransactionId", self.wire.vendor_transaction_id),
            links: Links::default(),
            confirms: false,
        }
    }

    /// The fees. A success must show them (`obligatory`): without them a later, complete answer could not be recorded.
    /// `most`: what they can be out of, where they are a part of something.
    pub(super) fn fees(
        &self,
        (bearer, currency): (Bearer, Currency),
        obligatory: bool,
        most: Option<Amount>,
    ) -> Result<Fees, Unreadable> {
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
                list.push(fee(component, bearer, figure, currency, label));
            }
        }
        let range = || unreadable("totalTransactionCharge", "the fees together are too large for the ledger");
        let total = Amount::checked_sum(stated.iter().copied()).ok_or_else(range)?;
        let sum = Amount::checked_sum(list.iter().map(|fee| fee.amount)).ok_or_else(range)?;
        let differs = match self.wire.total_transaction_charge {
            Some(raw) => wire::amount("totalTransactionCharge", Some(raw))? != total,
            None => false,
        };
        let doubt = if stated.iter().any(|figure| figure.is_negative()) || most.is_some_and(|most| sum > most) {
            Some(DiscrepancyKind::FeeImplausible)
        } else {
            differs.then_some(DiscrepancyKind::SumsDiffer)
        };
        Ok(Fees { list, sum, doubt })
    }

    /// The reason is compared with later reports, so it holds their two words only; `statusMessage` is free text.
    pub(super) fn reason(&mut self, status: &str) -> String {
        match self.word("statusCode", self.wire.status_code) {
            Some(code) => format!("{status}: {code}"),
            None => status.to_owned(),
        }
    }

    /// `processedAt`, else `lastUpdated`. A rollback is told by whichever is later: the first may still be the success.
    fn occurred_at(&mut self, status: Status) -> Option<Time> {
        let processed = time("processedAt", self.wire.processed_at, &mut self.unknown);
        let updated = time("lastUpdated", self.wire.last_updated, &mut self.unknown);
        match (status, processed) {
            (Status::RolledBack, _) => processed.flatten().max(updated.flatten()),
            (_, Some(processed)) => processed,
            (_, None) => updated.flatten(),
        }
    }

    pub(super) fn wallet(&mut self) -> Option<String> {
        let Ok(wallet) = wire::object::<Wallet<'_>>("wallet", self.wire.wallet?.get()) else {
            self.unknown.push("wallet".to_owned());
            return None;
        };
        self.id("wallet.id", wallet.id)
    }

    /// A machine's word; free text in its place is counted and left out, since it may hold a name.
    pub(super) fn word(&mut self, field: &str, raw: Raw<'_>) -> Option<String> {
        wire::word(field, raw, &mut self.unknown)
    }

    /// An id of something beside the object; another text in its place is counted and left out.
    pub(super) fn id(&mut self, field: &str, raw: Raw<'_>) -> Option<String> {
        wire::optional_id(field, raw).unwrap_or_else(|_| {
            self.unknown.push(field.to_owned());
            None
        })
    }

    pub(super) fn kept(&mut self, field: &str, raw: Raw<'_>, max: usize) -> Option<String> {
        wire::kept(field, raw, max, &mut self.unknown)
    }
}

/// A fee that the provider stated.
pub(super) fn fee(component: Component, bearer: Bearer, amount: Amount, currency: Currency, label: &str) -> Fee {
    Fee { component, bearer, amount, currency, source: FigureSource::Observed, label: label.to_owned(), tax: None }
}

/// `None`: not given. `Some(None)`: given, and of no use.
pub(super) fn time(field: &str, raw: Raw<'_>, unknown: &mut Vec<String>) -> Option<Option<Time>> {
    match wire::time(field, raw) {
        Ok(None) => None,
        Ok(time) => Some(time),
        Err(_) => {
            unknown.push(field.to_owned());
            Some(None)
        }
    }
}
