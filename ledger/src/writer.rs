//! One writer a book, with group commit: whatever has queued up while a commit ran goes into the next one.
//!
//! Callers hand claims in and wait for their outcomes. A batch that meets a transient error is repeated as a whole, with
//! jitter and a bound; keys make the repeat harmless, also after a COMMIT whose answer was lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ensimbi_events::bus::Outcome;
use ensimbi_events::ports::Clock;
use ensimbi_events::{BookId, Claim};
use tokio::sync::{mpsc, oneshot, watch};

use crate::append::append;
use crate::decide::Sealed;
use crate::store::{Store, StoreError};

/// Claims in one commit at most: larger batches no longer gain (`benches/append.rs`).
pub const BATCH_MAX: usize = 1_000;
/// Claims that may wait; beyond it callers wait in `submit`.
pub const QUEUE_MAX: usize = 8_192;
const ATTEMPTS: u32 = 8;
/// How long a fenced writer waits between two looks at the book.
const STAND_BY: Duration = Duration::from_secs(5);

/// Why a claim has no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriterError {
    /// The store does not answer; submit again later.
    #[error("the ledger's store does not answer: {0}")]
    Unavailable(String),
    /// Another process writes this book now; this writer stands by. Submit again later, here or there.
    #[error("another process writes this book now")]
    Fenced,
    /// The store is damaged or not usable; this writer has ended.
    #[error("this writer has ended: {0}")]
    Ended(String),
}

type Answer = Result<Outcome, WriterError>;

struct Job {
    claim: Claim,
    answer: oneshot::Sender<Answer>,
}

/// A handle to a book's writer. Clones share it.
#[derive(Clone)]
pub struct Writer {
    book: BookId,
    jobs: mpsc::Sender<Job>,
    news: watch::Receiver<u64>,
    writing: Arc<AtomicBool>,
}

/// Told of each commit's new events, after the commit.
pub type Listener = Arc<dyn Fn(&[Sealed]) + Send + Sync>;

impl Writer {
    /// Takes the book over (fencing off any other writer) and starts its task.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn start(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        book: BookId,
        listener: Option<Listener>,
    ) -> Result<Self, StoreError> {
        let epoch = store.take_over(book).await?;
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let (told, news) = watch::channel(0);
        let writing = Arc::new(AtomicBool::new(true));
        let task = Task { store, clock, book, epoch, listener, told, writing: Arc::clone(&writing) };
        tokio::spawn(run(task, queue));
        Ok(Self { book, jobs, news, writing })
    }

    /// The book.
    pub const fn book(&self) -> BookId {
        self.book
    }

    /// Hands claims in together and waits for their outcomes, in order.
    pub async fn submit(&self, claims: Vec<Claim>) -> Vec<Answer> {
        let mut waiting = Vec::with_capacity(claims.len());
        for claim in claims {
            let (answer, outcome) = oneshot::channel();
            let sent = self.jobs.send(Job { claim, answer }).await;
            waiting.push(sent.map(|()| outcome));
        }
        let mut answers = Vec::with_capacity(waiting.len());
        for outcome in waiting {
            answers.push(match outcome {
                Ok(outcome) => outcome.await.unwrap_or_else(|_| Err(ended())),
                Err(_) => Err(ended()),
            });
        }
        answers
    }

    /// Changes with every commit; its value is the last position.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.clone()
    }

    /// Whether its task still runs.
    pub fn is_running(&self) -> bool {
        !self.jobs.is_closed()
    }

    /// Whether it is the book's writer now, and not standing by for another process.
    pub fn is_writing(&self) -> bool {
        self.is_running() && self.writing.load(Ordering::Relaxed)
    }
}

fn ended() -> WriterError {
    WriterError::Ended("it stopped before answering".to_owned())
}

struct Task {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    book: BookId,
    epoch: i64,
    listener: Option<Listener>,
    told: watch::Sender<u64>,
    writing: Arc<AtomicBool>,
}

