//! `ensimbi serve`: webhooks and the query API on one address, and the rooms behind them.

use std::sync::Arc;

use axum::Router;
use ensimbi_api::ApiState;
use ensimbi_connectors::door::Tuning;
use ensimbi_events::Clock;
use ensimbi_events::commands::Commands;
use ensimbi_events::ports::{ApiKeys, BookReader, Readiness};
use ensimbi_projections::{ViewStore, Views};
use ensimbi_vault::SystemEntropy;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::args::{Role, ServeArgs};
use crate::clock::SystemClock;
use crate::exit::{Code, Failure, Outcome};
use crate::home::Home;
use crate::house::{House, Plan, Ready};
use crate::settings::Settings;

/// The command.
pub async fn run(args: ServeArgs) -> Outcome {
    let home = Home::to_write(&args.home, ".ensimbi")?;
    if !args.role.is_empty() && (home.is_embedded() || args.home.nats_url.is_none()) {
        return Err(Failure::wrong("--role: roles in processes of their own need --database-url and --nats-url"));
    }
    let settings = Settings::read(&home.config_file(), args.home.config.is_some())?;
    let listener = bind(args.listen).await?;
    let plan = Plan {
        settings,
        roles: args.role.clone(),
        clock: Arc::new(SystemClock),
        book: None,
        allow_live: args.allow_live_format_0,
        alone: home.is_embedded(),
        waits: true,
        tuning: Tuning::default(),
    };
    let mut house = House::build(&home, plan).await?;
    house.first_key().await?;
    house.start();
    for warning in house.bus.health().await.warnings {
        tracing::warn!("{warning}");
    }
    let stop = until_interrupted();
    eprintln!("book {} is served on http://{}", house.book, listener.local_addr()?);
    for (slug, path) in house.door.webhook_paths() {
        eprintln!("connection {slug}: POST {path}");
    }
    let router = router(&house, &args.role, Arc::new(SystemClock));
    let served = serve(listener, router, stop).await;
    house.close().await;
    served?;
    Ok(Code::Done)
}

/// Binds an address, or says which could not be had.
pub async fn bind(address: std::net::SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| Failure::not_to_be_had(format!("--listen {address}: {error}")))
}

/// The routes of the rooms that run here; health and readiness everywhere.
pub fn router(house: &House, roles: &[Role], clock: Arc<dyn Clock>) -> Router {
    let has = |role| roles.is_empty() || roles.contains(&role);
    let ports = Ports {
        reader: Arc::clone(&house.store) as Arc<dyn BookReader>,
        views: house.projector.store().clone(),
        // Where the door's loops do not run, nobody would carry a command on.
        commands: has(Role::Door).then(|| Arc::clone(&house.door) as Arc<dyn Commands>),
        keys: Arc::clone(&house.door) as Arc<dyn ApiKeys>,
        readiness: Arc::new(Ready {
            store: Arc::clone(&house.store),
            door: Arc::clone(&house.door),
            projector: Arc::clone(&house.projector),
            bus: Arc::clone(&house.bus),
            writer: house.writer.clone(),
            book: house.book,
        }),
        clock,
    };
    let api =
        if has(Role::Api) { ensimbi_api::router(ports.state()) } else { ensimbi_api::health_router(ports.state()) };
    if has(Role::Door) {
        // The door's own limits and problems stand before the API's fallback.
        return house.door.router().fallback_service(api);
    }
    api
}

/// What the API is built from, wherever it is asked.
pub struct Ports {
    /// The log.
    pub reader: Arc<dyn BookReader>,
    /// Where the views' rows are.
    pub views: ViewStore,
    /// The door, where commands can be taken.
    pub commands: Option<Arc<dyn Commands>>,
    /// Which key opens which book.
    pub keys: Arc<dyn ApiKeys>,
    /// Whether the house can work.
    pub readiness: Arc<dyn Readiness>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Ports {
    /// The API's state: one set of views behind all its ports.
    pub fn state(self) -> ApiState {
        let views = Arc::new(Views::new(self.views));
        ApiState {
            reader: self.reader,
            wallets: views.clone(),
            payments: views.clone(),
            fees: views.clone(),
            accounts: views.clone(),
            invoices: views.clone(),
            discrepancies: views.clone(),
            open_items: views.clone(),
            rows: views,
            commands: self.commands,
            keys: self.keys,
            readiness: self.readiness,
            clock: self.clock,
            entropy: Arc::new(SystemEntropy),
        }
    }
}

/// Serves until told to stop; requests on their way are finished.
pub async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) -> Result<(), Failure> {
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { drop(stop.wait_for(|stop| *stop).await) })
        .await
        .map_err(|error| Failure::not_to_be_had(format!("the HTTP server ended: {error}")))
}

/// Turns true at the first Ctrl-C or SIGTERM. Both are listened for from this call on, not from some later moment.
pub fn until_interrupted() -> watch::Receiver<bool> {
    let (stop, stopping) = watch::channel(false);
    let signals = signals();
    tokio::spawn(async move {
        first_of(signals).await;
        stop.send_replace(true);
    });
    stopping
}

/// Ctrl-C or SIGTERM.
pub async fn ctrl_c() {
    first_of(signals()).await;
}

/// Interrupt and termination; one that cannot be listened to is left to the system's default.
fn signals() -> [Option<Signal>; 2] {
    [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok())
}

async fn first_of(signals: [Option<Signal>; 2]) {
    let [interrupt, terminate] = signals.map(|signal| async move {
        match signal {
            Some(mut signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    });
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
