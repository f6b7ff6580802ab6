//! A simulator on a free port with a clock of its own, and the calls of a merchant.

pub use std::path::Path;
pub use std::sync::Arc;
pub use std::time::Duration;

pub use ensimbi_connectors::providers::dollr::simulator::{
    Charge, DollrSimulator, Fault, Faults, MerchantSettings, Settings, WalletSettings,
};
pub use ensimbi_connectors::simulator::Simulator;
pub use ensimbi_events::simtime::SimClock;
pub use ensimbi_events::{Amount, Clock, Time};
use reqwest::{Client, Method};
use secrecy::SecretString;
pub use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const GOOD: &str = "231771234567";
pub const BAD: &str = "231779900001";
pub const SILENT: &str = "231778800001";
pub const LATER: &str = "231885500001";
pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3_600);
pub const DAY: Duration = Duration::from_secs(86_400);

pub struct Running {
    pub sim: Arc<DollrSimulator>,
    pub clock: Arc<SimClock>,
    pub base: String,
    pub client: Client,
    pub token: String,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    _folder: Option<TempDir>,
}

pub fn start_time() -> Time {
    "2026-05-03T09:00:00Z".parse().unwrap()
}

pub fn merchant(id: i64, first_wallet: i64, opening: i32) -> MerchantSettings {
    let wallet =
        |id: i64, code: &str| WalletSettings { id, currency: code.parse().unwrap(), opening: Amount::whole(opening) };
    MerchantSettings {
        id,
        name: format!("Shop {id}"),
        kind: "ORGANIZATION",
        client_id: format!("client-{id}"),
        client_secret: SecretString::from(format!("secret-{id}")),
        passcode: SecretString::from("417042"),
        phone: "231770000042".to_owned(),
        user_id: "user-42".to_owned(),
        wallets: vec![wallet(first_wallet, "USD"), wallet(first_wallet + 1, "LRD")],
    }
}

/// Two merchants without fees; the first has a thousand in each wallet.
pub fn settings() -> Settings {
    let mut settings = Settings::new(vec![merchant(42, 3, 1_000), merchant(43, 5, 0)]);
    settings.numbers.fail = vec![BAD.to_owned()];
    settings.numbers.silent = vec![SILENT.to_owned()];
    settings.numbers.later = vec![LATER.to_owned()];
    settings
}

pub async fn start(settings: Settings) -> Running {
    let folder = TempDir::new().unwrap();
    let mut running = start_on(&folder.path().join("dollr.db"), settings).await;
    running._folder = Some(folder);
    running
}

