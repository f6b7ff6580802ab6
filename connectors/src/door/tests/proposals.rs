//! What waits for a second person: kept through a restart, approved once by another, and then told like any command.

use ensimbi_events::approvals::{Proposal, ProposalState, ProposalsQuery, Proposed};
use ensimbi_events::codes::Refusal;
use ensimbi_events::commands::{CommandError, Commands, Telling};
use ensimbi_events::event::{Line, Lines};
use ensimbi_events::words::control::AdjustmentPosted;
use ensimbi_events::{Amount, Body, EvidenceClass, Fact, ObservationId, SubjectId, SubjectKind};

use super::on_both_stores;
use crate::door::tests::house::*;
use crate::door::webhook::WEBHOOK;

on_both_stores! {
    what_is_proposed_waits_until_another_person_approves_it,
    an_approval_that_the_ledger_refuses_is_answered_as_such,
    proposals_are_listed_in_pages,
    what_is_withdrawn_is_never_told,
    named_bytes_stand_behind_what_is_told,
}

const WAITING: ProposalsQuery = ProposalsQuery { state: ProposalState::Waiting, after: None, limit: 50 };

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
    let actor_id = "key:1".to_owned();
    Proposal { route: "adjustments", body: body.to_vec(), fact, at: None, actor_id, evidence: None }
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
    let around = Telling { route: "adjustments", body: b"a".to_vec(), facts, party: None, evidence: None };
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
    let approved =
        door.proposals(house.book, &ProposalsQuery { state: ProposalState::Approved, ..WAITING }).await.unwrap();
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

async fn what_is_withdrawn_is_never_told(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    let asked = door.propose(&house.origin("k"), &proposal(b"a")).await.unwrap();
    assert!(door.withdraw(&house.origin("w"), SubjectId(uuid::Uuid::nil()), "key:1").await.unwrap().is_none());
    let withdrawn = door.withdraw(&house.origin("w"), asked.id, "key:1").await.unwrap().unwrap();
    assert_eq!((withdrawn.state(), withdrawn.repeated), (ProposalState::Withdrawn, false));
    for key in ["w", "w2"] {
        let again = door.withdraw(&house.origin(key), asked.id, "key:1").await.unwrap().unwrap();
        assert_eq!(again, Proposed { repeated: true, ..withdrawn.clone() });
    }
    let refused = door.approve(&house.origin("a"), asked.id, "key:2").await.unwrap_err();
    assert!(matches!(refused, CommandError::Refused { code: Refusal::WrongState, .. }), "{refused}");
    // The key that asked for it stays with what became of it.
    let found = door.propose(&house.origin("k"), &proposal(b"a")).await.unwrap();
    assert_eq!(found.state(), ProposalState::Withdrawn);
    assert!(door.proposals(house.book, &WAITING).await.unwrap().is_empty());
    let listed =
        door.proposals(house.book, &ProposalsQuery { state: ProposalState::Withdrawn, ..WAITING }).await.unwrap();
    assert_eq!(listed, [found]);

    let other = door.propose(&house.origin("k2"), &proposal(b"a")).await.unwrap();
    for key in ["w", "w2"] {
        let reused = door.withdraw(&house.origin(key), other.id, "key:1").await.unwrap_err();
        assert!(matches!(reused, CommandError::IdempotencyConflict), "{reused}");
    }
    door.approve(&house.origin("a2"), other.id, "key:2").await.unwrap().unwrap();
    let late = door.withdraw(&house.origin("w3"), other.id, "key:1").await.unwrap_err();
    assert!(matches!(late, CommandError::Refused { code: Refusal::WrongState, .. }), "{late}");
    assert_eq!(ledger.claims().len(), 1);
    running.stop().await;
}

fn line(account: &str) -> Line {
    Line {
        n: 1,
        account: account.to_owned(),
        currency: "UGX".parse().unwrap(),
        amount: Amount::from_scaled(1),
        open_item: None,
        payment_id: None,
        component: None,
        bearer: None,
    }
}

async fn named_bytes_stand_behind_what_is_told(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.run().await;
    let door = &running.door;
    let connection = door.connections(house.book)[0].id;
    let bytes = body("o-1", None, "pending");
    let read = door.import(connection, STATUS, bytes.as_bytes(), "person:1").await.unwrap().observation;
    let hint = door.import(connection, WEBHOOK, bytes.as_bytes(), "person:1").await.unwrap().observation;
    house.settle(door).await;
    let before = ledger.claims().len();
    let told = |key: &str, evidence: Option<ObservationId>| {
        let facts = vec![(proposal(b"a").fact, None)];
        let telling = Telling { route: "adjustments", body: key.as_bytes().to_vec(), facts, party: None, evidence };
        (house.origin(key), telling)
    };
    for (named, code) in [(ObservationId(uuid::Uuid::nil()), Refusal::UnknownSubject), (hint, Refusal::HintOnly)] {
        let (origin, telling) = told("t", Some(named));
        let refused = door.tell(&origin, &telling).await.unwrap_err();
        assert!(matches!(&refused, CommandError::Refused { code: found, .. } if *found == code), "{refused}");
        let asked = Proposal { evidence: Some(named), ..proposal(b"a") };
        let refused = door.propose(&house.origin("p"), &asked).await.unwrap_err();
        assert!(matches!(&refused, CommandError::Refused { code: found, .. } if *found == code), "{refused}");
    }
    // What one provider writes says nothing of another's wallet.
    for account in ["assets:wallet:elsewhere:main", "assets:held:elsewhere:main"] {
        let mut asked = Proposal { evidence: Some(read), ..proposal(b"a") };
        let Body::AdjustmentPosted(body) = &mut asked.fact.body else { unreachable!() };
        body.lines = Lines(vec![line(account)]);
        let refused = door.propose(&house.origin(account), &asked).await.unwrap_err();
        assert!(matches!(&refused, CommandError::Refused { code: Refusal::WrongState, .. }), "{refused}");
    }
    let mut own = Proposal { evidence: Some(read), ..proposal(b"a") };
    let Body::AdjustmentPosted(body) = &mut own.fact.body else { unreachable!() };
    body.lines = Lines(vec![line(&format!("assets:wallet:{}:main", door.connections(house.book)[0].slug))]);
    door.propose(&house.origin("own"), &own).await.unwrap();
    assert_eq!(ledger.claims().len(), before, "nothing is told without its evidence");
    let (origin, telling) = told("t", Some(read));
    door.tell(&origin, &telling).await.unwrap();
    let asked = door.propose(&house.origin("p"), &Proposal { evidence: Some(read), ..proposal(b"a") }).await.unwrap();
    assert_eq!(asked.evidence, Some(read));
    door.approve(&house.origin("a"), asked.id, "key:2").await.unwrap().unwrap();
    let claims = ledger.claims().split_off(before);
    assert_eq!(claims.len(), 2);
    for claim in claims {
        let proof = claim.evidence.unwrap();
        assert_eq!((proof.observation, proof.class), (read, EvidenceClass::Imported));
        assert_eq!(proof.actor_id.as_deref(), Some("person:1"));
    }
    running.stop().await;
}
