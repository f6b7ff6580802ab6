//! Accounts: every line of every entry with the dates that reports go by, and sums of them, so that balances, statements
//! and the fee report of any day need no walk through the book.
//!
//! Steps for an event: [`settle`] (a success dates the fees of its payment) -> [`volume`] (what was settled) -> for each
//! line its date, its payment and, on fee accounts, its kind ([`fees`]) -> rows and sums ([`sums`]).
//!
//! A fee's line is dated by its payment's `occurred_at` (`bookkeeping.md` 5, law 3), so that a fee that becomes known or
//! is given back later stands beside the payment it belongs to. Fees of no payment, and all other lines, keep the time of
//! their event.

mod fees;
mod row;
mod sums;

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;
use ensimbi_events::event::Line;
use ensimbi_events::{Amount, Body, Event, SubjectId, Time};

pub use fees::FlowDirection;
pub(crate) use row::{FeeKind, Posting};
pub(crate) use sums::{
    ACCOUNT_BOOKED, ACCOUNT_DAY, ACCOUNT_TOTAL, DAY_MICROS, FEE_BOOKED, FEE_DAY, FEE_QUARTER, QUARTER_MICROS, day_of,
};

use crate::projection::{Account, At, Configured, HandlerError, Projection, State, Table};
use crate::store::sql::portions;
use crate::store::{Bind, Sql, StoreError, Tx};
use fees::{carried, named_payment, told};
use row::{Settled, Volume};
use sums::{AccountSums, FeeSums};

/// The projection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Accounts;

/// Its word.
pub const NAME: &str = "accounts";

const TABLES: &[Table] = &[
    Table {
        name: "postings",
        select: Posting::SELECT,
        order: " ORDER BY position, n",
        columns: Posting::COLUMNS,
        delete: "DELETE FROM postings WHERE book = ",
    },
    Table {
        name: "account_sums",
        select: AccountSums::SELECT,
        order: " ORDER BY account, currency, level, bucket",
        columns: AccountSums::COLUMNS,
        delete: "DELETE FROM account_sums WHERE book = ",
    },
    Table {
        name: "fee_kinds",
        select: FeeKind::SELECT,
        order: " ORDER BY kind",
        columns: FeeKind::COLUMNS,
        delete: "DELETE FROM fee_kinds WHERE book = ",
    },
    Table {
        name: "fee_sums",
        select: FeeSums::SELECT,
        order: " ORDER BY level, bucket, kind",
        columns: FeeSums::COLUMNS,
        delete: "DELETE FROM fee_sums WHERE book = ",
    },
    Table {
        name: "volumes",
        select: Volume::SELECT,
        order: " ORDER BY position",
        columns: Volume::COLUMNS,
        delete: "DELETE FROM volumes WHERE book = ",
    },
    Table {
        name: "settled",
        select: Settled::SELECT,
        order: " ORDER BY subject",
        columns: Settled::COLUMNS,
        delete: "DELETE FROM settled WHERE book = ",
    },
];

#[async_trait]
impl Projection for Accounts {
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
        _configured: &Configured,
    ) -> Result<Box<dyn State>, StoreError> {
        let mut subjects: HashSet<SubjectId> = HashSet::new();
        for event in events {
            subjects.insert(event.fact.subject);
            subjects.extend(named_payment(&event.fact.body));
            subjects.extend(event.record.lines.0.iter().filter_map(|line| line.payment_id));
        }
        let mut rows = Rows::default();
        for ids in portions(subjects.into_iter().map(|subject| subject.0)) {
            let sql = Sql::new(Settled::SELECT).bind(at.book).text(" AND generation = ").bind(at.generation);
            for row in tx.rows(sql.text(" AND subject IN ").list(ids)).await? {
                let row = Settled::read(&row)?;
                rows.settled.insert(row.subject, row);
            }
        }
        Ok(Box::new(rows))
    }
}

