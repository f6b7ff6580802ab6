//! Purchases from status to status.

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_is_confirmed_is_paid_with_fee_and_one_second_behind() {
    let sim = start(settings()).await;
    let received = sim.receive(Vec::new()).await;
    let id = sim.collect("order-1", GOOD, 500).await;
    let body = sim.purchase(&id).await;
    assert_eq!(history(&body), ["created", "viewed", "pending_execute", "paid"]);
    let times: Vec<_> =
        body["status_history"].as_array().unwrap().iter().map(|one| one["timestamp"].as_i64()).collect();
    assert_eq!((times[1], body["viewed_on"].as_i64()), (times[2], times[1]));
    assert_eq!(body["updated_on"].as_i64().unwrap() + 1, times[3].unwrap());
    assert_eq!(body["due"].as_i64().unwrap() - body["created_on"].as_i64().unwrap(), 3_600);
    let payment = &body["payment"];
    let of = |name: &str| payment[name].as_i64().unwrap();
    assert_eq!((of("amount"), of("fee_amount"), of("net_amount"), of("pending_amount")), (500, 15, 485, 0));
    assert_eq!((&body["refundable_amount"], &body["refund_availability"]), (&json!(500), &json!("none")));
    let transaction = &body["transaction_data"]["extra"]["payload"]["transaction"];
    assert_eq!((&transaction["status"], &transaction["operator"]), (&json!("successful"), &json!("SANDBOX")));
    assert_eq!(text(&body, "checkout_url"), format!("{}/p/{id}/invoice/", sim.base));
    assert_eq!(events(&received), ["purchase.created", "purchase.viewed", "purchase.pending_execute", "purchase.paid"]);
    let names = ["gross_balance", "fee_sell", "available_balance"];
    assert_eq!(sim.figures("UGX", names).await, [500, 15, 485]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_attempt_is_not_final_and_attempts_stand_newest_first() {
    let mut settings = settings();
    settings.outcome_after = (Duration::from_secs(5), Duration::from_secs(5));
    let sim = start(settings).await;
    let id = sim.collect("order-1", BAD, 500).await;
    let body = sim.purchase(&id).await;
    assert_eq!((&body["status"], &body["payment"]), (&json!("error"), &Value::Null));
    assert_eq!(body["transaction_data"]["payment_method"], "");
    assert_eq!(body["transaction_data"]["attempts"][0]["error"]["code"], "general_transaction_error");
    let transaction = &body["transaction_data"]["extra"]["payload"]["transaction"];
    assert_eq!(transaction["status"], "failed");
    // The first generation takes a phone of its own.
    let answer = sim.form(&id, &[("Phone", GOOD), ("pm", "mtnmomo")]).await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["status"], "pending");
    sim.pass(Duration::from_secs(60)).await;
    let body = sim.purchase(&id).await;
    assert_eq!(history(&body)[4..], ["pending_execute", "paid"]);
    let attempts = body["transaction_data"]["attempts"].as_array().unwrap();
    assert_eq!(attempts.iter().map(|one| one["successful"].as_bool()).collect::<Vec<_>>(), [Some(true), Some(false)]);
    assert_eq!(
        (attempts[0]["extra"].clone(), text(&body["transaction_data"], "payment_method")),
        (json!({}), "mtnmomo".into())
    );
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_generation_wants_the_number_of_its_network() {
    let sim = start(settings()).await;
    let id = sim.make("order-1", "", 500).await;
    for (phone, pm, code) in [
        (GOOD, "airtel", "validation_phone_invalid"),
        ("256751123456", "mtnmomo", "validation_phone_invalid"),
        ("0770123456", "mtnmomo", "validation_phone_invalid"),
        (GOOD, "visa", "unknown_payment_method"),
        (GOOD, "paytota_proxy", "s2s_not_supported"),
    ] {
        let body: Value = sim.form(&id, &[("Phone", phone), ("pm", pm)]).await.unwrap().json().await.unwrap();
        assert_eq!((body["status"].as_str(), body["error"]["code"].as_str()), (Some("error"), Some(code)));
    }
    assert_eq!(sim.execute(&id).await.1["error"]["code"], "validation_phone_invalid");
    let body: Value = sim.form(&id, &[("Phone", GOOD), ("pm", "mtnmomo")]).await.unwrap().json().await.unwrap();
    assert_eq!(body["status"], "pending");
    assert_eq!(text(&body["details"]["transaction"], "internal_reference").len(), 32);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_answers_is_overdue_and_still_payable_or_expired_by_due_strict() {
    let sim = start(settings()).await;
    let overdue = sim.make("order-1", GOOD, 500).await;
    let mut strict = purchase("order-2", SILENT, 500);
    strict["purchase"]["due_strict"] = true.into();
    let expired = text(&sim.create("purchases", &strict).await, "id");
    sim.execute(&expired).await;
    sim.pass(HOUR + HOUR).await;
    assert_eq!(history(&sim.purchase(&overdue).await), ["created", "overdue"]);
    assert_eq!(history(&sim.purchase(&expired).await), ["created", "viewed", "pending_execute", "expired"]);
    assert_eq!(sim.execute(&expired).await.1["status"], "error");
    assert_eq!(sim.execute(&overdue).await.1["status"], "pending");
    sim.admin(json!({"pay_late": {"id": expired}})).await;
    sim.pass(Duration::from_secs(60)).await;
    for id in [&overdue, &expired] {
        assert_eq!(sim.purchase(id).await["status"], "paid");
    }
    assert_eq!(sim.figures("UGX", ["gross_balance"]).await, [1_000]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_purchase_takes_no_money_and_one_marked_as_paid_brings_none() {
    let sim = start(settings()).await;
    let received = sim.receive(Vec::new()).await;
    let (cancelled, marked) = (sim.make("order-1", GOOD, 500).await, sim.make("order-2", GOOD, 500).await);
    let (status, body) = sim.act(&cancelled, "cancel", &json!({})).await;
    assert_eq!((status, &body["status"]), (200, &json!("cancelled")));
    assert_eq!(sim.execute(&cancelled).await.1["status"], "error");
    let (status, body) = sim.act(&marked, "mark_as_paid", &json!({})).await;
    assert_eq!((status, &body["status"], &body["marked_as_paid"]), (200, &json!("paid"), &json!(true)));
    let (status, body) = sim.act(&marked, "cancel", &json!({})).await;
    assert_eq!((status, code(&body)), (400, "purchase_cancel_error"));
    assert_eq!(sim.execute(&marked).await.1["error"]["code"], "purchase_already_paid_for");
    sim.pass(DAY).await;
    assert_eq!(sim.figures("UGX", ["gross_balance", "fee_sell"]).await, [0, 0]);
    let seen = events(&received);
    assert!(seen.contains(&"purchase.cancelled".to_owned()) && seen.contains(&"purchase.paid".to_owned()));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_payer_on_the_page_looks_and_pays_by_card() {
    let sim = start(settings()).await;
    let received = sim.receive(Vec::new()).await;
    let id = sim.card("order-1", 2_300).await;
    let body = sim.purchase(&id).await;
    assert_eq!(history(&body), ["created", "viewed", "pending_execute", "paid"]);
    assert_eq!((&body["refund_availability"], &body["payment"]["fee_amount"]), (&json!("all"), &json!(150)));
    assert!(["visa", "mastercard", "maestro"].contains(&text(&body["transaction_data"], "payment_method").as_str()));
    let viewed = body["status_history"][1]["timestamp"].as_i64();
    assert!(viewed < body["status_history"][2]["timestamp"].as_i64() && viewed == body["viewed_on"].as_i64());
    assert_eq!(events(&received).len(), 4);
    // In a currency of phones the same page takes the phone.
    let mut phone = purchase("order-2", GOOD, 700);
    phone["success_redirect"] = "https://shop.example.com/".into();
    let id = text(&sim.create("purchases", &phone).await, "id");
    sim.pass(Duration::from_secs(600)).await;
    let body = sim.purchase(&id).await;
    assert_eq!(
        (&body["status"], &body["transaction_data"]["payment_method"]),
        (&json!("paid"), &json!("paytota_proxy"))
    );
    // A visit to the page is a look.
    let id = sim.make("order-3", GOOD, 700).await;
    let page = sim.client.get(format!("{}/p/{id}/", sim.base)).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(sim.purchase(&id).await["status"], "viewed");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_captured_in_part_or_released_and_nothing_moves_before() {
    let sim = start(settings()).await;
    let received = sim.receive(Vec::new()).await;
    let hold = async |reference: &str| {
        let mut body = purchase(reference, GOOD, 1_000);
        body["skip_capture"] = true.into();
        let id = text(&sim.create("purchases", &body).await, "id");
        sim.execute(&id).await;
        sim.pass(Duration::from_secs(60)).await;
        let body = sim.purchase(&id).await;
        assert_eq!((&body["status"], &body["payment"]), (&json!("hold"), &Value::Null));
        id
    };
    let (captured, released) = (hold("order-1").await, hold("order-2").await);
    assert_eq!(sim.figures("UGX", ["gross_balance"]).await, [0]);
    assert_eq!(sim.act(&captured, "capture", &json!({"amount": 1_001})).await.0, 400);
    let (status, body) = sim.act(&captured, "capture", &json!({"amount": 400})).await;
    assert_eq!((status, &body["status"], &body["payment"]["amount"]), (200, &json!("paid"), &json!(400)));
    assert_eq!(sim.act(&released, "release", &json!({})).await.1["status"], "released");
    assert_eq!(sim.act(&released, "capture", &json!({})).await.0, 400);
    sim.switch(json!({"slow_captures": true})).await;
    let (slow, slow_release) = (hold("order-3").await, hold("order-4").await);
    assert_eq!(sim.act(&slow, "capture", &json!({})).await.1["status"], "pending_capture");
    assert_eq!(sim.act(&slow_release, "release", &json!({})).await.1["status"], "pending_release");
    sim.pass(HOUR).await;
    assert_eq!(history(&sim.purchase(&slow).await)[3..], ["hold", "pending_capture", "paid"]);
    assert_eq!(history(&sim.purchase(&slow_release).await)[3..], ["hold", "pending_release", "released"]);
    sim.rates(json!({"capture_failed": 10_000, "release_failed": 10_000})).await;
    let again = hold("order-5").await;
    sim.act(&again, "capture", &json!({})).await;
    sim.pass(HOUR).await;
    sim.act(&again, "release", &json!({})).await;
    sim.pass(HOUR).await;
    assert_eq!(
        history(&sim.purchase(&again).await)[3..],
        ["hold", "pending_capture", "hold", "pending_release", "hold"]
    );
    assert_eq!(sim.figures("UGX", ["gross_balance"]).await, [1_400]);
    let seen = events(&received);
    for event in [
        "purchase.hold",
        "purchase.captured",
        "purchase.released",
        "purchase.pending_capture",
        "purchase.pending_release",
        "purchase.capture_failure",
        "purchase.release_failure",
    ] {
        assert!(seen.iter().any(|one| one == event), "{event}");
    }
    // Nothing to take: only the method is authorised.
    let mut nothing = purchase("order-6", GOOD, 0);
    nothing["skip_capture"] = true.into();
    let id = text(&sim.create("purchases", &nothing).await, "id");
    sim.execute(&id).await;
    sim.pass(HOUR).await;
    assert_eq!(sim.purchase(&id).await["status"], "preauthorized");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_in_part_and_in_full_are_payments_of_their_own() {
    let mut settings = settings();
    settings.rates.refund = Rate::fee(100);
    let sim = start(settings).await;
    let received = sim.receive(Vec::new()).await;
    let id = sim.card("order-1", 2_000).await;
    let [before] = sim.figures("USD", ["available_balance"]).await;
    assert_eq!(sim.act(&id, "refund", &json!({"amount": 2_001})).await.0, 400);
    let (status, refund) = sim.act(&id, "refund", &json!({"amount": 500})).await;
    assert_eq!((status, &refund["type"], &refund["related_to"]["id"]), (200, &json!("payment"), &json!(id)));
    let payment = &refund["payment"];
    assert_eq!(
        (&payment["amount"], &payment["fee_amount"], &payment["net_amount"]),
        (&json!(500), &json!(5), &json!(495))
    );
    assert_eq!(sim.figures("USD", ["available_balance"]).await, [before - 505]);
    let body = sim.purchase(&id).await;
    assert_eq!((&body["status"], &body["refundable_amount"]), (&json!("refunded"), &json!(1_500)));
    let last = body["status_history"].as_array().unwrap().last().unwrap();
    assert_eq!(last["related_object"], json!({"type": "payment", "id": refund["id"]}));
    sim.switch(json!({"slow_refunds": true})).await;
    let (status, slow) = sim.act(&id, "refund", &json!({})).await;
    assert_eq!((status, &slow["type"], &slow["status"]), (200, &json!("purchase"), &json!("pending_refund")));
    assert_eq!(sim.figures("USD", ["pending_outgoing", "available_balance"]).await, [1_515, before - 505 - 1_515]);
    sim.pass(HOUR).await;
    assert_eq!(sim.figures("USD", ["pending_outgoing", "available_balance"]).await, [0, before - 505 - 1_515]);
    let body = sim.purchase(&id).await;
    assert_eq!((&body["refundable_amount"], &body["refund_availability"]), (&json!(0), &json!("none")));
    let (status, body) = sim.act(&id, "refund", &json!({})).await;
    assert_eq!((status, code(&body)), (400, "purchase_refund_error"));
    assert_eq!(events(&received).iter().filter(|event| *event == "payment.refunded").count(), 2);
    // Mobile money is not refundable through the API.
    let phone = sim.collect("order-2", GOOD, 500).await;
    assert_eq!(sim.act(&phone, "refund", &json!({})).await.0, 400);
    let failing = sim.card("order-3", 900).await;
    sim.rates(json!({"refund_failed": 10_000})).await;
    sim.act(&failing, "refund", &json!({})).await;
    sim.pass(HOUR).await;
    assert_eq!(history(&sim.purchase(&failing).await)[3..], ["paid", "pending_refund", "paid"]);
    sim.switch(json!({"slow_refunds": false})).await;
    let (status, body) = sim.act(&failing, "refund", &json!({})).await;
    assert_eq!((status, code(&body)), (400, "purchase_refund_error"));
    assert_eq!(sim.purchase(&failing).await["transaction_data"]["attempts"][0]["type"], "refund");
    sim.stop().await;
}
