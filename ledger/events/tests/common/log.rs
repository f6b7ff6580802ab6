//! One log of sample events, each for a reason, as a book could hold it: positions without gaps, ids and keys derived,
//! every entry zero per currency. The amounts of the first are from the worked examples of the bookkeeping rules.

use ensimbi_events::event::{Lines, Proof};
use ensimbi_events::ids::{self, made_event_id};
use ensimbi_events::word::*;
use ensimbi_events::*;
use uuid::Uuid;

use super::fill::Numbered;

/// The book of the log.
pub const BOOK: BookId = BookId(Uuid::from_u128(0x0196_9000_0000_7000_8000_0000_0000_0001));
/// 2026-05-03T09:00:00Z.
pub const START: i64 = 1_777_798_800_000_000;

/// A log under construction.
pub struct Log {
    /// Names and events, by position.
    pub named: Vec<(String, Event)>,
    pub(super) seed: u64,
}

/// The connection of the log.
pub fn connection() -> ConnectionId {
    ids::connection_id(BOOK, "iotec", "client-1")
}

/// The wallet of the log.
pub fn wallet(currency: &str) -> WalletId {
    ids::wallet_id(connection(), "wallet-1", "", currency)
}

/// An amount from text.
pub fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

/// A currency from text.
pub fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

/// A fee of the given component and bearer.
pub fn fee(component: Component, bearer: Bearer, size: &str, code: &str, label: &str) -> Fee {
    let source = FigureSource::Observed;
    Fee { component, bearer, amount: amount(size), currency: currency(code), source, label: label.into(), tax: None }
}

/// Lines from `account currency amount` texts.
pub fn lines(texts: &[&str]) -> Lines {
    let line = |text: &&str| {
        let mut parts = text.split(' ');
        let mut part = || parts.next().unwrap();
        let (account, code, size) = (part().to_owned(), currency(part()), amount(part()));
        let (open_item, payment_id, component, bearer) = (None, None, None, None);
        Line { n: 0, account, currency: code, amount: size, open_item, payment_id, component, bearer }
    };
    Lines::numbered(texts.iter().map(line).collect())
}

/// A fact about a provider's object, or about the subject alone where the kind is empty.
pub fn fact(kind: SubjectKind, object: (&str, &str), code: &str, body: impl Into<Body>) -> Fact {
    let body = body.into();
    let key = ids::ObjectKey { book: BOOK, connection: Some(connection()), object_kind: object.0, object_id: object.1 };
    Fact {
        subject: key.subject_id(),
        subject_kind: kind,
        connection: Some(connection()),
        wallet: Some(wallet(code)),
        object_kind: Some(object.0.to_owned()).filter(|kind| !kind.is_empty()),
        object_id: Some(object.1.to_owned()).filter(|_| !object.0.is_empty()),
        occurrence: String::new(),
        currency: Some(currency(code)),
        version: body.version(),
        body,
    }
}

impl Log {
    /// Records one more event; with a cause, as one that the ledger made.
    pub fn add(&mut self, name: &str, fact: Fact, cause: Option<EventId>, lines: Lines) -> &mut Event {
        let position = self.named.len() as u64 + 1;
        let at = START + position as i64 * 1_000_001;
        let event_id = match cause {
            None => fact.event_id(BOOK),
            Some(cause) => made_event_id(cause, fact.body.word(), &leaf::fact_hash(&fact).0),
        };
        let posts = !lines.0.is_empty();
        let record = Record {
            book: BOOK,
            event_id,
            position,
            recorded_at: Time::from_micros(at),
            book_date: "2026-05-03".into(),
            rules: 1,
            configuration: position.min(3),
            posting_key: fact.posting_key(BOOK).filter(|_| posts),
            lines,
            no_lines: (!posts).then_some(NoLines::None),
            operator_key: None,
            cause,
        };
        let context = Context {
            occurred_at: Time::from_micros(at - 500_000),
            occurred_source: if cause.is_some() { OccurredSource::Ledger } else { OccurredSource::Provider },
            claim: None,
            translator: None,
            party: None,
            evidence: vec![],
        };
        self.named.push((name.to_owned(), Event { fact, context, record }));
        &mut self.named.last_mut().unwrap().1
    }

    /// The id of the event added last.
    pub(super) fn last_id(&self) -> EventId {
        self.named.last().unwrap().1.record.event_id
    }

    /// The whole log: hand-made events first, then one of every word with every field present.
    pub fn sample() -> Vec<(String, Event)> {
        let mut log = Self { named: vec![], seed: 0 };
        log.the_book();
        log.collections();
        log.money_out();
        log.between_currencies();
        log.control();
        log.edges();
        log.every_word();
        log.named
    }
}

/// A fact of the ledger's own about a fact's subject: no object, the cause in the occurrence.
pub fn made(about: &Fact, occurrence: String, body: impl Into<Body>) -> Fact {
    let body = body.into();
    Fact { object_kind: None, object_id: None, occurrence, version: body.version(), body, ..about.clone() }
}

/// A piece of evidence, the same for the same number.
pub fn proof(n: u128, class: EvidenceClass) -> Proof {
    let commitment = leaf::sha256(&n.to_be_bytes());
    Proof { observation: ObservationId(Uuid::from_u128(n)), commitment, class, actor_id: None }
}
