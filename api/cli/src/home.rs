//! The data folder: databases, configuration, master key, and the lock that keeps a second process out.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ensimbi_bus::{Bus, LocalBus, LocalOptions, NatsBus, NatsOptions};
use ensimbi_connectors::door::StoreAddress;
use ensimbi_ledger::store::{PostgresStore, SqliteStore, Store};
use ensimbi_projections::ViewStore;
use ensimbi_vault::{MasterKey, SystemEntropy, Vault};

use crate::args::HomeArgs;
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
