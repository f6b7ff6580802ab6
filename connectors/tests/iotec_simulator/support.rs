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

/// As [`settings`], with something in the wallet from the start.
pub fn funded(callback: Option<CallbackTarget>, opening: i32) -> Settings {
    let mut funded = settings(callback);
    funded.wallets[0].opening = Amount::whole(opening);
    funded
}

pub fn payout(external_id: &str, payee: &str, amount: u32) -> Value {
    json!({
        "category": "MobileMoney", "currency": "ITX", "walletId": WALLET, "externalId": external_id, "payee": payee,
        "payeeName": "Test Payee", "amount": amount, "payerNote": "Invoice 12345", "payeeNote": "Order ABC123",
    })
}

pub fn bank_payout(external_id: &str, account_number: &str, amount: u32) -> Value {
    json!({
        "bankIdentificationCode": "ABCDUGKAXXX", "transferType": "Eft", "currency": "ITX", "walletId": WALLET,
        "externalId": external_id, "accountName": "Test Account", "accountNumber": account_number, "amount": amount,
        "payeeNote": "Order ABC123",
    })
}

impl Running {
    /// Posts to a path of the provider.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, String) {
        let token = self.token().await;
        let request = self.client.post(format!("{}/api/disbursements/{path}", self.base)).bearer_auth(token);
        let answer = request.json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Pays out and gives the create answer.
    pub async fn pay(&self, external_id: &str, payee: &str, amount: u32) -> Value {
        let (code, text) = self.post("disburse", &payout(external_id, payee, amount)).await;
        assert_eq!(code, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn payout(&self, external_id: &str) -> Value {
        let (code, text) = self.get(&format!("/api/disbursements/external-id/{external_id}")).await;
        assert_eq!(code, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The JSON body of a good answer.
    pub async fn json(&self, path: &str) -> Value {
        let (code, text) = self.get(path).await;
        assert_eq!(code, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn switch(&self, change: Value) {
        let (code, text) = self.control("faults", Some(json!({ "switches": change }))).await;
        assert_eq!(code, 200, "{text}");
    }

    pub async fn rows(&self) -> Vec<Value> {
        let (code, rows) = self.control(&format!("rows?wallet={WALLET}"), None).await;
        assert_eq!(code, 200);
        rows.as_array().unwrap().clone()
    }

    /// All rows but the opening one, as operation, category and amount.
    pub async fn moves(&self) -> Vec<String> {
        let rows = self.rows().await;
        let own = rows.iter().filter(|row| row["category"] != "Deposit");
        let short = |row: &Value| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            format!("{} {} {}", text("operation"), text("category"), row["amount"])
        };
        own.map(short).collect()
    }

    pub async fn balance(&self) -> String {
        self.sim.wallets().await.unwrap()[0].balance.to_string()
    }
}

/// Checks that rows are numbered without gaps, each starting where the one before ended.
pub fn check_chain(rows: &[Value]) {
    check_balance_law(rows);
    for (before, row) in rows.iter().zip(rows.iter().skip(1)) {
        assert_eq!(row["previousBalance"], before["balance"], "{row}");
    }
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(row["transactionNumber"].as_u64(), Some(index as u64 + 1));
    }
}

pub const HOUR: Duration = Duration::from_secs(3_600);
