//! Attempts and what the operator reports of them (provider facts, sections 4.4, 4.5 and 6.3).

use ensimbi_events::Time;
use serde_json::{Map, Value, json};

use super::faults::Faults;
use super::objects::{Kind, Object};
use super::templates::seconds;

/// Methods by which a phone pays; all others are cards.
pub(super) const MOBILE: [&str; 3] = ["paytota_proxy", "airtel", "mtnmomo"];
/// Cards, as the statement filter names them.
pub(super) const CARDS: [&str; 3] = ["visa", "mastercard", "maestro"];

pub(super) fn is_mobile(method: &str) -> bool {
    MOBILE.contains(&method)
}

/// How an attempt ended.
pub(super) struct Ended<'a> {
    /// `execute`, `authorize`, `capture`, `release`, `refund`; payouts have none.
    pub(super) of_type: &'a str,
    /// Code and text of the error.
    pub(super) error: Option<(&'a str, &'a str)>,
    pub(super) fee: i64,
    pub(super) at: Time,
}

/// The reference that the answer to an execution names, 32 upper-case hexadecimal digits.
pub(super) fn internal_reference(faults: &Faults, of: &Object) -> String {
    let nth = of.attempt.unsigned_abs();
    faults.draws().uuid("internal_reference", &of.key, nth).simple().to_string().to_uppercase()
}

/// Notes an attempt, newest first, and what stands beside the list about the last one.
pub(super) fn note(of: &mut Object, faults: &Faults, ended: &Ended<'_>) {
    let outgoing = of.kind == Kind::Payout;
    let flow = if outgoing { "server_to_server" } else { "payform" };
    let bare = ended.error.is_some() && faults.switches.bare_failures;
    // Only the terminal of the second generation reports what the operator said.
    let extra = match of.method.as_str() {
        "paytota_proxy" if !bare => {
            let name = if outgoing { "webhook_payload" } else { "payload" };
            Value::Object(Map::from_iter([(name.to_owned(), payload(of, faults, ended))]))
        }
        _ => json!({}),
    };
    let error = ended.error.map(|(code, message)| json!({"code": code, "message": message}));
    let mut attempt = json!({
        "flow": flow, "error": error, "extra": extra, "country": "", "client_ip": "", "fee_amount": ended.fee,
        "successful": ended.error.is_none(), "payment_method": of.method, "processing_time": seconds(ended.at),
    });
    if !outgoing {
        attempt["type"] = ended.of_type.into();
    }
    let method = if ended.error.is_some() { "" } else { of.method.as_str() };
    let of_payment = matches!(ended.of_type, "execute" | "authorize") || outgoing;
    let data = &mut of.doc["transaction_data"];
    if let Some(list) = data["attempts"].as_array_mut() {
        list.insert(0, attempt);
    }
    if of_payment {
        data["flow"] = flow.into();
        data["extra"] = extra;
        data["payment_method"] = method.into();
    }
}

/// What the operator reports.
fn payload(of: &Object, faults: &Faults, ended: &Ended<'_>) -> Value {
    let client = &of.doc["client"];
    let purchase = of.kind == Kind::Purchase;
    let mut shown = json!({"full_name": ""});
    for name in ["city", "email", "state", "zip_code", "tax_number", "personal_code", "street_address"] {
        shown[name] = client[name].clone();
    }
    if purchase {
        shown["country"] = client["country"].clone();
    }
    let bank = match &of.doc["_bank"] {
        Value::Object(bank) => Value::Object(bank.clone()),
        _ => json!({"bank_code": "", "bank_name": "", "account_name": "", "account_number": ""}),
    };
    let destination = if of.doc["_bank"].is_object() { "bank" } else { "mobile" };
    let nth = of.attempt.unsigned_abs();
    let external = match purchase {
        true => format!("{}:{}", of.id, 102_478 + of.seq * 10 + of.attempt),
        false => of.id.clone(),
    };
    let (message, status, code) = match ended.error {
        Some((_, message)) => (message, "failed", "400"),
        None if purchase => ("Transaction check successful", "successful", "200"),
        None => ("Transaction successful", "successful", "200"),
    };
    json!({
        "bank": bank, "client": shown, "message": message, "return_code": code,
        "transaction": {
            "amount": of.amount, "mobile": of.party, "status": status, "country": client["country"],
            "currency": of.currency, "operator": of.operator, "description": "", "destination": destination,
            "transaction_type": of.kind.word(), "external_reference": external,
            "internal_reference": internal_reference(faults, of),
            "operator_reference": faults.draws().uuid("operator_reference", &of.key, nth).to_string(),
        },
    })
}
