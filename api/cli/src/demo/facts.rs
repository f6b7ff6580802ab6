//! The facts of a book, read once from its leaves, in order.

use ensimbi_events::ports::BookReader;
use ensimbi_events::word::{Bearer, Fee};
use ensimbi_events::{Amount, BookId, Event, NoLines, leaf};

use crate::exit::Failure;

/// Leaves in one read.
const PAGE: u32 = 1_000;

/// Hands on every event after a position that is not withheld; gives the last position there is.
pub async fn each(
    reader: &dyn BookReader,
    book: BookId,
    mut after: u64,
    mut event: impl FnMut(Event),
) -> Result<u64, Failure> {
    loop {
        let page = reader.read(book, after, PAGE).await?;
        if page.is_empty() {
            return Ok(after);
        }
        for stored in page {
            after = stored.position;
            let read =
                leaf::decode(&stored.leaf).map_err(|error| Failure::disagrees(format!("position {after}: {error}")))?;
            if read.record.no_lines != Some(NoLines::Withheld) {
                event(read);
            }
        }
    }
}

/// Units of 0.0001.
pub fn scaled(amount: Amount) -> i128 {
    i128::from(amount.scaled())
}

/// What we bear of fees that the wallet pays itself, in units of 0.0001.
pub fn ours(fees: &[Fee]) -> i128 {
    fees.iter().filter(|fee| fee.bearer == Bearer::Merchant).map(|fee| scaled(fee.amount)).sum()
}
