-- Certificates that the organisation depends on and that were not issued here.
-- fingerprint: SHA-256 of the DER in hex; of one known from a list only, "list:" and
-- that of issuer and serial number. generation: oces1, oces2, oces3, adgang,
-- private, unknown. kind: employee, organisation, system, function, person, tls,
-- authority, unknown. plan: open, planned, issued, installed, retired.
CREATE TABLE inventory_certificate (
  id             TEXT PRIMARY KEY,
  org_id         TEXT NOT NULL REFERENCES organisation (id),
  fingerprint    TEXT NOT NULL,
  der            BYTEA,
  name           TEXT NOT NULL,
  subject        TEXT NOT NULL,
  subject_id     TEXT NOT NULL,
  cvr            TEXT NOT NULL,
  issuer         TEXT NOT NULL,
  serial         TEXT NOT NULL,
  email          TEXT NOT NULL,
  generation     TEXT NOT NULL,
  kind           TEXT NOT NULL,
  test           BOOLEAN NOT NULL,
  secure_email   BOOLEAN NOT NULL,
  source         TEXT NOT NULL,
  not_before     TIMESTAMPTZ NOT NULL,
  not_after      TIMESTAMPTZ NOT NULL,
  plan           TEXT NOT NULL,
  owner_id       TEXT NOT NULL,
  contact_name   TEXT NOT NULL,
  contact_email  TEXT NOT NULL,
  successor_id   TEXT NOT NULL,
  renew_by       TEXT NOT NULL,
  switch_on      TEXT NOT NULL,
  note           TEXT NOT NULL,
  search_key     TEXT NOT NULL,
  version        BIGINT NOT NULL,
  created_at     TIMESTAMPTZ NOT NULL,
  retired_at     TIMESTAMPTZ,
  UNIQUE (org_id, fingerprint)
);
--bun:split
CREATE INDEX inventory_certificate_expiry ON inventory_certificate (org_id, not_after, id);
--bun:split
CREATE INDEX inventory_certificate_due ON inventory_certificate (not_after, id) WHERE plan NOT IN ('installed', 'retired');
--bun:split
-- Where a certificate is installed: who relies on it, and since when they have its
-- successor.
CREATE TABLE inventory_place (
  id              TEXT PRIMARY KEY,
  org_id          TEXT NOT NULL,
  certificate_id  TEXT NOT NULL REFERENCES inventory_certificate (id),
  name            TEXT NOT NULL,
  contact_name    TEXT NOT NULL,
  contact_email   TEXT NOT NULL,
  installed_at    TIMESTAMPTZ,
  created_at      TIMESTAMPTZ NOT NULL,
  UNIQUE (org_id, certificate_id, name)
);
--bun:split
-- Hosts whose TLS certificate is read every day. address: host:port.
CREATE TABLE inventory_host (
  id              TEXT PRIMARY KEY,
  org_id          TEXT NOT NULL REFERENCES organisation (id),
  address         TEXT NOT NULL,
  certificate_id  TEXT NOT NULL,
  failure         TEXT NOT NULL,
  scanned_at      TIMESTAMPTZ,
  created_at      TIMESTAMPTZ NOT NULL,
  UNIQUE (org_id, address)
);
--bun:split
-- A move from one generation of certificates to the next. state: draft, running,
-- closed. generation is the one that is left.
CREATE TABLE inventory_campaign (
  id          TEXT PRIMARY KEY,
  org_id      TEXT NOT NULL REFERENCES organisation (id),
  name        TEXT NOT NULL,
  generation  TEXT NOT NULL,
  closes_at   TIMESTAMPTZ NOT NULL,
  state       TEXT NOT NULL,
  created_by  TEXT NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL,
  started_at  TIMESTAMPTZ,
  closed_at   TIMESTAMPTZ
);
--bun:split
CREATE INDEX inventory_campaign_newest ON inventory_campaign (org_id, id);
--bun:split
-- outcome: '' while it runs; moved, closed (was left without an installed
-- successor), gone (deleted before).
CREATE TABLE inventory_member (
  org_id          TEXT NOT NULL,
  campaign_id     TEXT NOT NULL REFERENCES inventory_campaign (id),
  certificate_id  TEXT NOT NULL,
  name            TEXT NOT NULL,
  outcome         TEXT NOT NULL,
  PRIMARY KEY (org_id, campaign_id, certificate_id)
);
--bun:split
-- What was found due to whom; whoever inserts the row makes it due, whoever takes
-- it from due to queued sends it. certificate: the serial number of one issued
-- here, "inventory:ID" of another. days: before the end, negative after it.
-- receiver: "employee:ID", "mail:ADDRESS" or "webhook".
CREATE TABLE reminder_due (
  org_id       TEXT NOT NULL REFERENCES organisation (id),
  certificate  TEXT NOT NULL,
  days         BIGINT NOT NULL,
  receiver     TEXT NOT NULL,
  not_after    TIMESTAMPTZ NOT NULL,
  name         TEXT NOT NULL,
  state        TEXT NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL,
  settled_at   TIMESTAMPTZ,
  PRIMARY KEY (org_id, certificate, days, receiver)
);
--bun:split
CREATE INDEX reminder_due_receiver ON reminder_due (org_id, receiver) WHERE state = 'due';
--bun:split
CREATE INDEX reminder_due_newest ON reminder_due (org_id, created_at);
--bun:split
INSERT INTO reminder_due (org_id, certificate, days, receiver, not_after, name, state, created_at, settled_at)
SELECT r.org_id, r.serial, 30, 'employee:' || r.receiver, c.not_after, '', 'queued', r.created_at, r.created_at
FROM reminder AS r JOIN certificate AS c ON c.serial = r.serial;
--bun:split
DROP TABLE reminder;
--bun:split
-- The rules of an organisation; without a row the usual ones count.
CREATE TABLE reminder_rules (
  org_id          TEXT PRIMARY KEY REFERENCES organisation (id),
  days            TEXT NOT NULL,
  key_file_days   TEXT NOT NULL,
  users_from      BIGINT NOT NULL,
  admins_from     BIGINT NOT NULL,
  quiet_from      BIGINT NOT NULL,
  quiet_to        BIGINT NOT NULL,
  weekends        BOOLEAN NOT NULL,
  digest_over     BIGINT NOT NULL,
  webhook_url     TEXT NOT NULL,
  webhook_sealed  BYTEA,
  calendar_mac    BYTEA,
  version         BIGINT NOT NULL
);
--bun:split
-- A certificate of which nobody is reminded before a day.
CREATE TABLE reminder_snooze (
  org_id       TEXT NOT NULL REFERENCES organisation (id),
  certificate  TEXT NOT NULL,
  until        TEXT NOT NULL,
  reason       TEXT NOT NULL,
  by_id        TEXT NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id, certificate)
);
