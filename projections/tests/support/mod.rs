//! A scripted book in memory, and fresh stores to project it into.

#![allow(dead_code, unused_imports, unused_macros)] // shared by several test programs

pub mod random;
pub mod story;
pub mod truth;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::event::{Lines, Proof};
use ensimbi_events::leaf;
use ensimbi_events::ports::{AccountBalance, BookReader, Head, LineFilter, ReadError, StoredLeaf};
use ensimbi_events::word::{
    Bearer, Component, Fee, FeesMode, FigureSource, Mode, OccurredSource, Recognition, Verdict,
};
use ensimbi_events::words::book::{BookOpened, ConnectionConfigured, WalletConfig};
use ensimbi_events::words::control::{DiscrepancyRaised, DiscrepancyResolved};
use ensimbi_events::words::invoice::{InvoiceDrafted, InvoiceItemAdded, InvoiceItemRemoved, InvoicePublished};
use ensimbi_events::words::payment::{
    CollectionFailed, CollectionPending, CollectionRequested, CollectionReversed, CollectionSucceeded, FeesReported,
};
use ensimbi_events::words::payout::{PayoutFailed, PayoutRequested, PayoutReversed, PayoutSucceeded};
use ensimbi_events::words::wallet::{FundsReleased, OpeningBalanceDeclared};
use ensimbi_events::{
    Amount, Body, BookId, ConnectionId, Context, Currency, Event, EventId, Fact, Line, NoLines, Record, SubjectId,
    SubjectKind, Time, WalletId,
};
use ensimbi_projections::{StoreError, ViewStore};
use uuid::Uuid;

pub const BOOK: BookId = BookId(Uuid::from_u128(0xb00c));
pub const CONNECTION: ConnectionId = ConnectionId(Uuid::from_u128(0xc0));
pub const WALLET: WalletId = WalletId(Uuid::from_u128(0xa1));
pub const START: i64 = 1_767_225_600_000_000; // 2026-01-01T00:00:00Z

pub fn subject(n: u128) -> SubjectId {
    SubjectId(Uuid::from_u128(0x5000 + n))
}

pub fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

pub fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

/// The event at a position of [`MemoryBook`].
pub fn event_id(position: u64) -> EventId {
    EventId(Uuid::from_u128(0xe000 + u128::from(position)))
}

/// A recorded event; its lines, its date of 1 January 2026, and nothing else that a reader could want.
pub fn event(fact: Fact, position: u64, at: Time, lines: Vec<Line>) -> Event {
    Event {
        context: Context {
            occurred_at: at,
            occurred_source: OccurredSource::Provider,
            claim: None,
            translator: None,
            party: None,
            evidence: Vec::<Proof>::new(),
        },
        record: Record {
            book: BOOK,
            event_id: event_id(position),
            position,
            recorded_at: at,
            book_date: "2026-01-01".into(),
            rules: 1,
            configuration: 1,
            no_lines: lines.is_empty().then_some(NoLines::None),
            lines: Lines(lines),
            posting_key: None,
            operator_key: None,
            cause: None,
        },
        fact,
    }
}

/// `bookkeeping.md` section 1: the accounts whose balances wait for an id.
pub fn has_open_items(account: &str) -> bool {
    let prefixes = ["liabilities:clearing:", "assets:clearing:", "assets:disputed:", "liabilities:suspense:"];
    account == R || prefixes.iter().any(|prefix| account.starts_with(prefix))
}

/// A log in memory.
#[derive(Default)]
pub struct MemoryBook {
    leaves: Mutex<Vec<StoredLeaf>>,
}

impl MemoryBook {
    pub fn push(&self, fact: Fact, minutes: i64, no_lines: Option<NoLines>, lines: &[(&str, &str)]) -> u64 {
        self.push_on(fact, minutes, no_lines, lines)
    }

