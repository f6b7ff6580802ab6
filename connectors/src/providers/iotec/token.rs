//! Access tokens: OAuth2 client credentials (`providers/iotec.md`, section 2).
//!
//! One request at a time for the whole connection: whoever comes meanwhile waits and takes what it brought, a token or
//! its failure. A token is renewed [`AHEAD`] of its end by the injected clock, and dropped where the API refuses it. It
//! lives in memory only and is never shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ensimbi_events::{Clock, Time};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::wire;
use crate::connector::CallError;
use crate::door::http::{HttpClient, retry_after};

/// How long before its end a token is renewed.
const AHEAD: Duration = Duration::from_secs(30);
/// Lifetime where the answer gives none.
const LIFETIME: u64 = 300;
/// Longest lifetime that is believed, in seconds.
const LIFETIME_MAX: u64 = 86_400;
/// Longest token, in bytes.
const TOKEN_MAX: usize = 16_384;

/// The tokens of one connection.
pub(super) struct Tokens {
    http: HttpClient,
    client_id: String,
    client_secret: SecretString,
    clock: Arc<dyn Clock>,
    /// Requests that came to an end, good or bad.
    ended: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    failure: Option<CallError>,
}

/// A token and the request that brought it.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) text: SecretString,
    number: u64,
    renew_at: Time,
}

impl Tokens {
    pub(super) fn new(http: HttpClient, client_id: String, client_secret: SecretString, clock: Arc<dyn Clock>) -> Self {
        Self { http, client_id, client_secret, clock, ended: AtomicU64::new(0), state: Mutex::default() }
    }

    /// A token that is good now.
    ///
    /// # Errors
    /// [`CallError`]: nothing was sent to the API.
    pub(super) async fn current(&self) -> Result<Token, CallError> {
        let seen = self.ended.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        if let Some(token) = state.token.as_ref().filter(|token| self.clock.now() < token.renew_at) {
            return Ok(token.clone());
        }
        // A request that ended while we waited speaks for us too: an outage must not be asked once for each waiter.
        if let (true, Some(failure)) = (self.ended.load(Ordering::Acquire) != seen, &state.failure) {
            return Err(failure.clone());
        }
        state.token = None;
        // Only the holder of the lock adds to the count, so each request has its own number.
        let asked = self.ask(self.ended.load(Ordering::Acquire)).await;
        self.ended.fetch_add(1, Ordering::Release);
        match asked {
            Ok(token) => {
                *state = State { token: Some(token.clone()), failure: None };
                Ok(token)
            }
            Err(failure) => {
                state.failure = Some(failure.clone());
                Err(failure)
            }
        }
    }

    /// Forgets a token that the API refused, unless it was renewed already.
    pub(super) async fn refused(&self, token: &Token) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|held| held.number == token.number) {
            state.token = None;
        }
    }

    async fn ask(&self, number: u64) -> Result<Token, CallError> {
        let form = [
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.client_secret.expose_secret()),
            ("grant_type", "client_credentials"),
        ];
        let request = self.http.post(self.http.url(["connect", "token"])).header("accept", "application/json");
        // Asking moves no money, so a lost answer is as good as none.
        let answer = self.http.send(request.form(&form)).await;
        let (status, headers, body) = answer.map_err(|failure| not_sent(&failure.to_string()))?;
        let read = wire::body(&body).and_then(|text| wire::object::<wire::Token<'_>>("body", text));
        match (status, read) {
            (200, Ok(answer)) => self.accept(number, &answer),
            (400 | 401 | 403, answer) => {
                let word = answer.ok().and_then(|answer| wire::text("error", answer.error).ok()?);
                let word = word.filter(|word| wire::is_word(word)).unwrap_or_default();
                Err(CallError::Credentials(format!("token request: status {status} {word}").trim_end().to_owned()))
            }
            (429, _) => Err(CallError::RateLimited(retry_after(&headers))),
            (200, Err(_)) => Err(not_sent("the answer cannot be read")),
            (status, _) => Err(not_sent(&format!("status {status}"))),
        }
    }

    fn accept(&self, number: u64, answer: &wire::Token<'_>) -> Result<Token, CallError> {
        let text = wire::required("access_token", answer.access_token).map_err(|e| not_sent(&e.to_string()))?;
        if text.len() > TOKEN_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(not_sent("the token is no header value"));
        }
        let stated = answer.expires_in.and_then(|raw| wire::unquoted(raw.get()).parse::<u64>().ok());
        let lifetime = Duration::from_secs(stated.unwrap_or(LIFETIME).clamp(1, LIFETIME_MAX));
        // A very short token is used for half of its life, so that it is used at all.
        let renew_at = self.clock.now().plus(lifetime.saturating_sub(AHEAD).max(lifetime / 2));
        Ok(Token { text: text.into(), number, renew_at })
    }
}

fn not_sent(why: &str) -> CallError {
    CallError::NotSent(format!("no token: {why}"))
}
