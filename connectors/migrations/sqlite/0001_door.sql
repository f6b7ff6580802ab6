-- The door: what came in, what must go up, what we asked for, what we still watch. Times are microseconds since 1970
-- UTC, ids 16 bytes. Every key begins with the book. No phone, name, note or body stands here in clear.

-- Raw bytes from providers, sealed. Erasing an observation sets wrapped_key to NULL; the row stays.
CREATE TABLE inbox (
    book BLOB NOT NULL,
    id BLOB NOT NULL,
    connection BLOB NOT NULL,
    kind TEXT NOT NULL,
    class TEXT NOT NULL CHECK (class IN ('signed', 'read', 'imported', 'connector', 'hint')),
    actor_id TEXT,
    received_at INTEGER NOT NULL,
    delivery_key BLOB NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 1,
    sealed BLOB NOT NULL,
    wrapped_key BLOB,
    commitment BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'translated', 'quarantined', 'hint_done')),
    reason TEXT,
    subject_hint BLOB,
    PRIMARY KEY (book, id),
    UNIQUE (book, connection, kind, delivery_key)
) STRICT;
CREATE INDEX inbox_new ON inbox (book, received_at, id) WHERE state = 'new';
CREATE INDEX inbox_subject ON inbox (book, subject_hint) WHERE subject_hint IS NOT NULL;

-- Notes to the ledger, one claim each; only the ledger's answer finishes one. next_at is real time. A `waiting` note
-- goes out once after_claim is recorded; a `parked` one, which only confirms, once a read of its subject is.
CREATE TABLE outbox (
    book BLOB NOT NULL,
    claim_id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    connection BLOB,
    subject BLOB NOT NULL,
    source BLOB NOT NULL,
    word TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending'
        CHECK (state IN ('waiting', 'pending', 'published', 'confirmed', 'refused', 'parked')),
    attempt INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    outcome TEXT,
    after_claim BLOB,
    PRIMARY KEY (book, claim_id),
    UNIQUE (book, seq)
) STRICT;
CREATE INDEX outbox_open ON outbox (book, seq) WHERE state IN ('pending', 'published');
CREATE INDEX outbox_source ON outbox (book, source);
CREATE INDEX outbox_subject ON outbox (book, subject);
CREATE INDEX outbox_after ON outbox (book, after_claim) WHERE state = 'waiting';

-- People and firms outside, by a keyed hash of their phone or e-mail.
CREATE TABLE parties (
    book BLOB NOT NULL,
    id BLOB NOT NULL,
    lookup BLOB NOT NULL,
    sealed BLOB NOT NULL,
    wrapped_key BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (book, id),
    UNIQUE (book, lookup)
) STRICT;

-- Which observations speak of whom, so that erasing a party finds them.
CREATE TABLE observation_parties (
    book BLOB NOT NULL,
    observation BLOB NOT NULL,
    party BLOB NOT NULL,
    PRIMARY KEY (book, observation, party),
    FOREIGN KEY (book, observation) REFERENCES inbox (book, id),
    FOREIGN KEY (book, party) REFERENCES parties (book, id)
) STRICT;

-- What was asked of us. The other side's data and note are sealed under a key of their own.
CREATE TABLE intents (
    book BLOB NOT NULL,
    id BLOB NOT NULL,
    connection BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('collection', 'payout', 'withdrawal', 'refund')),
    route TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    wallet BLOB NOT NULL,
    amount INTEGER NOT NULL,
    reserve INTEGER,
    currency TEXT NOT NULL,
    fee_bearer TEXT NOT NULL,
    invoice_id BLOB,
    payment BLOB,
    items INTEGER NOT NULL DEFAULT 0,
    party BLOB,
    sealed BLOB NOT NULL,
    wrapped_key BLOB,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'refused')),
    reason TEXT,
    PRIMARY KEY (book, id),
    UNIQUE (book, route, idempotency_key),
    FOREIGN KEY (book, party) REFERENCES parties (book, id)
) STRICT;
CREATE INDEX intents_payment ON intents (book, payment) WHERE payment IS NOT NULL;

-- Tries to have an intent done at the provider, one reference each, committed before the call.
-- `link` is where the payer pays; `earlier_end` is how the same object ended an attempt before this one.
-- next_at is the injected clock's, leased_until real time.
CREATE TABLE attempts (
    book BLOB NOT NULL,
    intent BLOB NOT NULL,
    n INTEGER NOT NULL,
    connection BLOB NOT NULL,
    reference TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id TEXT,
    handle TEXT,
    link TEXT,
    earlier_end TEXT,
    claim_id BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'asked'
        CHECK (state IN ('asked', 'cleared', 'calling', 'unknown', 'accepted', 'refused', 'failed')),
    tries INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL DEFAULT 0,
    leased_until INTEGER,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (book, intent, n),
    UNIQUE (book, connection, reference),
    FOREIGN KEY (book, intent) REFERENCES intents (book, id)
) STRICT;
CREATE INDEX attempts_open ON attempts (book, connection, next_at) WHERE state IN ('asked', 'cleared', 'calling');
CREATE INDEX attempts_claim ON attempts (book, claim_id);
CREATE INDEX attempts_object ON attempts (book, connection, object_kind, object_id);

