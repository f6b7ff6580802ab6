//! Payouts: what is sent, and what is refused before.

use ensimbi_connectors::connector::{CallError, Destination, PayoutCall};
use serde_json::{Value, json};

use super::support::*;

#[tokio::test]
async fn a_mobile_payout_sends_the_documented_fields_and_an_exact_number() {
    let scene = scene(vec![]).await;
    let answer = scene.pay().await.unwrap();
    assert_eq!((answer.kind, answer.status, answer.body.as_slice()), ("payout_created", 200, GOOD.as_bytes()));
    let (method, path, bearer, body) = &scene.seen()[0];
    assert_eq!(
        (method.as_str(), path.as_str(), bearer.as_str()),
        ("POST", "/api/disbursements/disburse", "Bearer token-1")
    );
    let sent: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        sent,
        json!({"category": "MobileMoney", "currency": "ITX", "walletId": WALLET, "externalId": "ref-1",
               "payee": "256771234567", "payeeName": "John Doe", "amount": 1000, "payeeNote": "Order ABC123"})
    );
    assert!(body.contains(r#""amount":1000,"#), "{body}");
}

#[tokio::test]
async fn a_bank_payout_names_the_bank_once_and_its_rail() {
    let scene = scene(vec![]).await;
    let by_id = PayoutCall { bank_id: Some("b-1".into()), name: None, note: None, ..bank_payout() };
    for order in [bank_payout(), by_id] {
        assert_eq!(scene.client.pay(&order).await.unwrap().kind, "payout_created");
    }
    assert_eq!(scene.paths(), ["POST /api/disbursements/bank-disburse"; 2]);
    let bodies: Vec<Value> = scene.seen().iter().map(|seen| serde_json::from_str(&seen.3).unwrap()).collect();
    let mut expected = json!({"bankIdentificationCode": "ABCDUGKAXXX", "transferType": "Eft", "currency": "ITX",
                              "walletId": WALLET, "externalId": "ref-1", "accountName": "John Doe",
                              "accountNumber": "1234567890", "amount": 1000, "payeeNote": "Order ABC123"});
    assert_eq!(bodies[0], expected);
    let fields = expected.as_object_mut().unwrap();
    fields.remove("bankIdentificationCode");
    fields.remove("payeeNote");
    fields.insert("bankId".into(), "b-1".into());
    assert_eq!(bodies[1], expected);
}

#[tokio::test]
async fn a_payout_that_must_not_be_sent_is_refused_here() {
    let scene = scene(vec![]).await;
    let amount = |text: &str| PayoutCall { amount: text.parse().unwrap(), ..payout() };
    let phone = |text: &str| PayoutCall { to: Destination::Mobile { phone: text.to_owned() }, ..payout() };
    let bank = |bank: &str, number: &str, name: &str, rail: &str| {
        let (bank, account_number, account_name) = (bank.to_owned(), number.to_owned(), name.to_owned());
        let rail = Some(rail.to_owned());
        PayoutCall { to: Destination::Bank { bank, account_number, account_name, rail }, ..payout() }
    };
    let cases = [
        (amount("1000.5"), "amount"),
        (amount("499"), "amount"),
        (amount("-700"), "amount"),
        (PayoutCall { wallet: "another".into(), ..payout() }, "wallet"),
        (PayoutCall { currency: "UGX".parse().unwrap(), ..payout() }, "currency"),
        (PayoutCall { reference: String::new(), ..payout() }, "reference"),
        (PayoutCall { reference: "x".repeat(101), ..bank_payout() }, "reference"),
        (PayoutCall { note: Some("x".repeat(101)), ..payout() }, "note"),
        (PayoutCall { name: Some("x".repeat(151)), ..payout() }, "name"),
        (phone("12345"), "to.phone"),
        (phone("payee@example.com"), "to.phone"),
        (bank("", "1234567890", "John Doe", "Eft"), "to.bank"),
        (bank("AB CD", "1234567890", "John Doe", "Eft"), "to.bank"),
        (bank(&"A".repeat(35), "1234567890", "John Doe", "Eft"), "to.bank"),
        (bank("ABCDUGKAXXX", "123", "John Doe", "Eft"), "to.account_number"),
        (bank("ABCDUGKAXXX", "12345-67890", "John Doe", "Eft"), "to.account_number"),
        (bank("ABCDUGKAXXX", "1234567890", "  ", "Eft"), "to.account_name"),
        (bank("ABCDUGKAXXX", "1234567890", &"x".repeat(151), "Eft"), "to.account_name"),
        (bank("ABCDUGKAXXX", "1234567890", "John Doe", "eft"), "to.rail"),
        (PayoutCall { bank_id: Some("a b".into()), ..bank_payout() }, "to.bank"),
    ];
    for (order, field) in cases {
        let refused = error(scene.client.pay(&order).await);
        assert!(matches!(&refused, CallError::Refused(why) if why.starts_with(&format!("{field}:"))), "{refused:?}");
    }
    assert_eq!((scene.tokens(), scene.seen().len()), (0, 0));
}

/// There is no idempotency key: only an answer that was refused for its token is asked for again.
#[tokio::test]
async fn a_payout_is_sent_again_only_after_a_401() {
    let scene = scene(vec![answer(401, ""), answer(200, GOOD)]).await;
    scene.pay().await.unwrap();
    let seen = scene.seen();
    assert_eq!((seen.len(), &seen[0].3), (2, &seen[1].3));
}
