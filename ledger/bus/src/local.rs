//! The in-process twin: the same promises as NATS and no more, so what works here works there.
//!
//! Shape: each stream keeps its last messages for durables that come later; each durable has its own queue. A message
//! in a queue is ready, delayed (until a moment), or given out (until its acknowledgement time).
//! Steps of a publish: check, draw the faults, wait for room, store, put into every durable's queue, wake.
//!
//! Bounds: `capacity` messages a stream and a durable. A publish waits up to 5 s for durables that somebody reads, then
//! answers `Unavailable`; a durable nobody reads loses its oldest instead, so that it cannot stop the house.
//! Nothing is kept over a restart and repeats are not filtered: the outbox remembers, consumers recognise.
//! Times here are real: the bus is machinery, not part of the story that a simulated clock tells.

mod faults;
mod queue;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::bus::Stream;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::message::{Handle, Verdict};
use crate::subject::{check_durable, check_prefix, matches, stream_of};
use crate::{Bus, BusError, Delivery, Health, Outgoing, Subscription};

pub use faults::Faults;
use faults::{Fate, SplitMix};
use queue::{Kept, Queue};

const PATIENCE: Duration = Duration::from_secs(5);

/// Settings of the in-process bus.
#[derive(Debug, Clone)]
pub struct LocalOptions {
    /// First word of subjects.
    pub prefix: String,
    /// Messages kept for each stream and waiting for each durable, at most.
    pub capacity: usize,
    /// After so long an unacknowledged delivery comes again (real time).
    pub ack_wait: Duration,
    /// Unacknowledged deliveries a durable, at most.
    pub max_ack_pending: usize,
}

impl Default for LocalOptions {
    fn default() -> Self {
        Self {
            prefix: "ENSIMBI".to_owned(),
            capacity: 20_000,
            ack_wait: Duration::from_secs(30),
            max_ack_pending: 2_000,
        }
    }
}

/// A bus in this process. Clones share it.
#[derive(Clone)]
pub struct LocalBus {
    shared: Arc<Shared>,
}

struct Shared {
    options: LocalOptions,
    state: Mutex<State>,
    /// Something arrived, or a moment moved.
    arrived: Notify,
    /// Something left, so there may be room.
    room: Notify,
}

struct State {
    closed: bool,
    faults: Faults,
    random: SplitMix,
    logs: HashMap<Stream, std::collections::VecDeque<Arc<Kept>>>,
    durables: HashMap<(Stream, String), Queue>,
}

impl LocalBus {
    /// An empty bus.
    ///
    /// # Errors
    /// [`BusError::Refused`] for a prefix that NATS would not take either.
    pub fn new(options: LocalOptions) -> Result<Self, BusError> {
        check_prefix(&options.prefix)?;
        let state = State {
            closed: false,
            faults: Faults::default(),
            random: SplitMix::new(0),
            logs: HashMap::new(),
            durables: HashMap::new(),
        };
        let (arrived, room) = (Notify::new(), Notify::new());
        Ok(Self { shared: Arc::new(Shared { options, state: Mutex::new(state), arrived, room }) })
    }

    /// From now on, these faults, their dice starting at the seed.
    pub fn set_faults(&self, faults: Faults) {
        let mut state = self.shared.lock();
        state.random = SplitMix::new(faults.seed);
        state.faults = faults;
    }

    /// Forgets every message: stored, waiting and given out (F31, a bus whose store was emptied).
    pub fn empty(&self) {
        let mut state = self.shared.lock();
        state.logs.clear();
        state.durables.values_mut().for_each(Queue::clear);
        drop(state);
        self.shared.room.notify_waiters();
    }

    /// Messages waiting, delayed or given out to durables that somebody reads: zero when nothing is under way.
    pub fn in_flight(&self) -> usize {
        self.shared.lock().durables.values().filter(|q| q.readers > 0).map(Queue::len).sum()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere must not stop the bus: every step under the lock leaves whole values.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn publish_one(&self, message: Outgoing) -> Result<(), BusError> {
        message.check()?;
        let stream = stream_of(&self.options.prefix, &message.subject)?;
        let deadline = Instant::now() + PATIENCE;
        let kept =
            Arc::new(Kept { subject: message.subject, id: message.message_id, mac: message.mac, body: message.body });
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            {
                let mut state = self.lock();
                if state.closed {
                    return Err(BusError::Closed);
                }
                if state.has_room(stream, &kept.subject, self.options.capacity) {
                    state.store(stream, &kept, self.options.capacity);
                    break;
                }
            }
            if tokio::time::timeout_at(deadline, room).await.is_err() {
                return Err(BusError::Unavailable("its readers have been full for 5 s".to_owned()));
            }
        }
        self.arrived.notify_waiters();
        Ok(())
    }
}

impl State {
    fn has_room(&self, stream: Stream, subject: &str, capacity: usize) -> bool {
        let mut takers = self.durables.iter().filter(|((s, _), q)| *s == stream && q.takes(subject));
        takers.all(|(_, q)| q.readers == 0 || q.len() < capacity)
    }

