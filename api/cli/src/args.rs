//! The command line.

mod connectors;
mod questions;
mod retranslate;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use ensimbi_api::exports::{Kind, Table};
use ensimbi_events::BookId;

pub use connectors::{ConnectorsArgs, ConnectorsCommand, NewArgs, ReadArgs};
pub use questions::{
    AxesArgs, DiscrepanciesArgs, DiscrepancyCommand, ExplainArgs, FeesArgs, InvoicesArgs, OpenItemsArgs, OutArgs,
    PaymentsArgs, ResolveArgs, StatementArgs, TrialBalanceArgs, WalletsArgs,
};
pub use retranslate::RetranslateArgs;

/// A payments ledger that proves itself.
#[derive(Debug, Parser)]
#[command(name = "ensimbi", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the whole flow on simulated providers, in simulated time, and shows that the books agree.
    Demo(DemoArgs),
    /// Serves webhooks and the query API, and runs the rooms behind them.
    Serve(ServeArgs),
    /// Serves a provider's simulator over HTTP.
    Simulate(SimulateArgs),
    /// Recomputes every book from its leaves and names the first bad position.
    Verify(VerifyArgs),
    /// Rebuilds projections beside the serving ones, compares, and switches.
    Rebuild(RebuildArgs),
    /// Takes raw provider bytes from files, as evidence brought by a person.
    Import(ImportArgs),
    /// Writes a book out.
    Export(ExportArgs),
    /// Writes a commented configuration and a master key into a new data folder.
    Init(InitArgs),
    /// Checks configuration, keys, databases, bus, book and provider accounts, and says what to do.
    Doctor(DoctorArgs),
    /// Says everything behind a payment: raw bytes, claims, events with lines, balances moved.
    Explain(ExplainArgs),
    /// Reports fees, by component or by what is asked for, beside volume, rate and the fee accounts.
    Fees(FeesArgs),
    /// Shows an account's or a wallet's lines with a running balance.
    Statement(Box<StatementArgs>),
    /// Shows every account's debits and credits.
    TrialBalance(TrialBalanceArgs),
    /// Lists wallets with their balances.
    Wallets(WalletsArgs),
    /// Lists payments, refunds, payouts and transfers, or shows one.
    Payments(PaymentsArgs),
    /// Lists invoices, shows one, or what is owed by age.
    Invoices(InvoicesArgs),
    /// Lists what contradicts itself, shows one, or resolves it.
    Discrepancies(Box<DiscrepanciesArgs>),
    /// Lists what waits on clearing, dispute, receivable and suspense accounts, with its age.
    OpenItems(OpenItemsArgs),
    /// Reads all stored bytes with today's translators, and compares with what is recorded.
    Retranslate(RetranslateArgs),
    /// Lists, makes and ends API keys of a book.
    Keys(KeysArgs),
    /// Lists what each connector offers, or checks one in the source.
    Connectors(ConnectorsArgs),
}

/// Where the house keeps its things.
#[derive(Debug, Clone, Args)]
pub struct HomeArgs {
    /// Data folder (default: .ensimbi; the demo: .ensimbi/demo).
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Configuration file (default: ensimbi.toml in the data folder).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// PostgreSQL instead of the embedded files.
    #[arg(long, value_name = "URL", env = "ENSIMBI_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// NATS JetStream instead of the in-process bus.
    #[arg(long, value_name = "URL", env = "ENSIMBI_NATS_URL", hide_env_values = true)]
    pub nats_url: Option<String>,
    /// Prefix of the bus's subjects and streams.
    #[arg(long, value_name = "WORD", env = "ENSIMBI_NATS_PREFIX", default_value = "ensimbi")]
    pub nats_prefix: String,
    /// File with the master key (default: master.key in the data folder, made if absent when embedded).
    #[arg(long, value_name = "FILE", env = "ENSIMBI_MASTER_KEY_FILE")]
    pub master_key_file: Option<PathBuf>,
    /// Which book, where there are several.
    #[arg(long, value_name = "ID")]
    pub book: Option<BookId>,
}

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    /// How many payments.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub payments: u32,
    /// Seed of everything that is drawn.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// End after the run instead of serving on.
    #[arg(long)]
    pub once: bool,
    /// No faults: a provider as good as its word.
    #[arg(long)]
    pub calm: bool,
    /// Which providers play (all but the fictional one by default). Repeatable.
    #[arg(long, value_name = "NAME")]
    pub provider: Vec<String>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub json: bool,
    /// Where to serve after the run.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Empties the in-process bus at random moments, as a crash of it would.
    #[arg(long)]
    pub lose_bus: bool,
}

