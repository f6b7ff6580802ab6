//! The fee report: fees grouped by what the reader wants, beside the volume that they were charged on, and totals that
//! equal the fee accounts at the same position.
//!
//! Read from sums by day and quarter of an hour ([`slices`]), so that it costs days and not lines; as it was known at an
//! earlier position, from the lines up to there. Currency and bearer are always apart, and so is the direction of the
//! money: amounts of two currencies, ours and somebody else's, what came in and what went out, are never added.

mod slices;
mod totals;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use ensimbi_events::word::{Bearer, Component, FigureSource};
use ensimbi_events::{BookId, Currency, Time};
use jiff::tz::TimeZone;
use serde::Serialize;
use uuid::Uuid;

use super::span::{Basis, Span, book_zone, civil, until, within};
use super::{Answer, QUARTER_MICROS, Views};
use crate::accounts::{DAY_MICROS, FEE_BOOKED, FEE_DAY, FEE_QUARTER, FeeKind, FlowDirection, NAME};
use crate::projection::At;
use crate::store::{Row, Sql, StoreError, Tx};
use crate::word::words;
use slices::{Slice, Unit, slices};

/// Most groups of one answer.
pub const GROUPS_MAX: usize = 10_000;

words! {
    /// By what fees are grouped. Currency, bearer and direction always are.
    FeeDimension {
        /// The provider's word.
        Provider = "provider",
        /// The connection's id.
        Connection = "connection",
        /// The wallet's id.
        Wallet = "wallet",
        /// Operator, bank or rail.
        Channel = "channel",
        /// Whose service it pays.
        Component = "component",
        /// The provider's field name.
        Label = "label",
        /// Who bears it.
        Bearer = "bearer",
        /// Which way the payment's money went: in, out or between.
        Direction = "direction",
        /// Currency.
        Currency = "currency",
        /// Local date, as `2026-05-03`.
        Day = "day",
        /// Local week of ISO 8601, as `2026-W18`.
        Week = "week",
        /// Local month, as `2026-05`.
        Month = "month",
    }
}

impl FeeDimension {
    /// What a volume has too; the others are of the fee alone.
    const fn is_of_payment(self) -> bool {
        !matches!(self, Self::Component | Self::Label | Self::Bearer)
    }
}

/// What to report.
#[derive(Debug, Clone)]
pub struct FeesQuery {
    /// In the order of the answer's keys.
    pub group_by: Vec<FeeDimension>,
    /// Which lines.
    pub span: Span,
    /// Whose days, weeks and months; the book's if absent. Book dates are in the book's zone in any case.
    pub zone: Option<TimeZone>,
    /// Only what was recorded up to this position; costs a walk through the lines.
    pub known: Option<u64>,
}

impl FeesQuery {
    /// All fees by some dimensions, as they are known now.
    pub const fn all(group_by: Vec<FeeDimension>) -> Self {
        Self { group_by, span: Span::ALL, zone: None, known: None }
    }
}

/// What was settled: payments, and the sum of what they were for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Volume {
    /// How many were settled.
    pub count: u64,
    /// Sum of their gross (money in) or amount (money out) at scale 4. Refunds and reversals do not lower it.
    pub gross: i128,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeeGroup {
    /// The chosen dimensions with their values; `None` where a fee has none.
    pub key: Vec<(FeeDimension, Option<String>)>,
    /// Who bears it.
    pub bearer: String,
    /// Currency.
    pub currency: Currency,
    /// Which way the money of its payments went; `None` for fees of no payment.
    pub direction: Option<FlowDirection>,
    /// Sum at scale 4; a cost is positive.
    pub amount: i128,
    /// How many lines.
    pub lines: u64,
    /// The part that follows from other figures and was not stated as a fee.
    pub derived: i128,
    /// The part that is one figure for everything.
    pub unitemised: i128,
    /// The part that belongs to payments in another currency; no rate and no net contain it.
    pub foreign: i128,
    /// The volume of the same direction, currency and payment dimensions. Component, label and bearer do not divide it:
    /// the rates of two components of one group add up.
    pub volume: Volume,
}

impl FeeGroup {
    /// What the fees are of the volume, in millionths, rounded half up; `None` without a volume.
    pub fn rate_millionths(&self) -> Option<i128> {
        let fees = self.amount.checked_sub(self.foreign)?;
        let twice = fees.checked_mul(2_000_000)?.checked_add(self.volume.gross)?;
        (self.volume.gross > 0).then(|| twice.div_euclid(2 * self.volume.gross))
    }

