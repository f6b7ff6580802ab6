//! From a signed webhook to the query API, with the cost of each step, in the product as a process of its own.
//!
//! A simulated Paytota in this process makes and signs genuine `paid` pushes, and keeps them back until they are asked
//! for. The product (`ensimbi serve`) looks at nothing by itself meanwhile, so each push must do all of it: signature,
//! inbox, read-back at the provider, translation, ledger, projection, `GET /v1/payments/{id}`. The steps are taken from
//! the product's own trail (`/explain`), the ends from this process's clock; both read the clock of the machine.
//!
//! ```text
//! cargo build --release && ENSIMBI_BIN=target/release/ensimbi cargo bench -p ensimbi-tests --bench webhook
//! ```
//! PostgreSQL and NATS too where ENSIMBI_TEST_DATABASE_URL and ENSIMBI_TEST_NATS_URL_CURRENT name them (`cargo xtask
//! servers`). The raw signature check of the same bodies is measured in the same run; the machine drifts, so only ratios
//! of one run mean something. Integers only.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ensimbi_connectors::door::{SIGNING_KEYS, id_of};
use ensimbi_connectors::providers;
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_connectors::simulator::stage::{PushTarget, Running, StageClock, StagePlan};
use ensimbi_connectors::verify::{PublicKeys, Verifier};
use ensimbi_events::simtime::SimClock;
use ensimbi_events::{Clock, Time};
use ensimbi_tests::process::Serving;
use ensimbi_tests::{fresh_database, unique_word};
use reqwest::Client;
use rsa::pkcs8::DecodePublicKey;
use rsa::sha2::{Digest, Sha256};
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Pushes one after another, and then so many at once.
const ALONE: usize = 200;
const TOGETHER: usize = 800;
const IN_FLIGHT: usize = 64;
/// A payer who agrees, and until when every payer has.
const PAYER: &str = "256777100001";
const AGREED: Duration = Duration::from_secs(3_600);
/// Pause between two questions for a payment; the questions of many must not be what is measured.
const LOOK_ALONE: Duration = Duration::from_millis(1);
const LOOK_TOGETHER: Duration = Duration::from_millis(25);
/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(120);
const MASTER_KEY: &str = "7c1f0a52e98d4b36a07e5d2c81f9364be0d27a15c8934f6bb1e05a7d9c28f3e6";
/// The house looks at nothing that no push names.
const QUIET: &str = "[connections.poll]\nfirst_secs = 86400\nmax_secs = 86400\n";

fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").unwrap();
}

#[expect(clippy::disallowed_methods, reason = "the process beside this one has the real clock")]
fn now() -> Time {
    jiff::Timestamp::now().to_string().parse().unwrap()
}

/// A push as the provider sent it.
#[derive(Clone)]
struct Push {
    signature: String,
    body: Bytes,
}

impl Push {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

type Kept = Arc<Mutex<Vec<Push>>>;

async fn keep(State(kept): State<Kept>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers["x-signature"].to_str().unwrap().to_owned();
    kept.lock().unwrap().push(Push { signature, body });
    StatusCode::NO_CONTENT
}

/// The provider.
struct Provider {
    simulator: Arc<dyn Running>,
    clock: Arc<SimClock>,
    connection: ConnectionSettings,
    kept: Kept,
    _stop: watch::Sender<bool>,
}

impl Provider {
    async fn open(folder: &std::path::Path) -> Self {
        let clock = Arc::new(SimClock::new(now()));
        let stage = *providers::stages().iter().find(|stage| stage.provider() == "paytota").unwrap();
        let given = StageClock::Given(clock.clone() as Arc<dyn Clock>);
        let plan = StagePlan { file: folder.join("provider.db"), clock: given, seed: 3, faults: false };
        let simulator = stage.open_funded(plan).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopping) = watch::channel(false);
        tokio::spawn(Arc::clone(&simulator).serve(listener, stopping));
        let connection = simulator.connections(&base).remove(0);

