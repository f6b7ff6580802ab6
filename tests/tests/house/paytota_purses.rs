//! Both purses of a currency against every field of the provider's balance, and money that somebody moves between them.

use std::time::Duration;

use ensimbi_connectors::door::id_of;
use ensimbi_connectors::simulator::stage::StageBeneficiary;
use ensimbi_connectors::simulator::stage::StagePayout;
use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::commands::{Commands, Origin};
use ensimbi_events::{Amount, Clock};
use ensimbi_projections::discrepancies::DiscrepancyState;
use ensimbi_projections::query::{DiscrepanciesQuery, LIMIT_MAX};
use ensimbi_projections::{DiscrepanciesView, WalletsView};
use reqwest::Client;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::paytota::{AGREES, agree, by_hand, collect, play};
use crate::played::Played;
use crate::rooms::{Rooms, Stores};

/// Seconds between two balances, and between two statements.
const BALANCE: u64 = 600;
const STATEMENT: u64 = 7_200;

/// The provider's balance of a currency, as anybody may read it.
async fn balance(played: &Played, currency: &str) -> Value {
    let key = played.connections[0].secrets["secret_key"].expose_secret();
    let request = Client::new().get(format!("{}/api/v1/account/json/balance/", played.base)).bearer_auth(key);
    let body: Value = request.timeout(Duration::from_secs(60)).send().await.unwrap().json().await.unwrap();
    body[currency].clone()
}

/// Posted, held and reserved of a wallet, in its smallest unit.
async fn wallet(rooms: &Rooms, code: &str, places: u32) -> [i64; 3] {
    let rows = rooms.views().await.wallets(rooms.book, None, LIMIT_MAX).await.unwrap().items;
    let row = rows.into_iter().find(|row| row.code == code).unwrap();
    [row.posted, row.held, row.reserved].map(|amount| amount.scaled() / 10_i64.pow(4 - places))
}

/// Every identity of the balance, and our wallets beside it.
async fn holds(played: &Played, rooms: &Rooms, currency: &str, places: u32) {
    let shown = balance(played, currency).await;
    let of = |field: &str| shown[field].as_i64().unwrap_or_else(|| panic!("{field}: {shown}"));
    assert_eq!(of("balance"), of("gross_balance") - of("fee_sell"), "B1: {shown}");
    assert_eq!(of("available_balance"), of("balance") - of("reserved") - of("pending_outgoing"), "B2: {shown}");
    assert_eq!(of("payout_balance"), of("payout_gross_balance") - of("payout_fee_sell"), "B3: {shown}");
    let available = of("payout_balance") - of("pending_payouts") + of("payout_overdraft");
    assert_eq!(of("available_payout_balance"), available, "B4: {shown}");
    let code = currency.to_lowercase();
    let [posted, held, reserved] = wallet(rooms, &code, places).await;
    assert_eq!((posted + held, held, reserved), (of("balance"), of("reserved"), of("pending_outgoing")), "{shown}");
    let [posted, held, reserved] = wallet(rooms, &format!("{code}-payouts"), places).await;
    assert_eq!((posted, held, reserved), (of("payout_balance"), 0, of("pending_payouts")), "{shown}");
}

async fn raised(rooms: &Rooms, state: DiscrepancyState) -> Vec<Option<Amount>> {
    let query = DiscrepanciesQuery {
        state: Some(state),
        kind: Some(DiscrepancyKind::BalanceDiffers),
        limit: 100,
        ..DiscrepanciesQuery::default()
    };
    let views = rooms.views().await;
    assert_eq!(
        views.discrepancies(rooms.book, &DiscrepanciesQuery { kind: None, ..query.clone() }).await.unwrap().items.len(),
        views.discrepancies(rooms.book, &query).await.unwrap().items.len(),
        "of no other kind"
    );
    views.discrepancies(rooms.book, &query).await.unwrap().items.into_iter().map(|row| row.stake).collect()
}

