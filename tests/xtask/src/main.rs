//! `cargo xtask`: the tasks around the code.
//!
//! - `test [-- ARGS]` finds or installs PostgreSQL and two nats-servers, starts private ones, runs every test, counts
//!   the ones that used a server, and stops everything.
//! - `servers` starts the same servers and prints `export` lines for manual runs, until it is interrupted.
//! - `lines` prints how many lines each connector is written by hand.
//! - `ci-tools` installs the checkers that the CI run needs and prints their folder.
//!
//! Nothing is skipped in silence: what cannot be had ends the command with a sentence that says what to do.

mod lines;
mod nats;
mod postgres;
mod run;
mod servers;
mod tools;

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage:
  cargo xtask test [-- ARGS]   run the whole suite; ARGS go to nextest (or cargo test) as filters
  cargo xtask servers          start the test servers, print export lines, wait for Ctrl-C
  cargo xtask lines            print the lines of each connector, without and with its simulator
  cargo xtask ci-tools         install cargo-deny and print the folder to put on PATH";

fn main() -> ExitCode {
    match dispatch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let task = args.next();
    let rest: Vec<String> = args.collect();
    match task.as_deref() {
        Some("test") => run::test(rest.strip_prefix(&["--".to_owned()]).unwrap_or(&rest)),
        Some("servers") if rest.is_empty() => servers(),
        Some("lines") if rest.is_empty() => say(&lines::table()?),
        Some("ci-tools") if rest.is_empty() => say(&tools::cargo_deny()?.display().to_string()),
        Some("help" | "--help" | "-h") => say(USAGE),
        _ => bail!("unknown task\n{USAGE}"),
    }
}

/// Starts the servers, prints how to reach them and waits; the interrupt ends this process, and the reaper the servers.
fn servers() -> Result<()> {
    let mut servers = servers::Servers::start()?;
    for (name, value) in servers.env() {
        say(&format!("export {name}='{value}'"))?;
    }
    for note in servers.notes() {
        eprintln!("xtask: {note}");
    }
    eprintln!("xtask: servers are up; Ctrl-C stops them and deletes their data");
    servers.wait()
}

/// The result of a task, on standard output.
fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("cannot write to standard output")
}
