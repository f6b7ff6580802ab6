//! Answers as JSON text, field by field as in the provider's documents (provider facts, 4.2, 5.3, 6 and 9.4).

use std::collections::BTreeMap;

use ensimbi_events::{Amount, Time};
use serde::Serialize;
use serde_json::value::RawValue;

use super::banks::{self, BankShown};
use super::faults::{Fault, Faults};
use super::money::Number;
use super::payouts::{Decision, Payout};
use super::records::Record;
use super::rows::{WalletRow, too_large};
use super::switches::Switches;
use crate::simulator::{Result, SimulatorError};

/// The user under whom the API client works, as in the provider's samples.
pub(super) const CREATED_BY: &str = "2d629907-d515-4943-84b7-da337292bdba";
/// The user who decides about payouts.
const DECIDER: &str = "7f0c1f1e-6d0e-4c55-9a52-0f6f3f6f2f10";

/// What an answer may have that is not in the books.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Oddities {
    /// A status word instead of the true one.
    pub(super) status: Option<&'static str>,
    /// Unknown fields.
    pub(super) extra_fields: bool,
}

/// How a record is said: the four figures, right or wrong, and the switches that change its look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    amount: Number,
    own_fee: Number,
    vendor_fee: Number,
    total: Number,
    switches: Switches,
}

impl Look {
    pub(super) fn of(of: &Record, faults: &Faults) -> Result<Self> {
        let number = |said: Option<i64>, true_one| Number(Amount::from_scaled(said.unwrap_or(true_one)));
        let (own_fee, vendor_fee) = (number(of.said_own_fee, of.own_fee), number(of.said_vendor_fee, of.vendor_fee));
        let more = if faults.hits(Fault::WrongFee, &of.key(), 0) { Amount::whole(1) } else { Amount::ZERO };
        let total = Amount::checked_sum([own_fee.0, vendor_fee.0, more]).ok_or_else(too_large)?;
        let total = number(of.said_total, total.scaled());
        let amount = number(of.said_amount, of.amount);
        Ok(Self { amount, own_fee, vendor_fee, total, switches: faults.switches })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Named<'a> {
    id: Option<&'a str>,
    name: Option<&'a str>,
}

const NOBODY: Named<'static> = Named { id: None, name: None };

fn wallet(id: &str, switches: Switches) -> Named<'_> {
    if switches.name_wallet { Named { id: Some(id), name: None } } else { NOBODY }
}

/// What a collection and a disbursement have in common.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shared<'a> {
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
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CollectionAnswer<'a> {
    #[serde(flatten)]
    shared: Shared<'a>,
    transactions: Vec<RowAnswer<'a>>,
    payer: &'a str,
    payer_name: Option<&'a str>,
    card_redirect_url: Option<&'a str>,
    redirect_url: Option<&'a str>,
    #[serde(flatten)]
    odd: Option<Odd>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PayoutAnswer<'a> {
    #[serde(flatten)]
    shared: Shared<'a>,
    /// Absent from the status and external-id look-ups and the callbacks, like `decisions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    transactions: Option<Vec<RowAnswer<'a>>>,
    payee: &'a str,
    payee_name: Option<&'a str>,
    payee_upload_name: Option<&'a str>,
    payee_name_status: &'a str,
    bulk_id: Option<&'a str>,
    internal_request_id: Option<&'a str>,
    bank_id: Option<&'a str>,
    bank: Option<BankShown>,
    bank_transfer_type: Option<&'a str>,
    approval_decision: Option<bool>,
    decision_made_by: Option<&'a str>,
    decision_made_by_data: Named<'a>,
    decision_made_at: Option<String>,
    decision_remarks: Option<&'a str>,
    send_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decisions: Option<Vec<DecisionAnswer<'a>>>,
    #[serde(flatten)]
    odd: Option<Odd>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DecisionAnswer<'a> {
    id: &'a str,
    created_at: String,
    category: &'a str,
    disbursement_id: &'a str,
    created_by: &'a str,
    role: Option<&'a str>,
    decision_made_by: &'a str,
    decision_made_at: String,
    decision_remarks: Option<&'a str>,
}

/// What nobody knows: a nested object with a number beyond what a float holds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Odd {
    settlement_window: Window,
    risk_level: i64,
}

