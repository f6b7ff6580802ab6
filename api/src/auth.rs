//! Who asks: every `/v1` route needs a key, and a key opens one book.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ensimbi_events::codes::Problem;
use ensimbi_events::{BookId, ConnectionId};

use crate::problem::ApiError;
use crate::routes::observations;
use crate::{ApiState, keys};

/// Who acts with the request's key: an id, never a name.
#[derive(Debug, Clone)]
pub struct Actor(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthorized)
    }
}

/// The connection whose observations the request's key may post.
#[derive(Debug, Clone, Copy)]
pub struct Connector(pub ConnectionId);

impl<S: Send + Sync> FromRequestParts<S> for Connector {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().copied().ok_or_else(|| {
            let detail =
                "observations are posted with a connector's own key: `ensimbi keys add LABEL --connection SLUG`";
            ApiError::new(Problem::Forbidden, detail)
        })
    }
}

/// The book that the request's key opens.
#[derive(Debug, Clone, Copy)]
pub struct Tenant(pub BookId);

impl<S: Send + Sync> FromRequestParts<S> for Tenant {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // Set by `require`; a route outside it is a mistake of ours, and closed.
        parts.extensions.get::<Self>().copied().ok_or_else(unauthorized)
    }
}

fn unauthorized() -> ApiError {
    ApiError::new(Problem::Unauthorized, "send a valid API key as `Authorization: Bearer ens_...`")
}

/// Lets requests with a valid key through. One answer for every reason, so that nothing can be told apart.
pub async fn require(State(state): State<ApiState>, mut request: Request, next: Next) -> Response {
    let opened = match key_hash(request.headers()) {
        // Looked up by hash: how long the look-up takes says nothing about the key.
        Some(hash) => state.keys.opened_by(&hash).await,
        None => Ok(None),
    };
    match opened {
        Ok(Some(opened)) => {
            if let Some(connection) = opened.connection {
                if request.uri().path() != observations::PATH {
                    let detail = "a connector's key opens the observations of its connection and nothing else";
                    return ApiError::new(Problem::Forbidden, detail).into_response();
                }
                request.extensions_mut().insert(Connector(connection));
            }
            request.extensions_mut().insert(Tenant(opened.book));
            request.extensions_mut().insert(Actor(opened.actor_id));
            next.run(request).await
        }
        Ok(None) => unauthorized().into_response(),
        Err(error) => ApiError::from(error).into_response(),
    }
}

fn key_hash(headers: &HeaderMap) -> Option<[u8; 32]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && keys::is_key(key)).then(|| keys::hash(key))
}
