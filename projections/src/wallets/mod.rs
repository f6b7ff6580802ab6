//! Wallet balances: posted and held from lines, reserved from requests that have not ended.
//!
//! posted = sum of W lines, held = sum of H lines, reserved = sum of open reservations (`bookkeeping.md` sections 3, 4).
//! A reservation is opened by a `...Requested` and ended by the success or the final failure of the same id and
//! attempt; where that end was withheld, by a person's acceptance of it. A payout that came back before its success was
//! seen needs no rule here: the ledger records the failure of its attempt beside the withheld reversal.
//!
//! Every change of the three figures is kept as a move with the time of its event, and summed by day, so that balances
//! of any moment can be told.

mod moves;
mod row;

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;
use ensimbi_events::word::Verdict;
use ensimbi_events::words::book::ConnectionConfigured;
use ensimbi_events::{Amount, Body, Event, EventId, NoLines, SubjectId, WalletId};

pub(crate) use moves::WalletPart;
pub use row::WalletRow;

use crate::projection::{Account, At, Configured, HandlerError, Projection, State, Table};
use crate::store::sql::portions;
use crate::store::{Bind, Sql, StoreError, Tx};
use moves::{Days, Move};
use row::{Reservation, WithheldEnd};

/// The projection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wallets;

/// Its word.
pub const NAME: &str = "wallets";

const TABLES: &[Table] = &[
    Table {
        name: "wallets",
        select: WalletRow::SELECT,
        order: " ORDER BY wallet",
        columns: "uutttttiiiiit",
        delete: "DELETE FROM wallets WHERE book = ",
    },
    Table {
        name: "wallet_reservations",
        select: Reservation::SELECT,
        order: " ORDER BY subject, attempt",
        columns: "uiuii",
        delete: "DELETE FROM wallet_reservations WHERE book = ",
    },
    Table {
        name: "wallet_ends",
        select: WithheldEnd::SELECT,
        order: " ORDER BY event",
        columns: "uuiu",
        delete: "DELETE FROM wallet_ends WHERE book = ",
    },
    Table {
        name: "wallet_moves",
        select: Move::SELECT,
        order: " ORDER BY position, n",
        columns: Move::COLUMNS,
        delete: "DELETE FROM wallet_moves WHERE book = ",
    },
    Table {
        name: "wallet_days",
        select: Days::SELECT,
        order: " ORDER BY wallet, part, day",
        columns: Days::COLUMNS,
        delete: "DELETE FROM wallet_days WHERE book = ",
    },
];

#[async_trait]
impl Projection for Wallets {
    fn name(&self) -> &'static str {
        NAME
    }

    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    async fn load(
        &self,
        tx: &mut Tx,
        at: At,
        events: &[Event],
        configured: &Configured,
    ) -> Result<Box<dyn State>, StoreError> {
        let mut rows = Rows::default();
        let subjects: HashSet<SubjectId> =
            events.iter().filter(|event| change(&event.fact.body).is_some()).map(|event| event.fact.subject).collect();
        for ids in portions(subjects.iter().map(|subject| subject.0)) {
            let sql = Sql::new(Reservation::SELECT).bind(at.book).text(" AND generation = ").bind(at.generation);
            for row in tx.rows(sql.text(" AND subject IN ").list(ids)).await? {
                let reservation = Reservation::read(&row)?;
                rows.before.insert((reservation.subject, reservation.attempt), reservation);
                rows.open.insert((reservation.subject, reservation.attempt), reservation);
            }
        }
        for ids in portions(subjects.into_iter().map(|subject| subject.0)) {
            let sql = Sql::new(WithheldEnd::SELECT).bind(at.book).text(" AND generation = ").bind(at.generation);
            for row in tx.rows(sql.text(" AND subject IN ").list(ids)).await? {
                let end = WithheldEnd::read(&row)?;
                rows.ends_before.insert(end.event, end);
                rows.ends.insert(end.event, end);
            }
        }
        let mut wallets: HashSet<WalletId> = rows.open.values().map(|reservation| reservation.wallet).collect();
        for event in events {
            wallets.extend(event.fact.wallet);
            if let Body::ConnectionConfigured(body) = &event.fact.body {
                wallets.extend(body.wallets.iter().map(|wallet| wallet.wallet_id));
            }
            for line in &event.record.lines.0 {
                if let Account::Posted(wallet) | Account::Held(wallet) = configured.account(&line.account) {
                    wallets.extend(wallet);
                }
            }
        }
        for ids in portions(wallets.into_iter().map(|wallet| wallet.0)) {
            let sql = Sql::new(WalletRow::SELECT).bind(at.book).text(" AND generation = ").bind(at.generation);
            for row in tx.rows(sql.text(" AND wallet IN ").list(ids)).await? {
                let row = WalletRow::read(&row)?;
                rows.wallets.insert(row.wallet, row);
            }
        }
        Ok(Box::new(rows))
    }
}

