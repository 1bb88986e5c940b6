-- Many employees at once, from a file. mode: upsert, full, suspend, delete.
-- state: reading (an unfinished draft that nobody sees), draft, waiting (for a
-- second person), running, completed, cancelled. missing counts the employees
-- that a full load would suspend, active those it could have.
CREATE TABLE roster_run (
  id             TEXT PRIMARY KEY,
  org_id         TEXT NOT NULL REFERENCES organisation (id),
  name           TEXT NOT NULL,
  file_name      TEXT NOT NULL,
  mode           TEXT NOT NULL,
  invite         BOOLEAN NOT NULL,
  state          TEXT NOT NULL,
  total          BIGINT NOT NULL,
  active         BIGINT NOT NULL,
  missing        BIGINT NOT NULL,
  errors_total   BIGINT NOT NULL,
  notices_total  BIGINT NOT NULL,
  forecast       TEXT NOT NULL,
  created_by     TEXT NOT NULL,
  created_at     TIMESTAMPTZ NOT NULL,
  started_by     TEXT NOT NULL,
  starter        TEXT NOT NULL,
  started_at     TIMESTAMPTZ,
  finished_at    TIMESTAMPTZ
);
--bun:split
CREATE INDEX roster_run_newest ON roster_run (org_id, id);
--bun:split
-- Dispatch unit and progress counter: the counts always sum to the rows.
CREATE TABLE roster_chunk (
  org_id     TEXT NOT NULL,
  run_id     TEXT NOT NULL REFERENCES roster_run (id) ON DELETE CASCADE,
  no         BIGINT NOT NULL,
  from_row   BIGINT NOT NULL,
  to_row     BIGINT NOT NULL,
  pending    BIGINT NOT NULL,
  done       BIGINT NOT NULL,
  unchanged  BIGINT NOT NULL,
  failed     BIGINT NOT NULL,
  cancelled  BIGINT NOT NULL,
  done_at    TIMESTAMPTZ,
  PRIMARY KEY (org_id, run_id, no)
);
--bun:split
-- action: create, edit, reactivate, suspend, delete, none, refuse. person is the
-- JSON of what the line says, sealed with its CPR number until the run is over;
-- changes is the JSON of the fields that differ, before and after, without it.
CREATE TABLE roster_row (
  org_id       TEXT NOT NULL,
  run_id       TEXT NOT NULL REFERENCES roster_run (id) ON DELETE CASCADE,
  row_no       BIGINT NOT NULL,
  line         BIGINT NOT NULL,
  action       TEXT NOT NULL,
  state        TEXT NOT NULL,
  reason       TEXT NOT NULL,
  message      TEXT NOT NULL,
  name         TEXT NOT NULL,
  email        TEXT NOT NULL,
  rid          TEXT NOT NULL,
  changes      TEXT NOT NULL,
  person       BYTEA,
  employee_id  TEXT,
  PRIMARY KEY (org_id, run_id, row_no)
);
--bun:split
CREATE INDEX roster_row_action ON roster_row (org_id, run_id, action, row_no);
--bun:split
CREATE INDEX roster_row_state ON roster_row (org_id, run_id, state, row_no);
--bun:split
CREATE INDEX roster_row_employee ON roster_row (org_id, run_id, employee_id);
--bun:split
CREATE TABLE roster_finding (
  org_id    TEXT NOT NULL,
  run_id    TEXT NOT NULL REFERENCES roster_run (id) ON DELETE CASCADE,
  no        BIGINT NOT NULL,
  severity  TEXT NOT NULL,
  line      BIGINT NOT NULL,
  col       TEXT NOT NULL,
  value     TEXT NOT NULL,
  code      TEXT NOT NULL,
  message   TEXT NOT NULL,
  PRIMARY KEY (org_id, run_id, no)
);
--bun:split
-- The lines of a file are matched to employees by these.
CREATE INDEX employee_email ON employee (org_id, lower(email));
--bun:split
CREATE INDEX employee_local_user ON employee (org_id, local_user_id) WHERE local_user_id <> '';
