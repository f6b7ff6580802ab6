//! What the door's tests share: a scripted provider, a ledger that answers, places for both stores.

#![allow(clippy::unwrap_used)]

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_bus::{Bus, LocalBus, LocalOptions, mac};
use ensimbi_events::bus::{Answer, ClaimMessage, Outcome, RecordedRef, Stream, answers_subject};
use ensimbi_events::codes::Refusal;
use ensimbi_events::commands::{CollectOrder, CommandError, Destination, IntentView, Origin, PayKind, PayOrder};
use ensimbi_events::leaf::Hash;
use ensimbi_events::ports::MacKeys;
use ensimbi_events::simtime::SimClock;
use ensimbi_events::word::{Bearer, FigureSource, Mode};
use ensimbi_events::words::payment::{CollectionFailed, CollectionPending, CollectionSucceeded};
use ensimbi_events::words::payout::{PayoutFailed, PayoutPending, PayoutSucceeded};
use ensimbi_events::{Amount, Body, BookId, Claim, Clock, ConnectionId, Currency, Entropy, SubjectKind, Time};
use ensimbi_vault::{MasterKey, SystemEntropy, Vault};
use tokio::sync::watch;
use uuid::Uuid;

use crate::connector::{
    Authenticity, BankSeen, CallError, Capability, Checkout, CollectCall, Connector, Facts, Input, ObjectRef, Options,
    OrderKind, PartyDetails, PayoutCall, ProviderClient, RawAnswer, ReferenceForm, Routine, Said, Translation,
    Unreadable, Watch,
};
use crate::door::{Door, DoorOptions, StoreAddress, Tuning};
use crate::settings::{ConnectionSettings, SettingsError};

pub(crate) const HEADER: &str = "x-callback-key";
pub(crate) const SECRET: &str = "a-long-enough-callback-value";
pub(crate) const NEXT_SECRET: &str = "the-next-callback-value";
pub(crate) const PHONE: &str = "256772123456";
pub(crate) const PAYOUT: &str = "payout";
pub(crate) const BANKS: &str = "banks";
pub(crate) const STATUS: &str = "collection_status";
/// Longest real time that anything may take; far beyond what it does take, since machines differ.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
pub(crate) const START: Time = Time::from_micros(1_780_000_000_000_000);

const CAPABILITIES: &[Capability] = {
    use Capability::*;
    &[Collect, Payout, BankPayout, Withdraw, Banks, ReadById, ReadByReference, Push]
};

static FACTS: Facts = Facts {
    provider: "fake",
    translator: "fake.1",
    kinds: &[STATUS, "collection_created", "webhook", BANKS],
    capabilities: CAPABILITIES,
    operator_transaction_unique: false,
    sandbox_currencies: &["ITX"],
    default_urls: &[],
    collects: "collection",
    pays: PAYOUT,
    refunds: "",
    references: ReferenceForm::Text,
    two_steps: false,
    purses: &[],
    routines: &[Routine { object_kind: BANKS, each_wallet: false, every_secs: 900, moment: false }],
};

/// What the provider does next, and what it was asked.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) collects: VecDeque<Result<String, CallError>>,
    pub(crate) reads: HashMap<String, VecDeque<Result<String, CallError>>>,
    pub(crate) sent: Vec<CollectCall>,
    pub(crate) pays: VecDeque<Result<String, CallError>>,
    pub(crate) paid: Vec<PayoutCall>,
    pub(crate) asked: Vec<String>,
}

/// A provider whose every answer a test writes down.
#[derive(Clone, Default)]
pub(crate) struct Fake {
    pub(crate) script: Arc<Mutex<Script>>,
}

impl Fake {
    /// The next answer to an order.
    pub(crate) fn on_collect(&self, answer: Result<&str, CallError>) {
        self.script.lock().unwrap().collects.push_back(answer.map(str::to_owned));
    }

