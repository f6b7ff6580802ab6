//! The API over fakes in memory: two books, two keys.

mod rows;
mod tables;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::Response;
use ensimbi_api::{ApiState, keys, router};
use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::event::{Context, Lines};
use ensimbi_events::leaf;
use ensimbi_events::ports::{
    AccountBalance, ApiKeys, BookReader, Check, Head, LineFilter, ReadError, Readiness, StoredLeaf,
};
use ensimbi_events::word::{FigureSource, ItemKind, Mode, OccurredSource, Verdict};
use ensimbi_events::words::payment::CollectionSucceeded;
use ensimbi_events::{
    Amount, BookId, Clock, ConnectionId, Currency, Entropy, Event, EventId, Fact, Hash, Line, PartyId, Record,
    SubjectId, SubjectKind, Time, WalletId,
};
use ensimbi_projections::accounts::FlowDirection;
use ensimbi_projections::discrepancies::{DiscrepancyRow, DiscrepancyState};
use ensimbi_projections::invoices::{InvoiceItem, InvoicePayment};
use ensimbi_projections::open_items::OpenItemRow;
use ensimbi_projections::payments::{DisputeRow, PaymentKind, PaymentRow};
use ensimbi_projections::query::{
    Ageing, AgeingBucket, AgeingQuery, AgeingRow, Answer, Day, DiscrepanciesQuery, DisputesQuery, FeeGroup, FeeReport,
    FeeTotal, FeesQuery, InvoiceDetail, InvoiceList, InvoicesQuery, LineKey, OpenItemList, OpenItemTotal,
    OpenItemsQuery, Page, PaymentDetail, PaymentTotal, PaymentsQuery, Stamp, Statement, StatementLine, StatementQuery,
    TrialBalance, TrialBalanceQuery, Volume, VolumeTotal, WalletKey,
};
use ensimbi_projections::wallets::WalletRow;
use ensimbi_projections::{
    AccountsView, DiscrepanciesView, FeesView, InvoicesView, OpenItemsView, PaymentsView, StoreError, WalletsView,
};
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

pub use rows::{dispute_row, invoice_row, payment_row, wallet_row};

pub const BOOK: BookId = BookId(Uuid::from_u128(1));
pub const OTHER: BookId = BookId(Uuid::from_u128(2));
const SIZE: u64 = 7;
const DAY_MICROS: i64 = 86_400_000_000;

pub fn wallet(n: u128) -> WalletId {
    WalletId(Uuid::from_u128(0xa0 + n))
}

