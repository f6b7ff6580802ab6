//! What the provider's people do, and what the control shows.

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn executions_are_ended_taken_back_and_given_any_word_by_hand() {
    let sim = start(settings()).await;
    sim.collect(1, SILENT, "PAYER", json!(5)).await;
    sim.admin(json!({"end": {"reference": reference(1), "fails": false}})).await;
    assert_eq!(
        (&sim.status("collection", 1).await["status"], sim.balance("3").await),
        (&json!("COMPLETED"), "1005".to_owned())
    );
    sim.admin(json!({"reverse": {"reference": reference(1)}})).await;
    assert_eq!(
        (&sim.status("collection", 1).await["status"], sim.balance("3").await),
        (&json!("FAILED"), "1000".to_owned())
    );
    sim.admin(json!({"set_status": {"reference": reference(1), "status": "EXPIRED"}})).await;
    assert_eq!(sim.status("collection", 1).await["status"], "EXPIRED");
    for bad in [
        json!({"end": {"reference": reference(1), "fails": true}}),
        json!({"reverse": {"reference": reference(9)}}),
        json!({"cancel": {"kind": "ORDER", "id": 101}}),
        json!({"nonsense": 1}),
    ] {
        assert_eq!(sim.control("admin", Some(bad.clone())).await.0, 400, "{bad}");
    }
    let (id, party) = sim.source("invoice", GOOD, "PAYER", "USD", json!(5)).await;
    sim.admin(json!({"cancel": {"kind": "INVOICE", "id": id}})).await;
    assert_eq!(sim.read(&format!("/v1/invoices/retrieve/{id}")).await["status"], "CANCELED");
    let (id, _) = sim.source("order", GOOD, "PAYER", "USD", json!(5)).await;
    let body = sim.prepared(2, ("order", id), (party, GOOD), "USD").await;
    let account: i64 = body["payment_account_id"].as_str().unwrap().parse().unwrap();
    sim.admin(json!({"deactivate": {"account": account}})).await;
    assert_eq!(loc(&sim.post("/v1/executions/collection", body).await.1), ["body", "payment_account_id"]);
    sim.admin(json!({"deposit": {"wallet": 3, "amount": "12.5"}})).await;
    let movements = sim.sim.movements().await.unwrap();
    let last = movements.iter().find(|one| one.category == "deposit").unwrap();
    assert_eq!((last.effect.to_string(), sim.balance("3").await), ("12.5".to_owned(), "1012.5".to_owned()));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_pays_is_cancelled_by_the_merchants_people() {
    let mut settings = settings();
    settings.tidied_after = Some(2 * HOUR);
    let mut sim = start(settings).await;
    let failed = sim.collect(1, BAD, "PAYER", json!(5)).await;
    let paid = sim.collect(2, GOOD, "PAYER", json!(5)).await;
    sim.wait(3 * HOUR).await;
    for (id, status) in [(failed, "CANCELED"), (paid, "PAID")] {
        assert_eq!(sim.read(&format!("/v1/orders/retrieve/{id}")).await["status"], status);
    }
    sim.stop().await;
}
