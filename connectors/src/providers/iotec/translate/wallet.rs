//! A wallet's balance and the banks that can be paid to (`providers/iotec.md`, sections 5.3, 5.4 and 6).

use ensimbi_events::SubjectKind;
use ensimbi_events::words::wallet::BalanceReported;

use super::super::WALLET;
use super::super::wire::{self, Balance, Bank, BankItem, Raw, Record, kept};
use crate::connector::{BankSeen, Input, Links, ObjectRef, Said, Translation, Unreadable};

/// Longest pattern of account numbers, in characters.
const PATTERN_MAX: usize = 200;

/// `actualBalance` is what we compare with; `availableBalance` is deprecated, so it may be missing or odd.
pub(super) fn balance(input: Input<'_>) -> Result<Translation, Unreadable> {
    let wire: Balance<'_> = wire::object("body", wire::body(input.body)?)?;
    let id = wire::id("id", wire.id)?;
    let currency = wire::currency("currency", wire.currency)?;
    let mut translation = Translation::default();
    let available = wire.available_balance.and_then(|raw| match wire::amount("availableBalance", Some(raw)) {
        Ok(available) => Some(available),
        Err(_) => {
            translation.unknown.push("availableBalance".to_owned());
            None
        }
    });
    // A balance is true at a moment and carries none: it is the one at which it came.
    let as_of = input.received_at;
    let balance = wire::amount("actualBalance", wire.actual_balance)?;
    translation.said.push(Said {
        object: ObjectRef { kind: WALLET, id: Some(id.clone()), reference: None },
        subject_kind: SubjectKind::Wallet,
        occurrence: as_of.to_string(),
        currency: Some(currency),
        wallet: Some(id),
        body: BalanceReported { as_of, balance, held: None, available }.into(),
        occurred_at: None,
        party: None,
        doubt: None,
        operator_transaction: None,
        links: Links::default(),
        confirms: false,
    });
    Ok(translation)
}

/// The bank list. A bank without a code cannot be named in a payout: it is counted and left out.
pub(super) fn banks(input: Input<'_>) -> Result<Translation, Unreadable> {
    let items: Vec<BankItem<'_>> = wire::objects("body", wire::body(input.body)?)?;
    let mut translation = Translation::default();
    for item in items {
        keep(item.code, (item.id, item.name, None), &mut translation);
    }
    Ok(translation)
}

/// The bank of a payout's answer: the one place that tells what its account numbers look like.
pub(super) fn bank_of(record: &Record<'_>, translation: &mut Translation) {
    let Some(raw) = record.bank else { return };
    match wire::object::<Bank<'_>>("bank", raw.get()) {
        Ok(bank) => {
            let rest = (bank.id, bank.name, bank.account_number_regex);
            keep(bank.bank_identification_code, rest, translation);
        }
        Err(_) => translation.unknown.push("bank".to_owned()),
    }
}

fn keep(code: Raw<'_>, (id, name, pattern): (Raw<'_>, Raw<'_>, Raw<'_>), translation: &mut Translation) {
    let unknown = &mut translation.unknown;
    let Some(code) = kept("bank.code", code, wire::ID_MAX, unknown) else {
        unknown.push("bank_without_code".to_owned());
        return;
    };
    let bank = BankSeen {
        code,
        id: kept("bank.id", id, wire::ID_MAX, unknown),
        name: kept("bank.name", name, wire::PARTY_TEXT_MAX, unknown),
        account_pattern: kept("bank.accountNumberRegex", pattern, PATTERN_MAX, unknown),
    };
    translation.banks.push(bank);
}
