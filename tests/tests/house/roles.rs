//! Door, ledger, projections and API as four processes over one PostgreSQL and one NATS.

use ensimbi_tests::process::{Serving, run};
use ensimbi_tests::{fresh_database, nats_urls, unique_word};
use reqwest::StatusCode;

use crate::stage::Play;
use crate::support::{ask, eventually, folder, get};

const PAYMENTS: u32 = 2;

#[tokio::test]
async fn four_processes_over_postgres_and_nats_carry_a_payment_from_import_and_webhook_to_the_api() {
    let (database, prefix) = (fresh_database("roles").await, unique_word("roles"));
    let nats = &nats_urls()[1];
    let folder = folder();
    let play = Play::open(&folder).await;
    let (config, master_key) = (folder.text("data/ensimbi.toml"), folder.master_key());
    let common = ["--config", &config, "--master-key-file", &master_key, "--database-url", &database];
    let common = common.into_iter().chain(["--nats-url", nats, "--nats-prefix", &prefix]);
    let data = ["ledger", "door", "project", "api", "import"].map(|role| folder.text(role));
    let home = |n: usize| common.clone().chain(["--data", &data[n]]);

    let role = |n: usize, role: &'static str| Serving::start(home(n).chain(["--role", role]));
    let ledger = role(0, "ledger").await;
    let key = ledger.key.clone().expect("the first start shows a key");
    let (door, project, api) = tokio::join!(role(1, "door"), role(2, "project"), role(3, "api"));
    for process in [&door, &project, &api] {
        assert_eq!(process.book, ledger.book, "all serve the one book");
        assert_eq!(process.key, None, "the key was shown once");
        let (status, shown) = ask(process, None, "/readyz").await;
        assert_eq!(status, StatusCode::OK, "{shown}");
    }

    // Evidence brought by a person, while the four run: the ledger's process answers, and goes on.
    let files = play.collect_into(&folder, PAYMENTS).await;
    let import = ["import", "--json", "--connection", &play.connection.slug, "--kind", "collection_created"];
    let files = files.iter().map(String::as_str);
    let ran = run(import.into_iter().chain(home(4)).chain(files.clone())).await.expect_code(0);
    assert_eq!(ran.json()["files"][0]["events"][0]["fact"]["type"], "CollectionPending", "{}", ran.stdout);
    let pending = async || {
        let shown = get(&api, &key, "/v1/payments").await;
        (shown["items"].as_array().unwrap().len() == PAYMENTS as usize).then_some(shown)
    };
    let shown = eventually("the API shows the imported payments", pending).await;
    assert_eq!(shown["items"][0]["state"], "pending", "{shown}");

    // The provider calls back: the door's process alone takes it.
    let elsewhere = play.push(&api, "{}").await;
    assert_eq!(elsewhere, StatusCode::NOT_FOUND, "only the door has webhooks");
    play.call_back_to(&door);
    play.pass().await;
    play.all_succeed(&api, &key, PAYMENTS as usize).await;
    let (status, shown) = ask(&ledger, None, "/readyz").await;
    assert_eq!(status, StatusCode::OK, "the ledger still writes: {shown}");

    run(["verify", "--database-url", &database]).await.expect_code(0);
    for process in [door, project, api, ledger] {
        assert_eq!(process.stop().await, Some(0));
    }
}
