//! A simulator on a free port with a clock of its own, and a receiver of its webhooks.

pub use std::path::Path;
pub use std::sync::{Arc, Mutex};
pub use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
pub use ensimbi_connectors::providers::paytota::simulator::{
    CurrencySettings, Fault, Faults, PaytotaSimulator, Rate, Settings,
};
pub use ensimbi_connectors::simulator::Simulator;
pub use ensimbi_events::simtime::SimClock;
pub use ensimbi_events::{Amount, Clock, Time};
use reqwest::Client;
use secrecy::SecretString;
pub use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const BRAND: &str = "edd6c020-eac6-4b4e-9716-47928f3401de";
pub const KEY: &str = "secret-key-of-the-test";
/// Succeeds, by the documents.
pub const GOOD: &str = "256770123456";
/// Fails: not on any list.
pub const BAD: &str = "256770000001";
/// Nobody answers.
pub const SILENT: &str = "256770000002";
pub const HOUR: Duration = Duration::from_secs(3_600);
pub const DAY: Duration = Duration::from_secs(86_400);

/// What a receiver got: the signature, the bytes, the body.
pub type Received = Arc<Mutex<Vec<(String, Vec<u8>, Value)>>>;

pub struct Running {
    pub sim: Arc<PaytotaSimulator>,
    pub clock: Arc<SimClock>,
    pub base: String,
    pub client: Client,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    _folder: Option<TempDir>,
}

pub fn start_time() -> Time {
    "2026-05-03T09:00:00Z".parse().unwrap()
}

pub fn money(code: &str, exponent: u8, collections: i64, payouts: i64) -> CurrencySettings {
    CurrencySettings { code: code.to_owned(), exponent, collections, payouts, overdraft: 0 }
}

/// Small keys, for speed; those of the real size have a test of their own.
pub fn settings() -> Settings {
    let currencies = vec![money("UGX", 0, 0, 100_000), money("USD", 2, 0, 0), money("KES", 2, 0, 0)];
    let mut settings = Settings::new(BRAND.parse().unwrap(), SecretString::from(KEY), currencies);
    settings.key_bits = (1_024, 1_024);
    settings.numbers.silent = vec![SILENT.to_owned()];
    settings
}

pub async fn start(settings: Settings) -> Running {
    let folder = TempDir::new().unwrap();
    let mut running = start_on(&folder.path().join("paytota.db"), settings).await;
    running._folder = Some(folder);
    running
}

