//! Exports over fakes: headers, trailers, what is refused, and what another book's key gets.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod support;

use std::sync::Arc;

use async_trait::async_trait;
use ensimbi_api::exports::{Ask, Export, ExportError, Sink, SinkError, Sources};
use ensimbi_events::event::Body;
use ensimbi_events::leaf::{self, sha256};
use ensimbi_events::ports::{AccountBalance, BookReader, Head, LineFilter, ReadError, StoredLeaf};
use ensimbi_events::words::control::AdjustmentPosted;
use ensimbi_events::{BookId, Event, Hash};
use support::{BOOK, House, OTHER, get, get_as};

const WALLETS: &str = "/v1/exports/csv?table=wallets";

#[tokio::test]
async fn an_export_says_position_rows_and_hash_in_its_trailer() {
    for path in [WALLETS, "/v1/exports/csv?table=entries", "/v1/exports/hledger", "/v1/exports/beancount"] {
        let got = get(path).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text);
        assert_eq!(got.headers["ensimbi-position"], "7", "{path}");
        let (before, trailer) = got.text.trim_end().rsplit_once('\n').unwrap();
        let hash = sha256(format!("{before}\n").as_bytes());
        assert!(trailer.contains("#end") && trailer.contains("position=7"), "{path}: {trailer}");
        assert!(trailer.contains(&format!("sha256={hash}")), "{path}: {trailer}");
    }
}

#[tokio::test]
async fn a_table_is_written_page_by_page_in_its_order() {
    let got = get(WALLETS).await;
    assert_eq!(got.headers["content-type"], "text/csv; charset=utf-8");
    assert!(got.headers["content-disposition"].to_str().unwrap().contains("csv-wallets-"));
    let lines: Vec<&str> = got.text.lines().collect();
    assert_eq!(lines.len(), 5, "{}", got.text);
    assert!(lines[0].starts_with("wallet,connection,provider,"));
    for (n, line) in lines[1..4].iter().enumerate() {
        assert!(line.contains(&format!(",acme-main,main,w{},UGX,collections,675.5,20000,0.0001,", n + 1)), "{line}");
    }
    assert!(lines[4].starts_with("#end,position=7,rows=3,sha256="));
    for line in &lines {
        assert_eq!(line.matches(',').count(), lines[0].matches(',').count(), "{line}");
    }
}

#[tokio::test]
async fn the_leaves_come_as_they_are_recorded() {
    let got = get("/v1/exports/csv?table=events").await;
    assert_eq!(got.text.lines().count(), 9);
    let entries = get("/v1/exports/csv?table=entries").await;
    assert!(entries.text.contains(",assets:wallet:main:w1,UGX,675.5,"), "{}", entries.text);
    assert!(entries.text.contains(",liabilities:clearing:collections:main,UGX,-675.5,"), "{}", entries.text);
    assert!(entries.text.contains("\n#end,position=7,rows=14,"), "{}", entries.text);
}

#[tokio::test]
async fn what_there_is_not_is_refused_by_name_with_what_there_is() {
    for (path, parameter, word) in [
        ("/v1/exports/pdf", "kind", "beancount"),
        ("/v1/exports/csv", "table", "trial_balance"),
        ("/v1/exports/csv?table=secrets", "table", "trial_balance"),
        ("/v1/exports/hledger?table=entries", "table", "csv"),
        ("/v1/exports/hledger?spreadsheet=true", "spreadsheet", "csv"),
        ("/v1/exports/csv?table=entries&spreadsheet=perhaps", "spreadsheet", "true"),
        ("/v1/exports/csv?table=entries&limit=5", "limit", "spreadsheet"),
    ] {
        let got = get(path).await;
        assert!(got.status.is_client_error(), "{path}: {}", got.text);
        let body = got.json();
        assert_eq!(body["parameter"], parameter, "{path}: {body}");
        assert!(body["detail"].as_str().unwrap().contains(word), "{path}: {body}");
    }
}

#[tokio::test]
async fn a_key_exports_its_own_book_and_no_other() {
    let house = std::sync::Arc::new(support::House::default());
    let got = get_as(&house, OTHER, WALLETS).await;
    assert!(got.text.contains("#end,position=0,rows=0,"), "{}", got.text);
    assert!(get_as(&house, BOOK, WALLETS).await.text.contains("rows=3"));
}

/// A log whose events are made up, and which is longer than its head said.
struct Growing {
    head: u64,
    events: Vec<Event>,
}

impl Growing {
    fn leaf(event: &Event) -> StoredLeaf {
        let leaf = leaf::encode(event);
        StoredLeaf { position: event.record.position, leaf_hash: leaf::leaf_hash(&leaf), leaf }
    }
}

