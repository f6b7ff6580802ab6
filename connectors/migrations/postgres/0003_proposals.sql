-- A proposal may name the bytes that bear it out, and may be withdrawn before anybody approves it.
ALTER TABLE door.proposals ADD COLUMN evidence uuid;
ALTER TABLE door.proposals ADD COLUMN withdrawn_by text CHECK (withdrawn_by IS NULL OR approver_id IS NULL);
ALTER TABLE door.proposals ADD COLUMN withdrawn_at bigint CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL));
DROP INDEX door.proposals_waiting;
CREATE INDEX proposals_waiting ON door.proposals (book, asked_at, id) WHERE approver_id IS NULL AND withdrawn_at IS NULL;
CREATE INDEX proposals_approved ON door.proposals (book, asked_at, id) WHERE approver_id IS NOT NULL;
CREATE INDEX proposals_withdrawn ON door.proposals (book, asked_at, id) WHERE withdrawn_at IS NOT NULL;
