//! The collect request: read, bounded and judged as their server is believed to judge it (provider facts, 4.1 and 14).

use std::collections::BTreeMap;

use ensimbi_events::Amount;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::switches::Switches;

/// The least that may be collected or paid out, in whole units.
const LEAST: Amount = Amount::whole(500);
const FIELDS: [&str; 12] = [
    "category",
    "currency",
    "walletId",
    "externalId",
    "payer",
    "payerName",
    "payerNote",
    "amount",
    "payeeNote",
    "channel",
    "transactionChargesCategory",
    "redirectUrl",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    category: Option<String>,
    currency: Option<String>,
    wallet_id: Option<String>,
    external_id: Option<String>,
    payer: Option<String>,
    payer_name: Option<String>,
    payer_note: Option<String>,
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
    payee_note: Option<String>,
    channel: Option<String>,
    transaction_charges_category: Option<String>,
    redirect_url: Option<String>,
}

/// What somebody asked to collect.
pub(super) struct Collect {
    pub(super) wallet_id: String,
    /// Absent: the wallet's own.
    pub(super) currency: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) payer: String,
    pub(super) payer_name: Option<String>,
    pub(super) payer_note: Option<String>,
    pub(super) payee_note: Option<String>,
    pub(super) redirect_url: Option<String>,
    pub(super) amount: Amount,
    pub(super) charge_customer: bool,
}

/// Reads a body; the error is the message of the 400.
pub(super) fn read(bytes: &[u8], switches: Switches) -> Result<Collect, &'static str> {
    let body: Body<'_> = serde_json::from_slice(bytes).map_err(|_| "The request is not valid")?;
    check_fields(bytes, &FIELDS, switches)?;
    match body.category.as_deref() {
        None | Some("MobileMoney") => {}
        Some(_) => return Err("Invalid category"),
    }
    let charge_customer = match body.transaction_charges_category.as_deref() {
        None | Some("ChargeWallet") => false,
        Some("ChargeCustomer") => true,
        Some(_) => return Err("Invalid transaction charges category"),
    };
    let limits = [
        (&body.external_id, 100, "External id is too long"),
        (&body.payer_name, 150, "Payer name is too long"),
        (&body.payer_note, 100, "Payer note is too long"),
        (&body.payee_note, 100, "Payee note is too long"),
        (&body.channel, 100, "Channel is too long"),
        (&body.redirect_url, 2_048, "Redirect url is too long"),
    ];
    check_lengths(limits)?;
    let amount = amount(body.amount, switches)?;
    Ok(Collect {
        wallet_id: body.wallet_id.ok_or("Invalid wallet")?,
        currency: body.currency,
        external_id: body.external_id,
        payer: body.payer.filter(|payer| is_number(payer)).ok_or("Invalid payer")?,
        payer_name: body.payer_name,
        payer_note: body.payer_note,
        payee_note: body.payee_note,
        redirect_url: body.redirect_url,
        amount,
        charge_customer,
    })
}

/// Refuses fields outside the schema where the switch says so.
pub(super) fn check_fields(bytes: &[u8], known: &[&str], switches: Switches) -> Result<(), &'static str> {
    if !switches.refuse_unknown_fields {
        return Ok(());
    }
    let fields: BTreeMap<String, IgnoredAny> = serde_json::from_slice(bytes).map_err(|_| "The request is not valid")?;
    if fields.keys().all(|field| known.contains(&field.as_str())) {
        Ok(())
    } else {
        Err("The request has an unknown field")
    }
}

/// Refuses texts longer than documented.
pub(super) fn check_lengths<'a>(
    limits: impl IntoIterator<Item = (&'a Option<String>, usize, &'static str)>,
) -> Result<(), &'static str> {
    let too_long = |text: &Option<String>, limit| text.as_ref().is_some_and(|text| text.chars().count() > limit);
    limits.into_iter().find(|(text, limit, _)| too_long(text, *limit)).map_or(Ok(()), |(_, _, message)| Err(message))
}

/// The amount of a request, at least 500.
pub(super) fn amount(raw: Option<&RawValue>, switches: Switches) -> Result<Amount, &'static str> {
    let amount = amount_of(raw.ok_or("Amount is required")?.get(), switches)?;
    if amount < LEAST { Err("Amount should be at least 500") } else { Ok(amount) }
}

fn amount_of(text: &str, switches: Switches) -> Result<Amount, &'static str> {
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let amount = Amount::from_provider_text(inner.unwrap_or(text)).map_err(|_| "Invalid amount")?;
    if switches.refuse_fractions && (inner.is_some() || amount.scaled() % Amount::whole(1).scaled() != 0) {
        return Err("Invalid amount");
    }
    Ok(amount)
}

/// `256` and nine digits, or `0` and nine digits.
pub(super) fn is_number(payer: &str) -> bool {
    let digits = payer.strip_prefix("256").filter(|rest| rest.len() == 9);
    let digits = digits.or_else(|| payer.strip_prefix('0').filter(|rest| rest.len() == 9));
    digits.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What becomes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// Documented test number that succeeds.
    Success,
    /// Documented test number that fails.
    Failed,
    /// Documented test number that nobody ever answers.
    Pending,
    /// Documented test number that stays with the network.
    SentToVendor,
    /// Somebody's real number.
    Real,
}

/// The group of a payer's or payee's number, in either form (provider facts, section 13).
pub(super) fn group(payer: &str) -> Group {
    let tail = payer.strip_prefix("256").filter(|rest| rest.len() == 9).unwrap_or_else(|| payer.get(1..).unwrap_or(""));
    match tail.get(..8) {
        Some("11177777") => Group::Success,
        Some("11177799") => Group::Failed,
        Some("11177778") => Group::Pending,
        Some("11177779") => Group::SentToVendor,
        _ => Group::Real,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_numbers_are_known_in_both_forms() {
        for (payer, expected) in [
            ("0111777771", Group::Success),
            ("256111777770", Group::Success),
            ("0111777999", Group::Failed),
            ("0111777781", Group::Pending),
            ("256111777795", Group::SentToVendor),
            ("0771234567", Group::Real),
        ] {
            assert!(is_number(payer), "{payer}");
            assert_eq!(group(payer), expected, "{payer}");
        }
        for payer in ["", "+256111777771", "011177777", "25611177777", "0111 77777", "é11177777"] {
            assert!(!is_number(payer), "{payer}");
        }
    }

    #[test]
    fn amounts_may_be_numbers_or_numeric_strings_unless_switched_off() {
        let open = Switches::default();
        let strict = Switches { refuse_fractions: true, ..open };
        assert_eq!(amount_of("700", open), Ok(Amount::whole(700)));
        assert_eq!(amount_of("\"700\"", open), Ok(Amount::whole(700)));
        assert_eq!(amount_of("\"700\"", strict), Err("Invalid amount"));
        assert_eq!(amount_of("700.5", strict), Err("Invalid amount"));
        for bad in ["null", "\"\"", "{}", "1e400", "0.00001"] {
            assert_eq!(amount_of(bad, open), Err("Invalid amount"), "{bad}");
        }
    }
}