/// What a word does to reservations.
enum Change {
    Opens {
        attempt: u32,
        reserve: Amount,
    },
    Ends {
        attempt: Option<u32>,
    },
    /// A discrepancy about an event; the first one about a withheld event holds it.
    Doubts {
        about: EventId,
    },
    /// A person, or the ledger, decides.
    Resolves {
        discrepancy: EventId,
        accepted: bool,
    },
}

fn change(body: &Body) -> Option<Change> {
    let opens = |attempt, reserve| Some(Change::Opens { attempt, reserve });
    let ends = |attempt| Some(Change::Ends { attempt });
    match body {
        Body::RefundRequested(body) => opens(body.attempt, body.reserve),
        Body::PayoutRequested(body) => opens(body.attempt, body.reserve),
        Body::WithdrawalRequested(body) => opens(body.attempt, body.reserve),
        Body::RefundFailed(body) if body.is_final => ends(Some(body.attempt)),
        Body::PayoutFailed(body) if body.is_final => ends(Some(body.attempt)),
        Body::WithdrawalFailed(body) if body.is_final => ends(Some(body.attempt)),
        Body::RefundSucceeded(body) => ends(body.attempt),
        Body::PayoutSucceeded(body) => ends(body.attempt),
        Body::WithdrawalSucceeded(body) => ends(body.attempt),
        Body::DiscrepancyRaised(body) if body.other_fact.is_none() => body.about.map(|about| Change::Doubts { about }),
        Body::DiscrepancyResolved(body) => {
            Some(Change::Resolves { discrepancy: body.discrepancy, accepted: body.verdict == Verdict::Accept })
        }
        _ => None,
    }
}

#[derive(Default)]
struct Rows {
    wallets: HashMap<WalletId, WalletRow>,
    touched: HashSet<WalletId>,
    /// Ordered, so that nothing depends on a hash order.
    open: BTreeMap<(SubjectId, u32), Reservation>,
    /// What the table held of the subjects of this page.
    before: HashMap<(SubjectId, u32), Reservation>,
    /// Withheld ends of these subjects.
    ends: BTreeMap<EventId, WithheldEnd>,
    ends_before: HashMap<EventId, WithheldEnd>,
    moves: Vec<Move>,
    days: Days,
}

impl Rows {
    fn touch(&mut self, id: Option<WalletId>, event: &Event) -> Result<&mut WalletRow, HandlerError> {
        let id = id.ok_or_else(|| HandlerError("a line names a wallet that was never configured".into()))?;
        let row = self.wallets.get_mut(&id);
        let row = row.ok_or_else(|| HandlerError(format!("wallet {id} was never configured")))?;
        self.touched.insert(id);
        row.last_position = event.record.position;
        row.occurred_at = Some(event.context.occurred_at);
        Ok(row)
    }

