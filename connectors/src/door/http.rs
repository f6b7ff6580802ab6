//! HTTP towards providers: one guarded client for every connector.
//!
//! Shape: [`HttpClient`] belongs to one base URL of one connection; requests to any other host are not sent.
//! Order: scheme and host are checked when the client is made; the name is resolved at each connection, every address
//! is checked, and the connection goes to a checked address (no second look-up, no redirects, no proxies).
//! Bounds: [`ANSWER_BYTES_MAX`] of body, [`HEADER_COUNT_MAX`] headers, the connection's own timeout for the whole call.
//!
//! A connection marked `simulated` may use http, loopback and private addresses (`design.md` 10); the door lets such a
//! connection into test books only.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Url, redirect};

use crate::connector::CallError;
use crate::settings::{ConnectionSettings, SettingsError};

mod address;
pub mod tokens;

pub use address::is_public;
use address::{PublicOnly, base_url};

/// Largest answer that is read, in bytes; a longer one counts as unreadable.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Most headers an answer may have.
pub const HEADER_COUNT_MAX: usize = 100;
/// Longest part of a call that establishes the connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Idle connections kept for a host.
const IDLE_MAX: usize = 16;
/// Wait after a 429 that names none, and the longest one that is kept, in seconds.
const WAIT: u64 = 30;
const WAIT_MAX: u64 = 3_600;

/// A whole answer: status, headers, body.
pub type Answer = (u16, HeaderMap, Vec<u8>);

/// A call that brought no whole answer, by what it means for money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallFailure {
    /// Nothing reached the provider: no address, no connection, no TLS. Safe to repeat.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request may have arrived: only the provider's status can tell.
    #[error("outcome unknown: {0}")]
    Unknown(String),
}

impl From<CallFailure> for CallError {
    fn from(failure: CallFailure) -> Self {
        match failure {
            CallFailure::NotSent(why) => Self::NotSent(why),
            CallFailure::Unknown(why) => Self::Unknown(why),
        }
    }
}

/// A client for one base URL of a connection. Cheap to clone.
#[derive(Clone)]
pub struct HttpClient {
    client: Client,
    base: Url,
    timeout: Duration,
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpClient").field("host", &self.base.host_str().unwrap_or_default()).finish_non_exhaustive()
    }
}

impl HttpClient {
    /// A client for `base`, which the configuration names `urls.<name>` (`api`, `token`).
    ///
    /// # Errors
    /// [`SettingsError`] naming the key: no URL, credentials or a query in it, http, or an address that is not public.
    pub fn new(settings: &ConnectionSettings, name: &str, base: &str) -> Result<Self, SettingsError> {
        let wrong = |problem: &str| SettingsError {
            key: format!("connections.{}.urls.{name}", settings.slug),
            problem: problem.to_owned(),
        };
        let base = base_url(base, settings.simulated).map_err(wrong)?;
        let mut builder = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .no_gzip()
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT.min(settings.timeout()))
            .timeout(settings.timeout())
            .pool_max_idle_per_host(IDLE_MAX)
            .https_only(!settings.simulated)
            .user_agent(concat!("ensimbi/", env!("CARGO_PKG_VERSION")));
        if !settings.simulated {
            builder = builder.dns_resolver(Arc::new(PublicOnly));
        }
        let client = builder.build().map_err(|_| wrong("no HTTP client can be made on this machine"))?;
        Ok(Self { client, base, timeout: settings.timeout() })
    }

    /// The base URL with path segments added; each is escaped, so a provider's id cannot leave its place.
    pub fn url<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.base.clone();
        // `base_url` lets only http and https in, which can carry segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Starts a request to a URL made by [`HttpClient::url`].
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Starts a GET.
    pub fn get(&self, url: Url) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// Starts a POST.
    pub fn post(&self, url: Url) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// Sends a request of this client and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`CallFailure`]; its text holds no URL, header or body.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, CallFailure> {
        let request = request.build().map_err(|_| CallFailure::NotSent("the request cannot be built".into()))?;
        let same_place = request.url().scheme() == self.base.scheme()
            && request.url().host() == self.base.host()
            && request.url().port_or_known_default() == self.base.port_or_known_default();
        if !same_place {
            return Err(CallFailure::NotSent("the request is for another host than the configured one".into()));
        }
        // The client's own timeout covers headers and body; this one is the backstop for everything in between.
        match tokio::time::timeout(self.timeout + Duration::from_secs(1), self.fetch(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(CallFailure::Unknown("timeout".into())),
        }
    }

    async fn fetch(&self, request: reqwest::Request) -> Result<Answer, CallFailure> {
        let response = self.client.execute(request).await.map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        if headers.len() > HEADER_COUNT_MAX {
            return Err(CallFailure::Unknown(format!("status {status} with more than {HEADER_COUNT_MAX} headers")));
        }
        let body = fetch_capped(response, ANSWER_BYTES_MAX).await?;
        Ok((status, headers, body))
    }
}

/// Reads a body up to `max` bytes, piece by piece, so that its claimed length is never trusted.
///
/// # Errors
/// [`CallFailure::Unknown`] where it breaks off or is longer.
pub async fn fetch_capped(mut response: reqwest::Response, max: usize) -> Result<Vec<u8>, CallFailure> {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(piece)) if body.len() + piece.len() <= max => body.extend_from_slice(&piece),
            Ok(Some(_)) => {
                return Err(CallFailure::Unknown(format!("status {status} with more than {max} bytes")));
            }
            Ok(None) => return Ok(body),
            Err(_) => return Err(CallFailure::Unknown(format!("status {status}, the body broke off"))),
        }
    }
}

