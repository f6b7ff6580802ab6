//! All rooms in this process against a provider's simulator over real HTTP, both on one simulated clock.

use std::sync::Arc;
use std::time::Duration;

use ensimbi_connectors::door::id_of;
use ensimbi_connectors::providers;
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_connectors::simulator::SimulatedWallet;
use ensimbi_connectors::simulator::stage::{PushTarget, Running, Stage, StageClock, StageOrder, StagePlan};
use ensimbi_events::commands::{
    CommandError, Commands, Destination, IntentView, Origin, PayKind, PayOrder, RefundOrder,
};
use ensimbi_events::simtime::SimClock;
use ensimbi_events::{Amount, Clock, SubjectId, ids};
use ensimbi_projections::PaymentsView;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::rooms::{Rooms, START, Stores};
use crate::support::{Folder, folder};

pub fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

/// A played provider and the house that uses it.
pub struct Played {
    pub simulator: Arc<dyn Running>,
    pub connections: Vec<ConnectionSettings>,
    pub clock: Arc<SimClock>,
    pub stage: &'static dyn Stage,
    /// Where the provider listens.
    pub base: String,
    stores: Stores,
    pub folder: Folder,
    _stop: watch::Sender<bool>,
}

impl Played {
    /// A provider with funded wallets and these faults (as `/_sim/faults` takes them), and nothing else of its own.
    pub async fn open(seed: u64, faults: &Value) -> Self {
        Self::of("iotec", Stores::Files, seed, faults).await
    }

