//! What the book has been told of refunds, disputes and movements, by the provider's own ids; read from the facts.

use std::collections::BTreeMap;

use ensimbi_events::ports::BookReader;
use ensimbi_events::word::{Bearer, Fee};
use ensimbi_events::{Amount, Body, BookId, NoLines, leaf};

use crate::exit::Failure;

/// The change of the wallet that facts told, at scale 4, by the id of the provider's object. A dispute goes by the object
/// that opened it, with its end.
pub type Told = BTreeMap<String, i128>;

/// Reads the whole book.
pub async fn told(reader: &dyn BookReader, book: BookId) -> Result<Told, Failure> {
    let mut told = Told::new();
    let mut objects = BTreeMap::new();
    let mut disputes: BTreeMap<String, String> = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = reader.read(book, after, 1_000).await?;
        if page.is_empty() {
            return Ok(told);
        }
        for stored in page {
            after = stored.position;
            let event =
                leaf::decode(&stored.leaf).map_err(|error| Failure::disagrees(format!("position {after}: {error}")))?;
            if event.record.no_lines == Some(NoLines::Withheld) {
                continue;
            }
            let id = event.fact.object_id.clone().unwrap_or_default();
            if let Body::CollectionSucceeded(_) = &event.fact.body {
                objects.insert(event.fact.subject, id.clone());
            }
            if let Body::FundsReleased(body) = &event.fact.body {
                let released = body.parts.iter().filter_map(|part| objects.get(&part.payment_id));
                told.extend(released.map(|object| (object.clone(), 0)));
            }
            let occurrence = event.fact.occurrence.clone();
            let (id, change) = match &event.fact.body {
                Body::RefundSucceeded(body) => (id, -scaled(body.wallet_debit)),
                Body::ChargebackOpened(body) => {
                    disputes.insert(id, occurrence.clone());
                    (occurrence, -scaled(body.debited) - ours(&body.fees))
                }
                Body::ChargebackClosed(body) => {
                    let opening = disputes.get(&id).cloned().unwrap_or(occurrence);
                    (opening, scaled(body.won) - ours(&body.fees) + ours(&body.returned))
                }
                // Both purses carry the same id: that it was told is all that matters.
                Body::PurseTransferred(_) | Body::WalletMovementReported(_) => (id, 0),
                _ => continue,
            };
            *told.entry(id).or_default() += change;
        }
    }
}

fn scaled(amount: Amount) -> i128 {
    i128::from(amount.scaled())
}

fn ours(fees: &[Fee]) -> i128 {
    fees.iter().filter(|fee| fee.bearer == Bearer::Merchant).map(|fee| scaled(fee.amount)).sum()
}
