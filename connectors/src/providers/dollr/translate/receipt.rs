//! Receipts: the fees of a payment, itemised, each in its own currency (`providers/dollr.md`, section 11).
//!
//! It is the whole list, so it replaces the one figure that stood for it; the ledger withholds it where the sums differ
//! (`bookkeeping.md`, example 14). What is wrong within the receipt itself is doubted here. A fee that the ledger has
//! no room for, or whose currency nobody names, is left out and the receipt doubted: nothing is rounded or guessed.
//!
//! Which payment it is, the source's label tells: the reference of the attempt that made the source. One without such a
//! label says nothing.

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::{Bearer, Component, Fee, FeesMode, FigureSource};
use ensimbi_events::words::payment::FeesReported;
use ensimbi_events::{Amount, Currency, Money, SubjectKind, Time};

use super::super::COLLECTION;
use super::super::handle::{Family, SourceRef};
use super::super::options::FxFeeCurrency;
use super::super::wire::{self, Figure, Parts, Raw, Receipt, Stage, unreadable};
use super::execution::{OF_LINK, object};
use super::settled::Settled;
use super::{counted, hosted, source};
use crate::connector::{Input, Links, Said, Translation, Unreadable, Watch};

/// Longest rate that is kept.
const RATE_MAX: usize = 32;

/// A receipt under reading.
pub(super) struct Reading {
    pub(super) name: SourceRef,
    label: Option<String>,
    paid: bool,
    pub(super) total: Money,
    bearer: Bearer,
    payer: Option<(Figure, Currency)>,
    payee: Option<Money>,
    fees: Vec<Fee>,
    doubt: Option<DiscrepancyKind>,
    rate: Option<String>,
    channel: Option<String>,
    pub(super) operator_transaction: Option<String>,
    pub(super) paid_at: Option<Time>,
    unknown: Vec<String>,
}

impl Reading {
    pub(super) fn of(text: &str, input: &Input<'_>) -> Result<Self, Unreadable> {
        let wire: Receipt<'_> = wire::object("receipt", text)?;
        let fx_fee_currency = wire::option(FxFeeCurrency::of(input.options))?;
        let name = match (wire.invoice_id, wire.order_id) {
            (Some(_), None) => {
                SourceRef { family: Family::Invoice, id: wire::integer_id("receipt.invoice_id", wire.invoice_id)? }
            }
            (None, Some(_)) => {
                SourceRef { family: Family::Order, id: wire::integer_id("receipt.order_id", wire.order_id)? }
            }
            _ => return Err(unreadable("receipt", "expected invoice_id or order_id")),
        };
        let mut unknown = Vec::new();
        let status = wire::required("receipt.status", wire.status)?;
        if Stage::of(&status) == Stage::Unknown {
            unknown.push(counted("receipt_status", &status));
        }
        let total = ("receipt.total_amount", wire.total_amount);
        let total = wire::money(total, ("receipt.currency", wire.currency))?;
        let payer = wire::figure("receipt.payer_amount", wire.payer_amount)?;
        let payer_currency = wire::optional_currency("receipt.payer_currency", wire.payer_currency)?;
        let payee_currency = wire::optional_currency("receipt.payee_currency", wire.payee_currency)?;
        let payee = match (wire.payee_amount, payee_currency) {
            (Some(_), Some(currency)) => {
                Some(Money { amount: wire::amount("receipt.payee_amount", wire.payee_amount)?, currency })
            }
            _ => None,
        };
        let paid_at = wire::time("receipt.paid_at", wire.paid_at).unwrap_or_else(|_| {
            unknown.push("receipt.paid_at".to_owned());
            None
        });
        let rate = wire.fx_rate.map(|rate| wire::unquoted(rate.get()).to_owned());
        let digits = |rate: &String| {
            (1..=RATE_MAX).contains(&rate.len()) && rate.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        };
        let mut reading = Self {
            name,
            label: wire::label(wire.reference_id),
            paid: Stage::of(&status) == Stage::Paid,
            total,
            bearer: source::bearer("receipt.fee_bearer", wire.fee_bearer)?,
            payer: payer.zip(payer_currency),
            payee,
            fees: Vec::new(),
            doubt: None,
            rate: rate.filter(digits),
            channel: wire::word("receipt.payment_method", wire.payment_method, &mut unknown),
            operator_transaction: wire::transaction(
                "receipt.provider_transaction_id",
                wire.provider_transaction_id,
                &mut unknown,
            ),
            paid_at,
            unknown,
        };
        let platform = wire::optional_currency("receipt.platform_currency", wire.platform_currency)?;
        let gateway = wire::optional_currency("receipt.gateway_currency", wire.gateway_currency)?;
        let fx = match fx_fee_currency {
            FxFeeCurrency::Platform => platform,
            FxFeeCurrency::Gateway => gateway,
            FxFeeCurrency::Payer => payer_currency,
            FxFeeCurrency::Payee => payee_currency,
        };
        reading.fee(Component::Provider, "platform_fee", wire.platform_fee, platform)?;
        reading.fee(Component::Network, "gateway_fee", wire.gateway_fee, gateway)?;
        reading.fee(Component::Fx, "fx_fee", wire.fx_fee, fx)?;
        reading.check();
        Ok(reading)
    }

