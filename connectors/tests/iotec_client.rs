//! ioTec Pay's client against a small scripted server: what is sent, and what each answer means.

#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use ensimbi_connectors::connector::{
    CallError, CollectOrder, Connector, ObjectRef, PartyDetails, ProviderClient, RawAnswer,
};
use ensimbi_connectors::providers::iotec::Iotec;
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_events::simtime::SimClock;
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Clock, Time};
use serde_json::{Value, json};

const WALLET: &str = "5e83b187-801e-410e-b76e-f491928547e0";
const SECRET: &str = "IO-very-secret-word";
const GOOD: &str = r#"{"id":"123e4567","status":"Pending","amount":700,"currency":"ITX"}"#;

/// Whether an error is the expected one.
type Meaning = fn(&CallError) -> bool;

/// One answer of the script: status, headers, body.
type Answer = (u16, Vec<(&'static str, &'static str)>, String);

fn answer(status: u16, body: &str) -> Answer {
    (status, vec![], body.to_owned())
}

/// What the server saw: method, path, bearer, body.
type Seen = (String, String, String, String);

#[derive(Default)]
struct Script {
    tokens: AtomicUsize,
    token_answers: Mutex<VecDeque<Answer>>,
    answers: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Seen>>,
    token_forms: Mutex<Vec<String>>,
}

