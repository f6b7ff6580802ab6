//! Values of every type that a leaf can hold: fixed ones, random ones, mixtures of two, and their canonical order.

use std::fmt::Debug;

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::event::{Line, Lines, NoLines, Proof, SubjectKind};
use ensimbi_events::node::Field;
use ensimbi_events::word::*;
use ensimbi_events::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

/// A type that tests can make values of.
pub trait Fill: Sized + Clone + Debug + 'static {
    /// A fixed value with every optional field present; the seed makes neighbours differ.
    fn full(seed: &mut u64) -> Self;
    /// Any value.
    fn any() -> BoxedStrategy<Self>;
    /// One's own value or the other's, field by field, as `other` says.
    fn mix(self, with: Self, other: &mut dyn FnMut() -> bool) -> Self {
        if other() { with } else { self }
    }
    /// Sorts what the leaf sorts.
    fn canon(&mut self) {}
}

/// The next number of a fixed sequence.
pub fn next(seed: &mut u64) -> u64 {
    *seed += 1;
    *seed
}

/// A fixed UUID of version 7's shape.
pub fn uuid(seed: &mut u64) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | u128::from(next(seed)))
}

/// Any value of the type that a field has.
pub fn any_of<R, T: Fill>(_: fn(R) -> T) -> BoxedStrategy<T> {
    T::any()
}

macro_rules! plain {
    ($($type:ty: |$seed:ident| $full:expr, $any:expr;)*) => {$(
        impl Fill for $type {
            fn full($seed: &mut u64) -> Self {
                $full
            }
            fn any() -> BoxedStrategy<Self> {
                $any.boxed()
            }
        }
    )*};
}

macro_rules! ids {
    ($($id:ident),*) => { plain! { $($id: |seed| $id(uuid(seed)), any::<u128>().prop_map(|n| $id(Uuid::from_u128(n)));)* } };
}

macro_rules! lists {
    ($($word:ident),*) => { plain! { $($word: |seed| $word::ALL[next(seed) as usize % $word::ALL.len()], select($word::ALL);)* } };
}

ids!(BookId, ConnectionId, WalletId, SubjectId, EventId, ClaimId, ObservationId, PartyId);
lists!(Component, Bearer, FigureSource, TaxKind, Mode, Recognition, FeesMode, Direction, Verdict, ItemKind);
lists!(Side, OccurredSource, EvidenceClass, SubjectKind, NoLines);

/// Words that the list had when the vectors were made: a list that grows must leave them as they are.
const KINDS: usize = 20;

plain! {
    DiscrepancyKind: |seed| DiscrepancyKind::ALL[next(seed) as usize % KINDS], select(DiscrepancyKind::ALL);
}

/// First and last moment that the JSON form can show.
const TIMES: std::ops::RangeInclusive<i64> = -377_705_023_201_000_000..=253_402_207_200_999_999;

plain! {
    bool: |seed| next(seed) % 2 == 1, any::<bool>();
    u32: |seed| next(seed) as u32, any::<u32>();
    u64: |seed| next(seed), 0..=i64::MAX as u64;
    String: |seed| format!("text {} é", next(seed)), prop_oneof!["[a-z]{0,4}", "\\PC{0,8}", any::<String>()];
    Amount: |seed| Amount::from_scaled(next(seed) as i64 * 12_345), prop_oneof![(-2..3i64), any::<i64>()].prop_map(Amount::from_scaled);
    Time: |seed| Time::from_micros(1_777_000_000_000_000 + next(seed) as i64), TIMES.prop_map(Time::from_micros);
    Hash: |seed| leaf::sha256(&next(seed).to_be_bytes()), any::<[u8; 32]>().prop_map(Hash);
    Currency: |seed| ["UGX", "USD", "ITX", "LRD"][next(seed) as usize % 4].parse().unwrap(),
        "[A-Z][A-Z0-9]{2,10}".prop_map(|code| code.parse().unwrap());
}

