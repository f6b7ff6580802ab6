//! Collections: made, carried out, and paid on their page.

use super::support::*;

fn items() -> CollectCall {
    CollectCall { items: vec![item("Cup", 2, "100"), item("Plate", 1, "49.99"), item("\"Tax\"", 1, "0.01")], ..order() }
}

/// The guide of `seeds/002`, steps 1 to 6 and 8 to 11 in its order, every body byte for byte.
#[tokio::test]
async fn an_invoice_is_made_and_collected_as_the_guide_says() {
    let scene = scene().await;
    let order = CollectCall { fee_bearer: Bearer::Payer, ..items() };
    let made = scene.make(&CollectCall { handle: None, ..order.clone() }).await.unwrap();
    assert_eq!((made.object, made.link, made.complete, made.answer.kind), (None, None, false, "source"));
    assert_eq!(made.handle.as_deref(), Some("INVOICE-101-PARTY-42"));
    assert_eq!(parts(&made.answer), ["counterparty", "created", "items", "party", "published"]);
    let taken = scene.client.collect(&CollectCall { handle: made.handle, ..order }).await.unwrap();
    assert_eq!(
        (taken.kind, parts(&taken)),
        ("execution", vec!["account".into(), "execution".into(), "session".into()])
    );
    let all = scene.script.seen.lock().unwrap().clone();
    let all: Vec<(&str, &str)> = all.iter().map(|seen| (seen.call.as_str(), seen.body.as_str())).collect();
    let item = "POST /v1/invoices/101/items/add";
    let expected = [
        (TOKEN, r#"{"client_id":"client-0001","client_secret":"very-secret-word"}"#),
        ("POST /v1/parties/create", r#"{"fullname":"Jane Rose","phone":"231771234567","email":"jane@example.com"}"#),
        ("POST /v1/counterparties/create", r#"{"relationship_type":"CUSTOMER","party_id":42}"#),
        (
            "POST /v1/invoices/create",
            r#"{"counterparty_id":15,"currency":"USD","note":"Order 7","fee_bearer":"PAYER","as_payment_link":false,"reference_id":"550e8400-e29b-41d4-a716-446655440000"}"#,
        ),
        (item, r#"{"name":"Cup","currency":"USD","qty":2,"amount":100}"#),
        (item, r#"{"name":"Plate","currency":"USD","qty":1,"amount":49.99}"#),
        (item, r#"{"name":"\"Tax\"","currency":"USD","qty":1,"amount":0.01}"#),
        ("PUT /v1/invoices/publish/101", ""),
        ("GET /v1/predictions/mmo-provider-info?phone=231771234567&operation_type=COLLECTION", ""),
        ("POST /v1/sessions/checkout", r#"{"source_id":101,"source_type":"INVOICE"}"#),
        (
            "POST /v1/payment-accounts/create?operation_type=COLLECTION",
            r#"{"account_name":"Jane Rose","provider":"PAWAPAY","method":"MTN_MOMO_LBR","party_id":42,"insensitive_account_number":"231771234567"}"#,
        ),
        (
            EXECUTE,
            r#"{"session_id":"55","payment_account_id":"18","currency":"USD","reference_id":"550e8400-e29b-41d4-a716-446655440000"}"#,
        ),
    ];
    assert_eq!(all, expected);
    let seen = scene.seen();
    assert!(seen.iter().all(|seen| seen.bearer == "Bearer token-1"));
    assert!(seen.iter().all(|seen| (seen.kind == "application/json") != seen.body.is_empty()));
}

/// An order without items is an order of one thing; one with items is what the option says.
#[tokio::test]
async fn what_an_order_becomes_follows_its_items_and_the_option() {
    for (option, order, path, handle) in [
        ("invoice", order(), "orders", "ORDER-201-PARTY-42"),
        ("order", items(), "orders", "ORDER-201-PARTY-42"),
        ("invoice", items(), "invoices", "INVOICE-101-PARTY-42"),
    ] {
        let scene = scene_with(json!({"items_as": option, "country_code": "LR"})).await;
        let made = scene.make(&order).await.unwrap();
        assert_eq!(made.handle.as_deref(), Some(handle));
        assert!(scene.body(&format!("POST /v1/{path}/create")).contains(r#""fee_bearer":"PAYEE""#));
        assert!(scene.body("POST /v1/parties/create").ends_with(r#","country_code":"LR"}"#));
    }
    let nobody = PartyDetails { name: Some(" ".into()), email: None, ..order().payer };
    let scene = scene().await;
    scene.make(&CollectCall { note: None, payer: nobody, ..order() }).await.unwrap();
    assert_eq!(scene.body("POST /v1/parties/create"), r#"{"fullname":"Customer","phone":"231771234567"}"#);
    let one = r#"{"name":"Payment","currency":"USD","qty":1,"amount":250}"#;
    assert_eq!(scene.body("POST /v1/orders/201/items/add"), one);
}

#[tokio::test]
async fn a_checkout_is_one_call_and_its_page_is_the_payers_link() {
    let scene = scene().await;
    let checkout = Checkout {
        hosted: true,
        success_url: Some("https://shop.example/good".into()),
        cancel_url: Some("https://shop.example/back".into()),
        ..Checkout::default()
    };
    let made = scene.make(&CollectCall { checkout, handle: None, ..items() }).await.unwrap();
    assert_eq!((made.object, made.handle.as_deref(), made.complete), (None, Some("HOSTED-ORDER-201"), true));
    assert_eq!(made.link.as_deref(), Some("https://pay.example/ORD-2025-00088"));
    assert_eq!((made.answer.kind, parts(&made.answer)), ("source", vec!["checkout".into()]));
    assert_eq!(scene.calls(), ["POST /v1/checkouts/create"]);
    assert_eq!(
        scene.body("POST /v1/checkouts/create"),
        r#"{"mode":"HOSTED","source_kind":"ORDER","party_phone":"231771234567","party_name":"Jane Rose","party_email":"jane@example.com","party_relationship":"CUSTOMER","currency":"USD","items":[{"name":"2 x Cup","currency":"USD","amount":200},{"name":"Plate","currency":"USD","amount":49.99},{"name":"\"Tax\"","currency":"USD","amount":0.01}],"reference_id":"550e8400-e29b-41d4-a716-446655440000","note":"Order 7","success_url":"https://shop.example/good","cancel_url":"https://shop.example/back"}"#
    );
}

#[tokio::test]
async fn a_checkout_without_a_page_or_for_another_amount_is_refused() {
    let hosted = CollectCall { checkout: Checkout { hosted: true, ..Checkout::default() }, handle: None, ..order() };
    let route = "POST /v1/checkouts/create";
    let long = format!("https://pay.example/{}", "x".repeat(500));
    for (pointer, value, field) in [
        ("/url", json!("javascript:alert(1)"), "url"),
        ("/url", json!(null), "url"),
        ("/url", json!(long), "url"),
        ("/total_amount", json!(250.01), "checkout"),
        ("/currency", json!("LRD"), "checkout"),
        ("/source_type", json!("INVOICE"), "checkout"),
    ] {
        let mut body = good(route).unwrap();
        *body.pointer_mut(pointer).unwrap() = value;
        let scene = scene().await.on(route, answer(200, body));
        let why = error(scene.make(&hosted).await.map(drop));
        assert!(names(&why, field), "{pointer}: {why:?}");
    }
}

/// The payer pays in the option's currency; what would come is looked at first, and nothing else is taken from it.
#[tokio::test]
async fn a_payer_in_another_currency_is_foreseen_before_anything_moves() {
    let foresee = "GET /v1/predictions/payment-source/amount-and-fees";
    let scene = scene_with(json!({"payer_currency": "LRD"})).await;
    scene.client.collect(&order()).await.unwrap();
    let query = "?target_currency=LRD&payment_method=MTN_MOMO_LBR&provider=PAWAPAY&source_type=ORDER&source_id=201";
    assert!(scene.calls().contains(&format!("{foresee}{query}")));
    assert!(scene.body(EXECUTE).contains(r#""currency":"LRD""#));
    for currency in ["payer_currency", "payee_currency"] {
        let mut body = good(foresee).unwrap();
        body[currency] = json!("RWF");
        let scene = scene_with(json!({"payer_currency": "LRD"})).await.on(foresee, answer(200, body));
        assert!(names(&error(scene.client.collect(&order()).await), "options.payer_currency"));
        assert!(!scene.calls().iter().any(|call| call == EXECUTE));
    }
    // In one currency there is nothing to foresee.
    let lrd = CollectCall { wallet: "4".into(), currency: "LRD".parse().unwrap(), ..order() };
    let scene = scene_with(json!({"payer_currency": "LRD"})).await;
    scene.client.collect(&lrd).await.unwrap();
    assert!(!scene.calls().iter().any(|call| call.starts_with(foresee)));
}

/// Section 1: the same id is a number in one call and a text in another, and comes back as either.
#[tokio::test]
async fn ids_have_the_type_that_each_call_wants() {
    let texts = [
        ("POST /v1/sessions/checkout", json!({"id": "55"})),
        ("POST /v1/payment-accounts/create", json!({"id": "18"})),
    ];
    let mut scene = scene_with(json!({"realtime": "yes"})).await;
    for (route, body) in texts {
        scene = scene.on(route, answer(200, body));
    }
    scene.client.collect(&order()).await.unwrap();
    let sent = |call: &str| serde_json::from_str::<Value>(&scene.body(call)).unwrap();
    assert_eq!(sent(EXECUTE)["session_id"], json!("55"));
    assert_eq!(sent(EXECUTE)["payment_account_id"], json!("18"));
    assert_eq!(sent("POST /v1/realtime-keys/collection")["session_id"], json!(55));
    assert_eq!(sent("POST /v1/sessions/checkout")["source_id"], json!(201));
    assert_eq!(sent("POST /v1/payment-accounts/create")["party_id"], json!(42));
    scene.client.pay(&payout()).await.unwrap();
    assert_eq!(sent("POST /v1/sessions/payout")["payout_account_id"], json!(18));
    assert_eq!(sent(EXECUTE_PAYOUT)["payout_account_id"], json!("18"));
    assert_eq!(sent(EXECUTE_PAYOUT)["session_id"], json!("42"));
    for odd in [json!({"id": 5.5}), json!({"id": "a"}), json!({"id": -1}), json!({"id": null}), json!({})] {
        let scene = scene_as(|_| ()).await.on("POST /v1/sessions/checkout", answer(200, &odd));
        assert!(not_sent(&error(scene.client.collect(&order()).await)), "{odd}");
    }
}

/// A key is asked for after the execution; it is kept nowhere, and its failure is none of the collection.
#[tokio::test]
async fn a_realtime_key_is_a_hint_that_may_fail() {
    let route = "POST /v1/realtime-keys/collection";
    let key = json!({"access_token": "realtime-key-1", "expires_in": 300});
    for scripted in [answer(200, key), answer(500, ""), answer(422, MISSING), answer(401, ""), answer(200, "<html>")] {
        let scene = scene_with(json!({"realtime": "yes"})).await.on(route, scripted);
        let taken = scene.client.collect(&order()).await.unwrap();
        assert!(!String::from_utf8(taken.body).unwrap().contains("realtime-key-1"));
        assert_eq!(
            scene.body(route),
            r#"{"session_id":55,"source_type":"ORDER","reference_id":"550e8400-e29b-41d4-a716-446655440000"}"#
        );
        assert_eq!(scene.calls().iter().position(|call| call == EXECUTE), Some(3));
    }
    let scene = scene().await;
    scene.client.collect(&order()).await.unwrap();
    assert!(!scene.calls().iter().any(|call| call == route));
}

#[tokio::test]
async fn an_order_that_must_not_be_sent_is_refused_here() {
    let scene = scene().await;
    let amount = |text: &str| CollectCall { amount: text.parse().unwrap(), ..order() };
    let phone = |text: Option<&str>| CollectCall {
        payer: PartyDetails { phone: text.map(str::to_owned), ..order().payer },
        ..order()
    };
    let page = |page: &str| Checkout { hosted: true, success_url: Some(page.into()), ..Checkout::default() };
    let checkout = |checkout: Checkout| CollectCall { checkout, ..order() };
    let cases = [
        (amount("0"), "amount"),
        (amount("-5"), "amount"),
        (amount("0.001"), "amount"),
        (CollectCall { wallet: "9".into(), ..order() }, "wallet"),
        (CollectCall { currency: "LRD".parse().unwrap(), ..order() }, "currency"),
        (CollectCall { reference: "ens-0123456789abcdef0123".into(), ..order() }, "reference"),
        (CollectCall { reference: "550e8400-e29b-11d4-a716-446655440000".into(), ..order() }, "reference"),
        (CollectCall { note: Some("x".repeat(501)), ..order() }, "note"),
        (CollectCall { fee_bearer: Bearer::Beneficiary, ..order() }, "fee_bearer"),
        (CollectCall { items: vec![item("Cup", 1, "249.99")], ..order() }, "items"),
        (CollectCall { items: vec![item("Cup", 0, "250")], ..order() }, "items.quantity"),
        (CollectCall { items: vec![item(" ", 1, "250")], ..order() }, "items.name"),
        (CollectCall { items: vec![item("Cup", 2, "0.005")], ..order() }, "items.price"),
        (phone(None), "payer.phone"),
        (phone(Some("0771234567")), "payer.phone"),
        (phone(Some("231 771234567")), "payer.phone"),
        (phone(Some("2317712")), "payer.phone"),
        (phone(Some("2317712345678901")), "payer.phone"),
        (checkout(Checkout { authorise_only: true, ..Checkout::default() }), "checkout.authorise_only"),
        (checkout(Checkout { authorise_only: true, ..page("https://a.example") }), "checkout.authorise_only"),
        (checkout(Checkout { methods: vec!["CREDIT_CARD".into()], ..page("https://a.example") }), "checkout.methods"),
        (checkout(page("ftp://a.example")), "checkout"),
    ];
    for (order, field) in cases {
        let why = error(scene.make(&order).await.map(drop));
        assert!(names(&why, field), "{field}: {why:?}");
    }
    for handle in [None, Some("ACCOUNT-18"), Some("HOSTED-ORDER-201"), Some("ORDER-201"), Some("../x")] {
        let order = CollectCall { handle: handle.map(str::to_owned), ..order() };
        assert!(names(&error(scene.client.collect(&order).await), "handle"), "{handle:?}");
    }
    assert!(scene.seen().is_empty() && scene.tokens() == 0);
}

#[tokio::test]
async fn a_source_that_asks_for_something_else_is_not_carried_out() {
    let route = "PUT /v1/orders/publish/201";
    for (body, fits) in [
        (source("order", "ACTIVE", json!(250.0)), true),
        // The order's sample has no total.
        (source("order", "ACTIVE", json!(null)), true),
        (source("order", "ACTIVE", json!(250.001)), false),
        (source("order", "ACTIVE", json!(249)), false),
        (json!({"id": 201, "currency": "LRD", "total_amount": 250}), false),
    ] {
        let scene = scene().await.on(route, answer(200, &body));
        match scene.make(&order()).await {
            Ok(_) => assert!(fits, "{body}"),
            Err(why) => assert!(!fits && names(&why, "source"), "{body}: {why:?}"),
        }
    }
    let scene = scene().await.on(route, answer(200, source("invoice", "ACTIVE", json!(250))));
    assert!(names(&error(scene.make(&order()).await.map(drop)), "source"));
}
