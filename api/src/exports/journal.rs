//! What the two journals share: the position with its accounts, the settings at that position, and one transaction for
//! each entry, in the order of the book. `hledger.rs` and `beancount.rs` only spell it.

use std::collections::{BTreeMap, BTreeSet};

use ensimbi_events::config::BookConfig;
use ensimbi_events::event::Body;
use ensimbi_events::ports::BookReader;
use ensimbi_events::{BookId, Currency, Event, Line};

use super::leaves::{Log, decode};
use super::names::{Names, Spelling};
use super::out::Out;
use super::{ExportError, Kind, beancount, hledger};

/// Everything that stands before the first transaction.
pub(super) struct Opening {
    pub book: BookId,
    pub position: u64,
    pub kind: Kind,
    pub names: Names,
    /// The currencies of each account.
    pub accounts: BTreeMap<String, BTreeSet<Currency>>,
}

impl Opening {
    /// The position is that of the balances, so that every account of a line up to it is known.
    pub async fn read(reader: &dyn BookReader, book: BookId, kind: Kind) -> Result<Self, ExportError> {
        let (position, balances) = reader.trial_balance(book).await?;
        let mut accounts: BTreeMap<String, BTreeSet<Currency>> = BTreeMap::new();
        for row in balances {
            accounts.entry(row.account).or_default().insert(row.currency);
        }
        let config = config_at(reader, book, position).await?;
        let spelling = if kind == Kind::Beancount { Spelling::Capitals } else { Spelling::Plain };
        let names = Names::of(&config, accounts.keys().map(String::as_str), spelling)?;
        Ok(Self { book, position, kind, names, accounts })
    }

    /// Every currency of the book's lines.
    pub fn currencies(&self) -> BTreeSet<Currency> {
        self.accounts.values().flatten().copied().collect()
    }
}

/// The book's settings as of a position: each event names the last one before it that changed them.
pub(super) async fn config_at(reader: &dyn BookReader, book: BookId, position: u64) -> Result<BookConfig, ExportError> {
    let mut changes = Vec::new();
    let mut at = position;
    while at > 0 {
        let leaves = reader.read_at(book, &[at]).await?;
        let missing = || ExportError::damaged(format!("position {at} is missing"));
        let event = decode(leaves.first().ok_or_else(missing)?)?;
        let before = event.record.configuration;
        if BookConfig::concerns(&event.fact.body) {
            changes.push(event);
        }
        if at == 1 {
            break;
        }
        if before == 0 || before >= at {
            return Err(ExportError::damaged(format!("position {at} names settings at {before}")));
        }
        at = before;
    }
    let mut config = BookConfig::default();
    for event in changes.iter().rev() {
        config.apply(event);
    }
    Ok(config)
}

/// Writes the whole journal.
pub(super) async fn write(opening: Opening, log: &mut Log<'_>, out: &mut Out<'_>) -> Result<(), ExportError> {
    let beancount = opening.kind == Kind::Beancount;
    let header = if beancount { beancount::header(&opening) } else { hledger::header(&opening) };
    out.buffer.extend_from_slice(header.as_bytes());
    let names = &opening.names;
    log.each(out, |out, event, _| {
        if event.record.lines.0.is_empty() {
            return Ok(());
        }
        let text = if beancount { beancount::entry(event, names)? } else { hledger::entry(event, names)? };
        out.buffer.extend_from_slice(text.as_bytes());
        out.rows += 1;
        Ok(())
    })
    .await?;
    let (hash, position, rows) = (out.hash(), out.position, out.rows);
    out.buffer.extend_from_slice(format!("; #end position={position} rows={rows} sha256={hash}\n").as_bytes());
    Ok(())
}

/// What somebody wrote about an entry.
pub(super) fn note(event: &Event) -> Option<&str> {
    match &event.fact.body {
        Body::AdjustmentPosted(body) => Some(&body.reason),
        Body::DiscrepancyResolved(body) => Some(&body.reason),
        Body::WalletMovementReported(body) => Some(&body.category),
        _ => None,
    }
}

/// What a transaction says of itself, by name.
pub(super) fn about(event: &Event) -> Vec<(&'static str, String)> {
    let mut about = vec![
        ("event_id", event.record.event_id.to_string()),
        ("subject", event.fact.subject.to_string()),
        ("subject_kind", event.fact.subject_kind.as_str().to_owned()),
        ("occurred_at", event.context.occurred_at.to_string()),
    ];
    if let (Some(kind), Some(id)) = (&event.fact.object_kind, &event.fact.object_id) {
        about.push(("object_kind", kind.clone()));
        about.push(("object_id", id.clone()));
    }
    about
}

/// What a line says of itself, by name.
pub(super) fn about_line(line: &Line) -> Vec<(&'static str, String)> {
    let told = [
        ("open_item", line.open_item.map(|id| id.to_string())),
        ("payment_id", line.payment_id.map(|id| id.to_string())),
        ("component", line.component.map(|word| word.to_string())),
        ("bearer", line.bearer.map(|word| word.to_string())),
    ];
    told.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Names of what transactions and lines say of themselves, beside the position.
pub(super) const TAGS: [&str; 10] = [
    "event_id",
    "subject",
    "subject_kind",
    "occurred_at",
    "object_kind",
    "object_id",
    "open_item",
    "payment_id",
    "component",
    "bearer",
];
