//! What every simulator holds: its file, its clock, the count of requests being answered, its faults, the HTTP client
//! of its pushes, and the two bells by which its parts wake each other.
//!
//! Order of opening: [`Opening::begin`] opens the file and settles the time to start at, the provider puts into the
//! transaction what must stand there, [`Opening::finish`] commits. Nothing of it knows a provider's tables.

use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ensimbi_events::simtime::SimClock;
use ensimbi_events::{Clock, Time};
use sqlx::{Sqlite, Transaction};
use tokio::sync::Notify;

use super::faults::{FaultKind, Faults};
use super::file::{self, File, Schema};
use super::stage::StageClock;
use super::{Result, SimulatorError};

/// How long a wait for a push stays deaf at most: the bell may have rung before it listened.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A file that was opened and holds a transaction open for what a provider puts there first.
pub struct Opening {
    file: File,
    tx: Transaction<'static, Sqlite>,
    clock: StageClock,
    start: Time,
}

impl Opening {
    /// Opens or makes the file. Time starts at the clock's, or at the latest the file has kept if the clock stands
    /// before it.
    ///
    /// # Errors
    /// [`SimulatorError::Foreign`] where the file is not this provider's; [`SimulatorError::Store`] otherwise.
    pub async fn begin(path: &Path, schema: Schema, clock: StageClock) -> Result<Self> {
        let file = File::open(path, schema).await?;
        let mut tx = file.begin().await?;
        let kept = file::kept_time(&mut tx).await?;
        let now = match &clock {
            StageClock::Given(clock) => clock.now(),
            StageClock::Driven(clock) => clock.now(),
        };
        Ok(Self { file, tx, clock, start: kept.map_or(now, |kept| kept.max(now)) })
    }

    /// The moment at which time starts.
    pub const fn start(&self) -> Time {
        self.start
    }

    /// The open transaction.
    pub const fn tx(&mut self) -> &mut Transaction<'static, Sqlite> {
        &mut self.tx
    }

    /// Commits, and sets a driven clock forward to the start.
    ///
    /// # Errors
    /// [`SimulatorError::Settings`] where a fault's figure is out of bounds; as the database and the HTTP client say.
    pub async fn finish<F: FaultKind>(mut self, faults: Faults<F>) -> Result<Core<F>> {
        faults.check()?;
        file::keep_time(&mut self.tx, self.start).await?;
        self.tx.commit().await?;
        let (clock, driven): (Arc<dyn Clock>, _) = match self.clock {
            StageClock::Given(clock) => (clock, None),
            StageClock::Driven(clock) => (clock.clone(), Some(clock)),
        };
        if let Some(driven) = &driven {
            driven.advance_to(self.start);
        }
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| SimulatorError::Network(error.to_string()))?;
        Ok(Core {
            file: self.file,
            clock,
            driven,
            latest: AtomicI64::new(self.start.micros()),
            busy: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            faults: RwLock::new(Arc::new(faults)),
            http,
            wake: Notify::new(),
            sent: Notify::new(),
        })
    }
}

/// What every simulator holds.
pub struct Core<F: FaultKind> {
    file: File,
    clock: Arc<dyn Clock>,
    /// Set where the simulator may move the clock itself (`/_sim/clock`).
    driven: Option<Arc<SimClock>>,
    /// The latest time that was kept or seen; time never goes back, whatever the clock says.
    latest: AtomicI64,
    busy: AtomicU64,
    /// Requests ever begun; shows whether one came and went while the file was read.
    begun: AtomicU64,
    faults: RwLock<Arc<Faults<F>>>,
    http: reqwest::Client,
    /// Something was planned.
    wake: Notify,
    /// A push was sent or given up.
    sent: Notify,
}

impl<F: FaultKind> Core<F> {
    /// The present moment: the clock's, or the latest one known if the clock stands before it.
    pub fn now(&self) -> Time {
        let now = self.clock.now();
        let before = self.latest.fetch_max(now.micros(), Ordering::SeqCst);
        now.max(Time::from_micros(before))
    }

    /// The clock, where it is the simulator's to move.
    pub const fn driven(&self) -> Option<&Arc<SimClock>> {
        self.driven.as_ref()
    }

