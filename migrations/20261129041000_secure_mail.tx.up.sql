-- Where the key of an employee's old secure mail is, as somebody has said it; it goes
-- before what is known from the migration. carrier: central, local, none.
CREATE TABLE secure_mail (
  org_id       TEXT NOT NULL REFERENCES organisation (id),
  employee_id  TEXT NOT NULL REFERENCES employee (id),
  carrier      TEXT NOT NULL,
  set_by       TEXT NOT NULL,
  set_at       TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id, employee_id)
);
--bun:split
-- Old key files of an employee, encrypted in the browser. content: base64 of what
-- only the employee's passphrase opens; size: of it in octets, before base64.
CREATE TABLE archive_file (
  id           TEXT PRIMARY KEY,
  org_id       TEXT NOT NULL REFERENCES organisation (id),
  employee_id  TEXT NOT NULL REFERENCES employee (id),
  label        TEXT NOT NULL,
  size         BIGINT NOT NULL,
  content      TEXT NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE INDEX archive_file_owner ON archive_file (org_id, employee_id, id);
--bun:split
-- Whose signature was on a key file or hardware; code cards have a table of their own.
CREATE INDEX batch_row_local ON batch_row (org_id, employee_id) WHERE carrier <> 'code_card' AND employee_id IS NOT NULL;
