//! Fees, predictions of providers, and the merchant.

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn fees_are_numbers_in_one_place_and_texts_in_another() {
    let mut settings = settings().with_fees();
    settings.collection.gateway = Charge { fixed: "0.25".parse().unwrap(), ..Charge::percent(250) };
    let sim = start(settings).await;
    let gateway = sim.read("/v1/fees/gateway?payment_method=MTN_MOMO_LBR&operation_type=COLLECTION").await;
    let names = ["percentage", "fixed_fee", "fixed_fee_currency"].map(|name| gateway[name].clone());
    assert_eq!(json!(names), json!([2.5, 0.25, "USD"]));
    let platform = sim.read("/v1/fees/platform?operation_type=COLLECTION&fee_tier_name=default").await;
    assert_eq!(
        json!([platform["percentage"], platform["fx_percentage"], platform["fixed_fee"]]),
        json!(["1.5", "0.5", null])
    );
    sim.switch(json!({"percentage_as_fraction": true})).await;
    let platform = sim.read("/v1/fees/platform?operation_type=COLLECTION&fee_tier_name=default").await;
    assert_eq!((&platform["percentage"], &platform["tier"]["is_default"]), (&json!("0.015"), &json!(true)));
    assert_eq!(sim.read("/v1/fees/tiers").await[0]["name"], "default");
    let own = sim.read("/v1/fees/merchant-tier?owner_type=ORGANIZATION&owner_id=42").await;
    assert_eq!((&own["owner_id"], &own["tier"]["id"]), (&json!(42), &json!(1)));
    assert_eq!(sim.get("/v1/fees/merchant-tier?owner_type=ORGANIZATION&owner_id=43").await.0, 404);
    let info = sim.read("/v1/merchants/merchant-info?merchant_id=42&merchant_type=ORGANIZATION").await;
    assert_eq!(json!([info["id"], info["type"], info["email"]]), json!([42, "ORGANIZATION", null]));
    assert_eq!(sim.get("/v1/merchants/merchant-info?merchant_id=42&merchant_type=MICRO_ORGANIZATION").await.0, 404);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_has_its_method_and_a_card_its_gateway() {
    let sim = start(settings()).await;
    let path = "/v1/predictions/mmo-provider-info?operation_type=COLLECTION&phone=";
    for (phone, method, currencies) in [
        (GOOD, "ORANGE_MONEY_LBR", json!(["USD", "LRD"])),
        (LATER, "MTN_MOMO_LBR", json!(["USD", "LRD"])),
        ("250781234567", "MTN_MOMO_RWA", json!(["RWF"])),
    ] {
        let info = sim.read(&format!("{path}{phone}")).await;
        assert_eq!(
            json!([info["payment_method"], info["currencies"], info["gateway_provider"]]),
            json!([method, currencies, "PAWAPAY"])
        );
    }
    let (code, body) = sim.get(&format!("{path}256771234567")).await;
    assert_eq!((code, loc(&body)), (422, vec!["query".to_owned(), "phone".to_owned()]));
    let card = "/v1/predictions/card-provider-info?payment_method_id=pm_1&operation_type=COLLECTION&provider=STRIPE";
    assert_eq!(sim.read(card).await["payment_method"], "CREDIT_CARD");
    let party = sim.party(GOOD).await;
    let account = |provider: &str, method: &str| {
        json!({
            "account_name": "A", "provider": provider, "method": method, "party_id": party, "country_code": "LBR",
            "insensitive_account_number": GOOD,
        })
    };
    let path = "/v1/payment-accounts/create?operation_type=COLLECTION";
    let made = sim.make(path, account("MTN_MOMO_LBR", "MTN_MOMO_LBR")).await;
    assert!(made.get("insensitive_account_number").is_none() && made["is_active"] == true);
    assert_eq!(loc(&sim.post(path, account("STRIPE", "MTN_MOMO_LBR")).await.1), ["body", "provider"]);
    assert_eq!(loc(&sim.post(path, account("PAWAPAY", "CASH")).await.1), ["body", "method"]);
    assert_eq!(sim.post("/v1/payment-accounts/create", account("PAWAPAY", "MTN_MOMO_LBR")).await.0, 422);
    sim.stop().await;
}
