//! The request of a collection (`providers/iotec.md`, section 4.1): only documented fields.

use serde::Serialize;
use serde_json::value::RawValue;

use super::super::charging::Charging;
use super::checks::{self, Common, NAME_MAX, canonical, must, within};
use crate::connector::{CallError, Checkout, CollectCall};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CollectionRequest<'a> {
    category: &'a str,
    currency: &'a str,
    wallet_id: &'a str,
    external_id: &'a str,
    payer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer_note: Option<&'a str>,
    /// A JSON number from the exact decimal text.
    amount: Box<RawValue>,
    transaction_charges_category: &'a str,
}

/// The body; whatever must not be sent is refused here, with the field named.
pub(super) fn request(
    order: &CollectCall,
    charging: Charging,
    wallets: &[(String, ensimbi_events::Currency)],
) -> Result<Vec<u8>, CallError> {
    let (reference, wallet, note) = (order.reference.as_str(), order.wallet.as_str(), order.note.as_deref());
    // They have no items, no page of their own and no holds.
    if !order.items.is_empty() || order.checkout != Checkout::default() {
        return Err(CallError::NotOffered);
    }
    checks::common(&Common { reference, wallet, amount: order.amount, currency: order.currency, note }, wallets)?;
    must(within(order.payer.name.as_deref(), NAME_MAX), "payer.name: expected at most 150 characters")?;
    must(
        order.fee_bearer == charging.bearer(),
        "fee_bearer: differs from the connection's option transaction_charges_category",
    )?;
    let payer = canonical(order.payer.phone.as_deref().unwrap_or_default());
    must(payer.is_some(), "payer.phone: expected 256 or 0 and nine digits")?;
    let not_sent = |_| CallError::NotSent("the request cannot be written".to_owned());
    let request = CollectionRequest {
        category: "MobileMoney",
        currency: order.currency.as_str(),
        wallet_id: wallet,
        external_id: reference,
        payer: payer.as_deref().unwrap_or_default(),
        payer_name: order.payer.name.as_deref(),
        payer_note: note,
        amount: RawValue::from_string(order.amount.to_string()).map_err(not_sent)?,
        transaction_charges_category: charging.category(),
    };
    serde_json::to_vec(&request).map_err(not_sent)
}
