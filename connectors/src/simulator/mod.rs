//! What all simulated providers have in common: the trait by which the demo reads and paces them, seeded draws and
//! faults, their durable file, their state and background task, their paths and control, wrong answers, and a listener
//! whose connections can be cut without an answer. A provider's own part begins at [`work::Machine`].
//!
//! A simulated provider is the provider's server as we believe it, over real HTTP. It owns one SQLite file, commits
//! before it answers, and knows nothing of the connector: no type is shared between the two.

use async_trait::async_trait;
use ensimbi_events::{Amount, Currency, Time};
use serde::Serialize;

pub mod control;
pub mod core;
pub mod draw;
pub mod faults;
pub mod file;
pub mod http;
pub mod keys;
pub mod listener;
pub mod plain;
pub mod stage;
pub mod work;
pub mod wrong;

/// Why a simulator could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// Its own file failed.
    #[error("the simulator's file: {0}")]
    Store(#[from] sqlx::Error),
    /// The file belongs to something else, or to another version of this.
    #[error("{0}")]
    Foreign(String),
    /// A setting is unusable; the text names it and what was expected.
    #[error("{0}")]
    Settings(String),
    /// Its books contradict themselves; nothing may go on.
    #[error("the simulator's books are damaged: {0}")]
    Damaged(String),
    /// The socket or the HTTP client failed.
    #[error("the simulator's network: {0}")]
    Network(String),
}

/// A result of the simulators.
pub type Result<T> = std::result::Result<T, SimulatorError>;

/// A wallet as the provider's own books have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SimulatedWallet {
    /// The provider's id of the wallet.
    pub provider_id: String,
    /// Which of several purses under that id.
    pub purse: Option<&'static str>,
    /// Its only currency.
    pub currency: Currency,
    /// What is in it and can be spent: without what is withheld, with what payouts on their way have not taken yet.
    pub balance: Amount,
    /// What is withheld for a time.
    pub held: Amount,
    /// All fees taken from it up to now, where the provider shows that figure.
    pub fees: Option<Amount>,
    /// What is on its way out of it, where the provider shows that figure.
    pub pending: Option<Amount>,
}

/// A collection as the provider's own books have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SimulatedCollection {
    /// The provider's id.
    pub id: String,
    /// The caller's reference, which need not be unique.
    pub external_id: Option<String>,
    /// The wallet it is collected into.
    pub wallet_id: String,
    /// Its currency.
    pub currency: Currency,
    /// The provider's status word.
    pub status: String,
    /// The amount of the request.
    pub amount: Amount,
    /// Provider's and network's fee together, as its answers say.
    pub fees: Amount,
    /// What it has moved in the wallet up to now, all rows together.
    pub net: Amount,
}

/// What an object at a provider is, whatever its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SimulatedKind {
    /// Money that somebody was asked for.
    Collection,
    /// Money that was sent to somebody.
    Payout,
    /// Money of a collection that went back.
    Refund,
    /// Money of a collection that was taken back by the payer's bank.
    Dispute,
}

impl SimulatedKind {
    /// Our word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Collection => "collection",
            Self::Payout => "payout",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
        }
    }
}

/// A collection or a payout as the provider's own books have it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SimulatedObject {
    /// The provider's id.
    pub id: String,
    /// The caller's reference, which need not be unique.
    pub external_id: Option<String>,
    /// Which of the two.
    pub kind: SimulatedKind,
    /// The wallet it goes into or out of.
    pub wallet_id: String,
    /// Which of several purses under that id.
    pub purse: Option<&'static str>,
    /// Its currency.
    pub currency: Currency,
    /// The provider's status word.
    pub status: String,
    /// Nothing more is expected to happen to it, though a final state may be contradicted later.
    pub is_final: bool,
    /// The amount as it truly is.
    pub amount: Amount,
    /// Provider's and network's fee together.
    pub fees: Amount,
    /// What its rows have moved in the wallet up to now (what is withheld not counted), with its sign: above zero into it.
    pub effect: Amount,
}

