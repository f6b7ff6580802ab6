//! What NATS does to us, on an old server and a current one.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::{Duration, Instant};

use async_nats::jetstream::stream::{Config, RetentionPolicy};
use common::{admin, clean, collect, nats, nats_at, next_one, note, notes, prefix, publish_all, silent, subject, url};
use ensimbi_bus::{Bus, BusError};
use ensimbi_events::bus::Stream;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

async fn a_stream_deleted_under_a_live_subscription_is_made_again(variable: &str) {
    let bus = nats(variable).await;
    let subject = subject(&bus, "claims", "book.none");
    let mut reader = bus.subscribe(Stream::Claims, "ledger", &subject).await.unwrap();
    publish_all(&bus, notes(&subject, 0..10)).await;
    collect(&mut *reader, 10).await;
    let admin = admin(variable).await;
    for round in 1..4 {
        admin.delete_stream(Stream::Claims.name(bus.prefix())).await.unwrap();
        let from = round * 10;
        let (seen, ()) = tokio::join!(collect(&mut *reader, 10), publish_all(&bus, notes(&subject, from..from + 10)));
        assert!(seen.contains_key(&format!("note-{from}:1")), "{seen:?}");
    }
    assert!(bus.health().await.ok);
    clean(variable, bus.prefix()).await;
}

async fn a_deleted_consumer_is_made_again(variable: &str) {
    let bus = nats(variable).await;
    let subject = subject(&bus, "log", "book");
    let mut reader = bus.subscribe(Stream::Log, "views", &subject).await.unwrap();
    let admin = admin(variable).await;
    admin.delete_consumer_from_stream("views", Stream::Log.name(bus.prefix())).await.unwrap();
    publish_all(&bus, notes(&subject, 0..5)).await;
    assert_eq!(collect(&mut *reader, 5).await.len(), 5);
    clean(variable, bus.prefix()).await;
}

async fn a_purge_is_a_delay_only(variable: &str) {
    let bus = nats(variable).await;
    let subject = subject(&bus, "claims", "book.none");
    publish_all(&bus, notes(&subject, 0..20)).await;
    let stream = admin(variable).await.get_stream(Stream::Claims.name(bus.prefix())).await.unwrap();
    stream.purge().await.unwrap();
    let mut reader = bus.subscribe(Stream::Claims, "ledger", &subject).await.unwrap();
    silent(&mut *reader, Duration::from_millis(500)).await;
    // The sweeper sends them again as a new attempt; the old ids would be taken for repeats.
    let again = notes(&subject, 0..20).into_iter().map(|mut n| {
        n.message_id = n.message_id.replace(":1", ":2");
        n
    });
    publish_all(&bus, again.collect()).await;
    assert_eq!(collect(&mut *reader, 20).await.len(), 20);
    clean(variable, bus.prefix()).await;
}

async fn a_foreign_stream_is_refused_and_left_alone(variable: &str) {
    let prefix = prefix();
    let admin = admin(variable).await;
    let name = Stream::Log.name(&prefix);
    let config = Config {
        name: name.clone(),
        subjects: vec![Stream::Log.subjects(&prefix)],
        retention: RetentionPolicy::WorkQueue,
        max_messages: 77,
        ..Config::default()
    };
    let before = admin.create_stream(config).await.unwrap().cached_info().config.clone();
    let bus = nats_at(&url(variable), prefix.clone()).await;
    let subject = subject(&bus, "log", "book");
    let told = bus.subscribe(Stream::Log, "views", &subject).await.err().unwrap();
    assert!(matches!(&told, BusError::Foreign(why) if why.contains("retention") && why.contains(&name)), "{told}");
    assert!(matches!(bus.publish(vec![note(&subject, 1)]).await[0], Err(BusError::Foreign(_))));
    let health = bus.health().await;
    assert!(!health.ok && health.detail.contains("left as it is"), "{health:?}");
    let mut found = admin.get_stream(&name).await.unwrap();
    assert_eq!(found.info().await.unwrap().config, before);
    assert_eq!(found.info().await.unwrap().state.messages, 0);
    // Once the operator has removed it, no restart is needed.
    admin.delete_stream(&name).await.unwrap();
    assert!(bus.subscribe(Stream::Log, "views", &subject).await.is_ok());
    publish_all(&bus, vec![note(&subject, 1)]).await;
    clean(variable, bus.prefix()).await;
}

async fn a_stranger_on_our_subjects_is_refused(variable: &str) {
    let prefix = prefix();
    let admin = admin(variable).await;
    let name = format!("{prefix}_OTHER");
    let subjects = vec![format!("{}.>", prefix.to_lowercase())];
    admin.create_stream(Config { name: name.clone(), subjects, ..Config::default() }).await.unwrap();
    let bus = nats_at(&url(variable), prefix).await;
    let told = bus.subscribe(Stream::Log, "views", &subject(&bus, "log", "book")).await.err().unwrap();
    assert!(matches!(&told, BusError::Foreign(why) if why.contains("already takes")), "{told}");
    admin.delete_stream(&name).await.unwrap();
    clean(variable, bus.prefix()).await;
}

