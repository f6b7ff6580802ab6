//! Reads whose SQL is the same text in both dialects (SQLite takes `$1` as well), written once.
//!
//! What differs (lists of ids, sums in 128 bits) each store has for itself.

/// One book's leaves after a position.
pub(super) const LEAVES: &str =
    "SELECT position, leaf_hash, leaf FROM events WHERE book = $1 AND position > $2 ORDER BY position LIMIT $3";
/// The head row.
pub(super) const HEAD: &str = "SELECT size, root, edge, epoch, recorded_at, configuration FROM heads WHERE book = $1";
/// Index columns after a position.
pub(super) const COLUMNS: &str = "SELECT position, leaf_hash, fact_hash, event_id, word, subject, connection, \
     occurred_at, recorded_at, book_date FROM events WHERE book = $1 AND position > $2 ORDER BY position LIMIT $3";
/// Lines of a range of positions.
pub(super) const LINES: &str = "SELECT position, n, account, currency, amount, open_item, payment, component, bearer \
     FROM lines WHERE book = $1 AND position > $2 AND position <= $3 ORDER BY position, n";
/// Positions that have lines.
pub(super) const ENTRIES: &str =
    "SELECT DISTINCT position FROM lines WHERE book = $1 AND position > $2 ORDER BY position LIMIT $3";
/// Positions of one account that have lines.
pub(super) const ENTRIES_OF_ACCOUNT: &str = "SELECT DISTINCT position FROM lines WHERE book = $1 AND account = $2 \
     AND position > $3 ORDER BY position LIMIT $4";
/// Positions of one subject's own events that have lines, on one account if one is named.
pub(super) const ENTRIES_OF_SUBJECT: &str = "SELECT position FROM events e WHERE e.book = $1 AND e.subject = $2 \
     AND e.position > $3 AND EXISTS (SELECT 1 FROM lines l WHERE l.book = e.book AND l.position = e.position \
     AND l.account = COALESCE($5, l.account)) ORDER BY position LIMIT $4";
/// Where an event is, by its key.
pub(super) const POSITION: &str = "SELECT position FROM keys WHERE book = $1 AND kind = $2 AND key = $3";
/// Positions of one subject's own events.
pub(super) const OF_SUBJECT: &str =
    "SELECT position FROM events WHERE book = $1 AND subject = $2 AND position > $3 ORDER BY position LIMIT $4";
/// All wallets of a book.
pub(super) const WALLETS: &str =
    "SELECT wallet, currency, posted, held, reserved, position FROM wallets WHERE book = $1";
/// Subject rows in order of id.
pub(super) const SUBJECTS: &str =
    "SELECT subject, state FROM subjects WHERE book = $1 AND subject > $2 ORDER BY subject LIMIT $3";
/// The configuration row.
pub(super) const CONFIG: &str = "SELECT config FROM configs WHERE book = $1";

