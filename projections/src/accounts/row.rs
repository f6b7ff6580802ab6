//! Rows of `postings`, `fee_kinds`, `volumes` and `settled`.

use ensimbi_events::ids::Derivation;
use ensimbi_events::word::{Fee, FigureSource};
use ensimbi_events::{Amount, ConnectionId, Currency, SubjectId, Time, WalletId};
use uuid::Uuid;

use super::FlowDirection;
use crate::store::{Bind, Row, StoreError};

/// One line; debit is plus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Posting {
    pub position: u64,
    pub n: u32,
    pub account: String,
    pub currency: Currency,
    pub amount: Amount,
    pub open_item: Option<SubjectId>,
    pub payment: Option<SubjectId>,
    pub subject: SubjectId,
    pub word: String,
    pub fee: Option<Uuid>,
    pub occurred_at: Time,
    pub recorded_at: Time,
    pub book_day: i64,
}

impl Posting {
    pub const SELECT: &str = "SELECT position, n, account, currency, amount, open_item, payment, subject, word, fee, \
        occurred_at, recorded_at, book_day FROM postings WHERE book = ";
    pub const COLUMNS: &str = "iittiuuutuiii";
    pub(super) const INSERT: &str = "INSERT INTO postings (book, generation, position, n, account, currency, amount, \
        open_item, payment, subject, word, fee, occurred_at, recorded_at, book_day) VALUES ";

    pub fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            position: row.position(0)?,
            n: row.count(1)?,
            account: row.text(2)?,
            currency: row.currency(3)?,
            amount: row.amount(4)?,
            open_item: row.maybe_uuid(5)?.map(SubjectId),
            payment: row.maybe_uuid(6)?.map(SubjectId),
            subject: SubjectId(row.uuid(7)?),
            word: row.text(8)?,
            fee: row.maybe_uuid(9)?,
            occurred_at: row.time(10)?,
            recorded_at: row.time(11)?,
            book_day: row.int(12)?,
        })
    }

    pub(super) fn binds(&self) -> Vec<Bind> {
        vec![
            Bind::position(self.position),
            i64::from(self.n).into(),
            self.account.as_str().into(),
            self.currency.into(),
            self.amount.into(),
            self.open_item.into(),
            self.payment.into(),
            self.subject.into(),
            self.word.as_str().into(),
            self.fee.into(),
            self.occurred_at.into(),
            self.recorded_at.into(),
            self.book_day.into(),
        ]
    }
}

/// By what a fee (or, without component and bearer, a volume) is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeeKind {
    pub provider: Option<String>,
    pub connection: Option<ConnectionId>,
    pub wallet: Option<WalletId>,
    pub component: Option<String>,
    pub bearer: Option<String>,
    pub label: Option<String>,
    pub channel: Option<String>,
    pub direction: Option<FlowDirection>,
    pub source: Option<FigureSource>,
    pub currency: Currency,
    /// The fee is in another currency than its payment.
    pub is_foreign: bool,
}

impl FeeKind {
    pub const SELECT: &str = "SELECT kind, provider, connection, wallet, component, bearer, label, channel, direction, \
        source, currency, is_foreign FROM fee_kinds WHERE book = ";
    pub const COLUMNS: &str = "utuuttttttti";
    pub(super) const INSERT: &str = "INSERT INTO fee_kinds (book, generation, kind, provider, connection, wallet, \
        component, bearer, label, channel, direction, source, currency, is_foreign) VALUES ";
    /// The same id is the same row.
    pub(super) const KEEP: &str = " ON CONFLICT DO NOTHING";

    /// An id that follows from the content. Absent and empty are told apart.
    pub fn id(&self) -> Uuid {
        let mut hash = Derivation::new("ensimbi.fee-kind.1");
        let texts = [
            self.provider.as_deref(),
            self.component.as_deref(),
            self.bearer.as_deref(),
            self.label.as_deref(),
            self.channel.as_deref(),
            self.direction.map(FlowDirection::as_str),
            self.source.map(FigureSource::as_str),
        ];
        for text in texts {
            hash = hash.part(&[u8::from(text.is_some())]).part(text.unwrap_or_default().as_bytes());
        }
        let ids = [self.connection.map(|id| id.0), self.wallet.map(|id| id.0)];
        let hash = ids.into_iter().fold(hash, Derivation::id);
        hash.part(self.currency.to_string().as_bytes()).part(&[u8::from(self.is_foreign)]).uuid()
    }

