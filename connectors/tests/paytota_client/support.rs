//! A small scripted server, and a client that calls it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
pub use ensimbi_connectors::connector::{
    Action, CallError, Checkout, CollectCall, Connector, Destination, ObjectRef, OrderItem, PartyDetails, PayoutCall,
    Prepared, ProviderClient, RefundCall, ToPrepare,
};
pub use ensimbi_connectors::providers::paytota::Paytota;
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_events::simtime::SimClock;
use ensimbi_events::word::Bearer;
pub use ensimbi_events::{Amount, Time};
pub use serde_json::{Value, json};

pub const BRAND: &str = "edd6c020-eac6-4b4e-9716-47928f3401de";
pub const KEY: &str = "very-secret-key";
pub const PURCHASE: &str = "05b0b12b-1702-4719-8e53-e3a2ee2d5e20";
pub const PAYOUT: &str = "7c4ea981-55b1-418a-be23-ea9f5f3e1a91";
pub const TAKEN: &str = r#"{"status":"pending","details":{"return_code":"200","message":"Transaction received for processing","transaction":{"status":"pending","internal_reference":"97AE66FC9CD7A040EA17AC7911C82EAD"}}}"#;
pub const NO_FUNDS: &str =
    r#"{"status":"error","error":{"code":"insufficient_funds","message":"Insufficient funds, Jane Rose."}}"#;

/// Whether an error is the expected one.
pub type Meaning = fn(&CallError) -> bool;

/// One answer of the script: status, headers, body. `BASE` in a body becomes the server's own address.
pub type Answer = (u16, Vec<(&'static str, &'static str)>, String);

pub fn answer(status: u16, body: impl ToString) -> Answer {
    (status, vec![], body.to_string())
}

/// What the server saw.
#[derive(Clone, Debug)]
pub struct Seen {
    pub call: String,
    pub bearer: String,
    pub kind: String,
    pub body: String,
}

#[derive(Default)]
pub struct Script {
    pub base: Mutex<String>,
    pub answers: Mutex<VecDeque<Answer>>,
    pub seen: Mutex<Vec<Seen>>,
}