    /// What reached our wallets of the volume (money in), or left them for it (money out): gross less, or plus, the fees
    /// that we bear. `None` where nothing was settled.
    pub fn net(&self) -> Option<i128> {
        let ours = if self.bearer == Bearer::Merchant.as_str() { self.amount.checked_sub(self.foreign)? } else { 0 };
        match self.direction.filter(|_| self.volume.count > 0)? {
            FlowDirection::In => self.volume.gross.checked_sub(ours),
            FlowDirection::Out => self.volume.gross.checked_add(ours),
            FlowDirection::Between => None,
        }
    }
}

/// All fees of one bearer in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeeTotal {
    /// Who bears them.
    pub bearer: String,
    /// Currency.
    pub currency: Currency,
    /// Sum at scale 4.
    pub amount: i128,
    /// How many lines.
    pub lines: u64,
    /// What the fee accounts say about the same span at the same position. Summed by account, not by fee.
    pub accounts: i128,
}

/// Everything that was settled in one currency and direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VolumeTotal {
    /// Which way.
    pub direction: Option<FlowDirection>,
    /// Currency.
    pub currency: Currency,
    /// How much.
    pub volume: Volume,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeeReport {
    /// IANA name of the zone of days, weeks, months and dates.
    pub tz: String,
    /// In the order of their keys.
    pub groups: Vec<FeeGroup>,
    /// The same fees by bearer and currency only, beside the accounts.
    pub totals: Vec<FeeTotal>,
    /// What was settled.
    pub volumes: Vec<VolumeTotal>,
    /// There were more than [`GROUPS_MAX`] groups; `groups` is empty, the rest is not.
    pub too_many: bool,
}

/// Questions about fees.
#[async_trait]
pub trait FeesView: Send + Sync {
    /// The report.
    async fn fees(&self, book: BookId, query: &FeesQuery) -> Result<Answer<FeeReport>, StoreError>;
}

#[async_trait]
impl FeesView for Views {
    async fn fees(&self, book: BookId, query: &FeesQuery) -> Result<Answer<FeeReport>, StoreError> {
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        // What is known up to here or beyond is what the sums have.
        let known = query.known.filter(|known| *known < stamp.position);
        let own = book_zone(&mut tx, book, NAME).await?;
        let zone = match (&query.zone, query.span.basis()) {
            (Some(zone), Basis::Occurred) => zone.clone(),
            _ => own,
        };
        let kinds = kinds(&mut tx, at).await?;
        let mut report = Grouping::new(query, &zone, &kinds);
        for (table, slice) in plan(&mut tx, at, query, &zone, known).await? {
            tx.each(table.sql(at, query, &slice, known), |row| report.add(table, &slice, &row)).await?;
        }
        let accounts = totals::accounts(&mut tx, at, query.span, known).await?;
        Ok(Answer { stamp: stamp.known_at(known), value: report.finish(accounts) })
    }
}

/// The tables that a report adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    /// Ready sums of fees and volumes.
    Sums,
    /// Single lines of fees.
    Fees,
    /// Single volumes.
    Volumes,
}

/// What is read, in any order.
async fn plan(
    tx: &mut Tx,
    at: At,
    query: &FeesQuery,
    zone: &TimeZone,
    known: Option<u64>,
) -> Result<Vec<(Table, Slice)>, StoreError> {
    let (from, to) = query.span.bounds();
    // As it was known earlier: line by line, and the span is a filter.
    if known.is_some() {
        let lines = Slice::Lines { from: from.unwrap_or(i64::MIN), to: to.unwrap_or(i64::MAX) };
        return Ok(vec![(Table::Fees, lines.clone()), (Table::Volumes, lines)]);
    }
    if query.span.basis() == Basis::Booked {
        return Ok(vec![(Table::Sums, Slice::Sums { level: FEE_BOOKED, from, to, except: Vec::new() })]);
    }
    let unit = query.group_by.iter().filter_map(|dimension| unit(*dimension)).min_by_key(|unit| *unit as u8);
    // Weeks and months cut each other; both are whole in local days.
    let both = [FeeDimension::Week, FeeDimension::Month].iter().all(|unit| query.group_by.contains(unit));
    let unit = if both { Some(Unit::Day) } else { unit };
    let sql = Sql::new("SELECT MIN(bucket), MAX(bucket) FROM fee_sums WHERE book = ").bind(at.book);
    let row = tx.row(sql.text(" AND generation = ").bind(at.generation).text(" AND level = ").bind(FEE_DAY)).await?;
    let days = match row {
        Some(row) => row.maybe_int(0)?.zip(row.maybe_int(1)?),
        None => None,
    };
    let Some(days) = days else { return Ok(Vec::new()) };
    let mut plan = Vec::new();
    for slice in slices((from, to), unit, zone, days)? {
        match slice {
            Slice::Sums { .. } => plan.push((Table::Sums, slice)),
            Slice::Lines { .. } => plan.extend([(Table::Fees, slice.clone()), (Table::Volumes, slice)]),
        }
    }
    Ok(plan)
}

