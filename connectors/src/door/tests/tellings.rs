//! Facts of our own: in order, once, whole; and what can be seen behind a payment.

use ensimbi_events::codes::Refusal;
use ensimbi_events::commands::{CommandError, Commands, Telling};
use ensimbi_events::words::invoice::{InvoiceDrafted, InvoiceItemAdded};
use ensimbi_events::{Amount, Body, Fact, SubjectId, SubjectKind};

use super::on_both_stores;
use crate::door::tests::house::*;

on_both_stores! {
    facts_of_a_command_go_up_in_order_and_once,
    a_refused_fact_stops_the_ones_after_it,
    what_is_behind_a_payment_is_shown,
    what_a_person_should_see_is_listed,
}

fn telling(body: &[u8]) -> Telling {
    let subject = SubjectId(uuid::Uuid::from_u128(77));
    let fact = |occurrence: &str, body: Body| Fact {
        subject,
        subject_kind: SubjectKind::Invoice,
        connection: None,
        wallet: None,
        object_kind: Some("intent".into()),
        object_id: Some(subject.to_string()),
        occurrence: occurrence.into(),
        currency: "UGX".parse().ok(),
        version: body.version(),
        body,
    };
    let item = |n: u32| {
        let item = InvoiceItemAdded {
            item_id: n.to_string(),
            quantity: "1".into(),
            unit_amount: Amount::whole(100),
            tax: None,
        };
        (fact(&n.to_string(), item.into()), None)
    };
    let mut facts = vec![(fact("", InvoiceDrafted { party_id: None }.into()), None)];
    facts.extend((1..5).map(item));
    Telling { route: "invoices", body: body.to_vec(), facts, party: None, evidence: None }
}

async fn facts_of_a_command_go_up_in_order_and_once(house: House) {
    let ledger = Ledger::start(&house, Manners { silent_attempts: 1, ..Manners::default() });
    let running = house.run().await;
    let door = &running.door;
    assert!(door.told(&house.origin("k"), "invoices", b"a").await.unwrap().is_none());
    let told = door.tell(&house.origin("k"), &telling(b"a")).await.unwrap();
    assert!(!told.repeated && told.facts.iter().all(|fact| fact.outcome.is_some()) && told.facts.len() == 5);
    let again = door.tell(&house.origin("k"), &telling(b"a")).await.unwrap();
    assert!(again.repeated && again.facts == told.facts);
    assert_eq!(door.told(&house.origin("k"), "invoices", b"a").await.unwrap(), Some(again));
    let conflict = door.tell(&house.origin("k"), &telling(b"b")).await.unwrap_err();
    assert!(matches!(conflict, CommandError::IdempotencyConflict));
    let words = ledger.words();
    assert_eq!(words[0], "InvoiceDrafted");
    assert_eq!(words.len(), 5);
    let items: Vec<String> = ledger.claims().iter().map(|claim| claim.fact.occurrence.clone()).collect();
    assert_eq!(items, ["", "1", "2", "3", "4"]);
    running.stop().await;
}

async fn a_refused_fact_stops_the_ones_after_it(house: House) {
    let ledger = Ledger::start(&house, Manners { refuse: Some(Refusal::WrongState), ..Manners::default() });
    let running = house.run().await;
    let refused = running.door.tell(&house.origin("k"), &telling(b"a")).await.unwrap_err();
    assert!(matches!(refused, CommandError::Refused { code: Refusal::WrongState, .. }), "{refused}");
    house.settle(&running.door).await;
    assert_eq!(ledger.words(), ["InvoiceDrafted"]);
    running.stop().await;
}

async fn what_is_behind_a_payment_is_shown(house: House) {
    let _ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    house.fake.on_collect(Ok(&body("c1", Some("{reference}"), "pending")));
    let intent = door.collect(&house.command(door, "k").origin, &house.command(door, "k").order).await.unwrap();
    house.fake.on_read("c1", Ok(&body("c1", Some(&intent.reference), "success")));
    house.pass(door, std::time::Duration::from_secs(3_600)).await;
    let trail = door.trail(house.book, intent.id).await.unwrap();
    let words: Vec<&str> = trail.claims.iter().map(|claim| claim.word.as_str()).collect();
    assert_eq!(words, ["CollectionRequested", "CollectionPending", "CollectionSucceeded"]);
    assert!(trail.claims.iter().all(|claim| claim.outcome.is_some()));
    let kinds: Vec<&str> = trail.observations.iter().map(|seen| seen.kind.as_str()).collect();
    assert_eq!(kinds, ["collection_created", "collection_status"]);
    assert!(trail.claims[1..].iter().all(|claim| trail.observations.iter().any(|seen| seen.id.0 == claim.source)));
    assert_eq!(trail.intent.unwrap().id, intent.id);
    let foreign = ensimbi_events::BookId(uuid::Uuid::nil());
    assert_eq!(door.trail(foreign, intent.id).await.unwrap(), ensimbi_events::commands::Trail::default());
    running.stop().await;
}

async fn what_a_person_should_see_is_listed(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    let main = door.connection("main").unwrap();
    assert!(door.alarms(house.book).await.unwrap().is_empty());
    door.import(main, STATUS, body("bad", None, "panic").as_bytes(), "p").await.unwrap();
    door.import(main, STATUS, body("c1", None, "pending").as_bytes(), "p").await.unwrap();
    house.fake.on_read("c1", Ok(&body("c1", None, "pending")));
    house.settle(door).await;
    // Two days in which the provider says nothing new: it is asked patiently, and a person is told.
    let from = ensimbi_events::Clock::now(house.clock.as_ref());
    for step in 1..=4 {
        house.clock.advance_to(from.plus(std::time::Duration::from_secs(step * 43_200)));
        house.settle(door).await;
    }
    let alarms = door.alarms(house.book).await.unwrap();
    let kinds: Vec<&str> = alarms.iter().map(|alarm| alarm.kind).collect();
    assert!(kinds.contains(&"quarantined") && kinds.contains(&"unsettled_too_long"), "{alarms:?}");
    assert_eq!(ledger.words(), ["CollectionPending"]);
    running.stop().await;
}
