//! The master key: 32 bytes from a file or from an environment variable's text.
//!
//! Order of reading a file: bounded read, permissions, then the form. Accepted forms are 32 raw bytes, 64 hex digits and
//! base64 (standard or URL alphabet, padded or not); white space around text is dropped. Text of 32 characters is
//! refused rather than taken as raw bytes: it is a password or half a key, and either would be a weak master.
//!
//! Order of making a file: write `<name>.new` (mode 0600), fsync, link it to its name, drop the other name, fsync the
//! folder. Linking never overwrites, and a crash at any step leaves either no key or a whole one.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ensimbi_events::ports::Entropy;
use secrecy::zeroize::{Zeroize, Zeroizing};
use secrecy::{ExposeSecret, SecretBox};

/// Length of a master key.
pub const MASTER_KEY_BYTES: usize = 32;

/// No accepted form is near this long; more is another file.
const FILE_BYTES_MAX: u64 = 4096;

const EXPECTED: &str = "expected 64 hex digits, base64 of 32 bytes, or 32 raw bytes";

/// The key all others are derived from. Never shown, wiped from memory when dropped.
pub struct MasterKey(SecretBox<[u8; MASTER_KEY_BYTES]>);

/// A key read from an operator's file, and what should be said about that file.
#[derive(Debug)]
pub struct ReadKey {
    /// The key.
    pub key: MasterKey,
    /// A sentence for the log at warn level, where the file is open to others.
    pub warning: Option<String>,
}

/// Why there is no master key. Names the place and what was expected, never what was found.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no such file.
    #[error("master key file {} does not exist; {EXPECTED}", .0.display())]
    Missing(PathBuf),
    /// The file or its folder could not be read or written.
    #[error("master key file {}: {why}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// A file to be made is there already; it is left alone.
    #[error("master key file {} exists already and is left as it is", .0.display())]
    Exists(PathBuf),
    /// Group or others may read a file that only its owner should.
    #[error("master key file {} may be used by others than its owner (mode {mode:o}); expected mode 600", path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The content is no key.
    #[error("{place}: {why}; {EXPECTED}")]
    Form {
        /// The file or variable.
        place: String,
        /// What is wrong, without the content.
        why: &'static str,
    },
}

impl MasterKey {
    /// From bytes already in hand (tests, the demo, a key service).
    pub fn from_bytes(mut bytes: [u8; MASTER_KEY_BYTES]) -> Self {
        let mut held = Box::new([0; MASTER_KEY_BYTES]);
        held.copy_from_slice(&bytes);
        bytes.zeroize();
        Self(SecretBox::new(held))
    }

    /// From the text of an environment variable, which is named in errors.
    ///
    /// # Errors
    /// [`KeyError::Form`] if it is neither 64 hex digits nor base64 of 32 bytes.
    pub fn from_text(variable: &str, text: &str) -> Result<Self, KeyError> {
        parse(text.as_bytes()).map(Self::from_bytes).map_err(|why| KeyError::Form { place: variable.to_owned(), why })
    }

    /// From a file that an operator made and mounted; open permissions come back as a warning, since mounted secrets
    /// are often readable by a group on purpose.
    ///
    /// # Errors
    /// [`KeyError`] if the file is missing, unreadable or holds no key.
    pub fn read_file(path: &Path) -> Result<ReadKey, KeyError> {
        let (key, mode) = read(path)?;
        let warning = (mode & 0o077 != 0).then(|| KeyError::OpenToOthers { path: path.to_owned(), mode }.to_string());
        Ok(ReadKey { key, warning })
    }

    /// From a file that [`MasterKey::create_file`] made: it was 0600, so anything wider was done to it since.
    ///
    /// # Errors
    /// As [`MasterKey::read_file`], and [`KeyError::OpenToOthers`] if group or others have any permission.
    pub fn read_own_file(path: &Path) -> Result<Self, KeyError> {
        let (key, mode) = read(path)?;
        if mode & 0o077 != 0 {
            return Err(KeyError::OpenToOthers { path: path.to_owned(), mode });
        }
        Ok(key)
    }

