//! Accounts: the trial balance, and statements with a running balance.
//!
//! A balance before any line is the sum of the days before it and of the lines of its own day, so that no answer about
//! the present needs a walk through the book. As it was known at an earlier position, lines are added up from the start.

use async_trait::async_trait;
use ensimbi_events::ports::AccountBalance;
use ensimbi_events::{Amount, BookId, Currency, SubjectId, Time};
use jiff::civil::Date;
use serde::Serialize;

use super::span::{Basis, Span, book_zone, date_of, day_of, until, utc_day, within};
use super::{Answer, LIMIT_MAX, Views, of_generation};
use crate::accounts::{ACCOUNT_BOOKED, ACCOUNT_DAY, ACCOUNT_TOTAL, DAY_MICROS, NAME, Posting};
use crate::projection::At;
use crate::store::{Bind, Row, Sql, StoreError, Tx};

/// What to balance.
#[derive(Debug, Clone, Copy, Default)]
pub struct TrialBalanceQuery {
    /// Only lines with a book date up to this one (inside).
    pub until: Option<Date>,
    /// Only what was recorded up to this position; costs a walk through the lines.
    pub known: Option<u64>,
}

/// Every account with its sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialBalance {
    /// IANA name of the zone of book dates.
    pub tz: String,
    /// By path and currency.
    pub accounts: Vec<AccountBalance>,
}

/// Where a line stands in a statement: by its date, then by its place in the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LineKey {
    /// Microseconds or book day, by the basis.
    pub at: i64,
    /// Its event's position.
    pub position: u64,
    /// Its number in the entry.
    pub n: u32,
}

impl LineKey {
    /// Before every line of a date.
    const fn start(at: i64) -> Self {
        Self { at, position: 0, n: 0 }
    }
}

/// Which part of which account.
#[derive(Debug, Clone)]
pub struct StatementQuery {
    /// The account's path.
    pub account: String,
    /// One currency of it.
    pub currency: Currency,
    /// Which lines.
    pub span: Span,
    /// Only what was recorded up to this position; costs a walk through the account's lines.
    pub known: Option<u64>,
    /// Where the page before ended.
    pub after: Option<LineKey>,
    /// Lines of a page, 1 to [`LIMIT_MAX`].
    pub limit: u32,
}

/// One line of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementLine {
    /// Its event's position.
    pub position: u64,
    /// Its number in the entry.
    pub n: u32,
    /// When it happened; a fee: when its payment did.
    pub occurred_at: Time,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Its book date, as `2026-05-03`.
    pub book_date: String,
    /// The event's word.
    pub word: String,
    /// The event's subject.
    pub subject: SubjectId,
    /// The payment it belongs to.
    pub payment: Option<SubjectId>,
    /// The id that its balance waits for.
    pub open_item: Option<SubjectId>,
    /// Debit is plus.
    pub amount: Amount,
    /// The account's balance with this line, at scale 4.
    pub balance: i128,
}

/// A page of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// IANA name of the book's zone.
    pub tz: String,
    /// Balance before the span, at scale 4; debit is plus.
    pub opening: i128,
    /// All debits of the span.
    pub debit: i128,
    /// All credits of the span, as a positive figure.
    pub credit: i128,
    /// Balance after the span: opening + debit - credit.
    pub closing: i128,
    /// Number of lines of the span.
    pub count: u64,
    /// The page's lines, in order.
    pub lines: Vec<StatementLine>,
    /// Where the page ended, if more follow.
    pub next: Option<LineKey>,
}

/// Questions about accounts.
#[async_trait]
pub trait AccountsView: Send + Sync {
    /// Every account with its sides.
    async fn trial_balance(&self, book: BookId, query: &TrialBalanceQuery) -> Result<Answer<TrialBalance>, StoreError>;
    /// A page of an account's statement. An account that has no line gives an empty one.
    async fn statement(&self, book: BookId, query: &StatementQuery) -> Result<Answer<Statement>, StoreError>;
    /// Every account and currency that has lines, in order.
    async fn accounts(&self, book: BookId) -> Result<Answer<Vec<(String, Currency)>>, StoreError>;
    /// The zone of the book's dates.
    async fn zone(&self, book: BookId) -> Result<jiff::tz::TimeZone, StoreError>;
}

/// Both sides of an account or of a part of it, and the number of lines.
#[derive(Debug, Clone, Copy, Default)]
struct Sides {
    debit: i128,
    credit: i128,
    lines: u64,
}

impl Sides {
    /// From five columns at an index: two parts of each side, and the number of lines.
    fn read(row: &Row, index: usize) -> Result<Self, StoreError> {
        Ok(Self { debit: row.sum(index)?, credit: row.sum(index + 2)?, lines: row.position(index + 4)? })
    }

