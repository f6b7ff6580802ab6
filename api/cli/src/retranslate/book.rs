//! What a book says of events, with the corrections that stand on them.
//!
//! One pass over the index columns finds the corrections; they are few, so that they are kept whole. Everything else is
//! read when it is asked for, one event at a time.

use std::collections::HashMap;
use std::sync::Arc;

use ensimbi_events::config::BookConfig;
use ensimbi_events::event::Lines;
use ensimbi_events::leaf::{self, fact_hash};
use ensimbi_events::{Body, BookId, Event, EventId, Fact, Hash};
use ensimbi_ledger::store::Store;

use crate::exit::Failure;
use crate::opening::config_of;

/// Index rows read at a time.
const PAGE: u32 = 1_000;
/// The word of a correction, as its index column has it.
const WORD: &str = "CorrectionPosted";

/// A correction that stands.
#[derive(Debug, Clone)]
pub struct Correction {
    /// The fact that it made of the event, by its hash.
    pub fact_hash: Hash,
    /// What it added.
    pub lines: Lines,
}

/// A book to compare with.
pub struct Recorded {
    store: Arc<dyn Store>,
    /// The book.
    pub id: BookId,
    /// How long it is, as far as was looked.
    pub size: u64,
    /// Its configuration.
    pub config: BookConfig,
    corrections: HashMap<EventId, Vec<Correction>>,
}

impl Recorded {
    /// Reads configuration and corrections.
    pub async fn open(store: Arc<dyn Store>, id: BookId) -> Result<Self, Failure> {
        let config = config_of(store.as_ref(), id).await?;
        let mut book = Self { store, id, size: 0, config, corrections: HashMap::new() };
        loop {
            let page = book.store.columns(id, book.size, PAGE).await?;
            let Some(last) = page.last() else { break };
            book.size = last.position;
            for position in page.iter().filter(|row| row.word == WORD).map(|row| row.position) {
                let event = book.event(position).await?;
                book.note(&event);
            }
        }
        Ok(book)
    }

    /// Takes a correction in, in the order of the book.
    fn note(&mut self, event: &Event) {
        if let Body::CorrectionPosted(body) = &event.fact.body {
            let correction = Correction { fact_hash: body.fact_hash, lines: event.record.lines.clone() };
            self.corrections.entry(body.corrected).or_default().push(correction);
        }
    }

    /// Takes the correction at a position in, which was recorded since. Says whether it is the one that was told.
    pub async fn corrected_at(&mut self, position: u64, told: &Fact) -> Result<bool, Failure> {
        let event = self.event(position).await?;
        self.note(&event);
        self.size = self.size.max(position);
        Ok(fact_hash(&event.fact) == fact_hash(told))
    }

    /// The event at a position.
    pub async fn event(&self, position: u64) -> Result<Event, Failure> {
        let missing = || Failure::disagrees(format!("position {position} is missing"));
        let stored = self.store.read_at(self.id, &[position]).await?.pop().ok_or_else(missing)?;
        leaf::decode(&stored.leaf).map_err(|error| Failure::disagrees(format!("position {position}: {error}")))
    }

    /// An event by its id, if this book has it.
    pub async fn find(&self, id: EventId) -> Result<Option<Event>, Failure> {
        match self.store.position_of(self.id, id).await? {
            Some(position) => self.event(position).await.map(Some),
            None => Ok(None),
        }
    }

    /// The corrections of an event, in order.
    pub fn corrections(&self, id: EventId) -> &[Correction] {
        self.corrections.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The fact that stands for an event: its own, or that of its last correction.
    pub fn stands(&self, event: &Event) -> Hash {
        self.corrections(event.record.event_id).last().map_or_else(|| fact_hash(&event.fact), |last| last.fact_hash)
    }
}
