//! Purchases: made, and carried out.

use super::support::*;

async fn make(scene: &Scene, order: &CollectCall) -> Result<Prepared, CallError> {
    scene.client.prepare(ToPrepare::Collect(order)).await
}

#[tokio::test]
async fn a_purchase_is_made_with_the_documented_fields() {
    let scene = scene(vec![answer(201, purchase("created"))]).await;
    let made = make(&scene, &CollectCall { object: None, ..order() }).await.unwrap();
    assert_eq!((made.object.as_deref(), made.complete, made.answer.kind), (Some(PURCHASE), false, "purchase_created"));
    assert!(made.link.unwrap().ends_with(&format!("/p/{PURCHASE}/")));
    let seen = &scene.seen()[0];
    assert_eq!((seen.call.as_str(), seen.bearer.as_str()), ("POST /api/v1/purchases/", "Bearer very-secret-key"));
    assert_eq!(
        scene.sent(0),
        json!({"client": {"email": "jane@example.com", "phone": "256770123456", "country": "UG", "full_name": "Jane Rose"},
               "purchase": {"currency": "UGX", "products": [{"name": "Order 7", "price": 1000}]},
               "reference": "ref-1", "skip_capture": false, "brand_id": BRAND})
    );
}

#[tokio::test]
async fn a_hosted_purchase_carries_its_items_pages_and_methods() {
    let options =
        json!({"client_email": "us@example.com", "country": "UG", "success_callback_url": "https://us.example/hook"});
    let scene = scene_with(vec![answer(201, purchase("created"))], options).await;
    let item = |name: &str, quantity, price| OrderItem { name: name.into(), quantity, price: Amount::whole(price) };
    let checkout = Checkout {
        hosted: true,
        success_url: Some("https://shop.example/good".into()),
        failure_url: Some("https://shop.example/bad".into()),
        cancel_url: Some("https://shop.example/back".into()),
        methods: vec!["visa".into(), "paytota_proxy".into()],
        authorise_only: true,
    };
    let items = vec![item("Cup", 2, 300), item("Plate", 1, 400)];
    let order = CollectCall { items, checkout, payer: PartyDetails::default(), note: None, object: None, ..order() };
    let made = make(&scene, &order).await.unwrap();
    assert!(made.complete && made.link.is_some());
    assert_eq!(
        scene.sent(0),
        json!({"client": {"email": "us@example.com", "country": "UG"},
               "purchase": {"currency": "UGX", "products": [
                   {"name": "Cup", "price": 300, "quantity": "2"}, {"name": "Plate", "price": 400}]},
               "reference": "ref-1", "skip_capture": true, "brand_id": BRAND,
               "success_redirect": "https://shop.example/good", "failure_redirect": "https://shop.example/bad",
               "cancel_redirect": "https://shop.example/back", "success_callback": "https://us.example/hook",
               "payment_method_whitelist": ["visa", "paytota_proxy"]})
    );
}

#[tokio::test]
async fn a_purchase_that_must_not_be_made_is_refused_here() {
    let scene = scene(vec![]).await;
    let amount = |text: &str| CollectCall { amount: text.parse().unwrap(), ..order() };
    let phone = |text: &str| CollectCall {
        payer: PartyDetails { phone: Some(text.into()), ..PartyDetails::default() },
        ..order()
    };
    let item = OrderItem { name: "Cup".into(), quantity: 1, price: Amount::whole(999) };
    let methods = |word: &str| Checkout { methods: vec![word.into()], ..Checkout::default() };
    let page = Checkout { success_url: Some("ftp://x".into()), ..Checkout::default() };
    let cases = [
        (amount("1000.5"), "amount"),
        (amount("0"), "amount"),
        (amount("-5"), "amount"),
        (CollectCall { wallet: "another".into(), ..order() }, "wallet"),
        (CollectCall { currency: "USD".parse().unwrap(), ..order() }, "currency"),
        (CollectCall { reference: "x".repeat(129), ..order() }, "reference"),
        (CollectCall { note: Some("x".repeat(257)), ..order() }, "note"),
        (CollectCall { items: vec![item], ..order() }, "items"),
        (CollectCall { checkout: methods("a b"), ..order() }, "checkout.methods"),
        (CollectCall { checkout: page, ..order() }, "checkout"),
        (CollectCall { payer: PartyDetails::default(), ..order() }, "payer.phone"),
        (phone("0770123456"), "payer.phone"),
        (phone("not a number"), "payer.phone"),
    ];
    for (order, field) in cases {
        let why = error(make(&scene, &order).await.map(drop));
        assert!(names(&why, field), "{field}: {why:?}");
    }
    assert!(scene.seen().is_empty());
    let without = scene_with(vec![], json!({})).await;
    let nobody = CollectCall { payer: PartyDetails { email: None, ..order().payer }, ..order() };
    assert!(names(&error(make(&without, &nobody).await.map(drop)), "payer.email"));
}

