//! The house with Dollr: every step of the provider's guide in its order, over real HTTP; money in two currencies with the
//! fees of its receipt; the provider's unknowns, each tried both ways.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::IntoResponse;
use ensimbi_events::Clock;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::api;
use crate::played::{Played, sorted};
use crate::rooms::{Rooms, Stores};
use crate::support::{Caller, text};

/// A call that went to the provider: method and path, with `{}` for every id in it, and its body.
#[derive(Debug, Clone)]
pub struct Call {
    pub what: String,
    pub body: Value,
}

/// Stands between the house and the provider, hands everything on and keeps a list.
pub struct Between {
    pub url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

#[derive(Clone)]
struct Line {
    base: String,
    client: Client,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Between {
    pub async fn start(base: &str) -> Self {
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let line = Line { base: base.to_owned(), client: Client::new(), calls: Arc::clone(&calls) };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(hand_on).with_state(line);
        tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Self { url, calls }
    }

    /// What went through since the last time.
    pub fn taken(&self) -> Vec<Call> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

async fn hand_on(
    State(line): State<Line>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let path = uri.path_and_query().unwrap().as_str();
    let call =
        Call { what: format!("{method} {}", nameless(path)), body: serde_json::from_slice(&body).unwrap_or_default() };
    line.calls.lock().unwrap().push(call);
    let mut request = line.client.request(method, format!("{}{path}", line.base)).body(body);
    for name in ["authorization", "content-type"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    match request.timeout(Duration::from_secs(60)).send().await {
        Ok(answer) => {
            let status = answer.status();
            (status, [("content-type", "application/json")], answer.bytes().await.unwrap_or_default())
        }
        Err(_) => (StatusCode::BAD_GATEWAY, [("content-type", "text/plain")], Bytes::new()),
    }
}

/// A path without ids: they are numbers and UUIDs.
fn nameless(path: &str) -> String {
    let (path, query) = path.split_once('?').map_or((path, ""), |(path, query)| (path, query));
    let id = |part: &str| part.bytes().all(|b| b.is_ascii_digit()) || uuid::Uuid::try_parse(part).is_ok();
    let parts: Vec<&str> = path.split('/').map(|part| if !part.is_empty() && id(part) { "{}" } else { part }).collect();
    let query = query.split('&').filter(|pair| pair.starts_with("operation_type=") && !path.contains("predictions"));
    let query: Vec<&str> = query.collect();
    if query.is_empty() { parts.join("/") } else { format!("{}?{}", parts.join("/"), query.join("&")) }
}

/// Whether these calls were made in this order, whatever was made between them.
#[track_caller]
fn in_order(calls: &[Call], steps: &[&str]) {
    let mut made = calls.iter();
    for step in steps {
        let found = made.any(|call| call.what == *step);
        let all: Vec<&str> = calls.iter().map(|call| call.what.as_str()).collect();
        assert!(found, "{step} is not there in its turn: {all:#?}");
    }
}

#[track_caller]
fn one<'a>(calls: &'a [Call], what: &str) -> &'a Value {
    let found: Vec<&Call> = calls.iter().filter(|call| call.what == what).collect();
    assert_eq!(found.len(), 1, "{what}");
    &found[0].body
}

/// Numbers by what they do: pay, refuse.
const AGREES: &str = "231771000001";
const REFUSES: &str = "231779900001";

/// The played provider with one of its connections, over a line that is listened to, and the house with its API.
struct Scene {
    played: Played,
    between: Between,
    rooms: Rooms,
    caller: Caller,
}

impl Scene {
    async fn open(stores: Stores, slug: &str, faults: &Value, options: &[(&str, &str)]) -> Self {
        let mut played = Played::of("dollr", stores, 11, faults).await;
        let between = Between::start(&played.base).await;
        played.connections.retain(|connection| connection.slug == slug);
        let connection = &mut played.connections[0];
        connection.urls.insert("api".to_owned(), between.url.clone());
        // Nothing here is about answers that take too long, and the machine may be busy.
        connection.timeout_ms = 20_000;
        for (name, value) in options {
            connection.options.insert((*name).to_owned(), (*value).to_owned());
        }
        let rooms = played.house().await;
        let caller = api::open(&rooms).await;
        let scene = Self { played, between, rooms, caller };
        scene.declare().await;
        scene
    }

