//! Rows that several parts read: parties, counterparties, sources, accounts, sessions, executions; and counters.

use sqlx::FromRow;

use super::Desk;
use super::errors::damaged;
use super::switches::Operation;
use crate::simulator::Result;

/// Which of the two sources (provider facts, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Invoice,
    Order,
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Invoice, Self::Order];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Invoice => "INVOICE",
            Self::Order => "ORDER",
        }
    }

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Invoice => "invoices",
            Self::Order => "orders",
        }
    }

    /// The start of its documents' numbers.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Invoice => "INV",
            Self::Order => "ORD",
        }
    }

    /// `invoice_id` and `invoice_number`, or the order's; and the list of its items.
    pub(super) const fn names(self) -> [&'static str; 3] {
        match self {
            Self::Invoice => ["invoice_id", "invoice_number", "invoice_items"],
            Self::Order => ["order_id", "order_number", "order_items"],
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

#[derive(Debug, Clone, FromRow)]
pub(super) struct Party {
    pub(super) id: i64,
    pub(super) fullname: String,
    pub(super) phone: Option<String>,
    pub(super) email: Option<String>,
    pub(super) country_code: Option<String>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

#[derive(Debug, Clone, FromRow)]
pub(super) struct Counterparty {
    pub(super) id: i64,
    pub(super) relationship_type: String,
    pub(super) party: Option<i64>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// A source as far as it is read, with the sum of its items.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Source {
    pub(super) seq: i64,
    pub(super) merchant: i64,
    kind: String,
    pub(super) id: i64,
    pub(super) number: String,
    pub(super) counterparty: i64,
    pub(super) currency: String,
    pub(super) status: String,
    pub(super) note: Option<String>,
    pub(super) fee_bearer: String,
    pub(super) due_date: Option<i64>,
    pub(super) as_payment_link: bool,
    pub(super) label: Option<String>,
    pub(super) key: String,
    pub(super) token: String,
    pub(super) success_url: Option<String>,
    pub(super) cancel_url: Option<String>,
    pub(super) expires_at: Option<i64>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) paid_at: Option<i64>,
    pub(super) total: i64,
}

impl Source {
    pub(super) fn kind(&self) -> Kind {
        Kind::of(&self.kind).unwrap_or(Kind::Order)
    }
}

#[derive(Debug, Clone, FromRow)]
pub(super) struct Account {
    pub(super) id: i64,
    pub(super) operation: String,
    pub(super) account_name: String,
    pub(super) provider: String,
    pub(super) method: String,
    pub(super) party: i64,
    pub(super) country_code: Option<String>,
    pub(super) number: Option<String>,
    pub(super) is_active: bool,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

#[derive(Debug, Clone, FromRow)]
pub(super) struct Session {
    pub(super) id: i64,
    pub(super) operation: String,
    pub(super) source: Option<i64>,
    pub(super) account: Option<i64>,
    pub(super) wallet: Option<i64>,
    pub(super) counterparty: Option<i64>,
    pub(super) original: Option<i64>,
    pub(super) amount: Option<i64>,
    pub(super) currency: Option<String>,
    pub(super) status: String,
    pub(super) expires_at: i64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// An execution as far as it is read. The columns are explained in `schema`.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Execution {
    pub(super) intent: i64,
    pub(super) merchant: i64,
    operation: String,
    pub(super) reference: String,
    pub(super) payload: String,
    pub(super) source: Option<i64>,
    pub(super) account: Option<i64>,
    pub(super) original: Option<i64>,
    pub(super) counterparty: Option<i64>,
    pub(super) hosted: bool,
    pub(super) method: String,
    pub(super) provider: String,
    pub(super) status: String,
    pub(super) payer_amount: i64,
    pub(super) payer_currency: String,
    pub(super) payee_amount: i64,
    pub(super) payee_currency: String,
    pub(super) platform_fee: i64,
    pub(super) platform_currency: String,
    pub(super) gateway_fee: i64,
    pub(super) gateway_currency: String,
    pub(super) fx_fee: i64,
    pub(super) fx_rate: Option<String>,
    pub(super) fx_from: Option<String>,
    pub(super) fx_to: Option<String>,
    pub(super) fees: i64,
    pub(super) wallet: i64,
    pub(super) debit: i64,
    pub(super) provider_transaction_id: Option<String>,
    pub(super) gateway_message: Option<String>,
    pub(super) wallet_message: Option<String>,
    pub(super) client_secret: Option<String>,
    pub(super) requires_action: Option<bool>,
    pub(super) visible_at: i64,
    pub(super) confirmed_at: Option<i64>,
}

impl Execution {
    pub(super) fn operation(&self) -> Operation {
        Operation::of(&self.operation).unwrap_or(Operation::Collection)
    }

    /// Whether its chain has ended (provider facts, section 8.5).
    pub(super) fn is_final(&self) -> bool {
        !matches!(self.status.as_str(), "PENDING" | "PROCESSING")
    }

    pub(super) fn succeeded(&self) -> bool {
        matches!(self.status.as_str(), "COMPLETED" | "SUCCESSFUL")
    }
}

impl Desk<'_> {
    /// The next number of a counter, `start` the first time.
    pub(super) async fn count(&mut self, name: &str, start: i64) -> Result<i64> {
        Ok(sqlx::query_scalar(
            "INSERT INTO counter (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
        )
        .bind(name)
        .bind(start)
        .fetch_one(&mut *self.db)
        .await?)
    }

    pub(super) async fn party(&mut self, merchant: i64, id: i64) -> Result<Option<Party>> {
        let query = "SELECT * FROM party WHERE id = ?1 AND merchant = ?2";
        Ok(sqlx::query_as(query).bind(id).bind(merchant).fetch_optional(&mut *self.db).await?)
    }

    pub(super) async fn counterparty(&mut self, merchant: i64, id: i64) -> Result<Option<Counterparty>> {
        let query = "SELECT * FROM counterparty WHERE id = ?1 AND merchant = ?2";
        Ok(sqlx::query_as(query).bind(id).bind(merchant).fetch_optional(&mut *self.db).await?)
    }

    /// The party of a source's counterparty.
    pub(super) async fn party_of(&mut self, source: &Source) -> Result<Option<Party>> {
        let query = "SELECT p.* FROM party p JOIN counterparty c ON c.party = p.id WHERE c.id = ?1";
        Ok(sqlx::query_as(query).bind(source.counterparty).fetch_optional(&mut *self.db).await?)
    }

    pub(super) async fn source(&mut self, seq: i64) -> Result<Source> {
        let found = sqlx::query_as(
            "SELECT s.*, (SELECT coalesce(sum(qty * amount), 0) FROM item WHERE source = s.seq) AS total
             FROM source s WHERE s.seq = ?1",
        )
        .bind(seq)
        .fetch_optional(&mut *self.db)
        .await?;
        found.ok_or_else(|| damaged("a source is gone"))
    }

    pub(super) async fn source_by_id(&mut self, merchant: i64, kind: Kind, id: i64) -> Result<Option<Source>> {
        let query = "SELECT seq FROM source WHERE merchant = ?1 AND kind = ?2 AND id = ?3";
        let seq: Option<i64> =
            sqlx::query_scalar(query).bind(merchant).bind(kind.word()).bind(id).fetch_optional(&mut *self.db).await?;
        match seq {
            Some(seq) => self.source(seq).await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn source_by_number(&mut self, merchant: i64, kind: Kind, number: &str) -> Result<Option<Source>> {
        let query = "SELECT seq FROM source WHERE merchant = ?1 AND kind = ?2 AND number = ?3";
        let seq: Option<i64> = sqlx::query_scalar(query)
            .bind(merchant)
            .bind(kind.word())
            .bind(number)
            .fetch_optional(&mut *self.db)
            .await?;
        match seq {
            Some(seq) => self.source(seq).await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn account(&mut self, merchant: i64, id: i64) -> Result<Option<Account>> {
        let query = "SELECT * FROM account WHERE id = ?1 AND merchant = ?2";
        Ok(sqlx::query_as(query).bind(id).bind(merchant).fetch_optional(&mut *self.db).await?)
    }

    pub(super) async fn session(&mut self, merchant: i64, id: i64) -> Result<Option<Session>> {
        let query = "SELECT * FROM session WHERE id = ?1 AND merchant = ?2";
        Ok(sqlx::query_as(query).bind(id).bind(merchant).fetch_optional(&mut *self.db).await?)
    }

    pub(super) async fn execution(&mut self, intent: i64) -> Result<Execution> {
        let found = sqlx::query_as("SELECT * FROM execution WHERE intent = ?1");
        found.bind(intent).fetch_optional(&mut *self.db).await?.ok_or_else(|| damaged("an execution is gone"))
    }

    pub(super) async fn execution_by_reference(&mut self, merchant: i64, reference: &str) -> Result<Option<Execution>> {
        let query = "SELECT * FROM execution WHERE merchant = ?1 AND reference = ?2";
        Ok(sqlx::query_as(query).bind(merchant).bind(reference).fetch_optional(&mut *self.db).await?)
    }
}
