//! The tables of the simulator's file. The database itself holds the balance law of the wallet rows.

use crate::simulator::file::Schema;

pub(super) const SCHEMA: Schema = Schema {
    provider: "iotec",
    application_id: 0x494f_5443,
    version: 1,
    create: "
PRAGMA application_id = 0x494f5443;
PRAGMA user_version = 1;

CREATE TABLE wallet (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, currency TEXT NOT NULL, partner_id TEXT NOT NULL,
    balance INTEGER NOT NULL, last_number INTEGER NOT NULL
) STRICT;

-- `object` is the key of all draws about a collection: its external id and which record of it this is.
-- `through_wallet`: the fee is taken from the wallet. `credited`: its money is in the wallet now.
CREATE TABLE collection (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, object TEXT NOT NULL UNIQUE,
    external_id TEXT, wallet_id TEXT NOT NULL REFERENCES wallet (id), currency TEXT NOT NULL,
    status TEXT NOT NULL, status_code TEXT NOT NULL, status_message TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    own_fee INTEGER NOT NULL CHECK (own_fee >= 0), vendor_fee INTEGER NOT NULL CHECK (vendor_fee >= 0),
    through_wallet INTEGER NOT NULL, credited INTEGER NOT NULL DEFAULT 0,
    payer TEXT NOT NULL, payer_name TEXT, payer_note TEXT, payee_note TEXT, redirect_url TEXT,
    vendor TEXT NOT NULL, vendor_transaction_id TEXT,
    created_at INTEGER NOT NULL, updated_at INTEGER, processed_at INTEGER
) STRICT;
CREATE INDEX collection_external ON collection (coalesce(external_id, ''), seq);

-- What will become of a collection, and when.
CREATE TABLE step (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL REFERENCES collection (seq),
    due_at INTEGER NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX step_due ON step (due_at, id) WHERE done = 0;
CREATE INDEX step_collection ON step (collection, due_at) WHERE done = 0;

CREATE TABLE wallet_row (
    id TEXT PRIMARY KEY,
    wallet_id TEXT NOT NULL REFERENCES wallet (id), number INTEGER NOT NULL,
    collection INTEGER NOT NULL REFERENCES collection (seq),
    operation TEXT NOT NULL CHECK (operation IN ('TopUp', 'Deduct')), category TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), previous INTEGER NOT NULL, balance INTEGER NOT NULL,
    rollback INTEGER NOT NULL, created_at INTEGER NOT NULL,
    UNIQUE (wallet_id, number),
    CHECK (balance = previous + CASE operation WHEN 'TopUp' THEN amount ELSE -amount END)
) STRICT;
CREATE INDEX wallet_row_collection ON wallet_row (collection, number);

-- `body` is what the status call would have answered when the status came.
CREATE TABLE callback (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL REFERENCES collection (seq), wallet_id TEXT NOT NULL REFERENCES wallet (id),
    status TEXT NOT NULL, body TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('genuine', 'forged_header', 'forged_id')),
    due_at INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('due', 'delivered', 'given_up', 'lost'))
) STRICT;
CREATE INDEX callback_due ON callback (due_at, id) WHERE state = 'due';
CREATE INDEX callback_collection ON callback (collection, due_at, id) WHERE state = 'due';

CREATE TABLE token (hash BLOB PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
",
};