    /// As `push`; an account can name its open item behind a `#`, as a number of `subject`.
    pub fn push_on<A: AsRef<str>, V: AsRef<str>>(
        &self,
        fact: Fact,
        minutes: i64,
        no_lines: Option<NoLines>,
        lines: &[(A, V)],
    ) -> u64 {
        let mut leaves = self.leaves.lock().unwrap();
        let position = leaves.len() as u64 + 1;
        let at = Time::from_micros(START + minutes * 60_000_000);
        let payment_id = (fact.subject_kind == SubjectKind::Payment).then_some(fact.subject);
        let lines = lines.iter().zip(1u32..).map(|((account, value), n)| {
            let (account, value) = (account.as_ref(), value.as_ref());
            let (account, item) = account
                .split_once('#')
                .map_or((account, None), |(account, item)| (account, Some(subject(item.parse().unwrap()))));
            let (value, code) = value.split_once('@').unwrap_or((value, "UGX"));
            Line {
                n,
                account: account.to_owned(),
                currency: currency(code),
                amount: amount(value),
                open_item: has_open_items(account).then_some(item.unwrap_or(fact.subject)),
                payment_id,
                component: None,
                bearer: None,
            }
        });
        let lines = lines.collect();
        let mut event = event(fact, position, at, lines);
        event.record.no_lines = no_lines.or(event.record.no_lines);
        let leaf = leaf::encode(&event);
        leaves.push(StoredLeaf { position, leaf_hash: leaf::leaf_hash(&leaf), leaf });
        position
    }

    /// Bytes that no program of ours wrote, with a fitting hash.
    pub fn push_unreadable(&self) -> u64 {
        let mut leaves = self.leaves.lock().unwrap();
        let position = leaves.len() as u64 + 1;
        let leaf = vec![0xff, 0x00];
        leaves.push(StoredLeaf { position, leaf_hash: leaf::leaf_hash(&leaf), leaf });
        position
    }

    /// Withholds an event and raises the discrepancy that holds it; gives both positions.
    pub fn withhold(&self, fact: Fact, minutes: i64) -> (u64, u64) {
        let withheld = self.push(fact.clone(), minutes, Some(NoLines::Withheld), &[]);
        let raised = self.raise(&fact, minutes, DiscrepancyKind::AmountDiffers, withheld);
        (withheld, raised)
    }

    /// The ledger raises a discrepancy about the event at a position.
    pub fn raise(&self, about: &Fact, minutes: i64, kind: DiscrepancyKind, position: u64) -> u64 {
        let body = DiscrepancyRaised {
            kind,
            about: Some(event_id(position)),
            stake: Some(amount("600")),
            stake_currency: about.currency,
            other_fact: None,
            detail: None,
        };
        let body: Body = body.into();
        self.push(Fact { version: body.version(), body, ..about.clone() }, minutes, None, &[])
    }

    pub fn change(&self, change: impl FnOnce(&mut Vec<StoredLeaf>)) {
        change(&mut self.leaves.lock().unwrap());
    }

    pub fn size(&self) -> u64 {
        self.leaves.lock().unwrap().len() as u64
    }
}

#[async_trait]
impl BookReader for MemoryBook {
    async fn head(&self, book: BookId) -> Result<Head, ReadError> {
        Ok(Head { book, size: self.size(), root: leaf::Hash::default() })
    }
    async fn read(&self, _: BookId, after: u64, limit: u32) -> Result<Vec<StoredLeaf>, ReadError> {
        let leaves = self.leaves.lock().unwrap();
        Ok(leaves.iter().filter(|leaf| leaf.position > after).take(limit as usize).cloned().collect())
    }
    async fn entry_positions(&self, _: BookId, _: &LineFilter) -> Result<Vec<u64>, ReadError> {
        Ok(Vec::new())
    }
    async fn read_at(&self, _: BookId, positions: &[u64]) -> Result<Vec<StoredLeaf>, ReadError> {
        let leaves = self.leaves.lock().unwrap();
        Ok(positions.iter().filter_map(|p| leaves.get(*p as usize - 1)).cloned().collect())
    }
    async fn trial_balance(&self, _: BookId) -> Result<(u64, Vec<AccountBalance>), ReadError> {
        Ok((self.size(), Vec::new()))
    }
    async fn books(&self) -> Result<Vec<BookId>, ReadError> {
        Ok(vec![BOOK])
    }
    async fn ping(&self) -> Result<(), ReadError> {
        Ok(())
    }
}

