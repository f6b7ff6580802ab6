//! What the book has been told of refunds, disputes and movements, by the provider's own ids; read from the facts.

use std::collections::BTreeMap;

use ensimbi_events::ports::BookReader;
use ensimbi_events::{Body, BookId, Event, SubjectId};

use super::facts::{self, ours, scaled};
use crate::exit::Failure;

/// The change of the wallet that facts told, by the id of the provider's object. A dispute goes by the object that opened
/// it, with its end.
#[derive(Debug, Default)]
pub struct Told {
    changes: BTreeMap<String, i128>,
    objects: BTreeMap<SubjectId, String>,
    disputes: BTreeMap<String, String>,
    /// How far the book has been read.
    after: u64,
}

impl Told {
    /// What was told of an object, in units of 0.0001.
    pub fn of(&self, object: &str) -> Option<i128> {
        self.changes.get(object).copied()
    }

    /// Reads on to the end of the book.
    pub async fn catch_up(&mut self, reader: &dyn BookReader, book: BookId) -> Result<(), Failure> {
        self.after = facts::each(reader, book, self.after, |event| self.hear(&event)).await?;
        Ok(())
    }

    fn hear(&mut self, event: &Event) {
        let id = event.fact.object_id.clone().unwrap_or_default();
        if let Body::CollectionSucceeded(_) = &event.fact.body {
            self.objects.insert(event.fact.subject, id.clone());
        }
        if let Body::FundsReleased(body) = &event.fact.body {
            let released = body.parts.iter().filter_map(|part| self.objects.get(&part.payment_id));
            self.changes.extend(released.map(|object| (object.clone(), 0)));
        }
        let occurrence = event.fact.occurrence.clone();
        let (id, change) = match &event.fact.body {
            Body::RefundSucceeded(body) => (id, -scaled(body.wallet_debit)),
            Body::ChargebackOpened(body) => {
                self.disputes.insert(id, occurrence.clone());
                (occurrence, -scaled(body.debited) - ours(&body.fees))
            }
            Body::ChargebackClosed(body) => {
                let opening = self.disputes.get(&id).cloned().unwrap_or(occurrence);
                (opening, scaled(body.won) - ours(&body.fees) + ours(&body.returned))
            }
            // Both purses carry the same id: that it was told is all that matters.
            Body::PurseTransferred(_) | Body::WalletMovementReported(_) => (id, 0),
            _ => return,
        };
        *self.changes.entry(id).or_default() += change;
    }
}
