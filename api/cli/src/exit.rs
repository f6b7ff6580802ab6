//! Exit codes are a contract: 0 done and agreed; 1 books, proof or check fail; 2 wrong use, configuration or input,
//! nothing applied; 3 store, bus or lock not to be had; 4 import applied with discrepancies.

use std::fmt;
use std::process::ExitCode;

/// What a command ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Done, and everything agreed.
    Done = 0,
    /// Books, a proof or a check fail.
    Disagrees = 1,
    /// Wrong use, configuration or input; nothing was applied.
    Wrong = 2,
    /// A store, the bus or a lock is not to be had.
    NotToBeHad = 3,
    /// An import was applied and left discrepancies.
    Discrepancies = 4,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// An error with the code it ends the program with; the chain is printed once, at the end.
#[derive(Debug)]
pub struct Failure {
    /// The code.
    pub code: Code,
    /// What happened and what to do.
    pub error: anyhow::Error,
}

impl Failure {
    /// Wrong use, configuration or input.
    pub fn wrong(error: impl fmt::Display) -> Self {
        Self { code: Code::Wrong, error: anyhow::anyhow!("{error}") }
    }

    /// A store, bus or lock that is not to be had.
    pub fn not_to_be_had(error: impl fmt::Display) -> Self {
        Self { code: Code::NotToBeHad, error: anyhow::anyhow!("{error}") }
    }

    /// Books or proofs that fail.
    pub fn disagrees(error: impl fmt::Display) -> Self {
        Self { code: Code::Disagrees, error: anyhow::anyhow!("{error}") }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { code: Code::NotToBeHad, error }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self { code: Code::NotToBeHad, error: error.into() }
    }
}

impl From<ensimbi_ledger::store::StoreError> for Failure {
    fn from(error: ensimbi_ledger::store::StoreError) -> Self {
        use ensimbi_ledger::store::StoreError as E;
        match &error {
            E::Unusable(_) => Self::wrong(error),
            E::Damaged(_) => Self::disagrees(error),
            E::Unavailable(_) | E::Retry(_) | E::Fenced(_) => Self::not_to_be_had(error),
        }
    }
}

impl From<ensimbi_events::ports::ReadError> for Failure {
    fn from(error: ensimbi_events::ports::ReadError) -> Self {
        match &error {
            ensimbi_events::ports::ReadError::Damaged(_) => Self::disagrees(error),
            ensimbi_events::ports::ReadError::Unavailable(_) => Self::not_to_be_had(error),
        }
    }
}

impl From<ensimbi_projections::StoreError> for Failure {
    fn from(error: ensimbi_projections::StoreError) -> Self {
        use ensimbi_projections::StoreError as E;
        match &error {
            E::Foreign(_) | E::Address(_) => Self::wrong(error),
            E::Damaged(_) => Self::disagrees(error),
            E::Unavailable(_) => Self::not_to_be_had(error),
        }
    }
}

impl From<ensimbi_connectors::door::DoorError> for Failure {
    fn from(error: ensimbi_connectors::door::DoorError) -> Self {
        use ensimbi_connectors::door::DoorError as E;
        match &error {
            E::Settings(_) | E::Foreign(_) => Self::wrong(error),
            _ => Self::not_to_be_had(error),
        }
    }
}

/// What commands return.
pub type Outcome = Result<Code, Failure>;
