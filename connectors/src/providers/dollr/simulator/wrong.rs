//! Faulty answers: which faults each kind of request may meet, and what each makes of the answer.

use axum::http::StatusCode;
use axum::http::header::{HeaderValue, RETRY_AFTER};

use super::errors::Refusal;
use super::faults::{Fault, Faults};
use crate::simulator::faults;
use crate::simulator::wrong::Wrong;

pub(super) type Drawn = faults::Drawn<Fault>;

/// Before anything is done.
const UNDONE: [Fault; 5] =
    [Fault::TokenExpired, Fault::RateLimited, Fault::RateLimitedBare, Fault::ServerError, Fault::CutBefore];
pub(super) const ON_TOKEN: [Fault; 4] = [UNDONE[1], UNDONE[2], UNDONE[3], UNDONE[4]];
pub(super) const ON_READING: [Fault; 7] =
    [UNDONE[0], UNDONE[1], UNDONE[2], UNDONE[3], UNDONE[4], Fault::HalfAnswer, Fault::HtmlAnswer];
pub(super) const ON_STATUS: [Fault; 8] =
    [UNDONE[0], UNDONE[1], UNDONE[2], UNDONE[3], UNDONE[4], Fault::HalfAnswer, Fault::HtmlAnswer, Fault::UnknownStatus];
pub(super) const ON_MAKING: [Fault; 6] = [UNDONE[0], UNDONE[1], UNDONE[2], UNDONE[3], UNDONE[4], Fault::CreateLost];
pub(super) const ON_EXECUTING: [Fault; 9] = [
    UNDONE[0],
    UNDONE[1],
    UNDONE[2],
    UNDONE[3],
    UNDONE[4],
    Fault::ExecuteTimeout,
    Fault::ExecuteError,
    Fault::ExecuteHalf,
    Fault::ExecuteHtml,
];

/// Whether nothing was done.
pub(super) fn is_undone(drawn: &Drawn) -> bool {
    UNDONE.contains(&drawn.fault)
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
        Fault::CutBefore => Wrong::Cut,
        Fault::TokenExpired => Wrong::Instead(Refusal::unauthorized().response(faults)),
        Fault::RateLimited | Fault::RateLimitedBare => {
            let refusal = Refusal::Plain(StatusCode::TOO_MANY_REQUESTS, "Too many requests");
            let mut response = refusal.response(faults);
            if kind == Fault::RateLimited {
                let seconds = HeaderValue::from(faults.parameters.retry_after_seconds);
                response.headers_mut().insert(RETRY_AFTER, seconds);
            }
            Wrong::Instead(response)
        }
        Fault::ServerError => Wrong::Unavailable,
        Fault::ExecuteError => Wrong::Error,
        Fault::ExecuteHtml | Fault::HtmlAnswer => Wrong::Html,
        Fault::ExecuteTimeout => Wrong::Timeout,
        Fault::ExecuteHalf | Fault::HalfAnswer => Wrong::Half,
        _ => Wrong::Nothing,
    }
}
