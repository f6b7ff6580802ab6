//! ioTec Pay's server as we believe it: token, collections, wallet balance, callbacks; over real HTTP, with its own
//! durable file, seeded faults, and a switch for everything that nobody knows (`providers/iotec.md`, section 14).
//!
//! Shape: [`IotecSimulator`] holds the file, the clock and what can be changed while it runs. A request settles what is
//! due, does its work in one transaction, commits, and only then answers (or fails to, where a fault says so). The
//! background task [`IotecSimulator::run`] applies outcomes and sends callbacks when the injected clock reaches them.
//! Payouts are not offered yet; they bring their own tables and paths beside these.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use ensimbi_events::simtime::SimClock;
use ensimbi_events::{Clock, Time};
use sqlx::{Sqlite, Transaction};
use tokio::sync::Notify;

use crate::simulator::file::{self, File};
use crate::simulator::{Result, SimulatorError};

mod answer;
mod books;
mod callbacks;
mod control;
pub mod faults;
mod http;
mod lifecycle;
mod money;
mod request;
mod schema;
mod service;
pub mod settings;
pub mod stage;
mod tokens;
mod view;
mod work;
mod wrong;

pub use faults::{ChargeCustomer, Fault, Faults, FeeRounding, Lookup, Parameters, Switches};
pub use settings::{CallbackTarget, Settings, WalletSettings};

/// Steps that one transaction applies.
const BATCH: u32 = 64;

/// The simulated provider.
pub struct IotecSimulator {
    file: File,
    settings: Settings,
    clock: Arc<dyn Clock>,
    /// Set where the simulator may move the clock itself (`/_sim/clock`).
    driven: Option<Arc<SimClock>>,
    /// The latest time that was kept or seen; time never goes back, whatever the clock says.
    base: AtomicI64,
    busy: AtomicU64,
    /// Requests ever begun; shows whether one came and went while the file was read.
    begun: AtomicU64,
    faults: RwLock<Arc<Faults>>,
    targets: RwLock<BTreeMap<String, CallbackTarget>>,
    http: reqwest::Client,
    /// Something was planned.
    wake: Notify,
    /// A callback was sent or given up.
    sent: Notify,
}

impl IotecSimulator {
    /// Opens or makes the file and takes the clock as it is. `/_sim/clock` shows it and refuses to move it.
    ///
    /// # Errors
    /// [`SimulatorError`] where the settings are unusable or the file is not this simulator's.
    pub async fn open(path: &Path, settings: Settings, clock: Arc<dyn Clock>) -> Result<Arc<Self>> {
        Self::build(path, settings, clock, None).await
    }