    /// The next answer about an id or reference; the last one stays.
    pub(crate) fn on_read(&self, key: &str, answer: Result<&str, CallError>) {
        let mut script = self.script.lock().unwrap();
        script.reads.entry(key.to_owned()).or_default().push_back(answer.map(str::to_owned));
    }

    /// The next answer to an order to pay.
    pub(crate) fn on_pay(&self, answer: Result<&str, CallError>) {
        self.script.lock().unwrap().pays.push_back(answer.map(str::to_owned));
    }

    pub(crate) fn paid(&self) -> Vec<PayoutCall> {
        self.script.lock().unwrap().paid.clone()
    }

    pub(crate) fn sent(&self) -> usize {
        self.script.lock().unwrap().sent.len()
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.script.lock().unwrap().asked.clone()
    }
}

/// `{"id","reference"?,"status","amount"?,"wallet"?,"payer"?}` for their wire.
pub(crate) fn body(id: &str, reference: Option<&str>, status: &str) -> String {
    serde_json::json!({ "id": id, "reference": reference, "status": status, "amount": "700", "payer": PHONE })
        .to_string()
}

/// The same of a payout.
pub(crate) fn payout_body(id: &str, reference: Option<&str>, status: &str) -> String {
    serde_json::json!({ "id": id, "reference": reference, "status": status, "amount": "1000", "payee": PHONE })
        .to_string()
}

/// Somebody's phone, as a destination.
pub(crate) fn mobile() -> Destination {
    Destination::Mobile { phone: PHONE.to_owned() }
}

fn object(body: &[u8]) -> Result<(serde_json::Value, ObjectRef), Unreadable> {
    let unreadable = |field: &str| Unreadable { field: field.into(), problem: "not readable".into() };
    let value: serde_json::Value = serde_json::from_slice(body).map_err(|_| unreadable("body"))?;
    let id = value["id"].as_str().ok_or_else(|| unreadable("id"))?.to_owned();
    let reference = value["reference"].as_str().map(str::to_owned);
    let kind = if value.get("payee").is_some() { PAYOUT } else { "collection" };
    Ok((value, ObjectRef { kind, id: Some(id), reference }))
}

#[async_trait]
impl Connector for Fake {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }
    fn authenticity(&self) -> Authenticity {
        Authenticity::Hint
    }
    fn object_kinds(&self) -> &'static [&'static str] {
        &["collection", PAYOUT, BANKS]
    }
    fn fee_ceiling(&self, _options: &Options, order: OrderKind, _amount: Amount) -> Result<Amount, String> {
        Ok(Amount::whole(if order == OrderKind::PayBank { 50 } else { 30 }))
    }

    fn accepts(&self, _order: OrderKind, amount: Amount, _currency: Currency) -> Result<(), String> {
        if amount >= Amount::whole(500) { Ok(()) } else { Err("expected at least 500".to_owned()) }
    }

    fn translate(&self, input: Input<'_>) -> Result<Translation, Unreadable> {
        // A list of banks that is being made.
        if let Some(name) = std::str::from_utf8(input.body).ok().and_then(|text| text.strip_prefix("making ")) {
            let list = ObjectRef { kind: BANKS, id: None, reference: Some(name.to_owned()) };
            return Ok(Translation { watch: vec![(list, Watch::Unsettled)], ..Translation::default() });
        }
        if input.kind == BANKS {
            let code = String::from_utf8_lossy(input.body).into_owned();
            let account_pattern = Some("[0-9]{10}".to_owned());
            let id = Some("bank-1".to_owned());
            let banks = vec![BankSeen { code, id, name: Some("A bank".into()), account_pattern }];
            return Ok(Translation { banks, ..Translation::default() });
        }
        let (value, object) = object(input.body)?;
        let amount: Amount = value["amount"].as_str().unwrap_or("700").parse().unwrap();
        if object.kind == PAYOUT {
            return Ok(payout(&value, object, amount));
        }
        let (body, watch): (Body, Watch) = match value["status"].as_str().unwrap_or_default() {
            "pending" => (CollectionPending { amount, fee_bearer: None, invoice_id: None }.into(), Watch::Unsettled),
            "success" => {
                let body = CollectionSucceeded {
                    gross: amount,
                    net: amount,
                    net_source: FigureSource::Observed,
                    held: None,
                    held_until: None,
                    payer: None,
                    rate: None,
                    invoice_id: None,
                    channel: None,
                    fees: Vec::new(),
                };
                (body.into(), Watch::Settled)
            }
            "failed" => {
                let reason = "failed".to_owned();
                let body = CollectionFailed { amount, is_final: true, reason, fee_bearer: None, invoice_id: None };
                (body.into(), Watch::Ended)
            }
            "panic" => panic!("a defect of the translator"),
            other => return Ok(Translation { unknown: vec![other.to_owned()], ..Translation::default() }),
        };
        let said = Said {
            currency: "UGX".parse().ok(),
            wallet: value["wallet"].as_str().map(str::to_owned),
            party: Some(PartyDetails { phone: value["payer"].as_str().map(str::to_owned), ..Default::default() }),
            ..Said::about(object.clone(), SubjectKind::Payment, body)
        };
        Ok(Translation { said: vec![said], watch: vec![(object, watch)], ..Translation::default() })
    }

    fn hinted(&self, body: &[u8]) -> Result<Vec<ObjectRef>, Unreadable> {
        object(body).map(|(_, object)| vec![object])
    }

    fn connect(
        &self,
        _settings: &ConnectionSettings,
        _clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn ProviderClient>, SettingsError> {
        Ok(Arc::new(self.clone()))
    }
}

