//! Hosted checkouts: a page that is paid, left, called off, or paid by hand.

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_is_born_payable_and_paid_by_nobody_elses_call() {
    let sim = start(settings()).await;
    let made = sim.make("/v1/checkouts/create", checkout("label-1", GOOD, json!(12.5))).await;
    assert_eq!((&made["source_type"], &made["source_status"]), (&json!("ORDER"), &json!("ACTIVE")));
    assert!(made.get("id").is_none());
    let id = int(&made, "source_id");
    let page = sim.client.get(text(&made, "url")).send().await.unwrap();
    assert!(page.status().is_success());
    sim.pass(HOUR - MINUTE).await;
    let status = sim.read(&format!("/v1/status/source?source_type=ORDER&source_id={id}")).await;
    assert_eq!((&status["status"], &status["total_amount"]), (&json!("PAID"), &json!(12.5)));
    let receipt = sim.read(&format!("/v1/orders/receipt/{id}")).await;
    assert_eq!((&receipt["reference_id"], &receipt["fee_bearer"]), (&json!("label-1"), &json!("PAYER")));
    let back = sim.client.get(text(&made, "url")).send().await.unwrap();
    assert_eq!(back.headers()["location"], "https://shop.example/thanks");
    let objects = sim.sim.objects().await.unwrap();
    assert_eq!(
        (objects.len(), objects[0].id.as_str(), objects[0].effect.to_string()),
        (1, "label-1", "12.5".to_owned())
    );
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_may_be_left_or_called_off_and_a_phone_may_fail() {
    let mut sim = start(settings()).await;
    for (nth, phone) in [SILENT, BAD].into_iter().enumerate() {
        sim.make("/v1/checkouts/create", checkout(&format!("label-{nth}"), phone, json!(5))).await;
    }
    sim.wait(DAY).await;
    for id in [101, 102] {
        assert_eq!(sim.read(&format!("/v1/orders/retrieve/{id}")).await["status"], "ACTIVE");
    }
    let books = sim.control("books", None).await.1;
    assert_eq!(books["counts"]["COLLECTION FAILED"], 1);
    sim.stop().await;

    let mut settings = settings();
    settings.payer.calls_off = 10_000;
    let mut sim = start(settings).await;
    let made = sim.make("/v1/checkouts/create", checkout("label-1", GOOD, json!(5))).await;
    sim.wait(DAY).await;
    assert_eq!(sim.read("/v1/orders/retrieve/101").await["status"], "CANCELED");
    let back = sim.client.get(text(&made, "url")).send().await.unwrap();
    assert_eq!(back.headers()["location"], "https://shop.example/back");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_paid_in_the_phones_other_currency_or_by_card() {
    let mut settings = settings().with_fees();
    settings.payer.other_currency = 10_000;
    let sim = start(settings.clone()).await;
    sim.make("/v1/checkouts/create", checkout("label-1", GOOD, json!(100))).await;
    sim.pass(HOUR - MINUTE).await;
    let receipt = sim.read("/v1/orders/receipt/101").await;
    assert_eq!(json!([receipt["payer_currency"], receipt["payee_amount"]]), json!(["LRD", 100.0]));
    assert_eq!(
        json!([receipt["payer_amount"], receipt["gateway_fee"], receipt["fx_fee"]]),
        json!([19_987.5, 97.5, 0.5])
    );
    sim.stop().await;
    settings.payer.card = 10_000;
    let sim = start(settings).await;
    sim.make("/v1/checkouts/create", checkout("label-1", GOOD, json!(100))).await;
    sim.pass(HOUR - MINUTE).await;
    assert_eq!(sim.read("/v1/orders/receipt/101").await["payment_method"], "CREDIT_CARD");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_got_the_link_sends_nobody_and_the_later_link_of_a_label_is_the_one_that_counts() {
    let sim = start(settings()).await;
    sim.parameters(json!({"hold_ms": 20})).await;
    sim.rates(json!({"create_lost": 10_000})).await;
    drop(sim.try_call("POST", "/v1/checkouts/create", Some(&checkout("label-1", GOOD, json!(5)))).await);
    sim.rates(json!({"create_lost": 0})).await;
    sim.make("/v1/checkouts/create", checkout("label-1", GOOD, json!(5))).await;
    sim.make("/v1/checkouts/create", checkout("label-1", GOOD, json!(5))).await;
    sim.pass(HOUR - MINUTE).await;
    let states: Vec<_> =
        sim.read("/v1/orders/list").await.as_array().unwrap().iter().map(|one| text(one, "status")).collect();
    assert_eq!(states, ["ACTIVE", "ACTIVE", "PAID"]);
    let objects = sim.sim.objects().await.unwrap();
    assert_eq!((objects.len(), objects[0].effect.to_string()), (1, "5".to_owned()));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_pays_a_published_invoice_by_its_link() {
    let sim = start(settings()).await;
    let (id, _) = sim.source("invoice", GOOD, "PAYER", "USD", json!(5)).await;
    let link = sim.read("/v1/links/pay?source_type=INVOICE&source_number=INV-2026-00101").await;
    assert_eq!(sim.get("/v1/links/receipt?source_type=INVOICE&source_number=INV-2026-00101").await.0, 422);
    assert_eq!(sim.get("/v1/links/pay?source_type=SUBSCRIPTION&source_number=INV-2026-00101").await.0, 422);
    let paid =
        sim.client.post(text(&link, "url")).json(&json!({"phone": GOOD, "currency": "LRD"})).send().await.unwrap();
    assert!(paid.status().is_success());
    let twice = sim.client.post(text(&link, "url")).json(&json!({})).send().await.unwrap();
    assert_eq!(twice.status(), 422);
    sim.pass(MINUTE).await;
    assert_eq!(sim.read(&format!("/v1/invoices/receipt/{id}")).await["payer_amount"], 975.0);
    let link = sim.read("/v1/links/receipt?source_type=INVOICE&source_number=INV-2026-00101").await;
    assert!(sim.client.get(text(&link, "url")).send().await.unwrap().status().is_success());
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_ends_at_its_time_and_its_wrong_items_are_named() {
    let mut sim = start(settings()).await;
    let mut body = checkout("label-1", SILENT, json!(5));
    body["expires_at"] = "2026-05-03T10:00:00Z".into();
    sim.make("/v1/checkouts/create", body.clone()).await;
    sim.wait(2 * HOUR).await;
    assert_eq!(sim.read("/v1/orders/retrieve/101").await["status"], "CANCELED");
    body["items"] =
        json!([{"name": "A", "currency": "USD", "amount": 1}, {"name": "B", "currency": "LRD", "amount": 0.001}]);
    let (code, answer) = sim.post("/v1/checkouts/create", body.clone()).await;
    assert_eq!((code, loc(&answer)), (422, ["body", "items", "1", "amount"].map(str::to_owned).to_vec()), "{answer}");
    body["items"] = json!([]);
    assert_eq!(loc(&sim.post("/v1/checkouts/create", body).await.1), ["body", "items"]);
    // The newest party of the phone is matched.
    let second = sim.party(SILENT).await;
    let made = sim.make("/v1/checkouts/create", checkout("label-2", SILENT, json!(5))).await;
    assert_eq!(made["party_id"], second);
    sim.stop().await;
}
