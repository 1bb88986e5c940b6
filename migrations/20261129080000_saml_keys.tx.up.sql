-- SAML keys follow one another: announced, active, retiring, retired. Each use and
-- algorithm has one that is active.
ALTER TABLE saml_key ADD COLUMN algorithm TEXT NOT NULL DEFAULT 'RSA';
--bun:split
ALTER TABLE saml_key ADD COLUMN active_at TIMESTAMPTZ;
--bun:split
ALTER TABLE saml_key ADD COLUMN retiring_at TIMESTAMPTZ;
--bun:split
ALTER TABLE saml_key ADD COLUMN retired_at TIMESTAMPTZ;
--bun:split
UPDATE saml_key SET active_at = created_at;
--bun:split
DROP INDEX saml_key_active;
--bun:split
CREATE UNIQUE INDEX saml_key_active ON saml_key (purpose, algorithm) WHERE state = 'active';
