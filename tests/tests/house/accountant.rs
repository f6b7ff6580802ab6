//! What an accountant adds over HTTP: tax invoices, withholding, reversals, closed periods and a second person's approval.

use ensimbi_tests::process::{Serving, run};
use serde_json::{Value, json};

use crate::imports::{STATUS, configured, fixture, import};
use crate::recompute::{compared, second_opinion};
use crate::support::{Caller, eventually, folder, present, text};

const PLAIN: &str = "[book]\ntime_zone = \"Africa/Kampala\"\n";
const APPROVED: &str = "[book.policies]\nadjustments.second_approval = \"on\"\n";

fn line(account: &str, amount: &str, open_item: Option<&str>) -> Value {
    let mut line = json!({ "account": account, "currency": "UGX", "amount": amount });
    if let Some(item) = open_item {
        line["open_item"] = json!(item);
    }
    line
}

fn vat() -> Value {
    let lines = [line("assets:tax:vat", "1800", None), line("expenses:tax-recovered:main", "-1800", None)];
    json!({ "reason": "Tax invoice 17 of the provider.", "lines": lines })
}

/// The day before today in the book's zone.
fn yesterday() -> String {
    let zone = jiff::tz::TimeZone::get("Africa/Kampala").unwrap();
    present().timestamp().to_zoned(zone).date().yesterday().unwrap().to_string()
}

