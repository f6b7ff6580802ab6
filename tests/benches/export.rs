//! What an export costs: `csv --table entries` of a book with so many lines, against a raw copy of the same rows (a
//! `SELECT` of the lines streamed into a file) in the same run; and the leaves verbatim. Peak memory beside each.
//!
//! `cargo bench -p ensimbi-tests --bench export`; ENSIMBI_BENCH_LINES says how many lines (1,000,000 if it is not set).
//! The machine drifts, so only ratios of one run mean something. Integers only: ratios are per mille.
#![allow(clippy::unwrap_used)]

#[path = "export/book.rs"]
mod book;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ensimbi_api::exports::{Ask, Export, Sink, SinkError, Sources};
use ensimbi_events::ports::BookReader;
use ensimbi_ledger::store::SqliteStore;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

struct ToFile(File);

#[async_trait::async_trait]
impl Sink for ToFile {
    async fn take(&mut self, piece: Vec<u8>) -> Result<(), SinkError> {
        Ok(self.0.write_all(&piece)?)
    }
}

fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").unwrap();
}

#[tokio::main]
async fn main() {
    let lines = std::env::var("ENSIMBI_BENCH_LINES").map_or(1_000_000, |text| text.parse().expect("a number"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    let store = Arc::new(SqliteStore::open(&path).await.unwrap());
    let begun = Instant::now();
    book::make(store.as_ref(), lines).await;
    say(&format!("a book of {lines} lines was made in {} s", begun.elapsed().as_secs()));
    say(&format!("{:<24} {:>10} {:>10} {:>10} {:>10} {:>22}", "", "rows", "MB", "ms", "peak MB", "of raw (per mille)"));

    let raw = measure("raw copy of the lines", None, &folder.path().join("raw.txt"), async |file| {
        raw_copy(&path, file).await
    })
    .await;
    for (name, kind, table) in [
        ("csv entries", "csv", Some("entries")),
        ("hledger", "hledger", None),
        ("beancount", "beancount", None),
        ("leaves", "leaves", None),
    ] {
        let reader = Arc::clone(&store) as Arc<dyn BookReader>;
        measure(name, Some(raw), &folder.path().join(name), async |file| {
            let ask = Ask::of(kind, table, false).unwrap();
            let sources = Sources { reader: reader.clone(), views: None };
            let export = Export::open(sources, book::BOOK, ask).await.unwrap();
            let mut sink = ToFile(File::create(file).unwrap());
            let rows = export.write(&mut sink).await.unwrap().rows;
            sink.0.sync_all().unwrap();
            rows
        })
        .await;
    }
}

/// Runs it, and says how long it took and how much memory the process had at most.
async fn measure(name: &str, raw: Option<Duration>, file: &Path, work: impl AsyncFnOnce(&Path) -> u64) -> Duration {
    // Forgets the peak of what ran before (proc(5), clear_refs).
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let begun = Instant::now();
    let rows = work(file).await;
    let took = begun.elapsed();
    let (size, peak) = (std::fs::metadata(file).unwrap().len() / 1_000_000, peak_kib() / 1_024);
    let ratio = raw.map_or(String::new(), |raw| (took.as_millis() * 1_000 / raw.as_millis().max(1)).to_string());
    say(&format!("{name:<24} {rows:>10} {size:>10} {:>10} {peak:>10} {ratio:>22}", took.as_millis()));
    took
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// The same lines as they lie in the database, row by row, without the events around them.
async fn raw_copy(path: &Path, file: &Path) -> u64 {
    use futures_util::TryStreamExt;
    let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(path).read_only(true)).await.unwrap();
    let mut out = BufWriter::with_capacity(64 * 1_024, File::create(file).unwrap());
    let sql = "SELECT l.position, l.n, l.account, l.currency, l.amount, l.open_item, l.payment, l.component, l.bearer, \
        e.event_id, e.word, e.subject, e.connection, e.book_date, e.occurred_at, e.recorded_at, e.leaf_hash \
        FROM lines l JOIN events e ON e.book = l.book AND e.position = l.position \
        WHERE l.book = $1 ORDER BY l.position, l.n";
    let mut rows = sqlx::query(sql).bind(book::BOOK.0).fetch(&pool);
    let mut count = 0;
    while let Some(row) = rows.try_next().await.unwrap() {
        let int = |column: usize| row.get::<i64, _>(column);
        let text = |column: usize| row.get::<Option<&str>, _>(column).unwrap_or_default();
        let bytes = |column: usize| hex::encode(row.get::<Option<&[u8]>, _>(column).unwrap_or_default());
        let head = format!("{},{},{},{},{},", int(0), int(1), text(2), text(3), int(4));
        let ids = format!("{},{},{},{},", bytes(5), bytes(6), text(7), text(8));
        let event = format!("{},{},{},{},{},", bytes(9), text(10), bytes(11), bytes(12), text(13));
        writeln!(out, "{head}{ids}{event}{},{},{}", int(14), int(15), bytes(16)).unwrap();
        count += 1;
    }
    out.into_inner().unwrap().sync_all().unwrap();
    count
}