    fn store(&mut self, stream: Stream, kept: &Arc<Kept>, capacity: usize) {
        let Fate { copies, delay, reorder } = self.faults.draw(&mut self.random);
        for _ in 0..copies {
            let log = self.logs.entry(stream).or_default();
            log.push_back(kept.clone());
            if log.len() > capacity {
                log.pop_front();
            }
            for ((of, _), queue) in &mut self.durables {
                if *of == stream && queue.takes(&kept.subject) {
                    // A place among the last sixteen, drawn for each durable: they need not agree on an order.
                    let back = if reorder { self.random.below(16) } else { 0 };
                    queue.push(kept.clone(), delay, usize::try_from(back).unwrap_or(0), capacity);
                }
            }
        }
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, messages: Vec<Outgoing>) -> Vec<Result<(), BusError>> {
        let mut results = Vec::with_capacity(messages.len());
        let mut full = false;
        for message in messages {
            // One wait a call: what follows a full queue is answered at once, so the whole stays bounded.
            let result = match full {
                true => Err(BusError::Unavailable("its readers are full".to_owned())),
                false => self.shared.publish_one(message).await,
            };
            full = matches!(result, Err(BusError::Unavailable(_)));
            results.push(result);
        }
        results
    }

    async fn subscribe(&self, stream: Stream, durable: &str, filter: &str) -> Result<Box<dyn Subscription>, BusError> {
        check_durable(durable, filter, &stream.subjects(&self.shared.options.prefix))?;
        let key = (stream, durable.to_owned());
        let mut state = self.shared.lock();
        if state.closed {
            return Err(BusError::Closed);
        }
        let State { logs, durables, .. } = &mut *state;
        let queue = durables.entry(key.clone()).or_insert_with(|| {
            let mut queue = Queue::new(filter);
            let kept = logs.get(&stream).into_iter().flatten().filter(|m| matches(filter, &m.subject));
            kept.for_each(|m| queue.push(m.clone(), Duration::ZERO, 0, self.shared.options.capacity));
            queue
        });
        if queue.filter != filter {
            return Err(BusError::Foreign(format!(
                "the durable {durable} reads {} already, not {filter}; it is left as it is",
                queue.filter
            )));
        }
        queue.readers += 1;
        drop(state);
        Ok(Box::new(Reader { shared: self.shared.clone(), key }))
    }

    async fn health(&self) -> Health {
        let ok = !self.shared.lock().closed;
        let detail = if ok { "in process" } else { "closed" }.to_owned();
        Health { ok, detail, version: None, warnings: Vec::new() }
    }

    fn prefix(&self) -> &str {
        &self.shared.options.prefix
    }

    async fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.arrived.notify_waiters();
        self.shared.room.notify_waiters();
    }
}

struct Reader {
    shared: Arc<Shared>,
    key: (Stream, String),
}

#[async_trait]
impl Subscription for Reader {
    async fn next_batch(&mut self, max: usize) -> Result<Vec<Delivery>, BusError> {
        loop {
            let arrived = self.shared.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            let next = {
                let mut state = self.shared.lock();
                if state.closed {
                    return Err(BusError::Closed);
                }
                let options = &self.shared.options;
                let now = Instant::now();
                let Some(queue) = state.durables.get_mut(&self.key) else { return Err(BusError::Closed) };
                let given = queue.take(now, max.max(1), options.max_ack_pending, options.ack_wait);
                if !given.is_empty() {
                    return Ok(given
                        .into_iter()
                        .map(|(tag, attempt, kept)| self.delivery(tag, attempt, &kept))
                        .collect());
                }
                queue.next_moment()
            };
            match next {
                Some(at) => drop(tokio::time::timeout_at(at, arrived).await),
                None => arrived.await,
            }
        }
    }
}

impl Reader {
    fn delivery(&self, tag: u64, attempt: u32, kept: &Kept) -> Delivery {
        Delivery {
            subject: kept.subject.clone(),
            message_id: Some(kept.id.clone()),
            mac: Some(kept.mac.clone()),
            body: kept.body.clone(),
            attempt,
            handle: Handle::Local(LocalAck { shared: self.shared.clone(), key: self.key.clone(), tag }),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(queue) = self.shared.lock().durables.get_mut(&self.key) {
            queue.readers = queue.readers.saturating_sub(1);
        }
        self.shared.room.notify_waiters();
    }
}

/// How a delivery finds its way back.
pub(crate) struct LocalAck {
    shared: Arc<Shared>,
    key: (Stream, String),
    tag: u64,
}

impl LocalAck {
    pub(crate) fn answer(self, verdict: Verdict) {
        let mut state = self.shared.lock();
        let State { faults, random, durables, .. } = &mut *state;
        if faults.loses_ack(random) {
            return;
        }
        if let Some(queue) = durables.get_mut(&self.key) {
            match verdict {
                Verdict::Ack | Verdict::Term => queue.finish(self.tag),
                Verdict::Nak(delay) => {
                    queue.put_back(self.tag, Instant::now() + delay.min(Duration::from_secs(86_400)))
                }
            }
        }
        drop(state);
        self.shared.room.notify_waiters();
        // Room under the bound on unacknowledged deliveries, or an earlier moment to wake at.
        self.shared.arrived.notify_waiters();
    }
}