async fn serve(
    State(script): State<Arc<Script>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let seen = Seen {
        call: format!("{method} {uri}"),
        bearer: header("authorization"),
        kind: header("content-type"),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    script.seen.lock().unwrap().push(seen);
    let scripted = script.answers.lock().unwrap().pop_front().unwrap_or(answer(599, "the script is over"));
    let mut response = Response::builder().status(StatusCode::from_u16(scripted.0).unwrap());
    for (name, value) in scripted.1 {
        response = response.header(name, value);
    }
    response.body(Body::from(scripted.2.replace("BASE", &script.base.lock().unwrap()))).unwrap()
}

pub struct Scene {
    pub script: Arc<Script>,
    pub client: Arc<dyn ProviderClient>,
}

pub fn settings(base: &str, options: Value) -> ConnectionSettings {
    let wallet = |purse: &str| json!({"id": BRAND, "code": purse, "currency": "UGX", "purse": purse});
    serde_json::from_value(json!({
        "slug": "main", "provider": "paytota", "account": BRAND, "simulated": true, "timeout_ms": 4_000,
        "urls": {"api": base}, "secrets": {"secret_key": KEY}, "options": options,
        "wallets": [wallet("collections"), wallet("payouts")],
    }))
    .unwrap()
}

pub async fn scene_with(answers: Vec<Answer>, options: Value) -> Scene {
    let script = Arc::new(Script { answers: Mutex::new(answers.into()), ..Script::default() });
    let app = Router::new().fallback(serve).with_state(script.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    script.base.lock().unwrap().clone_from(&base);
    tokio::spawn(async move { axum::serve(listener, app).await });
    let clock = Arc::new(SimClock::new(Time::from_micros(1_757_836_669_147_000)));
    let client = Paytota.connect(&settings(&base, options), clock).unwrap();
    Scene { script, client }
}

pub async fn scene(answers: Vec<Answer>) -> Scene {
    scene_with(answers, json!({"client_email": "us@example.com"})).await
}

impl Scene {
    pub fn seen(&self) -> Vec<Seen> {
        self.script.seen.lock().unwrap().clone()
    }

    pub fn calls(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.call).collect()
    }

    pub fn sent(&self, number: usize) -> Value {
        serde_json::from_str(&self.seen()[number].body).unwrap()
    }
}

pub fn order() -> CollectCall {
    let (phone, name) = (Some("256770123456".into()), Some("Jane Rose".into()));
    CollectCall {
        reference: "ref-1".into(),
        wallet: BRAND.into(),
        amount: Amount::whole(1_000),
        currency: "UGX".parse().unwrap(),
        payer: PartyDetails { phone, name, email: Some("jane@example.com".into()) },
        fee_bearer: Bearer::Merchant,
        note: Some("Order 7".into()),
        items: Vec::new(),
        checkout: Checkout::default(),
        object: Some(PURCHASE.into()),
        handle: None,
    }
}

pub fn payout() -> PayoutCall {
    PayoutCall {
        reference: "ref-1".into(),
        wallet: BRAND.into(),
        amount: Amount::whole(500),
        currency: "UGX".parse().unwrap(),
        to: Destination::Mobile { phone: "+256700123123".into() },
        bank_id: None,
        name: Some("Jane Rose".into()),
        note: Some("Test Payout".into()),
        object: Some(PAYOUT.into()),
        handle: None,
    }
}

pub fn bank_payout() -> PayoutCall {
    let to = Destination::Bank {
        bank: "SBICUGKX".into(),
        account_number: "123456789012".into(),
        account_name: "Jane Rose".into(),
        rail: None,
    };
    PayoutCall { to, ..payout() }
}

pub fn refund(amount: i32) -> RefundCall {
    RefundCall {
        reference: "ref-2".into(),
        payment: PURCHASE.into(),
        amount: Amount::whole(amount),
        currency: "UGX".parse().unwrap(),
        left: Amount::whole(1_000),
        again: false,
    }
}

/// A purchase as they answer it.
pub fn purchase(status: &str) -> Value {
    json!({
        "id": PURCHASE, "type": "purchase", "status": status, "purchase": {"currency": "UGX", "total": 1000},
        "checkout_url": format!("BASE/p/{PURCHASE}/"), "refundable_amount": 1000, "refund_availability": "all",
    })
}

/// A payout as they answer it.
pub fn paid_out(status: &str) -> Value {
    json!({
        "id": PAYOUT, "type": "payout", "status": status,
        "payment": {"currency": "UGX", "amount": 500, "is_outgoing": true, "payment_type": "payout"},
        "execution_url": format!("BASE/po/{PAYOUT}/paytota_proxy/"),
    })
}

pub fn with(mut value: Value, pointer: &str, new: Value) -> Value {
    *value.pointer_mut(pointer).unwrap() = new;
    value
}

/// The error of a call; it shows no secret and no party.
pub fn error<T>(result: Result<T, CallError>) -> CallError {
    let Err(error) = result else { panic!("an answer") };
    let text = format!("{error} {error:?}");
    for secret in [KEY, "Jane", "Rose", "256770123456", "256700123123", "123456789012", "example.com"] {
        assert!(!text.contains(secret), "{text}");
    }
    error
}

pub fn unknown(error: &CallError) -> bool {
    matches!(error, CallError::Unknown(_))
}

pub fn refused(error: &CallError) -> bool {
    matches!(error, CallError::Refused(_))
}

pub fn not_sent(error: &CallError) -> bool {
    matches!(error, CallError::NotSent(_))
}

/// Refused because of a field.
pub fn names(error: &CallError, field: &str) -> bool {
    matches!(error, CallError::Refused(why) if why.starts_with(&format!("{field}:")))
}
