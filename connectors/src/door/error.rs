//! Why the door cannot do something now, or ever.

use ensimbi_vault::VaultError;
use sqlx::migrate::MigrateError;

use crate::settings::SettingsError;

/// What went wrong. Texts name tables, keys and codes, never a party or a secret.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The store does not answer: wait and try again. 503 at the edge.
    #[error("the door's store cannot be reached: {0}")]
    Unavailable(String),
    /// Another writer was in the way; the whole transaction may be repeated.
    #[error("the door's store asks to repeat: {0}")]
    Conflict(String),
    /// Stored rows contradict themselves, or a statement failed that cannot fail. A person must look.
    #[error("the door's store is damaged: {0}")]
    Damaged(String),
    /// This database is not ours, or not of this version; nothing was changed in it.
    #[error("{0}")]
    Foreign(String),
    /// The configuration cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A row does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl DoorError {
    /// Whether the same transaction may simply be tried again at once.
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }
}

/// SQLite primary result codes that pass by themselves: busy, locked, I/O, full.
const SQLITE_WAIT: [i64; 4] = [5, 6, 10, 13];
/// PostgreSQL classes that pass: connection, resources, operator intervention, system error.
const POSTGRES_WAIT: [&str; 4] = ["08", "53", "57", "58"];
/// Serialization failure, deadlock, lock not available.
const POSTGRES_REPEAT: [&str; 3] = ["40001", "40P01", "55P03"];

impl From<sqlx::Error> for DoorError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::BeginFailed => {
                Self::Unavailable(error.to_string())
            }
            // A connection that was cut in the middle of an exchange.
            E::Protocol(_) => Self::Unavailable(error.to_string()),
            E::Database(database) => {
                let code = database.code().unwrap_or_default().into_owned();
                let text = format!("{} (code {code})", database.message());
                if let Ok(number) = code.parse::<i64>()
                    && code.len() < 5
                {
                    return if SQLITE_WAIT.contains(&(number & 0xff)) {
                        Self::Unavailable(text)
                    } else {
                        Self::Damaged(text)
                    };
                }
                if POSTGRES_REPEAT.contains(&code.as_str()) {
                    Self::Conflict(text)
                } else if POSTGRES_WAIT.iter().any(|class| code.starts_with(class)) {
                    Self::Unavailable(text)
                } else {
                    Self::Damaged(text)
                }
            }
            _ => Self::Damaged(error.to_string()),
        }
    }
}

/// What a failed migration means: not our schema, or a database that does not answer.
pub(crate) fn migration(place: &str, error: MigrateError) -> DoorError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        other => DoorError::Foreign(format!("{place} was made by another version of Ensimbi: {other}")),
    }
}
