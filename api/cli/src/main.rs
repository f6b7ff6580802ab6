//! `ensimbi`: the one binary, where all rooms meet. stdout carries results, stderr the rest.

mod args;
mod ask;
mod clock;
mod connectors;
mod demo;
mod doctor;
mod exit;
mod export;
mod home;
mod house;
mod import;
mod init;
mod keys;
mod opening;
mod output;
mod rebuild;
mod retranslate;
mod serve;
mod settings;
mod simulate;
mod verify;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Command};
use crate::exit::{Code, Outcome};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // One TLS provider for the whole process; a second one would only be noticed at the first handshake.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        eprintln!("error: the TLS provider was installed twice");
        return Code::Wrong.into();
    }
    let filter = EnvFilter::try_from_env("ENSIMBI_LOG").unwrap_or_else(|_| EnvFilter::new(default_filter(&cli)));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime cannot start: {error}");
            return Code::NotToBeHad.into();
        }
    };
    match runtime.block_on(dispatch(cli.command)) {
        Ok(code) => code.into(),
        Err(failure) => {
            eprintln!("error: {:#}", failure.error);
            failure.code.into()
        }
    }
}

/// The demo provokes faults on purpose: its warnings would drown the picture.
fn default_filter(cli: &Cli) -> &'static str {
    match cli.command {
        Command::Demo(_) => "off",
        Command::Serve(_) | Command::Simulate(_) => "info,sqlx=warn",
        _ => "warn",
    }
}

async fn dispatch(command: Command) -> Outcome {
    match command {
        Command::Demo(args) => demo::run(args).await,
        Command::Serve(args) => serve::run(args).await,
        Command::Simulate(args) => simulate::run(args).await,
        Command::Verify(args) => verify::run(args).await,
        Command::Rebuild(args) => rebuild::run(args).await,
        Command::Import(args) => import::run(args).await,
        Command::Export(args) => export::run(args).await,
        Command::Init(args) => init::run(&args),
        Command::Doctor(args) => doctor::run(args).await,
        Command::Explain(args) => ask::explain(args).await,
        Command::Fees(args) => ask::fees(args).await,
        Command::Statement(args) => ask::statement(*args).await,
        Command::TrialBalance(args) => ask::trial_balance(args).await,
        Command::Wallets(args) => ask::wallets(args).await,
        Command::Payments(args) => ask::payments(args).await,
        Command::Invoices(args) => ask::invoices(args).await,
        Command::Discrepancies(args) => ask::discrepancies(*args).await,
        Command::OpenItems(args) => ask::open_items(args).await,
        Command::Retranslate(args) => retranslate::run(args).await,
        Command::Keys(args) => keys::run(args).await,
        Command::Connectors(args) => connectors::run(args).await,
    }
}
