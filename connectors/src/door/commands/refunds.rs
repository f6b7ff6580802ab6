//! Refunds: money of a payment, back to its payer. Reserved by the ledger like everything that leaves a wallet.
//!
//! One at a time for each payment: a provider's record of a refund need not carry a reference of ours, and with two on
//! their way nobody could tell which of them it is.

use ensimbi_events::SubjectId;
use ensimbi_events::codes::{Problem, Refusal};
use ensimbi_events::commands::{CommandError, IntentView, Origin, RefundOrder};
use ensimbi_events::word::Bearer;

use super::Stopped;
use super::orders::{Ask, amount, invalid, reserve};
use crate::connector::{Capability, OrderKind};
use crate::door::Door;
use crate::door::parties::{IntentRecord, PartyRecord};
use crate::door::store::intents::IntentKind;
use crate::door::store::{Tx, intents};

/// Longest id of a provider's object.
const OBJECT_ID_MAX: usize = 300;

impl Door {
    /// Takes an order to refund, or finds it again, without waiting for the ledger.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn ask_refund(&self, origin: &Origin, order: &RefundOrder) -> Result<IntentView, CommandError> {
        self.check_origin(origin)?;
        let connection = self.offering(order.connection, Capability::Refund)?;
        let wallet = connection.wallets.iter().find(|wallet| wallet.id == order.wallet);
        let unknown = || invalid(Problem::UnknownWallet, "payment", "its wallet is not configured any more");
        let wallet = wallet.ok_or_else(unknown)?;
        if order.object_id.is_empty() || order.object_id.len() > OBJECT_ID_MAX {
            return Err(invalid(Problem::InvalidBody, "payment", "its provider's id is not known"));
        }
        amount(connection, OrderKind::Refund, order.amount, wallet.settings.currency)?;
        let reserve = reserve(connection, OrderKind::Refund, order.amount)?;
        let record = IntentRecord {
            original: Some(order.object_id.clone()),
            left: Some(order.left.scaled()),
            ..IntentRecord::default()
        };
        self.store(
            origin,
            &Ask {
                kind: IntentKind::Refund,
                connection,
                wallet,
                amount: order.amount,
                reserve: Some(reserve),
                fee_bearer: Bearer::Merchant,
                invoice_id: None,
                payment: Some(order.payment),
                items: 0,
                party: PartyRecord::default(),
                record,
            },
        )
        .await
    }
}

/// Refuses while another refund of the payment may still move money without having shown its object.
pub(super) async fn none_open(door: &Door, tx: &mut Tx, payment: SubjectId) -> Result<(), Stopped> {
    let open = intents::open_refunds(tx, door.book, payment).await?;
    if open.iter().all(|(_, _, named)| *named) {
        return Ok(());
    }
    let detail = "payment: an earlier refund of it is still on its way; try again when its outcome is told".to_owned();
    Err(CommandError::Refused { code: Refusal::WrongState, detail }.into())
}
