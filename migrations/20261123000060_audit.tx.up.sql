-- What a setting was and became, "" where an entry tells of nothing of the kind.
ALTER TABLE audit_entry ADD COLUMN before TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE audit_entry ADD COLUMN after TEXT NOT NULL DEFAULT '';
--bun:split
-- What Record wrote at once for one organisation and nobody has sealed yet: n
-- entries, whose IDs are made of the lot's.
CREATE TABLE audit_lot (
  id      TEXT PRIMARY KEY,
  org_id  TEXT NOT NULL,
  n       BIGINT NOT NULL
);
--bun:split
CREATE INDEX audit_lot_org ON audit_lot (org_id, id);
--bun:split
INSERT INTO audit_lot (id, org_id, n) SELECT id, org_id, 1 FROM audit_entry;
--bun:split
-- Append-only. The chain: entries seq to seq + n - 1 of an organisation are those
-- of the lot; digests holds the chain after each, 32 bytes apiece.
CREATE TABLE audit_seal (
  org_id     TEXT NOT NULL,
  seq        BIGINT NOT NULL,
  lot        TEXT NOT NULL UNIQUE,
  n          BIGINT NOT NULL,
  digests    BYTEA NOT NULL,
  sealed_at  TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id, seq)
);
--bun:split
-- Append-only. Where a chain stood on a day, signed.
CREATE TABLE audit_checkpoint (
  org_id     TEXT NOT NULL,
  day        TEXT NOT NULL,
  seq        BIGINT NOT NULL,
  digest     BYTEA NOT NULL,
  key_id     TEXT NOT NULL,
  text       TEXT NOT NULL,
  signature  BYTEA NOT NULL,
  at         TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (org_id, day)
);
--bun:split
CREATE TABLE audit_key (
  id          TEXT PRIMARY KEY,
  state       TEXT NOT NULL,
  public      BYTEA NOT NULL,
  key_sealed  BYTEA NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL
);
--bun:split
CREATE UNIQUE INDEX audit_key_active ON audit_key (state) WHERE state = 'active';
--bun:split
DROP INDEX audit_entry_object;
--bun:split
CREATE INDEX audit_entry_object ON audit_entry (org_id, object, at, id);
--bun:split
CREATE INDEX audit_entry_newest ON audit_entry (org_id, at, id);
--bun:split
CREATE INDEX audit_entry_actor ON audit_entry (org_id, actor, at, id);
--bun:split
CREATE INDEX audit_entry_verb ON audit_entry (org_id, verb, at, id);
