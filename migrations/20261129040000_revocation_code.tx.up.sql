-- revocation_mac: of the code that revokes the certificate without login; NULL for
-- those of employees, whose code belongs to the key file, and for older ones.
ALTER TABLE certificate ADD COLUMN revocation_mac BYTEA;
--bun:split
-- block_reason is one of a list from now on; what else was said stands here.
ALTER TABLE key_file ADD COLUMN block_note TEXT NOT NULL DEFAULT '';
--bun:split
UPDATE key_file SET block_note = block_reason, block_reason = 'unspecified'
WHERE block_reason NOT IN ('', 'key_compromise', 'content_wrong', 'affiliation_changed', 'superseded', 'cessation_of_operation', 'unspecified');
--bun:split
UPDATE key_file SET block_reason = 'unspecified' WHERE state = 'blocked' AND block_reason = '';