#[derive(Default)]
struct Rows {
    settled: HashMap<SubjectId, Settled>,
    newly_settled: Vec<SubjectId>,
    postings: Vec<Posting>,
    volumes: Vec<Volume>,
    /// Ordered, so that nothing depends on a hash order.
    kinds: BTreeMap<uuid::Uuid, FeeKind>,
    account_sums: AccountSums,
    fee_sums: FeeSums,
}

/// The part of an event that every line of it shares.
struct Dates {
    occurred_at: Time,
    book_day: i64,
}

impl Rows {
    /// The first success of a subject dates its fees, withheld or not.
    fn settle(&mut self, event: &Event) {
        let (direction, channel) = match &event.fact.body {
            Body::CollectionSucceeded(body) => (Some(FlowDirection::In), body.channel.clone()),
            Body::WalletFunded(_) => (Some(FlowDirection::In), None),
            Body::PayoutSucceeded(_) | Body::WithdrawalSucceeded(_) => (Some(FlowDirection::Out), None),
            Body::PurseTransferred(_) => (Some(FlowDirection::Between), None),
            Body::RefundSucceeded(_) => (None, None),
            _ => return,
        };
        let subject = event.fact.subject;
        if self.settled.contains_key(&subject) {
            return;
        }
        let row = Settled {
            subject,
            occurred_at: event.context.occurred_at,
            wallet: event.fact.wallet,
            channel,
            direction,
            currency: event.fact.currency,
            fees: carried(&event.fact.body).into_iter().cloned().collect(),
            position: event.record.position,
        };
        self.settled.insert(subject, row);
        self.newly_settled.push(subject);
    }

    /// What the entry says was settled: the line on the subject's own open item, in the direction of a success. So a
    /// withheld success counts when a person accepts it, and one before the opening never does.
    fn volume(&mut self, configured: &Configured, event: &Event, dates: &Dates) -> Result<(), HandlerError> {
        let succeeds = matches!(
            event.fact.body,
            Body::CollectionSucceeded(_)
                | Body::WalletFunded(_)
                | Body::PayoutSucceeded(_)
                | Body::WithdrawalSucceeded(_)
                | Body::DiscrepancyResolved(_)
        );
        let subject = event.fact.subject;
        let Some(settled) = self.settled.get(&subject).filter(|_| succeeds).cloned() else { return Ok(()) };
        let own = |line: &&Line| line.open_item == Some(subject) && Some(line.currency) == settled.currency;
        let clearing = |line: &&Line| {
            matches!(configured.account(&line.account), Account::OpenIn | Account::OpenOut)
                && match settled.direction {
                    Some(FlowDirection::In) => line.amount.is_negative(),
                    Some(FlowDirection::Out) => line.amount.is_positive(),
                    _ => false,
                }
        };
        let Some(line) = event.record.lines.0.iter().find(|line| own(line) && clearing(line)) else { return Ok(()) };
        let amount = Amount::from_scaled(
            line.amount.scaled().checked_abs().ok_or_else(|| HandlerError::overflow("a settled amount"))?,
        );
        let connection = event.fact.connection;
        let kind = FeeKind {
            provider: configured.provider(connection).map(str::to_owned),
            connection,
            wallet: settled.wallet,
            component: None,
            bearer: None,
            label: None,
            channel: settled.channel,
            direction: settled.direction,
            source: None,
            currency: line.currency,
            is_foreign: false,
        };
        let kind = self.kind(kind);
        self.fee_sums.add(kind, settled.occurred_at, dates.book_day, amount)?;
        self.volumes.push(Volume {
            position: event.record.position,
            subject,
            kind,
            amount,
            occurred_at: settled.occurred_at,
            book_day: dates.book_day,
        });
        Ok(())
    }

    fn kind(&mut self, kind: FeeKind) -> uuid::Uuid {
        let id = kind.id();
        self.kinds.entry(id).or_insert(kind);
        id
    }

