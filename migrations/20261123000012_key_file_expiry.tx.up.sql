-- When the list was told that the certificate of a key file in use ran out.
ALTER TABLE key_file ADD COLUMN expired_at TIMESTAMPTZ;
--bun:split
CREATE INDEX key_file_expiring ON key_file (not_after) WHERE state = 'active' AND expired_at IS NULL;
