//! How many claims a second the writer takes, with 1, 8, 64 and 512 in flight, on both stores, and how that compares
//! with the raw multi-row insert of the very same rows in the same run. Then the redelivery storm: all repeats.
//!
//! `cargo bench -p ensimbi-ledger --bench append`; PostgreSQL where ENSIMBI_TEST_DATABASE_URL names one. The machine
//! drifts, so only ratios of one run mean something. Integers only: ratios are per mille.
#![allow(clippy::unwrap_used)]

#[path = "baseline/raw.rs"]
mod raw;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ensimbi_events::ids::claim_id;
use ensimbi_events::leaf::sha256;
use ensimbi_events::simtime::SimClock;
use ensimbi_events::word::{Bearer, Component, EvidenceClass, Fee, FigureSource, Mode, OccurredSource};
use ensimbi_events::words::book::{BookOpened, ConnectionConfigured, WalletConfig};
use ensimbi_events::words::payment::CollectionSucceeded;
use ensimbi_events::{
    Amount, Body, BookId, Claim, Clock, ConnectionId, Currency, Evidence, Fact, Money, ObservationId, SubjectId,
    SubjectKind, Time, WalletId,
};
use ensimbi_ledger::decide::{Decider, Known, Sealed};
use ensimbi_ledger::store::{PostgresStore, SqliteStore, Store};
use ensimbi_ledger::writer::{Listener, Writer};
use uuid::Uuid;

const CONNECTION: ConnectionId = ConnectionId(Uuid::from_u128(0xc0));
const WALLET: WalletId = WalletId(Uuid::from_u128(0xa1));
/// In flight, and claims of that run.
const RUNS: [(usize, usize); 4] = [(1, 2_000), (8, 8_000), (64, 24_000), (512, 40_000)];

fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").unwrap();
}

#[tokio::main]
async fn main() {
    say("store       in flight      claims   per s   p50 us   p99 us   of raw (per mille)");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    decide_only();
    let store = Arc::new(SqliteStore::open(&path).await.unwrap());
    let mut target = raw::Raw::sqlite(&folder.path().join("raw.db")).await;
    measure("SQLite", store, &mut target).await;
    match std::env::var("ENSIMBI_TEST_DATABASE_URL") {
        Ok(url) if !url.is_empty() => {
            let url = raw::fresh_database(&url).await;
            let store = Arc::new(PostgresStore::open(&url).await.unwrap());
            let mut target = raw::Raw::postgres(&url).await;
            measure("PostgreSQL", store, &mut target).await;
        }
        _ => say("PostgreSQL  not measured: ENSIMBI_TEST_DATABASE_URL is not set (`cargo xtask servers`)"),
    }
}

/// What deciding, posting and sealing cost by themselves, on one core and without a store.
fn decide_only() {
    let book = BookId(Uuid::from_u128(0xb00));
    let claims: Vec<Claim> = (0..40_000).map(|n| claim(book, n)).collect();
    let mut known = Known::default();
    let mut decide = |claims: &[Claim]| {
        let mut decider = Decider::new(book, now(), std::mem::take(&mut known));
        for claim in claims {
            decider.decide(claim);
        }
        known = decider.finish().known;
    };
    decide(&[opened(book), configured(book)]);
    let begun = Instant::now();
    claims.chunks(500).for_each(&mut decide);
    say(&format!(
        "{:<10} {:>11} {:>11} {:>7}",
        "no store",
        "decide",
        claims.len(),
        rate(claims.len(), begun.elapsed())
    ));
}

async fn measure(name: &str, store: Arc<dyn Store>, raw: &mut raw::Raw) {
    let collected: Arc<Mutex<Vec<Sealed>>> = Arc::default();
    let mut results = Vec::new();
    let mut last = None;
    for (run, (in_flight, count)) in RUNS.into_iter().enumerate() {
        let book = BookId(Uuid::from_u128(0xb00 + run as u128));
        store.create_book(book).await.unwrap();
        collected.lock().unwrap().clear();
        let keep = Arc::clone(&collected);
        let listener: Listener = Arc::new(move |sealed: &[Sealed]| keep.lock().unwrap().extend_from_slice(sealed));
        let clock: Arc<dyn Clock> = Arc::new(SimClock::new(now()));
        let writer = Writer::start(Arc::clone(&store), clock, book, Some(listener)).await.unwrap();
        writer.submit(vec![opened(book), configured(book)]).await;
        let claims: Arc<Vec<Claim>> = Arc::new((0..count).map(|n| claim(book, n)).collect());
        results.push((in_flight, drive(&writer, &claims, in_flight).await));
        last = Some((writer, claims));
    }
    let sealed = std::mem::take(&mut *collected.lock().unwrap());
    let begun = Instant::now();
    for batch in sealed.chunks(1_000) {
        raw.insert(batch).await;
    }
    let raw_rate = rate(sealed.len(), begun.elapsed());
    for (in_flight, taken) in results {
        taken.print(name, &in_flight.to_string(), raw_rate);
    }
    let (writer, claims) = last.unwrap();
    drive(&writer, &claims, 512).await.print(name, "512 repeats", raw_rate);
    say(&format!("{name:<10} {:>11} {:>11} {raw_rate:>7}", "raw insert", sealed.len()));
}

struct Taken {
    count: usize,
    elapsed: Duration,
    micros: Vec<u128>,
}

