//! A naive recomputation from the facts alone: no lines, no projections, no posting rules.
//!
//! It reads the leaves once and adds up what the facts say: openings and nets into wallets, payouts and reversals out of
//! them, fees by component.

use std::collections::BTreeMap;

use ensimbi_events::ports::BookReader;
use ensimbi_events::word::{Component, Direction, Fee, FeesMode};
use ensimbi_events::{Body, BookId, Event, SubjectId, WalletId};

use super::facts::{self, ours, scaled};
use crate::exit::Failure;

/// What the facts add up to, at scale 4.
#[derive(Debug, Default)]
pub struct Recomputed {
    /// Spendable, by wallet.
    pub posted: BTreeMap<WalletId, i128>,
    /// Held, by wallet.
    pub held: BTreeMap<WalletId, i128>,
    /// Fees by (component, bearer, currency).
    pub fees: BTreeMap<(String, String, String), i128>,
    /// Payments by state.
    pub states: BTreeMap<String, u64>,
}

/// Reads the whole book.
pub async fn recompute(reader: &dyn BookReader, book: BookId) -> Result<Recomputed, Failure> {
    let mut adding = Adding::default();
    facts::each(reader, book, 0, |event| adding.add(&event)).await?;
    let Adding { mut sums, last, .. } = adding;
    for state in last.into_values() {
        *sums.states.entry(state.to_owned()).or_default() += 1;
    }
    sums.fees.retain(|_, amount| *amount != 0);
    Ok(sums)
}

/// On the way through the book.
#[derive(Default)]
struct Adding {
    sums: Recomputed,
    last: BTreeMap<SubjectId, &'static str>,
    /// What stands as one figure for the fees of a payment, until its receipt comes.
    unitemised: BTreeMap<SubjectId, Vec<Fee>>,
}

impl Adding {
    fn add(&mut self, event: &Event) {
        let Some(wallet) = event.fact.wallet else { return };
        let posted = self.sums.posted.entry(wallet).or_default();
        let held = self.sums.held.entry(wallet).or_default();
        let (last, subject) = (&mut self.last, event.fact.subject);
        let mut state = |word| {
            last.insert(subject, word);
        };
        // Fees and the sign with which they count as a cost.
        let mut costs: Vec<(&Vec<Fee>, i128)> = Vec::new();
        let replaced = match &event.fact.body {
            Body::FeesReported(body) if body.mode == FeesMode::Itemise => self.unitemised.remove(&subject),
            _ => None,
        };
        match &event.fact.body {
            Body::CollectionRequested(_)
            | Body::PayoutRequested(_)
            | Body::WithdrawalRequested(_)
            | Body::RefundRequested(_) => state("requested"),
            Body::CollectionPending(_) | Body::PayoutPending(_) => state("pending"),
            Body::CollectionFailed(_) | Body::PayoutFailed(_) | Body::WithdrawalFailed(_) | Body::RefundFailed(_) => {
                state("failed")
            }
            Body::CollectionAuthorised(_) => state("authorised"),
            Body::CollectionVoided(_) => state("voided"),
            Body::OpeningBalanceDeclared(body) => {
                *posted += scaled(body.posted);
                *held += scaled(body.held.unwrap_or_default());
            }
            Body::CollectionSucceeded(body) => {
                *posted += scaled(body.net);
                *held += scaled(body.held.unwrap_or_default());
                state("succeeded");
                costs.push((&body.fees, 1));
                let whole = body.fees.iter().filter(|fee| fee.component == Component::Unitemised).cloned();
                self.unitemised.insert(subject, whole.collect());
            }
            Body::FeesReported(body) => {
                if body.mode == FeesMode::Extra {
                    *posted -= ours(&body.fees);
                }
                costs.push((&body.fees, 1));
                costs.extend(replaced.iter().map(|fees| (fees, -1)));
            }
            Body::CollectionReversed(body) => {
                *posted -= scaled(body.from_wallet);
                *held -= scaled(body.from_held.unwrap_or_default());
                state("reversed");
                costs.extend([(&body.returned, -1), (&body.fees, 1)]);
            }
            Body::PayoutSucceeded(body) => {
                *posted -= scaled(body.wallet_debit);
                state("succeeded");
                costs.push((&body.fees, 1));
            }
            Body::PayoutReversed(body) => {
                *posted += scaled(body.wallet_credit);
                state("reversed");
                costs.extend([(&body.returned, -1), (&body.fees, 1)]);
            }
            Body::RefundSucceeded(body) => {
                *posted -= scaled(body.wallet_debit);
                state("succeeded");
                costs.extend([(&body.fees, 1), (&body.returned, -1)]);
            }
            Body::RefundReversed(body) => {
                *posted += scaled(body.wallet_credit);
                state("reversed");
                costs.push((&body.returned, -1));
            }
            Body::ChargebackOpened(body) => {
                *posted -= scaled(body.debited) + ours(&body.fees);
                costs.push((&body.fees, 1));
            }
            Body::ChargebackClosed(body) => {
                *posted += scaled(body.won) - scaled(body.debited_now) - ours(&body.fees) + ours(&body.returned);
                costs.extend([(&body.fees, 1), (&body.returned, -1)]);
            }
            Body::FundsHeld(body) => {
                *posted -= scaled(body.amount);
                *held += scaled(body.amount);
            }
            Body::FundsReleased(body) => {
                *posted += scaled(body.amount);
                *held -= scaled(body.amount);
            }
            Body::WalletMovementReported(body) => {
                *posted += scaled(body.amount) * if body.direction == Direction::In { 1 } else { -1 };
            }
            Body::PurseTransferred(body) => {
                *posted -= scaled(body.amount_out);
                *self.sums.posted.entry(body.to).or_default() += scaled(body.amount_in);
                state("succeeded");
                costs.push((&body.fees, 1));
            }
            Body::FeeCharged(body) => {
                *posted -= ours(&body.fees);
                costs.push((&body.fees, 1));
            }
            _ => {}
        }
        for (fees, sign) in costs {
            for fee in fees {
                let key = (fee.component.to_string(), fee.bearer.to_string(), fee.currency.to_string());
                *self.sums.fees.entry(key).or_default() += sign * scaled(fee.amount);
            }
        }
    }
}