    /// As [`Self::open`], with a clock that `/_sim/clock` may move. It is set forward to the time the file has kept.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_driven(path: &Path, settings: Settings, clock: Arc<SimClock>) -> Result<Arc<Self>> {
        Self::build(path, settings, clock.clone(), Some(clock)).await
    }

    async fn build(
        path: &Path,
        settings: Settings,
        clock: Arc<dyn Clock>,
        driven: Option<Arc<SimClock>>,
    ) -> Result<Arc<Self>> {
        settings.check()?;
        let file = File::open(path, schema::SCHEMA).await?;
        let mut tx = file.begin().await?;
        let kept = file::kept_time(&mut tx).await?;
        for wallet in &settings.wallets {
            keep_wallet(&mut tx, wallet).await?;
        }
        let start = kept.map_or(clock.now(), |kept| kept.max(clock.now()));
        file::keep_time(&mut tx, start).await?;
        tx.commit().await?;
        if let Some(driven) = &driven {
            driven.advance_to(start);
        }
        let targets = settings.wallets.iter().filter_map(|w| Some((w.id.to_string(), w.callback.clone()?))).collect();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| SimulatorError::Network(error.to_string()))?;
        Ok(Arc::new(Self {
            file,
            faults: RwLock::new(Arc::new(settings.faults.clone())),
            settings,
            clock,
            driven,
            base: AtomicI64::new(start.micros()),
            busy: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            targets: RwLock::new(targets),
            http,
            wake: Notify::new(),
            sent: Notify::new(),
        }))
    }

    /// The simulated time of the latest commit: where a clock must start that continues this file.
    ///
    /// # Errors
    /// [`SimulatorError`] where the file cannot be read.
    pub async fn stored_time(&self) -> Result<Time> {
        let mut tx = self.file.begin().await?;
        let kept = file::kept_time(&mut tx).await?;
        tx.commit().await?;
        kept.ok_or_else(|| SimulatorError::Damaged("no time is kept".to_owned()))
    }

    /// Sets where a wallet's callbacks go from now on; `None` unregisters.
    ///
    /// # Errors
    /// [`SimulatorError::Settings`] where the wallet is unknown or the target unusable.
    pub fn set_callback(&self, wallet_id: &str, target: Option<CallbackTarget>) -> Result<()> {
        if !self.settings.wallets.iter().any(|wallet| wallet.id.to_string() == wallet_id) {
            return Err(SimulatorError::Settings("wallet_id: no such wallet".to_owned()));
        }
        if let Some(target) = &target {
            target.check()?;
        }
        let mut targets = self.targets.write().unwrap_or_else(PoisonError::into_inner);
        match target {
            Some(target) => targets.insert(wallet_id.to_owned(), target),
            None => targets.remove(wallet_id),
        };
        Ok(())
    }

    /// The faults as they stand.
    pub fn faults(&self) -> Arc<Faults> {
        self.faults.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the faults from now on. What is already planned stays.
    ///
    /// # Errors
    /// [`SimulatorError::Settings`] where a figure is out of bounds.
    pub fn set_faults(&self, faults: Faults) -> Result<()> {
        faults.check()?;
        *self.faults.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(faults);
        Ok(())
    }

    /// Closes the file after the work in progress.
    pub async fn close(&self) {
        self.file.close().await;
    }

    /// The present moment: the clock's, or the latest one known if the clock stands before it.
    fn now(&self) -> Time {
        let now = self.clock.now();
        let before = self.base.fetch_max(now.micros(), Ordering::SeqCst);
        now.max(Time::from_micros(before))
    }

    /// Counts a request until the guard is dropped.
    fn busy(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::SeqCst);
        self.begun.fetch_add(1, Ordering::SeqCst);
        Busy(&self.busy)
    }

    /// Commits and keeps the time with it.
    async fn commit(&self, mut tx: Transaction<'static, Sqlite>) -> Result<()> {
        file::keep_time(&mut tx, self.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    fn called_back(&self) -> Vec<String> {
        self.targets.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    fn target(&self, wallet_id: &str) -> Option<CallbackTarget> {
        self.targets.read().unwrap_or_else(PoisonError::into_inner).get(wallet_id).cloned()
    }
}

/// Makes the wallet unless the file has it; a wallet keeps its currency for ever.
async fn keep_wallet(tx: &mut Transaction<'static, Sqlite>, wallet: &WalletSettings) -> Result<()> {
    let id = wallet.id.to_string();
    sqlx::query(
        "INSERT INTO wallet (id, name, currency, partner_id, balance, last_number) VALUES (?1, ?2, ?3, ?4, ?5, 0)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    )
    .bind(&id)
    .bind(&wallet.name)
    .bind(wallet.currency.as_str())
    .bind("397423fb-7c78-4c4f-a5c3-1d0dae5fd0f1")
    .bind(wallet.opening.scaled())
    .execute(&mut **tx)
    .await?;
    match books::wallet(&mut *tx, &id).await? {
        Some(stored) if stored.currency == wallet.currency.as_str() => Ok(()),
        _ => Err(SimulatorError::Settings(format!("wallet {id}: the file has it in another currency"))),
    }
}

struct Busy<'a>(&'a AtomicU64);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
