//! Faulty answers: the gate that decides on one, and how each looks on the wire.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use sqlx::SqliteConnection;

use super::PaytotaSimulator;
use super::errors::{execute, unauthorised};
use super::faults::{Fault, Faults, STREAK_MAX};
use crate::simulator::Result;
use crate::simulator::file;
use crate::simulator::listener::Wire;

const PAGE: &str =
    "<!DOCTYPE html><html><head><title>Service notice</title></head><body>Please try again.</body></html>";

/// A fault that was drawn, and which question about the object it answers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawn {
    pub(super) fault: Fault,
    nth: u64,
}

impl Drawn {
    /// Whether nothing was done.
    pub(super) fn is_undone(self) -> bool {
        matches!(
            self.fault,
            Fault::UnauthorizedMidRun
                | Fault::RateLimited
                | Fault::ServerError
                | Fault::ExecuteRefused
                | Fault::InsufficientFunds
        )
    }
}

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

/// Whether this answer is to be faulty, and how. The first of `faults` that hits wins; after [`STREAK_MAX`] faulty
/// answers in a row about one object a good one comes.
pub(super) async fn gate(
    db: &mut SqliteConnection,
    all: &Faults,
    what: &str,
    object: &str,
    faults: &[Fault],
) -> Result<Option<Drawn>> {
    if faults.iter().all(|fault| all.rate(*fault) == 0) {
        return Ok(None);
    }
    let (nth, streak) = file::ask(&mut *db, what, object).await?;
    let question = format!("{what}/{object}");
    let hit = faults.iter().copied().find(|fault| all.hits(*fault, &question, nth)).filter(|_| streak < STREAK_MAX);
    let now = if hit.is_some() { streak + 1 } else { 0 };
    if now != streak {
        file::set_streak(db, what, object, now).await?;
    }
    Ok(hit.map(|fault| Drawn { fault, nth }))
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response()
}

impl PaytotaSimulator {
    /// The answer as the fault makes it. `good` is the whole JSON text of a good one.
    pub(super) async fn spoil(
        &self,
        drawn: Drawn,
        (status, good): (StatusCode, String),
        wire: Option<Wire>,
    ) -> Response {
        let faults = self.faults();
        let parameters = faults.parameters;
        let kind = match drawn.fault {
            Fault::CreateLost => {
                let kinds = [Fault::ExecuteTimeout, Fault::ExecuteError, Fault::ExecuteHalf, Fault::ExecuteHtml];
                let drawn = faults.draws().below("create_lost_kind", &good, drawn.nth, kinds.len() as u64);
                kinds[usize::try_from(drawn).unwrap_or(0) % kinds.len()]
            }
            fault => fault,
        };
        match kind {
            Fault::RateLimited => {
                let wait = HeaderValue::from(parameters.retry_after_seconds);
                (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, wait)]).into_response()
            }
            Fault::ServerError => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Fault::UnauthorizedMidRun => unauthorised(&faults),
            Fault::ExecuteRefused => execute(&faults, "no_matching_terminal", "No terminal is available."),
            Fault::InsufficientFunds => short(&faults),
            Fault::ExecuteError if drawn.nth.is_multiple_of(2) => {
                (StatusCode::BAD_GATEWAY, [(header::CONTENT_TYPE, HeaderValue::from_static("text/html"))], PAGE)
                    .into_response()
            }
            Fault::ExecuteError => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Fault::ExecuteHtml => {
                ([(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))], PAGE).into_response()
            }
            Fault::ExecuteTimeout => {
                tokio::time::sleep(Duration::from_millis(parameters.hold_ms)).await;
                cut(wire)
            }
            Fault::ExecuteHalf | Fault::HalfAnswer => {
                let mut half = good;
                let whole = half.len();
                let mut middle = whole / 2;
                while !half.is_char_boundary(middle) {
                    middle -= 1;
                }
                half.truncate(middle);
                if drawn.nth.is_multiple_of(2) { json(status, half) } else { broken(half, whole) }
            }
            _ => json(status, good),
        }
    }
}

/// Not enough money to pay out (provider facts, section 6.2).
pub(super) fn short(faults: &Faults) -> Response {
    execute(faults, "insufficient_funds", "Insufficient funds to proceed with operation.")
}

/// No answer: the connection is cut.
fn cut(wire: Option<Wire>) -> Response {
    if let Some(wire) = wire {
        wire.cut();
    }
    // Without the handle (another server's listener) a broken body is the nearest there is.
    broken(String::new(), 1)
}

/// An answer that promises `length` bytes, sends `start` and then cuts the connection.
fn broken(start: String, length: usize) -> Response {
    let parts = [Ok(Bytes::from(start)), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
    let mut response = Response::new(Body::from_stream(stream::iter(parts)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}