    fn configure(&mut self, event: &Event, body: &ConnectionConfigured) -> Result<(), HandlerError> {
        let connection = event.fact.connection;
        let connection = connection.ok_or_else(|| HandlerError("a configuration names no connection".into()))?;
        for wallet in &body.wallets {
            let row = self.wallets.entry(wallet.wallet_id).or_insert_with(|| WalletRow {
                wallet: wallet.wallet_id,
                connection,
                provider: String::new(),
                slug: String::new(),
                account_code: body.account_code.clone(),
                code: wallet.code.clone(),
                currency: wallet.currency,
                purse: None,
                posted: Amount::ZERO,
                held: Amount::ZERO,
                reserved: Amount::ZERO,
                available: Amount::ZERO,
                total: Amount::ZERO,
                last_position: 0,
                occurred_at: None,
            });
            if row.account_code != body.account_code || row.code != wallet.code || row.currency != wallet.currency {
                return Err(HandlerError(format!("wallet {} changes its code or currency", wallet.wallet_id)));
            }
            row.provider.clone_from(&body.provider);
            row.slug.clone_from(&body.slug);
            row.purse.clone_from(&wallet.purse);
            row.last_position = event.record.position;
            self.touched.insert(wallet.wallet_id);
        }
        Ok(())
    }

    fn reserve(&mut self, event: &Event, wallet: Option<WalletId>, by: Amount) -> Result<(), HandlerError> {
        let row = self.touch(wallet, event)?;
        row.reserved = row.reserved.checked_add(by).ok_or_else(|| HandlerError::overflow("a reservation"))?;
        row.derive().ok_or_else(|| HandlerError::overflow("available"))?;
        let wallet = row.wallet;
        self.moved(event, wallet, WalletPart::Reserved, by)
    }

    fn moved(&mut self, event: &Event, wallet: WalletId, part: WalletPart, amount: Amount) -> Result<(), HandlerError> {
        let position = event.record.position;
        let n = self.moves.last().filter(|last| last.position == position).map_or(1, |last| last.n + 1);
        let next = Move { position, n, wallet, part, amount, occurred_at: event.context.occurred_at };
        self.days.add(&next)?;
        self.moves.push(next);
        Ok(())
    }

    /// Ends the open reservations of the event's subject that `ends` picks.
    fn end(&mut self, event: &Event, ends: impl Fn(&Reservation) -> bool) -> Result<(), HandlerError> {
        let subject = event.fact.subject;
        let open = self.open.range((subject, 0)..=(subject, u32::MAX)).map(|(_, reservation)| *reservation);
        let ended: Vec<Reservation> = open.filter(ends).collect();
        for reservation in ended {
            self.open.remove(&(subject, reservation.attempt));
            let back = reservation.amount.checked_neg().ok_or_else(|| HandlerError::overflow("a reservation"))?;
            self.reserve(event, Some(reservation.wallet), back)?;
        }
        Ok(())
    }
}