pub fn fact(subject: SubjectId, kind: SubjectKind, body: impl Into<Body>) -> Fact {
    let body = body.into();
    Fact {
        subject,
        subject_kind: kind,
        connection: Some(CONNECTION),
        wallet: Some(WALLET),
        object_kind: Some("object".into()),
        object_id: Some(format!("id-{subject}")),
        occurrence: String::new(),
        currency: Some(currency("UGX")),
        version: body.version(),
        body,
    }
}

pub fn fee(component: Component, bearer: Bearer, value: &str, label: &str) -> Fee {
    Fee {
        component,
        bearer,
        amount: amount(value),
        currency: currency("UGX"),
        source: FigureSource::Observed,
        label: label.into(),
        tax: None,
    }
}

pub fn requested(value: &str) -> CollectionRequested {
    CollectionRequested { amount: amount(value), fee_bearer: None, invoice_id: None }
}

pub fn succeeded(gross: &str, net: &str, fees: Vec<Fee>) -> CollectionSucceeded {
    CollectionSucceeded {
        gross: amount(gross),
        net: amount(net),
        net_source: FigureSource::Observed,
        held: None,
        held_until: None,
        payer: None,
        rate: None,
        invoice_id: None,
        channel: Some("mtn".into()),
        fees,
    }
}

pub const W: &str = "assets:wallet:main:w1";
pub const H: &str = "assets:held:main:w1";
pub const R: &str = "assets:receivable";
pub const C: &str = "liabilities:clearing:collections:main";
pub const P: &str = "assets:clearing:payouts:main";
pub const E: &str = "equity:opening:main";
pub const F_PROVIDER: &str = "expenses:fees:main:provider";
pub const F_NETWORK: &str = "expenses:fees:main:network";
pub const M_PROVIDER: &str = "equity:memo:fees:payer:main:provider";
pub const MC: &str = "equity:memo:contra";

