//! The banks that payouts can go to: the documents' sample, and two more with other account numbers. The list has no
//! pattern of account numbers; that sits only in the `bank` object of a payout (provider facts, 5.3 and 5.4).

use serde::Serialize;

use super::answer::{CREATED_BY, text};
use crate::simulator::Result;

/// A bank.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bank {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    /// SWIFT / bank identification code.
    pub(super) code: &'static str,
    /// How many digits its account numbers have; `None`: it names no pattern.
    digits: Option<usize>,
    pattern: Option<&'static str>,
}

pub(super) static BANKS: [Bank; 3] = [
    Bank {
        id: "5e83b187-801e-410e-b76e-f491928547e0",
        name: "Stanbic Bank",
        code: "ABCDUGKAXXX",
        digits: Some(10),
        pattern: Some("^[0-9]{10}$"),
    },
    Bank {
        id: "5e83b187-801e-410e-b76e-f491928547b1",
        name: "Test Bank Thirteen",
        code: "BCDEUGKAXXX",
        digits: Some(13),
        pattern: Some("^[0-9]{13}$"),
    },
    Bank {
        id: "5e83b187-801e-410e-b76e-f491928547b2",
        name: "Test Bank Any",
        code: "CDEFUGKAXXX",
        digits: None,
        pattern: None,
    },
];

/// The bank of an id or a code; where both are given they must name the same one.
pub(super) fn find(id: Option<&str>, code: Option<&str>) -> Option<&'static Bank> {
    if id.is_none() && code.is_none() {
        return None;
    }
    BANKS.iter().find(|bank| id.is_none_or(|id| bank.id == id) && code.is_none_or(|code| bank.code == code))
}

/// The bank that a stored payout names.
pub(super) fn by_code(code: &str) -> Option<&'static Bank> {
    BANKS.iter().find(|bank| bank.code == code)
}

impl Bank {
    /// Whether the account number fits the bank's pattern.
    pub(super) fn takes(&self, account_number: &str) -> bool {
        self.digits.is_none_or(|digits| {
            account_number.len() == digits && account_number.bytes().all(|byte| byte.is_ascii_digit())
        })
    }

    /// How many digits an account number for a demonstration has.
    pub(super) fn account_digits(&self) -> u32 {
        self.digits.and_then(|digits| u32::try_from(digits).ok()).unwrap_or(12)
    }

    /// As the `bank` object of a payout.
    pub(super) const fn shown(&self) -> BankShown {
        BankShown {
            id: self.id,
            created_at: "2025-01-01T00:00:00.000Z",
            created_by: CREATED_BY,
            name: self.name,
            bank_identification_code: self.code,
            stanbic_identification_code: None,
            main_branch_code: None,
            main_branch_name: None,
            account_number_regex: self.pattern,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BankShown {
    id: &'static str,
    created_at: &'static str,
    created_by: &'static str,
    name: &'static str,
    bank_identification_code: &'static str,
    stanbic_identification_code: Option<&'static str>,
    main_branch_code: Option<&'static str>,
    main_branch_name: Option<&'static str>,
    account_number_regex: Option<&'static str>,
}

/// The bank list's answer.
pub(super) fn list() -> Result<String> {
    #[derive(Serialize)]
    struct Item {
        id: &'static str,
        name: &'static str,
        code: &'static str,
    }
    let items = BANKS.each_ref().map(|bank| Item { id: bank.id, name: bank.name, code: bank.code });
    text(&items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_is_found_by_either_name_and_not_by_two_that_contradict() {
        let [first, second, _] = &BANKS;
        assert_eq!(find(Some(first.id), None), Some(first));
        assert_eq!(find(None, Some(second.code)), Some(second));
        assert_eq!(find(Some(first.id), Some(first.code)), Some(first));
        assert_eq!(find(Some(first.id), Some(second.code)), None);
        assert_eq!(find(None, None), None);
        assert!(first.takes("1234567890") && !first.takes("123456789") && !first.takes("123456789x"));
    }
}
