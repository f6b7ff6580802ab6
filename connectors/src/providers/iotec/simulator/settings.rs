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
    /// What is in it when the file is made, as a row of its own, a deposit; later starts keep the file's balance.
    pub opening: Amount,
    /// Where callbacks about collections go; none where nobody registered any. Those about payouts have a registration
    /// of their own, made while it runs.
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
    /// How many collections and payouts are seen as `SentToVendor` on the way, in basis points.
    pub sent_to_vendor: u16,
    /// How many collections and payouts of real numbers (live wallets) fail, in basis points.
    pub live_failures: u16,
    /// The provider's fee on a payout: up to this amount, this fee; the last one's holds above it too.
    pub payout_tariff: Vec<(Amount, Amount)>,
    /// How many bank payouts fail, in basis points; nothing documents test values for them.
    pub bank_failures: u16,
    /// When a collection or payout that nobody answers fails; `None`: it stays `Pending`.
    pub pending_timeout: Option<Duration>,
    /// When a collection or payout that stays with the network fails; `None`: it stays `SentToVendor`.
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
            // Provider facts, section 9.1.
            payout_tariff: [(60_000, 600), (500_000, 1_200), (1_000_000, 2_000), (5_000_000, 2_400)]
                .map(|(to, fee)| (Amount::whole(to), Amount::whole(fee)))
                .to_vec(),
            bank_failures: 0,
            pending_timeout: None,
            sent_to_vendor_timeout: None,
            callback_after: Duration::from_secs(1),
            callback_gaps: [Duration::from_secs(60), Duration::from_secs(300)],
            callback_timeout: Duration::from_secs(10),
            token_lifetime: Duration::from_secs(300),
            faults: Faults::default(),
        }
    }

    /// The provider's fee on a payout of so much.
    pub(super) fn payout_fee(&self, amount: Amount) -> Amount {
        let step = self.payout_tariff.iter().find(|(to, _)| amount <= *to).or(self.payout_tariff.last());
        step.map_or(Amount::ZERO, |(_, fee)| *fee)
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.client_id.is_empty() || self.client_secret.expose_secret().is_empty() {
            return Err(bad("client_id and client_secret are needed"));
        }
        if self.wallets.is_empty() || self.wallets.iter().any(|wallet| wallet.name.len() > 100) {
            return Err(bad("at least one wallet is needed, with a name of at most 100 bytes"));
        }
        if self.own_fee.max(self.vendor_fee).max(self.bank_failures) > ALWAYS {
            return Err(bad("a rate is 0 to 10000 basis points of the amount"));
        }
        let tiers_rise = self.payout_tariff.is_sorted_by(|a, b| a.0 < b.0);
        if self.payout_tariff.is_empty() || !tiers_rise || self.payout_tariff.iter().any(|(_, fee)| fee.is_negative()) {
            return Err(bad("payout_tariff: at least one step, with rising amounts and no negative fee"));
        }
        if self.wallets.iter().any(|wallet| wallet.opening.is_negative()) {
            return Err(bad("opening: a wallet starts with nothing or with something"));
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
