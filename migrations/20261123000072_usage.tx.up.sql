-- What was counted at the cut of a month, never changed afterwards. month is
-- YYYY-MM of the cut; amounts are øre without VAT. invoiced is what this cut's
-- invoice says, 0 while the amount is carried to a later one.
CREATE TABLE usage_month (
  org_id        TEXT NOT NULL REFERENCES organisation (id),
  month         TEXT NOT NULL,
  users         BIGINT NOT NULL,
  certificates  BIGINT NOT NULL,
  amount        BIGINT NOT NULL,
  carried       BIGINT NOT NULL,
  invoiced      BIGINT NOT NULL,
  counted_at    TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id, month)
);
--bun:split
-- The day from which nobody of the organisation logs in any more.
ALTER TABLE organisation ADD COLUMN ends_at TIMESTAMPTZ;