-- Objects at providers that we look at again. next_check_at (injected clock) is NULL once nothing more is due;
-- leased_until is real time.
CREATE TABLE checks (
    book BLOB NOT NULL,
    connection BLOB NOT NULL,
    object_kind TEXT NOT NULL,
    key TEXT NOT NULL,
    subject BLOB,
    reference TEXT,
    object_id TEXT,
    watch TEXT NOT NULL CHECK (watch IN ('unsettled', 'settled', 'ended', 'closed', 'routine')),
    since INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    denials INTEGER NOT NULL DEFAULT 0,
    next_check_at INTEGER,
    again INTEGER NOT NULL DEFAULT 0,
    leased_until INTEGER,
    PRIMARY KEY (book, connection, object_kind, key)
) STRICT;
CREATE INDEX checks_due ON checks (book, connection, next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX checks_next ON checks (book, next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX checks_leased ON checks (book, leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX checks_routine ON checks (book, connection, object_kind) WHERE watch = 'routine';
CREATE INDEX checks_reference ON checks (book, connection, object_kind, reference);

-- Commands of our own that no provider is asked for: what makes a repeat the same command, for ever.
CREATE TABLE commands (
    book BLOB NOT NULL,
    id BLOB NOT NULL,
    route TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    party BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (book, id),
    UNIQUE (book, route, idempotency_key),
    FOREIGN KEY (book, party) REFERENCES parties (book, id)
) STRICT;

-- Facts of our own that a second person must approve; what is approved is told, as the command of the same id.
CREATE TABLE proposals (
    book BLOB NOT NULL,
    id BLOB NOT NULL,
    route TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    fact TEXT NOT NULL,
    occurred_at INTEGER,
    actor_id TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    approver_id TEXT,
    approved_at INTEGER,
    PRIMARY KEY (book, id),
    CHECK ((approver_id IS NULL) = (approved_at IS NULL)),
    CHECK (approver_id <> actor_id)
) STRICT;
CREATE INDEX proposals_waiting ON proposals (book, asked_at, id) WHERE approver_id IS NULL;

-- Banks that a provider pays to, as it last named them.
CREATE TABLE banks (
    book BLOB NOT NULL,
    connection BLOB NOT NULL,
    code TEXT NOT NULL,
    provider_id TEXT,
    name TEXT,
    account_pattern TEXT,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (book, connection, code)
) STRICT;

-- Rows of the providers' own wallet books, as far as any answer showed them; checked against their neighbours.
CREATE TABLE wallet_rows (
    book BLOB NOT NULL,
    connection BLOB NOT NULL,
    id TEXT NOT NULL,
    wallet TEXT NOT NULL,
    number INTEGER NOT NULL,
    change INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    balance INTEGER NOT NULL,
    adds_up INTEGER NOT NULL,
    category TEXT NOT NULL,
    request TEXT,
    observation BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (book, connection, id)
) STRICT;
CREATE INDEX wallet_rows_number ON wallet_rows (book, connection, wallet, number);

-- Public keys that a provider itself says it signs with, as PEM; the two seen last count beside the configured ones.
CREATE TABLE push_keys (
    book BLOB NOT NULL,
    connection BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    pem TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (book, connection, fingerprint)
) STRICT;

-- What providers withhold of settled payments, until a balance shows that they let go of it.
CREATE TABLE holds (
    book BLOB NOT NULL,
    wallet BLOB NOT NULL,
    object_id TEXT NOT NULL,
    subject BLOB NOT NULL,
    amount INTEGER NOT NULL,
    until INTEGER NOT NULL,
    released_at INTEGER,
    PRIMARY KEY (book, wallet, object_id)
) STRICT;
CREATE INDEX holds_open ON holds (book, wallet, until) WHERE released_at IS NULL;

-- Connections that must not be called before a moment (injected clock).
CREATE TABLE pauses (
    book BLOB NOT NULL,
    connection BLOB NOT NULL,
    until INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (book, connection)
) STRICT;

-- Counts for people and alarms; also the outbox's own numbering.
CREATE TABLE counters (
    book BLOB NOT NULL,
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (book, name)
) STRICT;

-- API keys, by SHA-256 only. One with a connection opens that connection's observations and nothing else.
CREATE TABLE api_keys (
    key_hash BLOB NOT NULL PRIMARY KEY,
    book BLOB NOT NULL,
    connection BLOB,
    label TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

-- Tells at start whether the rows were sealed under the master key in use.
CREATE TABLE keyring (
    name TEXT NOT NULL PRIMARY KEY,
    fingerprint BLOB NOT NULL
) STRICT;