    /// What is in the wallets, in the word of a person who has looked it up: no call of theirs reads it.
    async fn declare(&self) {
        self.played.rest(&self.rooms).await;
        self.caller.caught_up().await;
        let theirs = self.played.simulator.wallets().await.unwrap();
        let rows = self.caller.get("/v1/wallets").await["items"].as_array().unwrap().clone();
        assert!(!rows.is_empty());
        for row in rows {
            let settings = &self.played.connections[0].wallets;
            let own = settings.iter().find(|own| own.code == text(&row["code"])).unwrap();
            let posted = theirs.iter().find(|their| their.provider_id == own.id).unwrap().balance;
            let body = json!({"wallet": row["id"], "as_of": self.played.clock.now(), "posted": posted});
            self.rooms.views().await;
            self.caller.post("/v1/openings", &format!("opening-{}", own.code), &body).await.expect(201);
        }
        self.between.taken();
    }

    /// Orders something and lets everything happen: our reference, and the payment as it is shown then.
    async fn order(&self, path: &str, key: &str, body: &Value) -> (String, Value) {
        self.rooms.views().await;
        let taken = self.caller.post(path, key, body).await.expect(202);
        self.played.pass(&self.rooms).await;
        (text(&taken["reference"]).to_owned(), self.shown(text(&taken["id"])).await)
    }

    async fn shown(&self, payment: &str) -> Value {
        self.rooms.views().await;
        self.caller.get(&format!("/v1/payments/{payment}")).await["payment"].clone()
    }

    /// Every wallet equals the provider's own.
    async fn agrees(&self) {
        let wallets = self.rooms.books().await.wallets;
        let own: Vec<String> = self.played.balances().await;
        assert_eq!(sorted(wallets), own);
    }

    async fn faults(&self) -> Value {
        Client::new().get(format!("{}/_sim/faults", self.played.base)).send().await.unwrap().json().await.unwrap()
    }

    /// The control of the simulator.
    async fn control(&self, path: &str, body: &Value) {
        let url = format!("{}/_sim/{path}", self.played.base);
        let answer = Client::new().post(url).json(body).send().await.unwrap();
        let (status, said) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, StatusCode::OK, "{body}: {said}");
    }
}

fn invoice() -> Value {
    json!({
        "connection": "dollr-main", "wallet": "usd", "amount": "100", "currency": "USD", "fee_bearer": "merchant",
        "payer": {"phone": AGREES, "name": "Jane Rose"}, "note": "Consulting",
        "items": [
            {"name": "Session", "quantity": 1, "price": "80"}, {"name": "Handout", "quantity": 2, "price": "10"},
        ],
    })
}

/// Seeds/002, "Collect Payment via Invoice", steps 1 to 13, and "Issue a Payout", steps 1 to 6.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_of_the_guide_in_its_order_collects_an_invoice_and_issues_a_payout() {
    let scene = Scene::open(Stores::Files, "dollr-main", &json!({}), &[]).await;
    let (reference, paid) = scene.order("/v1/collections", "guide", &invoice()).await;
    assert_eq!(text(&paid["state"]), "succeeded", "{paid}");
    let calls = scene.between.taken();
    in_order(
        &calls,
        &[
            "POST /v1/parties/create",
            "POST /v1/counterparties/create",
            "POST /v1/invoices/create",
            "POST /v1/invoices/{}/items/add",
            "POST /v1/invoices/{}/items/add",
            "PUT /v1/invoices/publish/{}",
            "GET /v1/predictions/mmo-provider-info",
            "POST /v1/sessions/checkout",
            "POST /v1/payment-accounts/create?operation_type=COLLECTION",
            "POST /v1/executions/collection",
            "GET /v1/status/collection/{}",
            "GET /v1/invoices/receipt/{}",
        ],
    );
    let made = one(&calls, "POST /v1/invoices/create");
    assert_eq!(
        (&made["fee_bearer"], &made["currency"], &made["reference_id"]),
        (&json!("PAYEE"), &json!("USD"), &json!(reference))
    );
    let executed = one(&calls, "POST /v1/executions/collection");
    assert_eq!(executed["reference_id"], json!(reference));
    assert!(executed["session_id"].is_string() && executed["payment_account_id"].is_string(), "{executed}");
    assert!(one(&calls, "POST /v1/sessions/checkout")["source_id"].is_i64());
    // The receipt has itemised the fees, and the invoice is paid.
    let fees = scene.caller.get("/v1/fees?group_by=component").await;
    let groups = fees["groups"].as_array().unwrap().iter();
    let fees: Vec<_> = groups.map(|one| (text(&one["group"]["component"]), text(&one["fees"]))).collect();
    assert_eq!(fees, [("network", "1.3"), ("provider", "1.5"), ("unitemised", "0")]);
    let invoices = scene.caller.get("/v1/invoices").await;
    assert_eq!((invoices["items"].as_array().unwrap().len(), text(&invoices["items"][0]["state"])), (1, "paid"));
    scene.agrees().await;

