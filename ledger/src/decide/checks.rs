//! Does a claim contradict itself, what we asked, or what is already known? The answer is the kind of discrepancy.
//!
//! A doubtful claim is withheld: recorded without lines, wallet unchanged, until a person decides.

use ensimbi_events::codes::DiscrepancyKind as Kind;
use ensimbi_events::config::BookConfig;
use ensimbi_events::word::{Bearer, Fee, Mode};
use ensimbi_events::{Amount, Body, Currency, Fact, WalletId, currency};

use super::state::{Phase, SubjectState, merchant_fees};

/// The first contradiction found, if any. `original` is the payment that a refund, reversal or dispute names.
pub fn doubt(fact: &Fact, config: &BookConfig, own: &SubjectState, original: Option<&SubjectState>) -> Option<Kind> {
    place(fact, config).or_else(|| match &fact.body {
        Body::CollectionSucceeded(body) => {
            let held = body.held.unwrap_or_default();
            plausible(body.gross, &body.fees)
                .or_else(|| (held.is_negative() || body.net.is_negative()).then_some(Kind::FeeImplausible))
                .or_else(|| collection_sums(body.gross, body.net, held, &body.fees, fact.currency?))
                .or_else(|| against_request(own, fact, body.gross))
                .or_else(|| second_object(own, fact))
        }
        Body::PayoutSucceeded(body) => plausible(body.amount, &body.fees)
            .or_else(|| debit_sums(body.amount, body.wallet_debit, &body.fees, &[], fact.currency?))
            .or_else(|| against_request(own, fact, body.amount))
            .or_else(|| second_object(own, fact)),
        Body::WithdrawalSucceeded(body) => plausible(body.amount, &body.fees)
            .or_else(|| debit_sums(body.amount, body.wallet_debit, &body.fees, &[], fact.currency?))
            .or_else(|| against_request(own, fact, body.amount)),
        Body::CollectionReversed(body) => {
            let parts = [Some(body.from_wallet), body.from_held, sum(&body.returned, fact.currency?)];
            let parts = Amount::checked_sum(parts.into_iter().flatten());
            let charged = merchant_fees(&body.fees, fact.currency?);
            let expected = charged.and_then(|charged| body.amount.checked_add(charged));
            (!body.amount.is_positive())
                .then_some(Kind::AmountImplausible)
                .or_else(|| (parts.is_none() || parts != expected).then_some(Kind::SumsDiffer))
                .or_else(|| taken_back(own, body.amount))
        }
        Body::RefundSucceeded(body) => plausible(body.amount, &[])
            .or_else(|| debit_sums(body.amount, body.wallet_debit, &body.fees, &body.returned, fact.currency?))
            .or_else(|| against_request(own, fact, body.amount))
            .or_else(|| original.map_or(Some(Kind::UnknownOriginal), |payment| taken_back(payment, body.amount))),
        Body::ChargebackClosed(body) => {
            original.map_or(Some(Kind::UnknownOriginal), |payment| taken_back(payment, body.lost))
        }
        Body::PayoutReversed(body) => {
            (!body.amount.is_positive()).then_some(Kind::AmountImplausible).or_else(|| taken_back(own, body.amount))
        }
        Body::WalletMovementReported(body) => (!body.amount.is_positive()).then_some(Kind::AmountImplausible),
        _ => None,
    })
}

/// Currency against wallet and book.
fn place(fact: &Fact, config: &BookConfig) -> Option<Kind> {
    let currency = fact.currency?;
    let sandbox = currency::lookup(currency).is_some_and(|info| info.sandbox);
    if sandbox && config.mode == Some(Mode::Live) {
        return Some(Kind::ModeDiffers);
    }
    let differs = |wallet: WalletId| config.wallet(wallet).is_some_and(|(_, _, expected)| expected != currency);
    fact.wallet.is_some_and(differs).then_some(Kind::CurrencyDiffers)
}

fn plausible(amount: Amount, fees: &[Fee]) -> Option<Kind> {
    if !amount.is_positive() {
        return Some(Kind::AmountImplausible);
    }
    let bad = fees.iter().any(|fee| !fee.amount.is_positive());
    bad.then_some(Kind::FeeImplausible)
}

/// gross = net + held + merchant fees; a foreign merchant fee leaves a residual that the conversion account takes.
fn collection_sums(gross: Amount, net: Amount, held: Amount, fees: &[Fee], own: Currency) -> Option<Kind> {
    let Some(ours) = merchant_fees(fees, own) else { return Some(Kind::FeeImplausible) };
    if ours > gross {
        return Some(Kind::FeeImplausible);
    }
    let foreign = fees.iter().any(|fee| fee.bearer == Bearer::Merchant && fee.currency != own);
    let all = net.checked_add(held).and_then(|sum| sum.checked_add(ours));
    (all != Some(gross) && !foreign).then_some(Kind::SumsDiffer)
}

/// wallet_debit = amount + merchant fees - returned fees.
fn debit_sums(amount: Amount, debit: Amount, fees: &[Fee], returned: &[Fee], own: Currency) -> Option<Kind> {
    let expected = merchant_fees(fees, own)
        .and_then(|fees| amount.checked_add(fees))
        .and_then(|sum| sum.checked_sub(merchant_fees(returned, own)?));
    (expected != Some(debit)).then_some(Kind::SumsDiffer)
}

fn sum(fees: &[Fee], own: Currency) -> Option<Amount> {
    merchant_fees(fees, own)
}

fn against_request(own: &SubjectState, fact: &Fact, amount: Amount) -> Option<Kind> {
    let asked = own.asked.as_ref()?;
    if fact.currency.is_some_and(|currency| currency != asked.currency) {
        return Some(Kind::CurrencyDiffers);
    }
    if fact.wallet.is_some_and(|wallet| wallet != asked.wallet) {
        return Some(Kind::PartyDiffers);
    }
    (amount != asked.amount).then_some(Kind::AmountDiffers)
}

/// One intent is settled by one object; a second success under it is never posted by itself.
fn second_object(own: &SubjectState, fact: &Fact) -> Option<Kind> {
    let (kind, id) = own.settled_by.as_ref()?;
    let (other_kind, other_id) = fact.object();
    let settled = own.phase == Phase::Succeeded && (kind.as_str(), id.as_str()) != (&*other_kind, &*other_id);
    settled.then_some(Kind::SecondObject)
}

fn taken_back(payment: &SubjectState, amount: Amount) -> Option<Kind> {
    if payment.phase != Phase::Succeeded {
        return Some(Kind::UnknownOriginal);
    }
    let total = payment.taken_back.checked_add(amount);
    total.is_none_or(|total| total > payment.gross).then_some(Kind::BeyondOriginal)
}

/// The amount a discrepancy is about.
pub fn stake(fact: &Fact) -> Option<Amount> {
    Some(match &fact.body {
        Body::CollectionSucceeded(body) => body.gross,
        Body::CollectionReversed(body) => body.amount,
        Body::CollectionFailed(body) => body.amount,
        Body::PayoutSucceeded(body) => body.amount,
        Body::PayoutReversed(body) => body.amount,
        Body::PayoutFailed(body) => body.amount,
        Body::RefundSucceeded(body) => body.amount,
        Body::WithdrawalSucceeded(body) => body.amount,
        Body::WalletMovementReported(body) => body.amount,
        Body::ChargebackOpened(body) => body.debited,
        Body::ChargebackClosed(body) => body.lost,
        _ => return None,
    })
}
