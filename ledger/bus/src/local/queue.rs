//! One durable's queue: ready, waiting for a moment, given out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::subject::matches;

/// One message, shared by all that hold it.
pub(super) struct Kept {
    pub subject: String,
    pub id: String,
    pub mac: String,
    pub body: Vec<u8>,
}

struct Item {
    kept: Arc<Kept>,
    /// Times given out.
    attempts: u32,
}

/// Every item is in exactly one of three places; `given` items come back at their moment unless they are finished.
pub(super) struct Queue {
    pub filter: String,
    /// Open subscriptions.
    pub readers: usize,
    ready: VecDeque<Item>,
    /// By moment, then by a number that keeps keys apart.
    delayed: BTreeMap<(Instant, u64), Item>,
    /// By tag: until when, and what.
    given: BTreeMap<u64, (Instant, Item)>,
    next_tag: u64,
}

impl Queue {
    pub(super) fn new(filter: &str) -> Self {
        Self {
            filter: filter.to_owned(),
            readers: 0,
            ready: VecDeque::new(),
            delayed: BTreeMap::new(),
            given: BTreeMap::new(),
            next_tag: 0,
        }
    }

    pub(super) fn takes(&self, subject: &str) -> bool {
        matches(&self.filter, subject)
    }

    pub(super) fn len(&self) -> usize {
        self.ready.len() + self.delayed.len() + self.given.len()
    }

    /// Adds a message, `back` places before the end, or after a delay. At the bound the oldest ready one is lost.
    pub(super) fn push(&mut self, kept: Arc<Kept>, delay: Duration, back: usize, capacity: usize) {
        let item = Item { kept, attempts: 0 };
        if delay.is_zero() {
            let place = self.ready.len().saturating_sub(back);
            self.ready.insert(place, item);
        } else {
            let tag = self.tag();
            self.delayed.insert((Instant::now() + delay, tag), item);
        }
        if self.len() > capacity {
            self.ready.pop_front();
        }
    }

    /// Gives out up to `max`, never more than `pending_max` unfinished at a time: tag, attempt, message.
    pub(super) fn take(
        &mut self,
        now: Instant,
        max: usize,
        pending_max: usize,
        ack_wait: Duration,
    ) -> Vec<(u64, u32, Arc<Kept>)> {
        self.wake(now);
        let count = max.min(pending_max.saturating_sub(self.given.len())).min(self.ready.len());
        let taken: Vec<Item> = self.ready.drain(..count).collect();
        let mut out = Vec::with_capacity(count);
        for mut item in taken {
            item.attempts = item.attempts.saturating_add(1);
            let tag = self.tag();
            out.push((tag, item.attempts, item.kept.clone()));
            self.given.insert(tag, (now + ack_wait, item));
        }
        out
    }

    /// The next moment at which something becomes ready by itself.
    pub(super) fn next_moment(&self) -> Option<Instant> {
        let delayed = self.delayed.keys().next().map(|(at, _)| *at);
        // Tags grow with time and every deadline is the same while after its tag, so the first is the earliest.
        let given = self.given.values().next().map(|(at, _)| *at);
        delayed.into_iter().chain(given).min()
    }

    /// Acknowledged or terminated. An unknown tag came too late or from before an emptying: nothing to do.
    pub(super) fn finish(&mut self, tag: u64) {
        self.given.remove(&tag);
    }

    /// Refused for now.
    pub(super) fn put_back(&mut self, tag: u64, at: Instant) {
        if let Some((_, item)) = self.given.remove(&tag) {
            self.delayed.insert((at, tag), item);
        }
    }

    pub(super) fn clear(&mut self) {
        self.ready.clear();
        self.delayed.clear();
        self.given.clear();
    }

    fn tag(&mut self) -> u64 {
        self.next_tag += 1;
        self.next_tag
    }

    fn wake(&mut self, now: Instant) {
        // Given out too long ago: first in line again, in the order they were given.
        let mut late = Vec::new();
        while let Some(entry) = self.given.first_entry()
            && entry.get().0 <= now
        {
            late.push(entry.remove().1);
        }
        late.into_iter().rev().for_each(|item| self.ready.push_front(item));
        while let Some(entry) = self.delayed.first_entry()
            && entry.key().0 <= now
        {
            self.ready.push_back(entry.remove());
        }
    }
}
