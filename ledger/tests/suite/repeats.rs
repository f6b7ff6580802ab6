//! Append, read back, and tell it again.

use ensimbi_events::bus::Outcome;
use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::{Bearer, Component, EvidenceClass, Verdict};
use ensimbi_events::{Body, leaf};
use ensimbi_ledger::append::append;

use crate::common::say::{BOOK, Say};
use crate::common::{House, on_both_stores, recorded, tell};

on_both_stores!(
    what_is_appended_is_read_back_without_gaps,
    a_thousand_repeats_are_one_event_with_one_answer,
    another_content_for_a_key_is_one_discrepancy_and_changes_nothing,
    stronger_evidence_is_added_once,
    a_batch_whose_commit_was_unknown_is_found_by_its_keys,
    an_event_that_the_state_forgot_is_found_by_its_key,
    a_repeat_of_a_refund_names_what_was_made_on_its_payment,
);

async fn what_is_appended_is_read_back_without_gaps(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    let mut claims = say.start();
    claims.extend((0..50).map(|n| say.succeeded(n)));
    for answer in writer.submit(claims).await {
        recorded(&answer.unwrap());
    }
    let events = house.events(BOOK).await;
    assert_eq!(events.len(), 52);
    for (position, (event, _)) in (1..).zip(&events) {
        assert_eq!(event.record.position, position);
    }
    let some = house.store.read_at(BOOK, &[3, 7, 52]).await.unwrap();
    assert_eq!(some.iter().map(|leaf| leaf.position).collect::<Vec<_>>(), [3, 7, 52]);
    assert!(some.iter().all(|stored| leaf::leaf_hash(&stored.leaf) == stored.leaf_hash));
    assert_eq!(house.store.head(BOOK).await.unwrap().size, 52);
    assert_eq!(house.store.read(BOOK, 52, 10).await.unwrap(), []);
    assert_eq!(house.store.books().await.unwrap(), [BOOK]);
    house.assert_sound(BOOK).await;
}

async fn a_thousand_repeats_are_one_event_with_one_answer(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    // An allocation follows by policy: the repeat's answer must name it too.
    writer.submit(say.start_with(&[("allocate.collection", "income:sales")])).await;
    let first = writer.submit(vec![say.succeeded(1); 1_000]).await;
    let later = tell(&writer, say.succeeded(1)).await;
    assert_eq!(recorded(&later), 2);
    assert!(first.iter().all(|answer| answer.as_ref().unwrap() == &later));
    assert_eq!(house.events(BOOK).await.len(), 4);
    house.assert_sound(BOOK).await;
}

async fn another_content_for_a_key_is_one_discrepancy_and_changes_nothing(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.succeeded(1)).await;
    let before = house.store.wallet_rows(BOOK).await.unwrap();
    let other = say.payment(1, say.success("1010", "970", &[(Component::Network, Bearer::Merchant, "40")]));
    let answer = tell(&writer, other.clone()).await;
    assert_eq!(recorded(&answer), 2);
    assert_eq!(answer, tell(&writer, other).await);
    let third = say.payment(1, say.success("1020", "970", &[(Component::Network, Bearer::Merchant, "50")]));
    assert_eq!(recorded(&tell(&writer, third).await), 2);
    assert_eq!(house.store.wallet_rows(BOOK).await.unwrap(), before);
    let events = house.events(BOOK).await;
    let raised = events.iter().filter(
        |(event, _)| matches!(&event.fact.body, Body::DiscrepancyRaised(body) if body.kind == DiscrepancyKind::FactDiffers),
    );
    assert_eq!(raised.count(), 2);
    assert_eq!(events.len(), 5);
    house.assert_sound(BOOK).await;
}

async fn stronger_evidence_is_added_once(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let fact = say.succeeded(1).fact;
    for (class, events) in [
        (EvidenceClass::Read, 3),
        (EvidenceClass::Imported, 3),
        (EvidenceClass::Connector, 3),
        (EvidenceClass::Signed, 4),
        (EvidenceClass::Signed, 4),
        (EvidenceClass::Read, 4),
    ] {
        let answer = tell(&writer, say.with(class, fact.clone())).await;
        assert_eq!(recorded(&answer), if class == EvidenceClass::Signed { 2 } else { 1 }, "{class}");
        assert_eq!(house.events(BOOK).await.len(), events, "{class}");
    }
    house.assert_sound(BOOK).await;
}