pub async fn start_on(path: &Path, settings: Settings) -> Running {
    let clock = Arc::new(SimClock::new(start_time()));
    let sim = DollrSimulator::open_driven(path, settings, clock.clone()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let served = sim.clone();
    let task = tokio::spawn(async move {
        served.serve(listener, async { stopped.await.unwrap_or(()) }).await.unwrap();
    });
    let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut running = Running { sim, clock, base, client, token: String::new(), stop: Some(stop), task, _folder: None };
    running.token = running.token_of(42).await;
    running
}

/// A UUID of version 4, the same for the same number.
pub fn reference(nth: u64) -> String {
    format!("550e8400-e29b-41d4-a716-{nth:012}")
}

pub fn passcode() -> Value {
    json!({
        "token": {"code": "417042", "phone": "231770000042"},
        "device": {"name": "till", "type": "SERVER", "platform": "TEST", "user_agent": "test", "client_ip": "203.0.113.10"},
    })
}

pub fn checkout(label: &str, phone: &str, amount: Value) -> Value {
    json!({
        "mode": "HOSTED", "source_kind": "ORDER", "party_phone": phone, "party_name": "Test Party", "currency": "USD",
        "items": [{"name": "Bag", "currency": "USD", "amount": amount}], "reference_id": label,
        "success_url": "https://shop.example/thanks", "cancel_url": "https://shop.example/back",
    })
}

impl Running {
    pub async fn token_of(&self, merchant: i64) -> String {
        let body = json!({"client_id": format!("client-{merchant}"), "client_secret": format!("secret-{merchant}")});
        let answer = self.client.post(format!("{}/v1/jwt/client/obtain/token", self.base)).json(&body).send().await;
        let body: Value = answer.unwrap().json().await.unwrap();
        text(&body, "access_token")
    }

    /// Code and text of an answer, or the error of a call that was not answered.
    pub async fn try_call(&self, method: &str, path: &str, body: Option<&Value>) -> reqwest::Result<(u16, String)> {
        let method = method.parse::<Method>().unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let (code, text) = self.try_call(method, path, body).await.unwrap();
        (code, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call("POST", path, Some(&body)).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.call("GET", path, None).await
    }

    /// The body of a good answer to a post.
    pub async fn make(&self, path: &str, body: Value) -> Value {
        let (code, answer) = self.post(path, body).await;
        assert_eq!(code, 200, "{path} {answer}");
        answer
    }

    pub async fn read(&self, path: &str) -> Value {
        let (code, answer) = self.get(path).await;
        assert_eq!(code, 200, "{path} {answer}");
        answer
    }

    pub async fn put(&self, path: &str) -> (u16, Value) {
        self.call("PUT", path, None).await
    }

    pub async fn party(&self, phone: &str) -> i64 {
        int(&self.make("/v1/parties/create", json!({"fullname": "Test Party", "phone": phone})).await, "id")
    }

    /// A counterparty of a new party.
    pub async fn counterparty(&self, phone: &str) -> (i64, i64) {
        let party = self.party(phone).await;
        let body = json!({"relationship_type": "CUSTOMER", "party_id": party});
        (int(&self.make("/v1/counterparties/create", body).await, "id"), party)
    }

    /// A published source with one item: its id and its party's.
    pub async fn source(&self, kind: &str, phone: &str, bearer: &str, currency: &str, amount: Value) -> (i64, i64) {
        let (counterparty, party) = self.counterparty(phone).await;
        let body = json!({
            "counterparty_id": counterparty, "currency": currency, "note": "Test", "fee_bearer": bearer,
            "as_payment_link": false,
        });
        let id = int(&self.make(&format!("/v1/{kind}s/create"), body).await, "id");
        let item = json!({"name": "Bag", "currency": currency, "qty": 1, "amount": amount});
        self.make(&format!("/v1/{kind}s/{id}/items/add"), item).await;
        let (code, body) = self.put(&format!("/v1/{kind}s/publish/{id}")).await;
        assert_eq!((code, &body["status"]), (200, &json!("ACTIVE")));
        (id, party)
    }

    pub async fn session(&self, kind: &str, id: i64) -> i64 {
        let body = json!({"source_id": id, "source_type": kind.to_uppercase()});
        int(&self.make("/v1/sessions/checkout", body).await, "id")
    }

    pub async fn account(&self, operation: &str, party: i64, phone: &str) -> i64 {
        let method = if phone.starts_with("23188") { "MTN_MOMO_LBR" } else { "ORANGE_MONEY_LBR" };
        let body = json!({
            "account_name": "Test", "provider": "PAWAPAY", "method": method, "party_id": party, "country_code": "LR",
            "insensitive_account_number": phone,
        });
        let path = format!("/v1/payment-accounts/create?operation_type={operation}");
        int(&self.make(&path, body).await, "id")
    }

    pub async fn card(&self, party: i64) -> i64 {
        let body = json!({"account_name": "Card", "provider": "STRIPE", "method": "CREDIT_CARD", "party_id": party});
        int(&self.make("/v1/payment-accounts/create?operation_type=COLLECTION", body).await, "id")
    }

    /// Everything up to the execution of a source's payment; gives its body.
    pub async fn prepared(
        &self,
        nth: u64,
        (kind, id): (&str, i64),
        (party, phone): (i64, &str),
        currency: &str,
    ) -> Value {
        let session = self.session(kind, id).await;
        let account = self.account("COLLECTION", party, phone).await;
        json!({
            "session_id": session.to_string(), "payment_account_id": account.to_string(), "currency": currency,
            "reference_id": reference(nth),
        })
    }

    /// An order of US dollars that is being paid; gives its id.
    pub async fn collect(&self, nth: u64, phone: &str, bearer: &str, amount: Value) -> i64 {
        let (id, party) = self.source("order", phone, bearer, "USD", amount).await;
        let body = self.prepared(nth, ("order", id), (party, phone), "USD").await;
        self.make("/v1/executions/collection", body).await;
        id
    }

    pub async fn status(&self, operation: &str, nth: u64) -> Value {
        self.read(&format!("/v1/status/{operation}/{}", reference(nth))).await
    }

    /// A payout's session and account, as the body of its execution.
    pub async fn payout(&self, nth: u64, phone: &str, currency: &str, amount: Value) -> Value {
        let party = self.party(phone).await;
        let account = self.account("PAYOUT", party, phone).await;
        let body = json!({"payout_account_id": account, "amount": amount, "currency": currency});
        let session = int(&self.make("/v1/sessions/payout", body).await, "id");
        json!({
            "session_id": session.to_string(), "payout_account_id": account.to_string(), "reference_id": reference(nth),
            "passcode": passcode(),
        })
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

    pub async fn admin(&self, action: Value) {
        let (code, body) = self.control("admin", Some(action.clone())).await;
        assert_eq!(code, 200, "{action} {body}");
    }

    async fn change(&self, what: &str, change: Value) {
        let (code, body) = self.control("faults", Some(json!({ what: change }))).await;
        assert_eq!(code, 200, "{body}");
    }

    pub async fn switch(&self, change: Value) {
        self.change("switches", change).await;
    }

    pub async fn rates(&self, change: Value) {
        self.change("rates", change).await;
    }

    pub async fn parameters(&self, change: Value) {
        self.change("parameters", change).await;
    }

    /// What can be spent of a wallet, by its id.
    pub async fn balance(&self, wallet: &str) -> String {
        let wallets = self.sim.wallets().await.unwrap();
        wallets.into_iter().find(|one| one.provider_id == wallet).unwrap().balance.to_string()
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

    /// As [`Self::pass`], with a token that is good afterwards.
    pub async fn wait(&mut self, time: Duration) {
        self.pass(time).await;
        self.token = self.token_of(42).await;
    }

    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.await.unwrap();
        self.sim.close().await;
    }
}

pub fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_else(|| panic!("{name}: {body}")).to_owned()
}

pub fn int(body: &Value, name: &str) -> i64 {
    body[name].as_i64().unwrap_or_else(|| panic!("{name}: {body}"))
}

/// The place of the first thing that was wrong.
pub fn loc(body: &Value) -> Vec<String> {
    let parts = body["detail"][0]["loc"].as_array().cloned().unwrap_or_default();
    parts.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect()
}
