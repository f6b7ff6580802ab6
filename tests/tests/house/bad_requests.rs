//! `serve` meets bad requests: each gets its status, and leaves no more than it may.

use ensimbi_connectors::door::id_of;
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_tests::process::Serving;
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::imports::{CALLBACK_HEADER, CALLBACK_VALUE, CONFIG, configured, count, fixture, inbox};
use crate::support::{Folder, ask, eventually, get, text};

/// The address of the configured connection's webhook.
fn webhook(serving: &Serving) -> String {
    let file: toml::Table = toml::from_str(CONFIG).unwrap();
    let settings: ConnectionSettings = file["connections"][0].clone().try_into().unwrap();
    format!("{}/webhooks/{}", serving.url, id_of(serving.book.parse().unwrap(), &settings))
}

async fn start(folder: &Folder) -> Serving {
    Serving::start(["--data", &folder.text("data")]).await
}

/// Sends a webhook with these headers; an error's body must be a problem with a code.
async fn send(url: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> (StatusCode, String) {
    let mut request = Client::new().post(url).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let status = response.status();
    if status.is_success() {
        return (status, String::new());
    }
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status.as_u16(), "{problem}");
    (status, text(&problem["type"]).trim_start_matches("urn:ensimbi:problem:").to_owned())
}

/// Posts a body in chunks over a plain socket, and gives the raw answer.
async fn chunked(serving: &Serving, url: &str, body: &[u8]) -> String {
    let address = serving.url.trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).await.unwrap();
    let path = &url[serving.url.len()..];
    let (name, value) = GENUINE;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\n{name}: {value}\r\nconnection: close\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    for piece in body.chunks(4_096) {
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        // The answer may come before the end, and the socket close.
        if socket.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let _ = socket.write_all(b"0\r\n\r\n").await;
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

const GENUINE: (&str, &str) = (CALLBACK_HEADER, CALLBACK_VALUE);

#[tokio::test]
async fn a_webhook_that_is_unknown_too_large_or_not_authentic_is_refused_and_leaves_no_row() {
    let folder = configured();
    let serving = start(&folder).await;
    let url = webhook(&serving);
    let body = fixture("webhook/success.body");
    let expect = |status: StatusCode, code: &str| (status, code.to_owned());

    for unknown in ["01890000-0000-7000-8000-000000000000", "not-an-id", "..%2f..%2fetc"] {
        let url = format!("{}/webhooks/{unknown}", serving.url);
        assert_eq!(send(&url, &[GENUINE], "{}").await, expect(StatusCode::NOT_FOUND, "unknown_connection"));
    }
    let forged: [&[(&str, &str)]; 6] = [
        &[],
        &[(CALLBACK_HEADER, "")],
        &[(CALLBACK_HEADER, "another-callback-value-of-them")],
        &[(CALLBACK_HEADER, &CALLBACK_VALUE[1..])],
        &[GENUINE, GENUINE],
        &[("X-Another-Header", CALLBACK_VALUE)],
    ];
    for headers in forged {
        assert_eq!(send(&url, headers, body.clone()).await, expect(StatusCode::UNAUTHORIZED, "not_authentic"));
    }
    let large = vec![b'x'; 256 * 1024 + 1];
    assert_eq!(send(&url, &[GENUINE], large.clone()).await, expect(StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
    // The same without a declared length.
    let answer = chunked(&serving, &url, &large).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("too_large"), "{answer}");
    let got = Client::new().get(&url).send().await.unwrap();
    assert_eq!(got.status(), StatusCode::METHOD_NOT_ALLOWED);

    assert_eq!(inbox(&folder).await, 0, "not one row");
    assert_eq!(send(&url, &[GENUINE], body).await.0, StatusCode::NO_CONTENT);
    assert_eq!(inbox(&folder).await, 1, "the genuine one is kept");
    assert!(!serving.log().contains(CALLBACK_VALUE), "the secret is in the log");
}

#[tokio::test]
async fn an_authentic_body_that_nobody_can_read_is_taken_kept_and_counted() {
    let folder = configured();
    let serving = start(&folder).await;
    let url = webhook(&serving);
    let empty = send(&url, &[GENUINE], "").await;
    assert_eq!(empty, (StatusCode::BAD_REQUEST, "invalid_body".to_owned()), "there is nothing to keep");
    let bodies: [&[u8]; 4] = [b"[[[[", b"{\"id\":", b"\xff\xfe not text", b"<html>busy</html>"];
    for body in bodies {
        assert_eq!(send(&url, &[GENUINE], body.to_vec()).await.0, StatusCode::NO_CONTENT);
    }
    // The same again: a repeat, not a row.
    assert_eq!(send(&url, &[GENUINE], bodies[1].to_vec()).await.0, StatusCode::NO_CONTENT);
    let quarantined = async || {
        let sql = "SELECT COUNT(*) FROM inbox WHERE state = 'quarantined' AND reason <> ''";
        (count(&folder, "data/door.db", sql).await == 4).then_some(())
    };
    eventually("all four are quarantined", quarantined).await;
    let counted = "SELECT value FROM counters WHERE name = 'quarantined'";
    assert_eq!(count(&folder, "data/door.db", counted).await, 4);
    assert_eq!(inbox(&folder).await, 4);
    let deliveries = "SELECT SUM(deliveries) FROM inbox";
    assert_eq!(count(&folder, "data/door.db", deliveries).await, 5, "the repeat is counted on its row");
}

#[tokio::test]
async fn every_route_under_v1_needs_a_key_and_the_first_one_is_shown_once() {
    let folder = configured();
    let serving = start(&folder).await;
    let key = serving.key.clone().expect("the first start shows a key");
    for open in ["/healthz", "/readyz", "/openapi.json"] {
        let (status, shown) = ask(&serving, None, open).await;
        assert_eq!(status, StatusCode::OK, "{open}: {shown}");
    }
    let (_, described) = ask(&serving, None, "/openapi.json").await;
    let paths: Vec<_> = described["paths"].as_object().unwrap().iter().filter(|(p, _)| p.starts_with("/v1/")).collect();
    assert!(paths.len() >= 30, "{}", paths.len());
    for (path, operations) in paths {
        let nobody = "01890000-0000-7000-8000-000000000000";
        let path = path
            .replace("{id}", nobody)
            .replace("{event_id}", nobody)
            .replace("{item}", "1")
            .replace("{kind}", "leaves")
            .replace("{position}", "1");
        assert!(!path.contains('{'), "{path}");
        let url = [serving.url.as_str(), &path].concat();
        let wrong = [&key[..key.len() - 1], "x"].concat();
        let described: Vec<Method> =
            operations.as_object().unwrap().keys().map(|word| word.to_uppercase().parse().unwrap()).collect();
        for method in &described {
            for refused in [None, Some(""), Some(wrong.as_str())] {
                let mut request = Client::new().request(method.clone(), &url).header("idempotency-key", "k");
                if let Some(key) = refused {
                    request = request.bearer_auth(key);
                }
                let status = request.send().await.unwrap().status();
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
            }
        }
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let status = Client::new().request(method, &url).send().await.unwrap().status();
            assert!(status.is_client_error(), "{path}: {status}");
        }
    }
    get(&serving, &key, "/v1/wallets").await;
    assert_eq!(serving.log().matches(&key).count(), 1, "shown once");
    assert_eq!(serving.stop().await, Some(0));

    let again = start(&folder).await;
    assert_eq!(again.key, None, "a second start shows none");
    get(&again, &key, "/v1/wallets").await;
    let kept = std::fs::read(folder.path("data/door.db")).unwrap();
    assert!(!kept.windows(key.len()).any(|part| part == key.as_bytes()), "only a hash of it is kept");
}
