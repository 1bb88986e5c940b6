-- What a service is held to, as its owner decided. policy: JSON, '' = the defaults.
ALTER TABLE service ADD COLUMN policy TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE service ADD COLUMN policy_version BIGINT NOT NULL DEFAULT 0;
--bun:split
-- What an organisation has decided about a service that its employees use, its own
-- or another's. document: JSON.
CREATE TABLE service_use (
  org_id      TEXT NOT NULL REFERENCES organisation (id),
  service_id  TEXT NOT NULL REFERENCES service (id) ON DELETE CASCADE,
  document    TEXT NOT NULL,
  version     BIGINT NOT NULL,
  PRIMARY KEY (org_id, service_id)
);
--bun:split
-- How one login to a service ended. org_id owns the service. employee_id is set for
-- employees of that organisation only, cvr for everybody. result: login, refused.
-- code says why, '' = it went well; facts: JSON. day is the Danish day of at.
CREATE TABLE service_attempt (
  id           TEXT PRIMARY KEY,
  org_id       TEXT NOT NULL,
  service_id   TEXT NOT NULL REFERENCES service (id) ON DELETE CASCADE,
  employee_id  TEXT NOT NULL,
  cvr          TEXT NOT NULL,
  result       TEXT NOT NULL,
  code         TEXT NOT NULL,
  status       TEXT NOT NULL,
  facts        TEXT NOT NULL,
  day          TEXT NOT NULL,
  at           TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE INDEX service_attempt_listed ON service_attempt (org_id, service_id, at, id);
--bun:split
CREATE INDEX service_attempt_counted ON service_attempt (org_id, service_id, day, result);
--bun:split
CREATE INDEX service_attempt_person ON service_attempt (org_id, employee_id);
--bun:split
CREATE INDEX service_attempt_swept ON service_attempt (at, id);
--bun:split
-- Messages with their signatures, for proof. part: request, response, assertion.
CREATE TABLE service_message (
  attempt_id  TEXT NOT NULL,
  part        TEXT NOT NULL,
  org_id      TEXT NOT NULL,
  service_id  TEXT NOT NULL REFERENCES service (id) ON DELETE CASCADE,
  sealed      BYTEA NOT NULL,
  at          TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (attempt_id, part)
);
--bun:split
CREATE INDEX service_message_swept ON service_message (at, attempt_id);
--bun:split
-- What is known of a request before it is answered: JSON.
ALTER TABLE saml_request ADD COLUMN facts TEXT NOT NULL DEFAULT '{}';
