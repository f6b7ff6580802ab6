//! Verify: recompute everything from position 1 and name the first position that is wrong.
//!
//! First pass, by position: bytes, hashes, gap-free places, index columns, line rows, keys, dates, configuration, wallet
//! sums, the tree. Then passes over the subjects, a bounded number of them at a time: states by the fold, entries by the
//! posting rules, law 7. Memory is bounded by [`SUBJECTS_A_PASS`], however long the book is.

use std::collections::{BTreeMap, HashMap};

use ensimbi_events::config::BookConfig;
use ensimbi_events::leaf::{self, fact_hash};
use ensimbi_events::ports::ReadError;
use ensimbi_events::{Amount, BookId, Event, Hash, NoLines, SubjectId, Time, WalletId};

use crate::append::parse_state;
use crate::decide::state::{self, Reservation, SubjectState};
use crate::decide::{KeyKind, Sealed, WalletBalance, keys_of};
use crate::posting::{accounts, post};
use crate::store::{EventColumns, PAGE_MAX, Store, StoreError};
use crate::tree::Edge;

/// Subjects whose states one pass keeps.
pub const SUBJECTS_A_PASS: u64 = 200_000;
const PAGE: u32 = 1_000;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The book.
    pub book: BookId,
    /// Whether everything agreed.
    pub ok: bool,
    /// Number of events read.
    pub size: u64,
    /// Recomputed root.
    pub root: Hash,
    /// The first bad position; absent where the fault has none (a head or a row of a cache).
    pub bad_position: Option<u64>,
    /// What is wrong.
    pub reason: Option<String>,
}

/// Something is wrong at a place.
struct Bad {
    position: Option<u64>,
    reason: String,
}

enum Stop {
    Bad(Bad),
    /// A row that only caches the log is another; or the writer went on while it was read.
    Cache(String),
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged(reason) => Self::Bad(Bad { position: None, reason }),
            other => Self::Store(other),
        }
    }
}

fn bad(position: u64, reason: impl Into<String>) -> Stop {
    Stop::Bad(Bad { position: Some(position), reason: reason.into() })
}

fn bad_cache(reason: impl Into<String>) -> Stop {
    Stop::Cache(reason.into())
}

/// Verifies one book; `progress` hears positions.
///
/// # Errors
/// [`StoreError`] where the store does not answer; what is wrong inside it is the report's matter.
pub async fn verify(
    store: &dyn Store,
    book: BookId,
    mut progress: impl FnMut(u64) + Send,
) -> Result<Report, StoreError> {
    // A writer may go on meanwhile: everything is compared at the size the head has now.
    let head = store.head_row(book).await?;
    let size = head.as_ref().map_or(0, |head| head.size);
    let (edge, config, wallets) = (Edge::default(), BookConfig::default(), BTreeMap::new());
    let mut run = Run { store, book, size, edge, config, wallets, keys: 0, lines: 0 };
    let mut outcome = run.by_position(&mut progress).await;
    if outcome.is_ok() {
        outcome = run.by_subject().await;
    }
    let (bad_position, reason) = match outcome {
        Ok(()) => (None, None),
        Err(Stop::Bad(bad)) => (bad.position, Some(bad.reason)),
        // Leaf by leaf the log was compared; its caches are compared by a run that no commit overtakes.
        Err(Stop::Cache(_)) if run.overtaken().await? => (None, None),
        Err(Stop::Cache(reason)) => (None, Some(reason)),
        Err(Stop::Store(error)) => return Err(error),
    };
    let root = run.edge.root();
    Ok(Report { book, ok: reason.is_none(), size: run.edge.size(), root, bad_position, reason })
}

struct Run<'a> {
    store: &'a dyn Store,
    book: BookId,
    size: u64,
    edge: Edge,
    config: BookConfig,
    /// By the lines; the pass over the subjects adds what is reserved.
    wallets: BTreeMap<WalletId, WalletBalance>,
    keys: u64,
    lines: u64,
}

