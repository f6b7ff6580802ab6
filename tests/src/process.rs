//! The product as a process: run to its end, or serve until it is dropped.
//!
//! Every process gets a clean environment as far as Ensimbi goes, so that a test says everything itself; and a bound, so
//! that a hang is a failure with what the process said last.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::ensimbi_bin;

/// Longest run of one command, in real time.
const PATIENCE: Duration = Duration::from_secs(150);
/// Longest start of a server.
const START: Duration = Duration::from_secs(40);
const SERVED: &str = " is served on ";
const KEY: &str = "API key of this book, shown only now: ";

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// Fails unless it ended with this code.
    ///
    /// # Panics
    /// With everything it said.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Its one JSON document.
    ///
    /// # Panics
    /// Where standard output is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}\nstdout: {}\nstderr: {}", self.stdout, self.stderr))
    }
}

/// The binary with these arguments, without any of our variables, killed when it is dropped.
pub fn command<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(ensimbi_bin());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ENSIMBI_")) {
        command.env_remove(name);
    }
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs a command to its end.
///
/// # Panics
/// When it does not start, or does not end in time.
pub async fn run<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Ran {
    let child = command(args).spawn().expect("the ensimbi binary does not start");
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    let output = output.expect("the command did not end in time").expect("the command's output broke off");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Starts a command, lets it run for a while, and kills it (SIGKILL) unless it has ended by itself.
///
/// # Panics
/// When it does not start.
pub async fn run_for<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>, delay: Duration) -> Option<Ran> {
    let mut child = command(args).spawn().expect("the ensimbi binary does not start");
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let read = async {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        if let (Some(out), Some(err)) = (&mut out, &mut err) {
            let _ = tokio::join!(out.read_to_string(&mut stdout), err.read_to_string(&mut stderr));
        }
        (stdout, stderr)
    };
    match timeout(delay, read).await {
        Ok((stdout, stderr)) => {
            let status: ExitStatus = child.wait().await.expect("the command is gone");
            Some(Ran { code: status.code(), stdout, stderr })
        }
        Err(_) => {
            child.start_kill().expect("the command cannot be killed");
            child.wait().await.expect("the command is gone");
            None
        }
    }
}

/// A process that serves; killed when it is dropped.
#[derive(Debug)]
pub struct Serving {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    /// The book it serves.
    pub book: String,
    /// The API key, if this start made one.
    pub key: Option<String>,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Serving {
    /// Starts `ensimbi serve` on a free port with these further arguments, and waits until it serves.
    ///
    /// # Panics
    /// With what it said, when it ends or takes too long.
    pub async fn start<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Self {
        let mut command = command(["serve", "--listen", "127.0.0.1:0"]);
        command.args(args).stdout(Stdio::null());
        let mut child = command.spawn().expect("the ensimbi binary does not start");
        let stderr = child.stderr.take().expect("the child was started with a pipe");
        let log = Arc::new(Mutex::new(Vec::new()));
        let (found, mut served) = tokio::sync::mpsc::channel(1);
        let kept = Arc::clone(&log);
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let place = line.strip_prefix("book ").and_then(|rest| rest.split_once(SERVED));
                let place = place.map(|(book, url)| (book.to_owned(), url.to_owned()));
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                if let Some(place) = place {
                    let _ = found.send(place).await;
                }
            }
        });
        let place = timeout(START, served.recv()).await.ok().flatten();
        let said = log.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some((book, url)) = place else { panic!("it does not serve:\n{}", said.join("\n")) };
        let key = said.iter().find_map(|line| Some(line.strip_prefix(KEY)?.to_owned()));
        Self { url, book, key, child, log }
    }

    /// What it has said on standard error up to now.
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().expect("the process was stopped before").to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status().await;
        assert!(told.is_ok_and(|status| status.success()), "kill does not work");
        let status = timeout(Duration::from_secs(25), self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("it does not stop:\n{}", self.log()));
        status.ok().and_then(|status| status.code())
    }
}

/// Runs one of the specification's Python programs on a file and gives what it says.
///
/// # Panics
/// When it fails.
pub async fn python(program: &str, file: &Path) -> String {
    let path = crate::repo_root().join("ledger/events/spec").join(program);
    let output = Command::new("python3").arg("-B").arg(path).arg(file).output().await.expect("python3 does not start");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}
