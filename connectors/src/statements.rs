//! The statements of a wallet's balance, and of an order that ends once, for connectors whose provider knows no more than that: pending, succeeded
//! with its fees out of our wallet, or failed. What more a provider says (rates, reserves, returns, other bearers), its own
//! translator says.

use ensimbi_events::word::{Bearer, Component, Fee, FigureSource};
use ensimbi_events::words::payment::{CollectionFailed, CollectionPending, CollectionSucceeded};
use ensimbi_events::words::payout::{PayoutFailed, PayoutPending, PayoutSucceeded};
use ensimbi_events::words::wallet::BalanceReported;
use ensimbi_events::{Amount, Body, Currency, SubjectKind, Time};

use crate::connector::{ObjectRef, Said, Unreadable, Watch};
use crate::json::unreadable;

/// Which attempt, as far as bytes can tell: the door puts the attempt's number in its place.
const ATTEMPT: u32 = 1;

/// How an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// The provider works on it.
    Pending,
    /// Its money moved.
    Succeeded,
    /// It came to nothing, for good; with a machine's word for why, which is recorded.
    Failed(&'a str),
    /// In a word that nobody knows: nothing is said, and it is asked for again. The caller counts the word.
    Unknown,
}

/// What a payment (`SubjectKind::Payment`) or a payout of `amount` says, and how to go on. `fees` are ours: taken out of
/// what is collected, and out of the wallet on top of what is paid out.
///
/// # Errors
/// [`Unreadable`]: an amount that is not above zero, a fee below zero or, of a collection, above the amount; figures that
/// are too large together; or another kind of subject.
pub fn order(
    subject: SubjectKind,
    standing: Standing<'_>,
    amount: Amount,
    fees: Vec<Fee>,
) -> Result<(Option<Body>, Watch), Unreadable> {
    let range = || unreadable("fee", "expected fees from 0 that fit the amount");
    if !amount.is_positive() {
        return Err(unreadable("amount", "expected an amount above 0"));
    }
    let sum = Amount::checked_sum(fees.iter().map(|fee| fee.amount)).ok_or_else(range)?;
    let (with, net) = (amount.checked_add(sum).ok_or_else(range)?, amount.checked_sub(sum).ok_or_else(range)?);
    let payout = match subject {
        SubjectKind::Payment => false,
        SubjectKind::Payout => true,
        _ => return Err(unreadable("kind", "expected a payment or a payout")),
    };
    if fees.iter().any(|fee| fee.amount.is_negative()) || (!payout && net.is_negative()) {
        return Err(range());
    }
    let body: Body = match (standing, payout) {
        (Standing::Unknown, _) => return Ok((None, Watch::Unsettled)),
        (Standing::Pending, false) => CollectionPending { amount, fee_bearer: None, invoice_id: None }.into(),
        (Standing::Pending, true) => PayoutPending { amount, attempt: Some(ATTEMPT) }.into(),
        (Standing::Succeeded, false) => CollectionSucceeded {
            gross: amount,
            net,
            net_source: FigureSource::Derived,
            held: None,
            held_until: None,
            payer: None,
            rate: None,
            invoice_id: None,
            channel: None,
            fees,
        }
        .into(),
        (Standing::Succeeded, true) => {
            PayoutSucceeded { amount, wallet_debit: with, attempt: Some(ATTEMPT), beneficiary: None, fees }.into()
        }
        (Standing::Failed(reason), false) => {
            let reason = reason.to_owned();
            CollectionFailed { amount, is_final: true, reason, fee_bearer: None, invoice_id: None }.into()
        }
        (Standing::Failed(reason), true) => {
            PayoutFailed { attempt: ATTEMPT, amount, is_final: true, reason: reason.to_owned() }.into()
        }
    };
    let watch = match standing {
        Standing::Succeeded => Watch::Settled,
        Standing::Failed(_) => Watch::Ended,
        Standing::Pending | Standing::Unknown => Watch::Unsettled,
    };
    Ok((Some(body), watch))
}

/// A fee of the provider's that we bear, under the name of its field; none where it is zero.
pub fn own_fee(amount: Amount, currency: Currency, label: &str) -> Vec<Fee> {
    let (component, bearer, source) = (Component::Provider, Bearer::Merchant, FigureSource::Observed);
    let fee = Fee { component, bearer, amount, currency, source, label: label.to_owned(), tax: None };
    Some(fee).filter(|fee| !fee.amount.is_zero()).into_iter().collect()
}

/// The balance of a wallet whose answer names no moment: it is true when it came (`Input::received_at`), and says something
/// new each time (`Routine::moment`). `kind`: the object kind of its routine.
pub fn balance(kind: &'static str, wallet: String, currency: Currency, balance: Amount, as_of: Time) -> Said {
    let object = ObjectRef { kind, id: Some(wallet.clone()), reference: None };
    Said {
        occurrence: as_of.to_string(),
        currency: Some(currency),
        wallet: Some(wallet),
        ..Said::about(object, SubjectKind::Wallet, BalanceReported { as_of, balance, held: None, available: None })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn said(
        subject: SubjectKind,
        standing: Standing<'_>,
        amount: i32,
        fee: i64,
    ) -> Result<(Option<Body>, Watch), Unreadable> {
        let fees = own_fee(Amount::from_scaled(fee), "UGX".parse().unwrap(), "fee");
        order(subject, standing, Amount::whole(amount), fees)
    }

    #[test]
    fn a_success_takes_the_fee_out_of_a_collection_and_puts_it_on_top_of_a_payout() {
        let (body, watch) = said(SubjectKind::Payment, Standing::Succeeded, 500, 7_5000).unwrap();
        let Some(Body::CollectionSucceeded(body)) = body else { panic!("no collection") };
        assert_eq!((body.net.to_string(), body.fees.len(), watch), ("492.5".to_owned(), 1, Watch::Settled));
        let (body, _) = said(SubjectKind::Payout, Standing::Succeeded, 5, 7_5000).unwrap();
        let Some(Body::PayoutSucceeded(body)) = body else { panic!("no payout") };
        assert_eq!(body.wallet_debit.to_string(), "12.5");
    }

    #[test]
    fn nothing_is_said_in_a_word_that_nobody_knows_and_impossible_figures_are_refused() {
        assert_eq!(said(SubjectKind::Payment, Standing::Unknown, 500, 0).unwrap(), (None, Watch::Unsettled));
        assert_eq!(said(SubjectKind::Payout, Standing::Failed("declined"), 500, 0).unwrap().1, Watch::Ended);
        for (subject, amount, fee) in [
            (SubjectKind::Payment, 0, 0),
            (SubjectKind::Payment, -5, 0),
            (SubjectKind::Payment, 5, 5_0001),
            (SubjectKind::Payment, 5, -1),
            (SubjectKind::Payout, 5, i64::MAX),
            (SubjectKind::Wallet, 5, 0),
        ] {
            assert!(said(subject, Standing::Succeeded, amount, fee).is_err(), "{subject:?} {amount} {fee}");
        }
    }
}