pub fn subject(n: u64) -> SubjectId {
    SubjectId(Uuid::from_u128(0x500 + u128::from(n)))
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

/// Everything the API reads through.
#[derive(Default)]
pub struct House {
    pub down: AtomicBool,
    pub panics: AtomicBool,
}

impl House {
    fn check(&self) -> Result<(), ReadError> {
        assert!(!self.panics.load(Ordering::Relaxed), "a bug");
        if self.down.load(Ordering::Relaxed) { Err(ReadError::Unavailable("secret address".into())) } else { Ok(()) }
    }

    pub fn event(position: u64) -> Event {
        let body = CollectionSucceeded {
            gross: amount("700"),
            net: amount("675.5"),
            net_source: FigureSource::Observed,
            held: None,
            held_until: None,
            payer: None,
            rate: None,
            invoice_id: None,
            channel: None,
            fees: Vec::new(),
        };
        let line = |n, account: &str, value: &str| Line {
            n,
            account: account.into(),
            currency: "UGX".parse().unwrap(),
            amount: amount(value),
            open_item: None,
            payment_id: None,
            component: None,
            bearer: None,
        };
        let lines =
            vec![line(1, "assets:wallet:main:w1", "675.5"), line(2, "liabilities:clearing:collections:main", "-675.5")];
        Event {
            fact: Fact {
                subject: subject(position),
                subject_kind: SubjectKind::Payment,
                connection: Some(ConnectionId(Uuid::from_u128(0xc0))),
                wallet: Some(wallet(1)),
                object_kind: None,
                object_id: None,
                occurrence: String::new(),
                currency: Some("UGX".parse().unwrap()),
                version: 1,
                body: body.into(),
            },
            context: Context {
                occurred_at: Time::from_micros(1_000_000 * position as i64),
                occurred_source: OccurredSource::Provider,
                claim: None,
                translator: None,
                party: Some(PartyId(Uuid::from_u128(9))),
                evidence: Vec::new(),
            },
            record: Record {
                book: BOOK,
                event_id: EventId(Uuid::from_u128(u128::from(position))),
                position,
                recorded_at: Time::from_micros(1_000_000 * position as i64),
                book_date: "1970-01-01".into(),
                rules: 1,
                configuration: 1,
                lines: Lines(lines),
                no_lines: None,
                posting_key: None,
                operator_key: None,
                cause: None,
            },
        }
    }

    fn leaf(position: u64) -> StoredLeaf {
        let leaf = leaf::encode(&Self::event(position));
        StoredLeaf { position, leaf_hash: leaf::leaf_hash(&leaf), leaf }
    }

    fn size(book: BookId) -> u64 {
        if book == BOOK { SIZE } else { 0 }
    }
}

#[async_trait]
impl BookReader for House {
    async fn head(&self, book: BookId) -> Result<Head, ReadError> {
        self.check()?;
        Ok(Head { book, size: Self::size(book), root: Hash::default() })
    }
    async fn read(&self, book: BookId, after: u64, limit: u32) -> Result<Vec<StoredLeaf>, ReadError> {
        Ok((1..=Self::size(book)).filter(|p| *p > after).take(limit as usize).map(Self::leaf).collect())
    }
    async fn entry_positions(&self, book: BookId, filter: &LineFilter) -> Result<Vec<u64>, ReadError> {
        let all = (1..=Self::size(book)).filter(|p| *p > filter.after);
        let all = all.filter(|p| filter.subject.is_none_or(|id| id == subject(*p)));
        Ok(all.take(filter.limit as usize).collect())
    }
    async fn read_at(&self, _: BookId, positions: &[u64]) -> Result<Vec<StoredLeaf>, ReadError> {
        Ok(positions.iter().map(|p| Self::leaf(*p)).collect())
    }
    async fn trial_balance(&self, book: BookId) -> Result<(u64, Vec<AccountBalance>), ReadError> {
        let line = |account: &str, debit, credit| AccountBalance {
            account: account.into(),
            currency: "UGX".parse().unwrap(),
            debit,
            credit,
        };
        if book != BOOK {
            return Ok((0, Vec::new()));
        }
        let lines = [
            line("liabilities:clearing:collections:main", 0, 7_000_000),
            line("assets:wallet:main:w1", 6_755_000, 0),
            line("expenses:fees:main:provider", 245_000, 0),
        ];
        Ok((SIZE, lines.to_vec()))
    }
    async fn books(&self) -> Result<Vec<BookId>, ReadError> {
        Ok(vec![BOOK, OTHER])
    }
    async fn ping(&self) -> Result<(), ReadError> {
        Ok(())
    }
}

fn stamp(book: BookId) -> Stamp {
    Stamp { position: House::size(book), recorded_at: Some(Time::from_micros(10 * DAY_MICROS)), stopped_at: None }
}

#[async_trait]
impl WalletsView for House {
    async fn wallets(&self, book: BookId, after: Option<WalletKey>, limit: u32) -> Result<Page<WalletRow>, StoreError> {
        let rows = (1..=5).map(wallet_row).filter(|row| after.as_ref().is_none_or(|key| row.code > key.code));
        let mut items: Vec<_> = rows.filter(|_| book == BOOK).collect();
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        Ok(Page { stamp: stamp(book), items, more })
    }
    async fn wallet(&self, book: BookId, id: WalletId) -> Result<Answer<Option<WalletRow>>, StoreError> {
        let row = (1..=5).map(wallet_row).find(|row| row.wallet == id && book == BOOK);
        Ok(Answer { stamp: stamp(book), value: row })
    }
    async fn wallet_at(
        &self,
        book: BookId,
        id: WalletId,
        _: Option<Time>,
        known: Option<u64>,
    ) -> Result<Answer<Option<WalletRow>>, StoreError> {
        let answer = self.wallet(book, id).await?;
        Ok(Answer { stamp: answer.stamp.known_at(known), ..answer })
    }
}

#[async_trait]
impl PaymentsView for House {
    async fn payments(&self, book: BookId, query: &PaymentsQuery) -> Result<Page<PaymentRow>, StoreError> {
        let rows = (1..=House::size(book)).rev().filter(|n| query.before.is_none_or(|before| *n < before));
        let mut items: Vec<_> = rows.map(payment_row).collect();
        let more = items.len() > query.limit as usize;
        items.truncate(query.limit as usize);
        Ok(Page { stamp: stamp(book), items, more })
    }
    async fn payment(&self, book: BookId, id: SubjectId) -> Result<Answer<Option<PaymentRow>>, StoreError> {
        let row = (1..=House::size(book)).map(payment_row).find(|row| row.payment == id);
        Ok(Answer { stamp: stamp(book), value: row })
    }
    async fn payment_detail(&self, book: BookId, id: SubjectId) -> Result<Answer<Option<PaymentDetail>>, StoreError> {
        let Answer { stamp, value } = self.payment(book, id).await?;
        let refund = PaymentRow { kind: PaymentKind::Refund, parent: Some(id), ..payment_row(6) };
        let detail = |payment| PaymentDetail { payment, refunds: vec![refund], disputes: vec![dispute_row(7)] };
        Ok(Answer { stamp, value: value.map(detail) })
    }
    async fn disputes(&self, book: BookId, query: &DisputesQuery) -> Result<Page<DisputeRow>, StoreError> {
        let rows = (1..=House::size(book)).rev().filter(|n| query.before.is_none_or(|before| *n < before));
        let rows = rows.map(dispute_row).filter(|row| query.state.is_none_or(|state| row.state == state));
        Ok(page(book, rows.collect(), query.limit))
    }
    async fn dispute(&self, book: BookId, id: SubjectId) -> Result<Answer<Option<DisputeRow>>, StoreError> {
        let row = (1..=House::size(book)).map(dispute_row).find(|row| row.dispute == id);
        Ok(Answer { stamp: stamp(book), value: row })
    }
    async fn states(&self, book: BookId) -> Result<Answer<Vec<PaymentTotal>>, StoreError> {
        Ok(Answer { stamp: stamp(book), value: Vec::new() })
    }
}

#[async_trait]
impl FeesView for House {
    async fn fees(&self, book: BookId, query: &FeesQuery) -> Result<Answer<FeeReport>, StoreError> {
        let currency = "UGX".parse().unwrap();
        let key = query.group_by.iter().map(|d| (*d, Some("x".to_owned()))).collect();
        let group = FeeGroup {
            key,
            bearer: "merchant".into(),
            currency,
            direction: Some(FlowDirection::In),
            amount: 245_000,
            lines: 2,
            derived: 0,
            unitemised: 5_000,
            foreign: 0,
            volume: Volume { count: 1, gross: 7_000_000 },
        };
        let (bearer, volume) = ("merchant".to_owned(), group.volume);
        let total = FeeTotal { bearer, currency, amount: 245_000, lines: 2, accounts: 245_000 };
        let volumes = vec![VolumeTotal { direction: group.direction, currency, volume }];
        let tz = query.zone.as_ref().and_then(|zone| zone.iana_name()).unwrap_or("Africa/Kampala").to_owned();
        let value = FeeReport { tz, groups: vec![group], totals: vec![total], volumes, too_many: false };
        Ok(Answer { stamp: stamp(book), value })
    }
}

#[async_trait]
impl AccountsView for House {
    async fn trial_balance(&self, book: BookId, _: &TrialBalanceQuery) -> Result<Answer<TrialBalance>, StoreError> {
        let (_, mut accounts) = BookReader::trial_balance(self, book).await.unwrap();
        accounts.sort_by(|a, b| a.account.cmp(&b.account));
        Ok(Answer { stamp: stamp(book), value: TrialBalance { tz: "Africa/Kampala".into(), accounts } })
    }
    /// Seven lines of 100 each, numbered from 1, of which a page has as many as were asked for.
    async fn statement(&self, book: BookId, query: &StatementQuery) -> Result<Answer<Statement>, StoreError> {
        let after = query.after.map_or(0, |key| key.position);
        let line = |n: u64| StatementLine {
            position: n,
            n: 1,
            occurred_at: Time::from_micros(0),
            recorded_at: Time::from_micros(0),
            book_date: "1970-01-01".into(),
            word: "CollectionSucceeded".into(),
            subject: subject(n),
            payment: Some(subject(n)),
            open_item: None,
            amount: amount("100"),
            balance: i128::from(n) * 1_000_000,
        };
        let lines: Vec<_> = (after + 1..=House::size(book)).take(query.limit as usize).map(line).collect();
        let last = lines.last().map(|line| LineKey { at: 0, position: line.position, n: 1 });
        let next = last.filter(|last| last.position < House::size(book));
        let sum = i128::from(House::size(book)) * 1_000_000;
        let (tz, count) = ("Africa/Kampala".into(), House::size(book));
        let value = Statement { tz, opening: 0, debit: sum, credit: 0, closing: sum, count, lines, next };
        Ok(Answer { stamp: stamp(book), value })
    }
    async fn accounts(&self, book: BookId) -> Result<Answer<Vec<(String, Currency)>>, StoreError> {
        let (_, accounts) = BookReader::trial_balance(self, book).await.unwrap();
        Ok(Answer { stamp: stamp(book), value: accounts.into_iter().map(|a| (a.account, a.currency)).collect() })
    }
    async fn zone(&self, _: BookId) -> Result<jiff::tz::TimeZone, StoreError> {
        Ok(jiff::tz::TimeZone::get("Africa/Kampala").unwrap())
    }
}

fn day(query: &AgeingQuery) -> Day {
    let tz = query.zone.as_ref().and_then(|zone| zone.iana_name()).unwrap_or("Africa/Kampala");
    Day { as_at: query.as_at.unwrap_or(Time::from_micros(10 * DAY_MICROS)), tz: tz.into() }
}

#[async_trait]
impl InvoicesView for House {
    async fn invoices(&self, book: BookId, query: &InvoicesQuery) -> Result<InvoiceList, StoreError> {
        let rows = (1..=House::size(book)).rev().filter(|n| query.before.is_none_or(|before| *n < before));
        let rows = rows.map(invoice_row).collect();
        let day = query.overdue.map(|_| day(&AgeingQuery::default()));
        Ok(InvoiceList { page: page(book, rows, query.limit), day })
    }
    async fn invoice(&self, book: BookId, id: SubjectId) -> Result<Answer<Option<InvoiceDetail>>, StoreError> {
        let row = (1..=House::size(book)).map(invoice_row).find(|row| row.invoice == id);
        let value = row.map(|invoice| InvoiceDetail {
            items: vec![InvoiceItem {
                invoice: id,
                n: 1,
                item_id: "a".into(),
                quantity: "2".into(),
                unit_amount: amount("59000"),
                tax: None,
                amount: Some(amount("118000")),
            }],
            payments: vec![InvoicePayment {
                invoice: id,
                payment: subject(2),
                item_kind: ItemKind::Payment,
                allocated: amount("60000"),
                deallocated: amount("10000"),
                tax: Amount::ZERO,
                first_at: Time::from_micros(0),
                last_at: Time::from_micros(0),
                first_position: 2,
                last_position: 3,
            }],
            invoice,
        });
        Ok(Answer { stamp: stamp(book), value })
    }
    async fn ageing(&self, book: BookId, query: &AgeingQuery) -> Result<Answer<Ageing>, StoreError> {
        let buckets = AgeingBucket::ALL.iter().map(|bucket| (*bucket, 680_000_000, 1)).collect();
        let row = AgeingRow {
            currency: "UGX".parse().unwrap(),
            buckets,
            outstanding: 5 * 680_000_000,
            receivable: 5 * 680_000_000,
            invoices: 5,
        };
        let rows = if book == BOOK { vec![row] } else { Vec::new() };
        Ok(Answer { stamp: stamp(book), value: Ageing { day: Some(day(query)), rows } })
    }
}

/// A page of rows, cut as the views cut it.
fn page<T>(book: BookId, mut items: Vec<T>, limit: u32) -> Page<T> {
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    Page { stamp: stamp(book), items, more }
}

pub fn event(n: u64) -> EventId {
    EventId(Uuid::from_u128(0xe00 + u128::from(n)))
}

fn discrepancy_row(n: u64) -> DiscrepancyRow {
    let resolved = n.is_multiple_of(2);
    DiscrepancyRow {
        discrepancy: event(n),
        position: n,
        state: if resolved { DiscrepancyState::Resolved } else { DiscrepancyState::Open },
        kind: DiscrepancyKind::AmountDiffers,
        about: Some(event(n + 100)),
        stake: Some(amount("9000")),
        stake_currency: Some("UGX".parse().unwrap()),
        subject: subject(n),
        subject_kind: SubjectKind::Payment,
        connection: None,
        wallet: Some(wallet(1)),
        detail: None,
        withheld_word: Some("CollectionSucceeded".into()),
        withheld_position: Some(n),
        occurred_at: Time::from_micros(0),
        raised_at: Time::from_micros(0),
        verdict: resolved.then_some(Verdict::Reject),
        actor_id: resolved.then(|| "u1".into()),
        reason: resolved.then(|| "seen".into()),
        target: None,
        resolved_at: resolved.then_some(Time::from_micros(0)),
        resolved_position: resolved.then_some(n),
    }
}

#[async_trait]
impl DiscrepanciesView for House {
    async fn discrepancies(
        &self,
        book: BookId,
        query: &DiscrepanciesQuery,
    ) -> Result<Page<DiscrepancyRow>, StoreError> {
        let rows = (1..=House::size(book)).rev().filter(|n| query.before.is_none_or(|before| *n < before));
        let rows = rows.map(discrepancy_row).filter(|row| query.state.is_none_or(|state| row.state == state));
        Ok(page(book, rows.collect(), query.limit))
    }
    async fn discrepancy(&self, book: BookId, id: EventId) -> Result<Answer<Option<DiscrepancyRow>>, StoreError> {
        let row = (1..=House::size(book)).map(discrepancy_row).find(|row| row.discrepancy == id);
        Ok(Answer { stamp: stamp(book), value: row })
    }
}

fn open_item_row(n: u64) -> OpenItemRow {
    OpenItemRow {
        account: "liabilities:clearing:collections:main".into(),
        item: subject(n),
        currency: "UGX".parse().unwrap(),
        connection: Some(ConnectionId(Uuid::from_u128(0xc0))),
        balance: amount("-100"),
        opened_at: Time::from_micros(n as i64 * DAY_MICROS),
        last_at: Time::from_micros(n as i64 * DAY_MICROS),
        first_position: n,
        last_position: n,
    }
}

#[async_trait]
impl OpenItemsView for House {
    async fn open_items(&self, book: BookId, query: &OpenItemsQuery) -> Result<OpenItemList, StoreError> {
        let rows: Vec<OpenItemRow> = (1..=House::size(book)).map(open_item_row).collect();
        let totals = rows.first().map(|row| OpenItemTotal {
            account: row.account.clone(),
            currency: row.currency,
            balance: -7_000_000,
            items: 7,
            oldest_at: row.opened_at,
        });
        let rows = rows.into_iter().filter(|row| query.after.as_ref().is_none_or(|key| row.item > key.item));
        Ok(OpenItemList { page: page(book, rows.collect(), query.limit), totals: totals.into_iter().collect() })
    }
}

pub struct Ones(pub u8);
impl Entropy for Ones {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

struct Still;
#[async_trait]
impl Clock for Still {
    fn now(&self) -> Time {
        Time::from_micros(0)
    }
    async fn sleep_until(&self, _: Time) {}
}

pub fn key(book: BookId) -> String {
    keys::ApiKey::make(&Ones(if book == BOOK { 1 } else { 2 }), Mode::Test).reveal().to_owned()
}

#[async_trait]
impl ApiKeys for House {
    async fn book_of(&self, hash: &[u8; 32]) -> Result<Option<BookId>, ReadError> {
        Ok([BOOK, OTHER].into_iter().find(|book| keys::hash(&key(*book)) == *hash))
    }
}

#[async_trait]
impl Readiness for House {
    async fn checks(&self) -> Vec<Check> {
        let ok = !self.down.load(Ordering::Relaxed);
        vec![Check { name: "book".into(), ok, detail: if ok { String::new() } else { "no answer".into() } }]
    }
}

pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// Asserts that it is a problem with this status and code; gives its body.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(body["type"].as_str(), Some(format!("urn:ensimbi:problem:{code}").as_str()));
        assert_eq!(body["status"], status);
        body
    }
}

pub async fn send(house: &Arc<House>, request: Request<Body>) -> Got {
    let state = ApiState {
        reader: house.clone(),
        wallets: house.clone(),
        payments: house.clone(),
        fees: house.clone(),
        accounts: house.clone(),
        invoices: house.clone(),
        discrepancies: house.clone(),
        open_items: house.clone(),
        rows: house.clone(),
        commands: None,
        keys: house.clone(),
        readiness: house.clone(),
        clock: Arc::new(Still),
        entropy: Arc::new(Ones(3)),
    };
    let response: Response = router(state).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 10_000_000).await.unwrap();
    Got { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

pub async fn get_as(house: &Arc<House>, book: BookId, path: &str) -> Got {
    let request = Request::get(path).header("authorization", format!("Bearer {}", key(book)));
    send(house, request.body(Body::empty()).unwrap()).await
}

pub async fn get(path: &str) -> Got {
    get_as(&Arc::new(House::default()), BOOK, path).await
}