pub async fn start_on(path: &Path, settings: Settings) -> Running {
    let clock = Arc::new(SimClock::new(start_time()));
    let sim = PaytotaSimulator::open_driven(path, settings, clock.clone()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let served = sim.clone();
    let task = tokio::spawn(async move {
        served.serve(listener, async { stopped.await.unwrap_or(()) }).await.unwrap();
    });
    let client = Client::builder().no_proxy().build().unwrap();
    Running { sim, clock, base, client, stop: Some(stop), task, _folder: None }
}

pub fn purchase(reference: &str, phone: &str, price: i64) -> Value {
    json!({
        "client": {"email": "payer@example.com", "phone": phone, "country": "UG"},
        "purchase": {"currency": "UGX", "products": [{"name": "Item", "price": price.to_string()}]},
        "reference": reference, "skip_capture": false, "brand_id": BRAND,
    })
}

/// A card on the hosted page.
pub fn hosted(reference: &str, price: i64) -> Value {
    let mut body = purchase(reference, "", price);
    body["purchase"]["currency"] = "USD".into();
    body["success_redirect"] = "https://shop.example.com/thanks".into();
    body
}

pub fn payout(reference: &str, phone: &str, amount: i64) -> Value {
    json!({
        "client": {"email": "payee@example.com", "phone": phone, "country": "UG"},
        "payment": {"currency": "UGX", "amount": amount.to_string(), "description": "Test"},
        "reference": reference, "brand_id": BRAND,
    })
}

pub fn form(pairs: &[(&str, &str)]) -> (String, String) {
    let mut body = String::new();
    for (name, value) in pairs {
        body.push_str(&format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    body.push_str("--edge--\r\n");
    ("multipart/form-data; boundary=edge".to_owned(), body)
}

impl Running {
    /// Code and text of an answer to a post with the key.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, String) {
        let request = self.client.post(format!("{}{path}", self.base)).bearer_auth(KEY).json(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.client.get(format!("{}{path}", self.base)).bearer_auth(KEY).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The JSON of a good answer to a read.
    pub async fn read(&self, path: &str) -> Value {
        let (code, text) = self.get(path).await;
        assert_eq!(code, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Creates, and gives the body.
    pub async fn create(&self, what: &str, body: &Value) -> Value {
        let (code, text) = self.post(&format!("/api/v1/{what}/"), body).await;
        assert_eq!(code, 201, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn make(&self, reference: &str, phone: &str, price: i64) -> String {
        text(&self.create("purchases", &purchase(reference, phone, price)).await, "id")
    }

    pub async fn purchase(&self, id: &str) -> Value {
        self.read(&format!("/api/v1/purchases/{id}/")).await
    }

    pub async fn payout(&self, id: &str) -> Value {
        self.read(&format!("/api/v1/payouts/{id}/")).await
    }

    /// Posts a form without any key.
    pub async fn form(&self, id: &str, pairs: &[(&str, &str)]) -> reqwest::Result<reqwest::Response> {
        let (content_type, body) = form(pairs);
        let request = self.client.post(format!("{}/p/{id}/", self.base)).header("content-type", content_type);
        request.body(body).send().await
    }

    /// Executes by the second generation.
    pub async fn execute(&self, id: &str) -> (u16, Value) {
        let answer = self.form(id, &[("s2s", "true"), ("pm", "paytota_proxy")]).await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Makes, executes and waits for the outcome.
    pub async fn collect(&self, reference: &str, phone: &str, price: i64) -> String {
        let id = self.make(reference, phone, price).await;
        let (code, body) = self.execute(&id).await;
        assert_eq!((code, body["status"].as_str()), (200, Some("pending")), "{body}");
        self.pass(Duration::from_secs(60)).await;
        id
    }

    /// Makes a card purchase and waits until the payer has paid.
    pub async fn card(&self, reference: &str, price: i64) -> String {
        let id = text(&self.create("purchases", &hosted(reference, price)).await, "id");
        self.pass(Duration::from_secs(600)).await;
        assert_eq!(self.purchase(&id).await["status"], "paid");
        id
    }

    pub async fn act(&self, id: &str, action: &str, body: &Value) -> (u16, Value) {
        let (code, text) = self.post(&format!("/api/v1/purchases/{id}/{action}/"), body).await;
        (code, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub async fn pay_out(&self, id: &str, body: &Value) -> (u16, Value) {
        let (code, text) = self.post(&format!("/po/{id}/paytota_proxy/"), body).await;
        (code, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub async fn control(&self, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}/_sim/{path}", self.base);
        let request = match body {
            Some(body) => self.client.post(url).json(&body),
            None => self.client.get(url),
        };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub async fn admin(&self, action: Value) -> Value {
        let (code, body) = self.control("admin", Some(action.clone())).await;
        assert_eq!(code, 200, "{action} {body}");
        body
    }

    pub async fn switch(&self, change: Value) {
        let (code, body) = self.control("faults", Some(json!({ "switches": change }))).await;
        assert_eq!(code, 200, "{body}");
    }

    pub async fn rates(&self, change: Value) {
        let (code, body) = self.control("faults", Some(json!({ "rates": change }))).await;
        assert_eq!(code, 200, "{body}");
    }

    /// The balance of a currency, after checking its identities.
    pub async fn balance(&self, currency: &str) -> Value {
        let all = self.read("/api/v1/account/json/balance/").await;
        for one in all.as_object().unwrap().values() {
            let of = |name: &str| one[name].as_i64().unwrap();
            assert_eq!(of("balance"), of("gross_balance") - of("fee_sell"), "B1 {one}");
            assert_eq!(of("available_balance"), of("balance") - of("reserved") - of("pending_outgoing"), "B2 {one}");
            assert_eq!(of("payout_balance"), of("payout_gross_balance") - of("payout_fee_sell"), "B3 {one}");
        }
        all[currency].clone()
    }

    /// Figures of the balance of a currency.
    pub async fn figures<const N: usize>(&self, currency: &str, names: [&str; N]) -> [i64; N] {
        let balance = self.balance(currency).await;
        names.map(|name| balance[name].as_i64().unwrap())
    }

    /// Moves from due time to due time for so long, with everything due done at each.
    pub async fn pass(&self, time: Duration) {
        let end = self.clock.now().plus(time);
        loop {
            while self.sim.due(self.clock.now()).await.unwrap() > 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            match self.sim.next_due().await.unwrap() {
                Some(next) if next <= end => self.clock.advance_to(next),
                _ => break,
            }
        }
        self.clock.advance_to(end);
    }

    /// A webhook that answers with the given codes in turn, then 200.
    pub async fn receive(&self, answers: Vec<u16>) -> Received {
        let (url, received) = receiver(answers).await;
        self.sim.set_webhook("main", Some(url)).unwrap();
        received
    }

    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.await.unwrap();
        self.sim.close().await;
    }
}

pub async fn receiver(answers: Vec<u16>) -> (String, Received) {
    let received = Received::default();
    let state = (received.clone(), Arc::new(Mutex::new(answers)));
    type Both = (Received, Arc<Mutex<Vec<u16>>>);
    let handler = |State((received, answers)): State<Both>, headers: HeaderMap, body: Bytes| async move {
        let signature = headers["x-signature"].to_str().unwrap().to_owned();
        let value = serde_json::from_slice(&body).unwrap();
        received.lock().unwrap().push((signature, body.to_vec(), value));
        let mut answers = answers.lock().unwrap();
        let code = if answers.is_empty() { 200 } else { answers.remove(0) };
        StatusCode::from_u16(code).unwrap()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let app = Router::new().route("/hook", post(handler)).with_state(state);
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, received)
}

pub fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap().to_owned()
}

/// The statuses of a body's history.
pub fn history(body: &Value) -> Vec<String> {
    body["status_history"].as_array().unwrap().iter().map(|one| text(one, "status")).collect()
}

/// The event names that were received, in order.
pub fn events(received: &Received) -> Vec<String> {
    received.lock().unwrap().iter().map(|(_, _, body)| text(body, "event_type")).collect()
}

/// The code of a refusal that belongs to no field.
pub fn code(body: &Value) -> &str {
    body["__all__"][0]["code"].as_str().unwrap_or_default()
}