    /// Adds one fee; nothing where it is nothing.
    fn fee(
        &mut self,
        component: Component,
        label: &str,
        raw: Raw<'_>,
        currency: Option<Currency>,
    ) -> Result<(), Unreadable> {
        let amount = match wire::figure(&format!("receipt.{label}"), raw)? {
            None => return Ok(()),
            Some(Figure::Unfit) => {
                self.doubt(DiscrepancyKind::ValueDoesNotFit);
                return Ok(());
            }
            Some(Figure::Is(amount)) if amount.is_zero() => return Ok(()),
            Some(Figure::Is(amount)) => amount,
        };
        let Some(currency) = currency.filter(|_| amount.is_positive()) else {
            self.doubt(DiscrepancyKind::FeeImplausible);
            return Ok(());
        };
        let (bearer, source, label) = (self.bearer, FigureSource::Observed, label.to_owned());
        self.fees.push(Fee { component, bearer, amount, currency, source, label, tax: None });
        Ok(())
    }

    fn doubt(&mut self, kind: DiscrepancyKind) {
        self.doubt = self.doubt.or(Some(kind));
    }

    /// Whether its own figures agree, as far as they are in one currency. What the payer bore in another one cannot be
    /// compared with anything.
    fn check(&mut self) {
        let own = self.total.currency;
        if self.payee.is_some_and(|payee| payee.currency != own) {
            return self.doubt(DiscrepancyKind::CurrencyDiffers);
        }
        let foreign = self.fees.iter().any(|fee| fee.currency != own);
        let ours = Amount::checked_sum(self.fees.iter().filter(|fee| fee.currency == own).map(|fee| fee.amount));
        let left = match self.bearer {
            Bearer::Payer => match self.payer {
                Some((Figure::Is(paid), currency)) if currency == own => paid.checked_sub(self.total.amount),
                Some((Figure::Unfit, currency)) if currency == own => {
                    return self.doubt(DiscrepancyKind::ValueDoesNotFit);
                }
                _ => return,
            },
            _ => match self.payee {
                Some(payee) => self.total.amount.checked_sub(payee.amount),
                None => return,
            },
        };
        let agrees = match ours.zip(left) {
            Some((ours, left)) if foreign => ours <= left,
            Some((ours, left)) => ours == left,
            None => false,
        };
        if !agrees {
            self.doubt(DiscrepancyKind::SumsDiffer);
        }
    }

    /// What it says of fees, and whether it has to be asked for again.
    pub(super) fn tell(mut self, translation: &mut Translation) {
        let receipt = hosted::receipt_of(&self.name);
        if !self.paid {
            translation.watch.push((receipt, Watch::Unsettled));
            translation.unknown.append(&mut self.unknown);
            return;
        }
        translation.watch.push((receipt.clone(), Watch::Closed));
        match self.label.as_deref() {
            // No fees and nothing wrong: there is nothing to itemise.
            Some(_) if self.fees.is_empty() && self.doubt.is_none() => {}
            Some(label) => {
                let payment = object(COLLECTION, label);
                let body = FeesReported { payment_id: OF_LINK, mode: FeesMode::Itemise, fees: self.fees };
                translation.said.push(Said {
                    currency: Some(self.total.currency),
                    occurred_at: self.paid_at,
                    doubt: self.doubt,
                    links: Links { original: Some(payment), ..Links::default() },
                    ..Said::about(receipt, SubjectKind::Payment, body)
                });
            }
            None => self.unknown.push("receipt_without_reference".to_owned()),
        }
        translation.unknown.append(&mut self.unknown);
    }

    /// What it says of a payment that nothing else tells of (a hosted checkout); `None` before it is paid.
    pub(super) fn settled(&self) -> Result<Option<Settled>, Unreadable> {
        if !self.paid {
            return Ok(None);
        }
        let payee = self.payee.ok_or_else(|| unreadable("receipt.payee_amount", "missing, or without its currency"))?;
        Ok(Some(Settled {
            total: self.total,
            bearer: self.bearer,
            payer: self.payer,
            payee,
            rate: self.rate.clone(),
            channel: self.channel.clone(),
        }))
    }
}

/// A receipt by itself, in a bundle or bare.
pub(super) fn read(text: &str, input: &Input<'_>) -> Result<Translation, Unreadable> {
    let parts: Parts<'_> = wire::object("body", text)?;
    let text = parts.receipt.map_or(text, |part| part.get());
    let mut translation = Translation::default();
    Reading::of(text, input)?.tell(&mut translation);
    Ok(translation)
}