    /// Draws a new key and stores it as hex, mode 0600, synced to disk. Never overwrites.
    ///
    /// # Errors
    /// [`KeyError::Exists`] if the file is there; [`KeyError::Io`] if it cannot be written.
    pub fn create_file(path: &Path, entropy: &dyn Entropy) -> Result<Self, KeyError> {
        let failed = |why: io::Error| match why.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists(path.to_owned()),
            _ => KeyError::Io { path: path.to_owned(), why },
        };
        if path.try_exists().map_err(failed)? {
            return Err(KeyError::Exists(path.to_owned()));
        }
        let mut bytes = Zeroizing::new([0; MASTER_KEY_BYTES]);
        entropy.fill(bytes.as_mut());
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let fresh = PathBuf::from(name);
        // Left by a crash before the link: it was never anybody's key.
        match fs::remove_file(&fresh) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(failed(why)),
            _ => {}
        }
        let stored = write_synced(&fresh, &bytes).and_then(|()| fs::hard_link(&fresh, path));
        // Whatever happened, the second name must not stay beside the first.
        let removed = fs::remove_file(&fresh);
        stored.and(removed).and_then(|()| sync_folder(path)).map_err(failed)?;
        Ok(Self::from_bytes(*bytes))
    }

    pub(crate) fn expose(&self) -> &[u8; MASTER_KEY_BYTES] {
        self.0.expose_secret()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(hidden)")
    }
}

fn read(path: &Path) -> Result<(MasterKey, u32), KeyError> {
    let failed = |why: io::Error| match why.kind() {
        io::ErrorKind::NotFound => KeyError::Missing(path.to_owned()),
        _ => KeyError::Io { path: path.to_owned(), why },
    };
    let file = File::open(path).map_err(failed)?;
    // Of the opened file, not of the name: the name could be exchanged in between.
    let mode = mode_of(&file).map_err(failed)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(256));
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    let key =
        parse(&bytes).map_err(|why| KeyError::Form { place: format!("master key file {}", path.display()), why })?;
    Ok((MasterKey::from_bytes(key), mode))
}

#[cfg(unix)]
fn mode_of(file: &File) -> io::Result<u32> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode_of(file: &File) -> io::Result<u32> {
    file.metadata().map(|_| 0o600)
}

fn write_synced(path: &Path, key: &[u8; MASTER_KEY_BYTES]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let mut text = Zeroizing::new(hex::encode(key));
    text.push('\n');
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn parse(bytes: &[u8]) -> Result<[u8; MASTER_KEY_BYTES], &'static str> {
    if let Ok(raw) = <[u8; MASTER_KEY_BYTES]>::try_from(bytes)
        && !raw.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace())
    {
        return strong(raw);
    }
    let text = bytes.trim_ascii();
    if text.is_empty() {
        return Err("it is empty");
    }
    let mut key = [0; MASTER_KEY_BYTES];
    if text.len() == 2 * MASTER_KEY_BYTES {
        hex::decode_to_slice(text, &mut key).map_err(|_| "it holds 64 characters that are not all hex digits")?;
        return strong(key);
    }
    // 32 bytes are 43 characters of base64, and one of padding.
    if !(43..=44).contains(&text.len()) {
        return Err("its length fits no form of a key");
    }
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    for alphabet in [&alphabet::STANDARD, &alphabet::URL_SAFE] {
        if let Ok(decoded) = GeneralPurpose::new(alphabet, lenient).decode(text).map(Zeroizing::new)
            && let Ok(key) = <[u8; MASTER_KEY_BYTES]>::try_from(decoded.as_slice())
        {
            return strong(key);
        }
    }
    Err("it is neither hex nor base64")
}

/// A key of one byte repeated is a placeholder that somebody forgot to replace.
fn strong(key: [u8; MASTER_KEY_BYTES]) -> Result<[u8; MASTER_KEY_BYTES], &'static str> {
    if key.iter().all(|b| *b == key[0]) {
        return Err("it is one byte repeated, so nobody drew it at random");
    }
    Ok(key)
}