    let payout = json!({
        "connection": "dollr-main", "wallet": "usd", "amount": "25", "currency": "USD", "to": {"phone": AGREES},
        "name": "Jane Rose",
    });
    let (reference, paid) = scene.order("/v1/payouts", "guide", &payout).await;
    assert_eq!(text(&paid["state"]), "succeeded", "{paid}");
    let calls = scene.between.taken();
    in_order(
        &calls,
        &[
            "POST /v1/parties/create",
            "POST /v1/counterparties/create",
            "POST /v1/payment-accounts/create?operation_type=PAYOUT",
            "POST /v1/sessions/payout",
            "POST /v1/executions/payout",
            "GET /v1/status/payout/{}",
        ],
    );
    let executed = one(&calls, "POST /v1/executions/payout");
    assert_eq!(executed["reference_id"], json!(reference));
    assert!(executed["passcode"]["token"]["code"].is_string(), "the passcode authorises it");
    scene.agrees().await;
}

/// Bookkeeping's examples 13 and 14 end to end: an invoice in dollars, paid in Liberian ones, with the fees of its receipt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invoice_in_dollars_paid_in_liberian_ones_ends_in_the_books_as_its_receipt_says() {
    let scene = Scene::open(Stores::Files, "dollr-abroad", &json!({}), &[]).await;
    let figures = |fees: Value| {
        let mut all = json!({
            "payer_amount": "19500", "payer_currency": "LRD", "payee_amount": "97.5", "payee_currency": "USD",
            "platform_fee": "1.5", "platform_currency": "USD", "fx_fee": "0.5", "gateway_fee": "97.5",
            "gateway_currency": "LRD",
        });
        all.as_object_mut().unwrap().extend(fees.as_object().unwrap().clone());
        json!({"of": "NEXT", "figures": all})
    };
    let mut order = invoice();
    order["connection"] = json!("dollr-abroad");
    scene.control("figures", &figures(json!({}))).await;
    let (_, paid) = scene.order("/v1/collections", "thirteen", &order).await;
    assert_eq!(text(&paid["state"]), "succeeded", "{paid}");
    let account = async |path: &str, currency: &str| {
        let lines = scene.rooms.store.trial_balance(scene.rooms.book).await.unwrap().1;
        let line = lines.into_iter().find(|line| line.account == path && line.currency.as_str() == currency);
        line.map_or(0, |line| line.debit - line.credit)
    };
    let code = scene.played.connections[0].code().to_owned();
    let fee = |component: &str| format!("expenses:fees:{code}:{component}");
    // Example 13b: F=2 V=0.5 F@LRD=97.5 V@LRD=-97.5, nothing unitemised any more.
    assert_eq!(account(&fee("provider"), "USD").await, 15_000);
    assert_eq!(account(&fee("fx"), "USD").await, 5_000);
    assert_eq!(account(&fee("unitemised"), "USD").await, 0);
    assert_eq!(account(&fee("network"), "LRD").await, 975_000);
    assert_eq!(account("equity:conversion", "USD").await, 5_000);
    assert_eq!(account("equity:conversion", "LRD").await, -975_000);
    assert_eq!(scene.rooms.books().await.open_discrepancies, 0);
    scene.agrees().await;

    // Example 14: without the gateway's fee the sums differ, and the one figure stands.
    scene.control("figures", &figures(json!({"gateway_fee": "0"}))).await;
    let (_, paid) = scene.order("/v1/collections", "fourteen", &order).await;
    assert_eq!(text(&paid["state"]), "succeeded");
    assert_eq!(account(&fee("unitemised"), "USD").await, 25_000);
    assert_eq!(account(&fee("network"), "LRD").await, 975_000);
    let open = scene.caller.get("/v1/discrepancies?state=open").await;
    assert_eq!(text(&open["items"][0]["kind"]), "sums_differ", "{open}");
    scene.agrees().await;
}

