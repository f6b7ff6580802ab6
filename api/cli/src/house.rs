//! The house assembled: every room behind its ports, and the tasks that run it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_api::keys::ApiKey;
use ensimbi_bus::{Bus, LocalBus};
use ensimbi_connectors::door::{Door, DoorOptions, Tuning, check_connections};
use ensimbi_connectors::providers;
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_events::bus::Stream;
use ensimbi_events::ports::{BookReader, Check, MacKeys, Readiness};
use ensimbi_events::word::Mode;
use ensimbi_events::{BookId, Clock, Currency};
use ensimbi_ledger::service::{Counts, Service};
use ensimbi_ledger::store::Store;
use ensimbi_ledger::writer::Writer;
use ensimbi_projections::Projector;
use ensimbi_vault::{SystemEntropy, Vault};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::args::Role;
use crate::clock::SystemClock;
use crate::exit::Failure;
use crate::home::Home;
use crate::opening::{Operator, choose};
use crate::settings::Settings;

/// How to put a house together.
pub struct Plan {
    /// What the file says.
    pub settings: Settings,
    /// Which rooms run here.
    pub roles: Vec<Role>,
    /// The clock of every room.
    pub clock: Arc<dyn Clock>,
    /// The book to open or make; by default the only one.
    pub book: Option<BookId>,
    /// Lets live accounts into format 0.
    pub allow_live: bool,
    /// No other process serves this book's door: every lease found at the start is a dead one.
    pub alone: bool,
    /// Where the ledger's process has not opened the book yet: waits for it, or gives up.
    pub waits: bool,
    /// The door's timings.
    pub tuning: Tuning,
}

impl Plan {
    /// For a command that writes once and ends.
    pub fn of_one_command(home: &Home, settings: Settings, clock: Arc<dyn Clock>, allow_live: bool) -> Self {
        Self {
            settings,
            // Where a bus leads to a running ledger, that one decides; its epoch is left alone.
            roles: if home.args.nats_url.is_some() { vec![Role::Door] } else { Vec::new() },
            clock,
            book: None,
            allow_live,
            alone: home.is_embedded(),
            waits: false,
            tuning: Tuning::default(),
        }
    }
}

