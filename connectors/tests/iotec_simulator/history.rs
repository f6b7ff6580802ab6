//! The history of payouts: pages, filters, order.

use super::support::*;

const HISTORY: &str = "/api/disbursements/paged-history";

async fn ids(sim: &Running, query: &str) -> Vec<String> {
    let page = sim.json(&format!("{HISTORY}?{query}")).await;
    page["data"].as_array().unwrap().iter().map(|one| one["externalId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_cover_everything_once_in_either_order_with_rows_and_decisions() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 1_000_000)).await;
    let mut made = Vec::new();
    for n in 0..23 {
        sim.pay(&format!("n{n}"), "0111777771", 1_000).await;
        made.push(format!("n{n}"));
        sim.drive(Duration::from_secs(60 * (n + 1))).await;
    }
    sim.make("no payout", "0111777771", 700).await;
    let first = sim.json(&format!("{HISTORY}?WalletId={WALLET}")).await;
    let figures =
        (&first["page"], &first["totalPages"], &first["total"], &first["hasPreviousPage"], &first["hasNextPage"]);
    assert_eq!(figures, (&json!(1), &json!(3), &json!(23), &json!(false), &json!(true)));
    let newest = &first["data"][0];
    assert_eq!((newest["externalId"].as_str(), newest["transactions"].as_array().unwrap().len()), (Some("n22"), 2));
    assert_eq!(newest["decisions"], json!([]));
    let mut seen = Vec::new();
    for page in 1..=4 {
        let query = format!("Page={page}&PageSize=7&OrderBy=createdAt&Order=asc");
        let body = sim.json(&format!("{HISTORY}?{query}")).await;
        assert_eq!((&body["hasPreviousPage"], &body["hasNextPage"]), (&json!(page > 1), &json!(page < 4)));
        seen.extend(ids(&sim, &query).await);
    }
    assert_eq!(seen, made);
    assert_eq!(ids(&sim, "Page=9").await, Vec::<String>::new());
    assert_eq!(ids(&sim, "Skip=20&Limit=2").await, ["n2", "n1"]);
    let change = json!({"parameters": {"history_page_max": 5}});
    sim.control("faults", Some(change)).await;
    assert_eq!(ids(&sim, "PageSize=1000").await.len(), 5);
    for bad in ["Page=0", "PageSize=-1", "From=x", "Order=sideways"] {
        assert_eq!(sim.get(&format!("{HISTORY}?{bad}")).await.0, 400, "{bad}");
    }
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_the_history_alone_and_together() {
    let (_folder, path) = folder();
    let sim = start(&path, funded(None, 1_000_000)).await;
    sim.pay("s", "0111777771", 1_000).await;
    sim.pay("f", "0111777991", 1_000).await;
    sim.drive(Duration::from_secs(600)).await;
    sim.pay("p", "0111777781", 1_000).await;
    sim.pay("p", "0111777781", 1_000).await;
    assert_eq!(sim.post("bank-disburse", &bank_payout("b", "1234567890", 1_000)).await.0, 200);
    let cases: [(&str, &[&str]); 15] = [
        ("ExternalId=p", &["p", "p"]),
        ("Statuses=Failed&Statuses=Success", &["f", "s"]),
        ("StatusCodes=failed", &["f"]),
        ("Categories=BankTransfer", &["b"]),
        ("Categories=MobileMoney&Statuses=Pending", &["p", "p"]),
        ("Vendors=Mtn", &[]),
        ("Vendors=Mock&Statuses=Success", &["s"]),
        ("BulkId=5e83b187-801e-410e-b76e-f491928547e0", &[]),
        ("WalletId=nobody", &[]),
        ("PartnerId=397423fb-7c78-4c4f-a5c3-1d0dae5fd0f1&ExternalId=s", &["s"]),
        ("PartnerId=nobody", &[]),
        ("Query=test%20account", &["b"]),
        ("To=2026-05-03T09:00:00Z", &["f", "s"]),
        ("From=2026-05-03T09:10:00Z&Statuses=Pending", &["b", "p", "p"]),
        ("From=2026-05-03T09:10:00.001Z", &[]),
    ];
    for (query, expected) in cases {
        assert_eq!(ids(&sim, query).await, expected, "{query}");
    }
    sim.stop().await;
}
