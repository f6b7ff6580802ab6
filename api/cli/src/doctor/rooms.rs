//! What the running parts say: bus, book, clock, views, the door's alarms.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ensimbi_events::commands::Commands;
use ensimbi_events::ports::BookReader;
use ensimbi_events::{BookId, Clock, Time};
use ensimbi_ledger::store::Store;
use ensimbi_projections::Projector;
use ensimbi_vault::Vault;

use super::Report;
use crate::args::DoctorArgs;
use crate::clock::SystemClock;
use crate::exit::{Code, Failure};
use crate::home::Home;
use crate::settings::Settings;

/// Looks at a bus that is connecting, and the time between them.
const LOOKS: u32 = 50;
const BETWEEN: Duration = Duration::from_millis(200);
/// Alarms that are shown one by one.
const ALARMS_SHOWN: usize = 10;
/// What a clock that was set can say, as microseconds since 1970 UTC: 2024 to 2099.
const SANE: std::ops::Range<i64> = 1_704_067_200_000_000..4_102_444_800_000_000;

/// The bus: reached, with its streams, and of a version that is known to work.
pub(super) async fn bus(home: &Home, report: &mut Report) {
    const NAME: &str = "bus";
    if home.args.nats_url.is_none() {
        report.ok(NAME, "inside the process");
        return;
    }
    let bus = match home.bus().await {
        Ok((bus, _)) => bus,
        Err(failure) => return report.failed(NAME, &failure, "correct --nats-url or --nats-prefix"),
    };
    let mut health = bus.health().await;
    for _ in 0..LOOKS {
        if health.ok {
            break;
        }
        tokio::time::sleep(BETWEEN).await;
        health = bus.health().await;
    }
    let version = health.version.unwrap_or_else(|| "of unknown version".to_owned());
    if health.ok {
        report.ok(NAME, format!("NATS {version}, {}", health.detail));
    } else {
        report.bad(
            NAME,
            Code::NotToBeHad,
            health.detail,
            "check that NATS runs with JetStream, its address, the login",
        );
    }
    for warning in health.warnings {
        report.warn(NAME, warning, "plan the update");
    }
    bus.close().await;
}

/// Everything that is read from the stores.
pub(super) async fn look(
    home: &Home,
    args: &DoctorArgs,
    settings: Option<&Settings>,
    vault: Option<Arc<Vault>>,
    report: &mut Report,
) {
    let store = match home.existing_book_store().await {
        Ok(Some(store)) => store,
        Ok(None) => return,
        Err(failure) => return report.failed("book", &failure, "see the lines about the database"),
    };
    for warning in store.warnings() {
        report.warn("database", warning.clone(), "set it right on the server");
    }
    let books = match books(home, store.as_ref()).await {
        Ok(books) => books,
        Err(failure) => return report.failed("book", &failure, "name a book of this store with --book"),
    };
    let mut newest = None;
    for book in books {
        match one(home, args, settings, vault.clone(), &store, book, report).await {
            Ok(recorded_at) => newest = newest.max(recorded_at),
            Err(failure) => report.failed(format!("book {book}"), &failure, "see the lines about the database"),
        }
    }
    clock(newest, report);
}

async fn books(home: &Home, store: &dyn Store) -> Result<Vec<BookId>, Failure> {
    if home.args.book.is_some() {
        return Ok(vec![home.existing_book().await?.1]);
    }
    Ok(store.books().await?)
}

fn clock(newest: Option<Time>, report: &mut Report) {
    const NAME: &str = "clock";
    let now = SystemClock.now();
    let advice = "set the machine's clock, and let it be kept by NTP";
    if !SANE.contains(&now.micros()) {
        report.bad(NAME, Code::Disagrees, format!("it says {now}"), advice);
    } else if let Some(newest) = newest.filter(|newest| *newest > now) {
        report.warn(NAME, format!("it says {now}, before the newest event, which was recorded at {newest}"), advice);
    } else {
        report.ok(NAME, format!("{now}, not before the newest event"));
    }
}

