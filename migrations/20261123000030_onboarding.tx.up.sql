-- Operators run the installation; they belong to no organisation. state:
-- active, removed. setup_mac recognises the one-time link, NULL once used.
CREATE TABLE operator (
  id                TEXT PRIMARY KEY,
  email             TEXT NOT NULL UNIQUE,
  name              TEXT NOT NULL,
  state             TEXT NOT NULL,
  setup_mac         BYTEA,
  setup_expires_at  TIMESTAMPTZ,
  created_at        TIMESTAMPTZ NOT NULL,
  removed_at        TIMESTAMPTZ,
  last_login_at     TIMESTAMPTZ
);
--bun:split
-- id is the credential ID of WebAuthn, hex.
CREATE TABLE operator_passkey (
  id           TEXT PRIMARY KEY,
  operator_id  TEXT NOT NULL REFERENCES operator (id),
  credential   TEXT NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL,
  used_at      TIMESTAMPTZ
);
--bun:split
CREATE INDEX operator_passkey_operator ON operator_passkey (operator_id);
--bun:split
-- A registration or login on its way; cookie_mac ties it to one browser.
CREATE TABLE operator_ceremony (
  id           TEXT PRIMARY KEY,
  cookie_mac   BYTEA NOT NULL UNIQUE,
  operator_id  TEXT NOT NULL,
  session      TEXT NOT NULL,
  expires_at   TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE TABLE operator_session (
  id           TEXT PRIMARY KEY,
  operator_id  TEXT NOT NULL REFERENCES operator (id),
  token_mac    BYTEA NOT NULL UNIQUE,
  created_at   TIMESTAMPTZ NOT NULL,
  seen_at      TIMESTAMPTZ NOT NULL,
  expires_at   TIMESTAMPTZ NOT NULL
);
--bun:split
-- An application to be connected. organisation_id is what it became. step says
-- what is missing; the rest are facts, from which onboarding.Advance finds it.
CREATE TABLE application (
  id               TEXT PRIMARY KEY,
  organisation_id  TEXT NOT NULL,
  step             TEXT NOT NULL,
  start            TEXT NOT NULL,
  lang             TEXT NOT NULL,
  cvr              TEXT NOT NULL,
  name             TEXT NOT NULL,
  found            BOOLEAN NOT NULL,
  company          TEXT NOT NULL,
  signers          BIGINT NOT NULL,
  admin_given      TEXT NOT NULL,
  admin_surname    TEXT NOT NULL,
  admin_email      TEXT NOT NULL,
  prepared_at      TIMESTAMPTZ,
  approved_at      TIMESTAMPTZ,
  verified         BOOLEAN NOT NULL,
  submitted_at     TIMESTAMPTZ,
  decision         TEXT NOT NULL,
  reason           TEXT NOT NULL,
  identity_check   TEXT NOT NULL,
  decided_by       TEXT NOT NULL,
  decided_at       TIMESTAMPTZ,
  erase_at         TIMESTAMPTZ,
  created_at       TIMESTAMPTZ NOT NULL,
  updated_at       TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE INDEX application_step ON application (step, id);
--bun:split
CREATE INDEX application_cvr ON application (cvr);
--bun:split
-- Whoever takes part, each with a link of their own. role: reporter,
-- representative, signatory.
CREATE TABLE application_party (
  id              TEXT PRIMARY KEY,
  application_id  TEXT NOT NULL REFERENCES application (id),
  role            TEXT NOT NULL,
  name            TEXT NOT NULL,
  email           TEXT NOT NULL,
  token_mac       BYTEA UNIQUE,
  expires_at      TIMESTAMPTZ NOT NULL,
  opened_at       TIMESTAMPTZ,
  invited_at      TIMESTAMPTZ,
  signed_at       TIMESTAMPTZ,
  terms_version   BIGINT NOT NULL,
  terms_hash      TEXT NOT NULL,
  signed_from     TEXT NOT NULL,
  created_at      TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE INDEX application_party_application ON application_party (application_id, id);
--bun:split
CREATE INDEX application_party_email ON application_party (email);
--bun:split
CREATE TABLE application_document (
  id              TEXT PRIMARY KEY,
  application_id  TEXT NOT NULL REFERENCES application (id),
  name            TEXT NOT NULL,
  media_type      TEXT NOT NULL,
  size            BIGINT NOT NULL,
  hash            TEXT NOT NULL,
  sealed          BYTEA,
  created_at      TIMESTAMPTZ NOT NULL,
  erased_at       TIMESTAMPTZ
);
--bun:split
CREATE INDEX application_document_application ON application_document (application_id, id);
--bun:split
-- Versions of the terms; version 1 is part of the program.
CREATE TABLE terms (
  version       BIGINT PRIMARY KEY,
  text_da       TEXT NOT NULL,
  text_en       TEXT NOT NULL,
  hash          TEXT NOT NULL,
  published_by  TEXT NOT NULL,
  published_at  TIMESTAMPTZ NOT NULL,
  effective_at  TIMESTAMPTZ NOT NULL
);
--bun:split
-- Who was told of a new version, so that nobody is told twice.
CREATE TABLE terms_notice (
  org_id      TEXT NOT NULL REFERENCES organisation (id),
  version     BIGINT NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id, version)
);
--bun:split
-- The person entitled to bind the organisation, who opens it again when no
-- administrator is left.
CREATE TABLE representative (
  org_id          TEXT PRIMARY KEY REFERENCES organisation (id),
  name            TEXT NOT NULL,
  email           TEXT NOT NULL,
  application_id  TEXT NOT NULL,
  terms_version   BIGINT NOT NULL,
  created_at      TIMESTAMPTZ NOT NULL
);
--bun:split
-- The first administrator's way in: link, reminder and the steps of the wizard.
CREATE TABLE setup (
  org_id            TEXT NOT NULL REFERENCES organisation (id),
  administrator_id  TEXT NOT NULL REFERENCES employee (id),
  link_expires_at   TIMESTAMPTZ NOT NULL,
  reminded_at       TIMESTAMPTZ,
  steps             TEXT NOT NULL,
  finished_at       TIMESTAMPTZ,
  created_at        TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id, administrator_id)
);
--bun:split
CREATE INDEX setup_expiry ON setup (link_expires_at) WHERE reminded_at IS NULL;
--bun:split
-- A new administrator asked for by the representative. state: asked, waiting,
-- objected, refused, appointed, lapsed.
CREATE TABLE recovery (
  org_id           TEXT NOT NULL REFERENCES organisation (id),
  id               TEXT NOT NULL,
  state            TEXT NOT NULL,
  token_mac        BYTEA UNIQUE,
  link_expires_at  TIMESTAMPTZ NOT NULL,
  lang             TEXT NOT NULL,
  given_name       TEXT NOT NULL,
  surname          TEXT NOT NULL,
  email            TEXT NOT NULL,
  reason           TEXT NOT NULL,
  asked_at         TIMESTAMPTZ NOT NULL,
  confirmed_at     TIMESTAMPTZ,
  ready_at         TIMESTAMPTZ,
  ended_by         TEXT NOT NULL,
  ended_at         TIMESTAMPTZ,
  note             TEXT NOT NULL,
  PRIMARY KEY (org_id, id)
);
--bun:split
CREATE UNIQUE INDEX recovery_open ON recovery (org_id) WHERE state = 'waiting';
--bun:split
CREATE INDEX recovery_state ON recovery (state, id);
