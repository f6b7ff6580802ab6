//! Payments, refunds, payouts and transfers: state, amounts, fees, what is open and what is allocated.
//!
//! The row of an event's subject takes the state ([`fold`]); rows named by open items, refunds, disputes and
//! allocations take amounts. Disputes have rows of their own ([`disputes`]). A final state is changed only by a reversal, a person, a late success or a new attempt.

mod disputes;
mod fold;
mod row;

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use ensimbi_events::word::Verdict;
use ensimbi_events::{Amount, Body, Event, NoLines, SubjectId, SubjectKind};

pub use disputes::{DisputeRow, DisputeState};
pub use row::{PaymentKind, PaymentRow, PaymentState};

use crate::projection::{Account, At, Configured, HandlerError, Projection, State, Table};
use crate::store::sql::portions;
use crate::store::{Bind, Sql, StoreError, Tx};

/// The projection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Payments;

/// Its word.
pub const NAME: &str = "payments";

const TABLES: &[Table] = &[
    Table {
        name: "payments",
        select: PaymentRow::SELECT,
        order: " ORDER BY payment",
        columns: PaymentRow::COLUMNS,
        delete: "DELETE FROM payments WHERE book = ",
    },
    Table {
        name: "disputes",
        select: DisputeRow::SELECT,
        order: " ORDER BY dispute",
        columns: DisputeRow::COLUMNS,
        delete: "DELETE FROM disputes WHERE book = ",
    },
];

#[async_trait]
impl Projection for Payments {
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
        let (mut subjects, mut disputes): (HashSet<SubjectId>, HashSet<SubjectId>) = Default::default();
        for event in events {
            subjects.insert(event.fact.subject);
            if event.fact.subject_kind == SubjectKind::Dispute {
                disputes.insert(event.fact.subject);
            }
            subjects.extend(related(&event.fact.body));
            for line in &event.record.lines.0 {
                if configured.account(&line.account) == Account::Disputed {
                    disputes.extend(line.open_item);
                }
                subjects.extend(line.open_item);
                subjects.extend(line.payment_id);
            }
        }
        let mut rows = Rows::default();
        for ids in portions(disputes.into_iter().map(|dispute| dispute.0)) {
            let sql = Sql::new(DisputeRow::SELECT).bind(at.book).text(" AND generation = ").bind(at.generation);
            for row in tx.rows(sql.text(" AND dispute IN ").list(ids)).await? {
                let row = DisputeRow::read(&row)?;
                // Its payment is named by no later word than its first.
                subjects.insert(row.payment);
                rows.disputes.insert(row.dispute, row);
            }
        }
        for ids in portions(subjects.into_iter().map(|subject| subject.0)) {
            let sql = Sql::new(PaymentRow::SELECT).bind(at.book).text(" AND generation = ").bind(at.generation);
            for row in tx.rows(sql.text(" AND payment IN ").list(ids)).await? {
                let row = PaymentRow::read(&row)?;
                rows.payments.insert(row.payment, row);
            }
        }
        Ok(Box::new(rows))
    }
}

/// The other payment that a word speaks of.
fn related(body: &Body) -> Option<SubjectId> {
    match body {
        Body::RefundRequested(body) => Some(body.payment_id),
        Body::RefundSucceeded(body) => Some(body.payment_id),
        Body::RefundReversed(body) => Some(body.payment_id),
        Body::ChargebackOpened(body) => Some(body.payment_id),
        Body::ChargebackClosed(body) => Some(body.payment_id),
        Body::FeesReported(body) => Some(body.payment_id),
        Body::FeeCharged(body) => body.payment_id,
        Body::FeeReturned(body) => body.payment_id,
        Body::CorrectionPosted(body) => body.payment_id,
        Body::PaymentAllocated(body) => Some(body.item),
        Body::PaymentDeallocated(body) => Some(body.item),
        _ => None,
    }
}

#[derive(Default)]
struct Rows {
    payments: HashMap<SubjectId, PaymentRow>,
    touched: HashSet<SubjectId>,
    disputes: HashMap<SubjectId, DisputeRow>,
    touched_disputes: HashSet<SubjectId>,
}

/// Adds to a figure, or stops the projection.
fn add(figure: &mut Amount, by: Amount, what: &str) -> Result<(), HandlerError> {
    *figure = figure.checked_add(by).ok_or_else(|| HandlerError::overflow(what))?;
    Ok(())
}

fn negative(amount: Amount) -> Result<Amount, HandlerError> {
    amount.checked_neg().ok_or_else(|| HandlerError::overflow("an amount"))
}

