-- IDs are UUIDv7 text, instants UTC with microseconds, both made in Go.
-- org_id leads every key that a tenant's query uses.

CREATE TABLE organisation (
  id          TEXT PRIMARY KEY,
  cvr         TEXT NOT NULL UNIQUE,
  name        TEXT NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE TABLE employee (
  id             TEXT PRIMARY KEY,
  org_id         TEXT NOT NULL REFERENCES organisation (id),
  rid            TEXT,
  given_name     TEXT NOT NULL,
  surname        TEXT NOT NULL,
  email          TEXT NOT NULL,
  phone          TEXT NOT NULL,
  cpr_sealed     BYTEA,
  cpr_mac        BYTEA,
  date_of_birth  TEXT NOT NULL,
  p_number       TEXT NOT NULL,
  se_number      TEXT NOT NULL,
  local_user_id  TEXT NOT NULL,
  state          TEXT NOT NULL,
  search_key     TEXT NOT NULL,
  sort_key       TEXT NOT NULL,
  created_at     TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE UNIQUE INDEX employee_rid ON employee (org_id, rid) WHERE rid IS NOT NULL;
--bun:split
CREATE INDEX employee_sorted ON employee (org_id, sort_key, id);
--bun:split
CREATE TABLE role_assignment (
  org_id       TEXT NOT NULL REFERENCES organisation (id),
  employee_id  TEXT NOT NULL REFERENCES employee (id),
  role         TEXT NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id, employee_id, role)
);
--bun:split
-- Append-only. actor is "employee:ID", "token:ID", "command" or "system".
CREATE TABLE audit_entry (
  id       TEXT PRIMARY KEY,
  org_id   TEXT NOT NULL,
  at       TIMESTAMPTZ NOT NULL,
  actor    TEXT NOT NULL,
  address  TEXT NOT NULL,
  verb     TEXT NOT NULL,
  object   TEXT NOT NULL,
  note     TEXT NOT NULL
);
--bun:split
CREATE INDEX audit_entry_object ON audit_entry (org_id, object);
--bun:split
-- Work recorded in the transaction of the change that asks for it.
-- state: pending, dispatched, done, failed. epoch is the life of the Redis
-- that holds the dispatched item.
CREATE TABLE work (
  id          TEXT PRIMARY KEY,
  org_id      TEXT NOT NULL,
  kind        TEXT NOT NULL,
  queue       TEXT NOT NULL,
  payload     TEXT NOT NULL,
  state       TEXT NOT NULL,
  due_at      TIMESTAMPTZ NOT NULL,
  attempts    BIGINT NOT NULL,
  epoch       TEXT NOT NULL,
  touched_at  TIMESTAMPTZ,
  last_error  TEXT NOT NULL
);
--bun:split
CREATE INDEX work_pending ON work (due_at, id) WHERE state = 'pending';
--bun:split
CREATE INDEX work_dispatched ON work (org_id, queue) WHERE state = 'dispatched';
--bun:split
CREATE INDEX work_done ON work (touched_at) WHERE state = 'done';
--bun:split
-- lot is the piece of work that delivers the message; link_sealed is erased on
-- delivery. state: queued, sent, failed.
CREATE TABLE message (
  id           TEXT PRIMARY KEY,
  org_id       TEXT NOT NULL,
  employee_id  TEXT NOT NULL,
  lot          TEXT NOT NULL,
  kind         TEXT NOT NULL,
  lang         TEXT NOT NULL,
  name         TEXT NOT NULL,
  address      TEXT NOT NULL,
  params       TEXT NOT NULL,
  link_sealed  BYTEA,
  state        TEXT NOT NULL,
  attempts     BIGINT NOT NULL,
  error        TEXT NOT NULL,
  queued_at    TIMESTAMPTZ NOT NULL,
  sent_at      TIMESTAMPTZ
);
--bun:split
CREATE INDEX message_lot ON message (lot) WHERE state = 'queued';
--bun:split
CREATE INDEX message_employee ON message (org_id, employee_id);
--bun:split
CREATE TABLE authority (
  id           TEXT PRIMARY KEY,
  role         TEXT NOT NULL,
  state        TEXT NOT NULL,
  certificate  BYTEA NOT NULL,
  key_sealed   BYTEA NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE UNIQUE INDEX authority_active ON authority (role) WHERE state = 'active';
--bun:split
-- state: intended (draft stored, not signed yet), issued, revoked, abandoned.
CREATE TABLE certificate (
  serial         TEXT PRIMARY KEY,
  org_id         TEXT NOT NULL,
  employee_id    TEXT NOT NULL,
  request_id     TEXT NOT NULL UNIQUE,
  authority_id   TEXT NOT NULL REFERENCES authority (id),
  profile        TEXT NOT NULL,
  state          TEXT NOT NULL,
  key_hash       BYTEA NOT NULL,
  draft          BYTEA NOT NULL,
  der            BYTEA,
  not_before     TIMESTAMPTZ NOT NULL,
  not_after      TIMESTAMPTZ NOT NULL,
  created_at     TIMESTAMPTZ NOT NULL,
  revoked_at     TIMESTAMPTZ,
  revoke_reason  TEXT NOT NULL
);
--bun:split
CREATE INDEX certificate_employee ON certificate (org_id, employee_id);
--bun:split
CREATE INDEX certificate_expiry ON certificate (not_after, serial) WHERE state = 'issued';
--bun:split
CREATE INDEX certificate_revoked ON certificate (authority_id, serial) WHERE revoked_at IS NOT NULL;
--bun:split
CREATE INDEX certificate_key ON certificate (key_hash);
--bun:split
CREATE INDEX certificate_intended ON certificate (created_at) WHERE state = 'intended';
--bun:split
CREATE TABLE crl (
  authority_id  TEXT NOT NULL REFERENCES authority (id),
  number        BIGINT NOT NULL,
  revoked       BIGINT NOT NULL,
  der           BYTEA NOT NULL,
  this_update   TIMESTAMPTZ NOT NULL,
  next_update   TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (authority_id, number)
);
--bun:split
-- state: active, blocked. parallel_days: days from activation until it is
-- blocked by itself, NULL = never.
CREATE TABLE code_card (
  id             TEXT PRIMARY KEY,
  org_id         TEXT NOT NULL,
  employee_id    TEXT NOT NULL REFERENCES employee (id),
  batch_id       TEXT,
  state          TEXT NOT NULL,
  parallel_days  BIGINT,
  block_due_at   TIMESTAMPTZ,
  blocked_at     TIMESTAMPTZ,
  block_reason   TEXT NOT NULL,
  created_at     TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE UNIQUE INDEX code_card_employee ON code_card (org_id, employee_id);
--bun:split
CREATE INDEX code_card_blocked ON code_card (org_id, batch_id) WHERE state = 'blocked';
--bun:split
-- state: ordered, active, blocked.
CREATE TABLE key_file (
  id            TEXT PRIMARY KEY,
  org_id        TEXT NOT NULL,
  employee_id   TEXT NOT NULL REFERENCES employee (id),
  state         TEXT NOT NULL,
  serial        TEXT,
  not_after     TIMESTAMPTZ,
  ordered_at    TIMESTAMPTZ NOT NULL,
  activated_at  TIMESTAMPTZ,
  blocked_at    TIMESTAMPTZ,
  block_reason  TEXT NOT NULL
);
--bun:split
CREATE UNIQUE INDEX key_file_live ON key_file (org_id, employee_id) WHERE state <> 'blocked';
--bun:split
CREATE INDEX key_file_employee ON key_file (org_id, employee_id) WHERE state = 'blocked';
--bun:split
-- state: open, used, locked, expired, replaced. code_sealed lives while open.
CREATE TABLE activation (
  id           TEXT PRIMARY KEY,
  org_id       TEXT NOT NULL,
  employee_id  TEXT NOT NULL REFERENCES employee (id),
  key_file_id  TEXT NOT NULL REFERENCES key_file (id),
  batch_id     TEXT,
  row_no       BIGINT,
  state        TEXT NOT NULL,
  token_mac    BYTEA NOT NULL UNIQUE,
  code_mac     BYTEA NOT NULL,
  code_sealed  BYTEA,
  tries        BIGINT NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL,
  expires_at   TIMESTAMPTZ NOT NULL,
  used_at      TIMESTAMPTZ
);
--bun:split
CREATE UNIQUE INDEX activation_open ON activation (org_id, employee_id) WHERE state = 'open';
--bun:split
CREATE INDEX activation_employee ON activation (org_id, employee_id, created_at);
--bun:split
CREATE TABLE login_challenge (
  id          TEXT PRIMARY KEY,
  nonce       TEXT NOT NULL,
  cookie_mac  BYTEA NOT NULL,
  flow        TEXT NOT NULL,
  expires_at  TIMESTAMPTZ NOT NULL,
  used_at     TIMESTAMPTZ
);
--bun:split
CREATE INDEX login_challenge_expiry ON login_challenge (expires_at);
--bun:split
CREATE TABLE session (
  id           TEXT PRIMARY KEY,
  org_id       TEXT NOT NULL,
  employee_id  TEXT NOT NULL REFERENCES employee (id),
  token_mac    BYTEA NOT NULL UNIQUE,
  serial       TEXT NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL,
  seen_at      TIMESTAMPTZ NOT NULL,
  expires_at   TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE INDEX session_employee ON session (org_id, employee_id);
--bun:split
CREATE INDEX session_expiry ON session (expires_at);
--bun:split
CREATE TABLE api_token (
  id          TEXT PRIMARY KEY,
  org_id      TEXT NOT NULL REFERENCES organisation (id),
  role        TEXT NOT NULL,
  token_mac   BYTEA NOT NULL UNIQUE,
  created_at  TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE TABLE saml_key (
  id           TEXT PRIMARY KEY,
  purpose      TEXT NOT NULL,
  state        TEXT NOT NULL,
  certificate  BYTEA NOT NULL,
  key_sealed   BYTEA NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE UNIQUE INDEX saml_key_active ON saml_key (purpose) WHERE state = 'active';
--bun:split
CREATE TABLE service (
  id             TEXT PRIMARY KEY,
  org_id         TEXT NOT NULL REFERENCES organisation (id),
  entity_id      TEXT NOT NULL UNIQUE,
  name           TEXT NOT NULL,
  metadata       TEXT NOT NULL,
  created_at     TIMESTAMPTZ NOT NULL,
  last_login_at  TIMESTAMPTZ
);
--bun:split
CREATE INDEX service_sorted ON service (org_id, name, id);
--bun:split
-- A pending AuthnRequest, kept while the person logs in; (service_id,
-- request_id) refuses a replay until the row is swept.
CREATE TABLE saml_request (
  id           TEXT PRIMARY KEY,
  service_id   TEXT NOT NULL REFERENCES service (id) ON DELETE CASCADE,
  request_id   TEXT NOT NULL,
  request      TEXT NOT NULL,
  relay_state  TEXT NOT NULL,
  cookie_mac   BYTEA NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL,
  expires_at   TIMESTAMPTZ NOT NULL,
  answered_at  TIMESTAMPTZ,
  UNIQUE (service_id, request_id)
);
--bun:split
CREATE INDEX saml_request_expiry ON saml_request (expires_at);
--bun:split
-- A migration batch. state: reading (an unfinished draft that nobody sees),
-- draft, running, paused, completed, cancelled.
CREATE TABLE batch (
  id             TEXT PRIMARY KEY,
  org_id         TEXT NOT NULL REFERENCES organisation (id),
  name           TEXT NOT NULL,
  file_name      TEXT NOT NULL,
  state          TEXT NOT NULL,
  total          BIGINT NOT NULL,
  errors_total   BIGINT NOT NULL,
  notices_total  BIGINT NOT NULL,
  dry_run        TEXT NOT NULL,
  deadline       TIMESTAMPTZ,
  parallel_days  BIGINT,
  pace_ms        BIGINT NOT NULL,
  start_at       TIMESTAMPTZ,
  created_by     TEXT NOT NULL,
  created_at     TIMESTAMPTZ NOT NULL,
  started_at     TIMESTAMPTZ,
  finished_at    TIMESTAMPTZ
);
--bun:split
CREATE INDEX batch_newest ON batch (org_id, id);
--bun:split
-- Dispatch unit and progress counter: the six counts always sum to the rows.
CREATE TABLE batch_chunk (
  batch_id   TEXT NOT NULL REFERENCES batch (id) ON DELETE CASCADE,
  no         BIGINT NOT NULL,
  org_id     TEXT NOT NULL,
  from_row   BIGINT NOT NULL,
  to_row     BIGINT NOT NULL,
  pending    BIGINT NOT NULL,
  invited    BIGINT NOT NULL,
  activated  BIGINT NOT NULL,
  skipped    BIGINT NOT NULL,
  failed     BIGINT NOT NULL,
  cancelled  BIGINT NOT NULL,
  done_at    TIMESTAMPTZ,
  PRIMARY KEY (batch_id, no)
);
--bun:split
CREATE TABLE batch_row (
  batch_id       TEXT NOT NULL REFERENCES batch (id) ON DELETE CASCADE,
  row_no         BIGINT NOT NULL,
  org_id         TEXT NOT NULL,
  line           BIGINT NOT NULL,
  state          TEXT NOT NULL,
  reason         TEXT NOT NULL,
  rid            TEXT NOT NULL,
  given_name     TEXT NOT NULL,
  surname        TEXT NOT NULL,
  email          TEXT NOT NULL,
  phone          TEXT NOT NULL,
  cpr_sealed     BYTEA,
  cpr_mac        BYTEA,
  date_of_birth  TEXT NOT NULL,
  carrier        TEXT NOT NULL,
  p_number       TEXT NOT NULL,
  se_number      TEXT NOT NULL,
  local_user_id  TEXT NOT NULL,
  employee_id    TEXT,
  PRIMARY KEY (batch_id, row_no)
);
--bun:split
CREATE TABLE batch_finding (
  batch_id  TEXT NOT NULL REFERENCES batch (id) ON DELETE CASCADE,
  no        BIGINT NOT NULL,
  org_id    TEXT NOT NULL,
  severity  TEXT NOT NULL,
  line      BIGINT NOT NULL,
  col       TEXT NOT NULL,
  value     TEXT NOT NULL,
  code      TEXT NOT NULL,
  message   TEXT NOT NULL,
  PRIMARY KEY (batch_id, no)
);
--bun:split
-- A reminder is due once: the key is the truth, whoever inserts it queues the mail.
CREATE TABLE reminder (
  serial      TEXT NOT NULL,
  rule        TEXT NOT NULL,
  receiver    TEXT NOT NULL,
  org_id      TEXT NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (serial, rule, receiver)
);
--bun:split
-- Facts about this installation: who made the data folder's demo, and the like.
CREATE TABLE installation (
  name   TEXT PRIMARY KEY,
  value  TEXT NOT NULL
);
