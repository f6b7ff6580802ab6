//! Dollr's server as we believe it: parties, invoices and orders, checkouts and a hosted page, sessions, accounts, the
//! four executions and their status, receipts, fees, predictions; over real HTTP, with its own durable file, seeded
//! faults, and a switch for everything that nobody knows (`providers/dollr.md`; the table stands in `switches`).
//!
//! Shape: [`DollrSimulator`] holds what all simulators share (`simulator::core`). `http` names the endpoints; a request
//! settles what is due, finds its merchant by the token, meets the gate of faults, does its work in one transaction,
//! commits, and only then answers. What an endpoint needs is its [`Desk`]; `request` reads what was asked and says what is
//! wrong with it, `errors` how that looks, `json` writes answers digit by digit. `parties`, `sources`, `items`,
//! `checkouts`, `accounts` and `sessions` move nothing; `executions` and `outcomes` do, with the `figures` of a payment and
//! the `wallets`. `steps` is what happens by itself, `hosted` the payer on the page. They do not push. `/_sim/` is the
//! control.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use ensimbi_events::simtime::SimClock;
use ensimbi_events::{Clock, Time};
use sqlx::SqliteConnection;

use crate::simulator::Result;
use crate::simulator::core::{Core, Opening};
use crate::simulator::stage::StageClock;

mod accounts;
mod admin;
mod beliefs;
mod checkouts;
mod control;
mod errors;
mod executions;
pub mod faults;
mod fees;
mod figures;
mod hosted;
mod http;
mod items;
mod json;
mod methods;
mod outcomes;
mod parties;
mod passcode;
mod predictions;
mod receipts;
mod request;
mod rows;
mod schema;
mod sessions;
pub mod settings;
mod sources;
pub mod stage;
mod steps;
pub mod switches;
mod tokens;
mod view;
mod wallets;
mod work;
mod wrong;

pub use faults::{Fault, Faults};
pub use settings::{Charge, Charges, FxRate, MerchantSettings, Payer, Settings, WalletSettings};
pub use switches::{Parameters, Switches};

/// The simulated provider.
pub struct DollrSimulator {
    core: Core<Fault>,
    settings: Settings,
    /// Where it is reached.
    base: RwLock<String>,
}

/// What a request or a step is worked on with.
struct Desk<'a> {
    db: &'a mut SqliteConnection,
    settings: &'a Settings,
    faults: &'a Faults,
    base: &'a str,
    now: Time,
    /// What will spoil the answer, if anything.
    drawn: Option<Fault>,
}

impl DollrSimulator {
    /// Opens or makes the file and takes the clock as it is. `/_sim/clock` shows it and refuses to move it.
    ///
    /// # Errors
    /// [`SimulatorError`](crate::simulator::SimulatorError) where the settings are unusable or the file is not this
    /// simulator's.
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
        let start = opening.start();
        for merchant in &settings.merchants {
            for wallet in &merchant.wallets {
                wallets::keep(opening.tx(), merchant.id, wallet, start).await?;
            }
        }
        wallets::check_sums(opening.tx()).await?;
        let core = opening.finish(settings.faults.clone()).await?;
        Ok(Arc::new(Self { core, settings, base: RwLock::new("http://127.0.0.1".to_owned()) }))
    }

    /// The simulated time of the latest commit: where a clock must start that continues this file.
    ///
    /// # Errors
    /// [`SimulatorError`](crate::simulator::SimulatorError) where the file cannot be read.
    pub async fn stored_time(&self) -> Result<Time> {
        self.core.stored_time().await
    }

    /// The faults as they stand.
    pub fn faults(&self) -> Arc<Faults> {
        self.core.faults()
    }

    /// Replaces the faults from now on. What is already planned stays.
    ///
    /// # Errors
    /// [`SimulatorError::Settings`](crate::simulator::SimulatorError::Settings) where a figure is out of bounds.
    pub fn set_faults(&self, faults: Faults) -> Result<()> {
        self.core.set_faults(faults)
    }

    /// Closes the file after the work in progress.
    pub async fn close(&self) {
        self.core.close().await;
    }

    fn base(&self) -> String {
        self.base.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_base(&self, base: String) {
        *self.base.write().unwrap_or_else(PoisonError::into_inner) = base;
    }
}
