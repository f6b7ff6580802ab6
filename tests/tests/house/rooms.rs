//! All rooms in this process, on a simulated clock, for connections of any connectors.
//!
//! A book's id is fixed, so ids of different runs can be compared. A house can be dropped at any moment, as a crash would
//! drop it, and opened again on its folder.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_bus::{Bus, LocalBus, LocalOptions};
use ensimbi_connectors::connector::Connector;
use ensimbi_connectors::door::{Door, DoorOptions, StoreAddress, Tuning};
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_events::bus::Outcome;
use ensimbi_events::ids::claim_id;
use ensimbi_events::simtime::SimClock;
use ensimbi_events::word::{Mode, OccurredSource};
use ensimbi_events::words::book::{BookOpened, Policy};
use ensimbi_events::{Amount, Body, BookId, Claim, Clock, ConnectionId, Currency, Fact, SubjectId, SubjectKind, Time};
use ensimbi_ledger::service::Service;
use ensimbi_ledger::store::{EventColumns, PostgresStore, SqliteStore, Store};
use ensimbi_ledger::writer::{Listener, Writer};
use ensimbi_projections::query::{FeeDimension, FeesQuery, LIMIT_MAX, PaymentsQuery};
use ensimbi_projections::{FeesView, PaymentsView, Projector, ViewStore, Views, WalletsView};
use ensimbi_vault::{MasterKey, SystemEntropy, Vault};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::support::Folder;

pub const START: Time = Time::from_micros(1_780_000_000_000_000);

/// Real time for leases and resends; only differences matter.
struct RealClock(tokio::time::Instant);

#[async_trait]
impl Clock for RealClock {
    fn now(&self) -> Time {
        START.plus(self.0.elapsed())
    }

    async fn sleep_until(&self, at: Time) {
        tokio::time::sleep(at.since(self.now())).await;
    }
}

/// What a run came to, for comparison.
#[derive(Debug, PartialEq, Eq)]
pub struct Books {
    /// Account code, wallet code, currency, posted, held, reserved.
    pub wallets: Vec<String>,
    /// Account, currency, balance: the whole trial balance.
    pub accounts: Vec<(String, String, i128)>,
    /// Payment and state.
    pub states: Vec<(String, String)>,
    /// Word, event id, fact hash of everything that is final.
    pub finals: BTreeSet<(String, String, String)>,
    /// Discrepancies that wait for a person: there is one truth, so none. (A reversal that is told before its success
    /// raises one, and the ledger resolves it when the success comes.)
    pub open_discrepancies: usize,
}

/// Words of events that say something final.
const FINAL: [&str; 15] = [
    "CollectionSucceeded",
    "CollectionFailed",
    "CollectionReversed",
    "RefundSucceeded",
    "RefundFailed",
    "ChargebackOpened",
    "ChargebackClosed",
    "PayoutSucceeded",
    "PayoutFailed",
    "PayoutReversed",
    "FeeCharged",
    "PaymentAllocated",
    "PaymentDeallocated",
    "PurseTransferred",
    "InvoicePaid",
];

/// Where a house keeps its door, its book and its views.
pub enum Stores {
    /// In files of the house's folder.
    Files,
    /// All three in this database.
    Postgres(String),
}

/// Waits on this thread: the compiler cannot tell that a future which opens a PostgreSQL may move between threads, and
/// whole houses are spawned.
fn apart<T>(work: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work))
}

impl Stores {
    fn door(&self, folder: &Folder) -> StoreAddress {
        match self {
            Self::Files => StoreAddress::Sqlite(folder.path("door.db")),
            Self::Postgres(url) => StoreAddress::Postgres(url.clone().into()),
        }
    }

    async fn book(&self, folder: &Folder) -> Arc<dyn Store> {
        match self {
            Self::Files => Arc::new(SqliteStore::open(&folder.path("book.db")).await.unwrap()),
            Self::Postgres(url) => Arc::new(apart(PostgresStore::open(url)).unwrap()),
        }
    }

    async fn views(&self, folder: &Folder) -> ViewStore {
        match self {
            Self::Files => ViewStore::open_sqlite(&folder.path("views.db")).await.unwrap(),
            Self::Postgres(url) => apart(ViewStore::open_postgres(url)).unwrap(),
        }
    }
}

