-- A login request may come by another face than SAML, which keeps what it needs of
-- it in detail. max_age: how many seconds old a login may be, NULL = any.
ALTER TABLE saml_request ADD COLUMN kind TEXT NOT NULL DEFAULT 'saml';
--bun:split
ALTER TABLE saml_request ADD COLUMN detail TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE saml_request ADD COLUMN max_age BIGINT;
--bun:split
-- The face that a service has beside SAML or instead of it, '' = none; and what it
-- asks to be told by it: JSON, names of attributes.
ALTER TABLE service ADD COLUMN face TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE service ADD COLUMN claims TEXT NOT NULL DEFAULT '';
--bun:split
-- A service as an OpenID Connect client. org_id owns it. document: JSON of its
-- registration. secret_mac: keyed hash of its secret, NULL = it has none.
CREATE TABLE openid_client (
  service_id  TEXT PRIMARY KEY REFERENCES service (id) ON DELETE CASCADE,
  org_id      TEXT NOT NULL REFERENCES organisation (id),
  document    TEXT NOT NULL,
  secret_mac  BYTEA,
  secret_at   TIMESTAMPTZ,
  version     BIGINT NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL
);
--bun:split
-- One login to a client and what may be had for it; its id is the session ID that
-- the client knows. org_id is the person's. code_mac: keyed hash of the code.
-- document: JSON of the request and the login. why says how it ended before its time.
CREATE TABLE openid_grant (
  id          TEXT PRIMARY KEY,
  org_id      TEXT NOT NULL REFERENCES organisation (id),
  service_id  TEXT NOT NULL REFERENCES service (id) ON DELETE CASCADE,
  employee_id TEXT NOT NULL REFERENCES employee (id),
  session_id  TEXT NOT NULL,
  document    TEXT NOT NULL,
  code_mac    BYTEA NOT NULL,
  code_until  TIMESTAMPTZ NOT NULL,
  code_used_at TIMESTAMPTZ,
  created_at  TIMESTAMPTZ NOT NULL,
  expires_at  TIMESTAMPTZ NOT NULL,
  ended_at    TIMESTAMPTZ,
  why         TEXT NOT NULL DEFAULT ''
);
--bun:split
CREATE UNIQUE INDEX openid_grant_code ON openid_grant (code_mac);
--bun:split
CREATE INDEX openid_grant_employee ON openid_grant (org_id, employee_id);
--bun:split
CREATE INDEX openid_grant_service ON openid_grant (service_id);
--bun:split
CREATE INDEX openid_grant_expiry ON openid_grant (expires_at);
--bun:split
-- Access and refresh tokens, of which only keyed hashes are known. used_at: a
-- refresh token that has been exchanged; presented again it ends the grant.
CREATE TABLE openid_token (
  token_mac   BYTEA PRIMARY KEY,
  org_id      TEXT NOT NULL REFERENCES organisation (id),
  grant_id    TEXT NOT NULL REFERENCES openid_grant (id) ON DELETE CASCADE,
  kind        TEXT NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL,
  expires_at  TIMESTAMPTZ NOT NULL,
  used_at     TIMESTAMPTZ
);
--bun:split
CREATE INDEX openid_token_grant ON openid_token (grant_id);
--bun:split
CREATE INDEX openid_token_expiry ON openid_token (expires_at);
--bun:split
-- Assertions that clients have authenticated with, until they would be over.
CREATE TABLE openid_assertion (
  service_id  TEXT NOT NULL REFERENCES service (id) ON DELETE CASCADE,
  jti         TEXT NOT NULL,
  expires_at  TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (service_id, jti)
);
--bun:split
CREATE INDEX openid_assertion_expiry ON openid_assertion (expires_at);
