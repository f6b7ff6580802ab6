//! The ioTec simulator over real HTTP, with a clock that the test moves.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use ensimbi_connectors::providers::iotec::simulator::{
    CallbackTarget, Fault, Faults, IotecSimulator, Settings, WalletSettings,
};
use ensimbi_connectors::simulator::Simulator;
use ensimbi_events::simtime::SimClock;
use ensimbi_events::{Amount, Clock, Time};
use reqwest::Client;
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const WALLET: &str = "5e83b187-801e-410e-b76e-f491928547e0";
const SECRET: &str = "IO-secret-of-the-test";

/// What a callback receiver got: header value and body.
type Received = Arc<Mutex<Vec<(Option<String>, Value)>>>;

struct Running {
    sim: Arc<IotecSimulator>,
    clock: Arc<SimClock>,
    base: String,
    client: Client,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

fn start_time() -> Time {
    "2026-05-03T09:00:00Z".parse().unwrap()
}

fn settings(callback: Option<CallbackTarget>) -> Settings {
    let wallet = WalletSettings {
        id: WALLET.parse().unwrap(),
        name: "MY WALLET".to_owned(),
        currency: "ITX".parse().unwrap(),
        opening: Amount::ZERO,
        callback,
    };
    Settings::new("pay-test", SecretString::from(SECRET), vec![wallet])
}

async fn start(path: &Path, settings: Settings) -> Running {
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
    async fn token(&self) -> String {
        let form = [("client_id", "pay-test"), ("client_secret", SECRET), ("grant_type", "client_credentials")];
        let answer = self.client.post(format!("{}/connect/token", self.base)).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let body: Value = answer.json().await.unwrap();
        assert_eq!((body["expires_in"].as_u64(), body["token_type"].as_str()), (Some(300), Some("Bearer")));
        body["access_token"].as_str().unwrap().to_owned()
    }

    async fn get_as(&self, token: &str, path: &str) -> (u16, String) {
        let request = self.client.get(format!("{}{path}", self.base)).bearer_auth(token);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn get(&self, path: &str) -> (u16, String) {
        self.get_as(&self.token().await, path).await
    }

    async fn send(&self, body: &Value) -> reqwest::Result<reqwest::Response> {
        let token = self.token().await;
        self.client.post(format!("{}/api/collections/collect", self.base)).bearer_auth(token).json(body).send().await
    }

    async fn collect(&self, body: &Value) -> (u16, String) {
        let answer = self.send(body).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Collects and gives the id.
    async fn make(&self, external_id: &str, payer: &str, amount: u32) -> String {
        let (status, text) = self.collect(&request(external_id, payer, amount)).await;
        assert_eq!(status, 200, "{text}");
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(body["status"], "Pending");
        assert_eq!(body["transactions"], json!([]));
        body["id"].as_str().unwrap().to_owned()
    }

    async fn status(&self, id: &str) -> Value {
        let (code, text) = self.get(&format!("/api/collections/status/{id}")).await;
        assert_eq!(code, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn control(&self, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}/_sim/{path}", self.base);
        let request = match body {
            Some(body) => self.client.post(url).json(&body),
            None => self.client.get(url),
        };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Moves from due time to due time until `until` after the start, with everything due done at each.
    async fn drive(&self, until: Duration) {
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

    async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.await.unwrap();
        self.sim.close().await;
    }
}

fn request(external_id: &str, payer: &str, amount: u32) -> Value {
    json!({
        "category": "MobileMoney", "currency": "ITX", "walletId": WALLET, "externalId": external_id, "payer": payer,
        "payerNote": "Invoice 12345", "amount": amount, "payeeNote": "Order ABC123", "channel": null,
        "transactionChargesCategory": "ChargeWallet",
    })
}

fn folder() -> (TempDir, std::path::PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("iotec.db");
    (folder, path)
}

/// A receiver that answers with the given codes in turn, then 200.
async fn receiver(answers: Vec<u16>) -> (CallbackTarget, Received) {
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

fn check_balance_law(rows: &[Value]) {
    for row in rows {
        let read = |name: &str| Amount::from_provider_text(&row[name].to_string()).unwrap();
        let amount = read("amount");
        let moved = if row["operation"] == "TopUp" { amount } else { amount.checked_neg().unwrap() };
        assert_eq!(read("balance"), read("previousBalance").checked_add(moved).unwrap(), "{row}");
    }
}

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_300_seconds_and_only_a_form_gets_one() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    let token = sim.token().await;
    let balance = format!("/api/wallet-balance/{WALLET}");
    sim.clock.advance_to(start_time().plus(Duration::from_secs(299)));
    let (code, text) = sim.get_as(&token, &balance).await;
    assert_eq!(code, 200);
    assert!(text.contains("\"actualBalance\":0,") && !text.contains("secret"), "{text}");
    sim.clock.advance_to(start_time().plus(Duration::from_secs(300)));
    assert_eq!(sim.get_as(&token, &balance).await, (401, "{\"statusCode\":401}".to_owned()));
    assert_eq!(sim.get_as("made-up", &balance).await.0, 401);

    let url = format!("{}/connect/token", sim.base);
    let good = json!({"client_id": "pay-test", "client_secret": SECRET, "grant_type": "client_credentials"});
    let answer = sim.client.post(&url).json(&good).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.text().await.unwrap().as_str()),
        (400, "{\"error\":\"invalid_request\"}")
    );
    let wrong = [("client_id", "pay-test"), ("client_secret", "x"), ("grant_type", "client_credentials")];
    let answer = sim.client.post(&url).form(&wrong).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.text().await.unwrap().as_str()),
        (400, "{\"error\":\"invalid_client\"}")
    );
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_figures_are_exact_in_the_text_and_the_rows_keep_the_balance_law() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    let (code, text) = sim.collect(&request("001", "0111777771", 700)).await;
    assert_eq!(code, 200);
    let fees = "\"transactionCharge\":14,\"vendorCharge\":10.5,\"totalTransactionCharge\":24.5,\"vendor\":\"Mock\"";
    assert!(text.contains(fees) && text.contains("\"amount\":700,"), "{text}");
    assert!(text.contains("\"wallet\":{\"id\":null,\"name\":null}"), "{text}");
    let id = serde_json::from_str::<Value>(&text).unwrap()["id"].as_str().unwrap().to_owned();
    let fractional = sim.make("002", "256111777772", 701).await;
    sim.drive(HOUR).await;
    let (_, text) = sim.get(&format!("/api/collections/status/{fractional}")).await;
    assert!(text.contains("\"vendorCharge\":10.515,\"totalTransactionCharge\":24.535"), "{text}");

    let mut rows = Vec::new();
    for id in [&id, &fractional] {
        let body = sim.status(id).await;
        assert_eq!((body["status"].as_str(), body["statusCode"].as_str()), (Some("Success"), Some("success")));
        let own = body["transactions"].as_array().unwrap();
        let kinds: Vec<_> =
            own.iter().map(|row| (row["operation"].as_str().unwrap(), row["category"].as_str().unwrap())).collect();
        assert_eq!(kinds, [("TopUp", "Collection"), ("Deduct", "TransactionCharge")]);
        assert!(
            own.iter().all(|row| row["rollback"] == false && row["requestId"] == **id && row["disbursement"].is_null())
        );
        rows.extend(own.iter().cloned());
    }
    check_balance_law(&rows);
    let mut numbers: Vec<_> = rows.iter().map(|row| row["transactionNumber"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4]);
    let (_, text) = sim.get(&format!("/api/wallet-balance/{WALLET}")).await;
    // 700 - 24.5 + 701 - 24.535
    assert!(text.contains("\"actualBalance\":1351.965,"), "{text}");
    let (_, books) = sim.control("books", None).await;
    assert_eq!(books["wallets"][0]["balance"], "1351.965");
    assert_eq!(
        (books["collections"][0]["net"].as_str(), books["collections"][0]["payer"].as_str()),
        (Some("675.5"), Some("********71"))
    );
    assert_eq!(sim.sim.wallets().await.unwrap()[0].balance.to_string(), "1351.965");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_readings_of_charge_customer_and_fees_at_two_places_are_switches() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    let mut body = request("a", "0111777771", 701);
    body["transactionChargesCategory"] = json!("ChargeCustomer");
    assert_eq!(sim.collect(&body).await.0, 200);
    let change = json!({"switches": {"charge_customer": "b", "fee_rounding": "two_places"}});
    assert_eq!(sim.control("faults", Some(change)).await.0, 200);
    body["externalId"] = json!("b");
    assert_eq!(sim.collect(&body).await.0, 200);
    sim.drive(HOUR).await;
    let made = sim.sim.collections().await.unwrap();
    let figures: Vec<_> = made.iter().map(|one| (one.fees.to_string(), one.net.to_string())).collect();
    assert_eq!(figures, [("24.535".to_owned(), "701".to_owned()), ("24.54".to_owned(), "676.46".to_owned())]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn test_numbers_end_as_documented_and_wait_as_long_as_set() {
    let (_folder, path) = folder();
    let mut waiting = settings(None);
    waiting.pending_timeout = Some(Duration::from_secs(300));
    let sim = start(&path, waiting).await;
    let ids = [
        (sim.make("s", "0111777771", 700).await, "Success"),
        (sim.make("f", "256111777991", 700).await, "Failed"),
        (sim.make("p", "0111777781", 700).await, "Pending"),
        (sim.make("v", "0111777791", 700).await, "SentToVendor"),
    ];
    sim.drive(Duration::from_secs(200)).await;
    for (id, expected) in &ids {
        assert_eq!(sim.status(id).await["status"], *expected);
    }
    sim.drive(HOUR).await;
    assert_eq!(sim.status(&ids[2].0).await["status"], "Failed");
    assert_eq!(sim.status(&ids[3].0).await["status"], "SentToVendor");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_their_server_refuses_are_refused_with_the_documented_body() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    let with = |field: &str, value: Value| {
        let mut body = request("x", "0111777771", 700);
        body[field] = value;
        body
    };
    let bad = [
        with("amount", json!(499)),
        with("amount", json!(null)),
        with("currency", json!("UGX")),
        with("walletId", json!("5e83b187-801e-410e-b76e-f491928547e1")),
        with("payer", json!("0771234567")),
        with("payer", json!("")),
        with("category", json!("Card")),
        with("externalId", json!("x".repeat(101))),
        json!([]),
    ];
    for body in bad {
        let (code, text) = sim.collect(&body).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((code, answer["code"].as_str()), (400, Some("BadRequest")), "{body}");
        assert!(answer["message"].is_string());
    }
    assert_eq!(sim.get("/api/collections/status/nobody").await, (404, "{\"statusCode\":404}".to_owned()));
    sim.control("faults", Some(json!({"switches": {"empty_error_bodies": true}}))).await;
    assert_eq!(sim.get("/api/collections/external-id/nobody").await, (404, String::new()));
    assert!(sim.sim.collections().await.unwrap().is_empty());
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_record_of_one_external_id_is_made_and_found_by_the_switch() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    let old = sim.make("a/b c", "0111777771", 700).await;
    let new = sim.make("a/b c", "0111777771", 800).await;
    assert_ne!(old, new);
    let path = "/api/collections/external-id/a%2Fb%20c";
    let found = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    assert_eq!(found(sim.get(path).await.1)["id"], new.as_str());
    sim.control("faults", Some(json!({"switches": {"lookup": "oldest"}}))).await;
    assert_eq!(found(sim.get(path).await.1)["id"], old.as_str());
    sim.control("faults", Some(json!({"switches": {"lookup": "array"}}))).await;
    let all = found(sim.get(path).await.1);
    assert_eq!((all[0]["id"].as_str(), all[1]["id"].as_str()), (Some(new.as_str()), Some(old.as_str())));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_carry_the_header_and_come_for_three_statuses_only() {
    let (_folder, path) = folder();
    let (target, received) = receiver(Vec::new()).await;
    let sim = start(&path, settings(Some(target))).await;
    for (external_id, payer) in
        [("s", "0111777771"), ("f", "0111777991"), ("p", "0111777781"), ("v", "0111777791"), ("c", "0111777782")]
    {
        sim.make(external_id, payer, 700).await;
    }
    sim.drive(HOUR).await;
    let made = sim.sim.collections().await.unwrap();
    for (external_id, status) in [("s", "RolledBack"), ("c", "Cancelled")] {
        let id = &made.iter().find(|one| one.external_id.as_deref() == Some(external_id)).unwrap().id;
        let set = sim.control(&format!("collections/{id}/status"), Some(json!({"status": status}))).await;
        assert_eq!(set.0, 200, "{}", set.1);
    }
    sim.drive(HOUR * 2).await;
    let received = received.lock().unwrap().clone();
    assert!(received.iter().all(|(header, _)| header.as_deref() == Some("callback-secret")));
    let of = |external_id: &str| -> Vec<&str> {
        let own = received.iter().filter(|(_, body)| body["externalId"] == external_id);
        own.map(|(_, body)| body["status"].as_str().unwrap()).filter(|status| *status != "SentToVendor").collect()
    };
    assert_eq!((of("s"), of("f")), (vec!["Success"], vec!["Failed"]));
    assert!(of("p").is_empty() && of("c").is_empty() && of("v").is_empty());
    assert!(received.iter().any(|(_, body)| body["externalId"] == "v" && body["status"] == "SentToVendor"));
    let success = received.iter().find(|(_, body)| body["status"] == "Success").unwrap();
    assert_eq!(success.1["transactions"].as_array().unwrap().len(), 2);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_is_tried_three_times_with_growing_gaps_and_then_given_up() {
    let (_folder, path) = folder();
    let (target, received) = receiver(vec![500, 503]).await;
    let mut plain = settings(Some(target));
    plain.sent_to_vendor = 0;
    let sim = start(&path, plain).await;
    sim.make("s", "0111777771", 700).await;
    sim.drive(Duration::from_secs(50)).await;
    assert_eq!(received.lock().unwrap().len(), 1);
    sim.drive(Duration::from_secs(150)).await;
    assert_eq!(received.lock().unwrap().len(), 2);
    sim.drive(HOUR).await;
    assert_eq!(received.lock().unwrap().len(), 3);
    assert_eq!(sim.control("books", None).await.1["counts"]["callbacks"], json!({"delivered": 1}));
    sim.control(
        "config",
        Some(json!({"wallet_id": WALLET, "category": "Collection", "url": "http://127.0.0.1:1/x",
        "header_name": "X-Callback", "header_value": "v"})),
    )
    .await;
    sim.make("t", "0111777771", 700).await;
    sim.drive(HOUR * 2).await;
    assert_eq!(sim.control("books", None).await.1["counts"]["callbacks"], json!({"delivered": 1, "given_up": 1}));
    let (_, config) = sim.control("config", None).await;
    assert_eq!(config["callbacks"][0]["url"], "http://127.0.0.1:1/x");
    assert!(config["callbacks"][0].get("header_value").is_none());
    sim.stop().await;
}

/// Everything a run under many faults decided, in a comparable form.
async fn run_with_faults(seed: u64) -> (Vec<String>, Vec<String>) {
    let (_folder, path) = folder();
    let (target, received) = receiver(Vec::new()).await;
    let mut faulty = settings(Some(target));
    faulty.faults = Faults::seeded(seed)
        .with(Fault::CallbackLost, 3_000)
        .with(Fault::CallbackDoubled, 3_000)
        .with(Fault::CallbackLate, 3_000)
        .with(Fault::CallbackReordered, 3_000)
        .with(Fault::CallbackForged, 3_000)
        .with(Fault::RolledBackLater, 3_000)
        .with(Fault::ErrorAfterAcceptance, 3_000)
        .with(Fault::ServerError, 2_000);
    let sim = start(&path, faulty).await;
    let mut decided = Vec::new();
    for number in 0..12 {
        let (code, _) = sim.collect_any(&request(&format!("n{number}"), "0111777771", 700)).await;
        decided.push(format!("n{number} {code}"));
    }
    sim.drive(HOUR * 10).await;
    for one in sim.sim.collections().await.unwrap() {
        decided.push(format!("{} {:?} {} {}", one.id, one.external_id, one.status, one.net));
    }
    let mut callbacks: Vec<_> = received
        .lock()
        .unwrap()
        .iter()
        .map(|(header, body)| format!("{header:?} {} {} {}", body["id"], body["status"], body["externalId"]))
        .collect();
    callbacks.sort();
    sim.stop().await;
    (decided, callbacks)
}

impl Running {
    /// As [`Running::collect`], where the token call may fail as well.
    async fn collect_any(&self, body: &Value) -> (u16, String) {
        let form = [("client_id", "pay-test"), ("client_secret", SECRET), ("grant_type", "client_credentials")];
        for _ in 0..10 {
            let answer = self.client.post(format!("{}/connect/token", self.base)).form(&form).send().await.unwrap();
            if answer.status() != 200 {
                continue;
            }
            let token: Value = answer.json().await.unwrap();
            let token = token["access_token"].as_str().unwrap();
            let url = format!("{}/api/collections/collect", self.base);
            let answer = self.client.post(url).bearer_auth(token).json(body).send().await.unwrap();
            return (answer.status().as_u16(), answer.text().await.unwrap());
        }
        panic!("more than three faults in a row");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_seed_makes_one_run_and_another_seed_another() {
    let first = run_with_faults(7).await;
    assert_eq!(first, run_with_faults(7).await);
    assert_ne!(first, run_with_faults(8).await);
    assert!(first.1.iter().any(|one| one.contains("\"forged\"")), "{:?}", first.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn faulty_answers_about_one_object_end_after_three_in_a_row() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    let id = sim.make("a", "0111777771", 700).await;
    let token = sim.token().await;
    let path = format!("/api/collections/status/{id}");
    for (fault, code) in [("server_error", 503), ("rate_limited", 429), ("html_answer", 200), ("unknown_status", 200)] {
        sim.sim.set_faults(Faults::default().with(serde_json::from_value(json!(fault)).unwrap(), 10_000)).unwrap();
        let mut good = 0;
        for _ in 0..8 {
            let (got, text) = sim.get_as(&token, &path).await;
            let body = serde_json::from_str::<Value>(&text).ok();
            if got == 200 && body.is_some_and(|body| body["status"] == "Pending") {
                good += 1
            } else {
                assert_eq!(got, code)
            }
        }
        assert_eq!(good, 2, "{fault}");
    }
    sim.sim.set_faults(Faults::default().with(Fault::UnauthorizedMidRun, 10_000)).unwrap();
    assert_eq!(sim.get_as(&token, &path).await.0, 401);
    sim.sim.set_faults(Faults::default()).unwrap();
    assert_eq!(sim.get_as(&token, &path).await.0, 401, "the token stays dropped");
    sim.sim.set_faults(Faults::default().with(Fault::ExtraFields, 10_000)).unwrap();
    assert_eq!(sim.status(&id).await["riskLevel"], -1);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_request_may_lose_its_answer_and_its_record_stays() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    let mut faults = Faults::default().with(Fault::TimeoutAfterAcceptance, 10_000);
    faults.parameters.hold_ms = 300;
    sim.sim.set_faults(faults).unwrap();
    let body = request("held", "0111777771", 700);
    let sending = sim.send(&body);
    let watching = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        sim.sim.due(sim.clock.now()).await.unwrap()
    };
    let (sent, busy) = tokio::join!(sending, watching);
    assert!(sent.is_err(), "nothing of an answer may arrive");
    assert_eq!(busy, 1, "a held request keeps the clock");

    sim.sim.set_faults(Faults::default().with(Fault::ErrorAfterAcceptance, 10_000)).unwrap();
    assert_eq!(sim.collect(&request("failed", "0111777771", 700)).await.0, 500);
    sim.sim.set_faults(Faults::default().with(Fault::NotFoundRightAfter, 10_000)).unwrap();
    assert_eq!(sim.get("/api/collections/external-id/failed").await.0, 404);
    sim.sim.set_faults(Faults::default()).unwrap();
    for external_id in ["held", "failed"] {
        assert_eq!(sim.get(&format!("/api/collections/external-id/{external_id}")).await.0, 200);
    }
    sim.sim.set_faults(Faults::default().with(Fault::HalfAnswer, 10_000)).unwrap();
    let form = [("client_id", "pay-test"), ("client_secret", SECRET), ("grant_type", "client_credentials")];
    for _ in 0..2 {
        let answer = sim.client.post(format!("{}/connect/token", sim.base)).form(&form).send().await;
        let text = match answer {
            Ok(answer) => answer.text().await,
            Err(error) => Err(error),
        };
        assert!(text.is_err() || serde_json::from_str::<Value>(&text.unwrap()).is_err());
    }
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_that_no_wallet_can_hold_fails_and_stops_nobody_else() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    for external_id in ["a", "b"] {
        let mut body = request(external_id, "0111777771", 0);
        body["amount"] = json!(922_337_203_685_477_u64);
        assert_eq!(sim.collect(&body).await.0, 200);
    }
    sim.drive(HOUR).await;
    sim.make("c", "0111777991", 700).await;
    sim.drive(HOUR * 2).await;
    let mut states: Vec<_> = sim.sim.collections().await.unwrap().into_iter().map(|one| one.status).collect();
    states.sort_unstable();
    assert_eq!(states, ["Failed", "Failed", "Success"]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_can_overtake_the_answer_that_it_is_about() {
    let (_folder, path) = folder();
    let (target, received) = receiver(Vec::new()).await;
    let mut early = settings(Some(target));
    early.faults = Faults::default().with(Fault::CallbackBeforeAnswer, 10_000);
    let sim = start(&path, early).await;
    let id = sim.make("a", "0111777771", 700).await;
    assert_eq!(received.lock().unwrap()[0].1["id"], id.as_str());
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_takes_the_money_back_with_or_without_the_fee() {
    for (keeps_fee, balance, rows_expected) in [(false, "0", 4), (true, "-24.5", 3)] {
        let (_folder, path) = folder();
        let mut rolled = settings(None);
        rolled.faults = Faults::default().with(Fault::RolledBackLater, 10_000);
        rolled.faults.switches.rollback_keeps_fee = keeps_fee;
        let sim = start(&path, rolled).await;
        let id = sim.make("a", "0111777771", 700).await;
        sim.drive(HOUR).await;
        assert_eq!(sim.status(&id).await["status"], "Success");
        sim.drive(HOUR * 3).await;
        let body = sim.status(&id).await;
        assert_eq!(body["status"], "RolledBack");
        let rows = body["transactions"].as_array().unwrap();
        check_balance_law(rows);
        let reversing: Vec<_> = rows.iter().filter(|row| row["rollback"] == true).collect();
        assert_eq!((rows.len(), reversing.len()), (rows_expected, rows_expected - 2));
        assert_eq!(
            (reversing[0]["operation"].as_str(), reversing[0]["category"].as_str(), reversing[0]["amount"].as_i64()),
            (Some("Deduct"), Some("Rollback"), Some(700))
        );
        assert_eq!(sim.sim.wallets().await.unwrap()[0].balance.to_string(), balance);
        sim.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_books_clock_tokens_and_what_is_planned() {
    let (_folder, path) = folder();
    let (target, received) = receiver(Vec::new()).await;
    let sim = start(&path, settings(Some(target.clone()))).await;
    sim.make("done", "0111777771", 700).await;
    sim.drive(HOUR).await;
    let pending = sim.make("open", "0111777771", 700).await;
    let token = sim.token().await;
    let before = sim.sim.collections().await.unwrap();
    let told = received.lock().unwrap().len();
    let kept = sim.sim.stored_time().await.unwrap();
    assert_eq!(kept, start_time().plus(HOUR));
    sim.stop().await;

    // A clock that starts again at the beginning is taken forward.
    let sim = start(&path, settings(Some(target))).await;
    assert_eq!(sim.clock.now(), kept);
    assert_eq!(sim.sim.collections().await.unwrap(), before);
    assert_eq!(sim.get_as(&token, &format!("/api/collections/status/{pending}")).await.0, 200);
    sim.drive(HOUR * 2).await;
    assert_eq!(sim.status(&pending).await["status"], "Success");
    assert!(received.lock().unwrap().len() > told);
    assert_eq!(sim.sim.wallets().await.unwrap()[0].balance.to_string(), "1351");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_shows_and_moves_the_clock_only_where_it_is_its_own() {
    let (folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    sim.make("a", "0111777771", 700).await;
    let (code, clock) = sim.control("clock", Some(json!({"advance_seconds": 60}))).await;
    assert_eq!(
        (code, clock["now"].as_str(), clock["simulated"].as_bool()),
        (200, Some("2026-05-03T09:01:00Z"), Some(true))
    );
    assert_eq!(sim.sim.collections().await.unwrap().len(), 1);
    assert_eq!(sim.control("clock", Some(json!({}))).await.0, 400);
    assert_eq!(sim.control("faults", Some(json!({"rates": {"nonsense": 1}}))).await.0, 400);
    sim.stop().await;

    let clock: Arc<dyn Clock> = Arc::new(SimClock::new(start_time()));
    let other = IotecSimulator::open(&folder.path().join("other.db"), settings(None), clock).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/_sim/clock", listener.local_addr().unwrap());
    let router = other.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let answer = Client::new().post(url).json(&json!({"advance_seconds": 60})).send().await.unwrap();
    assert_eq!(answer.status(), 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_program_is_refused_with_a_sentence() {
    let (_folder, path) = folder();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("CREATE TABLE other (x)").execute(&pool).await.unwrap();
    pool.close().await;
    let clock = Arc::new(SimClock::new(start_time()));
    let refused = IotecSimulator::open(&path, settings(None), clock).await.err().unwrap();
    assert!(refused.to_string().contains("no simulator file of iotec"), "{refused}");
}