/// Lets so many seconds pass, in which everything routine happens.
async fn pass(played: &Played, rooms: &Rooms, secs: u64) {
    played.clock.advance_to(played.clock.now().plus(Duration::from_secs(secs)));
    played.pass(rooms).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purse_that_nobody_configured_keeps_no_other_from_being_opened() {
    let mut played = play(Stores::Files, 4, &json!({})).await;
    played.connections[0].wallets.retain(|wallet| wallet.currency.as_str() == "UGX");
    let rooms = played.house().await;
    played.opened(&rooms).await;
    collect(&played, &rooms, "order-1", "1000", AGREES, false).await;
    agree(&played, &rooms).await;
    assert_eq!(rooms.door.alarms(rooms.book).await.unwrap(), []);
    rooms.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_moved_between_purses_is_seen_by_the_balance_explained_by_the_statement_and_left_to_nobody() {
    let mut played = play(Stores::Files, 9, &json!({})).await;
    let every = &mut played.connections[0].poll.routine_secs;
    every.extend([("balance".to_owned(), BALANCE), ("statement".to_owned(), STATEMENT)]);
    let rooms = played.house().await;
    played.opened(&rooms).await;
    for (code, places) in [("UGX", 0), ("USD", 2)] {
        holds(&played, &rooms, code, places).await;
    }
    // Something in every field: fees, a reserve, payouts.
    collect(&played, &rooms, "phone", "40000", AGREES, false).await;
    for n in 0..4 {
        collect(&played, &rooms, &format!("card-{n}"), "25.99", AGREES, true).await;
    }
    let payout = StagePayout {
        slug: "paytota-main",
        wallet: "ugx-payouts",
        amount: "12345".parse().unwrap(),
        currency: "UGX".parse().unwrap(),
        beneficiary: StageBeneficiary::Phone(AGREES.to_owned()),
    };
    let origin = Origin { book: rooms.book, idempotency_key: "wages".to_owned() };
    let order = payout.order(id_of(rooms.book, &played.connections[0]));
    rooms.door.ask_pay(&origin, &order).await.unwrap();
    agree(&played, &rooms).await;
    for (code, places) in [("UGX", 0), ("USD", 2)] {
        holds(&played, &rooms, code, places).await;
    }

    assert_eq!(raised(&rooms, DiscrepancyState::Open).await, []);
    let (before, before_payouts) = (wallet(&rooms, "ugx", 0).await, wallet(&rooms, "ugx-payouts", 0).await);
    by_hand(&played, &json!({ "transfer": { "currency": "UGX", "amount": 30_000 } })).await;
    let mut waited = 0;
    let mut open = Vec::new();
    while open.len() < 2 && waited < STATEMENT {
        pass(&played, &rooms, BALANCE).await;
        waited += BALANCE;
        open = raised(&rooms, DiscrepancyState::Open).await;
    }
    let stake: Option<Amount> = Some("30000".parse().unwrap());
    assert_eq!(open, [stake, stake], "one purse has less, the other more");
    assert!(waited >= 2 * BALANCE, "one balance alone says nothing");
    assert_eq!(wallet(&rooms, "ugx", 0).await, before, "a balance posts nothing");
    while !raised(&rooms, DiscrepancyState::Open).await.is_empty() && waited < 3 * STATEMENT {
        pass(&played, &rooms, BALANCE).await;
        waited += BALANCE;
    }
    assert_eq!(raised(&rooms, DiscrepancyState::Open).await, [], "the statement explained it");
    assert_eq!(raised(&rooms, DiscrepancyState::Resolved).await, [stake, stake]);
    let transfers = rooms.events().await.into_iter().filter(|event| event.word == "PurseTransferred").count();
    assert_eq!(transfers, 1);
    let [posted, ..] = wallet(&rooms, "ugx", 0).await;
    let [paid, ..] = wallet(&rooms, "ugx-payouts", 0).await;
    assert_eq!((posted, paid), (before[0] - 30_000, before_payouts[0] + 30_000));
    let books = agree(&played, &rooms).await;
    assert_eq!(books.open_discrepancies, 0);
    for (code, places) in [("UGX", 0), ("USD", 2)] {
        holds(&played, &rooms, code, places).await;
    }
    rooms.close().await;
}
