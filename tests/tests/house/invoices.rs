//! An invoice's life over HTTP: a draft and its items, published, paid in part and in full; others called off or credited.

use ensimbi_tests::process::{Serving, run};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::Play;
use crate::support::{Caller, folder, nobody, text};

/// The path of a new invoice.
async fn invoice(house: &Caller, own: &str, body: &Value) -> String {
    let told = house.post("/v1/invoices", own, body).await.expect(201);
    assert_eq!(told["complete"], true, "{told}");
    house.caught_up().await;
    ["/v1/invoices/", text(&told["id"])].concat()
}

/// An invoice as it is shown once the views have caught up.
async fn seen(house: &Caller, path: &str) -> Value {
    house.caught_up().await;
    house.get(path).await
}

/// Asks a payer for a part of an invoice, who pays.
async fn pay(play: &Play, house: &Caller, path: &str, amount: &str) {
    let body = json!({
        "connection": play.connection.slug, "amount": amount, "currency": "ITX",
        "payer": { "phone": "0111777771" }, "invoice": path.trim_start_matches("/v1/invoices/"),
    });
    let intent = house.post("/v1/collections", &[path, amount].concat(), &body).await.expect(202);
    play.made(text(&intent["reference"])).await;
    play.pass().await;
    house.becomes(text(&intent["id"]), "succeeded").await;
}

/// What is owed: its sum and the number of invoices.
async fn ageing(house: &Caller) -> (String, u64) {
    let shown = house.get("/v1/invoices/ageing").await;
    let found = shown["currencies"].as_array().unwrap().iter().find(|one| one["currency"] == "ITX");
    found.map_or(("0".to_owned(), 0), |one| (text(&one["outstanding"]).to_owned(), one["invoices"].as_u64().unwrap()))
}

