//! Does a claim contradict itself, what we asked, or what is already known? The answer is the kind of discrepancy.
//!
//! A doubtful claim is withheld: recorded without lines, wallet unchanged, until a person decides.

use ensimbi_events::codes::DiscrepancyKind as Kind;
use ensimbi_events::config::BookConfig;
use ensimbi_events::word::{Bearer, Fee, Mode};
use ensimbi_events::words::wallet::HoldPart;
use ensimbi_events::{Amount, Body, Currency, Fact, Money, WalletId, currency};

use super::state::{Phase, SubjectState, merchant_fees};

/// Parts of one hold at most.
const PARTS_MAX: usize = 300;

/// The first contradiction found, if any. `original` is the payment that a refund, reversal or dispute names.
pub fn doubt(fact: &Fact, config: &BookConfig, own: &SubjectState, original: Option<&SubjectState>) -> Option<Kind> {
    if let Some(kind) = place(fact, config) {
        return Some(kind);
    }
    let currency = fact.currency?;
    match &fact.body {
        Body::CollectionSucceeded(body) => {
            let held = body.held.unwrap_or_default();
            plausible(body.gross, &body.fees)
                .or_else(|| (held.is_negative() || body.net.is_negative()).then_some(Kind::FeeImplausible))
                .or_else(|| collection_sums(body.gross, body.net, held, &body.fees, currency))
                .or_else(|| other_side(body.gross, body.payer, &body.fees, Bearer::Payer, currency))
                .or_else(|| against_request(own, fact, body.gross))
                .or_else(|| second_object(own, fact))
        }
        Body::PayoutSucceeded(body) => plausible(body.amount, &body.fees)
            .or_else(|| debit_sums(body.amount, body.wallet_debit, &body.fees, &[], currency))
            .or_else(|| other_side(body.amount, body.beneficiary, &body.fees, Bearer::Beneficiary, currency))
            .or_else(|| against_request(own, fact, body.amount))
            .or_else(|| second_object(own, fact)),
        Body::WithdrawalSucceeded(body) => plausible(body.amount, &body.fees)
            .or_else(|| debit_sums(body.amount, body.wallet_debit, &body.fees, &[], currency))
            .or_else(|| against_request(own, fact, body.amount))
            .or_else(|| second_object(own, fact))
            .or_else(|| row_again(own, fact)),
        Body::CollectionReversed(body) => {
            let held = body.from_held.unwrap_or_default();
            let parts = merchant_fees(&body.returned, currency)
                .and_then(|returned| Amount::checked_sum([body.from_wallet, held, returned]));
            let charged = merchant_fees(&body.fees, currency);
            let expected = charged.and_then(|charged| body.amount.checked_add(charged));
            plausible(body.amount, &body.returned)
                .or_else(|| plausible(body.amount, &body.fees))
                .or_else(|| (body.from_wallet.is_negative() || held.is_negative()).then_some(Kind::AmountImplausible))
                .or_else(|| (parts.is_none() || parts != expected).then_some(Kind::SumsDiffer))
                .or_else(|| taken_back(own, body.amount))
        }
        Body::RefundSucceeded(body) => plausible(body.amount, &body.fees)
            .or_else(|| plausible(body.amount, &body.returned))
            .or_else(|| debit_sums(body.amount, body.wallet_debit, &body.fees, &body.returned, currency))
            .or_else(|| against_request(own, fact, body.amount))
            .or_else(|| second_object(own, fact))
            .or_else(|| original.map_or(Some(Kind::UnknownOriginal), |payment| taken_back(payment, body.amount))),
        Body::RefundReversed(body) => plausible(body.amount, &body.returned).or_else(|| taken_back(own, body.amount)),
        Body::WithdrawalReversed(body) => {
            plausible(body.amount, &body.returned).or_else(|| taken_back(own, body.amount))
        }
        Body::PayoutReversed(body) => plausible(body.amount, &body.returned)
            .or_else(|| plausible(body.amount, &body.fees))
            .or_else(|| taken_back(own, body.amount)),
        Body::ChargebackOpened(body) => plausible(body.amount, &body.fees)
            .or_else(|| (body.debited.is_negative() || body.debited > body.amount).then_some(Kind::AmountImplausible))
            .or_else(|| original.map_or(Some(Kind::UnknownOriginal), |payment| taken_back(payment, body.debited))),
        Body::ChargebackClosed(body) => {
            let figures = [body.won, body.lost, body.debited_now];
            let ended = body.won.checked_add(body.lost);
            let zero = own.item.checked_add(body.debited_now) == ended;
            // A dispute that nobody has told of yet: its opening and its end are two objects, in no order.
            if own.phase != Phase::Succeeded {
                return Some(Kind::UnknownOriginal);
            }
            figures
                .iter()
                .any(|figure| figure.is_negative())
                .then_some(Kind::AmountImplausible)
                .or_else(|| bad_fees(&body.fees))
                .or_else(|| bad_fees(&body.returned))
                .or_else(|| original.map_or(Some(Kind::UnknownOriginal), |payment| taken_back(payment, body.lost)))
                .or_else(|| (!zero).then_some(Kind::SumsDiffer))
        }
        Body::FeesReported(body) => {
            let known = own.phase == Phase::Succeeded && body.payment_id == fact.subject;
            some_fees(&body.fees).or_else(|| (!known).then_some(Kind::UnknownOriginal))
        }
        Body::FeeCharged(body) => some_fees(&body.fees).or_else(|| row_again(own, fact)),
        Body::FeeReturned(body) => some_fees(&body.fees).or_else(|| row_again(own, fact)),
        Body::WalletFunded(body) => plausible(body.amount, &body.fees)
            .or_else(|| body.wallet_credit.is_negative().then_some(Kind::AmountImplausible))
            .or_else(|| second_object(own, fact))
            .or_else(|| row_again(own, fact)),
        Body::FundsHeld(body) => plausible(body.amount, &[]).or_else(|| parts_sum(body.amount, &body.parts)),
        Body::FundsReleased(body) => plausible(body.amount, &[]).or_else(|| parts_sum(body.amount, &body.parts)),
        Body::PurseTransferred(body) => {
            plausible(body.amount_out, &body.fees).or_else(|| plausible(body.amount_in, &[]))
        }
        Body::WalletMovementReported(body) => plausible(body.amount, &[]).or_else(|| row_again(own, fact)),
        _ => None,
    }
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
    bad_fees(fees)
}