        let kept = Kept::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(keep)).with_state(Arc::clone(&kept));
        tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        simulator.push_to(PushTarget::of(&connection, url)).unwrap();
        Self { simulator, clock, connection, kept, _stop: stop }
    }

    /// Lets every payer agree; gives the last push of each purchase, by the purchase's reference.
    async fn paid(&self) -> BTreeMap<String, Push> {
        let end = self.clock.now().plus(AGREED);
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE, "the provider never comes to rest");
            if self.simulator.due(self.clock.now()).await.unwrap() > 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
                continue;
            }
            match self.simulator.next_due().await.unwrap() {
                Some(next) if next <= end => self.clock.advance_to(next),
                _ => break,
            }
        }
        let kept = std::mem::take(&mut *self.kept.lock().unwrap());
        let paid = kept.into_iter().filter_map(|push| {
            let body = push.json();
            let paid = body["status"] == "paid" && body["type"] == "purchase";
            paid.then(|| (body["reference"].as_str().unwrap().to_owned(), push))
        });
        paid.collect()
    }
}

/// The product, as its users see it.
#[derive(Clone)]
struct House {
    client: Client,
    url: String,
    key: String,
    webhook: String,
}

impl House {
    async fn get(&self, path: &str) -> Value {
        let request = self.client.get([self.url.as_str(), path].concat()).bearer_auth(&self.key);
        request.timeout(PATIENCE).send().await.unwrap().json().await.unwrap()
    }

