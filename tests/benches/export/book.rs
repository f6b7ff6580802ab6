//! A book of so many lines, straight through the ledger's append in big batches: collections with two fees, four lines
//! each.

use ensimbi_events::ids::claim_id;
use ensimbi_events::leaf::sha256;
use ensimbi_events::simtime::SimClock;
use ensimbi_events::word::{Bearer, Component, EvidenceClass, Fee, FigureSource, Mode, OccurredSource};
use ensimbi_events::words::book::{BookOpened, ConnectionConfigured, WalletConfig};
use ensimbi_events::words::payment::CollectionSucceeded;
use ensimbi_events::{
    Amount, Body, BookId, Claim, ConnectionId, Currency, Evidence, Fact, Money, ObservationId, SubjectId, SubjectKind,
    Time, WalletId,
};
use ensimbi_ledger::append::append;
use ensimbi_ledger::store::Store;
use uuid::Uuid;

/// The book.
pub const BOOK: BookId = BookId(Uuid::from_u128(0xb00));
const CONNECTION: ConnectionId = ConnectionId(Uuid::from_u128(0xc0));
const WALLET: WalletId = WalletId(Uuid::from_u128(0xa1));
/// Claims of one commit.
const BATCH: usize = 2_000;
/// Lines of one collection.
const LINES: usize = 4;

/// Makes it.
pub async fn make(store: &dyn Store, lines: usize) {
    store.create_book(BOOK).await.unwrap();
    let epoch = store.take_over(BOOK).await.unwrap();
    let clock = SimClock::new(now());
    append(store, &clock, BOOK, epoch, &[opened(BOOK), configured(BOOK)]).await.unwrap();
    let count = lines.div_ceil(LINES);
    for first in (0..count).step_by(BATCH) {
        let claims: Vec<Claim> = (first..count.min(first + BATCH)).map(|n| claim(BOOK, n)).collect();
        append(store, &clock, BOOK, epoch, &claims).await.unwrap();
    }
}

fn now() -> Time {
    "2026-05-03T09:30:00Z".parse().unwrap()
}

fn ugx() -> Currency {
    "UGX".parse().unwrap()
}

fn fact(kind: SubjectKind, subject: Uuid, body: impl Into<Body>) -> Fact {
    let body = body.into();
    Fact {
        subject: SubjectId(subject),
        subject_kind: kind,
        connection: None,
        wallet: None,
        object_kind: None,
        object_id: None,
        occurrence: String::new(),
        currency: None,
        version: body.version(),
        body,
    }
}

fn told(book: BookId, fact: Fact) -> Claim {
    let source = fact.event_id(book).0;
    Claim {
        id: claim_id(source, 0, "bench.1"),
        book,
        fact,
        occurred_at: now(),
        occurred_source: OccurredSource::Ledger,
        translator: "bench.1".to_owned(),
        evidence: None,
        party: None,
        doubt: None,
        operator_transaction: None,
        confirms: false,
    }
}

fn opened(book: BookId) -> Claim {
    let (tenant, time_zone) = ("bench".to_owned(), "Africa/Kampala".to_owned());
    let body = BookOpened { tenant, mode: Mode::Test, time_zone, policies: Vec::new(), currencies: vec![ugx()] };
    told(book, fact(SubjectKind::Book, book.0, body))
}

fn configured(book: BookId) -> Claim {
    let wallet = WalletConfig {
        wallet_id: WALLET,
        provider_id: "6f1c2f5e-wallet".to_owned(),
        code: "main".to_owned(),
        currency: ugx(),
        purse: None,
    };
    let body = ConnectionConfigured {
        provider: "provider".to_owned(),
        account: "account".to_owned(),
        account_code: "provider-main".to_owned(),
        slug: "provider-main".to_owned(),
        authenticity: "hint".to_owned(),
        simulated: true,
        poll: None,
        wallets: vec![wallet],
        webhook_keys: Vec::new(),
    };
    let fact = Fact { connection: Some(CONNECTION), ..fact(SubjectKind::Connection, CONNECTION.0, body) };
    told(book, fact)
}

/// A collection as a provider's status answer tells it: two fees of ours, evidence, the operator's transaction.
fn claim(book: BookId, n: usize) -> Claim {
    let subject = Uuid::from_u128(0x5_0000_0000 + n as u128);
    let fee = |component: Component, scaled: i64, label: &str| Fee {
        component,
        bearer: Bearer::Merchant,
        amount: Amount::from_scaled(scaled),
        currency: ugx(),
        source: FigureSource::Observed,
        label: label.to_owned(),
        tax: None,
    };
    let body = CollectionSucceeded {
        gross: Amount::whole(700),
        net: Amount::from_scaled(6_755_000),
        net_source: FigureSource::Derived,
        held: None,
        held_until: None,
        payer: Some(Money { amount: Amount::whole(700), currency: ugx() }),
        rate: None,
        invoice_id: None,
        channel: Some("MTN".to_owned()),
        fees: vec![
            fee(Component::Provider, 140_000, "transactionCharge"),
            fee(Component::Network, 105_000, "vendorCharge"),
        ],
    };
    let fact = Fact {
        connection: Some(CONNECTION),
        wallet: Some(WALLET),
        object_kind: Some("collection".to_owned()),
        object_id: Some(subject.to_string()),
        currency: Some(ugx()),
        ..fact(SubjectKind::Payment, subject, body)
    };
    let commitment = sha256(subject.as_bytes());
    let observation = ObservationId(subject);
    Claim {
        evidence: Some(Evidence { observation, commitment, class: EvidenceClass::Read, actor_id: None }),
        occurred_source: OccurredSource::Provider,
        operator_transaction: Some(format!("T-{n}")),
        ..told(book, fact)
    }
}
