//! HTTP towards providers: one guarded client for every connector.
//!
//! Shape: [`HttpClient`] belongs to one base URL of one connection; requests to any other host are not sent.
//! Order: scheme and host are checked when the client is made; the name is resolved at each connection, every address
//! is checked, and the connection goes to a checked address (no second look-up, no redirects, no proxies).
//! Bounds: [`ANSWER_BYTES_MAX`] of body, [`HEADER_COUNT_MAX`] headers, the connection's own timeout for the whole call.
//!
//! A connection marked `simulated` may use http, loopback and private addresses (`design.md` 10); the door lets such a
//! connection into test books only.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, Url, redirect};

use crate::connector::CallError;
use crate::settings::{ConnectionSettings, SettingsError};

/// Largest answer that is read, in bytes; a longer one counts as unreadable.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Most headers an answer may have.
pub const HEADER_COUNT_MAX: usize = 100;
/// Longest part of a call that establishes the connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Idle connections kept for a host.
const IDLE_MAX: usize = 16;

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
    pub async fn send(&self, request: RequestBuilder) -> Result<(u16, HeaderMap, Vec<u8>), CallFailure> {
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

    async fn fetch(&self, request: reqwest::Request) -> Result<(u16, HeaderMap, Vec<u8>), CallFailure> {
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

fn base_url(text: &str, simulated: bool) -> Result<Url, &'static str> {
    if text.len() > 2_000 {
        return Err("longer than 2000 characters");
    }
    let url: Url = text.parse().map_err(|_| "expected a URL such as https://api.example.com")?;
    let http = url.scheme() == "http";
    if url.scheme() != "https" && !(http && simulated) {
        return Err("expected a URL that starts with https:// (http only where simulated = true)");
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("expected a URL without user, query or fragment");
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or("expected a URL with a host")?;
    // The URL parser has already turned every notation of an address (hex, octal, short) into the usual one.
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let local_name = host.trim_end_matches('.').eq_ignore_ascii_case("localhost");
    let private = literal.is_ok_and(|address| !is_public(address)) || local_name;
    if private && !simulated {
        return Err("expected a public address (private and loopback ones only where simulated = true)");
    }
    Ok(url)
}

/// Resolves a name and gives its addresses only if all of them are public.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.is_empty() || found.iter().any(|address| !is_public(address.ip())) {
                return Err("the host has no address, or one that is not public".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is reachable on the public internet (IANA special-purpose registries, RFC 6890 and its updates).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(v4) = address.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let [first, second, third, ..] = address.segments();
    // Only 2000::/3 is given out; of it not the translated, tunnelled, benchmarking and documentation ranges.
    let global = (0x2000..0x4000).contains(&first);
    let special = (first == 0x2001 && (second < 0x0200 || second == 0x0db8))
        || first == 0x2002
        || (first == 0x3fff && second < 0x1000)
        || (first == 0x2620 && second == 0x004f && third == 0x8000);
    global && !special
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
    fn special_addresses_are_not_public() {
        for text in [
            "0.0.0.0",
            "192.0.2.1",
            "198.18.0.1",
            "255.255.255.255",
            "224.0.0.1",
            "64:ff9b::1",
            "2002:7f00:1::",
            "fe80::1",
            "::",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["8.8.8.8", "172.15.0.1", "2606:4700::1111"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
