//! A provider played in this process, on its own clock, for a house that runs as a process of its own.

use std::sync::Arc;
use std::time::Duration;

use ensimbi_connectors::connector::{Checkout, CollectCall, PartyDetails};
use ensimbi_connectors::door::{CALLBACK_HEADER, id_of};
use ensimbi_connectors::providers;
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_connectors::simulator::SimulatedObject;
use ensimbi_connectors::simulator::stage::{PushTarget, Running, StageClock, StagePlan};
use ensimbi_events::simtime::SimClock;
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Clock, Time};
use ensimbi_tests::config::toml_of;
use ensimbi_tests::process::Serving;
use reqwest::{Client, StatusCode};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::support::{Folder, eventually, get, present, text};

/// Test numbers whose payers agree.
const PAYER: &str = "0111777771";

/// The played provider.
pub struct Play {
    /// What it says of itself.
    pub simulator: Arc<dyn Running>,
    clock: Arc<SimClock>,
    /// The connection that this test uses.
    pub connection: ConnectionSettings,
    base: String,
    _stop: watch::Sender<bool>,
}

impl Play {
    /// Opens and serves it, without faults, and writes the configuration of a house that uses it.
    pub async fn open(folder: &Folder) -> Self {
        Self::start(folder, "2026-01-05T05:00:00Z".parse().unwrap(), false, &[]).await
    }

    /// The same with money in its wallets and these options more, in the present: what happens there from now on happens
    /// after the wallet is opened by its first balance ([`Self::opened`]).
    pub async fn funded(folder: &Folder, options: &[(&str, &str)]) -> Self {
        Self::start(folder, present(), true, options).await
    }

    async fn start(folder: &Folder, start: Time, funded: bool, options: &[(&str, &str)]) -> Self {
        let clock = Arc::new(SimClock::new(start));
        let stage = *providers::stages().iter().find(|stage| stage.provider() == "iotec").unwrap();
        let file = folder.path("provider.db");
        let plan = StagePlan { file, clock: StageClock::Driven(clock.clone()), seed: 3, faults: false };
        let opening = if funded { stage.open_funded(plan) } else { stage.open(plan) };
        let simulator = opening.await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopping) = watch::channel(false);
        tokio::spawn(Arc::clone(&simulator).serve(listener, stopping));
        let mut connection = simulator.connections(&base).remove(0);
        connection.timeout_ms = 5_000;
        connection.options.extend(options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        // The sweep alone must be able to settle what no callback tells; here within seconds.
        let config =
            [toml_of(std::slice::from_ref(&connection)).as_str(), "\n", POLL, if funded { "" } else { UNOPENED }]
                .concat();
        folder.write("data/ensimbi.toml", config);
        Self { simulator, clock, connection, base, _stop: stop }
    }

    /// Asks for collections as somebody else's software would, and gives the provider's answers.
    pub async fn collect(&self, how_many: u32) -> Vec<Vec<u8>> {
        let connector = providers::find(&self.connection.provider).unwrap();
        let client = connector.connect(&self.connection, Arc::clone(&self.clock) as Arc<dyn Clock>).unwrap();
        let mut answers = Vec::new();
        for n in 1..=how_many {
            let order = CollectCall {
                reference: format!("order-{n}"),
                wallet: self.connection.wallets[0].id.clone(),
                amount: Amount::whole(i32::try_from(700 + n).unwrap()),
                currency: self.connection.wallets[0].currency,
                payer: PartyDetails { phone: Some(PAYER.to_owned()), ..PartyDetails::default() },
                fee_bearer: Bearer::Merchant,
                note: None,
                items: Vec::new(),
                checkout: Checkout::default(),
                object: None,
                handle: None,
            };
            answers.push(client.collect(&order).await.unwrap().body);
        }
        answers
    }

    /// Writes the answers to files, and gives their names.
    pub async fn collect_into(&self, folder: &Folder, how_many: u32) -> Vec<String> {
        let bodies = self.collect(how_many).await.into_iter().enumerate();
        bodies.map(|(n, body)| folder.write(&format!("in/{n}"), body)).collect()
    }

    /// The path of this connection's webhook.
    pub fn path(&self, serving: &Serving) -> String {
        format!("/webhooks/{}", id_of(serving.book.parse().unwrap(), &self.connection))
    }

