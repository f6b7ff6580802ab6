//! A naive recomputation from the facts alone: no lines, no projections, no posting rules.
//!
//! It reads the leaves once and adds up what the facts say: net into wallets, reversals out of them, fees by component.

use std::collections::BTreeMap;

use ensimbi_events::ports::BookReader;
use ensimbi_events::word::Bearer;
use ensimbi_events::{Body, BookId, NoLines, SubjectId, WalletId, leaf};

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
    let mut sums = Recomputed::default();
    let mut last: BTreeMap<SubjectId, &'static str> = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = reader.read(book, after, 1_000).await?;
        if page.is_empty() {
            break;
        }
        for stored in page {
            after = stored.position;
            let event =
                leaf::decode(&stored.leaf).map_err(|error| Failure::disagrees(format!("position {after}: {error}")))?;
            let withheld = event.record.no_lines == Some(NoLines::Withheld);
            let (Some(wallet), false) = (event.fact.wallet, withheld) else { continue };
            let posted = sums.posted.entry(wallet).or_default();
            let held = sums.held.entry(wallet).or_default();
            let (fees, sign) = match &event.fact.body {
                Body::CollectionRequested(_) => {
                    last.insert(event.fact.subject, "requested");
                    continue;
                }
                Body::CollectionPending(_) => {
                    last.insert(event.fact.subject, "pending");
                    continue;
                }
                Body::CollectionFailed(_) => {
                    last.insert(event.fact.subject, "failed");
                    continue;
                }
                Body::CollectionSucceeded(body) => {
                    *posted += i128::from(body.net.scaled());
                    *held += i128::from(body.held.unwrap_or_default().scaled());
                    last.insert(event.fact.subject, "succeeded");
                    (&body.fees, 1)
                }
                Body::CollectionReversed(body) => {
                    *posted -= i128::from(body.from_wallet.scaled());
                    *held -= i128::from(body.from_held.unwrap_or_default().scaled());
                    last.insert(event.fact.subject, "reversed");
                    (&body.returned, -1)
                }
                _ => continue,
            };
            for fee in fees {
                let key = (fee.component.to_string(), bearer(fee.bearer), fee.currency.to_string());
                *sums.fees.entry(key).or_default() += sign * i128::from(fee.amount.scaled());
            }
        }
    }
    for state in last.into_values() {
        *sums.states.entry(state.to_owned()).or_default() += 1;
    }
    sums.fees.retain(|_, amount| *amount != 0);
    Ok(sums)
}

fn bearer(bearer: Bearer) -> String {
    bearer.to_string()
}
