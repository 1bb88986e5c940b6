-- Employees as people: language and channel of what is sent to them, how their
-- identity was proved, when they were stopped and when they are erased.
-- state: active, suspended, blocked, deleted. version counts edits.
ALTER TABLE employee ADD COLUMN lang TEXT NOT NULL DEFAULT 'da';
--bun:split
ALTER TABLE employee ADD COLUMN channel TEXT NOT NULL DEFAULT 'mail';
--bun:split
ALTER TABLE employee ADD COLUMN extra TEXT NOT NULL DEFAULT '{}';
--bun:split
ALTER TABLE employee ADD COLUMN anonymous BOOLEAN NOT NULL DEFAULT FALSE;
--bun:split
ALTER TABLE employee ADD COLUMN without_cpr BOOLEAN NOT NULL DEFAULT FALSE;
--bun:split
ALTER TABLE employee ADD COLUMN proofing_method TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE employee ADD COLUMN proofing_level TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE employee ADD COLUMN proofing_by TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE employee ADD COLUMN proofing_at TIMESTAMPTZ;
--bun:split
ALTER TABLE employee ADD COLUMN private_mitid_at TIMESTAMPTZ;
--bun:split
ALTER TABLE employee ADD COLUMN state_reason TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE employee ADD COLUMN suspended_at TIMESTAMPTZ;
--bun:split
ALTER TABLE employee ADD COLUMN deleted_at TIMESTAMPTZ;
--bun:split
ALTER TABLE employee ADD COLUMN erase_at TIMESTAMPTZ;
--bun:split
ALTER TABLE employee ADD COLUMN erased_at TIMESTAMPTZ;
--bun:split
ALTER TABLE employee ADD COLUMN updated_at TIMESTAMPTZ;
--bun:split
ALTER TABLE employee ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
--bun:split
-- 0 = words not written yet; see org.Reindex.
ALTER TABLE employee ADD COLUMN words_version BIGINT NOT NULL DEFAULT 0;
--bun:split
DROP INDEX employee_sorted;
--bun:split
CREATE INDEX employee_listed ON employee (org_id, sort_key, id) WHERE state <> 'deleted';
--bun:split
CREATE INDEX employee_deleted ON employee (org_id, sort_key, id) WHERE state = 'deleted';
--bun:split
CREATE UNIQUE INDEX employee_newest ON employee (org_id, id);
--bun:split
CREATE INDEX employee_cpr ON employee (org_id, cpr_mac) WHERE cpr_mac IS NOT NULL;
--bun:split
CREATE INDEX employee_due ON employee (erase_at, id) WHERE erase_at IS NOT NULL;
--bun:split
CREATE INDEX employee_unindexed ON employee (id) WHERE words_version = 0;
--bun:split
-- What employees are found by, sorted as the list is: words, pairs of words, and
-- marks (a state that lists are filtered by). Deleted employees have none.
CREATE TABLE employee_word (
  org_id       TEXT NOT NULL,
  word         TEXT NOT NULL,
  sort_key     TEXT NOT NULL,
  employee_id  TEXT NOT NULL,
  PRIMARY KEY (org_id, word, sort_key, employee_id)
);
--bun:split
-- A wish of somebody to be made an employee, or of an employee to be anonymous.
-- kind: create, anonymous. state: open, approved, rejected. person is sealed JSON,
-- erased when decided.
CREATE TABLE employee_request (
  id           TEXT PRIMARY KEY,
  org_id       TEXT NOT NULL REFERENCES organisation (id),
  kind         TEXT NOT NULL,
  state        TEXT NOT NULL,
  employee_id  TEXT NOT NULL,
  person       BYTEA,
  person_mac   BYTEA NOT NULL,
  reason       TEXT NOT NULL,
  answer       TEXT NOT NULL,
  decided_by   TEXT NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL,
  decided_at   TIMESTAMPTZ
);
--bun:split
CREATE INDEX employee_request_queue ON employee_request (org_id, state, created_at, id);
--bun:split
CREATE UNIQUE INDEX employee_request_open ON employee_request (org_id, kind, person_mac) WHERE state = 'open';