/// The connectors a house knows.
pub type Registry = &'static [&'static dyn Connector];

/// The house.
pub struct Rooms {
    pub book: BookId,
    pub door: Arc<Door>,
    pub clock: Arc<SimClock>,
    /// Where the webhooks are.
    pub url: String,
    pub store: Arc<dyn Store>,
    currencies: BTreeSet<Currency>,
    projector: Arc<Projector>,
    bus: LocalBus,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Rooms {
    /// Opens a house in a folder, new or known, with everything running.
    pub async fn open(
        folder: &Folder,
        clock: &Arc<SimClock>,
        registry: Registry,
        connections: Vec<ConnectionSettings>,
    ) -> Self {
        Self::open_on(&Stores::Files, folder, clock, registry, connections).await
    }

    /// The same on these stores.
    pub async fn open_on(
        stores: &Stores,
        folder: &Folder,
        clock: &Arc<SimClock>,
        registry: Registry,
        connections: Vec<ConnectionSettings>,
    ) -> Self {
        let currencies = connections.iter().flat_map(|one| &one.wallets).map(|wallet| wallet.currency).collect();
        let book = BookId(uuid::Uuid::from_u128(0x0189_0000_0000_7000_8000_0000_0000_0007));
        let vault = Arc::new(Vault::new(MasterKey::from_bytes([9; 32])));
        let options = LocalOptions { ack_wait: Duration::from_secs(2), ..LocalOptions::default() };
        let bus = LocalBus::new(options).unwrap();
        let door = Door::open(DoorOptions {
            store: stores.door(folder),
            book,
            mode: Mode::Test,
            connections,
            registry,
            vault: Arc::clone(&vault),
            bus: Arc::new(bus.clone()),
            clock: clock.clone(),
            real_clock: Arc::new(RealClock(tokio::time::Instant::now())),
            entropy: Arc::new(SystemEntropy),
            alone: true,
            allow_live_format0: false,
            tuning: Tuning {
                idle: Duration::from_millis(50),
                resend_after: Duration::from_millis(500),
                ..Tuning::default()
            },
        })
        .await
        .unwrap();
        let store = stores.book(folder).await;
        store.create_book(book).await.unwrap();
        let views = stores.views(folder).await;
        let projector = Arc::new(Projector::new(views, Arc::clone(&store) as _, ensimbi_projections::all()));
        let (stop, stopping) = watch::channel(false);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let clock = Arc::clone(clock);
        let tasks = JoinSet::new();
        let mut rooms = Self { book, door, clock, url, store, currencies, projector, bus, stop, tasks };
        rooms.run(vault, stopping, listener).await;
        rooms
    }

    async fn run(&mut self, vault: Arc<Vault>, stopping: watch::Receiver<bool>, listener: TcpListener) {
        let service = Service::new(Arc::new(self.bus.clone()), vault, self.book);
        let projector = Arc::clone(&self.projector);
        let told: Listener = Arc::new(move |_| projector.wake());
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let writer = Writer::start(Arc::clone(&self.store), clock, self.book, Some(told)).await.unwrap();
        self.say_opening(&writer).await;
        let of_service = stopping.clone();
        self.tasks.spawn(async move { drop(service.run(&writer, of_service).await) });
        self.tasks.spawn(Arc::clone(&self.door).run(stopping));
        let router = self.door.router();
        self.tasks.spawn(async move { drop(axum::serve(listener, router).await) });
    }

    /// Position 1 and the connection.
    async fn say_opening(&self, writer: &Writer) {
        let opened = BookOpened {
            tenant: "orders".to_owned(),
            mode: Mode::Test,
            time_zone: "Africa/Kampala".to_owned(),
            policies: vec![Policy { key: "allocate.collection".to_owned(), value: "income:sales".to_owned() }],
            currencies: self.currencies.iter().copied().collect(),
        };
        let mut said = vec![(SubjectId(self.book.0), None, Body::from(opened))];
        said.extend(
            self.door.connection_facts().into_iter().map(|(id, body)| (SubjectId(id.0), Some(id), Body::from(body))),
        );
        for (subject, connection, body) in said {
            let claim = self.claim(subject, connection, body);
            let outcome = writer.submit(vec![claim]).await.pop().unwrap().unwrap();
            assert!(matches!(outcome, Outcome::Recorded { .. }), "{outcome:?}");
        }
    }

    fn claim(&self, subject: SubjectId, connection: Option<ConnectionId>, body: Body) -> Claim {
        let fact = Fact {
            subject,
            subject_kind: if connection.is_some() { SubjectKind::Connection } else { SubjectKind::Book },
            connection,
            wallet: None,
            object_kind: None,
            object_id: None,
            occurrence: if connection.is_some() { "1".to_owned() } else { String::new() },
            currency: None,
            version: body.version(),
            body,
        };
        Claim {
            id: claim_id(fact.event_id(self.book).0, 0, "test.1"),
            book: self.book,
            fact,
            occurred_at: START,
            occurred_source: OccurredSource::Ledger,
            translator: "test.1".to_owned(),
            evidence: None,
            party: None,
            doubt: None,
            operator_transaction: None,
            confirms: false,
        }
    }

    /// Waits (real time) until nothing is in flight.
    pub async fn settle(&self) -> Option<Time> {
        let began = tokio::time::Instant::now();
        while began.elapsed() < Duration::from_secs(120) {
            let pending = self.door.pending(self.clock.now()).await.unwrap();
            if pending.is_idle() {
                return pending.next_due;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("still in flight: {:?}", self.door.pending(self.clock.now()).await);
    }

    /// The views, up to the end of the log.
    pub async fn views(&self) -> Views {
        self.projector.catch_up(self.book).await.unwrap();
        Views::new(self.projector.store().clone())
    }

    /// All events, without their facts.
    pub async fn events(&self) -> Vec<EventColumns> {
        let mut all: Vec<EventColumns> = Vec::new();
        loop {
            let after = all.last().map_or(0, |event| event.position);
            let page = self.store.columns(self.book, after, 1_000).await.unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// All fees that we bore, by wallet and currency.
    pub async fn fees(&self) -> Vec<(String, Amount)> {
        let query = FeesQuery::all(vec![FeeDimension::Wallet]);
        let views = self.views().await;
        let groups = views.fees(self.book, &query).await.unwrap().value.groups;
        let ours = groups.into_iter().filter(|group| group.bearer == "merchant").map(|group| {
            let wallet = group.key.into_iter().find_map(|(_, value)| value).unwrap();
            (wallet, Amount::from_scaled(i64::try_from(group.amount).unwrap()))
        });
        ours.collect()
    }

    /// What the books say now.
    pub async fn books(&self) -> Books {
        let views = self.views().await;
        let wallets = views.wallets(self.book, None, LIMIT_MAX).await.unwrap().items.into_iter().map(|row| {
            let (code, currency) = ([row.account_code.as_str(), &row.code].join(":"), row.currency);
            format!("{code} {currency} {} {} {}", row.posted, row.held, row.reserved)
        });
        let query = PaymentsQuery { limit: LIMIT_MAX, ..PaymentsQuery::default() };
        let payments = views.payments(self.book, &query).await.unwrap().items;
        let mut states: Vec<_> = payments.iter().map(|p| (p.payment.to_string(), p.state.to_string())).collect();
        states.sort();
        let accounts = self.store.trial_balance(self.book).await.unwrap().1.into_iter();
        let events = self.events().await;
        let report = ensimbi_ledger::verify::verify(self.store.as_ref(), self.book, |_| {}).await.unwrap();
        assert!(report.ok, "{report:?}");
        let count = |word: &str| events.iter().filter(|event| event.word == word).count();
        Books {
            wallets: wallets.collect(),
            accounts: accounts.map(|a| (a.account, a.currency.to_string(), a.debit - a.credit)).collect(),
            states,
            finals: events
                .iter()
                .filter(|event| FINAL.contains(&event.word.as_str()))
                .map(|event| (event.word.clone(), event.event_id.to_string(), event.fact_hash.to_string()))
                .collect(),
            open_discrepancies: count("DiscrepancyRaised") - count("DiscrepancyResolved"),
        }
    }

    /// Drops everything at once, in the middle of whatever it does.
    pub async fn crash(mut self) {
        self.tasks.abort_all();
        while self.tasks.join_next().await.is_some() {}
    }

    /// Ends everything.
    pub async fn close(self) {
        self.stop.send_replace(true);
        self.bus.close().await;
        self.door.close().await;
    }
}