/// One book; gives when its newest event was recorded.
async fn one(
    home: &Home,
    args: &DoctorArgs,
    settings: Option<&Settings>,
    vault: Option<Arc<Vault>>,
    store: &Arc<dyn Store>,
    book: BookId,
    report: &mut Report,
) -> Result<Option<Time>, Failure> {
    let name = format!("book {book}");
    let Some(head) = store.head_row(book).await? else {
        report.warn(name, "it is not open yet", "start `ensimbi serve` with the ledger");
        return Ok(None);
    };
    report.ok(name, format!("{} event(s), root {}; `ensimbi verify` recomputes them", head.size, head.root));
    views(home, store, book, report).await;
    if let (Some(settings), Some(vault)) = (settings, vault) {
        let connections = settings.connections.clone();
        let door = home.door_with(book, vault, settings.book.mode, connections, args.allow_live_format_0).await?;
        let fits = door.master_key_fits().await?;
        if fits == Some(false) {
            let advice = "start with the key that the data was made with";
            report.bad("master key", Code::Wrong, "the data was sealed under another one", advice);
        } else {
            report.ok("master key", "it fits the data");
        }
        let asked = door.alarms(book).await;
        door.close().await;
        alarms(asked.map_err(Failure::not_to_be_had)?, report);
    }
    Ok((head.size > 0).then_some(head.recorded_at))
}

async fn views(home: &Home, store: &Arc<dyn Store>, book: BookId, report: &mut Report) {
    let asked = async {
        let views = home.existing_view_store().await?;
        let reader = Arc::clone(store) as Arc<dyn BookReader>;
        Ok::<_, Failure>(Projector::new(views, reader, ensimbi_projections::all()).progress(book).await?)
    };
    let progress = match asked.await {
        Ok(progress) => progress,
        Err(failure) => return report.failed("views", &failure, "see the lines about the database"),
    };
    for view in progress {
        let name = format!("view {}", view.projection);
        match view.stop {
            Some(stop) => {
                let detail = format!("stopped before position {}: {}", stop.position, stop.reason);
                let advice = "this needs a fixed program or a fixed book; then `ensimbi rebuild` fills it anew";
                report.bad(name, Code::Disagrees, detail, advice);
            }
            None if view.lag > 0 => {
                let detail = format!("{} event(s) behind: position {} of {}", view.lag, view.position, view.head);
                report.warn(name, detail, "it follows while `ensimbi serve` runs with the role project");
            }
            None => report.ok(name, format!("at position {}, the end of the book", view.position)),
        }
    }
}

fn alarms(alarms: Vec<ensimbi_events::commands::Alarm>, report: &mut Report) {
    if alarms.is_empty() {
        return report.ok("alarms", "none");
    }
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for alarm in &alarms {
        *kinds.entry(alarm.kind).or_default() += 1;
    }
    let counts: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    report.warn("alarms", counts.join(", "), "GET /v1/alarms lists them; `ensimbi explain` shows what is behind one");
    for alarm in alarms.iter().take(ALARMS_SHOWN) {
        let about = alarm.subject.map(|id| format!(" about {id}")).unwrap_or_default();
        report.warn(
            format!("alarm {}", alarm.kind),
            format!("since {}{about}: {}", alarm.since, alarm.detail),
            advice(alarm.kind),
        );
    }
}

fn advice(kind: &str) -> &'static str {
    match kind {
        "unsettled_too_long" => "ask the provider what became of it; its status settles it",
        "credentials_refused" => "correct the connection's credentials and start again",
        "quarantined" => "the bytes could not be read: look at the reason, and import them again with a newer program",
        "note_unanswered" => "check that a ledger runs for this book, and the bus",
        "rows_do_not_chain" => "ask the provider for the rows between, and import them",
        _ => "it passes by itself",
    }
}
