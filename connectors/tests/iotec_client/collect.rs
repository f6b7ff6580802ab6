//! Collections: what is sent, and what is refused before.

use ensimbi_connectors::connector::{CallError, CollectCall, PartyDetails};
use ensimbi_events::word::Bearer;
use serde_json::{Value, json};

use super::support::*;

#[tokio::test]
async fn a_collect_sends_the_documented_fields_and_an_exact_number() {
    let scene = scene(vec![]).await;
    let answer = scene.collect().await.unwrap();
    assert_eq!((answer.kind, answer.status, answer.body.as_slice()), ("collection_created", 200, GOOD.as_bytes()));
    let seen = scene.seen();
    let (method, path, bearer, body) = &seen[0];
    assert_eq!(
        (method.as_str(), path.as_str(), bearer.as_str()),
        ("POST", "/api/collections/collect", "Bearer token-1")
    );
    let sent: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        sent,
        json!({"category": "MobileMoney", "currency": "ITX", "walletId": WALLET, "externalId": "ref-1",
               "payer": "256771234567", "payerName": "John Doe", "payerNote": "Invoice 12345", "amount": 700,
               "transactionChargesCategory": "ChargeWallet"})
    );
    assert!(body.contains(r#""amount":700,"#), "{body}");
    let forms = scene.script.token_forms.lock().unwrap();
    assert_eq!(*forms, [format!("client_id=pay-1&client_secret={SECRET}&grant_type=client_credentials")]);
}

#[tokio::test]
async fn the_category_is_the_connections_and_the_bearer_must_agree() {
    let customer = json!({"transaction_charges_category": "ChargeCustomer", "client_id": "pay-2"});
    let on_top = scene_with(vec![], customer).await;
    assert!(matches!(error(on_top.collect().await), CallError::Refused(why) if why.starts_with("fee_bearer")));
    let order = CollectCall { fee_bearer: Bearer::Payer, ..order() };
    on_top.client.collect(&order).await.unwrap();
    assert!(on_top.seen()[0].3.contains(r#""transactionChargesCategory":"ChargeCustomer""#));
    assert!(on_top.script.token_forms.lock().unwrap()[0].contains("client_id=pay-2&"));
    let inside =
        scene_with(vec![], json!({"transaction_charges_category": "ChargeCustomer", "charge_customer": "B"})).await;
    inside.collect().await.unwrap();
    assert!(inside.seen()[0].3.contains(r#""transactionChargesCategory":"ChargeCustomer""#));
}

#[tokio::test]
async fn what_must_not_be_sent_is_refused_here() {
    let scene = scene(vec![]).await;
    let amount = |text: &str| CollectCall { amount: text.parse().unwrap(), ..order() };
    let phone = |text: &str| {
        let payer = PartyDetails { phone: Some(text.to_owned()), ..PartyDetails::default() };
        CollectCall { payer, ..order() }
    };
    let cases = [
        (amount("700.5"), "amount"),
        (amount("499"), "amount"),
        (amount("-700"), "amount"),
        (amount("0"), "amount"),
        (CollectCall { wallet: "another".into(), ..order() }, "wallet"),
        (CollectCall { currency: "UGX".parse().unwrap(), ..order() }, "currency"),
        (CollectCall { reference: String::new(), ..order() }, "reference"),
        (CollectCall { reference: "x".repeat(101), ..order() }, "reference"),
        (CollectCall { note: Some("x".repeat(101)), ..order() }, "note"),
        (phone("12345"), "payer.phone"),
        (phone("payer@example.com"), "payer.phone"),
        (CollectCall { payer: PartyDetails::default(), ..order() }, "payer.phone"),
    ];
    for (order, field) in cases {
        let refused = error(scene.client.collect(&order).await);
        assert!(matches!(&refused, CallError::Refused(why) if why.starts_with(&format!("{field}:"))), "{refused:?}");
    }
    assert_eq!((scene.tokens(), scene.seen().len()), (0, 0));
}
