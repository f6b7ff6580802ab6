//! A simulator on a free port with a clock of its own, and a receiver of its callbacks.

pub use std::path::Path;
pub use std::sync::{Arc, Mutex};
pub use std::time::Duration;

pub use axum::Router;
pub use axum::body::Bytes;
pub use axum::extract::State;
pub use axum::http::{HeaderMap, StatusCode};
pub use axum::routing::post;
pub use ensimbi_connectors::providers::iotec::simulator::{
    CallbackTarget, Fault, Faults, IotecSimulator, Settings, WalletSettings,
};
pub use ensimbi_connectors::simulator::Simulator;
pub use ensimbi_events::simtime::SimClock;
pub use ensimbi_events::{Amount, Clock, Time};
pub use reqwest::Client;
pub use secrecy::SecretString;
pub use serde_json::{Value, json};
pub use tempfile::TempDir;
pub use tokio::net::TcpListener;
pub use tokio::sync::oneshot;
pub use tokio::task::JoinHandle;

pub const WALLET: &str = "5e83b187-801e-410e-b76e-f491928547e0";
pub const SECRET: &str = "IO-secret-of-the-test";

/// What a callback receiver got: header value and body.
pub type Received = Arc<Mutex<Vec<(Option<String>, Value)>>>;

pub struct Running {
    pub sim: Arc<IotecSimulator>,
    pub clock: Arc<SimClock>,
    pub base: String,
    pub client: Client,
    pub stop: Option<oneshot::Sender<()>>,
    pub task: JoinHandle<()>,
}

pub fn start_time() -> Time {
    "2026-05-03T09:00:00Z".parse().unwrap()
}

pub fn settings(callback: Option<CallbackTarget>) -> Settings {
    let wallet = WalletSettings {
        id: WALLET.parse().unwrap(),
        name: "MY WALLET".to_owned(),
        currency: "ITX".parse().unwrap(),
        opening: Amount::ZERO,
        callback,
    };
    Settings::new("pay-test", SecretString::from(SECRET), vec![wallet])
}

pub async fn start(path: &Path, settings: Settings) -> Running {
    let clock = Arc::new(SimClock::new(start_time()));
    let sim = IotecSimulator::open_driven(path, settings, clock.clone()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let served = sim.clone();
    let task = tokio::spawn(async move {
        served.serve(listener, async { stopped.await.unwrap_or(()) }).await.unwrap();
    });
    Running { sim, clock, base, client: Client::builder().no_proxy().build().unwrap(), stop: Some(stop), task }
}

impl Running {
    pub async fn token(&self) -> String {
        let form = [("client_id", "pay-test"), ("client_secret", SECRET), ("grant_type", "client_credentials")];
        let answer = self.client.post(format!("{}/connect/token", self.base)).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let body: Value = answer.json().await.unwrap();
        assert_eq!((body["expires_in"].as_u64(), body["token_type"].as_str()), (Some(300), Some("Bearer")));
        body["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn get_as(&self, token: &str, path: &str) -> (u16, String) {
        let request = self.client.get(format!("{}{path}", self.base)).bearer_auth(token);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        self.get_as(&self.token().await, path).await
    }

    pub async fn send(&self, body: &Value) -> reqwest::Result<reqwest::Response> {
        let token = self.token().await;
        self.client.post(format!("{}/api/collections/collect", self.base)).bearer_auth(token).json(body).send().await
    }

    pub async fn collect(&self, body: &Value) -> (u16, String) {
        let answer = self.send(body).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Collects and gives the id.
    pub async fn make(&self, external_id: &str, payer: &str, amount: u32) -> String {
        let (status, text) = self.collect(&request(external_id, payer, amount)).await;
        assert_eq!(status, 200, "{text}");
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(body["status"], "Pending");
        assert_eq!(body["transactions"], json!([]));
        body["id"].as_str().unwrap().to_owned()
    }

    pub async fn status(&self, id: &str) -> Value {
        let (code, text) = self.get(&format!("/api/collections/status/{id}")).await;
        assert_eq!(code, 200, "{text}");
        serde_json::from_str(&text).unwrap()
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

    /// Moves from due time to due time until `until` after the start, with everything due done at each.
    pub async fn drive(&self, until: Duration) {
        let end = start_time().plus(until);
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

    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.await.unwrap();
        self.sim.close().await;
    }
}

pub fn request(external_id: &str, payer: &str, amount: u32) -> Value {
    json!({
        "category": "MobileMoney", "currency": "ITX", "walletId": WALLET, "externalId": external_id, "payer": payer,
        "payerNote": "Invoice 12345", "amount": amount, "payeeNote": "Order ABC123", "channel": null,
        "transactionChargesCategory": "ChargeWallet",
    })
}

pub fn folder() -> (TempDir, std::path::PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("iotec.db");
    (folder, path)
}

/// A receiver that answers with the given codes in turn, then 200.
pub async fn receiver(answers: Vec<u16>) -> (CallbackTarget, Received) {
    let received = Received::default();
    let state = (received.clone(), Arc::new(Mutex::new(answers)));
    let handler = |State((received, answers)): State<(Received, Arc<Mutex<Vec<u16>>>)>,
                   headers: HeaderMap,
                   body: Bytes| async move {
        let header = headers.get("x-callback").map(|value| value.to_str().unwrap().to_owned());
        received.lock().unwrap().push((header, serde_json::from_slice(&body).unwrap()));
        let mut answers = answers.lock().unwrap();
        let code = if answers.is_empty() { 200 } else { answers.remove(0) };
        StatusCode::from_u16(code).unwrap()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let app = Router::new().route("/hook", post(handler)).with_state(state);
    tokio::spawn(async move { axum::serve(listener, app).await });
    let target = CallbackTarget {
        url,
        header_name: "X-Callback".to_owned(),
        header_value: SecretString::from("callback-secret"),
    };
    (target, received)
}

pub fn check_balance_law(rows: &[Value]) {
    for row in rows {
        let read = |name: &str| Amount::from_provider_text(&row[name].to_string()).unwrap();
        let amount = read("amount");
        let moved = if row["operation"] == "TopUp" { amount } else { amount.checked_neg().unwrap() };
        assert_eq!(read("balance"), read("previousBalance").checked_add(moved).unwrap(), "{row}");
    }
}

pub const HOUR: Duration = Duration::from_secs(3_600);