/// A book in which every word that a projection knows has happened at least once.
pub fn scripted(payments: u128) -> MemoryBook {
    let book = MemoryBook::default();
    let opened = BookOpened {
        tenant: "demo".into(),
        mode: Mode::Test,
        time_zone: "Africa/Kampala".into(),
        policies: Vec::new(),
        currencies: vec![currency("UGX")],
    };
    let mut first = fact(subject(9_001), SubjectKind::Book, opened);
    (first.connection, first.wallet, first.object_id, first.object_kind) = (None, None, None, None);
    book.push(first, 0, None, &[]);
    let connection = ConnectionConfigured {
        provider: "acme".into(),
        account: "account-1".into(),
        account_code: "main".into(),
        slug: "acme-main".into(),
        authenticity: "hint".into(),
        simulated: true,
        poll: None,
        wallets: vec![WalletConfig {
            wallet_id: WALLET,
            provider_id: "p1".into(),
            code: "w1".into(),
            currency: currency("UGX"),
            purse: Some("collections".into()),
        }],
        webhook_keys: Vec::new(),
    };
    let mut configured = fact(subject(9_002), SubjectKind::Connection, connection);
    configured.wallet = None;
    book.push(configured, 1, None, &[]);
    let opening =
        OpeningBalanceDeclared { as_of: Time::from_micros(START), posted: amount("100000"), held: Some(amount("500")) };
    let opening = fact(subject(9_003), SubjectKind::Wallet, opening);
    book.push(opening, 2, None, &[(W, "100000"), (H, "500"), (E, "-100500")]);
    let released = FundsReleased { amount: amount("500"), parts: Vec::new() };
    book.push(fact(subject(9_004), SubjectKind::Wallet, released), 3, None, &[(W, "500"), (H, "-500")]);

    for n in 0..payments {
        let (id, kind, minute) = (subject(n), SubjectKind::Payment, 10 + n as i64 * 7);
        book.push(fact(id, kind, requested("700")), minute, None, &[]);
        let pending = CollectionPending { amount: amount("700"), fee_bearer: None, invoice_id: None };
        book.push(fact(id, kind, pending), minute + 1, None, &[]);
        match n % 5 {
            0 | 1 => {
                let fees = vec![
                    fee(Component::Provider, Bearer::Merchant, "14", "transactionCharge"),
                    fee(Component::Network, Bearer::Merchant, "10.5", "vendorCharge"),
                ];
                let lines = [(W, "675.5"), (F_PROVIDER, "14"), (F_NETWORK, "10.5"), (C, "-700")];
                book.push(fact(id, kind, succeeded("700", "675.5", fees)), minute + 2, None, &lines);
            }
            2 => {
                let body = CollectionFailed {
                    amount: amount("700"),
                    is_final: true,
                    reason: "no funds".into(),
                    fee_bearer: None,
                    invoice_id: None,
                };
                book.push(fact(id, kind, body), minute + 2, None, &[]);
            }
            3 => {
                let fees = vec![fee(Component::Provider, Bearer::Payer, "20", "charge")];
                let lines = [(W, "700"), (C, "-700"), (M_PROVIDER, "20"), (MC, "-20")];
                book.push(fact(id, kind, succeeded("700", "700", fees)), minute + 2, None, &lines);
                let body = CollectionReversed {
                    amount: amount("700"),
                    from_wallet: amount("700"),
                    from_held: None,
                    returned: Vec::new(),
                    fees: Vec::new(),
                };
                book.push(fact(id, kind, body), minute + 3, None, &[(C, "700"), (W, "-700")]);
            }
            _ => {
                let (_, raised) = book.withhold(fact(id, kind, succeeded("600", "590", Vec::new())), minute + 2);
                let lines = [(W, "590"), (F_PROVIDER, "10"), (C, "-600")];
                book.push(fact(id, kind, accepted(raised)), minute + 600_000, None, &lines);
            }
        }
    }
    let invoice = |body: Body| fact(subject(8_000), SubjectKind::Invoice, body);
    let item = |id: &str| InvoiceItemAdded {
        item_id: id.into(),
        quantity: "2".into(),
        unit_amount: amount("50"),
        tax: Some(amount("9")),
    };
    book.push(invoice(InvoiceDrafted { party_id: None }.into()), 800, None, &[]);
    book.push(invoice(item("a").into()), 801, None, &[]);
    book.push(invoice(item("b").into()), 802, None, &[]);
    book.push(invoice(InvoiceItemRemoved { item_id: "a".into() }.into()), 803, None, &[]);
    let recognition = Recognition::OnPublish;
    let (total, tax, due) = (amount("100"), amount("9"), Some("2026-02-01".to_owned()));
    let body = InvoicePublished { total, tax, recognition, due, party_id: None };
    let lines = [(R, "100"), ("income:sales", "-91"), ("liabilities:tax:output", "-9")];
    book.push(invoice(body.into()), 804, None, &lines);
    let late = FeesReported {
        payment_id: subject(0),
        mode: FeesMode::Extra,
        fees: vec![fee(Component::Network, Bearer::Merchant, "1", "late")],
    };
    book.push(fact(subject(0), SubjectKind::Payment, late), 900_000, None, &[(F_NETWORK, "1"), (W, "-1")]);

    let payout = |n: u128| fact(subject(7_000 + n), SubjectKind::Payout, ask_payout());
    book.push(payout(1), 1_000, None, &[]);
    book.push(payout(2), 1_001, None, &[]);
    book.push(payout(3), 1_002, None, &[]);
    let body = PayoutSucceeded {
        amount: amount("10000"),
        wallet_debit: amount("10600"),
        attempt: Some(1),
        beneficiary: None,
        fees: vec![fee(Component::Provider, Bearer::Merchant, "600", "charge")],
    };
    let lines = [(P, "10000"), (F_PROVIDER, "600"), (W, "-10600")];
    book.push(fact(subject(7_001), SubjectKind::Payout, body), 1_003, None, &lines);
    let body = PayoutFailed { attempt: 1, amount: amount("10000"), is_final: true, reason: "closed".into() };
    book.push(fact(subject(7_002), SubjectKind::Payout, body), 1_004, None, &[]);
    let body = PayoutReversed {
        amount: amount("10000"),
        wallet_credit: amount("10600"),
        returned: vec![fee(Component::Provider, Bearer::Merchant, "600", "charge")],
        fees: Vec::new(),
    };
    let lines = [(W, "10600"), (F_PROVIDER, "-600"), (P, "-10000")];
    book.push(fact(subject(7_001), SubjectKind::Payout, body), 1_005, None, &lines);
    book
}

