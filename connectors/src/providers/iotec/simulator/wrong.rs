//! The provider's JSON answers and its refusals.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::IotecSimulator;
use super::faults::Fault;
use crate::simulator::{faults, wrong};

pub(super) type Drawn = faults::Drawn<Fault>;

/// Content type of the provider's JSON.
pub(super) const JSON: &str = "application/json; charset=utf-8";

/// A JSON answer.
pub(super) fn json(status: StatusCode, text: String) -> Response {
    wrong::json(JSON, status, text)
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
}