impl Taken {
    fn print(mut self, name: &str, what: &str, raw: u128) {
        self.micros.sort_unstable();
        let at = |share: usize| self.micros[(self.micros.len() - 1) * share / 100];
        let rate = rate(self.count, self.elapsed);
        let (count, p50, p99, ratio) = (self.count, at(50), at(99), rate * 1_000 / raw);
        say(&format!("{name:<10} {what:>11} {count:>11} {rate:>7} {p50:>8} {p99:>8} {ratio:>8}"));
    }
}

fn rate(count: usize, elapsed: Duration) -> u128 {
    count as u128 * 1_000_000 / elapsed.as_micros().max(1)
}

/// So many callers, each with one claim at a time.
async fn drive(writer: &Writer, claims: &Arc<Vec<Claim>>, in_flight: usize) -> Taken {
    let begun = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..in_flight {
        let (writer, claims) = (writer.clone(), Arc::clone(claims));
        callers.spawn(async move {
            let mut micros = Vec::new();
            for claim in claims.iter().skip(caller).step_by(in_flight) {
                let claim = claim.clone();
                let asked = Instant::now();
                writer.submit(vec![claim]).await.remove(0).unwrap();
                micros.push(asked.elapsed().as_micros());
            }
            micros
        });
    }
    let mut micros = Vec::with_capacity(claims.len());
    while let Some(done) = callers.join_next().await {
        micros.extend(done.unwrap());
    }
    Taken { count: claims.len(), elapsed: begun.elapsed(), micros }
}

fn now() -> Time {
    "2026-05-03T09:30:00Z".parse().unwrap()
}

fn ugx() -> Currency {
    "UGX".parse().unwrap()
}

fn fact(kind: SubjectKind, subject: Uuid, body: impl Into<Body>) -> Fact {
    let body = body.into();
    Fact {
        subject: SubjectId(subject),
        subject_kind: kind,
        connection: None,
        wallet: None,
        object_kind: None,
        object_id: None,
        occurrence: String::new(),
        currency: None,
        version: body.version(),
        body,
    }
}

fn told(book: BookId, fact: Fact) -> Claim {
    let source = fact.event_id(book).0;
    Claim {
        id: claim_id(source, 0, "bench.1"),
        book,
        fact,
        occurred_at: now(),
        occurred_source: OccurredSource::Ledger,
        translator: "bench.1".to_owned(),
        evidence: None,
        party: None,
        doubt: None,
        operator_transaction: None,
        confirms: false,
    }
}

fn opened(book: BookId) -> Claim {
    let (tenant, time_zone) = ("bench".to_owned(), "Africa/Kampala".to_owned());
    let body = BookOpened { tenant, mode: Mode::Test, time_zone, policies: Vec::new(), currencies: vec![ugx()] };
    told(book, fact(SubjectKind::Book, book.0, body))
}

fn configured(book: BookId) -> Claim {
    let wallet = WalletConfig {
        wallet_id: WALLET,
        provider_id: "6f1c2f5e-wallet".to_owned(),
        code: "main".to_owned(),
        currency: ugx(),
        purse: None,
    };
    let body = ConnectionConfigured {
        provider: "provider".to_owned(),
        account: "account".to_owned(),
        account_code: "provider-main".to_owned(),
        slug: "provider-main".to_owned(),
        authenticity: "hint".to_owned(),
        simulated: true,
        poll: None,
        wallets: vec![wallet],
        webhook_keys: Vec::new(),
    };
    let fact = Fact { connection: Some(CONNECTION), ..fact(SubjectKind::Connection, CONNECTION.0, body) };
    told(book, fact)
}

/// A collection as a provider's status answer tells it: two fees of ours, evidence, the operator's transaction.
fn claim(book: BookId, n: usize) -> Claim {
    let subject = Uuid::from_u128(0x5_0000_0000 + n as u128);
    let fee = |component: Component, scaled: i64, label: &str| Fee {
        component,
        bearer: Bearer::Merchant,
        amount: Amount::from_scaled(scaled),
        currency: ugx(),
        source: FigureSource::Observed,
        label: label.to_owned(),
        tax: None,
    };
    let body = CollectionSucceeded {
        gross: Amount::whole(700),
        net: Amount::from_scaled(6_755_000),
        net_source: FigureSource::Derived,
        held: None,
        held_until: None,
        payer: Some(Money { amount: Amount::whole(700), currency: ugx() }),
        rate: None,
        invoice_id: None,
        channel: Some("MTN".to_owned()),
        fees: vec![
            fee(Component::Provider, 140_000, "transactionCharge"),
            fee(Component::Network, 105_000, "vendorCharge"),
        ],
    };
    let fact = Fact {
        connection: Some(CONNECTION),
        wallet: Some(WALLET),
        object_kind: Some("collection".to_owned()),
        object_id: Some(subject.to_string()),
        currency: Some(ugx()),
        ..fact(SubjectKind::Payment, subject, body)
    };
    let commitment = sha256(subject.as_bytes());
    let observation = ObservationId(subject);
    Claim {
        evidence: Some(Evidence { observation, commitment, class: EvidenceClass::Read, actor_id: None }),
        occurred_source: OccurredSource::Provider,
        operator_transaction: Some(format!("T-{n}")),
        ..told(book, fact)
    }
}
