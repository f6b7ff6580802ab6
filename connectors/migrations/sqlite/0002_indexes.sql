-- Indexes for what is asked over and over: without them each answer of the ledger, each look at the alarms and each command
-- walked through all that a book ever had.
CREATE INDEX inbox_quarantined ON inbox (book, received_at, id) WHERE state = 'quarantined';
DROP INDEX outbox_source;
DROP INDEX outbox_subject;
CREATE INDEX outbox_source ON outbox (book, source, seq);
CREATE INDEX outbox_subject ON outbox (book, subject, seq);
CREATE INDEX attempts_cleared ON attempts (book, connection, next_at, intent) WHERE state = 'cleared';
CREATE INDEX attempts_calling ON attempts (book, connection, leased_until) WHERE state = 'calling';
CREATE INDEX checks_unsettled ON checks (book, connection, since, key) WHERE watch = 'unsettled';

-- Whether a row begins elsewhere than the one before it ended, known when it is kept.
ALTER TABLE wallet_rows ADD COLUMN apart INTEGER NOT NULL DEFAULT 0;
UPDATE wallet_rows SET apart = 1 WHERE EXISTS (
    SELECT 1 FROM wallet_rows a
    WHERE a.book = wallet_rows.book AND a.connection = wallet_rows.connection AND a.wallet = wallet_rows.wallet
        AND a.number = (
            SELECT MAX(c.number) FROM wallet_rows c
            WHERE c.book = wallet_rows.book AND c.connection = wallet_rows.connection AND c.wallet = wallet_rows.wallet
                AND c.number < wallet_rows.number
        )
        AND a.balance <> wallet_rows.previous
);
CREATE INDEX wallet_rows_apart ON wallet_rows (book, connection, number) WHERE apart = 1;
CREATE INDEX wallet_rows_broken ON wallet_rows (book, connection, number) WHERE adds_up = 0;
