-- Read models: rebuilt from the book at any time. Money is an integer at scale 4, times are microseconds since 1970 UTC.

-- Which generation of a projection answers queries.
CREATE TABLE projection_active (
    book BLOB NOT NULL,
    projection TEXT NOT NULL,
    generation INTEGER NOT NULL,
    PRIMARY KEY (book, projection)
) STRICT, WITHOUT ROWID;

-- How far a generation has read: its position, that leaf's hash, the configuration there, and why it stands still.
CREATE TABLE projection_cursors (
    book BLOB NOT NULL,
    projection TEXT NOT NULL,
    generation INTEGER NOT NULL,
    position INTEGER NOT NULL CHECK (position >= 0),
    leaf_hash BLOB,
    config TEXT NOT NULL,
    stop_kind TEXT,
    stop_position INTEGER,
    stop_reason TEXT,
    PRIMARY KEY (book, projection, generation)
) STRICT, WITHOUT ROWID;

CREATE TABLE wallets (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    wallet BLOB NOT NULL,
    connection BLOB NOT NULL,
    provider TEXT NOT NULL,
    slug TEXT NOT NULL,
    account_code TEXT NOT NULL,
    code TEXT NOT NULL,
    currency TEXT NOT NULL,
    posted INTEGER NOT NULL,
    held INTEGER NOT NULL,
    reserved INTEGER NOT NULL,
    last_position INTEGER NOT NULL,
    occurred_at INTEGER,
    PRIMARY KEY (book, generation, wallet)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX wallets_by_code ON wallets (book, generation, account_code, code);

-- Money asked for and not yet gone: one row for each id and attempt that is still open.
CREATE TABLE wallet_reservations (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    subject BLOB NOT NULL,
    attempt INTEGER NOT NULL,
    wallet BLOB NOT NULL,
    amount INTEGER NOT NULL,
    end_withheld INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (book, generation, subject, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE payments (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    payment BLOB NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    is_final INTEGER NOT NULL,
    connection BLOB,
    provider TEXT,
    wallet BLOB,
    currency TEXT,
    object_kind TEXT,
    object_id TEXT,
    parent BLOB,
    invoice BLOB,
    party BLOB,
    channel TEXT,
    reason TEXT,
    not_posted TEXT,
    amount INTEGER,
    gross INTEGER,
    net INTEGER,
    held INTEGER,
    wallet_change INTEGER,
    counter_amount INTEGER,
    counter_currency TEXT,
    fees_merchant INTEGER NOT NULL,
    fees_other INTEGER NOT NULL,
    open INTEGER NOT NULL,
    allocated INTEGER NOT NULL,
    refunded INTEGER NOT NULL,
    reversed INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    last_position INTEGER NOT NULL,
    PRIMARY KEY (book, generation, payment)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX payments_by_position ON payments (book, generation, first_position);
CREATE INDEX payments_by_state ON payments (book, generation, kind, state, first_position);
CREATE INDEX payments_by_connection ON payments (book, generation, connection, first_position);

-- One row for each line on a fee account, ours or memo.
CREATE TABLE fee_lines (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    position INTEGER NOT NULL,
    n INTEGER NOT NULL,
    payment BLOB,
    connection BLOB,
    provider TEXT,
    wallet BLOB,
    component TEXT NOT NULL,
    bearer TEXT NOT NULL,
    label TEXT,
    channel TEXT,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    book_date TEXT NOT NULL,
    PRIMARY KEY (book, generation, position, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX fee_lines_by_time ON fee_lines (book, generation, occurred_at);

-- What a later fee of the same payment takes from its success: the date, the wallet, the channel.
CREATE TABLE fee_subjects (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    subject BLOB NOT NULL,
    occurred_at INTEGER NOT NULL,
    wallet BLOB,
    channel TEXT,
    position INTEGER NOT NULL,
    PRIMARY KEY (book, generation, subject)
) STRICT, WITHOUT ROWID;