/// A movement of a wallet that belongs to no collection or payout: a deposit, a liquidation, a transfer between purses
/// (one in each), the release of what was withheld.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SimulatedMovement {
    /// The provider's id of the row.
    pub id: String,
    /// The wallet.
    pub wallet_id: String,
    /// Which of several purses under that id.
    pub purse: Option<&'static str>,
    /// The wallet's currency.
    pub currency: Currency,
    /// The provider's word for its kind.
    pub category: String,
    /// When it happened.
    pub at: Time,
    /// With its sign: above zero into the wallet.
    pub effect: Amount,
}

/// An invoice (or what the provider makes of items) as its own books have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SimulatedInvoice {
    /// The provider's word for the object, as the connector's.
    pub object_kind: &'static str,
    /// The provider's id.
    pub id: String,
    /// Where it stands, in our words: `draft`, `published`, `paid`, `cancelled` or `expired`.
    pub state: &'static str,
}

/// What one kind of fee has come to, as the provider's own books have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SimulatedFee {
    /// Whose part it is, in our word (`provider`, `network`, `fx`, `unitemised`).
    pub component: &'static str,
    /// Who bore it, in our word (`merchant`, `payer`, `beneficiary`).
    pub bearer: &'static str,
    /// Its own currency, which need not be any wallet's.
    pub currency: Currency,
    /// All of it up to now.
    pub amount: Amount,
}

/// A simulated provider, for whoever drives the clock and compares the books at the end.
#[async_trait]
pub trait Simulator: Send + Sync {
    /// The provider's short name, as in `iotec`.
    fn provider(&self) -> &'static str;

    /// How many things are due at or before `now` and not finished: outcomes, callbacks, requests being answered.
    /// While it is above zero the simulated clock may not move.
    ///
    /// # Errors
    /// [`SimulatorError`] where the file cannot be read.
    async fn due(&self, now: Time) -> Result<u64>;

    /// The earliest moment at which something is due; `None` where nothing is planned.
    ///
    /// # Errors
    /// [`SimulatorError`] where the file cannot be read.
    async fn next_due(&self) -> Result<Option<Time>>;

    /// All wallets, by id.
    ///
    /// # Errors
    /// [`SimulatorError`] where the file cannot be read.
    async fn wallets(&self) -> Result<Vec<SimulatedWallet>>;

    /// All collections, in the order of their creation.
    ///
    /// # Errors
    /// [`SimulatorError`] where the file cannot be read.
    async fn collections(&self) -> Result<Vec<SimulatedCollection>> {
        let all = self.objects().await?.into_iter().filter(|one| one.kind == SimulatedKind::Collection);
        let shown = all.map(|one| SimulatedCollection {
            id: one.id,
            external_id: one.external_id,
            wallet_id: one.wallet_id,
            currency: one.currency,
            status: one.status,
            amount: one.amount,
            fees: one.fees,
            net: one.effect,
        });
        Ok(shown.collect())
    }

    /// All collections and payouts, in the order of their creation. With [`Self::movements`] they add up to every
    /// wallet's balance at any moment.
    ///
    /// # Errors
    /// [`SimulatorError`] where the file cannot be read.
    async fn objects(&self) -> Result<Vec<SimulatedObject>>;

    /// What moved the wallets without a collection or payout, by wallet and time.
    ///
    /// # Errors
    /// [`SimulatorError`] where the file cannot be read.
    async fn movements(&self) -> Result<Vec<SimulatedMovement>>;

    /// The invoices whose state is not disturbed by money that went back; none at a provider without invoices.
    ///
    /// # Errors
    /// [`SimulatorError`] where the file cannot be read.
    async fn invoices(&self) -> Result<Vec<SimulatedInvoice>> {
        Ok(Vec::new())
    }

    /// Fees by component and bearer, where its own books keep them so; `None` where a wallet's figure is all there is.
    ///
    /// # Errors
    /// [`SimulatorError`] where the file cannot be read.
    async fn fees(&self) -> Result<Option<Vec<SimulatedFee>>> {
        Ok(None)
    }
}