impl Run<'_> {
    /// Whether the writer went on meanwhile.
    async fn overtaken(&self) -> Result<bool, StoreError> {
        Ok(self.store.head_row(self.book).await?.is_some_and(|head| head.size > self.size))
    }

    async fn by_position(&mut self, progress: &mut (impl FnMut(u64) + Send)) -> Result<(), Stop> {
        let mut wallets: BTreeMap<WalletId, WalletBalance> = BTreeMap::new();
        let mut last = Time::from_micros(i64::MIN);
        while self.edge.size() < self.size {
            let after = self.edge.size();
            let page = self.page(after).await?;
            for sealed in &page {
                self.check_event(sealed, last)?;
                last = sealed.event.record.recorded_at;
                self.edge.push(sealed.leaf_hash);
                self.config.apply(&sealed.event);
                add_wallet_lines(&mut wallets, &self.config, &sealed.event)?;
            }
            self.check_rows(after, &page).await?;
            progress(self.edge.size());
        }
        self.check_head(last).await?;
        self.check_counts().await?;
        self.wallets = wallets;
        Ok(())
    }

    async fn page(&self, after: u64) -> Result<Vec<Sealed>, Stop> {
        let limit = u32::try_from(self.size - after).unwrap_or(u32::MAX).min(PAGE);
        let rows = match self.store.read(self.book, after, limit).await {
            Ok(rows) => rows,
            Err(ReadError::Damaged(reason)) => return Err(self.damaged(after, after + u64::from(limit), reason).await),
            Err(error) => return Err(Stop::Store(StoreError::Unavailable(error.to_string()))),
        };
        if rows.is_empty() {
            return Err(bad(after + 1, "the event is missing"));
        }
        let mut page = Vec::with_capacity(rows.len());
        for row in rows {
            let event = leaf::decode(&row.leaf).map_err(|error| bad(row.position, format!("leaf: {error}")))?;
            let sealed = Sealed {
                leaf_hash: leaf::leaf_hash(&row.leaf),
                fact_hash: fact_hash(&event.fact),
                keys: keys_of(&event),
                leaf: row.leaf,
                event,
            };
            if sealed.leaf_hash != row.leaf_hash {
                return Err(bad(row.position, "the leaf hash beside the leaf is another"));
            }
            if sealed.event.record.position != row.position || sealed.event.record.book != self.book {
                return Err(bad(row.position, "the leaf says another position or book"));
            }
            page.push(sealed);
        }
        Ok(page)
    }

    /// A page that cannot be read says too little: the rows one by one name the first bad position.
    async fn damaged(&self, after: u64, through: u64, reason: String) -> Stop {
        for at in after..through {
            let stored = match self.store.read(self.book, at, 1).await {
                Ok(rows) if rows.is_empty() => Err("the event is missing".to_owned()),
                Ok(_) => Ok(()),
                Err(ReadError::Damaged(reason)) => Err(reason),
                Err(error) => return Stop::Store(StoreError::Unavailable(error.to_string())),
            };
            let beside = match stored {
                Ok(()) => self.store.columns(self.book, at, 1).await.map(drop),
                Err(reason) => return bad(at + 1, reason),
            };
            let lines = match beside {
                Ok(()) => self.store.lines(self.book, at, at + 1).await.map(drop),
                Err(error) => Err(error),
            };
            match lines {
                Ok(()) => {}
                Err(StoreError::Damaged(reason)) => return bad(at + 1, reason),
                Err(error) => return Stop::Store(error),
            }
        }
        bad_cache(reason)
    }

    fn check_event(&self, sealed: &Sealed, last: Time) -> Result<(), Stop> {
        let event = &sealed.event;
        let position = event.record.position;
        if event.record.recorded_at < last {
            return Err(bad(position, "recorded_at goes back"));
        }
        let configuration = if position == 1 { 1 } else { self.config.position };
        if event.record.configuration != configuration {
            return Err(bad(position, "the configuration position is another"));
        }
        if event.record.lines.0.is_empty() != event.record.no_lines.is_some() {
            return Err(bad(position, "no_lines contradicts the lines"));
        }
        let posting = if event.record.lines.0.is_empty() { None } else { event.fact.posting_key(self.book) };
        if event.record.posting_key != posting {
            return Err(bad(position, "the posting key does not follow from the fact"));
        }
        let derived = match event.record.cause {
            None => event.fact.event_id(self.book),
            Some(cause) => ensimbi_events::ids::made_event_id(cause, event.fact.body.word(), &sealed.fact_hash.0),
        };
        if event.record.event_id != derived {
            return Err(bad(position, "the event id does not follow from the fact"));
        }
        let mut sums: BTreeMap<_, i128> = BTreeMap::new();
        for line in &event.record.lines.0 {
            *sums.entry(line.currency).or_default() += i128::from(line.amount.scaled());
        }
        match sums.iter().find(|(_, sum)| **sum != 0) {
            Some((currency, _)) => Err(bad(position, format!("the entry is not zero in {currency}"))),
            None => Ok(()),
        }
    }

    /// Columns, line rows and keys of a page.
    async fn check_rows(&mut self, after: u64, page: &[Sealed]) -> Result<(), Stop> {
        let through = self.edge.size();
        let limit = u32::try_from(page.len()).unwrap_or(PAGE_MAX);
        let columns = match self.store.columns(self.book, after, limit).await {
            Err(StoreError::Damaged(reason)) => return Err(self.damaged(after, through, reason).await),
            other => other?,
        };
        let mut columns = columns.into_iter();
        for sealed in page {
            if columns.next() != Some(EventColumns::of(sealed)) {
                return Err(bad(sealed.event.record.position, "the columns beside the leaf are others"));
            }
        }
        let rows = match self.store.lines(self.book, after, through).await {
            Err(StoreError::Damaged(reason)) => return Err(self.damaged(after, through, reason).await),
            other => other?,
        };
        let mut rows = rows.into_iter().peekable();
        for sealed in page {
            let position = sealed.event.record.position;
            for line in &sealed.event.record.lines.0 {
                if rows.next_if(|(at, row)| *at == position && row == line).is_none() {
                    return Err(bad(position, format!("line {} beside the leaf is missing or another", line.n)));
                }
                self.lines += 1;
            }
            if rows.peek().is_some_and(|(at, _)| *at <= position) {
                return Err(bad(position, "a line beside the leaf that the leaf does not have"));
            }
        }
        self.check_keys(page).await
    }

    async fn check_keys(&mut self, page: &[Sealed]) -> Result<(), Stop> {
        let wanted: Vec<_> = page.iter().flat_map(|sealed| sealed.keys.iter().cloned()).collect();
        let found: HashMap<_, _> = self.store.keys_of(self.book, &wanted).await?.into_iter().collect();
        for sealed in page {
            let position = sealed.event.record.position;
            for key in &sealed.keys {
                let known = found.get(key);
                let ok = known.is_some_and(|known| {
                    known.position == position
                        && known.fact_hash == sealed.fact_hash
                        && known.leaf_hash == sealed.leaf_hash
                });
                if !ok {
                    let kind = match key.kind {
                        KeyKind::Event => "event id",
                        KeyKind::Posting => "posting key",
                        KeyKind::Operator => "operator's transaction",
                    };
                    return Err(bad(position, format!("its {kind} is missing or points elsewhere")));
                }
                self.keys += 1;
            }
        }
        Ok(())
    }

    async fn check_head(&self, last: Time) -> Result<(), Stop> {
        let Some(head) = self.store.head_row(self.book).await? else {
            let left = self.store.columns(self.book, 0, 1).await?;
            return left.first().map_or(Ok(()), |row| Err(bad(row.position, "an event of a book that has no head")));
        };
        // The writer may have gone on; then the tree was compared leaf by leaf and the next run compares the root.
        if head.size == self.size {
            let beyond = self.store.columns(self.book, self.size, 1).await?;
            if let Some(row) = beyond.first()
                && !self.overtaken().await?
            {
                return Err(bad(row.position, "an event beyond the head"));
            }
            if head.root != self.edge.root() || head.edge != self.edge.to_bytes() {
                return Err(bad_cache("the head's root or right edge is not that of the leaves"));
            }
            if self.size > 0 && (head.recorded_at != last || head.configuration != self.config.position) {
                return Err(bad_cache("the head's time or configuration is not that of the leaves"));
            }
            let config = self.store.config_row(self.book).await?;
            let stored = config.map(|text| serde_json::from_str::<BookConfig>(&text));
            let same = match stored {
                None => self.size == 0,
                Some(Ok(config)) => config == self.config,
                Some(Err(_)) => false,
            };
            if !same {
                return Err(bad_cache("the configuration row is not that of the leaves"));
            }
        } else if head.size < self.size {
            return Err(bad_cache("the head went back while it was read"));
        }
        Ok(())
    }

    async fn check_counts(&self) -> Result<(), Stop> {
        let head = self.store.head_row(self.book).await?;
        if head.is_none_or(|head| head.size != self.size) {
            return Ok(());
        }
        if self.store.key_count(self.book).await? != self.keys {
            return Err(bad_cache("there are keys that no event has"));
        }
        if self.store.line_count(self.book).await? != self.lines {
            return Err(bad_cache("there are lines that no event has"));
        }
        Ok(())
    }

    /// The rows of wallets against the sums of lines and open reservations, and the last event that moved each.
    async fn check_wallets(&self, sums: &BTreeMap<WalletId, WalletBalance>) -> Result<(), Stop> {
        let mut rows = self.store.wallet_rows(self.book).await?;
        if self.store.head_row(self.book).await?.is_some_and(|head| head.size != self.size) {
            return Ok(());
        }
        for (id, sum) in sums {
            if rows.remove(id) != Some(*sum) {
                return Err(bad_cache(format!("wallet {id}: its balances are not the sums of its lines and requests")));
            }
        }
        match rows.keys().next() {
            Some(id) => Err(bad_cache(format!("wallet {id}: no event moved it"))),
            None => Ok(()),
        }
    }

    /// States and entries, a bounded number of subjects at a time.
    async fn by_subject(&mut self) -> Result<(), Stop> {
        let passes = self.size / SUBJECTS_A_PASS + 1;
        let mut wallets = std::mem::take(&mut self.wallets);
        for pass in 0..passes {
            let mine = |subject: SubjectId| bucket(subject, passes) == pass;
            let states = self.fold(mine, &mut wallets).await?;
            self.compare_states(states, mine).await?;
        }
        self.check_wallets(&wallets).await
    }

    async fn fold(
        &self,
        mine: impl Fn(SubjectId) -> bool,
        wallets: &mut BTreeMap<WalletId, WalletBalance>,
    ) -> Result<HashMap<SubjectId, SubjectState>, Stop> {
        let mut states: HashMap<SubjectId, SubjectState> = HashMap::new();
        let mut config = BookConfig::default();
        let mut after = 0;
        while after < self.size {
            for sealed in self.page(after).await? {
                let event = &sealed.event;
                after = event.record.position;
                if after == 1 {
                    config.apply(event);
                }
                let subject = event.fact.subject;
                if mine(subject) {
                    check_entry(event, &config, states.entry(subject).or_default())?;
                }
                for id in state::touched(event).into_iter().filter(|id| mine(*id)) {
                    let state = states.entry(id).or_default();
                    let before = state.reservations.clone();
                    state::fold(id, state, &sealed).map_err(|error| bad(after, error.to_string()))?;
                    if before != state.reservations {
                        reserve(wallets, &config, &before, true, after)?;
                        reserve(wallets, &config, &state.reservations, false, after)?;
                    }
                }
                config.apply(event);
            }
        }
        Ok(states)
    }

    async fn compare_states(
        &self,
        mut states: HashMap<SubjectId, SubjectState>,
        mine: impl Fn(SubjectId) -> bool,
    ) -> Result<(), Stop> {
        let head = self.store.head_row(self.book).await?;
        if head.is_none_or(|head| head.size != self.size) {
            return Ok(());
        }
        let mut after = None;
        loop {
            let rows = self.store.subject_rows(self.book, after, PAGE).await?;
            let Some((last, _)) = rows.last() else { break };
            after = Some(*last);
            for (subject, text) in rows.into_iter().filter(|(subject, _)| mine(*subject)) {
                let stored = parse_state(subject, &text)?;
                let folded = states.remove(&subject).unwrap_or_default();
                let holds =
                    |event_id| folded.doubts.iter().filter(move |d| d.holds && d.about == Some(event_id)).count();
                if let Some(doubtful) = folded.withheld.iter().find(|(event_id, _)| holds(*event_id) != 1) {
                    let reason = format!("withheld event {} has not exactly one discrepancy", doubtful.0);
                    return Err(bad_cache(reason));
                }
                if stored != folded {
                    return Err(bad_cache(format!("subject {subject}: its state is not that of its events")));
                }
            }
        }
        match states.keys().next() {
            Some(subject) => Err(bad_cache(format!("subject {subject}: its state is missing"))),
            None => Ok(()),
        }
    }
}

