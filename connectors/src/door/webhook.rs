//! `POST /webhooks/{connection}`: what a provider pushes.
//!
//! Order: connection (404) -> declared size, headers (413, 415) -> what the headers alone show of authenticity (401, and
//! no row) -> body up to the limit (413, 408) -> signature over the raw body (401, and no row; 503 where too many wait
//! for it) -> inbox commit (503) -> 204. What the bytes mean is looked at later, by another loop: an authentic body that
//! nobody can read or that says nothing is still stored and answered with 2xx. A provider that delivers in order would
//! otherwise hold back what comes after it, for days.
//!
//! Authenticity of a hint: the configured static header, exactly once, equal to one of the active values, compared in
//! constant time. Of a signature: [`crate::verify`], with any of the connection's keys. A connector that takes no pushes
//! has no such endpoint: 404 `no_push`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use ensimbi_events::codes::Problem;
use ensimbi_events::{ConnectionId, EvidenceClass};
use ensimbi_vault::same;
use futures_util::StreamExt;
use secrecy::ExposeSecret;

use super::connections::{CALLBACK_HEADER, Connection, find};
use super::problem::problem;
use super::{Door, DoorError};
use crate::connector::Authenticity;
use crate::verify::Unverified;

/// Kind of bytes of every push.
pub const WEBHOOK: &str = "webhook";
/// Largest body of a push, in bytes.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// All header names and values together, in bytes.
pub const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Times a write is repeated that another writer was in the way of.
const WRITE_TRIES: u32 = 3;

/// The route.
pub(crate) fn router(door: Arc<Door>) -> Router {
    let wrong_method =
        async || problem(StatusCode::METHOD_NOT_ALLOWED, Problem::MethodNotAllowed, "this route takes POST only");
    Router::new().route("/webhooks/{connection}", post(receive).fallback(wrong_method)).with_state(door)
}

async fn receive(State(door): State<Arc<Door>>, Path(id): Path<String>, headers: HeaderMap, body: Body) -> Response {
    match take(&door, &id, &headers, body).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(response) => *response,
    }
}

type Refused = Box<Response>;

fn refuse(status: StatusCode, code: Problem, detail: &str) -> Refused {
    Box::new(problem(status, code, detail))
}

async fn take(door: &Door, id: &str, headers: &HeaderMap, body: Body) -> Result<(), Refused> {
    let unknown = || refuse(StatusCode::NOT_FOUND, Problem::UnknownConnection, "no connection has this id");
    // The canonical form only: one connection has one address.
    let id: ConnectionId =
        id.parse().ok().filter(|parsed: &ConnectionId| parsed.to_string() == id).ok_or_else(unknown)?;
    let connection = find(&door.connections, id).ok_or_else(unknown)?;
    check_headers(headers)?;
    let shown = authenticate(connection, headers)?;
    let body = Bytes::from(read(body, door.tuning.body_timeout).await?);
    let class = match shown {
        Shown::Hint => EvidenceClass::Hint,
        Shown::Signature(signature) => {
            verify(door, connection, &body, signature).await?;
            EvidenceClass::Signed
        }
    };
    if body.is_empty() {
        return Err(refuse(StatusCode::BAD_REQUEST, Problem::InvalidBody, "the body is empty"));
    }
    let mut tries = 0;
    loop {
        tries += 1;
        match store(door, connection, class, &body).await {
            Ok(()) => return Ok(()),
            Err(why) if why.is_conflict() && tries < WRITE_TRIES => {}
            Err(why) => {
                tracing::error!(connection = %id, %why, "a webhook could not be stored");
                let text = "the message could not be stored; send it again";
                return Err(refuse(StatusCode::SERVICE_UNAVAILABLE, Problem::Unavailable, text));
            }
        }
    }
}

fn too_large() -> Refused {
    refuse(StatusCode::PAYLOAD_TOO_LARGE, Problem::TooLarge, "a body has at most 262144 bytes, all headers 16384")
}

fn check_headers(headers: &HeaderMap) -> Result<(), Refused> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if bytes > HEADER_BYTES_MAX || declared.is_some_and(|length| length > BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    let encoding = headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let text = "bodies are taken as they are, without content encoding";
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, Problem::InvalidBody, text));
    }
    Ok(())
}

/// What the headers show.
enum Shown<'a> {
    /// The static header is right; the body proves nothing.
    Hint,
    /// A signature, still to be verified.
    Signature(&'a [u8]),
}

fn forged() -> Refused {
    refuse(StatusCode::UNAUTHORIZED, Problem::NotAuthentic, "the message is not authentic")
}

fn authenticate<'a>(connection: &Connection, headers: &'a HeaderMap) -> Result<Shown<'a>, Refused> {
    match connection.connector.authenticity() {
        Authenticity::NoPush => Err(refuse(StatusCode::NOT_FOUND, Problem::NoPush, "this connection takes no pushes")),
        Authenticity::Signed(scheme) => scheme.signature(headers).map(Shown::Signature).map_err(|_| forged()),
        Authenticity::Hint => {
            let name = connection.settings.options.get(CALLBACK_HEADER).ok_or_else(forged)?;
            let mut given = headers.get_all(name.as_str()).iter();
            let (Some(value), None) = (given.next(), given.next()) else { return Err(forged()) };
            // All values are compared, so the time does not tell which one is active.
            let equal = connection
                .callback_values()
                .fold(false, |equal, active| same(active.expose_secret().as_bytes(), value.as_bytes()) | equal);
            if equal { Ok(Shown::Hint) } else { Err(forged()) }
        }
    }
}

async fn verify(door: &Door, connection: &Connection, body: &Bytes, signature: &[u8]) -> Result<(), Refused> {
    let keys = connection.keys().ok_or_else(forged)?;
    match door.verifier.verify(&keys, body.clone(), signature).await {
        Ok(_) => Ok(()),
        Err(Unverified::NotAuthentic(why)) => {
            tracing::debug!(connection = %connection.id, %why, "a push is not authentic");
            Err(forged())
        }
        Err(why) => {
            tracing::warn!(connection = %connection.id, %why, "a push could not be verified");
            let text = "too many messages wait for verification; send it again";
            Err(refuse(StatusCode::SERVICE_UNAVAILABLE, Problem::Unavailable, text))
        }
    }
}

async fn read(body: Body, within: Duration) -> Result<Vec<u8>, Refused> {
    let whole = async {
        let mut pieces = body.into_data_stream();
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.next().await {
            let piece: Bytes =
                piece.map_err(|_| refuse(StatusCode::BAD_REQUEST, Problem::InvalidBody, "the body broke off"))?;
            if bytes.len() + piece.len() > BODY_BYTES_MAX {
                return Err(too_large());
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    };
    let late = |_| refuse(StatusCode::REQUEST_TIMEOUT, Problem::Timeout, "the body took too long");
    tokio::time::timeout(within, whole).await.map_err(late)?
}

async fn store(door: &Door, connection: &Connection, class: EvidenceClass, body: &[u8]) -> Result<(), DoorError> {
    let observation = door.observe(connection.id, WEBHOOK, class, body)?;
    let mut tx = door.store.write().await?;
    let (_, new) = door.keep(&mut tx, observation).await?;
    tx.commit().await?;
    if new {
        door.wake.inbox.notify_one();
    }
    Ok(())
}
