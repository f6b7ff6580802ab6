//! Discrepancies: what a person must look at, which withheld event each holds, and what was decided.
//!
//! A withheld event is remembered first; the first discrepancy about it that speaks of no other fact holds it
//! (`bookkeeping.md` 5, law 7). Later ones about the same event are contradictions of their own.

mod row;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use ensimbi_events::words::control::{DiscrepancyRaised, DiscrepancyResolved};
use ensimbi_events::{Body, Event, EventId, NoLines};

pub use row::{DiscrepancyRow, DiscrepancyState};

use crate::projection::{At, Configured, HandlerError, Projection, State, Table};
use crate::store::sql::portions;
use crate::store::{Bind, Sql, StoreError, Tx};
use row::WithheldEvent;

/// The projection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Discrepancies;

/// Its word.
pub const NAME: &str = "discrepancies";

const TABLES: &[Table] = &[
    Table {
        name: "discrepancies",
        select: DiscrepancyRow::SELECT,
        order: " ORDER BY discrepancy",
        columns: DiscrepancyRow::COLUMNS,
        delete: "DELETE FROM discrepancies WHERE book = ",
    },
    Table {
        name: "discrepancy_events",
        select: WithheldEvent::SELECT,
        order: " ORDER BY event",
        columns: WithheldEvent::COLUMNS,
        delete: "DELETE FROM discrepancy_events WHERE book = ",
    },
];

#[async_trait]
impl Projection for Discrepancies {
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
        let (mut about, mut resolved) = (BTreeSet::new(), BTreeSet::new());
        for event in events {
            match &event.fact.body {
                Body::DiscrepancyRaised(body) => about.extend(body.about.map(|id| id.0)),
                Body::DiscrepancyResolved(body) => drop(resolved.insert(body.discrepancy.0)),
                _ => {}
            }
        }
        let of = |select| Sql::new(select).bind(at.book).text(" AND generation = ").bind(at.generation);
        let mut rows = Rows::default();
        for ids in portions(about) {
            for row in tx.rows(of(WithheldEvent::SELECT).text(" AND event IN ").list(ids)).await? {
                let row = WithheldEvent::read(&row)?;
                rows.withheld.insert(row.event, row);
            }
        }
        for ids in portions(resolved) {
            for row in tx.rows(of(DiscrepancyRow::SELECT).text(" AND discrepancy IN ").list(ids)).await? {
                let row = DiscrepancyRow::read(&row)?;
                rows.discrepancies.insert(row.discrepancy, row);
            }
        }
        Ok(Box::new(rows))
    }
}

#[derive(Default)]
struct Rows {
    discrepancies: BTreeMap<EventId, DiscrepancyRow>,
    touched: BTreeSet<EventId>,
    withheld: BTreeMap<EventId, WithheldEvent>,
    touched_withheld: BTreeSet<EventId>,
}

impl Rows {
    fn raised(&mut self, event: &Event, body: &DiscrepancyRaised) {
        let id = event.record.event_id;
        let about = body.about.filter(|_| body.other_fact.is_none());
        let held = about.and_then(|about| self.withheld.get_mut(&about)).filter(|held| held.discrepancy.is_none());
        let (mut withheld_word, mut withheld_position) = (None, None);
        if let Some(held) = held {
            held.discrepancy = Some(id);
            self.touched_withheld.insert(held.event);
            (withheld_word, withheld_position) = (Some(held.word.clone()), Some(held.position));
        }
        let row = DiscrepancyRow {
            discrepancy: id,
            position: event.record.position,
            state: DiscrepancyState::Open,
            kind: body.kind,
            about: body.about,
            stake: body.stake,
            stake_currency: body.stake_currency,
            subject: event.fact.subject,
            subject_kind: event.fact.subject_kind,
            connection: event.fact.connection,
            wallet: event.fact.wallet,
            detail: body.detail.clone(),
            withheld_word,
            withheld_position,
            occurred_at: event.context.occurred_at,
            raised_at: event.record.recorded_at,
            verdict: None,
            actor_id: None,
            reason: None,
            target: None,
            resolved_at: None,
            resolved_position: None,
        };
        self.discrepancies.insert(id, row);
        self.touched.insert(id);
    }

    fn resolved(&mut self, event: &Event, body: &DiscrepancyResolved) -> Result<(), HandlerError> {
        let id = body.discrepancy;
        let row = self.discrepancies.get_mut(&id).filter(|row| row.state == DiscrepancyState::Open);
        let row = row.ok_or_else(|| HandlerError(format!("discrepancy {id} is resolved, but was not open")))?;
        row.state = DiscrepancyState::Resolved;
        row.verdict = Some(body.verdict);
        row.actor_id = Some(body.actor_id.clone());
        row.reason = Some(body.reason.clone());
        row.target.clone_from(&body.target);
        row.resolved_at = Some(event.record.recorded_at);
        row.resolved_position = Some(event.record.position);
        self.touched.insert(id);
        Ok(())
    }
}

#[async_trait]
impl State for Rows {
    fn apply(&mut self, _configured: &Configured, event: &Event) -> Result<(), HandlerError> {
        if event.record.no_lines == Some(NoLines::Withheld) {
            let row = WithheldEvent {
                event: event.record.event_id,
                word: event.fact.body.word().to_owned(),
                position: event.record.position,
                discrepancy: None,
            };
            self.touched_withheld.insert(row.event);
            self.withheld.insert(row.event, row);
        }
        match &event.fact.body {
            Body::DiscrepancyRaised(body) => {
                self.raised(event, body);
                Ok(())
            }
            Body::DiscrepancyResolved(body) => self.resolved(event, body),
            _ => Ok(()),
        }
    }

    async fn save(self: Box<Self>, tx: &mut Tx, at: At) -> Result<(), StoreError> {
        let of = |mut binds: Vec<Bind>| {
            binds.splice(0..0, [Bind::from(at.book), Bind::from(at.generation)]);
            binds
        };
        let rows = self.touched.iter().filter_map(|id| self.discrepancies.get(id)).map(|row| of(row.binds()));
        tx.execute_all(Sql::insert(DiscrepancyRow::INSERT, rows.collect(), DiscrepancyRow::UPDATE)).await?;
        let held = self.touched_withheld.iter().filter_map(|id| self.withheld.get(id)).map(|row| of(row.binds()));
        tx.execute_all(Sql::insert(WithheldEvent::INSERT, held.collect(), WithheldEvent::UPDATE)).await
    }
}
