//! Page cursors: opaque, and good only for the query and book that they came from.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ensimbi_events::BookId;
use ensimbi_events::codes::Problem;
use ensimbi_events::ids::Derivation;

use crate::params::Params;
use crate::problem::ApiError;

const TAG_LEN: usize = 12;
const KEY_MAX: usize = 400;

/// What a cursor belongs to: the book, the route and every filter but the page's own parameters.
pub struct Binding([u8; TAG_LEN]);

impl Binding {
    /// Of a request.
    pub fn new(book: BookId, route: &str, params: &Params, filters: &[&str]) -> Self {
        let mut derivation = Derivation::new("ensimbi.cursor.1").id(Some(book.0)).part(route.as_bytes());
        for name in filters {
            let text = params.text(name);
            derivation = derivation.part(&[u8::from(text.is_some())]).part(text.unwrap_or_default().as_bytes());
        }
        let hash = derivation.hash();
        let mut tag = [0; TAG_LEN];
        tag.copy_from_slice(&hash[..TAG_LEN]);
        Self(tag)
    }

    /// The cursor after a key.
    pub fn cursor(&self, key: &str) -> String {
        URL_SAFE_NO_PAD.encode([self.0.as_slice(), key.as_bytes()].concat())
    }

    /// The key of the request's cursor, if it has one.
    ///
    /// # Errors
    /// A problem that names `cursor`, for anything that [`Binding::cursor`] did not make for this query.
    pub fn key(&self, params: &Params) -> Result<Option<String>, ApiError> {
        let Some(text) = params.text("cursor") else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() <= TAG_LEN + KEY_MAX);
        let key = bytes.as_deref().and_then(|bytes| bytes.strip_prefix(self.0.as_slice()));
        key.and_then(|key| String::from_utf8(key.to_vec()).ok()).map(Some).ok_or_else(Self::wrong)
    }

    /// The key as a position.
    ///
    /// # Errors
    /// As [`Binding::key`].
    pub fn position(&self, params: &Params) -> Result<Option<u64>, ApiError> {
        self.key(params)?.map(|key| key.parse().map_err(|_| Self::wrong())).transpose()
    }

    /// The problem of a cursor that is not of this query.
    pub fn wrong() -> ApiError {
        ApiError::about(Problem::WrongCursor, "cursor", "not a cursor of this query; start again without it")
    }
}
