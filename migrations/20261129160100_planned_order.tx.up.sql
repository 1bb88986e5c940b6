-- An order that a plan of renewals made: the day by which its certificate is to be
-- there ('' for one that somebody placed by hand), and when somebody was told that
-- it had not come.
ALTER TABLE certificate_order ADD COLUMN renew_by TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE certificate_order ADD COLUMN reminded_at TIMESTAMPTZ;
--bun:split
CREATE INDEX certificate_order_planned ON certificate_order (renew_by) WHERE state IN ('waiting', 'ready') AND renew_by <> '' AND reminded_at IS NULL;
--bun:split
-- A machine whose order was cancelled may ask again: one order each that counts.
DROP INDEX certificate_order_renewal;
--bun:split
CREATE UNIQUE INDEX certificate_order_renewal ON certificate_order (org_id, renews) WHERE method = 'est' AND state <> 'cancelled';
--bun:split
-- Where letters to a contact who has no e-mail go, in up to five lines.
ALTER TABLE inventory_certificate ADD COLUMN contact_post TEXT NOT NULL DEFAULT '';
