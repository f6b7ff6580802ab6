-- Read models: rebuilt from the book at any time. Money is an integer at scale 4, times are microseconds since 1970 UTC.

-- Which generation of a projection answers queries.
CREATE TABLE projection_active (
    book UUID NOT NULL,
    projection TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    PRIMARY KEY (book, projection)
);

-- How far a generation has read: its position, that leaf's hash and time, the configuration there, and why it stands
-- still.
CREATE TABLE projection_cursors (
    book UUID NOT NULL,
    projection TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    position BIGINT NOT NULL CHECK (position >= 0),
    leaf_hash BYTEA,
    recorded_at BIGINT,
    config TEXT COLLATE "C" NOT NULL,
    stop_kind TEXT COLLATE "C",
    stop_position BIGINT,
    stop_reason TEXT COLLATE "C",
    PRIMARY KEY (book, projection, generation)
);

CREATE TABLE wallets (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    wallet UUID NOT NULL,
    connection UUID NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    slug TEXT COLLATE "C" NOT NULL,
    account_code TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    posted BIGINT NOT NULL,
    held BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    last_position BIGINT NOT NULL,
    occurred_at BIGINT,
    purse TEXT COLLATE "C",
    PRIMARY KEY (book, generation, wallet)
);

CREATE UNIQUE INDEX wallets_by_code ON wallets (book, generation, account_code, code);

-- Money asked for and not yet gone: one row for each id and attempt that is still open.
CREATE TABLE wallet_reservations (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    subject UUID NOT NULL,
    attempt BIGINT NOT NULL,
    wallet UUID NOT NULL,
    amount BIGINT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (book, generation, subject, attempt)
);

-- Withheld ends of reservations, until the discrepancy that holds each is resolved.
CREATE TABLE wallet_ends (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    event UUID NOT NULL,
    subject UUID NOT NULL,
    attempt BIGINT NOT NULL,
    discrepancy UUID,
    PRIMARY KEY (book, generation, event)
);

CREATE INDEX wallet_ends_by_subject ON wallet_ends (book, generation, subject);

-- Every change of a wallet's posted, held and reserved figure, so that balances of any moment can be told.
CREATE TABLE wallet_moves (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    position BIGINT NOT NULL,
    n BIGINT NOT NULL,
    wallet UUID NOT NULL,
    part TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL,
    occurred_at BIGINT NOT NULL,
    PRIMARY KEY (book, generation, position, n)
);

CREATE INDEX wallet_moves_by_time ON wallet_moves (book, generation, wallet, occurred_at);

-- The same by day in UTC, in parts (upper figure, and what is left below 10^9).
CREATE TABLE wallet_days (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    wallet UUID NOT NULL,
    part TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    high BIGINT NOT NULL,
    low BIGINT NOT NULL,
    PRIMARY KEY (book, generation, wallet, part, day)
);

CREATE TABLE payments (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    payment UUID NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    is_final BIGINT NOT NULL,
    connection UUID,
    provider TEXT COLLATE "C",
    wallet UUID,
    currency TEXT COLLATE "C",
    object_kind TEXT COLLATE "C",
    object_id TEXT COLLATE "C",
    parent UUID,
    invoice UUID,
    party UUID,
    channel TEXT COLLATE "C",
    reason TEXT COLLATE "C",
    not_posted TEXT COLLATE "C",
    withheld UUID,
    discrepancy UUID,
    attempt BIGINT,
    amount BIGINT,
    reserve BIGINT,
    gross BIGINT,
    net BIGINT,
    held BIGINT,
    wallet_change BIGINT,
    counter_amount BIGINT,
    counter_currency TEXT COLLATE "C",
    fees_merchant BIGINT NOT NULL,
    fees_other BIGINT NOT NULL,
    open BIGINT NOT NULL,
    allocated BIGINT NOT NULL,
    refunded BIGINT NOT NULL,
    reversed BIGINT NOT NULL,
    lost BIGINT NOT NULL,
    disputed BIGINT NOT NULL,
    held_until BIGINT,
    created_at BIGINT NOT NULL,
    occurred_at BIGINT NOT NULL,
    first_position BIGINT NOT NULL,
    last_position BIGINT NOT NULL,
    PRIMARY KEY (book, generation, payment)
);

