-- Read models: rebuilt from the book at any time. Money is an integer at scale 4, times are microseconds since 1970 UTC.

-- Which generation of a projection answers queries.
CREATE TABLE projection_active (
    book UUID NOT NULL,
    projection TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    PRIMARY KEY (book, projection)
);

-- How far a generation has read: its position, that leaf's hash, the configuration there, and why it stands still.
CREATE TABLE projection_cursors (
    book UUID NOT NULL,
    projection TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    position BIGINT NOT NULL CHECK (position >= 0),
    leaf_hash BYTEA,
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
    end_withheld BIGINT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (book, generation, subject, attempt)
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
    amount BIGINT,
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
    created_at BIGINT NOT NULL,
    occurred_at BIGINT NOT NULL,
    first_position BIGINT NOT NULL,
    last_position BIGINT NOT NULL,
    PRIMARY KEY (book, generation, payment)
);

CREATE UNIQUE INDEX payments_by_position ON payments (book, generation, first_position);
CREATE INDEX payments_by_state ON payments (book, generation, kind, state, first_position);
CREATE INDEX payments_by_connection ON payments (book, generation, connection, first_position);

-- One row for each line on a fee account, ours or memo.
CREATE TABLE fee_lines (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    position BIGINT NOT NULL,
    n BIGINT NOT NULL,
    payment UUID,
    connection UUID,
    provider TEXT COLLATE "C",
    wallet UUID,
    component TEXT COLLATE "C" NOT NULL,
    bearer TEXT COLLATE "C" NOT NULL,
    label TEXT COLLATE "C",
    channel TEXT COLLATE "C",
    currency TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL,
    occurred_at BIGINT NOT NULL,
    book_date TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (book, generation, position, n)
);

CREATE INDEX fee_lines_by_time ON fee_lines (book, generation, occurred_at);

-- What a later fee of the same payment takes from its success: the date, the wallet, the channel.
CREATE TABLE fee_subjects (
    book UUID NOT NULL,
    generation BIGINT NOT NULL,
    subject UUID NOT NULL,
    occurred_at BIGINT NOT NULL,
    wallet UUID,
    channel TEXT COLLATE "C",
    position BIGINT NOT NULL,
    PRIMARY KEY (book, generation, subject)
);
