-- From how many days on administrators hear of key files that are not renewed.
ALTER TABLE reminder_rules ADD COLUMN key_file_users_from BIGINT NOT NULL DEFAULT 7;
--bun:split
ALTER TABLE reminder_rules ADD COLUMN key_file_admins_from BIGINT NOT NULL DEFAULT 0;
--bun:split
-- What waits to be sent is looked up at the end of each sweep.
CREATE INDEX reminder_due_waiting ON reminder_due (org_id) WHERE state = 'due';
