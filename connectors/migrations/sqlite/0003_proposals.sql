-- A proposal may name the bytes that bear it out, and may be withdrawn before anybody approves it.
ALTER TABLE proposals ADD COLUMN evidence BLOB;
ALTER TABLE proposals ADD COLUMN withdrawn_by TEXT CHECK (withdrawn_by IS NULL OR approver_id IS NULL);
ALTER TABLE proposals ADD COLUMN withdrawn_at INTEGER CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL));
DROP INDEX proposals_waiting;
CREATE INDEX proposals_waiting ON proposals (book, asked_at, id) WHERE approver_id IS NULL AND withdrawn_at IS NULL;
CREATE INDEX proposals_approved ON proposals (book, asked_at, id) WHERE approver_id IS NOT NULL;
CREATE INDEX proposals_withdrawn ON proposals (book, asked_at, id) WHERE withdrawn_at IS NOT NULL;
