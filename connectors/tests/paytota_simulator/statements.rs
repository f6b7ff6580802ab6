//! Statements: scheduled, finished, downloaded while the link is good.

use super::support::*;

async fn statement(sim: &Running, query: &str) -> String {
    let path = format!("/api/v1/company_statements/?{query}");
    let (code, body) = sim.post(&path, &json!({"format": "csv", "timezone": "UTC"})).await;
    assert_eq!(code, 201, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["status"], &body["download_url"]), (&json!("pending"), &Value::Null));
    text(&body, "id")
}

async fn download(sim: &Running, url: &str) -> (u16, String) {
    let answer = sim.client.get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn rows(sim: &Running, query: &str) -> Vec<Vec<String>> {
    let id = statement(sim, query).await;
    sim.pass(Duration::from_secs(2)).await;
    let body = sim.read(&format!("/api/v1/company_statements/{id}/")).await;
    let (code, file) = download(sim, &text(&body, "download_url")).await;
    assert_eq!(code, 200);
    file.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_takes_two_seconds_and_its_link_is_good_for_an_hour() {
    let sim = start(settings()).await;
    sim.collect("order-1", GOOD, 500).await;
    let id = statement(&sim, "").await;
    sim.pass(Duration::from_secs(1)).await;
    let path = format!("/api/v1/company_statements/{id}/");
    assert_eq!(sim.read(&path).await["status"], "pending");
    sim.pass(Duration::from_secs(1)).await;
    let body = sim.read(&path).await;
    assert_eq!((&body["status"], &body["type"]), (&json!("success"), &json!("statement_request")));
    let url = text(&body, "download_url");
    assert!(url.starts_with(&format!("{}/_s3/", sim.base)), "{url}");
    assert_eq!(download(&sim, &url).await.0, 200);
    assert_eq!(download(&sim, &url.replace("Signature=", "Signature=0")).await.0, 403);
    assert_eq!(download(&sim, url.split('?').next().unwrap()).await.0, 403);
    sim.pass(HOUR - Duration::from_secs(1)).await;
    assert_eq!(download(&sim, &url).await.0, 200);
    sim.pass(Duration::from_secs(1)).await;
    assert_eq!(download(&sim, &url).await.0, 403);
    let again = text(&sim.read(&path).await, "download_url");
    assert_eq!(download(&sim, &again).await.0, 200);
    sim.rates(json!({"statement_stuck": 10_000})).await;
    let stuck = statement(&sim, "").await;
    sim.pass(DAY).await;
    assert_eq!(sim.read(&format!("/api/v1/company_statements/{stuck}/")).await["status"], "pending");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_payment_is_a_line_and_filters_choose_among_them() {
    let mut settings = settings();
    settings.currencies[0].collections = 5_000;
    settings.rates.card.reserve = 1_000;
    let sim = start(settings).await;
    let collected = sim.collect("order,1", GOOD, 500).await;
    let card = sim.card("order-2", 2_000).await;
    let refund = text(&sim.act(&card, "refund", &json!({"amount": 500})).await.1, "id");
    let chargeback = text(&sim.admin(json!({"chargeback": {"id": card}})).await, "id");
    let reversed = text(&sim.admin(json!({"reverse_chargeback": {"id": card}})).await, "id");
    let transfer = text(&sim.admin(json!({"transfer": {"currency": "UGX", "amount": 1_000}})).await, "id");
    let paid = text(&sim.create("payouts", &payout("pay-1", GOOD, 700)).await, "id");
    sim.pay_out(&paid, &json!({"payout_type": "mobile"})).await;
    sim.pass(HOUR).await;
    let now = sim.clock.now().micros() / 1_000_000;
    let undone = text(&sim.admin(json!({"undo": {"id": paid}})).await, "id");
    let all = rows(&sim, "").await;
    assert_eq!(
        all[0].join(","),
        "id,product,type,status,reference,related_to,currency,amount,fee_amount,net_amount,\
        pending_amount,is_outgoing,payment_type,paid_on,created_on"
    );
    let short: Vec<_> =
        all[2..].iter().map(|row| (row[0].as_str(), row[1].as_str(), row[5].as_str(), row[11].as_str())).collect();
    assert_eq!(
        short,
        [
            (card.as_str(), "purchase", "", "false"),
            (refund.as_str(), "refund", card.as_str(), "true"),
            (chargeback.as_str(), "chargeback", card.as_str(), "true"),
            (reversed.as_str(), "chargeback", card.as_str(), "false"),
            (transfer.as_str(), "payout_balance_transfer", "", "true"),
            (paid.as_str(), "payout", "", "true"),
            (undone.as_str(), "custom_payment", paid.as_str(), "false"),
        ]
    );
    // The reference with a comma is quoted.
    assert!(all[1].join(",").starts_with(&format!("{collected},purchase,purchase,paid,\"order,1\",")));
    for row in &all[2..] {
        let of = |at: usize| row[at].parse::<i64>().unwrap();
        assert_eq!(of(7), of(8) + of(9) + of(10), "{row:?}");
    }
    let count = async |query: &str| rows(&sim, query).await.len() - 1;
    assert_eq!(count("product=refund&product=payout").await, 2);
    assert_eq!((count("currency=UGX").await, count("currency=USD").await), (4, 4));
    let (started, end) = (start_time().micros() / 1_000_000, now + 1);
    assert_eq!((count(&format!("from={started}&to={end}")).await, count(&format!("to={started}")).await), (8, 0));
    assert_eq!(
        (count(&format!("paid_from={now}")).await, count("q=order-2").await, count("total=600,800").await),
        (1, 1, 2)
    );
    let (code, _) = sim.post("/api/v1/company_statements/?colour=red", &json!({"format": "csv"})).await;
    assert_eq!(code, 400);
    sim.switch(json!({"unknown_csv_column": true})).await;
    assert!(
        rows(&sim, "").await.iter().all(|row| row.last().unwrap() == "settlement_batch" || row.last().unwrap() == "1")
    );
    sim.stop().await;
}