    /// Counts a request until the guard is dropped. Every handler that may write begins with it.
    pub fn busy(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::SeqCst);
        self.begun.fetch_add(1, Ordering::SeqCst);
        Busy(&self.busy)
    }

    /// Requests from now on. To be taken before the file is read: a request is then either busy now, or began later,
    /// or its work is in the file.
    pub(super) fn requests(&self) -> Requests<'_> {
        let begun = self.begun.load(Ordering::SeqCst);
        Requests { begun: &self.begun, before: begun, busy: self.busy.load(Ordering::SeqCst) }
    }

    /// Starts a transaction that holds the write lock.
    ///
    /// # Errors
    /// As the database says.
    pub async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        self.file.begin().await
    }

    /// Commits and keeps the time with it.
    ///
    /// # Errors
    /// As the database says.
    pub async fn commit(&self, mut tx: Transaction<'static, Sqlite>) -> Result<()> {
        file::keep_time(&mut tx, self.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The simulated time of the latest commit: where a clock must start that continues this file.
    ///
    /// # Errors
    /// [`SimulatorError`] where the file cannot be read.
    pub async fn stored_time(&self) -> Result<Time> {
        let mut tx = self.begin().await?;
        let kept = file::kept_time(&mut tx).await?;
        tx.commit().await?;
        kept.ok_or_else(|| SimulatorError::Damaged("no time is kept".to_owned()))
    }

    /// Closes the file after the work in progress.
    pub async fn close(&self) {
        self.file.close().await;
    }

    /// The faults as they stand.
    pub fn faults(&self) -> Arc<Faults<F>> {
        self.faults.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the faults from now on. What is already planned stays.
    ///
    /// # Errors
    /// [`SimulatorError::Settings`] where a figure is out of bounds.
    pub fn set_faults(&self, faults: Faults<F>) -> Result<()> {
        faults.check()?;
        *self.faults.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(faults);
        Ok(())
    }

    /// As [`Self::set_faults`], merged over what stands: only what the change names changes.
    ///
    /// # Errors
    /// [`SimulatorError::Settings`] naming the unknown or unusable field.
    pub fn change_faults(&self, change: &serde_json::Value) -> Result<()> {
        self.set_faults(self.faults().changed(change)?)
    }

    /// The client of the pushes: it follows no redirect and asks no proxy.
    pub const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Says that something was planned.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits until something is planned, or until `next` on the clock.
    pub(super) async fn rest(&self, next: Option<Time>) {
        let due = async {
            match next {
                Some(at) => self.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        // Where the kept time is ahead of the clock, what is due by it was done before; the rest waits for the clock.
        tokio::select! {
            () = self.wake.notified() => {}
            () = due => {}
        }
    }

    /// Says that a push was sent or given up.
    pub fn sent(&self) {
        self.sent.notify_waiters();
    }

    /// Waits until `quiet` says so, asked again after every push, but at most so many real milliseconds: the receiver
    /// may wait for us.
    ///
    /// # Errors
    /// As `quiet` says.
    pub async fn wait_sent<Q, A>(&self, limit_ms: u64, quiet: Q) -> Result<()>
    where
        Q: Fn() -> A + Send,
        A: Future<Output = Result<bool>> + Send,
    {
        let waiting = async {
            loop {
                let sent = self.sent.notified();
                if quiet().await? {
                    return Ok(());
                }
                // The bell may have rung before we listened; a short look again costs nothing.
                let _ = tokio::time::timeout(LOOK_AGAIN, sent).await;
            }
        };
        tokio::time::timeout(Duration::from_millis(limit_ms), waiting).await.unwrap_or(Ok(()))
    }
}

/// A request that is being answered.
#[must_use]
pub struct Busy<'a>(&'a AtomicU64);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The requests since a look at them.
pub(super) struct Requests<'a> {
    begun: &'a AtomicU64,
    before: u64,
    busy: u64,
}

impl Requests<'_> {
    /// Those that were busy at the look, and those that have begun since.
    pub(super) fn count(&self) -> u64 {
        self.busy + self.begun.load(Ordering::SeqCst).saturating_sub(self.before)
    }
}