/// The ids of all invoices in a state.
async fn listed(house: &Caller, state: &str) -> Vec<String> {
    let shown = house.get(&format!("/v1/invoices?state={state}")).await;
    let items = shown["items"].as_array().unwrap();
    items.iter().map(|item| ["/v1/invoices/", text(&item["id"])].concat()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invoice_is_drafted_changed_published_paid_in_parts_and_can_then_not_be_called_off() {
    let folder = folder();
    let play = Play::funded(&folder, &[]).await;
    let serving = Serving::start(["--data", &folder.text("data")]).await;
    let key = serving.key.clone().unwrap();
    let house = &Caller::of(&serving, &key);
    play.call_back_to(&serving);
    play.opened(&serving, &key).await;

    let draft = json!({ "currency": "ITX", "party": { "phone": "0111777771" }, "items": [
        { "id": "chairs", "quantity": "2", "unit_amount": "5000" },
        { "id": "lamp", "unit_amount": "300" },
    ]});
    let path = invoice(house, "draft", &draft).await;
    assert_eq!(listed(house, "draft").await, [path.as_str()]);
    let items = |rest: &str| [path.as_str(), "/items", rest].concat();
    let delivery = json!({ "id": "delivery", "unit_amount": "1000", "tax": "150" });
    house.post(&items(""), "add", &delivery).await.expect(201);
    let three = json!({ "quantity": "3", "unit_amount": "5000" });
    house.send(Method::PUT, &items("/chairs"), Some("change"), Some(&three)).await.expect(200);
    house.send(Method::DELETE, &items("/lamp"), Some("remove"), None).await.expect(200);
    let shown = seen(house, &path).await;
    let ids: Vec<&str> = shown["items"].as_array().unwrap().iter().map(|item| text(&item["id"])).collect();
    assert_eq!(ids, ["chairs", "delivery"], "{shown}");
    let of = &shown["invoice"];
    assert_eq!((&of["state"], &of["draft_total"], &of["draft_tax"]), (&json!("draft"), &json!("16000"), &json!("150")));
    assert_eq!(ageing(house).await, ("0".to_owned(), 0), "a draft is not owed");

    house.post(&[&path, "/publish"].concat(), "publish", &json!({ "due": "2020-01-31" })).await.expect(200);
    let shown = seen(house, &path).await;
    assert_eq!((&shown["invoice"]["state"], &shown["invoice"]["outstanding"]), (&json!("published"), &json!("16000")));
    house.post(&items(""), "late", &delivery).await.problem(409, "wrong_state", None);
    assert_eq!(ageing(house).await, ("16000".to_owned(), 1));
    let overdue = house.get("/v1/invoices?overdue=true").await;
    assert_eq!(overdue["items"].as_array().unwrap().len(), 1, "{overdue}");

    pay(&play, house, &path, "6000").await;
    let shown = house.get(&path).await;
    let of = &shown["invoice"];
    assert_eq!((&of["state"], &of["paid"], &of["outstanding"]), (&json!("part_paid"), &json!("6000"), &json!("10000")));
    assert_eq!((listed(house, "part_paid").await, ageing(house).await), (vec![path.clone()], ("10000".to_owned(), 1)));
    pay(&play, house, &path, "10000").await;
    let shown = house.get(&path).await;
    assert_eq!((&shown["invoice"]["state"], &shown["invoice"]["outstanding"]), (&json!("paid"), &json!("0")));
    assert_eq!(shown["payments"].as_array().unwrap().len(), 2, "{shown}");
    assert_eq!((listed(house, "paid").await, ageing(house).await), (vec![path.clone()], ("0".to_owned(), 0)));
    let before = house.position().await;
    for (own, way) in [("cancel", "/cancel"), ("expire", "/expire")] {
        house.send(Method::POST, &[&path, way].concat(), Some(own), None).await.problem(409, "wrong_state", None);
    }
    house.post(&[&path, "/credit"].concat(), "credit", &json!({ "amount": "1" })).await.problem(
        409,
        "wrong_state",
        None,
    );
    assert_eq!(house.position().await, before, "nothing was recorded");

    unpaid(house).await;
    let balance = house.get("/v1/trial-balance").await;
    assert_eq!(balance["balanced"], true, "{balance}");
    let items = house.get("/v1/open-items").await;
    assert!(items["totals"].as_array().unwrap().iter().all(|total| total["difference"] == "0"), "{items}");
    assert_eq!(text(&house.wallet().await["posted"]), play.balance().await);
    assert_eq!(serving.stop().await, Some(0));
    run(["verify", "--data", &folder.text("data")]).await.expect_code(0);
}

/// One that nobody pays is called off, twice with one key; another is lowered to nothing by credit notes.
async fn unpaid(house: &Caller) {
    let body = json!({ "currency": "ITX", "publish": true, "items": [{ "unit_amount": "1180", "tax": "180" }] });
    let path = invoice(house, "second", &body).await;
    let cancel = [&path, "/cancel"].concat();
    let told = house.send(Method::POST, &cancel, Some("off"), None).await.expect(200);
    let again = house.send(Method::POST, &cancel, Some("off"), None).await.expect(200);
    assert_eq!((&again["repeated"], &again["position"]), (&json!(true), &told["position"]));
    let shown = seen(house, &path).await;
    let of = &shown["invoice"];
    assert_eq!(
        (&of["state"], &of["cancelled"], &of["outstanding"]),
        (&json!("cancelled"), &json!("1180"), &json!("0"))
    );

    let path = invoice(house, "third", &body).await;
    let credit = [&path, "/credit"].concat();
    house.post(&credit, "too-much", &json!({ "amount": "1180.01" })).await.problem(
        422,
        "limit_exceeded",
        Some("amount"),
    );
    house.post(&credit, "part", &json!({ "amount": "590" })).await.expect(200);
    seen(house, &path).await;
    assert_eq!(ageing(house).await, ("590".to_owned(), 1));
    house.post(&credit, "rest", &json!({ "amount": "590" })).await.expect(200);
    let shown = seen(house, &path).await;
    let of = &shown["invoice"];
    assert_eq!((&of["state"], &of["credited"], &of["outstanding"]), (&json!("credited"), &json!("1180"), &json!("0")));
    // Its tax is dealt with to the last unit.
    assert_eq!((&of["tax_allocated"], ageing(house).await), (&json!("180"), ("0".to_owned(), 0)));
    let none = ["/v1/invoices/", &nobody(), "/cancel"].concat();
    house.send(Method::POST, &none, Some("nobody"), None).await.problem(404, "not_found", None);
}
