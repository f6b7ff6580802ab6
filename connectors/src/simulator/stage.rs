//! A provider's simulator as the demo and `ensimbi simulate` see it: open it, serve it, connect to it, pay through it.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use ensimbi_events::simtime::SimClock;
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Clock, Currency, Time};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Result, Simulator};
use crate::settings::ConnectionSettings;

/// Which clock the simulator lives by.
#[derive(Clone)]
pub enum StageClock {
    /// One that somebody else moves: the real one, or the demo's.
    Given(Arc<dyn Clock>),
    /// A simulated one that `POST /_sim/clock` moves.
    Driven(Arc<SimClock>),
}

/// How to open it.
#[derive(Clone)]
pub struct StagePlan {
    /// Its own durable file.
    pub file: PathBuf,
    /// Its clock.
    pub clock: StageClock,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// Whether faults happen, each at the rate the stage thinks usual.
    pub faults: bool,
}

/// Where a connection's pushes go.
pub struct PushTarget {
    /// The connection's slug.
    pub slug: String,
    /// Full URL.
    pub url: String,
    /// Header name.
    pub header_name: String,
    /// Header value, a secret.
    pub header_value: SecretString,
}

/// One payment of a demonstration.
pub struct StagePayment {
    /// Slug of the connection it goes through.
    pub slug: &'static str,
    /// Wallet code.
    pub wallet: &'static str,
    /// How much.
    pub amount: Amount,
    /// Of what.
    pub currency: Currency,
    /// The payer's test number.
    pub payer_phone: String,
    /// Who bears the fees.
    pub fee_bearer: Bearer,
}

/// A running simulator.
#[async_trait]
pub trait Running: Simulator {
    /// Serves HTTP and does what falls due, until told to stop.
    ///
    /// # Errors
    /// If the socket fails.
    async fn serve(self: Arc<Self>, listener: TcpListener, stop: watch::Receiver<bool>) -> Result<()>;
    /// Registers where pushes go, as in the provider's portal.
    ///
    /// # Errors
    /// If the target is unusable.
    fn push_to(&self, target: PushTarget) -> Result<()>;
    /// The latest simulated moment that its file knows.
    ///
    /// # Errors
    /// If the file cannot be read.
    async fn stored_time(&self) -> Result<Time>;
}

/// A provider's simulator, registered beside its connector.
#[async_trait]
pub trait Stage: Send + Sync {
    /// The provider's word.
    fn provider(&self) -> &'static str;
    /// Opens it on its file.
    ///
    /// # Errors
    /// If file or settings are unusable.
    async fn open(&self, plan: StagePlan) -> Result<Arc<dyn Running>>;
    /// The connections that talk to it where it listens (`http://127.0.0.1:8091`).
    fn connections(&self, base_url: &str) -> Vec<ConnectionSettings>;
    /// The n-th payment of a seeded run, from 0.
    fn payment(&self, seed: u64, n: u64) -> StagePayment;
}
