//! Rows of `fee_lines` and `fee_subjects`.

use ensimbi_events::{Amount, ConnectionId, Currency, SubjectId, Time, WalletId};

use crate::store::{Bind, Row, StoreError};

/// One line on a fee account; a cost is positive, a fee given back negative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FeeLine {
    pub position: u64,
    pub n: u32,
    pub payment: Option<SubjectId>,
    pub connection: Option<ConnectionId>,
    pub provider: Option<String>,
    pub wallet: Option<WalletId>,
    pub component: String,
    pub bearer: String,
    pub label: Option<String>,
    pub channel: Option<String>,
    pub currency: Currency,
    pub amount: Amount,
    pub occurred_at: Time,
    pub book_date: String,
}

impl FeeLine {
    pub const SELECT: &str = "SELECT position, n, payment, connection, provider, wallet, component, bearer, label, \
        channel, currency, amount, occurred_at, book_date FROM fee_lines WHERE book = ";
    pub const COLUMNS: &str = "iiuututttttiit";
    pub const INSERT: &str = "INSERT INTO fee_lines (book, generation, position, n, payment, connection, provider, \
        wallet, component, bearer, label, channel, currency, amount, occurred_at, book_date) VALUES ";

    pub fn binds(&self) -> Vec<Bind> {
        vec![
            Bind::position(self.position),
            i64::from(self.n).into(),
            self.payment.into(),
            self.connection.into(),
            self.provider.clone().into(),
            self.wallet.into(),
            self.component.as_str().into(),
            self.bearer.as_str().into(),
            self.label.clone().into(),
            self.channel.clone().into(),
            self.currency.into(),
            self.amount.into(),
            self.occurred_at.into(),
            self.book_date.as_str().into(),
        ]
    }
}

/// What later fees of a subject take from its success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FeeSubject {
    pub subject: SubjectId,
    pub occurred_at: Time,
    pub wallet: Option<WalletId>,
    pub channel: Option<String>,
    pub position: u64,
}

impl FeeSubject {
    pub const SELECT: &str = "SELECT subject, occurred_at, wallet, channel, position FROM fee_subjects WHERE book = ";
    pub const COLUMNS: &str = "uiuti";
    pub const INSERT: &str =
        "INSERT INTO fee_subjects (book, generation, subject, occurred_at, wallet, channel, position) VALUES ";

    pub fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            subject: SubjectId(row.uuid(0)?),
            occurred_at: row.time(1)?,
            wallet: row.maybe_uuid(2)?.map(WalletId),
            channel: row.maybe_text(3)?,
            position: row.position(4)?,
        })
    }

    pub fn binds(&self) -> Vec<Bind> {
        vec![
            self.subject.into(),
            self.occurred_at.into(),
            self.wallet.into(),
            self.channel.clone().into(),
            Bind::position(self.position),
        ]
    }
}