#[async_trait]
impl State for Rows {
    fn apply(&mut self, configured: &Configured, event: &Event) -> Result<(), HandlerError> {
        if let Body::ConnectionConfigured(body) = &event.fact.body {
            self.configure(event, body)?;
        }
        for line in &event.record.lines.0 {
            let (wallet, is_held) = match configured.account(&line.account) {
                Account::Posted(wallet) => (wallet, false),
                Account::Held(wallet) => (wallet, true),
                _ => continue,
            };
            let row = self.touch(wallet, event)?;
            if row.currency != line.currency {
                return Err(HandlerError(format!("line {} is not in the currency of its wallet", line.n)));
            }
            let balance = if is_held { &mut row.held } else { &mut row.posted };
            *balance = balance.checked_add(line.amount).ok_or_else(|| HandlerError::overflow("a balance"))?;
            row.derive().ok_or_else(|| HandlerError::overflow("a balance"))?;
            let (wallet, part) = (row.wallet, if is_held { WalletPart::Held } else { WalletPart::Posted });
            self.moved(event, wallet, part, line.amount)?;
        }
        let withheld = event.record.no_lines == Some(NoLines::Withheld);
        let subject = event.fact.subject;
        match change(&event.fact.body) {
            // A withheld end moved nothing: the reservation stands until a person decides.
            Some(Change::Ends { attempt: Some(attempt) }) if withheld => {
                let event = event.record.event_id;
                self.ends.insert(event, WithheldEnd { event, subject, attempt, discrepancy: None });
                Ok(())
            }
            _ if withheld => Ok(()),
            Some(Change::Opens { attempt, reserve }) => {
                let wallet = event.fact.wallet.ok_or_else(|| HandlerError("a request names no wallet".into()))?;
                if self.open.contains_key(&(subject, attempt)) {
                    return Err(HandlerError(format!("attempt {attempt} of {subject} is reserved already")));
                }
                let position = event.record.position;
                let reservation = Reservation { subject, attempt, wallet, amount: reserve, position };
                self.open.insert((subject, attempt), reservation);
                self.reserve(event, Some(wallet), reserve)
            }
            Some(Change::Ends { attempt }) => self.end(event, |reservation| Some(reservation.attempt) == attempt),
            Some(Change::Doubts { about }) => {
                if let Some(end) = self.ends.get_mut(&about) {
                    end.discrepancy.get_or_insert(event.record.event_id);
                }
                Ok(())
            }
            Some(Change::Resolves { discrepancy, accepted }) => {
                let held = self.ends.values().find(|end| end.discrepancy == Some(discrepancy)).copied();
                let Some(held) = held else { return Ok(()) };
                self.ends.remove(&held.event);
                self.end(event, |reservation| accepted && reservation.attempt == held.attempt)
            }
            None => Ok(()),
        }
    }

    async fn save(self: Box<Self>, tx: &mut Tx, at: At) -> Result<(), StoreError> {
        let of = |mut binds: Vec<Bind>| {
            binds.splice(0..0, [Bind::from(at.book), Bind::from(at.generation)]);
            binds
        };
        let rows = self.touched.iter().filter_map(|id| self.wallets.get(id)).map(|row| of(row.binds())).collect();
        tx.execute_all(Sql::insert(WalletRow::INSERT, rows, WalletRow::UPDATE)).await?;
        for ((subject, attempt), _) in self.before.iter().filter(|(key, was)| self.open.get(key) != Some(was)) {
            let sql = Sql::new("DELETE FROM wallet_reservations WHERE book = ").bind(at.book);
            let sql = sql.text(" AND generation = ").bind(at.generation).text(" AND subject = ").bind(*subject);
            tx.execute(sql.text(" AND attempt = ").bind(i64::from(*attempt))).await?;
        }
        let new = self.open.iter().filter(|(key, is)| self.before.get(key) != Some(is));
        let new = new.map(|(_, reservation)| of(reservation.binds())).collect();
        tx.execute_all(Sql::insert(Reservation::INSERT, new, "")).await?;
        for (event, _) in self.ends_before.iter().filter(|(key, was)| self.ends.get(key) != Some(was)) {
            let sql = Sql::new("DELETE FROM wallet_ends WHERE book = ").bind(at.book).text(" AND generation = ");
            tx.execute(sql.bind(at.generation).text(" AND event = ").bind(*event)).await?;
        }
        let new = self.ends.iter().filter(|(key, is)| self.ends_before.get(key) != Some(is));
        let new = new.map(|(_, end)| of(end.binds())).collect();
        tx.execute_all(Sql::insert(WithheldEnd::INSERT, new, "")).await?;
        let moves = self.moves.iter().map(|row| of(row.binds())).collect();
        tx.execute_all(Sql::insert(Move::INSERT, moves, "")).await?;
        let days = self.days.binds().map(of).collect();
        tx.execute_all(Sql::insert(Days::INSERT, days, Days::ADD)).await
    }
}
