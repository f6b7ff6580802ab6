//! The tables of the simulator's file. The database itself holds the identities of the purses.

use crate::simulator::file::Schema;

pub(super) const SCHEMA: Schema = Schema {
    provider: "paytota",
    application_id: 0x5059_5441,
    version: 1,
    create: "
PRAGMA application_id = 0x50595441;
PRAGMA user_version = 1;

CREATE TABLE signing_key (
    owner TEXT NOT NULL CHECK (owner IN ('webhook', 'company')), nth INTEGER NOT NULL, der BLOB NOT NULL,
    alone_at INTEGER NOT NULL, PRIMARY KEY (owner, nth)
) STRICT, WITHOUT ROWID;

-- A purse in the currency's smallest unit. `in_flight`: on its way out. `withheld`: not freed yet, wherever it stands.
CREATE TABLE purse (
    currency TEXT NOT NULL, purse TEXT NOT NULL CHECK (purse IN ('collections', 'payouts')),
    gross INTEGER NOT NULL, fee INTEGER NOT NULL, balance INTEGER NOT NULL, reserved INTEGER NOT NULL,
    in_flight INTEGER NOT NULL CHECK (in_flight >= 0), available INTEGER NOT NULL,
    withheld INTEGER NOT NULL CHECK (withheld >= 0), overdraft INTEGER NOT NULL CHECK (overdraft >= 0),
    PRIMARY KEY (currency, purse),
    CHECK (balance = gross - fee), CHECK (available = balance - reserved - in_flight)
) STRICT, WITHOUT ROWID;

-- A purchase, a payout, or a payment of its own (refund, chargeback). `doc`: its JSON without what is filled in when it
-- is shown. `key`: of all draws about it. `amount`: asked for; of a payment, moved. `party`: the phone. `attempt`: how
-- often it was executed. `in_flight`: what of it is on its way out. `parent`: the purchase of a payment.
CREATE TABLE object (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('purchase', 'payout', 'refund', 'chargeback')),
    id TEXT NOT NULL UNIQUE, key TEXT NOT NULL UNIQUE, status TEXT NOT NULL, reference TEXT NOT NULL,
    currency TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount >= 0), method TEXT NOT NULL, party TEXT NOT NULL,
    operator TEXT NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, in_flight INTEGER NOT NULL DEFAULT 0,
    parent INTEGER REFERENCES object (seq), doc TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX object_reference ON object (kind, reference);
CREATE INDEX object_parent ON object (parent);

-- One movement of a purse. `object` is null where it belongs to none.
CREATE TABLE posting (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL, object INTEGER REFERENCES object (seq), what TEXT NOT NULL,
    currency TEXT NOT NULL, purse TEXT NOT NULL, gross INTEGER NOT NULL, fee INTEGER NOT NULL,
    reserved INTEGER NOT NULL, in_flight INTEGER NOT NULL, withheld INTEGER NOT NULL, at INTEGER NOT NULL,
    FOREIGN KEY (currency, purse) REFERENCES purse (currency, purse)
) STRICT;
CREATE INDEX posting_object ON posting (object);

-- One line of a statement: money that moved, as a payment.
CREATE TABLE line (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL, object INTEGER REFERENCES object (seq), product TEXT NOT NULL, payment_type TEXT NOT NULL,
    related_to TEXT NOT NULL, currency TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount >= 0),
    fee INTEGER NOT NULL CHECK (fee >= 0), net INTEGER NOT NULL, pending INTEGER NOT NULL CHECK (pending >= 0),
    outgoing INTEGER NOT NULL, paid_on INTEGER NOT NULL, created_on INTEGER NOT NULL,
    CHECK (amount = net + fee + pending)
) STRICT;

-- What will happen, and when.
CREATE TABLE step (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    object INTEGER REFERENCES object (seq), what TEXT NOT NULL, arg INTEGER NOT NULL, word TEXT NOT NULL,
    due_at INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX step_due ON step (due_at, id) WHERE done = 0;

-- `queue`: object and channel; of a queue only the first that `blocks` is sent. `channel`: a registered webhook, or
-- empty for the purchase's own success callback to `url`. `first_at`: when it was first tried. `body`: as it was at the
-- event.
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    object INTEGER NOT NULL REFERENCES object (seq), queue TEXT NOT NULL, channel TEXT NOT NULL, url TEXT NOT NULL,
    event TEXT NOT NULL, body TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('genuine', 'copy', 'forged', 'truncated', 'odd')),
    blocks INTEGER NOT NULL, due_at INTEGER NOT NULL, first_at INTEGER, tries INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('due', 'delivered', 'given_up', 'lost'))
) STRICT;
CREATE INDEX delivery_due ON delivery (due_at, id) WHERE state = 'due';
CREATE INDEX delivery_queue ON delivery (queue, id) WHERE state = 'due';
CREATE INDEX delivery_object ON delivery (object, id);

CREATE TABLE statement (
    id TEXT PRIMARY KEY, doc TEXT NOT NULL, query TEXT NOT NULL, file TEXT, link TEXT, made_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;

CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
",
};
