//! The tables of the simulator's file. The database itself holds the balance law of the wallet rows.

use crate::simulator::file::Schema;

pub(super) const SCHEMA: Schema = Schema {
    provider: "iotec",
    application_id: 0x494f_5443,
    version: 2,
    create: "
PRAGMA application_id = 0x494f5443;
PRAGMA user_version = 2;

CREATE TABLE wallet (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, currency TEXT NOT NULL, partner_id TEXT NOT NULL,
    balance INTEGER NOT NULL, last_number INTEGER NOT NULL
) STRICT;

-- A collection or a disbursement: what both have. `object` is the key of all draws about it: its external id and which
-- record of it this is. `party`: the payer's or the payee's number. `through_wallet`: the fee is the wallet's to bear.
-- `amount_moved`, `fee_moved`: that part stands in the wallet's books now. `said_*`: what the answers say instead.
CREATE TABLE record (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('Collection', 'Disbursement')),
    id TEXT NOT NULL UNIQUE, object TEXT NOT NULL,
    external_id TEXT, wallet_id TEXT NOT NULL REFERENCES wallet (id), currency TEXT NOT NULL,
    status TEXT NOT NULL, status_code TEXT NOT NULL, status_message TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    own_fee INTEGER NOT NULL CHECK (own_fee >= 0), vendor_fee INTEGER NOT NULL CHECK (vendor_fee >= 0),
    through_wallet INTEGER NOT NULL,
    amount_moved INTEGER NOT NULL DEFAULT 0, fee_moved INTEGER NOT NULL DEFAULT 0,
    party TEXT NOT NULL, party_name TEXT, payer_note TEXT, payee_note TEXT, redirect_url TEXT,
    vendor TEXT NOT NULL, vendor_transaction_id TEXT,
    said_amount INTEGER, said_own_fee INTEGER, said_vendor_fee INTEGER, said_total INTEGER,
    created_at INTEGER NOT NULL, updated_at INTEGER, processed_at INTEGER,
    UNIQUE (kind, object)
) STRICT;
CREATE INDEX record_external ON record (kind, coalesce(external_id, ''), seq);
CREATE INDEX record_made ON record (kind, created_at, seq);

-- What only a disbursement has. Switches are kept as they stood at its creation. `unfunded`: the wallet had not enough,
-- so it is never debited and fails.
CREATE TABLE payout (
    record INTEGER PRIMARY KEY REFERENCES record (seq),
    category TEXT NOT NULL CHECK (category IN ('MobileMoney', 'BankTransfer')),
    upload_name TEXT, name_status TEXT NOT NULL,
    bank TEXT, transfer_type TEXT, send_at INTEGER,
    fee_inside INTEGER NOT NULL, debit_on_success INTEGER NOT NULL, held_debit_at_creation INTEGER NOT NULL,
    unfunded INTEGER NOT NULL
) STRICT;

CREATE TABLE decision (
    id TEXT PRIMARY KEY, record INTEGER NOT NULL REFERENCES record (seq),
    category TEXT NOT NULL CHECK (category IN ('Approve', 'Reject', 'Cancel', 'Rollback', 'Reschedule')),
    remarks TEXT, decided_at INTEGER NOT NULL
) STRICT;
CREATE INDEX decision_record ON decision (record, decided_at);

-- What will become of a record, and when.
CREATE TABLE step (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    record INTEGER NOT NULL REFERENCES record (seq),
    due_at INTEGER NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX step_due ON step (due_at, id) WHERE done = 0;
CREATE INDEX step_record ON step (record, due_at) WHERE done = 0;

-- `record` is null where the wallet moved without a collection or a disbursement. `rollback`: it reverses another row;
-- `reversed`: another row has reversed it.
CREATE TABLE wallet_row (
    id TEXT PRIMARY KEY,
    wallet_id TEXT NOT NULL REFERENCES wallet (id), number INTEGER NOT NULL,
    record INTEGER REFERENCES record (seq), request_id TEXT NOT NULL, request_category TEXT NOT NULL,
    operation TEXT NOT NULL CHECK (operation IN ('TopUp', 'Deduct')),
    category TEXT NOT NULL CHECK (category IN ('Disbursement', 'Collection', 'Deposit', 'Liquidation', 'RevenueShare',
      'Transfer', 'TransactionCharge', 'Rollback')),
    amount INTEGER NOT NULL CHECK (amount > 0), previous INTEGER NOT NULL, balance INTEGER NOT NULL,
    rollback INTEGER NOT NULL, reversed INTEGER NOT NULL DEFAULT 0, memo TEXT, created_at INTEGER NOT NULL,
    UNIQUE (wallet_id, number),
    CHECK (balance = previous + CASE operation WHEN 'TopUp' THEN amount ELSE -amount END)
) STRICT;
CREATE INDEX wallet_row_record ON wallet_row (record, number);

-- `body` is what the status call would have answered when the status came.
CREATE TABLE callback (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    record INTEGER NOT NULL REFERENCES record (seq), wallet_id TEXT NOT NULL REFERENCES wallet (id),
    status TEXT NOT NULL, body TEXT NOT NULL,
    category TEXT NOT NULL CHECK (category IN ('Collection', 'Disbursement')),
    kind TEXT NOT NULL CHECK (kind IN ('genuine', 'forged_header', 'forged_id')),
    due_at INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('due', 'delivered', 'given_up', 'lost'))
) STRICT;
CREATE INDEX callback_due ON callback (due_at, id) WHERE state = 'due';
CREATE INDEX callback_record ON callback (record, due_at, id) WHERE state = 'due';

CREATE TABLE token (hash BLOB PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
",
};
