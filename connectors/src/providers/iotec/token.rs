//! How a token is asked for: OAuth2 client credentials (`providers/iotec.md`, section 2). When, and for whom,
//! [`Tokens`](crate::door::http::tokens::Tokens) decides.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::wire;
use crate::connector::CallError;
use crate::door::http::tokens::{Issued, no_token};
use crate::door::http::{HttpClient, retry_after};

/// How long before its end a token is renewed.
pub(super) const AHEAD: Duration = Duration::from_secs(30);
/// Lifetime where the answer gives none, and the longest that is counted, in seconds.
const LIFETIME: u64 = 300;
const LIFETIME_MAX: u64 = 86_400;

/// What a token is asked for with.
pub(super) struct LogIn {
    pub(super) http: HttpClient,
    pub(super) client_id: String,
    pub(super) client_secret: SecretString,
}

impl LogIn {
    pub(super) async fn ask(&self) -> Result<Issued, CallError> {
        let form = [
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.client_secret.expose_secret()),
            ("grant_type", "client_credentials"),
        ];
        let request = self.http.post(self.http.url(["connect", "token"])).header("accept", "application/json");
        let answer = self.http.send(request.form(&form)).await;
        let (status, headers, body) = answer.map_err(|failure| no_token(&failure.to_string()))?;
        let read = wire::body(&body).and_then(|text| wire::object::<wire::Token<'_>>("body", text));
        match (status, read) {
            (200, Ok(answer)) => {
                let text = wire::required("access_token", answer.access_token);
                let stated = answer.expires_in.and_then(|raw| wire::unquoted(raw.get()).parse::<u64>().ok());
                let lifetime = Duration::from_secs(stated.unwrap_or(LIFETIME).clamp(1, LIFETIME_MAX));
                Issued::new(text.map_err(|error| no_token(&error.to_string()))?, lifetime)
            }
            (400 | 401 | 403, answer) => {
                let word = answer.ok().and_then(|answer| wire::text("error", answer.error).ok()?);
                let word = word.filter(|word| wire::is_word(word)).unwrap_or_default();
                Err(CallError::Credentials(format!("token request: status {status} {word}").trim_end().to_owned()))
            }
            (429, _) => Err(CallError::RateLimited(retry_after(&headers))),
            (200, Err(_)) => Err(no_token("the answer cannot be read")),
            (status, _) => Err(no_token(&format!("status {status}"))),
        }
    }
}
