-- Invitations are found by when they run out; each is reminded of once.
ALTER TABLE activation ADD COLUMN reminded_at TIMESTAMPTZ;
--bun:split
CREATE INDEX activation_due ON activation (expires_at) WHERE state = 'open';