CREATE UNIQUE INDEX payments_by_position ON payments (book, generation, first_position);
CREATE INDEX payments_by_state ON payments (book, generation, kind, state, first_position);
CREATE INDEX payments_by_connection ON payments (book, generation, connection, first_position);
CREATE INDEX payments_by_parent ON payments (book, generation, parent, first_position) WHERE parent IS NOT NULL;
CREATE INDEX payments_by_invoice ON payments (book, generation, invoice, first_position) WHERE invoice IS NOT NULL;
CREATE INDEX payments_by_party ON payments (book, generation, party, first_position) WHERE party IS NOT NULL;
CREATE INDEX payments_by_time ON payments (book, generation, occurred_at);

-- Disputes of payments, from the first word of a payer's bank to the last.
CREATE TABLE disputes (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    dispute UUID NOT NULL,
    payment UUID NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    connection UUID,
    provider TEXT COLLATE "C",
    wallet UUID,
    currency TEXT COLLATE "C",
    object_kind TEXT COLLATE "C",
    object_id TEXT COLLATE "C",
    withheld UUID,
    discrepancy UUID,
    amount BIGINT NOT NULL,
    open BIGINT NOT NULL,
    lost BIGINT NOT NULL,
    wallet_change BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    occurred_at BIGINT NOT NULL,
    first_position BIGINT NOT NULL,
    last_position BIGINT NOT NULL,
    PRIMARY KEY (book, generation, dispute)
);

CREATE UNIQUE INDEX disputes_by_position ON disputes (book, generation, first_position);
CREATE INDEX disputes_by_state ON disputes (book, generation, state, first_position);
CREATE INDEX disputes_by_payment ON disputes (book, generation, payment, first_position);

-- One row for each line of each entry, with the dates that statements and reports go by. A fee's line has the date of
-- its payment; every other line has that of its event. `book_day` counts days since 1970-01-01.
CREATE TABLE postings (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    position BIGINT NOT NULL,
    n BIGINT NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL,
    open_item UUID,
    payment UUID,
    subject UUID NOT NULL,
    word TEXT COLLATE "C" NOT NULL,
    fee UUID,
    occurred_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    book_day BIGINT NOT NULL,
    PRIMARY KEY (book, generation, position, n)
);

CREATE INDEX postings_by_account ON postings (book, generation, account, currency, occurred_at, position, n);
CREATE INDEX postings_by_book_day ON postings (book, generation, account, currency, book_day, position, n);
CREATE INDEX postings_of_fees ON postings (book, generation, occurred_at) WHERE fee IS NOT NULL;

-- What each account has on either side, in parts (upper figure, and what is left below 10^9): level 0 all of it, 1 by
-- day of occurred_at in UTC, 2 by book day. So no balance of a day needs the lines before it.
CREATE TABLE account_sums (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    level BIGINT NOT NULL,
    bucket BIGINT NOT NULL,
    debit_high BIGINT NOT NULL,
    debit_low BIGINT NOT NULL,
    credit_high BIGINT NOT NULL,
    credit_low BIGINT NOT NULL,
    lines BIGINT NOT NULL,
    PRIMARY KEY (book, generation, account, currency, level, bucket)
);

-- By what fees and volumes are reported: each combination once, under an id that follows from it. A volume has no
-- component and no bearer.
CREATE TABLE fee_kinds (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    kind UUID NOT NULL,
    provider TEXT COLLATE "C",
    connection UUID,
    wallet UUID,
    component TEXT COLLATE "C",
    bearer TEXT COLLATE "C",
    label TEXT COLLATE "C",
    channel TEXT COLLATE "C",
    direction TEXT COLLATE "C",
    source TEXT COLLATE "C",
    currency TEXT COLLATE "C" NOT NULL,
    is_foreign BIGINT NOT NULL,
    PRIMARY KEY (book, generation, kind)
);

-- Fees and volumes by kind: level 0 by day of occurred_at in UTC, 1 by quarter of an hour, 2 by book day.
CREATE TABLE fee_sums (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    level BIGINT NOT NULL,
    bucket BIGINT NOT NULL,
    kind UUID NOT NULL,
    high BIGINT NOT NULL,
    low BIGINT NOT NULL,
    lines BIGINT NOT NULL,
    PRIMARY KEY (book, generation, level, bucket, kind)
);

-- What was settled of a payment, payout, withdrawal or top-up: the volume that its fees are compared with.
CREATE TABLE volumes (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    position BIGINT NOT NULL,
    subject UUID NOT NULL,
    kind UUID NOT NULL,
    amount BIGINT NOT NULL,
    occurred_at BIGINT NOT NULL,
    book_day BIGINT NOT NULL,
    PRIMARY KEY (book, generation, position)
);

CREATE INDEX volumes_by_time ON volumes (book, generation, occurred_at);

