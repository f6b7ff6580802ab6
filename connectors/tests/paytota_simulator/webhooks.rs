//! Webhooks: their bytes, who signs them, in which order and how often they come.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs8::DecodePublicKey;
use rsa::sha2::{Digest, Sha256};
use rsa::{Pkcs1v15Sign, RsaPublicKey};

use super::support::*;

pub fn verifies(pem: &str, (signature, bytes, _): &(String, Vec<u8>, Value)) -> bool {
    let key = RsaPublicKey::from_public_key_pem(pem).unwrap();
    let signature = STANDARD.decode(signature).unwrap_or_default();
    key.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(bytes), &signature).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_signed_by_its_key_and_a_success_callback_by_the_companys_of_real_size() {
    let mut settings = settings();
    settings.key_bits = (2_048, 3_072);
    let sim = start(settings).await;
    let received = sim.receive(Vec::new()).await;
    let (url, called_back) = receiver(Vec::new()).await;
    let mut body = purchase("order-1", GOOD, 500);
    body["success_callback"] = url.into();
    let id = text(&sim.create("purchases", &body).await, "id");
    sim.execute(&id).await;
    sim.pass(HOUR).await;
    let (webhook, next, company) = sim.sim.public_keys();
    assert!(next.is_none() && webhook.starts_with("-----BEGIN PUBLIC KEY-----\n"));
    assert_eq!(sim.read("/api/v1/public_key/").await, json!(company));
    let (received, called_back) = (received.lock().unwrap().clone(), called_back.lock().unwrap().clone());
    assert_eq!((received.len(), called_back.len()), (4, 1));
    assert!(received.iter().all(|one| verifies(&webhook, one) && !verifies(&company, one)));
    assert!(verifies(&company, &called_back[0]));
    assert_eq!(STANDARD.decode(&called_back[0].0).unwrap().len(), 384);
    assert_eq!((&called_back[0].1, called_back[0].2["event_type"].as_str()), (&received[3].1, Some("purchase.paid")));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_are_in_the_order_of_jsonb_with_spaces_and_escapes_and_differ_from_the_answer() {
    let sim = start(settings()).await;
    let received = sim.receive(Vec::new()).await;
    let mut body = purchase("é-1", GOOD, 500);
    body["client"]["full_name"] = "Ünal \"T\"".into();
    sim.create("purchases", &body).await;
    sim.pass(HOUR).await;
    let (_, bytes, value) = received.lock().unwrap()[0].clone();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with(&format!("{{\"id\": \"{}\", \"due\": ", value["id"].as_str().unwrap())), "{text}");
    assert!(text.is_ascii() && text.contains("\"full_name\": \"\\u00dcnal \\\"T\\\"\"") && !text.ends_with('\n'));
    assert!(text.ends_with("\"payment_method_whitelist\": null}"), "{text}");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_webhook_is_tried_eight_times_on_schedule_and_holds_the_next_back() {
    let mut settings = settings();
    settings.webhook_after = Duration::ZERO;
    let sim = start(settings).await;
    let received = sim.receive(vec![500; 8]).await;
    sim.make("order-1", GOOD, 500).await;
    let mut minutes = Vec::new();
    for nth in 1..=8 {
        while received.lock().unwrap().len() < nth {
            sim.pass(Duration::from_secs(if nth == 1 { 0 } else { 60 })).await;
        }
        minutes.push(sim.clock.now().since(start_time()).as_secs() / 60);
    }
    assert_eq!(minutes, [0, 2, 8, 26, 80, 242, 728, 2_186]);
    let seen = received.lock().unwrap().clone();
    assert!(seen.iter().all(|one| one.1 == seen[0].1));
    sim.pass(3 * DAY).await;
    assert_eq!(received.lock().unwrap().len(), 8);
    assert_eq!(sim.control("books", None).await.1["counts"]["delivery given_up"], 1);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_of_one_object_keep_their_order_and_others_do_not_wait() {
    let sim = start(settings()).await;
    let received = sim.receive(vec![503, 503]).await;
    let first = sim.make("order-1", GOOD, 500).await;
    sim.execute(&first).await;
    sim.pass(Duration::from_secs(60)).await;
    // The first try was refused: everything later about the object waits, with its body as it was.
    assert_eq!(events(&received), ["purchase.created"]);
    sim.make("order-2", GOOD, 500).await;
    sim.pass(Duration::from_secs(30)).await;
    assert_eq!(received.lock().unwrap().len(), 2);
    sim.pass(Duration::from_secs(900)).await;
    let of_first =
        received.lock().unwrap().iter().filter(|one| one.2["id"] == first.as_str()).cloned().collect::<Vec<_>>();
    let statuses: Vec<_> = of_first.iter().map(|one| text(&one.2, "status")).collect();
    assert_eq!(statuses, ["created", "created", "viewed", "pending_execute", "paid"]);
    sim.switch(json!({"no_order": true})).await;
    let received = sim.receive(vec![503]).await;
    let id = sim.make("order-3", GOOD, 500).await;
    sim.execute(&id).await;
    sim.pass(Duration::from_secs(100)).await;
    assert_eq!(received.lock().unwrap().len(), 4);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_key_is_published_beside_the_old_one_and_either_signs_until_the_overlap_ends() {
    let sim = start(settings()).await;
    let received = sim.receive(Vec::new()).await;
    sim.admin(json!({"rotate_webhook_key": true})).await;
    let (old, next, _) = sim.sim.public_keys();
    let next = next.unwrap();
    for nth in 0..20 {
        sim.make(&format!("order-{nth}"), GOOD, 500).await;
    }
    sim.pass(Duration::from_secs(60)).await;
    let seen = received.lock().unwrap().clone();
    let by_old = seen.iter().filter(|one| verifies(&old, one)).count();
    let by_next = seen.iter().filter(|one| verifies(&next, one)).count();
    assert_eq!((by_old + by_next, by_old > 0, by_next > 0), (20, true, true));
    sim.pass(HOUR).await;
    assert_eq!((sim.sim.public_keys().0, sim.sim.public_keys().1), (next.clone(), None));
    received.lock().unwrap().clear();
    sim.make("order-after", GOOD, 500).await;
    sim.pass(Duration::from_secs(60)).await;
    assert!(verifies(&next, &received.lock().unwrap()[0]));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_beside_a_genuine_webhook_is_what_it_says() {
    let faults = Faults::seeded(3)
        .with(Fault::WebhookForged, 10_000)
        .with(Fault::SignatureTruncated, 10_000)
        .with(Fault::ForeignEvent, 10_000)
        .with(Fault::UnknownStatus, 10_000)
        .with(Fault::UnknownEvent, 10_000)
        .with(Fault::WebhookDoubled, 10_000);
    let mut settings = settings();
    settings.faults = faults;
    let sim = start(settings).await;
    let received = sim.receive(Vec::new()).await;
    let id = sim.make("order-1", GOOD, 500).await;
    sim.pass(HOUR / 2).await;
    let (key, _, _) = sim.sim.public_keys();
    let seen = received.lock().unwrap().clone();
    assert_eq!(seen.len(), 7);
    let bad: Vec<_> = seen.iter().filter(|one| !verifies(&key, one)).collect();
    assert_eq!(bad.len(), 2);
    assert!(bad.iter().any(|one| one.2["status"] == "paid") && bad.iter().any(|one| one.0.len() < 172));
    let good: Vec<_> = seen.iter().filter(|one| verifies(&key, one)).collect();
    assert_eq!(
        good.iter().filter(|one| one.2["event_type"] == "purchase.created" && one.2["id"] == id.as_str()).count(),
        2
    );
    assert!(good.iter().any(|one| one.2["id"] != id.as_str() && one.2["brand_id"] != BRAND));
    assert!(good.iter().any(|one| one.2["status"] == "under_review"));
    assert!(good.iter().any(|one| one.2["event_type"] == "purchase.something_new"));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_lost_late_stale_and_overtaken_where_the_seed_says_so() {
    let sim = start(settings()).await;
    let received = sim.receive(Vec::new()).await;
    sim.rates(json!({"webhook_lost": 10_000})).await;
    sim.collect("order-1", GOOD, 500).await;
    assert!(received.lock().unwrap().is_empty());
    sim.rates(json!({"webhook_lost": 0, "webhook_late": 10_000})).await;
    sim.make("order-2", GOOD, 500).await;
    sim.pass(Duration::from_secs(29 * 60)).await;
    assert!(received.lock().unwrap().is_empty());
    sim.pass(Duration::from_secs(120)).await;
    assert_eq!(events(&received), ["purchase.created"]);
    received.lock().unwrap().clear();
    sim.rates(json!({"webhook_late": 0, "webhook_stale": 10_000})).await;
    sim.collect("order-3", GOOD, 500).await;
    assert_eq!(events(&received).last().unwrap(), "purchase.paid");
    sim.pass(HOUR / 2 + HOUR / 6).await;
    let mut stale = events(&received)[4..].to_vec();
    stale.sort();
    assert_eq!(stale, ["purchase.created", "purchase.pending_execute", "purchase.viewed"]);
    received.lock().unwrap().clear();
    sim.rates(json!({"webhook_stale": 0, "webhook_reordered": 10_000})).await;
    let id = sim.make("order-4", GOOD, 500).await;
    sim.rates(json!({"webhook_reordered": 0})).await;
    sim.execute(&id).await;
    sim.pass(HOUR / 2).await;
    assert_ne!(events(&received)[0], "purchase.created");
    sim.stop().await;
}