async fn run(mut task: Task, mut queue: mpsc::Receiver<Job>) {
    let mut jobs = Vec::with_capacity(BATCH_MAX);
    while queue.recv_many(&mut jobs, BATCH_MAX).await > 0 {
        let (claims, waiting): (Vec<Claim>, Vec<_>) = jobs.drain(..).map(|job| (job.claim, job.answer)).unzip();
        match task.append(&claims).await {
            Ok(outcomes) => {
                for (answer, outcome) in waiting.into_iter().zip(outcomes) {
                    // A caller that went away will ask again; the keys answer it then.
                    drop(answer.send(Ok(outcome)));
                }
            }
            Err(error) => {
                for answer in waiting {
                    drop(answer.send(Err(error.clone())));
                }
                match error {
                    WriterError::Ended(reason) => {
                        tracing::error!(book = %task.book, reason, "the book's writer has ended; a person must look");
                        return;
                    }
                    WriterError::Fenced => {
                        if !task.stand_by(&mut queue).await {
                            return;
                        }
                    }
                    WriterError::Unavailable(reason) => {
                        tracing::warn!(book = %task.book, reason, "a batch was given back unanswered");
                    }
                }
            }
        }
    }
}

impl Task {
    /// Leaves the book to the writer that took it over, until that one has been quiet for two looks; then takes it back.
    /// Claims that come meanwhile are given back at once. False where nobody can submit any more.
    async fn stand_by(&mut self, queue: &mut mpsc::Receiver<Job>) -> bool {
        tracing::warn!(book = %self.book, "another process writes this book now; standing by");
        self.writing.store(false, Ordering::Relaxed);
        let mut last = None;
        loop {
            let until = tokio::time::Instant::now() + STAND_BY;
            loop {
                match tokio::time::timeout_at(until, queue.recv()).await {
                    Ok(Some(job)) => drop(job.answer.send(Err(WriterError::Fenced))),
                    Ok(None) => return false,
                    Err(_) => break,
                }
            }
            let head = self.store.head_row(self.book).await.ok().flatten().map(|head| (head.epoch, head.size));
            if head.is_some()
                && head == last
                && let Ok(epoch) = self.store.take_over(self.book).await
            {
                tracing::warn!(book = %self.book, epoch, "the other writer is quiet; writing again");
                self.epoch = epoch;
                self.writing.store(true, Ordering::Relaxed);
                return true;
            }
            last = head;
        }
    }

    async fn append(&self, claims: &[Claim]) -> Result<Vec<Outcome>, WriterError> {
        let mut pause = Duration::from_millis(5);
        for attempt in 1..=ATTEMPTS {
            match append(self.store.as_ref(), self.clock.as_ref(), self.book, self.epoch, claims).await {
                Ok(appended) => {
                    if let Some(last) = appended.sealed.last() {
                        if let Some(listener) = &self.listener {
                            listener(&appended.sealed);
                        }
                        self.told.send_replace(last.event.record.position);
                    }
                    return Ok(appended.outcomes);
                }
                Err(error @ (StoreError::Retry(_) | StoreError::Unavailable(_))) if attempt < ATTEMPTS => {
                    tracing::debug!(book = %self.book, attempt, %error, "repeating the whole batch");
                    tokio::time::sleep(pause + jitter(pause)).await;
                    pause = (pause * 2).min(Duration::from_secs(1));
                }
                Err(error @ (StoreError::Retry(_) | StoreError::Unavailable(_))) => {
                    return Err(WriterError::Unavailable(error.to_string()));
                }
                Err(StoreError::Fenced(_)) => return Err(WriterError::Fenced),
                Err(error) => return Err(WriterError::Ended(error.to_string())),
            }
        }
        Err(WriterError::Unavailable("too many repeats".to_owned()))
    }
}

/// Up to as long again: writers that met do not meet at the same moment once more.
fn jitter(pause: Duration) -> Duration {
    // Every hasher of the standard library starts from its own random state.
    let draw = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), pause);
    let spread = u64::try_from(pause.as_micros()).unwrap_or(u64::MAX).max(1);
    Duration::from_micros(draw % spread)
}
