//! Counts for people and alarms, and what is still open.

use ensimbi_events::{BookId, Time};

use super::value::values;
use super::{Tx, statements};
use crate::door::DoorError;

statements! {
    ADD plain "INSERT INTO counters (book, name, value) VALUES ($1, $2, $3) \
        ON CONFLICT (book, name) DO UPDATE SET value = counters.value + $3";
    ALL_OF_BOOK plain "SELECT name, value FROM counters WHERE book = $1 AND name <> 'outbox_seq' ORDER BY name LIMIT 200";
    INBOX_NEW plain "SELECT COUNT(*) FROM inbox WHERE book = $1 AND state = 'new'";
    OUTBOX_OPEN plain "SELECT COUNT(*) FROM outbox WHERE book = $1 AND state IN ('pending', 'published')";
    /// Each part has an index of its own: this is asked over and over, and most objects of a book are looked at later.
    CHECKS_OPEN plain "SELECT (SELECT COUNT(*) FROM checks c WHERE c.book = $1 AND c.leased_until > $3) + \
        (SELECT COUNT(*) FROM checks c WHERE c.book = $1 AND c.next_check_at <= $2 \
        AND (c.leased_until IS NULL OR c.leased_until <= $3) AND NOT EXISTS (SELECT 1 FROM pauses p \
        WHERE p.book = c.book AND p.connection = c.connection AND p.until > $2))";
    COMMANDS_OPEN plain "SELECT COUNT(*) FROM attempts a LEFT JOIN pauses p ON p.book = a.book \
        AND p.connection = a.connection AND p.until > $2 WHERE a.book = $1 \
        AND a.state IN ('asked', 'cleared', 'calling') AND (a.state IN ('asked', 'calling') \
        OR (a.state = 'cleared' AND a.next_at <= $2 AND p.until IS NULL))";
    /// The first of what is not paused, by its index; or the first of what is paused, when its pause ends.
    NEXT_CHECK plain "SELECT MIN(at) FROM (SELECT (SELECT c.next_check_at FROM checks c WHERE c.book = $1 \
        AND c.next_check_at > $2 AND NOT EXISTS (SELECT 1 FROM pauses p WHERE p.book = c.book \
        AND p.connection = c.connection AND p.until > $2) ORDER BY c.next_check_at LIMIT 1) AS at UNION ALL \
        SELECT (SELECT CASE WHEN p.until > c.next_check_at THEN p.until ELSE c.next_check_at END FROM checks c \
        WHERE c.book = p.book AND c.connection = p.connection AND c.next_check_at IS NOT NULL \
        ORDER BY c.next_check_at LIMIT 1) FROM pauses p WHERE p.book = $1 AND p.until > $2) AS found";
    /// Routine reads go on for ever, and so does what they begin (a statement that is being made); they do not count as
    /// something that is still to come.
    NEXT_SETTLING plain "SELECT MIN(at) FROM (SELECT (SELECT c.next_check_at FROM checks c WHERE c.book = $1 \
        AND c.next_check_at > $2 AND NOT EXISTS (SELECT 1 FROM checks r WHERE r.book = c.book \
        AND r.connection = c.connection AND r.object_kind = c.object_kind AND r.watch = 'routine') \
        AND NOT EXISTS (SELECT 1 FROM pauses p WHERE p.book = c.book AND p.connection = c.connection \
        AND p.until > $2) ORDER BY c.next_check_at LIMIT 1) AS at UNION ALL \
        SELECT (SELECT CASE WHEN p.until > c.next_check_at THEN p.until ELSE c.next_check_at END FROM checks c \
        WHERE c.book = p.book AND c.connection = p.connection AND c.next_check_at IS NOT NULL \
        AND NOT EXISTS (SELECT 1 FROM checks r WHERE r.book = c.book AND r.connection = c.connection \
        AND r.object_kind = c.object_kind AND r.watch = 'routine') ORDER BY c.next_check_at LIMIT 1) \
        FROM pauses p WHERE p.book = $1 AND p.until > $2) AS found";
    NEXT_COMMAND plain "SELECT MIN(CASE WHEN p.until > a.next_at THEN p.until ELSE a.next_at END) \
        FROM attempts a LEFT JOIN pauses p ON p.book = a.book AND p.connection = a.connection AND p.until > $2 \
        WHERE a.book = $1 AND a.state IN ('asked', 'cleared', 'calling') AND a.state = 'cleared' \
        AND (a.next_at > $2 OR p.until IS NOT NULL)";
}

