//! The requests of a payout (`providers/iotec.md`, sections 5.1 and 5.2): only documented fields. There is no
//! `transactionChargesCategory` on payouts; `sendAt` is never sent, a payout is for now.

use ensimbi_events::Currency;
use ensimbi_events::commands::Destination;
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::wire;
use super::checks::{self, Common, NAME_MAX, canonical, must, within};
use crate::connector::{CallError, PayoutCall};

/// `bankTransferType` (section 5.1).
const RAILS: [&str; 4] = ["InternalTransfer", "Rtgs", "Eft", "Swift"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DisbursementRequest<'a> {
    category: &'a str,
    currency: &'a str,
    wallet_id: &'a str,
    external_id: &'a str,
    payee: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payee_name: Option<&'a str>,
    amount: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payee_note: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BankDisbursementRequest<'a> {
    /// Their id of the bank where we know it, else its code: they ask for one of the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    bank_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bank_identification_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_type: Option<&'a str>,
    currency: &'a str,
    wallet_id: &'a str,
    external_id: &'a str,
    account_name: &'a str,
    account_number: &'a str,
    amount: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payee_note: Option<&'a str>,
}

/// The call's name and its body; whatever must not be sent is refused here, with the field named.
pub(super) fn request(
    order: &PayoutCall,
    wallets: &[(String, Currency)],
) -> Result<(&'static str, Vec<u8>), CallError> {
    let (reference, wallet_id, payee_note) = (order.reference.as_str(), order.wallet.as_str(), order.note.as_deref());
    let (amount, currency) = (order.amount, order.currency);
    checks::common(&Common { reference, wallet: wallet_id, amount, currency, note: payee_note }, wallets)?;
    must(within(order.name.as_deref(), NAME_MAX), "name: expected at most 150 characters")?;
    let not_sent = |_| CallError::NotSent("the request cannot be written".to_owned());
    let amount = RawValue::from_string(amount.to_string()).map_err(not_sent)?;
    let (currency, external_id) = (currency.as_str(), reference);
    match &order.to {
        Destination::Mobile { phone } => {
            let payee = canonical(phone);
            must(payee.is_some(), "to.phone: expected 256 or 0 and nine digits")?;
            let request = DisbursementRequest {
                category: "MobileMoney",
                currency,
                wallet_id,
                external_id,
                payee: payee.as_deref().unwrap_or_default(),
                payee_name: order.name.as_deref(),
                amount,
                payee_note,
            };
            Ok(("disburse", serde_json::to_vec(&request).map_err(not_sent)?))
        }
        Destination::Bank { bank, account_number, account_name, rail } => {
            let word = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
                lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
            };
            let id = order.bank_id.as_deref();
            must(id.is_none_or(wire::is_id), "to.bank: the bank's id in their list is not an id")?;
            must(id.is_some() || word(bank, 1..=34), "to.bank: expected a bank's code, letters and digits")?;
            must(word(account_number, 4..=34), "to.account_number: expected 4 to 34 letters and digits")?;
            let name = !account_name.trim().is_empty() && within(Some(account_name), NAME_MAX);
            must(name, "to.account_name: expected 1 to 150 characters")?;
            let known = rail.as_deref().is_none_or(|rail| RAILS.contains(&rail));
            must(known, "to.rail: expected one of InternalTransfer, Rtgs, Eft, Swift")?;
            let request = BankDisbursementRequest {
                bank_id: id,
                bank_identification_code: Some(bank.as_str()).filter(|_| id.is_none()),
                transfer_type: rail.as_deref(),
                currency,
                wallet_id,
                external_id,
                account_name,
                account_number,
                amount,
                payee_note,
            };
            Ok(("bank-disburse", serde_json::to_vec(&request).map_err(not_sent)?))
        }
    }
}

/// Texts of an order that no message may show.
pub(super) fn hidden(order: &PayoutCall) -> Vec<&str> {
    let mut hidden: Vec<&str> = order.name.as_deref().into_iter().collect();
    if let Destination::Bank { account_number, account_name, .. } = &order.to {
        hidden.extend([account_name.as_str(), account_number.as_str()]);
    }
    hidden
}
