//! A request that records something: who sent it, under which `Idempotency-Key`, and its body.
//!
//! Order: the key (obligatory, once, plain) -> no query -> the body's type and size. What the body says is read by the
//! route ([`crate::body`]).

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::{HeaderMap, HeaderName, header};
use ensimbi_events::codes::Problem;
use ensimbi_events::commands::{KEY_MAX, Origin};
use ensimbi_events::ids::intent_id;
use ensimbi_events::{BookId, SubjectId};
use serde::Serialize;

use crate::ApiState;
use crate::auth::{Actor, Tenant};
use crate::body::Object;
use crate::guard::BODY_MAX;
use crate::params::RawParams;
use crate::problem::ApiError;

/// The header's name.
pub static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A command as it was sent.
pub struct Sent {
    /// The caller's book and key.
    pub origin: Origin,
    /// Who acts: an id, never a name.
    pub actor_id: String,
    /// The ids in the path: another path with the same key is another command.
    path: Vec<(String, String)>,
    bytes: Vec<u8>,
}

impl FromRequest<ApiState> for Sent {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let Tenant(book) = Tenant::from_request_parts(&mut parts, state).await?;
        let Actor(actor_id) = Actor::from_request_parts(&mut parts, state).await?;
        let idempotency_key = idempotency_key(&parts.headers)?;
        RawParams::from_request_parts(&mut parts, state).await?.only(&[])?;
        let path = Path::<Vec<(String, String)>>::from_request_parts(&mut parts, state).await;
        let path = path.map_or_else(|_| Vec::new(), |Path(pairs)| pairs);
        let limit = usize::try_from(BODY_MAX).unwrap_or(usize::MAX);
        // A body without a length is cut off here; one with a length never came so far.
        let too_large =
            |_| ApiError::new(Problem::TooLarge, format!("the body is over {BODY_MAX} bytes, or broke off"));
        let bytes = to_bytes(body, limit).await.map_err(too_large)?.to_vec();
        if !bytes.is_empty() && !is_json(&parts.headers) {
            let detail = "Content-Type: expected application/json, in UTF-8 and without a Content-Encoding";
            return Err(ApiError::new(Problem::InvalidBody, detail));
        }
        Ok(Self { origin: Origin { book, idempotency_key }, actor_id, path, bytes })
    }
}

impl Sent {
    /// The caller's book.
    pub fn book(&self) -> BookId {
        self.origin.book
    }

    /// The body, which must be there.
    ///
    /// # Errors
    /// `invalid_body`.
    pub fn object(&self) -> Result<Object<'_>, ApiError> {
        if self.bytes.is_empty() {
            return Err(ApiError::new(Problem::InvalidBody, "expected a JSON object as the body"));
        }
        Object::read(&self.bytes)
    }

    /// The body of a route whose fields may all be left out; an absent body is an empty object.
    ///
    /// # Errors
    /// `invalid_body`.
    pub fn maybe_object(&self) -> Result<Object<'_>, ApiError> {
        if self.bytes.is_empty() { Object::read(b"{}") } else { Object::read(&self.bytes) }
    }

    /// Checks that the body is absent or an empty object.
    ///
    /// # Errors
    /// `invalid_body`, naming the field that should not be there.
    pub fn nothing(&self) -> Result<(), ApiError> {
        self.maybe_object()?.only(&[]).map(drop)
    }

    /// The command's own id: also the id of the subject that it begins.
    pub fn id(&self, route: &str) -> SubjectId {
        intent_id(self.origin.book, route, &self.origin.idempotency_key)
    }

    /// The command in one canonical form, whatever spaces, order of fields or zeros were sent.
    ///
    /// # Errors
    /// A value that has no JSON form, which is a mistake of ours.
    pub fn canonical(&self, body: &impl Serialize) -> Result<Vec<u8>, ApiError> {
        serde_json::to_vec(&(&self.path, body)).map_err(|error| ApiError::internal(&error))
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<String, ApiError> {
    let mut values = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        let detail = "send an Idempotency-Key header: the same key again never does the same thing twice";
        return Err(ApiError::new(Problem::IdempotencyKeyMissing, detail));
    };
    let text = value.to_str().unwrap_or_default();
    if text.is_empty() {
        return Err(ApiError::new(Problem::IdempotencyKeyMissing, "the Idempotency-Key is empty, or not plain ASCII"));
    }
    if values.next().is_some() || text.len() > KEY_MAX || !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        let detail = format!("expected once, with 1 to {KEY_MAX} printable ASCII characters");
        return Err(ApiError::parameter("Idempotency-Key", detail));
    }
    Ok(text.to_owned())
}

/// Whether the headers say JSON, in UTF-8 and as it stands.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return false };
    let Ok(kind) = kind.to_str() else { return false };
    let (essence, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let parameters = parameters.trim().to_ascii_lowercase();
    essence.trim().eq_ignore_ascii_case("application/json")
        && ["", "charset=utf-8", "charset=\"utf-8\""].contains(&parameters.as_str())
        && !headers.contains_key(header::CONTENT_ENCODING)
}
