//! `ensimbi retranslate`: the same bytes read again. A reading is changed as it is in life: by an option of the connection
//! that says what the provider's documents leave open.

use std::time::Duration;

use ensimbi_connectors::connector::Capability;
use ensimbi_connectors::door::{SaidToday, Today};
use ensimbi_connectors::providers;
use ensimbi_connectors::simulator::stage::StageOrder;
use ensimbi_events::{Amount, Fact};
use ensimbi_projections::PaymentsView;
use ensimbi_tests::fresh_database;
use ensimbi_tests::process::{Ran, Serving, run};
use serde_json::json;

use crate::imports::{CONFIG, STATUS, configured, count, fixture, import};
use crate::played::Played;
use crate::rooms::{Rooms, Stores};
use crate::support::{Folder, text};

const EVENTS: &str = "SELECT COUNT(*) FROM events";
const POSTED: &str = "SELECT posted FROM wallets";

async fn again(folder: &Folder, arguments: &[&str]) -> Ran {
    let data = folder.text("data");
    run(["retranslate", "--data", &data].into_iter().chain(arguments.iter().copied())).await
}

/// From now on the payer bears the fees: of the same bytes the wallet got all of the amount.
fn payer_bears(folder: &Folder) {
    let options = "options = { transaction_charges_category = \"ChargeCustomer\", client_id";
    folder.write("data/ensimbi.toml", CONFIG.replace("options = { client_id", options));
}

fn we_bear(folder: &Folder) {
    folder.write("data/ensimbi.toml", CONFIG);
}

/// A folder with one payment of 700 with 24.5 of fees.
async fn paid() -> Folder {
    let folder = configured();
    let file = folder.write("in/paid", fixture("collection_status/success.body"));
    import(&folder, STATUS, &[file]).await.expect_code(0);
    folder
}

async fn posted(folder: &Folder) -> i64 {
    count(folder, "data/book.db", POSTED).await
}

#[tokio::test]
async fn bytes_that_read_as_they_did_differ_in_nothing() {
    let folder = configured();
    let mut files = Vec::new();
    for case in ["success", "html", "doubt_total_differs", "failed", "open_scheduled", "rolled_back_fee_kept"] {
        files.push(folder.write(&format!("in/{case}"), fixture(&format!("collection_status/{case}.body"))));
    }
    import(&folder, STATUS, &files).await;
    let shown = again(&folder, &["--json"]).await.expect_code(0).json();
    assert_eq!((&shown["ok"], &shown["subjects"], &shown["unreadable"]), (&true.into(), &json!([]), &0.into()));
    assert_eq!(shown["observations"], files.len(), "what nobody could read then and now is looked at too: {shown}");
    let told = again(&folder, &["--connection", "iotec-main"]).await.expect_code(0);
    assert!(told.stdout.contains("observations read again"), "{}", told.stdout);
    let nobody = again(&folder, &["--connection", "nobody"]).await.expect_code(2);
    assert!(nobody.stderr.contains("iotec-main"), "{}", nobody.stderr);
}

