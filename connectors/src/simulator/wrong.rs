//! How wrong answers look on the wire, the same for every provider. Which fault makes which of them is the provider's to
//! say ([`Machine::wrong`](super::work::Machine::wrong)).

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::faults::Figures;
use super::listener::Wire;

const PAGE: &str =
    "<!DOCTYPE html><html><head><title>Service notice</title></head><body>Please try again.</body></html>";

/// What a fault makes of an answer.
pub enum Wrong {
    /// 429 with `Retry-After`.
    RateLimited,
    /// 503 with an empty body.
    Unavailable,
    /// 500 with an empty body, every second time 502 with a page of HTML.
    Error,
    /// 200 with a page of HTML.
    Html,
    /// The connection is held, then cut.
    Timeout,
    /// The connection is cut at once.
    Cut,
    /// Half of the good body: cut off, every second time short and complete on the wire.
    Half,
    /// Something of the provider's own.
    Instead(Response),
    /// The fault is in the body already, or shows elsewhere.
    Nothing,
}

impl Wrong {
    /// What a fault makes of an answer that goes by one of the names that mean the same at every provider.
    pub fn usual(fault: &str) -> Self {
        match fault {
            "rate_limited" => Self::RateLimited,
            "server_error" => Self::Unavailable,
            "error_after_acceptance" => Self::Error,
            "html_answer" => Self::Html,
            "timeout_after_acceptance" => Self::Timeout,
            "cut_before_acceptance" => Self::Cut,
            "half_answer" => Self::Half,
            _ => Self::Nothing,
        }
    }
}

/// A good answer.
pub struct Good {
    /// Its code.
    pub status: StatusCode,
    /// Its content type.
    pub content_type: &'static str,
    /// Its whole text.
    pub text: String,
}

/// A JSON answer under the provider's own content type.
pub fn json(content_type: &'static str, status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static(content_type))], text).into_response()
}

/// The answer as the fault makes it, the `nth` about its object.
pub async fn answer<P: Figures>(wrong: Wrong, nth: u64, figures: &P, good: Good, wire: Option<Wire>) -> Response {
    let second = nth.is_multiple_of(2);
    let Good { status, content_type, text } = good;
    match wrong {
        Wrong::RateLimited => {
            let wait = HeaderValue::from(figures.retry_after_seconds());
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, wait)]).into_response()
        }
        Wrong::Unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Wrong::Error if second => json("text/html", StatusCode::BAD_GATEWAY, PAGE.to_owned()),
        Wrong::Error => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Wrong::Html => json("text/html; charset=utf-8", StatusCode::OK, PAGE.to_owned()),
        Wrong::Timeout => {
            tokio::time::sleep(Duration::from_millis(figures.hold_ms())).await;
            cut(content_type, wire)
        }
        Wrong::Cut => cut(content_type, wire),
        Wrong::Half => {
            let whole = text.len();
            let half = half(text);
            if second { json(content_type, status, half) } else { broken(content_type, half, whole) }
        }
        Wrong::Instead(response) => response,
        Wrong::Nothing => json(content_type, status, text),
    }
}

fn half(mut text: String) -> String {
    let mut middle = text.len() / 2;
    while !text.is_char_boundary(middle) {
        middle -= 1;
    }
    text.truncate(middle);
    text
}

/// No answer: the connection is cut.
fn cut(content_type: &'static str, wire: Option<Wire>) -> Response {
    if let Some(wire) = wire {
        wire.cut();
    }
    // Without the handle (another server's listener) a broken body is the nearest there is.
    broken(content_type, String::new(), 1)
}

/// An answer that promises `length` bytes, sends `start` and then cuts the connection.
fn broken(content_type: &'static str, start: String, length: usize) -> Response {
    let parts = [Ok(Bytes::from(start)), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
    let mut response = Response::new(Body::from_stream(stream::iter(parts)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}
