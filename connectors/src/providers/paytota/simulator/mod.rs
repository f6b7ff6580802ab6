//! Paytota's server as we believe it: purchases and payouts of both generations, refunds, captures, chargebacks, two
//! purses a currency, signed webhooks in order, statements; over real HTTP, with its own durable file, seeded faults,
//! and a switch for everything that nobody knows (`providers/paytota.md`; the table of switches stands in `switches`).
//!
//! Shape: [`PaytotaSimulator`] holds what all simulators share (`simulator::core`) and what can be changed while it
//! runs. A request settles what is due, does its work in one transaction, commits, and only then answers (or fails to,
//! where a fault says so). The background task (`simulator::work`) applies planned steps (`steps`) and sends webhooks
//! (`deliver`) when the injected clock reaches them; `work` is what it asks of this provider. An object is its JSON, made
//! from a template of the documents (`templates`) and moved from status to status by `collecting`, `paying`, `hosted` and
//! `returning`; `purses` moves the money and checks its identities, `lines` keeps what statements list, `events` notes
//! what is announced. `/_sim/` is the control.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use ensimbi_events::simtime::SimClock;
use ensimbi_events::{Clock, Time};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::simulator::Result;
use crate::simulator::core::{Core, Opening};
use crate::simulator::stage::StageClock;

mod acting;
mod admin;
mod attempts;
mod collecting;
mod control;
mod csv;
mod deliver;
mod errors;
mod events;
pub mod faults;
mod form;
mod hosted;
mod http;
mod json;
mod keys;
mod lines;
mod objects;
mod paying;
mod payouts;
mod purses;
mod request;
mod returning;
mod schema;
mod service;
pub mod settings;
pub mod stage;
mod statements;
mod status;
mod steps;
pub mod switches;
mod templates;
mod view;
mod work;
mod wrong;

pub use faults::{Fault, Faults};
pub use settings::{CurrencySettings, Numbers, Payer, Rate, Rates, Settings};
pub use switches::{
    AtDue, ChargedBackWord, ErrorShape, FailureEvent, Parameters, PayoutFee, PublicKeyForm, RefundFee, Reserve,
    Switches,
};

use keys::Keys;
use settings::bad;
use steps::Rules;

/// Longest slug and URL of a webhook.
const SLUG_MAX: usize = 64;
const URL_MAX: usize = 2_048;

/// The simulated provider.
pub struct PaytotaSimulator {
    core: Core<Fault>,
    settings: Settings,
    /// The webhooks: URL by slug.
    webhooks: RwLock<BTreeMap<String, String>>,
    keys: RwLock<Keys>,
    /// The seed of keys, which a later change of the faults' seed does not change.
    key_seed: u64,
    /// Where it is reached.
    base: RwLock<String>,
}

/// What stands while one request or step is worked on.
struct Moment {
    now: Time,
    faults: Arc<Faults>,
    targets: Vec<String>,
    base: String,
}

impl Moment {
    fn rules<'a>(&'a self, settings: &'a Settings) -> Rules<'a> {
        Rules { settings, faults: &self.faults, targets: &self.targets, base: &self.base }
    }
}

impl PaytotaSimulator {
    /// Opens or makes the file and takes the clock as it is. `/_sim/clock` shows it and refuses to move it.
    ///
    /// # Errors
    /// [`SimulatorError`] where the settings are unusable or the file is not this simulator's.
    pub async fn open(path: &Path, settings: Settings, clock: Arc<dyn Clock>) -> Result<Arc<Self>> {
        Self::build(path, settings, StageClock::Given(clock)).await
    }

