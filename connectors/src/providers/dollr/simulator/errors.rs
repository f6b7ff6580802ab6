//! Refusals and their bodies (provider facts, section 13 and rows 9 and 10 of section 14).

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::faults::Faults;
use super::switches::{DetailForm, Switches};
use crate::simulator::{SimulatorError, wrong};

/// Content type of the provider's JSON.
pub(super) const JSON: &str = "application/json";

/// What is wrong with one place of a request.
#[derive(Debug, Clone)]
pub(super) struct Wrong {
    /// `body` or `query` first, then names and places in lists.
    loc: Vec<Value>,
    msg: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Missing,
    Type,
    Value,
}

impl Wrong {
    pub(super) fn missing(loc: Vec<Value>) -> Self {
        Self { loc, msg: "field required", kind: Kind::Missing }
    }

    /// Not of the type that was expected.
    pub(super) fn of_type(loc: Vec<Value>, msg: &'static str) -> Self {
        Self { loc, msg, kind: Kind::Type }
    }

    /// Of the right type, but not possible.
    pub(super) fn value(loc: Vec<Value>, msg: &'static str) -> Self {
        Self { loc, msg, kind: Kind::Value }
    }

    fn json(&self, switches: &Switches) -> Value {
        let kind = match (self.kind, switches.newer_errors) {
            (Kind::Missing, true) => "missing",
            (Kind::Missing, false) => "value_error.missing",
            (Kind::Type, _) => "type_error",
            (Kind::Value, _) => "value_error",
        };
        if switches.newer_errors {
            let msg = if self.kind == Kind::Missing { "Field required" } else { self.msg };
            return json!({"type": kind, "loc": self.loc, "msg": msg, "input": null});
        }
        json!({"loc": self.loc, "msg": self.msg, "type": kind})
    }
}

/// A refusal.
#[derive(Debug)]
pub(super) enum Refusal {
    /// 422.
    Invalid(Vec<Wrong>),
    /// Any other code, with a text.
    Plain(StatusCode, &'static str),
}

impl Refusal {
    /// 422 about one field of the body.
    pub(super) fn body(field: &'static str, msg: &'static str) -> Self {
        Self::Invalid(vec![Wrong::value(vec!["body".into(), field.into()], msg)])
    }

    /// 422 about one part of the query or the path.
    pub(super) fn at(place: &'static str, field: &str, msg: &'static str) -> Self {
        Self::Invalid(vec![Wrong::value(vec![place.into(), field.into()], msg)])
    }

    pub(super) const fn not_found() -> Self {
        Self::Plain(StatusCode::NOT_FOUND, "Not found")
    }

    pub(super) const fn forbidden(text: &'static str) -> Self {
        Self::Plain(StatusCode::FORBIDDEN, text)
    }

    pub(super) const fn unauthorized() -> Self {
        Self::Plain(StatusCode::UNAUTHORIZED, "Could not validate credentials")
    }

    pub(super) fn response(&self, faults: &Faults) -> Response {
        let switches = &faults.switches;
        let (status, detail) = match self {
            Self::Invalid(wrongs) if switches.detail == DetailForm::Text => {
                let text = wrongs.first().map_or("invalid", |wrong| wrong.msg);
                (StatusCode::UNPROCESSABLE_ENTITY, json!(text))
            }
            Self::Invalid(wrongs) => {
                let list: Vec<Value> = wrongs.iter().map(|wrong| wrong.json(switches)).collect();
                (StatusCode::UNPROCESSABLE_ENTITY, json!(list))
            }
            Self::Plain(status, _) if switches.empty_refusals && *status != StatusCode::UNAUTHORIZED => {
                return status.into_response();
            }
            Self::Plain(status, text) if switches.detail == DetailForm::List => {
                (*status, json!([{"loc": [], "msg": text, "type": "error"}]))
            }
            Self::Plain(status, text) => (*status, json!(text)),
        };
        wrong::json(JSON, status, json!({ "detail": detail }).to_string())
    }
}

/// Why an endpoint did not do its work.
#[derive(Debug)]
pub(super) enum Stop {
    Refused(Refusal),
    Broken(SimulatorError),
}

/// What an endpoint comes to.
pub(super) type Done<T> = std::result::Result<T, Stop>;

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<SimulatorError> for Stop {
    fn from(error: SimulatorError) -> Self {
        Self::Broken(error)
    }
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Self::Broken(error.into())
    }
}

pub(super) fn damaged(text: &str) -> SimulatorError {
    SimulatorError::Damaged(text.to_owned())
}
