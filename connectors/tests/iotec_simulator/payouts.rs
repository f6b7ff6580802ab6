//! Payouts on the wire, what they do to the wallet, and the switches of both, each way.

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_answers_with_its_rows_and_is_read_without_them() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 100_000)).await;
    let (code, text) = sim.post("disburse", &payout("001", "0111777771", 10_000)).await;
    assert_eq!(code, 200);
    let fees = "\"transactionCharge\":600,\"vendorCharge\":0,\"totalTransactionCharge\":600,\"vendor\":\"Mock\"";
    assert!(text.contains(fees) && text.contains("\"amount\":10000,"), "{text}");
    let made: Value = serde_json::from_str(&text).unwrap();
    for field in [
        "createdAt",
        "chargeModel",
        "createdByData",
        "payeeName",
        "bulkId",
        "internalRequestId",
        "bank",
        "bankId",
        "bankTransferType",
        "approvalDecision",
        "decisionMadeBy",
        "decisionMadeAt",
        "decisionRemarks",
        "sendAt",
        "lastUpdated",
        "processedAt",
    ] {
        assert!(made.get(field).is_some(), "{field}");
    }
    assert_eq!(
        (&made["status"], &made["statusCode"], &made["category"]),
        (&json!("Pending"), &json!("pending"), &json!("MobileMoney"))
    );
    assert_eq!((&made["payeeUploadName"], &made["payeeNameStatus"]), (&json!("Test Payee"), &json!("Pending")));
    assert!(made.get("payer").is_none() && made["decisions"] == json!([]));
    let rows = made["transactions"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    check_balance_law(rows);
    assert!(rows.iter().all(|row| row["requestId"] == made["id"] && row["requestCategory"] == "Disbursement"));
    assert_eq!(rows[0]["disbursement"]["id"], made["id"]);
    assert!(rows[0]["collection"].is_null() && rows[0]["walletId"] == WALLET);
    assert_eq!(sim.moves().await, ["Deduct Disbursement 10000", "Deduct TransactionCharge 600"]);
    sim.drive(HOUR).await;
    let id = made["id"].as_str().unwrap();
    let by_id = sim.json(&format!("/api/disbursements/status/{id}")).await;
    assert_eq!(by_id, sim.payout("001").await);
    assert_eq!((&by_id["status"], &by_id["statusCode"]), (&json!("Success"), &json!("success")));
    assert!(
        by_id.get("transactions").is_none() && by_id.get("decisions").is_none() && by_id["processedAt"].is_string()
    );
    assert_eq!(sim.balance().await, "89400");
    // Each kind has its own paths.
    assert_eq!(sim.get(&format!("/api/collections/status/{id}")).await.0, 404);
    assert_eq!(sim.get("/api/collections/external-id/001").await.0, 404);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn test_numbers_end_payouts_as_documented_and_a_failure_puts_the_money_back() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 100_000)).await;
    let ends = [
        ("s", "0111777771", "Success"),
        ("f", "256111777991", "Failed"),
        ("p", "0111777781", "Pending"),
        ("v", "0111777791", "SentToVendor"),
    ];
    for (external_id, payee, _) in ends {
        sim.pay(external_id, payee, 1_000).await;
    }
    assert_eq!(sim.balance().await, "93600");
    sim.drive(HOUR).await;
    for (external_id, _, end) in ends {
        assert_eq!(sim.payout(external_id).await["status"], end);
    }
    assert_eq!(sim.balance().await, "95200");
    let rows = sim.rows().await;
    check_chain(&rows);
    let back: Vec<_> = rows.iter().filter(|row| row["rollback"] == true).collect();
    assert_eq!(back.len(), 2);
    assert!(back.iter().all(|row| row["category"] == "Rollback" && row["requestCategory"] == "Disbursement"));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fee_follows_the_tariff_and_stands_on_top_or_inside() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 20_000_000)).await;
    for (amount, fee) in
        [(500, 600), (60_000, 600), (60_001, 1_200), (500_001, 2_000), (5_000_000, 2_400), (5_000_001, 2_400)]
    {
        assert_eq!(sim.pay(&amount.to_string(), "0111777771", amount).await["totalTransactionCharge"], fee);
    }
    sim.switch(json!({"payout_fee": "inside"})).await;
    let before = sim.moves().await.len();
    sim.pay("inside", "0111777771", 10_000).await;
    assert_eq!(sim.moves().await[before..], ["Deduct Disbursement 9400", "Deduct TransactionCharge 600"]);
    assert_eq!(sim.post("disburse", &payout("too little", "0111777771", 600)).await.0, 400);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wallet_is_debited_at_acceptance_or_on_success_and_available_may_hold_the_rest() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 20_000)).await;
    sim.switch(json!({"payout_debit": "on_success"})).await;
    assert_eq!(sim.pay("s", "0111777771", 10_000).await["transactions"], json!([]));
    sim.pay("f", "0111777991", 1_000).await;
    let balance = format!("/api/wallet-balance/{WALLET}");
    let figures = |body: Value| (body["actualBalance"].as_i64().unwrap(), body["availableBalance"].as_i64().unwrap());
    assert_eq!(figures(sim.json(&balance).await), (20_000, 20_000));
    sim.switch(json!({"available_holds_in_flight": true})).await;
    assert_eq!(figures(sim.json(&balance).await), (20_000, 7_800));
    // What is promised cannot be promised again.
    assert_eq!(sim.post("disburse", &payout("more", "0111777771", 7_300)).await.0, 400);
    sim.drive(HOUR).await;
    assert_eq!(figures(sim.json(&balance).await), (9_400, 9_400));
    assert_eq!(sim.moves().await, ["Deduct Disbursement 10000", "Deduct TransactionCharge 600"]);
    // At acceptance both figures are lower at once.
    sim.switch(json!({"payout_debit": "at_acceptance"})).await;
    sim.pay("next", "0111777781", 1_000).await;
    assert_eq!(figures(sim.json(&balance).await), (7_800, 7_800));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_above_the_balance_is_refused_or_accepted_and_failed() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 1_600)).await;
    let (code, text) = sim.post("disburse", &payout("refused", "0111777771", 1_001)).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &answer["code"]), (400, &json!("BadRequest")));
    assert_eq!(sim.get("/api/disbursements/external-id/refused").await.0, 404);
    sim.switch(json!({"short_balance": "failed"})).await;
    assert_eq!(sim.pay("failed", "0111777771", 1_001).await["status"], "Pending");
    // It holds nothing: the last shilling is still there for somebody else.
    sim.pay("fits", "0111777771", 1_000).await;
    sim.drive(HOUR).await;
    let failed = sim.payout("failed").await;
    assert_eq!((&failed["status"], &failed["statusCode"]), (&json!("Failed"), &json!("not-enough-funds")));
    assert_eq!(sim.payout("fits").await["status"], "Success");
    assert_eq!(sim.balance().await, "0");
    assert_eq!(sim.moves().await.len(), 2);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_payout_names_its_bank_with_the_pattern_of_its_accounts() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 100_000)).await;
    let banks = sim.json("/api/disbursements/bank-list").await;
    assert_eq!(banks[0]["code"], "ABCDUGKAXXX");
    assert!(banks.as_array().unwrap().iter().all(|bank| bank.as_object().unwrap().len() == 3));
    let (code, text) = sim.post("bank-disburse", &bank_payout("b", "1234567890", 1_000)).await;
    assert_eq!(code, 200, "{text}");
    let made: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&made["category"], &made["bankTransferType"]), (&json!("BankTransfer"), &json!("Eft")));
    assert_eq!(made["bank"]["accountNumberRegex"], "^[0-9]{10}$");
    assert_eq!((&made["bankId"], &made["bank"]["id"]), (&banks[0]["id"], &banks[0]["id"]));
    assert_eq!((&made["payee"], &made["payeeUploadName"]), (&json!("1234567890"), &json!("Test Account")));
    let mut by_id = bank_payout("by id", "123", 1_000);
    by_id["bankId"] = banks[0]["id"].clone();
    assert_eq!(sim.post("bank-disburse", &by_id).await.0, 200);
    sim.switch(json!({"check_account_numbers": true})).await;
    assert_eq!(sim.post("bank-disburse", &bank_payout("short", "123", 1_000)).await.0, 400);
    for (field, value) in [
        ("bankIdentificationCode", json!("NOBODY")),
        ("transferType", json!("Pigeon")),
        ("accountName", json!(" ")),
        ("accountNumber", Value::Null),
        ("walletId", Value::Null),
    ] {
        let mut body = bank_payout("bad", "1234567890", 1_000);
        body[field] = value;
        assert_eq!(sim.post("bank-disburse", &body).await.0, 400, "{field}");
    }
    sim.drive(HOUR).await;
    assert_eq!(sim.payout("b").await["status"], "Success");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payouts_that_their_server_refuses_leave_nothing_behind() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 100_000)).await;
    let with = |field: &str, value: Value| {
        let mut body = payout("x", "0111777771", 1_000);
        body[field] = value;
        body
    };
    for body in [
        with("amount", json!(499)),
        with("amount", json!("many")),
        with("amount", Value::Null),
        with("currency", json!("UGX")),
        with("walletId", json!("5e83b187-801e-410e-b76e-f491928547e1")),
        with("payee", json!("0771234567")),
        with("payee", json!("+256111777771")),
        with("payee", Value::Null),
        with("category", json!("WalletToWallet")),
        with("category", json!("mobilemoney")),
        with("payeeNote", json!("x".repeat(101))),
        with("sendAt", json!("tomorrow")),
        json!([]),
    ] {
        let (code, text) = sim.post("disburse", &body).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((code, &answer["code"]), (400, &json!("BadRequest")), "{body}");
    }
    assert_eq!(sim.post("disburse", &with("surprise", json!(1))).await.0, 200);
    sim.switch(json!({"refuse_unknown_fields": true})).await;
    assert_eq!(sim.post("disburse", &with("surprise", json!(1))).await.0, 400);
    assert_eq!(sim.sim.objects().await.unwrap().len(), 1);
    assert_eq!(sim.get_as("made-up", "/api/disbursements/bank-list").await.0, 401);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_id_may_be_paid_twice_and_the_books_count_it() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 100_000)).await;
    let old = sim.pay("twice", "0111777771", 1_000).await;
    let new = sim.pay("twice", "0111777771", 1_000).await;
    sim.make("twice", "0111777771", 700).await;
    assert_ne!(old["id"], new["id"]);
    assert_eq!(sim.payout("twice").await["id"], new["id"]);
    sim.switch(json!({"lookup": "oldest"})).await;
    assert_eq!(sim.payout("twice").await["id"], old["id"]);
    sim.switch(json!({"lookup": "array"})).await;
    assert_eq!(sim.payout("twice").await.as_array().unwrap().len(), 2);
    let (_, books) = sim.control("books", None).await;
    assert_eq!((&books["payouts"][0]["records"], &books["collections"][0]["records"]), (&json!(2), &json!(1)));
    assert_eq!(books["counts"]["repeated_external_ids"], 1);
    assert_eq!(
        (&books["payouts"][0]["wallet_debit"], &books["payouts"][0]["wallet_credit"]),
        (&json!("1600"), &json!("0"))
    );
    assert_eq!(books["wallets"][0]["actual_balance"], "96800");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_balance_answer_holds_the_callback_secret_only_by_its_switch() {
    let (_folder, path) = folder();
    let (target, _) = receiver(Vec::new()).await;
    let url = target.url.clone();
    let sim = start(&path, settings(Some(target))).await;
    let balance = format!("/api/wallet-balance/{WALLET}");
    assert!(sim.json(&balance).await["callBackSecurityHeaderValue"].is_null());
    sim.switch(json!({"show_callback_secret": true})).await;
    let shown = sim.json(&balance).await;
    assert_eq!(
        (&shown["callBackSecurityHeaderKey"], &shown["callBackSecurityHeaderValue"]),
        (&json!("X-Callback"), &json!("callback-secret"))
    );
    assert_eq!(
        (shown["collectionCallBackUrl"].as_str(), &shown["disbursementCallBackUrl"]),
        (Some(url.as_str()), &Value::Null)
    );
    sim.sim.set_callback(WALLET, None).unwrap();
    assert!(sim.json(&balance).await["callBackSecurityHeaderValue"].as_str().unwrap().contains("secret"));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_look_of_answers_is_switched_without_touching_the_books() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 100_000)).await;
    sim.switch(json!({"immediate_outcome": true})).await;
    let made = sim.pay("once", "0111777991", 1_000).await;
    let flags = |rows: &[Value]| -> Vec<bool> { rows.iter().map(|row| row["rollback"].as_bool().unwrap()).collect() };
    assert!(["Failed", "SentToVendor"].contains(&made["status"].as_str().unwrap()), "{made}");
    sim.drive(HOUR).await;
    assert_eq!(flags(&sim.rows().await), [false, false, false, true, true]);
    let plain = sim.payout("once").await;
    assert!(plain["wallet"]["id"].is_null() && plain.get("bank").is_some());
    let books = sim.control("books", None).await.1;

    sim.switch(json!({"rollback_flag_on_reversed": true, "omit_nulls": true, "name_wallet": true})).await;
    assert_eq!(flags(&sim.rows().await), [false, true, true, false, false]);
    let (code, text) = sim.get("/api/disbursements/external-id/once").await;
    assert!(code == 200 && text.contains("\"totalTransactionCharge\":600,") && !text.contains("\"bank\""), "{text}");
    assert_eq!(sim.payout("once").await["wallet"]["id"], WALLET);
    let id = sim.collect(&request("c", "0111777781", 701)).await.1;
    assert!(id.contains("10.515") && !id.contains("transactions"), "{id}");
    assert_eq!(sim.control("books", None).await.1["wallets"], books["wallets"]);
    sim.stop().await;
}
