-- Where a person is logged in by an assertion of ours: one row per browser
-- session, service and name. kind: saml, or a party of another kind. A row that
-- has ended is kept for a while, so that a late logout request is understood.
CREATE TABLE service_session (
  id             TEXT PRIMARY KEY,
  org_id         TEXT NOT NULL REFERENCES organisation (id),
  session_id     TEXT NOT NULL,
  employee_id    TEXT NOT NULL REFERENCES employee (id),
  kind           TEXT NOT NULL,
  service_id     TEXT NOT NULL,
  service_name   TEXT NOT NULL,
  name_id        TEXT NOT NULL,
  name_value     TEXT NOT NULL,
  session_index  TEXT NOT NULL,
  created_at     TIMESTAMPTZ NOT NULL,
  expires_at     TIMESTAMPTZ NOT NULL,
  ended_at       TIMESTAMPTZ
);
--bun:split
CREATE INDEX service_session_employee ON service_session (org_id, employee_id);
--bun:split
CREATE INDEX service_session_session ON service_session (org_id, session_id);
--bun:split
CREATE INDEX service_session_name ON service_session (service_id, name_value);
--bun:split
CREATE INDEX service_session_expiry ON service_session (expires_at);
--bun:split
-- A logout on its way through the services. state: running, complete, partial.
-- began_by is the service that asked, with its request, or empty.
CREATE TABLE logout (
  id           TEXT PRIMARY KEY,
  org_id       TEXT NOT NULL REFERENCES organisation (id),
  employee_id  TEXT NOT NULL REFERENCES employee (id),
  cause        TEXT NOT NULL,
  kind         TEXT NOT NULL,
  began_by     TEXT NOT NULL,
  began_name   TEXT NOT NULL,
  request_id   TEXT NOT NULL,
  request      TEXT NOT NULL,
  cookie_mac   BYTEA,
  state        TEXT NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL,
  expires_at   TIMESTAMPTZ NOT NULL,
  ended_at     TIMESTAMPTZ
);
--bun:split
CREATE UNIQUE INDEX logout_request ON logout (kind, began_by, request_id) WHERE request_id <> '';
--bun:split
CREATE INDEX logout_employee ON logout (org_id, employee_id);
--bun:split
CREATE INDEX logout_expiry ON logout (state, expires_at);
--bun:split
-- One service of a logout. channel: front (by the browser), back (server to
-- server), none. state: waiting, asked, done, failed; note is why it failed.
CREATE TABLE logout_step (
  id            TEXT PRIMARY KEY,
  org_id        TEXT NOT NULL REFERENCES organisation (id),
  logout_id     TEXT NOT NULL REFERENCES logout (id) ON DELETE CASCADE,
  part_id       TEXT NOT NULL REFERENCES service_session (id),
  place         INTEGER NOT NULL,
  channel       TEXT NOT NULL,
  state         TEXT NOT NULL,
  note          TEXT NOT NULL,
  request_id    TEXT NOT NULL,
  deadline      TIMESTAMPTZ,
  settled_at    TIMESTAMPTZ,
  UNIQUE (logout_id, place)
);
--bun:split
CREATE UNIQUE INDEX logout_step_request ON logout_step (request_id) WHERE request_id <> '';
--bun:split
CREATE INDEX logout_step_part ON logout_step (part_id);
