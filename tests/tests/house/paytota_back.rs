//! Money of a card payment that goes back: refunds in full and in part, chargebacks that are won, and lost by a person's
//! word. A card costs 6.5 %, a tenth of it is withheld for a while, a refund costs 0.5 % and a chargeback 2 %.

use std::time::Duration;

use ensimbi_events::commands::{Action, Checkout, Commands, Origin};
use ensimbi_events::{Amount, Clock};
use ensimbi_projections::payments::{PaymentRow, PaymentState};
use ensimbi_projections::query::{DisputesQuery, LIMIT_MAX};
use ensimbi_projections::{PaymentsView, WalletsView};
use reqwest::Method;
use serde_json::json;

use crate::api;
use crate::paytota::{AGREES, agree, ask, by_hand, paid_cards, payment, play, posted_once, postgres};
use crate::played::Played;
use crate::rooms::{Rooms, Stores};
use crate::support::text;

const CARD: &str = "100";

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

/// Posted and held of the wallet that cards are collected into.
async fn wallet(rooms: &Rooms) -> (Amount, Amount) {
    let rows = rooms.views().await.wallets(rooms.book, None, LIMIT_MAX).await.unwrap().items;
    let row = rows.into_iter().find(|row| row.code == "usd").unwrap();
    (row.posted, row.held)
}

/// What the wallet has gained between, and what it holds less.
fn moved(from: (Amount, Amount), to: (Amount, Amount)) -> (Amount, Amount) {
    (to.0.checked_sub(from.0).unwrap(), to.1.checked_sub(from.1).unwrap())
}

/// What stands on an account.
async fn account(rooms: &Rooms, path: &str) -> Amount {
    let accounts = rooms.store.trial_balance(rooms.book).await.unwrap().1;
    let found = accounts.into_iter().filter(|one| one.account == path && one.currency.to_string() == "USD");
    Amount::from_scaled(i64::try_from(found.map(|one| one.debit - one.credit).sum::<i128>()).unwrap())
}

async fn all_back(stores: Stores) {
    let played = play(stores, 7, &json!({ "switches": { "chargeback_fee": true } })).await;
    let rooms = played.house().await;
    played.opened(&rooms).await;
    let opening = wallet(&rooms).await;
    let cards = paid_cards(&played, &rooms, 5, CARD).await;
    // Only what is not withheld any more is looked at below.
    agree(&played, &rooms).await;
    let now = wallet(&rooms).await;
    let count = i64::try_from(cards.len()).unwrap();
    let each = |part: &str| Amount::from_scaled(amount(part).scaled() * count);
    assert_eq!(moved(opening, now), (each("93.5"), Amount::ZERO), "what was withheld has come back");

    refunds(&played, &rooms, &cards).await;
    won(&played, &rooms, &cards[2]).await;
    lost(&played, &rooms, &cards[3]).await;
    let books = agree(&played, &rooms).await;
    assert_eq!(books.open_discrepancies, 0);
    posted_once(&rooms).await;
    rooms.close().await;
}

async fn refunds(played: &Played, rooms: &Rooms, cards: &[PaymentRow]) {
    let before = wallet(rooms).await;
    played.refund(rooms, "all", cards[0].payment, None).await.unwrap();
    played.pass(rooms).await;
    assert_eq!(moved(before, wallet(rooms).await), (amount("-100.5"), Amount::ZERO));
    let row = payment(rooms, cards[0].payment).await;
    assert_eq!((row.refunded, row.refundable()), (amount("100"), Some(Amount::ZERO)));

    let before = wallet(rooms).await;
    played.refund(rooms, "part", cards[1].payment, Some(amount("40"))).await.unwrap();
    played.pass(rooms).await;
    assert_eq!(moved(before, wallet(rooms).await), (amount("-40.2"), Amount::ZERO));
    played.refund(rooms, "rest", cards[1].payment, Some(amount("25.5"))).await.unwrap();
    played.pass(rooms).await;
    // 0.5 % of 25.50 is 12.75 cents: 13.
    assert_eq!(moved(before, wallet(rooms).await), (amount("-65.83"), Amount::ZERO));
    let row = payment(rooms, cards[1].payment).await;
    assert_eq!((row.refunded, row.refundable()), (amount("65.5"), Some(amount("34.5"))));
    assert_eq!(row.state, PaymentState::Succeeded, "a part that went back is no failure");
    assert_eq!(account(rooms, "income:refunds").await, amount("165.5"));
}

