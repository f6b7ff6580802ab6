//! Parties, counterparties and drafts that are changed.

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_counterparty_is_linked_listed_and_changed() {
    let sim = start(settings()).await;
    let (id, party) = sim.counterparty(GOOD).await;
    let other = sim.party(BAD).await;
    let shown = sim.read(&format!("/v1/counterparties/retrieve/{id}")).await;
    assert_eq!(json!([shown["party"]["id"], shown["party"]["phone"]]), json!([party, GOOD]));
    let change = json!({"relationship_type": "SUPPLIER", "party_id": other});
    let (code, body) = sim.call("PUT", &format!("/v1/counterparties/update/{id}"), Some(&change)).await;
    assert_eq!((code, &body["party_id"]), (200, &json!(other)));
    assert_eq!(
        sim.read("/v1/counterparties/list?relationship_type=SUPPLIER&fullname=test").await.as_array().unwrap().len(),
        1
    );
    assert_eq!(sim.read("/v1/counterparties/list?relationship_type=CUSTOMER").await, json!([]));
    assert_eq!(sim.read("/v1/parties/list?fullname=PARTY").await.as_array().unwrap().len(), 2);
    assert_eq!(sim.read(&format!("/v1/parties/retrieve/{party}")).await["phone"], GOOD);
    let wrong = json!({"relationship_type": "OTHER", "party_id": party});
    assert_eq!(loc(&sim.post("/v1/counterparties/create", wrong).await.1), ["body", "relationship_type"]);
    let missing = json!({"relationship_type": "SELF", "party_id": 99});
    assert_eq!(loc(&sim.post("/v1/counterparties/create", missing).await.1), ["body", "party_id"]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_edited_until_it_is_published() {
    let sim = start(settings()).await;
    let (counterparty, _) = sim.counterparty(GOOD).await;
    let body = json!({"counterparty_id": counterparty, "currency": "USD", "note": "x", "fee_bearer": "PAYER", "as_payment_link": true});
    sim.make("/v1/invoices/create", body).await;
    let item = |name: &str| json!({"name": name, "currency": "USD", "qty": 1, "amount": 5});
    let (first, second) = (
        sim.make("/v1/invoices/101/items/add", item("A")).await,
        sim.make("/v1/invoices/101/items/add", item("B")).await,
    );
    let (first, second) = (int(&first, "id"), int(&second, "id"));
    let change = json!({"qty": 4, "amount": 2.5});
    let path = format!("/v1/invoices/101/items/{first}/update");
    assert_eq!(sim.call("PUT", &path, Some(&change)).await.1["qty"], 4);
    assert_eq!(sim.call("DELETE", &format!("/v1/invoices/101/items/{second}/remove"), None).await, (200, json!({})));
    let change = json!({"fee_bearer": "PAYEE", "reference_id": "label-2", "due_date": "2026-06-01T00:00:00Z"});
    let (code, body) = sim.call("PUT", "/v1/invoices/update/101", Some(&change)).await;
    assert_eq!(
        (code, json!([body["fee_bearer"], body["total_amount"], body["note"]])),
        (200, json!(["PAYEE", 10.0, "x"]))
    );
    sim.put("/v1/invoices/publish/101").await;
    assert_eq!(sim.call("PUT", "/v1/invoices/update/101", Some(&change)).await.0, 422);
    assert_eq!(sim.post("/v1/invoices/101/items/add", item("C")).await.0, 422);
    assert_eq!(sim.call("PUT", &path, Some(&json!({}))).await.0, 422);
    assert_eq!(sim.put("/v1/invoices/publish/101").await.0, 422);
    sim.stop().await;
}
