//! What the simulator says on the wire, as documented.

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_300_seconds_and_only_a_form_gets_one() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    let token = sim.token().await;
    let balance = format!("/api/wallet-balance/{WALLET}");
    sim.clock.advance_to(start_time().plus(Duration::from_secs(299)));
    let (code, text) = sim.get_as(&token, &balance).await;
    assert_eq!(code, 200);
    assert!(text.contains("\"actualBalance\":0,") && !text.contains("secret"), "{text}");
    sim.clock.advance_to(start_time().plus(Duration::from_secs(300)));
    assert_eq!(sim.get_as(&token, &balance).await, (401, "{\"statusCode\":401}".to_owned()));
    assert_eq!(sim.get_as("made-up", &balance).await.0, 401);

    let url = format!("{}/connect/token", sim.base);
    let good = json!({"client_id": "pay-test", "client_secret": SECRET, "grant_type": "client_credentials"});
    let answer = sim.client.post(&url).json(&good).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.text().await.unwrap().as_str()),
        (400, "{\"error\":\"invalid_request\"}")
    );
    let wrong = [("client_id", "pay-test"), ("client_secret", "x"), ("grant_type", "client_credentials")];
    let answer = sim.client.post(&url).form(&wrong).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.text().await.unwrap().as_str()),
        (400, "{\"error\":\"invalid_client\"}")
    );
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_figures_are_exact_in_the_text_and_the_rows_keep_the_balance_law() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    let (code, text) = sim.collect(&request("001", "0111777771", 700)).await;
    assert_eq!(code, 200);
    let fees = "\"transactionCharge\":14,\"vendorCharge\":10.5,\"totalTransactionCharge\":24.5,\"vendor\":\"Mock\"";
    assert!(text.contains(fees) && text.contains("\"amount\":700,"), "{text}");
    assert!(text.contains("\"wallet\":{\"id\":null,\"name\":null}"), "{text}");
    let id = serde_json::from_str::<Value>(&text).unwrap()["id"].as_str().unwrap().to_owned();
    let fractional = sim.make("002", "256111777772", 701).await;
    sim.drive(HOUR).await;
    let (_, text) = sim.get(&format!("/api/collections/status/{fractional}")).await;
    assert!(text.contains("\"vendorCharge\":10.515,\"totalTransactionCharge\":24.535"), "{text}");

    let mut rows = Vec::new();
    for id in [&id, &fractional] {
        let body = sim.status(id).await;
        assert_eq!((body["status"].as_str(), body["statusCode"].as_str()), (Some("Success"), Some("success")));
        let own = body["transactions"].as_array().unwrap();
        let kinds: Vec<_> =
            own.iter().map(|row| (row["operation"].as_str().unwrap(), row["category"].as_str().unwrap())).collect();
        assert_eq!(kinds, [("TopUp", "Collection"), ("Deduct", "TransactionCharge")]);
        assert!(
            own.iter().all(|row| row["rollback"] == false && row["requestId"] == **id && row["disbursement"].is_null())
        );
        rows.extend(own.iter().cloned());
    }
    check_balance_law(&rows);
    let mut numbers: Vec<_> = rows.iter().map(|row| row["transactionNumber"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4]);
    let (_, text) = sim.get(&format!("/api/wallet-balance/{WALLET}")).await;
    // 700 - 24.5 + 701 - 24.535
    assert!(text.contains("\"actualBalance\":1351.965,"), "{text}");
    let (_, books) = sim.control("books", None).await;
    assert_eq!(books["wallets"][0]["balance"], "1351.965");
    assert_eq!(
        (books["collections"][0]["net"].as_str(), books["collections"][0]["payer"].as_str()),
        (Some("675.5"), Some("********71"))
    );
    assert_eq!(sim.sim.wallets().await.unwrap()[0].balance.to_string(), "1351.965");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_readings_of_charge_customer_and_fees_at_two_places_are_switches() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    let mut body = request("a", "0111777771", 701);
    body["transactionChargesCategory"] = json!("ChargeCustomer");
    assert_eq!(sim.collect(&body).await.0, 200);
    let change = json!({"switches": {"charge_customer": "b", "fee_rounding": "two_places"}});
    assert_eq!(sim.control("faults", Some(change)).await.0, 200);
    body["externalId"] = json!("b");
    assert_eq!(sim.collect(&body).await.0, 200);
    sim.drive(HOUR).await;
    let made = sim.sim.collections().await.unwrap();
    let figures: Vec<_> = made.iter().map(|one| (one.fees.to_string(), one.net.to_string())).collect();
    assert_eq!(figures, [("24.535".to_owned(), "701".to_owned()), ("24.54".to_owned(), "676.46".to_owned())]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn test_numbers_end_as_documented_and_wait_as_long_as_set() {
    let (_folder, path) = folder();
    let mut waiting = settings(None);
    waiting.pending_timeout = Some(Duration::from_secs(300));
    let sim = start(&path, waiting).await;
    let ids = [
        (sim.make("s", "0111777771", 700).await, "Success"),
        (sim.make("f", "256111777991", 700).await, "Failed"),
        (sim.make("p", "0111777781", 700).await, "Pending"),
        (sim.make("v", "0111777791", 700).await, "SentToVendor"),
    ];
    sim.drive(Duration::from_secs(200)).await;
    for (id, expected) in &ids {
        assert_eq!(sim.status(id).await["status"], *expected);
    }
    sim.drive(HOUR).await;
    assert_eq!(sim.status(&ids[2].0).await["status"], "Failed");
    assert_eq!(sim.status(&ids[3].0).await["status"], "SentToVendor");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_their_server_refuses_are_refused_with_the_documented_body() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    let with = |field: &str, value: Value| {
        let mut body = request("x", "0111777771", 700);
        body[field] = value;
        body
    };
    let bad = [
        with("amount", json!(499)),
        with("amount", json!(null)),
        with("currency", json!("UGX")),
        with("walletId", json!("5e83b187-801e-410e-b76e-f491928547e1")),
        with("payer", json!("0771234567")),
        with("payer", json!("")),
        with("category", json!("Card")),
        with("externalId", json!("x".repeat(101))),
        json!([]),
    ];
    for body in bad {
        let (code, text) = sim.collect(&body).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((code, answer["code"].as_str()), (400, Some("BadRequest")), "{body}");
        assert!(answer["message"].is_string());
    }
    assert_eq!(sim.get("/api/collections/status/nobody").await, (404, "{\"statusCode\":404}".to_owned()));
    sim.control("faults", Some(json!({"switches": {"empty_error_bodies": true}}))).await;
    assert_eq!(sim.get("/api/collections/external-id/nobody").await, (404, String::new()));
    assert!(sim.sim.collections().await.unwrap().is_empty());
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_record_of_one_external_id_is_made_and_found_by_the_switch() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    let old = sim.make("a/b c", "0111777771", 700).await;
    let new = sim.make("a/b c", "0111777771", 800).await;
    assert_ne!(old, new);
    let path = "/api/collections/external-id/a%2Fb%20c";
    let found = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    assert_eq!(found(sim.get(path).await.1)["id"], new.as_str());
    sim.control("faults", Some(json!({"switches": {"lookup": "oldest"}}))).await;
    assert_eq!(found(sim.get(path).await.1)["id"], old.as_str());
    sim.control("faults", Some(json!({"switches": {"lookup": "array"}}))).await;
    let all = found(sim.get(path).await.1);
    assert_eq!((all[0]["id"].as_str(), all[1]["id"].as_str()), (Some(new.as_str()), Some(old.as_str())));
    sim.stop().await;
}
