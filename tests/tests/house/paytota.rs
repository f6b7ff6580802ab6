//! The house with Paytota: everything its stage does, with every push delivered and with none; pushes late, doubled, stale
//! and in another order; a payment that comes after it was given up. And what these stories share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use ensimbi_connectors::door::id_of;
use ensimbi_connectors::simulator::stage::{PushTarget, StageOrder};
use ensimbi_events::commands::{Checkout, CollectOrder, CommandError, Origin};
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Clock, SubjectId};
use ensimbi_projections::payments::{PaymentRow, PaymentState};
use ensimbi_projections::query::LIMIT_MAX;
use ensimbi_projections::{PaymentsView, WalletsView};
use ensimbi_tests::fresh_database;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::played::{Played, sorted};
use crate::rooms::{Books, Rooms, START, Stores};

/// Payers by what they do: agree, refuse, say nothing.
pub const AGREES: &str = "256777100001";
pub const REFUSES: &str = "256777990001";
pub const SILENT: &str = "256777880001";
/// What happens at most within this belongs to one routine read.
const LOOK: Duration = Duration::from_secs(300);
const LOOKS: u32 = 48;
/// What falls due within this happens together.
const STEP: Duration = Duration::from_secs(120);

/// The played provider, with faults as `/_sim/faults` takes them.
pub async fn play(stores: Stores, seed: u64, faults: &Value) -> Played {
    let mut played = Played::of("paytota", stores, seed, faults).await;
    // Nothing here is about answers that take too long, and the machine may be busy.
    played.connections[0].timeout_ms = 20_000;
    played
}

pub async fn postgres() -> Stores {
    Stores::Postgres(fresh_database("paytota").await)
}

