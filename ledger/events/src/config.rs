//! The configuration of a book as its log tells it: zone, policies, currencies, connections, wallets, periods.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::{Body, Event};
use crate::word::Mode;
use crate::words::book::{ConnectionConfigured, Policy, WalletConfig};
use crate::{BookId, ConnectionId, Currency, WalletId};

/// What the log says at some position. A fold over the book's own words; every reader gets the same one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookConfig {
    /// Position of the last event that changed it.
    pub position: u64,
    /// From `BookOpened`.
    pub tenant: String,
    /// From `BookOpened`; absent while the book is not open.
    pub mode: Option<Mode>,
    /// IANA zone of book dates.
    pub time_zone: String,
    /// Policy values by key.
    pub policies: BTreeMap<String, String>,
    /// Registered currencies.
    pub currencies: BTreeSet<String>,
    /// Connections in their last form, and how often each was configured.
    pub connections: BTreeMap<ConnectionId, (u32, ConnectionConfigured)>,
    /// Wallets and the connection each belongs to.
    pub wallets: BTreeMap<WalletId, (ConnectionId, WalletConfig)>,
    /// Closed periods, first and last date.
    pub closed: BTreeSet<(String, String)>,
}

impl BookConfig {
    /// Takes one event in; anything that is not configuration changes nothing. Says whether it did.
    pub fn apply(&mut self, event: &Event) -> bool {
        match &event.fact.body {
            Body::BookOpened(body) => {
                self.tenant.clone_from(&body.tenant);
                self.mode = Some(body.mode);
                self.time_zone.clone_from(&body.time_zone);
                self.currencies.extend(body.currencies.iter().map(ToString::to_string));
                self.set_policies(&body.policies);
            }
            Body::BookConfigured(body) => {
                if let Some(zone) = &body.time_zone {
                    self.time_zone.clone_from(zone);
                }
                self.set_policies(&body.policies);
            }
            Body::CurrencyRegistered(_) => {
                self.currencies.extend(event.fact.currency.iter().map(ToString::to_string));
            }
            Body::ConnectionConfigured(body) => {
                let Some(id) = event.fact.connection else { return false };
                for wallet in &body.wallets {
                    self.wallets.insert(wallet.wallet_id, (id, wallet.clone()));
                }
                let times = self.connections.get(&id).map_or(0, |(times, _)| *times);
                self.connections.insert(id, (times + 1, body.clone()));
            }
            Body::PeriodClosed(body) => {
                self.closed.insert((body.from.clone(), body.to.clone()));
            }
            Body::PeriodReopened(body) => {
                self.closed.remove(&(body.from.clone(), body.to.clone()));
            }
            _ => return false,
        }
        self.position = event.record.position;
        true
    }

    fn set_policies(&mut self, policies: &[Policy]) {
        for policy in policies {
            self.policies.insert(policy.key.clone(), policy.value.clone());
        }
    }

    /// A policy's value; `none` and an unset key are the same.
    pub fn policy(&self, key: &str) -> Option<&str> {
        self.policies.get(key).map(String::as_str).filter(|value| *value != "none")
    }

    /// The account code of a connection.
    pub fn account_code(&self, connection: ConnectionId) -> Option<&str> {
        self.connections.get(&connection).map(|(_, c)| c.account_code.as_str())
    }

    /// A wallet's connection code, own code and currency.
    pub fn wallet(&self, wallet: WalletId) -> Option<(&str, &str, Currency)> {
        let (connection, config) = self.wallets.get(&wallet)?;
        Some((self.account_code(*connection)?, config.code.as_str(), config.currency))
    }

    /// Whether the word changes configuration.
    pub fn concerns(body: &Body) -> bool {
        matches!(
            body,
            Body::BookOpened(_)
                | Body::BookConfigured(_)
                | Body::CurrencyRegistered(_)
                | Body::ConnectionConfigured(_)
                | Body::PeriodClosed(_)
                | Body::PeriodReopened(_)
        )
    }

    /// A book's identity words, for messages.
    pub fn label(&self, book: BookId) -> String {
        let mode = self.mode.map_or("not open", Mode::as_str);
        format!("{} ({mode}, {book})", self.tenant)
    }
}
