-- Which roots and rules a certificate was recognised by: others look at it anew.
ALTER TABLE inventory_certificate ADD COLUMN recognised TEXT NOT NULL DEFAULT '';
--bun:split
CREATE INDEX inventory_certificate_recognised ON inventory_certificate (recognised, id);
