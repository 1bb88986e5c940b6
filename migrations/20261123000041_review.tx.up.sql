-- Access reviews. subject_kind: group, service. undecided: keep, remove.
-- state: open, closed. The counts are those of the items.
CREATE TABLE review_campaign (
  id            TEXT PRIMARY KEY,
  org_id        TEXT NOT NULL REFERENCES organisation (id),
  name          TEXT NOT NULL,
  subject_kind  TEXT NOT NULL,
  subject_id    TEXT NOT NULL,
  subject_name  TEXT NOT NULL,
  due_on        TEXT NOT NULL,
  undecided     TEXT NOT NULL,
  state         TEXT NOT NULL,
  created_by    TEXT NOT NULL,
  created_at    TIMESTAMPTZ NOT NULL,
  closed_at     TIMESTAMPTZ
);
--bun:split
CREATE INDEX review_campaign_newest ON review_campaign (org_id, id);
--bun:split
CREATE INDEX review_campaign_due ON review_campaign (due_on, id) WHERE state = 'open';
--bun:split
CREATE TABLE review_reviewer (
  org_id       TEXT NOT NULL,
  campaign_id  TEXT NOT NULL REFERENCES review_campaign (id),
  employee_id  TEXT NOT NULL,
  PRIMARY KEY (org_id, campaign_id, employee_id)
);
--bun:split
CREATE INDEX review_reviewer_employee ON review_reviewer (org_id, employee_id);
--bun:split
-- One right or membership, as it was when the campaign began; employee_id is ''
-- for a right of a group. decision: '', kept, removed, gone (was not there any
-- more). by_default: nobody had decided when it was due.
CREATE TABLE review_item (
  id             TEXT PRIMARY KEY,
  org_id         TEXT NOT NULL,
  campaign_id    TEXT NOT NULL REFERENCES review_campaign (id),
  kind           TEXT NOT NULL,
  employee_id    TEXT NOT NULL,
  who            TEXT NOT NULL,
  group_id       TEXT NOT NULL,
  assignment_id  TEXT NOT NULL,
  what_da        TEXT NOT NULL,
  what_en        TEXT NOT NULL,
  limits         TEXT NOT NULL,
  until_at       TIMESTAMPTZ,
  decision       TEXT NOT NULL,
  by_default     BOOLEAN NOT NULL,
  decided_by     TEXT NOT NULL,
  decider        TEXT NOT NULL,
  decided_at     TIMESTAMPTZ,
  note           TEXT NOT NULL
);
--bun:split
CREATE INDEX review_item_campaign ON review_item (org_id, campaign_id, who, id);
--bun:split
CREATE TABLE review_notice (
  org_id       TEXT NOT NULL,
  campaign_id  TEXT NOT NULL,
  rule         TEXT NOT NULL,
  receiver     TEXT NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id, campaign_id, rule, receiver)
);
