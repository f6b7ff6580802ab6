//! Each HTTP outcome of each call is one decision. The table is here and nowhere else.
//!
//! For every exchange the one request that does it is answered by each outcome in turn, all others as they should be. A
//! call that moves money (or prepares to) may be told as refused only by a readable error of the provider's, and as not
//! sent never, once its request has left us; a read moves nothing, so more than one decision is safe for some outcomes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use super::calls::{self, Call, Calls, Done, Exchange};
use super::scene::{Scene, Scripted};
use super::{Problems, Subject};
use crate::connector::{CallError, ProviderClient};

/// What a call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// An answer that says something or may.
    Answer,
    /// An answer in which the translator reads nothing.
    Nothing,
    NotSent,
    Unknown,
    Refused,
    NotFound,
    /// Seconds.
    Wait(u64),
    Credentials,
    NotOffered,
}
use Decision::{Answer, Credentials, NotFound, NotSent, Nothing, Refused, Unknown, Wait};

/// How the request that does it is answered.
#[derive(Clone, Copy)]
enum Reply {
    /// Status and body of nobody's.
    Text(u16, &'static str),
    /// Status and a readable error of theirs.
    Problem(u16),
    /// 429 with this `Retry-After`.
    Limited(Option<&'static str>),
    /// The first half of the good body, as if it were all.
    Half,
    /// The good body breaks off.
    Cut,
    /// More than is read.
    Huge,
    /// The line is closed.
    Closed,
}

/// Name, reply, decisions for a call that moves money, decisions for a read.
type Row = (&'static str, Reply, &'static [Decision], &'static [Decision]);

/// What is no answer: unknown for money; a read may also say that there is nothing.
const NO_ANSWER: &[Decision] = &[Unknown, NotFound, Nothing];
const HTML: &str = "<html><body>Bad gateway</body></html>";

/// The table.
const TABLE: &[Row] = &[
    ("200 with JSON of nobody's", Reply::Text(200, r#"{"zz":1}"#), &[Unknown], NO_ANSWER),
    ("200 with null", Reply::Text(200, "null"), &[Unknown], NO_ANSWER),
    ("200 with HTML", Reply::Text(200, HTML), &[Unknown], NO_ANSWER),
    ("200 without a body", Reply::Text(200, ""), &[Unknown], NO_ANSWER),
    ("204", Reply::Text(204, ""), &[Unknown], NO_ANSWER),
    ("200 with an error of theirs", Reply::Problem(200), &[Unknown, Refused], &[Unknown, Refused, NotFound, Nothing]),
    ("200 with half of the answer", Reply::Half, &[Unknown], &[Unknown, Nothing]),
    ("200 whose body breaks off", Reply::Cut, &[Unknown], &[Unknown]),
    ("200 with 2 MB", Reply::Huge, &[Unknown], &[Unknown]),
    ("302", Reply::Text(302, ""), &[Unknown], &[Unknown]),
    ("400 with an error of theirs", Reply::Problem(400), &[Refused], &[Refused, NotFound]),
    ("400 with HTML", Reply::Text(400, HTML), &[Unknown], &[Unknown]),
    ("401", Reply::Text(401, ""), &[Credentials], &[Credentials]),
    ("403 with an error of theirs", Reply::Problem(403), &[Credentials, Refused], &[Credentials, Refused]),
    ("404 with an error of theirs", Reply::Problem(404), &[Refused], &[NotFound]),
    ("404 with HTML", Reply::Text(404, HTML), &[Unknown], &[NotFound]),
    ("408", Reply::Problem(408), &[Unknown], &[Unknown]),
    ("409", Reply::Problem(409), &[Unknown], &[Unknown]),
    ("422 with an error of theirs", Reply::Problem(422), &[Refused], &[Refused]),
    ("425", Reply::Problem(425), &[Unknown], &[Unknown]),
    ("429 without Retry-After", Reply::Limited(None), &[Wait(30)], &[Wait(30)]),
    ("429 with Retry-After: 7", Reply::Limited(Some("7")), &[Wait(7)], &[Wait(7)]),
    ("429 with Retry-After: 0", Reply::Limited(Some("0")), &[Wait(1)], &[Wait(1)]),
    ("429 with Retry-After: 999999", Reply::Limited(Some("999999")), &[Wait(3_600)], &[Wait(3_600)]),
    ("500 with an error of theirs", Reply::Problem(500), &[Unknown], &[Unknown]),
    ("502 with HTML", Reply::Text(502, HTML), &[Unknown], &[Unknown]),
    ("503", Reply::Text(503, ""), &[Unknown], &[Unknown]),
    ("a line that is closed without an answer", Reply::Closed, &[Unknown], &[Unknown]),
];

impl Reply {
    fn scripted(self, calls: &Calls, good: Option<&Scripted>) -> Scripted {
        let whole = |status: u16, body: Vec<u8>| Scripted::Answer { status, header: None, body };
        let good = match good {
            Some(Scripted::Answer { body, .. }) => body.clone(),
            _ => Vec::new(),
        };
        match self {
            Self::Text(status, body) => whole(status, body.as_bytes().to_vec()),
            Self::Problem(status) => whole(status, calls::bytes(&calls.problem, "")),
            Self::Limited(after) => {
                Scripted::Answer { status: 429, header: after.map(|after| ("retry-after", after)), body: Vec::new() }
            }
            Self::Half => whole(200, good.get(..good.len() / 2).unwrap_or_default().to_vec()),
            Self::Cut => Scripted::Cut { body: good },
            Self::Huge => whole(200, vec![b' '; 2 * 1024 * 1024]),
            Self::Closed => Scripted::Closed,
        }
    }
}

fn decision(subject: &Subject<'_>, result: &Result<Done, CallError>) -> Decision {
    match result {
        Ok(done) => {
            let reads = |kind: &str, body: &[u8]| super::guarded(|| subject.translate(kind, body)).and_then(Result::ok);
            let told = done.answers.iter().filter_map(|answer| reads(answer.kind, &answer.body));
            let says =
                told.filter(|told| !told.said.is_empty() || !told.watch.is_empty() || !told.keys.is_empty()).count();
            if says > 0 { Answer } else { Nothing }
        }
        Err(CallError::NotSent(_)) => NotSent,
        Err(CallError::Unknown(_)) => Unknown,
        Err(CallError::Refused(_)) => Refused,
        Err(CallError::NotFound) => NotFound,
        Err(CallError::RateLimited(wait)) => Wait(wait.as_secs()),
        Err(CallError::Credentials(_)) => Credentials,
        Err(CallError::NotOffered) => Decision::NotOffered,
    }
}

/// An error's words hold nothing that must be hidden.
fn quiet(calls: &Calls, exchange: &Exchange, result: &Result<Done, CallError>) -> bool {
    let Err(error) = result else { return true };
    let text = format!("{error} {error:?}");
    !calls.hidden(exchange).iter().any(|hidden| text.contains(hidden.as_str()))
}

/// A client, or the problem why there is none.
fn dial(subject: &Subject<'_>, calls: &Calls, base: &str, problems: &mut Problems) -> Option<Arc<dyn ProviderClient>> {
    calls.client(subject, base).map_err(|problem| problems.push(problem)).ok()
}

/// Every outcome of the request that does it.
pub(super) async fn each(subject: &Subject<'_>, calls: &Calls, problems: &mut Problems) {
    let Some(scene) = calls::open(problems).await else { return };
    for exchange in &calls.exchanges {
        let Some(client) = dial(subject, calls, &scene.base, problems) else { return };
        for (name, reply, money, read) in TABLE {
            let expected = if exchange.call.is_read() { read } else { money };
            let mut answers = calls.good(exchange, &scene.base);
            let scripted = reply.scripted(calls, answers.get(&exchange.request));
            answers.insert(exchange.request.clone(), scripted);
            scene.script(answers);
            let result = exchange.make(subject, &*client).await;
            let got = decision(subject, &result);
            problems.must(expected.contains(&got), || {
                format!("{exchange}: {name} is decided as {got:?}, expected {}", words(expected))
            });
            problems.must(quiet(calls, exchange, &result), || {
                format!("{exchange}: {name} gives an error that shows a secret, a name or a phone")
            });
            let times = scene.seen().into_iter().filter(|seen| seen.route == exchange.request).count();
            // Nothing was processed under a token that is not accepted, so it may be sent with a new one.
            let most = if matches!(reply, Reply::Text(401, _)) { 2 } else { 1 };
            problems.must((1..=most).contains(&times), || {
                format!(
                    "{exchange}: after {name} the request was made {times} times; a call is never repeated by itself"
                )
            });
        }
    }
}

fn words(expected: &[Decision]) -> String {
    expected.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>().join(" or ")
}

/// Every request before the one that does it, failing: nothing has left us, so the call is not made, and not unknown.
pub(super) async fn on_the_way(subject: &Subject<'_>, calls: &Calls, problems: &mut Problems) {
    const REPLIES: [Row; 4] = [
        ("500", Reply::Text(500, HTML), &[NotSent], &[NotSent, Unknown]),
        ("a closed line", Reply::Closed, &[NotSent], &[NotSent, Unknown]),
        ("401", Reply::Text(401, ""), &[Credentials], &[Credentials]),
        ("429", Reply::Limited(None), &[Wait(30)], &[Wait(30)]),
    ];
    let Some(scene) = calls::open(problems).await else { return };
    for exchange in &calls.exchanges {
        let Some(client) = dial(subject, calls, &scene.base, problems) else { return };
        scene.script(calls.good(exchange, &scene.base));
        let _ = exchange.make(subject, &*client).await;
        let seen: Vec<String> = scene.seen().into_iter().map(|seen| seen.route).collect();
        for route in seen.iter().take_while(|route| **route != exchange.request) {
            for (name, reply, money, read) in REPLIES {
                // A new client: what the other one holds (a token) would keep it from asking.
                let Some(client) = dial(subject, calls, &scene.base, problems) else { return };
                let expected = if exchange.call.is_read() { read } else { money };
                let mut answers = calls.good(exchange, &scene.base);
                answers.insert(route.clone(), reply.scripted(calls, None));
                scene.script(answers);
                let got = decision(subject, &exchange.make(subject, &*client).await);
                problems.must(expected.contains(&got), || {
                    format!(
                        "{exchange}: {name} of {route} before it is decided as {got:?}, expected {}",
                        words(expected)
                    )
                });
                problems.must(scene.seen().iter().all(|seen| seen.route != exchange.request), || {
                    format!("{exchange}: made although {route} before it failed")
                });
            }
        }
    }
}

/// Silence up to the timeout, and a port where nobody listens.
pub(super) async fn nobody_answers(subject: &Subject<'_>, calls: &Calls, problems: &mut Problems) {
    let silent = async |exchange: &Exchange| {
        let scene = Scene::open().await.ok()?;
        let client = calls.client(subject, &scene.base).ok()?;
        let mut answers = calls.good(exchange, &scene.base);
        answers.insert(exchange.request.clone(), Scripted::Silent);
        scene.script(answers);
        Some(decision(subject, &exchange.make(subject, &*client).await))
    };
    let got = join_all(calls.exchanges.iter().map(silent)).await;
    for (exchange, got) in calls.exchanges.iter().zip(got) {
        problems.must(got == Some(Unknown), || {
            format!("{exchange}: silence for {:?} is decided as {got:?}, expected Unknown", TIMEOUT)
        });
    }
    let Ok((_socket, base)) = Scene::nobody() else { return problems.push("no port can be had on 127.0.0.1") };
    for exchange in &calls.exchanges {
        let Some(client) = dial(subject, calls, &base, problems) else { return };
        let got = decision(subject, &exchange.make(subject, &*client).await);
        problems.must(got == NotSent, || {
            format!("{exchange}: with nobody listening it is decided as {got:?}, expected NotSent")
        });
    }
}

const TIMEOUT: Duration = Duration::from_millis(calls::TIMEOUT_MS);

/// Their error repeats what was sent, in every text of it.
pub(super) async fn echoes(subject: &Subject<'_>, calls: &Calls, problems: &mut Problems) {
    let Some(scene) = calls::open(problems).await else { return };
    for exchange in calls.exchanges.iter().filter(|exchange| exchange.call != Call::Read) {
        let Some(client) = dial(subject, calls, &scene.base, problems) else { return };
        let said = calls.hidden(exchange).join(" and ");
        for body in [echo(&calls.problem, &format!(" about {said}")), Value::String(format!("<html>{said}</html>"))] {
            for status in [200, 400, 403, 404, 409, 422, 500] {
                let mut answers: BTreeMap<String, Scripted> = calls.good(exchange, &scene.base);
                let body = calls::bytes(&body, "");
                answers.insert(exchange.request.clone(), Scripted::Answer { status, header: None, body });
                scene.script(answers);
                let result = exchange.make(subject, &*client).await;
                problems.must(quiet(calls, exchange, &result), || {
                    format!(
                        "{exchange}: an error of theirs with status {status} that repeats a secret, a name or a phone \
                             is shown as it came; show codes and fields, not messages"
                    )
                });
            }
        }
    }
}

fn echo(value: &Value, more: &str) -> Value {
    match value {
        Value::String(text) => Value::String(format!("{text}{more}")),
        Value::Array(list) => list.iter().map(|value| echo(value, more)).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), echo(value, more))).collect(),
        other => other.clone(),
    }
}