fn bad_fees(fees: &[Fee]) -> Option<Kind> {
    fees.iter().any(|fee| !fee.amount.is_positive()).then_some(Kind::FeeImplausible)
}

fn some_fees(fees: &[Fee]) -> Option<Kind> {
    if fees.is_empty() { Some(Kind::AmountImplausible) } else { bad_fees(fees) }
}

/// Parts of a hold may be left out, but what is listed is all of it, within the bound.
fn parts_sum(amount: Amount, parts: &[HoldPart]) -> Option<Kind> {
    let fits = parts.len() <= PARTS_MAX && parts.iter().all(|part| part.amount.is_positive());
    let sum = Amount::checked_sum(parts.iter().map(|part| part.amount));
    (!parts.is_empty() && (!fits || sum != Some(amount))).then_some(Kind::SumsDiffer)
}

/// payer = gross + payer fees; beneficiary = amount - beneficiary fees. Only where all of it is in one currency.
fn other_side(ours: Amount, theirs: Option<Money>, fees: &[Fee], bearer: Bearer, own: Currency) -> Option<Kind> {
    let theirs = theirs.filter(|theirs| theirs.currency == own)?;
    let mut borne = fees.iter().filter(|fee| fee.bearer == bearer);
    if borne.clone().any(|fee| fee.currency != own) {
        return None;
    }
    let expected = borne.try_fold(ours, |sum, fee| match bearer {
        Bearer::Beneficiary => sum.checked_sub(fee.amount),
        _ => sum.checked_add(fee.amount),
    });
    (expected != Some(theirs.amount)).then_some(Kind::SumsDiffer)
}

