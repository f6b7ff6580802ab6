//! Refusals and their bodies (provider facts, section 13 and the last rows of 15).

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::faults::Faults;
use super::switches::ErrorShape;
use super::wrong::json as answer;

/// What is wrong with one field, or with none of them (`__all__`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) field: &'static str,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Wrong {
    pub(super) fn field(field: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self { field, code, message: message.into() }
    }

    pub(super) fn whole(code: &'static str, message: impl Into<String>) -> Self {
        Self::field("__all__", code, message)
    }

    pub(super) fn required(field: &'static str) -> Self {
        Self::field(field, "required", "This field is required.")
    }

    pub(super) fn invalid(field: &'static str) -> Self {
        Self::field(field, "invalid", "A valid value is required.")
    }
}

/// 400 (or another code) with the map of fields.
pub(super) fn refused(faults: &Faults, status: StatusCode, wrongs: &[Wrong]) -> Response {
    let mut map = Map::new();
    for wrong in wrongs {
        let one = json!({"message": wrong.message, "code": wrong.code});
        match map.get_mut(wrong.field) {
            Some(Value::Array(list)) => list.push(one),
            Some(_) => {}
            None if wrong.field == "__all__" && faults.switches.error_shape == ErrorShape::Object => {
                map.insert(wrong.field.to_owned(), one);
            }
            None => {
                map.insert(wrong.field.to_owned(), Value::Array(vec![one]));
            }
        }
    }
    answer(status, Value::Object(map).to_string())
}

pub(super) fn not_found(faults: &Faults) -> Response {
    refused(faults, StatusCode::NOT_FOUND, &[Wrong::whole("not_found", "Not found.")])
}

pub(super) fn unauthorised(faults: &Faults) -> Response {
    let message = "Authentication credentials were not provided or are invalid.";
    if faults.switches.detail_on_401 {
        return answer(StatusCode::UNAUTHORIZED, json!({"detail": message}).to_string());
    }
    refused(faults, StatusCode::UNAUTHORIZED, &[Wrong::whole("authentication_failed", message)])
}

/// The error of an execute call: with 200, unless the switch says otherwise.
pub(super) fn execute(faults: &Faults, code: &str, message: &str) -> Response {
    let status = if faults.switches.execute_errors_as_400 { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    answer(status, json!({"status": "error", "error": {"code": code, "message": message}}).to_string())
}

pub(super) fn gone() -> Response {
    StatusCode::NOT_FOUND.into_response()
}
