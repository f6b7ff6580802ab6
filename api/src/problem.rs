//! Errors as RFC 9457 `application/problem+json`, with stable codes (`ensimbi_events::codes::Problem`).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ensimbi_events::codes::{Problem, Refusal};
use ensimbi_events::ports::ReadError;
use ensimbi_projections::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

/// Seconds after which a caller may come again when a store is down.
const RETRY_AFTER: &str = "5";

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `urn:ensimbi:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status again.
    pub status: u16,
    /// What is wrong, for a person.
    pub detail: String,
    /// The stable word for machines.
    pub code: String,
    /// The query or path parameter or header that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// The field of the body that is wrong, with dots inside objects: `payer.phone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The ledger's own word, where it refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// What would have been understood, where the code is `unknown_value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<String>>,
}

/// Why a request is not answered with what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    code: Problem,
    detail: String,
    parameter: Option<String>,
    field: Option<String>,
    refusal: Option<Refusal>,
    allowed: Option<Vec<String>>,
}

impl ApiError {
    /// With a code and words for a person; never with what a store or a caller's secret says.
    pub fn new(code: Problem, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), parameter: None, field: None, refusal: None, allowed: None }
    }

    /// A parameter that is known, and whose value is not valid.
    pub fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self::about(Problem::InvalidParameter, name, detail)
    }

    /// A problem about a parameter, with a code of its own.
    pub fn about(code: Problem, name: &str, detail: impl Into<String>) -> Self {
        Self { parameter: Some(name.to_owned()), ..Self::new(code, detail) }
    }

    /// A parameter, or its value, that nothing here is called; with everything that would be understood.
    pub fn unknown(
        name: &str,
        detail: impl Into<String>,
        allowed: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self::about(Problem::UnknownValue, name, detail).allowing(allowed)
    }

    /// The same problem, saying what would have been understood.
    #[must_use]
    pub fn allowing(self, allowed: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { allowed: Some(allowed.into_iter().map(Into::into).collect()), ..self }
    }

    /// A field of the body that is wrong.
    pub fn field(code: Problem, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: Some(name.into()), ..Self::new(code, detail) }
    }

    /// What the ledger refused, in its own word.
    pub fn refused(code: Problem, refusal: Refusal, field: Option<&str>, detail: impl Into<String>) -> Self {
        Self { refusal: Some(refusal), field: field.map(str::to_owned), ..Self::new(code, detail) }
    }

    /// No such thing in this book.
    pub fn not_found(what: &str) -> Self {
        Self::new(Problem::NotFound, format!("there is no such {what} in this book"))
    }

    /// Something of ours broke; the reason goes to the log only.
    pub fn internal(reason: &dyn std::fmt::Display) -> Self {
        tracing::error!(%reason, "a request failed");
        Self::new(Problem::Internal, "something broke here; it is logged under the request's id")
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(reason) => unavailable(&reason),
            ReadError::Damaged(_) => Self::internal(&error),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(reason) => unavailable(&reason),
            other => Self::internal(&other),
        }
    }
}

/// Something that is needed does not answer; the reason goes to the log only.
pub(crate) fn unavailable(reason: &str) -> ApiError {
    tracing::warn!(reason, "a store does not answer");
    ApiError::new(Problem::Unavailable, "a store does not answer; try again")
}

/// The HTTP status of a code.
pub const fn status(code: Problem) -> StatusCode {
    match code {
        Problem::Unauthorized | Problem::NotAuthentic => StatusCode::UNAUTHORIZED,
        Problem::Forbidden => StatusCode::FORBIDDEN,
        Problem::NotFound
        | Problem::UnknownConnection
        | Problem::UnknownWallet
        | Problem::UnknownBank
        | Problem::NoPush => StatusCode::NOT_FOUND,
        Problem::InvalidParameter
        | Problem::WrongCursor
        | Problem::InvalidBody
        | Problem::InvalidAmount
        | Problem::WrongCurrency
        | Problem::InvalidPhone
        | Problem::InvalidAccount
        | Problem::NotOffered
        | Problem::InsufficientAvailable
        | Problem::LimitExceeded
        | Problem::Unbalanced
        | Problem::MemoAlone
        | Problem::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Problem::IdempotencyKeyMissing | Problem::UnknownValue | Problem::InvalidRange => StatusCode::BAD_REQUEST,
        Problem::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Problem::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Problem::Unavailable | Problem::ProjectionStopped => StatusCode::SERVICE_UNAVAILABLE,
        Problem::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Problem::IdempotencyConflict
        | Problem::WrongState
        | Problem::PeriodClosed
        | Problem::ApprovalNeeded
        | Problem::AlreadyReversed => StatusCode::CONFLICT,
        Problem::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The code of a status that a library answered by itself.
pub fn code_of(status: StatusCode) -> Problem {
    match status {
        StatusCode::UNAUTHORIZED => Problem::Unauthorized,
        StatusCode::FORBIDDEN => Problem::Forbidden,
        StatusCode::NOT_FOUND => Problem::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Problem::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge,
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => Problem::Timeout,
        StatusCode::SERVICE_UNAVAILABLE => Problem::Unavailable,
        status if status.is_client_error() => Problem::InvalidParameter,
        _ => Problem::Internal,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = status(self.code);
        let body = ProblemBody {
            kind: ["urn:ensimbi:problem:", self.code.as_str()].concat(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: self.detail,
            code: self.code.as_str().to_owned(),
            parameter: self.parameter,
            field: self.field,
            refusal: self.refusal.map(|word| word.as_str().to_owned()),
            allowed: self.allowed,
        };
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        }
        if self.code == Problem::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
