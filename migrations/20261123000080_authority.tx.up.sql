-- number tells the issuing CAs of a role apart, from 1; state is active (new
-- certificates come from it; one a role) or retired (trusted, with its lists).
ALTER TABLE authority ADD COLUMN number BIGINT NOT NULL DEFAULT 1;
--bun:split
CREATE UNIQUE INDEX authority_number ON authority (role, number);
--bun:split
-- part is the revocation list that a certificate names, by its serial number.
-- Certificates of before name the full list.
ALTER TABLE certificate ADD COLUMN part BIGINT NOT NULL DEFAULT 0;
--bun:split
DROP INDEX certificate_revoked;
--bun:split
CREATE INDEX certificate_revoked ON certificate (authority_id, part, serial) WHERE revoked_at IS NOT NULL;
--bun:split
-- The newest lists of each authority as they are served; part -1 is the full one.
CREATE TABLE revocation_list (
  authority_id  TEXT NOT NULL REFERENCES authority (id),
  part          BIGINT NOT NULL,
  number        BIGINT NOT NULL,
  revoked       BIGINT NOT NULL,
  der           BYTEA NOT NULL,
  this_update   TIMESTAMPTZ NOT NULL,
  next_update   TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (authority_id, part, number)
);
--bun:split
INSERT INTO revocation_list (authority_id, part, number, revoked, der, this_update, next_update)
SELECT authority_id, -1, number, revoked, der, this_update, next_update FROM crl;
--bun:split
DROP TABLE crl;
--bun:split
-- Who answers OCSP for an authority; the highest number is in use.
CREATE TABLE ocsp_responder (
  authority_id  TEXT NOT NULL REFERENCES authority (id),
  number        BIGINT NOT NULL,
  certificate   BYTEA NOT NULL,
  key_sealed    BYTEA NOT NULL,
  not_after     TIMESTAMPTZ NOT NULL,
  created_at    TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (authority_id, number)
);
--bun:split
-- The code that blocks a key file without login, as a keyed hash.
ALTER TABLE key_file ADD COLUMN revocation_mac BYTEA;
--bun:split
-- Refused blocks without login: how many since window_at, for one target.
CREATE TABLE block_try (
  target_mac  BYTEA PRIMARY KEY,
  tries       BIGINT NOT NULL,
  window_at   TIMESTAMPTZ NOT NULL
);
