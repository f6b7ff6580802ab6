//! Refunds, captures, releases, cancellations.

use super::support::*;
use ensimbi_connectors::connector::RefundCall;

fn refunded() -> Value {
    json!({"id": "r-1", "type": "payment", "status": "success"})
}

#[tokio::test]
async fn the_whole_is_refunded_without_a_figure_and_a_part_with_one() {
    for (amount, sent) in [(1_000, json!({})), (400, json!({"amount": 400}))] {
        let scene = scene(vec![answer(200, purchase("paid")), answer(200, refunded())]).await;
        assert_eq!(scene.client.refund(&refund(amount)).await.unwrap().kind, "refund_answer");
        assert_eq!(scene.calls()[1], format!("POST /api/v1/purchases/{PURCHASE}/refund/"));
        assert_eq!((scene.sent(1), scene.seen()[1].bearer.as_str()), (sent, "Bearer very-secret-key"));
    }
    // What we think is left is not what they would give back: the figure is named.
    let less = with(purchase("refunded"), "/refundable_amount", json!(400));
    let scene = scene(vec![answer(200, less), answer(200, refunded())]).await;
    scene.client.refund(&refund(400)).await.unwrap();
    assert_eq!(scene.sent(1), json!({"amount": 400}));
}

#[tokio::test]
async fn what_they_would_not_refund_is_not_asked_for() {
    for (availability, amount, fits) in [
        ("all", 400, true),
        ("pis_all", 1_000, true),
        ("full_only", 1_000, true),
        ("full_only", 400, false),
        ("partial_only", 400, true),
        ("partial_only", 1_000, false),
        ("pis_partial", 400, true),
        ("none", 1_000, false),
        ("comet", 1_000, false),
        ("all", 1_001, false),
    ] {
        let body = with(purchase("paid"), "/refund_availability", json!(availability));
        let scene = scene(vec![answer(200, body), answer(200, refunded())]).await;
        let outcome = scene.client.refund(&refund(amount)).await;
        assert_eq!(outcome.is_ok(), fits, "{availability} {amount}");
        assert_eq!(scene.seen().len(), if fits { 2 } else { 1 }, "{availability} {amount}");
        assert!(fits || refused(&error(outcome)));
    }
}

#[tokio::test]
async fn a_refund_is_asked_for_again_only_where_nothing_is_gone() {
    let again = RefundCall { again: true, ..refund(400) };
    let scene = scene(vec![answer(200, purchase("paid")), answer(200, refunded())]).await;
    scene.client.refund(&again).await.unwrap();
    let less = with(purchase("paid"), "/refundable_amount", json!(600));
    let scene = super::support::scene(vec![answer(200, less)]).await;
    assert!(refused(&error(scene.client.refund(&again).await)));
    assert_eq!(scene.seen().len(), 1, "the first one was made: nothing more is sent");
}

#[tokio::test]
async fn what_an_answer_to_a_refund_means() {
    let error_body = r#"{"__all__":[{"message":"Jane Rose","code":"purchase_refund_error"}]}"#;
    let cases: [(Answer, Meaning); 6] = [
        (answer(400, error_body), |why| *why == CallError::Refused("status 400, purchase_refund_error".into())),
        (answer(200, "{}"), unknown),
        (answer(200, purchase("paid")), unknown),
        (answer(200, "<html>"), unknown),
        (answer(500, ""), unknown),
        (answer(408, "{}"), unknown),
    ];
    for (scripted, meaning) in cases {
        let scene = scene(vec![answer(200, purchase("paid")), scripted]).await;
        let why = error(scene.client.refund(&refund(400)).await);
        assert!(meaning(&why), "{why:?}");
    }
    let scene = scene(vec![answer(200, purchase("paid")), answer(200, purchase("pending_refund"))]).await;
    assert_eq!(scene.client.refund(&refund(400)).await.unwrap().kind, "refund_answer");
    for first in
        [answer(500, ""), answer(404, "{}"), answer(200, with(purchase("paid"), "/refundable_amount", json!("x")))]
    {
        let scene = super::support::scene(vec![first]).await;
        assert!(not_sent(&error(scene.client.refund(&refund(400)).await)));
    }
}

#[tokio::test]
async fn held_money_is_captured_released_or_the_purchase_cancelled() {
    let object = ObjectRef { kind: "purchase", id: Some(PURCHASE.into()), reference: None };
    for (action, word) in [(Action::Capture(None), "capture"), (Action::Release, "release"), (Action::Cancel, "cancel")]
    {
        let scene = scene(vec![answer(200, purchase("pending_capture"))]).await;
        assert_eq!(scene.client.act(&object, None, action).await.unwrap().kind, "purchase_status");
        assert_eq!(scene.calls(), [format!("POST /api/v1/purchases/{PURCHASE}/{word}/")]);
        assert_eq!(scene.sent(0), json!({}));
    }
    let scene = scene(vec![answer(200, purchase("hold")), answer(200, purchase("paid"))]).await;
    scene.client.act(&object, None, Action::Capture(Some(Amount::whole(300)))).await.unwrap();
    assert_eq!(scene.sent(1), json!({"amount": 300}));
    let odd = ObjectRef { kind: "payout", ..object.clone() };
    assert_eq!(error(scene.client.act(&odd, None, Action::Cancel).await), CallError::NotOffered);
    let scene = super::support::scene(vec![answer(400, r#"{"__all__":{"code":"purchase_capture_error"}}"#)]).await;
    let why = error(scene.client.act(&object, None, Action::Capture(None)).await);
    assert_eq!(why, CallError::Refused("status 400, purchase_capture_error".into()));
}
