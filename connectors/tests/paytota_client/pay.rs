//! Payouts: made, and carried out.

use super::support::*;

async fn make(scene: &Scene, order: &PayoutCall) -> Result<Prepared, CallError> {
    scene.client.prepare(ToPrepare::Pay(order)).await
}

#[tokio::test]
async fn a_payout_is_made_with_the_documented_fields() {
    let scene = scene(vec![answer(201, paid_out("initialized")), answer(201, paid_out("initialized"))]).await;
    let made = make(&scene, &payout()).await.unwrap();
    assert_eq!((made.object.as_deref(), made.complete, made.answer.kind), (Some(PAYOUT), false, "payout_created"));
    make(&scene, &PayoutCall { name: None, note: None, ..bank_payout() }).await.unwrap();
    assert_eq!(scene.calls(), ["POST /api/v1/payouts/"; 2]);
    assert_eq!(
        scene.sent(0),
        json!({"client": {"email": "us@example.com", "phone": "256700123123", "country": "UG", "full_name": "Jane Rose"},
               "payment": {"currency": "UGX", "amount": 500, "description": "Test Payout"},
               "reference": "ref-1", "brand_id": BRAND})
    );
    assert_eq!(
        scene.sent(1),
        json!({"client": {"email": "us@example.com", "bank_account": "123456789012"},
               "payment": {"currency": "UGX", "amount": 500}, "reference": "ref-1", "brand_id": BRAND})
    );
}

#[tokio::test]
async fn a_payout_is_carried_out_at_its_own_address_after_a_look_at_it() {
    for state in ["initialized", "error"] {
        let scene = scene(vec![answer(200, paid_out(state)), answer(200, TAKEN)]).await;
        assert_eq!(scene.client.pay(&payout()).await.unwrap().kind, "executed");
        assert_eq!(
            scene.calls(),
            [format!("GET /api/v1/payouts/{PAYOUT}/"), format!("POST /po/{PAYOUT}/paytota_proxy/")]
        );
        assert_eq!((scene.sent(1), scene.seen()[1].bearer.as_str()), (json!({"payout_type": "mobile"}), ""));
    }
    let scene = scene(vec![answer(200, paid_out("initialized")), answer(200, TAKEN)]).await;
    scene.client.pay(&bank_payout()).await.unwrap();
    assert_eq!(scene.seen()[1].bearer, "Bearer very-secret-key");
    assert_eq!(
        scene.sent(1),
        json!({"payout_type": "bank", "bank_name": "SBICUGKX", "bank_code": "SBICUGKX",
               "bank_account_name": "Jane Rose", "bank_account_number": "123456789012"})
    );
}

#[tokio::test]
async fn the_first_generation_pays_per_network() {
    for (network, phone) in [("airtel", "700123123"), ("mtnmomo", "256700123123")] {
        let body = with(paid_out("initialized"), "/execution_url", json!(format!("BASE/po/{PAYOUT}/{network}/")));
        let options = json!({"client_email": "us@example.com", "generation": "v1", "v1_network": network});
        let scene = scene_with(vec![answer(200, body), answer(200, TAKEN)], options).await;
        scene.client.pay(&payout()).await.unwrap();
        assert_eq!(scene.calls()[1], format!("POST /po/{PAYOUT}/{network}/"));
        assert_eq!(scene.sent(1), json!({ "phone": phone }));
        assert!(names(&error(scene.client.pay(&bank_payout()).await), "to"));
    }
}

#[tokio::test]
async fn a_payout_that_is_on_its_way_is_not_carried_out_again() {
    for state in ["pending", "success"] {
        let scene = scene(vec![answer(200, paid_out(state))]).await;
        assert_eq!(scene.client.pay(&payout()).await.unwrap().kind, "payout_status");
        assert_eq!(scene.seen().len(), 1);
    }
    let scene = scene(vec![answer(200, paid_out("comet"))]).await;
    assert!(unknown(&error(scene.client.pay(&payout()).await)));
    assert_eq!(scene.seen().len(), 1);
}

