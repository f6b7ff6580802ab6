//! A private PostgreSQL (15 or newer) for the tests.
//!
//! Order: the server named in the environment; the newest binaries on the machine; Debian's package, as root. The
//! private one listens on 127.0.0.1 only, trusts its caller, keeps `fsync` on (the product refuses a database without
//! it) and never runs as root, which PostgreSQL refuses.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::servers::{DATABASE_URL, Servers, free_port, tail};
use crate::tools;

const OLDEST: u32 = 15;
const START_ATTEMPTS: u32 = 3;
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Every test has its own database and pool, and they run side by side.
const MAX_CONNECTIONS: &str = "max_connections=300";

const HELP: &str = "install PostgreSQL 15 or newer (Debian: apt-get install postgresql), or start one, for example \
    with `docker compose up -d postgres`, and set ENSIMBI_TEST_DATABASE_URL to a superuser's URL of it";

/// Makes sure that the tests have a PostgreSQL.
pub fn provide(servers: &mut Servers) -> Result<()> {
    if servers.given(DATABASE_URL, 5432)? {
        return Ok(());
    }
    let (bin, version) = match newest() {
        Some(found) => found,
        None => {
            tools::apt_install("postgresql").context(HELP)?;
            newest().with_context(|| format!("the package `postgresql` here is older than {OLDEST}; {HELP}"))?
        }
    };
    for attempt in 1.. {
        match start(servers, &bin, attempt) {
            Ok(port) => {
                let note = format!("PostgreSQL {version} on port {port}, from {}", bin.display());
                servers.found(DATABASE_URL, format!("postgres://postgres@127.0.0.1:{port}/postgres"), note);
                return Ok(());
            }
            // Another process can take the port between our look and the server's start.
            Err(error) if attempt < START_ATTEMPTS => eprintln!("xtask: PostgreSQL: {error:#}; once more"),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The folder with the newest server binaries that are new enough, and their version.
fn newest() -> Option<(PathBuf, String)> {
    // The last of the newest wins: the package's own folder, before links to it on PATH.
    let mut folders = tools::path_folders();
    if let Ok(majors) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(majors.flatten().map(|entry| entry.path().join("bin")));
    }
    folders
        .into_iter()
        .filter(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
        .filter_map(|bin| {
            let text = tools::output(Command::new(bin.join("postgres")).arg("--version")).ok()?;
            // "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"
            let version = text.split(") ").nth(1)?.split_whitespace().next()?.to_owned();
            let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
            Some((digits.parse::<u32>().ok()?, bin, version))
        })
        .filter(|(major, _, _)| *major >= OLDEST)
        .max_by_key(|(major, _, _)| *major)
        .map(|(_, bin, version)| (bin, version))
}

/// Makes a cluster, starts it and waits until it takes connections; returns its port.
fn start(servers: &mut Servers, bin: &Path, attempt: u32) -> Result<u16> {
    let folder = servers.folder(&format!("postgres-{attempt}"))?;
    let log = folder.with_extension("log");
    let data = folder.join("data");
    let user = Unprivileged::pick()?;
    user.give(&folder)?;
    let initdb = user
        .command(&bin.join("initdb"))
        .arg("-D")
        .arg(&data)
        .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions"])
        .current_dir(&folder)
        .output()
        .context("cannot run initdb")?;
    if !initdb.status.success() {
        bail!("initdb failed: {}\n{HELP}", String::from_utf8_lossy(&initdb.stderr).trim());
    }
    let port = free_port()?;
    let mut command = user.command(&bin.join("postgres"));
    command.arg("-D").arg(&data).arg("-k").arg(&folder).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
    command.args(["-c", "fsync=on", "-c", "full_page_writes=on", "-c", "synchronous_commit=on"]);
    command.args(["-c", MAX_CONNECTIONS, "-c", "timezone=UTC"]).current_dir(&folder);
    servers.spawn("PostgreSQL", &mut command, &log)?;

    let pid_file = data.join("postmaster.pid");
    let began = Instant::now();
    loop {
        // The eighth line of this file is the state; the server writes "ready" when it takes connections.
        let state = std::fs::read_to_string(&pid_file).unwrap_or_default();
        if state.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
            return Ok(port);
        }
        if let Some(status) = servers.last_ended()? {
            bail!("PostgreSQL ended at once ({status}):\n{}", tail(&log));
        }
        if began.elapsed() > START_TIMEOUT {
            bail!("PostgreSQL was not ready after {} s:\n{}", START_TIMEOUT.as_secs(), tail(&log));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whom the server runs as: ourselves, or, since it refuses root, `postgres` or `nobody`.
struct Unprivileged {
    ids: Option<(u32, u32)>,
}

impl Unprivileged {
    fn pick() -> Result<Self> {
        if !tools::is_root()? {
            return Ok(Self { ids: None });
        }
        for name in ["postgres", "nobody"] {
            let id = |flag| -> Option<u32> {
                tools::output(Command::new("id").args([flag, name])).ok()?.trim().parse().ok()
            };
            if let (Some(user), Some(group)) = (id("-u"), id("-g")) {
                return Ok(Self { ids: Some((user, group)) });
            }
        }
        bail!("PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody`; {HELP}")
    }

    fn give(&self, folder: &Path) -> Result<()> {
        let Some((user, group)) = self.ids else { return Ok(()) };
        std::os::unix::fs::chown(folder, Some(user), Some(group)).context("cannot hand over the data folder")
    }

    fn command(&self, program: &Path) -> Command {
        let Some((user, group)) = self.ids else { return Command::new(program) };
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--clear-groups").arg(program);
        command
    }
}
