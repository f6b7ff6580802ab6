//! Faulty answers: the gate that decides on one, and how each looks on the wire.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use sqlx::SqliteConnection;

use super::IotecSimulator;
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
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))], text)
        .into_response()
}

/// 400 as documented (provider facts, section 12).
pub(super) fn bad_request(message: &str) -> Response {
    json(StatusCode::BAD_REQUEST, serde_json::json!({"message": message, "code": "BadRequest"}).to_string())
}

impl IotecSimulator {
    /// 401 or 404, with the documented body or none.
    pub(super) fn refusal(&self, status: StatusCode) -> Response {
        if self.faults().switches.empty_error_bodies {
            return status.into_response();
        }
        json(status, serde_json::json!({"statusCode": status.as_u16()}).to_string())
    }

    /// The answer as the fault makes it. `good` is the whole JSON text of a good one.
    pub(super) async fn spoil(&self, drawn: Drawn, good: String, wire: Option<Wire>) -> Response {
        let parameters = self.faults().parameters;
        match drawn.fault {
            Fault::RateLimited => {
                let wait = HeaderValue::from(parameters.retry_after_seconds);
                (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, wait)]).into_response()
            }
            Fault::ServerError => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Fault::UnauthorizedMidRun => self.refusal(StatusCode::UNAUTHORIZED),
            Fault::ErrorAfterAcceptance if drawn.nth.is_multiple_of(2) => {
                (StatusCode::BAD_GATEWAY, [(header::CONTENT_TYPE, HeaderValue::from_static("text/html"))], PAGE)
                    .into_response()
            }
            Fault::ErrorAfterAcceptance => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Fault::HtmlAnswer => {
                ([(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))], PAGE).into_response()
            }
            Fault::TimeoutAfterAcceptance => {
                tokio::time::sleep(Duration::from_millis(parameters.hold_ms)).await;
                cut(wire)
            }
            Fault::CutBeforeAcceptance => cut(wire),
            Fault::HalfAnswer => {
                let mut half = good;
                let whole = half.len();
                let mut middle = whole / 2;
                while !half.is_char_boundary(middle) {
                    middle -= 1;
                }
                half.truncate(middle);
                if drawn.nth.is_multiple_of(2) { json(StatusCode::OK, half) } else { broken(half, whole) }
            }
            _ => json(StatusCode::OK, good),
        }
    }
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
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}
