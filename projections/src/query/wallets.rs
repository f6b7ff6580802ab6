//! Wallet balances.

use async_trait::async_trait;
use ensimbi_events::{Amount, BookId, Time, WalletId};

use super::span::{until, utc_day, within};
use super::{Answer, LIMIT_MAX, Page, Views, of_generation};
use crate::accounts::DAY_MICROS;
use crate::store::{Row, StoreError};
use crate::wallets::{NAME, WalletPart, WalletRow};

/// The place of a wallet in the list: by account code, then by its own code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletKey {
    /// The connection's account code.
    pub account_code: String,
    /// The wallet's code.
    pub code: String,
}

/// Questions about wallets.
#[async_trait]
pub trait WalletsView: Send + Sync {
    /// Wallets of a book in the order of their codes, after a key; at most `limit`.
    async fn wallets(&self, book: BookId, after: Option<WalletKey>, limit: u32) -> Result<Page<WalletRow>, StoreError>;
    /// One wallet; none where this book has no such wallet.
    async fn wallet(&self, book: BookId, wallet: WalletId) -> Result<Answer<Option<WalletRow>>, StoreError>;
    /// One wallet with its figures as they were at a moment (inside), by what was recorded up to a position. The second
    /// costs a walk through the wallet's moves, the first does not.
    async fn wallet_at(
        &self,
        book: BookId,
        wallet: WalletId,
        as_of: Option<Time>,
        known: Option<u64>,
    ) -> Result<Answer<Option<WalletRow>>, StoreError>;
}

#[async_trait]
impl WalletsView for Views {
    async fn wallets(&self, book: BookId, after: Option<WalletKey>, limit: u32) -> Result<Page<WalletRow>, StoreError> {
        let limit = limit.clamp(1, LIMIT_MAX);
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let mut sql = of_generation(WalletRow::SELECT, at);
        if let Some(key) = after {
            sql = sql.text(" AND (account_code, code) > (").bind(key.account_code).text(", ").bind(key.code).text(")");
        }
        let sql = sql.text(" ORDER BY account_code, code LIMIT ").bind(i64::from(limit) + 1);
        let rows = tx.rows(sql).await?;
        let rows: Result<Vec<WalletRow>, StoreError> = rows.iter().map(WalletRow::read).collect();
        Ok(Page::of(stamp, rows?, limit))
    }

    async fn wallet(&self, book: BookId, wallet: WalletId) -> Result<Answer<Option<WalletRow>>, StoreError> {
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let row = tx.row(of_generation(WalletRow::SELECT, at).text(" AND wallet = ").bind(wallet)).await?;
        let value = row.as_ref().map(WalletRow::read).transpose()?;
        Ok(Answer { stamp, value })
    }

    async fn wallet_at(
        &self,
        book: BookId,
        wallet: WalletId,
        as_of: Option<Time>,
        known: Option<u64>,
    ) -> Result<Answer<Option<WalletRow>>, StoreError> {
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let row = tx.row(of_generation(WalletRow::SELECT, at).text(" AND wallet = ").bind(wallet)).await?;
        let Some(row) = row else { return Ok(Answer { stamp, value: None }) };
        let mut row = WalletRow::read(&row)?;
        let known = known.filter(|known| *known < stamp.position);
        if as_of.is_some() || known.is_some() {
            let mut sums = [0_i128; 3];
            let end = as_of.map(|as_of| as_of.micros().saturating_add(1));
            let day = end.map(utc_day);
            let of = |select| of_generation(select, at).text(" AND wallet = ").bind(wallet);
            let mut moves = until(within(of(MOVES), "occurred_at", (None, end)), known);
            if known.is_none() {
                tx.each(within(of(DAYS), "day", (None, day)).text(" GROUP BY part"), |row| add(&mut sums, &row))
                    .await?;
                moves = within(moves, "occurred_at", (day.map(|day| day.saturating_mul(DAY_MICROS)), None));
            }
            tx.each(moves.text(" GROUP BY part"), |row| add(&mut sums, &row)).await?;
            let range = || StoreError::Damaged("a wallet's sums leave the range of amounts".into());
            let figure = |sum: i128| i64::try_from(sum).map(Amount::from_scaled).map_err(|_| range());
            let [posted, held, reserved] = sums;
            (row.posted, row.held, row.reserved) = (figure(posted)?, figure(held)?, figure(reserved)?);
            row.derive().ok_or_else(range)?;
        }
        Ok(Answer { stamp: stamp.known_at(known), value: Some(row) })
    }
}

const DAYS: &str = "SELECT part, CAST(SUM(high) AS BIGINT), CAST(SUM(low) AS BIGINT) FROM wallet_days WHERE book = ";
const MOVES: &str = "SELECT part, CAST(SUM(amount / 1000000000) AS BIGINT), \
    CAST(SUM(amount % 1000000000) AS BIGINT) FROM wallet_moves WHERE book = ";

/// Posted, held, reserved.
fn add(sums: &mut [i128; 3], row: &Row) -> Result<(), StoreError> {
    let part = WalletPart::from_text(&row.text(0)?);
    let part = part.ok_or_else(|| StoreError::Damaged("a wallet has a part of no known name".into()))?;
    // 2^63 moves of 2^63 units fit 127 bits.
    sums[part as usize] += row.sum(1)?;
    Ok(())
}
