//! What a person must look at: each contradiction ends in its own kind, is shown by HTTP and by the command line, and is
//! decided there: moved, accepted, rejected. A rollback whose rows say everything needs nobody.

use ensimbi_connectors::simulator::SimulatedObject;
use ensimbi_tests::process::{Serving, run};
use serde_json::{Value, json};

use crate::imports::fixture;
use crate::stage::Play;
use crate::support::{Caller, Folder, eventually, folder, present, text};

const PHONE: &str = "0111777771";

/// Asks a payer, who pays; gives the payment and what the provider has.
async fn collect(play: &Play, house: &Caller, own: &str, state: &str) -> (Value, SimulatedObject) {
    let body = json!({
        "connection": play.connection.slug, "amount": "1000", "currency": "ITX", "payer": { "phone": PHONE },
    });
    let told = house.post("/v1/collections", own, &body).await.expect(202);
    let made = play.made(text(&told["reference"])).await;
    play.pass().await;
    let payment = house.becomes(text(&told["id"]), state).await;
    (payment, made)
}

/// The open discrepancies, the same by HTTP and by the command line.
async fn open(folder: &Folder, house: &Caller) -> Vec<Value> {
    let shown = house.get("/v1/discrepancies").await;
    let data = folder.text("data");
    let told = run(["discrepancies", "--json", "--data", &data]).await.expect_code(0).json();
    assert_eq!(told["items"], shown["items"]);
    shown["items"].as_array().unwrap().clone()
}

/// Waits for the one open discrepancy of a kind.
async fn raised(folder: &Folder, house: &Caller, kind: &str) -> Value {
    let path = format!("/v1/discrepancies?kind={kind}");
    eventually(kind, async || (!house.get(&path).await["items"].as_array().unwrap().is_empty()).then_some(())).await;
    house.caught_up().await;
    let open = open(folder, house).await;
    let found: Vec<&Value> = open.iter().filter(|one| one["kind"] == kind).collect();
    assert_eq!(found.len(), 1, "{open:?}");
    assert_eq!(found[0]["state"], "open");
    found[0].clone()
}

/// Imports one file beside nothing that serves.
async fn import(folder: &Folder, kind: &str, name: &str, body: &str, code: i32) {
    let file = folder.write(&["in/", name].concat(), body);
    let data = folder.text("data");
    let ran = run(["import", "--json", "--data", &data, "--connection", "iotec-main", "--kind", kind, &file]).await;
    let ran = ran.expect_code(code);
    assert!(![ran.stdout, ran.stderr].concat().contains(&PHONE[1..]), "a phone number");
}

/// The house again, on the same books.
async fn serve(play: &Play, folder: &Folder) -> Serving {
    let serving = Serving::start(["--data", &folder.text("data")]).await;
    play.call_back_to(&serving);
    serving
}

/// Debits equal credits, and the open items are what their accounts say.
async fn in_order(house: &Caller) {
    let balance = house.get("/v1/trial-balance").await;
    assert_eq!(balance["balanced"], true, "{balance}");
    assert!(balance["totals"].as_array().unwrap().iter().all(|total| total["difference"] == "0"), "{balance}");
    let items = house.get("/v1/open-items").await;
    assert!(items["totals"].as_array().unwrap().iter().all(|total| total["difference"] == "0"), "{items}");
}

/// What stands on an account; nothing where it is not there.
async fn account(house: &Caller, path: &str) -> String {
    let balance = house.get("/v1/trial-balance").await;
    let found = balance["accounts"].as_array().unwrap().iter().find(|line| line["account"] == path).cloned();
    found.map_or_else(|| "0".to_owned(), |line| text(&line["balance"]).to_owned())
}

async fn posted(house: &Caller) -> String {
    text(&house.wallet().await["posted"]).to_owned()
}

