//! The account's balance: two purses a currency (`providers/paytota.md`, section 10). Every field is read, and the four
//! identities that the samples hold are checked: where one is broken, the figures are doubted, not dropped.

use std::collections::BTreeMap;

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::words::wallet::BalanceReported;
use ensimbi_events::{Amount, Currency, SubjectKind};
use serde_json::value::RawValue;

use super::super::options::BRAND_ID;
use super::super::wire::{self, Balance, Unit, unreadable};
use super::super::{BALANCE, COLLECTIONS, PAYOUTS};
use super::Policy;
use super::thing::said;
use crate::connector::{Input, Links, ObjectRef, Said, Translation, Unreadable};

/// Most currencies of an answer.
const CURRENCIES_MAX: usize = 200;

pub(super) fn read(input: Input<'_>, policy: &Policy) -> Result<Translation, Unreadable> {
    let text = wire::body(input.body)?;
    let all: Map<'_> = wire::object("body", text)?;
    if all.0.len() > CURRENCIES_MAX {
        return Err(unreadable("body", format!("more than {CURRENCIES_MAX} currencies")));
    }
    let mut translation = Translation::default();
    for (code, raw) in all.0 {
        // Its text may be anything, so it is only counted.
        let Ok(currency) = code.parse::<Currency>() else {
            translation.unknown.push("balance_key".to_owned());
            continue;
        };
        let wire: Balance<'_> = wire::object(&code, raw.get())?;
        if policy.currencies.exponent(currency).is_none() {
            if !nothing(&wire) {
                translation.unknown.push(format!("balance_currency:{code}"));
            }
            continue;
        }
        let unit = Unit { currency, known: &policy.currencies };
        translation.said.push(collections(&wire, unit, &input)?);
        translation.said.extend(payouts(&wire, unit, &input)?);
    }
    Ok(translation)
}

/// The currencies of the answer; one that is given twice makes it unreadable.
struct Map<'a>(BTreeMap<String, &'a RawValue>);

impl<'de> serde::Deserialize<'de> for Map<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> serde::de::Visitor<'de> for Reader {
            type Value = Map<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = BTreeMap::new();
                while let Some((code, raw)) = map.next_entry::<String, &RawValue>()? {
                    if all.insert(code, raw).is_some() {
                        return Err(serde::de::Error::custom("a currency is given twice"));
                    }
                }
                Ok(Map(all))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// Whether a currency holds nothing: every field zero or absent.
fn nothing(wire: &Balance<'_>) -> bool {
    let Balance {
        gross_balance,
        fee_sell,
        balance,
        reserved,
        pending_outgoing,
        available_balance,
        payout_gross_balance,
        payout_fee_sell,
        payout_balance,
        pending_payouts,
        payout_overdraft,
        available_payout_balance,
    } = wire;
    let fields = [
        gross_balance,
        fee_sell,
        balance,
        reserved,
        pending_outgoing,
        available_balance,
        payout_gross_balance,
        payout_fee_sell,
        payout_balance,
        pending_payouts,
        payout_overdraft,
        available_payout_balance,
    ];
    fields.into_iter().flatten().all(|raw| wire::number("", Some(raw)).is_ok_and(Amount::is_zero))
}

/// Spendable is `balance` less what is `reserved`; what is on its way out counts as long as it has not left.
fn collections(wire: &Balance<'_>, unit: Unit<'_>, input: &Input<'_>) -> Result<Said, Unreadable> {
    let gross = wire::amount("gross_balance", wire.gross_balance, unit)?;
    let fees = wire::amount("fee_sell", wire.fee_sell, unit)?;
    let balance = wire::amount("balance", wire.balance, unit)?;
    let reserved = wire::amount("reserved", wire.reserved, unit)?;
    let leaving = wire::amount("pending_outgoing", wire.pending_outgoing, unit)?;
    let available = wire::amount("available_balance", wire.available_balance, unit)?;
    let spendable = balance.checked_sub(reserved).ok_or_else(|| unreadable("balance", "too large for the ledger"))?;
    // B1 and B2.
    let holds = gross.checked_sub(fees) == Some(balance) && spendable.checked_sub(leaving) == Some(available);
    Ok(reported(input, unit.currency, COLLECTIONS, (spendable, Some(reserved), available), holds))
}

/// The payouts purse; the sister platform has none, so it may be left out as a whole.
fn payouts(wire: &Balance<'_>, unit: Unit<'_>, input: &Input<'_>) -> Result<Option<Said>, Unreadable> {
    let fields = [
        wire.payout_gross_balance,
        wire.payout_fee_sell,
        wire.payout_balance,
        wire.pending_payouts,
        wire.payout_overdraft,
        wire.available_payout_balance,
    ];
    if fields.iter().all(Option::is_none) {
        return Ok(None);
    }
    let [gross, fees, balance, pending, overdraft, available] = fields;
    let gross = wire::amount("payout_gross_balance", gross, unit)?;
    let fees = wire::amount("payout_fee_sell", fees, unit)?;
    let balance = wire::amount("payout_balance", balance, unit)?;
    let pending = wire::amount("pending_payouts", pending, unit)?;
    let overdraft = wire::amount("payout_overdraft", overdraft, unit)?;
    let available = wire::amount("available_payout_balance", available, unit)?;
    // B3 and B4.
    let usable = balance.checked_sub(pending).and_then(|left| left.checked_add(overdraft));
    let holds = gross.checked_sub(fees) == Some(balance) && usable == Some(available);
    Ok(Some(reported(input, unit.currency, PAYOUTS, (balance, None, available), holds)))
}

fn reported(
    input: &Input<'_>,
    currency: Currency,
    purse: &'static str,
    (balance, held, available): (Amount, Option<Amount>, Amount),
    holds: bool,
) -> Said {
    // A balance is true at a moment and carries none: it is the one at which it came.
    let as_of = input.received_at;
    let body = BalanceReported { as_of, balance, held, available: Some(available) };
    let object = ObjectRef { kind: BALANCE, id: Some(format!("{currency}:{purse}")), reference: None };
    Said {
        occurrence: as_of.to_string(),
        currency: Some(currency),
        wallet: input.options.get(BRAND_ID).cloned(),
        doubt: (!holds).then_some(DiscrepancyKind::SumsDiffer),
        links: Links { purse: Some(purse), ..Links::default() },
        ..said(object, SubjectKind::Wallet, body.into())
    }
}
