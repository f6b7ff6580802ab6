//! The two payout requests: read, bounded and judged as their server is believed to judge them (provider facts, 5.1,
//! 5.2 and 14). To mobile money a payee's number is needed, to a bank an account.

use ensimbi_events::{Amount, Time};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::banks::{self, Bank};
use super::request::{amount, check_fields, check_lengths, is_number};
use super::switches::Switches;

/// Documents state no limit; what is longer could not be looked up in a path.
const EXTERNAL_ID_MAX: usize = 400;
const NAME_MAX: usize = 1_000;
const TRANSFER_TYPES: [&str; 4] = ["InternalTransfer", "Rtgs", "Eft", "Swift"];
const FIELDS: [&str; 15] = [
    "category",
    "currency",
    "walletId",
    "externalId",
    "payee",
    "payeeName",
    "payeeEmail",
    "amount",
    "payerNote",
    "payeeNote",
    "channel",
    "bankId",
    "bankIdentificationCode",
    "bankTransferType",
    "sendAt",
];
const BANK_FIELDS: [&str; 12] = [
    "accountName",
    "accountNumber",
    "amount",
    "walletId",
    "bankId",
    "bankIdentificationCode",
    "transferType",
    "currency",
    "externalId",
    "payeeNote",
    "channel",
    "sendAt",
];

/// All fields of both requests; each reads its own.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    category: Option<String>,
    currency: Option<String>,
    wallet_id: Option<String>,
    external_id: Option<String>,
    payee: Option<String>,
    payee_name: Option<String>,
    payee_email: Option<String>,
    account_name: Option<String>,
    account_number: Option<String>,
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
    payer_note: Option<String>,
    payee_note: Option<String>,
    channel: Option<String>,
    bank_id: Option<String>,
    bank_identification_code: Option<String>,
    transfer_type: Option<String>,
    send_at: Option<String>,
}

/// What somebody asked to pay out.
pub(super) struct Disburse {
    pub(super) wallet_id: String,
    /// Absent: the wallet's own.
    pub(super) currency: Option<String>,
    pub(super) external_id: Option<String>,
    /// A phone number, or an account number.
    pub(super) payee: String,
    /// The name as sent: `payeeName`, or `accountName`.
    pub(super) upload_name: Option<String>,
    pub(super) payer_note: Option<String>,
    pub(super) payee_note: Option<String>,
    pub(super) amount: Amount,
    pub(super) to_bank: Option<ToBank>,
    pub(super) send_at: Option<Time>,
}

/// The bank of a payout.
pub(super) struct ToBank {
    pub(super) bank: &'static Bank,
    pub(super) transfer_type: Option<&'static str>,
}

/// Reads the body of `disburse`; the error is the message of the 400.
pub(super) fn read(bytes: &[u8], switches: Switches) -> Result<Disburse, &'static str> {
    let body: Body<'_> = serde_json::from_slice(bytes).map_err(|_| "The request is not valid")?;
    check_fields(bytes, &FIELDS, switches)?;
    match body.category.as_deref() {
        None | Some("MobileMoney") => {}
        // Nobody knows a wallet's form of `payee`; bank payouts have their own path.
        Some(_) => return Err("Invalid category"),
    }
    check_lengths([
        (&body.payee_name, NAME_MAX, "Payee name is too long"),
        (&body.payee_email, NAME_MAX, "Payee email is too long"),
        (&body.payer_note, 100, "Payer note is too long"),
    ])?;
    let payee = body.payee.clone().filter(|payee| is_number(payee)).ok_or("Invalid payee")?;
    let upload_name = body.payee_name.clone();
    both(body, switches, payee, upload_name, None)
}

/// Reads the body of `bank-disburse`; the error is the message of the 400.
pub(super) fn read_bank(bytes: &[u8], switches: Switches) -> Result<Disburse, &'static str> {
    let body: Body<'_> = serde_json::from_slice(bytes).map_err(|_| "The request is not valid")?;
    check_fields(bytes, &BANK_FIELDS, switches)?;
    check_lengths([
        (&body.account_name, NAME_MAX, "Account name is too long"),
        (&body.account_number, 100, "Account number is too long"),
    ])?;
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let name = filled(&body.account_name).ok_or("Account name is required")?;
    let number = filled(&body.account_number).ok_or("Account number is required")?;
    let bank = banks::find(body.bank_id.as_deref(), body.bank_identification_code.as_deref()).ok_or("Invalid bank")?;
    if switches.check_account_numbers && !bank.takes(&number) {
        return Err("Invalid account number");
    }
    let transfer_type = match body.transfer_type.as_deref() {
        None => None,
        Some(asked) => Some(TRANSFER_TYPES.into_iter().find(|known| *known == asked).ok_or("Invalid transfer type")?),
    };
    both(body, switches, number, Some(name), Some(ToBank { bank, transfer_type }))
}

fn both(
    body: Body<'_>,
    switches: Switches,
    payee: String,
    upload_name: Option<String>,
    to_bank: Option<ToBank>,
) -> Result<Disburse, &'static str> {
    check_lengths([
        (&body.external_id, EXTERNAL_ID_MAX, "External id is too long"),
        (&body.payee_note, 100, "Payee note is too long"),
        (&body.channel, NAME_MAX, "Channel is too long"),
    ])?;
    let send_at = body.send_at.map(|text| text.parse::<Time>()).transpose().map_err(|_| "Invalid send at")?;
    Ok(Disburse {
        wallet_id: body.wallet_id.ok_or("Invalid wallet")?,
        currency: body.currency,
        external_id: body.external_id,
        payee,
        upload_name,
        // A bank payout's request has no note of the payer.
        payer_note: body.payer_note.filter(|_| to_bank.is_none()),
        payee_note: body.payee_note,
        amount: amount(body.amount, switches)?,
        to_bank,
        send_at,
    })
}
