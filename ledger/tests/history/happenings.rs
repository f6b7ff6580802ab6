//! What became of invoices in a history, read off its leaves: so that no kind of life can silently stop being drawn.

use std::collections::{BTreeMap, BTreeSet};

use ensimbi_events::{Body, NoLines, SubjectId};
use ensimbi_ledger::decide::Sealed;

/// Everything that must be met.
pub const ALL: &[&str] = &[
    "an invoice was paid in part",
    "an invoice was paid in full",
    "an invoice was overpaid",
    "an invoice was paid a second time",
    "a payment of an invoice was refunded",
    "a payment of an invoice was reversed, and it is owed again",
    "a published invoice was cancelled",
    "a part-paid invoice was cancelled",
    "an invoice expired",
    "an invoice was paid after it had expired",
];

#[derive(Default)]
struct Life {
    outstanding: i128,
    paid: bool,
    expired: bool,
}

/// What happened, each as often as it did.
pub fn of(sealed: &[Sealed]) -> Vec<&'static str> {
    let mut lives: BTreeMap<SubjectId, Life> = BTreeMap::new();
    let (mut asked, mut payers) = (BTreeMap::new(), BTreeSet::new());
    let mut met = Vec::new();
    for event in sealed.iter().map(|sealed| &sealed.event) {
        let counts = !matches!(event.record.no_lines, Some(NoLines::Withheld | NoLines::BeforeOpening));
        match &event.fact.body {
            Body::InvoicePublished(body) => {
                let life = lives.entry(event.fact.subject).or_default();
                life.outstanding = i128::from(body.total.scaled());
            }
            Body::CollectionRequested(body) => drop(asked.insert(event.fact.subject, body.invoice_id)),
            Body::CollectionSucceeded(body) if counts => {
                let invoice = body.invoice_id.or(asked.get(&event.fact.subject).copied().flatten());
                let Some(life) = invoice.and_then(|id| lives.get(&id)) else { continue };
                match life.outstanding {
                    0 if life.paid => met.push(ALL[3]),
                    1.. if i128::from(body.gross.scaled()) > life.outstanding => met.push(ALL[2]),
                    _ => {}
                }
            }
            Body::PaymentAllocated(body) => {
                let Some(life) = body.invoice_id.and_then(|id| lives.get_mut(&id)) else { continue };
                life.outstanding -= i128::from(body.amount.scaled());
                life.paid = true;
                payers.insert(body.item);
                met.push(if life.outstanding > 0 { ALL[0] } else { ALL[1] });
                if life.expired {
                    met.push(ALL[9]);
                }
            }
            Body::PaymentDeallocated(body) => {
                let Some(life) = body.invoice_id.and_then(|id| lives.get_mut(&id)) else { continue };
                life.outstanding += i128::from(body.amount.scaled());
                // What a person undoes has no cause; what follows from a reversal has one.
                if event.record.cause.is_some() {
                    met.push(ALL[5]);
                }
            }
            Body::RefundSucceeded(body) if counts && payers.contains(&body.payment_id) => met.push(ALL[4]),
            Body::InvoiceCredited(body) => {
                let Some(life) = lives.get_mut(&event.fact.subject) else { continue };
                life.outstanding -= i128::from(body.amount.scaled());
            }
            Body::InvoicePaid(body) if body.offline => {
                let Some(life) = lives.get_mut(&event.fact.subject) else { continue };
                life.outstanding -= i128::from(body.amount.scaled());
            }
            Body::InvoiceCancelled(_) => {
                let Some(life) = lives.get_mut(&event.fact.subject) else { continue };
                met.push(ALL[6]);
                if life.paid && life.outstanding > 0 {
                    met.push(ALL[7]);
                }
                life.outstanding = 0;
            }
            Body::InvoiceExpired(_) => {
                met.push(ALL[8]);
                lives.entry(event.fact.subject).or_default().expired = true;
            }
            _ => {}
        }
    }
    met
}
