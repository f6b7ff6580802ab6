-- Indexes for what is asked over and over: without them each answer of the ledger, each look at the alarms and each command
-- walked through all that a book ever had.
-- A large book takes longer than a statement of the service may.
SET LOCAL statement_timeout = 0;

CREATE INDEX inbox_quarantined ON door.inbox (book, received_at, id) WHERE state = 'quarantined';
DROP INDEX door.outbox_source;
DROP INDEX door.outbox_subject;
CREATE INDEX outbox_source ON door.outbox (book, source, seq);
CREATE INDEX outbox_subject ON door.outbox (book, subject, seq);
CREATE INDEX attempts_cleared ON door.attempts (book, connection, next_at, intent) WHERE state = 'cleared';
CREATE INDEX attempts_calling ON door.attempts (book, connection, leased_until) WHERE state = 'calling';
CREATE INDEX checks_unsettled ON door.checks (book, connection, since, key) WHERE watch = 'unsettled';

-- Whether a row begins elsewhere than the one before it ended, known when it is kept.
ALTER TABLE door.wallet_rows ADD COLUMN apart bigint NOT NULL DEFAULT 0;
UPDATE door.wallet_rows SET apart = 1 WHERE EXISTS (
    SELECT 1 FROM door.wallet_rows a
    WHERE a.book = wallet_rows.book AND a.connection = wallet_rows.connection AND a.wallet = wallet_rows.wallet
        AND a.number = (
            SELECT MAX(c.number) FROM door.wallet_rows c
            WHERE c.book = wallet_rows.book AND c.connection = wallet_rows.connection AND c.wallet = wallet_rows.wallet
                AND c.number < wallet_rows.number
        )
        AND a.balance <> wallet_rows.previous
);
CREATE INDEX wallet_rows_apart ON door.wallet_rows (book, connection, number) WHERE apart = 1;
CREATE INDEX wallet_rows_broken ON door.wallet_rows (book, connection, number) WHERE adds_up = 0;