/// A person accepts what the discrepancy at a position holds.
pub fn accepted(raised: u64) -> DiscrepancyResolved {
    decided(raised, Verdict::Accept)
}

/// A person decides about the discrepancy at a position.
pub fn decided(raised: u64, verdict: Verdict) -> DiscrepancyResolved {
    let (actor_id, reason) = ("u1".into(), "seen".into());
    let target = (verdict == Verdict::Move).then(|| "liabilities:customers".into());
    DiscrepancyResolved { discrepancy: event_id(raised), verdict, actor_id, reason, target }
}

fn ask_payout() -> PayoutRequested {
    PayoutRequested { attempt: 1, amount: amount("10000"), reserve: amount("11200") }
}

/// Which database a test runs on.
#[derive(Clone, Copy, PartialEq)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// A fresh database; `open` can be called again for the same one, as after a restart.
pub struct Place {
    folder: tempfile::TempDir,
    url: Option<String>,
}

impl Place {
    pub async fn new(database: Database) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if database == Database::Sqlite {
            return Self { folder, url: None };
        }
        let server = std::env::var("ENSIMBI_TEST_DATABASE_URL").expect(
            "ENSIMBI_TEST_DATABASE_URL is not set: this test needs a PostgreSQL server (cargo xtask ci provides one)",
        );
        let mut connection = connect(&server).await;
        // The server makes the name unique, so that runs side by side do not meet.
        let row: (String,) = sqlx::query_as("SELECT 'views_' || replace(gen_random_uuid()::text, '-', '')")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        let mut create = sqlx::QueryBuilder::<sqlx::Postgres>::new("CREATE DATABASE ");
        create.push(&row.0).build().execute(&mut connection).await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        Self { folder, url: Some(format!("{base}/{}", row.0)) }
    }

    pub async fn open(&self) -> ViewStore {
        self.try_open().await.unwrap()
    }

    pub async fn try_open(&self) -> Result<ViewStore, StoreError> {
        match &self.url {
            None => ViewStore::open_sqlite(&self.folder.path().join("views.db")).await,
            Some(url) => ViewStore::open_postgres(url).await,
        }
    }

    /// Runs a statement behind the program's back.
    pub async fn tamper(&self, sql: &'static str) {
        match &self.url {
            None => {
                let file = self.folder.path().join("views.db");
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).create_if_missing(true);
                let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
                sqlx::query(sql).execute(&mut connection).await.unwrap();
            }
            Some(url) => {
                let mut connection = connect(url).await;
                sqlx::query("SET search_path TO views").execute(&mut connection).await.unwrap();
                sqlx::query(sql).execute(&mut connection).await.unwrap();
            }
        }
    }
}

async fn connect(url: &str) -> sqlx::PgConnection {
    use sqlx::Connection;
    sqlx::PgConnection::connect(url).await.unwrap()
}

pub type Shared = Arc<MemoryBook>;

/// Runs the named tests on both databases.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::support::Database::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::support::Database::Postgres).await;
            })*
        }
    };
}
pub(crate) use on_both;