fn payout(value: &serde_json::Value, object: ObjectRef, amount: Amount) -> Translation {
    let attempt = 1;
    let (body, watch): (Body, Watch) = match value["status"].as_str().unwrap_or_default() {
        "pending" => (PayoutPending { amount, attempt: None }.into(), Watch::Unsettled),
        "success" => {
            let (wallet_debit, fees) = (amount, Vec::new());
            let body = PayoutSucceeded { amount, wallet_debit, attempt: None, beneficiary: None, fees };
            (body.into(), Watch::Settled)
        }
        _ => {
            let reason = "failed".to_owned();
            (PayoutFailed { attempt, amount, is_final: true, reason }.into(), Watch::Ended)
        }
    };
    let currency = "UGX".parse().ok();
    let said = Said { currency, ..Said::about(object.clone(), SubjectKind::Payout, body) };
    Translation { said: vec![said], watch: vec![(object, watch)], ..Translation::default() }
}

pub(crate) fn raw(kind: &'static str, answer: Result<String, CallError>) -> Result<RawAnswer, CallError> {
    answer.map(|body| RawAnswer { kind, status: 200, body: body.into_bytes() })
}

#[async_trait]
impl ProviderClient for Fake {
    async fn read(&self, object: &ObjectRef, _handle: Option<&str>) -> Result<Vec<RawAnswer>, CallError> {
        let mut script = self.script.lock().unwrap();
        let key = object.id.clone().or_else(|| object.reference.clone()).unwrap();
        script.asked.push(key.clone());
        let Some(answers) = script.reads.get_mut(&key) else { return Err(CallError::NotFound) };
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        raw(STATUS, answer.unwrap_or(Err(CallError::NotFound))).map(|answer| vec![answer])
    }

    async fn pay(&self, order: &PayoutCall) -> Result<RawAnswer, CallError> {
        let mut script = self.script.lock().unwrap();
        script.paid.push(order.clone());
        let answer = script.pays.pop_front().expect("the test expects no further call");
        let reference = order.reference.clone();
        raw("collection_created", answer.map(|body| body.replace("{reference}", &reference)))
    }

