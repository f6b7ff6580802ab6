//! Open items: what waits on clearing, dispute, receivable and suspense accounts, id by id, with its age.
//!
//! A row is the sum of the lines that name an open item, by account, item and currency (`bookkeeping.md` 5, law 6: an
//! account is the sum of its items). Rows stay when they reach zero and answers leave them out: an item can be opened
//! again by a reversal, and is then as old as its first line.

mod row;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use async_trait::async_trait;
use ensimbi_events::{Amount, Currency, Event, SubjectId};

pub use row::OpenItemRow;

use crate::projection::{At, Configured, HandlerError, Projection, State, Table};
use crate::store::sql::portions;
use crate::store::{Bind, Sql, StoreError, Tx};

/// The projection.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenItems;

/// Its word.
pub const NAME: &str = "open_items";

const TABLES: &[Table] = &[Table {
    name: "open_items",
    select: OpenItemRow::SELECT,
    order: " ORDER BY account, item, currency",
    columns: OpenItemRow::COLUMNS,
    delete: "DELETE FROM open_items WHERE book = ",
}];

#[async_trait]
impl Projection for OpenItems {
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
        let lines = events.iter().flat_map(|event| &event.record.lines.0);
        let items: HashSet<SubjectId> = lines.filter_map(|line| line.open_item).collect();
        let mut rows = Rows::default();
        for ids in portions(items.into_iter().map(|item| item.0)) {
            let sql = Sql::new(OpenItemRow::SELECT).bind(at.book).text(" AND generation = ").bind(at.generation);
            for row in tx.rows(sql.text(" AND item IN ").list(ids)).await? {
                let row = OpenItemRow::read(&row)?;
                rows.items.insert((row.account.clone(), row.item, row.currency), row);
            }
        }
        Ok(Box::new(rows))
    }
}

type Key = (String, SubjectId, Currency);

#[derive(Default)]
struct Rows {
    /// Ordered, so that nothing depends on a hash order.
    items: BTreeMap<Key, OpenItemRow>,
    touched: BTreeSet<Key>,
}

#[async_trait]
impl State for Rows {
    fn apply(&mut self, configured: &Configured, event: &Event) -> Result<(), HandlerError> {
        let (at, position) = (event.context.occurred_at, event.record.position);
        for line in &event.record.lines.0 {
            let Some(item) = line.open_item else { continue };
            let key = (line.account.clone(), item, line.currency);
            let row = self.items.entry(key.clone()).or_insert_with(|| OpenItemRow {
                account: line.account.clone(),
                item,
                currency: line.currency,
                connection: configured.connection_of(&line.account),
                balance: Amount::ZERO,
                opened_at: at,
                last_at: at,
                first_position: position,
                last_position: position,
            });
            row.balance = row.balance.checked_add(line.amount).ok_or_else(|| HandlerError::overflow("an open item"))?;
            // Not by arrival: whatever order messages come in, the item is as old as its oldest line.
            row.opened_at = row.opened_at.min(at);
            row.last_at = row.last_at.max(at);
            row.last_position = position;
            self.touched.insert(key);
        }
        Ok(())
    }

    async fn save(self: Box<Self>, tx: &mut Tx, at: At) -> Result<(), StoreError> {
        let rows = self.touched.iter().filter_map(|key| self.items.get(key)).map(|row| {
            let mut binds = row.binds();
            binds.splice(0..0, [Bind::from(at.book), Bind::from(at.generation)]);
            binds
        });
        tx.execute_all(Sql::insert(OpenItemRow::INSERT, rows.collect(), OpenItemRow::UPDATE)).await
    }
}
