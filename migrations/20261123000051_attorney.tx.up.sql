-- Powers of attorney. org_id gives, receiver_org_id receives; both may read and
-- change the row (ADR 0020). receiver_id is a person there, '' = the organisation.
-- state: requested, active, rejected, ended. Names are those of the day it was
-- made, since neither may read the other's row of organisation.
CREATE TABLE attorney (
  id               TEXT PRIMARY KEY,
  org_id           TEXT NOT NULL REFERENCES organisation (id),
  receiver_org_id  TEXT NOT NULL REFERENCES organisation (id),
  receiver_id      TEXT NOT NULL,
  giver_cvr        TEXT NOT NULL,
  giver_name       TEXT NOT NULL,
  receiver_cvr     TEXT NOT NULL,
  receiver_name    TEXT NOT NULL,
  person           TEXT NOT NULL,
  state            TEXT NOT NULL,
  from_at          TIMESTAMPTZ NOT NULL,
  until_at         TIMESTAMPTZ,
  reason           TEXT NOT NULL,
  answer           TEXT NOT NULL,
  created_at       TIMESTAMPTZ NOT NULL,
  decided_at       TIMESTAMPTZ,
  ended_at         TIMESTAMPTZ,
  ended_by         TEXT NOT NULL
);
--bun:split
CREATE INDEX attorney_given ON attorney (org_id, id);
--bun:split
CREATE INDEX attorney_received ON attorney (receiver_org_id, id);
--bun:split
CREATE TABLE attorney_right (
  attorney_id      TEXT NOT NULL REFERENCES attorney (id),
  entitlement_id   TEXT NOT NULL REFERENCES entitlement (id),
  org_id           TEXT NOT NULL,
  receiver_org_id  TEXT NOT NULL,
  PRIMARY KEY (attorney_id, entitlement_id)
);
--bun:split
-- Employees of the receiver who may use it: org_id receives.
CREATE TABLE attorney_employee (
  org_id       TEXT NOT NULL REFERENCES organisation (id),
  attorney_id  TEXT NOT NULL REFERENCES attorney (id),
  employee_id  TEXT NOT NULL REFERENCES employee (id),
  attached_at  TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id, attorney_id, employee_id)
);
--bun:split
CREATE INDEX attorney_employee_person ON attorney_employee (org_id, employee_id);
