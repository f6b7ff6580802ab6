//! The set of private test servers and their end.
//!
//! Every way to end must stop the servers and delete their data: success, failure, panic, Ctrl-C, even SIGKILL. So the
//! stopping is done by a small shell process (the reaper) in its own process group. It is told the process ids through a
//! pipe; when the pipe closes, because we dropped it or because we are gone, it interrupts the servers, waits at most
//! ten seconds, kills what is left, and removes the folder.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::{nats, postgres};

/// Where the tests find PostgreSQL; set by the caller, it is used as it is.
pub const DATABASE_URL: &str = "ENSIMBI_TEST_DATABASE_URL";
/// Where the tests find the floor nats-server (Debian's).
pub const NATS_URL: &str = "ENSIMBI_TEST_NATS_URL";
/// Where the tests find a current nats-server (2.1x).
pub const NATS_URL_CURRENT: &str = "ENSIMBI_TEST_NATS_URL_CURRENT";

const REAPER: &str = r#"
pids=""
while read -r pid; do pids="$pids $pid"; done
for pid in $pids; do kill -INT "$pid" 2>/dev/null; done
tries=0
for pid in $pids; do
  while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 100 ]; do tries=$((tries + 1)); sleep 0.1; done
  kill -KILL "$pid" 2>/dev/null
done
rm -rf -- "$1"
"#;

/// The running servers; dropping it stops them and deletes their data.
pub struct Servers {
    children: Vec<(&'static str, Child)>,
    env: Vec<(&'static str, String)>,
    notes: Vec<String>,
    pipe: Option<ChildStdin>,
    reaper: Child,
    dir: TempDir,
}

impl Servers {
    /// Finds, installs where possible, and starts what the environment does not already name.
    pub fn start() -> Result<Self> {
        let dir =
            tempfile::Builder::new().prefix("ensimbi-test-").tempdir().context("cannot make a temporary folder")?;
        // The database server runs as another user and must be able to pass through.
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o711))?;
        let mut reaper = Command::new("sh")
            .args(["-c", REAPER, "reaper"])
            .arg(dir.path())
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("cannot start sh")?;
        let pipe = reaper.stdin.take();
        let mut servers = Self { children: Vec::new(), env: Vec::new(), notes: Vec::new(), pipe, reaper, dir };
        postgres::provide(&mut servers)?;
        nats::provide(&mut servers)?;
        Ok(servers)
    }

    /// The variables that lead the tests to the servers.
    pub fn env(&self) -> &[(&'static str, String)] {
        &self.env
    }

    /// One line for each server: what it is and where it comes from.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Makes a folder of the private data under this name.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.dir.path().join(name);
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }

    /// Records where a server is and what it is.
    pub fn found(&mut self, variable: &'static str, url: String, note: String) {
        self.notes.push(note);
        self.env.push((variable, url));
    }

    /// Uses the server that the caller named in the environment, if any, after knocking at its door.
    pub fn given(&mut self, variable: &'static str, default_port: u16) -> Result<bool> {
        let Ok(url) = std::env::var(variable) else { return Ok(false) };
        let address = host_and_port(&url, default_port).with_context(|| format!("{variable} is not a server URL"))?;
        std::net::TcpStream::connect(&address)
            .with_context(|| format!("{variable} is set, but nothing answers at {address}; start it or unset it"))?;
        let note = format!("{address}, from {variable}");
        self.found(variable, url, note);
        Ok(true)
    }

    /// Starts a server in its own process group, so that only the reaper interrupts it.
    pub fn spawn(&mut self, name: &'static str, command: &mut Command, log: &Path) -> Result<()> {
        let log = std::fs::File::create(log).context("cannot make a log file")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let pid = child.id();
        self.children.push((name, child));
        let pipe = self.pipe.as_mut().context("the reaper has no pipe")?;
        writeln!(pipe, "{pid}").context("the reaper is gone")
    }

    /// How the server started last ended, if it did.
    pub fn last_ended(&mut self) -> Result<Option<ExitStatus>> {
        let Some((_, child)) = self.children.last_mut() else { return Ok(None) };
        Ok(child.try_wait()?)
    }

    /// Waits until a server ends, which is an error, or until this process is interrupted.
    pub fn wait(&mut self) -> Result<()> {
        loop {
            for (name, child) in &mut self.children {
                if let Some(status) = child.try_wait()? {
                    bail!("{name} ended by itself: {status}");
                }
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.pipe.take());
        for (_, child) in &mut self.children {
            // Collect it, or the reaper would wait for its remains.
            let _ = child.wait();
        }
        let _ = self.reaper.wait();
    }
}

/// A port of the loopback address that was free a moment ago.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot open a port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// `host:port` of a URL, without user, password and path, so that it can be printed.
fn host_and_port(url: &str, default_port: u16) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let after_brackets = host.rsplit_once(']').map_or(host, |(_, port)| port);
    if host.is_empty() {
        return None;
    }
    Some(if after_brackets.contains(':') { host.to_owned() } else { format!("{host}:{default_port}") })
}

/// The last lines of a server's log, for an error message.
pub fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::host_and_port;

    #[test]
    fn an_address_is_printed_without_its_password() {
        assert_eq!(host_and_port("postgres://me:se%40cret@db/x?y=z", 5432).as_deref(), Some("db:5432"));
        assert_eq!(host_and_port("nats://127.0.0.1:4223", 4222).as_deref(), Some("127.0.0.1:4223"));
        assert_eq!(host_and_port("nats://[::1]", 4222).as_deref(), Some("[::1]:4222"));
        assert_eq!(host_and_port("nats", 4222), None);
    }
}
