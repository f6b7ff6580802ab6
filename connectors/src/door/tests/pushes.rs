//! Signed pushes: what is taken, what a signature alone may do, keys that change, and what providers withhold.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use ensimbi_events::commands::Commands;
use ensimbi_events::{Amount, Body as Says, EvidenceClass};
use tower::ServiceExt;

use super::duo::{self, Duo, Pair, SIGNATURE, pair};
use super::on_both_stores;
use crate::door::Door;
use crate::door::tests::house::*;

on_both_stores! {
    a_push_without_a_good_signature_leaves_no_row,
    a_signed_push_wakes_the_read_and_is_evidence_after_it,
    keys_change_without_a_gap,
    what_was_withheld_is_released_when_date_and_balance_agree,
    what_a_push_names_and_the_provider_denies_is_given_up,
    what_a_routine_began_and_is_never_ready_is_given_up,
}

const HOUR: Duration = Duration::from_secs(3_600);

fn request(door: &Door) -> axum::http::request::Builder {
    let id = door.connection("main").unwrap();
    Request::post(format!("/webhooks/{id}"))
}

async fn push(door: &Arc<Door>, body: &str, signature: Option<&str>) -> StatusCode {
    let mut request = request(door);
    if let Some(signature) = signature {
        request = request.header(SIGNATURE, signature);
    }
    door.router().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap().status()
}

async fn signed(door: &Arc<Door>, pair: &Pair, body: &str) -> StatusCode {
    push(door, body, Some(&pair.sign(body.as_bytes()))).await
}

async fn a_push_without_a_good_signature_leaves_no_row(house: House) {
    let duo = Duo::default();
    let door = duo::open(&house, &duo, &[("webhook_key", &pair(0).pem)]).await;
    let text = body("o1", None, "success");
    let good = pair(0).sign(text.as_bytes());
    let spaced = text.replacen(':', ": ", 1);
    let attempts: [(&str, Option<String>); 7] = [
        (&text, None),
        (&text, Some(String::new())),
        (&text, Some(good[..good.len() - 4].to_owned())),
        (&text, Some([good.as_str(), "=="].concat())),
        (&text, Some(pair(1).sign(text.as_bytes()))),
        (&spaced, Some(good.clone())),
        (&text, Some(SECRET.to_owned())),
    ];
    for (text, signature) in attempts {
        assert_eq!(push(&door, text, signature.as_deref()).await, StatusCode::UNAUTHORIZED, "{signature:?}");
    }
    let pending = door.pending(ensimbi_events::Clock::now(house.clock.as_ref())).await.unwrap();
    assert_eq!(pending.inbox_new, 0);
    // Signed, and yet nothing that anybody can read: kept, answered, and never in the way of the next one.
    for text in ["not json", r#"{"id":"o1","status":"nobody knows"}"#] {
        assert_eq!(signed(&door, pair(0), text).await, StatusCode::NO_CONTENT);
    }
    door.close().await;
}

async fn a_signed_push_wakes_the_read_and_is_evidence_after_it(house: House) {
    let (ledger, duo) = (Ledger::start(&house, Manners::default()), Duo::default());
    let door = duo::open(&house, &duo, &[("webhook_key", &pair(0).pem)]).await;
    let running = house.start(&door);
    // Nobody of us asked for this payment: another program of the same account did.
    duo.fake.on_read("o7", Ok(&body("o7", None, "success")));
    let text = body("o7", None, "success").replace("700", "700.0");
    assert_eq!(signed(&door, pair(0), &text).await, StatusCode::NO_CONTENT);
    house.settle(&door).await;
    let claims = ledger.claims();
    let classes: Vec<_> = claims.iter().map(|c| (c.confirms, c.evidence.as_ref().unwrap().class)).collect();
    assert!(classes.contains(&(false, EvidenceClass::Read)) && classes.contains(&(true, EvidenceClass::Signed)));
    assert_eq!(claims.len(), 2, "{:?}", ledger.words());
    // The same bytes, and a stale one: asked again, nothing new.
    for stale in [text.as_str(), &body("o7", None, "pending")] {
        assert_eq!(signed(&door, pair(0), stale).await, StatusCode::NO_CONTENT);
        house.settle(&door).await;
    }
    house.pass(&door, HOUR).await;
    assert_eq!(ledger.claims().len(), 2, "{:?}", ledger.words());
    assert!(duo.fake.asked().len() >= 2);
    running.stop().await;
}

