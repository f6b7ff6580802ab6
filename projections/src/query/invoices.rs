//! Invoices, one with its items and payments, and what is owed by age.
//!
//! Lateness is counted in calendar days of a zone, from the due date, or from the day of publication where there is
//! none, to the day of `as_at`. What is owed is always that of the stamp's position; `as_at` moves only the day.

use std::collections::BTreeMap;

use async_trait::async_trait;
use ensimbi_events::word::Recognition;
use ensimbi_events::{BookId, Currency, PartyId, SubjectId, Time};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::span::book_zone;
use super::{Answer, LIMIT_MAX, Page, QUARTER_MICROS, Stamp, Views, of_generation};
use crate::invoices::{InvoiceItem, InvoicePayment, InvoiceRow, InvoiceState, NAME};
use crate::store::{Bind, StoreError, Tx};
use crate::word::words;

/// Largest number of payments shown with one invoice.
const PAYMENTS_MAX: i64 = 1_000;
/// Largest number of items shown with one invoice.
const ITEMS_MAX: i64 = 1_000;

/// Which invoices, newest first.
#[derive(Debug, Clone, Default)]
pub struct InvoicesQuery {
    /// Only in this state.
    pub state: Option<InvoiceState>,
    /// Only for this party.
    pub party: Option<PartyId>,
    /// Only in this currency.
    pub currency: Option<Currency>,
    /// Only those that are late (or only those that are not), by the book's zone at the stamp's `recorded_at`.
    pub overdue: Option<bool>,
    /// Only those whose first event is before this position.
    pub before: Option<u64>,
    /// At most so many, from 1 to 500.
    pub limit: u32,
}

/// The day that lateness is counted to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Day {
    /// The moment.
    pub as_at: Time,
    /// IANA name of the zone.
    pub tz: String,
}

/// A page of invoices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvoiceList {
    /// The page.
    pub page: Page<InvoiceRow>,
    /// Where lateness was asked for and the book has a day: that day.
    pub day: Option<Day>,
}

/// One invoice with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvoiceDetail {
    /// The invoice.
    pub invoice: InvoiceRow,
    /// Its items in their order, at most 1,000.
    pub items: Vec<InvoiceItem>,
    /// What was allocated to it, by payment, oldest first, at most 1,000.
    pub payments: Vec<InvoicePayment>,
}

words! {
    /// How late what is owed is, in days.
    AgeingBucket {
        /// Due today or later.
        NotDue = "not_due",
        /// 1 to 30.
        Days1To30 = "1_30",
        /// 31 to 60.
        Days31To60 = "31_60",
        /// 61 to 90.
        Days61To90 = "61_90",
        /// More than 90.
        Over90 = "over_90",
    }
}

impl AgeingBucket {
    /// Of so many days after the due date.
    pub const fn of(days_late: i64) -> Self {
        match days_late {
            i64::MIN..=0 => Self::NotDue,
            1..=30 => Self::Days1To30,
            31..=60 => Self::Days31To60,
            61..=90 => Self::Days61To90,
            _ => Self::Over90,
        }
    }
}

/// What to age.
#[derive(Debug, Clone, Default)]
pub struct AgeingQuery {
    /// Whose calendar, by IANA name; the book's if absent.
    pub zone: Option<TimeZone>,
    /// Which day; that of the stamp's `recorded_at` if absent.
    pub as_at: Option<Time>,
}

/// What is owed in one currency, at scale 4.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgeingRow {
    /// Currency.
    pub currency: Currency,
    /// Sum and number of invoices of each bucket, in the order of the words; none is left out.
    pub buckets: Vec<(AgeingBucket, i128, u64)>,
    /// Sum of the buckets.
    pub outstanding: i128,
    /// The part recognised on publication: the balance of `assets:receivable` in this currency.
    pub receivable: i128,
    /// How many invoices.
    pub invoices: u64,
}