    /// Asks for a payment; gives its id and its reference at the provider.
    async fn collect(&self, n: usize, connection: &str) -> (String, String) {
        let body = json!({
            "connection": connection, "wallet": "ugx", "amount": "1000", "currency": "UGX", "payer": { "phone": PAYER },
        });
        let request = self.client.post([self.url.as_str(), "/v1/collections"].concat()).bearer_auth(&self.key);
        let request = request.header("Idempotency-Key", format!("bench-{n}")).json(&body).timeout(PATIENCE);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let id = answer["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        (id, answer["reference"].as_str().unwrap().to_owned())
    }

    /// Waits until the provider has taken an order.
    async fn accepted(&self, id: &str) {
        let path = ["/v1/payments/", id, "/explain"].concat();
        let begun = Instant::now();
        loop {
            let trail = self.get(&path).await;
            if trail["intent"]["state"] == "accepted" {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "the provider never took it: {trail}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn push(&self, push: &Push) {
        let request = self.client.post(&self.webhook).header("X-Signature", &push.signature).body(push.body.clone());
        let status = request.timeout(PATIENCE).send().await.unwrap().status();
        assert_eq!(status, StatusCode::NO_CONTENT, "a genuine push");
    }

    /// Asks until it is seen, with this pause in between.
    async fn visible(&self, id: &str, look: Duration) {
        let path = ["/v1/payments/", id].concat();
        let begun = Instant::now();
        while self.get(&path).await["payment"]["state"] != "succeeded" {
            assert!(begun.elapsed() < PATIENCE, "{id} is never seen to succeed");
            tokio::time::sleep(look).await;
        }
    }
}

/// The moments of one push.
#[derive(Debug)]
struct Moments {
    sent: Time,
    taken: Time,
    read: Time,
    translated: Time,
    recorded: Time,
    visible: Time,
}

const STEPS: [&str; 6] = [
    "signature, inbox, 204",
    "read back from the provider",
    "translated",
    "recorded by the ledger",
    "projected and asked for",
    "all of it",
];

impl Moments {
    fn steps(&self) -> [Duration; 6] {
        [
            self.taken.since(self.sent),
            self.read.since(self.taken),
            self.translated.since(self.read),
            self.recorded.since(self.translated),
            self.visible.since(self.recorded),
            self.visible.since(self.sent),
        ]
    }
}

fn moment(text: &Value) -> Time {
    text.as_str().unwrap().parse().unwrap()
}

/// One push, from its first byte to the answer that shows its money; the steps in between from the payment's trail.
async fn one(house: &House, id: &str, push: &Push, look: Duration) -> Moments {
    let sent = now();
    house.push(push).await;
    let taken = now();
    house.visible(id, look).await;
    let visible = now();
    let trail = house.get(&["/v1/payments/", id, "/explain"].concat()).await;
    let list = |name: &str| trail[name].as_array().unwrap().clone();
    let success = list("events").into_iter().find(|event| event["type"] == "CollectionSucceeded").unwrap();
    // What the push says by itself waits for our own read of the purchase; that read is what posts.
    let reads: Vec<Value> = list("observations").into_iter().filter(|seen| seen["class"] == "read").collect();
    let posted = list("claims").into_iter().filter(|claim| claim["word"] == "CollectionSucceeded").find_map(|claim| {
        let read = reads.iter().find(|seen| seen["id"] == claim["source"])?;
        Some((moment(&read["received_at"]), moment(&claim["created_at"])))
    });
    let (read, translated) = posted.unwrap_or_else(|| panic!("no read of ours states it: {trail}"));
    Moments { sent, taken, read, translated, recorded: moment(&success["recorded_at"]), visible }
}

fn percentile(sorted: &[Duration], per_cent: usize) -> Duration {
    sorted[(sorted.len() - 1) * per_cent / 100]
}

fn table(title: &str, moments: &[Moments], raw: Duration) {
    say(&format!("\n{title}\n{:<30} {:>10} {:>10} {:>22}", "step", "p50 us", "p99 us", "p50, raw checks of RSA"));
    for (n, name) in STEPS.iter().enumerate() {
        let mut took: Vec<Duration> = moments.iter().map(|moments| moments.steps()[n]).collect();
        took.sort_unstable();
        let (p50, p99) = (percentile(&took, 50), percentile(&took, 99));
        let ratio = p50.as_nanos() / raw.as_nanos().max(1);
        say(&format!("{name:<30} {:>10} {:>10} {ratio:>22}", p50.as_micros(), p99.as_micros()));
    }
}

/// The signature check by itself on the very same pushes: RSA and hash alone, ours, and ours by the blocking threads.
async fn signatures(connection: &ConnectionSettings, pushes: &[Push]) -> Duration {
    let pems: Vec<&String> = SIGNING_KEYS.iter().filter_map(|name| connection.options.get(*name)).collect();
    let keys = PublicKeys::from_pem(pems.iter().copied()).unwrap();
    let raw: Vec<RsaPublicKey> = pems.iter().map(|pem| RsaPublicKey::from_public_key_pem(pem).unwrap()).collect();
    let padding = Pkcs1v15Sign::new::<Sha256>;
    let key = |push: &Push, signature: &[u8]| {
        let hash = Sha256::digest(&push.body);
        raw.iter().find(|key| key.verify(padding(), &hash, signature).is_ok()).unwrap().clone()
    };
    // Each push with the one key that made it: a second key in rotation costs a second check.
    let signed: Vec<(RsaPublicKey, Vec<u8>, &Push)> = pushes
        .iter()
        .map(|push| {
            let signature = STANDARD.decode(&push.signature).unwrap();
            (key(push, &signature), signature, push)
        })
        .collect();
    let each = |took: Duration| took / u32::try_from(pushes.len()).unwrap();
    let begun = Instant::now();
    for (key, signature, push) in &signed {
        let hash = Sha256::digest(&push.body);
        black_box(key.verify(padding(), &hash, signature)).unwrap();
    }
    let raw = each(begun.elapsed());
    let begun = Instant::now();
    for push in pushes {
        black_box(keys.verify(&push.body, push.signature.as_bytes())).unwrap();
    }
    let ours = each(begun.elapsed());
    let verifier = Verifier::new();
    let begun = Instant::now();
    for push in pushes {
        verifier.verify(&keys, push.body.clone(), push.signature.as_bytes()).await.unwrap();
    }
    let queued = each(begun.elapsed());
    let bytes: usize = pushes.iter().map(|push| push.body.len()).sum();
    say(&format!(
        "signature of one push ({} bytes): raw RSA and SHA-256 {} us, ours {} us, ours through its queue {} us",
        bytes / pushes.len(),
        raw.as_micros(),
        ours.as_micros(),
        queued.as_micros()
    ));
    raw
}

/// The whole story on one kind of stores.
async fn story(title: &str, servers: &[String]) {
    let folder = tempfile::tempdir().unwrap();
    let provider = Provider::open(folder.path()).await;
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let settings = ensimbi_tests::config::toml_of(std::slice::from_ref(&provider.connection));
    std::fs::write(data.join("ensimbi.toml"), [settings.as_str(), "\n", QUIET].concat()).unwrap();
    let key = folder.path().join("key");
    let private = PermissionsExt::from_mode(0o600);
    std::fs::write(&key, MASTER_KEY).unwrap();
    std::fs::set_permissions(&key, private).unwrap();
    let paths = [("--data", &data), ("--master-key-file", &key)];
    let mut args: Vec<String> =
        paths.into_iter().flat_map(|(name, path)| [name.to_owned(), path.to_str().unwrap().to_owned()]).collect();
    args.extend_from_slice(servers);
    let serving = Serving::start(&args).await;
    let connection = id_of(serving.book.parse().unwrap(), &provider.connection).to_string();
    let house = House {
        client: Client::new(),
        url: serving.url.clone(),
        key: serving.key.clone().unwrap(),
        webhook: format!("{}/webhooks/{connection}", serving.url),
    };

    let mut asked = BTreeMap::new();
    for n in 0..ALONE + TOGETHER {
        let (id, reference) = house.collect(n, &connection).await;
        asked.insert(reference, id);
    }
    for id in asked.values() {
        house.accepted(id).await;
    }
    let paid = provider.paid().await;
    let ready: Vec<(String, Push)> =
        paid.into_iter().filter_map(|(reference, push)| Some((asked.get(&reference)?.clone(), push))).collect();
    assert!(ready.len() > ALONE + TOGETHER / 2, "only {} were paid", ready.len());
    let (alone, together) = ready.split_at(ALONE);

    say(&format!("\n== {title}"));
    let pushes: Vec<Push> = alone.iter().map(|(_, push)| push.clone()).collect();
    let raw = signatures(&provider.connection, &pushes).await;
    let mut moments = Vec::new();
    for (id, push) in alone {
        moments.push(one(&house, id, push, LOOK_ALONE).await);
    }
    table(&format!("one at a time ({ALONE} pushes)"), &moments, raw);

    let next = Arc::new(Mutex::new(together.to_vec()));
    let begun = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (house, next) = (house.clone(), Arc::clone(&next));
        workers.spawn(async move {
            let mut moments = Vec::new();
            loop {
                let taken = next.lock().unwrap().pop();
                let Some((id, push)) = taken else { return moments };
                moments.push(one(&house, &id, &push, LOOK_TOGETHER).await);
            }
        });
    }
    let mut moments = Vec::new();
    while let Some(done) = workers.join_next().await {
        moments.extend(done.unwrap());
    }
    let took = begun.elapsed();
    table(&format!("{IN_FLIGHT} in flight ({} pushes)", moments.len()), &moments, raw);
    let rate = moments.len() as u128 * 1_000 / took.as_millis().max(1);
    say(&format!("{rate} a second from push to answer"));
    assert_eq!(serving.stop().await, Some(0));
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    story("embedded: SQLite and the in-process bus", &[]).await;
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (env("ENSIMBI_TEST_DATABASE_URL"), env("ENSIMBI_TEST_NATS_URL_CURRENT")) {
        (Some(_), Some(nats)) => {
            let database = fresh_database("webhook").await;
            let prefix = unique_word("webhook");
            let servers = ["--database-url", &database, "--nats-url", &nats, "--nats-prefix", &prefix];
            story("PostgreSQL and NATS", &servers.map(str::to_owned)).await;
        }
        _ => say("\nPostgreSQL and NATS: not measured, no addresses (`cargo xtask servers` gives them)"),
    }
}