    fn line(&mut self, configured: &Configured, event: &Event, line: &Line, dates: &Dates) -> Result<(), HandlerError> {
        let own = self.settled.contains_key(&event.fact.subject).then_some(event.fact.subject);
        let payment = line.payment_id.or_else(|| named_payment(&event.fact.body)).or(own);
        let mut occurred_at = dates.occurred_at;
        let mut fee = None;
        if let Account::Fee { bearer, code, component } = configured.account(&line.account) {
            let known = payment.and_then(|id| self.settled.get(&id)).cloned();
            let connection = configured.connection(code);
            let told = told(event, known.as_ref(), line, component, bearer);
            occurred_at = known.as_ref().map_or(occurred_at, |known| known.occurred_at);
            let own_currency = known.as_ref().and_then(|known| known.currency).unwrap_or(line.currency);
            let kind = self.kind(FeeKind {
                provider: configured.provider(connection).map(str::to_owned),
                connection,
                wallet: known.as_ref().and_then(|known| known.wallet).or(event.fact.wallet),
                component: Some(component.to_owned()),
                bearer: Some(bearer.to_owned()),
                label: told.label,
                channel: known.as_ref().and_then(|known| known.channel.clone()),
                direction: known.as_ref().and_then(|known| known.direction),
                source: told.source,
                currency: line.currency,
                is_foreign: own_currency != line.currency,
            });
            self.fee_sums.add(kind, occurred_at, dates.book_day, line.amount)?;
            fee = Some(kind);
        }
        self.account_sums.add(line, occurred_at, dates.book_day)?;
        self.postings.push(Posting {
            position: event.record.position,
            n: line.n,
            account: line.account.clone(),
            currency: line.currency,
            amount: line.amount,
            open_item: line.open_item,
            payment,
            subject: event.fact.subject,
            word: event.fact.body.word().to_owned(),
            fee,
            occurred_at,
            recorded_at: event.record.recorded_at,
            book_day: dates.book_day,
        });
        Ok(())
    }
}

#[async_trait]
impl State for Rows {
    fn apply(&mut self, configured: &Configured, event: &Event) -> Result<(), HandlerError> {
        let day = sums::day_number(&event.record.book_date);
        let day = day.ok_or_else(|| HandlerError("the book date is no date".into()))?;
        let dates = Dates { occurred_at: event.context.occurred_at, book_day: day };
        self.settle(event);
        self.volume(configured, event, &dates)?;
        for line in &event.record.lines.0 {
            self.line(configured, event, line, &dates)?;
        }
        Ok(())
    }

    async fn save(self: Box<Self>, tx: &mut Tx, at: At) -> Result<(), StoreError> {
        let of = |mut binds: Vec<Bind>| {
            binds.splice(0..0, [Bind::from(at.book), Bind::from(at.generation)]);
            binds
        };
        let settled = self.newly_settled.iter().filter_map(|id| self.settled.get(id));
        let settled: Result<Vec<_>, _> = settled.map(|row| row.binds().map(of)).collect();
        tx.execute_all(Sql::insert(Settled::INSERT, settled?, "")).await?;
        let kinds = self.kinds.values().map(|kind| of(kind.binds())).collect();
        tx.execute_all(Sql::insert(FeeKind::INSERT, kinds, FeeKind::KEEP)).await?;
        let rows = self.postings.iter().map(|row| of(row.binds())).collect();
        tx.execute_all(Sql::insert(Posting::INSERT, rows, "")).await?;
        let rows = self.volumes.iter().map(|row| of(row.binds())).collect();
        tx.execute_all(Sql::insert(Volume::INSERT, rows, "")).await?;
        let rows = self.account_sums.binds().map(of).collect();
        tx.execute_all(Sql::insert(AccountSums::INSERT, rows, AccountSums::ADD)).await?;
        let rows = self.fee_sums.binds().map(of).collect();
        tx.execute_all(Sql::insert(FeeSums::INSERT, rows, FeeSums::ADD)).await
    }
}