/// `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Which rooms this process runs; all of them by default. Repeatable.
    #[arg(long, value_enum)]
    pub role: Vec<Role>,
    /// Lets live provider accounts into books of format 0, whose bytes are not frozen yet.
    #[arg(long)]
    pub allow_live_format_0: bool,
}

/// A part of the house that can run in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Webhooks, poller, commands, relay.
    Door,
    /// The book's writer.
    Ledger,
    /// Projections.
    Project,
    /// The query API.
    Api,
}

/// `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Which provider.
    pub provider: String,
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8091")]
    pub listen: SocketAddr,
    /// Data folder; the simulator keeps its own file in simulators/.
    #[arg(long, value_name = "DIR", default_value = ".ensimbi")]
    pub data: PathBuf,
    /// A simulated clock that only `POST /_sim/clock` moves.
    #[arg(long)]
    pub simulated_clock: bool,
    /// Seed of the faults.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Switches every fault on at its usual rate.
    #[arg(long)]
    pub faults: bool,
    /// Where callbacks go.
    #[arg(long, value_name = "URL")]
    pub callback_url: Option<String>,
    /// Their static header, as NAME:VALUE.
    #[arg(long, value_name = "NAME:VALUE", env = "ENSIMBI_SIMULATOR_CALLBACK_HEADER", hide_env_values = true)]
    pub callback_header: Option<String>,
}

/// `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    /// One JSON document on stdout.
    #[arg(long)]
    pub json: bool,
}

/// `rebuild`.
#[derive(Debug, Args)]
pub struct RebuildArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    /// Only this projection.
    pub projection: Option<String>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub json: bool,
}

/// `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    /// Files with the raw bytes, one body each.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The connection, by slug or id.
    #[arg(long, value_name = "SLUG|ID")]
    pub connection: String,
    /// What kind of bytes they are, in the connector's word.
    #[arg(long)]
    pub kind: String,
    /// Who brings them: an id, never a name.
    #[arg(long, default_value = "cli")]
    pub actor: String,
    /// Lets live provider accounts into books of format 0, whose bytes are not frozen yet.
    #[arg(long)]
    pub allow_live_format_0: bool,
    /// One JSON document on stdout.
    #[arg(long)]
    pub json: bool,
}

/// `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    /// What to write: `leaves` (a CBOR sequence of byte strings, one a leaf), `csv` (one table), `hledger` or `beancount`
    /// (the book as a journal), `xlsx` (a workbook), `parquet` (one table; only where it was built in).
    #[arg(value_parser = words(Kind::ALL.iter().map(|kind| kind.as_str())))]
    pub kind: String,
    /// Of `csv` and `parquet`: which table.
    #[arg(long, value_name = "NAME", value_parser = words(Table::ALL.iter().map(|table| table.as_str())))]
    pub table: Option<String>,
    /// Of `csv`: the form that is safe to open in a spreadsheet; the other one is exact.
    #[arg(long)]
    pub spreadsheet: bool,
    /// The file; appears under its name only when it is whole. Without it the bytes go to stdout.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Takes one of some words.
fn words(all: impl Iterator<Item = &'static str>) -> PossibleValuesParser {
    PossibleValuesParser::new(all.collect::<Vec<_>>())
}

/// `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    #[command(flatten)]
    pub home: HomeArgs,
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    #[command(flatten)]
    pub out: OutArgs,
    /// Also asks every provider for something that moves no money, so that credentials are tried.
    #[arg(long)]
    pub online: bool,
    /// Takes live provider accounts in books of format 0 for meant.
    #[arg(long)]
    pub allow_live_format_0: bool,
}

/// `keys`.
#[derive(Debug, Args)]
pub struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What can be done with API keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Lists the keys of the book, by id; nobody can see the keys themselves.
    List {
        #[command(flatten)]
        home: HomeArgs,
        #[command(flatten)]
        out: OutArgs,
    },
    /// Makes a key and shows it once.
    Add {
        #[command(flatten)]
        home: HomeArgs,
        #[command(flatten)]
        out: OutArgs,
        /// Only for the observations of this connection, one from outside; the key opens nothing else.
        #[arg(long, value_name = "SLUG|ID")]
        connection: Option<String>,
        /// What it is for, in 1 to 100 characters.
        label: String,
    },
    /// Ends a key at once.
    Revoke {
        #[command(flatten)]
        home: HomeArgs,
        #[command(flatten)]
        out: OutArgs,
        /// The key's id, or at least 8 characters of its beginning.
        id: String,
    },
}
