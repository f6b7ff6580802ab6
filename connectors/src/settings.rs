//! A connection's configuration, as `ensimbi.toml` carries it.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use ensimbi_events::Currency;

/// One `[[connections]]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSettings {
    /// The label people use, such as `main`.
    pub slug: String,
    /// The provider's word.
    pub provider: String,
    /// The provider's account (client, brand or merchant id).
    pub account: String,
    /// Part of account paths; never changes. Defaults to the slug.
    #[serde(default)]
    pub account_code: Option<String>,
    /// Talks to a simulator: only then http and loopback are allowed, and only in a test book.
    #[serde(default)]
    pub simulated: bool,
    /// Base URLs that differ from the provider's own, by name (`api`, `token`).
    #[serde(default)]
    pub urls: BTreeMap<String, String>,
    /// Secrets by name (`client_secret`, `callback_value`); never shown, never recorded.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretString>,
    /// Connector options by name (`callback_header`, `charge_customer`).
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Wallets at the provider.
    pub wallets: Vec<WalletSettings>,
    /// How patient the poller is.
    #[serde(default)]
    pub poll: PollSettings,
    /// Real time a provider call may take, in milliseconds.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
}

const fn default_timeout_ms() -> u64 {
    30_000
}

/// One wallet.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalletSettings {
    /// The provider's id.
    pub id: String,
    /// Part of account paths; never changes.
    pub code: String,
    /// Its currency.
    pub currency: Currency,
    /// Purse word, where the provider keeps several under one id.
    #[serde(default)]
    pub purse: Option<String>,
}

/// When an object is asked for again. All in simulated or real seconds of the injected clock.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PollSettings {
    /// First look after creation.
    pub first_secs: u64,
    /// Each further look waits this many tenths of the wait before (15 = half as long again).
    pub growth_tenths: u64,
    /// Longest wait between two looks at an unsettled object.
    pub max_secs: u64,
    /// After a settlement, look again at these ages (reversals are never announced).
    pub recheck_secs: Vec<u64>,
    /// Seconds between two reads of what is read by itself, by object kind (`wallet = 3600`); 0 switches one off.
    pub routine_secs: BTreeMap<String, u64>,
    /// An object that is unsettled for longer than this is an alarm.
    pub alarm_after_secs: u64,
}

impl Default for PollSettings {
    fn default() -> Self {
        Self {
            first_secs: 20,
            growth_tenths: 15,
            max_secs: 900,
            recheck_secs: vec![900, 86_400],
            routine_secs: BTreeMap::new(),
            alarm_after_secs: 86_400,
        }
    }
}

impl ConnectionSettings {
    /// The part of account paths that stands for it.
    pub fn code(&self) -> &str {
        self.account_code.as_deref().unwrap_or(&self.slug)
    }

    /// How long a call may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// The error of a key of this connection, such as `secrets.key`; `problem` shows no secret.
    pub fn wrong(&self, key: &str, problem: &str) -> SettingsError {
        SettingsError { key: format!("connections.{}.{key}", self.slug), problem: problem.to_owned() }
    }

    /// Refuses names that a connector does not read: a misspelt option would quietly leave its default in force.
    ///
    /// # Errors
    /// The first unknown name, and the known ones.
    pub fn names(&self, options: &[&str], secrets: &[&str], urls: &[&str]) -> Result<(), SettingsError> {
        let unknown = [
            ("options", self.options.keys().find(|key| !options.contains(&key.as_str())), options),
            ("secrets", self.secrets.keys().find(|key| !secrets.contains(&key.as_str())), secrets),
            ("urls", self.urls.keys().find(|key| !urls.contains(&key.as_str())), urls),
        ];
        for (table, key, names) in unknown {
            if let Some(key) = key {
                let problem = format!("unknown, expected one of {}", names.join(", "));
                return Err(self.wrong(&format!("{table}.{key}"), &problem));
            }
        }
        Ok(())
    }

    /// A secret that must be there.
    ///
    /// # Errors
    /// It is missing or empty.
    pub fn secret(&self, name: &str) -> Result<&SecretString, SettingsError> {
        let secret = self.secrets.get(name).filter(|secret| !secret.expose_secret().is_empty());
        secret.ok_or_else(|| self.wrong(&format!("secrets.{name}"), "missing"))
    }
}

/// The configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("configuration: {key}: {problem}")]
pub struct SettingsError {
    /// Which key, as in `connections.main.secrets.client_secret`.
    pub key: String,
    /// What was expected.
    pub problem: String,
}
