//! Rows of `wallet_moves` and `wallet_days`.

use std::collections::BTreeMap;

use ensimbi_events::{Amount, Time, WalletId};

use crate::accounts::DAY_MICROS;
use crate::projection::HandlerError;
use crate::store::{Bind, SumParts};

/// Which figure of a wallet a move changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WalletPart {
    /// Spendable.
    Posted,
    /// Withheld by the provider.
    Held,
    /// Kept for requests that have not ended.
    Reserved,
}

impl WalletPart {
    /// The word in its column.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Posted => "posted",
            Self::Held => "held",
            Self::Reserved => "reserved",
        }
    }

    /// The part of a word.
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Posted, Self::Held, Self::Reserved].into_iter().find(|part| part.as_str() == text)
    }
}

/// One change of one figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Move {
    pub position: u64,
    pub n: u32,
    pub wallet: WalletId,
    pub part: WalletPart,
    pub amount: Amount,
    pub occurred_at: Time,
}

impl Move {
    pub const SELECT: &str = "SELECT position, n, wallet, part, amount, occurred_at FROM wallet_moves WHERE book = ";
    pub const COLUMNS: &str = "iiutii";
    pub const INSERT: &str =
        "INSERT INTO wallet_moves (book, generation, position, n, wallet, part, amount, occurred_at) VALUES ";

    pub fn binds(&self) -> Vec<Bind> {
        vec![
            Bind::position(self.position),
            i64::from(self.n).into(),
            self.wallet.into(),
            self.part.as_str().into(),
            self.amount.into(),
            self.occurred_at.into(),
        ]
    }
}

/// Changes of `wallet_days`.
#[derive(Default)]
pub(super) struct Days(BTreeMap<(WalletId, WalletPart, i64), SumParts>);

impl Days {
    pub const SELECT: &str = "SELECT wallet, part, day, high, low FROM wallet_days WHERE book = ";
    pub const COLUMNS: &str = "utiii";
    pub const INSERT: &str = "INSERT INTO wallet_days (book, generation, wallet, part, day, high, low) VALUES ";
    pub const ADD: &str = " ON CONFLICT (book, generation, wallet, part, day) DO UPDATE SET \
        high = wallet_days.high + excluded.high, low = wallet_days.low + excluded.low";

    pub fn add(&mut self, moved: &Move) -> Result<(), HandlerError> {
        let day = moved.occurred_at.micros().div_euclid(DAY_MICROS);
        let sum = self.0.entry((moved.wallet, moved.part, day)).or_default();
        sum.add(moved.amount).ok_or_else(|| HandlerError::overflow("a sum of moves"))
    }

    pub fn binds(&self) -> impl Iterator<Item = Vec<Bind>> {
        self.0.iter().map(|((wallet, part, day), sum)| {
            vec![(*wallet).into(), part.as_str().into(), (*day).into(), sum.high.into(), sum.low.into()]
        })
    }
}