/// Whether a fact's own figures fit together.
pub fn adds_up(fact: &Fact) -> bool {
    let Some(own) = fact.currency else { return false };
    match &fact.body {
        Body::CollectionSucceeded(body) => {
            collection_sums(body.gross, body.net, body.held.unwrap_or_default(), &body.fees, own).is_none()
        }
        Body::PayoutSucceeded(body) => debit_sums(body.amount, body.wallet_debit, &body.fees, &[], own).is_none(),
        Body::WithdrawalSucceeded(body) => debit_sums(body.amount, body.wallet_debit, &body.fees, &[], own).is_none(),
        Body::RefundSucceeded(body) => {
            debit_sums(body.amount, body.wallet_debit, &body.fees, &body.returned, own).is_none()
        }
        _ => true,
    }
}

/// gross = net + held + merchant fees; a foreign merchant fee leaves a residual that the conversion account takes.
fn collection_sums(gross: Amount, net: Amount, held: Amount, fees: &[Fee], own: Currency) -> Option<Kind> {
    let Some(ours) = merchant_fees(fees, own) else { return Some(Kind::FeeImplausible) };
    if ours > gross {
        return Some(Kind::FeeImplausible);
    }
    let foreign = fees.iter().any(|fee| fee.bearer == Bearer::Merchant && fee.currency != own);
    let all = net.checked_add(held).and_then(|sum| sum.checked_add(ours));
    let fits = if foreign { all.is_some_and(|all| all <= gross) } else { all == Some(gross) };
    (!fits).then_some(Kind::SumsDiffer)
}

/// wallet_debit = amount + merchant fees - returned fees.
fn debit_sums(amount: Amount, debit: Amount, fees: &[Fee], returned: &[Fee], own: Currency) -> Option<Kind> {
    let expected = merchant_fees(fees, own)
        .and_then(|fees| amount.checked_add(fees))
        .and_then(|sum| sum.checked_sub(merchant_fees(returned, own)?));
    (expected != Some(debit)).then_some(Kind::SumsDiffer)
}

fn against_request(own: &SubjectState, fact: &Fact, amount: Amount) -> Option<Kind> {
    let asked = own.asked.as_ref()?;
    if fact.currency.is_some_and(|currency| currency != asked.currency) {
        return Some(Kind::CurrencyDiffers);
    }
    if fact.wallet.is_some_and(|wallet| wallet != asked.wallet) {
        return Some(Kind::PartyDiffers);
    }
    // Of what the payer has authorised a part may be captured; the rest is released.
    let part = amount < asked.amount && own.authorised.is_some_and(|authorised| amount <= authorised);
    (amount != asked.amount && !part).then_some(Kind::AmountDiffers)
}

/// One intent is settled by one object; a second success under it is never posted by itself.
fn second_object(own: &SubjectState, fact: &Fact) -> Option<Kind> {
    let (kind, id) = own.settled_by.as_ref()?;
    let (other_kind, other_id) = fact.object();
    let settled = own.phase == Phase::Succeeded && (kind.as_str(), id.as_str()) != (&*other_kind, &*other_id);
    settled.then_some(Kind::SecondObject)
}

/// A provider's row is one movement, whichever word it was told in first: a mapping that changes must not post it twice.
fn row_again(own: &SubjectState, fact: &Fact) -> Option<Kind> {
    let (kind, id) = own.settled_by.as_ref()?;
    let (other_kind, other_id) = fact.object();
    let same = (kind.as_str(), id.as_str()) == (&*other_kind, &*other_id);
    (kind == super::state::ROW && same).then_some(Kind::FactDiffers)
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
        Body::RefundReversed(body) => body.amount,
        Body::WithdrawalReversed(body) => body.amount,
        Body::WalletFunded(body) => body.amount,
        Body::PurseTransferred(body) => body.amount_out,
        Body::FundsHeld(body) => body.amount,
        Body::FundsReleased(body) => body.amount,
        Body::FeeCharged(body) => merchant_fees(&body.fees, fact.currency?)?,
        Body::FeeReturned(body) => merchant_fees(&body.fees, fact.currency?)?,
        Body::ChargebackOpened(body) => body.debited,
        Body::StatementLineReported(body) => body.amount,
        Body::ChargebackClosed(body) => body.lost,
        _ => return None,
    })
}
