//! Bus or database away: readiness says so, nothing accepted is lost, and it comes back without a person.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ensimbi_tests::process::{Serving, run};
use ensimbi_tests::{fresh_database, nats_urls, unique_word};
use reqwest::StatusCode;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::stage::Play;
use crate::support::{Folder, ask, eventually, folder};

const PAYMENTS: u32 = 3;

/// A folder, a played provider, and a database that knows three of its pending collections.
async fn prepared(database: &str) -> (Folder, Play) {
    let folder = folder();
    let play = Play::open(&folder).await;
    let files = play.collect_into(&folder, PAYMENTS).await;
    let (data, key) = (folder.text("data"), folder.master_key());
    let import = ["import", "--connection", &play.connection.slug, "--kind", "collection_created", "--data", &data];
    let place = ["--database-url", database, "--master-key-file", &key];
    run(import.iter().copied().chain(place).chain(files.iter().map(String::as_str))).await.expect_code(0);
    (folder, play)
}

async fn serve(folder: &Folder, database: &str, nats: &str, prefix: &str) -> Serving {
    let (data, key) = (folder.text("data"), folder.text("key"));
    let home = ["--data", &data, "--master-key-file", &key];
    let servers = ["--database-url", database, "--nats-url", nats, "--nats-prefix", prefix];
    Serving::start(home.into_iter().chain(servers)).await
}

/// Waits until readiness gives this status; shows the checks.
async fn ready(serving: &Serving, expected: StatusCode) -> Value {
    let what = format!("readiness {expected}");
    let look = async || {
        let (status, shown) = ask(serving, None, "/readyz").await;
        (status == expected).then_some(shown)
    };
    eventually(&what, look).await
}

/// Names of the checks that fail.
fn failing(shown: &Value) -> Vec<&str> {
    let checks = shown["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == false);
    checks.map(|check| check["name"].as_str().unwrap()).collect()
}

async fn webhooks(database: &str) -> i64 {
    let mut door = PgConnection::connect(database).await.unwrap();
    sqlx::query_scalar("SELECT COUNT(*) FROM door.inbox WHERE kind = 'webhook'").fetch_one(&mut door).await.unwrap()
}

/// A nats-server of this test alone; it goes with the test.
fn nats_server(folder: &Folder, store: &str, port: u16) -> Child {
    let place = folder.text(store);
    let mut command = Command::new("nats-server");
    command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd", &place]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command.kill_on_drop(true).spawn().expect("nats-server is not on the path")
}

#[tokio::test]
async fn with_nats_killed_and_emptied_webhooks_are_taken_and_postgres_converges_by_itself() {
    let database = fresh_database("outage").await;
    let (folder, play) = prepared(&database).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut nats = nats_server(&folder, "nats-1", port);
    let serving = serve(&folder, &database, &format!("nats://127.0.0.1:{port}"), "ensimbi").await;
    let key = serving.key.clone().expect("the first start shows a key");
    play.call_back_to(&serving);
    ready(&serving, StatusCode::OK).await;

    nats.kill().await.unwrap();
    let shown = ready(&serving, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(failing(&shown), ["bus"], "{shown}");
    play.pass().await;
    assert_eq!(play.push(&serving, "{\"id\": \"unknown\"}").await, StatusCode::NO_CONTENT);
    let sent = crate::imports::count(&folder, "provider.db", "SELECT COUNT(*) FROM callback").await;
    assert!(sent >= i64::from(PAYMENTS), "{sent} callbacks");
    assert_eq!(webhooks(&database).await, sent + 1, "every webhook is in the inbox");
    let (status, _) = ask(&serving, Some(&key), "/v1/payments").await;
    assert_eq!(status, StatusCode::OK, "questions are answered meanwhile");

    // It comes back without any of its streams.
    let _nats = nats_server(&folder, "nats-2", port);
    ready(&serving, StatusCode::OK).await;
    play.all_succeed(&serving, &key, PAYMENTS as usize).await;
    assert_eq!(serving.stop().await, Some(0));
    let key = folder.text("key");
    run(["verify", "--database-url", &database, "--master-key-file", &key]).await.expect_code(0);
}

#[tokio::test]
async fn with_postgres_cut_off_webhooks_get_503_and_nats_and_books_converge_by_themselves() {
    let database = fresh_database("outage").await;
    let (folder, play) = prepared(&database).await;
    let cable = Cable::to(&database).await;
    let serving = serve(&folder, &cable.url, &nats_urls()[1], &unique_word("outage")).await;
    let key = serving.key.clone().expect("the first start shows a key");
    play.call_back_to(&serving);
    ready(&serving, StatusCode::OK).await;
    let accepted = "{\"id\": \"accepted before\"}";
    assert_eq!(play.push(&serving, accepted).await, StatusCode::NO_CONTENT);

    cable.cut(true);
    let shown = ready(&serving, StatusCode::SERVICE_UNAVAILABLE).await;
    for part in ["book", "door"] {
        assert!(failing(&shown).contains(&part), "{part} is not named: {shown}");
    }
    let (alive, _) = ask(&serving, None, "/healthz").await;
    assert_eq!(alive, StatusCode::OK, "the process itself is well");
    let asked = Instant::now();
    assert_eq!(play.push(&serving, "{\"id\": \"refused\"}").await, StatusCode::SERVICE_UNAVAILABLE);
    assert!(asked.elapsed() < Duration::from_secs(25), "503 came after {:?}", asked.elapsed());
    // The provider settles everything, calls back in vain, and gives up.
    play.pass().await;

    cable.cut(false);
    ready(&serving, StatusCode::OK).await;
    assert_eq!(play.push(&serving, "{\"id\": \"refused\"}").await, StatusCode::NO_CONTENT, "the provider's repeat");
    play.all_succeed(&serving, &key, PAYMENTS as usize).await;
    assert_eq!(webhooks(&database).await, 2, "what was accepted is there, what was refused is not");
    assert_eq!(serving.stop().await, Some(0));
    run(["verify", "--database-url", &database]).await.expect_code(0);
}

/// A cable to PostgreSQL that can be cut.
struct Cable {
    /// The database's URL through it.
    url: String,
    is_cut: Arc<watch::Sender<bool>>,
}

impl Cable {
    async fn to(database: &str) -> Self {
        let (before, rest) = database.split_once('@').unwrap();
        let (server, after) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{before}@{}/{after}", listener.local_addr().unwrap());
        let is_cut = Arc::new(watch::channel(false).0);
        let (server, cut) = (server.to_owned(), Arc::clone(&is_cut));
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (server, mut cut) = (server.clone(), cut.subscribe());
                tokio::spawn(async move {
                    if *cut.borrow_and_update() {
                        return;
                    }
                    let Ok(mut far) = TcpStream::connect(server).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        Self { url, is_cut }
    }

    fn cut(&self, cut: bool) {
        self.is_cut.send_replace(cut);
    }
}