    async fn collect(&self, order: &CollectCall) -> Result<RawAnswer, CallError> {
        let mut script = self.script.lock().unwrap();
        script.sent.push(order.clone());
        let answer = script.collects.pop_front().expect("the test expects no further call");
        let reference = order.reference.clone();
        raw("collection_created", answer.map(|body| body.replace("{reference}", &reference)))
    }
}

/// Real time without the system's clock: only differences matter here.
pub(crate) struct RealClock(tokio::time::Instant);

#[async_trait]
impl Clock for RealClock {
    fn now(&self) -> Time {
        START.plus(self.0.elapsed())
    }

    async fn sleep_until(&self, at: Time) {
        tokio::time::sleep(at.since(self.now())).await;
    }
}

/// A store that disappears with the test.
pub(crate) struct Place {
    pub(crate) address: StoreAddress,
    _folder: tempfile::TempDir,
}

pub(crate) fn in_sqlite() -> Place {
    let folder = tempfile::tempdir().unwrap();
    Place { address: StoreAddress::Sqlite(folder.path().join("door.db")), _folder: folder }
}

/// A fresh database on the test server.
pub(crate) async fn in_postgres() -> Place {
    use sqlx::{AssertSqlSafe, Connection, Executor};
    let url = std::env::var("ENSIMBI_TEST_DATABASE_URL")
        .expect("ENSIMBI_TEST_DATABASE_URL: these tests need a PostgreSQL server and a superuser's URL of it");
    let mut random = [0; 8];
    SystemEntropy.fill(&mut random);
    let name = format!("door_{}", hex::encode(random));
    let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    let address = StoreAddress::Postgres(format!("{server}/{name}").into());
    Place { address, _folder: tempfile::tempdir().unwrap() }
}

/// A connection of the fake provider.
pub(crate) fn settings(slug: &str) -> ConnectionSettings {
    serde_json::from_value(serde_json::json!({
        "slug": slug, "provider": "fake", "account": format!("account-{slug}"), "simulated": true,
        "secrets": { "callback_value": SECRET, "callback_value_next": NEXT_SECRET },
        "options": { "callback_header": HEADER },
        // Nothing happens by itself, unless a test wants it.
        "poll": { "routine_secs": { "banks": 0 } },
        "wallets": [{ "id": "wallet-1", "code": "ugx", "currency": "UGX" }],
    }))
    .unwrap()
}

/// Everything around one door.
pub(crate) struct House {
    pub(crate) place: Place,
    pub(crate) book: BookId,
    pub(crate) fake: Fake,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) bus: LocalBus,
    pub(crate) vault: Arc<Vault>,
    pub(crate) slugs: Vec<&'static str>,
}

/// A door with its loops running.
pub(crate) struct Running {
    pub(crate) door: Arc<Door>,
    shutdown: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.shutdown.send(true).unwrap();
        self.task.await.unwrap();
        self.door.close().await;
    }
}

impl House {
    pub(crate) fn new(place: Place) -> Self {
        let bus = LocalBus::new(LocalOptions { ack_wait: Duration::from_millis(300), ..Default::default() }).unwrap();
        let vault = Arc::new(Vault::new(MasterKey::from_bytes(std::array::from_fn(|i| i as u8))));
        let book = BookId(Uuid::from_u128(7));
        let clock = Arc::new(SimClock::new(START));
        Self { place, book, fake: Fake::default(), clock, bus, vault, slugs: vec!["main"] }
    }

