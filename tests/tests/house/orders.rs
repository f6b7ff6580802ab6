//! One fixed provider truth, told in 20 shuffled orders, each input five times by webhook, by poll and by import: the
//! same balances, the same states, the same final events in all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_connectors::connector::{
    Authenticity, CallError, CollectCall, Connector, Facts, Input, ObjectRef, ProviderClient, RawAnswer, Translation,
    Unreadable,
};
use ensimbi_connectors::door::id_of;
use ensimbi_connectors::providers;
use ensimbi_connectors::settings::{ConnectionSettings, SettingsError};
use ensimbi_events::commands::{Checkout, CollectOrder, Origin};
use ensimbi_events::simtime::SimClock;
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Clock, ConnectionId};
use reqwest::StatusCode;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::imports::{CALLBACK_HEADER, CALLBACK_VALUE, CONFIG, STATUS};
use crate::rooms::{Books, Rooms, START};
use crate::support::folder;

const ORDERS: u64 = 20;
const COLLECTIONS: usize = 12;
/// So many are asked for by us; the others are somebody else's in the same wallet.
const OURS: usize = 8;
const TIMES: usize = 5;

/// How a collection goes, step by step.
const LIVES: [&[&str]; 6] = [
    &["Pending", "Success"],
    &["Pending", "SentToVendor", "Success"],
    &["Pending", "Failed"],
    &["Success"],
    &["Pending", "Success", "RolledBack"],
    &["SentToVendor", "Failed"],
];

fn life(n: usize) -> &'static [&'static str] {
    LIVES[n % LIVES.len()]
}

fn id(n: usize) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

fn amount(n: usize) -> i32 {
    i32::try_from(700 + 200 * n).unwrap()
}

/// Units of 0.1: 2 % and 1.5 % of the amount.
fn fees(n: usize) -> [i32; 2] {
    [amount(n) / 5, amount(n) * 3 / 20]
}

fn number(tenths: i32) -> Box<RawValue> {
    RawValue::from_string(format!("{}.{}", tenths / 10, tenths % 10)).unwrap()
}

/// What the provider says of the n-th collection in one state, in the order of its own documentation.
fn body(n: usize, status: &str, reference: Option<&str>) -> Vec<u8> {
    let [own, network] = fees(n);
    let done = !["Pending", "SentToVendor"].contains(&status);
    let mut before = 1_000_000;
    let mut rows = Vec::new();
    let mut row = |operation: &str, category: &str, tenths: i32, rollback: bool| {
        let after = if operation == "TopUp" { before + tenths } else { before - tenths };
        let number_in_wallet = 10 * n + rows.len() + 1;
        rows.push(json!({ "id": format!("00000000-0000-4000-9000-{number_in_wallet:012}"), "operation": operation,
            "category": category, "requestId": id(n), "amount": number(tenths), "rollback": rollback,
            "requestCategory": "Collection", "transactionNumber": number_in_wallet,
            "previousBalance": number(before), "balance": number(after) }));
        before = after;
    };
    if status == "RolledBack" {
        row("TopUp", "Collection", amount(n) * 10, false);
        row("Deduct", "TransactionCharge", own + network, false);
        row("Deduct", "Rollback", amount(n) * 10, true);
        row("TopUp", "Rollback", own + network, true);
    }
    let settled = if status == "RolledBack" { "2026-01-06T10:00:00Z" } else { "2026-01-05T10:00:00Z" };
    let body: Value = json!({
        "id": id(n), "createdAt": "2026-01-05T09:59:00Z", "category": "MobileMoney", "status": status,
        "statusCode": status.to_lowercase(), "externalId": reference, "amount": amount(n), "currency": "ITX",
        "transactionCharge": number(own), "vendorCharge": number(network),
        "totalTransactionCharge": number(own + network), "vendor": "Mock", "transactions": rows,
        "lastUpdated": done.then_some(settled), "processedAt": done.then_some("2026-01-05T10:00:00Z"),
        "payer": "0111777771", "payerName": "A Payer",
    });
    body.to_string().into_bytes()
}