-- What later lines of the same payment take from its success: date, wallet, channel, direction, currency, and the fees
-- that were told with it, as JSON.
CREATE TABLE settled (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    subject UUID NOT NULL,
    occurred_at BIGINT NOT NULL,
    wallet UUID,
    channel TEXT COLLATE "C",
    direction TEXT COLLATE "C",
    currency TEXT COLLATE "C",
    fees TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (book, generation, subject)
);

CREATE TABLE invoices (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    invoice UUID NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    connection UUID,
    object_kind TEXT COLLATE "C",
    object_id TEXT COLLATE "C",
    party UUID,
    currency TEXT COLLATE "C",
    recognition TEXT COLLATE "C",
    due TEXT COLLATE "C",
    total BIGINT NOT NULL,
    tax BIGINT NOT NULL,
    outstanding BIGINT NOT NULL,
    allocated BIGINT NOT NULL,
    deallocated BIGINT NOT NULL,
    credited BIGINT NOT NULL,
    cancelled BIGINT NOT NULL,
    offline BIGINT NOT NULL,
    adjusted BIGINT NOT NULL,
    tax_allocated BIGINT NOT NULL,
    item_count BIGINT NOT NULL,
    draft_total BIGINT,
    draft_tax BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    published_at BIGINT,
    expired_at BIGINT,
    cancelled_at BIGINT,
    paid_at BIGINT,
    payment_started_at BIGINT,
    state_since BIGINT NOT NULL,
    first_position BIGINT NOT NULL,
    last_position BIGINT NOT NULL,
    PRIMARY KEY (book, generation, invoice)
);

CREATE UNIQUE INDEX invoices_by_position ON invoices (book, generation, first_position);
CREATE INDEX invoices_by_state ON invoices (book, generation, state, first_position);
CREATE INDEX invoices_by_party ON invoices (book, generation, party, first_position) WHERE party IS NOT NULL;
CREATE INDEX invoices_outstanding ON invoices (book, generation, currency, due) WHERE outstanding <> 0;

-- Items, numbered in the order in which they joined.
CREATE TABLE invoice_items (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    invoice UUID NOT NULL,
    n BIGINT NOT NULL,
    item_id TEXT COLLATE "C" NOT NULL,
    quantity TEXT COLLATE "C" NOT NULL,
    unit_amount BIGINT NOT NULL,
    tax BIGINT,
    amount BIGINT,
    PRIMARY KEY (book, generation, invoice, n)
);

-- What each payment's open item was told to pay, in the invoice's currency.
CREATE TABLE invoice_payments (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    invoice UUID NOT NULL,
    payment UUID NOT NULL,
    item_kind TEXT COLLATE "C" NOT NULL,
    allocated BIGINT NOT NULL,
    deallocated BIGINT NOT NULL,
    tax BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    first_position BIGINT NOT NULL,
    last_position BIGINT NOT NULL,
    PRIMARY KEY (book, generation, invoice, payment)
);

CREATE TABLE discrepancies (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    discrepancy UUID NOT NULL,
    position BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    about UUID,
    stake BIGINT,
    stake_currency TEXT COLLATE "C",
    subject UUID NOT NULL,
    subject_kind TEXT COLLATE "C" NOT NULL,
    connection UUID,
    wallet UUID,
    detail TEXT COLLATE "C",
    withheld_word TEXT COLLATE "C",
    withheld_position BIGINT,
    occurred_at BIGINT NOT NULL,
    raised_at BIGINT NOT NULL,
    verdict TEXT COLLATE "C",
    actor_id TEXT COLLATE "C",
    reason TEXT COLLATE "C",
    target TEXT COLLATE "C",
    resolved_at BIGINT,
    resolved_position BIGINT,
    PRIMARY KEY (book, generation, discrepancy)
);

CREATE UNIQUE INDEX discrepancies_by_position ON discrepancies (book, generation, position);
CREATE INDEX discrepancies_by_state ON discrepancies (book, generation, state, position);

-- Withheld events; each is held by exactly one discrepancy.
CREATE TABLE discrepancy_events (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    event UUID NOT NULL,
    word TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    discrepancy UUID,
    PRIMARY KEY (book, generation, event)
);

-- Balances that wait for an id, by account; rows stay at zero, since an item can be opened again.
CREATE TABLE open_items (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    item UUID NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    connection UUID,
    balance BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    first_position BIGINT NOT NULL,
    last_position BIGINT NOT NULL,
    PRIMARY KEY (book, generation, account, item, currency)
);

CREATE INDEX open_items_open ON open_items (book, generation, account, currency, opened_at, item) WHERE balance <> 0;
CREATE INDEX open_items_by_item ON open_items (book, generation, item);
