-- A profile is what the certificates of one organisation, system or mailbox have in
-- common; its id is the UUID in them. kind: organisation, system, secure_email.
-- role: of a system that may use the API, '' for none.
CREATE TABLE certificate_profile (
  id                  TEXT PRIMARY KEY,
  org_id              TEXT NOT NULL REFERENCES organisation (id),
  kind                TEXT NOT NULL,
  name                TEXT NOT NULL,
  sort_key            TEXT NOT NULL,
  email               TEXT NOT NULL,
  email_mac           BYTEA,
  email_confirmed_at  TIMESTAMPTZ,
  contact_name        TEXT NOT NULL,
  contact_email       TEXT NOT NULL,
  contact_lang        TEXT NOT NULL,
  seal                BOOLEAN NOT NULL,
  role                TEXT NOT NULL,
  created_at          TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE INDEX certificate_profile_sorted ON certificate_profile (org_id, sort_key, id);
--bun:split
CREATE UNIQUE INDEX certificate_profile_email ON certificate_profile (email_mac) WHERE email_mac IS NOT NULL;
--bun:split
-- state: waiting (for the e-mail address to be confirmed), ready, issued,
-- cancelled, locked, expired. method: upload, code, est. renews: the serial number
-- of the certificate that it follows, '' for the first.
CREATE TABLE certificate_order (
  id          TEXT PRIMARY KEY,
  org_id      TEXT NOT NULL,
  profile_id  TEXT NOT NULL REFERENCES certificate_profile (id),
  state       TEXT NOT NULL,
  method      TEXT NOT NULL,
  renews      TEXT NOT NULL,
  token_mac   BYTEA UNIQUE,
  code_mac    BYTEA,
  tries       BIGINT NOT NULL,
  serial      TEXT,
  created_at  TIMESTAMPTZ NOT NULL,
  expires_at  TIMESTAMPTZ NOT NULL,
  issued_at   TIMESTAMPTZ
);
--bun:split
CREATE INDEX certificate_order_profile ON certificate_order (org_id, profile_id, id);
--bun:split
CREATE UNIQUE INDEX certificate_order_open ON certificate_order (org_id, profile_id) WHERE state IN ('waiting', 'ready') AND method <> 'est';
--bun:split
CREATE UNIQUE INDEX certificate_order_renewal ON certificate_order (org_id, renews) WHERE method = 'est';
--bun:split
CREATE INDEX certificate_order_end ON certificate_order (expires_at) WHERE state IN ('waiting', 'ready');
--bun:split
-- Who may use a seal.
CREATE TABLE seal_user (
  org_id       TEXT NOT NULL,
  profile_id   TEXT NOT NULL REFERENCES certificate_profile (id),
  employee_id  TEXT NOT NULL REFERENCES employee (id),
  created_at   TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id, profile_id, employee_id)
);
--bun:split
CREATE INDEX seal_user_employee ON seal_user (org_id, employee_id);