/// What the provider was asked, and how far each of its collections is.
#[derive(Default)]
struct Truth {
    references: BTreeMap<usize, String>,
    step: BTreeMap<usize, usize>,
}

impl Truth {
    fn body(&self, n: usize, status: &str) -> Vec<u8> {
        body(n, status, self.references.get(&n).map(String::as_str))
    }

    fn find(&self, object: &ObjectRef) -> Option<usize> {
        let by_id = object.id.as_ref().and_then(|wanted| (0..COLLECTIONS).find(|n| id(*n) == *wanted));
        let named = |wanted| self.references.iter().find(|(_, reference)| *reference == wanted).map(|(n, _)| *n);
        by_id.or_else(|| object.reference.as_ref().and_then(named))
    }
}

/// The real connector with a scripted client, which reads no more than collections.
struct Scripted {
    real: &'static dyn Connector,
    facts: &'static Facts,
    truth: Arc<Mutex<Truth>>,
}

#[async_trait]
impl Connector for Scripted {
    fn facts(&self) -> &'static Facts {
        self.facts
    }

    fn authenticity(&self) -> Authenticity {
        self.real.authenticity()
    }

    fn object_kinds(&self) -> &'static [&'static str] {
        self.real.object_kinds()
    }

    fn translate(&self, input: Input<'_>) -> Result<Translation, Unreadable> {
        self.real.translate(input)
    }

    fn hinted(&self, body: &[u8]) -> Result<Vec<ObjectRef>, Unreadable> {
        self.real.hinted(body)
    }

    fn connect(&self, _: &ConnectionSettings, _: Arc<dyn Clock>) -> Result<Arc<dyn ProviderClient>, SettingsError> {
        Ok(Arc::new(Calls(Arc::clone(&self.truth))))
    }
}

struct Calls(Arc<Mutex<Truth>>);

#[async_trait]
impl ProviderClient for Calls {
    /// Each read sees the collection one step further on, until its last.
    async fn read(&self, object: &ObjectRef, _handle: Option<&str>) -> Result<Vec<RawAnswer>, CallError> {
        let mut truth = self.0.lock().unwrap();
        let n = truth.find(object).ok_or(CallError::NotFound)?;
        let step = truth.step.entry(n).or_default();
        let status = life(n)[*step];
        *step = (*step + 1).min(life(n).len() - 1);
        Ok(vec![RawAnswer { kind: "collection_status", status: 200, body: truth.body(n, status) }])
    }

    async fn collect(&self, order: &CollectCall) -> Result<RawAnswer, CallError> {
        let mut truth = self.0.lock().unwrap();
        let n = (0..OURS).find(|n| Amount::whole(amount(*n)) == order.amount).unwrap();
        assert_eq!(truth.references.insert(n, order.reference.clone()), None, "asked for twice");
        Ok(RawAnswer { kind: "collection_created", status: 200, body: truth.body(n, life(n)[0]) })
    }
}

#[derive(Clone, Copy)]
enum Way {
    Webhook,
    Poll,
    Import,
}

