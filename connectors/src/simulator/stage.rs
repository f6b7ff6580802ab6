//! A provider's simulator as the demo and `ensimbi simulate` see it: open it, serve it, connect to it, pay through it.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use ensimbi_events::commands::{Checkout, CollectOrder, Destination, OrderItem, PayKind, PayOrder};
use ensimbi_events::simtime::SimClock;
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Clock, ConnectionId, Currency, Time};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Result, Simulator};
use crate::door::{CALLBACK_HEADER, CALLBACK_VALUES};
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
    /// Name and value (a secret) of the static header, at a provider that sends one. One that signs has its own key.
    pub header: Option<(String, SecretString)>,
}

impl PushTarget {
    /// The webhook of a connection at this address, as a person would set it up in the portal.
    pub fn of(connection: &ConnectionSettings, url: String) -> Self {
        let name = connection.options.get(CALLBACK_HEADER).cloned();
        let value = CALLBACK_VALUES.iter().find_map(|name| connection.secrets.get(*name)).cloned();
        Self { slug: connection.slug.clone(), url, header: name.zip(value) }
    }
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
    /// What is sold, where the provider makes an invoice of it; together they cost `amount`.
    pub items: Vec<OrderItem>,
    /// The payer pays on the provider's page, by a method of their own choice.
    pub hosted: bool,
}

impl StagePayment {
    /// As an order of ours over a connection.
    pub fn order(self, connection: ConnectionId) -> CollectOrder {
        CollectOrder {
            connection,
            wallet: Some(self.wallet.to_owned()),
            amount: self.amount,
            currency: self.currency,
            payer_phone: Some(self.payer_phone),
            payer_name: None,
            payer_email: None,
            fee_bearer: self.fee_bearer,
            invoice_id: None,
            note: None,
            items: self.items,
            checkout: Checkout {
                hosted: self.hosted,
                success_url: self.hosted.then(|| "https://shop.example/paid".to_owned()),
                ..Checkout::default()
            },
        }
    }
}

/// What a demonstration sells: so many of these goods, at prices from `least` up, within `span`, as so many of the
/// currency's smallest `unit`.
pub(crate) fn sold(
    goods: &[&str],
    draw: impl Fn(&str, u64) -> u64,
    count: u64,
    (least, span, unit): (u64, u64, i64),
) -> Vec<OrderItem> {
    let one = |nth: u64| {
        let draw = |what: &str, below: u64| draw(&format!("{what}{nth}"), below);
        let which = usize::try_from(draw("item", goods.len() as u64)).unwrap_or(0);
        let price = i64::try_from(least + draw("price", span)).unwrap_or(1);
        OrderItem {
            name: goods[which % goods.len()].to_owned(),
            quantity: u32::try_from(1 + draw("quantity", 3)).unwrap_or(1),
            price: Amount::from_scaled(price * unit),
        }
    };
    (0..count).map(one).collect()
}

/// What items cost together.
pub(crate) fn cost_of(items: &[OrderItem]) -> Amount {
    Amount::from_scaled(items.iter().map(|item| item.price.scaled() * i64::from(item.quantity)).sum())
}

/// Money of an earlier order that goes back.
pub struct StageRefund {
    /// Which order of the run, from 0; an earlier one, and a collection.
    pub of: u64,
    /// How much; all that is left where absent.
    pub amount: Option<Amount>,
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

impl StagePayout {
    /// As an order of ours over a connection.
    pub fn order(self, connection: ConnectionId) -> PayOrder {
        let to = match self.beneficiary {
            StageBeneficiary::Phone(phone) => Destination::Mobile { phone },
            StageBeneficiary::Bank { code, account_number, account_name } => {
                Destination::Bank { bank: code, account_number, account_name, rail: None }
            }
        };
        let (name, note) = (None, None);
        let (wallet, amount, currency) = (Some(self.wallet.to_owned()), self.amount, self.currency);
        PayOrder { kind: PayKind::Payout, connection, wallet, amount, currency, to, name, note }
    }
}

/// One thing that a demonstration does.
pub enum StageOrder {
    /// Asks somebody for money.
    Collect(StagePayment),
    /// Sends somebody money.
    PayOut(StagePayout),
    /// Sends money of an earlier payment back.
    Refund(StageRefund),
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
    /// The connections that talk to it where it listens (`http://127.0.0.1:8091`), with the keys that it signs with.
    fn connections(&self, base_url: &str) -> Vec<ConnectionSettings>;
}

/// A provider's simulator, registered beside its connector.
#[async_trait]
pub trait Stage: Send + Sync {
    /// The provider's word.
    fn provider(&self) -> &'static str;
    /// Whether the demo plays it without being asked to.
    fn in_demo(&self) -> bool {
        true
    }
    /// Opens it on its file, with empty wallets.
    ///
    /// # Errors
    /// If file or settings are unusable.
    async fn open(&self, plan: StagePlan) -> Result<Arc<dyn Running>>;
    /// Opens it on its file, with wallets that have money from the start and, where the plan has faults,
    /// those of payouts as well.
    ///
    /// # Errors
    /// If file or settings are unusable.
    async fn open_funded(&self, plan: StagePlan) -> Result<Arc<dyn Running>>;
    /// The n-th payment of a seeded run of collections, from 0.
    fn payment(&self, seed: u64, n: u64) -> StagePayment;
    /// The n-th order of a seeded run of everything, from 0. A collection is the same as [`Self::payment`] has there.
    fn order(&self, seed: u64, n: u64) -> StageOrder;
}
