-- Rights in business services. The catalogue is read by every organisation that
-- may use the service, so its owner is owner_id and not org_id.
CREATE TABLE entitlement_service (
  service_id  TEXT PRIMARY KEY,
  owner_id    TEXT NOT NULL REFERENCES organisation (id),
  owner_name  TEXT NOT NULL,
  name        TEXT NOT NULL,
  open        BOOLEAN NOT NULL,
  removed_at  TIMESTAMPTZ
);
--bun:split
CREATE INDEX entitlement_service_owner ON entitlement_service (owner_id, name);
--bun:split
INSERT INTO entitlement_service (service_id, owner_id, owner_name, name, open)
  SELECT s.id, s.org_id, o.name, s.name, FALSE FROM service AS s JOIN organisation AS o ON o.id = s.org_id;
--bun:split
-- scopes: kinds of units, with a comma between; constraints: JSON.
CREATE TABLE entitlement (
  id           TEXT PRIMARY KEY,
  owner_id     TEXT NOT NULL,
  service_id   TEXT NOT NULL REFERENCES entitlement_service (service_id),
  uri          TEXT NOT NULL,
  name_da      TEXT NOT NULL,
  name_en      TEXT NOT NULL,
  text_da      TEXT NOT NULL,
  text_en      TEXT NOT NULL,
  scopes       TEXT NOT NULL,
  constraints  TEXT NOT NULL,
  requestable  BOOLEAN NOT NULL,
  seal         BOOLEAN NOT NULL,
  level        TEXT NOT NULL,
  version      BIGINT NOT NULL,
  search_key   TEXT NOT NULL,
  retired_at   TIMESTAMPTZ,
  created_at   TIMESTAMPTZ NOT NULL,
  updated_at   TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE UNIQUE INDEX entitlement_uri ON entitlement (service_id, uri);
--bun:split
-- What each version of a right said, JSON; never changed.
CREATE TABLE entitlement_version (
  entitlement_id  TEXT NOT NULL REFERENCES entitlement (id),
  version         BIGINT NOT NULL,
  owner_id        TEXT NOT NULL,
  said            TEXT NOT NULL,
  actor           TEXT NOT NULL,
  created_at      TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (entitlement_id, version)
);
--bun:split
-- kind: all, p_number (members are computed), custom (members are picked).
-- service_id limits a group to the rights of one service, '' = none.
CREATE TABLE user_group (
  id          TEXT PRIMARY KEY,
  org_id      TEXT NOT NULL REFERENCES organisation (id),
  name        TEXT NOT NULL,
  name_key    TEXT NOT NULL,
  text        TEXT NOT NULL,
  kind        TEXT NOT NULL,
  p_number    TEXT NOT NULL,
  service_id  TEXT NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE UNIQUE INDEX user_group_name ON user_group (org_id, name_key);
--bun:split
CREATE TABLE group_member (
  org_id       TEXT NOT NULL,
  group_id     TEXT NOT NULL REFERENCES user_group (id),
  employee_id  TEXT NOT NULL REFERENCES employee (id),
  created_at   TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id, group_id, employee_id)
);
--bun:split
CREATE INDEX group_member_employee ON group_member (org_id, employee_id);
--bun:split
-- A right given to an employee or to a group; the other one is ''. scope_kind:
-- cvr (the whole organisation, value ''), p, se. constraints: canonical JSON.
-- An ended one stays until it is given anew or taken away.
CREATE TABLE entitlement_assignment (
  id              TEXT PRIMARY KEY,
  org_id          TEXT NOT NULL REFERENCES organisation (id),
  employee_id     TEXT NOT NULL,
  group_id        TEXT NOT NULL,
  entitlement_id  TEXT NOT NULL REFERENCES entitlement (id),
  scope_kind      TEXT NOT NULL,
  scope_value     TEXT NOT NULL,
  constraints     TEXT NOT NULL,
  from_at         TIMESTAMPTZ NOT NULL,
  until_at        TIMESTAMPTZ,
  origin          TEXT NOT NULL,
  actor           TEXT NOT NULL,
  created_at      TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE UNIQUE INDEX entitlement_assignment_once
  ON entitlement_assignment (org_id, employee_id, group_id, entitlement_id, scope_kind, scope_value, constraints);
--bun:split
CREATE INDEX entitlement_assignment_right ON entitlement_assignment (org_id, entitlement_id, employee_id);
--bun:split
CREATE INDEX entitlement_assignment_group ON entitlement_assignment (org_id, group_id) WHERE group_id <> '';
--bun:split
CREATE INDEX entitlement_assignment_end ON entitlement_assignment (until_at, id) WHERE until_at IS NOT NULL;
--bun:split
-- applies: all (every active employee), new (those created since).
CREATE TABLE entitlement_basic (
  org_id          TEXT NOT NULL REFERENCES organisation (id),
  entitlement_id  TEXT NOT NULL REFERENCES entitlement (id),
  applies         TEXT NOT NULL,
  since           TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id, entitlement_id)
);
--bun:split
-- state: open, approved, rejected, withdrawn, expired.
CREATE TABLE entitlement_request (
  id              TEXT PRIMARY KEY,
  org_id          TEXT NOT NULL REFERENCES organisation (id),
  employee_id     TEXT NOT NULL REFERENCES employee (id),
  entitlement_id  TEXT NOT NULL REFERENCES entitlement (id),
  scope_kind      TEXT NOT NULL,
  scope_value     TEXT NOT NULL,
  constraints     TEXT NOT NULL,
  reason          TEXT NOT NULL,
  state           TEXT NOT NULL,
  asked_at        TIMESTAMPTZ NOT NULL,
  expires_at      TIMESTAMPTZ NOT NULL,
  decided_at      TIMESTAMPTZ,
  decided_by      TEXT NOT NULL,
  answer          TEXT NOT NULL,
  until_at        TIMESTAMPTZ
);
--bun:split
CREATE UNIQUE INDEX entitlement_request_open
  ON entitlement_request (org_id, employee_id, entitlement_id, scope_kind, scope_value, constraints) WHERE state = 'open';
--bun:split
CREATE INDEX entitlement_request_newest ON entitlement_request (org_id, state, id);
--bun:split
CREATE INDEX entitlement_request_employee ON entitlement_request (org_id, employee_id, id);
--bun:split
CREATE INDEX entitlement_request_expiry ON entitlement_request (expires_at) WHERE state = 'open';
--bun:split
-- Mails that go out once: whoever inserts the row queues the mail.
CREATE TABLE entitlement_notice (
  org_id      TEXT NOT NULL,
  subject     TEXT NOT NULL,
  rule        TEXT NOT NULL,
  receiver    TEXT NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id, subject, rule, receiver)
);
