//! The log, page by page up to a position; and the export that is the log itself.

use ensimbi_events::ports::{BookReader, StoredLeaf};
use ensimbi_events::{BookId, Event, leaf};

use super::ExportError;
use super::out::Out;

/// Leaves of one page. A leaf has 64 KiB at most and about one as a rule.
const PAGE: u32 = 500;

/// The part of a log that is exported.
pub(super) struct Log<'r> {
    pub reader: &'r dyn BookReader,
    pub book: BookId,
    /// The last position.
    pub through: u64,
}

impl Log<'_> {
    /// The leaves after a position; none at the end.
    pub async fn page(&self, after: u64) -> Result<Vec<StoredLeaf>, ExportError> {
        if after >= self.through {
            return Ok(Vec::new());
        }
        let mut page = self.reader.read(self.book, after, PAGE).await?;
        // What was recorded since belongs to a later export.
        page.retain(|leaf| leaf.position <= self.through);
        if page.is_empty() {
            return Err(ExportError::damaged(format!("position {} is missing", after + 1)));
        }
        match page.iter().zip(after + 1..).find(|(leaf, position)| leaf.position != *position) {
            Some((_, missing)) => Err(ExportError::damaged(format!("position {missing} is missing"))),
            None => Ok(page),
        }
    }

    /// Hands over every event, with its leaf, in order.
    pub async fn each(
        &self,
        out: &mut Out<'_>,
        mut take: impl FnMut(&mut Out<'_>, &Event, &StoredLeaf) -> Result<(), ExportError> + Send,
    ) -> Result<(), ExportError> {
        let mut after = 0;
        loop {
            let page = self.page(after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.position;
            for stored in &page {
                take(out, &decode(stored)?, stored)?;
                out.pass().await?;
            }
            out.progress(after, self.through);
        }
    }
}

/// Reads a leaf whose hash must be the one beside it.
pub(super) fn decode(stored: &StoredLeaf) -> Result<Event, ExportError> {
    let position = stored.position;
    if leaf::leaf_hash(&stored.leaf) != stored.leaf_hash {
        return Err(ExportError::damaged(format!("the leaf at position {position} does not have its hash")));
    }
    leaf::decode(&stored.leaf).map_err(|error| ExportError::damaged(format!("position {position}: {error}")))
}

/// `export leaves`: bytes as they are recorded, and no trailer, since a CBOR sequence has no place for one.
pub(super) async fn verbatim(log: &mut Log<'_>, out: &mut Out<'_>) -> Result<(), ExportError> {
    let mut after = 0;
    loop {
        let page = log.page(after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.position;
        for stored in &page {
            out.buffer.extend(leaf::sequence_item(&stored.leaf));
            out.rows += 1;
            out.pass().await?;
        }
        out.progress(after, log.through);
    }
}