    // 2^63 lines of 2^63 units fit 127 bits.
    const fn plus(self, other: Self) -> Self {
        Self { debit: self.debit + other.debit, credit: self.credit + other.credit, lines: self.lines + other.lines }
    }

    const fn balance(self) -> i128 {
        self.debit - self.credit
    }
}

/// Both sides out of ready sums.
const OF_SUMS: &str = "COALESCE(CAST(SUM(debit_high) AS BIGINT), 0), COALESCE(CAST(SUM(debit_low) AS BIGINT), 0), \
    COALESCE(CAST(SUM(credit_high) AS BIGINT), 0), COALESCE(CAST(SUM(credit_low) AS BIGINT), 0), \
    COALESCE(CAST(SUM(lines) AS BIGINT), 0) FROM account_sums WHERE book = ";
/// The same out of lines.
const OF_LINES: &str = "COALESCE(CAST(SUM(CASE WHEN amount > 0 THEN amount / 1000000000 ELSE 0 END) AS BIGINT), 0), \
    COALESCE(CAST(SUM(CASE WHEN amount > 0 THEN amount % 1000000000 ELSE 0 END) AS BIGINT), 0), \
    COALESCE(CAST(-SUM(CASE WHEN amount < 0 THEN amount / 1000000000 ELSE 0 END) AS BIGINT), 0), \
    COALESCE(CAST(-SUM(CASE WHEN amount < 0 THEN amount % 1000000000 ELSE 0 END) AS BIGINT), 0), \
    count(*) FROM postings WHERE book = ";

#[async_trait]
impl AccountsView for Views {
    async fn trial_balance(&self, book: BookId, query: &TrialBalanceQuery) -> Result<Answer<TrialBalance>, StoreError> {
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let known = query.known.filter(|known| *known < stamp.position);
        let tz = book_zone(&mut tx, book, NAME).await?.iana_name().unwrap_or("UTC").to_owned();
        let until_day = query.until.map(|date| day_of(date).saturating_add(1));
        let sql = Sql::new("SELECT account, currency, ");
        let sql = match known {
            Some(_) => {
                let sql = of_generation_after(sql.text(OF_LINES), at);
                until(within(sql, "book_day", (None, until_day)), known)
            }
            None => {
                let sql = of_generation_after(sql.text(OF_SUMS), at);
                let level = if until_day.is_some() { ACCOUNT_BOOKED } else { ACCOUNT_TOTAL };
                within(sql.text(" AND level = ").bind(level), "bucket", (None, until_day))
            }
        };
        let mut accounts = Vec::new();
        tx.each(sql.text(" GROUP BY account, currency ORDER BY account, currency"), |row| {
            let sides = Sides::read(&row, 2)?;
            let (account, currency) = (row.text(0)?, row.currency(1)?);
            accounts.push(AccountBalance { account, currency, debit: sides.debit, credit: sides.credit });
            Ok(())
        })
        .await?;
        Ok(Answer { stamp: stamp.known_at(known), value: TrialBalance { tz, accounts } })
    }

    async fn statement(&self, book: BookId, query: &StatementQuery) -> Result<Answer<Statement>, StoreError> {
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let known = query.known.filter(|known| *known < stamp.position);
        let tz = book_zone(&mut tx, book, NAME).await?.iana_name().unwrap_or("UTC").to_owned();
        let of = Of { at, account: &query.account, currency: query.currency, basis: query.span.basis(), known };
        let (from, to) = query.span.bounds();
        let opening = match from {
            Some(from) => of.before(&mut tx, LineKey::start(from)).await?,
            None => Sides::default(),
        };
        let closing = match to {
            Some(to) => of.before(&mut tx, LineKey::start(to)).await?,
            None => of.all(&mut tx).await?,
        };
        let mut balance = match query.after {
            Some(after) => of.before(&mut tx, LineKey { n: after.n.saturating_add(1), ..after }).await?.balance(),
            None => opening.balance(),
        };
        let limit = query.limit.clamp(1, LIMIT_MAX);
        let mut lines = Vec::new();
        let mut last = None;
        let mut more = false;
        for row in tx.rows(of.page(query.span, query.after, limit)).await? {
            if lines.len() == limit as usize {
                more = true;
                break;
            }
            let row = Posting::read(&row)?;
            balance += i128::from(row.amount.scaled());
            last = Some(of.key(&row));
            lines.push(line(row, balance));
        }
        let statement = Statement {
            tz,
            opening: opening.balance(),
            debit: closing.debit - opening.debit,
            credit: closing.credit - opening.credit,
            closing: closing.balance(),
            count: closing.lines - opening.lines,
            lines,
            next: last.filter(|_| more),
        };
        Ok(Answer { stamp: stamp.known_at(known), value: statement })
    }

