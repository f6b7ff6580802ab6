//! A small scripted server that answers well unless told otherwise, and a client that calls it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
pub use ensimbi_connectors::connector::{
    CallError, Checkout, CollectCall, Connector, Destination, ObjectRef, OrderItem, PartyDetails, PayoutCall, Prepared,
    ProviderClient, RawAnswer, ToPrepare,
};
pub use ensimbi_connectors::providers::dollr::Dollr;
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_events::simtime::SimClock;
pub use ensimbi_events::word::Bearer;
pub use ensimbi_events::{Amount, Time};
pub use serde_json::{Value, json};

pub const REFERENCE: &str = "550e8400-e29b-41d4-a716-446655440000";
pub const SECRET: &str = "very-secret-word";
pub const PASSCODE: &str = "739155";
pub const TOKEN: &str = "POST /v1/jwt/client/obtain/token";
pub const EXECUTE: &str = "POST /v1/executions/collection";
pub const EXECUTE_PAYOUT: &str = "POST /v1/executions/payout";
/// A refusal of theirs, with everything in it that must not be shown.
pub const MISSING: &str = r#"{"detail":[{"loc":["body","currency"],"msg":"Jane Rose 231771234567","type":"missing"}]}"#;
pub const DUPLICATE: &str =
    r#"{"detail":[{"loc":["body","reference_id"],"msg":"already exists","type":"value_error"}]}"#;
pub const TEXT: &str = r#"{"detail":"Jane Rose 231771234567 cannot"}"#;

/// Whether an error is the expected one.
pub type Meaning = fn(&CallError) -> bool;

/// One answer of the script: status, headers, body.
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
    pub answers: Mutex<BTreeMap<String, VecDeque<Answer>>>,
    pub seen: Mutex<Vec<Seen>>,
    pub tokens: Mutex<u32>,
}

