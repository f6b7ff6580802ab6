//! What must not be sent: checks that every order of money has in common, before anything leaves us.

use ensimbi_events::{Amount, Currency};

use super::super::{amount_problem, wire};
pub(super) use crate::checks::must;
use crate::connector::CallError;

/// Longest name and longest note of a party, in characters (sections 4.1 and 5.1).
pub(super) const NAME_MAX: usize = 150;
pub(super) const NOTE_MAX: usize = 100;

/// What collections and payouts share.
pub(super) struct Common<'a> {
    pub(super) reference: &'a str,
    pub(super) wallet: &'a str,
    pub(super) amount: Amount,
    pub(super) currency: Currency,
    pub(super) note: Option<&'a str>,
}

/// Refuses an order with the field named.
///
/// # Errors
/// [`CallError::Refused`].
pub(super) fn common(order: &Common<'_>, wallets: &[(String, Currency)]) -> Result<(), CallError> {
    let currency = wallets.iter().find(|(id, _)| id == order.wallet).map(|(_, currency)| *currency);
    if let Some(problem) = amount_problem(order.amount) {
        return must(false, &format!("amount: {problem}"));
    }
    must(currency.is_some(), "wallet: not a wallet of this connection")?;
    must(currency == Some(order.currency), "currency: not the wallet's")?;
    let reference = (1..=wire::REFERENCE_MAX).contains(&order.reference.chars().count());
    must(reference, "reference: expected 1 to 100 characters")?;
    must(within(order.note, NOTE_MAX), "note: expected at most 100 characters")
}

/// Whether a text, if there is one, is short enough.
pub(super) fn within(text: Option<&str>, max: usize) -> bool {
    text.is_none_or(|text| text.chars().count() <= max)
}

/// `256` and nine digits; a test number as their table has it, `0` and nine digits (sections 4.1 and 13).
pub(super) fn canonical(phone: &str) -> Option<String> {
    let digits = phone.strip_prefix('+').unwrap_or(phone);
    let local = match digits.strip_prefix('0').filter(|_| digits.len() == phone.len()) {
        Some(local) => local,
        None => digits.strip_prefix("256")?,
    };
    if local.len() != 9 || !local.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(if local.starts_with("111777") { format!("0{local}") } else { format!("256{local}") })
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn numbers_have_one_form_and_test_numbers_their_own() {
        for (phone, sent) in [
            ("0771234567", Some("256771234567")),
            ("256771234567", Some("256771234567")),
            ("+256771234567", Some("256771234567")),
            ("0111777771", Some("0111777771")),
            ("256111777991", Some("0111777991")),
            ("+0771234567", None),
            ("771234567", None),
            ("077123456", None),
            ("07712345678", None),
            ("0771 234567", None),
            ("", None),
            ("254771234567", None),
            ("07712345é", None),
        ] {
            assert_eq!(canonical(phone).as_deref(), sent, "{phone}");
        }
    }
}
