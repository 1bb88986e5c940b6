-- What an organisation has decided, one row a version; the highest is in force.
-- document is JSON; what it does not name has its default.
CREATE TABLE organisation_setting (
  org_id    TEXT NOT NULL REFERENCES organisation (id),
  version   BIGINT NOT NULL,
  document  TEXT NOT NULL,
  actor     TEXT NOT NULL,
  at        TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id, version)
);
