//! Rows of `discrepancies` and `discrepancy_events`.

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::Verdict;
use ensimbi_events::{Amount, ConnectionId, Currency, EventId, SubjectId, SubjectKind, Time, WalletId};
use serde::Serialize;

use crate::store::{Bind, Row, StoreError};
use crate::word::words;

words! {
    /// Whether a person still has to look.
    DiscrepancyState {
        /// Nobody has decided.
        Open = "open",
        /// Somebody, or the ledger, has.
        Resolved = "resolved",
    }
}

/// A contradiction, and what was decided about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiscrepancyRow {
    /// Its event.
    pub discrepancy: EventId,
    /// Its place in the book.
    pub position: u64,
    /// Whether it waits.
    pub state: DiscrepancyState,
    /// What kind.
    pub kind: DiscrepancyKind,
    /// The event it is about.
    pub about: Option<EventId>,
    /// The amount in question; of a withheld event, that event's own.
    pub stake: Option<Amount>,
    /// Its currency.
    pub stake_currency: Option<Currency>,
    /// Whose life it concerns.
    pub subject: SubjectId,
    /// What kind of thing that is.
    pub subject_kind: SubjectKind,
    /// The connection.
    pub connection: Option<ConnectionId>,
    /// The wallet.
    pub wallet: Option<WalletId>,
    /// What differs, in words without parties.
    pub detail: Option<String>,
    /// Where it holds a withheld event: that event's word. Accepted, it is posted.
    pub withheld_word: Option<String>,
    /// Where it holds a withheld event: that event's place.
    pub withheld_position: Option<u64>,
    /// When what it is about happened.
    pub occurred_at: Time,
    /// When it was recorded.
    pub raised_at: Time,
    /// What was decided.
    pub verdict: Option<Verdict>,
    /// Who decided: an id, never a name; `ledger` where the ledger did.
    pub actor_id: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Where a suspense balance went.
    pub target: Option<String>,
    /// When that was recorded.
    pub resolved_at: Option<Time>,
    /// Where.
    pub resolved_position: Option<u64>,
}

impl DiscrepancyRow {
    pub(crate) const SELECT: &str = "SELECT discrepancy, position, state, kind, about, stake, stake_currency, \
        subject, subject_kind, connection, wallet, detail, withheld_word, withheld_position, occurred_at, raised_at, \
        verdict, actor_id, reason, target, resolved_at, resolved_position FROM discrepancies WHERE book = ";
    pub(super) const INSERT: &str = "INSERT INTO discrepancies (book, generation, discrepancy, position, state, kind, \
        about, stake, stake_currency, subject, subject_kind, connection, wallet, detail, withheld_word, \
        withheld_position, occurred_at, raised_at, verdict, actor_id, reason, target, resolved_at, \
        resolved_position) VALUES ";
    pub(super) const UPDATE: &str = " ON CONFLICT (book, generation, discrepancy) DO UPDATE SET \
        state = excluded.state, verdict = excluded.verdict, actor_id = excluded.actor_id, \
        reason = excluded.reason, target = excluded.target, resolved_at = excluded.resolved_at, \
        resolved_position = excluded.resolved_position";
    /// See [`crate::projection::Table::columns`].
    pub(super) const COLUMNS: &str = "uittuitutuuttiiittttii";

    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        let word = || StoreError::Damaged("a discrepancy holds no word of its list".into());
        let position = |index| row.maybe_int(index)?.map(|_| row.position(index)).transpose();
        let verdict = row.maybe_text(16)?.map(|text| Verdict::from_text(&text).ok_or_else(word)).transpose()?;
        Ok(Self {
            discrepancy: EventId(row.uuid(0)?),
            position: row.position(1)?,
            state: DiscrepancyState::from_text(&row.text(2)?).ok_or_else(word)?,
            kind: DiscrepancyKind::from_text(&row.text(3)?).ok_or_else(word)?,
            about: row.maybe_uuid(4)?.map(EventId),
            stake: row.maybe_amount(5)?,
            stake_currency: row.maybe_currency(6)?,
            subject: SubjectId(row.uuid(7)?),
            subject_kind: SubjectKind::from_text(&row.text(8)?).ok_or_else(word)?,
            connection: row.maybe_uuid(9)?.map(ConnectionId),
            wallet: row.maybe_uuid(10)?.map(WalletId),
            detail: row.maybe_text(11)?,
            withheld_word: row.maybe_text(12)?,
            withheld_position: position(13)?,
            occurred_at: row.time(14)?,
            raised_at: row.time(15)?,
            verdict,
            actor_id: row.maybe_text(17)?,
            reason: row.maybe_text(18)?,
            target: row.maybe_text(19)?,
            resolved_at: row.maybe_time(20)?,
            resolved_position: position(21)?,
        })
    }

    pub(super) fn binds(&self) -> Vec<Bind> {
        vec![
            self.discrepancy.into(),
            Bind::position(self.position),
            self.state.as_str().into(),
            self.kind.as_str().into(),
            self.about.into(),
            self.stake.into(),
            self.stake_currency.into(),
            self.subject.into(),
            self.subject_kind.as_str().into(),
            self.connection.into(),
            self.wallet.into(),
            self.detail.clone().into(),
            self.withheld_word.clone().into(),
            self.withheld_position.map_or(Bind::Int(None), Bind::position),
            self.occurred_at.into(),
            self.raised_at.into(),
            self.verdict.map(Verdict::as_str).into(),
            self.actor_id.clone().into(),
            self.reason.clone().into(),
            self.target.clone().into(),
            self.resolved_at.into(),
            self.resolved_position.map_or(Bind::Int(None), Bind::position),
        ]
    }
}

/// A withheld event; the first discrepancy about it holds it (`bookkeeping.md` 5, law 7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WithheldEvent {
    pub event: EventId,
    pub word: String,
    pub position: u64,
    pub discrepancy: Option<EventId>,
}

impl WithheldEvent {
    pub const SELECT: &str = "SELECT event, word, position, discrepancy FROM discrepancy_events WHERE book = ";
    pub const INSERT: &str =
        "INSERT INTO discrepancy_events (book, generation, event, word, position, discrepancy) VALUES ";
    pub const UPDATE: &str = " ON CONFLICT (book, generation, event) DO UPDATE SET discrepancy = excluded.discrepancy";
    pub const COLUMNS: &str = "utiu";

    pub fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            event: EventId(row.uuid(0)?),
            word: row.text(1)?,
            position: row.position(2)?,
            discrepancy: row.maybe_uuid(3)?.map(EventId),
        })
    }

    pub fn binds(&self) -> Vec<Bind> {
        vec![self.event.into(), self.word.as_str().into(), Bind::position(self.position), self.discrepancy.into()]
    }
}
