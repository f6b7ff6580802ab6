//! A flood of forged pushes over HTTP while genuine ones are served.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use ensimbi_connectors::door::SIGNING_KEYS;
use ensimbi_connectors::verify::PublicKeys;
use reqwest::{Client, StatusCode};
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use crate::paytota::{AGREES, Push, Recorder, agree, collect, play, push, webhook};
use crate::played::Played;
use crate::rooms::Stores;
use crate::support::random;

const FORGED: usize = 20_000;
const GENUINE: usize = 200;
/// Requests at the same time.
const AT_ONCE: usize = 32;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

async fn webhooks_kept(played: &Played) -> i64 {
    let options = SqliteConnectOptions::new().filename(played.folder.path("door.db")).read_only(true);
    let mut database: SqliteConnection = options.connect().await.unwrap();
    sqlx::query_scalar("SELECT COUNT(*) FROM inbox WHERE kind = 'webhook'").fetch_one(&mut database).await.unwrap()
}

fn keys(played: &Played) -> PublicKeys {
    let options = &played.connections[0].options;
    PublicKeys::from_pem(SIGNING_KEYS.iter().filter_map(|name| options.get(*name))).unwrap()
}

/// Random base64 of the right length, in the one way in which such bytes are written: about half of them are below the
/// modulus, and only RSA tells that they are none.
fn noise(like: &str) -> String {
    let mut text = like.as_bytes().to_vec();
    let digits = text.iter().position(|byte| *byte == b'=').unwrap_or(text.len());
    // The last digit has bits that must be zero where there is padding: it stays.
    for byte in &mut text[..digits - 1] {
        *byte = ALPHABET[usize::try_from(random(64)).unwrap()];
    }
    String::from_utf8(text).unwrap()
}

/// The n-th forged push.
fn forged(n: usize, genuine: &[Push], other_key: &[Push]) -> Push {
    let (signature, body) = &genuine[n % genuine.len()];
    let (other, another) = &genuine[(n + 1) % genuine.len()];
    let unseen = || Bytes::from([body.as_ref(), n.to_string().as_bytes()].concat());
    match n % 5 {
        0 | 1 => (noise(signature), unseen()),
        // Another's body, or its own with something added.
        2 if another != body => (signature.clone(), another.clone()),
        2 | 3 => (other.clone(), unseen()),
        _ => other_key[n % other_key.len()].clone(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_thousand_forged_webhooks_none_is_taken_and_every_genuine_one_is() {
    let played = play(Stores::Files, 2, &json!({})).await;
    let rooms = played.house().await;
    played.opened(&rooms).await;
    let recorder = Recorder::start(&played).await;
    let keys = keys(&played);
    let signed = |push: &Push| keys.verify(&push.1, push.0.as_bytes()).is_ok();

    let mut genuine: BTreeMap<Bytes, String> = BTreeMap::new();
    let mut other_key = Vec::new();
    let mut asked = 0;
    while genuine.len() < GENUINE || other_key.len() < 20 {
        if genuine.len() >= GENUINE {
            played.simulator.change_faults(&json!({ "rates": { "webhook_forged": 10_000 } })).unwrap();
        }
        for _ in 0..20 {
            collect(&played, &rooms, &format!("order-{asked}"), "1000", AGREES, false).await;
            asked += 1;
        }
        played.pass(&rooms).await;
        let (ours, theirs): (Vec<Push>, Vec<Push>) = recorder.taken().into_iter().partition(signed);
        genuine.extend(ours.into_iter().map(|(signature, body)| (body, signature)));
        other_key.extend(theirs);
    }
    let genuine: Vec<Push> = genuine.into_iter().take(GENUINE).map(|(body, signature)| (signature, body)).collect();
    assert_eq!(webhooks_kept(&played).await, 0, "nothing was pushed to the house yet");
    let before = rooms.books().await;

    let (url, client) = (webhook(&played, &rooms), Client::new());
    let shared = Arc::new((genuine, other_key, url, client, AtomicUsize::new(0)));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let shared = Arc::clone(&shared);
        workers.spawn(async move {
            let (genuine, other_key, url, client, next) = &*shared;
            let mut refused: BTreeMap<u16, usize> = BTreeMap::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= FORGED {
                    return refused;
                }
                let status = push(client, url, &forged(n, genuine, other_key)).await;
                *refused.entry(status.as_u16()).or_default() += 1;
            }
        });
    }
    // The genuine ones come all the while, one after another, and are sent again where there was no place.
    let (genuine, _, url, client, next) = &*shared;
    let mut during = 0;
    for told in genuine {
        let mut tries = 0;
        loop {
            let status = push(client, url, told).await;
            if status == StatusCode::NO_CONTENT {
                break;
            }
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "a genuine one");
            tries += 1;
            assert!(tries < 1_000, "never a place");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        during += usize::from(next.load(Ordering::Relaxed) < FORGED);
    }
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    while let Some(refused) = workers.join_next().await {
        for (status, count) in refused.unwrap() {
            *statuses.entry(status).or_default() += count;
        }
    }
    assert_eq!(statuses.values().sum::<usize>(), FORGED);
    assert!(statuses.keys().all(|status| matches!(status, 401 | 503)), "{statuses:?}");
    assert!(statuses[&401] > FORGED / 2, "most were looked at: {statuses:?}");
    assert!(during > 0, "genuine ones were served meanwhile");
    assert_eq!(webhooks_kept(&played).await, i64::try_from(GENUINE).unwrap(), "the genuine ones, and nothing else");
    let after = agree(&played, &rooms).await;
    assert_eq!((before.wallets, before.states, before.finals), (after.wallets, after.states, after.finals));
    rooms.close().await;
}