/// Nothing has left us before the second call, so what goes wrong with the first one may be tried again.
#[tokio::test]
async fn a_look_that_fails_sends_nothing() {
    for scripted in [
        answer(500, ""),
        answer(404, "{}"),
        answer(200, "<html>"),
        answer(200, with(paid_out("initialized"), "/id", json!("another"))),
        answer(200, with(paid_out("initialized"), "/type", json!("purchase"))),
    ] {
        let scene = scene(vec![scripted]).await;
        let why = error(scene.client.pay(&payout()).await);
        assert!(not_sent(&why), "{why:?}");
        assert_eq!(scene.seen().len(), 1);
    }
    for (pointer, value) in
        [("/payment/amount", json!(501)), ("/payment/currency", json!("KES")), ("/payment", json!(null))]
    {
        let scene = scene(vec![answer(200, with(paid_out("initialized"), pointer, value))]).await;
        assert!(names(&error(scene.client.pay(&payout()).await), "payment"));
        assert_eq!(scene.seen().len(), 1);
    }
}

#[tokio::test]
async fn an_execution_url_elsewhere_is_never_called() {
    for url in [
        format!("https://evil.example/po/{PAYOUT}/paytota_proxy/"),
        format!("BASE.evil.example/po/{PAYOUT}/paytota_proxy/"),
        "BASE/po/another/paytota_proxy/".to_owned(),
        format!("BASE/po/{PAYOUT}/paytota_proxy"),
        format!("BASE/po/{PAYOUT}/airtel/"),
        format!("BASE/po/{PAYOUT}/paytota_proxy/?to=x"),
        format!("BASE/po/{PAYOUT}/paytota_proxy/#x"),
        format!("BASE/po/{PAYOUT}/../{PAYOUT}/paytota_proxy/x"),
        format!("BASE/api/v1/payouts/{PAYOUT}/"),
        format!("ftp://127.0.0.1/po/{PAYOUT}/paytota_proxy/"),
        String::new(),
        "not a url".to_owned(),
    ] {
        let scene = scene(vec![answer(200, with(paid_out("initialized"), "/execution_url", json!(url)))]).await;
        let why = error(scene.client.pay(&payout()).await);
        assert!(names(&why, "execution_url"), "{url}: {why:?}");
        assert_eq!(scene.seen().len(), 1, "{url}");
    }
}

#[tokio::test]
async fn a_refused_payout_is_confirmed_by_its_state() {
    for status in [200, 400] {
        for (state, sure) in
            [("initialized", true), ("error", true), ("pending", false), ("success", false), ("comet", false)]
        {
            let script =
                vec![answer(200, paid_out("initialized")), answer(status, NO_FUNDS), answer(200, paid_out(state))];
            let scene = scene(script).await;
            let why = error(scene.client.pay(&payout()).await);
            assert_eq!(why == CallError::Refused("insufficient_funds".into()), sure, "{status} {state}: {why:?}");
            assert_eq!(unknown(&why), !sure);
        }
    }
    for lost in [answer(200, ""), answer(500, ""), answer(200, r#"{"status":"error"}"#)] {
        let scene = scene(vec![answer(200, paid_out("initialized")), lost]).await;
        assert!(unknown(&error(scene.client.pay(&payout()).await)));
        assert_eq!(scene.seen().len(), 2);
    }
}

#[tokio::test]
async fn a_payout_that_must_not_be_made_is_refused_here() {
    let scene = scene(vec![]).await;
    let bank = |bank: &str, number: &str, name: &str, rail: Option<&str>| {
        let (bank, account_number, account_name) = (bank.to_owned(), number.to_owned(), name.to_owned());
        PayoutCall {
            to: Destination::Bank { bank, account_number, account_name, rail: rail.map(str::to_owned) },
            ..payout()
        }
    };
    let cases = [
        (PayoutCall { amount: "0.5".parse().unwrap(), ..payout() }, "amount"),
        (PayoutCall { wallet: "another".into(), ..payout() }, "wallet"),
        (PayoutCall { currency: "KES".parse().unwrap(), ..payout() }, "currency"),
        (PayoutCall { reference: String::new(), ..payout() }, "reference"),
        (PayoutCall { name: Some("x".repeat(129)), ..payout() }, "name"),
        (PayoutCall { note: Some("a\nb".into()), ..payout() }, "note"),
        (PayoutCall { to: Destination::Mobile { phone: "12".into() }, ..payout() }, "to.phone"),
        (bank("SBI CUGKX", "123456789012", "Jane Rose", None), "to.bank"),
        (bank("SBICUGKX", "", "Jane Rose", None), "to.account_number"),
        (bank("SBICUGKX", "123456789012", " ", None), "to.account_name"),
        (bank("SBICUGKX", "123456789012", "Jane Rose", Some("Eft")), "to.rail"),
    ];
    for (order, field) in cases {
        let why = error(make(&scene, &order).await.map(drop));
        assert!(names(&why, field), "{field}: {why:?}");
    }
    assert!(scene.seen().is_empty());
}
