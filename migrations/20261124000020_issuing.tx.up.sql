-- The arc of the policies in certificates of an issuing authority; '' is the
-- program's own.
ALTER TABLE authority ADD COLUMN policy_arc TEXT NOT NULL DEFAULT '';
