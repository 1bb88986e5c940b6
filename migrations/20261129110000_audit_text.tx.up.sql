-- What a person wrote into the audit log about an employee, apart from the log: the entry holds a salted digest of it, so
-- that the text is erased with the employee and the chain stays whole (ADR 0056).
CREATE TABLE audit_text (
  org_id       TEXT NOT NULL,
  entry_id     TEXT NOT NULL,
  employee_id  TEXT NOT NULL,
  salt         BYTEA NOT NULL,
  text         TEXT NOT NULL,
  PRIMARY KEY (org_id, entry_id)
);
CREATE INDEX audit_text_employee ON audit_text (org_id, employee_id);
-- Those erased before are erased again, by the list that is whole now.
UPDATE employee SET erase_at = erased_at WHERE erased_at IS NOT NULL AND erase_at IS NULL;
