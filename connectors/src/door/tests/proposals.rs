//! What waits for a second person: kept through a restart, approved once by another, and then told like any command.

use ensimbi_events::approvals::{Proposal, ProposalsQuery, Proposed};
use ensimbi_events::codes::Refusal;
use ensimbi_events::commands::{CommandError, Commands, Telling};
use ensimbi_events::event::Lines;
use ensimbi_events::words::control::AdjustmentPosted;
use ensimbi_events::{Body, Fact, SubjectId, SubjectKind};

use super::on_both_stores;
use crate::door::tests::house::*;

on_both_stores! {
    what_is_proposed_waits_until_another_person_approves_it,
    an_approval_that_the_ledger_refuses_is_answered_as_such,
    proposals_are_listed_in_pages,
}

const WAITING: ProposalsQuery = ProposalsQuery { waiting: true, after: None, limit: 50 };

fn proposal(body: &[u8]) -> Proposal {
    let posted: Body = AdjustmentPosted {
        actor_id: "key:1".into(),
        reason: "tax invoice".into(),
        lines: Lines::default(),
        approver_id: None,
        reversal_of: None,
    }
    .into();
    let fact = Fact {
        subject: SubjectId(uuid::Uuid::from_u128(78)),
        subject_kind: SubjectKind::Book,
        connection: None,
        wallet: None,
        object_kind: None,
        object_id: None,
        occurrence: "1".into(),
        currency: None,
        version: posted.version(),
        body: posted,
    };
    Proposal { route: "adjustments", body: body.to_vec(), fact, at: None, actor_id: "key:1".into() }
}

async fn what_is_proposed_waits_until_another_person_approves_it(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let asked = running.door.propose(&house.origin("k"), &proposal(b"a")).await.unwrap();
    assert!(!asked.repeated && asked.approved.is_none());
    running.stop().await;
    // Another life of the process finds it.
    let running = house.run().await;
    let door = &running.door;
    let again = door.propose(&house.origin("k"), &proposal(b"a")).await.unwrap();
    assert_eq!(again, Proposed { repeated: true, ..asked.clone() });
    let conflict = door.propose(&house.origin("k"), &proposal(b"b")).await.unwrap_err();
    assert!(matches!(conflict, CommandError::IdempotencyConflict), "{conflict}");
    assert_eq!(door.proposals(house.book, &WAITING).await.unwrap(), std::slice::from_ref(&again));
    assert!(door.told(&house.origin("k"), "adjustments", b"a").await.unwrap().is_none());
    // Neither around the second person, nor as the first one.
    let facts = vec![(proposal(b"a").fact, None)];
    let around = Telling { route: "adjustments", body: b"a".to_vec(), facts, party: None };
    let refused = door.tell(&house.origin("k"), &around).await.unwrap_err();
    assert!(matches!(refused, CommandError::Refused { code: Refusal::ApprovalNeeded, .. }), "{refused}");
    let own = door.approve(&house.origin("a"), asked.id, "key:1").await.unwrap_err();
    assert!(matches!(own, CommandError::Refused { code: Refusal::ApprovalNeeded, .. }), "{own}");
    assert!(ledger.words().is_empty());
    assert!(door.approve(&house.origin("a"), SubjectId(uuid::Uuid::nil()), "key:2").await.unwrap().is_none());

    let told = door.approve(&house.origin("a"), asked.id, "key:2").await.unwrap().unwrap();
    assert!(!told.repeated && told.facts[0].outcome.is_some());
    let told = door.approve(&house.origin("a"), asked.id, "key:2").await.unwrap().unwrap();
    assert!(told.repeated);
    let third = door.approve(&house.origin("b"), asked.id, "key:3").await.unwrap_err();
    assert!(matches!(third, CommandError::Refused { code: Refusal::WrongState, .. }), "{third}");
    let claims = ledger.claims();
    assert_eq!(claims.len(), 1);
    let Body::AdjustmentPosted(body) = &claims[0].fact.body else { panic!("{:?}", claims[0].fact.body) };
    assert_eq!((body.actor_id.as_str(), body.approver_id.as_deref()), ("key:1", Some("key:2")));
    // Whoever asked finds it told under the same key.
    assert!(door.told(&house.origin("k"), "adjustments", b"a").await.unwrap().is_some());
    assert!(door.proposals(house.book, &WAITING).await.unwrap().is_empty());
    let approved = door.proposals(house.book, &ProposalsQuery { waiting: false, ..WAITING }).await.unwrap();
    assert_eq!(approved[0].approved.as_ref().unwrap().0, "key:2");
    let other = door.propose(&house.origin("k2"), &proposal(b"a")).await.unwrap();
    let reused = door.approve(&house.origin("a"), other.id, "key:2").await.unwrap_err();
    assert!(matches!(reused, CommandError::IdempotencyConflict), "{reused}");
    running.stop().await;
}

async fn an_approval_that_the_ledger_refuses_is_answered_as_such(house: House) {
    let _ledger = Ledger::start(&house, Manners { refuse: Some(Refusal::PeriodClosed), ..Manners::default() });
    let running = house.run().await;
    let asked = running.door.propose(&house.origin("k"), &proposal(b"a")).await.unwrap();
    for _ in 0..2 {
        let refused = running.door.approve(&house.origin("a"), asked.id, "key:2").await.unwrap_err();
        assert!(matches!(refused, CommandError::Refused { code: Refusal::PeriodClosed, .. }), "{refused}");
    }
    running.stop().await;
}

async fn proposals_are_listed_in_pages(house: House) {
    let door = house.open().await;
    for n in 0..5 {
        door.propose(&house.origin(&n.to_string()), &proposal(b"a")).await.unwrap();
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = door.proposals(house.book, &ProposalsQuery { after, limit: 2, ..WAITING }).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.asked_at, last.id));
        seen.extend(page.into_iter().map(|kept| kept.id));
    }
    let all = door.proposals(house.book, &WAITING).await.unwrap();
    assert_eq!(seen, all.iter().map(|kept| kept.id).collect::<Vec<_>>());
    assert_eq!(seen.len(), 5);
    let foreign = ensimbi_events::BookId(uuid::Uuid::nil());
    assert!(door.proposals(foreign, &WAITING).await.unwrap().is_empty());
    door.close().await;
}