/// Both traits of one store, but for what its dialect has for itself: `lock_head`, `select_keys`, `leaves_at`,
/// `balances`, `sums_at`. A macro because sqlx's traits tie every query to one database type.
macro_rules! shared_store {
    ($store:ty) => {
        #[async_trait]
        impl Store for $store {
            async fn create_book(&self, book: BookId) -> Result<(), StoreError> {
                let edge = crate::tree::Edge::default();
                sqlx::query(
                    "INSERT INTO heads (book, size, root, edge, epoch, recorded_at, configuration) \
                 VALUES ($1, 0, $2, $3, 0, 0, 0) ON CONFLICT DO NOTHING",
                )
                .bind(book.0)
                .bind(edge.root().0.to_vec())
                .bind(edge.to_bytes())
                .execute(self.writes())
                .await
                .map_err(store_error)?;
                Ok(())
            }

            async fn take_over(&self, book: BookId) -> Result<i64, StoreError> {
                sqlx::query_scalar("UPDATE heads SET epoch = epoch + 1 WHERE book = $1 RETURNING epoch")
                    .bind(book.0)
                    .fetch_optional(self.writes())
                    .await
                    .map_err(store_error)?
                    .ok_or_else(|| StoreError::Unusable(format!("book {book} does not exist in this store")))
            }

            async fn begin(&self, book: BookId) -> Result<Box<dyn AppendTx>, StoreError> {
                self.lock_head(book).await
            }

            async fn head_row(&self, book: BookId) -> Result<Option<HeadRow>, StoreError> {
                let row = sqlx::query_as(reads::HEAD).bind(book.0).fetch_optional(self.reads()).await;
                row.map_err(store_error)?.map(head_row).transpose()
            }

            async fn columns(&self, book: BookId, after: u64, limit: u32) -> Result<Vec<EventColumns>, StoreError> {
                let rows = sqlx::query_as(reads::COLUMNS)
                    .bind(book.0)
                    .bind(column(after))
                    .bind(i64::from(limit.min(PAGE_MAX)))
                    .fetch_all(self.reads())
                    .await
                    .map_err(store_error)?;
                rows.into_iter().map(columns).collect()
            }

            async fn lines(&self, book: BookId, after: u64, through: u64) -> Result<Vec<(u64, Line)>, StoreError> {
                let rows = sqlx::query_as(reads::LINES)
                    .bind(book.0)
                    .bind(column(after))
                    .bind(column(through))
                    .fetch_all(self.reads())
                    .await
                    .map_err(store_error)?;
                rows.into_iter().map(line).collect()
            }

            async fn keys_of(&self, book: BookId, keys: &[Key]) -> Result<Vec<(Key, KnownKey)>, StoreError> {
                let mut connection = self.reads().acquire().await.map_err(store_error)?;
                select_keys(&mut connection, book, keys).await
            }

            async fn key_count(&self, book: BookId) -> Result<u64, StoreError> {
                let rows = sqlx::query_scalar("SELECT COUNT(*) FROM keys WHERE book = $1").bind(book.0);
                count(rows.fetch_one(self.reads()).await.map_err(store_error)?)
            }

            async fn line_count(&self, book: BookId) -> Result<u64, StoreError> {
                let rows = sqlx::query_scalar("SELECT COUNT(*) FROM lines WHERE book = $1").bind(book.0);
                count(rows.fetch_one(self.reads()).await.map_err(store_error)?)
            }

            async fn wallet_rows(&self, book: BookId) -> Result<BTreeMap<WalletId, WalletBalance>, StoreError> {
                let rows = sqlx::query_as(reads::WALLETS).bind(book.0).fetch_all(self.reads()).await;
                rows.map_err(store_error)?.into_iter().map(wallet).collect()
            }

            async fn subject_rows(
                &self,
                book: BookId,
                after: Option<SubjectId>,
                limit: u32,
            ) -> Result<Vec<(SubjectId, String)>, StoreError> {
                // The nil id is never a subject's: derived ids carry a version.
                let rows: Vec<(Uuid, String)> = sqlx::query_as(reads::SUBJECTS)
                    .bind(book.0)
                    .bind(after.map_or_else(Uuid::nil, |id| id.0))
                    .bind(i64::from(limit.min(PAGE_MAX)))
                    .fetch_all(self.reads())
                    .await
                    .map_err(store_error)?;
                Ok(rows.into_iter().map(|(id, state)| (SubjectId(id), state)).collect())
            }

            async fn balances_at(
                &self,
                book: BookId,
                to: &str,
                position: u64,
            ) -> Result<Vec<AccountBalance>, StoreError> {
                self.sums_at(book, to, position).await
            }

            async fn config_row(&self, book: BookId) -> Result<Option<String>, StoreError> {
                let row = sqlx::query_scalar(reads::CONFIG).bind(book.0).fetch_optional(self.reads());
                row.await.map_err(store_error)
            }

            fn warnings(&self) -> &[String] {
                &self.warnings
            }
        }

        #[async_trait]
        impl BookReader for $store {
            async fn read_at(&self, book: BookId, positions: &[u64]) -> Result<Vec<StoredLeaf>, ReadError> {
                let leaf = |(position, leaf_hash, leaf): (i64, Vec<u8>, Vec<u8>)| {
                    Ok(StoredLeaf { position: count(position)?, leaf_hash: hash(&leaf_hash)?, leaf })
                };
                self.leaves_at(book, positions).await?.into_iter().map(leaf).collect()
            }

            async fn trial_balance(&self, book: BookId) -> Result<(u64, Vec<AccountBalance>), ReadError> {
                Ok(self.balances(book).await?)
            }

            async fn balances_through(&self, book: BookId, to: &str) -> Result<DatedBalances, ReadError> {
                // Rows are only ever added: up to a position they are the same in every snapshot.
                let position = BookReader::head(self, book).await?.size;
                let first = sqlx::query_scalar(dated::FIRST).bind(book.0).bind(column(position));
                let first: Option<String> = first.fetch_one(self.reads()).await.map_err(store_error)?;
                Ok(DatedBalances { position, first, balances: self.sums_at(book, to, position).await? })
            }

            async fn head(&self, book: BookId) -> Result<Head, ReadError> {
                let empty = crate::tree::Edge::default().root();
                let row = self.head_row(book).await?;
                Ok(row.map_or(Head { book, size: 0, root: empty }, |row| Head { book, size: row.size, root: row.root }))
            }

            async fn read(&self, book: BookId, after: u64, limit: u32) -> Result<Vec<StoredLeaf>, ReadError> {
                let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = sqlx::query_as(reads::LEAVES)
                    .bind(book.0)
                    .bind(column(after))
                    .bind(i64::from(limit.min(PAGE_MAX)))
                    .fetch_all(self.reads())
                    .await
                    .map_err(store_error)?;
                let mut leaves = Vec::with_capacity(rows.len());
                for ((position, leaf_hash, leaf), expected) in rows.into_iter().zip(after + 1..) {
                    let position = count(position)?;
                    if position != expected {
                        return Err(ReadError::Damaged(format!("position {expected} is missing")));
                    }
                    leaves.push(StoredLeaf { position, leaf_hash: hash(&leaf_hash)?, leaf });
                }
                Ok(leaves)
            }

            async fn entry_positions(&self, book: BookId, filter: &LineFilter) -> Result<Vec<u64>, ReadError> {
                let limit = i64::from(filter.limit.min(PAGE_MAX));
                let after = column(filter.after);
                let rows: Result<Vec<(i64,)>, sqlx::Error> = match (filter.subject, &filter.account) {
                    (Some(subject), account) => {
                        let query = sqlx::query_as(reads::ENTRIES_OF_SUBJECT).bind(book.0).bind(subject.0);
                        query.bind(after).bind(limit).bind(account).fetch_all(self.reads()).await
                    }
                    (None, Some(account)) => {
                        let query = sqlx::query_as(reads::ENTRIES_OF_ACCOUNT).bind(book.0).bind(account);
                        query.bind(after).bind(limit).fetch_all(self.reads()).await
                    }
                    (None, None) => {
                        let query = sqlx::query_as(reads::ENTRIES).bind(book.0).bind(after);
                        query.bind(limit).fetch_all(self.reads()).await
                    }
                };
                let rows = rows.map_err(store_error)?;
                Ok(rows.into_iter().map(|(position,)| count(position)).collect::<Result<_, _>>()?)
            }

            async fn position_of(&self, book: BookId, event: EventId) -> Result<Option<u64>, ReadError> {
                let query = sqlx::query_as(reads::POSITION).bind(book.0).bind(KeyKind::Event as i64);
                let row: Result<Option<(i64,)>, sqlx::Error> =
                    query.bind(event.as_bytes().to_vec()).fetch_optional(self.reads()).await;
                Ok(row.map_err(store_error)?.map(|(position,)| count(position)).transpose()?)
            }

            async fn subject_positions(
                &self,
                book: BookId,
                subject: SubjectId,
                after: u64,
                limit: u32,
            ) -> Result<Vec<u64>, ReadError> {
                let query = sqlx::query_as(reads::OF_SUBJECT).bind(book.0).bind(subject.0).bind(column(after));
                let rows: Result<Vec<(i64,)>, sqlx::Error> =
                    query.bind(i64::from(limit.min(PAGE_MAX))).fetch_all(self.reads()).await;
                let rows = rows.map_err(store_error)?;
                Ok(rows.into_iter().map(|(position,)| count(position)).collect::<Result<_, _>>()?)
            }

            async fn books(&self) -> Result<Vec<BookId>, ReadError> {
                let rows: Vec<(Uuid,)> = sqlx::query_as("SELECT book FROM heads ORDER BY book")
                    .fetch_all(self.reads())
                    .await
                    .map_err(store_error)?;
                Ok(rows.into_iter().map(|(id,)| BookId(id)).collect())
            }

            async fn ping(&self) -> Result<(), ReadError> {
                sqlx::query("SELECT 1 FROM heads LIMIT 1").execute(self.reads()).await.map_err(store_error)?;
                Ok(())
            }
        }

        fn head_row(row: (i64, Vec<u8>, Vec<u8>, i64, i64, i64)) -> Result<HeadRow, StoreError> {
            let (size, root, edge, epoch, recorded_at, configuration) = row;
            Ok(HeadRow {
                size: count(size)?,
                root: hash(&root)?,
                edge,
                epoch,
                recorded_at: Time::from_micros(recorded_at),
                configuration: count(configuration)?,
            })
        }

        fn wallet(row: (Uuid, String, i64, i64, i64, i64)) -> Result<(WalletId, WalletBalance), StoreError> {
            let (id, currency, posted, held, reserved, position) = row;
            let currency =
                currency.parse().map_err(|_| StoreError::Damaged(format!("wallet {id}: currency {currency}")))?;
            let balance = WalletBalance {
                currency,
                posted: Amount::from_scaled(posted),
                held: Amount::from_scaled(held),
                reserved: Amount::from_scaled(reserved),
                position: count(position)?,
            };
            Ok((WalletId(id), balance))
        }

        fn known_key(row: (i64, Vec<u8>, i64, Vec<u8>, Vec<u8>)) -> Result<(Key, KnownKey), StoreError> {
            let (kind, bytes, position, fact_hash, leaf_hash) = row;
            let kind = match kind {
                1 => KeyKind::Event,
                2 => KeyKind::Posting,
                3 => KeyKind::Operator,
                other => return Err(StoreError::Damaged(format!("a key of kind {other}"))),
            };
            let known =
                KnownKey { position: count(position)?, fact_hash: hash(&fact_hash)?, leaf_hash: hash(&leaf_hash)? };
            Ok((Key { kind, bytes }, known))
        }
    };
}

pub(super) use shared_store;
