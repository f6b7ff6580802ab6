//! What a fee report costs over a million events, beside the raw SUM of the very same rows in the same run; then the same
//! report as it was known half way through the book, which walks through the lines.
//!
//! `cargo bench -p ensimbi-projections --bench fees`; ENSIMBI_BENCH_EVENTS sets the number of events; PostgreSQL where
//! ENSIMBI_TEST_DATABASE_URL names one. The machine drifts, so only ratios of one run mean something. Integers only.
#![allow(clippy::unwrap_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ensimbi_events::leaf;
use ensimbi_events::ports::{AccountBalance, BookReader, Head, LineFilter, ReadError, StoredLeaf};
use ensimbi_events::word::{Bearer, Component};
use ensimbi_events::{BookId, Line, SubjectKind, Time};
use ensimbi_projections::accounts::Accounts;
use ensimbi_projections::query::{FeeDimension, FeesQuery};
use ensimbi_projections::store::Sql;
use ensimbi_projections::{FeesView, Projector, ViewStore, Views};
use support::{BOOK, Database, MemoryBook, Place, amount, currency, fact, fee, scripted, subject, succeeded};

/// Runs of each question; the middle one counts.
const RUNS: usize = 9;

fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").unwrap();
}

/// A book that makes its leaves when they are read: configuration, then one settled collection an event, spread over a
/// year, with two fees of ours and every third with one that the payer bears.
struct Made {
    first: MemoryBook,
    size: u64,
}

impl Made {
    fn leaf(position: u64) -> StoredLeaf {
        let fees = vec![
            fee(Component::Provider, Bearer::Merchant, "14", "transactionCharge"),
            fee(Component::Network, Bearer::Merchant, "10.5", "vendorCharge"),
        ];
        let payer = position.is_multiple_of(3);
        let mut body = succeeded("700", "675.5", fees);
        body.channel = Some(["mtn", "airtel", "card"][(position % 3) as usize].to_owned());
        if payer {
            body.fees.push(fee(Component::Provider, Bearer::Payer, "20", "charge"));
        }
        let id = subject(u128::from(position) + 1_000_000);
        let mut lines = vec![
            (support::W, "675.5"),
            (support::F_PROVIDER, "14"),
            (support::F_NETWORK, "10.5"),
            (support::C, "-700"),
        ];
        if payer {
            lines.extend([(support::M_PROVIDER, "20"), (support::MC, "-20")]);
        }
        let line = |((account, value), n): (&(&str, &str), u32)| Line {
            n,
            account: (*account).to_owned(),
            currency: currency("UGX"),
            amount: amount(value),
            open_item: (*account == support::C).then_some(id),
            payment_id: Some(id),
            component: None,
            bearer: None,
        };
        let lines = lines.iter().zip(1u32..).map(line).collect();
        // 31 s apart: a million of them are a year.
        let at = Time::from_micros(support::START + position as i64 * 31_000_000);
        let event = support::event(fact(id, SubjectKind::Payment, body), position, at, lines);
        let leaf = leaf::encode(&event);
        StoredLeaf { position, leaf_hash: leaf::leaf_hash(&leaf), leaf }
    }
}

#[async_trait]
impl BookReader for Made {
    async fn head(&self, book: BookId) -> Result<Head, ReadError> {
        Ok(Head { book, size: self.size, root: leaf::Hash::default() })
    }
    async fn read(&self, book: BookId, after: u64, limit: u32) -> Result<Vec<StoredLeaf>, ReadError> {
        let mut leaves = self.first.read(book, after, limit).await?;
        let from = leaves.last().map_or(after, |leaf| leaf.position) + 1;
        let rest = u64::from(limit) - leaves.len() as u64;
        leaves.extend((from..=self.size).take(rest as usize).map(Self::leaf));
        Ok(leaves)
    }
    async fn entry_positions(&self, _: BookId, _: &LineFilter) -> Result<Vec<u64>, ReadError> {
        Ok(Vec::new())
    }
    async fn read_at(&self, _: BookId, positions: &[u64]) -> Result<Vec<StoredLeaf>, ReadError> {
        Ok(positions.iter().map(|position| Self::leaf(*position)).collect())
    }
    async fn trial_balance(&self, _: BookId) -> Result<(u64, Vec<AccountBalance>), ReadError> {
        Ok((self.size, Vec::new()))
    }
    async fn books(&self) -> Result<Vec<BookId>, ReadError> {
        Ok(vec![BOOK])
    }
    async fn ping(&self) -> Result<(), ReadError> {
        Ok(())
    }
}

