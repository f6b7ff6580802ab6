//! What the simulator is started with. The callback targets and the faults can be changed while it runs.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use ensimbi_events::{Amount, Currency};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::faults::Faults;
use crate::simulator::draw::ALWAYS;
use crate::simulator::{Result, SimulatorError};

/// Where a wallet's callbacks go, as registered in the provider's portal (provider facts, section 11).
#[derive(Debug, Clone)]
pub struct CallbackTarget {
    /// Full URL.
    pub url: String,
    /// Name of the static header.
    pub header_name: String,
    /// Its value, a secret.
    pub header_value: SecretString,
}

impl CallbackTarget {
    pub(super) fn check(&self) -> Result<()> {
        let fits = reqwest::Url::parse(&self.url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
            && self.url.len() <= 2_048
            && HeaderName::try_from(self.header_name.as_str()).is_ok()
            && HeaderValue::try_from(self.header_value.expose_secret()).is_ok();
        if fits {
            Ok(())
        } else {
            Err(bad("a callback needs an http(s) URL and a header name and value as HTTP has them"))
        }
    }
}

/// A wallet to offer.
#[derive(Debug, Clone)]
pub struct WalletSettings {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its only currency: `ITX` makes it a test wallet, which takes the test numbers and nothing else.
    pub currency: Currency,
    /// What is in it when the file is made; later starts keep the file's balance.
    pub opening: Amount,
    /// Where callbacks about collections go; none where nobody registered any.
    pub callback: Option<CallbackTarget>,
}

/// What the simulator is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The one client's id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// Wallets, at least one.
    pub wallets: Vec<WalletSettings>,
    /// The provider's own fee, in basis points of the amount.
    pub own_fee: u16,
    /// The network's fee, in basis points of the amount.
    pub vendor_fee: u16,
    /// Shortest and longest simulated time from creation to outcome.
    pub outcome_after: (Duration, Duration),
    /// How many collections are seen as `SentToVendor` on the way, in basis points.
    pub sent_to_vendor: u16,
    /// How many collections from real numbers (live wallets) fail, in basis points.
    pub live_failures: u16,
    /// When a collection that nobody answers fails; `None`: it stays `Pending`.
    pub pending_timeout: Option<Duration>,
    /// When a collection that stays with the network fails; `None`: it stays `SentToVendor`.
    pub sent_to_vendor_timeout: Option<Duration>,
    /// Simulated time from a status to its callback.
    pub callback_after: Duration,
    /// Simulated gaps before the second and the third try.
    pub callback_gaps: [Duration; 2],
    /// Real time that the receiver has to answer.
    pub callback_timeout: Duration,
    /// How long a token is good.
    pub token_lifetime: Duration,
    /// Faults at the start.
    pub faults: Faults,
}

impl Settings {
    /// Documented behaviour and the defaults for what is unknown (provider facts, section 14), without faults.
    pub fn new(client_id: &str, client_secret: SecretString, wallets: Vec<WalletSettings>) -> Self {
        Self {
            client_id: client_id.to_owned(),
            client_secret,
            wallets,
            own_fee: 200,
            vendor_fee: 150,
            outcome_after: (Duration::from_secs(3), Duration::from_secs(20)),
            sent_to_vendor: 3_000,
            live_failures: 0,
            pending_timeout: None,
            sent_to_vendor_timeout: None,
            callback_after: Duration::from_secs(1),
            callback_gaps: [Duration::from_secs(60), Duration::from_secs(300)],
            callback_timeout: Duration::from_secs(10),
            token_lifetime: Duration::from_secs(300),
            faults: Faults::default(),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.client_id.is_empty() || self.client_secret.expose_secret().is_empty() {
            return Err(bad("client_id and client_secret are needed"));
        }
        if self.wallets.is_empty() || self.wallets.iter().any(|wallet| wallet.name.len() > 100) {
            return Err(bad("at least one wallet is needed, with a name of at most 100 bytes"));
        }
        if self.own_fee > ALWAYS || self.vendor_fee > ALWAYS {
            return Err(bad("a fee is 0 to 10000 basis points of the amount"));
        }
        if self.outcome_after.0 > self.outcome_after.1 {
            return Err(bad("outcome_after is a shortest and a longest time, in this order"));
        }
        self.wallets.iter().filter_map(|wallet| wallet.callback.as_ref()).try_for_each(CallbackTarget::check)?;
        self.faults.check()
    }
}

fn bad(text: &str) -> SimulatorError {
    SimulatorError::Settings(text.to_owned())
}