    /// The same of this provider, and for a house on these stores.
    pub async fn of(provider: &str, stores: Stores, seed: u64, faults: &Value) -> Self {
        let folder = folder();
        let clock = Arc::new(SimClock::new(START));
        let stage = *providers::stages().iter().find(|stage| stage.provider() == provider).unwrap();
        let file = folder.path("provider.db");
        let plan = StagePlan { file, clock: StageClock::Given(clock.clone() as Arc<dyn Clock>), seed, faults: false };
        let simulator = stage.open_funded(plan).await.unwrap();
        simulator.change_faults(faults).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopping) = watch::channel(false);
        tokio::spawn(Arc::clone(&simulator).serve(listener, stopping));
        let connections = simulator.connections(&base);
        Self { simulator, connections, clock, stage, base, stores, folder, _stop: stop }
    }

    /// A house on the same folder, each time it is asked.
    pub async fn house(&self) -> Rooms {
        let (clock, connections) = (&self.clock, self.connections.clone());
        let rooms = Rooms::open_on(&self.stores, &self.folder, clock, providers::all(), connections).await;
        for connection in &self.connections {
            let url = format!("{}/webhooks/{}", rooms.url, id_of(rooms.book, connection));
            let target = PushTarget::of(connection, url);
            self.simulator.push_to(target).unwrap();
        }
        rooms
    }

    /// The n-th order of the stage.
    pub async fn order(&self, rooms: &Rooms, seed: u64, n: u64) -> Result<IntentView, CommandError> {
        let origin = Origin { book: rooms.book, idempotency_key: format!("order-{n}") };
        let connection = |slug: &str| {
            let found = self.connections.iter().find(|connection| connection.slug == slug).unwrap();
            id_of(rooms.book, found)
        };
        match self.stage.order(seed, n) {
            StageOrder::Collect(payment) => {
                let over = connection(payment.slug);
                let order = payment.order(over);
                rooms.door.ask_collect(&origin, &order).await
            }
            StageOrder::PayOut(payout) => {
                let over = connection(payout.slug);
                let order = payout.order(over);
                rooms.door.ask_pay(&origin, &order).await
            }
            StageOrder::Refund(refund) => {
                let payment = ids::intent_id(rooms.book, "collections", &format!("order-{}", refund.of));
                self.refund(rooms, &origin.idempotency_key, payment, refund.amount).await
            }
        }
    }

    /// Sends so much of a payment back, or all that is left of it.
    pub async fn refund(
        &self,
        rooms: &Rooms,
        key: &str,
        payment: SubjectId,
        amount: Option<Amount>,
    ) -> Result<IntentView, CommandError> {
        let row = rooms.views().await.payment(rooms.book, payment).await.unwrap().value.unwrap();
        let left = row.refundable().unwrap();
        let order = RefundOrder {
            payment,
            connection: row.connection.unwrap(),
            wallet: row.wallet.unwrap(),
            object_id: row.object_id.unwrap(),
            amount: amount.unwrap_or(left).min(left),
            left,
        };
        let origin = Origin { book: rooms.book, idempotency_key: key.to_owned() };
        rooms.door.ask_refund(&origin, &order).await
    }

    /// A payout of so many units to a number that takes it.
    pub async fn payout(&self, rooms: &Rooms, key: &str, units: i32) -> Result<IntentView, CommandError> {
        let connection = &self.connections[0];
        let order = PayOrder {
            kind: PayKind::Payout,
            connection: id_of(rooms.book, connection),
            wallet: None,
            amount: Amount::whole(units),
            currency: connection.wallets[0].currency,
            to: Destination::Mobile { phone: "0111777771".to_owned() },
            name: None,
            note: None,
        };
        let origin = Origin { book: rooms.book, idempotency_key: key.to_owned() };
        rooms.door.ask_pay(&origin, &order).await
    }

    /// Waits until every wallet is opened by its first balance and the banks are known: routine reads, which may fail and
    /// are repeated after a while.
    pub async fn opened(&self, rooms: &Rooms) {
        for _ in 0..100 {
            self.rest(rooms).await;
            // A provider without such a list has nothing to wait for.
            let banks = rooms.door.banks(rooms.book, id_of(rooms.book, &self.connections[0])).await;
            let books = rooms.books().await;
            if sorted(books.wallets) == self.balances().await && banks.map_or(true, |banks| !banks.is_empty()) {
                return;
            }
            self.clock.advance_to(self.clock.now().plus(Duration::from_secs(5)));
        }
        panic!("the wallets were not opened");
    }

    /// Waits until neither side has anything due now.
    pub async fn rest(&self, rooms: &Rooms) -> Option<ensimbi_events::Time> {
        loop {
            let next = rooms.settle().await;
            let began = tokio::time::Instant::now();
            let mut waited = false;
            while self.simulator.due(self.clock.now()).await.unwrap() > 0 {
                assert!(began.elapsed() < Duration::from_secs(120), "the provider never comes to rest");
                tokio::time::sleep(Duration::from_millis(2)).await;
                waited = true;
            }
            if !waited {
                let theirs = self.simulator.next_due().await.unwrap();
                return next.into_iter().chain(theirs.filter(|at| *at > self.clock.now())).min();
            }
        }
    }

    /// Lets everything happen on both sides until nothing more is to come.
    pub async fn pass(&self, rooms: &Rooms) {
        self.pass_by(rooms, Duration::ZERO).await;
    }

    /// The same in coarser steps: what falls due within one happens together, as with a process that was held up.
    pub async fn pass_by(&self, rooms: &Rooms, step: Duration) {
        while let Some(next) = self.rest(rooms).await {
            self.clock.advance_to(next.plus(step));
        }
    }

    /// What our wallets must be: the provider's own balances, as [`crate::rooms::Books`] shows them.
    pub async fn balances(&self) -> Vec<String> {
        let theirs = self.simulator.wallets().await.unwrap();
        let mut lines = Vec::new();
        for connection in &self.connections {
            let code = connection.code();
            for wallet in &connection.wallets {
                let own = |their: &&SimulatedWallet| {
                    (their.provider_id.as_str(), their.purse, their.currency)
                        == (wallet.id.as_str(), wallet.purse.as_deref(), wallet.currency)
                };
                let SimulatedWallet { balance, held, .. } = theirs.iter().find(own).unwrap();
                lines.push(format!("{code}:{} {} {balance} {held} 0", wallet.code, wallet.currency));
            }
        }
        sorted(lines)
    }

    /// How many objects the provider made under each of our references; more than one is a second payment.
    pub async fn made_twice(&self) -> Vec<String> {
        let mut seen = std::collections::BTreeMap::new();
        for object in self.simulator.objects().await.unwrap() {
            *seen.entry(object.external_id.unwrap_or_default()).or_insert(0) += 1;
        }
        seen.into_iter().filter(|(_, count)| *count > 1).map(|(reference, _)| reference).collect()
    }
}
