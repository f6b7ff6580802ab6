//! ioTec Pay's server as we believe it: token, collections, payouts to mobile money and banks, their history, wallet
//! balance, callbacks; over real HTTP, with its own durable file, seeded faults, and a switch for everything that nobody
//! knows (`providers/iotec.md`, section 14).
//!
//! Shape: [`IotecSimulator`] holds what all simulators share (`simulator::core`) and what can be changed while it runs.
//! A request settles what is due, does its work in one transaction, commits, and only then answers (or fails to, where a
//! fault says so). The background task (`simulator::work`) applies outcomes and sends callbacks when the injected clock
//! reaches them; `work` is what it asks of this provider. A collection and a payout are one kind of record with two ways
//! to live: `service` and `paying` make it, `plan` decides what becomes of it, `lifecycle` applies that, `moves` and
//! `rows` move the wallet's money. `/_sim/` is the control.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use ensimbi_events::simtime::SimClock;
use ensimbi_events::{Clock, Time};

use crate::simulator::core::{Core, Opening};
use crate::simulator::stage::StageClock;
use crate::simulator::{Result, SimulatorError};

mod answer;
mod balance;
mod banks;
mod books;
mod callbacks;
mod control;
mod disburse;
pub mod faults;
mod hand;
mod history;
mod http;
mod lifecycle;
mod money;
mod moves;
mod paying;
mod payouts;
mod plan;
mod records;
mod request;
mod rows;
mod schema;
mod service;
pub mod settings;
pub mod stage;
mod status;
pub mod switches;
mod tokens;
mod view;
mod wallets;
mod work;
mod wrong;

pub use faults::{Fault, Faults};
pub use settings::{CallbackTarget, Settings, WalletSettings};
pub use switches::{
    ChargeCustomer, FeeRounding, HeldPayouts, Lookup, Parameters, PayoutDebit, PayoutFee, ShortBalance, Switches,
};

use records::Kind;

/// The simulated provider.
pub struct IotecSimulator {
    core: Core<Fault>,
    settings: Settings,
    /// By wallet and category.
    targets: RwLock<BTreeMap<(String, Kind), CallbackTarget>>,
}

impl IotecSimulator {
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
        let start = opening.start();
        for wallet in &settings.wallets {
            wallets::keep(opening.tx(), settings.faults.draws(), wallet, start).await?;
        }
        let core = opening.finish(settings.faults.clone()).await?;
        let collections = |w: &WalletSettings| Some(((w.id.to_string(), Kind::Collection), w.callback.clone()?));
        let targets = settings.wallets.iter().filter_map(collections).collect();
        Ok(Arc::new(Self { core, settings, targets: RwLock::new(targets) }))
    }

    /// The simulated time of the latest commit: where a clock must start that continues this file.
    ///
    /// # Errors
    /// [`SimulatorError`] where the file cannot be read.
    pub async fn stored_time(&self) -> Result<Time> {
        self.core.stored_time().await
    }

    /// Sets where a wallet's callbacks about collections go from now on; `None` unregisters.
    ///
    /// # Errors
    /// [`SimulatorError::Settings`] where the wallet is unknown or the target unusable.
    pub fn set_callback(&self, wallet_id: &str, target: Option<CallbackTarget>) -> Result<()> {
        self.register(wallet_id, Kind::Collection, target)
    }

    /// As [`Self::set_callback`], for payouts. Without a registration of their own, their callbacks go where those of
    /// collections go, unless the switch `callbacks_by_category_only` says otherwise.
    ///
    /// # Errors
    /// As [`Self::set_callback`].
    pub fn set_payout_callback(&self, wallet_id: &str, target: Option<CallbackTarget>) -> Result<()> {
        self.register(wallet_id, Kind::Disbursement, target)
    }

    fn register(&self, wallet_id: &str, kind: Kind, target: Option<CallbackTarget>) -> Result<()> {
        if !self.settings.wallets.iter().any(|wallet| wallet.id.to_string() == wallet_id) {
            return Err(SimulatorError::Settings("wallet_id: no such wallet".to_owned()));
        }
        if let Some(target) = &target {
            target.check()?;
        }
        let mut targets = self.targets.write().unwrap_or_else(PoisonError::into_inner);
        let key = (wallet_id.to_owned(), kind);
        match target {
            Some(target) => targets.insert(key, target),
            None => targets.remove(&key),
        };
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

    /// Closes the file after the work in progress.
    pub async fn close(&self) {
        self.core.close().await;
    }

    /// For which wallets and categories somebody registered a callback.
    fn called_back(&self) -> Vec<(String, Kind)> {
        self.targets.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    fn target(&self, wallet_id: &str, kind: Kind) -> Option<CallbackTarget> {
        let targets = self.targets.read().unwrap_or_else(PoisonError::into_inner);
        targets.get(&(wallet_id.to_owned(), kind)).cloned()
    }
}