    /// Its id and itself.
    pub fn read(row: &Row) -> Result<(Uuid, Self), StoreError> {
        let damaged = |what: &str| StoreError::Damaged(format!("fee_kinds.{what} holds an unknown word"));
        let direction = row.maybe_text(8)?;
        let direction = direction.map(|word| FlowDirection::from_text(&word).ok_or_else(|| damaged("direction")));
        let source = row.maybe_text(9)?;
        let source = source.map(|word| FigureSource::from_text(&word).ok_or_else(|| damaged("source")));
        let kind = Self {
            provider: row.maybe_text(1)?,
            connection: row.maybe_uuid(2)?.map(ConnectionId),
            wallet: row.maybe_uuid(3)?.map(WalletId),
            component: row.maybe_text(4)?,
            bearer: row.maybe_text(5)?,
            label: row.maybe_text(6)?,
            channel: row.maybe_text(7)?,
            direction: direction.transpose()?,
            source: source.transpose()?,
            currency: row.currency(10)?,
            is_foreign: row.int(11)? != 0,
        };
        Ok((row.uuid(0)?, kind))
    }

    pub(super) fn binds(&self) -> Vec<Bind> {
        vec![
            self.id().into(),
            self.provider.clone().into(),
            self.connection.into(),
            self.wallet.into(),
            self.component.clone().into(),
            self.bearer.clone().into(),
            self.label.clone().into(),
            self.channel.clone().into(),
            self.direction.map(FlowDirection::as_str).into(),
            self.source.map(FigureSource::as_str).into(),
            self.currency.into(),
            i64::from(self.is_foreign).into(),
        ]
    }
}

/// What one entry settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Volume {
    pub position: u64,
    pub subject: SubjectId,
    pub kind: Uuid,
    pub amount: Amount,
    pub occurred_at: Time,
    pub book_day: i64,
}

impl Volume {
    pub const SELECT: &str = "SELECT position, subject, kind, amount, occurred_at, book_day FROM volumes WHERE book = ";
    pub const COLUMNS: &str = "iuuiii";
    pub const INSERT: &str =
        "INSERT INTO volumes (book, generation, position, subject, kind, amount, occurred_at, book_day) VALUES ";

    pub fn binds(&self) -> Vec<Bind> {
        vec![
            Bind::position(self.position),
            self.subject.into(),
            self.kind.into(),
            self.amount.into(),
            self.occurred_at.into(),
            self.book_day.into(),
        ]
    }
}

/// What later lines of a subject take from its success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settled {
    pub subject: SubjectId,
    pub occurred_at: Time,
    pub wallet: Option<WalletId>,
    pub channel: Option<String>,
    pub direction: Option<FlowDirection>,
    pub currency: Option<Currency>,
    pub fees: Vec<Fee>,
    pub position: u64,
}

impl Settled {
    pub const SELECT: &str = "SELECT subject, occurred_at, wallet, channel, direction, currency, fees, position \
        FROM settled WHERE book = ";
    pub const COLUMNS: &str = "uiutttti";
    pub const INSERT: &str = "INSERT INTO settled (book, generation, subject, occurred_at, wallet, channel, direction, \
        currency, fees, position) VALUES ";

    pub fn read(row: &Row) -> Result<Self, StoreError> {
        let direction = row.maybe_text(4)?;
        let unknown = || StoreError::Damaged("settled.direction holds an unknown word".into());
        let direction = direction.map(|word| FlowDirection::from_text(&word).ok_or_else(unknown)).transpose()?;
        let fees = serde_json::from_str(&row.text(6)?)
            .map_err(|error| StoreError::Damaged(format!("settled.fees: {error}")))?;
        Ok(Self {
            subject: SubjectId(row.uuid(0)?),
            occurred_at: row.time(1)?,
            wallet: row.maybe_uuid(2)?.map(WalletId),
            channel: row.maybe_text(3)?,
            direction,
            currency: row.maybe_currency(5)?,
            fees,
            position: row.position(7)?,
        })
    }

    pub fn binds(&self) -> Result<Vec<Bind>, StoreError> {
        let fees =
            serde_json::to_string(&self.fees).map_err(|error| StoreError::Damaged(format!("settled.fees: {error}")))?;
        Ok(vec![
            self.subject.into(),
            self.occurred_at.into(),
            self.wallet.into(),
            self.channel.clone().into(),
            self.direction.map(FlowDirection::as_str).into(),
            self.currency.into(),
            fees.into(),
            Bind::position(self.position),
        ])
    }
}
