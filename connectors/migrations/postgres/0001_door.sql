-- The door: what came in, what must go up, what we asked for, what we still watch. Times are microseconds since 1970
-- UTC, Every key begins with the book. No phone, name, note or body stands here in clear.

-- Raw bytes from providers, sealed. Erasing an observation sets wrapped_key to NULL; the row stays.
CREATE TABLE door.inbox (
    book uuid NOT NULL,
    id uuid NOT NULL,
    connection uuid NOT NULL,
    kind text NOT NULL,
    class text NOT NULL CHECK (class IN ('signed', 'read', 'imported', 'connector', 'hint')),
    actor_id text,
    received_at bigint NOT NULL,
    delivery_key bytea NOT NULL,
    deliveries bigint NOT NULL DEFAULT 1,
    sealed bytea NOT NULL,
    wrapped_key bytea,
    commitment bytea NOT NULL,
    state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'translated', 'quarantined', 'hint_done')),
    reason text,
    subject_hint uuid,
    PRIMARY KEY (book, id),
    UNIQUE (book, connection, kind, delivery_key)
);
CREATE INDEX inbox_new ON door.inbox (book, received_at, id) WHERE state = 'new';
CREATE INDEX inbox_subject ON door.inbox (book, subject_hint) WHERE subject_hint IS NOT NULL;

-- Notes to the ledger, one claim each; only the ledger's answer finishes one. next_at is real time. A `waiting` note
-- goes out once after_claim is recorded; a `parked` one, which only confirms, once a read of its subject is.
CREATE TABLE door.outbox (
    book uuid NOT NULL,
    claim_id uuid NOT NULL,
    seq bigint NOT NULL,
    connection uuid,
    subject uuid NOT NULL,
    source uuid NOT NULL,
    word text NOT NULL,
    body text NOT NULL,
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('waiting', 'pending', 'published', 'confirmed', 'refused', 'parked')),
    attempt bigint NOT NULL DEFAULT 0,
    next_at bigint NOT NULL DEFAULT 0,
    created_at bigint NOT NULL,
    outcome text,
    after_claim uuid,
    PRIMARY KEY (book, claim_id),
    UNIQUE (book, seq)
);
CREATE INDEX outbox_open ON door.outbox (book, seq) WHERE state IN ('pending', 'published');
CREATE INDEX outbox_source ON door.outbox (book, source);
CREATE INDEX outbox_subject ON door.outbox (book, subject);
CREATE INDEX outbox_after ON door.outbox (book, after_claim) WHERE state = 'waiting';

-- People and firms outside, by a keyed hash of their phone or e-mail.
CREATE TABLE door.parties (
    book uuid NOT NULL,
    id uuid NOT NULL,
    lookup bytea NOT NULL,
    sealed bytea NOT NULL,
    wrapped_key bytea,
    created_at bigint NOT NULL,
    PRIMARY KEY (book, id),
    UNIQUE (book, lookup)
);

-- Which observations speak of whom, so that erasing a party finds them.
CREATE TABLE door.observation_parties (
    book uuid NOT NULL,
    observation uuid NOT NULL,
    party uuid NOT NULL,
    PRIMARY KEY (book, observation, party),
    FOREIGN KEY (book, observation) REFERENCES door.inbox (book, id),
    FOREIGN KEY (book, party) REFERENCES door.parties (book, id)
);

-- What was asked of us. The other side's data and note are sealed under a key of their own.
CREATE TABLE door.intents (
    book uuid NOT NULL,
    id uuid NOT NULL,
    connection uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('collection', 'payout', 'withdrawal', 'refund')),
    route text NOT NULL,
    idempotency_key text NOT NULL,
    body_hash bytea NOT NULL,
    wallet uuid NOT NULL,
    amount bigint NOT NULL,
    reserve bigint,
    currency text NOT NULL,
    fee_bearer text NOT NULL,
    invoice_id uuid,
    payment uuid,
    items bigint NOT NULL DEFAULT 0,
    party uuid,
    sealed bytea NOT NULL,
    wrapped_key bytea,
    created_at bigint NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'refused')),
    reason text,
    PRIMARY KEY (book, id),
    UNIQUE (book, route, idempotency_key),
    FOREIGN KEY (book, party) REFERENCES door.parties (book, id)
);
CREATE INDEX intents_payment ON door.intents (book, payment) WHERE payment IS NOT NULL;

-- Tries to have an intent done at the provider, one reference each, committed before the call.
-- `link` is where the payer pays; `earlier_end` is how the same object ended an attempt before this one.
-- next_at is the injected clock's, leased_until real time.
CREATE TABLE door.attempts (
    book uuid NOT NULL,
    intent uuid NOT NULL,
    n bigint NOT NULL,
    connection uuid NOT NULL,
    reference text NOT NULL,
    object_kind text NOT NULL,
    object_id text,
    handle text,
    link text,
    earlier_end text,
    claim_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'asked'
        CHECK (state IN ('asked', 'cleared', 'calling', 'unknown', 'accepted', 'refused', 'failed')),
    tries bigint NOT NULL DEFAULT 0,
    next_at bigint NOT NULL DEFAULT 0,
    leased_until bigint,
    changed_at bigint NOT NULL,
    PRIMARY KEY (book, intent, n),
    UNIQUE (book, connection, reference),
    FOREIGN KEY (book, intent) REFERENCES door.intents (book, id)
);
CREATE INDEX attempts_open ON door.attempts (book, connection, next_at) WHERE state IN ('asked', 'cleared', 'calling');
CREATE INDEX attempts_claim ON door.attempts (book, claim_id);
CREATE INDEX attempts_object ON door.attempts (book, connection, object_kind, object_id);

