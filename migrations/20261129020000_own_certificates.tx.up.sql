-- Certificates of profiles stand in the inventory too: profile_id is '' for those
-- of others. contact_lang: of mails to the contact. installed_at: of a certificate
-- without places, since when somebody has said that its successor is in use.
ALTER TABLE inventory_certificate ADD COLUMN profile_id TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE inventory_certificate ADD COLUMN contact_lang TEXT NOT NULL DEFAULT 'da';
--bun:split
ALTER TABLE inventory_certificate ADD COLUMN installed_at TIMESTAMPTZ;
--bun:split
CREATE INDEX inventory_certificate_profile ON inventory_certificate (org_id, profile_id) WHERE profile_id <> '';
--bun:split
CREATE INDEX inventory_certificate_contact ON inventory_certificate (org_id, contact_email) WHERE contact_email <> '';
--bun:split
CREATE INDEX inventory_certificate_serial ON inventory_certificate (org_id, serial);
