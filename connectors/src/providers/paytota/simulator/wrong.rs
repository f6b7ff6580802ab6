//! Faulty answers: which faults each kind of request may meet, and what each makes of the answer.

use axum::http::StatusCode;
use axum::response::Response;

use super::errors::{execute, unauthorised};
use super::faults::{Fault, Faults};
use crate::simulator::faults;
use crate::simulator::wrong::{self, Wrong};

pub(super) type Drawn = faults::Drawn<Fault>;

/// Content type of the provider's JSON.
pub(super) const JSON: &str = "application/json";

/// Before anything is done.
const UNDONE: [Fault; 3] = [Fault::UnauthorizedMidRun, Fault::RateLimited, Fault::ServerError];
pub(super) const ON_READING: [Fault; 5] = [UNDONE[0], UNDONE[1], UNDONE[2], Fault::UnknownStatus, Fault::HalfAnswer];
pub(super) const ON_CREATION: [Fault; 4] = [UNDONE[0], UNDONE[1], UNDONE[2], Fault::CreateLost];
pub(super) const ON_COLLECTING: [Fault; 7] = [
    UNDONE[1],
    UNDONE[2],
    Fault::ExecuteRefused,
    Fault::ExecuteTimeout,
    Fault::ExecuteError,
    Fault::ExecuteHalf,
    Fault::ExecuteHtml,
];
pub(super) const ON_PAYING: [Fault; 8] = [
    UNDONE[1],
    UNDONE[2],
    Fault::ExecuteRefused,
    Fault::InsufficientFunds,
    Fault::ExecuteTimeout,
    Fault::ExecuteError,
    Fault::ExecuteHalf,
    Fault::ExecuteHtml,
];

/// Whether nothing was done.
pub(super) const fn is_undone(drawn: &Drawn) -> bool {
    matches!(
        drawn.fault,
        Fault::UnauthorizedMidRun
            | Fault::RateLimited
            | Fault::ServerError
            | Fault::ExecuteRefused
            | Fault::InsufficientFunds
    )
}

/// What a fault makes of the answer; how a creation gets lost is drawn by its good text.
pub(super) fn of(faults: &Faults, drawn: Drawn, good: &str) -> Wrong {
    let kind = match drawn.fault {
        Fault::CreateLost => {
            let kinds = [Fault::ExecuteTimeout, Fault::ExecuteError, Fault::ExecuteHalf, Fault::ExecuteHtml];
            let drawn = faults.draws().below("create_lost_kind", good, drawn.nth, kinds.len() as u64);
            kinds[usize::try_from(drawn).unwrap_or(0) % kinds.len()]
        }
        fault => fault,
    };
    match kind {
        Fault::UnauthorizedMidRun => Wrong::Instead(unauthorised(faults)),
        Fault::ExecuteRefused => Wrong::Instead(execute(faults, "no_matching_terminal", "No terminal is available.")),
        Fault::InsufficientFunds => Wrong::Instead(short(faults)),
        Fault::ExecuteError => Wrong::Error,
        Fault::ExecuteHtml => Wrong::Html,
        Fault::ExecuteTimeout => Wrong::Timeout,
        Fault::ExecuteHalf => Wrong::Half,
        fault => Wrong::usual(fault.name()),
    }
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, text: String) -> Response {
    wrong::json(JSON, status, text)
}

/// Not enough money to pay out (provider facts, section 6.2).
pub(super) fn short(faults: &Faults) -> Response {
    execute(faults, "insufficient_funds", "Insufficient funds to proceed with operation.")
}
