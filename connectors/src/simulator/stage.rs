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

/// Who a demonstration pays.
pub enum StageBeneficiary {
    /// A phone number.
    Phone(String),
    /// An account at a bank.
    Bank {
        /// The bank's identification code, as the provider's bank list has it.
        code: String,
        /// Account number.
        account_number: String,
        /// Name of the account.
        account_name: String,
    },
}

/// One payout of a demonstration.
pub struct StagePayout {
    /// Slug of the connection it goes through.
    pub slug: &'static str,
    /// Wallet code.
    pub wallet: &'static str,
    /// How much the beneficiary is to get.
    pub amount: Amount,
    /// Of what.
    pub currency: Currency,
    /// Who gets it.
    pub beneficiary: StageBeneficiary,
}

/// One thing that a demonstration does.
pub enum StageOrder {
    /// Asks somebody for money.
    Collect(StagePayment),
    /// Sends somebody money.
    PayOut(StagePayout),
}

/// What a wallet has from the start, so that it can pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageOpening {
    /// Slug of its connection.
    pub slug: &'static str,
    /// Wallet code.
    pub wallet: &'static str,
    /// The provider's id of the wallet.
    pub provider_id: String,
    /// How much.
    pub amount: Amount,
    /// Of what.
    pub currency: Currency,
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
    /// Changes the faults from now on: a JSON object as its `/_sim/faults` takes it; only what it names changes.
    ///
    /// # Errors
    /// If the change names something unknown or out of bounds.
    fn change_faults(&self, change: &serde_json::Value) -> Result<()>;
    /// All wallet rows of the provider's wallet id, a JSON list in the provider's own shape; `None`: no such wallet.
    ///
    /// # Errors
    /// If the file cannot be read.
    async fn wallet_rows(&self, provider_id: &str) -> Result<Option<String>>;
}

/// A provider's simulator, registered beside its connector.
#[async_trait]
pub trait Stage: Send + Sync {
    /// The provider's word.
    fn provider(&self) -> &'static str;
    /// Opens it on its file, with empty wallets.
    ///
    /// # Errors
    /// If file or settings are unusable.
    async fn open(&self, plan: StagePlan) -> Result<Arc<dyn Running>>;
    /// Opens it on its file, with wallets that have [`Self::openings`] from the start and, where the plan has faults,
    /// those of payouts as well.
    ///
    /// # Errors
    /// If file or settings are unusable.
    async fn open_funded(&self, plan: StagePlan) -> Result<Arc<dyn Running>>;
    /// What the wallets of [`Self::open_funded`] have from the start.
    fn openings(&self) -> Vec<StageOpening>;
    /// The connections that talk to it where it listens (`http://127.0.0.1:8091`).
    fn connections(&self, base_url: &str) -> Vec<ConnectionSettings>;
    /// The n-th payment of a seeded run of collections, from 0.
    fn payment(&self, seed: u64, n: u64) -> StagePayment;
    /// The n-th order of a seeded run of everything, from 0. A collection is the same as [`Self::payment`] has there.
    fn order(&self, seed: u64, n: u64) -> StageOrder;
}
