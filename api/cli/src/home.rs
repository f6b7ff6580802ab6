//! The data folder: databases, configuration, master key, and the lock that keeps a second process out.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ensimbi_bus::{Bus, LocalBus, LocalOptions, NatsBus, NatsOptions};
use ensimbi_connectors::door::{Door, DoorOptions, StoreAddress, Tuning};
use ensimbi_connectors::providers;
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_events::word::Mode;
use ensimbi_events::{BookId, Entropy};
use ensimbi_ledger::store::{PostgresStore, SqliteStore, Store};
use ensimbi_projections::ViewStore;
use ensimbi_vault::{MASTER_KEY_BYTES, MasterKey, SystemEntropy, Vault};

use crate::args::HomeArgs;
use crate::clock::SystemClock;
use crate::exit::Failure;

/// Where everything is.
pub struct Home {
    /// The data folder.
    pub folder: PathBuf,
    /// What the command line said.
    pub args: HomeArgs,
    /// Held as long as the process may write.
    _lock: Option<File>,
}

impl Home {
    /// For a command that writes: makes the folder and takes its lock.
    pub fn to_write(args: &HomeArgs, default: &str) -> Result<Self, Failure> {
        let folder = folder(args, default);
        std::fs::create_dir_all(&folder)
            .map_err(|error| Failure::not_to_be_had(format!("the data folder {}: {error}", folder.display())))?;
        let path = folder.join("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::not_to_be_had(format!(
                    "another Ensimbi process works on {}; stop it, or name another folder with --data",
                    folder.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        Ok(Self { folder, args: args.clone(), _lock: Some(file) })
    }

    /// For a command that only reads: runs beside a writer.
    pub fn to_read(args: &HomeArgs, default: &str) -> Self {
        Self { folder: folder(args, default), args: args.clone(), _lock: None }
    }

    /// Whether there is no other service: SQLite files in the folder.
    pub const fn is_embedded(&self) -> bool {
        self.args.database_url.is_none()
    }

    /// The configuration file, named or in the folder.
    pub fn config_file(&self) -> PathBuf {
        self.args.config.clone().unwrap_or_else(|| self.folder.join("ensimbi.toml"))
    }

    /// The vault under the master key. `make`: a key may be made where none is.
    pub fn vault(&self, make: bool) -> Result<Arc<Vault>, Failure> {
        let own = self.folder.join("master.key");
        let key = match &self.args.master_key_file {
            Some(file) => {
                let read = MasterKey::read_file(file).map_err(Failure::wrong)?;
                if let Some(warning) = read.warning {
                    tracing::warn!("{warning}");
                }
                read.key
            }
            None if own.exists() => MasterKey::read_own_file(&own).map_err(Failure::wrong)?,
            None if make => MasterKey::create_file(&own, &SystemEntropy).map_err(Failure::wrong)?,
            None => {
                return Err(Failure::wrong(
                    "no master key: name its file with --master-key-file or ENSIMBI_MASTER_KEY_FILE (64 hex digits, \
                     for example from `openssl rand -hex 32`)",
                ));
            }
        };
        Ok(Arc::new(Vault::new(key)))
    }

    /// The bus: NATS where a URL is given, else the in-process twin.
    pub async fn bus(&self) -> Result<(Arc<dyn Bus>, Option<LocalBus>), Failure> {
        if let Some(url) = &self.args.nats_url {
            let mut options = NatsOptions::new(url.clone());
            options.prefix.clone_from(&self.args.nats_prefix);
            let bus = NatsBus::connect(options).await.map_err(Failure::wrong)?;
            return Ok((Arc::new(bus), None));
        }
        let options = LocalOptions { prefix: self.args.nats_prefix.clone(), ..LocalOptions::default() };
        let bus = LocalBus::new(options).map_err(Failure::wrong)?;
        Ok((Arc::new(bus.clone()), Some(bus)))
    }

    /// The book's store, made if absent.
    pub async fn book_store(&self) -> Result<Arc<dyn Store>, Failure> {
        match &self.args.database_url {
            Some(url) => Ok(Arc::new(PostgresStore::open(url).await?)),
            None => Ok(Arc::new(SqliteStore::open(&self.folder.join("book.db")).await?)),
        }
    }

    /// The book's store for reading only; absent where the folder has no book.
    pub async fn existing_book_store(&self) -> Result<Option<Arc<dyn Store>>, Failure> {
        match &self.args.database_url {
            Some(url) => Ok(Some(Arc::new(PostgresStore::open(url).await?))),
            None => {
                let file = self.folder.join("book.db");
                if !file.exists() {
                    return Ok(None);
                }
                Ok(Some(Arc::new(SqliteStore::open_existing(&file).await?)))
            }
        }
    }

    /// A book that is there, for reading: the one named, or the only one.
    pub async fn existing_book(&self) -> Result<(Arc<dyn Store>, BookId), Failure> {
        let store = self.existing_book_store().await?;
        let store = store.ok_or_else(|| Failure::wrong(format!("there is no book in {}", self.folder.display())))?;
        let books = store.books().await?;
        let list = || books.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let book = match (self.args.book, books.as_slice()) {
            (Some(book), books) if books.contains(&book) => book,
            (None, [only]) => *only,
            (_, []) => return Err(Failure::wrong("there is no book yet; `ensimbi serve` makes the first")),
            (Some(_), _) => {
                return Err(Failure::wrong(format!("--book: there is none of this id; there is {}", list())));
            }
            (None, _) => {
                return Err(Failure::wrong(format!("there are several books; choose one with --book: {}", list())));
            }
        };
        Ok((store, book))
    }

    /// Where the door keeps its rows.
    pub fn door_store(&self) -> StoreAddress {
        match &self.args.database_url {
            Some(url) => StoreAddress::Postgres(url.clone().into()),
            None => StoreAddress::Sqlite(self.folder.join("door.db")),
        }
    }

    /// The views' store.
    pub async fn view_store(&self) -> Result<ViewStore, Failure> {
        let store = match &self.args.database_url {
            Some(url) => ViewStore::open_postgres(url).await,
            None => ViewStore::open_sqlite(&self.folder.join("views.db")).await,
        };
        Ok(store?)
    }

    /// The views' store, where somebody has made it.
    pub async fn existing_view_store(&self) -> Result<ViewStore, Failure> {
        if self.is_embedded() && !self.folder.join("views.db").exists() {
            let place = self.folder.display();
            return Err(Failure::wrong(format!("there are no views in {place} yet; `ensimbi serve` makes them")));
        }
        self.view_store().await
    }

    /// The door's rows beside the process that works on them. Nothing sealed is opened, so no master key is needed.
    pub async fn door_to_read(&self, book: BookId) -> Result<Arc<Door>, Failure> {
        let mut nothing = [0; MASTER_KEY_BYTES];
        SystemEntropy.fill(&mut nothing);
        let vault = Arc::new(Vault::new(MasterKey::from_bytes(nothing)));
        self.door_with(book, vault, Mode::Test, Vec::new(), false).await
    }

    /// The same with what the configuration says, for questions that need it.
    pub async fn door_with(
        &self,
        book: BookId,
        vault: Arc<Vault>,
        mode: Mode,
        connections: Vec<ConnectionSettings>,
        allow_live_format0: bool,
    ) -> Result<Arc<Door>, Failure> {
        let bus = LocalBus::new(LocalOptions::default()).map_err(Failure::wrong)?;
        let options = DoorOptions {
            store: self.door_store(),
            book,
            mode,
            connections,
            registry: providers::all(),
            vault,
            bus: Arc::new(bus),
            clock: Arc::new(SystemClock),
            real_clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            allow_live_format0,
            alone: false,
            tuning: Tuning::default(),
        };
        Ok(Door::open_to_read(options).await?)
    }

    /// The folder of the simulators' own files.
    pub fn simulators(&self) -> Result<PathBuf, Failure> {
        let folder = self.folder.join("simulators");
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

fn folder(args: &HomeArgs, default: &str) -> PathBuf {
    args.data.clone().unwrap_or_else(|| Path::new(default).to_path_buf())
}
