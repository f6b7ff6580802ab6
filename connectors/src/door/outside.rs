//! `POST /v1/observations`: bytes and claims of a connector outside the process.
//!
//! Order: the connection, one from outside -> the form (`outside::form`), every field by its name -> kind, translator,
//! statements as the connection declares them -> each statement is placed as it will be, reading only -> one row in the
//! inbox, committed -> the claims go up like those of any translator -> a moment's wait for the ledger. Whatever is wrong
//! is said before anything is stored. Exactly the same bytes again are the same row.
//!
//! Bounds: those of [`crate::outside`].

use std::time::Duration;

use ensimbi_events::codes::Problem;
use ensimbi_events::commands::ToldFact;
use ensimbi_events::observations::{PostError, Posted};
use ensimbi_events::ports::new_uuid;
use ensimbi_events::{ConnectionId, EvidenceClass, ObservationId};
use ensimbi_vault::Sealed;

use super::connections::{Connection, find};
use super::store::inbox::{InboxState, Waiting};
use super::{Door, DoorError, place, translate};
use crate::connector::{Translation, Unreadable};
use crate::outside::{self, Outside, form};

/// Real time the sender waits for the ledger; its answer comes in any case, and the same bytes find it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How far ahead of ours the sender's clock may be.
const AHEAD: Duration = Duration::from_secs(300);
/// Times a write is repeated that another writer was in the way of.
const TRIES: u32 = 5;

impl From<DoorError> for PostError {
    fn from(error: DoorError) -> Self {
        match error {
            DoorError::Unavailable(why) | DoorError::Conflict(why) => Self::Unavailable(why),
            other => Self::Broken(other.to_string()),
        }
    }
}

fn invalid(code: Problem, field: impl Into<String>, problem: impl Into<String>) -> PostError {
    PostError::Invalid { code, field: field.into(), problem: problem.into() }
}

/// A field's error with the word that machines know it by.
fn unreadable(error: Unreadable) -> PostError {
    let code = match error.problem.as_str() {
        problem if problem.starts_with("expected an amount") => Problem::InvalidAmount,
        problem if problem.starts_with("expected a currency") => Problem::WrongCurrency,
        problem if problem.starts_with("larger than") => Problem::TooLarge,
        _ => Problem::InvalidBody,
    };
    invalid(code, error.field, error.problem)
}

impl Door {
    pub(super) async fn take_observation(&self, connection: ConnectionId, bytes: &[u8]) -> Result<Posted, PostError> {
        let connection = find(&self.connections, connection).ok_or(PostError::NoSuchConnection)?;
        let outside = outside::of(&connection.settings).and_then(Result::ok).ok_or(PostError::NoSuchConnection)?;
        let (kind, translation) = self.checked(connection, outside, bytes)?;
        self.would_place(connection, &kind, translation).await?;
        let (observation, repeated) = self.keep_posted(connection.id, &kind, bytes).await?;
        self.wake.inbox.notify_one();
        let outcome = self.wait_for(observation, PATIENCE).await?;
        let outcome = outcome.ok_or_else(|| PostError::Broken("the observation is not in the inbox".to_owned()))?;
        let claims = outcome.claims.into_iter().map(|claim| ToldFact { word: claim.word, outcome: claim.outcome });
        Ok(Posted {
            observation,
            repeated,
            state: outcome.state.as_str(),
            reason: outcome.reason.filter(|_| outcome.state == InboxState::Quarantined),
            claims: claims.collect(),
        })
    }

    /// The form, and what the connection declares.
    fn checked(
        &self,
        connection: &Connection,
        outside: &Outside,
        bytes: &[u8],
    ) -> Result<(String, Translation), PostError> {
        let facts = connection.connector.facts();
        let observation = form::read(bytes).map_err(unreadable)?;
        if !facts.kinds.contains(&observation.kind.as_str()) {
            let expected = format!("expected one of {}; see the connection's option kinds", facts.kinds.join(", "));
            return Err(invalid(Problem::InvalidBody, "kind", expected));
        }
        if observation.translator != facts.translator {
            let expected = format!("expected {}, as the connection's option translator has it", facts.translator);
            return Err(invalid(Problem::InvalidBody, "translator", expected));
        }
        if observation.observed_at.is_some_and(|at| at > self.clock.now().plus(AHEAD)) {
            return Err(invalid(Problem::InvalidBody, "observed_at", "expected a time that is over"));
        }
        let kind = observation.kind.clone();
        let translation = form::translation(outside, observation).map_err(unreadable)?;
        let translation = translate::check(connection, translation)
            .map_err(|reason| invalid(Problem::InvalidBody, "said", reason))?;
        Ok((kind, translation))
    }

    /// Places every statement as the translator's loop will, without writing anything.
    async fn would_place(
        &self,
        connection: &Connection,
        kind: &str,
        translation: Translation,
    ) -> Result<(), PostError> {
        let row = Waiting {
            id: ObservationId(new_uuid(self.clock.as_ref(), self.entropy.as_ref())),
            connection: connection.id,
            kind: kind.to_owned(),
            class: EvidenceClass::Connector,
            actor_id: None,
            received_at: self.clock.now(),
            sealed: Sealed { wrapped_key: None, sealed: Vec::new(), commitment: [0; 32] },
            subject_hint: None,
        };
        let mut tx = self.store.read().await?;
        for (said, index) in translation.said.into_iter().zip(0u32..) {
            let at = format!("said.{index}");
            let wallet = |reason| invalid(Problem::UnknownWallet, [at.as_str(), ".wallet"].concat(), reason);
            let placed = place::placed(self, &mut tx, connection, &row, index, said).await?;
            match placed.map_err(wallet)?.map(|placed| placed.claim) {
                Some(Ok(claim)) => {
                    place::note(row.id.0, claim)
                        .map_err(|reason| invalid(Problem::InvalidBody, at.as_str(), reason))?;
                }
                Some(Err(Some(reason))) => return Err(wallet(reason)),
                Some(Err(None)) | None => {}
            }
        }
        Ok(())
    }

    async fn keep_posted(
        &self,
        connection: ConnectionId,
        kind: &str,
        bytes: &[u8],
    ) -> Result<(ObservationId, bool), DoorError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let observation = self.observe(connection, kind, EvidenceClass::Connector, bytes)?;
            let kept = async {
                let mut tx = self.store.write().await?;
                let kept = self.keep(&mut tx, observation).await?;
                tx.commit().await?;
                Ok::<_, DoorError>(kept)
            };
            match kept.await {
                Ok((observation, new)) => return Ok((observation, !new)),
                Err(why) if why.is_conflict() && tries < TRIES => {}
                Err(why) => return Err(why),
            }
        }
    }
}
