//! Access tokens that a client's secret is exchanged for: one for the whole connection.
//!
//! One request at a time: whoever comes meanwhile waits and takes what it brought, a token or its failure. A token is
//! renewed so long before its end by the injected clock, and dropped where the API refuses it. It lives in memory only and
//! is never shown. What is asked, and what its answer means, the connector says: [`Issued`].

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ensimbi_events::{Clock, Time};
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::{Answer, HttpClient};
use crate::connector::CallError;

/// Longest lifetime that is believed.
const LIFETIME_MAX: Duration = Duration::from_hours(24);
/// Longest token, in bytes.
const TOKEN_MAX: usize = 16_384;

/// A token as the provider gave it.
pub struct Issued {
    text: SecretString,
    lifetime: Duration,
}

impl Issued {
    /// A token that is good for so long, at most a day.
    ///
    /// # Errors
    /// [`CallError::NotSent`]: longer than 16 KB, or no header can carry it.
    pub fn new(text: String, lifetime: Duration) -> Result<Self, CallError> {
        if text.len() > TOKEN_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(no_token("the token is no header value"));
        }
        Ok(Self { text: text.into(), lifetime: lifetime.min(LIFETIME_MAX) })
    }
}

/// There is no token, so nothing was sent: asking for one moves nothing, and a lost answer is as good as none.
pub fn no_token(why: &str) -> CallError {
    CallError::NotSent(format!("no token: {why}"))
}

/// The tokens of one connection.
pub struct Tokens {
    clock: Arc<dyn Clock>,
    ahead: Duration,
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
struct Token {
    text: SecretString,
    number: u64,
    renew_at: Time,
}

impl Tokens {
    /// None yet. `ahead`: how long before its end a token is renewed.
    pub fn new(clock: Arc<dyn Clock>, ahead: Duration) -> Self {
        Self { clock, ahead, ended: AtomicU64::new(0), state: Mutex::default() }
    }

    /// Sends a request with a token, and once more with a new one where the first was refused with 401: nothing was
    /// processed under it. `ask` asks for a token.
    ///
    /// # Errors
    /// [`CallError::Credentials`]: 401 also with a new token. Else what `ask` or [`HttpClient::send`] says.
    pub async fn send<A>(
        &self,
        http: &HttpClient,
        request: RequestBuilder,
        ask: impl Fn() -> A,
    ) -> Result<Answer, CallError>
    where
        A: Future<Output = Result<Issued, CallError>>,
    {
        for _ in 0..2 {
            let token = self.current(ask()).await?;
            let again =
                request.try_clone().ok_or_else(|| CallError::NotSent("the request cannot be repeated".into()))?;
            let answer = http.send(again.bearer_auth(token.text.expose_secret())).await?;
            if answer.0 != 401 {
                return Ok(answer);
            }
            self.refused(&token).await;
        }
        Err(CallError::Credentials("status 401, also with a new token".to_owned()))
    }

    /// A token that is good now; `ask` is only waited for where there is none.
    async fn current(&self, ask: impl Future<Output = Result<Issued, CallError>>) -> Result<Token, CallError> {
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
        let number = self.ended.load(Ordering::Acquire);
        let asked = ask.await;
        self.ended.fetch_add(1, Ordering::Release);
        match asked {
            Ok(Issued { text, lifetime }) => {
                // A very short token is used for half of its life, so that it is used at all.
                let renew_at = self.clock.now().plus(lifetime.saturating_sub(self.ahead).max(lifetime / 2));
                let token = Token { text, number, renew_at };
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
    async fn refused(&self, token: &Token) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|held| held.number == token.number) {
            state.token = None;
        }
    }
}
