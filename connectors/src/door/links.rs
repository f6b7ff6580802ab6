//! Our ids for what a statement is about beside its own object: the payment of a refund, dispute or receipt, the invoice that a
//! collection pays, the purses of a transfer.

use ensimbi_events::ids::ObjectKey;
use ensimbi_events::words::dispute::{ChargebackClosed, ChargebackOpened};
use ensimbi_events::words::payment::{CollectionSucceeded, FeesReported, RefundReversed, RefundSucceeded};
use ensimbi_events::words::wallet::PurseTransferred;
use ensimbi_events::{Amount, Body, SubjectId, SubjectKind, WalletId};

use super::connections::Connection;
use super::store::attempts::{self, Owner};
use super::store::inbox::Waiting;
use super::store::{Tx, intents};
use super::{Door, DoorError, place};
use crate::connector::{ObjectRef, Said};

/// What a statement's links came to.
#[derive(Debug, Default)]
pub(crate) struct Linked {
    /// The payment of a refund, a dispute or a receipt.
    pub(crate) original: Option<SubjectId>,
    /// The order of ours that is that payment.
    pub(crate) original_of: Option<Owner>,
    /// The invoice that is paid; none where our own order sells nothing by name, or names an invoice of ours.
    pub(crate) invoice: Option<SubjectId>,
    /// The order of ours that an invoice of the provider's belongs to.
    pub(crate) invoice_of: Option<Owner>,
    /// Where a transfer goes.
    pub(crate) to: Option<(WalletId, ensimbi_events::Currency)>,
    /// The provider's orders take two steps.
    pub(crate) two_steps: bool,
}

fn derived(door: &Door, connection: &Connection, object: &ObjectRef) -> Option<SubjectId> {
    let object_id = object.id.as_deref()?;
    let key = ObjectKey { book: door.book, connection: Some(connection.id), object_kind: object.kind, object_id };
    Some(key.subject_id())
}

/// Looks up everything that the statement's links name. `owner`: whose attempt the statement's own object is.
pub(crate) async fn resolve(
    door: &Door,
    tx: &mut Tx,
    connection: &Connection,
    row: &Waiting,
    said: &Said,
    owner: Option<&Owner>,
) -> Result<Linked, DoorError> {
    let facts = connection.connector.facts();
    let mut linked = Linked { two_steps: facts.two_steps, ..Linked::default() };
    if let Some(original) = &said.links.original {
        let owner = place::owner(door, tx, connection, original, None).await?;
        let ours = owner.as_ref().map(|owner| owner.intent);
        linked.original = ours.or_else(|| derived(door, connection, original));
        linked.original_of = owner;
    }
    if said.subject_kind == SubjectKind::Invoice {
        // The provider's invoice and its collection are one object there, with one id.
        let collection = ObjectRef { kind: facts.collects, ..said.object.clone() };
        linked.invoice_of = place::owner(door, tx, connection, &collection, row.subject_hint).await?;
    }
    if let Some(invoice) = &said.links.invoice {
        let sells = owner.is_none_or(|owner| owner.items > 0);
        linked.invoice = if sells { derived(door, connection, invoice) } else { None };
    }
    if let Some((purse, currency)) = said.links.to_purse {
        linked.to = connection.purse_of(purse, Some(currency)).map(|wallet| (wallet.id, currency));
    }
    Ok(linked)
}

/// A refund that carries no reference of ours may still be ours: its answer was lost, or comes after the push. The oldest
/// open one of that payment and amount whose object nobody has named is taken; there is at most one on its way.
pub(crate) async fn refund_of_ours(
    door: &Door,
    tx: &mut Tx,
    said: &Said,
    linked: &Linked,
) -> Result<Option<Owner>, DoorError> {
    let amount: Amount = match &said.body {
        Body::RefundSucceeded(body) => body.amount,
        Body::RefundFailed(body) => body.amount,
        _ => return Ok(None),
    };
    let Some(payment) = linked.original else { return Ok(None) };
    let open = intents::open_refunds(tx, door.book, payment).await?;
    let ours = open.into_iter().find(|(_, asked, named)| *asked == amount && !named);
    let Some((intent, _, _)) = ours else { return Ok(None) };
    let (attempt, stored) = (attempts::last(tx, door.book, intent).await?, intents::get(tx, door.book, intent).await?);
    Ok(attempt.zip(stored).map(|(attempt, stored)| place::owner_from(attempt, &stored)))
}

/// The statement with our ids in their places.
pub(crate) fn filled(body: Body, linked: &Linked, wallet: Option<WalletId>) -> Body {
    match (body, linked) {
        (Body::RefundSucceeded(body), Linked { original: Some(payment_id), .. }) => {
            RefundSucceeded { payment_id: *payment_id, ..body }.into()
        }
        (Body::RefundReversed(body), Linked { original: Some(payment_id), .. }) => {
            RefundReversed { payment_id: *payment_id, ..body }.into()
        }
        (Body::ChargebackOpened(body), Linked { original: Some(payment_id), .. }) => {
            ChargebackOpened { payment_id: *payment_id, ..body }.into()
        }
        (Body::ChargebackClosed(body), Linked { original: Some(payment_id), .. }) => {
            ChargebackClosed { payment_id: *payment_id, ..body }.into()
        }
        (Body::FeesReported(body), Linked { original: Some(payment_id), .. }) => {
            FeesReported { payment_id: *payment_id, ..body }.into()
        }
        (Body::CollectionSucceeded(body), Linked { invoice: invoice_id @ Some(_), .. }) => {
            CollectionSucceeded { invoice_id: *invoice_id, ..body }.into()
        }
        (Body::PurseTransferred(body), Linked { to: Some((to, currency_in)), .. }) => {
            let from = wallet.unwrap_or(body.from);
            PurseTransferred { from, to: *to, currency_in: *currency_in, ..body }.into()
        }
        (body, _) => body,
    }
}
