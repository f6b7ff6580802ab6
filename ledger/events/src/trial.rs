//! The trial balance as one hash (`spec/LEAF.md` section 8): what a period's end is closed with.
//!
//! Rows sorted by account, then currency, each with all its debits and credits; parts with their lengths, as in every
//! derivation, so that no two tables have the same bytes. Beside it, what lines say together.

use std::collections::BTreeMap;

use crate::event::Line;
use crate::ids::Derivation;
use crate::ports::AccountBalance;
use crate::word::{Bearer, Component};
use crate::{BookId, Currency, Hash};

/// Sums by account and currency. Debits and credits stay apart: a line and its opposite are not nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trial(BTreeMap<(String, String), (i128, i128)>);

impl Trial {
    /// Takes a line in. `None`, where a sum leaves the range of 128 bits.
    #[must_use]
    pub fn add(&mut self, line: &Line) -> Option<()> {
        let key = (line.account.clone(), line.currency.to_string());
        let (debit, credit) = self.0.entry(key).or_default();
        let amount = i128::from(line.amount.scaled());
        if amount > 0 {
            *debit = debit.checked_add(amount)?;
        } else {
            *credit = credit.checked_sub(amount)?;
        }
        Some(())
    }

    /// The hash of what is dated at or before `to` in a book.
    pub fn hash(&self, book: BookId, to: &str) -> Hash {
        let begun = Derivation::new("ensimbi.trial-balance.1").id(Some(book.0)).part(to.as_bytes());
        let whole = self.0.iter().fold(begun, |sum, ((account, currency), (debit, credit))| {
            sum.part(account.as_bytes())
                .part(currency.as_bytes())
                .part(debit.to_string().as_bytes())
                .part(credit.to_string().as_bytes())
        });
        Hash(whole.hash())
    }

    /// The rows, sorted.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &str, i128, i128)> {
        self.0
            .iter()
            .map(|((account, currency), (debit, credit))| (account.as_str(), currency.as_str(), *debit, *credit))
    }
}

/// What lines leave over in the first currency in which they are not zero: the amount at scale 4. A hundred lines never
/// leave the range of 128 bits.
pub fn left_over<'a>(lines: impl Iterator<Item = &'a Line>) -> Option<(i128, Currency)> {
    let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
    for line in lines {
        let sum = sums.entry(line.currency).or_default();
        *sum = sum.saturating_add(i128::from(line.amount.scaled()));
    }
    sums.into_iter().find(|(_, sum)| *sum != 0).map(|(currency, sum)| (sum, currency))
}

/// Whether the line stands on an account of fees that others bear: those are zero among themselves.
pub fn is_memo(line: &Line) -> bool {
    line.account.starts_with("equity:memo:")
}

/// What a fee account says of its lines, so that the fee report stays the sum of the fee accounts; nothing for any other.
pub fn fee_dimensions(account: &str) -> Option<(Component, Bearer)> {
    let (bearer, rest) = match account.strip_prefix("expenses:fees:") {
        Some(rest) => (Bearer::Merchant, rest),
        None => {
            let (bearer, rest) = account.strip_prefix("equity:memo:fees:")?.split_once(':')?;
            (Bearer::from_text(bearer)?, rest)
        }
    };
    Some((Component::from_text(rest.split_once(':')?.1)?, bearer))
}

impl FromIterator<AccountBalance> for Trial {
    /// From sums that are whole: each account and currency once.
    fn from_iter<I: IntoIterator<Item = AccountBalance>>(rows: I) -> Self {
        let row = |row: AccountBalance| ((row.account, row.currency.to_string()), (row.debit, row.credit));
        Self(rows.into_iter().map(row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(account: &str, currency: &str, scaled: i64) -> Line {
        Line {
            n: 1,
            account: account.to_owned(),
            currency: currency.parse().unwrap_or_else(|_| panic!("{currency}")),
            amount: crate::Amount::from_scaled(scaled),
            open_item: None,
            payment_id: None,
            component: None,
            bearer: None,
        }
    }

    /// Written out by hand once, so that a change of the bytes is seen.
    #[test]
    fn the_bytes_are_those_of_the_page() {
        let book = BookId(uuid::Uuid::from_u128(7));
        let mut trial = Trial::default();
        for (account, currency, amount) in [
            ("income:sales", "UGX", -7_000_000),
            ("assets:bank:main", "USD", 5),
            ("assets:bank:main", "UGX", 7_000_000),
        ] {
            assert!(trial.add(&line(account, currency, amount)).is_some());
        }
        let mut bytes = Vec::new();
        let mut part = |part: &[u8]| {
            bytes.extend((part.len() as u32).to_be_bytes());
            bytes.extend(part);
        };
        part(b"ensimbi.trial-balance.1");
        part(book.0.as_bytes());
        part(b"2026-05-31");
        for text in ["assets:bank:main", "UGX", "7000000", "0", "assets:bank:main", "USD", "5", "0"] {
            part(text.as_bytes());
        }
        for text in ["income:sales", "UGX", "0", "7000000"] {
            part(text.as_bytes());
        }
        assert_eq!(trial.hash(book, "2026-05-31"), crate::leaf::sha256(&bytes));
    }

    #[test]
    fn a_line_and_its_opposite_are_two_sums() {
        let mut trial = Trial::default();
        assert!(trial.add(&line("income:sales", "UGX", -5)).is_some());
        assert!(trial.add(&line("income:sales", "UGX", 5)).is_some());
        assert_eq!(trial.rows().collect::<Vec<_>>(), [("income:sales", "UGX", 5, 5)]);
        assert_ne!(
            trial.hash(BookId(uuid::Uuid::from_u128(7)), "2026-05-31"),
            Trial::default().hash(BookId(uuid::Uuid::from_u128(7)), "2026-05-31")
        );
    }
}
