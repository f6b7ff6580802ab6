//! Money by hand, wrong figures, names, and the rows as a list.

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn money_moved_by_hand_is_a_row_of_its_own_in_the_documented_shape() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 1_000)).await;
    let hand = |amount: &str| json!({"wallet_id": WALLET, "amount": amount, "memo": "by hand"});
    assert_eq!(sim.control("deposit", Some(hand("500.25"))).await.0, 200);
    assert_eq!(sim.control("liquidation", Some(hand("300"))).await.0, 200);
    assert_eq!(sim.control("transfer", Some(hand("50"))).await.0, 200);
    let mut out = hand("20");
    out["operation"] = json!("Deduct");
    assert_eq!(sim.control("transfer", Some(out.clone())).await.0, 200);
    out["category"] = json!("RevenueShare");
    assert_eq!(sim.control("transfer", Some(out)).await.0, 200);
    assert_eq!(sim.control("liquidation", Some(hand("5000"))).await.0, 400);
    assert_eq!(sim.control("deposit", Some(hand("0"))).await.0, 400);
    assert_eq!(sim.control("deposit", Some(json!({"wallet_id": "nobody", "amount": "1"}))).await.0, 400);
    let rows = sim.rows().await;
    check_chain(&rows);
    let kinds: Vec<_> =
        rows.iter().map(|row| (row["operation"].as_str().unwrap(), row["category"].as_str().unwrap())).collect();
    assert_eq!(
        kinds,
        [
            ("TopUp", "Deposit"),
            ("TopUp", "Deposit"),
            ("Deduct", "Liquidation"),
            ("TopUp", "Transfer"),
            ("Deduct", "Transfer"),
            ("Deduct", "RevenueShare"),
        ]
    );
    let second = rows[1].as_object().unwrap();
    let mut fields: Vec<_> = second.keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "amount",
            "balance",
            "category",
            "collection",
            "createdAt",
            "disbursement",
            "id",
            "memo",
            "narration",
            "operation",
            "previousBalance",
            "requestCategory",
            "requestId",
            "rollback",
            "transactionNumber",
            "vendorTransactionId",
            "wallet",
            "walletId",
        ]
    );
    assert_eq!((&second["memo"], &second["collection"]), (&json!("by hand"), &Value::Null));
    assert_eq!((sim.balance().await.as_str(), sim.control("rows?wallet=nobody", None).await.0), ("1210.25", 404));
    let (_, rest) = sim.control(&format!("rows?wallet={WALLET}&after=4&limit=1"), None).await;
    assert_eq!((rest.as_array().unwrap().len(), &rest[0]["transactionNumber"]), (1, &json!(5)));
    let moved: Vec<_> = sim.sim.movements().await.unwrap().iter().map(|one| one.effect.to_string()).collect();
    assert_eq!(moved, ["1000", "500.25", "-300", "50", "-20", "-20"]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_can_be_said_wrong_of_one_object_while_the_books_stay_true() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 10_000)).await;
    let id = sim.pay("w", "0111777771", 1_000).await["id"].clone();
    sim.pay("other", "0111777771", 1_000).await;
    let wrong = json!({"id": id, "amount": "900", "total_charge": "601"});
    assert_eq!(sim.control("wrong", Some(wrong)).await.0, 200);
    sim.drive(HOUR).await;
    let said = sim.payout("w").await;
    assert_eq!(
        (&said["amount"], &said["transactionCharge"], &said["totalTransactionCharge"]),
        (&json!(900), &json!(600), &json!(601))
    );
    assert_eq!(sim.payout("other").await["amount"], 1_000);
    assert_eq!(sim.balance().await, "6800");
    assert_eq!(sim.control("wrong", Some(json!({ "id": id }))).await.0, 200);
    assert_eq!(sim.payout("w").await["amount"], 1_000);
    assert_eq!(sim.control("wrong", Some(json!({"id": "nobody"}))).await.0, 400);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_name_check_found_is_set_by_hand_and_stops_nothing() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 10_000)).await;
    let id = sim.pay("n", "0111777771", 1_000).await["id"].as_str().unwrap().to_owned();
    let path = format!("payouts/{id}/name");
    assert_eq!(sim.control(&path, Some(json!({"status": "NotMatched", "name": "Somebody Else"}))).await.0, 200);
    assert_eq!(sim.control(&path, Some(json!({"status": "Perhaps"}))).await.0, 400);
    sim.drive(HOUR).await;
    let body = sim.payout("n").await;
    assert_eq!(
        (&body["payeeNameStatus"], &body["payeeName"], &body["status"]),
        (&json!("NotMatched"), &json!("Somebody Else"), &json!("Success"))
    );
    sim.stop().await;
}
