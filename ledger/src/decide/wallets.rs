//! Wallets: their running balances, and which of them an account path belongs to.

use std::collections::HashMap;

use ensimbi_events::config::BookConfig;
use ensimbi_events::{Amount, Currency, WalletId};

use crate::posting::accounts;

/// A wallet's running balances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalletBalance {
    /// Its currency.
    pub currency: Currency,
    /// Spendable by the lines.
    pub posted: Amount,
    /// Withheld by the provider.
    pub held: Amount,
    /// Set aside for requests on their way.
    pub reserved: Amount,
    /// Last event that moved it.
    pub position: u64,
}

impl WalletBalance {
    /// Nothing yet.
    pub const fn empty(currency: Currency) -> Self {
        let zero = Amount::ZERO;
        Self { currency, posted: zero, held: zero, reserved: zero, position: 0 }
    }

    /// posted - reserved: what a command may take.
    pub const fn available(&self) -> Option<Amount> {
        self.posted.checked_sub(self.reserved)
    }
}

/// Which wallet an account belongs to.
#[derive(Debug, Default)]
pub struct WalletPaths(HashMap<String, (WalletId, bool, Currency)>);

impl WalletPaths {
    /// Of all wallets that a book has configured so far.
    pub fn of(config: &BookConfig) -> Self {
        let mut paths = HashMap::with_capacity(config.wallets.len() * 2);
        for id in config.wallets.keys() {
            if let Some((connection, code, currency)) = config.wallet(*id) {
                paths.insert(accounts::wallet(connection, code), (*id, false, currency));
                paths.insert(accounts::held(connection, code), (*id, true, currency));
            }
        }
        Self(paths)
    }

    /// The wallet, whether the account is its held part, and its currency.
    pub fn get(&self, account: &str) -> Option<(WalletId, bool, Currency)> {
        self.0.get(account).copied()
    }

    /// Every wallet with its currency.
    pub fn wallets(&self) -> impl Iterator<Item = (WalletId, Currency)> {
        self.0.values().filter(|(_, held, _)| !held).map(|(id, _, currency)| (*id, *currency))
    }
}