const fn unit(dimension: FeeDimension) -> Option<Unit> {
    match dimension {
        FeeDimension::Day => Some(Unit::Day),
        FeeDimension::Week => Some(Unit::Week),
        FeeDimension::Month => Some(Unit::Month),
        _ => None,
    }
}

impl Table {
    /// Kind, bucket, sum in two parts, number of lines.
    fn sql(self, at: At, query: &FeesQuery, slice: &Slice, known: Option<u64>) -> Sql {
        const QUARTER: &str = "(occurred_at - ((occurred_at % 900000000 + 900000000) % 900000000)) / 900000000, ";
        let timed = query.group_by.iter().any(|dimension| unit(*dimension).is_some());
        let booked = query.span.basis() == Basis::Booked;
        let bucket = match (timed, self, booked) {
            (false, ..) => "CAST(0 AS BIGINT), ",
            (true, Self::Sums, _) => "bucket, ",
            (true, _, true) => "book_day, ",
            (true, _, false) => QUARTER,
        };
        let sql = match self {
            Self::Sums => Sql::new("SELECT kind, ")
                .text(bucket)
                .text("CAST(SUM(high) AS BIGINT), CAST(SUM(low) AS BIGINT), CAST(SUM(lines) AS BIGINT) FROM fee_sums"),
            Self::Fees => Sql::new("SELECT fee, ").text(bucket).text(LINES).text("postings"),
            Self::Volumes => Sql::new("SELECT kind, ").text(bucket).text(LINES).text("volumes"),
        };
        let sql = sql.text(" WHERE book = ").bind(at.book).text(" AND generation = ").bind(at.generation);
        let sql = match slice {
            Slice::Sums { level, from, to, except } => {
                let sql = within(sql.text(" AND level = ").bind(*level), "bucket", (*from, *to));
                if except.is_empty() { sql } else { sql.text(" AND bucket NOT IN ").numbers(except.iter().copied()) }
            }
            Slice::Lines { from, to } => {
                let sql = if self == Self::Fees { sql.text(" AND fee IS NOT NULL") } else { sql };
                let column = if booked { "book_day" } else { "occurred_at" };
                let end = (*to != i64::MAX).then_some(*to);
                until(within(sql, column, ((*from != i64::MIN).then_some(*from), end)), known)
            }
        };
        sql.text(" GROUP BY 1, 2")
    }
}

const LINES: &str =
    "CAST(SUM(amount / 1000000000) AS BIGINT), CAST(SUM(amount % 1000000000) AS BIGINT), count(*) FROM ";

async fn kinds(tx: &mut Tx, at: At) -> Result<HashMap<Uuid, FeeKind>, StoreError> {
    let mut kinds = HashMap::new();
    tx.each(super::of_generation(FeeKind::SELECT, at), |row| {
        let (id, kind) = FeeKind::read(&row)?;
        kinds.insert(id, kind);
        Ok(())
    })
    .await?;
    Ok(kinds)
}

type Key = (Vec<Option<String>>, Currency, Option<FlowDirection>);
type FeeKey = (Vec<Option<String>>, String, Currency, Option<FlowDirection>);

#[derive(Default)]
struct Fees {
    amount: i128,
    lines: u64,
    derived: i128,
    unitemised: i128,
    foreign: i128,
}

/// Rows of sums on their way into groups.
struct Grouping<'a> {
    query: &'a FeesQuery,
    zone: &'a TimeZone,
    kinds: &'a HashMap<Uuid, FeeKind>,
    fees: BTreeMap<FeeKey, Fees>,
    totals: BTreeMap<(String, Currency), (i128, u64)>,
    volumes: BTreeMap<Key, Volume>,
    all_volumes: BTreeMap<(Option<FlowDirection>, Currency), Volume>,
    too_many: bool,
}

impl<'a> Grouping<'a> {
    fn new(query: &'a FeesQuery, zone: &'a TimeZone, kinds: &'a HashMap<Uuid, FeeKind>) -> Self {
        Self {
            query,
            zone,
            kinds,
            fees: BTreeMap::new(),
            totals: BTreeMap::new(),
            volumes: BTreeMap::new(),
            all_volumes: BTreeMap::new(),
            too_many: false,
        }
    }