/// What is owed by age.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ageing {
    /// The day; absent for a book without events, unless one was asked for.
    pub day: Option<Day>,
    /// By currency.
    pub rows: Vec<AgeingRow>,
}

/// Questions about invoices.
#[async_trait]
pub trait InvoicesView: Send + Sync {
    /// A page of invoices.
    async fn invoices(&self, book: BookId, query: &InvoicesQuery) -> Result<InvoiceList, StoreError>;
    /// One invoice; none where this book has no such invoice.
    async fn invoice(&self, book: BookId, id: SubjectId) -> Result<Answer<Option<InvoiceDetail>>, StoreError>;
    /// What is owed, by how late it is. Baskets that expired before anybody paid (`on_payment`) are not owed.
    async fn ageing(&self, book: BookId, query: &AgeingQuery) -> Result<Answer<Ageing>, StoreError>;
}

/// A day with its zone, as the database and the calendar want it.
struct Calendar {
    day: Day,
    zone: TimeZone,
    today: Date,
}

impl Calendar {
    async fn new(
        tx: &mut Tx,
        book: BookId,
        stamp: Stamp,
        zone: Option<&TimeZone>,
        as_at: Option<Time>,
    ) -> Result<Option<Self>, StoreError> {
        let Some(as_at) = as_at.or(stamp.recorded_at) else { return Ok(None) };
        let zone = match zone {
            Some(zone) => zone.clone(),
            None => book_zone(tx, book, NAME).await?,
        };
        let tz = zone.iana_name().unwrap_or("UTC").to_owned();
        let today = as_at.timestamp().to_zoned(zone.clone()).date();
        Ok(Some(Self { day: Day { as_at, tz }, zone, today }))
    }

    /// The first moment of the day.
    fn start(&self) -> Result<Time, StoreError> {
        let start = self.today.to_zoned(self.zone.clone());
        let start = start.map_err(|error| StoreError::Damaged(format!("a day without a beginning: {error}")))?;
        Ok(Time::from(start.timestamp()))
    }

    fn days_since(&self, due: Date) -> i64 {
        self.today.since(due).map_or(0, |span| i64::from(span.get_days()))
    }
}

#[async_trait]
impl InvoicesView for Views {
    async fn invoices(&self, book: BookId, query: &InvoicesQuery) -> Result<InvoiceList, StoreError> {
        let limit = query.limit.clamp(1, LIMIT_MAX);
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let calendar = match query.overdue {
            Some(_) => Calendar::new(&mut tx, book, stamp, None, None).await?,
            None => None,
        };
        let mut sql = of_generation(InvoiceRow::SELECT, at);
        if let Some(state) = query.state {
            sql = sql.text(" AND state = ").bind(state.as_str());
        }
        if let Some(party) = query.party {
            sql = sql.text(" AND party = ").bind(party);
        }
        if let Some(currency) = query.currency {
            sql = sql.text(" AND currency = ").bind(currency);
        }
        if let (Some(overdue), Some(calendar)) = (query.overdue, &calendar) {
            // Dates as text sort as dates.
            sql = sql.text(if overdue { " AND " } else { " AND NOT " }).text(OWED);
            sql = sql.text(" AND outstanding > 0 AND CASE WHEN due IS NULL ");
            sql = sql.text("THEN published_at < ").bind(calendar.start()?).text(" ELSE due < ");
            sql = sql.bind(calendar.today.to_string()).text(" END)");
        }
        if let Some(before) = query.before {
            sql = sql.text(" AND first_position < ").bind(Bind::position(before));
        }
        let rows = tx.rows(sql.text(" ORDER BY first_position DESC LIMIT ").bind(i64::from(limit) + 1)).await?;
        let rows: Result<Vec<InvoiceRow>, StoreError> = rows.iter().map(InvoiceRow::read).collect();
        Ok(InvoiceList { page: Page::of(stamp, rows?, limit), day: calendar.map(|calendar| calendar.day) })
    }

