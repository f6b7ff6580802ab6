//! Exchanges with a provider: `fixtures/calls.json` names, for each call, the order in our words, the one request that
//! does it, and the good answers of every request on the way. From these the suite makes every bad outcome by itself.
//!
//! ```json
//! { "settings": { "...": "as in ensimbi.toml; BASE stands for the server's URL" },
//!   "problem": { "...": "an error body of theirs, as a readable 4xx has it" },
//!   "answers": { "POST /token": { "...": "what any call may need on its way" } },
//!   "exchanges": [ { "call": "collect", "proves": ["collect"], "order": { "reference": "ref-1" },
//!                    "request": "POST /collect", "answers": { "POST /collect": { "id": "1" } } } ] }
//! ```
//!
//! An answer is JSON, or a text that is sent as it stands. Calls are the words of `Call`.

use std::collections::BTreeMap;
use std::sync::Arc;

use ensimbi_events::simtime::SimClock;
use serde::Deserialize;
use serde_json::Value;

use super::fixtures::RECEIVED_AT;
use super::order::Order;
use super::scene::{Scene, Scripted};
use super::{Finding, Group, Problems, Subject, capabilities, outcomes, settings};
use crate::connector::{Action, CallError, ObjectRef, ProviderClient, RawAnswer, ToPrepare};
use crate::settings::ConnectionSettings;

/// The file's name in `fixtures/`.
pub const FILE: &str = "calls.json";
/// How long a call may take, in milliseconds; only silence takes it all.
pub(super) const TIMEOUT_MS: u64 = 5_000;

/// `calls.json`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Calls {
    settings: Value,
    /// A readable error body of theirs.
    pub(super) problem: Value,
    #[serde(default)]
    answers: BTreeMap<String, Value>,
    /// Each call.
    pub(super) exchanges: Vec<Exchange>,
}

/// One call.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    pub(super) call: Call,
    /// Capabilities that it shows, by their words.
    #[serde(default)]
    pub(super) proves: Vec<String>,
    #[serde(default)]
    pub(super) order: Order,
    /// The request that does it, as `POST /path`.
    pub(super) request: String,
    #[serde(default)]
    answers: BTreeMap<String, Value>,
}

/// Which method of [`ProviderClient`] is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Call {
    Read,
    PrepareCollect,
    PreparePay,
    Collect,
    Pay,
    Refund,
    Capture,
    Release,
    Cancel,
}

impl Call {
    /// Whether it asks and moves nothing.
    pub(super) const fn is_read(self) -> bool {
        matches!(self, Self::Read)
    }
}

/// What a call brought.
pub(super) struct Done {
    pub(super) answers: Vec<RawAnswer>,
    /// The payer's page, where something was prepared.
    pub(super) link: Option<String>,
    /// Nothing more is to be done for it.
    pub(super) complete: bool,
}

impl Exchange {
    /// The object that is read or acted on, with the connector's own word for its kind.
    pub(super) fn object(&self, subject: &Subject<'_>) -> ObjectRef {
        let kinds = subject.connector.object_kinds().iter();
        let kind = kinds.copied().find(|kind| *kind == self.order.kind).unwrap_or("");
        ObjectRef { kind, id: self.order.id.clone(), reference: self.order.reference.clone() }
    }

    /// Makes the call.
    pub(super) async fn make(&self, subject: &Subject<'_>, client: &dyn ProviderClient) -> Result<Done, CallError> {
        let order = &self.order;
        let one = |answer: RawAnswer| Done { answers: vec![answer], link: None, complete: false };
        let object = self.object(subject);
        match self.call {
            Call::Read => client.read(&object, order.handle.as_deref()).await.map(|answers| Done {
                answers,
                link: None,
                complete: false,
            }),
            Call::PrepareCollect | Call::PreparePay => {
                let (collect, pay) = (order.collect(), order.pay());
                let order =
                    if self.call == Call::PreparePay { ToPrepare::Pay(&pay) } else { ToPrepare::Collect(&collect) };
                let made = client.prepare(order).await?;
                Ok(Done { answers: vec![made.answer], link: made.link, complete: made.complete })
            }
            Call::Collect => client.collect(&order.collect()).await.map(one),
            Call::Pay => client.pay(&order.pay()).await.map(one),
            Call::Refund => client.refund(&order.refund()).await.map(one),
            Call::Capture => client.act(&object, order.handle.as_deref(), Action::Capture(order.amount)).await.map(one),
            Call::Release => client.act(&object, order.handle.as_deref(), Action::Release).await.map(one),
            Call::Cancel => client.act(&object, order.handle.as_deref(), Action::Cancel).await.map(one),
        }
    }
}

impl std::fmt::Display for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "fixtures/{FILE}: {:?} by {}", self.call, self.request)
    }
}

impl Calls {
    /// Reads the file.
    fn read(subject: &Subject<'_>) -> Result<Self, String> {
        let bytes = subject.folder.file(&format!("fixtures/{FILE}")).ok_or_else(|| {
            format!("fixtures/{FILE} is missing: settings, and one exchange for each call (see conformance/calls.rs)")
        })?;
        // The text says at which place, and shows no value.
        serde_json::from_slice(&bytes).map_err(|error| format!("fixtures/{FILE}: {error}"))
    }