impl<T: Fill> Fill for Option<T> {
    fn full(seed: &mut u64) -> Self {
        Some(T::full(seed))
    }
    fn any() -> BoxedStrategy<Self> {
        proptest::option::of(T::any()).boxed()
    }
    fn canon(&mut self) {
        self.iter_mut().for_each(T::canon);
    }
}

impl<T: Fill + Field> Fill for Vec<T> {
    fn full(seed: &mut u64) -> Self {
        (0..2).map(|_| T::full(seed)).collect()
    }
    fn any() -> BoxedStrategy<Self> {
        vec(T::any(), 0..4).boxed()
    }
    fn canon(&mut self) {
        self.iter_mut().for_each(T::canon);
        self.sort_by_key(|item| item.to_node().map(|node| node.encode()));
    }
}

/// Makes [`Fill`] for records by naming all their fields; a forgotten one does not compile.
macro_rules! records {
    ($($name:ident { $($field:ident),* $(,)? })*) => {$(
        impl $crate::common::fill::Fill for $name {
            #[allow(unused_variables)]
            fn full(seed: &mut u64) -> Self {
                Self { $($field: $crate::common::fill::Fill::full(seed)),* }
            }
            fn any() -> proptest::strategy::BoxedStrategy<Self> {
                use proptest::strategy::Strategy as _;
                #[allow(unused_imports)]
                use $crate::common::fill::any_of;
                // The unit keeps the tuple a tuple where a word has no fields.
                (proptest::strategy::Just(()), $(any_of(|it: Self| it.$field),)*)
                    .prop_map(|((), $($field,)*)| Self { $($field),* })
                    .boxed()
            }
            #[allow(unused_variables)]
            fn mix(self, with: Self, other: &mut dyn FnMut() -> bool) -> Self {
                Self { $($field: $crate::common::fill::Fill::mix(self.$field, with.$field, other)),* }
            }
            fn canon(&mut self) {
                $($crate::common::fill::Fill::canon(&mut self.$field);)*
            }
        }
    )*};
}
pub(crate) use records;

records! {
    FeeTax { kind, on }
    Fee { component, bearer, amount, currency, source, label, tax }
    Money { amount, currency }
    Proof { observation, commitment, class, actor_id }
    Context { occurred_at, occurred_source, claim, translator, party, evidence }
    Line { n, account, currency, amount, open_item, payment_id, component, bearer }
    Event { fact, context, record }
}

impl Fill for Lines {
    /// Two lines that balance.
    fn full(seed: &mut u64) -> Self {
        let mut lines = [Line::full(seed), Line::full(seed)];
        lines[0].account = "assets:wallet:main:w".into();
        lines[1].account = "equity:memo:contra".into();
        lines[1].currency = lines[0].currency;
        lines[1].amount = lines[0].amount.checked_neg().unwrap();
        Self::numbered(lines.into())
    }
    fn any() -> BoxedStrategy<Self> {
        vec(Line::any(), 0..4).prop_map(Self::numbered).boxed()
    }
}

/// Gives lines their numbers.
pub trait Numbered {
    /// Numbers from 1, in the order given.
    fn numbered(lines: Vec<Line>) -> Self;
}

impl Numbered for Lines {
    fn numbered(mut lines: Vec<Line>) -> Self {
        lines.iter_mut().zip(1..).for_each(|(line, n)| line.n = n);
        Self(lines)
    }
}

