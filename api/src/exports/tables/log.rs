//! Rows that come from the log: lines of entries, and events.

use ensimbi_events::ports::StoredLeaf;
use ensimbi_events::{Event, leaf};

use super::end;
use crate::exports::ExportError;
use crate::exports::csv::{Form, Record};

pub(super) const ENTRIES: &[&str] = &[
    "position",
    "n",
    "event_id",
    "type",
    "subject_kind",
    "subject",
    "connection",
    "wallet",
    "account",
    "currency",
    "amount",
    "open_item",
    "payment_id",
    "component",
    "bearer",
    "book_date",
    "occurred_at",
    "recorded_at",
    "evidence",
];

pub(super) const EVENTS: &[&str] = &[
    "position",
    "event_id",
    "type",
    "version",
    "subject_kind",
    "subject",
    "connection",
    "wallet",
    "object_kind",
    "object_id",
    "occurrence",
    "currency",
    "book_date",
    "occurred_at",
    "occurred_source",
    "recorded_at",
    "rules",
    "configuration",
    "lines",
    "no_lines",
    "cause",
    "claim",
    "translator",
    "party",
    "evidence",
    "leaf_hash",
    "fact",
];

/// The lines of one event; says how many.
pub(super) fn entries(event: &Event, form: Form, buffer: &mut Vec<u8>, width: usize) -> Result<u64, ExportError> {
    let (fact, record) = (&event.fact, &event.record);
    if record.lines.0.is_empty() {
        return Ok(0);
    }
    let evidence = evidence(event);
    let mut rows = 0;
    for line in &record.lines.0 {
        let mut row = Record::new(buffer, form);
        row.count(record.position);
        row.count(line.n);
        row.text(&record.event_id.to_string());
        row.text(fact.body.word());
        row.text(fact.subject_kind.as_str());
        row.text(&fact.subject.to_string());
        row.maybe(fact.connection);
        row.maybe(fact.wallet);
        row.text(&line.account);
        row.text(line.currency.as_str());
        row.amount(line.amount);
        row.maybe(line.open_item);
        row.maybe(line.payment_id);
        row.maybe(line.component);
        row.maybe(line.bearer);
        row.date(&record.book_date);
        row.text(&event.context.occurred_at.to_string());
        row.text(&record.recorded_at.to_string());
        row.text(&evidence);
        end(row, width)?;
        rows += 1;
    }
    Ok(rows)
}

/// One event.
pub(super) fn event(
    event: &Event,
    stored: &StoredLeaf,
    form: Form,
    buffer: &mut Vec<u8>,
    width: usize,
) -> Result<u64, ExportError> {
    let (fact, context, record) = (&event.fact, &event.context, &event.record);
    let told = serde_json::to_string(&fact.body).map_err(ExportError::damaged)?;
    let mut row = Record::new(buffer, form);
    row.count(record.position);
    row.text(&record.event_id.to_string());
    row.text(fact.body.word());
    row.count(fact.version);
    row.text(fact.subject_kind.as_str());
    row.text(&fact.subject.to_string());
    row.maybe(fact.connection);
    row.maybe(fact.wallet);
    row.maybe(fact.object_kind.as_deref());
    row.maybe(fact.object_id.as_deref());
    row.text(&fact.occurrence);
    row.maybe(fact.currency);
    row.date(&record.book_date);
    row.text(&context.occurred_at.to_string());
    row.text(context.occurred_source.as_str());
    row.text(&record.recorded_at.to_string());
    row.count(record.rules);
    row.count(record.configuration);
    row.count(record.lines.0.len() as u64);
    row.maybe(record.no_lines);
    row.maybe(record.cause);
    row.maybe(context.claim);
    row.maybe(context.translator.as_deref());
    row.maybe(context.party);
    row.text(&evidence(event));
    row.text(&leaf::leaf_hash(&stored.leaf).to_string());
    row.text(&told);
    end(row, width)?;
    Ok(1)
}

/// The commitments to the bytes behind an event, in their order.
fn evidence(event: &Event) -> String {
    event.context.evidence.iter().map(|proof| proof.commitment.to_string()).collect::<Vec<_>>().join(" ")
}