#[tokio::test]
async fn an_amount_that_reads_differently_is_shown_and_corrected_once() {
    let folder = paid().await;
    let (before, events) = (posted(&folder).await, count(&folder, "data/book.db", EVENTS).await);
    payer_bears(&folder);

    let shown = again(&folder, &["--json", "--diff"]).await.expect_code(1).json();
    let subject = &shown["subjects"][0];
    assert_eq!(
        (&subject["differs"], &subject["new"], &subject["missing"]),
        (&json!(1), &json!(0), &json!(0)),
        "{shown}"
    );
    let difference = &subject["differences"][0];
    assert_eq!((text(&difference["type"]), text(&difference["money"])), ("CollectionSucceeded", "can be corrected"));
    let fields = difference["fields"].as_array().unwrap();
    let net = json!({ "field": "net", "recorded": "675.5", "read": "700" });
    assert!(fields.contains(&net), "{shown}");
    assert!(!fields.iter().any(|field| field["field"] == "gross"), "what is the same is not shown: {shown}");
    let table = again(&folder, &["--diff"]).await.expect_code(1);
    for words in ["net: 675.5 -> 700", "--record corrects it", "assets:wallet:iotec-main:main 24.5 ITX"] {
        assert!(table.stdout.contains(words), "{words}: {}", table.stdout);
    }
    for person in ["0111777771", "John Doe"] {
        assert!(!table.stdout.contains(person) && !shown.to_string().contains(person), "a person is named");
    }
    assert_eq!(count(&folder, "data/book.db", EVENTS).await, events, "looking records nothing");

    let told = again(&folder, &["--json", "--record"]).await.expect_code(0).json();
    assert_eq!(told["subjects"][0]["differences"][0]["money"], "corrected", "{told}");
    assert_eq!(posted(&folder).await - before, 245_000, "the wallet has the fees back");
    let corrections = "SELECT COUNT(*) FROM events WHERE word = 'CorrectionPosted'";
    assert_eq!(count(&folder, "data/book.db", corrections).await, 1);

    let events = count(&folder, "data/book.db", EVENTS).await;
    let repeated = again(&folder, &["--json", "--record"]).await.expect_code(0).json();
    assert_eq!(repeated["subjects"], json!([]), "{repeated}");
    assert_eq!(count(&folder, "data/book.db", EVENTS).await, events, "a second time records nothing");
    run(["verify", "--data", &folder.text("data")]).await.expect_code(0);
    let fees = run(["fees", "--json", "--data", &folder.text("data")]).await.expect_code(0).json();
    let ours = fees["groups"].as_array().into_iter().flatten().filter(|group| group["bearer"] == "merchant");
    assert!(ours.clone().all(|group| group["fees"] == "0"), "the fee report follows: {fees}");

    // Back to the first reading: the correction stands, so it is the one that differs now.
    we_bear(&folder);
    again(&folder, &[]).await.expect_code(1);
    again(&folder, &["--record"]).await.expect_code(0);
    again(&folder, &[]).await.expect_code(0);
    assert_eq!(posted(&folder).await, before);
    assert_eq!(count(&folder, "data/book.db", corrections).await, 2, "nothing was taken away");
    run(["verify", "--data", &folder.text("data")]).await.expect_code(0);
}

#[tokio::test]
async fn what_no_correction_can_say_is_refused_with_its_reason() {
    let folder = configured();
    let file = folder.write("in/doubt", fixture("collection_status/doubt_total_differs.body"));
    import(&folder, STATUS, &[file]).await.expect_code(4);
    payer_bears(&folder);
    let events = count(&folder, "data/book.db", EVENTS).await;
    let shown = again(&folder, &["--json", "--record"]).await.expect_code(1).json();
    let difference = &shown["subjects"][0]["differences"][0];
    assert_eq!(difference["money"], "refused", "{shown}");
    assert!(text(&difference["reason"]).contains("withheld"), "{shown}");
    assert_eq!(count(&folder, "data/book.db", EVENTS).await, events);
}

#[tokio::test]
async fn it_looks_beside_the_process_that_serves_and_records_only_after_it() {
    let folder = paid().await;
    payer_bears(&folder);
    let serving = Serving::start(["--data", &folder.text("data")]).await;
    again(&folder, &[]).await.expect_code(1);
    let refused = again(&folder, &["--record"]).await.expect_code(3);
    assert!(refused.stderr.contains("another Ensimbi process works on"), "{}", refused.stderr);
    assert_eq!(serving.stop().await, Some(0));
    again(&folder, &["--record"]).await.expect_code(0);
    let nothing = run(["retranslate", "--data", &folder.text("elsewhere")]).await.expect_code(2);
    assert!(nothing.stderr.contains("there is no book"), "{}", nothing.stderr);
}