async fn serve(
    State(script): State<Arc<Script>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let route = format!("{method} {}", uri.path());
    let seen = Seen {
        call: format!("{method} {uri}"),
        bearer: header("authorization"),
        kind: header("content-type"),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    script.seen.lock().unwrap().push(seen);
    let scripted = script.answers.lock().unwrap().get_mut(&route).and_then(VecDeque::pop_front);
    let scripted = match (scripted, route.as_str()) {
        (Some(scripted), _) => scripted,
        (None, TOKEN) => {
            // Long enough for others to come meanwhile.
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
            let mut tokens = script.tokens.lock().unwrap();
            *tokens += 1;
            answer(200, json!({"access_token": format!("token-{tokens}"), "expires_in": 60}))
        }
        (None, route) => good(route).map_or_else(|| answer(599, "nobody"), |body| answer(200, body)),
    };
    let mut response = Response::builder().status(StatusCode::from_u16(scripted.0).unwrap());
    for (name, value) in scripted.1 {
        response = response.header(name, value);
    }
    response.body(Body::from(scripted.2)).unwrap()
}

/// What they answer where all is well.
pub fn good(route: &str) -> Option<Value> {
    let status = format!("/v1/status/collection/{REFERENCE}");
    Some(match route.split_once(' ').unwrap().1 {
        "/v1/parties/create" => json!({"id": 42, "fullname": "Jane Rose", "phone": "231771234567"}),
        "/v1/counterparties/create" => json!({"id": 15, "party_id": 42}),
        "/v1/invoices/create" => source("invoice", "IDLE", json!(0)),
        "/v1/orders/create" => source("order", "IDLE", json!(0)),
        "/v1/invoices/101/items/add" | "/v1/orders/201/items/add" => json!({"id": 7}),
        "/v1/invoices/publish/101" => source("invoice", "ACTIVE", json!(250)),
        "/v1/orders/publish/201" => source("order", "ACTIVE", json!(250)),
        "/v1/checkouts/create" => json!({
            "source_type": "ORDER", "source_id": 201, "currency": "USD", "total_amount": 250,
            "url": "https://pay.example/ORD-2025-00088", "reference_id": REFERENCE,
        }),
        "/v1/predictions/mmo-provider-info" => {
            json!({"payment_method": "MTN_MOMO_LBR", "gateway_provider": "PAWAPAY", "currencies": ["USD", "LRD"]})
        }
        "/v1/predictions/payment-source/amount-and-fees" => {
            json!({"payer_amount": "48750.00", "payer_currency": "LRD", "payee_amount": "250.00", "payee_currency": "USD"})
        }
        "/v1/sessions/checkout" => json!({"id": 55, "source_id": 201, "source_type": "ORDER", "status": "ACTIVE"}),
        "/v1/payment-accounts/create" => json!({"id": 18, "party_id": 42, "is_active": true}),
        "/v1/executions/collection" => execution("COLLECTION", "PROCESSING"),
        "/v1/sessions/payout" => {
            json!({"id": 42, "wallet_id": 3, "payout_account_id": 18, "amount": 100.0, "currency": "USD"})
        }
        "/v1/executions/payout" => execution("PAYOUT", "PROCESSING"),
        "/v1/orders/retrieve/201" => source("order", "PAID", json!(250)),
        path if path == status => execution("COLLECTION", "COMPLETED"),
        _ => return None,
    })
}

/// An execution as they answer it.
pub fn execution(operation: &str, status: &str) -> Value {
    json!({
        "reference_id": REFERENCE, "status": status, "operation_type": operation, "payer_amount": 250.0,
        "payer_currency": "USD", "payee_amount": 240.0, "payee_currency": "USD", "provider_transaction_id": null,
    })
}

/// A source as they answer it.
pub fn source(family: &str, status: &str, total: Value) -> Value {
    let (id, number) = if family == "invoice" { (101, "INV-2025-00042") } else { (201, "ORD-2025-00088") };
    json!({
        "id": id, format!("{family}_number"): number, "status": status, "currency": "USD", "total_amount": total,
        "fee_bearer": "PAYEE", "reference_id": REFERENCE,
    })
}

pub struct Scene {
    pub script: Arc<Script>,
    pub clock: Arc<SimClock>,
    pub client: Arc<dyn ProviderClient>,
}

pub fn settings(base: &str, options: Value) -> ConnectionSettings {
    serde_json::from_value(json!({
        "slug": "main", "provider": "dollr", "account": "42", "simulated": true, "timeout_ms": 4_000,
        "urls": {"api": base}, "options": options,
        "secrets": {
            "client_id": "client-0001", "client_secret": SECRET, "passcode": PASSCODE, "passcode_phone": "231770000000",
        },
        "wallets": [{"id": "3", "code": "usd", "currency": "USD"}, {"id": "4", "code": "lrd", "currency": "LRD"}],
    }))
    .unwrap()
}

pub async fn scene_as(change: impl FnOnce(&mut ConnectionSettings)) -> Scene {
    let script = Arc::new(Script::default());
    let app = Router::new().fallback(serve).with_state(script.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let clock = Arc::new(SimClock::new("2025-06-01T10:00:00Z".parse().unwrap()));
    let mut settings = settings(&base, json!({}));
    change(&mut settings);
    let client = Dollr.connect(&settings, clock.clone()).unwrap();
    Scene { script, clock, client }
}

pub async fn scene_with(options: Value) -> Scene {
    scene_as(|settings| settings.options = serde_json::from_value(options).unwrap()).await
}

pub async fn scene() -> Scene {
    scene_as(|_| ()).await
}

impl Scene {
    /// The next answer to a route.
    pub fn on(self, route: &str, answer: Answer) -> Self {
        self.script.answers.lock().unwrap().entry(route.to_owned()).or_default().push_back(answer);
        self
    }

    /// What came, without the requests for tokens.
    pub fn seen(&self) -> Vec<Seen> {
        let seen = self.script.seen.lock().unwrap();
        seen.iter().filter(|seen| seen.call != TOKEN).cloned().collect()
    }

    pub fn calls(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.call).collect()
    }

    /// How often a token was asked for.
    pub fn tokens(&self) -> usize {
        self.script.seen.lock().unwrap().iter().filter(|seen| seen.call == TOKEN).count()
    }

    /// The body of the first request that begins so, byte for byte.
    pub fn body(&self, call: &str) -> String {
        self.seen().into_iter().find(|seen| seen.call.starts_with(call)).unwrap().body
    }

    pub async fn make(&self, order: &CollectCall) -> Result<Prepared, CallError> {
        self.client.prepare(ToPrepare::Collect(order)).await
    }

    pub async fn make_payout(&self, order: &PayoutCall) -> Result<Prepared, CallError> {
        self.client.prepare(ToPrepare::Pay(order)).await
    }

    pub async fn read(&self, kind: &'static str, id: &str, handle: Option<&str>) -> Result<RawAnswer, CallError> {
        let object = ObjectRef { kind, id: Some(id.to_owned()), reference: None };
        let mut answers = self.client.read(&object, handle).await?;
        assert_eq!(answers.len(), 1);
        Ok(answers.remove(0))
    }
}

/// Carried out with the handle of its first step.
pub fn order() -> CollectCall {
    let payer = PartyDetails {
        phone: Some("+231771234567".into()),
        name: Some("Jane Rose".into()),
        email: Some("jane@example.com".into()),
    };
    CollectCall {
        reference: REFERENCE.into(),
        wallet: "3".into(),
        amount: Amount::whole(250),
        currency: "USD".parse().unwrap(),
        payer,
        fee_bearer: Bearer::Merchant,
        note: Some("Order 7".into()),
        items: Vec::new(),
        checkout: Checkout::default(),
        object: None,
        handle: Some("ORDER-201-PARTY-42".into()),
    }
}

pub fn item(name: &str, quantity: u32, price: &str) -> OrderItem {
    OrderItem { name: name.into(), quantity, price: price.parse().unwrap() }
}

pub fn payout() -> PayoutCall {
    PayoutCall {
        reference: REFERENCE.into(),
        wallet: "3".into(),
        amount: Amount::whole(100),
        currency: "USD".parse().unwrap(),
        to: Destination::Mobile { phone: "231771234567".into() },
        bank_id: None,
        name: Some("Jane Rose".into()),
        note: Some("Wages".into()),
        object: None,
        handle: Some("ACCOUNT-18".into()),
    }
}

/// The parts of a bundle.
pub fn parts(answer: &RawAnswer) -> Vec<String> {
    let bundle: serde_json::Map<String, Value> = serde_json::from_slice(&answer.body).unwrap();
    bundle.keys().cloned().collect()
}

/// The error of a call; it shows no secret and no party.
pub fn error<T>(result: Result<T, CallError>) -> CallError {
    let Err(error) = result else { panic!("an answer") };
    let text = format!("{error} {error:?}");
    for secret in [SECRET, PASSCODE, "token-", "client-0001", "Jane", "Rose", "771234567", "770000000", "example.com"] {
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

pub fn not_found(error: &CallError) -> bool {
    *error == CallError::NotFound
}

pub fn credentials(error: &CallError) -> bool {
    matches!(error, CallError::Credentials(_))
}

/// Refused because of a field.
pub fn names(error: &CallError, field: &str) -> bool {
    matches!(error, CallError::Refused(why) if why.starts_with(&format!("{field}:")))
}
