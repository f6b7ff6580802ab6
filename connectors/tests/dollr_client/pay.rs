//! Payouts: the account, the session that names the wallet, the passcode.

use super::support::*;

/// The guide's payout, with the bodies of the newer document (sections 7.2 and 8.2).
#[tokio::test]
async fn a_payout_is_made_and_carried_out_with_its_passcode() {
    let scene = scene_with(json!({"device_name": "till 3", "device_client_ip": "203.0.113.10"})).await;
    let made = scene.make_payout(&PayoutCall { handle: None, ..payout() }).await.unwrap();
    assert_eq!((made.object, made.link, made.complete, made.answer.kind), (None, None, false, "source"));
    assert_eq!(made.handle.as_deref(), Some("ACCOUNT-18"));
    assert_eq!(parts(&made.answer), ["account", "counterparty", "party"]);
    let taken = scene.client.pay(&PayoutCall { handle: made.handle, ..payout() }).await.unwrap();
    assert_eq!((taken.kind, parts(&taken)), ("execution", vec!["execution".into(), "session".into()]));
    let seen: Vec<(String, String)> = scene.seen().into_iter().map(|seen| (seen.call, seen.body)).collect();
    let seen: Vec<(&str, &str)> = seen.iter().map(|(call, body)| (call.as_str(), body.as_str())).collect();
    let expected = [
        ("POST /v1/parties/create", r#"{"fullname":"Jane Rose","phone":"231771234567"}"#),
        ("POST /v1/counterparties/create", r#"{"relationship_type":"BENEFICIARY","party_id":42}"#),
        ("GET /v1/predictions/mmo-provider-info?phone=231771234567&operation_type=PAYOUT", ""),
        (
            "POST /v1/payment-accounts/create?operation_type=PAYOUT",
            r#"{"account_name":"Jane Rose","provider":"PAWAPAY","method":"MTN_MOMO_LBR","party_id":42,"insensitive_account_number":"231771234567"}"#,
        ),
        ("POST /v1/sessions/payout", r#"{"payout_account_id":18,"amount":100,"currency":"USD"}"#),
        (
            EXECUTE_PAYOUT,
            r#"{"session_id":"42","payout_account_id":"18","reference_id":"550e8400-e29b-41d4-a716-446655440000","passcode":{"token":{"code":"739155","phone":"231770000000"},"device":{"name":"till 3","type":"SERVER","platform":"NODE","user_agent":"ensimbi","client_ip":"203.0.113.10"}}}"#,
        ),
    ];
    assert_eq!(seen, expected);
}

/// The guide of `seeds/002`, steps 4 and 5, which the newer document contradicts.
#[tokio::test]
async fn the_older_form_sends_the_guides_bodies_and_no_passcode() {
    let old = scene_as(|settings| {
        settings.options = [("payout_form".to_owned(), "old".to_owned())].into();
        settings.secrets.retain(|name, _| !name.starts_with("passcode"));
    });
    let old = old.await.on("POST /v1/sessions/payout", answer(200, json!({"id": 42, "currency": "USD"})));
    old.client.pay(&payout()).await.unwrap();
    assert_eq!(
        old.body("POST /v1/sessions/payout"),
        r#"{"wallet_id":3,"payment_account_id":18,"amount":100,"currency":"USD","expires_at":"2025-06-01T10:30:00Z"}"#
    );
    assert_eq!(
        old.body(EXECUTE_PAYOUT),
        r#"{"session_id":"42","reference_id":"550e8400-e29b-41d4-a716-446655440000"}"#
    );
}

#[tokio::test]
async fn a_users_id_may_say_whose_the_passcode_is() {
    let scene = scene_as(|settings| {
        let phone = settings.secrets.remove("passcode_phone").unwrap();
        settings.secrets.insert("passcode_user".into(), phone);
    })
    .await;
    scene.client.pay(&payout()).await.unwrap();
    assert!(scene.body(EXECUTE_PAYOUT).contains(r#""token":{"code":"739155","user_id":"231770000000"}"#));
}

/// Which wallet would be debited, only the session says; another one, or another sum, never leaves.
#[tokio::test]
async fn a_session_of_another_wallet_or_sum_is_refused_before_it_is_executed() {
    let route = "POST /v1/sessions/payout";
    for (pointer, value, field) in [
        ("/wallet_id", json!(4), "wallet"),
        ("/amount", json!(100.01), "session"),
        ("/currency", json!("LRD"), "session"),
    ] {
        let mut body = good(route).unwrap();
        *body.pointer_mut(pointer).unwrap() = value;
        let scene = scene().await.on(route, answer(200, &body));
        let why = error(scene.client.pay(&payout()).await);
        assert!(names(&why, field), "{pointer}: {why:?}");
        assert_eq!(scene.calls(), [route]);
    }
    let mut body = good(route).unwrap();
    body["wallet_id"] = json!(null);
    let scene = scene().await.on(route, answer(200, &body));
    assert!(not_sent(&error(scene.client.pay(&payout()).await)));
    body["wallet_id"] = json!("3");
    let scene = scene_as(|_| ()).await.on(route, answer(200, &body));
    scene.client.pay(&payout()).await.unwrap();
}

#[tokio::test]
async fn a_payout_that_must_not_be_sent_is_refused_here() {
    let scene = scene().await;
    let to = |phone: &str| PayoutCall { to: Destination::Mobile { phone: phone.into() }, ..payout() };
    let cases = [
        (PayoutCall { amount: Amount::ZERO, ..payout() }, "amount"),
        (PayoutCall { amount: "1.005".parse().unwrap(), ..payout() }, "amount"),
        (PayoutCall { wallet: "5".into(), ..payout() }, "wallet"),
        (PayoutCall { currency: "LRD".parse().unwrap(), ..payout() }, "currency"),
        (PayoutCall { reference: String::new(), ..payout() }, "reference"),
        (PayoutCall { name: Some("x".repeat(201)), ..payout() }, "name"),
        (to("0771234567"), "to.phone"),
        (to(""), "to.phone"),
    ];
    for (order, field) in cases {
        for why in [error(scene.make_payout(&order).await.map(drop)), error(scene.client.pay(&order).await)] {
            assert!(names(&why, field), "{field}: {why:?}");
        }
    }
    for handle in [None, Some("ORDER-201-PARTY-42"), Some("ACCOUNT-"), Some("ACCOUNT-1/2")] {
        let order = PayoutCall { handle: handle.map(str::to_owned), ..payout() };
        assert!(names(&error(scene.client.pay(&order).await), "handle"), "{handle:?}");
    }
    let bank = Destination::Bank { bank: "X".into(), account_number: "1".into(), account_name: "J".into(), rail: None };
    let bank = PayoutCall { to: bank, ..payout() };
    assert_eq!(error(scene.make_payout(&bank).await.map(drop)), CallError::NotOffered);
    assert!(scene.seen().is_empty() && scene.tokens() == 0);
    let bare = scene_as(|settings| settings.secrets.retain(|name, _| !name.starts_with("passcode"))).await;
    assert!(names(&error(bare.make_payout(&payout()).await.map(drop)), "secrets.passcode"));
    assert!(names(&error(bare.client.pay(&payout()).await), "secrets.passcode"));
    assert!(bare.seen().is_empty());
}

#[tokio::test]
async fn a_wrong_passcode_is_a_refusal_and_failed_in_a_good_answer_is_an_answer() {
    for scripted in [answer(403, TEXT), answer(422, r#"{"detail":[{"loc":["body","passcode","token","code"]}]}"#)] {
        let scene = scene().await.on(EXECUTE_PAYOUT, scripted);
        assert!(refused(&error(scene.client.pay(&payout()).await)));
    }
    let scene = scene().await.on(EXECUTE_PAYOUT, answer(200, execution("PAYOUT", "FAILED")));
    let answer = scene.client.pay(&payout()).await.unwrap();
    let bundle: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(bundle["execution"]["status"], json!("FAILED"));
}
