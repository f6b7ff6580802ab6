//! What the stories share: a folder, configuration text, questions over HTTP, waiting.

use std::path::PathBuf;
use std::time::Duration;

use ensimbi_events::Time;
use ensimbi_tests::process::Serving;
use ensimbi_vault::SystemEntropy;
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

/// A master key for tests.
pub const MASTER_KEY: &str = "7c1f0a52e98d4b36a07e5d2c81f9364be0d27a15c8934f6bb1e05a7d9c28f3e6";

/// A folder that goes with the test.
pub struct Folder(tempfile::TempDir);

pub fn folder() -> Folder {
    Folder(tempfile::tempdir().unwrap())
}

impl Folder {
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        self.text(name)
    }

    /// A master key as an operator would make it.
    pub fn master_key(&self) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = self.write("key", MASTER_KEY);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path
    }

    /// The files in a folder, by name.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }
}

/// A JSON text.
#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("expected a text, got {value}"))
}

/// Asks with a key; the answer must be JSON.
pub async fn get(serving: &Serving, key: &str, path: &str) -> Value {
    let (status, body) = ask(serving, Some(key), path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

/// Asks, with or without a key.
pub async fn ask(serving: &Serving, key: Option<&str>, path: &str) -> (StatusCode, Value) {
    let mut request = Client::new().get(format!("{}{path}", serving.url)).timeout(Duration::from_secs(30));
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// Fails unless it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Fails unless it is this problem, about this field of the body.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str, field: Option<&str>) {
        let body = &self.body;
        assert_eq!((self.status, body["code"].as_str(), body["field"].as_str()), (status, Some(code), field), "{body}");
    }
}

/// The views, each by a question to it.
const VIEWS: [&str; 6] =
    ["/v1/wallets", "/v1/payments", "/v1/invoices", "/v1/invoices/ageing", "/v1/discrepancies", "/v1/open-items"];

/// Somebody who sends commands with an API key.
#[derive(Clone)]
pub struct Caller {
    client: Client,
    url: String,
    key: String,
}

impl Caller {
    /// With a key of this process.
    pub fn of(serving: &Serving, key: &str) -> Self {
        Self::at(serving.url.clone(), key)
    }

    /// With a key, where an API listens.
    pub fn at(url: String, key: &str) -> Self {
        Self { client: Client::new(), url, key: key.to_owned() }
    }

    /// Asks; the answer must be JSON with 200.
    pub async fn get(&self, path: &str) -> Value {
        self.send(Method::GET, path, None, None).await.expect(200)
    }

    /// Sends anything, as a command under a key of its own.
    pub async fn send(&self, method: Method, path: &str, own: Option<&str>, body: Option<&Value>) -> Answer {
        let url = [self.url.as_str(), path].concat();
        let mut request = self.client.request(method, url).bearer_auth(&self.key).timeout(Duration::from_secs(60));
        if let Some(own) = own {
            request = request.header("Idempotency-Key", own);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        Answer { status: response.status().as_u16(), body: response.json().await.unwrap() }
    }

    /// Posts a command.
    pub async fn post(&self, path: &str, own: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(own), Some(body)).await
    }

    /// How far the log has come.
    pub async fn position(&self) -> u64 {
        self.get("/v1/events?limit=1").await["position"].as_u64().unwrap()
    }

    /// The words of all events.
    pub async fn words(&self) -> Vec<String> {
        let page = self.get("/v1/events?limit=500").await;
        assert_eq!(page["next_after"], Value::Null, "the story is longer than a page");
        page["items"].as_array().unwrap().iter().map(|event| text(&event["type"]).to_owned()).collect()
    }

    /// The only wallet.
    pub async fn wallet(&self) -> Value {
        self.get("/v1/wallets").await["items"][0].clone()
    }

    /// Waits until a payment, as it is shown, is in this state, and every other view has come as far.
    pub async fn becomes(&self, payment: &str, state: &str) -> Value {
        let path = ["/v1/payments/", payment].concat();
        eventually(state, async || {
            let Answer { status, body } = self.send(Method::GET, &path, None, None).await;
            (status == 200 && body["payment"]["state"] == state).then(|| body["payment"].clone())
        })
        .await;
        self.caught_up().await;
        let shown = self.get(&path).await;
        shown["payment"].clone()
    }

    /// Waits until every view shows what the log holds now.
    pub async fn caught_up(&self) {
        let position = self.position().await;
        for path in VIEWS {
            eventually(path, async || (self.get(path).await["position"].as_u64()? >= position).then_some(())).await;
        }
    }
}

/// The present, for a provider that is to live in the same time as the process beside it.
#[expect(clippy::disallowed_methods, reason = "the process under test has the real clock")]
pub fn present() -> Time {
    jiff::Timestamp::now().to_string().parse().unwrap()
}

/// An id that nobody has.
pub fn nobody() -> String {
    format!("{:08x}-0000-4000-8000-{:012x}", random(1 << 32), random(1 << 48))
}

/// Looks every 100 ms until it finds something; at most a minute.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never came to this: {what}");
}

/// A number below `below`, really random; whoever uses it prints it.
pub fn random(below: u64) -> u64 {
    use ensimbi_events::Entropy;
    let mut bytes = [0; 8];
    SystemEntropy.fill(&mut bytes);
    u64::from_be_bytes(bytes) % below
}