impl Fill for Fact {
    fn full(seed: &mut u64) -> Self {
        Self::of(Body::full(seed), Fill::full(seed), seed)
    }
    fn any() -> BoxedStrategy<Self> {
        let common = (Fill::any(), Fill::any(), Fill::any(), Fill::any());
        let object = (Fill::any(), Fill::any(), Fill::any(), Fill::any());
        let make = |(body, (subject, subject_kind, connection, wallet), rest): (Body, _, _)| {
            let (object_kind, object_id, occurrence, currency) = rest;
            let version = body.version();
            Self {
                subject,
                subject_kind,
                connection,
                wallet,
                object_kind,
                object_id,
                occurrence,
                currency,
                version,
                body,
            }
        };
        (Body::any(), common, object).prop_map(make).boxed()
    }
    fn mix(self, with: Self, other: &mut dyn FnMut() -> bool) -> Self {
        let body = self.body.mix(with.body, other);
        Self {
            subject: self.subject.mix(with.subject, other),
            subject_kind: self.subject_kind.mix(with.subject_kind, other),
            connection: self.connection.mix(with.connection, other),
            wallet: self.wallet.mix(with.wallet, other),
            object_kind: self.object_kind.mix(with.object_kind, other),
            object_id: self.object_id.mix(with.object_id, other),
            occurrence: self.occurrence.mix(with.occurrence, other),
            currency: self.currency.mix(with.currency, other),
            version: body.version(),
            body,
        }
    }
    fn canon(&mut self) {
        self.body.canon();
    }
}

/// Facts around a given body.
pub trait Around {
    /// Every common field present.
    fn of(body: Body, subject: SubjectId, seed: &mut u64) -> Self;
}

impl Around for Fact {
    fn of(body: Body, subject: SubjectId, seed: &mut u64) -> Self {
        Self {
            subject,
            subject_kind: Fill::full(seed),
            connection: Fill::full(seed),
            wallet: Fill::full(seed),
            object_kind: Fill::full(seed),
            object_id: Fill::full(seed),
            occurrence: Fill::full(seed),
            currency: Fill::full(seed),
            version: body.version(),
            body,
        }
    }
}

// More fields than a tuple of strategies takes, so it is made of two.
impl Fill for Record {
    fn full(seed: &mut u64) -> Self {
        Self {
            book: Fill::full(seed),
            event_id: Fill::full(seed),
            position: Fill::full(seed),
            recorded_at: Fill::full(seed),
            book_date: "2026-05-03".into(),
            rules: Fill::full(seed),
            configuration: Fill::full(seed),
            lines: Fill::full(seed),
            no_lines: Fill::full(seed),
            posting_key: Fill::full(seed),
            operator_key: Fill::full(seed),
            cause: Fill::full(seed),
        }
    }
    fn any() -> BoxedStrategy<Self> {
        let place = (Fill::any(), Fill::any(), Fill::any(), Fill::any(), Fill::any(), Fill::any());
        let rest = (Fill::any(), Fill::any(), Fill::any(), Fill::any(), Fill::any(), Fill::any());
        let make = |((book, event_id, position, recorded_at, book_date, rules), rest)| {
            let (configuration, lines, no_lines, posting_key, operator_key, cause) = rest;
            Self {
                book,
                event_id,
                position,
                recorded_at,
                book_date,
                rules,
                configuration,
                lines,
                no_lines,
                posting_key,
                operator_key,
                cause,
            }
        };
        (place, rest).prop_map(make).boxed()
    }
    fn mix(self, with: Self, other: &mut dyn FnMut() -> bool) -> Self {
        Self {
            book: self.book.mix(with.book, other),
            event_id: self.event_id.mix(with.event_id, other),
            position: self.position.mix(with.position, other),
            recorded_at: self.recorded_at.mix(with.recorded_at, other),
            book_date: self.book_date.mix(with.book_date, other),
            rules: self.rules.mix(with.rules, other),
            configuration: self.configuration.mix(with.configuration, other),
            lines: self.lines.mix(with.lines, other),
            no_lines: self.no_lines.mix(with.no_lines, other),
            posting_key: self.posting_key.mix(with.posting_key, other),
            operator_key: self.operator_key.mix(with.operator_key, other),
            cause: self.cause.mix(with.cause, other),
        }
    }
}