async fn serve(
    State(script): State<Arc<Script>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let body = String::from_utf8(body.to_vec()).unwrap();
    let scripted = if uri.path() == "/id/connect/token" {
        let number = script.tokens.fetch_add(1, Ordering::SeqCst) + 1;
        script.token_forms.lock().unwrap().push(body);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let good = format!(r#"{{"access_token":"token-{number}","expires_in":300,"token_type":"Bearer"}}"#);
        script.token_answers.lock().unwrap().pop_front().unwrap_or((200, vec![], good))
    } else {
        let bearer = headers.get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
        script.seen.lock().unwrap().push((method.to_string(), uri.to_string(), bearer, body));
        script.answers.lock().unwrap().pop_front().unwrap_or(answer(200, GOOD))
    };
    let mut response = Response::builder().status(StatusCode::from_u16(scripted.0).unwrap());
    for (name, value) in scripted.1 {
        response = response.header(name, value);
    }
    response.body(Body::from(scripted.2)).unwrap()
}

struct Scene {
    script: Arc<Script>,
    clock: Arc<SimClock>,
    client: Arc<dyn ProviderClient>,
}

fn settings(base: &str, options: Value) -> ConnectionSettings {
    let mut all = json!({"callback_header": "X-Callback-Key"});
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    serde_json::from_value(json!({
        "slug": "main", "provider": "iotec", "account": "pay-1", "simulated": true, "timeout_ms": 800,
        "urls": {"api": base, "token": format!("{base}/id")},
        "secrets": {"client_secret": SECRET, "callback_value": "callback-secret"},
        "options": all,
        "wallets": [{"id": WALLET, "code": "main", "currency": "ITX"}],
    }))
    .unwrap()
}

async fn scene_with(answers: Vec<Answer>, options: Value) -> Scene {
    let script = Arc::new(Script { answers: Mutex::new(answers.into()), ..Script::default() });
    let app = Router::new().fallback(serve).with_state(script.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let clock = Arc::new(SimClock::new(Time::from_micros(1_757_836_669_147_000)));
    let client = Iotec.connect(&settings(&base, options), clock.clone()).unwrap();
    Scene { script, clock, client }
}

async fn scene(answers: Vec<Answer>) -> Scene {
    scene_with(answers, json!({})).await
}

impl Scene {
    fn tokens(&self) -> usize {
        self.script.tokens.load(Ordering::SeqCst)
    }

    fn seen(&self) -> Vec<Seen> {
        self.script.seen.lock().unwrap().clone()
    }

    async fn read(&self) -> Result<RawAnswer, CallError> {
        self.client.read(&by_id("123e4567")).await
    }

    async fn collect(&self) -> Result<RawAnswer, CallError> {
        self.client.collect(&order()).await
    }
}

fn by_id(id: &str) -> ObjectRef {
    ObjectRef { kind: "collection", id: Some(id.to_owned()), reference: Some("ref".to_owned()) }
}

fn by_reference(reference: &str) -> ObjectRef {
    ObjectRef { kind: "collection", id: None, reference: Some(reference.to_owned()) }
}

fn order() -> CollectOrder {
    let payer = PartyDetails { phone: Some("0771234567".into()), name: Some("John Doe".into()), email: None };
    CollectOrder {
        reference: "ref-1".into(),
        wallet: WALLET.into(),
        amount: Amount::whole(700),
        currency: "ITX".parse().unwrap(),
        payer,
        fee_bearer: Bearer::Merchant,
        note: Some("Invoice 12345".into()),
    }
}

fn error(result: Result<RawAnswer, CallError>) -> CallError {
    match result {
        Ok(answer) => panic!("an answer: {} {}", answer.status, String::from_utf8_lossy(&answer.body)),
        Err(error) => {
            let text = format!("{error} {error:?}");
            for secret in [SECRET, "callback-secret", "token-", "John", "771234567"] {
                assert!(!text.contains(secret), "{text}");
            }
            error
        }
    }
}

#[tokio::test]
async fn a_collect_sends_the_documented_fields_and_an_exact_number() {
    let scene = scene(vec![]).await;
    let answer = scene.collect().await.unwrap();
    assert_eq!((answer.kind, answer.status, answer.body.as_slice()), ("collection_created", 200, GOOD.as_bytes()));
    let seen = scene.seen();
    let (method, path, bearer, body) = &seen[0];
    assert_eq!(
        (method.as_str(), path.as_str(), bearer.as_str()),
        ("POST", "/api/collections/collect", "Bearer token-1")
    );
    let sent: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        sent,
        json!({"category": "MobileMoney", "currency": "ITX", "walletId": WALLET, "externalId": "ref-1",
               "payer": "256771234567", "payerName": "John Doe", "payerNote": "Invoice 12345", "amount": 700,
               "transactionChargesCategory": "ChargeWallet"})
    );
    assert!(body.contains(r#""amount":700,"#), "{body}");
    let forms = scene.script.token_forms.lock().unwrap();
    assert_eq!(*forms, [format!("client_id=pay-1&client_secret={SECRET}&grant_type=client_credentials")]);
}

#[tokio::test]
async fn the_category_is_the_connections_and_the_bearer_must_agree() {
    let customer = json!({"transaction_charges_category": "ChargeCustomer", "client_id": "pay-2"});
    let on_top = scene_with(vec![], customer).await;
    assert!(matches!(error(on_top.collect().await), CallError::Refused(why) if why.starts_with("fee_bearer")));
    let order = CollectOrder { fee_bearer: Bearer::Payer, ..order() };
    on_top.client.collect(&order).await.unwrap();
    assert!(on_top.seen()[0].3.contains(r#""transactionChargesCategory":"ChargeCustomer""#));
    assert!(on_top.script.token_forms.lock().unwrap()[0].contains("client_id=pay-2&"));
    let inside =
        scene_with(vec![], json!({"transaction_charges_category": "ChargeCustomer", "charge_customer": "B"})).await;
    inside.collect().await.unwrap();
    assert!(inside.seen()[0].3.contains(r#""transactionChargesCategory":"ChargeCustomer""#));
}

#[tokio::test]
async fn what_must_not_be_sent_is_refused_here() {
    let scene = scene(vec![]).await;
    let amount = |text: &str| CollectOrder { amount: text.parse().unwrap(), ..order() };
    let phone = |text: &str| {
        let payer = PartyDetails { phone: Some(text.to_owned()), ..PartyDetails::default() };
        CollectOrder { payer, ..order() }
    };
    let cases = [
        (amount("700.5"), "amount"),
        (amount("499"), "amount"),
        (amount("-700"), "amount"),
        (amount("0"), "amount"),
        (CollectOrder { wallet: "another".into(), ..order() }, "wallet"),
        (CollectOrder { currency: "UGX".parse().unwrap(), ..order() }, "currency"),
        (CollectOrder { reference: String::new(), ..order() }, "reference"),
        (CollectOrder { reference: "x".repeat(101), ..order() }, "reference"),
        (CollectOrder { note: Some("x".repeat(101)), ..order() }, "note"),
        (phone("12345"), "payer.phone"),
        (phone("payer@example.com"), "payer.phone"),
        (CollectOrder { payer: PartyDetails::default(), ..order() }, "payer.phone"),
    ];
    for (order, field) in cases {
        let refused = error(scene.client.collect(&order).await);
        assert!(matches!(&refused, CallError::Refused(why) if why.starts_with(&format!("{field}:"))), "{refused:?}");
    }
    assert_eq!((scene.tokens(), scene.seen().len()), (0, 0));
}

#[tokio::test]
async fn an_object_is_read_by_id_and_else_by_reference() {
    let scene = scene(vec![answer(200, GOOD), answer(200, &format!("[{GOOD}]")), answer(200, "[]")]).await;
    let answer = scene.client.read(&by_id("123e4567")).await.unwrap();
    assert_eq!((answer.kind, answer.body.as_slice()), ("collection_status", GOOD.as_bytes()));
    scene.client.read(&by_reference("a/b?c d")).await.unwrap();
    assert_eq!(error(scene.client.read(&by_reference("none")).await), CallError::NotFound);
    let paths: Vec<String> = scene.seen().into_iter().map(|(method, path, ..)| format!("{method} {path}")).collect();
    assert_eq!(
        paths,
        [
            "GET /api/collections/status/123e4567",
            "GET /api/collections/external-id/a%2Fb%3Fc%20d",
            "GET /api/collections/external-id/none"
        ]
    );
    for object in [by_reference(".."), by_id("."), by_id("")] {
        assert!(matches!(error(scene.client.read(&object).await), CallError::Refused(_)));
    }
    let payout = ObjectRef { kind: "disbursement", ..by_id("1") };
    assert_eq!(error(scene.client.read(&payout).await), CallError::NotOffered);
    assert_eq!(scene.seen().len(), 3);
}

#[tokio::test]
async fn fifty_calls_at_once_ask_for_one_token() {
    let scene = Arc::new(scene(vec![]).await);
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let scene = scene.clone();
            tokio::spawn(async move { scene.read().await.map(|_| ()) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!((scene.tokens(), scene.seen().len()), (1, 50));
}

#[tokio::test]
async fn fifty_calls_at_once_share_one_failed_token_request() {
    let scene = Arc::new(scene(vec![]).await);
    scene.script.token_answers.lock().unwrap().push_back(answer(503, ""));
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let scene = scene.clone();
            tokio::spawn(async move { scene.read().await.map(|_| ()) })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Err(CallError::NotSent("no token: status 503".to_owned())));
    }
    assert_eq!((scene.tokens(), scene.seen().len()), (1, 0));
    scene.read().await.unwrap();
    assert_eq!(scene.tokens(), 2);
}

#[tokio::test]
async fn a_token_is_renewed_thirty_seconds_before_its_end() {
    let scene = scene(vec![]).await;
    let start = scene.clock.now();
    for (seconds, tokens) in [(0, 1), (269, 1), (270, 2), (539, 2), (540, 3)] {
        scene.clock.advance_to(start.plus(Duration::from_secs(seconds)));
        scene.read().await.unwrap();
        assert_eq!(scene.tokens(), tokens, "{seconds} s");
    }
}

#[tokio::test]
async fn a_401_renews_the_token_and_sends_once_more() {
    let scene = scene(vec![answer(401, ""), answer(200, GOOD)]).await;
    scene.collect().await.unwrap();
    let bearers: Vec<String> = scene.seen().into_iter().map(|(_, _, bearer, _)| bearer).collect();
    assert_eq!(bearers, ["Bearer token-1", "Bearer token-2"]);
    assert_eq!(scene.seen()[0].3, scene.seen()[1].3);
}

#[tokio::test]
async fn a_second_401_is_a_matter_of_credentials() {
    let scene = scene(vec![answer(401, r#"{"statusCode":401}"#), answer(401, "")]).await;
    assert!(matches!(error(scene.collect().await), CallError::Credentials(_)));
    assert_eq!((scene.tokens(), scene.seen().len()), (2, 2));
}

#[tokio::test]
async fn token_answers_mean_what_they_mean() {
    let wait = vec![("retry-after", "7")];
    let cases: [(Answer, Meaning); 8] = [
        (answer(400, r#"{"error":"invalid_client"}"#), |e| {
            *e == CallError::Credentials("token request: status 400 invalid_client".into())
        }),
        (answer(401, ""), |e| *e == CallError::Credentials("token request: status 401".into())),
        ((429, wait, String::new()), |e| *e == CallError::RateLimited(Duration::from_secs(7))),
        (answer(500, "<html>"), |e| matches!(e, CallError::NotSent(_))),
        (answer(200, "<html>"), |e| matches!(e, CallError::NotSent(_))),
        (answer(200, r#"{"access_token":null}"#), |e| matches!(e, CallError::NotSent(_))),
        (answer(200, r#"{"access_token":"a b"}"#), |e| matches!(e, CallError::NotSent(_))),
        (answer(400, r#"{"error":"no John Doe"}"#), |e| matches!(e, CallError::Credentials(_))),
    ];
    for (token_answer, expected) in cases {
        let scene = scene(vec![]).await;
        scene.script.token_answers.lock().unwrap().push_back(token_answer.clone());
        let got = error(scene.collect().await);
        assert!(expected(&got), "{token_answer:?}: {got:?}");
        assert!(scene.seen().is_empty());
    }
}

#[tokio::test]
async fn token_lifetimes_are_bounded() {
    for (expires_in, after, tokens) in [("\"300\"", 269, 1), ("0", 1, 2), ("99999999999", 86_370, 2), ("null", 270, 2)]
    {
        let scene = scene(vec![]).await;
        let body = format!(r#"{{"access_token":"token-x","expires_in":{expires_in}}}"#);
        scene.script.token_answers.lock().unwrap().push_back((200, vec![], body));
        scene.read().await.unwrap();
        scene.clock.advance_to(scene.clock.now().plus(Duration::from_secs(after)));
        scene.read().await.unwrap();
        assert_eq!(scene.tokens(), tokens, "{expires_in}");
    }
}

fn unknown(error: &CallError) -> bool {
    matches!(error, CallError::Unknown(_))
}

fn refused(error: &CallError) -> bool {
    matches!(error, CallError::Refused(_))
}

#[tokio::test]
async fn every_answer_has_one_meaning() {
    let not_found: Meaning = |error| *error == CallError::NotFound;
    let waits_30: Meaning = |error| *error == CallError::RateLimited(Duration::from_secs(30));
    let waits_an_hour: Meaning = |error| *error == CallError::RateLimited(Duration::from_secs(3_600));
    let waits_1: Meaning = |error| *error == CallError::RateLimited(Duration::from_secs(1));
    let gone = r#"{"message":"Transaction was Not Found","code":"BadRequest"}"#;
    let limited = |value: &'static str| (429, vec![("retry-after", value)], String::new());
    let cases: Vec<(Answer, Meaning, Meaning)> = vec![
        (answer(500, r#"{"message":"x"}"#), unknown, unknown),
        (answer(502, "<html>"), unknown, unknown),
        (answer(503, ""), unknown, unknown),
        (answer(200, "<html><body>ok</body></html>"), unknown, unknown),
        (answer(200, &GOOD[..GOOD.len() / 2]), unknown, unknown),
        (answer(200, r#"{"status":"Success"}"#), unknown, unknown),
        (answer(200, "null"), unknown, unknown),
        (answer(200, "[]"), unknown, not_found),
        (answer(200, "[[\"a\"]]"), unknown, unknown),
        (answer(204, ""), unknown, unknown),
        ((302, vec![("location", "/elsewhere")], String::new()), unknown, unknown),
        (answer(400, r#"{"message":"Invalid ioTec wallet","code":"BadRequest"}"#), refused, refused),
        (answer(400, r#"{"title":"One or more validation errors","errors":{"amount":["x"]}}"#), refused, refused),
        (answer(400, "<html>"), unknown, unknown),
        (answer(400, gone), refused, not_found),
        (answer(403, r#"{"message":"no"}"#), refused, refused),
        (answer(404, r#"{"statusCode":404}"#), refused, not_found),
        (answer(404, ""), unknown, not_found),
        (answer(408, "{}"), unknown, unknown),
        (answer(409, "{}"), unknown, unknown),
        (answer(422, "{}"), refused, refused),
        (answer(429, ""), waits_30, waits_30),
        (limited("0"), waits_1, waits_1),
        (limited("999999"), waits_an_hour, waits_an_hour),
        (limited("Wed, 21 Oct 2026 07:28:00 GMT"), waits_30, waits_30),
    ];
    for (given, on_collect, on_read) in cases {
        let scene = scene(vec![given.clone(), given.clone()]).await;
        let collect = error(scene.collect().await);
        assert!(on_collect(&collect), "{given:?} on collect: {collect:?}");
        let read = error(scene.read().await);
        assert!(on_read(&read), "{given:?} on read: {read:?}");
        assert_eq!(scene.seen().len(), 2, "nothing is repeated: {given:?}");
    }
}

#[tokio::test]
async fn their_words_are_shown_without_a_partys() {
    let told = r"Payer John Doe\n(256771234567, +256-771-234-567, j@x.ug) needs the test wallet";
    let message = format!(r#"{{"message":"{told}","code":"BadRequest"}}"#);
    let scene = scene(vec![answer(400, &message)]).await;
    let refused = error(scene.collect().await);
    let expected = "status 400 Payer (name) (hidden) (hidden) (hidden) needs the test wallet BadRequest";
    assert_eq!(refused, CallError::Refused(expected.to_owned()));
}

#[tokio::test]
async fn a_broken_wire_is_unknown_and_a_closed_door_is_not_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let broken = format!("http://{}", listener.local_addr().unwrap());
    let tokens = scene(vec![]).await;
    drop(tokens.client);
    let server = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut silent = Vec::new();
        for turn in 0.. {
            let Ok((mut socket, _)) = listener.accept().await else { return };
            let mut request = [0; 4_096];
            let _ = socket.read(&mut request).await;
            match turn {
                0 => drop(socket),
                1 => {
                    let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"id\":\"1\"").await;
                }
                _ => silent.push(socket),
            }
        }
    });
    // The token comes from a healthy server, the call goes to the broken one.
    let script = Arc::new(Script::default());
    let app = Router::new().fallback(serve).with_state(script.clone());
    let healthy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let token_url = format!("http://{}/id", healthy.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(healthy, app).await });
    let clock = Arc::new(SimClock::new(Time::from_micros(0)));
    let mut settings = settings(&broken, json!({}));
    settings.urls.insert("token".into(), token_url);
    let client = Iotec.connect(&settings, clock.clone()).unwrap();
    for _ in 0..3 {
        assert!(unknown(&error(client.collect(&order()).await)));
    }
    server.abort();
    let _ = server.await;
    assert!(matches!(error(client.collect(&order()).await), CallError::NotSent(_)));
    assert_eq!(script.tokens.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn settings_are_checked_and_the_key_is_named() {
    type Change = fn(&mut ConnectionSettings);
    let cases: Vec<(Change, &str)> = vec![
        (|s| drop(s.secrets.remove("client_secret")), "secrets.client_secret"),
        (|s| drop(s.secrets.insert("client_secret".into(), String::new().into())), "secrets.client_secret"),
        (|s| drop(s.secrets.remove("callback_value")), "secrets.callback_value"),
        (|s| drop(s.secrets.insert("callback_value".into(), "a\nb".to_owned().into())), "secrets.callback_value"),
        (|s| drop(s.secrets.insert("client_secrt".into(), "x".to_owned().into())), "secrets.client_secrt"),
        (|s| drop(s.options.remove("callback_header")), "options.callback_header"),
        (|s| drop(s.options.insert("callback_header".into(), "X Key".into())), "options.callback_header"),
        (|s| drop(s.options.insert("charge_custmer".into(), "B".into())), "options.charge_custmer"),
        (|s| drop(s.options.insert("charge_customer".into(), "b".into())), "options.charge_customer"),
        (
            |s| drop(s.options.insert("transaction_charges_category".into(), "ChargePayer".into())),
            "options.transaction_charges_category",
        ),
        (|s| drop(s.urls.insert("api".into(), "ftp://127.0.0.1".into())), "urls.api"),
        (|s| drop(s.urls.insert("tokens".into(), "http://127.0.0.1".into())), "urls.tokens"),
        (|s| s.simulated = false, "urls.token"),
        (|s| s.account.clear(), "account"),
        (|s| s.wallets.clear(), "wallets"),
    ];
    let clock = Arc::new(SimClock::new(Time::from_micros(0)));
    for (change, key) in cases {
        let mut settings = settings("http://127.0.0.1:9", json!({}));
        change(&mut settings);
        let Err(error) = Iotec.connect(&settings, clock.clone()) else { panic!("{key} was taken") };
        assert_eq!(error.key, format!("connections.main.{key}"));
        assert!(!error.problem.is_empty() && !error.to_string().contains(SECRET));
    }
    let mut defaults = settings("http://127.0.0.1:9", json!({}));
    defaults.urls.clear();
    defaults.simulated = false;
    assert!(Iotec.connect(&defaults, clock).is_ok());
}
