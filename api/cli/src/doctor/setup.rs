//! What can be wrong before anything is opened: folder, configuration, lock, master key.

use std::fs::{OpenOptions, TryLockError};
use std::sync::Arc;

use ensimbi_connectors::door::check_connections;
use ensimbi_connectors::providers;
use ensimbi_events::Clock;
use ensimbi_vault::{MasterKey, Vault};

use super::Report;
use crate::args::DoctorArgs;
use crate::clock::SystemClock;
use crate::exit::Code;
use crate::home::Home;
use crate::settings::Settings;

/// Looks at folder, configuration and lock; gives what the file says, if it can be read.
pub(super) fn look(home: &Home, args: &DoctorArgs, report: &mut Report) -> Option<Settings> {
    let folder = home.folder.display().to_string();
    if home.folder.is_dir() {
        report.ok("data folder", folder);
    } else if home.is_embedded() {
        report.warn("data folder", format!("{folder} is not there"), "`ensimbi init` makes it, with a configuration");
    }
    let settings = configuration(home, args, report);
    lock(home, report);
    settings
}

fn configuration(home: &Home, args: &DoctorArgs, report: &mut Report) -> Option<Settings> {
    const NAME: &str = "configuration";
    let file = home.config_file();
    let shown = file.display();
    let settings = match Settings::read(&file, args.home.config.is_some()) {
        Ok(settings) => settings,
        Err(failure) => {
            report.failed(NAME, &failure, "correct the file; `ensimbi init` in another folder shows every setting");
            return None;
        }
    };
    let book = &settings.book;
    let count = settings.connections.len();
    if file.exists() {
        let detail = format!("{shown}: tenant {}, {} book, {count} connection(s)", book.tenant, book.mode.as_str());
        report.ok(NAME, detail);
    } else {
        report.warn(NAME, format!("{shown} is not there; defaults count"), "`ensimbi init` writes one");
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let check =
        |connections| check_connections(connections, book.mode, providers::all(), &clock, args.allow_live_format_0);
    let mut fine = true;
    for connection in &settings.connections {
        let name = format!("connection {}", connection.slug);
        match check(std::slice::from_ref(connection)) {
            Ok(()) => report.ok(name, format!("{}, {} wallet(s)", connection.provider, connection.wallets.len())),
            Err(error) => {
                fine = false;
                report.bad(name, Code::Wrong, error.to_string(), "correct this key of the configuration");
            }
        }
    }
    if let (true, Err(error)) = (fine, check(&settings.connections)) {
        fine = false;
        report.bad("connections", Code::Wrong, error.to_string(), "give each connection its own");
    }
    fine.then_some(settings)
}

/// Whether a process works on the folder now. The lock is looked at, and not kept.
fn lock(home: &Home, report: &mut Report) {
    const NAME: &str = "lock";
    let Ok(file) = OpenOptions::new().read(true).open(home.folder.join("lock")) else {
        report.ok(NAME, "no process has worked here yet");
        return;
    };
    match file.try_lock_shared() {
        Ok(()) => report.ok(NAME, "free: no process works here now"),
        Err(TryLockError::WouldBlock) => {
            report.ok(NAME, "held: a process works here; commands that write must wait for its end");
        }
        Err(TryLockError::Error(error)) => {
            let advice = "use a file system with locks; two processes on one folder would spoil it";
            report.bad(NAME, Code::NotToBeHad, format!("it cannot be asked for: {error}"), advice);
        }
    }
}

/// The master key, if there is a good one.
pub(super) fn master_key(home: &Home, report: &mut Report) -> Option<Arc<Vault>> {
    const NAME: &str = "master key";
    let own = home.folder.join("master.key");
    let key = match &home.args.master_key_file {
        Some(file) => MasterKey::read_file(file).map(|read| (read.key, read.warning, file.clone())),
        None if own.exists() => MasterKey::read_own_file(&own).map(|key| (key, None, own)),
        None if home.is_embedded() && !home.folder.join("door.db").exists() => {
            report.warn(
                NAME,
                "there is none yet",
                "`ensimbi init` or the first start makes one; keep a copy elsewhere",
            );
            return None;
        }
        None => {
            let advice = "bring back the key's copy, or name its file with --master-key-file; without it nothing that \
                was sealed can be read";
            report.bad(NAME, Code::Wrong, format!("{} is not there", own.display()), advice);
            return None;
        }
    };
    match key {
        Ok((key, None, file)) => {
            report.ok(NAME, file.display().to_string());
            Some(Arc::new(Vault::new(key)))
        }
        Ok((key, Some(warning), _)) => {
            report.warn(NAME, warning, "chmod 600, unless a group must read it");
            Some(Arc::new(Vault::new(key)))
        }
        Err(error) => {
            report.bad(NAME, Code::Wrong, error.to_string(), "give the file mode 600 and the key that made the data");
            None
        }
    }
}
