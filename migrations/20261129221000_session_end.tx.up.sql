-- Where a session was begun from. One that another browser or an administrator ended stays on record until it would have
-- ended by itself (ended_at).
ALTER TABLE session ADD COLUMN address TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE session ADD COLUMN ended_at TIMESTAMPTZ;