async fn a_batch_whose_commit_was_unknown_is_found_by_its_keys(house: &House) {
    let say = Say::new("UGX");
    house.store.create_book(BOOK).await.unwrap();
    let epoch = house.store.take_over(BOOK).await.unwrap();
    let mut claims = say.start();
    claims.extend((0..20).map(|n| say.succeeded(n)));
    let clock = house.clock();
    let first = append(house.store.as_ref(), clock.as_ref(), BOOK, epoch, &claims).await.unwrap();
    assert_eq!(first.sealed.len(), 22);
    let head = house.store.head_row(BOOK).await.unwrap();
    let again = append(house.store.as_ref(), clock.as_ref(), BOOK, epoch, &claims).await.unwrap();
    assert!(again.sealed.is_empty());
    assert_eq!(again.outcomes, first.outcomes);
    assert_eq!(house.store.head_row(BOOK).await.unwrap(), head);
    house.assert_sound(BOOK).await;
}

async fn an_event_that_the_state_forgot_is_found_by_its_key(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let first = tell(&writer, say.succeeded(1)).await;
    // More events than a state remembers: each other content is a discrepancy of its own.
    let others = (1..=80).map(|n| {
        let (net, fee) = ((1000 - n).to_string(), n.to_string());
        let fact = say.success("1000", &net, &[(Component::Network, Bearer::Merchant, &fee)]);
        say.payment(1, fact)
    });
    let told = writer.submit(others.collect()).await;
    let refusals = told.iter().filter(|answer| matches!(answer, Ok(Outcome::Refused { .. }))).count();
    // One of them says what the first said.
    assert_eq!(refusals, 79 - 64, "so many wait for a person, not more");
    // A person decides two of them.
    for (_, doubt) in &super::doubts::raised(&house.events(BOOK).await)[..2] {
        recorded(&tell(&writer, super::doubts::verdict(&say, doubt, Verdict::Reject)).await);
    }
    let size = house.events(BOOK).await.len();
    assert_eq!(size, 3 + 64 + 2);
    // Beside new claims in one batch, so that the fast path meets the key and must begin again.
    let answers = writer.submit(vec![say.succeeded(2), say.succeeded(1), say.succeeded(3), say.succeeded(1)]).await;
    let answers: Vec<Outcome> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers[1], first);
    assert_eq!(answers[3], first);
    assert_eq!(house.events(BOOK).await.len(), size + 2);
    // Another content for it: still one discrepancy, and the first stands.
    let other = say.payment(1, say.success("999", "999", &[]));
    let raised = tell(&writer, other.clone()).await;
    assert_eq!(recorded(&raised), 2);
    assert_eq!(tell(&writer, other).await, raised);
    assert_eq!(house.events(BOOK).await.len(), size + 3);
    house.assert_sound(BOOK).await;
}

async fn a_repeat_of_a_refund_names_what_was_made_on_its_payment(house: &House) {
    use crate::common::say::{amount, subject};
    use ensimbi_events::SubjectKind;
    use ensimbi_events::words::payment::RefundSucceeded;
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start_with(&[("allocate.collection", "income:sales")])).await;
    tell(&writer, say.succeeded(1)).await;
    let body = RefundSucceeded {
        payment_id: subject(1),
        amount: amount("400"),
        wallet_debit: amount("400"),
        attempt: None,
        fees: Vec::new(),
        returned: Vec::new(),
    };
    let refund = say.read(say.object(say.fact(SubjectKind::Refund, subject(9), body)));
    let first = tell(&writer, refund.clone()).await;
    assert_eq!(recorded(&first), 2);
    assert_eq!(tell(&writer, refund).await, first);
    house.assert_sound(BOOK).await;
}