/// What nobody knows of the real provider (section 14 of its facts), each the other way than assumed. Where a row changes
/// what an order comes to, that is said; the books agree in any case.
fn unknowns() -> Vec<(Value, Option<&'static str>)> {
    let usual = [
        json!({"success_word": "successful"}),
        json!({"first_status": "pending"}),
        json!({"cards_at_once": false}),
        json!({"source_after_failure": "processing"}),
        json!({"executes_unless_active": true}),
        json!({"same_payload": "refused"}),
        json!({"other_payload": "replayed"}),
        json!({"unknown_reference": "unprocessable"}),
        json!({"empty_refusals": true}),
        json!({"detail": "text"}),
        json!({"detail": "list"}),
        json!({"newer_errors": true}),
        json!({"wrong_client": "forbidden"}),
        json!({"percentage_as_fraction": true}),
        json!({"gross_up": true}),
        json!({"fees_round_up": true}),
        json!({"fx_rate_inverse": true}),
        json!({"checkout_bearer": "payee"}),
        json!({"checkout_idle": true}),
        json!({"payout_debit_at_success": true}),
        json!({"short_payout": "later"}),
        json!({"short_payout": "refused"}),
        json!({"intent_in_answer": true}),
        json!({"source_refunded": true}),
        json!({"refund_returns_fees": true}),
        json!({"publish_empty": true}),
        json!({"item_in_any_currency": true}),
        json!({"cancel_empty": true}),
        json!({"duplicate_party": "same"}),
        json!({"wrong_passcode": "failed"}),
        json!({"redirect_query": true}),
        json!({"payout_bodies": "both"}),
        json!({"unpublished_is_missing": true}),
        json!({"early_receipt": "unprocessable"}),
        json!({"early_receipt": "unpaid"}),
        json!({"whole_numbers": true}),
    ];
    let usual = usual.into_iter().map(|switch| (switch, Some("succeeded")));
    // A second party of one phone is refused here, and so is every payout of a merchant that is not verified.
    usual.chain([(json!({"duplicate_party": "refused"}), None), (json!({"unverified": true}), None)]).collect()
}