    /// The settings of a connection to a server at `base`.
    pub(super) fn settings(&self, base: &str) -> Result<ConnectionSettings, String> {
        let mut settings = self.settings.clone();
        if let Some(fields) = settings.as_object_mut() {
            fields.insert("simulated".to_owned(), Value::Bool(true));
            fields.insert("timeout_ms".to_owned(), TIMEOUT_MS.into());
        }
        let text = settings.to_string().replace("BASE", base);
        serde_json::from_str(&text).map_err(|error| format!("fixtures/{FILE}: settings: {error}"))
    }

    /// A client for a server.
    pub(super) fn client(&self, subject: &Subject<'_>, base: &str) -> Result<Arc<dyn ProviderClient>, String> {
        let clock = Arc::new(SimClock::new(RECEIVED_AT));
        let settings = self.settings(base)?;
        subject.connector.connect(&settings, clock).map_err(|error| format!("fixtures/{FILE}: settings: {error}"))
    }

    /// The good answers of an exchange.
    pub(super) fn good(&self, exchange: &Exchange, base: &str) -> BTreeMap<String, Scripted> {
        let all = self.answers.iter().chain(&exchange.answers);
        all.map(|(route, body)| (route.clone(), good(body, base))).collect()
    }

    /// What must never be shown: secrets, and whom an order is about.
    pub(super) fn hidden(&self, exchange: &Exchange) -> Vec<String> {
        let secrets = self.settings.get("secrets").and_then(Value::as_object).into_iter().flat_map(|all| all.values());
        let secrets = secrets.filter_map(Value::as_str);
        secrets.chain(exchange.order.parties()).map(str::to_owned).collect()
    }
}

/// A body as it is sent.
pub(super) fn bytes(body: &Value, base: &str) -> Vec<u8> {
    let text = match body {
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    text.replace("BASE", base).into_bytes()
}

fn good(body: &Value, base: &str) -> Scripted {
    Scripted::Answer { status: 200, header: None, body: bytes(body, base) }
}

/// The checks that need a server.
pub(super) async fn checks(subject: &Subject<'_>, only: Option<Group>) -> Vec<Finding> {
    let wanted = |group: Group| only.is_none_or(|only| only == group);
    let mut findings = Vec::new();
    let mut add = |group, check, problems: Problems| findings.push(Finding { group, check, problems: problems.done() });
    let calls = match Calls::read(subject) {
        Ok(calls) => calls,
        Err(problem) => {
            let mut problems = Problems::default();
            problems.push(problem);
            let group = only.unwrap_or(Group::Capabilities);
            add(group, "the calls of the connector are written down", problems);
            return findings;
        }
    };
    if calls.exchanges.is_empty() {
        let mut problems = Problems::default();
        problems.push(format!(
            "fixtures/{FILE} has no exchanges: add one for each call of the client (conformance/calls.rs says how)"
        ));
        add(Group::Capabilities, "the calls of the connector are written down", problems);
    }
    if wanted(Group::Capabilities) {
        let mut problems = Problems::default();
        let evidence = capabilities::evidence(subject, &calls, &mut problems).await;
        add(Group::Capabilities, "every exchange of calls.json comes to its good end", problems);
        let mut problems = Problems::default();
        capabilities::judge(subject.connector.facts().capabilities, &evidence, &mut problems);
        add(Group::Capabilities, "what is declared is shown by a fixture, and what is not declared refuses", problems);
        let mut problems = Problems::default();
        capabilities::flip(subject.connector.facts().capabilities, &evidence, &mut problems);
        add(Group::Capabilities, "a flipped capability would be seen", problems);
        let mut problems = Problems::default();
        settings::named(subject, &calls, &mut problems);
        add(Group::Capabilities, "a setting that is missing or misspelt is refused by its name", problems);
    }
    if wanted(Group::Outcomes) {
        let mut problems = Problems::default();
        outcomes::each(subject, &calls, &mut problems).await;
        add(Group::Outcomes, "each HTTP outcome of each call is one decision, and money is never sent twice", problems);
        let mut problems = Problems::default();
        outcomes::on_the_way(subject, &calls, &mut problems).await;
        add(Group::Outcomes, "what fails on the way to a call keeps the call from being made", problems);
        let mut problems = Problems::default();
        outcomes::nobody_answers(subject, &calls, &mut problems).await;
        add(Group::Outcomes, "silence is unknown, and a closed door is not sent", problems);
        let mut problems = Problems::default();
        outcomes::echoes(subject, &calls, &mut problems).await;
        add(Group::Outcomes, "an error that repeats names, phones or secrets is not shown as it came", problems);
    }
    findings
}

/// A server, for the checks.
pub(super) async fn open(problems: &mut Problems) -> Option<Scene> {
    let scene = Scene::open().await.ok();
    problems.must(scene.is_some(), || "no server can listen on 127.0.0.1".to_owned());
    scene
}
