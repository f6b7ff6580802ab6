//! A small scripted server, and a client that calls it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use ensimbi_connectors::connector::{
    CallError, Checkout, CollectCall, Connector, Destination, ObjectRef, PartyDetails, PayoutCall, ProviderClient,
    RawAnswer,
};
use ensimbi_connectors::providers::iotec::Iotec;
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_events::simtime::SimClock;
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Time};
use serde_json::{Value, json};

pub const WALLET: &str = "5e83b187-801e-410e-b76e-f491928547e0";
pub const SECRET: &str = "IO-very-secret-word";
pub const GOOD: &str = r#"{"id":"123e4567","status":"Pending","amount":700,"currency":"ITX"}"#;

/// Whether an error is the expected one.
pub type Meaning = fn(&CallError) -> bool;

/// One answer of the script: status, headers, body.
pub type Answer = (u16, Vec<(&'static str, &'static str)>, String);

pub fn answer(status: u16, body: &str) -> Answer {
    (status, vec![], body.to_owned())
}

/// What the server saw: method, path, bearer, body.
pub type Seen = (String, String, String, String);

#[derive(Default)]
pub struct Script {
    pub tokens: AtomicUsize,
    pub token_answers: Mutex<VecDeque<Answer>>,
    pub answers: Mutex<VecDeque<Answer>>,
    pub seen: Mutex<Vec<Seen>>,
    pub token_forms: Mutex<Vec<String>>,
}

pub async fn serve(
    State(script): State<Arc<Script>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let body = String::from_utf8(body.to_vec()).unwrap();
    let scripted = if uri.path() == "/id/connect/token" {
        let number = script.tokens.fetch_add(1, Ordering::SeqCst) + 1;
        script.token_forms.lock().unwrap().push(body);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let good = format!(r#"{{"access_token":"token-{number}","expires_in":300,"token_type":"Bearer"}}"#);
        script.token_answers.lock().unwrap().pop_front().unwrap_or((200, vec![], good))
    } else {
        let bearer = headers.get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
        script.seen.lock().unwrap().push((method.to_string(), uri.to_string(), bearer, body));
        script.answers.lock().unwrap().pop_front().unwrap_or(answer(200, GOOD))
    };
    let mut response = Response::builder().status(StatusCode::from_u16(scripted.0).unwrap());
    for (name, value) in scripted.1 {
        response = response.header(name, value);
    }
    response.body(Body::from(scripted.2)).unwrap()
}

pub struct Scene {
    pub script: Arc<Script>,
    pub clock: Arc<SimClock>,
    pub client: Arc<dyn ProviderClient>,
}

pub fn settings(base: &str, options: Value) -> ConnectionSettings {
    let mut all = json!({"callback_header": "X-Callback-Key"});
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    serde_json::from_value(json!({
        "slug": "main", "provider": "iotec", "account": "pay-1", "simulated": true, "timeout_ms": 4_000,
        "urls": {"api": base, "token": format!("{base}/id")},
        "secrets": {"client_secret": SECRET, "callback_value": "callback-secret"},
        "options": all,
        "wallets": [{"id": WALLET, "code": "main", "currency": "ITX"}],
    }))
    .unwrap()
}

pub async fn scene_with(answers: Vec<Answer>, options: Value) -> Scene {
    let script = Arc::new(Script { answers: Mutex::new(answers.into()), ..Script::default() });
    let app = Router::new().fallback(serve).with_state(script.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let clock = Arc::new(SimClock::new(Time::from_micros(1_757_836_669_147_000)));
    let client = Iotec.connect(&settings(&base, options), clock.clone()).unwrap();
    Scene { script, clock, client }
}

pub async fn scene(answers: Vec<Answer>) -> Scene {
    scene_with(answers, json!({})).await
}

impl Scene {
    pub fn tokens(&self) -> usize {
        self.script.tokens.load(Ordering::SeqCst)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.script.seen.lock().unwrap().clone()
    }

    /// Method and path of each call.
    pub fn paths(&self) -> Vec<String> {
        self.seen().into_iter().map(|(method, path, ..)| format!("{method} {path}")).collect()
    }

    pub async fn read(&self) -> Result<RawAnswer, CallError> {
        one(self.client.read(&by_id("123e4567"), None).await)
    }

    pub async fn collect(&self) -> Result<RawAnswer, CallError> {
        self.client.collect(&order()).await
    }

    pub async fn pay(&self) -> Result<RawAnswer, CallError> {
        self.client.pay(&payout()).await
    }
}

/// The only answer of a read.
pub fn one(read: Result<Vec<RawAnswer>, CallError>) -> Result<RawAnswer, CallError> {
    let mut answers = read?;
    assert_eq!(answers.len(), 1);
    Ok(answers.remove(0))
}

pub fn by_id(id: &str) -> ObjectRef {
    ObjectRef { kind: "collection", id: Some(id.to_owned()), reference: Some("ref".to_owned()) }
}

pub fn by_reference(reference: &str) -> ObjectRef {
    ObjectRef { kind: "collection", id: None, reference: Some(reference.to_owned()) }
}

pub fn order() -> CollectCall {
    let payer = PartyDetails { phone: Some("0771234567".into()), name: Some("John Doe".into()), email: None };
    CollectCall {
        reference: "ref-1".into(),
        wallet: WALLET.into(),
        amount: Amount::whole(700),
        currency: "ITX".parse().unwrap(),
        payer,
        fee_bearer: Bearer::Merchant,
        note: Some("Invoice 12345".into()),
        items: Vec::new(),
        checkout: Checkout::default(),
        object: None,
        handle: None,
    }
}

pub fn payout() -> PayoutCall {
    PayoutCall {
        reference: "ref-1".into(),
        wallet: WALLET.into(),
        amount: Amount::whole(1_000),
        currency: "ITX".parse().unwrap(),
        to: Destination::Mobile { phone: "+256771234567".into() },
        bank_id: None,
        name: Some("John Doe".into()),
        note: Some("Order ABC123".into()),
        object: None,
        handle: None,
    }
}

pub fn bank_payout() -> PayoutCall {
    let to = Destination::Bank {
        bank: "ABCDUGKAXXX".into(),
        account_number: "1234567890".into(),
        account_name: "John Doe".into(),
        rail: Some("Eft".into()),
    };
    PayoutCall { to, ..payout() }
}

pub fn error(result: Result<RawAnswer, CallError>) -> CallError {
    match result {
        Ok(answer) => panic!("an answer: {} {}", answer.status, String::from_utf8_lossy(&answer.body)),
        Err(error) => {
            let text = format!("{error} {error:?}");
            for secret in [SECRET, "callback-secret", "token-", "John", "771234567", "1234567890"] {
                assert!(!text.contains(secret), "{text}");
            }
            error
        }
    }
}

pub fn unknown(error: &CallError) -> bool {
    matches!(error, CallError::Unknown(_))
}

pub fn refused(error: &CallError) -> bool {
    matches!(error, CallError::Refused(_))
}
