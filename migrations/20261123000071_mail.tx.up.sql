-- An organisation's own words for a kind of mail in one language; no row = ours.
CREATE TABLE mail_template (
  org_id      TEXT NOT NULL REFERENCES organisation (id),
  kind        TEXT NOT NULL,
  lang        TEXT NOT NULL,
  subject     TEXT NOT NULL,
  body        TEXT NOT NULL,
  updated_at  TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id, kind, lang)
);
--bun:split
CREATE TABLE mail_logo (
  org_id      TEXT PRIMARY KEY REFERENCES organisation (id),
  media_type  TEXT NOT NULL,
  image       BYTEA NOT NULL,
  updated_at  TIMESTAMPTZ NOT NULL
);
--bun:split
-- Beside queued, sent and failed a message can be waiting (a letter to print),
-- printed, or noticed (shown on the person's page only). read_at: on that page.
ALTER TABLE message ADD COLUMN read_at TIMESTAMPTZ;
--bun:split
CREATE INDEX message_waiting ON message (org_id, id) WHERE state = 'waiting';
--bun:split
CREATE INDEX message_unread ON message (org_id, employee_id) WHERE read_at IS NULL;