#[tokio::test]
async fn another_purchase_than_was_asked_for_is_not_carried_out() {
    for (body, field) in [
        (with(purchase("created"), "/purchase/total", json!(1001)), "purchase"),
        (with(purchase("created"), "/purchase/currency", json!("KES")), "purchase"),
        (with(purchase("created"), "/purchase", json!(null)), "purchase"),
    ] {
        let scene = scene(vec![answer(201, body)]).await;
        let why = error(make(&scene, &order()).await.map(drop));
        assert!(names(&why, field), "{why:?}");
    }
    for body in
        [json!({"type": "payout"}).to_string(), "<html>".into(), with(purchase("created"), "/id", json!(7)).to_string()]
    {
        let scene = scene(vec![answer(201, body)]).await;
        assert!(unknown(&error(make(&scene, &order()).await.map(drop))));
    }
    let hosted = CollectCall { checkout: Checkout { hosted: true, ..Checkout::default() }, ..order() };
    let scene = scene(vec![answer(201, with(purchase("created"), "/checkout_url", json!("javascript:x")))]).await;
    assert!(names(&error(make(&scene, &hosted).await.map(drop)), "checkout_url"));
}

#[tokio::test]
async fn what_an_answer_to_a_creation_means() {
    let used = r#"{"reference":[{"message":"Jane Rose","code":"unique"}]}"#;
    let cases: [(Answer, Meaning); 8] = [
        (answer(400, used), refused),
        (answer(400, "<html>"), unknown),
        (answer(401, "{}"), |why| matches!(why, CallError::Credentials(_))),
        (answer(403, ""), |why| matches!(why, CallError::Credentials(_))),
        (answer(409, "{}"), unknown),
        (answer(500, "{}"), unknown),
        (answer(302, ""), unknown),
        ((429, vec![("retry-after", "7")], "{}".into()), |why| {
            *why == CallError::RateLimited(std::time::Duration::from_secs(7))
        }),
    ];
    for (scripted, meaning) in cases {
        let status = scripted.0;
        let scene = scene(vec![scripted]).await;
        let why = error(make(&scene, &order()).await.map(drop));
        assert!(meaning(&why), "{status}: {why:?}");
        if status == 400 && refused(&why) {
            assert_eq!(why, CallError::Refused("status 400, reference: unique".into()));
        }
    }
}

#[tokio::test]
async fn a_payer_is_prompted_by_a_form_without_our_key() {
    let scene = scene(vec![answer(200, TAKEN)]).await;
    let taken = scene.client.collect(&order()).await.unwrap();
    assert_eq!((taken.kind, taken.body.as_slice()), ("executed", TAKEN.as_bytes()));
    let seen = &scene.seen()[0];
    assert_eq!((seen.call.clone(), seen.bearer.as_str()), (format!("POST /p/{PURCHASE}/"), ""));
    let boundary = seen.kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let field = |name: &str, value: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    assert_eq!(seen.body, format!("{}{}--{boundary}--\r\n", field("s2s", "true"), field("pm", "paytota_proxy")));
}

#[tokio::test]
async fn the_first_generation_names_phone_and_network() {
    let options = json!({"client_email": "us@example.com", "generation": "v1", "v1_network": "mtnmomo"});
    let scene = scene_with(vec![answer(200, TAKEN)], options).await;
    scene.client.collect(&order()).await.unwrap();
    let body = &scene.seen()[0].body;
    assert!(body.contains("name=\"Phone\"\r\n\r\n256770123456\r\n") && body.contains("name=\"pm\"\r\n\r\nmtnmomo\r\n"));
    assert!(!body.contains("s2s"));
}

/// A refusal counts only where the purchase itself says that nothing is under way.
#[tokio::test]
async fn a_refused_prompt_is_confirmed_by_the_purchase() {
    for status in [200, 400] {
        for (state, sure) in [
            ("created", true),
            ("viewed", true),
            ("error", true),
            ("pending_execute", false),
            ("paid", false),
            ("comet", false),
        ] {
            let scene = scene(vec![answer(status, NO_FUNDS), answer(200, purchase(state))]).await;
            let why = error(scene.client.collect(&order()).await);
            assert_eq!(refused(&why), sure, "{status} {state}: {why:?}");
            assert_eq!(unknown(&why), !sure);
        }
        let scene = scene(vec![answer(status, NO_FUNDS), answer(404, "{}")]).await;
        assert!(unknown(&error(scene.client.collect(&order()).await)));
    }
}

#[tokio::test]
async fn an_unclear_prompt_is_unknown_and_never_repeated() {
    let odd = TAKEN.replace("\"return_code\":\"200\"", "\"return_code\":\"500\"");
    for scripted in [
        answer(200, "<html>"),
        answer(200, "{}"),
        answer(200, r#"{"status":"queued"}"#),
        answer(200, r#"{"status":"error"}"#),
        answer(200, r#"{"status":"failed","message":"x"}"#),
        answer(200, odd),
        answer(400, TAKEN),
        answer(400, "<html>"),
        answer(404, "{}"),
        answer(409, NO_FUNDS),
        answer(500, NO_FUNDS),
        answer(302, TAKEN),
    ] {
        let text = format!("{} {}", scripted.0, scripted.2);
        let scene = scene(vec![scripted]).await;
        assert!(unknown(&error(scene.client.collect(&order()).await)), "{text}");
        assert_eq!(scene.seen().len(), 1);
    }
    let scene = scene(vec![]).await;
    for object in [None, Some(".."), Some("a b"), Some("")] {
        let order = CollectCall { object: object.map(str::to_owned), ..order() };
        assert!(names(&error(scene.client.collect(&order).await), "object"));
    }
    assert!(scene.seen().is_empty());
}