/// The assumption of each row is what every other story runs with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_nobody_knows_of_dollr_turns_out_to_be_the_books_equal_the_providers_own() {
    let scene = Scene::open(Stores::Files, "dollr-main", &json!({}), &[]).await;
    let payout = json!({
        "connection": "dollr-main", "wallet": "usd", "amount": "5", "currency": "USD", "to": {"phone": AGREES},
    });
    for (n, (switch, state)) in unknowns().into_iter().enumerate() {
        let name = switch.as_object().unwrap().keys().next().unwrap().clone();
        let before = scene.faults().await["switches"][&name].clone();
        assert_ne!(before, switch[&name], "{switch} is what is assumed anyway");
        scene.control("faults", &json!({"switches": switch})).await;
        let mut hosted = invoice();
        hosted["checkout"] = json!({"hosted": true, "success_url": "https://shop.example/paid"});
        let mut refused = invoice();
        refused["payer"]["phone"] = json!(REFUSES);
        let mut taken = Vec::new();
        for (kind, path, body) in [
            ("sold", "/v1/collections", &invoice()),
            ("hosted", "/v1/collections", &hosted),
            ("refused", "/v1/collections", &refused),
            ("paid", "/v1/payouts", &payout),
        ] {
            let answer = scene.caller.post(path, &format!("{kind}-{n}"), body).await.expect(202);
            taken.push((kind, text(&answer["id"]).to_owned()));
        }
        scene.played.pass_by(&scene.rooms, Duration::from_secs(2)).await;
        for (kind, id) in taken {
            let shown = scene.shown(&id).await;
            let ended = text(&shown["state"]);
            match (kind, state) {
                ("sold" | "paid", Some(state)) => assert_eq!(ended, state, "{switch}: {kind}: {shown}"),
                ("refused", _) => assert_eq!(ended, "failed", "{switch}: {shown}"),
                _ => assert!(["succeeded", "failed"].contains(&ended), "{switch}: {kind}: {shown}"),
            }
        }
        scene.agrees().await;
        scene.control("faults", &json!({"switches": {&name: before}})).await;
    }
    assert_eq!(scene.rooms.books().await.open_discrepancies, 0);
}

/// The guide's own bodies of payouts, which newer documents have changed (sections 7.2 and 8.2).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payouts_go_out_in_the_guides_older_form_too() {
    let old = json!({"switches": {"payout_bodies": "old"}});
    let scene = Scene::open(Stores::Files, "dollr-main", &old, &[("payout_form", "old")]).await;
    let payout = json!({
        "connection": "dollr-main", "wallet": "usd", "amount": "5", "currency": "USD", "to": {"phone": AGREES},
    });
    let (_, paid) = scene.order("/v1/payouts", "old", &payout).await;
    assert_eq!(text(&paid["state"]), "succeeded");
    let calls = scene.between.taken();
    let session = one(&calls, "POST /v1/sessions/payout");
    assert!(
        session["wallet_id"].is_i64() && session["payment_account_id"].is_i64() && session["expires_at"].is_string()
    );
    scene.agrees().await;
}

/// A success is not announced to be taken back; a later look finds it, and a person is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_success_that_is_taken_back_later_is_raised() {
    let scene = Scene::open(Stores::Files, "dollr-main", &json!({}), &[]).await;
    let taken = scene.caller.post("/v1/collections", "back", &invoice()).await.expect(202);
    scene.played.rest(&scene.rooms).await;
    while scene.shown(text(&taken["id"])).await["state"] != "succeeded" {
        let next = scene.played.rest(&scene.rooms).await.expect("something is due until it has succeeded");
        scene.played.clock.advance_to(next);
    }
    scene.control("admin", &json!({"reverse": {"reference": taken["reference"]}})).await;
    scene.played.pass(&scene.rooms).await;
    scene.rooms.views().await;
    let open = scene.caller.get("/v1/discrepancies?state=open").await;
    assert_eq!(open["items"].as_array().unwrap().len(), 1, "{open}");
    assert_eq!((&open["items"][0]["subject"], text(&open["items"][0]["kind"])), (&taken["id"], "final_contradicted"));
}
