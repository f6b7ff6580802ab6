-- The book. `book` opens every key, so that books can be spread later. Events, lines and keys are append only; heads,
-- wallets, subjects and configs are a cache of the log that `verify` recomputes.

CREATE TABLE heads (
    book            BLOB PRIMARY KEY CHECK (length(book) = 16),
    size            INTEGER NOT NULL,
    root            BLOB NOT NULL,
    edge            BLOB NOT NULL,          -- right-edge hashes, largest subtree first
    epoch           INTEGER NOT NULL,       -- the fence: only the writer of this epoch may append
    recorded_at     INTEGER NOT NULL,
    configuration   INTEGER NOT NULL        -- position of the configuration in force
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    book            BLOB NOT NULL,
    position        INTEGER NOT NULL,
    leaf            BLOB NOT NULL CHECK (length(leaf) <= 65535),
    leaf_hash       BLOB NOT NULL,
    fact_hash       BLOB NOT NULL,
    event_id        BLOB NOT NULL,
    word            TEXT NOT NULL,
    subject         BLOB NOT NULL,
    connection      BLOB,
    occurred_at     INTEGER NOT NULL,
    recorded_at     INTEGER NOT NULL,
    book_date       TEXT NOT NULL,
    PRIMARY KEY (book, position)
) STRICT, WITHOUT ROWID;
-- One subject's life, in order: explain and the second pass of verify.
CREATE INDEX events_subject ON events (book, subject, position);

CREATE TABLE lines (
    book            BLOB NOT NULL,
    position        INTEGER NOT NULL,
    n               INTEGER NOT NULL,
    account         TEXT NOT NULL,
    currency        TEXT NOT NULL,
    amount          INTEGER NOT NULL CHECK (amount <> 0),
    open_item       BLOB,
    payment         BLOB,
    component       TEXT,
    bearer          TEXT,
    PRIMARY KEY (book, position, n)
) STRICT, WITHOUT ROWID;
-- Statements of one account.
CREATE INDEX lines_account ON lines (book, account, position);

CREATE TABLE keys (
    book            BLOB NOT NULL,
    kind            INTEGER NOT NULL,       -- 1 event id, 2 posting key, 3 operator's transaction
    key             BLOB NOT NULL,
    position        INTEGER NOT NULL,
    fact_hash       BLOB NOT NULL,
    leaf_hash       BLOB NOT NULL,
    PRIMARY KEY (book, kind, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE wallets (
    book            BLOB NOT NULL,
    wallet          BLOB NOT NULL,
    currency        TEXT NOT NULL,
    posted          INTEGER NOT NULL,
    held            INTEGER NOT NULL,
    reserved        INTEGER NOT NULL,
    position        INTEGER NOT NULL,
    PRIMARY KEY (book, wallet)
) STRICT, WITHOUT ROWID;

CREATE TABLE subjects (
    book            BLOB NOT NULL,
    subject         BLOB NOT NULL,
    state           TEXT NOT NULL,
    position        INTEGER NOT NULL,
    PRIMARY KEY (book, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE configs (
    book            BLOB PRIMARY KEY,
    position        INTEGER NOT NULL,
    config          TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append only'); END;
CREATE TRIGGER lines_no_update BEFORE UPDATE ON lines BEGIN SELECT RAISE(ABORT, 'lines are append only'); END;
CREATE TRIGGER lines_no_delete BEFORE DELETE ON lines BEGIN SELECT RAISE(ABORT, 'lines are append only'); END;
CREATE TRIGGER keys_no_update BEFORE UPDATE ON keys BEGIN SELECT RAISE(ABORT, 'keys are append only'); END;
CREATE TRIGGER keys_no_delete BEFORE DELETE ON keys BEGIN SELECT RAISE(ABORT, 'keys are append only'); END;
-- INSERT OR REPLACE deletes without firing the triggers above on a connection that has not set recursive_triggers.
CREATE TRIGGER events_no_replace BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE book = NEW.book AND position = NEW.position)
BEGIN SELECT RAISE(ABORT, 'events are append only'); END;
CREATE TRIGGER lines_no_replace BEFORE INSERT ON lines
WHEN EXISTS (SELECT 1 FROM lines WHERE book = NEW.book AND position = NEW.position AND n = NEW.n)
BEGIN SELECT RAISE(ABORT, 'lines are append only'); END;
CREATE TRIGGER keys_no_replace BEFORE INSERT ON keys
WHEN EXISTS (SELECT 1 FROM keys WHERE book = NEW.book AND kind = NEW.kind AND key = NEW.key)
BEGIN SELECT RAISE(ABORT, 'keys are append only'); END;