/// Verified or imported bytes that nobody could read or place.
pub(crate) const QUARANTINED: &str = "quarantined";
/// Deliveries of bytes that were there already.
pub(crate) const DUPLICATES: &str = "duplicate_deliveries";
/// Words of a provider that no translator knows.
pub(crate) const UNKNOWN_WORDS: &str = "unknown_words";
/// Hints about objects that we do not know.
pub(crate) const UNKNOWN_HINTS: &str = "unknown_hints";
/// Answers on the bus that are forged, damaged or not for us.
pub(crate) const BAD_ANSWERS: &str = "answers_not_authentic";
/// Answers to notes that were finished already.
pub(crate) const REPEATED_ANSWERS: &str = "repeated_answers";
/// Notes that were sent more than once.
pub(crate) const RESENT: &str = "notes_resent";
/// Claims that the ledger refused.
pub(crate) const REFUSED: &str = "claims_refused";
/// Calls that moved money, perhaps, and had no answer.
pub(crate) const UNKNOWN_OUTCOMES: &str = "unknown_outcomes";
/// Attempts of unknown outcome that the provider denied for the whole grace period; they ended as failed.
pub(crate) const GIVEN_UP: &str = "unknown_outcomes_given_up";
/// Reads that brought nothing.
pub(crate) const FAILED_READS: &str = "failed_reads";
/// Rows of providers' wallet books that answers showed, repeated ones too.
pub(crate) const ROWS_READ: &str = "wallet_rows_read";
/// Rows of a provider's wallet book that were told differently before.
pub(crate) const ROWS_DIFFER: &str = "wallet_rows_differ";
/// Calls refused for their credentials.
pub(crate) const CREDENTIALS: &str = "credentials_refused";
/// Balances of purses that are not configured.
pub(crate) const BALANCES_LEFT_ASIDE: &str = "balances_left_aside";

/// What is in motion, all from the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pending {
    /// Observations not yet translated.
    pub inbox_new: u64,
    /// Notes the ledger has not answered.
    pub outbox_unanswered: u64,
    /// Looks that are due now or on their way.
    pub checks_due_or_leased: u64,
    /// Commands that wait for the ledger or are being sent, now.
    pub commands_open: u64,
    /// The next moment (injected clock) at which something becomes due by itself, routine reads apart.
    pub next_due: Option<Time>,
}

impl Pending {
    /// Whether nothing is in flight: only time can bring more.
    pub const fn is_idle(&self) -> bool {
        self.inbox_new == 0 && self.outbox_unanswered == 0 && self.checks_due_or_leased == 0 && self.commands_open == 0
    }
}

/// Adds to a count.
pub(crate) async fn add(tx: &mut Tx, book: BookId, name: &'static str, by: u64) -> Result<(), DoorError> {
    if by == 0 {
        return Ok(());
    }
    tx.run(ADD, values![book, name, i64::try_from(by).unwrap_or(i64::MAX)]).await.map(drop)
}

/// All counts of a book.
pub(crate) async fn all(tx: &mut Tx, book: BookId) -> Result<Vec<(String, i64)>, DoorError> {
    let mut found = Vec::new();
    for mut row in tx.rows(ALL_OF_BOOK, values![book]).await? {
        found.push((row.text()?, row.int()?));
    }
    Ok(found)
}

/// What is in motion at a moment, in one snapshot.
pub(crate) async fn pending(tx: &mut Tx, book: BookId, now: Time, real_now: Time) -> Result<Pending, DoorError> {
    let count = |value: i64| u64::try_from(value).unwrap_or(0);
    let inbox_new = count(tx.one(INBOX_NEW, values![book]).await?.int()?);
    let outbox_unanswered = count(tx.one(OUTBOX_OPEN, values![book]).await?.int()?);
    let checks_due_or_leased = count(tx.one(CHECKS_OPEN, values![book, now, real_now]).await?.int()?);
    let commands_open = count(tx.one(COMMANDS_OPEN, values![book, now]).await?.int()?);
    let settling = tx.one(NEXT_SETTLING, values![book, now]).await?.opt_time()?;
    let next_due = settling.into_iter().chain(next_command(tx, book, now).await?).min();
    Ok(Pending { inbox_new, outbox_unanswered, checks_due_or_leased, commands_open, next_due })
}

/// When the next look becomes due by itself.
pub(crate) async fn next_check(tx: &mut Tx, book: BookId, now: Time) -> Result<Option<Time>, DoorError> {
    tx.one(NEXT_CHECK, values![book, now]).await?.opt_time()
}

/// When the next command may be sent by itself.
pub(crate) async fn next_command(tx: &mut Tx, book: BookId, now: Time) -> Result<Option<Time>, DoorError> {
    tx.one(NEXT_COMMAND, values![book, now]).await?.opt_time()
}