impl Rows {
    /// A row that is there; events about things that are no payments have none.
    fn touch(&mut self, id: SubjectId, event: &Event) -> Option<&mut PaymentRow> {
        let row = self.payments.get_mut(&id)?;
        self.touched.insert(id);
        row.last_position = event.record.position;
        Some(row)
    }

    /// What an event says about a payment that is not its own subject.
    fn other(&mut self, configured: &Configured, event: &Event) -> Result<(), HandlerError> {
        if let Body::DiscrepancyResolved(body) = &event.fact.body {
            return match body.verdict {
                Verdict::Accept => self.accepted(configured, event),
                _ => Ok(()),
            };
        }
        let Some(id) = related(&event.fact.body) else { return Ok(()) };
        let Some(row) = self.touch(id, event) else { return Ok(()) };
        // What was before the opening has no lines and went back all the same.
        if event.record.no_lines == Some(NoLines::Withheld) {
            return Ok(());
        }
        match &event.fact.body {
            Body::RefundSucceeded(body) => add(&mut row.refunded, body.amount, "refunded"),
            Body::RefundReversed(body) => add(&mut row.refunded, negative(body.amount)?, "refunded"),
            Body::ChargebackClosed(body) => add(&mut row.lost, body.lost, "lost"),
            Body::PaymentAllocated(body) => add(&mut row.allocated, body.amount, "allocated"),
            Body::PaymentDeallocated(body) => add(&mut row.allocated, negative(body.amount)?, "allocated"),
            _ => Ok(()),
        }
    }

    /// A withheld refund or dispute that counts now: what it took back is what its lines put on the payment's item.
    fn accepted(&mut self, configured: &Configured, event: &Event) -> Result<(), HandlerError> {
        let kind = event.fact.subject_kind;
        if !matches!(kind, SubjectKind::Refund | SubjectKind::Dispute) {
            return Ok(());
        }
        for line in &event.record.lines.0 {
            let on_payment = configured.account(&line.account) == Account::OpenIn;
            let Some(row) = line.open_item.filter(|_| on_payment).and_then(|id| self.touch(id, event)) else {
                continue;
            };
            match kind {
                SubjectKind::Refund => add(&mut row.refunded, line.amount, "refunded")?,
                _ => add(&mut row.lost, line.amount, "lost")?,
            }
        }
        Ok(())
    }

    fn lines(&mut self, configured: &Configured, event: &Event) -> Result<(), HandlerError> {
        let own = event.fact.subject;
        let bearer = if self.payments.contains_key(&own) { Some(own) } else { related(&event.fact.body) };
        for line in &event.record.lines.0 {
            match configured.account(&line.account) {
                Account::OpenIn | Account::OpenOut => {
                    let Some(row) = line.open_item.and_then(|id| self.touch(id, event)) else { continue };
                    let credit_is_plus = configured.account(&line.account) == Account::OpenIn;
                    let by = if credit_is_plus { negative(line.amount)? } else { line.amount };
                    add(&mut row.open, by, "open")?;
                }
                Account::Fee { bearer: who, .. } => {
                    let Some(row) = bearer.or(line.payment_id).and_then(|id| self.touch(id, event)) else { continue };
                    if row.currency == Some(line.currency) {
                        let ours = who == ensimbi_events::word::Bearer::Merchant.as_str();
                        let figure = if ours { &mut row.fees_merchant } else { &mut row.fees_other };
                        add(figure, line.amount, "fees")?;
                    }
                }
                Account::Posted(wallet) if wallet.is_some() => {
                    let Some(row) = self.touch(own, event) else { continue };
                    if row.wallet == wallet {
                        add(row.wallet_change.get_or_insert_default(), line.amount, "wallet change")?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[async_trait]
impl State for Rows {
    fn apply(&mut self, configured: &Configured, event: &Event) -> Result<(), HandlerError> {
        fold::own(self, configured, event)?;
        disputes::own(self, configured, event)?;
        self.other(configured, event)?;
        self.lines(configured, event)?;
        disputes::lines(self, configured, event)
    }

    async fn save(self: Box<Self>, tx: &mut Tx, at: At) -> Result<(), StoreError> {
        let of = |mut binds: Vec<Bind>| {
            binds.splice(0..0, [Bind::from(at.book), Bind::from(at.generation)]);
            binds
        };
        let rows = self.touched.iter().filter_map(|id| self.payments.get(id)).map(|row| of(row.binds())).collect();
        tx.execute_all(Sql::insert(PaymentRow::INSERT, rows, PaymentRow::UPDATE)).await?;
        let rows = self.touched_disputes.iter().filter_map(|id| self.disputes.get(id));
        let rows = rows.map(|row| of(row.binds())).collect();
        tx.execute_all(Sql::insert(DisputeRow::INSERT, rows, DisputeRow::UPDATE)).await
    }
}
