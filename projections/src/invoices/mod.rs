//! Invoices: what is owed, what paid it, and where each stands.
//!
//! Order for an event: figures of the row (`bookkeeping.md` 5, law 5), then the state, which follows from the figures
//! ([`fold`]). Items and the payments allocated to an invoice have tables of their own; items are loaded only for
//! events that change them.

mod fold;
mod row;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use async_trait::async_trait;
use ensimbi_events::{Amount, Event, SubjectId};

pub use row::{InvoiceItem, InvoicePayment, InvoiceRow, InvoiceState};

use crate::projection::{At, Configured, HandlerError, Projection, State, Table};
use crate::store::sql::portions;
use crate::store::{Bind, Sql, StoreError, Tx};

/// The projection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Invoices;

/// Its word.
pub const NAME: &str = "invoices";

const TABLES: &[Table] = &[
    Table {
        name: "invoices",
        select: InvoiceRow::SELECT,
        order: " ORDER BY invoice",
        columns: InvoiceRow::COLUMNS,
        delete: "DELETE FROM invoices WHERE book = ",
    },
    Table {
        name: "invoice_items",
        select: InvoiceItem::SELECT,
        order: " ORDER BY invoice, n",
        columns: InvoiceItem::COLUMNS,
        delete: "DELETE FROM invoice_items WHERE book = ",
    },
    Table {
        name: "invoice_payments",
        select: InvoicePayment::SELECT,
        order: " ORDER BY invoice, payment",
        columns: InvoicePayment::COLUMNS,
        delete: "DELETE FROM invoice_payments WHERE book = ",
    },
];

#[async_trait]
impl Projection for Invoices {
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
        let invoices: HashSet<SubjectId> = events.iter().flat_map(fold::touched).collect();
        let changed = events.iter().filter(|event| fold::changes_items(&event.fact.body));
        let changed: HashSet<SubjectId> = changed.map(|event| event.fact.subject).collect();
        let of = |select| Sql::new(select).bind(at.book).text(" AND generation = ").bind(at.generation);
        let mut rows = Rows::default();
        for ids in portions(invoices.into_iter().map(|invoice| invoice.0)) {
            let sql = of(InvoiceRow::SELECT).text(" AND invoice IN ").list(ids.clone());
            for row in tx.rows(sql).await? {
                let row = InvoiceRow::read(&row)?;
                rows.invoices.insert(row.invoice, row);
            }
            for row in tx.rows(of(InvoicePayment::SELECT).text(" AND invoice IN ").list(ids)).await? {
                let row = InvoicePayment::read(&row)?;
                rows.payments.insert((row.invoice, row.payment), row);
            }
        }
        for ids in portions(changed.into_iter().map(|invoice| invoice.0)) {
            let sql = of(InvoiceItem::SELECT).text(" AND invoice IN ").list(ids).text(" ORDER BY invoice, n");
            for row in tx.rows(sql).await? {
                let item = InvoiceItem::read(&row)?;
                rows.items.entry(item.invoice).or_default().push(item);
            }
        }
        rows.items_before.clone_from(&rows.items);
        Ok(Box::new(rows))
    }
}

/// Adds to a figure, or stops the projection.
fn add(figure: &mut Amount, by: Amount, what: &str) -> Result<(), HandlerError> {
    *figure = figure.checked_add(by).ok_or_else(|| HandlerError::overflow(what))?;
    Ok(())
}

#[derive(Default)]
struct Rows {
    invoices: HashMap<SubjectId, InvoiceRow>,
    touched: BTreeSet<SubjectId>,
    /// Items of the invoices whose items this page changes, in the order of their numbers.
    items: HashMap<SubjectId, Vec<InvoiceItem>>,
    items_before: HashMap<SubjectId, Vec<InvoiceItem>>,
    touched_items: BTreeSet<SubjectId>,
    payments: BTreeMap<(SubjectId, SubjectId), InvoicePayment>,
    touched_payments: BTreeSet<(SubjectId, SubjectId)>,
}

#[async_trait]
impl State for Rows {
    fn apply(&mut self, _configured: &Configured, event: &Event) -> Result<(), HandlerError> {
        fold::apply(self, event)
    }

    async fn save(self: Box<Self>, tx: &mut Tx, at: At) -> Result<(), StoreError> {
        let of = |mut binds: Vec<Bind>| {
            binds.splice(0..0, [Bind::from(at.book), Bind::from(at.generation)]);
            binds
        };
        let rows = self.touched.iter().filter_map(|id| self.invoices.get(id)).map(|row| of(row.binds())).collect();
        tx.execute_all(Sql::insert(InvoiceRow::INSERT, rows, InvoiceRow::UPDATE)).await?;
        let paid = self.touched_payments.iter().filter_map(|key| self.payments.get(key));
        let paid = paid.map(|row| of(row.binds())).collect();
        tx.execute_all(Sql::insert(InvoicePayment::INSERT, paid, InvoicePayment::UPDATE)).await?;
        let mut items = Vec::new();
        for id in self.touched_items.iter().filter(|id| self.items.get(id) != self.items_before.get(id)) {
            if self.items_before.contains_key(id) {
                let sql = Sql::new("DELETE FROM invoice_items WHERE book = ").bind(at.book).text(" AND generation = ");
                tx.execute(sql.bind(at.generation).text(" AND invoice = ").bind(*id)).await?;
            }
            items.extend(self.items.get(id).into_iter().flatten().map(|item| of(item.binds())));
        }
        tx.execute_all(Sql::insert(InvoiceItem::INSERT, items, "")).await
    }
}
