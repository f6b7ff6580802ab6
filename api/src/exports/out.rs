//! Where an export's bytes go: gathered into pieces, hashed, counted, handed to the sink.

use async_trait::async_trait;
use ensimbi_events::Hash;
use sha2::{Digest, Sha256};

use super::ExportError;

/// Bytes that are gathered before the sink gets them.
const PIECE: usize = 64 * 1024;

/// Why a sink takes no more.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// Nobody takes the bytes any more.
    #[error("the reader of the export is gone")]
    Gone,
    /// They cannot be written, as when a disk is full.
    #[error("the export cannot be written: {0}")]
    Io(#[from] std::io::Error),
}

/// Takes the bytes of an export in order.
#[async_trait]
pub trait Sink: Send {
    /// Takes a piece; waits where the other end is slow.
    async fn take(&mut self, piece: Vec<u8>) -> Result<(), SinkError>;
    /// Hears how far it is: positions, or rows of a view.
    fn progress(&mut self, _done: u64, _total: u64) {}
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Every event up to here is in it, none after.
    pub position: u64,
    /// Rows, transactions or leaves.
    pub rows: u64,
    /// Of all bytes before the trailer; of all bytes where there is none.
    pub sha256: Hash,
}

/// An export under way.
pub(super) struct Out<'s> {
    sink: &'s mut dyn Sink,
    hasher: Sha256,
    /// What is not handed over yet; rows are appended here.
    pub buffer: Vec<u8>,
    /// The position that the whole export is true for.
    pub position: u64,
    /// Rows so far.
    pub rows: u64,
    ended: Option<Hash>,
}

impl<'s> Out<'s> {
    pub fn new(sink: &'s mut dyn Sink, position: u64) -> Self {
        Self { sink, hasher: Sha256::new(), buffer: Vec::with_capacity(2 * PIECE), position, rows: 0, ended: None }
    }

    /// Hands over what has gathered, if it is a piece. Called between rows, never inside one.
    pub async fn pass(&mut self) -> Result<(), ExportError> {
        if self.buffer.len() >= PIECE { self.flush().await } else { Ok(()) }
    }

    /// Tells the sink how far it is.
    pub fn progress(&mut self, done: u64, total: u64) {
        self.sink.progress(done, total);
    }

    /// Ends what the hash covers; what is appended from here on is the trailer.
    pub fn hash(&mut self) -> Hash {
        self.hasher.update(&self.buffer);
        let hash = Hash(std::mem::take(&mut self.hasher).finalize().into());
        self.ended = Some(hash);
        hash
    }

    /// Hands over the rest.
    pub async fn finish(mut self) -> Result<Written, ExportError> {
        let sha256 = match self.ended {
            Some(hash) => hash,
            None => self.hash(),
        };
        self.flush().await?;
        Ok(Written { position: self.position, rows: self.rows, sha256 })
    }

    async fn flush(&mut self) -> Result<(), ExportError> {
        let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(2 * PIECE));
        if self.ended.is_none() {
            self.hasher.update(&piece);
        }
        self.sink.take(piece).await?;
        Ok(())
    }
}
