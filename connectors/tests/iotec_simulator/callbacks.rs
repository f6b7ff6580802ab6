//! Callbacks: which, how often, with which header.

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_carry_the_header_and_come_for_three_statuses_only() {
    let (_folder, path) = folder();
    let (target, received) = receiver(Vec::new()).await;
    let sim = start(&path, settings(Some(target))).await;
    for (external_id, payer) in
        [("s", "0111777771"), ("f", "0111777991"), ("p", "0111777781"), ("v", "0111777791"), ("c", "0111777782")]
    {
        sim.make(external_id, payer, 700).await;
    }
    sim.drive(HOUR).await;
    let made = sim.sim.collections().await.unwrap();
    for (external_id, status) in [("s", "RolledBack"), ("c", "Cancelled")] {
        let id = &made.iter().find(|one| one.external_id.as_deref() == Some(external_id)).unwrap().id;
        let set = sim.control(&format!("collections/{id}/status"), Some(json!({"status": status}))).await;
        assert_eq!(set.0, 200, "{}", set.1);
    }
    sim.drive(HOUR * 2).await;
    let received = received.lock().unwrap().clone();
    assert!(received.iter().all(|(header, _)| header.as_deref() == Some("callback-secret")));
    let of = |external_id: &str| -> Vec<&str> {
        let own = received.iter().filter(|(_, body)| body["externalId"] == external_id);
        own.map(|(_, body)| body["status"].as_str().unwrap()).filter(|status| *status != "SentToVendor").collect()
    };
    assert_eq!((of("s"), of("f")), (vec!["Success"], vec!["Failed"]));
    assert!(of("p").is_empty() && of("c").is_empty() && of("v").is_empty());
    assert!(received.iter().any(|(_, body)| body["externalId"] == "v" && body["status"] == "SentToVendor"));
    let success = received.iter().find(|(_, body)| body["status"] == "Success").unwrap();
    assert_eq!(success.1["transactions"].as_array().unwrap().len(), 2);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_is_tried_three_times_with_growing_gaps_and_then_given_up() {
    let (_folder, path) = folder();
    let (target, received) = receiver(vec![500, 503]).await;
    let mut plain = settings(Some(target));
    plain.sent_to_vendor = 0;
    let sim = start(&path, plain).await;
    sim.make("s", "0111777771", 700).await;
    sim.drive(Duration::from_secs(50)).await;
    assert_eq!(received.lock().unwrap().len(), 1);
    sim.drive(Duration::from_secs(150)).await;
    assert_eq!(received.lock().unwrap().len(), 2);
    sim.drive(HOUR).await;
    assert_eq!(received.lock().unwrap().len(), 3);
    assert_eq!(sim.control("books", None).await.1["counts"]["callbacks"], json!({"delivered": 1}));
    sim.control(
        "config",
        Some(json!({"wallet_id": WALLET, "category": "Collection", "url": "http://127.0.0.1:1/x",
        "header_name": "X-Callback", "header_value": "v"})),
    )
    .await;
    sim.make("t", "0111777771", 700).await;
    sim.drive(HOUR * 2).await;
    assert_eq!(sim.control("books", None).await.1["counts"]["callbacks"], json!({"delivered": 1, "given_up": 1}));
    let (_, config) = sim.control("config", None).await;
    assert_eq!(config["callbacks"][0]["url"], "http://127.0.0.1:1/x");
    assert!(config["callbacks"][0].get("header_value").is_none());
    sim.stop().await;
}
