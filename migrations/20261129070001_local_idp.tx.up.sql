-- Organisations' own identity providers: what they say of themselves, the domains
-- that lead to them, and the logins on their way.
CREATE TABLE local_idp (
  id             TEXT PRIMARY KEY,
  org_id         TEXT NOT NULL REFERENCES organisation (id),
  kind           TEXT NOT NULL,
  name           TEXT NOT NULL,
  entity_id      TEXT NOT NULL,
  metadata       TEXT NOT NULL,
  metadata_at    TIMESTAMPTZ NOT NULL,
  metadata_url   TEXT NOT NULL,
  proposed       TEXT NOT NULL,
  proposed_at    TIMESTAMPTZ,
  fetched_at     TIMESTAMPTZ,
  fetch_failure  TEXT NOT NULL,
  state          TEXT NOT NULL,
  join_by        TEXT NOT NULL,
  level          TEXT NOT NULL,
  creates        BOOLEAN NOT NULL,
  unsolicited    BOOLEAN NOT NULL,
  cbc            BOOLEAN NOT NULL,
  skew           BIGINT NOT NULL,
  version        BIGINT NOT NULL,
  created_at     TIMESTAMPTZ NOT NULL,
  last_login_at  TIMESTAMPTZ,
  failure        TEXT NOT NULL,
  failure_note   TEXT NOT NULL,
  failed_at      TIMESTAMPTZ,
  UNIQUE (org_id, entity_id)
);

CREATE INDEX local_idp_entity ON local_idp (entity_id);

-- A domain leads to a provider once it is verified, and then to one only.
CREATE TABLE local_idp_domain (
  id           TEXT PRIMARY KEY,
  org_id       TEXT NOT NULL REFERENCES organisation (id),
  idp_id       TEXT NOT NULL REFERENCES local_idp (id) ON DELETE CASCADE,
  domain       TEXT NOT NULL,
  proof        TEXT NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL,
  verified_at  TIMESTAMPTZ,
  UNIQUE (org_id, domain)
);

CREATE UNIQUE INDEX local_idp_domain_verified ON local_idp_domain (domain) WHERE verified_at IS NOT NULL;

-- The ID is that of the SAML request; of an answer nobody asked for it is our own.
CREATE TABLE local_idp_request (
  id           TEXT PRIMARY KEY,
  org_id       TEXT NOT NULL,
  idp_id       TEXT NOT NULL REFERENCES local_idp (id) ON DELETE CASCADE,
  purpose      TEXT NOT NULL,
  flow         TEXT NOT NULL,
  next         TEXT NOT NULL,
  fresh        BOOLEAN NOT NULL,
  cookie_mac   BYTEA,
  asked_by     TEXT NOT NULL,
  employee_id  TEXT NOT NULL,
  known        BYTEA,
  created_at   TIMESTAMPTZ NOT NULL,
  expires_at   TIMESTAMPTZ NOT NULL,
  answered_at  TIMESTAMPTZ,
  finished_at  TIMESTAMPTZ
);

CREATE INDEX local_idp_request_expiry ON local_idp_request (expires_at);

CREATE INDEX local_idp_request_employee ON local_idp_request (org_id, employee_id);

CREATE TABLE local_idp_assertion (
  idp_id        TEXT NOT NULL REFERENCES local_idp (id) ON DELETE CASCADE,
  assertion_id  TEXT NOT NULL,
  org_id        TEXT NOT NULL,
  expires_at    TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (idp_id, assertion_id)
);

CREATE INDEX local_idp_assertion_expiry ON local_idp_assertion (expires_at);

-- How a session was begun, as far as it was not by a key file.
ALTER TABLE session ADD COLUMN idp_id TEXT NOT NULL DEFAULT '';

ALTER TABLE session ADD COLUMN level TEXT NOT NULL DEFAULT '';

ALTER TABLE session ADD COLUMN name_id TEXT NOT NULL DEFAULT '';

ALTER TABLE session ADD COLUMN session_index TEXT NOT NULL DEFAULT '';

CREATE INDEX session_idp ON session (org_id, idp_id) WHERE idp_id <> '';
