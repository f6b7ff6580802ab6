//! A connector outside the process, before the suite: a program that reads one request a line on its standard input and
//! writes one answer a line on its standard output.
//!
//! Request: `{"kind", "body" (base64), "options", "received_at", "mode"}`. Answer: `{"said": [...], "unknown": [...]}` as it
//! would be posted, or `{"unreadable": {"field", "problem"}}` ([`crate::outside::form::Answer`]). To the suite the program is
//! a [`Connector`] like any other; what has no meaning for it (simulator, calls, capabilities) is not asked.
//!
//! Bounds: [`PATIENCE`] for an answer, [`LINE_MAX`] of one. A program that ends, is silent or answers in another form is a
//! problem of its own check, and is started again.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ensimbi_events::Clock;
use serde_json::{Value, json};

use super::fixtures::claims;
use super::{Finding, Group, Problems, Report, Subject, check};
use crate::connector::{Authenticity, Connector, Facts, Input, ObjectRef, ProviderClient, Translation, Unreadable};
use crate::json::unreadable;
use crate::outside::{self, Outside, form};
use crate::settings::{ConnectionSettings, SettingsError};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest answer, in bytes.
const LINE_MAX: u64 = 4 * 1024 * 1024;
/// How often a program is started: one that ends at every request would take for ever.
const STARTS_MAX: u32 = 20;
/// What is asked of a program.
const GROUPS: [Group; 5] = [Group::Fixtures, Group::Hostile, Group::Money, Group::Privacy, Group::Signature];

/// A program as a connector.
struct Program {
    outside: &'static Outside,
    command: Vec<String>,
    running: Mutex<Option<Running>>,
    starts: AtomicU32,
    problems: Mutex<Problems>,
}

struct Running {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<Vec<u8>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lines of the program, until it ends or one is too long.
fn listen(out: ChildStdout) -> Receiver<Vec<u8>> {
    let (send, answers) = sync_channel(1);
    std::thread::spawn(move || {
        let mut out = BufReader::new(out);
        loop {
            let mut line = Vec::new();
            let read = out.by_ref().take(LINE_MAX).read_until(b'\n', &mut line);
            if !matches!(read, Ok(1..)) || line.last() != Some(&b'\n') || send.send(line).is_err() {
                return;
            }
        }
    });
    answers
}

impl Program {
    fn start(&self) -> std::io::Result<Running> {
        let (name, arguments) = self.command.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(name);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(requests), Some(out)) => Ok(Running { child, requests, answers: listen(out) }),
            _ => Err(std::io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// One line there, one line back.
    fn ask(&self, request: &Value) -> Result<Vec<u8>, &'static str> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_none() && self.starts.fetch_add(1, Ordering::Relaxed) < STARTS_MAX {
            *running = self.start().ok();
        }
        let Some(program) = running.as_mut() else {
            return Err("the program cannot be started, or ends again and again");
        };
        let line = [request.to_string().as_bytes(), b"\n"].concat();
        let sent = program.requests.write_all(&line).and_then(|()| program.requests.flush());
        let answer = sent.ok().and_then(|()| program.answers.recv_timeout(PATIENCE).ok());
        if answer.is_none() {
            // Whatever comes later would be taken for the answer to something else.
            *running = None;
        }
        answer.ok_or("the program ends, is silent, or writes no line to a request; every request has one answer")
    }

    fn problem(&self, problem: impl Into<String>) {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push(problem);
    }
}

#[async_trait]
impl Connector for Program {
    fn facts(&self) -> &'static Facts {
        self.outside.facts()
    }

    fn authenticity(&self) -> Authenticity {
        self.outside.authenticity()
    }

    fn object_kinds(&self) -> &'static [&'static str] {
        self.outside.object_kinds()
    }

    fn translate(&self, input: Input<'_>) -> Result<Translation, Unreadable> {
        if !self.facts().kinds.contains(&input.kind) {
            return Err(unreadable("kind", "not a kind of this connection"));
        }
        let request = json!({
            "kind": input.kind,
            "body": STANDARD.encode(input.body),
            "options": input.options,
            "received_at": input.received_at,
            "mode": input.mode,
        });
        let answer = self.ask(&request).map_err(|problem| {
            self.problem(problem);
            unreadable("body", problem)
        })?;
        let read = form::answer(&answer).and_then(|answer| statements(self.outside, answer));
        read.map_err(|error| {
            self.problem(format!("an answer is not in the form that is posted: {error}"));
            unreadable("body", "the answer is not in the form that is posted")
        })?
    }

    fn hinted(&self, body: &[u8]) -> Result<Vec<ObjectRef>, Unreadable> {
        self.outside.hinted(body)
    }

    fn connect(
        &self,
        settings: &ConnectionSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn ProviderClient>, SettingsError> {
        self.outside.connect(settings, clock)
    }
}

/// What an answer says: statements, or why the bytes cannot be read.
fn statements(of: &Outside, answer: form::Answer) -> Result<Result<Translation, Unreadable>, Unreadable> {
    if let Some(why) = answer.unreadable {
        return Ok(Err(Unreadable { field: why.field, problem: why.problem }));
    }
    let said = form::said_of(of, answer.said.unwrap_or_default())?;
    Ok(Ok(Translation { said, unknown: answer.unknown.unwrap_or_default(), ..Translation::default() }))
}

/// Runs the groups of the suite that concern a program over a folder with `fixtures/<kind>/`, whose `<case>.claims.json`
/// have the form of its answers.
///
/// # Errors
/// [`SettingsError`] where the connection is not one from outside, or not whole.
pub async fn check_program(
    settings: &ConnectionSettings,
    command: Vec<String>,
    folder: &Path,
) -> Result<Report, SettingsError> {
    let nobody = || SettingsError {
        key: format!("connections.{}.provider", settings.slug),
        problem: format!("expected {}NAME", outside::PREFIX),
    };
    let outside = outside::of(settings).ok_or_else(nobody)??;
    let program = Program {
        outside,
        command,
        running: Mutex::new(None),
        starts: AtomicU32::new(0),
        problems: Mutex::new(Problems::default()),
    };
    let mut subject = Subject::new(&program, None, folder);
    let mut malformed = Vec::new();
    for case in &mut subject.folder.cases {
        case.options.clone_from(&settings.options);
        let answer = form::answer(case.expected.to_string().as_bytes());
        match answer.and_then(|answer| statements(outside, answer)) {
            Ok(expected) => case.expected = claims(&expected),
            Err(error) => malformed.push(format!("{case}: its claims are not in the form that is posted: {error}")),
        }
    }
    subject.folder.problems.extend(malformed);
    let mut checks = Vec::new();
    for group in GROUPS {
        checks.extend(check(&subject, Some(group)).await.checks);
    }
    let problems = std::mem::take(&mut *program.problems.lock().unwrap_or_else(PoisonError::into_inner)).done();
    let answers = "the program answers every request with one line, in the form that is posted";
    checks.push(Finding { group: Group::Hostile, check: answers, problems });
    let ok = checks.iter().all(|finding| finding.problems.is_empty());
    Ok(Report { provider: outside.facts().provider, ok, checks })
}
