-- round: counted up by whatever moves the closing, so that work recorded for an
-- instant that no longer counts is known by it. state also knows paused and
-- cancelled; closed_at is the end of either kind.
ALTER TABLE inventory_campaign ADD COLUMN round BIGINT NOT NULL DEFAULT 0;
--bun:split
-- The closing freezes what it found of each member, so that the report stays what
-- it was. outcome: '' while it runs; moved, closed, deleted. action: revoked (the
-- authority here did it), ended (another authority's: it is out of use and has to
-- be revoked there), '' = nothing was done.
ALTER TABLE inventory_member ADD COLUMN serial TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE inventory_member ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE inventory_member ADD COLUMN kind TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE inventory_member ADD COLUMN not_after TIMESTAMPTZ;
--bun:split
ALTER TABLE inventory_member ADD COLUMN plan TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE inventory_member ADD COLUMN owner_id TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE inventory_member ADD COLUMN contact_email TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE inventory_member ADD COLUMN successor_id TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE inventory_member ADD COLUMN action TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE inventory_member ADD COLUMN ended_at TIMESTAMPTZ;
--bun:split
ALTER TABLE inventory_member ADD COLUMN joined_at TIMESTAMPTZ;
--bun:split
CREATE INDEX inventory_member_certificate ON inventory_member (org_id, certificate_id);
--bun:split
-- The instant from which a closing took a certificate out of use.
ALTER TABLE inventory_certificate ADD COLUMN ended_at TIMESTAMPTZ;