    fn add(&mut self, table: Table, slice: &Slice, row: &Row) -> Result<(), StoreError> {
        let (id, bucket, amount, lines) = (row.uuid(0)?, row.int(1)?, row.sum(2)?, row.position(4)?);
        let kind = self.kinds.get(&id).ok_or_else(|| StoreError::Damaged("a sum names no kind of fee".into()))?;
        let date = self.date(table, slice, bucket);
        let Some((component, bearer)) = kind.component.as_ref().zip(kind.bearer.as_ref()) else {
            let dimensions = self.query.group_by.iter().copied().filter(|dimension| dimension.is_of_payment());
            let key = dimensions.map(|dimension| value(kind, dimension, date)).collect();
            // 2^63 lines of 2^63 units fit 127 bits; so do all sums below.
            for volume in [
                self.volumes.entry((key, kind.currency, kind.direction)).or_default(),
                self.all_volumes.entry((kind.direction, kind.currency)).or_default(),
            ] {
                (volume.count, volume.gross) = (volume.count + lines, volume.gross + amount);
            }
            return Ok(());
        };
        let total = self.totals.entry((bearer.clone(), kind.currency)).or_default();
        (total.0, total.1) = (total.0 + amount, total.1 + lines);
        let key: Vec<_> = self.query.group_by.iter().map(|dimension| value(kind, *dimension, date)).collect();
        let key = (key, bearer.clone(), kind.currency, kind.direction);
        self.too_many |= self.fees.len() >= GROUPS_MAX && !self.fees.contains_key(&key);
        if self.too_many {
            return Ok(());
        }
        let of = |holds: bool| if holds { amount } else { 0 };
        let group = self.fees.entry(key).or_default();
        group.amount += amount;
        group.lines += lines;
        group.derived += of(kind.source == Some(FigureSource::Derived));
        group.unitemised += of(component == Component::Unitemised.as_str());
        group.foreign += of(kind.is_foreign);
        Ok(())
    }

    /// The local date that a bucket begins on; nobody asks for it without a dimension of time.
    fn date(&self, table: Table, slice: &Slice, bucket: i64) -> jiff::civil::Date {
        if self.query.span.basis() == Basis::Booked {
            return civil(bucket);
        }
        let unit = match (table, slice) {
            (Table::Sums, Slice::Sums { level, .. }) if *level != FEE_QUARTER => DAY_MICROS,
            _ => QUARTER_MICROS,
        };
        let at = Time::from_micros(bucket.saturating_mul(unit));
        at.timestamp().to_zoned(self.zone.clone()).date()
    }

    fn finish(self, accounts: BTreeMap<(String, Currency), i128>) -> FeeReport {
        let of_payment: Vec<bool> = self.query.group_by.iter().map(|dimension| dimension.is_of_payment()).collect();
        let groups =
            self.fees.into_iter().filter(|_| !self.too_many).map(|((key, bearer, currency, direction), sum)| {
                let own = key.iter().zip(&of_payment).filter(|(_, own)| **own).map(|(value, _)| value.clone());
                let volume = self.volumes.get(&(own.collect(), currency, direction)).copied().unwrap_or_default();
                let key = self.query.group_by.iter().copied().zip(key).collect();
                let Fees { amount, lines, derived, unitemised, foreign } = sum;
                FeeGroup { key, bearer, currency, direction, amount, lines, derived, unitemised, foreign, volume }
            });
        let keys: BTreeSet<_> = self.totals.keys().chain(accounts.keys()).cloned().collect();
        let totals = keys.into_iter().map(|key| {
            let (amount, lines) = self.totals.get(&key).copied().unwrap_or_default();
            let accounts = accounts.get(&key).copied().unwrap_or_default();
            FeeTotal { bearer: key.0, currency: key.1, amount, lines, accounts }
        });
        let volumes = self.all_volumes.into_iter();
        let volumes =
            volumes.map(|((direction, currency), volume)| VolumeTotal { direction, currency, volume }).collect();
        let tz = self.zone.iana_name().unwrap_or("UTC").to_owned();
        FeeReport { tz, groups: groups.collect(), totals: totals.collect(), volumes, too_many: self.too_many }
    }
}

fn value(kind: &FeeKind, dimension: FeeDimension, date: jiff::civil::Date) -> Option<String> {
    match dimension {
        FeeDimension::Provider => kind.provider.clone(),
        FeeDimension::Connection => kind.connection.map(|id| id.to_string()),
        FeeDimension::Wallet => kind.wallet.map(|id| id.to_string()),
        FeeDimension::Channel => kind.channel.clone(),
        FeeDimension::Component => kind.component.clone(),
        FeeDimension::Label => kind.label.clone(),
        FeeDimension::Bearer => kind.bearer.clone(),
        FeeDimension::Direction => kind.direction.map(|word| word.to_string()),
        FeeDimension::Currency => Some(kind.currency.to_string()),
        FeeDimension::Day => Some(date.to_string()),
        FeeDimension::Week => {
            let week = date.iso_week_date();
            Some(format!("{:04}-W{:02}", week.year(), week.week()))
        }
        FeeDimension::Month => Some(format!("{:04}-{:02}", date.year(), date.month())),
    }
}
