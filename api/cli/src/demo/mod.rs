//! `ensimbi demo`: the whole flow on simulated providers over real HTTP, in simulated time.
//!
//! One shared clock, moved only by the [`driver`] to the next due timer when nothing is in flight. Killed at any moment
//! and started again on the same data, it goes on: payments carry idempotency keys, the simulators keep their own books.

mod agree;
mod checkpoint;
mod driver;
mod facts;
mod invoices;
mod openings;
mod recompute;
mod report;
mod told;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use ensimbi_connectors::door::Tuning;
use ensimbi_connectors::providers;
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_connectors::simulator::SimulatedWallet;
use ensimbi_connectors::simulator::stage::{PushTarget, Running, Stage, StageClock, StagePlan};
use ensimbi_events::simtime::SimClock;
use ensimbi_events::word::Mode;
use ensimbi_events::{BookId, Clock, Entropy, ids};
use ensimbi_vault::SystemEntropy;
use tokio::net::TcpListener;
use tokio::sync::watch;

use driver::Driven;

use crate::args::DemoArgs;
use crate::exit::{Code, Failure, Outcome};
use crate::home::Home;
use crate::house::{House, Plan};
use crate::serve;
use crate::settings::{BookSettings, Settings};
use crate::simulate::{stage, start};

/// Default data folder.
const FOLDER: &str = ".ensimbi/demo";

/// Where money that is not for an invoice goes in the demo's book.
const POLICIES: [(&str, &str); 3] = [
    ("allocate.collection", "income:sales"),
    ("allocate.payout", "expenses:suppliers"),
    ("allocate.bank", "assets:bank:main"),
];

/// A simulator on its own address.
pub struct Act {
    /// Its stage.
    pub stage: &'static dyn Stage,
    /// Itself.
    pub simulator: Arc<dyn Running>,
    /// The connections that talk to it.
    pub connections: Vec<ConnectionSettings>,
}

impl Act {
    /// Account code and code of the wallet that a simulated one is.
    pub fn code_of(&self, wallet: &SimulatedWallet) -> Option<(String, String)> {
        self.connections.iter().find_map(|connection| {
            let mut own = connection.wallets.iter().filter(|own| {
                let purse = own.purse.as_deref() == wallet.purse;
                own.id == wallet.provider_id && purse && own.currency == wallet.currency
            });
            Some((connection.code().to_owned(), own.next()?.code.clone()))
        })
    }
}

/// The command.
pub async fn run(args: DemoArgs) -> Outcome {
    let home = Home::to_write(&args.home, FOLDER)?;
    let clock = Arc::new(SimClock::new(start()));
    let (stop, stopping) = watch::channel(false);
    let acts = open_stages(&home, &args, &clock, &stopping).await?;
    for act in &acts {
        clock.advance_to(act.simulator.stored_time().await.map_err(Failure::not_to_be_had)?);
    }
    let listener = serve::bind(if args.once { ([127, 0, 0, 1], 0).into() } else { args.listen }).await?;
    let address = listener.local_addr()?;
    let mut house = House::build(&home, plan(&home, &acts, args.seed, &clock)?).await?;
    push_targets(&acts, house.book, &address.to_string())?;
    if !args.once {
        house.first_key().await?;
    }
    house.start();
    let served = tokio::spawn(serve::serve(listener, serve::router(&house, &[], clock.clone()), stopping));
    let driven = driver::Driver { args: &args, house: &house, acts: &acts, clock: &clock }.run().await;
    let code = match driven {
        Ok(driven) => finish(&args, &home, &house, &acts, driven, &address.to_string()).await,
        Err(failure) => Err(failure),
    };
    if !args.once && code.is_ok() {
        serve::ctrl_c().await;
    }
    stop.send_replace(true);
    house.close().await;
    drop(served.await);
    code
}