    async fn invoice(&self, book: BookId, id: SubjectId) -> Result<Answer<Option<InvoiceDetail>>, StoreError> {
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let of = |select| of_generation(select, at).text(" AND invoice = ").bind(id);
        let Some(row) = tx.row(of(InvoiceRow::SELECT)).await? else { return Ok(Answer { stamp, value: None }) };
        let items = tx.rows(of(InvoiceItem::SELECT).text(" ORDER BY n LIMIT ").bind(ITEMS_MAX)).await?;
        let items: Result<Vec<InvoiceItem>, StoreError> = items.iter().map(InvoiceItem::read).collect();
        let sql = of(InvoicePayment::SELECT).text(" ORDER BY first_position, payment LIMIT ").bind(PAYMENTS_MAX);
        let payments = tx.rows(sql).await?;
        let payments: Result<Vec<InvoicePayment>, StoreError> = payments.iter().map(InvoicePayment::read).collect();
        let detail = InvoiceDetail { invoice: InvoiceRow::read(&row)?, items: items?, payments: payments? };
        Ok(Answer { stamp, value: Some(detail) })
    }

    async fn ageing(&self, book: BookId, query: &AgeingQuery) -> Result<Answer<Ageing>, StoreError> {
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let calendar = Calendar::new(&mut tx, book, stamp, query.zone.as_ref(), query.as_at).await?;
        let Some(calendar) = calendar else {
            return Ok(Answer { stamp, value: Ageing { day: None, rows: Vec::new() } });
        };
        // By due date, or by the quarter of an hour of publication, which never straddles two days of any zone.
        let select = "SELECT currency, recognition, due, \
            CASE WHEN due IS NULL THEN published_at / 900000000 ELSE CAST(0 AS BIGINT) END AS quarter, \
            CAST(SUM(outstanding / 1000000000) AS BIGINT), CAST(SUM(outstanding % 1000000000) AS BIGINT), count(*) \
            FROM invoices WHERE book = ";
        let sql = of_generation(select, at).text(" AND ").text(OWED).text(")");
        let mut rows: BTreeMap<Currency, AgeingRow> = BTreeMap::new();
        tx.each(sql.text(" GROUP BY currency, recognition, due, quarter"), |row| {
            let (currency, recognition) = (row.currency(0)?, row.maybe_text(1)?);
            let due = match row.maybe_text(2)? {
                Some(due) => due,
                None => Time::from_micros(row.int(3)?.saturating_mul(QUARTER_MICROS)).date_in(&calendar.zone),
            };
            let due = due.parse().map_err(|_| StoreError::Damaged("an invoice's due date is no date".into()))?;
            let (amount, count) = (row.sum(4)?, row.position(6)?);
            let bucket = AgeingBucket::of(calendar.days_since(due));
            let row = rows.entry(currency).or_insert_with(|| AgeingRow {
                currency,
                buckets: AgeingBucket::ALL.iter().map(|bucket| (*bucket, 0, 0)).collect(),
                outstanding: 0,
                receivable: 0,
                invoices: 0,
            });
            // 2^63 invoices of 2^63 units fit 127 bits.
            for entry in row.buckets.iter_mut().filter(|entry| entry.0 == bucket) {
                (entry.1, entry.2) = (entry.1 + amount, entry.2 + count);
            }
            (row.outstanding, row.invoices) = (row.outstanding + amount, row.invoices + count);
            if recognition.as_deref() == Some(Recognition::OnPublish.as_str()) {
                row.receivable += amount;
            }
            Ok(())
        })
        .await?;
        Ok(Answer { stamp, value: Ageing { day: Some(calendar.day), rows: rows.into_values().collect() } })
    }
}

/// Opens a bracket: published and not settled. An expired basket of an `on_payment` invoice is not owed.
const OWED: &str = "(published_at IS NOT NULL AND outstanding <> 0 \
    AND NOT (state = 'expired' AND recognition = 'on_payment')";