#[async_trait]
impl BookReader for Growing {
    async fn head(&self, book: BookId) -> Result<Head, ReadError> {
        Ok(Head { book, size: self.head, root: Hash::default() })
    }
    async fn read(&self, _: BookId, after: u64, limit: u32) -> Result<Vec<StoredLeaf>, ReadError> {
        let later = self.events.iter().filter(|event| event.record.position > after);
        Ok(later.take(limit as usize).map(Self::leaf).collect())
    }
    async fn entry_positions(&self, _: BookId, _: &LineFilter) -> Result<Vec<u64>, ReadError> {
        Ok(Vec::new())
    }
    async fn read_at(&self, _: BookId, positions: &[u64]) -> Result<Vec<StoredLeaf>, ReadError> {
        let wanted = self.events.iter().filter(|event| positions.contains(&event.record.position));
        Ok(wanted.map(Self::leaf).collect())
    }
    async fn trial_balance(&self, book: BookId) -> Result<(u64, Vec<AccountBalance>), ReadError> {
        let (_, rows) = House::default().trial_balance(book).await?;
        Ok((self.head, rows))
    }
    async fn books(&self) -> Result<Vec<BookId>, ReadError> {
        Ok(vec![BOOK])
    }
    async fn ping(&self) -> Result<(), ReadError> {
        Ok(())
    }
}

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    full: bool,
}

#[async_trait]
impl Sink for Kept {
    async fn take(&mut self, piece: Vec<u8>) -> Result<(), SinkError> {
        if self.full {
            return Err(std::io::Error::other("no space").into());
        }
        self.bytes.extend(piece);
        Ok(())
    }
}

async fn written(reader: Growing, kind: &str, table: Option<&str>) -> Result<String, ExportError> {
    let sources = Sources { reader: Arc::new(reader), views: None };
    let mut kept = Kept::default();
    Export::open(sources, BOOK, Ask::of(kind, table, false)?).await?.write(&mut kept).await?;
    Ok(String::from_utf8(kept.bytes).unwrap())
}

#[tokio::test]
async fn the_position_stands_while_the_book_grows() {
    for (kind, table, rows) in [("csv", Some("events"), 3), ("csv", Some("entries"), 6), ("hledger", None, 3)] {
        let grown = Growing { head: 3, events: (1..=9).map(House::event).collect() };
        let still = Growing { head: 3, events: (1..=3).map(House::event).collect() };
        let text = written(grown, kind, table).await.unwrap();
        assert_eq!(text, written(still, kind, table).await.unwrap(), "{kind}");
        let trailer = text.lines().last().unwrap();
        assert!(trailer.contains("position=3") && trailer.contains(&format!("rows={rows}")), "{trailer}");
    }
}

#[tokio::test]
async fn a_gap_or_a_full_disk_ends_an_export_without_a_trailer() {
    let gap = Growing { head: 9, events: (1..=9).filter(|n| *n != 5).map(House::event).collect() };
    let error = written(gap, "csv", Some("events")).await.unwrap_err();
    assert!(matches!(error, ExportError::Book(ReadError::Damaged(_))), "{error}");
    let whole = Growing { head: 9, events: (1..=9).map(House::event).collect() };
    let sources = Sources { reader: Arc::new(whole), views: None };
    let export = Export::open(sources, BOOK, Ask::of("hledger", None, false).unwrap()).await.unwrap();
    let mut full = Kept { full: true, ..Kept::default() };
    assert!(matches!(export.write(&mut full).await, Err(ExportError::Sink(SinkError::Io(_)))));
    assert!(full.bytes.is_empty());
}

#[tokio::test]
async fn what_somebody_wrote_stays_on_its_line_in_every_journal() {
    let reason = "a; b | c\r\n2026-01-01 * \"x\"\u{202E}\u{1B}[31m\\";
    let mut event = House::event(2);
    let lines = event.record.lines.clone();
    event.fact.body = Body::from(AdjustmentPosted {
        actor_id: "a".into(),
        reason: reason.into(),
        lines,
        approver_id: None,
        reversal_of: None,
    });
    for kind in ["hledger", "beancount"] {
        let log = Growing { head: 2, events: vec![House::event(1), event.clone()] };
        let text = written(log, kind, None).await.unwrap();
        assert!(!text.contains(['\r', '\u{1B}', '\u{202E}']), "{text}");
        let dated = text.lines().filter(|line| line.starts_with("2026-01-01"));
        assert_eq!(dated.count(), 0, "{text}");
        assert_eq!(
            text.lines().filter(|line| line.contains("AdjustmentPosted")).count(),
            if kind == "hledger" { 2 } else { 1 }
        );
    }
}
