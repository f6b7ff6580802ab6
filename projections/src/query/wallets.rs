//! Wallet balances.

use async_trait::async_trait;
use ensimbi_events::{BookId, WalletId};

use super::{Answer, LIMIT_MAX, Page, Views, of_generation};
use crate::store::StoreError;
use crate::wallets::{NAME, WalletRow};

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
}