/// Every input, five times by every way, in the order of this seed.
fn deliveries(seed: u64) -> Vec<(usize, &'static str, Way)> {
    let mut all = Vec::new();
    for n in 0..COLLECTIONS {
        for status in life(n) {
            for way in [Way::Webhook, Way::Poll, Way::Import] {
                all.extend([(n, *status, way); TIMES]);
            }
        }
    }
    // Fisher and Yates, drawn from SplitMix64.
    let mut state = seed;
    for last in (1..all.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut draw = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        draw = (draw ^ (draw >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        draw ^= draw >> 31;
        all.swap(last, usize::try_from(draw % (last as u64 + 1)).unwrap());
    }
    all
}

fn settings() -> ConnectionSettings {
    let file: toml::Table = toml::from_str(CONFIG).unwrap();
    file["connections"][0].clone().try_into().unwrap()
}

async fn tell(seed: u64) -> Books {
    let truth = Arc::new(Mutex::new(Truth::default()));
    let real = providers::find("iotec").unwrap();
    let facts: &'static Facts = Box::leak(Box::new(Facts { routines: &[], ..real.facts().clone() }));
    let connector = Scripted { real, facts, truth: Arc::clone(&truth) };
    let scripted: &'static dyn Connector = Box::leak(Box::new(connector));
    let (folder, clock) = (folder(), Arc::new(SimClock::new(START)));
    let rooms = Rooms::open(&folder, &clock, Box::leak(Box::new([scripted])), vec![settings()]).await;
    let connection = id_of(rooms.book, &settings());
    ask(&rooms, connection).await;
    let webhooks = format!("{}/webhooks/{connection}", rooms.url);
    let http = reqwest::Client::new();
    for (n, status, way) in deliveries(seed) {
        let body = truth.lock().unwrap().body(n, status);
        match way {
            Way::Webhook => {
                let sent = http.post(&webhooks).header(CALLBACK_HEADER, CALLBACK_VALUE).body(body).send().await;
                assert_eq!(sent.unwrap().status(), StatusCode::NO_CONTENT);
            }
            Way::Import => {
                rooms.door.import(connection, STATUS, &body, "tests").await.unwrap();
            }
            Way::Poll => {
                if let Some(next) = rooms.settle().await {
                    rooms.clock.advance_to(next);
                }
            }
        }
    }
    // The sweeps and the looks after settlement.
    while let Some(next) = rooms.settle().await {
        rooms.clock.advance_to(next);
    }
    assert!(rooms.clock.now() > START.plus(Duration::from_secs(86_400)), "every settled one is looked at again");
    let books = rooms.books().await;
    rooms.close().await;
    books
}

/// Asks for our own collections.
async fn ask(rooms: &Rooms, connection: ConnectionId) {
    for n in 0..OURS {
        let origin = Origin { book: rooms.book, idempotency_key: format!("order-{n}") };
        let order = CollectOrder {
            connection,
            amount: Amount::whole(amount(n)),
            currency: "ITX".parse().unwrap(),
            wallet: None,
            payer_phone: Some("0111777771".to_owned()),
            payer_email: None,
            items: Vec::new(),
            checkout: Checkout::default(),
            payer_name: None,
            fee_bearer: Bearer::Merchant,
            invoice_id: None,
            note: None,
        };
        rooms.door.ask_collect(&origin, &order).await.unwrap();
    }
    rooms.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_shuffled_orders_of_one_truth_end_with_the_same_books() {
    let mut first: Option<Books> = None;
    for seeds in (1..=ORDERS).collect::<Vec<_>>().chunks(4) {
        let told = seeds.iter().map(|seed| (*seed, tokio::spawn(tell(*seed)))).collect::<Vec<_>>();
        for (seed, books) in told {
            let books = books.await.unwrap_or_else(|error| panic!("order {seed}: {error}"));
            check(&books);
            match &first {
                None => first = Some(books),
                Some(first) => assert_eq!(*first, books, "order {seed}"),
            }
        }
    }
}

/// Against the truth itself, added up here.
fn check(books: &Books) {
    let last = |n: usize| *life(n).last().unwrap();
    let net = |n: usize| amount(n) * 10 - fees(n).iter().sum::<i32>();
    let posted: i32 = (0..COLLECTIONS).filter(|n| last(*n) == "Success").map(net).sum();
    let posted = format!("{}.{}", posted / 10, posted % 10);
    let wallet = format!("iotec-main:main ITX {} 0 0", posted.trim_end_matches(".0"));
    assert_eq!(books.wallets, [wallet]);
    let mut expected: BTreeMap<&str, usize> = BTreeMap::new();
    for n in 0..COLLECTIONS {
        let state = match last(n) {
            "Success" => "succeeded",
            "RolledBack" => "reversed",
            _ => "failed",
        };
        *expected.entry(state).or_default() += 1;
    }
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, state) in &books.states {
        *states.entry(state).or_default() += 1;
    }
    assert_eq!(states, expected);
    assert_eq!(books.open_discrepancies, 0, "one truth leaves nothing to a person");
    assert_eq!(books.accounts.iter().map(|(_, _, balance)| balance).sum::<i128>(), 0);
}
