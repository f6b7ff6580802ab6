//! The tables of the simulator's file. Amounts are in units of 0.0001, times in microseconds.

use crate::simulator::file::Schema;

pub(super) const SCHEMA: Schema = Schema {
    provider: "dollr",
    application_id: 0x444f_4c52,
    version: 1,
    create: "
PRAGMA application_id = 0x444f4c52;
PRAGMA user_version = 1;

CREATE TABLE token (hash BLOB PRIMARY KEY, merchant INTEGER NOT NULL, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE party (
    id INTEGER PRIMARY KEY AUTOINCREMENT, merchant INTEGER NOT NULL, fullname TEXT NOT NULL, phone TEXT, email TEXT,
    country_code TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX party_phone ON party (merchant, phone);

CREATE TABLE counterparty (
    id INTEGER PRIMARY KEY AUTOINCREMENT, merchant INTEGER NOT NULL, relationship_type TEXT NOT NULL,
    party INTEGER REFERENCES party (id), created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;

-- An invoice or an order; `id` counts within its kind. `label`: the merchant's own reference_id. `key`: of all draws about
-- it. `hosted`: made by a checkout. `token`: of its page.
CREATE TABLE source (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, merchant INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('INVOICE', 'ORDER')), id INTEGER NOT NULL, number TEXT NOT NULL UNIQUE,
    counterparty INTEGER NOT NULL REFERENCES counterparty (id), currency TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('IDLE', 'ACTIVE', 'PROCESSING', 'PAID', 'CANCELED', 'REFUNDED')),
    note TEXT, fee_bearer TEXT NOT NULL CHECK (fee_bearer IN ('PAYER', 'PAYEE')), due_date INTEGER,
    as_payment_link INTEGER NOT NULL, label TEXT, key TEXT NOT NULL UNIQUE, hosted INTEGER NOT NULL,
    token TEXT NOT NULL UNIQUE, success_url TEXT, cancel_url TEXT, expires_at INTEGER, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, paid_at INTEGER, UNIQUE (kind, id)
) STRICT;
CREATE INDEX source_label ON source (merchant, label);

CREATE TABLE item (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL REFERENCES source (seq), name TEXT NOT NULL,
    currency TEXT NOT NULL, qty INTEGER NOT NULL CHECK (qty > 0), amount INTEGER NOT NULL CHECK (amount > 0),
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX item_source ON item (source);

CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT, merchant INTEGER NOT NULL, operation TEXT NOT NULL, account_name TEXT NOT NULL,
    provider TEXT NOT NULL, method TEXT NOT NULL, party INTEGER NOT NULL REFERENCES party (id), country_code TEXT,
    number TEXT, is_active INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;

-- `account`: of a payout. `wallet`: to be debited. `counterparty`: of a transfer. `original`: of a refund.
CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT, merchant INTEGER NOT NULL, operation TEXT NOT NULL,
    source INTEGER REFERENCES source (seq), account INTEGER REFERENCES account (id), wallet INTEGER REFERENCES wallet (id),
    counterparty INTEGER REFERENCES counterparty (id), original INTEGER REFERENCES execution (intent), amount INTEGER,
    currency TEXT, reason TEXT, status TEXT NOT NULL, expires_at INTEGER NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- `intent`: the payment-intent id. `payload`: what was asked under the reference. `wallet`: credited or debited, with
-- `effect` up to now; `debit` is what a success or an acceptance takes. `fees`: in the wallet's currency. `visible_at`: from
-- when its status is found.
CREATE TABLE execution (
    intent INTEGER PRIMARY KEY AUTOINCREMENT, merchant INTEGER NOT NULL, operation TEXT NOT NULL,
    reference TEXT NOT NULL, payload TEXT NOT NULL, source INTEGER REFERENCES source (seq),
    account INTEGER REFERENCES account (id), original INTEGER REFERENCES execution (intent),
    counterparty INTEGER REFERENCES counterparty (id), hosted INTEGER NOT NULL, method TEXT NOT NULL, provider TEXT NOT NULL,
    status TEXT NOT NULL, payer_amount INTEGER NOT NULL, payer_currency TEXT NOT NULL, payee_amount INTEGER NOT NULL,
    payee_currency TEXT NOT NULL, platform_fee INTEGER NOT NULL, platform_currency TEXT NOT NULL,
    gateway_fee INTEGER NOT NULL, gateway_currency TEXT NOT NULL, fx_fee INTEGER NOT NULL, fx_rate TEXT, fx_from TEXT,
    fx_to TEXT, fees INTEGER NOT NULL, wallet INTEGER NOT NULL REFERENCES wallet (id), debit INTEGER NOT NULL,
    provider_transaction_id TEXT, gateway_message TEXT, wallet_message TEXT, client_secret TEXT, requires_action INTEGER,
    visible_at INTEGER NOT NULL, created_at INTEGER NOT NULL, confirmed_at INTEGER, UNIQUE (merchant, reference)
) STRICT;
CREATE INDEX execution_source ON execution (source);
CREATE INDEX execution_original ON execution (original) WHERE original IS NOT NULL;

-- `unsettled`: of the balance, what cannot be spent yet.
CREATE TABLE wallet (
    id INTEGER PRIMARY KEY, merchant INTEGER NOT NULL, currency TEXT NOT NULL, balance INTEGER NOT NULL,
    unsettled INTEGER NOT NULL CHECK (unsettled >= 0), UNIQUE (merchant, currency)
) STRICT;

-- One movement of a wallet. `intent` is null where it belongs to no execution.
CREATE TABLE posting (
    id INTEGER PRIMARY KEY AUTOINCREMENT, wallet INTEGER NOT NULL REFERENCES wallet (id),
    intent INTEGER REFERENCES execution (intent), what TEXT NOT NULL, effect INTEGER NOT NULL, unsettled INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX posting_intent ON posting (intent);

-- What will happen, and when. `of`: an execution's intent or a source's seq, as `what` says.
CREATE TABLE step (
    id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL, of INTEGER NOT NULL, word TEXT NOT NULL,
    due_at INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX step_due ON step (due_at, id) WHERE done = 0;

-- Exact figures that the control has set for a payment, as JSON, by what they belong to.
CREATE TABLE figure (of TEXT PRIMARY KEY, doc TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
",
};