#[tokio::main]
async fn main() {
    let events = std::env::var("ENSIMBI_BENCH_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    measure("SQLite", Database::Sqlite, events).await;
    match std::env::var("ENSIMBI_TEST_DATABASE_URL") {
        Ok(url) if !url.is_empty() => measure("PostgreSQL", Database::Postgres, events).await,
        _ => say("PostgreSQL  not measured: ENSIMBI_TEST_DATABASE_URL is not set (`cargo xtask servers`)"),
    }
}

async fn measure(name: &str, database: Database, events: u64) {
    let place = Place::new(database).await;
    let book = Arc::new(Made { first: scripted(0), size: events });
    let projector = Projector::new(place.open().await, book, vec![Arc::new(Accounts)]);
    let began = Instant::now();
    let progress = projector.catch_up(BOOK).await.unwrap();
    assert_eq!((progress[0].lag, &progress[0].stop), (0, &None));
    let took = began.elapsed();
    let rate = u128::from(events) * 1_000 / took.as_millis().max(1);
    say(&format!("{name}: {events} events in views after {} s, {rate} a second", took.as_secs()));
    let store = projector.store().clone();
    let views = Views::new(store.clone());

    let rows = raw(&store, "SELECT count(*) FROM postings WHERE fee IS NOT NULL").await.1;
    let sum = median(async || raw(&store, "SELECT SUM(amount) FROM postings WHERE fee IS NOT NULL").await.0).await;
    let by = "SELECT count(*) FROM (SELECT k.provider, k.bearer, p.occurred_at / 2592000000000 AS month, SUM(p.amount) \
        FROM postings p JOIN fee_kinds k ON k.book = p.book AND k.generation = p.generation AND k.kind = p.fee \
        WHERE p.fee IS NOT NULL GROUP BY 1, 2, 3) AS grouped";
    let grouped = median(async || raw(&store, by).await.0).await;
    let group_by = vec![FeeDimension::Month, FeeDimension::Provider, FeeDimension::Bearer];
    let query = FeesQuery::all(group_by.clone());
    let report = median(async || ask(&views, &query).await).await;
    let earlier = FeesQuery { known: Some(events / 2), ..FeesQuery::all(group_by) };
    let known = median(async || ask(&views, &earlier).await).await;
    say(&format!("  {rows} fee lines: raw SUM {} us, raw SUM by group {} us", sum.as_micros(), grouped.as_micros()));
    let mille = |part: Duration, of: Duration| part.as_nanos() * 1_000 / of.as_nanos().max(1);
    say(&format!(
        "  by month, provider and bearer: {} us = {} per mille of the raw SUM, {} per mille of the raw SUM by group",
        report.as_micros(),
        mille(report, sum),
        mille(report, grouped),
    ));
    say(&format!(
        "  as known half way: {} us = {} per mille of the raw SUM by group",
        known.as_micros(),
        mille(known, grouped)
    ));
    say(&format!("  memory at most: {}", peak()));
}

async fn ask(views: &Views, query: &FeesQuery) -> Duration {
    let began = Instant::now();
    let report = views.fees(BOOK, query).await.unwrap().value;
    let took = began.elapsed();
    assert!(!report.groups.is_empty());
    assert!(report.totals.iter().all(|total| total.amount == total.accounts));
    took
}

async fn raw(store: &ViewStore, sql: &'static str) -> (Duration, i64) {
    let mut tx = store.read().await.unwrap();
    let began = Instant::now();
    let row = tx.row(Sql::new("SELECT CAST((").text(sql).text(") AS BIGINT)")).await.unwrap().unwrap();
    (began.elapsed(), row.int(0).unwrap())
}

async fn median(mut run: impl AsyncFnMut() -> Duration) -> Duration {
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        times.push(run().await);
    }
    times.sort_unstable();
    times[RUNS / 2]
}

/// The most memory that this process has had.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "not known here".to_owned(), |line| line.trim().to_owned())
}
