-- The book. `book` opens every key, so that books can be spread later: no serials, no foreign keys across books.
-- Events, lines and keys are append only; heads, wallets, subjects and configs are a cache of the log that `verify`
-- recomputes. The migrating role owns the tables; the service works as ensimbi_book, which owns nothing.

CREATE TABLE heads (
    book            uuid PRIMARY KEY,
    size            bigint NOT NULL,
    root            bytea NOT NULL,
    edge            bytea NOT NULL,         -- right-edge hashes, largest subtree first
    epoch           bigint NOT NULL,        -- the fence: only the writer of this epoch may append
    recorded_at     bigint NOT NULL,
    configuration   bigint NOT NULL         -- position of the configuration in force
);

CREATE TABLE events (
    book            uuid NOT NULL,
    position        bigint NOT NULL,
    leaf            bytea NOT NULL CHECK (length(leaf) <= 65535),
    leaf_hash       bytea NOT NULL,
    fact_hash       bytea NOT NULL,
    event_id        uuid NOT NULL,
    word            text NOT NULL,
    subject         uuid NOT NULL,
    connection      uuid,
    occurred_at     bigint NOT NULL,
    recorded_at     bigint NOT NULL,
    book_date       text NOT NULL,
    PRIMARY KEY (book, position)
);
-- One subject's life, in order: explain and the second pass of verify.
CREATE INDEX events_subject ON events (book, subject, position);

CREATE TABLE lines (
    book            uuid NOT NULL,
    position        bigint NOT NULL,
    n               bigint NOT NULL,
    account         text NOT NULL,
    currency        text NOT NULL,
    amount          bigint NOT NULL CHECK (amount <> 0),
    open_item       uuid,
    payment         uuid,
    component       text,
    bearer          text,
    PRIMARY KEY (book, position, n)
);
-- Statements of one account.
CREATE INDEX lines_account ON lines (book, account, position);

CREATE TABLE keys (
    book            uuid NOT NULL,
    kind            bigint NOT NULL,        -- 1 event id, 2 posting key, 3 operator's transaction
    key             bytea NOT NULL,
    position        bigint NOT NULL,
    fact_hash       bytea NOT NULL,
    leaf_hash       bytea NOT NULL,
    PRIMARY KEY (book, kind, key)
);

CREATE TABLE wallets (
    book            uuid NOT NULL,
    wallet          uuid NOT NULL,
    currency        text NOT NULL,
    posted          bigint NOT NULL,
    held            bigint NOT NULL,
    reserved        bigint NOT NULL,
    position        bigint NOT NULL,
    PRIMARY KEY (book, wallet)
);

CREATE TABLE subjects (
    book            uuid NOT NULL,
    subject         uuid NOT NULL,
    state           text NOT NULL,
    position        bigint NOT NULL,
    PRIMARY KEY (book, subject)
) WITH (fillfactor = 80);

CREATE TABLE configs (
    book            uuid PRIMARY KEY,
    position        bigint NOT NULL,
    config          text NOT NULL
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append only', TG_TABLE_NAME USING ERRCODE = 'EN001';
END $$;
-- One statement-level trigger refuses all three, for the owner too. Never a trigger on INSERT.
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events EXECUTE FUNCTION refuse_change();
CREATE TRIGGER lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lines EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keys_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON keys EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON events, lines, keys TO ensimbi_book;
GRANT SELECT, INSERT, UPDATE ON heads, wallets, subjects, configs TO ensimbi_book;
GRANT SELECT ON _sqlx_migrations TO ensimbi_book;
