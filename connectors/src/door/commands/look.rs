//! What people look at: banks to pay to, what is behind a payment, and what somebody should see to.

use std::time::Duration;

use ensimbi_events::commands::{Alarm, Bank, CommandError, Trail};
use ensimbi_events::{BookId, ConnectionId, SubjectId, Time};

use super::view;
use crate::connector::Capability;
use crate::door::connections::Connection;
use crate::door::store::{Tx, banks, checks, inbox, outbox, pauses, rows};
use crate::door::{Door, DoorError};

/// Most observations and claims of one trail.
const TRAIL_MAX: u32 = 500;
/// Most alarms of one kind, and in all.
const ALARMS_MAX: u32 = 100;
const ALL_MAX: usize = 500;
/// A note that the ledger has not answered for so long is an alarm.
const UNANSWERED: Duration = Duration::from_secs(600);

impl Door {
    pub(super) async fn known_banks(&self, book: BookId, id: ConnectionId) -> Result<Vec<Bank>, CommandError> {
        if book != self.book {
            return Err(CommandError::UnknownConnection);
        }
        let connection = self.offering(id, Capability::Banks)?;
        let mut tx = self.store.read().await?;
        let found = banks::list(&mut tx, self.book, connection.id).await?;
        let bank = |bank: crate::connector::BankSeen| Bank {
            code: bank.code,
            name: bank.name,
            account_pattern: bank.account_pattern,
        };
        Ok(found.into_iter().map(bank).collect())
    }

    pub(super) async fn trail_of(&self, book: BookId, subject: SubjectId) -> Result<Trail, CommandError> {
        if book != self.book {
            return Ok(Trail::default());
        }
        let mut tx = self.store.read().await?;
        Ok(Trail {
            observations: inbox::trail(&mut tx, self.book, subject, TRAIL_MAX).await?,
            claims: outbox::of_subject(&mut tx, self.book, subject, TRAIL_MAX).await?,
            intent: view(&mut tx, self.book, subject, true).await?,
        })
    }

    pub(super) async fn all_alarms(&self, book: BookId) -> Result<Vec<Alarm>, CommandError> {
        if book != self.book {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        let mut found = Vec::new();
        for connection in &self.connections {
            of_connection(self, &mut tx, connection, now, &mut found).await?;
        }
        for (connection, subject, since, detail) in inbox::quarantined(&mut tx, self.book, ALARMS_MAX).await? {
            found.push(Alarm { kind: "quarantined", connection: Some(connection), subject, since, detail });
        }
        let late = outbox::unanswered_since(&mut tx, self.book, now.minus(UNANSWERED), ALARMS_MAX).await?;
        for (connection, subject, since, word) in late {
            let detail = format!("{word}: the ledger has not answered");
            found.push(Alarm { kind: "note_unanswered", connection, subject: Some(subject), since, detail });
        }
        found.sort_by_key(|alarm| alarm.since);
        found.truncate(ALL_MAX);
        Ok(found)
    }
}

async fn of_connection(
    door: &Door,
    tx: &mut Tx,
    connection: &Connection,
    now: Time,
    found: &mut Vec<Alarm>,
) -> Result<(), DoorError> {
    let id = Some(connection.id);
    let patience = Duration::from_secs(connection.settings.poll.alarm_after_secs);
    let before = now.minus(patience);
    for (subject, since, detail) in checks::overdue(tx, door.book, connection.id, before, ALARMS_MAX).await? {
        found.push(Alarm { kind: "unsettled_too_long", connection: id, subject, since, detail });
    }
    if let Some(pause) = pauses::get(tx, door.book, connection.id).await?.filter(|pause| pause.until > now) {
        let kind = if pause.reason == "credentials" { "credentials_refused" } else { "paused" };
        let detail = format!("no calls before {}", pause.until);
        found.push(Alarm { kind, connection: id, subject: None, since: now, detail });
    }
    for one in rows::breaks(tx, door.book, connection.id, before, ALARMS_MAX).await? {
        let rows::Break { wallet, from, to, seen_at, before, after } = one;
        let detail = if from == to {
            format!("wallet {wallet}, row {from}: its amount does not lead from {before} to {after}")
        } else {
            format!("wallet {wallet}, rows {from} to {to}: the one ends at {before}, the next begins at {after}")
        };
        found.push(Alarm { kind: "rows_do_not_chain", connection: id, subject: None, since: seen_at, detail });
    }
    Ok(())
}
