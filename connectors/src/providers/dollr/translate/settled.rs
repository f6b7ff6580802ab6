//! The sums of a collection that succeeded (`bookkeeping.md` 2, `providers/dollr.md` 10.3). gross is what the source
//! asks for, net what they say reached us; the figure between two amounts is all that is known of the fees until the
//! receipt itemises them. Only amounts of one currency are ever compared: what a payer paid in another one is a fact.
//!
//! What does not hold is told all the same and doubted, so that it is withheld until a person decides.

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::{Bearer, FigureSource};
use ensimbi_events::words::payment::CollectionSucceeded;
use ensimbi_events::{Currency, Money};

use super::super::wire::Figure;
use super::execution::left_for_fees;

/// What is known of a payment.
pub(super) struct Settled {
    /// What the source asks for.
    pub(super) total: Money,
    /// Who bears the fees: the payer or the merchant.
    pub(super) bearer: Bearer,
    /// What the payer parted with, where it is told.
    pub(super) payer: Option<(Figure, Currency)>,
    /// What reached the merchant.
    pub(super) payee: Money,
    /// Their rate, as text.
    pub(super) rate: Option<String>,
    /// Operator or rail, in their word.
    pub(super) channel: Option<String>,
}

impl Settled {
    /// The statement, the currency it is in, and what is wrong with it.
    pub(super) fn told(self) -> (CollectionSucceeded, Currency, Option<DiscrepancyKind>) {
        let own = self.total.currency;
        let (gross, net) = (self.total.amount, self.payee.amount);
        let payer = self.payer.and_then(|(figure, currency)| figure.fit().map(|amount| Money { amount, currency }));
        let unfit = self.payer.is_some_and(|(figure, _)| figure == Figure::Unfit);
        let mut doubt = unfit.then_some(DiscrepancyKind::ValueDoesNotFit);
        let mut body = CollectionSucceeded {
            gross,
            net,
            net_source: FigureSource::Observed,
            held: None,
            held_until: None,
            payer,
            rate: self.rate,
            invoice_id: None,
            channel: self.channel,
            fees: Vec::new(),
        };
        if self.payee.currency != own {
            // No wallet of the source's currency was filled: what came is told, and a person decides what it is.
            body.gross = net;
            return (body, self.payee.currency, doubt.or(Some(DiscrepancyKind::CurrencyDiffers)));
        }
        let paid = payer.filter(|payer| payer.currency == own).map(|payer| payer.amount);
        let (fees, wrong) = match (self.bearer, paid) {
            (Bearer::Payer, Some(paid)) => left_for_fees(paid, gross, own, Bearer::Payer, "payer_minus_total"),
            // What the payer bore in another currency, only the receipt tells.
            (Bearer::Payer, None) => (Vec::new(), None),
            _ => left_for_fees(gross, net, own, Bearer::Merchant, "total_minus_payee"),
        };
        body.fees = fees;
        doubt = doubt.or(wrong);
        let holds = match self.bearer {
            Bearer::Payer => net == gross,
            _ => paid.is_none_or(|paid| paid == gross),
        };
        if !gross.is_positive() || net.is_negative() {
            doubt = doubt.or(Some(DiscrepancyKind::AmountImplausible));
        }
        (body, own, doubt.or_else(|| (!holds).then_some(DiscrepancyKind::SumsDiffer)))
    }
}
