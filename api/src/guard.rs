//! What surrounds every request: an id, limits, a deadline, a net for panics, and problems instead of plain text.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ensimbi_events::codes::Problem;
use ensimbi_events::ports::new_uuid;
use futures_util::FutureExt;
use tokio::sync::Semaphore;

use crate::ApiState;
use crate::problem::{ApiError, code_of};
use crate::routes::observations;

/// Longest time for one request; real time.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// Requests at work at once; more are turned away.
pub const IN_FLIGHT_MAX: usize = 256;
/// Longest path with query, in bytes.
const URI_MAX: usize = 8_000;
/// Largest body of a command, in bytes.
pub const BODY_MAX: u64 = 64 * 1024;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// State of the guard.
#[derive(Clone)]
pub struct Guard {
    state: ApiState,
    in_flight: Arc<Semaphore>,
}

impl Guard {
    /// Around this state.
    pub fn new(state: ApiState) -> Self {
        Self { state, in_flight: Arc::new(Semaphore::new(IN_FLIGHT_MAX)) }
    }
}

/// The middleware.
pub async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let id = request_id(&guard.state, request.headers());
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let answer = inside(&guard, request, next).await.unwrap_or_else(IntoResponse::into_response);
    let mut response = as_problem(answer);
    // The matched pattern, never the path or query as sent.
    tracing::debug!(
        request_id = id.to_str().unwrap_or_default(),
        route = path.as_deref().unwrap_or("none"),
        status = response.status().as_u16(),
        "answered"
    );
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID.clone(), id);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

async fn inside(guard: &Guard, request: Request, next: Next) -> Result<Response, ApiError> {
    let uri = request.uri();
    if uri.path().len() + uri.query().map_or(0, str::len) > URI_MAX {
        return Err(ApiError::new(Problem::InvalidParameter, format!("path and query are over {URI_MAX} bytes")));
    }
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok()).unwrap_or(0);
    let most = if uri.path() == observations::PATH { observations::BODY_MAX } else { BODY_MAX };
    if length > most {
        return Err(ApiError::new(Problem::TooLarge, format!("the body is over {most} bytes")));
    }
    let busy = |_| ApiError::new(Problem::Unavailable, "too many requests are at work; try again");
    let _permit = guard.in_flight.try_acquire().map_err(busy)?;
    match tokio::time::timeout(DEADLINE, AssertUnwindSafe(next.run(request)).catch_unwind()).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(_)) => Err(ApiError::internal(&"a handler panicked")),
        Err(_) => Err(ApiError::new(Problem::Timeout, "the request took too long")),
    }
}

/// The caller's own id if it is short and plain, else a new one.
fn request_id(state: &ApiState, headers: &HeaderMap) -> HeaderValue {
    let plain = |text: &str| {
        (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let given = headers.get(&REQUEST_ID).filter(|value| value.to_str().is_ok_and(plain));
    given.cloned().unwrap_or_else(|| {
        let id = new_uuid(state.clock.as_ref(), state.entropy.as_ref()).to_string();
        HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("none"))
    })
}

/// A library's own plain error becomes a problem.
fn as_problem(response: Response) -> Response {
    let status = response.status();
    let ours = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    let fine = !status.is_client_error() && !status.is_server_error();
    if fine || ours || response.extensions().get::<NotAProblem>().is_some() {
        return response;
    }
    let mut problem = ApiError::new(code_of(status), status.canonical_reason().unwrap_or("Error")).into_response();
    if let Some(allow) = response.headers().get(header::ALLOW) {
        problem.headers_mut().insert(header::ALLOW, allow.clone());
    }
    problem
}

/// Marks an answer whose error status belongs to it, such as a readiness report.
#[derive(Debug, Clone, Copy)]
pub struct NotAProblem;

/// For paths that nobody has.
pub async fn no_route() -> ApiError {
    ApiError::new(Problem::NotFound, "there is no such path; see /docs")
}

/// For methods that a path does not have.
pub async fn no_method() -> (StatusCode, &'static str) {
    // `as_problem` keeps the `Allow` header that the router adds.
    (StatusCode::METHOD_NOT_ALLOWED, "")
}