/// What an account comes to, debit less credit, as text.
async fn balance(house: &Caller, account: &str) -> String {
    house.caught_up().await;
    let rows = house.get("/v1/trial-balance").await;
    let row = rows["accounts"].as_array().unwrap().iter().find(|row| row["account"] == account);
    row.map_or("0".to_owned(), |row| format!("{} {}", text(&row["debit"]), text(&row["credit"])))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accountant_adjusts_reverses_closes_and_is_approved() {
    let folder = folder();
    folder.write("data/ensimbi.toml", PLAIN);
    let data = folder.text("data");
    let serving = Serving::start(["--data", &data]).await;
    let key = serving.key.clone().unwrap();
    let house = &Caller::of(&serving, &key);

    // A tax invoice on fees (worked example 21), and withholding on an invoice (24).
    house.post("/v1/adjustments", "vat", &vat()).await.expect(201);
    assert_eq!(balance(house, "assets:tax:vat").await, "1800 0");
    let draft = json!({ "currency": "UGX", "publish": true, "items": [{ "unit_amount": "1000000" }] });
    let invoice = house.post("/v1/invoices", "invoice", &draft).await.expect(201);
    let invoice = text(&invoice["id"]);
    let withheld = json!({
        "reason": "Withholding certificate 9.",
        "lines": [line("assets:tax:withholding", "60000", None), line("assets:receivable", "-60000", Some(invoice))]
    });
    let told = house.post("/v1/adjustments", "withheld", &withheld).await.expect(201);
    let entry = text(&told["facts"][0]["event"]["event_id"]);
    let owed = async || {
        house.caught_up().await;
        house.get(&["/v1/invoices/", invoice].concat()).await["invoice"]["outstanding"].clone()
    };
    assert_eq!(owed().await, "940000");

    // It was a mistake: reversed once, and no further.
    let mistake = json!({ "reason": "The certificate was another's.", "reversal_of": entry });
    house.post("/v1/adjustments", "back", &mistake).await.expect(201);
    assert_eq!(owed().await, "1000000");
    let again = json!({ "reason": "Once more.", "reversal_of": entry });
    house.post("/v1/adjustments", "again", &again).await.problem(409, "already_reversed", Some("reversal_of"));

    // Each mistake has its own code.
    let mut body = vat();
    body["lines"][0]["amount"] = json!("1801");
    house.post("/v1/adjustments", "u", &body).await.problem(422, "unbalanced", Some("lines"));
    let memo =
        json!({ "reason": "r", "lines": [line("equity:memo:contra", "1", None), line("income:sales", "-1", None)] });
    house.post("/v1/adjustments", "m", &memo).await.problem(422, "memo_alone", Some("lines"));

    // What is closed stays as it was, until it is reopened.
    let day = yesterday();
    let mut dated = vat();
    dated["date"] = json!(day);
    house.post("/v1/adjustments", "dated", &dated).await.expect(201);
    let closed = house.post("/v1/periods/close", "close", &json!({ "to": day })).await.expect(201);
    assert_eq!(closed["complete"], true);
    let listed = house.get("/v1/periods").await;
    assert_eq!(listed["closed"], json!([{ "from": day, "to": day }]));
    house.post("/v1/periods/close", "twice", &json!({ "to": day })).await.problem(400, "invalid_range", Some("to"));
    let same = json!({ "from": day, "to": day });
    house.post("/v1/periods/close", "same", &same).await.problem(409, "wrong_state", Some("from"));
    let mut late = dated.clone();
    late["reason"] = json!("Too late.");
    house.post("/v1/adjustments", "late", &late).await.problem(409, "period_closed", Some("date"));
    house.post("/v1/periods/reopen", "reopen", &same).await.expect(201);
    house.post("/v1/adjustments", "late2", &late).await.expect(201);
    house.post("/v1/periods/close", "close2", &same).await.expect(201);
    serving.stop().await;

    // From now on a second person must approve.
    folder.write("data/ensimbi.toml", [PLAIN, APPROVED].concat());
    let made = run(["keys", "add", "the second", "--json", "--data", &data]).await.expect_code(0).json();
    let serving = Serving::start(["--data", &data]).await;
    let (first, second) = (&Caller::of(&serving, &key), &Caller::of(&serving, text(&made["key"])));
    let body = json!({ "reason": "Tax invoice 18.", "lines": vat()["lines"] });
    let asked = first.post("/v1/adjustments", "k", &body).await.expect(202);
    assert_eq!(asked["state"], "waiting_for_approval");
    let path = format!("/v1/adjustments/{}/approve", text(&asked["id"]));
    first.post(&path, "own", &json!({})).await.problem(409, "approval_needed", None);
    assert_eq!(second.get("/v1/adjustments?state=waiting").await["items"][0]["id"], asked["id"]);
    let before = balance(first, "assets:tax:vat").await;
    second.post(&path, "a", &json!({})).await.expect(200);
    assert_eq!(second.post(&path, "a", &json!({})).await.expect(200)["repeated"], true);
    let after = eventually("it is posted", async || {
        let now = balance(first, "assets:tax:vat").await;
        (now != before).then_some(now)
    });
    assert_eq!((before.as_str(), after.await.as_str()), ("5400 0", "7200 0"));
    assert_eq!(first.post("/v1/adjustments", "k", &body).await.expect(201)["repeated"], true);
    let events = first.get("/v1/events?limit=500").await;
    let last = events["items"].as_array().unwrap().last().unwrap()["fact"].clone();
    assert!(last["approver_id"] != last["actor_id"] && last["approver_id"].is_string(), "{last}");
    serving.stop().await;
    run(["verify", "--data", &data]).await.expect_code(0);
    // The second opinion posts the adjustments and hashes the closed periods by itself.
    run(["export", "leaves", "--data", &data, "--output", &folder.text("leaves.cbor")]).await.expect_code(0);
    let (code, said) = second_opinion(&folder.path("leaves.cbor"), None).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(compared(&said, "hashes of closed periods"), 3, "{said}");
}

/// What a provider corrects by hand has no event of its own: the accountant imports what the provider wrote, and names it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_is_adjusted_only_with_the_bytes_that_bear_it_out() {
    let folder = configured();
    let data = folder.text("data");
    let paid = folder.write("in/paid", fixture("collection_status/success.body"));
    let paid = import(&folder, STATUS, &[paid]).await.expect_code(0).json();
    let seen = paid["files"][0]["observation"].clone();
    let made = run(["keys", "add", "the accountant", "--json", "--data", &data]).await.expect_code(0).json();
    let serving = Serving::start(["--data", &data]).await;
    let house = &Caller::of(&serving, text(&made["key"]));
    let wallet = "assets:wallet:iotec-main:main";
    let line = |account: &str, amount: &str| json!({ "account": account, "currency": "ITX", "amount": amount });
    let mut body = json!({ "reason": "Goodwill.", "lines": [line(wallet, "5"), line("income:goodwill", "-5")] });

    house.post("/v1/adjustments", "bare", &body).await.problem(409, "wrong_state", Some("lines"));
    body["evidence"] = json!("00000000-0000-4000-8000-000000000001");
    house.post("/v1/adjustments", "nothing", &body).await.problem(404, "not_found", Some("evidence"));
    body["evidence"] = seen.clone();
    let before = balance(house, wallet).await;
    let told = house.post("/v1/adjustments", "k", &body).await.expect(201);
    assert_eq!(house.post("/v1/adjustments", "k", &body).await.expect(201)["repeated"], true);
    house.caught_up().await;
    let shown = house.get(&["/v1/statements?currency=ITX&account=", wallet].concat()).await;
    let last = shown["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["type"], &last["amount"]), (&json!("AdjustmentPosted"), &json!("5")), "{shown}");
    assert_eq!(last["evidence"][0]["observation"], seen, "{last}");
    assert_ne!(balance(house, wallet).await, before);

    let mut back = json!({ "reason": "Taken back.", "reversal_of": told["facts"][0]["event"]["event_id"] });
    house.post("/v1/adjustments", "back", &back).await.problem(409, "wrong_state", Some("reversal_of"));
    back["evidence"] = seen;
    house.post("/v1/adjustments", "back2", &back).await.expect(201);
    serving.stop().await;
    run(["verify", "--data", &data]).await.expect_code(0);
    run(["export", "leaves", "--data", &data, "--output", &folder.text("leaves.cbor")]).await.expect_code(0);
    let (code, said) = second_opinion(&folder.path("leaves.cbor"), None).await;
    assert_eq!(code, Some(0), "{said}");
}
