-- A list is made from the one before it: what came since is read by its instant.
CREATE INDEX certificate_revoked_since ON certificate (authority_id, revoked_at) WHERE revoked_at IS NOT NULL;
