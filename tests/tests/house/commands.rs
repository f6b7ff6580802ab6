//! Payouts over HTTP: asked for fifty times at once, above what is there, against each other, and explained afterwards.

use ensimbi_connectors::simulator::SimulatedKind;
use ensimbi_tests::process::{Serving, run};
use serde_json::{Value, json};

use crate::stage::Play;
use crate::support::{Caller, Folder, eventually, folder, text};

/// A number that takes money, also without its country's zero.
const PHONE: &str = "0111777771";

async fn start(folder: &Folder) -> (Play, Serving, String) {
    let play = Play::funded(folder, &[]).await;
    let serving = Serving::start(["--data", &folder.text("data")]).await;
    let key = serving.key.clone().unwrap();
    play.call_back_to(&serving);
    play.opened(&serving, &key).await;
    (play, serving, key)
}

fn payout(play: &Play, amount: &str) -> Value {
    json!({ "connection": play.connection.slug, "amount": amount, "currency": "ITX", "to": { "phone": PHONE } })
}

async fn payouts_made(play: &Play) -> usize {
    let objects = play.simulator.objects().await.unwrap();
    objects.iter().filter(|object| object.kind == SimulatedKind::Payout).count()
}

fn count(words: &[String], word: &str) -> usize {
    words.iter().filter(|one| *one == word).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_payouts_with_one_key_are_one_payout() {
    let folder = folder();
    let (play, serving, key) = start(&folder).await;
    let house = &Caller::of(&serving, &key);
    let body = payout(&play, "10000");
    let mut posts = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (house, body) = (house.clone(), body.clone());
        posts.spawn(async move { house.post("/v1/payouts", "wages-7", &body).await });
    }
    let mut ids: Vec<Value> = Vec::new();
    let mut new = 0;
    for answer in posts.join_all().await {
        let told = answer.expect(202);
        new += u32::from(told["repeated"] == false);
        ids.push(told["id"].clone());
    }
    assert_eq!(new, 1, "one of them began it");
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");

    let payment = text(&ids[0]).to_owned();
    house.post("/v1/payouts", "wages-7", &payout(&play, "10001")).await.problem(409, "idempotency_conflict", None);
    let intent = house.post("/v1/payouts", "wages-7", &body).await.expect(202);
    play.made(text(&intent["reference"])).await;
    play.pass().await;
    house.becomes(&payment, "succeeded").await;
    assert_eq!(payouts_made(&play).await, 1);
    let words = house.words().await;
    assert_eq!((count(&words, "PayoutRequested"), count(&words, "PayoutSucceeded")), (1, 1), "{words:?}");
    let wallet = house.wallet().await;
    assert_eq!((text(&wallet["posted"]), text(&wallet["reserved"])), (play.balance().await.as_str(), "0"));
    explained(&folder, house, &payment, &intent).await;
    assert!(!serving.log().contains(&PHONE[1..]), "a phone number in the log");
    assert_eq!(serving.stop().await, Some(0));
    run(["verify", "--data", &folder.text("data")]).await.expect_code(0);
}