/// Does something by hand at the provider; gives the id of what came of it.
pub async fn by_hand(played: &Played, action: &Value) -> String {
    let url = format!("{}/_sim/admin", played.base);
    let response = Client::new().post(url).json(action).timeout(Duration::from_secs(60)).send().await.unwrap();
    let (status, body) = (response.status(), response.text().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{action}: {body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    body["id"].as_str().unwrap().to_owned()
}

/// Asks for so much; `hosted` payers pay dollars by card on the provider's page, the others shillings by phone.
pub async fn collect(played: &Played, rooms: &Rooms, key: &str, amount: &str, phone: &str, hosted: bool) -> SubjectId {
    ask(played, rooms, key, amount, phone, Checkout { hosted, ..Checkout::default() }).await
}

/// The same, paid like this.
pub async fn ask(
    played: &Played,
    rooms: &Rooms,
    key: &str,
    amount: &str,
    phone: &str,
    checkout: Checkout,
) -> SubjectId {
    let hosted = checkout.hosted;
    let success_url = hosted.then(|| "https://shop.example/paid".to_owned());
    let order = CollectOrder {
        connection: id_of(rooms.book, &played.connections[0]),
        wallet: Some(if hosted { "usd" } else { "ugx" }.to_owned()),
        amount: amount.parse().unwrap(),
        currency: if hosted { "USD" } else { "UGX" }.parse().unwrap(),
        payer_phone: Some(phone.to_owned()),
        payer_name: None,
        payer_email: None,
        fee_bearer: Bearer::Merchant,
        invoice_id: None,
        note: None,
        items: Vec::new(),
        checkout: Checkout { success_url, ..checkout },
    };
    let origin = Origin { book: rooms.book, idempotency_key: key.to_owned() };
    rooms.door.ask_collect(&origin, &order).await.unwrap().id
}

pub async fn payment(rooms: &Rooms, id: SubjectId) -> PaymentRow {
    rooms.views().await.payment(rooms.book, id).await.unwrap().value.unwrap()
}

/// Cards that pay so much each, at least `least` of them: a few payers give up.
pub async fn paid_cards(played: &Played, rooms: &Rooms, least: usize, amount: &str) -> Vec<PaymentRow> {
    let mut paid = Vec::new();
    for n in 0..least * 3 + 3 {
        collect(played, rooms, &format!("card-{n}"), amount, AGREES, true).await;
    }
    played.pass(rooms).await;
    let query = ensimbi_projections::query::PaymentsQuery { limit: LIMIT_MAX, ..Default::default() };
    let rows = rooms.views().await.payments(rooms.book, &query).await.unwrap().items;
    paid.extend(rows.into_iter().filter(|row| row.state == PaymentState::Succeeded));
    assert!(paid.len() >= least, "{} paid", paid.len());
    paid
}

/// Further balances and statements, until every wallet is the provider's: they alone tell what nobody ordered.
pub async fn agree(played: &Played, rooms: &Rooms) -> Books {
    for _ in 0..LOOKS {
        played.pass_by(rooms, STEP).await;
        let books = rooms.books().await;
        if sorted(books.wallets.clone()) == played.balances().await && books.open_discrepancies == 0 {
            break;
        }
        played.clock.advance_to(played.clock.now().plus(LOOK));
    }
    let books = rooms.books().await;
    assert_eq!(sorted(books.wallets.clone()), played.balances().await);
    same_fees(played, rooms).await;
    books
}

/// Every wallet's fees are what the provider's balance shows.
async fn same_fees(played: &Played, rooms: &Rooms) {
    let ours: BTreeMap<String, Amount> = rooms.fees().await.into_iter().collect();
    let theirs = played.simulator.wallets().await.unwrap();
    for row in rooms.views().await.wallets(rooms.book, None, LIMIT_MAX).await.unwrap().items {
        let wallet = theirs.iter().find(|one| (one.purse, one.currency) == (row.purse.as_deref(), row.currency));
        let fees = ours.get(&row.wallet.to_string()).copied().unwrap_or(Amount::ZERO);
        assert_eq!(Some(fees), wallet.unwrap().fees, "fees of {}", row.code);
    }
}

/// Every success, refund and dispute stands in the book once.
pub async fn posted_once(rooms: &Rooms) {
    let mut seen: BTreeMap<(String, SubjectId), u32> = BTreeMap::new();
    for event in rooms.events().await {
        if event.word.ends_with("Succeeded") {
            *seen.entry((event.word, event.subject)).or_default() += 1;
        }
    }
    let twice: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert!(seen.len() > 1, "nothing came in");
}

/// What a provider pushes: signature and bytes.
pub type Push = (String, Bytes);

/// Somebody else's endpoint, to which the provider pushes instead of to the house.
pub struct Recorder {
    pushes: Arc<Mutex<Vec<Push>>>,
}

impl Recorder {
    /// Has everything pushed here from now on.
    pub async fn start(played: &Played) -> Self {
        let pushes: Arc<Mutex<Vec<Push>>> = Arc::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = axum::Router::new().route("/", post(Self::take)).with_state(Arc::clone(&pushes));
        tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        played.simulator.push_to(PushTarget::of(&played.connections[0], url)).unwrap();
        Self { pushes }
    }

    async fn take(State(pushes): State<Arc<Mutex<Vec<Push>>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
        let signature = headers["x-signature"].to_str().unwrap().to_owned();
        pushes.lock().unwrap().push((signature, body));
        StatusCode::NO_CONTENT
    }

    /// What came since the last time.
    pub fn taken(&self) -> Vec<Push> {
        std::mem::take(&mut *self.pushes.lock().unwrap())
    }
}

/// Where the house takes the pushes of the connection.
pub fn webhook(played: &Played, rooms: &Rooms) -> String {
    format!("{}/webhooks/{}", rooms.url, id_of(rooms.book, &played.connections[0]))
}

pub async fn push(client: &Client, url: &str, (signature, body): &Push) -> StatusCode {
    let request = client.post(url).header("X-Signature", signature).body(body.clone());
    request.timeout(Duration::from_secs(120)).send().await.unwrap().status()
}

/// A seed whose first orders have everything in them.
fn seed_of_everything(played: &Played, orders: u64) -> u64 {
    let everything = |seed: &u64| {
        let (mut refunds, mut payouts, mut hosted, mut items) = (0, 0, 0, 0);
        for n in 0..orders {
            match played.stage.order(*seed, n) {
                StageOrder::Refund(_) => refunds += 1,
                StageOrder::PayOut(_) => payouts += 1,
                StageOrder::Collect(payment) if payment.hosted => hosted += 1,
                StageOrder::Collect(payment) => items += u32::from(!payment.items.is_empty()),
            }
        }
        refunds >= 2 && payouts >= 6 && hosted >= 8 && items >= 4
    };
    (1..10_000).find(everything).unwrap()
}

const ORDERS: u64 = 60;

/// The same moment in every run, so many days after its start.
fn at_day(played: &Played, day: u64) {
    let at = START.plus(Duration::from_secs(day * 86_400));
    assert!(played.clock.now() < at, "day {day} is over");
    played.clock.advance_to(at);
}

/// A run of the stage's first orders, with all pushes or without any.
async fn everything(stores: Stores, lost_bp: u32) -> Books {
    let faults = json!({ "seed": 5, "rates": { "webhook_lost": lost_bp } });
    let played = play(stores, 5, &faults).await;
    let seed = seed_of_everything(&played, ORDERS);
    let rooms = played.house().await;
    played.opened(&rooms).await;
    at_day(&played, 1);
    let mut refunds = 0;
    for n in 0..ORDERS {
        if let StageOrder::Refund(_) = played.stage.order(seed, n) {
            // Whether it has come in by now must not depend on how it is told.
            played.pass_by(&rooms, STEP).await;
            refunds += 1;
            // Nor may the times of what follows, which the provider's own dates depend on.
            at_day(&played, 3 * refunds);
            if !refundable(&played, &rooms, seed, n).await {
                continue;
            }
        }
        match played.order(&rooms, seed, n).await {
            Ok(_) | Err(CommandError::Refused { .. }) => {}
            Err(why) => panic!("order {n}: {why}"),
        }
        if n % 6 == 5 {
            played.rest(&rooms).await;
            played.clock.advance_to(played.clock.now().plus(Duration::from_secs(45)));
        }
    }
    assert!(refunds >= 2);
    let books = agree(&played, &rooms).await;
    posted_once(&rooms).await;
    rooms.close().await;
    books
}

/// Whether the order that is to be refunded was paid.
async fn refundable(played: &Played, rooms: &Rooms, seed: u64, n: u64) -> bool {
    let StageOrder::Refund(refund) = played.stage.order(seed, n) else { return false };
    let id = ensimbi_events::ids::intent_id(rooms.book, "collections", &format!("order-{}", refund.of));
    payment(rooms, id).await.refundable().is_some_and(Amount::is_positive)
}

fn same(with: &Books, without: &Books) {
    assert!(with.finals.len() > 60, "{}", with.finals.len());
    assert_eq!((&with.wallets, &with.states), (&without.wallets, &without.states));
    // A payer who fails first and pays then: who sees only the end does not know of the beginning.
    let told = |books: &Books| -> BTreeSet<_> {
        books.finals.iter().filter(|(word, ..)| word != "CollectionFailed").cloned().collect()
    };
    let (ours, theirs) = (told(with), told(without));
    let apart: Vec<_> = ours.symmetric_difference(&theirs).collect();
    assert!(apart.is_empty(), "{apart:#?}");
    assert!(with.finals.is_superset(&without.finals), "the sweep alone says nothing of its own");
    assert_eq!(with.accounts, without.accounts);
    assert_eq!((with.open_discrepancies, without.open_discrepancies), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_any_webhook_of_paytota_the_sweep_ends_with_the_same_books() {
    let (with, without) = tokio::join!(everything(Stores::Files, 0), everything(Stores::Files, 10_000));
    same(&with, &without);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_without_any_webhook_of_paytota_the_sweep_ends_with_the_same_books() {
    let (one, other) = (postgres().await, postgres().await);
    let (with, without) = tokio::join!(everything(one, 0), everything(other, 10_000));
    same(&with, &without);
}

/// Pushes that come as they should not.
async fn disordered(stores: Stores) {
    let faults = json!({
        "seed": 11,
        "rates": {
            "webhook_late": 3_000, "webhook_doubled": 5_000, "webhook_stale": 5_000, "webhook_reordered": 3_000,
            "webhook_lost": 500, "unknown_event": 500,
        },
        "parameters": { "webhook_late_minutes": 36 * 60 },
        "switches": { "no_order": true },
    });
    let played = play(stores, 11, &faults).await;
    let rooms = played.house().await;
    played.opened(&rooms).await;
    for n in 0..16 {
        match played.order(&rooms, 11, n).await {
            Ok(_) | Err(CommandError::Refused { .. }) => {}
            Err(why) => panic!("order {n}: {why}"),
        }
    }
    let books = agree(&played, &rooms).await;
    posted_once(&rooms).await;
    assert_eq!(played.made_twice().await, Vec::<String>::new());
    assert_eq!(books.open_discrepancies, 0);
    rooms.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_of_paytota_late_doubled_stale_and_in_another_order_post_each_payment_once() {
    disordered(Stores::Files).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_webhooks_of_paytota_late_doubled_stale_and_in_another_order_post_each_payment_once() {
    disordered(postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_that_expired_and_is_paid_late_is_posted_and_left_to_nobody() {
    let played = play(Stores::Files, 3, &json!({ "rates": { "paid_after_expired": 10_000 } })).await;
    let rooms = played.house().await;
    played.opened(&rooms).await;
    let id = collect(&played, &rooms, "late", "10000", SILENT, false).await;
    // Due after an hour; the operator confirms two hours later.
    let mut expired = false;
    while let Some(next) = played.rest(&rooms).await {
        expired |= payment(&rooms, id).await.state == PaymentState::Failed;
        played.clock.advance_to(next);
    }
    assert!(expired, "it was given up in between");
    let row = payment(&rooms, id).await;
    assert_eq!((row.state, row.gross), (PaymentState::Succeeded, Some("10000".parse().unwrap())));
    let books = agree(&played, &rooms).await;
    assert_eq!(books.open_discrepancies, 0);
    let raised = rooms.events().await.into_iter().filter(|event| event.word == "DiscrepancyRaised").count();
    assert_eq!(raised, 0, "nobody was called");
    rooms.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paid_purchase_does_not_step_back_when_its_error_is_told_again() {
    let played = play(Stores::Files, 3, &json!({ "rates": { "paid_after_error": 10_000 } })).await;
    let rooms = played.house().await;
    played.opened(&rooms).await;
    let recorder = Recorder::start(&played).await;
    let id = collect(&played, &rooms, "again", "10000", REFUSES, false).await;
    // Nobody tells the house, and a failure is looked at once more, not for ever: the statement has the late payment.
    agree(&played, &rooms).await;
    let row = payment(&rooms, id).await;
    assert_eq!((row.state, row.gross), (PaymentState::Succeeded, Some("10000".parse().unwrap())));
    let before = rooms.books().await;
    let pushes = recorder.taken();
    let status = |push: &Push| serde_json::from_slice::<Value>(&push.1).unwrap()["status"].clone();
    assert!(pushes.iter().any(|push| status(push) == "error"), "the error was told");
    // The newest first, and the error last.
    let (client, url) = (Client::new(), webhook(&played, &rooms));
    for told in pushes.iter().rev().chain(pushes.iter().filter(|push| status(push) == "error")) {
        assert_eq!(push(&client, &url, told).await, StatusCode::NO_CONTENT);
        played.rest(&rooms).await;
    }
    played.pass(&rooms).await;
    assert_eq!(payment(&rooms, id).await.state, PaymentState::Succeeded);
    let after = agree(&played, &rooms).await;
    assert_eq!((before.wallets, before.accounts, before.states), (after.wallets, after.accounts, after.states));
    assert_eq!(after.open_discrepancies, 0);
    rooms.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_of_paytota_are_taken_as_json_and_as_text() {
    for as_text in [false, true] {
        let mut played = play(Stores::Files, 6, &json!({ "switches": { "webhook_as_text": as_text } })).await;
        // Nothing but a push makes the house look within the hour.
        (played.connections[0].poll.first_secs, played.connections[0].poll.max_secs) = (86_400, 86_400);
        let rooms = played.house().await;
        played.opened(&rooms).await;
        let id = collect(&played, &rooms, "order-1", "1000", AGREES, false).await;
        let late = played.clock.now().plus(Duration::from_secs(3_600));
        loop {
            let next = played.rest(&rooms).await.unwrap();
            if payment(&rooms, id).await.state == PaymentState::Succeeded {
                break;
            }
            assert!(next < late, "as text: {as_text}; no push was taken");
            played.clock.advance_to(next);
        }
        rooms.close().await;
    }
}
