//! Looking without working: into a door's rows beside the process that works on them (no lock, no loop, no lease touched,
//! nothing made), and at an object of the provider's without keeping what it answers.
//!
//! What is behind a name that people have (our id, the provider's, a reference) is found by derivation and by the
//! attempts' own indexes, never by a scan: a few look-ups for each connection and object kind.

use std::collections::BTreeSet;
use std::sync::Arc;

use ensimbi_events::ids::ObjectKey;
use ensimbi_events::{ConnectionId, SubjectId};

use super::connections::Connection;
use super::store::attempts;
use super::{Door, DoorError, DoorOptions, DoorStore};
use crate::connector::{CallError, Input, ObjectRef, Translation, Unreadable};

/// Longest name that is looked up, in bytes.
const NAME_MAX: usize = 256;

impl Door {
    /// Opens a door that is there to look through. It must not be run, and commands fail.
    ///
    /// # Errors
    /// Those of [`Door::open`]; [`DoorError::Foreign`] also where there is no store yet, or one of an older program.
    pub async fn open_to_read(options: DoorOptions) -> Result<Arc<Self>, DoorError> {
        let connections = super::connections::connect(&super::connections::Terms::of(&options))?;
        let store = DoorStore::open_to_read(&options.store).await?;
        Ok(Arc::new(Self::over(store, connections, options)))
    }

    /// Whether the rows were sealed under the key in hand; `None` where nobody has sealed any yet.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn master_key_fits(&self) -> Result<Option<bool>, DoorError> {
        let stored = self.store.fingerprint().await?;
        Ok(stored.map(|stored| stored == self.vault.fingerprint()))
    }

    /// Subjects that a name may mean at these connections, each with the words for the objects it has: the payment of
    /// one of our references, that of a provider's id. A subject derived from a provider's id need not exist.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn named(
        &self,
        places: &[(ConnectionId, &[&'static str])],
        name: &str,
    ) -> Result<Vec<SubjectId>, DoorError> {
        if name.is_empty() || name.len() > NAME_MAX {
            return Ok(Vec::new());
        }
        let mut found = BTreeSet::new();
        let mut tx = self.store.read().await?;
        for (connection, kinds) in places {
            let owner = attempts::owner_of_reference(&mut tx, self.book, *connection, name).await?;
            found.extend(owner.map(|owner| owner.intent));
            for kind in *kinds {
                let owner = attempts::owner_of_object(&mut tx, self.book, *connection, kind, name).await?;
                let key =
                    ObjectKey { book: self.book, connection: Some(*connection), object_kind: kind, object_id: name };
                found.insert(owner.map_or_else(|| key.subject_id(), |owner| owner.intent));
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Asks the provider for an object's state, and says of each of its answers what it means; nothing is kept.
    ///
    /// # Errors
    /// Those of the call. An answer that nobody can read is an error of its own in the list.
    pub(crate) async fn ask(
        &self,
        connection: &Connection,
        object: &ObjectRef,
        handle: Option<&str>,
    ) -> Result<Vec<Result<Translation, Unreadable>>, CallError> {
        let answers = connection.client.read(object, handle).await?;
        let (options, received_at, mode) = (&connection.settings.options, self.clock.now(), self.mode);
        let inputs =
            answers.iter().map(|answer| Input { kind: answer.kind, body: &answer.body, options, received_at, mode });
        Ok(inputs.map(|input| connection.connector.translate(input)).collect())
    }
}