async fn won(played: &Played, rooms: &Rooms, card: &PaymentRow) {
    let id = card.object_id.clone().unwrap();
    let before = wallet(rooms).await;
    by_hand(played, &json!({ "chargeback": { "id": id } })).await;
    played.pass(rooms).await;
    assert_eq!(moved(before, wallet(rooms).await), (amount("-102"), Amount::ZERO));
    let row = payment(rooms, card.payment).await;
    assert_eq!((row.disputed, row.refundable()), (amount("100"), Some(Amount::ZERO)));
    assert_eq!(account(rooms, "assets:disputed:paytota-main").await, amount("100"));

    by_hand(played, &json!({ "reverse_chargeback": { "id": id } })).await;
    played.pass(rooms).await;
    // The fee stays.
    assert_eq!(moved(before, wallet(rooms).await), (amount("-2"), Amount::ZERO));
    let row = payment(rooms, card.payment).await;
    assert_eq!((row.disputed, row.lost, row.refundable()), (Amount::ZERO, Amount::ZERO, Some(amount("100"))));
    assert_eq!(account(rooms, "assets:disputed:paytota-main").await, Amount::ZERO);
}

async fn lost(played: &Played, rooms: &Rooms, card: &PaymentRow) {
    let before = wallet(rooms).await;
    let id = card.object_id.clone().unwrap();
    by_hand(played, &json!({ "chargeback": { "id": id, "amount": 6_000 } })).await;
    played.pass(rooms).await;
    assert_eq!(moved(before, wallet(rooms).await), (amount("-61.2"), Amount::ZERO));
    let query = DisputesQuery { payment: Some(card.payment), limit: 10, ..DisputesQuery::default() };
    let disputes = rooms.views().await.disputes(rooms.book, &query).await.unwrap().items;
    assert_eq!((disputes.len(), disputes[0].open), (1, amount("60")));

    let caller = api::open(rooms).await;
    let path = format!("/v1/disputes/{}/lose", disputes[0].dispute);
    let lose = || caller.send(Method::POST, &path, Some("gone"), None);
    let told = lose().await.expect(200);
    let again = lose().await.expect(200);
    assert_eq!((text(&told["id"]), &again["repeated"]), (text(&again["id"]), &json!(true)), "{again}");
    played.pass(rooms).await;
    // The wallet lost it before.
    assert_eq!(moved(before, wallet(rooms).await), (amount("-61.2"), Amount::ZERO));
    let row = payment(rooms, card.payment).await;
    assert_eq!((row.disputed, row.lost, row.refundable()), (Amount::ZERO, amount("60"), Some(amount("40"))));
    assert_eq!(account(rooms, "assets:disputed:paytota-main").await, Amount::ZERO);
    assert_eq!(account(rooms, "expenses:chargebacks").await, amount("60"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refunds_and_chargebacks_of_paytota_move_the_wallet_by_exactly_what_they_say() {
    all_back(Stores::Files).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_refunds_and_chargebacks_of_paytota_move_the_wallet_by_exactly_what_they_say() {
    all_back(postgres().await).await;
}

/// What happens within an hour: money that is held is looked at for ever.
async fn an_hour(played: &Played, rooms: &Rooms) {
    let end = played.clock.now().plus(Duration::from_secs(3_600));
    while let Some(next) = played.rest(rooms).await.filter(|next| *next <= end) {
        played.clock.advance_to(next);
    }
    played.clock.advance_to(end);
}

async fn held_first(stores: Stores) {
    let played = play(stores, 11, &json!({})).await;
    let rooms = played.house().await;
    played.opened(&rooms).await;
    let mut held = Vec::new();
    for n in 0..12 {
        let checkout = Checkout { hosted: true, authorise_only: true, ..Checkout::default() };
        let id = ask(&played, &rooms, &format!("hold-{n}"), CARD, AGREES, checkout).await;
        held.push(id);
    }
    an_hour(&played, &rooms).await;
    let mut actions = vec![Action::Capture(None), Action::Capture(Some(amount("80"))), Action::Release];
    let mut done = Vec::new();
    for id in held {
        if payment(&rooms, id).await.state != PaymentState::Authorised {
            continue;
        }
        let action = actions.pop().unwrap_or(Action::Release);
        let origin = Origin { book: rooms.book, idempotency_key: format!("act-{id}") };
        rooms.door.act(&origin, id, action).await.unwrap();
        done.push((id, action));
    }
    assert!(actions.is_empty(), "too few payers let their money be held");
    an_hour(&played, &rooms).await;
    for (id, action) in done {
        let row = payment(&rooms, id).await;
        let (state, gross) = match action {
            Action::Capture(part) => (PaymentState::Succeeded, Some(part.unwrap_or(amount(CARD)))),
            _ => (PaymentState::Voided, None),
        };
        assert_eq!((row.state, row.gross), (state, gross), "{action:?}");
    }
    let books = agree(&played, &rooms).await;
    assert_eq!(books.open_discrepancies, 0);
    rooms.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_money_of_paytota_is_captured_whole_or_in_part_or_let_go() {
    held_first(Stores::Files).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_held_money_of_paytota_is_captured_whole_or_in_part_or_let_go() {
    held_first(postgres().await).await;
}