-- Objects at providers that we look at again. next_check_at (injected clock) is NULL once nothing more is due;
-- leased_until is real time.
CREATE TABLE door.checks (
    book uuid NOT NULL,
    connection uuid NOT NULL,
    object_kind text NOT NULL,
    key text NOT NULL,
    subject uuid,
    reference text,
    object_id text,
    watch text NOT NULL CHECK (watch IN ('unsettled', 'settled', 'ended', 'closed', 'routine')),
    since bigint NOT NULL,
    tries bigint NOT NULL DEFAULT 0,
    failures bigint NOT NULL DEFAULT 0,
    denials bigint NOT NULL DEFAULT 0,
    next_check_at bigint,
    again bigint NOT NULL DEFAULT 0,
    leased_until bigint,
    PRIMARY KEY (book, connection, object_kind, key)
);
CREATE INDEX checks_due ON door.checks (book, connection, next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX checks_next ON door.checks (book, next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX checks_leased ON door.checks (book, leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX checks_routine ON door.checks (book, connection, object_kind) WHERE watch = 'routine';
CREATE INDEX checks_reference ON door.checks (book, connection, object_kind, reference);

-- Commands of our own that no provider is asked for: what makes a repeat the same command, for ever.
CREATE TABLE door.commands (
    book uuid NOT NULL,
    id uuid NOT NULL,
    route text NOT NULL,
    idempotency_key text NOT NULL,
    body_hash bytea NOT NULL,
    party uuid,
    created_at bigint NOT NULL,
    PRIMARY KEY (book, id),
    UNIQUE (book, route, idempotency_key),
    FOREIGN KEY (book, party) REFERENCES door.parties (book, id)
);

-- Facts of our own that a second person must approve; what is approved is told, as the command of the same id.
CREATE TABLE door.proposals (
    book uuid NOT NULL,
    id uuid NOT NULL,
    route text NOT NULL,
    idempotency_key text NOT NULL,
    body_hash bytea NOT NULL,
    fact text NOT NULL,
    occurred_at bigint,
    actor_id text NOT NULL,
    asked_at bigint NOT NULL,
    approver_id text,
    approved_at bigint,
    PRIMARY KEY (book, id),
    CHECK ((approver_id IS NULL) = (approved_at IS NULL)),
    CHECK (approver_id <> actor_id)
);
CREATE INDEX proposals_waiting ON door.proposals (book, asked_at, id) WHERE approver_id IS NULL;

-- Banks that a provider pays to, as it last named them.
CREATE TABLE door.banks (
    book uuid NOT NULL,
    connection uuid NOT NULL,
    code text NOT NULL,
    provider_id text,
    name text,
    account_pattern text,
    seen_at bigint NOT NULL,
    PRIMARY KEY (book, connection, code)
);

-- Rows of the providers' own wallet books, as far as any answer showed them; checked against their neighbours.
CREATE TABLE door.wallet_rows (
    book uuid NOT NULL,
    connection uuid NOT NULL,
    id text NOT NULL,
    wallet text NOT NULL,
    number bigint NOT NULL,
    change bigint NOT NULL,
    previous bigint NOT NULL,
    balance bigint NOT NULL,
    adds_up bigint NOT NULL,
    category text NOT NULL,
    request text,
    observation uuid NOT NULL,
    seen_at bigint NOT NULL,
    PRIMARY KEY (book, connection, id)
);
CREATE INDEX wallet_rows_number ON door.wallet_rows (book, connection, wallet, number);

-- Public keys that a provider itself says it signs with, as PEM; the two seen last count beside the configured ones.
CREATE TABLE door.push_keys (
    book uuid NOT NULL,
    connection uuid NOT NULL,
    fingerprint bytea NOT NULL,
    pem text NOT NULL,
    seen_at bigint NOT NULL,
    PRIMARY KEY (book, connection, fingerprint)
);

-- What providers withhold of settled payments, until a balance shows that they let go of it.
CREATE TABLE door.holds (
    book uuid NOT NULL,
    wallet uuid NOT NULL,
    object_id text NOT NULL,
    subject uuid NOT NULL,
    amount bigint NOT NULL,
    until bigint NOT NULL,
    released_at bigint,
    PRIMARY KEY (book, wallet, object_id)
);
CREATE INDEX holds_open ON door.holds (book, wallet, until) WHERE released_at IS NULL;

-- Connections that must not be called before a moment (injected clock).
CREATE TABLE door.pauses (
    book uuid NOT NULL,
    connection uuid NOT NULL,
    until bigint NOT NULL,
    tries bigint NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (book, connection)
);

-- Counts for people and alarms; also the outbox's own numbering.
CREATE TABLE door.counters (
    book uuid NOT NULL,
    name text NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (book, name)
);

-- API keys, by SHA-256 only. One with a connection opens that connection's observations and nothing else.
CREATE TABLE door.api_keys (
    key_hash bytea NOT NULL PRIMARY KEY,
    book uuid NOT NULL,
    connection uuid,
    label text NOT NULL,
    created_at bigint NOT NULL,
    revoked_at bigint
);

-- Tells at start whether the rows were sealed under the master key in use.
CREATE TABLE door.keyring (
    name text NOT NULL PRIMARY KEY,
    fingerprint bytea NOT NULL
);

-- The service works under a role of its own, which can neither change nor drop what stands above.
GRANT USAGE ON SCHEMA door TO ensimbi_door;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    door.inbox, door.outbox, door.parties, door.observation_parties, door.intents, door.attempts, door.checks,
    door.commands, door.proposals, door.banks, door.wallet_rows, door.push_keys, door.holds, door.pauses, door.counters,
    door.api_keys, door.keyring
TO ensimbi_door;
