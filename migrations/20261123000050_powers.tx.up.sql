-- Acts that wait for a second person. state: pending, approved, rejected,
-- withdrawn, expired, failed.
CREATE TABLE approval (
  org_id      TEXT NOT NULL REFERENCES organisation (id),
  id          TEXT NOT NULL,
  act         TEXT NOT NULL,
  needs       TEXT NOT NULL,
  object      TEXT NOT NULL,
  details     TEXT NOT NULL,
  payload     TEXT NOT NULL,
  state       TEXT NOT NULL,
  asker       TEXT NOT NULL,
  asker_id    TEXT NOT NULL,
  asked_at    TIMESTAMPTZ NOT NULL,
  expires_at  TIMESTAMPTZ NOT NULL,
  decider     TEXT NOT NULL,
  decided_at  TIMESTAMPTZ,
  reason      TEXT NOT NULL,
  code        TEXT NOT NULL,
  PRIMARY KEY (org_id, id)
);
--bun:split
CREATE UNIQUE INDEX approval_waiting ON approval (org_id, act, object) WHERE state = 'pending';
--bun:split
CREATE INDEX approval_expiry ON approval (expires_at) WHERE state = 'pending';
--bun:split
-- Employees who ask for an administrator role. state: pending, approved,
-- rejected, withdrawn.
CREATE TABLE role_request (
  org_id       TEXT NOT NULL REFERENCES organisation (id),
  id           TEXT NOT NULL,
  employee_id  TEXT NOT NULL REFERENCES employee (id),
  role         TEXT NOT NULL,
  reason       TEXT NOT NULL,
  state        TEXT NOT NULL,
  asked_at     TIMESTAMPTZ NOT NULL,
  decider      TEXT NOT NULL,
  decided_at   TIMESTAMPTZ,
  answer       TEXT NOT NULL,
  PRIMARY KEY (org_id, id)
);
--bun:split
CREATE UNIQUE INDEX role_request_waiting ON role_request (org_id, employee_id, role) WHERE state = 'pending';
--bun:split
-- Who is to follow the organisation's administrator.
CREATE TABLE nominee (
  org_id       TEXT NOT NULL REFERENCES organisation (id),
  employee_id  TEXT NOT NULL REFERENCES employee (id),
  named_by     TEXT NOT NULL,
  named_at     TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id)
);