async fn a_foreign_consumer_is_not_overwritten(variable: &str) {
    let bus = nats(variable).await;
    let subject = subject(&bus, "log", "book");
    publish_all(&bus, vec![note(&subject, 1)]).await;
    let admin = admin(variable).await;
    let config = async_nats::jetstream::consumer::pull::Config {
        durable_name: Some("views".to_owned()),
        max_ack_pending: 3,
        filter_subject: subject.clone(),
        ..Default::default()
    };
    admin.create_consumer_on_stream(config, Stream::Log.name(bus.prefix())).await.unwrap();
    let told = bus.subscribe(Stream::Log, "views", &subject).await.err().unwrap();
    assert!(matches!(&told, BusError::Foreign(why) if why.contains("max_ack_pending")), "{told}");
    let stream = admin.get_stream(Stream::Log.name(bus.prefix())).await.unwrap();
    assert_eq!(stream.consumer_info("views").await.unwrap().config.max_ack_pending, 3);
    clean(variable, bus.prefix()).await;
}

/// Passes bytes to a server, and can stop doing so.
struct Proxy {
    address: String,
    running: JoinHandle<()>,
}

impl Proxy {
    async fn start(listen: &str, variable: &str) -> Self {
        let listener = TcpListener::bind(listen).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let url = url(variable);
        let target = url.rsplit(['/', '@']).next().unwrap().to_owned();
        let running = tokio::spawn(async move {
            let mut links = tokio::task::JoinSet::new();
            while let Ok((mut ours, _)) = listener.accept().await {
                let target = target.clone();
                links.spawn(async move {
                    if let Ok(mut theirs) = TcpStream::connect(target).await {
                        drop(tokio::io::copy_bidirectional(&mut ours, &mut theirs).await);
                    }
                });
            }
        });
        Self { address, running }
    }

    async fn stop(self) -> String {
        self.running.abort();
        drop(self.running.await);
        self.address
    }
}

async fn no_server_at_start_degrades_and_recovers_by_itself(variable: &str) {
    let address = Proxy::start("127.0.0.1:0", variable).await.stop().await;
    let bus = nats_at(&format!("nats://{address}"), prefix()).await;
    let subject = subject(&bus, "claims", "book.none");
    let start = Instant::now();
    assert!(matches!(bus.publish(vec![note(&subject, 1)]).await[0], Err(BusError::Unavailable(_))));
    let health = bus.health().await;
    assert!(!health.ok && health.detail.contains("not connected"), "{health:?}");
    assert!(start.elapsed() < Duration::from_secs(1));
    let waiting = async { bus.subscribe(Stream::Claims, "ledger", &subject).await.unwrap() };
    let (mut reader, _proxy) = tokio::join!(waiting, async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        Proxy::start(&address, variable).await
    });
    publish_all(&bus, notes(&subject, 0..10)).await;
    assert_eq!(collect(&mut *reader, 10).await.len(), 10);
    clean(variable, bus.prefix()).await;
}

async fn a_cut_connection_is_a_delay_only(variable: &str) {
    let proxy = Proxy::start("127.0.0.1:0", variable).await;
    let bus = nats_at(&format!("nats://{}", proxy.address), prefix()).await;
    let subject = subject(&bus, "claims", "book.none");
    let mut reader = bus.subscribe(Stream::Claims, "ledger", &subject).await.unwrap();
    publish_all(&bus, notes(&subject, 0..5)).await;
    next_one(&mut *reader).await.ack().await;
    let address = proxy.stop().await;
    let (_proxy, (), seen) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            Proxy::start(&address, variable).await
        },
        publish_all(&bus, notes(&subject, 5..10)),
        collect(&mut *reader, 9),
    );
    assert!(seen.contains_key("note-9:1"), "{seen:?}");
    clean(variable, bus.prefix()).await;
}

async fn health_names_the_version_and_warns_about_old_ones(variable: &str) {
    let bus = nats(variable).await;
    publish_all(&bus, vec![note(&subject(&bus, "log", "book"), 1)]).await;
    let health = bus.health().await;
    assert!(health.ok, "{health:?}");
    let old = health.version.unwrap().starts_with("2.9.");
    assert_eq!(old, health.warnings.iter().any(|w| w.contains("before it has synced")), "{:?}", health.warnings);
    clean(variable, bus.prefix()).await;
}

macro_rules! both {
    ($($test:ident),* $(,)?) => {
        mod nats_old {
            $(#[tokio::test] async fn $test() { super::$test("ENSIMBI_TEST_NATS_URL").await; })*
        }
        mod nats_current {
            $(#[tokio::test] async fn $test() { super::$test("ENSIMBI_TEST_NATS_URL_CURRENT").await; })*
        }
    };
}

both! {
    a_stream_deleted_under_a_live_subscription_is_made_again,
    a_deleted_consumer_is_made_again,
    a_purge_is_a_delay_only,
    a_foreign_stream_is_refused_and_left_alone,
    a_stranger_on_our_subjects_is_refused,
    a_foreign_consumer_is_not_overwritten,
    no_server_at_start_degrades_and_recovers_by_itself,
    a_cut_connection_is_a_delay_only,
    health_names_the_version_and_warns_about_old_ones,
}