async fn keys_change_without_a_gap(house: House) {
    let [first, next, named] = [pair(0), pair(1), pair(2)];
    let duo = Duo::default();
    let text = |n: u32| body(&format!("o{n}"), None, "pending");
    let door = duo::open(&house, &duo, &[("webhook_key", &first.pem)]).await;
    assert_eq!(signed(&door, first, &text(1)).await, StatusCode::NO_CONTENT);
    assert_eq!(signed(&door, next, &text(2)).await, StatusCode::UNAUTHORIZED);
    let before = door.connection_facts().remove(0).1.webhook_keys;
    door.close().await;
    let both = [("webhook_key", first.pem.as_str()), ("webhook_key_next", next.pem.as_str())];
    let door = duo::open(&house, &duo, &both).await;
    for pair in [first, next] {
        assert_eq!(signed(&door, pair, &text(3)).await, StatusCode::NO_CONTENT);
    }
    let keys = door.connection_facts().remove(0).1.webhook_keys;
    assert_eq!((before.len(), keys.len()), (1, 2));
    door.close().await;
    let door = duo::open(&house, &duo, &[("webhook_key", &next.pem)]).await;
    assert_eq!(signed(&door, first, &text(4)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(signed(&door, next, &text(4)).await, StatusCode::NO_CONTENT);
    // A key that the provider names itself counts beside it, also after a start.
    let running = house.start(&door);
    assert_eq!(signed(&door, named, &text(5)).await, StatusCode::UNAUTHORIZED);
    let answer = serde_json::json!({ "key": named.pem }).to_string();
    door.import(door.connection("main").unwrap(), "keys", answer.as_bytes(), "tester").await.unwrap();
    house.settle(&door).await;
    assert_eq!(signed(&door, named, &text(6)).await, StatusCode::NO_CONTENT);
    running.stop().await;
    let door = duo::open(&house, &duo, &[("webhook_key", &next.pem)]).await;
    assert_eq!(signed(&door, named, &text(7)).await, StatusCode::NO_CONTENT);
    door.close().await;
}

async fn what_was_withheld_is_released_when_date_and_balance_agree(house: House) {
    let (ledger, duo) = (Ledger::start(&house, Manners::default()), Duo::default());
    let door = duo::open(&house, &duo, &[("webhook_key", &pair(0).pem)]).await;
    let running = house.start(&door);
    let main = door.connection("main").unwrap();
    let import = async |kind: &str, text: String| {
        door.import(main, kind, text.as_bytes(), "tester").await.unwrap();
        house.settle(&door).await;
    };
    for (id, held) in [("o1", "20"), ("o2", "30")] {
        let mut paid: serde_json::Value = serde_json::from_str(&body(id, None, "success")).unwrap();
        paid["held"] = held.into();
        import("collection_status", paid.to_string()).await;
        house.clock.advance_to(ensimbi_events::Clock::now(house.clock.as_ref()).plus(HOUR));
    }
    let balance = |held: &str, note: &str| format!(r#"{{"balance":"1350","held_now":"{held}","note":"{note}"}}"#);
    let released = || {
        let claims = ledger.claims();
        let of = |claim: &ensimbi_events::Claim| match &claim.fact.body {
            Says::FundsReleased(body) => Some((body.amount, body.parts.len())),
            _ => None,
        };
        claims.iter().filter_map(of).collect::<Vec<_>>()
    };
    // Too early; then the date without the figure; then the figure of the first, and both orders of telling it.
    import("balance", balance("30", "early")).await;
    house.clock.advance_to(START.plus(HOUR * 24 + Duration::from_secs(60)));
    import("balance", balance("50", "unmoved")).await;
    import("balance", balance("29", "something else")).await;
    assert!(released().is_empty());
    import("balance", balance("30", "first")).await;
    assert_eq!(released(), [(Amount::whole(20), 1)]);
    let words = ledger.words();
    assert_eq!(words[words.len() - 2..], ["FundsReleased", "BalanceReported"]);
    import("balance", balance("30", "again")).await;
    house.clock.advance_to(START.plus(HOUR * 26));
    import("balance", balance("0", "second")).await;
    assert_eq!(released(), [(Amount::whole(20), 1), (Amount::whole(30), 1)]);
    running.stop().await;
}

/// The names that were asked for so far, of one object.
fn asked(fake: &Fake, name: &str) -> usize {
    fake.asked().iter().filter(|asked| *asked == name).count()
}

async fn what_a_push_names_and_the_provider_denies_is_given_up(house: House) {
    let (ledger, duo) = (Ledger::start(&house, Manners::default()), Duo::default());
    let door = duo::open(&house, &duo, &[("webhook_key", &pair(0).pem)]).await;
    let running = house.start(&door);
    // Whether the order arrived is unknown; then a push gives an object with its reference that never was.
    duo.loses_the_first_answer();
    let intent = door.pay(&house.origin("k"), &house.payout(&door, mobile())).await.unwrap();
    house.settle(&door).await;
    let odd = payout_body("o9", Some(&intent.reference), "pending");
    assert_eq!(signed(&door, pair(0), &odd).await, StatusCode::NO_CONTENT);
    house.pass(&door, HOUR * 5).await;
    assert_eq!(ledger.words(), ["PayoutRequested", "PayoutPending", "PayoutSucceeded"]);
    let looks = asked(&duo.fake, "o9");
    assert!(looks >= 3, "it was looked for: {looks}");
    house.pass(&door, HOUR * 48).await;
    assert_eq!(asked(&duo.fake, "o9"), looks, "and no more, once it was denied for long");
    assert!(door.alarms(house.book).await.unwrap().is_empty());
    running.stop().await;
}

async fn what_a_routine_began_and_is_never_ready_is_given_up(house: House) {
    let mut options = house.options();
    options.connections[0].poll.routine_secs.clear();
    let door = &Door::open(options).await.unwrap();
    let (running, main) = (house.start(door), door.connection("main").unwrap());
    house.fake.on_read("list", Ok("making list"));
    door.import(main, STATUS, b"making list", "tester").await.unwrap();
    house.settle(door).await;
    // Routine reads move no clock by themselves.
    for hour in 1..30 {
        house.clock.advance_to(START.plus(HOUR * hour));
        house.settle(door).await;
    }
    let looks = asked(&house.fake, "list");
    assert!(looks >= 10, "it was waited for: {looks}");
    for hour in 30..60 {
        house.clock.advance_to(START.plus(HOUR * hour));
        house.settle(door).await;
    }
    assert_eq!(asked(&house.fake, "list"), looks);
    let alarms = door.alarms(house.book).await.unwrap();
    assert!(!alarms.iter().any(|alarm| alarm.detail.contains("list")), "{alarms:?}");
    running.stop().await;
}