async fn open_stages(
    home: &Home,
    args: &DemoArgs,
    clock: &Arc<SimClock>,
    stopping: &watch::Receiver<bool>,
) -> Result<Vec<Act>, Failure> {
    let folder = home.simulators()?;
    let mut acts = Vec::new();
    for name in &args.provider {
        stage(name)?;
    }
    let named = |name: &str| args.provider.iter().any(|one| one == name);
    let plays = |stage: &dyn Stage| if args.provider.is_empty() { stage.in_demo() } else { named(stage.provider()) };
    for stage in providers::stages().iter().filter(|stage| plays(**stage)) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let plan = StagePlan {
            file: folder.join([stage.provider(), ".db"].concat()),
            clock: StageClock::Given(clock.clone() as Arc<dyn Clock>),
            seed: args.seed,
            faults: !args.calm,
        };
        let simulator = stage.open_funded(plan).await.map_err(Failure::wrong)?;
        tokio::spawn(Arc::clone(&simulator).serve(listener, stopping.clone()));
        let connections = simulator.connections(&base_url);
        acts.push(Act { stage: *stage, simulator, connections });
    }
    Ok(acts)
}

fn plan(home: &Home, acts: &[Act], seed: u64, clock: &Arc<SimClock>) -> Result<Plan, Failure> {
    let settings = Settings {
        book: BookSettings {
            tenant: "demo".to_owned(),
            mode: Mode::Test,
            time_zone: "Africa/Kampala".to_owned(),
            policies: POLICIES.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        },
        connections: acts.iter().flat_map(|act| act.connections.iter().cloned()).collect(),
    };
    Ok(Plan {
        settings,
        roles: Vec::new(),
        clock: clock.clone(),
        book: Some(book_of(home, seed, clock.as_ref())?),
        allow_live: false,
        alone: true,
        waits: false,
        // Simulated time waits for every answer, so a lost one is asked for again soon.
        tuning: Tuning {
            resend_after: Duration::from_millis(300),
            resend_max: Duration::from_secs(2),
            ..Tuning::default()
        },
    })
}

/// The demo's book belongs to the simulators' books in the same folder, also where a database holds other books.
///
/// Embedded, its id follows from the seed, and with it every reference and draw: one seed, one run. A database may hold
/// the book of an earlier folder with the same seed, so there it is random.
fn book_of(home: &Home, seed: u64, clock: &dyn Clock) -> Result<BookId, Failure> {
    let folder = &home.folder;
    let file = folder.join("book");
    match std::fs::read_to_string(&file) {
        Ok(text) => text
            .trim()
            .parse()
            .map_err(|_| Failure::wrong(format!("{}: expected the id of the demo's book", file.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let entropy: &dyn Entropy = if home.is_embedded() { &Seeded(seed) } else { &SystemEntropy };
            let book = BookId(ensimbi_events::ports::new_uuid(clock, entropy));
            let part = folder.join("book.part");
            let mut out = std::fs::File::create(&part)?;
            out.write_all(book.to_string().as_bytes())?;
            out.sync_all()?;
            std::fs::rename(&part, &file)?;
            Ok(book)
        }
        Err(error) => Err(error.into()),
    }
}

/// The same bytes for the same seed.
struct Seeded(u64);

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        let hash = ids::Derivation::new("ensimbi.demo.1").part(&self.0.to_be_bytes()).hash();
        for (byte, drawn) in bytes.iter_mut().zip(hash.iter().cycle()) {
            *byte = *drawn;
        }
    }
}

/// Registers every connection's webhook at its provider, as a person would in the portal.
fn push_targets(acts: &[Act], book: BookId, address: &str) -> Result<(), Failure> {
    for act in acts {
        for connection in &act.connections {
            let id = ids::connection_id(book, &connection.provider, &connection.account);
            let target = PushTarget::of(connection, format!("http://{address}/webhooks/{id}"));
            act.simulator.push_to(target).map_err(Failure::wrong)?;
        }
    }
    Ok(())
}

/// Compares and prints.
async fn finish(args: &DemoArgs, home: &Home, house: &House, acts: &[Act], driven: Driven, address: &str) -> Outcome {
    let result = agree::compare(args, house, acts, driven).await?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", report::json(&result))?;
    } else {
        write!(out, "{}", report::tables(&result))?;
        write!(out, "{}", report::where_next(args, home, address))?;
    }
    out.flush()?;
    Ok(if result.ok() { Code::Done } else { Code::Disagrees })
}
