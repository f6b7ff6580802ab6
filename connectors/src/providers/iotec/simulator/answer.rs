//! Answers as JSON text, field by field as in the provider's documents (provider facts, 4.2, 6 and 9.4).

use ensimbi_events::{Amount, Time};
use serde::Serialize;

use super::books::{Collection, Wallet, WalletRow};
use super::money::Number;
use crate::simulator::{Result, SimulatorError};

/// The user under whom the API client works, as in the provider's samples.
const CREATED_BY: &str = "2d629907-d515-4943-84b7-da337292bdba";

/// What an answer may have that is not in the books.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Oddities {
    /// A status word instead of the true one.
    pub(super) status: Option<&'static str>,
    /// Unknown fields.
    pub(super) extra_fields: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Named<'a> {
    id: Option<&'a str>,
    name: Option<&'a str>,
}

const NOBODY: Named<'static> = Named { id: None, name: None };

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CollectionAnswer<'a> {
    id: &'a str,
    created_at: String,
    category: &'a str,
    status: &'a str,
    payment_channel: &'a str,
    status_code: &'a str,
    status_message: &'a str,
    external_id: Option<&'a str>,
    amount: Number,
    payer_note: Option<&'a str>,
    payee_note: Option<&'a str>,
    currency: &'a str,
    wallet: Named<'a>,
    charge_model: Option<&'a str>,
    created_by: &'a str,
    created_by_data: Named<'a>,
    transaction_charge: Number,
    vendor_charge: Number,
    total_transaction_charge: Number,
    vendor: &'a str,
    vendor_transaction_id: Option<&'a str>,
    last_updated: Option<String>,
    processed_at: Option<String>,
    transactions: Vec<RowAnswer<'a>>,
    payer: &'a str,
    payer_name: Option<&'a str>,
    card_redirect_url: Option<&'a str>,
    redirect_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settlement_window: Option<Window>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk_level: Option<i64>,
}

/// What nobody knows: a nested object with a number beyond what a float holds.
#[derive(Serialize)]
struct Window {
    opens: &'static str,
    sequence: u64,
    tags: [&'static str; 2],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RowAnswer<'a> {
    id: &'a str,
    created_at: String,
    operation: &'a str,
    wallet: Named<'a>,
    wallet_id: &'a str,
    request_id: &'a str,
    request_category: &'a str,
    category: &'a str,
    transaction_number: i64,
    vendor_transaction_id: Option<&'a str>,
    amount: Number,
    memo: Option<&'a str>,
    narration: &'a str,
    balance: Number,
    previous_balance: Number,
    rollback: bool,
    disbursement: Option<()>,
    collection: Origin<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Origin<'a> {
    id: &'a str,
    created_at: String,
    last_updated: Option<String>,
    is_deleted: bool,
    status: &'a str,
    vendor: &'a str,
    amount: Number,
    msisdn: &'a str,
    vendor_transaction_id: Option<&'a str>,
    transaction_charge: Number,
    vendor_charge: Number,
}

/// A collection with its wallet rows.
pub(super) fn collection(of: &Collection, rows: &[WalletRow], oddities: Oddities) -> Result<String> {
    let (own, vendor) = (Number(Amount::from_scaled(of.own_fee)), Number(Amount::from_scaled(of.vendor_fee)));
    let odd = oddities.extra_fields;
    let answer = CollectionAnswer {
        id: &of.id,
        created_at: moment(of.created_at),
        category: "MobileMoney",
        status: oddities.status.unwrap_or(&of.status),
        payment_channel: "Api",
        status_code: &of.status_code,
        status_message: &of.status_message,
        external_id: of.external_id.as_deref(),
        amount: Number(of.amount()),
        payer_note: of.payer_note.as_deref(),
        payee_note: of.payee_note.as_deref(),
        currency: &of.currency,
        wallet: NOBODY,
        charge_model: None,
        created_by: CREATED_BY,
        created_by_data: NOBODY,
        transaction_charge: own,
        vendor_charge: vendor,
        total_transaction_charge: Number(of.fees()?),
        vendor: &of.vendor,
        vendor_transaction_id: of.vendor_transaction_id.as_deref(),
        last_updated: of.updated_at.map(moment),
        processed_at: of.processed_at.map(moment),
        transactions: rows.iter().map(|entry| row(of, entry)).collect(),
        payer: &of.payer,
        payer_name: of.payer_name.as_deref(),
        card_redirect_url: None,
        redirect_url: of.redirect_url.as_deref(),
        settlement_window: odd.then_some(Window { opens: "T+1", sequence: u64::MAX, tags: ["a", "\u{202e}b"] }),
        risk_level: odd.then_some(-1),
    };
    text(&answer)
}

/// Several collections as an array of the texts above.
pub(super) fn array(texts: &[String]) -> String {
    format!("[{}]", texts.join(","))
}

fn row<'a>(of: &'a Collection, row: &'a WalletRow) -> RowAnswer<'a> {
    let number = |scaled| Number(Amount::from_scaled(scaled));
    RowAnswer {
        id: &row.id,
        created_at: moment(row.created_at),
        operation: &row.operation,
        wallet: NOBODY,
        wallet_id: &row.wallet_id,
        request_id: &of.id,
        request_category: "Collection",
        category: &row.category,
        transaction_number: row.number,
        vendor_transaction_id: of.vendor_transaction_id.as_deref(),
        amount: number(row.amount),
        memo: None,
        narration: match row.category.as_str() {
            "TransactionCharge" => "Transaction charge",
            "Rollback" => "Rollback",
            _ => "Collection",
        },
        balance: number(row.balance),
        previous_balance: number(row.previous),
        rollback: row.rollback,
        disbursement: None,
        collection: Origin {
            id: &of.id,
            created_at: moment(of.created_at),
            last_updated: of.updated_at.map(moment),
            is_deleted: false,
            status: &of.status,
            vendor: &of.vendor,
            amount: Number(of.amount()),
            msisdn: &of.payer,
            vendor_transaction_id: of.vendor_transaction_id.as_deref(),
            transaction_charge: number(of.own_fee),
            vendor_charge: number(of.vendor_fee),
        },
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WalletAnswer<'a> {
    currency: &'a str,
    id: &'a str,
    partner_id: &'a str,
    name: &'a str,
    actual_balance: Number,
    available_balance: Number,
    collection_call_back_url: Option<&'a str>,
    disbursement_call_back_url: Option<&'a str>,
    call_back_security_header_key: Option<&'a str>,
    call_back_security_header_value: Option<&'a str>,
}

/// A wallet's balance. The deprecated callback fields stay null, so no secret leaves this way.
pub(super) fn wallet(of: &Wallet) -> Result<String> {
    let balance = Number(Amount::from_scaled(of.balance));
    text(&WalletAnswer {
        currency: &of.currency,
        id: &of.id,
        partner_id: &of.partner_id,
        name: &of.name,
        actual_balance: balance,
        available_balance: balance,
        collection_call_back_url: None,
        disbursement_call_back_url: None,
        call_back_security_header_key: None,
        call_back_security_header_value: None,
    })
}

/// UTC with milliseconds and a `Z`, as in the samples.
fn moment(micros: i64) -> String {
    Time::from_micros(micros).timestamp().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

fn text(answer: &impl Serialize) -> Result<String> {
    serde_json::to_string(answer).map_err(|error| SimulatorError::Damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_look_as_in_the_samples() {
        assert_eq!(moment(1_757_836_669_147_999), "2025-09-14T07:57:49.147Z");
    }
}