/// A sum of decimal texts with one place at most.
fn sum(parts: &[&str]) -> String {
    let amounts = parts.iter().map(|part| part.parse::<ensimbi_events::Amount>().unwrap());
    ensimbi_events::Amount::checked_sum(amounts).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_with_its_rows_is_posted_back_and_left_to_nobody() {
    let folder = folder();
    let play = Play::funded(&folder, &[]).await;
    let serving = serve(&play, &folder).await;
    let key = serving.key.clone().unwrap();
    let house = &Caller::of(&serving, &key);
    play.opened(&serving, &key).await;
    let opening = posted(house).await;
    let (payment, made) = collect(&play, house, "order", "succeeded").await;
    assert_eq!(posted(house).await, play.balance().await);

    play.control(&format!("collections/{}/status", made.id), &json!({ "status": "RolledBack" })).await;
    // Nobody announces it; any push makes us look.
    let hint = String::from_utf8(fixture("webhook/success.body")).unwrap();
    let mut hint: Value = serde_json::from_str(&hint).unwrap();
    (hint["id"], hint["externalId"]) = (made.id.clone().into(), made.external_id.clone().into());
    assert!(play.push(&serving, hint.to_string()).await.is_success());
    let payment = house.becomes(text(&payment["id"]), "reversed").await;
    assert_eq!((text(&payment["reversed"]), text(&payment["open"])), ("1000", "0"), "{payment}");
    assert_eq!(posted(house).await, play.balance().await, "our wallet is theirs");
    assert_eq!(posted(house).await, opening, "everything came back, the fees too");
    assert_eq!(open(&folder, house).await, Vec::<Value>::new());
    in_order(house).await;
    assert_eq!(house.get("/v1/open-items").await["items"], json!([]));
    assert_eq!(serving.stop().await, Some(0));
    run(["verify", "--data", &folder.text("data")]).await.expect_code(0);
}

/// The status answer about a collection that was rolled back, without the rows that would say what the wallet lost.
fn rolled_back_without_rows(made: &SimulatedObject) -> String {
    let body = String::from_utf8(fixture("collection_status/rolled_back_rows_null.body")).unwrap();
    let mut body: Value = serde_json::from_str(&body).unwrap();
    let now = present().to_string();
    for (field, value) in [
        ("id", made.id.as_str()),
        ("externalId", made.external_id.as_deref().unwrap()),
        ("createdAt", &now),
        ("processedAt", &now),
        ("lastUpdated", &now),
    ] {
        body[field] = value.into();
    }
    body["amount"] = json!(1000);
    (body["transactionCharge"], body["vendorCharge"], body["totalTransactionCharge"]) =
        (json!(20), json!(15), json!(35));
    body.to_string()
}

/// A row of the wallet that belongs to nothing we know.
fn foreign_row() -> String {
    let row = json!({
        "id": "00000000-0000-4000-8000-000000000077", "createdAt": present().to_string(), "operation": "TopUp",
        "walletId": "5e83b187-801e-410e-b76e-f491928547e0", "requestId": "r-77", "requestCategory": "Transfer",
        "transactionNumber": 77, "amount": 5000, "balance": 505_000, "previousBalance": 500_000, "rollback": false,
        "category": "Transfer",
    });
    Value::Array(vec![row]).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_contradiction_has_its_kind_and_is_moved_accepted_or_rejected() {
    let folder = folder();
    let data = folder.text("data");
    let play = Play::funded(&folder, &[("rows_currency", "ITX")]).await;
    let serving = serve(&play, &folder).await;
    let key = serving.key.clone().unwrap();
    let house = &Caller::of(&serving, &key);
    play.opened(&serving, &key).await;
    let (good, made) = collect(&play, house, "good", "succeeded").await;
    let before = posted(house).await;

    // Nine tenths are collected of what was asked.
    play.simulator.change_faults(&json!({ "rates": { "wrong_amount": 10_000 } })).unwrap();
    let (less, _) = collect(&play, house, "less", "withheld").await;
    play.simulator.change_faults(&json!({ "rates": { "wrong_amount": 0 } })).unwrap();
    let differs = raised(&folder, house, "amount_differs").await;
    assert_eq!((text(&differs["stake"]), &differs["subject"]), ("900", &less["id"]), "{differs}");
    assert_eq!(differs["withheld"]["type"], "CollectionSucceeded");
    assert_eq!((&less["not_posted"], &less["discrepancy"]), (&json!("withheld"), &differs["id"]), "{less}");
    assert_eq!(posted(house).await, before, "the wallet stays as it was");
    assert_eq!(serving.stop().await, Some(0));

    import(&folder, "collection_status", "rolled-back", &rolled_back_without_rows(&made), 4).await;
    import(&folder, "wallet_rows", "rows", &foreign_row(), 4).await;

    let serving = serve(&play, &folder).await;
    let house = &Caller::of(&serving, &key);
    let without_rows = raised(&folder, house, "rollback_without_rows").await;
    assert_eq!((text(&without_rows["stake"]), &without_rows["subject"]), ("1000", &good["id"]), "{without_rows}");
    let unexplained = raised(&folder, house, "unexplained_movement").await;
    assert_eq!(text(&unexplained["stake"]), "5000", "{unexplained}");
    assert_eq!(open(&folder, house).await.len(), 3);
    assert_eq!(posted(house).await, sum(&[&before, "5000"]), "what surely moved is posted, what is in doubt is not");
    assert_eq!(account(house, "liabilities:suspense:iotec-main").await, "-5000");
    in_order(house).await;

    let resolve = |one: &Value| format!("/v1/discrepancies/{}/resolve", text(&one["id"]));
    let to = "liabilities:customers";
    let moved = json!({ "verdict": "move", "target": to, "reason": "A deposit of the shop." });
    house.post(&resolve(&differs), "wrong-way", &moved).await.problem(409, "wrong_state", Some("verdict"));
    let told = house.post(&resolve(&unexplained), "move", &moved).await.expect(200);
    assert_eq!((&told["complete"], &told["repeated"]), (&json!(true), &json!(false)), "{told}");
    let again = house.post(&resolve(&unexplained), "move", &moved).await.expect(200);
    assert_eq!((&again["repeated"], &again["position"]), (&json!(true), &told["position"]), "{again}");
    let rejected = json!({ "verdict": "reject", "reason": "The provider collects the rest again." });
    house.post(&resolve(&differs), "reject", &rejected).await.expect(200);
    house.post(&resolve(&differs), "late", &rejected).await.problem(409, "wrong_state", Some("discrepancy"));
    house.becomes(text(&less["id"]), "rejected").await;
    assert_eq!(account(house, "liabilities:suspense:iotec-main").await, "0");
    assert_eq!(account(house, to).await, "-5000");

    // One process works on the books: the command line waits for its turn.
    let accept =
        ["discrepancies", "resolve", text(&without_rows["id"]), "--accept", "--reason", "Seen.", "--data", &data];
    run(accept).await.expect_code(3);
    assert_eq!(serving.stop().await, Some(0));
    run(accept).await.expect_code(0);
    let serving = serve(&play, &folder).await;
    let house = &Caller::of(&serving, &key);
    let payment = house.becomes(text(&good["id"]), "reversed").await;
    assert_eq!(text(&payment["reversed"]), "1000", "{payment}");
    assert_eq!(posted(house).await, sum(&[&before, "5000", "-1000"]));
    assert_eq!(open(&folder, house).await, Vec::<Value>::new());
    assert_eq!(house.get("/v1/open-items").await["items"], json!([]), "nothing waits for anybody");
    in_order(house).await;
    for (one, verdict) in [(&unexplained, "move"), (&differs, "reject"), (&without_rows, "accept")] {
        let shown = house.get(&format!("/v1/discrepancies?state=resolved&kind={}", text(&one["kind"]))).await;
        let found = &shown["items"][0];
        assert_eq!((&found["id"], &found["state"]), (&one["id"], &json!("resolved")), "{shown}");
        assert_eq!(found["resolution"]["verdict"], verdict, "{shown}");
    }
    let all = run(["discrepancies", "--state", "all", "--json", "--data", &data]).await.expect_code(0).json();
    assert_eq!(all["items"].as_array().unwrap().len(), 3, "{all}");
    assert_eq!(serving.stop().await, Some(0));
    run(["verify", "--data", &data]).await.expect_code(0);
}