/// The rooms of one book.
pub struct House {
    /// The book.
    pub book: BookId,
    /// Its store.
    pub store: Arc<dyn Store>,
    /// The door: always open, its loops run only where the role is.
    pub door: Arc<Door>,
    /// The projections.
    pub projector: Arc<Projector>,
    /// The bus.
    pub bus: Arc<dyn Bus>,
    /// The in-process twin, where it is one.
    pub local_bus: Option<LocalBus>,
    /// The writer, where the role is.
    pub writer: Option<Writer>,
    /// The ledger's counts.
    pub counts: Option<Arc<Counts>>,
    vault: Arc<Vault>,
    mode: Mode,
    roles: Vec<Role>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl House {
    /// Opens every store, the book and its connections; nothing runs yet.
    pub async fn build(home: &Home, plan: Plan) -> Result<Self, Failure> {
        // Configuration first: a wrong one must leave nothing behind.
        let settings = &plan.settings;
        check_connections(&settings.connections, settings.book.mode, providers::all(), &plan.clock, plan.allow_live)
            .map_err(Failure::wrong)?;
        let vault = home.vault(plan.alone)?;
        let (bus, local_bus) = home.bus().await?;
        let store = home.book_store().await?;
        for warning in store.warnings() {
            tracing::warn!("{warning}");
        }
        let makes_books = plan.roles.is_empty() || plan.roles.contains(&Role::Ledger);
        let named = plan.book.or(home.args.book);
        while named.is_none() && !makes_books && store.books().await?.is_empty() {
            if !plan.waits {
                return Err(Failure::not_to_be_had(
                    "there is no book yet; start `ensimbi serve` with the ledger first",
                ));
            }
            tracing::info!("waiting for the ledger's process to open the book");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let book = choose(store.as_ref(), named, plan.clock.as_ref(), &SystemEntropy).await?;
        let mode = plan.settings.book.mode;
        let door = Door::open(DoorOptions {
            store: home.door_store(),
            book,
            mode,
            connections: plan.settings.connections.clone(),
            registry: providers::all(),
            vault: Arc::clone(&vault),
            bus: Arc::clone(&bus),
            clock: Arc::clone(&plan.clock),
            real_clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            allow_live_format0: plan.allow_live,
            alone: plan.alone,
            tuning: plan.tuning.clone(),
        })
        .await?;
        let reader: Arc<dyn BookReader> = Arc::clone(&store) as Arc<dyn BookReader>;
        let projector = Projector::new(home.view_store().await?, reader, ensimbi_projections::all());
        let mut house = Self {
            book,
            store,
            door,
            projector: Arc::new(projector),
            bus,
            local_bus,
            writer: None,
            counts: None,
            vault,
            mode,
            roles: plan.roles.clone(),
            stop: watch::channel(false).0,
            tasks: JoinSet::new(),
        };
        if house.runs(Role::Ledger) {
            house.start_ledger(&plan).await?;
        }
        Ok(house)
    }

    fn runs(&self, role: Role) -> bool {
        self.roles.is_empty() || self.roles.contains(&role)
    }

    /// Takes the book over, opens it, says what the file says; then listens to the bus.
    async fn start_ledger(&mut self, plan: &Plan) -> Result<(), Failure> {
        let keys = Arc::clone(&self.vault);
        let service = Service::new(Arc::clone(&self.bus), keys, self.book);
        let (log, pump) = service.log_pump();
        let projector = Arc::clone(&self.projector);
        let listener: ensimbi_ledger::writer::Listener = Arc::new(move |sealed| {
            log(sealed);
            projector.wake();
        });
        self.store.create_book(self.book).await?;
        let store = Arc::clone(&self.store);
        let writer = Writer::start(store, Arc::clone(&plan.clock), self.book, Some(listener)).await?;
        let operator = Operator { store: &self.store, writer: &writer, clock: plan.clock.as_ref() };
        operator.open_book(&plan.settings.book, &currencies(&plan.settings.connections)).await?;
        operator.configure(self.door.connection_facts()).await?;
        self.counts = Some(service.counts());
        self.tasks.spawn(pump);
        let stop = self.stop.subscribe();
        let of_service = writer.clone();
        self.tasks.spawn(async move {
            if let Err(reason) = service.run(&of_service, stop).await {
                tracing::error!(%reason, "the ledger has stopped");
            }
        });
        self.writer = Some(writer);
        Ok(())
    }

    /// Starts the loops of door and projections.
    pub fn start(&mut self) {
        if self.runs(Role::Door) {
            let door = Arc::clone(&self.door);
            self.tasks.spawn(door.run(self.stop.subscribe()));
        }
        if self.runs(Role::Project) && !self.runs(Role::Ledger) {
            let keys = Arc::clone(&self.vault);
            let listener = Listener { bus: Arc::clone(&self.bus), book: self.book, key: keys.mac_key(self.book, None) };
            self.tasks.spawn(listener.run(Arc::clone(&self.projector), self.stop.subscribe()));
        }
        if self.runs(Role::Project) {
            let mut stop = self.stop.subscribe();
            let projector = Arc::clone(&self.projector);
            self.tasks.spawn(async move {
                projector.run(async move { drop(stop.wait_for(|stop| *stop).await) }).await;
            });
        }
    }

    /// Brings the views to the end of the book, where this process projects: whoever looks next sees what was done here.
    pub async fn catch_up(&self) {
        if !self.runs(Role::Project) {
            return;
        }
        if let Err(error) = self.projector.catch_up(self.book).await {
            tracing::warn!(%error, "the views are behind; they follow at the next start");
        }
    }

    /// One key, made and shown once, where the book has none.
    pub async fn first_key(&self) -> Result<(), Failure> {
        if self.door.key_count().await? == 0 {
            let key = ApiKey::make(&SystemEntropy, self.mode);
            self.door.add_key(key.hash(), "first").await?;
            eprintln!("API key of this book, shown only now: {}", key.reveal());
        }
        Ok(())
    }

    /// Tells every loop to end and waits, with a bound.
    pub async fn close(mut self) {
        self.stop.send_replace(true);
        // The log's pump ends with the last handle of the writer.
        self.writer = None;
        self.bus.close().await;
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(10), all).await.is_err() {
            tracing::warn!("some loops did not end in time; what they were doing is taken up at the next start");
        }
        self.door.close().await;
    }
}

/// The currencies of all wallets.
fn currencies(connections: &[ConnectionSettings]) -> Vec<Currency> {
    connections.iter().flat_map(|connection| &connection.wallets).map(|wallet| wallet.currency).collect()
}

/// Wakes the projections of a process without the ledger by `ensimbi.log.<book>`. What they read is the book itself.
struct Listener {
    bus: Arc<dyn Bus>,
    book: BookId,
    key: [u8; 32],
}

impl Listener {
    async fn run(self, projector: Arc<Projector>, mut stop: watch::Receiver<bool>) {
        let filter = ensimbi_events::bus::log_subject(self.bus.prefix(), self.book);
        let durable = format!("project-{}", self.book);
        let mut subscription = loop {
            tokio::select! {
                subscribed = self.bus.subscribe(Stream::Log, &durable, &filter) => match subscribed {
                    Ok(subscription) => break subscription,
                    Err(error) => tracing::warn!(%error, "the projections cannot listen to the bus yet"),
                },
                _ = stop.changed() => return,
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        };
        loop {
            let batch = tokio::select! {
                batch = subscription.next_batch(LOG_BATCH) => batch,
                _ = stop.changed() => return,
            };
            let Ok(batch) = batch else { return };
            for message in batch {
                if ensimbi_bus::mac::check(&message, &self.key) {
                    projector.wake();
                    message.ack().await;
                } else {
                    tracing::error!(subject = %message.subject, "a log message that is not authentic");
                    message.term().await;
                }
            }
        }
    }
}

/// Log messages taken at a time; they only wake.
const LOG_BATCH: usize = 1_000;

/// Readiness of the rooms that run here.
pub struct Ready {
    /// The book's store.
    pub store: Arc<dyn Store>,
    /// The door.
    pub door: Arc<Door>,
    /// The projections.
    pub projector: Arc<Projector>,
    /// The bus.
    pub bus: Arc<dyn Bus>,
    /// The writer.
    pub writer: Option<Writer>,
    /// The book.
    pub book: BookId,
}

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(2);

#[async_trait]
impl Readiness for Ready {
    async fn checks(&self) -> Vec<Check> {
        let book = check("book", async {
            self.store.ping().await.map_err(|error| error.to_string())?;
            match &self.writer {
                Some(writer) if !writer.is_running() => Err("the book's writer has ended".to_owned()),
                Some(writer) if !writer.is_writing() => Err("another process writes this book; standing by".to_owned()),
                _ => Ok(()),
            }
        });
        let door = check("door", async { self.door.ping().await.map_err(|error| error.to_string()) });
        let bus = check("bus", async {
            let health = self.bus.health().await;
            if health.ok { Ok(()) } else { Err(health.detail) }
        });
        let projections = check("projections", async {
            let progress = self.projector.progress(self.book).await.map_err(|error| error.to_string())?;
            match progress.iter().find_map(|one| Some((one.projection, one.stop.as_ref()?))) {
                None => Ok(()),
                Some((name, stop)) => Err(format!("{name} stopped at position {}: {}", stop.position, stop.reason)),
            }
        });
        let (book, door, bus, projections) = tokio::join!(book, door, bus, projections);
        vec![book, door, bus, projections]
    }
}

async fn check(name: &str, ask: impl Future<Output = Result<(), String>>) -> Check {
    let answer = tokio::time::timeout(PATIENCE, ask).await.unwrap_or_else(|_| Err("no answer in time".to_owned()));
    Check { name: name.to_owned(), ok: answer.is_ok(), detail: answer.err().unwrap_or_default() }
}
