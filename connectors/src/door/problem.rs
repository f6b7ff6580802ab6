//! Errors at the edge as RFC 9457 `application/problem+json`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ensimbi_events::codes::Problem;

/// Seconds after which a caller may come again when the store is down.
const RETRY_AFTER: &str = "5";

/// An error answer; `detail` is for people and never holds what was sent.
pub(crate) fn problem(status: StatusCode, code: Problem, detail: &str) -> Response {
    let body = serde_json::json!({
        "type": (["urn:ensimbi:problem:", code.as_str()].concat()),
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "code": code.as_str(),
        "detail": detail,
    });
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    }
    response
}
