-- Read models: rebuilt from the book at any time. Money is an integer at scale 4, times are microseconds since 1970 UTC.

-- Which generation of a projection answers queries.
CREATE TABLE projection_active (
    book BLOB NOT NULL,
    projection TEXT NOT NULL,
    generation INTEGER NOT NULL,
    PRIMARY KEY (book, projection)
) STRICT, WITHOUT ROWID;

-- How far a generation has read: its position, that leaf's hash and time, the configuration there, and why it stands
-- still.
CREATE TABLE projection_cursors (
    book BLOB NOT NULL,
    projection TEXT NOT NULL,
    generation INTEGER NOT NULL,
    position INTEGER NOT NULL CHECK (position >= 0),
    leaf_hash BLOB,
    recorded_at INTEGER,
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
    purse TEXT,
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
    position INTEGER NOT NULL,
    PRIMARY KEY (book, generation, subject, attempt)
) STRICT, WITHOUT ROWID;

-- Withheld ends of reservations, until the discrepancy that holds each is resolved.
CREATE TABLE wallet_ends (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    event BLOB NOT NULL,
    subject BLOB NOT NULL,
    attempt INTEGER NOT NULL,
    discrepancy BLOB,
    PRIMARY KEY (book, generation, event)
) STRICT, WITHOUT ROWID;

CREATE INDEX wallet_ends_by_subject ON wallet_ends (book, generation, subject);