    /// As [`Self::open`], with a clock that `/_sim/clock` may move. It is set forward to the time the file has kept.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_driven(path: &Path, settings: Settings, clock: Arc<SimClock>) -> Result<Arc<Self>> {
        Self::build(path, settings, StageClock::Driven(clock)).await
    }

    async fn build(path: &Path, settings: Settings, clock: StageClock) -> Result<Arc<Self>> {
        settings.check()?;
        let mut opening = Opening::begin(path, schema::SCHEMA, clock).await?;
        let key_seed = settings.faults.seed;
        let start = opening.start();
        for one in &settings.currencies {
            let uid = settings.faults.draws().uuid("opening", &one.code, 0).to_string();
            purses::keep(opening.tx(), one, &uid, start).await?;
        }
        purses::check_sums(opening.tx()).await?;
        let keys = keys::load(opening.tx(), key_seed, settings.key_bits).await?;
        let core = opening.finish(settings.faults.clone()).await?;
        Ok(Arc::new(Self {
            core,
            settings,
            webhooks: RwLock::new(BTreeMap::new()),
            keys: RwLock::new(keys),
            key_seed,
            base: RwLock::new("http://127.0.0.1".to_owned()),
        }))
    }

    /// The simulated time of the latest commit: where a clock must start that continues this file.
    ///
    /// # Errors
    /// [`SimulatorError`] where the file cannot be read.
    pub async fn stored_time(&self) -> Result<Time> {
        self.core.stored_time().await
    }

    /// Registers a webhook for all events from now on, as in the dashboard; `None` unregisters.
    ///
    /// # Errors
    /// [`SimulatorError::Settings`] where the URL is none.
    pub fn set_webhook(&self, slug: &str, url: Option<String>) -> Result<()> {
        if slug.is_empty() || slug.len() > SLUG_MAX {
            return Err(bad("slug: 1 to 64 bytes"));
        }
        let mut webhooks = self.webhooks.write().unwrap_or_else(PoisonError::into_inner);
        match url {
            None => drop(webhooks.remove(slug)),
            Some(url) => {
                let parsed = reqwest::Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
                if !parsed || url.len() > URL_MAX {
                    return Err(bad("a webhook needs an http(s) URL"));
                }
                webhooks.insert(slug.to_owned(), url);
            }
        }
        Ok(())
    }

    /// The faults as they stand.
    pub fn faults(&self) -> Arc<Faults> {
        self.core.faults()
    }

    /// Replaces the faults from now on. What is already planned stays.
    ///
    /// # Errors
    /// [`SimulatorError::Settings`] where a figure is out of bounds.
    pub fn set_faults(&self, faults: Faults) -> Result<()> {
        self.core.set_faults(faults)
    }

    /// The public keys as PEM: the webhook's, the one that follows it while both are good, and the company's.
    pub fn public_keys(&self) -> (String, Option<String>, String) {
        let keys = self.keys();
        let (webhook, next) = keys.webhook_at(self.core.now());
        (webhook.pem.clone(), next.map(|next| next.pem.clone()), keys.company.pem.clone())
    }

    /// Closes the file after the work in progress.
    pub async fn close(&self) {
        self.core.close().await;
    }

    fn moment(&self) -> Moment {
        let base = self.base.read().unwrap_or_else(PoisonError::into_inner).clone();
        Moment { now: self.core.now(), faults: self.faults(), targets: self.targets(), base }
    }

    fn set_base(&self, base: String) {
        *self.base.write().unwrap_or_else(PoisonError::into_inner) = base;
    }

    fn keys(&self) -> Keys {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_keys(&self, keys: Keys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// Whether it is the company's secret key. Only hashes are compared, so that the time says nothing about the key.
    fn is_key(&self, key: Option<&str>) -> bool {
        let hash = |text: &str| Sha256::digest(text.as_bytes());
        key.is_some_and(|key| hash(key) == hash(self.settings.secret_key.expose_secret()))
    }

    fn targets(&self) -> Vec<String> {
        self.webhooks.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    fn target(&self, slug: &str) -> Option<String> {
        self.webhooks.read().unwrap_or_else(PoisonError::into_inner).get(slug).cloned()
    }
}