    async fn accounts(&self, book: BookId) -> Result<Answer<Vec<(String, Currency)>>, StoreError> {
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let sql = of_generation("SELECT account, currency FROM account_sums WHERE book = ", at);
        let sql = sql.text(" AND level = ").bind(ACCOUNT_TOTAL).text(" ORDER BY account, currency");
        let mut value = Vec::new();
        tx.each(sql, |row| {
            value.push((row.text(0)?, row.currency(1)?));
            Ok(())
        })
        .await?;
        Ok(Answer { stamp, value })
    }

    async fn zone(&self, book: BookId) -> Result<jiff::tz::TimeZone, StoreError> {
        let (mut tx, ..) = self.open(book, NAME).await?;
        book_zone(&mut tx, book, NAME).await
    }
}

fn of_generation_after(sql: Sql, at: At) -> Sql {
    sql.bind(at.book).text(" AND generation = ").bind(at.generation)
}

fn line(row: Posting, balance: i128) -> StatementLine {
    StatementLine {
        position: row.position,
        n: row.n,
        occurred_at: row.occurred_at,
        recorded_at: row.recorded_at,
        book_date: date_of(row.book_day),
        word: row.word,
        subject: row.subject,
        payment: row.payment,
        open_item: row.open_item,
        amount: row.amount,
        balance,
    }
}

/// One account in one currency, by one kind of date, as it is known.
struct Of<'a> {
    at: At,
    account: &'a str,
    currency: Currency,
    basis: Basis,
    known: Option<u64>,
}

impl Of<'_> {
    const fn column(&self) -> &'static str {
        match self.basis {
            Basis::Occurred => "occurred_at",
            Basis::Booked => "book_day",
        }
    }

    fn account(&self, sql: Sql) -> Sql {
        let sql = of_generation_after(sql, self.at);
        sql.text(" AND account = ").bind(self.account).text(" AND currency = ").bind(self.currency)
    }

    const fn key(&self, row: &Posting) -> LineKey {
        let at = match self.basis {
            Basis::Occurred => row.occurred_at.micros(),
            Basis::Booked => row.book_day,
        };
        LineKey { at, position: row.position, n: row.n }
    }

    /// Everything.
    async fn all(&self, tx: &mut Tx) -> Result<Sides, StoreError> {
        match self.known {
            Some(_) => sides(tx, until(self.account(Sql::new("SELECT ").text(OF_LINES)), self.known)).await,
            None => self.sums(tx, ACCOUNT_TOTAL, None).await,
        }
    }

    /// Everything before a place in the statement.
    async fn before(&self, tx: &mut Tx, key: LineKey) -> Result<Sides, StoreError> {
        // The first moment whose lines no ready sum has.
        let (level, bucket, rest) = match self.basis {
            Basis::Occurred => (ACCOUNT_DAY, utc_day(key.at), utc_day(key.at).saturating_mul(DAY_MICROS)),
            Basis::Booked => (ACCOUNT_BOOKED, key.at, key.at),
        };
        let lines = self.account(Sql::new("SELECT ").text(OF_LINES));
        let (days, lines) = match self.known {
            Some(_) => (Sides::default(), until(lines, self.known)),
            None => (
                self.sums(tx, level, Some(bucket)).await?,
                lines.text(" AND ").text(self.column()).text(" >= ").bind(rest),
            ),
        };
        Ok(days.plus(sides(tx, self.beyond(lines, " < ", key)).await?))
    }

    async fn sums(&self, tx: &mut Tx, level: i64, before: Option<i64>) -> Result<Sides, StoreError> {
        let sql = self.account(Sql::new("SELECT ").text(OF_SUMS)).text(" AND level = ").bind(level);
        sides(tx, within(sql, "bucket", (None, before))).await
    }

    /// Lines before or after a place.
    fn beyond(&self, sql: Sql, operator: &'static str, key: LineKey) -> Sql {
        let sql = sql.text(" AND (").text(self.column()).text(", position, n)").text(operator).text("(");
        let sql = sql.bind(key.at).text(", ").bind(Bind::position(key.position)).text(", ");
        sql.bind(i64::from(key.n)).text(")")
    }

    /// One line more than a page.
    fn page(&self, span: Span, after: Option<LineKey>, limit: u32) -> Sql {
        let sql = self.account(Sql::new(Posting::SELECT));
        let mut sql = until(within(sql, self.column(), span.bounds()), self.known);
        if let Some(after) = after {
            sql = self.beyond(sql, " > ", after);
        }
        let sql = sql.text(" ORDER BY ").text(self.column()).text(", position, n LIMIT ");
        sql.bind(i64::from(limit) + 1)
    }
}

async fn sides(tx: &mut Tx, sql: Sql) -> Result<Sides, StoreError> {
    match tx.row(sql).await? {
        Some(row) => Sides::read(&row, 0),
        None => Ok(Sides::default()),
    }
}