-- Every change of a wallet's posted, held and reserved figure, so that balances of any moment can be told.
CREATE TABLE wallet_moves (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    position INTEGER NOT NULL,
    n INTEGER NOT NULL,
    wallet BLOB NOT NULL,
    part TEXT NOT NULL,
    amount INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    PRIMARY KEY (book, generation, position, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX wallet_moves_by_time ON wallet_moves (book, generation, wallet, occurred_at);

-- The same by day in UTC, in parts (upper figure, and what is left below 10^9).
CREATE TABLE wallet_days (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    wallet BLOB NOT NULL,
    part TEXT NOT NULL,
    day INTEGER NOT NULL,
    high INTEGER NOT NULL,
    low INTEGER NOT NULL,
    PRIMARY KEY (book, generation, wallet, part, day)
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
    withheld BLOB,
    discrepancy BLOB,
    attempt INTEGER,
    amount INTEGER,
    reserve INTEGER,
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
    disputed INTEGER NOT NULL,
    held_until INTEGER,
    created_at INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    last_position INTEGER NOT NULL,
    PRIMARY KEY (book, generation, payment)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX payments_by_position ON payments (book, generation, first_position);
CREATE INDEX payments_by_state ON payments (book, generation, kind, state, first_position);
CREATE INDEX payments_by_connection ON payments (book, generation, connection, first_position);
CREATE INDEX payments_by_parent ON payments (book, generation, parent, first_position) WHERE parent IS NOT NULL;
CREATE INDEX payments_by_invoice ON payments (book, generation, invoice, first_position) WHERE invoice IS NOT NULL;
CREATE INDEX payments_by_party ON payments (book, generation, party, first_position) WHERE party IS NOT NULL;
CREATE INDEX payments_by_time ON payments (book, generation, occurred_at);

-- Disputes of payments, from the first word of a payer's bank to the last.
CREATE TABLE disputes (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    dispute BLOB NOT NULL,
    payment BLOB NOT NULL,
    state TEXT NOT NULL,
    connection BLOB,
    provider TEXT,
    wallet BLOB,
    currency TEXT,
    object_kind TEXT,
    object_id TEXT,
    withheld BLOB,
    discrepancy BLOB,
    amount INTEGER NOT NULL,
    open INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    wallet_change INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    last_position INTEGER NOT NULL,
    PRIMARY KEY (book, generation, dispute)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX disputes_by_position ON disputes (book, generation, first_position);
CREATE INDEX disputes_by_state ON disputes (book, generation, state, first_position);
CREATE INDEX disputes_by_payment ON disputes (book, generation, payment, first_position);

-- One row for each line of each entry, with the dates that statements and reports go by. A fee's line has the date of
-- its payment; every other line has that of its event. `book_day` counts days since 1970-01-01.
CREATE TABLE postings (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    position INTEGER NOT NULL,
    n INTEGER NOT NULL,
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL,
    open_item BLOB,
    payment BLOB,
    subject BLOB NOT NULL,
    word TEXT NOT NULL,
    fee BLOB,
    occurred_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    book_day INTEGER NOT NULL,
    PRIMARY KEY (book, generation, position, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX postings_by_account ON postings (book, generation, account, currency, occurred_at, position, n);
CREATE INDEX postings_by_book_day ON postings (book, generation, account, currency, book_day, position, n);
CREATE INDEX postings_of_fees ON postings (book, generation, occurred_at) WHERE fee IS NOT NULL;

-- What each account has on either side, in parts (upper figure, and what is left below 10^9): level 0 all of it, 1 by
-- day of occurred_at in UTC, 2 by book day. So no balance of a day needs the lines before it.
CREATE TABLE account_sums (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    level INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    debit_high INTEGER NOT NULL,
    debit_low INTEGER NOT NULL,
    credit_high INTEGER NOT NULL,
    credit_low INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    PRIMARY KEY (book, generation, account, currency, level, bucket)
) STRICT, WITHOUT ROWID;

-- By what fees and volumes are reported: each combination once, under an id that follows from it. A volume has no
-- component and no bearer.
CREATE TABLE fee_kinds (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    kind BLOB NOT NULL,
    provider TEXT,
    connection BLOB,
    wallet BLOB,
    component TEXT,
    bearer TEXT,
    label TEXT,
    channel TEXT,
    direction TEXT,
    source TEXT,
    currency TEXT NOT NULL,
    is_foreign INTEGER NOT NULL,
    PRIMARY KEY (book, generation, kind)
) STRICT, WITHOUT ROWID;

-- Fees and volumes by kind: level 0 by day of occurred_at in UTC, 1 by quarter of an hour, 2 by book day.
CREATE TABLE fee_sums (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    level INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    kind BLOB NOT NULL,
    high INTEGER NOT NULL,
    low INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    PRIMARY KEY (book, generation, level, bucket, kind)
) STRICT, WITHOUT ROWID;

-- What was settled of a payment, payout, withdrawal or top-up: the volume that its fees are compared with.
CREATE TABLE volumes (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    position INTEGER NOT NULL,
    subject BLOB NOT NULL,
    kind BLOB NOT NULL,
    amount INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    book_day INTEGER NOT NULL,
    PRIMARY KEY (book, generation, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX volumes_by_time ON volumes (book, generation, occurred_at);

-- What later lines of the same payment take from its success: date, wallet, channel, direction, currency, and the fees
-- that were told with it, as JSON.
CREATE TABLE settled (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    subject BLOB NOT NULL,
    occurred_at INTEGER NOT NULL,
    wallet BLOB,
    channel TEXT,
    direction TEXT,
    currency TEXT,
    fees TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (book, generation, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE invoices (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    invoice BLOB NOT NULL,
    state TEXT NOT NULL,
    connection BLOB,
    object_kind TEXT,
    object_id TEXT,
    party BLOB,
    currency TEXT,
    recognition TEXT,
    due TEXT,
    total INTEGER NOT NULL,
    tax INTEGER NOT NULL,
    outstanding INTEGER NOT NULL,
    allocated INTEGER NOT NULL,
    deallocated INTEGER NOT NULL,
    credited INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    offline INTEGER NOT NULL,
    adjusted INTEGER NOT NULL,
    tax_allocated INTEGER NOT NULL,
    item_count INTEGER NOT NULL,
    draft_total INTEGER,
    draft_tax INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    published_at INTEGER,
    expired_at INTEGER,
    cancelled_at INTEGER,
    paid_at INTEGER,
    payment_started_at INTEGER,
    state_since INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    last_position INTEGER NOT NULL,
    PRIMARY KEY (book, generation, invoice)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX invoices_by_position ON invoices (book, generation, first_position);
CREATE INDEX invoices_by_state ON invoices (book, generation, state, first_position);
CREATE INDEX invoices_by_party ON invoices (book, generation, party, first_position) WHERE party IS NOT NULL;
CREATE INDEX invoices_outstanding ON invoices (book, generation, currency, due) WHERE outstanding <> 0;

-- Items, numbered in the order in which they joined.
CREATE TABLE invoice_items (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    invoice BLOB NOT NULL,
    n INTEGER NOT NULL,
    item_id TEXT NOT NULL,
    quantity TEXT NOT NULL,
    unit_amount INTEGER NOT NULL,
    tax INTEGER,
    amount INTEGER,
    PRIMARY KEY (book, generation, invoice, n)
) STRICT, WITHOUT ROWID;

-- What each payment's open item was told to pay, in the invoice's currency.
CREATE TABLE invoice_payments (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    invoice BLOB NOT NULL,
    payment BLOB NOT NULL,
    item_kind TEXT NOT NULL,
    allocated INTEGER NOT NULL,
    deallocated INTEGER NOT NULL,
    tax INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    last_position INTEGER NOT NULL,
    PRIMARY KEY (book, generation, invoice, payment)
) STRICT, WITHOUT ROWID;

CREATE TABLE discrepancies (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    discrepancy BLOB NOT NULL,
    position INTEGER NOT NULL,
    state TEXT NOT NULL,
    kind TEXT NOT NULL,
    about BLOB,
    stake INTEGER,
    stake_currency TEXT,
    subject BLOB NOT NULL,
    subject_kind TEXT NOT NULL,
    connection BLOB,
    wallet BLOB,
    detail TEXT,
    withheld_word TEXT,
    withheld_position INTEGER,
    occurred_at INTEGER NOT NULL,
    raised_at INTEGER NOT NULL,
    verdict TEXT,
    actor_id TEXT,
    reason TEXT,
    target TEXT,
    resolved_at INTEGER,
    resolved_position INTEGER,
    PRIMARY KEY (book, generation, discrepancy)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX discrepancies_by_position ON discrepancies (book, generation, position);
CREATE INDEX discrepancies_by_state ON discrepancies (book, generation, state, position);

-- Withheld events; each is held by exactly one discrepancy.
CREATE TABLE discrepancy_events (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    event BLOB NOT NULL,
    word TEXT NOT NULL,
    position INTEGER NOT NULL,
    discrepancy BLOB,
    PRIMARY KEY (book, generation, event)
) STRICT, WITHOUT ROWID;

-- Balances that wait for an id, by account; rows stay at zero, since an item can be opened again.
CREATE TABLE open_items (
    book BLOB NOT NULL,
    generation INTEGER NOT NULL,
    account TEXT NOT NULL,
    item BLOB NOT NULL,
    currency TEXT NOT NULL,
    connection BLOB,
    balance INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    last_position INTEGER NOT NULL,
    PRIMARY KEY (book, generation, account, item, currency)
) STRICT, WITHOUT ROWID;

CREATE INDEX open_items_open ON open_items (book, generation, account, currency, opened_at, item) WHERE balance <> 0;
CREATE INDEX open_items_by_item ON open_items (book, generation, item);