    fn secret(&self) -> (&str, &str) {
        (&self.connection.options[CALLBACK_HEADER], self.connection.secrets["callback_value"].expose_secret())
    }

    /// Has the provider call back there from now on.
    pub fn call_back_to(&self, serving: &Serving) {
        let (header, value) = self.secret();
        let target = PushTarget {
            slug: self.connection.slug.clone(),
            url: [serving.url.as_str(), &self.path(serving)].concat(),
            header: Some((header.to_owned(), value.to_owned().into())),
        };
        self.simulator.push_to(target).unwrap();
    }

    /// Sends one callback by hand.
    pub async fn push(&self, serving: &Serving, body: impl Into<reqwest::Body>) -> StatusCode {
        let (header, value) = self.secret();
        let url = [serving.url.as_str(), &self.path(serving)].concat();
        let request = Client::new().post(url).header(header, value).timeout(Duration::from_secs(60));
        request.body(body).send().await.unwrap().status()
    }

    /// Lets everything happen at the provider that is going to: outcomes, callbacks, their repeats.
    pub async fn pass(&self) {
        for _ in 0..20_000 {
            if self.simulator.due(self.clock.now()).await.unwrap() == 0 {
                match self.simulator.next_due().await.unwrap() {
                    Some(next) => self.clock.advance_to(next),
                    None => return,
                }
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("the provider never comes to rest");
    }

    /// Waits until the wallet is opened with what is in it there and the banks are known, then goes on in the present.
    pub async fn opened(&self, serving: &Serving, key: &str) {
        let theirs = self.balance().await;
        eventually("the wallet is opened", async || {
            let shown = get(serving, key, "/v1/wallets").await;
            let found = shown["items"].as_array().unwrap().first()?.clone();
            (text(&found["posted"]) == theirs).then_some(())
        })
        .await;
        let connections = get(serving, key, "/v1/connections").await;
        let path = format!("/v1/connections/{}/banks", text(&connections["items"][0]["id"]));
        eventually("the banks are known", async || {
            let shown = get(serving, key, &path).await;
            (!shown["items"].as_array().unwrap().is_empty()).then_some(())
        })
        .await;
        self.clock.advance_to(present());
    }

    /// What is in the wallet there.
    pub async fn balance(&self) -> String {
        let theirs = self.simulator.wallets().await.unwrap();
        let id = &self.connection.wallets[0].id;
        theirs.iter().find(|wallet| wallet.provider_id == *id).unwrap().balance.to_string()
    }

    /// What the provider made under this reference, once it has it.
    pub async fn made(&self, reference: &str) -> SimulatedObject {
        eventually("the provider has it", async || {
            let objects = self.simulator.objects().await.unwrap();
            objects.into_iter().find(|object| object.external_id.as_deref() == Some(reference))
        })
        .await
    }

    /// Does something by hand at the provider.
    pub async fn control(&self, path: &str, body: &Value) {
        let url = format!("{}/_sim/{path}", self.base);
        let response = Client::new().post(url).json(body).timeout(Duration::from_secs(60)).send().await.unwrap();
        let status = response.status();
        assert_eq!(status, StatusCode::OK, "{path}: {}", response.text().await.unwrap());
    }

    /// Waits until all these payments have succeeded and our wallet is the provider's, through the API.
    pub async fn all_succeed(&self, serving: &Serving, key: &str, how_many: usize) {
        let done = async || {
            let shown = get(serving, key, "/v1/payments").await;
            let items = shown["items"].as_array().unwrap();
            let done = items.iter().filter(|payment| payment["state"] == "succeeded").count();
            (done == how_many && items.len() == how_many).then_some(())
        };
        eventually("every payment has succeeded", done).await;
        let balance = self.balance().await;
        let ours = eventually("the wallet's balance", async || {
            let shown: Value = get(serving, key, "/v1/wallets").await;
            (shown["items"][0]["posted"] != "0").then_some(shown)
        });
        assert_eq!(text(&ours.await["items"][0]["posted"]), balance, "our wallet is theirs");
    }
}

const POLL: &str = "[connections.poll]\nfirst_secs = 1\nmax_secs = 2\n";
/// No balance opens the wallet: the provider lives before the present, and what settled before an opening is inside it.
const UNOPENED: &str = "routine_secs = { wallet = 0 }\n";
