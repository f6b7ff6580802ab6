//! What the paths of every simulator have in common: who calls, what a handler's work comes to, and the answer.
//!
//! A handler counts itself busy ([`Core::busy`](super::core::Core::busy)), does its work up to the commit, and gives its
//! [`Outcome`] to [`finish`], which answers, or fails to where a fault says so.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::control;
use super::faults::Drawn;
use super::listener::Wire;
use super::work::Machine;
use super::wrong::{self, Good};
use super::{Result, SimulatorError};

/// Largest request body.
const BODY_MAX: usize = 64 * 1024;

/// The provider's paths and, under `/_sim/`, the control. Best served by [`serve`](super::work::serve), which lets a
/// fault cut a connection; under another server such a connection ends in a broken body.
pub fn router<M: Machine>(sim: &Arc<M>) -> Router {
    M::routes().merge(control::routes::<M>()).layer(DefaultBodyLimit::max(BODY_MAX)).with_state(sim.clone())
}

/// Who calls.
pub struct Caller {
    /// The header `Authorization` as sent: a secret.
    authorization: Option<String>,
    /// The handle of the connection, where [`serve`](super::work::serve) serves.
    pub wire: Option<Wire>,
}

impl Caller {
    /// The header `Authorization` whole, where it is text.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// The token after `Bearer `.
    pub fn bearer(&self) -> Option<&str> {
        self.authorization()?.strip_prefix("Bearer ")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Infallible> {
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let wire = parts.extensions.get::<ConnectInfo<Wire>>().map(|info| info.0.clone());
        Ok(Self { authorization: value.map(str::to_owned), wire })
    }
}

/// What a handler's work came to.
pub enum Outcome<F> {
    /// A good JSON body.
    Good(StatusCode, String),
    /// A good one, which a fault makes wrong.
    Spoilt(Drawn<F>, StatusCode, String),
    /// Anything else.
    Refused(Response),
}

impl<F> Outcome<F> {
    /// Good, or spoilt where a fault was drawn.
    pub fn of(drawn: Option<Drawn<F>>, status: StatusCode, text: String) -> Self {
        match drawn {
            Some(drawn) => Self::Spoilt(drawn, status, text),
            None => Self::Good(status, text),
        }
    }
}

/// Answers; `wire` is the [`Caller`]'s.
pub async fn finish<M: Machine>(sim: &M, wire: Option<Wire>, outcome: Result<Outcome<M::Fault>>) -> Response {
    match outcome {
        Ok(Outcome::Good(status, text)) => wrong::json(M::JSON, status, text),
        Ok(Outcome::Spoilt(drawn, status, text)) => {
            let wrong = sim.wrong(drawn, &text);
            let good = Good { status, content_type: M::JSON, text };
            let faults = sim.core().faults();
            wrong::answer(wrong, drawn.nth, &faults.parameters, good, wire).await
        }
        Ok(Outcome::Refused(response)) => response,
        Err(error) => failed::<M>(&error),
    }
}

/// 500, and a line in the log.
pub fn failed<M: Machine>(error: &SimulatorError) -> Response {
    tracing::error!(%error, provider = M::NAME, "a request to a simulator failed");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