/// The lines that the posting rules give, unless the record says why there are none.
fn check_entry(event: &Event, config: &BookConfig, state: &SubjectState) -> Result<(), Stop> {
    let position = event.record.position;
    if matches!(event.record.no_lines, Some(NoLines::Withheld | NoLines::BeforeOpening)) {
        return Ok(());
    }
    let lines = post(&event.fact, config, state).map_err(|error| bad(position, error.to_string()))?;
    if lines != event.record.lines {
        return Err(bad(position, "the lines are not those of the posting rules"));
    }
    Ok(())
}

fn bucket(subject: SubjectId, passes: u64) -> u64 {
    let mut low = [0; 8];
    low.copy_from_slice(&subject.as_bytes()[8..]);
    u64::from_be_bytes(low) % passes
}

fn add_wallet_lines(
    wallets: &mut BTreeMap<WalletId, WalletBalance>,
    config: &BookConfig,
    event: &Event,
) -> Result<(), Stop> {
    for line in &event.record.lines.0 {
        let held = line.account.starts_with("assets:held:");
        if !held && !line.account.starts_with("assets:wallet:") {
            continue;
        }
        let owner = config.wallets.keys().find_map(|id| {
            let (connection, code, currency) = config.wallet(*id)?;
            let path = if held { accounts::held(connection, code) } else { accounts::wallet(connection, code) };
            (path == line.account).then_some((*id, currency))
        });
        let position = event.record.position;
        let Some((id, currency)) = owner else { return Err(bad(position, "a wallet account that no wallet has")) };
        let balance = wallets.entry(id).or_insert(WalletBalance::empty(currency));
        let figure = if held { &mut balance.held } else { &mut balance.posted };
        *figure = Amount::checked_add(*figure, line.amount).ok_or_else(|| bad(position, "a balance overflows"))?;
        balance.position = position;
        if line.currency != currency {
            return Err(bad(position, "a line on a wallet in another currency"));
        }
    }
    Ok(())
}

/// What open reservations come to; they are kept with the subjects, so the lines do not tell.
fn reserve(
    wallets: &mut BTreeMap<WalletId, WalletBalance>,
    config: &BookConfig,
    list: &[Reservation],
    release: bool,
    position: u64,
) -> Result<(), Stop> {
    for reservation in list {
        let Some((_, _, currency)) = config.wallet(reservation.wallet) else {
            return Err(bad(position, "a reservation on a wallet that is not configured"));
        };
        let balance = wallets.entry(reservation.wallet).or_insert(WalletBalance::empty(currency));
        let sum = match release {
            true => balance.reserved.checked_sub(reservation.amount),
            false => balance.reserved.checked_add(reservation.amount),
        };
        balance.reserved = sum.ok_or_else(|| bad(position, "a reserved sum overflows"))?;
        // Passes come one after another, each from position 1: the last mover is the largest.
        balance.position = balance.position.max(position);
    }
    Ok(())
}