/// The payout's whole story by HTTP and by the command line, by each of its names; never a phone number.
async fn explained(folder: &Folder, house: &Caller, payment: &str, intent: &Value) {
    let shown = house.get(&format!("/v1/payments/{payment}/explain")).await;
    let list = |name: &str| shown[name].as_array().unwrap_or_else(|| panic!("{name}: {shown}")).clone();
    assert_eq!(shown["intent"]["amount"], "10000", "{shown}");
    assert_eq!(shown["more"], false);
    let kinds: Vec<Value> = list("observations").iter().map(|seen| seen["kind"].clone()).collect();
    assert!(kinds.contains(&"payout_created".into()) && kinds.contains(&"payout_status".into()), "{kinds:?}");
    let claims = list("claims");
    for word in ["PayoutRequested", "PayoutSucceeded"] {
        let claim = claims.iter().find(|claim| claim["word"] == word).unwrap_or_else(|| panic!("{word}: {claims:?}"));
        assert_eq!(claim["state"], "recorded", "{claim}");
    }
    let events = list("events");
    let succeeded = events.iter().find(|event| event["type"] == "PayoutSucceeded").unwrap();
    assert!(!succeeded["lines"].as_array().unwrap().is_empty(), "{succeeded}");
    let evidence = &succeeded["evidence"][0];
    assert!(list("observations").iter().any(|seen| seen["id"] == *evidence), "the bytes behind it are shown: {shown}");
    let balances = list("balances");
    let paths: Vec<&str> = balances.iter().map(|moved| text(&moved["account"])).collect();
    for path in ["assets:wallet:iotec-main:main", "assets:clearing:payouts:iotec-main"] {
        assert!(paths.contains(&path), "{path}: {paths:?}");
    }
    assert_eq!(list("discrepancies").len(), 0);

    let data = folder.text("data");
    let mut said = vec![shown.to_string()];
    for name in [payment, text(&intent["reference"]), text(&shown["intent"]["object_id"])] {
        let ran = run(["explain", name, "--json", "--data", &data]).await.expect_code(0);
        let told = ran.json();
        let differs: Vec<&String> = shown
            .as_object()
            .unwrap()
            .iter()
            .filter(|(field, value)| told[*field] != **value)
            .map(|(f, _)| f)
            .collect();
        assert!(differs.is_empty(), "{name}: {differs:?}: {told}");
        said.extend([ran.stdout, ran.stderr]);
    }
    let table = run(["explain", payment, "--data", &data]).await.expect_code(0);
    for title in ["our order", "raw bytes", "claims", "events", "balances moved"] {
        assert!(table.stdout.contains(title), "{title}: {}", table.stdout);
    }
    said.extend([table.stdout, table.stderr]);
    for said in said {
        assert!(!said.contains(&PHONE[1..]), "a phone number: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payout_above_what_is_there_is_refused_and_of_two_for_the_last_money_one_is_taken() {
    let folder = folder();
    let (play, serving, key) = start(&folder).await;
    let house = &Caller::of(&serving, &key);
    let available = |wallet: &Value| text(&wallet["available"]).parse::<u64>().unwrap();
    let all = available(&house.wallet().await);
    // The fee must be there too.
    for (own, amount) in [("all-1", all + 1), ("all-2", all)] {
        let body = payout(&play, &amount.to_string());
        for _ in 0..2 {
            house.post("/v1/payouts", own, &body).await.problem(422, "insufficient_available", Some("amount"));
        }
    }
    let wallet = house.wallet().await;
    assert_eq!((available(&wallet), text(&wallet["reserved"])), (all, "0"));

    let mut taken = Vec::new();
    let mut left = all;
    for round in 0..6 {
        // Each alone fits; both do not. The provider's clock stands, so that nothing is settled meanwhile.
        let body = payout(&play, &(left / 2 + 1).to_string());
        let own = [format!("race-{round}-a"), format!("race-{round}-b")];
        let (a, b) = tokio::join!(house.post("/v1/payouts", &own[0], &body), house.post("/v1/payouts", &own[1], &body));
        let (won, lost) = if a.status == 202 { (a, b) } else { (b, a) };
        lost.problem(422, "insufficient_available", Some("amount"));
        taken.push(won.expect(202));
        let before = left;
        left = eventually("the reservation is shown", async || {
            let now = available(&house.wallet().await);
            (now < before).then_some(now)
        })
        .await;
    }
    for intent in &taken {
        play.made(text(&intent["reference"])).await;
    }
    play.pass().await;
    for intent in &taken {
        house.becomes(text(&intent["id"]), "succeeded").await;
    }
    assert_eq!(payouts_made(&play).await, taken.len(), "the provider never heard of the others");
    let wallet = house.wallet().await;
    assert_eq!((text(&wallet["posted"]), text(&wallet["reserved"])), (play.balance().await.as_str(), "0"));
    assert_eq!(serving.stop().await, Some(0));
    run(["verify", "--data", &folder.text("data")]).await.expect_code(0);
}
