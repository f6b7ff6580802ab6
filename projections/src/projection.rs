//! What a projection is: a pure function of (state, event), and tables that keep its state.
//!
//! For each page the runner asks for the rows that the events touch ([`Projection::load`]), applies the events one by
//! one ([`State::apply`], which reads nothing but its arguments), and writes what changed ([`State::save`]), with the
//! cursor in the same transaction.

use std::collections::HashMap;

use async_trait::async_trait;
use ensimbi_events::config::BookConfig;
use ensimbi_events::word::Bearer;
use ensimbi_events::{BookId, ConnectionId, Event, WalletId};

use crate::store::{StoreError, Tx};

/// The event contradicts the state: the projection stops before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HandlerError(pub String);

impl HandlerError {
    /// A sum left the ledger's range.
    pub fn overflow(what: &str) -> Self {
        Self(format!("{what} leaves the range of amounts"))
    }
}

/// Whose rows: a book's, of one generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// The book.
    pub book: BookId,
    /// Counts rebuilds, from 1.
    pub generation: i64,
}

/// A table of a projection, for digests and for clearing.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// `SELECT columns FROM table WHERE book = `, without book and generation among the columns.
    pub select: &'static str,
    /// ` ORDER BY key`.
    pub order: &'static str,
    /// A letter a column: `i`nt, `t`ext, `u`uid.
    pub columns: &'static str,
    /// `DELETE FROM table WHERE book = `.
    pub delete: &'static str,
}

/// One read model.
#[async_trait]
pub trait Projection: Send + Sync {
    /// Its word; stable, it is part of the cursor's key.
    fn name(&self) -> &'static str;
    /// Its tables.
    fn tables(&self) -> &'static [Table];
    /// Reads the rows that these events can touch. `configured` is what holds after the last of them.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn load(
        &self,
        tx: &mut Tx,
        at: At,
        events: &[Event],
        configured: &Configured,
    ) -> Result<Box<dyn State>, StoreError>;
}

/// The rows of one page in memory.
#[async_trait]
pub trait State: Send {
    /// Takes one event in; `configured` already knows it.
    ///
    /// # Errors
    /// [`HandlerError`]: the projection stops before this event.
    fn apply(&mut self, configured: &Configured, event: &Event) -> Result<(), HandlerError>;
    /// Writes what changed.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn save(self: Box<Self>, tx: &mut Tx, at: At) -> Result<(), StoreError>;
}

/// The book's configuration at a position, with the way back from account paths.
#[derive(Debug, Clone, Default)]
pub struct Configured {
    config: BookConfig,
    wallets: HashMap<String, WalletId>,
    connections: HashMap<String, ConnectionId>,
}

impl Configured {
    /// From a configuration.
    pub fn new(config: BookConfig) -> Self {
        let mut this = Self { config, ..Self::default() };
        this.index();
        this
    }

    /// The configuration itself.
    pub fn config(&self) -> &BookConfig {
        &self.config
    }

    /// Takes one event in; says whether it changed anything.
    pub fn apply(&mut self, event: &Event) -> bool {
        let changed = self.config.apply(event);
        if changed {
            self.index();
        }
        changed
    }

    fn index(&mut self) {
        self.wallets.clear();
        self.connections.clear();
        for (wallet, (connection, own)) in &self.config.wallets {
            if let Some(code) = self.config.account_code(*connection) {
                self.wallets.insert(format!("{code}:{}", own.code), *wallet);
            }
        }
        for (connection, (_, configured)) in &self.config.connections {
            self.connections.insert(configured.account_code.clone(), *connection);
        }
    }

    /// The connection with an account code.
    pub fn connection(&self, account_code: &str) -> Option<ConnectionId> {
        self.connections.get(account_code).copied()
    }

    /// The connection of a clearing, dispute or suspense account, which ends with its account code.
    pub fn connection_of(&self, path: &str) -> Option<ConnectionId> {
        const OF_CONNECTIONS: [&str; 5] = [
            "liabilities:clearing:collections:",
            "assets:clearing:payouts:",
            "assets:clearing:bank:",
            "assets:disputed:",
            "liabilities:suspense:",
        ];
        self.connection(OF_CONNECTIONS.iter().find_map(|prefix| path.strip_prefix(prefix))?)
    }

    /// The provider's word of a connection.
    pub fn provider(&self, connection: Option<ConnectionId>) -> Option<&str> {
        self.config.connections.get(&connection?).map(|(_, configured)| configured.provider.as_str())
    }

    /// What an account path means to read models.
    pub fn account<'a>(&self, path: &'a str) -> Account<'a> {
        if let Some(rest) = path.strip_prefix("assets:wallet:") {
            return Account::Posted(self.wallets.get(rest).copied());
        }
        if let Some(rest) = path.strip_prefix("assets:held:") {
            return Account::Held(self.wallets.get(rest).copied());
        }
        if path.starts_with("liabilities:clearing:collections:") {
            return Account::OpenIn;
        }
        if path.starts_with("assets:disputed:") {
            return Account::Disputed;
        }
        if ["assets:clearing:payouts:", "assets:clearing:bank:"].iter().any(|prefix| path.starts_with(prefix)) {
            return Account::OpenOut;
        }
        if let Some(rest) = path.strip_prefix("expenses:fees:") {
            let (code, component) = rest.split_once(':').unwrap_or(("", rest));
            return Account::Fee { bearer: Bearer::Merchant.as_str(), code, component };
        }
        if let Some(rest) = path.strip_prefix("equity:memo:fees:") {
            let (bearer, rest) = rest.split_once(':').unwrap_or((rest, ""));
            let (code, component) = rest.split_once(':').unwrap_or(("", rest));
            return Account::Fee { bearer, code, component };
        }
        Account::Other
    }
}

/// An account as read models see it (`bookkeeping.md` section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account<'a> {
    /// W; `None` if no configured wallet has this path.
    Posted(Option<WalletId>),
    /// H.
    Held(Option<WalletId>),
    /// C: what came in and is not told its purpose; credit is plus.
    OpenIn,
    /// P and B: what went out; debit is plus.
    OpenOut,
    /// D: what a payer's bank took and nobody has decided; debit is plus.
    Disputed,
    /// F and M.
    Fee {
        /// Who bears it.
        bearer: &'a str,
        /// Account code of the connection.
        code: &'a str,
        /// Component.
        component: &'a str,
    },
    /// Anything else.
    Other,
}