    pub(crate) fn options(&self) -> DoorOptions {
        let fake: &'static Fake = Box::leak(Box::new(self.fake.clone()));
        let registry: &'static [&'static dyn Connector] = Box::leak(Box::new([fake as &dyn Connector]));
        DoorOptions {
            store: self.place.address.clone(),
            book: self.book,
            mode: Mode::Test,
            connections: self.slugs.iter().map(|slug| settings(slug)).collect(),
            registry,
            vault: Arc::clone(&self.vault),
            bus: Arc::new(self.bus.clone()),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            real_clock: Arc::new(RealClock(tokio::time::Instant::now())),
            entropy: Arc::new(SystemEntropy),
            alone: false,
            allow_live_format0: false,
            tuning: Tuning {
                resend_after: Duration::from_millis(100),
                // A bus that loses a third must not make a test wait for the doubled waits of production.
                resend_max: Duration::from_millis(400),
                idle: Duration::from_millis(20),
                ..Tuning::default()
            },
        }
    }

    pub(crate) async fn open(&self) -> Arc<Door> {
        Door::open(self.options()).await.unwrap()
    }

    pub(crate) fn start(&self, door: &Arc<Door>) -> Running {
        let (shutdown, receiver) = watch::channel(false);
        let task = tokio::spawn(Arc::clone(door).run(receiver));
        Running { door: Arc::clone(door), shutdown, task }
    }

    pub(crate) async fn run(&self) -> Running {
        let door = self.open().await;
        self.start(&door)
    }

    /// Moves to the next timer whenever nothing is in flight, until no claim and no timer is left before `until`.
    pub(crate) async fn pass(&self, door: &Door, until: Duration) {
        let end = START.plus(until);
        let began = tokio::time::Instant::now();
        while began.elapsed() < PATIENCE {
            let pending = door.pending(self.clock.now()).await.unwrap();
            if pending.is_idle() {
                match pending.next_due {
                    Some(at) if at <= end => self.clock.advance_to(at),
                    _ => return self.clock.advance_to(end),
                }
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("still in flight: {:?}", door.pending(self.clock.now()).await);
    }

    /// Waits (real time) until nothing is in flight.
    pub(crate) async fn settle(&self, door: &Door) {
        let began = tokio::time::Instant::now();
        while began.elapsed() < PATIENCE {
            if door.pending(self.clock.now()).await.unwrap().is_idle() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("still in flight: {:?}", door.pending(self.clock.now()).await);
    }

    pub(crate) fn origin(&self, key: &str) -> Origin {
        Origin { book: self.book, idempotency_key: key.to_owned() }
    }

    pub(crate) fn command(&self, door: &Door, key: &str) -> Asked {
        let order = CollectOrder {
            connection: door.connection("main").unwrap(),
            amount: Amount::whole(700),
            currency: "UGX".parse().unwrap(),
            wallet: None,
            payer_phone: Some(PHONE.to_owned()),
            payer_email: None,
            items: Vec::new(),
            checkout: Checkout::default(),
            payer_name: Some("Nakato Example".to_owned()),
            fee_bearer: Bearer::Merchant,
            invoice_id: None,
            note: Some("school fees".to_owned()),
        };
        Asked { origin: self.origin(key), order }
    }

    pub(crate) fn payout(&self, door: &Door, to: Destination) -> PayOrder {
        PayOrder {
            kind: PayKind::Payout,
            connection: door.connection("main").unwrap(),
            wallet: None,
            amount: Amount::whole(1_000),
            currency: "UGX".parse().unwrap(),
            to,
            name: Some("Nakato Example".to_owned()),
            note: None,
        }
    }
}

/// An order with where it comes from.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) origin: Origin,
    pub(crate) order: CollectOrder,
}

impl std::ops::Deref for Asked {
    type Target = CollectOrder;
    fn deref(&self) -> &CollectOrder {
        &self.order
    }
}

impl std::ops::DerefMut for Asked {
    fn deref_mut(&mut self) -> &mut CollectOrder {
        &mut self.order
    }
}

impl Door {
    pub(crate) async fn order(&self, asked: &Asked) -> Result<IntentView, CommandError> {
        self.ask_collect(&asked.origin, &asked.order).await
    }
}

/// How a test's ledger behaves.
#[derive(Default)]
pub(crate) struct Manners {
    /// Claims that stay unanswered until they come for the so-manieth time.
    pub(crate) silent_attempts: u32,
    /// Refuses instead of recording.
    pub(crate) refuse: Option<Refusal>,
    /// Signs with another key.
    pub(crate) forged: bool,
}

/// A ledger that checks the MAC and answers every claim; it remembers what it saw.
#[derive(Clone)]
pub(crate) struct Ledger {
    seen: Arc<Mutex<Vec<(Claim, u32)>>>,
    manners: Arc<Mutex<Manners>>,
}

impl Ledger {
    pub(crate) fn start(house: &House, manners: Manners) -> Self {
        let ledger = Self { seen: Arc::default(), manners: Arc::new(Mutex::new(manners)) };
        let (bus, vault, book) = (house.bus.clone(), Arc::clone(&house.vault), house.book);
        let working = ledger.clone();
        tokio::spawn(async move { working.work(bus, vault, book).await });
        ledger
    }

    pub(crate) fn behave(&self, manners: Manners) {
        *self.manners.lock().unwrap() = manners;
    }

    async fn work(self, bus: LocalBus, vault: Arc<Vault>, book: BookId) {
        let mut claims = bus.subscribe(Stream::Claims, "ledger", "ensimbi.claims.>").await.unwrap();
        while let Ok(batch) = claims.next_batch(100).await {
            for delivery in batch {
                let message: ClaimMessage = serde_json::from_slice(&delivery.body).unwrap();
                let connection = message.claim.fact.connection;
                assert!(mac::check(&delivery, &vault.mac_key(book, connection)));
                let id = format!("{}:{}", message.claim.id, message.attempt);
                assert_eq!(delivery.message_id.as_deref(), Some(id.as_str()));
                delivery.ack().await;
                if let Some(out) = self.answer(&vault, book, connection, message) {
                    let _ = bus.publish(vec![out]).await;
                }
            }
        }
    }

    fn answer(
        &self,
        vault: &Vault,
        book: BookId,
        connection: Option<ConnectionId>,
        message: ClaimMessage,
    ) -> Option<ensimbi_bus::Outgoing> {
        let ClaimMessage { claim, attempt } = message;
        let event = RecordedRef { event_id: claim.fact.event_id(book), position: 1, leaf_hash: Hash([1; 32]) };
        let id = claim.id;
        let unread = claim.confirms && !self.claims().iter().any(|read| !read.confirms && read.fact == claim.fact);
        self.seen.lock().unwrap().push((claim, attempt));
        let manners = self.manners.lock().unwrap();
        if attempt <= manners.silent_attempts {
            return None;
        }
        let outcome = match manners.refuse {
            Some(code) => Outcome::Refused { code, detail: String::new() },
            None if unread => Outcome::Refused { code: Refusal::ReadFirst, detail: String::new() },
            None => Outcome::Recorded { events: vec![event] },
        };
        let answer = Answer { claim: id, book, connection, attempt, outcome };
        let subject = answers_subject("ENSIMBI", book, connection);
        let key = if manners.forged { [9; 32] } else { vault.mac_key(book, connection) };
        Some(mac::sign_outgoing(&key, subject, format!("{id}:{attempt}"), serde_json::to_vec(&answer).unwrap()))
    }

    /// Different claims in the order in which they came first.
    pub(crate) fn claims(&self) -> Vec<Claim> {
        let mut found: Vec<Claim> = Vec::new();
        for (claim, _) in self.seen.lock().unwrap().iter() {
            if !found.iter().any(|known| known.id == claim.id) {
                found.push(claim.clone());
            }
        }
        found
    }

    pub(crate) fn words(&self) -> Vec<&'static str> {
        self.claims().iter().map(|claim| claim.fact.body.word()).collect()
    }

    pub(crate) fn attempts(&self) -> Vec<u32> {
        self.seen.lock().unwrap().iter().map(|(_, attempt)| *attempt).collect()
    }
}

/// One count of the door.
pub(crate) async fn count(door: &Door, name: &str) -> i64 {
    let counters = door.counters().await.unwrap();
    counters.into_iter().find(|(found, _)| found == name).map_or(0, |(_, value)| value)
}