#[tokio::test]
async fn on_postgres_the_same_bytes_are_corrected_once() {
    let folder = configured();
    let (database, key) = (fresh_database("retranslate").await, folder.master_key());
    let (data, file) = (folder.text("data"), folder.write("in/paid", fixture("collection_status/success.body")));
    let on = ["--data", &data, "--database-url", &database, "--master-key-file", &key, "--json"];
    let command =
        |arguments: &[&str]| -> Vec<String> { arguments.iter().chain(&on).map(|word| (*word).to_owned()).collect() };
    let imported = command(&["import", &file, "--connection", "iotec-main", "--kind", STATUS]);
    run(imported).await.expect_code(0);
    run(command(&["retranslate"])).await.expect_code(0);
    payer_bears(&folder);
    run(command(&["retranslate"])).await.expect_code(1);
    let first = run(command(&["retranslate", "--record"])).await.expect_code(0).json();
    assert_eq!(first["subjects"][0]["differences"][0]["money"], "corrected", "{first}");
    let second = run(command(&["retranslate", "--record"])).await.expect_code(0).json();
    assert_eq!((&second["subjects"], second["ok"].as_bool()), (&json!([]), Some(true)), "{second}");
    run(command(&["verify"])).await.expect_code(0);
}

/// Everything a provider's stage does, told by pushes and reads, in two steps and in one, with refunds: whatever the door
/// has learnt since does not change what was said then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_story_of_each_provider_reads_today_as_it_was_recorded() {
    for stage in providers::stages() {
        let played = Played::of(stage.provider(), Stores::Files, 5, &json!({ "seed": 5, "rates": {} })).await;
        let rooms = played.house().await;
        let facts = providers::find(stage.provider()).unwrap().facts();
        if facts.capabilities.contains(&Capability::Balance) {
            played.opened(&rooms).await;
        }
        for n in 0..30 {
            if let StageOrder::Refund(refund) = played.stage.order(5, n) {
                played.pass_by(&rooms, Duration::from_secs(120)).await;
                let id = ensimbi_events::ids::intent_id(rooms.book, "collections", &format!("order-{}", refund.of));
                let row = rooms.views().await.payment(rooms.book, id).await.unwrap().value;
                if !row.and_then(|row| row.refundable()).is_some_and(Amount::is_positive) {
                    continue;
                }
            }
            // What the ledger or the connection refuses is no part of this story.
            drop(played.order(&rooms, 5, n).await);
        }
        played.pass_by(&rooms, Duration::from_secs(120)).await;
        assert!(compared(&rooms).await > 20, "{}", stage.provider());
        rooms.close().await;
    }
}

/// Every claim of then is said again today, to the last field; says how many. Which attempt it is moves on with its order.
async fn compared(rooms: &Rooms) -> usize {
    let (mut after, mut same) = (None, 0);
    loop {
        let page = rooms.door.reread(None, after).await.unwrap();
        let Some(last) = page.last() else { return same };
        after = Some(last.proof.observation);
        for seen in &page {
            let said = match &seen.today {
                Today::Read { said, .. } => said.as_slice(),
                Today::Unreadable(_) if seen.told.is_empty() => &[],
                other => panic!("{} {other:?}", seen.kind),
            };
            for told in &seen.told {
                let of = |one: &&SaidToday| {
                    let here = Some(one.object_kind) == told.fact.object_kind.as_deref();
                    here && one.object_id == told.fact.object_id && one.occurrence == told.fact.occurrence
                };
                let plain = |fact: &Fact| {
                    let mut fact = json!(fact);
                    fact.as_object_mut().unwrap().remove("attempt");
                    fact
                };
                let again = said.iter().filter(of).any(|one| {
                    // What the door would not tell any more (an orphan, a repeated end) is no change of reading.
                    one.fact.as_ref().is_none_or(|fact| plain(fact) == plain(&told.fact))
                });
                assert!(
                    again,
                    "{}: {} is not said again: {said:#?}\n{:#?}",
                    seen.kind,
                    told.fact.body.word(),
                    told.fact
                );
                same += 1;
            }
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_gone_is_said_and_not_compared() {
    let folder = paid().await;
    folder.write("data/ensimbi.toml", "");
    let shown = again(&folder, &["--json"]).await.expect_code(0).json();
    assert_eq!((&shown["observations"], &shown["not_read"]["not_configured"]), (&json!(0), &json!(1)), "{shown}");
}
