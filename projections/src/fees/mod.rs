//! Fees: one row for each line on a fee account, so that the report is the accounts, to the last unit.
//!
//! A line is dated by its payment's `occurred_at` (`bookkeeping.md` 5, law 3), so that a fee that becomes known or is
//! given back later stands beside the payment it belongs to. Fees of no payment keep their own time.

mod row;

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use ensimbi_events::event::Line;
use ensimbi_events::word::Fee;
use ensimbi_events::{Body, Event, SubjectId};

use crate::projection::{Account, At, Configured, HandlerError, Projection, State, Table};
use crate::store::sql::portions;
use crate::store::{Bind, Sql, StoreError, Tx};
use row::{FeeLine, FeeSubject};

/// The projection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fees;

/// Its word.
pub const NAME: &str = "fees";

const TABLES: &[Table] = &[
    Table {
        name: "fee_lines",
        select: FeeLine::SELECT,
        order: " ORDER BY position, n",
        columns: FeeLine::COLUMNS,
        delete: "DELETE FROM fee_lines WHERE book = ",
    },
    Table {
        name: "fee_subjects",
        select: FeeSubject::SELECT,
        order: " ORDER BY subject",
        columns: FeeSubject::COLUMNS,
        delete: "DELETE FROM fee_subjects WHERE book = ",
    },
];

#[async_trait]
impl Projection for Fees {
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
            subjects.extend(payment(&event.fact.body));
            subjects.extend(event.record.lines.0.iter().filter_map(|line| line.payment_id));
        }
        let mut rows = Rows::default();
        for ids in portions(subjects.into_iter().map(|subject| subject.0)) {
            let sql = Sql::new(FeeSubject::SELECT).bind(at.book).text(" AND generation = ").bind(at.generation);
            for row in tx.rows(sql.text(" AND subject IN ").list(ids)).await? {
                let row = FeeSubject::read(&row)?;
                rows.subjects.insert(row.subject, row);
            }
        }
        Ok(Box::new(rows))
    }
}

/// The payment that a word of another subject names.
fn payment(body: &Body) -> Option<SubjectId> {
    match body {
        Body::FeesReported(body) => Some(body.payment_id),
        Body::FeeCharged(body) => body.payment_id,
        Body::FeeReturned(body) => body.payment_id,
        Body::CorrectionPosted(body) => body.payment_id,
        _ => None,
    }
}

/// Every fee that a word carries, whichever way it goes.
fn fees(body: &Body) -> Vec<&Fee> {
    match body {
        Body::CollectionSucceeded(b) => b.fees.iter().collect(),
        Body::CollectionReversed(b) => b.returned.iter().chain(&b.fees).collect(),
        Body::FeesReported(b) => b.fees.iter().collect(),
        Body::RefundSucceeded(b) => b.fees.iter().chain(&b.returned).collect(),
        Body::RefundReversed(b) => b.returned.iter().collect(),
        Body::ChargebackOpened(b) => b.fees.iter().collect(),
        Body::ChargebackClosed(b) => b.fees.iter().chain(&b.returned).collect(),
        Body::PayoutSucceeded(b) => b.fees.iter().collect(),
        Body::PayoutReversed(b) => b.fees.iter().chain(&b.returned).collect(),
        Body::WithdrawalSucceeded(b) => b.fees.iter().collect(),
        Body::WithdrawalReversed(b) => b.returned.iter().collect(),
        Body::WalletFunded(b) => b.fees.iter().collect(),
        Body::PurseTransferred(b) => b.fees.iter().collect(),
        Body::FeeCharged(b) => b.fees.iter().collect(),
        Body::FeeReturned(b) => b.fees.iter().collect(),
        _ => Vec::new(),
    }
}

/// The provider's field name of a line, where exactly one can be meant: by component, bearer and currency, then by size.
fn label<'a>(fees: &'a [&'a Fee], line: &'a Line, component: &'a str, bearer: &'a str) -> Option<String> {
    let alike = fees.iter().filter(move |fee| {
        fee.component.as_str() == component && fee.bearer.as_str() == bearer && fee.currency == line.currency
    });
    let size = line.amount.scaled().unsigned_abs();
    let same_size = alike.clone().filter(|fee| fee.amount.scaled().unsigned_abs() == size);
    only(alike).or_else(|| only(same_size))
}

/// The label of all of them, if they have one in common.
fn only<'a>(mut fees: impl Iterator<Item = &'a &'a Fee>) -> Option<String> {
    let first = fees.next()?.label.as_str();
    fees.all(|fee| fee.label == first).then(|| first.to_owned())
}

#[derive(Default)]
struct Rows {
    subjects: HashMap<SubjectId, FeeSubject>,
    new_subjects: Vec<SubjectId>,
    lines: Vec<FeeLine>,
}

impl Rows {
    /// The first success of a subject dates its fees, withheld or not.
    fn subject(&mut self, event: &Event) {
        let channel = match &event.fact.body {
            Body::CollectionSucceeded(body) => body.channel.clone(),
            Body::RefundSucceeded(_) | Body::PayoutSucceeded(_) | Body::WithdrawalSucceeded(_) => None,
            Body::WalletFunded(_) | Body::PurseTransferred(_) => None,
            _ => return,
        };
        let subject = event.fact.subject;
        if self.subjects.contains_key(&subject) {
            return;
        }
        let row = FeeSubject {
            subject,
            occurred_at: event.context.occurred_at,
            wallet: event.fact.wallet,
            channel,
            position: event.record.position,
        };
        self.subjects.insert(subject, row);
        self.new_subjects.push(subject);
    }
}

#[async_trait]
impl State for Rows {
    fn apply(&mut self, configured: &Configured, event: &Event) -> Result<(), HandlerError> {
        self.subject(event);
        let carried = fees(&event.fact.body);
        for line in &event.record.lines.0 {
            let Account::Fee { bearer, code, component } = configured.account(&line.account) else { continue };
            let own = self.subjects.contains_key(&event.fact.subject).then_some(event.fact.subject);
            let payment = line.payment_id.or_else(|| payment(&event.fact.body)).or(own);
            let known = payment.and_then(|id| self.subjects.get(&id));
            let connection = configured.connection(code);
            self.lines.push(FeeLine {
                position: event.record.position,
                n: line.n,
                payment,
                connection,
                provider: configured.provider(connection).map(str::to_owned),
                wallet: known.and_then(|known| known.wallet).or(event.fact.wallet),
                component: component.to_owned(),
                bearer: bearer.to_owned(),
                label: label(&carried, line, component, bearer),
                channel: known.and_then(|known| known.channel.clone()),
                currency: line.currency,
                amount: line.amount,
                occurred_at: known.map_or(event.context.occurred_at, |known| known.occurred_at),
                book_date: event.record.book_date.clone(),
            });
        }
        Ok(())
    }

    async fn save(self: Box<Self>, tx: &mut Tx, at: At) -> Result<(), StoreError> {
        let of = |mut binds: Vec<Bind>| {
            binds.splice(0..0, [Bind::from(at.book), Bind::from(at.generation)]);
            binds
        };
        let subjects = self.new_subjects.iter().filter_map(|id| self.subjects.get(id));
        let subjects = subjects.map(|row| of(row.binds())).collect();
        tx.execute_all(Sql::insert(FeeSubject::INSERT, subjects, "")).await?;
        let lines = self.lines.iter().map(|line| of(line.binds())).collect();
        tx.execute_all(Sql::insert(FeeLine::INSERT, lines, "")).await
    }
}