#[derive(Serialize)]
struct Window {
    opens: &'static str,
    sequence: u64,
    tags: [&'static str; 2],
}

fn odd(oddities: Oddities) -> Option<Odd> {
    let settlement_window = Window { opens: "T+1", sequence: u64::MAX, tags: ["a", "\u{202e}b"] };
    oddities.extra_fields.then_some(Odd { settlement_window, risk_level: -1 })
}

fn shared<'a>(of: &'a Record, category: &'a str, look: Look, oddities: Oddities) -> Shared<'a> {
    Shared {
        id: &of.id,
        created_at: moment(of.created_at),
        category,
        status: oddities.status.unwrap_or(&of.status),
        payment_channel: "Api",
        status_code: &of.status_code,
        status_message: &of.status_message,
        external_id: of.external_id.as_deref(),
        amount: look.amount,
        payer_note: of.payer_note.as_deref(),
        payee_note: of.payee_note.as_deref(),
        currency: &of.currency,
        wallet: wallet(&of.wallet_id, look.switches),
        charge_model: None,
        created_by: CREATED_BY,
        created_by_data: NOBODY,
        transaction_charge: look.own_fee,
        vendor_charge: look.vendor_fee,
        total_transaction_charge: look.total,
        vendor: &of.vendor,
        vendor_transaction_id: of.vendor_transaction_id.as_deref(),
        last_updated: of.updated_at.map(moment),
        processed_at: of.processed_at.map(moment),
    }
}

/// A collection with its wallet rows.
pub(super) fn collection(of: &Record, rows: &[WalletRow], look: Look, oddities: Oddities) -> Result<String> {
    let answer = text(&CollectionAnswer {
        shared: shared(of, "MobileMoney", look, oddities),
        transactions: rows.iter().map(|entry| row(Some(of), entry, look.switches)).collect(),
        payer: &of.party,
        payer_name: of.party_name.as_deref(),
        card_redirect_url: None,
        redirect_url: of.redirect_url.as_deref(),
        odd: odd(oddities),
    })?;
    if look.switches.omit_nulls { without_nulls(&answer) } else { Ok(answer) }
}

/// A payout. The latest of `decisions` fills the checker's fields; `rows`, and the decisions as a list, stand only in
/// the create answer and in the history.
pub(super) fn payout(
    of: &Record,
    own: &Payout,
    decisions: &[Decision],
    rows: Option<&[WalletRow]>,
    (look, oddities): (Look, Oddities),
) -> Result<String> {
    let bank = own.bank.as_deref().and_then(banks::by_code);
    let last = decisions.iter().rfind(|one| matches!(one.category.as_str(), "Approve" | "Reject" | "Cancel"));
    let decision = |one| decision(of, one);
    let answer = text(&PayoutAnswer {
        shared: shared(of, &own.category, look, oddities),
        transactions: rows.map(|rows| rows.iter().map(|entry| row(Some(of), entry, look.switches)).collect()),
        payee: &of.party,
        payee_name: of.party_name.as_deref(),
        payee_upload_name: own.upload_name.as_deref(),
        payee_name_status: &own.name_status,
        bulk_id: None,
        internal_request_id: None,
        bank_id: bank.map(|bank| bank.id),
        bank: bank.map(banks::Bank::shown),
        bank_transfer_type: own.transfer_type.as_deref(),
        approval_decision: last.map(|one| one.category == "Approve"),
        decision_made_by: last.map(|_| DECIDER),
        decision_made_by_data: Named { id: last.map(|_| DECIDER), name: None },
        decision_made_at: last.map(|one| moment(one.decided_at)),
        decision_remarks: last.and_then(|one| one.remarks.as_deref()),
        send_at: own.send_at.map(moment),
        decisions: rows.map(|_| decisions.iter().map(decision).collect()),
        odd: odd(oddities),
    })?;
    if look.switches.omit_nulls { without_nulls(&answer) } else { Ok(answer) }
}

/// The object without its fields that are null or an empty list; every other value keeps its exact text.
fn without_nulls(answer: &str) -> Result<String> {
    let fields: BTreeMap<&str, &RawValue> = serde_json::from_str(answer).map_err(damaged)?;
    let kept: BTreeMap<_, _> = fields.into_iter().filter(|(_, value)| !matches!(value.get(), "null" | "[]")).collect();
    text(&kept)
}

fn decision<'a>(of: &'a Record, one: &'a Decision) -> DecisionAnswer<'a> {
    DecisionAnswer {
        id: &one.id,
        created_at: moment(one.decided_at),
        category: &one.category,
        disbursement_id: &of.id,
        created_by: DECIDER,
        role: None,
        decision_made_by: DECIDER,
        decision_made_at: moment(one.decided_at),
        decision_remarks: one.remarks.as_deref(),
    }
}

/// Several texts as an array.
pub(super) fn array(texts: &[String]) -> String {
    format!("[{}]", texts.join(","))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RowAnswer<'a> {
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
    disbursement: Option<Origin<'a>>,
    collection: Option<Origin<'a>>,
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

/// A wallet row in the shape of section 9.4, with the record it belongs to, if any. Rows are always true.
pub(super) fn row<'a>(of: Option<&'a Record>, row: &'a WalletRow, switches: Switches) -> RowAnswer<'a> {
    let number = |scaled| Number(Amount::from_scaled(scaled));
    let origin = |kind: &str| {
        of.filter(|of| of.kind == kind).map(|of| Origin {
            id: &of.id,
            created_at: moment(of.created_at),
            last_updated: of.updated_at.map(moment),
            is_deleted: false,
            status: &of.status,
            vendor: &of.vendor,
            amount: number(of.amount),
            msisdn: &of.party,
            vendor_transaction_id: of.vendor_transaction_id.as_deref(),
            transaction_charge: number(of.own_fee),
            vendor_charge: number(of.vendor_fee),
        })
    };
    RowAnswer {
        id: &row.id,
        created_at: moment(row.created_at),
        operation: &row.operation,
        wallet: wallet(&row.wallet_id, switches),
        wallet_id: &row.wallet_id,
        request_id: &row.request_id,
        request_category: &row.request_category,
        category: &row.category,
        transaction_number: row.number,
        vendor_transaction_id: of.and_then(|of| of.vendor_transaction_id.as_deref()),
        amount: number(row.amount),
        memo: row.memo.as_deref(),
        narration: if row.category == "TransactionCharge" { "Transaction charge" } else { &row.category },
        balance: number(row.balance),
        previous_balance: number(row.previous),
        rollback: if switches.rollback_flag_on_reversed { row.reversed } else { row.rollback },
        disbursement: origin("Disbursement"),
        collection: origin("Collection"),
    }
}

/// UTC with milliseconds and a `Z`, as in the samples.
fn moment(micros: i64) -> String {
    Time::from_micros(micros).timestamp().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

pub(super) fn text(answer: &impl Serialize) -> Result<String> {
    serde_json::to_string(answer).map_err(damaged)
}

fn damaged(error: serde_json::Error) -> SimulatorError {
    SimulatorError::Damaged(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_look_as_in_the_samples() {
        assert_eq!(moment(1_757_836_669_147_999), "2025-09-14T07:57:49.147Z");
    }
}