/// What a status that is no success (2xx) means by itself. `None`: another 4xx, a refusal if the body is the provider's own
/// error, and an unknown outcome else; what 401 and 403 mean, a provider's document says.
///
/// `read`: the call moves no money and names its object, so "not found" may be believed.
pub fn by_status(read: bool, status: u16, headers: &HeaderMap) -> Option<CallError> {
    match status {
        404 if read => Some(CallError::NotFound),
        429 => Some(CallError::RateLimited(retry_after(headers))),
        // These may stand for something that is under way.
        408 | 409 | 425 => Some(CallError::Unknown(format!("status {status}"))),
        400..500 => None,
        _ => Some(CallError::Unknown(format!("status {status}"))),
    }
}

/// How long to wait after a 429, by its `Retry-After` (RFC 9110, 10.2.3): 1 second to an hour, 30 seconds where it names
/// none. The form with a date is not worth a clock, and counts as none.
pub fn retry_after(headers: &HeaderMap) -> Duration {
    let stated = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    Duration::from_secs(stated.map_or(WAIT, |seconds| seconds.clamp(1, WAIT_MAX)))
}

/// Only a failure to connect proves that nothing was sent.
fn failure(error: &reqwest::Error) -> CallFailure {
    if error.is_connect() {
        CallFailure::NotSent("no connection to the provider".into())
    } else if error.is_builder() {
        CallFailure::NotSent("the request cannot be built".into())
    } else if error.is_timeout() {
        CallFailure::Unknown("timeout".into())
    } else {
        CallFailure::Unknown("the connection broke".into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn settings(simulated: bool) -> ConnectionSettings {
        let json = serde_json::json!({
            "slug": "main", "provider": "fake", "account": "a", "simulated": simulated, "wallets": [], "timeout_ms": 500
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn only_public_https_is_allowed_unless_simulated() {
        let bad = [
            "http://api.example.com",
            "https://127.0.0.1",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:a9fe:a9fe]/",
            "https://169.254.169.254/",
            "https://10.0.0.1",
            "https://100.64.0.1",
            "https://[fd00::1]/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://user:pw@api.example.com/",
            "https://api.example.com/?a=b",
            "ftp://api.example.com/",
            "file:///etc/passwd",
            "not a url",
        ];
        for url in bad {
            let error = HttpClient::new(&settings(false), "api", url).unwrap_err();
            assert_eq!(error.key, "connections.main.urls.api", "{url}");
        }
        assert!(HttpClient::new(&settings(false), "api", "https://api.example.com/v1").is_ok());
        assert!(HttpClient::new(&settings(true), "api", "http://127.0.0.1:9/").is_ok());
        assert!(HttpClient::new(&settings(true), "api", "ftp://127.0.0.1:9/").is_err());
    }

    #[test]
    fn path_segments_cannot_leave_their_place() {
        let client = HttpClient::new(&settings(true), "api", "http://127.0.0.1:9/v1/").unwrap();
        let url = client.url(["status", "../../admin?x=1#y"]);
        assert_eq!(url.as_str(), "http://127.0.0.1:9/v1/status/..%2F..%2Fadmin%3Fx=1%23y");
    }

    #[tokio::test]
    async fn a_refused_connection_is_not_sent_and_another_host_never_is() {
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let client = HttpClient::new(&settings(true), "api", &format!("http://{free}/")).unwrap();
        let refused = client.send(client.get(client.url(["x"]))).await.unwrap_err();
        assert!(matches!(refused, CallFailure::NotSent(_)), "{refused:?}");
        let other = client.send(client.get("http://127.0.0.2:9/".parse().unwrap())).await.unwrap_err();
        assert!(matches!(other, CallFailure::NotSent(_)), "{other:?}");
    }

    #[tokio::test]
    async fn silence_and_endless_answers_are_unknown() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (silent, _) = listener.accept().await.unwrap();
            let (mut endless, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = endless.read(&mut request).await;
            let _ = endless.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4000000000\r\n\r\n").await;
            while endless.write_all(&[b'x'; 65_536]).await.is_ok() {}
            drop(silent);
        });
        let client = HttpClient::new(&settings(true), "api", &format!("http://{address}/")).unwrap();
        let silent = client.send(client.get(client.url(["x"]))).await.unwrap_err();
        assert_eq!(silent, CallFailure::Unknown("timeout".into()));
        let endless = client.send(client.get(client.url(["x"]))).await.unwrap_err();
        assert!(matches!(endless, CallFailure::Unknown(_)), "{endless:?}");
        server.abort();
    }

    #[test]
    fn a_status_alone_says_who_waits_and_what_nobody_knows() {
        let with = |wait: &str| HeaderMap::from_iter([(RETRY_AFTER, wait.parse().unwrap())]);
        for (wait, seconds) in [("7", 7), (" 0 ", 1), ("86400", 3_600), ("-1", 30), ("Wed, 21 Oct 2015", 30), ("", 30)]
        {
            let expected = CallError::RateLimited(Duration::from_secs(seconds));
            assert_eq!(by_status(false, 429, &with(wait)), Some(expected), "{wait}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), Duration::from_secs(30));
        let bare = |read, status| by_status(read, status, &HeaderMap::new());
        assert_eq!((bare(true, 404), bare(false, 404)), (Some(CallError::NotFound), None));
        for status in [100, 302, 408, 409, 425, 500, 503, 599] {
            assert_eq!(bare(true, status), Some(CallError::Unknown(format!("status {status}"))));
        }
        assert!([400, 401, 403, 422, 499].into_iter().all(|status| bare(true, status).is_none()));
    }
}
