-- partner: "service:ID" or "idp:ID" whose metadata shows the certificate now, ''
-- for none. chain: how far its chain was verified, 'root' (to a root that is known
-- here), 'issuer' (by the certificate of its issuer), '' (only its words are known).
ALTER TABLE inventory_certificate ADD COLUMN partner TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE inventory_certificate ADD COLUMN chain TEXT NOT NULL DEFAULT '';
--bun:split
CREATE INDEX inventory_certificate_partner ON inventory_certificate (org_id, partner) WHERE partner <> '';
--bun:split
-- What became of the last call of the webhook: '' (not called yet), 'ok', or the
-- code of why it failed.
ALTER TABLE reminder_rules ADD COLUMN webhook_outcome TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE reminder_rules ADD COLUMN webhook_at TIMESTAMPTZ;
